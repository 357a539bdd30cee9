/**
 * Handles: where objects of the heap and values of JavaScript know each other.
 *
 * An object's header has room for one handle, an index into this table. Two kinds of objects have one:
 *  - an *extern* object stands for a JavaScript value in the heap. Its handle holds the value, and names the object weakly: when nothing in the
 *    guest refers to the object any more, the collector's weak processing frees the handle, and the value is JavaScript's alone again. One value
 *    has one object as long as that lives.
 *  - any other object that JavaScript sees has a handle that is a *root*, and belongs to the one JavaScript object that stands for it, so that
 *    `===` works and survives moving (GC-2). It is freed when that is disposed of, or was garbage for V8.
 * JavaScript may have a reference to an extern object as well. Then the extern object is *pinned*: a root as long as that reference lives; the
 * handle stays the value's.
 *
 * HANDLE-1  Entry `i` is in use exactly when the object at `refs[i]` has handle `i` in its header.
 * HANDLE-2  Freed indices are used again; nothing but headers, and the wrappers that own them, knows indices.
 * HANDLE-3  A handle counts (USAGE-1) from when it is taken until it is free.
 */

import { GC_HANDLE_MASK } from "../../abi/mod.ts";
import { bug, growInt32, growUint8 } from "../../base/mod.ts";
import { Resource, type StoreUsage } from "../usage.ts";
import type { RootVisitor } from "./collector.ts";

const FREE = 0;
const EXTERN = 1;
const OBJECT = 2;

/** The handles of one store. */
export class HandleTable {
  /** By handle: the value, or a WeakRef to the wrapper. Index 0 is no handle. */
  readonly #values: unknown[] = [undefined];
  #refs = new Int32Array(64);
  #kinds = new Uint8Array(64);
  readonly #free: number[] = [];
  readonly #byValue = new Map<unknown, number>();
  /** Wrappers of extern objects by handle: those that are pinned. */
  readonly #pins = new Map<number, WeakRef<object>>();
  /** Map keys do not tell -0 from 0. */
  #negativeZero = 0;
  #count = 0;
  readonly #usage: StoreUsage;

  constructor(usage: StoreUsage) {
    this.#usage = usage;
  }

  /** Handles in use. */
  get count(): number {
    return this.#count;
  }

  /** Whether there is room for no further handle. */
  get isFull(): boolean {
    return !this.#usage.allows(Resource.handles, 1);
  }

  /** @throws {LimitError} when there is room for no further handle. */
  requireRoom(): void {
    const refusal = this.#usage.refusal(Resource.handles, 1);
    if (refusal !== undefined) throw refusal;
  }

  /** The reference to the object that stands for a value, 0 if there is none. */
  findExtern(value: unknown): number {
    const handle = Object.is(value, -0) ? this.#negativeZero : this.#byValue.get(value) ?? 0;
    return handle === 0 ? 0 : this.#refs[handle] >>> 0;
  }

  /** Makes the handle of a new extern object, which the caller writes into the object's header. */
  addExtern(value: unknown, reference: number): number {
    const handle = this.#take(EXTERN, value, reference);
    if (Object.is(value, -0)) this.#negativeZero = handle;
    else this.#byValue.set(value, handle);
    return handle;
  }

  /** The value of an extern object's handle. */
  externOf(handle: number): unknown {
    if (this.#kinds[handle] !== EXTERN) bug(`no host value has handle ${handle}`);
    return this.#values[handle];
  }

  /**
   * Gives `wrapper` the handle of an object that JavaScript sees; a root. `known` is the one in the object's header, whose wrapper was garbage
   * for V8, or of an extern object, which is pinned, or 0. The caller writes the handle into the header.
   */
  wrap(known: number, wrapper: object, reference: number): number {
    const weak = new WeakRef(wrapper);
    if (known === 0) return this.#take(OBJECT, weak, reference);
    if (this.#kinds[known] === EXTERN) {
      this.#pins.set(known, weak);
      return known;
    }
    if (this.#kinds[known] !== OBJECT) bug(`no object has handle ${known}`);
    this.#values[known] = weak;
    return known;
  }

  /** Whether JavaScript has a reference by the handle, or had one that V8 has collected and nobody has given up yet. */
  isHeld(handle: number): boolean {
    return this.#kinds[handle] === OBJECT || this.#pins.has(handle);
  }

  /** Whether a handle still belongs to a wrapper that V8 has collected. */
  hasLostWrapper(handle: number): boolean {
    const weak = this.#kinds[handle] === EXTERN
      ? this.#pins.get(handle)
      : this.#kinds[handle] === OBJECT
      ? this.#values[handle] as WeakRef<object>
      : undefined;
    return weak !== undefined && weak.deref() === undefined;
  }

  /** The JavaScript object that a handle belongs to, unless V8 has collected it. */
  wrapperOf(handle: number): object | undefined {
    if (this.#kinds[handle] === EXTERN) return this.#pins.get(handle)?.deref();
    if (this.#kinds[handle] !== OBJECT) bug(`no object has handle ${handle}`);
    return (this.#values[handle] as WeakRef<object>).deref();
  }

  /** Where the object of a handle is. */
  referenceOf(handle: number): number {
    if (this.#kinds[handle] === FREE) bug(`handle ${handle} is free`);
    return this.#refs[handle] >>> 0;
  }

  /** Takes the handle of a wrapper back; whether it is free: that of an extern object stays, and its header with it. */
  unwrap(handle: number): boolean {
    if (this.#kinds[handle] === EXTERN) {
      if (!this.#pins.delete(handle)) bug(`nobody has a reference to the host value of handle ${handle}`);
      return false;
    }
    if (this.#kinds[handle] !== OBJECT) bug(`no object has handle ${handle}`);
    this.#release(handle);
    return true;
  }

  /** Calls `visit` with each handle in use and where its object is. */
  forEach(visit: (handle: number, reference: number) => void): void {
    for (let handle = 1; handle < this.#values.length; handle++) {
      if (this.#kinds[handle] !== FREE) visit(handle, this.#refs[handle] >>> 0);
    }
  }

  /** Shows the roots among the handles. */
  visitRoots(visitor: RootVisitor): void {
    for (let handle = 1; handle < this.#values.length; handle++) {
      if (this.#kinds[handle] === OBJECT) visitor.visit(this.#refs, handle);
    }
    for (const handle of this.#pins.keys()) visitor.visit(this.#refs, handle);
  }

  /** Follows extern objects to where they are now, and frees the handles of those that died. */
  visitWeak(moved: (reference: number) => number): void {
    for (let handle = 1; handle < this.#values.length; handle++) {
      if (this.#kinds[handle] !== EXTERN) continue;
      if (this.#pins.has(handle)) continue; // a root, which was followed
      const reference = moved(this.#refs[handle]);
      if (reference !== 0) {
        this.#refs[handle] = reference;
        continue;
      }
      this.freeExtern(handle);
    }
  }

  /** Frees the handle of an extern object that died. */
  freeExtern(handle: number): void {
    if (this.#kinds[handle] !== EXTERN) bug(`no host value has handle ${handle}`);
    const value = this.#values[handle];
    if (Object.is(value, -0)) this.#negativeZero = 0;
    else this.#byValue.delete(value);
    this.#release(handle);
  }

  /** Forgets everything. */
  clear(): void {
    this.#usage.give(Resource.handles, this.#count);
    this.#values.length = 1;
    this.#kinds.fill(FREE);
    this.#free.length = 0;
    this.#byValue.clear();
    this.#pins.clear();
    this.#negativeZero = 0;
    this.#count = 0;
  }

  #take(kind: number, value: unknown, reference: number): number {
    if (this.#free.length === 0 && this.#values.length > GC_HANDLE_MASK) {
      throw new RangeError(`A store has at most ${GC_HANDLE_MASK} handles`);
    }
    this.#usage.require(Resource.handles, 1);
    let handle = this.#free.pop();
    if (handle === undefined) {
      handle = this.#values.length;
      this.#values.push(value);
      this.#refs = growInt32(this.#refs, handle + 1);
      this.#kinds = growUint8(this.#kinds, handle + 1);
    } else this.#values[handle] = value;
    this.#kinds[handle] = kind;
    this.#refs[handle] = reference;
    this.#count++;
    return handle;
  }

  #release(handle: number): void {
    this.#kinds[handle] = FREE;
    this.#values[handle] = undefined;
    this.#free.push(handle);
    this.#count--;
    this.#usage.give(Resource.handles, 1);
  }
}
