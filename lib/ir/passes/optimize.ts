/**
 * The passes in order: what optimisation of a function is, on one screen.
 *
 * Numbering comes first: it folds with loop parameters resolved and makes equal conditions and lengths one value, which redundant-check
 * elimination relies on. Clean-up then turns decided branches and merged blocks into straight-line code; motion wants the final loops;
 * null checks that an access makes anyway go when nobody learns from them any more; dead code goes last. At effort `none` the function stays as it was built: folded and numbered within blocks.
 */

import { ControlFlow } from "../cfg.ts";
import type { Func } from "../func.ts";
import { RedundantChecks } from "./bounds.ts";
import { DeadCodeElimination } from "./dce.ts";
import { GlobalValueNumbering } from "./gvn.ts";
import { LoopInvariants } from "./licm.ts";
import { NullChecks } from "./null_checks.ts";
import { SimplifyControlFlow } from "./simplify_cfg.ts";

/** How much work to put into a function: none, or whatever makes it run faster. */
export type Effort = "none" | "speed";

/** The state of all passes, for one function at a time. */
export class OptimizeScratch {
  /** Control flow of the function optimised last. */
  readonly cfg: ControlFlow = new ControlFlow();
  readonly numbering: GlobalValueNumbering = new GlobalValueNumbering();
  readonly checks: RedundantChecks = new RedundantChecks();
  readonly simplify: SimplifyControlFlow = new SimplifyControlFlow();
  readonly invariants: LoopInvariants = new LoopInvariants();
  readonly nullChecks: NullChecks = new NullChecks();
  readonly deadCode: DeadCodeElimination = new DeadCodeElimination();
}

/** Optimises a function in place; `s.cfg` holds its control flow afterwards. */
export function optimize(func: Func, s: OptimizeScratch, effort: Effort): void {
  s.cfg.compute(func);
  if (effort === "none") return;
  if (s.numbering.run(func, s.cfg) === "edges") s.cfg.compute(func);
  if (s.checks.run(func, s.cfg) === "edges") s.cfg.compute(func);
  s.simplify.run(func, s.cfg);
  s.invariants.run(func, s.cfg);
  s.nullChecks.run(func, s.cfg);
  s.deadCode.run(func, s.cfg);
}
