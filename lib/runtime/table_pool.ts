/**
 * A pool of table storage: slots of one size in a single mapping, for engines that make and drop many stores (SEEDS 3.6, 3.7, 3.13).
 *
 * A table in a slot is *static*: it never moves and grows only as far as the slot reaches. A slot that comes back is given to the system by
 * `madvise`, so the next table in it finds zeroes without anybody having written them (POOL-1).
 *
 * POOL-1  A slot that is taken is zero. POOL-2  A slot belongs to one table at a time; the mapping goes once nobody has a slot any more.
 */

import { NOMINAL_TABLE_ELEMENT_BYTES } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import { mapRegion, type NativeRegion, PAGE_BYTES, zeroPages } from "../host/mod.ts";
import { Block } from "./block.ts";

/** How large a pool is. */
export interface TablePoolOptions {
  /** Tables at a time, of all stores of the engine. */
  readonly tables: number;
  /** Elements that each may have; half as many for continuations. */
  readonly elements: number;
}

/** Storage of one table. */
export interface TableSlot {
  readonly block: Block;
  /** Gives it back. No machine code uses the table any more. */
  release(): void;
}

/** Storage for the tables of an engine. */
export class TablePool {
  readonly options: TablePoolOptions;
  readonly slotBytes: number;
  readonly #strideBytes: number;
  readonly #free: number[] = [];
  #region: NativeRegion | undefined;
  #isClosed = false;

  constructor(options: TablePoolOptions) {
    this.options = options;
    this.slotBytes = options.elements * NOMINAL_TABLE_ELEMENT_BYTES;
    this.#strideBytes = Math.max(PAGE_BYTES, Math.ceil(this.slotBytes / PAGE_BYTES) * PAGE_BYTES);
    for (let slot = options.tables - 1; slot >= 0; slot--) this.#free.push(slot);
  }

  /** Takes a slot, all zero. @throws {RangeError} when all are in use. @throws {HostError} when the system refuses the memory. */
  acquire(): TableSlot {
    const slot = this.#free.pop();
    if (slot === undefined) throw new RangeError(`All ${this.options.tables} tables of the engine's pool are in use`);
    const region = this.#region ??= mapRegion(this.#strideBytes * this.options.tables);
    const offsetBytes = slot * this.#strideBytes;
    let isTaken = true;
    return {
      block: new Block(region, offsetBytes, this.slotBytes, "slab"),
      release: () => {
        if (!isTaken) bug("a slot of a pool was given back twice");
        isTaken = false;
        // POOL-1
        zeroPages(region.addressNumber + offsetBytes, this.#strideBytes);
        this.#free.push(slot);
        this.#releaseUnused();
      },
    };
  }

  /** Slots that are in use. */
  get used(): number {
    return this.options.tables - this.#free.length;
  }

  /** Nobody takes slots any more: the mapping goes with the last of them (POOL-2). */
  close(): void {
    this.#isClosed = true;
    this.#releaseUnused();
  }

  #releaseUnused(): void {
    if (!this.#isClosed || this.used !== 0) return;
    this.#region?.release();
    this.#region = undefined;
  }
}
