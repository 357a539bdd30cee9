/**
 * Polls: a comparison with memory and a jump that is never taken, and out of line the call of the poll stub.
 *
 * The comparison fuses with the jump, so a poll is one operation in a loop. Under stress it counts down instead, so that every n-th poll
 * leaves whether or not anybody asked.
 *
 * With fuel, what a region costs is taken from the record's count; the subtraction fuses with the jump that is taken below zero.
 */

import { VMRecord } from "../abi/mod.ts";
import { COND, NO_REG, packMem } from "../x64/mod.ts";
import { SEQUENCES, SLOW_PATH } from "./emit_sequence.ts";
import { RelocationTarget } from "./function_code.ts";
import * as F from "./isel/forms.ts";
import { Shape } from "./vcode.ts";

const AT_R15 = packMem(15, NO_REG, 0);

// imm: not 0 to count down.
SEQUENCES[Shape.poll] = (e, i) => {
  const { asm } = e;
  const leave = asm.newLabel(), back = asm.newLabel();
  if (e.selector.code.imm[i] === 0) {
    asm.mi(F.CMP.imm8[0], AT_R15, VMRecord.offsets.interruptFlag, 0);
    asm.jcc(COND.NE, leave);
  } else {
    asm.mi(F.SUB.imm8[0], AT_R15, VMRecord.offsets.pollCountdown, 1);
    asm.jcc(COND.BE, leave);
  }
  asm.bind(back);
  e.addSlowPath(i, leave, back);
};

SEQUENCES[Shape.fuelPoll] = (e, i) => {
  const { asm } = e;
  const imm = e.selector.code.imm[i];
  const leave = asm.newLabel(), back = asm.newLabel();
  asm.mi(F.fitsI8(imm) ? F.SUB.imm8[1] : F.SUB.imm32[1], AT_R15, VMRecord.offsets.fuel, imm);
  asm.jcc(COND.S, leave);
  asm.bind(back);
  e.addSlowPath(i, leave, back);
};

// The return address keys the call table: backtraces and stack maps.
SEQUENCES[Shape.poll + SLOW_PATH] = SEQUENCES[Shape.fuelPoll + SLOW_PATH] = (e, i) => {
  e.asm.rel(F.CALL_REL, 0);
  e.relocate(RelocationTarget.pollStub);
  e.callHere(e.selector.code.site[i]);
};
