/**
 * The command line from start to end, a process for each sample: without a cache, with an empty one, and with one that has the module.
 *
 * usage: deno task bench:start [--rounds 7] [NAME...]
 *
 * Prints the best of N in milliseconds; a program whose run takes long hides what starting takes. Needs the program collection that the tests
 * use (see tests/testdata.ts); without it, the small programs of this repository.
 */

import { parseArgs } from "node:util";
import { programs } from "../tests/programs/collection.ts";
import { sharedRoot } from "../tests/testdata.ts";

const CLI = new URL("../cli.ts", import.meta.url).pathname;
const OWN = new URL("../tests/programs/wordcount/", import.meta.url).pathname;

async function once(options: readonly string[], folder: string, command: readonly string[]): Promise<number> {
  const start = performance.now();
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CLI, ...options, "--dir", `${folder}::.`, ...command],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) throw new Error(`${command[0]}: exit code ${code}: ${new TextDecoder().decode(stderr)}`);
  return performance.now() - start;
}

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: { rounds: { type: "string", default: "7" } },
  allowPositionals: true,
});
const rounds = Number(values.rounds);
const rows: [name: string, folder: string, command: string[]][] = [
  ["wordcount", OWN, [`${OWN}wordcount.wasm`, "sample.txt"]],
];
const root = sharedRoot();
if (root !== undefined) {
  for (const { folder, file, path, waitsFor } of programs(root)) {
    if (waitsFor === undefined) rows.push([`${folder}/${file}`, path.slice(0, path.lastIndexOf("/")), [path]]);
  }
}
const cache = Deno.makeTempDirSync();
console.log(`${"program".padEnd(28)} no cache     miss      hit`);
try {
  for (const [name, folder, command] of rows) {
    if (positionals.length > 0 && !positionals.some((wanted) => name.includes(wanted))) continue;
    const best = [Infinity, Infinity, Infinity];
    for (let round = 0; round < rounds; round++) {
      const directory = `${cache}/${name.replaceAll("/", "_")}.${round}`;
      const samples = [["--no-cache"], ["--cache-dir", directory], ["--cache-dir", directory]];
      for (const [i, options] of samples.entries()) best[i] = Math.min(best[i], await once(options, folder, command));
    }
    console.log(`${name.padEnd(28)} ${best.map((ms) => ms.toFixed(0).padStart(8)).join(" ")}`);
  }
} finally {
  Deno.removeSync(cache, { recursive: true });
}
