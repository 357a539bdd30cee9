/**
 * Selection of carries and high halves of products.
 *
 * A carry is a comparison in the IR (`lib/translate/wide.ts`). Where it is added or subtracted, `adc` and `sbb` take it from the flags of
 * the very sum or difference, if that stands right before, else from a comparison made again. Flags do not live between instructions
 * (VC-2), so both are one instruction of a shape of its own.
 */

import { NONE } from "../../base/mod.ts";
import { I64, IntCond, Ir } from "../../ir/mod.ts";
import { Shape } from "../vcode.ts";
import * as F from "./forms.ts";
import { type Rule, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";

const RAX = 0, RDX = 2;
const SUM = 0, DIFFERENCE = 1;

/** The comparison x <u y of 64-bit integers whose result `v` is, extended, when nobody else asks for it; else NONE. */
function carryOf(c: Selector, v: number): number {
  if (c.op[v] !== Ir.uextend || !c.single(v) || !c.near(v)) return NONE;
  const comparison = c.a[v];
  const isCarry = c.op[comparison] === Ir.icmp && c.imm[comparison] === IntCond.ult && c.single(comparison) &&
    c.near(comparison) && c.type[c.a[comparison]] === I64;
  return isCarry ? comparison : NONE;
}

/**
 * The operand that stands beside the carry, taken apart when it is itself a sum (difference) for this use only: left, right. A constant
 * that is no immediate would take one register more than the fewest (lib/abi/stress.ts).
 */
const parts = { left: NONE, right: NONE };

function takeApart(c: Selector, v: number, op: number): void {
  const isPart = c.op[v] === op && c.single(v) && c.near(v) && c.vregOf[v] === NONE &&
    (!c.isConst(c.b[v]) || c.isImm32(c.b[v]));
  parts.left = isPart ? c.a[v] : v;
  parts.right = isPart ? c.b[v] : NONE;
}

/** The sum (difference) whose carry `comparison` is, when it stands right before comparison, extension and what is lowered; else NONE. */
function pairOf(c: Selector, extension: number, comparison: number, op: number): number {
  if (c.before(1) !== extension || c.before(2) !== comparison) return NONE;
  const lo = c.before(3);
  if (lo === NONE || c.op[lo] !== op || c.sunk[lo] === 1) return NONE;
  const x = c.a[comparison], y = c.b[comparison];
  if (op === Ir.isub) return c.a[lo] === x && c.b[lo] === y ? lo : NONE;
  return x === lo && (c.a[lo] === y || c.b[lo] === y) ? lo : NONE;
}

function withCarry(kind: typeof SUM | typeof DIFFERENCE): Rule {
  const op = kind === SUM ? Ir.iadd : Ir.isub;
  return (c, v) => {
    if (c.type[v] !== I64) return false;
    let extension = c.b[v], other = c.a[v];
    let comparison = carryOf(c, extension);
    if (comparison === NONE && kind === SUM) {
      extension = c.a[v];
      other = c.b[v];
      comparison = carryOf(c, extension);
    }
    if (comparison === NONE) return false;
    takeApart(c, other, op);
    const { left, right } = parts;
    const lo = pairOf(c, extension, comparison, op);
    if (lo !== NONE) selectPair(c, v, lo, left, right, kind);
    else selectCarry(c, v, comparison, left, right, kind);
    return true;
  };
}

/** The addend of the high half: a register or slot, or the immediate that is left in `disp`. */
function highSource(c: Selector, right: number): number {
  return right === NONE || c.isImm32(right) ? NONE : c.reg(right);
}

function highImmediate(c: Selector, right: number): number {
  return right !== NONE && c.isImm32(right) ? c.immediate : 0;
}

function selectPair(c: Selector, v: number, lo: number, left: number, right: number, kind: number): void {
  const { code } = c;
  c.sunk[lo] = 1;
  const x = c.reg(c.a[lo]), y = c.reg(c.b[lo]), high = c.reg(left), source = highSource(c, right);
  const i = code.begin(Shape.addPair, 0);
  const tied = code.use(high);
  code.auxOp[i] = code.useAny(x);
  code.rmOp[i] = code.useAny(y);
  code.tailUse[i] = source === NONE ? NONE : code.useAny(source);
  code.disp[i] = highImmediate(c, right);
  code.regOp[i] = code.defEarly(c.own(lo));
  code.tailDef[i] = code.defReuse(c.own(v), tied);
  code.imm[i] = kind;
}

function selectCarry(c: Selector, v: number, comparison: number, left: number, right: number, kind: number): void {
  const { code } = c;
  const x = c.reg(c.a[comparison]), y = c.reg(c.b[comparison]), high = c.reg(left), source = highSource(c, right);
  const i = code.begin(Shape.addCarry, 0);
  const tied = code.use(high);
  code.auxOp[i] = code.use(x);
  code.tailUse[i] = code.useAny(y);
  code.rmOp[i] = source === NONE ? NONE : code.useAny(source);
  code.disp[i] = highImmediate(c, right);
  code.regOp[i] = code.defReuse(c.own(v), tied);
  code.imm[i] = kind;
}

/** Sums with a carry, before the other rules of `iadd`. */
export const SUM_WITH_CARRY: Rule = withCarry(SUM);
/** Differences with a borrow, before the other rules of `isub`. */
export const DIFFERENCE_WITH_BORROW: Rule = withCarry(DIFFERENCE);

// High halves. The one-operand forms multiply rax and leave the product in rdx:rax.

function multiplyHigh(form: F.Pair): Rule {
  return (c, v) => {
    const { code } = c;
    const x = c.reg(c.a[v]), y = c.reg(c.b[v]);
    const i = code.begin(Shape.m, form[1]);
    code.useFixed(x, RAX);
    code.rmOp[i] = code.useAny(y);
    code.defFixed(c.own(v), RDX);
    code.clobbers[i] = 1 << RAX;
    return true;
  };
}

/** Both halves at once, when the low one stands right before. */
function multiplyBoth(form: F.Pair): Rule {
  return (c, v) => {
    const lo = c.before(1);
    if (lo === NONE || c.op[lo] !== Ir.imul || c.vregOf[lo] === NONE || c.a[lo] !== c.a[v] || c.b[lo] !== c.b[v]) {
      return false;
    }
    const { code } = c;
    c.sunk[lo] = 1;
    const x = c.reg(c.a[v]), y = c.reg(c.b[v]);
    const i = code.begin(Shape.m, form[1]);
    code.useFixed(x, RAX);
    code.rmOp[i] = code.useAny(y);
    code.defFixed(c.own(lo), RAX);
    code.defFixed(c.own(v), RDX);
    return true;
  };
}

const UMULH = ruleList({ "umulh.both": multiplyBoth(F.MUL_WIDE), "umulh": multiplyHigh(F.MUL_WIDE) });
const SMULH = ruleList({ "smulh.both": multiplyBoth(F.IMUL_WIDE), "smulh": multiplyHigh(F.IMUL_WIDE) });

export const WIDE_RULES = { umulh: UMULH, smulh: SMULH } as const;
