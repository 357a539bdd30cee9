/** How long guests may take: options of calls and of stores. */

import { type AsyncCallOptions as RuntimeOptions, Deadline, type DeadlineAction } from "../runtime/mod.ts";

/**
 * What happens when a deadline has passed: `"trap"` ends the call with the trap `interrupted`; a function is asked instead, while the guest is
 * stopped, and returns for how many milliseconds the guest may go on, or nothing for the trap. What it throws ends the call.
 * `"yield"` is for `callAsync`: the event loop turns, then the guest goes on and has the same time again. A deadline of a store that yields
 * and passes in a synchronous call ends that with a `TypeError`.
 */
export type OnDeadline = "trap" | "yield" | (() => number | undefined | void);

/** How a deadline is meant. */
export interface DeadlineOptions {
  /** `"trap"` by default. */
  readonly onDeadline?: OnDeadline;
  /** Whether time in host functions counts as well; by default only the guest's own time does. */
  readonly countHostTime?: boolean;
}

/** Options of a call. */
export interface CallOptions extends DeadlineOptions {
  /** Milliseconds that the call may take. The engine must have been made with `interruption`. */
  readonly timeout?: number;
}

/** Options of a call that lets the event loop turn. */
export interface AsyncCallOptions extends CallOptions {
  /**
   * Lets the event loop turn whenever the guest has used up so many units of fuel: at the same places in every run, however fast the machine
   * is. The engine must have been made with `fuel`. What functions take that the guest calls through JavaScript counts as well.
   */
  readonly fuelYieldInterval?: number;
  /** Ends the call when it is aborted: at once while it is parked, else when the event loop has turned. */
  readonly signal?: AbortSignal;
}

/** The longest time that can be asked for: about twelve days. */
const LONGEST_MS = 2 ** 30;

/** Makes a deadline. @throws {TypeError} for what is none, {RangeError} for a time out of range. */
export function makeDeadline(what: string, ms: number, options: DeadlineOptions): Deadline {
  const { onDeadline = "trap", countHostTime = false } = options;
  if (typeof ms !== "number") throw new TypeError(`${what} is a number of milliseconds`);
  if (!(ms >= 0 && ms <= LONGEST_MS)) throw new RangeError(`${what} is a number from 0 to ${LONGEST_MS}, not ${ms}`);
  if (onDeadline !== "trap" && onDeadline !== "yield" && typeof onDeadline !== "function") {
    throw new TypeError(`onDeadline is "trap", "yield" or a function`);
  }
  if (typeof countHostTime !== "boolean") throw new TypeError("countHostTime is true or false");
  return new Deadline(ms, onDeadline satisfies DeadlineAction, countHostTime ? "all time" : "guest time");
}

/** The options of an asynchronous call as the runtime takes them. @throws {TypeError} for what is none. */
export function asyncOptions(options: AsyncCallOptions): RuntimeOptions {
  const { timeout, signal, fuelYieldInterval } = options;
  if (fuelYieldInterval !== undefined) {
    if (typeof fuelYieldInterval !== "number") throw new TypeError("fuelYieldInterval is a number");
    if (!(Number.isSafeInteger(fuelYieldInterval) && fuelYieldInterval > 0)) {
      throw new RangeError(`fuelYieldInterval is an integer from 1 on, not ${fuelYieldInterval}`);
    }
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError("signal is an AbortSignal");
  const deadline = timeout === undefined ? undefined : makeDeadline("timeout", timeout, options);
  return { deadline, signal, fuelYieldInterval };
}

/** Refuses what a synchronous call cannot do. @throws {TypeError} */
export function refuseAsyncOptions(options: CallOptions): void {
  if (options.onDeadline === "yield") {
    throw new TypeError('A synchronous call cannot let the event loop turn: onDeadline "yield" needs callAsync');
  }
  if ((options as { fuelYieldInterval?: unknown }).fuelYieldInterval !== undefined) {
    throw new TypeError("A synchronous call cannot let the event loop turn: fuelYieldInterval needs callAsync");
  }
  if ((options as { signal?: unknown }).signal !== undefined) {
    throw new TypeError(
      "A synchronous call takes no signal: no event is delivered while it runs. Use timeout or, from a Worker, Store.interruptHandle",
    );
  }
}
