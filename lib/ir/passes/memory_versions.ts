/**
 * Memory versions: when a load is known to read what an earlier load read, or an earlier store wrote.
 *
 * Each region has a version, a number that changes at every instruction that may write the region. Two loads of the same address with the
 * same version read the same. A block begins with the versions at the end of its immediate dominator unless something between the two
 * writes the region. "Between" is answered in constant time from counts of writes along reverse postorder: blocks on a path from a block's
 * immediate dominator to it, that does not come back to the dominator, have positions between the two, or belong to the loop that the
 * block heads (CFG-2; a path through a later position would enter a loop whose header dominates the block, which only the block itself can
 * be). Version 0 stands for calls: what lives in registers only until the next call (ADDR-1) is keyed with it.
 */

import { growInt32 } from "../../base/mod.ts";
import type { ControlFlow } from "../cfg.ts";
import { isCall, writtenRegions } from "../effects.ts";
import type { Func } from "../func.ts";
import { type IrOp, REGION_NAMES } from "../ops.ts";

const REGIONS = REGION_NAMES.length;
const STRIDE = 8;

/** Versions of regions along a walk of the dominator tree; index 0 (`Region.readonly` never changes) counts calls. */
export class MemoryVersions {
  /** Versions at the current instruction. */
  readonly current: Int32Array = new Int32Array(STRIDE);
  // Number of writing instructions in the blocks before a position of rpo, by region.
  #before = new Int32Array(64 * STRIDE);
  // Versions at the end of a block.
  #atEnd = new Int32Array(64 * STRIDE);
  #next = 1;
  #cfg!: ControlFlow;

  /** Counts the writes of a function. */
  compute(func: Func, cfg: ControlFlow): void {
    this.#cfg = cfg;
    this.#next = 1;
    this.#before = growInt32(this.#before, (cfg.rpoCount + 1) * STRIDE);
    this.#atEnd = growInt32(this.#atEnd, func.blockCount * STRIDE);
    const before = this.#before;
    const { order, op, aux } = func;
    before.fill(0, 0, STRIDE);
    for (let position = 0; position < cfg.rpoCount; position++) {
      const block = cfg.rpo[position];
      const from = position * STRIDE;
      const to = from + STRIDE;
      for (let region = 0; region < REGIONS; region++) before[to + region] = before[from + region];
      const end = func.blockEnd[block];
      for (let i = func.blockStart[block]; i < end; i++) {
        const value = order[i];
        if (isCall(op[value])) { for (let region = 0; region < REGIONS; region++) before[to + region]++; }
        else {
          const written = writtenRegions(op[value], aux[value]);
          for (let region = 1; written >> region !== 0; region++) before[to + region] += written >> region & 1;
        }
      }
    }
  }

  /** Sets `current` to the versions at the start of a block; its immediate dominator has been left before. */
  enter(block: number): void {
    const cfg = this.#cfg;
    const position = cfg.position[block];
    const dominator = cfg.idom[block];
    const loop = cfg.loopOf[block];
    const isHeader = loop >= 0 && cfg.loopHeader[loop] === block;
    for (let region = 0; region < REGIONS; region++) {
      const isKept = position !== 0 && !this.isWritten(region, cfg.position[dominator] + 1, position) &&
        !(isHeader && this.isWritten(region, cfg.loopFirst[loop], cfg.loopEnd[loop]));
      this.current[region] = isKept ? this.#atEnd[dominator * STRIDE + region] : this.#next++;
    }
  }

  /** Whether a block at positions `from` to `to` - 1 writes the region (0: calls). */
  isWritten(region: number, from: number, to: number): boolean {
    return this.#before[from * STRIDE + region] !== this.#before[to * STRIDE + region];
  }

  /** Passes an instruction. */
  pass(op: IrOp, flags: number): void {
    if (isCall(op)) { for (let region = 0; region < REGIONS; region++) this.current[region] = this.#next++; }
    else {
      const written = writtenRegions(op, flags);
      for (let region = 1; written >> region !== 0; region++) {
        if ((written >> region & 1) !== 0) this.current[region] = this.#next++;
      }
    }
  }

  /** Notes the versions at the end of a block. */
  leave(block: number): void {
    for (let region = 0; region < REGIONS; region++) this.#atEnd[block * STRIDE + region] = this.current[region];
  }
}
