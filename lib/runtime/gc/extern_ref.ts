/**
 * External references that JavaScript holds on purpose: the value stays in the store's heap, as one object, for as long.
 *
 * A JavaScript value crosses as it is, and the object that stands for it lives while a guest has it. A reference of this kind is that object seen
 * from JavaScript: it keeps it, so the guest's reference is the same one before and after (`ref.eq` of what `any.convert_extern` gives), and the
 * value is not let go meanwhile. What is an object of the heap already, or an unboxed scalar, is its own external reference (GC-2): nothing is
 * made for it, and the reference to the object is what is held.
 *
 * EXTERN-1  Wherever an external reference crosses, its value crosses: guests and JavaScript see no wrapper.
 */

import type { StoreState } from "../store_state.ts";
import {
  checkExternReference,
  type HeapReference,
  hostValueOf,
  hostValueReference,
  I31Ref,
  RefError,
  refStateOf,
  scalarOf,
} from "./refs.ts";

/** What an external reference holds: an object, its own or the extern object of a value, or an unboxed scalar. */
type Held = { readonly object: HeapReference } | { readonly value: HeapReference } | { readonly scalar: number };

/** One external reference for each object. */
const byObject = new WeakMap<HeapReference, ExternReference>();

/** Lets only this file construct external references (REF-1). */
const MAKE = Symbol("make");

let crossingValue: (store: StoreState, value: unknown) => unknown;

/** What crosses for a JavaScript value: the value behind an external reference, anything else as it is. @throws {RefError} (REF-2) */
export function behindExtern(store: StoreState, value: unknown): unknown {
  return typeof value === "object" && value !== null ? crossingValue(store, value) : value;
}

/** An external reference; the API's class extends it. */
export class ExternReference implements Disposable {
  readonly #store: StoreState;
  readonly #held: Held;
  #isReleased = false;

  static {
    crossingValue = (store, value) => {
      if (!(#held in (value as object))) return value;
      const reference = value as ExternReference;
      if (reference.#store !== store) throw new RefError("foreign", "The reference belongs to another store");
      return reference.value;
    };
  }

  /** @internal */
  constructor(token: symbol, store: StoreState, held: Held) {
    if (token !== MAKE) throw new TypeError("External references are made by ExternRef.of");
    this.#store = store;
    this.#held = held;
  }

  /** The JavaScript value: what a guest's reference to it is in JavaScript. */
  get value(): unknown {
    this.#store.requireOpen();
    if (this.isDisposed) throw new RefError("released", "The reference is disposed");
    const held = this.#held;
    if ("scalar" in held) return held.scalar;
    return "object" in held ? held.object : hostValueOf(held.value);
  }

  /** The value as an internal reference, what `any.convert_extern` makes of it: an object, an unboxed scalar, or the host value itself. */
  toAny(): unknown {
    const { value } = this;
    return "scalar" in this.#held ? new I31Ref(this.#held.scalar) : value;
  }

  /** Whether the reference was given up, or its store disposed of; or the reference to the object that it is the same as. */
  get isDisposed(): boolean {
    if (this.#isReleased || this.#store.isClosed) return true;
    const held = this.#held;
    return "scalar" in held ? false : "object" in held ? held.object.isDisposed : held.value.isDisposed;
  }

  /** Gives the reference up: a host value is let go once no guest has it. A reference to the same object stays good. */
  dispose(): void {
    this.#isReleased = true;
    if ("value" in this.#held) this.#held.value.dispose();
  }

  /** As {@linkcode ExternReference.dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](inspect: (value: unknown, options: unknown) => string, options: unknown): string {
    return this.isDisposed ? "ExternRef (released)" : `ExternRef { ${inspect(this.value, options)} }`;
  }
}

/** A class of external references, which has no constructor of its own. */
export type ExternReferenceClass = new (token: symbol, store: StoreState, held: Held) => ExternReference;

/**
 * The external reference to a value that is not null; one for each value that is an object of the heap.
 *
 * @throws {RefError} for a reference that cannot be used with the store.
 * @throws {Trap} when the heap is full.
 */
export function externReference(type: ExternReferenceClass, store: StoreState, given: unknown): ExternReference {
  const value = behindExtern(store, given);
  checkExternReference(store, value);
  const object = refStateOf(value) !== undefined ? value as HeapReference : undefined;
  const scalar = scalarOf(value);
  if (scalar !== undefined) return new type(MAKE, store, { scalar });
  const target = object ?? hostValueReference(store, value);
  let known = byObject.get(target);
  if (known === undefined || known.isDisposed) {
    known = new type(MAKE, store, object === undefined ? { value: target } : { object: target });
    byObject.set(target, known);
  }
  return known;
}
