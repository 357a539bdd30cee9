/**
 * Random programs: our engine, in every configuration, against V8. `FUZZ_SEED` and `FUZZ_COUNT` choose others; `FUZZ_SHRINK` set to 1
 * reduces the first failing program and prints it, as files as well in the folder `FUZZ_OUT`, `FUZZ_STRESS` set to 1 runs the configurations under stress only.
 *
 * A program runs in two configurations: the default one and, in turn, one of the others. tests/fuzz/campaign.ts runs many programs in child
 * processes, so that it also finds what ends the process.
 */

import { assert } from "@std/assert";
import { reportTally } from "../tally.ts";
import { generateProgram } from "./generators/module_generator.ts";
import type { Program } from "./generators/program.ts";
import { Random } from "./generators/random.ts";
import { compareWith, encodeProgram, recordExpected, type Verdict } from "./oracles/differential.ts";
import { type Configuration, configurationName, CONFIGURATIONS } from "./oracles/engines.ts";
import { programText, shrink, writeProgram } from "./oracles/shrink.ts";

const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const COUNT = Number(Deno.env.get("FUZZ_COUNT") ?? 300);
/** A run that nobody sized ends after this time on a slow machine. */
const BUDGET_MS = Deno.env.has("FUZZ_COUNT") ? Infinity : 20_000;
const REDUCES = Deno.env.get("FUZZ_SHRINK") === "1";
const STRESSES = Deno.env.get("FUZZ_STRESS") === "1";
const OUT = Deno.env.get("FUZZ_OUT");
const PROGRESS = Deno.env.get("FUZZ_PROGRESS");

function verdictOf(program: Program, seed: number, configuration: Configuration): Verdict {
  const binaries = encodeProgram(program);
  return compareWith(recordExpected(program, binaries, seed), program, binaries, seed, configuration);
}

function fails(program: Program, seed: number, configuration: Configuration): boolean {
  try {
    return typeof verdictOf(program, seed, configuration) === "object";
  } catch {
    return false;
  }
}

/** The default configuration and, in turn, one of the others; under stress, one of those that are. */
function configurationsFor(seed: number): Configuration[] {
  const stressed = CONFIGURATIONS.filter(({ stress }) => stress === "on");
  if (STRESSES) return [stressed[seed % stressed.length]];
  return [CONFIGURATIONS[0], CONFIGURATIONS[1 + seed % (CONFIGURATIONS.length - 1)]];
}

Deno.test("random programs do what V8 does", () => {
  const failures: string[] = [];
  const started = performance.now();
  let same = 0, different = 0, inconclusive = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT && performance.now() - started < BUDGET_MS; seed++) {
    if (PROGRESS !== undefined) Deno.writeTextFileSync(PROGRESS, String(seed));
    const program = generateProgram(new Random(seed));
    let binaries, expected;
    try {
      binaries = encodeProgram(program);
      expected = recordExpected(program, binaries, seed);
    } catch (error) {
      failures.push(`seed ${seed}: V8 does not take the program: ${(error as Error).stack}`);
      different++;
      continue;
    }
    for (const configuration of configurationsFor(seed)) {
      const verdict = compareWith(expected, program, binaries, seed, configuration);
      if (verdict === "same") same++;
      if (verdict === "inconclusive") inconclusive++;
      if (typeof verdict === "string") continue;
      different++;
      const { line, context, expected: wanted, actual } = verdict;
      failures.push(
        `seed ${seed}, ${configurationName(configuration)}, line ${line}:\n${
          context.join("\n")
        }\nV8:   ${wanted}\nours: ${actual}`,
      );
      if (REDUCES && different === 1) {
        const small = shrink(generateProgram(new Random(seed)), (candidate) => fails(candidate, seed, configuration));
        failures.push(`reduced:\n${programText(small).join("\n\n")}`);
        failures.push(JSON.stringify(verdictOf(small, seed, configuration), undefined, 2));
        if (OUT !== undefined) failures.push(`written: ${writeProgram(small, OUT, `seed_${seed}`).join(", ")}`);
      }
    }
    if (different > 10) break;
  }
  reportTally({ suite: "random programs", passed: same, failed: different, skipped: inconclusive });
  assert(failures.length === 0, failures.join("\n\n"));
  // Deep recursion is rare: if it decided many programs, the comparison would say little.
  assert(inconclusive <= same / 20 + 1, `${inconclusive} of ${same + inconclusive} decided by running out of stack`);
});
