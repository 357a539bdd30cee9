/**
 * Lowering of type tests: `ref.test`, `ref.cast`, `br_on_cast`, null tests and branches, and the conversions that cost nothing.
 *
 * What a reference is shows in its bits (null, i31), in the kind of its type word, or in its type word as a whole (GC-T). A test of a
 * concrete type is one comparison of type words if the type is final, else a load from the display of the object's type at the target's
 * depth: the display holds the object's own type as well, so no second comparison is needed. A cast is a row of traps without branches, so
 * that a cast which an earlier one implies is found by value numbering and facts about conditions; its result is its operand.
 *
 * CAST-1  A type word is loaded only where the reference is neither null nor an i31; a cast that forbids null lets the load find null
 *         (GCT-1).
 * CAST-2  A cast by descriptor tests the type first: an object of the type has a descriptor, at the place that the type says. The descriptor
 *         that is asked for is not null, which is checked before anything else.
 * CAST-3  `any` and `extern` references are the same bits, so conversions between them emit nothing.
 *
 * May import: base, wasm, abi, ir. @module
 */

import {
  GC_DISPLAY_LENGTH,
  GC_KIND_SHIFT,
  GC_TYPE_ID_MASK,
  GC_TYPE_ROW_BYTES,
  GcKind,
  GcTypeRow,
  Libcall,
  TrapCode,
  typeDepth,
  VMFuncRef,
} from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { ADDR, type Block, I32, I64, IntCond, Ir, memFlags, Region, type Value } from "../ir/mod.ts";
import {
  HEAP_ANY,
  HEAP_ARRAY,
  HEAP_CONT,
  HEAP_EQ,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  HEAP_I31,
  HEAP_STRUCT,
  type HeapType,
  inexactHeap,
  isExactHeap,
  readHeapType,
} from "../wasm/mod.ts";
import { branchTo } from "./labels.ts";
import { loadDescriptor, loadTypeWord, typeTable, typeWordOf } from "./gc_heap.ts";
import { libcall } from "./libcalls.ts";
import { wide } from "./places.ts";
import type { Lower, Translator } from "./translator.ts";

const FUNC_TYPE = memFlags(0, Region.readonly);
/** Display entries never change once a type has its row, and the table moves at calls only, over which no address lives. */
const DISPLAY = memFlags(0, Region.readonly);
const DISPLAY_ROW_LOG2 = 31 - Math.clz32(GC_TYPE_ROW_BYTES);

type Nullability = "null" | "nonnull";

/** What a reference that is not null has to be for a heap type. */
type Test = "everything" | "nothing" | "i31" | "object" | "i31 or object";

/** What a test looks at: a heap type of which null is the only value, or all values, needs no look at the object. */
function testOf(heap: HeapType): Test {
  if (heap >= 0) return "object"; // exact ones included
  switch (heap) {
    case HEAP_ANY:
    case HEAP_EXTERN:
    case HEAP_FUNC:
    case HEAP_EXN:
    case HEAP_CONT:
      return "everything";
    case HEAP_EQ:
      return "i31 or object";
    case HEAP_I31:
      return "i31";
    case HEAP_STRUCT:
    case HEAP_ARRAY:
      return "object";
    default:
      return "nothing";
  }
}

/** Whether the reference is an i31, as an i32 that is not zero. */
function isI31(t: Translator, ref: Value): Value {
  const { builder } = t;
  return builder.binary(Ir.band, builder.unary(Ir.bitcast, ref, I32), builder.iconst32(1));
}

/** A comparison that says of a reference to an object (not null, not an i31) whether it is of the heap type. */
function objectCondition(t: Translator, ref: Value, heap: HeapType, nullTrap: number): Value {
  const { builder } = t;
  if (heap >= 0) {
    const word = typeWordAt(t, ref, nullTrap);
    return isExactHeap(heap)
      ? t.builder.icmp(IntCond.eq, word, typeWordOf(t, inexactHeap(heap)))
      : concreteCondition(t, word, heap);
  }
  const kind = builder.binary(Ir.ushr, typeWordAt(t, ref, nullTrap), builder.iconst32(GC_KIND_SHIFT));
  if (heap === HEAP_EQ) return builder.icmp(IntCond.ule, kind, builder.iconst32(GcKind.array));
  return builder.icmp(IntCond.eq, kind, builder.iconst32(heap === HEAP_STRUCT ? GcKind.struct : GcKind.array));
}

/** The type word of an object, the canonical type id of a function. */
function typeWordAt(t: Translator, ref: Value, nullTrap: number): Value {
  if (t.func.type[ref] !== I64) return loadTypeWord(t, ref, nullTrap);
  const record = t.builder.unary(Ir.bitcast, ref, ADDR);
  const flags = nullTrap === 0 ? FUNC_TYPE : memFlags(nullTrap, Region.readonly);
  return t.builder.load(Ir.load, I32, record, NONE, VMFuncRef.offsets.type, flags);
}

/** Whether what has the type word (a function: the type id) is of the module's type, exactly or below it. */
export function concreteCondition(t: Translator, word: Value, typeIndex: number): Value {
  const { builder, environment: { module } } = t;
  const expected = typeWordOf(t, typeIndex);
  if (module.types[typeIndex].isFinal) return builder.icmp(IntCond.eq, word, expected);
  const depth = typeDepth(module.types, typeIndex);
  if (depth >= GC_DISPLAY_LENGTH) {
    t.args.reset();
    t.args.push(word);
    t.args.push(builder.iconst32(typeIndex));
    return libcall(t, Libcall.type_is_subtype);
  }
  const id = builder.binary(Ir.band, word, builder.iconst32(GC_TYPE_ID_MASK));
  const row = builder.binary(Ir.ishl, wide(t, id), builder.iconst64(DISPLAY_ROW_LOG2, 0));
  const ancestor = builder.load(Ir.load, I32, typeTable(t), row, GcTypeRow.display + 4 * depth, DISPLAY);
  return builder.icmp(IntCond.eq, ancestor, expected);
}

/** A comparison that says of a reference to an object of the heap type whether it has the descriptor. */
function descriptorCondition(t: Translator, ref: Value, heap: HeapType, descriptor: Value): Value {
  return t.builder.icmp(IntCond.eq, loadDescriptor(t, ref, inexactHeap(heap), TrapCode.none), descriptor);
}

/**
 * Ends the block: to `yes` if the reference is of the type and has the descriptor (NONE: any, or none), else to `no`. Either may be given
 * several edges.
 */
function branchOnType(
  t: Translator,
  ref: Value,
  heap: HeapType,
  descriptor: number,
  nullability: Nullability,
  source: Nullability,
  yes: Block,
  no: Block,
): void {
  const { builder } = t;
  const test = testOf(heap);
  const isNotNull = builder.icmp(IntCond.ne, ref, builder.zero(t.func.type[ref]));
  const onNull = nullability === "null" ? yes : no;
  if (test === "everything" || test === "nothing") {
    const otherwise = test === "everything" ? yes : no;
    if (source === "nonnull" || otherwise === onNull) builder.jump(otherwise);
    else builder.brIf(isNotNull, otherwise, onNull);
    return;
  }
  if (source === "null" && !(test === "i31" && nullability === "nonnull")) {
    const some = builder.createBlock();
    builder.brIf(isNotNull, some, onNull);
    builder.seal(some);
    builder.switchTo(some);
  }
  if (t.func.type[ref] !== I64) {
    if (test === "i31") {
      builder.brIf(isI31(t, ref), yes, no);
      return;
    }
    const object = builder.createBlock();
    builder.brIf(isI31(t, ref), test === "object" ? no : yes, object);
    builder.seal(object);
    builder.switchTo(object);
  }
  const isOfType = objectCondition(t, ref, heap, TrapCode.none);
  if (descriptor === NONE) {
    builder.brIf(isOfType, yes, no);
    return;
  }
  const described = builder.createBlock();
  builder.brIf(isOfType, described, no);
  builder.seal(described);
  builder.switchTo(described);
  builder.brIf(descriptorCondition(t, ref, heap, descriptor as Value), yes, no);
}

/** `ref.test`. */
export function refTest(nullability: Nullability): Lower {
  return (t) => {
    const { builder } = t;
    const heap = readHeapType(t.reader);
    const ref = t.pop();
    const test = testOf(heap);
    // Without a look at the object a comparison is the answer.
    if (t.func.type[ref] !== I64 && test === "i31" && nullability === "nonnull") {
      t.push(isI31(t, ref));
      return;
    }
    if (test === "everything" || test === "nothing") {
      const isNull = (cond: number) => builder.icmp(cond, ref, builder.zero(t.func.type[ref]));
      const isAlways = (test === "everything") === (nullability === "null");
      t.push(
        isAlways
          ? builder.iconst32(test === "everything" ? 1 : 0)
          : isNull(test === "everything" ? IntCond.ne : IntCond.eq),
      );
      return;
    }
    const yes = builder.createBlock(), no = builder.createBlock(), done = builder.createBlock();
    const result = builder.createBlockParam(done, I32);
    branchOnType(t, ref, heap, NONE, nullability, "null", yes, no);
    for (const [block, answer] of [[yes, 1], [no, 0]] as const) {
      builder.seal(block);
      builder.switchTo(block);
      t.args.reset();
      t.args.push(builder.iconst32(answer));
      builder.jump(done, t.args);
    }
    builder.seal(done);
    builder.switchTo(done);
    t.push(result);
  };
}

/** `ref.cast`, and `ref.cast_desc_eq`, which compares with the descriptor on top of the stack. */
export function refCast(nullability: Nullability, by: "type" | "descriptor"): Lower {
  return (t) => {
    const heap = readHeapType(t.reader);
    const descriptor = by === "descriptor" ? popDescriptor(t) : NONE;
    const ref = t.stack.at(t.stack.length - 1) as Value;
    if (nullability === "nonnull") castNonNull(t, ref, heap, descriptor);
    else castNullable(t, ref, heap, descriptor);
  };
}

/** Pops a descriptor, which must not be null (CAST-2). */
export function popDescriptor(t: Translator): Value {
  const { builder } = t;
  const descriptor = t.pop();
  const isNull = builder.icmp(IntCond.eq, descriptor, builder.zero(t.func.type[descriptor]));
  builder.trapIf(isNull, TrapCode.null_descriptor_reference);
  return descriptor;
}

/** The trap of a cast that fails. */
function failureOf(descriptor: number): number {
  return descriptor === NONE ? TrapCode.cast_failure : TrapCode.descriptor_cast_failure;
}

/** Casts a reference that is no i31; `nullTrap` as in {@linkcode loadTypeWord}. */
function castObject(t: Translator, ref: Value, heap: HeapType, descriptor: number, nullTrap: number): void {
  const { builder } = t;
  const failure = failureOf(descriptor);
  if (t.func.type[ref] !== I64) builder.trapIf(isI31(t, ref), failure);
  builder.trapUnless(objectCondition(t, ref, heap, nullTrap), failure);
  if (descriptor !== NONE) builder.trapUnless(descriptorCondition(t, ref, heap, descriptor as Value), failure);
}

function castNonNull(t: Translator, ref: Value, heap: HeapType, descriptor: number): void {
  const { builder } = t;
  const isNull = () => builder.icmp(IntCond.eq, ref, builder.zero(t.func.type[ref]));
  switch (testOf(heap)) {
    case "everything":
      builder.trapIf(isNull(), TrapCode.cast_failure);
      return;
    case "nothing":
      builder.trapIf(builder.iconst32(1), TrapCode.cast_failure);
      return;
    case "i31":
      builder.trapUnless(isI31(t, ref), TrapCode.cast_failure);
      return;
    case "object":
      castObject(t, ref, heap, descriptor, failureOf(descriptor));
      return;
    case "i31 or object":
      builder.trapIf(isNull(), TrapCode.cast_failure);
      castUnless(t, isI31(t, ref), ref, heap, NONE);
  }
}

function castNullable(t: Translator, ref: Value, heap: HeapType, descriptor: number): void {
  const { builder } = t;
  const test = testOf(heap);
  const isNull = builder.icmp(IntCond.eq, ref, builder.zero(t.func.type[ref]));
  if (test === "everything") return;
  if (test === "nothing") builder.trapUnless(isNull, TrapCode.cast_failure);
  else castUnless(t, isNull, ref, heap, descriptor);
}

/** Casts to a type that null is not in, but not where `condition` is not zero. */
function castUnless(t: Translator, condition: Value, ref: Value, heap: HeapType, descriptor: number): void {
  const { builder } = t;
  const look = builder.createBlock(), done = builder.createBlock();
  builder.brIf(condition, done, look);
  builder.seal(look);
  builder.switchTo(look);
  switch (testOf(heap)) {
    case "i31":
      builder.trapUnless(isI31(t, ref), TrapCode.cast_failure);
      break;
    case "object":
      castObject(t, ref, heap, descriptor, TrapCode.none);
      break;
    default: {
      // eq: an i31, unless that was what `condition` said, or an object of its kinds
      const object = builder.createBlock();
      builder.brIf(isI31(t, ref), done, object);
      builder.seal(object);
      builder.switchTo(object);
      builder.trapUnless(objectCondition(t, ref, heap, TrapCode.none), TrapCode.cast_failure);
    }
  }
  builder.jump(done);
  builder.seal(done);
  builder.switchTo(done);
}

/** `br_on_cast`, `br_on_cast_fail`, and those by descriptor: the operand stays on the stack on both ways. */
export function brOnCast(taken: "success" | "failure", by: "type" | "descriptor"): Lower {
  return (t) => {
    const { builder, reader } = t;
    const flags = reader.readU8();
    const frame = t.frameAt(reader.readU32Leb());
    readHeapType(reader);
    const heap = readHeapType(reader);
    const descriptor = by === "descriptor" ? popDescriptor(t) : NONE;
    const ref = t.stack.at(t.stack.length - 1) as Value;
    const yes = builder.createBlock(), no = builder.createBlock();
    const target: Nullability = (flags & 2) !== 0 ? "null" : "nonnull";
    branchOnType(t, ref, heap, descriptor, target, (flags & 1) !== 0 ? "null" : "nonnull", yes, no);
    const leaving = taken === "success" ? yes : no, staying = taken === "success" ? no : yes;
    builder.seal(leaving);
    builder.switchTo(leaving);
    branchTo(t, frame);
    builder.seal(staying);
    builder.switchTo(staying);
  };
}

/** `br_on_null`: the reference goes on only where it is not null. */
export function brOnNull(t: Translator): void {
  const frame = t.frameAt(t.reader.readU32Leb());
  const ref = t.pop();
  branchIfNull(t, ref, IntCond.eq, frame);
  t.push(ref);
}

/** `br_on_non_null`: the reference is the last operand of the branch, and gone where it is not taken. */
export function brOnNonNull(t: Translator): void {
  const frame = t.frameAt(t.reader.readU32Leb());
  branchIfNull(t, t.stack.at(t.stack.length - 1) as Value, IntCond.ne, frame);
  t.pop();
}

/** Branches where comparing the reference with null holds; goes on where it does not. */
function branchIfNull(t: Translator, ref: Value, condition: number, frame: number): void {
  const { builder } = t;
  const leaving = builder.createBlock(), staying = builder.createBlock();
  builder.brIf(builder.icmp(condition, ref, builder.zero(t.func.type[ref])), leaving, staying);
  builder.seal(leaving);
  builder.switchTo(leaving);
  branchTo(t, frame);
  builder.seal(staying);
  builder.switchTo(staying);
}

/** `ref.as_non_null`. */
export function refAsNonNull(t: Translator): void {
  const { builder } = t;
  const ref = t.stack.at(t.stack.length - 1) as Value;
  const isNull = builder.icmp(IntCond.eq, ref, builder.zero(t.func.type[ref]));
  builder.trapIf(isNull, TrapCode.null_reference);
}

/** `ref.eq`. */
export function refEq(t: Translator): void {
  const b = t.pop();
  const a = t.pop();
  t.push(t.builder.icmp(IntCond.eq, a, b));
}

/** `any.convert_extern`, `extern.convert_any` (CAST-3). */
export function convertRef(_t: Translator): void {}
