/**
 * The references on a frozen guest stack: a walk by the chain of frame pointers, a stack map a frame (C-2).
 *
 * A frame is known by the return address into it: the return address at [fp + 8] of a frame belongs to its caller, whose rbp is at [fp].
 * Frames of thunks and stubs have no row in a call table and hold no reference: what they move to and from the value area or the record is
 * the business of whoever asked for the call (AREA-2).
 *
 * ROOTS-1  Every stack of a store that has frames is frozen while this walks: no guest code of the store runs.
 * ROOTS-2  A slot's low 4 bytes are the reference; whoever moves the object writes those and nothing else (MAP-2).
 */

import { SAVED_REGISTERS_OFFSET } from "../abi/mod.ts";
import { type IntList, NONE } from "../base/mod.ts";
import { loadAddress } from "../host/mod.ts";
import { findCode, type LoadedCode } from "./code.ts";

/** A guest stack as words, for walks. */
export interface StackWords {
  readonly words: Int32Array;
  /** Address of `words[0]`. */
  readonly address: number;
}

/**
 * Appends the positions in a record's words of the references in registers that were saved when the guest left: only at a poll are there
 * any, and then the frame at `fp` is that of the stub that saved them (REG-2).
 */
export function collectSavedRoots({ words, address }: StackWords, fp: number, positions: IntList): void {
  const pc = loadAddress(words, ((fp - address) >> 2) + 2);
  const code = findCode(pc - 1);
  const row = code === undefined ? NONE : code.callRowAt(pc - code.address);
  if (row === NONE) return;
  const { callRootStarts, rootOffsets } = code!.compiled;
  for (let k = callRootStarts[row]; k < callRootStarts[row + 1]; k++) {
    if (rootOffsets[k] >= 0) positions.push((SAVED_REGISTERS_OFFSET >> 2) + 2 * rootOffsets[k]);
  }
}

/**
 * Appends the positions in `stack.words` of all references of the frames that called the one at `fp`, innermost first. The chain ends where
 * it leaves the stack or holds 0.
 */
export function collectRootSlots(stack: StackWords, fp: number, slots: IntList): void {
  const { words, address } = stack;
  const end = address + words.length * 4 - 16;
  let code: LoadedCode | undefined;
  while (fp >= address && fp <= end && fp % 8 === 0) {
    const place = (fp - address) >> 2;
    const pc = loadAddress(words, place + 2);
    const caller = loadAddress(words, place);
    if (caller <= fp) return;
    // Frames of one module mostly follow one another.
    if (code === undefined || pc <= code.address || pc > code.address + code.byteLength) code = findCode(pc - 1);
    if (code !== undefined) {
      const row = code.callRowAt(pc - code.address);
      if (row !== NONE) {
        const { callRootStarts, rootOffsets } = code.compiled;
        const base = (caller - address) >> 2;
        for (let k = callRootStarts[row]; k < callRootStarts[row + 1]; k++) {
          if (rootOffsets[k] < 0) slots.push(base + (rootOffsets[k] >> 2));
        }
      }
    }
    fp = caller;
  }
}
