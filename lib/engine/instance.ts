/** Instances: modules at work. */

import {
  askLimiterAsync,
  attachSharedMemory,
  createGlobal,
  type ExternState,
  funcStateOf,
  GlobalState,
  importTypeToString,
  type InstanceState,
  instantiate,
  LinkError,
  type ModuleState,
  startAsync,
  type StoreState,
  VALUE_KINDS,
  type ValueKindName,
  valueKindOf,
} from "../runtime/mod.ts";
import type { Import } from "../wasm/mod.ts";
import { type AsyncCallOptions, asyncOptions } from "./call_options.ts";
import { type ExportValue, unwrapExtern, wrapExtern } from "./externs.ts";
import { type Func, makeHostFunc, wrapFunc } from "./func.ts";
import { type Module, moduleOf } from "./module.ts";
import { type SharedMemory, sharedMemoryOf } from "./shared_memory.ts";
import { type Store, storeOf } from "./store.ts";
import { type FuncSignature, internSignature } from "./values.ts";

/**
 * What can be given for an import: an export of an instance of the same store or an object of the API; for a function import also a JavaScript
 * function; for a constant global also its value.
 */
export type ImportValue = ExportValue | SharedMemory | Func | number | bigint | null | ((...args: never[]) => unknown);

/** What is given for imports, by module and name. */
export type Imports = Readonly<Record<string, Readonly<Record<string, ImportValue>>>>;

/** The exports of an instance by name, unless the caller knows better. */
// deno-lint-ignore no-explicit-any -- what a module exports is not known to TypeScript
export type AnyExports = Record<string, any>;

/** What an embedder knows of an instance. */
export interface InstanceOptions {
  /**
   * Whether a call may be made while another is parked (`Func.callAsync`). `"exclusive"`: it waits, or throws a {@linkcode BusyError}; the
   * default for modules that have a memory and what looks like a pointer to a stack in it, as those of C and Rust. `"concurrent"`: it may. Instances that share that pointer count as one.
   */
  readonly reentry?: "exclusive" | "concurrent";
}

/** What an embedder knows of an instance, and what limits its start function. */
export interface AsyncInstanceOptions extends InstanceOptions, AsyncCallOptions {}

/** The instance behind an instance object. @throws {TypeError} for anything else. */
export let instanceOf: (instance: Instance) => InstanceState;

/** Finds what is given for an import; undefined when nothing is. */
export type ImportResolver = (wanted: Import, index: number) => unknown;

/** Makes an instance with imports from anywhere. */
export let instantiateWith: (store: Store, module: Module, resolve: ImportResolver) => Instance;

/** As {@linkcode instantiateWith}, with a start function that may wait. */
export async function instantiateAsyncWith(
  store: Store,
  module: Module,
  resolve: ImportResolver,
  options: AsyncInstanceOptions,
): Promise<Instance> {
  const imports: Imports = {};
  RESOLVERS.set(imports, resolve);
  return await Instance.createAsync(store, module, imports, options);
}

/**
 * An instance of a module: its functions can be called, its memory read.
 *
 * @example Call an exported function
 * ```ts
 * import { Engine, Instance, Module, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = Uint8Array.fromBase64("AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=");
 * using engine = new Engine();
 * using store = new Store(engine);
 * const instance = new Instance(store, new Module(engine, bytes));
 * assertEquals(instance.exports.add(2 ** 31 - 1, 1), -(2 ** 31));
 * ```
 *
 * @typeParam Exports The exports, for callers that know them.
 */
export class Instance<Exports extends object = AnyExports> {
  /** The store that the instance lives in. */
  readonly store: Store;
  /** The module that it is an instance of. */
  readonly module: Module;
  #state!: InstanceState;
  #exports: Exports | undefined;

  static {
    instanceOf = (instance) => {
      if (!(typeof instance === "object" && instance !== null && #state in instance)) {
        throw new TypeError("Expected an Instance");
      }
      instance.#state.store.requireOpen();
      return instance.#state;
    };
    instantiateWith = (store, module, resolve) => {
      const imports: Imports = {};
      RESOLVERS.set(imports, resolve);
      return new Instance(store, module, imports);
    };
  }

  /**
   * Instantiates a module: checks the imports, makes memories, tables and globals, writes segments, runs the start function.
   *
   * @param store The store to live in.
   * @param module The module, compiled by the store's engine.
   * @param imports What the module imports, by module and name.
   * @param options What is known of the module.
   * @throws {LinkError} if an import is missing or does not fit; nothing was made then.
   * @throws {Trap} if a segment does not fit or the start function traps; what was written before stays written.
   */
  constructor(store: Store, module: Module, imports: Imports = {}, options: InstanceOptions = {}) {
    const { reentry } = options;
    if (reentry !== undefined && reentry !== "exclusive" && reentry !== "concurrent") {
      throw new TypeError(`reentry is "exclusive" or "concurrent", not ${reentry}`);
    }
    const storeState = storeOf(store);
    const moduleState = moduleOf(module);
    if (moduleState.engine !== storeState.engine) {
      throw new TypeError("The module and the store have different engines");
    }
    this.store = store;
    this.module = module;
    if (typeof imports !== "object" || imports === null) throw new TypeError("Imports are given as an object");
    const resolve = RESOLVERS.get(imports) ?? ((wanted: Import) => lookUp(imports, wanted));
    const states = resolveImports(storeState, moduleState, resolve);
    // Getters ran, and a module that one of them disposed of gave its code back.
    moduleOf(module);
    instantiate(storeState, moduleState, states, (state) => {
      state.wrapper = this;
      state.reentry = reentry;
      this.#state = state;
    }, STARTED_LATER.has(options) ? "later" : "now");
  }

  /**
   * As the constructor, but the start function is called as by {@linkcode Func.callAsync}: it may call host functions that return promises, and
   * lets the event loop turn. Everything before it is done when this returns.
   *
   * @param store The store to live in.
   * @param module The module, compiled by the store's engine.
   * @param imports What the module imports, by module and name.
   * @param options What is known of the module, and what limits the start function.
   * @returns The instance, when the start function has returned.
   * @throws {LinkError} if an import is missing or does not fit; nothing was made then.
   * @throws {Trap} if a segment does not fit or the start function traps; what was written before stays written.
   *
   * @example A module that waits before it is ready
   * ```ts
   * import { Engine, Func, Instance, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module
   *   (import "env" "seed" (func $seed (result i64)))
   *   (global $seed (export "seed") (mut i64) (i64.const 0))
   *   (func $init (global.set $seed (call $seed)))
   *   (start $init))`);
   * const instance = await Instance.createAsync(store, module, { env: { seed: () => Promise.resolve(7n) } });
   * assertEquals(instance.exports.seed.value, 7n);
   * ```
   */
  static async createAsync<Exports extends object = AnyExports>(
    store: Store,
    module: Module,
    imports: Imports = {},
    options: AsyncInstanceOptions = {},
  ): Promise<Instance<Exports>> {
    const limits = asyncOptions(options);
    limits.signal?.throwIfAborted();
    if (limits.deadline !== undefined) storeOf(store).requireInterruption();
    const storeState = storeOf(store), moduleState = moduleOf(module);
    if (storeState.engine === moduleState.engine) await askLimiterAsync(storeState, moduleState, limits.signal);
    const own: InstanceOptions = { ...options };
    STARTED_LATER.add(own);
    const instance = new Instance<Exports>(store, module, imports, own);
    await startAsync(instance.#state, limits);
    return instance;
  }

  /** Exports by name: functions as JavaScript functions, `Memory`, `Table`, `Global` and `Tag` objects. */
  get exports(): Exports {
    this.#state.store.requireOpen();
    return this.#exports ??= this.#collectExports();
  }

  /**
   * An exported function as an object.
   *
   * @param name The export's name.
   * @returns The function, or undefined if there is none of that name.
   */
  func(name: string): Func | undefined {
    const state = instanceOf(this as Instance);
    const found = state.state.module.exports.find((entry) => entry.name === name);
    return found?.kind === "func" ? wrapFunc(state.func(found.index)) : undefined;
  }

  /**
   * An exported function whose type is known, checked once: calls are checked by TypeScript then.
   *
   * @param name The export's name.
   * @param type The types that its parameters and results must have.
   * @returns The function.
   * @throws {LinkError} if there is no such function, or its type is another.
   *
   * @example A function as its type says
   * ```ts
   * import { Engine, Instance, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module
   *   (func (export "wide") (param i32) (result i64) (i64.extend_i32_s (local.get 0))))`);
   * const wide = new Instance(store, module).getTypedFunc("wide", { parameters: ["i32"], results: ["i64"] });
   * const result: bigint = wide.call([-7]);
   * assertEquals(result, -7n);
   * ```
   */
  getTypedFunc<const S extends FuncSignature>(name: string, type: S): Func<S> {
    const func = this.func(name);
    if (func === undefined) throw new LinkError(`no function is exported as ${JSON.stringify(name)}`);
    const { store, signature } = funcStateOf(func.callable)!;
    const { registry } = store.engine;
    if (!registry.isSubtype(signature.typeId, internSignature(registry, type))) {
      const { parameters, results } = func.type;
      throw new LinkError(
        `the function ${JSON.stringify(name)} has the type [${parameters.join(" ")}] -> [${results.join(" ")}], not ` +
          `[${type.parameters.join(" ")}] -> [${type.results.join(" ")}]`,
      );
    }
    return func as unknown as Func<S>;
  }

  /**
   * Makes the instance what it was right after it was made: its memories, tables and globals, and its segments. The start function runs
   * again, last. Exported objects stay the same objects.
   *
   * A memory has the size that its type says, and its buffer is another one: those given out before are detached (where they can be: not the
   * `SharedArrayBuffer` of a memory with pages of 1 byte, which is left to those who have it). What the instance imports stays as it is, except that active
   * segments are written into it again, as at instantiation. Objects that JavaScript or other instances refer to stay; those that only this
   * instance had are garbage. Where another party shall find nothing of the one before, use an {@linkcode InstancePool}, which leaves nothing that
   * was handed out of any use.
   *
   * @throws {TypeError} while a call into the store is active or parked or a continuation suspended; if the instance has a shared memory, or
   * a memory or table that has grown and that another instance imports. Nothing has changed then.
   * @throws {HostError} if the system has no memory for it; nothing has changed then either.
   * @throws {Trap} as the constructor does, and what the start function throws.
   *
   * @example A guest that starts anew for each piece of work
   * ```ts
   * import { Engine, Instance, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module
   *   (memory (export "memory") 1) (data (i32.const 0) "fresh")
   *   (func (export "spoil") (i32.store8 (i32.const 0) (i32.const 120)) (drop (memory.grow (i32.const 3)))))`);
   * const instance = new Instance(store, module);
   * const { memory, spoil } = instance.exports;
   * spoil();
   * assertEquals([memory.readString(0, 5), memory.sizePages], ["xresh", 4]);
   * instance.reset();
   * assertEquals([memory.readString(0, 5), memory.sizePages], ["fresh", 1]);
   * ```
   */
  reset(): void {
    instanceOf(this as Instance).reset("now");
  }

  /**
   * As {@linkcode Instance.reset}, for start functions whose host functions return promises: see {@linkcode Instance.createAsync}.
   *
   * @param options For how long the start function may run, and what ends it.
   */
  async resetAsync(options: AsyncCallOptions = {}): Promise<void> {
    const state = instanceOf(this as Instance);
    const limits = asyncOptions(options);
    limits.signal?.throwIfAborted();
    if (limits.deadline !== undefined) state.store.requireInterruption();
    state.reset("later");
    await startAsync(state, limits);
  }

  #collectExports(): Exports {
    const state = instanceOf(this as Instance);
    const exports: Record<string, ExportValue> = Object.create(null);
    for (const { name, kind, index } of state.state.module.exports) {
      exports[name] = wrapExtern(state.exportOf(kind, index));
    }
    return Object.freeze(exports) as Exports;
  }
}

/** Options of instances whose start functions somebody calls. */
const STARTED_LATER = new WeakSet<InstanceOptions>();

/** Imports that stand for a function which finds them. */
const RESOLVERS = new WeakMap<Imports, ImportResolver>();

function lookUp(imports: Imports, { module, name }: Import): unknown {
  const fromModule = imports[module];
  if (fromModule === undefined) return undefined;
  if ((typeof fromModule !== "object" && typeof fromModule !== "function") || fromModule === null) {
    throw new TypeError(`imports[${JSON.stringify(module)}] is not an object`);
  }
  return fromModule[name];
}

/** Turns what is given into what can be linked. User code (getters) runs here, before anything is made. */
function resolveImports(store: StoreState, module: ModuleState, resolve: ImportResolver): ExternState[] {
  const { imports } = module.module;
  const given = imports.map(resolve);
  store.requireOpen();
  const missing = imports.filter((_, i) => given[i] === undefined);
  if (missing.length > 0) throw missingError(module, missing);
  return imports.map((wanted, i) => toExtern(store, module, wanted, given[i]));
}

/** Imports named in full when several are missing. */
const MAXIMUM_NAMED = 10;

function missingError(module: ModuleState, missing: readonly Import[]): LinkError {
  const [first] = missing;
  const expected = (wanted: Import) => `expected a ${importTypeToString(module, wanted)}`;
  if (missing.length === 1) return new LinkError(`not given, ${expected(first)}`, first);
  const lines = missing.slice(0, MAXIMUM_NAMED).map((wanted) =>
    `\n  ${JSON.stringify(wanted.module)} ${JSON.stringify(wanted.name)}: ${expected(wanted)}`
  );
  if (missing.length > MAXIMUM_NAMED) lines.push(`\n  and ${missing.length - MAXIMUM_NAMED} more`);
  return new LinkError(`not given, as ${missing.length - 1} other imports:${lines.join("")}`, first);
}

function toExtern(store: StoreState, module: ModuleState, wanted: Import, given: unknown): ExternState {
  const state = unwrapExtern(given);
  if (wanted.kind === "global" && !(state instanceof GlobalState)) return toGlobal(store, module, wanted, given);
  if (state !== undefined) return state;
  const shared = wanted.kind === "memory" ? sharedMemoryOf(given) : undefined;
  if (shared !== undefined) return attachSharedMemory(store, shared);
  if (wanted.kind === "func" && typeof given === "function") {
    const typeId = module.typeIds[module.module.funcs[wanted.index]];
    return makeHostFunc(store, typeId, given as (...args: never[]) => unknown);
  }
  throw new LinkError(`expected a ${importTypeToString(module, wanted)}, got ${describe(given)}`, wanted);
}

/** What may be given for a constant of each kind (JS API, "read the imports"). */
const FITS_CONSTANT: Record<ValueKindName, (given: unknown) => boolean> = {
  i32: (given) => typeof given === "number",
  i64: (given) => typeof given === "bigint",
  f32: (given) => typeof given === "number",
  f64: (given) => typeof given === "number",
  v128: (given) => given instanceof Uint8Array,
  func: (given) => given === null || funcStateOf(given) !== undefined,
  extern: () => true,
  any: () => true,
  exn: () => true,
  cont: () => true,
};

/** A new global for a value that is given in place of one. */
function toGlobal(store: StoreState, module: ModuleState, wanted: Import, given: unknown): GlobalState {
  const type = module.globalType(wanted.index);
  const kind = VALUE_KINDS[valueKindOf(store.engine.registry, type.type)];
  if (!FITS_CONSTANT[kind](given)) {
    throw new LinkError(`expected a ${importTypeToString(module, wanted)}, got ${describe(given)}`, wanted);
  }
  if (type.isMutable) {
    throw new LinkError("a mutable global is needed, and a value cannot be changed: give a Global", wanted);
  }
  const global = createGlobal(store, type);
  try {
    global.set(given);
  } catch (error) {
    throw error instanceof TypeError ? new LinkError(error.message, wanted) : error;
  }
  return global;
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `an object of class ${name}` : "an object";
}
