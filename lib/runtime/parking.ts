/**
 * Parking: a guest that left for something of the embedder's waits for the promise it was given.
 *
 * A host function, or a hook that a runtime call asks, returns a thenable. Whoever serves the guest then calls {@linkcode park} and returns;
 * the turn ends (async_call.ts), the event loop goes on, and when the promise has settled `deliver` is called with the activation in its
 * place again, as if it had left just now: it stores what the guest is to find, or throws. So a runtime call that asks user code is written
 *
 * ```
 * const answer = ask();
 * if (isThenable(answer)) park(activation, answer, (result) => finish(result()));
 * else finish(answer);
 * ```
 * where `finish` writes the result to the activation's record (`words`), not through the shared frame of runtime calls, which others have used
 * meanwhile; what it holds of references it enters as a root source, and takes out in `release`.
 *
 * PARK-1  A guest is parked only if nothing of JavaScript stands between it and the event loop: its activation is a detached one, and the only
 *         one in use. Anywhere else a thenable is a `TypeError`.
 * PARK-4  What is awaited is awaited once, by the driver. `release` is called exactly once, whatever becomes of the call.
 */

import type { Activation } from "./activation.ts";

/** What became of a promise. */
export type Outcome = { readonly value: unknown } | { readonly reason: unknown };

/** As whose time it counts that a guest waits: the host's, or the guest's own, which it asked to let pass. */
export type WaitCharge = "host time" | "guest time";

/** What a parked guest waits for. */
export interface Pending {
  readonly thenable: PromiseLike<unknown>;
  /** Gives the guest what it waited for; `result` returns it, or throws what the promise was rejected with. May park again. */
  readonly deliver: (result: () => unknown) => void;
  /**
   * Called when nobody waits any more: behind `deliver`, or because the call was given up. Runs code of the user's in the latter case only: behind
   * `deliver` there may be results in the value area (AREA-1).
   */
  readonly release: (() => void) | undefined;
  readonly charges: WaitCharge;
  /** Set when the promise has settled. */
  outcome: Outcome | undefined;
}

/** Whether a value is something to wait for. May run user code: a getter. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (typeof value === "object" && value !== null || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function";
}

/** Whether a value is a Promise itself. Of a proxy that was revoked nothing can be asked: it is none. */
export function isPromise(value: unknown): value is Promise<unknown> {
  try {
    return value instanceof Promise;
  } catch {
    return false;
  }
}

/** Whether a guest that left for a call can wait for a promise (PARK-1). Asked by whoever serves it, not from code of the user's. */
export function canPark({ isDetached, store }: Activation): boolean {
  return isDetached && store.depth === 1;
}

/**
 * Makes a guest wait for a promise: whoever serves it returns now, and `deliver` is called when it has settled.
 *
 * @throws {TypeError} when the guest cannot wait, which says what to do.
 */
export function park(
  activation: Activation,
  thenable: PromiseLike<unknown>,
  deliver: (result: () => unknown) => void,
  release?: () => void,
  charges: WaitCharge = "host time",
): void {
  if (!canPark(activation)) {
    // Nobody else will look at it.
    void settle(thenable);
    release?.();
    throw refusal(activation);
  }
  activation.pending = { thenable, deliver, release, charges, outcome: undefined };
}

/** Gives a guest what it waited for; it may wait for something else then. */
export function deliver(activation: Activation): void {
  const { pending } = activation;
  const { outcome, deliver, release } = pending!;
  activation.pending = undefined;
  try {
    deliver(() => {
      if ("value" in outcome!) return outcome.value;
      throw outcome!.reason;
    });
  } finally {
    release?.();
  }
}

/** Tells a promise that nobody waits for it any more, if it wants to know: it has the method `Symbol.dispose`. */
export function giveUp(thenable: PromiseLike<unknown> & { [Symbol.dispose]?: () => void }): void {
  thenable[Symbol.dispose]?.();
}

/** What becomes of a thenable; never rejected. */
export async function settle(thenable: PromiseLike<unknown>): Promise<Outcome> {
  try {
    return { value: await thenable };
  } catch (reason) {
    return { reason };
  }
}

function refusal({ store: { activations } }: Activation): TypeError {
  const why = activations[0]?.isDetached === true
    ? "a host function has called the guest synchronously: only a guest that callAsync calls can wait, with no JavaScript in between"
    : "the guest was called synchronously: call it by Func.callAsync, or instantiate it by Instance.createAsync";
  return new TypeError(`A host function returned a Promise where a WebAssembly value is needed, and ${why}`);
}
