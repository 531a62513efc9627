import { testServerContract } from "./_server_contract.ts";

testServerContract("native");
