/**
 * Selection of loads, stores and addresses of the VM context.
 *
 * A store whose value is an arithmetic operation on a load from the same address becomes one read-modify-write instruction. The machine
 * instruction that may fault carries the access's trap code; it faults before it writes anything.
 */

import { NONE } from "../../base/mod.ts";
import { F32, F64, I64, Ir } from "../../ir/mod.ts";
import type { FormId } from "../../x64/mod.ts";
import { MemBase, Shape } from "../vcode.ts";
import * as F from "./forms.ts";
import { type Rule, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";
import { LANE_STORES } from "./vector_lanes.ts";

function loadWith(form: FormId): Rule {
  return (c, v) => {
    c.address(v);
    c.fromMemory(form, c.own(v));
    return true;
  };
}

function loadByWidth(forms: F.Pair): Rule {
  return (c, v) => {
    c.address(v);
    c.fromMemory(forms[c.wide(v)], c.own(v));
    return true;
  };
}

const LOAD = ruleList({
  "load": (c, v) => {
    if (!c.isIntClass(c.type[v])) return false;
    c.address(v);
    c.fromMemory(F.MOV_LOAD[c.wide(v)], c.own(v));
    return true;
  },
  "load.float": (c, v) => {
    if (c.type[v] !== F32 && c.type[v] !== F64) return false;
    c.address(v);
    c.fromMemory(F.FLOAD[c.wide(v)], c.own(v));
    return true;
  },
  "load.vector": (c, v) => {
    c.address(v);
    c.fromMemory(F.MOVUPS_LOAD, c.own(v));
    return true;
  },
});

// Stores.

function storeImmediate(c: Selector, v: number, form: FormId, imm: number): boolean {
  c.address(v);
  const i = c.code.begin(Shape.mi, form);
  c.attachAddress(i);
  c.code.imm[i] = imm;
  return true;
}

/** Whether load `x` reads the location that store `v` writes, and may be folded into it. */
function isSameLocation(c: Selector, v: number, x: number): boolean {
  return c.op[x] === Ir.load && c.a[x] === c.a[v] && c.b[x] === c.b[v] && c.imm[x] === c.imm[v] && c.canSink(x) &&
    c.color[x] === c.currentColor;
}

const RMW_FORMS: (F.Alu | null)[] = new Array(Object.keys(Ir).length).fill(null);
RMW_FORMS[Ir.iadd] = F.ADD;
RMW_FORMS[Ir.isub] = F.SUB;
RMW_FORMS[Ir.band] = F.AND;
RMW_FORMS[Ir.bor] = F.OR;
RMW_FORMS[Ir.bxor] = F.XOR;

/** op [m], r or op [m], imm: the stored value is `load op other` of the same place. */
function readModifyWrite(c: Selector, v: number, load: number, other: number, forms: F.Alu): boolean {
  if (!isSameLocation(c, v, load)) return false;
  c.sunk[load] = 1;
  // The load is what faults first: the address is taken from it.
  const w = c.wide(load);
  if (c.isImm32(other)) {
    const imm = c.immediate;
    return storeImmediate(c, load, F.fitsI8(imm) ? forms.imm8[w] : forms.imm32[w], imm);
  }
  const r = c.reg(other);
  c.address(load);
  c.toMemory(forms.mr[w], r);
  return true;
}

const STORE = ruleList({
  ...LANE_STORES.store,
  "store.imm": (c, v) => {
    if (!c.isImm32(c.c[v])) return false;
    return storeImmediate(c, v, F.MOV_M_IMM[c.wide(c.c[v])], c.immediate);
  },
  "store.rmw": (c, v) => {
    const x = c.c[v];
    const forms = RMW_FORMS[c.op[x]];
    if (forms === null || !c.single(x) || c.vregOf[x] !== NONE || c.blockOf[x] !== c.currentBlock) return false;
    const swap = c.op[x] !== Ir.isub;
    return readModifyWrite(c, v, c.a[x], c.b[x], forms) || swap && readModifyWrite(c, v, c.b[x], c.a[x], forms);
  },
  "store": (c, v) => {
    if (!c.isIntClass(c.type[c.c[v]])) return false;
    const r = c.reg(c.c[v]);
    c.address(v);
    c.toMemory(F.MOV_STORE[c.wide(c.c[v])], r);
    return true;
  },
  // A float constant is stored as the integer with its bits.
  "store.float_imm": (c, v) => {
    const x = c.c[v];
    if (c.op[x] !== Ir.fconst) return false;
    if (c.type[x] === F32) return storeImmediate(c, v, F.MOV_M_IMM[0], c.imm[x]);
    if (c.aux[x] !== c.imm[x] >> 31) return false;
    return storeImmediate(c, v, F.MOV_M_IMM[1], c.imm[x]);
  },
  "store.float": (c, v) => {
    const type = c.type[c.c[v]];
    if (type !== F32 && type !== F64) return false;
    const r = c.reg(c.c[v]);
    c.address(v);
    c.toMemory(F.FSTORE[c.wide(c.c[v])], r);
    return true;
  },
  "store.vector": (c, v) => {
    const r = c.reg(c.c[v]);
    c.address(v);
    c.toMemory(F.MOVUPS_STORE, r);
    return true;
  },
});

/** The value without what a store of its low `bits` does not see. */
function narrowed(c: Selector, v: number, bits: number): number {
  for (;;) {
    const o = c.op[v];
    if (o === Ir.band && c.isConst(c.b[v]) && ~c.imm[c.b[v]] << 32 - bits === 0) v = c.a[v];
    else if (o === Ir.sext8 && bits === 8 || o === Ir.sext16 && bits <= 16) v = c.a[v];
    else if (o === Ir.wrap) v = c.a[v];
    else return v;
  }
}

function storeNarrow(form: FormId, immForm: FormId, bits: number): Rule {
  return (c, v) => {
    const x = narrowed(c, c.c[v], bits);
    if (c.isConst(x)) return storeImmediate(c, v, immForm, c.imm[x]);
    const r = c.reg(x);
    c.address(v);
    c.toMemory(form, r);
    return true;
  };
}

const STORE32 = ruleList({
  "store32.imm": (c, v) => c.isConst(c.c[v]) && storeImmediate(c, v, F.MOV_M_IMM[0], c.imm[c.c[v]]),
  "store32": (c, v) => {
    const r = c.reg(c.c[v]);
    c.address(v);
    c.toMemory(F.MOV_STORE[0], r);
    return true;
  },
});

/** mov r, [r14 + imm], then, if aux is given, mov r, [r + aux]. */
const VMCTX_ADDR = ruleList({
  "vmctx_addr": (c, v) => {
    const { code } = c;
    const indirect = c.aux[v] !== NONE;
    const first = indirect ? c.temp(I64) : c.own(v);
    const i = code.begin(Shape.rm, F.MOV_R64);
    code.memBase[i] = MemBase.vmctx;
    code.disp[i] = c.imm[v];
    code.regOp[i] = code.def(first);
    if (indirect) {
      const j = code.begin(Shape.rm, F.MOV_R64);
      code.memBase[j] = code.use(first);
      code.disp[j] = c.aux[v];
      code.regOp[j] = code.def(c.own(v));
    }
    return true;
  },
});

export const MEMORY_RULES = {
  load: LOAD,
  load8_u: ruleList({ "load8_u": loadWith(F.MOVZX_8) }),
  load8_s: ruleList({ "load8_s": loadByWidth(F.MOVSX_8) }),
  load16_u: ruleList({ "load16_u": loadWith(F.MOVZX_16) }),
  load16_s: ruleList({ "load16_s": loadByWidth(F.MOVSX_16) }),
  load32_u: ruleList({ "load32_u": loadWith(F.MOV_R32) }),
  load32_s: ruleList({ "load32_s": loadWith(F.MOVSXD) }),
  store: STORE,
  store8: ruleList({ ...LANE_STORES.store8, "store8": storeNarrow(F.MOV_STORE_8, F.MOV_M8_IMM, 8) }),
  store16: ruleList({ ...LANE_STORES.store16, "store16": storeNarrow(F.MOV_STORE_16, F.MOV_M16_IMM, 16) }),
  store32: STORE32,
  vmctx_addr: VMCTX_ADDR,
} as const;
