/**
 * Rows of a call table by return address: a hash table, since a collection looks up every frame of every stack.
 *
 * A frame costs 3 to 7 ns so, by bisection 46 to 145 (DESIGN section 4). Made when it is first needed; open addressing in one column of
 * rows, at most half full, so a probe reads two integers.
 */

import { NONE } from "../base/mod.ts";

/** Finds the rows of one call table. */
export class CallRows {
  readonly #pcs: Int32Array;
  readonly #rows: Int32Array;
  readonly #shift: number;

  constructor(callPcs: Int32Array) {
    this.#pcs = callPcs;
    let log2 = 4;
    while (1 << log2 < 2 * callPcs.length) log2++;
    this.#shift = 32 - log2;
    this.#rows = new Int32Array(1 << log2).fill(NONE);
    const mask = this.#rows.length - 1;
    for (let row = 0; row < callPcs.length; row++) {
      let at = this.#slot(callPcs[row]);
      while (this.#rows[at] !== NONE) at = (at + 1) & mask;
      this.#rows[at] = row;
    }
  }

  /** The row whose return address is the offset, or NONE. */
  find(offsetBytes: number): number {
    const mask = this.#rows.length - 1;
    for (let at = this.#slot(offsetBytes);; at = (at + 1) & mask) {
      const row = this.#rows[at];
      if (row === NONE || this.#pcs[row] === offsetBytes) return row;
    }
  }

  #slot(offsetBytes: number): number {
    return Math.imul(offsetBytes, 0x9e3779b1) >>> this.#shift;
  }
}
