/**
 * Kernels that read UTF-8. $s is the source, $n the bytes that are left of it, $d the destination.
 *
 * Text comes in runs. A run of ASCII goes 16 bytes at a time: all 16 are converted and stored, whatever they are, and as many as are ASCII
 * are counted; the destination has room for a unit a byte (buffers.ts). A run of anything else goes character by character, without
 * looking for ASCII in between.
 */

import { advance, distance, get, load, type Place, set, store, take } from "./places.ts";
import { DECODE_WORD, loadWord } from "./utf8_decode.ts";

/** A loop over runs: how 16 bytes in $v and one byte in $c are stored, and what becomes of a code point in $c whose $k bytes were read. */
interface Runs {
  readonly vector: string;
  readonly byte: string;
  readonly codePoint: string;
  /** Bytes of the destination for each ASCII character. */
  readonly unitBytes: 0 | 1 | 2;
}

function moveDestination(to: Place, count: string, unitBytes: 0 | 1 | 2): string {
  if (unitBytes === 0) return "";
  return advance(to, "$d", unitBytes === 1 ? count : `(i32.shl ${count} (i32.const 1))`);
}

/** Goes to $bad for invalid text, to $done at the end. */
function runs(from: Place, to: Place, { vector, byte, codePoint, unitBytes }: Runs): string {
  return `
  (loop $again
    (if (i32.ge_u ${get("$n")} (i32.const 16))
      (then
        ${set("$v", load("v128.load", from, "$s"))}
        ${vector}
        ${set("$k", `(i8x16.bitmask ${get("$v")})`)}
        (if (i32.eqz ${get("$k")})
          (then
            ${advance(from, "$s", 16)}
            ${take("$n", 16)}
            ${moveDestination(to, "(i32.const 16)", unitBytes)}
            (br $again)))
        ${set("$k", `(i32.ctz ${get("$k")})`)}
        ${advance(from, "$s", get("$k"))}
        ${take("$n", get("$k"))}
        ${moveDestination(to, get("$k"), unitBytes)})
      (else
        (br_if $done (i32.eqz ${get("$n")}))
        ${set("$c", load("i32.load8_u", from, "$s"))}
        (if (i32.lt_u ${get("$c")} (i32.const 0x80))
          (then
            ${byte}
            ${advance(from, "$s", 1)}
            ${take("$n", 1)}
            ${moveDestination(to, "(i32.const 1)", unitBytes)}
            (br $again)))))
    (loop $characters
      ${loadWord(from)}
      ${DECODE_WORD}
      ${codePoint}
      ${advance(from, "$s", get("$k"))}
      ${take("$n", get("$k"))}
      (br_if $done (i32.eqz ${get("$n")}))
      (br_if $characters (i32.ge_u ${load("i32.load8_u", from, "$s")} (i32.const 0x80))))
    (br $again))`;
}

const LOCALS = "(local $v v128) (local $k i32) (local $w i32) (local $c i32)";

/** Units written from $d on, or -1: shared by the two that write UTF-16 (SEEDS 0.18). */
export function runUtf8ToUtf16(from: Place, to: Place): string {
  const body = runs(from, to, {
    vector: `
        ${store("v128.store", to, "$d", `(i16x8.extend_low_i8x16_u ${get("$v")})`)}
        ${store("v128.store", to, "$d", `(i16x8.extend_high_i8x16_u ${get("$v")})`, 16)}`,
    byte: store("i32.store16", to, "$d", get("$c")),
    codePoint: `
      (if (i32.lt_u ${get("$c")} (i32.const 0x10000))
        (then
          ${store("i32.store16", to, "$d", get("$c"))}
          ${advance(to, "$d", 2)})
        (else
          ${
      store(
        "i32.store",
        to,
        "$d",
        `(i32.or (i32.add (i32.const 0xd7c0) (i32.shr_u ${get("$c")} (i32.const 10)))
            (i32.shl (i32.or (i32.const 0xdc00) (i32.and ${get("$c")} (i32.const 0x3ff))) (i32.const 16)))`,
      )
    }
          ${advance(to, "$d", 4)}))`,
    unitBytes: 2,
  });
  return `
(func $run_utf8_to_utf16 (param $s ${from.address}) (param $n i32) (param $d ${to.address}) (result i32)
  (local $start ${to.address}) ${LOCALS}
  ${set("$start", get("$d"))}
  (block $bad (block $done ${body})
    (return (i32.shr_u ${distance(to, "$d", "$start")} (i32.const 1))))
  (i32.const -1))`;
}

/** Up to the first character that latin1 has not: bytes read, bytes written. */
export function utf8ToLatin1(from: Place, to: Place): string {
  // TRANS-3: invalid text ends it like any other character that does not fit.
  const body = runs(from, to, {
    vector: store("v128.store", to, "$d", get("$v")),
    byte: store("i32.store8", to, "$d", get("$c")),
    codePoint: `
      (br_if $bad (i32.gt_u ${get("$c")} (i32.const 0xff)))
      ${store("i32.store8", to, "$d", get("$c"))}
      ${advance(to, "$d", 1)}`,
    unitBytes: 1,
  });
  return `
(func $utf8_to_latin1 (param $s ${from.address}) (param $n i32) (param $d ${to.address}) (result i32 i32)
  (local $start ${to.address}) (local $length i32) ${LOCALS}
  ${set("$start", get("$d"))}
  ${set("$length", get("$n"))}
  (block $bad (block $done ${body}))
  (i32.sub ${get("$length")} ${get("$n")})
  ${distance(to, "$d", "$start")})`;
}
