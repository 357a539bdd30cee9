/** Clocks of the embedder's own, by which guests are stopped. */

import { EPOCH_BYTES, EpochState } from "../runtime/mod.ts";

/** What is posted to another isolate. */
interface PostedEpoch {
  readonly buffer: SharedArrayBuffer;
}

/**
 * The epoch of an engine: a count of ticks that the embedder adds, whenever it likes, from any Worker. {@linkcode Store.setEpochDeadline} says
 * how many a store's guests may see pass. For time in milliseconds nobody has to tick: that is {@linkcode Store.setDeadline}.
 *
 * Made for `postMessage`, as a shared memory is: post it, and let the Worker call {@linkcode Epoch.from} on what arrives.
 *
 * @example Guests that may run until something has happened twice
 * ```ts
 * import { Engine, Epoch, Instance, Linker, Module, Store, Trap } from "@theropod/theropod";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using engine = new Engine({ interruption: true });
 * using store = new Store(engine);
 * const elsewhere = Epoch.from(structuredClone(engine.epoch)); // as worker.postMessage does
 * const linker = new Linker(engine);
 * linker.defineFunc("env", "tick", { parameters: [], results: [] }, () => void elsewhere.increment());
 * const module = Module.fromText(engine, `(module (import "env" "tick" (func $tick))
 *   (func (export "run") (loop $again (call $tick) (br $again))))`);
 * const { run } = linker.instantiate(store, module).exports;
 * store.setEpochDeadline(2);
 * assertThrows(() => run(), Trap, "the epoch has reached 2");
 * assertEquals(engine.epoch.value >= 2n, true);
 * ```
 */
export class Epoch {
  /** What is posted; not for use. */
  readonly buffer: SharedArrayBuffer;
  readonly #state: EpochState;

  /** Use {@linkcode Engine.epoch}. */
  constructor(state: EpochState) {
    if (!(state instanceof EpochState)) throw new TypeError("An epoch is an engine's: use Engine.epoch");
    this.#state = state;
    this.buffer = state.buffer;
  }

  /**
   * The epoch that another Worker posted.
   *
   * @param posted What arrived.
   * @returns The same epoch.
   * @throws {TypeError} if it is something else.
   */
  static from(posted: unknown): Epoch {
    if (posted instanceof Epoch) return posted;
    if (typeof posted === "object" && posted !== null) {
      const { buffer } = posted as PostedEpoch;
      if (buffer instanceof SharedArrayBuffer && buffer.byteLength === EPOCH_BYTES) {
        return new Epoch(new EpochState(buffer));
      }
    }
    throw new TypeError("Expected an Epoch as another Worker posted it");
  }

  /** Ticks so far. */
  get value(): bigint {
    return this.#state.count;
  }

  /**
   * Adds ticks.
   *
   * @param ticks How many; one unless given.
   * @returns The count afterwards.
   * @throws {RangeError} for what is no integer from 1 on.
   */
  increment(ticks = 1): bigint {
    if (!(Number.isSafeInteger(ticks) && ticks > 0)) {
      throw new RangeError(`Ticks are an integer from 1 on, not ${ticks}`);
    }
    return this.#state.add(BigInt(ticks));
  }
}
