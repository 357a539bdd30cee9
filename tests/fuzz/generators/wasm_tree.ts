/**
 * Modules as trees, for generators and shrinkers: code in folded form, everything named by object and numbered only when encoded.
 *
 * A node is an instruction with the nodes that compute its operands; a node may leave any number of values, and the operands of an
 * instruction are what its arguments leave, one after the other. Branches name their label and calls their function, so a tree stays
 * meaningful when blocks, functions or statements are taken out; where it does not, encoding throws `DanglingError` or the validator refuses.
 */

import { CodeBuffer } from "../../../lib/base/mod.ts";
import {
  OP,
  OP_PREFIX,
  OP_SUBCODE,
  type OpName,
  writeS32Leb,
  writeS64Leb,
  writeU32Leb,
} from "../../../lib/wasm/mod.ts";

/** Value types of generated modules. */
export type TypeName = "i32" | "i64" | "f32" | "f64" | "v128" | "funcref" | "externref";
/** The types of numbers. */
export type NumberType = "i32" | "i64" | "f32" | "f64";

/** A function type. */
export interface Signature {
  readonly params: readonly TypeName[];
  readonly results: readonly TypeName[];
}

/** A branch target: what a branch to it carries. */
export interface Label {
  readonly types: readonly TypeName[];
}

/** An immediate: bytes as they are, or something that gets its number when the module is encoded. */
export type Immediate =
  | { readonly bytes: readonly number[] }
  | { readonly label: Label }
  | { readonly labels: readonly Label[] }
  | { readonly func: FuncTree | FuncImport }
  | { readonly signature: Signature };

/** An instruction and its operands. Lists are changed in place by the shrinker. */
export interface Node {
  /** "popped" stands for values that lie on the stack already: block parameters, or what an earlier statement left. */
  readonly op: OpName | "popped";
  /** What it leaves on the stack. */
  readonly types: readonly TypeName[];
  readonly args: Node[];
  readonly immediates: readonly Immediate[];
  /** Of a block, loop or if. */
  readonly block?: BlockParts;
  /** Not to be taken out: what makes the module end. */
  readonly isFixed?: boolean;
}

/** What blocks have beyond other instructions. */
export interface BlockParts {
  readonly label: Label;
  readonly params: readonly TypeName[];
  readonly body: Node[];
  readonly otherwise?: Node[];
  /** Of a try_table. */
  readonly catches?: readonly Catch[];
}

/** A catch clause: exceptions of the tag. */
export interface Catch {
  readonly tag: number;
  readonly label: Label;
}

/** A function defined in the module. */
export interface FuncTree {
  readonly signature: Signature;
  /** Types of the locals after the parameters. */
  readonly locals: TypeName[];
  readonly label: Label;
  readonly body: Node[];
}

/** An imported function. */
export interface FuncImport {
  readonly module: string;
  readonly name: string;
  readonly signature: Signature;
}

/** Limits of memories and tables. */
export interface Limits {
  readonly min: number;
  readonly max: number;
  /** 64-bit addresses or indices; 32-bit ones unless given. */
  readonly address?: "i64";
}

/** Where an import comes from. */
export interface ImportName {
  readonly module: string;
  readonly name: string;
}

/** A memory. */
export interface MemoryTree extends Limits {
  readonly imported?: ImportName;
}

/** A table. */
export interface TableTree extends Limits {
  readonly type: "funcref" | "externref";
  readonly imported?: ImportName;
}

/** A global; an imported one has no initial value here. */
export interface GlobalTree {
  readonly type: TypeName;
  readonly isMutable: boolean;
  readonly init?: Node;
  readonly imported?: ImportName;
}

/** A data segment. */
export interface DataTree {
  readonly bytes: readonly number[];
  /** Undefined: passive. */
  readonly offset?: Node;
}

/** An element segment of functions; undefined stands for null. */
export interface ElementTree {
  readonly mode: "active" | "passive" | "declarative";
  readonly table: number;
  readonly offset: Node;
  readonly funcs: readonly (FuncTree | FuncImport | undefined)[];
}

/** A module. Imported memories, tables and globals come before defined ones. */
export interface ModuleTree {
  readonly funcImports: FuncImport[];
  readonly memories: MemoryTree[];
  readonly tables: TableTree[];
  readonly globals: GlobalTree[];
  readonly funcs: FuncTree[];
  readonly data: DataTree[];
  readonly elements: ElementTree[];
  /** What exceptions of each tag carry; all are the module's own. */
  readonly tags: (readonly TypeName[])[];
  start?: FuncTree | undefined;
}

/** A tree names something that is no longer in it. */
export class DanglingError extends Error {
  override readonly name = "DanglingError";
}

const TYPE_CODES: Record<TypeName, number> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
};

/** A node of an instruction. */
export function node(
  op: OpName | "popped",
  types: readonly TypeName[],
  args: Node[] = [],
  ...immediates: readonly Immediate[]
): Node {
  return { op, types, args, immediates };
}

function lebBytes(write: (out: CodeBuffer) => void): number[] {
  const out = new CodeBuffer(16);
  write(out);
  return [...out.toBytes()];
}

/** An unsigned LEB128 immediate. */
export function unsigned(value: number): Immediate {
  return { bytes: lebBytes((out) => writeU32Leb(out, value >>> 0)) };
}

/** The alignment and offset of an access. */
export function memarg(offset: number, alignLog2 = 0): Immediate {
  return {
    bytes: lebBytes((out) => {
      writeU32Leb(out, alignLog2);
      writeU32Leb(out, offset >>> 0);
    }),
  };
}

/** A constant of a numeric type, from its bits. */
export function constant(type: NumberType | "v128", bits: bigint): Node {
  const low = Number(BigInt.asIntN(32, bits)), high = Number(BigInt.asIntN(32, bits >> 32n));
  switch (type) {
    case "i32":
      return node("i32.const", [type], [], { bytes: lebBytes((out) => writeS32Leb(out, low)) });
    case "i64":
      return node("i64.const", [type], [], { bytes: lebBytes((out) => writeS64Leb(out, low, high)) });
    case "f32":
      return node("f32.const", [type], [], { bytes: littleEndian(bits, 4) });
    case "f64":
      return node("f64.const", [type], [], { bytes: littleEndian(bits, 8) });
    case "v128":
      return node("v128.const", [type], [], { bytes: littleEndian(bits, 16) });
  }
}

function littleEndian(bits: bigint, length: number): number[] {
  return Array.from({ length }, (_, index) => Number(BigInt.asUintN(8, bits >> BigInt(8 * index))));
}

/** Zero, or a null reference. */
export function zeroOf(type: TypeName): Node {
  if (type === "funcref" || type === "externref") {
    return node("ref.null", [type], [], { bytes: [TYPE_CODES[type]] });
  }
  return constant(type, 0n);
}

/** `select` with its type written out, as references need. */
export function selectTyped(type: TypeName, args: Node[]): Node {
  return node("select t", [type], args, { bytes: [1, TYPE_CODES[type]] });
}

class Encoder {
  readonly types: Signature[] = [];
  readonly #typeIndices = new Map<string, number>();
  readonly #funcIndices = new Map<FuncTree | FuncImport, number>();
  #labels: Label[] = [];

  constructor(readonly module: ModuleTree) {
    [...module.funcImports, ...module.funcs].forEach((func, index) => this.#funcIndices.set(func, index));
  }

  typeIndex(signature: Signature): number {
    const key = `${signature.params}:${signature.results}`;
    let index = this.#typeIndices.get(key);
    if (index === undefined) this.#typeIndices.set(key, index = this.types.push(signature) - 1);
    return index;
  }

  funcIndex(func: FuncTree | FuncImport): number {
    const index = this.#funcIndices.get(func);
    if (index === undefined) throw new DanglingError("a function that is not in the module");
    return index;
  }

  opcode(out: CodeBuffer, op: OpName): void {
    const id = OP[op];
    if (OP_PREFIX[id] === 0) out.u8(OP_SUBCODE[id]);
    else {
      out.u8(OP_PREFIX[id]);
      writeU32Leb(out, OP_SUBCODE[id]);
    }
  }

  node(out: CodeBuffer, { op, args, types, immediates, block }: Node): void {
    for (const arg of args) this.node(out, arg);
    if (op === "popped") return;
    this.opcode(out, op);
    for (const immediate of immediates) this.#immediate(out, immediate);
    if (block === undefined) return;
    this.#blockType(out, { params: block.params, results: types });
    if (op === "try_table") this.#catches(out, block.catches ?? []);
    this.#labels.push(block.label);
    for (const child of block.body) this.node(out, child);
    if (block.otherwise !== undefined) {
      this.opcode(out, "else");
      for (const child of block.otherwise) this.node(out, child);
    }
    this.#labels.pop();
    this.opcode(out, "end");
  }

  #blockType(out: CodeBuffer, signature: Signature): void {
    const { params, results } = signature;
    if (params.length === 0 && results.length === 0) out.u8(0x40);
    else if (params.length === 0 && results.length === 1) out.u8(TYPE_CODES[results[0]]);
    else writeS32Leb(out, this.typeIndex(signature));
  }

  // Labels are counted from outside.
  #catches(out: CodeBuffer, catches: readonly Catch[]): void {
    writeU32Leb(out, catches.length);
    for (const { tag, label } of catches) {
      out.u8(0);
      writeU32Leb(out, tag);
      writeU32Leb(out, this.#depth(label));
    }
  }

  #depth(label: Label): number {
    const at = this.#labels.lastIndexOf(label);
    if (at < 0) throw new DanglingError("a label that does not enclose its branch");
    return this.#labels.length - 1 - at;
  }

  #immediate(out: CodeBuffer, immediate: Immediate): void {
    if ("bytes" in immediate) { for (const byte of immediate.bytes) out.u8(byte); }
    else if ("label" in immediate) writeU32Leb(out, this.#depth(immediate.label));
    else if ("labels" in immediate) {
      writeU32Leb(out, immediate.labels.length - 1);
      for (const label of immediate.labels) writeU32Leb(out, this.#depth(label));
    } else if ("func" in immediate) writeU32Leb(out, this.funcIndex(immediate.func));
    else writeU32Leb(out, this.typeIndex(immediate.signature));
  }

  body(out: CodeBuffer, locals: readonly TypeName[], label: Label, nodes: readonly Node[]): void {
    const content = new CodeBuffer(256);
    writeU32Leb(content, locals.length);
    for (const type of locals) {
      writeU32Leb(content, 1);
      content.u8(TYPE_CODES[type]);
    }
    this.#labels = [label];
    for (const child of nodes) this.node(content, child);
    this.opcode(content, "end");
    writeU32Leb(out, content.length);
    out.append(content.toBytes());
  }

  expression(out: CodeBuffer, value: Node): void {
    this.node(out, value);
    this.opcode(out, "end");
  }
}

/** The types in which JavaScript passes values without changing a bit; a vector goes as its two halves. */
const BITS_TYPES: Record<TypeName, readonly TypeName[]> = {
  i32: ["i32"],
  i64: ["i64"],
  f32: ["i32"],
  f64: ["i64"],
  v128: ["i64", "i64"],
  funcref: ["funcref"],
  externref: ["externref"],
};

/** The types, a vector as its two halves: what a wrapper's values stand for. */
export function inHalves(types: readonly TypeName[]): TypeName[] {
  return types.flatMap((type) => type === "v128" ? BITS_TYPES.v128 : [type]);
}

/** The signature of a function's wrapper, in which floats and vectors are integers. */
export function wrapperSignature({ params, results }: Signature): Signature {
  return { params: params.flatMap((type) => BITS_TYPES[type]), results: results.flatMap((type) => BITS_TYPES[type]) };
}

/** A function that takes and gives floats and vectors as integers and calls another. */
function wrapper(func: FuncTree): FuncTree {
  const { params, results } = func.signature;
  const signature = wrapperSignature(func.signature);
  let next = 0;
  const part = (type: TypeName) => node("local.get", [type], [], unsigned(next++));
  const args = params.map((type) => {
    if (type === "v128") {
      const low = node("i64x2.splat", [type], [part("i64")]);
      return node("i64x2.replace_lane", [type], [low, part("i64")], { bytes: [1] });
    }
    const value = part(BITS_TYPES[type][0]);
    if (type === "f32") return node("f32.reinterpret_i32", ["f32"], [value]);
    return type === "f64" ? node("f64.reinterpret_i64", ["f64"], [value]) : value;
  });
  const isPlain = results.every((type) => BITS_TYPES[type][0] === type);
  const call = node("call", results, args, { func });
  const body = [call];
  const firstLocal = signature.params.length;
  if (!isPlain) {
    for (let i = results.length - 1; i >= 0; i--) {
      body.push(node("local.set", [], [], unsigned(firstLocal + i)));
    }
    results.forEach((type, i) => {
      const value = () => node("local.get", [type], [], unsigned(firstLocal + i));
      if (type === "f32") body.push(node("i32.reinterpret_f32", ["i32"], [value()]));
      else if (type === "f64") body.push(node("i64.reinterpret_f64", ["i64"], [value()]));
      else if (type === "v128") {
        for (const lane of [0, 1]) body.push(node("i64x2.extract_lane", ["i64"], [value()], { bytes: [lane] }));
      } else body.push(value());
    });
  }
  return { signature, locals: isPlain ? [] : [...results], label: { types: signature.results }, body };
}

function isGlobal(thing: MemoryTree | TableTree | GlobalTree): thing is GlobalTree {
  return "isMutable" in thing;
}

function isTable(thing: MemoryTree | TableTree): thing is TableTree {
  return "type" in thing;
}

/**
 * The binary of a module. Everything is exported: functions as "f0", "f1" ... and "w0", "w1" ... (their wrappers, see
 * {@linkcode wrapperSignature}), globals as "g0" ..., tables as "t0" ..., the memory as "m". Functions are counted without the imports.
 *
 * @throws {DanglingError} if the tree names something that is not in it.
 */
export function encodeModule(
  source: ModuleTree,
  wrapping: "wrappers" | "no wrappers" = "wrappers",
): Uint8Array<ArrayBuffer> {
  const wrappers = wrapping === "wrappers" ? source.funcs.map(wrapper) : [];
  const module: ModuleTree = { ...source, funcs: [...source.funcs, ...wrappers] };
  const encoder = new Encoder(module);
  const { funcImports, memories, tables, globals, funcs, data, elements, tags } = module;
  const text = (out: CodeBuffer, value: string) => {
    const bytes = new TextEncoder().encode(value);
    writeU32Leb(out, bytes.length);
    out.append(bytes);
  };
  const limits = (out: CodeBuffer, { min, max, address }: Limits) => {
    out.u8(address === "i64" ? 5 : 1);
    writeU32Leb(out, min);
    writeU32Leb(out, max);
  };
  const sections = new Map<number, CodeBuffer>();
  const section = (id: number, count: number, write: (out: CodeBuffer) => void) => {
    const out = new CodeBuffer(1024);
    writeU32Leb(out, count);
    write(out);
    if (count > 0) sections.set(id, out);
  };

  const named = [...memories, ...tables, ...globals].filter((thing) => thing.imported !== undefined);
  section(2, funcImports.length + named.length, (out) => {
    for (const { module, name, signature } of funcImports) {
      text(out, module);
      text(out, name);
      out.u8(0);
      writeU32Leb(out, encoder.typeIndex(signature));
    }
    for (const thing of named) {
      text(out, thing.imported!.module);
      text(out, thing.imported!.name);
      if (isGlobal(thing)) {
        out.u8(3);
        out.u8(TYPE_CODES[thing.type]);
        out.u8(thing.isMutable ? 1 : 0);
      } else if (isTable(thing)) {
        out.u8(1);
        out.u8(TYPE_CODES[thing.type]);
        limits(out, thing);
      } else {
        out.u8(2);
        limits(out, thing);
      }
    }
  });
  section(3, funcs.length, (out) => {
    for (const { signature } of funcs) writeU32Leb(out, encoder.typeIndex(signature));
  });
  const ownTables = tables.filter(({ imported }) => imported === undefined);
  section(4, ownTables.length, (out) => {
    for (const table of ownTables) {
      out.u8(TYPE_CODES[table.type]);
      limits(out, table);
    }
  });
  const ownMemories = memories.filter(({ imported }) => imported === undefined);
  section(5, ownMemories.length, (out) => ownMemories.forEach((memory) => limits(out, memory)));
  section(13, tags.length, (out) => {
    for (const params of tags) {
      out.u8(0);
      writeU32Leb(out, encoder.typeIndex({ params, results: [] }));
    }
  });
  const ownGlobals = globals.filter(({ imported }) => imported === undefined);
  section(6, ownGlobals.length, (out) => {
    for (const { type, isMutable, init } of ownGlobals) {
      out.u8(TYPE_CODES[type]);
      out.u8(isMutable ? 1 : 0);
      encoder.expression(out, init!);
    }
  });
  const exported = source.funcs.length;
  section(7, exported + wrappers.length + globals.length + tables.length + memories.length, (out) => {
    const entry = (name: string, kind: number, index: number) => {
      text(out, name);
      out.u8(kind);
      writeU32Leb(out, index);
    };
    source.funcs.forEach((func, index) => entry(`f${index}`, 0, encoder.funcIndex(func)));
    wrappers.forEach((func, index) => entry(`w${index}`, 0, encoder.funcIndex(func)));
    globals.forEach((_, index) => entry(`g${index}`, 3, index));
    tables.forEach((_, index) => entry(`t${index}`, 1, index));
    memories.forEach((_, index) => entry(index === 0 ? "m" : `m${index}`, 2, index));
  });
  section(9, elements.length, (out) => {
    for (const { mode, table, offset, funcs } of elements) {
      out.u8({ active: 6, passive: 5, declarative: 7 }[mode]);
      if (mode === "active") {
        writeU32Leb(out, table);
        encoder.expression(out, offset);
      }
      out.u8(TYPE_CODES.funcref);
      writeU32Leb(out, funcs.length);
      for (const func of funcs) {
        const isThere = func !== undefined && (module.funcs.includes(func as FuncTree) ||
          module.funcImports.includes(func as FuncImport));
        encoder.expression(out, isThere ? node("ref.func", ["funcref"], [], { func }) : zeroOf("funcref"));
      }
    }
  });
  section(10, funcs.length, (out) => {
    for (const { locals, label, body } of funcs) encoder.body(out, locals, label, body);
  });
  section(11, data.length, (out) => {
    for (const { bytes, offset } of data) {
      out.u8(offset === undefined ? 1 : 0);
      if (offset !== undefined) encoder.expression(out, offset);
      writeU32Leb(out, bytes.length);
      for (const byte of bytes) out.u8(byte);
    }
  });
  section(1, encoder.types.length, (out) => {
    const list = (types: readonly TypeName[]) => {
      writeU32Leb(out, types.length);
      for (const type of types) out.u8(TYPE_CODES[type]);
    };
    for (const { params, results } of encoder.types) {
      out.u8(0x60);
      list(params);
      list(results);
    }
  });

  const out = new CodeBuffer(4096);
  out.append(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const write = (id: number, content: CodeBuffer) => {
    out.u8(id);
    writeU32Leb(out, content.length);
    out.append(content.toBytes());
  };
  for (const id of [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]) {
    if (id === 8 && source.start !== undefined) {
      const content = new CodeBuffer(8);
      writeU32Leb(content, encoder.funcIndex(source.start));
      write(id, content);
    } else if (id === 12 && data.length > 0) {
      const content = new CodeBuffer(8);
      writeU32Leb(content, data.length);
      write(id, content);
    }
    const content = sections.get(id);
    if (content !== undefined) write(id, content);
  }
  return new Uint8Array(out.toBytes());
}

/** A module in words, one node a line: for reports about small ones. */
export function describeModule(module: ModuleTree): string {
  const lines: string[] = [];
  const labels: Label[] = [];
  const describe = (immediate: Immediate): string => {
    if ("bytes" in immediate) return immediate.bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if ("label" in immediate) return `@${labels.length - 1 - labels.lastIndexOf(immediate.label)}`;
    if ("labels" in immediate) return immediate.labels.map((label) => describe({ label })).join(" ");
    if ("func" in immediate) {
      return "body" in immediate.func ? `f${module.funcs.indexOf(immediate.func)}` : `import ${immediate.func.name}`;
    }
    return `(${immediate.signature.params} -> ${immediate.signature.results})`;
  };
  const visit = ({ op, args, types, immediates, block }: Node, indent: string) => {
    lines.push(`${indent}${op} ${immediates.map(describe).join(" ")}${types.length ? ` : ${types}` : ""}`);
    for (const arg of args) visit(arg, `${indent}  `);
    if (block === undefined) return;
    labels.push(block.label);
    for (const { tag, label } of block.catches ?? []) lines.push(`${indent}catch ${tag} ${describe({ label })}`);
    lines.push(`${indent}do (${block.params})`);
    for (const child of block.body) visit(child, `${indent}  `);
    if (block.otherwise !== undefined) {
      lines.push(`${indent}else`);
      for (const child of block.otherwise) visit(child, `${indent}  `);
    }
    labels.pop();
  };
  const { memories, tables, globals, funcImports, elements, data } = module;
  memories.forEach((memory) => lines.push(`memory ${JSON.stringify(memory)}`));
  tables.forEach((table) => lines.push(`table ${JSON.stringify(table)}`));
  globals.forEach(({ type, isMutable, init, imported }, index) =>
    lines.push(
      `global ${index} ${type} ${isMutable ? "var" : "const"} ${imported ? imported.name : init!.op} ${
        init?.immediates.map(describe) ?? ""
      }`,
    )
  );
  funcImports.forEach(({ module, name, signature }) =>
    lines.push(`import ${module}.${name} (${signature.params} -> ${signature.results})`)
  );
  elements.forEach(({ mode, table, offset, funcs }) =>
    lines.push(
      `elements ${mode} table ${table} at ${offset.immediates.map(describe)}: ${
        funcs.map((func) => func === undefined ? "null" : describe({ func }))
      }`,
    )
  );
  data.forEach(({ bytes, offset }) =>
    lines.push(`data ${offset === undefined ? "passive" : `at ${offset.immediates.map(describe)}`} ${bytes.length}`)
  );
  if (module.start !== undefined) lines.push(`start f${module.funcs.indexOf(module.start)}`);
  module.funcs.forEach(({ signature, locals, label, body }, index) => {
    lines.push(`f${index} (${signature.params} -> ${signature.results}) locals ${locals}`);
    labels.push(label);
    for (const child of body) visit(child, "  ");
    labels.pop();
  });
  return lines.join("\n");
}
