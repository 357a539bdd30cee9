/**
 * Loop-invariant code motion: computations and loads whose operands come from outside of a loop move in front of it.
 *
 * Approach: one sweep over reverse postorder, so that an instruction is seen after its operands. It goes to the outermost loop's preheader from
 * where all its operands are visible and nothing in the loop changes what it reads. A loop's preheader is the only block outside of it that leads
 * to its header, and jumps there; a loop with several ways in keeps its code.
 *
 * What moves, and what does not:
 * - pure operations; constants, `vmctx` and comparisons do not: they are rematerialised or fused with what uses them, and would only occupy
 *   registers. `vmctx_addr` (a memory's base) moves out of loops whose usual way calls nothing: it is live across the calls of cold blocks
 *   then, which costs a load there (IR-5 allows it). Cheap ones (an instruction of one cycle) move up to a number per loop, costly ones up to a larger one:
 *   a value that must be spilled costs as much as computing it again.
 * - loads of VM fields at constant addresses (they cannot fault anywhere) when nothing in the loop writes their region;
 * - what may trap, or faults if it runs where it should not (LICM-2), moves only from the start of a header, where it runs first in any case.
 *
 * LICM-1  An address moves out of a loop only if the loop calls nothing (IR-5); one that is rematerialised, if only cold blocks call: polls
 *         leave registers alone.
 * LICM-2  A load with trap code 0 of memory, tables or objects is safe only behind its check: it counts as trapping here.
 *
 * Requires: control flow. Keeps: blocks, edges, ids. Invalidates: nothing but places of instructions.
 * Cost: instructions times loop depth at most.
 */

import { growInt32, growUint8, NONE } from "../../base/mod.ts";
import type { ControlFlow } from "../cfg.ts";
import { isCall, isLoad, isPure, writtenRegions } from "../effects.ts";
import type { Func } from "../func.ts";
import {
  EFFECTS,
  Ir,
  type IrOpName,
  memRegion,
  memTrap,
  perIrOp,
  READS,
  Region,
  TRAPS,
  valueColumns,
  WRITES,
} from "../ops.ts";
import { ADDR, IS_FLOAT_CLASS } from "../types.ts";
import { OrderWriter } from "./order_writer.ts";

/** How a value's computation compares with keeping it in a register: it stays, it is cheap, it is costly. */
type Cost = 0 | 1 | 2;

// deno-fmt-ignore
const COSTS = perIrOp<Cost>({
  param: 0, block_param: 0, proj: 0, iconst: 0, fconst: 0, copy: 0,
  iadd: 1, isub: 1, imul: 2, umulh: 2, smulh: 2, sdiv: 2, udiv: 2, srem: 2, urem: 2, band: 1, bor: 1, bxor: 1, ishl: 1, ushr: 1, sshr: 1, rotl: 1, rotr: 1,
  clz: 2, ctz: 2, popcnt: 2, sext8: 1, sext16: 1, sext32: 1, uextend: 1, sextend: 1, wrap: 1, icmp: 0,
  fadd: 2, fsub: 2, fmul: 2, fdiv: 2, fmin: 2, fmax: 2, fcopysign: 2, fneg: 1, fabs: 1, fsqrt: 2, fceil: 2, ffloor: 2, ftrunc: 2, fnearest: 2,
  fcmp: 0, fpromote: 2, fdemote: 2, fcvt_from_sint: 2, fcvt_from_uint: 2, fcvt_to_sint: 2, fcvt_to_uint: 2, fcvt_to_sint_sat: 2,
  fcvt_to_uint_sat: 2, bitcast: 1, select: 1,
  vconst: 0, vsplat: 2, vzext: 2, vextract: 2, vinsert: 2, vshuffle: 2, vswizzle: 2, vand: 1, vandn: 1, vor: 1, vxor: 1,
  vbitselect: 2, vany_true: 2, vall_true: 2, vbitmask: 2, viadd: 1, visub: 1, vimul: 2, vineg: 2, viabs: 2, vpopcnt: 2, vadd_sat_s: 2,
  vadd_sat_u: 2, vsub_sat_s: 2, vsub_sat_u: 2, vmin_s: 2, vmin_u: 2, vmax_s: 2, vmax_u: 2, vavgr_u: 2, vq15mulr: 2, vdot: 2, vishl: 2,
  vushr: 2, vsshr: 2, vicmp: 2, vnarrow_s: 2, vnarrow_u: 2, vextend_low_s: 2, vextend_low_u: 2, vextend_high_s: 2, vextend_high_u: 2,
  vextadd_s: 2, vextadd_u: 2, vextmul_low_s: 2, vextmul_low_u: 2, vextmul_high_s: 2, vextmul_high_u: 2, vfadd: 2, vfsub: 2, vfmul: 2,
  vfdiv: 2, vfmin: 2, vfmax: 2, vfpmin: 2, vfpmax: 2, vfneg: 2, vfabs: 2, vfsqrt: 2, vfceil: 2, vffloor: 2, vftrunc: 2, vfnearest: 2,
  vfcmp: 2, vtrunc_sat_s: 2, vtrunc_sat_u: 2, vcvt_from_sint: 2, vcvt_from_uint: 2, vdemote: 2, vpromote: 2,
  load: 2, load8_u: 2, load8_s: 2, load16_u: 2, load16_s: 2, load32_u: 2, load32_s: 2, store: 0, store8: 0, store16: 0, store32: 0,
  atomic_load: 0, atomic_store: 0, atomic_add: 0, atomic_sub: 0, atomic_and: 0, atomic_or: 0, atomic_xor: 0, atomic_xchg: 0,
  atomic_cmpxchg: 0, fence: 0,
  vmctx: 0, record: 0, vmctx_addr: 2, addr_add: 1, ref_add: 1, call: 0, call_import: 0, call_indirect: 0, libcall: 0, poll: 0, fuel_poll: 0, fuel: 0, trap_if: 2, trap_unless: 2,
  jump: 0, br_if: 0, br_table: 0, unwind_edge: 0, return: 0, return_call: 0, return_call_import: 0, return_call_indirect: 0, trap: 0,
} satisfies Record<IrOpName, Cost>);

// Values a loop may gain by motion, per register class (float class second): the rest of the registers is the loop's own.
const CHEAP_LIMIT = new Uint8Array([4, 4]);
const COSTLY_LIMIT = new Uint8Array([6, 8]);

// Bit of a loop that calls; regions have their own numbers, `readonly` (0) is never written.
const CALLS_BIT = 1;
// Bit of a loop that loses its registers to calls on its usual way: outside of cold blocks, by more than polls.
const CALLS_USUALLY_BIT = 1 << 30;

/** Loop-invariant code motion; reusable. */
export class LoopInvariants {
  readonly #writer = new OrderWriter();
  // Block a value stands in; written for all values that stand somewhere.
  #blockOf = new Int32Array(1024);
  // By loop: preheader or NONE, written regions (bit by region number, bit 0 calls), values gained (cheap and costly, by class).
  #preheader = new Int32Array(16);
  #written = new Int32Array(16);
  #gained = new Uint8Array(16 * 2);
  // Instructions moved to the end of a block, chained in order.
  #firstMoved = new Int32Array(64);
  #lastMoved = new Int32Array(64);
  #nextMoved = new Int32Array(1024);
  #moved = 0;

  /** Moves invariant instructions out of loops. */
  run(func: Func, cfg: ControlFlow): void {
    if (cfg.loopCount === 0) return;
    this.#prepare(func, cfg);
    for (let i = 0; i < cfg.rpoCount; i++) this.#sweepBlock(func, cfg, cfg.rpo[i]);
    if (this.#moved !== 0) this.#rewrite(func, cfg);
  }

  #prepare(func: Func, cfg: ControlFlow): void {
    this.#blockOf = growInt32(this.#blockOf, func.count);
    this.#nextMoved = growInt32(this.#nextMoved, func.count);
    this.#firstMoved = growInt32(this.#firstMoved, func.blockCount);
    this.#lastMoved = growInt32(this.#lastMoved, func.blockCount);
    this.#preheader = growInt32(this.#preheader, cfg.loopCount);
    this.#written = growInt32(this.#written, cfg.loopCount);
    this.#gained = growUint8(this.#gained, cfg.loopCount * 2);
    this.#firstMoved.fill(NONE, 0, func.blockCount);
    this.#written.fill(0, 0, cfg.loopCount);
    this.#gained.fill(0, 0, cfg.loopCount * 2);
    this.#moved = 0;
    for (let loop = 0; loop < cfg.loopCount; loop++) this.#preheader[loop] = preheaderOf(func, cfg, loop);
    for (let i = 0; i < cfg.rpoCount; i++) this.#collectWrites(func, cfg, cfg.rpo[i]);
    // Inner loops have lower numbers than those around them.
    for (let loop = 0; loop < cfg.loopCount; loop++) {
      if (cfg.loopParent[loop] !== NONE) this.#written[cfg.loopParent[loop]] |= this.#written[loop];
    }
  }

  #collectWrites(func: Func, cfg: ControlFlow, block: number): void {
    for (let k = 0; k < func.paramCount[block]; k++) this.#blockOf[func.pool.at(func.paramStart[block] + k)] = block;
    const loop = cfg.loopOf[block];
    let written = 0;
    for (let place = func.blockStart[block]; place < func.blockEnd[block]; place++) {
      const value = func.order[place];
      this.#blockOf[value] = block;
      if (isCall(func.op[value])) {
        written |= func.cold[block] === 1 || func.op[value] === Ir.poll || func.op[value] === Ir.fuel_poll
          ? ~CALLS_USUALLY_BIT
          : -1;
      } else written |= writtenRegions(func.op[value], func.aux[value]);
    }
    if (loop !== NONE) this.#written[loop] |= written;
  }

  #sweepBlock(func: Func, cfg: ControlFlow, block: number): void {
    const loop = cfg.loopOf[block];
    if (loop === NONE) return;
    // Whether everything so far in the loop's iteration was moved out or has no effect: what comes next runs whenever the loop is entered.
    let runsFirst = cfg.loopHeader[loop] === block;
    for (let place = func.blockStart[block]; place < func.blockEnd[block]; place++) {
      const value = func.order[place];
      const op = func.op[value];
      if (COSTS[op] !== 0) {
        if (isSpeculable(func, value)) {
          this.#moveOut(func, cfg, value, loop);
          continue;
        }
        if (runsFirst && (EFFECTS[op] & WRITES) === 0 && this.#moveFirst(func, cfg, value, loop)) continue;
      }
      if ((EFFECTS[op] & (TRAPS | WRITES)) !== 0) runsFirst = false;
    }
  }

  // Moves a value as far out as it can go.
  #moveOut(func: Func, cfg: ControlFlow, value: number, inner: number): void {
    let target: number = NONE;
    for (let loop = inner; loop !== NONE; loop = cfg.loopParent[loop]) {
      if (!this.#isInvariant(func, cfg, value, loop)) break;
      if (this.#preheader[loop] !== NONE && this.#hasRoom(func, value, loop)) target = loop;
    }
    if (target === NONE) return;
    // The value is live throughout the loops it left.
    for (let loop = inner;; loop = cfg.loopParent[loop]) {
      this.#gained[2 * loop + IS_FLOAT_CLASS[func.type[value]]]++;
      if (loop === target) break;
    }
    this.#move(value, this.#preheader[target]);
  }

  // Moves an instruction that may trap, or a load that is not safe elsewhere, from the start of a loop to right in front of it.
  #moveFirst(func: Func, cfg: ControlFlow, value: number, loop: number): boolean {
    if (this.#preheader[loop] === NONE) return false;
    if (func.hasResult(value)) {
      if (!this.#isInvariant(func, cfg, value, loop) || !this.#hasRoom(func, value, loop)) return false;
      this.#gained[2 * loop + IS_FLOAT_CLASS[func.type[value]]]++;
    } else {
      this.#moveCondition(func, cfg, value, loop);
      if (!this.#isInvariant(func, cfg, value, loop)) return false;
    }
    this.#move(value, this.#preheader[loop]);
    return true;
  }

  // Comparisons stay with what they are fused with: a check that could move takes a copy of its comparison along.
  #moveCondition(func: Func, cfg: ControlFlow, check: number, loop: number): void {
    const condition = func.a[check];
    const op = func.op[condition];
    if (op !== Ir.icmp && op !== Ir.fcmp || !this.#isInside(cfg, condition, loop)) return;
    if (!this.#isInvariant(func, cfg, condition, loop)) return;
    const { type, a, b, imm, site } = func;
    const copy = func.add(op, type[condition], a[condition], b[condition], NONE, imm[condition], 0, site[condition]);
    this.#blockOf = growInt32(this.#blockOf, func.count);
    this.#nextMoved = growInt32(this.#nextMoved, func.count);
    this.#move(copy, this.#preheader[loop]);
    func.a[check] = copy;
  }

  #move(value: number, block: number): void {
    if (this.#firstMoved[block] === NONE) this.#firstMoved[block] = value;
    else this.#nextMoved[this.#lastMoved[block]] = value;
    this.#lastMoved[block] = value;
    this.#nextMoved[value] = NONE;
    this.#blockOf[value] = block;
    this.#moved++;
  }

  #hasRoom(func: Func, value: number, loop: number): boolean {
    const isFloat = IS_FLOAT_CLASS[func.type[value]];
    const limit = COSTS[func.op[value]] === 1 ? CHEAP_LIMIT : COSTLY_LIMIT;
    return this.#gained[2 * loop + isFloat] < limit[isFloat];
  }

  #isInvariant(func: Func, cfg: ControlFlow, value: number, loop: number): boolean {
    const op = func.op[value];
    const written = this.#written[loop];
    if (
      isLoad(op) && (written & 1 << memRegion(func.aux[value])) !== 0 && memRegion(func.aux[value]) !== Region.readonly
    ) return false;
    if (func.type[value] === ADDR && (written & (op === Ir.vmctx_addr ? CALLS_USUALLY_BIT : CALLS_BIT)) !== 0) {
      return false; // LICM-1
    }
    const columns = valueColumns(op);
    return !((columns & 1) !== 0 && this.#isInside(cfg, func.a[value], loop)) &&
      !((columns & 2) !== 0 && this.#isInside(cfg, func.b[value], loop)) &&
      !((columns & 4) !== 0 && this.#isInside(cfg, func.c[value], loop));
  }

  #isInside(cfg: ControlFlow, operand: number, loop: number): boolean {
    if (operand === NONE) return false;
    const position = cfg.position[this.#blockOf[operand]];
    return position >= cfg.loopFirst[loop] && position < cfg.loopEnd[loop]; // CFG-2
  }

  #rewrite(func: Func, cfg: ControlFlow): void {
    const writer = this.#writer;
    writer.start(func);
    for (let i = 0; i < cfg.rpoCount; i++) {
      const block = cfg.rpo[i];
      writer.startBlock(block);
      const end = func.blockEnd[block] - 1;
      for (let place = func.blockStart[block]; place < end; place++) {
        const value = func.order[place];
        if (this.#blockOf[value] === block) writer.push(value);
      }
      for (let value = this.#firstMoved[block]; value !== NONE; value = this.#nextMoved[value]) writer.push(value);
      writer.push(func.order[end]);
    }
    writer.finish(func, cfg);
  }
}

// Whether the instruction may run where it did not: it has no effect, cannot trap and cannot fault.
function isSpeculable(func: Func, value: number): boolean {
  const op = func.op[value];
  if (isPure(op)) return true;
  if ((EFFECTS[op] & READS) === 0 || !isLoad(op) || memTrap(func.aux[value]) !== 0 || func.b[value] !== NONE) {
    return false;
  }
  const region = memRegion(func.aux[value]);
  const base = func.op[func.a[value]];
  return (region === Region.readonly || region === Region.vm || region === Region.global) &&
    (base === Ir.vmctx || base === Ir.vmctx_addr);
}

// The block outside of the loop that jumps to its header, if there is only one.
function preheaderOf(func: Func, cfg: ControlFlow, loop: number): number {
  const header = cfg.loopHeader[loop];
  let preheader: number = NONE;
  for (let p = cfg.predStart[header]; p < cfg.predStart[header + 1]; p++) {
    const pred = cfg.preds[p];
    if (cfg.dominates(header, pred)) continue;
    if (preheader !== NONE) return NONE;
    preheader = pred;
  }
  return preheader !== NONE && func.op[func.terminator(preheader)] === Ir.jump ? preheader : NONE;
}
