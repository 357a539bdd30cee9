/**
 * Stretches of blocks that a value is live through as a whole, so that liveness need not visit each of them.
 *
 * Let d be the immediate dominator of block b. If control that enters the blocks numbered (d, b] does so from d, and leaves them only by
 * going on from b, then a value from above that is live into b is live into every one of them: an if with its arms, a loop, a switch. Such
 * blocks are linked to d; chains of links are followed in logarithmic time with jump pointers (Myers, "An applicative random-access
 * stack", 1983).
 *
 * REGION-1  `link[b]` is NONE or a d < b as above. A back edge out of b's own loop, or an arm that returns, breaks the condition.
 *
 * Cost: linear; what would not be is given up after a number of steps.
 */

import { growInt32, NONE } from "../base/mod.ts";
import type { AllocationInput } from "./api.ts";

/** Steps after which a search for a dominator or the check of a stretch is given up. */
const STEP_LIMIT = 64;

/** The links of one program. */
export class Regions {
  /** A dominator of each block, the immediate one unless the search was given up. */
  #dominator: Int32Array<ArrayBuffer> = new Int32Array(256);
  #link: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Jump pointers over the forest of links, and the depth in it. */
  #jump: Int32Array<ArrayBuffer> = new Int32Array(256);
  #depth: Int32Array<ArrayBuffer> = new Int32Array(256);

  /** Finds the links of `input`. */
  build(input: AllocationInput): void {
    const { blockCount } = input;
    this.#dominator = growInt32(this.#dominator, blockCount);
    this.#link = growInt32(this.#link, blockCount);
    this.#jump = growInt32(this.#jump, blockCount);
    this.#depth = growInt32(this.#depth, blockCount);
    const link = this.#link, jump = this.#jump, depth = this.#depth;
    for (let b = 0; b < blockCount; b++) {
      const d = this.#findDominator(input, b);
      this.#dominator[b] = d;
      if (d === NONE || !this.#isClosed(input, d, b)) {
        link[b] = NONE;
        jump[b] = b;
        depth[b] = 0;
        continue;
      }
      link[b] = d;
      depth[b] = depth[d] + 1;
      const j = jump[d];
      jump[b] = depth[d] - depth[j] === depth[j] - depth[jump[j]] ? jump[j] : d;
    }
  }

  /** The block farthest up the chain of links from `b` that is not before `bound`: what is live into `b` is live all the way from there. */
  top(b: number, bound: number): number {
    const link = this.#link, jump = this.#jump;
    for (;;) {
      if (jump[b] !== b && jump[b] >= bound) b = jump[b];
      else if (link[b] !== NONE && link[b] >= bound) b = link[b];
      else return b;
    }
  }

  #findDominator(input: AllocationInput, b: number): number {
    const dominator = this.#dominator;
    const preds = input.preds.data;
    let d = NONE, steps = 0;
    for (let k = input.predStart[b]; k < input.predStart[b + 1]; k++) {
      let p = preds[k];
      if (p >= b) continue;
      if (d === NONE) {
        d = p;
        continue;
      }
      while (p !== d) {
        if (++steps > STEP_LIMIT) return NONE;
        if (p > d) p = dominator[p];
        else d = dominator[d];
        if (p === NONE || d === NONE) return NONE;
      }
    }
    return d;
  }

  /** Whether the blocks (d, b] are entered from d and left from b only. */
  #isClosed(input: AllocationInput, d: number, b: number): boolean {
    const { predStart, succStart } = input;
    const preds = input.preds.data, succs = input.succs.data;
    let steps = 0;
    for (let x = b; x > d;) {
      if (++steps > STEP_LIMIT) return false;
      for (let k = predStart[x]; k < predStart[x + 1]; k++) if (preds[k] < d || preds[k] > b) return false;
      if (x !== b) {
        if (succStart[x] === succStart[x + 1]) return false;
        for (let k = succStart[x]; k < succStart[x + 1]; k++) if (succs[k] <= d || succs[k] > b) return false;
        // The inside of a closed stretch needs no second look.
        if (this.#link[x] !== NONE && this.#link[x] >= d) {
          x = this.#link[x];
          continue;
        }
      }
      x--;
    }
    return true;
  }
}
