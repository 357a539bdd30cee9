/**
 * The generational collector: most objects die young (H. Lieberman, C. Hewitt, "A real-time garbage collector based on the lifetimes of objects",
 * 1983; D. Ungar, "Generation scavenging", 1984), so new ones get a small piece of memory of their own, and what of it is still reachable when it
 * is full moves to the old objects. Such a *minor* collection looks at roots, at what it moves, and at the few old objects that were written
 * since the last one; a *major* one copies everything into another space, as the copying collector does (semispace.ts).
 *
 * ```
 * heap    64 KiB unreadable | card table | space 0 | space 1 (or more spaces, used in turn, for tests)
 * space   nursery: objects ... gcNext | zeroed up to clean | not zeroed        old objects ... oldEnd | free
 * ```
 * Which old objects were written, code says: it sets a byte for each 512 bytes of heap that it stores references to (GC-W; P. Wilson, T. Moher, "A card-marking
 * scheme for controlling intergenerational references", 1989). To find the objects of a marked card, the first object that starts in each card is
 * known (`#starts`), entered while promoted objects are walked anyway.
 *
 * Some programs keep nearly everything that they make for long: copying it twice is waste. So when a minor collection finds nine tenths alive, or two
 * in a row more than 0.6, new objects are made right behind the old ones (*direct*), and only major collections come, as many as the copying
 * collector would have. A major collection says what lives of what was made since the one before: while that is more than 0.6 as well, a nursery
 * would find even more alive, and is not tried. Otherwise it is tried again after two of them, and twice as many after each vain try, up to 16: a try
 * costs 4 MiB of copying, a sixth of what a major collection of `splay` copies. `splay` keeps 27 MB and replaces them without end; a fresh object lives
 * for some 50 MB of allocation, far longer than any nursery lasts.
 *
 * A guest that is done in a fifth of a second spends most of that time on collections that V8 has not compiled yet. What moves objects is therefore one
 * loop over local variables (`#scanPiece`), with what is rare behind calls. It is called for a few dozen objects at a time, so that better code is
 * used from the next call on, and it is arranged so that this code is not thrown away in the middle of the second collection: all its numbers are
 * small integers (GEN-6), where references beyond 2^30, which come with the second space, would be news; and tables are large enough beforehand.
 * `splay`'s first major collection takes 39 ms by that (58 with a visitor's method for each field and what V8 does about it), and 17 when everything is
 * warm (36).
 *
 * GEN-1  Outside of collections the nursery's objects lie without gaps from `#youngStart` to gcNext, old ones from the nursery's end to `#oldEnd`.
 *        While allocation is direct, `#youngStart` is `#oldEnd`, the nursery is empty, and every collection is a major one.
 * GEN-2  [gcNext, #cleanEnd) is zero; gcLimit is at most #cleanEnd.
 * GEN-3  An old object that refers to a young one has the card of that place marked. An object that is allocated among the old ones has all its
 *        cards marked, as the stores that fill it mark none (storeInitial).
 * GEN-4  Continuations hold references on stacks that nobody marks cards for: while there are any, every collection is a major one.
 * GEN-5  Young and old objects together never have more bytes than the heap's limit, and a space has room for a full nursery beside that: a minor
 *        collection always finds room in the address space.
 * GEN-6  A collection counts in words, so that indices are small integers wherever the space lies; a reference is made by `Math.imul`, whose result
 *        V8 expects to have 32 bits.
 */

import { GC_CARD_LOG2, GC_KIND_SHIFT, GC_TYPE_ID_MASK, GcKind, VMStoreContext } from "../../abi/mod.ts";
import { bug, growInt32 } from "../../base/mod.ts";
import { PAGE_BYTES } from "../../host/mod.ts";
import type { Collector, CollectorAudit, RootVisitor } from "./collector.ts";
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
import { corruptReference, FORWARDED_WORD, moveObject, objectWords, visitObject, walkObjects } from "./objects.ts";
import { HeapMemory, type Space } from "./space.ts";

const { gcHeapBase, gcHeapBound, gcNext, gcLimit } = VMStoreContext.offsets;

/** A nursery has as much as makes a minor collection worth its fixed cost, and no more than a third-level cache holds. */
const NURSERY_BYTES = 4 << 20;
/** A small heap's nursery is this part of it. */
const NURSERY_PART = 4;
/** An object above this part of a nursery is made among the old ones. */
const LARGE_PART = 4;
/** Old objects may have this many bytes before there is a major collection. */
const MINIMUM_BYTES = 32 << 20;
/** Minor collections that find more than this part of the nursery alive are not worth their while ... */
const HIGH_SURVIVAL = 0.6;
/** ... and end when so many of them came one after the other ... */
const HIGH_SURVIVALS = 2;
/** ... or one that found more than this part alive. */
const FULL_SURVIVAL = 0.9;
/** A nursery that was given up is tried again after so many major collections, twice as many each time ... */
const LEAST_PATIENCE = 2;
/** ... up to so many. */
const MOST_PATIENCE = 16;
/** Of so many collections of a heap that collects always, one is a major one. */
const STRESS_MAJOR = 8;
const CARD_BYTES = 1 << GC_CARD_LOG2;
const CARD_WORDS_LOG2 = GC_CARD_LOG2 - 2;
/** Objects of up to so many words are copied word by word on the spot. */
const SHORT_WORDS = 32;
/** So much is scanned by one call: compiled code that V8 has ready is used from the next call on, without replacing a frame (OSR). */
const PIECE_WORDS = 512;
/** No word of a heap has as large a number. */
const MOST_WORDS = (1 << 30) - 1;

/** A collector with a nursery, and its heap. */
export class GenerationalCollector implements Collector, RootVisitor {
  readonly baseAddress: number;
  readonly memory: HeapMemory;
  collections = 0;
  /** Those of the collections that copied everything. */
  majorCollections = 0;
  readonly #environment: HeapEnvironment;
  readonly #limitBytes: number;
  readonly #nurseryBytes: number;
  readonly #collectAlways: boolean;
  #place = 0;
  #space: Space;
  // Heap indices.
  #youngStart: number;
  #cleanEnd: number;
  #oldEnd: number;
  /** Bytes of old objects before there is a major collection. */
  #softBytes: number;
  /** The last major collection found hardly anything to free: nothing is allocated before the next. */
  #isFull = false;
  /** Whether new objects are made behind the old ones. */
  #isDirect = false;
  /** Minor collections in a row that found most objects alive. */
  #highSurvivals = 0;
  /** Major collections until the nursery is tried again, and what that was set to when it was given up. */
  #patience = 0;
  #lastPatience = 0;
  /** Bytes that the last major collection found alive. */
  #liveBytes = 0;
  /** By card of the space: 1 + the word where the first object starts that starts in it, 0 if none does. */
  #starts = new Int32Array(0);

  // State of a collection: word indices into the space that is collected, and into the one that objects move to; where these start in the heap, in
  // words as well, so that every number is a small integer (GEN-6).
  #isMinor = false;
  #from = new Int32Array(0);
  #fromStart = 0;
  #youngFirst = 0;
  #youngWords = 0;
  #oldFirst = 0;
  #oldWords = 0;
  /** Where most of what moves is: young objects in a minor collection, the old ones, and those behind them, in a major one. */
  #movedFirst = 0;
  #movedWords = 0;
  #to = new Int32Array(0);
  #toStart = 0;
  #toNext = 0;

  /** @throws {HostError} when the address space is refused. */
  constructor(environment: HeapEnvironment, options: HeapOptions) {
    this.#environment = environment;
    this.#collectAlways = options.collectAlways;
    const spaceCount = spaceCountOf(options);
    const spaceBytes = spaceBytesOf(spaceCount);
    const part = Math.ceil(Math.min(options.limitBytes, spaceBytes) / NURSERY_PART / PAGE_BYTES) * PAGE_BYTES;
    this.#nurseryBytes = Math.max(PAGE_BYTES, Math.min(NURSERY_BYTES, part));
    this.#limitBytes = Math.min(options.limitBytes, spaceBytes - this.#nurseryBytes);
    this.memory = new HeapMemory(spaceCount, spaceBytes);
    this.baseAddress = this.memory.reservation.address;
    this.#space = this.memory.spaces[0];
    this.#youngStart = this.#cleanEnd = this.#space.start;
    this.#oldEnd = this.#oldStart;
    this.#softBytes = Math.min(MINIMUM_BYTES, this.#limitBytes);
    environment.storeContext.setAddress(gcHeapBase, this.baseAddress);
    this.#publish(this.#space.start);
  }

  get words(): Int32Array<ArrayBuffer> {
    return this.#space.words;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#space.bytes;
  }

  get start(): number {
    return this.#space.start;
  }

  get usedBytes(): number {
    return this.#next() - this.#youngStart + this.#oldBytes;
  }

  get #oldStart(): number {
    return this.#space.start + this.#nurseryBytes;
  }

  get #oldBytes(): number {
    return this.#oldEnd - this.#oldStart;
  }

  /** Where young objects end for now: a nursery is not larger than what the limit leaves. */
  get #youngEnd(): number {
    if (this.#isFull) return this.#youngStart;
    if (this.#isDirect) return this.#oldStart + this.#softBytes;
    return Math.min(this.#oldStart, this.#youngStart + this.#limitBytes - this.#oldBytes);
  }

  prepare(sizeBytes: number): void {
    if (this.#collectAlways || this.#isFull) this.#collect(sizeBytes);
    else if (this.#isRefused(sizeBytes)) this.#collectAll(sizeBytes);
    else if (!this.#isDirect && this.#isLarge(sizeBytes)) {
      if (this.#oldBytes + sizeBytes > this.#softBytes) this.#collectAll(sizeBytes);
    } else if (this.#next() + sizeBytes > this.#youngEnd) this.#collect(sizeBytes);
  }

  /** What is charged for: objects, and the memory that is ready for more. */
  get #chargedBytes(): number {
    return this.#cleanEnd - this.#youngStart + this.#oldBytes;
  }

  /** Whether an object of this size is more than the account gives. */
  #isRefused(sizeBytes: number): boolean {
    const isOld = !this.#isDirect && this.#isLarge(sizeBytes);
    const moreBytes = isOld ? sizeBytes : this.#next() + sizeBytes - this.#cleanEnd;
    return moreBytes > 0 && !this.#environment.account.allowsHeap(this.#chargedBytes + moreBytes);
  }

  allocate(typeWord: number, sizeBytes: number): number {
    const next = this.#next();
    const end = next + sizeBytes;
    if (this.#isDirect) {
      // Beyond the soft limit only the runtime allocates, up to the next collection.
      if (this.#isFull || end > this.#oldStart + this.#limitBytes) return 0;
    } else if (this.#isLarge(sizeBytes) || end > this.#youngEnd) return this.#allocateOld(typeWord, sizeBytes);
    if (end > this.#cleanEnd && !this.#clean(end)) return 0;
    this.#publish(end);
    const space = this.#space;
    space.words[(next - space.start) >>> 2] = typeWord;
    return next;
  }

  /** An object among the old ones: one that is large, or one for which there is no time to collect (COLLECT-1). */
  #allocateOld(typeWord: number, sizeBytes: number): number {
    if (this.#isFull || this.usedBytes + sizeBytes > this.#limitBytes) return 0;
    const { account } = this.#environment;
    if (!account.chargeHeap(this.#chargedBytes + sizeBytes)) return 0;
    const space = this.#space;
    const reference = this.#oldEnd;
    const end = reference + sizeBytes;
    try {
      space.commitTo(end);
    } catch {
      account.chargeHeap(this.#chargedBytes);
      return 0;
    }
    space.zero(reference, end);
    const word = (reference - space.start) >>> 2;
    space.words[word] = typeWord;
    this.#enterStart(word);
    this.#markCards(1, reference, end); // GEN-3
    this.#oldEnd = end;
    this.#publish(this.#next());
    return reference;
  }

  collect(): void {
    this.#collectAll(0);
  }

  readonly hasBarriers = true;

  writeBarrier(_object: number, place: number, _old: number, _value: number): void {
    const space = this.#space;
    space.cards[(place >>> GC_CARD_LOG2) - space.firstCard] = 1;
  }

  // What is outside of the heap is looked at by each collection.
  readonly hasRootBarriers = false;
  rootBarrier(_old: number, _value: number): void {}
  readonly countsHandles = false;
  cloneBarrier(_reference: number): void {}
  dropBarrier(_reference: number): void {}
  logFull(): void {}

  readonly audit: CollectorAudit = {
    // While allocation is direct, no minor collection comes that would need cards.
    isYoung: (reference) => !this.#isDirect && reference >= this.#youngStart && reference < this.#next(),
    isMarked: (place) => this.#space.cards[(place >>> GC_CARD_LOG2) - this.#space.firstCard] !== 0,
  };

  forEachObject(visit: (reference: number, sizeBytes: number) => void): void {
    const { words, start } = this.#space;
    const { types } = this.#environment;
    types.sync();
    walkObjects(types, words, start, (this.#youngStart - start) >>> 2, (this.#next() - start) >>> 2, visit);
    walkObjects(types, words, start, this.#nurseryBytes >>> 2, (this.#oldEnd - start) >>> 2, visit);
  }

  release(): void {
    this.memory.release();
  }

  #isLarge(sizeBytes: number): boolean {
    return sizeBytes > this.#nurseryBytes / LARGE_PART;
  }

  #next(): number {
    return this.#environment.storeContext.getI32(gcNext) >>> 0;
  }

  /** Says where the next young object goes, and how far machine code may allocate: where memory is zeroed, or not at all. */
  #publish(next: number): void {
    const { storeContext } = this.#environment;
    const limit = this.#collectAlways ? next : Math.max(next, Math.min(this.#cleanEnd, this.#youngEnd));
    storeContext.setI32(gcNext, next);
    storeContext.setI32(gcLimit, limit);
  }

  /** Zeroes at least up to heap index `end`: in the nursery, or within the limit. */
  #clean(end: number): boolean {
    const space = this.#space;
    const most = this.#isDirect ? this.#oldStart + this.#limitBytes : this.#oldStart;
    const { account } = this.#environment;
    const charged = this.#chargedBytes - this.#cleanEnd;
    let target = Math.min(most, Math.max(end, this.#cleanEnd + CHUNK_BYTES));
    if (!account.chargeHeap(charged + target)) {
      target = end;
      if (!account.chargeHeap(charged + target)) return false;
    }
    try {
      space.commitTo(this.#isDirect ? target : this.#oldStart);
    } catch {
      account.chargeHeap(this.#chargedBytes);
      return false;
    }
    space.zero(this.#cleanEnd, target);
    this.#cleanEnd = target;
    return true;
  }

  /** Notes that an object starts at a word of the space. */
  #enterStart(word: number): void {
    const card = word >>> CARD_WORDS_LOG2;
    if (card >= this.#starts.length) this.#starts = growInt32(this.#starts, card + 1);
    if (this.#starts[card] === 0) this.#starts[card] = word + 1;
  }

  #collect(extraBytes: number): void {
    const youngBytes = this.#next() - this.#youngStart;
    const isMajor = this.#isFull || this.#isDirect || this.#oldBytes + youngBytes > this.#softBytes ||
      this.#environment.continuations.count !== 0 || // GEN-4
      youngBytes + this.#oldBytes + extraBytes > this.#limitBytes ||
      this.#collectAlways && (this.#next() + extraBytes > this.#oldStart || this.collections % STRESS_MAJOR === 0);
    if (isMajor) this.#collectAll(extraBytes);
    else this.#collectYoung();
  }

  /** What both collections start with. */
  #begin(target: Space, targetNext: number): void {
    const { start, words } = this.#space;
    this.#environment.types.sync();
    this.#environment.account.noteHeap(this.usedBytes);
    this.#from = words;
    this.#fromStart = start >>> 2;
    this.#youngFirst = (this.#youngStart - start) >>> 2;
    this.#youngWords = (this.#next() - start) >>> 2;
    this.#oldFirst = this.#nurseryBytes >>> 2;
    this.#oldWords = (this.#oldEnd - start) >>> 2;
    this.#movedFirst = this.#isMinor ? this.#youngFirst : this.#oldFirst;
    this.#movedWords = this.#isMinor || this.#isDirect ? this.#youngWords : this.#oldWords;
    this.#to = target.words;
    this.#toStart = target.start >>> 2;
    this.#toNext = (targetNext - target.start) >>> 2;
    // Room for what may move, so that entering it never has to look.
    const mostWords = this.#toNext + (this.usedBytes >>> 2);
    this.#starts = growInt32(this.#starts, (mostWords >>> CARD_WORDS_LOG2) + 1);
  }

  /** What both collections end with: nothing is young. */
  #end(space: Space, youngStart: number): void {
    this.#from = this.#to = new Int32Array(0);
    this.#space = space;
    this.#oldEnd = space.start + this.#toNext * 4;
    if (this.#oldEnd > space.dirtyEnd) space.dirtyEnd = this.#oldEnd;
    this.#youngStart = this.#cleanEnd = this.#isDirect ? this.#oldEnd : youngStart;
    this.#environment.account.chargeHeap(this.#chargedBytes);
    this.collections++;
  }

  #collectYoung(): void {
    const space = this.#space;
    const next = this.#next();
    try {
      space.commitTo(this.#oldEnd + next - this.#youngStart);
    } catch {
      return; // nothing has moved yet; the allocation that asked finds the heap full
    }
    this.#environment.beginCollection();
    this.#isMinor = true;
    this.#begin(space, this.#oldEnd);
    const scan = this.#toNext;
    this.#environment.roots.visitRoots(this);
    this.#scanCards();
    this.#scan(scan);
    this.#environment.weak.visitWeak((reference) => this.#movedTo(reference));
    // A reference that nobody updated shall not find another object: under stress the nursery's memory is used once between major collections.
    if (this.#collectAlways) space.bytes.fill(0, this.#youngStart - space.start, next - space.start);
    this.#judgeNursery((this.#toNext - scan) / Math.max(1, this.#youngWords - this.#youngFirst));
    this.#end(space, this.#collectAlways ? next : space.start);
    this.#publish(this.#youngStart);
    this.#environment.storeContext.setAddress(gcHeapBound, space.start + space.committedBytes);
  }

  /** Gives the nursery up when most of what is made in it lives on. */
  #judgeNursery(survival: number): void {
    if (survival <= HIGH_SURVIVAL) this.#highSurvivals = this.#lastPatience = 0;
    else if (++this.#highSurvivals >= HIGH_SURVIVALS || survival > FULL_SURVIVAL) {
      if (this.#collectAlways) return;
      this.#isDirect = true;
      this.#patience = this.#lastPatience = Math.min(MOST_PATIENCE, Math.max(LEAST_PATIENCE, this.#lastPatience * 2));
    }
  }

  /** Whether the nursery is worth another try, now that a major collection has found out what lives of what was made behind the old objects. */
  #isNurseryDue(usedBytes: number, liveBytes: number): boolean {
    // While nearly all is kept for as long as this, even more would be kept for as long as a nursery takes to fill.
    if (liveBytes - this.#liveBytes > (usedBytes - this.#liveBytes) * HIGH_SURVIVAL) return false;
    return --this.#patience <= 0;
  }

  #collectAll(extraBytes: number): void {
    const emptied = this.#space;
    const place = (this.#place + 1) % this.memory.spaces.length;
    const other = this.memory.spaces[place];
    const otherOld = other.start + this.#nurseryBytes;
    // Never more than is in use: an object that is reached twice is copied once.
    try {
      other.commitTo(otherOld + this.usedBytes);
    } catch {
      return; // nothing has moved yet; the allocation that asked finds the heap full
    }
    this.#environment.beginCollection();
    this.#isMinor = false;
    const { usedBytes } = this;
    const usedEnd = Math.max(this.#oldEnd, this.#next());
    this.#markCards(0, this.#oldStart, usedEnd);
    this.#starts.fill(0);
    this.#begin(other, otherOld);
    const scan = this.#toNext;
    this.#environment.roots.visitRoots(this);
    this.#scan(scan);
    this.#environment.weak.visitWeak((reference) => this.#movedTo(reference));
    this.#place = place;
    const liveBytes = (this.#toNext - scan) * 4;
    if (this.#isDirect && this.#isNurseryDue(usedBytes, liveBytes)) {
      this.#isDirect = false;
      this.#highSurvivals = HIGH_SURVIVALS - 1;
    }
    this.#liveBytes = liveBytes;
    this.#end(other, other.start);
    this.#isFull = isHeapFull(liveBytes, this.#limitBytes, this.#environment.account);
    this.#softBytes = Math.min(
      this.#limitBytes,
      Math.max(MINIMUM_BYTES, liveBytes * GROWTH, liveBytes + extraBytes + this.#nurseryBytes),
    );
    if (this.#collectAlways || emptied.committedBytes > KEEP_BYTES) emptied.decommit();
    this.#publish(this.#youngStart);
    this.#environment.storeContext.setAddress(gcHeapBound, other.start + other.committedBytes);
    this.majorCollections++;
  }

  /** Sets or takes away the marks of all cards of a part of the space; heap indices. */
  #markCards(mark: 0 | 1, start: number, end: number): void {
    if (end <= start) return;
    const { cards, firstCard } = this.#space;
    cards.fill(mark, (start >>> GC_CARD_LOG2) - firstCard, ((end - 1) >>> GC_CARD_LOG2) + 1 - firstCard);
  }

  /** Visits the references at marked places of old objects, and takes the marks away. */
  #scanCards(): void {
    const { cards, firstCard } = this.#space;
    const first = (this.#oldStart >>> GC_CARD_LOG2) - firstCard;
    const end = ((this.#oldEnd + CARD_BYTES - 1) >>> GC_CARD_LOG2) - firstCard;
    // Four cards at a time: few are marked. Spaces and nurseries are whole pages, so the first card's number is a multiple of four.
    const quads = new Int32Array(cards.buffer, cards.byteOffset, cards.length >>> 2);
    const quadEnd = (end + 3) >>> 2;
    for (let quad = first >>> 2; quad < quadEnd; quad++) {
      if (quads[quad] === 0) continue;
      for (let card = quad * 4; card < quad * 4 + 4; card++) {
        if (cards[card] === 0) continue;
        cards[card] = 0;
        if (card < end) this.#scanCard(((card + firstCard) << CARD_WORDS_LOG2) - this.#fromStart);
      }
    }
  }

  /** Visits the references whose places (GC-W) are in the card that starts at word `low`. */
  #scanCard(low: number): void {
    const words = this.#from;
    const { types } = this.#environment;
    const starts = this.#starts;
    const high = low + (CARD_BYTES >>> 2);
    // The object that spans the card's start began in this card or one before.
    let card = low >>> CARD_WORDS_LOG2;
    if (starts[card] !== low + 1) {
      do card--; while (card > 0 && !(starts[card] > 0));
    }
    let word = Math.max(starts[card] - 1, this.#oldFirst);
    if (word > low) bug("a card has no objects");
    const oldWords = this.#oldWords;
    while (word < high && word < oldWords) {
      const size = objectWords(types, words, word, oldWords, this.#fromStart * 4);
      const typeWord = words[word];
      const id = typeWord & GC_TYPE_ID_MASK;
      const kind = typeWord >>> GC_KIND_SHIFT;
      if (kind === GcKind.array) {
        if (types.refCounts[id] !== 0) {
          const from = Math.max(0, low - word);
          const to = Math.min(words[word + 2] >>> 0, high - word);
          if (from < to) this.visitRange(words, word + 4 + from, word + 4 + to);
        }
      } else if (word >= low && (kind === GcKind.struct || kind === GcKind.exn)) this.#visitFields(words, word, id);
      word += size;
    }
  }

  /** Updates the references in moved objects from word `scan` on, moving what they refer to, until there is nothing new. */
  #scan(scan: number): void {
    while (scan < this.#toNext) scan = this.#scanPiece(scan, scan + PIECE_WORDS);
  }

  /**
   * Scans from word `scan` to what is about `limit`; returns where it stopped. Small objects that structs refer to, which most are, are moved on the
   * spot: programs are short, and code is slow before V8 has compiled it, the slower the more calls and fields there are.
   */
  #scanPiece(scan: number, limit: number): number {
    const { types, continuations } = this.#environment;
    const { sizes, refStarts, refCounts, refOffsets } = types;
    const from = this.#from;
    const fromStart = this.#fromStart;
    const first = this.#movedFirst;
    const end = this.#movedWords;
    const to = this.#to;
    const toStart = this.#toStart;
    // Where what stays begins: nowhere, in a major collection.
    const stayFirst = this.#isMinor ? this.#oldFirst : MOST_WORDS;
    const starts = this.#starts;
    let next = this.#toNext;
    let lastCard = -1;
    while (scan < next && scan < limit) {
      const card = scan >>> CARD_WORDS_LOG2;
      if (card !== lastCard) {
        if (starts[card] === 0) starts[card] = scan + 1;
        lastCard = card;
      }
      const scannedWord = to[scan];
      const scannedId = scannedWord & GC_TYPE_ID_MASK;
      if (scannedWord >>> GC_KIND_SHIFT !== GcKind.struct) {
        this.#toNext = next;
        scan += visitObject(types, continuations, to, scan, this);
        next = this.#toNext;
        continue;
      }
      const lastRef = refStarts[scannedId] + refCounts[scannedId];
      for (let i = refStarts[scannedId]; i < lastRef; i++) {
        const index = scan + (refOffsets[i] >> 2);
        const reference = to[index];
        if (reference === 0 || (reference & 1) !== 0) continue;
        const word = (reference >>> 2) - fromStart;
        let size = 0;
        if (word >= first && word < end) {
          const typeWord = from[word];
          const second = from[word + 1];
          if (typeWord === FORWARDED_WORD) {
            to[index] = second;
            continue;
          }
          const id = typeWord & GC_TYPE_ID_MASK;
          const kind = typeWord >>> GC_KIND_SHIFT;
          if (kind === GcKind.struct) size = sizes[id] >> 2;
          else if (kind === GcKind.array) {
            const length = from[word + 2];
            if (length >= 0 && length < SHORT_WORDS) size = 4 + (((length << sizes[id]) + 7) >> 3 << 1);
          }
          if (size >= 2 && size <= SHORT_WORDS && word + size <= end && (reference & 7) === 0) {
            to[next] = typeWord;
            to[next + 1] = second;
            for (let k = 2; k < size; k++) to[next + k] = from[word + k];
            const moved = Math.imul(toStart + next, 4);
            next += size;
            from[word] = FORWARDED_WORD;
            from[word + 1] = moved;
            to[index] = moved;
            continue;
          }
        } else if (word >= stayFirst && word < next) continue;
        this.#toNext = next;
        this.visit(to, index);
        next = this.#toNext;
      }
      scan += sizes[scannedId] >> 2;
    }
    this.#toNext = next;
    return scan;
  }

  /** Visits the references in a struct or exception of type `id`. */
  #visitFields(words: Int32Array, word: number, id: number): void {
    const { refStarts, refCounts, refOffsets } = this.#environment.types;
    const first = refStarts[id];
    const end = first + refCounts[id];
    for (let i = first; i < end; i++) this.visit(words, word + (refOffsets[i] >> 2));
  }

  visitRange(words: Int32Array, start: number, end: number): void {
    if (!this.#isMinor || this.#collectAlways) {
      for (let i = start; i < end; i++) this.visit(words, i);
      return;
    }
    // A minor collection passes over all of a large table: nearly everything in it is null or old, and is seen to be so at a glance.
    const first = this.#fromStart + this.#youngFirst;
    const length = this.#youngWords - this.#youngFirst;
    for (let i = start; i < end; i++) if (((words[i] >>> 2) - first) >>> 0 < length) this.visit(words, i);
  }

  visit(words: Int32Array, index: number): void {
    const reference = words[index];
    if (reference === 0 || (reference & 1) !== 0) return;
    const word = (reference >>> 2) - this.#fromStart;
    let end = this.#movedWords;
    if (word < this.#movedFirst || word >= end) {
      if (this.#staysAt(reference, word)) return;
      end = this.#youngWords;
    }
    if ((reference & 7) !== 0) corruptReference(reference);
    const from = this.#from;
    if (from[word] === FORWARDED_WORD) {
      words[index] = from[word + 1];
      return;
    }
    const size = objectWords(this.#environment.types, from, word, end, this.#fromStart * 4);
    const target = this.#toNext;
    this.#toNext = target + size;
    const moved = Math.imul(this.#toStart + target, 4);
    moveObject(from, word, size, this.#to, target, moved);
    words[index] = moved;
  }

  /** Whether the object at a word that is not where most of them move stays where it is; no object at all is a defect. */
  #staysAt(reference: number, word: number): boolean {
    if (word >= this.#youngFirst && word < this.#youngWords) return false;
    if (!this.#isOld(word)) corruptReference(reference);
    return this.#isMinor;
  }

  /** Whether a word of the space is among old objects; in a minor collection what has just become old counts. */
  #isOld(word: number): boolean {
    return word >= this.#oldFirst && word < (this.#isMinor ? this.#toNext : this.#oldWords);
  }

  /** Where an object is now, 0 if it was not reached. */
  #movedTo(reference: number): number {
    const word = (reference >>> 2) - this.#fromStart;
    const isYoung = word < this.#youngWords && word >= this.#youngFirst;
    if (!isYoung && !this.#isOld(word)) corruptReference(reference);
    if (!isYoung && this.#isMinor) return reference >>> 0;
    return this.#from[word] === FORWARDED_WORD ? this.#from[word + 1] >>> 0 : 0;
  }
}
