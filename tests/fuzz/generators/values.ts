/** Values where arithmetic goes wrong: the edges of every numeric type, as bits. */

import type { NumberType } from "./wasm_tree.ts";

const F32_BITS = new Uint32Array(1), F32_VIEW = new Float32Array(F32_BITS.buffer);
const F64_BITS = new BigUint64Array(1), F64_VIEW = new Float64Array(F64_BITS.buffer);

/** The bits of a number as f32. */
export function f32Bits(value: number): bigint {
  F32_VIEW[0] = value;
  return BigInt(F32_BITS[0]);
}

/** The bits of a number as f64. */
export function f64Bits(value: number): bigint {
  F64_VIEW[0] = value;
  return F64_BITS[0];
}

const INTEGERS = [
  0n,
  1n,
  2n,
  3n,
  5n,
  7n,
  8n,
  10n,
  31n,
  32n,
  63n,
  64n,
  127n,
  128n,
  255n,
  256n,
  32767n,
  32768n,
  65535n,
  65536n,
];
const NEGATIVE = [-1n, -2n, -3n, -7n, -128n, -129n, -32768n, -32769n];

/** Numbers at the limits of conversions, shared by both float types. */
const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -1.5,
  2 ** 24 + 2,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 63,
  -(2 ** 63),
  2 ** 64,
  2147483520,
  4294967040,
  9223371487098961920,
  18446742974197923840,
  Infinity,
  -Infinity,
  3.14159,
];

/** Edge values per type: about thirty each, no two alike. */
export const EDGES: Readonly<Record<NumberType, readonly bigint[]>> = {
  i32: unique(32, [
    ...INTEGERS,
    ...NEGATIVE,
    0x7fffffffn,
    0x80000000n,
    0x80000001n,
    0xaaaaaaaan,
    0x55555555n,
    0x12345678n,
    0x10000000n,
  ]),
  i64: unique(64, [
    ...INTEGERS,
    ...NEGATIVE,
    0x7fffffffn,
    0x80000000n,
    0xffffffffn,
    0x100000000n,
    0x7fffffffffffffffn,
    0x8000000000000000n,
    0x8000000000000001n,
    0xaaaaaaaaaaaaaaaan,
    0x0123456789abcdefn,
    -0x80000000n,
    -0x80000001n,
    0xffffffff00000000n,
  ]),
  f32: unique(32, [
    ...FLOATS.map(f32Bits),
    0x00000001n, // smallest subnormal
    0x807fffffn, // largest subnormal, negative
    0x00800000n, // smallest normal
    0x7f7fffffn, // largest
    0x7fc00000n, // canonical NaN
    0xffc00000n,
    0x7fa12345n, // signalling NaN
    0xffffffffn,
    0x4f000001n,
    0xcf000001n, // below -2^31
    0x3effffffn, // below 0.5
    0x3f7fffffn, // below 1
  ]),
  f64: unique(64, [
    ...FLOATS.map(f64Bits),
    0x0000000000000001n,
    0x800fffffffffffffn,
    0x0010000000000000n,
    0x7fefffffffffffffn,
    0x7ff8000000000000n,
    0xfff8000000000000n,
    0x7ff4000012345678n,
    0xffffffffffffffffn,
    f64Bits(2147483647.5),
    f64Bits(-2147483648.9),
    f64Bits(-2147483649),
    f64Bits(4294967295.9),
    f64Bits(-0.9),
    f64Bits(1e300),
    f64Bits(1e-310),
    0x3fdfffffffffffffn, // below 0.5
    0x4330000000000001n, // 2^52 + 1
    0x47efffffe0000000n, // largest f32
    0x47effffff0000000n, // halfway to the f32 that would be infinite
    f64Bits(1.0000000596046448), // halfway between two f32
  ]),
};

function unique(bits: number, values: readonly bigint[]): bigint[] {
  return [...new Set(values.map((value) => BigInt.asUintN(bits, value)))];
}

/** Whether bits are a NaN of the type. */
export function isNan(type: "f32" | "f64", bits: bigint): boolean {
  return type === "f32" ? (bits & 0x7fffffffn) > 0x7f800000n : (bits & 0x7fffffffffffffffn) > 0x7ff0000000000000n;
}
