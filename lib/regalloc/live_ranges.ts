/**
 * Live ranges with holes and use positions of every vreg.
 *
 * The usual dataflow keeps a set per block, which for a function of 20,000 blocks and 200,000 vregs is either a gigantic bit matrix or
 * a long list repeated in every block. SSA allows a walk per vreg instead (Boissinot et al., "Computing Liveness Sets for SSA-Form
 * Programs", 2011): from the last use back to the definition, in decreasing block order, marking the predecessors of each block the vreg
 * is live into. A loop needs no second round (Wimmer and Franz, "Linear Scan Register Allocation on SSA Form", 2010): a vreg live into a
 * header from outside is live in the whole loop, whose blocks are contiguous, so the loop is one range. What is stored is only ranges of
 * positions, and adjacent ones are merged: a vreg live from end to end costs two integers.
 *
 * Position 2i is the early point of instruction i, 2i + 1 its late point. A range [from, to) of a vreg: `from` is the point of its def
 * (late, or early for a temporary), or the start of a block; `to` is one past its last use, or the end of a block. A block argument is a
 * use at the late point of the terminator; a parameter is defined at the early point of its block's first instruction.
 *
 * LIVE-1  Ranges of a vreg are disjoint, not adjacent, ascending; so are its use positions (not disjoint: one per operand).
 * LIVE-2  Every vreg with a def has at least one range: a def without uses has one that covers its own instruction's late point (a
 *         parameter without uses: the early point of the block).
 * LIVE-3  A use at position p is the last of its live range (the vreg dies there) exactly if a range ends at p + 1.
 *
 * Cost: linear for vregs that do not leave their block. For the others: their uses, a thirty-second of the blocks between def and last use,
 * and the blocks they are live in, where stretches that have one way in and one way out (regions.ts) take logarithmic time.
 */

import { bug, growInt32, NONE } from "../base/mod.ts";
import { type AllocationInput, DEF, LATE } from "./api.ts";
import { Regions } from "./regions.ts";

/** Position past every other. */
export const END_OF_TIME = 0x7fffffff;

/** Ranges, uses and definition of each vreg of one program. */
export class LiveRanges {
  /** Block of each instruction. */
  blockOf: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Block of each vreg's def, NONE if it has none. */
  defBlock: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Position of each vreg's def. */
  defPosition: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Uses of vreg v: `usePosition[useStart[v] .. useStart[v + 1]]`. */
  useStart: Int32Array<ArrayBuffer> = new Int32Array(1024);
  usePosition: Int32Array<ArrayBuffer> = new Int32Array(2048);
  /** Ranges of vreg v: `rangeStart[v] .. rangeStart[v + 1]`. */
  rangeStart: Int32Array<ArrayBuffer> = new Int32Array(1024);
  rangeFrom: Int32Array<ArrayBuffer> = new Int32Array(1024);
  rangeTo: Int32Array<ArrayBuffer> = new Int32Array(1024);
  rangeCount = 0;

  readonly #regions = new Regions();
  /** Per block the vreg (plus one) last found live out of it. */
  #liveOutMark: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Blocks still to visit on the current walk, a bit each; empty between walks. */
  #pending: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** The ranges of the vreg being walked, last first. */
  #stackFrom: Int32Array<ArrayBuffer> = new Int32Array(64);
  #stackTo: Int32Array<ArrayBuffer> = new Int32Array(64);

  /** Computes everything for `input`. */
  build(input: AllocationInput): void {
    this.#regions.build(input);
    this.#collectDefsAndUses(input);
    this.#buildRanges(input);
  }

  /** End of the last range: the vreg is dead from here on. */
  endOf(vreg: number): number {
    return this.rangeTo[this.rangeStart[vreg + 1] - 1];
  }

  /** Whether a range of the vreg contains the position (by bisection; sweeps keep a cursor instead). */
  covers(vreg: number, position: number): boolean {
    let low = this.rangeStart[vreg], high = this.rangeStart[vreg + 1];
    const { rangeTo } = this;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (rangeTo[middle] <= position) low = middle + 1;
      else high = middle;
    }
    return low < this.rangeStart[vreg + 1] && this.rangeFrom[low] <= position;
  }

  #collectDefsAndUses(input: AllocationInput): void {
    const { vregCount, blockCount, instCount, blockFirst, operandStart, operandVreg, operandInfo } = input;
    this.blockOf = growInt32(this.blockOf, instCount + 1);
    this.defBlock = growInt32(this.defBlock, vregCount + 1);
    this.defPosition = growInt32(this.defPosition, vregCount + 1);
    this.useStart = growInt32(this.useStart, vregCount + 2);
    this.rangeStart = growInt32(this.rangeStart, vregCount + 2);
    this.usePosition = growInt32(this.usePosition, input.operandCount + input.args.length + 1);
    this.#liveOutMark = growInt32(this.#liveOutMark, blockCount + 1);
    this.#liveOutMark.fill(0, 0, blockCount);
    this.#pending = growInt32(this.#pending, (blockCount >> 5) + 1);
    const { blockOf, defBlock, defPosition, useStart, usePosition } = this;
    defBlock.fill(NONE, 0, vregCount);
    useStart.fill(0, 0, vregCount + 2);

    // Counts at v + 2, so that after the prefix sum useStart[v + 1] is the fill cursor of v and ends as the start of v + 1.
    const operandCount = input.operandCount;
    for (let o = 0; o < operandCount; o++) {
      if ((operandInfo[o] & DEF) === 0) useStart[operandVreg[o] + 2]++;
    }
    const args = input.args.data;
    const argCount = input.args.length;
    for (let k = 0; k < argCount; k++) useStart[args[k] + 2]++;
    for (let v = 2; v < vregCount + 2; v++) useStart[v] += useStart[v - 1];

    const params = input.params.data;
    for (let b = 0; b < blockCount; b++) {
      const first = blockFirst[b], end = blockFirst[b + 1];
      if (end <= first) bug(`regalloc: block ${b} has no instruction`);
      for (let k = input.paramStart[b]; k < input.paramStart[b + 1]; k++) {
        if (defBlock[params[k]] !== NONE) bug(`regalloc: vreg ${params[k]} has two defs`);
        defBlock[params[k]] = b;
        defPosition[params[k]] = 2 * first;
      }
      for (let i = first; i < end; i++) {
        blockOf[i] = b;
        for (let o = operandStart[i], oe = operandStart[i + 1]; o < oe; o++) {
          const v = operandVreg[o], info = operandInfo[o];
          if (info & DEF) {
            if (defBlock[v] !== NONE) bug(`regalloc: vreg ${v} has two defs`);
            defBlock[v] = b;
            defPosition[v] = info & LATE ? 2 * i + 1 : 2 * i;
          } else {
            const k = useStart[v + 1]++;
            if (info & LATE) usePosition[k] = 2 * i + 1;
            else if (k > 0 && usePosition[k - 1] === 2 * i + 1 && hasLateUse(input, operandStart[i], o, v)) {
              // A late use of the same vreg was listed before this early one.
              usePosition[k - 1] = 2 * i;
              usePosition[k] = 2 * i + 1;
            } else usePosition[k] = 2 * i;
          }
        }
      }
      for (let k = input.argStart[b]; k < input.argStart[b + 1]; k++) {
        usePosition[useStart[args[k] + 1]++] = 2 * end - 1;
      }
    }
  }

  #buildRanges(input: AllocationInput): void {
    const { vregCount } = input;
    this.rangeCount = 0;
    this.rangeFrom = growInt32(this.rangeFrom, vregCount + 1);
    this.rangeTo = growInt32(this.rangeTo, vregCount + 1);
    this.rangeStart[0] = 0;
    for (let v = 0; v < vregCount; v++) {
      this.#buildRangesOf(input, v);
      this.rangeStart[v + 1] = this.rangeCount;
    }
  }

  // A vreg at a time: V8 optimises a long loop while it runs, and code that it enters in the middle it leaves again at what comes after.
  #buildRangesOf(input: AllocationInput, v: number): void {
    const { blockFirst } = input;
    const { useStart, usePosition } = this;
    const block = this.defBlock[v];
    const firstUse = useStart[v], lastUse = useStart[v + 1] - 1;
    if (block === NONE) {
      if (lastUse >= firstUse) bug(`regalloc: vreg ${v} is used but never defined`);
      return;
    }
    const def = this.defPosition[v];
    if (lastUse < firstUse) {
      // LIVE-2: (def | 1) + 1 passes the late point; a parameter has no instruction of its own.
      const isParam = (def & 1) === 0 && def === 2 * blockFirst[block] && this.#isParam(input, block, v);
      this.#append(def, isParam ? def + 1 : (def | 1) + 1);
    } else if (usePosition[lastUse] < 2 * blockFirst[block + 1] && usePosition[firstUse] >= 2 * blockFirst[block]) {
      this.#append(def, usePosition[lastUse] + 1);
    } else if (usePosition[firstUse] < def) {
      bug(`regalloc: vreg ${v} is used before its def`);
    } else {
      this.#walk(input, v, block, def, this.blockOf[usePosition[lastUse] >> 1], firstUse, lastUse);
    }
  }

  /** Builds the ranges of a vreg that is live out of its def's block. */
  #walk(
    input: AllocationInput,
    v: number,
    block: number,
    def: number,
    lastBlock: number,
    firstUse: number,
    lastUse: number,
  ): void {
    const { blockFirst, predStart, loopEnd } = input;
    const preds = input.preds.data;
    const mark = this.#liveOutMark, pending = this.#pending;
    const { usePosition, blockOf } = this;
    let from = this.#stackFrom, to = this.#stackTo;
    let depth = 0;
    let use = lastUse;
    const stamp = v + 1;
    pending[block >> 5] |= 1 << (block & 31);
    for (let k = firstUse, last = NONE; k <= lastUse; k++) {
      const b = blockOf[usePosition[k] >> 1];
      if (b !== last) pending[b >> 5] |= 1 << (b & 31);
      last = b;
    }
    for (let word = lastBlock >> 5;;) {
      const bits = pending[word];
      if (bits === 0) {
        word--;
        continue;
      }
      const bit = 31 - Math.clz32(bits);
      pending[word] = bits & ~(1 << bit);
      const b = (word << 5) + bit;
      let start = 2 * blockFirst[b];
      let end = mark[b] === stamp ? 2 * blockFirst[b + 1] : usePosition[use] + 1;
      while (use >= firstUse && usePosition[use] >= start) use--;
      // Inside a stretch that was found live as a whole there is nothing to add.
      if (depth > 0 && from[depth - 1] <= start && b !== block) continue;
      if (b === block) {
        // The def's block: live from the def on.
        if (depth > 0 && from[depth - 1] <= end) from[depth - 1] = def;
        else {
          if (depth === from.length) {
            from = this.#stackFrom = growInt32(from, depth + 1);
            to = this.#stackTo = growInt32(to, depth + 1);
          }
          from[depth] = def;
          to[depth++] = end;
        }
        break;
      }
      if (loopEnd[b] >= b) {
        // Live into a header from outside: live in the whole loop.
        end = 2 * blockFirst[loopEnd[b] + 1];
      }
      const top = this.#regions.top(b, block);
      if (top !== b) start = 2 * blockFirst[top + 1];
      while (depth > 0 && from[depth - 1] <= end) {
        if (to[depth - 1] > end) end = to[depth - 1];
        depth--;
      }
      if (depth === from.length) {
        from = this.#stackFrom = growInt32(from, depth + 1);
        to = this.#stackTo = growInt32(to, depth + 1);
      }
      from[depth] = start;
      to[depth++] = end;
      if (top !== b) {
        mark[top] = stamp;
        pending[top >> 5] |= 1 << (top & 31);
        continue;
      }
      for (let k = predStart[b], ke = predStart[b + 1]; k < ke; k++) {
        // A predecessor that does not come before is the end of a back edge, inside the loop.
        const p = preds[k];
        if (p >= b) continue;
        mark[p] = stamp;
        pending[p >> 5] |= 1 << (p & 31);
      }
    }
    while (--depth >= 0) this.#append(from[depth], to[depth]);
  }

  #isParam(input: AllocationInput, block: number, v: number): boolean {
    const params = input.params.data;
    for (let k = input.paramStart[block]; k < input.paramStart[block + 1]; k++) if (params[k] === v) return true;
    return false;
  }

  #append(from: number, to: number): void {
    const n = this.rangeCount++;
    if (n >= this.rangeFrom.length) {
      this.rangeFrom = growInt32(this.rangeFrom, n + 1);
      this.rangeTo = growInt32(this.rangeTo, n + 1);
    }
    this.rangeFrom[n] = from;
    this.rangeTo[n] = to;
  }
}

// Whether one of the operands from `start` up to `end` is a late use of the vreg.
function hasLateUse(input: AllocationInput, start: number, end: number, vreg: number): boolean {
  for (let o = start; o < end; o++) {
    if (input.operandVreg[o] === vreg && (input.operandInfo[o] & (DEF | LATE)) === LATE) return true;
  }
  return false;
}
