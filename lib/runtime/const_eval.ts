/**
 * Evaluation of constant expressions, on bits: floats keep their NaN payloads, i64 is two words.
 */

import { bug } from "../base/mod.ts";
import type { ConstExpr, ConstInstr } from "../wasm/mod.ts";

/** What constant expressions refer to. */
export interface ConstContext {
  /** Copies the bits of a global, which is initialised. */
  readGlobal(globalIndex: number, words: Int32Array): void;
  /** Address of the VMFuncRef of a function. */
  functionAddress(functionIndex: number): number;
}

/** Evaluates `expr` into the four words of `result`. */
export function evaluateConst(expr: ConstExpr, context: ConstContext, result: Int32Array): void {
  result.fill(0);
  if (expr.instrs.length === 1 && evaluateSingle(expr.instrs[0], context, result)) return;
  const stack: bigint[] = [];
  for (const instr of expr.instrs) {
    const binary = BINARY[instr.name];
    if (binary !== undefined) {
      const [width, apply] = binary;
      const right = stack.pop()!;
      const left = stack.pop()!;
      stack.push(BigInt.asIntN(width, apply(left, right)));
    } else {
      const words = new Int32Array(4);
      if (!evaluateSingle(instr, context, words)) bug(`constant expressions with ${instr.name} are not compiled`);
      stack.push(BigInt(words[1]) << 32n | BigInt(words[0] >>> 0));
    }
  }
  const value = stack.pop() ?? bug("a constant expression is empty");
  result[0] = Number(BigInt.asIntN(32, value));
  result[1] = Number(BigInt.asIntN(32, value >> 32n));
}

/** Evaluates an instruction without operands; false when it has some. */
function evaluateSingle(instr: ConstInstr, context: ConstContext, words: Int32Array): boolean {
  switch (instr.name) {
    case "i32.const":
      words[0] = instr.value;
      return true;
    case "f32.const":
      words[0] = instr.bits;
      return true;
    case "i64.const":
    case "f64.const":
      words[0] = instr.lo;
      words[1] = instr.hi;
      return true;
    case "v128.const":
      words.set(instr.words);
      return true;
    case "global.get":
      context.readGlobal(instr.globalIndex, words);
      return true;
    case "ref.null":
      return true;
    case "ref.func": {
      const address = context.functionAddress(instr.funcIndex);
      words[0] = address;
      words[1] = Math.floor(address / 0x1_0000_0000);
      return true;
    }
    default:
      return false;
  }
}

type Binary = readonly [width: 32 | 64, apply: (left: bigint, right: bigint) => bigint];

const BINARY: Partial<Record<ConstInstr["name"], Binary>> = {
  "i32.add": [32, (left, right) => left + right],
  "i32.sub": [32, (left, right) => left - right],
  "i32.mul": [32, (left, right) => left * right],
  "i64.add": [64, (left, right) => left + right],
  "i64.sub": [64, (left, right) => left - right],
  "i64.mul": [64, (left, right) => left * right],
};
