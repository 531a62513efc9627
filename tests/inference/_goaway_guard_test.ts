import { assertEquals } from "@std/assert";
import { INFER_CHUNK_PARAMETERS } from "../../modal/local/infer_chunk.ts";
import { startLocalModal } from "../../modal/local/server.ts";

const EYES = {
  app: "app",
  name: "Eyes",
  methods: {
    infer_chunk: {
      parameters: INFER_CHUNK_PARAMETERS,
      call: () => ({ caption: "seen" }),
    },
  },
};

// The process that calls must not be the one that serves: only then does the fault show.
Deno.test("the GOAWAY guard keeps the process alive when Modal ends idle connections", async () => {
  const modal = await startLocalModal({ classes: [EYES] });
  const child = new Deno.Command("deno", {
    args: [
      "run",
      "--no-prompt",
      "--allow-net=127.0.0.1,localhost",
      "--ignore-env",
      new URL("./_goaway_child.ts", import.meta.url).pathname,
      modal.url,
    ],
    env: { MALLOC_PERTURB_: "165" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const told = new Response(child.stderr).text();
  const asks = child.stdin.getWriter();
  const answers = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const heard: (string | undefined)[] = [];
  for (let round = 0; round < 50; round++) {
    await asks.write(new TextEncoder().encode("go\n")).catch(() => {});
    const { value } = await answers.read();
    heard.push(value);
    if (value === undefined) break;
    modal.goaway();
    while (modal.seen.openConnections > 0) await new Promise((done) => setTimeout(done, 1));
  }
  await asks.close().catch(() => {});
  await answers.cancel();
  const { code, signal } = await child.status;
  await modal.close();
  assertEquals([code, signal], [0, null], await told);
  assertEquals(heard, Array(50).fill("captioned\n"));
});
