/**
 * Control-flow clean-up: decided branches, checks that only lead to a trap, parameters with one value, straight-line blocks.
 *
 * Steps, each a sweep over reverse postorder:
 * 1. `br_if` and `br_table` on constants become jumps; `br_if` on `x == 0` swaps its targets; a `br_if` one of whose targets only traps
 *    becomes a `trap_if` and a jump, so that redundant-check elimination sees it and no block is needed for the trap.
 * 2. Parameters all of whose arguments are one value or the parameter itself are replaced by that value (the trivial phis of Braun et al.;
 *    cut edges and value numbering make them).
 * 3. A block whose only successor has it as its only predecessor absorbs the successor.
 * Jumps are not threaded through empty blocks here: edge blocks hold critical edges apart (IR-8), emission skips those that stay empty.
 *
 * Requires: control flow. Keeps: IR-8; control flow, which is computed again after a step that changed it, and only then: most functions
 * go through with one or none of the steps having anything to do.
 * Linear but for step 2, whose rounds are bounded.
 */

import { IntList, NONE } from "../../base/mod.ts";
import type { ControlFlow } from "../cfg.ts";
import type { Func, Value } from "../func.ts";
import { resolveAllOperands } from "../operands.ts";
import { IntCond, Ir } from "../ops.ts";
import { I32, VOID } from "../types.ts";
import { OrderWriter } from "./order_writer.ts";

const ROUNDS = 4;

/** Control-flow clean-up; reusable. */
export class SimplifyControlFlow {
  readonly #writer = new OrderWriter();
  // Checks that branches became, with their blocks; number of terminators rewritten.
  readonly #checks = new IntList(16);
  #decided = 0;

  /** Simplifies a function; keeps `cfg` up to date. */
  run(func: Func, cfg: ControlFlow): void {
    this.#decideBranches(func, cfg);
    if (this.#decided !== 0) cfg.compute(func);
    this.#removeTrivialParams(func, cfg);
    const absorbed = countAbsorbed(func, cfg);
    // What decided branches cut off leaves the order here.
    if (absorbed !== 0 || this.#decided !== 0) this.#mergeBlocks(func, cfg);
    if (absorbed !== 0) cfg.compute(func);
  }

  #decideBranches(func: Func, cfg: ControlFlow): void {
    this.#checks.reset();
    this.#decided = 0;
    for (let i = 0; i < cfg.rpoCount; i++) {
      const block = cfg.rpo[i];
      const terminator = func.terminator(block);
      if (func.op[terminator] === Ir.br_if) this.#decideBranch(func, block, terminator);
      else if (func.op[terminator] === Ir.br_table) this.#decideTable(func, terminator);
    }
    if (this.#checks.length !== 0) this.#insertChecks(func, cfg);
  }

  // Puts the new checks, which are listed in reverse postorder, in front of the terminators.
  #insertChecks(func: Func, cfg: ControlFlow): void {
    const writer = this.#writer;
    const checks = this.#checks;
    let next = 0;
    writer.start(func);
    for (let i = 0; i < cfg.rpoCount; i++) {
      const block = cfg.rpo[i];
      writer.startBlock(block);
      const end = func.blockEnd[block] - 1;
      for (let place = func.blockStart[block]; place < end; place++) writer.push(func.order[place]);
      if (next < checks.length && checks.at(next) === block) {
        writer.push(checks.at(next + 1));
        next += 2;
      }
      writer.push(func.order[end]);
    }
    writer.finish(func, cfg);
  }

  #decideBranch(func: Func, block: number, branch: Value): void {
    let condition = func.a[branch];
    while (func.op[condition] === Ir.icmp && func.imm[condition] <= IntCond.ne) {
      const zero = func.b[condition];
      if (func.op[zero] !== Ir.iconst || func.imm[zero] !== 0 || func.type[zero] !== I32) break;
      if (func.imm[condition] === IntCond.eq) {
        const swap = func.imm[branch];
        func.imm[branch] = func.aux[branch];
        func.aux[branch] = swap;
        this.#decided++;
      }
      condition = func.a[branch] = func.a[condition];
    }
    const whenTrue = func.imm[branch];
    const whenFalse = func.aux[branch];
    if (whenTrue === whenFalse) this.#becomeJump(func, branch, whenTrue);
    else if (func.op[condition] === Ir.iconst) {
      this.#becomeJump(func, branch, func.imm[condition] !== 0 ? whenTrue : whenFalse);
    } else if (trapsOnly(func, whenTrue)) this.#becomeCheck(func, block, branch, Ir.trap_if, whenTrue, whenFalse);
    else if (trapsOnly(func, whenFalse)) this.#becomeCheck(func, block, branch, Ir.trap_unless, whenFalse, whenTrue);
  }

  #becomeCheck(func: Func, block: number, branch: Value, op: number, trapBlock: number, other: number): void {
    const trap = func.terminator(trapBlock);
    this.#checks.push(block);
    this.#checks.push(func.add(op, VOID, func.a[branch], NONE, NONE, func.imm[trap], 0, func.site[trap]));
    this.#becomeJump(func, branch, other);
  }

  #decideTable(func: Func, table: Value): void {
    const index = func.a[table];
    const count = func.c[table];
    if (func.op[index] !== Ir.iconst && count !== 1) return;
    const chosen = count === 1 ? 0 : Math.min(func.imm[index] >>> 0, count - 1);
    this.#becomeJump(func, table, func.pool.at(func.b[table] + chosen));
  }

  // The target of a br_if or br_table has no parameters (IR-3).
  #becomeJump(func: Func, terminator: Value, target: number): void {
    this.#decided++;
    func.op[terminator] = Ir.jump;
    func.a[terminator] = NONE;
    func.b[terminator] = 0;
    func.c[terminator] = 0;
    func.imm[terminator] = target;
    func.aux[terminator] = 0;
  }

  #removeTrivialParams(func: Func, cfg: ControlFlow): void {
    let removed = 0;
    for (let round = 0, changed = true; changed && round < ROUNDS; round++) {
      changed = false;
      for (let i = 1; i < cfg.rpoCount; i++) {
        const block = cfg.rpo[i];
        for (let k = 0; k < func.paramCount[block]; k++) {
          if (!this.#removeTrivial(func, cfg, block, k)) continue;
          changed = true;
          removed++;
        }
      }
    }
    if (removed === 0) return;
    for (let i = 1; i < cfg.rpoCount; i++) this.#dropCopies(func, cfg, cfg.rpo[i]);
    resolveAllOperands(func);
  }

  #removeTrivial(func: Func, cfg: ControlFlow, block: number, k: number): boolean {
    const param = func.pool.at(func.paramStart[block] + k);
    if (func.op[param] !== Ir.block_param) return false;
    let same: number = NONE;
    for (let p = cfg.predStart[block]; p < cfg.predStart[block + 1]; p++) {
      const jump = func.terminator(cfg.preds[p]);
      const argument = func.resolve(func.pool.at(func.b[jump] + k));
      if (argument === param || argument === same) continue;
      if (same !== NONE) return false;
      same = argument;
    }
    func.replaceWith(param as Value, same as Value);
    return true;
  }

  // Drops replaced parameters from the block's list and their arguments from the jumps to it.
  #dropCopies(func: Func, cfg: ControlFlow, block: number): void {
    const { data } = func.pool;
    const start = func.paramStart[block];
    const count = func.paramCount[block];
    let kept = 0;
    for (let k = 0; k < count; k++) {
      if (func.op[data[start + k]] !== Ir.block_param) continue;
      if (kept !== k) {
        for (let p = cfg.predStart[block]; p < cfg.predStart[block + 1]; p++) {
          const args = func.b[func.terminator(cfg.preds[p])];
          data[args + kept] = data[args + k];
        }
        data[start + kept] = data[start + k];
      }
      kept++;
    }
    if (kept === count) return;
    func.paramCount[block] = kept;
    for (let p = cfg.predStart[block]; p < cfg.predStart[block + 1]; p++) func.c[func.terminator(cfg.preds[p])] = kept;
  }

  // Absorbs chains: a block that is absorbed is left empty, and cold blocks make their absorber cold.
  #mergeBlocks(func: Func, cfg: ControlFlow): void {
    const writer = this.#writer;
    writer.start(func);
    for (let i = 0; i < cfg.rpoCount; i++) {
      const block = cfg.rpo[i];
      if (absorber(func, cfg, block) !== NONE) {
        writer.skipBlock(block);
        continue;
      }
      writer.startBlock(block);
      for (let part = block;;) {
        const end = func.blockEnd[part] - 1;
        for (let place = func.blockStart[part]; place < end; place++) writer.push(func.order[place]);
        const terminator = func.terminator(part);
        const next = func.op[terminator] === Ir.jump ? func.imm[terminator] : NONE;
        if (next === NONE || absorber(func, cfg, next) !== part) {
          writer.push(terminator);
          break;
        }
        func.cold[block] |= func.cold[next];
        part = next;
      }
    }
    writer.finish(func, cfg);
  }
}

function countAbsorbed(func: Func, cfg: ControlFlow): number {
  let count = 0;
  for (let i = 0; i < cfg.rpoCount; i++) if (absorber(func, cfg, cfg.rpo[i]) !== NONE) count++;
  return count;
}

// The block that absorbs `block`: its only predecessor, when that ends in a jump; or NONE.
function absorber(func: Func, cfg: ControlFlow, block: number): number {
  if (cfg.predCount(block) !== 1 || func.paramCount[block] !== 0) return NONE;
  const pred = cfg.preds[cfg.predStart[block]];
  return func.op[func.terminator(pred)] === Ir.jump && pred !== block ? pred : NONE;
}

function trapsOnly(func: Func, block: number): boolean {
  return func.blockEnd[block] - func.blockStart[block] === 1 && func.op[func.terminator(block)] === Ir.trap;
}
