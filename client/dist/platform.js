



















































export function platformWith(given                    = {})           {
  return {
    WebSocket: given.WebSocket ?? globalThis.WebSocket                             ,
    // Browsers refuse to be called as a method of anything else.
    fetch: given.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: given.clock ?? SYSTEM_CLOCK,
    random: given.random ?? Math.random,
  };
}

const SYSTEM_CLOCK        = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};


export function pause(clock       , delayMs        , signal              )                {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const wake = () => {
      cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(delayMs, wake);
    signal?.addEventListener("abort", wake);
  });
}
