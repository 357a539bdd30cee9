/**
 * Many random cases in child processes, a batch each: a child that dies or never ends is a defect like any divergence, and the seed at which it
 * did is known.
 *
 * usage: deno task fuzz [--seeds=N] [--first=SEED] [--only=SUITE,...] [--minutes=M] [--workers=W] [--out=FOLDER]
 *
 * Each suite runs N seeds from the first one on, or as many as it gets done in its part of M minutes. A failing program is reduced; FOLDER gets
 * it as text and binary.
 */

import { parseArgs } from "@std/cli/parse-args";
import { readTallies } from "../tally.ts";

/** A test that takes the first seed and their number from `FUZZ_SEED` and `FUZZ_COUNT`. */
interface Suite {
  readonly test: string;
  /** Seeds of one process. */
  readonly batch: number;
  /** Seeds unless somebody says how many. */
  readonly seeds: number;
}

const SUITES: Readonly<Record<string, Suite>> = {
  programs: { test: "differential_test.ts", batch: 100, seeds: 20_000 },
  objects: { test: "gc_test.ts", batch: 100, seeds: 2000 },
  calls: { test: "call_graph_test.ts", batch: 50, seeds: 1000 },
  continuations: { test: "continuations_test.ts", batch: 200, seeds: 2000 },
  mutations: { test: "mutate_test.ts", batch: 50_000, seeds: 200_000 },
  proposals: { test: "mutate_proposals_test.ts", batch: 10_000, seeds: 20_000 },
  allocation: { test: "regalloc_test.ts", batch: 500, seeds: 5000 },
  strings: { test: "transcode_test.ts", batch: 25_000, seeds: 100_000 },
  waits: { test: "async_calls_test.ts", batch: 500, seeds: 5000 },
  handles: { test: "handles_test.ts", batch: 2000, seeds: 20_000 },
  api: { test: "api_test.ts", batch: 200, seeds: 2000 },
  sequences: { test: "gc_sequences_test.ts", batch: 1000, seeds: 20_000 },
  passes: { test: "ir_passes_test.ts", batch: 2000, seeds: 20_000 },
  artifacts: { test: "artifact_damage_test.ts", batch: 5000, seeds: 50_000 },
  kills: { test: "../embed/cache_processes_test.ts", batch: 500, seeds: 500 },
};

/** A process in which this much time goes by for a seed does not end: fuel makes every program end. */
const SLOWEST_SEED_MS = 3000;
/** And whatever it does, it has this long. */
const SHORTEST_BATCH_MS = 120_000;

const options = parseArgs(Deno.args, {
  string: ["seeds", "first", "only", "minutes", "workers", "out"],
  unknown: (argument: string) => {
    console.error(`unknown argument ${argument}; see the head of tests/fuzz/campaign.ts`);
    Deno.exit(2);
  },
});
const first = Number(options.first ?? 1);
const workers = Number(options.workers ?? 1);
const names = options.only?.split(",") ?? Object.keys(SUITES);
for (const name of names) {
  if (!(name in SUITES)) {
    console.error(`no suite ${name}; there are ${Object.keys(SUITES).join(", ")}`);
    Deno.exit(2);
  }
}
const isTerminal = Deno.stdout.isTerminal();

/** How a process ended. */
interface Batch {
  readonly ending: "passed" | "failed" | "died";
  readonly report: string;
  readonly passed: number;
  readonly skipped: number;
}

async function run(suite: Suite, seed: number, count: number): Promise<Batch> {
  const progress = Deno.makeTempFileSync({ prefix: "theropod-fuzz-" });
  const tally = Deno.makeTempFileSync({ prefix: "theropod-tally-" });
  try {
    const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-all", "--no-check", new URL(suite.test, import.meta.url).pathname],
      env: {
        FUZZ_SEED: String(seed),
        FUZZ_COUNT: String(count),
        FUZZ_SHRINK: "1",
        FUZZ_PROGRESS: progress,
        THEROPOD_TALLY: tally,
        NO_COLOR: "1",
        ...options.out === undefined ? {} : { FUZZ_OUT: options.out },
      },
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(Math.max(SHORTEST_BATCH_MS, count * SLOWEST_SEED_MS)),
    }).output();
    const text = new TextDecoder();
    const output = text.decode(stdout), errors = text.decode(stderr);
    const tallies = readTallies(tally);
    const sum = (of: "passed" | "skipped") => tallies.reduce((total, tally) => total + tally[of], 0);
    const common = { passed: sum("passed"), skipped: sum("skipped") };
    // 134, 135 and 139 are how a shell would name what the signals abort, bus error and segmentation fault did.
    const hasDied = signal !== null || code > 1 || errors.includes("panicked");
    if (hasDied) {
      const last = Deno.readTextFileSync(progress);
      const where = last === "" ? `seeds ${seed} to ${seed + count - 1}` : `seed ${last}`;
      const report = `${where}: the process ended with ${signal ?? code}\n${output.slice(-1000)}${errors.slice(-2000)}`;
      return { ending: "died", report, ...common };
    }
    if (code === 0) return { ending: "passed", report: "", ...common };
    return {
      ending: "failed",
      report: `seeds ${seed} to ${seed + count - 1}:\n${output.split("\n FAILURES")[0]}`,
      ...common,
    };
  } finally {
    Deno.removeSync(progress);
    Deno.removeSync(tally);
  }
}

const seconds = (since: number) => (performance.now() - since) / 1000;
const whole = (count: number) => count.toLocaleString("en");

function show(line: string): void {
  if (isTerminal) Deno.stdout.writeSync(new TextEncoder().encode(`\r\x1b[K${line}`));
}

const rows: string[] = [];
let failedBatches = 0;
for (const name of names) {
  const suite = SUITES[name];
  const total = options.seeds !== undefined
    ? Number(options.seeds)
    : options.minutes !== undefined
    ? Infinity
    : suite.seeds;
  const limitS = options.minutes === undefined ? Infinity : Number(options.minutes) * 60 / names.length;
  const started = performance.now();
  let next = 0, done = 0, passed = 0, skipped = 0, failed = 0, lastShown = started;
  const line = () => {
    const of = total === Infinity ? "" : ` of ${whole(total)}`;
    const rate = (done / seconds(started)).toFixed(1);
    return `${name}: ${whole(done)}${of} seeds, ${rate}/s, ${failed} failing batches`;
  };
  const work = async () => {
    while (next < total && seconds(started) < limitS) {
      const start = next, count = Math.min(suite.batch, total - start);
      next += count;
      const batch = await run(suite, first + start, count);
      done += count;
      passed += batch.passed;
      skipped += batch.skipped;
      if (batch.ending !== "passed") {
        failed++;
        show("");
        console.log(`${name}, ${batch.report}`);
      }
      show(line());
      // Without a terminal a line a minute tells that it goes on.
      if (!isTerminal && seconds(lastShown) > 60) {
        console.log(line());
        lastShown = performance.now();
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  show("");
  failedBatches += failed;
  rows.push(
    `${name}: ${whole(done)} seeds from ${first}, ${passed === 0 ? "" : `${whole(passed)} comparisons, `}` +
      `${skipped} undecided, ${failed} failing batches, ${seconds(started).toFixed(0)} s`,
  );
}
console.log(rows.join("\n"));
Deno.exit(failedBatches === 0 ? 0 : 1);
