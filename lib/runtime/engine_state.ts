/**
 * What all stores of an engine share below the API: canonical types, signatures, and thunks for types that no module of a store mentions.
 */

import { TypeRegistry } from "../wasm/mod.ts";
import { loadCode, type LoadedCode } from "./code.ts";
import type { CompiledModule, StressOptions } from "../abi/mod.ts";
import { Signature } from "./signature.ts";
import type { StoreState } from "./store_state.ts";

/** Compiles a module whose type 0 is the given type and nothing else: the compiler is above this layer. */
export type ThunkCompiler = (signature: Signature, registry: TypeRegistry) => CompiledModule;

/** What stores must know of an engine's configuration. */
export interface EngineOptions {
  readonly bounds: "guard" | "explicit";
  readonly stress?: StressOptions;
}

/** An engine, as stores see it. */
export class EngineState {
  /** The engine's canonical types (TYPES). */
  readonly registry: TypeRegistry = new TypeRegistry();
  /** Whether code compares indices with the length, or relies on reservations; one way for all modules of an engine. */
  readonly bounds: "guard" | "explicit";
  /** What is made harder than it need be. */
  readonly stress: StressOptions;
  readonly #signatures: (Signature | undefined)[] = [];
  /** By canonical type id. */
  readonly #thunks = new Map<number, LoadedCode>();
  readonly #compileThunks: ThunkCompiler;
  #isClosed = false;

  constructor({ bounds, stress = {} }: EngineOptions, compileThunks: ThunkCompiler) {
    this.bounds = bounds;
    this.stress = stress;
    this.#compileThunks = compileThunks;
    leaks.register(this, this.#thunks, this);
  }

  /** The signature of a canonical function type. */
  signature(typeId: number): Signature {
    return this.#signatures[typeId] ??= new Signature(this.registry, typeId, this.registry.funcType(typeId));
  }

  /** Code with the thunks of a type at its type index 0, held by the store; made when first asked for. */
  thunksFor(store: StoreState, typeId: number): LoadedCode {
    const code = this.#loadThunks(typeId);
    store.holdCode(code);
    // A closed engine keeps nothing: the store's hold is the only one left.
    if (this.#isClosed) releaseAll(this.#thunks);
    return code;
  }

  #loadThunks(typeId: number): LoadedCode {
    let code = this.#thunks.get(typeId);
    if (code === undefined) {
      code = loadCode(this.#compileThunks(this.signature(typeId), this.registry), undefined);
      this.#thunks.set(typeId, code);
    }
    return code;
  }

  /** Gives the engine's own code back; stores that use it hold it. */
  close(): void {
    this.#isClosed = true;
    leaks.unregister(this);
    releaseAll(this.#thunks);
  }
}

function releaseAll(codes: Map<number, LoadedCode>): void {
  for (const code of codes.values()) code.release();
  codes.clear();
}

/** Thunks of engines that nobody disposed of. */
const leaks = new FinalizationRegistry<Map<number, LoadedCode>>(releaseAll);
