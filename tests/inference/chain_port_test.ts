import { systemClock } from "../../clock.ts";
import { createInferenceChain } from "../../inference/chain.ts";
import { noopInference } from "../../inference/noop.ts";
import { startEndpointHarness } from "./_endpoint_harness.ts";
import { type StartHarness, testPort, testPortOfOldModel } from "./_port_contract.ts";

/** The stream has no identity for the first member, so the second answers. */
const startWith = (age: "new" | "old"): StartHarness => async (timeoutMs) => {
  const harness = await startEndpointHarness(timeoutMs, age);
  return { ...harness, client: createInferenceChain([noopInference, harness.client], systemClock) };
};

testPort("chain of models", startWith("new"));
testPortOfOldModel("chain of models with an old class", startWith("old"));
