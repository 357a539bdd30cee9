/**
 * Independent check of an allocation: replays it symbolically and knows, at each point, which vregs each location holds.
 *
 * It works from the input and the output alone and shares no code with the allocator (after regalloc2's `checker.rs`). A forward
 * dataflow analysis: the state maps each register and each 8-byte slot unit to the set of vregs whose value it holds.
 *
 * ```
 * edit to <- from         to := from
 * use of v at l           error unless v in l
 * def of v at l           v vanishes everywhere (a loop makes another v), l := {v}
 * clobber of r            r := {}
 * edge to a pad           the state in the middle of the pad's instruction, without registers
 * safepoint               roots vanish from registers and slots that are not reported (the collector moves them)
 * edge, p <- a            p vanishes everywhere, then joins wherever a was; all parameters at once
 * meet                    intersection per location
 * ```
 *
 * The states only shrink, so a fixed point is reached; the checks run once, on the fixed point.
 *
 * CHECK-1  A 16-byte value in a slot is two different halves in adjacent units: storing or loading half of one loses it.
 * CHECK-3  The map of a safepoint is exact: a root that is used afterwards was in a reported slot (all its other copies vanish), and a
 *          reported slot, listed once, holds a root of now on every path (what an earlier safepoint did not report has vanished).
 * CHECK-2  Also checked: constraints, allocatable registers, distinct locations of operands that conflict, order and form of edits.
 */

import { bug, NONE } from "../base/mod.ts";
import {
  type Allocation,
  type AllocationInput,
  Constraint,
  DEF,
  isSlot,
  LATE,
  type Location,
  type RegisterFile,
  REMATERIALISE,
  Safepoint,
  slotIndex,
} from "./api.ts";

/** First slot unit among the units; those before are registers. */
const FIRST_SLOT_UNIT = 32;

/** Which values each unit holds. A content is 2 * vreg, or 2 * vreg + 1 for the upper half of a 16-byte value in a slot. */
class State {
  readonly contents: Map<number, Set<number>> = new Map();
  /** Units that hold each content. */
  readonly units: Map<number, Set<number>> = new Map();

  copy(): State {
    const copy = new State();
    for (const [unit, contents] of this.contents) copy.contents.set(unit, new Set(contents));
    for (const [content, units] of this.units) copy.units.set(content, new Set(units));
    return copy;
  }

  holds(unit: number, content: number): boolean {
    return this.contents.get(unit)?.has(content) ?? false;
  }

  clear(unit: number): void {
    const contents = this.contents.get(unit);
    if (contents === undefined) return;
    for (const content of contents) this.units.get(content)?.delete(unit);
    this.contents.delete(unit);
  }

  add(unit: number, content: number): void {
    let contents = this.contents.get(unit);
    if (contents === undefined) this.contents.set(unit, contents = new Set());
    contents.add(content);
    let units = this.units.get(content);
    if (units === undefined) this.units.set(content, units = new Set());
    units.add(unit);
  }

  remove(unit: number, content: number): void {
    this.contents.get(unit)?.delete(content);
    this.units.get(content)?.delete(unit);
  }

  /** The vreg's value is nowhere any more. */
  forget(vreg: number): void {
    for (let content = 2 * vreg; content <= 2 * vreg + 1; content++) {
      const units = this.units.get(content);
      if (units === undefined) continue;
      for (const unit of units) this.contents.get(unit)?.delete(content);
      this.units.delete(content);
    }
  }

  /** Keeps what `other` has too. Returns whether something was lost. */
  intersect(other: State): boolean {
    let changed = false;
    for (const [unit, contents] of this.contents) {
      const others = other.contents.get(unit);
      for (const content of contents) {
        if (others?.has(content)) continue;
        this.remove(unit, content);
        changed = true;
      }
    }
    return changed;
  }
}

function nameOf(location: Location): string {
  if (isSlot(location)) return `slot ${slotIndex(location)}`;
  return location < 16 ? `r${location}` : `f${location - 16}`;
}

class Checker {
  readonly #allocatable: number;
  /** First edit of each instruction. */
  readonly #firstEdit: Int32Array;
  /** The instruction of the block being replayed that may go on in a pad, and the state in its middle. */
  #middleOf: number = NONE;
  #middle: State | undefined;
  /** First pair of `rootSlots` of each instruction. */
  readonly #firstRoot: Int32Array;
  /** First pair of `rootRegisters` of each instruction. */
  readonly #firstSaved: Int32Array;

  constructor(readonly input: AllocationInput, readonly output: Allocation, readonly registers: RegisterFile) {
    let allocatable = 0;
    for (const r of registers.intOrder) allocatable |= 1 << r;
    for (const r of registers.floatOrder) allocatable |= 1 << r;
    for (const r of registers.fixedOnly ?? []) allocatable |= 1 << r;
    this.#allocatable = allocatable;
    this.#firstEdit = new Int32Array(input.instCount + 1);
    this.#firstRoot = new Int32Array(input.instCount + 1);
    this.#firstSaved = new Int32Array(input.instCount + 1);
    let e = 0, s = 0, r = 0;
    const roots = output.rootSlots, saved = output.rootRegisters;
    for (let i = 0; i <= input.instCount; i++) {
      while (e < output.editCount && output.editInst[e] < i) e++;
      this.#firstEdit[i] = e;
      while (s < roots.length && roots.at(s) < i) s += 2;
      this.#firstRoot[i] = s;
      while (r < saved.length && saved.at(r) < i) r += 2;
      this.#firstSaved[i] = r;
    }
  }

  run(): void {
    this.#checkEditOrder();
    this.#checkOperandForms();
    const { input } = this;
    const entry: (State | undefined)[] = new Array(input.blockCount);
    entry[0] = new State();
    const queued = new Uint8Array(input.blockCount);
    // Blocks are in reverse postorder: the smallest queued block first needs the fewest rounds.
    let next = 0;
    queued[0] = 1;
    while (next < input.blockCount) {
      if (queued[next] === 0) {
        next++;
        continue;
      }
      const b = next;
      queued[b] = 0;
      const state = entry[b]!.copy();
      this.#replayBlock(b, state, "quiet");
      this.#passArguments(b, state);
      for (let k = input.succStart[b]; k < input.succStart[b + 1]; k++) {
        const succ = input.succs.at(k);
        const known = entry[succ];
        const leaving = input.padCall[succ] === NONE ? state : this.#unwinding(b, succ);
        if (known === undefined) entry[succ] = leaving.copy();
        else if (!known.intersect(leaving)) continue;
        queued[succ] = 1;
        if (succ < next) next = succ;
      }
    }
    for (let b = 0; b < input.blockCount; b++) {
      const state = entry[b];
      if (state !== undefined) this.#replayBlock(b, state, "check");
    }
  }

  /** The state in which control comes to a pad (RA-IN-6, RA-OUT-3). */
  #unwinding(b: number, pad: number): State {
    const { input } = this;
    const call = input.padCall[pad];
    if (call < input.blockFirst[b] || call >= input.blockFirst[b + 1]) {
      this.#fail(call, `is not in front of pad ${pad}`);
    }
    if (input.predStart[pad + 1] - input.predStart[pad] !== 1) this.#fail(call, `pad ${pad} has other predecessors`);
    const state = this.#middle ?? this.#fail(call, `was not replayed`);
    for (let r = 0; r < FIRST_SLOT_UNIT; r++) state.clear(r);
    return state;
  }

  #fail(inst: number, message: string): never {
    bug(`register allocation is wrong at instruction ${inst}: ${message}`);
  }

  #checkEditOrder(): void {
    const { input, output } = this;
    let block = 0;
    for (let e = 0; e < output.editCount; e++) {
      const inst = output.editInst[e];
      if (inst < 0 || inst >= input.instCount) this.#fail(inst, "an edit stands at no instruction");
      if (e > 0) {
        const before = output.editInst[e - 1];
        if (before > inst || (before === inst && output.editAfter[e - 1] > output.editAfter[e])) {
          this.#fail(inst, "edits are not sorted");
        }
      }
      while (input.blockFirst[block + 1] <= inst) block++;
      if (output.editAfter[e] !== 0 && inst === input.blockFirst[block + 1] - 1) {
        this.#fail(inst, "an edit stands after a terminator");
      }
      this.#checkEditForm(e);
    }
  }

  #checkEditForm(e: number): void {
    const { input, output } = this;
    const inst = output.editInst[e], v = output.editVreg[e], from = output.editFrom[e], to = output.editTo[e];
    if (v < 0 || v >= input.vregCount) this.#fail(inst, `an edit moves vreg ${v}`);
    if (from === REMATERIALISE) {
      if (input.vregRemat[v] === NONE) this.#fail(inst, `vreg ${v} cannot be rematerialised`);
      const isScratch = to === this.registers.scratchFloat && input.vregClass[v] === 1;
      if (!isScratch) this.#checkRegister(inst, v, to);
      return;
    }
    if (isSlot(from) && isSlot(to)) this.#fail(inst, "an edit moves slot to slot");
    for (const location of [from, to]) {
      if (isSlot(location)) this.#checkSlot(inst, v, location);
      else if (location !== this.registers.scratchFloat) this.#checkRegister(inst, v, location);
    }
  }

  #checkSlot(inst: number, v: number, location: Location): void {
    const slot = slotIndex(location), isWide = this.input.vregSlotBytes[v] === 16;
    if (slot + (isWide ? 2 : 1) > this.output.slotCount) {
      this.#fail(inst, `slot ${slot} of vreg ${v} is outside the frame`);
    }
    if (isWide && (slot & 1) !== 0) this.#fail(inst, `slot ${slot} of 16-byte vreg ${v} is odd`);
  }

  #checkRegister(inst: number, v: number, location: Location): void {
    if (location < 0 || location > 31 || (this.#allocatable & (1 << location)) === 0) {
      this.#fail(inst, `vreg ${v} is in ${nameOf(location)}, which is not allocatable`);
    }
    if (location >> 4 !== this.input.vregClass[v]) {
      this.#fail(inst, `vreg ${v} is in ${nameOf(location)}, of another class`);
    }
  }

  #checkOperandForms(): void {
    for (let i = 0; i < this.input.instCount; i++) this.#checkOperandsOf(i);
  }

  #checkOperandsOf(i: number): void {
    const { operandStart, operandVreg, operandInfo, clobbers } = this.input;
    const locations = this.output.operandLocation;
    const start = operandStart[i], end = operandStart[i + 1];
    let uses = 0, lateUses = 0, temporaries = 0, defs = 0;
    for (let o = start; o < end; o++) {
      const info = operandInfo[o], v = operandVreg[o], location = locations[o], constraint = info & 7;
      if (isSlot(location)) {
        if ((info & DEF) !== 0 || constraint !== Constraint.any) {
          this.#fail(i, `operand ${o - start} (vreg ${v}) is in a slot`);
        }
        this.#checkSlot(i, v, location);
        continue;
      }
      this.#checkRegister(i, v, location);
      if (constraint === Constraint.fixed && location !== info >> 8) {
        this.#fail(i, `operand ${o - start} (vreg ${v}) is in ${nameOf(location)} instead of ${nameOf(info >> 8)}`);
      }
      if (constraint === Constraint.reuse && location !== locations[start + (info >> 8)]) {
        this.#fail(i, `operand ${o - start} (vreg ${v}) does not reuse the register of operand ${info >> 8}`);
      }
      const bit = 1 << location;
      if ((info & DEF) === 0) {
        if (info & LATE) lateUses |= bit;
        uses |= bit;
      } else {
        if (((defs | temporaries) & bit) !== 0) this.#fail(i, `two defs are in ${nameOf(location)}`);
        if (info & LATE) defs |= bit;
        else {
          temporaries |= bit;
          if (constraint !== Constraint.fixed && (clobbers[i] & bit) !== 0) {
            this.#fail(i, `a temporary is in clobbered ${nameOf(location)}`);
          }
        }
      }
    }
    if ((temporaries & uses) !== 0) this.#fail(i, "a temporary shares a register with a use");
    if ((lateUses & defs) !== 0) this.#fail(i, "a def shares a register with a late use");
  }

  #replayBlock(b: number, state: State, mode: "quiet" | "check"): void {
    const { blockFirst, succs, succStart, padCall } = this.input;
    this.#middleOf = NONE;
    for (let k = succStart[b]; k < succStart[b + 1]; k++) {
      if (padCall[succs.at(k)] !== NONE) this.#middleOf = padCall[succs.at(k)];
    }
    for (let i = blockFirst[b]; i < blockFirst[b + 1]; i++) this.#replayInst(i, state, mode);
  }

  #replayInst(i: number, state: State, mode: "quiet" | "check"): void {
    const { output } = this;
    const { operandStart, operandVreg, operandInfo, clobbers, safepoint } = this.input;
    const start = operandStart[i], end = operandStart[i + 1];
    let e = this.#firstEdit[i];
    const lastEdit = this.#firstEdit[i + 1];
    for (; e < lastEdit && output.editAfter[e] === 0; e++) this.#replayEdit(e, state);
    if (mode === "check") this.#checkUses(i, state, 0);
    for (let o = start; o < end; o++) {
      if ((operandInfo[o] & (DEF | LATE)) === DEF) this.#define(state, operandVreg[o], output.operandLocation[o]);
    }
    for (let left = clobbers[i]; left !== 0; left &= left - 1) state.clear(31 - Math.clz32(left & -left));
    if (safepoint[i] !== 0) this.#collect(i, state, mode);
    if (i === this.#middleOf) this.#middle = state.copy();
    if (mode === "check") this.#checkUses(i, state, LATE);
    for (let o = start; o < end; o++) {
      if ((operandInfo[o] & (DEF | LATE)) === (DEF | LATE)) {
        this.#define(state, operandVreg[o], output.operandLocation[o]);
      }
    }
    for (; e < lastEdit; e++) this.#replayEdit(e, state);
  }

  /** Checks the early or the late uses. */
  #checkUses(i: number, state: State, flag: number): void {
    const { operandStart, operandVreg, operandInfo } = this.input;
    for (let o = operandStart[i]; o < operandStart[i + 1]; o++) {
      if ((operandInfo[o] & (DEF | LATE)) !== flag) continue;
      const v = operandVreg[o], location = this.output.operandLocation[o];
      if (this.#holds(state, v, location)) continue;
      const found = [...state.units.get(2 * v) ?? []].map((u) =>
        nameOf(u < FIRST_SLOT_UNIT ? u : FIRST_SLOT_UNIT - 1 - u)
      );
      const contents = [...state.contents.get(unitOf(location)) ?? []].map((c) => c >> 1);
      this.#fail(
        i,
        `operand ${o - operandStart[i]} reads vreg ${v} in ${nameOf(location)}, which holds {${contents}}; ` +
          `the value is in {${found.join(", ")}}`,
      );
    }
  }

  #holds(state: State, v: number, location: Location): boolean {
    const unit = unitOf(location);
    if (!state.holds(unit, 2 * v)) return false;
    return !isSlot(location) || this.input.vregSlotBytes[v] !== 16 || state.holds(unit + 1, 2 * v + 1);
  }

  #define(state: State, v: number, location: Location): void {
    state.forget(v);
    const unit = unitOf(location);
    state.clear(unit);
    state.add(unit, 2 * v);
  }

  #replayEdit(e: number, state: State): void {
    const { output } = this;
    const { vregSlotBytes } = this.input;
    const v = output.editVreg[e], from = output.editFrom[e], to = output.editTo[e];
    const isWide = vregSlotBytes[v] === 16;
    const target = unitOf(to);
    if (from === REMATERIALISE) {
      state.clear(target);
      state.add(target, 2 * v);
      return;
    }
    const source = unitOf(from);
    const moved: number[] = [];
    for (const content of state.contents.get(source) ?? []) {
      // CHECK-1: what is wider than the move is lost, unless it goes from register to register.
      if ((content & 1) !== 0) continue;
      const isWideContent = vregSlotBytes[content >> 1] === 16;
      if (isWideContent && (isSlot(from) || isSlot(to)) && !isWide) continue;
      if (isWideContent && isSlot(from) && !state.holds(source + 1, content + 1)) continue;
      moved.push(content);
    }
    state.clear(target);
    if (isSlot(to) && isWide) state.clear(target + 1);
    for (const content of moved) {
      state.add(target, content);
      if (isSlot(to) && vregSlotBytes[content >> 1] === 16) state.add(target + 1, content + 1);
    }
  }

  /** The collector updates reported slots; other copies of roots are stale. */
  #collect(i: number, state: State, mode: "quiet" | "check"): void {
    const { vregIsRoot } = this.input;
    const roots = this.output.rootSlots;
    const reported = new Set<number>();
    for (let s = this.#firstRoot[i]; s < this.#firstRoot[i + 1]; s += 2) {
      const unit = FIRST_SLOT_UNIT + roots.at(s + 1);
      // A collector that moves objects would take the new place for an old one.
      if (reported.has(unit)) this.#fail(i, `slot ${roots.at(s + 1)} is reported twice`);
      reported.add(unit);
      if (mode !== "check") continue;
      if (![...state.contents.get(unit) ?? []].some((content) => vregIsRoot[content >> 1] !== 0)) {
        this.#fail(i, `reported slot ${roots.at(s + 1)} holds no root`);
      }
    }
    const saved = this.output.rootRegisters;
    for (let s = this.#firstSaved[i]; s < this.#firstSaved[i + 1]; s += 2) {
      const register = saved.at(s + 1);
      if (this.input.safepoint[i] !== Safepoint.registers) {
        this.#fail(i, `${nameOf(register)} is reported where nothing is saved`);
      }
      if (reported.has(register)) this.#fail(i, `${nameOf(register)} is reported twice`);
      reported.add(register);
      if (mode !== "check") continue;
      if (![...state.contents.get(register) ?? []].some((content) => vregIsRoot[content >> 1] !== 0)) {
        this.#fail(i, `reported ${nameOf(register)} holds no root`);
      }
    }
    for (const [unit, contents] of state.contents) {
      if (reported.has(unit)) continue;
      for (const content of contents) if (vregIsRoot[content >> 1] !== 0) state.remove(unit, content);
    }
  }

  /** Assigns the parameters of the only successor, if there are any. */
  #passArguments(b: number, state: State): void {
    const { input } = this;
    const start = input.argStart[b], count = input.argStart[b + 1] - start;
    if (count === 0) return;
    const paramStart = input.paramStart[input.succs.at(input.succStart[b])];
    const gained: number[] = [];
    for (let k = 0; k < count; k++) {
      const argument = input.args.at(start + k), param = input.params.at(paramStart + k);
      for (let half = 0; half < 2; half++) {
        for (const unit of state.units.get(2 * argument + half) ?? []) gained.push(unit, 2 * param + half);
      }
    }
    for (let k = 0; k < count; k++) state.forget(input.params.at(paramStart + k));
    for (let k = 0; k < gained.length; k += 2) state.add(gained[k], gained[k + 1]);
  }
}

function unitOf(location: Location): number {
  return isSlot(location) ? FIRST_SLOT_UNIT + slotIndex(location) : location;
}

/** Throws if `output` is not a correct allocation of `input` to `registers`. */
export function checkAllocation(input: AllocationInput, output: Allocation, registers: RegisterFile): void {
  new Checker(input, output, registers).run();
}
