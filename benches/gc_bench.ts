/**
 * The program `splay`, which keeps a tree of objects and changes it all the time: V8 and each of our collectors, interleaved, a process for each
 * sample.
 *
 * usage: deno task bench:gc [--rounds 9]
 *
 * Prints by engine the median of the times, what that is of V8's, the median of the processor times of all threads, the most bytes that objects had when a collection began or the program ended,
 * and the most memory that the process had (RSS: the engine included). It needs the program collection that the specification tests
 * use (see tests/testdata.ts).
 */

import { parseArgs } from "node:util";
import { sharedRoot } from "../tests/testdata.ts";

/** Runners and their arguments. */
const ENGINES = {
  V8: ["v8_runner.ts"],
  generational: ["theropod_runner.ts", "--collector", "generational"],
  copying: ["theropod_runner.ts", "--collector", "copying"],
  refcounting: ["theropod_runner.ts", "--collector", "refcounting"],
} as const;
type EngineName = keyof typeof ENGINES;
const NAMES = Object.keys(ENGINES) as EngineName[];

/** The bars: at most so much of V8's time, and at least so much less than counting takes. */
const MOST_OF_V8 = 1.2;
const LEAST_UNDER_COUNTING = 3;

interface Sample {
  readonly runMs: number;
  /** Processor time of all threads meanwhile: V8 collects on several. */
  readonly cpuMs: number;
  readonly peakHeapBytes: number | undefined;
  readonly peakRssBytes: number;
}

async function sample(name: EngineName, program: string): Promise<Sample> {
  const [script, ...options] = ENGINES[name];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      new URL(script, import.meta.url).pathname,
      ...options,
      `${program}/splay.wasm`,
      program,
    ],
    stdout: "null",
  }).output();
  const lines = new TextDecoder().decode(stderr).trimEnd().split("\n");
  if (code !== 0) throw new Error(`${name}: exit code ${code}: ${lines.slice(-5).join(" | ")}`);
  return JSON.parse(lines.at(-1)!);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? "not told" : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "9" } } });
const root = sharedRoot();
if (root === undefined) {
  console.log("skipped: the program collection is not here");
  Deno.exit(0);
}

const samples: Record<EngineName, Sample[]> = { V8: [], generational: [], copying: [], refcounting: [] };
for (let round = 0; round < Number(options.rounds); round++) {
  const names = round % 2 === 0 ? NAMES : NAMES.toReversed();
  for (const name of names) {
    // The second of two in a row: a virtual machine's host takes free memory back within seconds, in pieces of 2 MiB, and giving it again
    // at the first touch takes longer than the program. So each engine finds what it has just left itself.
    await sample(name, `${root}/programs/splay`);
    samples[name].push(await sample(name, `${root}/programs/splay`));
  }
}

const times = Object.fromEntries(
  NAMES.map((name) => [name, median(samples[name].map(({ runMs }) => runMs))]),
) as Record<
  EngineName,
  number
>;
console.log(`splay, median of ${options.rounds}`);
console.log(
  "engine".padEnd(14) + "ms".padStart(8) + "of V8".padStart(8) + "CPU ms".padStart(8) + "objects".padStart(14) +
    "RSS".padStart(14),
);
for (const name of NAMES) {
  const heaps = samples[name].map(({ peakHeapBytes }) => peakHeapBytes).filter((bytes) => bytes !== undefined);
  const heap = mebibytes(heaps.length === 0 ? undefined : Math.max(...heaps));
  const rss = mebibytes(Math.max(...samples[name].map(({ peakRssBytes }) => peakRssBytes)));
  console.log(
    name.padEnd(14) + times[name].toFixed(0).padStart(8) + (times[name] / times.V8).toFixed(2).padStart(8) +
      median(samples[name].map(({ cpuMs }) => cpuMs)).toFixed(0).padStart(8) +
      heap.padStart(14) + rss.padStart(14),
  );
}
const ofV8 = times.generational / times.V8;
const underCounting = times.refcounting / times.generational;
console.log(
  `generational is ${ofV8.toFixed(2)} of V8's time: ${ofV8 <= MOST_OF_V8 ? "within" : "beyond"} ${MOST_OF_V8}`,
);
console.log(
  `and ${underCounting.toFixed(2)} times as fast as refcounting: ${
    underCounting >= LEAST_UNDER_COUNTING ? "at least" : "less than"
  } ${LEAST_UNDER_COUNTING}`,
);
