import { MODAL_CONTRACT } from "./_modal_contract.ts";

for (const { name, run } of MODAL_CONTRACT) {
  Deno.test(`modal over fetch ${name}`, () => run("fetch"));
}
