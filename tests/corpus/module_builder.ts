/**
 * Modules for tests, built section by section: types are shared by structure, everything else is numbered in the order of definition.
 *
 * Imports come before definitions of their kind, as the binary format wants it (asserted). Instructions are the nested byte lists of
 * the fuzzing generators' encoder, with helpers here for those that need more than an opcode.
 */

import { CodeBuffer } from "../../lib/base/mod.ts";
import { type OpName, writeS32Leb, writeS64Leb } from "../../lib/wasm/mod.ts";
import { type Bytes, code, instr, moduleBytes, name, u32, vector } from "../fuzz/generators/binary.ts";

export type { Bytes };
export { instr, u32 };

/** Value types of the corpus. */
export type TypeName = "i32" | "i64" | "f32" | "f64" | "funcref" | "externref";
/** Types of numbers. */
export type NumberType = "i32" | "i64" | "f32" | "f64";

const TYPE_CODES: Record<TypeName, number> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  funcref: 0x70,
  externref: 0x6f,
};
const KINDS = { func: 0, table: 1, memory: 2, global: 3 } as const;
const EMPTY_BLOCK = 0x40;
const END = 0x0b;

/** A function type. */
export interface Signature {
  readonly params: readonly TypeName[];
  readonly results: readonly TypeName[];
}

/** Limits of a memory or table. */
export interface Limits {
  readonly min: number;
  readonly max?: number;
}

/** "i32 i64 -> f32" as a signature; either side may be empty. */
export function signature(text: string): Signature {
  const [params, results = ""] = text.split("->");
  const list = (part: string) => part.trim() === "" ? [] : part.trim().split(/\s+/) as TypeName[];
  return { params: list(params), results: list(results) };
}

/** A signed 32-bit LEB128 integer. */
export function s32(value: number): number[] {
  const out = new CodeBuffer(8);
  writeS32Leb(out, value | 0);
  return [...out.toBytes()];
}

/** A signed 64-bit LEB128 integer. */
export function s64(value: bigint): number[] {
  const out = new CodeBuffer(16);
  const signed = BigInt.asIntN(64, value);
  writeS64Leb(out, Number(BigInt.asIntN(32, signed)), Number(BigInt.asIntN(32, signed >> 32n)));
  return [...out.toBytes()];
}

function littleEndian(bits: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => Number(BigInt.asUintN(8, bits >> BigInt(8 * index))));
}

/** A constant of a numeric type, from its bits. */
export function constant(type: NumberType, bits: bigint | number): Bytes {
  const wide = BigInt(bits);
  switch (type) {
    case "i32":
      return instr("i32.const", ...s32(Number(BigInt.asIntN(32, wide))));
    case "i64":
      return instr("i64.const", ...s64(wide));
    case "f32":
      return instr("f32.const", ...littleEndian(wide, 4));
    case "f64":
      return instr("f64.const", ...littleEndian(wide, 8));
  }
}

/** `i32.const`. */
export const i32 = (value: number): Bytes => constant("i32", value);
/** `i64.const`. */
export const i64 = (value: bigint | number): Bytes => constant("i64", value);
/** `local.get`. */
export const get = (index: number): Bytes => instr("local.get", u32(index));
/** `local.set`. */
export const set = (index: number): Bytes => instr("local.set", u32(index));
/** `local.tee`. */
export const tee = (index: number): Bytes => instr("local.tee", u32(index));
/** `call`. */
export const call = (index: number): Bytes => instr("call", u32(index));
/** `br`. */
export const br = (depth: number): Bytes => instr("br", u32(depth));
/** `br_if`. */
export const brIf = (depth: number): Bytes => instr("br_if", u32(depth));
/** `br_table` with its default last. */
export const brTable = (targets: readonly number[], other: number): Bytes =>
  instr("br_table", vector(...targets.map(u32)), u32(other));

/** A load or store; the alignment is the natural one, or what the test says. */
export function access(op: OpName, offset = 0, alignment = 0): Bytes {
  return instr(op, u32(alignment), u32(offset));
}

/** The type of a block: nothing, one result, or a type of the module. */
export type BlockType = "" | TypeName | number;

function blockType(type: BlockType): Bytes {
  if (type === "") return [EMPTY_BLOCK];
  return typeof type === "number" ? s32(type) : [TYPE_CODES[type]];
}

/** `block` or `loop` around instructions. */
export function block(op: "block" | "loop", type: BlockType, ...body: Bytes[]): Bytes {
  return [instr(op, blockType(type)), body, END];
}

/** `if`, with an else part if there is one. */
export function ifElse(type: BlockType, then: Bytes, otherwise?: Bytes): Bytes {
  return [instr("if", blockType(type)), then, otherwise === undefined ? [] : [instr("else"), otherwise], END];
}

/** `select` of references. */
export function selectTyped(type: TypeName): Bytes {
  return instr("select t", vector([TYPE_CODES[type]]));
}

/** `ref.null`. */
export function refNull(type: "funcref" | "externref"): Bytes {
  return instr("ref.null", TYPE_CODES[type]);
}

interface Func {
  readonly type: number;
  readonly locals: readonly TypeName[];
  readonly body: readonly Bytes[];
}

/** An element segment of functions; undefined stands for null. */
export interface ElementSegment {
  readonly mode: "active" | "passive" | "declarative";
  readonly table?: number;
  readonly offset?: Bytes;
  readonly functions: readonly (number | undefined)[];
}

/** Builds one module. */
export class ModuleBuilder {
  readonly #types: Signature[] = [];
  readonly #imports: Bytes[] = [];
  readonly #functions: Func[] = [];
  readonly #tables: Bytes[] = [];
  readonly #memories: Bytes[] = [];
  readonly #globals: Bytes[] = [];
  readonly #exports: Bytes[] = [];
  /** The types of exported functions, by name. */
  readonly exportedSignatures: Map<string, Signature> = new Map();
  readonly #elements: Bytes[] = [];
  readonly #data: Bytes[] = [];
  readonly #functionTypes: number[] = [];
  readonly #counts = { func: 0, table: 0, memory: 0, global: 0 };
  #start: number | undefined;

  /** The index of a function type. */
  type(type: string | Signature): number {
    const wanted = typeof type === "string" ? signature(type) : type;
    const key = JSON.stringify(wanted);
    const found = this.#types.findIndex((known) => JSON.stringify(known) === key);
    return found >= 0 ? found : this.#types.push(wanted) - 1;
  }

  /** Imports a function; returns its index. */
  importFunc(module: string, field: string, type: string | Signature): number {
    this.#functionTypes.push(this.type(type));
    return this.#import("func", module, field, u32(this.type(type)));
  }

  /** Imports a memory. */
  importMemory(module: string, field: string, limits: Limits): number {
    return this.#import("memory", module, field, limitsBytes(limits));
  }

  /** Imports a table. */
  importTable(module: string, field: string, element: TypeName, limits: Limits): number {
    return this.#import("table", module, field, [TYPE_CODES[element], limitsBytes(limits)]);
  }

  /** Imports a global. */
  importGlobal(module: string, field: string, type: TypeName, mutability: "const" | "var"): number {
    return this.#import("global", module, field, [TYPE_CODES[type], mutability === "var" ? 1 : 0]);
  }

  #import(kind: keyof typeof KINDS, module: string, field: string, description: Bytes): number {
    const defined = { func: this.#functions, table: this.#tables, memory: this.#memories, global: this.#globals }[kind];
    if (defined.length > 0) throw new Error(`import of ${module}.${field} after a definition of its kind`);
    this.#imports.push([name(module), name(field), KINDS[kind], description]);
    return this.#counts[kind]++;
  }

  /** Defines a function, exported if it has a name; returns its index. */
  func(exported: string | undefined, type: string | Signature, locals: readonly TypeName[], ...body: Bytes[]): number {
    const index = this.declare(type);
    if (exported !== undefined) this.export(exported, "func", index);
    this.define(index, locals, ...body);
    return index;
  }

  /** Numbers a function before its body exists, for recursion. */
  declare(type: string | Signature): number {
    this.#functionTypes.push(this.type(type));
    this.#functions.push({ type: this.type(type), locals: [], body: [instr("unreachable")] });
    return this.#counts.func++;
  }

  /** Gives a declared function its body. */
  define(index: number, locals: readonly TypeName[], ...body: Bytes[]): void {
    const defined = index - (this.#counts.func - this.#functions.length);
    this.#functions[defined] = { type: this.#functions[defined].type, locals, body };
  }

  /** Defines a memory. */
  memory(min: number, max?: number): number {
    this.#memories.push(limitsBytes(max === undefined ? { min } : { min, max }));
    return this.#counts.memory++;
  }

  /** Defines a table. */
  table(element: "funcref" | "externref", min: number, max?: number): number {
    this.#tables.push([TYPE_CODES[element], limitsBytes(max === undefined ? { min } : { min, max })]);
    return this.#counts.table++;
  }

  /** Defines a global from its initial value, a constant expression. */
  global(type: TypeName, mutability: "const" | "var", initial: Bytes): number {
    this.#globals.push([TYPE_CODES[type], mutability === "var" ? 1 : 0, initial, END]);
    return this.#counts.global++;
  }

  /** Exports something defined. */
  export(field: string, kind: keyof typeof KINDS, index: number): void {
    this.#exports.push([name(field), KINDS[kind], u32(index)]);
    if (kind === "func") this.exportedSignatures.set(field, this.#types[this.#functionTypes[index]]);
  }

  /** Runs a function at instantiation. */
  start(index: number): void {
    this.#start = index;
  }

  /** Adds a data segment: active at an offset, or passive without one. */
  data(bytes: readonly number[], offset?: Bytes): number {
    this.#data.push(
      offset === undefined ? [1, vector(...bytes.map((byte) => [byte]))] : [
        0,
        offset,
        END,
        vector(...bytes.map((byte) => [byte])),
      ],
    );
    return this.#data.length - 1;
  }

  /** Adds an element segment. */
  elements({ mode, table = 0, offset = i32(0), functions }: ElementSegment): number {
    const items = functions.map((index) => [
      index === undefined ? refNull("funcref") : instr("ref.func", u32(index)),
      END,
    ]);
    const FLAGS = { active: 6, passive: 5, declarative: 7 } as const;
    this.#elements.push([
      FLAGS[mode],
      mode === "active" ? [u32(table), offset, END] : [],
      TYPE_CODES.funcref,
      vector(...items),
    ]);
    return this.#elements.length - 1;
  }

  /** The module's binary. */
  build(): Uint8Array<ArrayBuffer> {
    const sections: [number, Bytes][] = [
      [
        1,
        vector(
          ...this.#types.map(({ params, results }) => [
            0x60,
            vector(...params.map((type) => [TYPE_CODES[type]])),
            vector(...results.map((type) => [TYPE_CODES[type]])),
          ]),
        ),
      ],
      [2, vector(...this.#imports)],
      [3, vector(...this.#functions.map(({ type }) => u32(type)))],
      [4, vector(...this.#tables)],
      [5, vector(...this.#memories)],
      [6, vector(...this.#globals)],
      [7, vector(...this.#exports)],
      [9, vector(...this.#elements)],
      [12, u32(this.#data.length)],
      [10, vector(...this.#functions.map(({ locals, body }) => code(runs(locals), ...body)))],
      [11, vector(...this.#data)],
    ];
    const sizes: Record<number, number> = {
      1: this.#types.length,
      2: this.#imports.length,
      3: this.#functions.length,
      4: this.#tables.length,
      5: this.#memories.length,
      6: this.#globals.length,
      7: this.#exports.length,
      9: this.#elements.length,
      10: this.#functions.length,
      11: this.#data.length,
      12: this.#data.length,
    };
    const used = sections.filter(([id]) => sizes[id] > 0);
    if (this.#start !== undefined) {
      const at = used.findIndex(([id]) => id === 9 || id === 12 || id === 10);
      used.splice(at, 0, [8, u32(this.#start)]);
    }
    return moduleBytes(...used);
  }
}

function limitsBytes({ min, max }: Limits): Bytes {
  return max === undefined ? [0, u32(min)] : [1, u32(min), u32(max)];
}

/** Locals as runs of equal types. */
function runs(locals: readonly TypeName[]): [number, Bytes][] {
  const found: [number, TypeName][] = [];
  for (const type of locals) {
    const last = found.at(-1);
    if (last?.[1] === type) last[0]++;
    else found.push([1, type]);
  }
  return found.map(([count, type]) => [count, [TYPE_CODES[type]]]);
}
