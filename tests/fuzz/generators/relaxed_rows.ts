/** Relaxed vector operations on operands for which every engine gives the same result. */

import type { OpName } from "../../../lib/wasm/mod.ts";
import type { Random } from "./random.ts";
import { constant, type Node, node } from "./wasm_tree.ts";

const v = (op: OpName, ...args: Node[]): Node => node(op, ["v128"], args);

/** A vector of a repeated part. */
function repeated(part: bigint, bits: number): Node {
  let all = 0n;
  for (let at = 0; at < 128; at += bits) all |= part << BigInt(at);
  return constant("v128", all);
}

const and = (value: Node, part: bigint, bits: number) => v("v128.and", value, repeated(part, bits));
const shifted = (value: Node, by: number) => v("i32x4.shr_s", value, constant("i32", BigInt(by)));
/** Small integers as floats: their products and sums are exact, whether rounded once or twice, and no zero is negative. */
const smallF32 = (value: Node) => v("f32x4.convert_i32x4_s", shifted(value, 22));
const smallF64 = (value: Node) => v("f64x2.convert_low_i32x4_s", shifted(value, 8));
const positive = (value: Node) => and(value, 0x7fffffn, 32);
/** Lanes of ones or of zeros. */
const mask = (op: OpName) => (value: Node) => v(op, value, constant("v128", 0n));
const any = (value: Node) => value;

/** Each operation, by what makes its operands harmless. */
const OPERANDS: Readonly<Partial<Record<OpName, readonly ((value: Node) => Node)[]>>> = {
  // Indices below 16, or with the top bit, which all give zero.
  "i8x16.relaxed_swizzle": [any, (value) => and(value, 0x8fn, 8)],
  "i32x4.relaxed_trunc_f32x4_s": [(value) => v("f32x4.convert_i32x4_s", positive(value))],
  "i32x4.relaxed_trunc_f32x4_u": [(value) => v("f32x4.convert_i32x4_s", positive(value))],
  "i32x4.relaxed_trunc_f64x2_s_zero": [(value) => v("f64x2.convert_low_i32x4_s", positive(value))],
  "i32x4.relaxed_trunc_f64x2_u_zero": [(value) => v("f64x2.convert_low_i32x4_s", positive(value))],
  "f32x4.relaxed_madd": [smallF32, smallF32, smallF32],
  "f32x4.relaxed_nmadd": [smallF32, smallF32, smallF32],
  "f64x2.relaxed_madd": [smallF64, smallF64, smallF64],
  "f64x2.relaxed_nmadd": [smallF64, smallF64, smallF64],
  "i8x16.relaxed_laneselect": [any, any, mask("i8x16.lt_s")],
  "i16x8.relaxed_laneselect": [any, any, mask("i16x8.gt_s")],
  "i32x4.relaxed_laneselect": [any, any, mask("i32x4.eq")],
  "i64x2.relaxed_laneselect": [any, any, mask("i64x2.ge_s")],
  "f32x4.relaxed_min": [smallF32, smallF32],
  "f32x4.relaxed_max": [smallF32, smallF32],
  "f64x2.relaxed_min": [smallF64, smallF64],
  "f64x2.relaxed_max": [smallF64, smallF64],
  // -32768 times itself overflows.
  "i16x8.relaxed_q15mulr_s": [any, (value) => and(value, 0x7fffn, 16)],
  // The second operand has seven bits.
  "i16x8.relaxed_dot_i8x16_i7x16_s": [any, (value) => and(value, 0x7fn, 8)],
  "i32x4.relaxed_dot_i8x16_i7x16_add_s": [any, (value) => and(value, 0x7fn, 8), any],
};

const NAMES = Object.keys(OPERANDS) as OpName[];

/** One of the operations; `operand` makes its vectors. */
export function relaxedOperation(random: Random, operand: () => Node): Node {
  const op = random.pick(NAMES);
  return v(op, ...OPERANDS[op]!.map((harmless) => harmless(operand())));
}
