/** Functions of a store: host functions, and functions of guests as values. */

import {
  callAsync,
  callWithDeadline,
  createHostFunc,
  type FuncState,
  funcStateOf,
  type HostFunction,
  setFuncWrapper,
  type StoreState,
} from "../runtime/mod.ts";
import {
  type AsyncCallOptions,
  asyncOptions,
  type CallOptions,
  makeDeadline,
  refuseAsyncOptions,
} from "./call_options.ts";
import { Caller } from "./caller.ts";
import { type FuncType, funcTypeIdOf } from "./heap_types.ts";
import { type Store, storeOf } from "./store.ts";
import {
  type ArgumentsOf,
  type ExportedFunction,
  type FuncSignature,
  type HostResultOf,
  type ResultOf,
  signatureNames,
} from "./values.ts";

/** A host function for a signature: parameters become arguments, the results are returned. */
export type HostImplementation<S extends FuncSignature> = (
  ...args: ArgumentsOf<S["parameters"]>
) => HostResultOf<S["results"]> | PromiseLike<HostResultOf<S["results"]>>;

/** A host function that is told who calls it. */
export type CallerImplementation<S extends FuncSignature> = (
  caller: Caller,
  ...args: ArgumentsOf<S["parameters"]>
) => HostResultOf<S["results"]> | PromiseLike<HostResultOf<S["results"]>>;

/** Options of host functions. */
export interface HostFuncOptions {
  /** Pass a {@linkcode Caller} as the first argument; costs some tens of nanoseconds a call. */
  readonly passCaller?: boolean;
}

/** Marks a constructor call that wraps an existing function: nobody outside this file has it. */
const WRAP = {} as FuncSignature;

/** The function object of a function of a store; always the same. */
export let wrapFunc: (state: FuncState) => Func;

/** Makes a host function of a canonical type. */
export function makeHostFunc(
  state: StoreState,
  typeId: number,
  fn: (...args: never[]) => unknown,
  options: HostFuncOptions = {},
): FuncState {
  if (typeof fn !== "function") throw new TypeError("A host function must be a function");
  const makeCaller: HostFunction["makeCaller"] = options.passCaller
    ? (instance) => new Caller(state.wrapper as Store, instance)
    : undefined;
  return createHostFunc(state, typeId, { fn, makeCaller });
}

/**
 * A function that guests can call: a host function made here, or a guest's own.
 *
 * @example A host function, called directly
 * ```ts
 * import { Engine, Func, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const scale = new Func(
 *   store,
 *   { parameters: ["i32", "i64"], results: ["f64"] },
 *   (a, b) => a * Number(b),
 * );
 * assertEquals(scale.call([3, 4n]), 12);
 * assertEquals(scale.type.results, ["f64"]);
 * ```
 *
 * @typeParam S The function's signature.
 */
export class Func<const S extends FuncSignature = FuncSignature> {
  readonly #state: FuncState;

  static {
    wrapFunc = (state) => {
      if (state.wrapper === undefined) setFuncWrapper(state, new Func(state as never, WRAP, undefined as never));
      return state.wrapper as Func;
    };
  }

  /**
   * Makes a host function.
   *
   * @param store The store it belongs to.
   * @param type Its parameter and result types.
   * @param fn What it does. It gets the arguments as JavaScript values (i64 as bigint) and returns nothing, one value, or an array of exactly as
   * many values as there are results, or a promise of that: see {@linkcode Func.callAsync}. What it throws passes through the guest to whoever
   * called it.
   * @throws {TypeError} for types that are none.
   */
  constructor(store: Store, type: S, fn: HostImplementation<S>);
  /**
   * Makes a host function of a type that {@linkcode FuncType} describes: with references to something in particular, or with a supertype.
   *
   * @param store The store it belongs to.
   * @param type Its type.
   * @param fn What it does.
   * @throws {TypeError} for a type of another engine.
   */
  // deno-lint-ignore no-explicit-any -- what the references are to is not known to TypeScript
  constructor(store: Store, type: FuncType, fn: (...args: any[]) => unknown);
  constructor(store: Store, type: S | FuncType, fn: (...args: never[]) => unknown) {
    if (type === WRAP) {
      this.#state = store as unknown as FuncState;
      return;
    }
    const state = storeOf(store);
    this.#state = makeHostFunc(
      state,
      funcTypeIdOf(state.engine, type),
      fn,
    );
    setFuncWrapper(this.#state, this);
  }

  /**
   * The function object of an exported function or function reference.
   *
   * @param callable What an instance exports, or a table holds.
   * @returns The function, always the same for the same function of a store; undefined for any other JavaScript function.
   */
  static of(callable: ExportedFunction): Func | undefined {
    const state = funcStateOf(callable);
    return state === undefined ? undefined : wrapFunc(state);
  }

  /** The parameter and result types. */
  get type(): FuncSignature {
    return signatureNames(this.#state.store.engine.registry.funcType(this.#state.signature.typeId));
  }

  /** The function as a plain JavaScript function, always the same one. */
  get callable(): (...args: ArgumentsOf<S["parameters"]>) => ResultOf<S["results"]> {
    return this.#state.callable as (...args: ArgumentsOf<S["parameters"]>) => ResultOf<S["results"]>;
  }

  /**
   * Calls the function, for a limited time if wanted.
   *
   * @example A guest that is stopped
   * ```ts
   * import { Engine, Instance, Module, Store, Trap } from "@theropod/theropod";
   * import { assertThrows } from "@std/assert";
   *
   * using engine = new Engine({ interruption: true });
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module (func (export "spin") (loop (br 0))))`);
   * const spin = new Instance(store, module).func("spin")!;
   * assertThrows(() => spin.call([], { timeout: 5 }), Trap, "deadline");
   * ```
   *
   * @param args The arguments, coerced to the parameter types.
   * @param options For how long the call may run.
   * @returns Nothing, the result, or an array of the results.
   * @throws {Trap} if the guest traps: `interrupted` when its time is over.
   * @throws {TypeError} for an argument that cannot be coerced, for a timeout when the engine was made without `interruption`, and for a
   * signal.
   */
  call(args: Readonly<ArgumentsOf<S["parameters"]>> | [] = [], options: CallOptions = {}): ResultOf<S["results"]> {
    if (!Array.isArray(args)) throw new TypeError("The arguments of call are an array");
    refuseAsyncOptions(options);
    const { timeout } = options;
    if (timeout === undefined) return this.#state.callable(...args) as ResultOf<S["results"]>;
    const deadline = makeDeadline("timeout", timeout, options);
    return callWithDeadline(this.#state, args, deadline) as ResultOf<S["results"]>;
  }

  /**
   * Calls the function and lets the event loop turn: timers fire, other calls are made.
   *
   * A host function that the guest calls may return a promise (any object with a method `then`; where an `externref` is wanted, a `Promise`): the
   * guest is parked, and goes on with what the promise is fulfilled with, or as if the function had thrown what it is rejected with. Any
   * number of calls may be parked. A promise with a method `Symbol.dispose` is disposed of when nobody waits for it any more, because it has
   * settled or the call was given up. Only a guest that is called by this method can wait so, with no JavaScript between: if a host function
   * calls a guest synchronously, that one cannot.
   *
   * A guest that waits in a shared memory (`memory.atomic.wait32`) is parked as well, so guests of one thread can wake each other; that is its own
   * time.
   *
   * A guest that computes is parked at least every ten milliseconds, at a loop's head or a function's entry, if the engine was made with
   * `interruption`.
   *
   * While a call is parked, other calls into the same instance wait or throw a {@linkcode BusyError}, if it looks like one whose code cannot
   * have two at a time ({@linkcode InstanceOptions}). A host function may call such an instance synchronously until it returns its promise.
   * If it uses `callAsync` instead, that is refused with a `BusyError`; behind an `await` of its own its calls are like anybody's: to await
   * one into the instance that waits for it is to wait for ever.
   *
   * @example A guest that waits for a promise
   * ```ts
   * import { Engine, Func, Instance, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const load = new Func(store, { parameters: ["i32"], results: ["i32"] }, async (id) => {
   *   await new Promise((resolve) => setTimeout(resolve, 5));
   *   return id * 100;
   * });
   * const module = Module.fromText(engine, `(module
   *   (import "env" "load" (func $load (param i32) (result i32)))
   *   (func (export "run") (param i32) (result i32) (i32.add (call $load (local.get 0)) (i32.const 1))))`);
   * const run = new Instance(store, module, { env: { load } }).func("run")!;
   * assertEquals(await Promise.all([run.callAsync([1]), run.callAsync([2])]), [101, 201] as never);
   * ```
   *
   * @example A guest that is cancelled
   * ```ts
   * import { Engine, Instance, Module, Store } from "@theropod/theropod";
   * import { assertRejects } from "@std/assert";
   *
   * using engine = new Engine({ interruption: true });
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module (func (export "spin") (loop (br 0))))`);
   * const spin = new Instance(store, module).func("spin")!;
   * await assertRejects(() => spin.callAsync([], { signal: AbortSignal.timeout(20) }), DOMException);
   * ```
   *
   * @example A guest that lets others have their turn
   * ```ts
   * import { Engine, Instance, Module, Store } from "@theropod/theropod";
   * import { assert } from "@std/assert";
   *
   * using engine = new Engine({ fuel: true });
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module (func (export "count") (param i32)
   *   (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`);
   * const count = new Instance(store, module).func("count")!;
   * let turns = 0;
   * const timer = setInterval(() => turns++, 0);
   * store.fuel = 1e8;
   * await count.callAsync([1_000_000], { fuelYieldInterval: 10_000 });
   * clearInterval(timer);
   * assert(turns > 0);
   * ```
   *
   * @param args The arguments, coerced to the parameter types before anything else happens.
   * @param options For how long the call may run, and what ends it.
   * @returns Nothing, the result, or an array of the results.
   * @throws {Trap} if the guest traps: `interrupted` when its time is over. While it is parked only time passes that `countHostTime` counts.
   * @throws {TypeError} for an argument that cannot be coerced, for a timeout when the engine was made without `interruption`, and when the
   * store is disposed before the call is done. The reason of the signal when that is aborted: at once if the call is parked, what it
   * waited for is dropped; a guest that computes is stopped only if the engine was made with `interruption`.
   * @throws {BusyError} for a call that would wait for itself.
   */
  async callAsync(
    args: Readonly<ArgumentsOf<S["parameters"]>> | [] = [],
    options: AsyncCallOptions = {},
  ): Promise<ResultOf<S["results"]>> {
    if (!Array.isArray(args)) throw new TypeError("The arguments of callAsync are an array");
    return await callAsync(this.#state, args, asyncOptions(options)) as ResultOf<S["results"]>;
  }
}
