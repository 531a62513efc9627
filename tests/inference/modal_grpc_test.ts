import { assertEquals } from "@std/assert";
import { MODAL_CONTRACT } from "./_modal_contract.ts";

// In a process of its own: grpc-js leaves timers behind, and without the guard against GOAWAY the
// whole process dies (denoland/deno#36788). Freed memory is overwritten, so that it dies for certain.
Deno.test("modal over the SDK's own channel keeps the same promises, and the process lives", async () => {
  const child = new Deno.Command("deno", {
    args: [
      "run",
      "--no-prompt",
      "--allow-net=127.0.0.1,localhost",
      "--ignore-env",
      new URL("./_contract_child.ts", import.meta.url).pathname,
    ],
    env: { MALLOC_PERTURB_: "165" },
  });
  const { code, signal, stdout, stderr } = await child.output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  const told = new TextDecoder().decode(stderr);
  assertEquals(
    lines.map((line) => JSON.parse(line)),
    MODAL_CONTRACT.map(({ name }) => ({ name, outcome: "kept" })),
    told,
  );
  assertEquals([code, signal], [0, null], told);
});
