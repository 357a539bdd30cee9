/**
 * The artifact's trap stub: called out of line by every explicit trap site, whose return address keys the trap table.
 *
 * The general registers and the return address go to the record, where the trap's operands are read from; the process's trap stub stores frame
 * and stack pointers and returns to JavaScript. Nothing ever
 * comes back, so the call is never paired with a return: a trap costs one misprediction.
 */

import { SAVED_REGISTERS_OFFSET, VMRecord } from "../../abi/mod.ts";
import { type Assembler, NO_REG, packMem } from "../../x64/mod.ts";
import * as F from "../isel/forms.ts";
import { SAVED_REGISTERS } from "./poll_stub.ts";

const AT_R15 = packMem(15, NO_REG, 0);

/** Appends the trap stub. */
export function emitTrapStub(asm: Assembler): void {
  for (const r of SAVED_REGISTERS) asm.rm(F.MOV_STORE[1], r, AT_R15, SAVED_REGISTERS_OFFSET + 8 * r);
  asm.m(F.POP_M, AT_R15, VMRecord.offsets.exitPc);
  asm.m(F.JMP_RM, AT_R15, VMRecord.offsets.trapStub);
}
