/**
 * Folding of vectors against plain evaluation, as fold_test.ts does for numbers: random expressions with constants known and unknown, as
 * built and as optimised, must give the same bits in the reference interpreter. `FUZZ_COUNT` sets how many.
 */

import { assertEquals } from "@std/assert";
import { IntList, NONE } from "../../lib/base/mod.ts";
import {
  FuncBuilder,
  I32,
  I64,
  INT_COND_NAMES,
  Ir,
  type IrOp,
  LANE_BYTES,
  LANE_TYPE,
  Lanes,
  optimize,
  OptimizeScratch,
  Signatures,
  type Type,
  V128,
  type Value,
  verifyFunc,
} from "../../lib/ir/mod.ts";
import { AddressSpace, runFunc, type Val } from "../unit/translate/ir_machine.ts";
import { Random } from "./generators/random.ts";

const EXPRESSIONS = Number(Deno.env.get("FUZZ_COUNT") ?? 4000);
const INTEGERS = [Lanes.i8x16, Lanes.i16x8, Lanes.i32x4, Lanes.i64x2];

type Build = (b: FuncBuilder, make: (type: Type) => Value, random: Random) => Value;

const binary = (op: IrOp, shapes: readonly number[]): Build => (b, make, random) =>
  b.vector(op, make(V128), make(V128), NONE, random.pick(shapes), 0);
const unary = (op: IrOp, shapes: readonly number[]): Build => (b, make, random) =>
  b.vector(op, make(V128), NONE, NONE, random.pick(shapes), 0);
const shift = (op: IrOp): Build => (b, make, random) =>
  b.vector(op, make(V128), make(I32), NONE, random.pick(INTEGERS), 0);
const NARROW = INTEGERS.slice(0, 2), UP_TO_32 = INTEGERS.slice(0, 3), WIDENED = INTEGERS.slice(1);

const VECTORS: readonly Build[] = [
  ...[Ir.vand, Ir.vand, Ir.vandn, Ir.vor, Ir.vxor, Ir.vxor, Ir.vswizzle].map((op) => binary(op, [0])),
  ...[Ir.viadd, Ir.visub].map((op) => binary(op, INTEGERS)),
  binary(Ir.vimul, WIDENED),
  ...[Ir.vadd_sat_s, Ir.vadd_sat_u, Ir.vsub_sat_s, Ir.vsub_sat_u, Ir.vavgr_u, Ir.vnarrow_s, Ir.vnarrow_u].map((op) =>
    binary(op, NARROW)
  ),
  ...[Ir.vmin_s, Ir.vmin_u, Ir.vmax_s, Ir.vmax_u].map((op) => binary(op, UP_TO_32)),
  ...[Ir.vineg, Ir.viabs].map((op) => unary(op, INTEGERS)),
  ...[Ir.vfneg, Ir.vfabs].map((op) => unary(op, [Lanes.f32x4, Lanes.f64x2])),
  ...[Ir.vishl, Ir.vushr, Ir.vsshr].map(shift),
  binary(Ir.vextmul_low_s, WIDENED),
  unary(Ir.vextend_low_s, WIDENED),
  (b, make, random) =>
    b.vector(Ir.vicmp, make(V128), make(V128), NONE, random.pick(INTEGERS), random.below(INT_COND_NAMES.length)),
  (b, make) => b.vector(Ir.vbitselect, make(V128), make(V128), make(V128), 0, 0),
  (b, make, random) => {
    const shape = random.pick(INTEGERS);
    return b.vector(Ir.vsplat, make(LANE_TYPE[shape]), NONE, NONE, shape, 0);
  },
  (b, make, random) => {
    const shape = random.pick(INTEGERS.slice(2));
    return b.vector(Ir.vzext, make(LANE_TYPE[shape]), NONE, NONE, shape, 0);
  },
  (b, make, random) => {
    const shape = random.pick(INTEGERS);
    const lane = random.below(Math.min(3, 16 / LANE_BYTES[shape]));
    return b.vector(Ir.vinsert, make(V128), make(LANE_TYPE[shape]), NONE, shape, lane);
  },
  (b, make, random) => {
    const x = make(V128);
    const y = random.oneIn(3) ? x : make(V128);
    const base = random.below(32), isRegular = random.oneIn(2);
    const lanes = Array.from({ length: 16 }, (_, i) => (isRegular ? base + i : random.below(32)) & 31);
    return b.shuffle(x, y, random.oneIn(4) ? lanes.map((_, i) => i + 16 * random.below(2)) : lanes);
  },
  (b, make) => b.select(make(I32), make(V128), make(V128)),
];
const SCALARS: readonly Build[] = [
  (b, make) => b.fromVector(Ir.vany_true, I32, make(V128), 0, 0),
  (b, make, random) => b.fromVector(Ir.vall_true, I32, make(V128), random.pick(INTEGERS), 0),
  (b, make, random) => b.fromVector(Ir.vbitmask, I32, make(V128), random.pick(INTEGERS), 0),
  (b, make, random) => {
    const shape = random.pick(UP_TO_32);
    return b.fromVector(Ir.vextract, I32, make(V128), shape, random.below(Math.min(3, 16 / LANE_BYTES[shape])));
  },
];
const WIDE_SCALARS: readonly Build[] = [
  (b, make, random) => b.fromVector(Ir.vextract, I64, make(V128), Lanes.i64x2, random.below(2)),
];

const WORDS = [0, -1, 1, 0x7fffffff, -0x80000000, 0x01010101, -0x7f7f7f80, 0x00ff00ff, 0x03020100];
const signatures = new Signatures();
const scratch = new OptimizeScratch();

/** Builds the expression of a seed. `known`: constants are constants; else they are parameters, whose values go to `args`. */
function build(seed: number, constants: "known" | "unknown", args: Val[]): FuncBuilder {
  const random = new Random(seed);
  const b = new FuncBuilder();
  const result = random.pick([V128, V128, V128, I32, I64]);
  const params: Type[] = [];
  b.reset(signatures, signatures.add([], [result]), 0);
  const word = () => random.oneIn(3) ? random.next() | 0 : random.pick(WORDS);
  const leaf = (type: Type): Value => {
    const words = [word(), word(), word(), word()];
    if (random.oneIn(2)) words.fill(words[0]);
    if (random.below(3) !== 0 && constants === "known") {
      if (type === V128) return b.vconst(words[0], words[1], words[2], words[3]);
      return b.iconst(type, words[0], words[1]);
    }
    const bits = words.reduce((sum, word, i) => sum | BigInt(word >>> 0) << BigInt(32 * i), 0n);
    args.push(type === V128 ? bits : type === I64 ? BigInt.asIntN(64, bits) : words[0]);
    params.push(type);
    return b.param(params.length - 1, type);
  };
  const shared: Value[] = [];
  const tree = (type: Type, depth: number): Value => {
    const same = shared.filter((value) => b.func.type[value] === type);
    if (same.length > 0 && random.oneIn(4)) return random.pick(same);
    if (depth === 0 || random.oneIn(3)) return leaf(type);
    const builds = type === V128 ? VECTORS : type === I64 ? WIDE_SCALARS : SCALARS;
    const value = random.pick(builds)(b, (operand) => tree(operand, depth - 1), random);
    shared.push(value);
    return value;
  };
  const list = new IntList();
  list.push(tree(result, 6));
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

Deno.test("folding preserves the value of random vector expressions", () => {
  for (let seed = 1; seed <= EXPRESSIONS; seed++) {
    const outcomes = (["known", "unknown"] as const).flatMap((constants) => {
      const args: Val[] = [];
      const { func } = build(seed, constants, args);
      const run = () => {
        verifyFunc(func, `seed ${seed}`);
        return runFunc(func, args, environment as never)[0];
      };
      const built = run();
      optimize(func, scratch, "speed");
      return [built, run()];
    });
    assertEquals(outcomes, new Array(4).fill(outcomes[3]), `seed ${seed}`);
  }
});
