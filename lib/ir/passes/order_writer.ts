/**
 * Writes a function's new instruction order block by block; how passes move and drop instructions (IR-1).
 *
 * Blocks may be written in any sequence; `finish` copies them to `func.order` in reverse postorder, so program order survives and the order
 * holds reachable blocks only. Until then the old order stays readable.
 */

import { bug, growInt32, NONE } from "../../base/mod.ts";
import type { ControlFlow } from "../cfg.ts";
import type { Func } from "../func.ts";

/** Collects the new order; reusable by `start`. */
export class OrderWriter {
  #order = new Int32Array(1024);
  #length = 0;
  #start = new Int32Array(64);
  #end = new Int32Array(64);
  #block = 0;

  /** Begins a new order. */
  start(func: Func): void {
    this.#length = 0;
    if (func.blockCount > this.#start.length) {
      this.#start = growInt32(this.#start, func.blockCount);
      this.#end = growInt32(this.#end, func.blockCount);
    }
    this.#start.fill(0, 0, func.blockCount);
    this.#end.fill(0, 0, func.blockCount);
  }

  /** Begins a block; the one before it is complete. */
  startBlock(block: number): void {
    this.#block = block;
    this.#start[block] = this.#length;
    this.#end[block] = this.#length;
  }

  /** Leaves a block empty: nothing will lead to it. */
  skipBlock(block: number): void {
    this.#start[block] = NONE;
  }

  /** Adds an instruction to the block. */
  push(value: number): void {
    if (this.#length === this.#order.length) this.#order = growInt32(this.#order, this.#length + 1);
    this.#order[this.#length++] = value;
    this.#end[this.#block] = this.#length;
  }

  /** Writes the new order and ranges; unreachable blocks become empty (IR-4). */
  finish(func: Func, cfg: ControlFlow): void {
    func.orderLength = 0;
    func.order = growInt32(func.order, this.#length);
    for (let i = 0; i < cfg.rpoCount; i++) {
      const block = cfg.rpo[i];
      const start = this.#start[block];
      const end = this.#end[block];
      if (start === NONE) {
        func.blockEnd[block] = func.blockStart[block] = 0;
        continue;
      }
      if (start === end) bug(`block ${block} was not written`);
      func.blockStart[block] = func.orderLength;
      copyRange(this.#order, start, end, func.order, func.orderLength);
      func.orderLength += end - start;
      func.blockEnd[block] = func.orderLength;
    }
    for (let block = 0; block < func.blockCount; block++) {
      if (!cfg.isReachable(block)) func.blockEnd[block] = func.blockStart[block] = 0;
    }
  }
}

function copyRange(from: Int32Array, start: number, end: number, to: Int32Array, at: number): void {
  for (let k = start; k < end; k++) to[at++] = from[k];
}
