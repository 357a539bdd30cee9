/**
 * Lowering of structured control flow: blocks, branches, `br_table`, `select`.
 *
 * A branch carries the operands that its label takes as arguments of a jump; conditional branches carry none (IR-3), so where a label takes
 * operands, an edge block between the two holds the jump. A label of the outermost frame is the function's end: its edge is a return.
 *
 * CTRL-1  A block is sealed as soon as its last predecessor exists: the arms of an `if` and edge blocks at once, a loop's header at the
 *         loop's `end`, any other label's block at its `end`.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { TrapCode } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { type Block, Func, IntCond, type Value } from "../ir/mod.ts";
import { readValType } from "../wasm/mod.ts";
import { endTry, endTryTable } from "./exceptions.ts";
import { beginPolledRegion } from "./fuel.ts";
import { branchTo, emitReturn, endBlock, jumpToLabel } from "./labels.ts";
import { FrameKind, type Translator } from "./translator.ts";

/** `block`. */
export function block(t: Translator): void {
  const sig = t.environment.readBlockSig(t.reader);
  t.openFrame(FrameKind.block, sig, t.environment.signatures.params[sig].length, NONE);
}

/** `loop`: its header is made at once and sealed at its `end`. */
export function loop(t: Translator): void {
  const { builder, stack } = t;
  const sig = t.environment.readBlockSig(t.reader);
  const params = t.environment.signatures.params[sig];
  const header = builder.createBlock();
  const firstParam = t.addParams(header, params);
  const height = stack.length - params.length;
  builder.jump(header, stack, height);
  builder.switchTo(header);
  if (t.environment.options.interruption === true) builder.poll();
  if (t.environment.options.fuel === true) beginPolledRegion(t);
  t.openFrame(FrameKind.loop, sig, params.length, header);
  stack.length = height;
  for (let i = 0; i < params.length; i++) stack.push(firstParam + i);
}

/** `if`. */
export function ifElse(t: Translator): void {
  const { builder, stack } = t;
  const sig = t.environment.readBlockSig(t.reader);
  const condition = t.pop();
  const thenBlock = builder.createBlock();
  const elseBlock = builder.createBlock();
  markUnlikely(t, thenBlock, elseBlock);
  builder.brIf(condition, thenBlock, elseBlock);
  builder.seal(thenBlock);
  builder.seal(elseBlock);
  const paramCount = t.environment.signatures.params[sig].length;
  const frame = t.openFrame(FrameKind.if, sig, paramCount, NONE);
  t.frameElse[frame] = elseBlock;
  for (let i = stack.length - paramCount; i < stack.length; i++) t.savedParams.push(stack.data[i]);
  builder.switchTo(thenBlock);
}

/** Marks the side that the module calls unlikely, if it says anything of the branch being translated; `taken` NONE has no block of its own. */
function markUnlikely(t: Translator, taken: number, notTaken: Block): void {
  const hint = t.environment.branchHints?.at(t.builder.site);
  if (hint === "likely") t.builder.setCold(notTaken);
  else if (hint === "unlikely" && taken !== NONE) t.builder.setCold(taken as Block);
}

/** The second arm of an `if`. */
export function elseArm(t: Translator): void {
  const frame = t.depth - 1;
  if (t.reachable) jumpToLabel(t, frame);
  enterElse(t, frame);
  t.frameKind[frame] = FrameKind.else;
}

function enterElse(t: Translator, frame: number): void {
  const { stack, savedParams } = t;
  const paramCount = t.environment.signatures.params[t.frameSig[frame]].length;
  stack.length = t.frameHeight[frame];
  savedParams.length -= paramCount;
  for (let i = 0; i < paramCount; i++) stack.push(savedParams.data[savedParams.length + i]);
  t.builder.switchTo(t.frameElse[frame] as Block);
  t.reachable = true;
}

/** `end` of whatever frame is innermost. */
export function end(t: Translator): void {
  const frame = t.depth - 1;
  switch (t.frameKind[frame]) {
    case FrameKind.func:
      if (t.reachable) emitReturn(t);
      t.depth = frame;
      return;
    case FrameKind.loop:
      t.builder.seal(t.frameLabel[frame] as Block);
      t.depth = frame;
      if (!t.reachable) t.stack.length = t.frameHeight[frame];
      return;
    case FrameKind.if:
      // Without an `else` the parameters are the results.
      if (t.reachable) jumpToLabel(t, frame);
      enterElse(t, frame);
      break;
    case FrameKind.tryTable:
      endTryTable(t, frame);
      break;
    case FrameKind.try:
    case FrameKind.catch:
      endTry(t, frame);
      break;
  }
  endBlock(t, frame);
}

/** Whether a branch to the frame's label can be a conditional one without an edge block. */
function isPlainLabel(t: Translator, frame: number): boolean {
  return frame !== 0 && t.labelTypes(frame).length === 0;
}

/** `br`. */
export function br(t: Translator): void {
  branchTo(t, t.frameAt(t.reader.readU32Leb()));
  t.setUnreachable();
}

/** `br_if`. */
export function brIf(t: Translator): void {
  const { builder } = t;
  const frame = t.frameAt(t.reader.readU32Leb());
  const condition = t.pop();
  const next = builder.createBlock();
  if (isPlainLabel(t, frame)) {
    markUnlikely(t, NONE, next);
    builder.brIf(condition, t.labelBlock(frame), next);
  } else {
    const edge = builder.createBlock();
    markUnlikely(t, edge, next);
    builder.brIf(condition, edge, next);
    builder.seal(edge);
    builder.switchTo(edge);
    branchTo(t, frame);
  }
  builder.seal(next);
  builder.switchTo(next);
}

/** `br_table`: one edge block per label that takes operands, however often the table names it. */
export function brTable(t: Translator): void {
  const { builder, reader, targets, edges } = t;
  const index = t.pop();
  const count = reader.readU32Leb() + 1; // the default follows the vector
  targets.reset();
  edges.reset();
  for (let i = 0; i < count; i++) {
    const frame = t.frameAt(reader.readU32Leb());
    if (isPlainLabel(t, frame)) {
      targets.push(t.labelBlock(frame));
      continue;
    }
    let edge = t.frameEdge[frame];
    if (edge === NONE) {
      edge = builder.createBlock();
      t.frameEdge[frame] = edge;
      edges.push(frame);
    }
    targets.push(edge);
  }
  if (count - 1 <= MOST_COMPARED_CASES) emitComparisons(t, index, count);
  else builder.brTable(index, targets.data, count);
  for (let i = 0; i < edges.length; i++) {
    const frame = edges.at(i);
    const edge = t.frameEdge[frame] as Block;
    t.frameEdge[frame] = NONE;
    builder.seal(edge);
    builder.switchTo(edge);
    branchTo(t, frame);
  }
  t.setUnreachable();
}

/** Most cases that are told apart by comparisons: conditional branches are predicted better than one indirect jump that serves all. */
const MOST_COMPARED_CASES = 4;

/** A table branch as a chain of comparisons, in order of the cases; the last of the `count` targets is the default. */
function emitComparisons(t: Translator, index: Value, count: number): void {
  const { builder, targets } = t;
  const otherwise = targets.at(count - 1);
  for (let i = 0; i < count - 1; i++) {
    if (targets.at(i) === otherwise) continue;
    const next = builder.createBlock();
    builder.brIf(builder.icmp(IntCond.eq, index, builder.iconst32(i)), targets.at(i) as Block, next);
    builder.seal(next);
    builder.switchTo(next);
  }
  builder.jump(otherwise as Block);
}

/** `return`. */
export function returnOp(t: Translator): void {
  emitReturn(t);
  t.setUnreachable();
}

/** `unreachable`. A block that ends so is unlikely to run. */
export function unreachable(t: Translator): void {
  const { builder } = t;
  if (builder.current !== Func.ENTRY) builder.setCold(builder.current);
  builder.trap(TrapCode.unreachable);
  t.setUnreachable();
}

/** `nop`. */
export function nop(_t: Translator): void {}

/** `drop`. */
export function drop(t: Translator): void {
  t.pop();
}

/** `select`. */
export function select(t: Translator): void {
  const condition = t.pop();
  const b = t.pop();
  const a = t.pop();
  t.push(t.builder.select(condition, a, b));
}

/** `select` with its type stated, which the operands know as well. */
export function selectTyped(t: Translator): void {
  for (let count = t.reader.readU32Leb(); count > 0; count--) readValType(t.reader);
  select(t);
}
