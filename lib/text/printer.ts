/**
 * The printer: a module's bytes as text that parses back to the same module.
 *
 * Everything is written the way it stands in the binary, each field of an index space in order, so indices in the text are
 * the module's own; names of the name section become identifiers. What is only a matter of encoding is not kept: lengths of
 * LEB128 integers, how locals of one type are grouped, which of several equivalent segment forms was used.
 *
 * PRINT-1  `parseModule(printModule(bytes))` has the same canonical bytes as `bytes`: the same after both were encoded in the
 *          shortest way. Custom sections are kept, each beside the section that it followed.
 * PRINT-2  Any module that decodes prints, valid or not, as long as its bodies are well formed.
 *
 * May import: base, wasm. @module
 */
import { bug } from "../base/mod.ts";
import {
  ALL_FEATURES,
  type CustomSection,
  decodeModule,
  type ElementSegment,
  type ExternKind,
  type FeatureSet,
  funcIndexOf,
  limits,
  type Memory,
  type Module,
  NameMaps,
  NO_TYPES,
  Reader,
  readRefType,
  readValType,
  type Table,
} from "../wasm/mod.ts";
import { BranchHints } from "./branch_hints.ts";
import { Identifiers } from "./identifiers.ts";
import { ModuleIdentifiers } from "./module_identifiers.ts";
import { BodyPrinter, type Hints } from "./print_body.ts";
import { customPlacements } from "./custom_placement.ts";
import { quoteBytes, quoteName } from "./strings.ts";

/** Options of {@linkcode printModule}. */
export interface PrintOptions {
  /** The features that the module may use. Default: all. */
  readonly features?: FeatureSet;
}

/**
 * The text of a module (spec: text format).
 *
 * @param bytes A module in the binary format; it need not be valid, only well-formed.
 * @returns The text, with a newline at its end. Parsing it gives the same module (PRINT-1).
 * @throws {CompileError} when `bytes` are not a well-formed module, or one beyond the implementation limits.
 *
 * @example
 * ```ts
 * import { parseModule, printModule } from "@theropod/theropod/text";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = parseModule(`(module (func $one (export "one") (result i32) i32.const 1))`);
 * assertEquals(printModule(parseModule(printModule(bytes))), printModule(bytes));
 * ```
 */
export function printModule(bytes: Uint8Array, options: PrintOptions = {}): string {
  return new ModulePrinter(decodeModule(bytes, options.features ?? ALL_FEATURES)).print();
}

const NO_HINTS: Hints = new Map();

class ModulePrinter {
  readonly #module: Module;
  readonly #names: NameMaps;
  readonly #ids: ModuleIdentifiers;
  readonly #body: BodyPrinter;
  readonly #out: string[] = [];
  /** Custom sections that are printed as bytes. */
  readonly #customs: readonly CustomSection[];
  readonly #hints: BranchHints;

  constructor(module: Module) {
    this.#module = module;
    const { bytes } = module;
    const sections = (name: string) => module.customSections.filter((section) => section.name === name);
    const [name, ...moreNames] = sections("name");
    const names = name === undefined || moreNames.length > 0 ? undefined : NameMaps.read(bytes, name.start, name.end);
    const usableNames = names !== undefined && isPrintable(module, names) ? names : undefined;
    this.#names = usableNames ?? new NameMaps();
    const [hints, ...moreHints] = sections("metadata.code.branch_hint");
    const read = hints === undefined || moreHints.length > 0 ? undefined : BranchHints.read(module);
    this.#hints = read ?? new BranchHints();
    this.#customs = module.customSections.filter((section) =>
      !(section === name && usableNames !== undefined) && !(section === hints && read !== undefined)
    );
    this.#ids = new ModuleIdentifiers(module, this.#names);
    this.#body = new BodyPrinter(module, this.#names, this.#ids);
  }

  print(): string {
    const module = this.#module;
    const names = new Identifiers(new Map(this.#names.moduleName === undefined ? [] : [[0, this.#names.moduleName]]));
    this.#out.push(`(module${names.declaration(0)}\n`);
    this.#printTypes();
    module.imports.forEach((item) =>
      this.#line(
        `(import ${quoteName(item.module)} ${quoteName(item.name)} ${this.#importType(item.kind, item.index)})`,
      )
    );
    for (let i = module.importedTableCount; i < module.tables.length; i++) this.#printTable(i);
    for (let i = module.importedMemoryCount; i < module.memories.length; i++) {
      this.#line(`(memory${this.#ids.memory.declaration(i)} ${this.#memoryType(module.memories[i], i)})`);
    }
    for (let i = module.importedTagCount; i < module.tags.length; i++) {
      this.#line(`(tag${this.#ids.tag.declaration(i)}${this.#ids.types.use(module.tags[i].typeIndex)})`);
    }
    for (let i = module.importedGlobalCount; i < module.globals.length; i++) {
      const { init } = module.globals[i];
      if (init === undefined) bug("a defined global has no initial value");
      this.#line(
        `(global${this.#ids.global.declaration(i)} ${this.#globalType(i)} ${this.#constExpr(init.offsetBytes)})`,
      );
    }
    for (const { name, kind, index } of module.exports) {
      this.#line(`(export ${quoteName(name)} (${kind} ${this.#ids[kind].ref(index)}))`);
    }
    if (module.start >= 0) this.#line(`(start ${this.#ids.func.ref(module.start)})`);
    module.elements.forEach((segment, i) => this.#printElements(segment, i));
    for (let i = 0; i < module.bodies.length; i++) this.#printFunc(i);
    this.#printData();
    for (const { section, placement } of customPlacements(module, this.#customs)) {
      const content = quoteBytes(module.bytes.subarray(section.start, section.end));
      this.#line(`(@custom ${quoteName(section.name)} (${placement}) ${content})`);
    }
    this.#out.push(")\n");
    return this.#out.join("");
  }

  #line(text: string): void {
    this.#out.push("  ", text, "\n");
  }

  #printTypes(): void {
    const { types } = this.#module;
    for (let i = 0; i < types.length; i++) {
      const { groupStart, groupSize } = types[i];
      const isGroup = groupSize > 1;
      if (isGroup && i === groupStart) this.#line("(rec");
      const definition = this.#ids.types.definition(types[i], this.#ids.fields(i));
      this.#line(`${isGroup ? "  " : ""}(type${this.#ids.type.declaration(i)} ${definition})`);
      if (isGroup && i === groupStart + groupSize - 1) this.#line(")");
    }
  }

  #importType(kind: ExternKind, index: number): string {
    const module = this.#module;
    const declaration = this.#ids[kind].declaration(index);
    switch (kind) {
      case "func": {
        const use = this.#ids.types.use(module.funcs[index]);
        return `(func${declaration}${module.exactFuncImports.has(index) ? ` (exact${use})` : use})`;
      }
      case "table":
        return `(table${declaration} ${this.#tableType(module.tables[index], index)})`;
      case "memory":
        return `(memory${declaration} ${this.#memoryType(module.memories[index], index)})`;
      case "global":
        return `(global${declaration} ${this.#globalType(index)})`;
      case "tag":
        return `(tag${declaration}${this.#ids.types.use(module.tags[index].typeIndex)})`;
    }
  }

  #globalType(index: number): string {
    const { type, isMutable } = this.#module.globals[index];
    const text = this.#ids.types.value(type);
    return isMutable ? `(mut ${text})` : text;
  }

  #printTable(index: number): void {
    const table = this.#module.tables[index];
    const init = table.init === undefined ? "" : ` ${this.#constExpr(table.init.offsetBytes)}`;
    this.#line(`(table${this.#ids.table.declaration(index)} ${this.#tableType(table, index)}${init})`);
  }

  #tableType(table: Table, index: number): string {
    const reader = this.#readerAt(this.#module.offsets.tables[index]);
    readRefType(reader);
    return `${this.#limits(reader, table.addressType)} ${this.#ids.types.value(table.element)}`;
  }

  #memoryType(memory: Memory, index: number): string {
    const limits = this.#limits(this.#readerAt(this.#module.offsets.memories[index]), memory.addressType);
    const shared = memory.isShared ? " shared" : "";
    const pageSize = memory.pageSizeLog2 === 16 ? "" : ` (pagesize ${1n << BigInt(memory.pageSizeLog2)})`;
    return limits + shared + pageSize;
  }

  /** Limits from the bytes: 64-bit ones are no doubles. */
  #limits(reader: Reader, addressType: "i32" | "i64"): string {
    const hasMaximum = (reader.readU8() & 1) !== 0;
    const read = () => {
      if (addressType === "i32") return String(reader.readU32Leb());
      reader.readU64Leb();
      return String(BigInt(reader.hi >>> 0) << 32n | BigInt(reader.lo >>> 0));
    };
    const minimum = read();
    return `${addressType === "i64" ? "i64 " : ""}${minimum}${hasMaximum ? ` ${read()}` : ""}`;
  }

  #readerAt(offsetBytes: number): Reader {
    const reader = new Reader(this.#module.bytes, offsetBytes);
    reader.features = this.#module.features;
    return reader;
  }

  #constExpr(offsetBytes: number): string {
    return this.#body.constExpr(offsetBytes);
  }

  /** ` (offset ...)` of an active segment, with a space before it. */
  #offset(offsetBytes: number): string {
    return ` (offset ${this.#constExpr(offsetBytes)})`;
  }

  /** Element segments are read again: the decoder does not keep whether elements were indices or expressions. */
  #printElements({ mode, tableIndex, offset, offsetBytes, type, length }: ElementSegment, index: number): void {
    const { types, table, func, elem } = this.#ids;
    let text = `(elem${elem.declaration(index)}`;
    if (mode === "declared") text += " declare";
    if (tableIndex !== 0) text += ` (table ${table.ref(tableIndex)})`;
    const reader = this.#readerAt(offsetBytes);
    const flags = reader.readU32Leb();
    if (mode === "active") {
      if ((flags & 2) !== 0) reader.readU32Leb();
      if (offset === undefined) bug("an active segment has no offset");
      text += this.#offset(offset.offsetBytes);
      reader.pos = this.#body.constExprEnd;
    }
    const areFuncs = (flags & 4) === 0;
    if ((flags & 3) !== 0) {
      if (areFuncs) reader.readU8();
      else readRefType(reader);
    }
    reader.readU32Leb(); // The number of elements.
    this.#out.push("  ", text, areFuncs ? " func" : ` ${types.value(type)}`);
    for (let i = 0; i < length; i++) {
      if (areFuncs) this.#out.push(" ", func.ref(reader.readU32Leb()));
      else {
        this.#out.push(" (item ", this.#constExpr(reader.pos), ")");
        reader.pos = this.#body.constExprEnd;
      }
    }
    this.#out.push(")\n");
  }

  #printFunc(definedIndex: number): void {
    const module = this.#module;
    const out = this.#out;
    const funcIndex = funcIndexOf(module, definedIndex);
    const typeIndex = module.funcs[funcIndex];
    const type = module.types[typeIndex];
    const { types, func } = this.#ids;
    const locals = new Identifiers(this.#names.within("local", funcIndex));
    out.push(`  (func${func.declaration(funcIndex)} (type ${types.ref(typeIndex)})`);
    const params = type.kind === "func" ? type.params : NO_TYPES;
    for (let i = 0; i < params.length; i++) out.push(` (param${locals.declaration(i)} ${types.value(params[i])})`);
    if (type.kind === "func") out.push(types.list("result", type.results));
    out.push("\n");
    const { start, end } = module.bodies[definedIndex];
    const reader = this.#readerAt(start);
    let local = params.length;
    for (let groups = reader.readU32Leb(); groups > 0; groups--) {
      const at = reader.pos;
      const count = reader.readU32Leb();
      if (local + count > limits.MAX_LOCALS) reader.fail(`more than ${limits.MAX_LOCALS} locals`, at);
      const text = types.value(readValType(reader));
      if (count > 0) this.#printLocals(locals, local, count, text);
      local += count;
    }
    this.#body.locals = locals;
    this.#body.printBody(out, funcIndex, reader.pos, end, this.#hints.of(funcIndex) ?? NO_HINTS);
    out.push("  )\n");
  }

  /** Locals of one type: those with names one by one, the others together. */
  #printLocals(locals: Identifiers, first: number, count: number, type: string): void {
    const out = this.#out;
    out.push("   ");
    let nameless = 0;
    for (let i = first; i <= first + count; i++) {
      const declaration = i < first + count ? locals.declaration(i) : "";
      if (declaration === "" && i < first + count) {
        nameless++;
        continue;
      }
      if (nameless > 0) out.push(` (local${` ${type}`.repeat(nameless)})`);
      nameless = 0;
      if (declaration !== "") out.push(` (local${declaration} ${type})`);
    }
    out.push("\n");
  }

  #printData(): void {
    const { datas, bytes } = this.#module;
    datas.forEach(({ mode, memoryIndex, offset, start, end }, index) => {
      let text = `(data${this.#ids.data.declaration(index)}`;
      if (mode === "active") {
        if (memoryIndex !== 0) text += ` (memory ${this.#ids.memory.ref(memoryIndex)})`;
        if (offset === undefined) bug("an active segment has no offset");
        text += this.#offset(offset.offsetBytes);
      }
      this.#line(`${text} ${quoteBytes(bytes.subarray(start, end))})`);
    });
  }
}

/** Whether the text has a place for every name: each index named exists, and so do all fields, locals and labels. */
function isPrintable(module: Module, names: NameMaps): boolean {
  const counts = {
    func: module.funcs.length,
    type: module.types.length,
    table: module.tables.length,
    memory: module.memories.length,
    global: module.globals.length,
    tag: module.tags.length,
    elem: module.elements.length,
    data: module.datas.length,
  } as const;
  for (const space of Object.keys(counts) as (keyof typeof counts)[]) {
    for (const index of names.of(space).keys()) if (index >= counts[space]) return false;
  }
  return names.fitsWithin(module);
}
