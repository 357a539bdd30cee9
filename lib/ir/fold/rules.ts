/**
 * Folding: constants, identities, strength reduction, canonical forms, while instructions are appended.
 *
 * One rule per operation, in files by family: integers, comparisons and what tests them, floats, memory, vectors. An operation that no family names
 * has no rule. Rules look at their operands' definitions one level deep (reassociation: two), so folding is constant time per instruction;
 * what becomes visible only later (a loop's parameter turning out constant) is folded when global value numbering emits everything again.
 *
 * FOLD-1  A rule preserves results bit for bit, traps included, except for the sign and payload of NaNs where the specification leaves
 *         them open; it folds no float operation whose result is NaN.
 * FOLD-2  A rule never duplicates work: what it emits costs no more than what it replaces, whether or not the operands have other uses.
 * FOLD-3  Each rule moves towards a canonical form, so `emit` from within rules ends.
 */

import { IR_OPS } from "../ops.ts";
import { COMPARE_RULES } from "./fold_compare.ts";
import { FLOAT_RULES } from "./fold_float.ts";
import { INT_RULES } from "./fold_int.ts";
import { MEMORY_RULES } from "./fold_memory.ts";
import { VECTOR_RULES } from "./fold_vector.ts";
import type { FoldRule } from "./rule.ts";

const BY_NAME: Partial<Record<string, FoldRule>> = {
  ...INT_RULES,
  ...COMPARE_RULES,
  ...FLOAT_RULES,
  ...MEMORY_RULES,
  ...VECTOR_RULES,
};

/** Rules by operation; null for operations that do not fold. */
export const FOLD_RULES: readonly (FoldRule | null)[] = IR_OPS.map(([name]) => BY_NAME[name] ?? null);
