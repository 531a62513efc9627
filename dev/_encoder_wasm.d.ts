/** mozjpeg's encoder, compiled and not yet instantiated. */
export declare const encoderWasm: WebAssembly.Module;
