/**
 * Allocation of one instruction: brings uses where they must be, clears what it destroys, finds registers for its defs.
 *
 * All moves before an instruction happen at once, from the state the previous instruction left (the *old* state) to the one this
 * instruction reads (the *early* state); `#pending` lists what must arrive where. After its effect the instruction leaves the *late*
 * state. A value that must leave its register is first only *displaced*: it may find another register, may still be read where it is if
 * nothing arrives there, and only if it is without register at the end is it stored, before all moves (so its register is still its own).
 *
 * SCAN-1  `#locked` are registers that an operand reads, or that hold a temporary: not given away at the early point. `#soft` are those
 *         read by `any` operands: given away only when nothing else is left, the operand then reads the slot.
 * SCAN-2  `#lateLocked` are registers that are taken at the late point: defs, temporaries, late uses.
 * SCAN-3  A collector may move objects at a safepoint: roots that live on are in slots only, their register copies do not survive.
 * SCAN-4  Where registers are saved and updated, roots stay in theirs; a copy in the slot counts no more (it is updated only if the value is
 *         stored at its def, which is decided later).
 */

import { bug, growInt32, IntList, NONE } from "../base/mod.ts";
import { type Allocation, type AllocationInput, Constraint, DEF, LATE, REMATERIALISE, Safepoint } from "./api.ts";
import { type EditLog, IN_SLOT, Phase } from "./edit_log.ts";
import { REGISTER_COUNT, type RegisterMasks } from "./fixed_events.ts";
import { NO_REGISTER } from "./hints.ts";
import type { ParallelMoves } from "./moves.ts";
import { NOWHERE, type Registers } from "./registers.ts";

/** Values whose register changed in one instruction: each register's old value, reloads of all operands, bounded by both. */
const TOUCHED_CAPACITY = 1024;

/** Allocates instructions one after the other. */
export class InstructionScan {
  #input!: AllocationInput;
  #operandLocation!: Int32Array;
  /** Index of the instruction, its early position. */
  #inst = 0;
  /** Vreg that must be in each register at the early point, and the mask of such registers. */
  readonly #pendingVreg = new Int32Array(REGISTER_COUNT);
  #pending = 0;
  #locked = 0;
  #soft = 0;
  #lateLocked = 0;
  /** Values moved in this instruction: vreg, old register (NOWHERE if none), whether that was clean, whether an operand reads the slot. */
  #touchedCount = 0;
  #touchedIndex: Int32Array<ArrayBuffer> = new Int32Array(1024);
  readonly #touchedVreg = new Int32Array(TOUCHED_CAPACITY);
  readonly #touchedOld = new Int8Array(TOUCHED_CAPACITY);
  readonly #touchedClean = new Uint8Array(TOUCHED_CAPACITY);
  readonly #touchedReadsSlot = new Uint8Array(TOUCHED_CAPACITY);
  /** Per fixed register used by this instruction: the vreg that must be there. */
  readonly #fixedVreg = new Int32Array(REGISTER_COUNT);
  #fixedUse = 0;
  /** Registers of temporaries: those fixed from the start, the others as they are found. */
  #temporaries = 0;
  /** Registers a value that lives on cannot be in: clobbered or fixed defs. */
  #blocked = 0;
  /** Operand index of the use that a `reuse` def takes over, and the def's; NONE if there is none. */
  #reusedUse = NONE;
  #reuseDef = NONE;
  /** Whether there is an early def at no particular register; a late use. */
  #hasTemporary = false;
  #hasLateUse = false;

  /** Roots in registers at safepoints that save them: instruction, vreg, register; by rising instruction. */
  readonly savedRoots: IntList = new IntList();

  constructor(
    readonly registers: Registers,
    readonly masks: RegisterMasks,
    readonly log: EditLog,
    readonly moves: ParallelMoves,
  ) {}

  /** Prepares for a function. */
  begin(input: AllocationInput, output: Allocation): void {
    this.#input = input;
    this.#operandLocation = output.operandLocation;
    this.savedRoots.reset();
    this.#touchedIndex = growInt32(this.#touchedIndex, input.vregCount);
  }

  /** Allocates instruction `inst`. */
  allocate(inst: number): void {
    const input = this.#input;
    const start = input.operandStart[inst], end = input.operandStart[inst + 1];
    const clobbered = input.clobbers[inst] & this.masks.all;
    if (start === end && clobbered === 0) {
      if (input.safepoint[inst] === Safepoint.registers) this.#noteRoots(inst);
      if (input.safepoint[inst] !== Safepoint.slots) return;
    }
    const { registers } = this;
    const oldOccupied = registers.occupied;
    registers.cursor = 2 * inst + 2;
    this.#inst = inst;
    this.#pending = 0;
    this.#touchedCount = 0;
    this.#locked = 0;
    this.#soft = 0;
    this.#classify(start, end, clobbered);

    const conflicts = registers.occupied & (this.#fixedUse | this.#blocked);
    if (conflicts !== 0) this.#displace(conflicts);
    if (input.safepoint[inst] === Safepoint.slots) this.#displaceRoots();
    if (this.#touchedCount !== 0) this.#rehome();
    if (this.#fixedUse !== 0) this.#placeFixedUses(start, end);
    if (this.#lockUsesInPlace(start, end)) this.#loadMissingUses(start, end);
    if (this.#hasTemporary) this.#allocateTemporaries(start, end);
    this.#locateAnyUses(start, end);
    this.#endLives(start, end, 2 * inst + 1);
    this.#allocateDefs(start, end);
    if (this.#touchedCount !== 0) this.#storeEvicted();
    if (this.#pending !== 0) this.#emitMoves(oldOccupied);
    this.#installDefs(start, end);
  }

  #classify(start: number, end: number, clobbered: number): void {
    const { operandInfo, operandVreg } = this.#input;
    let fixedUse = 0, fixedDef = 0, fixedTemporary = 0, lateLocked = 0;
    this.#reusedUse = NONE;
    this.#reuseDef = NONE;
    this.#hasTemporary = false;
    this.#hasLateUse = false;
    for (let o = start; o < end; o++) {
      const info = operandInfo[o];
      const constraint = info & 7;
      if (constraint === Constraint.fixed) {
        const bit = 1 << (info >> 8);
        if (info & DEF) {
          if (info & LATE) fixedDef |= bit;
          else fixedTemporary |= bit;
        } else {
          fixedUse |= bit;
          this.#fixedVreg[info >> 8] = operandVreg[o];
          if (info & LATE) {
            lateLocked |= bit;
            this.#hasLateUse = true;
          }
        }
      } else if (constraint === Constraint.reuse) {
        if (this.#reuseDef !== NONE) bug(`regalloc: instruction ${this.#inst} has two reuse defs`);
        this.#reuseDef = o;
        this.#reusedUse = start + (info >> 8);
      } else if ((info & (DEF | LATE)) === DEF) this.#hasTemporary = true;
      else if ((info & (DEF | LATE)) === LATE) this.#hasLateUse = true;
    }
    this.#fixedUse = fixedUse;
    this.#temporaries = fixedTemporary;
    this.#blocked = clobbered | fixedDef | fixedTemporary;
    this.#lateLocked = lateLocked | fixedDef | fixedTemporary;
  }

  /** Whether the vreg must survive in a register or slot past the early point. */
  #livesPast(v: number): boolean {
    return this.registers.liveAt(v, 2 * this.#inst + 1) ||
      (this.#reusedUse !== NONE && this.#input.operandVreg[this.#reusedUse] === v);
  }

  /** Takes values out of registers that the instruction needs or destroys. */
  #displace(conflicts: number): void {
    const { registers } = this;
    for (let left = conflicts; left !== 0; left &= left - 1) {
      const bit = left & -left;
      const r = 31 - Math.clz32(bit);
      const v = registers.vregIn[r];
      if ((this.#fixedUse & bit) !== 0) {
        if (this.#fixedVreg[r] === v && ((this.#blocked & bit) === 0 || !this.#livesPast(v))) continue;
      } else if ((this.#temporaries & bit) === 0 && !this.#livesPast(v)) continue;
      this.#touch(v, r);
      registers.remove(r);
    }
  }

  /** SCAN-3: takes roots that live on out of all registers. */
  #displaceRoots(): void {
    const { registers } = this;
    const { vregIsRoot } = this.#input;
    for (let left = registers.occupied; left !== 0; left &= left - 1) {
      const r = 31 - Math.clz32(left & -left);
      const v = registers.vregIn[r];
      if (vregIsRoot[v] === 0 || !registers.liveAt(v, 2 * this.#inst + 1)) continue;
      this.#touch(v, r);
      registers.remove(r);
    }
  }

  /** SCAN-4: notes the registers of roots that live on past an instruction that saves all registers. */
  #noteRoots(inst: number): void {
    const { registers, savedRoots } = this;
    const { vregIsRoot } = this.#input;
    for (let left = registers.occupied & 0xffff; left !== 0; left &= left - 1) {
      const r = 31 - Math.clz32(left & -left);
      const v = registers.vregIn[r];
      if (vregIsRoot[v] === 0 || !registers.liveAt(v, 2 * inst + 1)) continue;
      savedRoots.push(inst);
      savedRoots.push(v);
      savedRoots.push(r);
      registers.clean &= ~(1 << r);
    }
  }

  /** Whether a safepoint forbids the value to live on in a register. */
  #mustLiveInSlot(v: number): boolean {
    return this.#input.safepoint[this.#inst] === Safepoint.slots && this.#input.vregIsRoot[v] !== 0;
  }

  /** Moves displaced values that live on to other registers, if there are any worth it. */
  #rehome(): void {
    const { registers } = this;
    const avoid = this.#fixedUse | this.#blocked;
    const count = this.#touchedCount;
    for (let t = 0; t < count; t++) {
      const v = this.#touchedVreg[t];
      const allowed = this.masks.ofClass[this.#input.vregClass[v]] & ~avoid;
      if (allowed === 0 || !this.#livesPast(v) || this.#mustLiveInSlot(v)) continue;
      // What a call destroys before its next use is stored sooner or later.
      if (registers.nextUse(v) >= registers.nextLoss(this.#input.vregClass[v]) && !this.#isOperand(v)) continue;
      const free = allowed & ~registers.occupied;
      let r: number;
      if (free !== 0) r = registers.bestOf(free, v);
      else {
        r = registers.farthest(allowed & registers.occupied);
        if (r === NO_REGISTER || this.#isOperand(registers.vregIn[r])) continue;
        registers.measure(v);
        const distance = registers.distance[0];
        registers.measure(registers.vregIn[r]);
        if (registers.distance[0] <= distance) continue;
        this.#evict(r);
      }
      registers.place(v, r);
      if (this.#touchedClean[t] !== 0) registers.clean |= 1 << r;
      this.#expect(r, v);
    }
  }

  #isOperand(v: number): boolean {
    const { operandStart, operandVreg } = this.#input;
    for (let o = operandStart[this.#inst], end = operandStart[this.#inst + 1]; o < end; o++) {
      if (operandVreg[o] === v) return true;
    }
    return false;
  }

  #placeFixedUses(start: number, end: number): void {
    const { registers } = this;
    const { operandInfo, operandVreg } = this.#input;
    for (let o = start; o < end; o++) {
      const info = operandInfo[o];
      if ((info & 7) !== Constraint.fixed || (info & DEF) !== 0) continue;
      const v = operandVreg[o], r = info >> 8, bit = 1 << r;
      this.#operandLocation[o] = r;
      this.#locked |= bit;
      if (this.#oldRegister(v) === r) continue;
      this.#expect(r, v);
      // A value that has to be loaded anyway may stay there.
      if (
        registers.regOf[v] === NOWHERE && ((this.#blocked | registers.occupied) & bit) === 0 &&
        registers.liveAt(v, 2 * this.#inst + 1) && !this.#mustLiveInSlot(v)
      ) this.#settle(v, r);
    }
  }

  /** Notes the registers of uses that are where they may stay. Returns whether a use in need of a register has none. */
  #lockUsesInPlace(start: number, end: number): boolean {
    const { operandInfo, operandVreg } = this.#input;
    const locations = this.#operandLocation;
    let missing = false;
    for (let o = start; o < end; o++) {
      const info = operandInfo[o];
      if ((info & DEF) !== 0 || (info & 7) === Constraint.fixed) continue;
      const v = operandVreg[o];
      const r = info & LATE ? this.registers.regOf[v] : this.#earlyRegister(v);
      if (r === NOWHERE) {
        locations[o] = IN_SLOT;
        missing = true;
      } else if (
        o === this.#reusedUse && (this.registers.liveAt(v, 2 * this.#inst + 1) || this.registers.regOf[v] !== r)
      ) {
        // The def destroys its register, so the use reads a copy.
        locations[o] = IN_SLOT;
        missing = true;
      } else {
        locations[o] = r;
        if ((info & 7) === Constraint.any && o !== this.#reusedUse) this.#soft |= 1 << r;
        else this.#locked |= 1 << r;
        if ((info & LATE) !== 0) this.#lateLocked |= 1 << r;
      }
    }
    return missing;
  }

  #loadMissingUses(start: number, end: number): void {
    const { registers } = this;
    const { operandInfo, operandVreg, vregClass, vregRemat } = this.#input;
    const locations = this.#operandLocation;
    for (let o = start; o < end; o++) {
      const info = operandInfo[o];
      if ((info & DEF) !== 0 || locations[o] >= 0) continue;
      const v = operandVreg[o];
      const isAny = (info & 7) === Constraint.any && o !== this.#reusedUse && vregRemat[v] === NONE;
      if (o !== this.#reusedUse) {
        // An operand before this one may have brought it.
        const r = info & LATE ? registers.regOf[v] : this.#earlyRegister(v);
        if (r !== NOWHERE) {
          locations[o] = r;
          this.#locked |= 1 << r;
          if ((info & LATE) !== 0) this.#lateLocked |= 1 << r;
          continue;
        }
      }
      const livesOn = registers.liveAt(v, 2 * this.#inst + 1);
      const early = this.masks.ofClass[vregClass[v]] &
        ~(this.#locked | this.#fixedUse | this.#temporaries);
      const late = early & ~this.#blocked & ~this.#lateLocked;
      if (isAny) {
        if (!livesOn || this.#mustLiveInSlot(v)) continue;
        // Worth a register only if there is one to spare and the value is used again before a call takes it away.
        const free = late & ~registers.occupied;
        if (free === 0 || registers.nextUse(v) >= registers.nextLoss(vregClass[v])) continue;
        if (registers.nextUse(v) >= registers.loopEndPosition) continue;
        const r = registers.bestOf(free, v);
        this.#expect(r, v);
        this.#settle(v, r);
        locations[o] = r;
        this.#soft |= 1 << r;
        continue;
      }
      let r: number;
      if (o === this.#reusedUse) {
        r = this.#obtain(late, operandVreg[this.#reuseDef]);
        if (r === NO_REGISTER) r = this.#obtain(early & ~(this.#lateLocked), operandVreg[this.#reuseDef]);
      } else if (livesOn || (info & LATE) !== 0) {
        const stays = !this.#mustLiveInSlot(v);
        r = stays ? this.#obtain(late, v) : NO_REGISTER;
        if (r !== NO_REGISTER) {
          this.#expect(r, v);
          this.#settle(v, r);
          if ((info & LATE) !== 0) this.#lateLocked |= 1 << r;
          this.#locked |= 1 << r;
          locations[o] = r;
          continue;
        }
        if ((info & LATE) !== 0) bug(`regalloc: no register for a late use of instruction ${this.#inst}`);
        r = this.#obtain(early, v);
      } else r = this.#obtain(early, v);
      if (r === NO_REGISTER) bug(`regalloc: no register for a use of vreg ${v} at instruction ${this.#inst}`);
      this.#expect(r, v);
      this.#locked |= 1 << r;
      locations[o] = r;
    }
  }

  /** A register out of `allowed` for the early point, by eviction if none is free. */
  #obtain(allowed: number, v: number): number {
    const { registers } = this;
    const free = allowed & ~registers.occupied;
    if (free !== 0) return registers.bestOf(free & ~this.#soft || free, v);
    let r = registers.farthest(allowed & registers.occupied & ~this.#soft);
    if (r === NO_REGISTER) {
      r = registers.farthest(allowed & registers.occupied);
      if (r === NO_REGISTER) return r;
    }
    this.#evict(r);
    return r;
  }

  /** `any` uses read the register the value is in, or else its slot. */
  #locateAnyUses(start: number, end: number): void {
    if (this.#soft === 0 && this.#touchedCount === 0) return;
    const { operandInfo, operandVreg } = this.#input;
    const locations = this.#operandLocation;
    for (let o = start; o < end; o++) {
      const info = operandInfo[o];
      if ((info & DEF) !== 0 || (info & 7) !== Constraint.any || o === this.#reusedUse) continue;
      const v = operandVreg[o];
      const r = info & LATE ? this.registers.regOf[v] : this.#earlyRegister(v);
      if (r !== NOWHERE) {
        locations[o] = r;
        this.#locked |= 1 << r;
        if ((info & LATE) !== 0) this.#lateLocked |= 1 << r;
        continue;
      }
      if (this.#input.vregRemat[v] !== NONE) {
        bug(`regalloc: no register for a use of vreg ${v} at instruction ${this.#inst}`);
      }
      locations[o] = IN_SLOT;
      const t = this.#touchOf(v);
      if (t !== NONE) this.#touchedReadsSlot[t] = 1;
    }
  }

  /** Frees the registers of values that are not live at `position`. */
  #endLives(start: number, end: number, position: number): void {
    const { registers } = this;
    const { operandInfo, operandVreg } = this.#input;
    for (let o = start; o < end; o++) {
      if ((operandInfo[o] & DEF) !== 0) continue;
      const v = operandVreg[o], r = registers.regOf[v];
      if (r !== NOWHERE && !registers.liveAt(v, position)) {
        this.#touch(v, r);
        registers.remove(r);
      }
    }
  }

  /** Temporaries conflict with all uses, defs and clobbers. */
  #allocateTemporaries(start: number, end: number): void {
    const { operandInfo, operandVreg, vregClass } = this.#input;
    for (let o = start; o < end; o++) {
      const info = operandInfo[o];
      if ((info & (DEF | LATE)) !== DEF || (info & 7) === Constraint.fixed) continue;
      const v = operandVreg[o];
      const taken = this.#locked | this.#fixedUse | this.#lateLocked | this.#blocked;
      const r = this.#obtain(this.masks.ofClass[vregClass[v]] & ~taken, v);
      if (r === NO_REGISTER) bug(`regalloc: no register for a temporary at instruction ${this.#inst}`);
      this.#operandLocation[o] = r;
      this.#temporaries |= 1 << r;
      this.#locked |= 1 << r;
      this.#lateLocked |= 1 << r;
    }
  }

  #allocateDefs(start: number, end: number): void {
    const { operandInfo, operandVreg, vregClass } = this.#input;
    const locations = this.#operandLocation;
    let plain = 0;
    for (let o = start; o < end; o++) {
      const info = operandInfo[o];
      if ((info & DEF) === 0) continue;
      const constraint = info & 7;
      if (constraint === Constraint.fixed) locations[o] = info >> 8;
      else if (constraint === Constraint.reuse) {
        const r = locations[this.#reusedUse];
        locations[o] = r;
        this.#lateLocked |= 1 << r;
      } else if ((info & LATE) !== 0) plain++;
    }
    if (plain === 0) return;
    for (let o = start; o < end; o++) {
      const info = operandInfo[o];
      const constraint = info & 7;
      if (
        (info & (DEF | LATE)) !== (DEF | LATE) || constraint === Constraint.fixed || constraint === Constraint.reuse
      ) continue;
      const v = operandVreg[o];
      const r = this.#obtainLate(this.masks.ofClass[vregClass[v]] & ~this.#lateLocked, v);
      if (r === NO_REGISTER) bug(`regalloc: no register for a def of instruction ${this.#inst}`);
      locations[o] = r;
      this.#lateLocked |= 1 << r;
    }
  }

  /** A register out of `allowed` that is free at the late point, by eviction if none is. */
  #obtainLate(allowed: number, v: number): number {
    const { registers } = this;
    const free = allowed & ~registers.occupied;
    if (free !== 0) {
      const wish = registers.worthTaking(allowed & registers.occupied, v);
      if (wish === NO_REGISTER) return registers.bestOf(free, v);
      this.#evict(wish);
      return wish;
    }
    const r = registers.farthest(allowed & registers.occupied);
    if (r !== NO_REGISTER) this.#evict(r);
    return r;
  }

  /** Takes a value out of its register for good, as far as this instruction is concerned. */
  #evict(r: number): void {
    const { registers } = this;
    const v = registers.vregIn[r], bit = 1 << r;
    this.#touch(v, r);
    registers.remove(r);
    // A value on its way here that no operand reads here need not come.
    if ((this.#pending & bit) !== 0 && (this.#locked & bit) === 0) this.#pending &= ~bit;
  }

  /** Remembers where a value was in the old state, the first time it moves. */
  #touch(v: number, old: number): void {
    if (this.#touchOf(v) !== NONE) return;
    const count = this.#touchedCount;
    if (count === TOUCHED_CAPACITY) bug(`regalloc: instruction ${this.#inst} has too many operands`);
    this.#touchedIndex[v] = count;
    this.#touchedVreg[count] = v;
    this.#touchedOld[count] = old;
    this.#touchedClean[count] = old !== NOWHERE && (this.registers.clean & (1 << old)) !== 0 ? 1 : 0;
    this.#touchedReadsSlot[count] = 0;
    this.#touchedCount = count + 1;
  }

  /** The register that held the value before the instruction. */
  #oldRegister(v: number): number {
    const t = this.#touchOf(v);
    return t !== NONE ? this.#touchedOld[t] : this.registers.regOf[v];
  }

  /** Index of the value among the touched ones, NONE if it has not moved. */
  #touchOf(v: number): number {
    const t = this.#touchedIndex[v];
    return t < this.#touchedCount && this.#touchedVreg[t] === v ? t : NONE;
  }

  /** The register in which the value can be read at the early point, NOWHERE if it has to be brought. */
  #earlyRegister(v: number): number {
    const r = this.registers.regOf[v];
    if (r !== NOWHERE) return r;
    if (this.#pending !== 0) {
      for (let left = this.#pending; left !== 0; left &= left - 1) {
        const p = 31 - Math.clz32(left & -left);
        if (this.#pendingVreg[p] === v) return p;
      }
    }
    if (this.#touchedCount !== 0) {
      const old = this.#oldRegister(v);
      // Displaced, but nothing arrives there before the instruction has read it.
      if (old !== NOWHERE) {
        const bit = 1 << old;
        const isRead = (this.#fixedUse & bit) !== 0 && this.#fixedVreg[old] !== v;
        if (!isRead && ((this.#temporaries | this.#pending | this.registers.occupied) & bit) === 0) return old;
      }
    }
    return NOWHERE;
  }

  /** Demands that the value be in `register` at the early point. */
  #expect(register: number, v: number): void {
    this.#pending |= 1 << register;
    this.#pendingVreg[register] = v;
  }

  /** Gives the value a register that it keeps. */
  #settle(v: number, register: number): void {
    const { registers } = this;
    this.#touch(v, NOWHERE);
    registers.place(v, register);
    const t = this.#touchOf(v);
    if (this.#touchedOld[t] === NOWHERE || this.#touchedClean[t] !== 0) registers.clean |= 1 << register;
  }

  /** Stores the values that lost their register and are still wanted. */
  #storeEvicted(): void {
    const { registers } = this;
    const { vregRemat } = this.#input;
    for (let t = 0; t < this.#touchedCount; t++) {
      const v = this.#touchedVreg[t], old = this.#touchedOld[t];
      if (old === NOWHERE || vregRemat[v] !== NONE) continue;
      if (this.#touchedReadsSlot[t] === 0) {
        if (registers.regOf[v] !== NOWHERE || !registers.liveAt(v, 2 * this.#inst + 1)) continue;
      }
      registers.needsSlot[v] = 1;
      if (this.#touchedClean[t] !== 0) continue;
      this.log.at(this.#inst, Phase.before);
      this.log.pushTentativeStore(v, old);
      registers.evictionCost[v] += registers.loops.frequency[registers.block];
    }
  }

  #emitMoves(oldOccupied: number): void {
    const { moves } = this;
    const { vregRemat } = this.#input;
    for (let left = this.#pending; left !== 0; left &= left - 1) {
      const r = 31 - Math.clz32(left & -left);
      const v = this.#pendingVreg[r];
      const old = this.#oldRegister(v);
      moves.add(v, old !== NOWHERE ? old : vregRemat[v] !== NONE ? REMATERIALISE : IN_SLOT, v, r);
    }
    this.log.at(this.#inst, Phase.before);
    moves.resolve(this.log, this.masks.all & ~(oldOccupied | this.#pending), this.#input.vregClass);
  }

  #installDefs(start: number, end: number): void {
    const { registers } = this;
    const { operandInfo, operandVreg } = this.#input;
    const after = 2 * this.#inst + 2;
    // What is live out of a block need not be live at the position that follows.
    const isTerminator = this.#inst + 1 === this.#input.blockFirst[registers.block + 1];
    if (this.#hasLateUse && !isTerminator) this.#endLives(start, end, after);
    for (let o = start; o < end; o++) {
      if ((operandInfo[o] & DEF) === 0) continue;
      const v = operandVreg[o], r = this.#operandLocation[o];
      registers.defReg[v] = r;
      if (!isTerminator && !registers.liveAt(v, after)) continue;
      registers.place(v, r);
      registers.choose(v, r);
    }
  }
}
