/**
 * References as JavaScript sees them: objects of the heap that JavaScript keeps, each by one object of these classes.
 *
 * As long as such an object lives, what it refers to does (a handle that is a root). Disposing of it, best by `using`, gives the handle back at
 * once; V8's finalisation does so late, as a net for leaks. Two references to one object are one JavaScript object.
 *
 * REF-1  Nobody but this file makes them, and whether a value is one is told by a private field: nothing can pretend to be a reference.
 * REF-2  A reference is used only with the store it is of, and not after it was disposed of or the store closed.
 * REF-3  A handle that holds an object is one reference to it outside of the heap: taking it runs the collector's clone barrier, giving it back
 *        the drop barrier (SEEDS 1.9, 1.10). Reading where the object is, and moving it, run none: what they give is forgotten by the next
 *        collection (SEEDS 1.8, 1.11).
 */

import { GcKind } from "../../abi/mod.ts";
import { bug } from "../../base/mod.ts";
import { HEAP_CONT, HEAP_EXN, HEAP_EXTERN, HEAP_I31, type HeapType } from "../../wasm/mod.ts";
import type { StoreState } from "../store_state.ts";
import { Trap } from "../traps.ts";

/** Lets only this file construct references (REF-1). */
const MAKE = Symbol("make");

/** What finalisation needs to give a handle back. */
interface Held {
  readonly store: StoreState;
  readonly handle: number;
}

const leaks = new FinalizationRegistry<Held>(({ store, handle }) => {
  // The handle may have got another wrapper since: then that one lives.
  if (!store.isClosed && store.gc.handles.hasLostWrapper(handle)) free(store, handle);
});

function free(store: StoreState, handle: number): void {
  const { gc } = store;
  const reference = gc.handles.referenceOf(handle);
  if (gc.handles.unwrap(handle)) gc.setHandle(reference, 0);
  gc.collector.dropBarrier(reference);
}

/** What a reference refers to, and its store; internal to the runtime. */
export let refStateOf: (value: unknown) => { readonly store: StoreState; readonly handle: number } | undefined;

/** Where the object of a reference is until something is asked to collect. @throws {RefError} when it was given up. @throws {TypeError} */
export let usedReference: (value: unknown) => number;

/** The store of a reference. */
export let storeOfReference: (value: HeapReference) => StoreState;

/** What is wrong with a reference that is used: it was given up, is of another store or engine, or refers to something of another type. */
export type RefErrorCode = "released" | "foreign" | "wrong_type";

/** A reference was used that cannot be used there. */
export class RefError extends TypeError {
  /** `"RefError"`. */
  override readonly name: string = "RefError";
  /** What is wrong with it. */
  readonly code: RefErrorCode;

  /** Made by the runtime. */
  constructor(code: RefErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A reference to something in a store's heap; the API's classes extend it, one for each kind of object. */
export class HeapReference implements Disposable {
  readonly #store: StoreState;
  #handle: number;

  static {
    refStateOf = (value) =>
      typeof value === "object" && value !== null && #store in value
        ? { store: value.#store, handle: value.#handle }
        : undefined;
    usedReference = (value) => {
      if (!(typeof value === "object" && value !== null && #store in value)) {
        throw new TypeError("Expected a reference to an object of WebAssembly");
      }
      const store = value.#store;
      store.requireOpen();
      if (value.#handle === 0) throw new RefError("released", "The reference is disposed");
      return store.gc.handles.referenceOf(value.#handle);
    };
    storeOfReference = (value) => value.#store;
  }

  /** @internal */
  constructor(token: symbol, store: StoreState, reference: number) {
    if (token !== MAKE) throw new TypeError("References come from WebAssembly: they cannot be constructed");
    this.#store = store;
    const { gc } = store;
    const known = gc.handleOf(reference);
    const isHeld = gc.handles.isHeld(known);
    this.#handle = gc.handles.wrap(known, this, reference);
    if (known === 0) gc.setHandle(reference, this.#handle);
    if (!isHeld) gc.collector.cloneBarrier(reference);
    leaks.register(this, { store, handle: this.#handle }, this);
    store.rootScopes.at(-1)?.add(this);
  }

  /** Whether the reference was given up, or its store disposed of. */
  get isDisposed(): boolean {
    return this.#handle === 0 || this.#store.isClosed;
  }

  /** Gives the reference up: the object lives on only if the guest refers to it. */
  dispose(): void {
    if (this.#handle === 0) return;
    leaks.unregister(this);
    if (!this.#store.isClosed) free(this.#store, this.#handle);
    this.#handle = 0;
  }

  /** As {@linkcode HeapReference.dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The integer of an unboxed scalar, undefined for anything else: runs nothing of the user's, whatever it is given (AREA-1). */
let i31Of: (value: unknown) => number | undefined;

/** An unboxed scalar: a 31-bit integer where a reference stands. It belongs to no store. */
export class I31Ref {
  readonly #value: number;

  static {
    i31Of = (value) => typeof value === "object" && value !== null && #value in value ? value.#value : undefined;
  }

  /** Makes one; the value is taken modulo 2^31, as `ref.i31` does. */
  constructor(value: number) {
    this.#value = value << 1 >> 1;
  }

  /** The integer, signed: from -2^30 to 2^30 - 1. */
  get value(): number {
    return this.#value;
  }
}

/** A class of references, which has no constructor of its own. */
export type ReferenceClass = new (token: symbol, store: StoreState, reference: number) => HeapReference;

let classes: Partial<Record<number, ReferenceClass>> = {};

/** Sets the API's classes for references to each kind of object. */
export function setReferenceClasses(all: Record<"struct" | "array" | "exn" | "cont", ReferenceClass>): void {
  const { struct, array, exn, cont } = all;
  classes = { [GcKind.struct]: struct, [GcKind.array]: array, [GcKind.exn]: exn, [GcKind.cont]: cont };
}

/** The JavaScript value for a reference as bits: null, an I31Ref, a host value, or the one object that stands for it. */
export function fromReference(store: StoreState, bits: number): unknown {
  if (bits === 0) return null;
  if (bits & 1) return new I31Ref(bits >> 1);
  const { gc } = store;
  const reference = bits >>> 0;
  const handle = gc.handleOf(reference);
  const kind = gc.kindOf(reference);
  if (kind === GcKind.extern) return gc.handles.externOf(handle);
  const known = handle === 0 ? undefined : gc.handles.wrapperOf(handle);
  return known ?? new (classes[kind] ?? bug("a reference to an object of no kind"))(MAKE, store, reference);
}

/**
 * The reference to the extern object of a host value, by which JavaScript keeps it in the heap: one for each object.
 *
 * @throws {Trap} when the heap is full.
 */
export function hostValueReference(store: StoreState, value: unknown): HeapReference {
  const { gc } = store;
  gc.prepareExtern(value);
  using _ = gc.holdReferences();
  const reference = gc.externOf(value);
  if (reference === 0) throw new Trap("gc_heap_exhausted");
  const known = gc.handles.wrapperOf(gc.handleOf(reference));
  return known as HeapReference | undefined ?? new HeapReference(MAKE, store, reference);
}

/** The host value behind a reference of {@linkcode hostValueReference}. @throws {RefError} when it was given up. */
export function hostValueOf(value: HeapReference): unknown {
  const reference = usedReference(value);
  const { gc } = storeOfReference(value);
  return gc.handles.externOf(gc.handleOf(reference));
}

/** As {@linkcode fromReference} for external references, where an unboxed scalar is the number (JS API, ToJSValue). */
export function fromExternReference(store: StoreState, bits: number): unknown {
  return bits & 1 ? bits >> 1 : fromReference(store, bits);
}

/** Whether a JavaScript value is an unboxed scalar where a reference is wanted (JS API, ToWebAssemblyValue). */
function isI31(value: unknown): value is number {
  return typeof value === "number" && value << 1 >> 1 === value && !Object.is(value, -0);
}

/** The integer of a JavaScript value that is an unboxed scalar as a reference, undefined for anything else. */
export function scalarOf(value: unknown): number | undefined {
  return isI31(value) ? value : i31Of(value);
}

/** The handle of a reference object that can be used with `store`. @throws {RefError} (REF-2) */
function usableHandle(store: StoreState, state: { readonly store: StoreState; readonly handle: number }): number {
  store.requireOpen();
  if (state.store !== store) throw new RefError("foreign", "The reference belongs to another store");
  if (state.handle === 0) throw new RefError("released", "The reference is disposed");
  return state.handle;
}

/**
 * Checks that a JavaScript value may become a reference of heap type `heap` (canonical) other than null. Allocates and collects nothing; {@linkcode toReference}
 * makes the reference.
 *
 * @throws {TypeError}
 */
export function checkReference(store: StoreState, heap: HeapType, value: unknown): void {
  const { registry } = store.engine;
  let actual: HeapType;
  const state = refStateOf(value);
  if (state !== undefined) actual = dynamicHeapType(store, store.gc.handles.referenceOf(usableHandle(store, state)));
  else if (scalarOf(value) !== undefined) actual = HEAP_I31;
  else {
    // A host value is of the top type only.
    if (registry.topOf(heap) === heap && heap !== HEAP_EXN) return;
    throw new RefError("wrong_type", "The value is not a reference of the type that is asked for");
  }
  if (!registry.isHeapSubtype(actual, heap)) {
    throw new RefError("wrong_type", "The reference is to something of another type than is asked for");
  }
}

/** Checks that a JavaScript value may become an external reference: only references of other stores and disposed ones may not. @throws {TypeError} */
export function checkExternReference(store: StoreState, value: unknown): void {
  const state = refStateOf(value);
  if (state !== undefined) usableHandle(store, state);
}

/** The reference of a checked value as bits. Does not collect; undefined when the heap is full. @throws {TypeError} (REF-2) */
export function toReference(store: StoreState, value: unknown): number | undefined {
  if (value === null) return 0;
  const scalar = scalarOf(value);
  if (scalar !== undefined) return scalar << 1 | 1;
  const state = refStateOf(value);
  if (state !== undefined) return store.gc.handles.referenceOf(usableHandle(store, state));
  return store.gc.externOf(value) || undefined;
}

/** The most exact heap type of an object that is known. */
export function dynamicHeapType(store: StoreState, reference: number): HeapType {
  const { gc } = store;
  switch (gc.kindOf(reference)) {
    case GcKind.exn:
      return HEAP_EXN;
    case GcKind.extern:
      return HEAP_EXTERN;
    case GcKind.cont:
      // Of a continuation that a suspension made no more is known, until somebody has seen it where its type is (CONT-D).
      return gc.typeIdOf(reference) === 0 ? HEAP_CONT : gc.typeIdOf(reference);
    default:
      return gc.typeIdOf(reference);
  }
}

/**
 * The reference to a continuation that lies where heap type `heap` (canonical) is: what is known of its type is noted, since a suspension does
 * not know it.
 */
export function continuationReference(store: StoreState, bits: number, heap: HeapType): unknown {
  if (bits === 0) return null;
  const { gc } = store;
  const reference = bits >>> 0;
  if (heap >= 0 && store.engine.registry.isHeapSubtype(heap, dynamicHeapType(store, reference))) {
    gc.nameCont(reference, heap);
  }
  return fromReference(store, bits);
}

/** The bits of a JavaScript value where a continuation of heap type `heap` is asked for. @throws {TypeError} */
export function checkContinuation(store: StoreState, heap: HeapType, value: unknown): void {
  const state = refStateOf(value);
  if (state === undefined) throw new RefError("wrong_type", "Expected a reference to a continuation, or null");
  const actual = dynamicHeapType(store, store.gc.handles.referenceOf(usableHandle(store, state)));
  if (!store.engine.registry.isHeapSubtype(actual, heap)) {
    throw new RefError(
      "wrong_type",
      "The reference is not known to be to a continuation of the type that is asked for",
    );
  }
}
