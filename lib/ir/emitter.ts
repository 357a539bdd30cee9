/**
 * Emission through folding: the one way instructions come into being, in the builder and in passes that rewrite.
 *
 * `emit` asks the folding rules of the operation first (`fold/rules.ts`), then looks for an equal instruction (`lookUp`), then appends. What
 * "look up" and "append" mean is the subclass's business: the builder numbers within a block and appends to it, global value numbering
 * numbers along the dominator tree and appends to the order it is rewriting.
 *
 * EMIT-1  Operands handed to `emit` are resolved: none is a `copy`.
 * EMIT-2  A rule may emit other instructions; all of them stand before whatever `emit` returns to its caller.
 */

import { NONE } from "../base/mod.ts";
import { Func, type Value } from "./func.ts";
import { FOLD_RULES } from "./fold/rules.ts";
import { packShuffle } from "./lanes.ts";
import { Ir, type IrOp } from "./ops.ts";
import { F32, F64, I32, I64, IS_FLOAT_CLASS, type Type, V128, VOID } from "./types.ts";

/** Appends folded, numbered instructions somewhere. */
export abstract class Emitter {
  /** The function that instructions are added to. */
  func: Func = new Func();
  /** Byte offset of the current wasm instruction, stamped on each appended instruction. */
  site = 0;

  /** Adds an instruction, or returns a value that already is what it would compute; `DROPPED` when nothing needs to be done. */
  emit(op: IrOp, type: Type, a: number, b: number, c: number, imm: number, aux: number): Value {
    const rule = FOLD_RULES[op];
    if (rule !== null) {
      const folded = rule(this, type, a, b, c, imm, aux);
      if (folded !== NONE) return folded as Value;
    }
    return this.append(op, type, a, b, c, imm, aux);
  }

  /** Appends an instruction that folding has nothing more to say about, or returns an equal one that is in scope. */
  abstract append(op: IrOp, type: Type, a: number, b: number, c: number, imm: number, aux: number): Value;

  /** An i32 constant. */
  iconst32(value: number): Value {
    return this.append(Ir.iconst, I32, NONE, NONE, NONE, value | 0, 0);
  }

  /** An i64 constant from its halves. */
  iconst64(lo: number, hi: number): Value {
    return this.append(Ir.iconst, I64, NONE, NONE, NONE, lo | 0, hi | 0);
  }

  /** An f32 constant from its bits. */
  fconst32(bits: number): Value {
    return this.append(Ir.fconst, F32, NONE, NONE, NONE, bits | 0, 0);
  }

  /** An f64 constant from its bits. */
  fconst64(lo: number, hi: number): Value {
    return this.append(Ir.fconst, F64, NONE, NONE, NONE, lo | 0, hi | 0);
  }

  /** A v128 constant from its words, the lowest first. */
  vconst(w0: number, w1: number, w2: number, w3: number): Value {
    return this.append(Ir.vconst, V128, NONE, w0 | 0, w1 | 0, w2 | 0, w3 | 0);
  }

  /** A vector operation; `imm` and `aux` are shape, lane or condition. */
  vector(op: IrOp, a: Value, b: number, c: number, imm: number, aux: number): Value {
    const { func } = this;
    return this.emit(
      op,
      V128,
      func.resolve(a),
      b === NONE ? NONE : func.resolve(b),
      c === NONE ? NONE : func.resolve(c),
      imm,
      aux,
    );
  }

  /** A vector operation that gives a scalar of `type`. */
  fromVector(op: IrOp, type: Type, a: Value, imm: number, aux: number): Value {
    return this.emit(op, type, this.func.resolve(a), NONE, NONE, imm, aux);
  }

  /** Bytes of `a` and `b` by the numbers 0 to 31 in `lanes`. */
  shuffle(a: Value, b: Value, lanes: ArrayLike<number>): Value {
    const [c, imm, aux] = packShuffle(lanes);
    return this.emit(Ir.vshuffle, V128, this.func.resolve(a), this.func.resolve(b), c, imm, aux);
  }

  /** The zero (or null) of a type. */
  zero(type: Type): Value {
    if (type === V128) return this.vconst(0, 0, 0, 0);
    return this.append(IS_FLOAT_CLASS[type] === 1 ? Ir.fconst : Ir.iconst, type, NONE, NONE, NONE, 0, 0);
  }

  /** An integer constant of a type; i32 ignores `hi`. */
  iconst(type: Type, lo: number, hi: number): Value {
    return this.append(Ir.iconst, type, NONE, NONE, NONE, lo | 0, type === I32 ? 0 : hi | 0);
  }

  /** A one-operand operation whose result has the stated type. */
  unary(op: IrOp, a: Value, type: Type): Value {
    return this.emit(op, type, this.func.resolve(a), NONE, NONE, 0, 0);
  }

  /** A two-operand operation with the type of its first operand. */
  binary(op: IrOp, a: Value, b: Value): Value {
    const { func } = this;
    return this.emit(op, func.type[a], func.resolve(a), func.resolve(b), NONE, 0, 0);
  }

  /** A division or remainder, with the trap code for a zero divisor. */
  divide(op: IrOp, a: Value, b: Value, trapCode: number): Value {
    const { func } = this;
    return this.emit(op, func.type[a], func.resolve(a), func.resolve(b), NONE, trapCode, 0);
  }

  /** Integer comparison by an `IntCond`. */
  icmp(cond: number, a: Value, b: Value): Value {
    return this.emit(Ir.icmp, I32, this.func.resolve(a), this.func.resolve(b), NONE, cond, 0);
  }

  /** Float comparison by a `FloatCond`. */
  fcmp(cond: number, a: Value, b: Value): Value {
    return this.emit(Ir.fcmp, I32, this.func.resolve(a), this.func.resolve(b), NONE, cond, 0);
  }

  /** `condition ? a : b`. */
  select(condition: Value, a: Value, b: Value): Value {
    const { func } = this;
    return this.emit(Ir.select, func.type[a], func.resolve(condition), func.resolve(a), func.resolve(b), 0, 0);
  }

  /** Loads from `base + index + dispBytes`; `index` is an i64 or NONE. */
  load(op: IrOp, type: Type, base: Value, index: number, dispBytes: number, flags: number): Value {
    const { func } = this;
    return this.emit(
      op,
      type,
      func.resolve(base),
      index === NONE ? NONE : func.resolve(index),
      NONE,
      dispBytes | 0,
      flags,
    );
  }

  /** An atomic access at `base + index + dispBytes`: `value` is what it stores or combines, NONE for a load. */
  atomic(op: IrOp, type: Type, base: Value, index: number, value: number, dispBytes: number, flags: number): Value {
    const { func } = this;
    return this.emit(
      op,
      type,
      func.resolve(base),
      index === NONE ? NONE : func.resolve(index),
      value === NONE ? NONE : func.resolve(value),
      dispBytes | 0,
      flags,
    );
  }

  /** An atomic compare-and-exchange at `address + dispBytes`; the result is the old contents. */
  atomicCompareExchange(
    type: Type,
    address: Value,
    expected: Value,
    replacement: Value,
    dispBytes: number,
    flags: number,
  ): Value {
    const { func } = this;
    return this.emit(
      Ir.atomic_cmpxchg,
      type,
      func.resolve(address),
      func.resolve(expected),
      func.resolve(replacement),
      dispBytes | 0,
      flags,
    );
  }

  /** A full fence. */
  fence(): void {
    this.emit(Ir.fence, VOID, NONE, NONE, NONE, 0, 0);
  }

  /** Stores to `base + index + dispBytes`; `index` is an i64 or NONE. */
  store(op: IrOp, base: Value, index: number, value: Value, dispBytes: number, flags: number): void {
    const { func } = this;
    this.emit(
      op,
      VOID,
      func.resolve(base),
      index === NONE ? NONE : func.resolve(index),
      func.resolve(value),
      dispBytes | 0,
      flags,
    );
  }
}
