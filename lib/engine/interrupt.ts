/** Ending a guest's call from another Worker. */

import { INTERRUPT_BYTES, InterruptState, type PostedInterrupt } from "../runtime/mod.ts";

/**
 * Interrupts a store's guest from outside, from any Worker.
 *
 * Made for `postMessage`, as a shared memory is: post what {@linkcode Store.interruptHandle} gives, and let the Worker call
 * {@linkcode InterruptHandle.from} on what arrives. It says nothing about the store's lifetime and may outlive it.
 *
 * @example A handle, here and elsewhere
 * ```ts
 * import { Engine, InterruptHandle, Store } from "@theropod/theropod";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const posted = structuredClone(store.interruptHandle()); // as worker.postMessage does
 * const handle = InterruptHandle.from(posted); // in the Worker
 * handle.interrupt();
 * ```
 */
export class InterruptHandle {
  /** What is posted; not for use. */
  readonly request: SharedArrayBuffer;
  readonly #state: InterruptState;

  /** Use {@linkcode Store.interruptHandle}. */
  constructor(state: InterruptState) {
    if (!(state instanceof InterruptState)) throw new TypeError("Handles are made by Store.interruptHandle");
    this.#state = state;
    this.request = state.request;
  }

  /**
   * The handle that another Worker posted.
   *
   * @param posted What arrived.
   * @returns The same handle.
   * @throws {TypeError} if it is something else.
   */
  static from(posted: unknown): InterruptHandle {
    if (posted instanceof InterruptHandle) return posted;
    if (typeof posted === "object" && posted !== null) {
      const { request } = posted as PostedInterrupt;
      if (request instanceof SharedArrayBuffer && request.byteLength === INTERRUPT_BYTES) {
        return new InterruptHandle(new InterruptState(request));
      }
    }
    throw new TypeError("Expected an InterruptHandle as another Worker posted it");
  }

  /**
   * Ends the guest's call with the trap `interrupted`, within milliseconds: the call that the store is in, or the next one if it is in none.
   * Loops and recursion end if the engine was made with `interruption`, waits (`memory.atomic.wait32` or `wait64`) and long runtime calls in
   * any case. Does nothing once the store is disposed.
   *
   * @throws {HostError} if this Worker may not use native memory (`--allow-ffi`).
   */
  interrupt(): void {
    this.#state.ask();
  }
}
