/** Edge values of each numeric type, as bits: where carries, signs, roundings, ranges and encodings change. */

import type { NumberType } from "./module_builder.ts";

const F32 = new DataView(new ArrayBuffer(8));

/** The bits of a number as `f32`. */
export function f32Bits(number: number): bigint {
  F32.setFloat32(0, number, true);
  return BigInt(F32.getUint32(0, true));
}

/** The bits of a number as `f64`. */
export function f64Bits(number: number): bigint {
  F32.setFloat64(0, number, true);
  return F32.getBigUint64(0, true);
}

const POSITIVE_FLOATS = [
  0,
  1,
  0.5,
  1.5,
  2.5,
  0.1,
  3.141592653589793,
  127.9,
  255.5,
  32768,
  65535.99,
  8388607.5,
  16777217,
  2147483520,
  2147483647,
  2147483648,
  4294967295,
  4294967296,
  4503599627370495.5,
  9007199254740993,
  9223372036854774784,
  9223372036854775807,
  18446744073709549568,
  18446744073709551616,
  1e-10,
  1e30,
  Infinity,
];

const signed = (bits: readonly bigint[], sign: bigint): bigint[] => bits.flatMap((item) => [item, item | sign]);

/** Edge values by type; the first ones are the plainest. */
export const EDGES: Readonly<Record<NumberType, readonly bigint[]>> = {
  i32: [
    0,
    1,
    -1,
    2,
    3,
    5,
    7,
    8,
    10,
    15,
    16,
    24,
    31,
    32,
    33,
    63,
    64,
    100,
    127,
    128,
    129,
    255,
    256,
    -2,
    -7,
    -8,
    -16,
    -127,
    -128,
    -129,
    0x7fff,
    0x8000,
    0xffff,
    0x10000,
    0x12345678,
    0x55555555,
    0xaaaaaaaa,
    0x7ffffffe,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xfffffffe,
  ].map((number) => BigInt.asUintN(32, BigInt(number))),
  // deno-fmt-ignore
  i64: [
    0n, 1n, -1n, 2n, 3n, 7n, 8n, 10n, 31n, 32n, 33n, 63n, 64n, 65n, 127n, 128n, 255n, 256n, -2n, -7n, -8n, -127n, -128n, -129n,
    0x7fffn, 0x8000n, 0xffffn, 0x7fffffffn, 0x80000000n, 0x80000001n, 0xffffffffn, 0x100000000n, -0x80000000n, -0x80000001n,
    0x123456789abcdef0n, 0x5555555555555555n, 0xaaaaaaaaaaaaaaaan, 0x7ffffffffffffffen, 0x7fffffffffffffffn,
    0x8000000000000000n, 0x8000000000000001n, 0xfffffffffffffffen,
  ].map((number) => BigInt.asUintN(64, number)),
  f32: [
    ...signed([...new Set(POSITIVE_FLOATS.map(f32Bits))], 0x80000000n),
    // Smallest subnormal, largest subnormal, smallest normal, largest, then NaNs: canonical, quiet with a payload, signalling.
    ...signed([1n, 0x7fffffn, 0x800000n, 0x7f7fffffn, 0x7fc00000n, 0x7fe12345n, 0x7fa00001n], 0x80000000n),
  ],
  f64: [
    ...signed([...new Set(POSITIVE_FLOATS.map(f64Bits))], 1n << 63n),
    ...signed([
      1n,
      0xfffffffffffffn,
      0x10000000000000n,
      0x7fefffffffffffffn,
      0x7ff8000000000000n,
      0x7ffc0000deadbeefn,
      0x7ff4000000000001n,
      // Where a conversion to f32 rounds up to infinity, and down to its largest.
      0x47efffffefffffffn,
      0x47effffff0000000n,
      // Just inside and outside of the integer ranges.
      f64Bits(2147483647.9),
      f64Bits(2147483648.9),
      f64Bits(4294967295.9),
    ], 1n << 63n),
  ],
};

/** Constants that instruction selection treats apart: immediates of every width, powers of two, masks, shift counts. */
export const CONSTANTS: Readonly<Record<NumberType, readonly bigint[]>> = {
  i32: [0, 1, -1, 2, 3, 7, 8, 10, 31, 32, 127, 128, -128, 255, 0xffff, 0x12345678, 0x7fffffff, 0x80000000].map((
    number,
  ) => BigInt.asUintN(32, BigInt(number))),
  i64: [
    0n,
    1n,
    -1n,
    2n,
    3n,
    7n,
    10n,
    32n,
    63n,
    64n,
    127n,
    128n,
    -128n,
    0x7fffffffn,
    0x80000000n,
    0xffffffffn,
    -0x80000000n,
  ]
    .concat([-0x80000001n, 0x123456789abcdef0n, 0x7fffffffffffffffn, 0x8000000000000000n])
    .map((number) => BigInt.asUintN(64, number)),
  f32: [0, -0, 1, -1, 0.5, 2, 3.5, -1e10, Infinity].map(f32Bits).concat([0x7fc00000n]),
  f64: [0, -0, 1, -1, 0.5, 2, 3.5, -1e10, Infinity].map(f64Bits).concat([0x7ff8000000000000n]),
};
