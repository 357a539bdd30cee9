/**
 * A cursor over tokens: what every parser of the text format reads through.
 *
 * CUR-1  Whatever the tokens, `at` never passes the `end` token, and every failure is a {@linkcode TextError} with its place.
 *
 * May import: base. @module
 */
import { CodeBuffer } from "../base/mod.ts";
import { TextError } from "./errors.ts";
import { type Keyword, WORD, type Word } from "./keywords.ts";
import { type LexedText, TOKEN, type Tokens } from "./lexer.ts";
import { NumberReader } from "./numbers.ts";
import { appendStringContent, findMalformedUtf8 } from "./strings.ts";
import type { Symbol } from "./symbols.ts";

/** The longest piece of the text that a message quotes. */
const QUOTED_BYTES = 40;

/** A position in a text, with the primitives of the grammar. */
export class Cursor {
  readonly text: LexedText;
  readonly tokens: Tokens;
  readonly source: Uint8Array;
  /** The token that comes next. */
  at: number;
  /** Reads numbers; its halves hold the number that was read last. */
  readonly number: NumberReader = new NumberReader();

  constructor(text: LexedText, at = 0, tokens: Tokens = text.tokens) {
    this.text = text;
    this.tokens = tokens;
    this.source = text.source;
    this.at = at;
  }

  // ---- looking ----

  /** The kind of the next token. */
  get kind(): number {
    return this.tokens.kind[this.at];
  }

  /** The next token's keyword; a number below -1 when it is none. */
  get keyword(): Keyword {
    return this.tokens.kind[this.at] === TOKEN.keyword ? this.tokens.value[this.at] : -2;
  }

  /** Whether the next token is the word. */
  is(word: Word): boolean {
    return this.keyword === WORD[word];
  }

  /** Whether a form with that word comes next: `(word`. */
  isForm(word: Word): boolean {
    return this.formKeyword === WORD[word];
  }

  /** The keyword after the `(` that comes next; a number below -1 when none does. */
  get formKeyword(): Keyword {
    const { kind, value } = this.tokens;
    return kind[this.at] === TOKEN.open && kind[this.at + 1] === TOKEN.keyword ? value[this.at + 1] : -2;
  }

  /** Whether an index comes next: a number or an identifier. */
  get isIndex(): boolean {
    return this.kind === TOKEN.natural || this.kind === TOKEN.id;
  }

  /** Whether a number of any kind comes next. */
  get isNumber(): boolean {
    return this.kind >= TOKEN.natural && this.kind <= TOKEN.float;
  }

  // ---- failing ----

  /** Fails at a token, by default the next one. */
  fail(reason: string, token: number = this.at): never {
    throw new TextError(reason, this.source, this.tokens.start[token]);
  }

  /** Fails because the next token is not what it should be. */
  unexpected(expected: string): never {
    const { kind, at } = this;
    if (kind === TOKEN.end) this.fail(`unexpected end of the text, expected ${expected}`);
    if (kind === TOKEN.reserved || kind === TOKEN.keyword && this.keyword < 0) {
      this.fail(`unknown operator ${this.quote(at)}`);
    }
    this.fail(`unexpected token ${this.quote(at)}, expected ${expected}`);
  }

  /** A token's text, for messages. */
  quote(token: number): string {
    const start = this.tokens.start[token];
    const end = this.tokens.end[token];
    const text = new TextDecoder().decode(this.source.subarray(start, Math.min(end, start + QUOTED_BYTES)));
    return end - start > QUOTED_BYTES ? `${text}...` : text;
  }

  // ---- taking ----

  /** Takes the word if it comes next. */
  take(word: Word): boolean {
    if (!this.is(word)) return false;
    this.at++;
    return true;
  }

  /** Takes `(word` if it comes next. */
  takeForm(word: Word): boolean {
    if (!this.isForm(word)) return false;
    this.at += 2;
    return true;
  }

  /** Takes `)`. */
  close(): void {
    if (this.kind !== TOKEN.close) this.unexpected(")");
    this.at++;
  }

  /** Takes `(`. */
  open(): void {
    if (this.kind !== TOKEN.open) this.unexpected("(");
    this.at++;
  }

  /** Takes the word. */
  expect(word: Word): void {
    if (!this.take(word)) this.unexpected(word);
  }

  /** Takes an identifier if one comes next; undefined when none does. */
  takeId(): Symbol | undefined {
    return this.kind === TOKEN.id ? this.tokens.value[this.at++] : undefined;
  }

  /** The `)` of the form whose `(` is `token`. */
  closeOf(token: number): number {
    return this.tokens.value[token];
  }

  /** Moves over the form that comes next. */
  skipForm(): void {
    this.at = this.closeOf(this.at) + 1;
  }

  // ---- numbers and strings ----

  /** Takes a natural number of at most 64 bits into `number`. */
  natural64(what: string): void {
    if (this.kind !== TOKEN.natural) this.unexpected(what);
    this.#natural64At(this.tokens.start[this.at], what);
    this.at++;
  }

  /** Takes the number of a keyword such as `offset=8`, whose word has that length, into `number`. */
  assigned64(wordLength: number, what: string): void {
    this.#natural64At(this.tokens.start[this.at] + wordLength, what);
    this.at++;
  }

  #natural64At(start: number, what: string): void {
    if (!this.number.natural(this.source, start, this.tokens.end[this.at])) {
      this.fail(`constant out of range: ${what} has more than 64 bits`);
    }
  }

  /** Takes a natural number up to `maximum`, by default 2^32 - 1. */
  natural(what: string, maximum = 0xffffffff): number {
    this.natural64(what);
    const { lo, hi } = this.number;
    if (hi !== 0 || lo > maximum) this.fail(`constant out of range: ${what} is larger than ${maximum}`, this.at - 1);
    return lo;
  }

  /** Takes an integer of that width into `number`. */
  integer(widthBits: 8 | 16 | 32 | 64): void {
    if (this.kind !== TOKEN.natural && this.kind !== TOKEN.signed) this.unexpected(`an i${widthBits}`);
    if (!this.number.integer(this.source, this.tokens.start[this.at], this.tokens.end[this.at], widthBits)) {
      this.fail(`constant out of range: ${this.quote(this.at)} does not fit i${widthBits}`);
    }
    this.at++;
  }

  /** Takes a number as a float's bits into `number`. */
  float(type: "f32" | "f64"): void {
    if (!this.isNumber) this.unexpected(`an ${type}`);
    if (!this.number.float(this.source, this.tokens.start[this.at], this.tokens.end[this.at], type)) {
      this.fail(`constant out of range: ${this.quote(this.at)} does not fit ${type}`);
    }
    this.at++;
  }

  /** Takes a string and appends its bytes. */
  string(out: CodeBuffer): void {
    if (this.kind !== TOKEN.string) this.unexpected("a string");
    appendStringContent(out, this.source, this.tokens.start[this.at] + 1, this.tokens.end[this.at] - 1);
    this.at++;
  }

  /** Takes strings for as long as there are any, and appends their bytes. */
  strings(out: CodeBuffer): void {
    while (this.kind === TOKEN.string) this.string(out);
  }

  /** Takes a string that is a name (spec: text-name): its bytes. */
  name(): Uint8Array<ArrayBuffer> {
    const token = this.at;
    const out = new CodeBuffer(this.tokens.end[token] - this.tokens.start[token]);
    this.string(out);
    const bytes = out.toBytes();
    if (findMalformedUtf8(bytes) >= 0) this.fail("malformed UTF-8 encoding", token);
    return bytes;
  }
}
