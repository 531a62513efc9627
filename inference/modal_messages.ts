/**
 * The few protobuf messages of Modal's control plane that calling a class method takes.
 *
 * Names and field numbers are those of `modal.client.ModalClient` as the SDK `npm:modal@0.11.1`
 * encodes them (its `dist/index.js`); fields that we neither send nor read are left out, which
 * protobuf allows. The stand-in in `modal/local` speaks with the same table, and is itself checked
 * against the SDK's own encoders.
 *
 * @module
 */
import protobuf from "protobufjs";

const SCHEMA = `
syntax = "proto3";
package modal.client;

message Empty {}
message AuthTokenGetResponse { string token = 1; }

message FunctionGetRequest {
  string app_name = 1;
  string object_tag = 2;
  string environment_name = 4;
}
message FunctionGetResponse {
  string function_id = 1;
  FunctionHandleMetadata handle_metadata = 2;
}
message FunctionHandleMetadata {
  string function_name = 2;
  int32 function_type = 8;
  bool is_method = 39;
  string use_method_name = 41;
  ClassParameterInfo class_parameter_info = 43;
  map<string, FunctionHandleMetadata> method_handle_metadata = 44;
  optional string input_plane_url = 46;
  optional uint64 max_object_size_bytes = 48;
  repeated int32 supported_input_formats = 50;
  repeated int32 supported_output_formats = 51;
  string app_id = 52;
}
message ClassParameterInfo { int32 format = 1; }

message FunctionInput {
  oneof args_oneof {
    bytes args = 1;
    string args_blob_id = 7;
  }
  bool final_input = 9;
  int32 data_format = 10;
  optional string method_name = 11;
}
message FunctionPutInputsItem { int32 idx = 1; FunctionInput input = 2; }
message FunctionPutInputsResponseItem { int32 idx = 1; string input_id = 2; string input_jwt = 3; }
message FunctionMapRequest {
  string function_id = 1;
  int32 function_call_type = 4;
  repeated FunctionPutInputsItem pipelined_inputs = 5;
  int32 function_call_invocation_type = 6;
}
message FunctionMapResponse {
  string function_call_id = 1;
  repeated FunctionPutInputsResponseItem pipelined_inputs = 2;
  string function_call_jwt = 4;
}

message FunctionGetOutputsRequest {
  string function_call_id = 1;
  int32 max_values = 2;
  float timeout = 3;
  string last_entry_id = 6;
  bool clear_on_success = 7;
  double requested_at = 8;
  repeated string input_jwts = 9;
}
message FunctionGetOutputsResponse {
  repeated FunctionGetOutputsItem outputs = 4;
  string last_entry_id = 5;
  int32 num_unfinished_inputs = 6;
}
message FunctionGetOutputsItem {
  GenericResult result = 1;
  int32 idx = 2;
  string input_id = 3;
  int32 data_format = 5;
  string task_id = 6;
}
message GenericResult {
  int32 status = 1;
  string exception = 2;
  oneof data_oneof {
    bytes data = 5;
    string data_blob_id = 10;
  }
}

message FunctionRetryInputsItem { string input_jwt = 1; FunctionInput input = 2; uint32 retry_count = 3; }
message FunctionRetryInputsRequest {
  string function_call_jwt = 1;
  repeated FunctionRetryInputsItem inputs = 2;
}
message FunctionRetryInputsResponse { repeated string input_jwts = 1; }
message FunctionCallCancelRequest { string function_call_id = 1; }

message BlobCreateRequest {
  string content_md5 = 1;
  string content_sha256_base64 = 2;
  int64 content_length = 3;
}
message BlobCreateResponse {
  oneof upload_type_oneof { string upload_url = 1; }
  string blob_id = 2;
}
message BlobGetRequest { string blob_id = 1; }
message BlobGetResponse { string download_url = 1; }

message AttemptStartRequest { string function_id = 1; FunctionPutInputsItem input = 3; }
message AttemptStartResponse { string attempt_token = 1; }
message AttemptAwaitRequest { string attempt_token = 1; double requested_at = 2; float timeout_secs = 3; }
message AttemptAwaitResponse { optional FunctionGetOutputsItem output = 1; }
message AttemptRetryRequest {
  string function_id = 1;
  FunctionPutInputsItem input = 3;
  string attempt_token = 4;
}
message AttemptRetryResponse { string attempt_token = 1; }
`;

/** The service whose methods these are; a method's path is `/SERVICE/Method`. */
export const MODAL_SERVICE = "modal.client.ModalClient";

/** `DataFormat` of the protocol: how arguments and results are encoded. */
export const DATA_FORMAT_CBOR = 4;

/** Status of a finished call, as `GenericResult.status` carries it. */
export const RESULT_STATUS = {
  success: 1,
  failure: 2,
  terminated: 3,
  timeout: 4,
  internalFailure: 6,
} as const;

/** Each method that we speak: its name on the wire, and the messages it takes and gives. */
export const MODAL_METHODS = {
  authTokenGet: ["AuthTokenGet", "Empty", "AuthTokenGetResponse"],
  functionGet: ["FunctionGet", "FunctionGetRequest", "FunctionGetResponse"],
  functionMap: ["FunctionMap", "FunctionMapRequest", "FunctionMapResponse"],
  functionGetOutputs: [
    "FunctionGetOutputs",
    "FunctionGetOutputsRequest",
    "FunctionGetOutputsResponse",
  ],
  functionRetryInputs: [
    "FunctionRetryInputs",
    "FunctionRetryInputsRequest",
    "FunctionRetryInputsResponse",
  ],
  functionCallCancel: ["FunctionCallCancel", "FunctionCallCancelRequest", "Empty"],
  blobCreate: ["BlobCreate", "BlobCreateRequest", "BlobCreateResponse"],
  blobGet: ["BlobGet", "BlobGetRequest", "BlobGetResponse"],
  attemptStart: ["AttemptStart", "AttemptStartRequest", "AttemptStartResponse"],
  attemptAwait: ["AttemptAwait", "AttemptAwaitRequest", "AttemptAwaitResponse"],
  attemptRetry: ["AttemptRetry", "AttemptRetryRequest", "AttemptRetryResponse"],
} as const satisfies Record<string, readonly [string, string, string]>;

/** A method's name as the SDK calls it on its `cpClient`. */
export type ModalMethod = keyof typeof MODAL_METHODS;

/** Turns plain objects with camelCase fields into protobuf bytes and back. */
export interface MessageCodec {
  /** Unknown fields are ignored; absent ones take protobuf's defaults. */
  encode(message: Record<string, unknown>): Uint8Array;
  /** Absent scalar fields come back as their defaults, absent messages as null, absent oneofs as absent. */
  decode(bytes: Uint8Array): Record<string, unknown>;
}

/** What travels with one method. */
export interface MethodCodec {
  /** `/modal.client.ModalClient/FunctionGet` and the like. */
  readonly path: string;
  readonly request: MessageCodec;
  readonly response: MessageCodec;
}

/** The codecs of every method that we speak. */
export const MODAL_CODECS: Readonly<Record<ModalMethod, MethodCodec>> = buildCodecs();

function buildCodecs(): Record<ModalMethod, MethodCodec> {
  const root = protobuf.parse(SCHEMA).root;
  const entries = Object.entries(MODAL_METHODS).map(([method, [name, request, response]]) => [
    method,
    {
      path: `/${MODAL_SERVICE}/${name}`,
      request: codecOf(root.lookupType(`modal.client.${request}`)),
      response: codecOf(root.lookupType(`modal.client.${response}`)),
    },
  ]);
  return Object.fromEntries(entries);
}

function codecOf(type: protobuf.Type): MessageCodec {
  return {
    encode: (message) => type.encode(message).finish(),
    decode: (bytes) => type.toObject(type.decode(bytes), { defaults: true, longs: Number }),
  };
}
