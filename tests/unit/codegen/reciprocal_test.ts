import { assertEquals } from "@std/assert";
import { Reciprocal } from "../../../lib/codegen/isel/reciprocal.ts";

/** The definition, in big integers. */
function expected(divisor: bigint, width: bigint, slack: bigint): { multiplier: bigint; shift: number } {
  for (let shift = 0n;; shift++) {
    const power = 1n << width + shift;
    const multiplier = (power + divisor - 1n) / divisor;
    if (multiplier * divisor - power <= 1n << shift + slack) return { multiplier, shift: Number(shift) };
  }
}

const reciprocal = new Reciprocal();

function found(divisor: bigint, width: 32 | 64, slack: 0 | 1): { multiplier: bigint; shift: number } {
  reciprocal.find(Number(BigInt.asIntN(32, divisor)), Number(BigInt.asIntN(32, divisor >> 32n)), width, slack);
  const { lo, hi, top, shift } = reciprocal;
  return { multiplier: BigInt(top) << 64n | BigInt(hi >>> 0) << 32n | BigInt(lo >>> 0), shift };
}

for (const width of [32, 64] as const) {
  for (const slack of [0, 1] as const) {
    Deno.test(`Reciprocal.find() is the least reciprocal of width ${width} with slack ${slack}`, () => {
      const limit = 1n << BigInt(width - slack);
      const check = (divisor: bigint) => {
        if ((divisor & divisor - 1n) === 0n) return;
        assertEquals(
          found(divisor, width, slack),
          expected(divisor, BigInt(width), BigInt(slack)),
          `divisor ${divisor}`,
        );
      };
      for (let near = 1n; near < limit; near <<= 1n) {
        for (let d = -3n; d <= 3n; d++) if (near + d > 1n && near + d < limit) check(near + d);
      }
      for (let d = 2n; d < 500n; d++) {
        check(d);
        check(limit - d);
      }
      let random = 1n;
      for (let n = 0; n < 1000; n++) {
        random = BigInt.asUintN(64, random * 6364136223846793005n + 1442695040888963407n);
        check(BigInt.asUintN(width - slack, random) >> BigInt(n % (width - 2)));
      }
    });
  }
}
