






export const PROTOCOL = "foresight.v2";
































































































const TYPES = new Set(["hello", "ack", "result", "notice", "answer", "error"]);


export function readMessage(data         )                       {
  if (typeof data !== "string") return null;
  try {
    const message = JSON.parse(data)                             ;
    return TYPES.has(String(message?.type)) ? message                  : null;
  } catch {
    return null;
  }
}
