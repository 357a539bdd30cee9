/**
 * A space: one contiguous part of a heap's reservation, committed from its start as far as it was ever needed, and its views.
 *
 * SPACE-1  `words`, `bytes` and `cards` cover exactly what is committed (COLLECT-3); they are replaced when that changes.
 * SPACE-2  Bytes from `dirtyEnd` on are zero.
 */

import {
  GC_CARD_LOG2,
  GC_CARDS_BYTES,
  GC_CARDS_START,
  GC_LOG_START,
  GC_MAX_OFFSET_BYTES,
  GC_OBJECTS_START,
  GC_RESERVATION_BYTES,
} from "../../abi/mod.ts";
import { HeapReservation, PAGE_BYTES } from "../../host/mod.ts";

/** The unit of committing. */
const STEP_BYTES = 1 << 20;

/** A space of at least this size asks for huge pages: a fault for each 4 KiB is a good part of what a collection costs. */
const HUGE_BYTES = 8 << 20;

/** What the cards of a page stand for. */
const CARD_PAGE_BYTES = PAGE_BYTES << GC_CARD_LOG2;

const NO_WORDS = new Int32Array(0);
const NO_BYTES = new Uint8Array(0);

/** What a heap takes from the system; knows nothing of its store, so that it can be given back after that was garbage. */
export class HeapMemory {
  readonly reservation: HeapReservation;
  readonly spaces: readonly Space[];
  #log: Int32Array<ArrayBuffer> | undefined;

  /** @throws {HostError} when the address space is refused. */
  constructor(spaceCount: number, spaceBytes: number) {
    this.reservation = new HeapReservation(GC_RESERVATION_BYTES, GC_MAX_OFFSET_BYTES);
    // Takes memory where it is written only.
    this.reservation.commit(GC_CARDS_START, GC_CARDS_BYTES);
    this.spaces = Array.from(
      { length: spaceCount },
      (_, i) => new Space(this.reservation, GC_OBJECTS_START + i * spaceBytes, spaceBytes),
    );
  }

  /** The log of stores (GC-L), which lies where other heaps have cards. */
  logOf(byteLength: number): Int32Array {
    this.#log ??= new Int32Array(this.reservation.view(GC_LOG_START, Math.ceil(byteLength / PAGE_BYTES) * PAGE_BYTES));
    return this.#log.subarray(0, byteLength >> 2);
  }

  /** Gives everything back. */
  release(): void {
    if (this.#log !== undefined && this.#log.length !== 0) this.#log.buffer.transfer(0);
    this.#log = undefined;
    for (const space of this.spaces) space.release();
    this.reservation.release();
  }
}

/** A space of a heap. */
export class Space {
  /** Index of its first byte in the heap. */
  readonly start: number;
  /** Bytes that it may have; whole pages. */
  readonly maximumBytes: number;
  committedBytes = 0;
  words: Int32Array<ArrayBuffer> = NO_WORDS;
  bytes: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** Heap index. */
  dirtyEnd: number;
  /** Number of the card that is first in {@linkcode Space.cards}: a multiple of four. */
  readonly firstCard: number;
  #cards: Uint8Array<ArrayBuffer> | undefined;
  readonly #reservation: HeapReservation;

  constructor(reservation: HeapReservation, start: number, maximumBytes: number) {
    this.#reservation = reservation;
    this.start = start;
    this.maximumBytes = maximumBytes;
    this.dirtyEnd = start;
    this.firstCard = Math.floor((start >>> GC_CARD_LOG2) / PAGE_BYTES) * PAGE_BYTES;
  }

  /** The cards of what is committed (GC-W). All cards of a heap would be a view of megabytes, which V8 would believe to be memory in use. */
  get cards(): Uint8Array<ArrayBuffer> {
    if (this.#cards === undefined) {
      const end = Math.ceil((this.start + this.committedBytes) / CARD_PAGE_BYTES) * PAGE_BYTES;
      const { firstCard } = this;
      this.#cards = new Uint8Array(this.#reservation.view(GC_CARDS_START + firstCard, end - firstCard));
    }
    return this.#cards;
  }

  /** Commits at least the bytes up to heap index `end`. @throws {HostError} when the system refuses. */
  commitTo(end: number): void {
    const needed = end - this.start;
    if (needed <= this.committedBytes) return;
    const length = Math.min(
      this.maximumBytes,
      Math.ceil(Math.max(needed, this.committedBytes * 1.5) / STEP_BYTES) * STEP_BYTES,
    );
    this.#reservation.commit(this.start + this.committedBytes, length - this.committedBytes);
    if (length >= HUGE_BYTES) this.#reservation.preferHugePages(this.start, length);
    this.#detach();
    this.committedBytes = length;
    const buffer = this.#reservation.view(this.start, length);
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** Makes [from, to) zero; heap indices, committed. */
  zero(from: number, to: number): void {
    const end = Math.min(to, this.dirtyEnd);
    if (from < end) this.bytes.fill(0, from - this.start, end - this.start);
    if (to > this.dirtyEnd) this.dirtyEnd = to;
  }

  /** Gives the memory of whole pages back to the system; they stay committed, and are zero. Heap indices. */
  clear(from: number, to: number): void {
    this.#reservation.clear(from, to - from);
  }

  /** Gives the memory of an empty space back to the system, and makes it unreadable: a stale reference into it faults. */
  decommit(): void {
    if (this.committedBytes === 0) return;
    this.#detach();
    this.#reservation.decommit(this.start, this.committedBytes);
    this.committedBytes = 0;
    this.dirtyEnd = this.start;
  }

  /** Drops the views (HEAPRES-1). */
  release(): void {
    this.#detach();
    this.committedBytes = 0;
  }

  #detach(): void {
    if (this.words.buffer.byteLength !== 0) this.words.buffer.transfer(0);
    if (this.#cards !== undefined && this.#cards.length !== 0) this.#cards.buffer.transfer(0);
    this.#cards = undefined;
    this.words = NO_WORDS;
    this.bytes = NO_BYTES;
  }
}
