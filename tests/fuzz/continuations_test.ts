/**
 * Random programs of continuations: results, traps and exceptions are those of V8 started with its flag for stack switching.
 *
 * FUZZ_COUNT programs (default 100) from FUZZ_SEED (default 1) on, in the configuration that the seed chooses.
 */

import { assert, assertEquals } from "@std/assert";
import { parseModule } from "../../lib/text/mod.ts";
import { COLLECTORS } from "../../lib/runtime/mod.ts";
import { ALL_FEATURES, featureNames } from "../../lib/wasm/mod.ts";
import { Engine, type EngineConfig, Exception, Instance, Module, Store } from "../../mod.ts";
import { CONFIGURATIONS } from "../configurations.ts";
import { reportTally } from "../tally.ts";
import { continuationProgram } from "./generators/continuations.ts";
import { Random } from "./generators/random.ts";
import { type Outcome, outcomeOf, outcomesOfV8 } from "./oracles/v8_outcomes.ts";

const ARGS = [0, 1, 2, 7, -1, 12345];
/** Programs a process: V8 keeps the stacks of continuations that were dropped, and ends when there is no memory for another. */
const BATCH = 100;
const FLAG = "--experimental-wasm-wasmfx";

Deno.test("programs of continuations do what they do in V8", async () => {
  const cases = Number(Deno.env.get("FUZZ_COUNT") ?? 100);
  const firstSeed = Number(Deno.env.get("FUZZ_SEED") ?? 1);
  const features = featureNames(ALL_FEATURES);
  const configurations: EngineConfig[] = [
    ...Object.values(CONFIGURATIONS),
    // Without collections the stacks of continuations that nobody has stay, and a store has but so many.
    ...COLLECTORS.filter((name) => name !== "null").map((collector): EngineConfig => ({
      collector,
      stress: { gc: true },
    })),
  ];
  const engines = configurations.map((config) => new Engine({ ...config, checks: "on", features }));
  const modules = Array.from({ length: cases }, (_, i) => parseModule(continuationProgram(new Random(firstSeed + i))));
  const wanted: Outcome[][] = [];
  for (let i = 0; i < cases; i += BATCH) wanted.push(...await outcomesOfV8([FLAG], modules.slice(i, i + BATCH), ARGS));
  const wrong: string[] = [];
  const seen = new Map<string, number>();
  modules.forEach((bytes, i) => {
    const engine = engines[i % engines.length];
    using store = new Store(engine);
    const { exports } = new Instance(store, new Module(engine, bytes));
    const run = exports.run as (x: number) => number;
    const got: Outcome[] = ARGS.map((arg) => outcomeOf(() => run(arg), (error) => error instanceof Exception));
    for (const outcome of got) {
      const kind = typeof outcome === "number" ? "value" : outcome;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }
    if (got.some((outcome, k) => outcome !== wanted[i][k])) {
      wrong.push(`seed ${firstSeed + i}: ${got} | V8: ${wanted[i]}`);
    }
  });
  reportTally({ suite: "programs of continuations", passed: cases - wrong.length, failed: wrong.length, skipped: 0 });
  assertEquals(wrong, []);
  // Otherwise the programs test little.
  for (const kind of ["value", "exception", "trap"]) assert(seen.has(kind), kind);
});
