/** A growable little-endian byte buffer: machine code, ELF images, encoded tables. */

import { growUint8 } from "./columns.ts";

/** Append-only bytes with patching. `bytes` moves when it grows: re-read it after appending. */
export class CodeBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes; the `put` family does not check on its own behalf when unchecked is meant. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.bytes = growUint8(this.bytes, this.length + count);
  }

  u8(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    const { bytes } = this;
    bytes[this.length++] = value;
    bytes[this.length++] = value >>> 8;
  }

  u32(value: number): void {
    this.reserve(4);
    const { bytes } = this;
    bytes[this.length++] = value;
    bytes[this.length++] = value >>> 8;
    bytes[this.length++] = value >>> 16;
    bytes[this.length++] = value >>> 24;
  }

  /** Appends a 64-bit value given as its two 32-bit halves. */
  u64(lo: number, hi: number): void {
    this.u32(lo);
    this.u32(hi);
  }

  /** Overwrites four bytes at `offsetBytes`. */
  patchU32(offsetBytes: number, value: number): void {
    const { bytes } = this;
    bytes[offsetBytes] = value;
    bytes[offsetBytes + 1] = value >>> 8;
    bytes[offsetBytes + 2] = value >>> 16;
    bytes[offsetBytes + 3] = value >>> 24;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Pads with `fill` until the length is a multiple of `alignment` (a power of two). */
  align(alignment: number, fill = 0): void {
    while (this.length & (alignment - 1)) this.u8(fill);
  }

  /** Forgets the content and keeps the storage. */
  reset(): void {
    this.length = 0;
  }

  /** A copy of the content. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}
