/** What compiling one function yields: bytes and the tables about them, offsets counted from the function's start. */

import { CodeBuffer, IntList } from "../base/mod.ts";
import { CODE_ALIGNMENT_BYTES } from "./alignment.ts";

/** Relocation targets that are not functions (which are their non-negative index). */
export const RelocationTarget = { trapStub: -1, libcallStub: -2, copyStub: -3, fillStub: -4, pollStub: -5 } as const;

/** One function's machine code. Reusable. */
export class FunctionCode {
  readonly buffer: CodeBuffer = new CodeBuffer(16384);
  /** Pairs: offset of a rel32 field, target. */
  readonly relocations: IntList = new IntList(256);
  /** Triples: pc offset, trap code, wasm site; by rising pc. */
  readonly traps: IntList = new IntList(256);
  /** Pairs: return address of a trap call, place of the trap's subject; by rising pc. */
  readonly subjects: IntList = new IntList(64);
  /** Pairs: return address offset, wasm site; by rising pc. */
  readonly calls: IntList = new IntList(256);
  /** Where each call's roots begin in `roots`; they end where those of the next call begin. */
  readonly rootStarts: IntList = new IntList(256);
  /** Offsets from rbp of the slots that hold references while a call runs (stack map, C-2). */
  readonly roots: IntList = new IntList(64);
  /** Triples: return address of a call that may unwind into this function, offset of its pad, where its clauses begin in `clauses`. */
  readonly handlers: IntList = new IntList(64);
  /** Lists of handler clauses, each behind its length (lib/abi/exceptions.ts). */
  readonly clauses: IntList = new IntList(64);
  /** What its start is to be aligned to. */
  alignmentBytes = CODE_ALIGNMENT_BYTES;
  /** Where instructions end: jump tables and constants follow, behind padding. */
  instructionBytes = 0;

  reset(): void {
    this.buffer.reset();
    this.relocations.reset();
    this.traps.reset();
    this.subjects.reset();
    this.calls.reset();
    this.rootStarts.reset();
    this.roots.reset();
    this.handlers.reset();
    this.clauses.reset();
    this.alignmentBytes = CODE_ALIGNMENT_BYTES;
    this.instructionBytes = 0;
  }
}
