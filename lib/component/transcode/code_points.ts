/**
 * Reading and writing one code point of UTF-8 and UTF-16 in bytes. Units of 16 bits are little endian on every host (SEEDS 0.27), so they
 * are put together from bytes, never read through a `Uint16Array`.
 */

/** What the readers return for text that is not in the encoding. */
export const INVALID = -1;

/** Unit `index` of UTF-16 in bytes. */
export function unitAt(bytes: Uint8Array, index: number): number {
  return bytes[2 * index] | bytes[2 * index + 1] << 8;
}

/** Writes unit `index`. */
export function setUnit(bytes: Uint8Array, index: number, unit: number): void {
  bytes[2 * index] = unit;
  bytes[2 * index + 1] = unit >>> 8;
}

/** Units that a code point has in UTF-16. */
export function utf16Units(codePoint: number): 1 | 2 {
  return codePoint > 0xffff ? 2 : 1;
}

/** Bytes that a code point has in UTF-8. */
export function utf8Bytes(codePoint: number): 1 | 2 | 3 | 4 {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x1_0000 ? 3 : 4;
}

/** The code point whose UTF-8 begins at `at`, or {@linkcode INVALID} (Unicode 16, table 3-7: no overlong forms, no surrogates, no end in between). */
export function readUtf8(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return lead;
  const count = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
  if (count === 0 || at + count >= bytes.length) return INVALID;
  let codePoint = lead & 0x3f >>> count;
  for (let k = 1; k <= count; k++) {
    const byte = bytes[at + k];
    if ((byte & 0xc0) !== 0x80) return INVALID;
    codePoint = codePoint << 6 | byte & 0x3f;
  }
  const isShortest = utf8Bytes(codePoint) === count + 1;
  const isScalar = codePoint <= 0x10_ffff && (codePoint & 0x1f_f800) !== 0xd800;
  return isShortest && isScalar ? codePoint : INVALID;
}

/** Writes a code point as UTF-8; returns the bytes written. */
export function writeUtf8(bytes: Uint8Array, at: number, codePoint: number): number {
  const count = utf8Bytes(codePoint);
  if (count === 1) {
    bytes[at] = codePoint;
    return 1;
  }
  for (let k = count - 1; k > 0; k--) {
    bytes[at + k] = 0x80 | codePoint & 0x3f;
    codePoint >>>= 6;
  }
  bytes[at] = 0xf00 >>> count & 0xff | codePoint;
  return count;
}

/** The code point whose UTF-16 begins at unit `index` of `length`, or {@linkcode INVALID} (a surrogate without its other half). */
export function readUtf16(bytes: Uint8Array, index: number, length: number): number {
  const unit = unitAt(bytes, index);
  if ((unit & 0xf800) !== 0xd800) return unit;
  if (unit >= 0xdc00 || index + 1 >= length) return INVALID;
  const low = unitAt(bytes, index + 1);
  if ((low & 0xfc00) !== 0xdc00) return INVALID;
  return 0x1_0000 + ((unit & 0x3ff) << 10 | low & 0x3ff);
}

/** Writes a code point as UTF-16; returns the units written. */
export function writeUtf16(bytes: Uint8Array, index: number, codePoint: number): number {
  if (codePoint <= 0xffff) {
    setUnit(bytes, index, codePoint);
    return 1;
  }
  setUnit(bytes, index, 0xd7c0 + (codePoint >>> 10));
  setUnit(bytes, index + 1, 0xdc00 | codePoint & 0x3ff);
  return 2;
}
