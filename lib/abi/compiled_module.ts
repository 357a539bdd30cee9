/**
 * What compilation of a module yields and loading needs: machine code and its tables, position independent, without relocations.
 *
 * The ELF artifact is an encoding of this; `.text` is `code`.
 */

import type { TableMode } from "./table_layout.ts";

/**
 * What code does beside storing a reference into an object: `"cards"`, it marks the place for a collector that traces (GC-W); `"log"`, it notes
 * both references for one that counts (GC-L).
 */
export type BarrierKind = "cards" | "log";

/** Options that code depends on; each is checked when code is loaded or linked. */
export interface CodeOptions {
  /** "guard": accesses rely on the memory's reservation; "explicit": each access is compared with the length first. */
  readonly bounds: "guard" | "explicit";
  /** Processor features the code may use beyond the baseline: bits of `CPU_FEATURES` (artifact.ts). */
  readonly cpuFeatures: number;
  /** Whether loops and functions begin with polls. */
  readonly interruption: boolean;
  /** How function tables are initialised, which says how their elements are tagged (table_layout.ts). */
  readonly tables: TableMode;
  /** Whether the code counts what it does. */
  readonly fuel: boolean;
  /** What code tells the collector about stores. */
  readonly barrier: BarrierKind;
  /** What the code was compiled to make harder (stress.ts); 0: nothing. */
  readonly stress: number;
  /** The features that the module uses: bits of `FEATURES`. */
  readonly features: number;
  /** Bytes of address space that each memory is taken to reserve: {@linkcode GUARD_RESERVATION_BYTES} where the code relies on them, or 0. */
  readonly reservationBytes: number;
}

/** What a 32-bit index and a 32-bit offset can reach, and one page: memories of code without comparisons reserve as much. */
export const GUARD_RESERVATION_BYTES = 2 ** 33 + 2 ** 16;

/** How to compile a module: what the engine asks of the compiler. */
export interface CompileOptions
  extends
    Pick<CodeOptions, "bounds" | "cpuFeatures">,
    Partial<Pick<CodeOptions, "barrier" | "fuel" | "interruption" | "stress" | "tables">> {
  /** How much work goes into the code. */
  readonly effort: "none" | "speed";
  /** Run the IR verifier and the allocation checker on every function: for tests, at about the price of compiling twice. */
  readonly checks?: "on" | "off";
  /** Called after each function. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Machine code of a module and the tables about it. All offsets count from the start of `code`. */
export interface CompiledModule {
  readonly options: CodeOptions;
  readonly code: Uint8Array;
  /** Start of each defined function's code, with one closing element (functions lie in order). */
  readonly functionOffsets: Int32Array;
  /** Entry thunk by the module's type index (NONE: not a function type). */
  readonly entryThunks: Int32Array;
  /** Host-call thunk by the module's type index (NONE: not a function type). */
  readonly hostThunks: Int32Array;
  /**
   * Exit stub by libcall number: called with the number in eax and arguments in the integer argument registers, the result is in rax. Code of
   * the module reaches it directly; other code through the table that `VMContextHead.builtinFunctions` points to.
   */
  readonly builtinStubs: Int32Array;
  /**
   * Trap sites, sorted by pc: pc offset (of the faulting instruction, or the return address of the call to the trap stub), trap code, wasm
   * offset in the module.
   */
  readonly trapPcs: Int32Array;
  readonly trapCodes: Uint8Array;
  readonly trapSites: Int32Array;
  /**
   * Traps whose subject is known (traps.ts), sorted: return address of the call to the trap stub, and where the subject is: the number of a
   * general register, saved in the record, or a negative offset from rbp.
   */
  readonly subjectPcs: Int32Array;
  readonly subjectPlaces: Int32Array;
  /** Return addresses of calls, sorted, and the wasm offset of each: frames of a backtrace. */
  readonly callPcs: Int32Array;
  readonly callSites: Int32Array;
  /**
   * Stack maps (C-2): while call number k runs, the caller's frame holds references at rbp plus each of
   * `rootOffsets[callRootStarts[k] .. callRootStarts[k + 1])` (negative multiples of 8; the reference is the low 4 bytes). At a
   * poll, a number from 0 to 15 is that of a general register that holds one, saved in the record. Every live
   * reference of the frame is listed, once, and nothing that is not a reference of now: a moving collector updates them all. `callRootStarts`
   * has one closing element. Argument areas and return slots are in no map (MAP-1 of lib/codegen/emit.ts).
   */
  readonly callRootStarts: Int32Array;
  readonly rootOffsets: Int32Array;
  /**
   * Calls that may unwind into their own function, sorted by return address: the address of the pad, and where in `handlerClauses` the list of
   * clauses begins, its length first (exceptions.ts).
   */
  readonly handlerPcs: Int32Array;
  readonly handlerPads: Int32Array;
  readonly handlerLists: Int32Array;
  readonly handlerClauses: Int32Array;
}
