/** Wide arithmetic on random and extreme operands, constant ones included: the oracle is BigInt. */

import { assertEquals } from "@std/assert";
import { FEWEST_REGISTERS } from "../../lib/abi/mod.ts";
import { Engine, type EngineConfig, Instance, Module, Store } from "../../mod.ts";
import { type Bytes, code, instr, moduleBytes, name, u32, vector } from "../fuzz/generators/binary.ts";
import { Random } from "../fuzz/generators/random.ts";

const I64 = 0x7e;
const EXTREMES = [
  0n,
  1n,
  -1n,
  2n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 32n,
  2n ** 32n - 1n,
  -(2n ** 31n),
  0x80n,
  2n ** 62n,
];

const low = (value: bigint) => BigInt.asIntN(64, value);
const high = (value: bigint) => BigInt.asIntN(64, value >> 64n);
const unsigned = (value: bigint) => BigInt.asUintN(64, value);
const wide = (lo: bigint, hi: bigint) => hi << 64n | unsigned(lo);

const OPS = {
  "i64.add128": ([a, b, c, d]: bigint[]) => wide(a, b) + wide(c, d),
  "i64.sub128": ([a, b, c, d]: bigint[]) => wide(a, b) - wide(c, d),
  "i64.mul_wide_s": ([a, b]: bigint[]) => a * b,
  "i64.mul_wide_u": ([a, b]: bigint[]) => unsigned(a) * unsigned(b),
} as const;
type WideOp = keyof typeof OPS;

const arity = (op: WideOp) => op.endsWith("128") ? 4 : 2;

function s64(value: bigint): Bytes {
  const bytes: number[] = [];
  for (;;) {
    const group = Number(value & 0x7fn);
    value >>= 7n;
    if (value === 0n && (group & 0x40) === 0 || value === -1n && (group & 0x40) !== 0) return [...bytes, group];
    bytes.push(group | 0x80);
  }
}

/** A function of all operands; those that `constants` gives are constants in its body. */
function functionOf(op: WideOp, constants: readonly (bigint | undefined)[]): Bytes {
  return code(
    [],
    ...constants.map((value, index) =>
      value === undefined ? instr("local.get", index) : instr("i64.const", ...s64(value) as number[])
    ),
    instr(op),
  );
}

function operand(random: Random): bigint {
  if (random.oneIn(2)) return EXTREMES[random.below(EXTREMES.length)];
  return BigInt.asIntN(64, BigInt(random.below(2 ** 32)) << 32n | BigInt(random.below(2 ** 32)));
}

const CONFIGURATIONS: Record<string, EngineConfig> = {
  "effort speed": { effort: "speed" },
  "effort none": { effort: "none" },
  "the fewest registers": { stress: { registers: FEWEST_REGISTERS } },
};

for (const [configuration, config] of Object.entries(CONFIGURATIONS)) {
  Deno.test(`wide arithmetic agrees with BigInt: ${configuration}`, () => {
    const random = new Random(7);
    const cases: { op: WideOp; constants: (bigint | undefined)[] }[] = [];
    for (const op of Object.keys(OPS) as WideOp[]) {
      cases.push({ op, constants: new Array(arity(op)).fill(undefined) });
      for (let i = 0; i < 40; i++) {
        const constants = Array.from({ length: arity(op) }, () => random.oneIn(2) ? operand(random) : undefined);
        cases.push({ op, constants });
      }
    }
    const type = (count: number) => [0x60, vector(...new Array(count).fill([I64])), vector([I64], [I64])];
    const bytes = moduleBytes(
      [1, vector(type(4), type(2))],
      [3, vector(...cases.map(({ op }) => [arity(op) === 4 ? 0 : 1]))],
      [7, vector(...cases.map((_, index) => [name(`f${index}`), 0, u32(index)]))],
      [10, vector(...cases.map(({ op, constants }) => functionOf(op, constants)))],
    );
    using engine = new Engine({ ...config, checks: "on" });
    using store = new Store(engine);
    const { exports } = new Instance(store, new Module(engine, bytes), {});
    cases.forEach(({ op, constants }, index) => {
      const call = exports[`f${index}`] as (...args: bigint[]) => unknown;
      for (let round = 0; round < 40; round++) {
        const args = constants.map(() => operand(random));
        const used = constants.map((value, position) => value ?? args[position]);
        const expected = OPS[op](used);
        assertEquals(call(...args), [low(expected), high(expected)], `${op}(${used})`);
      }
    });
  });
}
