/**
 * Arithmetic on 64-bit integers as pairs of int32 halves, for constant folding.
 *
 * Functions leave their result in {@linkcode R}: no allocation and no BigInt (five times the cost of a pair of halves).
 */

/** The result of the last operation. */
export const R = { lo: 0, hi: 0 };

function set(lo: number, hi: number): void {
  R.lo = lo | 0;
  R.hi = hi | 0;
}

/** a + b */
export function add64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  const lo = (aLo + bLo) | 0;
  set(lo, aHi + bHi + (lo >>> 0 < aLo >>> 0 ? 1 : 0));
}

/** a - b */
export function sub64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  set(aLo - bLo, aHi - bHi - (aLo >>> 0 < bLo >>> 0 ? 1 : 0));
}

/** a * b */
export function mul64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  const a0 = aLo & 0xffff, a1 = aLo >>> 16, b0 = bLo & 0xffff, b1 = bLo >>> 16;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >>> 16); // below 2^33
  const middle2 = a0 * b1 + (middle % 0x10000);
  const high = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(middle2 / 0x10000);
  set(Math.imul(aLo, bLo), (high + Math.imul(aHi, bLo) + Math.imul(aLo, bHi)) | 0);
}

/** The high half of a * b, unsigned. */
export function umulh64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  mul64(aLo, 0, bLo, 0);
  let middle = R.hi >>> 0; // three summands below 2^32
  mul64(aLo, 0, bHi, 0);
  middle += R.lo >>> 0;
  const cross = R.hi;
  mul64(aHi, 0, bLo, 0);
  middle += R.lo >>> 0;
  const cross2 = R.hi;
  mul64(aHi, 0, bHi, 0);
  add64(R.lo, R.hi, cross, 0);
  add64(R.lo, R.hi, cross2, 0);
  add64(R.lo, R.hi, Math.floor(middle / 0x1_0000_0000), 0);
}

/** The high half of a * b, signed. */
export function smulh64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  umulh64(aLo, aHi, bLo, bHi);
  // A negative factor counts 2^64 too much as an unsigned one.
  if (aHi < 0) sub64(R.lo, R.hi, bLo, bHi);
  if (bHi < 0) sub64(R.lo, R.hi, aLo, aHi);
}

/** a << count, count modulo 64 */
export function shl64(lo: number, hi: number, count: number): void {
  count &= 63;
  if (count === 0) set(lo, hi);
  else if (count < 32) set(lo << count, hi << count | lo >>> (32 - count));
  else set(0, lo << (count - 32));
}

/** a >> count, unsigned */
export function ushr64(lo: number, hi: number, count: number): void {
  count &= 63;
  if (count === 0) set(lo, hi);
  else if (count < 32) set(lo >>> count | hi << (32 - count), hi >>> count);
  else set(hi >>> (count - 32), 0);
}

/** a >> count, signed */
export function sshr64(lo: number, hi: number, count: number): void {
  count &= 63;
  if (count === 0) set(lo, hi);
  else if (count < 32) set(lo >>> count | hi << (32 - count), hi >> count);
  else set(hi >> (count - 32), hi >> 31);
}

/** a rotated left */
export function rotl64(lo: number, hi: number, count: number): void {
  count &= 63;
  shl64(lo, hi, count);
  const highLo = R.lo, highHi = R.hi;
  if (count === 0) return;
  ushr64(lo, hi, 64 - count);
  set(R.lo | highLo, R.hi | highHi);
}

/** Leading zeros. */
export function clz64(lo: number, hi: number): number {
  return hi === 0 ? 32 + Math.clz32(lo) : Math.clz32(hi);
}

/** Trailing zeros of an int32; 32 for zero. */
export function ctz32(value: number): number {
  return value === 0 ? 32 : 31 - Math.clz32(value & -value);
}

/** Trailing zeros. */
export function ctz64(lo: number, hi: number): number {
  return lo === 0 ? 32 + ctz32(hi) : ctz32(lo);
}

/** Set bits of an int32. */
export function popcnt32(value: number): number {
  let count = 0;
  for (; value !== 0; value &= value - 1) count++;
  return count;
}

/** Whether a < b, unsigned. */
export function isBelow64(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return aHi === bHi ? aLo >>> 0 < bLo >>> 0 : aHi >>> 0 < bHi >>> 0;
}

/** Whether a < b, signed. */
export function isLess64(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return aHi === bHi ? aLo >>> 0 < bLo >>> 0 : aHi < bHi;
}

/** Unsigned quotient and remainder by long division; b is not zero. The quotient is left in R, the remainder in {@linkcode REMAINDER}. */
export function udiv64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  let qLo = 0, qHi = 0, rLo = 0, rHi = 0;
  for (let bit = 63; bit >= 0; bit--) {
    const carry = rHi >>> 31; // the remainder may need 65 bits for a moment
    shl64(rLo, rHi, 1);
    rLo = R.lo | (bit >= 32 ? aHi >>> (bit - 32) : aLo >>> bit) & 1;
    rHi = R.hi;
    if (carry === 1 || !isBelow64(rLo, rHi, bLo, bHi)) {
      sub64(rLo, rHi, bLo, bHi);
      rLo = R.lo;
      rHi = R.hi;
      if (bit >= 32) qHi |= 1 << (bit - 32);
      else qLo |= 1 << bit;
    }
  }
  REMAINDER.lo = rLo;
  REMAINDER.hi = rHi;
  set(qLo, qHi);
}

/** The remainder of the last division. */
export const REMAINDER = { lo: 0, hi: 0 };

/** Signed quotient, rounding towards zero, and remainder with the sign of a; b is not zero, overflow wraps. */
export function sdiv64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  const isNegativeA = aHi < 0;
  const isNegativeB = bHi < 0;
  if (isNegativeA) {
    sub64(0, 0, aLo, aHi);
    aLo = R.lo;
    aHi = R.hi;
  }
  if (isNegativeB) {
    sub64(0, 0, bLo, bHi);
    bLo = R.lo;
    bHi = R.hi;
  }
  udiv64(aLo, aHi, bLo, bHi);
  const qLo = R.lo, qHi = R.hi;
  if (isNegativeA) {
    sub64(0, 0, REMAINDER.lo, REMAINDER.hi);
    REMAINDER.lo = R.lo;
    REMAINDER.hi = R.hi;
  }
  if (isNegativeA !== isNegativeB) sub64(0, 0, qLo, qHi);
  else set(qLo, qHi);
}
