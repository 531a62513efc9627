/**
 * Several models behind one port: when the first cannot be reached, or is slower than its deadline,
 * the next one answers; the first comes back by itself.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { Breaker } from "./_breaker.ts";
import type {
  AnswerOutcome,
  AskContext,
  Chunk,
  FailedOutcome,
  GenerateOutcome,
  GenerateRequest,
  InferContext,
  InferOutcome,
  ModelIdentity,
  OpenOutcome,
  VisionInferenceClient,
  VisionInferenceSession,
} from "./client.ts";

interface Member {
  readonly client: VisionInferenceClient;
  /** Shared by all streams: what one has learned, the others need not. */
  readonly breaker: Breaker;
}

/**
 * Chains clients, the preferred one first. A stream is captioned as long as one of them answers; a
 * chunk that a model refused is refused, as another would see the same frames.
 */
export function createInferenceChain(
  clients: readonly VisionInferenceClient[],
  clock: Clock,
): VisionInferenceClient {
  const members = clients.map((client) => ({ client, breaker: new Breaker(clock) }));
  return {
    serves: (identity) => clients.some((client) => client.serves(identity)),
    openSession: (identity, signal) => openChain(members, identity, signal),
    async prepare() {
      await Promise.all(clients.map((client) => client.prepare()));
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

async function openChain(
  members: readonly Member[],
  identity: ModelIdentity | null,
  signal: AbortSignal,
): Promise<OpenOutcome> {
  const links = members.map((member) => new Link(member, identity));
  const outcomes = links.map((link) => link.open(signal));
  // The first that is open will do: the others go on opening, and take their places when they are.
  const isOpen = await Promise.any(outcomes.map(async (outcome) => {
    if ((await outcome).kind !== "opened") throw outcome;
  })).then(() => true, () => false);
  if (isOpen) return { kind: "opened", session: new ChainSession(links) };
  const settled = await Promise.all(outcomes);
  return settled.find(({ kind }) => kind === "unavailable") ?? { kind: "disabled" };
}

type LinkState =
  | { readonly kind: "away" }
  | { readonly kind: "opening" }
  | { readonly kind: "open"; readonly session: VisionInferenceSession }
  /** This member has no model for this stream. */
  | { readonly kind: "disabled" };

/** One stream's line to one member. */
class Link {
  readonly breaker: Breaker;
  readonly #client: VisionInferenceClient;
  readonly #identity: ModelIdentity | null;
  #state: LinkState = { kind: "away" };

  constructor({ client, breaker }: Member, identity: ModelIdentity | null) {
    this.#client = client;
    this.breaker = breaker;
    this.#identity = identity;
  }

  /** Null while the line is not open. */
  get session(): VisionInferenceSession | null {
    return this.#state.kind === "open" ? this.#state.session : null;
  }

  async open(signal: AbortSignal): Promise<OpenOutcome> {
    this.#state = { kind: "opening" };
    const outcome = await this.#client.openSession(this.#identity, signal);
    if (outcome.kind === "opened") this.#state = { kind: "open", session: outcome.session };
    else this.#state = { kind: outcome.kind === "disabled" ? "disabled" : "away" };
    return outcome;
  }

  /** Tries to open a line that could not be opened before; nobody waits for it. */
  openLater(signal: AbortSignal): void {
    if (this.#state.kind !== "away" || !this.breaker.admits()) return;
    this.open(signal).then(({ kind }) => {
      if (signal.aborted) this.breaker.cancelled();
      else if (kind === "unavailable") this.breaker.failed();
      else this.breaker.succeeded();
    });
  }
}

class ChainSession implements VisionInferenceSession {
  readonly #links: readonly Link[];
  readonly #closed = new AbortController();
  /** Said again while nobody may be asked, so that a client hears of one outage once. */
  #lastReason = "No model can be reached at the moment";

  constructor(links: readonly Link[]) {
    this.#links = links;
  }

  inferChunk(chunk: Chunk, context: InferContext): Promise<InferOutcome> {
    return this.#first(context.signal, (session) => session.inferChunk(chunk, context));
  }

  answer(
    frames: readonly Uint8Array[],
    question: string,
    context: AskContext,
  ): Promise<AnswerOutcome> {
    return this.#first(context.signal, (session) => session.answer(frames, question, context));
  }

  generate<T>(request: GenerateRequest<T>, signal: AbortSignal): Promise<GenerateOutcome<T>> {
    return this.#first(signal, (session) => session.generate(request, signal));
  }

  close(): void {
    this.#closed.abort();
    for (const { session } of this.#links) session?.close();
  }

  /** What the first member says that can be reached. */
  async #first<T extends { readonly kind: string }>(
    signal: AbortSignal,
    call: (session: VisionInferenceSession) => Promise<T | FailedOutcome>,
  ): Promise<T | FailedOutcome> {
    for (const link of this.#links) {
      const { session, breaker } = link;
      if (!session) {
        link.openLater(this.#closed.signal);
        continue;
      }
      if (!breaker.admits()) continue;
      const outcome = await call(session);
      if (!isOutage(outcome)) {
        breaker.succeeded();
        return outcome;
      }
      if (signal.aborted) {
        breaker.cancelled();
        return outcome;
      }
      breaker.failed();
      this.#lastReason = outcome.reason;
    }
    return { kind: "failed", scope: "service", reason: this.#lastReason };
  }
}

function isOutage(outcome: { readonly kind: string } | FailedOutcome): outcome is FailedOutcome {
  return "scope" in outcome && outcome.scope === "service";
}
