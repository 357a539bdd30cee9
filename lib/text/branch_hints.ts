/** The custom section of branch hints (spec: code metadata), as the printer places it: by function and instruction. */
import { CompileError, type Module, readBranchHints } from "../wasm/mod.ts";

/** Hints by function, then by the offset of the instruction in the module. */
export class BranchHints {
  readonly #byFunc = new Map<number, Map<number, number>>();

  /** The hints of a function. */
  of(funcIndex: number): ReadonlyMap<number, number> | undefined {
    return this.#byFunc.get(funcIndex);
  }

  /** Reads a module's hints; undefined unless every one is well formed and stands at a branch of a defined function, in order. */
  static read(module: Module): BranchHints | undefined {
    const hints = new BranchHints();
    try {
      for (const { functionIndex, offsetBytes, isLikely } of readBranchHints(module)) {
        let byOffset = hints.#byFunc.get(functionIndex);
        if (byOffset === undefined) hints.#byFunc.set(functionIndex, byOffset = new Map());
        byOffset.set(offsetBytes, isLikely ? 1 : 0);
      }
    } catch (error) {
      if (error instanceof CompileError) return undefined;
      throw error;
    }
    return hints;
  }
}
