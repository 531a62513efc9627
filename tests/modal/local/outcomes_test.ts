import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { RESULT_STATUS } from "../../../inference/modal_messages.ts";
import { bindArguments, exceptionRepr } from "../../../modal/local/_binding.ts";
import type { LocalMethod } from "../../../modal/local/classes.ts";
import { counter, withModal } from "./_fixture.ts";
import { valueOf } from "./_raw_client.ts";

const PARAMETERS = ["a", "b", { name: "c", default: "C" }];

Deno.test("bindArguments fills positionals by order, then keywords, then defaults", () => {
  const bind = (args: unknown[], kwargs = {}) => bindArguments("K.m", PARAMETERS, args, kwargs);
  assertEquals(bind([1, 2]), { a: 1, b: 2, c: "C" });
  assertEquals(bind([1], { c: 3, b: undefined }), { a: 1, b: undefined, c: 3 });
  assertEquals(bind([1, 2, null]), { a: 1, b: 2, c: null });
});

Deno.test("bindArguments fails in Python's words", () => {
  // Each text is what CPython 3.12 says of `class K: def m(self, a, b, c="C")`.
  const cases: [unknown[], Record<string, unknown>, string][] = [
    [[1, 2], { history: [] }, "K.m() got an unexpected keyword argument 'history'"],
    [[1, 2], { a: 1 }, "K.m() got multiple values for argument 'a'"],
    [[1], {}, "K.m() missing 1 required positional argument: 'b'"],
    [[], {}, "K.m() missing 2 required positional arguments: 'a' and 'b'"],
    [[1, 2, 3, 4], {}, "K.m() takes from 3 to 4 positional arguments but 5 were given"],
  ];
  for (const [args, kwargs, text] of cases) {
    const error = assertThrows(() => bindArguments("K.m", PARAMETERS, args, kwargs), Error);
    assertEquals([error.name, error.message], ["TypeError", text]);
  }
  const three = assertThrows(() => bindArguments("K.m", ["a", "b", "c"], [], {}), Error);
  assertEquals(three.message, "K.m() missing 3 required positional arguments: 'a', 'b', and 'c'");
  const exact = assertThrows(() => bindArguments("K.m", ["a"], [1, 2], {}), Error);
  assertEquals(exact.message, "K.m() takes 2 positional arguments but 3 were given");
  const none = assertThrows(() => bindArguments("K.m", [], [1], {}), Error);
  assertEquals(none.message, "K.m() takes 1 positional argument but 2 were given");
});

Deno.test("exceptionRepr quotes as Python's repr does", () => {
  assertEquals(exceptionRepr(new RangeError("no")), "RangeError('no')");
  assertEquals(exceptionRepr(new TypeError("it's")), `TypeError("it's")`);
  assertEquals(exceptionRepr(new Error(`it's "so"\n\\`)), `Error('it\\'s "so"\\n\\\\')`);
  assertEquals(exceptionRepr("thrown"), "Exception('thrown')");
});

const throwing = (error: unknown): LocalMethod => ({
  parameters: [],
  call() {
    throw error;
  },
});

Deno.test("a method that throws, rejects or returns what CBOR cannot carry has failed", async () => {
  const valueError = Object.assign(new Error("no frames"), { name: "ValueError" });
  const served = counter({
    throws: throwing(valueError),
    rejects: { parameters: [], call: () => Promise.reject(valueError) },
    odd: { parameters: [], call: () => ({ f: Symbol("x") }) },
  });
  await withModal({ classes: [served] }, async (_modal, client) => {
    const functionId = await client.open();
    for (const method of ["throws", "rejects"]) {
      const { result } = await client.call(functionId, method, {});
      assertEquals(result.status, RESULT_STATUS.failure);
      assertEquals(result.exception, "ValueError('no frames')");
    }
    const { result } = await client.call(functionId, "odd", {});
    assertEquals(result.status, RESULT_STATUS.failure);
  });
});

Deno.test("arguments that do not fit the parameters are the call's failure", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    const { result } = await client.call(functionId, "add", { args: [1], kwargs: { history: [] } });
    assertEquals(result.status, RESULT_STATUS.failure);
    assertEquals(
      result.exception,
      `TypeError("Counter.add() got an unexpected keyword argument 'history'")`,
    );
    assertEquals(modal.seen.calls, []);
  }));

Deno.test("arguments that are not CBOR of [args, kwargs] are the call's failure", () =>
  withModal({}, async (_modal, client) => {
    const functionId = await client.open();
    for (const args of [new Uint8Array([0xff]), new Uint8Array([0x80]), new Uint8Array([0xf6])]) {
      const { functionCallId } = await client.rpc("functionMap", {
        functionId,
        pipelinedInputs: [{ idx: 0, input: { args, dataFormat: 4, methodName: "add" } }],
      });
      const { result } = await client.output(functionCallId);
      assertEquals(result.status, RESULT_STATUS.failure);
      assertStringIncludes(result.exception, "DeserializationError");
    }
  }));

Deno.test("bytes, numbers, null, lists and maps arrive and return as they are", async () => {
  const echo: LocalMethod = { parameters: ["value"], call: ({ value }) => value };
  await withModal({ classes: [counter({ echo })] }, async (modal, client) => {
    const functionId = await client.open();
    const value = { list: [1, 2.5, null, "é"], bytes: new Uint8Array([1, 2]), flag: true };
    const answer = valueOf(await client.call(functionId, "echo", { args: [value] }));
    assertEquals({ ...answer, bytes: [...answer.bytes] }, { ...value, bytes: [1, 2] });
    const seen = modal.seen.calls[0]!.args.value as typeof value;
    assertEquals(seen.bytes instanceof Uint8Array, true);
    assertEquals(
      valueOf(await client.call(functionId, "echo", { args: ["bare text"] })),
      "bare text",
    );
  });
});
