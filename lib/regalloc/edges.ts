/**
 * Control-flow edges into blocks with an agreed entry state: what the state drops is saved, what it wants elsewhere is moved.
 *
 * The moves stand before the jump that ends the predecessor, its only successor being the block (RA-IN-2), and happen at once with the
 * assignment of parameters. They come in two rounds because slots are numbered in between: the first finds who needs a slot, the second
 * must know which values share one to order the moves.
 *
 * EDGE-1  A value that leaves its register on an edge is stored first, before any move of the edge.
 */

import { bug, NONE } from "../base/mod.ts";
import { type AllocationInput, REMATERIALISE } from "./api.ts";
import { type BlockStates, hasAgreedEntry } from "./block_entry.ts";
import { type EditLog, Phase } from "./edit_log.ts";
import { REGISTER_COUNT, type RegisterMasks } from "./fixed_events.ts";
import { NO_REGISTER } from "./hints.ts";
import type { ParallelMoves } from "./moves.ts";
import { NOWHERE, type Registers } from "./registers.ts";
import type { Slots } from "./slots.ts";

/** Works over all edges once the scan is done; `registers` is empty then, and `regOf` serves as a map from vregs to registers. */
export class Edges {
  constructor(
    readonly registers: Registers,
    readonly masks: RegisterMasks,
    readonly states: BlockStates,
    readonly log: EditLog,
    readonly moves: ParallelMoves,
  ) {}

  /** Saves values that edges drop from their registers (EDGE-1). */
  storeDropped(input: AllocationInput): void {
    const { registers, states, log } = this;
    const { live, loops, regOf } = registers;
    const preds = input.preds.data;
    for (let b = 0; b < input.blockCount; b++) {
      if (!hasAgreedEntry(input, b)) continue;
      const start = 2 * input.blockFirst[b];
      const entry = b * REGISTER_COUNT;
      for (let left = states.entryMask[b]; left !== 0; left &= left - 1) {
        const r = 31 - Math.clz32(left & -left);
        regOf[states.entryVreg[entry + r]] = r;
      }
      for (let k = input.predStart[b]; k < input.predStart[b + 1]; k++) {
        const pred = preds[k];
        if (input.succStart[pred + 1] - input.succStart[pred] !== 1) {
          bug(`regalloc: the edge from block ${pred} to block ${b} is critical (RA-IN-2)`);
        }
        for (let left = states.exitMask[pred]; left !== 0; left &= left - 1) {
          const r = 31 - Math.clz32(left & -left);
          const v = states.exitVreg[pred * REGISTER_COUNT + r];
          if (regOf[v] !== NOWHERE || input.vregRemat[v] !== NONE || !live.covers(v, start)) continue;
          registers.needsSlot[v] = 1;
          if ((states.exitClean[pred] & (1 << r)) !== 0) continue;
          log.at(input.blockFirst[pred + 1] - 1, Phase.before);
          log.pushTentativeStore(v, r);
          registers.evictionCost[v] += loops.frequency[pred];
        }
      }
      for (let left = states.entryMask[b]; left !== 0; left &= left - 1) {
        regOf[states.entryVreg[entry + 31 - Math.clz32(left & -left)]] = NOWHERE;
      }
    }
  }

  /** Emits the moves of all edges. */
  move(input: AllocationInput, slots: Slots): void {
    for (let b = 0; b < input.blockCount; b++) {
      if (!hasAgreedEntry(input, b)) continue;
      for (let k = input.predStart[b]; k < input.predStart[b + 1]; k++) {
        this.#moveAlong(input, slots, input.preds.data[k], b);
      }
    }
  }

  #moveAlong(input: AllocationInput, slots: Slots, pred: number, b: number): void {
    const { registers, states, moves } = this;
    const { live, regOf, defReg } = registers;
    const { vregRemat } = input;
    const exit = pred * REGISTER_COUNT;
    for (let left = states.exitMask[pred]; left !== 0; left &= left - 1) {
      const r = 31 - Math.clz32(left & -left);
      regOf[states.exitVreg[exit + r]] = r;
    }
    let busy = states.entryMask[b];
    for (let left = states.entryMask[b]; left !== 0; left &= left - 1) {
      const r = 31 - Math.clz32(left & -left);
      const v = states.entryVreg[b * REGISTER_COUNT + r];
      const source = regOf[v];
      if (source !== NOWHERE) {
        busy |= 1 << source;
        moves.add(v, source, v, r);
      } else moves.add(v, vregRemat[v] !== NONE ? REMATERIALISE : slots.locationOf(v), v, r);
    }
    const paramStart = input.paramStart[b], count = input.paramStart[b + 1] - paramStart;
    const argStart = input.argStart[pred];
    for (let k = 0; k < count; k++) {
      const p = input.params.data[paramStart + k], argument = input.args.data[argStart + k];
      if (live.useStart[p + 1] === live.useStart[p]) continue;
      let source: number = regOf[argument];
      const inRegister = defReg[p] !== NO_REGISTER;
      const target = inRegister ? defReg[p] : slots.locationOf(p);
      if (source !== NOWHERE) {
        busy |= 1 << source;
        // Both share a slot that already has the value.
        if (!inRegister && registers.needsSlot[argument] !== 0 && slots.locationOf(argument) === target) {
          if (slots.storedAtDef[argument] !== 0 || (states.exitClean[pred] & (1 << source)) !== 0) continue;
        }
      } else source = vregRemat[argument] !== NONE ? REMATERIALISE : slots.locationOf(argument);
      if (inRegister) busy |= 1 << target;
      moves.add(argument, source, p, target);
    }
    if (moves.count > 0) {
      this.log.at(input.blockFirst[pred + 1] - 1, Phase.before);
      moves.resolve(this.log, this.masks.all & ~busy, input.vregClass);
    }
    for (let left = states.exitMask[pred]; left !== 0; left &= left - 1) {
      regOf[states.exitVreg[exit + 31 - Math.clz32(left & -left)]] = NOWHERE;
    }
  }
}
