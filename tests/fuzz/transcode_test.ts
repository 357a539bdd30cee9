/**
 * The string transcoders of components on random and hostile buffers against JavaScript's strings: FUZZ_COUNT cases (default 6,000) from
 * FUZZ_SEED (default 1) on, in four configurations.
 */

import { assert, assertEquals } from "@std/assert";
import { reportTally } from "../tally.ts";
import { runStringCases, type StringRun } from "./oracles/strings.ts";

const TRAPS = ["invalid_utf8", "invalid_utf16", "string_out_of_bounds", "unaligned_string", "overlapping_strings"];
const CASES = Number(Deno.env.get("FUZZ_COUNT") ?? 6000);
const FIRST = Number(Deno.env.get("FUZZ_SEED") ?? 1);

function test(run: Omit<StringRun, "cases" | "first">): void {
  const { failures, outcomes } = runStringCases({ ...run, first: FIRST, cases: CASES });
  const failed = failures.length;
  reportTally({ suite: "string cases", passed: CASES - failed, failed, skipped: 0 });
  assertEquals(failures, []);
  // Each outcome is common: a generator that misses one tests nothing of it.
  if (CASES < 1000) return;
  for (const outcome of ["converted", ...TRAPS]) {
    assert((outcomes.get(outcome) ?? 0) > CASES / 200, `${outcome}: ${outcomes.get(outcome) ?? 0}`);
  }
}

Deno.test("transcoders in machine code do what JavaScript's strings do", () => test({}));
Deno.test("transcoders in machine code do so with explicit bounds and few registers", () =>
  test({ config: { bounds: "explicit", stress: { registers: 5 }, checks: "on" } }));
Deno.test("transcoders in machine code do so without optimisation", () =>
  test({ config: { effort: "none", interruption: true } }));
Deno.test("transcoders in TypeScript do what JavaScript's strings do", () => test({ implementation: "reference" }));
