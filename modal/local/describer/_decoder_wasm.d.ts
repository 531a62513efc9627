/** mozjpeg's decoder, compiled and not yet instantiated. */
export declare const decoderWasm: WebAssembly.Module;
