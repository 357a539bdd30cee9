/**
 * Selection of conversions between integers and floats, and of bit casts.
 *
 * cvttsd2si answers what it cannot represent with the lowest integer. Truncations test for that (or for what stands in for it) in line and
 * tell NaN, overflow and the honest lowest integer apart out of line (emit_sequence.ts).
 */

import { F64, I32, I64, IS_FLOAT_CLASS, REF, type Type } from "../../ir/mod.ts";
import type { FormId } from "../../x64/mod.ts";
import { Shape } from "../vcode.ts";
import * as F from "./forms.ts";
import { type Rule, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";

/** dst = form(src) where the form leaves the upper part of dst as it was. */
function breaking(c: Selector, form: FormId, dst: number, src: number): void {
  const { code } = c;
  const i = code.begin(Shape.rmBreak, form);
  code.rmOp[i] = code.useAny(src);
  code.regOp[i] = code.def(dst);
}

function changePrecision(form: FormId): Rule {
  return (c, v) => {
    const x = c.reg(c.a[v]);
    breaking(c, form, c.own(v), x);
    return true;
  };
}

const FROM_SINT = ruleList({
  "fcvt_from_sint.load": (c, v) => {
    const x = c.a[v];
    if (!c.sinkable(x)) return false;
    const form = F.CVT_FROM_INT[c.wide(v)][c.wide(x)];
    c.sink(x);
    const i = c.code.begin(Shape.rmBreak, form);
    c.attachAddress(i);
    c.code.regOp[i] = c.code.def(c.own(v));
    return true;
  },
  "fcvt_from_sint": (c, v) => {
    const x = c.reg(c.a[v]);
    breaking(c, F.CVT_FROM_INT[c.wide(v)][c.wide(c.a[v])], c.own(v), x);
    return true;
  },
});

const FROM_UINT = ruleList({
  // A zero-extended 32-bit integer is a non-negative 64-bit one.
  "fcvt_from_uint.32": (c, v) => {
    const x = c.a[v];
    if (c.type[x] !== I32) return false;
    let r: number;
    if (c.zeroesUpper(x)) r = c.zeroed(x);
    else {
      const narrow = c.reg(x);
      r = c.temp(I64);
      c.moveZeroExtended(r, narrow);
    }
    const { code } = c;
    const i = code.begin(Shape.rmBreak, F.CVT_FROM_INT[c.wide(v)][1]);
    // SEL-4: a register only, since a slot of an i32 is read as 64 bits.
    code.rmOp[i] = code.use(r);
    code.regOp[i] = code.def(c.own(v));
    return true;
  },
  "fcvt_from_uint.64": (c, v) => {
    const { code } = c;
    const x = c.reg(c.a[v]);
    const i = code.begin(Shape.cvtFromU64, 0);
    code.rmOp[i] = code.use(x);
    code.regOp[i] = code.def(c.own(v));
    code.auxOp[i] = code.defEarly(c.temp(I64));
    code.tailUse[i] = code.defEarly(c.temp(I64));
    code.imm2[i] = c.wide(v);
    return true;
  },
});

/** imm: width of the integer, imm2: width of the float. */
function truncation(c: Selector, v: number, shape: number, temporary: Type): void {
  const { code } = c;
  const x = c.reg(c.a[v]);
  const i = code.begin(shape, 0);
  code.rmOp[i] = code.use(x);
  code.regOp[i] = code.def(c.own(v));
  if (temporary !== 0) code.auxOp[i] = code.defEarly(c.temp(temporary));
  code.imm[i] = c.wide(v);
  code.imm2[i] = c.wide(c.a[v]);
}

function trapping(shape32: number, temporary32: Type, shape64: number, temporary64: Type): Rule {
  return (c, v) => {
    if (c.type[v] === I64) truncation(c, v, shape64, temporary64);
    else truncation(c, v, shape32, temporary32);
    c.code.needsFrame = 1;
    return true;
  };
}
function saturating(shape32: number, temporary32: Type, shape64: number, temporary64: Type): Rule {
  return (c, v) => {
    if (c.type[v] === I64) truncation(c, v, shape64, temporary64);
    else truncation(c, v, shape32, temporary32);
    return true;
  };
}

const BITCAST = ruleList({
  "bitcast.to_float": (c, v) => {
    if (IS_FLOAT_CLASS[c.type[v]] === 0) return false;
    const x = c.reg(c.a[v]);
    c.unary(F.INT_TO_FLOAT[c.wide(v)], c.own(v), x);
    return true;
  },
  "bitcast.to_ref": (c, v) => {
    if (c.type[v] !== REF) return false;
    const x = c.reg(c.a[v]);
    c.moveZeroExtended(c.own(v), x);
    return true;
  },
  // movd and movq store from their register operand: the integer is ModRM.rm.
  "bitcast.to_int": (c, v) => {
    const { code } = c;
    const x = c.reg(c.a[v]);
    const i = code.begin(Shape.rm, F.FLOAT_TO_INT[c.wide(v)]);
    code.regOp[i] = code.use(x);
    code.rmOp[i] = code.def(c.own(v));
    return true;
  },
});

export const CONVERT_RULES = {
  fpromote: ruleList({ "fpromote": changePrecision(F.CVT_SS_SD) }),
  fdemote: ruleList({ "fdemote": changePrecision(F.CVT_SD_SS) }),
  fcvt_from_sint: FROM_SINT,
  fcvt_from_uint: FROM_UINT,
  fcvt_to_sint: ruleList({ "fcvt_to_sint": trapping(Shape.truncSigned, 0, Shape.truncSigned, 0) }),
  fcvt_to_uint: ruleList({ "fcvt_to_uint": trapping(Shape.truncUnsigned32, I64, Shape.truncUnsigned64, F64) }),
  fcvt_to_sint_sat: ruleList({ "fcvt_to_sint_sat": saturating(Shape.truncSatSigned, 0, Shape.truncSatSigned, 0) }),
  fcvt_to_uint_sat: ruleList({
    "fcvt_to_uint_sat": saturating(Shape.truncSatUnsigned32, I64, Shape.truncSatUnsigned64, F64),
  }),
  bitcast: BITCAST,
} as const;
