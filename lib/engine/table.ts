/** Tables: a guest's references. */

import { coerceValue, createTable, type TableState } from "../runtime/mod.ts";
import { type Store, storeOf } from "./store.ts";
import { parseValueType, toOptionalU32, toU32, type ValueType, valueTypeName, type ValueTypes } from "./values.ts";

/** A table's element type and limits. */
export interface TableType {
  /** What the elements are: `"funcref"` or `"externref"`. */
  readonly element: ValueType;
  /** Elements that the table starts with. */
  readonly minimum: number;
  /** Elements that it may grow to. */
  readonly maximum?: number | undefined;
}

/** Marks a constructor call that wraps an existing table: nobody outside this file has it. */
const WRAP = {} as TableType;

/** The table object of a table of a store; always the same. */
export let wrapTable: (state: TableState) => Table;
/** The table behind a table object, undefined for anything else. */
export let tableOf: (value: unknown) => TableState | undefined;

/**
 * A table of function references or of host values.
 *
 * @example Host values in a table
 * ```ts
 * import { Engine, Store, Table } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const table = new Table(store, { element: "externref", minimum: 2 });
 * table.set(1, "hello");
 * assertEquals([table.get(0), table.get(1)], [null, "hello"]);
 * assertEquals(table.grow(2, "more"), 2);
 * assertEquals(table.get(3), "more");
 * ```
 */
export class Table {
  readonly #state: TableState;

  static {
    wrapTable = (state) => {
      state.wrapper ??= new Table(state as never, WRAP);
      return state.wrapper as Table;
    };
    tableOf = (value) => typeof value === "object" && value !== null && #state in value ? value.#state : undefined;
  }

  /**
   * Makes a table.
   *
   * @param store The store it belongs to.
   * @param type Its element type and limits.
   * @param init What all elements are at first; null unless given.
   * @throws {TypeError} for a type or a value that cannot be.
   * @throws {RangeError} for more than 10,000,000 elements, or a maximum below the minimum.
   */
  constructor(store: Store, type: TableType, init: ValueTypes["funcref"] | ValueTypes["externref"] = null) {
    if (type === WRAP) {
      this.#state = store as unknown as TableState;
      return;
    }
    const state = storeOf(store);
    const { element } = type;
    const elementType = parseValueType(element);
    if (element !== "funcref" && element !== "externref") {
      throw new TypeError(`The elements of a table are funcref or externref, not ${element}`);
    }
    const minimum = toU32(type.minimum, "The minimum of a table");
    const maximum = toOptionalU32(type.maximum, "The maximum of a table");
    if (maximum !== undefined && maximum < minimum) {
      throw new RangeError(`The minimum of a table, ${minimum}, is above its maximum, ${maximum}`);
    }
    this.#state = createTable(state, { element: elementType, minimum, maximum });
    this.#state.wrapper = this;
    if (init !== null) this.#state.fill(0, this.#coerce(init), minimum);
  }

  /** Number of elements. */
  get size(): number {
    return this.#open().size;
  }

  /** The element type, the current size and the declared maximum. */
  get type(): TableType {
    const { size, type } = this.#open();
    const element = valueTypeName(type.element);
    return type.maximum === undefined ? { element, minimum: size } : { element, minimum: size, maximum: type.maximum };
  }

  /**
   * Reads an element.
   *
   * @param index Which one.
   * @returns A function or null, or the host value.
   * @throws {RangeError} if there is no such element.
   */
  // deno-lint-ignore no-explicit-any -- the element type is not known to TypeScript
  get(index: number): any {
    const state = this.#open();
    const bits = state.get(this.#index(index, 1));
    return state.elementType === "func" ? state.store.callableAt(bits) : state.store.handles.valueOf(bits);
  }

  /**
   * Writes an element.
   *
   * @param index Which one.
   * @param value A function of the store or null, or for a table of host values anything; null when left out.
   * @throws {RangeError} if there is no such element.
   * @throws {TypeError} for a value of another type.
   */
  set(index: number, value?: unknown): void {
    // Left out is null; undefined is a host value like any other (JS API).
    const bits = this.#coerce(arguments.length < 2 ? null : value);
    this.#open().set(this.#index(index, 1), bits);
  }

  /**
   * Makes the table larger.
   *
   * @param delta Elements to add.
   * @param value What they are; null unless given.
   * @returns The size before.
   * @throws {RangeError} if the maximum or the system does not allow it.
   */
  grow(delta: number, value?: unknown): number {
    const count = toU32(delta, "The growth of a table");
    const bits = this.#coerce(arguments.length < 2 ? null : value);
    const before = this.#open().grow(count, bits);
    if (before < 0) throw new RangeError(`The table cannot grow by ${count} elements`);
    return before;
  }

  /**
   * Writes one value to several elements.
   *
   * @param value What to write.
   * @param start The first element.
   * @param length How many; all from `start` unless given.
   * @throws {RangeError} if they are not all in the table; nothing is written then.
   */
  fill(value: unknown, start: number = 0, length: number = this.size - toU32(start, "An index")): void {
    const bits = this.#coerce(value);
    const first = toU32(start, "An index");
    const count = toU32(length, "A length");
    this.#open().fill(this.#index(first, count), bits, count);
  }

  /**
   * Copies elements from a table of the same element type, which may be this one.
   *
   * @param start The first element to write.
   * @param source Where to read.
   * @param sourceStart The first element to read.
   * @param length How many.
   * @throws {RangeError} if they are not all in both tables; nothing is written then.
   * @throws {TypeError} if the tables do not go together.
   */
  copyFrom(start: number, source: Table, sourceStart: number, length: number): void {
    const state = this.#open();
    const from = source.#open();
    if (from.store !== state.store) throw new TypeError("The tables belong to different stores");
    if (!state.store.engine.registry.isValSubtype(from.type.element, state.type.element)) {
      throw new TypeError("The tables have different element types");
    }
    const count = toU32(length, "A length");
    const read = source.#index(sourceStart, count);
    state.copyFrom(from, this.#index(start, count), read, count);
  }

  #open(): TableState {
    this.#state.store.requireOpen();
    return this.#state;
  }

  #coerce(value: unknown): number {
    const { store, valueKind, type } = this.#open();
    return coerceValue(store, valueKind, type.element, value) as number;
  }

  #index(index: number, length: number): number {
    const start = toU32(index, "An index");
    if (!this.#open().contains(start, length)) {
      throw new RangeError(`Element ${start} is not in the table of ${this.size} elements`);
    }
    return start;
  }
}
