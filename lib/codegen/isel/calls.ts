/**
 * Selection of calls (CALL-1 to CALL-5, lib/abi/calling.ts).
 *
 * Stack arguments are stored to the outgoing area at rsp first; register arguments are fixed uses of the call instruction, results in
 * registers its fixed definitions, and results in return slots are loaded behind it. A call destroys every register, so the allocator
 * keeps what lives across it in slots.
 */

import { INT_ARG_REGS, INT_RESULT_REGS, Libcall, STACK_BASE, Stress } from "../../abi/mod.ts";
import { bug, NONE } from "../../base/mod.ts";
import { I64, REF } from "../../ir/mod.ts";
import { type Inst, MemBase, Shape } from "../vcode.ts";
import { RelocationTarget } from "../function_code.ts";
import { calleeNullTrap } from "../../ir/mod.ts";
import { ALLOCATABLE, TAIL_CALLEE } from "../registers.ts";
import { isEntryCovered } from "./covered_poll.ts";
import { loadForm, STACK_ARGUMENTS_FROM_RBP, storeToStack } from "./control.ts";
import { ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";

/** Begins an instruction that takes the arguments of call `v` that travel in registers. */
function beginWithArguments(c: Selector, v: number, shape: number): Inst {
  const { code, list } = c;
  const { params } = c.target.layout(c.aux[v]);
  const start = c.b[v], count = c.c[v];
  list.reset();
  for (let k = 0; k < count; k++) if (params[k] < STACK_BASE) list.push(c.reg(c.pool[start + k]));
  const i = code.begin(shape, 0);
  let next = 0;
  for (let k = 0; k < count; k++) if (params[k] < STACK_BASE) code.useFixed(list.data[next++], params[k]);
  return i;
}

/** Begins call `v` of a shape: arguments stored and collected, fixed uses added. `callee` is a further register operand or NONE. */
function beginCall(c: Selector, v: number, shape: number, callee: number): Inst {
  const { code } = c;
  const layout = c.target.layout(c.aux[v]);
  const start = c.b[v], count = c.c[v];
  for (let k = 0; k < count; k++) {
    const location = layout.params[k];
    if (location >= STACK_BASE) storeToStack(c, c.pool[start + k], MemBase.rsp, location - STACK_BASE);
  }
  const elem = callee === NONE ? NONE : c.reg(callee);
  const i = beginWithArguments(c, v, shape);
  if (elem !== NONE) code.regOp[i] = code.use(elem);
  code.clobbers[i] = ALLOCATABLE;
  code.imm[i] = c.imm[v];
  code.imm2[i] = layout.stackArgBytes;
  code.outgoingBytes = Math.max(code.outgoingBytes, layout.stackArgBytes + layout.returnSlotBytes);
  code.needsFrame = 1;
  code.hasCalls = 1;
  code.leadsOn = 1;
  return i;
}

/** Defines the results of call `v`. */
function defineResults(c: Selector, v: number): void {
  const layout = c.target.layout(c.aux[v]);
  if (layout.results.length === 0) return;
  defineRegister(c, v, layout.results[0]);
  for (let p = c.firstProj[v]; p !== NONE; p = c.nextProj[p]) defineRegister(c, p, layout.results[c.imm[p]]);
  loadSlot(c, v, layout.results[0], layout.stackArgBytes);
  for (let p = c.firstProj[v]; p !== NONE; p = c.nextProj[p]) {
    loadSlot(c, p, layout.results[c.imm[p]], layout.stackArgBytes);
  }
}

function defineRegister(c: Selector, result: number, location: number): void {
  if (c.vregOf[result] !== NONE && location < STACK_BASE) c.code.defFixed(c.vregOf[result], location);
}

// After the call rsp is where it was, so return slots lie above the arguments again.
function loadSlot(c: Selector, result: number, location: number, stackArgBytes: number): void {
  if (c.vregOf[result] === NONE || location < STACK_BASE) return;
  const { code } = c;
  const i = code.begin(Shape.rm, loadForm(c, result));
  code.memBase[i] = MemBase.rsp;
  code.disp[i] = stackArgBytes + location - STACK_BASE;
  code.regOp[i] = code.def(c.vregOf[result]);
}

const CALL = ruleList({
  "call": (c, v) => {
    beginCall(c, v, Shape.call, NONE);
    defineResults(c, v);
    return true;
  },
});

const CALL_IMPORT = ruleList({
  "call_import": (c, v) => {
    const i = beginCall(c, v, Shape.callImport, NONE);
    c.code.disp[i] = c.target.functionImportOffset(c.imm[v]);
    defineResults(c, v);
    return true;
  },
});

const CALL_INDIRECT = ruleList({
  "call_indirect": (c, v) => {
    beginCall(c, v, Shape.callIndirect, c.a[v]);
    defineResults(c, v);
    return true;
  },
});

/** Begins libcall `v`: its number in imm. */
function beginLibcall(c: Selector, v: number): Inst {
  const { code, list } = c;
  const start = c.b[v], count = c.c[v];
  if (count > INT_ARG_REGS.length) bug("libcall with more than six arguments");
  list.reset();
  for (let k = 0; k < count; k++) list.push(c.reg(c.pool[start + k]));
  const i = code.begin(Shape.libcall, 0);
  for (let k = 0; k < count; k++) code.useFixed(list.data[k], INT_ARG_REGS[k]);
  // SEL-5: the result came through 64 bits of the record.
  const isRef = c.vregOf[v] !== NONE && c.type[v] === REF;
  const raw = isRef ? c.temp(I64) : c.vregOf[v];
  if (raw !== NONE) code.defFixed(raw, INT_RESULT_REGS[0]);
  code.clobbers[i] = ALLOCATABLE;
  code.imm[i] = c.imm[v];
  code.imm2[i] = RelocationTarget.libcallStub;
  code.needsFrame = 1;
  code.hasCalls = 1;
  code.leadsOn = 1;
  if (isRef) c.moveZeroExtended(c.vregOf[v], raw);
  return i;
}

/** A bulk operation on one memory tries its stub first, which wants the memory's definition in r9. */
function beginBulk(c: Selector, v: number, stub: number): boolean {
  const memory = c.pool[c.b[v]];
  if (!c.isConst(memory)) return false;
  const place = c.target.memoryDefinition(c.imm[memory]);
  if (place === undefined) return false;
  const i = beginLibcall(c, v);
  c.code.imm2[i] = stub;
  c.code.disp[i] = place;
  return true;
}

const LIBCALL = ruleList({
  "libcall.memory_copy": (c, v) => {
    if (c.imm[v] !== Libcall.memory_copy) return false;
    const to = c.pool[c.b[v]], from = c.pool[c.b[v] + 1];
    return c.isConst(to) && c.isConst(from) && c.imm[to] === c.imm[from] && beginBulk(c, v, RelocationTarget.copyStub);
  },
  "libcall.memory_fill": (c, v) => c.imm[v] === Libcall.memory_fill && beginBulk(c, v, RelocationTarget.fillStub),
  "libcall": (c, v) => {
    beginLibcall(c, v);
    return true;
  },
});

/**
 * Begins tail call `v`. Where the new stack arguments fit into the old ones' area, which nobody reads any more, they are stored there at
 * once; otherwise they would overwrite this frame, so they are gathered in the outgoing area, and moved when the frame is given up.
 */
function beginTailCall(c: Selector, v: number, shape: number, callee: number): Inst {
  const { code } = c;
  const layout = c.target.layout(c.aux[v]);
  const mine = c.target.layout(c.func.signature).stackArgBytes;
  const start = c.b[v], count = c.c[v];
  const fits = layout.stackArgBytes <= mine;
  for (let k = 0; k < count; k++) {
    const location = layout.params[k];
    if (location < STACK_BASE) continue;
    const offset = location - STACK_BASE;
    if (fits) {
      storeToStack(c, c.pool[start + k], MemBase.rbp, STACK_ARGUMENTS_FROM_RBP + mine - layout.stackArgBytes + offset);
    } else storeToStack(c, c.pool[start + k], MemBase.rsp, offset);
  }
  const elem = callee === NONE ? NONE : c.reg(callee);
  const i = beginWithArguments(c, v, shape);
  if (elem !== NONE) code.useFixed(elem, TAIL_CALLEE);
  code.imm[i] = c.imm[v];
  code.imm2[i] = layout.stackArgBytes;
  code.leadsOn = 1;
  if (!fits) code.outgoingBytes = Math.max(code.outgoingBytes, layout.stackArgBytes);
  if (mine !== 0 || !fits || calleeNullTrap(c.imm[v]) !== 0) code.needsFrame = 1;
  return i;
}

const RETURN_CALL = ruleList({
  "return_call": (c, v) => {
    beginTailCall(c, v, Shape.tailCall, NONE);
    return true;
  },
});

const RETURN_CALL_IMPORT = ruleList({
  "return_call_import": (c, v) => {
    const i = beginTailCall(c, v, Shape.tailCallImport, NONE); // first: it may grow the columns
    c.code.disp[i] = c.target.functionImportOffset(c.imm[v]);
    return true;
  },
});

const RETURN_CALL_INDIRECT = ruleList({
  "return_call_indirect": (c, v) => {
    beginTailCall(c, v, Shape.tailCallIndirect, c.a[v]);
    return true;
  },
});

const POLL = ruleList({
  // Its loops have polls of their own. The entry block is selected last, so all calls are known.
  "poll.leaf": ({ code, currentBlock }) => currentBlock === 0 && code.leadsOn === 0,
  "poll.covered": (c) => c.currentBlock === 0 && isEntryCovered(c),
  "poll": ({ code, target }) => {
    const i = code.begin(Shape.poll, 0);
    code.imm[i] = target.stress & Stress.poll;
    code.needsFrame = 1;
    return true;
  },
});

const FUEL_POLL = ruleList({
  "fuel_poll": ({ code, imm }, v) => {
    const i = code.begin(Shape.fuelPoll, 0);
    code.imm[i] = imm[v];
    code.needsFrame = 1;
    return true;
  },
});

const FUEL = ruleList({
  "fuel.amount": (c, v) => {
    if (c.a[v] === NONE) return false;
    const { code } = c;
    const amount = c.reg(c.a[v]);
    const i = code.begin(Shape.fuelAmount, 0);
    code.regOp[i] = code.use(amount);
    return true;
  },
  // An arm in which nothing costs anything.
  "fuel.none": (c, v) => c.imm[v] === 0,
  "fuel": ({ code, imm }, v) => {
    const i = code.begin(Shape.fuelTake, 0);
    code.imm[i] = imm[v];
    return true;
  },
});

export const CALL_RULES = {
  call: CALL,
  call_import: CALL_IMPORT,
  call_indirect: CALL_INDIRECT,
  return_call: RETURN_CALL,
  return_call_import: RETURN_CALL_IMPORT,
  return_call_indirect: RETURN_CALL_INDIRECT,
  libcall: LIBCALL,
  poll: POLL,
  fuel_poll: FUEL_POLL,
  fuel: FUEL,
} as const;
