/**
 * Branches to labels, and the ends of frames: what structured control flow and exception handlers share.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { NONE } from "../base/mod.ts";
import type { Block } from "../ir/mod.ts";
import type { Translator } from "./translator.ts";

/** Ends the current block by a jump to the frame's label, which takes the topmost operands. */
export function jumpToLabel(t: Translator, frame: number): void {
  const target = t.labelBlock(frame);
  t.builder.jump(target, t.stack, t.stack.length - t.labelTypes(frame).length);
}

/** Ends the current block by a return of the topmost operands. */
export function emitReturn(t: Translator): void {
  const count = t.environment.signatures.results[t.func.signature].length;
  t.builder.return_(t.stack, t.stack.length - count, count);
}

/** Ends the current block by a branch to the frame's label. */
export function branchTo(t: Translator, frame: number): void {
  if (frame === 0) emitReturn(t);
  else jumpToLabel(t, frame);
}

/** Closes the innermost frame, which is no loop: what follows is its label's block, if there is one. */
export function endBlock(t: Translator, frame: number): void {
  const label = t.frameLabel[frame];
  if (label !== NONE) {
    if (t.reachable) jumpToLabel(t, frame);
    t.builder.seal(label as Block);
    t.builder.switchTo(label as Block);
    t.pushLabelParams(frame);
    t.reachable = true;
  }
  t.depth = frame;
  if (!t.reachable) t.stack.length = t.frameHeight[frame];
}
