/**
 * What the runtime asks of a garbage collector, and what a collector asks of the runtime.
 *
 * The heap is a reservation that compiled code addresses by 32-bit indices (lib/abi/gc_layout.ts); who lays objects out in it, moves and frees
 * them is a collector. The runtime holds raw references only for the time of one straight piece of TypeScript, in which nothing is collected
 * (SEEDS 1.21), so collectors may move whatever they like whenever they are asked to collect. Everything that a counting, a generational or a
 * collector that never collects needs to know passes through here; a collector that does not care for a barrier does nothing in it.
 *
 * COLLECT-1  `allocate` never collects. Collections happen in `prepare` and `collect` only, which are called when no raw reference is held: by
 *            runtime calls before they allocate, by conversions of JavaScript values before anything is stored.
 * COLLECT-2  A reference that is read from an object, root or handle is valid until the next `prepare` or `collect`.
 * COLLECT-3  Every access is through views of committed memory, so a corrupt index reads nothing, or something of the same heap, never beyond.
 *
 * @module
 */

/** What a collector does to each root: reads it, and writes back where the object is now. */
export interface RootVisitor {
  /** Visits the references at `words[index]`. */
  visit(words: Int32Array, index: number): void;
  /** Visits the references at `words[start]` to `words[end - 1]`. */
  visitRange(words: Int32Array, start: number, end: number): void;
}

/** Something that holds references outside of the heap: globals, tables, segments, frozen stacks, handles (GC-3). */
export interface RootSource {
  /** Shows every reference to the visitor. */
  visitRoots(visitor: RootVisitor): void;
}

/** Told after tracing, while it is still known which objects were reached: frees what died (weak processing). */
export interface WeakSource {
  /** `moved` gives an object's new place, or 0 when it is dead. */
  visitWeak(moved: (reference: number) => number): void;
  /** An external object died that had this handle: from collectors that see what dies, instead of `visitWeak`. */
  externDied(handle: number): void;
}

/**
 * The continuations of a store: each holds references on its stacks, which count as long as its object is reached.
 */
export interface ContinuationSource {
  /** The object with this number was reached: shows what the continuation holds; 0 is a consumed one. */
  reach(number: number, visitor: RootVisitor): void;
  /** Continuations that are suspended, or wait for their first resumption. */
  readonly count: number;
  /** The object with this number, which was reached, died after all. */
  died(number: number): void;
  /** Nothing more will be reached in this collection. */
  sweep(): void;
}

/** What a collection did. */
export interface CollectionStats {
  /** Collections so far. */
  readonly collections: number;
  /** Bytes of objects after the last one, and what was allocated since. */
  readonly usedBytes: number;
}

/** What a collector believes of its objects, for a verifier; each has what there is. */
export interface CollectorAudit {
  /** References to an object from objects and handles, as counted; undefined while stores wait to be counted. */
  countOf?(reference: number): number | undefined;
  /** Whether an object is one that only marked cards lead to from objects that are not (GC-W). */
  isYoung?(reference: number): boolean;
  /** Whether the card of a place is marked. */
  isMarked?(place: number): boolean;
}

/** A collector and its heap. */
export interface Collector extends CollectionStats {
  /** Address of index 0: constant. */
  readonly baseAddress: number;
  /** The words of the heap that hold objects; word `wordOf(reference)` is a header's first. Replaced by any allocation or collection. */
  readonly words: Int32Array<ArrayBuffer>;
  /** The same as bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Index of the first byte of `bytes`. */
  readonly start: number;

  /** Makes room for `sizeBytes` if that takes a collection, or collects because it is asked to at every allocation. May move everything. */
  prepare(sizeBytes: number): void;
  /** A zeroed object with this type word, or 0 when the heap's limit is reached. `sizeBytes` is a multiple of 8. Moves nothing (COLLECT-1). */
  allocate(typeWord: number, sizeBytes: number): number;
  /** Collects now. May move everything. */
  collect(): void;

  /** Whether barriers do anything: bulk copies need not call them one by one otherwise. */
  readonly hasBarriers: boolean;
  /** `value` is about to replace `old` in `object`; `place` says where, as GC-W has it. */
  writeBarrier(object: number, place: number, old: number, value: number): void;
  /** Whether {@linkcode Collector.rootBarrier} does anything. */
  readonly hasRootBarriers: boolean;
  /** `value` is about to replace `old` in a table. */
  rootBarrier(old: number, value: number): void;
  /** Whether handles keep their objects by barriers: their owner need not show them as roots then. */
  readonly countsHandles: boolean;
  /** A handle was made for an object. */
  cloneBarrier(reference: number): void;
  /** The handle of an object is about to be freed. */
  dropBarrier(reference: number): void;
  /** Machine code has filled the log of stores (GC-L). Collects nothing. */
  logFull(): void;

  /** Calls `visit` with each object's reference and size; for verification. */
  forEachObject(visit: (reference: number, sizeBytes: number) => void): void;
  /** What a verifier compares with what it finds itself. */
  readonly audit: CollectorAudit;
  /** What it took from the system. */
  readonly memory: { release(): void };
  /** Gives that back; no machine code uses it any more. */
  release(): void;
}
