/**
 * Runs one program on this engine: the counterpart of benches/v8_runner.ts, with the same arguments and output.
 *
 * usage: deno run -A benches/theropod_runner.ts [--warm N] [--hash] [--bounds guard|explicit] [--collector NAME] [--stress] MODULE FOLDER
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { Engine, type EngineConfig, Linker, Memory, Module, Store } from "../mod.ts";
import { WasiExit, WasiPreview1 } from "../lib/wasi/mod.ts";
import { STRESS } from "../tests/configurations.ts";
import { peakRssBytes } from "./peak_rss.ts";
import { hashMemory } from "./v8_runner.ts";

/** Least time spent compiling before the best compile time counts as warm. */
const WARM_MS = 3000;

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: {
      warm: { type: "string", default: "0" },
      hash: { type: "boolean", default: false },
      bounds: { type: "string", default: "guard" },
      collector: { type: "string", default: "generational" },
      stress: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const [path, folder] = positionals;
  const bytes = Deno.readFileSync(path);
  using engine = new Engine({
    bounds: values.bounds === "explicit" ? "explicit" : "guard",
    collector: values.collector as NonNullable<EngineConfig["collector"]>,
    // Fewer polls leave than in scripts: programs have millions.
    ...(values.stress ? { interruption: true, stress: { ...STRESS.stress, poll: 4099 } } : {}),
  });

  let start = performance.now();
  const module = new Module(engine, bytes);
  const compileMs = performance.now() - start;

  let cpuStart = process.cpuUsage();
  let cpu = cpuStart;
  let benchStart = 0;
  let benchEnd = 0;
  let hash: number | undefined;
  let memory: Memory | undefined;
  using store = new Store(engine);
  const linker = new Linker(engine);
  linker.defineFunc("bench", "start", { parameters: [], results: [] }, () => {
    cpuStart = process.cpuUsage();
    benchStart = performance.now();
  });
  linker.defineFunc("bench", "end", { parameters: [], results: [] }, () => {
    benchEnd = performance.now();
    cpu = process.cpuUsage(cpuStart);
    if (values.hash) hash = hashMemory(memory!.buffer);
  });
  using wasi = new WasiPreview1({
    args: [path.split("/").at(-1)!],
    preopens: [{ host: folder, guest: "." }],
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  wasi.defineFunctions((from, name, parameters, results, implementation) =>
    linker.defineFunc(from, name, { parameters, results }, implementation)
  );
  start = performance.now();
  const instance = linker.instantiate(store, module);
  const instantiateUs = (performance.now() - start) * 1000;
  if (instance.exports.memory instanceof Memory) {
    memory = instance.exports.memory;
    wasi.bindMemory(memory);
  }
  let code = 0;
  try {
    (instance.exports._start as () => void)();
  } catch (error) {
    if (!(error instanceof WasiExit)) throw error;
    code = error.code;
  }
  const peaks = { peakHeapBytes: store.usage().gcHeapBytes.peak, peakRssBytes: peakRssBytes() };
  let compileWarmMs = Infinity;
  // Small modules compile many times: the compiler counts as warm when it has worked for three seconds.
  const warmStart = performance.now();
  for (let i = 0; i < Number(values.warm) || (i > 0 && performance.now() - warmStart < WARM_MS); i++) {
    start = performance.now();
    new Module(engine, bytes);
    compileWarmMs = Math.min(compileWarmMs, performance.now() - start);
  }
  console.error(
    JSON.stringify({
      compileMs,
      compileWarmMs,
      instantiateUs,
      runMs: benchEnd - benchStart,
      cpuMs: (cpu.user + cpu.system) / 1000,
      hash,
      ...peaks,
    }),
  );
  Deno.exit(code);
}
