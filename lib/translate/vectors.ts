/**
 * Lowering of vectors: a row an operation, nearly all of them one IR operation with a lane shape.
 *
 * Loads that widen, splat or fill a lane are a scalar load and what makes a vector of it; stores of a lane are the extraction and a scalar
 * store: they share the bounds machinery of scalar accesses, and selection folds the pairs into single instructions again.
 *
 * Relaxed operations do what the deterministic profile says, so that results are the same on every processor (spec: profiles, the first
 * choice of each `relaxed`): multiply-add rounds twice, lanes are selected by bits, products saturate, and byte products are signed.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { NONE } from "../base/mod.ts";
import {
  FloatCond,
  I32,
  I64,
  IntCond,
  Ir,
  type IrOp,
  LANE_BYTES,
  LANE_TYPE,
  Lanes,
  type Type,
  V128,
  type Value,
} from "../ir/mod.ts";
import type { OpNameOf } from "../wasm/mod.ts";
import { load, loadValue, store, storeValue } from "./memory.ts";
import type { Lower, Translator } from "./translator.ts";

const NO_SHAPE = 0;

function unary(op: IrOp, shape: number): Lower {
  return (t) => t.push(t.builder.vector(op, t.pop(), NONE, NONE, shape, 0));
}

/** Two operands; a shift's count is the scalar on the right. */
function binary(op: IrOp, shape: number): Lower {
  return (t) => {
    const b = t.pop();
    const a = t.pop();
    t.push(t.builder.vector(op, a, b, NONE, shape, 0));
  };
}

function compare(op: IrOp, shape: number, cond: number): Lower {
  return (t) => {
    const b = t.pop();
    const a = t.pop();
    t.push(t.builder.vector(op, a, b, NONE, shape, cond));
  };
}

function test(op: IrOp, shape: number): Lower {
  return (t) => t.push(t.builder.fromVector(op, I32, t.pop(), shape, 0));
}

function v128Const(t: Translator): void {
  const { reader } = t;
  const w0 = reader.readFixed32(), w1 = reader.readFixed32(), w2 = reader.readFixed32(), w3 = reader.readFixed32();
  t.push(t.builder.vconst(w0, w1, w2, w3));
}

function not(t: Translator): void {
  t.push(t.builder.vector(Ir.vxor, t.pop(), t.builder.vconst(-1, -1, -1, -1), NONE, NO_SHAPE, 0));
}

function bitselect(t: Translator): void {
  const mask = t.pop();
  const b = t.pop();
  const a = t.pop();
  t.push(t.builder.vector(Ir.vbitselect, a, b, mask, NO_SHAPE, 0));
}

function shuffle(t: Translator): void {
  const lanes = t.reader.readBytes(16);
  const b = t.pop();
  const a = t.pop();
  t.push(t.builder.shuffle(a, b, lanes));
}

function splat(shape: number): Lower {
  return (t) => t.push(t.builder.vector(Ir.vsplat, t.pop(), NONE, NONE, shape, 0));
}

function extract(shape: number): Lower {
  return (t) => {
    const lane = t.reader.readU8();
    t.push(t.builder.fromVector(Ir.vextract, LANE_TYPE[shape], t.pop(), shape, lane));
  };
}

function extractSigned(shape: number, extend: IrOp): Lower {
  return (t) => {
    const lane = t.reader.readU8();
    t.push(t.builder.unary(extend, t.builder.fromVector(Ir.vextract, I32, t.pop(), shape, lane), I32));
  };
}

function replace(shape: number): Lower {
  return (t) => {
    const lane = t.reader.readU8();
    const scalar = t.pop();
    const vector = t.pop();
    t.push(t.builder.vector(Ir.vinsert, vector, scalar, NONE, shape, lane));
  };
}

// Memory.

function loadZero(type: Type, shape: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    t.push(t.builder.vector(Ir.vzext, loadValue(t, Ir.load, type, LANE_BYTES[shape], t.pop()), NONE, NONE, shape, 0));
  };
}

function loadSplat(op: IrOp, type: Type, shape: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    t.push(t.builder.vector(Ir.vsplat, loadValue(t, op, type, LANE_BYTES[shape], t.pop()), NONE, NONE, shape, 0));
  };
}

/** Eight bytes, widened to lanes of `shape`. */
function loadExtend(op: IrOp, shape: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    const low = t.builder.vector(Ir.vzext, loadValue(t, Ir.load, I64, 8, t.pop()), NONE, NONE, Lanes.i64x2, 0);
    t.push(t.builder.vector(op, low, NONE, NONE, shape, 0));
  };
}

function loadLane(op: IrOp, type: Type, shape: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    const vector = t.pop();
    const scalar = loadValue(t, op, type, LANE_BYTES[shape], t.pop());
    const lane = t.reader.readU8();
    t.push(t.builder.vector(Ir.vinsert, vector, scalar, NONE, shape, lane));
  };
}

function storeLane(op: IrOp, type: Type, shape: number): Lower {
  return (t) => {
    t.reader.readMemarg();
    const vector = t.pop();
    const address = t.pop();
    const lane = t.reader.readU8();
    storeValue(t, op, LANE_BYTES[shape], address, t.builder.fromVector(Ir.vextract, type, vector, shape, lane));
  };
}

// Relaxed operations.

function relaxedMultiplyAdd(shape: number): Lower {
  return (t) => {
    const c = t.pop();
    const b = t.pop();
    const a = t.pop();
    const product = t.builder.vector(Ir.vfmul, a, b, NONE, shape, 0);
    t.push(t.builder.vector(Ir.vfadd, product, c, NONE, shape, 0));
  };
}

/** -(a * b) + c: the product's sign is exact, so this is c - a * b. */
function relaxedNegatedMultiplyAdd(shape: number): Lower {
  return (t) => {
    const c = t.pop();
    const b = t.pop();
    const a = t.pop();
    const product = t.builder.vector(Ir.vfmul, a, b, NONE, shape, 0);
    t.push(t.builder.vector(Ir.vfsub, c, product, NONE, shape, 0));
  };
}

/** Sums of pairs of byte products, exact in 32 bits, then saturated to 16. */
function dotOfBytes(t: Translator): Value {
  const { builder } = t;
  const b = t.pop();
  const a = t.pop();
  const half = (extend: IrOp) =>
    builder.vector(
      Ir.vdot,
      builder.vector(extend, a, NONE, NONE, Lanes.i16x8, 0),
      builder.vector(extend, b, NONE, NONE, Lanes.i16x8, 0),
      NONE,
      Lanes.i32x4,
      0,
    );
  const low = half(Ir.vextend_low_s), high = half(Ir.vextend_high_s);
  return builder.vector(Ir.vnarrow_s, low, high, NONE, Lanes.i16x8, 0);
}

function relaxedDot(t: Translator): void {
  t.push(dotOfBytes(t));
}

function relaxedDotAdd(t: Translator): void {
  const c = t.pop();
  const dot = dotOfBytes(t);
  const sums = t.builder.vector(Ir.vextadd_s, dot, NONE, NONE, Lanes.i32x4, 0);
  t.push(t.builder.vector(Ir.viadd, sums, c, NONE, Lanes.i32x4, 0));
}

/** Handlers by operation. */
// deno-fmt-ignore
export const LOWER_VECTORS: Readonly<Record<OpNameOf<"simd" | "relaxed-simd">, Lower>> = {
  // Vectors
  "v128.load": load(Ir.load, V128, 16),
  "v128.load8x8_s": loadExtend(Ir.vextend_low_s, Lanes.i16x8),
  "v128.load8x8_u": loadExtend(Ir.vextend_low_u, Lanes.i16x8),
  "v128.load16x4_s": loadExtend(Ir.vextend_low_s, Lanes.i32x4),
  "v128.load16x4_u": loadExtend(Ir.vextend_low_u, Lanes.i32x4),
  "v128.load32x2_s": loadExtend(Ir.vextend_low_s, Lanes.i64x2),
  "v128.load32x2_u": loadExtend(Ir.vextend_low_u, Lanes.i64x2),
  "v128.load8_splat": loadSplat(Ir.load8_u, I32, Lanes.i8x16),
  "v128.load16_splat": loadSplat(Ir.load16_u, I32, Lanes.i16x8),
  "v128.load32_splat": loadSplat(Ir.load, I32, Lanes.i32x4),
  "v128.load64_splat": loadSplat(Ir.load, I64, Lanes.i64x2),
  "v128.store": store(Ir.store, 16),
  "v128.const": v128Const,
  "i8x16.shuffle": shuffle,
  "i8x16.swizzle": binary(Ir.vswizzle, NO_SHAPE),
  "i8x16.splat": splat(Lanes.i8x16),
  "i16x8.splat": splat(Lanes.i16x8),
  "i32x4.splat": splat(Lanes.i32x4),
  "i64x2.splat": splat(Lanes.i64x2),
  "f32x4.splat": splat(Lanes.f32x4),
  "f64x2.splat": splat(Lanes.f64x2),
  "i8x16.extract_lane_s": extractSigned(Lanes.i8x16, Ir.sext8),
  "i8x16.extract_lane_u": extract(Lanes.i8x16),
  "i8x16.replace_lane": replace(Lanes.i8x16),
  "i16x8.extract_lane_s": extractSigned(Lanes.i16x8, Ir.sext16),
  "i16x8.extract_lane_u": extract(Lanes.i16x8),
  "i16x8.replace_lane": replace(Lanes.i16x8),
  "i32x4.extract_lane": extract(Lanes.i32x4),
  "i32x4.replace_lane": replace(Lanes.i32x4),
  "i64x2.extract_lane": extract(Lanes.i64x2),
  "i64x2.replace_lane": replace(Lanes.i64x2),
  "f32x4.extract_lane": extract(Lanes.f32x4),
  "f32x4.replace_lane": replace(Lanes.f32x4),
  "f64x2.extract_lane": extract(Lanes.f64x2),
  "f64x2.replace_lane": replace(Lanes.f64x2),
  "i8x16.eq": compare(Ir.vicmp, Lanes.i8x16, IntCond.eq),
  "i8x16.ne": compare(Ir.vicmp, Lanes.i8x16, IntCond.ne),
  "i8x16.lt_s": compare(Ir.vicmp, Lanes.i8x16, IntCond.slt),
  "i8x16.lt_u": compare(Ir.vicmp, Lanes.i8x16, IntCond.ult),
  "i8x16.gt_s": compare(Ir.vicmp, Lanes.i8x16, IntCond.sgt),
  "i8x16.gt_u": compare(Ir.vicmp, Lanes.i8x16, IntCond.ugt),
  "i8x16.le_s": compare(Ir.vicmp, Lanes.i8x16, IntCond.sle),
  "i8x16.le_u": compare(Ir.vicmp, Lanes.i8x16, IntCond.ule),
  "i8x16.ge_s": compare(Ir.vicmp, Lanes.i8x16, IntCond.sge),
  "i8x16.ge_u": compare(Ir.vicmp, Lanes.i8x16, IntCond.uge),
  "i16x8.eq": compare(Ir.vicmp, Lanes.i16x8, IntCond.eq),
  "i16x8.ne": compare(Ir.vicmp, Lanes.i16x8, IntCond.ne),
  "i16x8.lt_s": compare(Ir.vicmp, Lanes.i16x8, IntCond.slt),
  "i16x8.lt_u": compare(Ir.vicmp, Lanes.i16x8, IntCond.ult),
  "i16x8.gt_s": compare(Ir.vicmp, Lanes.i16x8, IntCond.sgt),
  "i16x8.gt_u": compare(Ir.vicmp, Lanes.i16x8, IntCond.ugt),
  "i16x8.le_s": compare(Ir.vicmp, Lanes.i16x8, IntCond.sle),
  "i16x8.le_u": compare(Ir.vicmp, Lanes.i16x8, IntCond.ule),
  "i16x8.ge_s": compare(Ir.vicmp, Lanes.i16x8, IntCond.sge),
  "i16x8.ge_u": compare(Ir.vicmp, Lanes.i16x8, IntCond.uge),
  "i32x4.eq": compare(Ir.vicmp, Lanes.i32x4, IntCond.eq),
  "i32x4.ne": compare(Ir.vicmp, Lanes.i32x4, IntCond.ne),
  "i32x4.lt_s": compare(Ir.vicmp, Lanes.i32x4, IntCond.slt),
  "i32x4.lt_u": compare(Ir.vicmp, Lanes.i32x4, IntCond.ult),
  "i32x4.gt_s": compare(Ir.vicmp, Lanes.i32x4, IntCond.sgt),
  "i32x4.gt_u": compare(Ir.vicmp, Lanes.i32x4, IntCond.ugt),
  "i32x4.le_s": compare(Ir.vicmp, Lanes.i32x4, IntCond.sle),
  "i32x4.le_u": compare(Ir.vicmp, Lanes.i32x4, IntCond.ule),
  "i32x4.ge_s": compare(Ir.vicmp, Lanes.i32x4, IntCond.sge),
  "i32x4.ge_u": compare(Ir.vicmp, Lanes.i32x4, IntCond.uge),
  "f32x4.eq": compare(Ir.vfcmp, Lanes.f32x4, FloatCond.eq),
  "f32x4.ne": compare(Ir.vfcmp, Lanes.f32x4, FloatCond.ne),
  "f32x4.lt": compare(Ir.vfcmp, Lanes.f32x4, FloatCond.lt),
  "f32x4.gt": compare(Ir.vfcmp, Lanes.f32x4, FloatCond.gt),
  "f32x4.le": compare(Ir.vfcmp, Lanes.f32x4, FloatCond.le),
  "f32x4.ge": compare(Ir.vfcmp, Lanes.f32x4, FloatCond.ge),
  "f64x2.eq": compare(Ir.vfcmp, Lanes.f64x2, FloatCond.eq),
  "f64x2.ne": compare(Ir.vfcmp, Lanes.f64x2, FloatCond.ne),
  "f64x2.lt": compare(Ir.vfcmp, Lanes.f64x2, FloatCond.lt),
  "f64x2.gt": compare(Ir.vfcmp, Lanes.f64x2, FloatCond.gt),
  "f64x2.le": compare(Ir.vfcmp, Lanes.f64x2, FloatCond.le),
  "f64x2.ge": compare(Ir.vfcmp, Lanes.f64x2, FloatCond.ge),
  "v128.not": not,
  "v128.and": binary(Ir.vand, NO_SHAPE),
  "v128.andnot": binary(Ir.vandn, NO_SHAPE),
  "v128.or": binary(Ir.vor, NO_SHAPE),
  "v128.xor": binary(Ir.vxor, NO_SHAPE),
  "v128.bitselect": bitselect,
  "v128.any_true": test(Ir.vany_true, NO_SHAPE),
  "v128.load8_lane": loadLane(Ir.load8_u, I32, Lanes.i8x16),
  "v128.load16_lane": loadLane(Ir.load16_u, I32, Lanes.i16x8),
  "v128.load32_lane": loadLane(Ir.load, I32, Lanes.i32x4),
  "v128.load64_lane": loadLane(Ir.load, I64, Lanes.i64x2),
  "v128.store8_lane": storeLane(Ir.store8, I32, Lanes.i8x16),
  "v128.store16_lane": storeLane(Ir.store16, I32, Lanes.i16x8),
  "v128.store32_lane": storeLane(Ir.store, I32, Lanes.i32x4),
  "v128.store64_lane": storeLane(Ir.store, I64, Lanes.i64x2),
  "v128.load32_zero": loadZero(I32, Lanes.i32x4),
  "v128.load64_zero": loadZero(I64, Lanes.i64x2),
  "f32x4.demote_f64x2_zero": unary(Ir.vdemote, NO_SHAPE),
  "f64x2.promote_low_f32x4": unary(Ir.vpromote, NO_SHAPE),
  "i8x16.abs": unary(Ir.viabs, Lanes.i8x16),
  "i8x16.neg": unary(Ir.vineg, Lanes.i8x16),
  "i8x16.popcnt": unary(Ir.vpopcnt, Lanes.i8x16),
  "i8x16.all_true": test(Ir.vall_true, Lanes.i8x16),
  "i8x16.bitmask": test(Ir.vbitmask, Lanes.i8x16),
  "i8x16.narrow_i16x8_s": binary(Ir.vnarrow_s, Lanes.i8x16),
  "i8x16.narrow_i16x8_u": binary(Ir.vnarrow_u, Lanes.i8x16),
  "f32x4.ceil": unary(Ir.vfceil, Lanes.f32x4),
  "f32x4.floor": unary(Ir.vffloor, Lanes.f32x4),
  "f32x4.trunc": unary(Ir.vftrunc, Lanes.f32x4),
  "f32x4.nearest": unary(Ir.vfnearest, Lanes.f32x4),
  "i8x16.shl": binary(Ir.vishl, Lanes.i8x16),
  "i8x16.shr_s": binary(Ir.vsshr, Lanes.i8x16),
  "i8x16.shr_u": binary(Ir.vushr, Lanes.i8x16),
  "i8x16.add": binary(Ir.viadd, Lanes.i8x16),
  "i8x16.add_sat_s": binary(Ir.vadd_sat_s, Lanes.i8x16),
  "i8x16.add_sat_u": binary(Ir.vadd_sat_u, Lanes.i8x16),
  "i8x16.sub": binary(Ir.visub, Lanes.i8x16),
  "i8x16.sub_sat_s": binary(Ir.vsub_sat_s, Lanes.i8x16),
  "i8x16.sub_sat_u": binary(Ir.vsub_sat_u, Lanes.i8x16),
  "f64x2.ceil": unary(Ir.vfceil, Lanes.f64x2),
  "f64x2.floor": unary(Ir.vffloor, Lanes.f64x2),
  "i8x16.min_s": binary(Ir.vmin_s, Lanes.i8x16),
  "i8x16.min_u": binary(Ir.vmin_u, Lanes.i8x16),
  "i8x16.max_s": binary(Ir.vmax_s, Lanes.i8x16),
  "i8x16.max_u": binary(Ir.vmax_u, Lanes.i8x16),
  "f64x2.trunc": unary(Ir.vftrunc, Lanes.f64x2),
  "i8x16.avgr_u": binary(Ir.vavgr_u, Lanes.i8x16),
  "i16x8.extadd_pairwise_i8x16_s": unary(Ir.vextadd_s, Lanes.i16x8),
  "i16x8.extadd_pairwise_i8x16_u": unary(Ir.vextadd_u, Lanes.i16x8),
  "i32x4.extadd_pairwise_i16x8_s": unary(Ir.vextadd_s, Lanes.i32x4),
  "i32x4.extadd_pairwise_i16x8_u": unary(Ir.vextadd_u, Lanes.i32x4),
  "i16x8.abs": unary(Ir.viabs, Lanes.i16x8),
  "i16x8.neg": unary(Ir.vineg, Lanes.i16x8),
  "i16x8.q15mulr_sat_s": binary(Ir.vq15mulr, Lanes.i16x8),
  "i16x8.all_true": test(Ir.vall_true, Lanes.i16x8),
  "i16x8.bitmask": test(Ir.vbitmask, Lanes.i16x8),
  "i16x8.narrow_i32x4_s": binary(Ir.vnarrow_s, Lanes.i16x8),
  "i16x8.narrow_i32x4_u": binary(Ir.vnarrow_u, Lanes.i16x8),
  "i16x8.extend_low_i8x16_s": unary(Ir.vextend_low_s, Lanes.i16x8),
  "i16x8.extend_high_i8x16_s": unary(Ir.vextend_high_s, Lanes.i16x8),
  "i16x8.extend_low_i8x16_u": unary(Ir.vextend_low_u, Lanes.i16x8),
  "i16x8.extend_high_i8x16_u": unary(Ir.vextend_high_u, Lanes.i16x8),
  "i16x8.shl": binary(Ir.vishl, Lanes.i16x8),
  "i16x8.shr_s": binary(Ir.vsshr, Lanes.i16x8),
  "i16x8.shr_u": binary(Ir.vushr, Lanes.i16x8),
  "i16x8.add": binary(Ir.viadd, Lanes.i16x8),
  "i16x8.add_sat_s": binary(Ir.vadd_sat_s, Lanes.i16x8),
  "i16x8.add_sat_u": binary(Ir.vadd_sat_u, Lanes.i16x8),
  "i16x8.sub": binary(Ir.visub, Lanes.i16x8),
  "i16x8.sub_sat_s": binary(Ir.vsub_sat_s, Lanes.i16x8),
  "i16x8.sub_sat_u": binary(Ir.vsub_sat_u, Lanes.i16x8),
  "f64x2.nearest": unary(Ir.vfnearest, Lanes.f64x2),
  "i16x8.mul": binary(Ir.vimul, Lanes.i16x8),
  "i16x8.min_s": binary(Ir.vmin_s, Lanes.i16x8),
  "i16x8.min_u": binary(Ir.vmin_u, Lanes.i16x8),
  "i16x8.max_s": binary(Ir.vmax_s, Lanes.i16x8),
  "i16x8.max_u": binary(Ir.vmax_u, Lanes.i16x8),
  "i16x8.avgr_u": binary(Ir.vavgr_u, Lanes.i16x8),
  "i16x8.extmul_low_i8x16_s": binary(Ir.vextmul_low_s, Lanes.i16x8),
  "i16x8.extmul_high_i8x16_s": binary(Ir.vextmul_high_s, Lanes.i16x8),
  "i16x8.extmul_low_i8x16_u": binary(Ir.vextmul_low_u, Lanes.i16x8),
  "i16x8.extmul_high_i8x16_u": binary(Ir.vextmul_high_u, Lanes.i16x8),
  "i32x4.abs": unary(Ir.viabs, Lanes.i32x4),
  "i32x4.neg": unary(Ir.vineg, Lanes.i32x4),
  "i32x4.all_true": test(Ir.vall_true, Lanes.i32x4),
  "i32x4.bitmask": test(Ir.vbitmask, Lanes.i32x4),
  "i32x4.extend_low_i16x8_s": unary(Ir.vextend_low_s, Lanes.i32x4),
  "i32x4.extend_high_i16x8_s": unary(Ir.vextend_high_s, Lanes.i32x4),
  "i32x4.extend_low_i16x8_u": unary(Ir.vextend_low_u, Lanes.i32x4),
  "i32x4.extend_high_i16x8_u": unary(Ir.vextend_high_u, Lanes.i32x4),
  "i32x4.shl": binary(Ir.vishl, Lanes.i32x4),
  "i32x4.shr_s": binary(Ir.vsshr, Lanes.i32x4),
  "i32x4.shr_u": binary(Ir.vushr, Lanes.i32x4),
  "i32x4.add": binary(Ir.viadd, Lanes.i32x4),
  "i32x4.sub": binary(Ir.visub, Lanes.i32x4),
  "i32x4.mul": binary(Ir.vimul, Lanes.i32x4),
  "i32x4.min_s": binary(Ir.vmin_s, Lanes.i32x4),
  "i32x4.min_u": binary(Ir.vmin_u, Lanes.i32x4),
  "i32x4.max_s": binary(Ir.vmax_s, Lanes.i32x4),
  "i32x4.max_u": binary(Ir.vmax_u, Lanes.i32x4),
  "i32x4.dot_i16x8_s": binary(Ir.vdot, Lanes.i32x4),
  "i32x4.extmul_low_i16x8_s": binary(Ir.vextmul_low_s, Lanes.i32x4),
  "i32x4.extmul_high_i16x8_s": binary(Ir.vextmul_high_s, Lanes.i32x4),
  "i32x4.extmul_low_i16x8_u": binary(Ir.vextmul_low_u, Lanes.i32x4),
  "i32x4.extmul_high_i16x8_u": binary(Ir.vextmul_high_u, Lanes.i32x4),
  "i64x2.abs": unary(Ir.viabs, Lanes.i64x2),
  "i64x2.neg": unary(Ir.vineg, Lanes.i64x2),
  "i64x2.all_true": test(Ir.vall_true, Lanes.i64x2),
  "i64x2.bitmask": test(Ir.vbitmask, Lanes.i64x2),
  "i64x2.extend_low_i32x4_s": unary(Ir.vextend_low_s, Lanes.i64x2),
  "i64x2.extend_high_i32x4_s": unary(Ir.vextend_high_s, Lanes.i64x2),
  "i64x2.extend_low_i32x4_u": unary(Ir.vextend_low_u, Lanes.i64x2),
  "i64x2.extend_high_i32x4_u": unary(Ir.vextend_high_u, Lanes.i64x2),
  "i64x2.shl": binary(Ir.vishl, Lanes.i64x2),
  "i64x2.shr_s": binary(Ir.vsshr, Lanes.i64x2),
  "i64x2.shr_u": binary(Ir.vushr, Lanes.i64x2),
  "i64x2.add": binary(Ir.viadd, Lanes.i64x2),
  "i64x2.sub": binary(Ir.visub, Lanes.i64x2),
  "i64x2.mul": binary(Ir.vimul, Lanes.i64x2),
  "i64x2.eq": compare(Ir.vicmp, Lanes.i64x2, IntCond.eq),
  "i64x2.ne": compare(Ir.vicmp, Lanes.i64x2, IntCond.ne),
  "i64x2.lt_s": compare(Ir.vicmp, Lanes.i64x2, IntCond.slt),
  "i64x2.gt_s": compare(Ir.vicmp, Lanes.i64x2, IntCond.sgt),
  "i64x2.le_s": compare(Ir.vicmp, Lanes.i64x2, IntCond.sle),
  "i64x2.ge_s": compare(Ir.vicmp, Lanes.i64x2, IntCond.sge),
  "i64x2.extmul_low_i32x4_s": binary(Ir.vextmul_low_s, Lanes.i64x2),
  "i64x2.extmul_high_i32x4_s": binary(Ir.vextmul_high_s, Lanes.i64x2),
  "i64x2.extmul_low_i32x4_u": binary(Ir.vextmul_low_u, Lanes.i64x2),
  "i64x2.extmul_high_i32x4_u": binary(Ir.vextmul_high_u, Lanes.i64x2),
  "f32x4.abs": unary(Ir.vfabs, Lanes.f32x4),
  "f32x4.neg": unary(Ir.vfneg, Lanes.f32x4),
  "f32x4.sqrt": unary(Ir.vfsqrt, Lanes.f32x4),
  "f32x4.add": binary(Ir.vfadd, Lanes.f32x4),
  "f32x4.sub": binary(Ir.vfsub, Lanes.f32x4),
  "f32x4.mul": binary(Ir.vfmul, Lanes.f32x4),
  "f32x4.div": binary(Ir.vfdiv, Lanes.f32x4),
  "f32x4.min": binary(Ir.vfmin, Lanes.f32x4),
  "f32x4.max": binary(Ir.vfmax, Lanes.f32x4),
  "f32x4.pmin": binary(Ir.vfpmin, Lanes.f32x4),
  "f32x4.pmax": binary(Ir.vfpmax, Lanes.f32x4),
  "f64x2.abs": unary(Ir.vfabs, Lanes.f64x2),
  "f64x2.neg": unary(Ir.vfneg, Lanes.f64x2),
  "f64x2.sqrt": unary(Ir.vfsqrt, Lanes.f64x2),
  "f64x2.add": binary(Ir.vfadd, Lanes.f64x2),
  "f64x2.sub": binary(Ir.vfsub, Lanes.f64x2),
  "f64x2.mul": binary(Ir.vfmul, Lanes.f64x2),
  "f64x2.div": binary(Ir.vfdiv, Lanes.f64x2),
  "f64x2.min": binary(Ir.vfmin, Lanes.f64x2),
  "f64x2.max": binary(Ir.vfmax, Lanes.f64x2),
  "f64x2.pmin": binary(Ir.vfpmin, Lanes.f64x2),
  "f64x2.pmax": binary(Ir.vfpmax, Lanes.f64x2),
  "i32x4.trunc_sat_f32x4_s": unary(Ir.vtrunc_sat_s, Lanes.f32x4),
  "i32x4.trunc_sat_f32x4_u": unary(Ir.vtrunc_sat_u, Lanes.f32x4),
  "f32x4.convert_i32x4_s": unary(Ir.vcvt_from_sint, Lanes.f32x4),
  "f32x4.convert_i32x4_u": unary(Ir.vcvt_from_uint, Lanes.f32x4),
  "i32x4.trunc_sat_f64x2_s_zero": unary(Ir.vtrunc_sat_s, Lanes.f64x2),
  "i32x4.trunc_sat_f64x2_u_zero": unary(Ir.vtrunc_sat_u, Lanes.f64x2),
  "f64x2.convert_low_i32x4_s": unary(Ir.vcvt_from_sint, Lanes.f64x2),
  "f64x2.convert_low_i32x4_u": unary(Ir.vcvt_from_uint, Lanes.f64x2),
  // Relaxed vectors
  "i8x16.relaxed_swizzle": binary(Ir.vswizzle, NO_SHAPE),
  "i32x4.relaxed_trunc_f32x4_s": unary(Ir.vtrunc_sat_s, Lanes.f32x4),
  "i32x4.relaxed_trunc_f32x4_u": unary(Ir.vtrunc_sat_u, Lanes.f32x4),
  "i32x4.relaxed_trunc_f64x2_s_zero": unary(Ir.vtrunc_sat_s, Lanes.f64x2),
  "i32x4.relaxed_trunc_f64x2_u_zero": unary(Ir.vtrunc_sat_u, Lanes.f64x2),
  "f32x4.relaxed_madd": relaxedMultiplyAdd(Lanes.f32x4),
  "f32x4.relaxed_nmadd": relaxedNegatedMultiplyAdd(Lanes.f32x4),
  "f64x2.relaxed_madd": relaxedMultiplyAdd(Lanes.f64x2),
  "f64x2.relaxed_nmadd": relaxedNegatedMultiplyAdd(Lanes.f64x2),
  "i8x16.relaxed_laneselect": bitselect,
  "i16x8.relaxed_laneselect": bitselect,
  "i32x4.relaxed_laneselect": bitselect,
  "i64x2.relaxed_laneselect": bitselect,
  "f32x4.relaxed_min": binary(Ir.vfmin, Lanes.f32x4),
  "f32x4.relaxed_max": binary(Ir.vfmax, Lanes.f32x4),
  "f64x2.relaxed_min": binary(Ir.vfmin, Lanes.f64x2),
  "f64x2.relaxed_max": binary(Ir.vfmax, Lanes.f64x2),
  "i16x8.relaxed_q15mulr_s": binary(Ir.vq15mulr, Lanes.i16x8),
  "i16x8.relaxed_dot_i8x16_i7x16_s": relaxedDot,
  "i32x4.relaxed_dot_i8x16_i7x16_add_s": relaxedDotAdd,
};
