/** The shrinker: programs that fail by a fault planted in an engine become a few instructions that still have it. */

import { assert, assertEquals } from "@std/assert";
import type { OpName } from "../../lib/wasm/mod.ts";
import { generateProgram } from "./generators/module_generator.ts";
import { countOps } from "./generators/op_counts.ts";
import type { Program } from "./generators/program.ts";
import { Random } from "./generators/random.ts";
import { bodiesOf, type ModuleTree, type Node } from "./generators/wasm_tree.ts";
import { encodeProgram, record } from "./oracles/differential.ts";
import { V8Session } from "./oracles/engines.ts";
import { programText, shrink, writeProgram } from "./oracles/shrink.ts";
import { shrinkSequence } from "./oracles/shrink_sequence.ts";

/** The binaries of the program with one operation in place of another: what an engine with a fault makes of it. */
function planted(program: Program, op: OpName, instead: OpName): Uint8Array<ArrayBuffer>[] {
  const changed: { op: string }[] = [];
  const visit = (node: Node): void => {
    if (node.op === op) changed.push(node);
    node.args.forEach(visit);
    if (node.block !== undefined) { for (const body of bodiesOf(node.block)) body.forEach(visit); }
  };
  for (const { funcs } of program.modules) for (const { body } of funcs) body.forEach(visit);
  for (const node of changed) node.op = instead;
  try {
    return encodeProgram(program);
  } finally {
    for (const node of changed) node.op = op;
  }
}

/** Whether V8 does something else with the fault in it. */
function isWrong(program: Program, op: OpName, instead: OpName): boolean {
  const right = record(new V8Session(), program, encodeProgram(program), 1);
  const wrong = record(new V8Session(), program, planted(program, op, instead), 1);
  return right.defect === undefined && wrong.defect === undefined && right.lines.join() !== wrong.lines.join();
}

function instructions(program: Program): number {
  const counts = new Map<OpName, number>();
  countOps(program, counts);
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

const FAULTS: readonly (readonly [op: OpName, instead: OpName])[] = [
  ["i32.sub", "i32.xor"],
  ["i64.or", "i64.xor"],
  ["f64.min", "f64.max"],
  ["i32.mul", "i32.add"],
];

for (const [op, instead] of FAULTS) {
  Deno.test(`shrink() leaves a few instructions where ${op} does what ${instead} does`, () => {
    let seed = 1, program = generateProgram(new Random(seed));
    while (!isWrong(program, op, instead)) program = generateProgram(new Random(++seed));
    const before = instructions(program);
    const small = shrink(program, (candidate) => isWrong(candidate, op, instead));
    assert(isWrong(small, op, instead), `seed ${seed}: what is left does not fail`);
    const after = instructions(small);
    assert(
      after <= 40 && after < before / 8,
      `seed ${seed}: ${after} of ${before} instructions are left\n${programText(small).join("\n")}`,
    );
    assert(programText(small).join().includes(op));
  });
}

Deno.test("shrink() keeps a failure that needs two modules", () => {
  const isLinked = ({ modules }: Program) =>
    modules.length > 1 && modules[1].funcImports.some(({ module }) => module === "m0");
  let seed = 1, program = generateProgram(new Random(seed));
  while (!isLinked(program)) program = generateProgram(new Random(++seed));
  const { modules } = shrink(program, isLinked);
  assertEquals(modules.length, 2);
  assertEquals(modules[1].funcImports.length, 1);
  assert(instructions({ modules }) < 12, programText({ modules }).join("\n"));
});

Deno.test("shrink() gives back a program from which nothing can go", () => {
  const module: ModuleTree = {
    funcImports: [],
    memories: [],
    tables: [],
    globals: [],
    funcs: [{ signature: { params: [], results: [] }, locals: [], label: { types: [] }, body: [] }],
    data: [],
    elements: [],
    tags: [],
  };
  const small = shrink({ modules: [module] }, ({ modules }) => modules[0].funcs.length === 1);
  assertEquals(small.modules, [module]);
  assertEquals(bodiesOf({ label: { types: [] }, params: [], body: [] }), [[]]);
});

Deno.test("writeProgram() writes text and binary of each module", () => {
  const folder = Deno.makeTempDirSync({ prefix: "theropod-shrink-" });
  try {
    const program = generateProgram(new Random(3));
    const paths = writeProgram(program, folder, "case");
    assertEquals(paths.length, program.modules.length);
    for (const path of paths) {
      assert(Deno.readTextFileSync(path).startsWith("(module"));
      assert(WebAssembly.validate(Deno.readFileSync(path.replace(/wat$/, "wasm"))));
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("shrinkSequence() leaves the operations that a failure needs", async () => {
  const operations = Array.from({ length: 57 }, (_, i) => i);
  const shrunk = await shrinkSequence(operations, (part) => [3, 31, 56].every((needed) => part.includes(needed)));
  assertEquals(shrunk, [3, 31, 56]);
});
