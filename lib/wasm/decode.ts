/**
 * The decoder: a module's bytes to a {@linkcode Module}.
 *
 * One pass over the sections (spec: binary-module). It refuses what is malformed, what needs a feature that is not enabled
 * and what exceeds an implementation limit; what is well formed but not valid is left to validate/. Function bodies are not
 * looked into: only their ranges are noted.
 *
 * DECODE-1  Each section is read by a cursor that ends where the section ends, and must be used up exactly.
 * DECODE-2  No count is trusted: an array is sized by a count only after the bytes were seen to hold that many items.
 *
 * May import: base. @module
 */
import { BitSet, IntList, NONE } from "../base/mod.ts";
import { type ConstExpr, readConstExpr } from "./const_expr.ts";
import { DEFAULT_FEATURES, type FeatureSet, hasFeature } from "./features.ts";
import { LIMITS } from "./limit_flags.ts";
import * as limits from "./limits.ts";
import {
  type Body,
  type CustomSection,
  type DataSegment,
  type ElementSegment,
  type Export,
  EXTERN_KINDS,
  type ExternKind,
  type Global,
  type Import,
  type Memory,
  type Module,
  type Table,
  type Tag,
} from "./module.ts";
import { NameSection } from "./names.ts";
import { Reader } from "./reader.ts";
import { CUSTOM_SECTION, type SectionName, SECTIONS } from "./sections.ts";
import { readRefType, readStorageType, readValType } from "./type_reader.ts";
import { TypeRegistry } from "./type_registry.ts";
import {
  type DefinedType,
  FUNCREF,
  HEAP_FUNC,
  HEAP_NOFUNC,
  heapType,
  refType,
  type SubTypeFacts,
  type ValType,
} from "./types.ts";

const WASM_MAGIC = 0x6d736100;
const WASM_VERSION = 1;
/** The version field of a component: version 13, layer 1. */
const COMPONENT_VERSION = 0x1000d;

/** The import kind of a function whose type must be exactly the given one. */
const EXACT_FUNC_IMPORT = 0x20;

/** Decodes a module; its bodies stay in `bytes`, which must not change while the module lives. */
export function decodeModule(bytes: Uint8Array, features: FeatureSet = DEFAULT_FEATURES): Module {
  return new Decoder(bytes, features).decode();
}

class Decoder {
  readonly #bytes: Uint8Array;
  readonly #features: FeatureSet;
  #reader: Reader;
  readonly #types: DefinedType[] = [];
  readonly #registry = new TypeRegistry();
  #typeIds = new Int32Array(0);
  /** The number of supertypes above each type. */
  readonly #depths = new IntList();
  readonly #imports: Import[] = [];
  readonly #exactFuncImports = new IntList();
  readonly #importedCounts: Record<ExternKind, number> = { func: 0, table: 0, memory: 0, global: 0, tag: 0 };
  readonly #funcs = new IntList();
  readonly #tables: Table[] = [];
  readonly #memories: Memory[] = [];
  readonly #globals: Global[] = [];
  readonly #tags: Tag[] = [];
  readonly #exports: Export[] = [];
  #start = NONE;
  readonly #elements: ElementSegment[] = [];
  readonly #datas: DataSegment[] = [];
  #dataCount = NONE;
  readonly #bodies: Body[] = [];
  readonly #declaredFuncs = new BitSet();
  readonly #customSections: CustomSection[] = [];
  readonly #offsets = {
    types: new IntList(),
    tables: new IntList(),
    memories: new IntList(),
    tags: new IntList(),
    exports: new IntList(),
    start: 0,
  };

  readonly #readers: Readonly<Record<SectionName, () => void>> = {
    type: () => this.#readTypes(),
    import: () => this.#readImports(),
    function: () => this.#readFunctions(),
    table: () => this.#readTables(),
    memory: () => this.#readMemories(),
    tag: () => this.#readTags(),
    global: () => this.#readGlobals(),
    export: () => this.#readExports(),
    start: () => this.#readStart(),
    element: () => this.#readElements(),
    "data count": () => this.#readDataCount(),
    code: () => this.#readCode(),
    data: () => this.#readData(),
  };

  constructor(bytes: Uint8Array, features: FeatureSet) {
    this.#bytes = bytes;
    this.#features = features;
    this.#reader = new Reader(bytes);
    this.#reader.features = features;
    this.#reader.typeLimit = 0;
  }

  decode(): Module {
    const bytes = this.#bytes;
    const reader = this.#reader;
    if (bytes.length > limits.MAX_MODULE_SIZE_BYTES) {
      reader.fail(`module of ${bytes.length} bytes is longer than ${limits.MAX_MODULE_SIZE_BYTES}`, 0);
    }
    this.#readHeader();
    let order = -1;
    while (!reader.atEnd) {
      const start = reader.pos;
      const id = reader.readU8();
      const size = reader.readU32Leb();
      if (size > bytes.length - reader.pos) reader.fail(`section of ${size} bytes extends beyond the module`, start);
      const end = reader.pos + size;
      reader.end = end; // DECODE-1
      if (id === CUSTOM_SECTION) this.#readCustom();
      else {
        const row = SECTIONS.findIndex(([, code]) => code === id);
        if (row < 0) reader.fail(`malformed section id ${id}`, start);
        const [name] = SECTIONS[row];
        if (row <= order) reader.fail(`unexpected ${name} section: out of order or repeated`, start);
        order = row;
        if (name === "tag") reader.need("exceptions", start);
        if (name === "data count") reader.need("bulk-memory", start);
        this.#readers[name]();
        if (reader.pos !== end) {
          reader.fail(`section size mismatch: ${name} section has ${end - reader.pos} more bytes`);
        }
      }
      reader.end = bytes.length;
    }
    this.#checkCounts();
    return this.#finish();
  }

  #readHeader(): void {
    const reader = this.#reader;
    if (reader.end < 4 || reader.readFixed32() !== WASM_MAGIC) {
      reader.fail("magic header not detected: expected bytes 00 61 73 6d", 0);
    }
    if (reader.end < 8) reader.fail("unexpected end in the version field", reader.end);
    const version = reader.readFixed32();
    if (version === COMPONENT_VERSION) reader.fail("this is a component, not a module", 4);
    if (version !== WASM_VERSION) {
      reader.fail(`unknown binary version 0x${(version >>> 0).toString(16)}, expected 1`, 4);
    }
  }

  #checkCounts(): void {
    const reader = this.#reader;
    const defined = this.#funcs.length - this.#importedCounts.func;
    if (this.#bodies.length !== defined) {
      reader.fail(`function and code section have inconsistent lengths ${defined} and ${this.#bodies.length}`);
    }
    if (this.#dataCount !== NONE && this.#dataCount !== this.#datas.length) {
      reader.fail(`data count ${this.#dataCount} and data section length ${this.#datas.length} are inconsistent`);
    }
  }

  #finish(): Module {
    const nameSection = this.#customSections.find(({ name }) => name === "name");
    const { start, end } = nameSection ?? { start: 0, end: 0 };
    const counts = this.#importedCounts;
    const offsets = this.#offsets;
    return {
      bytes: this.#bytes,
      features: this.#features,
      usedFeatures: this.#reader.usedFeatures,
      types: this.#types,
      typeIds: this.#typeIds,
      registry: this.#registry,
      imports: this.#imports,
      funcs: toArray(this.#funcs),
      importedFuncCount: counts.func,
      exactFuncImports: toSet(this.#exactFuncImports, counts.func),
      tables: this.#tables,
      importedTableCount: counts.table,
      memories: this.#memories,
      importedMemoryCount: counts.memory,
      globals: this.#globals,
      importedGlobalCount: counts.global,
      tags: this.#tags,
      importedTagCount: counts.tag,
      exports: this.#exports,
      start: this.#start,
      elements: this.#elements,
      datas: this.#datas,
      dataCount: this.#dataCount,
      bodies: this.#bodies,
      declaredFuncs: this.#declaredFuncs,
      customSections: this.#customSections,
      offsets: {
        types: toArray(offsets.types),
        tables: toArray(offsets.tables),
        memories: toArray(offsets.memories),
        tags: toArray(offsets.tags),
        exports: toArray(offsets.exports),
        start: offsets.start,
      },
      names: new NameSection(this.#bytes, start, end, this.#funcs.length),
    };
  }

  /** Reads a vector's length and holds it against a limit; `held` items are there already. */
  #readCount(what: string, limit: number, held = 0): number {
    const start = this.#reader.pos;
    const count = this.#reader.readU32Leb();
    if (held + count > limit) this.#reader.fail(`${held + count} ${what} are more than the limit of ${limit}`, start);
    return count;
  }

  #readCustom(): void {
    const reader = this.#reader;
    const name = reader.readName();
    this.#customSections.push({ name, start: reader.pos, end: reader.end });
    reader.pos = reader.end;
  }

  // ---- types ----

  #readTypes(): void {
    const reader = this.#reader;
    const groups = this.#readCount("types", limits.MAX_TYPES);
    this.#typeIds = new Int32Array(Math.min(groups, reader.end - reader.pos)); // DECODE-2: a type takes a byte at least
    for (let i = 0; i < groups; i++) this.#readGroup();
    this.#typeIds = this.#typeIds.slice(0, this.#types.length);
  }

  #readGroup(): void {
    const reader = this.#reader;
    const types = this.#types;
    const first = types.length;
    let size = 1;
    const start = reader.pos;
    const isGroup = reader.readU8() === 0x4e;
    if (isGroup) {
      reader.need("gc", start);
      size = this.#readCount("types", limits.MAX_TYPES, first);
    } else {
      reader.pos = start;
      if (first + 1 > limits.MAX_TYPES) reader.fail(`more than ${limits.MAX_TYPES} types`);
    }
    reader.typeLimit = first + size;
    for (let i = 0; i < size; i++) types.push(this.#readSubType(first, size));
    if (size === 0) return;
    if (this.#typeIds.length < types.length) {
      const grown = new Int32Array(Math.max(types.length, 2 * this.#typeIds.length));
      grown.set(this.#typeIds);
      this.#typeIds = grown;
    }
    this.#registry.canonicalizeGroup(types, first, size, this.#typeIds);
  }

  #readSubType(groupStart: number, groupSize: number): DefinedType {
    const reader = this.#reader;
    const start = reader.pos;
    this.#offsets.types.push(start);
    const code = reader.readU8();
    let supertype = NONE;
    let depth = 0;
    const isFinal = code !== 0x50;
    if (code === 0x50 || code === 0x4f) {
      reader.need("gc", start);
      const at = reader.pos;
      const count = reader.readU32Leb();
      if (count > 1) reader.fail(`${count} supertypes, at most one is allowed`, at);
      if (count === 1) {
        supertype = reader.readU32Leb();
        if (supertype >= this.#types.length) reader.fail(`unknown type ${supertype}: a supertype must come first`, at);
        depth = this.#depths.at(supertype) + 1;
        // Checked here, so that no walk along supertypes is ever longer.
        if (depth > limits.MAX_SUBTYPE_DEPTH) {
          reader.fail(`type ${this.#types.length} has more than ${limits.MAX_SUBTYPE_DEPTH} supertypes above it`, at);
        }
      }
    } else reader.pos = start;
    this.#depths.push(depth);
    return this.#readCompositeType({ isFinal, supertype, groupStart, groupSize });
  }

  #readCompositeType(facts: SubTypeFacts): DefinedType {
    const reader = this.#reader;
    const describes = this.#readDescriptorClause(0x4c);
    const descriptor = this.#readDescriptorClause(0x4d);
    const start = reader.pos;
    const code = reader.readU8();
    if (code !== 0x5f && (describes !== NONE || descriptor !== NONE)) {
      reader.fail("only struct types have descriptors", start);
    }
    switch (code) {
      case 0x60: {
        const params = this.#readTypesOf("parameters", limits.MAX_PARAMS);
        const results = this.#readTypesOf("results", limits.MAX_RESULTS);
        if (results.length > 1) reader.need("multi-value", start);
        return { kind: "func", ...facts, params, results };
      }
      case 0x5f: {
        reader.need("gc", start);
        const count = this.#readCount("fields", limits.MAX_STRUCT_FIELDS);
        const fields = new Int32Array(count);
        const fieldMutable = new Uint8Array(count);
        for (let i = 0; i < count; i++) {
          fields[i] = readStorageType(reader);
          fieldMutable[i] = this.#readMutability();
        }
        return { kind: "struct", ...facts, fields, fieldMutable, descriptor, describes };
      }
      case 0x5e: {
        reader.need("gc", start);
        const element = readStorageType(reader);
        return { kind: "array", ...facts, element, isMutable: this.#readMutability() === 1 };
      }
      case 0x5d: {
        reader.need("stack-switching", start);
        const func = reader.readS33Leb();
        if (func < 0 || func >= reader.typeLimit) reader.fail(`unknown type ${func} of a continuation type`, start + 1);
        return { kind: "cont", ...facts, func };
      }
      default:
        return reader.fail(`malformed type form 0x${code.toString(16)}`, start);
    }
  }

  /** Reads a `describes` or `descriptor` clause if one stands here; the type it names, or NONE. */
  #readDescriptorClause(code: 0x4c | 0x4d): number {
    const reader = this.#reader;
    const start = reader.pos;
    if (start >= reader.end || reader.bytes[start] !== code) return NONE;
    reader.need("custom-descriptors", start);
    reader.readU8();
    const index = reader.readU32Leb();
    if (index >= reader.typeLimit) reader.fail(`unknown type ${index}`, start);
    return index;
  }

  #readTypesOf(what: string, limit: number): Int32Array {
    const count = this.#readCount(what, limit);
    const types = new Int32Array(count);
    for (let i = 0; i < count; i++) types[i] = readValType(this.#reader);
    return types;
  }

  #readMutability(): number {
    const code = this.#reader.readU8();
    if (code > 1) this.#reader.fail(`malformed mutability ${code}`, this.#reader.pos - 1);
    return code;
  }

  // ---- imports and definitions ----

  #readImports(): void {
    const reader = this.#reader;
    const count = this.#readCount("imports", limits.MAX_IMPORTS);
    const counts = this.#importedCounts;
    for (let i = 0; i < count; i++) {
      const module = reader.readName();
      const name = reader.readName();
      const kind = this.#readExternKind("import");
      if (reader.bytes[reader.pos - 1] === EXACT_FUNC_IMPORT) {
        this.#exactFuncImports.push(counts.func);
      }
      this.#imports.push({ module, name, kind, index: counts[kind]++ });
      switch (kind) {
        case "func":
          this.#funcs.push(this.#readFuncTypeIndex());
          break;
        case "table":
          this.#tables.push(this.#readTableType(undefined));
          break;
        case "memory":
          this.#memories.push(this.#readMemoryType());
          break;
        case "global": {
          const type = readValType(reader);
          const isMutable = this.#readMutability() === 1;
          if (isMutable) reader.need("mutable-globals");
          this.#globals.push({ type, isMutable, init: undefined });
          break;
        }
        case "tag":
          this.#tags.push(this.#readTag());
          break;
      }
    }
    const memories = this.#memories.length;
    if (memories > limits.MAX_MEMORIES) {
      reader.fail(`${memories} memories are more than the limit of ${limits.MAX_MEMORIES}`);
    }
    if (this.#tables.length > 1) reader.need("reference-types");
    if (memories > 1) reader.need("multi-memory");
  }

  #readExternKind(where: "import" | "export"): ExternKind {
    const reader = this.#reader;
    const code = reader.readU8();
    if (where === "import" && code === EXACT_FUNC_IMPORT) {
      reader.need("custom-descriptors", reader.pos - 1);
      return "func";
    }
    if (code >= EXTERN_KINDS.length) reader.fail(`malformed ${where} kind ${code}`, reader.pos - 1);
    const kind = EXTERN_KINDS[code];
    if (kind === "tag") reader.need("exceptions", reader.pos - 1);
    return kind;
  }

  #readFuncTypeIndex(): number {
    const reader = this.#reader;
    const start = reader.pos;
    const index = reader.readU32Leb();
    const type = this.#types[index];
    if (type === undefined) reader.fail(`unknown type ${index}`, start);
    if (type.kind !== "func") reader.fail(`type ${index} is not a function type`, start);
    return index;
  }

  #readFunctions(): void {
    const count = this.#readCount("functions", limits.MAX_FUNCTIONS);
    for (let i = 0; i < count; i++) this.#funcs.push(this.#readFuncTypeIndex());
  }

  #readTableType(init: ConstExpr | undefined): Table {
    const reader = this.#reader;
    this.#offsets.tables.push(reader.pos);
    const element = readRefType(reader);
    const start = reader.pos;
    const flags = reader.readU8();
    if ((flags & ~(LIMITS.maximum | LIMITS.address64)) !== 0) {
      reader.fail(
        flags === 2 || flags === 3 ? "shared tables are not supported" : `malformed limits flags ${flags}`,
        start,
      );
    }
    const { addressType, minimum, maximum } = this.#readLimits(flags, start);
    return { element, minimum, maximum, addressType, init };
  }

  #readLimits(flags: number, start: number) {
    const reader = this.#reader;
    const is64 = (flags & LIMITS.address64) !== 0;
    if (is64) reader.need("memory64", start);
    const read = () => is64 ? reader.readU64LebAsNumber() : reader.readU32Leb();
    const minimum = read();
    const maximum = (flags & LIMITS.maximum) !== 0 ? read() : undefined;
    return { addressType: is64 ? "i64" : "i32", minimum, maximum } as const;
  }

  #readTables(): void {
    const reader = this.#reader;
    const count = this.#readCount("tables", limits.MAX_TABLES);
    for (let i = 0; i < count; i++) {
      const start = reader.pos;
      if (reader.bytes[start] === 0x40 && reader.pos < reader.end) {
        reader.need("function-references", start);
        reader.readU8();
        if (reader.readU8() !== 0) reader.fail("zero byte expected", start + 1);
        const table = this.#readTableType(undefined);
        this.#tables.push({ ...table, init: this.#readConstExpr() });
      } else this.#tables.push(this.#readTableType(undefined));
    }
    if (this.#tables.length > 1) reader.need("reference-types");
  }

  #readMemoryType(): Memory {
    const reader = this.#reader;
    const start = reader.pos;
    this.#offsets.memories.push(start);
    const flags = reader.readU8();
    if (flags > 15) reader.fail(`malformed limits flags ${flags}`, start);
    const isShared = (flags & LIMITS.shared) !== 0;
    if (isShared) reader.need("threads", start);
    const { addressType, minimum, maximum } = this.#readLimits(flags, start);
    const pageSizeLog2 = (flags & LIMITS.pageSize) === 0 ? 16 : this.#readPageSize(start);
    return { minimumPages: minimum, maximumPages: maximum, addressType, isShared, pageSizeLog2 };
  }

  #readPageSize(start: number): number {
    const reader = this.#reader;
    reader.need("custom-page-sizes", start);
    const at = reader.pos;
    const pageSizeLog2 = reader.readU32Leb();
    if (pageSizeLog2 > 64) reader.fail(`malformed page size 2**${pageSizeLog2}`, at);
    return pageSizeLog2;
  }

  #readMemories(): void {
    const count = this.#readCount("memories", limits.MAX_MEMORIES, this.#memories.length);
    for (let i = 0; i < count; i++) this.#memories.push(this.#readMemoryType());
    if (this.#memories.length > 1) this.#reader.need("multi-memory");
  }

  #readTag(): Tag {
    const reader = this.#reader;
    this.#offsets.tags.push(reader.pos);
    const attribute = reader.readU8();
    if (attribute !== 0) reader.fail(`malformed tag attribute ${attribute}`, reader.pos - 1);
    const typeIndex = this.#readFuncTypeIndex();
    const type = this.#types[typeIndex];
    // Without the feature the validator refuses the results.
    if (type.kind === "func" && type.results.length > 0 && hasFeature(this.#features, "stack-switching")) {
      reader.need("stack-switching");
    }
    return { typeIndex };
  }

  #readTags(): void {
    const count = this.#readCount("tags", limits.MAX_TAGS);
    for (let i = 0; i < count; i++) this.#tags.push(this.#readTag());
  }

  /** Reads a constant expression; notes the functions it names and the features it needs by what it refers to. */
  #readConstExpr(): ConstExpr {
    const expr = readConstExpr(this.#reader);
    for (const instr of expr.instrs) {
      if (instr.name === "ref.func") this.#declareFunc(instr.funcIndex);
      else if (instr.name === "global.get" && instr.globalIndex >= this.#importedCounts.global) {
        this.#reader.need("gc", expr.offsetBytes); // Until then only imported globals are constant.
      }
    }
    return expr;
  }

  #declareFunc(funcIndex: number): void {
    if (funcIndex >= this.#funcs.length) return; // The validator refuses it.
    if (this.#declaredFuncs.wordCount === 0) this.#declaredFuncs.resize(this.#funcs.length);
    this.#declaredFuncs.add(funcIndex);
  }

  #readGlobals(): void {
    const count = this.#readCount("globals", limits.MAX_GLOBALS);
    for (let i = 0; i < count; i++) {
      const type = readValType(this.#reader);
      const isMutable = this.#readMutability() === 1;
      this.#globals.push({ type, isMutable, init: this.#readConstExpr() });
    }
  }

  #readExports(): void {
    const reader = this.#reader;
    const count = this.#readCount("exports", limits.MAX_EXPORTS);
    for (let i = 0; i < count; i++) {
      this.#offsets.exports.push(reader.pos);
      const name = reader.readName();
      const kind = this.#readExternKind("export");
      const index = reader.readU32Leb();
      if (kind === "func") this.#declareFunc(index);
      this.#exports.push({ name, kind, index });
    }
  }

  #readStart(): void {
    this.#offsets.start = this.#reader.pos;
    this.#start = this.#reader.readU32Leb();
  }

  // ---- segments and bodies ----

  #readElements(): void {
    const count = this.#readCount("element segments", limits.MAX_ELEMENT_SEGMENTS);
    for (let i = 0; i < count; i++) this.#elements.push(this.#readElement());
  }

  /** Bit 0: passive or declared; bit 1: explicit table, or declared; bit 2: expressions (spec: binary-elem). */
  #readElement(): ElementSegment {
    const reader = this.#reader;
    const offsetBytes = reader.pos;
    const flags = reader.readU32Leb();
    if (flags > 7) reader.fail(`malformed elements segment kind ${flags}`, offsetBytes);
    if (flags !== 0) reader.need("bulk-memory", offsetBytes);
    const mode = (flags & 1) === 0 ? "active" : (flags & 2) === 0 ? "passive" : "declared";
    if (mode === "declared") reader.need("reference-types", offsetBytes);
    const hasTable = mode === "active" && (flags & 2) !== 0;
    const tableIndex = hasTable ? reader.readU32Leb() : 0;
    const offset = mode === "active" ? this.#readConstExpr() : undefined;
    const hasType = (flags & 3) !== 0;
    const segment = { mode, tableIndex, offset, offsetBytes } as const;
    if ((flags & 4) === 0) {
      if (hasType && reader.readU8() !== 0) reader.fail("malformed element kind", reader.pos - 1);
      return { ...segment, type: refType(HEAP_FUNC), ...this.#readElementFuncs() };
    }
    const type = hasType ? readRefType(reader) : FUNCREF;
    return { ...segment, type, ...this.#readElementExprs(type) };
  }

  #readElementFuncs() {
    const reader = this.#reader;
    const length = this.#readElementCount();
    const funcs = new Int32Array(length);
    for (let i = 0; i < length; i++) this.#declareFunc(funcs[i] = reader.readU32Leb());
    return { length, funcs, exprs: undefined };
  }

  #readElementCount(): number {
    const reader = this.#reader;
    const length = this.#readCount("elements in a segment", limits.MAX_ELEMENT_SEGMENT_LENGTH);
    if (length > reader.end - reader.pos) reader.fail("unexpected end", reader.end); // DECODE-2
    return length;
  }

  /** Large tables consist of functions and nulls; expressions are kept only when there is another kind of element. */
  #readElementExprs(type: ValType) {
    const reader = this.#reader;
    const length = this.#readElementCount();
    const start = reader.pos;
    const funcs = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      const func = simpleFunc(this.#readConstExpr(), type);
      if (func === undefined) {
        reader.pos = start;
        const exprs = Array.from({ length }, () => this.#readConstExpr());
        return { length, funcs: undefined, exprs };
      }
      funcs[i] = func;
    }
    return { length, funcs, exprs: undefined };
  }

  #readDataCount(): void {
    this.#dataCount = this.#readCount("data segments", limits.MAX_DATA_SEGMENTS);
  }

  #readCode(): void {
    const reader = this.#reader;
    const count = reader.readU32Leb();
    const defined = this.#funcs.length - this.#importedCounts.func;
    if (count !== defined) reader.fail(`function and code section have inconsistent lengths ${defined} and ${count}`);
    for (let i = 0; i < count; i++) {
      const at = reader.pos;
      const size = reader.readU32Leb();
      if (size > limits.MAX_BODY_SIZE_BYTES) {
        reader.fail(`function body of ${size} bytes is longer than ${limits.MAX_BODY_SIZE_BYTES}`, at);
      }
      const start = reader.pos;
      reader.skipBytes(size);
      this.#bodies.push({ start, end: reader.pos });
    }
  }

  #readData(): void {
    const reader = this.#reader;
    const count = this.#readCount("data segments", limits.MAX_DATA_SEGMENTS);
    for (let i = 0; i < count; i++) {
      const offsetBytes = reader.pos;
      const flags = reader.readU32Leb();
      if (flags > 2) reader.fail(`malformed data segment kind ${flags}`, offsetBytes);
      if (flags !== 0) reader.need("bulk-memory", offsetBytes);
      const memoryIndex = flags === 2 ? reader.readU32Leb() : 0;
      const mode = flags === 1 ? "passive" : "active";
      const offset = mode === "active" ? this.#readConstExpr() : undefined;
      const size = reader.readU32Leb();
      const start = reader.pos;
      reader.skipBytes(size);
      this.#datas.push({ mode, memoryIndex, offset, start, end: reader.pos, offsetBytes });
    }
  }
}

function toSet(members: IntList, limit: number): BitSet {
  const set = new BitSet();
  set.resize(limit);
  for (let i = 0; i < members.length; i++) set.add(members.at(i));
  return set;
}

function toArray(list: IntList): Int32Array {
  return list.data.slice(0, list.length);
}

/**
 * The function that an element expression names, NONE for null; undefined when it is anything else. A null counts only if
 * its heap type says nothing that the segment's type does not, so no type is lost.
 */
function simpleFunc({ instrs }: ConstExpr, type: ValType): number | undefined {
  if (instrs.length !== 1) return undefined;
  const [instr] = instrs;
  if (instr.name === "ref.func") return instr.funcIndex;
  if (instr.name !== "ref.null") return undefined;
  const heap = heapType(type);
  const isOwn = instr.heapType === heap || (heap === HEAP_FUNC && instr.heapType === HEAP_NOFUNC);
  return isOwn ? NONE : undefined;
}
