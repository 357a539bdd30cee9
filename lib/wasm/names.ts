/**
 * The name section: names of the module, its functions and their locals for messages, of types and fields for the embedder, decoded when
 * first asked for.
 *
 * Names are a courtesy (spec: "Name Section"): a malformed section is not an error, what comes before the fault counts.
 * Functions are looked up in an Int32Array of offsets, so a large section costs one pass over its bytes and no strings.
 *
 * May import: base. @module
 */
import { CompileError } from "./errors.ts";
import {
  INDIRECT_NAME_SPACES,
  MODULE_NAME,
  NAME_SPACES,
  type NameMap,
  NO_NAMES,
  readIndirectNameMap,
  readNameMap,
} from "./name_maps.ts";
import { Reader } from "./reader.ts";

/** The names that a module's name section gives. */
export class NameSection {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  #isRead = false;
  #module: string | undefined;
  /** By function: the offset of its name, or 0. */
  #functions = new Int32Array(0);
  /** By function: the offset of its map of local names, or 0. */
  #locals = new Int32Array(0);
  /** Where the subsections of type and field names start, or 0. */
  #typesAt = 0;
  #fieldsAt = 0;
  #types: NameMap | undefined;
  #fields: ReadonlyMap<number, NameMap> | undefined;

  /** The section is `bytes` from `start` to `end`; an empty range is no section. */
  constructor(bytes: Uint8Array, start: number, end: number, funcCount: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    if (end > start) {
      this.#functions = new Int32Array(funcCount);
      this.#locals = new Int32Array(funcCount);
    }
  }

  /** The module's name. */
  get moduleName(): string | undefined {
    this.#read();
    return this.#module;
  }

  /** The name of a function. */
  func(funcIndex: number): string | undefined {
    this.#read();
    return this.#nameAt(this.#functions[funcIndex]);
  }

  /** The name of a local. */
  local(funcIndex: number, localIndex: number): string | undefined {
    this.#read();
    const at = this.#locals[funcIndex];
    if (!at) return undefined;
    const reader = new Reader(this.#bytes, at, this.#end);
    return orUndefined(() => {
      for (let count = reader.readU32Leb(); count > 0; count--) {
        const index = reader.readU32Leb();
        if (index === localIndex) return reader.readName();
        reader.skipBytes(reader.readU32Leb());
      }
      return undefined;
    });
  }

  /** The names of types, by type index. */
  get types(): NameMap {
    this.#read();
    return this.#types ??= this.#subsection(this.#typesAt, readNameMap) ?? NO_NAMES;
  }

  /** The names of a struct type's fields, by field. */
  fields(typeIndex: number): NameMap {
    this.#read();
    this.#fields ??= this.#subsection(this.#fieldsAt, readIndirectNameMap) ?? new Map();
    return this.#fields.get(typeIndex) ?? NO_NAMES;
  }

  #subsection<T>(offset: number, read: (reader: Reader) => T | undefined): T | undefined {
    return offset === 0 ? undefined : orUndefined(() => read(new Reader(this.#bytes, offset, this.#end)));
  }

  #nameAt(offset: number | undefined): string | undefined {
    if (!offset) return undefined;
    return orUndefined(() => new Reader(this.#bytes, offset, this.#end).readName());
  }

  #read(): void {
    if (this.#isRead) return;
    this.#isRead = true;
    const reader = new Reader(this.#bytes, this.#start, this.#end);
    orUndefined(() => {
      while (!reader.atEnd) {
        const id = reader.readU8();
        const size = reader.readU32Leb();
        const next = reader.pos + size;
        if (id === MODULE_NAME) this.#module = reader.readName();
        else if (id === NAME_SPACES.func) {
          for (let count = reader.readU32Leb(); count > 0; count--) {
            const index = reader.readU32Leb();
            if (index < this.#functions.length) this.#functions[index] = reader.pos;
            reader.skipBytes(reader.readU32Leb());
          }
        } else if (id === INDIRECT_NAME_SPACES.local) {
          for (let count = reader.readU32Leb(); count > 0; count--) {
            const index = reader.readU32Leb();
            if (index < this.#locals.length) this.#locals[index] = reader.pos;
            for (let locals = reader.readU32Leb(); locals > 0; locals--) {
              reader.readU32Leb();
              reader.skipBytes(reader.readU32Leb());
            }
          }
        } else if (id === NAME_SPACES.type) this.#typesAt = reader.pos;
        else if (id === INDIRECT_NAME_SPACES.field) this.#fieldsAt = reader.pos;
        reader.pos = next;
      }
    });
  }
}

/** Runs `read`; a malformed section ends it. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}
