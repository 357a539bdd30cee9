/** Engines: a configuration and what all modules compiled with it share. */

import { EngineState } from "../runtime/mod.ts";
import { compileThunks } from "./compilation.ts";
import { type EngineConfig, resolveConfig, type ResolvedConfig } from "./config.ts";
import { Epoch } from "./epoch.ts";

/** An engine as the other classes see it. */
export interface EngineInternals {
  readonly state: EngineState;
  readonly config: ResolvedConfig;
}

/** The internals of an engine. @throws {TypeError} unless it is an engine that was not disposed. */
export let engineOf: (engine: Engine) => EngineInternals;

/**
 * Compiles modules and owns their types. Make one and keep it: modules and stores of different engines do not mix.
 *
 * @example Compile and run
 * ```ts
 * import { Engine, Instance, Module, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = Uint8Array.fromBase64("AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=");
 * using engine = new Engine();
 * using store = new Store(engine);
 * const { add } = new Instance(store, new Module(engine, bytes)).exports;
 * assertEquals(add(2, 3), 5);
 * ```
 */
export class Engine implements Disposable {
  readonly #internals: EngineInternals;
  #isDisposed = false;
  #epoch: Epoch | undefined;

  static {
    engineOf = (engine) => {
      if (!(typeof engine === "object" && engine !== null && #internals in engine)) {
        throw new TypeError("Expected an Engine");
      }
      if (engine.#isDisposed) throw new TypeError("The engine is disposed");
      return engine.#internals;
    };
  }

  /**
   * Makes an engine.
   *
   * @param config What modules may use and how they are compiled.
   * @throws {TypeError} for a value that the configuration does not have.
   */
  constructor(config: EngineConfig = {}) {
    const resolved = resolveConfig(config);
    this.#internals = { config: resolved, state: new EngineState(resolved, compileThunks) };
  }

  /** What the embedder counts by itself, to stop guests by; always the same. */
  get epoch(): Epoch {
    return this.#epoch ??= new Epoch(this.#internals.state.epoch);
  }

  /** How the engine's code catches accesses beyond a memory's end. */
  get bounds(): "guard" | "explicit" {
    return this.#internals.config.bounds;
  }

  /** Makes the engine unusable. Its stores go on until they are disposed. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#internals.state.close();
  }
}
