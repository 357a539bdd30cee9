/**
 * Counts of what ran inside suites: specification commands, programs, modules. `tests/run.ts` adds them to the numbers of `deno test`.
 */

/** What a suite counted. */
export interface Tally {
  /** What was counted, for the closing table: "specification commands". */
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const FILE = Deno.env.get("THEROPOD_TALLY");

/** Reports a suite's counts to the test run around it, if there is one. */
export function reportTally(tally: Tally): void {
  if (FILE !== undefined) Deno.writeTextFileSync(FILE, JSON.stringify(tally) + "\n", { append: true });
}

/** Reads all reports of a run. */
export function readTallies(path: string): Tally[] {
  return Deno.readTextFileSync(path).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
