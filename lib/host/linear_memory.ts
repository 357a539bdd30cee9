/**
 * Linear memories: V8's own WebAssembly.Memory, used as an allocator only.
 *
 * A `WebAssembly.Memory` declared with 64-bit addresses and a maximum just above 8 GiB reserves 8 GiB and 64 KiB of address space
 * whatever its initial size, grows in place with a stable base, detaches old buffers on grow, refuses transfer, and its lifetime
 * is V8's. Every page beyond the current length faults, so a 32-bit index plus a 32-bit offset either hits or traps, and generated
 * code checks nothing. No module or instance of V8's is ever made; this file is the only one in lib/ that says `WebAssembly.`.
 *
 * LMEM-1  `baseAddress` is constant for the memory's life, also from zero pages.
 * LMEM-2  Address + [length, 8 GiB + 64 KiB) is reserved and inaccessible: nothing else is ever mapped there.
 * A *shared* memory is the same with `shared: true`: its buffer is a `SharedArrayBuffer` of fixed length, it is posted to a Worker as the
 * `WebAssembly.Memory` itself, which keeps reservation and pages alive in every isolate that holds it, and each isolate sees the others'
 * growth when it asks (`growTo`, `bytes`). So shared memories need no bounds checks either. Memories whose pages are not 64 KiB have no
 * place here: `growable_memory.ts`.
 *
 * LMEM-3  No more address space is reserved than 12,000 memories take: 47 bits hold 16,362, and running out kills V8. The kernel's own
 *         count (VmSize) is asked, because it sees all isolates, memories made by others, and what was collected.
 */

import { bug } from "../base/mod.ts";
import { HostError } from "./errors.ts";
import { addressOf } from "./ffi.ts";
import { collectGarbage } from "./garbage.ts";
import { requireMappings } from "./mapping_budget.ts";
import { ADVICE, adviseMemory, MAP, mapMemory, PAGE_BYTES, PROTECTION } from "./memory.ts";
import { scratch, scratchString, SYS, sys } from "./sys.ts";

/** Bytes of a standard page. */
export const WASM_PAGE_BYTES = 65536;
/** What V8 reserves: the reach of 32-bit index plus 32-bit offset, and a page for the access itself. */
export const RESERVATION_BYTES = 8 * 0x4000_0000 + WASM_PAGE_BYTES;
/** A memory's readable and unreadable part, and an image over some of it (MAPS-1). */
const MEMORY_MAPPINGS = 3;
/** LMEM-3. */
const MAXIMUM_LIVE_MEMORIES = 12000;

/** 8 GiB + 64 KiB in pages: the declared maximum that makes V8 reserve it. */
const GUARD_PAGES = 131073;
/** What a 64-bit memory can grow to: V8 reserves no more (16 GiB). */
export const MOST_LINEAR_MEMORY_PAGES = 262144;

/** The part of `WebAssembly.Memory` used here, with the 64-bit address type that lib.dom does not know. */
interface V8Memory {
  /** A SharedArrayBuffer of fixed length when the memory is shared. */
  readonly buffer: ArrayBuffer;
  grow(deltaPages: bigint): bigint;
}

const V8Memory = WebAssembly.Memory as unknown as {
  new (descriptor: { address: "i64"; initial: bigint; maximum: bigint; shared: boolean }): V8Memory;
  readonly prototype: V8Memory;
};

/**
 * V8's own accessors, whatever the object or its class says: who holds a shared memory could put others in their place, and with them any
 * buffer under machine code.
 */
const { get: bufferGetter } = Object.getOwnPropertyDescriptor(V8Memory.prototype, "buffer")!;
const growMethod = V8Memory.prototype.grow;

/** The buffer. @throws {TypeError} for what is no memory. */
function bufferOf(memory: V8Memory): ArrayBuffer {
  return Reflect.apply(bufferGetter!, memory, []);
}

/** Whether one isolate has a memory, or several may. */
export type Sharing = "unshared" | "shared";

/** Bytes that machine code accesses at a constant address, and that grow. */
export interface GrowableBytes {
  /** Address of byte 0. */
  readonly baseAddress: number;
  /** Address space from `baseAddress` on in which an access either hits or faults; 0: every access has to be checked. */
  readonly guardedBytes: number;
  /** What JavaScript is given; when shared, it may be longer than what the owner has published. */
  readonly buffer: ArrayBuffer;
  /** The isolates' common object when the memory is shared: what is posted to a Worker. */
  readonly transferable: unknown;
  /** Makes the memory at least as long; false when the system refuses. */
  growTo(byteLength: number): boolean;
  /** The first `byteLength` bytes, which must be there. */
  view(byteLength: number): Uint8Array<ArrayBuffer>;
}

/** A linear memory of whole 64 KiB pages, at most 4 GiB when 32-bit code uses it. */
export class LinearMemory implements GrowableBytes {
  /** Address of byte 0, a multiple of 64 KiB. */
  readonly baseAddress: number;
  /** As reserved. */
  readonly guardedBytes: number = RESERVATION_BYTES;
  readonly #memory: V8Memory;
  #buffer: ArrayBuffer;

  /** Use {@linkcode allocateLinearMemory}. */
  constructor(memory: V8Memory) {
    this.#memory = memory;
    this.#buffer = bufferOf(memory);
    this.baseAddress = Number(addressOf(new Uint8Array(this.#buffer)));
    if (this.baseAddress % WASM_PAGE_BYTES !== 0 || this.baseAddress === 0) bug("V8 moved a linear memory");
  }

  /** The current buffer: another object after each successful {@linkcode grow}, the previous one detached. */
  get buffer(): ArrayBuffer {
    return this.#buffer;
  }

  /** The V8 memory: cloned, not copied, by postMessage when it is shared. */
  get transferable(): unknown {
    return this.#memory;
  }

  /** Current length in bytes; of a shared memory, when this isolate looked last. */
  get byteLength(): number {
    return this.#buffer.byteLength;
  }

  /** Current length in 64 KiB pages. */
  get pages(): number {
    return this.#buffer.byteLength / WASM_PAGE_BYTES;
  }

  /**
   * Grows by `deltaPages`; returns the length before in pages, or -1 when the system refuses. `deltaPages` 0 detaches the buffer and
   * makes another of the same length. Limits a type declares are the caller's to check.
   */
  grow(deltaPages: number): number {
    const before = this.pages;
    try {
      Reflect.apply(growMethod, this.#memory, [BigInt(deltaPages)]);
    } catch (error) {
      if (error instanceof RangeError) return -1;
      throw error;
    }
    this.#buffer = bufferOf(this.#memory);
    return before;
  }

  /**
   * Makes the memory `byteLength` bytes (whole pages) long, not less than it is, unless another isolate has made it longer; false when
   * refused. The buffer of an unshared memory is another one afterwards in any case.
   */
  growTo(byteLength: number): boolean {
    // Another isolate's growth shows when asked for.
    if (this.#buffer instanceof SharedArrayBuffer) {
      this.grow(0);
      if (byteLength <= this.byteLength) return true;
    }
    return this.grow((byteLength - this.byteLength) / WASM_PAGE_BYTES) >= 0;
  }

  /** The first `byteLength` bytes. */
  view(byteLength: number): Uint8Array<ArrayBuffer> {
    if (byteLength > this.#buffer.byteLength) this.grow(0);
    return new Uint8Array(this.#buffer, 0, byteLength);
  }

  /**
   * Maps the first `byteLength` bytes of file `fd` over the memory at `offsetBytes`, private: a copy-on-write image of the initial contents.
   * All are whole pages inside the memory and the file (IMAGE-2).
   */
  mapImage(fd: number, offsetBytes: number, byteLength: number): void {
    const isFine = offsetBytes % PAGE_BYTES === 0 && byteLength % PAGE_BYTES === 0 && offsetBytes >= 0 &&
      offsetBytes + byteLength <= this.byteLength;
    if (!isFine) bug("a memory image is not whole pages inside the memory");
    const address = this.baseAddress + offsetBytes;
    mapMemory(address, byteLength, PROTECTION.readWrite, MAP.private | MAP.fixed, fd, 0);
  }

  /**
   * Restores the initial contents, image or zeros, over the whole length (3 to 8 us), under a buffer that nobody has: the one given out
   * before is detached. Returns whether an image is still there: where pages are locked they are replaced, and all is zero.
   *
   * @throws {HostError} when the system refuses that.
   */
  resetContents(): boolean {
    this.grow(0);
    const { baseAddress, byteLength } = this;
    if (byteLength === 0 || adviseMemory(baseAddress, byteLength, ADVICE.dontNeed) === 0) return true;
    const flags = MAP.private | MAP.fixed | MAP.anonymous | MAP.noReserve;
    mapMemory(baseAddress, byteLength, PROTECTION.readWrite, flags);
    return false;
  }
}

/** Memories of 8 GiB left until the address space is measured again. */
let unmeasured = 0;
const decoder = new TextDecoder();

/** Bytes of address space that the process has reserved, whatever for: VmSize. */
export function reservedBytes(): number {
  const { addressNumber, bytes } = scratch();
  const fd = sys(SYS.open, scratchString("/proc/self/statm"), 0, 0);
  if (fd < 0) return 0; // without /proc there is nothing to measure, and V8's own failure decides
  const count = sys(SYS.read, fd, addressNumber, 64);
  sys(SYS.close, fd);
  // The first number is the size in pages. `slice` copies: TextDecoder is not given native memory (HOST-4).
  return Number(decoder.decode(bytes.slice(0, Math.max(0, count))).split(" ")[0]) * PAGE_BYTES;
}

/** LMEM-3: to be called before each reservation, with its size. @throws {HostError} code "limit". */
export function requireAddressSpace(bytes: number): void {
  const memories = Math.ceil(bytes / RESERVATION_BYTES);
  if (unmeasured < memories) checkLimit();
  unmeasured -= memories;
}

/** LMEM-3: measures when enough may have been reserved since last time, here or by another isolate, to be near the limit. */
function checkLimit(): void {
  let left = MAXIMUM_LIVE_MEMORIES - reservedBytes() / RESERVATION_BYTES;
  if (left < 1) {
    // Dropped memories keep their reservation until V8 collects them, which nothing else makes it do: their pages are few.
    collectGarbage();
    left = MAXIMUM_LIVE_MEMORIES - reservedBytes() / RESERVATION_BYTES;
    if (left < 1) {
      throw new HostError("limit", `more than ${MAXIMUM_LIVE_MEMORIES} linear memories are live in this process`);
    }
  }
  // Another isolate may be allocating too: half of what is left is safe for two, and each comes back sooner as it gets less.
  unmeasured = Math.floor(left / 2);
}

/**
 * Reserves a linear memory of `initialPages` zeroed pages that can grow to `maximumPages` at least, as far as V8 goes
 * ({@linkcode MOST_LINEAR_MEMORY_PAGES}).
 *
 * @throws {HostError} code "limit" at 12,000 live memories, "out-of-memory" when V8 refuses the reservation.
 */
export function allocateLinearMemory(
  initialPages: number,
  maximumPages: number = GUARD_PAGES,
  sharing: Sharing = "unshared",
): LinearMemory {
  const maximum = maximumPages <= GUARD_PAGES ? GUARD_PAGES : MOST_LINEAR_MEMORY_PAGES;
  requireAddressSpace(maximum * WASM_PAGE_BYTES);
  requireMappings(MEMORY_MAPPINGS);
  try {
    return new LinearMemory(
      new V8Memory({
        address: "i64",
        initial: BigInt(initialPages),
        maximum: BigInt(maximum),
        shared: sharing === "shared",
      }),
    );
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new HostError("out-of-memory", `reserving a linear memory of ${initialPages} pages failed: ${error.message}`);
  }
}

/** Whether something is mapped on all of a range: advice that changes nothing is refused otherwise. */
export function isMapped(address: number, byteLength: number): boolean {
  return adviseMemory(address, byteLength, ADVICE.normal) === 0;
}

/** The memory behind what another isolate posted ({@linkcode LinearMemory.transferable}), undefined for anything else. */
export function adoptLinearMemory(posted: unknown): LinearMemory | undefined {
  try {
    // A memory of 32-bit addresses takes no bigint: not one of ours.
    const memory = posted as V8Memory;
    if (!(bufferOf(memory) instanceof SharedArrayBuffer)) return undefined;
    Reflect.apply(growMethod, memory, [0n]);
    return new LinearMemory(memory);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
