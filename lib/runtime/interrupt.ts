/**
 * Interruption: what happens when a guest leaves at a poll.
 *
 * Somebody raised the record's interrupt flag, on this thread before the guest was entered or resumed, or on another one while it runs; or
 * the code counts its polls down (stress). The guest is frozen in the middle of a loop, its registers in the record. Whoever owns the store
 * decides by `StoreState.onInterrupt`: to return resumes the guest as if nothing had happened, to throw ends the call.
 *
 * POLL-1  The flag is lowered before the handler runs: what raises it meanwhile is not lost.
 */

import { VMRecord } from "../abi/mod.ts";
import { RECORD } from "../host/mod.ts";
import type { Activation } from "./activation.ts";
import { trapInCall } from "./traps.ts";

const FLAG = RECORD.interruptFlag >> 2;
const COUNTDOWN = VMRecord.offsets.pollCountdown >> 2;

/** Asks the activation's guest to leave at its next poll. Other threads do the same through the record's address. */
export function requestInterrupt({ words }: Activation): void {
  Atomics.store(words, FLAG, 1);
}

/** Serves an activation that left at a poll. @throws {Trap} when an interrupt was asked for and nobody handles it. */
export function serveInterrupt(activation: Activation): void {
  const { words, store } = activation;
  const { poll } = store.engine.stress;
  if (poll !== undefined) {
    words[COUNTDOWN] = poll;
    if (store.engine.stress.gc === true) store.gc.collect();
    store.onStressPoll?.(activation);
  }
  if (Atomics.exchange(words, FLAG, 0) === 0) return;
  if (store.onInterrupt === undefined) throw trapInCall(activation, "interrupted");
  store.onInterrupt(activation);
}
