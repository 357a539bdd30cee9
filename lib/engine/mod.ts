/**
 * The API: engines, stores, modules, instances, linkers, and everything that instances import and export.
 *
 * Every class wraps an object of `lib/runtime`, which has the state; here are options, checks of what users pass, names and types. A class
 * that exists once for each thing in a store (`Memory`, `Table`, `Global`, `Tag`, `Func`) is found again through that thing.
 *
 * May import: base, wasm, abi, text (in text.ts only), symbols (in symbols.ts only), compile (in compiler.ts only), runtime.
 *
 * ENGINE-1  Whatever is passed, the answer is a result or an error: brands are checked (`#state in value`), nothing is trusted by shape.
 * ENGINE-2  An object of a disposed engine, store or module throws a `TypeError` that says so.
 * ENGINE-3  User code (getters, `valueOf`, host functions) runs before anything is changed, or after everything is.
 *
 * @module
 */
export type { AsyncCallOptions, CallOptions, DeadlineOptions, OnDeadline } from "./call_options.ts";
export { Budget, type BudgetLimits, type BudgetUsage } from "./budget.ts";
export { Caller } from "./caller.ts";
export type { ProgressListener } from "./compilation.ts";
export type { EngineConfig } from "./config.ts";
export { Engine } from "./engine.ts";
export { Epoch } from "./epoch.ts";
export {
  ArtifactError,
  BusyError,
  CompileError,
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
  type TrapName,
  type TrapOperands,
  type TrapOptions,
  TRAPS,
  WasmError,
} from "./errors.ts";
export { Exception } from "./exception.ts";
export type { BudgetToken, ExceptionBase } from "../runtime/mod.ts";
export type { ExportValue } from "./externs.ts";
export { type CallerImplementation, Func, type HostFuncOptions, type HostImplementation } from "./func.ts";
export { FuncRef } from "./func_ref.ts";
export { Global, type GlobalType } from "./global.ts";
export {
  type AnyExports,
  type AsyncInstanceOptions,
  type Imports,
  type ImportValue,
  Instance,
  type InstanceOptions,
} from "./instance.ts";
export {
  AnyRef,
  ArrayRef,
  ContRef,
  ExnRef,
  ExternRef,
  type FieldValues,
  type RefOf,
  type RefOfType,
  RootScope,
  StructRef,
} from "./heap_refs.ts";
export {
  CompositeType,
  GroupMember,
  type HeapTypeName,
  type HeapTypeSource,
  type RefType,
  type StorageType,
} from "./composite_type.ts";
export {
  ArrayType,
  type FieldType,
  FuncType,
  StructType,
  type SubTypeOptions,
  type TypedSignature,
} from "./heap_types.ts";
export {
  type ArrayDefinition,
  type FuncDefinition,
  recGroup,
  type StructDefinition,
  type TypeDefinition,
  type TypeOfDefinition,
} from "./rec_group.ts";
export { InterruptHandle } from "./interrupt.ts";
export { InstancePool, type InstancePoolOptions, PooledInstance } from "./instance_pool.ts";
export { InstancePre } from "./instance_pre.ts";
export { Linker, type LinkerOptions } from "./linker.ts";
export { Memory } from "./memory.ts";
export type { MemoryType } from "./memory_type.ts";
export {
  type ByteSource,
  type DeserializeOptions,
  type ExportDescriptor,
  type ExternType,
  type ImportDescriptor,
  Module,
  type ModuleOptions,
} from "./module.ts";
export { SharedMemory } from "./shared_memory.ts";
export { loadOptimizer, type Optimizer, OptimizerError, type OptimizerOptions } from "./optimizer.ts";
export { type CoreDumpOptions, Store, type StoreOptions, type StoreUsage } from "./store.ts";
export { Table, type TableType } from "./table.ts";
export { Tag, type TagType } from "./tag.ts";
export type {
  AddressType,
  AddressValue,
  ArgumentsOf,
  ExportedFunction,
  FuncSignature,
  HostResultOf,
  ResultOf,
  ValuesOf,
  ValueType,
  ValueTypes,
} from "./values.ts";
export {
  type CollectorName,
  DiskCache,
  type DiskCacheOptions,
  type DiskCacheUsage,
  ExternReference,
  HeapReference,
  I31Ref,
  isArtifact,
} from "../runtime/mod.ts";
export type {
  LimiterAnswer,
  ResourceLimiter,
  ResourceName,
  ResourceUsage,
  StoreLimits,
  TablePoolOptions,
} from "../runtime/mod.ts";
export { ABSTRACT_HEAP_TYPES, type FeatureName, FEATURES } from "../wasm/mod.ts";
