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
 * SEMI-1  Outside of collections all objects lie in the current space, one after the other without gaps from its start to `gcNext`.
 * SEMI-2  [gcNext, #cleanEnd) is zero; gcLimit is at most #cleanEnd, and at most the soft limit.
 * SEMI-3  A reference that is neither 0, i31 nor the start of an object between the space's start and gcNext ends the collection as a defect.
 */

import {
  GC_KIND_SHIFT,
  GC_MAX_OFFSET_BYTES,
  GC_OBJECTS_START,
  GC_RESERVATION_BYTES,
  GC_TYPE_ID_MASK,
  GcKind,
  VMStoreContext,
} from "../../abi/mod.ts";
import { bug } from "../../base/mod.ts";
import { PAGE_BYTES } from "../../host/mod.ts";
import type { Block } from "../block.ts";
import type { Collector, ContinuationSource, RootSource, RootVisitor, WeakSource } from "./collector.ts";
import { HeapMemory, type Space } from "./space.ts";
import type { GcTypes } from "./type_info.ts";

const { gcHeapBase, gcHeapBound, gcNext, gcLimit } = VMStoreContext.offsets;

/** What all spaces share. */
export const SPACES_BYTES = GC_RESERVATION_BYTES - GC_MAX_OFFSET_BYTES - GC_OBJECTS_START;
/** Spaces of a heap that collects always: a reference that was not updated stays recognisable for so many collections. */
export const STRESS_SPACES = 16;
/** Zeroed in advance: what a second-level cache holds. */
export const CHUNK_BYTES = 512 * 1024;
/** The soft limit is at least this. */
export const MINIMUM_BYTES = 4 << 20;
/** Soft limit over live bytes after a collection. */
export const GROWTH = 3;
/** A collection that leaves less than this part of the heap free has found it full: the next ones would come ever faster, for ever less. */
export const LEAST_FREE = 1 / 32;
/** An empty space keeps this much memory; beyond, it is given back. */
export const KEEP_BYTES = 64 << 20;

/** The type word of an object that has moved. */
export const FORWARDED_WORD = GcKind.forwarded << GC_KIND_SHIFT;

/** The name of a collector. */
export type CollectorName = "generational" | "copying" | "null";
/** The collectors there are. */
export const COLLECTORS: readonly CollectorName[] = ["generational", "copying", "null"];

/** What a collector is configured by. */
export interface HeapOptions {
  readonly collector: CollectorName;
  /** Bytes of objects that a heap may hold. */
  readonly limitBytes: number;
  /** Collect at every allocation, so that every reference that somebody failed to report is stale at once. */
  readonly collectAlways: boolean;
}

/** Everything that a collector works on. */
export interface HeapEnvironment {
  readonly types: GcTypes;
  /** The VMStoreContext. */
  readonly storeContext: Block;
  readonly roots: RootSource;
  readonly weak: WeakSource;
  readonly continuations: ContinuationSource;
}

/** A copying collector and its heap. */
export class SemispaceCollector implements Collector, RootVisitor {
  readonly baseAddress: number;
  collections = 0;
  readonly memory: HeapMemory;
  readonly #types: GcTypes;
  readonly #context: Block;
  readonly #roots: RootSource;
  readonly #weak: WeakSource;
  readonly #continuations: ContinuationSource;
  readonly #limitBytes: number;
  readonly #collectAlways: boolean;
  readonly #spaces: readonly Space[];
  #currentPlace = 0;
  #cleanEnd: number;
  #softEnd: number;
  /** Nothing is allocated beyond this heap index until the next collection. */
  #hardEnd: number;

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
    this.#types = environment.types;
    this.#context = environment.storeContext;
    this.#roots = environment.roots;
    this.#weak = environment.weak;
    this.#continuations = environment.continuations;
    this.#collectAlways = options.collectAlways;
    const spaceCount = options.collectAlways ? STRESS_SPACES : 2;
    const spaceBytes = Math.floor(SPACES_BYTES / spaceCount / PAGE_BYTES) * PAGE_BYTES;
    this.#limitBytes = Math.min(options.limitBytes, spaceBytes);
    this.memory = new HeapMemory(spaceCount, spaceBytes);
    this.baseAddress = this.memory.reservation.address;
    this.#spaces = this.memory.spaces;
    const { start } = this.#current;
    this.#cleanEnd = start;
    this.#softEnd = start + Math.min(MINIMUM_BYTES, this.#limitBytes);
    this.#hardEnd = start + this.#limitBytes;
    this.#context.setAddress(gcHeapBase, this.baseAddress);
    this.#context.setI32(gcNext, start);
    this.#publishLimit(start);
  }

  get #current(): Space {
    return this.#spaces[this.#currentPlace];
  }

  get words(): Int32Array<ArrayBuffer> {
    return this.#current.words;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#current.bytes;
  }

  get start(): number {
    return this.#current.start;
  }

  get usedBytes(): number {
    return this.#next() - this.#current.start;
  }

  prepare(sizeBytes: number): void {
    const end = this.#next() + sizeBytes;
    // Beyond the hard end the allocation fails anyway, unless the guest has let go of something since the heap was found full.
    if (this.#collectAlways || end > this.#softEnd || end > this.#hardEnd) this.#collect(sizeBytes);
  }

  allocate(typeWord: number, sizeBytes: number): number {
    const next = this.#next();
    const end = next + sizeBytes;
    if (end > this.#cleanEnd && !this.#clean(end)) return 0;
    this.#context.setI32(gcNext, end);
    this.#publishLimit(end);
    const space = this.#current;
    space.words[(next - space.start) >>> 2] = typeWord;
    return next;
  }

  collect(): void {
    this.#collect(0);
  }

  readonly hasBarriers = false;
  // Objects are found by tracing from roots: nobody needs to tell.
  writeBarrier(_place: number, _old: number, _value: number): void {}
  readonly hasRootBarriers = false;
  rootBarrier(_old: number, _value: number): void {}
  cloneBarrier(_reference: number): void {}
  dropBarrier(_reference: number): void {}

  forEachObject(visit: (reference: number, sizeBytes: number) => void): void {
    const { words, start } = this.#current;
    const end = (this.#next() - start) >>> 2;
    for (let word = 0; word < end;) {
      const size = this.#sizeWords(words, word, end);
      visit(start + word * 4, size * 4);
      word += size;
    }
  }

  release(): void {
    this.memory.release();
  }

  #next(): number {
    return this.#context.getI32(gcNext) >>> 0;
  }

  /** Lets machine code allocate up to where memory is zeroed, or not at all when every allocation shall collect. */
  #publishLimit(next: number): void {
    // Past the soft limit only the runtime allocates, up to its next collection.
    const limit = this.#collectAlways ? next : Math.max(next, Math.min(this.#cleanEnd, this.#softEnd));
    this.#context.setI32(gcLimit, limit);
  }

  /** Zeroes at least up to heap index `end`; false beyond the heap's limit. */
  #clean(end: number): boolean {
    const space = this.#current;
    if (end > this.#hardEnd) return false;
    const target = Math.min(this.#hardEnd, Math.max(end, this.#cleanEnd + CHUNK_BYTES));
    try {
      space.commitTo(target);
    } catch {
      return false;
    }
    space.zero(this.#cleanEnd, target);
    this.#cleanEnd = target;
    return true;
  }

  #collect(extraBytes: number): void {
    const { start } = this.#current;
    const usedBytes = this.#next() - start;
    const place = (this.#currentPlace + 1) % this.#spaces.length;
    const other = this.#spaces[place];
    // Never more than is in use: an object that is reached twice is copied once.
    try {
      other.commitTo(other.start + usedBytes);
    } catch {
      return; // nothing has moved yet; the allocation that asked finds the heap full
    }
    this.#types.sync();
    this.#from = this.#current.words;
    this.#fromStart = start;
    this.#fromWords = usedBytes >>> 2;
    this.#to = other.words;
    this.#toStart = other.start;
    this.#toNext = 0;

    this.#roots.visitRoots(this);
    this.#scan();
    this.#weak.visitWeak((reference) => this.#movedTo(reference));

    const liveBytes = this.#toNext * 4;
    const emptied = this.#current;
    this.#currentPlace = place;
    this.#from = this.#to = new Int32Array(0);
    const next = other.start + liveBytes;
    if (next > other.dirtyEnd) other.dirtyEnd = next;
    this.#cleanEnd = next;
    const isFull = liveBytes > this.#limitBytes * (1 - LEAST_FREE);
    this.#hardEnd = isFull ? next : other.start + this.#limitBytes;
    this.#softEnd = other.start +
      Math.min(this.#limitBytes, Math.max(MINIMUM_BYTES, liveBytes * GROWTH, liveBytes + extraBytes + CHUNK_BYTES));
    if (this.#collectAlways || emptied.committedBytes > KEEP_BYTES) emptied.decommit();
    this.#context.setI32(gcNext, next);
    this.#context.setAddress(gcHeapBound, other.start + other.committedBytes);
    this.#publishLimit(next);
    this.collections++;
  }

  /** Updates the references in copied objects, copying what they refer to, until there is nothing new. */
  #scan(): void {
    const types = this.#types;
    const to = this.#to;
    let scan = 0;
    while (scan < this.#toNext) {
      const typeWord = to[scan];
      const id = typeWord & GC_TYPE_ID_MASK;
      switch (typeWord >>> GC_KIND_SHIFT) {
        case GcKind.struct:
        case GcKind.exn: {
          const start = types.refStarts[id];
          const end = start + types.refCounts[id];
          const { refOffsets } = types;
          for (let i = start; i < end; i++) this.visit(to, scan + (refOffsets[i] >> 2));
          scan += types.sizes[id] >> 2;
          break;
        }
        case GcKind.array: {
          const length = to[scan + 2] >>> 0;
          if (types.refCounts[id] !== 0) {
            this.visitRange(to, scan + 4, scan + 4 + length);
            scan += 4 + ((length + 1) & ~1);
          } else scan += arrayWords(length, types.sizes[id]);
          break;
        }
        case GcKind.extern:
          scan += 2;
          break;
        case GcKind.cont:
          this.#continuations.reach(to[scan + 2], this);
          scan += 4;
          break;
        default:
          bug("a copied object has no kind");
      }
    }
  }

  visitRange(words: Int32Array, start: number, end: number): void {
    for (let i = start; i < end; i++) this.visit(words, i);
  }

  visit(words: Int32Array, index: number): void {
    const reference = words[index];
    if (reference === 0 || (reference & 1) !== 0) return;
    const from = this.#from;
    const word = ((reference >>> 0) - this.#fromStart) >>> 2;
    if (word >= this.#fromWords || (reference & 7) !== 0) this.#corrupt(reference); // SEMI-3
    if (from[word] === FORWARDED_WORD) {
      words[index] = from[word + 1];
      return;
    }
    const size = this.#sizeWords(from, word, this.#fromWords);
    const to = this.#to;
    const target = this.#toNext;
    // A call of `set` costs more than the loop up to about this size.
    if (size <= 32) { for (let i = 0; i < size; i++) to[target + i] = from[word + i]; }
    else to.set(from.subarray(word, word + size), target);
    this.#toNext = target + size;
    const moved = this.#toStart + target * 4;
    from[word] = FORWARDED_WORD;
    from[word + 1] = moved;
    words[index] = moved;
  }

  /** Where an object of the old space is now, 0 if it was not reached. */
  #movedTo(reference: number): number {
    const word = ((reference >>> 0) - this.#fromStart) >>> 2;
    if (word >= this.#fromWords) this.#corrupt(reference);
    return this.#from[word] === FORWARDED_WORD ? this.#from[word + 1] >>> 0 : 0;
  }

  /** Words of the object at `word`; it must end at or before `end`. */
  #sizeWords(words: Int32Array, word: number, end: number): number {
    const typeWord = words[word];
    const id = typeWord & GC_TYPE_ID_MASK;
    const kind = typeWord >>> GC_KIND_SHIFT;
    let size = 0;
    if (kind === GcKind.struct || kind === GcKind.exn) size = this.#types.sizes[id] >> 2;
    else if (kind === GcKind.array) size = arrayWords(words[word + 2] >>> 0, this.#types.sizes[id]);
    else if (kind === GcKind.extern) size = 2;
    else if (kind === GcKind.cont) size = 4;
    if (!(size >= 2 && word + size <= end)) this.#corrupt(this.#fromStart + word * 4);
    return size;
  }

  #corrupt(reference: number): never {
    bug(`a reference, 0x${(reference >>> 0).toString(16)}, is not one of an object`);
  }
}

/** Words of an array object. */
export function arrayWords(length: number, elementLog2: number): number {
  return 4 + Math.ceil(length * (1 << elementLog2) / 8) * 2;
}
