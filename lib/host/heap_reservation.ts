/**
 * Address space for garbage-collected heaps: reserved whole, committed piece by piece, recycled.
 *
 * A heap's addresses must never change, since compiled code adds indices to a base, and no 32-bit index with a small displacement may leave
 * it (GC-1), so it takes its whole 4 GiB + 64 KiB at once, unreadable. Whoever manages it commits ranges, and looks at those through views. A reservation is
 * three system calls and a ledger entry; those of closed stores are kept, empty, for the next store.
 *
 * HEAPRES-1  A view covers committed memory only, and is detached before any of it is decommitted or given back (HOST-2, HOST-3): JavaScript that
 *            reads an unreadable page dies.
 * HEAPRES-2  The first `guardBytes` are never committed.
 * HEAPRES-3  What is committed anew is zero, and what is recycled is: nothing of one store is seen by another.
 */

import { HostError, systemError } from "./errors.ts";
import { aliasMemory } from "./ffi.ts";
import { noteMapping, strikeMapping } from "./ledger.ts";
import { requireAddressSpace } from "./linear_memory.ts";
import { requireMappings } from "./mapping_budget.ts";
import { ADVICE, adviseMemory, MAP, mapMemory, PAGE_BYTES, PROTECTION, protectMemory, unmapMemory } from "./memory.ts";

/** More mappings than most reservations are split into by what is committed and advised: two of a small heap, whose neighbours merge (MAPS-1). */
const HEAP_MAPPINGS = 8;
/** Reservations kept for reuse. */
const POOL_LIMIT = 8;

/** Addresses of empty reservations, by length. */
const pool: { readonly address: number; readonly byteLength: number }[] = [];

/** One reservation. */
export class HeapReservation {
  /** Address of index 0. */
  readonly address: number;
  readonly byteLength: number;
  readonly #guardBytes: number;
  #isReleased = false;

  /** Reserves `byteLength` bytes whose first `guardBytes` stay unreadable. @throws {HostError} when the system refuses. */
  constructor(byteLength: number, guardBytes: number) {
    this.byteLength = byteLength;
    this.#guardBytes = guardBytes;
    const place = pool.findIndex((free) => free.byteLength === byteLength);
    if (place >= 0) {
      this.address = pool.splice(place, 1)[0].address;
    } else {
      requireAddressSpace(byteLength);
      requireMappings(HEAP_MAPPINGS);
      this.address = mapMemory(0, byteLength, PROTECTION.none, MAP.private | MAP.anonymous | MAP.noReserve);
      noteMapping(this.address, byteLength);
    }
  }

  /** Makes [start, start + length) readable and writable; whole pages. @throws {HostError} when the system refuses. */
  commit(start: number, length: number): void {
    this.#check(start, length);
    protectMemory(this.address + start, length, PROTECTION.readWrite);
  }

  /** Asks for huge pages in a committed range: worth it where megabytes are walked, not for heaps of a few pages. */
  preferHugePages(start: number, length: number): void {
    this.#check(start, length);
    // Advice only: a system without them does nothing.
    adviseMemory(this.address + start, length, ADVICE.hugePage);
  }

  /** Makes a range unreadable and gives its memory back; no view covers it (HEAPRES-1). */
  decommit(start: number, length: number): void {
    this.#check(start, length);
    protectMemory(this.address + start, length, PROTECTION.none);
    this.#forget(start, length);
  }

  /** Gives the memory of a committed range back; it stays committed, and is zero. */
  clear(start: number, length: number): void {
    this.#check(start, length);
    this.#forget(start, length);
  }

  /** The bytes of a committed range. The owner detaches the buffer by `transfer(0)` (HEAPRES-1). */
  view(start: number, length: number): ArrayBuffer {
    this.#check(start, length);
    return aliasMemory(this.address + start, length);
  }

  /** Gives the reservation back; no view is left. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (pool.length < POOL_LIMIT) {
      // HEAPRES-3
      protectMemory(this.address, this.byteLength, PROTECTION.none);
      this.#forget(0, this.byteLength);
      pool.push({ address: this.address, byteLength: this.byteLength });
    } else {
      strikeMapping(this.address);
      unmapMemory(this.address, this.byteLength);
    }
  }

  #forget(start: number, length: number): void {
    const result = adviseMemory(this.address + start, length, ADVICE.dontNeed);
    if (result < 0) throw systemError("emptying a heap", result);
  }

  #check(start: number, length: number): void {
    const isFine = !this.#isReleased && (start >= this.#guardBytes || length === 0) && length >= 0 &&
      start + length <= this.byteLength && start % PAGE_BYTES === 0 && length % PAGE_BYTES === 0;
    if (!isFine) throw new HostError("limit", `a heap has no range of ${length} bytes at ${start}`);
  }
}
