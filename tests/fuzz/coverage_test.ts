/** Random programs have every instruction that V8 has: what a feature adds and nobody generates is named here. */

import { assert, assertEquals } from "@std/assert";
import { type FeatureName, OPCODES, type OpName } from "../../lib/wasm/mod.ts";
import { generateProgram } from "./generators/module_generator.ts";
import { countOps } from "./generators/op_counts.ts";
import { Random } from "./generators/random.ts";

const PROGRAMS = 500;

/** Features that V8 has behind a flag only, or not at all: scripts and tests of their own compare them. */
const NOT_IN_V8: readonly FeatureName[] = [
  "wide-arithmetic",
  "custom-page-sizes",
  "custom-descriptors",
  "stack-switching",
];

/** Instructions that random programs leave out, and why. */
const LEFT_OUT: Readonly<Partial<Record<OpName, string>>> = {};

const FEATURE_OF = new Map<OpName, FeatureName>(OPCODES.map(([name, , , , feature]) => [name, feature]));

const counts = new Map<OpName, number>();
/** The programs that use a feature. */
const users = new Map<FeatureName, Set<number>>();
for (let seed = 1; seed <= PROGRAMS; seed++) {
  const own = new Map<OpName, number>();
  countOps(generateProgram(new Random(seed)), own);
  for (const [op, count] of own) {
    counts.set(op, (counts.get(op) ?? 0) + count);
    const feature = FEATURE_OF.get(op)!;
    if (!users.has(feature)) users.set(feature, new Set());
    users.get(feature)!.add(seed);
  }
}

Deno.test(`${PROGRAMS} random programs have every instruction`, () => {
  const missing: Partial<Record<FeatureName, string[]>> = {};
  for (const [name, , , , feature] of OPCODES) {
    if (NOT_IN_V8.includes(feature)) continue;
    const isLeftOut = LEFT_OUT[name] !== undefined;
    assert(!isLeftOut || !counts.has(name), `${name} is generated: take it off the list`);
    if (!isLeftOut && !counts.has(name)) (missing[feature] ??= []).push(name);
  }
  assertEquals(missing, {});
});

Deno.test("every two features are in some program together, and no feature is in all", () => {
  const strangers: string[] = [];
  for (const [one, ones] of users) {
    for (const [other, others] of users) {
      if (one < other && ones.isDisjointFrom(others)) strangers.push(`${one}, ${other}`);
    }
  }
  assertEquals(strangers, []);
  for (const feature of ["simd", "gc", "function-references", "exceptions", "tail-call", "threads"] as const) {
    const { size } = users.get(feature)!;
    assert(size > PROGRAMS / 12 && size < PROGRAMS / 2, `${size} of ${PROGRAMS} programs use ${feature}`);
  }
});
