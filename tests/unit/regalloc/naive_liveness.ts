/** Liveness by textbook dataflow over sets, as a second opinion. */

import { type AllocationInput, DEF } from "../../../lib/regalloc/mod.ts";

/** The vregs live into each block, its parameters left out. */
export function naiveLiveIn(input: AllocationInput): Set<number>[] {
  const liveIn: Set<number>[] = Array.from({ length: input.blockCount }, () => new Set());
  for (let changed = true; changed;) {
    changed = false;
    for (let b = input.blockCount - 1; b >= 0; b--) {
      const live = new Set<number>();
      for (let k = input.succStart[b]; k < input.succStart[b + 1]; k++) {
        for (const v of liveIn[input.succs.at(k)]) live.add(v);
      }
      for (let k = input.argStart[b]; k < input.argStart[b + 1]; k++) live.add(input.args.at(k));
      for (let i = input.blockFirst[b + 1] - 1; i >= input.blockFirst[b]; i--) {
        for (let o = input.operandStart[i]; o < input.operandStart[i + 1]; o++) {
          if ((input.operandInfo[o] & DEF) !== 0) live.delete(input.operandVreg[o]);
        }
        for (let o = input.operandStart[i]; o < input.operandStart[i + 1]; o++) {
          if ((input.operandInfo[o] & DEF) === 0) live.add(input.operandVreg[o]);
        }
      }
      for (let k = input.paramStart[b]; k < input.paramStart[b + 1]; k++) live.delete(input.params.at(k));
      if (live.size !== liveIn[b].size) {
        liveIn[b] = live;
        changed = true;
      }
    }
  }
  return liveIn;
}
