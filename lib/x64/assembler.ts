/**
 * The assembler: appends the bytes of one form with its operands to a code buffer.
 *
 * Entry points are named by operand shape, not by instruction; the form's encoding word says everything else. Operands are
 * numbers: registers 0 to 15, a memory operand packed in one integer with its displacement beside it. Nothing is allocated
 * and nothing is looked up by name for an instruction: about 9 ns each when warm.
 *
 * In every entry point `reg` is the operand in ModRM.reg and `rm` the one in ModRM.rm, whatever their order in the manual:
 * `rr(form("mov rm64, r64"), RAX, RCX)` is `mov rcx, rax`.
 *
 * ASM-1  A form is accepted only by entry points of its shape (`FORM_SHAPES`).
 * ASM-2  A displacement takes the shortest encoding, so equal operands give equal bytes.
 * ASM-3  Bytes are appended in whole instructions; `buffer` may be read, and appended to, between any two calls.
 *
 * @module
 */
import { bug, CodeBuffer } from "../base/mod.ts";
import { type Label, Labels } from "./buffer.ts";
import { COND, type Cond } from "./conditions.ts";
import { NO_REG } from "./regs.ts";
import {
  ENC_DIGIT_SHIFT,
  ENC_EXTRA_66,
  ENC_FIXED_MODRM,
  ENC_HAS_DIGIT,
  ENC_IMM_SHIFT,
  ENC_L,
  ENC_LOCK,
  ENC_MAP_SHIFT,
  ENC_NDD,
  ENC_PP_SHIFT,
  ENC_REG8,
  ENC_RM8,
  ENC_VEX,
  ENC_W,
  form,
  FORM_ENCODING,
  FORM_IMMEDIATE_BYTES,
  FORM_MODRM,
  FORM_SHAPES,
  type FormId,
  formName,
  SHAPE,
} from "./table.ts";

// Every use of an imported binding is a load through its cell, which V8 does not fold; a constant of this module is folded.
// So hot code reads aliases (measured: 1.7 times faster).
const ENCODINGS = FORM_ENCODING, SHAPES = FORM_SHAPES, IMMEDIATE_BYTES = FORM_IMMEDIATE_BYTES;
const ABSENT = NO_REG, NO_INDEX = NO_REG << 8;
const DIGIT_SHIFT = ENC_DIGIT_SHIFT;
const EXTRA_66 = ENC_EXTRA_66;
const FIXED_MODRM = ENC_FIXED_MODRM;
const HAS_DIGIT = ENC_HAS_DIGIT;
const IMM_SHIFT = ENC_IMM_SHIFT;
const L = ENC_L;
const LOCK = ENC_LOCK;
const MAP_SHIFT = ENC_MAP_SHIFT;
const NDD = ENC_NDD;
const PP_SHIFT = ENC_PP_SHIFT;
const REG8 = ENC_REG8;
const RM8 = ENC_RM8;
const VEX = ENC_VEX;
const W = ENC_W;
const SHAPE_REL = SHAPE.REL8 | SHAPE.REL32;
const SHAPE_RR = SHAPE.RR;
const SHAPE_RM = SHAPE.RM;
const SHAPE_R = SHAPE.R;
const SHAPE_M = SHAPE.M;
const SHAPE_RI = SHAPE.RI;
const SHAPE_MI = SHAPE.MI;
const SHAPE_RRI = SHAPE.RRI;
const SHAPE_RMI = SHAPE.RMI;
const SHAPE_RI64 = SHAPE.RI64;
const SHAPE_I = SHAPE.I;
const SHAPE_OP = SHAPE.OP;
const SHAPE_VRR = SHAPE.VRR;
const SHAPE_VRM = SHAPE.VRM;
const SHAPE_VRRI = SHAPE.VRRI;
const SHAPE_VRMI = SHAPE.VRMI;

/** A packed memory operand whose displacement is relative to the end of the instruction. */
export const MEM_RIP: number = 0xfe | NO_REG << 8;
/** A packed memory operand whose "displacement" is a {@linkcode Label}, reached relative to the end of the instruction. */
export const MEM_LABEL: number = 0xfd | NO_REG << 8;

/** Packs a memory operand: `base` and `index` are registers or `NO_REG`; the index is scaled by `1 << scaleLog2`. */
export function packMem(base: number, index: number, scaleLog2: number): number {
  if (index === 4) bug("rsp cannot be an index register");
  return base | index << 8 | scaleLog2 << 16;
}

/** The memory operand with a base register and no index. */
export function memAt(base: number): number {
  return base | NO_REG << 8;
}

// Longest instruction, SDM 2A 2.3.11.
const MAX_INSTRUCTION_BYTES = 15;

const ANY_PREFIX = 3 << PP_SHIFT | EXTRA_66 | LOCK;
const PP_BYTES = 0x66 << 8 | 0xf3 << 16 | 0xf2 << 24;
const REX = 0x40;

const JCC_REL8 = 0x70, JCC_REL32 = 0x80, JMP_REL8 = 0xeb, JMP_REL32 = 0xe9, CALL_REL32 = 0xe8;

// SDM 2B, "NOP", table 4-12: recommended multi-byte sequences.
const NOPS: readonly (readonly number[])[] = [
  [],
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0x00],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

/** Appends x86-64 instructions to {@linkcode Assembler.buffer}. */
export class Assembler {
  /** The code so far. */
  readonly buffer: CodeBuffer;
  readonly #labels: Labels = new Labels();

  constructor(buffer: CodeBuffer = new CodeBuffer()) {
    this.buffer = buffer;
  }

  /** Offset at which the next instruction starts. */
  get offset(): number {
    return this.buffer.length;
  }

  // Operand shapes.

  /** Two registers. In a VEX form with a digit (`blsr`), `reg` is the VEX.vvvv operand. */
  rr(form: FormId, reg: number, rm: number): void {
    if ((SHAPES[form] & SHAPE_RR) === 0) refuse(form, "rr");
    const encoding = ENCODINGS[form];
    const at = (encoding & VEX) === 0
      ? open(this.buffer, encoding, rexOf(encoding, reg, rm))
      : openVex(this.buffer, encoding, reg, 0, 0, rm >> 3);
    this.buffer.bytes[at] = 0xc0 | regField(encoding, reg) | rm & 7;
    this.buffer.length = at + 1;
  }

  /** A register and memory. */
  rm(form: FormId, reg: number, mem: number, disp: number): void {
    if ((SHAPES[form] & SHAPE_RM) === 0) refuse(form, "rm");
    const encoding = ENCODINGS[form];
    const at = (encoding & VEX) === 0
      ? open(this.buffer, encoding, rexOfMem(encoding, reg, mem))
      : openVex(this.buffer, encoding, reg, 0, indexHigh(mem), baseHigh(mem));
    this.buffer.length = memory(this.buffer, this.#labels, at, regField(encoding, reg), mem, disp, 0);
  }

  /** One register: a digit or +r form. */
  r(form: FormId, rm: number): void {
    if ((SHAPES[form] & SHAPE_R) === 0) refuse(form, "r");
    oneRegister(this.buffer, ENCODINGS[form], rm);
  }

  /** One memory operand. */
  m(form: FormId, mem: number, disp: number): void {
    if ((SHAPES[form] & SHAPE_M) === 0) refuse(form, "m");
    const encoding = ENCODINGS[form];
    const at = (encoding & VEX) === 0
      ? open(this.buffer, encoding, rexOfMem(encoding, 0, mem))
      : openVex(this.buffer, encoding, 0, 0, indexHigh(mem), baseHigh(mem));
    this.buffer.length = memory(this.buffer, this.#labels, at, regField(encoding, 0), mem, disp, 0);
  }

  /** A register and an immediate of the form's size. */
  ri(form: FormId, rm: number, imm: number): void {
    if ((SHAPES[form] & SHAPE_RI) === 0) refuse(form, "ri");
    const encoding = ENCODINGS[form];
    oneRegister(this.buffer, encoding, rm);
    immediate(this.buffer, encoding, imm);
  }

  /** Memory and an immediate. */
  mi(form: FormId, mem: number, disp: number, imm: number): void {
    if ((SHAPES[form] & SHAPE_MI) === 0) refuse(form, "mi");
    const encoding = ENCODINGS[form];
    const at = open(this.buffer, encoding, rexOfMem(encoding, 0, mem));
    this.buffer.length = memory(
      this.buffer,
      this.#labels,
      at,
      regField(encoding, 0),
      mem,
      disp,
      IMMEDIATE_BYTES[form],
    );
    immediate(this.buffer, encoding, imm);
  }

  /** Two registers and an immediate. */
  rri(form: FormId, reg: number, rm: number, imm: number): void {
    if ((SHAPES[form] & SHAPE_RRI) === 0) refuse(form, "rri");
    const encoding = ENCODINGS[form];
    const at = (encoding & VEX) === 0
      ? open(this.buffer, encoding, rexOf(encoding, reg, rm))
      : openVex(this.buffer, encoding, reg, 0, 0, rm >> 3);
    this.buffer.bytes[at] = 0xc0 | regField(encoding, reg) | rm & 7;
    this.buffer.length = at + 1;
    immediate(this.buffer, encoding, imm);
  }

  /** A register, memory and an immediate. */
  rmi(form: FormId, reg: number, mem: number, disp: number, imm: number): void {
    if ((SHAPES[form] & SHAPE_RMI) === 0) refuse(form, "rmi");
    const encoding = ENCODINGS[form];
    const at = (encoding & VEX) === 0
      ? open(this.buffer, encoding, rexOfMem(encoding, reg, mem))
      : openVex(this.buffer, encoding, reg, 0, indexHigh(mem), baseHigh(mem));
    this.buffer.length = memory(
      this.buffer,
      this.#labels,
      at,
      regField(encoding, reg),
      mem,
      disp,
      IMMEDIATE_BYTES[form],
    );
    immediate(this.buffer, encoding, imm);
  }

  /** `mov r64, imm64`, the immediate as two halves. */
  ri64(form: FormId, reg: number, lo: number, hi: number): void {
    if ((SHAPES[form] & SHAPE_RI64) === 0) refuse(form, "ri64");
    oneRegister(this.buffer, ENCODINGS[form], reg);
    this.buffer.u64(lo, hi);
  }

  /** An immediate alone (`ret imm16`, `push imm32`, `add rax, imm32`). */
  i(form: FormId, imm: number): void {
    if ((SHAPES[form] & SHAPE_I) === 0) refuse(form, "i");
    const encoding = ENCODINGS[form];
    this.buffer.length = open(this.buffer, encoding, encoding >> 11 & 8);
    immediate(this.buffer, encoding, imm);
  }

  /** No operand, or only fixed ones. */
  op(form: FormId): void {
    if ((SHAPES[form] & SHAPE_OP) === 0) refuse(form, "op");
    const encoding = ENCODINGS[form];
    let at = (encoding & VEX) === 0
      ? open(this.buffer, encoding, encoding >> 11 & 8)
      : openVex(this.buffer, encoding, 0, 0, 0, 0);
    if ((encoding & FIXED_MODRM) !== 0) this.buffer.bytes[at++] = FORM_MODRM[form];
    this.buffer.length = at;
  }

  /** A branch with the displacement given, from the end of the instruction. */
  rel(form: FormId, displacement: number): void {
    if ((SHAPES[form] & SHAPE_REL) === 0) refuse(form, "rel");
    const encoding = ENCODINGS[form];
    this.buffer.length = open(this.buffer, encoding, 0);
    immediate(this.buffer, encoding, displacement);
  }

  /** VEX: ModRM.reg, VEX.vvvv and a register. */
  vrr(form: FormId, reg: number, vvvv: number, rm: number): void {
    if ((SHAPES[form] & SHAPE_VRR) === 0) refuse(form, "vrr");
    vexRegisters(this.buffer, ENCODINGS[form], reg, vvvv, rm);
  }

  /** VEX: ModRM.reg, VEX.vvvv and memory. */
  vrm(form: FormId, reg: number, vvvv: number, mem: number, disp: number): void {
    if ((SHAPES[form] & SHAPE_VRM) === 0) refuse(form, "vrm");
    const encoding = ENCODINGS[form];
    const at = openVex(this.buffer, encoding, reg, vvvv, indexHigh(mem), baseHigh(mem));
    this.buffer.length = memory(this.buffer, this.#labels, at, (reg & 7) << 3, mem, disp, 0);
  }

  /** VEX: ModRM.reg, VEX.vvvv, a register and an immediate; a fourth register goes in as `register << 4`. */
  vrri(form: FormId, reg: number, vvvv: number, rm: number, imm: number): void {
    if ((SHAPES[form] & SHAPE_VRRI) === 0) refuse(form, "vrri");
    const encoding = ENCODINGS[form];
    vexRegisters(this.buffer, encoding, reg, vvvv, rm);
    immediate(this.buffer, encoding, imm);
  }

  /** VEX: ModRM.reg, VEX.vvvv, memory and an immediate; a fourth register goes in as `register << 4`. */
  vrmi(form: FormId, reg: number, vvvv: number, mem: number, disp: number, imm: number): void {
    if ((SHAPES[form] & SHAPE_VRMI) === 0) refuse(form, "vrmi");
    const encoding = ENCODINGS[form];
    const at = openVex(this.buffer, encoding, reg, vvvv, indexHigh(mem), baseHigh(mem));
    this.buffer.length = memory(this.buffer, this.#labels, at, (reg & 7) << 3, mem, disp, IMMEDIATE_BYTES[form]);
    immediate(this.buffer, encoding, imm);
  }

  // Labels.

  /** Makes an unbound label. */
  newLabel(): Label {
    return this.#labels.create();
  }

  /** Binds `label` to the current offset. */
  bind(label: Label): void {
    this.#labels.bind(label, this.buffer.length);
  }

  /** Offset of a bound label, -1 for an unbound one. */
  labelOffset(label: Label): number {
    return this.#labels.offsetOf(label);
  }

  /** Jumps to `label`: two bytes when it is bound and near, else five. */
  jmp(label: Label): void {
    const delta = this.#shortDelta(label);
    if (delta !== FAR) this.#short(JMP_REL8, delta);
    else {
      this.buffer.u8(JMP_REL32);
      this.#rel32(label);
    }
  }

  /** Jumps to `label` if `cond` holds: two bytes when it is bound and near, else six. */
  jcc(cond: Cond, label: Label): void {
    const delta = this.#shortDelta(label);
    if (delta !== FAR) this.#short(JCC_REL8 | cond, delta);
    else {
      this.buffer.u16(0x0f | (JCC_REL32 | cond) << 8);
      this.#rel32(label);
    }
  }

  /** Jumps in two bytes; that `label` is near is checked when it is known. */
  jmpShort(label: Label): void {
    this.#shortTo(JMP_REL8, label);
  }

  /** Jumps in two bytes if `cond` holds; that `label` is near is checked when it is known. */
  jccShort(cond: Cond, label: Label): void {
    this.#shortTo(JCC_REL8 | cond, label);
  }

  /** Calls `label`. */
  call(label: Label): void {
    this.buffer.u8(CALL_REL32);
    this.#rel32(label);
  }

  /** `lea reg, [rip + label]`. */
  leaLabel(reg: number, label: Label): void {
    this.rm(LEA, reg, MEM_LABEL, label);
  }

  /** A form with a register and memory, the memory being at `label`. */
  ripRel(form: FormId, reg: number, label: Label): void {
    this.rm(form, reg, MEM_LABEL, label);
  }

  /** Appends the distance from `base` to `label` as four bytes of data. */
  labelDelta32(label: Label, base: Label): void {
    this.#labels.addDelta32(this.buffer.length, label, base);
    this.buffer.u32(0);
  }

  /** Appends `count` bytes of no-operations, in as few instructions as possible. */
  nop(count: number): void {
    for (let left = count; left > 0;) {
      const size = Math.min(left, NOPS.length - 1);
      const bytes = NOPS[size];
      for (let i = 0; i < size; i++) this.buffer.u8(bytes[i]);
      left -= size;
    }
  }

  /** Pads with no-operations to a multiple of `alignment`, a power of two. */
  alignCode(alignment: number): void {
    this.nop(-this.buffer.length & alignment - 1);
  }

  /** Resolves every use of a label so far; labels stay, so that more code may follow. */
  finish(): void {
    this.#labels.resolve(this.buffer);
  }

  /** Forgets code and labels and keeps the storage. */
  reset(): void {
    this.buffer.reset();
    this.#labels.reset();
  }

  // Displacement of a two-byte branch from here to `label`, or FAR.
  #shortDelta(label: Label): number {
    const target = this.#labels.offsetOf(label);
    if (target < 0) return FAR;
    const delta = target - (this.buffer.length + 2);
    return delta >= -128 ? delta : FAR;
  }

  #short(opcode: number, delta: number): void {
    this.buffer.u16(opcode | (delta & 0xff) << 8);
  }

  #shortTo(opcode: number, label: Label): void {
    this.buffer.u16(opcode);
    this.#labels.addRel8(this.buffer.length - 1, label, this.buffer.length);
  }

  #rel32(label: Label): void {
    const at = this.buffer.length;
    const target = this.#labels.offsetOf(label);
    if (target < 0) this.#labels.addRel32(at, label, at + 4);
    this.buffer.u32(target < 0 ? 0 : target - (at + 4));
  }
}

const FAR = 0x7fffffff;
const LEA = form("lea r64, m");

// Pieces of an instruction, as functions of the buffer, each small enough for V8 to inline.
// `open` and `openVex` make room for a whole instruction and return where ModRM goes.

function open(buffer: CodeBuffer, encoding: number, rex: number): number {
  if (buffer.length + MAX_INSTRUCTION_BYTES > buffer.bytes.length) buffer.reserve(MAX_INSTRUCTION_BYTES);
  const bytes = buffer.bytes;
  let at = buffer.length;
  if ((encoding & ANY_PREFIX) !== 0) {
    if ((encoding & LOCK) !== 0) bytes[at++] = 0xf0;
    if ((encoding & EXTRA_66) !== 0) bytes[at++] = 0x66;
    const pp = encoding >> PP_SHIFT & 3;
    if (pp !== 0) bytes[at++] = PP_BYTES >>> (pp << 3);
  }
  if (rex !== 0) bytes[at++] = REX | rex;
  const map = encoding >> MAP_SHIFT & 3;
  if (map !== 0) {
    bytes[at++] = 0x0f;
    if (map !== 1) bytes[at++] = map === 2 ? 0x38 : 0x3a;
  }
  bytes[at++] = encoding;
  return at;
}

function openVex(buffer: CodeBuffer, encoding: number, reg: number, vvvv: number, x: number, b: number): number {
  if (buffer.length + MAX_INSTRUCTION_BYTES > buffer.bytes.length) buffer.reserve(MAX_INSTRUCTION_BYTES);
  const bytes = buffer.bytes;
  let at = buffer.length;
  const digit = (encoding & HAS_DIGIT) !== 0;
  const second = digit && (encoding & NDD) !== 0 ? reg : vvvv;
  const r = digit ? 0 : reg >> 3;
  const map = encoding >> MAP_SHIFT & 3;
  // SDM 2A 2.3.5: R, X, B and vvvv are stored inverted; the two-byte prefix implies map 0F, W = X = B = 0.
  const low = (~second & 15) << 3 | ((encoding & L) !== 0 ? 4 : 0) | encoding >> PP_SHIFT & 3;
  if (map === 1 && (encoding & W) === 0 && (x | b) === 0) {
    bytes[at++] = 0xc5;
    bytes[at++] = (r ^ 1) << 7 | low;
  } else {
    bytes[at++] = 0xc4;
    bytes[at++] = (r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | map;
    bytes[at++] = ((encoding & W) !== 0 ? 0x80 : 0) | low;
  }
  bytes[at++] = encoding;
  return at;
}

function vexRegisters(buffer: CodeBuffer, encoding: number, reg: number, vvvv: number, rm: number): void {
  const at = openVex(buffer, encoding, reg, vvvv, 0, rm >> 3);
  buffer.bytes[at] = 0xc0 | (reg & 7) << 3 | rm & 7;
  buffer.length = at + 1;
}

function oneRegister(buffer: CodeBuffer, encoding: number, rm: number): void {
  let at = open(buffer, encoding, rexOf(encoding, 0, rm));
  if ((encoding & HAS_DIGIT) !== 0) {
    buffer.bytes[at++] = 0xc0 | encoding >> DIGIT_SHIFT - 3 & 0x38 | rm & 7;
  } else buffer.bytes[at - 1] |= rm & 7;
  buffer.length = at;
}

// ModRM, SIB and displacement, SDM 2A tables 2-2 and 2-3. `field` is ModRM.reg in place; `trailing` immediate bytes follow.
// Small, so that it is inlined; what has no base register is rare and apart.
function memory(
  buffer: CodeBuffer,
  labels: Labels,
  start: number,
  field: number,
  mem: number,
  disp: number,
  trailing: number,
): number {
  if ((mem & 0xf0) !== 0) return memoryWithoutBase(buffer, labels, start, field, mem, disp, trailing);
  const bytes = buffer.bytes;
  let at = start;
  const low = mem & 7;
  // rbp and r13 without displacement would mean rip or no base: they take a zero byte.
  const mode = disp === 0 && low !== 5 ? 0 : disp << 24 >> 24 === disp ? 0x40 : 0x80;
  // rsp and r12 in ModRM.rm announce a SIB byte, as an index does. 0x24 is rsp or r12 as a base without index.
  if ((mem & NO_INDEX) !== NO_INDEX) {
    bytes[at] = mode | field | 4;
    bytes[at + 1] = mem >> 10 & 0xc0 | mem >> 5 & 0x38 | low;
    at += 2;
  } else {
    bytes[at] = mode | field | low;
    bytes[at + 1] = 0x24;
    at += low === 4 ? 2 : 1;
  }
  bytes[at] = disp;
  if (mode !== 0x80) return at + (mode >> 6);
  bytes[at + 1] = disp >> 8;
  bytes[at + 2] = disp >> 16;
  bytes[at + 3] = disp >> 24;
  return at + 4;
}

// Index without base, absolute, relative to the instruction pointer: always four bytes of displacement.
function memoryWithoutBase(
  buffer: CodeBuffer,
  labels: Labels,
  start: number,
  field: number,
  mem: number,
  disp: number,
  trailing: number,
): number {
  const bytes = buffer.bytes;
  let at = start;
  if ((mem & 0xff) === ABSENT) {
    bytes[at++] = field | 4;
    bytes[at++] = (mem & NO_INDEX) === NO_INDEX ? 0x25 : mem >> 10 & 0xc0 | mem >> 5 & 0x38 | 5;
  } else bytes[at++] = field | 5;
  if (mem === MEM_LABEL) labels.addRel32(at, disp as Label, at + 4 + trailing);
  bytes[at] = disp;
  bytes[at + 1] = disp >> 8;
  bytes[at + 2] = disp >> 16;
  bytes[at + 3] = disp >> 24;
  return at + 4;
}

function immediate(buffer: CodeBuffer, encoding: number, imm: number): void {
  const bytes = buffer.bytes;
  const at = buffer.length;
  const code = encoding >> IMM_SHIFT & 7;
  bytes[at] = imm;
  if (code === 1) {
    buffer.length = at + 1;
    return;
  }
  bytes[at + 1] = imm >> 8;
  if (code === 2) {
    buffer.length = at + 2;
    return;
  }
  bytes[at + 2] = imm >> 16;
  bytes[at + 3] = imm >> 24;
  buffer.length = at + 4;
}

// REX.W, REX.R and REX.B for two registers; SDM 2A 3.1.1.1: byte registers 4 to 7 are spl, bpl, sil, dil only under REX.
function rexOf(encoding: number, reg: number, rm: number): number {
  let rex = encoding >> 11 & 8 | reg >> 1 & 4 | rm >> 3;
  if ((encoding & (REG8 | RM8)) !== 0) {
    if ((encoding & REG8) !== 0 && reg >= 4 || (encoding & RM8) !== 0 && rm >= 4) rex |= REX;
  }
  return rex;
}

function rexOfMem(encoding: number, reg: number, mem: number): number {
  let rex = encoding >> 11 & 8 | reg >> 1 & 4 | indexHigh(mem) << 1 | baseHigh(mem);
  if ((encoding & REG8) !== 0 && reg >= 4) rex |= REX;
  return rex;
}

// Bit 3 of the base or index register, and 0 for what is not a register (0xfd and above).
function baseHigh(mem: number): number {
  return mem >> 3 & ~mem >> 4 & 1;
}

function indexHigh(mem: number): number {
  return mem >> 11 & ~mem >> 12 & 1;
}

function regField(encoding: number, reg: number): number {
  return ((encoding & HAS_DIGIT) !== 0 ? encoding >> DIGIT_SHIFT : reg) << 3 & 0x38;
}

function refuse(form: FormId, entry: string): never {
  return bug(`${formName(form)} does not take ${entry}()`); // ASM-1
}

// W is read as REX.W by shifting it into place.
if (W >> 11 !== 8 || COND.O !== 0) bug("encoding word layout");
