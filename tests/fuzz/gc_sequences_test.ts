/**
 * Random sequences of operations on objects and tables, by the guest and by the host, against a model that says what each does and which objects
 * live. Every collector runs every sequence, collecting at every allocation; some run it plainly too. FUZZ_COUNT sequences from FUZZ_SEED on.
 */

import { assert, assertEquals } from "@std/assert";
import { type CollectorName, COLLECTORS } from "../../lib/runtime/mod.ts";
import { type ArrayType, Engine, Module, type StructType } from "../../mod.ts";
import { STRESS } from "../configurations.ts";
import { reportTally } from "../tally.ts";
import { wat } from "../wat.ts";
import {
  ARRAY_NAMES,
  gcSequenceGuest,
  generateSequence,
  type Operation,
  STRUCT_NAMES,
} from "./generators/gc_sequences.ts";
import { Random } from "./generators/random.ts";
import { shrinkSequence } from "./oracles/shrink_sequence.ts";
import { Divergence, OPERATION_WEIGHTS, type OperationName, SequenceRun } from "./oracles/gc_sequence.ts";

const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const COUNT = Number(Deno.env.get("FUZZ_COUNT") ?? 250);
const BUDGET_MS = Deno.env.has("FUZZ_COUNT") ? Infinity : 6000;
const PROGRESS = Deno.env.get("FUZZ_PROGRESS");
/** One sequence in so many runs without stress too. */
const PLAIN = 3;

/** Without stress, what matters is that young objects become old, and not by collections of everything. */
const PLAIN_WEIGHTS: typeof OPERATION_WEIGHTS = { ...OPERATION_WEIGHTS, fillNursery: 24, compare: 1, collect: 1 };

/** Whether a collection leaves exactly what is reachable. */
const COUNTS: Record<CollectorName, "exact" | "none"> = {
  generational: "exact",
  copying: "exact",
  refcounting: "exact",
  null: "none",
};

interface World {
  readonly engine: Engine;
  readonly module: Module;
  readonly types: Record<string, StructType | ArrayType>;
}

const worlds = new Map<string, World>();
const GUEST = wat(gcSequenceGuest());

function worldOf(collector: CollectorName, mode: "stress" | "plain"): World {
  const key = `${collector} ${mode}`;
  let world = worlds.get(key);
  if (world === undefined) {
    const engine = new Engine({ collector, checks: "on", ...mode === "stress" ? STRESS : {} });
    const module = new Module(engine, GUEST);
    const types = Object.fromEntries<StructType | ArrayType>([
      ...STRUCT_NAMES.map((name) => [name, module.structType(name)] as const),
      ...ARRAY_NAMES.map((name) => [name, module.arrayType(name)] as const),
    ]);
    worlds.set(key, world = { engine, module, types });
  }
  return world;
}

let objectsCompared = 0, results = 0, refusals = 0;

/** Runs a sequence; what is wrong with it, if anything. */
function failureOf(
  collector: CollectorName,
  mode: "stress" | "plain",
  operations: readonly Operation<OperationName>[],
): string | undefined {
  const { engine, module, types } = worldOf(collector, mode);
  const run = new SequenceRun(engine, module, types, COUNTS[collector], mode, operations);
  try {
    run.run();
    run[Symbol.dispose]();
    return undefined;
  } catch (error) {
    const at = operations[run.position];
    try {
      run[Symbol.dispose]();
    } catch {
      // The store of a failed run may not close.
    }
    return `at operation ${run.position} (${at?.name}): ${
      error instanceof Divergence ? error.message : (error as Error).stack
    }`;
  } finally {
    objectsCompared += run.objectsCompared;
    results += run.outcomes.result;
    refusals += run.outcomes.refusal;
  }
}

const textOf = (operations: readonly Operation[]) =>
  operations.map(({ name, numbers }) => `  ${name} ${numbers.join(" ")}`).join("\n");

Deno.test("random sequences of operations on objects and tables do what the model does", async () => {
  const started = performance.now();
  const failures: string[] = [];
  let passed = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT && performance.now() - started < BUDGET_MS; seed++) {
    if (PROGRESS !== undefined) Deno.writeTextFileSync(PROGRESS, String(seed));
    const random = new Random(seed);
    const isPlain = seed % PLAIN === 0;
    const operations = generateSequence(random, isPlain ? PLAIN_WEIGHTS : OPERATION_WEIGHTS, 20 + random.below(80));
    const modes = isPlain ? ["stress", "plain"] as const : ["stress"] as const;
    for (const collector of COLLECTORS) {
      for (const mode of modes) {
        const failure = failureOf(collector, mode, operations);
        if (failure === undefined) {
          passed++;
          continue;
        }
        const shrunk = await shrinkSequence(operations, (part) => failureOf(collector, mode, part) !== undefined);
        failures.push(
          `seed ${seed}, ${collector} ${mode}: ${failure}\nshortest:\n${textOf(shrunk)}\n${
            failureOf(collector, mode, shrunk)
          }`,
        );
      }
    }
    if (failures.length > 3) break;
  }
  reportTally({ suite: "sequences on objects and tables", passed, failed: failures.length, skipped: 0 });
  assertEquals(failures, []);
  // Comparisons that find nothing to compare would say little.
  assert(objectsCompared > passed * 10, `${objectsCompared} objects in ${passed} runs`);
  assert(results > refusals * 2 && refusals > passed, `${results} results and ${refusals} refusals`);
});
