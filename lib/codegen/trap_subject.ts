/**
 * Where a trap's subject is when code calls the trap stub: the side of the comparison that explains the trap.
 *
 * The call is out of line, right behind the jump, so every register still has what it had at the comparison (EMIT-2), and the stub saves them.
 * It costs nothing where nothing traps: a row of a table that is read afterwards.
 */

import { HAS_SUBJECT } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { isSlot } from "../regalloc/mod.ts";
import { COND } from "../x64/mod.ts";
import type { Emitter } from "./emit.ts";
import * as F from "./isel/forms.ts";
import { MemBase, Shape } from "./vcode.ts";

/**
 * The place of the subject at the trap behind comparison `i`: a register, or a negative offset from rbp. What was too large, or was found
 * unequal, is the left side where the trap is for "above" or "not equal", and the right one where selection changed the sides. NONE for traps
 * without a subject, and where it is in memory only.
 */
export function subjectPlace(emitter: Emitter, i: number, cond: number): number {
  const { code } = emitter.selector;
  if (HAS_SUBJECT[code.imm2[i]] === 0) return NONE;
  const inMemory = code.memBase[i] !== MemBase.none;
  let operand: number = NONE;
  if (code.shape[i] === Shape.mi) {
    if (!inMemory) operand = code.rmOp[i];
  } else if (code.shape[i] === Shape.rm) {
    const isLeft = cond !== COND.B && cond !== COND.BE;
    const isRegisterLeft = code.form[i] !== F.CMP.mr[0] && code.form[i] !== F.CMP.mr[1];
    if (isLeft === isRegisterLeft) operand = code.regOp[i];
    else if (!inMemory) operand = code.rmOp[i];
  }
  if (operand === NONE) return NONE;
  const location = emitter.loc(operand);
  return isSlot(location) ? emitter.slotDisp(location) : location;
}
