/**
 * Backtraces: a walk over a frozen guest stack by its chain of frame pointers (CALL-3).
 *
 * A frame is {return address at [rbp + 8], the caller's rbp at [rbp]}; the chain ends with 0. Program counters are collected as numbers while
 * the stack is frozen; names and wasm offsets are looked up when somebody asks for the frames, which most who catch a trap never do.
 *
 * ```
 * parked:  guestSp -> resume pc | frame of the thunk or stub -> the guest's rbp | return address into the guest
 * trap:    exitPc, exitFp in the record
 * ```
 */

import { NONE } from "../base/mod.ts";
import { VMCTX_SLOT_FROM_RBP } from "../abi/mod.ts";
import { loadAddress, RECORD } from "../host/mod.ts";
import { funcIndexOf, type Module } from "../wasm/mod.ts";
import type { Activation } from "./activation.ts";
import { findCode, type LoadedCode } from "./code.ts";
import type { GuestStack } from "./guest_stack.ts";
import { demangledName, type FrameSymbol, symbolsAt } from "./symbolizer.ts";

/** A guest function that was running. */
export interface Frame {
  /** The module's name, if its name section gives one. */
  readonly moduleName: string | undefined;
  /** Index in the module's function index space. */
  readonly functionIndex: number;
  /** Name from the name section, or the first export name; Rust's and C++'s names are demangled. */
  readonly functionName: string | undefined;
  /** The name as it is in the module. */
  readonly rawFunctionName: string | undefined;
  /** Where in the module's bytes: the instruction that trapped or called. */
  readonly wasmOffset: number;
  /** Where in the function's body. */
  readonly functionOffset: number;
  /**
   * The functions in the sources and the places in them, innermost first: those that were inlined, and at last the one whose code it is. From
   * an attached source map or the module's DWARF sections; empty without them. Read when asked for.
   */
  readonly symbols: readonly FrameSymbol[];
}

/** A frame whose symbols are looked up once, when somebody wants them. */
class SymbolizedFrame implements Frame {
  readonly moduleName: string | undefined;
  readonly functionIndex: number;
  readonly functionName: string | undefined;
  readonly rawFunctionName: string | undefined;
  readonly wasmOffset: number;
  readonly functionOffset: number;
  readonly #module: Module;
  #symbols: readonly FrameSymbol[] | undefined;

  constructor(module: Module, functionIndex: number, rawName: string | undefined, wasmOffset: number, start: number) {
    this.#module = module;
    this.moduleName = module.names.moduleName;
    this.functionIndex = functionIndex;
    this.functionName = rawName === undefined ? undefined : demangledName(rawName);
    this.rawFunctionName = rawName;
    this.wasmOffset = wasmOffset;
    this.functionOffset = wasmOffset - start;
  }

  get symbols(): readonly FrameSymbol[] {
    return this.#symbols ??= symbolsAt(this.#module, this.wasmOffset, this.functionName);
  }
}

/** An instruction of a module. */
export interface WasmSite {
  readonly module: Module;
  readonly wasmOffset: number;
}

/** Frames kept of one stack: the innermost. */
const MAXIMUM_FRAMES = 100;

/**
 * What a program counter is: that of an instruction that faulted, the return address of a call to the trap stub, or that of a call to a
 * function. A return address is one past its call, which may be the last instruction of its function.
 */
type PcKind = "fault" | "trap call" | "call";

/** A frame of a guest's function. */
export interface FrameSite {
  readonly code: LoadedCode;
  readonly module: Module;
  /** Among the functions that the module defines. */
  readonly definedIndex: number;
  /** The instruction that trapped or called; the start of the body if that is not known. */
  readonly wasmOffset: number;
  /** VMContext address of its instance; that of the caller's for a function without a frame, which traps before it calls. */
  readonly vmctx: number;
}

/** Frames as program counters. */
export class RawFrames {
  readonly #codes: LoadedCode[] = [];
  readonly #offsets: number[] = [];
  readonly #kinds: PcKind[] = [];
  readonly #vmctxs: number[] = [];
  #frames: readonly Frame[] | undefined;

  get length(): number {
    return this.#codes.length;
  }

  /** Adds a frame, whose VMContext's address is at [rbp - 8]; returns whether there is room for another. */
  add(pc: number, kind: PcKind, vmctx: number): boolean {
    const code = findCode(kind === "fault" ? pc : pc - 1);
    if (code !== undefined) {
      this.#codes.push(code);
      this.#offsets.push(pc - code.address);
      this.#kinds.push(kind);
      this.#vmctxs.push(vmctx);
    }
    return this.#codes.length < MAXIMUM_FRAMES;
  }

  /** The VMContext address of a frame's instance. */
  vmctxAt(index: number): number {
    return this.#vmctxs[index];
  }

  /** The instruction that trapped, by itself or by the runtime call that it made; undefined when it was none. */
  trapSite(): WasmSite | undefined {
    if (this.#codes.length === 0) return undefined;
    if (this.#kinds[0] === "call") return this.#callSite();
    const { module, compiled } = this.#codes[0];
    const row = this.#codes[0].trapAt(this.#offsets[0]);
    const site = row === NONE ? NONE : compiled.trapSites[row];
    return module === undefined || site === NONE ? undefined : { module, wasmOffset: site };
  }

  /** What the innermost function was calling. */
  #callSite(): WasmSite | undefined {
    for (let i = 0; i < this.#codes.length; i++) {
      const code = this.#codes[i];
      if (code.module === undefined || code.functionAt(this.#offsets[i] - 1) === NONE) continue;
      const site = code.callSiteAt(this.#offsets[i]);
      return site === NONE ? undefined : { module: code.module, wasmOffset: site };
    }
    return undefined;
  }

  /** The frames with names and offsets, looked up once. */
  symbolize(): readonly Frame[] {
    return this.#frames ??= this.sites().map(({ code, module, definedIndex, wasmOffset }) => {
      const functionIndex = funcIndexOf(module, definedIndex);
      const name = module.names.func(functionIndex) ?? exportName(code, functionIndex);
      return new SymbolizedFrame(module, functionIndex, name, wasmOffset, module.bodies[definedIndex].start);
    });
  }

  /** The frames of functions, innermost first; thunks and stubs are left out. */
  sites(): FrameSite[] {
    const sites: FrameSite[] = [];
    for (let i = 0; i < this.#codes.length; i++) {
      const code = this.#codes[i];
      const { module, compiled } = code;
      const offset = this.#offsets[i];
      const kind = this.#kinds[i];
      const definedIndex = code.functionAt(kind === "fault" ? offset : offset - 1);
      if (definedIndex === NONE || module === undefined) continue;
      const row = kind === "call" ? NONE : code.trapAt(offset);
      const site = row !== NONE ? compiled.trapSites[row] : code.callSiteAt(offset);
      const wasmOffset = site === NONE ? module.bodies[definedIndex].start : site;
      sites.push({ code, module, definedIndex, wasmOffset, vmctx: this.#vmctxs[i] });
    }
    return sites;
  }
}

function exportName({ module }: LoadedCode, functionIndex: number): string | undefined {
  return module!.exports.find(({ kind, index }) => kind === "func" && index === functionIndex)?.name;
}

/** What errors have no field for: the frames in which they began, or through which they passed. */
const noted = new WeakMap<object, RawFrames>();

/** Notes the frames of an error. */
export function noteFrames(error: object, frames: RawFrames): void {
  noted.set(error, frames);
}

/** The frames that were noted for an error. */
export function framesNoted(error: object): RawFrames | undefined {
  return noted.get(error);
}

/** Collects the frames of an activation and of those of its store that wait for it. */
export function captureFrames(activation: Activation, state: "trap" | "parked"): RawFrames {
  const frames = new RawFrames();
  let hasRoom = state === "trap" ? walkTrap(activation, frames) : walkParked(activation, frames);
  for (let depth = activation.depth - 1; depth >= 0 && hasRoom; depth--) {
    hasRoom = walkParked(activation.store.activations[depth], frames);
  }
  return frames;
}

function walkTrap(activation: Activation, frames: RawFrames): boolean {
  const { words, current } = activation;
  const kind = words[RECORD.signal >> 2] === 0 ? "trap call" : "fault";
  const fp = loadAddress(words, RECORD.exitFp >> 2);
  return frames.add(loadAddress(words, RECORD.exitPc >> 2), kind, vmctxOf(current, fp)) && walk(current, fp, frames) &&
    walkParents(activation, frames);
}

function walkParked(activation: Activation, frames: RawFrames): boolean {
  return walk(activation.current, parkedFrame(activation), frames) && walkParents(activation, frames);
}

/** The stacks that wait for the current one, which were parked by resuming it. */
function walkParents({ parents }: Activation, frames: RawFrames): boolean {
  for (let i = parents.length - 1; i >= 0; i--) {
    const parent = parents[i];
    if (!walk(parent, parent.frameOf(parent.parkedSp), frames)) return false;
  }
  return true;
}

/** The frame of the thunk or stub by which an activation left. */
export function parkedFrame({ current, sp }: Activation): number {
  return current.frameOf(sp);
}

/** Adds the callers of the frame at `fp`; false when there is no more room. */
function walk(stack: GuestStack, fp: number, frames: RawFrames): boolean {
  while (stack.onStack(fp)) {
    const caller = stack.addressAt(fp);
    if (!frames.add(stack.addressAt(fp + 8), "call", vmctxOf(stack, caller))) return false;
    if (caller <= fp) break;
    fp = caller;
  }
  return true;
}

/** What a function's frame says of its instance; 0 for what is no frame. */
function vmctxOf(stack: GuestStack, fp: number): number {
  return stack.onStack(fp) ? stack.addressAt(fp + VMCTX_SLOT_FROM_RBP) : 0;
}

/** The VMContext address of the innermost guest frame of an activation that left for a call. */
export function parkedVmctx(activation: Activation): number {
  const { current } = activation;
  return current.addressAt(current.addressAt(parkedFrame(activation)) + VMCTX_SLOT_FROM_RBP);
}
