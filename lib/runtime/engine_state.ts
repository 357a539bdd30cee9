/**
 * What all stores of an engine share below the API: canonical types, signatures, and thunks for types that no module of a store mentions.
 */

import { TypeRegistry } from "../wasm/mod.ts";
import { loadCode, type LoadedCode } from "./code.ts";
import type { CompiledModule } from "../abi/mod.ts";
import { Signature } from "./signature.ts";

/** Compiles a module whose type 0 is the given type and nothing else: the compiler is above this layer. */
export type ThunkCompiler = (signature: Signature, registry: TypeRegistry) => CompiledModule;

/** An engine, as stores see it. */
export class EngineState {
  /** The engine's canonical types (TYPES). */
  readonly registry: TypeRegistry = new TypeRegistry();
  /** Whether code compares indices with the length, or relies on reservations; one way for all modules of an engine. */
  readonly bounds: "guard" | "explicit";
  readonly #signatures: (Signature | undefined)[] = [];
  readonly #thunks: (LoadedCode | undefined)[] = [];
  readonly #compileThunks: ThunkCompiler;

  constructor(bounds: "guard" | "explicit", compileThunks: ThunkCompiler) {
    this.bounds = bounds;
    this.#compileThunks = compileThunks;
  }

  /** The signature of a canonical function type. */
  signature(typeId: number): Signature {
    return this.#signatures[typeId] ??= new Signature(this.registry, typeId, this.registry.funcType(typeId));
  }

  /** Code with the thunks of a type at its type index 0; made when first asked for. */
  thunks(typeId: number): LoadedCode {
    return this.#thunks[typeId] ??= loadCode(this.#compileThunks(this.signature(typeId), this.registry), undefined);
  }

  /** Gives the engine's own code back; stores that use it hold it. */
  close(): void {
    for (const code of this.#thunks) code?.release();
    this.#thunks.length = 0;
  }
}
