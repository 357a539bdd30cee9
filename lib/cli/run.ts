/** `run`: compile a file and run it as a program, or call one of its functions. */

import {
  CompileError,
  Exception,
  type Frame,
  I31Ref,
  type Instance,
  LimitError,
  Linker,
  LinkError,
  type Module,
  Store,
  Trap,
} from "../engine/mod.ts";
import { useSymbolReaders } from "../runtime/mod.ts";
import { WasiError, WasiExit, WasiPreview1 } from "../wasi/mod.ts";
import { openCache } from "./cache.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import { loadModule, makeEngine } from "./load.ts";
import { describeLimit, limitOptions, startMetering } from "./limits.ts";
import type { ParsedCommand } from "./options.ts";
import { writeOutput } from "./output.ts";

/** Times of a run, as `--bench` prints them. */
interface BenchTimes {
  startMs: number;
  endMs: number;
}

/** Runs the command; returns the exit code. */
export async function run({ options, operands }: ParsedCommand): Promise<number> {
  const [path, ...args] = operands;
  if (path === undefined) throw new UsageError("no file to run", "run");
  const limits = limitOptions(options);
  let problem: string | undefined;
  const cache = openCache(options, (message) => problem = message);
  using engine = await makeEngine(options, cache);
  const compileStart = performance.now();
  const module = await loadModule(engine, path, options["allow-precompiled"] ? "allowed" : "refused");
  if (problem !== undefined) console.error(`warning: ${problem}; --no-cache does without`);
  const compileMs = performance.now() - compileStart;

  using store = new Store(engine, { limits });
  const linker = new Linker(engine);
  using wasi = makeWasi(path, args, options);
  wasi.addToLinker(linker); // with a caller, so that a deadline ends waits as well
  const times: BenchTimes = { startMs: 0, endMs: 0 };
  defineBench(linker, times);

  let instantiateUs = 0;
  const code = await endOf(() => {
    startMetering(store, options);
    const instantiateStart = performance.now();
    const instance = linker.instantiate(store, module);
    instantiateUs = (performance.now() - instantiateStart) * 1000;
    const memory = instance.exports.memory;
    if (memory !== undefined && typeof memory === "object" && "buffer" in memory) wasi.bindMemory(memory);
    start(module, instance, options.invoke, args);
  }, async (error) => {
    if (typeof options["core-dump"] === "string") {
      await writeOutput(options["core-dump"], store.coreDump(error, { name: path }));
    }
    // Not needed by guests that end well, and every file makes the start longer.
    useSymbolReaders(await import("../symbols/mod.ts"));
    readSourceMap(module, path);
  });
  if (options.bench) {
    console.error(JSON.stringify({ compileMs, instantiateUs, runMs: times.endMs - times.startMs }));
  }
  return code;
}

/**
 * Runs `work`; what ends it, `proc_exit`, a trap or an exception that the guest does not catch, becomes the exit code. `beforeBacktrace` runs before
 * a backtrace is printed.
 */
async function endOf(work: () => void, beforeBacktrace: (error: Trap | Exception) => Promise<void>): Promise<number> {
  try {
    work();
    return EXIT.ok;
  } catch (error) {
    // Only the low byte of an exit code reaches the parent process.
    if (error instanceof WasiExit) return error.code & 0xff;
    if (error instanceof Trap || error instanceof Exception) await beforeBacktrace(error);
    if (error instanceof Trap) {
      console.error(formatEnd("trap", error, operandLines(error)));
      return EXIT.trap;
    }
    if (error instanceof Exception) {
      const values = error.values.map(formatValue).join(", ");
      console.error(
        formatEnd("uncaught exception", {
          message: values === "" ? "it carries nothing" : values,
          frames: error.frames,
        }),
      );
      return EXIT.trap;
    }
    throw error;
  }
}

/** What trapped, beyond the message. */
function operandLines({ operands }: Trap): string[] {
  if (operands?.address !== undefined) {
    const { instruction, address, memoryBytes, memoryIndex } = operands;
    return [
      `    ${instruction} at 0x${address.toString(16)}, memory ${memoryIndex} has 0x${memoryBytes!.toString(16)} bytes`,
    ];
  }
  if (operands?.index !== undefined) {
    const { instruction, index, tableIndex, tableElements } = operands;
    const where = tableElements === undefined ? "" : `, table ${tableIndex} has ${tableElements} elements`;
    return [`    ${instruction} at index ${index}${where}`];
  }
  if (operands?.expectedType === undefined) return [];
  const { instruction, expectedType, foundType } = operands;
  const what = instruction.startsWith("ref.cast") ? "a reference" : "a function";
  const found = foundType === undefined ? "" : `, found one ${foundType}`;
  return [`    ${instruction} expected ${what} ${expectedType}${found}`];
}

/** What ended the guest and its backtrace: a line for each frame, and one for each place in the sources that is known. */
function formatEnd(
  what: string,
  { message, frames }: { readonly message: string; readonly frames: readonly Frame[] },
  details: readonly string[] = [],
): string {
  const lines = [`error: ${what}: ${message}`, ...details];
  frames.forEach(({ moduleName, functionName, functionIndex, wasmOffset, symbols }, depth) => {
    const name = functionName ?? `func${functionIndex}`;
    const where = moduleName ? `${moduleName}!${name}` : name;
    lines.push(`    ${depth}: 0x${wasmOffset.toString(16)} - ${where}`);
    symbols.forEach(({ name: inlined, file, line, column }, i) => {
      if (file === undefined) return;
      const place = [file, line, column].filter((part) => part !== undefined).join(":");
      lines.push(`           at ${place}${i < symbols.length - 1 ? ` in ${inlined ?? "an inlined function"}` : ""}`);
    });
  });
  return lines.join("\n");
}

/** Attaches the source map that a module names, if it is a file below the module's folder that can be read; nothing else is fetched. */
function readSourceMap(module: Module, path: string): void {
  const url = module.sourceMapUrl;
  if (url === undefined || /^[/\\]|^[a-z][a-z0-9+.-]*:|(?:^|[/\\])\.\.(?:[/\\]|$)/i.test(url)) return;
  try {
    module.attachSourceMap(Deno.readTextFileSync(path.replace(/[^/]*$/, "") + url));
  } catch {
    // Without it the backtrace has offsets.
  }
}

/** Turns what loading and linking throw into a line for the user; anything else is a defect and passes. */
export function describeFailure(error: unknown): string | undefined {
  if (error instanceof CliError || error instanceof UsageError || error instanceof WasiError) return error.message;
  if (error instanceof CompileError) return `the module does not compile: ${error.message}`;
  if (error instanceof LinkError) return error.message;
  if (error instanceof LimitError) return describeLimit(error);
  if (error instanceof Deno.errors.NotCapable) return error.message;
  if (error instanceof Error && (["HostError", "ArtifactError", "OptimizerError"].includes(error.name))) {
    return error.message;
  }
  return undefined;
}

function makeWasi(path: string, args: readonly string[], options: ParsedCommand["options"]): WasiPreview1 {
  const env: Record<string, string> = {};
  for (const setting of (options.env ?? []) as string[]) {
    const cut = setting.indexOf("=");
    if (cut === 0) throw new UsageError(`--env ${setting}: expected K=V`, "run");
    if (cut > 0) env[setting.slice(0, cut)] = setting.slice(cut + 1);
    else {
      const value = Deno.env.get(setting);
      if (value !== undefined) env[setting] = value;
    }
  }
  const preopens = ((options.dir ?? []) as string[]).map((grant) => {
    const cut = grant.indexOf("::");
    return cut < 0 ? { host: grant } : { host: grant.slice(0, cut), guest: grant.slice(cut + 2) };
  });
  return new WasiPreview1({
    args: [path.split("/").at(-1)!, ...args],
    env,
    preopens,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
}

/** `bench.start` and `bench.end` for programs that mark their measured part; there without `--bench` too, so that such programs run. */
function defineBench(linker: Linker, times: BenchTimes): void {
  linker.defineFunc("bench", "start", { parameters: [], results: [] }, () => {
    times.startMs = performance.now();
  });
  linker.defineFunc("bench", "end", { parameters: [], results: [] }, () => {
    times.endMs = performance.now();
  });
}

function start(module: Module, instance: Instance, invoke: unknown, args: readonly string[]): void {
  if (typeof invoke === "string") {
    printResults(callExport(module, instance, invoke, args));
    return;
  }
  const { _start, _initialize } = instance.exports;
  if (typeof _start === "function") _start();
  else if (typeof _initialize === "function") _initialize();
}

function callExport(module: Module, instance: Instance, name: string, args: readonly string[]): unknown {
  const found = module.exports.find((entry) => entry.name === name);
  const callable = instance.exports[name];
  if (found === undefined || found.kind !== "func" || typeof callable !== "function") {
    const functions = module.exports.filter(({ kind }) => kind === "func").map((entry) => entry.name);
    throw new CliError(
      `no exported function ${JSON.stringify(name)}; the module exports ${
        functions.length ? functions.join(", ") : "none"
      }`,
    );
  }
  const { parameters } = found.type as { parameters: readonly string[] };
  if (parameters.length !== args.length) {
    throw new UsageError(
      `${name} takes ${parameters.length} arguments (${parameters.join(" ")}), got ${args.length}`,
      "run",
    );
  }
  return callable(...parameters.map((type, index) => parseArgument(type, args[index])));
}

/** Numbers as JavaScript writes them, and the names of those that are none; integers may be given signed or unsigned. */
function parseArgument(type: string, argument: string): number | bigint {
  if (type === "i32" || type === "i64") {
    const value = parseInteger(argument);
    const limit = type === "i32" ? 1n << 32n : 1n << 64n;
    if (value !== undefined && value < limit && value >= -limit / 2n) return type === "i32" ? Number(value) : value;
  } else if (type === "f32" || type === "f64") {
    const value = FLOAT_NAMES[argument] ?? (argument.trim() === "" ? NaN : Number(argument));
    if (!Number.isNaN(value) || argument === "nan") return value;
  }
  throw new UsageError(`${JSON.stringify(argument)} is no value of type ${type}`, "run");
}

const FLOAT_NAMES: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, "-inf": -Infinity };

function parseInteger(text: string): bigint | undefined {
  const match = text.match(/^([+-]?)(\d+|0x[0-9a-f]+)$/i);
  if (match === null) return undefined;
  return match[1] === "-" ? -BigInt(match[2]) : BigInt(match[2]);
}

function printResults(results: unknown): void {
  if (results === undefined) return;
  for (const value of Array.isArray(results) ? results : [results]) console.log(formatValue(value));
}

/** A value for people: vectors as the text format writes them, objects by their kind. */
function formatValue(value: unknown): string {
  if (value instanceof Uint8Array) {
    const lanes = new Uint32Array(value.slice().buffer);
    return `i32x4 ${Array.from(lanes, (lane) => `0x${lane.toString(16).padStart(8, "0")}`).join(" ")}`;
  }
  if (value instanceof I31Ref) return `i31 ${value.value}`;
  if (typeof value === "function") return `func ${value.name}`;
  return typeof value === "object" && value !== null ? value.constructor.name : String(value);
}
