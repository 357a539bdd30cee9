/**
 * Linear memories of a store: the allocation, its definition record that machine code reads, its limits.
 */

import { VMMemoryDefinition } from "../abi/mod.ts";
import { allocateLinearMemory, type LinearMemory } from "../host/mod.ts";
import { limits } from "../wasm/mod.ts";
import type { Block } from "./block.ts";
import type { StoreState } from "./store_state.ts";

const DEFINITION = VMMemoryDefinition.offsets;

/** The limits of a memory's type, in pages. */
export interface MemoryLimits {
  readonly minimumPages: number;
  readonly maximumPages: number | undefined;
}

/** A memory of a store. */
export class MemoryState {
  readonly store: StoreState;
  readonly linear: LinearMemory;
  /** Declared maximum. */
  readonly maximumPages: number | undefined;
  /** Address of the VMMemoryDefinition. */
  readonly definitionAddress: number;
  /** The whole memory as bytes; another view after each grow, this one detached. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The API's object for this memory, once it has one. */
  wrapper: unknown = undefined;
  readonly #block: Block;
  readonly #offsetBytes: number;

  /** The definition is written at `offsetBytes` of `block`. @throws {HostError} when the reservation is refused. */
  constructor(store: StoreState, limits: MemoryLimits, block: Block, offsetBytes: number) {
    this.store = store;
    this.maximumPages = limits.maximumPages;
    this.linear = allocateLinearMemory(limits.minimumPages);
    this.bytes = new Uint8Array(this.linear.buffer);
    this.#block = block;
    this.#offsetBytes = offsetBytes;
    this.definitionAddress = block.address + offsetBytes;
    block.setAddress(offsetBytes + DEFINITION.base, this.linear.baseAddress);
    block.setAddress(offsetBytes + DEFINITION.currentLengthBytes, this.linear.byteLength);
    store.memories.push(this);
  }

  /** Current size. */
  get pages(): number {
    return this.linear.pages;
  }

  /** Grows; returns the size before, or -1 when the limits or the system refuse. */
  grow(deltaPages: number): number {
    const before = this.linear.pages;
    if (before + deltaPages > (this.maximumPages ?? limits.SPEC_MAX_MEMORY32_PAGES)) return -1;
    if (this.linear.grow(deltaPages) < 0) return -1;
    this.bytes = new Uint8Array(this.linear.buffer);
    this.#block.setAddress(this.#offsetBytes + DEFINITION.currentLengthBytes, this.linear.byteLength);
    return before;
  }

  /** Whether [start, start + length) is inside the memory. */
  contains(start: number, length: number): boolean {
    return start + length <= this.bytes.length;
  }
}

/** Makes a memory that no module defines. */
export function createMemory(store: StoreState, memoryLimits: MemoryLimits): MemoryState {
  return new MemoryState(store, memoryLimits, store.allocate(VMMemoryDefinition.sizeBytes), 0);
}
