/**
 * Selection of integer vector arithmetic, bitwise operations, comparisons, shifts and tests.
 *
 * x64 has no shifts of bytes, no 64-bit products, no unsigned and few non-strict comparisons: the sequences for them are those that
 * compilers agree on, one virtual register an intermediate result, so that the allocator and not the sequence says where they live.
 */

import { NONE } from "../../base/mod.ts";
import { I32, IntCond, Ir, Lanes } from "../../ir/mod.ts";
import { COND } from "../../x64/mod.ts";
import { type Inst, Shape, Tail } from "../vcode.ts";
import * as F from "./forms.ts";
import { type Rule, type RuleList, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";
import {
  bin,
  binMemory,
  binWord,
  binWords,
  type ByShape,
  commutative,
  fromInteger,
  hasSse42,
  isPoolVector,
  matchVector,
  ones,
  ordered,
  shiftImm,
  single,
  toInteger,
  unImm,
  useRight,
  zeros,
} from "./vector_build.ts";
import * as P from "./vector_forms.ts";

const byShape = (forms: readonly P.Packed[]): ByShape => (c, v) => forms[c.imm[v]];
const always = (form: P.Packed): ByShape => () => form;

// Bitwise.

const BITSELECT = ruleList({
  "vbitselect.const": (c, v) => {
    const mask = c.c[v];
    if (!isPoolVector(c, mask)) return false;
    const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
    const { b: w0, c: w1, imm: w2, aux: w3 } = c;
    matchVector(c, mask);
    const chosen = binMemory(c, P.PAND, a);
    const other = binWords(c, P.PAND, b, [~w0[mask], ~w1[mask], ~w2[mask], ~w3[mask]]);
    bin(c, P.POR, chosen, other, c.own(v));
    return true;
  },
  "vbitselect": (c, v) => {
    const a = c.reg(c.a[v]), b = c.reg(c.b[v]), mask = c.reg(c.c[v]);
    const chosen = bin(c, P.PAND, a, mask);
    const other = bin(c, P.PANDN, mask, b);
    bin(c, P.POR, chosen, other, c.own(v));
    return true;
  },
});

// Tests: ptest sets ZF when the operands have no bit in common.

function beginTest(c: Selector, x: number): Inst {
  const { code } = c;
  const i = code.begin(Shape.rm, P.PTEST);
  code.regOp[i] = code.use(x);
  code.rmOp[i] = code.regOp[i];
  return i;
}

/** Begins the instruction that sets the flags of test `v`, and leaves the condition. */
const TEST_FLAGS = ruleList({
  // ptest x, y: the conjunction is what it looks at.
  "vany_true.and": (c, v) => {
    const x = c.a[v];
    if (c.op[v] !== Ir.vany_true || c.op[x] !== Ir.vand || !c.single(x) || !c.near(x)) return false;
    const k = c.b[x];
    c.cond = COND.NE;
    const a = c.reg(c.a[x]);
    if (isPoolVector(c, k)) {
      matchVector(c, k);
      const i = c.code.begin(Shape.rm, P.PTEST);
      c.code.regOp[i] = c.code.use(a);
      c.attachAddress(i);
    } else {
      const b = c.reg(k);
      const i = c.code.begin(Shape.rm, P.PTEST);
      c.code.regOp[i] = c.code.use(a);
      c.code.rmOp[i] = useRight(c, b);
    }
    return true;
  },
  "vany_true": (c, v) => {
    if (c.op[v] !== Ir.vany_true) return false;
    const x = c.reg(c.a[v]);
    c.cond = COND.NE;
    beginTest(c, x);
    return true;
  },
  "vall_true": (c, v) => {
    const x = c.reg(c.a[v]);
    const isZero = bin(c, P.PCMPEQ[c.imm[v]], x, zeros(c));
    c.cond = COND.E;
    beginTest(c, isZero);
    return true;
  },
});

/** The condition "test `v` is true", for a test that nobody else asks for: true if `v` is one. */
export function beginVectorTest(c: Selector, v: number): boolean {
  if (c.op[v] !== Ir.vany_true && c.op[v] !== Ir.vall_true || !c.single(v) || !c.near(v)) return false;
  c.apply(TEST_FLAGS, v);
  return true;
}

const testValue: Rule = (c, v) => {
  c.apply(TEST_FLAGS, v);
  const { code } = c;
  const i = code.count - 1 as Inst;
  code.tail[i] = Tail.setcc;
  code.cond[i] = c.cond;
  code.tailDef[i] = code.def(c.own(v));
  return true;
};

const BITMASK = ruleList({
  "vbitmask.16": (c, v) => {
    if (c.imm[v] !== Lanes.i16x8) return false;
    const x = c.reg(c.a[v]);
    const bytes = bin(c, P.PACKS[Lanes.i8x16], x, zeros(c));
    toInteger(c, P.PMOVMSKB, bytes, c.own(v));
    return true;
  },
  "vbitmask": (c, v) => {
    const x = c.reg(c.a[v]);
    const shape = c.imm[v];
    toInteger(c, shape === Lanes.i8x16 ? P.PMOVMSKB : P.MOVMSK[shape - Lanes.i32x4], x, c.own(v));
    return true;
  },
});

// Arithmetic.

// Products of the lower halves, plus the two mixed products shifted up; the upper product leaves the lane.
const mul64: Rule = (c, v) => {
  const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
  const first = bin(c, P.PMULUDQ, shiftImm(c, P.PSRL_IMM[Lanes.i64x2], a, 32), b);
  const second = bin(c, P.PMULUDQ, shiftImm(c, P.PSRL_IMM[Lanes.i64x2], b, 32), a);
  const mixed = shiftImm(c, P.PSLL_IMM[Lanes.i64x2], bin(c, P.PADD[Lanes.i64x2], first, second), 32);
  bin(c, P.PADD[Lanes.i64x2], bin(c, P.PMULUDQ, a, b), mixed, c.own(v));
  return true;
};

const MUL_FORMS = [P.PMULLW, P.PMULLW, P.PMULLD];
const only64 = (rule: Rule): Rule => (c, v) => c.imm[v] === Lanes.i64x2 && rule(c, v);

/** Rules before those of another list. */
function preceded(rules: Record<string, Rule>, rest: RuleList): RuleList {
  const name = Object.keys(rules)[0].split(".")[0];
  return ruleList({
    ...rules,
    [`${name}.packed`]: (c, v) => {
      c.apply(rest, v);
      return true;
    },
  });
}

const NEG: Rule = (c, v) => {
  const x = c.reg(c.a[v]);
  bin(c, P.PSUB[c.imm[v]], zeros(c), x, c.own(v));
  return true;
};

// x, inverted and plus one where it is negative.
const ABS64: Rule = (c, v) => {
  if (c.imm[v] !== Lanes.i64x2) return false;
  const x = c.reg(c.a[v]);
  const sign = shiftImm(c, P.PSRA_IMM[Lanes.i32x4], unImm(c, P.PSHUFD, x, HIGH_DWORDS), 31);
  bin(c, P.PSUB[Lanes.i64x2], bin(c, P.PXOR, x, sign), sign, c.own(v));
  return true;
};
/** pshufd: dwords 1, 1, 3, 3. */
const HIGH_DWORDS = 0xf5;

// Set bits of the nibbles 0 to 15, looked up by pshufb for both nibbles of every byte (Muła).
const POPCNT: Rule = (c, v) => {
  const x = c.reg(c.a[v]);
  const low = binWord(c, P.PAND, x, NIBBLES);
  const high = binWord(c, P.PAND, shiftImm(c, P.PSRL_IMM[Lanes.i16x8], x, 4), NIBBLES);
  const lows = bin(c, P.PSHUFB, c.vectorConstant(0x02010100, 0x03020201, 0x03020201, 0x04030302), low);
  const highs = bin(c, P.PSHUFB, c.vectorConstant(0x02010100, 0x03020201, 0x03020201, 0x04030302), high);
  bin(c, P.PADD[Lanes.i8x16], lows, highs, c.own(v));
  return true;
};
const NIBBLES = 0x0f0f0f0f;

// pmulhrsw gives -2^15 for the one product that must saturate, and for no other.
const Q15MULR: Rule = (c, v) => {
  const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
  const product = bin(c, P.PMULHRSW, a, b);
  const isMinimum = binWord(c, P.PCMPEQ[Lanes.i16x8], product, -0x7fff8000);
  bin(c, P.PXOR, product, isMinimum, c.own(v));
  return true;
};

// Comparisons.

const gt = (c: Selector, shape: number, a: number, b: number, dst?: number): number => {
  if (shape !== Lanes.i64x2 || hasSse42(c)) return bin(c, P.PCMPGT[shape], a, b, dst);
  // The upper dwords decide; where they are equal, the borrow of b - a.
  const borrow = bin(c, P.PSUB[Lanes.i64x2], b, a);
  const equal = bin(c, P.PCMPEQ[Lanes.i32x4], a, b);
  const greater = bin(c, P.PCMPGT[Lanes.i32x4], a, b);
  return unImm(c, P.PSHUFD, bin(c, P.POR, bin(c, P.PAND, borrow, equal), greater), HIGH_DWORDS, dst);
};
const not = (c: Selector, x: number, dst: number) => bin(c, P.PXOR, x, ones(c), dst);

// Non-strict and unsigned: a >= b when the maximum of both is a.
const EXTREME: Record<number, readonly P.Packed[]> = {
  [IntCond.sge]: P.PMAXS,
  [IntCond.sle]: P.PMINS,
  [IntCond.uge]: P.PMAXU,
  [IntCond.ule]: P.PMINU,
};

/** Pairs with the bits of the sign flipped in every lane, by shape. */
const SIGNS = [-0x7f7f7f80, -0x7fff8000, -0x80000000];

const ICMP = ruleList({
  "vicmp.eq": (c, v) => {
    if (c.aux[v] !== IntCond.eq) return false;
    c.apply(ICMP_EQ, v);
    return true;
  },
  "vicmp.sgt": (c, v) => {
    if (c.aux[v] !== IntCond.sgt || c.imm[v] === Lanes.i64x2 && !hasSse42(c)) return false;
    c.apply(ICMP_GT, v);
    return true;
  },
  "vicmp.slt": (c, v) => {
    if (c.aux[v] !== IntCond.slt) return false;
    const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
    gt(c, c.imm[v], b, a, c.own(v));
    return true;
  },
  "vicmp.ne": (c, v) => {
    if (c.aux[v] !== IntCond.ne) return false;
    const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
    not(c, bin(c, P.PCMPEQ[c.imm[v]], a, b), c.own(v));
    return true;
  },
  "vicmp.64": (c, v) => {
    if (c.imm[v] !== Lanes.i64x2) return false;
    const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
    if (c.aux[v] === IntCond.sgt) gt(c, Lanes.i64x2, a, b, c.own(v));
    else if (c.aux[v] === IntCond.sge) not(c, gt(c, Lanes.i64x2, b, a), c.own(v));
    else if (c.aux[v] === IntCond.sle) not(c, gt(c, Lanes.i64x2, a, b), c.own(v));
    else unsigned64(c, c.aux[v], a, b, c.own(v));
    return true;
  },
  "vicmp.extreme": (c, v) => {
    const forms = EXTREME[c.aux[v]];
    if (forms === undefined) return false;
    const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
    bin(c, P.PCMPEQ[c.imm[v]], bin(c, forms[c.imm[v]], a, b), a, c.own(v));
    return true;
  },
  // Strict unsigned with a constant: order of the signed numbers with flipped signs.
  "vicmp.unsigned_const": (c, v) => {
    const b = c.b[v];
    if (c.op[b] !== Ir.vconst) return false;
    const sign = SIGNS[c.imm[v]];
    const a = binWord(c, P.PXOR, c.reg(c.a[v]), sign);
    const words = [c.b[b] ^ sign, c.c[b] ^ sign, c.imm[b] ^ sign, c.aux[b] ^ sign] as const;
    if (c.aux[v] === IntCond.ugt) binWords(c, P.PCMPGT[c.imm[v]], a, words, c.own(v));
    else bin(c, P.PCMPGT[c.imm[v]], c.vectorConstant(...words), a, c.own(v));
    return true;
  },
  "vicmp.unsigned": (c, v) => {
    const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
    const forms = c.aux[v] === IntCond.ugt ? P.PMINU : P.PMAXU;
    not(c, bin(c, P.PCMPEQ[c.imm[v]], bin(c, forms[c.imm[v]], a, b), a), c.own(v));
    return true;
  },
});
const ICMP_EQ = commutative("vicmp.eq_packed", byShape(P.PCMPEQ));
const ICMP_GT = ordered("vicmp.gt_packed", byShape(P.PCMPGT));

// WebAssembly has no unsigned comparison of 64-bit lanes; passes may still make one.
function unsigned64(c: Selector, cond: number, a: number, b: number, dst: number): void {
  const signs = [0, -0x80000000, 0, -0x80000000] as const;
  const x = binWords(c, P.PXOR, a, signs), y = binWords(c, P.PXOR, b, signs);
  if (cond === IntCond.ugt) gt(c, Lanes.i64x2, x, y, dst);
  else if (cond === IntCond.ult) gt(c, Lanes.i64x2, y, x, dst);
  else not(c, cond === IntCond.uge ? gt(c, Lanes.i64x2, y, x) : gt(c, Lanes.i64x2, x, y), dst);
}

// Shifts. Counts are taken modulo the width here: the machine's are not.

function bitsOf(shape: number): number {
  return 8 << shape;
}

/** The constant count of shift `v`, or -1. */
function knownCount(c: Selector, v: number): number {
  return c.isConst(c.b[v]) ? c.imm[c.b[v]] & bitsOf(c.imm[v]) - 1 : -1;
}

/** The count of shift `v` in an integer register. */
function maskedCount(c: Selector, v: number): number {
  const count = c.temp(I32);
  c.twoAddressImmediate(F.AND.imm8[0], count, c.reg(c.b[v]), bitsOf(c.imm[v]) - 1);
  return count;
}

/** Eight bits more than `count`, in the low 64 bits of a vector register. */
function increasedCount(c: Selector, count: number): number {
  const increased = c.temp(I32);
  c.lea(F.LEA[0], increased, count, NONE, 0, 8);
  return fromInteger(c, 0, increased);
}

/** A byte in all sixteen places. */
function bytes(value: number): number {
  return Math.imul(value & 0xff, 0x01010101);
}

/** Bytes 0xff >> n, where `increased` holds n + 8. */
function lowBits(c: Selector, increased: number): number {
  const words = bin(c, P.PSRL[Lanes.i16x8], ones(c), increased);
  return bin(c, P.PACKUS[Lanes.i8x16], words, words);
}

const SHL = ruleList({
  "vishl.8_const": (c, v) => {
    const n = knownCount(c, v);
    if (c.imm[v] !== Lanes.i8x16 || n < 0) return false;
    const x = c.reg(c.a[v]);
    if (n === 1) bin(c, P.PADD[Lanes.i8x16], x, x, c.own(v));
    else binWord(c, P.PAND, shiftImm(c, P.PSLL_IMM[Lanes.i16x8], x, n), bytes(0xff << n), c.own(v));
    return true;
  },
  // What a word's shift would carry into the next byte is cut off before.
  "vishl.8": (c, v) => {
    if (c.imm[v] !== Lanes.i8x16) return false;
    const x = c.reg(c.a[v]);
    const count = maskedCount(c, v);
    const kept = bin(c, P.PAND, x, lowBits(c, increasedCount(c, count)));
    bin(c, P.PSLL[Lanes.i16x8], kept, fromInteger(c, 0, count), c.own(v));
    return true;
  },
  "vishl.const": (c, v) => shiftByConstant(c, v, P.PSLL_IMM),
  "vishl": (c, v) => shiftByRegister(c, v, P.PSLL),
});

const USHR = ruleList({
  "vushr.8_const": (c, v) => {
    const n = knownCount(c, v);
    if (c.imm[v] !== Lanes.i8x16 || n < 0) return false;
    const x = c.reg(c.a[v]);
    binWord(c, P.PAND, shiftImm(c, P.PSRL_IMM[Lanes.i16x8], x, n), bytes(0xff >> n), c.own(v));
    return true;
  },
  "vushr.8": (c, v) => {
    if (c.imm[v] !== Lanes.i8x16) return false;
    const x = c.reg(c.a[v]);
    const count = maskedCount(c, v);
    const shifted = bin(c, P.PSRL[Lanes.i16x8], x, fromInteger(c, 0, count));
    bin(c, P.PAND, shifted, lowBits(c, increasedCount(c, count)), c.own(v));
    return true;
  },
  "vushr.const": (c, v) => shiftByConstant(c, v, P.PSRL_IMM),
  "vushr": (c, v) => shiftByRegister(c, v, P.PSRL),
});

const SSHR = ruleList({
  // Unsigned, then the sign bit, which is now lower, is spread: (x ^ sign) - sign.
  "vsshr.8_const": (c, v) => {
    const n = knownCount(c, v);
    if (c.imm[v] !== Lanes.i8x16 || n < 0) return false;
    const x = c.reg(c.a[v]);
    const shifted = binWord(c, P.PAND, shiftImm(c, P.PSRL_IMM[Lanes.i16x8], x, n), bytes(0xff >> n));
    const sign = bytes(0x80 >> n);
    binWord(c, P.PSUB[Lanes.i8x16], binWord(c, P.PXOR, shifted, sign), sign, c.own(v));
    return true;
  },
  // Each byte in the upper half of a word: shifted by eight more than asked for.
  "vsshr.8": (c, v) => {
    if (c.imm[v] !== Lanes.i8x16) return false;
    const x = c.reg(c.a[v]);
    const count = increasedCount(c, maskedCount(c, v));
    const low = bin(c, P.PSRA[Lanes.i16x8], bin(c, P.PUNPCKL[Lanes.i8x16], x, x), count);
    const high = bin(c, P.PSRA[Lanes.i16x8], bin(c, P.PUNPCKH[Lanes.i8x16], x, x), count);
    bin(c, P.PACKS[Lanes.i8x16], low, high, c.own(v));
    return true;
  },
  "vsshr.64_const": (c, v) => {
    const n = knownCount(c, v);
    if (c.imm[v] !== Lanes.i64x2 || n < 0) return false;
    const x = c.reg(c.a[v]);
    const shifted = shiftImm(c, P.PSRL_IMM[Lanes.i64x2], x, n);
    const sign = n < 32
      ? [0, -0x80000000 >>> n, 0, -0x80000000 >>> n] as const
      : [1 << 63 - n, 0, 1 << 63 - n, 0] as const;
    binWords(c, P.PSUB[Lanes.i64x2], binWords(c, P.PXOR, shifted, sign), sign, c.own(v));
    return true;
  },
  "vsshr.64": (c, v) => {
    if (c.imm[v] !== Lanes.i64x2) return false;
    const x = c.reg(c.a[v]);
    const count = fromInteger(c, 0, maskedCount(c, v));
    const sign = bin(c, P.PSRL[Lanes.i64x2], c.vectorConstant(0, -0x80000000, 0, -0x80000000), count);
    const shifted = bin(c, P.PSRL[Lanes.i64x2], x, count);
    bin(c, P.PSUB[Lanes.i64x2], bin(c, P.PXOR, shifted, sign), sign, c.own(v));
    return true;
  },
  "vsshr.const": (c, v) => shiftByConstant(c, v, P.PSRA_IMM),
  "vsshr": (c, v) => shiftByRegister(c, v, P.PSRA),
});

function shiftByConstant(c: Selector, v: number, forms: readonly P.Packed[]): boolean {
  const n = knownCount(c, v);
  if (n < 0) return false;
  shiftImm(c, forms[c.imm[v]], c.reg(c.a[v]), n, c.own(v));
  return true;
}

function shiftByRegister(c: Selector, v: number, forms: readonly P.Packed[]): boolean {
  const x = c.reg(c.a[v]);
  const count = fromInteger(c, 0, maskedCount(c, v));
  bin(c, forms[c.imm[v]], x, count, c.own(v));
  return true;
}

export const VECTOR_INTEGER_RULES = {
  vand: commutative("vand", always(P.PAND)),
  // pandn inverts its first operand
  vandn: ruleList({
    "vandn": (c, v) => {
      const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
      bin(c, P.PANDN, b, a, c.own(v));
      return true;
    },
  }),
  vor: commutative("vor", always(P.POR)),
  vxor: commutative("vxor", always(P.PXOR)),
  vbitselect: BITSELECT,
  vany_true: ruleList({ "vany_true.setcc": testValue }),
  vall_true: ruleList({ "vall_true.setcc": testValue }),
  vbitmask: BITMASK,
  viadd: commutative("viadd", byShape(P.PADD)),
  visub: ordered("visub", byShape(P.PSUB)),
  vimul: preceded({ "vimul.64": only64(mul64) }, commutative("vimul", byShape(MUL_FORMS))),
  vineg: ruleList({ "vineg": NEG }),
  viabs: preceded({ "viabs.64": ABS64 }, single("viabs", byShape(P.PABS))),
  vpopcnt: ruleList({ "vpopcnt": POPCNT }),
  vadd_sat_s: commutative("vadd_sat_s", byShape(P.PADDS)),
  vadd_sat_u: commutative("vadd_sat_u", byShape(P.PADDUS)),
  vsub_sat_s: ordered("vsub_sat_s", byShape(P.PSUBS)),
  vsub_sat_u: ordered("vsub_sat_u", byShape(P.PSUBUS)),
  vmin_s: commutative("vmin_s", byShape(P.PMINS)),
  vmin_u: commutative("vmin_u", byShape(P.PMINU)),
  vmax_s: commutative("vmax_s", byShape(P.PMAXS)),
  vmax_u: commutative("vmax_u", byShape(P.PMAXU)),
  vavgr_u: commutative("vavgr_u", byShape(P.PAVG)),
  vq15mulr: ruleList({ "vq15mulr": Q15MULR }),
  vdot: commutative("vdot", always(P.PMADDWD)),
  vishl: SHL,
  vushr: USHR,
  vsshr: SSHR,
  vicmp: ICMP,
  vnarrow_s: ordered("vnarrow_s", byShape(P.PACKS)),
  vnarrow_u: ordered("vnarrow_u", byShape(P.PACKUS)),
} as const;
