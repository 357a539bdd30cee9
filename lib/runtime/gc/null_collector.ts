/**
 * The collector that never collects: for guests that end before the heap's limit is reached, and as a measure of what collecting costs.
 *
 * NULL-1  Objects lie one after the other without gaps from the space's start to `gcNext`; [gcNext, #cleanEnd) is zero, gcLimit is #cleanEnd.
 */

import { arrayBytes, GC_KIND_SHIFT, GC_TYPE_ID_MASK, GcKind, VMStoreContext } from "../../abi/mod.ts";
import { bug } from "../../base/mod.ts";
import { PAGE_BYTES } from "../../host/mod.ts";
import type { Block } from "../block.ts";
import type { Collector } from "./collector.ts";
import { CHUNK_BYTES, type HeapEnvironment, type HeapOptions, SPACES_BYTES } from "./semispace.ts";
import { HeapMemory, type Space } from "./space.ts";
import type { GcTypes } from "./type_info.ts";

const { gcHeapBase, gcHeapBound, gcNext, gcLimit } = VMStoreContext.offsets;

/** A heap that only grows. */
export class NullCollector implements Collector {
  readonly baseAddress: number;
  readonly memory: HeapMemory;
  readonly collections = 0;
  readonly #types: GcTypes;
  readonly #context: Block;
  readonly #space: Space;
  readonly #hardEnd: number;
  #cleanEnd: number;

  /** @throws {HostError} when the address space is refused. */
  constructor(environment: HeapEnvironment, options: HeapOptions) {
    this.#types = environment.types;
    this.#context = environment.storeContext;
    const spaceBytes = Math.floor(SPACES_BYTES / 2 / PAGE_BYTES) * PAGE_BYTES;
    this.memory = new HeapMemory(1, spaceBytes);
    this.baseAddress = this.memory.reservation.address;
    this.#space = this.memory.spaces[0];
    this.#cleanEnd = this.#space.start;
    this.#hardEnd = this.#space.start + Math.min(options.limitBytes, spaceBytes);
    this.#context.setAddress(gcHeapBase, this.baseAddress);
    this.#context.setI32(gcNext, this.#space.start);
    this.#context.setI32(gcLimit, this.#space.start);
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
    return this.#next() - this.#space.start;
  }

  prepare(_sizeBytes: number): void {}

  allocate(typeWord: number, sizeBytes: number): number {
    const next = this.#next();
    const end = next + sizeBytes;
    if (end > this.#cleanEnd && !this.#clean(end)) return 0;
    this.#context.setI32(gcNext, end);
    const space = this.#space;
    space.words[(next - space.start) >>> 2] = typeWord;
    return next;
  }

  collect(): void {}

  readonly hasBarriers = false;
  writeBarrier(_place: number, _old: number, _value: number): void {}
  readonly hasRootBarriers = false;
  rootBarrier(_old: number, _value: number): void {}
  cloneBarrier(_reference: number): void {}
  dropBarrier(_reference: number): void {}

  forEachObject(visit: (reference: number, sizeBytes: number) => void): void {
    const { words, start } = this.#space;
    this.#types.sync();
    for (let reference = start; reference < this.#next();) {
      const word = (reference - start) >>> 2;
      const size = this.#sizeBytes(words[word], words[word + 2] >>> 0);
      visit(reference, size);
      reference += size;
    }
  }

  release(): void {
    this.memory.release();
  }

  #next(): number {
    return this.#context.getI32(gcNext) >>> 0;
  }

  #clean(end: number): boolean {
    const space = this.#space;
    if (end > this.#hardEnd) return false;
    const target = Math.min(this.#hardEnd, Math.max(end, this.#cleanEnd + CHUNK_BYTES));
    try {
      space.commitTo(target);
    } catch {
      return false;
    }
    space.zero(this.#cleanEnd, target);
    this.#cleanEnd = target;
    this.#context.setI32(gcLimit, target);
    this.#context.setAddress(gcHeapBound, space.start + space.committedBytes);
    return true;
  }

  #sizeBytes(typeWord: number, length: number): number {
    const id = typeWord & GC_TYPE_ID_MASK;
    switch (typeWord >>> GC_KIND_SHIFT) {
      case GcKind.struct:
      case GcKind.exn:
        return this.#types.sizes[id];
      case GcKind.array:
        return arrayBytes(this.#types.layouts.array(id), length);
      case GcKind.extern:
        return 8;
      case GcKind.cont:
        return 16;
      default:
        return bug("an object has no kind");
    }
  }
}
