/**
 * Parallel moves: order a set of simultaneous moves between registers and stack slots into a sequence of machine moves.
 *
 * Block edges and instructions with fixed operands assign many locations "at once"; done naively, a cycle such as (rax <- rcx,
 * rcx <- rax) loses a value. Moves whose destination nobody reads any more go first; what remains are disjoint cycles, each broken with
 * one temporary. Cf. Rideau, Serpette, Leroy, "Tilting at Windmills with Coq" (2008).
 *
 * MOVE-1  A location is the destination of at most one move of a set.
 * MOVE-2  No move from slot to slot leaves: the scratch register carries the value.
 * MOVE-3  Scratch is free for MOVE-2 while a cycle is open: a cycle with a move from slot to slot saves its value in the spare slot.
 *
 * Linear in the number of moves.
 */

import { bug, growInt32, IntList, NONE } from "../base/mod.ts";
import { REMATERIALISE } from "./api.ts";
import { type EditLog, IN_SLOT, IN_SPARE } from "./edit_log.ts";
import { REGISTER_COUNT } from "./fixed_events.ts";

/** A set of simultaneous moves. */
export class ParallelMoves {
  count = 0;
  /** Whether a cycle or a store needed the spare slot since the last `resetFunction`. */
  spareUsed = false;
  #fromVreg: Int32Array<ArrayBuffer> = new Int32Array(64);
  #toVreg: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Locations as indices: registers as they are, slot s as 32 + s, REMATERIALISE as NONE. */
  #from: Int32Array<ArrayBuffer> = new Int32Array(64);
  #to: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Per location: pending moves that read it; the pending move that writes it (plus one). */
  #readers: Int32Array<ArrayBuffer> = new Int32Array(64);
  #writer: Int32Array<ArrayBuffer> = new Int32Array(64);
  readonly #ready: IntList = new IntList();

  /** `scratch`: the float register outside the allocatable ones; `intRegisters`: the mask of integer registers that are allocatable or serve fixed operands. */
  constructor(readonly scratch: number, readonly intRegisters: number) {}

  /** Adds a move. Slots are given by number, as negative locations (-1 - slot). */
  add(fromVreg: number, from: number, toVreg: number, to: number): void {
    if (from === to) return;
    const n = this.count++;
    if (n >= this.#from.length) {
      this.#fromVreg = growInt32(this.#fromVreg, n + 1);
      this.#toVreg = growInt32(this.#toVreg, n + 1);
      this.#from = growInt32(this.#from, n + 1);
      this.#to = growInt32(this.#to, n + 1);
    }
    this.#fromVreg[n] = fromVreg;
    this.#toVreg[n] = toVreg;
    this.#from[n] = from === REMATERIALISE ? NONE : this.#index(from);
    this.#to[n] = this.#index(to);
  }

  #index(location: number): number {
    const index = location >= 0 ? location : REGISTER_COUNT - 1 - location;
    if (index >= this.#readers.length) {
      this.#readers = growInt32(this.#readers, index + 1);
      this.#writer = growInt32(this.#writer, index + 1);
    }
    return index;
  }

  /**
   * Emits the moves in a safe order and empties the set. `free`: registers that hold nothing before and after; `vregClass`: of each vreg.
   */
  resolve(log: EditLog, free: number, vregClass: Uint8Array): void {
    const count = this.count;
    if (count === 0) return;
    this.count = 0;
    if (count === 1 && this.#from[0] !== NONE) {
      this.#emit(log, 0);
      return;
    }
    const from = this.#from, to = this.#to, readers = this.#readers, writer = this.#writer, ready = this.#ready;
    for (let n = 0; n < count; n++) {
      if (writer[to[n]] !== 0) bug("regalloc: two moves to one location"); // MOVE-1
      writer[to[n]] = n + 1;
      if (from[n] !== NONE) readers[from[n]]++;
    }
    ready.reset();
    for (let n = 0; n < count; n++) if (readers[to[n]] === 0) ready.push(n);
    let rematToSlot = false;
    let cycle = 0;
    for (;;) {
      while (ready.length > 0) {
        const n = ready.pop();
        writer[to[n]] = 0;
        const source = from[n];
        if (source === NONE) {
          // Nobody waits for this move: a recomputation into a slot may use any register once all others have settled.
          if (to[n] >= REGISTER_COUNT) {
            rematToSlot = true;
            continue;
          }
          log.push(this.#fromVreg[n], REMATERIALISE, to[n]);
          continue;
        }
        this.#emit(log, n);
        if (--readers[source] === 0 && writer[source] !== 0) ready.push(writer[source] - 1);
      }
      while (cycle < count && writer[to[cycle]] !== cycle + 1) cycle++;
      if (cycle === count) break;
      this.#emitCycle(log, cycle, free, vregClass);
    }
    if (rematToSlot) this.#rematerialiseToSlots(log, count, free & this.intRegisters, vregClass);
  }

  /** Emits one move whose destination nobody reads. */
  #emit(log: EditLog, n: number): void {
    const source = this.#from[n], target = this.#to[n];
    if (source < REGISTER_COUNT) {
      if (target < REGISTER_COUNT) log.push(this.#fromVreg[n], source, target);
      else log.push(this.#toVreg[n], source, IN_SLOT);
    } else if (target < REGISTER_COUNT) {
      log.push(this.#fromVreg[n], IN_SLOT, target);
    } else { // MOVE-2
      log.push(this.#fromVreg[n], IN_SLOT, this.scratch);
      log.push(this.#toVreg[n], this.scratch, IN_SLOT);
    }
  }

  /** Emits the cycle that contains move `first`. */
  #emitCycle(log: EditLog, first: number, free: number, vregClass: Uint8Array): void {
    const from = this.#from, to = this.#to, readers = this.#readers, writer = this.#writer;
    let needsScratch = false;
    let last = first;
    for (;;) {
      if (from[last] >= REGISTER_COUNT && to[last] >= REGISTER_COUNT) needsScratch = true;
      if (from[last] === to[first]) break;
      last = writer[from[last]] - 1;
    }
    // Save what the first move overwrites: the last move wants it.
    const saved = to[first], savedVreg = this.#fromVreg[last];
    let temporary = this.scratch;
    if (needsScratch) { // MOVE-3
      this.spareUsed = true;
      temporary = IN_SPARE;
      if (saved >= REGISTER_COUNT) {
        log.push(savedVreg, IN_SLOT, this.scratch);
        log.push(savedVreg, this.scratch, IN_SPARE);
      } else log.push(savedVreg, saved, IN_SPARE);
    } else {
      // Of the value's class: through slots that they share, a cycle may lead over registers of both.
      const candidates = free & (vregClass[savedVreg] === 0 ? 0xffff : 0xffff0000);
      if (candidates !== 0) temporary = 31 - Math.clz32(candidates);
      log.push(savedVreg, saved >= REGISTER_COUNT ? IN_SLOT : saved, temporary);
    }
    for (let n = first; n !== last;) {
      const next = writer[from[n]] - 1;
      this.#emit(log, n);
      writer[to[n]] = 0;
      readers[from[n]]--;
      n = next;
    }
    const target = to[last];
    if (target < REGISTER_COUNT) log.push(savedVreg, temporary, target);
    else if (temporary === IN_SPARE) {
      log.push(savedVreg, IN_SPARE, this.scratch);
      log.push(this.#toVreg[last], this.scratch, IN_SLOT);
    } else log.push(this.#toVreg[last], temporary, IN_SLOT);
    writer[target] = 0;
    readers[from[last]]--;
  }

  /** A value can be recomputed only into a register: the scratch register for floats, for integers a free or a borrowed one. */
  #rematerialiseToSlots(log: EditLog, count: number, freeInt: number, vregClass: Uint8Array): void {
    for (let n = 0; n < count; n++) {
      if (this.#from[n] !== NONE || this.#to[n] < REGISTER_COUNT) continue;
      const source = this.#fromVreg[n], target = this.#toVreg[n];
      if (vregClass[source] !== 0 || freeInt !== 0) {
        const r = vregClass[source] !== 0 ? this.scratch : 31 - Math.clz32(freeInt);
        log.push(source, REMATERIALISE, r);
        log.push(target, r, IN_SLOT);
      } else {
        const r = 31 - Math.clz32(this.intRegisters);
        log.push(target, r, this.scratch);
        log.push(source, REMATERIALISE, r);
        log.push(target, r, IN_SLOT);
        log.push(target, this.scratch, r);
      }
    }
  }
}
