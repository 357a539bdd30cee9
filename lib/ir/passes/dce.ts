/**
 * Dead code elimination: what neither has an effect nor contributes to one leaves the order, block parameters included.
 *
 * Marks backwards from instructions that may not be dropped (Cytron et al. 1991, without control dependence: branches all stay). A block
 * parameter keeps alive the arguments passed for it, so a cycle of parameters that only feed each other dies.
 *
 * Requires: control flow. Keeps: blocks, edges, ids of surviving instructions. Invalidates: nothing but use counts.
 * Linear.
 */

import { BitSet, growInt32, IntList, NONE } from "../../base/mod.ts";
import type { ControlFlow } from "../cfg.ts";
import { canEliminate } from "../effects.ts";
import type { Func } from "../func.ts";
import { hasValueList, Ir, valueColumns } from "../ops.ts";
import { OrderWriter } from "./order_writer.ts";

/** Dead code elimination; reusable. */
export class DeadCodeElimination {
  readonly #writer = new OrderWriter();
  readonly #live = new BitSet();
  readonly #work = new IntList(256);
  // Position of a parameter in its block's list.
  #index = new Int32Array(256);

  /** Removes dead instructions and parameters. */
  run(func: Func, cfg: ControlFlow): void {
    this.#live.resize(func.count);
    this.#index = growInt32(this.#index, func.count);
    for (let i = 0; i < cfg.rpoCount; i++) this.#markBlock(func, cfg.rpo[i]);
    while (this.#work.length !== 0) this.#markOperands(func, cfg, this.#work.pop());
    this.#sweep(func, cfg);
  }

  #markBlock(func: Func, block: number): void {
    for (let k = 0; k < func.paramCount[block]; k++) this.#index[func.pool.at(func.paramStart[block] + k)] = k;
    for (let place = func.blockStart[block]; place < func.blockEnd[block]; place++) {
      const value = func.order[place];
      if (!canEliminate(func.op[value], func.aux[value])) this.#mark(value);
    }
  }

  #mark(value: number): void {
    if (value === NONE || this.#live.has(value)) return;
    this.#live.add(value);
    this.#work.push(value);
  }

  #markOperands(func: Func, cfg: ControlFlow, value: number): void {
    const op = func.op[value];
    if (op === Ir.block_param) return this.#markArguments(func, cfg, value);
    const columns = valueColumns(op);
    if ((columns & 1) !== 0) this.#mark(func.a[value]);
    if ((columns & 2) !== 0) this.#mark(func.b[value]);
    if ((columns & 4) !== 0) this.#mark(func.c[value]);
    if (!hasValueList(op) || op === Ir.jump) return; // a jump's arguments live through the parameters
    const end = func.b[value] + func.c[value];
    for (let i = func.b[value]; i < end; i++) this.#mark(func.pool.data[i]);
  }

  #markArguments(func: Func, cfg: ControlFlow, param: number): void {
    const block = func.imm[param];
    const { data } = func.pool;
    const k = this.#index[param];
    for (let p = cfg.predStart[block]; p < cfg.predStart[block + 1]; p++) {
      this.#mark(data[func.b[func.terminator(cfg.preds[p])] + k]);
    }
  }

  #sweep(func: Func, cfg: ControlFlow): void {
    this.#writer.start(func);
    for (let i = 0; i < cfg.rpoCount; i++) this.#sweepBlock(func, cfg.rpo[i]);
    // Parameter lists last: the arguments above are matched with them.
    for (let i = 0; i < cfg.rpoCount; i++) this.#sweepParams(func, cfg.rpo[i]);
    this.#writer.finish(func, cfg);
  }

  #sweepBlock(func: Func, block: number): void {
    const writer = this.#writer;
    const live = this.#live;
    writer.startBlock(block);
    for (let place = func.blockStart[block]; place < func.blockEnd[block]; place++) {
      const value = func.order[place];
      if (live.has(value)) writer.push(value);
      if (func.op[value] === Ir.jump) this.#sweepArguments(func, value);
    }
  }

  #sweepArguments(func: Func, jump: number): void {
    const { data } = func.pool;
    const params = func.paramStart[func.imm[jump]];
    const args = func.b[jump];
    let kept = 0;
    for (let k = 0; k < func.c[jump]; k++) {
      if (this.#live.has(data[params + k])) data[args + kept++] = data[args + k];
    }
    func.c[jump] = kept;
  }

  #sweepParams(func: Func, block: number): void {
    const { data } = func.pool;
    const start = func.paramStart[block];
    let kept = 0;
    for (let k = 0; k < func.paramCount[block]; k++) {
      if (this.#live.has(data[start + k])) data[start + kept++] = data[start + k];
    }
    func.paramCount[block] = kept;
  }
}
