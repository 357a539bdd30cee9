/**
 * Native memory: mappings made by system calls, seen by JavaScript through typed arrays that alias them.
 *
 * An aliased typed array costs 0.6 ns an access (`UnsafePointerView` getters: 42), and is as dangerous as a C pointer: reading an
 * unmapped or protected page through one kills the process. So a mapping and its views have one owner, `NativeRegion`.
 *
 * HOST-2  A region's ArrayBuffer is detached before its mapping goes: a stale view reads as empty instead of crashing.
 * HOST-3  No view exceeds what is mapped readable and writable; guard pages and reservations get no view.
 * HOST-4  No ArrayBuffer over native memory leaves this project: users only ever see the buffers of V8's own allocator.
 * HOST-5  Every view counts as V8 external memory and so towards a full collection: views are made on demand, per region.
 */

import { boot } from "./boot.ts";
import { systemError } from "./errors.ts";
import { aliasMemory } from "./ffi.ts";
import { noteMapping, strikeMapping } from "./ledger.ts";

/** The unit of mapping and protection. */
export const PAGE_BYTES = 4096;

// System call numbers, repeated from `SYS` because sys.ts builds on this file.
const SYS_MMAP = 9;
const SYS_MPROTECT = 10;
const SYS_MUNMAP = 11;
const SYS_MADVISE = 28;

/** Page protections, PROT_* of mman.h. */
export const PROTECTION = { none: 0, read: 1, readWrite: 3, readExecute: 5 } as const;
/** Mapping kinds, MAP_* of mman.h. */
export const MAP = {
  shared: 0x01,
  private: 0x02,
  fixed: 0x10,
  anonymous: 0x20,
  noReserve: 0x4000,
  populate: 0x8000,
} as const;
/** Advice, MADV_* of mman.h and, for the guards, Linux 6.13. */
export const ADVICE = {
  normal: 0,
  dontNeed: 4,
  remove: 9,
  hugePage: 14,
  noHugePage: 15,
  guardInstall: 102,
  guardRemove: 103,
} as const;

/** Rounds up to whole pages. */
function pageAlign(byteLength: number): number {
  return Math.ceil(byteLength / PAGE_BYTES) * PAGE_BYTES;
}

/** mmap; returns the address. @throws {HostError} when the system refuses. */
export function mapMemory(
  address: number,
  byteLength: number,
  protection: number,
  flags: number,
  fd = -1,
  offsetBytes = 0,
): number {
  const result = boot().systemCall(SYS_MMAP, address, byteLength, protection, flags, fd, offsetBytes);
  if (result < 0) throw systemError(`mapping ${byteLength} bytes`, result);
  return result;
}

/** munmap. @throws {HostError} when the system refuses, which takes a broken range or no mapping left to split. */
export function unmapMemory(address: number, byteLength: number): void {
  const result = boot().systemCall(SYS_MUNMAP, address, byteLength, 0, 0, 0, 0);
  if (result < 0) throw systemError(`unmapping ${byteLength} bytes`, result);
}

/** mprotect. @throws {HostError} when the system refuses. */
export function protectMemory(address: number, byteLength: number, protection: number): void {
  const result = boot().systemCall(SYS_MPROTECT, address, byteLength, protection, 0, 0, 0);
  if (result < 0) throw systemError(`protecting ${byteLength} bytes`, result);
}

/** madvise; returns 0 or `-errno`, since much advice is optional. */
export function adviseMemory(address: number, byteLength: number, advice: number): number {
  return boot().systemCall(SYS_MADVISE, address, byteLength, advice, 0, 0, 0);
}

/**
 * Makes whole pages of private, writable, anonymous memory zero, and gives them back to the system.
 *
 * @throws {HostError} when the system refuses.
 */
export function zeroPages(address: number, byteLength: number): void {
  if (adviseMemory(address, byteLength, ADVICE.dontNeed) === 0) return;
  // Pages that are locked are not given back, but replaced.
  mapMemory(address, byteLength, PROTECTION.readWrite, MAP.private | MAP.fixed | MAP.anonymous | MAP.noReserve);
}

/** A piece of native memory and its views, which are made on first use and constant until {@linkcode release}. */
export class NativeRegion {
  /** Address of the first byte; below 2^47, so exact. */
  readonly addressNumber: number;
  /** The same for interfaces that take 64-bit integers. */
  readonly address: bigint;
  /** Length in bytes. */
  readonly byteLength: number;
  /** The bytes, aliased. Internal only, per HOST-4. */
  readonly buffer: ArrayBuffer;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #i32: Int32Array<ArrayBuffer> | undefined;
  #u32: Uint32Array<ArrayBuffer> | undefined;
  #i64: BigInt64Array<ArrayBuffer> | undefined;
  #f32: Float32Array<ArrayBuffer> | undefined;
  #f64: Float64Array<ArrayBuffer> | undefined;
  #unmap: boolean;

  /** Views memory that something else owns; see {@linkcode mapRegion} for a mapping of one's own. */
  constructor(addressNumber: number, byteLength: number, ownership: "borrowed" | "owned" = "borrowed") {
    this.addressNumber = addressNumber;
    this.address = BigInt(addressNumber);
    this.byteLength = byteLength;
    this.buffer = aliasMemory(addressNumber, byteLength);
    this.#unmap = ownership === "owned";
  }

  /** Low word of the address, as an int32. */
  get addressLo(): number {
    return this.addressNumber | 0;
  }

  /** High word of the address. */
  get addressHi(): number {
    return Math.floor(this.addressNumber / 0x1_0000_0000);
  }

  /** All of it as bytes. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes ??= new Uint8Array(this.buffer);
  }

  /** All of it as int32 words. */
  get i32(): Int32Array<ArrayBuffer> {
    return this.#i32 ??= new Int32Array(this.buffer);
  }

  /** All of it as uint32 words. */
  get u32(): Uint32Array<ArrayBuffer> {
    return this.#u32 ??= new Uint32Array(this.buffer);
  }

  /** All of it as 64-bit integers: public edge only, a BigInt costs 4.5 to 15 ns. */
  get i64(): BigInt64Array<ArrayBuffer> {
    return this.#i64 ??= new BigInt64Array(this.buffer);
  }

  /** All of it as f32. QUIRK: V8 quiets signalling NaNs here; move bits through `i32`. */
  get f32(): Float32Array<ArrayBuffer> {
    return this.#f32 ??= new Float32Array(this.buffer);
  }

  /** All of it as f64. */
  get f64(): Float64Array<ArrayBuffer> {
    return this.#f64 ??= new Float64Array(this.buffer);
  }

  /** Whether {@linkcode release} has been called. */
  get released(): boolean {
    return this.buffer.detached;
  }

  /** Detaches the views and, if owned, unmaps. No native code may use the memory from here on. */
  release(): void {
    if (this.buffer.detached) return;
    // Safety: per HOST-2 (detach first). transfer(0) frees nothing of ours: V8 does not own the backing store.
    this.buffer.transfer(0);
    if (this.#unmap) giveBackMemory(this.addressNumber, this.byteLength);
  }
}

/** Maps zeroed, private memory of at least `byteLength` bytes, rounded up to pages. @throws {HostError} */
export function mapRegion(byteLength: number): NativeRegion {
  const length = pageAlign(byteLength);
  return new NativeRegion(takeMemory(length), length, "owned");
}

/** Maps whole pages of zeroed, private, lazily committed memory, owned by this isolate (LIFE-1). @throws {HostError} */
export function takeMemory(byteLength: number): number {
  const address = mapMemory(0, byteLength, PROTECTION.readWrite, MAP.private | MAP.anonymous | MAP.noReserve);
  noteMapping(address, byteLength);
  return address;
}

/** Unmaps what {@linkcode takeMemory} gave. */
export function giveBackMemory(address: number, byteLength: number): void {
  strikeMapping(address);
  unmapMemory(address, byteLength);
}

/** Writes `value`, an address or any integer below 2^53, as a 64-bit word at word index `word` of an int32 view. */
export function storeAddress(words: Int32Array, word: number, value: number): void {
  words[word] = value;
  words[word + 1] = Math.floor(value / 0x1_0000_0000);
}

/** Reads the 64-bit word at word index `word` as a number; exact below 2^53. */
export function loadAddress(words: Int32Array, word: number): number {
  return (words[word] >>> 0) + words[word + 1] * 0x1_0000_0000;
}
