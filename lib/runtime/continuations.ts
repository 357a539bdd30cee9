/**
 * Continuations: stacks that a guest makes, runs, leaves in the middle and takes up again (the stack switching proposal).
 *
 * A guest that switches leaves for a runtime call, so all stacks are frozen memory here, and switching is choosing on which of them the
 * activation is resumed: a stack pointer and a stack limit in the record. What runs is a chain (CONT-1):
 *
 * ```
 * Activation.parents   base | outer continuation | ...     each waits in the call of its `resume`
 * Activation.current   the stack that the guest is on
 * ```
 * `resume` puts the continuation's stacks on the chain; `suspend` looks from the inside out for a waiting call with a clause for its tag
 * (unwind.ts), takes the stacks above that one off the chain, makes a continuation of them, and lands at the clause's pad; `switch` does both.
 * A new continuation has no stack until it is first resumed, and gives it back when its function has returned, by way of a stub on the
 * stack's bottom (CONT-5).
 *
 * In the guest a continuation is a heap object that holds the number of its entry in this store's table, or 0 once it was consumed: resuming,
 * binding and throwing into it take the entry, so a continuation is one-shot (CONT-2). The entry names no object, so the collector asks
 * here for what the continuation holds when it reaches the object, and tells which it has not reached: their stacks are free again.
 *
 * Values travel in the value area: from the code that resumes into the code that is resumed, untouched but for values bound in advance, which
 * come first.
 *
 * CONT-A  References are in the value area only between a runtime call's begin and `resume`; where an object has to be made meanwhile, the
 *         area and the references in hand are roots for the time of that (`#makeRoom`).
 * CONT-B  An entry belongs to one object at a time. Numbers are used again, which nothing can notice: whoever took the entry has cleared the
 *         number in the object.
 * CONT-C  Continuations belong to a store and its thread, and never reach across an activation: a host function between a suspension and its
 *         handler is a barrier (CONT-3).
 * CONT-D  The type word of a suspended continuation has type id 0: which type a clause's label asks for is not known here. The proposal has no
 *         casts of continuations, and they do not leave the guest as values of calls and globals, so no code reads it. JavaScript moves
 *         continuations between tables: the type of the element where it first sees one becomes that of the object (refs.ts).
 */

import { HandlerKind, VMRecord } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import { continuationStub, type Stack, storeAddress } from "../host/mod.ts";
import { contTypeAt, heapType } from "../wasm/mod.ts";
import type { Activation } from "./activation.ts";
import type { FuncState } from "./func_ref.ts";
import type { RootSource, RootVisitor } from "./gc/collector.ts";
import type { GcHeap } from "./gc/heap.ts";
import { GuestStack } from "./guest_stack.ts";
import type { InstanceState } from "./instance.ts";
import { port } from "./port.ts";
import { type Signature, ValueKind } from "./signature.ts";
import type { StoreState } from "./store_state.ts";
import type { TagState } from "./tag.ts";
import { trapInCall } from "./traps.ts";
import { LimitError, Resource } from "./usage.ts";
import { findSuspension, landOnCurrent, throwFromArea, throwReference } from "./unwind.ts";

const PAD_REF = VMRecord.offsets.padRef >> 2;
/** Bytes of a continuation object. */
const OBJECT_BYTES = 16;
/** Int32 words of a slot of the value area. */
const SLOT_WORDS = 4;
/** Stacks of one store at a time: what address space and memory allow on any machine. */
const MAXIMUM_STACKS = 32_768;
/** Stacks that nobody uses are kept up to this number. */
const KEPT_STACKS = 64;
const NO_KINDS = new Uint8Array(0);

/** Whether a value of the kind is a reference into the heap. */
function isHeapReference(kind: number): boolean {
  return kind >= ValueKind.extern;
}

/** A continuation that nobody has consumed: not begun, or suspended. */
interface Continuation {
  /** What it begins with; undefined once it has begun. */
  readonly func: FuncState | undefined;
  /** Its stacks, outermost first, each with its stack pointer; none before it has begun. */
  readonly stacks: readonly GuestStack[];
  /** Values bound in advance, as slots, and their kinds. */
  readonly bound: Int32Array<ArrayBuffer>;
  readonly boundKinds: Uint8Array;
  /** Whether the collection that is going on has reached it. */
  isReached: boolean;
}

const NOTHING_BOUND = { bound: new Int32Array(0), boundKinds: NO_KINDS } as const;

/** The continuations of one store. */
export class Continuations implements RootSource {
  readonly #store: StoreState;
  /** By number; 0 is none. */
  readonly #entries: (Continuation | undefined)[] = [undefined];
  readonly #freeNumbers: number[] = [];
  readonly #freeStacks: GuestStack[] = [];
  /** All stacks taken from the pool; the store gives back those that are left. */
  readonly #taken: Set<Stack>;
  // What `#makeRoom` holds while it collects (CONT-A).
  readonly #held = new Int32Array(1);
  #areaKinds: Uint8Array = NO_KINDS;
  /** Shows the references on a suspended stack. */
  readonly #visitStack: (stack: GuestStack, sp: number, visitor: RootVisitor) => void;

  constructor(
    store: StoreState,
    taken: Set<Stack>,
    visitStack: (stack: GuestStack, sp: number, visitor: RootVisitor) => void,
  ) {
    this.#store = store;
    this.#taken = taken;
    this.#visitStack = visitStack;
  }

  /** Continuations that may still be resumed. */
  get count(): number {
    return this.#entries.length - 1 - this.#freeNumbers.length;
  }

  /** Stacks in use, or kept for the next continuation. */
  get stackCount(): number {
    return this.#taken.size;
  }

  // ---- The instructions. Each is given the activation that left for it, and the instance whose code did. ----

  /** `cont.new`: the object. @throws {Trap} */
  create(activation: Activation, instance: InstanceState, typeIndex: number, funcAddress: number): number {
    if (funcAddress === 0) throw trapInCall(activation, "null_function_reference");
    const func = this.#store.funcAt(funcAddress);
    this.#makeRoom(NO_KINDS, 0);
    return this.#add(activation, instance.state.typeIds[typeIndex], {
      func,
      stacks: [],
      ...NOTHING_BOUND,
      isReached: false,
    });
  }

  /** `cont.bind`: a continuation of another type, with the first values bound. @throws {Trap} */
  bind(activation: Activation, instance: InstanceState, from: number, to: number, reference: number): number {
    const given = signatureOf(instance, from).params;
    const kinds = given.subarray(0, given.length - signatureOf(instance, to).params.length);
    this.#entryOf(activation, reference);
    const continuation = this.#take(activation, this.#makeRoom(kinds, reference));
    const bound = new Int32Array(continuation.bound.length + kinds.length * SLOT_WORDS);
    bound.set(continuation.bound);
    bound.set(port().i32.subarray(0, kinds.length * SLOT_WORDS), continuation.bound.length);
    const boundKinds = Uint8Array.of(...continuation.boundKinds, ...kinds);
    return this.#add(activation, instance.state.typeIds[to], { ...continuation, bound, boundKinds });
  }

  /** `resume`. @throws {Trap} */
  resume(activation: Activation, instance: InstanceState, typeIndex: number, reference: number): void {
    const { params } = signatureOf(instance, typeIndex);
    this.#enter(activation, this.#take(activation, this.#makeStack(params, reference)), params.length);
  }

  /** `resume_throw`: the payload is in the area. @throws {Trap} @throws {ExceptionBase} when nobody in the activation catches it. */
  resumeThrow(activation: Activation, tag: TagState, reference: number): void {
    this.#enterToThrow(activation, this.#take(activation, reference));
    throwFromArea(activation, tag);
  }

  /** `resume_throw_ref`. @throws {Trap} @throws {ExceptionBase} when nobody in the activation catches it. */
  resumeThrowRef(activation: Activation, exception: number, reference: number): void {
    this.#entryOf(activation, reference);
    if (exception === 0) throw trapInCall(activation, "null_exception_reference");
    this.#enterToThrow(activation, this.#take(activation, reference));
    throwReference(activation, exception);
  }

  /** `suspend`: the payload is in the area. @throws {Trap} */
  suspend(activation: Activation, tag: TagState): void {
    const landing = findSuspension(activation, HandlerKind.suspend, tag);
    if (landing === undefined) throw trapInCall(activation, "unhandled_tag");
    this.#makeRoom(tag.signature.params, 0);
    const object = this.#add(activation, 0, this.#detach(activation, landing.depth));
    activation.words[PAD_REF] = object;
    landOnCurrent(activation, landing);
  }

  /** `switch`: the values are in the area; this stack's continuation is added to them. @throws {Trap} */
  switch(
    activation: Activation,
    instance: InstanceState,
    typeIndex: number,
    tag: TagState,
    reference: number,
  ): void {
    this.#entryOf(activation, reference);
    const landing = findSuspension(activation, HandlerKind.switch, tag);
    if (landing === undefined) throw trapInCall(activation, "unhandled_tag");
    const { params, paramTypes } = signatureOf(instance, typeIndex);
    const count = params.length - 1;
    const kinds = params.subarray(0, count);
    const target = this.#take(activation, this.#makeStack(kinds, this.#makeRoom(kinds, reference)));
    const left = this.#add(
      activation,
      Math.max(0, heapType(paramTypes[count])),
      this.#detach(activation, landing.depth),
    );
    port().i32.fill(0, SLOT_WORDS * count, SLOT_WORDS * (count + 1))[SLOT_WORDS * count] = left;
    this.#enter(activation, target, count + 1);
  }

  /** The function of the innermost continuation has returned: its results are in the area, for the call that resumed it. */
  finish(activation: Activation): void {
    const { parents } = activation;
    if (parents.length === 0) bug("a continuation ends that nobody resumed");
    this.unwindTo(activation, parents.length - 1);
  }

  /** Ends the continuations above one of the stacks that wait, which goes on. */
  unwindTo(activation: Activation, depth: number): void {
    const { parents } = activation;
    this.#giveBack(activation.current);
    for (let i = parents.length - 1; i > depth; i--) this.#giveBack(parents[i]);
    const stack = parents[depth];
    parents.length = depth;
    activation.switchTo(stack, stack.parkedSp);
  }

  /** Ends what runs on an activation whose call has ended by an error (ACT-E). */
  abandon(activation: Activation): void {
    if (activation.parents.length > 0) this.unwindTo(activation, 0);
  }

  // ---- For the collector. ----

  /** Shows what is held while room is made. */
  visitRoots(visitor: RootVisitor): void {
    visitor.visit(this.#held, 0);
    visitSlots(visitor, port().i32, this.#areaKinds);
  }

  /** The collector has reached the object with this number: shows what the continuation holds. */
  reach(number: number, visitor: RootVisitor): void {
    if (number === 0) return;
    const continuation = this.#entries[number] ?? bug(`no continuation has number ${number}`);
    if (continuation.isReached) return;
    continuation.isReached = true;
    visitSlots(visitor, continuation.bound, continuation.boundKinds);
    for (const stack of continuation.stacks) this.#visitStack(stack, stack.parkedSp, visitor);
  }

  /** The collector has found that the object with this number, which it had reached, is garbage. */
  died(number: number): void {
    const continuation = this.#entries[number] ?? bug(`no continuation has number ${number}`);
    this.#remove(number);
    this.#end(continuation);
  }

  /** The collector has reached everything it will: the others' stacks are free. */
  sweep(): void {
    for (let number = 1; number < this.#entries.length; number++) {
      const continuation = this.#entries[number];
      if (continuation === undefined) continue;
      if (continuation.isReached) continuation.isReached = false;
      else {
        this.#remove(number);
        this.#end(continuation);
      }
    }
  }

  // ---- Entries. ----

  /** Makes the object of a continuation. @throws {Trap} when the heap is full: the continuation is lost. */
  #add(activation: Activation, typeId: number, continuation: Continuation): number {
    const number = this.#freeNumbers.pop() ?? this.#entries.length;
    const object = this.#gc.newCont(typeId, number);
    if (object === 0) {
      if (number < this.#entries.length) this.#freeNumbers.push(number);
      this.#end(continuation);
      throw trapInCall(activation, "gc_heap_exhausted");
    }
    this.#entries[number] = continuation;
    return object;
  }

  get #gc(): GcHeap {
    return this.#store.gc;
  }

  /** The entry of an object that may be null or consumed. @throws {Trap} */
  #entryOf(activation: Activation, reference: number): Continuation {
    if (reference === 0) throw trapInCall(activation, "null_continuation_reference");
    const number = this.#gc.contNumber(reference);
    if (number === 0) throw trapInCall(activation, "continuation_consumed");
    return this.#entries[number] ?? bug(`no continuation has number ${number}`);
  }

  /** Consumes a continuation (CONT-B). @throws {Trap} */
  #take(activation: Activation, reference: number): Continuation {
    const continuation = this.#entryOf(activation, reference);
    this.#remove(this.#gc.contNumber(reference));
    this.#gc.consumeCont(reference);
    return continuation;
  }

  #remove(number: number): void {
    this.#entries[number] = undefined;
    this.#freeNumbers.push(number);
  }

  /** Gives back what a continuation has that will not be resumed. */
  #end({ stacks }: Continuation): void {
    for (const stack of stacks) this.#giveBack(stack);
  }

  /**
   * Makes sure that the object of one more continuation has room; may collect, with the values of these kinds in the area and a reference as
   * roots (CONT-A). Returns where the object of that reference is now.
   */
  #makeRoom(areaKinds: Uint8Array, reference: number): number {
    return this.#holding(areaKinds, reference, () => this.#gc.prepare(OBJECT_BYTES));
  }

  /** As {@linkcode #makeRoom}, for a stack: those of continuations that nobody can resume come back by a collection. */
  #makeStack(areaKinds: Uint8Array, reference: number): number {
    if (this.#freeStacks.length > 0 || this.#mayTakeStack()) return reference;
    return this.#holding(areaKinds, reference, () => this.#gc.collect());
  }

  #holding(areaKinds: Uint8Array, reference: number, collect: () => void): number {
    this.#areaKinds = areaKinds;
    this.#held[0] = reference;
    try {
      collect();
      return this.#held[0] >>> 0;
    } finally {
      this.#areaKinds = NO_KINDS;
      this.#held[0] = 0;
    }
  }

  // ---- Stacks. ----

  /** Puts a continuation on the chain; `count` values for it are in the area. @throws {Trap} when there is no stack for it. */
  #enter(activation: Activation, continuation: Continuation, count: number): void {
    const { func, stacks, bound } = continuation;
    const stack = func === undefined ? undefined : this.#fresh(activation);
    if (bound.length > 0) {
      const { i32 } = port();
      i32.copyWithin(bound.length, 0, SLOT_WORDS * count);
      i32.set(bound);
    }
    if (stack === undefined) this.#attach(activation, stacks);
    else {
      func!.referenceAddress();
      activation.name(func!);
      this.#attach(activation, [stack]);
    }
  }

  /** Puts a continuation on the chain that goes on with an exception; one that has not begun is over. */
  #enterToThrow(activation: Activation, { func, stacks }: Continuation): void {
    if (func === undefined) this.#attach(activation, stacks);
  }

  #attach(activation: Activation, stacks: readonly GuestStack[]): void {
    const { parents, current, sp } = activation;
    current.parkedSp = sp;
    parents.push(current);
    for (let i = 0; i < stacks.length - 1; i++) parents.push(stacks[i]);
    const innermost = stacks[stacks.length - 1];
    activation.switchTo(innermost, innermost.parkedSp);
  }

  /** Takes the stacks above one of those that wait off the chain, as a continuation; that one is current again. */
  #detach(activation: Activation, depth: number): Continuation {
    const { parents, current, sp } = activation;
    current.parkedSp = sp;
    const stacks = [...parents.slice(depth + 1), current];
    const waiting = parents[depth];
    parents.length = depth;
    activation.switchTo(waiting, waiting.parkedSp);
    return { func: undefined, stacks, ...NOTHING_BOUND, isReached: false };
  }

  /** A stack that is resumed at the entry of what the record names. @throws {Trap} when the store has too many. */
  #fresh(activation: Activation): GuestStack {
    const stack = this.#freeStacks.pop() ?? this.#acquire(activation);
    stack.parkedSp = stack.stack.top - 8;
    const { words, address } = stack.view(stack.parkedSp);
    storeAddress(words, (stack.parkedSp - address) >> 2, continuationStub());
    return stack;
  }

  #acquire(activation: Activation): GuestStack {
    if (this.#taken.size >= MAXIMUM_STACKS) throw trapInCall(activation, "stack_overflow");
    let stack: Stack;
    try {
      stack = this.#store.takeStack();
    } catch (error) {
      if (error instanceof LimitError) throw trapInCall(activation, "stack_overflow", error.message);
      throw error;
    }
    this.#taken.add(stack);
    return new GuestStack(stack);
  }

  #mayTakeStack(): boolean {
    const { usage, limits } = this.#store;
    return this.#taken.size < MAXIMUM_STACKS && usage.allows(Resource.totalStackBytes, limits.stackBytes);
  }

  #giveBack(stack: GuestStack): void {
    if (this.#freeStacks.length < KEPT_STACKS) {
      this.#freeStacks.push(stack);
      return;
    }
    this.#taken.delete(stack.stack);
    this.#store.giveStack(stack.stack);
  }
}

/** The signature of a continuation type's function. */
function signatureOf({ state, store }: InstanceState, contType: number): Signature {
  return store.engine.signature(state.typeIds[contTypeAt(state.module, contType).func]);
}

function visitSlots(visitor: RootVisitor, words: Int32Array, kinds: Uint8Array): void {
  for (let slot = 0; slot < kinds.length; slot++) {
    if (isHeapReference(kinds[slot])) visitor.visit(words, SLOT_WORDS * slot);
  }
}
