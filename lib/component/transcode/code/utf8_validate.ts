/**
 * Validation of UTF-8 without branches that depend on the text.
 *
 * Three tables, looked up by the nibbles of each byte and of the one before it, say which errors the pair is part of; the bits that all three
 * have are errors, but for "two continuations in a row", which is right exactly where a lead of three or four bytes stands two or three
 * bytes before. Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2021).
 *
 * The last block is read up to the end of the text, so that it overlaps the one before it: what came before its first byte is then in the
 * text too, and is looked at anew. Texts below 32 bytes go character by character.
 */

import { advance, get, load, type Place, set, take } from "./places.ts";
import { DECODE_WORD, loadWord } from "./utf8_decode.ts";

const TOO_SHORT = 1 << 0; // a lead, then no continuation
const TOO_LONG = 1 << 1; // ASCII, then a continuation
const OVERLONG_3 = 1 << 2;
const TOO_LARGE = 1 << 3;
const SURROGATE = 1 << 4;
const OVERLONG_2 = 1 << 5;
const OVERLONG_4 = 1 << 6, TOO_LARGE_1000 = 1 << 6;
const TWO_CONTINUATIONS = 1 << 7;
const CARRY = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;
const LARGE = CARRY | TOO_LARGE | TOO_LARGE_1000;

/** By the high nibble of the first byte of a pair. */
const FIRST_HIGH = [
  ...Array(8).fill(TOO_LONG),
  ...Array(4).fill(TWO_CONTINUATIONS),
  TOO_SHORT | OVERLONG_2,
  TOO_SHORT,
  TOO_SHORT | OVERLONG_3 | SURROGATE,
  TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
];
/** By its low nibble. */
const FIRST_LOW = [
  CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4,
  CARRY | OVERLONG_2,
  CARRY,
  CARRY,
  CARRY | TOO_LARGE,
  ...Array(8).fill(LARGE),
  LARGE | SURROGATE,
  LARGE,
  LARGE,
];
const CONTINUATION = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS;
/** By the high nibble of the second byte. */
const SECOND_HIGH = [
  ...Array(8).fill(TOO_SHORT),
  CONTINUATION | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
  CONTINUATION | OVERLONG_3 | TOO_LARGE,
  CONTINUATION | SURROGATE | TOO_LARGE,
  CONTINUATION | SURROGATE | TOO_LARGE,
  ...Array(4).fill(TOO_SHORT),
];

function bytes(values: readonly number[]): string {
  return `(v128.const i8x16 ${values.join(" ")})`;
}

function lookUp(table: readonly number[], nibbles: string): string {
  return `(i8x16.swizzle ${bytes(table)} ${nibbles})`;
}

function high(vector: string): string {
  return `(i8x16.shr_u ${vector} (i32.const 4))`;
}

/** The block `count` bytes before $v, $p being the block before that. */
function previous(count: number): string {
  const lanes = Array.from({ length: 16 }, (_, lane) => 16 - count + lane).join(" ");
  return `(i8x16.shuffle ${lanes} ${get("$p")} ${get("$v")})`;
}

function above(vector: string, limit: number): string {
  return `(i8x16.sub_sat_u ${vector} ${bytes(Array(16).fill(limit))})`;
}

/** Adds to $e the errors of $v, which follows $p. */
const CHECK_BLOCK = `
      ${set("$q", previous(1))}
      ${
  set(
    "$q",
    `(v128.and (v128.and ${lookUp(FIRST_HIGH, high(get("$q")))}
        ${lookUp(FIRST_LOW, `(v128.and ${get("$q")} ${bytes(Array(16).fill(0x0f))})`)}) ${
      lookUp(SECOND_HIGH, high(get("$v")))
    })`,
  )
}
      ${
  set(
    "$e",
    `(v128.or ${get("$e")} (v128.xor ${get("$q")} (v128.and ${bytes(Array(16).fill(0x80))}
        (v128.or ${above(previous(2), 0xe0 - 0x80)} ${above(previous(3), 0xf0 - 0x80)}))))`,
  )
}`;

/** What in the last three bytes wants more behind it, in $p: above all else only there. */
const INCOMPLETE = `(i8x16.sub_sat_u ${get("$p")} ${bytes([...Array(13).fill(0xff), 0xf0 - 1, 0xe0 - 1, 0xc0 - 1])})`;

/** 1 if the $n bytes at $s are UTF-8. */
export function validateUtf8(from: Place): string {
  return `
(func $validate_utf8 (param $s ${from.address}) (param $n i32) (result i32)
  (local $v v128) (local $p v128) (local $q v128) (local $e v128) (local $k i32) (local $w i32) (local $c i32)
  (block $bad
    (if (i32.ge_u ${get("$n")} (i32.const 32))
      (then
        (loop $blocks
          ${set("$v", load("v128.load", from, "$s"))}
          (if (v128.any_true (v128.and (v128.or ${get("$v")} ${get("$p")}) ${bytes(Array(16).fill(0x80))}))
            (then ${CHECK_BLOCK}))
          ${set("$p", get("$v"))}
          ${advance(from, "$s", 16)}
          ${take("$n", 16)}
          (br_if $blocks (i32.ge_u ${get("$n")} (i32.const 16))))
        (br_if $bad (v128.any_true ${get("$e")}))
        (if (i32.eqz ${get("$n")})
          (then (return (i32.eqz (v128.any_true ${INCOMPLETE})))))
        ${set("$k", `(i32.sub (i32.const 16) ${get("$n")})`)}
        ${
    set(
      "$s",
      `(${from.address}.sub ${get("$s")} ${from.address === "i32" ? get("$k") : `(i64.extend_i32_u ${get("$k")})`})`,
    )
  }
        ${set("$p", `(v128.load ${from.memory} (${from.address}.sub ${get("$s")} (${from.address}.const 16)))`)}
        ${set("$v", load("v128.load", from, "$s"))}
        ${CHECK_BLOCK}
        ${set("$p", get("$v"))}
        (return (i32.eqz (v128.any_true (v128.or ${get("$e")} ${INCOMPLETE}))))))
    (loop $again
      (if (i32.eqz ${get("$n")}) (then (return (i32.const 1))))
      (if (i32.lt_u ${load("i32.load8_u", from, "$s")} (i32.const 0x80))
        (then ${set("$k", 1)})
        (else
          ${loadWord(from)}
          ${DECODE_WORD}))
      ${advance(from, "$s", get("$k"))}
      ${take("$n", get("$k"))}
      (br $again)))
  (i32.const 0))`;
}

/** Validates, then copies: nothing else writes to a memory that is not shared. */
export function utf8ToUtf8(from: Place, to: Place, count: string): string {
  return `
(func $utf8_to_utf8 (param $s ${from.address}) (param $n i32) (param $d ${to.address}) (result i32)
  (if (i32.eqz (call $validate_utf8 ${get("$s")} ${get("$n")})) (then (return (i32.const 0))))
  (memory.copy ${to.memory} ${from.memory} ${get("$d")} ${get("$s")} ${count})
  (i32.const 1))`;
}
