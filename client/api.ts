/**
 * What was seen, what is to be told, and who may know: the server's HTTP side.
 *
 * Requests reject with {@link Refused} where the server says no.
 *
 * @module
 */
import { type ListQuery, pagesOf } from "./_pages.ts";
import { at, Requests, type RequestsOptions } from "./_requests.ts";
import { type LiveOptions, watchLive } from "./live.ts";
import { rulesApi } from "./rules_api.ts";
import { wearerApi } from "./wearer_api.ts";
import type {
  AskReply,
  Camera,
  Chunk,
  Health,
  Life,
  Link,
  MadeLink,
  MessageState,
  OutboxMessage,
  Page,
  Profile,
  SearchHit,
  Segment,
  Session,
} from "./records.ts";

export type { ListQuery };

/** A moment: ISO 8601, or milliseconds since 1970. */
export type Moment = string | number;

/** A list of a stretch of time: from `from` to before `to`. */
export interface RangeQuery extends ListQuery {
  readonly from?: Moment;
  readonly to?: Moment;
}

/** All requests of one server. */
export type Api = ReturnType<typeof createApi>;

/** Requests of a server. Nothing is asked before a function is called. */
export function createApi(options: RequestsOptions) {
  const requests = new Requests(options);
  return {
    health: () => requests.json<Health>("GET", "/health"),
    profiles: async () =>
      (await requests.json<{ profiles: readonly Profile[] }>("GET", "/profiles")).profiles,
    ...pastApi(requests),
    live: (options: LiveOptions = {}) => watchLive(requests, options),
    rules: rulesApi(requests),
    outbox: outboxApi(requests),
    camera: cameraApi(requests),
    share: shareApi(requests),
    wearer: (id: string) => wearerApi(requests, id),
  };
}

/** Each item of each page. */
export async function* itemsOf<T>(pages: AsyncIterable<Page<T>>): AsyncGenerator<T, void, void> {
  for await (const { items } of pages) yield* items;
}

function pastApi(requests: Requests) {
  return {
    timeline: (query: RangeQuery = {}) => pagesOf<Segment>(requests, "/timeline", { ...query }),
    search: async (q: string, query: Omit<RangeQuery, "order" | "cursor" | "zone"> = {}) => {
      const found = { q, ...query };
      return (await requests.json<{ hits: readonly SearchHit[] }>("GET", "/timeline/search", {
        query: found,
      })).hits;
    },
    ask: (
      question: string,
      range: Omit<RangeQuery, "order" | "limit" | "cursor"> = {},
      signal?: AbortSignal,
    ) =>
      requests.json<AskReply>("POST", "/ask", {
        body: { question, ...range },
        ...signal && { signal },
      }),
    sessions: (query: RangeQuery = {}) => pagesOf<Session>(requests, "/sessions", { ...query }),
    session: (id: string, zone?: string) =>
      requests.json<Session>("GET", at("sessions", id), { query: { zone } }),
    chunks: (session: string, query: ListQuery = {}) =>
      pagesOf<Chunk>(requests, at("sessions", session, "chunks"), { ...query }),
  };
}

function outboxApi(requests: Requests) {
  return {
    messages: (query: ListQuery & { readonly state?: MessageState } = {}) =>
      pagesOf<OutboxMessage>(requests, "/outbox", { ...query }),
    message: (id: string) => requests.json<OutboxMessage>("GET", at("outbox", id)),
    /** Sends again what is dead; what may have arrived only if that is said. */
    resend: (id: string, evenIfArrived = false) =>
      requests.json<OutboxMessage>("POST", at("outbox", id, "resend"), {
        body: { even_if_arrived: evenIfArrived },
      }),
    webhookSecrets: async () =>
      (await requests.json<{ secrets: readonly string[] }>("GET", "/webhooks/secret")).secrets,
  };
}

/** Of all the wearer's streams, on every process. */
function cameraApi(requests: Requests) {
  return {
    state: () => requests.json<Camera>("GET", "/camera"),
    /** @param forS seconds; without, until somebody unpauses */
    pause: (forS?: number) =>
      requests.json<Camera>("POST", "/camera/pause", {
        body: forS === undefined ? {} : { for_s: forS },
      }),
    unpause: () => requests.json<Camera>("POST", "/camera/unpause"),
  };
}

function shareApi(requests: Requests) {
  return {
    create: (wish: { scopes: readonly ("live" | "timeline")[]; label?: string } & Life) =>
      requests.json<MadeLink>("POST", "/share", { body: wish }),
    links: async () => (await requests.json<{ links: readonly Link[] }>("GET", "/share")).links,
    revoke: (id: string) => requests.done("DELETE", at("share", id)),
  };
}
