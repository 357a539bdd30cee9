/**
 * Makes a failing program small: takes out what it can while the failure stays, whatever the failure is.
 *
 * Delta debugging on the tree (Zeller and Hildebrandt), greedy and top down, since large parts go first: modules, functions, runs of
 * statements, statements, then values, which become a constant or a part of themselves with the same types; then what is left over, such as
 * locals and globals that nobody names. Rounds are repeated until nothing goes. A candidate that does not validate is no candidate. What makes
 * programs end (`isFixed`) stays as long as there is anything that could run on.
 */

import { printModule } from "../../../lib/text/mod.ts";
import { bodiesOf, encodeModule, type ModuleTree, type Node, zeroOf } from "../generators/wasm_tree.ts";
import type { Program } from "../generators/program.ts";

/** Whether a program still fails. Called with valid programs only. */
export type Failure = (program: Program) => boolean;

/** Shrinks a program, whose modules are changed in place; gives what is left of it. */
export function shrink(program: Program, fails: Failure): Program {
  let { modules } = program;
  const isFailing = () => {
    try {
      if (!modules.every((module) => WebAssembly.validate(encodeModule(module)))) return false;
    } catch {
      // Something names what was taken out.
      return false;
    }
    return fails({ modules });
  };
  const shrinker = new Shrinker(isFailing);
  for (let hasShrunk = true; hasShrunk;) {
    hasShrunk = false;
    // Modules import by index, so only the last can go, or all but the first of those that import from nobody.
    for (let hasRemoved = true; hasRemoved && modules.length > 1;) {
      const all = modules;
      hasRemoved = [all.slice(0, -1), all.slice(1)].some((kept) => {
        modules = kept;
        return isFailing();
      });
      if (hasRemoved) hasShrunk = true;
      else modules = all;
    }
    for (const module of modules) if (shrinker.module(module)) hasShrunk = true;
  }
  return { modules };
}

/** The modules of a program as text. */
export function programText({ modules }: Program): string[] {
  return modules.map((module) => printModule(encodeModule(module, "no wrappers")));
}

/** Writes a program's modules, text and binary, as `NAME.INDEX.wat` and `NAME.INDEX.wasm`; gives the paths. */
export function writeProgram(program: Program, folder: string, name: string): string[] {
  Deno.mkdirSync(folder, { recursive: true });
  const text = programText(program);
  return program.modules.map((module, index) => {
    const path = `${folder}/${name}.${index}`;
    Deno.writeTextFileSync(`${path}.wat`, text[index]);
    Deno.writeFileSync(`${path}.wasm`, encodeModule(module));
    return `${path}.wat`;
  });
}

/** Instructions with which a program could run on for ever. */
const REPEATS = /^loop$|call/;

class Shrinker {
  readonly #isFailing: () => boolean;

  constructor(isFailing: () => boolean) {
    this.#isFailing = isFailing;
  }

  module(module: ModuleTree): boolean {
    let hasShrunk = false;
    const note = (result: boolean) => hasShrunk = result || hasShrunk;
    if (module.start !== undefined) {
      const { start } = module;
      module.start = undefined;
      if (this.#isFailing()) hasShrunk = true;
      else module.start = start;
    }
    for (const list of [module.funcs, module.data, module.elements, module.funcImports] as unknown[][]) {
      note(this.#runs(list, () => true));
    }
    for (const func of module.funcs) {
      const { body, signature } = func;
      if (body.length > signature.results.length) {
        note(this.#splice(body, 0, body.length, signature.results.map(zeroOf)));
      }
      if (body.length > 0) note(this.list(body));
      note(this.#tail(func.locals));
    }
    // These are named by index: what is last goes first. The first global is the fuel.
    for (const list of [module.tags, module.memories, module.tables] as unknown[][]) note(this.#tail(list));
    while (module.globals.length > 1 && this.#splice(module.globals, module.globals.length - 1, 1, [])) {
      hasShrunk = true;
    }
    if (!module.funcs.some(({ body }) => body.some(canRepeat))) {
      for (const { body } of module.funcs) {
        note(this.#runs(body, ({ isFixed, types }) => isFixed && types.length === 0));
      }
    }
    return hasShrunk;
  }

  // Takes off the end.
  #tail(list: unknown[]): boolean {
    const { length } = list;
    while (list.length > 0 && this.#splice(list, list.length - 1, 1, []));
    return list.length < length;
  }

  // Takes out runs of what may go, longest first, then one by one.
  #runs<T>(list: T[], mayGo: (item: T) => boolean | undefined): boolean {
    const before = list.length;
    for (let length = list.length; length > 0; length >>= 1) {
      for (let start = 0; start + length <= list.length;) {
        const isRemoved = list.slice(start, start + length).every(mayGo) && this.#splice(list, start, length, []);
        if (!isRemoved) start += length;
      }
    }
    return list.length < before;
  }

  // A list of statements or operands. What is fixed inside of what is fixed stays: else a NaN could show its bits.
  list(list: Node[], inside: "fixed" | "free" = "free"): boolean {
    let hasShrunk = this.#runs(list, ({ types, isFixed }) => types.length === 0 && !isFixed);
    for (let i = 0; i < list.length; i++) if (this.#node(list, i, inside)) hasShrunk = true;
    return hasShrunk;
  }

  #node(list: Node[], index: number, inside: "fixed" | "free"): boolean {
    let hasShrunk = false;
    for (;;) {
      const node = list[index];
      if (node === undefined || node.isFixed && inside === "fixed" || !this.#replace(list, index, node)) break;
      hasShrunk = true;
    }
    const node = list[index];
    if (node === undefined) return hasShrunk;
    if (node.isFixed && node.types.length === 0) return hasShrunk;
    const parts = [node.args, ...node.block === undefined ? [] : bodiesOf(node.block)];
    for (const part of parts) if (this.list(part, node.isFixed ? "fixed" : "free")) hasShrunk = true;
    return hasShrunk;
  }

  #replace(list: Node[], index: number, node: Node): boolean {
    const { types, args, block, isFixed } = node;
    const isSimple = args.length === 0 && block === undefined;
    if (types.length === 0) {
      if (isFixed) return false;
      if (this.#splice(list, index, 1, [])) return true;
    } else if (!isSimple || !/const|ref\.null|popped/.test(node.op)) {
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

function canRepeat({ op, args, block }: Node): boolean {
  return REPEATS.test(op) || args.some(canRepeat) ||
    block !== undefined && bodiesOf(block).some((body) => body.some(canRepeat));
}
