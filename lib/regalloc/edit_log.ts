/**
 * Edits as they are found, in any order and before slots have numbers; sorted and numbered at the end.
 *
 * EDIT-1  `from` and `to` are a register, {@linkcode IN_SLOT} (the slot of the edit's vreg), {@linkcode IN_SPARE} (the slot that breaks
 *         cycles of slots), or REMATERIALISE.
 * EDIT-2  Edits of one instruction and phase keep the order in which they were pushed.
 * EDIT-3  A *tentative* store saves a value that loses its register; it is dropped if the value turns out to be stored at its def.
 */

import { growInt32, growUint8, NONE } from "../base/mod.ts";
import type { Allocation, AllocationInput } from "./api.ts";

/** The stack slot of the edit's vreg. */
export const IN_SLOT = -1;
/** The spare slot. */
export const IN_SPARE = -2;

/** Where an edit stands relative to its instruction, in order. */
export const Phase = {
  /** Stores of parameters, at the start of a block. */
  blockStart: 0,
  /** Moves into place for the instruction, or along the edge for a jump. */
  before: 1,
  /** Stores of defs. */
  after: 2,
} as const;
const PHASES = 3;

/** The edits of one function. */
export class EditLog {
  count = 0;
  key: Int32Array<ArrayBuffer> = new Int32Array(512);
  vreg: Int32Array<ArrayBuffer> = new Int32Array(512);
  from: Int32Array<ArrayBuffer> = new Int32Array(512);
  to: Int32Array<ArrayBuffer> = new Int32Array(512);
  tentative: Uint8Array<ArrayBuffer> = new Uint8Array(512);
  #bucket: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #order: Int32Array<ArrayBuffer> = new Int32Array(512);
  /** Key given to edits pushed from now on. */
  #currentKey = 0;

  reset(): void {
    this.count = 0;
  }

  /** Says where the edits pushed from now on stand. */
  at(inst: number, phase: number): void {
    this.#currentKey = inst * PHASES + phase;
  }

  push(vreg: number, from: number, to: number): void {
    const n = this.count++;
    if (n >= this.key.length) this.#grow();
    this.key[n] = this.#currentKey;
    this.vreg[n] = vreg;
    this.from[n] = from;
    this.to[n] = to;
    this.tentative[n] = 0;
  }

  /** A store that is needed only unless the vreg is stored at its def (EDIT-3). */
  pushTentativeStore(vreg: number, from: number): void {
    this.push(vreg, from, IN_SLOT);
    this.tentative[this.count - 1] = 1;
  }

  /** Takes back an edit. */
  drop(n: number): void {
    this.vreg[n] = NONE;
  }

  /** The instruction at which edit `n` stands. */
  instOf(n: number): number {
    return (this.key[n] / PHASES) | 0;
  }

  #grow(): void {
    const needed = this.count;
    this.key = growInt32(this.key, needed);
    this.vreg = growInt32(this.vreg, needed);
    this.from = growInt32(this.from, needed);
    this.to = growInt32(this.to, needed);
    this.tentative = growUint8(this.tentative, needed);
  }

  /** Sorts the edits into `output` (a stable counting sort), dropping tentative stores of vregs marked in `storedAtDef`. */
  write(
    input: AllocationInput,
    output: Allocation,
    storedAtDef: Uint8Array,
    slotOf: Int32Array,
    spareSlot: number,
  ): void {
    const { count, key, vreg, from, to, tentative } = this;
    const keys = (input.instCount + 1) * PHASES;
    this.#bucket = growInt32(this.#bucket, keys + 1);
    this.#order = growInt32(this.#order, count);
    const bucket = this.#bucket, order = this.#order;
    bucket.fill(0, 0, keys + 1);
    for (let n = 0; n < count; n++) bucket[key[n] + 1]++;
    for (let k = 1; k <= keys; k++) bucket[k] += bucket[k - 1];
    for (let n = 0; n < count; n++) order[bucket[key[n]]++] = n;

    output.editInst = growInt32(output.editInst, count);
    output.editAfter = growUint8(output.editAfter, count);
    output.editVreg = growInt32(output.editVreg, count);
    output.editFrom = growInt32(output.editFrom, count);
    output.editTo = growInt32(output.editTo, count);
    const { editInst, editAfter, editVreg, editFrom, editTo } = output;
    let written = 0;
    for (let k = 0; k < count; k++) {
      const n = order[k], v = vreg[n];
      if (v === NONE) continue;
      if (tentative[n] !== 0 && storedAtDef[v] !== 0) continue;
      const source = from[n], target = to[n];
      const inst = this.instOf(n);
      editInst[written] = inst;
      editAfter[written] = key[n] === inst * PHASES + Phase.after ? 1 : 0;
      editVreg[written] = v;
      editFrom[written] = source >= 0 ? source : -1 - (source === IN_SLOT ? slotOf[v] : spareSlot);
      editTo[written++] = target >= 0 ? target : -1 - (target === IN_SLOT ? slotOf[v] : spareSlot);
    }
    output.editCount = written;
  }
}
