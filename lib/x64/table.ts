/**
 * The form table: every instruction form that this project can encode, and the facts that follow from its row.
 *
 * A form is one line of the manual: a mnemonic with one combination of operand kinds. The rows in forms/ are text that a
 * reviewer can hold beside the SDM; everything else is derived from them here: the type of form names (a typo does not
 * compile), the encoding word that the assembler interprets, the operand columns that register allocation reads, and the
 * candidate lists of the disassembler.
 *
 * A row's text is scanned the first time its form is asked for, since a program uses a third of the rows and start-up
 * counts. After that a form is a dense integer into the `FORM_*` columns.
 *
 *     add   "rw rm64, sx imm8"   "REX.W 83 /0 ib"      ->  FORM_ENCODING   opcode 83, W, digit 0, 1-byte immediate
 *                                                          FORM_SHAPES     ri | mi
 *                                                          operands        [rm64 rw ModRM.rm] [imm8 r sign-extended]
 *
 * FORM-1  A `FormId` is only made by `form`, `formAtCondition` and `allForms`, which scan the row: columns of an id in hand
 *         are valid. An id never scanned has no shape, so the assembler refuses it.
 * FORM-2  The sixteen forms of a `cc` row are consecutive, in condition order.
 * FORM-3  No two rows decode alike (a test holds it).
 *
 * @module
 */
import { bug, type Id, NONE } from "../base/mod.ts";
import { type Cond, CONDITION_NAMES } from "./conditions.ts";
import { ALU } from "./forms/alu.ts";
import { ATOMIC } from "./forms/atomic.ts";
import { AVX } from "./forms/avx.ts";
import { BMI } from "./forms/bmi.ts";
import { BRANCH } from "./forms/branch.ts";
import { MOV } from "./forms/mov.ts";
import { MUL_DIV } from "./forms/mul_div.ts";
import { type Feature, FEATURES, type Row } from "./forms/row.ts";
import { SHIFT } from "./forms/shift.ts";
import { SSE } from "./forms/sse.ts";
import { SSE_SIMD } from "./forms/sse_simd.ts";
import {
  FILE_GPR,
  FILE_XMM,
  KIND_ADMITS_MEMORY,
  KIND_FILE,
  KIND_FIXED,
  KIND_IMMEDIATE_BYTES,
  KIND_MEMORY_BYTES,
  KIND_REGISTER_BYTES,
  NOT_FIXED,
  OPERAND_KINDS,
  operandKind,
} from "./operands.ts";

/** A form: dense index into the `FORM_*` columns. */
export type FormId = Id<"form">;

const FAMILIES = [ALU, MOV, SHIFT, MUL_DIV, BRANCH, ATOMIC, BMI, SSE, SSE_SIMD, AVX] as const;

type AnyRow = typeof FAMILIES[number][number];
type Unmarked<S extends string> = S extends `${"rw" | "wp" | "sx" | "w"} ${infer Kind}` ? Kind : S;
type UnmarkedList<S extends string> = S extends `${infer First}, ${infer Rest}`
  ? `${Unmarked<First>}, ${UnmarkedList<Rest>}`
  : Unmarked<S>;
type NameOf<R extends Row> = R extends Row ? R[1] extends "" ? R[0] : `${R[0]} ${UnmarkedList<R[1]>}` : never;

/** The name of a form: mnemonic and operand kinds without marks, `"add rm64, r64"`; `cc` rows by their family name. */
export type FormName = NameOf<AnyRow>;

const ROWS: readonly Row[] = ([] as Row[]).concat(...FAMILIES as readonly (readonly Row[])[]);

// Encoding word. Prefixes and escapes are what SDM 2A chapter 2 calls mandatory prefix, opcode map, W, L and ModRM digit.
/** Bits 0 to 7 of an encoding word: the opcode byte. */
export const ENC_OPCODE = 0xff;
/** Position of the opcode map: 0 one byte, 1 0F, 2 0F 38, 3 0F 3A (VEX.mmmmm has the same numbers). */
export const ENC_MAP_SHIFT = 8;
/** Position of the mandatory prefix, coded as VEX.pp: 0 none, 1 66, 2 F3, 3 F2. */
export const ENC_PP_SHIFT = 10;
/** An operand-size prefix in addition to F3 or F2. */
export const ENC_EXTRA_66: number = 1 << 12;
/** A lock prefix. */
export const ENC_LOCK: number = 1 << 13;
/** REX.W or VEX.W. */
export const ENC_W: number = 1 << 14;
/** VEX-encoded. */
export const ENC_VEX: number = 1 << 15;
/** VEX.L, 256 bits. */
export const ENC_L: number = 1 << 16;
/** Position of the ModRM.reg digit. */
export const ENC_DIGIT_SHIFT = 17;
/** ModRM.reg is a digit of the opcode. */
export const ENC_HAS_DIGIT: number = 1 << 20;
/** The ModRM.reg operand is a byte register: 4 to 7 need a REX prefix. */
export const ENC_REG8: number = 1 << 21;
/** The ModRM.rm or opcode operand is a byte register. */
export const ENC_RM8: number = 1 << 22;
/** A whole ModRM byte belongs to the opcode; it is in `FORM_MODRM`. */
export const ENC_FIXED_MODRM: number = 1 << 23;
/** A VEX form whose digit leaves the other register operand to VEX.vvvv. */
export const ENC_NDD: number = 1 << 24;
/** Position of the immediate size: 0, 1, 2, 3, 4 for 0, 1, 2, 4, 8 bytes. */
export const ENC_IMM_SHIFT = 25;
/** The low three bits of the opcode byte are a register. */
export const ENC_OPCODE_REG: number = 1 << 28;

/** Shapes: one bit for each assembler entry point that accepts the form. */
export const SHAPE = {
  RR: 1 << 0,
  RM: 1 << 1,
  R: 1 << 2,
  M: 1 << 3,
  RI: 1 << 4,
  MI: 1 << 5,
  RRI: 1 << 6,
  RMI: 1 << 7,
  RI64: 1 << 8,
  I: 1 << 9,
  OP: 1 << 10,
  REL8: 1 << 11,
  REL32: 1 << 12,
  VRR: 1 << 13,
  VRM: 1 << 14,
  VRRI: 1 << 15,
  VRMI: 1 << 16,
} as const;

/** Access bits of an operand. `PARTIAL`: some of what was there before may stay, so a full-width reader sees both. */
export const ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_PARTIAL = 4;

/** Where an operand is encoded. */
export const SLOT = { NONE: 0, REG: 1, RM: 2, VVVV: 3, OPCODE: 4, IMM: 5, IS4: 6, FIXED: 7 } as const;

/** Operand columns have this many entries for each form: operand `i` of `f` is at `f * OPERAND_STRIDE + i`. */
export const OPERAND_STRIDE = 4;

/** Bits of `FORM_MARKS`. */
export const MARK = {
  /** Reads arithmetic flags. */ READS_FLAGS: 1 << 0,
  /** Writes, or leaves undefined, some arithmetic flag. */ WRITES_FLAGS: 1 << 1,
  /** Every register operand it writes has its upper 32 bits zeroed (and it writes one). */ ZEROES_UPPER_32: 1 << 2,
  /** May read memory, given a memory operand where one is optional. */ LOADS: 1 << 3,
  /** May write memory, likewise. */ STORES: 1 << 4,
  /** Has an `sx` immediate. */ SIGN_EXTENDS_IMMEDIATE: 1 << 5,
  /** A jump. */ JUMP: 1 << 6,
  /** A call. */ CALL: 1 << 7,
  /** Control does not fall through. */ END: 1 << 8,
} as const;

const isConditional = (row: Row): boolean => row[0].endsWith("cc");

/** Number of forms. */
export const FORM_COUNT: number = ROWS.reduce((count, row) => count + (isConditional(row) ? 16 : 1), 0);

/** Encoding word by form. */
export const FORM_ENCODING: Int32Array = new Int32Array(FORM_COUNT);
/** The ModRM byte that belongs to the opcode, by form. */
export const FORM_MODRM: Uint8Array = new Uint8Array(FORM_COUNT);
/** Shapes by form; 0 until scanned. */
export const FORM_SHAPES: Int32Array = new Int32Array(FORM_COUNT);
/** Number of operands by form, fixed ones included, implicit ones not. */
export const FORM_OPERAND_COUNT: Uint8Array = new Uint8Array(FORM_COUNT);
/** Operand kind (index into `OPERAND_KINDS`) by form and operand. */
export const FORM_OPERAND_KIND: Uint8Array = new Uint8Array(FORM_COUNT * OPERAND_STRIDE);
/** Access bits by form and operand. */
export const FORM_OPERAND_ACCESS: Uint8Array = new Uint8Array(FORM_COUNT * OPERAND_STRIDE);
/** Encoding slot by form and operand. */
export const FORM_OPERAND_SLOT: Uint8Array = new Uint8Array(FORM_COUNT * OPERAND_STRIDE);
/** The operand that is both input and output (two-address form), or -1; by form. */
export const FORM_TIED: Int8Array = new Int8Array(FORM_COUNT);
/** Registers read without being a choice: bit n for general register n, bit 16 + n for xmm n; by form. */
export const FORM_FIXED_READS: Int32Array = new Int32Array(FORM_COUNT);
/** Registers written without being a choice, by form. */
export const FORM_FIXED_WRITES: Int32Array = new Int32Array(FORM_COUNT);
/** `MARK` bits by form. */
export const FORM_MARKS: Uint16Array = new Uint16Array(FORM_COUNT);
/** CPUID feature (index into `FEATURES`) by form. */
export const FORM_FEATURE: Uint8Array = new Uint8Array(FORM_COUNT);
/** Bytes accessed by the memory operand if it is one, by form. */
export const FORM_MEMORY_BYTES: Uint8Array = new Uint8Array(FORM_COUNT);
/** Bytes of the immediate or branch displacement, by form. */
export const FORM_IMMEDIATE_BYTES: Uint8Array = new Uint8Array(FORM_COUNT);

/** Features of every x86-64 processor, as a bit set over `FEATURES` positions. */
export const BASELINE_FEATURES: number = featureBit("x64") | featureBit("sse2");

/** The bit of a feature in a set such as {@linkcode BASELINE_FEATURES}. */
export function featureBit(feature: Feature): number {
  return 1 << FEATURES.indexOf(feature);
}

/** Whether a processor with the feature set `features` has the form. */
export function isAvailable(id: FormId, features: number): boolean {
  return (features >>> FORM_FEATURE[id] & 1) !== 0;
}

// Rows by id, ids by row, and rows chained by mnemonic: looking a name up compares it with a handful of rows.
const rowOfForm = new Uint16Array(FORM_COUNT);
const firstFormOfRow = new Uint16Array(ROWS.length);
const nextRowOfMnemonic = new Int16Array(ROWS.length);
const firstRowOfMnemonic = new Map<string, number>();
let scannedAll = false;

function indexRows(): void {
  let next = 0;
  for (let row = 0; row < ROWS.length; row++) {
    firstFormOfRow[row] = next;
    for (let count = isConditional(ROWS[row]) ? 16 : 1; count > 0; count--) rowOfForm[next++] = row;
  }
  // Backwards, so that each chain is in row order.
  for (let row = ROWS.length - 1; row >= 0; row--) {
    nextRowOfMnemonic[row] = firstRowOfMnemonic.get(ROWS[row][0]) ?? NONE;
    firstRowOfMnemonic.set(ROWS[row][0], row);
  }
}
indexRows();

/** The form of that name; for a `cc` family, its form for condition 0. Call it at load and keep the id. */
export function form(name: FormName): FormId {
  let end = name.indexOf(" ");
  if (name.startsWith("lock ") || name.startsWith("rep ") || name.startsWith("o16 ")) end = name.indexOf(" ", end + 1);
  const mnemonic = end < 0 ? name : name.slice(0, end);
  const operands = end < 0 ? "" : name.slice(end + 1);
  for (let row = firstRowOfMnemonic.get(mnemonic) ?? NONE; row !== NONE; row = nextRowOfMnemonic[row]) {
    if (unmarked(ROWS[row][1]) === operands) return scanRow(row);
  }
  return bug(`no form is called ${name}`);
}

/** The member of a `cc` family for condition `cond`; `family` is what `form("setcc rm8")` gave. */
export function formAtCondition(family: FormId, cond: Cond): FormId {
  return family + cond as FormId; // FORM-2
}

/** Every form, in row order, scanned. */
export function allForms(): FormId[] {
  if (!scannedAll) { for (let row = 0; row < ROWS.length; row++) scanRow(row); }
  scannedAll = true;
  return Array.from({ length: FORM_COUNT }, (_, id) => id as FormId);
}

/** The mnemonic of a form, with its condition filled in. */
export function formMnemonic(id: FormId): string {
  const row = ROWS[rowOfForm[id]];
  return isConditional(row) ? row[0].slice(0, -2) + CONDITION_NAMES[id - firstFormOfRow[rowOfForm[id]]] : row[0];
}

/** The name of a form as `form` takes it, except that a condition is filled in. */
export function formName(id: FormId): string {
  const operands = unmarked(ROWS[rowOfForm[id]][1]);
  return operands === "" ? formMnemonic(id) : `${formMnemonic(id)} ${operands}`;
}

/** The row a form comes from. */
export function formRow(id: FormId): Row {
  return ROWS[rowOfForm[id]];
}

function unmarked(operands: string): string {
  return operands.replaceAll(/\b(?:rw|wp|sx|w) /g, "");
}

function scanRow(row: number): FormId {
  const first = firstFormOfRow[row];
  if (FORM_SHAPES[first] === 0) {
    const count = isConditional(ROWS[row]) ? 16 : 1;
    for (let i = 0; i < count; i++) scanForm(ROWS[row], first + i, i);
  }
  return first as FormId;
}

function scanForm(row: Row, id: number, cond: number): void {
  FORM_FEATURE[id] = FEATURES.indexOf(row[3]);
  scanOperands(row, id);
  const encoding = scanOpcode(row, id, cond);
  assignSlots(row, id, encoding);
  scanEffects(row, id);
  FORM_SHAPES[id] = shapesOf(row, id);
}

function scanOperands(row: Row, id: number): void {
  FORM_TIED[id] = NONE;
  if (row[1] === "") return;
  const operands = row[1].split(", ");
  if (operands.length > OPERAND_STRIDE) bug(`too many operands: ${row[0]} ${row[1]}`);
  FORM_OPERAND_COUNT[id] = operands.length;
  let marks = 0;
  for (let i = 0; i < operands.length; i++) {
    const words = operands[i].split(" ");
    const mark = words.length === 2 ? words[0] : "";
    const kind = operandKind(words[words.length - 1]);
    if (kind < 0) bug(`operand kind: ${row[0]} ${row[1]}`);
    let access = mark === "rw"
      ? ACCESS_READ | ACCESS_WRITE
      : mark === "w"
      ? ACCESS_WRITE
      : mark === "wp"
      ? ACCESS_WRITE | ACCESS_PARTIAL
      : ACCESS_READ;
    // Writing a byte or a word of a general register leaves the rest of it, SDM 1 3.4.1.1.
    if ((access & ACCESS_WRITE) !== 0 && KIND_FILE[kind] === FILE_GPR && KIND_REGISTER_BYTES[kind] < 4) {
      access |= ACCESS_PARTIAL;
    }
    if (mark === "rw" && FORM_TIED[id] === NONE) FORM_TIED[id] = i;
    if (mark === "sx") marks |= MARK.SIGN_EXTENDS_IMMEDIATE;
    if (KIND_MEMORY_BYTES[kind] !== 0) {
      FORM_MEMORY_BYTES[id] = KIND_MEMORY_BYTES[kind];
      if ((access & ACCESS_READ) !== 0) marks |= MARK.LOADS;
      if ((access & ACCESS_WRITE) !== 0) marks |= MARK.STORES;
    }
    if (KIND_FIXED[kind] !== NOT_FIXED) {
      const bit = 1 << KIND_FIXED[kind] + (KIND_FILE[kind] === FILE_XMM ? 16 : 0);
      if ((access & ACCESS_READ) !== 0) FORM_FIXED_READS[id] |= bit;
      if ((access & ACCESS_WRITE) !== 0) FORM_FIXED_WRITES[id] |= bit;
    }
    const at = id * OPERAND_STRIDE + i;
    FORM_OPERAND_KIND[at] = kind;
    FORM_OPERAND_ACCESS[at] = access;
  }
  FORM_MARKS[id] = marks;
}

const PP_OF_PREFIX: Record<string, number> = { "66": 1, "F3": 2, "F2": 3 };
const MAP_OF_ESCAPE: Record<string, number> = { "0F": 1, "0F38": 2, "0F3A": 3 };
const IMMEDIATE_CODE: Record<string, number> = { ib: 1, cb: 1, "/is4": 1, iw: 2, id: 3, cd: 3, io: 4 };
const IMMEDIATE_BYTES = [0, 1, 2, 4, 8];

function scanOpcode(row: Row, id: number, cond: number): number {
  const tokens = row[2].split(" ");
  let encoding = 0;
  let i = 0;
  const prefix = (pp: number): void => {
    const present = encoding >>> ENC_PP_SHIFT & 3;
    // 66 before F3 or F2 is the operand size, beside the mandatory prefix.
    if (present !== 0) encoding = encoding & ~(3 << ENC_PP_SHIFT) | ENC_EXTRA_66;
    encoding |= pp << ENC_PP_SHIFT;
  };
  if (tokens[0].startsWith("VEX.")) {
    encoding |= ENC_VEX;
    for (const part of tokens[i++].split(".")) {
      if (part in PP_OF_PREFIX) prefix(PP_OF_PREFIX[part]);
      else if (part in MAP_OF_ESCAPE) encoding |= MAP_OF_ESCAPE[part] << ENC_MAP_SHIFT;
      else if (part === "W1") encoding |= ENC_W;
      else if (part === "256") encoding |= ENC_L;
      else if (!["VEX", "128", "LZ", "LIG", "W0", "WIG"].includes(part)) bug(`VEX field ${part}: ${row[0]}`);
    }
  } else {
    for (;; i++) {
      const token = tokens[i];
      if (token === "F0") encoding |= ENC_LOCK;
      else if (token === "REX.W") encoding |= ENC_W;
      // F3 and F2 alone, and 66, are opcodes of nothing we have: a prefix is always followed by something.
      else if (token in PP_OF_PREFIX && i + 1 < tokens.length) prefix(PP_OF_PREFIX[token]);
      else break;
    }
    if (tokens[i] === "0F") {
      i++;
      if (tokens[i] === "38" || tokens[i] === "3A") encoding |= (tokens[i++] === "38" ? 2 : 3) << ENC_MAP_SHIFT;
      else encoding |= 1 << ENC_MAP_SHIFT;
    }
  }
  const [opcode, plus] = tokens[i++].split("+");
  encoding |= parseInt(opcode, 16) + (plus === "cc" ? cond : 0);
  if (plus === "r") encoding |= ENC_OPCODE_REG;
  for (; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === "/r") continue;
    if (token in IMMEDIATE_CODE) {
      encoding |= IMMEDIATE_CODE[token] << ENC_IMM_SHIFT;
      FORM_IMMEDIATE_BYTES[id] = IMMEDIATE_BYTES[IMMEDIATE_CODE[token]];
    } else if (/^\/[0-7]$/.test(token)) encoding |= ENC_HAS_DIGIT | Number(token[1]) << ENC_DIGIT_SHIFT;
    else if (/^[0-9A-F]{2}$/.test(token)) {
      encoding |= ENC_FIXED_MODRM;
      FORM_MODRM[id] = parseInt(token, 16);
    } else bug(`opcode token ${token}: ${row[0]} ${row[1]}`);
  }
  return encoding;
}

/**
 * Assigns operands to encoding slots, SDM 2A 3.1.1.4 (the Op/En column): a kind that admits memory is ModRM.rm; else the last
 * register of a /r form and the only one of a digit form is. What remains is ModRM.reg, then VEX.vvvv, then the high
 * nibble of the immediate byte; in a VEX digit form the first register is VEX.vvvv.
 */
function assignSlots(row: Row, id: number, encodingSoFar: number): void {
  let encoding = encodingSoFar;
  const base = id * OPERAND_STRIDE;
  const count = FORM_OPERAND_COUNT[id];
  const isRegister = (i: number): boolean => {
    const kind = FORM_OPERAND_KIND[base + i];
    return KIND_REGISTER_BYTES[kind] !== 0 && KIND_FIXED[kind] === NOT_FIXED;
  };
  const hasModRM = row[2].includes("/r") || (encoding & ENC_HAS_DIGIT) !== 0;
  const isVex = (encoding & ENC_VEX) !== 0;
  const registers = Array.from({ length: count }, (_, i) => i).filter(isRegister);
  let rm: number = NONE;
  if (hasModRM) {
    for (let i = 0; i < count; i++) if (KIND_ADMITS_MEMORY[FORM_OPERAND_KIND[base + i]] !== 0) rm = i;
    if (rm === NONE) rm = registers[registers.length - 1];
  }
  const others: number[] = (encoding & ENC_HAS_DIGIT) !== 0
    ? [SLOT.VVVV]
    : isVex && row[2].includes("/is4")
    ? [SLOT.REG, SLOT.VVVV, SLOT.IS4]
    : [SLOT.REG, SLOT.VVVV];
  if ((encoding & ENC_OPCODE_REG) !== 0) others[0] = SLOT.OPCODE;
  let next = 0;
  for (let i = 0; i < count; i++) {
    const kind = FORM_OPERAND_KIND[base + i];
    let slot: number;
    if (KIND_FIXED[kind] !== NOT_FIXED || OPERAND_KINDS[kind][0] === "1") slot = SLOT.FIXED;
    else if (i === rm) slot = SLOT.RM;
    else if (KIND_IMMEDIATE_BYTES[kind] !== 0) slot = SLOT.IMM;
    else slot = others[next++] ?? bug(`operands do not fit the encoding: ${row[0]} ${row[1]}`);
    const isByte = KIND_FILE[kind] === FILE_GPR && KIND_REGISTER_BYTES[kind] === 1;
    if (isByte && slot === SLOT.REG) encoding |= ENC_REG8;
    if (isByte && (slot === SLOT.RM || slot === SLOT.OPCODE)) encoding |= ENC_RM8;
    if (slot === SLOT.VVVV && !isVex) bug(`a third register without VEX: ${row[0]} ${row[1]}`);
    if (slot === SLOT.VVVV && (encoding & ENC_HAS_DIGIT) !== 0) encoding |= ENC_NDD;
    FORM_OPERAND_SLOT[base + i] = slot;
  }
  FORM_ENCODING[id] = encoding;
}

const GPR_OF_NAME: Record<string, number> = {
  rax: 0,
  rcx: 1,
  rdx: 2,
  rbx: 3,
  rbp: 5,
  rsi: 6,
  rdi: 7,
  r11: 11,
};

function scanEffects(row: Row, id: number): void {
  let keeps = false;
  for (const effect of (row[4] ?? "").split(" ")) {
    const [what, how] = effect.split(":");
    const reads = how === "r" || how === "rw", writes = how === "w" || how === "rw";
    if (what in GPR_OF_NAME) {
      if (reads) FORM_FIXED_READS[id] |= 1 << GPR_OF_NAME[what];
      if (writes) FORM_FIXED_WRITES[id] |= 1 << GPR_OF_NAME[what];
    } else if (what === "flags") {
      FORM_MARKS[id] |= (reads ? MARK.READS_FLAGS : 0) | (writes ? MARK.WRITES_FLAGS : 0);
    } else if (what === "mem") FORM_MARKS[id] |= (reads ? MARK.LOADS : 0) | (writes ? MARK.STORES : 0);
    else if (what === "jump") FORM_MARKS[id] |= MARK.JUMP;
    else if (what === "call") FORM_MARKS[id] |= MARK.CALL;
    else if (what === "end") FORM_MARKS[id] |= MARK.END;
    else if (what === "keeps") keeps = true;
    else if (what !== "") bug(`effect ${effect}: ${row[0]} ${row[1]}`);
  }
  if (keeps) return;
  // SDM 1 3.4.1.1: a 32-bit result is zero-extended to 64 bits.
  let written = 0, zeroed = 0;
  for (let i = 0; i < FORM_OPERAND_COUNT[id]; i++) {
    const kind = FORM_OPERAND_KIND[id * OPERAND_STRIDE + i], access = FORM_OPERAND_ACCESS[id * OPERAND_STRIDE + i];
    if ((access & ACCESS_WRITE) === 0 || KIND_FILE[kind] !== FILE_GPR) continue;
    written++;
    if ((access & ACCESS_PARTIAL) === 0 && KIND_REGISTER_BYTES[kind] === 4) zeroed++;
  }
  if (written !== 0 && written === zeroed) FORM_MARKS[id] |= MARK.ZEROES_UPPER_32;
}

function shapesOf(row: Row, id: number): number {
  const encoding = FORM_ENCODING[id];
  const base = id * OPERAND_STRIDE;
  let rmKind: number = NONE, others = 0, hasImmediate = false, relative = 0;
  for (let i = 0; i < FORM_OPERAND_COUNT[id]; i++) {
    const slot = FORM_OPERAND_SLOT[base + i], kind = FORM_OPERAND_KIND[base + i];
    if (slot === SLOT.RM) rmKind = kind;
    else if (slot === SLOT.REG || slot === SLOT.VVVV) others++;
    else if (slot === SLOT.IMM || slot === SLOT.IS4) hasImmediate = true;
    if (OPERAND_KINDS[kind][0] === "rel8") relative = SHAPE.REL8;
    if (OPERAND_KINDS[kind][0] === "rel32") relative = SHAPE.REL32;
  }
  if (hasImmediate !== (FORM_IMMEDIATE_BYTES[id] !== 0)) bug(`immediate: ${row[0]} ${row[1]}`);
  if (relative !== 0) return relative;
  if ((encoding & ENC_OPCODE_REG) !== 0) {
    return !hasImmediate ? SHAPE.R : FORM_IMMEDIATE_BYTES[id] === 8 ? SHAPE.RI64 : SHAPE.RI;
  }
  if (rmKind === NONE) return hasImmediate ? SHAPE.I : SHAPE.OP;
  const register = KIND_REGISTER_BYTES[rmKind] !== 0, memory = KIND_ADMITS_MEMORY[rmKind] !== 0;
  const pick = (r: number, m: number): number => (register ? r : 0) | (memory ? m : 0);
  if (others === 0) return hasImmediate ? pick(SHAPE.RI, SHAPE.MI) : pick(SHAPE.R, SHAPE.M);
  if (others === 1) return hasImmediate ? pick(SHAPE.RRI, SHAPE.RMI) : pick(SHAPE.RR, SHAPE.RM);
  return hasImmediate ? pick(SHAPE.VRRI, SHAPE.VRMI) : pick(SHAPE.VRR, SHAPE.VRM);
}
