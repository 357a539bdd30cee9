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
   */
  getExport(name: string): ExportValue | undefined {
    const instance = this.#instance;
    const found = instance?.state.module.exports.find((entry) => entry.name === name);
    return found === undefined ? undefined : wrapExtern(instance!.exportOf(found.kind, found.index));
  }
}
