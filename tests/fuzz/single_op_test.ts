/**
 * Every numeric operation on edge values, in every form that instruction selection may treat differently, against V8.
 *
 * An operation gets a module of functions. A form is a function (or one per constant) that loops over a table of operands in memory and
 * writes the results behind it; the loop's position is a global, so that after a trap the next case goes on. NaNs that arithmetic makes are
 * compared as "some NaN, quiet"; operations that only move bits are compared bit by bit.
 */

import { assert } from "@std/assert";
import { type NumericRow, PURE_ROWS } from "./generators/numeric_rows.ts";
import { EDGES, isNan } from "./generators/values.ts";
import {
  constant,
  encodeModule,
  type FuncTree,
  memarg,
  type ModuleTree,
  type Node,
  node,
  type NumberType,
  unsigned,
} from "./generators/wasm_tree.ts";
import {
  type Configuration,
  configurationName,
  isSameTrap,
  TheropodSession,
  trapKind,
  V8Session,
} from "./oracles/engines.ts";

Error.stackTraceLimit = 4;

/** Operands start here, results a page later. */
const RESULTS_AT = 0x10000;
const SLOT_BYTES = 8;
/** Area 0 has the operands, 1 the results, 2 and 3 what must survive the operation. */
const AREAS = 4;
/** Bytes of a case: its two operands. */
const CASE_BYTES = 16;

const POSITION = unsigned(0);
const LOAD = { i32: "i32.load", i64: "i64.load", f32: "f32.load", f64: "f64.load" } as const;
const STORE = { i32: "i32.store", i64: "i64.store", f32: "f32.store", f64: "f64.store" } as const;
/** Operations whose results are a function of the bits even for NaNs. */
const MOVES_BITS = /abs|neg|copysign|reinterpret/;

const i32 = (value: number): Node => constant("i32", BigInt(value));
const get = (type: NumberType, index: number): Node => node("local.get", [type], [], unsigned(index));
const position = (): Node => node("global.get", ["i32"], [], POSITION);

/** The address of the current case, and of its result. */
const caseAddress = (): Node => node("i32.mul", ["i32"], [position(), i32(CASE_BYTES)]);
const resultAddress = (): Node => node("i32.mul", ["i32"], [position(), i32(SLOT_BYTES)]);
const operand = (type: NumberType, index: number): Node =>
  node(LOAD[type], [type], [caseAddress()], memarg(index * SLOT_BYTES));

/** What a form does with the operands of one case. */
interface Form {
  readonly name: string;
  readonly resultType: NumberType;
  readonly locals: readonly NumberType[];
  /** Statements before, in each round. */
  readonly before: readonly Node[];
  readonly value: Node;
  readonly after?: readonly Node[];
}

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

/** The loop over cases from the position to the limit, both globals: writes each result and advances. */
function loopOver(form: Form): FuncTree {
  const label = { types: [] }, exit = { types: [] };
  const body: Node[] = [
    node("br_if", [], [node("i32.ge_u", ["i32"], [position(), node("global.get", ["i32"], [], unsigned(1))])], {
      label: exit,
    }),
    ...form.before,
    node(STORE[form.resultType], [], [resultAddress(), form.value], memarg(RESULTS_AT)),
    ...form.after ?? [],
    node("global.set", [], [node("i32.add", ["i32"], [position(), i32(1)])], POSITION),
    node("br", [], [], { label }),
  ];
  const loop: Node = { ...node("loop", []), block: { label, params: [], body } };
  return {
    signature: { params: [], results: [] },
    locals: [...form.locals],
    label: { types: [] },
    body: [{ ...node("block", []), block: { label: exit, params: [], body: [loop] } }],
  };
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

function moduleOf(funcs: FuncTree[]): ModuleTree {
  return {
    funcImports: [],
    memories: [{ min: 5, max: 5 }],
    tables: [],
    globals: [
      { type: "i32", isMutable: true, init: i32(0) },
      { type: "i32", isMutable: true, init: i32(0) },
    ],
    funcs,
    data: [],
    elements: [],
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

/** What one form did: traps by case, and the results in memory. */
interface Outcome {
  readonly traps: readonly (string | undefined)[];
  readonly memory: ArrayBufferLike;
}

/** How a module's functions cover the cases: each loops over all of them, or each is one of them. */
type Coverage = "loops" | "one each";

/** Runs a module's functions on the cases; yields after each form, with memory as it left it. */
function* outcomes(
  session: V8Session | TheropodSession,
  bytes: Uint8Array<ArrayBuffer>,
  count: number,
  cases: readonly bigint[][],
  coverage: Coverage,
): Generator<Outcome> {
  const guest = session.instantiate(bytes, {});
  const memory = guest.memory("m").buffer;
  const here = guest.global("g0"), limit = guest.global("g1");
  const view = new DataView(memory), all = new Uint8Array(memory);
  cases.forEach((operands, index) =>
    operands.forEach((bits, i) => view.setBigUint64(index * CASE_BYTES + i * SLOT_BYTES, bits, true))
  );
  const clear = () => {
    for (let area = 1; area < AREAS; area++) {
      const start = area * RESULTS_AT;
      all.fill(0xcd, start, start + cases.length * SLOT_BYTES);
    }
  };
  clear();
  if (coverage === "one each") {
    yield { traps: cases.map((_, index) => attempt(guest.func(`f${index}`))), memory };
    return;
  }
  for (let index = 0; index < count; index++) {
    clear();
    const traps: (string | undefined)[] = [];
    const run = guest.func(`f${index}`);
    here.value = 0;
    limit.value = cases.length;
    while ((here.value as number) < cases.length) {
      const kind = attempt(run);
      if (kind === undefined) break;
      const at = here.value as number;
      traps[at] = kind;
      here.value = at + 1;
    }
    yield { traps, memory };
  }
}

function attempt(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return trapKind(error);
  }
}

let evaluations = 0;

/** What is compared. */
interface Comparison {
  readonly row: NumericRow;
  readonly funcs: FuncTree[];
  readonly forms: readonly { readonly name: string; readonly resultType: NumberType }[];
  readonly cases: readonly bigint[][];
  readonly coverage: Coverage;
  readonly configuration: Configuration;
}

/** Compares all forms of one module; returns what differs. */
function compare({ row, funcs, forms, cases, coverage, configuration }: Comparison): string[] {
  const bytes = encodeModule(moduleOf(funcs), "no wrappers");
  using theirs = new V8Session(), ours = new TheropodSession(configuration);
  const their = outcomes(theirs, bytes, funcs.length, cases, coverage);
  const our = outcomes(ours, bytes, funcs.length, cases, coverage);
  const failures: string[] = [];
  for (const { name, resultType } of forms) {
    const expected = their.next().value as Outcome, actual = our.next().value as Outcome;
    const where = (at: number) =>
      `${row.name} [${name}] (${cases[at].map((bits) => `0x${bits.toString(16)}`)}), ${
        configurationName(configuration)
      }`;
    cases.forEach((_, at) => {
      const wanted = expected.traps[at], got = actual.traps[at];
      if (wanted === got || wanted !== undefined && got !== undefined && isSameTrap(wanted, got)) return;
      failures.push(`${where(at)}: V8 ${wanted ?? "returns"}, ours ${got ?? "returns"}`);
    });
    evaluations += cases.length;
    for (let area = 1; area < AREAS; area++) {
      const wanted = new BigUint64Array(expected.memory as ArrayBuffer, area * RESULTS_AT, cases.length);
      const got = new BigUint64Array(actual.memory as ArrayBuffer, area * RESULTS_AT, cases.length);
      const wantedWords = new Int32Array(expected.memory, area * RESULTS_AT, 2 * cases.length);
      const gotWords = new Int32Array(actual.memory, area * RESULTS_AT, 2 * cases.length);
      for (let word = 0; word < 2 * cases.length; word++) {
        if (wantedWords[word] === gotWords[word]) continue;
        const at = word >> 1;
        if (area === 1 && !MOVES_BITS.test(row.name) && isSomeNan(resultType, wanted[at], got[at])) continue;
        const place = area > 1 ? ` in area ${area}` : "";
        failures.push(`${where(at)}: V8 0x${wanted[at].toString(16)}, ours 0x${got[at].toString(16)}${place}`);
      }
    }
  }
  return failures;
}

/** Whether a float operation may give `got` where another engine gave `wanted`: any quiet NaN for any NaN. */
function isSomeNan(type: NumberType, wanted: bigint, got: bigint): boolean {
  if (type !== "f32" && type !== "f64") return false;
  const mask = type === "f32" ? 0xffffffffn : 0xffffffffffffffffn;
  const quiet = type === "f32" ? 1n << 22n : 1n << 51n;
  return isNan(type, wanted & mask) && isNan(type, got & mask) && (got & quiet) !== 0n;
}

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
  evaluations = 0;
  for (const row of PURE_ROWS) {
    const all = forms(row).filter(({ name }) => operands === "all" || !name.includes("0x"));
    const cases = casesOf(row);
    const common = { row, cases, configuration };
    const looped = guarded(
      row.name,
      () => compare({ ...common, funcs: all.map(loopOver), forms: all, coverage: "loops" }),
    );
    const constants = operands === "variables" ? [] : guarded(row.name, () =>
      compare({
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
