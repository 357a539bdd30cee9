/**
 * Instruction selection: IR to virtual-register machine code.
 *
 * Blocks from last to first, each backwards; the table below names the rule list of every IR operation (an operation without one does
 * not compile). What lowers nothing at its own place (constants, copies of registers) has the empty list's only rule.
 */

import { STACK_BASE, Stress } from "../../abi/mod.ts";
import { bug, NONE } from "../../base/mod.ts";
import { canEliminate, type Func, I32, Ir, isCall, perIrOp } from "../../ir/mod.ts";
import { DEF } from "../../regalloc/mod.ts";
import { Shape } from "../vcode.ts";
import { ATOMIC_RULES } from "./atomic.ts";
import { CALL_RULES } from "./calls.ts";
import { COMPARE_BRANCH_RULES } from "./compare_branch.ts";
import { CONTROL_RULES } from "./control.ts";
import { CONVERT_RULES } from "./convert.ts";
import { FLOAT_RULES } from "./float.ts";
import { INTEGER_RULES } from "./integer.ts";
import { MEMORY_RULES } from "./memory.ts";
import { type RuleList, ruleList } from "./rules.ts";
import type { SelectionTarget, Selector } from "./selector.ts";
import { WIDE_RULES } from "./wide.ts";
import { VECTOR_INTEGER_RULES } from "./vector.ts";
import { VECTOR_FLOAT_RULES } from "./vector_float.ts";
import { VECTOR_LANE_RULES } from "./vector_lanes.ts";

// Made at their uses, aliases of other registers, or defined by the entry, a block or a call: never lowered at their own place.
const ELSEWHERE: RuleList = ruleList({ "elsewhere": () => bug("this operation is not lowered at its place") });

const SELECT: readonly RuleList[] = perIrOp<RuleList>({
  ...INTEGER_RULES,
  ...WIDE_RULES,
  ...COMPARE_BRANCH_RULES,
  ...MEMORY_RULES,
  ...ATOMIC_RULES,
  ...FLOAT_RULES,
  ...CONVERT_RULES,
  ...CALL_RULES,
  ...CONTROL_RULES,
  ...VECTOR_INTEGER_RULES,
  ...VECTOR_LANE_RULES,
  ...VECTOR_FLOAT_RULES,
  block_param: ELSEWHERE,
  proj: ELSEWHERE,
  iconst: ELSEWHERE,
  fconst: ELSEWHERE,
  vconst: ELSEWHERE,
  copy: ELSEWHERE,
  wrap: ELSEWHERE,
  vmctx: ELSEWHERE,
  record: ELSEWHERE,
});

/** Fills `c.code` and the allocator's input for `func`. */
export function selectInstructions(c: Selector, func: Func, target: SelectionTarget): void {
  c.start(func, target);
  const { code, blocks } = c;
  code.input.reserveBlocks(blocks.count);
  const isPoisoning = isPoisoned(c);
  for (let k = blocks.count - 1; k >= 0; k--) {
    c.currentBlock = k;
    code.beginBlock(k);
    selectBlock(c, blocks.irBlock[k]);
    if (isPoisoning) poisonParams(c, blocks.irBlock[k]);
  }
  code.finish(blocks.count);
  describeBlocks(c);
}

function selectBlock(c: Selector, block: number): void {
  const { func, code, op, vregOf, sunk, aux } = c;
  const { order } = func;
  const start = func.blockStart[block];
  const isPoisoning = isPoisoned(c);
  for (let position = func.blockEnd[block] - 1; position >= start; position--) {
    const v = order[position];
    const o = op[v];
    // A value that another instruction defines together with its own has a register and is sunk all the same.
    if (sunk[v] === 1 || vregOf[v] === NONE && canEliminate(o, aux[v])) continue;
    // Results beyond the first are defined by their call, register parameters by the entry.
    if (o === Ir.proj) continue;
    code.beginGroup();
    code.currentSite = func.site[v];
    c.currentColor = c.color[v];
    c.currentPosition = position;
    const first = code.count;
    c.apply(SELECT[o], v);
    if (isPoisoning) poisonResults(c, v, first);
  }
  if (block === 0) selectEntry(c);
}

// One instruction defines all register parameters in use, where the convention passes them.
function selectEntry(c: Selector): void {
  const { func, code, op, vregOf, imm } = c;
  const { params } = c.target.layout(func.signature);
  code.beginGroup();
  const entry = code.begin(Shape.entry, 0);
  for (let position = func.blockStart[0]; position < func.blockEnd[0]; position++) {
    const v = func.order[position];
    if (op[v] !== Ir.param || vregOf[v] === NONE) continue;
    const location = params[imm[v]];
    if (location < STACK_BASE) code.defFixed(vregOf[v], location);
  }
  if (!isPoisoned(c)) return;
  for (let position = func.blockStart[0]; position < func.blockEnd[0]; position++) {
    const v = func.order[position];
    if (op[v] === Ir.param) poisonDefinition(c, v, entry, entry + 1);
  }
}

// ZX-2. A poisoned value is defined by an instruction of its own, behind the one that computes it.

function isPoisoned(c: Selector): boolean {
  return (c.target.stress & Stress.poison) !== 0;
}

/** Poisons the results of `v`, whose instructions are those from `first` on. */
function poisonResults(c: Selector, v: number, first: number): void {
  const end = c.code.count;
  poisonDefinition(c, v, first, end);
  for (let p = c.firstProj[v]; p !== NONE; p = c.nextProj[p]) poisonDefinition(c, p, first, end);
}

/** Whether the value comes by the calling convention, which promises nothing about upper halves, whatever anybody thinks proved. */
function isPassed(op: number): boolean {
  return isCall(op) || op === Ir.param || op === Ir.proj;
}

/** Lets the instruction from `first` to `end` that defines `v`, an i32 not proved to be extended, define a vreg that is poisoned into its own. */
function poisonDefinition(c: Selector, v: number, first: number, end: number): void {
  const vreg = c.vregOf[v];
  if (vreg === NONE || c.type[v] !== I32 || (c.zeroesUpper(v) && !isPassed(c.op[v]))) return;
  const { code } = c;
  for (let i = first; i < end; i++) {
    for (let o = code.opStart[i]; o < code.opEnd[i]; o++) {
      if (code.opVreg[o] !== vreg || (code.opInfo[o] & DEF) === 0) continue;
      poison(c, code.opVreg[o] = c.temp(I32), vreg);
      return;
    }
  }
}

/** Poisons the parameters of a block, which come in vregs of their own. */
function poisonParams(c: Selector, block: number): void {
  const { func, code, vregOf } = c;
  code.beginGroup();
  for (let i = 0; i < func.paramCount[block]; i++) {
    const param = func.pool.data[func.paramStart[block] + i];
    if (c.useCount[param] === 0 || vregOf[param] === NONE || c.type[param] !== I32) continue;
    const incoming = c.temp(I32);
    poison(c, incoming, vregOf[param]);
    vregOf[param] = incoming;
  }
}

function poison(c: Selector, from: number, to: number): void {
  const { code } = c;
  const i = code.begin(Shape.poison, 0);
  code.regOp[i] = code.defReuse(to, code.use(from));
}

// The allocator's view of blocks: edges, parameters in use and the arguments for them.
function describeBlocks(c: Selector): void {
  const { blocks, code, func } = c;
  const { input } = code;
  input.blockCount = blocks.count;
  const { params, args } = input;
  for (let k = 0; k < blocks.count; k++) {
    input.succStart[k] = input.succs.length;
    for (let s = blocks.succStart[k]; s < blocks.succStart[k + 1]; s++) input.succs.push(blocks.succs.data[s]);
    input.predStart[k] = input.preds.length;
    for (let p = blocks.predStart[k]; p < blocks.predStart[k + 1]; p++) input.preds.push(blocks.preds.data[p]);
    input.paramStart[k] = params.length;
    input.argStart[k] = args.length;
    input.loopDepth[k] = blocks.loopDepth[k];
    input.loopEnd[k] = blocks.loopEnd[k];
    input.cold[k] = blocks.cold[k];
    for (let i = 0; i < c.jumpArgCount[k]; i++) args.push(c.jumpArgs.data[c.jumpArgStart[k] + i]);
    const block = blocks.irBlock[k];
    for (let i = 0; i < func.paramCount[block]; i++) {
      const param = func.pool.data[func.paramStart[block] + i];
      if (c.useCount[param] > 0) params.push(c.own(param));
    }
  }
  for (let k = 0; k < blocks.count; k++) notePad(c, k);
  input.succStart[blocks.count] = input.succs.length;
  input.predStart[blocks.count] = input.preds.length;
  input.paramStart[blocks.count] = params.length;
  input.argStart[blocks.count] = args.length;
}

// The block behind the second edge of a call that may unwind begins in the middle of that call (RA-IN-6).
function notePad(c: Selector, k: number): void {
  const { blocks, code } = c;
  const { shape, instAt, input } = code;
  let n = input.blockFirst[k + 1] - 1;
  if (shape[instAt[n]] !== Shape.unwindEdge) return;
  while (shape[instAt[n]] < Shape.call || shape[instAt[n]] > Shape.libcall) n--;
  input.padCall[blocks.succs.data[blocks.succStart[k] + 1]] = n;
}
