/**
 * Scaled reciprocals of constants: what a division by a constant multiplies with.
 *
 * For a divisor d and a width w the reciprocal is M = ceil(2^(w+s) / d) for the least shift s whose error M*d - 2^(w+s) is at most
 * 2^(s+slack). Quotient and remainder of 2^(w+s) are built by long division, a bit at a time: going from s to s + 1 is one more step, so
 * all shifts up to the right one cost at most 2w steps on pairs of 32-bit words. No BigInt: selection allocates nothing.
 */

/** The least reciprocal with a bounded error; `find` overwrites it. */
export class Reciprocal {
  /** The low 32 and the high 32 bits of the multiplier, as signed integers; `hi` is 0 or 1 at width 32. */
  lo = 0;
  hi = 0;
  /** 1: the multiplier has a bit of weight 2^64 besides. */
  top = 0;
  shift = 0;

  /** Sets the fields for the divisor of the given unsigned halves: not 0, and no power of two (its error is 0 at any shift). */
  find(divisorLo: number, divisorHi: number, width: 32 | 64, slack: 0 | 1): void {
    const dLo = divisorLo >>> 0, dHi = divisorHi >>> 0;
    // 2^steps = quotient * d + remainder.
    let qLo = 0, qHi = 0, qTop = 0;
    let rLo = 1, rHi = 0;
    for (let steps = 1;; steps++) {
      const carry = rHi >>> 31;
      rHi = (rHi << 1 | rLo >>> 31) >>> 0;
      rLo = rLo << 1 >>> 0;
      qTop = qHi >>> 31;
      qHi = qHi << 1 | qLo >>> 31;
      qLo <<= 1;
      if (carry !== 0 || rHi > dHi || (rHi === dHi && rLo >= dLo)) {
        rHi = (rHi - dHi - (rLo < dLo ? 1 : 0)) >>> 0;
        rLo = (rLo - dLo) >>> 0;
        qLo |= 1;
      }
      if (steps < width) continue;
      // M is the quotient plus one, its error what the remainder lacks of d.
      const errorHi = (dHi - rHi - (dLo < rLo ? 1 : 0)) >>> 0, errorLo = (dLo - rLo) >>> 0;
      const shift = steps - width;
      if (!isAtMostPower(errorLo, errorHi, shift + slack)) continue;
      this.lo = (qLo + 1) | 0;
      this.hi = (qHi + (this.lo === 0 ? 1 : 0)) | 0;
      this.top = qTop + (this.lo === 0 && this.hi === 0 ? 1 : 0);
      this.shift = shift;
      return;
    }
  }
}

/** Whether the number of the unsigned halves is at most 2^log2. */
function isAtMostPower(lo: number, hi: number, log2: number): boolean {
  if (log2 >= 64) return true;
  if (log2 >= 32) {
    const bit = 1 << log2 - 32 >>> 0;
    return hi < bit || (hi === bit && lo === 0);
  }
  return hi === 0 && lo <= 1 << log2 >>> 0;
}
