/**
 * The boot data: what all isolates of a process share, in the writable segment of the boot image.
 *
 * ```
 *    0 header        magic, state, arena, record table, stub addresses, CPU features
 *  128 old actions   what the three fault signals did before us, as kernel sigaction structures
 *  224 shared        address of the table of shared records
 *  256 ticker        one cache line: count of ticks, state, start address
 *  512 record bits   one bit per chunk of 16 records, set = claimed
 * 1024 arena bits    one bit per 64 KiB chunk of the code arena, set = claimed
 * 4096 ticker slots  one per isolate that ever armed a deadline
 * ```
 * BOOT-D1  Only machine code moves `state`; it goes none -> initialising -> ready or failed, once.
 * BOOT-D2  Fields below the bit maps are constant after `state` is ready, but for `exitKey` and `sharedRecords`,
 *          which are set once.
 * BOOT-D3  Bit maps and counters are touched with Atomics (JavaScript) or locked instructions (machine code) only.
 */

/** Byte offsets of the fields; 64-bit unless the comment says u32. */
export const BOOT_DATA = {
  /** `THEROPOD` in ASCII: what a debugger looks for. */
  magic: 0,
  /** u32: layout version of this table. */
  version: 8,
  /** u32: a {@linkcode BOOT_STATE}. */
  state: 12,
  /** i32: `-errno` when initialisation failed. */
  error: 16,
  /** u32: which step of initialisation failed, a {@linkcode BOOT_STEPS} index. */
  errorStep: 20,
  /** Code arena as seen by the processor's fetch: read and execute. */
  arenaRx: 24,
  /** The same memory, read and write. */
  arenaRw: 32,
  /** Size of the arena in bytes. */
  arenaBytes: 40,
  /** Address of record 0. */
  recordBase: 48,
  /** Size of the record table in bytes. */
  recordTableBytes: 56,
  /** Copied into each record. */
  leaveStub: 64,
  /** Copied into each record. */
  trapStub: 72,
  /** u32: CPUID.1:ECX. */
  cpu1Ecx: 80,
  /** u32: CPUID.1:EDX. */
  cpu1Edx: 84,
  /** u32: CPUID.7.0:EBX. */
  cpu7Ebx: 88,
  /** u32: CPUID.7.0:ECX. */
  cpu7Ecx: 92,
  /** u32: CPUID.80000001H:ECX. */
  cpuExtEcx: 96,
  /** u32: XCR0, 0 without OSXSAVE. */
  xcr0: 100,
  /** u32: pthread key + 1 of the thread-exit clean-up, 0 while none exists. */
  exitKey: 104,
  /** Address of the thread-exit destructor. */
  exitStub: 112,
  /** Where the stack of a new continuation is resumed. */
  continuationStub: 120,
  /** Three kernel sigaction structures, in {@linkcode FAULT_SIGNALS} order. */
  oldActions: 128,
  /** Address of the table of shared records; 0 until an isolate needs it (shared_records.ts). */
  sharedRecords: 224,
  /** u32: ticks while the ticker ran, modulo 2^32. Only the ticker writes it. */
  tickerEpoch: 256,
  /** u32: a {@linkcode TICKER_STATE}; the ticker's futex. */
  tickerState: 260,
  /** Address of the ticker's thread function. */
  tickerStub: 264,
  /** Bit map of record chunks. */
  recordBits: 512,
  /** Bit map of arena chunks. */
  arenaBits: 1024,
  /** {@linkcode TICKER_SLOT} of each isolate. */
  tickerSlots: 4096,
} as const satisfies Record<string, number>;

/** Size of the boot data. */
export const BOOT_DATA_BYTES = 12288;
/** The value of `version`. */
export const BOOT_DATA_VERSION = 4;
/** `THEROPOD` as two little-endian words. */
export const BOOT_MAGIC = [0x52454854, 0x444f504f] as const;

/** Values of `state`. */
export const BOOT_STATE = { none: 0, initialising: 1, ready: 2, failed: 3 } as const satisfies Record<string, number>;

/** What `errorStep` counts, for the message. */
export const BOOT_STEPS = [
  "nothing",
  "reserving the record table",
  "creating the memory file of the code arena (memfd_create)",
  "sizing the code arena (ftruncate)",
  "mapping the code arena for execution",
  "mapping the code arena for writing",
  "installing the fault handlers (rt_sigaction)",
] as const;

/** Signals that a guest fault raises: number and offset of the saved previous action. */
export const FAULT_SIGNALS = [
  { name: "SIGSEGV", number: 11, oldAction: BOOT_DATA.oldActions },
  { name: "SIGBUS", number: 7, oldAction: BOOT_DATA.oldActions + 32 },
  { name: "SIGFPE", number: 8, oldAction: BOOT_DATA.oldActions + 64 },
] as const;

/** SIG-3: the arena's size; everything in it is within rel32 of everything else. */
export const ARENA_BYTES = 1 << 30;
/** The unit in which isolates claim the arena. */
export const ARENA_CHUNK_BYTES = 64 * 1024;
/** Bits in the arena's bit map. */
export const ARENA_CHUNK_COUNT = ARENA_BYTES / ARENA_CHUNK_BYTES;
/** Records claimed together: 16 KiB, four pages, no page shared by two isolates. */
export const RECORDS_PER_CHUNK = 16;

/** Values of `tickerState`. */
export const TICKER_STATE = { none: 0, running: 1, parked: 2 } as const satisfies Record<string, number>;
/** A slot of the ticker: which record runs until when. u32 each. */
export const TICKER_SLOT = {
  /** 1: an isolate has it. */
  owner: 0,
  /** Index of the record that runs, plus 1; 0: nothing is armed. */
  record: 4,
  /** The count of ticks at which its flag is raised. */
  deadline: 8,
} as const satisfies Record<string, number>;
/** Size of a slot. */
export const TICKER_SLOT_BYTES = 16;
/** Isolates of a process that can arm deadlines at once. */
export const TICKER_SLOT_COUNT = 512;
/** Length of a tick: 2^20 nanoseconds, a little more than a millisecond. */
export const TICK_NS_LOG2 = 20;

/** Negative numbers that `sys` answers itself instead of the kernel. */
export const SPECIAL_CALL = {
  /** Initialise the process once; returns the state. */
  initialise: -1,
  /** Execute a serialising instruction, so that code written through the other mapping is fetched anew (SDM 3A 9.1.3). */
  serialise: -2,
  /** The stack pointer of the calling thread. */
  stackPointer: -3,
} as const satisfies Record<string, number>;

/** Names of the image's symbols, as builder and loader agree on them. */
export const BOOT_SYMBOLS = {
  enter: "theropod_enter",
  resume: "theropod_resume",
  sys: "theropod_sys",
  data: "theropod_boot_data",
} as const satisfies Record<string, string>;
