/**
 * The state of the scan: which vreg each register holds now, and the questions asked about values when registers are handed out.
 *
 * REG-STATE-1  Between instructions a vreg is in at most one register; `regOf` and `vregIn` agree.
 * REG-STATE-2  A live vreg in no register is in its slot (or rematerialisable). `clean` marks registers whose vreg also is in its slot.
 * REG-STATE-3  Positions asked about never decrease, so the cursors into uses and ranges only advance and all questions are linear in sum.
 */

import { bug, growInt32, growUint8, NONE } from "../base/mod.ts";
import { AllocationInput } from "./api.ts";
import { FixedEvents, REGISTER_COUNT, type RegisterMasks } from "./fixed_events.ts";
import { Hints, NO_REGISTER } from "./hints.ts";
import { END_OF_TIME, LiveRanges } from "./live_ranges.ts";
import { Loops } from "./loops.ts";

/** In `regOf`: the vreg is in no register. */
export const NOWHERE = -1;
/** Distance added when a value is lost to a call before its next use: keeping it in a register gains nothing. */
const BEYOND_CALL = 2 ** 32;
/** Distance added per loop that is left before the next use. */
const BEYOND_LOOP = 2 ** 24;
/** How many uses are looked at when uses in cold blocks are skipped or uses in a loop are weighed. */
const LOOK_AHEAD = 16;
/** How many parameters of parameters a wish looks through. */
const FOLLOW_LIMIT = 4;
/** Recomputing is cheaper than reloading: such values seem this much farther away. */
const REMAT_DISTANCE_FACTOR = 3;

/** Registers, cursors and facts of one function during the scan. */
export class Registers {
  input: AllocationInput = new AllocationInput();
  readonly live: LiveRanges = new LiveRanges();
  readonly loops: Loops = new Loops();
  readonly events: FixedEvents = new FixedEvents();
  readonly hints: Hints = new Hints();

  /** Vreg in each register, NONE if free. */
  readonly vregIn: Int32Array<ArrayBuffer> = new Int32Array(REGISTER_COUNT);
  /** Mask of registers that hold a vreg. */
  occupied = 0;
  /** Mask of registers whose vreg is valid in its slot too. */
  clean = 0;
  /** Register of each vreg, NOWHERE if none. */
  regOf: Int8Array<ArrayBuffer> = new Int8Array(1024);
  /** The register each vreg was in last: where it goes back to if it can. */
  lastReg: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** Register in which each vreg is defined, NO_REGISTER if in its slot. */
  defReg: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** 1: some point relies on the vreg's slot. */
  needsSlot: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** Estimated executions of the stores that save the vreg where it loses its register. */
  evictionCost: Float64Array<ArrayBuffer> = new Float64Array(1024);

  /** What `measure` found; as the value of a function it would be boxed. */
  readonly distance: Float64Array<ArrayBuffer> = new Float64Array(1);

  /** Uses before this position are past. */
  cursor = 0;
  /** The block being scanned. */
  block = 0;
  isCold = false;
  /** Registers to which the loop around brings the values of the next turn: others use them only for want of better ones. */
  reserved = 0;
  /** `reserved` of each loop entered so far. */
  #reservedIn: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** The innermost loop around `block`, NONE outside, and the position past its end (END_OF_TIME outside). */
  loop = NONE;
  loopEndPosition = END_OF_TIME;
  #usePtr: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #rangePtr: Int32Array<ArrayBuffer> = new Int32Array(1024);

  constructor(readonly masks: RegisterMasks) {}

  /** Prepares for `input`: computes the facts, empties the state. */
  begin(input: AllocationInput): void {
    this.input = input;
    const { live } = this;
    live.build(input);
    this.events.build(input, this.masks);
    this.loops.build(input, live, this.events.callsOf);
    this.hints.build(input, live);
    const count = input.vregCount;
    if (count > this.regOf.length) {
      const capacity = Math.max(count, 2 * this.regOf.length);
      this.regOf = new Int8Array(capacity);
      this.evictionCost = new Float64Array(capacity);
    }
    this.lastReg = growUint8(this.lastReg, count);
    this.defReg = growUint8(this.defReg, count);
    this.needsSlot = growUint8(this.needsSlot, count);
    this.#usePtr = growInt32(this.#usePtr, count);
    this.#rangePtr = growInt32(this.#rangePtr, count);
    this.regOf.fill(NOWHERE, 0, count);
    this.lastReg.fill(NO_REGISTER, 0, count);
    this.defReg.fill(NO_REGISTER, 0, count);
    this.needsSlot.fill(0, 0, count);
    this.evictionCost.fill(0, 0, count);
    for (let v = 0; v < count; v++) this.#usePtr[v] = live.useStart[v];
    for (let v = 0; v < count; v++) this.#rangePtr[v] = live.rangeStart[v];
    this.vregIn.fill(NONE);
    this.occupied = 0;
    this.clean = 0;
  }

  /** Moves on to `block`. */
  enterBlock(block: number): void {
    const { input, loops } = this;
    this.block = block;
    this.isCold = input.cold[block] !== 0;
    this.loop = loops.innermost[block];
    this.loopEndPosition = this.loop === NONE ? END_OF_TIME : 2 * input.blockFirst[loops.last[this.loop] + 1];
    this.cursor = 2 * input.blockFirst[block];
    this.reserved = this.loop === NONE || block === loops.header[this.loop] ? 0 : this.#reservedIn[this.loop];
  }

  /** Notes the registers of the parameters of the current block, a loop header: values for the next turn are to come there. */
  reserve(mask: number): void {
    this.#reservedIn = growInt32(this.#reservedIn, this.loop + 1);
    this.#reservedIn[this.loop] = mask;
    this.reserved = mask;
  }

  /** A value was born in the register it wished for the next turn: others may have it when it dies. */
  fulfil(register: number): void {
    this.reserved &= ~(1 << register);
    if (this.loop !== NONE) this.#reservedIn[this.loop] = this.reserved;
  }

  /** The first argument to be born chooses for the parameter and so for the others. */
  choose(v: number, register: number): void {
    const follow = this.hints.follow[v];
    if (follow === NONE) return;
    if (this.defReg[follow] === register) this.fulfil(register);
    else if (this.defReg[follow] === NO_REGISTER && this.lastReg[follow] === NO_REGISTER) {
      this.lastReg[follow] = register;
    }
  }

  /** Puts a vreg that is in no register into a free one. */
  place(v: number, register: number): void {
    if (this.vregIn[register] !== NONE) {
      bug(`regalloc: vreg ${v} takes register ${register} of ${this.vregIn[register]}`);
    }
    this.vregIn[register] = v;
    this.regOf[v] = register;
    this.lastReg[v] = register;
    this.occupied |= 1 << register;
    this.clean &= ~(1 << register);
  }

  /** Takes the vreg out of `register`. */
  remove(register: number): void {
    this.regOf[this.vregIn[register]] = NOWHERE;
    this.vregIn[register] = NONE;
    this.occupied &= ~(1 << register);
    this.clean &= ~(1 << register);
  }

  /** Whether the vreg is live at `position` (REG-STATE-3). */
  liveAt(v: number, position: number): boolean {
    const { rangeTo, rangeFrom, rangeStart } = this.live;
    let k = this.#rangePtr[v];
    const end = rangeStart[v + 1];
    if (k < end && rangeTo[k] <= position) {
      do k++; while (k < end && rangeTo[k] <= position);
      this.#rangePtr[v] = k;
    }
    return k < end && rangeFrom[k] <= position;
  }

  /** Position of the next use from `cursor` on; for code that is not cold, uses in cold blocks do not count. */
  nextUse(v: number): number {
    const { usePosition, useStart, blockOf } = this.live;
    const end = useStart[v + 1];
    const { cursor } = this;
    let k = this.#usePtr[v];
    while (k < end && usePosition[k] < cursor) k++;
    this.#usePtr[v] = k;
    if (!this.isCold) {
      const { cold } = this.input;
      const limit = k + LOOK_AHEAD;
      while (k < end && cold[blockOf[usePosition[k] >> 1]] !== 0) if (++k === limit) break;
    }
    return k < end ? usePosition[k] : END_OF_TIME;
  }

  /** Whether the vreg has a use, in a cold block too, from `start` up to the cursor. */
  isUsedBetween(v: number, start: number): boolean {
    const { usePosition, useStart } = this.live;
    this.nextUse(v);
    const previous = this.#usePtr[v] - 1;
    return previous >= useStart[v] && usePosition[previous] >= start;
  }

  /** The first position at which all registers of the class are lost, as far as this block cares. */
  nextLoss(registerClass: number): number {
    return this.isCold
      ? this.events.nextCall(registerClass, this.cursor)
      : this.events.nextHotCall(registerClass, this.cursor);
  }

  /** Sets `distance` to how far away the next use is; beyond calls and loops it is much farther than any within. */
  measure(v: number): void {
    const next = this.nextUse(v);
    const loss = this.nextLoss(this.input.vregClass[v]);
    let distance = next - this.cursor;
    if (next >= this.loopEndPosition) {
      this.#measureAcrossLoops(v, next, loss);
      distance = this.distance[0];
    } else if (next > loss) distance += BEYOND_CALL;
    this.distance[0] = this.input.vregRemat[v] !== NONE ? distance * REMAT_DISTANCE_FACTOR : distance;
  }

  /** The next use in position order is outside the loop: the loop's next turn may have one sooner. */
  #measureAcrossLoops(v: number, next: number, loss: number): void {
    const { loops, live, input } = this;
    const def = live.defBlock[v];
    const previous = this.#usePtr[v] - 1;
    let distance = next - this.cursor;
    for (let l = this.loop; l !== NONE && loops.header[l] > def; l = loops.parent[l]) {
      const start = 2 * input.blockFirst[loops.header[l]];
      const end = 2 * input.blockFirst[loops.last[l] + 1];
      if (next < end) break;
      if (previous >= live.useStart[v] && live.usePosition[previous] >= start) {
        // Used earlier in this loop, so again in the next turn.
        let first = previous;
        for (let n = 0; n < LOOK_AHEAD && first > live.useStart[v] && live.usePosition[first - 1] >= start; n++) {
          first--;
        }
        distance = end - this.cursor + live.usePosition[first] - start;
        this.distance[0] = loss < end ? distance + BEYOND_CALL : distance;
        return;
      }
      distance += BEYOND_LOOP;
    }
    this.distance[0] = next > loss ? distance + BEYOND_CALL : distance;
  }

  /** Sets `weights[n]` to what keeping the vreg in a register all through the loop saves: uses before `end`, weighted. */
  weighWithin(v: number, end: number, weights: Float64Array, n: number): void {
    const { usePosition, useStart, blockOf } = this.live;
    const { frequency } = this.loops;
    let k = this.#usePtr[v], weight = 0;
    const limit = Math.min(useStart[v + 1], k + LOOK_AHEAD);
    for (; k < limit && usePosition[k] < end; k++) weight += frequency[blockOf[usePosition[k] >> 1]];
    weights[n] = weight;
  }

  /**
   * The best of the `free` registers (a mask of one class, not empty) for a vreg: one it wishes for, else the one whose next demand comes
   * soonest after the vreg has died (best fit: what nobody demands is left for those who live long), else the one demanded last.
   */
  bestOf(free: number, v: number): number {
    const registerClass = this.input.vregClass[v];
    const loss = this.nextLoss(registerClass);
    const end = this.live.endOf(v);
    const need = end < loss ? end : loss;
    const wish = this.#wish(free, v, need);
    if (wish !== NO_REGISTER) return wish;
    const order = this.masks.order[registerClass];
    const { cursor, events } = this;
    if ((free & ~this.reserved) !== 0) free &= ~this.reserved;
    let best = NO_REGISTER, bestDemand = 0, fits = false;
    for (let k = 0; k < order.length; k++) {
      const r = order[k];
      if ((free & (1 << r)) === 0) continue;
      const demand = events.nextDemand(r, cursor);
      if (demand >= need) {
        if (!fits || demand < bestDemand) {
          best = r;
          bestDemand = demand;
          fits = true;
        }
      } else if (!fits && (best === NO_REGISTER || demand > bestDemand)) {
        best = r;
        bestDemand = demand;
      }
    }
    return best;
  }

  /** A free register the vreg wishes for and can keep until `need`, NO_REGISTER if none. */
  #wish(free: number, v: number, need: number): number {
    const { hints, events, cursor } = this;
    for (let p = hints.follow[v], n = 0; p !== NONE && n < FOLLOW_LIMIT; p = hints.follow[p], n++) {
      // The parameter's register; before its block is reached, the register another argument was born in, or what it follows itself.
      const r = this.defReg[p] !== NO_REGISTER ? this.defReg[p] : this.lastReg[p];
      if (r !== NO_REGISTER && (free & (1 << r)) !== 0 && events.nextDemand(r, cursor) >= need) return r;
    }
    const fixed = hints.register[v];
    // The demand that ends the life is the vreg's own.
    if (fixed !== NO_REGISTER && (free & (1 << fixed)) !== 0 && events.nextDemand(fixed, cursor) >= need - 1) {
      return fixed;
    }
    const last = this.lastReg[v];
    if (last !== NO_REGISTER && (free & (1 << last)) !== 0 && events.nextDemand(last, cursor) >= need) return last;
    return NO_REGISTER;
  }

  /**
   * The register among `held` (occupied, of the vreg's class) that is wished for so much that its value should go: the value will be lost
   * to the next call without having been used, and the vreg is wanted there, at the latest by that call. NO_REGISTER if none.
   */
  worthTaking(held: number, v: number): number {
    const wish = this.hints.register[v];
    if (wish === NO_REGISTER || (held & (1 << wish)) === 0 || this.isCold) return NO_REGISTER;
    const loss = this.nextLoss(this.input.vregClass[v]);
    // The demand must be the vreg's own: at the call or at the end of its life.
    if (loss >= this.loopEndPosition || this.nextUse(this.vregIn[wish]) <= loss) return NO_REGISTER;
    const end = this.live.endOf(v);
    return this.events.nextDemand(wish, this.cursor) >= (end < loss ? end : loss) - 1 ? wish : NO_REGISTER;
  }

  /** The register among `candidates` (occupied) whose vreg is used farthest away, NO_REGISTER if there are none. */
  farthest(candidates: number): number {
    let best = NO_REGISTER, bestDistance = -1;
    for (let left = candidates; left !== 0; left &= left - 1) {
      const r = 31 - Math.clz32(left & -left);
      this.measure(this.vregIn[r]);
      const distance = this.distance[0];
      if (distance > bestDistance) {
        best = r;
        bestDistance = distance;
      }
    }
    return best;
  }
}
