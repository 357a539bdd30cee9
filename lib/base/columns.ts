/** Growable typed-array columns: struct-of-arrays storage that doubles when full. */

/** Returns `array`, or a copy of it with at least `needed` elements (at least doubled). */
export function growInt32(array: Int32Array<ArrayBuffer>, needed: number): Int32Array<ArrayBuffer> {
  if (needed <= array.length) return array;
  const grown = new Int32Array(Math.max(needed, array.length * 2));
  grown.set(array);
  return grown;
}

/** As {@linkcode growInt32}, for bytes. */
export function growUint8(array: Uint8Array<ArrayBuffer>, needed: number): Uint8Array<ArrayBuffer> {
  if (needed <= array.length) return array;
  const grown = new Uint8Array(Math.max(needed, array.length * 2));
  grown.set(array);
  return grown;
}

/** As {@linkcode growInt32}, for 16-bit elements. */
export function growUint16(array: Uint16Array<ArrayBuffer>, needed: number): Uint16Array<ArrayBuffer> {
  if (needed <= array.length) return array;
  const grown = new Uint16Array(Math.max(needed, array.length * 2));
  grown.set(array);
  return grown;
}

/** A growable stack or list of int32 values. `data` moves when it grows: re-read it after a push. */
export class IntList {
  data: Int32Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 64) {
    this.data = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.data.length) this.data = growInt32(this.data, this.length + 1);
    this.data[this.length++] = value;
  }

  /** Removes and returns the last element; the list must not be empty. */
  pop(): number {
    return this.data[--this.length]!;
  }

  at(index: number): number {
    return this.data[index]!;
  }

  /** Forgets all elements and keeps the storage. */
  reset(): void {
    this.length = 0;
  }

  /** Makes room for `capacity` elements in all. */
  reserve(capacity: number): void {
    this.data = growInt32(this.data, capacity);
  }
}
