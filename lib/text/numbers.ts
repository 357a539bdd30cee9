/**
 * Numbers: their grammar, their exact values, and how they are printed (spec: text-int, text-float).
 *
 * A number is read from the source's bytes to the bits it stands for, as two 32-bit halves. Decimal floats are rounded once:
 * f64 by the host's own correctly rounded conversion; f32 from that f64, unless it lies exactly between two f32, when the
 * text decides by exact comparison (rounding twice would be wrong there). Hexadecimal floats are rounded here.
 *
 * NUM-1  Every number is rounded to nearest, ties to even, exactly once.
 * NUM-2  The work is linear in the length of the text, however long the digits and exponents are.
 *
 * May import: nothing of its own folder but strings. @module
 */
import { CHAR, CHARACTER, hexDigit } from "./strings.ts";

/** What a word of the text is as a number. */
export const NUMBER = { none: 0, natural: 1, signed: 2, float: 3 } as const;
/** One of {@linkcode NUMBER}. */
export type NumberKind = typeof NUMBER[keyof typeof NUMBER];

const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const UNDERSCORE = 0x5f;
const LOWER_X = 0x78;
const TWO_32 = 2 ** 32;

/** Where digits from `at` on end: digits of the class, with single underscores between two of them; `at` itself when there are none. */
function skipDigits(source: Uint8Array, at: number, end: number, digitClass: number): number {
  if (at >= end || (CHARACTER[source[at]] & digitClass) === 0) return at;
  at++;
  for (;;) {
    if (at < end && (CHARACTER[source[at]] & digitClass) !== 0) at++;
    else if (at + 1 < end && source[at] === UNDERSCORE && (CHARACTER[source[at + 1]] & digitClass) !== 0) at += 2;
    else return at;
  }
}

function isSign(character: number): boolean {
  return character === PLUS || character === MINUS;
}

function isHexPrefix(source: Uint8Array, at: number, end: number): boolean {
  return at + 2 < end && source[at] === 0x30 && source[at + 1] === LOWER_X;
}

/** Whether ASCII `text` stands at `at`. */
function standsAt(source: Uint8Array, at: number, end: number, text: string): boolean {
  if (end - at < text.length) return false;
  for (let i = 0; i < text.length; i++) if (source[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Which kind of number the word from `start` to `end` is. */
export function classifyNumber(source: Uint8Array, start: number, end: number): NumberKind {
  let at = start;
  const hasSign = isSign(source[at]);
  if (hasSign) at++;
  if (at >= end) return NUMBER.none;
  if ((CHARACTER[source[at]] & CHAR.digit) === 0) {
    const length = end - at;
    if (length === 3 && (standsAt(source, at, end, "inf") || standsAt(source, at, end, "nan"))) return NUMBER.float;
    if (length < 7 || !standsAt(source, at, end, "nan:0x")) return NUMBER.none;
    return skipDigits(source, at + 6, end, CHAR.hex) === end ? NUMBER.float : NUMBER.none;
  }
  const isHex = isHexPrefix(source, at, end);
  const digitClass = isHex ? CHAR.hex : CHAR.digit;
  if (isHex) at += 2;
  const digits = at;
  at = skipDigits(source, at, end, digitClass);
  if (at === digits) return NUMBER.none;
  if (at === end) return hasSign ? NUMBER.signed : NUMBER.natural;
  if (source[at] === DOT) at = skipDigits(source, at + 1, end, digitClass);
  if (at < end && (source[at] | 0x20) === (isHex ? 0x70 : 0x65)) {
    at++;
    if (at < end && isSign(source[at])) at++;
    const exponent = at;
    at = skipDigits(source, at, end, CHAR.digit);
    if (at === exponent) return NUMBER.none;
  }
  return at === end ? NUMBER.float : NUMBER.none;
}

/** Reads numbers; the result is in {@linkcode lo} and {@linkcode hi}. */
export class NumberReader {
  /** The low 32 bits, as an int32 after {@linkcode float} and {@linkcode integer}. */
  lo = 0;
  /** The high 32 bits. */
  hi = 0;

  /** Reads an unsigned integer of at most 64 bits without a sign; both halves unsigned. False: it is larger. */
  natural(source: Uint8Array, start: number, end: number): boolean {
    const isHex = isHexPrefix(source, start, end);
    const base = isHex ? 16 : 10;
    let lo = 0;
    let hi = 0;
    for (let at = isHex ? start + 2 : start; at < end; at++) {
      if (source[at] === UNDERSCORE) continue;
      const low = lo * base + hexDigit(source[at]);
      lo = low % TWO_32;
      hi = hi * base + (low - lo) / TWO_32;
      if (hi >= TWO_32) return false;
    }
    this.lo = lo;
    this.hi = hi;
    return true;
  }

  /** Reads an integer with or without a sign as `widthBits` bits in two's complement. False: it does not fit. */
  integer(source: Uint8Array, start: number, end: number, widthBits: 8 | 16 | 32 | 64): boolean {
    const isNegative = source[start] === MINUS;
    if (!this.natural(source, isSign(source[start]) ? start + 1 : start, end)) return false;
    const { lo, hi } = this;
    const magnitude = hi * TWO_32 + lo; // Exact where it matters: below 2^53 and at powers of two.
    if (isNegative) {
      if (magnitude > 2 ** (widthBits - 1) || hi === 0x80000000 && lo !== 0) return false;
      this.lo = -lo | 0;
      this.hi = lo === 0 ? -hi | 0 : ~hi;
    } else {
      if (widthBits !== 64 && magnitude >= 2 ** widthBits) return false;
      this.lo = lo | 0;
      this.hi = hi | 0;
    }
    return true;
  }

  /** Reads any number as a float's bits (of f32 in the low half). False: it is out of range. */
  float(source: Uint8Array, start: number, end: number, type: "f32" | "f64"): boolean {
    const isNegative = source[start] === MINUS;
    const at = isSign(source[start]) ? start + 1 : start;
    const isRead = standsAt(source, at, end, "nan") ? this.#nan(source, at, end, type) : source[at] === 0x69 // inf
      ? this.#infinity(type)
      : isHexPrefix(source, at, end)
      ? this.#hexFloat(source, at + 2, end, type)
      : this.#decimalFloat(source, at, end, type);
    if (isRead && isNegative) {
      if (type === "f32") this.lo |= 0x80000000;
      else this.hi |= 0x80000000;
    }
    return isRead;
  }

  #infinity(type: "f32" | "f64"): boolean {
    this.lo = type === "f32" ? 0x7f800000 : 0;
    this.hi = type === "f32" ? 0 : 0x7ff00000;
    return true;
  }

  #nan(source: Uint8Array, at: number, end: number, type: "f32" | "f64"): boolean {
    if (end - at === 3) {
      this.lo = 0;
      this.hi = 0x80000; // The canonical payload.
      if (type === "f32") this.lo = 0x400000;
    } else {
      if (!this.natural(source, at + 4, end)) return false;
      const { lo, hi } = this;
      if (lo === 0 && hi === 0) return false;
      if (type === "f32" ? hi !== 0 || lo >= 0x800000 : hi >= 0x100000) return false;
    }
    if (type === "f32") {
      this.lo = this.lo | 0x7f800000;
      this.hi = 0;
    } else {
      this.lo |= 0;
      this.hi |= 0x7ff00000;
    }
    return true;
  }

  /** Rounds digits after "0x". */
  #hexFloat(source: Uint8Array, at: number, end: number, type: "f32" | "f64"): boolean {
    let mantissa = 0n;
    let digits = 0; // Significant ones taken into the mantissa.
    let exponent = 0;
    let isAfterDot = false;
    let isInexact = false; // Whether digits beyond the mantissa are not all zero.
    for (; at < end && (source[at] | 0x20) !== 0x70; at++) {
      if (source[at] === UNDERSCORE) continue;
      if (source[at] === DOT) {
        isAfterDot = true;
        continue;
      }
      const digit = hexDigit(source[at]);
      if (digits === 0 && digit === 0) {
        if (isAfterDot) exponent -= 4;
      } else if (digits < 16) {
        mantissa = mantissa << 4n | BigInt(digit);
        digits++;
        if (isAfterDot) exponent -= 4;
      } else {
        if (digit !== 0) isInexact = true;
        if (!isAfterDot) exponent += 4;
      }
    }
    if (at < end) exponent += readExponent(source, at + 1, end);
    return this.#round(mantissa, exponent, isInexact, type);
  }

  /** Rounds `mantissa * 2^exponent`, plus less than one unit of the mantissa when it is inexact. */
  #round(mantissa: bigint, exponent: number, isInexact: boolean, type: "f32" | "f64"): boolean {
    const precision = type === "f32" ? 24 : 53;
    const leastExponent = type === "f32" ? -126 : -1022;
    if (mantissa === 0n) {
      this.lo = this.hi = 0;
      return true;
    }
    const leading = exponent + mantissa.toString(2).length - 1;
    if (leading > 1 - leastExponent) return false;
    const unit = Math.max(leading, leastExponent) - (precision - 1); // The exponent of the result's last bit.
    const shift = unit - exponent;
    let rounded: bigint;
    if (shift > 80) rounded = 0n; // Less than half of the least subnormal.
    else if (shift <= 0) rounded = mantissa << BigInt(-shift);
    else {
      rounded = mantissa >> BigInt(shift);
      const twiceRest = (mantissa - (rounded << BigInt(shift))) * 2n;
      const one = 1n << BigInt(shift);
      if (twiceRest > one || twiceRest === one && (isInexact || (rounded & 1n) === 1n)) rounded++;
    }
    // Added, not or-ed: a mantissa rounded up to the next power of two carries into the exponent.
    const biased = Math.max(leading, leastExponent) - leastExponent;
    const bits = rounded + (BigInt(biased) << BigInt(precision - 1));
    if (bits >> BigInt(precision - 1) >= (type === "f32" ? 255n : 2047n)) return false;
    this.lo = Number(BigInt.asIntN(32, bits));
    this.hi = Number(BigInt.asIntN(32, bits >> 32n));
    return true;
  }

  #decimalFloat(source: Uint8Array, at: number, end: number, type: "f32" | "f64"): boolean {
    const text = new TextDecoder().decode(source.subarray(at, end)).replaceAll("_", "");
    const double = Number(text);
    if (type === "f64") {
      SCRATCH.setFloat64(0, double, true);
      this.lo = SCRATCH.getInt32(0, true);
      this.hi = SCRATCH.getInt32(4, true);
      return double !== Infinity;
    }
    const single = roundToSingle(text, double);
    SCRATCH.setFloat32(0, single, true);
    this.lo = SCRATCH.getInt32(0, true);
    this.hi = 0;
    return single !== Infinity;
  }
}

const SCRATCH = new DataView(new ArrayBuffer(8));

/** Exponents beyond this bound decide nothing: digits that would balance them do not fit a module. */
const MOST_EXPONENT = 2 ** 40;

function readExponent(source: Uint8Array, at: number, end: number): number {
  const isNegative = source[at] === MINUS;
  if (isSign(source[at])) at++;
  let exponent = 0;
  for (; at < end; at++) {
    if (source[at] !== UNDERSCORE) exponent = Math.min(10 * exponent + source[at] - 0x30, MOST_EXPONENT);
  }
  return isNegative ? -exponent : exponent;
}

/** Rounds a decimal text that is not negative to f32, given its f64 (NUM-1). */
function roundToSingle(text: string, double: number): number {
  const single = Math.fround(double);
  if (single === double || !(double < 2 ** 128)) return single;
  // The f32 on the other side of the double; beyond the largest one stands 2^128.
  const near = single === Infinity ? 2 ** 128 : single;
  const other = single > double ? singleBelow(single) : singleAbove(single);
  if (Math.abs(double - near) !== Math.abs(double - (other === Infinity ? 2 ** 128 : other))) return single;
  const order = compareToDecimal(double, text);
  if (order === 0) return single;
  return order < 0 ? Math.max(single, other) : Math.min(single, other);
}

function singleBelow(single: number): number {
  SCRATCH.setFloat32(0, single, true);
  SCRATCH.setInt32(0, SCRATCH.getInt32(0, true) - 1, true);
  return SCRATCH.getFloat32(0, true);
}

function singleAbove(single: number): number {
  SCRATCH.setFloat32(0, single, true);
  SCRATCH.setInt32(0, SCRATCH.getInt32(0, true) + 1, true);
  return SCRATCH.getFloat32(0, true);
}

/** Halfway points of f32 have fewer significant decimal digits than this. */
const DECIDING_DIGITS = 160;

/** The sign of `double - text`, exactly: below zero when the text is larger. */
function compareToDecimal(double: number, text: string): number {
  const [, whole, fraction = "", power = "0"] = text.match(/^(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/)!;
  let digits = (whole + fraction).replace(/^0+/, "");
  let exponent = Number(power) - fraction.length;
  if (digits.length > DECIDING_DIGITS) {
    const rest = digits.slice(DECIDING_DIGITS);
    exponent += rest.length - 1;
    digits = digits.slice(0, DECIDING_DIGITS) + (/[1-9]/.test(rest) ? "1" : "0"); // A digit that stands for all the rest.
  }
  SCRATCH.setFloat64(0, double, true);
  const bits = SCRATCH.getBigUint64(0, true);
  let left = bits & (1n << 52n) - 1n | 1n << 52n; // A halfway point of f32 is a normal f64.
  let right = BigInt(digits);
  const binaryExponent = Number(bits >> 52n) - 1075;
  if (binaryExponent > 0) left <<= BigInt(binaryExponent);
  else right <<= BigInt(-binaryExponent);
  if (exponent > 0) right *= 10n ** BigInt(exponent);
  else left *= 10n ** BigInt(-exponent);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The text of an f64 given as bits: the shortest that reads back to them. */
export function formatF64(lo: number, hi: number): string {
  SCRATCH.setInt32(0, lo, true);
  SCRATCH.setInt32(4, hi, true);
  const sign = hi < 0 ? "-" : "";
  if ((hi & 0x7ff00000) === 0x7ff00000) {
    const payload = BigInt(hi & 0xfffff) << 32n | BigInt(lo >>> 0);
    if (payload === 0n) return `${sign}inf`;
    return payload === 1n << 51n ? `${sign}nan` : `${sign}nan:0x${payload.toString(16)}`;
  }
  return sign + String(Math.abs(SCRATCH.getFloat64(0, true)));
}

/** The text of an f32 given as bits: the shortest that reads back to them. */
export function formatF32(bits: number): string {
  SCRATCH.setInt32(0, bits, true);
  const sign = bits < 0 ? "-" : "";
  if ((bits & 0x7f800000) === 0x7f800000) {
    const payload = bits & 0x7fffff;
    if (payload === 0) return `${sign}inf`;
    return payload === 0x400000 ? `${sign}nan` : `${sign}nan:0x${payload.toString(16)}`;
  }
  const single = Math.abs(SCRATCH.getFloat32(0, true));
  for (let digits = 1; digits < 9; digits++) {
    const text = single.toPrecision(digits);
    if (roundToSingle(text, Number(text)) === single) return sign + String(Number(text));
  }
  return sign + String(Number(single.toPrecision(9)));
}
