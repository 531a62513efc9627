/**
 * The describer in a Web Worker. Started by `container.ts`, which speaks for it.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { describeFrames, type Description } from "./describer.ts";

/** A chunk to describe; `id` comes back with the answer. */
export interface DescribeRequest {
  readonly id: number;
  readonly frames: readonly Uint8Array[];
}

/** The answer to a {@link DescribeRequest}. Errors go as name and message: classes do not travel. */
export type DescribeReply =
  | { readonly id: number; readonly ok: true; readonly description: Description }
  | {
    readonly id: number;
    readonly ok: false;
    readonly error: { readonly name: string; readonly message: string };
  };

self.onmessage = async ({ data }: MessageEvent<DescribeRequest>) => {
  self.postMessage(await answer(data));
};

async function answer({ id, frames }: DescribeRequest): Promise<DescribeReply> {
  try {
    return { id, ok: true, description: await describeFrames(frames) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { id, ok: false, error: { name, message } };
  }
}
