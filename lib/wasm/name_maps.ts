/**
 * The name section, whole: the names of every index space, of locals, labels and fields (spec: appendix, "Name Section").
 *
 * The front end decodes what messages and the embedder need, when they need it (names.ts); a printer wants all of them, and wants to know
 * whether they are all: a section that does not follow the grammar is carried as bytes instead.
 *
 * May import: base. @module
 */
import { CompileError } from "./errors.ts";
import { skipImmediates } from "./immediates.ts";
import { readOp } from "./instructions.ts";
import type { Module } from "./module.ts";
import { OP_FLAG, OP_FLAGS } from "./opcodes.ts";
import { Reader } from "./reader.ts";
import { readValType } from "./type_reader.ts";

/** The subsections that name one index space, with their ids. */
export const NAME_SPACES = {
  func: 1,
  type: 4,
  table: 5,
  memory: 6,
  global: 7,
  elem: 8,
  data: 9,
  tag: 11,
} as const;
/** The subsections that name an index space for each function or type. */
export const INDIRECT_NAME_SPACES = { local: 2, label: 3, field: 10 } as const;
/** The subsection with the module's own name. */
export const MODULE_NAME = 0;

/** An index space that the name section may name. */
export type NameSpace = keyof typeof NAME_SPACES;
/** An index space per function (locals, labels) or type (fields). */
export type IndirectNameSpace = keyof typeof INDIRECT_NAME_SPACES;

/** Names by index. */
export type NameMap = ReadonlyMap<number, string>;

/** No names. */
export const NO_NAMES: NameMap = new Map();

/** The names of a module. */
export class NameMaps {
  moduleName: string | undefined;
  readonly #direct = new Map<number, NameMap>();
  readonly #indirect = new Map<number, ReadonlyMap<number, NameMap>>();

  /** The names of an index space. */
  of(space: NameSpace): NameMap {
    return this.#direct.get(NAME_SPACES[space]) ?? NO_NAMES;
  }

  /** The names of a function's locals or labels, or of a type's fields. */
  within(space: IndirectNameSpace, owner: number): NameMap {
    return this.#indirect.get(INDIRECT_NAME_SPACES[space])?.get(owner) ?? NO_NAMES;
  }

  /** Whether the module has all the locals, labels and fields that are named. */
  fitsWithin(module: Module): boolean {
    const maps = (space: IndirectNameSpace) => this.#indirect.get(INDIRECT_NAME_SPACES[space]) ?? new Map();
    const fits = (space: IndirectNameSpace, count: (owner: number) => number) => {
      for (const [owner, names] of maps(space)) {
        if (names.size === 0 || Math.max(...names.keys()) >= count(owner)) return false;
      }
      return true;
    };
    return fits("field", (index) => {
      const type = module.types[index];
      return type?.kind === "struct" ? type.fields.length : 0;
    }) && fits("local", (index) => countLocals(module, index)) && fits("label", (index) => countBlocks(module, index));
  }

  /** Reads a name section; undefined when it does not follow the grammar, order and uniqueness included. */
  static read(bytes: Uint8Array, start: number, end: number): NameMaps | undefined {
    try {
      const maps = new NameMaps();
      return maps.#read(new Reader(bytes, start, end)) ? maps : undefined;
    } catch (error) {
      if (error instanceof CompileError) return undefined;
      throw error;
    }
  }

  #read(reader: Reader): boolean {
    const spaces = new Set<number>(Object.values(NAME_SPACES));
    const indirect = new Set<number>(Object.values(INDIRECT_NAME_SPACES));
    let last = -1;
    while (!reader.atEnd) {
      const id = reader.readU8();
      const size = reader.readU32Leb();
      const end = reader.pos + size;
      if (id <= last || end > reader.end) return false;
      last = id;
      if (id === MODULE_NAME) this.moduleName = reader.readName();
      else if (spaces.has(id)) {
        const names = readNameMap(reader);
        if (names === undefined) return false;
        this.#direct.set(id, names);
      } else if (indirect.has(id)) {
        const maps = readIndirectNameMap(reader);
        if (maps === undefined) return false;
        this.#indirect.set(id, maps);
      } else return false;
      if (reader.pos !== end) return false;
    }
    return true;
  }
}

/** Reads names by ascending index; undefined for any other order. @throws {CompileError} */
export function readNameMap(reader: Reader): NameMap | undefined {
  const names = new Map<number, string>();
  let last = -1;
  for (let count = reader.readU32Leb(); count > 0; count--) {
    const index = reader.readU32Leb();
    if (index <= last) return undefined;
    last = index;
    names.set(index, reader.readName());
  }
  return names;
}

/** Reads a name map for each owner, ascending; undefined for any other order. @throws {CompileError} */
export function readIndirectNameMap(reader: Reader): ReadonlyMap<number, NameMap> | undefined {
  const maps = new Map<number, NameMap>();
  let last = -1;
  for (let count = reader.readU32Leb(); count > 0; count--) {
    const owner = reader.readU32Leb();
    if (owner <= last) return undefined;
    last = owner;
    const names = readNameMap(reader);
    if (names === undefined) return undefined;
    maps.set(owner, names);
  }
  return maps;
}

/** A reader at the start of a function's body; undefined for an imported function, or none. */
function bodyReader(module: Module, funcIndex: number): Reader | undefined {
  const body = module.bodies[funcIndex - module.importedFuncCount];
  if (body === undefined) return undefined;
  const reader = new Reader(module.bytes, body.start, body.end);
  reader.features = module.features;
  return reader;
}

/** Passes over the local declarations and counts them. */
function readLocals(reader: Reader): number {
  let count = 0;
  for (let groups = reader.readU32Leb(); groups > 0; groups--) {
    count += reader.readU32Leb();
    readValType(reader);
  }
  return count;
}

/** How many parameters and locals a function has; 0 for an imported one. */
export function countLocals(module: Module, funcIndex: number): number {
  const reader = bodyReader(module, funcIndex);
  const type = module.types[module.funcs[funcIndex]];
  return reader === undefined || type?.kind !== "func" ? 0 : type.params.length + readLocals(reader);
}

function countBlocks(module: Module, funcIndex: number): number {
  const reader = bodyReader(module, funcIndex);
  if (reader === undefined) return 0;
  readLocals(reader);
  let count = 0;
  while (!reader.atEnd) {
    const op = readOp(reader);
    if ((OP_FLAGS[op] & (OP_FLAG.opens | OP_FLAG.closes)) === OP_FLAG.opens) count++;
    skipImmediates(op, reader);
  }
  return count;
}
