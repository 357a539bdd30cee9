/**
 * The one error of the text format, and places in a text.
 *
 * Tokens carry byte offsets only; lines and columns are counted when somebody asks, that is, when something is wrong.
 *
 * May import: nothing. @module
 */

const LF = 10;
const CR = 13;
/** Characters of a long line that an excerpt shows on either side of the fault. */
const EXCERPT_RADIUS = 60;

/** A place in a text, counted from 1; columns count characters, not bytes. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** Whether a line ends at `at`; of CR LF the LF ends it. */
function endsLine(source: Uint8Array, at: number): boolean {
  return source[at] === LF || (source[at] === CR && source[at + 1] !== LF);
}

/** The line and column of a byte offset. */
export function placeAt(source: Uint8Array, offsetBytes: number): TextPlace {
  const end = Math.min(offsetBytes, source.length);
  let line = 1;
  let lineStart = 0;
  for (let at = 0; at < end; at++) {
    if (endsLine(source, at)) {
      line++;
      lineStart = at + 1;
    }
  }
  return { line, column: characters(source, lineStart, end) + 1 };
}

/** Code points in a piece of UTF-8: bytes that continue none. */
function characters(source: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) if ((source[at] & 0xc0) !== 0x80) count++;
  return count;
}

/**
 * A text that is not WebAssembly: what is wrong, and where.
 *
 * @example A message with the place
 * ```ts
 * import { Engine, Module, TextError } from "@theropod/theropod";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using engine = new Engine();
 * const error = assertThrows(() => Module.fromText(engine, "(module\n  (func i32.foo))"), TextError);
 * assertEquals(error.message, "2:9: unknown operator i32.foo");
 * assertEquals(error.excerpt("file.wat"), "file.wat:2:9: unknown operator i32.foo\n  (func i32.foo))\n        ^");
 * ```
 */
export class TextError extends Error {
  /** `"TextError"`. */
  override readonly name = "TextError";
  /** What is wrong, without the place. */
  readonly reason: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column in characters, from 1. */
  readonly column: number;
  /** The byte offset in the text (in UTF-8). */
  readonly offsetBytes: number;
  readonly #sourceLine: string;
  readonly #caret: number;

  /** Makes the error for a byte offset in a text. */
  constructor(reason: string, source: Uint8Array, offsetBytes: number) {
    const { line, column } = placeAt(source, offsetBytes);
    super(`${line}:${column}: ${reason}`);
    this.reason = reason;
    this.line = line;
    this.column = column;
    this.offsetBytes = offsetBytes;
    const at = Math.min(offsetBytes, source.length);
    let start = at;
    while (start > 0 && at - start < 4 * EXCERPT_RADIUS && !endsLine(source, start - 1)) start--;
    let end = at;
    while (end < source.length && end - at < 4 * EXCERPT_RADIUS && source[end] !== LF && source[end] !== CR) end++;
    const decoder = new TextDecoder();
    const before = [...decoder.decode(source.subarray(start, at))].slice(-EXCERPT_RADIUS);
    const after = [...decoder.decode(source.subarray(at, end))].slice(0, EXCERPT_RADIUS);
    this.#sourceLine = [...before, ...after].join("").replaceAll("\t", " ");
    this.#caret = before.length;
  }

  /**
   * The message for people: file, place and reason, the line, and a caret below the fault.
   *
   * @param file The name to print before the place; none by default.
   * @returns Three lines without a newline at the end.
   */
  excerpt(file?: string): string {
    const name = file === undefined ? "" : `${file}:`;
    return `${name}${this.message}\n${this.#sourceLine}\n${" ".repeat(this.#caret)}^`;
  }
}
