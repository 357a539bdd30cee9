/** The custom section of branch hints (spec: code metadata), as the printer places it: by function and instruction. */
import {
  CompileError,
  type CustomSection,
  funcIndexOf,
  type Module,
  OP,
  Reader,
  readOp,
  skipImmediates,
} from "../wasm/mod.ts";
import { readValType } from "../wasm/mod.ts";

/** Hints by function, then by the offset of the instruction in the module. */
export class BranchHints {
  readonly #byFunc = new Map<number, ReadonlyMap<number, number>>();

  /** The hints of a function. */
  of(funcIndex: number): ReadonlyMap<number, number> | undefined {
    return this.#byFunc.get(funcIndex);
  }

  /** Reads the section; undefined unless every hint is one byte and stands at a branch of a defined function, in order. */
  static read(module: Module, section: CustomSection): BranchHints | undefined {
    const hints = new BranchHints();
    const reader = new Reader(module.bytes, section.start, section.end);
    try {
      let lastFunc = -1;
      for (let funcs = reader.readU32Leb(); funcs > 0; funcs--) {
        const funcIndex = reader.readU32Leb();
        const body = module.bodies[funcIndex - module.importedFuncCount];
        if (body === undefined || funcIndex <= lastFunc) return undefined;
        lastFunc = funcIndex;
        const byOffset = new Map<number, number>();
        let last = -1;
        const count = reader.readU32Leb();
        if (count === 0) return undefined;
        for (let i = 0; i < count; i++) {
          const offset = reader.readU32Leb();
          if (offset <= last || reader.readU8() !== 1) return undefined;
          last = offset;
          byOffset.set(body.start + offset, reader.readU8());
        }
        if (branchesAt(module, funcIndex, byOffset) !== count) return undefined;
        hints.#byFunc.set(funcIndex, byOffset);
      }
      return reader.atEnd ? hints : undefined;
    } catch (error) {
      if (error instanceof CompileError) return undefined;
      throw error;
    }
  }
}

/** How many of the offsets are those of an `if` or `br_if` of the function. */
function branchesAt(module: Module, funcIndex: number, offsets: ReadonlyMap<number, number>): number {
  const { start, end } = module.bodies[funcIndex - funcIndexOf(module, 0)];
  const reader = new Reader(module.bytes, start, end);
  reader.features = module.features;
  for (let groups = reader.readU32Leb(); groups > 0; groups--) {
    reader.readU32Leb();
    readValType(reader);
  }
  let count = 0;
  while (!reader.atEnd) {
    const at = reader.pos;
    const op = readOp(reader);
    skipImmediates(op, reader);
    if ((op === OP.if || op === OP.br_if) && offsets.has(at)) count++;
  }
  return count;
}
