/**
 * Selection of atomic accesses.
 *
 * x86-64 orders everything but a store before a later load, so an atomic load is a load, an atomic store an exchange, and the rest are locked
 * instructions, each a full fence. Whose old value nobody wants is one locked operation on memory; addition and subtraction give the old
 * value by `xadd`, the logical operations by a loop around `cmpxchg` (emit_sequence.ts).
 */

import { atomicWidthLog2, I64 } from "../../ir/mod.ts";
import type { FormId } from "../../x64/mod.ts";
import { NONE } from "../../base/mod.ts";
import { MemBase, Shape } from "../vcode.ts";
import * as F from "./forms.ts";
import { type Rule, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";

const RAX = 0;

/** [m], r = r, [m] by a form that swaps or adds; defines `v`, if it has a result, as the old contents. */
function exchange(c: Selector, v: number, form: FormId, value: number, widthLog2: number): void {
  if (c.vregOf[v] === NONE || widthLog2 >= 2) {
    // A 32-bit register write is zero-extended by itself.
    c.twoAddressMemory(form, c.vregOf[v] === NONE ? c.temp(I64) : c.own(v), value);
    return;
  }
  const old = c.temp(I64);
  c.twoAddressMemory(form, old, value);
  c.unary(F.LOAD_ZERO_EXTENDED[widthLog2], c.own(v), old);
}

/** op [m], r, when nobody wants the old value. */
function withoutResult(forms: readonly FormId[]): Rule {
  return (c, v) => {
    if (c.vregOf[v] !== NONE) return false;
    const value = c.reg(c.c[v]);
    c.address(v);
    c.toMemory(forms[atomicWidthLog2(c.aux[v])], value);
    return true;
  };
}

function repeated(forms: F.Alu): Rule {
  return (c, v) => {
    const { code } = c;
    const widthLog2 = atomicWidthLog2(c.aux[v]);
    const value = c.reg(c.c[v]);
    c.address(v);
    const i = code.begin(Shape.atomicLoop, forms.rm[widthLog2 === 3 ? 1 : 0]);
    code.auxOp[i] = code.use(value);
    c.attachAddress(i);
    code.regOp[i] = code.defFixedEarly(c.own(v), RAX);
    code.tailUse[i] = code.defEarly(c.temp(I64));
    code.imm[i] = widthLog2;
    return true;
  };
}

export const ATOMIC_RULES = {
  atomic_load: ruleList({
    "atomic_load": (c, v) => {
      c.address(v);
      c.fromMemory(F.LOAD_ZERO_EXTENDED[atomicWidthLog2(c.aux[v])], c.own(v));
      return true;
    },
  }),
  atomic_store: ruleList({
    "atomic_store": (c, v) => {
      const widthLog2 = atomicWidthLog2(c.aux[v]);
      const value = c.reg(c.c[v]);
      c.address(v);
      c.twoAddressMemory(F.XCHG_M[widthLog2], c.temp(I64), value);
      return true;
    },
  }),
  atomic_xchg: ruleList({
    "atomic_xchg": (c, v) => {
      const widthLog2 = atomicWidthLog2(c.aux[v]);
      const value = c.reg(c.c[v]);
      c.address(v);
      exchange(c, v, F.XCHG_M[widthLog2], value, widthLog2);
      return true;
    },
  }),
  atomic_add: ruleList({
    "atomic_add.unused": withoutResult(F.LOCK_ADD),
    "atomic_add": (c, v) => {
      const widthLog2 = atomicWidthLog2(c.aux[v]);
      const value = c.reg(c.c[v]);
      c.address(v);
      exchange(c, v, F.LOCK_XADD[widthLog2], value, widthLog2);
      return true;
    },
  }),
  atomic_sub: ruleList({
    "atomic_sub.unused": withoutResult(F.LOCK_SUB),
    "atomic_sub": (c, v) => {
      const widthLog2 = atomicWidthLog2(c.aux[v]);
      const value = c.reg(c.c[v]);
      const negated = c.temp(I64);
      c.address(v);
      c.oneAddress(F.NEG[1], negated, value);
      exchange(c, v, F.LOCK_XADD[widthLog2], negated, widthLog2);
      return true;
    },
  }),
  atomic_and: ruleList({ "atomic_and.unused": withoutResult(F.LOCK_AND), "atomic_and": repeated(F.AND) }),
  atomic_or: ruleList({ "atomic_or.unused": withoutResult(F.LOCK_OR), "atomic_or": repeated(F.OR) }),
  atomic_xor: ruleList({ "atomic_xor.unused": withoutResult(F.LOCK_XOR), "atomic_xor": repeated(F.XOR) }),
  atomic_cmpxchg: ruleList({
    "atomic_cmpxchg": (c, v) => {
      const { code } = c;
      const widthLog2 = atomicWidthLog2(c.aux[v]);
      const expected = c.reg(c.b[v]), replacement = c.reg(c.c[v]);
      c.addressWithoutIndex(v);
      const i = code.begin(Shape.rm, F.LOCK_CMPXCHG[widthLog2]);
      code.useFixed(expected, RAX);
      code.regOp[i] = code.use(replacement);
      c.attachAddress(i);
      // When it succeeds eax is not written, so its upper half is that of what was expected.
      const old = widthLog2 === 3 ? c.own(v) : c.temp(I64);
      code.defFixed(old, RAX);
      if (widthLog2 !== 3) c.unary(F.LOAD_ZERO_EXTENDED[widthLog2], c.own(v), old);
      return true;
    },
  }),
  fence: ruleList({
    "fence": (c) => {
      const { code } = c;
      const i = code.begin(Shape.mi, F.LOCK_OR_IMM8);
      code.memBase[i] = MemBase.rsp;
      code.disp[i] = 0;
      code.imm[i] = 0;
      return true;
    },
  }),
} as const;
