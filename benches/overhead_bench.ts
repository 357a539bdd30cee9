/**
 * What interruption and fuel cost: every real program compiled in four ways, run in turns in one process, best of N.
 *
 * usage: deno task bench:overhead [--rounds 7] [NAME...]
 *
 * Prints a row for each program and the geometric means of the ratios to plain code. Time is the thread's processor time, so that what else
 * the machine does counts as little as possible. It needs the program collection that the specification tests use (see tests/testdata.ts).
 */

import { parseArgs } from "node:util";
import { Engine, type EngineConfig, Linker, Memory, Module, Store } from "../mod.ts";
import { scratch, SYS, sys } from "../lib/host/mod.ts";
import { WasiExit, WasiPreview1 } from "../lib/wasi/mod.ts";
import { programs } from "../tests/programs/collection.ts";
import { sharedRoot } from "../tests/testdata.ts";

const WAYS: Readonly<Record<"plain" | "interruption" | "fuel" | "both", EngineConfig>> = {
  plain: {},
  interruption: { interruption: true },
  fuel: { fuel: true },
  both: { interruption: true, fuel: true },
};
const NAMES = Object.keys(WAYS) as (keyof typeof WAYS)[];

const CLOCK_THREAD_CPUTIME = 3;

/** Milliseconds that this thread has had a processor. */
function processorMs(): number {
  const { bytes, addressNumber } = scratch();
  sys(SYS.clock_gettime, CLOCK_THREAD_CPUTIME, addressNumber);
  const time = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return Number(time.getBigInt64(0, true)) * 1e3 + Number(time.getBigInt64(8, true)) / 1e6;
}

/** Runs a program once; the milliseconds between its calls of `bench.start` and `bench.end`. */
function run(engine: Engine, { fuel }: EngineConfig, module: Module, folder: string, name: string): number {
  let startMs = 0, endMs = 0;
  using store = new Store(engine);
  if (fuel) store.fuel = Number.MAX_SAFE_INTEGER;
  const linker = new Linker(engine);
  linker.defineFunc("bench", "start", { parameters: [], results: [] }, () => void (startMs = processorMs()));
  linker.defineFunc("bench", "end", { parameters: [], results: [] }, () => void (endMs = processorMs()));
  using wasi = new WasiPreview1({ args: [name], preopens: [{ host: folder, guest: "." }], stdin: "null" });
  wasi.addToLinker(linker);
  const { memory, _start } = linker.instantiate(store, module).exports;
  if (memory instanceof Memory) wasi.bindMemory(memory);
  try {
    (_start as () => void)();
  } catch (error) {
    if (!(error instanceof WasiExit && error.code === 0)) throw error;
  }
  return endMs - startMs;
}

/** The best times of one program, by way. */
function measure(path: string, rounds: number): number[] {
  const bytes = Deno.readFileSync(path);
  const folder = path.slice(0, path.lastIndexOf("/"));
  const engines = NAMES.map((way) => new Engine(WAYS[way]));
  const modules = engines.map((engine) => new Module(engine, bytes));
  const best = NAMES.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    // Another order each time: what runs after what makes a difference.
    for (let k = 0; k < NAMES.length; k++) {
      const way = (k + round) % NAMES.length;
      best[way] = Math.min(
        best[way],
        run(engines[way], WAYS[NAMES[way]], modules[way], folder, path.split("/").at(-1)!),
      );
    }
  }
  for (const engine of engines) engine[Symbol.dispose]();
  return best;
}

async function inProcess(path: string, rounds: string): Promise<number[]> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", import.meta.filename!, "--rounds", rounds, "--one", path],
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`${path}: exit code ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function percent(ratio: number): string {
  return `${ratio >= 1 ? "+" : ""}${((ratio - 1) * 100).toFixed(1)} %`.padStart(9);
}

const { values: options, positionals: wanted } = parseArgs({
  options: { rounds: { type: "string", default: "7" }, one: { type: "string" } },
  allowPositionals: true,
});
const root = sharedRoot();
if (options.one !== undefined) console.log(JSON.stringify(measure(options.one, Number(options.rounds))));
else if (root === undefined) console.log("skipped: the program collection is not here");
else {
  const sums = NAMES.map(() => 0);
  let count = 0;
  console.log("program".padEnd(26) + "plain ms".padStart(10) + NAMES.slice(1).map((way) => way.padStart(14)).join(""));
  for (const { folder, file, path, waitsFor } of programs(root)) {
    if (waitsFor !== undefined) continue;
    const name = folder === "shootout" ? file.replace(/^shootout-|\.wasm$/g, "") : folder;
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const best = await inProcess(path, options.rounds);
    const ratios = best.map((ms) => ms / best[0]);
    ratios.forEach((ratio, way) => sums[way] += Math.log(ratio));
    count++;
    console.log(
      name.padEnd(26) + best[0].toFixed(2).padStart(10) +
        ratios.slice(1).map((ratio) => percent(ratio).padStart(14)).join(""),
    );
  }
  const means = sums.map((sum) => Math.exp(sum / count));
  console.log(
    `geometric means over ${count} programs`.padEnd(36) +
      means.slice(1).map((mean) => percent(mean).padStart(14)).join(""),
  );
}
