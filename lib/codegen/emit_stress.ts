/**
 * ZX-2: what stress adds to code so that a wrong assumption about upper halves shows.
 *
 * Every i32 whose zero extension nobody has proved gets garbage above; whoever relies on a proof has it checked. Both keep all registers but
 * their operand, and neither is in code compiled without stress.
 */

import { TrapCode } from "../abi/mod.ts";
import { COND } from "../x64/mod.ts";
import { SEQUENCES } from "./emit_sequence.ts";
import * as F from "./isel/forms.ts";
import { Shape } from "./vcode.ts";

/** Bits that are set: the sign, so that a 64-bit use sees a huge or negative number, and one that makes an address wrong but for the sign. */
const POISONED_BITS = [63, 34] as const;

SEQUENCES[Shape.poison] = (e, i) => {
  const r = e.reg(e.selector.code.regOp[i]);
  for (const bit of POISONED_BITS) e.asm.ri(F.BTS_IMM, r, bit);
};

// Rotations leave the zero flag alone.
SEQUENCES[Shape.checkZero] = (e, i) => {
  const { code } = e.selector;
  const r = e.reg(code.regOp[i]);
  e.asm.ri(F.ROR.imm[1], r, 32);
  e.asm.rr(F.TEST[0], r, r);
  e.asm.ri(F.ROR.imm[1], r, 32);
  e.asm.jcc(COND.NE, e.trapLabel(TrapCode.internal_check, code.site[i]));
};
