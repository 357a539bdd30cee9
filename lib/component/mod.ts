/**
 * Components: what is between instances that share nothing, above the API of core modules.
 *
 * What lives here so far are the builtins that code between components calls (the table is `COMPONENT_BUILTINS` of `lib/abi`): `transcode/`
 * changes the encoding of strings on their way from one memory to another, as machine code made from a module over both memories, with a
 * reference in TypeScript beside it; `handles/` has the tables of resources, futures, streams and error contexts, and the calls that
 * handles are lent to. All of it is made of the engine's public objects, so compiled code calls a builtin as it calls any import, and this
 * layer needs nothing of the runtime's.
 *
 * May import: base, abi, text, engine.
 *
 * COMP-1  What a guest can cause is a `Trap` with its reason, raised before anything is changed; text is the exception (TRANS-4).
 * COMP-2  Machine code and reference of a transcoder give the same results, counts and traps for the same buffers (tests/fuzz).
 *
 * @module
 */
export {
  type ComponentBuiltins,
  componentBuiltins,
  createIntrinsics,
  dropResult,
  type IntrinsicName,
  type Intrinsics,
} from "./builtins.ts";
export { CallScope } from "./handles/call_scope.ts";
export {
  ComponentContext,
  type TypeErrorContextTableIndex,
  type TypeFutureTableIndex,
  type TypeResourceTableIndex,
  type TypeStreamTableIndex,
} from "./handles/component_context.ts";
export { type Channel, CopyEnd, type CopyState } from "./handles/copy_end.ts";
export { ErrorContext, ErrorContextHandle } from "./handles/error_context.ts";
export { type Handle, HandleTable, MAX_HANDLE } from "./handles/handle_table.ts";
export { ResourceHandle, type ResourceType } from "./handles/resource.ts";
export { REFERENCE_TRANSCODERS, type SizePair } from "./transcode/reference.ts";
export {
  createTranscoders,
  signatureOf,
  type TranscoderOptions,
  type Transcoders,
  type TranscodeTrace,
} from "./transcode/transcoders.ts";
