/** What a host function may know of the guest that called it. */

import { canPark, type InstanceState } from "../runtime/mod.ts";
import { type ExportValue, wrapExtern } from "./externs.ts";
import type { Instance } from "./instance.ts";
import { Memory } from "./memory.ts";
import type { Store } from "./store.ts";

/**
 * The calling guest, as host functions see it that ask for it (`Linker.defineFunc` with `passCaller`).
 *
 * @example A host function that reads the guest's memory
 * ```ts ignore
 * linker.defineFunc(
 *   "env",
 *   "log",
 *   { parameters: ["i32", "i32"], results: [] },
 *   (caller, offset, length) => console.log(caller.memory!.readString(offset, length)),
 *   { passCaller: true },
 * );
 * ```
 */
export class Caller {
  /** The store of the call. */
  readonly store: Store;
  readonly #instance: InstanceState | undefined;
  #memory: Memory | undefined;

  /** Callers are made by the engine. */
  constructor(store: Store, instance: InstanceState | undefined) {
    this.store = store;
    this.#instance = instance;
  }

  /** The instance whose code made the call; undefined when JavaScript called the function directly. */
  get instance(): Instance | undefined {
    return this.#instance?.wrapper as Instance | undefined;
  }

  /** The data that the store was made with. */
  get data(): unknown {
    return this.store.data;
  }

  /**
   * Whether the host function may return a promise, which the guest then waits for: it was called by `callAsync`. To be asked before the
   * function awaits anything.
   *
   * @example A host function that waits as it can
   * ```ts ignore
   * linker.defineFunc(
   *   "env",
   *   "sleep",
   *   { parameters: ["i32"], results: [] },
   *   (caller, ms) => caller.canWait ? new Promise((resolve) => setTimeout(resolve, ms)) : sleepSync(ms),
   *   { passCaller: true },
   * );
   * ```
   */
  get canWait(): boolean {
    const activation = this.#instance?.store.innermost;
    return activation !== undefined && canPark(activation);
  }

  /** Milliseconds until the first deadline of the guest passes, Infinity without one: as {@linkcode Store.remainingMs}. */
  get remainingMs(): number {
    return this.store.remainingMs;
  }

  /** What is left of the guest's fuel: as {@linkcode Store.fuel}. */
  get fuel(): number {
    return this.store.fuel;
  }

  /**
   * Takes fuel for the host function's work: as {@linkcode Store.consumeFuel}.
   *
   * @example A host function that costs by size
   * ```ts
   * import { Engine, Linker, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine({ fuel: true });
   * using store = new Store(engine);
   * const linker = new Linker(engine);
   * linker.defineFunc("env", "work", { parameters: ["i32"], results: [] }, (caller, size) => {
   *   caller.consumeFuel(10 * size);
   * }, { passCaller: true });
   * const module = Module.fromText(engine, `(module
   *   (import "env" "work" (func $work (param i32))) (func (export "run") (call $work (i32.const 5))))`);
   * store.fuel = 100;
   * linker.instantiate(store, module).exports.run();
   * assertEquals(store.fuel, 100 - 2 - 50);
   * ```
   *
   * @param amount How much.
   * @throws {Trap} `out_of_fuel` if less is left.
   */
  consumeFuel(amount: number): void {
    this.store.consumeFuel(amount);
  }

  /**
   * Blocks the thread in place of the guest: as {@linkcode Store.blockInSlices}.
   *
   * @typeParam T What is waited for.
   * @param wait Blocks for at most so many milliseconds, and gives undefined to be called again.
   * @returns What `wait` returned.
   * @throws {Trap} `interrupted` when the guest's time is over, or somebody interrupted it.
   */
  blockInSlices<T>(wait: (atMostMs: number) => T | undefined): T {
    return this.store.blockInSlices(wait);
  }

  /** The memory that the calling instance exports as `memory`, the convention of C and Rust toolchains. */
  get memory(): Memory | undefined {
    if (this.#memory === undefined) {
      const found = this.getExport("memory");
      if (found instanceof Memory) this.#memory = found as Memory;
    }
    return this.#memory;
  }

  /**
   * Looks an export of the calling instance up; works while the instance is still being instantiated, too.
   *
   * @param name The export's name.
   * @returns The export, or undefined when there is none of that name.
   * @throws {TypeError} if the store is disposed.
   */
  getExport(name: string): ExportValue | undefined {
    const instance = this.#instance;
    instance?.store.requireOpen();
    const found = instance?.state.module.exports.find((entry) => entry.name === name);
    return found === undefined ? undefined : wrapExtern(instance!.exportOf(found.kind, found.index));
  }
}
