/**
 * The activation record: what the boot code and generated code know of one call in flight.
 *
 * A record is 1,024 bytes in the process-wide table, reached by index from JavaScript (`enter(index)`) and through r15 from
 * machine code. This table is the source of the offsets that the boot code touches; `lib/abi` keeps its own copy for
 * generated code, and a test holds the two equal, because the compiler must not import the host.
 *
 * REC-1  r15 holds the record's address whenever the pc is in the code arena (SIG-2).
 * REC-2  `hostSp` is written anew by each `enter` and `resume`, so nesting needs no bookkeeping.
 * REC-3  A parked stack has `guestSp` pointing at {resume pc, rbp, ...}; `resume` pops the pc and jumps to it.
 */

/** Size and spacing of records: a power of two, so an index becomes an address by a shift. */
export const RECORD_BYTES = 1024;
/** `1 << RECORD_SHIFT` is {@linkcode RECORD_BYTES}. */
export const RECORD_SHIFT = 10;
/** Records in the process-wide sparse table: 64 MiB of address space, touched page by page. */
export const RECORD_COUNT = 65536;

/** Byte offsets of the fields; 64-bit unless the comment says u32. */
export const RECORD = {
  /** The JavaScript side's stack pointer while the guest runs. */
  hostSp: 0,
  /** The guest's stack pointer while JavaScript runs; the initial one before `enter`. */
  guestSp: 8,
  /** What prologues compare rsp with. */
  stackLimit: 16,
  /** The address that `enter` jumps to. */
  code: 24,
  /** Loaded into r14 by `enter`. */
  vmctx: 32,
  /** Address of the isolate's value area. */
  area: 40,
  /** u32: what kind of exit, written by thunks (its meaning belongs to `lib/abi`). */
  exitKind: 48,
  /** u32: which import, libcall or trap, written by thunks. */
  exitNumber: 52,
  /** The pc of a fault, or the return address into the trap site. */
  exitPc: 56,
  /** rbp at a trap. */
  exitFp: 64,
  /** rsp at a trap. */
  exitSp: 72,
  /** si_addr of the fault signal. */
  faultAddress: 80,
  /** u32: the signal number, 0 when the trap was an explicit one. */
  signal: 88,
  /** u32: {@linkcode RAISED} asks the guest to leave at its next poll, 0 does not. */
  interruptFlag: 92,
  /** r13 while JavaScript runs: what is left of the fuel, in a guest that counts it. */
  fuel: 96,
  /** Result of a runtime call, read by its thunk. */
  libResult: 104,
  /** Six arguments of a runtime call. */
  libArgs: 112,
  /** Address of the store context. */
  storeContext: 160,
  /** HOST-S: `enter` and `resume` refuse when rsp is below it. */
  hostStackLimit: 168,
  /** Address of the boot data. */
  bootData: 176,
  /** Where code jumps that leaves with a status in eax and {resume pc, rbp} pushed. */
  leaveStub: 184,
  /** Where code jumps that traps, with `exitPc` stored. */
  trapStub: 192,
  /** Six words that the boot code never touches: `lib/abi` lays them out for generated code. */
  generatedCode: 200,
  /** u32: si_code of the fault signal; 0x80 (SI_KERNEL) marks a non-canonical address. */
  faultCode: 248,
  /** All general registers at a fault, 8 bytes each, indexed by register number. */
  savedRegisters: 256,
  /** All vector registers at a preserve-all exit, 16 bytes each. */
  savedVectors: 384,
} as const satisfies Record<string, number>;

/**
 * A raised interrupt flag: all ones, so that a poll can test the flag against r15, whose low half is never 0 (RPOOL-3): processors fuse
 * a test of memory with a register and the jump behind it, and none with a constant.
 */
export const RAISED = -1;

/** What `enter` and `resume` return. */
export const STATUS = {
  /** The entry function returned; results are in the value area. */
  done: 0,
  /** A host import was called. */
  hostCall: 1,
  /** A runtime call (slow path) was made. */
  runtimeCall: 2,
  /** A fault signal or an explicit trap. */
  trap: 3,
  /** Fuel or epoch. */
  interrupted: 4,
  /** HOST-S: too little host stack to run the guest; nothing was touched. */
  hostStackLow: 5,
  /** The function of a continuation returned; results are in the value area. */
  continuationDone: 6,
} as const satisfies Record<string, number>;
