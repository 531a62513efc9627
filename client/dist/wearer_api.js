




import { linesOf } from "./_lines.js";
import { at,               } from "./_requests.js";
import { pause } from "./platform.js";
import { Incomplete, Refused } from "./refused.js";










const RETRY_MS = 2_000;








export function wearerApi(requests          , wearer        ) {
  const path = (...rest          ) => at("wearers", wearer, ...rest);
  return {
    issueToken: (wish                                                     ) =>
      requests.json                           ("POST", path("tokens"), { body: wish }),
    tokens: async () =>
      (await requests.json                              ("GET", path("tokens"))).tokens,
    revokeToken: (id        ) => requests.done("DELETE", path("tokens", id)),
    retention: () => requests.json           ("GET", path("retention")),

    setRetention: (days               ) =>
      requests.json           ("PUT", path("retention"), { body: { days } }),
    export: (signal              ) => exportLines(requests, path("export"), signal),
    erase: () => erase(requests, path()),
  };
}


async function* exportLines(
  requests          ,
  path        ,
  signal              ,
)                                         {
  const response = await requests.send("GET", path, signal ? { signal } : {});
  for await (const line of linesOf(response.body )) {
    if (line === "") continue;
    const record = JSON.parse(line)              ;
    yield record;
    if (record.record === "end") return;
  }
  throw new Incomplete("The export broke off: something is missing");
}


async function erase(requests          , path        )                  {
  let response = await requests.send("DELETE", path);
  for (;;) {
    if (response.status === 200) return { kind: "erased", receipt: await response.json() };
    const started                  = await response.json();
    const seconds = Number(response.headers.get("retry-after") ?? NaN);
    await pause(requests.platform.clock, seconds * 1000 || RETRY_MS);
    try {
      response = await requests.send("GET", `${path}/erasure`);
    } catch (error) {
      if (error instanceof Refused && !error.isPassing) return { kind: "under_way", started };
      throw error;
    }
  }
}
