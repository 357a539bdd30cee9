/** Kernels that read latin1, of which every text is valid, and those that convert it in place. */

import { advance, distance, get, load, offset, type Place, set, store, take } from "./places.ts";

/** Widens $n bytes. */
export function latin1ToUtf16(from: Place, to: Place): string {
  return `
(func $latin1_to_utf16 (param $s ${from.address}) (param $n i32) (param $d ${to.address}) (result i32)
  (local $v v128)
  (block $careful
    (loop $vectors
      (br_if $careful (i32.lt_u ${get("$n")} (i32.const 16)))
      ${set("$v", load("v128.load", from, "$s"))}
      ${store("v128.store", to, "$d", `(i16x8.extend_low_i8x16_u ${get("$v")})`)}
      ${store("v128.store", to, "$d", `(i16x8.extend_high_i8x16_u ${get("$v")})`, 16)}
      ${advance(from, "$s", 16)}
      ${advance(to, "$d", 32)}
      ${take("$n", 16)}
      (br $vectors)))
  (block $done
    (loop $bytes
      (br_if $done (i32.eqz ${get("$n")}))
      ${store("i32.store16", to, "$d", load("i32.load8_u", from, "$s"))}
      ${advance(from, "$s", 1)}
      ${advance(to, "$d", 2)}
      ${take("$n", 1)}
      (br $bytes)))
  (i32.const 1))`;
}

/** Bytes read and bytes written (SEEDS 0.20). */
export function latin1ToUtf8(from: Place, to: Place): string {
  const c = get("$c");
  return `
(func $latin1_to_utf8 (param $s ${from.address}) (param $n i32) (param $d ${to.address}) (param $m i32) (result i32 i32)
  (local $v v128) (local $k i32) (local $c i32) (local $length i32) (local $start ${to.address})
  ${set("$length", get("$n"))}
  ${set("$start", get("$d"))}
  (block $done
    (loop $again
      (if (i32.and (i32.ge_u ${get("$n")} (i32.const 16)) (i32.ge_u ${get("$m")} (i32.const 16)))
        (then
          ${set("$v", load("v128.load", from, "$s"))}
          ${store("v128.store", to, "$d", get("$v"))}
          (if (i32.eqz (local.tee $k (i8x16.bitmask ${get("$v")})))
            (then
              ${advance(from, "$s", 16)}
              ${advance(to, "$d", 16)}
              ${take("$n", 16)}
              ${take("$m", 16)}
              (br $again)))
          ${set("$k", `(i32.ctz ${get("$k")})`)}
          ${advance(from, "$s", get("$k"))}
          ${advance(to, "$d", get("$k"))}
          ${take("$n", get("$k"))}
          ${take("$m", get("$k"))}))
      (loop $characters
        (br_if $done (i32.eqz ${get("$n")}))
        ${set("$c", load("i32.load8_u", from, "$s"))}
        (if (i32.lt_u ${c} (i32.const 0x80))
          (then
            (br_if $done (i32.eqz ${get("$m")}))
            ${store("i32.store8", to, "$d", c)}
            ${advance(from, "$s", 1)}
            ${advance(to, "$d", 1)}
            ${take("$n", 1)}
            ${take("$m", 1)}
            (br $again)))
        (br_if $done (i32.lt_u ${get("$m")} (i32.const 2)))
        ${
    store(
      "i32.store16",
      to,
      "$d",
      `(i32.or (i32.or (i32.const 0x80c0) (i32.shr_u ${c} (i32.const 6)))
            (i32.shl (i32.and ${c} (i32.const 0x3f)) (i32.const 8)))`,
    )
  }
        ${advance(from, "$s", 1)}
        ${advance(to, "$d", 2)}
        ${take("$n", 1)}
        ${take("$m", 2)}
        (br $characters))))
  (i32.sub ${get("$length")} ${get("$n")})
  ${distance(to, "$d", "$start")})`;
}

/**
 * Widens $n bytes at $d in place, from the end (SEEDS 0.26). A block of 16 is read before it is written, and what is written begins at twice
 * where it was read, so it covers nothing unread.
 */
export function inflateLatin1(to: Place): string {
  const at = (bytes: string) => offset(to, "$d", bytes);
  const twice = `(i32.shl ${get("$n")} (i32.const 1))`;
  return `
(func $inflate_latin1 (param $d ${to.address}) (param $n i32)
  (local $v v128)
  (block $careful
    (loop $vectors
      (br_if $careful (i32.lt_u ${get("$n")} (i32.const 16)))
      ${take("$n", 16)}
      ${set("$v", `(v128.load ${to.memory} ${at(get("$n"))})`)}
      (v128.store ${to.memory} ${at(twice)} (i16x8.extend_low_i8x16_u ${get("$v")}))
      (v128.store ${to.memory} offset=16 ${at(twice)} (i16x8.extend_high_i8x16_u ${get("$v")}))
      (br $vectors)))
  (block $done
    (loop $bytes
      (br_if $done (i32.eqz ${get("$n")}))
      ${take("$n", 1)}
      (i32.store16 ${to.memory} ${at(twice)} (i32.load8_u ${to.memory} ${at(get("$n"))}))
      (br $bytes))))`;
}

/** Narrows $n units at $d, all of them latin1, in place: what is written ends where the next is read, or before (SEEDS 0.21). */
export function deflateLatin1(to: Place): string {
  return `
(func $deflate_latin1 (param $d ${to.address}) (param $n i32)
  (local $s ${to.address})
  ${set("$s", get("$d"))}
  (block $careful
    (loop $vectors
      (br_if $careful (i32.lt_u ${get("$n")} (i32.const 16)))
      ${
    store(
      "v128.store",
      to,
      "$d",
      `(i8x16.narrow_i16x8_u ${load("v128.load", to, "$s")} ${load("v128.load", to, "$s", 16)})`,
    )
  }
      ${advance(to, "$s", 32)}
      ${advance(to, "$d", 16)}
      ${take("$n", 16)}
      (br $vectors)))
  (block $done
    (loop $units
      (br_if $done (i32.eqz ${get("$n")}))
      ${store("i32.store8", to, "$d", load("i32.load16_u", to, "$s"))}
      ${advance(to, "$s", 2)}
      ${advance(to, "$d", 1)}
      ${take("$n", 1)}
      (br $units))))`;
}
