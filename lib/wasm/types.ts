/**
 * Value types as integers, and the composite types that a module defines.
 *
 * A validator and a translator handle types per operand, so a type is one int32 that compares with `===`:
 *
 *     31 .................. 8   7 6   5       4       3      2..0
 *     heap type (signed)        0     EXACT   NULL    REF    0, or 1 to 7: i32 i64 f32 f64 v128 i8 i16
 *
 * The heap type is a type index (not negative), or an abstract heap type (the negative number that the binary format's
 * signed LEB128 gives it: `func` is 0x70, that is -16). Type indices are of the module, or canonical ids when the type
 * comes from a {@linkcode TypeRegistry}; which of them is said wherever a type leaves its module.
 *
 * An exact heap type excludes the subtypes that are declared below it. In a packed type that is one bit, and `heapType` gives
 * the bare index; a heap type that stands alone (an immediate) is the index with {@linkcode EXACT_HEAP} added.
 *
 * TYPE-1  BOTTOM (0) is the type of a value popped from an unreachable stack: a subtype of every value type. It and the
 *         heap type BOTTOM_HEAP occur in validation only, never in a module.
 *
 * May import: nothing. @module
 */

/** A value, storage or bottom type, packed. */
export type ValType = number;

/** The type of a value that does not exist (TYPE-1). */
export const BOTTOM: ValType = 0;
/** 32-bit integers. */
export const I32: ValType = 1;
/** 64-bit integers. */
export const I64: ValType = 2;
/** 32-bit floats. */
export const F32: ValType = 3;
/** 64-bit floats. */
export const F64: ValType = 4;
/** 128-bit vectors. */
export const V128: ValType = 5;
/** The packed storage type i8 (fields only). */
export const I8: ValType = 6;
/** The packed storage type i16 (fields only). */
export const I16: ValType = 7;

const REF_BIT = 0x08;
const NULL_BIT = 0x10;
const EXACT_BIT = 0x20;
const HEAP_SHIFT = 8;

/** A heap type: a type index, alone or with {@linkcode EXACT_HEAP} added, or one of the negative constants below. */
export type HeapType = number;

/** What is added to a type index to make the exact heap type; above every type index. */
export const EXACT_HEAP = 0x80_0000;

/** The abstract heap types: name, code (signed), the code of the type directly above it, the top of its hierarchy, feature. */
export const ABSTRACT_HEAP_TYPES = [
  ["func", -0x10, 0, "reference-types"],
  ["extern", -0x11, 0, "reference-types"],
  ["any", -0x12, 0, "gc"],
  ["eq", -0x13, -0x12, "gc"],
  ["i31", -0x14, -0x13, "gc"],
  ["struct", -0x15, -0x13, "gc"],
  ["array", -0x16, -0x13, "gc"],
  ["exn", -0x17, 0, "exceptions"],
  ["cont", -0x18, 0, "stack-switching"],
  ["nocont", -0x0b, -0x18, "stack-switching"],
  ["noexn", -0x0c, -0x17, "exceptions"],
  ["nofunc", -0x0d, -0x10, "gc"],
  ["noextern", -0x0e, -0x11, "gc"],
  ["none", -0x0f, -0x12, "gc"],
] as const;

/** The heap type of all functions. */
export const HEAP_FUNC: HeapType = -0x10;
/** The heap type of all host references. */
export const HEAP_EXTERN: HeapType = -0x11;
/** The heap type of all internal references. */
export const HEAP_ANY: HeapType = -0x12;
/** The heap type of all comparable references. */
export const HEAP_EQ: HeapType = -0x13;
/** The heap type of unboxed scalars. */
export const HEAP_I31: HeapType = -0x14;
/** The heap type of all structs. */
export const HEAP_STRUCT: HeapType = -0x15;
/** The heap type of all arrays. */
export const HEAP_ARRAY: HeapType = -0x16;
/** The heap type of all exceptions. */
export const HEAP_EXN: HeapType = -0x17;
/** The heap type of all continuations. */
export const HEAP_CONT: HeapType = -0x18;
/** The bottom of the continuation hierarchy. */
export const HEAP_NOCONT: HeapType = -0x0b;
/** The bottom of the exception hierarchy. */
export const HEAP_NOEXN: HeapType = -0x0c;
/** The bottom of the function hierarchy. */
export const HEAP_NOFUNC: HeapType = -0x0d;
/** The bottom of the host reference hierarchy. */
export const HEAP_NOEXTERN: HeapType = -0x0e;
/** The bottom of the internal hierarchy. */
export const HEAP_NONE: HeapType = -0x0f;
/** Below every heap type (TYPE-1). */
export const HEAP_BOTTOM: HeapType = -0x3f;

/** The reference type to `heap` that excludes null. */
export function refType(heap: HeapType): ValType {
  return heap < EXACT_HEAP ? heap << HEAP_SHIFT | REF_BIT : (heap - EXACT_HEAP) << HEAP_SHIFT | REF_BIT | EXACT_BIT;
}

/** The reference type to `heap` that includes null. */
export function refNullType(heap: HeapType): ValType {
  return refType(heap) | NULL_BIT;
}

/** The reference type to exactly the type at `index`, which excludes null. */
export function exactRefType(index: number): ValType {
  return index << HEAP_SHIFT | REF_BIT | EXACT_BIT;
}

/** `(ref null func)`. */
export const FUNCREF: ValType = refNullType(HEAP_FUNC);
/** `(ref null extern)`. */
export const EXTERNREF: ValType = refNullType(HEAP_EXTERN);
/** `(ref null any)`. */
export const ANYREF: ValType = refNullType(HEAP_ANY);
/** `(ref null eq)`. */
export const EQREF: ValType = refNullType(HEAP_EQ);
/** `(ref null exn)`. */
export const EXNREF: ValType = refNullType(HEAP_EXN);
/** A reference popped from an unreachable stack and known not to be null (TYPE-1). */
export const BOTTOM_REF: ValType = refType(HEAP_BOTTOM);

/** Whether `type` is a reference type. */
export function isRef(type: ValType): boolean {
  return (type & REF_BIT) !== 0;
}

/** Whether `type` is a reference type that includes null. */
export function isNullable(type: ValType): boolean {
  return (type & NULL_BIT) !== 0;
}

/** Whether `type` is a number or vector type. */
export function isNumericOrVector(type: ValType): boolean {
  return type >= I32 && type <= V128;
}

/** Whether `type` is a packed storage type. */
export function isPacked(type: ValType): boolean {
  return type === I8 || type === I16;
}

/** Whether a local of this type starts with a value (zero or null). */
export function isDefaultable(type: ValType): boolean {
  return (type & (REF_BIT | NULL_BIT)) !== REF_BIT;
}

/** The heap type of a reference type, without its exactness. */
export function heapType(type: ValType): HeapType {
  return type >> HEAP_SHIFT;
}

/** Whether a reference type is to an exact heap type. */
export function isExact(type: ValType): boolean {
  return (type & EXACT_BIT) !== 0;
}

/** Whether a heap type that stands alone is exact. */
export function isExactHeap(heap: HeapType): boolean {
  return heap >= EXACT_HEAP;
}

/** A heap type that stands alone without its exactness: a type index or a negative constant. */
export function inexactHeap(heap: HeapType): HeapType {
  return heap < EXACT_HEAP ? heap : heap - EXACT_HEAP;
}

/** The heap type of a reference type as one that stands alone, exactness included. */
export function fullHeapType(type: ValType): HeapType {
  return (type & EXACT_BIT) === 0 ? type >> HEAP_SHIFT : (type >> HEAP_SHIFT) + EXACT_HEAP;
}

/** The same reference, null included or not, to another heap type; exactness stays. */
export function withHeapType(type: ValType, heap: HeapType): ValType {
  return heap << HEAP_SHIFT | type & (REF_BIT | NULL_BIT | EXACT_BIT);
}

/** The reference type `type` without null. */
export function asNonNull(type: ValType): ValType {
  return type & ~NULL_BIT;
}

/** The reference type `type` with null. */
export function asNullable(type: ValType): ValType {
  return type | NULL_BIT;
}

/** The type that a value of a storage type has on the operand stack. */
export function unpacked(type: ValType): ValType {
  return isPacked(type) ? I32 : type;
}

const NUMERIC_NAMES = ["bottom", "i32", "i64", "f32", "f64", "v128", "i8", "i16"];
const HEAP_NAMES = new Map<number, string>([...ABSTRACT_HEAP_TYPES.map(([name, code]) => [code, name] as const), [
  HEAP_BOTTOM,
  "bottom",
]]);

/** The text form of a heap type: `func`, a type index, or `(exact 3)`. */
export function heapTypeToString(heap: HeapType): string {
  return HEAP_NAMES.get(heap) ?? (isExactHeap(heap) ? `(exact ${inexactHeap(heap)})` : String(heap));
}

/** The text form of a type: `i32`, `(ref null func)`. */
export function valTypeToString(type: ValType): string {
  if (!isRef(type)) return NUMERIC_NAMES[type] ?? `type 0x${type.toString(16)}`;
  return `(ref ${isNullable(type) ? "null " : ""}${heapTypeToString(fullHeapType(type))})`;
}

/** The text form of a list of types: `[i32 i64]`. */
export function valTypesToString(types: ArrayLike<ValType>): string {
  return `[${Array.from(types, valTypeToString).join(" ")}]`;
}

/** What every defined type has beside its composite type (spec: syntax-subtype, syntax-rectype). */
export interface SubTypeFacts {
  /** Whether no type may name this one as its supertype. */
  readonly isFinal: boolean;
  /** The declared supertype, a type index, or NONE. */
  readonly supertype: number;
  /** The first type of the recursion group that this type is in. */
  readonly groupStart: number;
  /** The number of types in that group. */
  readonly groupSize: number;
}

/** A function type. */
export interface FuncType extends SubTypeFacts {
  readonly kind: "func";
  readonly params: Int32Array;
  readonly results: Int32Array;
}

/** A struct type: a storage type and a mutability per field. */
export interface StructType extends SubTypeFacts {
  readonly kind: "struct";
  readonly fields: Int32Array;
  /** 1 where the field may be set. */
  readonly fieldMutable: Uint8Array;
  /** The type of the descriptors that its instances have, a type index, or NONE. */
  readonly descriptor: number;
  /** The type whose instances it describes, a type index, or NONE. */
  readonly describes: number;
}

/** An array type. */
export interface ArrayType extends SubTypeFacts {
  readonly kind: "array";
  readonly element: ValType;
  readonly isMutable: boolean;
}

/** A continuation type. */
export interface ContType extends SubTypeFacts {
  readonly kind: "cont";
  /** The function type that says what resuming takes and what finishing gives, a type index. */
  readonly func: number;
}

/** A type of a module's type index space. */
export type DefinedType = FuncType | StructType | ArrayType | ContType;

/** The text form of a function type: `[i32 i32] -> [i64]`. */
export function funcTypeToString(type: { readonly params: Int32Array; readonly results: Int32Array }): string {
  return `${valTypesToString(type.params)} -> ${valTypesToString(type.results)}`;
}

/** No types. */
export const NO_TYPES: Int32Array = new Int32Array(0);
