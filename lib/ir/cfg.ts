/**
 * Control-flow facts of a function: edges, reverse postorder with contiguous loops, dominators, loop forest.
 *
 * Problem: passes, code generation and register allocation all number blocks. Linear-scan allocation wants each loop in one contiguous run
 * of numbers, code layout wants program order, dataflow wants operands before uses.
 *
 * Approach: depth-first search gives a reverse postorder; dominators in one round over it (Cooper, Harvey, Kennedy, "A Simple, Fast
 * Dominance Algorithm", 2001: wasm is reducible), common ones found by skip pointers (Myers, "An Applicative Random-Access Stack", 1983), since
 * thousands of branches may leave one block from as many depths; natural loops from back edges, inner
 * ones first; then blocks are listed again with each loop in place of its header. The result is still a reverse postorder: an edge that
 * leaves a loop goes to a block behind the loop's header, an edge into a loop goes to the header.
 * Among successors the search visits the one standing latest in `order` first, and edges back to an earlier block before all, so program
 * order survives and blocks that only continue a loop go to its end. Cold blocks stay where control flow puts them: moving them out of line
 * is emission's business.
 *
 * CFG-1  `rpo` holds the reachable blocks; `position` is its inverse, NONE for unreachable blocks.
 * CFG-2  Loop `l` is exactly the blocks `rpo[loopFirst[l] .. loopEnd[l])`, its header first.
 * CFG-3  A forward edge goes to a later position; any other edge goes to a block that dominates its source (wasm is reducible; the
 *        verifier checks it).
 * CFG-4  Successors and predecessors are listed once each, however often a terminator names them.
 *
 * Linear but for dominators (edges times the logarithm of their tree's depth) and the search for a loop's outermost enclosing loop (path compression).
 */

import { growInt32, IntList, NONE } from "../base/mod.ts";
import { Func } from "./func.ts";
import { Ir } from "./ops.ts";

/** Control-flow facts; reusable by `compute`. */
export class ControlFlow {
  /** Number of blocks of the function, reachable or not. */
  blockCount = 0;
  /** Reachable blocks in reverse postorder, `rpoCount` of them. */
  rpo: Int32Array<ArrayBuffer> = new Int32Array(65);
  rpoCount = 0;
  /** Position of a block in `rpo`, or NONE. */
  position: Int32Array<ArrayBuffer> = new Int32Array(65);
  /** Successors of block `k`: `succs.data[succStart[k] .. succStart[k + 1])`. */
  succStart: Int32Array<ArrayBuffer> = new Int32Array(65);
  readonly succs: IntList = new IntList(128);
  /** Reachable predecessors of block `k`: `preds[predStart[k] .. predStart[k + 1])`. */
  predStart: Int32Array<ArrayBuffer> = new Int32Array(65);
  preds: Int32Array<ArrayBuffer> = new Int32Array(128);
  /** Immediate dominator of a block; NONE for the entry and unreachable blocks. */
  idom: Int32Array<ArrayBuffer> = new Int32Array(65);
  /** Depth in the dominator tree: 0 for the entry. */
  domDepth: Int32Array<ArrayBuffer> = new Int32Array(65);
  /** Reachable blocks in a preorder walk of the dominator tree, siblings in reverse postorder; `rpoCount` of them. */
  domOrder: Int32Array<ArrayBuffer> = new Int32Array(65);
  // Interval of a block's subtree in a preorder walk of the dominator tree.
  #domFirst = new Int32Array(65);
  #domLast = new Int32Array(65);
  loopCount = 0;
  /** Innermost loop of a block, or NONE. */
  loopOf: Int32Array<ArrayBuffer> = new Int32Array(65);
  /** By loop: header block, enclosing loop or NONE, depth (1: outermost), first position and one past the last in `rpo`. */
  loopHeader: Int32Array<ArrayBuffer> = new Int32Array(16);
  loopParent: Int32Array<ArrayBuffer> = new Int32Array(16);
  loopDepth: Int32Array<ArrayBuffer> = new Int32Array(16);
  loopFirst: Int32Array<ArrayBuffer> = new Int32Array(16);
  loopEnd: Int32Array<ArrayBuffer> = new Int32Array(16);

  // Scratch.
  #stack = new IntList(64);
  #cursor = new Int32Array(65);
  #link = new Int32Array(65);
  #child = new Int32Array(65);
  #stamp = new Int32Array(65);
  #outer = new Int32Array(16);
  #headerOf = new Int32Array(65);

  /** Computes all facts for a function. */
  compute(func: Func): void {
    this.#reserve(func.blockCount);
    this.#listSuccessors(func);
    this.#search(func);
    this.#listPredecessors();
    this.#computeDominators();
    this.#findLoops();
    if (this.loopCount !== 0) {
      this.#groupLoops();
      this.#numberDominatorTree();
    }
  }

  /** Whether block `a` dominates block `b`; both are reachable. A block dominates itself. */
  dominates(a: number, b: number): boolean {
    return this.#domFirst[a] <= this.#domFirst[b] && this.#domLast[b] <= this.#domLast[a];
  }

  /** Whether the block can be reached from the entry. */
  isReachable(block: number): boolean {
    return this.position[block] !== NONE;
  }

  /** Number of loops around a block. */
  depthOf(block: number): number {
    const loop = this.loopOf[block];
    return loop === NONE ? 0 : this.loopDepth[loop];
  }

  /** Number of predecessors. */
  predCount(block: number): number {
    return this.predStart[block + 1] - this.predStart[block];
  }

  #reserve(count: number): void {
    this.blockCount = count;
    if (this.succStart.length < count + 1) {
      const size = Math.max(count + 1, this.succStart.length * 2);
      for (
        const name of ["rpo", "position", "succStart", "predStart", "idom", "domDepth", "domOrder", "loopOf"] as const
      ) {
        this[name] = new Int32Array(size);
      }
      this.#domFirst = new Int32Array(size);
      this.#domLast = new Int32Array(size);
      this.#cursor = new Int32Array(size);
      this.#link = new Int32Array(size);
      this.#child = new Int32Array(size);
      this.#stamp = new Int32Array(size);
      this.#headerOf = new Int32Array(size);
    }
    this.position.fill(NONE, 0, count);
    this.idom.fill(NONE, 0, count);
    this.loopOf.fill(NONE, 0, count);
    this.#stamp.fill(NONE, 0, count);
  }

  #listSuccessors(func: Func): void {
    const { succs, succStart } = this;
    const stamp = this.#stamp;
    succs.reset();
    for (let block = 0; block < func.blockCount; block++) {
      succStart[block] = succs.length;
      if (func.blockStart[block] === func.blockEnd[block]) continue;
      const terminator = func.terminator(block);
      const op = func.op[terminator];
      if (op === Ir.jump) succs.push(func.imm[terminator]);
      else if (op === Ir.br_if || op === Ir.unwind_edge) {
        succs.push(func.imm[terminator]);
        if (func.aux[terminator] !== func.imm[terminator]) succs.push(func.aux[terminator]);
      } else if (op === Ir.br_table) {
        const end = func.b[terminator] + func.c[terminator];
        for (let i = func.b[terminator]; i < end; i++) {
          const target = func.pool.data[i];
          if (stamp[target] === block) continue;
          stamp[target] = block;
          succs.push(target);
        }
      }
    }
    succStart[func.blockCount] = succs.length;
  }

  // Depth-first search; fills `rpo` and `position` with a plain reverse postorder.
  #search(func: Func): void {
    const { succStart, position, rpo } = this;
    const succs = this.succs.data;
    const stack = this.#stack;
    const cursor = this.#cursor;
    const VISITED = 0; // any position but NONE
    let next = func.blockCount;
    stack.reset();
    stack.push(Func.ENTRY);
    position[Func.ENTRY] = VISITED;
    cursor[Func.ENTRY] = 0;
    while (stack.length !== 0) {
      const block = stack.data[stack.length - 1];
      const first = succStart[block];
      const count = succStart[block + 1] - first;
      const at = cursor[block]++;
      if (at === count) {
        stack.length--;
        rpo[--next] = block;
        continue;
      }
      // Two successors: the later one first; more: from last to first.
      let target = succs[first + count - 1 - at];
      if (count === 2 && this.#layoutKey(func, block, succs[first]) > this.#layoutKey(func, block, succs[first + 1])) {
        target = succs[first + at];
      }
      if (position[target] !== NONE) continue;
      position[target] = VISITED;
      cursor[target] = 0;
      stack.push(target);
    }
    this.rpoCount = func.blockCount - next;
    rpo.copyWithin(0, next, func.blockCount);
    for (let i = 0; i < this.rpoCount; i++) position[rpo[i]] = i;
  }

  // Where a successor wants to stand: its place in program order, that of its target for a block that only jumps, the end for a jump back.
  #layoutKey(func: Func, block: number, target: number): number {
    const first = func.blockStart[target];
    if (func.blockEnd[target] - first !== 1 || func.op[func.order[first]] !== Ir.jump) return first;
    const key = func.blockStart[func.imm[func.order[first]]];
    return key <= func.blockStart[block] ? 0x7fffffff : key;
  }

  #listPredecessors(): void {
    const { blockCount, predStart, succStart, rpo, rpoCount } = this;
    const succs = this.succs.data;
    predStart.fill(0, 0, blockCount + 1);
    for (let i = 0; i < rpoCount; i++) {
      const end = succStart[rpo[i] + 1];
      for (let s = succStart[rpo[i]]; s < end; s++) predStart[succs[s] + 1]++;
    }
    for (let block = 0; block < blockCount; block++) predStart[block + 1] += predStart[block];
    this.preds = growInt32(this.preds, this.succs.length);
    const fill = this.#cursor;
    for (let block = 0; block < blockCount; block++) fill[block] = predStart[block];
    for (let i = 0; i < rpoCount; i++) {
      const end = succStart[rpo[i] + 1];
      for (let s = succStart[rpo[i]]; s < end; s++) this.preds[fill[succs[s]]++] = rpo[i];
    }
  }

  // One round: back edges change nothing on reducible graphs (CFG-3), so their sources, which come later, are passed over.
  #computeDominators(): void {
    const { rpo, rpoCount, position, idom, preds, predStart, domDepth } = this;
    const skip = this.#link;
    skip[Func.ENTRY] = Func.ENTRY;
    domDepth[Func.ENTRY] = 0;
    for (let i = 1; i < rpoCount; i++) {
      const block = rpo[i];
      let dominator: number = NONE;
      for (let p = predStart[block]; p < predStart[block + 1]; p++) {
        if (position[preds[p]] >= i) continue;
        dominator = dominator === NONE ? preds[p] : this.#commonDominator(dominator, preds[p]);
      }
      idom[block] = dominator;
      domDepth[block] = domDepth[dominator] + 1;
      // As far up as the two skips from the parent, when those are equally long, else the parent (Myers 1983).
      const up = skip[dominator];
      const isEven = domDepth[dominator] - domDepth[up] === domDepth[up] - domDepth[skip[up]];
      skip[block] = isEven ? skip[up] : dominator;
    }
    this.#numberDominatorTree();
  }

  #commonDominator(a: number, b: number): number {
    const { idom, domDepth } = this;
    const skip = this.#link;
    if (domDepth[a] < domDepth[b]) {
      const deeper = b;
      b = a;
      a = deeper;
    }
    while (domDepth[a] > domDepth[b]) a = domDepth[skip[a]] >= domDepth[b] ? skip[a] : idom[a];
    // Equally deep blocks have equally deep skips.
    while (a !== b) {
      const isCommon = skip[a] === skip[b];
      a = isCommon ? idom[a] : skip[a];
      b = isCommon ? idom[b] : skip[b];
    }
    return a;
  }

  // Preorder intervals; children in reverse postorder.
  #numberDominatorTree(): void {
    const { rpo, rpoCount, idom, domDepth } = this;
    const child = this.#child;
    const sibling = this.#link;
    for (let i = 0; i < rpoCount; i++) child[rpo[i]] = NONE;
    for (let i = rpoCount - 1; i > 0; i--) {
      const block = rpo[i];
      sibling[block] = child[idom[block]];
      child[idom[block]] = block;
    }
    let number = 0;
    let block: number = Func.ENTRY;
    domDepth[block] = 0;
    this.domOrder[number] = block;
    this.#domFirst[block] = number++;
    for (;;) {
      const down = child[block];
      if (down !== NONE) {
        child[block] = sibling[down]; // consumed
        domDepth[down] = domDepth[block] + 1;
        this.domOrder[number] = down;
        this.#domFirst[down] = number++;
        block = down;
      } else {
        this.#domLast[block] = number - 1;
        if (block === Func.ENTRY) return;
        block = idom[block];
      }
    }
  }

  // Headers in postorder, so inner loops are known when an outer one is walked backwards from its back edges.
  #findLoops(): void {
    const { rpo, rpoCount, preds, predStart, loopOf } = this;
    const stack = this.#stack;
    this.loopCount = 0;
    for (let i = rpoCount - 1; i >= 0; i--) {
      const header = rpo[i];
      stack.reset();
      for (let p = predStart[header]; p < predStart[header + 1]; p++) {
        if (this.dominates(header, preds[p])) stack.push(preds[p]);
      }
      if (stack.length === 0) continue;
      const loop = this.#addLoop(header);
      while (stack.length !== 0) {
        let block = stack.pop();
        if (loopOf[block] === NONE) loopOf[block] = loop;
        else {
          const outer = this.#outermost(loopOf[block]);
          if (outer === loop) continue;
          this.loopParent[outer] = loop;
          this.#outer[outer] = loop;
          block = this.loopHeader[outer];
        }
        if (block === header) continue;
        for (let p = predStart[block]; p < predStart[block + 1]; p++) stack.push(preds[p]);
      }
      loopOf[header] = loop;
    }
    for (let loop = this.loopCount - 1; loop >= 0; loop--) {
      const parent = this.loopParent[loop];
      this.loopDepth[loop] = parent === NONE ? 1 : this.loopDepth[parent] + 1; // parents have higher numbers
    }
  }

  #addLoop(header: number): number {
    const loop = this.loopCount++;
    if (loop === this.loopHeader.length) {
      for (const name of ["loopHeader", "loopParent", "loopDepth", "loopFirst", "loopEnd"] as const) {
        this[name] = growInt32(this[name], loop + 1);
      }
      this.#outer = growInt32(this.#outer, loop + 1);
    }
    this.loopHeader[loop] = header;
    this.loopParent[loop] = NONE;
    this.#outer[loop] = loop;
    this.loopOf[header] = loop;
    return loop;
  }

  #outermost(loop: number): number {
    const outer = this.#outer;
    let root = loop;
    while (outer[root] !== root) root = outer[root];
    while (outer[loop] !== root) {
      const next = outer[loop];
      outer[loop] = root;
      loop = next;
    }
    return root;
  }

  // Lists blocks again with each loop contiguous (CFG-2). Each loop has a chain of its own blocks and the headers of its direct inner loops,
  // in reverse postorder; the walk replaces an inner header by its loop's chain.
  #groupLoops(): void {
    const { rpo, rpoCount, loopOf, loopParent, loopHeader } = this;
    const next = this.#link;
    const first = this.#cursor; // by loop; the last slot is the outside
    const outside = this.loopCount;
    const headerOf = this.#headerOf;
    for (let loop = 0; loop <= outside; loop++) first[loop] = NONE;
    for (let i = 0; i < rpoCount; i++) headerOf[rpo[i]] = NONE;
    for (let loop = 0; loop < this.loopCount; loop++) headerOf[loopHeader[loop]] = loop;
    for (let i = rpoCount - 1; i >= 0; i--) {
      const block = rpo[i];
      const loop = loopOf[block];
      let chain = loop === NONE ? outside : loop;
      if (headerOf[block] !== NONE) chain = loopParent[loop] === NONE ? outside : loopParent[loop];
      next[block] = first[chain];
      first[chain] = block;
    }
    // The stack holds loops entered, with the block to go on with after each.
    const stack = this.#stack;
    stack.reset();
    let count = 0;
    let block = first[outside];
    for (;;) {
      while (block === NONE && stack.length !== 0) {
        const loop = stack.pop();
        this.loopEnd[loop] = count;
        block = next[loopHeader[loop]];
      }
      if (block === NONE) break;
      const loop = headerOf[block];
      if (loop !== NONE) {
        this.loopFirst[loop] = count;
        stack.push(loop);
        rpo[count++] = block;
        block = first[loop];
      } else {
        rpo[count++] = block;
        block = next[block];
      }
    }
    for (let i = 0; i < count; i++) this.position[rpo[i]] = i;
  }
}
