/**
 * The guest's memory as WASI functions see it: every access is checked against the present length, and a value is read once (HOST-R).
 */

import { Errno } from "./abi.ts";

/** Thrown inside the implementation to return an error number to the guest. */
export class ErrnoError {
  readonly errno: number;

  constructor(errno: number) {
    this.errno = errno;
  }
}

/** Ends the current WASI call with an error number. */
export function fail(errno: number): never {
  throw new ErrnoError(errno);
}

/** What gives the memory's present buffer. */
export interface BufferSource {
  /** The bytes as of now; another buffer once the memory has grown. */
  readonly buffer: ArrayBufferLike;
}

/** Longest path in bytes, without its terminating zero: Linux's PATH_MAX. */
const PATH_MAX_BYTES = 4095;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Checked access to a guest's linear memory; pointers and lengths arrive as i32 and are taken as unsigned. */
export class GuestMemory {
  #source: BufferSource | undefined;
  #buffer: ArrayBufferLike | undefined;
  #bytes: Uint8Array = new Uint8Array();
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** Points at the memory of the instance that calls. */
  bind(source: BufferSource): void {
    this.#source = source;
    this.#buffer = undefined;
  }

  /** Re-reads the buffer, which a grow replaces; called at the head of each WASI function. */
  refresh(): void {
    const buffer = this.#source?.buffer;
    if (buffer === undefined) fail(Errno.fault);
    if (buffer === this.#buffer && this.#bytes.length === buffer.byteLength) return;
    this.#buffer = buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** The bytes of a range; valid until the guest runs again. */
  range(pointer: number, length: number): Uint8Array {
    const start = pointer >>> 0;
    const size = length >>> 0;
    this.requireRange(start, size);
    return this.#bytes.subarray(start, start + size);
  }

  getU8(pointer: number): number {
    return this.#bytes[this.#check(pointer, 1)];
  }
  getU16(pointer: number): number {
    return this.#view.getUint16(this.#check(pointer, 2), true);
  }
  getU32(pointer: number): number {
    return this.#view.getUint32(this.#check(pointer, 4), true);
  }
  getU64(pointer: number): bigint {
    return this.#view.getBigUint64(this.#check(pointer, 8), true);
  }
  setU8(pointer: number, value: number): void {
    this.#bytes[this.#check(pointer, 1)] = value;
  }
  setU16(pointer: number, value: number): void {
    this.#view.setUint16(this.#check(pointer, 2), value, true);
  }
  setU32(pointer: number, value: number): void {
    this.#view.setUint32(this.#check(pointer, 4), value, true);
  }
  setU64(pointer: number, value: bigint): void {
    this.#view.setBigUint64(this.#check(pointer, 8), value, true);
  }

  /** Copies bytes into the memory. */
  write(pointer: number, bytes: Uint8Array): void {
    this.range(pointer, bytes.length).set(bytes);
  }

  /**
   * Fails unless the range lies in memory. For results: checked before the work is done, since an error after it would hide what the
   * work changed, such as a descriptor that was opened.
   */
  requireRange(pointer: number, length: number): void {
    if ((pointer >>> 0) + (length >>> 0) > this.#bytes.length) fail(Errno.fault);
  }

  /** Reads a path: UTF-8 without zeros, of a bounded length, so that a guest cannot make the host copy gigabytes. */
  path(pointer: number, length: number): string {
    const bytes = this.range(pointer, length);
    if (bytes.length > PATH_MAX_BYTES) fail(Errno.nametoolong);
    if (bytes.includes(0)) fail(Errno.ilseq);
    return decodePath(bytes.slice());
  }

  /** Calls `each` with every buffer of an iovec array (8 bytes each) until it returns fewer bytes than the buffer holds. */
  forEachBuffer(iovecs: number, count: number, each: (bytes: Uint8Array) => number): number {
    const base = iovecs >>> 0;
    this.requireRange(iovecs, Math.min((count >>> 0) * 8, 0xffffffff));
    let total = 0;
    for (let i = 0; i < count >>> 0; i++) {
      const bytes = this.range(this.getU32(base + i * 8), this.getU32(base + i * 8 + 4));
      const { length } = bytes;
      if (length === 0) continue;
      const done = each(bytes);
      // `each` may have run the embedder's code, and that may have grown the memory.
      this.refresh();
      total += done;
      if (done < length) break;
    }
    return total;
  }

  /** Writes `strings`, zero-terminated, to `buffer` and their addresses to `pointers`. */
  writeStrings(strings: readonly string[], pointers: number, buffer: number): void {
    let position = buffer >>> 0;
    strings.forEach((text, index) => {
      const bytes = encoder.encode(text);
      this.setU32((pointers >>> 0) + index * 4, position);
      this.write(position, bytes);
      this.setU8(position + bytes.length, 0);
      position += bytes.length + 1;
    });
  }

  #check(pointer: number, size: number): number {
    this.requireRange(pointer, size);
    return pointer >>> 0;
  }
}

/** The text of a path's bytes; file names that are no UTF-8 cannot be named by guests. */
export function decodePath(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return fail(Errno.ilseq);
  }
}

/** Total size in bytes of strings with their terminating zeros. */
export function stringsSize(strings: readonly string[]): number {
  let total = 0;
  for (const text of strings) total += encoder.encode(text).length + 1;
  return total;
}
