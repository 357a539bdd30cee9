/** Sums with constants that are left unfolded when selection meets them. */

import { assertEquals } from "@std/assert";
import { machine } from "./machine.ts";

Deno.test("a scaled i64 sum keeps constants that together exceed a displacement", () => {
  const m = machine(`
sig0 (i64) -> (i64)
func 0 sig0 {
b0:
  x:i64 = param 0
  one:i64 = iconst 1
  big:i64 = iconst 2147483647
  both:i64 = iadd big, big
  twice:i64 = ishl x, one
  sum:i64 = iadd both, twice
  return (sum)
}
`);
  assertEquals(m.call(0, 5n), [0xfffffffen + 10n]);
});
