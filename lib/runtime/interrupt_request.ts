/**
 * Interruption from outside: a word that any isolate can set, and that a store's thread looks at while it waits.
 *
 * INT-1  A request ends one call: who acts on it takes it back.
 */

/** What is posted to another isolate. */
export interface PostedInterrupt {
  /** One word: 1 while an interruption is asked for. */
  readonly request: SharedArrayBuffer;
}

/** A store's interruption word. */
export class InterruptState {
  readonly request: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(request: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.request = request;
    this.#words = new Int32Array(request);
  }

  /** Asks for an interruption. */
  ask(): void {
    Atomics.store(this.#words, 0, 1);
  }

  /** Whether one was asked for; takes the request back (INT-1). */
  take(): boolean {
    return Atomics.load(this.#words, 0) !== 0 && Atomics.exchange(this.#words, 0, 0) !== 0;
  }
}
