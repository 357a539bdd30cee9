/**
 * Growing memories and tables: the limiter is asked, then it is done.
 *
 * GROW-1  An answer is about the size that the thing had when it was asked about. Has it another one when the answer comes, because the limiter
 *         made it grow or another call did while this one waited, the limiter is asked again (LIMIT-2).
 * GROW-2  A guest's growth may wait for the limiter's promise (parking.ts); what is done then is done as if the guest had left just now.
 */

import { RECORD } from "../host/mod.ts";
import type { Activation } from "./activation.ts";
import { answerLater, answerNow, type LimiterAnswer } from "./limiter.ts";
import { canPark, isThenable, park } from "./parking.ts";
import type { StoreState } from "./store_state.ts";
import { trapInCall } from "./traps.ts";

const RESULT = RECORD.libResult >> 2;

/** A memory or a table. */
export interface Growable {
  readonly store: StoreState;
  /** Its pages or elements. */
  readonly size: number;
  /** Asks the limiter, if there is something to ask. */
  askToGrow(delta: number): LimiterAnswer;
  /** Why it does not grow when the limiter does not want it. */
  refused(delta: number): GrowFailure;
}

/** Why something does not grow: made when somebody wants to know, since it costs more than growing and guests seldom do. */
export type GrowFailure = () => Error;

/** What growing comes to: the size before, or why it failed. */
export type Growth = number | GrowFailure;

/** Grows for JavaScript: `grow` does it once it is allowed. */
export function growNow(thing: Growable, delta: number, grow: () => Growth): Growth {
  for (;;) {
    const { size } = thing;
    const isAllowed = answerNow(thing.askToGrow(delta));
    thing.store.requireOpen();
    if (!isAllowed) return thing.refused(delta);
    if (thing.size === size) return grow(); // GROW-1
  }
}

/** As {@linkcode growNow}, for callers that have time to wait for the limiter's promise. */
export async function growLater(thing: Growable, delta: number, grow: () => Growth): Promise<Growth> {
  for (;;) {
    const { size } = thing;
    const isAllowed = await answerLater(thing.askToGrow(delta));
    thing.store.requireOpen();
    if (!isAllowed) return thing.refused(delta);
    if (thing.size === size) return grow(); // GROW-1
  }
}

/** What a growth needs while the limiter is asked: references to store. Calls of `hold` and `release` pair. */
export interface Held {
  readonly hold: () => void;
  readonly release: () => void;
}

const NOTHING_HELD: Held = { hold: () => {}, release: () => {} };

/**
 * Grows for a guest that left for it: the result goes into its record.
 *
 * @throws {Trap} when the store wants growth that fails to end the call.
 */
export function growInCall(
  activation: Activation,
  thing: Growable,
  delta: number,
  grow: () => Growth,
  held: Held = NOTHING_HELD,
): void {
  const finish = (answer: unknown, size: number): void => {
    const isAllowed = answerNow(answer);
    thing.store.requireOpen();
    if (isAllowed && thing.size !== size) ask(); // GROW-1
    else giveGrowth(activation, isAllowed ? grow() : thing.refused(delta));
  };
  const ask = (): void => {
    let isWaiting = false;
    held.hold();
    try {
      const { size } = thing;
      const answer: unknown = thing.askToGrow(delta);
      if (isThenable(answer) && canPark(activation)) {
        park(activation, answer, (result) => finish(result(), size), held.release);
        isWaiting = true;
      } else finish(answer, size);
    } finally {
      if (!isWaiting) held.release();
    }
  };
  ask();
}

/** Gives the guest the result of `memory.grow` or `table.grow`. @throws {Trap} when the store wants growth that fails to end the call. */
export function giveGrowth(activation: Activation, growth: Growth): void {
  const { words, store } = activation;
  if (typeof growth !== "number" && store.limits.trapOnGrowFailure) {
    throw trapInCall(activation, "growth_failed", growth().message);
  }
  const result = typeof growth === "number" ? growth : -1;
  words[RESULT] = result;
  words[RESULT + 1] = Math.floor(result / 0x1_0000_0000);
}
