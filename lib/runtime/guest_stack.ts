/**
 * A guest stack as the runtime looks at it: a native stack with its contents as words, and where it is parked.
 *
 * An activation runs on one, and on further ones while it has continuations running (continuations.ts). At any moment one stack of an
 * activation is current, and its stack pointer is in the record; the others are parked, and know theirs.
 */

import { bug } from "../base/mod.ts";
import { aliasMemory, loadAddress, type Stack, STACK_GUARD_BYTES } from "../host/mod.ts";
import type { StackWords } from "./stack_maps.ts";

/** A stack with frames on it, or none. */
export class GuestStack {
  readonly stack: Stack;
  /** The guest's stack pointer, while the stack is parked and not current. */
  parkedSp = 0;
  #view: StackWords | undefined;

  constructor(stack: Stack) {
    this.stack = stack;
  }

  /** Whether an 8-byte word pair at `address` is on this stack. */
  onStack(address: number): boolean {
    return address >= this.stack.low + STACK_GUARD_BYTES && address <= this.stack.top - 16 && address % 8 === 0;
  }

  /** The 64-bit word at a stack address, as a number. */
  addressAt(address: number): number {
    if (!this.onStack(address) && address !== this.stack.top - 8) bug("a walk left the guest stack");
    const { words, address: base } = this.view();
    return loadAddress(words, (address - base) >> 2);
  }

  /** The frame of the thunk or stub by which the guest left, when it left with this stack pointer. */
  frameOf(sp: number): number {
    return this.addressAt(sp + 8);
  }

  /** The whole stack above its guard. */
  view(): StackWords {
    const base = this.stack.low + STACK_GUARD_BYTES;
    // Safety: per HOST-3 (the view starts above the guard). One stack's view, not its slab's: views count as external memory.
    return this.#view ??= {
      words: new Int32Array(aliasMemory(base, this.stack.top - base)),
      address: base,
    };
  }
}
