/** Folding rules (filled in below the builder's first version). */
import type { Emitter } from "./emitter.ts";
import { IR_OPS } from "./ops.ts";
import type { Type } from "./types.ts";

/** What a rule answers when the instruction has no effect and no result. */
export const DROPPED = -2;
/** A folding rule: a value that replaces the instruction, `NONE` to append it as it is, or {@linkcode DROPPED}. */
export type FoldRule = (f: Emitter, type: Type, a: number, b: number, c: number, imm: number, aux: number) => number;

/** Rules by operation. */
export const FOLD_RULES: readonly (FoldRule | null)[] = IR_OPS.map(() => null);
