/**
 * The disassembler: bytes to a form and its operands, from the rows that drive the assembler.
 *
 * Prefixes are read first; (VEX or not, opcode map, opcode byte) then selects a short list of candidate forms, of which at
 * most one agrees with mandatory prefix, W, L, digit and ModRM.mod (FORM-3). It accepts what the table can express and
 * nothing else: a byte that starts no known form becomes `db`, and decoding goes on behind it. The index is built when it
 * is first needed, since compiling needs no disassembler.
 *
 * May import: base. @module
 */
import { NONE } from "../base/mod.ts";
import { MEM_RIP } from "./assembler.ts";
import { formatInstruction, Instruction } from "./instruction.ts";
import { KIND_ADMITS_MEMORY, KIND_REGISTER_BYTES } from "./operands.ts";
import { NO_REG } from "./regs.ts";
import {
  allForms,
  ENC_DIGIT_SHIFT,
  ENC_EXTRA_66,
  ENC_FIXED_MODRM,
  ENC_HAS_DIGIT,
  ENC_L,
  ENC_LOCK,
  ENC_MAP_SHIFT,
  ENC_NDD,
  ENC_OPCODE,
  ENC_OPCODE_REG,
  ENC_PP_SHIFT,
  ENC_REG8,
  ENC_RM8,
  ENC_VEX,
  ENC_W,
  FORM_COUNT,
  FORM_ENCODING,
  FORM_IMMEDIATE_BYTES,
  FORM_MODRM,
  FORM_OPERAND_COUNT,
  FORM_OPERAND_KIND,
  FORM_OPERAND_SLOT,
  type FormId,
  OPERAND_STRIDE,
  SLOT,
} from "./table.ts";

/** Text and length of one instruction. */
export interface Disassembly {
  /** The instruction in NASM's syntax, or `db 0x..` for a byte that starts none. */
  readonly text: string;
  /** Number of bytes, at least 1. */
  readonly length: number;
}

/** What ModRM.rm may be, as bits. */
const RM_ABSENT = 0, RM_REGISTER = 1, RM_MEMORY = 2;

/** Candidate lists: first form by (VEX, map, opcode), then chained. A +r form is in eight lists, so links are list cells. */
class FormIndex {
  readonly first: Int16Array = new Int16Array(2 * 4 * 256).fill(NONE);
  readonly next: Int16Array = new Int16Array(FORM_COUNT * 2).fill(NONE);
  readonly formOfCell: Int16Array = new Int16Array(FORM_COUNT * 2);
  readonly rmOf: Uint8Array = new Uint8Array(FORM_COUNT);
  #cells = 0;

  constructor() {
    for (const form of allForms()) {
      this.rmOf[form] = rmOf(form);
      const encoding = FORM_ENCODING[form];
      const list = listOf(encoding & ENC_VEX, encoding >> ENC_MAP_SHIFT & 3, encoding & ENC_OPCODE);
      const lists = (encoding & ENC_OPCODE_REG) !== 0 ? 8 : 1;
      for (let i = 0; i < lists; i++) this.#add(list + i, form);
    }
  }

  #add(list: number, form: FormId): void {
    const cell = this.#cells++;
    this.formOfCell[cell] = form;
    this.next[cell] = this.first[list];
    this.first[list] = cell;
  }
}

function listOf(vex: number, map: number, opcode: number): number {
  return (vex !== 0 ? 1024 : 0) | map << 8 | opcode;
}

function rmOf(form: FormId): number {
  for (let i = 0; i < FORM_OPERAND_COUNT[form]; i++) {
    const at = form * OPERAND_STRIDE + i, kind = FORM_OPERAND_KIND[at];
    if (FORM_OPERAND_SLOT[at] !== SLOT.RM) continue;
    return (KIND_REGISTER_BYTES[kind] !== 0 ? RM_REGISTER : 0) | (KIND_ADMITS_MEMORY[kind] !== 0 ? RM_MEMORY : 0);
  }
  return RM_ABSENT;
}

let index: FormIndex | undefined;

// What the prefixes of the instruction being decoded say. One decoder runs at a time: nothing here calls out.
const prefixes = { pp: 0, extra66: 0, lock: 0, rex: 0, hasRex: 0, vex: 0, l: 0, vvvv: 0, map: 0 };

/** Decodes the instruction at `offsetBytes` into `out`; false, with `out.form` -1, when there is none of the table's. */
export function decodeInstruction(bytes: Uint8Array, offsetBytes: number, out: Instruction): boolean {
  index ??= new FormIndex();
  out.form = NONE as FormId;
  out.offsetBytes = offsetBytes;
  out.length = 1;
  out.reg =
    out.rm =
    out.mem =
    out.disp =
    out.imm =
    out.immHi =
      0;
  const at = readPrefixes(bytes, offsetBytes);
  if (at >= bytes.length) return false;
  const opcode = bytes[at];
  for (
    let cell = index.first[listOf(prefixes.vex, prefixes.map, opcode)];
    cell !== NONE;
    cell = index.next[cell]
  ) {
    const form = index.formOfCell[cell] as FormId;
    if (matches(form, index.rmOf[form], bytes, at + 1)) return readOperands(form, index.rmOf[form], bytes, at + 1, out);
  }
  return false;
}

/** Text and length of the instruction at `offsetBytes`. */
export function disassemble(bytes: Uint8Array, offsetBytes: number): Disassembly {
  const out = new Instruction();
  if (decodeInstruction(bytes, offsetBytes, out)) return { text: formatInstruction(out), length: out.length };
  return { text: `db 0x${bytes[offsetBytes].toString(16).padStart(2, "0")}`, length: 1 };
}

// Reads prefixes and escapes into `prefixes`; returns the offset of the opcode byte. SDM 2A 2.1.1, 2.2.1, 2.3.
function readPrefixes(bytes: Uint8Array, start: number): number {
  const p = prefixes;
  let at = start, has66 = 0, repeat = 0;
  p.lock =
    p.rex =
    p.hasRex =
    p.vex =
    p.l =
    p.vvvv =
    p.map =
      0;
  for (;; at++) {
    const byte = bytes[at];
    if (byte === 0x66) has66 = 1;
    else if (byte === 0xf3 || byte === 0xf2) repeat = byte === 0xf3 ? 2 : 3;
    else if (byte === 0xf0) p.lock = ENC_LOCK;
    else break;
  }
  p.pp = repeat !== 0 ? repeat : has66;
  p.extra66 = repeat !== 0 && has66 !== 0 ? ENC_EXTRA_66 : 0;
  // In 64-bit mode C4 and C5 are always VEX; behind a mandatory prefix they would raise #UD.
  if ((bytes[at] === 0xc5 || bytes[at] === 0xc4) && at === start) return readVex(bytes, at);
  if ((bytes[at] & 0xf0) === 0x40) {
    p.rex = bytes[at++] & 15;
    p.hasRex = 1;
  }
  if (bytes[at] === 0x0f) {
    at++;
    p.map = 1;
    if (bytes[at] === 0x38 || bytes[at] === 0x3a) p.map = bytes[at++] === 0x38 ? 2 : 3;
  }
  return at;
}

function readVex(bytes: Uint8Array, start: number): number {
  const p = prefixes;
  p.vex = ENC_VEX;
  const long = bytes[start] === 0xc4;
  const first = bytes[start + 1];
  const last = bytes[start + (long ? 2 : 1)];
  p.rex = (first & 0x80 ^ 0x80) >> 5;
  p.map = 1;
  if (long) {
    p.rex |= (first & 0x60 ^ 0x60) >> 5 | last >> 4 & 8;
    p.map = (first & 0x1c) === 0 ? first & 3 : 0;
  }
  p.vvvv = ~last >> 3 & 15;
  p.l = (last & 4) !== 0 ? ENC_L : 0;
  p.pp = last & 3;
  return start + (long ? 3 : 2);
}

function matches(form: FormId, rm: number, bytes: Uint8Array, modRMAt: number): boolean {
  const encoding = FORM_ENCODING[form], p = prefixes;
  if ((encoding >> ENC_PP_SHIFT & 3) !== p.pp) return false;
  if ((encoding & (ENC_EXTRA_66 | ENC_LOCK)) !== (p.extra66 | p.lock)) return false;
  if ((encoding & ENC_W) >> 11 !== (p.rex & 8) || (encoding & ENC_L) !== p.l) return false;
  const modRM = bytes[modRMAt];
  if ((encoding & ENC_FIXED_MODRM) !== 0) return modRM === FORM_MODRM[form];
  if ((encoding & ENC_OPCODE_REG) !== 0) {
    return (encoding & ENC_RM8) === 0 || p.hasRex !== 0 || (bytes[modRMAt - 1] & 4) === 0;
  }
  if (rm === RM_ABSENT) return true;
  const isRegister = modRM >= 0xc0;
  if ((rm & (isRegister ? RM_REGISTER : RM_MEMORY)) === 0) return false;
  if ((encoding & ENC_HAS_DIGIT) !== 0 && (modRM >> 3 & 7) !== (encoding >> ENC_DIGIT_SHIFT & 7)) return false;
  // Without REX, byte registers 4 to 7 are ah to bh, which no form has.
  if ((encoding & ENC_REG8) !== 0 && p.hasRex === 0 && (modRM & 0x20) !== 0) return false;
  if ((encoding & ENC_RM8) !== 0 && p.hasRex === 0 && isRegister && (modRM & 4) !== 0) return false;
  // vvvv must be 1111b where it names no operand, SDM 2A 2.3.5.6.
  return p.vex === 0 || p.vvvv === 0 || usesVvvv(form);
}

function usesVvvv(form: FormId): boolean {
  for (let i = 0; i < FORM_OPERAND_COUNT[form]; i++) {
    if (FORM_OPERAND_SLOT[form * OPERAND_STRIDE + i] === SLOT.VVVV) return true;
  }
  return false;
}

function readOperands(form: FormId, rm: number, bytes: Uint8Array, start: number, out: Instruction): boolean {
  const encoding = FORM_ENCODING[form], { rex } = prefixes;
  let at = start;
  out.vvvv = prefixes.vvvv;
  if ((encoding & ENC_OPCODE_REG) !== 0) out.rm = bytes[at - 1] & 7 | (rex & 1) << 3;
  else if ((encoding & ENC_FIXED_MODRM) !== 0) at++;
  else if (rm !== RM_ABSENT) {
    out.reg = (encoding & ENC_NDD) !== 0 ? prefixes.vvvv : bytes[at] >> 3 & 7 | (rex & 4) << 1;
    if (bytes[at] >= 0xc0) out.rm = bytes[at++] & 7 | (rex & 1) << 3;
    else {
      out.rm = NONE;
      at = readMemory(bytes, at, rex, out);
    }
  }
  const size = FORM_IMMEDIATE_BYTES[form];
  if (at + size > bytes.length) return false;
  if (size === 1) out.imm = bytes[at] << 24 >> 24;
  else if (size === 2) out.imm = (bytes[at] | bytes[at + 1] << 8) << 16 >> 16;
  else if (size !== 0) out.imm = readInt32(bytes, at);
  out.immHi = size === 8 ? readInt32(bytes, at + 4) : 0;
  out.form = form;
  out.length = at + size - out.offsetBytes;
  return true;
}

// SDM 2A tables 2-2 and 2-3.
function readMemory(bytes: Uint8Array, start: number, rex: number, out: Instruction): number {
  let at = start;
  const modRM = bytes[at++];
  const mode = modRM >> 6;
  let base = modRM & 7 | (rex & 1) << 3, memoryIndex = NO_REG, scaleLog2 = 0;
  let dispBytes = mode === 1 ? 1 : mode === 2 ? 4 : 0;
  if ((modRM & 7) === 4) {
    const sib = bytes[at++];
    base = sib & 7 | (rex & 1) << 3;
    memoryIndex = sib >> 3 & 7 | (rex & 2) << 2;
    scaleLog2 = sib >> 6;
    if (memoryIndex === 4) {
      memoryIndex = NO_REG;
      scaleLog2 = 0;
    }
    if ((sib & 7) === 5 && mode === 0) {
      base = NO_REG;
      dispBytes = 4;
    }
    out.mem = base | memoryIndex << 8 | scaleLog2 << 16;
  } else if ((modRM & 7) === 5 && mode === 0) {
    out.mem = MEM_RIP;
    dispBytes = 4;
  } else out.mem = base | NO_REG << 8;
  out.disp = dispBytes === 0 ? 0 : dispBytes === 1 ? bytes[at] << 24 >> 24 : readInt32(bytes, at);
  return at + dispBytes;
}

function readInt32(bytes: Uint8Array, at: number): number {
  return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
}
