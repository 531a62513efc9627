/**
 * The compiled JPEG decoder, loaded with the module graph, so that it needs no read permission.
 *
 * JavaScript, because TypeScript does not parse `import source` yet; the types stand beside it.
 *
 * @module
 */
// @ts-self-types="./_decoder_wasm.d.ts"
import source decoderWasm from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm";

export { decoderWasm };
