/**
 * Tables: arrays of references that machine code indexes through {base, size}.
 *
 * How elements are stored stands in lib/abi/table_layout.ts. A module's table starts as zeroed memory whatever its size: what an element
 * segment would have put there is looked up in the module's *image* of the table (function indices by element) when machine code or JavaScript
 * first reads the element; only an engine with eager tables writes it at once.
 *
 * Storage is *dynamic*, small tables in the store's slabs, large ones in mappings of their own, where growing copies with doubling capacity;
 * or *static*, a slot of the engine's pool, which never moves. Either way the definition record gets base and size last (BULK-2).
 *
 * TABLE-A  A zero element of a lazy function table means `image[index]`, and null where the image has nothing.
 * TABLE-B  An address enters a table only by `FuncState.referenceAddress` or from machine code: it is a complete VMFuncRef of this store.
 * TABLE-C  A table whose minimum equals its maximum never moves (compiled code holds its base): growing by 0 does nothing.
 * TABLE-D  Elements beyond the size are zero, so growing by nulls writes none of them.
 * TABLE-E  A reference to an object is stored here only past the collector's write barrier, if it has one.
 */

import {
  funcElement,
  funcOfElement,
  TABLE_ELEMENT_BYTES,
  type TableElementType,
  tableElementTypeOf,
  type TableMode,
  VMTableDefinition,
} from "../abi/mod.ts";
import { bug, NONE } from "../base/mod.ts";
import { FUNCREF, type ValType } from "../wasm/mod.ts";
import type { Block } from "./block.ts";
import { type Growable, type GrowFailure, growLater, growNow, type Growth } from "./growth.ts";
import { answerLater, answerNow, type LimiterAnswer, refusedByLimiter } from "./limiter.ts";
import { CHUNK_ELEMENTS } from "./bulk.ts";
import type { Collector, RootSource, RootVisitor } from "./gc/collector.ts";
import { valueKindOf } from "./signature.ts";
import type { StoreState } from "./store_state.ts";
import { Resource } from "./usage.ts";

const DEFINITION = VMTableDefinition.offsets;

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

/** What a table of this index type may grow to when its type does not say: all that its indices reach. */
const MAXIMUM_BY_ADDRESS: Readonly<Record<TableType["addressType"], number>> = { i32: 2 ** 32 - 1, i64: 2 ** 64 };

/** A reference, or what makes one, asked once nothing can be collected any more before it is stored. */
export type TableInit = number | (() => number);

/** A table of a store. */
export class TableState implements RootSource, Growable {
  readonly store: StoreState;
  /** The type it was declared with; `minimum` is the declared one. */
  readonly type: TableType;
  readonly elementType: TableElementType;
  /** Kind of the elements as JavaScript values. */
  readonly valueKind: number;
  /** Address of the VMTableDefinition. */
  readonly definitionAddress: number;
  /** Whether its storage is a slot of the engine's pool. */
  readonly isStatic: boolean;
  /** The size it may reach: what its type allows, its storage, and any engine. */
  readonly maximum: number;
  /** The API's object for this table, once it has one. */
  wrapper: unknown = undefined;
  readonly #mode: TableMode;
  readonly #block: Block;
  readonly #offsetBytes: number;
  /** Int32 words of an element. */
  readonly #stride: number;
  readonly #image: TableImage | undefined;
  #size: number;
  /** While a growth is interrupted, the end of what it has filled; else 0. */
  #pendingEnd = 0;
  #elements: Block;
  #words: Int32Array<ArrayBuffer>;

  /**
   * The definition is written at `offsetBytes` of `block`; all elements are null, or what the image says. The limiter was asked.
   *
   * @throws {RangeError} for more elements than any table has, than a slot of the engine's pool has, or than the store's limits allow.
   */
  constructor(store: StoreState, type: TableType, block: Block, offsetBytes: number, image?: TableImage) {
    const { registry, tableMode, tablePool } = store.engine;
    this.store = store;
    this.type = type;
    this.valueKind = valueKindOf(registry, type.element);
    this.elementType = tableElementTypeOf(type.element, registry.types);
    this.#stride = TABLE_ELEMENT_BYTES[this.elementType] >> 2;
    this.#mode = tableMode;
    this.#block = block;
    this.#offsetBytes = offsetBytes;
    this.definitionAddress = block.address + offsetBytes;
    this.#image = image;
    const { minimum } = type;
    if (minimum > MAXIMUM_TABLE_ELEMENTS) {
      throw new RangeError(`A table has at most ${MAXIMUM_TABLE_ELEMENTS} elements, not ${minimum}`);
    }
    this.isStatic = tablePool !== undefined;
    const bytes = minimum * TABLE_ELEMENT_BYTES[this.elementType];
    let capacity = MAXIMUM_TABLE_ELEMENTS;
    if (tablePool !== undefined) {
      capacity = Math.floor(tablePool.slotBytes / TABLE_ELEMENT_BYTES[this.elementType]);
      if (minimum > capacity) {
        throw new RangeError(`A table of the engine's pool has at most ${capacity} elements, not ${minimum}`);
      }
    }
    store.usage.require(Resource.tableElements, minimum);
    try {
      this.#elements = tablePool === undefined
        ? store.blocks.allocate(Math.max(4, bytes))
        : store.takeTableSlot(tablePool);
    } catch (error) {
      store.usage.cancel(Resource.tableElements, minimum);
      throw error;
    }
    this.maximum = Math.min(declaredMaximum(type), capacity, MAXIMUM_TABLE_ELEMENTS);
    this.#size = minimum;
    this.#words = this.#elements.words;
    this.#publish();
    if (this.elementType !== "func") store.rootSources.add(this);
    this.#initializeEagerly();
  }

  /** Makes it what it was when it was made: as many elements, all null or what the image says. No call of its store is active or parked. */
  reset(): void {
    if (this.elementType !== "func" && this.#barrierCollector() !== undefined) this.fill(0, 0, this.#size);
    this.#elements.clear();
    this.store.usage.give(Resource.tableElements, this.#size - this.type.minimum);
    this.#size = this.type.minimum;
    this.#publish();
    this.#initializeEagerly();
  }

  /** A table of references to objects is one of roots, elements that a growth is adding included. */
  visitRoots(visitor: RootVisitor): void {
    const end = Math.max(this.#size, this.#pendingEnd);
    if (this.#stride === 1) visitor.visitRange(this.#words, 0, end);
    else for (let i = 0; i < end; i++) visitor.visit(this.#words, i * this.#stride);
  }

  /** Current number of elements. */
  get size(): number {
    return this.#size;
  }

  /** Address of the VMFuncRef at `index`, 0 for null; the caller checked the bounds. Initialises the element. */
  getFunc(index: number): number {
    return funcOfElement(this.#element(index), this.#mode) ?? this.#initialize(index);
  }

  /** As {@linkcode getFunc}, without initialising (SEEDS 3.28). */
  getFuncMaybeInit(index: number): number | "uninitialized" {
    return funcOfElement(this.#element(index), this.#mode) ?? "uninitialized";
  }

  /** Stores a VMFuncRef address, 0 for null. */
  setFunc(index: number, address: number): void {
    const element = funcElement(address, this.#mode);
    this.#words[index * 2] = element;
    this.#words[index * 2 + 1] = Math.floor(element / 0x1_0000_0000);
  }

  getGcRef(index: number): number {
    return this.#words[index];
  }

  setGcRef(index: number, reference: number): void {
    this.#barrierCollector()?.rootBarrier(this.#words[index], reference);
    this.#words[index] = reference;
  }

  /** The continuation at `index`: a reference, 0 for null. */
  getCont(index: number): number {
    return this.#words[index * this.#stride];
  }

  setCont(index: number, reference: number): void {
    const word = index * this.#stride;
    this.#barrierCollector()?.rootBarrier(this.#words[word], reference);
    this.#words[word] = reference;
  }

  /** Element `index` as bits: a VMFuncRef address or a reference. */
  get(index: number): number {
    if (this.elementType === "func") return this.getFunc(index);
    return this.elementType === "gcref" ? this.getGcRef(index) : this.getCont(index);
  }

  /** Stores an element given as bits. */
  set(index: number, bits: number): void {
    if (this.elementType === "func") this.setFunc(index, bits);
    else if (this.elementType === "gcref") this.setGcRef(index, bits);
    else this.setCont(index, bits);
  }

  /** Whether [start, start + length) is inside the table (SEEDS 3.20, 3.35); exact below 2^53, and larger values are outside. */
  contains(start: number, length: number): boolean {
    return start + length <= this.#size;
  }

  /** Stores `bits` into elements [start, start + length); the caller checked the bounds. */
  fill(start: number, bits: number, length: number): void {
    if (this.elementType === "gcref" && this.#barrierCollector() === undefined) {
      this.#words.fill(bits, start, start + length);
    } else for (let i = start; i < start + length; i++) this.set(i, bits);
  }

  /**
   * Adds `delta` elements of value `init`; returns the size before, or why not: the store's limiter, the maximum, the store's limits or the system
   * refuse (SEEDS 3.24). A limiter runs first: a reference that could be collected meanwhile is made by a function.
   */
  grow(delta: number, init: TableInit): Growth {
    return growNow(this, delta, () => this.growAllowed(delta, init));
  }

  /** As {@linkcode TableState.grow}, for a limiter that may answer by a promise; `init` is asked behind the wait, and may collect. */
  growLater(delta: number, init: () => TableInit): Promise<Growth> {
    return growLater(this, delta, () => this.growAllowed(delta, init()));
  }

  /** Asks the limiter, if there is something to ask. */
  askToGrow(delta: number): LimiterAnswer {
    const { limiter } = this.store;
    const desired = this.#size + delta;
    if (limiter?.tableGrowing === undefined || delta === 0 || !Number.isSafeInteger(desired)) return true;
    this.store.meter?.stop(); // METER-1
    return limiter.tableGrowing(this.#size, desired, declaredMaximum(this.type));
  }

  /** The answer to growth that the limiter does not want. */
  refused(delta: number): GrowFailure {
    return () => refusedByLimiter(`${delta} more elements of a table`);
  }

  /**
   * As {@linkcode TableState.grow}, after the limiter was asked, `poll` is called between chunks of
   * the new elements: nothing of a growth is seen before all of it is there (BULK-2), and nothing is left of one that `poll` ends.
   */
  growAllowed(delta: number, init: TableInit, poll?: () => void): Growth {
    if (delta === 0) return this.#size;
    for (;;) {
      const before = this.#growOnce(delta, init, poll);
      if (before !== undefined) return before;
      if (!answerNow(this.askToGrow(delta))) return this.refused(delta); // GROW-1
      this.store.requireOpen();
    }
  }

  /** One attempt to grow; undefined when user code has grown the table meanwhile. */
  #growOnce(delta: number, init: TableInit, poll: (() => void) | undefined): Growth | undefined {
    const { limiter, usage } = this.store;
    this.#clearPending();
    const before = this.#size;
    const size = before + delta;
    let failure: GrowFailure | undefined;
    if (size > this.maximum) {
      failure = () => new RangeError(`A table of at most ${this.maximum} elements cannot have ${size}`);
    } else if (!usage.take(Resource.tableElements, delta)) {
      failure = () => usage.errorOf(Resource.tableElements, delta);
    } else {
      const reason = this.#reserve(size);
      if (reason !== undefined) {
        usage.cancel(Resource.tableElements, delta);
        failure = () => reason;
      }
    }
    if (failure !== undefined) {
      if (limiter?.tableGrowFailed !== undefined) {
        this.store.meter?.stop(); // METER-1
        const reason = failure();
        limiter.tableGrowFailed(reason);
        return () => reason;
      }
      return failure;
    }
    const bits = () => {
      if (typeof init === "number") return init;
      try {
        return init();
      } catch (error) {
        usage.cancel(Resource.tableElements, delta);
        throw error;
      }
    };
    const step = bits() === 0 || poll === undefined ? delta : CHUNK_ELEMENTS;
    for (let at = before; at < size; at += step) {
      if (at !== before && !this.#pollPending(at, delta, poll!)) return undefined;
      if (bits() !== 0) this.fill(at, bits(), Math.min(step, size - at)); // TABLE-D
    }
    this.#size = size;
    this.#publish();
    return before;
  }

  /** Polls when the elements up to `end` are filled; returns whether the growth goes on: no other has taken its place. */
  #pollPending(end: number, delta: number, poll: () => void): boolean {
    this.#pendingEnd = end;
    let isUndisturbed = false;
    try {
      poll();
      isUndisturbed = this.#pendingEnd === end;
      if (isUndisturbed) this.#pendingEnd = 0;
    } finally {
      if (!isUndisturbed) {
        this.#clearPending();
        this.store.usage.cancel(Resource.tableElements, delta);
      }
    }
    return isUndisturbed;
  }

  /** Gives up what an interrupted growth has filled: elements beyond the size are zero (TABLE-D). */
  #clearPending(): void {
    const end = this.#pendingEnd;
    this.#pendingEnd = 0;
    if (end === 0) return;
    // No null: that is a zero element only where tables are not lazy (TABLE-A).
    if (this.elementType === "func") this.#words.fill(0, this.#size * this.#stride, end * this.#stride);
    else this.fill(this.#size, 0, end - this.#size);
  }

  /** Copies elements between tables or within one, overlap-safe; the caller checked the bounds (SEEDS 3.33, 3.34, 3.38). */
  copyFrom(source: TableState, destinationStart: number, sourceStart: number, length: number): void {
    if (this.elementType !== source.elementType) bug("tables of different kinds are copied");
    if (source === this && sourceStart === destinationStart) return;
    if (this.elementType === "func") {
      if (source.#image !== undefined || this.#image !== undefined) {
        // TABLE-A: a zero element does not travel.
        for (let i = sourceStart; i < sourceStart + length; i++) source.getFunc(i);
      }
    } else if (this.#barrierCollector() !== undefined) {
      return this.#copyWithBarriers(source, destinationStart, sourceStart, length);
    }
    const from = sourceStart * this.#stride;
    const to = destinationStart * this.#stride;
    if (source === this) this.#words.copyWithin(to, from, from + length * this.#stride);
    else this.#words.set(source.#words.subarray(from, from + length * this.#stride), to);
  }

  /** One by one, in the direction in which no element is overwritten before it was read. */
  #copyWithBarriers(source: TableState, destinationStart: number, sourceStart: number, length: number): void {
    const isForward = destinationStart < sourceStart;
    for (let n = 0; n < length; n++) {
      const i = isForward ? n : length - 1 - n;
      this.set(destinationStart + i, source.get(sourceStart + i));
    }
  }

  #initializeEagerly(): void {
    if (this.#mode !== "eager" || this.#image === undefined) return;
    for (let i = 0; i < this.#image.funcs.length; i++) this.#initialize(i);
  }

  /** Makes room for `size` elements; what keeps it from that. */
  #reserve(size: number): Error | undefined {
    const bytes = TABLE_ELEMENT_BYTES[this.elementType];
    if (size * bytes <= this.#elements.byteLength) return undefined;
    const capacity = Math.min(this.maximum, Math.max(size, this.#size * 2));
    let elements: Block;
    try {
      elements = this.store.blocks.allocate(capacity * bytes);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
    const words = elements.words;
    words.set(this.#words.subarray(0, this.#size * this.#stride));
    this.store.blocks.free(this.#elements);
    this.#elements = elements;
    this.#words = words;
    return undefined;
  }

  /** A function table's element as it is stored. */
  #element(index: number): number {
    return (this.#words[index * 2] >>> 0) + this.#words[index * 2 + 1] * 0x1_0000_0000;
  }

  /** Stores the element that the image says, and returns its address. */
  #initialize(index: number): number {
    const func = this.#image === undefined ? NONE : this.#image.funcs[index] ?? NONE;
    const address = func === NONE ? 0 : this.#image!.instance.functionAddress(func);
    this.setFunc(index, address);
    return address;
  }

  /** The collector, if it has to see what is stored (TABLE-E). */
  #barrierCollector(): Collector | undefined {
    const { gc } = this.store;
    return gc.isReserved && gc.collector.hasRootBarriers ? gc.collector : undefined;
  }

  #publish(): void {
    this.#block.setAddress(this.#offsetBytes + DEFINITION.base, this.#elements.address);
    this.#block.setAddress(this.#offsetBytes + DEFINITION.currentElements, this.#size);
  }
}

/** The maximum of a type, or all that its indices reach. */
function declaredMaximum({ maximum, addressType }: TableType): number {
  return maximum ?? MAXIMUM_BY_ADDRESS[addressType];
}

/** Asks the limiter about a new table; it sees what is asked for even where nothing could have it (SEEDS 3.14). */
export function askAboutTable({ limiter }: StoreState, type: TableType): LimiterAnswer {
  return limiter?.tableGrowing === undefined ? true : limiter.tableGrowing(0, type.minimum, declaredMaximum(type));
}

/** The error of a new table that the limiter does not want. */
export function refusedTable({ minimum }: TableType): Error {
  return refusedByLimiter(`a table of ${minimum} elements`);
}

/** Makes a table that no module defines. @throws {RangeError} when the store's limiter or limits refuse it. */
export function createTable(store: StoreState, type: TableType): TableState {
  return makeTable(store, type, answerNow(askAboutTable(store, type)));
}

/** As {@linkcode createTable}, for callers that have time to wait for the limiter's promise; `check` is called when the answer is there. */
export async function createTableLater(store: StoreState, type: TableType, check: () => void): Promise<TableState> {
  const isAllowed = await answerLater(askAboutTable(store, type));
  check();
  return makeTable(store, type, isAllowed);
}

function makeTable(store: StoreState, type: TableType, isAllowed: boolean): TableState {
  if (!isAllowed) throw refusedTable(type);
  return new TableState(store, type, store.allocate(VMTableDefinition.sizeBytes), 0);
}

/** A table of functions without elements that cannot grow (SEEDS 3.39). */
export function emptyTable(store: StoreState): TableState {
  return createTable(store, { element: FUNCREF, minimum: 0, maximum: 0, addressType: "i32" });
}
