/**
 * Lowering of threads: atomic accesses, fences, waiting and waking.
 *
 * An atomic access must be aligned to its width, which is tested first; its bounds are those of any access (memory.ts). Memories start at a
 * page, so the address within the memory tells.
 *
 * ATOM-1  A narrow compare-and-exchange wraps what it expects to the width, as it does what it stores: bits beyond are not looked at.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { Libcall, TrapCode, VMMemoryDefinition } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { atomicFlags, I32, I64, Ir, type IrOp, memTrap, Region, type Type, type Value, VOID } from "../ir/mod.ts";
import { libcall } from "./libcalls.ts";
import { addressOf, checkBounds } from "./memory.ts";
import { constantField, wide } from "./places.ts";
import type { Lower, Translator } from "./translator.ts";

const { base: BASE } = VMMemoryDefinition.offsets;

/** Traps unless the address plus the reader's offset is a multiple of 2^`widthLog2`. */
function checkAlignment(t: Translator, address: Value, widthLog2: number): void {
  if (widthLog2 === 0) return;
  const { builder, func, reader } = t;
  const mask = (1 << widthLog2) - 1;
  const low = func.type[address] === I64 ? builder.unary(Ir.wrap, address, I32) : address;
  const sum = (reader.lo & mask) === 0 ? low : builder.binary(Ir.iadd, low, builder.iconst32(reader.lo & mask));
  builder.trapIf(builder.binary(Ir.band, sum, builder.iconst32(mask)), TrapCode.unaligned_atomic);
}

/** The index of an access, tested for alignment and bounds; leaves displacement and flags in the translator. */
function aligned(t: Translator, address: Value, widthLog2: number): number {
  checkAlignment(t, address, widthLog2);
  const index = addressOf(t, address, 1 << widthLog2);
  t.accessFlags = atomicFlags(memTrap(t.accessFlags), Region.memory, widthLog2);
  return index;
}

function memoryBase(t: Translator): Value {
  return constantField(t, t.environment.memories, t.reader.memoryIndex, BASE);
}

/** An atomic load. */
export function atomicLoad(type: Type, widthLog2: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    const index = aligned(t, t.pop(), widthLog2);
    t.push(t.builder.atomic(Ir.atomic_load, type, memoryBase(t), index, NONE, t.accessDisp, t.accessFlags));
  };
}

/** An atomic store. */
export function atomicStore(widthLog2: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    const value = t.pop();
    const index = aligned(t, t.pop(), widthLog2);
    t.builder.atomic(Ir.atomic_store, VOID, memoryBase(t), index, value, t.accessDisp, t.accessFlags);
  };
}

/** An atomic read-modify-write by `op`. */
export function atomicModify(op: IrOp, type: Type, widthLog2: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    const value = t.pop();
    const index = aligned(t, t.pop(), widthLog2);
    t.push(t.builder.atomic(op, type, memoryBase(t), index, value, t.accessDisp, t.accessFlags));
  };
}

/** An atomic compare-and-exchange. */
export function atomicCompareExchange(type: Type, widthLog2: number): Lower {
  return (t) => {
    const { builder } = t;
    t.reader.readMemarg();
    const replacement = t.pop();
    const expected = t.pop();
    const index = aligned(t, t.pop(), widthLog2);
    const base = memoryBase(t);
    const address = index === NONE ? base : builder.binary(Ir.addr_add, base, index as Value);
    t.push(builder.atomicCompareExchange(type, address, expected, replacement, t.accessDisp, t.accessFlags));
  };
}

/** `atomic.fence`. */
export function atomicFence(t: Translator): void {
  t.reader.readU8();
  t.builder.fence();
}

/** The address that a wait or notification is about, as an i64: in bounds and aligned. */
function waitAddress(t: Translator, address: Value, widthLog2: number): Value {
  const { builder, reader } = t;
  checkAlignment(t, address, widthLog2);
  checkBounds(t, address, 1 << widthLog2);
  return builder.binary(Ir.iadd, wide(t, address), builder.iconst64(reader.lo, reader.hi));
}

/** `memory.atomic.wait32`, `memory.atomic.wait64`. */
export function atomicWait(number: number, widthLog2: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    const memory = t.reader.memoryIndex;
    const timeout = t.pop();
    const expected = t.pop();
    const address = waitAddress(t, t.pop(), widthLog2);
    t.args.reset();
    t.args.push(t.builder.iconst32(memory));
    t.args.push(address);
    t.args.push(expected);
    t.args.push(timeout);
    t.push(libcall(t, number));
  };
}

/** `memory.atomic.notify`. */
export function atomicNotify(t: Translator): void {
  t.reader.readMemarg();
  const memory = t.reader.memoryIndex;
  const count = t.pop();
  const address = waitAddress(t, t.pop(), 2);
  t.args.reset();
  t.args.push(t.builder.iconst32(memory));
  t.args.push(address);
  t.args.push(count);
  t.push(libcall(t, Libcall.memory_atomic_notify));
}
