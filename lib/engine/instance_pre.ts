/** Modules whose imports were looked up beforehand. */

import type { StoreState } from "../runtime/mod.ts";
import {
  type AnyExports,
  type AsyncInstanceOptions,
  type ImportResolver,
  type Instance,
  instantiateAsyncWith,
  instantiateWith,
} from "./instance.ts";
import type { Module } from "./module.ts";
import { type Store, storeOf } from "./store.ts";

/** Gives what is imported for a store. */
export type PreparedImport = (store: StoreState) => unknown;

/**
 * A module with everything that it imports: what {@linkcode Linker.instantiatePre} gives.
 *
 * What the linker made for every store (`defineFunc`) serves every store; an object of one store in that store only.
 *
 * @example See what it was made of
 * ```ts
 * import { Engine, Linker, Module, Store } from "@theropod/theropod";
 * import { assertEquals, assertStrictEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const module = Module.fromText(engine, `(module (func (export "one") (result i32) (i32.const 1)))`);
 * const prepared = new Linker(engine).instantiatePre(module);
 * assertStrictEquals(prepared.module, module);
 * assertEquals(prepared.instantiate(store).exports.one(), 1);
 * ```
 */
export class InstancePre<Exports extends object = AnyExports> {
  /** The module. */
  readonly module: Module;
  readonly #imports: readonly PreparedImport[];

  /** Use {@linkcode Linker.instantiatePre}. */
  constructor(module: Module, imports: readonly PreparedImport[]) {
    this.module = module;
    this.#imports = imports;
  }

  /**
   * Makes an instance.
   *
   * @param store The store to live in.
   * @returns The instance.
   * @throws {TypeError} for a store of another engine.
   * @throws {LinkError} if something of another store is imported, or does not fit.
   * @throws {Trap} if a segment does not fit or the start function traps.
   */
  instantiate(store: Store): Instance<Exports> {
    const state = storeOf(store);
    return instantiateWith(store, this.module, (_, index) => this.#imports[index](state)) as Instance<Exports>;
  }

  /**
   * Makes an instance whose start function may call host functions that return promises: see {@linkcode Instance.createAsync}.
   *
   * @param store The store to live in.
   * @param options What is known of the module, and what limits the start function.
   * @returns The instance, when the start function has returned.
   * @throws {TypeError} for a store of another engine.
   * @throws {LinkError} if something of another store is imported, or does not fit.
   * @throws {Trap} if a segment does not fit or the start function traps.
   */
  async instantiateAsync(store: Store, options: AsyncInstanceOptions = {}): Promise<Instance<Exports>> {
    const state = storeOf(store);
    const resolve: ImportResolver = (_, index) => this.#imports[index](state);
    return await instantiateAsyncWith(store, this.module, resolve, options) as Instance<Exports>;
  }
}
