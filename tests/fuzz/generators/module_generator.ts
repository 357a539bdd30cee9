/**
 * Random valid modules of everything that V8 has without flags, as trees; each uses a random part of it (a swarm), so that features meet in
 * all combinations.
 *
 * They end: functions and loop heads take from a global (the fuel) and trap when it is used up. They are deterministic as far as the
 * specification is: whatever would show the bits of a NaN that arithmetic made (stores, reinterpretation, the sign that copysign takes) gets
 * that value made canonical first, while values whose bits are defined (constants, loads, bit moves) pass as they are. Memories and tables
 * have small maxima, so that growing succeeds or fails alike everywhere.
 *
 * A program is up to three modules, each of which imports functions, memories, tables, globals and tags from those before it.
 */

import { BodyGenerator } from "./body_generator.ts";
import {
  HOST_GLOBALS,
  HOST_MEMORY,
  HOST_MODULE,
  HOST_TABLE,
  HOST_TAG,
  MAX_ELEMENTS,
  MAX_PAGES,
  moduleName,
  NUMBERS,
  PAGE_BYTES,
  type Program,
  type Style,
  WEIGHTED_NUMBERS,
} from "./program.ts";
import type { Random } from "./random.ts";
import { makeHeapTypes, someMember, TOPS, unpacked } from "./heap_types.ts";
import { diversify } from "./memory_kinds.ts";
import { EDGES } from "./values.ts";
import {
  constant,
  type ElementTree,
  type FuncImport,
  type FuncTree,
  type HeapTypeTree,
  isReference,
  type MemoryTree,
  type ModuleTree,
  type Node,
  node,
  type NumberType,
  type Signature,
  type TypeName,
  unsigned,
  zeroOf,
} from "./wasm_tree.ts";

/** Makes the program of a random sequence. */
export function generateProgram(random: Random): Program {
  const style = someStyle(random);
  const heapTypes = makeHeapTypes(random, style);
  const modules = [new ModuleGenerator(random, style, heapTypes, []).module];
  while (modules.length < 3 && random.oneIn(4)) {
    // The other modules differ in kind, but for the types that they share.
    const { hasObjects, hasFunctionReferences } = style;
    const other = { ...someStyle(random), hasObjects, hasFunctionReferences };
    modules.push(new ModuleGenerator(random, other, heapTypes, modules).module);
  }
  return { modules };
}

/** What a module has: each feature is drawn by itself. */
function someStyle(random: Random): Style {
  const hasVectors = random.oneIn(3);
  return {
    bodyBudget: random.oneIn(25) ? 2500 : random.pick([30, 80, 150, 300]),
    maxDepth: random.pick([4, 6, 9]),
    crowd: random.oneIn(60) ? 700 : random.oneIn(3) ? 20 + random.below(40) : random.below(6),
    hasRefs: random.oneIn(2),
    hasVectors,
    hasRelaxed: hasVectors && random.oneIn(2),
    hasObjects: random.oneIn(3),
    hasFunctionReferences: random.oneIn(3),
    hasTailCalls: random.oneIn(3),
    hasAtomics: random.oneIn(3),
    hasExtendedConst: random.oneIn(3),
    exceptions: random.pick(["none", "none", "none", "new", "new", "legacy"]),
    prefersMemory: random.oneIn(3),
    types: random.oneIn(6) ? [random.pick(NUMBERS), "i32"] : WEIGHTED_NUMBERS,
  };
}

class ModuleGenerator {
  readonly module: ModuleTree;
  /** The global that takes in whatever would be lost otherwise. */
  checksum = -1;
  readonly #random: Random;
  readonly #style: Style;
  readonly #before: readonly ModuleTree[];

  constructor(random: Random, style: Style, heapTypes: readonly HeapTypeTree[], before: readonly ModuleTree[]) {
    this.#random = random;
    this.#style = style;
    this.#before = before;
    this.module = {
      funcImports: [],
      memories: [],
      tables: [],
      globals: [],
      funcs: [],
      data: [],
      elements: [],
      heapTypes,
      tags: [],
    };
    this.#environment();
    const { module } = this;
    const count = 1 + random.below(6);
    const named = heapTypes.flatMap((type) => type.kind === "func" ? [type.signature] : []);
    for (let i = 0; i < count; i++) {
      const signature = named.length > 0 && random.oneIn(3) ? random.pick(named) : this.#signature("inside");
      module.funcs.push({ signature, locals: [], label: { types: signature.results }, body: [] });
    }
    if (random.oneIn(12)) {
      const func: FuncTree = { signature: { params: [], results: [] }, locals: [], label: { types: [] }, body: [] };
      module.funcs.push(func);
      module.start = func;
    }
    this.#segments();
    for (const func of module.funcs) new BodyGenerator(random, module, func, style, this.checksum).generate();
    if (random.oneIn(3)) diversify(random, module);
  }

  // One of the modules before, by its index; undefined in the first module, and half of the time.
  #source(): number | undefined {
    return this.#before.length === 0 || this.#random.oneIn(2) ? undefined : this.#random.below(this.#before.length);
  }

  #types(most: number, whose: "inside" | "host"): TypeName[] {
    const random = this.#random;
    const { hasRefs, hasVectors, hasObjects, types } = this.#style;
    const named = this.module.heapTypes!.length;
    return Array.from({ length: random.below(most + 1) }, (): TypeName => {
      if (hasRefs && random.oneIn(10)) return random.pick(["funcref", "externref"]);
      if (whose === "inside" && named > 0 && random.oneIn(5)) {
        return hasObjects && random.oneIn(3) ? random.pick(TOPS) : `(ref null ${random.below(named)})`;
      }
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
  #environment(): void {
    const random = this.#random, { module } = this;
    const hosts = 1 + random.below(3);
    for (let i = 0; i < hosts; i++) {
      const name = `${"hkl"[this.#before.length]}${i}`;
      module.funcImports.push({ module: HOST_MODULE, name, signature: this.#signature("host") });
    }
    this.#before.forEach((before, at) =>
      before.funcs.forEach((func, index) => {
        if (func !== before.start && random.oneIn(2)) {
          module.funcImports.push({ module: moduleName(at), name: `f${index}`, signature: func.signature });
        }
      })
    );
    this.#memories();
    this.#tables();
    this.#globals();
    if (this.#style.exceptions !== "none") this.#tags();
  }

  #tags(): void {
    const random = this.#random, tags = this.module.tags;
    if (random.oneIn(2)) {
      const signature = { params: HOST_TAG.params, results: [] };
      tags.push({ signature, imported: { module: HOST_MODULE, name: HOST_TAG.name } });
    }
    this.#before.forEach((before, at) =>
      before.tags.forEach(({ signature }, index) => {
        if (random.oneIn(2)) tags.push({ signature, imported: { module: moduleName(at), name: `x${index}` } });
      })
    );
    for (let count = 1 + random.below(3); count > 0; count--) {
      tags.push({ signature: { params: this.#types(3, "inside"), results: [] } });
    }
  }

  #memories(): void {
    const random = this.#random, { memories } = this.module;
    const from = this.#source();
    if (from !== undefined) {
      this.#before[from].memories.forEach(({ min, max, address, isShared }, index) => {
        // One with 64-bit addresses is not for bodies that know nothing of them.
        if (address !== undefined || memories.length > 1 || random.oneIn(3)) return;
        const imported = { module: moduleName(from), name: index === 0 ? "m" : `m${index}` };
        memories.push({ min, max, imported, ...(isShared ? { isShared } : {}) });
      });
      if (memories.length > 0) return;
    }
    if (random.oneIn(15)) return;
    const memory: MemoryTree = { min: random.oneIn(12) ? 0 : random.pick([1, 1, 2]), max: MAX_PAGES };
    memories.push(random.oneIn(6) ? { ...memory, imported: { module: HOST_MODULE, name: HOST_MEMORY.name } } : memory);
  }

  #tables(): void {
    const random = this.#random, { tables } = this.module;
    const from = this.#source();
    const theirs = from === undefined ? [] : this.#before[from].tables;
    const importTable = (index: number) => {
      const { type, min, max } = theirs[index];
      tables.push({ type, min, max, imported: { module: moduleName(from!), name: `t${index}` } });
    };
    if (theirs.length > 0 && theirs[0].address === undefined) importTable(0);
    else if (random.oneIn(6)) {
      const imported = { module: HOST_MODULE, name: HOST_TABLE.name };
      tables.push({ type: "funcref", min: HOST_TABLE.min, max: HOST_TABLE.max, imported });
    }
    theirs.forEach(({ address }, index) => {
      if (index > 0 && tables.length > 0 && address === undefined && random.oneIn(2)) importTable(index);
    });
    if (tables.length === 0) tables.push({ type: "funcref", min: 8, max: MAX_ELEMENTS });
    while (!random.oneIn(2)) {
      const type = this.#style.hasObjects && random.oneIn(3)
        ? "anyref"
        : random.pick(["funcref", "externref"] as const);
      tables.push({ type, min: random.below(10), max: MAX_ELEMENTS });
    }
  }

  #globals(): void {
    const random = this.#random, { globals } = this.module;
    // The fuel is one for all modules of a program: calls go back and forth.
    const isFirst = this.#before.length === 0;
    const fuel = { module: isFirst ? HOST_MODULE : moduleName(0), name: isFirst ? "fuel" : "g0" };
    globals.push({ type: "i32", isMutable: true, imported: fuel });
    if (random.oneIn(3)) {
      for (const { name, type, isMutable } of HOST_GLOBALS) {
        if (random.oneIn(2)) globals.push({ type, isMutable, imported: { module: HOST_MODULE, name } });
      }
    }
    this.#before.forEach((before, at) =>
      before.globals.forEach(({ type, isMutable }, index) => {
        if (index > 0 && random.oneIn(4)) {
          globals.push({ type, isMutable, imported: { module: moduleName(at), name: `g${index}` } });
        }
      })
    );
    this.checksum = globals.push({ type: "i64", isMutable: true, init: constant("i64", 0n) }) - 1;
    const { hasRefs, hasObjects } = this.#style;
    for (let count = 1 + random.below(6); count > 0; count--) {
      const named = this.module.heapTypes!.length;
      const type: TypeName = hasRefs && random.oneIn(4)
        ? random.pick(["funcref", "externref"])
        : named > 0 && random.oneIn(3)
        ? hasObjects && random.oneIn(2) ? random.pick(TOPS) : `(ref null ${random.below(named)})`
        : random.pick(NUMBERS);
      globals.push({ type, isMutable: !random.oneIn(4), init: this.#initial(type) });
    }
  }

  // A constant expression; globals before it that are constant may take part.
  #initial(type: TypeName): Node {
    const random = this.#random, { globals, heapTypes } = this.module;
    const same = globals.map((_, i) => i).filter((i) => globals[i].type === type && !globals[i].isMutable);
    if (same.length > 0 && random.oneIn(2)) return node("global.get", [type], [], unsigned(random.pick(same)));
    if (!isReference(type)) {
      const edge = constant(type as NumberType, random.pick(EDGES[type as NumberType]));
      if (!this.#style.hasExtendedConst || type !== "i32" && type !== "i64" || random.oneIn(2)) return edge;
      const op = random.pick(["add", "sub", "mul"] as const);
      return node(`${type}.${op}`, [type], [this.#initial(type), edge]);
    }
    if (!this.#style.hasObjects || random.oneIn(2)) return zeroOf(type);
    if (type === "externref") return node("extern.convert_any", [type], [this.#initial("anyref")]);
    if (type === "anyref" && random.oneIn(4)) return node("any.convert_extern", [type], [zeroOf("externref")]);
    const number = () => constant("i32", BigInt(random.below(9)));
    const isAny = type === "anyref" || type === "eqref";
    if (type === "i31ref" || isAny && random.oneIn(2)) return node("ref.i31", [type], [number()]);
    const member = someMember(random, heapTypes!, type);
    if (member === undefined) return zeroOf(type);
    const heapType = heapTypes![member];
    if (heapType.kind === "func") return zeroOf(type);
    if (heapType.kind === "struct") {
      if (random.oneIn(2)) return node("struct.new_default", [type], [], unsigned(member));
      const fields = heapType.fields.map(({ storage }) => this.#simple(unpacked(storage)));
      return node("struct.new", [type], fields, unsigned(member));
    }
    if (random.oneIn(3)) return node("array.new_default", [type], [number()], unsigned(member));
    const element = () => this.#simple(unpacked(heapType.storage));
    if (random.oneIn(2)) return node("array.new", [type], [element(), number()], unsigned(member));
    return node("array.new_fixed", [type], [element(), element()], unsigned(member), unsigned(2));
  }

  // Without parts: fields refer to their own type.
  #simple(type: TypeName): Node {
    return isReference(type) || type === "v128" ? zeroOf(type) : this.#initial(type);
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
        offset: this.#offset(random.below(room + 1)),
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
      module.data.push(isPassive ? { bytes } : { bytes, offset: this.#offset(at) });
    }
  }

  // An offset of a segment: a constant, or a sum.
  #offset(at: number): Node {
    const random = this.#random;
    if (!this.#style.hasExtendedConst || random.oneIn(2)) return constant("i32", BigInt(at));
    const part = random.below(1000);
    return node("i32.sub", ["i32"], [constant("i32", BigInt(at + part)), constant("i32", BigInt(part))]);
  }
}
