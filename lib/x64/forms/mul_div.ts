/** Multiplication and division: rows of the form table. */
import type { Row } from "./row.ts";

/** Multiplication and division. The one-operand forms work on rdx:rax. */
export const MUL_DIV = [
  ["mul", "rm8", "F6 /4", "x64", "rax:rw flags:w"],
  ["mul", "rm16", "66 F7 /4", "x64", "rax:rw rdx:w flags:w"],
  ["mul", "rm32", "F7 /4", "x64", "rax:rw rdx:w flags:w"],
  ["mul", "rm64", "REX.W F7 /4", "x64", "rax:rw rdx:w flags:w"],
  ["imul", "rm8", "F6 /5", "x64", "rax:rw flags:w"],
  ["imul", "rm16", "66 F7 /5", "x64", "rax:rw rdx:w flags:w"],
  ["imul", "rm32", "F7 /5", "x64", "rax:rw rdx:w flags:w"],
  ["imul", "rm64", "REX.W F7 /5", "x64", "rax:rw rdx:w flags:w"],
  ["div", "rm8", "F6 /6", "x64", "rax:rw flags:w"],
  ["div", "rm16", "66 F7 /6", "x64", "rax:rw rdx:rw flags:w"],
  ["div", "rm32", "F7 /6", "x64", "rax:rw rdx:rw flags:w"],
  ["div", "rm64", "REX.W F7 /6", "x64", "rax:rw rdx:rw flags:w"],
  ["idiv", "rm8", "F6 /7", "x64", "rax:rw flags:w"],
  ["idiv", "rm16", "66 F7 /7", "x64", "rax:rw rdx:rw flags:w"],
  ["idiv", "rm32", "F7 /7", "x64", "rax:rw rdx:rw flags:w"],
  ["idiv", "rm64", "REX.W F7 /7", "x64", "rax:rw rdx:rw flags:w"],
  ["imul", "rw r16, rm16", "66 0F AF /r", "x64", "flags:w"],
  ["imul", "rw r32, rm32", "0F AF /r", "x64", "flags:w"],
  ["imul", "rw r64, rm64", "REX.W 0F AF /r", "x64", "flags:w"],
  ["imul", "w r16, rm16, sx imm8", "66 6B /r ib", "x64", "flags:w"],
  ["imul", "w r32, rm32, sx imm8", "6B /r ib", "x64", "flags:w"],
  ["imul", "w r64, rm64, sx imm8", "REX.W 6B /r ib", "x64", "flags:w"],
  ["imul", "w r16, rm16, imm16", "66 69 /r iw", "x64", "flags:w"],
  ["imul", "w r32, rm32, imm32", "69 /r id", "x64", "flags:w"],
  ["imul", "w r64, rm64, sx imm32", "REX.W 69 /r id", "x64", "flags:w"],
] as const satisfies readonly Row[];
