/**
 * Loops: nesting, how often blocks run, how many registers each loop wants, and which values a loop uses from outside.
 *
 * LOOP-1  A loop is the contiguous run of blocks [header, last] (RA-IN-3), so "inside" is a comparison and loops nest like brackets.
 * LOOP-2  The values that a loop uses from outside are listed once per loop, those used only in cold blocks left out.
 */

import { growInt32, growUint8, IntList, NONE } from "../base/mod.ts";
import type { AllocationInput } from "./api.ts";
import type { LiveRanges } from "./live_ranges.ts";

/** Both register classes, as bits. */
const ALL_CLASSES = 3;
/** A block one level deeper is assumed to run this many times as often. */
const LOOP_FACTOR = 10;
/** Depths beyond count no more: weights must keep their precision when summed. */
const DEEPEST = 6;
/** A cold block runs this many times less often than its depth says. */
const COLD_FACTOR = 1 / 4096;

/** The loop tree of one program and facts per block and loop. */
export class Loops {
  count = 0;
  /** Innermost loop of each block, NONE outside loops. */
  innermost: Int32Array<ArrayBuffer> = new Int32Array(256);
  header: Int32Array<ArrayBuffer> = new Int32Array(64);
  last: Int32Array<ArrayBuffer> = new Int32Array(64);
  parent: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Estimated executions of each block per call of the function. */
  frequency: Float64Array<ArrayBuffer> = new Float64Array(256);
  /** Chance to reach each block, loops aside. */
  #reach: Float64Array<ArrayBuffer> = new Float64Array(256);
  /** The part of it that goes to each successor that is neither cold nor outside the loop. */
  #share: Float64Array<ArrayBuffer> = new Float64Array(256);
  /** The most values of a class alive at once in a block of the loop that is not cold, at `2 * loop + class`. */
  maxPressure: Int32Array<ArrayBuffer> = new Int32Array(128);
  /** Values of a class alive at the start of the header, at `2 * loop + class`. */
  entryPressure: Int32Array<ArrayBuffer> = new Int32Array(128);
  /** Classes (bits) of which the loop makes a call outside cold blocks; of which it makes one in every turn. */
  calls: Uint8Array<ArrayBuffer> = new Uint8Array(64);
  callsAlways: Uint8Array<ArrayBuffer> = new Uint8Array(64);
  /** Per block, the classes of which no call need be made between the loop's header and the block's end. */
  #callFree: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  /** Values used inside from outside: a list per loop through `#usedNext`. */
  #usedHead: Int32Array<ArrayBuffer> = new Int32Array(64);
  readonly #usedVreg: IntList = new IntList();
  readonly #usedNext: IntList = new IntList();
  #lastUser: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Number of live values at each instruction's early and late point, by class; first its changes. */
  readonly #delta: [
    Int32Array<ArrayBuffer>,
    Int32Array<ArrayBuffer>,
    Int32Array<ArrayBuffer>,
    Int32Array<ArrayBuffer>,
  ] = [
    new Int32Array(1024),
    new Int32Array(1024),
    new Int32Array(1024),
    new Int32Array(1024),
  ];

  /** Computes everything for `input`. `callsOf`: the classes of which each block makes a call (see fixed_events.ts). */
  build(input: AllocationInput, live: LiveRanges, callsOf: Uint8Array): void {
    this.#findLoops(input);
    if (this.count === 0) return;
    this.#sumCalls(input, callsOf);
    for (let l = 0; l < this.count; l++) if (this.calls[l] !== 0) this.#findCalls(input, l, callsOf);
    this.#measurePressure(input, live);
    this.#listUsedFromOutside(input, live);
  }

  /** First entry of a loop's list of used values from outside, NONE if empty; see {@linkcode usedVreg}, {@linkcode nextUsed}. */
  firstUsed(loop: number): number {
    return this.#usedHead[loop];
  }
  nextUsed(entry: number): number {
    return this.#usedNext.data[entry];
  }
  usedVreg(entry: number): number {
    return this.#usedVreg.data[entry];
  }

  #findLoops(input: AllocationInput): void {
    const { blockCount, loopEnd, loopDepth, cold } = input;
    this.innermost = growInt32(this.innermost, blockCount);
    if (this.frequency.length < blockCount) {
      this.frequency = new Float64Array(Math.max(blockCount, 2 * this.frequency.length));
      this.#reach = new Float64Array(this.frequency.length);
      this.#share = new Float64Array(this.frequency.length);
    }
    this.count = 0;
    let current = NONE;
    for (let b = 0; b < blockCount; b++) {
      while (current !== NONE && this.last[current] < b) current = this.parent[current];
      if (loopEnd[b] >= b) {
        const l = this.count++;
        if (l >= this.header.length) {
          this.header = growInt32(this.header, l + 1);
          this.last = growInt32(this.last, l + 1);
          this.parent = growInt32(this.parent, l + 1);
        }
        this.header[l] = b;
        this.last[l] = loopEnd[b];
        this.parent[l] = current;
        current = l;
      }
      this.innermost[b] = current;
      const probability = b === 0 ? 1 : this.#probability(input, b);
      this.#reach[b] = probability;
      this.#share[b] = probability / this.#waysOn(input, b);
      const frequency = probability * Math.pow(LOOP_FACTOR, Math.min(loopDepth[b], DEEPEST));
      this.frequency[b] = cold[b] !== 0 ? frequency * COLD_FACTOR : frequency;
    }
  }

  /**
   * The chance that a call of the function, or a turn of the loop around, comes to the block: branches are even, those to cold blocks not
   * taken. A branch out of a loop costs neither side anything: the loop turns often, and is left in the end.
   */
  #probability(input: AllocationInput, b: number): number {
    const preds = input.preds.data;
    let sum = 0;
    for (let k = input.predStart[b]; k < input.predStart[b + 1]; k++) {
      const p = preds[k];
      if (p >= b) continue;
      const loop = this.innermost[p];
      sum += loop !== NONE && b > this.last[loop] ? this.#reach[p] : this.#share[p];
    }
    return sum > 1 ? 1 : sum;
  }

  /** Among how many successors a turn that comes to the block is divided; at least one. */
  #waysOn(input: AllocationInput, b: number): number {
    const { succStart, cold } = input;
    const succs = input.succs.data;
    const loop = this.innermost[b];
    const end = loop === NONE ? input.blockCount : this.last[loop];
    let ways = 0;
    for (let j = succStart[b]; j < succStart[b + 1]; j++) if (cold[succs[j]] === 0 && succs[j] <= end) ways++;
    return ways > 1 ? ways : 1;
  }

  #sumCalls(input: AllocationInput, callsOf: Uint8Array): void {
    this.calls = growUint8(this.calls, this.count);
    this.callsAlways = growUint8(this.callsAlways, this.count);
    this.calls.fill(0, 0, this.count);
    this.callsAlways.fill(0, 0, this.count);
    for (let b = 0; b < input.blockCount; b++) {
      const loop = this.innermost[b];
      if (loop !== NONE) this.calls[loop] |= callsOf[b];
    }
    // Inner loops have larger numbers than the ones around them.
    for (let l = this.count - 1; l >= 0; l--) if (this.parent[l] !== NONE) this.calls[this.parent[l]] |= this.calls[l];
  }

  /** Follows the paths through the loop that avoid cold blocks: can a turn be made without a call? */
  #findCalls(input: AllocationInput, loop: number, callsOf: Uint8Array): void {
    const header = this.header[loop], last = this.last[loop];
    this.#callFree = growUint8(this.#callFree, input.blockCount);
    const free = this.#callFree;
    const preds = input.preds.data;
    free[header] = ALL_CLASSES & ~callsOf[header];
    for (let b = header + 1; b <= last; b++) {
      let reached = 0;
      if (input.cold[b] === 0) {
        for (let k = input.predStart[b]; k < input.predStart[b + 1]; k++) if (preds[k] < b) reached |= free[preds[k]];
      }
      free[b] = reached & ~callsOf[b];
    }
    let around = 0;
    for (let k = input.predStart[header]; k < input.predStart[header + 1]; k++) {
      if (preds[k] >= header) around |= free[preds[k]];
    }
    this.callsAlways[loop] = this.calls[loop] & ~around;
  }

  #measurePressure(input: AllocationInput, live: LiveRanges): void {
    if (this.count === 0) return;
    const { instCount, vregCount, vregClass, blockCount, blockFirst, cold } = input;
    const delta = this.#delta;
    for (let k = 0; k < 4; k++) {
      delta[k] = growInt32(delta[k], instCount + 2);
      delta[k].fill(0, 0, instCount + 2);
    }
    const { rangeStart, rangeFrom, rangeTo } = live;
    for (let v = 0; v < vregCount; v++) {
      const early = delta[vregClass[v]], late = delta[2 + vregClass[v]];
      for (let k = rangeStart[v], end = rangeStart[v + 1]; k < end; k++) {
        early[(rangeFrom[k] + 1) >> 1]++;
        early[(rangeTo[k] + 1) >> 1]--;
        late[rangeFrom[k] >> 1]++;
        late[rangeTo[k] >> 1]--;
      }
    }
    for (let k = 0; k < 4; k++) accumulate(delta[k], instCount);
    const loops = this.count;
    this.maxPressure = growInt32(this.maxPressure, 2 * loops);
    this.entryPressure = growInt32(this.entryPressure, 2 * loops);
    this.maxPressure.fill(0, 0, 2 * loops);
    for (let c = 0; c < 2; c++) {
      const early = delta[c], late = delta[2 + c];
      for (let b = 0; b < blockCount; b++) {
        const loop = this.innermost[b];
        if (loop === NONE) continue;
        const first = blockFirst[b];
        if (this.header[loop] === b) this.entryPressure[2 * loop + c] = early[first];
        if (cold[b] !== 0) continue;
        const most = Math.max(early[first], highest(late, first, blockFirst[b + 1]));
        if (most > this.maxPressure[2 * loop + c]) this.maxPressure[2 * loop + c] = most;
      }
      // Inner loops have larger numbers than the ones around them.
      for (let l = loops - 1; l >= 0; l--) {
        const outer = this.parent[l];
        if (outer !== NONE && this.maxPressure[2 * l + c] > this.maxPressure[2 * outer + c]) {
          this.maxPressure[2 * outer + c] = this.maxPressure[2 * l + c];
        }
      }
    }
  }

  #listUsedFromOutside(input: AllocationInput, live: LiveRanges): void {
    const { vregCount, cold } = input;
    const { useStart, usePosition, blockOf, defBlock } = live;
    this.#usedVreg.reset();
    this.#usedNext.reset();
    this.#usedHead = growInt32(this.#usedHead, this.count);
    this.#usedHead.fill(NONE, 0, this.count);
    this.#lastUser = growInt32(this.#lastUser, this.count);
    this.#lastUser.fill(NONE, 0, this.count);
    for (let v = 0; v < vregCount; v++) {
      const def = defBlock[v];
      for (let k = useStart[v], end = useStart[v + 1]; k < end; k++) {
        const b = blockOf[usePosition[k] >> 1];
        if (b === def || cold[b] !== 0) continue;
        // A loop that has the vreg listed has passed it on to the loops around it.
        let l = this.innermost[b];
        while (l !== NONE && this.header[l] > def && this.#lastUser[l] !== v) {
          this.#lastUser[l] = v;
          this.#usedVreg.push(v);
          this.#usedNext.push(this.#usedHead[l]);
          this.#usedHead[l] = this.#usedVreg.length - 1;
          l = this.parent[l];
        }
      }
    }
  }
}

/** Replaces differences by their running sum. */
function accumulate(values: Int32Array, count: number): void {
  for (let i = 1; i < count; i++) values[i] += values[i - 1];
}

/** The highest value in a range, which is not empty. */
function highest(values: Int32Array, start: number, end: number): number {
  let high = values[start];
  for (let i = start + 1; i < end; i++) if (values[i] > high) high = values[i];
  return high;
}
