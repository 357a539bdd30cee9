/**
 * Selection of float arithmetic.
 *
 * Masks for abs, neg and copysign and all constants but zero come from the function's constant pool as memory operands. fmin and fmax
 * have wasm's semantics (a NaN propagates, -0 is less than +0), which minsd and maxsd have not: they are sequences (emit_sequence.ts).
 */

import { F64, Ir } from "../../ir/mod.ts";
import type { FormId } from "../../x64/mod.ts";
import { MemBase, Shape } from "../vcode.ts";
import * as F from "./forms.ts";
import { type Rule, type RuleList, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";

/** Makes constant `index` of the pool the matched address. */
export function matchConstant(c: Selector, index: number): void {
  c.amBaseKind = MemBase.pool;
  c.amBase = -1;
  c.amIndex = -1;
  c.amScale = 0;
  c.amDisp = index;
  c.amTrap = 0;
}

/** Whether `v` is a constant better read from the pool than made: any but zero. */
function isPoolConstant(c: Selector, v: number): boolean {
  return c.op[v] === Ir.fconst && (c.imm[v] !== 0 || c.type[v] === F64 && c.aux[v] !== 0);
}

function constantIndex(c: Selector, v: number): number {
  return c.constants.scalar(c.imm[v], c.type[v] === F64 ? c.aux[v] : 0);
}

function constantRight(forms: F.Pair): Rule {
  return (c, v) => {
    if (!isPoolConstant(c, c.b[v])) return false;
    const lhs = c.reg(c.a[v]);
    matchConstant(c, constantIndex(c, c.b[v]));
    c.twoAddressMemory(forms[c.wide(v)], c.own(v), lhs);
    return true;
  };
}

function constantLeft(forms: F.Pair): Rule {
  return (c, v) => {
    if (!isPoolConstant(c, c.a[v])) return false;
    const rhs = c.reg(c.b[v]);
    matchConstant(c, constantIndex(c, c.a[v]));
    c.twoAddressMemory(forms[c.wide(v)], c.own(v), rhs);
    return true;
  };
}

function loadRight(forms: F.Pair): Rule {
  return (c, v) => {
    if (!c.sinkable(c.b[v])) return false;
    const lhs = c.reg(c.a[v]);
    c.sink(c.b[v]);
    c.twoAddressMemory(forms[c.wide(v)], c.own(v), lhs);
    return true;
  };
}

function loadLeft(forms: F.Pair): Rule {
  return (c, v) => {
    if (!c.sinkable(c.a[v])) return false;
    const rhs = c.reg(c.b[v]);
    c.sink(c.a[v]);
    c.twoAddressMemory(forms[c.wide(v)], c.own(v), rhs);
    return true;
  };
}

function registers(forms: F.Pair): Rule {
  return (c, v) => {
    const lhs = c.reg(c.a[v]), rhs = c.reg(c.b[v]);
    c.twoAddress(forms[c.wide(v)], c.own(v), lhs, rhs);
    return true;
  };
}

function commutative(name: string, forms: F.Pair): RuleList {
  return ruleList({
    [`${name}.const_right`]: constantRight(forms),
    [`${name}.const_left`]: constantLeft(forms),
    [`${name}.load_right`]: loadRight(forms),
    [`${name}.load_left`]: loadLeft(forms),
    [name]: registers(forms),
  });
}

function ordered(name: string, forms: F.Pair): RuleList {
  return ruleList({
    [`${name}.const_right`]: constantRight(forms),
    [`${name}.load_right`]: loadRight(forms),
    [name]: registers(forms),
  });
}

function minMax(shape: number): Rule {
  return (c, v) => {
    const { code } = c;
    const lhs = c.reg(c.a[v]), rhs = c.reg(c.b[v]);
    const i = code.begin(shape, 0);
    const tied = code.use(lhs);
    code.rmOp[i] = code.use(rhs);
    code.regOp[i] = code.defReuse(c.own(v), tied);
    code.imm[i] = c.wide(v);
    return true;
  };
}

const SIGN_BIT = -0x80000000, ALL_BUT_SIGN = 0x7fffffff;

/** Pool number of the mask with the sign bits of every lane set (or all but them), for a type's width. */
function signMask(c: Selector, wide: number): number {
  return wide === 1
    ? c.constants.vector(0, SIGN_BIT, 0, SIGN_BIT)
    : c.constants.vector(SIGN_BIT, SIGN_BIT, SIGN_BIT, SIGN_BIT);
}
function magnitudeMask(c: Selector, wide: number): number {
  return wide === 1
    ? c.constants.vector(-1, ALL_BUT_SIGN, -1, ALL_BUT_SIGN)
    : c.constants.vector(ALL_BUT_SIGN, ALL_BUT_SIGN, ALL_BUT_SIGN, ALL_BUT_SIGN);
}

function masked(form: FormId, mask: (c: Selector, wide: number) => number): Rule {
  return (c, v) => {
    const x = c.reg(c.a[v]);
    matchConstant(c, mask(c, c.wide(v)));
    c.twoAddressMemory(form, c.own(v), x);
    return true;
  };
}

function round(mode: number): Rule {
  return (c, v) => {
    const { code } = c;
    const x = c.reg(c.a[v]);
    const i = code.begin(Shape.rmiBreak, F.FROUND[c.wide(v)]);
    code.rmOp[i] = code.use(x);
    code.regOp[i] = code.def(c.own(v));
    code.imm[i] = mode | PRECISION_MASKED;
    return true;
  };
}
// SDM 2, "ROUNDSD", immediate: bits 0 and 1 the rounding mode, bit 3 no precision exception.
const NEAREST = 0, DOWN = 1, UP = 2, TOWARDS_ZERO = 3, PRECISION_MASKED = 8;

export const FLOAT_RULES = {
  fadd: commutative("fadd", F.FADD),
  fsub: ordered("fsub", F.FSUB),
  fmul: commutative("fmul", F.FMUL),
  fdiv: ordered("fdiv", F.FDIV),
  fmin: ruleList({ "fmin": minMax(Shape.fmin) }),
  fmax: ruleList({ "fmax": minMax(Shape.fmax) }),
  fcopysign: ruleList({
    "fcopysign": (c, v) => {
      const x = c.reg(c.a[v]), y = c.reg(c.b[v]);
      const w = c.wide(v), type = c.type[v];
      const magnitude = c.temp(type), sign = c.temp(type);
      matchConstant(c, magnitudeMask(c, w));
      c.twoAddressMemory(F.ANDPS, magnitude, x);
      matchConstant(c, signMask(c, w));
      c.twoAddressMemory(F.ANDPS, sign, y);
      c.twoAddressRegister(F.ORPS, c.own(v), magnitude, sign);
      return true;
    },
  }),
  fneg: ruleList({ "fneg": masked(F.XORPS, signMask) }),
  fabs: ruleList({ "fabs": masked(F.ANDPS, magnitudeMask) }),
  fsqrt: ruleList({
    "fsqrt": (c, v) => {
      const { code } = c;
      const x = c.reg(c.a[v]);
      const i = code.begin(Shape.rmBreak, F.FSQRT[c.wide(v)]);
      code.rmOp[i] = code.use(x);
      code.regOp[i] = code.def(c.own(v));
      return true;
    },
  }),
  fceil: ruleList({ "fceil": round(UP) }),
  ffloor: ruleList({ "ffloor": round(DOWN) }),
  ftrunc: ruleList({ "ftrunc": round(TOWARDS_ZERO) }),
  fnearest: ruleList({ "fnearest": round(NEAREST) }),
} as const;
