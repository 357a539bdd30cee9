/**
 * Real programs on this engine, on V8 as Deno runs it, and on V8 with TurboFan forced: interleaved, a process for each sample, best of N.
 *
 * usage: deno task bench:programs [--rounds 5] [--warm 5] [NAME...]
 *
 * Prints a row for each program and the geometric means of the ratios to forced TurboFan. It needs the program collection that the
 * specification tests use (see tests/testdata.ts).
 */

import { parseArgs } from "node:util";
import { programs } from "../tests/programs/collection.ts";
import { sharedRoot } from "../tests/testdata.ts";

interface Sample {
  readonly compileMs: number;
  readonly compileWarmMs: number | null;
  readonly runMs: number;
}

interface Best {
  compileColdMs: number;
  compileWarmMs: number;
  runMs: number;
}

const RUNNERS = {
  theropod: { script: "theropod_runner.ts", flags: [] },
  v8: { script: "v8_runner.ts", flags: [] },
  turbofan: {
    script: "v8_runner.ts",
    flags: ["--v8-flags=--no-liftoff,--no-wasm-lazy-compilation,--no-wasm-tier-up"],
  },
} as const;
type RunnerName = keyof typeof RUNNERS;

async function sample(name: RunnerName, path: string, warm: number): Promise<Sample> {
  const { script, flags } = RUNNERS[name];
  const folder = path.slice(0, path.lastIndexOf("/"));
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      ...flags,
      new URL(script, import.meta.url).pathname,
      "--warm",
      String(warm),
      path,
      folder,
    ],
    stdout: "null",
    stderr: "piped",
  }).output();
  const lines = new TextDecoder().decode(stderr).trimEnd().split("\n");
  if (code !== 0) throw new Error(`${name} ${path}: exit code ${code}: ${lines.slice(-5).join(" | ")}`);
  return JSON.parse(lines.at(-1)!);
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

const { values: options, positionals: wanted } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, warm: { type: "string", default: "5" } },
  allowPositionals: true,
});
const root = sharedRoot();
if (root === undefined) {
  console.log("skipped: the program collection is not here");
  Deno.exit(0);
}

const runnable = programs(root).filter(({ waitsFor }) => waitsFor === undefined);

const ratios = {
  run: [] as number[],
  runDefault: [] as number[],
  compileWarm: [] as number[],
  compileCold: [] as number[],
};
console.log(
  "program".padEnd(22) + "run ms: ours, V8, TurboFan (ours/TF)".padEnd(46) +
    "compile ms: warm ours, TF (ratio); cold ours, TF (ratio)",
);
for (const { folder, file, path } of runnable) {
  const name = folder === "shootout" ? file.replace(/^shootout-|\.wasm$/g, "") : folder;
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const best = {} as Record<RunnerName, Best>;
  for (const runner of Object.keys(RUNNERS) as RunnerName[]) {
    best[runner] = { compileColdMs: Infinity, compileWarmMs: Infinity, runMs: Infinity };
  }
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const runner of Object.keys(RUNNERS) as RunnerName[]) {
      // Compile samples take long and vary little: one round of them is enough.
      const { compileMs, compileWarmMs, runMs } = await sample(
        runner,
        path,
        round === 0 && runner !== "v8" ? Number(options.warm) : 0,
      );
      const entry = best[runner];
      entry.compileColdMs = Math.min(entry.compileColdMs, compileMs);
      entry.compileWarmMs = Math.min(entry.compileWarmMs, compileWarmMs ?? Infinity);
      entry.runMs = Math.min(entry.runMs, runMs);
    }
  }
  const { theropod, v8, turbofan } = best;
  ratios.run.push(theropod.runMs / turbofan.runMs);
  ratios.runDefault.push(theropod.runMs / v8.runMs);
  ratios.compileWarm.push(theropod.compileWarmMs / turbofan.compileWarmMs);
  ratios.compileCold.push(theropod.compileColdMs / turbofan.compileColdMs);
  const run = `${theropod.runMs.toFixed(2)}, ${v8.runMs.toFixed(2)}, ${turbofan.runMs.toFixed(2)} (${
    ratios.run.at(-1)!.toFixed(2)
  })`;
  const warm = `${theropod.compileWarmMs.toFixed(1)}, ${turbofan.compileWarmMs.toFixed(1)} (${
    ratios.compileWarm.at(-1)!.toFixed(2)
  })`;
  const cold = `${theropod.compileColdMs.toFixed(1)}, ${turbofan.compileColdMs.toFixed(1)} (${
    ratios.compileCold.at(-1)!.toFixed(2)
  })`;
  console.log(`${name.padEnd(22)}${run.padEnd(46)}${warm}; ${cold}`);
}
console.log(
  `geometric means over ${ratios.run.length} programs: run ${geometricMean(ratios.run).toFixed(2)} x forced TurboFan ` +
    `(${geometricMean(ratios.runDefault).toFixed(2)} x V8 as Deno runs it), compile warm ${
      geometricMean(ratios.compileWarm).toFixed(2)
    } x, ` +
    `cold ${geometricMean(ratios.compileCold).toFixed(2)} x`,
);
