/**
 * Branch hints: the custom section `metadata.code.branch_hint`, which says of conditional branches whether they are likely
 * (branch hinting proposal).
 *
 * Hints are a courtesy: a module with malformed ones is valid. So nothing is checked until somebody asks, and the compiler takes
 * what stands before the fault ({@linkcode BranchHints}): two columns by place, since places only grow, and a binary search.
 *
 * May import: base. @module
 */
import { CompileError } from "./errors.ts";
import { skipImmediates } from "./immediates.ts";
import { readOp } from "./instructions.ts";
import type { Module } from "./module.ts";
import { OP } from "./opcodes.ts";
import { Reader } from "./reader.ts";
import { readValType } from "./type_reader.ts";

/** The name of the section. */
export const BRANCH_HINT_SECTION = "metadata.code.branch_hint";

/** A hint on an `if` or `br_if`. */
export interface CodeHint {
  readonly functionIndex: number;
  /** Where the instruction is in the module's bytes. */
  readonly offsetBytes: number;
  readonly isLikely: boolean;
}

/**
 * The branch hints of a module that was decoded, by function and place.
 *
 * @throws {CompileError} if a section of that name is malformed, out of order, or names what is no conditional branch.
 */
export function readBranchHints(module: Module): CodeHint[] {
  const hints: CodeHint[] = [];
  for (const { name, start, end } of module.customSections) {
    if (name === BRANCH_HINT_SECTION) readSection(module, new Reader(module.bytes, start, end), hints);
  }
  return hints;
}

/** What a module says about its branches, for the compiler: found by the place of the branch. */
export class BranchHints {
  readonly #offsets: Int32Array;
  readonly #isLikely: Uint8Array;

  private constructor(hints: readonly CodeHint[]) {
    this.#offsets = Int32Array.from(hints, ({ offsetBytes }) => offsetBytes);
    this.#isLikely = Uint8Array.from(hints, ({ isLikely }) => isLikely ? 1 : 0);
  }

  /** The hints of a module, without those from the first malformed one on; undefined when there are none. */
  static of(module: Module): BranchHints | undefined {
    const section = module.customSections.find(({ name }) => name === BRANCH_HINT_SECTION);
    if (section === undefined) return undefined;
    const hints: CodeHint[] = [];
    try {
      readSection(module, new Reader(module.bytes, section.start, section.end), hints);
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
    }
    return hints.length === 0 ? undefined : new BranchHints(hints);
  }

  /** The hint on the instruction at `offsetBytes` in the module's bytes. */
  at(offsetBytes: number): "likely" | "unlikely" | undefined {
    const offsets = this.#offsets;
    let low = 0, high = offsets.length;
    while (low < high) {
      const middle = low + high >>> 1;
      if (offsets[middle] < offsetBytes) low = middle + 1;
      else high = middle;
    }
    if (low === offsets.length || offsets[low] !== offsetBytes) return undefined;
    return this.#isLikely[low] === 1 ? "likely" : "unlikely";
  }
}

function readSection(module: Module, reader: Reader, hints: CodeHint[]): void {
  let previous = -1;
  for (let functions = reader.readU32Leb(); functions > 0; functions--) {
    const at = reader.pos;
    const functionIndex = reader.readU32Leb();
    const body = module.bodies[functionIndex - module.importedFuncCount];
    if (body === undefined || functionIndex <= previous) reader.fail("branch hint: invalid function index", at);
    previous = functionIndex;
    const code = new Reader(module.bytes, body.start, body.end);
    code.features = module.features;
    skipLocals(code);
    let reached = -1;
    let count = reader.readU32Leb();
    if (count === 0) reader.fail("branch hint: a function without hints", at);
    for (; count > 0; count--) {
      const place = reader.pos;
      const offsetBytes = body.start + reader.readU32Leb();
      if (reader.readU32Leb() !== 1) reader.fail("branch hint: a hint has one byte", place);
      const value = reader.readU8();
      if (value > 1) reader.fail("branch hint: invalid hint value", place);
      if (offsetBytes <= reached) reader.fail("branch hint: invalid order", place);
      reached = offsetBytes;
      const op = opAt(code, offsetBytes);
      if (op !== OP.if && op !== OP.br_if) reader.fail("branch hint: invalid target", place);
      hints.push({ functionIndex, offsetBytes, isLikely: value === 1 });
    }
  }
  if (!reader.atEnd) reader.fail("branch hint: junk after the hints");
}

function skipLocals(code: Reader): void {
  for (let runs = code.readU32Leb(); runs > 0; runs--) {
    code.readU32Leb();
    readValType(code);
  }
}

/** Moves to the instruction at `offsetBytes`: its operation; -1 when no instruction starts there. */
function opAt(code: Reader, offsetBytes: number): number {
  try {
    while (!code.atEnd && code.pos <= offsetBytes) {
      const at = code.pos;
      const op = readOp(code);
      skipImmediates(op, code);
      if (at === offsetBytes) return op;
    }
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
  }
  return -1;
}
