/** Offsets of active segments that are known before anything runs. */

import { NONE } from "../base/mod.ts";
import type { ConstExpr } from "../wasm/mod.ts";

/** The value of an offset that is a single constant, unsigned, or NONE. */
export function constantOffset({ instrs }: ConstExpr): number {
  if (instrs.length !== 1) return NONE;
  const [instr] = instrs;
  if (instr.name === "i32.const") return instr.value >>> 0;
  if (instr.name === "i64.const") return (instr.lo >>> 0) + (instr.hi >>> 0) * 0x1_0000_0000;
  return NONE;
}
