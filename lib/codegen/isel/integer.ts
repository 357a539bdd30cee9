/**
 * Selection of integer arithmetic, logic, shifts and bit counts.
 *
 * Every rule that defines an i32 here does so through a 32-bit form, which zeroes the upper half: `uextend` of these is free (SEL-4).
 */

import { NONE } from "../../base/mod.ts";
import { I64, Ir } from "../../ir/mod.ts";
import { featureBit } from "../../x64/mod.ts";
import { Shape } from "../vcode.ts";
import { byConstant } from "./divide_by_constant.ts";
import * as F from "./forms.ts";
import { type Rule, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";
import { DIFFERENCE_WITH_BORROW, SUM_WITH_CARRY } from "./wide.ts";

const BMI1 = featureBit("bmi1"), BMI2 = featureBit("bmi2"), LZCNT = featureBit("lzcnt");
const RAX = 0, RCX = 1, RDX = 2;

// Rules that the two-operand operations share.

/** op r, [m] with the right side's load. */
function loadRight(forms: F.Alu): Rule {
  return (c, v) => {
    if (!c.sinkable(c.b[v])) return false;
    const lhs = c.reg(c.a[v]);
    c.sink(c.b[v]);
    c.twoAddressMemory(forms.rm[c.wide(v)], c.own(v), lhs);
    return true;
  };
}

/** op r, [m] with the left side's load; commutative operations only. */
function loadLeft(forms: F.Alu): Rule {
  return (c, v) => {
    if (!c.sinkable(c.a[v])) return false;
    const rhs = c.reg(c.b[v]);
    c.sink(c.a[v]);
    c.twoAddressMemory(forms.rm[c.wide(v)], c.own(v), rhs);
    return true;
  };
}

/** op r, imm */
function immediate(forms: F.Alu): Rule {
  return (c, v) => {
    if (!c.isImm32(c.b[v])) return false;
    const imm = c.immediate;
    const w = c.wide(v);
    const lhs = c.reg(c.a[v]);
    c.twoAddressImmediate(F.fitsI8(imm) ? forms.imm8[w] : forms.imm32[w], c.own(v), lhs, imm);
    return true;
  };
}

/** op r, rm */
function registers(forms: F.Alu): Rule {
  return (c, v) => {
    const lhs = c.reg(c.a[v]), rhs = c.reg(c.b[v]);
    c.twoAddress(forms.rm[c.wide(v)], c.own(v), lhs, rhs);
    return true;
  };
}

// Addition.

/** Whether `v` is `x << 1..3` by a constant, not needed in a register otherwise. */
function isScaled(c: Selector, v: number): boolean {
  return c.op[v] === Ir.ishl && c.isConst(c.b[v]) && c.imm[c.b[v]] >= 1 && c.imm[c.b[v]] <= 3 && c.single(v);
}

function addScaled(c: Selector, v: number, base: number, scaled: number): boolean {
  if (!isScaled(c, scaled)) return false;
  let disp = 0;
  if (c.op[base] === Ir.iadd && c.single(base) && c.near(base) && c.isImm32(c.b[base])) {
    disp = c.immediate;
    base = c.a[base];
  }
  const scale = c.imm[c.b[scaled]];
  // 64 bits wide, two constants may add up to more than a displacement holds.
  if (c.isImm32(base) && (c.wide(v) === 0 || (c.immediate + disp | 0) === c.immediate + disp)) {
    const index = c.reg(c.a[scaled]);
    c.lea(F.LEA[c.wide(v)], c.own(v), NONE, index, scale, c.immediate + disp | 0);
    return true;
  }
  const x = c.reg(base), y = c.reg(c.a[scaled]);
  c.lea(F.LEA[c.wide(v)], c.own(v), x, y, scale, disp);
  return true;
}

const IADD = ruleList({
  "iadd.carry": SUM_WITH_CARRY,
  "iadd.scaled": (c, v) => addScaled(c, v, c.a[v], c.b[v]) || addScaled(c, v, c.b[v], c.a[v]),
  // x + y + constant in one lea, when the inner sum has no other use
  "iadd.lea3": (c, v) => {
    const inner = c.a[v];
    if (c.op[inner] !== Ir.iadd || !c.single(inner) || !c.near(inner) || !c.isImm32(c.b[v]) || c.isConst(c.b[inner])) {
      return false;
    }
    const disp = c.immediate;
    const x = c.reg(c.a[inner]), y = c.reg(c.b[inner]);
    c.lea(F.LEA[c.wide(v)], c.own(v), x, y, 0, disp);
    return true;
  },
  "iadd.imm_lea": (c, v) => {
    if (!c.isImm32(c.b[v]) || c.single(c.a[v])) return false;
    const disp = c.immediate;
    const lhs = c.reg(c.a[v]);
    c.lea(F.LEA[c.wide(v)], c.own(v), lhs, NONE, 0, disp);
    return true;
  },
  "iadd.imm": (c, v) => {
    if (!c.isImm32(c.b[v])) return false;
    const imm = c.immediate;
    const w = c.wide(v);
    const lhs = c.reg(c.a[v]);
    // 128 takes four bytes as an addend and one as a subtrahend.
    if (imm === 128) c.twoAddressImmediate(F.SUB.imm8[w], c.own(v), lhs, -128);
    else c.twoAddressImmediate(F.fitsI8(imm) ? F.ADD.imm8[w] : F.ADD.imm32[w], c.own(v), lhs, imm);
    return true;
  },
  "iadd.load_right": loadRight(F.ADD),
  "iadd.load_left": loadLeft(F.ADD),
  "iadd.lea": (c, v) => {
    if (c.single(c.a[v]) || c.single(c.b[v]) || c.isConst(c.b[v])) return false;
    const x = c.reg(c.a[v]), y = c.reg(c.b[v]);
    c.lea(F.LEA[c.wide(v)], c.own(v), x, y, 0, 0);
    return true;
  },
  "iadd.swapped": (c, v) => {
    if (c.single(c.a[v]) || !c.single(c.b[v])) return false;
    const x = c.reg(c.b[v]), y = c.reg(c.a[v]);
    c.twoAddress(F.ADD.rm[c.wide(v)], c.own(v), x, y);
    return true;
  },
  "iadd": registers(F.ADD),
});

const ISUB = ruleList({
  "isub.borrow": DIFFERENCE_WITH_BORROW,
  "isub.neg": (c, v) => {
    if (!c.isConstValue(c.a[v], 0)) return false;
    const x = c.reg(c.b[v]);
    c.oneAddress(F.NEG[c.wide(v)], c.own(v), x);
    return true;
  },
  "isub.imm_lea": (c, v) => {
    if (!c.isImm32(c.b[v]) || c.single(c.a[v]) || c.immediate === -0x80000000) return false;
    const disp = -c.immediate;
    const lhs = c.reg(c.a[v]);
    c.lea(F.LEA[c.wide(v)], c.own(v), lhs, NONE, 0, disp);
    return true;
  },
  "isub.imm": immediate(F.SUB),
  "isub.load_right": loadRight(F.SUB),
  "isub": registers(F.SUB),
});

// Logic.

/** Index among 8, 16, 32 bits of an all-ones mask; NONE for another constant. */
function maskBits(c: Selector, v: number): number {
  if (!c.isConst(v)) return NONE;
  if (c.type[v] === I64 && c.aux[v] !== 0) return NONE;
  const lo = c.imm[v];
  if (lo === 0xff) return 8;
  if (lo === 0xffff) return 16;
  return lo === -1 && c.type[v] === I64 ? 32 : NONE;
}

const BAND = ruleList({
  "band.movzx": (c, v) => {
    const bits = maskBits(c, c.b[v]);
    if (bits === NONE) return false;
    const x = c.reg(c.a[v]);
    c.unary(bits === 8 ? F.MOVZX_8 : bits === 16 ? F.MOVZX_16 : F.MOV_R32, c.own(v), x);
    return true;
  },
  // The upper half of a 64-bit constant is zero: the 32-bit form clears it in the result.
  "band.imm_u32": (c, v) => {
    const y = c.b[v];
    if (c.type[v] !== I64 || !c.isConst(y) || c.aux[y] !== 0) return false;
    const x = c.reg(c.a[v]), imm = c.imm[y];
    c.twoAddressImmediate(F.fitsI8(imm) ? F.AND.imm8[0] : F.AND.imm32[0], c.own(v), x, imm);
    return true;
  },
  "band.imm": immediate(F.AND),
  "band.load_right": loadRight(F.AND),
  "band.load_left": loadLeft(F.AND),
  "band": registers(F.AND),
});

const BOR = ruleList({
  "bor.imm": immediate(F.OR),
  "bor.load_right": loadRight(F.OR),
  "bor.load_left": loadLeft(F.OR),
  "bor": registers(F.OR),
});

const BXOR = ruleList({
  "bxor.not": (c, v) => {
    if (!c.isConstValue(c.b[v], -1)) return false;
    const x = c.reg(c.a[v]);
    c.oneAddress(F.NOT[c.wide(v)], c.own(v), x);
    return true;
  },
  "bxor.imm": immediate(F.XOR),
  "bxor.load_right": loadRight(F.XOR),
  "bxor.load_left": loadLeft(F.XOR),
  "bxor": registers(F.XOR),
});

// Multiplication.

const IMUL = ruleList({
  // 3, 5, 9 times x: x + (x << 1..3)
  "imul.lea": (c, v) => {
    if (!c.isImm32(c.b[v])) return false;
    const scale = c.immediate === 3 ? 1 : c.immediate === 5 ? 2 : c.immediate === 9 ? 3 : 0;
    if (scale === 0) return false;
    const x = c.reg(c.a[v]);
    c.lea(F.LEA[c.wide(v)], c.own(v), x, x, scale, 0);
    return true;
  },
  "imul.shift": (c, v) => {
    if (!c.isImm32(c.b[v])) return false;
    const imm = c.immediate;
    if (imm <= 1 || (imm & imm - 1) !== 0) return false;
    const x = c.reg(c.a[v]);
    c.twoAddressImmediate(F.SHL.imm[c.wide(v)], c.own(v), x, 31 - Math.clz32(imm));
    return true;
  },
  "imul.imm_load": (c, v) => {
    if (!c.isImm32(c.b[v]) || !c.sinkable(c.a[v])) return false;
    const imm = c.immediate;
    const w = c.wide(v);
    c.sink(c.a[v]);
    const i = c.code.begin(Shape.rmi, F.fitsI8(imm) ? F.IMUL_IMM8[w] : F.IMUL_IMM32[w]);
    c.attachAddress(i);
    c.code.regOp[i] = c.code.def(c.own(v));
    c.code.imm[i] = imm;
    return true;
  },
  "imul.imm": (c, v) => {
    if (!c.isImm32(c.b[v])) return false;
    const imm = c.immediate;
    const w = c.wide(v);
    const x = c.reg(c.a[v]);
    const i = c.code.begin(Shape.rmi, F.fitsI8(imm) ? F.IMUL_IMM8[w] : F.IMUL_IMM32[w]);
    c.code.rmOp[i] = c.code.useAny(x);
    c.code.regOp[i] = c.code.def(c.own(v));
    c.code.imm[i] = imm;
    return true;
  },
  "imul.load_right": (c, v) => {
    if (!c.sinkable(c.b[v])) return false;
    const lhs = c.reg(c.a[v]);
    c.sink(c.b[v]);
    c.twoAddressMemory(F.IMUL[c.wide(v)], c.own(v), lhs);
    return true;
  },
  "imul": (c, v) => {
    const lhs = c.reg(c.a[v]), rhs = c.reg(c.b[v]);
    c.twoAddress(F.IMUL[c.wide(v)], c.own(v), lhs, rhs);
    return true;
  },
});

// Division. rax holds the dividend, rdx its extension; the divisor is in neither. imm is the trap code for a zero divisor, raised by the
// division itself.

/** Whether the divisor is a constant other than zero. */
function isSafeDivisor(c: Selector, v: number): boolean {
  return c.isConst(v) && (c.imm[v] !== 0 || c.type[v] === I64 && c.aux[v] !== 0);
}

function divide(c: Selector, v: number, shape: number, forms: F.Pair, resultRegister: number): void {
  const { code } = c;
  const dividend = c.reg(c.a[v]), divisor = c.reg(c.b[v]);
  const i = code.begin(shape, forms[c.wide(v)]);
  code.useFixed(dividend, RAX);
  code.rmOp[i] = code.useAny(divisor);
  if (resultRegister === RAX) {
    code.defFixed(c.own(v), RAX);
    code.defFixedEarly(c.temp(I64), RDX);
  } else {
    code.defFixedEarly(c.own(v), RDX);
    code.clobbers[i] = 1 << RAX;
  }
  code.imm[i] = c.wide(v);
  code.imm2[i] = 0;
  if (!isSafeDivisor(c, c.b[v])) {
    code.trap[i] = c.imm[v];
    code.needsFrame = 1;
  }
}

const isSigned = 1;

const SDIV = ruleList({
  "sdiv.const": byConstant("quotient", "signed"),
  "sdiv": (c, v) => {
    divide(c, v, Shape.div, F.IDIV, RAX);
    c.code.imm2[c.code.count - 1] = isSigned;
    return true;
  },
});

const UDIV = ruleList({
  "udiv.shift": (c, v) => {
    const shift = powerOfTwo(c, c.b[v]);
    if (shift <= 0) return false;
    const x = c.reg(c.a[v]);
    c.twoAddressImmediate(F.SHR.imm[c.wide(v)], c.own(v), x, shift);
    return true;
  },
  "udiv.const": byConstant("quotient", "unsigned"),
  "udiv": (c, v) => {
    divide(c, v, Shape.div, F.DIV, RAX);
    return true;
  },
});

const SREM = ruleList({
  "srem.const": byConstant("remainder", "signed"),
  // What is left of constants (the lowest integer, 1) needs no test for -1.
  "srem.safe": (c, v) => {
    if (!isSafeDivisor(c, c.b[v]) || c.isConstValue(c.b[v], -1)) return false;
    divide(c, v, Shape.div, F.IDIV, RDX);
    c.code.imm2[c.code.count - 1] = isSigned;
    return true;
  },
  "srem": (c, v) => {
    divide(c, v, Shape.srem, F.IDIV, RDX);
    return true;
  },
});

const UREM = ruleList({
  "urem.mask": (c, v) => {
    const shift = powerOfTwo(c, c.b[v]);
    if (shift <= 0 || shift > 31) return false;
    const x = c.reg(c.a[v]);
    const mask = 2 ** shift - 1;
    // The mask fits 31 bits: the 32-bit form clears the upper half, where the mask is zero.
    c.twoAddressImmediate(F.fitsI8(mask) ? F.AND.imm8[0] : F.AND.imm32[0], c.own(v), x, mask);
    return true;
  },
  "urem.const": byConstant("remainder", "unsigned"),
  "urem": (c, v) => {
    divide(c, v, Shape.div, F.DIV, RDX);
    return true;
  },
});

/** log2 of the unsigned constant `v`, or NONE. */
function powerOfTwo(c: Selector, v: number): number {
  if (!c.isConst(v)) return NONE;
  const lo = c.imm[v], hi = c.type[v] === I64 ? c.aux[v] : 0;
  if (lo !== 0) return hi === 0 && (lo & lo - 1) === 0 ? 31 - Math.clz32(lo) : NONE;
  return hi !== 0 && (hi & hi - 1) === 0 ? 63 - Math.clz32(hi) : NONE;
}

// Shifts and rotates: the machine takes counts modulo the width, as wasm does.

/** The count without a mask that the machine applies anyway. */
function shiftCount(c: Selector, v: number): number {
  let count = c.b[v];
  const mask = c.wide(v) === 1 ? 63 : 31;
  for (;;) {
    if (c.op[count] === Ir.band && c.isConst(c.b[count]) && (c.imm[c.b[count]] & mask) === mask) count = c.a[count];
    // The low bits of an extended count are those of the count.
    else if (c.op[count] === Ir.uextend || c.op[count] === Ir.sextend || c.op[count] === Ir.wrap) count = c.a[count];
    else return count;
  }
}

function shiftImmediate(forms: F.Shift): Rule {
  return (c, v) => {
    if (!c.isConst(c.b[v])) return false;
    const w = c.wide(v);
    const count = c.imm[c.b[v]] & (w === 1 ? 63 : 31);
    const x = c.reg(c.a[v]);
    c.twoAddressImmediate(forms.imm[w], c.own(v), x, count);
    return true;
  };
}

function shiftBmi2(forms: F.Pair): Rule {
  return (c, v) => {
    if ((c.target.features & BMI2) === 0) return false;
    const { code } = c;
    const x = c.reg(c.a[v]), count = c.reg(shiftCount(c, v));
    const i = code.begin(Shape.vrm, forms[c.wide(v)]);
    code.rmOp[i] = code.useAny(x);
    code.auxOp[i] = code.use(count);
    code.regOp[i] = code.def(c.own(v));
    return true;
  };
}

function shiftVariable(forms: F.Shift): Rule {
  return (c, v) => {
    const { code } = c;
    const x = c.reg(c.a[v]), count = c.reg(shiftCount(c, v));
    c.oneAddress(forms.cl[c.wide(v)], c.own(v), x);
    code.useFixed(count, RCX);
    return true;
  };
}

const ISHL = ruleList({
  // x + x into another register, when x is needed afterwards
  "ishl.lea": (c, v) => {
    if (!c.isConst(c.b[v]) || c.imm[c.b[v]] !== 1 || c.single(c.a[v])) return false;
    const x = c.reg(c.a[v]);
    c.lea(F.LEA[c.wide(v)], c.own(v), x, x, 0, 0);
    return true;
  },
  "ishl.imm": shiftImmediate(F.SHL),
  "ishl.shlx": shiftBmi2(F.SHLX),
  "ishl.cl": shiftVariable(F.SHL),
});
const USHR = ruleList({
  "ushr.imm": shiftImmediate(F.SHR),
  "ushr.shrx": shiftBmi2(F.SHRX),
  "ushr.cl": shiftVariable(F.SHR),
});
const SSHR = ruleList({
  "sshr.imm": shiftImmediate(F.SAR),
  "sshr.sarx": shiftBmi2(F.SARX),
  "sshr.cl": shiftVariable(F.SAR),
});
const ROTL = ruleList({
  "rotl.imm": shiftImmediate(F.ROL),
  "rotl.cl": shiftVariable(F.ROL),
});
const ROTR = ruleList({
  "rotr.imm": shiftImmediate(F.ROR),
  "rotr.cl": shiftVariable(F.ROR),
});

// Bit counts.

function counted(forms: F.Pair, feature: number): Rule {
  return (c, v) => {
    if (feature !== 0 && (c.target.features & feature) === 0) return false;
    const x = c.reg(c.a[v]);
    c.unary(forms[c.wide(v)], c.own(v), x);
    return true;
  };
}

function scanned(shape: number): Rule {
  return (c, v) => {
    const { code } = c;
    const x = c.reg(c.a[v]);
    const i = code.begin(shape, 0);
    code.rmOp[i] = code.use(x);
    code.regOp[i] = code.defEarly(c.own(v));
    code.auxOp[i] = code.defEarly(c.temp(I64));
    code.imm[i] = c.wide(v);
    return true;
  };
}

const CLZ = ruleList({ "clz.lzcnt": counted(F.LZCNT, LZCNT), "clz.bsr": scanned(Shape.clzScan) });
const CTZ = ruleList({ "ctz.tzcnt": counted(F.TZCNT, BMI1), "ctz.bsf": scanned(Shape.ctzScan) });
const POPCNT = ruleList({ "popcnt": counted(F.POPCNT, 0) });

// Width changes.

/** A sign extension of a narrow load or of a register. */
function extend(forms: F.Pair): Rule {
  return (c, v) => {
    const x = c.reg(c.a[v]);
    c.unary(forms[c.wide(v)], c.own(v), x);
    return true;
  };
}

function extendLoad(forms: F.Pair, load: number): Rule {
  return (c, v) => {
    const x = c.a[v];
    if (c.op[x] !== load || !c.canSink(x)) return false;
    c.sink(x);
    c.fromMemory(forms[c.wide(v)], c.own(v));
    return true;
  };
}

const SEXT8 = ruleList({
  "sext8.load": extendLoad(F.MOVSX_8, Ir.load8_u),
  "sext8": extend(F.MOVSX_8),
});
const SEXT16 = ruleList({
  "sext16.load": extendLoad(F.MOVSX_16, Ir.load16_u),
  "sext16": extend(F.MOVSX_16),
});
const MOVSXD_BOTH = [F.MOVSXD, F.MOVSXD] as const;
const SEXT32 = ruleList({
  "sext32.load": extendLoad(MOVSXD_BOTH, Ir.load32_u),
  "sext32": extend(MOVSXD_BOTH),
});
const SEXTEND = ruleList({
  "sextend.load": (c, v) => {
    const x = c.a[v];
    if (!c.sinkable(x)) return false;
    c.sink(x);
    c.fromMemory(F.MOVSXD, c.own(v));
    return true;
  },
  "sextend": extend(MOVSXD_BOTH),
});
// Only lowered where the operand may have an upper half (SEL-4).
const UEXTEND = ruleList({
  "uextend": (c, v) => {
    const x = c.reg(c.a[v]);
    c.moveZeroExtended(c.own(v), x);
    return true;
  },
});

const ADDR_ADD = ruleList({
  "addr_add.lea": (c, v) => {
    if (!c.isImm32(c.b[v])) return false;
    const disp = c.immediate;
    const x = c.reg(c.a[v]);
    c.lea(F.LEA_64, c.own(v), x, NONE, 0, disp);
    return true;
  },
  "addr_add.lea_scaled": (c, v) => addScaled(c, v, c.a[v], c.b[v]),
  "addr_add": (c, v) => {
    const x = c.reg(c.a[v]), y = c.reg(c.b[v]);
    c.lea(F.LEA_64, c.own(v), x, y, 0, 0);
    return true;
  },
});

// 32 bits wide: the sum stays within the heap's 4 GiB, and its upper half is zero (GC-1).
const REF_ADD = ruleList({
  "ref_add.imm": (c, v) => {
    if (!c.isImm32(c.b[v])) return false;
    const disp = c.immediate;
    const x = c.reg(c.a[v]);
    c.lea(F.LEA[0], c.own(v), x, NONE, 0, disp);
    return true;
  },
  "ref_add.scaled": (c, v) => {
    if (!isScaled(c, c.b[v])) return false;
    const scale = c.imm[c.b[c.b[v]]];
    const x = c.reg(c.a[v]), y = c.reg(c.a[c.b[v]]);
    c.lea(F.LEA[0], c.own(v), x, y, scale, 0);
    return true;
  },
  "ref_add": (c, v) => {
    const x = c.reg(c.a[v]), y = c.reg(c.b[v]);
    c.lea(F.LEA[0], c.own(v), x, y, 0, 0);
    return true;
  },
});

export const INTEGER_RULES = {
  iadd: IADD,
  isub: ISUB,
  imul: IMUL,
  sdiv: SDIV,
  udiv: UDIV,
  srem: SREM,
  urem: UREM,
  band: BAND,
  bor: BOR,
  bxor: BXOR,
  ishl: ISHL,
  ushr: USHR,
  sshr: SSHR,
  rotl: ROTL,
  rotr: ROTR,
  clz: CLZ,
  ctz: CTZ,
  popcnt: POPCNT,
  sext8: SEXT8,
  sext16: SEXT16,
  sext32: SEXT32,
  sextend: SEXTEND,
  uextend: UEXTEND,
  addr_add: ADDR_ADD,
  ref_add: REF_ADD,
} as const;
