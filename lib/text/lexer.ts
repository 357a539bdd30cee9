/**
 * The lexer: UTF-8 text to columns of tokens (spec: text-lexical).
 *
 * One pass over the bytes; nothing is allocated per token. A word is the longest run of identifier characters and strings,
 * and is then classified: so `0$x` and `"a"b` are one word each, which is none of the tokens (spec: text-reserved). Comments
 * and annotations nest, and are counted, not recursed into.
 *
 *     token:       kind, value (keyword, symbol, or for `(` the matching `)`), start, end
 *     annotation:  name, the token that follows it, its own tokens in a second set of columns
 *
 * Annotations stand outside the token stream, so a parser sees them only where it asks (spec: text-annot). Of annotations
 * whose name means nothing here the tokens are checked and dropped.
 *
 * LEX-1  Parentheses match: the value of a `(` token is the index of its `)`, so that a form can be passed over.
 * LEX-2  The last token is `end`, at the end of the text.
 * LEX-3  All of the text is well-formed UTF-8, string contents after escapes aside.
 *
 * May import: base. @module
 */
import { CodeBuffer, growInt32, growUint8, IntList } from "../base/mod.ts";
import { TextError } from "./errors.ts";
import { findKeyword, type Keyword, UNKNOWN_KEYWORD, WORD } from "./keywords.ts";
import { classifyNumber, NUMBER } from "./numbers.ts";
import { appendStringContent, CHAR, CHARACTER, ESCAPED, findMalformedUtf8, hexDigit } from "./strings.ts";
import { SymbolTable } from "./symbols.ts";

/** The kinds of tokens. */
export const TOKEN = {
  /** The end of the text. */
  end: 0,
  open: 1,
  close: 2,
  /** The value is the keyword, or UNKNOWN_KEYWORD. */
  keyword: 3,
  /** The value is the symbol. */
  id: 4,
  string: 5,
  /** An integer without a sign. */
  natural: 6,
  /** An integer with a sign. */
  signed: 7,
  float: 8,
  /** A word that is none of the others. */
  reserved: 9,
} as const;

/** One of {@linkcode TOKEN}. */
export type TokenKind = typeof TOKEN[keyof typeof TOKEN];

const NUMBER_TOKENS: readonly TokenKind[] = [TOKEN.reserved, TOKEN.natural, TOKEN.signed, TOKEN.float];

/** Columns of tokens. */
export class Tokens {
  count = 0;
  kind: Uint8Array<ArrayBuffer>;
  value: Int32Array<ArrayBuffer>;
  start: Int32Array<ArrayBuffer>;
  end: Int32Array<ArrayBuffer>;

  constructor(capacity: number) {
    this.kind = new Uint8Array(capacity);
    this.value = new Int32Array(capacity);
    this.start = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
  }

  add(kind: TokenKind, value: number, start: number, end: number): number {
    const token = this.count++;
    if (token === this.kind.length) {
      this.kind = growUint8(this.kind, this.count);
      this.value = growInt32(this.value, this.count);
      this.start = growInt32(this.start, this.count);
      this.end = growInt32(this.end, this.count);
    }
    this.kind[token] = kind;
    this.value[token] = value;
    this.start[token] = start;
    this.end[token] = end;
    return token;
  }
}

/** The annotations that mean something. */
export const ANNOTATIONS = ["name", "custom", "metadata.code.branch_hint"] as const;
/** The name of an annotation that means something. */
export type AnnotationName = typeof ANNOTATIONS[number];

/** An annotation: `(@name ...)`. */
export interface Annotation {
  readonly name: AnnotationName;
  /** The index of the token that follows it in the token stream. */
  readonly before: number;
  readonly offsetBytes: number;
  /** Its tokens: a range of the annotation tokens. */
  readonly firstToken: number;
  readonly endToken: number;
}

/** A text as tokens. */
export interface LexedText {
  readonly source: Uint8Array;
  readonly tokens: Tokens;
  readonly symbols: SymbolTable;
  readonly annotations: readonly Annotation[];
  readonly annotationTokens: Tokens;
}

const QUOTE = 0x22;
const DOLLAR = 0x24;
const OPEN = 0x28;
const CLOSE = 0x29;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const AT = 0x40;
const BACKSLASH = 0x5c;
const LF = 10;
const CR = 13;

/** Characters that are words of their own, and mean nothing outside annotations. */
const LONE_CHARACTERS = new Uint8Array(128);
for (const character of [COMMA, SEMICOLON, 0x5b, 0x5d, 0x7b, 0x7d]) LONE_CHARACTERS[character] = 1;

/** The longest text: offsets are int32 columns. */
const MAX_TEXT_BYTES = 2 ** 30;

/** Splits a text into tokens. @throws {TextError} */
export function lex(source: Uint8Array): LexedText {
  return new Lexer(source).lex();
}

class Lexer {
  readonly #source: Uint8Array;
  #at = 0;
  readonly #tokens: Tokens;
  readonly #symbols = new SymbolTable();
  readonly #annotations: Annotation[] = [];
  readonly #annotationTokens = new Tokens(16);
  /** Open parentheses: token indices. */
  readonly #open = new IntList();
  readonly #decoded = new CodeBuffer(64);

  constructor(source: Uint8Array) {
    this.#source = source;
    this.#tokens = new Tokens(Math.max(64, source.length >> 2));
  }

  lex(): LexedText {
    const source = this.#source;
    if (source.length > MAX_TEXT_BYTES) {
      this.#fail(`text of ${source.length} bytes is longer than ${MAX_TEXT_BYTES}`, 0);
    }
    const malformed = findMalformedUtf8(source); // LEX-3
    if (malformed >= 0) this.#fail("malformed UTF-8 encoding", malformed);
    const tokens = this.#tokens;
    const open = this.#open;
    while (this.#skipSpace()) {
      const start = this.#at;
      const character = source[start];
      if (character === OPEN) {
        this.#at++;
        if (source[this.#at] === AT) this.#readAnnotation(start);
        else open.push(tokens.add(TOKEN.open, 0, start, this.#at));
      } else if (character === CLOSE) {
        if (open.length === 0) this.#fail("unexpected )", start);
        this.#at++;
        tokens.value[open.pop()] = tokens.count; // LEX-1
        tokens.add(TOKEN.close, 0, start, this.#at);
      } else this.#readWord(tokens);
    }
    if (open.length > 0) this.#fail("unclosed (", tokens.start[open.pop()]);
    tokens.add(TOKEN.end, 0, source.length, source.length); // LEX-2
    return {
      source,
      tokens,
      symbols: this.#symbols,
      annotations: this.#annotations,
      annotationTokens: this.#annotationTokens,
    };
  }

  #fail(reason: string, offsetBytes: number): never {
    throw new TextError(reason, this.#source, offsetBytes);
  }

  /** Moves to the next character that is neither space nor comment; false at the end of the text. */
  #skipSpace(): boolean {
    const source = this.#source;
    let at = this.#at;
    for (;;) {
      const character = source[at];
      if (at >= source.length) break;
      if ((CHARACTER[character] & CHAR.space) !== 0) at++;
      else if (character === SEMICOLON && source[at + 1] === SEMICOLON) {
        while (at < source.length && source[at] !== LF && source[at] !== CR) at++;
      } else if (character === OPEN && source[at + 1] === SEMICOLON) at = this.#blockCommentEnd(at);
      else break;
    }
    this.#at = at;
    return at < source.length;
  }

  #blockCommentEnd(start: number): number {
    const source = this.#source;
    let depth = 0;
    for (let at = start; at < source.length;) {
      if (source[at] === OPEN && source[at + 1] === SEMICOLON) {
        depth++;
        at += 2;
      } else if (source[at] === SEMICOLON && source[at + 1] === CLOSE) {
        at += 2;
        if (--depth === 0) return at;
      } else at++;
    }
    return this.#fail("unclosed comment", start);
  }

  /** Reads a word: anything but parentheses, space and comments. */
  #readWord(tokens: Tokens): void {
    const source = this.#source;
    const start = this.#at;
    const first = source[start];
    if (first < 128 && LONE_CHARACTERS[first] !== 0) {
      this.#at++;
      tokens.add(TOKEN.reserved, 0, start, this.#at);
      return;
    }
    const strings = this.#wordEnd();
    const end = this.#at;
    if (end === start) this.#failCharacter(first, start);
    if (strings > 0) {
      // A word with a string in it is the string alone, an identifier with quotes, or nothing.
      if (first === QUOTE && strings === 1 && this.#lastStringStart === start && source[end - 1] === QUOTE) {
        tokens.add(TOKEN.string, 0, start, end);
      } else if (
        first === DOLLAR && strings === 1 && this.#lastStringStart === start + 1 && this.#lastStringEnd === end
      ) {
        tokens.add(TOKEN.id, this.#quotedSymbol(start + 1, end), start, end);
      } else tokens.add(TOKEN.reserved, 0, start, end);
      return;
    }
    if (first === DOLLAR) {
      if (end === start + 1) this.#fail("empty identifier", start);
      tokens.add(TOKEN.id, this.#symbols.intern(source, start + 1, end), start, end);
      return;
    }
    const number = classifyNumber(source, start, end);
    if (number !== NUMBER.none) tokens.add(NUMBER_TOKENS[number], 0, start, end);
    else if ((CHARACTER[first] & CHAR.lower) !== 0) tokens.add(TOKEN.keyword, this.#keyword(start, end), start, end);
    else tokens.add(TOKEN.reserved, 0, start, end);
  }

  #lastStringStart = 0;
  #lastStringEnd = 0;

  /** Moves to the end of a word; returns the number of strings in it. */
  #wordEnd(): number {
    const source = this.#source;
    let strings = 0;
    for (;;) {
      const character = source[this.#at];
      if (this.#at >= source.length) break;
      if ((CHARACTER[character] & CHAR.id) !== 0) this.#at++;
      else if (character === QUOTE) {
        strings++;
        this.#lastStringStart = this.#at;
        this.#skipString();
        this.#lastStringEnd = this.#at;
      } else break;
    }
    return strings;
  }

  #failCharacter(character: number, offset: number): never {
    const code = `0x${character.toString(16).padStart(2, "0")}`;
    if (character < 0x20 || character === 0x7f) {
      this.#fail(`illegal character: misplaced control character ${code}`, offset);
    }
    this.#fail("illegal character: misplaced character outside ASCII", offset);
  }

  /** Moves over the string that starts here, and checks its escapes (spec: text-string). */
  #skipString(): void {
    const source = this.#source;
    const start = this.#at;
    let at = start + 1;
    for (;;) {
      if (at >= source.length || source[at] === LF || source[at] === CR) this.#fail("unclosed string literal", start);
      const character = source[at];
      if (character === QUOTE) break;
      if (character < 0x20 || character === 0x7f) this.#fail("illegal control character in string literal", at);
      at = character === BACKSLASH ? this.#escapeEnd(at) : at + 1;
    }
    this.#at = at + 1;
  }

  #escapeEnd(start: number): number {
    const source = this.#source;
    const character = source[start + 1];
    const isHex = (at: number) => at < source.length && (CHARACTER[source[at]] & CHAR.hex) !== 0;
    if (start + 1 < source.length && ESCAPED[character] !== 0) return start + 2;
    if (isHex(start + 1) && isHex(start + 2)) return start + 3;
    if (character === 0x75 && source[start + 2] === 0x7b && isHex(start + 3)) {
      let code = 0;
      let at = start + 3;
      for (; isHex(at) || source[at] === 0x5f && isHex(at - 1) && isHex(at + 1); at++) {
        if (source[at] !== 0x5f) code = Math.min(code * 16 + hexDigit(source[at]), 0x110000);
      }
      if (source[at] === 0x7d) {
        if (code > 0x10ffff || code >= 0xd800 && code < 0xe000) {
          this.#fail("illegal escape: no Unicode scalar value", start);
        }
        return at + 1;
      }
    }
    return this.#fail("illegal escape in string literal", start);
  }

  /** The symbol of an identifier with quotes; the string is at `start`. */
  #quotedSymbol(start: number, end: number): number {
    const decoded = this.#decoded;
    decoded.reset();
    appendStringContent(decoded, this.#source, start + 1, end - 1);
    if (decoded.length === 0) this.#fail("empty identifier", start - 1);
    if (findMalformedUtf8(decoded.bytes, 0, decoded.length) >= 0) this.#fail("malformed UTF-8 encoding", start);
    return this.#symbols.intern(decoded.bytes, 0, decoded.length);
  }

  #keyword(start: number, end: number): Keyword {
    const keyword = findKeyword(this.#source, start, end);
    if (keyword !== UNKNOWN_KEYWORD) return keyword;
    for (const [word, length] of ASSIGNMENTS) {
      if (end - start <= length || findKeyword(this.#source, start, start + length) !== word) continue;
      if (classifyNumber(this.#source, start + length, end) === NUMBER.natural) return word;
    }
    return UNKNOWN_KEYWORD;
  }

  // ---- annotations ----

  /** Reads an annotation; the cursor is on its `@`. */
  #readAnnotation(start: number): void {
    const tokens = this.#annotationTokens;
    const known = ANNOTATIONS.indexOf(this.#annotationName(start) as AnnotationName);
    const firstToken = tokens.count;
    let depth = 1;
    while (depth > 0) {
      if (!this.#skipSpace()) this.#fail("unclosed annotation", start);
      const character = this.#source[this.#at];
      if (character === OPEN) {
        tokens.add(TOKEN.open, 0, this.#at, this.#at + 1);
        this.#at++;
        depth++;
      } else if (character === CLOSE) {
        tokens.add(TOKEN.close, 0, this.#at, this.#at + 1);
        this.#at++;
        depth--;
      } else this.#readWord(tokens);
    }
    if (known < 0) {
      tokens.count = firstToken;
      return;
    }
    this.#annotations.push({
      name: ANNOTATIONS[known],
      before: this.#tokens.count,
      offsetBytes: start,
      firstToken,
      endToken: tokens.count - 1,
    });
  }

  /** Reads `@id` or `@"id"`. */
  #annotationName(start: number): string {
    const source = this.#source;
    const first = ++this.#at;
    if (source[first] === QUOTE) {
      this.#skipString();
      const decoded = this.#decoded;
      decoded.reset();
      appendStringContent(decoded, source, first + 1, this.#at - 1);
      if (decoded.length === 0) this.#fail("empty annotation id", start);
      if (findMalformedUtf8(decoded.bytes, 0, decoded.length) >= 0) this.#fail("malformed UTF-8 encoding", first);
      return new TextDecoder().decode(decoded.bytes.subarray(0, decoded.length));
    }
    while (this.#at < source.length && (CHARACTER[source[this.#at]] & CHAR.id) !== 0) this.#at++;
    if (this.#at === first) this.#fail("empty annotation id", start);
    return new TextDecoder().decode(source.subarray(first, this.#at));
  }
}

/** Keywords that a natural number follows without space. */
const ASSIGNMENTS = [[WORD["offset="], 7], [WORD["align="], 6]] as const;
