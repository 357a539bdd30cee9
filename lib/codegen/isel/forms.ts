/** The forms that selection and emission use, looked up once at load; pairs are indexed by width (0: 32 bits, 1: 64 bits). */

import { form, type FormId } from "../../x64/mod.ts";

/** A form in 32 and 64 bits. */
export type Pair = readonly [FormId, FormId];

/** Forms of a two-operand integer operation: register or memory right side, 8- and 32-bit immediates, memory left side. */
export interface Alu {
  readonly rm: Pair;
  readonly imm8: Pair;
  readonly imm32: Pair;
  readonly mr: Pair;
}

function alu<const N extends "add" | "or" | "adc" | "sbb" | "and" | "sub" | "xor" | "cmp">(name: N): Alu {
  return {
    rm: [form(`${name} r32, rm32`), form(`${name} r64, rm64`)],
    imm8: [form(`${name} rm32, imm8`), form(`${name} rm64, imm8`)],
    imm32: [form(`${name} rm32, imm32`), form(`${name} rm64, imm32`)],
    mr: [form(`${name} rm32, r32`), form(`${name} rm64, r64`)],
  };
}

export const ADD: Alu = alu("add");
export const OR: Alu = alu("or");
export const ADC: Alu = alu("adc");
export const SBB: Alu = alu("sbb");
export const AND: Alu = alu("and");
export const SUB: Alu = alu("sub");
export const XOR: Alu = alu("xor");
export const CMP: Alu = alu("cmp");
export const CMP_M8_IMM8: FormId = form("cmp rm8, imm8");
export const CMP_M16_IMM8: FormId = form("cmp rm16, imm8");
export const TEST: Pair = [form("test rm32, r32"), form("test rm64, r64")];
export const TEST_IMM: Pair = [form("test rm32, imm32"), form("test rm64, imm32")];
export const TEST_IMM8: FormId = form("test rm8, imm8");

export const MOV_R32: FormId = form("mov r32, rm32");
export const MOV_R64: FormId = form("mov r64, rm64");
export const MOV_LOAD: Pair = [MOV_R32, MOV_R64];
export const MOV_STORE: Pair = [form("mov rm32, r32"), form("mov rm64, r64")];
export const MOV_STORE_8: FormId = form("mov rm8, r8");
export const MOV_STORE_16: FormId = form("mov rm16, r16");
export const MOV_M_IMM: Pair = [form("mov rm32, imm32"), form("mov rm64, imm32")];
export const MOV_M8_IMM: FormId = form("mov rm8, imm8");
export const MOV_M16_IMM: FormId = form("mov rm16, imm16");
export const MOV_R32_IMM32: FormId = form("mov r32, imm32");
export const MOV_R64_IMM64: FormId = form("mov r64, imm64");
export const MOVZX_8: FormId = form("movzx r32, rm8");
export const MOVZX_16: FormId = form("movzx r32, rm16");
export const MOVSX_8: Pair = [form("movsx r32, rm8"), form("movsx r64, rm8")];
export const MOVSX_16: Pair = [form("movsx r32, rm16"), form("movsx r64, rm16")];
export const MOVSXD: FormId = form("movsxd r64, rm32");
export const LEA_64: FormId = form("lea r64, m");
export const LEA: Pair = [form("lea r32, m"), LEA_64];
export const CMOV: Pair = [form("cmovcc r32, rm32"), form("cmovcc r64, rm64")];
export const SETCC: FormId = form("setcc rm8");

export const NEG: Pair = [form("neg rm32"), form("neg rm64")];
export const NOT: Pair = [form("not rm32"), form("not rm64")];
export const IMUL: Pair = [form("imul r32, rm32"), form("imul r64, rm64")];
export const IMUL_IMM8: Pair = [form("imul r32, rm32, imm8"), form("imul r64, rm64, imm8")];
export const IMUL_IMM32: Pair = [form("imul r32, rm32, imm32"), form("imul r64, rm64, imm32")];
export const MUL: Pair = [form("mul rm32"), form("mul rm64")];
export const MUL_WIDE: Pair = [form("mul rm32"), form("mul rm64")];
export const IMUL_WIDE: Pair = [form("imul rm32"), form("imul rm64")];
export const DIV: Pair = [form("div rm32"), form("div rm64")];
export const IDIV: Pair = [form("idiv rm32"), form("idiv rm64")];
export const SIGN_TO_RDX: Pair = [form("cdq"), form("cqo")];

/** Forms of a shift or rotate. */
export interface Shift {
  readonly cl: Pair;
  readonly imm: Pair;
}
function shift<const N extends "shl" | "shr" | "sar" | "rol" | "ror">(name: N): Shift {
  return {
    cl: [form(`${name} rm32, cl`), form(`${name} rm64, cl`)],
    imm: [form(`${name} rm32, imm8`), form(`${name} rm64, imm8`)],
  };
}
export const SHL: Shift = shift("shl");
export const SHR: Shift = shift("shr");
export const SAR: Shift = shift("sar");
export const ROL: Shift = shift("rol");
export const ROR: Shift = shift("ror");
export const SHLX: Pair = [form("shlx r32, rm32, r32"), form("shlx r64, rm64, r64")];
export const SHRX: Pair = [form("shrx r32, rm32, r32"), form("shrx r64, rm64, r64")];
export const SARX: Pair = [form("sarx r32, rm32, r32"), form("sarx r64, rm64, r64")];

export const LZCNT: Pair = [form("lzcnt r32, rm32"), form("lzcnt r64, rm64")];
export const TZCNT: Pair = [form("tzcnt r32, rm32"), form("tzcnt r64, rm64")];
export const POPCNT: Pair = [form("popcnt r32, rm32"), form("popcnt r64, rm64")];
export const BSF: Pair = [form("bsf r32, rm32"), form("bsf r64, rm64")];
export const BSR: Pair = [form("bsr r32, rm32"), form("bsr r64, rm64")];
export const BTC_IMM: FormId = form("btc rm64, imm8");
export const BTS_IMM: FormId = form("bts rm64, imm8");

// Floats: index 0 single, 1 double.
export const FADD: Pair = [form("addss xmm, xmm/m32"), form("addsd xmm, xmm/m64")];
export const FSUB: Pair = [form("subss xmm, xmm/m32"), form("subsd xmm, xmm/m64")];
export const FMUL: Pair = [form("mulss xmm, xmm/m32"), form("mulsd xmm, xmm/m64")];
export const FDIV: Pair = [form("divss xmm, xmm/m32"), form("divsd xmm, xmm/m64")];
export const FMIN: Pair = [form("minss xmm, xmm/m32"), form("minsd xmm, xmm/m64")];
export const FMAX: Pair = [form("maxss xmm, xmm/m32"), form("maxsd xmm, xmm/m64")];
export const FSQRT: Pair = [form("sqrtss xmm, xmm/m32"), form("sqrtsd xmm, xmm/m64")];
export const FROUND: Pair = [form("roundss xmm, xmm/m32, imm8"), form("roundsd xmm, xmm/m64, imm8")];
export const UCOMIS: Pair = [form("ucomiss xmm, xmm/m32"), form("ucomisd xmm, xmm/m64")];
export const FLOAD: Pair = [form("movss xmm, m32"), form("movsd xmm, m64")];
export const FSTORE: Pair = [form("movss m32, xmm"), form("movsd m64, xmm")];
export const MOVAPS: FormId = form("movaps xmm, xmm/m128");
export const ANDPS: FormId = form("andps xmm, xmm/m128");
export const ORPS: FormId = form("orps xmm, xmm/m128");
export const XORPS: FormId = form("xorps xmm, xmm/m128");
export const PCMPEQD: FormId = form("pcmpeqd xmm, xmm/m128");
export const MOVUPS_LOAD: FormId = form("movups xmm, xmm/m128");
export const MOVUPS_STORE: FormId = form("movups xmm/m128, xmm");
export const INT_TO_FLOAT: Pair = [form("movd xmm, rm32"), form("movq xmm, rm64")];
export const FLOAT_TO_INT: Pair = [form("movd rm32, xmm"), form("movq rm64, xmm")];
export const CVT_SD_SS: FormId = form("cvtsd2ss xmm, xmm/m64");
export const CVT_SS_SD: FormId = form("cvtss2sd xmm, xmm/m32");
/** Integer (index 0: 32, 1: 64 bits) to float (outer index). */
export const CVT_FROM_INT: readonly [Pair, Pair] = [
  [form("cvtsi2ss xmm, rm32"), form("cvtsi2ss xmm, rm64")],
  [form("cvtsi2sd xmm, rm32"), form("cvtsi2sd xmm, rm64")],
];
/** Float (outer index) to integer with truncation. */
export const CVT_TO_INT: readonly [Pair, Pair] = [
  [form("cvttss2si r32, xmm/m32"), form("cvttss2si r64, xmm/m32")],
  [form("cvttsd2si r32, xmm/m64"), form("cvttsd2si r64, xmm/m64")],
];

export const PUSH: FormId = form("push r64");
export const POP: FormId = form("pop r64");
export const POP_M: FormId = form("pop rm64");
export const LEAVE: FormId = form("leave");
export const RET: FormId = form("ret");
export const RET_POP: FormId = form("ret imm16");
export const CALL_REL: FormId = form("call rel32");
export const CALL_RM: FormId = form("call rm64");
export const JMP_REL: FormId = form("jmp rel32");
export const JMP_RM: FormId = form("jmp rm64");

/** Whether a value fits a sign-extended byte. */
export function fitsI8(value: number): boolean {
  return value << 24 >> 24 === value;
}

// Atomic accesses, by log2 of the width.
type ByWidth = readonly [FormId, FormId, FormId, FormId];
/** Loads of an unsigned integer. */
export const LOAD_ZERO_EXTENDED: ByWidth = [MOVZX_8, MOVZX_16, MOV_R32, MOV_R64];
export const XCHG_M: ByWidth = [
  form("xchg rm8, r8"),
  form("xchg rm16, r16"),
  form("xchg rm32, r32"),
  form("xchg rm64, r64"),
];
export const LOCK_XADD: ByWidth = [
  form("lock xadd m8, r8"),
  form("lock xadd m16, r16"),
  form("lock xadd m32, r32"),
  form("lock xadd m64, r64"),
];
export const LOCK_CMPXCHG: ByWidth = [
  form("lock cmpxchg m8, r8"),
  form("lock cmpxchg m16, r16"),
  form("lock cmpxchg m32, r32"),
  form("lock cmpxchg m64, r64"),
];
function locked<const N extends "add" | "sub" | "and" | "or" | "xor">(name: N): ByWidth {
  return [
    form(`lock ${name} m8, r8`),
    form(`lock ${name} m16, r16`),
    form(`lock ${name} m32, r32`),
    form(`lock ${name} m64, r64`),
  ];
}
export const LOCK_ADD: ByWidth = locked("add");
export const LOCK_SUB: ByWidth = locked("sub");
export const LOCK_AND: ByWidth = locked("and");
export const LOCK_OR: ByWidth = locked("or");
export const LOCK_XOR: ByWidth = locked("xor");
/** A locked instruction is a full fence. */
export const LOCK_OR_IMM8: FormId = form("lock or m32, imm8");
