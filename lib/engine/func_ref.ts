/** Typed references to functions. */

import { type FuncState, funcStateOf, markAsFunc, RefError, releaseFuncMark } from "../runtime/mod.ts";
import type { CallOptions } from "./call_options.ts";
import { type HeapTypeSource, toHeapType } from "./composite_type.ts";
import { type Func, wrapFunc } from "./func.ts";
import { type FuncType, wrapFuncType } from "./heap_types.ts";
import type { ExportedFunction } from "./values.ts";

/** Lets only this file construct references (REF-1). */
const MAKE = Symbol("make");

/**
 * A reference to a function: what a `funcref` is to a guest, with the function's exact type, and casts to others.
 *
 * Functions cross as JavaScript functions, and live as long as their store. A reference adds what those do not show; it can be passed wherever
 * a function can, until it is given up.
 *
 * @example The type of what a table holds
 * ```ts
 * import { Engine, FuncRef, Instance, Module, Store } from "@theropod/theropod";
 * import { assertEquals, assertStrictEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const module = Module.fromText(engine, `(module
 *   (type $binary (func (param i32 i32) (result i32)))
 *   (table (export "operations") funcref (elem $add))
 *   (func $add (type $binary) (i32.add (local.get 0) (local.get 1))))`);
 * const { operations } = new Instance(store, module).exports;
 * using add = FuncRef.of(operations.get(0));
 * assertEquals([add.type.parameters, add.type.results], [["i32", "i32"], ["i32"]]);
 * assertEquals(add.matches(module.funcType("binary")), true);
 * assertEquals(add.call([2, 3]), 5);
 * assertStrictEquals(add.callable, operations.get(0));
 * ```
 */
export class FuncRef implements Disposable {
  readonly #func: FuncState;
  #isReleased = false;

  /** @internal */
  constructor(token: symbol, func: FuncState) {
    if (token !== MAKE) throw new TypeError("References to functions are made by FuncRef.of");
    this.#func = func;
    func.reference = this;
    markAsFunc(this, func);
  }

  /**
   * The reference to a function.
   *
   * @param callable What an instance exports, a table holds or a guest hands out, a {@linkcode Func}, or null.
   * @returns The reference, always the same for one function while it is not given up; null for null.
   * @throws {TypeError} for any other JavaScript function.
   * @throws {RefError} for a reference that was given up.
   */
  static of(callable: ExportedFunction | Func | FuncRef): FuncRef;
  /** As above, for what may be null. */
  static of(callable: ExportedFunction | Func | FuncRef | null): FuncRef | null;
  static of(callable: ExportedFunction | Func | FuncRef | null): FuncRef | null {
    if (callable === null) return null;
    const func = funcStateOf(callable);
    if (func === undefined) throw new TypeError("Expected a function of a store, or null");
    func.store.requireOpen();
    return func.reference as FuncRef | undefined ?? new FuncRef(MAKE, func);
  }

  /** The function's own type: what it was declared with, or made. */
  get type(): FuncType {
    const { store, signature } = this.#used();
    return wrapFuncType(store.engine, signature.typeId);
  }

  /** The function; always the same for one function. */
  get func(): Func {
    return wrapFunc(this.#used());
  }

  /** The function as a plain JavaScript function; always the same one. */
  get callable(): ExportedFunction {
    return this.#used().callable;
  }

  /**
   * Calls the function: `call_ref`.
   *
   * @param args The arguments, coerced to the parameter types.
   * @param options For how long the call may run.
   * @returns Nothing, the result, or an array of the results.
   * @throws {Trap} if the guest traps.
   * @throws {TypeError} for an argument that cannot be coerced.
   */
  call(args: readonly unknown[] = [], options: CallOptions = {}): unknown {
    return this.func.call(args as [], options);
  }

  /**
   * Whether the function is of a type, or of a subtype of it: `ref.test`.
   *
   * @param type An abstract heap type's name, or a function type of the store's engine.
   * @returns Whether it is.
   * @throws {RefError} if the reference was given up.
   */
  matches(type: HeapTypeSource): boolean {
    const { store: { engine }, signature } = this.#used();
    return engine.registry.isHeapSubtype(signature.typeId, toHeapType(engine, type));
  }

  /**
   * The reference as one to a type: `ref.cast`.
   *
   * @param type An abstract heap type's name, or a function type of the store's engine.
   * @returns The reference.
   * @throws {RefError} if the function is of another type, or the reference was given up.
   */
  cast(type: HeapTypeSource): this {
    if (!this.matches(type)) throw new RefError("wrong_type", "The function is of another type");
    return this;
  }

  /** Whether the reference was given up, or its store disposed of. */
  get isDisposed(): boolean {
    return this.#isReleased || this.#func.store.isClosed;
  }

  /** Gives the reference up; the function stays what it is. */
  dispose(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#func.reference = undefined;
    releaseFuncMark(this);
  }

  /** As {@linkcode FuncRef.dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.isDisposed ? "FuncRef (released)" : `FuncRef [${this.#func.callable.name}]`;
  }

  #used(): FuncState {
    this.#func.store.requireOpen();
    if (this.#isReleased) throw new RefError("released", "The reference is disposed");
    return this.#func;
  }
}
