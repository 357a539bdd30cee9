/**
 * Types in the binary format: heap, reference, value and storage types, and block types.
 *
 * Each reader notes the feature that a form needs and bounds type indices by `reader.typeLimit`.
 *
 * May import: nothing above this folder's reader and types. @module
 */
import type { Reader } from "./reader.ts";
import {
  ABSTRACT_HEAP_TYPES,
  type DefinedType,
  EXACT_HEAP,
  F32,
  F64,
  type HeapType,
  I16,
  I32,
  I64,
  I8,
  NO_TYPES,
  refNullType,
  refType,
  V128,
  type ValType,
} from "./types.ts";
import type { FeatureName } from "./features.ts";

/** The byte before the type index of an exact heap type. */
export const EXACT_CODE = 0x62;
const REF_NULL_CODE = 0x63;
const REF_CODE = 0x64;
const V128_CODE = 0x7b;
const FUNC_CODE = 0x70;
const EMPTY_BLOCK = -0x40;

/** Value types by their one-byte code, 0 where the byte is none. */
const NUMERIC_BY_CODE = new Uint8Array(256);
NUMERIC_BY_CODE.set([V128, F64, F32, I64, I32], V128_CODE);

/** The feature of each abstract heap type by its code's low seven bits. */
const HEAP_FEATURES: (FeatureName | undefined)[] = new Array(128).fill(undefined);
for (const [, code, , feature] of ABSTRACT_HEAP_TYPES) HEAP_FEATURES[code & 0x7f] = feature;

/** Reads a heap type (spec: binary-heaptype). */
export function readHeapType(reader: Reader): HeapType {
  const start = reader.pos;
  if (start < reader.end && reader.bytes[start] === EXACT_CODE) return readExactHeapType(reader);
  const heap = reader.readS33Leb();
  if (heap >= 0) {
    reader.need("function-references", start);
    if (heap >= reader.typeLimit) reader.fail(`unknown type ${heap}`, start);
    return heap;
  }
  const feature = heap >= -0x40 ? HEAP_FEATURES[heap & 0x7f] : undefined;
  if (feature === undefined) reader.fail("malformed heap type", start);
  reader.need(feature, start);
  return heap;
}

function readExactHeapType(reader: Reader): HeapType {
  const start = reader.pos;
  reader.need("custom-descriptors", start);
  reader.readU8();
  const index = reader.readU32Leb();
  if (index >= reader.typeLimit || index >= EXACT_HEAP) reader.fail(`unknown type ${index}`, start);
  return index + EXACT_HEAP;
}

/** Reads the reference type whose first byte is `code`; undefined when no reference type starts so. */
function readRefTypeAfter(reader: Reader, code: number, start: number): ValType | undefined {
  if (code === REF_CODE || code === REF_NULL_CODE) {
    reader.need("function-references", start);
    const heap = readHeapType(reader);
    return code === REF_CODE ? refType(heap) : refNullType(heap);
  }
  if (code >= 0x80 || code < 0x40) return undefined;
  const feature = HEAP_FEATURES[code];
  if (feature === undefined) return undefined;
  if (code !== FUNC_CODE) reader.need(feature, start); // Tables of functions are older than reference types.
  return refNullType(code - 0x80);
}

/** Reads a reference type (spec: binary-reftype). */
export function readRefType(reader: Reader): ValType {
  const start = reader.pos;
  const code = reader.readU8();
  return readRefTypeAfter(reader, code, start) ?? reader.fail(`malformed reference type 0x${code.toString(16)}`, start);
}

/** Reads a value type (spec: binary-valtype). */
export function readValType(reader: Reader): ValType {
  const start = reader.pos;
  const code = reader.readU8();
  const numeric = NUMERIC_BY_CODE[code];
  if (numeric !== 0) {
    if (numeric === V128) reader.need("simd", start);
    return numeric;
  }
  const type = readRefTypeAfter(reader, code, start) ??
    reader.fail(`malformed value type 0x${code.toString(16)}`, start);
  reader.need("reference-types", start);
  return type;
}

/** Reads a storage type: a value type or a packed type (spec: binary-storagetype). */
export function readStorageType(reader: Reader): ValType {
  switch (reader.bytes[reader.pos]) {
    case 0x78:
      reader.readU8();
      return I8;
    case 0x77:
      reader.readU8();
      return I16;
    default:
      return readValType(reader);
  }
}

/** The type of a block: what it takes from the stack and what it leaves there. */
export class BlockType {
  params: Int32Array = NO_TYPES;
  results: Int32Array = NO_TYPES;
  /** `[t]` for each result type `t` seen, so that a block type costs no allocation. */
  readonly #singles = new Map<ValType, Int32Array>();
  readonly #numericSingles: Int32Array[] = Array.from({ length: 8 }, (_, type) => Int32Array.of(type));

  /** Reads a block type (spec: binary-blocktype); `types` are the module's. */
  read(reader: Reader, types: readonly DefinedType[]): void {
    const start = reader.pos;
    const code = reader.readS33Leb();
    if (code >= 0) {
      if (code >= types.length) reader.fail(`unknown type ${code}`, start);
      const type = types[code];
      if (type.kind !== "func") reader.fail(`block type ${code} is not a function type`, start);
      reader.need("multi-value", start);
      this.params = type.params;
      this.results = type.results;
      return;
    }
    this.params = NO_TYPES;
    if (code === EMPTY_BLOCK) {
      this.results = NO_TYPES;
      return;
    }
    reader.pos = start;
    this.results = this.#single(readValType(reader));
  }

  #single(type: ValType): Int32Array {
    if (type >= 0 && type < 8) return this.#numericSingles[type];
    let single = this.#singles.get(type);
    if (single === undefined) this.#singles.set(type, single = Int32Array.of(type));
    return single;
  }
}

/** Moves over a block type without resolving it. */
export function skipBlockType(reader: Reader): void {
  const start = reader.pos;
  const code = reader.readS33Leb();
  if (code >= 0) {
    reader.need("multi-value", start);
    return;
  }
  if (code === EMPTY_BLOCK) return;
  reader.pos = start;
  readValType(reader);
}
