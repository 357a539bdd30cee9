/**
 * A module in the text format to a module in the binary format (spec: text-module, binary-module).
 *
 * May import: base, wasm. @module
 */
import { CodeBuffer, NONE } from "../base/mod.ts";
import { CUSTOM_SECTION, SECTIONS, type SectionWord, writeByteVector, writeU32Leb } from "../wasm/mod.ts";
import { Cursor } from "./cursor.ts";
import { FieldParser, type FunctionHints, type SectionItems } from "./fields.ts";
import { lex, type LexedText, TOKEN } from "./lexer.ts";
import { writeNames } from "./names.ts";

/** Options of parsing. */
export interface ParseOptions {
  /** Whether identifiers go into a name section: `"keep"` (the default) or `"drop"`. */
  readonly names?: "keep" | "drop";
}

/** A module that was parsed, and the token after its fields. */
export interface ParsedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly end: number;
}

/** A text as UTF-8; a copy of bytes that other threads may change. @throws {TypeError} for what is no text. */
export function textBytes(text: string | Uint8Array): Uint8Array {
  if (typeof text === "string") return new TextEncoder().encode(text);
  if (!(text instanceof Uint8Array)) throw new TypeError("A text is a string or a Uint8Array");
  return text.buffer instanceof ArrayBuffer ? text : new Uint8Array(text);
}

/**
 * Translates a module from the text format to the binary format. What is well formed but not valid is translated too.
 *
 * @param text `(module ...)`, or the fields of a module alone; as a string or as UTF-8.
 * @param options Whether to keep names.
 * @returns The module in the binary format.
 * @throws {TextError} if the text is not well formed.
 */
export function parseModule(text: string | Uint8Array, options: ParseOptions = {}): Uint8Array<ArrayBuffer> {
  const lexed = lex(textBytes(text));
  const cursor = new Cursor(lexed);
  if (!cursor.isForm("module")) return finish(cursor, parseFields(lexed, 0, options));
  const parsed = parseFields(lexed, 2, options);
  return finish(cursor, { bytes: parsed.bytes, end: parsed.end + 1 });
}

/** Fails unless the text ends there. */
function finish(cursor: Cursor, { bytes, end }: ParsedModule): Uint8Array<ArrayBuffer> {
  cursor.at = end;
  if (cursor.kind !== TOKEN.end) cursor.unexpected("the end of the text");
  return bytes;
}

/** Parses the fields of a module from a token on, which is the one after `module` or the first field. */
export function parseFields(lexed: LexedText, at: number, options: ParseOptions = {}): ParsedModule {
  const parser = new FieldParser(lexed, at);
  const { annotations, cursor } = parser.context;
  const id = cursor.takeId();
  const annotated = annotations.takeName(cursor.at, "module");
  const moduleName = annotated ?? (id === undefined ? undefined : lexed.symbols.bytesOf(id).slice());
  parser.parse();
  annotations.requireAllTaken(cursor.at);
  return { bytes: assemble(parser, options, moduleName), end: cursor.at };
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** Puts the sections together (spec: binary-module). */
function assemble(
  parser: FieldParser,
  { names = "keep" }: ParseOptions,
  moduleName: Uint8Array | undefined,
): Uint8Array<ArrayBuffer> {
  const { context } = parser;
  const out = new CodeBuffer(4096);
  out.append(Uint8Array.from(HEADER));
  const section = new CodeBuffer(1024);
  const custom = (name: Uint8Array, content: Uint8Array) => {
    section.reset();
    writeByteVector(section, name);
    section.append(content);
    out.u8(CUSTOM_SECTION);
    writeByteVector(out, section.bytes.subarray(0, section.length));
  };
  const vector = ({ count, bytes }: SectionItems): boolean => {
    if (count === 0) return false;
    writeU32Leb(section, count);
    section.append(bytes.bytes.subarray(0, bytes.length));
    return true;
  };
  /** Whether a section is there; its content is then in `section`. */
  const contents: Readonly<Record<SectionWord, () => boolean>> = {
    type: () => vector({ count: context.types.groupCount, bytes: context.types.section }),
    import: () => vector(parser.imports),
    func: () => vector(parser.funcs),
    table: () => vector(parser.tables),
    memory: () => vector(parser.memories),
    tag: () => vector(parser.tags),
    global: () => vector(parser.globals),
    export: () => vector(parser.exports),
    start: () => {
      if (parser.start !== NONE) writeU32Leb(section, parser.start);
      return parser.start !== NONE;
    },
    elem: () => vector(parser.elems),
    datacount: () => {
      if (context.namesData) writeU32Leb(section, parser.datas.count);
      return context.namesData;
    },
    code: () => vector(parser.codes),
    data: () => vector(parser.datas),
  };
  SECTIONS.forEach(([, id, word], row) => {
    for (const { name, content, place } of parser.customs) if (place === 2 * row) custom(name, content);
    if (word === "code" && parser.hints.length > 0) custom(BRANCH_HINTS, branchHints(parser.hints));
    section.reset();
    if (contents[word]()) {
      out.u8(id);
      writeByteVector(out, section.bytes.subarray(0, section.length));
    }
    for (const { name, content, place } of parser.customs) if (place === 2 * row + 1) custom(name, content);
  });
  if (names === "keep") {
    const content = nameSection(parser, moduleName);
    if (content.length > 0) custom(NAME, content);
  }
  return out.toBytes();
}

const NAME = new TextEncoder().encode("name");
const BRANCH_HINTS = new TextEncoder().encode("metadata.code.branch_hint");

function nameSection(parser: FieldParser, module: Uint8Array | undefined): Uint8Array {
  const { context } = parser;
  const out = new CodeBuffer(256);
  writeNames(out, {
    module,
    funcs: context.funcs.names(),
    locals: parser.localNames,
    labels: parser.labelNames,
    types: context.types.space.names(),
    tables: context.tables.names(),
    memories: context.memories.names(),
    globals: context.globals.names(),
    elems: context.elems.names(),
    datas: context.datas.names(),
    fields: parser.fieldNames(),
    tags: context.tags.names(),
  }, context.cursor.text.symbols);
  return out.toBytes();
}

/** The content of the branch hint section (branch hinting proposal, "Binary format"). */
function branchHints(functions: readonly FunctionHints[]): Uint8Array {
  const out = new CodeBuffer(64);
  writeU32Leb(out, functions.length);
  for (const { funcIndex, hints } of functions) {
    writeU32Leb(out, funcIndex);
    writeU32Leb(out, hints.length);
    for (const { offset, value } of hints) {
      writeU32Leb(out, offset);
      writeU32Leb(out, 1);
      out.u8(value);
    }
  }
  return out.toBytes();
}
