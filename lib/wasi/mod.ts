/**
 * WASI: the system interface of guests, the first embedder of the engine and proof that its API suffices.
 *
 * May import: base, host, engine.
 *
 * WASI-1  A guest reaches files only beneath folders it was given (BENEATH-1, BENEATH-2 in preview1/beneath.ts).
 * WASI-2  Deno's own permissions are asked for before a grant is made: FFI would go past them.
 * WASI-3  Everything read from guest memory is read once, into a value or a copy, before it is checked (HOST-R).
 * WASI-4  A function returns an error number for whatever a guest can cause; only `proc_exit` throws.
 *
 * @module
 */
export {
  type FunctionSink,
  type Preopen,
  WASI_MODULES,
  WasiError,
  type WasiModuleName,
  type WasiOptions,
  WasiPreview1,
} from "./preview1/wasi.ts";
export type { InputSource, OutputSink } from "./preview1/descriptors.ts";
export type { BufferSource } from "./preview1/guest_memory.ts";
export { WasiExit } from "./preview1/state.ts";
export { WASI_FUNCTIONS, type WasiFunctionName } from "./preview1/abi.ts";
export { setPathResolution } from "./preview1/beneath.ts";
