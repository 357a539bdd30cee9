/** Where the bits of a NaN that arithmetic made would show: the specification leaves them open, so programs must not look. */

import type { OpName } from "../../../lib/wasm/mod.ts";
import type { Node } from "./wasm_tree.ts";

/** Operations that show all bits of a float operand, by the operand's position. */
export const SHOWS_BITS: Partial<Record<OpName, number>> = {
  "i32.reinterpret_f32": 0,
  "i64.reinterpret_f64": 0,
  "f32.copysign": 1,
  "f64.copysign": 1,
  "f32.store": 1,
  "f64.store": 1,
};
/** Operations whose float result has defined bits if their operands have. */
const MOVES_BITS: readonly OpName[] = [
  "f32.abs",
  "f64.abs",
  "f32.neg",
  "f64.neg",
  "f32.copysign",
  "f64.copysign",
];
/** Operations whose float result has defined bits. */
const DEFINED_BITS: readonly OpName[] = [
  "f32.const",
  "f64.const",
  "f32.load",
  "f64.load",
  "f32.reinterpret_i32",
  "f64.reinterpret_i64",
  "f32.convert_i32_s",
  "f32.convert_i32_u",
  "f32.convert_i64_s",
  "f32.convert_i64_u",
  "f64.convert_i32_s",
  "f64.convert_i32_u",
  "f64.convert_i64_s",
  "f64.convert_i64_u",
];

/** Whether a float's bits are defined even if it is a NaN. */
export function hasDefinedBits(value: Node): boolean {
  if (DEFINED_BITS.includes(value.op as OpName)) return true;
  return MOVES_BITS.includes(value.op as OpName) && hasDefinedBits(value.args[0]);
}
