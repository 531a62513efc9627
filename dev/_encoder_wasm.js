/**
 * The compiled JPEG encoder, loaded with the module graph, so that it needs no read permission.
 *
 * JavaScript, because TypeScript does not parse `import source` yet; the types stand beside it.
 *
 * @module
 */
// @ts-self-types="./_encoder_wasm.d.ts"
import source encoderWasm from "@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm";

export { encoderWasm };
