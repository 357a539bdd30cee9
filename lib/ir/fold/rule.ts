/** What a folding rule is. */

import type { Emitter } from "../emitter.ts";
import type { Type } from "../types.ts";

/** The answer of a rule for an instruction that has neither effect nor result. */
export const DROPPED = -2;

/**
 * A folding rule: sees the columns of an instruction about to be appended, operands resolved (EMIT-1), and answers a value that replaces
 * it (perhaps after emitting what computes it), `NONE` to append it as it is, or {@linkcode DROPPED}.
 */
export type FoldRule = (f: Emitter, type: Type, a: number, b: number, c: number, imm: number, aux: number) => number;
