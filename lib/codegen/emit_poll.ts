/**
 * Polls: a test of memory and a jump that is never taken, and out of line the call of the poll stub.
 *
 * The test fuses with the jump, so a poll is one operation in a loop. Under stress it counts down instead, so that every n-th poll
 * leaves whether or not anybody asked.
 *
 * With fuel, what a region costs is taken from a register: as an operation on memory it would take five cycles from one region to the next,
 * which is more than short loops take otherwise. The subtraction fuses with the jump that is taken below zero.
 *
 * FUELREG-1  In a module that counts fuel r13 is what is left, at every pc; no register allocator knows it, no stub but the boot image's
 *            touches it. `enter` and `resume` load it from the record, whatever leaves stores it there: JavaScript finds it in the record.
 *            Code of other modules uses r13 as it likes, and the record's field means nothing.
 */

import { VMRecord } from "../abi/mod.ts";
import { type Assembler, COND, NO_REG, packMem } from "../x64/mod.ts";
import { SEQUENCES, SLOW_PATH } from "./emit_sequence.ts";
import { RelocationTarget } from "./function_code.ts";
import * as F from "./isel/forms.ts";
import { FUEL_REGISTER } from "./registers.ts";
import { Shape } from "./vcode.ts";

const AT_R15 = packMem(15, NO_REG, 0);

// imm: not 0 to count down.
SEQUENCES[Shape.poll] = (e, i) => {
  const { asm } = e;
  const leave = asm.newLabel(), back = asm.newLabel();
  if (e.selector.code.imm[i] === 0) {
    // The flag is 0 or all ones, the record's address not 0 below: fused with the jump, which a comparison with a constant is not.
    asm.rm(F.TEST[0], 15, AT_R15, VMRecord.offsets.interruptFlag);
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
  takeFuel(asm, imm);
  asm.jcc(COND.L, leave); // not by the sign alone: "less" is what processors fuse with a subtraction
  asm.bind(back);
  e.addSlowPath(i, leave, back);
};

SEQUENCES[Shape.fuelTake] = ({ asm, selector: { code } }, i) => takeFuel(asm, code.imm[i]);

SEQUENCES[Shape.fuelAmount] = (e, i) => e.asm.rr(F.SUB.rm[1], FUEL_REGISTER, e.reg(e.selector.code.regOp[i]));

function takeFuel(asm: Assembler, amount: number): void {
  asm.ri(F.fitsI8(amount) ? F.SUB.imm8[1] : F.SUB.imm32[1], FUEL_REGISTER, amount);
}

// The return address keys the call table: backtraces and stack maps.
SEQUENCES[Shape.poll + SLOW_PATH] = SEQUENCES[Shape.fuelPoll + SLOW_PATH] = (e, i) => {
  e.asm.rel(F.CALL_REL, 0);
  e.relocate(RelocationTarget.pollStub);
  e.callHere(e.selector.code.site[i]);
};
