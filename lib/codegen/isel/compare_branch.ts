/**
 * Selection of comparisons and what consumes them: jumps, setcc, cmov, traps.
 *
 * `condition` begins an instruction whose main form sets the flags for "value v is not zero" and leaves the condition code in `c.cond`;
 * the consumer then adds its tail to the same instruction (VC-2). A comparison is repeated at each consumer in its block rather than
 * kept as a 0 or 1: `cmp` costs what `test` would.
 *
 * Float conditions: ucomis sets CF for "less or unordered", so `lt` and `le` are asked with swapped operands as `above` and
 * `above or equal`, which are false on unordered; `eq` and `ne` take two flags (`COND_FEQ`, `COND_FNE`).
 */

import { ADDR, FloatCond, INT_COND_SWAPPED, IntCond, Ir, IS_FLOAT_CLASS, type Type } from "../../ir/mod.ts";
import { COND, type FormId } from "../../x64/mod.ts";
import { COND_FEQ, COND_FNE, type Inst, Shape, Tail } from "../vcode.ts";
import * as F from "./forms.ts";
import { type Rule, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";
import { beginVectorTest } from "./vector.ts";

/** x64 condition by `IntCond`. */
const INT_CODES: Uint8Array = new Uint8Array(10);
INT_CODES[IntCond.eq] = COND.E;
INT_CODES[IntCond.ne] = COND.NE;
INT_CODES[IntCond.slt] = COND.L;
INT_CODES[IntCond.sge] = COND.GE;
INT_CODES[IntCond.sgt] = COND.G;
INT_CODES[IntCond.sle] = COND.LE;
INT_CODES[IntCond.ult] = COND.B;
INT_CODES[IntCond.uge] = COND.AE;
INT_CODES[IntCond.ugt] = COND.A;
INT_CODES[IntCond.ule] = COND.BE;

// Conditions that `test x, x` answers for a comparison with zero: OF and CF are 0 after it, so all signed ones do as they stand.
const IS_ZERO_TEST: Uint8Array = new Uint8Array(10);
for (const cond of [IntCond.eq, IntCond.ne, IntCond.slt, IntCond.sge, IntCond.sgt, IntCond.sle]) IS_ZERO_TEST[cond] = 1;

/** Begins test x, y for the value `v` = band(x, y). */
function beginTestOf(c: Selector, v: number): void {
  const { code } = c;
  const x = c.a[v], y = c.b[v], w = c.wide(v);
  if (c.isImm32(y)) {
    const imm = c.immediate;
    const r = c.reg(x);
    // A mask of the low seven bits reads one byte; the flags asked for afterwards are ZF only or the sign, which is 0 either way.
    const i = code.begin(Shape.mi, imm >= 0 && imm < 128 ? F.TEST_IMM8 : imm >= 0 ? F.TEST_IMM[0] : F.TEST_IMM[w]);
    code.rmOp[i] = code.useAny(r);
    code.imm[i] = imm;
    return;
  }
  const r = c.reg(x), s = c.reg(y);
  const i = code.begin(Shape.rm, F.TEST[w]);
  code.regOp[i] = code.use(r);
  code.rmOp[i] = code.useAny(s);
}

function beginTest(c: Selector, v: number, r: number): void {
  const { code } = c;
  const i = code.begin(Shape.rm, F.TEST[c.wide(v)]);
  code.regOp[i] = code.use(r);
  code.rmOp[i] = code.regOp[i];
}

/** Comparison `v` (icmp): begins the instruction that sets the flags. Loads are folded only when the comparison has one user. */
const ICMP_FLAGS = ruleList({
  "icmp.test_and": (c, v) => {
    const x = c.a[v];
    if (
      !c.isConstValue(c.b[v], 0) || IS_ZERO_TEST[c.imm[v]] === 0 || c.op[x] !== Ir.band || !c.single(x) || !c.near(x)
    ) return false;
    c.cond = INT_CODES[c.imm[v]];
    beginTestOf(c, x);
    return true;
  },
  // cmp byte [m], imm8: the loaded byte is zero-extended, so unsigned and equality conditions read the same from eight bits.
  "icmp.load8_imm": (c, v) => narrowLoad(c, v, Ir.load8_u, 0xff, F.CMP_M8_IMM8),
  "icmp.load16_imm": (c, v) => narrowLoad(c, v, Ir.load16_u, 0x7f, F.CMP_M16_IMM8),
  "icmp.load_imm": (c, v) => {
    const x = c.a[v];
    if (!c.isImm32(c.b[v]) || !c.single(v) || !c.sinkable(x)) return false;
    const imm = c.immediate, w = c.wide(x);
    c.cond = INT_CODES[c.imm[v]];
    c.sink(x);
    const i = c.code.begin(Shape.mi, F.fitsI8(imm) ? F.CMP.imm8[w] : F.CMP.imm32[w]);
    c.attachAddress(i);
    c.code.imm[i] = imm;
    return true;
  },
  "icmp.zero": (c, v) => {
    if (!c.isConstValue(c.b[v], 0) || IS_ZERO_TEST[c.imm[v]] === 0) return false;
    c.cond = INT_CODES[c.imm[v]];
    beginTest(c, c.a[v], c.reg(c.a[v]));
    return true;
  },
  "icmp.imm": (c, v) => {
    if (!c.isImm32(c.b[v])) return false;
    const imm = c.immediate, w = c.wide(c.a[v]);
    const x = c.reg(c.a[v]);
    c.cond = INT_CODES[c.imm[v]];
    const i = c.code.begin(Shape.mi, F.fitsI8(imm) ? F.CMP.imm8[w] : F.CMP.imm32[w]);
    c.code.rmOp[i] = c.code.useAny(x);
    c.code.imm[i] = imm;
    return true;
  },
  "icmp.load_right": (c, v) => {
    if (!c.single(v) || !c.sinkable(c.b[v])) return false;
    const x = c.reg(c.a[v]);
    c.cond = INT_CODES[c.imm[v]];
    c.sink(c.b[v]);
    compareMemory(c, F.CMP.rm[c.wide(c.a[v])], x);
    return true;
  },
  // cmp [m], r: the loaded value is the left side
  "icmp.load_left": (c, v) => {
    if (!c.single(v) || !c.sinkable(c.a[v])) return false;
    const y = c.reg(c.b[v]);
    c.cond = INT_CODES[c.imm[v]];
    c.sink(c.a[v]);
    compareMemory(c, F.CMP.mr[c.wide(c.b[v])], y);
    return true;
  },
  "icmp.imm_left": (c, v) => {
    if (!c.isImm32(c.a[v])) return false;
    const imm = c.immediate, w = c.wide(c.b[v]);
    const y = c.reg(c.b[v]);
    c.cond = INT_CODES[INT_COND_SWAPPED[c.imm[v]]];
    const i = c.code.begin(Shape.mi, F.fitsI8(imm) ? F.CMP.imm8[w] : F.CMP.imm32[w]);
    c.code.rmOp[i] = c.code.useAny(y);
    c.code.imm[i] = imm;
    return true;
  },
  "icmp": (c, v) => {
    const x = c.reg(c.a[v]), y = c.reg(c.b[v]);
    c.cond = INT_CODES[c.imm[v]];
    const i = c.code.begin(Shape.rm, F.CMP.rm[c.wide(c.a[v])]);
    c.code.regOp[i] = c.code.use(x);
    c.code.rmOp[i] = c.code.useAny(y);
    return true;
  },
});

function compareMemory(c: Selector, form: FormId, reg: number): void {
  const i = c.code.begin(Shape.rm, form);
  c.code.regOp[i] = c.code.use(reg);
  c.attachAddress(i);
}

function narrowLoad(c: Selector, v: number, load: number, max: number, form: FormId): boolean {
  const x = c.a[v];
  const cond = c.imm[v];
  if (c.op[x] !== load || !c.single(v) || !c.isImm32(c.b[v]) || c.immediate < 0 || c.immediate > max) return false;
  if (cond !== IntCond.eq && cond !== IntCond.ne && cond < IntCond.ult) return false;
  const imm = c.immediate;
  if (!c.canSink(x)) return false;
  c.cond = INT_CODES[cond];
  c.sink(x);
  const i = c.code.begin(Shape.mi, form);
  c.attachAddress(i);
  c.code.imm[i] = imm;
  return true;
}

/** Whether ucomis takes the operands of the condition in the opposite order. */
function isSwappedFloat(cond: number): boolean {
  return cond === FloatCond.lt || cond === FloatCond.le;
}

function floatCode(cond: number): number {
  if (cond === FloatCond.eq) return COND_FEQ;
  if (cond === FloatCond.ne) return COND_FNE;
  return cond === FloatCond.lt || cond === FloatCond.gt ? COND.A : COND.AE;
}

const FCMP_FLAGS = ruleList({
  "fcmp.load": (c, v) => {
    const swapped = isSwappedFloat(c.imm[v]);
    const left = swapped ? c.b[v] : c.a[v], right = swapped ? c.a[v] : c.b[v];
    if (!c.single(v) || !c.sinkable(right)) return false;
    const x = c.reg(left);
    c.cond = floatCode(c.imm[v]);
    c.sink(right);
    compareMemory(c, F.UCOMIS[c.wide(left)], x);
    return true;
  },
  "fcmp": (c, v) => {
    const swapped = isSwappedFloat(c.imm[v]);
    const left = swapped ? c.b[v] : c.a[v], right = swapped ? c.a[v] : c.b[v];
    const x = c.reg(left), y = c.reg(right);
    c.cond = floatCode(c.imm[v]);
    const i = c.code.begin(Shape.rm, F.UCOMIS[c.wide(left)]);
    c.code.regOp[i] = c.code.use(x);
    c.code.rmOp[i] = c.code.useAny(y);
    return true;
  },
});

/** Whether the comparison may be done again at its user: in the same block, or only there. */
function isRepeatable(c: Selector, v: number): boolean {
  // ADDR-1: an address must not come to live across a call.
  if (c.type[c.a[v]] === ADDR) return c.color[v] === c.currentColor;
  return c.near(v) || c.single(v);
}

/** Begins the instruction that sets the flags for "i32 `v` is not zero". */
const CONDITION = ruleList({
  "condition.icmp": (c, v) => {
    if (c.op[v] !== Ir.icmp || !isRepeatable(c, v)) return false;
    c.apply(ICMP_FLAGS, v);
    return true;
  },
  "condition.fcmp": (c, v) => {
    if (c.op[v] !== Ir.fcmp || !isRepeatable(c, v)) return false;
    c.apply(FCMP_FLAGS, v);
    return true;
  },
  "condition.and": (c, v) => {
    if (c.op[v] !== Ir.band || !c.single(v) || !c.near(v)) return false;
    c.cond = COND.NE;
    beginTestOf(c, v);
    return true;
  },
  "condition.vector_test": (c, v) => beginVectorTest(c, v),
  "condition.load": (c, v) => {
    if (!c.sinkable(v)) return false;
    c.cond = COND.NE;
    c.sink(v);
    const i = c.code.begin(Shape.mi, F.CMP.imm8[0]);
    c.attachAddress(i);
    c.code.imm[i] = 0;
    return true;
  },
  "condition": (c, v) => {
    c.cond = COND.NE;
    beginTest(c, v, c.reg(v));
    return true;
  },
});

/** As {@linkcode CONDITION}, for consumers that define nothing: the instruction may have a result of its own that nobody needs. */
const BRANCH_CONDITION = ruleList({
  // or sets ZF by its result: no test
  "branch.or": (c, v) => {
    if (c.op[v] !== Ir.bor || !c.single(v) || !c.near(v)) return false;
    const x = c.reg(c.a[v]), y = c.reg(c.b[v]);
    c.cond = COND.NE;
    c.twoAddress(F.OR.rm[c.wide(v)], c.temp(c.type[v]), x, y);
    return true;
  },
  "branch": (c, v) => {
    c.apply(CONDITION, v);
    return true;
  },
});

/** The instruction begun last: the one a condition left. */
function flagsInst(c: Selector): Inst {
  return c.code.count - 1 as Inst;
}

function setTail(c: Selector, tail: number): Inst {
  const i = flagsInst(c);
  c.code.tail[i] = tail;
  c.code.cond[i] = c.cond;
  return i;
}

function setcc(flags: typeof ICMP_FLAGS): Rule {
  return (c, v) => {
    c.apply(flags, v);
    const i = setTail(c, Tail.setcc);
    c.code.tailDef[i] = c.code.def(c.own(v));
    return true;
  };
}

const ICMP = ruleList({
  // (a & 1) != 0 and the like need no comparison
  "icmp.bit": (c, v) => {
    const x = c.a[v];
    if (
      c.imm[v] !== IntCond.ne || c.op[x] !== Ir.band || !c.isConstValue(c.b[v], 0) || !c.isConstValue(c.b[x], 1) ||
      !c.single(x)
    ) {
      return false;
    }
    const y = c.reg(c.a[x]);
    c.twoAddressImmediate(F.AND.imm8[0], c.own(v), y, 1);
    return true;
  },
  "icmp.setcc": setcc(ICMP_FLAGS),
});
const FCMP = ruleList({ "fcmp.setcc": setcc(FCMP_FLAGS) });

const BR_IF = ruleList({
  "br_if": (c, v) => {
    if (c.imm[v] === c.aux[v]) {
      c.code.begin(Shape.jump, 0);
      return true;
    }
    c.apply(BRANCH_CONDITION, c.a[v]);
    setTail(c, Tail.jcc);
    return true;
  },
});

function trapWhen(flip: number): Rule {
  return (c, v) => {
    c.apply(BRANCH_CONDITION, c.a[v]);
    c.cond ^= flip;
    const i = setTail(c, Tail.trap);
    c.code.imm2[i] = c.imm[v];
    c.code.needsFrame = 1;
    return true;
  };
}
const TRAP_IF = ruleList({ "trap_if": trapWhen(0) });
const TRAP_UNLESS = ruleList({ "trap_unless": trapWhen(1) });

function isFloat(type: Type): boolean {
  return IS_FLOAT_CLASS[type] === 1;
}

const SELECT = ruleList({
  "select.float": (c, v) => {
    if (!isFloat(c.type[v])) return false;
    const yes = c.reg(c.b[v]), no = c.reg(c.c[v]);
    c.apply(CONDITION, c.a[v]);
    const i = setTail(c, Tail.fselect);
    const { code } = c;
    const tied = code.use(no);
    code.tailUse[i] = code.use(yes);
    code.tailDef[i] = code.defReuse(c.own(v), tied);
    return true;
  },
  "select.cmov": (c, v) => {
    let yes = c.reg(c.b[v]), no = c.reg(c.c[v]);
    c.apply(CONDITION, c.a[v]);
    const i = flagsInst(c);
    const { code } = c;
    // Two flags make "equal": ask for "not equal" and exchange the values, so that two cmovs do.
    if (c.cond === COND_FEQ) {
      [c.cond, yes, no] = [COND_FNE, no, yes];
    }
    code.tail[i] = Tail.cmov;
    code.cond[i] = c.cond;
    const tied = code.use(no);
    code.tailUse[i] = code.useAny(yes);
    code.tailDef[i] = code.defReuse(c.own(v), tied);
    code.imm2[i] = c.wide(v);
    return true;
  },
});

export const COMPARE_BRANCH_RULES = {
  icmp: ICMP,
  fcmp: FCMP,
  br_if: BR_IF,
  trap_if: TRAP_IF,
  trap_unless: TRAP_UNLESS,
  select: SELECT,
} as const;
