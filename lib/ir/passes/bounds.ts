/**
 * Redundant-check elimination: checks, branches and comparisons that dominating ones decide.
 *
 * Problem: each access with explicit bounds checks its own index, each table access its own length, each dereference its own null; code
 * tests what a loop's condition or a `br_if` above has just established.
 *
 * Approach: one preorder walk of the dominator tree that carries facts ({@linkcode Facts}): behind a `trap_if` its condition is false, in the
 * target of a `br_if` it has the value that led there (targets have one predecessor: IR-8). A comparison that the facts decide becomes a
 * constant, a check that cannot trap goes, one that must trap ends its block, a decided branch becomes a jump, a decided select its arm.
 * Equal lengths are the same value after value numbering, which knows when a call may have changed them. Cf. Gupta, "Optimizing array
 * bound checks using flow analysis" (1993), of which this is the dominator-based part.
 *
 * Requires: control flow, values numbered, no copies. Keeps: ids of surviving instructions. Invalidates: control flow when it returns
 * "edges".
 * Near-linear: facts are found by hash; conjunctions are followed to a fixed depth.
 */

import { IntList, NONE } from "../../base/mod.ts";
import type { ControlFlow } from "../cfg.ts";
import type { Func, Value } from "../func.ts";
import { resolveOperands } from "../operands.ts";
import { Ir } from "../ops.ts";
import { I32 } from "../types.ts";
import { Facts } from "./facts.ts";
import type { Changed } from "./gvn.ts";
import { OrderWriter } from "./order_writer.ts";

/** Redundant-check elimination; reusable. */
export class RedundantChecks {
  readonly #writer = new OrderWriter();
  readonly #facts = new Facts();
  readonly #open = new IntList(64);
  #func!: Func;
  #changed: Changed = "instructions";
  #replaced = 0;

  /** Removes redundant checks. */
  run(func: Func, cfg: ControlFlow): Changed {
    this.#func = func;
    this.#changed = "instructions";
    this.#replaced = 0;
    this.#facts.start(func);
    this.#writer.start(func);
    this.#open.reset();
    for (let i = 0; i < cfg.rpoCount; i++) {
      const block = cfg.domOrder[i];
      while (this.#open.length > cfg.domDepth[block]) {
        this.#open.pop();
        this.#facts.leave();
      }
      this.#open.push(block);
      this.#facts.enter();
      if (cfg.predCount(block) === 1) this.#learnEdge(cfg.preds[cfg.predStart[block]], block);
      this.#block(block);
    }
    this.#writer.finish(func, cfg);
    if (this.#replaced !== 0) this.#resolveArguments();
    return this.#changed;
  }

  #learnEdge(from: number, to: number): void {
    const func = this.#func;
    // A branch that was decided on the way here is a jump already, and its condition is known.
    const branch = func.terminator(from);
    if (func.op[branch] !== Ir.br_if) return;
    this.#facts.learn(func.a[branch], func.imm[branch] === to ? "nonzero" : "zero");
  }

  #block(block: number): void {
    const func = this.#func;
    const writer = this.#writer;
    writer.startBlock(block);
    const end = func.blockEnd[block];
    for (let place = func.blockStart[block]; place < end; place++) {
      const value = func.order[place];
      if (this.#replaced !== 0) resolveOperands(func, value);
      const op = func.op[value];
      if (op === Ir.trap_if || op === Ir.trap_unless) {
        if (this.#check(value, op === Ir.trap_if ? "nonzero" : "zero") === "ends block") return;
      } else if (op === Ir.icmp) this.#comparison(value);
      else if (op === Ir.select) this.#select(value);
      else {
        if (op === Ir.br_if) this.#branch(value);
        writer.push(value);
      }
    }
  }

  #check(value: number, traps: "zero" | "nonzero"): "ends block" | "goes on" {
    const func = this.#func;
    const decision = this.#facts.decide(func.a[value]);
    if (decision === traps) {
      func.op[value] = Ir.trap;
      func.a[value] = NONE;
      this.#writer.push(value);
      this.#changed = "edges";
      return "ends block";
    }
    if (decision === "unknown") {
      this.#writer.push(value);
      this.#facts.learn(func.a[value], traps === "zero" ? "nonzero" : "zero");
    }
    return "goes on";
  }

  #comparison(value: number): void {
    const func = this.#func;
    const decision = this.#facts.decide(value);
    if (decision === "unknown") {
      this.#writer.push(value);
      return;
    }
    const constant = func.add(Ir.iconst, I32, NONE, NONE, NONE, decision === "zero" ? 0 : 1, 0, func.site[value]);
    this.#writer.push(constant);
    this.#replace(value, constant);
  }

  #select(value: number): void {
    const func = this.#func;
    const decision = this.#facts.decide(func.a[value]);
    if (decision === "unknown") this.#writer.push(value);
    else this.#replace(value, decision === "zero" ? func.c[value] : func.b[value]);
  }

  #branch(value: number): void {
    const func = this.#func;
    const decision = this.#facts.decide(func.a[value]);
    if (decision === "unknown") return;
    const target = decision === "zero" ? func.aux[value] : func.imm[value];
    func.op[value] = Ir.jump;
    func.a[value] = NONE;
    func.b[value] = 0;
    func.c[value] = 0;
    func.imm[value] = target;
    func.aux[value] = 0;
    this.#changed = "edges";
  }

  #replace(value: number, other: number): void {
    this.#func.replaceWith(value as Value, other as Value);
    this.#replaced++;
  }

  // Arguments of back edges may name what was replaced after the jump was met.
  #resolveArguments(): void {
    const func = this.#func;
    for (let i = 0; i < func.orderLength; i++) {
      if (func.op[func.order[i]] === Ir.jump) resolveOperands(func, func.order[i]);
    }
  }
}
