/** Globals: a guest's variables. */

import { createGlobal, type GlobalState } from "../runtime/mod.ts";
import { type RefType, toValueType } from "./composite_type.ts";
import { type Store, storeOf } from "./store.ts";
import { type ValueType, valueTypeName } from "./values.ts";

/** A global's type. */
export interface GlobalType<Value extends ValueType | RefType = ValueType> {
  /** The type of its value: a name, or for a global that is made `{ ref: type }`, a reference to something in particular. */
  readonly valueType: Value;
  /** Whether the value can be set: `"var"`, or `"const"` (the default). */
  readonly mutability?: "const" | "var";
}

/** Marks a constructor call that wraps an existing global: nobody outside this file has it. */
const WRAP = {} as GlobalType;

/** The global object of a global of a store; always the same. */
export let wrapGlobal: (state: GlobalState) => Global;
/** The global behind a global object, undefined for anything else. */
export let globalOf: (value: unknown) => GlobalState | undefined;

/** Values of globals that are made without one. */
const DEFAULTS: Record<ValueType, unknown> = {
  i32: 0,
  i64: 0n,
  f32: 0,
  f64: 0,
  v128: new Uint8Array(16),
  funcref: null,
  externref: undefined,
  anyref: null,
  eqref: null,
  i31ref: null,
  structref: null,
  arrayref: null,
  exnref: null,
};

/**
 * A global variable.
 *
 * @example A counter that guests could import
 * ```ts
 * import { Engine, Global, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const counter = new Global(store, { valueType: "i64", mutability: "var" }, 41n);
 * counter.value += 1n;
 * assertEquals(counter.value, 42n);
 * ```
 */
export class Global {
  readonly #state: GlobalState;

  static {
    wrapGlobal = (state) => {
      state.wrapper ??= new Global(state as never, WRAP);
      return state.wrapper as Global;
    };
    globalOf = (value) => typeof value === "object" && value !== null && #state in value ? value.#state : undefined;
  }

  /**
   * Makes a global.
   *
   * @param store The store it belongs to.
   * @param type The type of its value, and whether that can be set.
   * @param value Its value; zero, null or undefined unless given.
   * @throws {TypeError} for a type or a value that cannot be.
   */
  constructor(store: Store, type: GlobalType<ValueType | RefType>, value?: unknown) {
    if (type === WRAP) {
      this.#state = store as unknown as GlobalState;
      return;
    }
    const { valueType, mutability = "const" } = type;
    if (mutability !== "const" && mutability !== "var") throw new TypeError(`mutability is "const" or "var"`);
    const owner = storeOf(store);
    const isMutable = mutability === "var";
    const state = createGlobal(owner, { type: toValueType(owner.engine, valueType), isMutable });
    state.set(value !== undefined ? value : typeof valueType === "string" ? DEFAULTS[valueType] : null);
    state.wrapper = this;
    this.#state = state;
  }

  /** The type. */
  get type(): Required<GlobalType> {
    const { type, isMutable } = this.#open().type;
    return { valueType: valueTypeName(type), mutability: isMutable ? "var" : "const" };
  }

  /** The value: a number, a bigint for i64, a function or null, or a host value. */
  // deno-lint-ignore no-explicit-any -- the value type is not known to TypeScript
  get value(): any {
    return this.#open().get();
  }

  /** Sets the value, coerced to the global's type; throws a `TypeError` for a constant, or a value that cannot be coerced. */
  // deno-lint-ignore no-explicit-any -- as the getter's
  set value(value: any) {
    const state = this.#open();
    if (!state.type.isMutable) throw new TypeError("The global is constant");
    state.set(value);
  }

  #open(): GlobalState {
    this.#state.store.requireOpen();
    return this.#state;
  }
}
