/**
 * Folding against plain evaluation: random expressions are built twice, once with constants (folded, reassociated, reduced in strength) and
 * once with every constant passed as a parameter, so that nothing about it is known. The reference interpreter must give the same bits, or
 * the same trap. FUZZ_COUNT sets how many.
 */

import { assert, assertEquals } from "@std/assert";
import { IntList, NONE } from "../../lib/base/mod.ts";
import {
  F32,
  F64,
  FLOAT_COND_NAMES,
  FuncBuilder,
  I32,
  I64,
  INT_COND_NAMES,
  Ir,
  type IrOp,
  optimize,
  OptimizeScratch,
  Signatures,
  type Type,
  type Value,
  verifyFunc,
} from "../../lib/ir/mod.ts";
import { Random } from "./generators/random.ts";
import { AddressSpace, fromFloat, IrTrap, runFunc, type Val } from "../unit/translate/ir_machine.ts";

const EXPRESSIONS = Number(Deno.env.get("FUZZ_COUNT") ?? 3000);
const TYPES: readonly Type[] = [I32, I64, F32, F64];
const TRAP = 3;

type Build = (b: FuncBuilder, make: (type: Type) => Value, random: Random, type: Type) => Value;

const binary = (op: IrOp): Build => (b, make, _, type) => b.binary(op, make(type), make(type));
const unary = (op: IrOp): Build => (b, make, _, type) => b.unary(op, make(type), type);
const division = (op: IrOp): Build => (b, make, _, type) => b.divide(op, make(type), make(type), TRAP);
const convert = (op: IrOp, from: readonly Type[]): Build => (b, make, random, type) =>
  b.unary(op, make(random.pick(from)), type);

const { iadd, isub, imul, udiv, urem, band, bor, bxor, ishl, ushr, sshr, rotl, rotr } = Ir;
const INT: readonly Build[] = [
  ...[iadd, iadd, isub, isub, imul, band, bor, bxor, ishl, ushr, sshr, rotl, rotr].map(binary),
  ...[Ir.clz, Ir.ctz, Ir.popcnt, Ir.sext8, Ir.sext16].map(unary),
  ...[udiv, urem, Ir.srem].map(division),
  // Signed division as translation emits it: the overflow is checked first.
  (b, make, _, type) => {
    const x = make(type);
    const y = make(type);
    const least = type === I32 ? b.iconst32(0x80000000) : b.iconst64(0, 0x80000000);
    const minusOne = type === I32 ? b.iconst32(-1) : b.iconst64(-1, -1);
    b.trapIf(b.binary(band, b.icmp(0, x, least), b.icmp(0, y, minusOne)), TRAP + 1);
    return b.divide(Ir.sdiv, x, y, TRAP);
  },
  convert(Ir.fcvt_to_sint, [F32, F64]),
  convert(Ir.fcvt_to_uint, [F32, F64]),
  convert(Ir.fcvt_to_sint_sat, [F32, F64]),
  convert(Ir.fcvt_to_uint_sat, [F32, F64]),
  (b, make, _, type) => b.select(make(I32), make(type), make(type)),
];
const FLOAT: readonly Build[] = [
  ...[Ir.fadd, Ir.fsub, Ir.fmul, Ir.fdiv, Ir.fmin, Ir.fmax, Ir.fcopysign].map(binary),
  ...[Ir.fneg, Ir.fabs, Ir.fsqrt, Ir.fceil, Ir.ffloor, Ir.ftrunc, Ir.fnearest].map(unary),
  convert(Ir.fcvt_from_sint, [I32, I64]),
  convert(Ir.fcvt_from_uint, [I32, I64]),
  (b, make, _, type) => b.select(make(I32), make(type), make(type)),
];
const BUILDS: Record<Type, readonly Build[]> = {
  [I32]: [
    ...INT,
    (b, make, random) => {
      const type = random.pick([I32, I32, I64]);
      return b.icmp(random.below(INT_COND_NAMES.length), make(type), make(type));
    },
    (b, make, random) => {
      const type = random.pick([F32, F64]);
      return b.fcmp(random.below(FLOAT_COND_NAMES.length), make(type), make(type));
    },
    convert(Ir.wrap, [I64]),
    convert(Ir.bitcast, [F32]),
  ],
  [I64]: [...INT, convert(Ir.uextend, [I32]), convert(Ir.sextend, [I32]), unary(Ir.sext32), convert(Ir.bitcast, [F64])],
  [F32]: [...FLOAT, convert(Ir.fdemote, [F64]), convert(Ir.bitcast, [I32])],
  [F64]: [...FLOAT, convert(Ir.fpromote, [F32]), convert(Ir.bitcast, [I64])],
};

const INTS = [
  0,
  1,
  2,
  3,
  5,
  7,
  8,
  10,
  24,
  31,
  32,
  63,
  64,
  255,
  256,
  1000,
  65535,
  65536,
  641,
  0x7fffffff,
  -0x80000000,
  -1,
  -2,
  -3,
  -7,
  -8,
];

// Bits of a constant: lo, hi.
function someBits(random: Random, type: Type): [number, number] {
  if (type === F32 || type === F64) {
    const number = random.below(3) === 0 ? (random.below(2 ** 32) - 2 ** 31) / 7 : random.pick([
      0,
      -0,
      1,
      -1,
      0.5,
      2,
      8,
      1.5,
      2.5,
      1e10,
      2 ** 31,
      -(2 ** 31),
      2 ** 63,
      1e300,
      Infinity,
      -Infinity,
    ]);
    const bits = fromFloat(type, number);
    return type === F32
      ? [bits as number, 0]
      : [Number(BigInt.asIntN(32, bits as bigint)), Number((bits as bigint) >> 32n)];
  }
  const lo = random.below(3) === 0 ? random.below(2 ** 32) | 0 : random.pick(INTS);
  if (type === I32) return [lo, 0];
  return [
    lo,
    random.below(3) === 0
      ? random.below(2 ** 32) | 0
      : random.below(2) === 0
      ? lo >> 31
      : random.pick([0, 1, -1, 0x7fffffff]),
  ];
}

const signatures = new Signatures();
const scratch = new OptimizeScratch();

/** Builds the expression of a seed. `known`: constants are constants; else they are parameters, whose values go to `args`. */
function build(seed: number, constants: "known" | "unknown", args: Val[]): FuncBuilder {
  const random = new Random(seed);
  const b = new FuncBuilder();
  const result = random.pick(TYPES);
  const params: Type[] = [];
  b.reset(signatures, signatures.add([], [result]), 0);
  const leaf = (type: Type): Value => {
    const [lo, hi] = someBits(random, type);
    const isConstant = random.below(3) !== 0;
    if (isConstant && constants === "known") {
      return type === I32 || type === I64 ? b.iconst(type, lo, hi) : type === F32 ? b.fconst32(lo) : b.fconst64(lo, hi);
    }
    args.push(type === I64 || type === F64 ? BigInt.asIntN(64, BigInt(hi) << 32n | BigInt(lo >>> 0)) : lo);
    params.push(type);
    return b.param(params.length - 1, type);
  };
  const shared: Record<Type, Value[]> = { [I32]: [], [I64]: [], [F32]: [], [F64]: [] };
  // Often the operation of the parent again, on a constant: most rules look at two operations of one kind.
  const tree = (type: Type, depth: number, parent: Build | null): Value => {
    if (shared[type].length > 0 && random.below(4) === 0) return random.pick(shared[type]);
    if (depth === 0 || random.below(3) === 0) return leaf(type);
    const again = parent !== null && BUILDS[type].includes(parent) && random.below(2) === 0;
    const build = again ? parent : random.pick(BUILDS[type]);
    const value = build(b, (operand) => tree(operand, depth - 1, build), random, type);
    shared[type].push(value);
    return value;
  };
  const value = tree(result, 6, null);
  const list = new IntList();
  list.push(value);
  b.return_(list);
  b.finish();
  b.func.signatures.params[b.func.signature] = Uint8Array.from(params);
  return b;
}

const environment = {
  space: new AddressSpace(),
  vmctx: 0,
  call: () => [],
  callImport: () => [],
  callIndirect: () => [],
  libcall: () => [],
};

function isNan(type: Type, value: Val): boolean {
  if (type === F32) return ((value as number) & 0x7fffffff) > 0x7f800000;
  return type === F64 && BigInt.asUintN(63, value as bigint) > 0x7ff0000000000000n;
}

Deno.test("folding preserves the value of random expressions", () => {
  let trapping = 0;
  for (let seed = 1; seed <= EXPRESSIONS; seed++) {
    const outcomes = (["known", "unknown"] as const).flatMap((constants) => {
      const args: Val[] = [];
      const { func } = build(seed, constants, args);
      const run = () => {
        verifyFunc(func, `seed ${seed}`);
        try {
          const value = runFunc(func, args, environment)[0];
          return isNan(func.signatures.results[func.signature][0], value) ? "NaN" : value;
        } catch (error) {
          if (error instanceof IrTrap) return `trap ${error.code}`;
          throw error;
        }
      };
      const built = run();
      optimize(func, scratch, "speed");
      return [built, run()];
    });
    if (typeof outcomes[0] === "string" && outcomes[0].startsWith("trap")) trapping++;
    assertEquals(outcomes, new Array(4).fill(outcomes[3]), `seed ${seed}`);
  }
  assert(trapping > EXPRESSIONS / 100 && trapping < EXPRESSIONS / 2, `${trapping} of ${EXPRESSIONS} expressions trap`);
});

Deno.test("folding preserves every integer operation on every other with constants", () => {
  const ops = [iadd, isub, imul, udiv, urem, band, bor, bxor, ishl, ushr, sshr, rotl, rotr];
  type Step = (b: FuncBuilder, x: Value, y: Value) => Value;
  const steps: Step[] = ops.map((op) => (b, x, y) => b.emit(op, b.func.type[x], x, y, NONE, TRAP, 0));
  for (let cond = 0; cond < INT_COND_NAMES.length; cond++) steps.push((b, x, y) => b.icmp(cond, x, y));
  const b = new FuncBuilder();
  const list = new IntList();
  const outcome = (args: Val[]) => {
    try {
      return runFunc(b.func, args, environment)[0];
    } catch (error) {
      if (error instanceof IrTrap) return "trap";
      throw error;
    }
  };
  // One function: outer(inner(x, c), d). `constant` makes c and d; a comparison's result is i32, so d is as well then.
  const make = (
    type: Type,
    inner: Step,
    outer: Step,
    constant: (b: FuncBuilder, type: Type, index: number) => Value,
  ) => {
    b.reset(signatures, signatures.add([type, type, type], [I32]), 0);
    const x = inner(b, b.param(0, type), constant(b, type, 1));
    const y = outer(b, x, constant(b, b.func.type[x], 2));
    list.reset();
    list.push(y);
    b.return_(list);
    b.finish();
  };
  for (const type of [I32, I64]) {
    const sign = type === I32 ? -0x80000000 : -(2n ** 63n);
    const shift = type === I32 ? 24 : 48;
    const toVal = (n: number | bigint): Val => type === I32 ? Number(n) : BigInt(n);
    const constants = [0, 1, 8, 5, shift, -1, sign].map(toVal);
    const inputs = [0, 1, 2, 12345, 0x7fffffff, -1, -0x80000000, -200].map(toVal);
    for (const inner of steps) {
      for (const outer of steps) {
        make(type, inner, outer, (b, type, index) => b.param(index, type));
        const operand = (b: FuncBuilder, type: Type, value: Val) =>
          type === I32
            ? b.iconst32(Number(BigInt.asIntN(32, BigInt(value))))
            : b.iconst64(Number(BigInt.asIntN(32, BigInt(value))), Number(BigInt.asIntN(64, BigInt(value)) >> 32n));
        const narrows = steps.indexOf(inner) >= ops.length;
        const expected: (Val | string)[] = [];
        for (const c of constants) {
          for (const d of constants) {
            const last = narrows ? Number(BigInt.asIntN(32, BigInt(d))) : d;
            for (const x of inputs) expected.push(outcome([x, c, last]));
          }
        }
        let at = 0;
        for (const c of constants) {
          for (const d of constants) {
            make(type, inner, outer, (b, type, index) => operand(b, type, index === 1 ? c : d));
            for (const x of inputs) {
              const where = () => `${type} ${steps.indexOf(inner)} ${steps.indexOf(outer)} ${x} ${c} ${d}`;
              const actual = outcome([x]);
              if (actual !== expected[at++]) throw new Error(`${where()}: ${actual} instead of ${expected[at - 1]}`);
            }
          }
        }
      }
    }
  }
});

Deno.test("division of i32 by any constant gives the quotient and remainder of the instruction", () => {
  const divisors = [
    ...Array(70).keys(),
    100,
    641,
    1000,
    1e6,
    1e9,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xfffffffe,
    0xffffffff,
    0xaaaaaaab,
  ];
  for (let k = 2; k < 32; k++) divisors.push(2 ** k - 1, 2 ** k + 1);
  const dividends = [0, 1, 2, -1, -2, 0x7fffffff, -0x80000000, 0x7ffffffe, -0x7fffffff, 12345, -12345];
  const b = new FuncBuilder();
  const signature = signatures.add([I32], [I32]);
  for (const divisor of divisors) {
    if (divisor === 0) continue;
    for (const op of [udiv, urem, Ir.sdiv, Ir.srem]) {
      b.reset(signatures, signature, 0);
      const list = new IntList();
      list.push(b.divide(op, b.param(0, I32), b.iconst32(divisor | 0), TRAP));
      b.return_(list);
      b.finish();
      for (
        const near of dividends.concat([divisor | 0, (divisor - 1) | 0, (divisor * 2 - 1) | 0, Math.imul(divisor, 7)])
      ) {
        const [u, d] = [near >>> 0, divisor >>> 0];
        const s = divisor | 0;
        if (op === Ir.sdiv && near === -0x80000000 && s === -1) continue;
        const expected = op === udiv
          ? Math.floor(u / d)
          : op === urem
          ? u % d
          : op === Ir.sdiv
          ? Math.trunc(near / s)
          : near % s;
        assertEquals(runFunc(b.func, [near], environment), [expected | 0], `${near} by ${divisor}, op ${op}`);
      }
    }
  }
});
