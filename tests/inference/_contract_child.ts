/** Keeps every promise of the Modal adapter over the SDK's own channel; a line for each. */
import { MODAL_CONTRACT } from "./_modal_contract.ts";

for (const { name, run } of MODAL_CONTRACT) {
  const outcome = await run("grpc").then(() => "kept", (error) => `broken: ${error.message}`);
  console.log(JSON.stringify({ name, outcome })); // deno-lint-ignore no-console
}
Deno.exit(0);
