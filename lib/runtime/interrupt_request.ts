/**
 * Interruption from outside: a word that any isolate can set, and the records that the store's guests run on.
 *
 * A store's thread looks at the word while it waits. A guest that computes looks at its record's flag only, so whoever sets the word raises
 * the flags of all records of the store as well. That needs no agreement about which of them runs: a flag is a hint (POLL-2), and the
 * word says what it is about. Records are named by their number in the process's table, which is mapped for ever: whatever the list
 * says, nothing else is written to.
 *
 * INT-1  A request ends one call: who acts on it takes it back.
 * INT-2  A record is listed before its guest is entered, and the word is looked at after that: either the list is seen or the word is.
 * INT-3  A store that closes empties its list: a handle may outlive the store and does nothing then.
 */

import { raiseInterruptFlag } from "../host/mod.ts";

/** What is posted to another isolate. */
export interface PostedInterrupt {
  /** The request, 1 while an interruption is asked for; then by nesting depth the number of the store's record there plus 1. */
  readonly request: SharedArrayBuffer;
}

/** Size of what is posted: calls nest less deeply than there is room for, since each takes more than 200 bytes of the host's stack. */
export const INTERRUPT_BYTES = 16384;
const COUNT = 1, FIRST = 2;
const CAPACITY = INTERRUPT_BYTES / 4 - FIRST;

/** A store's interruption word. */
export class InterruptState {
  readonly request: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(request: SharedArrayBuffer = new SharedArrayBuffer(INTERRUPT_BYTES)) {
    this.request = request;
    this.#words = new Int32Array(request);
  }

  /** Asks for an interruption. @throws {HostError} when this isolate may not reach the records. */
  ask(): void {
    const words = this.#words;
    Atomics.store(words, 0, 1);
    const count = Math.min(Atomics.load(words, COUNT), CAPACITY);
    for (let i = 0; i < count; i++) raiseInterruptFlag(Atomics.load(words, FIRST + i) - 1);
  }

  /** Whether one was asked for. */
  get isAsked(): boolean {
    return Atomics.load(this.#words, 0) !== 0;
  }

  /** Whether one was asked for; takes the request back (INT-1). */
  take(): boolean {
    return this.isAsked && Atomics.exchange(this.#words, 0, 0) !== 0;
  }

  /** Lists the record of a nesting depth (INT-2). */
  list(depth: number, recordIndex: number): void {
    if (depth >= CAPACITY) return;
    const words = this.#words;
    Atomics.store(words, FIRST + depth, recordIndex + 1);
    if (depth >= words[COUNT]) Atomics.store(words, COUNT, depth + 1);
    if (this.isAsked) raiseInterruptFlag(recordIndex);
  }

  /** The store is closed (INT-3). */
  close(): void {
    Atomics.store(this.#words, COUNT, 0);
  }
}
