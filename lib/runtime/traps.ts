/**
 * Traps: what a guest that cannot go on becomes in JavaScript.
 *
 * Machine code leaves with status trap, either by a jump to its trap stub or through the fault handler. Which trap it was is read from the
 * trap table of the code by exact pc; a fault is believed only if its address is one that such an instruction can produce. A fault that
 * nothing explains is a defect of ours with unknown consequences: the store is closed to further calls and the error says where.
 */

import {
  GC_MAX_OFFSET_BYTES,
  SAVED_REGISTERS_OFFSET,
  TrapCode,
  type TrapName,
  TRAPS,
  VMStoreContext,
} from "../abi/mod.ts";
import { bug, InternalError, NONE } from "../base/mod.ts";
import { loadAddress, RECORD } from "../host/mod.ts";
import { WasmError } from "../wasm/mod.ts";
import type { Activation } from "./activation.ts";
import { captureFrames, type Frame, framesNoted, noteFrames, type RawFrames } from "./backtrace.ts";
import { findCode, type LoadedCode } from "./code.ts";
import type { StoreState } from "./store_state.ts";
import { type MemoryFault, operandsAt, type TrapEvidence, type TrapOperands } from "./trap_operands.ts";

/** What a trap may carry beside its code. */
export interface TrapOptions {
  /** More about it, for the message. */
  readonly detail?: string | undefined;
  /**
   * The frames, set by the runtime.
   *
   * @internal
   */
  readonly frames?: RawFrames | undefined;
  /** What made a host function throw it: the error's `cause`. */
  readonly cause?: unknown;
  /**
   * What it was about, as far as that cannot be read from the instruction later, set by the runtime.
   *
   * @internal
   */
  readonly evidence?: TrapEvidence | undefined;
}

/** A trap's own frames, if it has any. */
let framesIn: (trap: Trap) => RawFrames | undefined;

/** Notes the frames that an error of a host function leaves; those of the innermost guest stay. */
export function notePassed(activation: Activation, error: unknown): void {
  if (typeof error !== "object" || error === null || framesNoted(error) !== undefined) return;
  if (error instanceof Trap && framesIn(error) !== undefined) return;
  try {
    noteFrames(error, captureFrames(activation, "parked"));
  } catch (failure) {
    // What is thrown may be that this thread's stack is full; it arrives, whatever is known of it.
    if (!(failure instanceof RangeError)) throw failure;
  }
}

/** The guest did something that WebAssembly forbids, or its instantiation did. */
export class Trap extends WasmError {
  /** `"Trap"`. */
  override readonly name: string = "Trap";
  /** Which trap, for programs. */
  readonly code: TrapName;
  readonly #frames: RawFrames | undefined;
  readonly #evidence: TrapEvidence | undefined;
  #operands: TrapOperands | undefined;

  static {
    framesIn = (trap) => trap.#frames;
  }

  /** Makes a trap; host functions may throw one of their own. */
  constructor(code: TrapName, options: TrapOptions = {}) {
    const message = TRAPS[TrapCode[code]]?.[1];
    if (message === undefined) throw new TypeError(`${String(code)} is not a trap: use a name of TRAPS`);
    super(options.detail === undefined ? message : `${message}: ${options.detail}`);
    this.code = code;
    this.#frames = options.frames;
    this.#evidence = options.evidence;
    // As of every error, only what was given is there.
    if (options.cause !== undefined) this.cause = options.cause;
  }

  /** The guest's frames, innermost first; at most 100. */
  get frames(): readonly Frame[] {
    return framesBehind(this)?.symbolize() ?? NO_FRAMES;
  }

  /**
   * What the instruction that trapped was about: undefined for a trap of no instruction, such as one that a host function threw,
   * a stack that is full or a deadline.
   *
   * @example Where a guest looked
   * ```ts
   * import { Engine, Instance, Module, Store, Trap } from "@theropod/theropod";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module (memory 1)
   *   (func (export "peek") (param i32) (result i32) (i32.load8_u offset=16 (local.get 0))))`);
   * const { peek } = new Instance(store, module).exports;
   * const { operands } = assertThrows(() => peek(65535), Trap);
   * assertEquals(operands?.instruction, "i32.load8_u");
   * assertEquals(operands?.address, 65551);
   * assertEquals(operands?.memoryBytes, 65536);
   * ```
   */
  get operands(): TrapOperands | undefined {
    if (this.#operands !== undefined || !isOfInstruction(this.code)) return this.#operands;
    const site = this.#frames?.trapSite();
    if (site !== undefined) {
      this.#operands = operandsAt(site.module, site.wasmOffset, this.code, this.#evidence ?? NO_EVIDENCE);
    }
    return this.#operands;
  }

  /**
   * The guest's frames that an error passed through which a host function threw: the error itself arrives unchanged.
   *
   * @param error What was caught.
   * @returns The frames, innermost first, at most 100; none for an error that passed no guest.
   *
   * @example Who called the host
   * ```ts
   * import { Engine, Linker, Module, Store, Trap } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const linker = new Linker(engine);
   * linker.defineFunc("env", "fail", { parameters: [], results: [] }, () => {
   *   throw new RangeError("no");
   * });
   * const module = Module.fromText(engine, `(module (import "env" "fail" (func $fail)) (func $run (export "run") (call $fail)))`);
   * try {
   *   linker.instantiate(store, module).exports.run();
   * } catch (error) {
   *   assertEquals(Trap.framesOf(error)[0].functionName, "run");
   * }
   * ```
   */
  static framesOf(error: unknown): readonly Frame[] {
    return framesBehind(error)?.symbolize() ?? NO_FRAMES;
  }
}

const NO_FRAMES: readonly Frame[] = [];

const { lastExitPc: LAST_EXIT_PC, lastExitFp: LAST_EXIT_FP } = VMStoreContext.offsets;

/** Whether a trap is about the instruction where the guest was: these end it wherever it is. */
function isOfInstruction(code: TrapName): boolean {
  return code !== "stack_overflow" && code !== "interrupted" && code !== "out_of_fuel";
}

/** The guest's frames where an error began, or which it passed first, as they were found. */
export function framesBehind(error: unknown): RawFrames | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  return (error instanceof Trap ? framesIn(error) : undefined) ?? framesNoted(error);
}

/** The trap of an activation that left with status trap. */
export function trapOfActivation(activation: Activation): Trap {
  const { words, store } = activation;
  const pc = loadAddress(words, RECORD.exitPc >> 2);
  store.storeContext.setAddress(LAST_EXIT_PC, pc);
  store.storeContext.setAddress(LAST_EXIT_FP, loadAddress(words, RECORD.exitFp >> 2));
  const code = findCode(pc);
  const signal = words[RECORD.signal >> 2];
  const faultAddress = loadAddress(words, RECORD.faultAddress >> 2);
  const row = code === undefined ? NONE : code.trapAt(pc - code.address);
  let trapCode = row === NONE ? TrapCode.none : code!.compiled.trapCodes[row];
  if (signal !== 0 && signal !== SIGFPE) {
    if (isInGuard(activation, faultAddress)) trapCode = TrapCode.stack_overflow;
    else if (!isExplained(store, trapCode, faultAddress)) trapCode = TrapCode.none;
  }
  if (trapCode === TrapCode.none || trapCode === TrapCode.internal_check) {
    unexplained(store, activation, pc, signal, faultAddress);
  }
  const frames = captureFrames(activation, "trap");
  const name = TRAPS[trapCode][0];
  const evidence: TrapEvidence | undefined = signal === 0
    ? subjectOf(activation, frames, code!, pc)
    : trapCode === TrapCode.memory_out_of_bounds
    ? { fault: faultIn(store, faultAddress), subject: undefined, instance: undefined }
    : undefined;
  return new Trap(name, { frames, evidence });
}

const NO_EVIDENCE: TrapEvidence = { fault: undefined, subject: undefined, instance: undefined };

/** The subject of a trap call, if its place is known: what a register had, saved by the trap stub, or a slot of the frame has. */
function subjectOf(activation: Activation, frames: RawFrames, code: LoadedCode, pc: number): TrapEvidence | undefined {
  const place = code.subjectAt(pc - code.address);
  if (place === NONE) return undefined;
  const { words, current, store } = activation;
  const at = SAVED_REGISTERS_OFFSET + 8 * place >> 2;
  const subject = place >= 0
    ? [words[at], words[at + 1]] as const
    : current.wordsAt(loadAddress(words, RECORD.exitFp >> 2) + place);
  const instance = store.findInstance(frames.vmctxAt(0));
  return {
    fault: undefined,
    subject,
    instance: instance === undefined ? undefined : {
      memoryBytes: instance.memories.map(({ bytes }) => bytes.length),
      tableElements: instance.tables.map(({ size }) => size),
      types: store.engine.registry.types,
    },
  };
}

/** A trap raised by a runtime call of the activation. */
export function trapInCall(activation: Activation, code: TrapName, detail?: string): Trap {
  return new Trap(code, { frames: captureFrames(activation, "parked"), detail });
}

const SIGFPE = 8;

/** Below this, an address is null plus a field's offset. */
const NULL_PAGE_BYTES = 4096;

function isInGuard(activation: Activation, address: number): boolean {
  const { low, limit } = activation.current.stack;
  return address >= low && address < limit;
}

/** The place of a fault in the memory whose guard pages it hit. */
function faultIn({ memories }: StoreState, faultAddress: number): MemoryFault | undefined {
  for (const { linear, bytes } of memories) {
    const address = faultAddress - linear.baseAddress;
    if (address >= 0 && address < linear.guardedBytes) return { address, memoryBytes: bytes.length };
  }
  return undefined;
}

function isExplained(store: StoreState, trapCode: number, address: number): boolean {
  if (trapCode === TrapCode.memory_out_of_bounds) {
    return store.memories.some(({ linear }) =>
      address >= linear.baseAddress && address < linear.baseAddress + linear.guardedBytes
    );
  }
  if (trapCode === TrapCode.none) return false;
  return address < NULL_PAGE_BYTES || isNullObject(store, address);
}

/** Whether the address is that of a field of the null reference: the first bytes of a heap are never readable (GC-N). */
function isNullObject({ gc }: StoreState, address: number): boolean {
  if (!gc.isReserved) return false;
  const { baseAddress } = gc.collector;
  return address >= baseAddress && address < baseAddress + GC_MAX_OFFSET_BYTES;
}

function unexplained(store: StoreState, activation: Activation, pc: number, signal: number, address: number): never {
  const code = findCode(pc);
  const place = code === undefined ? "outside loaded code" : `code+0x${(pc - code.address).toString(16)}`;
  const what = `machine code failed at 0x${pc.toString(16)} (${place}), signal ${signal}, address 0x${
    address.toString(16)
  }`;
  const frames = captureFrames(activation, "trap").symbolize();
  store.poison(what);
  if (frames.length > 0) {
    const { functionIndex, functionName, wasmOffset } = frames[0];
    throw new InternalError(
      `BUG: ${what}, in function ${functionIndex} ${functionName ?? ""} at wasm offset 0x${wasmOffset.toString(16)}`,
    );
  }
  return bug(what);
}
