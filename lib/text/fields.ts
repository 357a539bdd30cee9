/**
 * Module fields: what stands between `(module` and its `)`, to the sections of a binary (spec: text-module).
 *
 * Identifiers may be used before they are defined, so the fields are read three times: first every definition and import
 * gets its index and name; then the types are read; then everything else, in order. Only the last two look inside forms.
 *
 * FIELD-1  Imports come before definitions; so the index of the n-th thing of a kind is known when its field is seen.
 * FIELD-2  Fields are read in the order of the text, so that implicit types get their indices in order (TYPES-1).
 *
 * May import: base, wasm. @module
 */
import { CodeBuffer, NONE } from "../base/mod.ts";
import {
  FUNCREF,
  LIMITS,
  OP,
  type ValType,
  writeByteVector,
  writeS64Leb,
  writeU32Leb,
  writeU64Leb,
  writeValType,
} from "../wasm/mod.ts";
import type { CustomText } from "./annotations.ts";
import { ModuleContext } from "./context.ts";
import type { IndexSpace, NamedIndex } from "./index_space.ts";
import { type BranchHint, InstructionParser } from "./instructions.ts";
import { writeOp } from "./immediates.ts";
import { type Keyword, WORD, type Word } from "./keywords.ts";
import { type LexedText, TOKEN } from "./lexer.ts";
import type { NestedNames } from "./names.ts";

/** A vector of a section: its items' bytes and their number. */
export class SectionItems {
  count = 0;
  readonly bytes: CodeBuffer = new CodeBuffer(256);
}

/** The kinds of things that are imported and exported: their space, and the code in imports and exports. */
const EXTERNS = {
  func: ["funcs", 0],
  table: ["tables", 1],
  memory: ["memories", 2],
  global: ["globals", 3],
  tag: ["tags", 4],
} as const;

type ExternWord = keyof typeof EXTERNS;
const EXTERN_WORDS = Object.keys(EXTERNS) as ExternWord[];

const PAGE_SIZE_LOG2 = 16;
/** The code of an imported function whose type is exact. */
const EXACT_FUNC = 0x20;

/** The hints of a function. */
export interface FunctionHints {
  readonly funcIndex: number;
  readonly hints: readonly BranchHint[];
}

/** Reads the fields of one module. */
export class FieldParser {
  readonly context: ModuleContext;
  readonly #instructions: InstructionParser;
  readonly imports = new SectionItems();
  readonly funcs = new SectionItems();
  readonly tables = new SectionItems();
  readonly memories = new SectionItems();
  readonly tags = new SectionItems();
  readonly globals = new SectionItems();
  readonly exports = new SectionItems();
  readonly elems = new SectionItems();
  readonly codes = new SectionItems();
  readonly datas = new SectionItems();
  /** The start function, or NONE. */
  start = NONE;
  readonly customs: CustomText[] = [];
  readonly localNames: NestedNames[] = [];
  readonly labelNames: NestedNames[] = [];
  readonly hints: FunctionHints[] = [];
  /** Indices given in the last reading, by kind. */
  readonly #reached = { func: 0, table: 0, memory: 0, global: 0, tag: 0, elem: 0, data: 0 };
  readonly #body = new CodeBuffer(1024);
  readonly #expression = new CodeBuffer(64);

  constructor(text: LexedText, at: number) {
    this.context = new ModuleContext(text, at);
    this.#instructions = new InstructionParser(this.context);
  }

  /** Reads all fields up to the token that ends them, which is not taken. */
  parse(): void {
    const { cursor } = this.context;
    const first = cursor.at;
    this.#declareAll();
    const end = cursor.at;
    cursor.at = first;
    this.#defineTypes(end);
    cursor.at = first;
    while (cursor.at < end) this.#field();
    this.customs.push(...this.context.annotations.takeCustoms(end));
  }

  // ---- first reading: indices and names ----

  #declareAll(): void {
    const { cursor, types } = this.context;
    let defined: ExternWord | undefined;
    while (cursor.kind === TOKEN.open) {
      const field = cursor.at;
      const word = this.#fieldWord();
      if (word === "type" || word === "rec") types.declare(cursor);
      else if (word === "import" || word in EXTERNS) {
        const isImport = word === "import" || this.#hasInlineImport(field);
        if (isImport && defined !== undefined) cursor.fail(`import after ${defined} definition`, field);
        if (!isImport) defined = word as ExternWord;
        this.#declareExtern(word);
      } else if (word === "elem" || word === "data") {
        cursor.at += 2;
        this.#declare(this.context[`${word}s`]);
      }
      cursor.at = cursor.closeOf(field) + 1;
    }
    if (cursor.kind !== TOKEN.close && cursor.kind !== TOKEN.end) cursor.unexpected("a module field");
  }

  /** The keyword of the field that comes next. */
  #fieldWord(): FieldWord {
    const { cursor } = this.context;
    const word = FIELD_WORDS.get(cursor.formKeyword);
    if (word !== undefined) return word;
    cursor.at++;
    return cursor.unexpected("a module field");
  }

  /** Whether `(import` follows the identifier and the exports of a field. */
  #hasInlineImport(field: number): boolean {
    const { cursor } = this.context;
    cursor.at = field + 2;
    cursor.takeId();
    while (cursor.isForm("export")) cursor.skipForm();
    const found = cursor.isForm("import");
    cursor.at = field;
    return found;
  }

  #declareExtern(word: FieldWord): void {
    const { cursor } = this.context;
    cursor.at += 2;
    let kind = word;
    if (word === "import") {
      while (cursor.kind === TOKEN.string) cursor.at++;
      if (cursor.kind !== TOKEN.open) cursor.unexpected("what is imported");
      const imported = EXTERN_WORDS.find((name) => cursor.isForm(name));
      cursor.at++;
      if (imported === undefined) return cursor.unexpected("what is imported");
      kind = imported;
      cursor.at++;
    }
    this.#declare(this.context[EXTERNS[kind as ExternWord][0]]);
    // A memory or table with its content also makes a segment.
    const { datas, elems } = this.context;
    if (word !== "memory" && word !== "table") return;
    while (cursor.isForm("export")) cursor.skipForm();
    if (word === "memory") {
      if (cursor.is("i32") || cursor.is("i64")) cursor.at++;
      if (cursor.isForm("pagesize")) cursor.skipForm();
      if (cursor.isForm("data")) datas.count++;
    } else {
      if (cursor.is("i32") || cursor.is("i64")) cursor.at++;
      if (cursor.kind === TOKEN.natural) return;
      if (cursor.kind === TOKEN.open) cursor.skipForm();
      else cursor.at++;
      if (cursor.isForm("elem")) elems.count++;
    }
  }

  #declare(space: IndexSpace): void {
    const { annotations, cursor } = this.context;
    const index = space.define(cursor);
    if (annotations.isEmpty) return;
    const name = annotations.takeName(cursor.at, space.what);
    if (name !== undefined) space.annotated.set(index, cursor.text.symbols.intern(name, 0, name.length));
  }

  // ---- second reading: types ----

  #defineTypes(end: number): void {
    const { cursor, types } = this.context;
    let index = 0;
    while (cursor.at < end) {
      if (cursor.isForm("type") || cursor.isForm("rec")) index = types.define(cursor, index);
      else cursor.skipForm();
    }
  }

  // ---- third reading: everything else ----

  #field(): void {
    const { annotations, cursor } = this.context;
    if (!annotations.isEmpty) this.customs.push(...annotations.takeCustoms(cursor.at));
    const word = this.#fieldWord();
    if (word === "type" || word === "rec") return cursor.skipForm();
    const field = cursor.at;
    cursor.at += 2;
    if (word !== "import" && word !== "export" && word !== "start") cursor.takeId();
    this.#readers[word](field);
    cursor.close();
  }

  readonly #readers: Readonly<Record<Exclude<FieldWord, "type" | "rec">, (field: number) => void>> = {
    import: () => this.#import(),
    export: () => this.#export(),
    start: (field) => {
      const { cursor, funcs } = this.context;
      if (this.start !== NONE) cursor.fail("multiple start sections", field);
      this.start = funcs.index(cursor);
    },
    func: () => {
      const index = this.#reached.func++;
      if (!this.#inlineForms("func", index)) this.#function(index);
    },
    table: () => {
      const index = this.#reached.table++;
      if (!this.#inlineForms("table", index)) this.#table(index);
    },
    memory: () => {
      const index = this.#reached.memory++;
      if (!this.#inlineForms("memory", index)) this.#memory(index);
    },
    global: () => {
      const index = this.#reached.global++;
      if (this.#inlineForms("global", index)) return;
      this.globals.count++;
      this.#globalType(this.globals.bytes);
      this.#constant(this.globals.bytes);
    },
    tag: () => {
      const index = this.#reached.tag++;
      if (this.#inlineForms("tag", index)) return;
      this.tags.count++;
      this.#tagType(this.tags.bytes);
    },
    elem: () => this.#elem(),
    data: () => this.#data(),
  };

  // ---- imports and exports ----

  #import(): void {
    const { cursor } = this.context;
    const module = cursor.name();
    const name = cursor.name();
    cursor.open();
    const word = EXTERN_WORDS.find((kind) => cursor.take(kind));
    if (word === undefined) return cursor.unexpected("what is imported");
    this.#reached[word]++;
    cursor.takeId();
    this.#importOf(word, module, name);
    cursor.close();
  }

  /** Reads the type of an import and appends the import. */
  #importOf(word: ExternWord, module: Uint8Array, name: Uint8Array): void {
    const { cursor } = this.context;
    this.imports.count++;
    const out = this.imports.bytes;
    writeByteVector(out, module);
    writeByteVector(out, name);
    const isExact = word === "func" && cursor.takeForm("exact");
    out.u8(isExact ? EXACT_FUNC : EXTERNS[word][1]);
    switch (word) {
      case "func":
        writeU32Leb(out, this.context.types.typeUse(cursor, () => {}));
        if (isExact) cursor.close();
        break;
      case "table":
        this.#tableType(out);
        break;
      case "memory":
        this.#memoryType(out);
        break;
      case "global":
        this.#globalType(out);
        break;
      case "tag":
        this.#tagType(out);
    }
  }

  /** Reads the exports of a definition, and its import if it has one: whether it has. */
  #inlineForms(word: ExternWord, index: number): boolean {
    const { cursor } = this.context;
    while (cursor.takeForm("export")) {
      this.#exportOf(cursor.name(), word, index);
      cursor.close();
    }
    if (!cursor.takeForm("import")) return false;
    const module = cursor.name();
    const name = cursor.name();
    cursor.close();
    this.#importOf(word, module, name);
    return true;
  }

  #export(): void {
    const { cursor } = this.context;
    const name = cursor.name();
    cursor.open();
    const word = EXTERN_WORDS.find((kind) => cursor.take(kind));
    if (word === undefined) return cursor.unexpected("what is exported");
    this.#exportOf(name, word, this.context[EXTERNS[word][0]].index(cursor));
    cursor.close();
  }

  #exportOf(name: Uint8Array, word: ExternWord, index: number): void {
    const out = this.exports.bytes;
    this.exports.count++;
    writeByteVector(out, name);
    out.u8(EXTERNS[word][1]);
    writeU32Leb(out, index);
  }

  // ---- types of tables, memories, globals and tags ----

  /** Takes `i32` or `i64`; whether it was `i64`. */
  #isAddress64(): boolean {
    const { cursor } = this.context;
    if (cursor.take("i64")) return true;
    cursor.take("i32");
    return false;
  }

  /** Takes limits and appends them with their flags. */
  #limits(out: CodeBuffer, isAddress64: boolean, kind: "memory" | "table"): void {
    const { cursor } = this.context;
    const { number } = cursor;
    cursor.natural64("a size");
    const minimum = [number.lo, number.hi] as const;
    const hasMaximum = cursor.kind === TOKEN.natural;
    if (hasMaximum) cursor.natural64("a size");
    const maximum = [number.lo, number.hi] as const;
    let flags = (hasMaximum ? LIMITS.maximum : 0) | (isAddress64 ? LIMITS.address64 : 0);
    if (kind === "memory" && cursor.take("shared")) flags |= LIMITS.shared;
    const pageSizeLog2 = kind === "memory" ? this.#pageSize() : NONE;
    if (pageSizeLog2 !== NONE) flags |= LIMITS.pageSize;
    out.u8(flags);
    writeU64Leb(out, minimum[0], minimum[1]);
    if (hasMaximum) writeU64Leb(out, maximum[0], maximum[1]);
    if (pageSizeLog2 !== NONE) writeU32Leb(out, pageSizeLog2);
  }

  /** Takes `(pagesize n)`: the log2; NONE without it. */
  #pageSize(): number {
    const { cursor } = this.context;
    if (!cursor.takeForm("pagesize")) return NONE;
    const bytes = cursor.natural("a page size");
    if (bytes === 0 || (bytes & bytes - 1) !== 0) {
      cursor.fail("invalid custom page size: no power of two", cursor.at - 1);
    }
    cursor.close();
    return 31 - Math.clz32(bytes);
  }

  #memoryType(out: CodeBuffer): void {
    this.#limits(out, this.#isAddress64(), "memory");
  }

  #tableType(out: CodeBuffer): void {
    const { cursor, types } = this.context;
    const limits = new CodeBuffer(16);
    this.#limits(limits, this.#isAddress64(), "table");
    writeValType(out, types.refType(cursor));
    out.append(limits.bytes.subarray(0, limits.length));
  }

  #globalType(out: CodeBuffer): void {
    const { cursor, types } = this.context;
    const isMutable = cursor.takeForm("mut");
    writeValType(out, types.valType(cursor));
    if (isMutable) cursor.close();
    out.u8(isMutable ? 1 : 0);
  }

  #tagType(out: CodeBuffer): void {
    out.u8(0);
    writeU32Leb(out, this.context.types.typeUse(this.context.cursor, () => {}));
  }

  // ---- expressions ----

  /** Reads instructions up to the `)` around them as a constant expression. */
  #constant(out: CodeBuffer): void {
    this.#instructions.readSequence(out);
    writeOp(out, OP.end);
  }

  /** Reads `(word instructions)`, or one folded instruction, as a constant expression. */
  #constantOrForm(word: Word, out: CodeBuffer): void {
    const { cursor } = this.context;
    if (cursor.takeForm(word)) {
      this.#constant(out);
      cursor.close();
      return;
    }
    this.#instructions.readFolded(out);
    writeOp(out, OP.end);
  }

  // ---- functions ----

  #function(index: number): void {
    const { cursor, labels, locals, types } = this.context;
    locals.reset();
    labels.reset();
    const param = (symbol: number | undefined) => locals.add(cursor, symbol);
    const typeIndex = types.typeUse(cursor, param);
    // Without parameters in the text they are those of the type, and have no names.
    locals.count = Math.max(locals.count, types.paramCount(typeIndex));
    this.funcs.count++;
    writeU32Leb(this.funcs.bytes, typeIndex);
    const body = this.#body;
    body.reset();
    this.#locals(body);
    const { hints } = this.#instructions;
    hints.length = 0;
    this.#instructions.readSequence(body);
    writeOp(body, OP.end);
    this.codes.count++;
    writeByteVector(this.codes.bytes, body.bytes.subarray(0, body.length));
    if (locals.names.length > 0) this.localNames.push({ index, names: locals.names.slice() });
    if (labels.names.length > 0) this.labelNames.push({ index, names: labels.names.slice() });
    if (hints.length > 0) this.hints.push({ funcIndex: index, hints: hints.slice() });
  }

  /** Takes the `(local ...)` forms and appends runs of equal types. */
  #locals(out: CodeBuffer): void {
    const { annotations, cursor, locals, types } = this.context;
    const runs: { type: ValType; count: number }[] = [];
    const add = (type: ValType) => {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    };
    while (cursor.takeForm("local")) {
      if (cursor.kind === TOKEN.id) {
        locals.add(cursor, cursor.tokens.value[cursor.at]);
        cursor.at++;
        this.#annotateLocal(annotations.takeName(cursor.at, "local"));
        add(types.valType(cursor));
      } else {
        while (cursor.kind !== TOKEN.close) {
          locals.add(cursor, undefined);
          this.#annotateLocal(annotations.takeName(cursor.at, "local"));
          add(types.valType(cursor));
        }
      }
      cursor.close();
    }
    writeU32Leb(out, runs.length);
    for (const { type, count } of runs) {
      writeU32Leb(out, count);
      writeValType(out, type);
    }
  }

  /** Gives the name of an annotation to the local that was added last. */
  #annotateLocal(name: Uint8Array | undefined): void {
    if (name === undefined) return;
    const { cursor, locals } = this.context;
    const index = locals.count - 1;
    if (locals.names.at(-1)?.index === index) locals.names.pop();
    locals.names.push({ index, symbol: cursor.text.symbols.intern(name, 0, name.length) });
  }

  // ---- tables and element segments ----

  #table(index: number): void {
    const { cursor, types } = this.context;
    const start = cursor.at;
    const isAddress64 = this.#isAddress64();
    const out = this.tables.bytes;
    this.tables.count++;
    if (types.isRefType(cursor)) {
      const type = types.refType(cursor);
      if (!cursor.takeForm("elem")) cursor.unexpected("(elem");
      const length = this.#inlineElements(index, type, isAddress64);
      cursor.close();
      writeValType(out, type);
      out.u8(LIMITS.maximum | (isAddress64 ? LIMITS.address64 : 0));
      writeU32Leb(out, length);
      writeU32Leb(out, length);
      return;
    }
    cursor.at = start;
    const type = new CodeBuffer(32);
    this.#tableType(type);
    if (cursor.kind === TOKEN.close) {
      out.append(type.bytes.subarray(0, type.length));
      return;
    }
    out.u8(0x40);
    out.u8(0);
    out.append(type.bytes.subarray(0, type.length));
    this.#constant(out);
  }

  /** Appends an offset of zero. */
  #zeroOffset(out: CodeBuffer, isAddress64: boolean): void {
    writeOp(out, isAddress64 ? OP["i64.const"] : OP["i32.const"]);
    writeS64Leb(out, 0, 0);
    writeOp(out, OP.end);
  }

  /** Reads the elements of a table's own segment; their number. */
  #inlineElements(tableIndex: number, type: ValType, isAddress64: boolean): number {
    const { cursor } = this.context;
    this.#reached.elem++;
    const items = new SectionItems();
    const areFunctions = cursor.isIndex || cursor.kind === TOKEN.close;
    if (areFunctions && type === FUNCREF) this.#functionIndices(items);
    else if (areFunctions) this.#functionExpressions(items);
    else this.#elementExpressions(items);
    const offset = this.#expression;
    offset.reset();
    this.#zeroOffset(offset, isAddress64);
    this.#writeElem(
      "active",
      tableIndex,
      offset,
      areFunctions && type === FUNCREF ? "indices" : "expressions",
      type,
      items,
    );
    return items.count;
  }

  #functionIndices(items: SectionItems): void {
    const { cursor, funcs } = this.context;
    for (; cursor.isIndex; items.count++) writeU32Leb(items.bytes, funcs.index(cursor));
  }

  #functionExpressions(items: SectionItems): void {
    const { cursor, funcs } = this.context;
    for (; cursor.isIndex; items.count++) {
      writeOp(items.bytes, OP["ref.func"]);
      writeU32Leb(items.bytes, funcs.index(cursor));
      writeOp(items.bytes, OP.end);
    }
  }

  #elementExpressions(items: SectionItems): void {
    const { cursor } = this.context;
    for (; cursor.kind === TOKEN.open; items.count++) this.#constantOrForm("item", items.bytes);
  }

  #elem(): void {
    const { cursor, tables, types } = this.context;
    this.#reached.elem++;
    const offset = this.#expression;
    offset.reset();
    let mode: "active" | "passive" | "declared" = "passive";
    let tableIndex = NONE;
    const isOldForm = cursor.kind === TOKEN.natural;
    if (cursor.take("declare")) mode = "declared";
    else {
      if (cursor.takeForm("table")) {
        tableIndex = tables.index(cursor);
        cursor.close();
        mode = "active";
      } else if (cursor.kind === TOKEN.natural) { // As WebAssembly 1.0 wrote it.
        tableIndex = tables.index(cursor);
        mode = "active";
      }
      if (mode === "active" || cursor.kind === TOKEN.open && !types.isRefType(cursor)) {
        mode = "active";
        this.#constantOrForm("offset", offset);
      }
    }
    const items = new SectionItems();
    if (types.isRefType(cursor)) {
      const type = types.refType(cursor);
      this.#elementExpressions(items);
      return this.#writeElem(mode, tableIndex, offset, "expressions", type, items);
    }
    // Without `func` a list of functions means table 0 only.
    const isBare = mode === "active" && (tableIndex === NONE || isOldForm);
    if (!cursor.take("func") && !isBare) cursor.unexpected("func or a reference type");
    this.#functionIndices(items);
    this.#writeElem(mode, tableIndex, offset, "indices", FUNCREF, items);
  }

  /** Appends an element segment (spec: binary-elem); no table is NONE. */
  #writeElem(
    mode: "active" | "passive" | "declared",
    tableIndex: number,
    offset: CodeBuffer,
    form: "indices" | "expressions",
    type: ValType,
    items: SectionItems,
  ): void {
    const out = this.elems.bytes;
    this.elems.count++;
    // The short form is for table 0 and function references.
    const isShort = mode === "active" && tableIndex <= 0 &&
      (form === "indices" || type === FUNCREF);
    const flags = (mode === "passive" ? 1 : mode === "declared" ? 3 : isShort ? 0 : 2) | (form === "indices" ? 0 : 4);
    out.u8(flags);
    if (mode === "active") {
      if (!isShort) writeU32Leb(out, Math.max(tableIndex, 0));
      out.append(offset.bytes.subarray(0, offset.length));
    }
    if (!isShort) {
      if (form === "indices") out.u8(0);
      else writeValType(out, type);
    }
    writeU32Leb(out, items.count);
    out.append(items.bytes.bytes.subarray(0, items.bytes.length));
  }

  // ---- memories and data segments ----

  #memory(index: number): void {
    const { cursor } = this.context;
    const start = cursor.at;
    const isAddress64 = this.#isAddress64();
    const pageSizeLog2 = this.#pageSize();
    this.memories.count++;
    if (!cursor.takeForm("data")) {
      cursor.at = start;
      return this.#memoryType(this.memories.bytes);
    }
    const content = new CodeBuffer(256);
    cursor.strings(content);
    cursor.close();
    this.#reached.data++;
    const offset = this.#expression;
    offset.reset();
    this.#zeroOffset(offset, isAddress64);
    this.#writeData(index, offset, content);
    const pages = Math.ceil(content.length / 2 ** (pageSizeLog2 === NONE ? PAGE_SIZE_LOG2 : pageSizeLog2));
    const out = this.memories.bytes;
    out.u8(LIMITS.maximum | (isAddress64 ? LIMITS.address64 : 0) | (pageSizeLog2 === NONE ? 0 : LIMITS.pageSize));
    writeU32Leb(out, pages);
    writeU32Leb(out, pages);
    if (pageSizeLog2 !== NONE) writeU32Leb(out, pageSizeLog2);
  }

  #data(): void {
    const { cursor, memories } = this.context;
    this.#reached.data++;
    const offset = this.#expression;
    offset.reset();
    let memoryIndex = NONE;
    if (cursor.takeForm("memory")) {
      memoryIndex = memories.index(cursor);
      cursor.close();
    } else if (cursor.kind === TOKEN.natural) memoryIndex = memories.index(cursor); // As WebAssembly 1.0 wrote it.
    if (memoryIndex !== NONE || cursor.kind === TOKEN.open) {
      memoryIndex = Math.max(memoryIndex, 0);
      this.#constantOrForm("offset", offset);
    }
    const content = new CodeBuffer(256);
    cursor.strings(content);
    this.#writeData(memoryIndex, offset, content);
  }

  /** Appends a data segment (spec: binary-data); a passive one has the memory NONE. */
  #writeData(memoryIndex: number, offset: CodeBuffer, content: CodeBuffer): void {
    const out = this.datas.bytes;
    this.datas.count++;
    out.u8(memoryIndex === NONE ? 1 : memoryIndex === 0 ? 0 : 2);
    if (memoryIndex > 0) writeU32Leb(out, memoryIndex);
    if (memoryIndex !== NONE) out.append(offset.bytes.subarray(0, offset.length));
    writeByteVector(out, content.bytes.subarray(0, content.length));
  }

  /** The names of struct fields, by type. */
  fieldNames(): NestedNames[] {
    const nested: NestedNames[] = [];
    for (const [index, space] of this.context.types.fields) {
      const names: readonly NamedIndex[] = space.names();
      if (names.length > 0) nested.push({ index, names });
    }
    return nested.sort((a, b) => a.index - b.index);
  }
}

const FIELD_NAMES = [
  ...["type", "rec", "import", "export", "start", "func", "table", "memory", "global", "tag", "elem", "data"] as const,
] as const satisfies readonly Word[];
type FieldWord = typeof FIELD_NAMES[number];
const FIELD_WORDS: ReadonlyMap<Keyword, FieldWord> = new Map(FIELD_NAMES.map((word) => [WORD[word], word]));
