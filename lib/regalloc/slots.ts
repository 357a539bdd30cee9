/**
 * Stack slots: which values share one, and where values are stored into theirs.
 *
 * A slot never changes while its value lives (SSA), so one store right after the def serves all reloads. The alternative is to store where
 * the value loses its register; the scan has summed up what those stores would cost. A value born in a hot loop and pushed out of its
 * register only on a cold path or after the loop is stored there, everything else at its def.
 *
 * Slots are shared by linear scan over the hulls of live ranges. A block parameter prefers the slot of an argument and vice versa, so that
 * passing a spilled value on costs nothing; there the ranges themselves are compared, holes and all: the value that one branch assigns to a
 * variable and the value that the other branch leaves in it live in the same slot, though their hulls overlap.
 *
 * SLOT-1  Values with overlapping live ranges have different slots.
 * SLOT-2  Slots of 8 and 16 bytes do not overlap for the whole function: no move reads half of what another writes.
 */

import { bug, growInt32, growUint8, IntList, NONE } from "../base/mod.ts";
import { type Allocation, type AllocationInput, DEF, Safepoint } from "./api.ts";
import { type EditLog, IN_SLOT, Phase } from "./edit_log.ts";
import { NO_REGISTER } from "./hints.ts";
import type { Registers } from "./registers.ts";

/** Of stores that cost nearly as much as one at the def, the one at the def is less code. */
const ABOUT_ALWAYS = 0.9;

/** How many arguments, parameters of parameters or values in one slot are looked at to share a slot. */
const PREFERENCE_LIMIT = 6;
/** How many ranges of two values are compared before they are taken to overlap. */
const RANGE_LIMIT = 64;

/** Slots of one function. */
export class Slots {
  /** Slots in use, in units of 8 bytes. */
  count = 0;
  /** Slot of each vreg that needs one. */
  slotOf: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** 1: the slot is valid from the def on. */
  storedAtDef: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** Slots whose value has died, by size (8, 16 bytes); entries taken otherwise since are skipped. */
  readonly #freeSlots: readonly [IntList, IntList] = [new IntList(), new IntList()];
  /** The last value to come to each slot that still lives, NONE if the slot is free; the one before it, by vreg. */
  #occupant: Int32Array<ArrayBuffer> = new Int32Array(256);
  #nextOccupant: Int32Array<ArrayBuffer> = new Int32Array(1024);
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
    this.count = 0;
    this.slotOf = growInt32(this.slotOf, vregCount);
    this.storedAtDef = growUint8(this.storedAtDef, vregCount);
    this.slotOf.fill(NONE, 0, vregCount);
    this.storedAtDef.fill(0, 0, vregCount);
    this.#freeSlots[0].reset();
    this.#freeSlots[1].reset();
    this.#nextOccupant = growInt32(this.#nextOccupant, vregCount);
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

  /** Gives a parameter the slot of an argument if one is known and fits. */
  #preferSlotOfArgument(input: AllocationInput, block: number, index: number, p: number): void {
    const start = input.predStart[block];
    const end = Math.min(input.predStart[block + 1], start + PREFERENCE_LIMIT);
    for (let k = start; k < end; k++) {
      const argument = input.args.data[input.argStart[input.preds.data[k]] + index];
      const slot = this.slotOf[argument];
      if (slot === NONE || input.vregSlotBytes[argument] !== input.vregSlotBytes[p] || !this.#fits(p, slot)) continue;
      this.slotOf[p] = slot;
      return;
    }
  }

  /** Gives a vreg a slot: the one noted in `slotOf` or of a parameter it is passed to, if it fits there, else any. */
  #give(input: AllocationInput, v: number, start: number): void {
    while (this.#heapCount > 0 && this.#heapEnd[0] <= start) this.#free(input, this.#popHeap());
    const { hints, live } = this.registers;
    const bytes = input.vregSlotBytes[v];
    let slot = NONE;
    // A temporary may be listed after a def of the same instruction: what has died by the def lives beside it.
    if (start >= this.#freedUpTo) {
      if (this.slotOf[v] !== NONE && this.#fits(v, this.slotOf[v])) slot = this.slotOf[v];
      for (
        let p = hints.follow[v], n = 0;
        slot === NONE && p !== NONE && n < PREFERENCE_LIMIT;
        p = hints.follow[p], n++
      ) {
        if (input.vregSlotBytes[p] !== bytes) break;
        if (this.slotOf[p] !== NONE && this.#fits(v, this.slotOf[p])) slot = this.slotOf[p];
      }
      if (slot === NONE) slot = this.#popFree(bytes === 16 ? 1 : 0);
    }
    this.#freedUpTo = start;
    if (slot === NONE) {
      slot = bytes === 16 ? (this.count + 1) & ~1 : this.count;
      this.count = slot + (bytes === 16 ? 2 : 1);
      this.#occupant = growInt32(this.#occupant, this.count + 1);
      this.#occupant[slot] = NONE;
    }
    this.slotOf[v] = slot;
    this.#nextOccupant[v] = this.#occupant[slot];
    this.#occupant[slot] = v;
    // The first argument chooses for the parameter and so for the others.
    const follow = hints.follow[v];
    if (follow !== NONE && this.slotOf[follow] === NONE && input.vregSlotBytes[follow] === bytes) {
      this.slotOf[follow] = slot;
    }
    this.#pushHeap(live.endOf(v), v);
  }

  /** Removes a value that has died from its slot. */
  #free(input: AllocationInput, v: number): void {
    const slot = this.slotOf[v], next = this.#nextOccupant;
    if (this.#occupant[slot] === v) this.#occupant[slot] = next[v];
    else {
      let w = this.#occupant[slot];
      while (next[w] !== v) w = next[w];
      next[w] = next[v];
    }
    if (this.#occupant[slot] === NONE) this.#freeSlots[input.vregSlotBytes[v] === 16 ? 1 : 0].push(slot);
  }

  /** Whether the vreg is never live together with those that have the slot. */
  #fits(v: number, slot: number): boolean {
    let count = 0;
    for (let w = this.#occupant[slot]; w !== NONE; w = this.#nextOccupant[w]) {
      if (++count > PREFERENCE_LIMIT || this.#overlap(v, w)) return false;
    }
    return true;
  }

  /** Whether two vregs are live at the same time. */
  #overlap(v: number, w: number): boolean {
    const { rangeStart, rangeFrom, rangeTo } = this.registers.live;
    let a = rangeStart[v], b = rangeStart[w];
    const aEnd = rangeStart[v + 1], bEnd = rangeStart[w + 1];
    for (let n = 0; n < RANGE_LIMIT; n++) {
      if (a === aEnd || b === bEnd) return false;
      if (rangeTo[a] <= rangeFrom[b]) a++;
      else if (rangeTo[b] <= rangeFrom[a]) b++;
      else return true;
    }
    return true;
  }

  #popFree(size: number): number {
    const free = this.#freeSlots[size];
    while (free.length > 0) {
      const slot = free.pop();
      if (this.#occupant[slot] === NONE) return slot;
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

  /**
   * Lists the slots, and the registers that a safepoint saves, of roots that are live across each safepoint. `savedRoots`: instruction, vreg,
   * register. The slot of a root in a register is valid only if it was stored at its def.
   */
  reportRoots(input: AllocationInput, output: Allocation, savedRoots: IntList): void {
    output.rootSlots.reset();
    output.rootRegisters.reset();
    for (let k = 0; k < savedRoots.length; k += 3) {
      output.rootRegisters.push(savedRoots.at(k));
      output.rootRegisters.push(savedRoots.at(k + 2));
    }
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
          const inst = safepoints.at(low);
          if (
            input.safepoint[inst] === Safepoint.registers && this.storedAtDef[v] === 0 &&
            isSaved(savedRoots, inst, v)
          ) continue;
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

/** Whether the vreg is in a register that instruction `inst` saves. */
function isSaved(savedRoots: IntList, inst: number, v: number): boolean {
  const { data, length } = savedRoots;
  let low = 0, high = length / 3;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (data[3 * middle] < inst) low = middle + 1;
    else high = middle;
  }
  for (let k = 3 * low; k < length && data[k] === inst; k += 3) if (data[k + 1] === v) return true;
  return false;
}
