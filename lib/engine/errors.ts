/**
 * The errors of the API, in one place: what modules and guests do wrong is a {@linkcode WasmError}, text that is none a `TextError`, misuse of the API a `TypeError` or
 * `RangeError`, and trouble with the machine underneath a `HostError`.
 */
import { type GrowFailure, LimitError } from "../runtime/mod.ts";
export { CompileError, WasmError } from "../wasm/mod.ts";
export {
  ArtifactError,
  BusyError,
  type Frame,
  type FrameSymbol,
  HostError,
  type HostErrorCode,
  LimitError,
  type LimitOwner,
  LinkError,
  type LinkErrorPlace,
  RefError,
  type RefErrorCode,
  Trap,
  type TrapOperands,
  type TrapOptions,
} from "../runtime/mod.ts";
export { type TrapName, TRAPS } from "../abi/mod.ts";

/** The error of something that JavaScript wanted to grow. @internal */
export function growError(what: string, failure: GrowFailure): RangeError {
  const reason = failure();
  return reason instanceof LimitError ? reason : new RangeError(`${what}: ${reason.message}`, { cause: reason });
}
