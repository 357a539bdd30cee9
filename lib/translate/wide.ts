/**
 * Lowering of wide arithmetic: 128-bit operands are pairs of i64, and so are results.
 *
 * There is no 128-bit value in the IR: sums are 64-bit sums and a carry that is a comparison (a sum is below its summand exactly when it
 * wrapped), products are a low and a high half. So folding, numbering and motion work on halves, and code generation recognises the
 * carry (`lib/codegen/isel/wide.ts`), in programs that spell it out by comparisons as well.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { I64, IntCond, Ir, type IrOp } from "../ir/mod.ts";
import type { Lower, Translator } from "./translator.ts";

/** `i64.add128`. */
export function add128(t: Translator): void {
  const { builder } = t;
  const bHi = t.pop(), bLo = t.pop(), aHi = t.pop(), aLo = t.pop();
  const partHi = builder.binary(Ir.iadd, aHi, bHi);
  const lo = builder.binary(Ir.iadd, aLo, bLo);
  const carry = builder.unary(Ir.uextend, builder.icmp(IntCond.ult, lo, aLo), I64);
  t.push(lo);
  t.push(builder.binary(Ir.iadd, partHi, carry));
}

/** `i64.sub128`. */
export function sub128(t: Translator): void {
  const { builder } = t;
  const bHi = t.pop(), bLo = t.pop(), aHi = t.pop(), aLo = t.pop();
  const partHi = builder.binary(Ir.isub, aHi, bHi);
  const lo = builder.binary(Ir.isub, aLo, bLo);
  const borrow = builder.unary(Ir.uextend, builder.icmp(IntCond.ult, aLo, bLo), I64);
  t.push(lo);
  t.push(builder.binary(Ir.isub, partHi, borrow));
}

/** `i64.mul_wide_s` and `i64.mul_wide_u`, by the operation of their high halves. */
export function mulWide(high: IrOp): Lower {
  return (t) => {
    const { builder } = t;
    const b = t.pop(), a = t.pop();
    t.push(builder.binary(Ir.imul, a, b));
    t.push(builder.binary(high, a, b));
  };
}
