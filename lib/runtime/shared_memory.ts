/**
 * Shared memories: one definition record and one reservation for all isolates (MEM-S).
 *
 * A shared memory is its bytes, which are posted to a Worker, and a VMSharedMemory record in native memory of the process, whose first
 * fields are the VMMemoryDefinition that machine code of every isolate reads. The record is never posted: it is found by the address of
 * the bytes, as V8 has it. V8 counts who has the bytes: they go when the last isolate's store and handle are gone, and not before. Nothing
 * can unmap them in between: they cannot be detached, shortened or transferred.
 *
 * SHM-1  The length is published last, after the pages are there, and never falls: code that reads an old one traps where it would not have
 *        to, which no program can tell from running earlier.
 * SHM-2  Growing holds the record's lock; who takes it over from a dead thread finds at worst pages that nobody was told of (LIFE-2).
 * SHM-3  A length is believed after a view of that length could be made: a buffer's own properties are its holder's to redefine.
 */

import { VMSharedMemory, VMSHAREDMEMORY_MAGIC } from "../abi/mod.ts";
import {
  adoptGrowableMemory,
  adoptLinearMemory,
  claimSharedRecord,
  findSharedRecord,
  type GrowableBytes,
  isMapped,
  SHARED_RECORD_BYTES,
  type SharedRecord,
  withLock,
} from "../host/mod.ts";
import { allocateBytes, type MemoryLimits, mostPages, STANDARD_PAGE_LOG2 } from "./memory_type.ts";

const RECORD = VMSharedMemory.offsets;
const LENGTH = RECORD.currentLengthBytes >> 3;
const NOTIFICATIONS = RECORD.notifications >> 2;
const NO_MAXIMUM = -1n;

/** What isolates post to each other. */
export interface PostedMemory {
  /** The bytes: a shared `WebAssembly.Memory`, or a growable SharedArrayBuffer for other page sizes. */
  readonly bytes: unknown;
}

/** A shared memory as one isolate sees it. */
export class SharedMemoryState {
  readonly type: MemoryLimits;
  readonly bytes: GrowableBytes;
  /** Address of the record: a VMMemoryDefinition. */
  readonly address: number;
  readonly #record: SharedRecord;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #longs: BigInt64Array<ArrayBuffer>;

  constructor(type: MemoryLimits, bytes: GrowableBytes, record: SharedRecord) {
    this.type = type;
    this.bytes = bytes;
    this.address = record.table.addressNumber + record.offsetBytes;
    this.#record = record;
    [this.#words, this.#longs] = viewsOf(record);
  }

  /** Current length in bytes. */
  get byteLength(): number {
    return Number(Atomics.load(this.#longs, LENGTH));
  }

  /** What another isolate makes the same memory of, by {@linkcode adoptSharedMemory}. */
  get posted(): PostedMemory {
    return { bytes: this.bytes.transferable };
  }

  /** Notifications by guests so far, modulo 2^32. */
  get notifications(): number {
    return Atomics.load(this.#words, NOTIFICATIONS);
  }

  /** Counts a notification, before it is made. */
  countNotification(): void {
    Atomics.add(this.#words, NOTIFICATIONS, 1);
  }

  /** Grows; returns the size before in pages, or -1 when the maximum or the system refuses. */
  grow(deltaPages: number): number {
    const pageBytes = 2 ** this.type.pageSizeLog2;
    const { table, offsetBytes } = this.#record;
    return withLock(table, offsetBytes + RECORD.lock, () => {
      const before = this.byteLength / pageBytes;
      const pages = before + deltaPages;
      if (pages > (this.type.maximumPages ?? mostPages(this.type))) return -1;
      if (!this.bytes.growTo(pages * pageBytes) || !reaches(this.bytes, pages * pageBytes)) return -1;
      Atomics.store(this.#longs, LENGTH, BigInt(pages * pageBytes)); // SHM-1
      return before;
    });
  }
}

/** A record as 32-bit words and as 64-bit ones. */
function viewsOf({ table, offsetBytes }: SharedRecord): [Int32Array<ArrayBuffer>, BigInt64Array<ArrayBuffer>] {
  const end = offsetBytes + SHARED_RECORD_BYTES;
  return [table.i32.subarray(offsetBytes >> 2, end >> 2), table.i64.subarray(offsetBytes >> 3, end >> 3)];
}

/** SHM-3. */
function reaches(bytes: GrowableBytes, byteLength: number): boolean {
  try {
    return bytes.view(byteLength).length === byteLength;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Makes a shared memory of zeros. @throws {HostError} when the reservation is refused. */
export function createSharedMemory(type: MemoryLimits): SharedMemoryState {
  const bytes = allocateBytes(type, "shared");
  const record = claimSharedRecord(bytes.baseAddress);
  const [words, longs] = viewsOf(record);
  longs[RECORD.maximumPages >> 3] = type.maximumPages === undefined ? NO_MAXIMUM : BigInt(type.maximumPages);
  words[RECORD.pageSizeLog2 >> 2] = type.pageSizeLog2;
  words[RECORD.is64 >> 2] = type.addressType === "i64" ? 1 : 0;
  Atomics.store(longs, LENGTH, BigInt(type.minimumPages) << BigInt(type.pageSizeLog2));
  Atomics.store(words, RECORD.magic >> 2, VMSHAREDMEMORY_MAGIC);
  return new SharedMemoryState(type, bytes, record);
}

/**
 * The memory that another isolate posted; undefined unless the process has a record of its bytes.
 *
 * The record of a dead memory may lie at the base of a buffer that somebody else made since (SREC-2): one that is shorter than the record
 * says, or has no such reservation behind it, is refused. Whatever passes is what machine code needs.
 */
export function adoptSharedMemory({ bytes: posted }: PostedMemory): SharedMemoryState | undefined {
  const bytes = adoptLinearMemory(posted) ?? adoptGrowableMemory(posted);
  if (bytes === undefined) return undefined;
  const record = findSharedRecord(bytes.baseAddress);
  if (record === undefined) return undefined;
  const [words, longs] = viewsOf(record);
  if (Atomics.load(words, RECORD.magic >> 2) !== VMSHAREDMEMORY_MAGIC) return undefined;
  const length = Number(Atomics.load(longs, LENGTH));
  if (!reaches(bytes, length)) return undefined;
  if (bytes.guardedBytes > 0 && !isMapped(bytes.baseAddress, bytes.guardedBytes)) return undefined;
  const pageSizeLog2 = words[RECORD.pageSizeLog2 >> 2];
  if ((pageSizeLog2 === STANDARD_PAGE_LOG2) !== bytes.guardedBytes > 0) return undefined;
  const maximum = longs[RECORD.maximumPages >> 3];
  const type: MemoryLimits = {
    minimumPages: length / 2 ** pageSizeLog2,
    maximumPages: maximum === NO_MAXIMUM ? undefined : Number(maximum),
    addressType: words[RECORD.is64 >> 2] === 1 ? "i64" : "i32",
    isShared: true,
    pageSizeLog2,
  };
  return new SharedMemoryState(type, bytes, record);
}
