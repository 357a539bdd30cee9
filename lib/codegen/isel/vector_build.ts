/**
 * How vector rules append: each function is one machine instruction over virtual registers and answers the register of its result, so that
 * a sequence reads like the expression it computes. Encoded in VEX form where the processor has AVX, else in SSE form (vector_forms.ts).
 *
 * VEC-1  A 16-byte memory operand is folded only in VEX form, or from the constant pool or a vector's spill slot, which are aligned: a
 *        scalar's slot is not, so a scalar operand of a packed form is asked for in a register.
 */

import { V128 } from "../../ir/mod.ts";
import { Ir } from "../../ir/mod.ts";
import { featureBit, type FormId } from "../../x64/mod.ts";
import { type Inst, Shape } from "../vcode.ts";
import { matchConstant } from "./float.ts";
import * as F from "./forms.ts";
import { type Rule, type RuleList, ruleList } from "./rules.ts";
import type { Selector } from "./selector.ts";
import type { Packed } from "./vector_forms.ts";

const AVX: number = featureBit("avx"), AVX2: number = featureBit("avx2"), SSE42: number = featureBit("sse4.2");

/** Whether VEX forms may be used. */
export function hasAvx(c: Selector): boolean {
  return (c.target.features & AVX) !== 0;
}
/** Whether AVX2 forms may be used. */
export function hasAvx2(c: Selector): boolean {
  return (c.target.features & AVX2) !== 0;
}
/** Whether SSE4.2 forms may be used. */
export function hasSse42(c: Selector): boolean {
  return (c.target.features & (SSE42 | AVX)) !== 0;
}

/** Whether `v` is a 16-byte load that may be the memory operand of the instruction being lowered (VEC-1). */
function isFoldedLoad(c: Selector, v: number): boolean {
  return hasAvx(c) && c.type[v] === V128 && c.sinkable(v);
}

/** Adds the right operand to the instruction begun last (VEC-1). */
export function useRight(c: Selector, b: number): number {
  return c.code.vregType[b] === V128 ? c.code.useAny(b) : c.code.use(b);
}

/** dst = form(a, b). */
export function bin(c: Selector, form: Packed, a: number, b: number, dst: number = c.temp(V128)): number {
  const { code } = c;
  if (hasAvx(c)) {
    const i = code.begin(Shape.vrm, form.avx);
    code.auxOp[i] = code.use(a);
    code.rmOp[i] = useRight(c, b);
    code.regOp[i] = code.def(dst);
  } else {
    const i = code.begin(Shape.rm, form.sse);
    const tied = code.use(a);
    code.rmOp[i] = useRight(c, b);
    code.regOp[i] = code.defReuse(dst, tied);
  }
  return dst;
}

/** dst = form(a, matched address). */
export function binMemory(c: Selector, form: Packed, a: number, dst: number = c.temp(V128)): number {
  if (!hasAvx(c)) {
    c.twoAddressMemory(form.sse, dst, a);
    return dst;
  }
  const { code } = c;
  const i = code.begin(Shape.vrm, form.avx);
  code.auxOp[i] = code.use(a);
  c.attachAddress(i);
  code.regOp[i] = code.def(dst);
  return dst;
}

/** dst = form(a, constant of four words). */
export function binWords(
  c: Selector,
  form: Packed,
  a: number,
  words: readonly [number, number, number, number],
  dst: number = c.temp(V128),
): number {
  matchConstant(c, c.constants.vector(words[0], words[1], words[2], words[3]));
  return binMemory(c, form, a, dst);
}

/** dst = form(a, constant of one word four times). */
export function binWord(c: Selector, form: Packed, a: number, word: number, dst: number = c.temp(V128)): number {
  matchConstant(c, c.constants.vector(word, word, word, word));
  return binMemory(c, form, a, dst);
}

/** dst = form(a, b, imm); `right`: "narrow" forms read no more of a slot than a scalar has. */
export function binImm(
  c: Selector,
  form: Packed,
  a: number,
  b: number,
  imm: number,
  dst: number = c.temp(V128),
  right: "vector" | "narrow" = "vector",
): number {
  const { code } = c;
  let i: Inst;
  if (hasAvx(c)) {
    i = code.begin(Shape.vrmi, form.avx);
    code.auxOp[i] = code.use(a);
    code.rmOp[i] = right === "narrow" ? code.useAny(b) : useRight(c, b);
    code.regOp[i] = code.def(dst);
  } else {
    i = code.begin(Shape.rmi, form.sse);
    const tied = code.use(a);
    code.rmOp[i] = right === "narrow" ? code.useAny(b) : useRight(c, b);
    code.regOp[i] = code.defReuse(dst, tied);
  }
  code.imm[i] = imm;
  return dst;
}

/** dst = form(a, matched address, imm). */
export function binMemoryImm(c: Selector, form: Packed, a: number, imm: number, dst: number = c.temp(V128)): number {
  const { code } = c;
  let i: Inst;
  if (hasAvx(c)) {
    i = code.begin(Shape.vrmi, form.avx);
    code.auxOp[i] = code.use(a);
    c.attachAddress(i);
    code.regOp[i] = code.def(dst);
  } else {
    i = code.begin(Shape.rmi, form.sse);
    const tied = code.use(a);
    c.attachAddress(i);
    code.regOp[i] = code.defReuse(dst, tied);
  }
  code.imm[i] = imm;
  return dst;
}

/** dst = form(src). */
export function un(c: Selector, form: Packed, src: number, dst: number = c.temp(V128)): number {
  c.unary(hasAvx(c) ? form.avx : form.sse, dst, src);
  return dst;
}

/** dst = form(matched address). */
export function unMemory(c: Selector, form: Packed, dst: number = c.temp(V128)): number {
  c.fromMemory(hasAvx(c) ? form.avx : form.sse, dst);
  return dst;
}

/** dst = form(src, imm). */
export function unImm(c: Selector, form: Packed, src: number, imm: number, dst: number = c.temp(V128)): number {
  const { code } = c;
  const i = code.begin(Shape.rmi, hasAvx(c) ? form.avx : form.sse);
  code.rmOp[i] = code.useAny(src);
  code.regOp[i] = code.def(dst);
  code.imm[i] = imm;
  return dst;
}

/** dst = a shifted by a constant number of bits or bytes. */
export function shiftImm(c: Selector, form: Packed, a: number, imm: number, dst: number = c.temp(V128)): number {
  if (!hasAvx(c)) {
    c.twoAddressImmediate(form.sse, dst, a, imm);
    return dst;
  }
  const { code } = c;
  const i = code.begin(Shape.rmi, form.avx);
  code.rmOp[i] = code.use(a);
  code.regOp[i] = code.def(dst);
  code.imm[i] = imm;
  return dst;
}

/** dst = form(src), a vector in, an integer register out: sign bits. */
export function toInteger(c: Selector, form: FormId, src: number, dst: number): number {
  const { code } = c;
  const i = code.begin(Shape.rm, form);
  code.rmOp[i] = code.use(src);
  code.regOp[i] = code.def(dst);
  return dst;
}

/** Integer register `src` in the lower lane, zero above. */
export function fromInteger(c: Selector, wide: number, src: number, dst: number = c.temp(V128)): number {
  c.unary(F.INT_TO_FLOAT[wide], dst, src);
  return dst;
}

/** All zeros. */
export function zeros(c: Selector): number {
  return c.vectorConstant(0, 0, 0, 0);
}
/** All ones. */
export function ones(c: Selector): number {
  return c.vectorConstant(-1, -1, -1, -1);
}

/** Whether `v` is a constant better read from the pool than made: neither zeros nor ones. */
export function isPoolVector(c: Selector, v: number): boolean {
  if (c.op[v] !== Ir.vconst) return false;
  const word = c.b[v];
  return word !== 0 && word !== -1 || c.c[v] !== word || c.imm[v] !== word || c.aux[v] !== word;
}

/** Makes vector constant `v` the matched address. */
export function matchVector(c: Selector, v: number): void {
  matchConstant(c, c.constants.vector(c.b[v], c.c[v], c.imm[v], c.aux[v]));
}

/** One binary instruction by the operation's shape. */
export type ByShape = (c: Selector, v: number) => Packed;

const constantRight = (form: ByShape): Rule => (c, v) => {
  if (!isPoolVector(c, c.b[v])) return false;
  const a = c.reg(c.a[v]);
  matchVector(c, c.b[v]);
  binMemory(c, form(c, v), a, c.own(v));
  return true;
};
const loadRight = (form: ByShape): Rule => (c, v) => {
  if (!isFoldedLoad(c, c.b[v])) return false;
  const a = c.reg(c.a[v]);
  c.sink(c.b[v]);
  binMemory(c, form(c, v), a, c.own(v));
  return true;
};
const loadLeft = (form: ByShape): Rule => (c, v) => {
  if (!isFoldedLoad(c, c.a[v])) return false;
  const b = c.reg(c.b[v]);
  c.sink(c.a[v]);
  binMemory(c, form(c, v), b, c.own(v));
  return true;
};
const registers = (form: ByShape): Rule => (c, v) => {
  const a = c.reg(c.a[v]), b = c.reg(c.b[v]);
  bin(c, form(c, v), a, b, c.own(v));
  return true;
};

/** Rules of an operation that is one instruction; constants of commutative operations stand on the right. */
export function commutative(name: string, form: ByShape): RuleList {
  return ruleList({
    [`${name}.const`]: constantRight(form),
    [`${name}.load`]: loadRight(form),
    [`${name}.load_left`]: loadLeft(form),
    [name]: registers(form),
  });
}

/** As {@linkcode commutative}, the order of the operands being given. */
export function ordered(name: string, form: ByShape): RuleList {
  return ruleList({
    [`${name}.const`]: constantRight(form),
    [`${name}.load`]: loadRight(form),
    [name]: registers(form),
  });
}

/** Rules of an operation that is one instruction of one operand. */
export function single(name: string, form: ByShape): RuleList {
  return ruleList({
    [`${name}.load`]: (c, v) => {
      if (!isFoldedLoad(c, c.a[v])) return false;
      c.sink(c.a[v]);
      unMemory(c, form(c, v), c.own(v));
      return true;
    },
    [name]: (c, v) => {
      un(c, form(c, v), c.reg(c.a[v]), c.own(v));
      return true;
    },
  });
}
