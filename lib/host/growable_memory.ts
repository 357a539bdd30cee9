/**
 * Linear memories whose length is no multiple of 64 KiB: growable SharedArrayBuffers.
 *
 * A growable SharedArrayBuffer reserves its maximum, grows in place by the byte with a stable base, can be neither detached nor shortened by
 * anybody, and is shared between isolates by posting it: what a memory of page size 1 needs. (A resizable ArrayBuffer can be shortened by
 * whoever holds it, which would take pages from under machine code.) It has no guard region to speak of: accesses are always compared.
 *
 * GMEM-1  Views are made with a length: a length-tracking one costs 25 to 80 times as much an access.
 * GMEM-2  The buffer may be longer than the memory, since whoever holds it may grow it: the owner's record has the length that counts.
 */

import { HostError } from "./errors.ts";
import { addressOf } from "./ffi.ts";
import { type GrowableBytes, requireAddressSpace } from "./linear_memory.ts";
import { PAGE_BYTES } from "./memory.ts";

/** The most that a memory of pages smaller than 64 KiB can grow to. */
export const MOST_GROWABLE_BYTES = 2 ** 34;

/** V8's own, whatever the buffer's holder puts in their place on it. */
const { get: byteLengthGetter } = Object.getOwnPropertyDescriptor(SharedArrayBuffer.prototype, "byteLength")!;
const { get: growableGetter } = Object.getOwnPropertyDescriptor(SharedArrayBuffer.prototype, "growable")!;
const growMethod = SharedArrayBuffer.prototype.grow;

/** The length. @throws {TypeError} for what is no SharedArrayBuffer. */
function lengthOf(buffer: SharedArrayBuffer): number {
  return Reflect.apply(byteLengthGetter!, buffer, []);
}

/** A memory that grows by the byte. */
export class GrowableMemory implements GrowableBytes {
  readonly baseAddress: number;
  /** Every access has to be checked. */
  readonly guardedBytes: number = 0;
  readonly #buffer: SharedArrayBuffer;

  /** Use {@linkcode allocateGrowableMemory}. */
  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer;
    this.baseAddress = Number(addressOf(new Uint8Array(buffer as unknown as ArrayBuffer, 0, lengthOf(buffer))));
  }

  /** A SharedArrayBuffer, whether the memory is shared or not. */
  get buffer(): ArrayBuffer {
    return this.#buffer as unknown as ArrayBuffer;
  }

  get transferable(): unknown {
    return this.#buffer;
  }

  growTo(byteLength: number): boolean {
    if (byteLength <= lengthOf(this.#buffer)) return true;
    try {
      Reflect.apply(growMethod, this.#buffer, [byteLength]);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  /** GMEM-1. */
  view(byteLength: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, 0, byteLength);
  }
}

/**
 * Reserves a memory of `byteLength` zeroed bytes that can grow to `maximumBytes`, or to what can be had.
 *
 * @throws {HostError} code "limit" or "out-of-memory".
 */
export function allocateGrowableMemory(byteLength: number, maximumBytes: number): GrowableMemory {
  // At least a page is reserved, so that an empty memory has an address too.
  const maxByteLength = Math.max(PAGE_BYTES, Math.min(maximumBytes, MOST_GROWABLE_BYTES));
  requireAddressSpace(maxByteLength);
  try {
    return new GrowableMemory(new SharedArrayBuffer(byteLength, { maxByteLength }));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new HostError("out-of-memory", `reserving a linear memory of ${byteLength} bytes failed: ${error.message}`);
  }
}

/** The memory behind a posted buffer, undefined for anything that is none. */
export function adoptGrowableMemory(posted: unknown): GrowableMemory | undefined {
  try {
    if (!Reflect.apply(growableGetter!, posted, [])) return undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
  return new GrowableMemory(posted as SharedArrayBuffer);
}
