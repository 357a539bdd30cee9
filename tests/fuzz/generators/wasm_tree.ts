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

/** The types of numbers. */
export type NumberType = "i32" | "i64" | "f32" | "f64";
/** References to objects of garbage collection and to exceptions; those with a number are to a type of {@linkcode ModuleTree.heapTypes}. */
export type ObjectType =
  | "anyref"
  | "eqref"
  | "i31ref"
  | "structref"
  | "arrayref"
  | "exnref"
  | `(ref null ${number})`
  | `(ref ${number})`;
/** Value types of generated modules. */
export type TypeName = NumberType | "v128" | "funcref" | "externref" | ObjectType;

/** A function type. */
export interface Signature {
  readonly params: readonly TypeName[];
  readonly results: readonly TypeName[];
}

/** A branch target: what a branch to it carries. */
export interface Label {
  readonly types: readonly TypeName[];
}

/** A clause of `try_table`: the label is one around it. */
export interface CatchTree {
  readonly kind: "catch" | "catch_ref" | "catch_all" | "catch_all_ref";
  /** Of the first two kinds. */
  readonly tag: number;
  readonly label: Label;
}

/** An immediate: bytes as they are, or something that gets its number when the module is encoded. */
export type Immediate =
  | { readonly bytes: readonly number[] }
  | { readonly label: Label }
  | { readonly labels: readonly Label[] }
  | { readonly catches: readonly CatchTree[] }
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
  /** Of a legacy `try`: what follows each `catch`, and `catch_all` where no tag is given. */
  readonly handlers?: readonly { readonly tag: number | undefined; readonly body: Node[] }[];
  /** Of a legacy `try`: ends in `delegate` to this label. */
  readonly delegate?: Label;
}

/** The lists of statements in a block. */
export function bodiesOf({ body, otherwise, handlers }: BlockParts): Node[][] {
  return [body, ...otherwise === undefined ? [] : [otherwise], ...(handlers ?? []).map(({ body }) => body)];
}

/** A type of objects, or of functions that code names by its index. */
export type HeapTypeTree =
  | {
    readonly kind: "struct";
    readonly supertype: number | undefined;
    readonly fields: readonly { readonly storage: StorageName; readonly isMutable: boolean }[];
  }
  | { readonly kind: "array"; readonly storage: StorageName; readonly isMutable: boolean }
  | { readonly kind: "func"; readonly signature: Signature };

/** What a field or an element holds. */
export type StorageName = TypeName | "i8" | "i16";

/** A tag. */
export interface TagTree {
  readonly signature: Signature;
  readonly imported?: ImportName;
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
  readonly isShared?: boolean;
  readonly imported?: ImportName;
}

/** A table. */
export interface TableTree extends Limits {
  readonly type: "funcref" | "externref" | "anyref";
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
  /** The first types: structs and arrays in one recursion group, then function types. Code and types name them by index. */
  readonly heapTypes?: readonly HeapTypeTree[];
  readonly tags: TagTree[];
  start?: FuncTree | undefined;
}

/** A tree names something that is no longer in it. */
export class DanglingError extends Error {
  override readonly name = "DanglingError";
}

const TYPE_CODES = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  i8: 0x78,
  i16: 0x77,
  funcref: 0x70,
  externref: 0x6f,
  anyref: 0x6e,
  eqref: 0x6d,
  i31ref: 0x6c,
  structref: 0x6b,
  arrayref: 0x6a,
  exnref: 0x69,
} as const;

/** The bytes of a type. */
export function typeBytes(type: StorageName): readonly number[] {
  if (type in TYPE_CODES) return [TYPE_CODES[type as keyof typeof TYPE_CODES]];
  const index = heapIndexOf(type)!;
  return [type.startsWith("(ref null") ? 0x63 : 0x64, ...lebBytes((out) => writeS32Leb(out, index))];
}

/** The number of the type that a reference type names, undefined for abstract ones and for numbers. */
export function heapIndexOf(type: StorageName): number | undefined {
  const match = /(\d+)\)$/.exec(type);
  return match === null ? undefined : Number(match[1]);
}

/** The bytes of a heap type: what `ref.null`, tests and casts name. */
export function heapBytes(type: TypeName): readonly number[] {
  return heapIndexOf(type) === undefined ? typeBytes(type) : typeBytes(type).slice(1);
}

/** Whether values of the type are references. */
export function isReference(type: StorageName): boolean {
  return !/^(i\d|f\d|v1)/.test(type) || type === "i31ref";
}

/** Whether the type is one of {@linkcode ObjectType}. */
export function isObject(type: StorageName): type is ObjectType {
  return isReference(type) && type !== "funcref" && type !== "externref";
}

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
  if (isReference(type)) return node("ref.null", [type], [], { bytes: heapBytes(type) });
  return constant(type as NumberType, 0n);
}

/** `select` with its type written out, as references need. */
export function selectTyped(type: TypeName, args: Node[]): Node {
  return node("select t", [type], args, { bytes: [1, ...typeBytes(type)] });
}

function bytes(out: CodeBuffer, values: readonly number[]): void {
  for (const value of values) out.u8(value);
}

class Encoder {
  readonly types: Signature[] = [];
  readonly #typeIndices = new Map<string, number>();
  readonly #funcIndices = new Map<FuncTree | FuncImport, number>();
  #labels: Label[] = [];

  constructor(readonly module: ModuleTree) {
    [...module.funcImports, ...module.funcs].forEach((func, index) => this.#funcIndices.set(func, index));
    for (const type of module.heapTypes ?? []) {
      if (type.kind === "func") this.typeIndex(type.signature);
    }
  }

  get #heapCount(): number {
    return this.module.heapTypes?.filter(({ kind }) => kind !== "func").length ?? 0;
  }

  typeIndex(signature: Signature): number {
    const key = `${signature.params}:${signature.results}`;
    let index = this.#typeIndices.get(key);
    if (index === undefined) {
      this.#typeIndices.set(key, index = this.#heapCount + this.types.push(signature) - 1);
    }
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
    if (block !== undefined) this.#blockType(out, { params: block.params, results: types });
    for (const immediate of immediates) this.#immediate(out, immediate);
    if (block === undefined) return;
    this.#labels.push(block.label);
    for (const child of block.body) this.node(out, child);
    if (block.otherwise !== undefined) {
      this.opcode(out, "else");
      for (const child of block.otherwise) this.node(out, child);
    }
    for (const { tag, body } of block.handlers ?? []) {
      this.opcode(out, tag === undefined ? "catch_all" : "catch");
      if (tag !== undefined) writeU32Leb(out, tag);
      for (const child of body) this.node(out, child);
    }
    this.#labels.pop();
    if (block.delegate === undefined) this.opcode(out, "end");
    else {
      this.opcode(out, "delegate");
      writeU32Leb(out, this.#depth(block.delegate));
    }
  }

  #blockType(out: CodeBuffer, signature: Signature): void {
    const { params, results } = signature;
    if (params.length === 0 && results.length === 0) out.u8(0x40);
    else if (params.length === 0 && results.length === 1) bytes(out, typeBytes(results[0]));
    else writeS32Leb(out, this.typeIndex(signature));
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
    } else if ("catches" in immediate) {
      writeU32Leb(out, immediate.catches.length);
      for (const { kind, tag, label } of immediate.catches) {
        out.u8(["catch", "catch_ref", "catch_all", "catch_all_ref"].indexOf(kind));
        if (kind === "catch" || kind === "catch_ref") writeU32Leb(out, tag);
        writeU32Leb(out, this.#depth(label));
      }
    } else if ("func" in immediate) writeU32Leb(out, this.funcIndex(immediate.func));
    else writeU32Leb(out, this.typeIndex(immediate.signature));
  }

  body(out: CodeBuffer, locals: readonly TypeName[], label: Label, nodes: readonly Node[]): void {
    const content = new CodeBuffer(256);
    writeU32Leb(content, locals.length);
    for (const type of locals) {
      writeU32Leb(content, 1);
      bytes(content, typeBytes(type));
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
const BITS_TYPES: Readonly<Partial<Record<TypeName, readonly TypeName[]>>> = {
  f32: ["i32"],
  f64: ["i64"],
  v128: ["i64", "i64"],
};

/** What a wrapper takes for the types: nothing for references to objects, which are null. */
export function inHalves(types: readonly TypeName[]): TypeName[] {
  return types.flatMap((type) => isObject(type) ? [] : type === "v128" ? ["i64", "i64"] : [type]);
}

/** What a wrapper gives for the types: whether it is null for a reference to an object. */
export function shownTypes(types: readonly TypeName[]): TypeName[] {
  return types.flatMap((type) => isObject(type) ? ["i32"] : type === "v128" ? ["i64", "i64"] : [type]);
}

/** The signature of a function's wrapper, in which floats and vectors are integers. */
export function wrapperSignature({ params, results }: Signature): Signature {
  const inBits = (type: TypeName) => BITS_TYPES[type] ?? [type];
  return { params: inHalves(params).flatMap(inBits), results: shownTypes(results).flatMap(inBits) };
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
    if (isObject(type)) return zeroOf(type);
    const value = part(BITS_TYPES[type]?.[0] ?? type);
    if (type === "f32") return node("f32.reinterpret_i32", ["f32"], [value]);
    return type === "f64" ? node("f64.reinterpret_i64", ["f64"], [value]) : value;
  });
  const isPlain = results.every((type) => BITS_TYPES[type] === undefined && !isObject(type));
  const call = node("call", results, args, { func });
  const body = [call];
  const firstLocal = signature.params.length;
  if (!isPlain) {
    for (let i = results.length - 1; i >= 0; i--) {
      body.push(node("local.set", [], [], unsigned(firstLocal + i)));
    }
    results.forEach((type, i) => {
      const value = () => node("local.get", [type], [], unsigned(firstLocal + i));
      if (isObject(type)) body.push(node("ref.is_null", ["i32"], [value()]));
      else if (type === "f32") body.push(node("i32.reinterpret_f32", ["i32"], [value()]));
      else if (type === "f64") body.push(node("i64.reinterpret_f64", ["i64"], [value()]));
      else if (type === "v128") {
        for (const lane of [0, 1]) body.push(node("i64x2.extract_lane", ["i64"], [value()], { bytes: [lane] }));
      } else body.push(value());
    });
  }
  return { signature, locals: isPlain ? [] : [...results], label: { types: signature.results }, body };
}

function isGlobal(thing: MemoryTree | TableTree | GlobalTree | TagTree): thing is GlobalTree {
  return "isMutable" in thing;
}

function isTag(thing: MemoryTree | TableTree | TagTree): thing is TagTree {
  return "signature" in thing;
}

function isTable(thing: MemoryTree | TableTree): thing is TableTree {
  return "type" in thing;
}

/**
 * The binary of a module. Everything is exported: functions as "f0", "f1" ... and "w0", "w1" ... (their wrappers, see
 * {@linkcode wrapperSignature}), globals as "g0" ..., tables as "t0" ..., tags as "x0" ..., memories as "m", "m1" ... Functions are counted without the imports.
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
  const { funcImports, memories, tables, globals, funcs, data, elements } = module;
  const { tags } = module, heapTypes = module.heapTypes ?? [];
  const text = (out: CodeBuffer, value: string) => {
    const bytes = new TextEncoder().encode(value);
    writeU32Leb(out, bytes.length);
    out.append(bytes);
  };
  const limits = (out: CodeBuffer, { min, max, address, isShared }: MemoryTree) => {
    out.u8((address === "i64" ? 5 : 1) | (isShared ? 2 : 0));
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

  const named = [...memories, ...tables, ...globals, ...tags].filter((thing) => thing.imported !== undefined);
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
        bytes(out, typeBytes(thing.type));
        out.u8(thing.isMutable ? 1 : 0);
      } else if (isTag(thing)) {
        out.u8(4);
        out.u8(0);
        writeU32Leb(out, encoder.typeIndex(thing.signature));
      } else if (isTable(thing)) {
        out.u8(1);
        bytes(out, typeBytes(thing.type));
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
      bytes(out, typeBytes(table.type));
      limits(out, table);
    }
  });
  const ownMemories = memories.filter(({ imported }) => imported === undefined);
  section(5, ownMemories.length, (out) => ownMemories.forEach((memory) => limits(out, memory)));
  const ownTags = tags.filter(({ imported }) => imported === undefined);
  section(13, ownTags.length, (out) => {
    for (const { signature } of ownTags) {
      out.u8(0);
      writeU32Leb(out, encoder.typeIndex(signature));
    }
  });
  const ownGlobals = globals.filter(({ imported }) => imported === undefined);
  section(6, ownGlobals.length, (out) => {
    for (const { type, isMutable, init } of ownGlobals) {
      bytes(out, typeBytes(type));
      out.u8(isMutable ? 1 : 0);
      encoder.expression(out, init!);
    }
  });
  const exported = source.funcs.length;
  section(7, exported + wrappers.length + globals.length + tables.length + memories.length + tags.length, (out) => {
    const entry = (name: string, kind: number, index: number) => {
      text(out, name);
      out.u8(kind);
      writeU32Leb(out, index);
    };
    source.funcs.forEach((func, index) => entry(`f${index}`, 0, encoder.funcIndex(func)));
    wrappers.forEach((func, index) => entry(`w${index}`, 0, encoder.funcIndex(func)));
    globals.forEach((_, index) => entry(`g${index}`, 3, index));
    tables.forEach((_, index) => entry(`t${index}`, 1, index));
    tags.forEach((_, index) => entry(`x${index}`, 4, index));
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
  const objectTypes = heapTypes.filter(({ kind }) => kind !== "func");
  section(1, encoder.types.length + (objectTypes.length > 0 ? 1 : 0), (out) => {
    const list = (types: readonly TypeName[]) => {
      writeU32Leb(out, types.length);
      for (const type of types) bytes(out, typeBytes(type));
    };
    const field = (storage: StorageName, isMutable: boolean) => bytes(out, [...typeBytes(storage), isMutable ? 1 : 0]);
    if (objectTypes.length > 0) {
      out.u8(0x4e);
      writeU32Leb(out, objectTypes.length);
    }
    for (const type of objectTypes) {
      if (type.kind === "struct") {
        bytes(out, type.supertype === undefined ? [0x50, 0] : [0x50, 1, type.supertype]);
        out.u8(0x5f);
        writeU32Leb(out, type.fields.length);
        for (const { storage, isMutable } of type.fields) field(storage, isMutable);
      } else if (type.kind === "array") {
        out.u8(0x5e);
        field(type.storage, type.isMutable);
      }
    }
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
