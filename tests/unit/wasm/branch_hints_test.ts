/** Branch hints: the strict reading of the section, and the lenient one of the compiler. */

import { assertEquals, assertThrows } from "@std/assert";
import {
  BRANCH_HINT_SECTION,
  BranchHints,
  CompileError,
  decodeModule,
  readBranchHints,
} from "../../../lib/wasm/mod.ts";
import { type Bytes, code, instr, moduleBytes, name, vector } from "../../fuzz/generators/binary.ts";

const BODY = code([[1, [0x7f]]], instr("local.get", 0), instr("if", 0x40), instr("end"));
/** Offset of `if` in the body: a run of locals takes three bytes, `local.get` two. */
const IF = 5;

const withHints = (...funcs: Bytes[]) =>
  decodeModule(moduleBytes(
    [1, vector([0x60, 0, 0])],
    [3, vector([0], [0])],
    [0, [name(BRANCH_HINT_SECTION), vector(...funcs)]],
    [10, vector(BODY, BODY)],
  ));

Deno.test("readBranchHints() gives hints by function and place", () => {
  const module = withHints([0, vector([IF, 1, 0])], [1, vector([IF, 1, 1])]);
  assertEquals(
    readBranchHints(module).map(({ functionIndex, isLikely }) => [functionIndex, isLikely]),
    [[0, false], [1, true]],
  );
  const hints = BranchHints.of(module);
  const place = (body: number) => module.bodies[body].start + IF;
  assertEquals([hints?.at(place(0)), hints?.at(place(1)), hints?.at(place(0) + 1)], ["unlikely", "likely", undefined]);
});

Deno.test("readBranchHints() refuses a malformed section, BranchHints.of() takes what stands before the fault", () => {
  const cases: [Bytes[], string][] = [
    [[[0, vector([IF, 1, 0])], [0, vector([IF, 1, 0])]], "branch hint: invalid function index"],
    [[[0, vector([IF, 1, 0])], [1, vector([IF - 2, 1, 0])]], "branch hint: invalid target"],
    [[[0, vector([IF, 1, 0], [IF, 1, 0])]], "branch hint: invalid order"],
    [[[0, vector([IF, 1, 0])], [1, vector([IF, 1, 2])]], "branch hint: invalid hint value"],
  ];
  for (const [funcs, reason] of cases) {
    const module = withHints(...funcs);
    assertEquals(assertThrows(() => readBranchHints(module), CompileError).reason, reason);
    assertEquals(BranchHints.of(module)?.at(module.bodies[0].start + IF), "unlikely");
  }
});

Deno.test("BranchHints.of() is undefined for a module without hints", () => {
  assertEquals(BranchHints.of(withHints()), undefined);
});
