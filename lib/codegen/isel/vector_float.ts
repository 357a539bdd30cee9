/**
 * Selection of float vector arithmetic and of conversions between integer and float vectors.
 *
 * minps and maxps answer their second operand when a comparison with NaN fails or both are zeros; WebAssembly's min and max are built of
 * both orders, its pseudo-minimum is minps itself with the operands exchanged. The truncations answer what they cannot represent with the
 * lowest integer, which the saturating sequences correct without a branch.
 */

import { FloatCond, Ir, Lanes } from "../../ir/mod.ts";
import { type Rule, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";
import {
  bin,
  binImm,
  binWord,
  binWords,
  type ByShape,
  commutative,
  ordered,
  shiftImm,
  single,
  un,
  unImm,
  zeros,
} from "./vector_build.ts";
import * as P from "./vector_forms.ts";

/** 0 for f32x4, 1 for f64x2. */
const wide = (c: Selector, v: number): number => c.imm[v] - Lanes.f32x4;
const byWidth = (forms: readonly P.Packed[]): ByShape => (c, v) => forms[wide(c, v)];

const SIGN = -0x80000000, MAGNITUDE = 0x7fffffff;
const signs = (w: number) => w === 0 ? [SIGN, SIGN, SIGN, SIGN] as const : [0, SIGN, 0, SIGN] as const;
const magnitudes = (w: number) =>
  w === 0 ? [MAGNITUDE, MAGNITUDE, MAGNITUDE, MAGNITUDE] as const : [-1, MAGNITUDE, -1, MAGNITUDE] as const;

// SDM 2, "CMPPS", immediate.
const EQUAL = 0, LESS = 1, LESS_OR_EQUAL = 2, UNORDERED = 3, NOT_EQUAL = 4;

/** `value` without the payload of NaNs: what is below the quiet bit goes in the lanes where `nan` has ones. */
function canonical(c: Selector, w: number, value: number, nan: number, dst: number): void {
  const payload = shiftImm(c, P.PSRL_IMM[w === 0 ? Lanes.i32x4 : Lanes.i64x2], nan, w === 0 ? 10 : 13);
  bin(c, P.ANDNPS, payload, value, dst);
}

// Both orders agree but for NaN and zeros of two signs: or keeps a NaN a NaN, and the minus.
const MIN: Rule = (c, v) => {
  const w = wide(c, v), a = c.reg(c.a[v]), b = c.reg(c.b[v]);
  const first = bin(c, P.PFMIN[w], a, b), second = bin(c, P.PFMIN[w], b, a);
  const either = bin(c, P.ORPS, first, second);
  const nan = binImm(c, P.PFCMP[w], second, either, UNORDERED);
  canonical(c, w, bin(c, P.ORPS, either, nan), nan, c.own(v));
  return true;
};

// Where the orders differ, the difference is a sign bit, which subtraction takes away again, or part of a NaN, which it makes quiet.
const MAX: Rule = (c, v) => {
  const w = wide(c, v), a = c.reg(c.a[v]), b = c.reg(c.b[v]);
  const first = bin(c, P.PFMAX[w], a, b), second = bin(c, P.PFMAX[w], b, a);
  const difference = bin(c, P.XORPS, second, first);
  const either = bin(c, P.ORPS, first, difference);
  const sum = bin(c, P.PFSUB[w], either, difference);
  canonical(c, w, sum, binImm(c, P.PFCMP[w], difference, sum, UNORDERED), c.own(v));
  return true;
};

/**
 * The extreme of x and a constant without NaN. The instruction answers x when the comparison fails: with a NaN, and with zeros, which are
 * equal. What is added makes a NaN quiet and changes nothing else: -0; or for the maximum with +0, which -0 must become: +0.
 */
const extremeOfConstant = (forms: readonly P.Packed[], extreme: "least" | "greatest"): Rule => (c, v) => {
  const k = c.b[v];
  if (c.op[k] !== Ir.vconst) return false;
  const w = wide(c, v);
  const words = [c.b[k], c.c[k], c.imm[k], c.aux[k]] as const;
  const addend = [0, 0, 0, 0] as [number, number, number, number];
  for (let top = w; top < 4; top += w + 1) {
    const rest = w === 0 ? 0 : words[top - 1];
    const isZero = (words[top] & MAGNITUDE | rest) === 0;
    const isNan = w === 0
      ? (words[top] & MAGNITUDE) > INFINITY_F32
      : (words[top] & MAGNITUDE) > INFINITY_F64_HIGH || (words[top] & MAGNITUDE) === INFINITY_F64_HIGH && rest !== 0;
    if (isNan || isZero && extreme === "least" && words[top] < 0) return false;
    addend[top] = isZero && extreme === "greatest" && words[top] >= 0 ? 0 : SIGN;
  }
  const x = c.reg(c.a[v]);
  const chosen = bin(c, forms[w], c.vectorConstant(words[0], words[1], words[2], words[3]), x);
  binWords(c, P.PFADD[w], chosen, addend, c.own(v));
  return true;
};
const INFINITY_F32 = 0x7f800000, INFINITY_F64_HIGH = 0x7ff00000;

const pseudo = (forms: readonly P.Packed[]): Rule => (c, v) => {
  const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
  bin(c, forms[wide(c, v)], b, a, c.own(v));
  return true;
};

function round(mode: number): Rule {
  return (c, v) => {
    unImm(c, P.PFROUND[wide(c, v)], c.reg(c.a[v]), mode | PRECISION_MASKED, c.own(v));
    return true;
  };
}
// SDM 2, "ROUNDPS", immediate.
const NEAREST = 0, DOWN = 1, UP = 2, TOWARDS_ZERO = 3, PRECISION_MASKED = 8;

const PREDICATE: Record<number, number> = {
  [FloatCond.eq]: EQUAL,
  [FloatCond.ne]: NOT_EQUAL,
  [FloatCond.lt]: LESS,
  [FloatCond.le]: LESS_OR_EQUAL,
  [FloatCond.gt]: LESS,
  [FloatCond.ge]: LESS_OR_EQUAL,
};

const FCMP = ruleList({
  "vfcmp": (c, v) => {
    const cond = c.aux[v];
    const isSwapped = cond === FloatCond.gt || cond === FloatCond.ge;
    const a = c.reg(isSwapped ? c.b[v] : c.a[v]), b = c.reg(isSwapped ? c.a[v] : c.b[v]);
    binImm(c, P.PFCMP[wide(c, v)], a, b, PREDICATE[cond], c.own(v));
    return true;
  },
});

// Conversions.

const TRUNC_S = ruleList({
  // NaN becomes zero; a result that is negative though its operand is not was too large, and is inverted.
  "vtrunc_sat_s.32": (c, v) => {
    if (c.imm[v] !== Lanes.f32x4) return false;
    const x = c.reg(c.a[v]);
    const isNumber = binImm(c, P.PFCMP[0], x, x, EQUAL);
    const number = bin(c, P.ANDPS, x, isNumber);
    const isPositive = bin(c, P.PXOR, isNumber, number);
    const integer = un(c, P.CVTTPS2DQ, number);
    const overflow = shiftImm(c, P.PSRA_IMM[Lanes.i32x4], bin(c, P.PAND, isPositive, integer), 31);
    bin(c, P.PXOR, integer, overflow, c.own(v));
    return true;
  },
  // 2^31 - 1 is a double: what is above becomes it, NaN zero, what is below is converted to the lowest integer by itself.
  "vtrunc_sat_s.64": (c, v) => {
    const x = c.reg(c.a[v]);
    const isNumber = binImm(c, P.PFCMP[1], x, x, EQUAL);
    const limit = binWords(c, P.ANDPS, isNumber, [-0x400000, 0x41dfffff, -0x400000, 0x41dfffff]);
    un(c, P.CVTTPD2DQ, bin(c, P.PFMIN[1], x, limit), c.own(v));
    return true;
  },
});

const TRUNC_U = ruleList({
  // In two parts: as far as a signed integer goes, and what is above 2^31, saturated to as much again.
  "vtrunc_sat_u.32": (c, v) => {
    if (c.imm[v] !== Lanes.f32x4) return false;
    const x = bin(c, P.PFMAX[0], c.reg(c.a[v]), zeros(c));
    const low = un(c, P.CVTTPS2DQ, x);
    const above = binWord(c, P.PFSUB[0], x, TWO_31_F32);
    const limit = c.vectorConstant(TWO_31_F32, TWO_31_F32, TWO_31_F32, TWO_31_F32);
    const overflow = binImm(c, P.PFCMP[0], limit, above, LESS_OR_EQUAL);
    const high = bin(c, P.PXOR, un(c, P.CVTTPS2DQ, above), overflow);
    bin(c, P.PADD[Lanes.i32x4], low, bin(c, P.PMAXS[Lanes.i32x4], high, zeros(c)), c.own(v));
    return true;
  },
  // Clamped, truncated, then the integer stands in the low bits of 2^52 + x.
  "vtrunc_sat_u.64": (c, v) => {
    const positive = bin(c, P.PFMAX[1], c.reg(c.a[v]), zeros(c));
    const clamped = binWords(c, P.PFMIN[1], positive, [-0x200000, 0x41efffff, -0x200000, 0x41efffff]);
    const integer = unImm(c, P.PFROUND[1], clamped, TOWARDS_ZERO | PRECISION_MASKED);
    const shifted = binWords(c, P.PFADD[1], integer, [0, TWO_52_HIGH, 0, TWO_52_HIGH]);
    binImm(c, P.SHUFPS, shifted, zeros(c), 0x88, c.own(v)); // dwords 0 and 2, then zeros
    return true;
  },
});
const TWO_31_F32 = 0x4f000000, TWO_52_HIGH = 0x43300000;

const FROM_UINT = ruleList({
  // The lower 16 bits are exact, the upper 16 too once halved (which makes them positive) and doubled: one rounding, in the sum.
  "vcvt_from_uint.32": (c, v) => {
    if (c.imm[v] !== Lanes.f32x4) return false;
    const x = c.reg(c.a[v]);
    const low = binImm(c, P.PBLENDW, zeros(c), x, 0x55);
    const high = shiftImm(c, P.PSRL_IMM[Lanes.i32x4], bin(c, P.PSUB[Lanes.i32x4], x, low), 1);
    const half = un(c, P.CVTDQ2PS, high);
    bin(c, P.PFADD[0], bin(c, P.PFADD[0], half, half), un(c, P.CVTDQ2PS, low), c.own(v));
    return true;
  },
  // The integer as the low bits of 2^52 + x, less 2^52.
  "vcvt_from_uint.64": (c, v) => {
    const x = c.reg(c.a[v]);
    const shifted = binWord(c, P.PUNPCKL[Lanes.i32x4], x, TWO_52_HIGH);
    binWords(c, P.PFSUB[1], shifted, [0, TWO_52_HIGH, 0, TWO_52_HIGH], c.own(v));
    return true;
  },
});

export const VECTOR_FLOAT_RULES = {
  vfadd: commutative("vfadd", byWidth(P.PFADD)),
  vfsub: ordered("vfsub", byWidth(P.PFSUB)),
  vfmul: commutative("vfmul", byWidth(P.PFMUL)),
  vfdiv: ordered("vfdiv", byWidth(P.PFDIV)),
  vfmin: ruleList({ "vfmin.const": extremeOfConstant(P.PFMIN, "least"), "vfmin": MIN }),
  vfmax: ruleList({ "vfmax.const": extremeOfConstant(P.PFMAX, "greatest"), "vfmax": MAX }),
  vfpmin: ruleList({ "vfpmin": pseudo(P.PFMIN) }),
  vfpmax: ruleList({ "vfpmax": pseudo(P.PFMAX) }),
  vfneg: ruleList({
    "vfneg": (c, v) => {
      binWords(c, P.XORPS, c.reg(c.a[v]), signs(wide(c, v)), c.own(v));
      return true;
    },
  }),
  vfabs: ruleList({
    "vfabs": (c, v) => {
      binWords(c, P.ANDPS, c.reg(c.a[v]), magnitudes(wide(c, v)), c.own(v));
      return true;
    },
  }),
  vfsqrt: single("vfsqrt", byWidth(P.PFSQRT)),
  vfceil: ruleList({ "vfceil": round(UP) }),
  vffloor: ruleList({ "vffloor": round(DOWN) }),
  vftrunc: ruleList({ "vftrunc": round(TOWARDS_ZERO) }),
  vfnearest: ruleList({ "vfnearest": round(NEAREST) }),
  vfcmp: FCMP,
  vtrunc_sat_s: TRUNC_S,
  vtrunc_sat_u: TRUNC_U,
  vcvt_from_sint: ruleList({
    "vcvt_from_sint": (c, v) => {
      un(c, c.imm[v] === Lanes.f32x4 ? P.CVTDQ2PS : P.CVTDQ2PD, c.reg(c.a[v]), c.own(v));
      return true;
    },
  }),
  vcvt_from_uint: FROM_UINT,
  vdemote: single("vdemote", () => P.CVTPD2PS),
  vpromote: ruleList({
    "vpromote": (c, v) => {
      un(c, P.CVTPS2PD, c.reg(c.a[v]), c.own(v));
      return true;
    },
  }),
} as const;
