/**
 * Selection of what moves lanes: splats, extraction, insertion, shuffles, widening; and of lanes to memory.
 *
 * A shuffle is matched against the patterns that are one instruction (shuffle_patterns.ts), and is else one pshufb an operand, their
 * results combined. A load whose only use is to be splat, inserted or widened is the memory operand of the instruction that does it.
 */

import { Ir, LANE_BYTES, Lanes, unpackShuffle } from "../../ir/mod.ts";
import type { FormId } from "../../x64/mod.ts";
import { type Inst, Shape } from "../vcode.ts";
import * as F from "./forms.ts";
import { type Rule, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";
import { matchShuffle, Pattern, SHUFFLE } from "./shuffle_patterns.ts";
import {
  bin,
  binImm,
  binMemory,
  binMemoryImm,
  binWord,
  fromInteger,
  hasAvx,
  hasAvx2,
  shiftImm,
  un,
  unImm,
  unMemory,
  zeros,
} from "./vector_build.ts";
import { matchConstant } from "./float.ts";
import * as P from "./vector_forms.ts";

const isFloatShape = (shape: number): boolean => shape >= Lanes.f32x4;
/** The integer shape with lanes of the same width. */
const integerShape = (shape: number): number => isFloatShape(shape) ? shape - 2 : shape;

/** Whether scalar `v` is a load of at least a lane of `shape` that may be folded, reading the lane's bytes at its address. */
function isLaneLoad(c: Selector, v: number, shape: number): boolean {
  const op = c.op[v];
  const bytes = LANE_BYTES[shape];
  const fits = op === Ir.load && bytes >= 4 || bytes === 1 && (op === Ir.load8_u || op === Ir.load8_s) ||
    bytes === 2 && (op === Ir.load16_u || op === Ir.load16_s);
  return fits && c.canSink(v);
}

// Splats.

/** dst = form(matched address), an AVX or AVX2 broadcast. */
function broadcastLoad(c: Selector, v: number, form: FormId): boolean {
  c.sink(c.a[v]);
  c.fromMemory(form, c.own(v));
  return true;
}

const SPLAT = ruleList({
  "vsplat.load32": (c, v) => {
    if (LANE_BYTES[c.imm[v]] !== 4 || !hasAvx(c) || !isLaneLoad(c, c.a[v], c.imm[v])) return false;
    return broadcastLoad(c, v, P.VBROADCASTSS);
  },
  "vsplat.load64": (c, v) => {
    if (LANE_BYTES[c.imm[v]] !== 8 || !isLaneLoad(c, c.a[v], c.imm[v])) return false;
    c.sink(c.a[v]);
    unMemory(c, P.MOVDDUP, c.own(v));
    return true;
  },
  "vsplat.load_narrow": (c, v) => {
    const shape = c.imm[v];
    if (shape > Lanes.i16x8 || !hasAvx2(c) || !isLaneLoad(c, c.a[v], shape)) return false;
    return broadcastLoad(c, v, P.VPBROADCAST[shape]);
  },
  "vsplat.f32": (c, v) => {
    if (c.imm[v] !== Lanes.f32x4) return false;
    const x = c.reg(c.a[v]);
    binImm(c, P.SHUFPS, x, x, 0, c.own(v));
    return true;
  },
  "vsplat.f64": (c, v) => {
    if (c.imm[v] !== Lanes.f64x2) return false;
    un(c, P.MOVDDUP, c.reg(c.a[v]), c.own(v));
    return true;
  },
  "vsplat.broadcast": (c, v) => {
    if (!hasAvx2(c)) return false;
    const low = fromInteger(c, c.wide(c.a[v]), c.reg(c.a[v]));
    c.unary(P.VPBROADCAST[c.imm[v]], c.own(v), low);
    return true;
  },
  "vsplat.8": (c, v) => {
    if (c.imm[v] !== Lanes.i8x16) return false;
    const low = fromInteger(c, 0, c.reg(c.a[v]));
    bin(c, P.PSHUFB, low, zeros(c), c.own(v));
    return true;
  },
  "vsplat.16": (c, v) => {
    if (c.imm[v] !== Lanes.i16x8) return false;
    const low = fromInteger(c, 0, c.reg(c.a[v]));
    unImm(c, P.PSHUFD, unImm(c, P.PSHUFLW, low, 0), 0, c.own(v));
    return true;
  },
  "vsplat": (c, v) => {
    const low = fromInteger(c, c.wide(c.a[v]), c.reg(c.a[v]));
    unImm(c, P.PSHUFD, low, c.imm[v] === Lanes.i32x4 ? 0 : LOW_QUADWORD_TWICE, c.own(v));
    return true;
  },
});
/** pshufd: dwords 0, 1, 0, 1. */
const LOW_QUADWORD_TWICE = 0x44;
/** pshufd: dwords 2, 3, 2, 3. */
const HIGH_QUADWORD_TWICE = 0xee;

const ZEXT = ruleList({
  // Loads of 32 and 64 bits zero the rest of the register.
  "vzext.load": (c, v) => {
    if (!isLaneLoad(c, c.a[v], c.imm[v])) return false;
    c.sink(c.a[v]);
    c.fromMemory(F.FLOAD[LANE_BYTES[c.imm[v]] === 8 ? 1 : 0], c.own(v));
    return true;
  },
  "vzext.f32": (c, v) => {
    if (c.imm[v] !== Lanes.f32x4) return false;
    const x = c.reg(c.a[v]);
    binImm(c, P.BLENDPS, zeros(c), x, 1, c.own(v));
    return true;
  },
  "vzext.f64": (c, v) => {
    if (c.imm[v] !== Lanes.f64x2) return false;
    c.unary(P.MOVQ_XMM, c.own(v), c.reg(c.a[v]));
    return true;
  },
  "vzext": (c, v) => {
    fromInteger(c, c.wide(c.a[v]), c.reg(c.a[v]), c.own(v));
    return true;
  },
});

// Single lanes.

/** dst = lane of vector register `x`. The forms have the vector in ModRM.reg, but for pextrw. */
function extract(c: Selector, shape: number, x: number, lane: number, dst: number): void {
  const { code } = c;
  let i: Inst;
  if (lane === 0 && shape >= Lanes.i32x4) {
    i = code.begin(Shape.rm, F.FLOAT_TO_INT[shape === Lanes.i64x2 ? 1 : 0]);
    code.regOp[i] = code.use(x);
    code.rmOp[i] = code.def(dst);
    return;
  }
  i = code.begin(Shape.rmi, P.PEXTR[shape]);
  if (shape === Lanes.i16x8) {
    code.rmOp[i] = code.use(x);
    code.regOp[i] = code.def(dst);
  } else {
    code.regOp[i] = code.use(x);
    code.rmOp[i] = code.def(dst);
  }
  code.imm[i] = lane;
}

const EXTRACT = ruleList({
  "vextract.float": (c, v) => {
    const shape = c.imm[v], lane = c.aux[v];
    if (!isFloatShape(shape)) return false;
    const x = c.reg(c.a[v]);
    if (lane === 0) c.unary(F.MOVAPS, c.own(v), x);
    else unImm(c, P.PSHUFD, x, shape === Lanes.f32x4 ? lane : HIGH_QUADWORD_TWICE, c.own(v));
    return true;
  },
  "vextract": (c, v) => {
    extract(c, c.imm[v], c.reg(c.a[v]), c.aux[v], c.own(v));
    return true;
  },
});

const INSERT = ruleList({
  "vinsert.load": (c, v) => {
    const shape = c.imm[v], lane = c.aux[v], scalar = c.b[v];
    if (!isLaneLoad(c, scalar, shape)) return false;
    const x = c.reg(c.a[v]);
    c.sink(scalar);
    if (LANE_BYTES[shape] === 8) binMemory(c, P.MOVP[lane], x, c.own(v));
    else if (LANE_BYTES[shape] === 4) binMemoryImm(c, P.INSERTPS, x, lane << 4, c.own(v));
    else binMemoryImm(c, P.PINSR[shape], x, lane, c.own(v));
    return true;
  },
  "vinsert.f32": (c, v) => {
    if (c.imm[v] !== Lanes.f32x4) return false;
    const x = c.reg(c.a[v]), scalar = c.reg(c.b[v]);
    binImm(c, P.INSERTPS, x, scalar, c.aux[v] << 4, c.own(v), "narrow");
    return true;
  },
  "vinsert.f64": (c, v) => {
    if (c.imm[v] !== Lanes.f64x2) return false;
    const x = c.reg(c.a[v]), scalar = c.reg(c.b[v]);
    if (c.aux[v] === 0) binImm(c, P.BLENDPS, x, scalar, 3, c.own(v));
    else bin(c, P.PUNPCKL[Lanes.i64x2], x, scalar, c.own(v));
    return true;
  },
  "vinsert": (c, v) => {
    const x = c.reg(c.a[v]), scalar = c.reg(c.b[v]);
    binImm(c, P.PINSR[c.imm[v]], x, scalar, c.aux[v], c.own(v), "narrow");
    return true;
  },
});

// Lanes to memory: the store's value is an extraction that nobody else wants.

function storedLane(c: Selector, v: number, shapes: readonly number[]): boolean {
  const x = c.c[v];
  return c.op[x] === Ir.vextract && shapes.includes(c.imm[x]) && c.single(x) && c.vregOf[x] === -1;
}

function storeLane(c: Selector, v: number): void {
  const { code } = c;
  const x = c.c[v], lane = c.aux[x], shape = integerShape(c.imm[x]);
  const vector = c.reg(c.a[x]);
  c.address(v);
  if (lane === 0 && shape >= Lanes.i32x4) c.toMemory(F.FSTORE[shape === Lanes.i64x2 ? 1 : 0], vector);
  else if (shape === Lanes.i64x2) c.toMemory(P.MOVHPD_STORE, vector);
  else {
    const i = code.begin(Shape.rmi, P.PEXTR_STORE[shape]);
    code.regOp[i] = code.use(vector);
    c.attachAddress(i);
    code.imm[i] = lane;
  }
}

const laneStore = (...shapes: number[]): Rule => (c, v) => {
  if (!storedLane(c, v, shapes)) return false;
  storeLane(c, v);
  return true;
};

/** Stores of lanes, to stand before the other rules of the store operations. */
export const LANE_STORES = {
  store: { "store.lane": laneStore(Lanes.i32x4, Lanes.i64x2, Lanes.f32x4, Lanes.f64x2) },
  store8: { "store8.lane": laneStore(Lanes.i8x16) },
  store16: { "store16.lane": laneStore(Lanes.i16x8) },
} as const satisfies Record<string, Record<string, Rule>>;

// Shuffles.

const LANES = new Uint8Array(16);
const WORDS = new Int32Array(4);
const MASK = new Uint8Array(WORDS.buffer);

/** pshufb of register `x` by the bytes in `MASK`. */
function shuffleByMask(c: Selector, x: number, dst?: number): number {
  matchConstant(c, c.constants.vector(WORDS[0], WORDS[1], WORDS[2], WORDS[3]));
  return binMemory(c, P.PSHUFB, x, dst);
}

/** Sets `MASK` to the lanes of operand `which`, the others being zeroed. */
function maskOf(lanes: Uint8Array, which: number): void {
  for (let i = 0; i < 16; i++) MASK[i] = lanes[i] >> 4 === which ? lanes[i] & 15 : 0x80;
}

const isZeros = (c: Selector, v: number): boolean =>
  c.op[v] === Ir.vconst && (c.b[v] | c.c[v] | c.imm[v] | c.aux[v]) === 0;

const SHUFFLE_RULES = ruleList({
  "vshuffle.pattern": (c, v) => {
    unpackShuffle(c.c[v], c.imm[v], c.aux[v], LANES);
    const isUnary = c.a[v] === c.b[v];
    const pattern = matchShuffle(LANES, isUnary, isZeros(c, c.b[v]), hasAvx2(c));
    if (pattern === Pattern.none) return false;
    const { imm, swapped } = SHUFFLE;
    const left = swapped ? c.b[v] : c.a[v], right = swapped ? c.a[v] : c.b[v];
    const x = c.reg(left), dst = c.own(v);
    switch (pattern) {
      case Pattern.pshufd:
        unImm(c, P.PSHUFD, x, imm, dst);
        return true;
      case Pattern.pshuflw:
        unImm(c, P.PSHUFLW, x, imm, dst);
        return true;
      case Pattern.pshufhw:
        unImm(c, P.PSHUFHW, x, imm, dst);
        return true;
      case Pattern.pslldq:
        shiftImm(c, P.PSLLDQ, x, imm, dst);
        return true;
      case Pattern.psrldq:
        shiftImm(c, P.PSRLDQ, x, imm, dst);
        return true;
      case Pattern.broadcast:
        c.unary(P.VPBROADCAST[imm], dst, x);
        return true;
      case Pattern.zeroExtend:
        un(c, P.PMOVZX[imm], x, dst);
        return true;
    }
    const y = left === right ? x : c.reg(right);
    switch (pattern) {
      case Pattern.punpckl:
        bin(c, P.PUNPCKL[imm], x, y, dst);
        return true;
      case Pattern.punpckh:
        bin(c, P.PUNPCKH[imm], x, y, dst);
        return true;
      case Pattern.shufps:
        binImm(c, P.SHUFPS, x, y, imm, dst);
        return true;
      case Pattern.pblendw:
        binImm(c, P.PBLENDW, x, y, imm, dst);
        return true;
      default: // palignr
        binImm(c, P.PALIGNR, x, y, imm, dst);
        return true;
    }
  },
  // One operand, or one and zeros.
  "vshuffle.single": (c, v) => {
    if (c.a[v] !== c.b[v] && !isZeros(c, c.b[v])) return false;
    const x = c.reg(c.a[v]);
    unpackShuffle(c.c[v], c.imm[v], c.aux[v], LANES);
    maskOf(LANES, 0);
    shuffleByMask(c, x, c.own(v));
    return true;
  },
  "vshuffle": (c, v) => {
    const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
    unpackShuffle(c.c[v], c.imm[v], c.aux[v], LANES);
    maskOf(LANES, 0);
    const ofA = shuffleByMask(c, a);
    maskOf(LANES, 1);
    const ofB = shuffleByMask(c, b);
    bin(c, P.POR, ofA, ofB, c.own(v));
    return true;
  },
});

// pshufb gives zero for numbers with the top bit: adding 0x70 with saturation sets it from 16 on and keeps the low nibble below.
const SWIZZLE = ruleList({
  "vswizzle": (c, v) => {
    const x = c.reg(c.a[v]), numbers = c.reg(c.b[v]);
    bin(c, P.PSHUFB, x, binWord(c, P.PADDUS[Lanes.i8x16], numbers, 0x70707070), c.own(v));
    return true;
  },
});

// Widening. The result's shape is in imm, the source's lanes are half as wide.

type Signedness = "signed" | "unsigned";
const movx = (signedness: Signedness) => signedness === "signed" ? P.PMOVSX : P.PMOVZX;

/** The upper half of `x`, widened. */
function extendHigh(c: Selector, signedness: Signedness, from: number, x: number, dst?: number): number {
  return signedness === "signed"
    ? un(c, P.PMOVSX[from], unImm(c, P.PSHUFD, x, HIGH_QUADWORD_TWICE), dst)
    : bin(c, P.PUNPCKH[from], x, zeros(c), dst);
}

function extendLow(name: string, signedness: Signedness) {
  return ruleList({
    // Eight bytes from memory: the vector has been made of them only to be widened.
    [`${name}.load`]: (c, v) => {
      const x = c.a[v], scalar = c.a[x];
      if (
        c.op[x] !== Ir.vzext || c.imm[x] !== Lanes.i64x2 || !c.single(x) || c.vregOf[x] !== -1 ||
        !isLaneLoad(c, scalar, Lanes.i64x2)
      ) {
        return false;
      }
      c.sink(scalar);
      unMemory(c, movx(signedness)[c.imm[v] - 1], c.own(v));
      return true;
    },
    [name]: (c, v) => {
      un(c, movx(signedness)[c.imm[v] - 1], c.reg(c.a[v]), c.own(v));
      return true;
    },
  });
}

function extendHighRules(name: string, signedness: Signedness) {
  return ruleList({
    [name]: (c, v) => {
      extendHigh(c, signedness, c.imm[v] - 1, c.reg(c.a[v]), c.own(v));
      return true;
    },
  });
}

// Sums of pairs: the multiply-and-add instructions with ones.

const EXTADD_S = ruleList({
  // pmaddubsw takes its first operand unsigned
  "vextadd_s.8": (c, v) => {
    if (c.imm[v] !== Lanes.i16x8) return false;
    const x = c.reg(c.a[v]);
    bin(c, P.PMADDUBSW, c.vectorConstant(BYTE_ONES, BYTE_ONES, BYTE_ONES, BYTE_ONES), x, c.own(v));
    return true;
  },
  "vextadd_s.16": (c, v) => {
    binWord(c, P.PMADDWD, c.reg(c.a[v]), WORD_ONES, c.own(v));
    return true;
  },
});
const EXTADD_U = ruleList({
  "vextadd_u.8": (c, v) => {
    if (c.imm[v] !== Lanes.i16x8) return false;
    binWord(c, P.PMADDUBSW, c.reg(c.a[v]), BYTE_ONES, c.own(v));
    return true;
  },
  // As signed numbers less 2^15 each, which is put back for both.
  "vextadd_u.16": (c, v) => {
    const shifted = binWord(c, P.PXOR, c.reg(c.a[v]), -0x7fff8000);
    binWord(c, P.PADD[Lanes.i32x4], binWord(c, P.PMADDWD, shifted, WORD_ONES), 0x10000, c.own(v));
    return true;
  },
});
const BYTE_ONES = 0x01010101, WORD_ONES = 0x00010001;

// Products of widened lanes.

/** pshufd: dwords 0, 0, 1, 1 and 2, 2, 3, 3. */
const SPREAD_LOW = 0x50, SPREAD_HIGH = 0xfa;

function extendedProduct(name: string, half: "low" | "high", signedness: Signedness) {
  return ruleList({
    [`${name}.8`]: (c, v) => {
      if (c.imm[v] !== Lanes.i16x8) return false;
      const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
      const widen = (x: number) =>
        half === "low" ? un(c, movx(signedness)[Lanes.i8x16], x) : extendHigh(c, signedness, Lanes.i8x16, x);
      bin(c, P.PMULLW, widen(a), widen(b), c.own(v));
      return true;
    },
    // The lower and the upper halves of the products, interleaved.
    [`${name}.16`]: (c, v) => {
      if (c.imm[v] !== Lanes.i32x4) return false;
      const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
      const low = bin(c, P.PMULLW, a, b);
      const high = bin(c, signedness === "signed" ? P.PMULHW : P.PMULHUW, a, b);
      bin(c, (half === "low" ? P.PUNPCKL : P.PUNPCKH)[Lanes.i16x8], low, high, c.own(v));
      return true;
    },
    [`${name}.32`]: (c, v) => {
      const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
      const spread = half === "low" ? SPREAD_LOW : SPREAD_HIGH;
      const x = unImm(c, P.PSHUFD, a, spread), y = unImm(c, P.PSHUFD, b, spread);
      bin(c, signedness === "signed" ? P.PMULDQ : P.PMULUDQ, x, y, c.own(v));
      return true;
    },
  });
}

export const VECTOR_LANE_RULES = {
  vsplat: SPLAT,
  vzext: ZEXT,
  vextract: EXTRACT,
  vinsert: INSERT,
  vshuffle: SHUFFLE_RULES,
  vswizzle: SWIZZLE,
  vextend_low_s: extendLow("vextend_low_s", "signed"),
  vextend_low_u: extendLow("vextend_low_u", "unsigned"),
  vextend_high_s: extendHighRules("vextend_high_s", "signed"),
  vextend_high_u: extendHighRules("vextend_high_u", "unsigned"),
  vextadd_s: EXTADD_S,
  vextadd_u: EXTADD_U,
  vextmul_low_s: extendedProduct("vextmul_low_s", "low", "signed"),
  vextmul_low_u: extendedProduct("vextmul_low_u", "low", "unsigned"),
  vextmul_high_s: extendedProduct("vextmul_high_s", "high", "signed"),
  vextmul_high_u: extendedProduct("vextmul_high_u", "high", "unsigned"),
} as const;
