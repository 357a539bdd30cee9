/**
 * Random legal instructions for the tests of lib/x64: every form, every kind of operand, reproducible from a seed.
 *
 * Kept apart from the checks: this file only makes operands and hands them to the assembler.
 */
import {
  allForms,
  type Assembler,
  FORM_IMMEDIATE_BYTES,
  FORM_OPERAND_COUNT,
  FORM_OPERAND_KIND,
  FORM_OPERAND_SLOT,
  FORM_SHAPES,
  type FormId,
  Instruction,
  KIND_ADMITS_MEMORY,
  KIND_REGISTER_BYTES,
  MEM_RIP,
  NO_REG,
  OPERAND_STRIDE,
  packMem,
  SHAPE,
  SLOT,
} from "../../../lib/x64/mod.ts";

/** Samples of each form and each kind of its ModRM.rm operand; THEROPOD_X64_SAMPLES asks for more. */
export const SAMPLES: number = Number(Deno.env.get("THEROPOD_X64_SAMPLES") ?? "2");

/** A small reproducible generator (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.#next() / 2 ** 32 * limit);
  }

  /** A signed 32-bit integer, small, at an edge, or any. */
  int32(): number {
    const any = this.#next() | 0;
    switch (this.below(5)) {
      case 0:
        return any >> 25;
      case 1:
        return [0, 1, -1, 127, 128, -128, -129, 0x7fffffff, -0x80000000][this.below(9)];
      case 2:
        return any >> 16;
      default:
        return any;
    }
  }

  #next(): number {
    let t = this.#state = this.#state + 0x6d2b79f5 | 0;
    t = Math.imul(t ^ t >>> 15, t | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return (t ^ t >>> 14) >>> 0;
  }
}

/** The kind of the operand in ModRM.rm, -1 when there is none. */
export function rmKind(form: FormId): number {
  for (let i = 0; i < FORM_OPERAND_COUNT[form]; i++) {
    const at = form * OPERAND_STRIDE + i;
    if (FORM_OPERAND_SLOT[at] === SLOT.RM) return FORM_OPERAND_KIND[at];
  }
  return -1;
}

function hasSlot(form: FormId, slot: number): boolean {
  for (let i = 0; i < FORM_OPERAND_COUNT[form]; i++) {
    if (FORM_OPERAND_SLOT[form * OPERAND_STRIDE + i] === slot) return true;
  }
  return false;
}

/** Gives `out` a random memory operand: base, index, scale, absolute or relative to the instruction pointer. */
export function randomMemory(random: Random, out: Instruction): void {
  out.rm = -1;
  out.disp = random.below(4) === 0 ? 0 : random.int32();
  const kind = random.below(10);
  if (kind === 0) {
    out.mem = MEM_RIP;
    return;
  }
  const base = kind === 1 ? NO_REG : random.below(16);
  let index = random.below(2) === 0 ? NO_REG : random.below(16);
  if (index === 4) index = 12;
  out.mem = packMem(base, index, index === NO_REG ? 0 : random.below(4));
}

/** A random instance of `form`, with memory in ModRM.rm if asked. */
export function randomInstruction(random: Random, form: FormId, place: "register" | "memory"): Instruction {
  const out = new Instruction();
  out.form = form;
  out.reg = random.below(16);
  out.rm = random.below(16);
  out.vvvv = random.below(16);
  // A digit form with a third register: what the assembler takes as `reg` is in VEX.vvvv.
  if (!hasSlot(form, SLOT.REG)) out.reg = out.vvvv;
  if (place === "memory") randomMemory(random, out);
  const size = FORM_IMMEDIATE_BYTES[form];
  const value = random.int32();
  out.imm = hasSlot(form, SLOT.IS4)
    ? random.below(16) << 4 << 24 >> 24
    : size === 1
    ? value << 24 >> 24
    : size === 2
    ? value << 16 >> 16
    : value;
  out.immHi = size === 8 ? random.int32() : 0;
  return out;
}

/** Appends `instruction` and fills in its offset and length. */
export function emit(a: Assembler, instruction: Instruction): void {
  const { form, reg, rm, vvvv, mem, disp, imm, immHi } = instruction;
  instruction.offsetBytes = a.offset;
  const inMemory = rm < 0;
  const shapes = FORM_SHAPES[form];
  const has = (shape: number): boolean => (shapes & shape) !== 0;
  if (inMemory) {
    if (has(SHAPE.RM)) a.rm(form, reg, mem, disp);
    else if (has(SHAPE.M)) a.m(form, mem, disp);
    else if (has(SHAPE.MI)) a.mi(form, mem, disp, imm);
    else if (has(SHAPE.RMI)) a.rmi(form, reg, mem, disp, imm);
    else if (has(SHAPE.VRM)) a.vrm(form, reg, vvvv, mem, disp);
    else a.vrmi(form, reg, vvvv, mem, disp, imm);
  } else if (has(SHAPE.RR)) a.rr(form, reg, rm);
  else if (has(SHAPE.R)) a.r(form, rm);
  else if (has(SHAPE.RI)) a.ri(form, rm, imm);
  else if (has(SHAPE.RRI)) a.rri(form, reg, rm, imm);
  else if (has(SHAPE.RI64)) a.ri64(form, rm, imm, immHi);
  else if (has(SHAPE.I)) a.i(form, imm);
  else if (has(SHAPE.REL8 | SHAPE.REL32)) a.rel(form, imm);
  else if (has(SHAPE.VRR)) a.vrr(form, reg, vvvv, rm);
  else if (has(SHAPE.VRRI)) a.vrri(form, reg, vvvv, rm, imm);
  else a.op(form);
  instruction.length = a.offset - instruction.offsetBytes;
}

/** Every form `samples` times for each place its ModRM.rm operand may be, assembled one after the other. */
export function assembleCorpus(a: Assembler, seed: number, samples: number): Instruction[] {
  const random = new Random(seed);
  const corpus: Instruction[] = [];
  for (const form of allForms()) {
    const kind = rmKind(form);
    const places: ("register" | "memory")[] = [];
    if (kind < 0 || KIND_REGISTER_BYTES[kind] !== 0) places.push("register");
    if (kind >= 0 && KIND_ADMITS_MEMORY[kind] !== 0) places.push("memory");
    for (const place of places) {
      for (let i = 0; i < samples; i++) {
        const instruction = randomInstruction(random, form, place);
        emit(a, instruction);
        corpus.push(instruction);
      }
    }
  }
  return corpus;
}

/** The bytes of an instruction in hexadecimal, for messages. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
