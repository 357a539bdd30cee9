/**
 * The order of machine blocks: a reverse postorder in which loops are contiguous.
 *
 * The allocator wants blocks in an order where each comes after its dominators and each loop's blocks are neighbours (RA-IN-3). Emission
 * wants the order of the source. (That no edge leads from a block with several successors to one with several predecessors, RA-IN-2, is
 * the IR's own rule.)
 *
 * 1. Depth-first search from the entry. Of several successors the one that stands later in the function's own order is visited first, so
 *    it comes later in reverse postorder: the result follows the source where it can.
 * 2. A back edge leads to a block that is still on the search stack. Control flow is reducible (it comes from structured control), so
 *    the target dominates the source and is a loop header; the loop's body is found by walking predecessors from the back edges up to the
 *    header (Aho, Sethi, Ullman, algorithm 10.1). Headers are taken innermost (latest in reverse postorder) first.
 * 3. Blocks and, in the place of their headers, whole loops are lined up in lists by innermost loop, each in reverse postorder; printing
 *    the lists recursively makes loops contiguous and keeps every block after its predecessors, but for back edges.
 *
 * Linear in blocks and edges times loop depth (the walk of 2 jumps over inner loops, so in practice linear).
 */

import { IntList, NONE } from "../base/mod.ts";
import { growInt32, growUint8 } from "../base/mod.ts";
import { type Func, Ir } from "../ir/mod.ts";

/** The machine blocks of a function. Reusable: `compute` starts over. */
export class BlockOrder {
  /** Number of machine blocks. */
  count = 0;
  /** IR block by machine block. */
  irBlock: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Successors of machine block k: `succs[succStart[k] .. succStart[k + 1])`, distinct, in the order of the terminator. */
  readonly succs: IntList = new IntList(512);
  succStart: Int32Array<ArrayBuffer> = new Int32Array(257);
  readonly preds: IntList = new IntList(512);
  predStart: Int32Array<ArrayBuffer> = new Int32Array(257);
  loopDepth: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  /** Last machine block of the loop that a header begins, else NONE. */
  loopEnd: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** 1: the header of a loop that has no other in it. */
  innermost: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  cold: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  /** Machine block by IR block, NONE when unreachable. */
  blockOf: Int32Array<ArrayBuffer> = new Int32Array(256);

  // By IR block: successors (distinct), number of predecessors, predecessors, position in reverse postorder, loop facts.
  readonly #irSuccs: IntList = new IntList(512);
  #irSuccStart: Int32Array<ArrayBuffer> = new Int32Array(257);
  #irPreds: Int32Array<ArrayBuffer> = new Int32Array(512);
  /** Next back edge into the same header, and the first one by header. */
  #firstBackEdge: Int32Array<ArrayBuffer> = new Int32Array(256);
  readonly #nextBackEdge: IntList = new IntList(64);
  #irPredStart: Int32Array<ArrayBuffer> = new Int32Array(257);
  #state: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  #cursor: Int32Array<ArrayBuffer> = new Int32Array(256);
  #rpo: Int32Array<ArrayBuffer> = new Int32Array(256);
  #rpoIndex: Int32Array<ArrayBuffer> = new Int32Array(256);
  #loopOf: Int32Array<ArrayBuffer> = new Int32Array(256);
  #isHeader: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  #parent: Int32Array<ArrayBuffer> = new Int32Array(256);
  #depth: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  #itemHead: Int32Array<ArrayBuffer> = new Int32Array(257);
  #itemTail: Int32Array<ArrayBuffer> = new Int32Array(257);
  #itemNext: Int32Array<ArrayBuffer> = new Int32Array(256);
  readonly #stack: IntList = new IntList(256);
  readonly #backEdges: IntList = new IntList(64);
  readonly #line: IntList = new IntList(256);
  #rpoCount = 0;

  /** Computes everything for `func`. */
  compute(func: Func): void {
    this.#reserve(func.blockCount);
    this.#collectSuccessors(func);
    this.#search(func);
    this.#collectPredecessors(func.blockCount);
    this.#findLoops(func.blockCount);
    this.#lineUp(func.blockCount);
    this.#number(func);
    this.#connect();
    this.#spreadCold();
  }

  #reserve(blocks: number): void {
    this.#irSuccStart = growInt32(this.#irSuccStart, blocks + 1);
    this.#irPredStart = growInt32(this.#irPredStart, blocks + 1);
    this.#state = growUint8(this.#state, blocks);
    this.#cursor = growInt32(this.#cursor, blocks);
    this.#rpo = growInt32(this.#rpo, blocks);
    this.#rpoIndex = growInt32(this.#rpoIndex, blocks);
    this.#loopOf = growInt32(this.#loopOf, blocks);
    this.#isHeader = growUint8(this.#isHeader, blocks);
    this.#parent = growInt32(this.#parent, blocks);
    this.#depth = growUint8(this.#depth, blocks);
    this.#itemHead = growInt32(this.#itemHead, blocks + 1);
    this.#itemTail = growInt32(this.#itemTail, blocks + 1);
    this.#itemNext = growInt32(this.#itemNext, blocks);
    this.blockOf = growInt32(this.blockOf, blocks);
    this.#firstBackEdge = growInt32(this.#firstBackEdge, blocks);
    this.#firstBackEdge.fill(NONE, 0, blocks);
    this.#nextBackEdge.reset();
    this.#state.fill(0, 0, blocks);
    this.#isHeader.fill(0, 0, blocks);
    this.#loopOf.fill(NONE, 0, blocks);
    this.blockOf.fill(NONE, 0, blocks);
    this.#irSuccs.reset();
    this.#backEdges.reset();
    this.#line.reset();
  }

  #collectSuccessors(func: Func): void {
    const succs = this.#irSuccs;
    const { op, b, imm, aux, pool } = func;
    for (let block = 0; block < func.blockCount; block++) {
      const first = succs.length;
      this.#irSuccStart[block] = first;
      if (func.blockEnd[block] === func.blockStart[block]) continue;
      const end = func.terminator(block);
      if (op[end] === Ir.jump) succs.push(imm[end]);
      else if (op[end] === Ir.br_if || op[end] === Ir.unwind_edge) {
        succs.push(imm[end]);
        if (aux[end] !== imm[end]) succs.push(aux[end]);
      } else if (op[end] === Ir.br_table) {
        // Distinct targets: the state column marks those seen.
        const start = b[end], length = func.c[end];
        for (let i = 0; i < length; i++) {
          const target = pool.data[start + i];
          if (this.#state[target] === 1) continue;
          this.#state[target] = 1;
          succs.push(target);
        }
        for (let i = first; i < succs.length; i++) this.#state[succs.data[i]] = 0;
      }
    }
    this.#irSuccStart[func.blockCount] = succs.length;
  }

  #search(func: Func): void {
    const stack = this.#stack, succs = this.#irSuccs.data, succStart = this.#irSuccStart;
    const state = this.#state, cursor = this.#cursor, position = func.blockStart;
    // Sort each block's successors so that the one that stands last is visited first.
    let count = func.blockCount;
    stack.reset();
    stack.push(0);
    state[0] = 1;
    cursor[0] = 0;
    while (stack.length > 0) {
      const block = stack.data[stack.length - 1];
      const start = succStart[block], degree = succStart[block + 1] - start;
      if (cursor[block] === degree) {
        stack.pop();
        state[block] = 2;
        this.#rpo[--count] = block;
        continue;
      }
      const succ = nthFromEnd(succs, start, degree, position, cursor[block]++);
      if (state[succ] === 0) {
        state[succ] = 1;
        cursor[succ] = 0;
        stack.push(succ);
      } else if (state[succ] === 1) {
        this.#nextBackEdge.push(this.#firstBackEdge[succ]);
        this.#firstBackEdge[succ] = this.#backEdges.length;
        this.#backEdges.push(block);
        this.#isHeader[succ] = 1;
      }
    }
    this.#rpoCount = func.blockCount - count;
    this.#rpo.copyWithin(0, count, func.blockCount);
    for (let i = 0; i < this.#rpoCount; i++) this.#rpoIndex[this.#rpo[i]] = i;
  }

  #collectPredecessors(blockCount: number): void {
    const succs = this.#irSuccs.data, succStart = this.#irSuccStart, predStart = this.#irPredStart, rpo = this.#rpo;
    predStart.fill(0, 0, blockCount + 1);
    for (let i = 0; i < this.#rpoCount; i++) {
      for (let s = succStart[rpo[i]]; s < succStart[rpo[i] + 1]; s++) predStart[succs[s] + 1]++;
    }
    for (let block = 1; block <= blockCount; block++) predStart[block] += predStart[block - 1];
    this.#irPreds = growInt32(this.#irPreds, predStart[blockCount]);
    for (let block = 0; block < blockCount; block++) this.#cursor[block] = predStart[block];
    for (let i = 0; i < this.#rpoCount; i++) {
      for (let s = succStart[rpo[i]]; s < succStart[rpo[i] + 1]; s++) {
        this.#irPreds[this.#cursor[succs[s]]++] = rpo[i];
      }
    }
  }

  // Sets #loopOf (innermost header), #parent (header of the enclosing loop) and #depth.
  #findLoops(blockCount: number): void {
    const rpo = this.#rpo, loopOf = this.#loopOf, isHeader = this.#isHeader, parent = this.#parent;
    const edges = this.#backEdges, stack = this.#stack;
    parent.fill(NONE, 0, blockCount);
    for (let i = this.#rpoCount - 1; i >= 0; i--) {
      const header = rpo[i];
      if (isHeader[header] === 0) continue;
      loopOf[header] = header;
      stack.reset();
      for (let e = this.#firstBackEdge[header]; e !== NONE; e = this.#nextBackEdge.data[e]) stack.push(edges.data[e]);
      while (stack.length > 0) {
        let block = stack.pop();
        // Jump to the outermost loop found so far that holds the block.
        if (loopOf[block] !== NONE) {
          let loop = loopOf[block];
          while (loop !== header && parent[loop] !== NONE) loop = parent[loop];
          if (loop === header) continue;
          parent[loop] = header;
          block = loop;
        } else loopOf[block] = header;
        for (let p = this.#irPredStart[block]; p < this.#irPredStart[block + 1]; p++) stack.push(this.#irPreds[p]);
      }
    }
    for (let i = 0; i < this.#rpoCount; i++) {
      const block = rpo[i];
      const outer = isHeader[block] === 1 ? parent[block] : loopOf[block];
      const depth = (outer === NONE ? 0 : this.#depth[outer]) + isHeader[block];
      this.#depth[block] = depth > 255 ? 255 : depth;
    }
  }

  // Fills #line with IR blocks, loops contiguous.
  #lineUp(blockCount: number): void {
    const rpo = this.#rpo, loopOf = this.#loopOf, isHeader = this.#isHeader, parent = this.#parent;
    const head = this.#itemHead, tail = this.#itemTail, next = this.#itemNext, line = this.#line, stack = this.#stack;
    // List 0 is the function's, list h + 1 that of the loop with header h. A loop's own header is printed when its list is entered.
    head.fill(NONE, 0, blockCount + 1);
    for (let i = 0; i < this.#rpoCount; i++) {
      const block = rpo[i];
      const list = (isHeader[block] === 1 ? parent[block] : loopOf[block]) + 1;
      next[block] = NONE;
      if (head[list] === NONE) head[list] = block;
      else next[tail[list]] = block;
      tail[list] = block;
    }
    stack.reset();
    let item = head[0];
    for (;;) {
      if (item === NONE) {
        if (stack.length === 0) break;
        item = next[stack.pop()];
        continue;
      }
      line.push(item);
      if (isHeader[item] === 1) {
        stack.push(item);
        item = head[item + 1];
      } else item = next[item];
    }
  }

  // Machine blocks are the line, numbered; a loop ends with the last block that is in it or in an inner loop.
  #number(func: Func): void {
    const { data: line, length } = this.#line;
    this.count = length;
    this.irBlock = growInt32(this.irBlock, length);
    this.loopDepth = growUint8(this.loopDepth, length);
    this.loopEnd = growInt32(this.loopEnd, length);
    this.innermost = growUint8(this.innermost, length);
    this.cold = growUint8(this.cold, length);
    for (let k = 0; k < length; k++) {
      const block = line[k];
      this.irBlock[k] = block;
      this.blockOf[block] = k;
      this.loopDepth[k] = this.#depth[block];
      this.loopEnd[k] = NONE;
      this.innermost[k] = 0;
      this.cold[k] = func.cold[block];
      const loop = this.#loopOf[block];
      if (loop !== NONE) this.loopEnd[this.blockOf[loop]] = k;
    }
    // Inner headers come later than those around them: a loop that ends with an inner one is told so by it.
    for (let k = 0; k < length; k++) if (this.loopEnd[k] !== NONE) this.innermost[k] = 1;
    for (let k = length - 1; k >= 0; k--) {
      if (this.loopEnd[k] === NONE) continue;
      const outer = this.#parent[line[k]];
      if (outer === NONE) continue;
      const header = this.blockOf[outer];
      this.innermost[header] = 0;
      if (this.loopEnd[header] < this.loopEnd[k]) this.loopEnd[header] = this.loopEnd[k];
    }
  }

  // What only cold blocks lead to is cold as well; back edges come from what the header leads to and say nothing.
  #spreadCold(): void {
    const { preds, predStart, cold } = this;
    for (let k = 1; k < this.count; k++) {
      let isCold = true;
      for (let p = predStart[k]; p < predStart[k + 1] && isCold; p++) {
        isCold = preds.data[p] >= k || cold[preds.data[p]] === 1;
      }
      if (isCold) cold[k] = 1;
    }
  }

  // Successor and predecessor lists of machine blocks.
  #connect(): void {
    const { succs, preds } = this;
    const irSuccs = this.#irSuccs.data, irSuccStart = this.#irSuccStart;
    this.succStart = growInt32(this.succStart, this.count + 1);
    this.predStart = growInt32(this.predStart, this.count + 1);
    succs.reset();
    preds.reset();
    this.predStart.fill(0, 0, this.count + 1);
    for (let k = 0; k < this.count; k++) {
      this.succStart[k] = succs.length;
      const block = this.irBlock[k];
      for (let s = irSuccStart[block]; s < irSuccStart[block + 1]; s++) succs.push(this.blockOf[irSuccs[s]]);
    }
    this.succStart[this.count] = succs.length;
    for (let s = 0; s < succs.length; s++) this.predStart[succs.data[s] + 1]++;
    for (let k = 1; k <= this.count; k++) this.predStart[k] += this.predStart[k - 1];
    preds.reserve(succs.length);
    preds.length = succs.length;
    this.#cursor = growInt32(this.#cursor, this.count);
    for (let k = 0; k < this.count; k++) this.#cursor[k] = this.predStart[k];
    for (let k = 0; k < this.count; k++) {
      for (let s = this.succStart[k]; s < this.succStart[k + 1]; s++) preds.data[this.#cursor[succs.data[s]]++] = k;
    }
  }
}

// The successor at place `n` when those of a block are sorted by falling position. Targets of a br_table are taken to come in rising
// order, as they nearly always do: any sequence gives a valid order of blocks.
function nthFromEnd(succs: Int32Array, start: number, degree: number, position: Int32Array, n: number): number {
  if (degree === 1) return succs[start];
  if (degree === 2) {
    const first = succs[start], second = succs[start + 1];
    const later = position[first] > position[second] ? first : second;
    return n === 0 ? later : first + second - later;
  }
  return succs[start + degree - 1 - n];
}
