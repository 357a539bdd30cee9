/** Operand kinds: what may stand in an operand column of the form table, with the facts that follow from the kind. */

/** Register file of an operand kind. */
export const FILE_NONE = 0, FILE_GPR = 1, FILE_XMM = 2, FILE_YMM = 3;

/** "No fixed register" in the last column of {@linkcode OPERAND_KINDS}. */
export const NOT_FIXED = -1;

/** kind, register file, register bytes, memory bytes, immediate bytes, fixed register. */
export const OPERAND_KINDS = [
  ["r8", FILE_GPR, 1, 0, 0, NOT_FIXED],
  ["r16", FILE_GPR, 2, 0, 0, NOT_FIXED],
  ["r32", FILE_GPR, 4, 0, 0, NOT_FIXED],
  ["r64", FILE_GPR, 8, 0, 0, NOT_FIXED],
  ["rm8", FILE_GPR, 1, 1, 0, NOT_FIXED],
  ["rm16", FILE_GPR, 2, 2, 0, NOT_FIXED],
  ["rm32", FILE_GPR, 4, 4, 0, NOT_FIXED],
  ["rm64", FILE_GPR, 8, 8, 0, NOT_FIXED],
  ["r32/m8", FILE_GPR, 4, 1, 0, NOT_FIXED],
  ["r32/m16", FILE_GPR, 4, 2, 0, NOT_FIXED],
  ["m", FILE_NONE, 0, 0, 0, NOT_FIXED],
  ["m8", FILE_NONE, 0, 1, 0, NOT_FIXED],
  ["m16", FILE_NONE, 0, 2, 0, NOT_FIXED],
  ["m32", FILE_NONE, 0, 4, 0, NOT_FIXED],
  ["m64", FILE_NONE, 0, 8, 0, NOT_FIXED],
  ["m128", FILE_NONE, 0, 16, 0, NOT_FIXED],
  ["m256", FILE_NONE, 0, 32, 0, NOT_FIXED],
  ["xmm", FILE_XMM, 16, 0, 0, NOT_FIXED],
  ["xmm/m8", FILE_XMM, 16, 1, 0, NOT_FIXED],
  ["xmm/m16", FILE_XMM, 16, 2, 0, NOT_FIXED],
  ["xmm/m32", FILE_XMM, 16, 4, 0, NOT_FIXED],
  ["xmm/m64", FILE_XMM, 16, 8, 0, NOT_FIXED],
  ["xmm/m128", FILE_XMM, 16, 16, 0, NOT_FIXED],
  ["ymm", FILE_YMM, 32, 0, 0, NOT_FIXED],
  ["ymm/m256", FILE_YMM, 32, 32, 0, NOT_FIXED],
  ["imm8", FILE_NONE, 0, 0, 1, NOT_FIXED],
  ["imm16", FILE_NONE, 0, 0, 2, NOT_FIXED],
  ["imm32", FILE_NONE, 0, 0, 4, NOT_FIXED],
  ["imm64", FILE_NONE, 0, 0, 8, NOT_FIXED],
  ["rel8", FILE_NONE, 0, 0, 1, NOT_FIXED],
  ["rel32", FILE_NONE, 0, 0, 4, NOT_FIXED],
  ["al", FILE_GPR, 1, 0, 0, 0],
  ["ax", FILE_GPR, 2, 0, 0, 0],
  ["eax", FILE_GPR, 4, 0, 0, 0],
  ["rax", FILE_GPR, 8, 0, 0, 0],
  ["cl", FILE_GPR, 1, 0, 0, 1],
  ["xmm0", FILE_XMM, 16, 0, 0, 0],
  ["1", FILE_NONE, 0, 0, 0, NOT_FIXED],
] as const satisfies readonly (readonly [string, number, number, number, number, number])[];

const KIND_BY_NAME = new Map<string, number>(OPERAND_KINDS.map((row, kind) => [row[0], kind]));

/** The number of an operand kind, for comparisons with the `FORM_OPERAND_KIND` column; -1 when there is none. */
export function operandKind(name: string): number {
  return KIND_BY_NAME.get(name) ?? -1;
}

/** Register file by kind. */
export const KIND_FILE: Uint8Array = Uint8Array.from(OPERAND_KINDS, (row) => row[1]);
/** Register width by kind, 0 when the kind admits no register. */
export const KIND_REGISTER_BYTES: Uint8Array = Uint8Array.from(OPERAND_KINDS, (row) => row[2]);
/** Access width by kind, 0 when the kind admits no memory operand (or, for `m`, makes no access). */
export const KIND_MEMORY_BYTES: Uint8Array = Uint8Array.from(OPERAND_KINDS, (row) => row[3]);
/** Immediate or branch displacement width by kind. */
export const KIND_IMMEDIATE_BYTES: Uint8Array = Uint8Array.from(OPERAND_KINDS, (row) => row[4]);
/** Register that the kind names, or {@linkcode NOT_FIXED}. */
export const KIND_FIXED: Int8Array = Int8Array.from(OPERAND_KINDS, (row) => row[5]);
/** 1 when the kind admits a memory operand. */
export const KIND_ADMITS_MEMORY: Uint8Array = Uint8Array.from(
  OPERAND_KINDS,
  (row) => row[3] !== 0 || row[0] === "m" ? 1 : 0,
);
