/** An assembler whose methods read like the instructions of the boot image: a thin vocabulary over `lib/x64`. */

import { Assembler, type Cond, form, type FormId, type Label, MEM_LABEL, memAt, packMem, RAX } from "../x64/mod.ts";

// Forms by name once, at load.
const LOAD64 = form("mov r64, rm64"), LOAD32 = form("mov r32, rm32");
const STORE64 = form("mov rm64, r64"), STORE32 = form("mov rm32, r32");
const STORE_IMM64 = form("mov rm64, imm32"), STORE_IMM32 = form("mov rm32, imm32");
const SET32 = form("mov r32, imm32"), SET64 = form("mov r64, imm64"), SET_SIGNED = form("mov rm64, imm32");
const PUSH = form("push r64"), POP = form("pop r64");
const JMP = form("jmp rm64"), SYSCALL = form("syscall"), RET = form("ret");
const LEA = form("lea r64, m");
const CLEAR = form("xor rm32, r32");
const SHL64 = form("shl rm64, imm8"), ADD64_LOAD = form("add r64, rm64"), SUB64_LOAD = form("sub r64, rm64");
const CMP64_LOAD = form("cmp r64, rm64"), CMP64_IMM = form("cmp rm64, imm32"), CMP32_IMM = form("cmp rm32, imm32");
const TEST32 = form("test rm32, r32"), TEST64 = form("test rm64, r64");
const SUB64_IMM32 = form("sub rm64, imm32"), ADD64_IMM32 = form("add rm64, imm32");
const SUB64_IMM8 = form("sub rm64, imm8"), ADD64_IMM8 = form("add rm64, imm8");
const LONGEST_IMM8 = 127;

/** A memory operand: packed base and index with a displacement, or a label reached relative to the instruction. */
export interface Operand {
  /** As `lib/x64` packs it. */
  readonly mem: number;
  /** Displacement, or the label. */
  readonly disp: number;
}

/** `[base + disp]`. */
export function at(base: number, disp = 0): Operand {
  return { mem: memAt(base), disp };
}

/** `[base + index << scaleLog2 + disp]`. */
export function atIndex(base: number, index: number, scaleLog2: number, disp: number): Operand {
  return { mem: packMem(base, index, scaleLog2), disp };
}

/** The assembler of the boot image. */
export class BootAssembler extends Assembler {
  /** `mov dst, [source]`, 64 bits. */
  load(dst: number, source: Operand): void {
    this.rm(LOAD64, dst, source.mem, source.disp);
  }

  /** `mov dst, [source]`, 32 bits, the upper half cleared. */
  load32(dst: number, source: Operand): void {
    this.rm(LOAD32, dst, source.mem, source.disp);
  }

  /** `lea dst, [source]`. */
  address(dst: number, source: Operand): void {
    this.rm(LEA, dst, source.mem, source.disp);
  }

  /** `mov [target], src`, 64 bits. */
  store(src: number, target: Operand): void {
    this.rm(STORE64, src, target.mem, target.disp);
  }

  /** `mov [target], src`, 32 bits. */
  store32(src: number, target: Operand): void {
    this.rm(STORE32, src, target.mem, target.disp);
  }

  /** `mov qword [target], imm`, sign-extended. */
  storeConstant(value: number, target: Operand): void {
    this.mi(STORE_IMM64, target.mem, target.disp, value);
  }

  /** `mov dword [target], imm`. */
  storeConstant32(value: number, target: Operand): void {
    this.mi(STORE_IMM32, target.mem, target.disp, value);
  }

  /** `mov dst, src`, 64 bits. */
  move(dst: number, src: number): void {
    this.rr(LOAD64, dst, src);
  }

  /** `mov dst, src`, 32 bits, the upper half cleared. */
  move32(dst: number, src: number): void {
    this.rr(LOAD32, dst, src);
  }

  /** Sets a register to a constant, in the shortest way that keeps flags. */
  set(dst: number, value: number): void {
    if (value >= 0) this.ri(SET32, dst, value);
    else this.ri(SET_SIGNED, dst, value);
  }

  /** `mov dst, imm64` from two halves. */
  set64(dst: number, lo: number, hi: number): void {
    this.ri64(SET64, dst, lo, hi);
  }

  /** `xor dst, dst`. */
  clear(dst: number): void {
    this.rr(CLEAR, dst, dst);
  }

  /** Pushes registers in order. */
  push(...registers: readonly number[]): void {
    for (const register of registers) this.r(PUSH, register);
  }

  /** Pops registers in order. */
  pop(...registers: readonly number[]): void {
    for (const register of registers) this.r(POP, register);
  }

  /** `jmp [target]`. */
  jumpThrough(target: Operand): void {
    this.m(JMP, target.mem, target.disp);
  }

  /** `jmp register`. */
  jumpTo(register: number): void {
    this.r(JMP, register);
  }

  /** `ret`. */
  ret(): void {
    this.op(RET);
  }

  /** `shl dst, count`. */
  shiftLeft(dst: number, count: number): void {
    this.ri(SHL64, dst, count);
  }

  /** `add dst, [source]`. */
  addLoaded(dst: number, source: Operand): void {
    this.rm(ADD64_LOAD, dst, source.mem, source.disp);
  }

  /** `sub dst, [source]`. */
  subtractLoaded(dst: number, source: Operand): void {
    this.rm(SUB64_LOAD, dst, source.mem, source.disp);
  }

  /** `cmp register, [source]`, 64 bits. */
  compareLoaded(register: number, source: Operand): void {
    this.rm(CMP64_LOAD, register, source.mem, source.disp);
  }

  /** `cmp register, imm`, 64 bits, sign-extended. */
  compare(register: number, value: number): void {
    this.ri(CMP64_IMM, register, value);
  }

  /** `cmp register, imm`, 32 bits. */
  compare32(register: number, value: number): void {
    this.ri(CMP32_IMM, register, value);
  }

  /** `cmp dword [target], imm`. */
  compareMemory32(target: Operand, value: number): void {
    this.mi(CMP32_IMM, target.mem, target.disp, value);
  }

  /** `test register, register`, 32 bits. */
  test32(register: number): void {
    this.rr(TEST32, register, register);
  }

  /** `test register, register`, 64 bits. */
  test(register: number): void {
    this.rr(TEST64, register, register);
  }

  /** `sub dst, imm` for a constant of at least 0. */
  subtract(dst: number, value: number): void {
    this.ri(value <= LONGEST_IMM8 ? SUB64_IMM8 : SUB64_IMM32, dst, value);
  }

  /** `add dst, imm` for a constant of at least 0. */
  add(dst: number, value: number): void {
    this.ri(value <= LONGEST_IMM8 ? ADD64_IMM8 : ADD64_IMM32, dst, value);
  }

  /** Makes system call `number`; the kernel destroys rax, rcx and r11. */
  systemCall(number: number): void {
    this.set(RAX, number);
    this.op(SYSCALL);
  }

  /** `jcc label`. */
  branch(cond: Cond, label: Label): void {
    this.jcc(cond, label);
  }

  /** The memory at `label`. */
  atLabel(label: Label): Operand {
    return { mem: MEM_LABEL, disp: label };
  }

  /** One instruction without operands. */
  plain(id: FormId): void {
    this.op(id);
  }
}
