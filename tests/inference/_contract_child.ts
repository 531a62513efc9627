/** Keeps every promise of the Modal adapter over the SDK's own channel; a line for each. */
import { MODAL_CONTRACT } from "./_modal_contract.ts";

const encoder = new TextEncoder();
for (const { name, run } of MODAL_CONTRACT) {
  const outcome = await run("grpc").then(() => "kept", (error) => `broken: ${error.message}`);
  const line = JSON.stringify({ name, outcome });
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}
Deno.exit(0);
