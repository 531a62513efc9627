/**
 * What a stream was like, in words.
 *
 * @module
 */
import type { ClipReport, StreamClipOptions } from "./stream_clip.ts";
import { say, sayForNow } from "./terminal.ts";

/** Prints captions and errors as they come, and a line of progress in between. */
export const printAsItComes: Pick<StreamClipOptions, "onCaption" | "onError" | "onProgress"> = {
  onCaption: ({ text, atS, ageMs }) =>
    say(`${secondsOf(atS)}  ${text}  (${Math.round(ageMs)} ms old)`),
  onError: (reason, atS) => say(`${secondsOf(atS)}  ! ${reason}`),
  onProgress: ({ sentFrames, ackedFrames, captions, seconds }) =>
    sayForNow(
      `${secondsOf(seconds)}  ${sentFrames} frames, ${ackedFrames} acks, ${captions} captions`,
    ),
};

/** The summary of a stream, a fact a line. */
export function summaryOf(report: ClipReport): string[] {
  const { sentFrames, ackedFrames, captions, errors, ackMs, captionAgeMs, endedByServer } = report;
  const lines = [
    `frames       ${sentFrames} sent, ${ackedFrames} acked`,
    `chunks       ${captions + errors} answered: ${captions} captions, ${errors} errors`,
    `ack          p50 ${percentile(ackMs, 50)}, p95 ${percentile(ackMs, 95)}`,
    `caption age  p50 ${percentile(captionAgeMs, 50)}, p95 ${percentile(captionAgeMs, 95)}` +
    " (end of what it describes -> heard)",
  ];
  if (endedByServer) {
    lines.push(`closed       by the server: ${endedByServer.code} ${endedByServer.reason}`);
  }
  return lines;
}

function percentile(values: readonly number[], percent: number): string {
  if (values.length === 0) return "-";
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))]!;
  return `${value.toFixed(1)} ms`;
}

function secondsOf(seconds: number): string {
  return `${seconds.toFixed(1).padStart(5)} s`;
}
