/**
 * Random valid modules of WebAssembly 2.0 without vectors, as trees.
 *
 * They end: functions and loop heads take from a global (the fuel) and trap when it is used up. They are deterministic as far as the
 * specification is: whatever would show the bits of a NaN that arithmetic made (stores, reinterpretation, the sign that copysign takes) gets
 * that value made canonical first, while values whose bits are defined (constants, loads, bit moves) pass as they are. Memories and tables
 * have small maxima, so that growing succeeds or fails alike everywhere.
 *
 * A program is one module, or two of which the second imports from the first.
 */

import type { OpName } from "../../../lib/wasm/mod.ts";
import { NUMERIC_ROWS, type NumericRow } from "./numeric_rows.ts";
import type { Random } from "./random.ts";
import { EDGES } from "./values.ts";
import {
  type BlockParts,
  constant,
  type ElementTree,
  type FuncImport,
  type FuncTree,
  type GlobalTree,
  type Immediate,
  type Label,
  memarg,
  type MemoryTree,
  type ModuleTree,
  type Node,
  node,
  type NumberType,
  selectTyped,
  type Signature,
  type TableTree,
  type TypeName,
  unsigned,
  zeroOf,
} from "./wasm_tree.ts";

/** Fuel of one call from outside: set by the caller before each. */
export const FUEL_PER_CALL = 600;
/** The global that holds it. */
export const FUEL_GLOBAL = 0;
/** Fuel of entering a function, of starting a round of a loop. */
const CALL_COST = 20, ROUND_COST = 1;

const NUMBERS: readonly NumberType[] = ["i32", "i64", "f32", "f64"];
const WEIGHTED_NUMBERS: readonly NumberType[] = ["i32", "i32", "i32", "i64", "i64", "f32", "f64", "f64"];
const PAGE_BYTES = 65536;
/** Pages and elements that memories and tables may grow to. */
const MAX_PAGES = 3, MAX_ELEMENTS = 24;

const BY_RESULT: Record<NumberType, NumericRow[]> = { i32: [], i64: [], f32: [], f64: [] };
const STORES: NumericRow[] = [];
for (const row of NUMERIC_ROWS) (row.result === undefined ? STORES : BY_RESULT[row.result]).push(row);

/** Operations that show all bits of a float operand, by the operand's position. */
const SHOWS_BITS: Partial<Record<OpName, number>> = {
  "i32.reinterpret_f32": 0,
  "i64.reinterpret_f64": 0,
  "f32.copysign": 1,
  "f64.copysign": 1,
  "f32.store": 1,
  "f64.store": 1,
};
/** Operations whose float result has defined bits if their operands have. */
const MOVES_BITS: readonly OpName[] = [
  "f32.abs",
  "f64.abs",
  "f32.neg",
  "f64.neg",
  "f32.copysign",
  "f64.copysign",
];
/** Operations whose float result has defined bits. */
const DEFINED_BITS: readonly OpName[] = [
  "f32.const",
  "f64.const",
  "f32.load",
  "f64.load",
  "f32.reinterpret_i32",
  "f64.reinterpret_i64",
  "f32.convert_i32_s",
  "f32.convert_i32_u",
  "f32.convert_i64_s",
  "f32.convert_i64_u",
  "f64.convert_i32_s",
  "f64.convert_i32_u",
  "f64.convert_i64_s",
  "f64.convert_i64_u",
];

/** Whether a float's bits are defined even if it is a NaN. */
function hasDefinedBits(value: Node): boolean {
  if (DEFINED_BITS.includes(value.op as OpName)) return true;
  return MOVES_BITS.includes(value.op as OpName) && hasDefinedBits(value.args[0]);
}

/** One or two modules. */
export interface Program {
  readonly modules: readonly ModuleTree[];
}

/** Where a program's modules find what they import from each other. */
export const FIRST_MODULE = "first";
/** Where host functions, globals, memories and tables are. */
export const HOST_MODULE = "host";

/** What the host offers under these names of {@linkcode HOST_MODULE}, besides the functions and the fuel. */
export const HOST_MEMORY = { name: "memory", min: 2, max: MAX_PAGES } as const;
/** As {@linkcode HOST_MEMORY}. */
export const HOST_TABLE = { name: "table", type: "funcref", min: 8, max: MAX_ELEMENTS } as const;
/** As {@linkcode HOST_MEMORY}: one constant and one variable of each type. */
export const HOST_GLOBALS: readonly { name: string; type: NumberType; isMutable: boolean }[] = NUMBERS.flatMap((type) =>
  [true, false].map((isMutable) => ({ name: `${isMutable ? "var" : "const"} ${type}`, type, isMutable }))
);

/** Makes the program of a random sequence. */
export function generateProgram(random: Random): Program {
  const first = new ModuleGenerator(random, undefined).module;
  if (!random.oneIn(5)) return { modules: [first] };
  return { modules: [first, new ModuleGenerator(random, first).module] };
}

/** How much of what a module has: drawn once a module, so that modules differ in kind. */
interface Style {
  readonly bodyBudget: number;
  readonly maxDepth: number;
  readonly crowd: number;
  readonly hasRefs: boolean;
  readonly prefersMemory: boolean;
  readonly types: readonly NumberType[];
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
      prefersMemory: random.oneIn(3),
      types: random.oneIn(6) ? [random.pick(NUMBERS), "i32"] : WEIGHTED_NUMBERS,
    };
    this.#environment(first);
    const { module } = this;
    const count = 1 + random.below(6);
    for (let i = 0; i < count; i++) {
      const signature = this.#signature();
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
  }

  #types(most: number): TypeName[] {
    const { hasRefs, types } = this.#style;
    return Array.from(
      { length: this.#random.below(most + 1) },
      () => hasRefs && this.#random.oneIn(10) ? this.#random.pick(["funcref", "externref"]) : this.#random.pick(types),
    );
  }

  #signature(): Signature {
    const random = this.#random;
    return {
      params: this.#types(random.oneIn(4) ? 12 : 4),
      results: this.#types(random.oneIn(6) ? 9 : random.oneIn(3) ? 3 : 1),
    };
  }

  // Everything but functions. Imports come first in each list.
  #environment(first: ModuleTree | undefined): void {
    const random = this.#random, { module } = this;
    const hosts = 1 + random.below(3);
    for (let i = 0; i < hosts; i++) {
      const name = `${first === undefined ? "h" : "k"}${i}`;
      module.funcImports.push({ module: HOST_MODULE, name, signature: this.#signature() });
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
      const { min, max } = first.memories[0];
      memories.push({ min, max, imported: { module: FIRST_MODULE, name: "m" } });
      return;
    }
    if (random.oneIn(15)) return;
    const memory: MemoryTree = { min: random.pick([0, 1, 1, 1, 1, 2, 2]), max: MAX_PAGES };
    memories.push(random.oneIn(6) ? { ...memory, imported: { module: HOST_MODULE, name: HOST_MEMORY.name } } : memory);
  }

  #tables(first: ModuleTree | undefined): void {
    const random = this.#random, { tables } = this.module;
    if (first !== undefined && first.tables.length > 0 && random.oneIn(2)) {
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

/** Fills in one function. */
class BodyGenerator {
  readonly #random: Random;
  readonly #module: ModuleTree;
  readonly #func: FuncTree;
  readonly #style: Style;
  readonly #checksum: number;
  readonly #locals: TypeName[];
  /** Counters of loops: not to be written by others. */
  readonly #reserved = new Set<number>();
  readonly #labels: Label[];
  #budget: number;

  constructor(random: Random, module: ModuleTree, func: FuncTree, style: Style, checksum: number) {
    this.#checksum = checksum;
    this.#random = random;
    this.#module = module;
    this.#func = func;
    this.#style = style;
    this.#labels = [func.label];
    this.#budget = 10 + random.below(style.bodyBudget);
    for (let count = random.below(6); count > 0; count--) func.locals.push(this.#someType());
    for (let i = 0; i < style.crowd; i++) func.locals.push(random.pick(style.types));
    this.#locals = [...func.signature.params, ...func.locals];
  }

  generate(): void {
    const { body, signature } = this.#func;
    const { crowd, maxDepth } = this.#style;
    body.push(...this.#takeFuel(CALL_COST));
    if (crowd > 10) body.push(...this.#crowdStart(crowd));
    body.push(...this.#statements(maxDepth));
    if (crowd > 10) {
      if (this.#random.oneIn(2)) body.push(this.#countedLoop(maxDepth));
      if (this.#module.memories.length > 0 && this.#module.memories[0].min > 0) body.push(...this.#crowdEnd(crowd));
    }
    // What is in the locals now would be lost, and with it any mistake that led to it.
    if (!this.#random.oneIn(4)) {
      this.#locals.slice(0, 40).forEach((type, i) => body.push(...this.#mix(this.#local(type, i))));
    }
    body.push(...this.#values(signature.results, maxDepth));
  }

  #local(type: TypeName, index: number): Node {
    return node("local.get", [type], [], unsigned(index));
  }

  // Takes a value into the checksum.
  #mix(value: Node): Node[] {
    const type = value.types[0];
    const sum = node("global.get", ["i64"], [], unsigned(this.#checksum));
    const turned = node("i64.rotl", ["i64"], [sum, constant("i64", 7n)]);
    const mixed = node("i64.add", ["i64"], [turned, this.#bits(type, value)]);
    return [node("global.set", [], [mixed], unsigned(this.#checksum))];
  }

  #bits(type: TypeName, value: Node): Node {
    switch (type) {
      case "i32":
        return node("i64.extend_i32_s", ["i64"], [value]);
      case "i64":
        return value;
      case "f32":
        return node("i64.extend_i32_u", ["i64"], [node("i32.reinterpret_f32", ["i32"], [this.#shown(value)])]);
      case "f64":
        return node("i64.reinterpret_f64", ["i64"], [this.#shown(value)]);
      case "funcref":
      case "externref":
        return node("i64.extend_i32_u", ["i64"], [node("ref.is_null", ["i32"], [value])]);
    }
  }

  #someType(): TypeName {
    if (this.#style.hasRefs && this.#random.oneIn(10)) return this.#random.pick(["funcref", "externref"]);
    return this.#random.pick(this.#style.types);
  }

  #someNumber(): NumberType {
    return this.#random.pick(this.#style.types);
  }

  #i32(value: number): Node {
    return constant("i32", BigInt(value));
  }

  #takeFuel(amount: number): Node[] {
    const fuel = () => node("global.get", ["i32"], [], unsigned(FUEL_GLOBAL));
    const less = node("i32.sub", ["i32"], [fuel(), this.#i32(amount)]);
    const stop = this.#blockNode("if", [], [node("i32.lt_s", ["i32"], [fuel(), this.#i32(0)])], {
      label: { types: [] },
      params: [],
      body: [node("unreachable", [])],
    });
    return [node("global.set", [], [less], unsigned(FUEL_GLOBAL)), stop].map((made) => ({ ...made, isFixed: true }));
  }

  #blockNode(op: "block" | "loop" | "if", types: readonly TypeName[], args: Node[], block: BlockParts): Node {
    return { ...node(op, types, args), block };
  }

  // Gives each of many locals a value of its own; all are read again by #crowdEnd, so they live in between.
  #crowdStart(count: number): Node[] {
    const first = this.#locals.length - count;
    return Array.from({ length: count }, (_, i) => {
      const type = this.#locals[first + i];
      return node("local.set", [], [this.#expression(type, 2)], unsigned(first + i));
    });
  }

  #crowdEnd(count: number): Node[] {
    const first = this.#locals.length - count;
    return Array.from({ length: count }, (_, i) => {
      const type = this.#locals[first + i] as NumberType;
      const value = this.#shown(node("local.get", [type], [], unsigned(first + i)));
      return node(`${type}.store`, [], [this.#i32(0), value], memarg(4096 + 8 * i));
    });
  }

  #statements(depth: number): Node[] {
    const all: Node[] = [];
    for (let count = this.#random.below(5); count > 0; count--) all.push(...this.#statement(depth));
    return all;
  }

  // One statement, or some that belong together: they leave the stack as it was.
  #statement(depth: number): Node[] {
    if (this.#budget-- <= 0 || depth <= 0) return [];
    const random = this.#random;
    const memory = this.#module.memories.length > 0;
    if (memory && this.#style.prefersMemory && random.oneIn(3)) {
      return random.oneIn(2) ? this.#accessGroup(depth) : [this.#store(depth)];
    }
    switch (random.below(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.#localSet(depth);
      case 4:
      case 5:
      case 6:
        if (!memory) return this.#localSet(depth);
        return random.oneIn(4) ? this.#accessGroup(depth) : [this.#store(depth)];
      case 7:
      case 8:
        return this.#globalSet(depth);
      case 9:
      case 10:
        return [this.#block("block", [], [], depth)];
      case 11:
        return [this.#block("loop", [], [], depth)];
      case 12:
      case 13:
        return [this.#countedLoop(depth)];
      case 14:
      case 15:
        return [this.#if([], [], depth)];
      case 16:
        return this.#multiBlock(depth);
      case 17:
        return this.#branchIf(depth);
      case 18:
        return random.oneIn(3)
          ? [this.#switch(depth)]
          : [this.#blockNode("if", [], [this.#condition(depth - 1)], this.#arm([], [this.#jump([], depth - 1)]))];
      case 19:
      case 20:
        return this.#callStatement(depth);
      case 21:
        return memory ? this.#bulkMemory(depth) : this.#localSet(depth);
      case 22:
        return random.oneIn(2) ? this.#decisions() : this.#tableStatement(depth);
      default:
        return [
          random.oneIn(4) ? node("nop", []) : node("drop", [], [this.#expression(this.#someNumber(), depth - 1)]),
        ];
    }
  }

  #arm(params: readonly TypeName[], body: Node[]): BlockParts {
    return { label: { types: [] }, params, body };
  }

  #settable(type?: TypeName): number[] {
    return this.#locals.map((_, i) => i).filter((i) =>
      !this.#reserved.has(i) && (type === undefined || this.#locals[i] === type)
    );
  }

  #localSet(depth: number): Node[] {
    const locals = this.#settable();
    if (locals.length === 0) return [];
    const local = this.#random.pick(locals);
    return [node("local.set", [], [this.#expression(this.#locals[local], depth - 1)], unsigned(local))];
  }

  #globalSet(depth: number): Node[] {
    const { globals } = this.#module;
    const settable = globals.map((_, i) => i).filter((i) =>
      i !== FUEL_GLOBAL && i !== this.#checksum && globals[i].isMutable
    );
    if (settable.length === 0) return [];
    const global = this.#random.pick(settable);
    return [node("global.set", [], [this.#expression(globals[global].type, depth - 1)], unsigned(global))];
  }

  // Pops a value that an earlier node left: into a local if one of its type can be written.
  #consume(type: TypeName): Node {
    const locals = this.#settable(type);
    const value = node("popped", [type]);
    if (locals.length === 0 || this.#random.oneIn(4)) return node("drop", [], [value]);
    return node("local.set", [], [value], unsigned(this.#random.pick(locals)));
  }

  // A node that leaves several values, and what takes them, last one first.
  #consumeAll(made: Node): Node[] {
    const { types } = made;
    return [made, ...types.map((_, i) => this.#consume(types[types.length - 1 - i]))];
  }

  #values(types: readonly TypeName[], depth: number): Node[] {
    const random = this.#random;
    const all: Node[] = [];
    for (let i = 0; i < types.length; i++) {
      // Sometimes one instruction gives all that is left.
      const rest = types.slice(i);
      if (rest.length > 1 && rest.length < 6 && depth > 1 && this.#budget > 0 && random.oneIn(4)) {
        const callees = this.#callees((signature) => `${signature.results}` === `${rest}`);
        const made = callees.length > 0 && random.oneIn(2)
          ? this.#call(random.pick(callees), depth - 1)
          : random.oneIn(2)
          ? this.#block(random.pick(["block", "loop"]), this.#someTypes(2), rest, depth - 1)
          : this.#if(this.#someTypes(2), rest, depth - 1);
        return [...all, made];
      }
      all.push(this.#expression(types[i], depth));
    }
    return all;
  }

  #someTypes(most: number): TypeName[] {
    return Array.from({ length: this.#random.below(most + 1) }, () => this.#someType());
  }

  // From the parameters that lie on the stack to the results.
  #inside(params: readonly TypeName[], results: readonly TypeName[], depth: number): Node[] {
    const random = this.#random;
    const body: Node[] = [];
    if (random.oneIn(2)) body.push(...this.#statements(depth - 1));
    // Parameters are taken by an operation each, or put away.
    for (let i = params.length - 1; i >= 0; i--) {
      const type = params[i];
      if ((type === "i32" || type === "i64" || type === "f32" || type === "f64") && random.oneIn(2)) {
        const sum = node(`${type}.add`, [type], [node("popped", [type]), this.#expression(type, depth - 2)]);
        const locals = this.#settable(type);
        body.push(
          locals.length === 0 ? node("drop", [], [sum]) : node("local.set", [], [sum], unsigned(random.pick(locals))),
        );
      } else body.push(this.#consume(type));
    }
    body.push(...this.#statements(depth - 1), ...this.#values(results, depth - 2));
    return body;
  }

  #block(op: "block" | "loop", params: readonly TypeName[], results: readonly TypeName[], depth: number): Node {
    const args = this.#values(params, depth - 2);
    const label: Label = { types: op === "loop" ? params : results };
    this.#labels.push(label);
    const body = this.#inside(params, results, depth);
    this.#labels.pop();
    if (op === "loop") body.unshift(...this.#takeFuel(ROUND_COST));
    return this.#blockNode(op, results, args, { label, params, body });
  }

  #if(params: readonly TypeName[], results: readonly TypeName[], depth: number): Node {
    const args = [...this.#values(params, depth - 2), this.#condition(depth - 2)];
    const label: Label = { types: results };
    this.#labels.push(label);
    const body = this.#inside(params, results, depth);
    const isNeutral = `${params}` === `${results}`;
    const parts = isNeutral && this.#random.oneIn(2)
      ? { label, params, body }
      : { label, params, body, otherwise: this.#inside(params, results, depth) };
    this.#labels.pop();
    return this.#blockNode("if", results, args, parts);
  }

  // A loop of a few rounds with a counter that nothing else writes.
  #countedLoop(depth: number): Node {
    const counters = this.#settable("i32");
    if (counters.length === 0) return this.#block("loop", [], [], depth);
    const counter = this.#random.pick(counters);
    this.#reserved.add(counter);
    const rounds = 1 + this.#random.below(6);
    const label: Label = { types: [] };
    this.#labels.push({ types: [] }); // not a target: the counter alone decides
    const inner = this.#labels.at(-1)!;
    const statements = this.#statements(depth - 1);
    if (statements.length === 0) statements.push(...this.#statement(depth - 1));
    if (this.#module.memories.length > 0 && this.#random.oneIn(2)) {
      statements.push(...this.#elementAccess(counter, depth));
    }
    this.#labels.pop();
    const body = [
      ...this.#takeFuel(ROUND_COST),
      this.#blockNode("block", [], [], { label: inner, params: [], body: statements }),
      node("br_if", [], [
        node("i32.lt_u", ["i32"], [
          node("local.tee", ["i32"], [
            node("i32.add", ["i32"], [node("local.get", ["i32"], [], unsigned(counter)), this.#i32(1)]),
          ], unsigned(counter)),
          this.#i32(rounds),
        ]),
      ], { label }),
    ];
    this.#reserved.delete(counter);
    return this.#blockNode("block", [], [], {
      label: { types: [] },
      params: [],
      body: [
        node("local.set", [], [this.#i32(0)], unsigned(counter)),
        this.#blockNode("loop", [], [], { label, params: [], body }),
      ],
    });
  }

  // a[i] = a[j] op value, where the index is a loop's counter.
  #elementAccess(counter: number, depth: number): Node[] {
    const random = this.#random;
    const type = random.pick(["i32", "i64", "f64"] as const);
    const bases = this.#locals.map((_, i) => i).filter((i) => this.#locals[i] === "i32" && i !== counter);
    const index = () => node("local.get", ["i32"], [], unsigned(counter));
    const base = bases.length === 0 || random.oneIn(3)
      ? this.#i32(random.below(5000))
      : node("i32.and", ["i32"], [node("local.get", ["i32"], [], unsigned(random.pick(bases))), this.#i32(0x7ff8)]);
    const scaled = random.oneIn(4)
      ? node("i32.mul", ["i32"], [index(), this.#i32(random.pick([3, 4, 8, 12, 24]))])
      : node("i32.shl", ["i32"], [index(), this.#i32(random.below(5))]);
    const address = () =>
      random.oneIn(2) ? node("i32.add", ["i32"], [base, scaled]) : node("i32.add", ["i32"], [scaled, base]);
    const load = node(`${type}.load`, [type], [address()], memarg(8 * random.below(3)));
    const op = random.pick(["add", "sub", "mul"] as const);
    const sum = node(`${type}.${op}`, [type], [load, this.#expression(type, depth - 2)]);
    return [node(`${type}.store`, [], [address(), this.#shown(sum)], memarg(8 * random.below(3)))];
  }

  #multiBlock(depth: number): Node[] {
    const results = this.#someTypes(4);
    const params = this.#someTypes(3);
    const made = this.#random.oneIn(3)
      ? this.#if(params, results, depth)
      : this.#block(this.#random.pick(["block", "loop"]), params, results, depth);
    return this.#consumeAll(made);
  }

  #label(): Label {
    // The innermost labels most often.
    const { length } = this.#labels;
    const back = this.#random.oneIn(2) ? this.#random.below(length) : this.#random.below(Math.min(3, length));
    return this.#labels[length - 1 - back];
  }

  #branchIf(depth: number): Node[] {
    const label = this.#label();
    const args = [...this.#values(label.types, depth - 2), this.#condition(depth - 2)];
    return this.#consumeAll(node("br_if", label.types, args, { label }));
  }

  // Leaves the block for good; stands where values of `types` are expected.
  #jump(types: readonly TypeName[], depth: number): Node {
    const random = this.#random;
    const label = this.#label();
    switch (random.below(6)) {
      case 0:
        return node("return", types, this.#values(this.#labels[0].types, depth - 1));
      case 1:
      case 2: {
        const alike = this.#labels.filter((other) => `${other.types}` === `${label.types}`);
        const labels = Array.from({ length: 1 + random.below(6) }, () => random.pick(alike));
        return node("br_table", types, [...this.#values(label.types, depth - 1), this.#selector(depth - 1)], {
          labels,
        });
      }
      case 3:
        return random.oneIn(3)
          ? node("unreachable", types)
          : node("br", types, this.#values(label.types, depth - 1), { label });
      default:
        return node("br", types, this.#values(label.types, depth - 1), { label });
    }
  }

  #selector(depth: number): Node {
    const value = this.#expression("i32", depth);
    return this.#random.oneIn(4) ? value : node("i32.and", ["i32"], [value, this.#i32(this.#random.pick([3, 7]))]);
  }

  // br_table out of nested blocks, as compilers make of a switch statement.
  #switch(depth: number): Node {
    const count = 1 + this.#random.below(5);
    const labels = Array.from({ length: count + 1 }, (): Label => ({ types: [] }));
    this.#labels.push(...labels.toReversed());
    const targets = Array.from({ length: 1 + this.#random.below(9) }, () => this.#random.pick(labels));
    let body: Node[] = [node("br_table", [], [this.#selector(depth - 2)], { labels: targets })];
    for (let i = 0; i < count; i++) {
      this.#labels.pop();
      body = [this.#blockNode("block", [], [], { label: labels[i], params: [], body }), ...this.#statements(depth - 2)];
      if (this.#random.oneIn(2)) body.push(node("br", [], [], { label: labels[count] }));
    }
    this.#labels.pop();
    return this.#blockNode("block", [], [], { label: labels[count], params: [], body });
  }

  #callees(accepts: (signature: Signature) => boolean): (FuncTree | FuncImport)[] {
    const { funcs, funcImports } = this.#module;
    return [...funcs, ...funcImports].filter(({ signature }) => accepts(signature));
  }

  #call(callee: FuncTree | FuncImport, depth: number): Node {
    const random = this.#random;
    const { signature } = callee;
    const args = this.#values(signature.params, depth - 1);
    if (random.oneIn(2)) return node("call", signature.results, args, { func: callee });
    const { tables, funcs, funcImports } = this.#module;
    const inTables = tables.map((_, i) => i).filter((i) => tables[i].type === "funcref");
    const table = random.oneIn(4) ? random.pick(inTables) : 0;
    const index = [...funcs, ...funcImports].indexOf(callee);
    const wanted = random.oneIn(12) ? random.below(12) : index;
    const element = random.oneIn(12) ? this.#expression("i32", depth - 1) : this.#i32(wanted);
    return node("call_indirect", signature.results, [...args, element], { signature }, unsigned(table));
  }

  #callStatement(depth: number): Node[] {
    return this.#consumeAll(this.#call(this.#random.pick(this.#callees(() => true)), depth - 1));
  }

  // Memory.

  #address(depth: number): Node {
    const random = this.#random;
    const value = () => this.#expression("i32", depth - 1);
    const limited = (mask: number) => node("i32.and", ["i32"], [value(), this.#i32(mask)]);
    switch (random.below(12)) {
      case 0:
        return random.oneIn(6) ? value() : limited(0xffff);
      case 1: {
        if (!random.oneIn(4)) return limited(0x1ffc);
        // At the end of memory, one byte more or less.
        const pages = 1 + random.below(2);
        return this.#i32(pages * PAGE_BYTES - random.below(10));
      }
      case 2:
        return node("i32.shl", ["i32"], [limited(0xff), this.#i32(random.below(6))]);
      case 3:
        return node("i32.add", ["i32"], [
          node("i32.shl", ["i32"], [limited(0xff), this.#i32(random.below(4))]),
          this.#chance(limited(0xfff)),
        ]);
      case 4:
        return node("i32.sub", ["i32"], [limited(0xfff), this.#i32(random.pick([1, 4, 8, -16, 100]))]);
      case 5:
        return node("i32.wrap_i64", ["i32"], [
          node("i64.or", ["i64"], [
            node("i64.and", ["i64"], [this.#expression("i64", depth - 1), constant("i64", 0xfffn)]),
            constant("i64", random.oneIn(2) ? 0n : BigInt(random.next()) << 32n),
          ]),
        ]);
      case 6:
        return node("i32.shr_u", ["i32"], [value(), this.#i32(16 + random.below(10))]);
      case 7:
        return node("i32.add", ["i32"], [limited(0xfff), this.#i32(random.pick([0, 8, 0x7fff, -4, -0x1000]))]);
      case 8: {
        const locals = this.#locals.map((_, i) => i).filter((i) => this.#locals[i] === "i32");
        if (locals.length === 0) return limited(0xfff);
        return node("i32.and", ["i32"], [
          node("local.get", ["i32"], [], unsigned(random.pick(locals))),
          this.#i32(0x7ff8),
        ]);
      }
      default:
        return limited(0xfff);
    }
  }

  #chance(value: Node): Node {
    return this.#random.oneIn(3) ? this.#i32(this.#random.below(4096)) : value;
  }

  #offset(alignLog2 = 0): Immediate {
    const random = this.#random;
    if (random.oneIn(60)) {
      return memarg(
        random.pick([0xffff, 0x10000, 0xfff8, 0x20000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff, 0x7ffffff8]),
        alignLog2,
      );
    }
    return memarg(random.oneIn(3) ? 0 : random.below(64), alignLog2);
  }

  #store(depth: number): Node {
    return this.#row(this.#random.pick(STORES), depth);
  }

  // Accesses at constant distances from one local, as structures and arrays make them, with other statements in between: what removes
  // checks, repeated loads and stores in place sees work. Now and then the local's address is at the end of memory.
  #accessGroup(depth: number): Node[] {
    const random = this.#random;
    const locals = this.#settable("i32");
    if (locals.length === 0) return [this.#store(depth)];
    const local = random.pick(locals);
    const base = () => node("local.get", ["i32"], [], unsigned(local));
    const wasReserved = random.oneIn(2);
    const last = PAGE_BYTES * Math.max(1, this.#module.memories[0].min) - random.below(24);
    const all: Node[] = [
      node("local.set", [], [random.oneIn(6) ? this.#i32(last) : this.#address(depth)], unsigned(local)),
    ];
    if (wasReserved) this.#reserved.add(local);
    const offsets = Array.from({ length: 1 + random.below(3) }, () => random.below(24));
    const offset = () => random.oneIn(10) ? this.#offset() : memarg(random.pick(offsets));
    for (let count = 1 + random.below(6); count > 0; count--) {
      const shape = random.below(10);
      if (shape >= 8) all.push(...this.#overwritten(base, random.pick(offsets), depth));
      else if (shape < 3) all.push(this.#update(base, random.pick(offsets), depth));
      else if (shape < 5) {
        const { name, operands } = random.pick(STORES);
        const value = this.#expression(operands[1], depth - 2);
        all.push(node(name, [], [base(), SHOWS_BITS[name] === undefined ? value : this.#shown(value)], offset()));
      } else if (shape < 7) {
        const type = this.#someNumber();
        const { name } = random.pick(BY_RESULT[type].filter(({ accessBytes }) => accessBytes > 0));
        const value = node(name, [type], [base()], offset());
        const targets = this.#settable(type);
        all.push(
          targets.length === 0
            ? node("drop", [], [value])
            : node("local.set", [], [value], unsigned(random.pick(targets))),
        );
      } else all.push(...this.#statement(depth - 1));
    }
    if (wasReserved) this.#reserved.delete(local);
    return all;
  }

  // A value is loaded, then written over, then used.
  #overwritten(base: () => Node, offset: number, depth: number): Node[] {
    const random = this.#random;
    const type = random.pick(["i32", "i64", "f64"] as const);
    const [loaded, sum] = [this.#settable(type), this.#settable(type)].map((all) =>
      all.length > 0 ? random.pick(all) : -1
    );
    if (loaded < 0 || sum < 0) return [];
    const get = (index: number) => node("local.get", [type], [], unsigned(index));
    const op = random.pick(["add", "sub", "mul"] as const);
    return [
      node("local.set", [], [node(`${type}.load`, [type], [base()], memarg(offset))], unsigned(loaded)),
      random.oneIn(4)
        ? this.#store(depth - 1)
        : node(`${type}.store`, [], [base(), this.#shown(this.#expression(type, depth - 2))], memarg(offset)),
      node("local.set", [], [node(`${type}.${op}`, [type], [get(sum), get(loaded)])], unsigned(sum)),
    ];
  }

  // x[local] = x[local] op value, of an integer type.
  #update(base: () => Node, offset: number, depth: number): Node {
    const random = this.#random;
    const type = random.pick(["i32", "i64"] as const);
    const op = random.pick(["add", "sub", "and", "or", "xor", "shl", "mul"] as const);
    const load = node(`${type}.load`, [type], [base()], memarg(offset));
    const value = this.#expression(type, depth - 2);
    const operands = random.oneIn(3) ? [value, load] : [load, value];
    return node(`${type}.store`, [], [base(), node(`${type}.${op}`, [type], operands)], memarg(offset));
  }

  #bulkMemory(depth: number): Node[] {
    const random = this.#random;
    const { data } = this.#module;
    const length = () =>
      random.oneIn(15)
        ? this.#expression("i32", depth - 1)
        : random.oneIn(2)
        ? this.#i32(random.below(300))
        : node("i32.and", ["i32"], [this.#expression("i32", depth - 1), this.#i32(0x3f)]);
    switch (random.below(data.length === 0 ? 3 : 5)) {
      case 0:
        return [
          node("memory.fill", [], [this.#address(depth), this.#expression("i32", depth - 1), length()], unsigned(0)),
        ];
      case 1:
        return [
          node("memory.copy", [], [this.#address(depth), this.#address(depth), length()], unsigned(0), unsigned(0)),
        ];
      case 2:
        return [node("drop", [], [this.#grow("memory.grow", [], depth)])];
      case 3: {
        const segment = random.below(data.length);
        const small = (most: number) => this.#i32(random.below(most));
        const { length } = data[segment].bytes;
        return [
          node(
            "memory.init",
            [],
            [this.#address(depth), small(length + 1), small(length + 1)],
            unsigned(segment),
            unsigned(0),
          ),
        ];
      }
      default:
        return random.oneIn(3) ? [node("data.drop", [], [], unsigned(random.below(data.length)))] : [];
    }
  }

  #grow(op: "memory.grow", args: Node[], depth: number): Node {
    const delta = this.#random.oneIn(3)
      ? this.#expression("i32", depth - 1)
      : this.#i32(this.#random.pick([0, 1, 1, 2, 3, 65536, -1]));
    return node(op, ["i32"], [...args, delta], unsigned(0));
  }

  // Tables.

  #tableIndex(depth: number): Node {
    return this.#random.oneIn(10) ? this.#expression("i32", depth - 1) : this.#i32(this.#random.below(10));
  }

  // A table to change: seldom the first, which indirect calls rely on.
  #someTable(): number {
    const { length } = this.#module.tables;
    return length === 1 || this.#random.oneIn(8) ? 0 : 1 + this.#random.below(length - 1);
  }

  #tableStatement(depth: number): Node[] {
    const random = this.#random;
    const { tables, elements } = this.#module;
    const table = this.#someTable();
    const { type } = tables[table];
    const small = () => random.oneIn(15) ? this.#expression("i32", depth - 1) : this.#i32(random.below(6));
    switch (random.below(7)) {
      case 0:
      case 1:
        return [node("table.set", [], [this.#tableIndex(depth), this.#expression(type, depth - 1)], unsigned(table))];
      case 2:
        return [
          node(
            "table.fill",
            [],
            [this.#tableIndex(depth), this.#expression(type, depth - 1), small()],
            unsigned(table),
          ),
        ];
      case 3: {
        const sources = tables.map((_, i) => i).filter((i) => tables[i].type === type);
        const source = random.pick(sources);
        return [
          node(
            "table.copy",
            [],
            [this.#tableIndex(depth), this.#tableIndex(depth), small()],
            unsigned(table),
            unsigned(source),
          ),
        ];
      }
      case 4: {
        if (type !== "funcref") return [];
        const segment = random.below(elements.length);
        return [
          node("table.init", [], [this.#tableIndex(depth), small(), small()], unsigned(segment), unsigned(table)),
        ];
      }
      case 5:
        return random.oneIn(3) ? [node("elem.drop", [], [], unsigned(random.below(elements.length)))] : [];
      default:
        return [
          node("drop", [], [
            node("table.grow", ["i32"], [this.#expression(type, depth - 1), small()], unsigned(table)),
          ]),
        ];
    }
  }

  // Expressions: one node that leaves one value.

  #condition(depth: number): Node {
    return this.#random.oneIn(4) ? this.#test(depth) : this.#expression("i32", depth);
  }

  // Nested comparisons of the same two values: what one says decides others. Each way through leaves its own number.
  #decisions(): Node[] {
    const random = this.#random;
    const type = random.oneIn(3) ? "i64" : "i32";
    const locals = this.#locals.map((_, i) => i).filter((i) => this.#locals[i] === type);
    const targets = this.#settable("i32");
    if (locals.length === 0 || targets.length === 0) return [];
    const target = random.pick(targets);
    // Parameters rather than locals, which are often zero still.
    const first = () => random.pick(random.oneIn(4) ? locals : locals.slice(0, 3));
    const x = first();
    let y = first();
    if (x === y) y = first();
    const comparesPair = random.oneIn(2);
    const some = (local: number) => node("local.get", [type], [], unsigned(local));
    const bounds = Array.from({ length: 2 }, () => random.pick(EDGES[type]));
    const right = () =>
      random.oneIn(2)
        ? some(y)
        : constant(type, random.pick(bounds) + BigInt(random.oneIn(2) ? 0 : random.below(3) - 1));
    const test = () => {
      const cond = random.pick(["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"] as const);
      return node(`${type}.${cond}`, ["i32"], random.oneIn(5) ? [right(), some(x)] : [some(x), right()]);
    };
    const tree = (levels: number): Node => {
      if (levels === 0) return this.#i32(random.below(1000));
      const condition = random.oneIn(4)
        ? node(random.pick(["i32.and", "i32.or"]), ["i32"], [test(), test()])
        : random.oneIn(4)
        ? node("i32.eqz", ["i32"], [test()])
        : test();
      if (random.oneIn(6)) return node("select", ["i32"], [tree(levels - 1), tree(levels - 1), condition]);
      const label: Label = { types: ["i32"] };
      return this.#blockNode("if", ["i32"], [condition], {
        label,
        params: [],
        body: [tree(levels - 1)],
        otherwise: [tree(levels - 1)],
      });
    };
    const decided = node("local.set", [], [tree(2 + random.below(3))], unsigned(target));
    return random.oneIn(4) ? [decided] : [decided, ...this.#mix(this.#local("i32", target))];
  }

  // A comparison of one of few locals with another, or with one of few numbers: nested conditions decide each other.
  #test(depth: number): Node {
    const random = this.#random;
    const type = random.oneIn(4) ? "i64" : "i32";
    const locals = this.#locals.map((_, i) => i).filter((i) => this.#locals[i] === type).slice(0, 3);
    if (locals.length === 0) return this.#comparison(depth);
    const some = (): Node => {
      const local = node("local.get", [type], [], unsigned(random.pick(locals)));
      switch (random.below(8)) {
        case 0:
          return node(`${type}.and`, [type], [local, constant(type, random.pick([7n, 15n, 255n, 0x7fffffffn]))]);
        case 1:
          return node(`${type}.add`, [type], [local, constant(type, BigInt(random.below(9) - 4))]);
        case 2:
          return node(`${type}.shr_u`, [type], [local, constant(type, BigInt(random.below(8)))]);
        default:
          return local;
      }
    };
    const bound = random.oneIn(3) ? some() : constant(
      type,
      random.pick([0n, 1n, 7n, 8n, 9n, 100n, -1n, 0x7fffffffn, -0x80000000n]) + BigInt(random.below(3) - 1),
    );
    const cond = random.pick(["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"] as const);
    const test = node(`${type}.${cond}`, ["i32"], random.oneIn(6) ? [bound, some()] : [some(), bound]);
    if (depth <= 0 || random.below(3) > 0) return test;
    return random.oneIn(3)
      ? node("i32.eqz", ["i32"], [test])
      : node(random.pick(["i32.and", "i32.or", "i32.xor"]), ["i32"], [test, this.#test(depth - 2)]);
  }

  #expression(type: TypeName, depth: number): Node {
    if (this.#budget-- <= 0 || depth <= 0) return this.#leaf(type);
    const random = this.#random;
    if (type === "funcref" || type === "externref") return this.#reference(type, depth);
    if (random.oneIn(300)) return this.#jump([type], depth - 1);
    if (type === "i32" && random.oneIn(14)) return this.#wrapped(depth);
    switch (random.below(20)) {
      case 0:
      case 1:
      case 2:
        return this.#leaf(type);
      case 3: {
        const locals = this.#settable(type);
        if (locals.length === 0) return this.#leaf(type);
        return node("local.tee", [type], [this.#expression(type, depth - 1)], unsigned(random.pick(locals)));
      }
      case 4: {
        const args = [this.#expression(type, depth - 1), this.#expression(type, depth - 1), this.#condition(depth - 1)];
        return random.oneIn(5) ? selectTyped(type, args) : node("select", [type], args);
      }
      case 5:
        return random.oneIn(2)
          ? this.#block(random.pick(["block", "loop"]), this.#someTypes(2), [type], depth)
          : this.#if(this.#someTypes(2), [type], depth);
      case 6: {
        const callees = this.#callees(({ results }) => results.length === 1 && results[0] === type);
        return callees.length === 0 ? this.#leaf(type) : this.#call(random.pick(callees), depth);
      }
      case 7: {
        const labels = this.#labels.filter(({ types }) => types.length === 1 && types[0] === type);
        if (labels.length === 0) return this.#leaf(type);
        const args = [this.#expression(type, depth - 1), this.#condition(depth - 1)];
        return node("br_if", [type], args, { label: random.pick(labels) });
      }
      case 8:
        if (type === "i32") return this.#integerQuery(depth);
        return this.#row(random.pick(BY_RESULT[type]), depth);
      case 9:
        if (type === "i32") return random.oneIn(2) ? this.#test(depth) : this.#comparison(depth);
        if (type === "i64") return this.#widened(depth);
        return this.#row(random.pick(BY_RESULT[type]), depth);
      default:
        return this.#row(random.pick(BY_RESULT[type]), depth);
    }
  }

  // An i32 whose register has something in its upper half.
  #wrapped(depth: number): Node {
    const random = this.#random;
    const high = constant("i64", BigInt(random.next()) << 32n | BigInt(random.below(2)));
    const low = random.oneIn(2) ? this.#widened(depth - 1) : this.#expression("i64", depth - 1);
    const op = random.pick(["i64.or", "i64.xor", "i64.add"] as const);
    return node("i32.wrap_i64", ["i32"], [node(op, ["i64"], [low, high])]);
  }

  #comparison(depth: number): Node {
    const random = this.#random;
    const rows = BY_RESULT.i32.filter(({ operands, accessBytes }) => accessBytes === 0 && operands[0] !== undefined);
    const compared = rows.filter(({ name }) => /\.(eq|ne|lt|gt|le|ge)/.test(name));
    const made = this.#row(random.pick(compared), depth);
    return random.oneIn(3) ? node("i32.eqz", ["i32"], [made]) : made;
  }

  #widened(depth: number): Node {
    const op = this.#random.pick(["i64.extend_i32_u", "i64.extend_i32_s"] as const);
    return node(op, ["i64"], [this.#expression("i32", depth - 1)]);
  }

  #integerQuery(depth: number): Node {
    const { tables, memories } = this.#module;
    const table = this.#random.below(tables.length);
    switch (this.#random.below(5)) {
      case 0:
        return memories.length === 0 ? this.#leaf("i32") : node("memory.size", ["i32"], [], unsigned(0));
      case 1:
        return memories.length === 0 ? this.#leaf("i32") : this.#grow("memory.grow", [], depth);
      case 2:
        return node("table.size", ["i32"], [], unsigned(table));
      default: {
        const type = this.#random.pick(["funcref", "externref"] as const);
        return node("ref.is_null", ["i32"], [this.#expression(type, depth - 1)]);
      }
    }
  }

  #reference(type: "funcref" | "externref", depth: number): Node {
    const random = this.#random;
    const { tables } = this.#module;
    const fitting = tables.map((_, i) => i).filter((i) => tables[i].type === type);
    switch (random.below(6)) {
      case 0:
      case 1:
        if (fitting.length === 0) return this.#leaf(type);
        return node("table.get", [type], [this.#tableIndex(depth)], unsigned(random.pick(fitting)));
      case 2:
        return selectTyped(type, [
          this.#expression(type, depth - 1),
          this.#expression(type, depth - 1),
          this.#condition(depth - 1),
        ]);
      case 3:
        return this.#block("block", [], [type], depth);
      default:
        return this.#leaf(type);
    }
  }

  #row({ name, operands, result, accessBytes, canTrap }: NumericRow, depth: number): Node {
    const types = result === undefined ? [] : [result];
    if (accessBytes > 0 && this.#module.memories.length === 0) return this.#leaf(result!);
    const args = operands.map((type, i) =>
      accessBytes > 0 && i === 0 ? this.#address(depth) : this.#expression(type, depth - 1)
    );
    const shown = SHOWS_BITS[name];
    if (shown !== undefined) args[shown] = this.#shown(args[shown]);
    if (accessBytes > 0) return node(name, types, args, this.#offset(this.#random.below(Math.log2(accessBytes) + 1)));
    if (canTrap) this.#tame(name, args);
    else if (this.#random.oneIn(8) && args.length === 2 && operands[0] === operands[1]) {
      args[1] = this.#leaf(operands[1]);
    }
    return node(name, types, args);
  }

  // Makes most operands of trapping operations harmless: else nearly every call would end at the first.
  #tame(name: OpName, args: Node[]): void {
    if (this.#random.oneIn(12)) return;
    if (/div|rem/.test(name)) {
      const type = name.startsWith("i32") ? "i32" : "i64";
      if (this.#random.oneIn(2)) {
        const divisor = this.#random.pick([
          1n,
          2n,
          3n,
          4n,
          5n,
          7n,
          10n,
          16n,
          100n,
          255n,
          1000n,
          65536n,
          -1n,
          -2n,
          -7n,
          0x7fffffffn,
          -0x80000000n,
        ]);
        args[1] = constant(type, divisor);
        if (/_s$/.test(name) && divisor === -1n) {
          args[0] = node(`${type}.shr_s`, [type], [args[0], constant(type, 1n)]);
        }
      } else {
        args[0] = node(`${type}.shr_s`, [type], [args[0], constant(type, 1n)]);
        args[1] = node(`${type}.or`, [type], [args[1], constant(type, 1n)]);
      }
      return;
    }
    const from = name.includes("f32") ? "f32" : "f64";
    const isUnsigned = name.endsWith("_u");
    const narrow = node("i32.shr_u", ["i32"], [
      this.#expression("i32", 1),
      this.#i32(this.#random.below(8) + (isUnsigned ? 1 : 0)),
    ]);
    args[0] = node(`${from}.convert_i32_${isUnsigned ? "u" : "s"}`, [from], [narrow]);
  }

  // A float whose bits may be seen: a NaN that arithmetic made becomes the canonical one.
  #shown(value: Node): Node {
    const type = value.types[0];
    if (type !== "f32" && type !== "f64" || hasDefinedBits(value)) return value;
    const nan = constant(type, type === "f32" ? 0x7fc00000n : 0x7ff8000000000000n);
    const temporary = this.#temporary(type);
    const get = () => node("local.get", [type], [], unsigned(temporary));
    return {
      ...node("select", [type], [
        node("local.tee", [type], [value], unsigned(temporary)),
        nan,
        node(`${type}.eq`, ["i32"], [get(), get()]),
      ]),
      isFixed: true,
    };
  }

  // A local for #shown: read at once, so one of each type is enough.
  #temporaries: Partial<Record<"f32" | "f64", number>> = {};
  #temporary(type: "f32" | "f64"): number {
    let local = this.#temporaries[type];
    if (local === undefined) {
      this.#func.locals.push(type);
      local = this.#temporaries[type] = this.#func.signature.params.length + this.#func.locals.length - 1;
    }
    return local;
  }

  #leaf(type: TypeName): Node {
    const random = this.#random;
    const locals = this.#locals.map((_, i) => i).filter((i) => this.#locals[i] === type);
    if (locals.length > 0 && !random.oneIn(3)) {
      return node("local.get", [type], [], unsigned(random.pick(locals)));
    }
    const { globals } = this.#module;
    const fitting = globals.map((_, i) => i).filter((i) => i !== FUEL_GLOBAL && globals[i].type === type);
    if (fitting.length > 0 && random.oneIn(4)) return node("global.get", [type], [], unsigned(random.pick(fitting)));
    if (type === "funcref") {
      // Exported functions are declared as references; imported ones are where a segment has them.
      const { funcs } = this.#module;
      return random.oneIn(3) ? zeroOf(type) : node("ref.func", [type], [], { func: random.pick(funcs) });
    }
    if (type === "externref") return zeroOf(type);
    return constant(type, this.#number(type));
  }

  #number(type: NumberType): bigint {
    const random = this.#random;
    if (random.oneIn(3)) return random.pick(EDGES[type]);
    const isNarrow = type === "i32" || type === "i64";
    if (isNarrow && random.oneIn(2)) return BigInt(random.below(256) - 16);
    const low = BigInt(random.next());
    return type === "i32" || type === "f32" ? low : low | BigInt(random.next()) << 32n;
  }
}
