/**
 * Branch hints: the custom section `metadata.code.branch_hint`, which says of conditional branches whether they are likely
 * (branch hinting proposal).
 *
 * Hints are a courtesy: a module with malformed ones is valid. So nothing is checked until somebody asks.
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
    for (let count = reader.readU32Leb(); count > 0; count--) {
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
