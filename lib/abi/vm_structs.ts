/** Every structure that machine code reads: the only place where its fields are described. Source: SEEDS 002, 003. */

import { GcArrayHead, GcCont, GcExnHead, GcHeader } from "./gc_layout.ts";
import { struct } from "./layout.ts";

/**
 * One activation: a call in flight with its own stack. r15 points to it at every pc of module code (SIG-2). `lib/host` owns the first
 * fields (the boot image touches them); a test holds both descriptions equal.
 */
export const VMRecord = struct("VMRecord", {
  hostSp: "u64",
  guestSp: "u64",
  stackLimit: "u64",
  /** Where `enter` jumps: an entry thunk. */
  code: "u64",
  /** Loaded into r14 by `enter`. */
  vmctx: "u64",
  /** Address of the isolate's value area: 16-byte slots, arguments from slot 0, results from slot 0. */
  area: "u64",
  exitKind: "u32",
  /** Host function number, or libcall number. */
  exitNumber: "u32",
  exitPc: "u64",
  exitFp: "u64",
  exitSp: "u64",
  faultAddress: "u64",
  signal: "u32",
  interruptFlag: "u32",
  /** What is left of the store's fuel while its guest runs on this record; signed. Here, because displacements up to 127 are short. */
  fuel: "u64",
  /** Written by JavaScript before it resumes a libcall; loaded into rax. */
  libResult: "u64",
  libArg0: "u64",
  libArg1: "u64",
  libArg2: "u64",
  libArg3: "u64",
  libArg4: "u64",
  libArg5: "u64",
  storeContext: "u64",
  hostStackLimit: "u64",
  bootData: "u64",
  /** Jumped to with eax = status after {rbp, resume pc} were pushed: leaves to JavaScript; `resume` pops the pc and jumps there. */
  leaveStub: "u64",
  /** Jumped to after exitPc was stored: leaves to JavaScript with status trap. */
  trapStub: "u64",
  /** The function an entry thunk calls. */
  callee: "u64",
  /** Under stress: polls until the next one that leaves. */
  pollCountdown: "u32",
  padding: "u32",
  /** For a pad (C-4): the number of the clause that was chosen; the exception of a `_ref` clause. */
  padClause: "u32",
  padRef: "u32",
});

/** Offset in the record of the general registers at a preserve-all exit, 8 bytes each, by register number (REG-2). */
export const SAVED_REGISTERS_OFFSET = 256;
/** General registers that may hold a reference where all are saved: not rsp, rbp, vmctx, the record. */
export const SAVED_ROOT_REGISTERS: readonly number[] = [0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13];
/** Offset in the record of the vector registers at a preserve-all exit, 16 bytes each. */
export const SAVED_VECTORS_OFFSET = 384;

/** Status values that `enter` and `resume` return. */
export const Status = {
  done: 0,
  hostCall: 1,
  libcall: 2,
  trap: 3,
  interrupted: 4,
  hostStackLow: 5,
  continuationDone: 6,
} as const;

/** Per-store state that compiled code may read; vmctx + 8 points to it (SEEDS 4.1b). */
export const VMStoreContext = struct("VMStoreContext", {
  fuel: "u64",
  /** The count of the engine's epoch at which the store's guests stop; what they stop at for time and fuel is in the record. */
  epochDeadline: "u64",
  /** Address of index 0 of the heap; 0 while the store has none. Constant once set (gc_layout.ts). */
  gcHeapBase: "ptr",
  /** Committed bytes: indices below it are readable, but for the first 64 KiB (GC-N). */
  gcHeapBound: "u64",
  /** Private to the collector. */
  gcHeapData: "ptr",
  /** Where a guest of the store trapped last: the instruction, and its frame. What a call in flight left at is in its record. */
  lastExitPc: "u64",
  lastExitFp: "u64",
  /** Allocation goes from `gcNext` up to `gcLimit`, heap indices; what is between them is zero (GC-A). */
  gcNext: "u32",
  gcLimit: "u32",
  /** The engine's table of types by canonical id (GC-T); 0 while it has none. */
  typeTable: "ptr",
  /** Addresses of VMFuncRefs by `VMFuncRef.id`: 64-bit words, the first 0. Moves when it grows. */
  funcTable: "ptr",
  funcTableLength: "u64",
  /** Heap indices: where the next entry of the log of stores goes, and where the log is full (GC-L). */
  gcLogNext: "u32",
  gcLogEnd: "u32",
});

/** A function reference. Machine code calls `wasmCall` with r14 = `vmctx` (SEEDS 2.16). */
export const VMFuncRef = struct("VMFuncRef", {
  wasmCall: "ptr",
  entryThunk: "ptr",
  type: "u32",
  kind: "u32",
  vmctx: "ptr",
  /** What stands for it in garbage-collected objects (gc_layout.ts); 0: none yet. */
  id: "u32",
});

/** `VMFuncRef.type` of a function that is not complete: no type's canonical id, so it matches none (SEEDS 2.15). */
export const VM_NO_TYPE = -1;

/** An imported function (SEEDS 2.2): what to call, what r14 must be, and the exporter's VMFuncRef. */
export const VMFunctionImport = struct("VMFunctionImport", {
  body: "ptr",
  environment: "ptr",
  handle: "ptr",
  kind: "u32",
});

/** Values of `VMFunctionImport.kind` and `VMFuncRef.kind`. */
export const FunctionKind = { wasm: 0, host: 1 } as const;

/**
 * What r14 points to inside a host function's thunk: its number in the store's table of host functions (SEEDS 2.1 `host_env`). `callee` is
 * where a VMContext has it, since entry thunks do not know which of the two they are given.
 */
export const VMHostFunc = struct("VMHostFunc", {
  magic: "u32",
  number: "u32",
  reserved0: "u64",
  reserved1: "u64",
  callee: "ptr",
});

/** A table as compiled code sees it (SEEDS 2.13). Elements: func 8 bytes tagged (0 uninitialised, 1 null, address + 1), ref 4 bytes. */
export const VMTableDefinition = struct("VMTableDefinition", { base: "ptr", currentElements: "u64" });
/** SEEDS 2.5. */
export const VMTableImport = struct("VMTableImport", { definition: "ptr", handle: "u64" });
/** SEEDS 2.24: `base` stays valid across grow. */
export const VMMemoryDefinition = struct("VMMemoryDefinition", { base: "ptr", currentLengthBytes: "u64" });
/**
 * A shared memory (MEM-S): its VMMemoryDefinition, which machine code of every isolate reads, then what growing needs. It lies in the
 * process's table of shared records, where no buffer that JavaScript outside this library has reaches.
 */
export const VMSharedMemory = struct("VMSharedMemory", {
  base: "ptr",
  currentLengthBytes: "u64",
  magic: "u32",
  /** Thread that is growing the memory, 0 for none. */
  lock: "u32",
  /** Pages; all ones: as many as the address type reaches. */
  maximumPages: "u64",
  pageSizeLog2: "u32",
  /** 1: 64-bit addresses. */
  is64: "u32",
  /** Counts the notifications by guests, so that one between two slices of a wait is not missed. */
  notifications: "u32",
});
/** `VMSharedMemory.magic`: "THRM". */
export const VMSHAREDMEMORY_MAGIC = 0x4d524854;
/** SEEDS 2.6. */
export const VMMemoryImport = struct("VMMemoryImport", { definition: "ptr", handle: "u64" });
/** SEEDS 2.14. */
export const VMGlobalDefinition = struct("VMGlobalDefinition", { value: "v128" });
/** SEEDS 2.7. */
export const VMGlobalImport = struct("VMGlobalImport", { definition: "ptr", handle: "u64" });
/** An exception tag's identity: `type` is the canonical id of its function type, `id` its number in the store, from 1. */
export const VMTagDefinition = struct("VMTagDefinition", { type: "u32", id: "u32" });
/** An imported tag. */
export const VMTagImport = struct("VMTagImport", { definition: "ptr", handle: "u64" });

/** The fixed head of a VMContext (SEEDS 004, 4.1). The arrays of `VMShape` follow. */
export const VMContextHead = struct("VMContextHead", {
  magic: "u32",
  padding: "u32",
  storeContext: "ptr",
  /** Addresses of exit stubs by libcall number (SEEDS 2.17): for code that is not the module's own. */
  builtinFunctions: "ptr",
  /** The function that JavaScript entered last, written by its entry thunk. */
  callee: "ptr",
  /** Address of the engine's epoch, a 64-bit count that the embedder's own ticks add to. */
  epochPtr: "ptr",
  /** As in the store's context: constant once it is set, 0 before. */
  gcHeapBase: "ptr",
  /** What indices reach, all of it reserved: constant like the base. How much is readable is VMStoreContext.gcHeapBound. */
  gcHeapBound: "u64",
  /** Address of VMStoreContext.gcNext. */
  gcHeapData: "ptr",
  /** Array of u32: type word by the module's type index (TYPES, GC-T): for a function type its canonical id. */
  typeIds: "ptr",
});

/** `VMContextHead.magic`: "THRO". */
export const VMCONTEXT_MAGIC = 0x4f524854;
/** `VMHostFunc.magic`: "THRH". */
export const VMHOSTFUNC_MAGIC = 0x48524854;

/** Null funcref elements and the tag added to the address of initialised ones (SEEDS 3.3). */
export const FUNCREF_INIT_BIT = 1;

/** All structs, for layout tests and the golden file. */
export const VM_STRUCTS = [
  VMRecord,
  VMStoreContext,
  VMFuncRef,
  VMFunctionImport,
  VMHostFunc,
  VMTableDefinition,
  VMTableImport,
  VMMemoryDefinition,
  VMSharedMemory,
  VMMemoryImport,
  VMGlobalDefinition,
  VMGlobalImport,
  VMTagDefinition,
  VMTagImport,
  VMContextHead,
  GcHeader,
  GcArrayHead,
  GcExnHead,
  GcCont,
] as const;
