/**
 * The one error that decoding and validation throw.
 *
 * May import: nothing. @module
 */

/** What modules and guests do wrong: the root of `CompileError`, of linking errors and of traps. */
export class WasmError extends Error {
  /** The class's name. */
  override readonly name: string = "WasmError";
}

/** Where in a module a {@linkcode CompileError} arose. */
export interface CompileErrorPlace {
  /** The index, in the module's function index space, of the function whose body is at fault. */
  readonly functionIndex?: number | undefined;
  /** That function's name, from the name section. */
  readonly functionName?: string | undefined;
}

/** The bytes are not a WebAssembly module, the module is not valid, or it needs a feature or exceeds a limit. */
export class CompileError extends WasmError {
  /** `"CompileError"`. */
  override readonly name = "CompileError";
  /** What is wrong, without the place. */
  readonly reason: string;
  /** Where in the module's bytes. */
  readonly offsetBytes: number;
  /** The function at fault, in the function index space; undefined outside function bodies. */
  readonly functionIndex: number | undefined;

  /** Makes the error for a place in a module's bytes. */
  constructor(reason: string, offsetBytes: number, place: CompileErrorPlace = {}) {
    const { functionIndex, functionName } = place;
    const quoted = functionName === undefined ? "" : ` ${JSON.stringify(functionName)}`;
    const inFunction = functionIndex === undefined ? "" : ` in function ${functionIndex}${quoted}`;
    super(`at offset 0x${offsetBytes.toString(16)}${inFunction}: ${reason}`);
    this.reason = reason;
    this.offsetBytes = offsetBytes;
    this.functionIndex = functionIndex;
  }
}
