/**
 * A real database whose answers go wrong on request.
 *
 * @module
 */

/** What may go wrong with a commit. */
export type CommitFault =
  /** Nothing is written. */
  | { readonly kind: "refused" }
  /** It is written, and nobody is told. */
  | { readonly kind: "answer lost" }
  | { readonly kind: "slow"; readonly delayMs: number };

/** A database, and the faults that its next users meet. */
export class FaultyKv {
  /** Hand this to the application. */
  readonly kv: Deno.Kv;
  /** Called when a commit has gone through, before anyone hears of it. */
  afterCommit: () => Promise<void> = () => Promise.resolve();
  readonly #real: Deno.Kv;
  readonly #commits: CommitFault[] = [];
  #readFailures = 0;

  constructor(real: Deno.Kv) {
    this.#real = real;
    this.kv = new Proxy(real, { get: (_, name) => this.#member(name) });
  }

  /** The next `times` commits go wrong. */
  failCommits(fault: CommitFault, times: number): void {
    for (let left = times; left > 0; left--) this.#commits.push(fault);
  }

  /** The next `times` reads fail. */
  failReads(times: number): void {
    this.#readFailures += times;
  }

  /** Nothing goes wrong any more. */
  calm(): void {
    this.#commits.length = 0;
    this.#readFailures = 0;
  }

  #member(name: string | symbol): unknown {
    const real = this.#real;
    if (name === "atomic") return () => this.#faultyAtomic(real.atomic());
    const member = Reflect.get(real, name);
    if (typeof member !== "function") return member;
    const isRead = name === "get" || name === "list";
    return (...args: unknown[]) => {
      if (isRead && this.#takeReadFailure()) {
        if (name === "list") throw new Error("KV cannot be read (fault)");
        return Promise.reject(new Error("KV cannot be read (fault)"));
      }
      return member.apply(real, args);
    };
  }

  #takeReadFailure(): boolean {
    if (this.#readFailures === 0) return false;
    this.#readFailures--;
    return true;
  }

  #faultyAtomic(atomic: Deno.AtomicOperation): Deno.AtomicOperation {
    const commitReally = atomic.commit.bind(atomic);
    const commit = async () => {
      const outcome = await commitReally();
      await this.afterCommit();
      return outcome;
    };
    atomic.commit = async () => {
      const fault = this.#commits.shift();
      switch (fault?.kind) {
        case undefined:
          return await commit();
        case "refused":
          throw new Error("KV refused (fault)");
        case "answer lost":
          await commit();
          throw new Error("KV's answer was lost (fault)");
        case "slow":
          await new Promise<void>((done) => setTimeout(done, fault.delayMs));
          return await commit();
      }
    };
    return atomic;
  }
}
