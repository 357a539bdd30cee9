/**
 * What a store may use, as its embedder decides case by case (SEEDS 3.12, 3.14, 3.24).
 *
 * LIMIT-1  A limiter is asked before anything is allocated and told of every growth that failed after that, also of one that the maximum or the
 *          store's limits forbade. What it throws ends the call that wanted to grow, and nothing has changed.
 * LIMIT-2  It is code of the user's: it may call the guest, and with it collect and grow. So sizes are read, and references made, after it
 *          returned.
 * LIMIT-3  As in Wasmtime, it is not asked about shared memories: they belong to no store, and whoever grows one may be another thread.
 */

import { isThenable, settle } from "./parking.ts";

/**
 * What a limiter says: whether it may be. A Promise of that is for those who can wait: guests that were called by `callAsync`, and
 * `growAsync` and `createAsync` of tables, memories and instances.
 */
export type LimiterAnswer = boolean | Promise<boolean>;

/** Decides about growth. Every method may be left out. */
export interface ResourceLimiter {
  /**
   * Asked before a memory gets `desired` bytes; one that is new has 0 before.
   *
   * @param current Bytes that it has.
   * @param desired Bytes that it is to have: perhaps more than its maximum.
   * @param maximum Its maximum in bytes, or as many as its addresses reach.
   * @returns Whether it may.
   */
  memoryGrowing?(current: number, desired: number, maximum: number): LimiterAnswer;
  /** Told that a memory did not grow for another reason than this limiter's. */
  memoryGrowFailed?(reason: Error): void;
  /**
   * Asked before a table gets `desired` elements; one that is new has 0 before.
   *
   * @param current Elements that it has.
   * @param desired Elements that it is to have: perhaps more than its maximum, or than there can be.
   * @param maximum Its maximum, or as many as its indices reach.
   * @returns Whether it may.
   */
  tableGrowing?(current: number, desired: number, maximum: number): LimiterAnswer;
  /** Told that a table did not grow for another reason than this limiter's. */
  tableGrowFailed?(reason: Error): void;
  /**
   * Asked before a module is instantiated, before its memories and tables are asked about.
   *
   * @param current Instances that the store has.
   * @param desired Instances that it is to have.
   * @returns Whether it may.
   */
  instanceCreating?(current: number, desired: number): LimiterAnswer;
}

/** The answer of a limiter that has to be known here and now. @throws {TypeError} for a Promise, and for what is no answer. */
export function answerNow(answer: unknown): boolean {
  if (typeof answer === "boolean") return answer;
  if (isThenable(answer)) {
    void settle(answer); // nobody else will look at it
    throw new TypeError(
      "A limiter answered by a Promise, for which only guests called by callAsync, growAsync and createAsync wait",
    );
  }
  throw new TypeError(`A limiter answers true or false, not ${answer === null ? "null" : typeof answer}`);
}

/** The answer of a limiter, for those who have time to wait for a promise of it. @throws {TypeError} for what is no answer. */
export async function answerLater(answer: unknown): Promise<boolean> {
  return answerNow(isThenable(answer) ? await answer : answer);
}

/** A store's limiter says no. @internal */
export function refusedByLimiter(what: string): RangeError {
  return new RangeError(`The store's limiter refuses ${what}`);
}
