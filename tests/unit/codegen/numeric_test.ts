/**
 * Every numeric operation of the opcode table on edge values, against V8: with both operands in registers, with either one a constant, with
 * either one loaded from memory, and with its result used as a condition. Floats go in and out as bits; NaNs compare as NaNs.
 */

import { assert } from "@std/assert";
import {
  COMPILED_FEATURES,
  decodeModule,
  type FeatureName,
  featureNames,
  OPCODES,
  validateModule,
} from "../../../lib/wasm/mod.ts";
import { wat } from "../../wat.ts";
import { BASELINE, CodeTrap, nativeFeatures, type Val } from "./machine.ts";
import { NativeInstance } from "./native_instance.ts";

type Letter = "i" | "l" | "f" | "d";
const WAT: Record<Letter, string> = { i: "i32", l: "i64", f: "f32", d: "f64" };
/** The integer type whose bits carry each type. */
const BITS: Record<Letter, Letter> = { i: "i", l: "l", f: "i", d: "l" };

// deno-fmt-ignore
const EDGES: Record<Letter, bigint[]> = {
  i: [0n, 1n, 2n, 3n, 5n, 7n, 9n, 10n, 31n, 32n, 33n, 127n, 128n, 255n, 256n, 65535n, 0x7fffffffn, 0x80000000n, 0xfffffffen, 0xffffffffn, 0x12345678n, 0xffffff80n, 1000000007n],
  l: [0n, 1n, 2n, 3n, 5n, 7n, 9n, 10n, 63n, 64n, 65n, 127n, 128n, 255n, 65535n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, 0x7fffffffffffffffn, 0x8000000000000000n, 0xffffffffffffffffn, 0xffffffff80000000n, 0xffffffffffffff80n, 0x123456789abcdef0n],
  f: [0n, 0x80000000n, 0x3f800000n, 0xbf800000n, 0x3f000000n, 0xbf000000n, 0x3fc00000n, 0x7f800000n, 0xff800000n, 0x7fc00000n, 0x7fa00000n, 0xffc00001n, 0x4f000000n, 0xcf000000n, 0x4effffffn, 0x4f800000n, 0x5f000000n, 0xdf000000n, 0x5effffffn, 0x5f800000n, 0x5f7fffffn, 0x1n, 0x00800000n, 0x7f7fffffn, 0xcf000001n, 0xbf7fffffn, 0x40490fdbn],
  d: [0n, 0x8000000000000000n, 0x3ff0000000000000n, 0xbff0000000000000n, 0x3fe0000000000000n, 0xbfe0000000000000n, 0x3ff8000000000000n, 0x7ff0000000000000n, 0xfff0000000000000n, 0x7ff8000000000000n, 0x7ff4000000000000n, 0xfff8000000000001n, 0x41e0000000000000n, 0xc1e0000000000000n, 0xc1e0000000200000n, 0xc1e00000001fffffn, 0x41dfffffffc00000n, 0x41dfffffffffffffn, 0x41f0000000000000n, 0x41efffffffffffffn, 0x43e0000000000000n, 0xc3e0000000000000n, 0x43dfffffffffffffn, 0x43f0000000000000n, 0x43efffffffffffffn, 0x1n, 0xbfefffffffffffffn, 0x400921fb54442d18n, 0x47efffffe0000000n, 0x36a0000000000000n],
};

interface Operation {
  readonly name: string;
  readonly operands: Letter[];
  readonly result: Letter;
}

const known: readonly FeatureName[] = featureNames(COMPILED_FEATURES);
const OPERATIONS: Operation[] = OPCODES
  .filter(([, , immediates, signature, feature]) =>
    known.includes(feature) && immediates === "" && /^[ilfd]{1,2}:[ilfd]$/.test(signature)
  )
  .map(([name, , , signature]) => ({
    name,
    operands: [...signature.split(":")[0]] as Letter[],
    result: signature.split(":")[1] as Letter,
  }));

function fromBits(letter: Letter, code: string): string {
  if (letter === "f") return `(f32.reinterpret_i32 ${code})`;
  return letter === "d" ? `(f64.reinterpret_i64 ${code})` : code;
}
function toBits(letter: Letter, code: string): string {
  if (letter === "f") return `(i32.reinterpret_f32 ${code})`;
  return letter === "d" ? `(i64.reinterpret_f64 ${code})` : code;
}
function constant(letter: Letter, bits: bigint): string {
  return fromBits(letter, `(${WAT[BITS[letter]]}.const ${bits})`);
}
// Real float constants, where the text form can say them exactly.
function floatConstant(letter: Letter, bits: bigint): string {
  if (letter === "i" || letter === "l") return constant(letter, bits);
  const value = letter === "f"
    ? new Float32Array(new Uint32Array([Number(bits)]).buffer)[0]
    : new Float64Array(new BigUint64Array([bits]).buffer)[0];
  if (Number.isNaN(value)) return constant(letter, bits);
  const text = Object.is(value, -0) ? "-0" : value === Infinity ? "inf" : value === -Infinity ? "-inf" : String(value);
  return `(${WAT[letter]}.const ${text})`;
}

interface Case {
  readonly operation: Operation;
  /** Parameters that are not constant, by operand. */
  readonly fixed: readonly (bigint | undefined)[];
  readonly result: Letter;
}

/** One module with a function for each way of asking for each operation. */
function build(operations: readonly Operation[]): { text: string; cases: Case[] } {
  const functions: string[] = [];
  const cases: Case[] = [];
  const add = (
    operation: Operation,
    operands: string[],
    fixed: (bigint | undefined)[],
    wrap: "bits" | "condition" | "select",
  ) => {
    const { name, result } = operation;
    const params = operation.operands.map((letter) => `(param ${WAT[BITS[letter]]})`).join(" ");
    const code = `(${name} ${operands.join(" ")})`;
    const body = wrap === "bits"
      ? toBits(result, code)
      : wrap === "condition"
      ? `(if (result i32) ${code} (then (i32.const 11)) (else (i32.const 22)))`
      : `(select (i64.const 5) (i64.const -6) ${code})`;
    const out: Letter = wrap === "bits" ? result : wrap === "condition" ? "i" : "l";
    functions.push(`(func (export "f${functions.length}") ${params} (result ${WAT[BITS[out]]}) ${body})`);
    cases.push({ operation, fixed, result: out });
  };
  const param = (letter: Letter, index: number) => fromBits(letter, `(local.get ${index})`);
  const stored = (letter: Letter, index: number) =>
    `(block (result ${WAT[letter]}) (${WAT[BITS[letter]]}.store offset=${
      16 * index
    } (i32.const 64) (local.get ${index})) (${WAT[letter]}.load offset=${16 * index} (i32.const 64)))`;
  for (const operation of operations) {
    const { operands, result } = operation;
    const plain = operands.map(param);
    const none = operands.map(() => undefined);
    add(operation, plain, none, "bits");
    if (result === "i") {
      add(operation, plain, none, "condition");
      add(operation, plain, none, "select");
    }
    add(operation, operands.map(stored), none, "bits");
    if (operands.length !== 2) continue;
    add(operation, [plain[0], stored(operands[1], 1)], none, "bits");
    add(operation, [stored(operands[0], 0), plain[1]], none, "bits");
    if (result === "i") add(operation, [plain[0], stored(operands[1], 1)], none, "condition");
    if (result === "i") add(operation, [stored(operands[0], 0), plain[1]], none, "condition");
    add(operation, [plain[0], plain[0]].map((code, i) => operands[0] === operands[i] ? code : plain[i]), none, "bits");
    for (const bits of EDGES[operands[1]]) {
      add(operation, [plain[0], floatConstant(operands[1], bits)], [undefined, bits], "bits");
      if (result === "i") add(operation, [plain[0], floatConstant(operands[1], bits)], [undefined, bits], "condition");
    }
    for (const bits of EDGES[operands[0]]) {
      add(operation, [floatConstant(operands[0], bits), plain[1]], [bits, undefined], "bits");
    }
  }
  return { text: `(module (memory 1 1) ${functions.join("\n")})`, cases };
}

function isNan(letter: Letter, value: bigint): boolean {
  if (letter === "f") return (value & 0x7fffffffn) > 0x7f800000n;
  return letter === "d" && (value & 0x7fffffffffffffffn) > 0x7ff0000000000000n;
}

function sweep(operations: readonly Operation[], features: number): number {
  const { text, cases } = build(operations);
  const bytes = wat(text);
  const module = decodeModule(bytes, COMPILED_FEATURES);
  validateModule(module);
  const theirs = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  const ours = new NativeInstance(module, { bounds: "guard" }, features);
  let compared = 0;
  cases.forEach(({ operation, fixed, result }, index) => {
    const { operands } = operation;
    const first = fixed[0] === undefined ? EDGES[operands[0]] : [0n];
    const second = operands.length === 1 ? [0n] : fixed[1] === undefined ? EDGES[operands[1]] : [0n];
    for (const x of first) {
      for (const y of second) {
        const bits = operands.length === 1 ? [x] : [x, y];
        const args = bits.map((value, i): Val =>
          BITS[operands[i]] === "i" ? Number(BigInt.asIntN(32, value)) : BigInt.asIntN(64, value)
        );
        let mine: bigint | "trap", other: bigint | "trap";
        try {
          mine = BigInt(ours.call(index, args)[0]);
        } catch (error) {
          if (!(error instanceof CodeTrap)) throw error;
          mine = "trap";
        }
        try {
          other = BigInt(theirs[`f${index}`](...args) as number | bigint);
        } catch (error) {
          if (!(error instanceof WebAssembly.RuntimeError)) throw error;
          other = "trap";
        }
        compared++;
        if (mine === other) continue;
        const bothNan = mine !== "trap" && other !== "trap" && isNan(result, mine) && isNan(result, other);
        assert(
          bothNan,
          `${operation.name}(${
            bits.map((v) => v.toString(16))
          }) with constants ${fixed}: ${mine}, V8 ${other} (function ${index})`,
        );
      }
    }
  });
  ours.dispose();
  return compared;
}

for (const type of ["i32", "i64", "f32", "f64"]) {
  for (const [kind, features] of [["baseline", BASELINE], ["native", nativeFeatures()]] as const) {
    Deno.test(`${type} operations on edge values do what V8 does, ${kind} features`, () => {
      const operations = OPERATIONS.filter(({ name }) => name.startsWith(type));
      assert(sweep(operations, features) > 1000);
    });
  }
}
