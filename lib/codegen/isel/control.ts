/** Selection of parameters, jumps, tables, returns and traps. */

import { STACK_BASE } from "../../abi/mod.ts";
import { I64, IS_FLOAT_CLASS, V128 } from "../../ir/mod.ts";
import type { FormId } from "../../x64/mod.ts";
import { MemBase, Shape } from "../vcode.ts";
import * as F from "./forms.ts";
import { ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";

/** The form that loads a whole value of the type of `v`. */
export function loadForm(c: Selector, v: number): FormId {
  const type = c.type[v];
  if (type === V128) return F.MOVUPS_LOAD;
  return IS_FLOAT_CLASS[type] === 1 ? F.FLOAD[c.wide(v)] : F.MOV_LOAD[c.wide(v)];
}

/** The form that stores a whole value of the type of `v`. */
function storeForm(c: Selector, v: number): FormId {
  const type = c.type[v];
  if (type === V128) return F.MOVUPS_STORE;
  return IS_FLOAT_CLASS[type] === 1 ? F.FSTORE[c.wide(v)] : F.MOV_STORE[c.wide(v)];
}

/** Stores value `v`, as the convention passes it, to base + disp. */
export function storeToStack(c: Selector, v: number, base: number, disp: number): void {
  const { code } = c;
  if (c.isImm32(v)) {
    const i = code.begin(Shape.mi, F.MOV_M_IMM[c.wide(v)]);
    code.memBase[i] = base;
    code.disp[i] = disp;
    code.imm[i] = c.immediate;
    return;
  }
  const r = c.reg(v);
  const i = code.begin(Shape.rm, storeForm(c, v));
  code.regOp[i] = code.use(r);
  code.memBase[i] = base;
  code.disp[i] = disp;
}

/** Offset from rbp of stack argument 0: return address and saved rbp lie between. */
export const STACK_ARGUMENTS_FROM_RBP = 16;

// Register parameters are defined by the entry instruction (`beginEntry`); only stack parameters are lowered at their place.
const PARAM = ruleList({
  "param.register": (c, v) => c.target.layout(c.func.signature).params[c.imm[v]] < STACK_BASE,
  "param.stack": (c, v) => {
    const { code } = c;
    const location = c.target.layout(c.func.signature).params[c.imm[v]];
    code.needsFrame = 1;
    const i = code.begin(Shape.rm, loadForm(c, v));
    code.memBase[i] = MemBase.rbp;
    code.disp[i] = STACK_ARGUMENTS_FROM_RBP + location - STACK_BASE;
    code.regOp[i] = code.def(c.own(v));
    return true;
  },
});

const RETURN = ruleList({
  "return": (c, v) => {
    const { code, list } = c;
    const layout = c.target.layout(c.func.signature);
    const start = c.b[v], count = c.c[v];
    for (let k = 0; k < count; k++) {
      const location = layout.results[k];
      if (location < STACK_BASE) continue;
      code.needsFrame = 1;
      storeToStack(
        c,
        c.pool[start + k],
        MemBase.rbp,
        STACK_ARGUMENTS_FROM_RBP + layout.stackArgBytes + location - STACK_BASE,
      );
    }
    list.reset();
    for (let k = 0; k < count; k++) if (layout.results[k] < STACK_BASE) list.push(c.reg(c.pool[start + k]));
    const i = code.begin(Shape.ret, 0);
    let next = 0;
    for (let k = 0; k < count; k++) {
      if (layout.results[k] < STACK_BASE) code.useFixed(list.data[next++], layout.results[k]);
    }
    code.imm[i] = layout.stackArgBytes;
    return true;
  },
});

const BR_TABLE = ruleList({
  // A table with a default only.
  "br_table.jump": (c, v) => {
    const start = c.b[v], count = c.c[v];
    for (let k = 1; k < count; k++) if (c.pool[start + k] !== c.pool[start]) return false;
    c.code.begin(Shape.jump, 0);
    return true;
  },
  "br_table": (c, v) => {
    const { code } = c;
    const index = c.reg(c.a[v]);
    const i = code.begin(Shape.brTable, 0);
    code.regOp[i] = code.use(index);
    code.auxOp[i] = code.defEarly(c.temp(I64));
    code.rmOp[i] = code.defEarly(c.temp(I64));
    code.imm[i] = c.b[v];
    code.imm2[i] = c.c[v];
    return true;
  },
});

export const CONTROL_RULES = {
  param: PARAM,
  jump: ruleList({
    // Arguments for parameters that nobody reads are dropped with them.
    "jump": (c, v) => {
      const { func, jumpArgs, pool } = c;
      const target = c.imm[v], count = c.c[v];
      const first = jumpArgs.length;
      for (let k = 0; k < count; k++) {
        const param = pool[func.paramStart[target] + k];
        if (c.useCount[param] > 0) jumpArgs.push(c.reg(pool[c.b[v] + k]));
      }
      c.jumpArgStart[c.currentBlock] = first;
      c.jumpArgCount[c.currentBlock] = jumpArgs.length - first;
      c.code.begin(Shape.jump, 0);
      return true;
    },
  }),
  br_table: BR_TABLE,
  unwind_edge: ruleList({
    // imm, imm2: the handler clauses in the pool.
    "unwind_edge": (c, v) => {
      const i = c.code.begin(Shape.unwindEdge, 0);
      c.code.imm[i] = c.b[v];
      c.code.imm2[i] = c.c[v];
      return true;
    },
  }),
  return: RETURN,
  trap: ruleList({
    "trap": (c, v) => {
      const i = c.code.begin(Shape.trap, 0);
      c.code.imm2[i] = c.imm[v];
      c.code.needsFrame = 1;
      return true;
    },
  }),
} as const;
