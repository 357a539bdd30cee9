/**
 * Lowering of constants, arithmetic, comparisons and conversions: nearly every row is one IR operation.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { TrapCode } from "../abi/mod.ts";
import { type Func, I32, I64, IntCond, Ir, type IrOp, type Type, type Value } from "../ir/mod.ts";
import type { Lower, Translator } from "./translator.ts";

const MIN_INT32 = -0x80000000;

/** One operand, a result of `type`. */
export function unary(op: IrOp, type: Type): Lower {
  return (t) => t.push(t.builder.unary(op, t.pop(), type));
}

/** Two operands. */
export function binary(op: IrOp): Lower {
  return (t) => {
    const b = t.pop();
    const a = t.pop();
    t.push(t.builder.binary(op, a, b));
  };
}

/** A division or remainder that traps on a zero divisor only: unsigned ones, and `rem_s`, whose overflow is 0. */
export function divide(op: IrOp): Lower {
  return (t) => {
    const b = t.pop();
    const a = t.pop();
    t.push(t.builder.divide(op, a, b, TrapCode.integer_divide_by_zero));
  };
}

/** Signed division, which traps as well when its result is 2^(width - 1) (spec: op-idiv_s). */
export function divideSigned(t: Translator): void {
  const { builder, func } = t;
  const b = t.pop();
  const a = t.pop();
  if (mayBeMinusOne(func, b)) {
    const type = func.type[a];
    const minimum = type === I64 ? builder.iconst64(0, MIN_INT32) : builder.iconst32(MIN_INT32);
    const isMinimum = builder.icmp(IntCond.eq, a, minimum);
    const isMinusOne = builder.icmp(IntCond.eq, b, builder.iconst(type, -1, -1));
    builder.trapIf(builder.binary(Ir.band, isMinimum, isMinusOne), TrapCode.integer_overflow);
  }
  t.push(builder.divide(Ir.sdiv, a, b, TrapCode.integer_divide_by_zero));
}

function mayBeMinusOne(func: Func, value: Value): boolean {
  const divisor = func.resolve(value);
  if (func.op[divisor] !== Ir.iconst) return true;
  return func.imm[divisor] === -1 && (func.type[divisor] === I32 || func.aux[divisor] === -1);
}

/** An integer comparison. */
export function intCompare(cond: number): Lower {
  return (t) => {
    const b = t.pop();
    const a = t.pop();
    t.push(t.builder.icmp(cond, a, b));
  };
}

/** A float comparison. */
export function floatCompare(cond: number): Lower {
  return (t) => {
    const b = t.pop();
    const a = t.pop();
    t.push(t.builder.fcmp(cond, a, b));
  };
}

/** Comparison with zero. */
export function equalsZero(t: Translator): void {
  const a = t.pop();
  t.push(t.builder.icmp(IntCond.eq, a, t.builder.zero(t.func.type[a])));
}

/** `i32.const`. */
export function i32Const(t: Translator): void {
  t.push(t.builder.iconst32(t.reader.readS32Leb()));
}

/** `i64.const`. */
export function i64Const(t: Translator): void {
  t.reader.readS64Leb();
  t.push(t.builder.iconst64(t.reader.lo, t.reader.hi));
}

/** `f32.const`. */
export function f32Const(t: Translator): void {
  t.push(t.builder.fconst32(t.reader.readFixed32()));
}

/** `f64.const`. */
export function f64Const(t: Translator): void {
  t.reader.readFixed64();
  t.push(t.builder.fconst64(t.reader.lo, t.reader.hi));
}
