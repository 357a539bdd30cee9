/**
 * Stack slots: which values share one, and where values are stored into theirs.
 *
 * A slot never changes while its value lives (SSA), so one store right after the def serves all reloads. The alternative is to store where
 * the value loses its register; the scan has summed up what those stores would cost. A value born in a hot loop and pushed out of its
 * register only on a cold path or after the loop is stored there, everything else at its def.
 *
 * Slots are shared by linear scan over the hulls of live ranges. A block parameter prefers the slot of an argument and vice versa, so that
 * passing a spilled value on costs nothing.
 *
 * SLOT-1  Values with overlapping hulls have different slots.
 * SLOT-2  Slots of 8 and 16 bytes do not overlap for the whole function: no move reads half of what another writes.
 */

import { bug, growInt32, growUint8, IntList, NONE } from "../base/mod.ts";
import { type Allocation, type AllocationInput, DEF } from "./api.ts";
import { type EditLog, IN_SLOT, Phase } from "./edit_log.ts";
import { NO_REGISTER } from "./hints.ts";
import type { Registers } from "./registers.ts";

/** Of stores that cost nearly as much as one at the def, the one at the def is less code. */
const ABOUT_ALWAYS = 0.9;

/** Slots of one function. */
export class Slots {
  /** Slots in use, in units of 8 bytes. */
  count = 0;
  /** Slot of each vreg that needs one. */
  slotOf: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** 1: the slot is valid from the def on. */
  storedAtDef: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** Slots whose value has died, by size (8, 16 bytes); entries taken otherwise since are skipped. */
  readonly #free: readonly [IntList, IntList] = [new IntList(), new IntList()];
  #isBusy: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  /** Binary heap of busy slots by the end of their value's hull. */
  #heapEnd: Int32Array<ArrayBuffer> = new Int32Array(256);
  #heapVreg: Int32Array<ArrayBuffer> = new Int32Array(256);
  #heapCount = 0;
  /** Slots of values dead at this position have been freed. */
  #freedUpTo = 0;
  readonly #safepoints = new IntList();
  readonly #rootHits = new IntList();
  #hitCount: Int32Array<ArrayBuffer> = new Int32Array(64);

  constructor(readonly registers: Registers, readonly log: EditLog) {}

  /** The location of the vreg's slot. */
  locationOf(v: number): number {
    if (this.registers.needsSlot[v] === 0) bug(`regalloc: vreg ${v} has no slot`);
    return -1 - this.slotOf[v];
  }

  /** Decides where values are stored, numbers the slots and logs the stores at defs. */
  assign(input: AllocationInput): void {
    const { vregCount } = input;
    this.#isBusy.fill(0, 0, this.count);
    this.count = 0;
    this.slotOf = growInt32(this.slotOf, vregCount);
    this.storedAtDef = growUint8(this.storedAtDef, vregCount);
    this.slotOf.fill(NONE, 0, vregCount);
    this.storedAtDef.fill(0, 0, vregCount);
    this.#free[0].reset();
    this.#free[1].reset();
    this.#heapCount = 0;
    this.#freedUpTo = 0;
    const { needsSlot } = this.registers;
    const { blockFirst, operandStart, operandVreg, operandInfo } = input;
    const params = input.params.data;
    for (let b = 0; b < input.blockCount; b++) {
      const first = blockFirst[b], end = blockFirst[b + 1];
      for (let k = input.paramStart[b]; k < input.paramStart[b + 1]; k++) {
        const p = params[k];
        if (needsSlot[p] === 0) continue;
        this.#preferSlotOfArgument(input, b, k - input.paramStart[b], p);
        this.#give(input, p, 2 * first);
        this.#decideStore(b, p, first, Phase.blockStart);
      }
      for (let o = operandStart[first], oe = operandStart[end]; o < oe; o++) {
        if ((operandInfo[o] & DEF) === 0 || needsSlot[operandVreg[o]] === 0) continue;
        const v = operandVreg[o];
        const def = this.registers.live.defPosition[v], inst = def >> 1;
        this.#give(input, v, def);
        // Nothing can stand after a terminator.
        if (inst + 1 < end) this.#decideStore(b, v, inst, Phase.after);
      }
    }
  }

  /** A slot of 16 bytes besides all others; called when moves needed it, once. */
  addSpare(): number {
    const slot = (this.count + 1) & ~1;
    this.count = slot + 2;
    return slot;
  }

  #decideStore(block: number, v: number, inst: number, phase: number): void {
    const { registers } = this;
    const register = registers.defReg[v];
    if (register === NO_REGISTER) this.storedAtDef[v] = 1; // a parameter passed in its slot
    else if (
      registers.evictionCost[v] > 0 && registers.evictionCost[v] >= ABOUT_ALWAYS * registers.loops.frequency[block]
    ) {
      this.storedAtDef[v] = 1;
      this.log.at(inst, phase);
      this.log.push(v, register, IN_SLOT);
    }
  }

  #preferSlotOfArgument(input: AllocationInput, block: number, index: number, p: number): void {
    if (this.slotOf[p] !== NONE) return;
    for (let k = input.predStart[block]; k < input.predStart[block + 1]; k++) {
      const argument = input.args.data[input.argStart[input.preds.data[k]] + index];
      const slot = this.slotOf[argument];
      if (input.vregSlotBytes[argument] !== input.vregSlotBytes[p]) continue;
      if (slot !== NONE && this.registers.live.endOf(argument) <= 2 * input.blockFirst[block]) {
        this.slotOf[p] = slot;
        return;
      }
    }
  }

  /** Gives a vreg a slot; the one noted in `slotOf` if it is free. */
  #give(input: AllocationInput, v: number, start: number): void {
    while (this.#heapCount > 0 && this.#heapEnd[0] <= start) {
      const dead = this.#popHeap();
      const slot = this.slotOf[dead];
      this.#isBusy[slot] = 0;
      this.#free[input.vregSlotBytes[dead] === 16 ? 1 : 0].push(slot);
    }
    const { hints, live } = this.registers;
    const isWide = input.vregSlotBytes[v] === 16;
    const follow = hints.follow[v];
    const hasSameSize = follow !== NONE && input.vregSlotBytes[follow] === input.vregSlotBytes[v];
    let slot = this.slotOf[v];
    if (slot === NONE && hasSameSize) slot = this.slotOf[follow];
    // A temporary listed after a def of the same instruction: what has died by the def may live beside it.
    if (start < this.#freedUpTo) slot = NONE;
    else if (slot === NONE || this.#isBusy[slot] !== 0) slot = this.#popFree(isWide ? 1 : 0);
    this.#freedUpTo = start;
    if (slot === NONE) {
      slot = isWide ? (this.count + 1) & ~1 : this.count;
      this.count = slot + (isWide ? 2 : 1);
      this.#isBusy = growUint8(this.#isBusy, this.count + 1);
    }
    this.slotOf[v] = slot;
    this.#isBusy[slot] = 1;
    // The first argument chooses for the parameter and so for the others.
    if (hasSameSize && this.slotOf[follow] === NONE) this.slotOf[follow] = slot;
    this.#pushHeap(live.endOf(v), v);
  }

  #popFree(size: number): number {
    const free = this.#free[size];
    while (free.length > 0) {
      const slot = free.pop();
      if (this.#isBusy[slot] === 0) return slot;
    }
    return NONE;
  }

  #pushHeap(end: number, v: number): void {
    let at = this.#heapCount++;
    if (at >= this.#heapEnd.length) {
      this.#heapEnd = growInt32(this.#heapEnd, at + 1);
      this.#heapVreg = growInt32(this.#heapVreg, at + 1);
    }
    const ends = this.#heapEnd, vregs = this.#heapVreg;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (ends[parent] <= end) break;
      ends[at] = ends[parent];
      vregs[at] = vregs[parent];
      at = parent;
    }
    ends[at] = end;
    vregs[at] = v;
  }

  #popHeap(): number {
    const ends = this.#heapEnd, vregs = this.#heapVreg;
    const top = vregs[0];
    const count = --this.#heapCount;
    const end = ends[count], v = vregs[count];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && ends[child + 1] < ends[child]) child++;
      if (ends[child] >= end) break;
      ends[at] = ends[child];
      vregs[at] = vregs[child];
      at = child;
    }
    ends[at] = end;
    vregs[at] = v;
    return top;
  }

  /** Lists the slots of roots that are live across each safepoint. */
  reportRoots(input: AllocationInput, output: Allocation): void {
    output.rootSlots.reset();
    const safepoints = this.#safepoints, hits = this.#rootHits;
    safepoints.reset();
    hits.reset();
    for (let i = 0; i < input.instCount; i++) if (input.safepoint[i] !== 0) safepoints.push(i);
    if (safepoints.length === 0) return;
    this.#hitCount = growInt32(this.#hitCount, safepoints.length + 2);
    const hitCount = this.#hitCount;
    hitCount.fill(0, 0, safepoints.length + 2);
    const { live, needsSlot } = this.registers;
    for (let v = 0; v < input.vregCount; v++) {
      if (input.vregIsRoot[v] === 0 || needsSlot[v] === 0) continue;
      for (let k = live.rangeStart[v]; k < live.rangeStart[v + 1]; k++) {
        // Live across instruction i: live at 2i and at 2i + 1.
        let low = 0, high = safepoints.length;
        while (low < high) {
          const middle = (low + high) >>> 1;
          if (2 * safepoints.at(middle) < live.rangeFrom[k]) low = middle + 1;
          else high = middle;
        }
        for (; low < safepoints.length && 2 * safepoints.at(low) + 1 < live.rangeTo[k]; low++) {
          hits.push(low);
          hits.push(this.slotOf[v]);
          hitCount[low + 1]++;
        }
      }
    }
    for (let k = 1; k <= safepoints.length; k++) hitCount[k] += hitCount[k - 1];
    output.rootSlots.reserve(hits.length);
    output.rootSlots.length = hits.length;
    const pairs = output.rootSlots.data;
    for (let k = 0; k < hits.length; k += 2) {
      const at = 2 * hitCount[hits.at(k)]++;
      pairs[at] = safepoints.at(hits.at(k));
      pairs[at + 1] = hits.at(k + 1);
    }
  }
}
