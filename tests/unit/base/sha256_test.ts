import { assertEquals } from "@std/assert";
import { sha256, sha256Here, sha256Native } from "../../../lib/base/mod.ts";

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

Deno.test("sha256Here() and sha256Native() agree on large inputs in parts of any length", () => {
  const bytes = bytesOf(3_000_000);
  const parts: Uint8Array[] = [];
  for (let at = 0, length = 0; at < bytes.length; at += length, length = length * 3 + 1) {
    parts.push(bytes.subarray(at, at + length));
  }
  parts.push(bytes.subarray(parts.reduce((sum, part) => sum + part.length, 0)));
  assertEquals(sha256Here(parts), sha256Native(parts));
  assertEquals(sha256(parts), sha256Here([bytes]));
});
