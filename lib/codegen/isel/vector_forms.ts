/**
 * The packed forms that vector selection uses: each in its SSE form and, for processors with AVX, its VEX twin. Most modules have no vectors,
 * and looking a form up costs more than a start-up can spare for some hundred of them, so each is looked up when it is first used.
 *
 * An SSE form with two sources overwrites the first and wants its memory operand aligned; the VEX form does neither.
 */

import { form, type FormId, type FormName } from "../../x64/mod.ts";

/** A form in both encodings. */
export class Packed {
  readonly #sseName: FormName;
  readonly #avxName: FormName;
  #sse: FormId | undefined;
  #avx: FormId | undefined;

  constructor(sse: FormName, avx: FormName) {
    this.#sseName = sse;
    this.#avxName = avx;
  }

  /** The SSE form. */
  get sse(): FormId {
    return this.#sse ??= form(this.#sseName);
  }

  /** The VEX form. */
  get avx(): FormId {
    return this.#avx ??= form(this.#avxName);
  }
}

type Named<Operands extends string> = FormName extends infer Name
  ? Name extends `${infer Mnemonic} ${Operands}` ? Mnemonic extends `v${string}` ? never : Mnemonic : never
  : never;

/** dst = op(dst, src), or dst = op(first, src). */
function binary<const N extends Named<"xmm, xmm/m128">>(name: N): Packed {
  return new Packed(`${name} xmm, xmm/m128`, `v${name} xmm, xmm, xmm/m128` as FormName);
}
/** dst = op(src). */
function unary<const N extends Named<"xmm, xmm/m128">>(name: N): Packed {
  return new Packed(`${name} xmm, xmm/m128`, `v${name} xmm, xmm/m128` as FormName);
}
/** dst = op(src) of a part of the register. */
function unaryPart<const N extends Named<"xmm, xmm/m64">>(name: N): Packed {
  return new Packed(`${name} xmm, xmm/m64`, `v${name} xmm, xmm/m64` as FormName);
}
/** dst = op(dst, src, imm). */
function binaryImm<const N extends Named<"xmm, xmm/m128, imm8">>(name: N): Packed {
  return new Packed(`${name} xmm, xmm/m128, imm8`, `v${name} xmm, xmm, xmm/m128, imm8` as FormName);
}
/** dst = op(src, imm). */
function unaryImm<const N extends Named<"xmm, xmm/m128, imm8">>(name: N): Packed {
  return new Packed(`${name} xmm, xmm/m128, imm8`, `v${name} xmm, xmm/m128, imm8` as FormName);
}
/** dst = op(dst, imm). */
function shiftImm<const N extends Named<"xmm, imm8">>(name: N): Packed {
  return new Packed(`${name} xmm, imm8`, `v${name} xmm, xmm, imm8` as FormName);
}

export const PAND: Packed = binary("pand");
export const PANDN: Packed = binary("pandn");
export const POR: Packed = binary("por");
export const PXOR: Packed = binary("pxor");
export const ANDPS: Packed = binary("andps");
export const ANDNPS: Packed = binary("andnps");
export const ORPS: Packed = binary("orps");
export const XORPS: Packed = binary("xorps");

// By lane shape of integers: i8x16, i16x8, i32x4, i64x2.
export const PADD: readonly Packed[] = [binary("paddb"), binary("paddw"), binary("paddd"), binary("paddq")];
export const PSUB: readonly Packed[] = [binary("psubb"), binary("psubw"), binary("psubd"), binary("psubq")];
export const PCMPEQ: readonly Packed[] = [
  binary("pcmpeqb"),
  binary("pcmpeqw"),
  binary("pcmpeqd"),
  binary("pcmpeqq"),
];
export const PCMPGT: readonly Packed[] = [
  binary("pcmpgtb"),
  binary("pcmpgtw"),
  binary("pcmpgtd"),
  binary("pcmpgtq"),
];
export const PADDS: readonly Packed[] = [binary("paddsb"), binary("paddsw")];
export const PADDUS: readonly Packed[] = [binary("paddusb"), binary("paddusw")];
export const PSUBS: readonly Packed[] = [binary("psubsb"), binary("psubsw")];
export const PSUBUS: readonly Packed[] = [binary("psubusb"), binary("psubusw")];
export const PMINS: readonly Packed[] = [binary("pminsb"), binary("pminsw"), binary("pminsd")];
export const PMINU: readonly Packed[] = [binary("pminub"), binary("pminuw"), binary("pminud")];
export const PMAXS: readonly Packed[] = [binary("pmaxsb"), binary("pmaxsw"), binary("pmaxsd")];
export const PMAXU: readonly Packed[] = [binary("pmaxub"), binary("pmaxuw"), binary("pmaxud")];
export const PAVG: readonly Packed[] = [binary("pavgb"), binary("pavgw")];
export const PABS: readonly Packed[] = [unary("pabsb"), unary("pabsw"), unary("pabsd")];
/** Interleaving of lower and upper halves, by shape of what is interleaved. */
export const PUNPCKL: readonly Packed[] = [
  binary("punpcklbw"),
  binary("punpcklwd"),
  binary("punpckldq"),
  binary("punpcklqdq"),
];
export const PUNPCKH: readonly Packed[] = [
  binary("punpckhbw"),
  binary("punpckhwd"),
  binary("punpckhdq"),
  binary("punpckhqdq"),
];
/** Narrowing, by the result's shape: i8x16, i16x8. */
export const PACKS: readonly Packed[] = [binary("packsswb"), binary("packssdw")];
export const PACKUS: readonly Packed[] = [binary("packuswb"), binary("packusdw")];
/** Widening of the lower half, by the source's shape: i8x16, i16x8, i32x4. */
export const PMOVSX: readonly Packed[] = [unaryPart("pmovsxbw"), unaryPart("pmovsxwd"), unaryPart("pmovsxdq")];
export const PMOVZX: readonly Packed[] = [unaryPart("pmovzxbw"), unaryPart("pmovzxwd"), unaryPart("pmovzxdq")];

// Shifts by shape, from i16x8 on (index 0 unused); counts in a register, or immediate.
export const PSLL: readonly Packed[] = [binary("psllw"), binary("psllw"), binary("pslld"), binary("psllq")];
export const PSRL: readonly Packed[] = [binary("psrlw"), binary("psrlw"), binary("psrld"), binary("psrlq")];
export const PSRA: readonly Packed[] = [binary("psraw"), binary("psraw"), binary("psrad")];
export const PSLL_IMM: readonly Packed[] = [shiftImm("psllw"), shiftImm("psllw"), shiftImm("pslld"), shiftImm("psllq")];
export const PSRL_IMM: readonly Packed[] = [shiftImm("psrlw"), shiftImm("psrlw"), shiftImm("psrld"), shiftImm("psrlq")];
export const PSRA_IMM: readonly Packed[] = [shiftImm("psraw"), shiftImm("psraw"), shiftImm("psrad")];
export const PSLLDQ: Packed = shiftImm("pslldq");
export const PSRLDQ: Packed = shiftImm("psrldq");

export const PMULLW: Packed = binary("pmullw");
export const PMULLD: Packed = binary("pmulld");
export const PMULHW: Packed = binary("pmulhw");
export const PMULHUW: Packed = binary("pmulhuw");
export const PMULUDQ: Packed = binary("pmuludq");
export const PMULDQ: Packed = binary("pmuldq");
export const PMULHRSW: Packed = binary("pmulhrsw");
export const PMADDWD: Packed = binary("pmaddwd");
export const PMADDUBSW: Packed = binary("pmaddubsw");

export const PSHUFB: Packed = binary("pshufb");
export const PSHUFD: Packed = unaryImm("pshufd");
export const PSHUFLW: Packed = unaryImm("pshuflw");
export const PSHUFHW: Packed = unaryImm("pshufhw");
export const PALIGNR: Packed = binaryImm("palignr");
export const PBLENDW: Packed = binaryImm("pblendw");
export const SHUFPS: Packed = binaryImm("shufps");
export const BLENDPS: Packed = binaryImm("blendps");

// By width of floats: f32x4, f64x2.
export const PFADD: readonly Packed[] = [binary("addps"), binary("addpd")];
export const PFSUB: readonly Packed[] = [binary("subps"), binary("subpd")];
export const PFMUL: readonly Packed[] = [binary("mulps"), binary("mulpd")];
export const PFDIV: readonly Packed[] = [binary("divps"), binary("divpd")];
export const PFMIN: readonly Packed[] = [binary("minps"), binary("minpd")];
export const PFMAX: readonly Packed[] = [binary("maxps"), binary("maxpd")];
export const PFSQRT: readonly Packed[] = [unary("sqrtps"), unary("sqrtpd")];
export const PFROUND: readonly Packed[] = [unaryImm("roundps"), unaryImm("roundpd")];
export const PFCMP: readonly Packed[] = [binaryImm("cmpps"), binaryImm("cmppd")];

export const CVTDQ2PS: Packed = unary("cvtdq2ps");
export const CVTTPS2DQ: Packed = unary("cvttps2dq");
export const CVTTPD2DQ: Packed = unary("cvttpd2dq");
export const CVTPD2PS: Packed = unary("cvtpd2ps");
export const CVTDQ2PD: Packed = unaryPart("cvtdq2pd");
export const CVTPS2PD: Packed = unaryPart("cvtps2pd");
export const MOVDDUP: Packed = unaryPart("movddup");

export const PTEST: FormId = form("ptest xmm, xmm/m128");
export const PMOVMSKB: FormId = form("pmovmskb r32, xmm");
/** Sign bits of 32- and 64-bit lanes. */
export const MOVMSK: readonly FormId[] = [form("movmskps r32, xmm"), form("movmskpd r32, xmm")];
export const MOVQ_XMM: FormId = form("movq xmm, xmm/m64");

/** A lane out of, or into, a vector, by shape of integers. */
export const PEXTR: readonly FormId[] = [
  form("pextrb r32/m8, xmm, imm8"),
  form("pextrw r32, xmm, imm8"),
  form("pextrd rm32, xmm, imm8"),
  form("pextrq rm64, xmm, imm8"),
];
/** A lane to memory: the other form of pextrw has its operands in the opposite fields. */
export const PEXTR_STORE: readonly FormId[] = [
  form("pextrb r32/m8, xmm, imm8"),
  form("pextrw r32/m16, xmm, imm8"),
  form("pextrd rm32, xmm, imm8"),
  form("pextrq rm64, xmm, imm8"),
];
/** dst = first operand with a lane replaced. */
export const PINSR: readonly Packed[] = [
  new Packed("pinsrb xmm, r32/m8, imm8", "vpinsrb xmm, xmm, r32/m8, imm8"),
  new Packed("pinsrw xmm, r32/m16, imm8", "vpinsrw xmm, xmm, r32/m16, imm8"),
  new Packed("pinsrd xmm, rm32, imm8", "vpinsrd xmm, xmm, rm32, imm8"),
  new Packed("pinsrq xmm, rm64, imm8", "vpinsrq xmm, xmm, rm64, imm8"),
];
export const INSERTPS: Packed = new Packed("insertps xmm, xmm/m32, imm8", "vinsertps xmm, xmm, xmm/m32, imm8");
/** Half a vector from memory, the other kept: lower, upper. */
export const MOVP: readonly Packed[] = [
  new Packed("movlpd xmm, m64", "vmovlpd xmm, xmm, m64"),
  new Packed("movhpd xmm, m64", "vmovhpd xmm, xmm, m64"),
];
export const MOVHPD_STORE: FormId = form("movhpd m64, xmm");

/** AVX2: the lowest lane everywhere, by shape of integers. */
export const VPBROADCAST: readonly FormId[] = [
  form("vpbroadcastb xmm, xmm/m8"),
  form("vpbroadcastw xmm, xmm/m16"),
  form("vpbroadcastd xmm, xmm/m32"),
  form("vpbroadcastq xmm, xmm/m64"),
];
/** AVX: a float from memory everywhere. */
export const VBROADCASTSS: FormId = form("vbroadcastss xmm, m32");
