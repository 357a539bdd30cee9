/**
 * Activations: a record and a guest stack, ready for one call at one nesting depth of a store.
 *
 * Calls of a store nest strictly while they are synchronous, so a store keeps its activations in an array indexed by depth, and a call takes
 * the next one by incrementing a counter. A record keeps what the last call at that depth wrote: calling the same function again writes
 * nothing. Stacks stay with their store, so they are cleared when a store ends, not between calls (STACK-3).
 *
 * ACT-A  `store.depth` counts the activations in use; `store.activations[depth - 1]` is the innermost.
 * ACT-B  An activation whose call ended by an exception is simply used again: a frozen guest stack needs no unwinding on this side.
 * ACT-C  While an activation has a target and no call is in flight, its guest stack pointer is the top of the stack: a call that is done
 *        leaves it there, so calling the same function again writes nothing. Once a call left the guest in the middle, for whatever
 *        reason, the target is forgotten, and aiming anew sets the pointer.
 * ACT-E  Between calls an activation is on its base stack: a call that ends any other way than by returning gives up the continuations that
 *        were running (`Continuations.abandon`).
 * ACT-D  An activation of a closed or poisoned store has no target: functions remember the activation they were called on last, and this is
 *        what keeps them from entering it.
 */

import { type ActivationRecord, loadAddress, RECORD, recordPool, type Stack, storeAddress } from "../host/mod.ts";
import { VMRecord } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import type { Pending } from "./parking.ts";
import { BusyError } from "./parked_calls.ts";
import type { StoreState } from "./store_state.ts";
import { GuestStack } from "./guest_stack.ts";

/** What an activation must know of a function to call it. */
export interface CallTarget {
  readonly store: StoreState;
  /** Address of the entry thunk of the function's type. */
  readonly entryThunk: number;
  /** Address that the thunk calls. */
  readonly callee: number;
  /** What r14 is at that call. */
  readonly vmctx: number;
  /** The activation that it was called on last. */
  lastActivation?: Activation | undefined;
}

const GUEST_SP = RECORD.guestSp >> 2;

/** A record with a stack: one call in flight, or none. */
export class Activation {
  readonly store: StoreState;
  /** Position in `store.activations` (ACT-A). */
  readonly depth: number;
  readonly record: ActivationRecord;
  /** The record's index, for `enter` and `resume`. */
  readonly index: number;
  /** The record's words. */
  readonly words: Int32Array<ArrayBuffer>;
  /** Whether somebody on this thread asked for an interruption (`requestInterrupt`). */
  isAsked = false;
  /** What its guest waits for, while it is parked for a promise. */
  pending: Pending | undefined = undefined;
  /** Whether it is at no depth, but takes the place of the outermost one for a turn (PARK-1). */
  readonly isDetached: boolean;
  /** What the record's code, callee and vmctx are set to. */
  target: CallTarget | undefined = undefined;
  readonly topLo: number;
  readonly topHi: number;
  /** The stack that the call started on. */
  readonly base: GuestStack;
  /** The stack that the guest is on: `base`, or that of the innermost continuation that runs. */
  current: GuestStack;
  /** The stacks that wait for the current one, outermost first (CONT-1): empty, or `base` and those of continuations. */
  readonly parents: GuestStack[] = [];

  /** @throws {LimitError} when the store may have no more stacks. @throws {HostError} when there is no record or stack left. */
  constructor(store: StoreState, depth: number | "detached") {
    this.store = store;
    this.isDetached = depth === "detached";
    this.depth = depth === "detached" ? 0 : depth;
    this.record = recordPool().acquire();
    let stack: Stack;
    try {
      stack = store.takeStack();
    } catch (error) {
      recordPool().release(this.record);
      throw error;
    }
    this.base = this.current = new GuestStack(stack);
    this.index = this.record.index;
    this.words = this.record.words;
    this.topLo = stack.top | 0;
    this.topHi = Math.floor(stack.top / 0x1_0000_0000);
    storeAddress(this.words, RECORD.stackLimit >> 2, stack.limit);
    storeAddress(this.words, RECORD.storeContext >> 2, store.storeContext.address);
    this.words[RECORD.interruptFlag >> 2] = 0;
    this.words[VMRecord.offsets.pollCountdown >> 2] = store.engine.stress.poll ?? 0;
  }

  /** Prepares the record for calls of `target`, with an empty stack. */
  aim(target: CallTarget): void {
    const { words } = this;
    if (this.store.isBusy(target.vmctx)) throw new BusyError(); // PARK-3
    this.name(target);
    words[GUEST_SP] = this.topLo;
    words[GUEST_SP + 1] = this.topHi;
    this.target = target;
  }

  /** The guest's stack pointer, parked on the current stack. */
  get sp(): number {
    return loadAddress(this.words, GUEST_SP);
  }

  /** Makes the activation go on with another of its stacks when it is resumed (CONT-4). */
  switchTo(stack: GuestStack, sp: number): void {
    this.current = stack;
    storeAddress(this.words, GUEST_SP, sp);
    storeAddress(this.words, RECORD.stackLimit >> 2, stack.stack.limit);
  }

  /** Aims the record at a function, without touching a stack. */
  name(target: CallTarget): void {
    const { words } = this;
    if (target.callee === 0) bug("a function without code is called");
    storeAddress(words, RECORD.code >> 2, target.entryThunk);
    storeAddress(words, RECORD.vmctx >> 2, target.vmctx);
    storeAddress(words, VMRecord.offsets.callee >> 2, target.callee);
  }
}
