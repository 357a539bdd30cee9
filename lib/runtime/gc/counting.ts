/**
 * The counting collector: deferred reference counting (L. P. Deutsch, D. Bobrow, "An efficient, incremental, automatic garbage collector", 1976).
 *
 * An object's count is that of the references to it in other objects and of its handle. References in stacks, globals, tables and
 * segments, which come and go all the time, are not counted: an object whose count is zero goes into the zero-count table, and a
 * collection frees those in the table that none of these roots has. What an object that is freed referred to loses a count each, and may follow.
 *
 * Stores into objects are not counted either when they happen: machine code appends the reference that was there and the new one to a log
 * (GC-L), which is counted when it is full or at the next collection, all additions before all subtractions.
 *
 * New objects are not counted at all before a collection has found that they are alive (S. Blackburn, R. Shahriyar, "Down for the count? Getting
 * reference counting back in the ring", ISMM 2012): a root or a counted object refers to them. Then they are *promoted*: what they
 * refer to is counted, and from then on their stores are logged. What was not promoted is dead without having been touched by any counting, so
 * objects that die young cost no more than their share in the walk over new memory (block_space.ts).
 *
 * Counting alone never frees a cycle that has been promoted. When the heap has grown to a multiple of what it was, or would have to grow beyond
 * its limit, a *tracing* collection follows the counting one: it marks what is reachable and frees the rest, subtracting what that referred to,
 * so counts stay exact.
 *
 * In the header's upper bits: counted (the object is promoted), rooted (a root has it, or tracing has marked it: only during a collection), zero
 * (it is in the zero-count table), and the count in three bits; MANY means that the count is in a table of large ones.
 *
 * RC-1  Whenever the log is empty, the count of each promoted object is the number of references to it in promoted objects, and 1 more if it has a
 *       handle that is a root. What young objects refer to is not counted.
 * RC-2  A promoted object whose count is zero is in the zero-count table; after a collection, some root has it.
 * RC-3  Outside of collections the rooted bit is nowhere set. After a collection no object is young.
 * RC-4  A reference that is neither 0, i31 nor in a block with objects ends the collection as a defect.
 * RC-5  Continuations that are promoted are asked for the references on their stacks at each collection, and only then: those are roots as long
 *       as the object has not been found dead.
 */

import {
  GC_COUNTED_BIT,
  GC_HANDLE_MASK,
  GC_KIND_SHIFT,
  GC_LOG_ENTRY_BYTES,
  GC_LOG_START,
  GcCont,
  GcKind,
  VMStoreContext,
} from "../../abi/mod.ts";
import { bug, IntList } from "../../base/mod.ts";
import { BLOCK_BYTES, BlockSpace } from "./block_space.ts";
import type { Collector, CollectorAudit, RootVisitor } from "./collector.ts";
import {
  GROWTH,
  type HeapEnvironment,
  type HeapOptions,
  isHeapFull,
  KEEP_BYTES,
  spaceBytesOf,
} from "./collector_options.ts";
import { CountTable } from "./count_table.ts";
import { corruptReference, objectWords, visitObject } from "./objects.ts";
import { HeapMemory, type Space } from "./space.ts";

const { gcHeapBase, gcHeapBound, gcNext, gcLimit, gcLogNext, gcLogEnd } = VMStoreContext.offsets;

const COUNTED = GC_COUNTED_BIT;
const ROOTED = COUNTED << 1;
const ZERO = COUNTED << 2;
const COUNT_SHIFT = 29;
const ONE = 1 << COUNT_SHIFT;
/** In the header: the count is in the table. */
const MANY = 7;
/** A count that has fallen to this comes back from the table into the header: not at once, so that it does not go to and fro. */
const FEW = 3;

/** What is allocated between two collections: enough to make scanning roots worth while, little enough for a cache. */
const EPOCH_BYTES = 4 << 20;
/** A small heap's epoch is this part of it. */
const EPOCH_PART = 4;
/** Promoted objects may have this many bytes before there is a tracing collection. */
const MINIMUM_BYTES = 32 << 20;
/** Under stress, of so many collections one is a tracing one. */
const STRESS_TRACE = 8;
/** Bytes of the log: what a second-level cache has room for. */
const LOG_BYTES = 256 * 1024;
/** Of a log under stress: it is full all the time. */
const STRESS_LOG_BYTES = 4 * GC_LOG_ENTRY_BYTES;

/** Blocks beyond the limit of objects: what is lost in gaps of a small heap, and at the ends of large objects. */
const SPARE_BLOCKS = 4;

/** Words of the object of a continuation. */
const CONT_WORDS = GcCont.sizeBytes >> 2;

/** What is done with a reference that is visited. */
const Visit = { root: 0, add: 1, subtract: 2, mark: 3, subtractMarked: 4 } as const;

/** A counting collector and its heap. */
export class CountingCollector implements Collector, RootVisitor {
  readonly baseAddress: number;
  readonly memory: HeapMemory;
  collections = 0;
  /** Those of the collections that traced. */
  tracingCollections = 0;
  /** How often the log was full. */
  logsFilled = 0;
  readonly #environment: HeapEnvironment;
  readonly #limitBytes: number;
  readonly #epochBytes: number;
  readonly #collectAlways: boolean;
  readonly #space: Space;
  readonly #start: number;
  readonly #blocks: BlockSpace;
  readonly #log: Int32Array;
  readonly #logEnd: number;
  /** Promoted bytes before there is a tracing collection. */
  #softBytes: number;
  /** What objects may fill before the account is asked again; at most what they have and the open span. */
  #chargedBytes = 0;
  /** The last tracing collection found hardly anything to free: nothing is allocated before the next. */
  #isFull = false;

  // All lists are of first words of objects.
  /** Promoted objects whose count was zero at some time. */
  readonly #zeroes = new IntList();
  /** Promoted objects whose references are to be counted, or marked ones whose references are to be marked. */
  readonly #pending = new IntList();
  readonly #rooted = new IntList();
  readonly #dead = new IntList(0);
  /** Promoted continuations. */
  readonly #continuations = new IntList(0);
  readonly #large = new CountTable();
  #words: Int32Array<ArrayBuffer>;
  #visiting: number = Visit.root;
  #isCollecting = false;
  /** Bytes of young objects that full logs have promoted since the last collection: the blocks count them as live and as young. */
  #promotedBytes = 0;

  /** @throws {HostError} when the address space is refused. */
  constructor(environment: HeapEnvironment, options: HeapOptions) {
    const spaceBytes = spaceBytesOf(1);
    this.#environment = environment;
    this.#collectAlways = options.collectAlways;
    this.#limitBytes = Math.min(options.limitBytes, spaceBytes - SPARE_BLOCKS * BLOCK_BYTES);
    this.#epochBytes = Math.min(EPOCH_BYTES, Math.max(BLOCK_BYTES / 2, this.#limitBytes / EPOCH_PART));
    this.#softBytes = Math.min(MINIMUM_BYTES, this.#limitBytes);
    this.memory = new HeapMemory(1, spaceBytes);
    this.baseAddress = this.memory.reservation.address;
    this.#space = this.memory.spaces[0];
    this.#start = this.#space.start;
    this.#words = this.#space.words;
    this.#blocks = new BlockSpace(this.#space, environment.types, {
      most: Math.min(Math.floor(spaceBytes / BLOCK_BYTES), Math.ceil(this.#limitBytes / BLOCK_BYTES) + SPARE_BLOCKS),
      reuse: options.collectAlways ? "late" : "early",
    });
    const logBytes = options.collectAlways ? STRESS_LOG_BYTES : LOG_BYTES;
    this.#log = this.memory.logOf(logBytes);
    this.#logEnd = GC_LOG_START + logBytes;
    const { storeContext } = environment;
    storeContext.setAddress(gcHeapBase, this.baseAddress);
    storeContext.setI32(gcLogNext, GC_LOG_START);
    storeContext.setI32(gcLogEnd, this.#logEnd);
    this.#publish(0);
  }

  get words(): Int32Array<ArrayBuffer> {
    return this.#space.words;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#space.bytes;
  }

  get start(): number {
    return this.#start;
  }

  get usedBytes(): number {
    return this.#bytesBefore(this.#next());
  }

  prepare(sizeBytes: number): void {
    const young = this.usedBytes - this.#oldBytes;
    if (this.#collectAlways || this.#isFull) this.#collect(sizeBytes);
    else if (this.usedBytes + sizeBytes > this.#limitBytes || young !== 0 && young + sizeBytes > this.#epochBytes) {
      this.#collect(sizeBytes);
    } else if (this.#reserve(sizeBytes)) return;
    else this.#collect(sizeBytes);
    // Memory in pieces that are too small: tracing may join some.
    if (!this.#isFull && !this.#reserve(sizeBytes)) this.#collect(sizeBytes, "trace");
  }

  allocate(typeWord: number, sizeBytes: number): number {
    if (this.#isFull || this.usedBytes + sizeBytes > this.#limitBytes) return 0;
    let word: number;
    if (this.#blocks.isLarge(sizeBytes)) {
      word = this.#takeLarge(sizeBytes);
      if (word < 0) return 0;
    } else {
      if (!this.#reserve(sizeBytes)) return 0;
      word = this.#next();
      this.#publish(word + (sizeBytes >>> 2));
    }
    this.#space.words[word] = typeWord;
    return this.#start + word * 4;
  }

  collect(): void {
    this.#collect(0, "trace");
  }

  // ---- Barriers. ----

  readonly hasBarriers = true;

  writeBarrier(object: number, _place: number, old: number, value: number): void {
    if ((this.#space.words[((object - this.#start) >>> 2) + 1] & COUNTED) !== 0) this.#append(old, value);
  }

  // What is outside of the heap is looked at by each collection ...
  readonly hasRootBarriers = false;
  rootBarrier(_old: number, _value: number): void {}

  // ... but for handles, of which JavaScript may have many.
  readonly countsHandles = true;

  cloneBarrier(reference: number): void {
    this.#append(0, reference);
  }

  dropBarrier(reference: number): void {
    this.#append(reference, 0);
  }

  logFull(): void {
    this.logsFilled++;
    this.#words = this.#space.words;
    this.#environment.types.sync();
    try {
      this.#countLog();
    } finally {
      // Whatever is wrong in the heap, machine code finds room for its next entry (GC-L).
      this.#environment.storeContext.setI32(gcLogNext, GC_LOG_START);
    }
  }

  #append(old: number, value: number): void {
    const { storeContext } = this.#environment;
    const next = storeContext.getI32(gcLogNext);
    const at = (next - GC_LOG_START) >> 2;
    this.#log[at] = old;
    this.#log[at + 1] = value;
    storeContext.setI32(gcLogNext, next + GC_LOG_ENTRY_BYTES);
    if (next + GC_LOG_ENTRY_BYTES === this.#logEnd) this.logFull();
  }

  // ---- Verification. ----

  forEachObject(visit: (reference: number, sizeBytes: number) => void): void {
    this.#environment.types.sync();
    this.#blocks.forEachObject(this.#next(), (word, size) => visit(this.#start + word * 4, size * 4));
  }

  readonly audit: CollectorAudit = {
    countOf: (reference) => {
      if (this.#environment.storeContext.getI32(gcLogNext) !== GC_LOG_START) return undefined;
      const word = (reference - this.#start) >>> 2;
      const count = this.#space.words[word + 1] >>> COUNT_SHIFT;
      return count === MANY ? this.#large.get(word) : count;
    },
    isYoung: (reference) => (this.#space.words[((reference - this.#start) >>> 2) + 1] & COUNTED) === 0,
  };

  release(): void {
    this.memory.release();
  }

  // ---- Allocation. ----

  /** Word of the next object in the open span. */
  #next(): number {
    if (this.#blocks.spanEnd === 0) return 0;
    return ((this.#environment.storeContext.getI32(gcNext) >>> 0) - this.#start) >>> 2;
  }

  /** Says where the next object goes, and how far machine code may allocate: to the end of the span, or not at all. */
  #publish(next: number): void {
    const { storeContext } = this.#environment;
    storeContext.setI32(gcNext, this.#start + next * 4);
    const blocks = this.#blocks;
    const room = Math.min(this.#limitBytes, this.#chargedBytes) - this.#bytesBefore(next);
    const end = this.#collectAlways ? next : Math.max(next, Math.min(blocks.spanEnd, next + (room >>> 2)));
    storeContext.setI32(gcLimit, this.#start + end * 4);
  }

  /** Makes sure that the open span has room for so many bytes; for a large object, that there are blocks. False: there is no memory. */
  #reserve(sizeBytes: number): boolean {
    const blocks = this.#blocks;
    if (blocks.isLarge(sizeBytes)) {
      return blocks.hasRun(sizeBytes) && this.#environment.account.allowsHeap(this.#chargedBytes + sizeBytes);
    }
    let next = this.#next();
    if (next + (sizeBytes >>> 2) > blocks.spanEnd) {
      blocks.retire(next);
      try {
        blocks.take(sizeBytes);
      } catch {
        // The system has no memory.
      }
      next = blocks.spanStart;
      this.#publishBound();
    }
    const hasRoom = blocks.spanEnd !== 0 && this.#charge(this.#bytesBefore(next), sizeBytes, blocks.spanEnd - next);
    this.#publish(next);
    return hasRoom;
  }

  /** Charges for what is made next: for as many words as the span has, or only for what is asked for. */
  #charge(before: number, sizeBytes: number, words: number): boolean {
    if (before + sizeBytes <= this.#chargedBytes) return true;
    const { account } = this.#environment;
    for (const bytes of [before + words * 4, before + sizeBytes]) {
      if (!account.chargeHeap(bytes)) continue;
      this.#chargedBytes = bytes;
      return true;
    }
    return false;
  }

  /** Bytes of the objects that the last collection has left. */
  get #oldBytes(): number {
    return this.#blocks.liveBytes - this.#promotedBytes;
  }

  /** Bytes of objects when the next one in the span would be at word `next`. */
  #bytesBefore(next: number): number {
    const { youngBytes, spanStart } = this.#blocks;
    return this.#oldBytes + youngBytes + (next - spanStart) * 4;
  }

  #takeLarge(sizeBytes: number): number {
    const { account } = this.#environment;
    const charged = this.#chargedBytes;
    if (!account.chargeHeap(charged + sizeBytes)) return -1;
    let word = -1;
    try {
      word = this.#blocks.takeLarge(sizeBytes);
    } catch {
      // The system has no memory.
    }
    if (word < 0) account.chargeHeap(charged);
    else this.#chargedBytes = charged + sizeBytes;
    this.#publishBound();
    return word;
  }

  #publishBound(): void {
    this.#environment.storeContext.setAddress(gcHeapBound, this.#start + this.#space.committedBytes);
  }

  // ---- Collections. ----

  #collect(extraBytes: number, depth: "count" | "trace" = "count"): void {
    const { types, roots, continuations, account, beginCollection } = this.#environment;
    account.noteHeap(this.usedBytes);
    beginCollection();
    types.sync();
    const blocks = this.#blocks;
    blocks.retire(this.#next());
    this.#words = this.#space.words;
    this.#isCollecting = true;
    this.#promotedBytes = 0;

    this.#visiting = Visit.root;
    roots.visitRoots(this);
    this.#reachContinuations();
    this.#countLog();
    this.#freeZeroes();
    this.#unroot();
    blocks.sweepYoung(this.#isCounted, this.#youngDied);
    continuations.sweep();
    this.collections++;
    if (
      depth === "trace" || this.#isFull || blocks.liveBytes > this.#softBytes ||
      blocks.liveBytes + extraBytes > this.#limitBytes ||
      this.#collectAlways && this.collections % STRESS_TRACE === 0
    ) this.#trace(extraBytes);
    this.#isCollecting = false;
    this.#forgetContinuations();
    blocks.endEpoch();
    this.#chargedBytes = blocks.liveBytes;
    account.chargeHeap(this.#chargedBytes);
    this.#publish(0);
  }

  /** Frees what roots do not reach though it is counted; right behind a collection that counted, before anything else happens. */
  #trace(extraBytes: number): void {
    const { types, roots, handles, continuations, account } = this.#environment;
    const words = this.#words;
    const blocks = this.#blocks;
    this.#visiting = Visit.mark;
    handles.visitRoots(this);
    roots.visitRoots(this);
    while (this.#pending.length > 0) visitObject(types, continuations, words, this.#pending.pop(), this);

    const dead = this.#dead;
    dead.reset();
    blocks.forEachObject(0, (word) => {
      if ((words[word + 1] & ROOTED) === 0) dead.push(word);
    });
    // Only what dead continuations had can be here and not be marked.
    let kept = 0;
    for (let i = 0; i < this.#zeroes.length; i++) {
      const word = this.#zeroes.data[i];
      if ((words[word + 1] & ROOTED) !== 0) this.#zeroes.data[kept++] = word;
    }
    this.#zeroes.length = kept;
    this.#visiting = Visit.subtractMarked;
    for (let i = 0; i < dead.length; i++) {
      const word = dead.data[i];
      if (words[word] >>> GC_KIND_SHIFT !== GcKind.cont) visitObject(types, continuations, words, word, this);
    }
    for (let i = 0; i < dead.length; i++) {
      const word = dead.data[i];
      if (words[word + 1] >>> COUNT_SHIFT === MANY) this.#large.delete(word);
      this.#externDied(word);
      blocks.free(word, objectWords(types, words, word, words.length, this.#start));
    }
    this.#unroot();
    continuations.sweep();
    this.tracingCollections++;

    const { liveBytes } = blocks;
    const limit = this.#limitBytes;
    this.#isFull = isHeapFull(liveBytes, limit, account);
    this.#softBytes = Math.min(
      limit,
      Math.max(MINIMUM_BYTES, liveBytes * GROWTH, liveBytes + extraBytes + this.#epochBytes),
    );
    blocks.trim(KEEP_BYTES);
  }

  /** Counts what the log says, and what objects refer to that are promoted by it. Frees nothing. */
  #countLog(): void {
    const { storeContext } = this.#environment;
    const log = this.#log;
    const length = (storeContext.getI32(gcLogNext) - GC_LOG_START) >> 2;
    for (let i = 1; i < length; i += 2) if (isObject(log[i])) this.#add(this.#wordOf(log[i]));
    this.#promote();
    for (let i = 0; i < length; i += 2) if (isObject(log[i])) this.#subtract(this.#wordOf(log[i]));
    storeContext.setI32(gcLogNext, GC_LOG_START);
  }

  /** Counts what newly promoted objects refer to. */
  #promote(): void {
    const { types, continuations } = this.#environment;
    const words = this.#words;
    const pending = this.#pending;
    while (pending.length > 0) {
      const word = pending.pop();
      if (words[word] >>> GC_KIND_SHIFT === GcKind.cont) {
        this.#continuations.push(word);
        if (!this.#isCollecting) {
          // It may be bound or resumed before there is a collection, which will look (RC-3, RC-5).
          this.#promoteWords(word, CONT_WORDS);
          continue;
        }
        this.#visiting = Visit.root;
      } else this.#visiting = Visit.add;
      this.#promoteWords(word, visitObject(types, continuations, words, word, this));
    }
  }

  #promoteWords(word: number, size: number): void {
    this.#blocks.promote(word, size);
    if (!this.#isCollecting) this.#promotedBytes += size * 4;
  }

  /** Frees the objects whose count is zero and that no root has, and those whose count becomes zero by that. */
  #freeZeroes(): void {
    const words = this.#words;
    const zeroes = this.#zeroes;
    const { types, continuations } = this.#environment;
    this.#visiting = Visit.subtract;
    let kept = 0;
    for (let i = 0; i < zeroes.length; i++) {
      const word = zeroes.data[i];
      const info = words[word + 1];
      if (info >>> COUNT_SHIFT !== 0) words[word + 1] = info & ~ZERO;
      else if ((info & ROOTED) !== 0) zeroes.data[kept++] = word;
      else if (words[word] >>> GC_KIND_SHIFT === GcKind.cont) {
        if (words[word + 2] !== 0) continuations.died(words[word + 2]);
        this.#blocks.free(word, CONT_WORDS);
      } else {
        const size = visitObject(types, continuations, words, word, this);
        this.#externDied(word);
        this.#blocks.free(word, size);
      }
    }
    zeroes.length = kept;
  }

  #unroot(): void {
    const words = this.#words;
    const { data, length } = this.#rooted;
    for (let i = 0; i < length; i++) words[data[i] + 1] &= ~ROOTED;
    this.#rooted.reset();
  }

  /** Shows what is on the stacks of promoted continuations, as roots (RC-5). */
  #reachContinuations(): void {
    const { continuations } = this.#environment;
    for (let i = 0; i < this.#continuations.length; i++) {
      continuations.reach(this.#words[this.#continuations.data[i] + 2], this);
    }
  }

  /** Takes those that died off the list: their memory is still as it was left. */
  #forgetContinuations(): void {
    const list = this.#continuations;
    let kept = 0;
    for (let i = 0; i < list.length; i++) {
      const word = list.data[i];
      if (this.#words[word] >>> GC_KIND_SHIFT === GcKind.cont) list.data[kept++] = word;
    }
    list.length = kept;
  }

  readonly #isCounted = (word: number): boolean => (this.#words[word + 1] & COUNTED) !== 0;

  readonly #youngDied = (word: number): void => this.#externDied(word);

  /** Frees the handle of an external object; what is told of other objects does nothing. */
  #externDied(word: number): void {
    if (this.#words[word] >>> GC_KIND_SHIFT !== GcKind.extern) return;
    const handle = this.#words[word + 1] & GC_HANDLE_MASK;
    if (handle !== 0) this.#environment.weak.externDied(handle);
  }

  // ---- References. ----

  visitRange(words: Int32Array, start: number, end: number): void {
    for (let i = start; i < end; i++) if (isObject(words[i])) this.#visitWord(this.#wordOf(words[i]));
  }

  visit(words: Int32Array, index: number): void {
    const reference = words[index];
    if (isObject(reference)) this.#visitWord(this.#wordOf(reference));
  }

  #visitWord(word: number): void {
    switch (this.#visiting) {
      case Visit.add:
        return this.#add(word);
      case Visit.subtract:
        return this.#subtract(word);
      case Visit.root:
        return this.#root(word);
      case Visit.mark:
        return this.#mark(word);
      case Visit.subtractMarked:
        if ((this.#words[word + 1] & ROOTED) !== 0) this.#subtract(word);
    }
  }

  /** The first word of an object (RC-4). */
  #wordOf(reference: number): number {
    const word = ((reference >>> 0) - this.#start) >>> 2;
    if ((reference & 7) !== 0 || !this.#blocks.contains(word)) corruptReference(reference);
    return word;
  }

  /** A root has the object. */
  #root(word: number): void {
    const words = this.#words;
    const info = words[word + 1];
    if ((info & ROOTED) !== 0) return;
    this.#rooted.push(word);
    if ((info & COUNTED) !== 0) words[word + 1] = info | ROOTED;
    else {
      words[word + 1] = info | ROOTED | COUNTED | ZERO;
      this.#zeroes.push(word); // RC-2
      this.#pending.push(word);
    }
  }

  /** Tracing has reached the object. */
  #mark(word: number): void {
    const info = this.#words[word + 1];
    if ((info & ROOTED) !== 0) return;
    this.#words[word + 1] = info | ROOTED;
    this.#rooted.push(word);
    this.#pending.push(word);
  }

  /** One more object, or a handle, refers to this one. */
  #add(word: number): void {
    const words = this.#words;
    const info = words[word + 1];
    const count = info >>> COUNT_SHIFT;
    if (count === MANY) this.#large.add(word, 1);
    else {
      words[word + 1] = (info + ONE) | COUNTED;
      if (count === MANY - 1) this.#large.add(word, MANY);
      else if ((info & COUNTED) === 0) this.#pending.push(word);
    }
  }

  /** One object less refers to this one. */
  #subtract(word: number): void {
    const words = this.#words;
    const info = words[word + 1];
    const count = info >>> COUNT_SHIFT;
    if (count === 0 || (info & COUNTED) === 0) {
      bug(`an object at 0x${(this.#start + word * 4).toString(16)} has a count below zero`);
    }
    if (count === MANY) {
      if (this.#large.add(word, -1) > FEW) return;
      this.#large.delete(word);
      words[word + 1] = info - (MANY - FEW) * ONE;
    } else if (count > 1 || (info & ZERO) !== 0) words[word + 1] = info - ONE;
    else {
      words[word + 1] = (info - ONE) | ZERO;
      this.#zeroes.push(word); // RC-2
    }
  }
}

/** Whether a reference is one to an object: neither null nor an unboxed scalar. */
function isObject(reference: number): boolean {
  return reference !== 0 && (reference & 1) === 0;
}
