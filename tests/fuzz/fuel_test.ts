/**
 * Random programs take the same fuel, to the unit, at every effort, with every kind of bounds, and when they are interrupted all the time; and
 * what they do is what they do without fuel.
 */

import { assert, assertEquals } from "@std/assert";
import { generateProgram } from "./generators/module_generator.ts";
import { Random } from "./generators/random.ts";
import { encodeProgram, record, type Recording } from "./oracles/differential.ts";
import { type Configuration, configurationName, TheropodSession } from "./oracles/engines.ts";

const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const COUNT = Number(Deno.env.get("FUZZ_COUNT") ?? 60);
const BUDGET_MS = Deno.env.has("FUZZ_COUNT") ? Infinity : 20_000;

const PLAIN: Configuration = { bounds: "guard", effort: "speed" };
const COUNTED: readonly Configuration[] = [
  { bounds: "guard", effort: "speed", fuel: "counted" },
  { bounds: "guard", effort: "speed", fuel: "counted" }, // again
  { bounds: "guard", effort: "none", fuel: "counted" },
  { bounds: "explicit", effort: "speed", fuel: "counted" },
  { bounds: "guard", effort: "speed", stress: "on", fuel: "counted" },
];

/** Where the stack ends depends on the code: what was taken until then, too. */
function endsByStack({ lines }: Recording): boolean {
  return lines.some((line) => line.includes("traps: stack"));
}

Deno.test("random programs take the same fuel however they are compiled", () => {
  const started = performance.now();
  let compared = 0, taken = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT && performance.now() - started < BUDGET_MS; seed++) {
    const program = generateProgram(new Random(seed));
    const binaries = encodeProgram(program);
    using plain = new TheropodSession(PLAIN);
    const expected = record(plain, program, binaries, seed);
    const fuel: number[] = [];
    for (const configuration of COUNTED) {
      using session = new TheropodSession(configuration);
      const seen = record(session, program, binaries, seed);
      if (endsByStack(expected) || endsByStack(seen)) break;
      assertEquals(seen.lines, expected.lines, `seed ${seed}, ${configurationName(configuration)}`);
      fuel.push(session.fuelConsumed);
      assertEquals(fuel.at(-1), fuel[0], `seed ${seed}, ${configurationName(configuration)}`);
    }
    if (fuel.length < COUNTED.length) continue;
    compared++;
    taken += fuel[0];
  }
  assert(compared > 0 && taken > compared, `${compared} programs took ${taken}`);
});
