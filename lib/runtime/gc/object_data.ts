/**
 * The bytes of one object, read and written by offset as plain data of fixed size, little-endian (SEEDS 1.22, 1.23).
 *
 * What is at an offset is the caller's business: a wrong offset gives wrong values. What it never gives is an access outside of the object, or
 * of the heap, whatever a corrupt header says: that ends here, before it becomes an effect somewhere else.
 *
 * DATA-1  Bytes [offset, offset + size) of an access lie inside the object, and the object inside the committed heap; both are asked here.
 * DATA-2  A view is good until the next allocation or collection: it is aimed, used and forgotten in one piece of TypeScript (COLLECT-2).
 */

import { bug } from "../../base/mod.ts";

/** Plain data: how a value is read from little-endian bytes and written as such. All bit patterns are values. */
export interface Pod<Value> {
  readonly sizeBytes: number;
  readonly readLe: (view: DataView, at: number) => Value;
  readonly writeLe: (view: DataView, at: number, value: Value) => void;
}

/** The types of plain data that objects hold; floats are bits, and read as u32 and u64. */
export const POD_TYPES = {
  u8: pod(1, (view, at) => view.getUint8(at), (view, at, value: number) => view.setUint8(at, value)),
  u16: pod(2, (view, at) => view.getUint16(at, true), (view, at, value: number) => view.setUint16(at, value, true)),
  u32: pod(4, (view, at) => view.getUint32(at, true), (view, at, value: number) => view.setUint32(at, value, true)),
  u64: pod(
    8,
    (view, at) => view.getBigUint64(at, true),
    (view, at, value: bigint) => view.setBigUint64(at, value, true),
  ),
  i8: pod(1, (view, at) => view.getInt8(at), (view, at, value: number) => view.setInt8(at, value)),
  i16: pod(2, (view, at) => view.getInt16(at, true), (view, at, value: number) => view.setInt16(at, value, true)),
  i32: pod(4, (view, at) => view.getInt32(at, true), (view, at, value: number) => view.setInt32(at, value, true)),
  i64: pod(
    8,
    (view, at) => view.getBigInt64(at, true),
    (view, at, value: bigint) => view.setBigInt64(at, value, true),
  ),
  v128: pod(
    16,
    (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, 16).slice(),
    (view, at, value: Uint8Array) => new Uint8Array(view.buffer, view.byteOffset + at, 16).set(value.subarray(0, 16)),
  ),
} as const;

function pod<Value>(
  sizeBytes: number,
  readLe: (view: DataView, at: number) => Value,
  writeLe: (view: DataView, at: number, value: Value) => void,
): Pod<Value> {
  return { sizeBytes, readLe, writeLe };
}

/** The name of a type of plain data. */
export type PodName = keyof typeof POD_TYPES;

/** Where objects lie: what a collector gives. */
export interface ObjectBytes {
  /** The bytes of the heap that hold objects. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Index of the first of them. */
  readonly start: number;
}

/** One object's bytes; used again for another by {@linkcode ObjectData.aim}. */
export class ObjectData {
  #bytes = new Uint8Array(0);
  #view = new DataView(new ArrayBuffer(0));
  #first = 0;
  #size = 0;

  /** Looks at the object of `sizeBytes` at a reference from now on. */
  aim({ bytes, start }: ObjectBytes, reference: number, sizeBytes: number): this {
    const first = (reference >>> 0) - start;
    if (!(first >= 0 && sizeBytes >= 0 && first + sizeBytes <= bytes.length)) bug("an object is outside of the heap");
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#first = first;
    this.#size = sizeBytes;
    return this;
  }

  /** Size of the object. */
  get sizeBytes(): number {
    return this.#size;
  }

  readU8(offset: number): number {
    return POD_TYPES.u8.readLe(this.#view, this.#at(offset, 1));
  }

  readU16(offset: number): number {
    return POD_TYPES.u16.readLe(this.#view, this.#at(offset, 2));
  }

  readU32(offset: number): number {
    return POD_TYPES.u32.readLe(this.#view, this.#at(offset, 4));
  }

  readU64(offset: number): bigint {
    return POD_TYPES.u64.readLe(this.#view, this.#at(offset, 8));
  }

  readI8(offset: number): number {
    return POD_TYPES.i8.readLe(this.#view, this.#at(offset, 1));
  }

  readI16(offset: number): number {
    return POD_TYPES.i16.readLe(this.#view, this.#at(offset, 2));
  }

  readI32(offset: number): number {
    return POD_TYPES.i32.readLe(this.#view, this.#at(offset, 4));
  }

  readI64(offset: number): bigint {
    return POD_TYPES.i64.readLe(this.#view, this.#at(offset, 8));
  }

  readV128(offset: number): Uint8Array {
    return POD_TYPES.v128.readLe(this.#view, this.#at(offset, 16));
  }

  writeU8(offset: number, value: number): void {
    POD_TYPES.u8.writeLe(this.#view, this.#at(offset, 1), value);
  }

  writeU16(offset: number, value: number): void {
    POD_TYPES.u16.writeLe(this.#view, this.#at(offset, 2), value);
  }

  writeU32(offset: number, value: number): void {
    POD_TYPES.u32.writeLe(this.#view, this.#at(offset, 4), value);
  }

  writeU64(offset: number, value: bigint): void {
    POD_TYPES.u64.writeLe(this.#view, this.#at(offset, 8), value);
  }

  writeI8(offset: number, value: number): void {
    POD_TYPES.i8.writeLe(this.#view, this.#at(offset, 1), value);
  }

  writeI16(offset: number, value: number): void {
    POD_TYPES.i16.writeLe(this.#view, this.#at(offset, 2), value);
  }

  writeI32(offset: number, value: number): void {
    POD_TYPES.i32.writeLe(this.#view, this.#at(offset, 4), value);
  }

  writeI64(offset: number, value: bigint): void {
    POD_TYPES.i64.writeLe(this.#view, this.#at(offset, 8), value);
  }

  writeV128(offset: number, value: Uint8Array): void {
    POD_TYPES.v128.writeLe(this.#view, this.#at(offset, 16), value);
  }

  /** Copies `count` words from an offset on. */
  readWords(offset: number, count: number, into: Int32Array): void {
    const at = this.#at(offset, 4 * count);
    for (let i = 0; i < count; i++) into[i] = this.#view.getInt32(at + 4 * i, true);
  }

  /** Writes `count` words from an offset on. */
  writeWords(offset: number, count: number, from: Int32Array): void {
    const at = this.#at(offset, 4 * count);
    for (let i = 0; i < count; i++) this.#view.setInt32(at + 4 * i, from[i], true);
  }

  /** Index into the view of bytes that are inside the object (DATA-1). */
  #at(offset: number, sizeBytes: number): number {
    if (!(offset >= 0 && offset + sizeBytes <= this.#size)) bug("an access beyond its object");
    return this.#first + offset;
  }
}
