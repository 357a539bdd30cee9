/**
 * Every numeric operation on edge values, in every form that instruction selection may treat differently, against V8.
 *
 * An operation gets a module of functions. A form is a function (or one per constant) that loops over a table of operands in memory and
 * writes the results behind it; the loop's position is a global, so that after a trap the next case goes on. NaNs that arithmetic makes are
 * compared as "some NaN, quiet"; operations that only move bits are compared bit by bit.
 */

import { assert } from "@std/assert";
import { type NumericRow, PURE_ROWS } from "./generators/numeric_rows.ts";
import { EDGES } from "./generators/values.ts";
import { constant, type FuncTree, memarg, type Node, node, type NumberType, unsigned } from "./generators/wasm_tree.ts";
import {
  compareCases,
  type Form,
  get,
  i32,
  loopOver,
  operand,
  position,
  resultAddress,
  RESULTS_AT,
  SLOT_BYTES,
  STORE,
} from "./oracles/cases.ts";
import type { Configuration } from "./oracles/engines.ts";

Error.stackTraceLimit = 4;

function forms(row: NumericRow): Form[] {
  const { name, operands } = row;
  const result = row.result!;
  const apply = (...args: Node[]): Node => node(name, [result], args);
  const setLocals = operands.map((type, index) => node("local.set", [], [operand(type, index)], unsigned(index)));
  const locals: readonly NumberType[] = operands;
  const variables = () => operands.map((type, index) => get(type, index));
  const all: Form[] = [];
  const add = (form: string, value: Node, more: Partial<Form> = {}) =>
    all.push({ name: form, resultType: result, locals, before: setLocals, value, ...more });

  add("loaded", apply(...operands.map(operand)), { locals: [], before: [] });
  add("variables", apply(...variables()));
  const isBinary = operands.length === 2;
  if (isBinary) {
    add("variable, loaded", apply(get(operands[0], 0), operand(operands[1], 1)));
    add("loaded, variable", apply(operand(operands[0], 0), get(operands[1], 1)));
    if (operands[0] === operands[1]) {
      add("same", apply(get(operands[0], 0), get(operands[0], 0)));
      add("swapped", apply(get(operands[1], 1), get(operands[0], 0)));
    }
    for (const bits of constantsFor(row)) {
      add(`variable, 0x${bits.toString(16)}`, apply(get(operands[0], 0), constant(operands[1], bits)));
    }
    for (const bits of EDGES[operands[0]]) {
      add(`0x${bits.toString(16)}, variable`, apply(constant(operands[0], bits), get(operands[1], 1)));
    }
  } else {
    add("twice", node("select", [result], [apply(...variables()), apply(...variables()), i32(1)]));
  }

  // The operands are used again afterwards, so the operation may not overwrite them.
  const kept = operands.map((type, index) =>
    node(STORE[type], [], [resultAddress(), get(type, index)], memarg(RESULTS_AT * 2 + index * RESULTS_AT))
  );
  add("operands live after", apply(...variables()), { after: kept });

  // Sixteen values of each class lie across the operation: its operands are spilled.
  const first = operands.length;
  const crowd: NumberType[] = [...Array(16).fill("i64"), ...Array(18).fill("f64")];
  const fill = crowd.map((type, index) =>
    node("local.set", [], [
      type === "i64"
        ? node("i64.add", ["i64"], [
          node("i64.extend_i32_u", ["i64"], [position()]),
          constant("i64", BigInt(index + 1)),
        ])
        : node("f64.add", ["f64"], [
          node("f64.convert_i32_u", ["f64"], [position()]),
          node("f64.convert_i32_s", ["f64"], [i32(index)]),
        ]),
    ], unsigned(first + index))
  );
  const sum = crowd.reduce<Node>((total, type, index) => {
    const value = get(type, first + index);
    const wide = type === "i64" ? value : node("i64.reinterpret_f64", ["i64"], [value]);
    return node("i64.xor", ["i64"], [total, wide]);
  }, constant("i64", 0n));
  add("crowded", apply(...variables()), {
    locals: [...operands, ...crowd],
    before: [...setLocals, ...fill],
    after: [node("i64.store", [], [resultAddress(), sum], memarg(2 * RESULTS_AT))],
  });

  if (result === "i32") {
    const value = () => apply(...variables());
    add("extended u", node("i64.extend_i32_u", ["i64"], [value()]), { resultType: "i64" });
    add("extended s", node("i64.extend_i32_s", ["i64"], [value()]), { resultType: "i64" });
    add("eqz", node("i32.eqz", ["i32"], [value()]));
    add("eqz eqz", node("i32.eqz", ["i32"], [node("i32.eqz", ["i32"], [value()])]));
    add("select", node("select", ["i64"], [constant("i64", 11n), constant("i64", -12n), value()]), {
      resultType: "i64",
    });
    add("select f64", node("select", ["f64"], [constant("f64", 1n), constant("f64", 2n), value()]), {
      resultType: "f64",
    });
    const branch = (condition: Node): Node => ({
      ...node("if", ["i32"], [condition]),
      block: { label: { types: ["i32"] }, params: [], body: [i32(5)], otherwise: [i32(6)] },
    });
    add("if", branch(value()));
    add("if eqz", branch(node("i32.eqz", ["i32"], [value()])));
    add("masked address", node("i32.load8_u", ["i32"], [node("i32.and", ["i32"], [value(), i32(0x3ff)])], memarg(1)));
    for (const bits of EDGES.i32.slice(0, 6)) {
      if (!isBinary) continue;
      add(`if const ${bits}`, branch(apply(get(operands[0], 0), constant(operands[1], edge(operands[1], bits)))));
    }
  }
  if (result === "i64") {
    const value = () => apply(...variables());
    add("wrapped", node("i32.wrap_i64", ["i32"], [value()]), { resultType: "i32" });
    add("eqz", node("i64.eqz", ["i32"], [value()]), { resultType: "i32" });
    add("narrow extended", node("i64.extend_i32_u", ["i64"], [node("i32.wrap_i64", ["i32"], [value()])]));
  }
  if (result === "f32" || result === "f64") {
    const compared = node(result === "f32" ? "f32.lt" : "f64.lt", ["i32"], [
      apply(...variables()),
      constant(result, 0n),
    ]);
    add("compared", compared, { resultType: "i32" });
  }
  return all;
}

/** An edge value of a type for a small number: for floats, the number's conversion is not needed, any edge will do. */
function edge(type: NumberType, bits: bigint): bigint {
  return type === "i32" || type === "i64" ? bits : EDGES[type][Number(bits) % EDGES[type].length];
}

/** One function a pair of constants; stores its result. Traps are folded away by nobody, so each gets its own function. */
function folded(row: NumericRow, operands: readonly bigint[], index: number): FuncTree {
  const value = node(row.name, [row.result!], operands.map((bits, i) => constant(row.operands[i], bits)));
  return {
    signature: { params: [], results: [] },
    locals: [],
    label: { types: [] },
    body: [node(STORE[row.result!], [], [i32(index * SLOT_BYTES), value], memarg(RESULTS_AT))],
  };
}

/** Divisors beyond the edges: division by each constant is code of its own. */
const DIVISORS = [
  6,
  9,
  11,
  12,
  13,
  14,
  15,
  17,
  19,
  23,
  24,
  25,
  28,
  60,
  100,
  125,
  625,
  641,
  1000,
  3600,
  10000,
  86400,
  1e6,
  6700417,
  1e9,
];

/** The second operands that forms with a constant take. */
function constantsFor({ name, operands }: NumericRow): readonly bigint[] {
  const edges = EDGES[operands[1]];
  if (!/div_[su]|rem/.test(name)) return edges;
  const mask = operands[1] === "i32" ? 32 : 64;
  const signed = DIVISORS.flatMap((divisor) => [BigInt(divisor), BigInt.asUintN(mask, -BigInt(divisor))]);
  const wide = mask === 64 ? [0x100000001n, 12345678901234567n, 0xfffffffffffffffbn] : [];
  return [...edges, ...signed, ...wide];
}

/** All cases of a row: pairs of edges, or edges. */
function casesOf({ operands }: NumericRow): bigint[][] {
  if (operands.length === 1) return EDGES[operands[0]].map((bits) => [bits]);
  return EDGES[operands[0]].flatMap((left) => EDGES[operands[1]].map((right) => [left, right]));
}

/** Operations whose results are a function of the bits even for NaNs. */
const MOVES_BITS = /abs|neg|copysign|reinterpret/;

function guarded(name: string, run: () => string[]): string[] {
  try {
    return run();
  } catch (error) {
    return [`${name}: ${(error as Error).stack}`];
  }
}

/** Constants are folded and matched alike at all levels of effort: they are tested once. */
function test(configuration: Configuration, operands: "all" | "variables"): void {
  const failures: string[] = [];
  let evaluations = 0;
  for (const row of PURE_ROWS) {
    const all = forms(row).filter(({ name }) => operands === "all" || !name.includes("0x"));
    const cases = casesOf(row);
    const nans = MOVES_BITS.test(row.name) ? "exact" as const : "some" as const;
    const common = { name: row.name, cases, configuration, nans };
    evaluations += (all.length + (operands === "all" ? 1 : 0)) * cases.length;
    const looped = guarded(
      row.name,
      () => compareCases({ ...common, funcs: all.map(loopOver), forms: all, coverage: "loops" }),
    );
    const constants = operands === "variables" ? [] : guarded(row.name, () =>
      compareCases({
        ...common,
        funcs: cases.map((operands, index) => folded(row, operands, index)),
        forms: [{ name: "constants", resultType: row.result! }],
        coverage: "one each",
      }));
    failures.push(...looped.slice(0, 3), ...constants.slice(0, 3));
    if (failures.length > 60) break;
  }
  assert(failures.length === 0, `${failures.length} failures or more:\n${failures.join("\n")}`);
  assert(evaluations > 1_000_000, `${evaluations} evaluations`);
}

Deno.test("every numeric operation does what V8 does in every form", () =>
  test({ bounds: "guard", effort: "speed" }, "all"));
Deno.test("every numeric operation does what V8 does without optimisation", () =>
  test({ bounds: "guard", effort: "none" }, "variables"));
Deno.test("every numeric operation does what V8 does on the oldest processors", () =>
  test({ bounds: "guard", effort: "speed", processor: "baseline" }, "variables"));
Deno.test("every numeric operation does what V8 does under stress", () =>
  test({ bounds: "explicit", effort: "speed", stress: "on" }, "variables"));
