/**
 * Runs every test and says what ran: the closing line is counted from the runs themselves.
 *
 * usage: deno task test [FILTER...]     paths below tests/ to restrict the run to
 */

import { readTallies } from "./tally.ts";
import { sharedRoot } from "./testdata.ts";

const ROOT = new URL("../", import.meta.url);

/** Suites that must have run something where the shared test data is. */
const REQUIRED = ["specification commands", "WASI programs", "real programs"];
/** The committed corpus always runs. */
const ALWAYS = [
  "corpus cases",
  "mutated modules",
  "random programs",
  "damaged artifacts",
  "writers of the cache killed",
];

const tallyFile = Deno.makeTempFileSync({ prefix: "theropod-tally-" });
const restricted = Deno.args.length > 0;

let passed = 0;
let failed = 0;
let skipped = 0;

/** Runs `deno test` on paths, passes its output through and adds its closing counts. */
async function denoTest(label: string, paths: readonly string[], flags: readonly string[]): Promise<void> {
  const started = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", ...flags, ...paths],
    cwd: ROOT,
    env: { THEROPOD_TALLY: tallyFile, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let tail = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    Deno.stdout.writeSync(new TextEncoder().encode(text));
    tail = (tail + text).slice(-4000);
  }
  const { code } = await child.status;
  const counts = tail.match(
    /(\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/,
  );
  if (counts) {
    passed += Number(counts[1]);
    failed += Number(counts[2]);
    skipped += Number(counts[3] ?? 0);
  } else failed++;
  if (code !== 0 && !(counts && Number(counts[2]) > 0)) failed++;
  console.log(`${label}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/**
 * Test files by process, the longest first. Two at a time use two cores; `deno test --parallel` would put isolates into one process, and tests that count
 * mappings and descriptors of their process would see each other.
 */
const GROUPS: Record<string, readonly string[]> = {
  "units, filetests, WASI": [
    "tests/unit",
    "tests/filetests",
    "tests/meta",
    "tests/corpus",
    "tests/regress",
    "tests/seeds",
    "tests/stack_switching",
    "tests/wasi",
  ],
  "programs, embedding, fuzzing": ["tests/programs", "tests/embed", "tests/fuzz"],
  specification: ["tests/spec"],
};

if (restricted) await denoTest("tests", Deno.args, []);
else {
  const listed = new Set(Object.values(GROUPS).flat());
  for (const { name, isDirectory } of Deno.readDirSync(new URL("tests/", ROOT))) {
    if (isDirectory && !listed.has(`tests/${name}`)) throw new Error(`tests/${name} is in no group of tests/run.ts`);
  }
  const exists = (path: string) =>
    listed.has(path) && [...Deno.readDirSync(new URL("tests/", ROOT))].some(({ name }) => path === `tests/${name}`);
  // One queue, so that two processes run at any time, whatever each takes.
  const queue = Object.entries(GROUPS);
  const work = async () => {
    for (let group = queue.shift(); group; group = queue.shift()) {
      const [label, paths] = group;
      await denoTest(label, paths.filter(exists), label === "specification" ? ["--reporter=dot"] : []);
    }
  };
  await Promise.all([work(), work()]);
  await denoTest("documents", ["README.md", "mod.ts", "lib/engine", "lib/host", "lib/wasi"], ["--doc"]);
}

const tallies = readTallies(tallyFile);
Deno.removeSync(tallyFile);
const ran = new Map<string, number>();
for (const tally of tallies) {
  passed += tally.passed;
  failed += tally.failed;
  skipped += tally.skipped;
  ran.set(tally.suite, (ran.get(tally.suite) ?? 0) + tally.passed + tally.failed);
  console.log(`${tally.suite}: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
}
if (!restricted) {
  for (const suite of [...ALWAYS, ...(sharedRoot() === undefined ? [] : REQUIRED)]) {
    if (!ran.get(suite)) {
      console.log(`${suite}: nothing ran, which is a failure`);
      failed++;
    }
  }
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
Deno.exit(failed === 0 ? 0 : 1);
