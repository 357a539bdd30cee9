/**
 * Every numeric instruction over edge values, in every form that instruction selection tells apart.
 *
 * Two nets: single cases, whose failure names the instruction and its operands, and one case per instruction and form that runs all
 * pairs of edge values in a loop and hashes the results, which covers about 1,700 pairs at the cost of one.
 */

import { OPCODES, type OpName } from "../../../lib/wasm/mod.ts";
import { Random } from "../../fuzz/generators/random.ts";
import {
  access,
  block,
  brIf,
  type Bytes,
  constant,
  get,
  i32,
  i64,
  ifElse,
  instr,
  ModuleBuilder,
  type NumberType,
  set,
  tee,
} from "../module_builder.ts";
import { nanKind, type NanRule, Script, value } from "../script.ts";
import { CONSTANTS, EDGES } from "../values.ts";

const LETTERS: Readonly<Record<string, NumberType>> = { i: "i32", l: "i64", f: "f32", d: "f64" };
const FEATURES = ["mvp", "sign-extension", "saturating-conversions"];

/** A numeric instruction. */
interface NumericOp {
  readonly name: OpName;
  readonly operands: readonly NumberType[];
  readonly result: NumberType;
}

/** All of them, from the opcode table. */
export const NUMERIC_OPS: readonly NumericOp[] = OPCODES.flatMap(([name, , immediates, types, feature]) => {
  const match = types.match(/^([ilfd]+):([ilfd])$/);
  if (!match || immediates !== "" || !FEATURES.includes(feature)) return [];
  return [{ name, operands: [...match[1]].map((letter) => LETTERS[letter]), result: LETTERS[match[2]] }];
});

/** Instructions that work on bits: their NaNs are judged by bits. */
function nanRule(op: string): NanRule {
  return /\.(abs|neg|copysign|reinterpret)/.test(op) ? "bits" : "arithmetic";
}

/** Traps that V8's message leaves open. */
function conversionTrap(op: string, bits: bigint): string | undefined {
  const match = op.match(/\.trunc_(f32|f64)_/);
  if (!match) return undefined;
  const infinity = match[1] === "f32" ? 0x7f800000n : 0x7ff0000000000000n;
  const magnitude = match[1] === "f32" ? bits & 0x7fffffffn : bits & 0x7fffffffffffffffn;
  return magnitude > infinity ? "invalid conversion to integer" : "integer overflow";
}

const SIZE: Record<NumberType, number> = { i32: 4, i64: 8, f32: 4, f64: 8 };

/** The result on the stack as an i64 to hash; a NaN becomes one value, since its bits are open. */
function hashable(result: NumberType, scratch: Record<NumberType, number>): Bytes {
  switch (result) {
    case "i32":
      return instr("i64.extend_i32_u");
    case "i64":
      return [];
    case "f32": {
      const at = scratch.f32;
      return [set(at), i64(0x7ff1n), get(at), instr("i32.reinterpret_f32"), instr("i64.extend_i32_u"), get(at), get(at)]
        .concat([instr("f32.ne"), instr("select")]);
    }
    case "f64": {
      const at = scratch.f64;
      return [set(at), i64(0x7ff2n), get(at), instr("i64.reinterpret_f64"), get(at), get(at), instr("f64.ne")]
        .concat([instr("select")]);
    }
  }
}

/** Whether an instruction traps on some operands of the edge values, so that a loop over all of them cannot run. */
const canTrap = (op: string) => /\.trunc_f/.test(op);

/** `body` skipped where a division would trap. */
function guardDivision(op: string, type: NumberType, left: Bytes, right: Bytes, body: Bytes): Bytes {
  if (!/\.(div|rem)_[su]/.test(op)) return body;
  const zero = [right, instr(`${type}.eqz` as OpName)];
  const overflow = op.endsWith("div_s")
    ? [
      left,
      constant(type, type === "i32" ? 0x80000000n : 1n << 63n),
      instr(`${type}.eq` as OpName),
      right,
      constant(type, -1n),
      instr(`${type}.eq` as OpName),
      instr("i32.and"),
      instr("i32.or"),
    ]
    : [];
  return [zero, overflow, instr("i32.eqz"), ifElse("", body)];
}

/**
 * The functions that hash an instruction's results over all edge values.
 *
 * Locals: 0 and 1 the loop offsets, 2 the hash, then operands and scratch by type.
 */
function addHashes(builder: ModuleBuilder, op: NumericOp, tables: Record<NumberType, number>): string[] {
  if (canTrap(op.name)) return [];
  const names: string[] = [];
  const [leftType, rightType = leftType] = op.operands;
  const [LEFT, RIGHT, SCRATCH_F32, SCRATCH_F64] = [3, 4, 5, 6];
  const scratch = { i32: -1, i64: -1, f32: SCRATCH_F32, f64: SCRATCH_F64 };
  const locals = ["i32", "i32", "i64", leftType, rightType, "f32", "f64"] as const;
  const mix = [hashable(op.result, scratch), get(2), i64(7), instr("i64.rotl"), instr("i64.xor")].concat([
    i64(0x9e3779b97f4a7c15n),
    instr("i64.mul"),
    set(2),
  ]);
  const load = (
    type: NumberType,
    offset: number,
  ): Bytes => [get(offset), access(`${type}.load` as OpName, tables[type])];
  const loop = (index: number, type: NumberType, body: Bytes): Bytes => [
    i32(0),
    set(index),
    block(
      "loop",
      "",
      body,
      [get(index), i32(SIZE[type]), instr("i32.add"), tee(index)],
      [i32(SIZE[type] * EDGES[type].length), instr("i32.lt_u"), brIf(0)],
    ),
  ];
  const define = (form: string, body: Bytes) => {
    names.push(`${op.name}.hash.${form}`);
    builder.func(names.at(-1), "-> i64", locals, body, get(2));
  };
  if (op.operands.length === 1) {
    define("all", loop(0, leftType, [load(leftType, 0), set(LEFT), get(LEFT), instr(op.name), mix]));
    define("loaded", loop(0, leftType, [load(leftType, 0), instr(op.name), mix]));
    return names;
  }
  const pairs = (body: Bytes) =>
    loop(0, leftType, [load(leftType, 0), set(LEFT), loop(1, rightType, [load(rightType, 1), set(RIGHT), body])]);
  const guarded = (left: Bytes, right: Bytes, body: Bytes) => guardDivision(op.name, leftType, left, right, body);
  const apply = (left: Bytes, right: Bytes) => guarded(left, right, [left, right, instr(op.name), mix]);
  define("all", pairs(apply(get(LEFT), get(RIGHT))));
  define("same", loop(0, leftType, [load(leftType, 0), set(LEFT), apply(get(LEFT), get(LEFT))]));
  // The right, then the left operand straight from memory: what a load folded into the instruction has to keep.
  define("loaded", pairs(guarded(get(LEFT), get(RIGHT), [get(LEFT), load(rightType, 1), instr(op.name), mix])));
  define("loadedLeft", pairs(guarded(get(LEFT), get(RIGHT), [load(leftType, 0), get(RIGHT), instr(op.name), mix])));
  define(
    "constants",
    loop(0, leftType, [
      load(leftType, 0),
      set(LEFT),
      CONSTANTS[rightType].map((bits) => [
        apply(get(LEFT), constant(rightType, bits)),
        apply(constant(leftType, bits), get(LEFT)),
      ]),
    ]),
  );
  if (op.result === "i32" && /\.(eq|ne|lt|gt|le|ge)(_[su])?$/.test(op.name)) {
    const compare = [get(LEFT), get(RIGHT), instr(op.name)];
    const taken = (bits: number): Bytes => [i32(bits), mix];
    define(
      "branches",
      pairs([
        [compare, ifElse("", taken(1), taken(2))],
        [compare, instr("i32.eqz"), ifElse("", taken(3))],
        [block("block", "", compare, brIf(0), taken(4))],
        [i32(5), i32(6), compare, instr("select"), mix],
        [i64(7), i64(8), compare, instr("select"), instr("i32.wrap_i64"), mix],
      ]),
    );
  }
  return names;
}

/** Fills a memory with the edge values of every type; returns where each table starts. */
function edgeTables(builder: ModuleBuilder): Record<NumberType, number> {
  builder.memory(1);
  const tables = { i32: 0, i64: 0, f32: 0, f64: 0 };
  let offset = 16;
  for (const type of ["i32", "i64", "f32", "f64"] as const) {
    tables[type] = offset;
    const bytes = EDGES[type].flatMap((bits) =>
      Array.from({ length: SIZE[type] }, (_, index) => Number(BigInt.asUintN(8, bits >> BigInt(8 * index))))
    );
    builder.data(bytes, i32(offset));
    offset += bytes.length;
  }
  return tables;
}

/** Operand tuples of single cases: the plainest, then seeded picks of the edges. */
function operandCases(random: Random, types: readonly NumberType[], count: number): bigint[][] {
  const seen = new Set<string>();
  const cases: bigint[][] = [];
  while (cases.length < count) {
    const operands = types.map((type) => random.pick(EDGES[type]));
    const key = operands.join();
    if (seen.has(key)) continue;
    seen.add(key);
    cases.push(operands);
  }
  return cases;
}

function numericScript(name: string, ops: readonly NumericOp[], seed: number): Script {
  const script = new Script(name);
  const random = new Random(seed);
  const builder = new ModuleBuilder();
  const tables = edgeTables(builder);
  const checks: (() => void)[] = [];
  const hashes: string[] = [];
  for (const op of ops) {
    const { name: opName, operands, result } = op;
    const nans = nanRule(opName);
    const plan = (field: string, types: readonly NumberType[], args: readonly bigint[], trapOperand: bigint) =>
      checks.push(() =>
        script.check(
          field,
          args.map((bits, index) => value(types[index], bits)),
          nans,
          conversionTrap(opName, trapOperand),
        )
      );
    builder.func(
      opName,
      { params: operands, results: [result] },
      [],
      operands.map((_, index) => get(index)),
      instr(opName),
    );
    if (operands.length === 1) {
      for (const [bits] of operandCases(random, operands, Math.min(11, EDGES[operands[0]].length))) {
        plan(opName, operands, [bits], bits);
      }
      const [bits] = operandCases(random, operands, 1)[0];
      builder.func(`${opName}.c`, { params: [], results: [result] }, [], constant(operands[0], bits), instr(opName));
      // Folding a constant NaN sees no argument: its payload is judged by the operand.
      if (nanKind(value(operands[0], bits)) !== "other") plan(`${opName}.c`, [], [], bits);
    } else {
      for (const args of operandCases(random, operands, 9)) plan(opName, operands, args, args[0]);
      const constants = operandCases(random, operands, 5);
      constants.forEach(([left, right], index) => {
        const other = operandCases(random, operands, 1)[0];
        builder.func(
          `${opName}.vc${index}`,
          { params: [operands[0]], results: [result] },
          [],
          get(0),
          constant(operands[1], right),
          instr(opName),
        );
        builder.func(
          `${opName}.cv${index}`,
          { params: [operands[1]], results: [result] },
          [],
          constant(operands[0], left),
          get(0),
          instr(opName),
        );
        if (nanKind(value(operands[1], right)) !== "other") plan(`${opName}.vc${index}`, [operands[0]], [other[0]], 0n);
        if (nanKind(value(operands[0], left)) !== "other") plan(`${opName}.cv${index}`, [operands[1]], [other[1]], 0n);
      });
      builder.func(`${opName}.same`, { params: [operands[0]], results: [result] }, [], get(0), get(0), instr(opName));
      for (const [bits] of operandCases(random, operands, 2)) plan(`${opName}.same`, [operands[0]], [bits], 0n);
    }
    hashes.push(...addHashes(builder, op, tables));
  }
  script.module(builder);
  for (const check of checks) check();
  for (const field of hashes) script.returns(field);
  return script;
}

/** The scripts of this family. */
export function numericScripts(): Script[] {
  const group = (pattern: RegExp) => NUMERIC_OPS.filter(({ name }) => pattern.test(name));
  const conversion = /\.(wrap|trunc_|extend_i32|convert|demote|promote|reinterpret)/;
  const plain = (type: NumberType) => group(new RegExp(`^${type}\\.`)).filter(({ name }) => !conversion.test(name));
  return [
    numericScript("i32", plain("i32"), 1),
    numericScript("i64", plain("i64"), 2),
    numericScript("f32", plain("f32"), 3),
    numericScript("f64", plain("f64"), 4),
    numericScript("conversions", group(conversion), 5),
  ];
}
