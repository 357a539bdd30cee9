/** Moves between the value area, registers and the stack, for the thunks: 16-byte slots, values in their own width. */

import { AREA_SLOT_BYTES, STACK_BASE } from "../../abi/mod.ts";
import { IS_FLOAT_CLASS, TYPE_BYTES } from "../../ir/mod.ts";
import { type Assembler, packMem } from "../../x64/mod.ts";
import * as F from "../isel/forms.ts";
import { NO_REG } from "../../x64/mod.ts";
import { SCRATCH_XMM } from "../registers.ts";

/** Carries values from memory to memory. */
const R10 = 10;

/** Loads area slot `slot` (area address in register `area`) into a location of the calling convention; stack ones count from `stack` + disp. */
export function loadFromArea(
  asm: Assembler,
  type: number,
  slot: number,
  area: number,
  location: number,
  stack: number,
  disp: number,
): void {
  const from = packMem(area, NO_REG, 0), fromDisp = slot * AREA_SLOT_BYTES;
  if (location >= STACK_BASE) {
    const to = packMem(stack, NO_REG, 0), toDisp = disp + location - STACK_BASE;
    copy(asm, type, from, fromDisp, to, toDisp);
  } else if (IS_FLOAT_CLASS[type] === 1) asm.rm(floatForms(type)[0], location & 15, from, fromDisp);
  else asm.rm(F.MOV_LOAD[TYPE_BYTES[type] === 8 ? 1 : 0], location, from, fromDisp);
}

/** Stores a location of the calling convention to area slot `slot`. */
export function storeToArea(
  asm: Assembler,
  type: number,
  slot: number,
  area: number,
  location: number,
  stack: number,
  disp: number,
): void {
  const to = packMem(area, NO_REG, 0), toDisp = slot * AREA_SLOT_BYTES;
  if (location >= STACK_BASE) copy(asm, type, packMem(stack, NO_REG, 0), disp + location - STACK_BASE, to, toDisp);
  else if (IS_FLOAT_CLASS[type] === 1) asm.rm(floatForms(type)[1], location & 15, to, toDisp);
  else asm.rm(F.MOV_STORE[TYPE_BYTES[type] === 8 ? 1 : 0], location, to, toDisp);
}

function copy(asm: Assembler, type: number, from: number, fromDisp: number, to: number, toDisp: number): void {
  if (TYPE_BYTES[type] === 16) {
    asm.rm(F.MOVUPS_LOAD, SCRATCH_XMM, from, fromDisp);
    asm.rm(F.MOVUPS_STORE, SCRATCH_XMM, to, toDisp);
    return;
  }
  const wide = TYPE_BYTES[type] === 8 ? 1 : 0;
  asm.rm(F.MOV_LOAD[wide], R10, from, fromDisp);
  asm.rm(F.MOV_STORE[wide], R10, to, toDisp);
}

function floatForms(type: number): readonly [typeof F.MOVAPS, typeof F.MOVAPS] {
  const bytes = TYPE_BYTES[type];
  if (bytes === 16) return [F.MOVUPS_LOAD, F.MOVUPS_STORE];
  return bytes === 4 ? [F.FLOAD[0], F.FSTORE[0]] : [F.FLOAD[1], F.FSTORE[1]];
}
