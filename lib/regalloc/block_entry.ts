/**
 * Which values are in which registers where a block begins.
 *
 * A block with one predecessor that has other successors goes on with that predecessor's registers: RA-IN-2 makes such an edge the only
 * way in; but a pad (RA-IN-6) goes on with none, since its values are all in slots. Any other block has an agreed *entry state* that the jumps to it bring about. It follows the predecessor that runs most, so
 * that what a cold path lost is reloaded at the cold path's end and costs the hot path nothing.
 *
 * At a loop header the choice decides what the loop costs (cf. Braun and Hack, "Register Spilling and Live-Range Splitting for SSA-Form
 * Programs", 2009). A value that the loop uses belongs in a register; if all such values do not fit beside the temporaries of the loop
 * body, the most used go first. Those in slots are reloaded on the way into the loop. But if every turn makes a call, values from outside
 * would have to be reloaded for the next turn: there they stay in slots and are loaded where they are used. What the loop does not use
 * stays in a register only if there is room to spare and no call inside.
 *
 * The estimate of room may be wrong. If a value that the loop does not use has lost its register by the loop's end, it would be reloaded
 * in every turn for nothing: then the decision is taken back, the value is in its slot all through the loop (`#withdraw`).
 *
 * ENTRY-1  Exit states of all predecessors but back edges are known when a block is entered (reverse postorder).
 * ENTRY-2  A live value outside the entry state is in its slot on every edge in; a parameter outside it is passed in its slot.
 *
 * Cost: registers per edge, and values used per loop.
 */

import { growInt32, type IntList, NONE } from "../base/mod.ts";
import type { AllocationInput } from "./api.ts";
import type { EditLog } from "./edit_log.ts";
import { REGISTER_COUNT, type RegisterMasks } from "./fixed_events.ts";
import { NO_REGISTER } from "./hints.ts";
import { END_OF_TIME } from "./live_ranges.ts";
import { NOWHERE, type Registers } from "./registers.ts";

/** A value is dropped from the entry state. */
const DROP = -1;
/** Recomputing costs about as much as a quarter of a reload saved. */
const REMAT_WEIGHT = 0.25;
/** A value the loop does not use weighs less than any use, the less the farther its next use. */
const UNUSED_WEIGHT = 1e-3;
/** Sums of frequencies are equal up to this factor. */
const ALMOST_ALL = 0.999;

/** Entry and exit states of all blocks. */
export class BlockStates {
  /** Vreg in register r where block b ends, at `32 * b + r`; only bits of the mask count. */
  exitVreg: Int32Array<ArrayBuffer> = new Int32Array(256 * REGISTER_COUNT);
  exitMask: Int32Array<ArrayBuffer> = new Int32Array(256);
  exitClean: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Vreg in register r where block b begins, parameters left out; kept for blocks with an agreed state only. */
  entryVreg: Int32Array<ArrayBuffer> = new Int32Array(256 * REGISTER_COUNT);
  entryMask: Int32Array<ArrayBuffer> = new Int32Array(256);

  reserve(blockCount: number): void {
    this.exitVreg = growInt32(this.exitVreg, blockCount * REGISTER_COUNT);
    this.entryVreg = growInt32(this.entryVreg, blockCount * REGISTER_COUNT);
    this.exitMask = growInt32(this.exitMask, blockCount);
    this.exitClean = growInt32(this.exitClean, blockCount);
    this.entryMask = growInt32(this.entryMask, blockCount);
  }
}

/** Whether the block's entry state is brought about by moves at the ends of its predecessors. */
export function hasAgreedEntry(input: AllocationInput, block: number): boolean {
  const start = input.predStart[block];
  const count = input.predStart[block + 1] - start;
  if (count !== 1) return count !== 0;
  const pred = input.preds.data[start];
  return input.succStart[pred + 1] - input.succStart[pred] === 1;
}

/** Sets up registers at block starts, records them at block ends. */
export class BlockEntry {
  readonly states: BlockStates = new BlockStates();
  /** Candidates for a register: values live into the block and its parameters. */
  #count = 0;
  #vreg: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Register in the predecessor that runs most and has it in one, NO_REGISTER if none. */
  #register: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Frequency of the predecessors that have it in a register. Frequencies stay in arrays: passed on as numbers they would be boxed. */
  #frequency = new Float64Array(64);
  /** Frequency of all predecessors seen. */
  readonly #total = new Float64Array(1);
  /** Worth, or DROP. */
  #worth = new Float64Array(64);
  #isParam: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Index of a vreg among the candidates, if `#vreg` there is the vreg. */
  #indexOf: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** The candidates that won a register, by falling worth. */
  readonly #chosen = new Int32Array(REGISTER_COUNT);
  /** Number of edits logged when each loop was entered. */
  #editsBefore: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** The loop (plus one) from which a vreg was withdrawn last. */
  #withdrawnFrom: Int32Array<ArrayBuffer> = new Int32Array(1024);

  constructor(
    readonly registers: Registers,
    readonly masks: RegisterMasks,
    readonly log: EditLog,
    /** Of the scan: instruction, vreg, register. */
    readonly savedRoots: IntList,
  ) {}

  /** Prepares for a function. */
  begin(input: AllocationInput): void {
    this.states.reserve(input.blockCount);
    this.#indexOf = growInt32(this.#indexOf, input.vregCount + 1);
    this.#withdrawnFrom = growInt32(this.#withdrawnFrom, input.vregCount + 1);
    this.#withdrawnFrom.fill(0, 0, input.vregCount);
    this.#editsBefore = growInt32(this.#editsBefore, this.registers.loops.count);
  }

  /** Sets the registers up for `block`. */
  enter(block: number): void {
    const { registers, states } = this;
    const { input } = registers;
    registers.enterBlock(block);
    if (input.loopEnd[block] >= block) this.#editsBefore[registers.loop] = this.log.count;
    if (hasAgreedEntry(input, block)) this.#agree(block);
    else if (input.predStart[block + 1] > input.predStart[block] && input.padCall[block] === NONE) {
      const pred = input.preds.data[input.predStart[block]];
      const start = registers.cursor;
      for (let left = states.exitMask[pred]; left !== 0; left &= left - 1) {
        const r = 31 - Math.clz32(left & -left);
        const v = states.exitVreg[pred * REGISTER_COUNT + r];
        if (!registers.liveAt(v, start)) continue;
        registers.place(v, r);
        registers.clean |= states.exitClean[pred] & (1 << r);
      }
    }
  }

  /** Records the registers at the end of `block` and empties them. */
  leave(block: number): void {
    const { registers, states } = this;
    states.exitMask[block] = registers.occupied;
    states.exitClean[block] = registers.clean;
    for (let left = registers.occupied; left !== 0; left &= left - 1) {
      const r = 31 - Math.clz32(left & -left);
      states.exitVreg[block * REGISTER_COUNT + r] = registers.vregIn[r];
      registers.remove(r);
    }
    const { loops } = registers;
    registers.cursor = 2 * registers.input.blockFirst[block + 1];
    for (let l = registers.loop; l !== NONE && loops.last[l] === block; l = loops.parent[l]) this.#withdraw(l);
  }

  /** Takes values out of a loop's registers that it neither uses nor keeps. */
  #withdraw(loop: number): void {
    const { registers, states, log } = this;
    const { input, loops, live } = registers;
    const header = loops.header[loop], last = loops.last[loop];
    const start = 2 * input.blockFirst[header];
    let withdrawn = 0;
    for (let left = states.entryMask[header]; left !== 0; left &= left - 1) {
      const r = 31 - Math.clz32(left & -left);
      const v = states.entryVreg[header * REGISTER_COUNT + r];
      if (this.#returnsIn(header, v, r) || registers.isUsedBetween(v, start)) continue;
      this.#withdrawnFrom[v] = loop + 1;
      withdrawn++;
    }
    if (withdrawn === 0) return;
    for (let b = header; b <= last; b++) {
      states.entryMask[b] = this.#without(states.entryMask[b], states.entryVreg, b, loop);
      states.exitMask[b] = this.#without(states.exitMask[b], states.exitVreg, b, loop);
    }
    for (let n = this.#editsBefore[loop]; n < log.count; n++) {
      const v = log.vreg[n];
      if (v === NONE || this.#withdrawnFrom[v] !== loop + 1) continue;
      if (log.tentative[n] !== 0) registers.evictionCost[v] -= loops.frequency[live.blockOf[log.instOf(n)]];
      log.drop(n);
    }
    this.#forgetSavedRoots(start >> 1, loop);
  }

  /** Withdrawn roots are in their slots at the loop's safepoints, not in registers. */
  #forgetSavedRoots(first: number, loop: number): void {
    const { data, length } = this.savedRoots;
    let k = length;
    while (k > 0 && data[k - 3] >= first) k -= 3;
    let kept = k;
    for (; k < length; k += 3) {
      if (this.#withdrawnFrom[data[k + 1]] === loop + 1) continue;
      data.copyWithin(kept, k, k + 3);
      kept += 3;
    }
    this.savedRoots.length = kept;
  }

  /** Whether every back edge to `header` finds the vreg in `register`. */
  #returnsIn(header: number, v: number, register: number): boolean {
    const { states } = this;
    const { input } = this.registers;
    for (let k = input.predStart[header]; k < input.predStart[header + 1]; k++) {
      const pred = input.preds.data[k];
      if (pred < header) continue;
      if ((states.exitMask[pred] & (1 << register)) === 0 || states.exitVreg[pred * REGISTER_COUNT + register] !== v) {
        return false;
      }
    }
    return true;
  }

  /** A state's mask without the registers of vregs withdrawn from `loop`. */
  #without(mask: number, vregs: Int32Array, block: number, loop: number): number {
    for (let left = mask; left !== 0; left &= left - 1) {
      const r = 31 - Math.clz32(left & -left);
      if (this.#withdrawnFrom[vregs[block * REGISTER_COUNT + r]] === loop + 1) mask &= ~(1 << r);
    }
    return mask;
  }

  #agree(block: number): void {
    this.#gather(block);
    const { registers, states } = this;
    const { input } = registers;
    const isHeader = input.loopEnd[block] >= block;
    if (isHeader) {
      this.#gatherUsedInLoop();
      this.#weighForLoop();
    } else this.#weighForMerge();

    let taken = 0;
    states.entryMask[block] = 0;
    for (let c = 0; c < 2; c++) taken = this.#assign(block, c, this.#choose(c, isHeader), taken, isHeader);
    if (!isHeader) this.#markClean(block);

    const params = input.params.data;
    let reserved = 0;
    for (let k = input.paramStart[block]; k < input.paramStart[block + 1]; k++) {
      const p = params[k], r = registers.regOf[p];
      if (r !== NOWHERE) {
        registers.defReg[p] = r;
        registers.choose(p, r);
        reserved |= 1 << r;
      } else if (registers.live.useStart[p + 1] > registers.live.useStart[p]) registers.needsSlot[p] = 1;
    }
    if (isHeader) registers.reserve(reserved);
  }

  /** Collects values that predecessors have in registers, and the parameters. */
  #gather(block: number): void {
    const { registers, states } = this;
    const { input, loops } = registers;
    const preds = input.preds.data;
    const predStart = input.predStart[block], predEnd = input.predStart[block + 1];
    const start = registers.cursor;
    this.#count = 0;
    let hottest = NONE;
    for (let k = predStart; k < predEnd; k++) {
      const p = preds[k];
      if (p < block && (hottest === NONE || loops.frequency[p] > loops.frequency[hottest])) hottest = p;
    }
    const paramStart = input.paramStart[block], paramEnd = input.paramStart[block + 1];
    for (let k = paramStart; k < paramEnd; k++) {
      const p = input.params.data[k];
      if (registers.live.useStart[p + 1] === registers.live.useStart[p]) continue;
      const n = this.#add(p); // may move the columns
      this.#isParam[n] = 1;
    }
    this.#total[0] = 0;
    for (let k = predStart - 1; k < predEnd; k++) {
      const pred = k < predStart ? hottest : preds[k];
      if (pred === NONE || pred >= block || (k >= predStart && pred === hottest)) continue;
      this.#total[0] += loops.frequency[pred];
      const exit = pred * REGISTER_COUNT;
      for (let left = states.exitMask[pred]; left !== 0; left &= left - 1) {
        const r = 31 - Math.clz32(left & -left);
        const v = states.exitVreg[exit + r];
        if (registers.liveAt(v, start)) this.#offer(this.#add(v), r, pred);
        registers.regOf[v] = r;
      }
      // Arguments in registers, for the parameters; a register whose value lives on is no place for a parameter.
      const argStart = input.argStart[pred] - paramStart;
      for (let j = paramStart; j < paramEnd; j++) {
        const p = input.params.data[j];
        const n = this.#indexOf[p];
        if (n >= this.#count || this.#vreg[n] !== p) continue;
        const argument = input.args.data[argStart + j];
        const r = registers.regOf[argument];
        if (r === NOWHERE) continue;
        if (registers.liveAt(argument, start)) this.#frequency[n] += loops.frequency[pred];
        else this.#offer(n, r, pred);
      }
      for (let left = states.exitMask[pred]; left !== 0; left &= left - 1) {
        registers.regOf[states.exitVreg[exit + 31 - Math.clz32(left & -left)]] = NOWHERE;
      }
    }
  }

  /** The candidate of a vreg, new if need be. */
  #add(v: number): number {
    let n = this.#indexOf[v];
    if (n < this.#count && this.#vreg[n] === v) return n;
    n = this.#count++;
    if (n >= this.#vreg.length) {
      this.#vreg = growInt32(this.#vreg, n + 1);
      this.#register = growInt32(this.#register, n + 1);
      this.#isParam = growInt32(this.#isParam, n + 1);
      const frequency = this.#frequency, worth = this.#worth;
      this.#frequency = new Float64Array(this.#vreg.length);
      this.#frequency.set(frequency);
      this.#worth = new Float64Array(this.#vreg.length);
      this.#worth.set(worth);
    }
    this.#indexOf[v] = n;
    this.#vreg[n] = v;
    this.#register[n] = NO_REGISTER;
    this.#isParam[n] = 0;
    this.#frequency[n] = 0;
    return n;
  }

  #offer(n: number, register: number, pred: number): void {
    this.#frequency[n] += this.registers.loops.frequency[pred];
    if (this.#register[n] === NO_REGISTER) this.#register[n] = register;
  }

  /** Adds the values in slots that the loop uses. */
  #gatherUsedInLoop(): void {
    const { registers } = this;
    const { loops } = registers;
    for (let e = loops.firstUsed(registers.loop); e !== NONE; e = loops.nextUsed(e)) this.#add(loops.usedVreg(e));
  }

  #weighForLoop(): void {
    const { registers } = this;
    const { input } = registers;
    const end = registers.loopEndPosition;
    const calls = registers.loops.calls[registers.loop], callsAlways = registers.loops.callsAlways[registers.loop];
    for (let n = 0; n < this.#count; n++) {
      const v = this.#vreg[n];
      const bit = 1 << input.vregClass[v];
      const use = registers.nextUse(v);
      const worth = this.#worth;
      worth[n] = DROP;
      if (use < end) {
        if ((callsAlways & bit) === 0) registers.weighWithin(v, end, worth, n);
        else if (this.#isParam[n] !== 0 && use < registers.events.nextHotCall(input.vregClass[v], registers.cursor)) {
          registers.weighWithin(v, end, worth, n);
        }
      } else if ((calls & bit) === 0 && (this.#register[n] !== NO_REGISTER || this.#isParam[n] !== 0)) {
        worth[n] = UNUSED_WEIGHT / (1 + use - end);
      }
      if (worth[n] > 0 && input.vregRemat[v] !== NONE) worth[n] *= REMAT_WEIGHT;
    }
  }

  #weighForMerge(): void {
    const { registers } = this;
    const { input } = registers;
    const almostAll = this.#total[0] * ALMOST_ALL;
    for (let n = 0; n < this.#count; n++) {
      const v = this.#vreg[n];
      const use = registers.nextUse(v);
      const loss = registers.nextLoss(input.vregClass[v]);
      const isEverywhere = this.#frequency[n] >= almostAll;
      // What only some predecessors have in a register is reloaded in the others if it pays soon.
      const paysSoon = use < loss && (use < registers.loopEndPosition && use !== END_OF_TIME);
      if (isEverywhere || paysSoon) {
        registers.measure(v);
        this.#worth[n] = 1 / (1 + registers.distance[0]);
      } else this.#worth[n] = DROP;
    }
  }

  /** Picks the candidates of a class that get a register: returns how many are in `#chosen`. */
  #choose(registerClass: number, isHeader: boolean): number {
    const { registers } = this;
    const { input, loops } = registers;
    let room = this.masks.order[registerClass].length;
    if (isHeader) {
      const l = 2 * registers.loop + registerClass;
      const temporaries = loops.maxPressure[l] - loops.entryPressure[l];
      if (temporaries > 0) room = Math.max(room - temporaries, (room + 1) >> 1);
    }
    const chosen = this.#chosen;
    let count = 0;
    for (let n = 0; n < this.#count; n++) {
      if (this.#worth[n] === DROP || input.vregClass[this.#vreg[n]] !== registerClass) continue;
      const worth = this.#worth[n];
      if (count === room && worth <= this.#worth[chosen[count - 1]]) continue;
      let at = count < room ? count++ : count - 1;
      while (at > 0 && this.#worth[chosen[at - 1]] < worth) {
        chosen[at] = chosen[at - 1];
        at--;
      }
      chosen[at] = n;
    }
    return count;
  }

  /** Gives the chosen candidates registers. Returns the mask of all taken registers. */
  #assign(block: number, registerClass: number, count: number, taken: number, isHeader: boolean): number {
    const { registers } = this;
    const { events, live } = registers;
    const all = this.masks.ofClass[registerClass];
    const chosen = this.#chosen;
    const loopEnd = registers.loopEndPosition;
    // First those that stay where they are; in a loop not in a register that it demands while the value is alive.
    for (let k = 0; k < count; k++) {
      const n = chosen[k], v = this.#vreg[n], r = this.#register[n];
      if (r === NO_REGISTER || (taken & (1 << r)) !== 0) continue;
      if (isHeader && events.nextDemand(r, registers.cursor) < Math.min(loopEnd, live.endOf(v))) continue;
      registers.place(v, r);
      taken |= 1 << r;
      this.#record(block, n, r);
    }
    for (let k = 0; k < count; k++) {
      const n = chosen[k], v = this.#vreg[n];
      if (registers.regOf[v] !== NOWHERE) continue;
      const r = registers.bestOf(all & ~taken, v);
      registers.place(v, r);
      taken |= 1 << r;
      this.#record(block, n, r);
    }
    return taken;
  }

  #record(block: number, n: number, r: number): void {
    if (this.#isParam[n] !== 0) return;
    this.states.entryVreg[block * REGISTER_COUNT + r] = this.#vreg[n];
    this.states.entryMask[block] |= 1 << r;
  }

  /** A value is in its slot too if it is on every edge. */
  #markClean(block: number): void {
    const { registers, states } = this;
    const { input } = registers;
    let dirty = 0;
    for (let k = input.predStart[block]; k < input.predStart[block + 1]; k++) {
      const pred = input.preds.data[k];
      for (let left = states.exitMask[pred] & ~states.exitClean[pred]; left !== 0; left &= left - 1) {
        const r = registers.regOf[states.exitVreg[pred * REGISTER_COUNT + 31 - Math.clz32(left & -left)]];
        if (r !== NOWHERE) dirty |= 1 << r;
      }
    }
    registers.clean = states.entryMask[block] & ~dirty;
  }
}
