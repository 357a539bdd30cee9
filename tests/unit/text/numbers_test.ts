/** Numbers of the text format against exact arithmetic in big integers, and against the host's own conversions. */

import { assertEquals } from "@std/assert";
import { classifyNumber, formatF32, formatF64, NUMBER, NumberReader } from "../../../lib/text/numbers.ts";
import { Random } from "../../fuzz/generators/random.ts";

const encoder = new TextEncoder();
const reader = new NumberReader();
const view = new DataView(new ArrayBuffer(8));

type FloatType = "f32" | "f64";

/** The bits that a text stands for; undefined: out of range. */
function bitsOf(text: string, type: FloatType): bigint | undefined {
  const bytes = encoder.encode(text);
  assertEquals(classifyNumber(bytes, 0, bytes.length) !== NUMBER.none, true, text);
  if (!reader.float(bytes, 0, bytes.length, type)) return undefined;
  const lo = BigInt(reader.lo >>> 0);
  return type === "f32" ? lo : BigInt(reader.hi >>> 0) << 32n | lo;
}

/** The same by exact arithmetic: the float nearest to a fraction of big integers, ties to even. */
function nearest(text: string, type: FloatType): bigint | undefined {
  const [mantissaBits, least, most] = type === "f32" ? [23, -149, 128] : [52, -1074, 1024];
  const { sign, numerator, denominator } = fraction(text);
  const signBit = sign < 0 ? 1n << (type === "f32" ? 31n : 63n) : 0n;
  if (numerator === 0n) return signBit;
  // The exponent of the last bit: such that the quotient has mantissaBits + 1 bits, or the least there is.
  let unit = numerator.toString(2).length - denominator.toString(2).length - mantissaBits - 1;
  let quotient: bigint;
  for (unit = Math.max(unit, least);; unit++) {
    const [n, d] = unit >= 0 ? [numerator, denominator << BigInt(unit)] : [numerator << BigInt(-unit), denominator];
    quotient = n / d;
    const twice = 2n * (n % d);
    if (twice > d || twice === d && (quotient & 1n) === 1n) quotient++;
    if (quotient <= 1n << BigInt(mantissaBits + 1)) break;
  }
  if (quotient === 1n << BigInt(mantissaBits + 1)) {
    quotient >>= 1n;
    unit++;
  }
  if (unit + mantissaBits + 1 > most) return undefined;
  const biased = quotient < 1n << BigInt(mantissaBits) ? 0n : BigInt(unit - least + 1);
  return signBit | biased << BigInt(mantissaBits) | quotient & (1n << BigInt(mantissaBits)) - 1n;
}

function fraction(text: string): { sign: number; numerator: bigint; denominator: bigint } {
  const plain = text.replaceAll("_", "");
  const parts = plain.match(/^([+-]?)(0x)([0-9a-fA-F]+)\.?([0-9a-fA-F]*)(?:[pP]([+-]?\d+))?$/) ??
    plain.match(/^([+-]?)()(\d+)\.?(\d*)(?:[eE]([+-]?\d+))?$/)!;
  const [, sign, hex, whole, dotted, power = "0"] = parts;
  const base = hex ? 16n : 10n;
  let numerator = BigInt(hex + whole + dotted);
  let denominator = base ** BigInt(dotted.length);
  const exponent = Number(power);
  const scale = (hex ? 2n : 10n) ** BigInt(Math.abs(exponent));
  if (exponent >= 0) numerator *= scale;
  else denominator *= scale;
  return { sign: sign === "-" ? -1 : 1, numerator, denominator };
}

/** Where rounding is hard: halves, the ends of the range, subnormals, long tails. */
const HARD = [
  ...[
    "0",
    "-0",
    "1",
    "1.",
    "1.5e3",
    "1e-3",
    "0x1p3",
    "0x1.8p-2",
    "0x.8p1".replace("0x.", "0x0."),
    "0xabc",
    "1_000.5_5e1_0",
  ],
  ...[
    "16777217",
    "16777219",
    "1.000000059604644775390625",
    "1.000000059604644775390624999",
    "1.00000017881393432617187500",
  ],
  ...["9007199254740993", "9007199254740992.9999", "0x1.00000100000000001p0", "0x1.000001p0", "0x1.000003p0"],
  ...["0x1.fffffefffffffffp127", "0x1.ffffffp127", "340282356779733661637539395458142568447", "3.4028235677973366e38"],
  ...[
    "340282356779733661637539395458142568448",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "0x1.fffffffffffff7p1023",
  ],
  ...["1e-45", "7e-46", "7.006492321624085354618e-46", "7.006492321624085354619e-46", "0x1p-150", "0x1.000001p-150"],
  ...[
    "1.1754943508222875e-38",
    "0x0.ffffffp-126",
    "0x0.fffffefp-126",
    "4.9e-324",
    "2.4703282292062327208e-324",
    "0x1p-1075",
  ],
  ...[
    "0x1.0000000000001p-1075",
    "2.2250738585072011e-308",
    "0x0.fffffffffffff8p-1022",
    "1e400",
    "1e-400",
    "0x1p99999",
    "0x1p-99999",
  ],
  ...[
    "8388609.5",
    "8388608.5",
    "16777215.5",
    "0x123456789abcdef0123456789abcdefp-60",
    "0x800000800000000000000000000001p0",
  ],
];

Deno.test("NumberReader.float() rounds exactly where rounding is hard", () => {
  for (const text of HARD) {
    for (const signed of [text, `-${text}`]) {
      if (signed.startsWith("--")) continue;
      for (const type of ["f32", "f64"] as const) {
        assertEquals(bitsOf(signed, type), nearest(signed, type), `${signed} as ${type}`);
      }
    }
  }
});

Deno.test("NumberReader.float() agrees with exact arithmetic on 4,000 random texts", () => {
  const random = new Random(0xf10a7);
  const digits = (alphabet: string, most: number) =>
    Array.from({ length: 1 + random.below(most) }, () => alphabet[random.below(alphabet.length)]).join("");
  for (let round = 0; round < 4_000; round++) {
    const isHex = random.oneIn(2);
    const alphabet = isHex ? "0123456789abcdefABCDEF" : "0123456789";
    const exponent = isHex ? `p${random.below(400) - 250}` : `e${random.below(90) - 50}`;
    const tail = random.oneIn(3) ? `.${digits(alphabet, 30)}` : "";
    const text = `${isHex ? "0x" : ""}${digits(alphabet, 24)}${tail}${random.oneIn(4) ? "" : exponent}`;
    for (const type of ["f32", "f64"] as const) {
      assertEquals(bitsOf(text, type), nearest(text, type), `${text} as ${type}`);
    }
  }
});

Deno.test("NumberReader.float() rounds decimals halfway between two f32 by all their digits", () => {
  const random = new Random(0xba1f);
  for (let round = 0; round < 500; round++) {
    view.setUint32(0, random.below(0x7f000000));
    const low = BigInt(view.getUint32(0));
    const [a, b] = [low, low + 1n].map((bits) => {
      view.setUint32(0, Number(bits));
      return view.getFloat32(0);
    });
    const half = exactDecimal((a + b) / 2);
    assertEquals(bitsOf(half, "f32"), (low & 1n) === 0n ? low : low + 1n, half);
    assertEquals(bitsOf(half.includes(".") ? `${half}0001` : `${half}.0001`, "f32"), low + 1n, half);
  }
});

/** All digits of a double. */
function exactDecimal(double: number): string {
  view.setFloat64(0, double);
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const mantissa = bits & (1n << 52n) - 1n | (exponent === 0 ? 0n : 1n << 52n);
  const shift = Math.max(exponent, 1) - 1075;
  if (shift >= 0) return String(mantissa << BigInt(shift));
  const scaled = String(mantissa * 5n ** BigInt(-shift)).padStart(-shift + 1, "0");
  return `${scaled.slice(0, shift)}.${scaled.slice(shift)}`;
}

Deno.test("formatF64() and formatF32() print what reads back to the same bits", () => {
  const random = new Random(0x9a9e5);
  const corner = [0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffffffff, 1, 0x7f7fffff, 0x3f800000];
  for (let round = 0; round < 4_000; round++) {
    const lo = corner[round] ?? random.next();
    const hi = round < corner.length ? corner[round] : random.next();
    assertEquals(bitsOf(formatF32(lo | 0), "f32"), BigInt(lo >>> 0), formatF32(lo | 0));
    assertEquals(bitsOf(formatF64(lo | 0, hi | 0), "f64"), BigInt(hi >>> 0) << 32n | BigInt(lo >>> 0));
  }
  assertEquals(formatF32(0x3dcccccd), "0.1");
  assertEquals(formatF64(0, 0x7ff00001), "nan:0x100000000");
  assertEquals(formatF32(0x7fc00000), "nan");
});

Deno.test("NumberReader.float() reads infinities and NaNs with their payload", () => {
  const cases: [string, bigint | undefined, bigint | undefined][] = [
    ["inf", 0x7f800000n, 0x7ff0000000000000n],
    ["-inf", 0xff800000n, 0xfff0000000000000n],
    ["nan", 0x7fc00000n, 0x7ff8000000000000n],
    ["-nan", 0xffc00000n, 0xfff8000000000000n],
    ["+nan:0x1", 0x7f800001n, 0x7ff0000000000001n],
    ["nan:0x7f_ffff", 0x7fffffffn, 0x7ff00000007fffffn],
    ["nan:0x80_0000", undefined, 0x7ff0000000800000n],
    ["nan:0xf_ffff_ffff_ffff", undefined, 0x7fffffffffffffffn],
    ["nan:0x10_0000_0000_0000", undefined, undefined],
    ["nan:0x0", undefined, undefined],
  ];
  for (const [text, single, double] of cases) {
    assertEquals([bitsOf(text, "f32"), bitsOf(text, "f64")], [single, double], text);
  }
});

Deno.test("NumberReader.integer() takes what fits the width, signed or unsigned, and nothing else", () => {
  for (const widthBits of [8, 16, 32, 64] as const) {
    const width = BigInt(widthBits);
    const edges = [
      0n,
      1n,
      (1n << width - 1n) - 1n,
      1n << width - 1n,
      (1n << width - 1n) + 1n,
      (1n << width) - 1n,
      1n << width,
    ];
    for (const edge of [...edges, 123456789012345678901234567890n, 1n << 63n, (1n << 63n) + 1n, 1n << 64n]) {
      for (
        const text of [
          `${edge}`,
          `+${edge}`,
          `-${edge}`,
          `0x${edge.toString(16)}`,
          `-0x${edge.toString(16).toUpperCase()}`,
        ]
      ) {
        const value = text.includes("-") ? -edge : edge;
        const fits = value >= -(1n << width - 1n) && value < 1n << width;
        const bytes = encoder.encode(text);
        assertEquals(reader.integer(bytes, 0, bytes.length, widthBits), fits, `${text} in ${widthBits} bits`);
        if (!fits) continue;
        const bits = BigInt(reader.hi >>> 0) << 32n | BigInt(reader.lo >>> 0);
        assertEquals(BigInt.asUintN(widthBits, bits), BigInt.asUintN(widthBits, value), text);
      }
    }
  }
});

Deno.test("classifyNumber() knows what is a number and of which kind", () => {
  const cases: Record<string, number> = {};
  for (const text of ["0", "12", "1_2", "0xfF", "0x1_2", "007"]) cases[text] = NUMBER.natural;
  for (const text of ["+0", "-12", "+0x1f"]) cases[text] = NUMBER.signed;
  for (
    const text of [
      "1.",
      "1.5",
      "-1e5",
      "1E+5",
      "1.e-5",
      "0x1p1",
      "0x1.P-1",
      "0x1.8",
      "inf",
      "-inf",
      "nan",
      "+nan:0x1",
      "1_0.0_1e0_1",
    ]
  ) {
    cases[text] = NUMBER.float;
  }
  for (
    const text of [
      ..."_1 1_ 1__2 0x 0x_1 0x1_ 1._5 1.5_ 1e 1e_5 e5 .5 +.5 + - -- 1-2 0x1g 1a 0b1 infinity -nan:0x nan:1 nan:0x_1 0x1e+"
        .split(" "),
      ..."0x1p 0x1p0x1 0x1.p+ +inf_ Inf NaN 0X1 1.5.5 1p3".split(" "),
    ]
  ) cases[text] = NUMBER.none;
  for (const [text, kind] of Object.entries(cases)) {
    const bytes = encoder.encode(text);
    assertEquals(classifyNumber(bytes, 0, bytes.length), kind, text);
  }
});
