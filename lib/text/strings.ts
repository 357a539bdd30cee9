/**
 * String literals and identifiers: which characters they have, and how bytes are written in them (spec: text-string, text-id).
 *
 * May import: base. @module
 */
import type { CodeBuffer } from "../base/mod.ts";

/** Bits of {@linkcode CHARACTER}. */
export const CHAR = { id: 1, digit: 2, hex: 4, space: 8, lower: 16 } as const;

/** What each byte may be part of. */
export const CHARACTER: Uint8Array = new Uint8Array(256);

function mark(bit: number, characters: string): void {
  for (const character of characters) CHARACTER[character.charCodeAt(0)] |= bit;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
mark(CHAR.id, `${LOWER}${LOWER.toUpperCase()}${DIGITS}_+-*/\\^~=<>!?@#$%&|:\`.'`);
mark(CHAR.digit, DIGITS);
mark(CHAR.hex, `${DIGITS}abcdefABCDEF`);
mark(CHAR.space, " \t\n\r");
mark(CHAR.lower, LOWER);

/** The value of a hexadecimal digit; the character must be one. */
export function hexDigit(character: number): number {
  return character <= 0x39 ? character - 0x30 : (character | 0x20) - 0x57;
}

/** Single characters after a backslash and the byte they stand for. */
const ESCAPES = [["n", 10], ["r", 13], ["t", 9], ["\\", 92], ["'", 39], ['"', 34]] as const;

/** By the character after a backslash: the byte it stands for, 0 where it stands for none. */
export const ESCAPED: Uint8Array = new Uint8Array(256);
for (const [character, byte] of ESCAPES) ESCAPED[character.charCodeAt(0)] = byte;

/** Appends the UTF-8 form of a code point. */
function appendCodePoint(out: CodeBuffer, code: number): void {
  if (code < 0x80) out.u8(code);
  else if (code < 0x800) {
    out.u8(0xc0 | code >> 6);
    out.u8(0x80 | code & 0x3f);
  } else {
    if (code < 0x10000) out.u8(0xe0 | code >> 12);
    else {
      out.u8(0xf0 | code >> 18);
      out.u8(0x80 | code >> 12 & 0x3f);
    }
    out.u8(0x80 | code >> 6 & 0x3f);
    out.u8(0x80 | code & 0x3f);
  }
}

/** Appends the bytes that the content of a string literal stands for; the lexer has checked it. */
export function appendStringContent(out: CodeBuffer, source: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; at++) {
    const character = source[at];
    if (character !== 0x5c) {
      out.u8(character);
      continue;
    }
    const next = source[++at];
    if (ESCAPED[next] !== 0) out.u8(ESCAPED[next]);
    else if (next === 0x75) { // \u{...}
      let code = 0;
      for (at += 2; source[at] !== 0x7d; at++) if (source[at] !== 0x5f) code = code * 16 + hexDigit(source[at]);
      appendCodePoint(out, code);
    } else out.u8(hexDigit(next) << 4 | hexDigit(source[++at]));
  }
}

/** The offset of the first byte that is not part of well-formed UTF-8 (spec: text-char); -1 when there is none. */
export function findMalformedUtf8(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  for (let at = start; at < end;) {
    const lead = bytes[at];
    if (lead < 0x80) {
      at++;
      continue;
    }
    const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || at + length > end) return at;
    for (let i = 1; i < length; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return at;
    const second = bytes[at + 1];
    // Overlong forms, surrogates, and code points above U+10FFFF.
    if (lead === 0xe0 && second < 0xa0 || lead === 0xed && second > 0x9f) return at;
    if (lead === 0xf0 && second < 0x90 || lead === 0xf4 && second > 0x8f) return at;
    at += length;
  }
  return -1;
}

/** A string literal with quotes that stands for `bytes`: what is printable ASCII as it is, all else escaped. */
export function quoteBytes(bytes: Uint8Array): string {
  let text = '"';
  for (const byte of bytes) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\${byte.toString(16).padStart(2, "0")}`;
  }
  return text + '"';
}

/** A string literal that stands for a name; printable characters beyond ASCII stay readable. */
export function quoteName(name: string): string {
  let text = '"';
  for (const character of name) {
    const code = character.codePointAt(0)!;
    if (code === 0x22 || code === 0x5c) text += `\\${character}`;
    else if (code >= 0x20 && code < 0x7f || code > 0xa0 && !/[\p{C}\p{Z}]/u.test(character)) text += character;
    else text += `\\u{${code.toString(16)}}`;
  }
  return text + '"';
}

/** The identifier for a name: `$name`, or `$"a name"` where the name has characters that identifiers lack. */
export function identifierFor(name: string): string {
  for (const character of name) {
    const code = character.codePointAt(0)!;
    if (code > 0x7f || (CHARACTER[code] & CHAR.id) === 0) return `$${quoteName(name)}`;
  }
  return name === "" ? '$""' : `$${name}`;
}
