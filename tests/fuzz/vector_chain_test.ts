/**
 * Vector operations on the results of others, on edge values, against V8: what instruction selection merges (loads into operations,
 * extractions into stores, tests into branches) and what folding rewrites are such pairs. Each run takes one pair of `SHARE`, chosen by
 * `FUZZ_SEED`. A pair has all operands variable, or a constant beside the inner operation.
 */

import { assert } from "@std/assert";
import { Random } from "./generators/random.ts";
import { laneImmediates, VECTOR_ROWS, VECTOR_ROWS_BY_RESULT, type VectorRow } from "./generators/vector_rows.ts";
import { constant, memarg, type Node, node, unsigned } from "./generators/wasm_tree.ts";
import { type Configuration, configurationName, TheropodSession, V8Session } from "./oracles/engines.ts";
import {
  address,
  CASE,
  edgesOf,
  encode,
  type Form,
  get,
  i32,
  isSame,
  LANE_BITS,
  type LaneType,
  operand,
  OPERANDS,
  type OperandType,
  outcomes,
  PAGE,
  RESULTS_AT,
  SLOT,
  vectors,
} from "./oracles/vector_cases.ts";

Error.stackTraceLimit = 4;

const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const SHARE = 6;
const CASES = 24;
/** Functions a module. */
const BATCH = 150;

const COMPARES = /^(f32x4|f64x2)\.(eq|ne|lt|gt|le|ge)$/;

/** Whether the bits of a NaN that `inner` made do not show in what `outer` makes of it. */
function hidesNans(outer: VectorRow, inner: VectorRow): boolean {
  if (inner.openNans === undefined) return true;
  const shape = COMPARES.exec(outer.name)?.[1] ?? outer.openNans;
  return shape === inner.openNans && !/demote|promote/.test(outer.name) && !/demote|promote/.test(inner.name);
}

function chain(outer: VectorRow, position: number, inner: VectorRow, withConstant: boolean, random: Random): Form {
  const locals: OperandType[] = [];
  const before: Node[] = [];
  const next = (type: OperandType): Node => {
    const index = locals.push(type) - 1;
    before.push(node("local.set", [], [operand(type, index % OPERANDS)], unsigned(index)));
    return get(type, index);
  };
  const make = (row: VectorRow, args: Node[], offset: number): Node => {
    const immediates = laneImmediates(row, random);
    if (row.accessBytes > 0) immediates.unshift(memarg(offset));
    return node(row.name, row.result === undefined ? [] : [row.result], args, ...immediates);
  };
  const innerArgs = inner.operands.map((type, i) => inner.accessBytes > 0 && i === 0 ? address(CASE) : next(type));
  const made = make(inner, innerArgs, random.below(OPERANDS * SLOT - inner.accessBytes));
  const lane = random.pick(["i8", "i16", "i32", "i64", "f32", "f64"] as const);
  const outerArgs = outer.operands.map((type, i) => {
    if (i === position) return made;
    if (outer.accessBytes > 0 && i === 0) return address(SLOT);
    if (!withConstant) return next(type);
    return constant(type, type === "v128" ? vectorOf(lane, random) : BigInt(random.below(70)));
  });
  const value = make(outer, outerArgs, RESULTS_AT + PAGE);
  const name = `${outer.name}.${position} of ${inner.name}${withConstant ? ", constant" : ""}`;
  if (outer.result === undefined) {
    return { name, resultType: "i32", locals, before: [...before, value], value: i32(1) };
  }
  if (outer.result !== "i32" || random.oneIn(2)) return { name, resultType: outer.result, locals, before, value };
  const used: Node = random.oneIn(2)
    ? {
      ...node("if", ["i32"], [value]),
      block: { label: { types: ["i32"] }, params: [], body: [i32(5)], otherwise: [i32(6)] },
    }
    : node("select", ["i32"], [i32(7), i32(8), value]);
  return { name: `${name} to ${used.op}`, resultType: "i32", locals, before, value: used };
}

function vectorOf(lane: LaneType, random: Random): bigint {
  const edges = edgesOf(lane), bits = LANE_BITS[lane];
  return random.oneIn(3)
    ? vectors([random.pick(edges)], bits, 0)[0]
    : vectors(edges, bits, random.below(edges.length))[0];
}

function* chains(random: Random): Generator<[form: Form, nans: 0 | 32 | 64]> {
  const inners = Object.values(VECTOR_ROWS_BY_RESULT).flat();
  for (const outer of VECTOR_ROWS) {
    if (outer.accessBytes > 0 && outer.result !== undefined && outer.operands.length === 1) continue;
    for (let position = 0; position < outer.operands.length; position++) {
      if (outer.accessBytes > 0 && position === 0) continue;
      for (const inner of inners) {
        if (inner.result !== outer.operands[position] || !hidesNans(outer, inner) || random.below(SHARE) !== 0) {
          continue;
        }
        if (outer.accessBytes > 0 && outer.result !== undefined) continue;
        const nans = outer.openNans === undefined ? 0 : outer.openNans === "f32x4" ? 32 : 64;
        yield [chain(outer, position, inner, random.oneIn(3), random), outer.name.includes("demote") ? 32 : nans];
      }
    }
  }
}

function test(configuration: Configuration): void {
  const random = new Random(SEED);
  const cases = Array.from(
    { length: CASES },
    () =>
      Array.from(
        { length: OPERANDS },
        () => vectorOf(random.pick(["i8", "i16", "i32", "i64", "f32", "f64"] as const), random),
      ),
  );
  const all = [...chains(random)];
  const failures: string[] = [];
  for (let first = 0; first < all.length && failures.length < 40; first += BATCH) {
    const batch = all.slice(first, first + BATCH);
    try {
      const bytes = encode(batch.map(([form]) => form));
      using v8 = new V8Session(), ours = new TheropodSession(configuration);
      const expected = outcomes(v8, bytes, batch.length, cases), actual = outcomes(ours, bytes, batch.length, cases);
      for (const [{ name }, nans] of batch) {
        const wanted = expected.next().value!, got = actual.next().value!;
        for (let word = RESULTS_AT / 8; word < wanted.length; word++) {
          if (wanted[word] === got[word] || isSame(wanted[word], got[word], nans)) continue;
          const at = Math.floor((word * 8 - RESULTS_AT) % PAGE / SLOT);
          const operands = cases[at]?.map((bits) => `0x${bits.toString(16)}`);
          failures.push(
            `${name} (${operands}): V8 0x${wanted[word].toString(16)}, ours 0x${got[word].toString(16)}, ${
              configurationName(configuration)
            }`,
          );
          break;
        }
      }
    } catch (error) {
      failures.push(`${batch[0][0].name} ...: ${(error as Error).stack}`);
    }
  }
  assert(failures.length === 0, `${failures.length} failures or more of ${all.length}:\n${failures.join("\n")}`);
  assert(all.length > 5_000, `${all.length} pairs`);
}

Deno.test("every vector operation on the result of another does what V8 does", () =>
  test({ bounds: "guard", effort: "speed" }));
Deno.test("every vector operation on the result of another does what V8 does on the oldest processors", () =>
  test({ bounds: "explicit", effort: "speed", processor: "baseline" }));
