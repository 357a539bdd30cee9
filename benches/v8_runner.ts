/**
 * Runs one program on V8's WebAssembly with this project's WASI: the baseline of benches/programs_bench.ts and the oracle of the program
 * tests. A process of its own, since V8's tiers are chosen by flags at its start.
 *
 * usage: deno run -A benches/v8_runner.ts [--warm N] [--hash] MODULE FOLDER
 *
 * Prints one JSON line on standard error: {"compileMs", "compileWarmMs", "instantiateUs", "runMs", "cpuMs", "hash", "peakRssBytes"}.
 */

import { type FunctionSink, WasiExit, WasiPreview1 } from "../lib/wasi/mod.ts";
import process from "node:process";
import { parseArgs } from "node:util";
import { peakRssBytes } from "./peak_rss.ts";

/** V8 caches compiled code by the module's bytes: a custom section with a fresh content makes each sample a real compilation. */
function uniqueBytes(bytes: Uint8Array, salt: number): Uint8Array<ArrayBuffer> {
  const section = new Uint8Array([0, 6, 1, 0x78, salt & 255, salt >> 8 & 255, salt >> 16 & 255, salt >> 24 & 255]);
  const unique = new Uint8Array(bytes.length + section.length);
  unique.set(bytes);
  unique.set(section, bytes.length);
  return unique;
}

/** FNV-1a over 32-bit words, for comparing memories. */
export function hashMemory(buffer: ArrayBufferLike): number {
  let hash = 0x811c9dc5;
  for (const word of new Int32Array(buffer)) hash = Math.imul(hash ^ word, 0x01000193);
  return hash >>> 0;
}

/** Least time spent compiling before the best compile time counts as warm. */
const WARM_MS = 3000;

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { warm: { type: "string", default: "0" }, hash: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const [path, folder] = positionals;
  const bytes = Deno.readFileSync(path);
  let salt = Deno.pid << 8;

  let start = performance.now();
  const module = new WebAssembly.Module(uniqueBytes(bytes, salt++));
  const compileMs = performance.now() - start;

  let cpuStart = process.cpuUsage();
  let cpu = cpuStart;
  let benchStart = 0;
  let benchEnd = 0;
  let hash: number | undefined;
  const guest: { memory?: WebAssembly.Memory } = {};
  const imports: Record<string, Record<string, (...args: (number | bigint)[]) => unknown>> = {
    bench: {
      start: () => {
        cpuStart = process.cpuUsage();
        benchStart = performance.now();
      },
      end: () => {
        benchEnd = performance.now();
        cpu = process.cpuUsage(cpuStart);
        if (values.hash) hash = hashMemory(guest.memory!.buffer);
      },
    },
  };
  const wasi = new WasiPreview1({
    args: [path.split("/").at(-1)!],
    preopens: [{ host: folder, guest: "." }],
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  const define: FunctionSink = (from, name, _parameters, _results, implementation) => {
    (imports[from] ??= {})[name] = implementation;
  };
  wasi.defineFunctions(define);
  start = performance.now();
  const { exports } = new WebAssembly.Instance(module, imports as WebAssembly.Imports);
  const instantiateUs = (performance.now() - start) * 1000;
  guest.memory = exports.memory as WebAssembly.Memory;
  wasi.bindMemory(guest.memory);
  let code = 0;
  try {
    (exports._start as () => void)();
  } catch (error) {
    if (!(error instanceof WasiExit)) throw error;
    code = error.code;
  }
  const peaks = { peakRssBytes: peakRssBytes() };
  let compileWarmMs = Infinity;
  // Small modules compile many times: the compiler counts as warm when it has worked for three seconds.
  const warmStart = performance.now();
  for (let i = 0; i < Number(values.warm) || (i > 0 && performance.now() - warmStart < WARM_MS); i++) {
    start = performance.now();
    new WebAssembly.Module(uniqueBytes(bytes, salt++));
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
