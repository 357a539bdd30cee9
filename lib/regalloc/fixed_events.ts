/**
 * Where instructions demand particular registers: per register the sorted positions of clobbers, fixed uses and fixed defs, and per class
 * the sorted positions of calls, that is of instructions that destroy every register of the class.
 *
 * A value prefers a register that nothing demands before the value dies. A call demands all, so it singles out none: what lives across it
 * is in its slot there whichever register it had. Calls are therefore one shared list instead of an event in each register's list.
 *
 * FIX-1  Lists ascend. Demands of instructions in cold blocks are left out: evicting there is cheap.
 * FIX-2  Queries through {@linkcode FixedEvents.nextDemand} and {@linkcode FixedEvents.nextHotCall} come with positions that never
 *        decrease: the cursors only advance, so all queries together are linear.
 */

import { growInt32, growUint8, IntList } from "../base/mod.ts";
import { type AllocationInput, Constraint, type RegisterFile } from "./api.ts";
import { END_OF_TIME } from "./live_ranges.ts";

/** Number of locations that are registers: 16 integer, 16 float. */
export const REGISTER_COUNT = 32;
/** Location bits of the float class. */
export const FLOAT_BITS = 0xffff0000 | 0;

/** The registers of a file as bit masks. */
export class RegisterMasks {
  /** Registers to choose from, by class. */
  readonly ofClass: Int32Array<ArrayBuffer> = new Int32Array(2);
  /** These and those that only fixed operands use. */
  readonly all: number;
  /** Registers in order of preference, by class. */
  readonly order: readonly [Uint8Array, Uint8Array];

  constructor(readonly file: RegisterFile) {
    for (const r of file.intOrder) this.ofClass[0] |= 1 << r;
    for (const r of file.floatOrder) this.ofClass[1] |= 1 << r;
    let all = this.ofClass[0] | this.ofClass[1];
    for (const r of file.fixedOnly ?? []) all |= 1 << r;
    this.all = all;
    this.order = [file.intOrder, file.floatOrder];
  }
}

/** Demands and calls of one program, with forward cursors. */
export class FixedEvents {
  readonly #start = new Int32Array(REGISTER_COUNT + 1);
  readonly #cursor = new Int32Array(REGISTER_COUNT);
  #position: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Positions of calls outside cold blocks, by class; then those in cold blocks too. */
  readonly #hotCalls: readonly [IntList, IntList] = [new IntList(), new IntList()];
  readonly #calls: readonly [IntList, IntList] = [new IntList(), new IntList()];
  /** Classes (bit 0 integer, bit 1 float) of which each block makes a call, cold blocks left out. */
  callsOf: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  readonly #hotCursor = new Int32Array(2);
  readonly #callCursor = new Int32Array(2);

  /** Collects the events of `input`. */
  build(input: AllocationInput, masks: RegisterMasks): void {
    const start = this.#start;
    start.fill(0);
    for (let c = 0; c < 2; c++) {
      this.#hotCalls[c].reset();
      this.#calls[c].reset();
      this.#hotCursor[c] = 0;
      this.#callCursor[c] = 0;
    }
    this.callsOf = growUint8(this.callsOf, input.blockCount);
    this.callsOf.fill(0, 0, input.blockCount);
    this.#visit(input, masks, "count");
    let total = 0;
    for (let r = 0; r < REGISTER_COUNT; r++) {
      const count = start[r];
      start[r] = total;
      this.#cursor[r] = total;
      total += count;
    }
    start[REGISTER_COUNT] = total;
    this.#position = growInt32(this.#position, total);
    this.#visit(input, masks, "write");
    for (let r = 0; r < REGISTER_COUNT; r++) this.#cursor[r] = start[r];
  }

  /** The first demand for `register` at or after `position`; END_OF_TIME if there is none (FIX-2). */
  nextDemand(register: number, position: number): number {
    let k = this.#cursor[register];
    const end = this.#start[register + 1];
    const list = this.#position;
    while (k < end && list[k] < position) k++;
    this.#cursor[register] = k;
    return k < end ? list[k] : END_OF_TIME;
  }

  /** The first call outside cold blocks at or after `position` (FIX-2). */
  nextHotCall(registerClass: number, position: number): number {
    return advance(this.#hotCalls[registerClass], this.#hotCursor, registerClass, position);
  }

  /** The first call at or after `position`, in a cold block or not (FIX-2). */
  nextCall(registerClass: number, position: number): number {
    return advance(this.#calls[registerClass], this.#callCursor, registerClass, position);
  }

  /** One pass over the program: counts demands per register, or writes them. */
  #visit(input: AllocationInput, masks: RegisterMasks, round: "count" | "write"): void {
    const counting = round === "count";
    const { blockCount, blockFirst, clobbers, cold, operandStart, operandInfo } = input;
    const intMask = masks.ofClass[0], floatMask = masks.ofClass[1];
    for (let b = 0; b < blockCount; b++) {
      const isCold = cold[b] !== 0;
      for (let i = blockFirst[b], end = blockFirst[b + 1]; i < end; i++) {
        const clobbered = clobbers[i] & masks.all;
        let demanded = clobbered;
        let called = 0;
        if (clobbered !== 0) {
          if ((clobbered & intMask) === intMask) called |= 0xffff;
          if ((clobbered & floatMask) === floatMask) called |= FLOAT_BITS;
          if (called !== 0 && counting) this.#addCall(2 * i, b, called, isCold);
        }
        if (isCold) continue;
        for (let o = operandStart[i], oe = operandStart[i + 1]; o < oe; o++) {
          const info = operandInfo[o];
          if ((info & 7) === Constraint.fixed) demanded |= 1 << (info >> 8);
        }
        demanded &= ~called;
        while (demanded !== 0) {
          const r = 31 - Math.clz32(demanded & -demanded);
          demanded &= demanded - 1;
          if (counting) this.#start[r]++;
          else this.#position[this.#cursor[r]++] = 2 * i;
        }
      }
    }
  }

  #addCall(position: number, block: number, called: number, isCold: boolean): void {
    for (let c = 0; c < 2; c++) {
      if ((called & (c === 0 ? 0xffff : FLOAT_BITS)) === 0) continue;
      this.#calls[c].push(position);
      if (isCold) continue;
      this.#hotCalls[c].push(position);
      this.callsOf[block] |= 1 << c;
    }
  }
}

function advance(list: IntList, cursors: Int32Array, index: number, position: number): number {
  let k = cursors[index];
  while (k < list.length && list.data[k] < position) k++;
  cursors[index] = k;
  return k < list.length ? list.data[k] : END_OF_TIME;
}
