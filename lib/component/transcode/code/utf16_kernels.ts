/**
 * Kernels that read UTF-16. $s is the source, $n the units that are left of it, $d the destination, $m the bytes that are left of that.
 *
 * A pair of surrogates is checked and put together from one load of 32 bits where the source has two units left.
 */

import { advance, distance, get, load, offset, type Place, set, store, take } from "./places.ts";

function units(value: number): string {
  return `(v128.const i16x8 ${Array(8).fill(value).join(" ")})`;
}

function both(vectors: string, mask: number): string {
  return `(v128.any_true (v128.and ${vectors} ${units(mask)}))`;
}

/** Goes to $bad unless the pair in $w, of which two units are left, is a high and a low surrogate; sets $c to its code point. */
function decodePair(from: Place): string {
  return `
          (br_if $bad (i32.lt_u ${get("$n")} (i32.const 2)))
          ${set("$w", load("i32.load", from, "$s"))}
          (br_if $bad (i32.ne (i32.and ${get("$w")} (i32.const ${0xfc00fc00 | 0})) (i32.const ${0xdc00d800 | 0})))
          ${
    set(
      "$c",
      `(i32.add (i32.const 0x10000) (i32.or (i32.shl (i32.and ${get("$w")} (i32.const 0x3ff)) (i32.const 10))
            (i32.and (i32.shr_u ${get("$w")} (i32.const 16)) (i32.const 0x3ff))))`,
    )
  }`;
}

function isSurrogate(unit: string): string {
  return `(i32.eq (i32.and ${unit} (i32.const 0xf800)) (i32.const 0xd800))`;
}

/** Copies valid text: all units or-ed together if it is, else -1. Shared by the three that write UTF-16 (SEEDS 0.14). */
export function runUtf16ToUtf16(from: Place, to: Place): string {
  const surrogates = (vector: string) => `(i16x8.eq (v128.and ${vector} ${units(0xf800)}) ${units(0xd800)})`;
  return `
(func $run_utf16_to_utf16 (param $s ${from.address}) (param $n i32) (param $d ${to.address}) (result i32)
  (local $v v128) (local $u v128) (local $all v128) (local $w i32) (local $c i32) (local $seen i32)
  (block $bad
    (loop $again
      (block $careful
        (loop $vectors
          (br_if $careful (i32.lt_u ${get("$n")} (i32.const 16)))
          ${set("$v", load("v128.load", from, "$s"))}
          ${set("$u", load("v128.load", from, "$s", 16))}
          (br_if $careful (v128.any_true (v128.or ${surrogates(get("$v"))} ${surrogates(get("$u"))})))
          ${store("v128.store", to, "$d", get("$v"))}
          ${store("v128.store", to, "$d", get("$u"), 16)}
          ${set("$all", `(v128.or ${get("$all")} (v128.or ${get("$v")} ${get("$u")}))`)}
          ${advance(from, "$s", 32)}
          ${advance(to, "$d", 32)}
          ${take("$n", 16)}
          (br $vectors)))
      (loop $careful_units
        (if (i32.eqz ${get("$n")})
          (then
            ${
    set(
      "$v",
      `(v128.or ${get("$all")} (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 ${get("$all")} ${get("$all")}))`,
    )
  }
            ${
    set("$v", `(v128.or ${get("$v")} (i8x16.shuffle 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 ${get("$v")} ${get("$v")}))`)
  }
            ${set("$w", `(i32x4.extract_lane 0 ${get("$v")})`)}
            (return (i32.and (i32.const 0xffff)
              (i32.or ${get("$seen")} (i32.or ${get("$w")} (i32.shr_u ${get("$w")} (i32.const 16))))))))
        ${set("$c", load("i32.load16_u", from, "$s"))}
        (if ${isSurrogate(get("$c"))}
          (then
            ${decodePair(from)}
            ${store("i32.store", to, "$d", get("$w"))}
            ${set("$seen", 0xffff)}
            ${advance(from, "$s", 4)}
            ${advance(to, "$d", 4)}
            ${take("$n", 2)}
            ;; Pairs come in runs; behind one that is the last of its run, vectors again.
            (br_if $careful_units (i32.lt_u ${get("$n")} (i32.const 16)))
            (br_if $careful_units ${isSurrogate(load("i32.load16_u", from, "$s"))})
            (br_if $careful_units ${isSurrogate(load("i32.load16_u", from, "$s", 2))})
            (br $again))
          (else
            ${store("i32.store16", to, "$d", get("$c"))}
            ${set("$seen", `(i32.or ${get("$seen")} ${get("$c")})`)}
            ${advance(from, "$s", 2)}
            ${advance(to, "$d", 2)}
            ${take("$n", 1)}
            (br $careful_units))))))
  (i32.const -1))`;
}

/** Up to the first unit above FF: units read (SEEDS 0.23); as many bytes are written. */
export function utf16ToLatin1(from: Place, to: Place): string {
  return `
(func $utf16_to_latin1 (param $s ${from.address}) (param $n i32) (param $d ${to.address}) (result i32 i32)
  (local $v v128) (local $u v128) (local $c i32) (local $length i32)
  ${set("$length", get("$n"))}
  (block $careful
    (loop $vectors
      (br_if $careful (i32.lt_u ${get("$n")} (i32.const 16)))
      ${set("$v", load("v128.load", from, "$s"))}
      ${set("$u", load("v128.load", from, "$s", 16))}
      (br_if $careful ${both(`(v128.or ${get("$v")} ${get("$u")})`, 0xff00)})
      ${store("v128.store", to, "$d", `(i8x16.narrow_i16x8_u ${get("$v")} ${get("$u")})`)}
      ${advance(from, "$s", 32)}
      ${advance(to, "$d", 16)}
      ${take("$n", 16)}
      (br $vectors)))
  (block $done
    (loop $units
      (br_if $done (i32.eqz ${get("$n")}))
      (br_if $done (i32.gt_u (local.tee $c ${load("i32.load16_u", from, "$s")}) (i32.const 0xff)))
      ${store("i32.store8", to, "$d", get("$c"))}
      ${advance(from, "$s", 2)}
      ${advance(to, "$d", 1)}
      ${take("$n", 1)}
      (br $units)))
  (local.tee $c (i32.sub ${get("$length")} ${get("$n")}))
  ${get("$c")})`;
}

/** Units read and bytes written, or -1 and 0 (SEEDS 0.19). */
export function utf16ToUtf8(from: Place, to: Place): string {
  const continuation = (shift: number) =>
    `(i32.or (i32.const 0x80) (i32.and (i32.shr_u ${get("$c")} (i32.const ${shift})) (i32.const 0x3f)))`;
  const lead = (bits: number, shift: number) =>
    `(i32.or (i32.const ${bits}) (i32.shr_u ${get("$c")} (i32.const ${shift})))`;
  const put = (bytes: number, value: string) => `
            (br_if $done (i32.lt_u ${get("$m")} (i32.const ${bytes})))
            ${value}
            ${advance(to, "$d", bytes)}
            ${take("$m", bytes)}`;
  const below = (value: string, next: string, shift: number) =>
    `(i32.or ${value} (i32.shl ${next} (i32.const ${shift})))`;
  const twoBytes = store("i32.store16", to, "$d", below(lead(0xc0, 6), continuation(0), 8));
  const threeBytes = store("i32.store16", to, "$d", below(lead(0xe0, 12), continuation(6), 8)) +
    store("i32.store8", to, "$d", continuation(0), 2);
  const fourBytes = store(
    "i32.store",
    to,
    "$d",
    below(below(below(lead(0xf0, 18), continuation(12), 8), continuation(6), 16), continuation(0), 24),
  );
  const vectors = [0, 1, 2, 3, 4, 5, 6, 7],
    any = vectors.map((k) => get(`$v${k}`)).reduce((or, v) => `(v128.or ${or} ${v})`);
  // What is all ASCII is as fast as memory is: the test of 64 units is one.
  const asciiRun = `
        ${
    set("$w", `(i32.and (select ${get("$n")} ${get("$m")} (i32.lt_u ${get("$n")} ${get("$m")})) (i32.const -64))`)
  }
        ${set("$end", offset(from, "$s", `(i32.shl ${get("$w")} (i32.const 1))`))}
        (block $short
          (br_if $short (i32.eqz ${get("$w")}))
          (loop $ascii
            ${vectors.map((k) => set(`$v${k}`, load("v128.load", from, "$s", 16 * k))).join("\n")}
            (br_if $short ${both(any, 0xff80)})
            ${
    [0, 2, 4, 6].map((k) =>
      store("v128.store", to, "$d", `(i8x16.narrow_i16x8_u ${get(`$v${k}`)} ${get(`$v${k + 1}`)})`, 8 * k)
    ).join("\n")
  }
            ${advance(from, "$s", 128)}
            ${advance(to, "$d", 64)}
            (br_if $ascii (${from.address}.ne ${get("$s")} ${get("$end")}))))
        ${set("$w", `(i32.sub ${get("$w")} (i32.shr_u ${distance(from, "$end", "$s")} (i32.const 1)))`)}
        ${take("$n", get("$w"))}
        ${take("$m", get("$w"))}`;
  const ascii = (vector: string) => `(i16x8.gt_u ${vector} ${units(0x7f)})`;
  return `
(func $utf16_to_utf8 (param $s ${from.address}) (param $n i32) (param $d ${to.address}) (param $m i32) (result i32 i32)
  (local $v v128) (local $u v128) (local $k i32) (local $w i32) (local $c i32) (local $length i32) (local $streak i32)
  (local $start ${to.address}) (local $end ${from.address})
  ${vectors.map((k) => `(local $v${k} v128)`).join(" ")}
  ${set("$length", get("$n"))}
  ${set("$start", get("$d"))}
  (block $bad
    (block $done
      (loop $run
      ${asciiRun}
      ${set("$streak", 0)}
      (loop $again
        ;; ASCII, 16 units at a time: all are stored, as many as are ASCII count.
        (if (i32.and (i32.ge_u ${get("$n")} (i32.const 16)) (i32.ge_u ${get("$m")} (i32.const 16)))
          (then
            ${set("$v", load("v128.load", from, "$s"))}
            ${set("$u", load("v128.load", from, "$s", 16))}
            ${store("v128.store", to, "$d", `(i8x16.narrow_i16x8_u ${get("$v")} ${get("$u")})`)}
            (if (i32.eqz ${both(`(v128.or ${get("$v")} ${get("$u")})`, 0xff80)})
              (then
                ${advance(from, "$s", 32)}
                ${advance(to, "$d", 16)}
                ${take("$n", 16)}
                ${take("$m", 16)}
                ${set("$streak", `(i32.add ${get("$streak")} (i32.const 1))`)}
                ;; Much of it: 64 at a time again.
                (br_if $run (i32.eq ${get("$streak")} (i32.const 8)))
                (br $again)))
            ${set("$k", `(i32.ctz (i8x16.bitmask (i8x16.narrow_i16x8_s ${ascii(get("$v"))} ${ascii(get("$u"))})))`)}
            ${advance(from, "$s", `(i32.shl ${get("$k")} (i32.const 1))`)}
            ${advance(to, "$d", get("$k"))}
            ${take("$n", get("$k"))}
            ${take("$m", get("$k"))}))
        ${set("$streak", 0)}
        (loop $characters
          (br_if $done (i32.eqz ${get("$n")}))
          ${set("$c", load("i32.load16_u", from, "$s"))}
          ${set("$k", 1)}
          (if (i32.lt_u ${get("$c")} (i32.const 0x80))
            (then
            ${put(1, store("i32.store8", to, "$d", get("$c")))}
            ${advance(from, "$s", 2)}
            ${take("$n", 1)}
            (br $again)))
          (if (i32.lt_u ${get("$c")} (i32.const 0x800))
            (then ${put(2, twoBytes)})
            (else (if ${isSurrogate(get("$c"))}
              (then
          ${decodePair(from)}
            ${put(4, fourBytes)}
            ${set("$k", 2)})
              (else ${put(3, threeBytes)}))))
          ${advance(from, "$s", `(i32.shl ${get("$k")} (i32.const 1))`)}
          ${take("$n", get("$k"))}
          (br $characters)))))
    (return (i32.sub ${get("$length")} ${get("$n")}) ${distance(to, "$d", "$start")}))
  (i32.const -1) (i32.const 0))`;
}
