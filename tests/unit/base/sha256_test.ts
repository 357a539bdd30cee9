import { assertEquals } from "@std/assert";
import { sha256 } from "../../../lib/base/mod.ts";

/** `length` bytes that repeat late. */
function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => i * 31 + (i >> 8) + length);
}

Deno.test("sha256() agrees with the web interface at every length around a block", async () => {
  const lengths = [...Array.from({ length: 130 }, (_, i) => i), 100_003];
  for (const length of lengths) {
    const bytes = bytesOf(length);
    const expected = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    assertEquals(sha256([bytes]), expected, `${length} bytes`);
  }
});

Deno.test("sha256() takes its parts as one string", () => {
  const bytes = bytesOf(1000);
  const whole = sha256([bytes]);
  assertEquals(sha256([bytes.subarray(0, 1), new Uint8Array(), bytes.subarray(1, 64), bytes.subarray(64)]), whole);
});
