/**
 * Null checks that the next access makes anyway: the access's fault takes their place.
 *
 * Problem: a producer that knows its types says that a reference is not null right before it reads a field of it. The read finds null by
 * itself, through its row in the trap table, so the comparison and its jump are for nothing.
 *
 * Approach: in each block, a check `trap if ref is null` followed by an access through the same reference that traps on null, with nothing
 * between that could be seen (a trap, a store, a call), becomes a dead constant, and the access takes over its trap code and its place in the
 * source. Both trap at the same point of the guest's state, so nobody can tell. Comes after all passes that learn from checks.
 *
 * Requires: control flow. Keeps: blocks, edges, ids. Leaves dead code. Linear.
 */

import { NONE } from "../../base/mod.ts";
import type { ControlFlow } from "../cfg.ts";
import { isCall, isLoad, isStore, isTerminator } from "../effects.ts";
import type { Func } from "../func.ts";
import { EFFECTS, IntCond, Ir, memFlags, memRegion, memTrap, TRAPS } from "../ops.ts";
import { I32, REF } from "../types.ts";

/** Folds null checks into accesses; has no state. */
export class NullChecks {
  /** Works on all blocks of a function. */
  run(func: Func, cfg: ControlFlow): void {
    for (let i = 0; i < cfg.rpoCount; i++) this.#runBlock(func, cfg.rpo[i]);
  }

  #runBlock(func: Func, block: number): void {
    let check: number = NONE;
    let checked: number = NONE;
    for (let place = func.blockStart[block]; place < func.blockEnd[block]; place++) {
      const value = func.order[place];
      const op = func.op[value];
      const ref = checkedReference(func, value);
      if (ref !== NONE) {
        // A second check comes between the first one and any access.
        check = value;
        checked = ref;
        continue;
      }
      if (isLoad(op) || isStore(op)) {
        const trap = memTrap(func.aux[value]);
        // An access that cannot fault may rely on the check; one without index is of the VM's own structures.
        if (trap === 0 && isLoad(op) && func.b[value] === NONE) continue;
        if (check !== NONE && trap !== 0 && func.b[value] === checked) takeOver(func, check, value);
        check = checked = NONE;
      } else if (isCall(op) || isTerminator(op) || (EFFECTS[op] & TRAPS) !== 0) check = checked = NONE;
    }
  }
}

/** The reference that an instruction traps on when it is null, or NONE. */
function checkedReference(func: Func, value: number): number {
  const op = func.op[value];
  if (op !== Ir.trap_if && op !== Ir.trap_unless) return NONE;
  const condition = func.a[value];
  if (func.op[condition] !== Ir.icmp) return NONE;
  if (func.imm[condition] !== (op === Ir.trap_if ? IntCond.eq : IntCond.ne)) return NONE;
  const x = func.a[condition], y = func.b[condition];
  const isNull = func.type[x] === REF && func.op[y] === Ir.iconst && func.imm[y] === 0;
  return isNull ? x : NONE;
}

function takeOver(func: Func, check: number, access: number): void {
  func.aux[access] = memFlags(func.imm[check], memRegion(func.aux[access]));
  func.site[access] = func.site[check];
  func.op[check] = Ir.iconst;
  func.type[check] = I32;
  func.a[check] = NONE;
  func.imm[check] = 0;
}
