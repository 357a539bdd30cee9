/**
 * `memory.atomic.wait` of guests that can wait (parking.ts): by `Atomics.waitAsync`, so the event loop goes on, and a guest may be woken by one
 * of the same thread.
 *
 * WAIT-3  A wait that was given up cannot be taken out of V8's queue: a notification that reaches it is passed on to the next.
 * WAIT-4  V8's queue keeps no event loop alive; a timer does, while there is a guest that waits.
 */

import type { Activation } from "./activation.ts";
import { returnTo } from "./libcall_frame.ts";
import { park } from "./parking.ts";

/** Results of a wait. */
export const WaitResult = { woken: 0, notEqual: 1, timedOut: 2 } as const;

/** As seldom as a timer can be. */
const KEEP_ALIVE_MS = 2 ** 30;

/** Guests of this isolate that wait, and what keeps the event loop alive for them. */
let waiting = 0;
let keepAlive: ReturnType<typeof setInterval> | undefined;

function beginWait(): void {
  if (waiting++ === 0) keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
}

function endWait(): void {
  if (--waiting === 0) clearInterval(keepAlive);
}

/** What `Atomics.waitAsync` gives. */
type Started =
  | { readonly async: false; readonly value: "not-equal" | "timed-out" }
  | { readonly async: true; readonly value: Promise<"ok" | "timed-out"> };

/**
 * Parks a guest that left for a wait, until it is woken or its time is over; the result goes into its record. `start` begins the wait, `wakeNext`
 * wakes one that waits at the same address.
 *
 * @returns The result, if it is known already.
 */
export function parkWait(activation: Activation, start: () => Started, wakeNext: () => void): number | undefined {
  const { async, value } = start();
  if (!async) return value === "not-equal" ? WaitResult.notEqual : WaitResult.timedOut;
  let isDelivered = false;
  beginWait();
  park(activation, value, (result) => {
    isDelivered = true;
    returnTo(activation.words, result() === "ok" ? WaitResult.woken : WaitResult.timedOut);
  }, () => {
    endWait();
    if (!isDelivered) void value.then((result) => result === "ok" && wakeNext()); // WAIT-3
  }, "guest time");
  return undefined;
}
