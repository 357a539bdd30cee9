/**
 * A guest stack as the runtime looks at it: a native stack with its contents as words, and where it is parked.
 *
 * An activation runs on one, and on further ones while it has continuations running (continuations.ts). At any moment one stack of an
 * activation is current, and its stack pointer is in the record; the others are parked, and know theirs.
 *
 * VIEW-1  A view covers what was asked for and little more: V8 counts views as memory and collects the more often the more there are, and of
 *         thousands of stacks of 1 MiB most are a few frames deep (32,768 views of whole stacks took minutes).
 */

import { bug } from "../base/mod.ts";
import { aliasMemory, loadAddress, type Stack, STACK_GUARD_BYTES } from "../host/mod.ts";
import type { StackWords } from "./stack_maps.ts";

/** A page: the least that a stack in use has. */
const SMALLEST_VIEW_BYTES = 4096;

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
    this.#require(address);
    const { words, address: base } = this.view(address);
    return loadAddress(words, (address - base) >> 2);
  }

  /** The 64-bit word at a stack address, as its halves. */
  wordsAt(address: number): readonly [lo: number, hi: number] {
    this.#require(address);
    const { words, address: base } = this.view(address);
    const at = (address - base) >> 2;
    return [words[at], words[at + 1]];
  }

  #require(address: number): void {
    if (!this.onStack(address) && address !== this.stack.top - 8) bug("a walk left the guest stack");
  }

  /** The frame of the thunk or stub by which the guest left, when it left with this stack pointer. */
  frameOf(sp: number): number {
    return this.addressAt(sp + 8);
  }

  /** The stack from `lowest`, or below it, up to its top. */
  view(lowest: number): StackWords {
    const view = this.#view;
    return view !== undefined && lowest >= view.address ? view : this.#widen(lowest);
  }

  /** VIEW-1. */
  #widen(lowest: number): StackWords {
    const { low, top } = this.stack;
    const end = low + STACK_GUARD_BYTES;
    if (lowest < end) bug("the guard of a stack is viewed");
    let byteLength = SMALLEST_VIEW_BYTES;
    while (top - byteLength > lowest) byteLength *= 2;
    const address = Math.max(end, top - byteLength);
    // Safety: per HOST-3 (the view starts above the guard).
    this.#view = { words: new Int32Array(aliasMemory(address, top - address)), address };
    return this.#view;
  }
}
