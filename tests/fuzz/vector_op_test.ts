/**
 * Every vector operation on edge values, in every form that instruction selection may treat differently, against V8.
 *
 * As single_op_test.ts does for numbers: a form is a function that loops over cases in memory and writes a result for each. Lanes of the
 * operands run through the edge values of their type, all pairs of them for two operands. Relaxed operations are held against what the
 * deterministic profile says they are, computed by V8 with operations that are not relaxed.
 */

import { assert } from "@std/assert";
import { OPCODES, type OpName } from "../../lib/wasm/mod.ts";
import { Random } from "./generators/random.ts";
import { EDGES } from "./generators/values.ts";
import {
  constant,
  type Immediate,
  memarg,
  type Node,
  node,
  type NumberType,
  unsigned,
} from "./generators/wasm_tree.ts";
import { type Configuration, configurationName, TheropodSession, V8Session } from "./oracles/engines.ts";
import {
  address,
  CALL,
  edgesOf,
  encode,
  type Form,
  get,
  global,
  i32,
  isSame,
  LANE_BITS,
  type LaneType,
  MOST_CASES,
  operand,
  type OperandType,
  outcomes,
  PAGE,
  RESULTS_AT,
  SLOT,
  STORE,
  vectors,
} from "./oracles/vector_cases.ts";

Error.stackTraceLimit = 4;

/** An operation with its immediates chosen. */
interface Row {
  readonly name: OpName;
  readonly operands: readonly OperandType[];
  readonly result: OperandType;
  /** What the lanes of the operands run through. */
  readonly lane: LaneType;
  readonly immediates: readonly Immediate[];
  readonly label: string;
}

const LETTERS: Record<string, OperandType> = { v: "v128", i: "i32", l: "i64", f: "f32", d: "f64" };

/** The lanes that an operation reads, from its name. */
function laneOf(name: string): LaneType {
  const source = /_(i8x16|i16x8|i32x4|f32x4|f64x2)/.exec(name) ?? /^(i8x16|i16x8|i32x4|i64x2|f32x4|f64x2)/.exec(name);
  return source === null ? "i16" : source[1].replace(/x\d+$/, "") as LaneType;
}

/** Lane numbers of shuffles: what lowering has patterns for, near misses, and others. */
function shuffles(random: Random): number[][] {
  const rows: number[][] = [];
  const each = (lane: (i: number) => number) => rows.push(Array.from({ length: 16 }, (_, i) => lane(i) & 31));
  for (const bytes of [1, 2, 4, 8]) {
    for (const half of [0, 8]) {
      for (const flip of [0, 16]) {
        each((i) => {
          const lane = Math.floor(i / bytes);
          return (lane >> 1) * bytes + i % bytes + half + (lane & 1) * 16 ^ flip;
        });
      }
    }
  }
  for (let by = 0; by < 32; by += 3) each((i) => i + by);
  for (let by = 1; by < 16; by += 4) each((i) => i + by & 15);
  for (let k = 0; k < 12; k++) {
    const words = Array.from({ length: 8 }, () => random.below(2) * 16);
    each((i) => i + words[i >> 1]);
    const dwords = Array.from({ length: 4 }, () => 4 * random.below(4));
    each((i) => dwords[i >> 2] + i % 4);
    each((i) => dwords[i >> 2] + i % 4 + (i >= 8 ? 16 : 0));
    each((i) => dwords[i >> 2] + i % 4 + (i < 8 ? 16 : 0));
    const low = Array.from({ length: 4 }, () => 2 * random.below(4));
    each((i) => i < 8 ? low[i >> 1] + i % 2 : i);
    each((i) => i < 8 ? i : low[i >> 1 & 3] + 8 + i % 2);
    each(() => random.below(32));
    each(() => random.below(16));
    each(() => 16 + random.below(16));
  }
  for (const lane of [0, 5, 16]) each(() => lane);
  each((i) => i % 2);
  each((i) => 15 - i);
  return rows;
}

/** All operations without memory. */
function rows(): Row[] {
  const random = new Random(3);
  const all: Row[] = [];
  for (const [name, , immediates, signature, feature] of OPCODES) {
    if (feature !== "simd" && feature !== "relaxed-simd" || immediates.startsWith("memarg") || immediates === "v128") {
      continue;
    }
    const [operands, result] = signature.split(":");
    const common = {
      name,
      operands: Array.from(operands, (letter) => LETTERS[letter]),
      result: LETTERS[result],
      lane: laneOf(name),
    };
    if (immediates === "lanes") {
      for (const lanes of shuffles(random)) {
        all.push({ ...common, immediates: [{ bytes: lanes }], label: `${name} ${lanes}` });
      }
    } else if (immediates !== "") {
      const count = Number(immediates.split(" ")[1]);
      for (const lane of new Set([0, 1, count >> 1, count - 1])) {
        all.push({ ...common, immediates: [{ bytes: [lane] }], label: `${name} ${lane}` });
      }
    } else all.push({ ...common, immediates: [], label: name });
  }
  return all;
}

// Relaxed operations as the deterministic profile has them.

function deterministic({ name, immediates }: Row, args: Node[]): Node {
  const op = (other: string, ...operands: Node[]) => node(other as OpName, ["v128"], operands);
  const shape = name.slice(0, 5);
  if (!name.includes("relaxed")) return node(name, [resultOf(name)], args, ...immediates);
  if (name === "i8x16.relaxed_swizzle") return op("i8x16.swizzle", ...args);
  if (name.includes("relaxed_trunc")) return op(name.replace("relaxed_trunc", "trunc_sat"), ...args);
  if (name.includes("relaxed_madd")) return op(`${shape}.add`, op(`${shape}.mul`, args[0], args[1]), args[2]);
  if (name.includes("relaxed_nmadd")) {
    return op(`${shape}.add`, op(`${shape}.mul`, op(`${shape}.neg`, args[0]), args[1]), args[2]);
  }
  if (name.includes("laneselect")) return op("v128.bitselect", ...args);
  if (/relaxed_(min|max)/.test(name)) return op(name.replace("relaxed_", ""), ...args);
  if (name.includes("q15mulr")) return op("i16x8.q15mulr_sat_s", ...args);
  const products = (half: string) => {
    const widen = (x: Node) => op(`i16x8.extend_${half}_i8x16_s`, x);
    return op("i32x4.dot_i16x8_s", widen(args[0]), widen(args[1]));
  };
  const dot = op("i16x8.narrow_i32x4_s", products("low"), products("high"));
  if (name === "i16x8.relaxed_dot_i8x16_i7x16_s") return dot;
  return op("i32x4.add", op("i32x4.extadd_pairwise_i16x8_s", dot), args[2]);
}

function resultOf(name: OpName): OperandType {
  return LETTERS[OPCODES.find(([other]) => other === name)![3].split(":")[1]];
}

// Cases.

/** Bits of each operand by case. */
function casesOf(row: Row): bigint[][] {
  const bits = LANE_BITS[row.lane], edges = edgesOf(row.lane);
  const base = vectors(edges, bits, 0);
  const [, second, third] = row.operands;
  const cases: bigint[][] = [];
  const isIndex = row.name.includes("swizzle");
  const scalars = (type: NumberType) => EDGES[type];
  const random = new Random(9);
  if (row.operands[0] !== "v128") return scalars(row.operands[0]).map((value) => [value]);
  if (second === undefined) {
    cases.push(...base.map((a) => [a]), ...vectors(edges, bits, 1).map((a) => [a]), [0n], [(1n << 128n) - 1n]);
    for (let bit = 0n; bit < 128n; bit += 7n) cases.push([1n << bit], [((1n << 128n) - 1n) ^ 1n << bit]);
  } else if (second !== "v128") {
    for (const a of base.slice(0, 6)) for (const b of scalars(second)) cases.push([a, b]);
  } else {
    for (let rotation = 0; rotation < edges.length; rotation++) {
      const right = isIndex
        ? vectors(Array.from({ length: 64 }, (_, i) => BigInt(i * 4 + rotation & 255)), 8, rotation)
        : vectors(edges, bits, rotation);
      base.forEach((a, i) => {
        const operands = [a, right[i % right.length]];
        if (third !== undefined) operands.push(base[random.below(base.length)]);
        cases.push(operands);
      });
    }
  }
  return cases.slice(0, MOST_CASES);
}

// Forms.

/** The forms of a row; `apply` makes the operation of operands. */
function forms(row: Row, apply: (args: Node[]) => Node): Form[] {
  const { operands } = row;
  const before = operands.map((type, i) => node("local.set", [], [operand(type, i)], unsigned(i)));
  const variables = () => operands.map((type, i) => get(type, i));
  const all: Form[] = [];
  const add = (name: string, value: Node, more: Partial<Form> = {}) =>
    all.push({ name, resultType: row.result, locals: operands, before, value, ...more });
  add("variables", apply(variables()));
  add("loaded", apply(operands.map(operand)), { locals: [], before: [] });
  if (operands.length > 1) {
    add("variable, loaded", apply(operands.map((type, i) => i === 0 ? get(type, 0) : operand(type, i))));
    add("loaded, variable", apply(operands.map((type, i) => i === 0 ? operand(type, 0) : get(type, i))));
    if (operands[1] === operands[0]) add("same", apply(operands.map((type) => get(type, 0))));
    const edges = edgesOf(row.lane), bits = LANE_BITS[row.lane];
    const constants = operands[1] === "v128"
      ? [
        vectors(edges, bits, 3)[0],
        vectors([edges[1]], bits, 0)[0],
        vectors([edges[3]], bits, 0)[0],
        0n,
        (1n << 128n) - 1n,
        1n << 127n,
      ]
      : EDGES[operands[1]].slice(0, 14);
    for (const value of constants) {
      add(`constant right ${value}`, apply(operands.map((type, i) => i === 1 ? constant(type, value) : get(type, i))));
      if (operands[1] !== "v128") continue;
      add(`constant left ${value}`, apply(operands.map((type, i) => i === 0 ? constant(type, value) : get(type, i))));
      if (operands.length === 3) {
        add(`constant last ${value}`, apply(operands.map((type, i) => i === 2 ? constant(type, value) : get(type, i))));
      }
    }
  }
  // The operands are needed afterwards.
  const kept = operands.map((type, i) =>
    node(STORE[type], [], [address(SLOT), get(type, i)], memarg(RESULTS_AT + PAGE * (1 + i % 2)))
  );
  add("operands live after", apply(variables()), { after: kept });
  add("from slots", apply(variables()), { before: [...before, CALL] });
  // Eighteen vectors lie across the operation.
  const first = operands.length;
  const crowd: OperandType[] = Array(18).fill("v128");
  const fill = crowd.map((_, i) =>
    node("local.set", [], [
      node("i32x4.splat", ["v128"], [node("i32.add", ["i32"], [global(0), i32(i * 0x1010101)])]),
    ], unsigned(first + i))
  );
  const sum = crowd.reduce<Node>(
    (total, type, i) => node("v128.xor", ["v128"], [total, get(type, first + i)]),
    operands[0] === "v128" ? get("v128", 0) : constant("v128", 7n),
  );
  add("crowded", apply(variables()), {
    locals: [...operands, ...crowd],
    before: [...before, ...fill],
    after: [node("v128.store", [], [address(SLOT), sum], memarg(RESULTS_AT + PAGE))],
  });
  if (row.result === "i32") {
    const branch: Node = {
      ...node("if", ["i32"], [apply(variables())]),
      block: { label: { types: ["i32"] }, params: [], body: [i32(5)], otherwise: [i32(6)] },
    };
    add("if", branch);
    add("extended", node("i64.extend_i32_u", ["i64"], [apply(variables())]), { resultType: "i64" });
    add("select", node("select", ["v128"], [constant("v128", 5n), operand("v128", 0), apply(variables())]), {
      resultType: "v128",
    });
    if (operands[0] === "v128") {
      add("stored byte", i32(1), {
        after: [node("i32.store8", [], [address(SLOT), apply(variables())], memarg(RESULTS_AT + PAGE))],
      });
      add("stored half", i32(1), {
        after: [node("i32.store16", [], [address(SLOT), apply(variables())], memarg(RESULTS_AT + PAGE))],
      });
    }
  }
  if (row.result === "v128") {
    const type: OperandType = "v128";
    add("not", node("v128.not", [type], [apply(variables())]));
    add("and not", node("v128.and", [type], [operand(type, 0), node("v128.not", [type], [apply(variables())])]));
  }
  return all;
}

/** Operations whose NaN results have open bits, by the width of the result's lanes; 0: none. */
function openNans({ name }: Row): 0 | 32 | 64 {
  if (name === "f32x4.demote_f64x2_zero") return 32;
  if (name === "f64x2.promote_low_f32x4") return 64;
  if (!/^f(32x4|64x2)\.(add|sub|mul|div|sqrt|min|max|ceil|floor|trunc|nearest|relaxed_)/.test(name)) return 0;
  return name.startsWith("f32") ? 32 : 64;
}

function compare(row: Row, configuration: Configuration, which: Which): [failures: string[], evaluations: number] {
  const cases = casesOf(row);
  const chosen = (all: Form[]) => all.filter(({ name }) => which === "all" || !name.startsWith("constant"));
  const mine = chosen(forms(row, (args) => node(row.name, [row.result], args, ...row.immediates)));
  const theirs = row.name.includes("relaxed") ? chosen(forms(row, (args) => deterministic(row, args))) : mine;
  using v8 = new V8Session(), ours = new TheropodSession(configuration);
  const expected = outcomes(v8, encode(theirs), mine.length, cases);
  const actual = outcomes(ours, encode(mine), mine.length, cases);
  const failures: string[] = [];
  const width = openNans(row);
  for (const { name } of mine) {
    const wanted = expected.next().value!, got = actual.next().value!;
    // The inversion of a NaN shows its bits.
    if (width !== 0 && name.includes("not")) continue;
    for (let word = RESULTS_AT / 8; word < wanted.length; word++) {
      if (wanted[word] === got[word] || isSame(wanted[word], got[word], width)) continue;
      const at = Math.floor((word * 8 - RESULTS_AT) % PAGE / SLOT);
      failures.push(
        `${row.label} [${name}] (${cases[at]?.map((bits) => `0x${bits.toString(16)}`)}) word ${
          word * 8 - RESULTS_AT
        }: V8 0x${wanted[word].toString(16)}, ours 0x${got[word].toString(16)}, ${configurationName(configuration)}`,
      );
      break;
    }
  }
  return [failures, mine.length * cases.length];
}

/** Constants are folded and matched alike in all configurations: elsewhere only what depends on registers is tried. */
type Which = "all" | "variables";

function test(configuration: Configuration, which: Which): void {
  const failures: string[] = [];
  let evaluations = 0;
  for (const row of rows()) {
    try {
      const [found, count] = compare(row, configuration, which);
      failures.push(...found);
      evaluations += count;
    } catch (error) {
      failures.push(`${row.label}: ${(error as Error).stack}`);
    }
    if (failures.length > 40) break;
  }
  assert(failures.length === 0, `${failures.length} failures or more:\n${failures.join("\n")}`);
  assert(evaluations > 400_000, `${evaluations} evaluations`);
}

Deno.test("every vector operation does what V8 does in every form", () =>
  test({ bounds: "guard", effort: "speed" }, "all"));
Deno.test("every vector operation does what V8 does without optimisation", () =>
  test({ bounds: "guard", effort: "none" }, "variables"));
Deno.test("every vector operation does what V8 does on the oldest processors", () =>
  test({ bounds: "guard", effort: "speed", processor: "baseline" }, "all"));
Deno.test("every vector operation does what V8 does under stress", () =>
  test({ bounds: "explicit", effort: "speed", stress: "on" }, "variables"));
Deno.test("every vector operation does what V8 does under stress on the oldest processors", () =>
  test({ bounds: "guard", effort: "speed", processor: "baseline", stress: "on" }, "variables"));
