import type { Socket } from "../../stream/socket.ts";

/** A socket whose other end is the test. */
export interface FakeSocket extends Socket {
  /** What was sent, parsed. */
  readonly sent: Record<string, unknown>[];
  readonly closes: [code: number, reason: string][];
  queuedBytes: number;
}

export function createFakeSocket(): FakeSocket {
  const sent: Record<string, unknown>[] = [];
  const closes: [number, string][] = [];
  return {
    sent,
    closes,
    queuedBytes: 0,
    send: (text) => void sent.push(JSON.parse(text)),
    close: (code, reason) => void closes.push([code, reason]),
  };
}
