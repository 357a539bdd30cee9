/** Stores: what lives and dies together. */

import {
  blockInSlices,
  EpochDeadline,
  framesBehind,
  mayInterrupt,
  remainingMs,
  Resource,
  type ResourceLimiter,
  type ResourceName,
  RESOURCES,
  type ResourceUsage,
  type StoreLimits,
  StoreState,
  Trap,
  writeCoreDump,
} from "../runtime/mod.ts";
import { type Budget, budgetOf } from "./budget.ts";
import { type Engine, engineOf } from "./engine.ts";
import { type DeadlineOptions, makeDeadline, type OnDeadline } from "./call_options.ts";
import { InterruptHandle } from "./interrupt.ts";

/**
 * What a store uses of everything that is limited: {@linkcode StoreLimits} says what each is. Bytes of objects are those that the last
 * collection found alive, and all that were made since.
 */
export interface StoreUsage extends Readonly<Record<ResourceName, ResourceUsage>> {
  /** Collections of garbage so far. */
  readonly collections: number;
  /** What guests and {@linkcode Store.consumeFuel} have used; undefined for an engine without `fuel`. */
  readonly fuelConsumed: number | undefined;
}

/** Options of core dumps. */
export interface CoreDumpOptions {
  /** The program's name, such as its path; empty by default. */
  readonly name?: string;
}

/** The state of a store. @throws {TypeError} unless it is a store that can be used. */
export let storeOf: (store: Store) => StoreState;

/** Options of stores. */
export interface StoreOptions<Data = unknown> {
  /** Whatever host functions shall find: see {@linkcode Store.data}. */
  readonly data?: Data;
  /** What the store may have at a time; each limit has a default. */
  readonly limits?: StoreLimits;
  /** Asked before an instance, a memory or a table is made or grows, by a guest or by JavaScript. */
  readonly limiter?: ResourceLimiter;
  /** Limits that the store shares with others, beside its own. */
  readonly budget?: Budget;
}

/**
 * Holds instances and everything they use. Nothing in it is freed before the store is disposed, and everything is then; objects of
 * different stores do not mix.
 *
 * @example A store for a piece of work
 * ```ts
 * import { Engine, Memory, Store } from "@theropod/theropod";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using engine = new Engine();
 * const store = new Store(engine);
 * const memory = new Memory(store, { minimum: 1 });
 * assertEquals(memory.byteLength, 65536);
 * store.close();
 * assertThrows(() => memory.grow(1), TypeError, "disposed");
 * ```
 *
 * @example Data for host functions
 * ```ts
 * import { Engine, Linker, Module, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine, { data: { calls: 0 } });
 * const linker = new Linker(engine);
 * linker.defineFunc("env", "count", { parameters: [], results: [] }, (caller) => {
 *   (caller.data as { calls: number }).calls++;
 * }, { passCaller: true });
 * const module = Module.fromText(engine, `(module (import "env" "count" (func)) (export "run" (func 0)))`);
 * linker.instantiate(store, module).exports.run();
 * assertEquals(store.data.calls, 1);
 * ```
 *
 * @example Limits
 * ```ts
 * import { Engine, LimitError, Memory, Store } from "@theropod/theropod";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine, { limits: { memoryBytes: 2 ** 20, instances: 1 } });
 * const memory = new Memory(store, { minimum: 10 });
 * assertEquals(memory.grow(6), 10);
 * const error = assertThrows(() => memory.grow(1), LimitError);
 * assertEquals([error.limit, error.current, error.asked, error.allowed], ["memoryBytes", 2 ** 20, 65536, 2 ** 20]);
 * ```
 *
 * @example A limiter that asks somebody else
 * ```ts
 * import { Engine, Instance, Module, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * // Stands for a service that knows what each tenant has paid for.
 * const mayHave = (bytes: number) => Promise.resolve(bytes <= 2 * 65536);
 * using engine = new Engine();
 * using store = new Store(engine, { limiter: { memoryGrowing: (_current, desired) => mayHave(desired) } });
 * const module = Module.fromText(engine, `(module (memory 1)
 *   (func (export "grow") (result i32) (memory.grow (i32.const 1))))`);
 * const grow = (await Instance.createAsync(store, module)).func("grow")!;
 * assertEquals([await grow.callAsync([]), await grow.callAsync([])], [1, -1]);
 * ```
 *
 * @typeParam Data What the store's data is.
 */
// deno-lint-ignore no-explicit-any -- a store of any data is a store
export class Store<Data = any> implements Disposable {
  /** The engine whose modules the store can hold. */
  readonly engine: Engine;
  /** Whatever the embedder keeps with the store, for host functions: the option `data`. */
  data: Data;
  readonly #state: StoreState;

  static {
    storeOf = (store) => {
      if (!(typeof store === "object" && store !== null && #state in store)) throw new TypeError("Expected a Store");
      store.#state.requireOpen();
      return store.#state;
    };
  }

  /**
   * Makes an empty store.
   *
   * @param engine The engine whose modules will be instantiated.
   * @param options What the store keeps, and may use.
   * @throws {TypeError} if the engine is disposed, or an option is not of its type.
   * @throws {RangeError} for a limit that cannot be.
   * @throws {HostError} if this machine or Deno's permissions do not allow running machine code.
   */
  constructor(engine: Engine, options: StoreOptions<Data> = {}) {
    const { limits, limiter, budget } = options;
    if (limiter !== undefined && (typeof limiter !== "object" || limiter === null)) {
      throw new TypeError("A limiter is an object with functions");
    }
    this.#state = new StoreState(engineOf(engine).state, {
      limits,
      limiter,
      budget: budget === undefined ? undefined : budgetOf(budget),
    });
    this.#state.wrapper = this;
    this.engine = engine;
    this.data = options.data as Data;
  }

  /** Whether the store was disposed. */
  get isDisposed(): boolean {
    return this.#state.isClosed;
  }

  /**
   * Limits the time of the store's guests: all calls together, start functions included, from now on.
   *
   * Once it is over, every guest traps with `interrupted` as soon as it has run for a moment, until another deadline is set or this one is
   * taken back.
   *
   * @example Time for a module to start
   * ```ts
   * import { Engine, Instance, Module, Store, Trap } from "@theropod/theropod";
   * import { assertThrows } from "@std/assert";
   *
   * using engine = new Engine({ interruption: true });
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module (func $spin (loop (br 0))) (start $spin))`);
   * store.setDeadline(5);
   * assertThrows(() => new Instance(store, module), Trap, "deadline");
   * store.setDeadline(undefined);
   * ```
   *
   * @param ms Milliseconds, or undefined for no limit.
   * @param options What happens then, and what is counted.
   * @throws {TypeError} if the engine was made without `interruption`.
   * @throws {RangeError} for a time that is out of range.
   */
  setDeadline(ms: number | undefined, options: DeadlineOptions = {}): void {
    const state = storeOf(this);
    state.setDeadline(ms === undefined ? undefined : makeDeadline("ms", ms, options));
  }

  /**
   * Limits the store's guests by the engine's epoch: all calls together, from now on. A guest looks every millisecond of its own time.
   *
   * @param ticks How many ticks may pass, or undefined for no limit.
   * @param onDeadline What happens then: `"trap"`, or a function that is asked instead, and returns how many ticks more may pass, or nothing for
   * the trap.
   * @throws {TypeError} if the engine was made without `interruption`.
   * @throws {RangeError} for what is no integer from 0 on.
   */
  setEpochDeadline(ticks: number | undefined, onDeadline: OnDeadline = "trap"): void {
    const state = storeOf(this);
    if (ticks === undefined) return state.setEpochDeadline(undefined);
    if (!(Number.isSafeInteger(ticks) && ticks >= 0)) {
      throw new RangeError(`Ticks are an integer from 0 on, not ${ticks}`);
    }
    if (onDeadline !== "trap" && typeof onDeadline !== "function") {
      throw new TypeError(`onDeadline is "trap" or a function`);
    }
    state.setEpochDeadline(new EpochDeadline(state, BigInt(ticks), onDeadline));
  }

  /**
   * What is left of the fuel that the store's guests run on; 0 in a new store.
   *
   * Each operation takes 1, but for those that only give structure (`block`, `end`, `nop` and the like); operations on ranges take 1 more for
   * each 64 bytes of memory or 8 elements. A guest that has none left traps with `out_of_fuel` at a loop's head, a function's entry or an
   * operation on a range. The count is the same at every effort.
   *
   * @example Count what a guest does
   * ```ts
   * import { Engine, Instance, Module, Store, Trap } from "@theropod/theropod";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * using engine = new Engine({ fuel: true });
   * using store = new Store(engine);
   * const module = Module.fromText(
   *   engine,
   *   `(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))`,
   * );
   * const { add } = new Instance(store, module).exports;
   * store.fuel = 5;
   * assertEquals(add(2, 3), 5);
   * assertEquals(store.fuel, 2);
   * assertThrows(() => add(2, 3), Trap, "fuel");
   * ```
   *
   * A store on a {@linkcode Budget} with fuel runs on that: this is what the budget has left then, and cannot be set.
   *
   * @throws {TypeError} if the engine was made without `fuel`; when it is set, for what is no number or if the fuel is a budget's.
   * @throws {RangeError} when set to what is no integer from 0 to 2^53 - 1.
   */
  get fuel(): number {
    return storeOf(this).fuelMeter().fuel;
  }

  set fuel(value: number) {
    const meter = storeOf(this).fuelMeter();
    requireFuel(value);
    if (meter.isShared) throw new TypeError("The store's fuel is its budget's: use Budget.addFuel");
    meter.fuel = value;
  }

  /** How much fuel was taken so far, by guests and by the host, whatever {@linkcode Store.fuel} was set to meanwhile. */
  get fuelConsumed(): number {
    return storeOf(this).fuelMeter().consumed;
  }

  /**
   * Takes fuel for something that the host does, such as the work of a host function.
   *
   * @param amount How much.
   * @throws {Trap} `out_of_fuel` if less is left; nothing is left then.
   * @throws {TypeError} if the engine was made without `fuel`.
   * @throws {RangeError} for what is no integer from 0 to 2^53 - 1.
   */
  consumeFuel(amount: number): void {
    const meter = storeOf(this).fuelMeter();
    requireFuel(amount);
    if (!meter.consume(amount)) throw new Trap("out_of_fuel");
  }

  /** Milliseconds until the first deadline of the store or of a call in it passes; Infinity without one. */
  get remainingMs(): number {
    return remainingMs(storeOf(this));
  }

  /** Whether something may end a guest that blocks: a deadline, or another Worker by {@linkcode Store.interruptHandle}. */
  get mayInterrupt(): boolean {
    return mayInterrupt(storeOf(this));
  }

  /**
   * How a host function blocks the thread in place of the guest, as a read from a pipe or a sleep does: so that deadlines and
   * {@linkcode Store.interruptHandle} end the guest all the same. `wait` is called again and again, with the milliseconds that it may block
   * until it returns `undefined`, or the result. What it takes is charged to the guest.
   *
   * @example A sleep that a deadline ends
   * ```ts
   * import { Engine, Func, Instance, Module, Store, Trap } from "@theropod/theropod";
   * import { assertThrows } from "@std/assert";
   *
   * using engine = new Engine({ interruption: true });
   * using store = new Store(engine);
   * const word = new Int32Array(new SharedArrayBuffer(4));
   * const sleep = new Func(store, { parameters: ["i32"], results: [] }, (ms) => {
   *   const end = performance.now() + ms;
   *   store.blockInSlices((atMostMs) => {
   *     Atomics.wait(word, 0, 0, Math.min(atMostMs, end - performance.now()));
   *     return performance.now() < end ? undefined : true;
   *   });
   * });
   * const module = Module.fromText(engine, `(module
   *   (import "env" "sleep" (func $sleep (param i32))) (func (export "run") (call $sleep (i32.const 60000))))`);
   * const run = new Instance(store, module, { env: { sleep } }).func("run")!;
   * assertThrows(() => run.call([], { timeout: 10 }), Trap, "deadline");
   * ```
   *
   * @typeParam T What is waited for.
   * @param wait Blocks for at most so many milliseconds, which may be Infinity.
   * @returns What `wait` returned.
   * @throws {Trap} `interrupted` when the guest's time is over, or somebody interrupted it.
   */
  blockInSlices<T>(wait: (atMostMs: number) => T | undefined): T {
    return blockInSlices(storeOf(this), wait);
  }

  /**
   * A handle by which another Worker can interrupt this store's guest. To be asked for before the guest is called.
   *
   * @returns The handle; always for the same request.
   */
  interruptHandle(): InterruptHandle {
    const state = storeOf(this);
    return new InterruptHandle(state.openInterrupt());
  }

  /**
   * What the store uses, now and at most so far, and what it may. Plain numbers: asking costs next to nothing and reserves nothing.
   *
   * @example What a guest took
   * ```ts
   * import { Engine, Instance, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module (memory 1) (table 10 funcref)
   *   (func (export "grow") (result i32) (memory.grow (i32.const 2))))`);
   * new Instance(store, module).exports.grow();
   * const { memoryBytes, tableElements, instances } = store.usage();
   * assertEquals(memoryBytes, { current: 3 * 65536, peak: 3 * 65536, limit: 2 ** 32 });
   * assertEquals([tableElements.current, instances.current], [10, 1]);
   * ```
   *
   * @throws {TypeError} if the store is disposed.
   */
  usage(): StoreUsage {
    const { gc, usage, meter, engine } = storeOf(this);
    const { usedBytes, collections } = gc.isReserved ? gc.collector : { usedBytes: 0, collections: 0 };
    const rows = RESOURCES.map(([name], row) => [
      name,
      row === Resource.gcHeapBytes ? usage.of(row, usedBytes) : usage.of(row),
    ]);
    return {
      ...Object.fromEntries(rows) as Record<ResourceName, ResourceUsage>,
      collections,
      fuelConsumed: engine.fuel ? meter!.consumed : undefined,
    };
  }

  /**
   * What the store is like now and where an error left its guests, as a core dump (tool-conventions, "Coredump"): memories, globals, instances
   * and the frames of the error's stack, for debuggers of WebAssembly. To be made before other guests change what is dumped.
   *
   * Locals and operands are not known to compiled code and stand as missing values; references stand as null.
   *
   * @example Keep what a trap leaves
   * ```ts
   * import { Engine, Instance, Module, Store } from "@theropod/theropod";
   * import { assert } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module $app (memory 1)
   *   (func (export "run") (i32.store8 (i32.const 7) (i32.const 42)) (unreachable)))`);
   * try {
   *   new Instance(store, module).exports.run();
   * } catch (error) {
   *   const dump = store.coreDump(error, { name: "app.wasm" });
   *   assert(WebAssembly.validate(dump));
   * }
   * ```
   *
   * @param error What was caught: a trap, an exception, or what a host function threw. Without frames of a guest the stack is empty.
   * @param options The program's name.
   * @returns The bytes of the core dump.
   * @throws {TypeError} if the error is one of another store's guests, or the store is disposed.
   */
  coreDump(error: unknown, options: CoreDumpOptions = {}): Uint8Array<ArrayBuffer> {
    return writeCoreDump(storeOf(this), framesBehind(error), String(options.name ?? ""));
  }

  /**
   * Collects garbage now. It is done by itself when it is time; this is for who wants to know what is left, or has a moment to spare.
   *
   * @throws {TypeError} if the store is disposed.
   */
  gc(): void {
    storeOf(this).gc.collect();
  }

  /**
   * Frees everything in the store. Using any of it afterwards throws a `TypeError`. Does nothing the second time.
   *
   * @throws {TypeError} while a call into the store is active.
   */
  close(): void {
    this.#state.close();
  }

  /** As {@linkcode Store.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function requireFuel(value: number): void {
  if (typeof value !== "number") throw new TypeError("Fuel is a number");
  if (!(Number.isSafeInteger(value) && value >= 0)) throw new RangeError(`Fuel is an integer from 0 on, not ${value}`);
}
