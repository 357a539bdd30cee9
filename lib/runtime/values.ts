/**
 * Values between JavaScript and slots: the JS API's ToWebAssemblyValue and ToJSValue, one row per value kind.
 *
 * A value is coerced first, which may run user code (`valueOf`), into what is called a bit value here: a number for i32, f32, f64 and
 * VMFuncRef addresses, a bigint for i64, bytes for v128, the checked JavaScript value itself for other references. Storing and loading bit
 * values runs nothing of the user's (AREA-1). References come into being when they are stored, without a collection, so none is held by
 * JavaScript across one (COLLECT-1); what collects, if it is time, is coercing (AREA-2).
 */

import { AREA_SLOT_BYTES } from "../abi/mod.ts";
import { HEAP_EXTERN, heapType, isNullable, isRef, type ValType } from "../wasm/mod.ts";
import { funcStateOf } from "./func_mark.ts";
import { behindExtern } from "./gc/extern_ref.ts";
import {
  checkContinuation,
  checkExternReference,
  checkReference,
  fromExternReference,
  fromReference,
  toReference,
} from "./gc/refs.ts";
import type { FuncState } from "./func_ref.ts";
import { port } from "./port.ts";
import { VALUE_KINDS, ValueKind, type ValueKindName } from "./signature.ts";
import type { StoreState } from "./store_state.ts";
import { Trap } from "./traps.ts";

/** A coerced value, ready to be stored. */
export type BitValue = unknown;

/** Typed arrays over one piece of native memory: the value area, or what a global lies in. */
export interface CellViews {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly i64: BigInt64Array<ArrayBuffer>;
  readonly f32: Float32Array<ArrayBuffer>;
  readonly f64: Float64Array<ArrayBuffer>;
}

/** Cells outside of native memory, for values on their way. */
export function makeCells(count: number): CellViews {
  const buffer = new ArrayBuffer(count * AREA_SLOT_BYTES);
  return {
    bytes: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    i64: new BigInt64Array(buffer),
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
  };
}

/** One value kind. A cell is 16 bytes at a multiple of 16. */
interface KindRow {
  /** ToWebAssemblyValue; may run user code. `type` matters to references only. */
  readonly coerce: (store: StoreState, type: ValType, value: unknown) => BitValue;
  /** Writes a bit value to a cell. */
  readonly put: (views: CellViews, offsetBytes: number, bits: BitValue, store: StoreState) => void;
  /** Reads the JavaScript value of a cell. */
  readonly get: (store: StoreState, views: CellViews, offsetBytes: number) => unknown;
}

const ROWS: Record<ValueKindName, KindRow> = {
  i32: {
    coerce: (_store, _type, value) => (value as number) | 0,
    put: ({ i32 }, offsetBytes, bits) => {
      i32[offsetBytes >> 2] = bits as number;
    },
    get: (_store, { i32 }, offsetBytes) => i32[offsetBytes >> 2],
  },
  i64: {
    coerce: (_store, _type, value) => toI64(value),
    put: ({ i64 }, offsetBytes, bits) => {
      i64[offsetBytes >> 3] = bits as bigint;
    },
    get: (_store, { i64 }, offsetBytes) => i64[offsetBytes >> 3],
  },
  f32: {
    coerce: (_store, _type, value) => Math.fround(value as number),
    put: ({ f32 }, offsetBytes, bits) => {
      f32[offsetBytes >> 2] = bits as number;
    },
    get: (_store, { f32 }, offsetBytes) => f32[offsetBytes >> 2],
  },
  f64: {
    coerce: (_store, _type, value) => +(value as number),
    put: ({ f64 }, offsetBytes, bits) => {
      f64[offsetBytes >> 3] = bits as number;
    },
    get: (_store, { f64 }, offsetBytes) => f64[offsetBytes >> 3],
  },
  v128: {
    coerce: (_store, _type, value) => toV128(value),
    put: ({ bytes }, offsetBytes, bits) => bytes.set(bits as Uint8Array, offsetBytes),
    get: (_store, { bytes }, offsetBytes) => bytes.slice(offsetBytes, offsetBytes + 16),
  },
  func: {
    coerce: toFuncAddress,
    put: ({ i32 }, offsetBytes, bits) => {
      i32[offsetBytes >> 2] = bits as number;
      i32[(offsetBytes >> 2) + 1] = Math.floor((bits as number) / 0x1_0000_0000);
    },
    get: (store, { i32 }, offsetBytes) =>
      store.callableAt((i32[offsetBytes >> 2] >>> 0) + i32[(offsetBytes >> 2) + 1] * 0x1_0000_0000),
  },
  extern: {
    coerce: toExternRef,
    put: putReference,
    get: (store, { i32 }, offsetBytes) => fromExternReference(store, i32[offsetBytes >> 2]),
  },
  any: { coerce: toAnyRef, put: putReference, get: getReference },
  exn: { coerce: toAnyRef, put: putReference, get: getReference },
  // CONT-D: only null crosses; what tables hold, JavaScript can move between them (coerceContinuation).
  cont: {
    coerce: (_store, type, value) => value === null && isNullable(type) ? null : refuseContinuation(),
    put: putReference,
    get: (_store, { i32 }, offsetBytes) => i32[offsetBytes >> 2] === 0 ? null : refuseContinuation(),
  },
};

function refuseContinuation(): never {
  throw new TypeError("A continuation does not leave WebAssembly, and JavaScript cannot pass one");
}

const BY_KIND: readonly KindRow[] = VALUE_KINDS.map((name) => ROWS[name]);

/** ToWebAssemblyValue (JS API): coerces `value` to `type`, a type with canonical ids of kind `kind`. @throws {TypeError} */
export function coerceValue(store: StoreState, kind: number, type: ValType, value: unknown): BitValue {
  return BY_KIND[kind].coerce(store, type, value);
}

/** Writes a coerced value to a slot of the value area. */
export function storeSlot(store: StoreState, kind: number, slot: number, bits: BitValue): void {
  BY_KIND[kind].put(port(), slot << 4, bits, store);
}

/** ToJSValue (JS API) of a slot of the value area. */
export function loadSlot(store: StoreState, kind: number, slot: number): unknown {
  return BY_KIND[kind].get(store, port(), slot << 4);
}

/** Writes a coerced value to a cell of native memory. */
export function storeCell(
  store: StoreState,
  kind: number,
  views: CellViews,
  offsetBytes: number,
  bits: BitValue,
): void {
  BY_KIND[kind].put(views, offsetBytes, bits, store);
}

/** ToJSValue (JS API) of a cell of native memory. */
export function loadCell(store: StoreState, kind: number, views: CellViews, offsetBytes: number): unknown {
  return BY_KIND[kind].get(store, views, offsetBytes);
}

/** ToBigInt64. @throws {TypeError} for numbers. */
export function toI64(value: unknown): bigint {
  return BigInt.asIntN(64, value as bigint);
}

/** A copy of the bytes. Made by the constructor, which asks neither species nor overridden accessors, and measured afterwards. */
function toV128(value: unknown): Uint8Array {
  const bytes = value instanceof Uint8Array && value.length === 16 ? new Uint8Array(value) : undefined;
  if (bytes?.length !== 16) throw new TypeError("A v128 is a Uint8Array of 16 bytes");
  return bytes;
}

/** Refuses null where the type excludes it. @throws {TypeError} */
function checkNull(type: ValType): null {
  if (isRef(type) && !isNullable(type)) throw new TypeError("The reference type does not include null");
  return null;
}

/** Any value is an external reference, but for those of the type that has only null. @throws {TypeError} */
function toExternRef(store: StoreState, type: ValType, value: unknown): unknown {
  if (value === null) return checkNull(type);
  if (heapType(type) !== HEAP_EXTERN) throw new TypeError("The reference type includes nothing but null");
  const crossing = behindExtern(store, value);
  checkExternReference(store, crossing);
  store.gc.prepareExtern(crossing);
  return crossing;
}

/** A reference to an object of the store that is of the type, or a host value. @throws {TypeError} */
function toAnyRef(store: StoreState, type: ValType, value: unknown): unknown {
  if (value === null) return checkNull(type);
  const crossing = behindExtern(store, value);
  checkReference(store, heapType(type), crossing);
  store.gc.prepareExtern(crossing);
  return crossing;
}

/** A continuation for a table's element: a reference that JavaScript got from a table, or null. @throws {TypeError} */
export function coerceContinuation(store: StoreState, type: ValType, value: unknown): BitValue {
  if (value === null) return checkNull(type);
  checkContinuation(store, heapType(type), value);
  return value;
}

/** The bits of a coerced reference that is none to a function. @throws {Trap} when the heap is full. */
export function referenceOf(store: StoreState, value: BitValue): number {
  return toReference(store, value) ?? fullHeap();
}

function fullHeap(): never {
  throw new Trap("gc_heap_exhausted");
}

function putReference({ i32 }: CellViews, offsetBytes: number, value: BitValue, store: StoreState): void {
  i32[offsetBytes >> 2] = referenceOf(store, value);
}

function getReference(store: StoreState, { i32 }: CellViews, offsetBytes: number): unknown {
  return fromReference(store, i32[offsetBytes >> 2]);
}

/** What a coerced reference is in JavaScript after it was a guest's. */
export function valueOfReference(store: StoreState, kind: number, value: BitValue): unknown {
  return valueOfReferenceBits(store, kind, referenceOf(store, value));
}

/** What the bits of a reference that is none to a function are in JavaScript. */
export function valueOfReferenceBits(store: StoreState, kind: number, bits: number): unknown {
  return kind === ValueKind.extern ? fromExternReference(store, bits) : fromReference(store, bits);
}

/** The VMFuncRef address of a funcref, 0 for null. @throws {TypeError} for anything but a function of this store of that type. */
function toFuncAddress(store: StoreState, type: ValType, value: unknown): number {
  if (value === null) {
    checkNull(type);
    return 0;
  }
  return toFunc(store, type, value).referenceAddress();
}

function toFunc(store: StoreState, type: ValType, value: unknown): FuncState {
  const func = funcStateOf(value);
  if (func === undefined) throw new TypeError("A function reference is null, an exported function or a Func");
  if (func.store !== store) throw new TypeError("The function belongs to another store");
  if (!store.engine.registry.isHeapSubtype(func.signature.typeId, heapType(type))) {
    throw new TypeError("The function has another type than the reference type asks for");
  }
  return func;
}

/** The slots' values as results: undefined for none, the value for one, an array for more. */
export function loadResults(store: StoreState, kinds: Uint8Array): unknown {
  if (kinds.length === 0) return undefined;
  if (kinds.length === 1) return loadSlot(store, kinds[0], 0);
  return Array.from(kinds, (kind, slot) => loadSlot(store, kind, slot));
}

/** A host function's result as bit values; may run user code. @throws {TypeError} for a wrong number of values. */
export function coerceResults(store: StoreState, kinds: Uint8Array, types: Int32Array, result: unknown): BitValue[] {
  if (kinds.length === 0) return [];
  if (kinds.length === 1) return [coerceValue(store, kinds[0], types[0], result)];
  const values = iterate(result);
  if (values.length !== kinds.length) {
    throw new TypeError(`A host function returned ${values.length} values where ${kinds.length} are needed`);
  }
  return values.map((value, i) => coerceValue(store, kinds[i], types[i], value));
}

function iterate(result: unknown): unknown[] {
  if (Array.isArray(result)) return result;
  if (typeof result === "object" && result !== null && Symbol.iterator in result) {
    return [...result as Iterable<unknown>];
  }
  throw new TypeError("A host function with several results returns them as an array");
}

/** Whether values of this kind are numbers or bigints. */
export function isScalar(kind: number): boolean {
  return kind <= ValueKind.f64;
}

/** Whether values of this kind need nothing of their store. */
export function isNumeric(kind: number): boolean {
  return kind <= ValueKind.v128;
}
