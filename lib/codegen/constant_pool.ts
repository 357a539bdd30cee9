/** The function's float constants, read rip-relative from behind its code: 8- and 16-byte entries, merged by content. */

import { IntList } from "../base/mod.ts";

/** Constants of one function: number, then bytes. Reusable. */
export class ConstantPool {
  /** Four words and a size an entry: sizeBytes, w0, w1, w2, w3. */
  readonly entries: IntList = new IntList(64);

  reset(): void {
    this.entries.reset();
  }

  /** Number of constants. */
  get count(): number {
    return this.entries.length / 5;
  }

  /** The number of an 8-byte (f64, or f32 with zero high word) constant. */
  scalar(lo: number, hi: number): number {
    return this.#find(8, lo, hi, 0, 0);
  }

  /** The number of a 16-byte constant. */
  vector(w0: number, w1: number, w2: number, w3: number): number {
    return this.#find(16, w0, w1, w2, w3);
  }

  // Linear: a function has few constants; beyond 64 only the last ones are searched.
  #find(size: number, w0: number, w1: number, w2: number, w3: number): number {
    const { data, length } = this.entries;
    for (let at = length - 5, floor = Math.max(0, length - 320); at >= floor; at -= 5) {
      if (
        data[at] === size && data[at + 1] === w0 && data[at + 2] === w1 && data[at + 3] === w2 && data[at + 4] === w3
      ) {
        return at / 5;
      }
    }
    const { entries } = this;
    entries.push(size);
    entries.push(w0);
    entries.push(w1);
    entries.push(w2);
    entries.push(w3);
    return length / 5;
  }
}
