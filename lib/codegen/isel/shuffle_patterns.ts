/**
 * Which one instruction does a shuffle: lane numbers 0 to 31 against the patterns of x64's lane movers, cheapest first.
 *
 * Pure functions of the sixteen numbers. A pattern may want its operands exchanged (`SHUFFLE.swapped`); a shuffle of one operand has the
 * same register on both sides, so numbers are then compared modulo 16.
 */

import { Lanes } from "../../ir/mod.ts";

/** What a shuffle is; `SHUFFLE.imm` is the instruction's immediate, or the shape for those that have none. */
export const Pattern = {
  none: 0,
  pshufd: 1,
  pshuflw: 2,
  pshufhw: 3,
  /** The rest: zeros. */
  pslldq: 4,
  psrldq: 5,
  /** imm: shape of the lane that is repeated. */
  broadcast: 6,
  /** imm: shape of the source. */
  zeroExtend: 7,
  /** imm: shape. */
  punpckl: 8,
  punpckh: 9,
  shufps: 10,
  pblendw: 11,
  palignr: 12,
} as const;

/** The result of {@linkcode matchShuffle}. */
export const SHUFFLE = { imm: 0, swapped: false };

const WIDE = new Uint8Array(8);

/** Writes lanes of `bytes` bytes to `WIDE` if the shuffle moves such lanes whole. */
function widen(lanes: Uint8Array, bytes: number): boolean {
  for (let i = 0; i < 16; i += bytes) {
    if (lanes[i] % bytes !== 0) return false;
    for (let k = 1; k < bytes; k++) if (lanes[i + k] !== lanes[i] + k) return false;
    WIDE[i / bytes] = lanes[i] / bytes;
  }
  return true;
}

/** Whether every lane is `expected(i)` (modulo 16 if `isUnary`). */
function isEach(lanes: Uint8Array, isUnary: boolean, expected: (i: number) => number): boolean {
  const mask = isUnary ? 15 : 31;
  for (let i = 0; i < 16; i++) if ((lanes[i] ^ expected(i)) & mask) return false;
  return true;
}

/** Matches; the numbers of a shuffle of one operand are below 16. */
export function matchShuffle(
  lanes: Uint8Array,
  isUnary: boolean,
  rightIsZeros: boolean,
  hasBroadcast: boolean,
): number {
  SHUFFLE.swapped = false;
  if (isUnary) return matchUnary(lanes, hasBroadcast);
  if (rightIsZeros) {
    const found = matchZeros(lanes);
    if (found !== Pattern.none) return found;
  }
  for (const swapped of [false, true]) {
    SHUFFLE.swapped = swapped;
    const flip = swapped ? 16 : 0;
    const found = matchInterleave(lanes, false, flip);
    if (found !== Pattern.none) return found;
    if (matchBlend(lanes, flip)) return Pattern.pblendw;
    if (matchAlign(lanes, false, flip)) return Pattern.palignr;
    if (widen(lanes, 4) && matchShufps(flip)) return Pattern.shufps;
  }
  SHUFFLE.swapped = false;
  return Pattern.none;
}

function matchUnary(lanes: Uint8Array, hasBroadcast: boolean): number {
  if (widen(lanes, 4)) {
    SHUFFLE.imm = WIDE[0] | WIDE[1] << 2 | WIDE[2] << 4 | WIDE[3] << 6;
    return Pattern.pshufd;
  }
  if (widen(lanes, 2)) {
    const isHighKept = WIDE[4] === 4 && WIDE[5] === 5 && WIDE[6] === 6 && WIDE[7] === 7;
    if (isHighKept && WIDE[0] < 4 && WIDE[1] < 4 && WIDE[2] < 4 && WIDE[3] < 4) {
      SHUFFLE.imm = WIDE[0] | WIDE[1] << 2 | WIDE[2] << 4 | WIDE[3] << 6;
      return Pattern.pshuflw;
    }
    const isLowKept = WIDE[0] === 0 && WIDE[1] === 1 && WIDE[2] === 2 && WIDE[3] === 3;
    if (isLowKept && WIDE[4] >= 4 && WIDE[5] >= 4 && WIDE[6] >= 4 && WIDE[7] >= 4) {
      SHUFFLE.imm = WIDE[4] & 3 | (WIDE[5] & 3) << 2 | (WIDE[6] & 3) << 4 | (WIDE[7] & 3) << 6;
      return Pattern.pshufhw;
    }
  }
  if (hasBroadcast) {
    for (const shape of [Lanes.i8x16, Lanes.i16x8]) {
      if (isEach(lanes, true, (i) => i & (1 << shape) - 1)) {
        SHUFFLE.imm = shape;
        return Pattern.broadcast;
      }
    }
  }
  const found = matchInterleave(lanes, true, 0);
  if (found !== Pattern.none) return found;
  return matchAlign(lanes, true, 0) ? Pattern.palignr : Pattern.none;
}

/** Bytes of the left operand moved up or down, or spread, among zeros. */
function matchZeros(lanes: Uint8Array): number {
  const first = lanes.findIndex((lane) => lane < 16);
  // Up: lane i is i - first.
  if (first > 0 && lanes.every((lane, i) => i < first ? lane >= 16 : lane === i - first)) {
    SHUFFLE.imm = first;
    return Pattern.pslldq;
  }
  if (first === 0) {
    const by = lanes[0];
    if (by > 0 && lanes.every((lane, i) => i + by < 16 ? lane === i + by : lane >= 16)) {
      SHUFFLE.imm = by;
      return Pattern.psrldq;
    }
    for (const shape of [Lanes.i8x16, Lanes.i16x8, Lanes.i32x4]) {
      const bytes = 1 << shape, wide = 2 * bytes;
      const isSpread = lanes.every((lane, i) => i % wide < bytes ? lane === (i - i % wide) / 2 + i % wide : lane >= 16);
      if (isSpread) {
        SHUFFLE.imm = shape;
        return Pattern.zeroExtend;
      }
    }
  }
  return Pattern.none;
}

/** Lanes of both operands in turn, from the lower or the upper halves. */
function matchInterleave(lanes: Uint8Array, isUnary: boolean, flip: number): number {
  for (const shape of [Lanes.i64x2, Lanes.i32x4, Lanes.i16x8, Lanes.i8x16]) {
    const bytes = 1 << shape;
    const interleaved = (i: number) => {
      const lane = i >> shape;
      return ((lane >> 1) * bytes + (i & bytes - 1)) + ((lane & 1) !== 0 ? 16 : 0);
    };
    SHUFFLE.imm = shape;
    if (isEach(lanes, isUnary, (i) => interleaved(i) ^ flip)) return Pattern.punpckl;
    if (isEach(lanes, isUnary, (i) => interleaved(i) + 8 ^ flip)) return Pattern.punpckh;
  }
  return Pattern.none;
}

/** Each word from one operand or the other, at its place. */
function matchBlend(lanes: Uint8Array, flip: number): boolean {
  let imm = 0;
  for (let i = 0; i < 16; i += 2) {
    const lane = lanes[i] ^ flip;
    if ((lane & 15) !== i || lanes[i + 1] !== lanes[i] + 1) return false;
    if (lane >= 16) imm |= 1 << (i >> 1);
  }
  SHUFFLE.imm = imm;
  return true;
}

/** Sixteen bytes in a row of right : left, where the right operand is the lower half. */
function matchAlign(lanes: Uint8Array, isUnary: boolean, flip: number): boolean {
  // palignr x, y, n: bytes n and up of x:y, y being lower; so number 0 to 15 here are those of y.
  const by = lanes[0] ^ flip ^ 16;
  if (!isUnary && by >= 16) return false;
  const n = by & 15;
  if (n === 0) return false;
  SHUFFLE.imm = n;
  return isEach(lanes, isUnary, (i) => i + n < 16 ? i + n + 16 ^ flip : i + n - 16 ^ flip);
}

/** Two dwords of the left operand, then two of the right one. */
function matchShufps(flip: number): boolean {
  const of = flip >> 2;
  for (let i = 0; i < 4; i++) if ((WIDE[i] ^ of) >> 2 !== (i < 2 ? 0 : 1)) return false;
  SHUFFLE.imm = WIDE[0] & 3 | (WIDE[1] & 3) << 2 | (WIDE[2] & 3) << 4 | (WIDE[3] & 3) << 6;
  return true;
}
