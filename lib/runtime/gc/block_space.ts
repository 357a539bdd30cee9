/**
 * Memory for objects that do not move: blocks, and free spans in them that are allocated from end to end.
 *
 * Machine code allocates by adding to an index up to a limit, so free memory has to come in pieces that are large and zero. The heap is cut
 * into blocks of 32 KiB, as in Immix (S. Blackburn, K. McKinley, "Immix: a mark-region garbage collector with space efficiency, fast collection,
 * and mutator performance", 2008). A block that nothing lives in is one span; in one that is mostly free the gaps between objects are, found by
 * walking the block when it is its turn, which also joins what was freed piece by piece. Small gaps wait until their neighbours die.
 * An object of more than half a block has blocks of its own.
 *
 * ```
 * block   object | cell | object object | cell            each word belongs to an object or to a cell (free, its size in its second word)
 * span    objects of this epoch ... next | zero ... end   where objects are made now
 * ```
 * An *epoch* goes from one collection to the next: what is allocated in it is *young* until the collection has said what of it lives on.
 *
 * BLK-1  Between `retire` and the next `take` the blocks in use are covered by objects and cells without gaps; while a span is open, the words from
 *        its next object to its end are zero, and belong to neither.
 * BLK-2  `liveBytes` of a block are those of its objects that were promoted; a block without any and without young objects is free, and what is in
 *        it has no meaning.
 * BLK-3  A block is taken for allocation at most once an epoch, so what an epoch frees is not used in it again.
 */

import { bug, growInt32, growUint8, IntList } from "../../base/mod.ts";
import { corruptReference, objectWords } from "./objects.ts";
import type { Space } from "./space.ts";
import type { GcTypes } from "./type_info.ts";

/** log2 of a block's bytes. */
const BLOCK_LOG2 = 15;
/** Bytes of a block. */
export const BLOCK_BYTES = 1 << BLOCK_LOG2;
const BLOCK_WORDS = BLOCK_BYTES >> 2;
/** log2 of a block's words. */
const BLOCK_WORDS_LOG2 = BLOCK_LOG2 - 2;
/** Larger objects have blocks of their own. */
const LARGE_BYTES = BLOCK_BYTES / 2;
/** Smaller gaps are not worth a call of the runtime. */
const SPAN_BYTES = 256;
/** A block is allocated from when so much of it is free ... */
const ROOMY_BYTES = BLOCK_BYTES / 2;
/** ... or so much, when there are no other blocks. */
const TIGHT_BYTES = BLOCK_BYTES / 16;
/** Blocks that are used by turns when freed memory is to be used late. */
const LATE_BLOCKS = 64;
/** What freed objects are filled with under stress: an index that is never readable. */
const POISON = 0xffff_fff8 | 0;

/** States of a block. */
const State = {
  /** Nothing is in it. */
  free: 0,
  /** Objects and cells. */
  used: 1,
  /** Begins with an object that has it, and those after it in state `tail`, to itself. */
  large: 2,
  tail: 3,
} as const;

/** How a {@linkcode BlockSpace} behaves. */
export interface BlockOptions {
  /** Blocks that it may have. */
  readonly most: number;
  /** `"late"`: freed memory is used again as late as possible, and poisoned, so that who uses a freed object is found out. */
  readonly reuse: "early" | "late";
}

/** Called with the first word and the size in words of an object. */
type WordVisitor = (word: number, size: number) => void;

/** The blocks of a heap. */
export class BlockSpace {
  /** Bytes of promoted objects. */
  liveBytes = 0;
  /** Where the next object goes unless machine code has moved on, and where the open span ends: word indices. Equal: none is open. */
  spanStart = 0;
  spanEnd = 0;
  readonly #space: Space;
  readonly #types: GcTypes;
  readonly #options: BlockOptions;
  #states = new Uint8Array(64);
  #live = new Int32Array(64);
  /** 1: taken in this epoch (BLK-3). */
  #isTaken = new Uint8Array(64);
  /** Blocks that were ever used. */
  #count = 0;
  /** The next block to look at: for room, for hardly any, for large objects. */
  #cursor = 0;
  #tightCursor = 0;
  #largeCursor = 0;
  /** Free spans of blocks that were taken: first word, end. */
  readonly #spans = new IntList();
  /** Where the objects of this epoch are: first word, end. */
  readonly #young = new IntList();
  #youngWords = 0;

  constructor(space: Space, types: GcTypes, options: BlockOptions) {
    this.#space = space;
    this.#types = types;
    this.#options = options;
  }

  /** Bytes of the objects of this epoch, those in the open span excepted. */
  get youngBytes(): number {
    return this.#youngWords * 4;
  }

  /** Whether an object of this size has blocks of its own. */
  isLarge(sizeBytes: number): boolean {
    return sizeBytes > LARGE_BYTES;
  }

  /** Closes the open span, whose next object would have been at word `next`. */
  retire(next: number): void {
    const { spanStart, spanEnd } = this;
    if (next > spanStart) {
      this.#young.push(spanStart);
      this.#young.push(next);
      this.#youngWords += next - spanStart;
    }
    if (next < spanEnd) {
      this.#makeCell(next, spanEnd);
      if (spanEnd - next >= SPAN_BYTES >> 2) {
        this.#spans.push(next);
        this.#spans.push(spanEnd);
      }
    }
    this.spanStart = this.spanEnd = 0;
  }

  /** Opens a span for an object of this size, which is not large; the last one was closed. False: there is none. @throws {HostError} */
  take(sizeBytes: number): boolean {
    const words = sizeBytes >>> 2;
    if (this.#takeSpan(words)) return true;
    for (let block = this.#nextBlock(sizeBytes); block >= 0; block = this.#nextBlock(sizeBytes)) {
      this.#findSpans(block);
      if (this.#takeSpan(words)) return true;
    }
    return false;
  }

  /** Whether there are blocks for a large object. */
  hasRun(sizeBytes: number): boolean {
    return this.#findRun(Math.ceil(sizeBytes / BLOCK_BYTES)) >= 0;
  }

  /** The first word of zeroed blocks for a large object, which is young; -1: there are none. @throws {HostError} */
  takeLarge(sizeBytes: number): number {
    const blocks = Math.ceil(sizeBytes / BLOCK_BYTES);
    const first = this.#findRun(blocks);
    if (first < 0) return -1;
    const end = first + blocks;
    this.#cover(end);
    this.#states.fill(State.tail, first, end);
    this.#states[first] = State.large;
    this.#live.fill(0, first, end);
    const word = first << BLOCK_WORDS_LOG2;
    this.#zero(word, word + (sizeBytes >>> 2));
    this.#young.push(word);
    this.#young.push(word + (sizeBytes >>> 2));
    this.#youngWords += sizeBytes >>> 2;
    return word;
  }

  /** A young object lives on. */
  promote(word: number, size: number): void {
    this.#live[word >>> BLOCK_WORDS_LOG2] += size * 4;
    this.liveBytes += size * 4;
  }

  /** A promoted object is garbage: its memory is free after this collection. */
  free(word: number, size: number): void {
    const block = word >>> BLOCK_WORDS_LOG2;
    this.#live[block] -= size * 4;
    this.liveBytes -= size * 4;
    this.#freeWords(word, word + size);
    if (this.#states[block] === State.large) this.#freeRun(block, size);
  }

  /** Frees those of the young objects of which `isAlive` does not say that they were promoted; `died` sees them before. No span is open. */
  sweepYoung(isAlive: (word: number) => boolean, died: (word: number) => void): void {
    const { words } = this.#space;
    const { data, length } = this.#young;
    for (let i = 0; i < length; i += 2) {
      const end = data[i + 1];
      let dead = -1;
      for (let word = data[i]; word < end;) {
        // What was promoted and has died since is a cell already.
        const isCell = words[word] === 0;
        const size = isCell
          ? this.#cellWords(word, end)
          : objectWords(this.#types, words, word, end, this.#space.start);
        if (!isCell && isAlive(word)) {
          if (dead >= 0) this.#freeWords(dead, word);
          dead = -1;
        } else {
          if (!isCell) died(word);
          if (dead < 0) dead = word;
        }
        word += size;
      }
      if (dead < 0) continue;
      this.#freeWords(dead, end);
      const block = data[i] >>> BLOCK_WORDS_LOG2;
      if (this.#states[block] === State.large && this.#live[block] === 0) this.#freeRun(block, end - data[i]);
    }
    this.#young.reset();
    this.#youngWords = 0;
  }

  /** Ends an epoch whose young objects were swept: what is free now can be allocated from. */
  endEpoch(): void {
    this.#spans.reset();
    this.#isTaken.fill(0, 0, this.#count);
    let used = 0;
    for (let block = 0; block < this.#count; block++) {
      if (this.#states[block] === State.used && this.#live[block] === 0) this.#states[block] = State.free;
      if (this.#states[block] !== State.free) used++;
    }
    // Low blocks first: the others may become free as a whole. Under stress those that were freed longest ago.
    if (this.#options.reuse === "early" || this.#cursor >= Math.max(LATE_BLOCKS, 2 * used)) this.#cursor = 0;
    this.#largeCursor = this.#tightCursor = 0;
  }

  /** Calls `visit` with every object; word `next` is where the open span's next object goes. */
  forEachObject(next: number, visit: WordVisitor): void {
    for (let block = 0; block < this.#count; block++) {
      const state = this.#states[block];
      if (state === State.used) this.#walkBlock(block, next, visit);
      else if (state === State.large) {
        const word = block << BLOCK_WORDS_LOG2;
        const { words, start } = this.#space;
        visit(word, objectWords(this.#types, words, word, words.length, start));
      }
    }
  }

  /** Gives memory back to the system that free blocks have beyond `keepBytes`. No span is open, no object young. */
  trim(keepBytes: number): void {
    let kept = 0;
    for (let block = 0; block < this.#count; block++) {
      if (this.#states[block] !== State.free) continue;
      kept += BLOCK_BYTES;
      if (kept <= keepBytes) continue;
      const first = block;
      while (block + 1 < this.#count && this.#states[block + 1] === State.free) block++;
      const { start } = this.#space;
      this.#space.clear(start + first * BLOCK_BYTES, start + (block + 1) * BLOCK_BYTES);
    }
  }

  /** Whether a word may be the first of an object: it lies in a block that has some. */
  contains(word: number): boolean {
    const block = word >>> BLOCK_WORDS_LOG2;
    return block < this.#count && (this.#states[block] === State.used || this.#states[block] === State.large);
  }

  // ---- Spans. ----

  /** Opens one of the spans at hand. */
  #takeSpan(words: number): boolean {
    const spans = this.#spans;
    const { data } = spans;
    for (let i = spans.length - 2; i >= 0; i -= 2) {
      if (data[i + 1] - data[i] < words) continue;
      const start = data[i], end = data[i + 1];
      data[i] = data[spans.length - 2];
      data[i + 1] = data[spans.length - 1];
      spans.length -= 2;
      this.#zero(start, end);
      this.#space.words.fill(0, start, start + 2); // the cell: also where memory was never used, which `Space` knows to be zero
      this.spanStart = start;
      this.spanEnd = end;
      return true;
    }
    return false;
  }

  /** A block to allocate from, marked as taken; -1: there is none. */
  #nextBlock(sizeBytes: number): number {
    while (this.#cursor < this.#count) {
      const block = this.#cursor++;
      if (this.#mayTake(block, Math.max(ROOMY_BYTES, sizeBytes))) return this.#mark(block);
    }
    if (this.#count < this.#options.most) {
      const block = this.#count;
      this.#cover(block + 1);
      this.#cursor = block + 1;
      return this.#mark(block);
    }
    while (this.#tightCursor < this.#count) {
      const block = this.#tightCursor++;
      if (this.#mayTake(block, Math.max(TIGHT_BYTES, sizeBytes))) return this.#mark(block);
    }
    return -1;
  }

  #mayTake(block: number, bytes: number): boolean {
    const state = this.#states[block];
    if (state === State.free) return true;
    return state === State.used && this.#isTaken[block] === 0 && BLOCK_BYTES - this.#live[block] >= bytes;
  }

  #mark(block: number): number {
    this.#isTaken[block] = 1;
    return block;
  }

  /** Finds the free spans of a block, joining cells. */
  #findSpans(block: number): void {
    const first = block << BLOCK_WORDS_LOG2;
    const blockEnd = first + BLOCK_WORDS;
    const spans = this.#spans;
    if (this.#states[block] === State.free) {
      this.#states[block] = State.used;
      this.#makeCell(first, blockEnd);
      spans.push(first);
      spans.push(blockEnd);
      return;
    }
    let free = first;
    const close = (end: number) => {
      if (end === free) return;
      this.#makeCell(free, end);
      if (end - free < SPAN_BYTES >> 2) return;
      spans.push(free);
      spans.push(end);
    };
    this.#walkBlock(block, 0, (word, size) => {
      close(word);
      free = word + size;
    });
    close(blockEnd);
  }

  // ---- Words. ----

  /** The objects of a block in use. */
  #walkBlock(block: number, next: number, visit: WordVisitor): void {
    const { words, start } = this.#space;
    const blockEnd = (block + 1) << BLOCK_WORDS_LOG2;
    for (let word = block << BLOCK_WORDS_LOG2; word < blockEnd;) {
      if (word === next && next < this.spanEnd) {
        word = this.spanEnd;
      } else if (words[word] === 0) {
        word += this.#cellWords(word, blockEnd);
      } else {
        const size = objectWords(this.#types, words, word, blockEnd, start);
        visit(word, size);
        word += size;
      }
    }
  }

  /** Words of the cell at `word`. */
  #cellWords(word: number, end: number): number {
    const size = this.#space.words[word + 1] >>> 2;
    if (!(size >= 2 && word + size <= end)) corruptReference(this.#space.start + word * 4);
    return size;
  }

  #makeCell(word: number, end: number): void {
    const { words } = this.#space;
    words[word] = 0;
    words[word + 1] = (end - word) * 4;
  }

  #freeWords(word: number, end: number): void {
    if (this.#options.reuse === "late") this.#space.words.fill(POISON, word, end);
    this.#makeCell(word, end);
  }

  #zero(word: number, end: number): void {
    const { start } = this.#space;
    this.#space.zero(start + word * 4, start + end * 4);
  }

  // ---- Runs of blocks. ----

  /** The first of so many free blocks in a row, which may be new ones; -1: there are none. */
  #findRun(blocks: number): number {
    for (let from = this.#largeCursor;; from = 0) {
      let length = 0;
      for (let block = from; block < this.#count; block++) {
        length = this.#states[block] === State.free ? length + 1 : 0;
        if (length === blocks) return this.#largeCursor = block + 1 - blocks;
      }
      if (this.#count - length + blocks <= this.#options.most) {
        return this.#largeCursor = this.#count - length;
      }
      if (from === 0) return -1;
    }
  }

  #freeRun(block: number, size: number): void {
    const end = block + Math.ceil(size / BLOCK_WORDS);
    if (end > this.#count) bug("a large object has more blocks than there are");
    this.#states.fill(State.free, block, end);
  }

  /** Makes sure that there are at least `count` blocks, committed. */
  #cover(count: number): void {
    if (count <= this.#count) return;
    this.#space.commitTo(this.#space.start + count * BLOCK_BYTES);
    this.#states = growUint8(this.#states, count);
    this.#isTaken = growUint8(this.#isTaken, count);
    this.#live = growInt32(this.#live, count);
    this.#count = count;
  }
}
