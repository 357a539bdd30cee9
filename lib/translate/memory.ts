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
 * MEM-3  A bulk operation that is not a runtime call writes nothing before its bounds are known to hold. In guard mode the store of the
 *        last bytes, made first and after all loads, is what tells: a memory ends at a page's end, so the rest lies in bounds as well.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { Libcall, TrapCode, VMMemoryDefinition } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { I32, I64, IntCond, Ir, type IrOp, memFlags, Region, type Type, V128, type Value } from "../ir/mod.ts";
import { chargeConstant, chargeRange } from "./fuel.ts";
import { libcall, segmentDrop, segmentInit } from "./libcalls.ts";
import { constantField, fieldBase, fieldDisp, narrow, wide } from "./places.ts";
import type { Lower, Translator } from "./translator.ts";

const { base: BASE, currentLengthBytes: LENGTH } = VMMemoryDefinition.offsets;
const GUARDED = memFlags(TrapCode.memory_out_of_bounds, Region.memory);
const CHECKED = memFlags(0, Region.memory);
const VM_FIELD = memFlags(0, Region.vm);
const TWO_TO_32 = 2 ** 32;

/** Copies and fills of a constant length up to this are loads and stores. */
const INLINE_COPY_BYTES = 128;
const INLINE_FILL_BYTES = 64;
// How those move 2^n bytes at a time.
const PIECE_LOAD = [Ir.load8_u, Ir.load16_u, Ir.load, Ir.load, Ir.load];
const PIECE_STORE = [Ir.store8, Ir.store16, Ir.store, Ir.store, Ir.store];
const PIECE_TYPE = [I32, I32, I32, I64, V128];
const WORD_LOG2 = 3, VECTOR_LOG2 = 4;

/** A load of `sizeBytes` bytes by `op`, giving a value of `type`. */
export function load(op: IrOp, type: Type, sizeBytes: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    t.push(loadValue(t, op, type, sizeBytes, t.pop()));
  };
}

/** What a load of `sizeBytes` bytes at `address`, with the reader's memarg, reads. */
export function loadValue(t: Translator, op: IrOp, type: Type, sizeBytes: number, address: Value): Value {
  const index = addressOf(t, address, sizeBytes);
  const base = constantField(t, t.environment.memories, t.reader.memoryIndex, BASE);
  return t.builder.load(op, type, base, index, t.accessDisp, t.accessFlags);
}

/** A store of `sizeBytes` bytes by `op`. */
export function store(op: IrOp, sizeBytes: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    const value = t.pop();
    storeValue(t, op, sizeBytes, t.pop(), value);
  };
}

/** Stores `sizeBytes` bytes at `address`, with the reader's memarg. */
export function storeValue(t: Translator, op: IrOp, sizeBytes: number, address: Value, value: Value): void {
  const index = addressOf(t, address, sizeBytes);
  const base = constantField(t, t.environment.memories, t.reader.memoryIndex, BASE);
  t.builder.store(op, base, index, value, t.accessDisp, t.accessFlags);
}

/**
 * The 64-bit index of an access at `address` with the reader's memarg, or NONE when the displacement is the whole of it. Leaves the
 * displacement and the memory flags in `accessDisp` and `accessFlags`; in explicit mode emits the comparison.
 */
export function addressOf(t: Translator, address: Value, sizeBytes: number): number {
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
export function checkBounds(t: Translator, address: Value, sizeBytes: number): void {
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
  builder.trapIf(builder.icmp(IntCond.ugt, end, lengthOf(t, memory)), TrapCode.memory_out_of_bounds);
}

function lengthOf(t: Translator, memory: number): Value {
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
  const pages = builder.binary(Ir.ushr, lengthOf(t, memory), shift);
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
  const lengthBytes = knownLength(t, length, INLINE_COPY_BYTES);
  if (lengthBytes !== NONE) {
    chargeConstant(t, lengthBytes, "bytes");
    copyInline(t, destinationMemory, destination, sourceMemory, source, lengthBytes);
    return;
  }
  if (t.environment.options.fuel === true) {
    checkRange(t, destinationMemory, destination, length);
    checkRange(t, sourceMemory, source, length);
    chargeRange(t, length, "bytes");
  }
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
  const lengthBytes = knownLength(t, length, INLINE_FILL_BYTES);
  if (lengthBytes !== NONE) {
    chargeConstant(t, lengthBytes, "bytes");
    fillInline(t, memory, destination, byte, lengthBytes);
    return;
  }
  if (t.environment.options.fuel === true) {
    checkRange(t, memory, destination, length);
    chargeRange(t, length, "bytes");
  }
  t.args.reset();
  t.args.push(t.builder.iconst32(memory));
  t.args.push(destination);
  t.args.push(byte);
  t.args.push(length);
  libcall(t, Libcall.memory_fill);
}

/** Log2 of the size of the piece that ends at `end` of a span: the largest, or what covers the rest below it. */
function pieceLog2(end: number, lengthBytes: number, mostLog2: number): number {
  const largest = Math.min(31 - Math.clz32(lengthBytes), mostLog2);
  return end >> largest !== 0 ? largest : 32 - Math.clz32(end - 1);
}

/** Where that piece starts; the lowest one may overlap its neighbour. */
function pieceStart(end: number, log2: number): number {
  return Math.max(0, end - (1 << log2));
}

/** The value of an i64 that is a constant from 0 to `most`, else NONE. */
function knownLength(t: Translator, length: Value, most: number): number {
  const { func } = t;
  const known = func.resolve(length);
  if (func.op[known] !== Ir.iconst || func.aux[known] !== 0) return NONE;
  const bytes = func.imm[known] >>> 0;
  return bytes <= most ? bytes : NONE;
}

/**
 * Prepares a memory for accesses that together touch `start` (i64) to `start` + `lengthBytes`, and returns their flags. In guard mode
 * nothing is compared, as for any access, if there is an access (MEM-3).
 */
function checkSpan(t: Translator, memory: number, start: Value, lengthBytes: number): number {
  if (t.environment.memoryIsExplicit[memory] === 0 && lengthBytes !== 0) return GUARDED;
  checkRange(t, memory, start, t.builder.iconst64(lengthBytes, 0));
  return CHECKED;
}

/** Traps unless `length` bytes from `start` on (both i64) are in the memory. */
function checkRange(t: Translator, memory: number, start: Value, length: Value): void {
  const { builder, environment } = t;
  const end = builder.binary(Ir.iadd, start, length);
  if (environment.memoryIs64[memory] === 1) {
    builder.trapIf(builder.icmp(IntCond.ult, end, start), TrapCode.memory_out_of_bounds);
  }
  builder.trapIf(builder.icmp(IntCond.ugt, end, lengthOf(t, memory)), TrapCode.memory_out_of_bounds);
}

/** Loads everything, then stores everything: overlap needs no thought. Pieces go down from the end (MEM-3). */
function copyInline(
  t: Translator,
  destinationMemory: number,
  destination: Value,
  sourceMemory: number,
  source: Value,
  lengthBytes: number,
): void {
  const { args, builder, environment: { memories } } = t;
  const toFlags = checkSpan(t, destinationMemory, destination, lengthBytes);
  const fromFlags = checkSpan(t, sourceMemory, source, lengthBytes);
  const from = constantField(t, memories, sourceMemory, BASE);
  const to = constantField(t, memories, destinationMemory, BASE);
  args.reset();
  for (let end = lengthBytes; end > 0;) {
    const log2 = pieceLog2(end, lengthBytes, VECTOR_LOG2);
    end = pieceStart(end, log2);
    args.push(builder.load(PIECE_LOAD[log2], PIECE_TYPE[log2], from, source, end, fromFlags));
  }
  for (let end = lengthBytes, k = 0; end > 0; k++) {
    const log2 = pieceLog2(end, lengthBytes, VECTOR_LOG2);
    end = pieceStart(end, log2);
    builder.store(PIECE_STORE[log2], to, destination, args.data[k] as Value, end, toFlags);
  }
}

/** Stores the byte in words of up to 64 bits, down from the end (MEM-3). */
function fillInline(t: Translator, memory: number, destination: Value, byte: Value, lengthBytes: number): void {
  const { builder, environment: { memories } } = t;
  const flags = checkSpan(t, memory, destination, lengthBytes);
  const base = constantField(t, memories, memory, BASE);
  const low = builder.unary(Ir.uextend, builder.binary(Ir.band, byte, builder.iconst32(0xff)), I64);
  const word = builder.binary(Ir.imul, low, builder.iconst64(0x01010101, 0x01010101));
  const half = builder.unary(Ir.wrap, word, I32);
  for (let end = lengthBytes; end > 0;) {
    const log2 = pieceLog2(end, lengthBytes, WORD_LOG2);
    end = pieceStart(end, log2);
    builder.store(PIECE_STORE[log2], base, destination, log2 === WORD_LOG2 ? word : half, end, flags);
  }
}

/** `memory.init`. */
export const memoryInit: Lower = segmentInit(Libcall.memory_init);

/** `data.drop`. */
export const dataDrop: Lower = segmentDrop(Libcall.data_drop);
