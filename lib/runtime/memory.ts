/**
 * Linear memories of a store: the allocation, its definition record that machine code reads, its limits.
 */

import { VMMemoryDefinition } from "../abi/mod.ts";
import type { GrowableBytes, MemoryImage } from "../host/mod.ts";
import type { Block } from "./block.ts";
import { allocateBytes, type MemoryLimits, mostPages } from "./memory_type.ts";
import { createSharedMemory, type SharedMemoryState } from "./shared_memory.ts";
import type { StoreState } from "./store_state.ts";

const DEFINITION = VMMemoryDefinition.offsets;

/** A memory of a store. */
export class MemoryState {
  readonly store: StoreState;
  /** The type it was made with; `minimumPages` is the declared one. */
  readonly type: MemoryLimits;
  readonly linear: GrowableBytes;
  /** What all isolates that have the memory share; undefined for a memory of this store alone. */
  readonly shared: SharedMemoryState | undefined;
  /** Address of the VMMemoryDefinition. */
  readonly definitionAddress: number;
  /** What lies under the bytes that nobody has written to (data_image.ts). */
  image: MemoryImage | undefined = undefined;
  /** The API's object for this memory, once it has one. */
  wrapper: unknown = undefined;
  /** Where this store's definition record is; none for a shared memory. */
  readonly #block: Block | undefined;
  readonly #offsetBytes: number;
  #bytes: Uint8Array<ArrayBuffer>;

  /**
   * The definition of an unshared memory is written at `offsetBytes` of `block`; a shared memory has its own.
   *
   * @throws {HostError} when the reservation is refused.
   */
  constructor(
    store: StoreState,
    type: MemoryLimits,
    place: { readonly block: Block; readonly offsetBytes: number } | SharedMemoryState,
  ) {
    this.store = store;
    this.type = type;
    if ("block" in place) {
      const { block, offsetBytes } = place;
      this.linear = allocateBytes(type, "unshared");
      this.shared = undefined;
      this.#block = block;
      this.#offsetBytes = offsetBytes;
      this.definitionAddress = block.address + offsetBytes;
      this.#bytes = this.linear.view(type.minimumPages * 2 ** type.pageSizeLog2);
      block.setAddress(offsetBytes + DEFINITION.base, this.linear.baseAddress);
      block.setAddress(offsetBytes + DEFINITION.currentLengthBytes, this.#bytes.length);
    } else {
      this.linear = place.bytes;
      this.shared = place;
      this.#block = undefined;
      this.#offsetBytes = 0;
      this.definitionAddress = place.address;
      this.#bytes = this.linear.view(place.byteLength);
    }
    store.memories.push(this);
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

  /** Current size. */
  get pages(): number {
    return this.bytes.length / 2 ** this.type.pageSizeLog2;
  }

  /** Grows; returns the size before, or -1 when the limits or the system refuse. */
  grow(deltaPages: number): number {
    if (this.shared !== undefined) return this.shared.grow(deltaPages);
    const before = this.pages;
    const pages = before + deltaPages;
    if (pages > (this.type.maximumPages ?? mostPages(this.type))) return -1;
    const byteLength = pages * 2 ** this.type.pageSizeLog2;
    if (!this.linear.growTo(byteLength)) return -1;
    this.#bytes = this.linear.view(byteLength);
    this.#block!.setAddress(this.#offsetBytes + DEFINITION.currentLengthBytes, byteLength);
    return before;
  }

  /** Whether [start, start + length) is inside the memory. */
  contains(start: number, length: number): boolean {
    return start + length <= this.bytes.length;
  }
}

/** Makes a memory that no module defines. */
export function createMemory(store: StoreState, type: MemoryLimits): MemoryState {
  store.requireOpen();
  if (type.isShared) return new MemoryState(store, type, createSharedMemory(type));
  return new MemoryState(store, type, { block: store.allocate(VMMemoryDefinition.sizeBytes), offsetBytes: 0 });
}

/** Makes a store's memory of a shared one. */
export function attachSharedMemory(store: StoreState, shared: SharedMemoryState): MemoryState {
  store.requireOpen();
  return new MemoryState(store, shared.type, shared);
}
