/**
 * Register wishes: where a value would best be born so that no move is needed where it dies.
 *
 * One backward pass. A use at a fixed register that ends a value's life, or its life in registers because the instruction destroys that
 * register, wishes for it; a block argument wishes for the
 * parameter's register, whatever that will be; a value that dies where a `reuse` def begins takes over the def's wishes. Wishes of
 * positions nearer to the def overwrite later ones, so a chain such as "add, add, shift, pass as argument" asks for the argument register
 * from the start.
 */

import { growInt32, growUint8, NONE } from "../base/mod.ts";
import { type AllocationInput, Constraint, DEF } from "./api.ts";
import type { LiveRanges } from "./live_ranges.ts";

/** No register is wished for. */
export const NO_REGISTER = 255;

/** Wishes of each vreg of one program. */
export class Hints {
  /** The wished register, {@linkcode NO_REGISTER} if none. */
  register: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** The vreg (a block parameter) whose register is wished for, NONE if none. */
  follow: Int32Array<ArrayBuffer> = new Int32Array(1024);

  /** Collects the wishes of `input`. */
  build(input: AllocationInput, live: LiveRanges): void {
    const { vregCount, blockCount, blockFirst, operandStart, operandVreg, operandInfo, clobbers } = input;
    this.register = growUint8(this.register, vregCount + 1);
    this.follow = growInt32(this.follow, vregCount + 1);
    const { register, follow } = this;
    register.fill(NO_REGISTER, 0, vregCount);
    follow.fill(NONE, 0, vregCount);
    const args = input.args.data, params = input.params.data, succs = input.succs.data;
    for (let b = blockCount - 1; b >= 0; b--) {
      const argStart = input.argStart[b], argEnd = input.argStart[b + 1];
      if (argEnd > argStart) {
        const paramStart = input.paramStart[succs[input.succStart[b]]];
        for (let k = argStart; k < argEnd; k++) {
          const v = args[k], p = params[paramStart + k - argStart];
          follow[v] = p;
          if (register[p] !== NO_REGISTER) register[v] = register[p];
        }
      }
      for (let i = blockFirst[b + 1] - 1; i >= blockFirst[b]; i--) {
        const start = operandStart[i];
        for (let o = start, oe = operandStart[i + 1]; o < oe; o++) {
          const info = operandInfo[o], v = operandVreg[o];
          const constraint = info & 7;
          if (constraint === Constraint.fixed) {
            // Only then is the value free to be in that register until here.
            const ends = live.endOf(v) <= 2 * i + 2 || (clobbers[i] & (1 << (info >> 8))) !== 0;
            if ((info & DEF) === 0 && ends) register[v] = info >> 8;
          } else if (constraint === Constraint.reuse) {
            const source = operandVreg[start + (info >> 8)];
            if (live.endOf(source) <= 2 * i + 2) {
              if (register[v] !== NO_REGISTER) register[source] = register[v];
              if (follow[v] !== NONE) follow[source] = follow[v];
            }
          }
        }
      }
    }
  }
}
