/**
 * Host functions that block the thread in place of the guest: a read from a pipe, a sleep.
 *
 * Nothing of JavaScript runs meanwhile, so a wait has to end by itself when the guest's time is over, or when another isolate has asked for the
 * guest's end: it is cut into slices, and between two of them is looked.
 *
 * BLOCK-1  A slice is no longer than what is left of the first deadline; and a few milliseconds, if an interruption handle exists. What a
 *          slice took is charged like the guest's own time.
 * BLOCK-2  Reasons are looked for before each slice, so also before a host function first blocks.
 */

import { interruptHost } from "./interrupt.ts";
import type { StoreState } from "./store_state.ts";

/** A slice when another isolate may ask for the guest's end. */
const HANDLE_SLICE_MS = 4;

/** Milliseconds that the store's guests have until the first deadline passes; Infinity without one. */
export function remainingMs({ meter }: StoreState): number {
  return meter?.remainingMs ?? Infinity;
}

/** Whether something may end a guest that blocks: a deadline, or another isolate. */
export function mayInterrupt(store: StoreState): boolean {
  return store.interrupt !== undefined || remainingMs(store) !== Infinity;
}

/**
 * Calls `wait` with the milliseconds that it may block, Infinity for any number, until it gives something else than undefined.
 *
 * @returns What it gave.
 * @throws {Trap} when the guest is to be interrupted; what an action on a deadline throws.
 */
export function blockInSlices<T>(store: StoreState, wait: (atMostMs: number) => T | undefined): T {
  for (;;) {
    interruptHost(store); // BLOCK-2
    const left = remainingMs(store);
    const startMs = performance.now();
    try {
      const result = wait(store.interrupt === undefined ? left : Math.min(left, HANDLE_SLICE_MS));
      if (result !== undefined) return result;
    } finally {
      store.meter?.chargeHost(performance.now() - startMs);
    }
  }
}
