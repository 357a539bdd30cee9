/** What passes may do with an operation, computed from its effects (never stated). */

import type { Func } from "./func.ts";
import {
  ATOMIC,
  CALLS,
  COMMUTES,
  EFFECTS,
  IR_OPS,
  type IrOp,
  memRegion,
  memTrap,
  PINNED,
  READS,
  Region,
  TERMINATES,
  TRAPS,
  WRITES,
} from "./ops.ts";
import { TYPE_BYTES } from "./types.ts";

const BOUND = READS | WRITES | CALLS | TERMINATES | PINNED;

// 1: two instructions with equal columns, one dominating the other, are one. Trapping is no obstacle: the first one would have trapped.
const NUMBERED = Uint8Array.from(EFFECTS, (effects) => (effects & BOUND) === 0 ? 1 : 0);
// 1: nothing but a result: may be moved, duplicated, removed.
const PURE = Uint8Array.from(EFFECTS, (effects) => (effects & ~COMMUTES) === 0 ? 1 : 0);

/** Whether an instruction of this operation equals any dominating one with the same columns. */
export function canNumber(op: IrOp): boolean {
  return NUMBERED[op] === 1;
}

/** Whether the operation only computes a result. */
export function isPure(op: IrOp): boolean {
  return PURE[op] === 1;
}

/** Whether the operation reads memory and does nothing else (it may trap). */
export function isLoad(op: IrOp): boolean {
  return (EFFECTS[op] & (READS | WRITES | CALLS)) === READS;
}

/** Whether the operation writes memory, is not atomic and does not call. */
export function isStore(op: IrOp): boolean {
  return (EFFECTS[op] & (WRITES | CALLS | ATOMIC)) === WRITES;
}

/** Whether the operation orders memory accesses of threads. */
export function isAtomic(op: IrOp): boolean {
  return (EFFECTS[op] & ATOMIC) !== 0;
}

// What another thread may have done that an atomic access makes visible: writes to memories, and their growth.
const ATOMIC_REGIONS = 1 << Region.memory | 1 << Region.vm;

/** The regions whose contents may differ after a store or atomic access with these `aux` flags, a bit each; 0 for all other operations. */
export function writtenRegions(op: IrOp, aux: number): number {
  return isStore(op) ? 1 << memRegion(aux) : isAtomic(op) ? ATOMIC_REGIONS : 0;
}

/** Whether a load with these `aux` flags reads what never changes while the function runs, and cannot fault. */
export function isConstantLoad(op: IrOp, aux: number): boolean {
  return isLoad(op) && memRegion(aux) === Region.readonly && memTrap(aux) === 0;
}

/** Whether an instruction without uses may be dropped; block parameters are the business of their block. */
export function canEliminate(op: IrOp, aux: number): boolean {
  const effects = EFFECTS[op];
  if ((effects & (WRITES | CALLS | TERMINATES)) !== 0) return false;
  if ((effects & READS) !== 0) return memTrap(aux) === 0;
  return (effects & TRAPS) === 0;
}

/** Whether the operation calls: clobbers registers, and ends the life of addresses (ADDR-1). */
export function isCall(op: IrOp): boolean {
  return (EFFECTS[op] & CALLS) !== 0;
}

/** Whether the operation ends its block. */
export function isTerminator(op: IrOp): boolean {
  return (EFFECTS[op] & TERMINATES) !== 0;
}

// Bytes that a narrow access touches; 0: as many as its type has.
const ACCESS_BYTES = Uint8Array.from(IR_OPS, ([name]) => {
  const bits = /^(?:load|store)(8|16|32)/.exec(name);
  return bits === null ? 0 : Number(bits[1]) / 8;
});

/** Number of bytes that a load or store touches. */
export function accessBytes(func: Func, value: number): number {
  const narrow = ACCESS_BYTES[func.op[value]];
  if (narrow !== 0) return narrow;
  return TYPE_BYTES[isStore(func.op[value]) ? func.type[func.c[value]] : func.type[value]];
}
