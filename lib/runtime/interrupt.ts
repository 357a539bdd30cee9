/**
 * Interruption: what happens when a guest leaves at a poll.
 *
 * Somebody raised the record's interrupt flag, on this thread before the guest was entered or resumed, or on another one while it runs; or
 * the code counts its polls down (stress). The guest is frozen in the middle of a loop, its registers in the record. The flag is only a
 * hint to leave; the reasons are looked for here: somebody asked (`requestInterrupt`, an interruption handle), or a deadline has passed.
 * For the former `StoreState.onInterrupt` decides: to return resumes the guest as if nothing had happened, to throw ends the call.
 *
 * Long runtime calls look at the flag between their chunks (`pollInCall`), as a loop does.
 *
 * POLL-1  The flag is lowered before reasons are looked for: what raises it meanwhile is not lost.
 * POLL-2  A flag without a reason is nothing: the guest goes on. So it may be raised late, and on a record that serves another call by now.
 */

import { VMRecord } from "../abi/mod.ts";
import { RAISED, RECORD } from "../host/mod.ts";
import type { Activation } from "./activation.ts";
import type { StoreState } from "./store_state.ts";
import { Trap, trapInCall } from "./traps.ts";

const FLAG = RECORD.interruptFlag >> 2;
const COUNTDOWN = VMRecord.offsets.pollCountdown >> 2;

/** Asks the activation's guest to leave at its next poll. */
export function requestInterrupt(activation: Activation): void {
  activation.isAsked = true;
  Atomics.store(activation.words, FLAG, RAISED);
}

/** Serves an activation that left at a poll; returns whether it is to stay parked. @throws {Trap} when an interrupt was asked for and nobody handles it, or a deadline has passed. */
export function serveInterrupt(activation: Activation): boolean {
  const { words, store } = activation;
  const { poll } = store.engine.stress;
  if (poll !== undefined) {
    words[COUNTDOWN] = poll;
    if (store.engine.stress.gc === true) store.gc.collect();
    store.onStressPoll?.(activation);
  }
  Atomics.store(words, FLAG, 0); // POLL-1
  serveRequest(activation);
  return store.meter?.serve(activation) ?? false;
}

/** Acts on what somebody asked for. @throws {Trap} */
function serveRequest(activation: Activation): void {
  const { store } = activation;
  const isAsked = activation.isAsked;
  activation.isAsked = false;
  if (!(store.interrupt?.take() || isAsked)) return;
  if (store.onInterrupt === undefined) throw trapInCall(activation, "interrupted");
  store.onInterrupt(activation);
}

/**
 * A poll of a host function that blocks in place of a guest, or that nobody but JavaScript called.
 *
 * @throws {Trap} as {@linkcode serveInterrupt} does.
 */
export function interruptHost(store: StoreState): void {
  store.requireOpen();
  const { innermost } = store;
  if (innermost !== undefined) serveRequest(innermost);
  else if (store.interrupt?.take()) throw new Trap("interrupted");
  store.meter?.serveDeadlines(innermost);
  store.requireOpen();
}

/** Whether a runtime call of the activation should be interrupted. */
export function isInterruptWanted({ words, store }: Activation): boolean {
  return Atomics.load(words, FLAG) !== 0 || store.interrupt?.isAsked === true;
}

/**
 * A poll of a runtime call, between two chunks: may run user code, in which everything may change but the sizes of what only grows.
 *
 * @throws {Trap} as {@linkcode serveInterrupt} does.
 */
export function pollInCall(activation: Activation): void {
  if (!isInterruptWanted(activation)) return;
  const { store } = activation;
  store.meter?.stop();
  serveInterrupt(activation); // a runtime call is not parked: the guest is at its next poll
  store.requireOpen();
  store.meter?.start(activation);
}
