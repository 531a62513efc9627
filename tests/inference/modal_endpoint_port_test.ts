import { startEndpointHarness } from "./_endpoint_harness.ts";
import { testPort, testPortOfOldModel } from "./_port_contract.ts";

testPort("Modal endpoint inference", (timeoutMs) => startEndpointHarness(timeoutMs));
testPortOfOldModel(
  "Modal endpoint inference with an old class",
  (timeoutMs) => startEndpointHarness(timeoutMs, "old"),
);
