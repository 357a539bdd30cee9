/**
 * Random programs whose instances were spoiled and reset before they run: they do what V8's fresh ones do. `FUZZ_SEED` and `FUZZ_COUNT`
 * choose others.
 */

import { assert, assertEquals } from "@std/assert";
import { Global, type Instance, Memory, Table } from "../../mod.ts";
import { reportTally } from "../tally.ts";
import { generateProgram } from "./generators/module_generator.ts";
import { Random } from "./generators/random.ts";
import { compareWith, encodeProgram, recordExpected } from "./oracles/differential.ts";
import { configurationName, CONFIGURATIONS, TheropodSession } from "./oracles/engines.ts";

const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const COUNT = Number(Deno.env.get("FUZZ_COUNT") ?? 200);
/** A run that nobody sized ends after this time on a slow machine. */
const BUDGET_MS = Deno.env.has("FUZZ_COUNT") ? Infinity : 10_000;

/** What was spoiled, over all programs: each at least once, or the test says nothing. */
const spoiled = { memories: 0, growths: 0, tables: 0, globals: 0 };

/** Spoils what an instance defines and exports, and resets it. */
class ResetSession extends TheropodSession {
  readonly #random = new Random(4711);

  protected override onInstantiated(
    instance: Instance,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ): void {
    // Host calls of a start function would be seen twice.
    const { start, memories, importedMemoryCount } = instance.module.wasm;
    if (start >= 0 || memories.slice(importedMemoryCount).some(({ isShared }) => isShared)) return;
    const random = this.#random;
    const imported = new Set(Object.values(imports).flatMap((named) => Object.values(named)));
    for (const value of Object.values(instance.exports)) {
      if (imported.has(value)) continue;
      if (value instanceof Memory) {
        value.view.fill(random.below(256));
        spoiled.memories++;
        if (random.oneIn(2)) spoiled.growths += attempt(() => value.grow(1));
      } else if (value instanceof Table) {
        spoiled.tables += attempt(() => value.fill(null, 0, value.size));
        if (random.oneIn(2)) spoiled.growths += attempt(() => value.grow(3, null));
      } else if (value instanceof Global) {
        const old = value.value;
        const other = typeof old === "number" ? 1234.5 : typeof old === "bigint" ? -77n : null;
        spoiled.globals += attempt(() => value.value = other as never);
      }
    }
    instance.reset();
  }
}

/** Whether something could be done: there are maxima, and things that are never null or do not change. */
function attempt(spoil: () => unknown): 0 | 1 {
  try {
    spoil();
    return 1;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    return 0;
  }
}

Deno.test("instances that were spoiled and reset do what fresh ones do in V8", () => {
  const failures: string[] = [];
  const started = performance.now();
  let same = 0, inconclusive = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT && performance.now() - started < BUDGET_MS; seed++) {
    const program = generateProgram(new Random(seed));
    const binaries = encodeProgram(program);
    const expected = recordExpected(program, binaries, seed);
    const configuration = CONFIGURATIONS[seed % CONFIGURATIONS.length];
    const verdict = compareWith(expected, program, binaries, seed, configuration, (chosen) => new ResetSession(chosen));
    if (verdict === "same") same++;
    else if (verdict === "inconclusive") inconclusive++;
    else {
      const { line, context, expected: wanted, actual } = verdict;
      failures.push(
        `seed ${seed}, ${configurationName(configuration)}, line ${line}:\n${
          context.join("\n")
        }\nV8:   ${wanted}\nours: ${actual}`,
      );
    }
  }
  reportTally({ suite: "reset programs", passed: same, failed: failures.length, skipped: inconclusive });
  assertEquals(failures.slice(0, 3).join("\n\n"), "");
  for (const [what, times] of Object.entries(spoiled)) assert(times > 0, `no ${what} were spoiled`);
});
