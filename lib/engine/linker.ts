/** Linkers: what many modules import, defined once. */

import {
  createGlobal,
  createMemory,
  createTable,
  createTag,
  type EngineState,
  type ExternState,
  funcStateOf,
  importTypeToString,
  LinkError,
  type ModuleState,
  type StoreState,
} from "../runtime/mod.ts";
import { F32, F64, funcTypeOf, I32, I64, type Import, isNullable, isRef, V128, type ValType } from "../wasm/mod.ts";
import type { Caller } from "./caller.ts";
import { type Engine, engineOf } from "./engine.ts";
import {
  type CallerImplementation,
  type Func,
  type HostFuncOptions,
  type HostImplementation,
  makeHostFunc,
  wrapFunc,
} from "./func.ts";
import { wrapExtern } from "./externs.ts";
import {
  type AnyExports,
  type AsyncInstanceOptions,
  type ImportResolver,
  type ImportValue,
  type Instance,
  instanceOf,
  instantiateAsyncWith,
  instantiateWith,
} from "./instance.ts";
import { InstancePre, type PreparedImport } from "./instance_pre.ts";
import { type Module, moduleOf } from "./module.ts";
import { type Store, storeOf } from "./store.ts";
import { type FuncType, funcTypeIdOf } from "./heap_types.ts";
import { type FuncSignature, internSignature } from "./values.ts";

/** Something that has no store yet: each store that links it gets one of its own. */
class Definition {
  readonly #make: (store: StoreState) => ExternState;
  readonly #byStore = new WeakMap<StoreState, ImportValue>();
  /** The canonical function type, for functions. */
  readonly typeId: number | undefined;

  constructor(make: (store: StoreState) => ExternState, typeId?: number) {
    this.#make = make;
    this.typeId = typeId;
  }

  static hostFunc(typeId: number, fn: (...args: never[]) => unknown, options: HostFuncOptions = {}): Definition {
    return new Definition((store) => makeHostFunc(store, typeId, fn, options), typeId);
  }

  in(store: StoreState): ImportValue {
    let value = this.#byStore.get(store);
    if (value === undefined) {
      const state = this.#make(store);
      value = this.typeId === undefined ? wrapExtern(state) : wrapFunc(state as never);
      this.#byStore.set(store, value);
    }
    return value;
  }
}

/** What a linker knows under a name. */
type Defined = ImportValue | Definition;

/** Options of linkers. */
export interface LinkerOptions {
  /** Whether a later definition of a name may replace an earlier one; if not, it throws. Off unless asked for. */
  readonly allowShadowing?: boolean;
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
  /** Whether a later definition of a name may replace an earlier one. */
  allowShadowing: boolean;
  readonly #definitions = new Map<string, Map<string, Defined>>();

  /**
   * Makes an empty linker.
   *
   * @param engine The engine whose modules will be linked.
   * @param options Whether names may be defined twice.
   * @throws {TypeError} if the engine is disposed.
   *
   * @example A definition that replaces another
   * ```ts
   * import { Engine, Linker, LinkError } from "@theropod/theropod";
   * import { assertThrows } from "@std/assert";
   *
   * using engine = new Engine();
   * const linker = new Linker(engine);
   * linker.define("env", "answer", 41);
   * assertThrows(() => linker.define("env", "answer", 42), LinkError, "defined already");
   * linker.allowShadowing = true;
   * linker.define("env", "answer", 42);
   * ```
   */
  constructor(engine: Engine, options: LinkerOptions = {}) {
    this.#engineState = engineOf(engine).state;
    this.engine = engine;
    this.allowShadowing = options.allowShadowing ?? false;
  }

  /**
   * Defines something of a store, or a JavaScript function that takes the type of whatever imports it.
   *
   * @param module The module name that imports give.
   * @param name The name that imports give.
   * @param value What they get.
   * @returns The linker.
   * @throws {TypeError} for undefined, which is what nobody defined.
   * @throws {LinkError} if the name is defined already and shadowing is not allowed.
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
  /**
   * Defines a host function of a type that {@linkcode FuncType} describes.
   *
   * @param module The module name that imports give.
   * @param name The name that imports give.
   * @param type Its type.
   * @param fn What it does.
   * @param options Whether its first argument is the {@linkcode Caller}.
   * @returns The linker.
   * @throws {TypeError} for a type of another engine.
   */
  defineFunc(
    module: string,
    name: string,
    type: FuncType,
    // deno-lint-ignore no-explicit-any -- what the references are to is not known to TypeScript
    fn: (...args: any[]) => unknown,
    options?: HostFuncOptions,
  ): this;
  defineFunc(
    module: string,
    name: string,
    type: FuncSignature | FuncType,
    fn: (...args: never[]) => unknown,
    options: HostFuncOptions = {},
  ): this {
    if (typeof fn !== "function") throw new TypeError("A host function must be a function");
    const typeId = funcTypeIdOf(engineOf(this.engine).state, type);
    this.#add(module, name, Definition.hostFunc(typeId, fn, options));
    return this;
  }

  /**
   * Defines all exports of an instance under a module name.
   *
   * @param module The module name that imports give.
   * @param instance Whose exports they get.
   * @returns The linker.
   * @throws {LinkError} if a name is defined already and shadowing is not allowed.
   */
  instance(module: string, instance: Instance): this {
    instanceOf(instance);
    for (const [name, value] of Object.entries(instance.exports)) this.#add(module, name, value as ImportValue);
    return this;
  }

  /** As {@linkcode Linker.instance}. */
  defineInstance(module: string, instance: Instance): this {
    return this.instance(module, instance);
  }

  /**
   * Defines the exports of a module under a module name, by the conventions of WASI: a command, which exports `_start`, is instantiated anew
   * by every call of one of its functions; anything else is a reactor, instantiated now, once, and its `_initialize` is called.
   *
   * What a command's calls make stays in the store until the store is closed. A guest that can wait (`callAsync`) waits for commands that do.
   *
   * @param store The store to live in.
   * @param name The module name that imports give.
   * @param module The module; what it imports must be defined.
   * @returns The linker.
   * @throws {LinkError} if an import is not defined or does not fit, a name is defined already, or a command exports something that is
   * neither a function nor a memory or table, which are left out.
   *
   * @example A library that others import
   * ```ts
   * import { Engine, Linker, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const library = Module.fromText(engine, `(module
   *   (global $n (mut i32) (i32.const 0))
   *   (func (export "_initialize") (global.set $n (i32.const 40)))
   *   (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))`);
   * const user = Module.fromText(engine, `(module (import "lib" "next" (func (result i32))) (export "next" (func 0)))`);
   * const linker = new Linker(engine).module(store, "lib", library);
   * assertEquals(linker.instantiate(store, user).exports.next(), 41);
   * ```
   */
  module(store: Store, name: string, module: Module): this {
    const state = moduleOf(module);
    const exports = state.module.exports;
    const isFunc = (wanted: string) => exports.some((entry) => entry.name === wanted && entry.kind === "func");
    if (isFunc("_start") && isFunc("_initialize")) {
      throw new LinkError("the module exports both _start and _initialize: it is neither a command nor a reactor");
    }
    if (isFunc("_start")) return this.#command(store, name, module, state);
    const instance = this.instantiate(store, module);
    instance.func("_initialize")?.call();
    return this.instance(name, instance);
  }

  #command(store: Store, name: string, module: Module, state: ModuleState): this {
    const prepared = this.instantiatePre(module);
    const storeState = storeOf(store);
    for (const { name: exportName, kind, index } of state.module.exports) {
      if (kind === "memory" || kind === "table") continue;
      if (kind !== "func") throw new LinkError(`${JSON.stringify(exportName)} of the command is no function`);
      const typeId = state.typeIds[state.module.funcs[index]];
      const fn = (caller: Caller, ...args: never[]) => {
        if (!caller.canWait) return prepared.instantiate(store).func(exportName)!.callable(...args);
        return prepared.instantiateAsync(store).then((instance) => instance.func(exportName)!.callAsync(args));
      };
      this.#add(name, exportName, wrapFunc(makeHostFunc(storeState, typeId, fn, { passCaller: true })));
    }
    return this;
  }

  /**
   * Defines a name as another name for what is defined already.
   *
   * @param module The module name of the definition.
   * @param name The name of the definition.
   * @param asModule The module name that imports give.
   * @param asName The name that imports give.
   * @returns The linker.
   * @throws {LinkError} if nothing is defined there, or something is defined under the new name already.
   */
  alias(module: string, name: string, asModule: string, asName: string): this {
    const found = this.#definitions.get(module)?.get(name);
    if (found === undefined) throw new LinkError("not defined", { module, name });
    this.#add(asModule, asName, found);
    return this;
  }

  /**
   * Defines everything of one module name under another one, too.
   *
   * @param module The module name of the definitions.
   * @param asModule The module name that imports give.
   * @returns The linker.
   * @throws {LinkError} if nothing is defined there, or a new name is defined already.
   *
   * @example An older name for the same functions
   * ```ts
   * import { Engine, Linker } from "@theropod/theropod";
   *
   * using engine = new Engine();
   * const linker = new Linker(engine).define("host", "now", () => 0).aliasModule("host", "host_v0");
   * linker.alias("host", "now", "env", "clock");
   * ```
   */
  aliasModule(module: string, asModule: string): this {
    const names = this.#definitions.get(module);
    if (names === undefined) throw new LinkError(`nothing is defined under ${JSON.stringify(module)}`);
    for (const [name, value] of [...names]) this.#add(asModule, name, value);
    return this;
  }

  /**
   * Defines every function that a module imports and nobody defined: calling it throws a {@linkcode LinkError} that names it. Other imports
   * are left alone.
   *
   * @param module The module whose imports are looked at.
   * @returns The linker.
   *
   * @example Run what does not call what is missing
   * ```ts
   * import { Engine, Linker, LinkError, Module, Store } from "@theropod/theropod";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module
   *   (import "env" "rare" (func $rare))
   *   (func (export "fine") (result i32) (i32.const 1))
   *   (func (export "bad") (call $rare)))`);
   * const { exports } = new Linker(engine).defineUnknownImportsAsTraps(module).instantiate(store, module);
   * assertEquals(exports.fine(), 1);
   * assertThrows(() => exports.bad(), LinkError, `"env" "rare"`);
   * ```
   */
  defineUnknownImportsAsTraps(module: Module): this {
    const state = this.#stateOf(module);
    for (const wanted of this.#unknown(state)) {
      if (wanted.kind !== "func") continue;
      const { module: from, name, index } = wanted;
      const type = importTypeToString(state, wanted);
      this.#add(
        from,
        name,
        Definition.hostFunc(state.typeIds[state.module.funcs[index]], () => {
          throw new LinkError(`called, but never defined: it is a ${type}`, { module: from, name });
        }),
      );
    }
    return this;
  }

  /**
   * Defines everything that a module imports and nobody defined: functions that return zeros and null references, and in each store that links
   * them new memories and tables of the least size, globals of zero or null, and tags.
   *
   * @param module The module whose imports are looked at.
   * @returns The linker.
   * @throws {LinkError} for an import without a default value: a reference that is never null.
   *
   * @example A module alone
   * ```ts
   * import { Engine, Linker, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module
   *   (import "env" "size" (func $size (result i64))) (import "env" "memory" (memory 1))
   *   (func (export "run") (result i64) (call $size)))`);
   * const linker = new Linker(engine).defineUnknownImportsAsDefaultValues(module);
   * assertEquals(linker.instantiate(store, module).exports.run(), 0n);
   * ```
   */
  defineUnknownImportsAsDefaultValues(module: Module): this {
    const state = this.#stateOf(module);
    const made = this.#unknown(state).map((wanted) => [wanted, defaultOf(state, wanted)] as const);
    for (const [{ module: from, name }, definition] of made) this.#add(from, name, definition);
    return this;
  }

  /** Imports that nothing is defined for, each name once. */
  #unknown({ module: { imports } }: ModuleState): Import[] {
    const seen = new Set<string>();
    return imports.filter(({ module, name }) => {
      const key = JSON.stringify([module, name]);
      if (seen.has(key) || this.#definitions.get(module)?.has(name)) return false;
      seen.add(key);
      return true;
    });
  }

  #stateOf(module: Module): ModuleState {
    const state = moduleOf(module);
    if (state.engine !== this.#engineState) throw new TypeError("The linker and the module have different engines");
    return state;
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
    return found instanceof Definition ? found.in(state) : found;
  }

  /**
   * Instantiates a module with what is defined.
   *
   * @typeParam Exports The exports, for callers that know them.
   * @param store The store to live in.
   * @param module The module.
   * @returns The instance.
   * @throws {TypeError} for a store of another engine.
   * @throws {LinkError} if an import is not defined or does not fit; nothing was made then.
   * @throws {Trap} if a segment does not fit or the start function traps.
   */
  instantiate<Exports extends object = AnyExports>(store: Store, module: Module): Instance<Exports> {
    const resolve: ImportResolver = (wanted) => this.get(store, wanted.module, wanted.name);
    return instantiateWith(store, module, resolve) as Instance<Exports>;
  }

  /**
   * Instantiates a module whose start function may call host functions that return promises: see {@linkcode Instance.createAsync}.
   *
   * @typeParam Exports The exports, for callers that know them.
   * @param store The store to live in.
   * @param module The module.
   * @param options What is known of the module, and what limits the start function.
   * @returns The instance, when the start function has returned.
   * @throws {TypeError} for a store of another engine.
   * @throws {LinkError} if an import is not defined or does not fit; nothing was made then.
   * @throws {Trap} if a segment does not fit or the start function traps.
   *
   * @example A host function that returns a promise
   * ```ts
   * import { Engine, Linker, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const linker = new Linker(engine);
   * linker.defineFunc("env", "fetch", { parameters: ["i32"], results: ["i32"] }, (n) => Promise.resolve(n + 1));
   * const module = Module.fromText(engine, `(module
   *   (import "env" "fetch" (func $fetch (param i32) (result i32)))
   *   (func (export "run") (result i32) (call $fetch (call $fetch (i32.const 40)))))`);
   * const instance = await linker.instantiateAsync(store, module);
   * assertEquals(await instance.func("run")!.callAsync(), 42 as never);
   * ```
   */
  async instantiateAsync<Exports extends object = AnyExports>(
    store: Store,
    module: Module,
    options: AsyncInstanceOptions = {},
  ): Promise<Instance<Exports>> {
    const resolve: ImportResolver = (wanted) => this.get(store, wanted.module, wanted.name);
    return await instantiateAsyncWith(store, module, resolve, options) as Instance<Exports>;
  }

  /**
   * Looks everything up that a module imports, once for any number of instances. Later definitions do not change it.
   *
   * @param module The module.
   * @returns What makes instances.
   * @throws {LinkError} if an import is not defined, or is a host function of another type.
   * @throws {TypeError} for a module of another engine.
   *
   * @example Many instances, each in a store of its own
   * ```ts
   * import { Engine, Linker, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * const module = Module.fromText(engine, `(module
   *   (import "env" "one" (func $one (result i32)))
   *   (func (export "two") (result i32) (i32.add (call $one) (call $one))))`);
   * const linker = new Linker(engine);
   * linker.defineFunc("env", "one", { parameters: [], results: ["i32"] }, () => 1);
   * const prepared = linker.instantiatePre(module);
   * for (let i = 0; i < 3; i++) {
   *   using store = new Store(engine);
   *   assertEquals(prepared.instantiate(store).exports.two(), 2);
   * }
   * ```
   */
  instantiatePre(module: Module): InstancePre {
    const state = this.#stateOf(module);
    const { imports, funcs } = state.module;
    const found = imports.map(({ module: from, name }) => this.#definitions.get(from)?.get(name));
    const missing = imports.filter((_, i) => found[i] === undefined);
    if (missing.length > 0) {
      const others = missing.length > 1 ? `, and ${missing.length - 1} more are not either` : "";
      throw new LinkError(`not defined, expected a ${importTypeToString(state, missing[0])}${others}`, missing[0]);
    }
    const prepared = found.map((value, i): PreparedImport => {
      if (!(value instanceof Definition)) return () => value;
      const { typeId } = value;
      const { kind, index } = imports[i];
      const fits = typeId === undefined ||
        kind === "func" && this.#engineState.registry.isSubtype(typeId, state.typeIds[funcs[index]]);
      if (!fits) {
        throw new LinkError(`expected a ${importTypeToString(state, imports[i])}, got another function`, imports[i]);
      }
      return (store) => value.in(store);
    });
    return new InstancePre(module, prepared);
  }

  /**
   * What to call when a module is defined under a name and shall be run: its export with the empty name, else `_start`.
   *
   * @param store The store it is wanted for.
   * @param module The module name.
   * @returns The function; one that does nothing if there is neither.
   */
  getDefault(store: Store, module: string): Func {
    for (const name of ["", "_start"]) {
      const found = funcStateOf(this.get(store, module, name));
      if (found !== undefined) return wrapFunc(found);
    }
    const state = storeOf(store);
    const typeId = internSignature(state.engine.registry, { parameters: [], results: [] });
    return wrapFunc(makeHostFunc(state, typeId, () => {}));
  }

  /** What is defined: module names and names, in the order of definition. */
  *[Symbol.iterator](): IterableIterator<{ readonly module: string; readonly name: string }> {
    for (const [module, names] of this.#definitions) for (const name of names.keys()) yield { module, name };
  }

  /**
   * A linker with the same definitions, which goes its own way from now on.
   *
   * @returns The copy.
   */
  clone(): Linker {
    const copy = new Linker(this.engine, { allowShadowing: this.allowShadowing });
    for (const [module, names] of this.#definitions) copy.#definitions.set(module, new Map(names));
    return copy;
  }

  #add(module: string, name: string, value: Defined): void {
    let names = this.#definitions.get(module);
    if (names === undefined) this.#definitions.set(module, names = new Map());
    if (!this.allowShadowing && names.has(name)) throw new LinkError("defined already", { module, name });
    // A function of a guest keeps its identity; any other JavaScript function is a host function when something imports it.
    names.set(name, value instanceof Definition ? value : funcStateOf(value)?.callable ?? value);
  }
}

/** Default values of the types that are no references. */
const ZEROS = new Map<ValType, unknown>([[I32, 0], [I64, 0n], [F32, 0], [F64, 0], [V128, new Uint8Array(16)]]);

/** The default value of a type. @throws {LinkError} for a reference that is never null. */
function zeroOf(type: ValType, wanted: Import): unknown {
  if (!isRef(type)) return ZEROS.get(type);
  if (!isNullable(type)) throw new LinkError("a reference that is never null has no default value", wanted);
  return null;
}

function defaultOf(state: ModuleState, wanted: Import): Definition {
  const { module } = state;
  const { kind, index } = wanted;
  switch (kind) {
    case "func": {
      const zeros = Array.from(funcTypeOf(module, index).results, (type) => zeroOf(type, wanted));
      const result = zeros.length < 2 ? zeros[0] : zeros;
      return Definition.hostFunc(state.typeIds[module.funcs[index]], () => result);
    }
    case "global": {
      const type = state.globalType(index);
      const value = zeroOf(type.type, wanted);
      return new Definition((store) => {
        const global = createGlobal(store, type);
        global.set(value);
        return global;
      });
    }
    case "table": {
      const type = state.tableType(index);
      zeroOf(type.element, wanted);
      return new Definition((store) => createTable(store, type));
    }
    case "memory":
      return new Definition((store) => createMemory(store, module.memories[index]));
    case "tag":
      return new Definition((store) => createTag(store, state.typeIds[module.tags[index].typeIndex]));
  }
}
