/**
 * The vector operations of the reference interpreter, lane by lane, by definition. A v128 is its 128 bits as an unsigned bigint; so is a
 * lane, of its width.
 */

import {
  F32,
  F64,
  FLOAT_COND_NAMES,
  INT_COND_NAMES,
  type IrOpName,
  LANE_BYTES,
  LANE_TYPE,
  Lanes,
  unpackShuffle,
} from "../../../lib/ir/mod.ts";
import type { Val } from "./ir_machine.ts";

/** An instruction's columns that are no operands. */
export interface VectorColumns {
  readonly b: number;
  readonly c: number;
  readonly imm: number;
  readonly aux: number;
}

type VectorExec = (x: Val[], columns: VectorColumns) => Val;

const ALL = (1n << 128n) - 1n;
const bitsOf = (shape: number) => 8 * LANE_BYTES[shape];

function split(value: Val, shape: number): bigint[] {
  const bits = bitsOf(shape);
  return Array.from(
    { length: 128 / bits },
    (_, i) => BigInt.asUintN(bits, BigInt.asUintN(128, BigInt(value)) >> BigInt(i * bits)),
  );
}

function join(lanes: readonly bigint[], shape: number): bigint {
  const bits = bitsOf(shape);
  return lanes.reduce((sum, lane, i) => sum | BigInt.asUintN(bits, lane) << BigInt(i * bits), 0n);
}

const signed = (x: bigint, bits: number) => BigInt.asIntN(bits, x);

function lanes1(compute: (x: bigint, bits: number) => bigint): VectorExec {
  return ([a], { imm }) => join(split(a, imm).map((x) => compute(x, bitsOf(imm))), imm);
}

function lanes2(compute: (x: bigint, y: bigint, bits: number) => bigint): VectorExec {
  return ([a, b], { imm }) => {
    const right = split(b, imm);
    return join(split(a, imm).map((x, i) => compute(x, right[i], bitsOf(imm))), imm);
  };
}

const signed2 = (compute: (x: bigint, y: bigint, bits: number) => bigint) =>
  lanes2((x, y, bits) => compute(signed(x, bits), signed(y, bits), bits));

function clampSigned(x: bigint, bits: number): bigint {
  const limit = 1n << BigInt(bits - 1);
  return x < -limit ? -limit : x >= limit ? limit - 1n : x;
}
function clampUnsigned(x: bigint, bits: number): bigint {
  const limit = 1n << BigInt(bits);
  return x < 0n ? 0n : x >= limit ? limit - 1n : x;
}

function shift(compute: (x: bigint, count: bigint, bits: number) => bigint): VectorExec {
  return ([a, count], { imm }) => {
    const bits = bitsOf(imm);
    return join(split(a, imm).map((x) => compute(x, BigInt(Number(count) & bits - 1), bits)), imm);
  };
}

/** Lanes of half the width of `shape`, as what they mean. */
function narrow(value: Val, shape: number, isSigned: boolean): bigint[] {
  return split(value, shape - 1).map((x) => isSigned ? signed(x, bitsOf(shape - 1)) : x);
}

const extend = (isHigh: boolean, isSigned: boolean): VectorExec => ([a], { imm }) => {
  const lanes = narrow(a, imm, isSigned);
  return join(isHigh ? lanes.slice(lanes.length / 2) : lanes.slice(0, lanes.length / 2), imm);
};
const pairs = (isSigned: boolean): VectorExec => ([a], { imm }) => {
  const lanes = narrow(a, imm, isSigned);
  return join(lanes.filter((_, i) => i % 2 === 0).map((x, i) => x + lanes[2 * i + 1]), imm);
};
const product = (isHigh: boolean, isSigned: boolean): VectorExec => ([a, b], { imm }) => {
  const left = narrow(a, imm, isSigned), right = narrow(b, imm, isSigned);
  const half = left.length / 2, from = isHigh ? half : 0;
  return join(Array.from({ length: half }, (_, i) => left[from + i] * right[from + i]), imm);
};
const narrowing = (clamp: (x: bigint, bits: number) => bigint): VectorExec => ([a, b], { imm }) => {
  const wide = [...split(a, imm + 1), ...split(b, imm + 1)];
  return join(wide.map((x) => clamp(signed(x, bitsOf(imm + 1)), bitsOf(imm))), imm);
};

const SCRATCH = new DataView(new ArrayBuffer(8));

function toNumber(lane: bigint, shape: number): number {
  SCRATCH.setBigUint64(0, lane);
  return shape === Lanes.f32x4 ? SCRATCH.getFloat32(4) : SCRATCH.getFloat64(0);
}
function toBits(value: number, shape: number): bigint {
  if (shape === Lanes.f32x4) {
    SCRATCH.setFloat32(0, value);
    return BigInt(SCRATCH.getUint32(0));
  }
  SCRATCH.setFloat64(0, value);
  return SCRATCH.getBigUint64(0);
}

const float1 = (compute: (x: number) => number): VectorExec => ([a], { imm }) =>
  join(split(a, imm).map((x) => toBits(compute(toNumber(x, imm)), imm)), imm);
const float2 = (compute: (x: number, y: number) => number): VectorExec => ([a, b], { imm }) => {
  const right = split(b, imm);
  return join(split(a, imm).map((x, i) => toBits(compute(toNumber(x, imm), toNumber(right[i], imm)), imm)), imm);
};
/** One operand or the other, bit for bit. */
const choice = (takesRight: (x: number, y: number) => boolean): VectorExec => ([a, b], { imm }) => {
  const right = split(b, imm);
  const chosen = split(a, imm).map((x, i) => takesRight(toNumber(x, imm), toNumber(right[i], imm)) ? right[i] : x);
  return join(chosen, imm);
};

function nearest(x: number): number {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const low = Math.floor(x);
  const result = x - low === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
  return result === 0 ? (x < 0 || Object.is(x, -0) ? -0 : 0) : result;
}

const truncation = (low: number, high: number): VectorExec => ([a], { imm }) => {
  const integers = split(a, imm).map((x) => {
    const value = Math.trunc(toNumber(x, imm));
    return value !== value ? 0n : BigInt(Math.min(Math.max(value, low), high));
  });
  return join(integers, Lanes.i32x4);
};
const conversion = (isSigned: boolean): VectorExec => ([a], { imm }) => {
  const integers = split(a, Lanes.i32x4).slice(0, 16 / LANE_BYTES[imm]);
  return join(integers.map((x) => toBits(Number(isSigned ? signed(x, 32) : x), imm)), imm);
};

function intHolds(cond: number, x: bigint, y: bigint, bits: number): boolean {
  const name = INT_COND_NAMES[cond];
  const [p, q] = name.startsWith("s") ? [signed(x, bits), signed(y, bits)] : [x, y];
  if (name === "eq") return p === q;
  if (name === "ne") return p !== q;
  return { lt: p < q, le: p <= q, gt: p > q, ge: p >= q }[name.slice(1)]!;
}

function floatHolds(cond: number, x: number, y: number): boolean {
  return { eq: x === y, ne: x !== y, lt: x < y, gt: x > y, le: x <= y, ge: x >= y }[FLOAT_COND_NAMES[cond]];
}

/** The bits of a scalar. */
function scalarBits(value: Val, shape: number): bigint {
  return BigInt.asUintN(bitsOf(shape), BigInt(value));
}

/** The name of a vector operation. */
export type VectorOpName = Exclude<Extract<IrOpName, `v${string}`>, "vmctx" | "vmctx_addr">;

const EXEC: Record<VectorOpName, VectorExec> = {
  vconst: (_x, { b, c, imm, aux }) => join([b, c, imm, aux].map((word) => BigInt(word)), Lanes.i32x4),
  vsplat: ([a], { imm }) => join(Array(16 / LANE_BYTES[imm]).fill(scalarBits(a, imm)), imm),
  vzext: ([a], { imm }) => scalarBits(a, imm),
  vextract: ([a], { imm, aux }) => {
    const lane = split(a, imm)[aux];
    const type = LANE_TYPE[imm];
    if (LANE_BYTES[imm] === 8) return signed(lane, 64);
    return type === F32 ? Number(signed(lane, 32)) : type === F64 ? signed(lane, 64) : Number(signed(lane, 32));
  },
  vinsert: ([a, b], { imm, aux }) => join(split(a, imm).with(aux, scalarBits(b, imm)), imm),
  vshuffle: ([a, b], { c, imm, aux }) => {
    const lanes = new Uint8Array(16);
    unpackShuffle(c, imm, aux, lanes);
    const bytes = [...split(a, Lanes.i8x16), ...split(b, Lanes.i8x16)];
    return join(Array.from(lanes, (lane) => bytes[lane]), Lanes.i8x16);
  },
  vswizzle: ([a, b]) => {
    const bytes = split(a, Lanes.i8x16);
    return join(split(b, Lanes.i8x16).map((i) => bytes[Number(i)] ?? 0n), Lanes.i8x16);
  },
  vand: ([a, b]) => (a as bigint) & (b as bigint),
  vandn: ([a, b]) => (a as bigint) & (ALL ^ (b as bigint)),
  vor: ([a, b]) => (a as bigint) | (b as bigint),
  vxor: ([a, b]) => (a as bigint) ^ (b as bigint),
  vbitselect: ([a, b, c]) => ((a as bigint) & (c as bigint)) | ((b as bigint) & (ALL ^ (c as bigint))),
  vany_true: ([a]) => a === 0n ? 0 : 1,
  vall_true: ([a], { imm }) => split(a, imm).every((x) => x !== 0n) ? 1 : 0,
  vbitmask: ([a], { imm }) => split(a, imm).reduce((mask, x, i) => mask | Number(x >> BigInt(bitsOf(imm) - 1)) << i, 0),
  viadd: lanes2((x, y) => x + y),
  visub: lanes2((x, y) => x - y),
  vimul: lanes2((x, y) => x * y),
  vineg: lanes1((x) => -x),
  viabs: lanes1((x, bits) => signed(x, bits) < 0n ? -x : x),
  vpopcnt: lanes1((x) => BigInt(x.toString(2).replaceAll("0", "").length)),
  vadd_sat_s: signed2((x, y, bits) => clampSigned(x + y, bits)),
  vadd_sat_u: lanes2((x, y, bits) => clampUnsigned(x + y, bits)),
  vsub_sat_s: signed2((x, y, bits) => clampSigned(x - y, bits)),
  vsub_sat_u: lanes2((x, y, bits) => clampUnsigned(x - y, bits)),
  vmin_s: signed2((x, y) => x < y ? x : y),
  vmin_u: lanes2((x, y) => x < y ? x : y),
  vmax_s: signed2((x, y) => x > y ? x : y),
  vmax_u: lanes2((x, y) => x > y ? x : y),
  vavgr_u: lanes2((x, y) => x + y + 1n >> 1n),
  vq15mulr: signed2((x, y) => clampSigned(x * y + 0x4000n >> 15n, 16)),
  vdot: ([a, b], { imm }) => {
    const left = narrow(a, imm, true), right = narrow(b, imm, true);
    return join(
      Array.from({ length: 4 }, (_, i) => left[2 * i] * right[2 * i] + left[2 * i + 1] * right[2 * i + 1]),
      imm,
    );
  },
  vishl: shift((x, count) => x << count),
  vushr: shift((x, count) => x >> count),
  vsshr: shift((x, count, bits) => signed(x, bits) >> count),
  vicmp: (x, columns) => lanes2((p, q, bits) => intHolds(columns.aux, p, q, bits) ? -1n : 0n)(x, columns),
  vnarrow_s: narrowing(clampSigned),
  vnarrow_u: narrowing(clampUnsigned),
  vextend_low_s: extend(false, true),
  vextend_low_u: extend(false, false),
  vextend_high_s: extend(true, true),
  vextend_high_u: extend(true, false),
  vextadd_s: pairs(true),
  vextadd_u: pairs(false),
  vextmul_low_s: product(false, true),
  vextmul_low_u: product(false, false),
  vextmul_high_s: product(true, true),
  vextmul_high_u: product(true, false),
  vfadd: float2((x, y) => x + y),
  vfsub: float2((x, y) => x - y),
  vfmul: float2((x, y) => x * y),
  vfdiv: float2((x, y) => x / y),
  vfmin: float2(Math.min),
  vfmax: float2(Math.max),
  vfpmin: choice((x, y) => y < x),
  vfpmax: choice((x, y) => x < y),
  vfneg: lanes1((x, bits) => x ^ 1n << BigInt(bits - 1)),
  vfabs: lanes1((x, bits) => x & (1n << BigInt(bits - 1)) - 1n),
  vfsqrt: float1(Math.sqrt),
  vfceil: float1(Math.ceil),
  vffloor: float1(Math.floor),
  vftrunc: float1(Math.trunc),
  vfnearest: float1(nearest),
  vfcmp: ([a, b], { imm, aux }) => {
    const right = split(b, imm);
    return join(
      split(a, imm).map((x, i) => floatHolds(aux, toNumber(x, imm), toNumber(right[i], imm)) ? -1n : 0n),
      imm,
    );
  },
  vtrunc_sat_s: truncation(-(2 ** 31), 2 ** 31 - 1),
  vtrunc_sat_u: truncation(0, 2 ** 32 - 1),
  vcvt_from_sint: conversion(true),
  vcvt_from_uint: conversion(false),
  vdemote: ([a]) => join(split(a, Lanes.f64x2).map((x) => toBits(toNumber(x, Lanes.f64x2), Lanes.f32x4)), Lanes.f32x4),
  vpromote: ([a]) =>
    join(split(a, Lanes.f32x4).slice(0, 2).map((x) => toBits(toNumber(x, Lanes.f32x4), Lanes.f64x2)), Lanes.f64x2),
};

/** The vector operations: names, and what they do. */
export const VECTOR_OPS = Object.entries(EXEC) as readonly (readonly [VectorOpName, VectorExec])[];
