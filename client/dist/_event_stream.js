





import { linesOf } from "./_lines.js";












export async function* eventsOf(
  bytes                            ,
  arrived            ,
)                                          {
  let id = "";
  let retryMs                = null;
  let type = "";
  let data           = [];
  let isEmpty = true;
  for await (const line of linesOf(bytes, arrived)) {
    if (line === "") {
      if (!isEmpty) yield { type: type || "message", data: data.join("\n"), id, retryMs };
      [type, data, isEmpty] = ["", [], true];
      continue;
    }
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    isEmpty = false;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") type = value;
    if (name === "data") data.push(value);
    if (name === "id" && !value.includes("\0")) id = value;
    if (name === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }
}
