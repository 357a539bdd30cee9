/**
 * Shared memories: one definition record and one reservation for all isolates (MEM-S).
 *
 * A shared memory is two shared objects: the bytes (`lib/host`), and a small SharedArrayBuffer with the VMSharedMemory record, whose first
 * fields are the VMMemoryDefinition that machine code of every isolate reads. Both are posted to a Worker, and V8 counts who has them: the
 * memory goes when the last isolate's store and handle are gone, and not before. Nothing can unmap it in between: neither object can be
 * detached, shortened or transferred.
 *
 * SHM-1  The length is published last, after the pages are there, and never falls: code that reads an old one traps where it would not have
 *        to, which no program can tell from running earlier.
 * SHM-2  Growing holds the record's lock; who takes it over from a dead thread finds at worst pages that nobody was told of (LIFE-2).
 */

import { VMSharedMemory, VMSHAREDMEMORY_MAGIC } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import { addressOf, adoptGrowableMemory, adoptLinearMemory, type GrowableBytes, withLock } from "../host/mod.ts";
import { allocateBytes, type MemoryLimits, mostPages, STANDARD_PAGE_LOG2 } from "./memory_type.ts";

const RECORD = VMSharedMemory.offsets;
const LENGTH = RECORD.currentLengthBytes >> 3;
const LOCK = RECORD.lock >> 2;
const NOTIFICATIONS = RECORD.notifications >> 2;
const NO_MAXIMUM = -1n;

/** What isolates post to each other. */
export interface PostedMemory {
  /** The bytes: a shared `WebAssembly.Memory`, or a growable SharedArrayBuffer for other page sizes. */
  readonly bytes: unknown;
  /** The VMSharedMemory record. */
  readonly record: SharedArrayBuffer;
}

/** A shared memory as one isolate sees it. */
export class SharedMemoryState {
  readonly type: MemoryLimits;
  readonly bytes: GrowableBytes;
  readonly record: SharedArrayBuffer;
  /** Address of the record: a VMMemoryDefinition. */
  readonly address: number;
  /** Int32 view of the record. */
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly #longs: BigInt64Array<SharedArrayBuffer>;

  constructor(type: MemoryLimits, bytes: GrowableBytes, record: SharedArrayBuffer) {
    this.type = type;
    this.bytes = bytes;
    this.record = record;
    this.words = new Int32Array(record);
    this.#longs = new BigInt64Array(record);
    this.address = Number(addressOf(new Uint8Array(record as unknown as ArrayBuffer)));
    if (this.address % 8 !== 0) bug("a shared memory's record is not aligned");
  }

  /** Current length in bytes. */
  get byteLength(): number {
    return Number(Atomics.load(this.#longs, LENGTH));
  }

  /** What another isolate makes the same memory of, by {@linkcode adoptSharedMemory}. */
  get posted(): PostedMemory {
    return { bytes: this.bytes.transferable, record: this.record };
  }

  /** Notifications by guests so far, modulo 2^32. */
  get notifications(): number {
    return Atomics.load(this.words, NOTIFICATIONS);
  }

  /** Counts a notification, before it is made. */
  countNotification(): void {
    Atomics.add(this.words, NOTIFICATIONS, 1);
  }

  /** Grows; returns the size before in pages, or -1 when the maximum or the system refuses. */
  grow(deltaPages: number): number {
    const pageBytes = 2 ** this.type.pageSizeLog2;
    return withLock(this.words, LOCK, () => {
      const before = this.byteLength / pageBytes;
      const pages = before + deltaPages;
      if (pages > (this.type.maximumPages ?? mostPages(this.type))) return -1;
      if (!this.bytes.growTo(pages * pageBytes)) return -1;
      Atomics.store(this.#longs, LENGTH, BigInt(pages * pageBytes)); // SHM-1
      return before;
    });
  }
}

/** Makes a shared memory of zeros. @throws {HostError} when the reservation is refused. */
export function createSharedMemory(type: MemoryLimits): SharedMemoryState {
  const bytes = allocateBytes(type, "shared");
  const record = new SharedArrayBuffer(VMSharedMemory.sizeBytes);
  const words = new Int32Array(record);
  const longs = new BigInt64Array(record);
  longs[RECORD.base >> 3] = BigInt(bytes.baseAddress);
  longs[LENGTH] = BigInt(type.minimumPages) << BigInt(type.pageSizeLog2);
  words[RECORD.magic >> 2] = VMSHAREDMEMORY_MAGIC;
  longs[RECORD.maximumPages >> 3] = type.maximumPages === undefined ? NO_MAXIMUM : BigInt(type.maximumPages);
  words[RECORD.pageSizeLog2 >> 2] = type.pageSizeLog2;
  words[RECORD.is64 >> 2] = type.addressType === "i64" ? 1 : 0;
  return new SharedMemoryState(type, bytes, record);
}

/**
 * The memory that another isolate posted; undefined unless record and bytes belong together and hold what this process wrote: machine code
 * believes the record.
 */
export function adoptSharedMemory({ bytes: posted, record }: PostedMemory): SharedMemoryState | undefined {
  if (!(record instanceof SharedArrayBuffer) || record.byteLength !== VMSharedMemory.sizeBytes) return undefined;
  const words = new Int32Array(record);
  const longs = new BigInt64Array(record);
  const bytes = adoptLinearMemory(posted) ?? adoptGrowableMemory(posted);
  const length = Number(Atomics.load(longs, LENGTH));
  if (
    bytes === undefined || words[RECORD.magic >> 2] !== VMSHAREDMEMORY_MAGIC ||
    longs[RECORD.base >> 3] !== BigInt(bytes.baseAddress) || !bytes.growTo(0) || bytes.buffer.byteLength < length
  ) return undefined;
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
