/**
 * Scripts: the commands of the specification's test suite (spec interpreter, "Scripts"; `.wast` files).
 *
 * A script becomes the commands that wast2json writes as JSON, so that one runner serves both. Modules are translated here
 * and travel with their command; quoted ones stay text, since they may be malformed on purpose.
 *
 * SCRIPT-1  Numbers are decimal strings: integers signed, floats their bits unsigned; or the name of a class of NaNs.
 * SCRIPT-2  Names of modules come without their `$`.
 *
 * May import: base, wasm. @module
 */
import { CodeBuffer } from "../base/mod.ts";
import { type HeapType, heapTypeToString, OP } from "../wasm/mod.ts";
import { Cursor } from "./cursor.ts";
import { takeLane, takeShape } from "./immediates.ts";
import { type Keyword, KEYWORD_HEAP_TYPE, nullableRefKeyword, WORD, type Word } from "./keywords.ts";
import { lex, type LexedText, TOKEN } from "./lexer.ts";
import { parseFields, textBytes } from "./parse.ts";

/** A value in a command: an argument, or what is expected of a result. */
export interface ScriptValue {
  /** `i32` to `f64`, `v128`, a reference type such as `externref`, `refnull`, or `either`. */
  readonly type: string;
  /** The value; of a vector, one for each lane; without one, any value of a reference type but null. */
  readonly value?: string | readonly string[];
  /** The type of a vector's lanes. */
  readonly lane_type?: string;
  /** What may be, of `either`. */
  readonly values?: readonly ScriptValue[];
}

/** A call or the reading of a global. */
export interface ScriptAction {
  readonly type: "invoke" | "get";
  /** The instance; the last one without a name. */
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly ScriptValue[];
}

/** A command, in wast2json's names. */
export interface ScriptCommand {
  readonly type: string;
  readonly line: number;
  readonly name?: string;
  readonly module_type?: "binary" | "text";
  /** The module in the binary format. */
  readonly binary?: Uint8Array<ArrayBuffer>;
  /** The module's text, of a quoted one. */
  readonly source?: Uint8Array<ArrayBuffer>;
  readonly as?: string;
  readonly action?: ScriptAction;
  readonly expected?: readonly ScriptValue[];
  /** The message of an assertion. */
  readonly text?: string;
  readonly instance?: string;
  readonly module?: string;
}

/**
 * Parses a script.
 *
 * @param text The script, as a string or as UTF-8.
 * @returns Its commands, in order.
 * @throws {TextError} if the script, or a module in it that is not quoted, is not well formed.
 */
export function parseScript(text: string | Uint8Array): ScriptCommand[] {
  return new ScriptParser(lex(textBytes(text))).parse();
}

/** Assertions about an action: the word, whether a message follows, and whether results may. */
const ACTION_ASSERTIONS = [
  ["assert_return", "no message"],
  ["assert_trap", "message"],
  ["assert_exhaustion", "message"],
  ["assert_exception", "no message"],
  ["assert_suspension", "message"],
] as const;

/** Assertions about a module, each with a message. */
const MODULE_ASSERTIONS = [
  "assert_malformed",
  "assert_invalid",
  "assert_unlinkable",
  "assert_malformed_custom",
  "assert_invalid_custom",
] as const satisfies readonly Word[];

/** Patterns for references that are not null: the word, and the reference type. */
const REFERENCE_PATTERNS: ReadonlyMap<Keyword, string> = new Map([
  [WORD["ref.host"], "anyref"],
  [WORD["ref.extern"], "externref"],
  [WORD["ref.struct"], "structref"],
  [WORD["ref.array"], "arrayref"],
  [WORD["ref.exn"], "exnref"],
  [WORD["ref.cont"], "contref"],
  [OP["ref.eq"], "eqref"],
  [OP["ref.i31"], "i31ref"],
  [OP["ref.func"], "funcref"],
  [WORD.ref, "anyref"],
]);

class ScriptParser {
  readonly #text: LexedText;
  readonly #cursor: Cursor;
  // The line of the command being read: lines are counted once, as commands come in order.
  #line = 1;
  #countedTo = 0;

  constructor(text: LexedText) {
    this.#text = text;
    this.#cursor = new Cursor(text);
  }

  parse(): ScriptCommand[] {
    const cursor = this.#cursor;
    const commands: ScriptCommand[] = [];
    if (cursor.kind === TOKEN.open && !this.#isCommand()) {
      const { bytes, end } = parseFields(this.#text, 0);
      if (this.#text.tokens.kind[end] !== TOKEN.end) cursor.fail("unexpected token )", end);
      return [{ type: "module", line: 1, module_type: "binary", binary: bytes }];
    }
    while (cursor.kind !== TOKEN.end) {
      if (!this.#isCommand()) {
        cursor.open();
        cursor.unexpected("a command");
      }
      commands.push(this.#command());
    }
    return commands;
  }

  #isCommand(): boolean {
    return COMMAND_WORDS.has(this.#cursor.formKeyword);
  }

  /** The line that a token is in; of an assertion, the keyword of what it is about. */
  #lineOf(token: number): number {
    const { source, tokens } = this.#text;
    const end = tokens.start[token];
    for (; this.#countedTo < end; this.#countedTo++) if (source[this.#countedTo] === 10) this.#line++;
    return this.#line;
  }

  #command(): ScriptCommand {
    const cursor = this.#cursor;
    const { at } = cursor;
    const isAssertion = !PLAIN_COMMANDS.has(cursor.formKeyword);
    const line = this.#lineOf(isAssertion && this.#text.tokens.kind[at + 2] === TOKEN.open ? at + 3 : at + 1);
    if (cursor.isForm("module")) return this.#module(line);
    if (cursor.isForm("invoke") || cursor.isForm("get")) return { type: "action", line, action: this.#action() };
    if (cursor.takeForm("register")) {
      const as = this.#name();
      const name = this.#id();
      cursor.close();
      return { type: "register", line, as, ...(name === undefined ? {} : { name }) };
    }
    cursor.at++;
    for (const [word, message] of ACTION_ASSERTIONS) {
      if (cursor.is(word) && !(word === "assert_trap" && this.#isModuleNext())) {
        return this.#assertAction(word, message, line);
      }
    }
    if (cursor.is("assert_trap")) return this.#assertModule("assert_trap", line);
    for (const word of MODULE_ASSERTIONS) if (cursor.is(word)) return this.#assertModule(word, line);
    return cursor.unexpected("a command");
  }

  /** Whether `(module` follows the word that comes next. */
  #isModuleNext(): boolean {
    const { kind, value } = this.#text.tokens;
    const { at } = this.#cursor;
    return kind[at + 1] === TOKEN.open && kind[at + 2] === TOKEN.keyword && value[at + 2] === WORD.module;
  }

  #assertAction(
    word: typeof ACTION_ASSERTIONS[number][0],
    message: "message" | "no message",
    line: number,
  ): ScriptCommand {
    const cursor = this.#cursor;
    cursor.at++;
    const action = this.#action();
    const text = message === "message" ? this.#name() : undefined;
    const expected: ScriptValue[] = [];
    if (word === "assert_return") { while (cursor.kind === TOKEN.open) expected.push(this.#result("may be either")); }
    cursor.close();
    return {
      type: word,
      line,
      action,
      ...(text === undefined ? {} : { text }),
      ...(word === "assert_return" ? { expected } : {}),
    };
  }

  #assertModule(word: Word, line: number): ScriptCommand {
    const cursor = this.#cursor;
    cursor.at++;
    if (!cursor.isForm("module")) cursor.unexpected("(module");
    const { binary, source, module_type } = this.#module(line);
    const text = this.#name();
    cursor.close();
    return {
      type: word === "assert_trap" ? "assert_uninstantiable" : word,
      line,
      text,
      ...(module_type === undefined ? {} : { module_type }),
      ...(binary === undefined ? {} : { binary }),
      ...(source === undefined ? {} : { source }),
    };
  }

  // ---- modules ----

  #module(line: number): ScriptCommand {
    const cursor = this.#cursor;
    const open = cursor.at;
    cursor.at += 2;
    if (cursor.take("instance")) {
      const first = this.#id();
      const second = this.#id();
      cursor.close();
      const [instance, module] = second === undefined ? [undefined, first] : [first, second];
      return {
        type: "module_instance",
        line,
        ...(instance === undefined ? {} : { instance }),
        ...(module === undefined ? {} : { module }),
      };
    }
    const type = cursor.take("definition") ? "module_definition" : "module";
    const nameToken = cursor.at;
    const id = this.#id();
    const named = { type, line, ...(id === undefined ? {} : { name: id }) };
    for (const word of ["binary", "quote"] as const) {
      if (!cursor.take(word)) continue;
      const content = new CodeBuffer(256);
      this.#strings(content, word);
      cursor.close();
      return word === "binary"
        ? { ...named, module_type: "binary", binary: content.toBytes() }
        : { ...named, module_type: "text", source: content.toBytes() };
    }
    const { bytes, end } = parseFields(this.#text, nameToken);
    cursor.at = end;
    cursor.close();
    if (cursor.at !== cursor.closeOf(open) + 1) cursor.unexpected("a command");
    return { ...named, module_type: "binary", binary: bytes };
  }

  /** Takes strings; those of a quoted module are separate words. */
  #strings(out: CodeBuffer, word: "binary" | "quote"): void {
    const cursor = this.#cursor;
    while (cursor.kind === TOKEN.string) {
      cursor.string(out);
      if (word === "quote") out.u8(0x20);
    }
  }

  /** Takes an identifier, without its `$`. */
  #id(): string | undefined {
    const symbol = this.#cursor.takeId();
    return symbol === undefined ? undefined : this.#text.symbols.nameOf(symbol);
  }

  #name(): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.#cursor.name());
  }

  // ---- actions and values ----

  #action(): ScriptAction {
    const cursor = this.#cursor;
    const type = cursor.isForm("invoke") ? "invoke" : "get";
    if (!cursor.takeForm(type)) cursor.unexpected("(invoke or (get");
    const module = this.#id();
    const field = this.#name();
    const args: ScriptValue[] = [];
    if (type === "invoke") { while (cursor.kind === TOKEN.open) args.push(this.#result("is one")); }
    cursor.close();
    return { type, ...(module === undefined ? {} : { module }), field, ...(type === "invoke" ? { args } : {}) };
  }

  /** Takes a value or a pattern. */
  #result(choice: "may be either" | "is one"): ScriptValue {
    const cursor = this.#cursor;
    if (choice === "may be either" && cursor.takeForm("either")) {
      const values: ScriptValue[] = [];
      while (cursor.kind === TOKEN.open) values.push(this.#result("is one"));
      cursor.close();
      return { type: "either", values };
    }
    cursor.open();
    const value = this.#value();
    cursor.close();
    return value;
  }

  #value(): ScriptValue {
    const cursor = this.#cursor;
    const word = cursor.keyword;
    cursor.at++;
    switch (word) {
      case OP["i32.const"]:
        return { type: "i32", value: this.#number("i32") };
      case OP["i64.const"]:
        return { type: "i64", value: this.#number("i64") };
      case OP["f32.const"]:
        return { type: "f32", value: this.#number("f32") };
      case OP["f64.const"]:
        return { type: "f64", value: this.#number("f64") };
      case OP["v128.const"]: {
        const { lanes, type } = takeShape(cursor);
        const value = Array.from({ length: lanes }, () => this.#number(type));
        return { type: "v128", lane_type: type, value };
      }
      case OP["ref.null"]:
        return this.#null();
    }
    const type = REFERENCE_PATTERNS.get(word);
    if (type === undefined) {
      cursor.at--;
      return cursor.unexpected("a value");
    }
    if (cursor.kind !== TOKEN.natural) return { type };
    return { type, value: String(cursor.natural("a host reference")) };
  }

  #null(): ScriptValue {
    const cursor = this.#cursor;
    if (cursor.kind === TOKEN.close) return { type: "refnull" };
    const heap: HeapType = cursor.keyword < 0 ? 0 : KEYWORD_HEAP_TYPE[cursor.keyword];
    if (heap === 0) cursor.unexpected("a heap type");
    cursor.at++;
    const type = nullableRefKeyword(heapTypeToString(heap));
    return type.startsWith("null") ? { type } : { type, value: "null" };
  }

  readonly #lane = new CodeBuffer(16);

  /** Takes a number or a class of NaNs (SCRIPT-1). */
  #number(type: "i8" | "i16" | "i32" | "i64" | "f32" | "f64"): string {
    const cursor = this.#cursor;
    for (const word of ["nan:canonical", "nan:arithmetic"] as const) {
      if (type.startsWith("f") && cursor.take(word)) return word;
    }
    if (!cursor.isNumber) cursor.unexpected(`an ${type}`);
    const out = this.#lane;
    out.reset();
    takeLane(cursor, type, out);
    const view = new DataView(out.bytes.buffer, 0, 8);
    switch (type) {
      case "i8":
        return String(view.getInt8(0));
      case "i16":
        return String(view.getInt16(0, true));
      case "i32":
        return String(view.getInt32(0, true));
      case "i64":
        return String(view.getBigInt64(0, true));
      case "f32":
        return String(view.getUint32(0, true));
      case "f64":
        return String(view.getBigUint64(0, true));
    }
  }
}

/** The words of commands that assert nothing. */
const PLAIN_COMMANDS: ReadonlySet<Keyword> = new Set([WORD.module, WORD.register, WORD.invoke, WORD.get]);

/** The words that start a command. */
const COMMAND_WORDS: ReadonlySet<Keyword> = new Set([
  ...PLAIN_COMMANDS,
  ...ACTION_ASSERTIONS.map(([word]) => WORD[word]),
  ...MODULE_ASSERTIONS.map((word) => WORD[word]),
]);
