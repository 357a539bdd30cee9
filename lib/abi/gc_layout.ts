/**
 * Garbage-collected objects: how they lie in a store's heap, and what compiled code may do with one without asking.
 *
 * The problem: compiled code reads and writes fields in a few instructions, the collector moves objects and must find every reference in them,
 * and neither may ever leave the heap, whatever a confused object says. So the layout is a pure function of the types (a module's, or an
 * engine's canonical ones: only the numbers inside differ, never an offset), written here once for compiler and runtime.
 *
 * ```
 * reference  0: null | bit 0 set: i31, value << 1 | 1 | else: index of an object's first byte in the heap, a multiple of 8
 * object     0 u32 type: kind << 24 | canonical id     4 u32 info: host handle (low 26 bits), collector bits (high 6)
 *   struct   8: fields, each at the next multiple of its size (at most 8)
 *   array    8: u32 length     16: elements
 *   extern   nothing more; its handle names the JavaScript value. Type id 0, which every engine gives to a function type: its row in the
 *            type table matches no object type
 *   exn      8: u32 tag number (VMTagDefinition.id)     16: payload, laid out like fields; type id is that of the tag's function type
 *   cont     8: u32 continuation number
 * ```
 *
 * Fields: i8 1 byte, i16 2, i32 f32 4, i64 f64 8, v128 16 bytes aligned to 8. A reference of the any, extern, exn and cont hierarchies is 4
 * bytes (a REF). A reference of the func hierarchy is a u32 id, 0 for null: `VMFuncRef.id` of the function (0 until the runtime call
 * `func_intern` gives it one, for the life of the store); back again: `[VMStoreContext.funcTable + 8 * id]` after a comparison with
 * `VMStoreContext.funcTableLength` (unsigned, `>=` is impossible: trap unreachable), entry 0 is 0.
 *
 * What a subtype inherits lies where its supertype has it, since fields are placed greedily in order. A struct type with a descriptor
 * (custom descriptors) has a 4-byte REF to it, placed before the fields that the first type of its chain with a descriptor adds.
 *
 * GC-1  Address arithmetic is 32-bit (`u32 index + u32 scaled`), zero-extended, then added to the heap's base with a displacement below 64 KiB
 *       (GC_MAX_OFFSET_BYTES): the reservation is 4 GiB + 64 KiB, so no access leaves it. A struct type beyond that limit is refused.
 * GC-2  References are as above. ref.eq compares 32 bits.
 * GC-N  The first 64 KiB of a heap are never readable: a field access or a length read through a null struct or array reference faults, and is
 *       a trap by its row in the trap table. No null check is needed before a load or store that goes through the reference with a
 *       displacement below 64 KiB.
 * GC-A  Allocation, inline: `next = storeContext.gcNext; end = next + size; if (end > storeContext.gcLimit) slow path; storeContext.gcNext =
 *       end`, with size a multiple of 8 and at most GC_MAX_INLINE_BYTES (so that `end` does not wrap). Then type word and info (0) are stored,
 *       and for arrays the length. EVERYTHING from gcNext to gcLimit is ZERO: default values need no stores, padding stays zero. Until all fields
 *       are stored no safepoint may come. Base and limit are loaded anew after every safepoint. Slow path: the runtime calls struct_new and
 *       array_new, which return a zeroed object with its header (and length). Collecting at every allocation is gcLimit = gcNext: no other code.
 * GC-T  `VMContextHead.typeIds[i]` holds the TYPE WORD of module type i: kind << 24 | canonical id for struct, array and cont types, the
 *       plain canonical id for function types. An object of exactly that type has that word as its header's first: one comparison. Otherwise
 *       the display: `VMStoreContext.typeTable + (word & 0xffffff) * 64 + 8 + 4 * depth` holds the type word of the ancestor at that depth
 *       (of the type itself at its own), GC_NO_TYPE beyond; `depth` is the target's, static (`typeDepth`), below GC_DISPLAY_LENGTH; deeper
 *       targets use the runtime call type_is_subtype. Function types have rows as well (VMFuncRef.type is the index, display entries are plain ids).
 * GC-W  After a store of a REF into an object that may have lived through a safepoint, the byte at heap index `GC_CARDS_START + (place >>>
 *       GC_CARD_LOG2)` is set to 1 (the card table; not needed for null): `place` is the object's reference for a field, reference + 4 * index
 *       for an element. Whatever the reference, that byte lies in the heap's card table, which is always writable. Tables, globals and stacks
 *       are roots and need nothing. Collectors that count have GC-L instead; between the others there is no difference to code.
 * GC-L  Code with the barrier "log" (CodeOptions.barrier) does this when it stores a REF into an object that may have lived through a safepoint,
 *       null included, if GC_COUNTED_BIT is set in the object's info: the reference that was there and the new one are appended as two u32 at heap
 *       index `storeContext.gcLogNext`, which then grows by 8; when it has become `gcLogEnd`, the runtime call `gc_log_full` empties the log. So
 *       there is always room for one entry. The log lies where others have cards. Objects without the bit are new: the collector looks at
 *       what is in them before it sets it.
 *
 * May import: base, wasm. @module
 */

import { bug, NONE } from "../base/mod.ts";
import {
  type DefinedType,
  F32,
  F64,
  HEAP_FUNC,
  HEAP_NOFUNC,
  type HeapType,
  heapType,
  I16,
  I32,
  I64,
  I8,
  isRef,
  V128,
  type ValType,
} from "../wasm/mod.ts";
import { struct } from "./layout.ts";

/** Kinds of objects: the top 8 bits of the type word. struct and array, the kinds below eq, come first: `word >>> 24 <= array` is eq. */
export const GcKind = {
  /** Free space, while a heap is walked. Function types have it in their type words. */
  none: 0,
  struct: 1,
  array: 2,
  extern: 3,
  exn: 4,
  cont: 5,
  /** The object has moved; `info` is where to. Never seen by compiled code. */
  forwarded: 255,
} as const;

/** Where the kind stands in a type word. */
export const GC_KIND_SHIFT = 24;
/** The canonical id in a type word. */
export const GC_TYPE_ID_MASK = 0xff_ffff;
/** No type: what a display has beyond its depth. */
export const GC_NO_TYPE = 0xffff_ffff;

/** The head of every object. */
export const GcHeader = struct("GcHeader", { type: "u32", info: "u32" });
/** The head of an array. */
export const GcArrayHead = struct("GcArrayHead", { type: "u32", info: "u32", length: "u32", padding: "u32" });
/** The head of an exception. */
export const GcExnHead = struct("GcExnHead", { type: "u32", info: "u32", tag: "u32", padding: "u32" });
/** A continuation reference. */
export const GcCont = struct("GcCont", { type: "u32", info: "u32", number: "u32", padding: "u32" });

/** The bits of `info` that hold the host handle; the others belong to the collector. */
export const GC_HANDLE_MASK = 0x3ff_ffff;

/** The bit of `info` that says that a counting collector has counted what the object refers to, so that stores are logged (GC-L). */
export const GC_COUNTED_BIT = 1 << 26;

/** Where the fields of a struct start. */
const GC_STRUCT_FIELDS = 8;
/** Where the elements of an array start. */
export const GC_ARRAY_ELEMENTS = 16;
/** Where the payload of an exception starts. */
const GC_EXN_PAYLOAD = 16;
/** Objects start at multiples of this, and their sizes are multiples of it. */
const GC_ALIGN_BYTES = 8;
/** Field offsets and displacements stay below this (GC-1), and the first bytes of a heap up to it are unreadable (GC-N). */
export const GC_MAX_OFFSET_BYTES = 64 * 1024;
/** The largest object that code allocates inline (GC-A). */
export const GC_MAX_INLINE_BYTES = 64 * 1024;
/** Address space of a heap (GC-1). */
export const GC_RESERVATION_BYTES = 2 ** 32 + GC_MAX_OFFSET_BYTES;

/** log2 of the bytes of heap that a byte of the card table stands for (GC-W). */
export const GC_CARD_LOG2 = 9;
/** Heap index of the card table: right behind what is never readable. */
export const GC_CARDS_START = GC_MAX_OFFSET_BYTES;
/** Bytes of the card table: one for each card of all that 32 bits address. */
export const GC_CARDS_BYTES = 2 ** 32 / 2 ** GC_CARD_LOG2;
/** Heap index of the log of stores (GC-L); in such a heap nobody marks cards. */
export const GC_LOG_START = GC_CARDS_START;
/** Bytes that the log may have. */
export const GC_LOG_BYTES = GC_CARDS_BYTES;
/** Bytes of an entry of the log: the old reference, the new one. */
export const GC_LOG_ENTRY_BYTES = 8;
/** Heap index of the first byte that objects may have. */
export const GC_OBJECTS_START = GC_CARDS_START + GC_CARDS_BYTES;

/** Display entries of a type table row; a type at this depth or below it is tested by a runtime call. */
export const GC_DISPLAY_LENGTH = 14;
/** Row of the type table, by canonical id: depth, kind, then {@linkcode GC_DISPLAY_LENGTH} type words. */
export const GC_TYPE_ROW_BYTES = 64;
/** Offsets inside a row. */
export const GcTypeRow = { depth: 0, kind: 4, display: 8 } as const;

/** What code knows of objects beside their structs: part of the contract that artifacts are made against. */
export const GC_CONTRACT = {
  GcKind,
  GC_KIND_SHIFT,
  GC_MAX_OFFSET_BYTES,
  GC_MAX_INLINE_BYTES,
  GC_CARD_LOG2,
  GC_CARDS_START,
  GC_COUNTED_BIT,
  GC_DISPLAY_LENGTH,
  GC_TYPE_ROW_BYTES,
  GcTypeRow,
} as const;

/** How a field is stored. `func` is the id of a function reference. */
export const STORAGE = ["i8", "i16", "i32", "i64", "f32", "f64", "v128", "ref", "func"] as const;
/** The name of a storage kind. */
export type StorageName = typeof STORAGE[number];
/** Storage kinds by name: row numbers of {@linkcode STORAGE}. */
export const Storage = Object.fromEntries(STORAGE.map((name, index) => [name, index])) as {
  readonly [N in StorageName]: number;
};
/** Bytes of a field by storage kind. */
export const STORAGE_BYTES: Uint8Array = new Uint8Array([1, 2, 4, 8, 4, 8, 16, 4, 4]);

const STORAGE_OF_NUMBER: Record<number, number> = {
  [I8]: Storage.i8,
  [I16]: Storage.i16,
  [I32]: Storage.i32,
  [I64]: Storage.i64,
  [F32]: Storage.f32,
  [F64]: Storage.f64,
  [V128]: Storage.v128,
};

/** Whether a heap type is of the func hierarchy; `types` are what its index is into. */
function isFuncHeap(types: readonly DefinedType[], heap: HeapType): boolean {
  return heap >= 0 ? types[heap].kind === "func" : heap === HEAP_FUNC || heap === HEAP_NOFUNC;
}

/** How a field of a storage type is stored. */
function storageOf(types: readonly DefinedType[], type: ValType): number {
  if (isRef(type)) return isFuncHeap(types, heapType(type)) ? Storage.func : Storage.ref;
  return STORAGE_OF_NUMBER[type] ?? bug(`no field has type ${type}`);
}

/** Where the fields of a struct, or the payload of an exception, are. */
export interface GcStructLayout {
  /** Size of the whole object, a multiple of 8 (SEEDS 1.20). */
  readonly sizeBytes: number;
  /** Byte offset by field. */
  readonly offsets: Int32Array;
  /** Storage kind by field. */
  readonly storage: Uint8Array;
  /** Byte offset of the REF to the descriptor, or NONE. */
  readonly descriptorOffset: number;
  /** Offsets of everything that is a REF, ascending: what the collector traces. */
  readonly refOffsets: Int32Array;
}

/** How the elements of an array type are stored. */
export interface GcArrayLayout {
  readonly storage: number;
  readonly elementBytes: number;
  /** log2 of `elementBytes`. */
  readonly elementLog2: number;
}

/** The descriptor type of a struct type (custom descriptors), or NONE. */
function descriptorOf(type: DefinedType): number {
  return type.kind === "struct" ? type.descriptor : NONE;
}

/** Lays fields out from `start`; a descriptor reference comes before field `descriptorField`. */
function layFields(
  types: readonly DefinedType[],
  fields: Int32Array,
  start: number,
  descriptorField: number,
): GcStructLayout {
  const offsets = new Int32Array(fields.length);
  const storage = new Uint8Array(fields.length);
  const refOffsets: number[] = [];
  let descriptorOffset = NONE;
  let offset = start;
  const place = (bytes: number) => {
    const align = Math.min(bytes, GC_ALIGN_BYTES);
    const at = (offset + align - 1) & -align;
    offset = at + bytes;
    return at;
  };
  for (let i = 0; i <= fields.length; i++) {
    if (i === descriptorField) refOffsets.push(descriptorOffset = place(4));
    if (i === fields.length) break;
    storage[i] = storageOf(types, fields[i]);
    offsets[i] = place(STORAGE_BYTES[storage[i]]);
    if (storage[i] === Storage.ref) refOffsets.push(offsets[i]);
  }
  return {
    sizeBytes: (offset + GC_ALIGN_BYTES - 1) & -GC_ALIGN_BYTES,
    offsets,
    storage,
    descriptorOffset,
    refOffsets: Int32Array.from(refOffsets),
  };
}

/** The number of fields that stand before the descriptor reference of a struct type, or NONE: those of the last ancestor without one. */
function descriptorPlace(types: readonly DefinedType[], index: number): number {
  if (descriptorOf(types[index]) === NONE) return NONE;
  for (let at = types[index].supertype; at !== NONE; at = types[at].supertype) {
    const type = types[at];
    if (type.kind !== "struct") return bug("the supertype of a struct type is none");
    if (descriptorOf(type) === NONE) return type.fields.length;
  }
  return 0;
}

/** The number of declared supertypes above a type: its place in displays. */
export function typeDepth(types: readonly DefinedType[], index: number): number {
  let depth = 0;
  for (let at = types[index].supertype; at !== NONE; at = types[at].supertype) depth++;
  return depth;
}

/** The type word of a type with this canonical id (GC-T). */
export function typeWord(type: DefinedType, canonicalId: number): number {
  return GcKind[type.kind === "func" ? "none" : type.kind] << GC_KIND_SHIFT | canonicalId;
}

/** Bytes of an array object: exact, also beyond 2^32. */
export function arrayBytes(layout: GcArrayLayout, length: number): number {
  return GC_ARRAY_ELEMENTS + Math.ceil(length * layout.elementBytes / GC_ALIGN_BYTES) * GC_ALIGN_BYTES;
}

/** The layouts of a list of types, each computed when first asked for: a module's types, or a registry's, which may grow. */
export class GcLayouts {
  readonly #types: readonly DefinedType[];
  readonly #structs: (GcStructLayout | undefined)[] = [];
  readonly #arrays: (GcArrayLayout | undefined)[] = [];

  constructor(types: readonly DefinedType[]) {
    this.#types = types;
  }

  /** The layout of a struct type; may be too large to be used ({@linkcode structTooLarge}). */
  struct(index: number): GcStructLayout {
    const known = this.#structs[index];
    if (known !== undefined) return known;
    const type = this.#types[index];
    if (type?.kind !== "struct") bug(`type ${index} is not a struct type`);
    return this.#structs[index] = layFields(
      this.#types,
      type.fields,
      GC_STRUCT_FIELDS,
      descriptorPlace(this.#types, index),
    );
  }

  /** The layout of an exception whose tag has this function type. */
  exn(index: number): GcStructLayout {
    const known = this.#structs[index];
    if (known !== undefined) return known;
    const type = this.#types[index];
    if (type?.kind !== "func") bug(`type ${index} is not a function type`);
    return this.#structs[index] = layFields(this.#types, type.params, GC_EXN_PAYLOAD, NONE);
  }

  /** The layout of an array type. */
  array(index: number): GcArrayLayout {
    const known = this.#arrays[index];
    if (known !== undefined) return known;
    const type = this.#types[index];
    if (type?.kind !== "array") bug(`type ${index} is not an array type`);
    const storage = storageOf(this.#types, type.element);
    const elementBytes = STORAGE_BYTES[storage];
    return this.#arrays[index] = { storage, elementBytes, elementLog2: 31 - Math.clz32(elementBytes) };
  }
}

/** The first struct or tag type that is too large for GC-1, or NONE. Compiling and instantiating refuse a module that has one. */
export function structTooLarge(types: readonly DefinedType[]): number {
  const layouts = new GcLayouts(types);
  return types.findIndex((type, index) =>
    // Only many fields make a large object: most types are not laid out for this.
    type.kind === "struct"
      ? type.fields.length > 1000 && layouts.struct(index).sizeBytes > GC_MAX_OFFSET_BYTES
      : type.kind === "func" && type.params.length > 1000 && layouts.exn(index).sizeBytes > GC_MAX_OFFSET_BYTES
  );
}
