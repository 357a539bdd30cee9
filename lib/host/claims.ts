/**
 * Claiming chunks of process-wide tables: bit maps in the boot data that all isolates change by compare-and-swap.
 *
 * The record table and the code arena are too big to be anybody's and too small to be everybody's: an isolate claims runs of
 * chunks, hands them out itself, and gives whole runs back. A run of n bits is found by first fit and claimed word by word; a
 * lost race undoes the words already claimed and searches on.
 *
 * CLAIM-1  A set bit has one owner; only the owner clears it.
 * CLAIM-2  Claiming is lock-free: an isolate that ends in the middle loses chunks, never blocks another.
 */

import { type LedgerBits, noteChunks, strikeChunks } from "./ledger.ts";

/** One bit map inside the boot data. */
export class ChunkMap {
  readonly #words: Int32Array;
  readonly #firstWord: number;
  readonly #count: number;
  readonly #ledgerBits: LedgerBits;

  /**
   * `offsetBytes` is where the map starts in `words`; `count` its length in bits, a multiple of 32; `ledgerBits` where a Worker's
   * ledger keeps its copy.
   */
  constructor(words: Int32Array, offsetBytes: number, count: number, ledgerBits: LedgerBits) {
    this.#ledgerBits = ledgerBits;
    this.#words = words;
    this.#firstWord = offsetBytes >> 2;
    this.#count = count;
  }

  /** Claims `length` adjacent chunks; returns the first one's number, or -1 when there is no such run. */
  claim(length: number): number {
    for (let start = this.#findRun(0, length); start >= 0; start = this.#findRun(start + 1, length)) {
      if (!this.#tryClaim(start, length)) continue;
      noteChunks(this.#ledgerBits, start, length);
      return start;
    }
    return -1;
  }

  /** Gives back chunks that this isolate owns. */
  release(start: number, length: number): void {
    strikeChunks(this.#ledgerBits, start, length);
    this.#clear(start, length);
  }

  #clear(start: number, length: number): void {
    for (let bit = start; bit < start + length;) {
      const mask = this.#mask(bit, start + length);
      Atomics.and(this.#words, this.#firstWord + (bit >> 5), ~mask);
      bit = (bit | 31) + 1;
    }
  }

  /** Whether a chunk is claimed, by anybody. */
  isClaimed(chunk: number): boolean {
    return (Atomics.load(this.#words, this.#firstWord + (chunk >> 5)) & (1 << (chunk & 31))) !== 0;
  }

  #findRun(from: number, length: number): number {
    let run = 0;
    for (let bit = from; bit < this.#count; bit++) {
      const word = this.#words[this.#firstWord + (bit >> 5)];
      if (word === -1 && (bit & 31) === 0) {
        run = 0;
        bit += 31;
        continue;
      }
      run = word & (1 << (bit & 31)) ? 0 : run + 1;
      if (run === length) return bit - length + 1;
    }
    return -1;
  }

  #tryClaim(start: number, length: number): boolean {
    for (let bit = start; bit < start + length;) {
      const mask = this.#mask(bit, start + length);
      const before = Atomics.or(this.#words, this.#firstWord + (bit >> 5), mask);
      if (before & mask) {
        // Lost a race: give back what this call set, and only that.
        Atomics.and(this.#words, this.#firstWord + (bit >> 5), ~(mask & ~before));
        this.#clear(start, bit - start);
        return false;
      }
      bit = (bit | 31) + 1;
    }
    return true;
  }

  /** The bits of the word of `bit` from `bit` up to, not including, `end`. */
  #mask(bit: number, end: number): number {
    const low = bit & 31;
    const high = Math.min(32, end - (bit & ~31));
    const width = high - low;
    return width === 32 ? -1 : ((1 << width) - 1) << low;
  }
}
