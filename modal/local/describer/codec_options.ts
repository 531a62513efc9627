/**
 * What a jSquash codec is given so that it starts from a module we hold, and stays quiet.
 *
 * @module
 */

/** The part of Emscripten's module options that we use. */
export interface CodecOptions {
  /** Starts the codec from our module; its own way is to fetch a file URL, which needs permission. */
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Module) => void,
  ): WebAssembly.Exports;
  /** Where the codec writes its complaints. A broken frame is an answer here, not a line on stderr. */
  printErr(line: string): void;
}

/**
 * Options for `init()` of `@jsquash/jpeg/decode.js` or `encode.js`.
 *
 * @param wasm The compiled codec.
 * @param onMemory Told the memory of the new instance, which only ever grows.
 */
export function codecOptions(
  wasm: WebAssembly.Module,
  onMemory: (memory: WebAssembly.Memory) => void = () => {},
): CodecOptions {
  return {
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(wasm, imports);
      for (const exported of Object.values(instance.exports)) {
        if (exported instanceof WebAssembly.Memory) onMemory(exported);
      }
      // jSquash types the callback as taking a Module; Emscripten reads `.exports` of an Instance.
      done(instance as unknown as WebAssembly.Module);
      return instance.exports;
    },
    printErr() {},
  };
}
