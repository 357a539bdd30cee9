/** Fixed-size bit sets over int32 words. */

/** A set of small integers; `resize` empties it. */
export class BitSet {
  words: Int32Array<ArrayBuffer> = new Int32Array(4);
  wordCount = 0;

  /** Empties the set and makes it hold 0 to `count` - 1. */
  resize(count: number): void {
    this.wordCount = (count + 31) >>> 5;
    if (this.wordCount > this.words.length) {
      this.words = new Int32Array(Math.max(this.wordCount, this.words.length * 2));
    } else this.words.fill(0, 0, this.wordCount);
  }

  has(index: number): boolean {
    return (this.words[index >>> 5]! & (1 << (index & 31))) !== 0;
  }

  add(index: number): void {
    this.words[index >>> 5]! |= 1 << (index & 31);
  }

  delete(index: number): void {
    this.words[index >>> 5]! &= ~(1 << (index & 31));
  }
}
