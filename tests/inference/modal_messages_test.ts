import { assertEquals } from "@std/assert";
import fc, { type Arbitrary } from "fast-check";
import { MODAL_CODECS, MODAL_METHODS, type ModalMethod } from "../../inference/modal_messages.ts";

// That the numbers are those of the real SDK is proven where it talks to the stand-in, which speaks
// with this table: `modal_grpc_test.ts` and `tests/modal/local/sdk_test.ts`.

type Message = Record<string, unknown>;

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const bool = fc.boolean();
const int32 = fc.integer();
const uint32 = fc.nat(2 ** 32 - 1);
const length = fc.maxSafeNat();
const float = fc.float({ noNaN: true });
const double = fc.double({ noNaN: true });
const bytes = fc.uint8Array({ maxLength: 40 });

/** Every field set, but for those of a oneof, of which one is. */
const message = (fields: Record<string, Arbitrary<unknown>>): Arbitrary<Message> =>
  fc.record(fields, { noNullPrototype: true });
const list = (of: Arbitrary<unknown>) => fc.array(of, { maxLength: 3 });
const oneOf = (of: Arbitrary<Message>, ...choices: Record<string, Arbitrary<unknown>>[]) =>
  fc.tuple(of, fc.oneof(...choices.map(message))).map(([rest, chosen]) => ({ ...rest, ...chosen }));

const empty = message({});
const metadataFields = {
  functionName: text,
  functionType: int32,
  isMethod: bool,
  useMethodName: text,
  classParameterInfo: message({ format: int32 }),
  inputPlaneUrl: text,
  maxObjectSizeBytes: length,
  supportedInputFormats: list(int32),
  supportedOutputFormats: list(int32),
  appId: text,
};
const methodName = fc.stringMatching(/^[a-z][a-z_]{0,8}$/);
const method = message({ ...metadataFields, methodHandleMetadata: fc.constant({}) });
const metadata = message({
  ...metadataFields,
  methodHandleMetadata: fc.dictionary(methodName, method, { maxKeys: 2, noNullPrototype: true }),
});
const input = oneOf(
  message({ finalInput: bool, dataFormat: int32, methodName: text }),
  { args: bytes },
  { argsBlobId: text },
);
const item = message({ idx: int32, input });
const result = oneOf(
  message({ status: int32, exception: text }),
  { data: bytes },
  { dataBlobId: text },
);
const output = message({ result, idx: int32, inputId: text, dataFormat: int32, taskId: text });

const MESSAGES: Record<ModalMethod, [request: Arbitrary<Message>, response: Arbitrary<Message>]> = {
  authTokenGet: [empty, message({ token: text })],
  functionGet: [
    message({ appName: text, objectTag: text, environmentName: text }),
    message({ functionId: text, handleMetadata: metadata }),
  ],
  functionMap: [
    message({
      functionId: text,
      functionCallType: int32,
      pipelinedInputs: list(item),
      functionCallInvocationType: int32,
    }),
    message({
      functionCallId: text,
      pipelinedInputs: list(message({ idx: int32, inputId: text, inputJwt: text })),
      functionCallJwt: text,
    }),
  ],
  functionGetOutputs: [
    message({
      functionCallId: text,
      maxValues: int32,
      timeout: float,
      lastEntryId: text,
      clearOnSuccess: bool,
      requestedAt: double,
      inputJwts: list(text),
    }),
    message({ outputs: list(output), lastEntryId: text, numUnfinishedInputs: int32 }),
  ],
  functionRetryInputs: [
    message({
      functionCallJwt: text,
      inputs: list(message({ inputJwt: text, input, retryCount: uint32 })),
    }),
    message({ inputJwts: list(text) }),
  ],
  functionCallCancel: [message({ functionCallId: text }), empty],
  blobCreate: [
    message({ contentMd5: text, contentSha256Base64: text, contentLength: length }),
    oneOf(message({ blobId: text }), { uploadUrl: text }),
  ],
  blobGet: [message({ blobId: text }), message({ downloadUrl: text })],
  attemptStart: [message({ functionId: text, input: item }), message({ attemptToken: text })],
  attemptAwait: [
    message({ attemptToken: text, requestedAt: double, timeoutSecs: float }),
    message({ output }),
  ],
  attemptRetry: [
    message({ functionId: text, input: item, attemptToken: text }),
    message({ attemptToken: text }),
  ],
};

/** The same with plain byte arrays, whatever kind the library gives. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

for (const [name, [request, response]] of Object.entries(MESSAGES)) {
  Deno.test(`MODAL_CODECS.${name} gives back whatever it was given`, () => {
    const codec = MODAL_CODECS[name as ModalMethod];
    fc.assert(fc.property(request, response, (asked, answered) => {
      assertEquals(plain(codec.request.decode(codec.request.encode(asked))), asked);
      assertEquals(plain(codec.response.decode(codec.response.encode(answered))), answered);
    }));
  });
}

Deno.test("MODAL_CODECS names each method as gRPC does", () => {
  assertEquals(Object.keys(MODAL_CODECS), Object.keys(MODAL_METHODS));
  assertEquals(MODAL_CODECS.functionGet.path, "/modal.client.ModalClient/FunctionGet");
  assertEquals(MODAL_CODECS.attemptAwait.path, "/modal.client.ModalClient/AttemptAwait");
});

Deno.test("MODAL_CODECS puts fields under their numbers", () => {
  const { functionGet, functionMap, functionGetOutputs } = MODAL_CODECS;
  const look = { appName: "a", objectTag: "E.*", environmentName: "main" };
  assertEquals(functionGet.request.encode(look).toHex(), "0a01611203452e2a22046d61696e");
  const input = { args: Uint8Array.of(0xf6), dataFormat: 4, methodName: "m" };
  const map = { functionId: "f", functionCallType: 1, pipelinedInputs: [{ idx: 0, input }] };
  assertEquals(
    functionMap.request.encode({ ...map, functionCallInvocationType: 4 }).toHex(),
    "0a016620012a0c080012080a01f650045a016d3004",
  );
  const result = { status: 1, data: Uint8Array.of(0xf6) };
  assertEquals(
    functionGetOutputs.response.encode({ outputs: [{ result, dataFormat: 4 }] }).toHex(),
    "22090a0508012a01f62804",
  );
});

Deno.test("MODAL_CODECS reads defaults where scalars and lists are absent", () => {
  const { functionGet, functionGetOutputs } = MODAL_CODECS;
  const nothing = new Uint8Array();
  assertEquals(functionGetOutputs.request.decode(nothing), {
    functionCallId: "",
    maxValues: 0,
    timeout: 0,
    lastEntryId: "",
    clearOnSuccess: false,
    requestedAt: 0,
    inputJwts: [],
  });
  const found = functionGet.response.encode({ handleMetadata: {} });
  const { handleMetadata } = functionGet.response.decode(found) as { handleMetadata: Message };
  assertEquals(handleMetadata.methodHandleMetadata, {});
  assertEquals([handleMetadata.inputPlaneUrl, handleMetadata.maxObjectSizeBytes], [
    undefined,
    undefined,
  ]);
  assertEquals(functionGet.response.decode(nothing).handleMetadata ?? null, null);
  assertEquals(MODAL_CODECS.attemptAwait.response.decode(nothing).output ?? null, null);
});

Deno.test("MODAL_CODECS tells an empty choice of a oneof from none", () => {
  const { request } = MODAL_CODECS.attemptStart;
  const read = (input: Message) => {
    const decoded = request.decode(request.encode({ input: { input } }));
    return (decoded.input as { input: Message }).input;
  };
  assertEquals(["args" in read({}), "argsBlobId" in read({})], [false, false]);
  assertEquals(plain(read({ args: new Uint8Array() }).args), new Uint8Array());
  assertEquals(read({ argsBlobId: "" }).argsBlobId, "");
});

Deno.test("MODAL_CODECS leaves out what it does not know, and skips what it is not told of", () => {
  const { request } = MODAL_CODECS.blobGet;
  const known = request.encode({ blobId: "b" });
  assertEquals(request.encode({ blobId: "b", nonsense: 1 }), known);
  const fromNewerModal = [...known, 0x82, 0x7d, 0x01, 0x78]; // field 2000 is "x"
  assertEquals(request.decode(Uint8Array.from(fromNewerModal)), { blobId: "b" });
});
