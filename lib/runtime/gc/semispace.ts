/**
 * The copying collector: two spaces, one in use; a collection copies what is reachable into the other (C. J. Cheney, "A nonrecursive list
 * compacting algorithm", 1970).
 *
 * The copied objects themselves are the queue: what lies between `scan` and `next` in the new space has not had its references updated. An
 * object that has moved says where to in its old header. So a collection costs what is alive, needs no mark bits and no stack, and leaves
 * free space in one piece: allocation adds to an index, in machine code as long as the piece that was zeroed in advance lasts (GC-A).
 *
 * ```
 * heap    64 KiB unreadable | card table, not used | space 0, half of what is left | space 1 (or more spaces, used in turn, for tests)
 * space   objects ... next | zeroed up to clean | not zeroed ... soft limit: collect before this is passed | hard limit
 * ```
 * The soft limit is a multiple of what the last collection found alive, so the work of collecting stays proportional to that of allocating. Past it
 * the runtime may still allocate without collecting (COLLECT-1), up to the hard limit, which is the heap's limit.
 *
 * LINEAR-1 and LINEAR-2 hold (linear_collector.ts).
 *
 * SEMI-3  A reference that is neither 0, i31 nor the start of an object between the space's start and gcNext ends the collection as a defect.
 */

import type { RootVisitor } from "./collector.ts";
import {
  CHUNK_BYTES,
  GROWTH,
  type HeapEnvironment,
  type HeapOptions,
  isHeapFull,
  KEEP_BYTES,
  spaceBytesOf,
  spaceCountOf,
} from "./collector_options.ts";
import { LinearCollector } from "./linear_collector.ts";
import { corruptReference, FORWARDED_WORD, moveObject, objectWords, visitObject } from "./objects.ts";
import { HeapMemory } from "./space.ts";

/** The soft limit is at least this. */
const MINIMUM_BYTES = 4 << 20;

/** A copying collector and its heap. */
export class SemispaceCollector extends LinearCollector implements RootVisitor {
  readonly #environment: HeapEnvironment;
  readonly #limitBytes: number;
  readonly #collectAlways: boolean;
  #place = 0;

  // State of a collection.
  #from = new Int32Array(0);
  #fromStart = 0;
  /** Words of objects in the old space. */
  #fromWords = 0;
  #to = new Int32Array(0);
  #toStart = 0;
  /** Next free word in the new space. */
  #toNext = 0;

  /** @throws {HostError} when the address space is refused. */
  constructor(environment: HeapEnvironment, options: HeapOptions) {
    const spaceCount = spaceCountOf(options);
    const spaceBytes = spaceBytesOf(spaceCount);
    const limitBytes = Math.min(options.limitBytes, spaceBytes);
    super(environment, new HeapMemory(spaceCount, spaceBytes), Math.min(MINIMUM_BYTES, limitBytes), limitBytes);
    this.#environment = environment;
    this.#limitBytes = limitBytes;
    this.#collectAlways = options.collectAlways;
  }

  prepare(sizeBytes: number): void {
    const end = this.next + sizeBytes;
    // Beyond the hard end the allocation fails anyway, unless the guest has let go of something since the heap was found full.
    if (this.#collectAlways || end > this.softEnd || end > this.hardEnd || this.#isRefused(end)) {
      this.#collect(sizeBytes);
    }
  }

  collect(): void {
    this.#collect(0);
  }

  /** Whether objects up to `end` are more than the account gives. */
  #isRefused(end: number): boolean {
    return end > this.cleanEnd && !this.account.allowsHeap(end - this.space.start);
  }

  /** Machine code allocates up to where memory is zeroed, or not at all when every allocation shall collect. */
  protected override limitAt(next: number): number {
    return this.#collectAlways ? next : super.limitAt(next);
  }

  #collect(extraBytes: number): void {
    const emptied = this.space;
    const { usedBytes } = this;
    const place = (this.#place + 1) % this.memory.spaces.length;
    const other = this.memory.spaces[place];
    // Never more than is in use: an object that is reached twice is copied once.
    try {
      other.commitTo(other.start + usedBytes);
    } catch {
      return; // nothing has moved yet; the allocation that asked finds the heap full
    }
    const { types, roots, weak, continuations, account } = this.#environment;
    account.noteHeap(usedBytes);
    this.#environment.beginCollection();
    types.sync();
    this.#from = emptied.words;
    this.#fromStart = emptied.start;
    this.#fromWords = usedBytes >>> 2;
    this.#to = other.words;
    this.#toStart = other.start;
    this.#toNext = 0;

    roots.visitRoots(this);
    // What is copied is a queue: its references are not updated yet, and updating them copies more.
    for (let scan = 0; scan < this.#toNext;) scan += visitObject(types, continuations, this.#to, scan, this);
    weak.visitWeak((reference) => this.#movedTo(reference));

    const liveBytes = this.#toNext * 4;
    this.#place = place;
    this.space = other;
    this.#from = this.#to = new Int32Array(0);
    const next = other.start + liveBytes;
    if (next > other.dirtyEnd) other.dirtyEnd = next;
    this.cleanEnd = next;
    account.chargeHeap(liveBytes);
    const isFull = isHeapFull(liveBytes, this.#limitBytes, account);
    this.hardEnd = isFull ? next : other.start + this.#limitBytes;
    this.softEnd = other.start +
      Math.min(this.#limitBytes, Math.max(MINIMUM_BYTES, liveBytes * GROWTH, liveBytes + extraBytes + CHUNK_BYTES));
    if (this.#collectAlways || emptied.committedBytes > KEEP_BYTES) emptied.decommit();
    this.publish(next);
    this.publishBound();
    this.collections++;
  }

  visitRange(words: Int32Array, start: number, end: number): void {
    for (let i = start; i < end; i++) this.visit(words, i);
  }

  visit(words: Int32Array, index: number): void {
    const reference = words[index];
    if (reference === 0 || (reference & 1) !== 0) return;
    const from = this.#from;
    const word = ((reference >>> 0) - this.#fromStart) >>> 2;
    if (word >= this.#fromWords || (reference & 7) !== 0) corruptReference(reference); // SEMI-3
    if (from[word] === FORWARDED_WORD) {
      words[index] = from[word + 1];
      return;
    }
    const size = objectWords(this.types, from, word, this.#fromWords, this.#fromStart);
    const target = this.#toNext;
    this.#toNext = target + size;
    const moved = this.#toStart + target * 4;
    moveObject(from, word, size, this.#to, target, moved);
    words[index] = moved;
  }

  /** Where an object of the old space is now, 0 if it was not reached. */
  #movedTo(reference: number): number {
    const word = ((reference >>> 0) - this.#fromStart) >>> 2;
    if (word >= this.#fromWords) corruptReference(reference);
    return this.#from[word] === FORWARDED_WORD ? this.#from[word + 1] >>> 0 : 0;
  }
}
