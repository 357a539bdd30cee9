/** Tables: a guest's references. */

import {
  type BitValue,
  coerceContinuation,
  coerceValue,
  continuationReference,
  createTable,
  createTableLater,
  type Growth,
  referenceOf,
  type StoreState,
  type TableState,
  type TableType as RuntimeTableType,
  ValueKind,
  valueKindOf,
  valueOfReferenceBits,
} from "../runtime/mod.ts";
import { heapType, isNullable, isRef, type ValType } from "../wasm/mod.ts";
import { type RefType, toValueType } from "./composite_type.ts";
import { growError } from "./errors.ts";
import { type Store, storeOf } from "./store.ts";
import {
  type AddressType,
  type AddressValue,
  fromAddress,
  toAddress,
  toAddressType,
  type ValueType,
  valueTypeName,
  type ValueTypes,
} from "./values.ts";

/** A table's element type and limits. */
export interface TableType<Address extends AddressType = AddressType> {
  /** What the elements are: a reference type, such as `"funcref"` or `"externref"`, or `{ ref: type }` for one to something in particular. */
  readonly element: ValueType | RefType;
  /** Elements that the table starts with. */
  readonly minimum: AddressValue<Address>;
  /** Elements that it may grow to. */
  readonly maximum?: AddressValue<Address> | undefined;
  /** How wide indices are: `"i32"` unless given. */
  readonly address?: Address | undefined;
}

/** Marks a constructor call that wraps an existing table: nobody outside this file has it. */
const WRAP = {} as TableType<never>;

/** The table object of a table of a store; always the same. */
export let wrapTable: (state: TableState) => Table<AddressType>;
/** The table behind a table object, undefined for anything else. */
export let tableOf: (value: unknown) => TableState | undefined;

/** The type of a table with `size` elements; what is as usual is left out. */
export function tableTypeOf(
  type: { readonly element: ValType; readonly maximum: number | undefined; readonly addressType: AddressType },
  size: number,
): TableType {
  const { element, maximum, addressType } = type;
  return {
    element: valueTypeName(element),
    minimum: fromAddress<AddressType>(size, addressType),
    ...maximum === undefined ? {} : { maximum: fromAddress<AddressType>(maximum, addressType) },
    ...addressType === "i64" ? { address: addressType } : {},
  };
}

/** A value for an element, checked. @throws {TypeError} */
function coerceElement(store: StoreState, element: ValType, value: unknown): BitValue {
  const kind = valueKindOf(store.engine.registry, element);
  if (kind === ValueKind.cont) return coerceContinuation(store, element, value);
  return coerceValue(store, kind, element, value);
}

/** The bits of a checked value. @throws {Trap} when the heap is full. */
function bitsOf(store: StoreState, element: ValType, value: BitValue): number {
  return valueKindOf(store.engine.registry, element) === ValueKind.func ? value as number : referenceOf(store, value);
}

/** The type of a table that JavaScript makes, and a check of the value that its elements get: before there is a table, which would stay. */
function parseTable(
  store: Store,
  { element, address, minimum, maximum }: TableType<AddressType>,
  init: unknown,
): { readonly state: StoreState; readonly type: RuntimeTableType; readonly check: () => void } {
  const state = storeOf(store);
  const elementType = toValueType(state.engine, element);
  if (!isRef(elementType)) {
    throw new TypeError(`The elements of a table are references, not ${element}`);
  }
  if (!isNullable(elementType) && init === null) {
    throw new TypeError("A table whose elements exclude null is made with what they are at first");
  }
  const addressType = toAddressType(address);
  const least = toAddress(minimum, addressType, "The minimum of a table");
  const most = maximum === undefined ? undefined : toAddress(maximum, addressType, "The maximum of a table");
  if (most !== undefined && most < least) {
    throw new RangeError(`The minimum of a table, ${least}, is above its maximum, ${most}`);
  }
  return {
    state,
    type: { element: elementType, minimum: least, maximum: most, addressType },
    check: () => {
      state.requireOpen();
      bitsOf(state, elementType, coerceElement(state, elementType, init));
    },
  };
}

/**
 * A table of references: to functions, objects, continuations, or host values.
 *
 * Sizes and indices of a table with 64-bit indices are given back as bigints, and taken as bigints or numbers.
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
export class Table<Address extends AddressType = "i32"> {
  readonly #state: TableState;

  static {
    wrapTable = (state) => {
      state.wrapper ??= new Table(state as never, WRAP);
      return state.wrapper as Table<AddressType>;
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
  constructor(store: Store, type: TableType<Address>, init: ValueTypes["funcref"] | ValueTypes["externref"] = null) {
    if (type as unknown === WRAP) {
      this.#state = store as unknown as TableState;
      return;
    }
    const parsed = parseTable(store, type as TableType<AddressType>, init);
    parsed.check();
    this.#state = createTable(parsed.state, parsed.type);
    this.#state.wrapper = this;
    this.#fillNew(init);
  }

  /**
   * Makes a table of a store whose limiter may answer by a promise.
   *
   * @param store The store it belongs to.
   * @param type Its element type and limits.
   * @param init What all elements are at first; null unless given.
   * @returns The table.
   * @throws {TypeError} for a type or a value that cannot be, and when the store was disposed meanwhile.
   * @throws {RangeError} for more than 10,000,000 elements, a maximum below the minimum, or when the limiter or the store's limits refuse it.
   */
  static async createAsync<Address extends AddressType = "i32">(
    store: Store,
    type: TableType<Address>,
    init: ValueTypes["funcref"] | ValueTypes["externref"] = null,
  ): Promise<Table<Address>> {
    const parsed = parseTable(store, type as TableType<AddressType>, init);
    parsed.check();
    const table = wrapTable(await createTableLater(parsed.state, parsed.type, parsed.check));
    table.#fillNew(init);
    return table as Table<Address>;
  }

  #fillNew(init: unknown): void {
    if (init === null) return;
    this.#state.fill(0, this.#bits(this.#coerce(init)), this.#state.size);
  }

  /** Number of elements. */
  get size(): AddressValue<Address> {
    return this.#value(this.#open().size);
  }

  /**
   * The size that the table may reach: its declared maximum, or less, where no table of the engine can have as many. Undeclared, it is what
   * the engine allows.
   */
  get maximum(): AddressValue<Address> {
    return this.#value(this.#open().maximum);
  }

  /** Whether the table lies in the engine's pool: it never moves then, and has at most as many elements as the pool's tables have. */
  get isStatic(): boolean {
    return this.#open().isStatic;
  }

  /** The element type, the current size and the declared maximum. */
  get type(): TableType<Address> {
    const { size, type } = this.#open();
    return tableTypeOf(type, size) as TableType<Address>;
  }

  /**
   * Reads an element.
   *
   * @param index Which one.
   * @returns A function or null, a reference to an object or a continuation, or the host value.
   * @throws {RangeError} if there is no such element.
   */
  // deno-lint-ignore no-explicit-any -- the element type is not known to TypeScript
  get(index: number | bigint): any {
    const state = this.#open();
    const bits = state.get(this.#index(index, 1));
    const { store, elementType, type, valueKind } = state;
    if (elementType === "func") return store.callableAt(bits);
    return elementType === "cont"
      ? continuationReference(store, bits, heapType(type.element))
      : valueOfReferenceBits(store, valueKind, bits);
  }

  /**
   * As {@linkcode Table.get}, but a function that a segment of the table's module put there is not made for it: what nobody has read yet
   * is undefined.
   *
   * @example Functions are made when they are first asked for
   * ```ts
   * import { Engine, Instance, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module (table (export "t") 2 funcref) (elem (i32.const 0) $f) (func $f))`);
   * const { t } = new Instance(store, module).exports;
   * assertEquals([t.getMaybeInit(0), typeof t.get(0), typeof t.getMaybeInit(0)], [undefined, "function", "function"]);
   * ```
   * @throws {RangeError} if there is no such element.
   */
  // deno-lint-ignore no-explicit-any -- the element type is not known to TypeScript
  getMaybeInit(index: number | bigint): any {
    const state = this.#open();
    if (state.elementType !== "func") return this.get(index);
    const address = state.getFuncMaybeInit(this.#index(index, 1));
    return address === "uninitialized" ? undefined : state.store.callableAt(address);
  }

  /**
   * Writes an element.
   *
   * @param index Which one.
   * @param value A function of the store or null, a reference to an object or a continuation of the element's type, or for a table of host
   * values anything; null when left out.
   * @throws {RangeError} if there is no such element.
   * @throws {TypeError} for a value of another type.
   */
  set(index: number | bigint, value?: unknown): void {
    // Left out is null; undefined is a host value like any other (JS API).
    const bits = this.#coerce(arguments.length < 2 ? null : value);
    const place = this.#index(index, 1);
    this.#open().set(place, this.#bits(bits));
  }

  /**
   * Makes the table larger.
   *
   * @param delta Elements to add.
   * @param value What they are; null unless given.
   * @returns The size before.
   * @throws {RangeError} if the maximum, the store's limiter, its limits (a {@linkcode LimitError}) or the system do not allow it.
   */
  grow(delta: AddressValue<Address>, value?: unknown): AddressValue<Address> {
    const count = this.#number(delta, "The growth of a table");
    const bits = this.#coerce(arguments.length < 2 ? null : value);
    return this.#grown(count, this.#open().grow(count, () => this.#bits(bits)));
  }

  /**
   * As {@linkcode Table.grow}, for stores whose limiter may answer by a promise, which is awaited.
   *
   * @example A limiter that takes its time
   * ```ts
   * import { Engine, Store, Table } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine, {
   *   limiter: { tableGrowing: (current) => current === 0 || Promise.resolve(true) },
   * });
   * const table = new Table(store, { element: "externref", minimum: 1 });
   * assertEquals([await table.growAsync(2, "late"), table.size, table.get(2)], [1, 3, "late"]);
   * ```
   */
  async growAsync(delta: AddressValue<Address>, value?: unknown): Promise<AddressValue<Address>> {
    const count = this.#number(delta, "The growth of a table");
    const given = arguments.length < 2 ? null : value;
    this.#coerce(given);
    const before = await this.#open().growLater(count, () => {
      const bits = this.#coerce(given); // again: what it is may have been given up during the wait, and so may its room in the heap
      return () => this.#bits(bits);
    });
    return this.#grown(count, before);
  }

  #grown(count: number, before: Growth): AddressValue<Address> {
    if (typeof before !== "number") throw growError(`The table cannot grow by ${count} elements`, before);
    return this.#value(before);
  }

  /**
   * Writes one value to several elements.
   *
   * @param value What to write.
   * @param start The first element.
   * @param length How many; all from `start` unless given.
   * @throws {RangeError} if they are not all in the table; nothing is written then.
   */
  fill(value: unknown, start: number | bigint = 0, length?: number | bigint): void {
    const bits = this.#coerce(value);
    const first = this.#number(start, "An index");
    const count = length === undefined ? Math.max(0, this.#open().size - first) : this.#number(length, "A length");
    const place = this.#index(first, count);
    this.#open().fill(place, this.#bits(bits), count);
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
  copyFrom(
    start: number | bigint,
    source: Table<AddressType>,
    sourceStart: number | bigint,
    length: number | bigint,
  ): void {
    const state = this.#open();
    if (tableOf(source) === undefined) throw new TypeError("What elements are copied from is a Table");
    const from = source.#open();
    if (from.store !== state.store) throw new TypeError("The tables belong to different stores");
    if (!state.store.engine.registry.isValSubtype(from.type.element, state.type.element)) {
      throw new TypeError("The tables have different element types");
    }
    const count = this.#number(length, "A length");
    const read = source.#index(sourceStart, count);
    state.copyFrom(from, this.#index(start, count), read, count);
  }

  /**
   * Copies elements within the table; the ranges may overlap.
   *
   * @param start The first element to write.
   * @param sourceStart The first element to read.
   * @param length How many.
   * @throws {RangeError} if they are not all in the table; nothing is written then.
   */
  copyWithin(start: number | bigint, sourceStart: number | bigint, length: number | bigint): void {
    this.copyFrom(start, this as Table<AddressType>, sourceStart, length);
  }

  #open(): TableState {
    this.#state.store.requireOpen();
    return this.#state;
  }

  #coerce(value: unknown): BitValue {
    const { store, type } = this.#open();
    return coerceElement(store, type.element, value);
  }

  /** The bits of a coerced value, to be stored at once: nothing may be collected in between. */
  #bits(value: BitValue): number {
    const { store, type } = this.#open();
    return bitsOf(store, type.element, value);
  }

  #number(value: unknown, what: string): number {
    return toAddress(value, this.#state.type.addressType, what);
  }

  #value(size: number): AddressValue<Address> {
    return fromAddress(size, this.#state.type.addressType as Address);
  }

  #index(index: number | bigint, length: number): number {
    const start = this.#number(index, "An index");
    if (!this.#open().contains(start, length)) {
      throw new RangeError(`Element ${start} is not in the table of ${this.size} elements`);
    }
    return start;
  }
}
