/**
 * Folding rules of vectors: constants, identities, lanes that are known, and shuffles of known lanes.
 *
 * A constant swizzle becomes a shuffle, and a shuffle reads its first operand only if it reads one, so that the lowering has one form to
 * match. Constants of commutative operations stand on the right. Constant operands are folded lane by lane for the integer operations in
 * `LANEWISE`; float arithmetic stays (FOLD-1 would ask for NaNs to be looked for, and constant float vectors are rare).
 */

import { NONE } from "../../base/mod.ts";
import type { Emitter } from "../emitter.ts";
import type { Value } from "../func.ts";
import { LANE_BYTES, Lanes, packShuffle, unpackShuffle } from "../lanes.ts";
import { COMMUTES, EFFECTS, IntCond, Ir, type IrOp } from "../ops.ts";
import { F32, F64, I32, I64, V128 } from "../types.ts";
import type { FoldRule } from "./rule.ts";

const WORDS_A = new Int32Array(4), WORDS_B = new Int32Array(4), WORDS_C = new Int32Array(4), RESULT = new Int32Array(4);
const BYTES_A = new Uint8Array(WORDS_A.buffer), BYTES_B = new Uint8Array(WORDS_B.buffer);
const RESULT_BYTES = new Uint8Array(RESULT.buffer);
const VIEW_A = new DataView(WORDS_A.buffer), VIEW_B = new DataView(WORDS_B.buffer), VIEW = new DataView(RESULT.buffer);
const LANE_NUMBERS = new Uint8Array(16);

function isVector(f: Emitter, value: number): boolean {
  return value !== NONE && f.func.op[value] === Ir.vconst;
}

function read(f: Emitter, value: number, words: Int32Array): void {
  const { func } = f;
  words[0] = func.b[value];
  words[1] = func.c[value];
  words[2] = func.imm[value];
  words[3] = func.aux[value];
}

function result(f: Emitter): number {
  return f.vconst(RESULT[0], RESULT[1], RESULT[2], RESULT[3]);
}

/** Whether `value` is the constant of four equal words. */
function isWords(f: Emitter, value: number, word: number): boolean {
  const { func } = f;
  return func.op[value] === Ir.vconst && func.b[value] === word && func.c[value] === word && func.imm[value] === word &&
    func.aux[value] === word;
}
const isZeros = (f: Emitter, value: number) => isWords(f, value, 0);
const isOnes = (f: Emitter, value: number) => isWords(f, value, -1);

// Constants to the right, or NONE if they are there.
function canonical(f: Emitter, op: IrOp, a: number, b: number, imm: number, aux: number): number {
  if ((EFFECTS[op] & COMMUTES) === 0 || !isVector(f, a) || isVector(f, b)) return NONE;
  return f.emit(op, V128, b, a, NONE, imm, aux);
}

// Bitwise operations.

function bitwise(op: IrOp, compute: (a: number, b: number) => number, rest: FoldRule): FoldRule {
  return (f, type, a, b, c, imm, aux) => {
    if (isVector(f, a) && isVector(f, b)) {
      read(f, a, WORDS_A);
      read(f, b, WORDS_B);
      for (let i = 0; i < 4; i++) RESULT[i] = compute(WORDS_A[i], WORDS_B[i]);
      return result(f);
    }
    const swapped = canonical(f, op, a, b, imm, aux);
    return swapped !== NONE ? swapped : rest(f, type, a, b, c, imm, aux);
  };
}

/** x when `value` is "not x", else NONE. */
function inverted(f: Emitter, value: number): number {
  const { func } = f;
  return func.op[value] === Ir.vxor && isOnes(f, func.resolve(func.b[value])) ? func.resolve(func.a[value]) : NONE;
}

const vand = bitwise(Ir.vand, (a, b) => a & b, (f, _type, a, b) => {
  if (a === b || isOnes(f, b)) return a;
  if (isZeros(f, b)) return b;
  let x = inverted(f, b);
  if (x !== NONE) return f.emit(Ir.vandn, V128, a, x, NONE, 0, 0);
  x = inverted(f, a);
  return x !== NONE ? f.emit(Ir.vandn, V128, b, x, NONE, 0, 0) : NONE;
});

const vandn = bitwise(Ir.vandn, (a, b) => a & ~b, (f, _type, a, b) => {
  if (a === b) return f.vconst(0, 0, 0, 0);
  if (isZeros(f, b)) return a;
  if (isVector(f, b)) {
    read(f, b, WORDS_B);
    return f.emit(Ir.vand, V128, a, f.vconst(~WORDS_B[0], ~WORDS_B[1], ~WORDS_B[2], ~WORDS_B[3]), NONE, 0, 0);
  }
  if (isZeros(f, a)) return a;
  if (isOnes(f, a)) return f.emit(Ir.vxor, V128, b, a, NONE, 0, 0);
  return NONE;
});

const vor = bitwise(Ir.vor, (a, b) => a | b, (f, _type, a, b) => {
  if (a === b || isZeros(f, b)) return a;
  return isOnes(f, b) ? b : NONE;
});

const vxor = bitwise(Ir.vxor, (a, b) => a ^ b, (f, _type, a, b) => {
  if (a === b) return f.vconst(0, 0, 0, 0);
  if (isZeros(f, b)) return a;
  return isOnes(f, b) ? inverted(f, a) : NONE;
});

const vbitselect: FoldRule = (f, _type, a, b, mask) => {
  if (a === b) return a;
  if (isOnes(f, mask)) return a;
  if (isZeros(f, mask)) return b;
  if (isZeros(f, b)) return f.emit(Ir.vand, V128, a, mask, NONE, 0, 0);
  if (isZeros(f, a)) return f.emit(Ir.vandn, V128, b, mask, NONE, 0, 0);
  if (!isVector(f, a) || !isVector(f, b) || !isVector(f, mask)) return NONE;
  read(f, a, WORDS_A);
  read(f, b, WORDS_B);
  read(f, mask, WORDS_C);
  for (let i = 0; i < 4; i++) RESULT[i] = WORDS_A[i] & WORDS_C[i] | WORDS_B[i] & ~WORDS_C[i];
  return result(f);
};

// Lanes.

/** Writes the bits of scalar constant `value` to `lane` of the result; false when it is no constant. */
function putLane(f: Emitter, shape: number, lane: number, value: number): boolean {
  const { func } = f;
  if (func.op[value] !== Ir.iconst && func.op[value] !== Ir.fconst) return false;
  const at = lane * LANE_BYTES[shape], lo = func.imm[value];
  switch (LANE_BYTES[shape]) {
    case 1:
      VIEW.setInt8(at, lo);
      return true;
    case 2:
      VIEW.setInt16(at, lo, true);
      return true;
    case 8:
      VIEW.setInt32(at + 4, func.aux[value], true);
  }
  VIEW.setInt32(at, lo, true);
  return true;
}

const vsplat: FoldRule = (f, _type, a, _b, _c, shape) => {
  for (let lane = 0; lane < 16 / LANE_BYTES[shape]; lane++) if (!putLane(f, shape, lane, a)) return NONE;
  return result(f);
};

const vzext: FoldRule = (f, _type, a, _b, _c, shape) => {
  RESULT.fill(0);
  return putLane(f, shape, 0, a) ? result(f) : NONE;
};

const vextract: FoldRule = (f, type, a, _b, _c, shape, lane) => {
  const { func } = f;
  const op = func.op[a];
  if (op === Ir.vconst) {
    read(f, a, WORDS_A);
    const at = lane * LANE_BYTES[shape];
    switch (type) {
      case I32:
        return f.iconst32(
          shape === Lanes.i8x16
            ? VIEW_A.getUint8(at)
            : shape === Lanes.i16x8
            ? VIEW_A.getUint16(at, true)
            : VIEW_A.getInt32(at, true),
        );
      case I64:
        return f.iconst64(VIEW_A.getInt32(at, true), VIEW_A.getInt32(at + 4, true));
      case F32:
        return f.fconst32(VIEW_A.getInt32(at, true));
      case F64:
        return f.fconst64(VIEW_A.getInt32(at, true), VIEW_A.getInt32(at + 4, true));
    }
  }
  if (func.imm[a] !== shape) return NONE;
  if (op === Ir.vinsert && func.aux[a] !== lane) {
    return f.emit(Ir.vextract, type, func.resolve(func.a[a]), NONE, NONE, shape, lane);
  }
  let scalar: number = NONE;
  if (op === Ir.vinsert) scalar = func.resolve(func.b[a]);
  else if (op === Ir.vsplat || op === Ir.vzext && lane === 0) scalar = func.resolve(func.a[a]);
  if (scalar === NONE || shape > Lanes.i16x8) return scalar;
  return f.emit(Ir.band, I32, scalar, f.iconst32(shape === Lanes.i8x16 ? 0xff : 0xffff), NONE, 0, 0);
};

const vinsert: FoldRule = (f, _type, a, b, _c, shape, lane) => {
  const { func } = f;
  if (isVector(f, a)) {
    read(f, a, RESULT);
    if (putLane(f, shape, lane, b)) return result(f);
  }
  // What is put back where it came from.
  if (func.op[b] === Ir.vextract && func.resolve(func.a[b]) === a && func.imm[b] === shape && func.aux[b] === lane) {
    return a;
  }
  return NONE;
};

// Shuffles.

const vshuffle: FoldRule = (f, _type, a, b, lanes0, lanes1, lanes2) => {
  const lanes = LANE_NUMBERS;
  unpackShuffle(lanes0, lanes1, lanes2, lanes);
  let low = 0, inPlace = 0, inPlaceOfB = 0;
  for (let i = 0; i < 16; i++) {
    if (lanes[i] < 16) low++;
    if (lanes[i] === i) inPlace++;
    if (lanes[i] === i + 16) inPlaceOfB++;
  }
  if (inPlace === 16 || a === b && inPlace + inPlaceOfB === 16) return a;
  if (inPlaceOfB === 16) return b;
  if (a === b) {
    if (low === 16) {
      if (!isVector(f, a)) return NONE;
    } else {
      for (let i = 0; i < 16; i++) lanes[i] &= 15;
      return f.shuffle(a as Value, a as Value, lanes);
    }
  } else if (low === 16) return f.shuffle(a as Value, a as Value, lanes);
  else if (low === 0) {
    for (let i = 0; i < 16; i++) lanes[i] -= 16;
    return f.shuffle(b as Value, b as Value, lanes);
  } else if (isVector(f, a) && !isVector(f, b)) {
    for (let i = 0; i < 16; i++) lanes[i] ^= 16;
    return f.shuffle(b as Value, a as Value, lanes);
  }
  if (!isVector(f, a) || !isVector(f, b)) return NONE;
  read(f, a, WORDS_A);
  read(f, b, WORDS_B);
  for (let i = 0; i < 16; i++) RESULT_BYTES[i] = lanes[i] < 16 ? BYTES_A[lanes[i]] : BYTES_B[lanes[i] - 16];
  return result(f);
};

const vswizzle: FoldRule = (f, _type, a, b) => {
  if (!isVector(f, b)) return NONE;
  read(f, b, WORDS_B);
  const lanes = Array.from(BYTES_B, (lane) => Math.min(lane, 16)); // byte 16 is the first of the zeros
  const [c, imm, aux] = packShuffle(lanes);
  return f.emit(Ir.vshuffle, V128, a, f.vconst(0, 0, 0, 0), c, imm, aux);
};

// Tests.

const vanyTrue: FoldRule = (f, _type, a) => isVector(f, a) ? f.iconst32(isZeros(f, a) ? 0 : 1) : NONE;

function lanesOf(count: (lane: number, at: number) => number): FoldRule {
  return (f, _type, a, _b, _c, shape) => {
    if (!isVector(f, a)) return NONE;
    read(f, a, WORDS_A);
    let total = 0;
    for (let lane = 0; lane < 16 / LANE_BYTES[shape]; lane++) total |= count(lane, lane * LANE_BYTES[shape]);
    return f.iconst32(total);
  };
}

function isZeroLane(shape: number, at: number): boolean {
  for (let i = 0; i < LANE_BYTES[shape]; i++) if (BYTES_A[at + i] !== 0) return false;
  return true;
}

const vallTrue: FoldRule = (f, _type, a, _b, _c, shape) => {
  if (!isVector(f, a)) return NONE;
  read(f, a, WORDS_A);
  for (let at = 0; at < 16; at += LANE_BYTES[shape]) if (isZeroLane(shape, at)) return f.iconst32(0);
  return f.iconst32(1);
};

const vbitmask: FoldRule = (f, type, a, b, c, shape, aux) =>
  lanesOf((lane, at) => BYTES_A[at + LANE_BYTES[shape] - 1] >> 7 << lane)(f, type, a, b, c, shape, aux);

// Integer lanes as bigints, signed: constants of vector programs are few.

function getLane(view: DataView, shape: number, at: number): bigint {
  switch (shape) {
    case Lanes.i8x16:
      return BigInt(view.getInt8(at));
    case Lanes.i16x8:
      return BigInt(view.getInt16(at, true));
    case Lanes.i32x4:
      return BigInt(view.getInt32(at, true));
    default:
      return view.getBigInt64(at, true);
  }
}

function setLane(shape: number, at: number, value: bigint): void {
  const wrapped = BigInt.asIntN(8 * LANE_BYTES[shape], value);
  if (shape === Lanes.i8x16) VIEW.setInt8(at, Number(wrapped));
  else if (shape === Lanes.i16x8) VIEW.setInt16(at, Number(wrapped), true);
  else if (shape === Lanes.i32x4) VIEW.setInt32(at, Number(wrapped), true);
  else VIEW.setBigInt64(at, wrapped, true);
}

type Compute = (x: bigint, y: bigint, bits: number) => bigint;
const NEVER: FoldRule = () => NONE;

function lanewise(op: IrOp, compute: Compute, rest: FoldRule = NEVER): FoldRule {
  return (f, type, a, b, c, shape, aux) => {
    if (isVector(f, a) && (b === NONE || isVector(f, b))) {
      read(f, a, WORDS_A);
      if (b !== NONE) read(f, b, WORDS_B);
      for (let at = 0; at < 16; at += LANE_BYTES[shape]) {
        const y = b === NONE ? 0n : getLane(VIEW_B, shape, at);
        setLane(shape, at, compute(getLane(VIEW_A, shape, at), y, 8 * LANE_BYTES[shape]));
      }
      return result(f);
    }
    const swapped = b === NONE ? NONE : canonical(f, op, a, b, shape, aux);
    return swapped !== NONE ? swapped : rest(f, type, a, b, c, shape, aux);
  };
}

const zeroRight: FoldRule = (f, _type, a, b) => isZeros(f, b) ? a : NONE;
const unsigned = (x: bigint, bits: number) => BigInt.asUintN(bits, x);
const same: FoldRule = (_f, _type, a, b) => a === b ? a : NONE;

function shift(compute: Compute): FoldRule {
  return (f, _type, a, b, _c, shape) => {
    const { func } = f;
    if (func.op[b] !== Ir.iconst) return NONE;
    const bits = 8 * LANE_BYTES[shape];
    const count = BigInt(func.imm[b] & bits - 1);
    if (count === 0n) return a;
    if (!isVector(f, a)) return NONE;
    read(f, a, WORDS_A);
    for (let at = 0; at < 16; at += LANE_BYTES[shape]) {
      setLane(shape, at, compute(getLane(VIEW_A, shape, at), count, bits));
    }
    return result(f);
  };
}

function compareLanes(cond: number, x: bigint, y: bigint, bits: number): boolean {
  if (cond >= IntCond.ult) {
    x = unsigned(x, bits);
    y = unsigned(y, bits);
  }
  switch (cond) {
    case IntCond.eq:
      return x === y;
    case IntCond.ne:
      return x !== y;
    case IntCond.slt:
    case IntCond.ult:
      return x < y;
    case IntCond.sge:
    case IntCond.uge:
      return x >= y;
    case IntCond.sgt:
    case IntCond.ugt:
      return x > y;
    default:
      return x <= y;
  }
}

// Whether x cond x holds, by condition.
const REFLEXIVE = new Uint8Array([1, 0, 0, 1, 0, 1, 0, 1, 0, 1]);

const vicmp: FoldRule = (f, type, a, b, c, shape, cond) => {
  if (a === b) return REFLEXIVE[cond] === 1 ? f.vconst(-1, -1, -1, -1) : f.vconst(0, 0, 0, 0);
  return lanewise(Ir.vicmp, (x, y, bits) => compareLanes(cond, x, y, bits) ? -1n : 0n)(f, type, a, b, c, shape, cond);
};

// Signs are bits (FOLD-1).
function floatSign(op: IrOp): FoldRule {
  return (f, _type, a, _b, _c, shape) => {
    const { func } = f;
    const inner = func.op[a];
    if ((inner === Ir.vfneg || inner === Ir.vfabs && op === Ir.vfabs) && func.imm[a] === shape) {
      const x = func.resolve(func.a[a]);
      return op === Ir.vfneg ? x : f.emit(op, V128, x, NONE, NONE, shape, 0);
    }
    return NONE;
  };
}

/** For operations that fold nothing else. */
function constantToRight(op: IrOp): FoldRule {
  return (f, _type, a, b, _c, imm, aux) => canonical(f, op, a, b, imm, aux);
}

/** Rules by operation name. */
export const VECTOR_RULES = {
  vsplat,
  vzext,
  vextract,
  vinsert,
  vshuffle,
  vswizzle,
  vand,
  vandn,
  vor,
  vxor,
  vbitselect,
  vany_true: vanyTrue,
  vall_true: vallTrue,
  vbitmask,
  viadd: lanewise(Ir.viadd, (x, y) => x + y, zeroRight),
  visub: lanewise(Ir.visub, (x, y) => x - y, (f, _type, a, b, _c, shape) => {
    if (a === b) return f.vconst(0, 0, 0, 0);
    if (isZeros(f, b)) return a;
    return isZeros(f, a) ? f.emit(Ir.vineg, V128, b, NONE, NONE, shape, 0) : NONE;
  }),
  vimul: lanewise(Ir.vimul, (x, y) => x * y, (f, _type, _a, b) => isZeros(f, b) ? b : NONE),
  vineg: lanewise(Ir.vineg, (x) => -x),
  viabs: lanewise(Ir.viabs, (x) => x < 0n ? -x : x),
  vmin_s: lanewise(Ir.vmin_s, (x, y) => x < y ? x : y, same),
  vmax_s: lanewise(Ir.vmax_s, (x, y) => x > y ? x : y, same),
  vmin_u: lanewise(Ir.vmin_u, (x, y, bits) => unsigned(x, bits) < unsigned(y, bits) ? x : y, same),
  vmax_u: lanewise(Ir.vmax_u, (x, y, bits) => unsigned(x, bits) > unsigned(y, bits) ? x : y, same),
  vavgr_u: lanewise(Ir.vavgr_u, (x, y, bits) => unsigned(x, bits) + unsigned(y, bits) + 1n >> 1n, same),
  vadd_sat_s: lanewise(
    Ir.vadd_sat_s,
    (x, y, bits) => clamp(x + y, -(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n),
  ),
  vsub_sat_s: lanewise(
    Ir.vsub_sat_s,
    (x, y, bits) => clamp(x - y, -(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n),
  ),
  vadd_sat_u: lanewise(
    Ir.vadd_sat_u,
    (x, y, bits) => clamp(unsigned(x, bits) + unsigned(y, bits), 0n, (1n << BigInt(bits)) - 1n),
  ),
  vsub_sat_u: lanewise(
    Ir.vsub_sat_u,
    (x, y, bits) => clamp(unsigned(x, bits) - unsigned(y, bits), 0n, (1n << BigInt(bits)) - 1n),
  ),
  vishl: shift((x, count) => x << count),
  vushr: shift((x, count, bits) => unsigned(x, bits) >> count),
  vsshr: shift((x, count) => x >> count),
  vicmp,
  vq15mulr: constantToRight(Ir.vq15mulr),
  vdot: constantToRight(Ir.vdot),
  vextmul_low_s: constantToRight(Ir.vextmul_low_s),
  vextmul_low_u: constantToRight(Ir.vextmul_low_u),
  vextmul_high_s: constantToRight(Ir.vextmul_high_s),
  vextmul_high_u: constantToRight(Ir.vextmul_high_u),
  vfadd: constantToRight(Ir.vfadd),
  vfmul: constantToRight(Ir.vfmul),
  vfmin: constantToRight(Ir.vfmin),
  vfmax: constantToRight(Ir.vfmax),
  vfneg: floatSign(Ir.vfneg),
  vfabs: floatSign(Ir.vfabs),
} as const;

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  return value < low ? low : value > high ? high : value;
}
