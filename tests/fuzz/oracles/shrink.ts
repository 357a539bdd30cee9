/**
 * Makes a failing program small: takes out what it can while the failure stays.
 *
 * Greedy and top down: functions, statements, then values, which become a constant, or a part of themselves with the same types. A
 * candidate that does not validate is no candidate. Quadratic at worst; programs are small, and large parts go first.
 */

import { bodiesOf, encodeModule, type ModuleTree, type Node, zeroOf } from "../generators/wasm_tree.ts";
import type { Program } from "../generators/program.ts";

/** Whether a program still fails. Called with valid programs only. */
export type Failure = (program: Program) => boolean;

/** Shrinks in place and returns the program. */
export function shrink(program: Program, fails: Failure): Program {
  const isFailing = () => {
    try {
      if (!program.modules.every((module) => WebAssembly.validate(encodeModule(module)))) return false;
    } catch {
      return false;
    }
    return fails(program);
  };
  const shrinker = new Shrinker(isFailing);
  if (program.modules.length > 1) {
    for (const kept of program.modules) {
      if (kept.funcImports.every(({ module }) => module === "host") && fails({ modules: [kept] })) {
        return shrink({ modules: [kept] }, fails);
      }
    }
  }
  let hasShrunk = true;
  while (hasShrunk) {
    hasShrunk = false;
    for (const module of program.modules) if (shrinker.module(module)) hasShrunk = true;
  }
  return program;
}

class Shrinker {
  readonly #isFailing: () => boolean;

  constructor(isFailing: () => boolean) {
    this.#isFailing = isFailing;
  }

  module(module: ModuleTree): boolean {
    let hasShrunk = false;
    const note = (result: boolean) => hasShrunk = result || hasShrunk;
    for (const list of [module.data, module.elements, module.funcs] as unknown[][]) {
      for (let i = list.length - 1; i >= 0; i--) note(this.#splice(list, i, 1, []));
    }
    if (module.start !== undefined) {
      const { start } = module;
      module.start = undefined;
      if (this.#isFailing()) hasShrunk = true;
      else module.start = start;
    }
    for (const func of module.funcs) {
      const { body, signature } = func;
      const everything = [...body];
      if (everything.length > signature.results.length) {
        note(this.#splice(body, 0, body.length, signature.results.map(zeroOf)));
      }
      if (body.length > 0) note(this.list(body));
    }
    return hasShrunk;
  }

  // A list of statements or operands.
  list(list: Node[]): boolean {
    let hasShrunk = false;
    // Runs of statements, longest first.
    for (let length = list.length >> 1; length > 1; length >>= 1) {
      for (let start = 0; start + length <= list.length;) {
        const run = list.slice(start, start + length);
        if (
          run.every(({ types, isFixed }) => types.length === 0 && !isFixed) && this.#splice(list, start, length, [])
        ) {
          hasShrunk = true;
        } else start += length;
      }
    }
    for (let i = 0; i < list.length; i++) if (this.#node(list, i)) hasShrunk = true;
    return hasShrunk;
  }

  #node(list: Node[], index: number): boolean {
    let hasShrunk = false;
    for (;;) {
      const node = list[index];
      if (node === undefined || !this.#replace(list, index, node)) break;
      hasShrunk = true;
    }
    const node = list[index];
    if (node === undefined) return hasShrunk;
    if (node.isFixed && node.types.length === 0) return hasShrunk;
    const parts = [node.args, ...node.block === undefined ? [] : bodiesOf(node.block)];
    for (const part of parts) if (this.list(part)) hasShrunk = true;
    return hasShrunk;
  }

  #replace(list: Node[], index: number, node: Node): boolean {
    const { types, args, block, isFixed } = node;
    const isSimple = args.length === 0 && block === undefined;
    if (types.length === 0) {
      if (isFixed) return false;
      if (this.#splice(list, index, 1, [])) return true;
    } else if (!isSimple || !/const|ref\.null|local\.get|popped/.test(node.op)) {
      if (this.#splice(list, index, 1, types.map(zeroOf))) return true;
    } else if (/local\.get/.test(node.op)) {
      if (this.#splice(list, index, 1, types.map(zeroOf))) return true;
    }
    if (isFixed) return false;
    // A part of the node instead of the whole: an operand, or what is inside a block.
    for (const arg of args) {
      if (`${arg.types}` === `${types}` && this.#splice(list, index, 1, [arg])) return true;
    }
    if (block !== undefined) {
      for (const body of bodiesOf(block)) {
        if (body.length > 0 && this.#splice(list, index, 1, [...args.slice(0, block.params.length), ...body])) {
          return true;
        }
      }
    }
    if (types.length === 0 && args.length > 0) {
      const drops = args.filter(({ types }) => types.length === 1).map((arg): Node => ({
        op: "drop",
        types: [],
        args: [arg],
        immediates: [],
      }));
      if (node.op !== "drop" && this.#splice(list, index, 1, drops)) return true;
    }
    return false;
  }

  #splice<T>(list: T[], start: number, count: number, replacement: T[]): boolean {
    const removed = list.splice(start, count, ...replacement);
    if (this.#isFailing()) return true;
    list.splice(start, replacement.length, ...removed);
    return false;
  }
}
