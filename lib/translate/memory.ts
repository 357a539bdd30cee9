/**
 * Lowering of linear memory: loads, stores, sizes, bulk operations.
 *
 * The effective address is `base + index + displacement`. In guard mode nothing is compared: a 32-bit index plus a 32-bit offset stays
 * within the memory's reservation, so the access itself hits or faults. In explicit mode the end of the access is compared with the
 * memory's length first; the length is read anew each time, since calls and `memory.grow` change it.
 *
 * MEM-1  A 32-bit address is zero-extended at each use (ZX-1); offsets of 2^31 and more are added in 64 bits (ZX-3).
 * MEM-2  In explicit mode `index + offset + size` is computed without loss: for 32-bit addresses it cannot exceed 2^33, for 64-bit ones the
 *        carry is trapped on its own.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { Libcall, TrapCode, VMMemoryDefinition } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { I32, I64, IntCond, Ir, type IrOp, memFlags, Region, type Type, type Value } from "../ir/mod.ts";
import { libcall } from "./libcalls.ts";
import { constantField, fieldBase, fieldDisp, narrow, wide } from "./places.ts";
import type { Lower, Translator } from "./translator.ts";

const { base: BASE, currentLengthBytes: LENGTH } = VMMemoryDefinition.offsets;
const GUARDED = memFlags(TrapCode.memory_out_of_bounds, Region.memory);
const CHECKED = memFlags(0, Region.memory);
const VM_FIELD = memFlags(0, Region.vm);
const TWO_TO_32 = 2 ** 32;

/** A load of `sizeBytes` bytes by `op`, giving a value of `type`. */
export function load(op: IrOp, type: Type, sizeBytes: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    const index = addressOf(t, t.pop(), sizeBytes);
    const base = constantField(t, t.environment.memories, t.reader.memoryIndex, BASE);
    t.push(t.builder.load(op, type, base, index, t.accessDisp, t.accessFlags));
  };
}

/** A store of `sizeBytes` bytes by `op`. */
export function store(op: IrOp, sizeBytes: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    const value = t.pop();
    const index = addressOf(t, t.pop(), sizeBytes);
    const base = constantField(t, t.environment.memories, t.reader.memoryIndex, BASE);
    t.builder.store(op, base, index, value, t.accessDisp, t.accessFlags);
  };
}

/**
 * The 64-bit index of an access at `address` with the reader's memarg, or NONE when the displacement is the whole of it. Leaves the
 * displacement and the memory flags in `accessDisp` and `accessFlags`; in explicit mode emits the comparison.
 */
function addressOf(t: Translator, address: Value, sizeBytes: number): number {
  const { builder, environment, func, reader } = t;
  const memory = reader.memoryIndex;
  const offset = reader.lo >>> 0;
  if (environment.memoryIsExplicit[memory] === 1) {
    checkBounds(t, address, sizeBytes);
    t.accessFlags = CHECKED;
  } else t.accessFlags = GUARDED;

  const known = func.resolve(address);
  if (func.op[known] === Ir.iconst && func.type[known] === I32) {
    const sum = (func.imm[known] >>> 0) + offset;
    if (sum < 2 ** 31) {
      t.accessDisp = sum;
      return NONE;
    }
  }
  const index = wide(t, address);
  if (offset < 2 ** 31 && reader.hi === 0) {
    t.accessDisp = offset;
    return index;
  }
  t.accessDisp = 0;
  return builder.binary(Ir.iadd, index, builder.iconst64(reader.lo, reader.hi)); // MEM-1
}

/** Traps unless the access ends within the memory (MEM-2). */
function checkBounds(t: Translator, address: Value, sizeBytes: number): void {
  const { builder, environment, reader } = t;
  const memory = reader.memoryIndex;
  const index = wide(t, address);
  const lowSum = (reader.lo >>> 0) + sizeBytes;
  const highSum = (reader.hi >>> 0) + (lowSum >= TWO_TO_32 ? 1 : 0);
  const end = builder.binary(Ir.iadd, index, builder.iconst64(lowSum | 0, highSum | 0));
  if (environment.memoryIs64[memory] === 1) {
    const carries = highSum >= TWO_TO_32 ? builder.iconst32(1) : builder.icmp(IntCond.ult, end, index);
    builder.trapIf(carries, TrapCode.memory_out_of_bounds);
  }
  builder.trapIf(builder.icmp(IntCond.ugt, end, lengthBytes(t, memory)), TrapCode.memory_out_of_bounds);
}

function lengthBytes(t: Translator, memory: number): Value {
  const { memories } = t.environment;
  return t.builder.load(
    Ir.load,
    I64,
    fieldBase(t, memories, memory),
    NONE,
    fieldDisp(memories, memory, LENGTH),
    VM_FIELD,
  );
}

/** `memory.size`. */
export function memorySize(t: Translator): void {
  const { builder, environment } = t;
  const memory = t.reader.readU32Leb();
  const shift = builder.iconst64(environment.module.memories[memory].pageSizeLog2, 0);
  const pages = builder.binary(Ir.ushr, lengthBytes(t, memory), shift);
  t.push(narrow(t, pages, environment.memoryIs64[memory]));
}

/** `memory.grow`. */
export function memoryGrow(t: Translator): void {
  const memory = t.reader.readU32Leb();
  t.args.reset();
  t.args.push(t.builder.iconst32(memory));
  t.args.push(wide(t, t.pop()));
  t.push(narrow(t, libcall(t, Libcall.memory_grow), t.environment.memoryIs64[memory]));
}

/** `memory.copy`. */
export function memoryCopy(t: Translator): void {
  const destinationMemory = t.reader.readU32Leb();
  const sourceMemory = t.reader.readU32Leb();
  const length = wide(t, t.pop());
  const source = wide(t, t.pop());
  const destination = wide(t, t.pop());
  t.args.reset();
  t.args.push(t.builder.iconst32(destinationMemory));
  t.args.push(t.builder.iconst32(sourceMemory));
  t.args.push(destination);
  t.args.push(source);
  t.args.push(length);
  libcall(t, Libcall.memory_copy);
}

/** `memory.fill`. */
export function memoryFill(t: Translator): void {
  const memory = t.reader.readU32Leb();
  const length = wide(t, t.pop());
  const byte = t.pop();
  const destination = wide(t, t.pop());
  t.args.reset();
  t.args.push(t.builder.iconst32(memory));
  t.args.push(destination);
  t.args.push(byte);
  t.args.push(length);
  libcall(t, Libcall.memory_fill);
}

/** `memory.init`. */
export function memoryInit(t: Translator): void {
  const segment = t.reader.readU32Leb();
  const memory = t.reader.readU32Leb();
  const length = t.pop();
  const source = t.pop();
  const destination = wide(t, t.pop());
  t.args.reset();
  t.args.push(t.builder.iconst32(memory));
  t.args.push(t.builder.iconst32(segment));
  t.args.push(destination);
  t.args.push(source);
  t.args.push(length);
  libcall(t, Libcall.memory_init);
}

/** `data.drop`. */
export function dataDrop(t: Translator): void {
  t.args.reset();
  t.args.push(t.builder.iconst32(t.reader.readU32Leb()));
  libcall(t, Libcall.data_drop);
}
