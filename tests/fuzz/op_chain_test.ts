/**
 * Every operation on the result of every other that fits, on edge values, against V8: what instruction selection merges, and what folding
 * rewrites, are mostly such pairs. `FUZZ_SEED` chooses other constants and operands.
 *
 * A pair has three shapes: all operands variable, the inner one's last operand constant, the outer one's other operand constant. The
 * result of an i32 pair goes where an i32 may go: to memory, to a branch, a select, an extension.
 */

import { assert } from "@std/assert";
import { hasDefinedBits, SHOWS_BITS } from "./generators/nan_bits.ts";
import { NUMERIC_ROWS, type NumericRow, PURE_ROWS } from "./generators/numeric_rows.ts";
import { Random } from "./generators/random.ts";
import { EDGES } from "./generators/values.ts";
import { constant, memarg, type Node, node, type NumberType, unsigned } from "./generators/wasm_tree.ts";
import {
  caseAddress,
  compareCases,
  type Form,
  get,
  i32,
  loopOver,
  operand,
  resultAddress,
  RESULTS_AT,
  SLOT_BYTES,
} from "./oracles/cases.ts";
import type { Configuration } from "./oracles/engines.ts";

Error.stackTraceLimit = 4;

const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const CASES = 30;
/** Functions a module. */
const BATCH = 150;

type Shape = "variables" | "inner constant" | "outer constant";
const SHAPES: readonly Shape[] = ["variables", "inner constant", "outer constant"];

/** A form and the types of its operands, inner ones first. */
interface Chain extends Form {
  readonly operands: readonly NumberType[];
}

function chain(outer: NumericRow, position: number, inner: NumericRow, shape: Shape, random: Random): Chain {
  const types: NumberType[] = [];
  const before: Node[] = [];
  // The next operand: a local that holds it, or a constant.
  const next = (type: NumberType, isConstant: boolean): Node => {
    if (isConstant) return constant(type, random.pick(EDGES[type]));
    const index = types.push(type) - 1;
    before.push(node("local.set", [], [operand(type, index)], unsigned(index)));
    return get(type, index);
  };
  const innerType = inner.result!;
  let made: Node;
  if (inner.accessBytes > 0) {
    const index = types.push("i64") - 1;
    made = node(
      inner.name,
      [innerType],
      [caseAddress()],
      memarg(index * SLOT_BYTES + random.below(9 - inner.accessBytes)),
    );
  } else {
    const last = inner.operands.length - 1;
    made = node(
      inner.name,
      [innerType],
      inner.operands.map((type, i) => next(type, shape === "inner constant" && i === last && last > 0)),
    );
  }
  const args = outer.operands.map((type, i) => {
    if (i === position) return made;
    if (outer.result === undefined) return resultAddress();
    return next(type, shape === "outer constant");
  });
  const name = `${outer.name}.${position} of ${inner.name}, ${shape}`;
  const locals = types;
  if (outer.result === undefined) {
    const store = node(outer.name, [], args, memarg(2 * RESULTS_AT));
    return { name, operands: types, resultType: "i32", locals, before: [...before, store], value: i32(0) };
  }
  const value = node(outer.name, [outer.result], args);
  if (outer.result !== "i32") {
    return { name, operands: types, resultType: outer.result, locals, before, value };
  }
  const [resultType, used] = use(value, random);
  return { name: `${name}, to ${used.op}`, operands: types, resultType, locals, before, value: used };
}

// What becomes of an i32.
function use(value: Node, random: Random): [NumberType, Node] {
  switch (random.below(7)) {
    case 0:
      return ["i32", {
        ...node("if", ["i32"], [value]),
        block: { label: { types: ["i32"] }, params: [], body: [i32(5)], otherwise: [i32(6)] },
      }];
    case 1:
      return ["i64", node("select", ["i64"], [constant("i64", 3n), constant("i64", -4n), value])];
    case 2:
      return ["i64", node("i64.extend_i32_u", ["i64"], [value])];
    case 3:
      return ["i64", node("i64.extend_i32_s", ["i64"], [value])];
    case 4:
      return ["i32", node("i32.eqz", ["i32"], [value])];
    default:
      return ["i32", value];
  }
}

/** All pairs. */
function* chains(): Generator<Chain> {
  const random = new Random(SEED);
  for (const outer of NUMERIC_ROWS) {
    if (outer.accessBytes > 0 && outer.result !== undefined) continue;
    for (let position = 0; position < outer.operands.length; position++) {
      if (outer.accessBytes > 0 && position === 0) continue;
      for (const inner of [...PURE_ROWS, ...NUMERIC_ROWS.filter(({ accessBytes }) => accessBytes > 0)]) {
        if (inner.result !== outer.operands[position]) continue;
        const isFloat = inner.result === "f32" || inner.result === "f64";
        // The bits of a NaN that arithmetic made would show. (Bit moves of such a NaN do not occur: operands are loaded.)
        const movesBits = hasDefinedBits(node(inner.name, [inner.result], [node("f64.load", [inner.result])]));
        if (isFloat && !movesBits && SHOWS_BITS[outer.name] === position) continue;
        for (const shape of SHAPES) {
          if (shape === "inner constant" && (inner.operands.length < 2 || inner.accessBytes > 0)) continue;
          if (shape === "outer constant" && (outer.operands.length < 2 || outer.accessBytes > 0)) continue;
          yield chain(outer, position, inner, shape, random);
        }
      }
    }
  }
}

function test(configuration: Configuration): void {
  const random = new Random(SEED + 1);
  // Modules have one table of operands: chains of the same operand types share one.
  const byTypes = new Map<string, Chain[]>();
  for (const made of chains()) {
    const key = made.operands.join();
    const group = byTypes.get(key);
    if (group === undefined) byTypes.set(key, [made]);
    else group.push(made);
  }
  const failures: string[] = [];
  let total = 0;
  for (const group of byTypes.values()) {
    const cases = Array.from({ length: CASES }, () => group[0].operands.map((type) => random.pick(EDGES[type])));
    for (let first = 0; first < group.length; first += BATCH) {
      const forms = group.slice(first, first + BATCH);
      total += forms.length;
      const funcs = forms.map(loopOver);
      try {
        failures.push(
          ...compareCases({ name: "", funcs, forms, cases, coverage: "loops", configuration, nans: "some" }).slice(
            0,
            5,
          ),
        );
      } catch (error) {
        failures.push(`${forms[0].name} ...: ${(error as Error).stack}`);
      }
    }
  }
  assert(failures.length === 0, `${failures.length} failures of ${total}:\n${failures.slice(0, 40).join("\n")}`);
  assert(total > 20_000, `${total} pairs`);
}

Deno.test("every operation on the result of another does what V8 does", () =>
  test({ bounds: "guard", effort: "speed" }));
