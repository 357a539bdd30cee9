/**
 * Random sequences of uses of the API, with hostile arguments, re-entry from host functions and disposal of what is in use: every outcome is a result or a typed error,
 * what was disposed of gives no results, what belongs to different stores does not mix, and the process lives. FUZZ_COUNT sequences from FUZZ_SEED on, in a child process,
 * whose death is a failure.
 */

import { assert, assertEquals } from "@std/assert";
import { reportTally } from "../tally.ts";
import type { Report } from "./api_main.ts";
import { OPERATIONS } from "./oracles/api_operations.ts";

const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const COUNT = Number(Deno.env.get("FUZZ_COUNT") ?? 150);
const BUDGET_MS = Deno.env.has("FUZZ_COUNT") ? Infinity : 8000;
/** Sequences in which every kind of use should have come. */
const ENOUGH = 100;
/** Kinds of use that there are at least. */
const KINDS_AT_LEAST = 90;

Deno.test("random uses of the API give results or typed errors", async () => {
  assert(Object.keys(OPERATIONS).length >= KINDS_AT_LEAST, `${Object.keys(OPERATIONS).length} kinds`);
  const progress = Deno.makeTempFileSync({ prefix: "theropod-api-" });
  try {
    const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-all",
        "--no-check",
        new URL("api_main.ts", import.meta.url).pathname,
        ...[FIRST_SEED, COUNT, BUDGET_MS].map(String),
        progress,
      ],
      stdout: "piped",
      stderr: "piped",
    }).output();
    const text = new TextDecoder();
    const last = Deno.readTextFileSync(progress).trim();
    assertEquals(
      { code, signal },
      { code: 0, signal: null },
      `the process died at seed and use ${last}\n${text.decode(stderr).slice(-3000)}`,
    );
    const { passed, failures, outcomes } = JSON.parse(text.decode(stdout)) as Report;
    reportTally({ suite: "sequences of uses of the API", passed, failed: failures.length, skipped: 0 });
    assertEquals(failures.join("\n\n"), "");
    // Uses that are always refused, or never come, would say little.
    assert(passed > 0);
    if (passed < ENOUGH) return;
    const idle = Object.keys(OPERATIONS).filter((name) => outcomes[name as keyof typeof outcomes] === undefined);
    assertEquals(idle, [], "kinds of use that never came");
    const sums = Object.values(outcomes);
    const results = sums.reduce((sum, outcome) => sum + outcome.results, 0);
    const errors = sums.reduce((sum, outcome) => sum + outcome.errors, 0);
    assert(results > errors / 2 && errors > results / 10, `${results} results and ${errors} errors`);
  } finally {
    Deno.removeSync(progress);
  }
});
