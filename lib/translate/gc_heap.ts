/**
 * Objects of the garbage-collected heap as translated code reaches them: fields, elements, references to functions in them, allocation.
 *
 * A reference is an index into the heap (lib/abi/gc_layout.ts has the layout). An access is one instruction: heap base, reference (which is
 * zero-extended wherever it lives, SEL-5), displacement. The base is a `vmctx_addr` and so rematerialised, never kept across a call (ADDR-1);
 * what is computed from a reference (`ref_add`) is as short-lived, since the object may move at every call.
 *
 * GCT-1  A field access through null faults in the heap's first 64 KiB, and its row in the trap table says which trap that is (GC-N): no
 *        comparison is emitted for it. Displacements are below 64 KiB (GC-1); an array's elements are reached after its length was.
 * GCT-2  Immutable fields and elements, lengths and type words are `Region.readonly`: no store changes one after its object is there, so
 *        they are numbered across stores and calls. The initialising stores come before anything can know the reference.
 * GCT-3  All stores of references into objects of unknown age go through {@linkcode storeStored}, which marks a card (GC-W) or appends to the log
 *        (GC-L), as the engine's collector asks; globals and tables are roots and need no barrier.
 * GCT-4  Between taking the memory of an object and storing its fields there is no call (GC-A).
 *
 * May import: base, wasm, abi, ir. @module
 */

import {
  GC_ARRAY_ELEMENTS,
  GC_CARD_LOG2,
  GC_CARDS_START,
  GC_COUNTED_BIT,
  GC_LOG_ENTRY_BYTES,
  GC_MAX_INLINE_BYTES,
  GcArrayHead,
  GcHeader,
  Libcall,
  STORAGE,
  Storage,
  type StorageName,
  TrapCode,
  VMContextHead,
  VMFuncRef,
  VMStoreContext,
} from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import {
  ADDR,
  type Block,
  F32,
  F64,
  I32,
  I64,
  IntCond,
  Ir,
  type IrOp,
  memFlags,
  memTrap,
  REF,
  Region,
  type Type,
  V128,
  type Value,
} from "../ir/mod.ts";
import { libcall } from "./libcalls.ts";
import { wide } from "./places.ts";
import type { Translator } from "./translator.ts";

const TYPE_ID_BYTES = 4;
/** Where the new reference stands in an entry of the log, behind the old one. */
const LOG_NEW_OFFSET = 4;
const FUNC_ENTRY_LOG2 = 3;
const VM_FIELD = memFlags(0, Region.vm);
const CONSTANT = memFlags(0, Region.readonly);
const ALLOCATION = memFlags(0, Region.allocation);
const INITIAL = memFlags(0, Region.heap);
const CARDS = memFlags(0, Region.cards);

/** How a storage kind is loaded, zero-extending and sign-extending, and stored; the type of its values. `func` is its id here. */
const ACCESS: Readonly<Record<StorageName, readonly [load: IrOp, loadSigned: IrOp, store: IrOp, type: Type]>> = {
  i8: [Ir.load8_u, Ir.load8_s, Ir.store8, I32],
  i16: [Ir.load16_u, Ir.load16_s, Ir.store16, I32],
  i32: [Ir.load, Ir.load, Ir.store, I32],
  i64: [Ir.load, Ir.load, Ir.store, I64],
  f32: [Ir.load, Ir.load, Ir.store, F32],
  f64: [Ir.load, Ir.load, Ir.store, F64],
  v128: [Ir.load, Ir.load, Ir.store, V128],
  ref: [Ir.load, Ir.load, Ir.store, REF],
  func: [Ir.load, Ir.load, Ir.store, I32],
};
const ACCESS_BY_STORAGE = STORAGE.map((name) => ACCESS[name]);

/** The address of index 0 of the heap. */
function heapBase(t: Translator): Value {
  return t.builder.vmctxAddr(VMContextHead.offsets.gcHeapBase, NONE);
}

function storeContext(t: Translator): Value {
  return t.builder.vmctxAddr(VMContextHead.offsets.storeContext, NONE);
}

/** The table of types (GC-T): it moves when it grows, at calls, over which an address is never kept (ADDR-1). */
export function typeTable(t: Translator): Value {
  return t.builder.load(Ir.load, ADDR, storeContext(t), NONE, VMStoreContext.offsets.typeTable, CONSTANT);
}

/** The type word of a type of the module (GC-T); for a function type its canonical id. */
export function typeWordOf(t: Translator, typeIndex: number): Value {
  const typeIds = t.builder.vmctxAddr(VMContextHead.offsets.typeIds, NONE);
  return t.builder.load(Ir.load, I32, typeIds, NONE, typeIndex * TYPE_ID_BYTES, CONSTANT);
}

/** The type word of an object; `trapCode` if the reference is null, 0 if it cannot be. */
export function loadTypeWord(t: Translator, ref: Value, trapCode: number): Value {
  const flags = memFlags(trapCode, Region.readonly);
  return t.builder.load(Ir.load, I32, heapBase(t), ref, GcHeader.offsets.type, flags);
}

/** The descriptor of an object of a struct type; `trapCode` if the reference is null, 0 if it cannot be. */
export function loadDescriptor(t: Translator, ref: Value, typeIndex: number, trapCode: number): Value {
  const { descriptorOffset } = t.environment.gcLayouts.struct(typeIndex);
  return t.builder.load(Ir.load, REF, heapBase(t), ref, descriptorOffset, memFlags(trapCode, Region.readonly));
}

/** The length of an array; traps if the reference is null. */
export function loadLength(t: Translator, ref: Value): Value {
  const flags = memFlags(TrapCode.null_array_reference, Region.readonly);
  return t.builder.load(Ir.load, I32, heapBase(t), ref, GcArrayHead.offsets.length, flags);
}

/** What may be known of an access to an object: the trap code of null (0: it is not null), and whether the place is ever written again. */
export function objectFlags(trapCode: number, mutability: "mutable" | "immutable"): number {
  return memFlags(trapCode, mutability === "mutable" ? Region.heap : Region.readonly);
}

/** Loads a field or element at `index` (a reference, or `ref_add`) + `disp`. */
export function loadStored(
  t: Translator,
  storage: number,
  extension: "zero" | "sign",
  index: Value,
  disp: number,
  flags: number,
): Value {
  const [load, loadSigned, , type] = ACCESS_BY_STORAGE[storage];
  const value = t.builder.load(extension === "sign" ? loadSigned : load, type, heapBase(t), index, disp, flags);
  return storage === Storage.func ? funcOfId(t, value) : value;
}

/**
 * Stores into an object of unknown age, at `index`: the object's reference, or a `ref_add` to it. For `func` storage the value is its id
 * ({@linkcode idOfFunc}), made before.
 */
export function storeStored(
  t: Translator,
  storage: number,
  object: Value,
  index: Value,
  disp: number,
  value: Value,
  flags: number,
): void {
  if (storage === Storage.ref && t.environment.options.barrier === "log") {
    return storeLogged(t, object, index, disp, value, flags);
  }
  t.builder.store(ACCESS_BY_STORAGE[storage][2], heapBase(t), index, value, disp, flags);
  // After the store, which traps if the reference is null.
  if (storage === Storage.ref && !isZero(t, value)) markCard(t, index);
}

/** Stores a reference with the barrier of collectors that count (GC-L). The call comes last: no address lives across it. */
function storeLogged(t: Translator, object: Value, index: Value, disp: number, value: Value, flags: number): void {
  const { builder } = t;
  const logged = builder.createBlock(), full = builder.createBlock(), done = builder.createBlock();
  const base = heapBase(t);
  const info = builder.load(Ir.load, I32, base, object, GcHeader.offsets.info, memFlags(memTrap(flags), Region.heap));
  const old = builder.load(Ir.load, REF, base, index, disp, flags);
  builder.store(Ir.store, base, index, value, disp, flags);
  builder.brIf(builder.binary(Ir.band, info, builder.iconst32(GC_COUNTED_BIT)), logged, done);
  builder.seal(logged);

  builder.switchTo(logged);
  const context = storeContext(t);
  const { gcLogNext, gcLogEnd } = VMStoreContext.offsets;
  const next = builder.load(Ir.load, I32, context, NONE, gcLogNext, ALLOCATION);
  const entry = wide(t, next);
  builder.store(Ir.store, base, entry, old, 0, CARDS);
  builder.store(Ir.store, base, entry, value, LOG_NEW_OFFSET, CARDS);
  const end = builder.binary(Ir.iadd, next, builder.iconst32(GC_LOG_ENTRY_BYTES));
  builder.store(Ir.store, context, NONE, end, gcLogNext, ALLOCATION);
  const limit = builder.load(Ir.load, I32, context, NONE, gcLogEnd, ALLOCATION);
  builder.brIf(builder.icmp(IntCond.eq, end, limit), full, done);
  builder.seal(full);
  builder.setCold(full);

  builder.switchTo(full);
  t.args.reset();
  libcall(t, Libcall.gc_log_full);
  builder.jump(done, t.args);

  builder.seal(done);
  builder.switchTo(done);
}

/** The write barrier (GC-W): `place` is a reference, or a `ref_add` to one. */
function markCard(t: Translator, place: Value): void {
  const { builder } = t;
  const isReference = t.func.type[t.func.resolve(place)] === REF;
  const card = isReference
    ? wide(t, builder.binary(Ir.ushr, builder.unary(Ir.bitcast, place, I32), builder.iconst32(GC_CARD_LOG2)))
    : builder.binary(Ir.ushr, builder.unary(Ir.bitcast, place, I64), builder.iconst64(GC_CARD_LOG2, 0));
  builder.store(Ir.store8, heapBase(t), card, builder.iconst32(1), GC_CARDS_START, CARDS);
}

/** Stores into an object that was just allocated, with no call in between: never calls for a barrier. */
export function storeInitial(t: Translator, storage: number, index: Value, disp: number, value: Value): void {
  if (isZero(t, value)) return; // GC-A: it is zero already
  t.builder.store(ACCESS_BY_STORAGE[storage][2], heapBase(t), index, value, disp, INITIAL);
}

/** Stores a REF into a global or a table (GCT-3). */
export function storeRef(t: Translator, base: Value, index: number, value: Value, disp: number, flags: number): void {
  t.builder.store(Ir.store, base, index, value, disp, flags);
}

/** Whether a value is the zero or null of its type. */
export function isZero(t: Translator, value: Value): boolean {
  const { func } = t;
  const known = func.resolve(value);
  const isConstant = func.op[known] === Ir.iconst || func.op[known] === Ir.fconst;
  return isConstant && func.imm[known] === 0 && func.aux[known] === 0;
}

// References to functions.

/** The id that stands for a funcref in objects. May call. */
export function idOfFunc(t: Translator, func: Value): Value {
  const { builder } = t;
  const known = builder.createBlock(), unknown = builder.createBlock(), done = builder.createBlock();
  const isNull = builder.createBlock();
  const result = builder.createBlockParam(done, I32);
  builder.brIf(builder.icmp(IntCond.eq, func, builder.zero(I64)), isNull, known);
  builder.seal(isNull);
  builder.seal(known);

  builder.switchTo(isNull);
  jumpWith(t, done, builder.iconst32(0));

  builder.switchTo(known);
  const record = builder.unary(Ir.bitcast, func, ADDR);
  const id = builder.load(Ir.load, I32, record, NONE, VMFuncRef.offsets.id, VM_FIELD);
  const ready = builder.createBlock();
  builder.brIf(id, ready, unknown);
  builder.seal(ready);
  builder.seal(unknown);
  builder.setCold(unknown);

  builder.switchTo(unknown);
  t.args.reset();
  t.args.push(func);
  jumpWith(t, done, libcall(t, Libcall.func_intern));

  builder.switchTo(ready);
  jumpWith(t, done, id);

  builder.seal(done);
  builder.switchTo(done);
  return result;
}

/** The funcref that an id in an object stands for. */
function funcOfId(t: Translator, id: Value): Value {
  const { builder } = t;
  const context = storeContext(t);
  const index = wide(t, id);
  const { funcTable, funcTableLength } = VMStoreContext.offsets;
  const length = builder.load(Ir.load, I64, context, NONE, funcTableLength, VM_FIELD);
  // Only a damaged heap holds another number.
  builder.trapIf(builder.icmp(IntCond.uge, index, length), TrapCode.unreachable);
  const table = builder.load(Ir.load, ADDR, context, NONE, funcTable, VM_FIELD);
  const offset = builder.binary(Ir.ishl, index, builder.iconst64(FUNC_ENTRY_LOG2, 0));
  return builder.load(Ir.load, I64, table, offset, 0, VM_FIELD);
}

function jumpWith(t: Translator, target: Block, value: Value): void {
  t.args.reset();
  t.args.push(value);
  t.builder.jump(target, t.args);
}

// Allocation.

/** A struct of zeroes, `sizeBytes` (a multiple of 8) long: its memory is taken inline, or by the runtime when there is none left. */
export function allocateStruct(t: Translator, typeIndex: number, sizeBytes: number): Value {
  const { builder } = t;
  if (sizeBytes > GC_MAX_INLINE_BYTES) return newStruct(t, typeIndex);
  const slow = builder.createBlock(), done = builder.createBlock();
  const result = builder.createBlockParam(done, REF);
  const ref = bump(t, typeIndex, builder.iconst32(sizeBytes), slow);
  jumpWith(t, done, ref);
  enterSlow(t, slow);
  jumpWith(t, done, newStruct(t, typeIndex));
  builder.seal(done);
  builder.switchTo(done);
  return result;
}

/** An array of `length` zeroes. */
export function allocateArray(t: Translator, typeIndex: number, elementLog2: number, length: Value): Value {
  const { builder } = t;
  const slow = builder.createBlock(), done = builder.createBlock(), small = builder.createBlock();
  const result = builder.createBlockParam(done, REF);
  const most = (GC_MAX_INLINE_BYTES - GC_ARRAY_ELEMENTS) >> elementLog2;
  builder.brIf(builder.icmp(IntCond.ule, length, builder.iconst32(most)), small, slow);
  builder.seal(small);
  builder.switchTo(small);
  const bytes = builder.binary(Ir.ishl, length, builder.iconst32(elementLog2));
  const padded = builder.binary(Ir.iadd, bytes, builder.iconst32(GC_ARRAY_ELEMENTS + 7));
  const ref = bump(t, typeIndex, builder.binary(Ir.band, padded, builder.iconst32(-8)), slow);
  builder.store(Ir.store, heapBase(t), ref, length, GcArrayHead.offsets.length, INITIAL);
  jumpWith(t, done, ref);
  enterSlow(t, slow);
  t.args.reset();
  t.args.push(builder.iconst32(typeIndex));
  t.args.push(length);
  jumpWith(t, done, libcall(t, Libcall.array_new));
  builder.seal(done);
  builder.switchTo(done);
  return result;
}

function newStruct(t: Translator, typeIndex: number): Value {
  t.args.reset();
  t.args.push(t.builder.iconst32(typeIndex));
  return libcall(t, Libcall.struct_new);
}

function enterSlow(t: Translator, slow: Block): void {
  t.builder.seal(slow);
  t.builder.setCold(slow);
  t.builder.switchTo(slow);
}

/** Takes `size` bytes and stores the type word (GC-A); goes to `slow` when they are not there. */
function bump(t: Translator, typeIndex: number, size: Value, slow: Block): Value {
  const { builder } = t;
  const context = storeContext(t);
  const { gcNext, gcLimit } = VMStoreContext.offsets;
  const next = builder.load(Ir.load, I32, context, NONE, gcNext, ALLOCATION);
  const end = builder.binary(Ir.iadd, next, size);
  const limit = builder.load(Ir.load, I32, context, NONE, gcLimit, ALLOCATION);
  const fast = builder.createBlock();
  const base = heapBase(t); // before the branch: the stores of the fields behind it use the same
  builder.brIf(builder.icmp(IntCond.ugt, end, limit), slow, fast);
  builder.seal(fast);
  builder.switchTo(fast);
  builder.store(Ir.store, context, NONE, end, gcNext, ALLOCATION);
  const ref = builder.unary(Ir.bitcast, next, REF);
  builder.store(Ir.store, base, ref, typeWordOf(t, typeIndex), GcHeader.offsets.type, INITIAL);
  return ref;
}
