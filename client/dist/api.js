






import {                 pagesOf } from "./_pages.js";
import { at, Requests,                      } from "./_requests.js";
import {                   watchLive } from "./live.js";
import { rulesApi } from "./rules_api.js";
import { wearerApi } from "./wearer_api.js";
































export function createApi(options                 ) {
  const requests = new Requests(options);
  return {
    health: () => requests.json        ("GET", "/health"),
    profiles: async () =>
      (await requests.json                                  ("GET", "/profiles")).profiles,
    ...pastApi(requests),
    live: (options              = {}) => watchLive(requests, options),
    rules: rulesApi(requests),
    outbox: outboxApi(requests),
    camera: cameraApi(requests),
    share: shareApi(requests),
    wearer: (id        ) => wearerApi(requests, id),
  };
}


export async function* itemsOf   (pages                        )                                {
  for await (const { items } of pages) yield* items;
}

function pastApi(requests          ) {
  return {
    timeline: (query             = {}) => pagesOf         (requests, "/timeline", { ...query }),
    search: async (q        , query                                                = {}) => {
      const found = { q, ...query };
      return (await requests.json                                ("GET", "/timeline/search", {
        query: found,
      })).hits;
    },
    ask: (
      question        ,
      range                                                 = {},
      signal              ,
    ) =>
      requests.json          ("POST", "/ask", {
        body: { question, ...range },
        ...signal && { signal },
      }),
    sessions: (query             = {}) => pagesOf         (requests, "/sessions", { ...query }),
    session: (id        , zone         ) =>
      requests.json         ("GET", at("sessions", id), { query: { zone } }),
    chunks: (session        , query            = {}) =>
      pagesOf       (requests, at("sessions", session, "chunks"), { ...query }),
  };
}

function outboxApi(requests          ) {
  return {
    messages: (query                                                = {}) =>
      pagesOf               (requests, "/outbox", { ...query }),
    message: (id        ) => requests.json               ("GET", at("outbox", id)),

    resend: (id        , evenIfArrived = false) =>
      requests.json               ("POST", at("outbox", id, "resend"), {
        body: { even_if_arrived: evenIfArrived },
      }),
    webhookSecrets: async () =>
      (await requests.json                                ("GET", "/webhooks/secret")).secrets,
  };
}


function cameraApi(requests          ) {
  return {
    state: () => requests.json        ("GET", "/camera"),

    pause: (forS         ) =>
      requests.json        ("POST", "/camera/pause", {
        body: forS === undefined ? {} : { for_s: forS },
      }),
    unpause: () => requests.json        ("POST", "/camera/unpause"),
  };
}

function shareApi(requests          ) {
  return {
    create: (wish                                                                     ) =>
      requests.json          ("POST", "/share", { body: wish }),
    links: async () => (await requests.json                            ("GET", "/share")).links,
    revoke: (id        ) => requests.done("DELETE", at("share", id)),
  };
}
