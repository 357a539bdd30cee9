/**
 * Many random programs in child processes: a child that dies, or never ends, is a defect like any other divergence, and its last seed is
 * known.
 *
 * usage: deno run -A tests/fuzz/campaign.ts FIRST_SEED COUNT [BATCH]
 */

const [first = 1, count = 1000, batch = 200] = Deno.args.map(Number);
/** A batch that takes longer than this for each of its programs does not end: fuel makes every program end. */
const SLOWEST_PROGRAM_MS = 2000;

const test = new URL("./differential_test.ts", import.meta.url).pathname;
const progress = Deno.makeTempFileSync({ prefix: "theropod-fuzz-" });
const started = performance.now();
let done = 0;
let failedBatches = 0;

for (let seed = first; seed < first + count; seed += batch) {
  const size = Math.min(batch, first + count - seed);
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", test],
    env: { FUZZ_SEED: String(seed), FUZZ_COUNT: String(size), FUZZ_PROGRESS: progress, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(size * SLOWEST_PROGRAM_MS),
  }).output();
  done += size;
  if (code === 0) continue;
  failedBatches++;
  const text = new TextDecoder();
  const isFailure = code === 1 && signal === null;
  console.log(
    isFailure
      ? `seeds ${seed} to ${seed + size - 1}: divergence`
      : `seed ${Deno.readTextFileSync(progress)}: the process ended with ${signal ?? code}`,
  );
  console.log(text.decode(stdout).split("\nFAILURES")[0], isFailure ? "" : text.decode(stderr).slice(-2000));
}
Deno.removeSync(progress);
const seconds = (performance.now() - started) / 1000;
console.log(`${done} programs from seed ${first}, ${failedBatches} failing batches, ${seconds.toFixed(0)} s`);
Deno.exit(failedBatches === 0 ? 0 : 1);
