/**
 * Where code begins, in memory.
 *
 * How fast a short loop runs depends on how it lies across the windows that a processor fetches and predicts in: left to chance, an instruction
 * more somewhere before it changes its speed by up to a third. So a loop that has no other in it begins a window, and so does the function
 * that it is in. With that, polls cost 1 % over a dozen loop-heavy programs; with less, 6 %, most of it in two of them. Wider alignment gains
 * nothing. Padding is jumped over by the loop's own branch and run through once an entry.
 */

import { NONE } from "../base/mod.ts";
import type { BlockOrder } from "./block_order.ts";

const WINDOW_BYTES = 32;
/** The least that functions, stubs and loops are aligned to. */
export const CODE_ALIGNMENT_BYTES = 16;

/** What machine block `k` is aligned to; 1 for what is no loop, or seldom run. */
export function blockAlignmentBytes({ loopEnd, cold, innermost }: BlockOrder, k: number): number {
  if (loopEnd[k] === NONE || cold[k] === 1) return 1;
  return innermost[k] === 1 ? WINDOW_BYTES : CODE_ALIGNMENT_BYTES;
}
