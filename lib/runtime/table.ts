/**
 * Tables: arrays of references that machine code indexes through {base, size}.
 *
 * Elements of function tables are 8 bytes, tagged (SEEDS 3.3): 0 not initialised, 1 null, VMFuncRef address + 1. A module's table starts as
 * zeroed memory whatever its size: what an element segment would have put there is looked up in the module's *image* of the table
 * (function indices by element) when machine code or JavaScript first reads the element. Elements of other tables are 4-byte references, 0
 * null, so zeroed memory is all null. Small tables live in the store's slabs, large ones in mappings of their own; growing copies, with
 * doubling capacity, and the definition record gets base and size last (BULK-2).
 *
 * TABLE-A  A zero element of a function table means `image[index]`, and null where the image has nothing.
 * TABLE-B  An address enters a table only by `FuncState.referenceAddress` or from machine code: it is a complete VMFuncRef of this store.
 * TABLE-C  A table whose minimum equals its maximum never moves (compiled code holds its base): growing by 0 does nothing.
 */

import { FUNCREF_INIT_BIT, VMTableDefinition } from "../abi/mod.ts";
import { bug, NONE } from "../base/mod.ts";
import type { ValType } from "../wasm/mod.ts";
import type { Block } from "./block.ts";
import type { RootSource, RootVisitor } from "./gc/collector.ts";
import { ValueKind, valueKindOf } from "./signature.ts";
import type { StoreState } from "./store_state.ts";

const DEFINITION = VMTableDefinition.offsets;

/** What elements are stored as (SEEDS 3.1). */
export type TableElementType = "func" | "gcref";

/** A table's type; the element type names canonical ids. */
export interface TableType {
  readonly element: ValType;
  readonly minimum: number;
  readonly maximum: number | undefined;
  readonly addressType: "i32" | "i64";
}

/** What element segments put into a table before anything ran: function indices by element, NONE for null, and whose functions. */
export interface TableImage {
  readonly funcs: Int32Array;
  readonly instance: { functionAddress(functionIndex: number): number };
}

/** Elements that a table may have, whatever its type says: the limit of the web engines (JS API, "Limits"). */
export const MAXIMUM_TABLE_ELEMENTS = 10_000_000;

/** Bytes of an element (SEEDS 3.2). */
const ELEMENT_BYTES: Record<TableElementType, number> = { func: 8, gcref: 4 };

/** A table of a store. */
export class TableState implements RootSource {
  readonly store: StoreState;
  /** The type it was declared with; `minimum` is the declared one. */
  readonly type: TableType;
  readonly elementType: TableElementType;
  /** Kind of the elements as JavaScript values. */
  readonly valueKind: number;
  /** Address of the VMTableDefinition. */
  readonly definitionAddress: number;
  /** The API's object for this table, once it has one. */
  wrapper: unknown = undefined;
  readonly #block: Block;
  readonly #offsetBytes: number;
  #image: TableImage | undefined;
  #size: number;
  #elements: Block;
  #words: Int32Array<ArrayBuffer>;

  /**
   * The definition is written at `offsetBytes` of `block`; all elements are null, or what the image says.
   *
   * @throws {RangeError} for more elements than any table has.
   */
  constructor(store: StoreState, type: TableType, block: Block, offsetBytes: number, image?: TableImage) {
    this.store = store;
    this.type = type;
    this.valueKind = valueKindOf(store.engine.registry, type.element);
    this.elementType = this.valueKind === ValueKind.func ? "func" : "gcref";
    this.#block = block;
    this.#offsetBytes = offsetBytes;
    this.definitionAddress = block.address + offsetBytes;
    this.#image = image;
    if (type.minimum > MAXIMUM_TABLE_ELEMENTS) {
      throw new RangeError(`A table has at most ${MAXIMUM_TABLE_ELEMENTS} elements, not ${type.minimum}`);
    }
    this.#size = type.minimum;
    this.#elements = store.blocks.allocate(Math.max(1, type.minimum) * ELEMENT_BYTES[this.elementType]);
    this.#words = this.#elements.words;
    this.#publish();
    if (this.elementType === "gcref") store.rootSources.add(this);
  }

  /** A table of references to objects is one of roots. */
  visitRoots(visitor: RootVisitor): void {
    visitor.visitRange(this.#words, 0, this.#size);
  }

  /** Current number of elements. */
  get size(): number {
    return this.#size;
  }

  /** The size it may reach. */
  get maximum(): number {
    return Math.min(this.type.maximum ?? Infinity, MAXIMUM_TABLE_ELEMENTS);
  }

  /** Address of the VMFuncRef at `index`, 0 for null; the caller checked the bounds. Initialises the element. */
  getFunc(index: number): number {
    const words = this.#words;
    const lo = words[index * 2];
    const hi = words[index * 2 + 1];
    if (lo === 0 && hi === 0) return this.#initialize(index);
    return (lo >>> 0) + hi * 0x1_0000_0000 - FUNCREF_INIT_BIT;
  }

  /** As {@linkcode getFunc}, without initialising (SEEDS 3.28). */
  getFuncMaybeInit(index: number): number | "uninitialized" {
    const words = this.#words;
    if (words[index * 2] === 0 && words[index * 2 + 1] === 0) return "uninitialized";
    return this.getFunc(index);
  }

  /** Stores a VMFuncRef address, 0 for null. */
  setFunc(index: number, address: number): void {
    const tagged = address + FUNCREF_INIT_BIT;
    this.#words[index * 2] = tagged;
    this.#words[index * 2 + 1] = Math.floor(tagged / 0x1_0000_0000);
  }

  getGcRef(index: number): number {
    return this.#words[index];
  }

  setGcRef(index: number, reference: number): void {
    this.#words[index] = reference;
  }

  /** Element `index` as bits: a VMFuncRef address or a reference. */
  get(index: number): number {
    return this.elementType === "func" ? this.getFunc(index) : this.getGcRef(index);
  }

  /** Stores an element given as bits. */
  set(index: number, bits: number): void {
    if (this.elementType === "func") this.setFunc(index, bits);
    else this.setGcRef(index, bits);
  }

  /** Whether [start, start + length) is inside the table (SEEDS 3.20, 3.35); exact below 2^53, and larger values are outside. */
  contains(start: number, length: number): boolean {
    return start + length <= this.#size;
  }

  /** Stores `bits` into elements [start, start + length); the caller checked the bounds. */
  fill(start: number, bits: number, length: number): void {
    if (this.elementType === "gcref") this.#words.fill(bits, start, start + length);
    else for (let i = start; i < start + length; i++) this.setFunc(i, bits);
  }

  /** Adds `delta` elements of value `bits`; returns the size before, or -1 when the maximum or the system refuses (SEEDS 3.24). */
  grow(delta: number, bits: number): number {
    const before = this.#size;
    if (delta === 0) return before;
    const size = before + delta;
    if (!(size <= this.maximum)) return -1;
    const bytes = ELEMENT_BYTES[this.elementType];
    if (size * bytes > this.#elements.byteLength) {
      const capacity = Math.min(this.maximum, Math.max(size, before * 2));
      let elements: Block;
      try {
        elements = this.store.blocks.allocate(capacity * bytes);
      } catch {
        return -1;
      }
      const words = elements.words;
      words.set(this.#words.subarray(0, before * bytes >> 2));
      this.store.blocks.free(this.#elements);
      this.#elements = elements;
      this.#words = words;
    }
    this.#size = size;
    // Zero is null already, unless the image covers the element, which it does for no element beyond the first size.
    if (bits !== 0) this.fill(before, bits, delta);
    this.#publish();
    return before;
  }

  /** Copies elements between tables or within one, overlap-safe; the caller checked the bounds (SEEDS 3.33, 3.34, 3.38). */
  copyFrom(source: TableState, destinationStart: number, sourceStart: number, length: number): void {
    if (this.elementType !== source.elementType) bug("tables of different kinds are copied");
    if (source === this && sourceStart === destinationStart) return;
    if (this.elementType === "func" && (source.#image !== undefined || this.#image !== undefined)) {
      // TABLE-A: a zero element does not travel.
      for (let i = sourceStart; i < sourceStart + length; i++) source.getFunc(i);
    }
    const words = ELEMENT_BYTES[this.elementType] >> 2;
    const from = sourceStart * words;
    const to = destinationStart * words;
    if (source === this) this.#words.copyWithin(to, from, from + length * words);
    else this.#words.set(source.#words.subarray(from, from + length * words), to);
  }

  /** Stores the element that the image says, and returns its address. */
  #initialize(index: number): number {
    const func = this.#image === undefined ? NONE : this.#image.funcs[index] ?? NONE;
    const address = func === NONE ? 0 : this.#image!.instance.functionAddress(func);
    this.setFunc(index, address);
    return address;
  }

  #publish(): void {
    this.#block.setAddress(this.#offsetBytes + DEFINITION.base, this.#elements.address);
    this.#block.setAddress(this.#offsetBytes + DEFINITION.currentElements, this.#size);
  }
}

/** Makes a table that no module defines. */
export function createTable(store: StoreState, type: TableType): TableState {
  return new TableState(store, type, store.allocate(VMTableDefinition.sizeBytes), 0);
}
