

















































































const DEFAULTS = {
  // Live: what is newer is better.
  maxWaiting: 1,
  maxUnacked: 32,
  maxBufferedBytes: 256 * 1024,
  maxKept: 600,
  maxKeptBytes: 32 * 2 ** 20,
  lostFrames: "again",
  handshakeTimeoutMs: 10_000,
  answerTimeoutMs: 10_000,
  backOff: { firstMs: 500, maxMs: 30_000 },
  maxTakeovers: 5,
}                                           ;







export function complete(options                )                  {
  return { ...DEFAULTS, ...options };
}
