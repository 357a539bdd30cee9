/**
 * Random valid modules of WebAssembly 2.0 with tail calls, some with exceptions, several memories, 64-bit addresses and atomic accesses, as
 * trees.
 *
 * They end: functions and loop heads take from a global (the fuel) and trap when it is used up. They are deterministic as far as the
 * specification is: whatever would show the bits of a NaN that arithmetic made (stores, reinterpretation, the sign that copysign takes) gets
 * that value made canonical first, while values whose bits are defined (constants, loads, bit moves) pass as they are. Memories and tables
 * have small maxima, so that growing succeeds or fails alike everywhere.
 *
 * A program is one module, or two of which the second imports from the first.
 */

import { BodyGenerator } from "./body_generator.ts";
import {
  FIRST_MODULE,
  HOST_GLOBALS,
  HOST_MEMORY,
  HOST_MODULE,
  HOST_TABLE,
  MAX_ELEMENTS,
  MAX_PAGES,
  NUMBERS,
  PAGE_BYTES,
  type Program,
  type Style,
  WEIGHTED_NUMBERS,
} from "./program.ts";
import type { Random } from "./random.ts";
import { diversify } from "./memory_kinds.ts";
import { EDGES } from "./values.ts";
import {
  constant,
  type ElementTree,
  type FuncImport,
  type FuncTree,
  type GlobalTree,
  type MemoryTree,
  type ModuleTree,
  node,
  type Signature,
  type TableTree,
  type TypeName,
  unsigned,
  zeroOf,
} from "./wasm_tree.ts";

/** Makes the program of a random sequence. */
export function generateProgram(random: Random): Program {
  const first = new ModuleGenerator(random, undefined).module;
  if (!random.oneIn(5)) return { modules: [first] };
  return { modules: [first, new ModuleGenerator(random, first).module] };
}

class ModuleGenerator {
  readonly module: ModuleTree = {
    funcImports: [],
    memories: [],
    tables: [],
    globals: [],
    funcs: [],
    data: [],
    elements: [],
    tags: [],
  };
  /** The global that takes in whatever would be lost otherwise. */
  checksum = -1;
  readonly #random: Random;
  readonly #style: Style;

  constructor(random: Random, first: ModuleTree | undefined) {
    this.#random = random;
    this.#style = {
      bodyBudget: random.oneIn(25) ? 2500 : random.pick([30, 80, 150, 300]),
      maxDepth: random.pick([4, 6, 9]),
      crowd: random.oneIn(60) ? 700 : random.oneIn(3) ? 20 + random.below(40) : random.below(6),
      hasRefs: random.oneIn(2),
      hasVectors: random.oneIn(3),
      prefersMemory: random.oneIn(3),
      types: random.oneIn(6) ? [random.pick(NUMBERS), "i32"] : WEIGHTED_NUMBERS,
    };
    this.#environment(first);
    const { module } = this;
    if (random.oneIn(3)) { for (let n = 1 + random.below(3); n > 0; n--) module.tags.push(this.#types(3, "inside")); }
    const count = 1 + random.below(6);
    for (let i = 0; i < count; i++) {
      const signature = this.#signature("inside");
      module.funcs.push({ signature, locals: [], label: { types: signature.results }, body: [] });
    }
    if (random.oneIn(12)) {
      const func: FuncTree = { signature: { params: [], results: [] }, locals: [], label: { types: [] }, body: [] };
      module.funcs.push(func);
      module.start = func;
    }
    this.#segments();
    const style = this.#style;
    for (const func of module.funcs) new BodyGenerator(random, module, func, style, this.checksum).generate();
    if (random.oneIn(3)) diversify(random, module);
  }

  #types(most: number, whose: "inside" | "host"): TypeName[] {
    const random = this.#random;
    const { hasRefs, hasVectors, types } = this.#style;
    return Array.from({ length: random.below(most + 1) }, () => {
      if (hasRefs && random.oneIn(10)) return random.pick(["funcref", "externref"]);
      return hasVectors && whose === "inside" && random.oneIn(4) ? "v128" : random.pick(types);
    });
  }

  // V8 has no vectors in JavaScript: functions of the host take and give none.
  #signature(whose: "inside" | "host"): Signature {
    const random = this.#random;
    return {
      params: this.#types(random.oneIn(4) ? 12 : 4, whose),
      results: this.#types(random.oneIn(6) ? 9 : random.oneIn(3) ? 3 : 1, whose),
    };
  }

  // Everything but functions. Imports come first in each list.
  #environment(first: ModuleTree | undefined): void {
    const random = this.#random, { module } = this;
    const hosts = 1 + random.below(3);
    for (let i = 0; i < hosts; i++) {
      const name = `${first === undefined ? "h" : "k"}${i}`;
      module.funcImports.push({ module: HOST_MODULE, name, signature: this.#signature("host") });
    }
    if (first !== undefined) {
      first.funcs.forEach((func, index) => {
        if (func !== first.start && random.oneIn(2)) {
          module.funcImports.push({ module: FIRST_MODULE, name: `f${index}`, signature: func.signature });
        }
      });
    }
    this.#memories(first);
    this.#tables(first);
    this.#globals(first);
  }

  #memories(first: ModuleTree | undefined): void {
    const random = this.#random, { memories } = this.module;
    if (first !== undefined && first.memories.length > 0 && random.oneIn(2)) {
      // One with 64-bit addresses is not for bodies that know nothing of them.
      const { min, max, address } = first.memories[0];
      if (address === undefined) memories.push({ min, max, imported: { module: FIRST_MODULE, name: "m" } });
      return;
    }
    if (random.oneIn(15)) return;
    const memory: MemoryTree = { min: random.pick([0, 1, 1, 1, 1, 2, 2]), max: MAX_PAGES };
    memories.push(random.oneIn(6) ? { ...memory, imported: { module: HOST_MODULE, name: HOST_MEMORY.name } } : memory);
  }

  #tables(first: ModuleTree | undefined): void {
    const random = this.#random, { tables } = this.module;
    if (first !== undefined && first.tables.length > 0 && first.tables[0].address === undefined && random.oneIn(2)) {
      const { type, min, max } = first.tables[0];
      tables.push({ type, min, max, imported: { module: FIRST_MODULE, name: "t0" } });
    } else if (random.oneIn(6)) {
      tables.push({
        type: "funcref",
        min: HOST_TABLE.min,
        max: HOST_TABLE.max,
        imported: { module: HOST_MODULE, name: HOST_TABLE.name },
      });
    } else tables.push({ type: "funcref", min: 8, max: MAX_ELEMENTS });
    while (!random.oneIn(2)) {
      const table: TableTree = {
        type: random.pick(["funcref", "externref"]),
        min: random.below(10),
        max: MAX_ELEMENTS,
      };
      tables.push(table);
    }
  }

  #globals(first: ModuleTree | undefined): void {
    const random = this.#random, { globals } = this.module;
    // The fuel is one for all modules of a program: calls go back and forth.
    const fuel = {
      module: first === undefined ? HOST_MODULE : FIRST_MODULE,
      name: first === undefined ? "fuel" : "g0",
    };
    globals.push({ type: "i32", isMutable: true, imported: fuel });
    if (random.oneIn(3)) {
      for (const { name, type, isMutable } of HOST_GLOBALS) {
        if (random.oneIn(2)) globals.push({ type, isMutable, imported: { module: HOST_MODULE, name } });
      }
    }
    if (first !== undefined) {
      first.globals.forEach(({ type, isMutable }, index) => {
        if (index > 0 && isMutable && random.oneIn(3)) {
          globals.push({ type, isMutable, imported: { module: FIRST_MODULE, name: `g${index}` } });
        }
      });
    }
    this.checksum = globals.push({ type: "i64", isMutable: true, init: constant("i64", 0n) }) - 1;
    const imported = globals.filter(({ isMutable, init }) => !isMutable && init === undefined);
    for (let count = 1 + random.below(6); count > 0; count--) {
      const type: TypeName = this.#style.hasRefs && random.oneIn(4)
        ? random.pick(["funcref", "externref"])
        : random.pick(NUMBERS);
      const same = imported.filter((global) => global.type === type);
      const global: GlobalTree = {
        type,
        isMutable: !random.oneIn(4),
        init: same.length > 0 && random.oneIn(2)
          ? node("global.get", [type], [], unsigned(globals.indexOf(random.pick(same))))
          : type === "funcref" || type === "externref"
          ? zeroOf(type)
          : constant(type, random.pick(EDGES[type])),
      };
      globals.push(global);
    }
  }

  #segments(): void {
    const random = this.#random, { module } = this;
    const callables: (FuncTree | FuncImport)[] = [...module.funcs, ...module.funcImports];
    const items = (length: number): ElementTree["funcs"] =>
      Array.from({ length }, () => random.oneIn(6) ? undefined : random.pick(callables));
    // The first table holds each function at its own index, as far as it reaches: most indirect calls meet their type.
    module.elements.push({
      mode: "active",
      table: 0,
      offset: constant("i32", 0n),
      funcs: Array.from({ length: Math.min(module.tables[0].min, 8) }, (_, i) => callables[i]),
    });
    module.tables.forEach(({ type, min }, table) => {
      if (type !== "funcref" || random.oneIn(2)) return;
      const length = random.below(min + 1);
      const room = min - length + (random.oneIn(40) ? 1 : 0);
      module.elements.push({
        mode: "active",
        table,
        offset: constant("i32", BigInt(random.below(room + 1))),
        funcs: items(length),
      });
    });
    for (let count = random.below(3); count > 0; count--) {
      module.elements.push({
        mode: random.oneIn(4) ? "declarative" : "passive",
        table: 0,
        offset: constant("i32", 0n),
        funcs: items(random.below(8)),
      });
    }
    for (let count = random.below(4); count > 0; count--) {
      const bytes = Array.from({ length: random.below(40) }, () => random.below(256));
      if (module.memories.length === 0) continue;
      const end = module.memories[0].min * PAGE_BYTES - bytes.length;
      const isOutside = end < 0 || random.oneIn(60);
      const at = isOutside ? end + 1 : random.oneIn(3) ? end : Math.min(end, random.below(2000));
      const isPassive = random.oneIn(2) || isOutside && !random.oneIn(20);
      module.data.push(isPassive ? { bytes } : { bytes, offset: constant("i32", BigInt(at)) });
    }
  }
}
