/**
 * Blocks: pieces of native memory that machine code reads, seen from here as offsets into typed arrays.
 *
 * A store makes many small ones (VMContexts, small tables, globals), so they are cut from slabs by a bump pointer: a mapping and its views
 * cost microseconds, a cut nanoseconds. Nothing is given back before the store is closed (OWN-1), but for large blocks, which have a
 * mapping of their own: a table that grows would otherwise leave all its earlier copies behind.
 *
 * BLOCK-A  A block starts at a multiple of 16 bytes and is zero.
 */

import { ADVICE, adviseMemory, mapRegion, type NativeRegion, PAGE_BYTES } from "../host/mod.ts";

/** Blocks of at least this many bytes have a mapping of their own. */
const LARGE_BYTES = 64 * 1024;
/** The first slab of a store: what a small instance needs. Each further one is twice as large, up to the maximum. */
const FIRST_SLAB_BYTES = 16 * 1024;
const MAXIMUM_SLAB_BYTES = 1 << 20;

/** A piece of native memory. Offsets count from its start; they are multiples of what is accessed. */
export class Block {
  /** Address of the first byte, below 2^47. */
  readonly address: number;
  readonly byteLength: number;
  /** What the block is cut from; its views are indexed from `offsetBytes`. */
  readonly region: NativeRegion;
  /** Where the block starts in the region. */
  readonly offsetBytes: number;
  readonly #isOwnRegion: boolean;

  constructor(region: NativeRegion, offsetBytes: number, byteLength: number, ownership: "slab" | "region") {
    this.region = region;
    this.offsetBytes = offsetBytes;
    this.byteLength = byteLength;
    this.address = region.addressNumber + offsetBytes;
    this.#isOwnRegion = ownership === "region";
  }

  /** The block as words, for loops. */
  get words(): Int32Array<ArrayBuffer> {
    return new Int32Array(this.region.buffer, this.offsetBytes, this.byteLength >> 2);
  }

  getI32(offsetBytes: number): number {
    return this.region.i32[(this.offsetBytes + offsetBytes) >> 2];
  }

  setI32(offsetBytes: number, value: number): void {
    this.region.i32[(this.offsetBytes + offsetBytes) >> 2] = value;
  }

  /** A 64-bit word that holds an address or a count below 2^53. */
  getAddress(offsetBytes: number): number {
    const word = (this.offsetBytes + offsetBytes) >> 2;
    const { i32 } = this.region;
    return (i32[word] >>> 0) + i32[word + 1] * 0x1_0000_0000;
  }

  setAddress(offsetBytes: number, value: number): void {
    const word = (this.offsetBytes + offsetBytes) >> 2;
    const { i32 } = this.region;
    i32[word] = value;
    i32[word + 1] = Math.floor(value / 0x1_0000_0000);
  }

  /** Makes all of it zero again: a large one's pages go back to the system. */
  clear(): void {
    const { address, byteLength } = this;
    if (byteLength < LARGE_BYTES) {
      this.words.fill(0);
      return;
    }
    const first = Math.ceil(address / PAGE_BYTES) * PAGE_BYTES;
    const end = Math.floor((address + byteLength) / PAGE_BYTES) * PAGE_BYTES;
    const { words } = this;
    const isGone = adviseMemory(first, end - first, ADVICE.dontNeed) === 0;
    words.fill(0, 0, isGone ? (first - address) >> 2 : words.length);
    words.fill(0, (end - address) >> 2);
  }

  /** Gives a large block's mapping back; blocks from slabs wait for their store. */
  release(): void {
    if (this.#isOwnRegion) this.region.release();
  }
}

/** A store's native memory. */
export class BlockAllocator {
  readonly #slabs: NativeRegion[] = [];
  readonly #large = new Set<Block>();
  #nextBytes = 0;
  #slabBytes = FIRST_SLAB_BYTES;

  /** Makes a zeroed block. @throws {HostError} when the system refuses the memory. */
  allocate(byteLength: number): Block {
    const length = Math.ceil(byteLength / 16) * 16;
    if (length >= LARGE_BYTES) {
      const block = new Block(mapRegion(length), 0, byteLength, "region");
      this.#large.add(block);
      return block;
    }
    let slab = this.#slabs.at(-1);
    if (slab === undefined || this.#nextBytes + length > slab.byteLength) {
      while (this.#slabBytes < length) this.#slabBytes *= 2;
      slab = mapRegion(this.#slabBytes);
      this.#slabs.push(slab);
      this.#nextBytes = 0;
      this.#slabBytes = Math.min(this.#slabBytes * 2, MAXIMUM_SLAB_BYTES);
    }
    const offsetBytes = this.#nextBytes;
    this.#nextBytes += length;
    return new Block(slab, offsetBytes, byteLength, "slab");
  }

  /** Gives a block back before its time; only large ones free memory. */
  free(block: Block): void {
    if (this.#large.delete(block)) block.release();
  }

  /** Unmaps everything; no machine code may run on it any more. */
  release(): void {
    for (const slab of this.#slabs) slab.release();
    for (const block of this.#large) block.release();
    this.#slabs.length = 0;
    this.#large.clear();
  }
}
