/**
 * What collectors have in common that allocate at one end of one space: the space, the place of the next object, and how far memory is zeroed.
 *
 * LINEAR-1  Outside of collections all objects lie in the current space, one after the other without gaps from its start to `gcNext`.
 * LINEAR-2  [gcNext, cleanEnd) is zero; gcLimit is at most cleanEnd, and at most the soft end: past that only the runtime allocates, up to its
 *           next collection (COLLECT-1), or up to the hard end.
 */

import { VMStoreContext } from "../../abi/mod.ts";
import type { Block } from "../block.ts";
import type { Collector, CollectorAudit } from "./collector.ts";
import { CHUNK_BYTES, type HeapAccount, type HeapEnvironment } from "./collector_options.ts";
import { walkObjects } from "./objects.ts";
import { HeapMemory, type Space } from "./space.ts";
import type { GcTypes } from "./type_info.ts";

const { gcHeapBase, gcHeapBound, gcNext, gcLimit } = VMStoreContext.offsets;

/** A heap whose objects are found by tracing from roots, if at all, so nobody needs to tell it what is stored where. */
export abstract class LinearCollector implements Collector {
  readonly baseAddress: number;
  readonly memory: HeapMemory;
  collections = 0;
  protected readonly types: GcTypes;
  protected readonly account: HeapAccount;
  /** The space that objects are in. */
  protected space: Space;
  // Heap indices.
  protected cleanEnd: number;
  protected softEnd: number;
  /** Nothing is allocated beyond it. */
  protected hardEnd: number;
  readonly #context: Block;

  /** `softBytes` and `hardBytes`: how much is allocated before a collection, and at most. @throws {HostError} when the address space is refused. */
  constructor(environment: HeapEnvironment, memory: HeapMemory, softBytes: number, hardBytes: number) {
    this.types = environment.types;
    this.account = environment.account;
    this.#context = environment.storeContext;
    this.memory = memory;
    this.baseAddress = memory.reservation.address;
    this.space = memory.spaces[0];
    const { start } = this.space;
    this.cleanEnd = start;
    this.softEnd = start + softBytes;
    this.hardEnd = start + hardBytes;
    this.#context.setAddress(gcHeapBase, this.baseAddress);
    this.#context.setI32(gcNext, start);
    this.#context.setI32(gcLimit, start);
  }

  get words(): Int32Array<ArrayBuffer> {
    return this.space.words;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.space.bytes;
  }

  get start(): number {
    return this.space.start;
  }

  get usedBytes(): number {
    return this.next - this.space.start;
  }

  abstract prepare(sizeBytes: number): void;
  abstract collect(): void;

  allocate(typeWord: number, sizeBytes: number): number {
    const { next } = this;
    const end = next + sizeBytes;
    if (end > this.cleanEnd && !this.#clean(end)) return 0;
    this.publish(end);
    const { space } = this;
    space.words[(next - space.start) >>> 2] = typeWord;
    return next;
  }

  readonly hasBarriers = false;
  writeBarrier(_object: number, _place: number, _old: number, _value: number): void {}
  readonly hasRootBarriers = false;
  rootBarrier(_old: number, _value: number): void {}
  readonly countsHandles = false;
  cloneBarrier(_reference: number): void {}
  dropBarrier(_reference: number): void {}
  logFull(): void {}
  readonly audit: CollectorAudit = {};

  forEachObject(visit: (reference: number, sizeBytes: number) => void): void {
    const { words, start } = this.space;
    this.types.sync();
    walkObjects(this.types, words, start, 0, (this.next - start) >>> 2, visit);
  }

  release(): void {
    this.memory.release();
  }

  /** Heap index of the next object. */
  protected get next(): number {
    return this.#context.getI32(gcNext) >>> 0;
  }

  /** How far machine code may allocate when the next object goes to `next`. */
  protected limitAt(next: number): number {
    return Math.max(next, Math.min(this.cleanEnd, this.softEnd));
  }

  /** Says where the next object goes, and how far machine code may allocate. */
  protected publish(next: number): void {
    this.#context.setI32(gcNext, next);
    this.#context.setI32(gcLimit, this.limitAt(next));
  }

  /** Says how much of the current space is committed. */
  protected publishBound(): void {
    this.#context.setAddress(gcHeapBound, this.space.start + this.space.committedBytes);
  }

  /** Zeroes at least up to heap index `end`; false beyond the hard end. */
  #clean(end: number): boolean {
    if (end > this.hardEnd) return false;
    const { space, account } = this;
    let target = Math.min(this.hardEnd, Math.max(end, this.cleanEnd + CHUNK_BYTES));
    if (!account.chargeHeap(target - space.start)) {
      target = end;
      if (!account.chargeHeap(target - space.start)) return false;
    }
    try {
      space.commitTo(target);
    } catch {
      account.chargeHeap(this.cleanEnd - space.start);
      return false;
    }
    space.zero(this.cleanEnd, target);
    this.cleanEnd = target;
    this.publishBound();
    return true;
  }
}
