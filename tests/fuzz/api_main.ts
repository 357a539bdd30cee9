/**
 * The child process of api_test.ts: runs sequences of uses of the API and prints what came of them as JSON. A file, if one is named, has the
 * seed and the use that is under way.
 *
 * usage: deno run -A api_main.ts FIRST COUNT [BUDGET_MS [PROGRESS_FILE]]
 */

import { Engine, Instance, Module, Store } from "../../mod.ts";
import { wat } from "../wat.ts";
import { Random } from "./generators/random.ts";
import { KINDS, type OPERATIONS, prepare } from "./oracles/api_operations.ts";
import { type Use, Violation, World } from "./oracles/api_world.ts";
import { shrinkSequence } from "./oracles/shrink_sequence.ts";

/** What the process tells. */
export interface Report {
  readonly passed: number;
  readonly failures: readonly string[];
  /** Results and errors by kind of use. */
  readonly outcomes: Readonly<Record<keyof typeof OPERATIONS, { readonly results: number; readonly errors: number }>>;
}

const [first, count, budgetMs = Infinity] = Deno.args.slice(0, 3).map(Number);
const progress = Deno.args[3] === undefined ? undefined : Deno.openSync(Deno.args[3], { write: true, create: true });
const encoder = new TextEncoder();
/** How long promises may take to settle when a sequence is over; and while it is reduced, which would take forever otherwise. */
const SETTLE_MS = 10_000;
const SHRINK_SETTLE_MS = 500;
const LENGTH = { least: 30, more: 90 };

const NAMES = Object.entries(KINDS).flatMap(([name, { weight = 2 }]) => Array<string>(weight).fill(name));
const outcomes: Record<string, { results: number; errors: number }> = {};

function usesOf(seed: number): Use[] {
  const random = new Random(seed);
  return Array.from({ length: LENGTH.least + random.below(LENGTH.more) }, () => ({
    name: random.pick(NAMES),
    seed: random.next(),
  }));
}

// What is left of earlier sequences must not matter to this one.
const canaryEngine = new Engine();
const canaryStore = new Store(canaryEngine);
const canary = new Instance(
  canaryStore,
  new Module(
    canaryEngine,
    wat(`(module (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))`),
  ),
).exports.div;

/** Runs a sequence; what is wrong with it, if anything. */
async function failureOf(seed: number, uses: readonly Use[], settleMs: number): Promise<string | undefined> {
  let last = "none";
  const world = new World(uses, KINDS, ({ name }) => {
    last = name;

    progress?.seekSync(0, Deno.SeekMode.Start);
    progress?.writeSync(encoder.encode(`${seed} ${name}`.padEnd(60)));
  });
  try {
    // What user code does in here is reproducible as well.
    world.random = new Random(seed);
    prepare(world, seed);
    await world.run(settleMs);
    if (canary(100, 4) !== 25) return "a guest of another engine does not compute";
    return undefined;
  } catch (error) {
    for (const store of world.pools.store as Store[]) {
      try {
        store.close();
      } catch {
        // A call may be parked for good: that is what is reported.
      }
    }
    return `${error instanceof Violation ? error.message : `BROKEN TEST ${(error as Error)?.stack}`} (last: ${last})`;
  } finally {
    for (const [name, { results, errors }] of world.outcomes) {
      const sum = outcomes[name] ??= { results: 0, errors: 0 };
      sum.results += results;
      sum.errors += errors;
    }
  }
}

// A rejection that nobody handles would be the API's: every promise that it gave is handled.
const unhandled: string[] = [];
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  const { reason } = event as PromiseRejectionEvent;
  if ((reason as Error)?.name !== "Hostile") unhandled.push(String((reason as Error)?.stack ?? reason));
});

const started = performance.now();
const failures: string[] = [];
let passed = 0;
for (let seed = first; seed < first + count && performance.now() - started < budgetMs; seed++) {
  const uses = usesOf(seed);
  let failure = await failureOf(seed, uses, SETTLE_MS);
  if (unhandled.length > 0) failure ??= `a rejection is unhandled: ${unhandled[0]}`;
  unhandled.length = 0;
  if (failure === undefined) {
    passed++;
    continue;
  }
  console.error(`seed ${seed}: ${failure}`);
  const shrunk = await shrinkSequence(
    uses,
    async (part) => await failureOf(seed, part, SHRINK_SETTLE_MS) !== undefined,
  );
  const text = shrunk.map(({ name, seed }) => `  ${name} ${seed}`).join("\n");
  failures.push(`seed ${seed}: ${failure}\nshortest:\n${text}\n${await failureOf(seed, shrunk, SHRINK_SETTLE_MS)}`);
  if (failures.length > 3) break;
}
console.log(JSON.stringify({ passed, failures, outcomes } as unknown as Report));
Deno.exit(0);
