




import { at,               } from "./_requests.js";
import {                 pagesOf } from "./_pages.js";
import { Refused } from "./refused.js";


const CONFLICT = 412;








export function rulesApi(requests          ) {
  return {
    list: async () => (await requests.json                            ("GET", "/rules")).items,
    add: (draft           ) => requests.json      ("POST", "/rules", { body: draft }),
    get: (id        ) => requests.json      ("GET", at("rules", id)),

    change: (id        , patch           , version         ) =>
      change(requests, id, patch, version),
    remove: (id        ) => requests.done("DELETE", at("rules", id)),

    events: (id        , query                           = {}) =>
      pagesOf           (requests, at("rules", id, "events"), { ...query }),

    test: (id        , range                                                                ) =>
      requests.json          ("POST", at("rules", id, "test"), { body: range }),
    manners: () => requests.json         ("GET", "/manners"),
    setManners: (manners                  ) =>
      requests.json         ("PUT", "/manners", { body: manners }),
  };
}

async function change(
  requests          ,
  id        ,
  patch           ,
  version         ,
)                      {
  const headers = version === undefined ? {} : { "if-match": `"${version}"` };
  try {
    const rule = await requests.json      ("PATCH", at("rules", id), { body: patch, headers });
    return { kind: "changed", rule };
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== CONFLICT) throw error;
    return { kind: "conflict", current: (error.body                     ).current };
  }
}
