/**
 * What a store may use, as its embedder decides (SEEDS 3.12, 3.14, 3.24).
 *
 * LIMIT-1  A limiter is asked before anything is allocated and told of every growth that failed after that, also of one that the maximum
 *          forbade. What it throws ends the call that wanted to grow, and nothing has changed.
 * LIMIT-2  It is code of the user's: it may call the guest, and with it collect and grow. So sizes are read, and references made, after it
 *          returned.
 */

/** Decides about growth. Every method may be left out. */
export interface ResourceLimiter {
  /**
   * Asked before a table gets `desired` elements; one that is new has 0 before.
   *
   * @param current Elements that it has.
   * @param desired Elements that it is to have: perhaps more than its maximum, or than there can be.
   * @param maximum Its maximum, or as many as its indices reach.
   * @returns Whether it may.
   */
  tableGrowing?(current: number, desired: number, maximum: number): boolean;
  /** Told that a table did not grow for another reason than this limiter's. */
  tableGrowFailed?(reason: Error): void;
}
