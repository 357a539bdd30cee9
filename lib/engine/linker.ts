/** Linkers: what many modules import, defined once. */

import { type EngineState, funcStateOf, type StoreState } from "../runtime/mod.ts";
import { type Engine, engineOf } from "./engine.ts";
import {
  type CallerImplementation,
  type Func,
  type HostFuncOptions,
  type HostImplementation,
  makeHostFunc,
  wrapFunc,
} from "./func.ts";
import { type ImportValue, type Instance, instanceOf, instantiateWith } from "./instance.ts";
import type { Module } from "./module.ts";
import { type Store, storeOf } from "./store.ts";
import { type FuncSignature, internSignature } from "./values.ts";

/** A host function that has no store yet: each store that links it gets one of its own. */
class HostDefinition {
  readonly #typeId: number;
  readonly #fn: (...args: never[]) => unknown;
  readonly #options: HostFuncOptions;
  readonly #byStore = new WeakMap<StoreState, Func>();

  constructor(typeId: number, fn: (...args: never[]) => unknown, options: HostFuncOptions) {
    this.#typeId = typeId;
    this.#fn = fn;
    this.#options = options;
  }

  in(store: StoreState): Func {
    let func = this.#byStore.get(store);
    if (func === undefined) {
      func = wrapFunc(makeHostFunc(store, this.#typeId, this.#fn, this.#options));
      this.#byStore.set(store, func);
    }
    return func;
  }
}

/**
 * Gathers definitions by module and name, and instantiates modules with them.
 *
 * @example Host functions for a module
 * ```ts
 * import { Engine, Linker, Module, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * // (module (import "env" "twice" (func (param i32) (result i32))) (func (export "run") (result i32) i32.const 21 call 0))
 * const bytes = Uint8Array.fromBase64(
 *   "AGFzbQEAAAABCgJgAX8Bf2AAAX8CDQEDZW52BXR3aWNlAAADAgEBBwcBA3J1bgABCggBBgBBFRAACw==",
 * );
 * using engine = new Engine();
 * using store = new Store(engine);
 * const linker = new Linker(engine);
 * linker.defineFunc("env", "twice", { parameters: ["i32"], results: ["i32"] }, (n) => 2 * n);
 * const instance = linker.instantiate(store, new Module(engine, bytes));
 * assertEquals(instance.exports.run(), 42);
 * ```
 */
export class Linker {
  /** The engine whose modules are linked. */
  readonly engine: Engine;
  readonly #engineState: EngineState;
  readonly #definitions = new Map<string, Map<string, ImportValue | HostDefinition>>();

  /**
   * Makes an empty linker.
   *
   * @param engine The engine whose modules will be linked.
   * @throws {TypeError} if the engine is disposed.
   */
  constructor(engine: Engine) {
    this.#engineState = engineOf(engine).state;
    this.engine = engine;
  }

  /**
   * Defines something of a store, or a JavaScript function that takes the type of whatever imports it. A later definition of the same name
   * replaces an earlier one.
   *
   * @param module The module name that imports give.
   * @param name The name that imports give.
   * @param value What they get.
   * @returns The linker.
   * @throws {TypeError} for undefined, which is what nobody defined.
   */
  define(module: string, name: string, value: ImportValue): this {
    if (value === undefined) {
      throw new TypeError(`Nothing is given for ${JSON.stringify(module)} ${JSON.stringify(name)}`);
    }
    this.#add(module, name, value);
    return this;
  }

  /**
   * Defines a host function, for every store.
   *
   * @param module The module name that imports give.
   * @param name The name that imports give.
   * @param type Its parameter and result types.
   * @param fn What it does; see {@linkcode Func}.
   * @returns The linker.
   * @throws {TypeError} for types that are none.
   */
  defineFunc<const S extends FuncSignature>(
    module: string,
    name: string,
    type: S,
    fn: HostImplementation<S>,
  ): this;
  /**
   * Defines a host function that is told who calls it.
   *
   * @param module The module name that imports give.
   * @param name The name that imports give.
   * @param type Its parameter and result types.
   * @param fn What it does; its first argument is the {@linkcode Caller}.
   * @param options `{ passCaller: true }`.
   * @returns The linker.
   * @throws {TypeError} for types that are none.
   */
  defineFunc<const S extends FuncSignature>(
    module: string,
    name: string,
    type: S,
    fn: CallerImplementation<S>,
    options: { readonly passCaller: true },
  ): this;
  defineFunc(
    module: string,
    name: string,
    type: FuncSignature,
    fn: (...args: never[]) => unknown,
    options: HostFuncOptions = {},
  ): this {
    if (typeof fn !== "function") throw new TypeError("A host function must be a function");
    const typeId = internSignature(engineOf(this.engine).state.registry, type);
    this.#add(module, name, new HostDefinition(typeId, fn, options));
    return this;
  }

  /**
   * Defines all exports of an instance under a module name.
   *
   * @param module The module name that imports give.
   * @param instance Whose exports they get.
   * @returns The linker.
   */
  defineInstance(module: string, instance: Instance): this {
    instanceOf(instance);
    for (const [name, value] of Object.entries(instance.exports)) this.#add(module, name, value as ImportValue);
    return this;
  }

  /**
   * What is defined under a name.
   *
   * @param store The store it is wanted for.
   * @param module The module name.
   * @param name The name.
   * @returns The definition; a function of {@linkcode Linker.defineFunc} as the store's own {@linkcode Func}.
   * @throws {TypeError} for a store of another engine.
   */
  get(store: Store, module: string, name: string): ImportValue | undefined {
    const state = storeOf(store);
    // Ids of types mean something in their own engine only.
    if (state.engine !== this.#engineState) throw new TypeError("The linker and the store have different engines");
    const found = this.#definitions.get(module)?.get(name);
    return found instanceof HostDefinition ? found.in(state) : found;
  }

  /**
   * Instantiates a module with what is defined.
   *
   * @param store The store to live in.
   * @param module The module.
   * @returns The instance.
   * @throws {TypeError} for a store of another engine.
   * @throws {LinkError} if an import is not defined or does not fit; nothing was made then.
   * @throws {Trap} if a segment does not fit or the start function traps.
   */
  instantiate(store: Store, module: Module): Instance {
    return instantiateWith(store, module, (wanted) => this.get(store, wanted.module, wanted.name));
  }

  #add(module: string, name: string, value: ImportValue | HostDefinition): void {
    let names = this.#definitions.get(module);
    if (names === undefined) this.#definitions.set(module, names = new Map());
    // A function of a guest keeps its identity; any other JavaScript function is a host function when something imports it.
    names.set(name, value instanceof HostDefinition ? value : funcStateOf(value)?.callable ?? value);
  }
}
