/**
 * Loaded code: a compiled module's bytes in the code arena, and the way back from an address to what it belongs to.
 *
 * A module is loaded once, when it is first instantiated, whatever the number of stores; each store that uses it holds it until the store
 * is closed, so no frame can return into a freed range (OWN-1, ARENA-2). Ranges are kept sorted, and an address is found by bisection, first
 * of the range, then of the function or site: this runs for traps and backtraces only, a few dozen frames each.
 *
 * CODE-1  `code` is copied once and never changed: calls inside a module are relative, everything else goes through r14 and r15 (ABI-2).
 * CODE-2  Behind the code lies what has addresses in it, written when they are known: the table of builtins.
 */

import { bug, NONE } from "../base/mod.ts";
import type { CompiledModule } from "../abi/mod.ts";
import { allocateCode, codeArena, type CodeRange, freeCode } from "../host/mod.ts";
import type { Module } from "../wasm/mod.ts";
import { CallRows } from "./call_rows.ts";

/** A compiled module in executable memory. */
export class LoadedCode {
  readonly compiled: CompiledModule;
  /** The module, for names; undefined for thunks that belong to none. */
  readonly module: Module | undefined;
  /** Address of the first byte, where it runs. */
  readonly address: number;
  readonly byteLength: number;
  readonly #range: CodeRange;
  #callRows: CallRows | undefined;
  #handlerRows: CallRows | undefined;
  #holders = 1;

  constructor(compiled: CompiledModule, module: Module | undefined, range: CodeRange) {
    this.compiled = compiled;
    this.module = module;
    this.address = range.rxAddress;
    this.byteLength = range.byteLength;
    this.#range = range;
  }

  /** Keeps the code; every call is paired with one of {@linkcode release}. */
  hold(): void {
    if (this.#holders === 0) bug("freed code is held");
    this.#holders++;
  }

  /** Gives up a hold; the last one frees the code. */
  release(): void {
    if (this.#holders === 0) bug("code is released twice");
    if (--this.#holders !== 0) return;
    const place = placeOf(this.address);
    if (loaded[place] !== this) bug("freed code was not loaded");
    loaded.splice(place, 1);
    freeCode(this.#range);
  }

  /** Address of the table of builtins: 64-bit addresses of the module's exit stubs by libcall number (SEEDS 2.17), behind the code. */
  get builtinsAddress(): number {
    return this.address + builtinsOffset(this.compiled);
  }

  /** Address of a defined function. */
  functionAddress(definedIndex: number): number {
    return this.address + this.compiled.functionOffsets[definedIndex];
  }

  /** Address of the thunk that JavaScript enters functions of a type by; `typeIndex` is the module's. */
  entryThunk(typeIndex: number): number {
    return this.address + thunkOffset(this.compiled.entryThunks, typeIndex);
  }

  /** Address of the thunk by which host functions of a type are called. */
  hostThunk(typeIndex: number): number {
    return this.address + thunkOffset(this.compiled.hostThunks, typeIndex);
  }

  /** The defined function whose code holds the offset, or NONE for thunks and stubs. */
  functionAt(offsetBytes: number): number {
    const { functionOffsets } = this.compiled;
    const count = functionOffsets.length - 1;
    if (count <= 0 || offsetBytes < functionOffsets[0] || offsetBytes >= functionOffsets[count]) return NONE;
    return lastNotAbove(functionOffsets, offsetBytes);
  }

  /** The row of the trap table whose pc is exactly the offset, or NONE. */
  trapAt(offsetBytes: number): number {
    const { trapPcs } = this.compiled;
    const row = lastNotAbove(trapPcs, offsetBytes);
    return row !== NONE && trapPcs[row] === offsetBytes ? row : NONE;
  }

  /** Where the subject is of the trap whose call returns to the offset: a register or an offset from rbp; NONE if it is not known. */
  subjectAt(offsetBytes: number): number {
    const { subjectPcs, subjectPlaces } = this.compiled;
    const row = lastNotAbove(subjectPcs, offsetBytes);
    return row !== NONE && subjectPcs[row] === offsetBytes ? subjectPlaces[row] : NONE;
  }

  /** The row of the call table whose return address is the offset, or NONE: for walks that look at every frame. */
  callRowAt(offsetBytes: number): number {
    return (this.#callRows ??= new CallRows(this.compiled.callPcs)).find(offsetBytes);
  }

  /** The row of the handler table whose return address is the offset, or NONE. */
  handlerRowAt(offsetBytes: number): number {
    const { handlerPcs } = this.compiled;
    if (handlerPcs.length === 0) return NONE;
    return (this.#handlerRows ??= new CallRows(handlerPcs)).find(offsetBytes);
  }

  /** The wasm offset of the call that returns to the offset, or NONE. */
  callSiteAt(offsetBytes: number): number {
    const { callPcs, callSites } = this.compiled;
    const row = lastNotAbove(callPcs, offsetBytes);
    return row !== NONE && callPcs[row] === offsetBytes ? callSites[row] : NONE;
  }
}

/** Bytes of an entry of the table of builtins. */
const BUILTIN_BYTES = 8;

/** Where the table of builtins is, from the first byte of the code. */
function builtinsOffset({ code }: CompiledModule): number {
  return Math.ceil(code.length / BUILTIN_BYTES) * BUILTIN_BYTES;
}

function thunkOffset(thunks: Int32Array, typeIndex: number): number {
  const offset = thunks[typeIndex];
  return offset === undefined || offset === NONE ? bug(`type ${typeIndex} has no thunk`) : offset;
}

/** The last index of ascending `values` whose element is at most `value`, or NONE. */
function lastNotAbove(values: Int32Array, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** All loaded code of the isolate, ascending by address. */
const loaded: LoadedCode[] = [];

/** The index in {@linkcode loaded} of the last code that starts at or below the address, or -1. */
function placeOf(address: number): number {
  let low = 0;
  let high = loaded.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (loaded[middle].address <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Copies compiled code into the arena; the caller holds it. @throws {HostError} when the arena is full. */
export function loadCode(compiled: CompiledModule, module: Module | undefined): LoadedCode {
  const { code: bytes, builtinStubs } = compiled;
  const tableOffset = builtinsOffset(compiled);
  const range = allocateCode(tableOffset + BUILTIN_BYTES * builtinStubs.length);
  range.writeView.set(bytes);
  const { buffer, byteOffset, byteLength } = range.writeView;
  const view = new DataView(buffer, byteOffset, byteLength);
  builtinStubs.forEach((offset, number) => {
    view.setBigUint64(tableOffset + BUILTIN_BYTES * number, BigInt(range.rxAddress + offset), true);
  });
  codeArena().publish(range);
  const code = new LoadedCode(compiled, module, range);
  loaded.splice(placeOf(code.address) + 1, 0, code);
  return code;
}

/** The code that holds the address, if any. */
export function findCode(address: number): LoadedCode | undefined {
  const code = loaded[placeOf(address)];
  return code !== undefined && address < code.address + code.byteLength ? code : undefined;
}
