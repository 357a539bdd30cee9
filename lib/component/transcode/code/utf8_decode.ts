/**
 * Reading one character of UTF-8 that is not ASCII.
 *
 * Four bytes are loaded at once where the source has four, else those that are left below zeros: a zero continues nothing, so a sequence
 * that the end cuts off is invalid like any other. One comparison of the whole word then checks all continuation bytes.
 */

import { get, load, type Place, set } from "./places.ts";

/** Sets $w to the next four bytes at $s, of which $n are there. */
export function loadWord(from: Place): string {
  return `
    (if (i32.ge_u ${get("$n")} (i32.const 4))
      (then ${set("$w", load("i32.load", from, "$s"))})
      (else
        ${set("$w", load("i32.load8_u", from, "$s"))}
        (if (i32.ge_u ${get("$n")} (i32.const 2))
          (then ${set("$w", `(i32.or ${get("$w")} (i32.shl ${load("i32.load8_u", from, "$s", 1)} (i32.const 8)))`)}))
        (if (i32.ge_u ${get("$n")} (i32.const 3))
          (then ${
    set("$w", `(i32.or ${get("$w")} (i32.shl ${load("i32.load8_u", from, "$s", 2)} (i32.const 16)))`)
  }))))`;
}

function low6(shift: number): string {
  return `(i32.and (i32.shr_u ${get("$w")} (i32.const ${shift})) (i32.const 0x3f))`;
}

function hasBits(mask: number, bits: number): string {
  return `(i32.eq (i32.and ${get("$w")} (i32.const ${mask | 0})) (i32.const ${bits | 0}))`;
}

/** Sets $c to the code point of $w and $k to its bytes; goes to $bad for what is none. */
export const DECODE_WORD = `
    (if ${hasBits(0xc0e0, 0x80c0)}
      (then
        ${set("$c", `(i32.or (i32.shl (i32.and ${get("$w")} (i32.const 0x1f)) (i32.const 6)) ${low6(8)})`)}
        (br_if $bad (i32.lt_u ${get("$c")} (i32.const 0x80)))
        ${set("$k", 2)})
      (else (if ${hasBits(0xc0c0f0, 0x8080e0)}
        (then
          ${
  set(
    "$c",
    `(i32.or (i32.or (i32.shl (i32.and ${get("$w")} (i32.const 0x0f)) (i32.const 12))
            (i32.shl ${low6(8)} (i32.const 6))) ${low6(16)})`,
  )
}
          (br_if $bad (i32.lt_u ${get("$c")} (i32.const 0x800)))
          (br_if $bad (i32.eq (i32.and ${get("$c")} (i32.const 0xf800)) (i32.const 0xd800)))
          ${set("$k", 3)})
        (else
          (br_if $bad (i32.eqz ${hasBits(0xc0c0c0f8, 0x808080f0)}))
          ${
  set(
    "$c",
    `(i32.or (i32.or (i32.shl (i32.and ${get("$w")} (i32.const 0x07)) (i32.const 18))
            (i32.shl ${low6(8)} (i32.const 12))) (i32.or (i32.shl ${low6(16)} (i32.const 6)) ${low6(24)}))`,
  )
}
          (br_if $bad (i32.ge_u (i32.sub ${get("$c")} (i32.const 0x10000)) (i32.const 0x100000)))
          ${set("$k", 4)}))))`;
