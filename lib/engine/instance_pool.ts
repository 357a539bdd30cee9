/** Pools: instances of one module for one tenant after the other. */

import { MemoryRecycler } from "../runtime/mod.ts";
import { type AnyExports, type AsyncInstanceOptions, type Imports, Instance } from "./instance.ts";
import { InstancePre } from "./instance_pre.ts";
import { type Module, moduleOf } from "./module.ts";
import { Store, storeOf, type StoreOptions } from "./store.ts";

/** How large a pool is. */
export interface InstancePoolOptions {
  /** Instances in use at a time, at most. */
  readonly size: number;
}

/** Makes instances in new stores. */
interface Maker<Exports extends object> {
  instantiate(store: Store): Instance<Exports>;
  instantiateAsync(store: Store, options: AsyncInstanceOptions): Promise<Instance<Exports>>;
}

/** Takes a tenant's place back. */
let makeTenant: <Exports extends object>(
  store: Store,
  instance: Instance<Exports>,
  onRelease: () => void,
) => PooledInstance<Exports>;

/**
 * What {@linkcode InstancePool.acquire} gives: an instance in a store of its own, until it is released.
 *
 * @example What is left of it afterwards
 * ```ts
 * import { Engine, InstancePool, Module } from "@theropod/theropod";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using engine = new Engine();
 * const module = Module.fromText(engine, `(module (memory (export "memory") 1) (func (export "run")))`);
 * using pool = new InstancePool(module, {}, { size: 1 });
 * const tenant = pool.acquire();
 * const { memory, run } = tenant.exports;
 * const { view } = memory;
 * tenant.release();
 * assertEquals(view.length, 0);
 * assertThrows(() => run(), TypeError, "disposed");
 * ```
 */
export class PooledInstance<Exports extends object = AnyExports> implements Disposable {
  /** Its store: for fuel, deadlines and whatever else is a store's. */
  readonly store: Store;
  /** The instance. */
  readonly instance: Instance<Exports>;
  #onRelease: (() => void) | undefined;

  static {
    makeTenant = (store, instance, onRelease) => new PooledInstance(store, instance, onRelease);
  }

  private constructor(store: Store, instance: Instance<Exports>, onRelease: () => void) {
    this.store = store;
    this.instance = instance;
    this.#onRelease = onRelease;
  }

  /** The instance's exports. */
  get exports(): Exports {
    return this.instance.exports;
  }

  /**
   * Gives the place in the pool back. Everything of the instance is gone: using any of it throws a `TypeError`, buffers are detached,
   * parked calls end with an error. Does nothing the second time.
   *
   * @throws {TypeError} while a call into the store is active.
   */
  release(): void {
    if (this.#onRelease === undefined) return;
    this.store.close();
    this.#onRelease();
    this.#onRelease = undefined;
  }

  /** As {@linkcode PooledInstance.release}. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/**
 * A fixed number of places for instances of a module, each used by one tenant after the other.
 *
 * Each tenant gets a new store and a new instance, so whatever the one before kept is of no use, and nothing of what it wrote can be read:
 * memories, tables, globals, objects. What is used again is what is dear: reservations of memories with the image of their initial contents, whose
 * pages go back to the system in between; stacks; and tables, if the engine has a `tablePool`. An instance costs some tens of microseconds,
 * whatever the size of its memories, data and tables.
 *
 * @example A fresh instance for each request
 * ```ts
 * import { Engine, InstancePool, Module } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * const module = Module.fromText(engine, `(module
 *   (import "env" "next" (func $next (result i32)))
 *   (global $count (mut i32) (i32.const 0))
 *   (func (export "handle") (result i32)
 *     (global.set $count (i32.add (global.get $count) (call $next)))
 *     (global.get $count)))`);
 * let calls = 0;
 * using pool = new InstancePool(module, { env: { next: () => ++calls } }, { size: 8 });
 * for (const expected of [1, 2, 3]) {
 *   using tenant = pool.acquire();
 *   assertEquals(tenant.exports.handle(), expected);
 * }
 * ```
 *
 * @typeParam Exports The exports, for callers that know them.
 */
export class InstancePool<Exports extends object = AnyExports> implements Disposable {
  /** Instances in use at a time, at most. */
  readonly size: number;
  readonly #module: Module;
  readonly #maker: Maker<Exports>;
  readonly #recycler: MemoryRecycler;
  #inUse = 0;
  #isDisposed = false;

  /**
   * Makes a pool; instances are made when they are asked for.
   *
   * @param module The module, or what {@linkcode Linker.instantiatePre} made of it.
   * @param imports What the module imports; empty for what a linker prepared. Every tenant is in another store, so functions are given as JavaScript
   * functions, and globals by their value.
   * @param options The pool's size.
   * @throws {RangeError} for a size that is no integer from 1 on.
   * @throws {TypeError} if the module is disposed, or none.
   */
  constructor(module: Module | InstancePre<Exports>, imports: Imports, options: InstancePoolOptions) {
    const { size } = options;
    if (!(Number.isSafeInteger(size) && size > 0)) {
      throw new RangeError(`A pool's size is an integer from 1 on, not ${size}`);
    }
    this.size = size;
    if (module instanceof InstancePre) {
      this.#module = module.module;
      this.#maker = module;
    } else {
      this.#module = module;
      this.#maker = {
        instantiate: (store) => new Instance<Exports>(store, module, imports),
        instantiateAsync: (store, asyncOptions) => Instance.createAsync<Exports>(store, module, imports, asyncOptions),
      };
    }
    this.#recycler = new MemoryRecycler(moduleOf(this.#module), size);
  }

  /** Instances in use. */
  get inUse(): number {
    return this.#inUse;
  }

  /**
   * Makes an instance for a tenant, in a store of its own. Best kept by `using`, so that it is released at the end.
   *
   * @param options Options of the store.
   * @returns The instance.
   * @throws {RangeError} if all places are in use.
   * @throws {TypeError} if the pool, the module or the engine is disposed.
   * @throws {LinkError} if imports are missing or do not fit.
   * @throws {Trap} if a segment does not fit or the start function traps.
   */
  acquire(options: StoreOptions = {}): PooledInstance<Exports> {
    const { store, leave } = this.#enter(options);
    try {
      return makeTenant(store, this.#maker.instantiate(store), leave);
    } catch (error) {
      store.close();
      leave();
      throw error;
    }
  }

  /**
   * As {@linkcode InstancePool.acquire}, for start functions whose host functions return promises: see {@linkcode Instance.createAsync}.
   *
   * @param options Options of the store, and for how long the start function may run.
   * @returns The instance.
   */
  async acquireAsync(options: StoreOptions & AsyncInstanceOptions = {}): Promise<PooledInstance<Exports>> {
    const { store, leave } = this.#enter(options);
    try {
      return makeTenant(store, await this.#maker.instantiateAsync(store, options), leave);
    } catch (error) {
      store.close();
      leave();
      throw error;
    }
  }

  /** Takes a place, and makes its store; returns how to give the place back. */
  #enter(options: StoreOptions): { readonly store: Store; readonly leave: () => void } {
    if (this.#isDisposed) throw new TypeError("The pool is disposed");
    if (this.#inUse >= this.size) throw new RangeError(`All ${this.size} instances of the pool are in use`);
    // Taken before code of the user's runs, getters of options and start functions, which may ask for another one.
    this.#inUse++;
    const leave = () => {
      this.#inUse--;
      if (this.#isDisposed) this.#recycler.clear();
    };
    try {
      const store = new Store(this.#module.engine, options);
      storeOf(store).recycler = this.#recycler;
      return { store, leave };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Keeps nothing any more. Instances in use stay so until they are released. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#recycler.clear();
  }
}
