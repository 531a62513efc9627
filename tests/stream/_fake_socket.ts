import type { Socket } from "../../stream/socket.ts";

/** A socket whose other end is the test. */
export interface FakeSocket extends Socket {
  /** What was sent, parsed. */
  readonly sent: Record<string, unknown>[];
  readonly closes: [code: number, reason: string][];
  queuedBytes: number;
  /** False: as on a transport that cannot pause. */
  canPause: boolean;
  isPaused: boolean;
  isTerminated: boolean;
  protocol: string;
}

export function createFakeSocket(): FakeSocket {
  const sent: Record<string, unknown>[] = [];
  const closes: [number, string][] = [];
  return {
    sent,
    closes,
    queuedBytes: 0,
    canPause: true,
    isPaused: false,
    isTerminated: false,
    protocol: "",
    send: (text) => void sent.push(JSON.parse(text)),
    close: (code, reason) => void closes.push([code, reason]),
    terminate() {
      this.isTerminated = true;
    },
    pause() {
      if (this.canPause) this.isPaused = true;
      return this.canPause;
    },
    resume() {
      this.isPaused = false;
    },
  };
}
