/** Calls a class over the SDK's own channel once for every line it reads; answers with a line. */
import { systemClock } from "../../clock.ts";
import { createModalInference } from "../../inference/modal.ts";

const [serverUrl = ""] = Deno.args;
const { signal } = new AbortController();
const client = createModalInference({
  serverUrl,
  environment: "main",
  transport: "grpc",
  timeoutMs: 10_000,
  clock: systemClock,
  newId: () => crypto.randomUUID(),
});
const identity = { tokenId: "ak", tokenSecret: "as", appName: "app", className: "Eyes" };
const opened = await client.openSession(identity, signal);
if (opened.kind !== "opened") throw new Error(JSON.stringify(opened));

const encoder = new TextEncoder();
for await (const _line of Deno.stdin.readable) {
  const chunk = { frames: [], frameCount: 1, byteCount: 1, startS: 0, endS: 1 };
  const context = { prompt: "look", history: [], sessionId: "s", questions: [], signal };
  const outcome = await opened.session.inferChunk(chunk, context);
  Deno.stdout.writeSync(encoder.encode(`${outcome.kind}\n`));
}
Deno.exit(0);
