/**
 * Linear memories of a store: the allocation, its definition record that machine code reads, its limits.
 *
 * MEM-L  Bytes count to the store whose guests or embedder took them: of a memory of its own always, of a shared one where it made it for a
 *        module or made it grow. The limiter is asked about the former only (LIMIT-3).
 */

import { VMMemoryDefinition } from "../abi/mod.ts";
import { type GrowableBytes, LinearMemory, type MemoryImage } from "../host/mod.ts";
import type { Block } from "./block.ts";
import { type Growable, type GrowFailure, growLater, growNow, type Growth } from "./growth.ts";
import { answerLater, answerNow, type LimiterAnswer, refusedByLimiter } from "./limiter.ts";
import { allocateBytes, type MemoryLimits, mostPages } from "./memory_type.ts";
import { createSharedMemory, type SharedMemoryState } from "./shared_memory.ts";
import type { KeptMemory, RecycledMemories } from "./memory_recycler.ts";
import type { StoreState } from "./store_state.ts";
import { Resource } from "./usage.ts";

const DEFINITION = VMMemoryDefinition.offsets;

/** A memory of a store. */
export class MemoryState implements Growable {
  readonly store: StoreState;
  /** The type it was made with; `minimumPages` is the declared one. */
  readonly type: MemoryLimits;
  #linear: GrowableBytes;
  /** What all isolates that have the memory share; undefined for a memory of this store alone. */
  readonly shared: SharedMemoryState | undefined;
  /** Address of the VMMemoryDefinition. */
  readonly definitionAddress: number;
  /** What lies under the bytes that nobody has written to (data_image.ts). */
  image: MemoryImage | undefined;
  /** The API's object for this memory, once it has one. */
  wrapper: unknown = undefined;
  /** Where this store's definition record is; none for a shared memory. */
  readonly #block: Block | undefined;
  readonly #offsetBytes: number;
  /** Where its bytes come from and go to when the store is closed; undefined for V8's garbage collector. */
  readonly #recycled: RecycledMemories | undefined;
  #bytes: Uint8Array<ArrayBuffer>;

  /**
   * The definition of an unshared memory is written at `offsetBytes` of `block`; a shared memory has its own, and its bytes were counted. The limiter
   * was asked.
   *
   * @throws {LimitError} @throws {HostError} when the reservation is refused.
   */
  constructor(
    store: StoreState,
    type: MemoryLimits,
    place: { readonly block: Block; readonly offsetBytes: number } | SharedMemoryState,
    recycled?: RecycledMemories,
  ) {
    this.store = store;
    this.type = type;
    if ("block" in place) {
      const { block, offsetBytes } = place;
      let kept: KeptMemory | undefined;
      this.#linear = takeBytes(store, type, () => {
        kept = recycled?.take();
        return kept?.linear ?? allocateBytes(type, "unshared");
      });
      this.image = kept?.image;
      this.#recycled = recycled;
      this.shared = undefined;
      this.#block = block;
      this.#offsetBytes = offsetBytes;
      this.definitionAddress = block.address + offsetBytes;
      this.#bytes = this.linear.view(type.minimumPages * 2 ** type.pageSizeLog2);
      block.setAddress(offsetBytes + DEFINITION.base, this.linear.baseAddress);
      block.setAddress(offsetBytes + DEFINITION.currentLengthBytes, this.#bytes.length);
    } else {
      this.#linear = place.bytes;
      this.#recycled = undefined;
      this.shared = place;
      this.#block = undefined;
      this.#offsetBytes = 0;
      this.definitionAddress = place.address;
      this.#bytes = this.linear.view(place.byteLength);
    }
    store.memories.push(this);
  }

  /** The allocation: another one once a memory that had grown was reset. */
  get linear(): GrowableBytes {
    return this.#linear;
  }

  /** The whole memory as bytes; another view after each grow. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const { shared } = this;
    if (shared !== undefined && shared.byteLength !== this.#bytes.length) {
      this.#bytes = this.linear.view(shared.byteLength);
    }
    return this.#bytes;
  }

  /** The current buffer: as long as the memory, but for page sizes below 64 KiB, where whoever has it can make it longer. */
  get buffer(): ArrayBuffer {
    return this.bytes.buffer;
  }

  /** Declared maximum. */
  get maximumPages(): number | undefined {
    return this.type.maximumPages;
  }

  /** Current size in pages. */
  get size(): number {
    return this.pages;
  }

  /** Current size. */
  get pages(): number {
    return this.bytes.length / 2 ** this.type.pageSizeLog2;
  }

  /** Grows; returns the size before in pages, or why not: the limiter, the maximum, the store's limits or the system refuse. */
  grow(deltaPages: number): Growth {
    return growNow(this, deltaPages, () => this.growAllowed(deltaPages));
  }

  /** As {@linkcode MemoryState.grow}, for a limiter that may answer by a promise. */
  growLater(deltaPages: number): Promise<Growth> {
    return growLater(this, deltaPages, () => this.growAllowed(deltaPages));
  }

  /** Asks the limiter, if there is something to ask. */
  askToGrow(deltaPages: number): LimiterAnswer {
    const { limiter } = this.store;
    if (limiter?.memoryGrowing === undefined || this.shared !== undefined || deltaPages === 0) return true;
    const current = this.bytes.length;
    const desired = current + this.#bytesOf(deltaPages);
    this.store.meter?.stop(); // METER-1
    // What cannot even be said is told as a failure (SEEDS 3.24).
    return Number.isSafeInteger(desired) ? limiter.memoryGrowing(current, desired, declaredMaximum(this.type)) : true;
  }

  /** The answer to growth that the limiter does not want. */
  refused(deltaPages: number): GrowFailure {
    return () => refusedByLimiter(`${deltaPages} more pages of a memory`);
  }

  /** As {@linkcode MemoryState.grow}, after the limiter was asked. */
  growAllowed(deltaPages: number): Growth {
    const { limiter, usage } = this.store;
    const before = this.pages;
    const bytes = this.#bytesOf(deltaPages);
    let failure: GrowFailure | undefined;
    if (before + deltaPages > this.#maximumPages) {
      failure = () =>
        new RangeError(`A memory of at most ${this.#maximumPages} pages cannot have ${before + deltaPages}`);
    } else if (!usage.take(Resource.memoryBytes, bytes)) {
      failure = () => usage.errorOf(Resource.memoryBytes, bytes);
    } else {
      const grown = this.shared === undefined ? this.#grow(before + deltaPages) : this.shared.grow(deltaPages);
      if (grown >= 0) return grown;
      usage.cancel(Resource.memoryBytes, bytes);
      failure = () => new RangeError(`The system refuses ${deltaPages} more pages of a memory`);
    }
    if (this.shared === undefined && limiter?.memoryGrowFailed !== undefined) {
      this.store.meter?.stop(); // METER-1
      const reason = failure();
      limiter.memoryGrowFailed(reason);
      return () => reason;
    }
    return failure;
  }

  #grow(pages: number): number {
    const before = this.pages;
    const byteLength = this.#bytesOf(pages);
    if (!this.linear.growTo(byteLength)) return -1;
    this.#bytes = this.linear.view(byteLength);
    this.#block!.setAddress(this.#offsetBytes + DEFINITION.currentLengthBytes, byteLength);
    return before;
  }

  /**
   * What its bytes will be after {@linkcode MemoryState.reset}: these, or new ones, since V8 gives nothing back of what a memory has grown to, and
   * what JavaScript sees is as long as that. @throws {HostError} when the system refuses them.
   */
  prepareReset(): GrowableBytes {
    const linear = this.#linear;
    return linear instanceof LinearMemory && linear.byteLength === this.#initialBytes
      ? linear
      : allocateBytes(this.type, "unshared");
  }

  /**
   * Makes it what it was when it was made, but for the image that may lie under it: as long as its type says, zero, and under a buffer that
   * nobody has. No call of its store is active or parked, and it is not shared. @throws {HostError} when the system keeps the pages.
   */
  reset(linear: GrowableBytes): void {
    const before = this.#linear;
    this.store.usage.give(Resource.memoryBytes, this.#bytes.length - this.#initialBytes);
    const hasImage = before instanceof LinearMemory && before.resetContents();
    if (linear !== before || !hasImage) this.image = undefined;
    this.#linear = linear;
    this.#bytes = linear.view(this.#initialBytes);
    this.#block!.setAddress(this.#offsetBytes + DEFINITION.base, linear.baseAddress);
    this.#block!.setAddress(this.#offsetBytes + DEFINITION.currentLengthBytes, this.#bytes.length);
  }

  /** The store is closed: the bytes may go to another one, once nobody has them. */
  recycle(): void {
    const { image, linear } = this;
    if (this.#recycled === undefined || !(linear instanceof LinearMemory)) return;
    const hasImage = linear.resetContents();
    if (linear.byteLength !== this.#initialBytes) return;
    this.#recycled.give({ linear, image: hasImage ? image : undefined });
  }

  get #initialBytes(): number {
    return this.#bytesOf(this.type.minimumPages);
  }

  get #maximumPages(): number {
    return this.type.maximumPages ?? mostPages(this.type);
  }

  #bytesOf(pages: number): number {
    return pages * 2 ** this.type.pageSizeLog2;
  }

  /** Whether [start, start + length) is inside the memory. */
  contains(start: number, length: number): boolean {
    return start + length <= this.bytes.length;
  }
}

/** Bytes that a memory has at first. */
export function minimumBytes(type: MemoryLimits): number {
  return type.minimumPages * 2 ** type.pageSizeLog2;
}

/** The maximum of a type in bytes, or all that its addresses reach. */
function declaredMaximum(type: MemoryLimits): number {
  return (type.maximumPages ?? mostPages(type)) * 2 ** type.pageSizeLog2;
}

/** Counts a new memory's bytes, then allocates them (USAGE-1). @throws {LimitError} */
function takeBytes<T>(store: StoreState, type: MemoryLimits, allocate: () => T): T {
  const { usage } = store;
  usage.require(Resource.memoryBytes, minimumBytes(type));
  try {
    return allocate();
  } catch (error) {
    usage.cancel(Resource.memoryBytes, minimumBytes(type));
    throw error;
  }
}

/** Asks the limiter about a new memory, if there is something to ask. */
export function askAboutMemory({ limiter }: StoreState, type: MemoryLimits): LimiterAnswer {
  if (limiter?.memoryGrowing === undefined || type.isShared) return true;
  return limiter.memoryGrowing(0, minimumBytes(type), declaredMaximum(type));
}

/** The error of a new memory that the limiter does not want. */
export function refusedMemory(type: MemoryLimits): Error {
  return refusedByLimiter(`a memory of ${minimumBytes(type)} bytes`);
}

/** A shared memory that a store's module or embedder asks for. @throws {LimitError} @throws {HostError} */
export function createCountedSharedMemory(store: StoreState, type: MemoryLimits): SharedMemoryState {
  return takeBytes(store, type, () => createSharedMemory(type));
}

/** Makes a memory that no module defines. @throws {RangeError} when the store's limiter or limits refuse it. */
export function createMemory(store: StoreState, type: MemoryLimits): MemoryState {
  store.requireOpen();
  return makeMemory(store, type, answerNow(askAboutMemory(store, type)));
}

/** As {@linkcode createMemory}, for callers that have time to wait for the limiter's promise. */
export async function createMemoryLater(store: StoreState, type: MemoryLimits): Promise<MemoryState> {
  store.requireOpen();
  return makeMemory(store, type, await answerLater(askAboutMemory(store, type)));
}

function makeMemory(store: StoreState, type: MemoryLimits, isAllowed: boolean): MemoryState {
  if (!isAllowed) throw refusedMemory(type);
  store.requireOpen();
  if (type.isShared) return new MemoryState(store, type, createCountedSharedMemory(store, type));
  return new MemoryState(store, type, { block: store.allocate(VMMemoryDefinition.sizeBytes), offsetBytes: 0 });
}

/** Makes a store's memory of a shared one. */
export function attachSharedMemory(store: StoreState, shared: SharedMemoryState): MemoryState {
  store.requireOpen();
  return new MemoryState(store, shared.type, shared);
}
