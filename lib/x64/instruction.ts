/**
 * One instruction as data: a form with its operands. What the disassembler produces, what the printer prints; the assembler
 * never makes one.
 *
 * The text is NASM's: `mov eax, dword [r14 + rdx*4 + 0x10]`, targets as absolute offsets, numbers below ten in decimal.
 *
 * May import: base. @module
 */
import { NONE } from "../base/mod.ts";
import {
  FILE_GPR,
  FILE_YMM,
  KIND_FILE,
  KIND_FIXED,
  KIND_IMMEDIATE_BYTES,
  KIND_MEMORY_BYTES,
  KIND_REGISTER_BYTES,
  NOT_FIXED,
  OPERAND_KINDS,
} from "./operands.ts";
import { gprName, NAMES_64, NAMES_XMM, NAMES_YMM, NO_REG } from "./regs.ts";
import { MEM_RIP } from "./assembler.ts";
import {
  FORM_MARKS,
  FORM_OPERAND_COUNT,
  FORM_OPERAND_KIND,
  FORM_OPERAND_SLOT,
  type FormId,
  formMnemonic,
  MARK,
  OPERAND_STRIDE,
  SLOT,
} from "./table.ts";

/** A form with operands, in a reusable object. */
export class Instruction {
  /** The form, -1 when the bytes are no instruction of the table. */
  form: FormId = NONE as FormId;
  /** Offset of the first byte, for relative operands. */
  offsetBytes = 0;
  /** Number of bytes. */
  length = 0;
  /** The register in ModRM.reg. */
  reg = 0;
  /** The register in ModRM.rm or in the opcode byte, -1 when `mem` is the operand. */
  rm = 0;
  /** The register in VEX.vvvv. */
  vvvv = 0;
  /** The packed memory operand, as `packMem` makes it, or `MEM_RIP`. */
  mem = 0;
  /** The displacement of `mem`. */
  disp = 0;
  /** The immediate or branch displacement, sign-extended from its size; the low half of a 64-bit one. */
  imm = 0;
  /** The high half of a 64-bit immediate. */
  immHi = 0;
}

/** Names a register operand: `kind` is an index into `OPERAND_KINDS`. */
export type RegisterNamer = (register: number, kind: number) => string;

/** The machine's own register names. */
export const machineRegister: RegisterNamer = (register, kind) =>
  KIND_FILE[kind] === FILE_GPR
    ? gprName(register, KIND_REGISTER_BYTES[kind])
    : (KIND_FILE[kind] === FILE_YMM ? NAMES_YMM : NAMES_XMM)[register];

/** The text of an instruction; `name` may name registers that are not the machine's (virtual ones). */
export function formatInstruction(instruction: Instruction, name: RegisterNamer = machineRegister): string {
  const { form } = instruction;
  let text = formMnemonic(form);
  for (let i = 0; i < FORM_OPERAND_COUNT[form]; i++) {
    const at = form * OPERAND_STRIDE + i;
    text += (i === 0 ? " " : ", ") + formatOperand(instruction, FORM_OPERAND_KIND[at], FORM_OPERAND_SLOT[at], name);
  }
  return text;
}

function formatOperand(instruction: Instruction, kind: number, slot: number, name: RegisterNamer): string {
  switch (slot) {
    case SLOT.REG:
      return name(instruction.reg, kind);
    case SLOT.RM:
      if (instruction.rm === NONE) return formatMemory(instruction, KIND_MEMORY_BYTES[kind], name);
      return name(instruction.rm, kind);
    case SLOT.OPCODE:
      return name(instruction.rm, kind);
    case SLOT.VVVV:
      return name(instruction.vvvv, kind);
    case SLOT.IS4:
      return name(instruction.imm >>> 4 & 15, kind);
    case SLOT.IMM:
      return formatImmediate(instruction, kind);
    default:
      return KIND_FIXED[kind] === NOT_FIXED ? OPERAND_KINDS[kind][0] : machineRegister(KIND_FIXED[kind], kind);
  }
}

function formatImmediate(instruction: Instruction, kind: number): string {
  const { form, imm, immHi } = instruction;
  if (OPERAND_KINDS[kind][0].startsWith("rel")) {
    return formatAddress(instruction.offsetBytes + instruction.length + imm);
  }
  if ((FORM_MARKS[form] & MARK.SIGN_EXTENDS_IMMEDIATE) !== 0) {
    return imm < 0 ? `-${formatNumber(-imm)}` : formatNumber(imm);
  }
  switch (KIND_IMMEDIATE_BYTES[kind]) {
    case 1:
      return formatNumber(imm & 0xff);
    case 2:
      return formatNumber(imm & 0xffff);
    case 4:
      return formatNumber(imm >>> 0);
    default:
      return immHi === 0
        ? formatNumber(imm >>> 0)
        : `0x${(immHi >>> 0).toString(16)}${(imm >>> 0).toString(16).padStart(8, "0")}`;
  }
}

const SIZE_WORDS: Record<number, string> = {
  0: "",
  1: "byte ",
  2: "word ",
  4: "dword ",
  8: "qword ",
  16: "oword ",
  32: "yword ",
};
const KIND_OF_ADDRESS = OPERAND_KINDS.findIndex((row) => row[0] === "r64");

function formatMemory(instruction: Instruction, memoryBytes: number, name: RegisterNamer): string {
  const { mem, disp } = instruction;
  const size = SIZE_WORDS[memoryBytes];
  if (mem === MEM_RIP) return `${size}[rel ${formatAddress(instruction.offsetBytes + instruction.length + disp)}]`;
  const base = mem & 0xff, index = mem >> 8 & 0xff, scale = 1 << (mem >> 16);
  if (base === NO_REG && index === NO_REG) return `${size}[${formatAddress(disp)}]`;
  const terms: string[] = [];
  const register = (number: number): string => number < 16 ? NAMES_64[number] : name(number, KIND_OF_ADDRESS);
  if (base !== NO_REG) terms.push(register(base));
  if (index !== NO_REG) terms.push(scale === 1 && base !== NO_REG ? register(index) : `${register(index)}*${scale}`);
  const text = terms.join(" + ");
  if (disp === 0) return `${size}[${text}]`;
  return `${size}[${text} ${disp < 0 ? "-" : "+"} ${formatNumber(Math.abs(disp))}]`;
}

/** A number below ten in decimal, where both notations agree; else in hexadecimal. */
function formatNumber(value: number): string {
  return value < 10 ? String(value) : `0x${value.toString(16)}`;
}

/** An address: negative ones wrap to 64 bits, as the machine computes them. */
function formatAddress(value: number): string {
  return value >= 0 ? formatNumber(value) : `0x${(BigInt(value) + (1n << 64n)).toString(16)}`;
}
