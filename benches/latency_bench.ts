/**
 * How late a deadline ends a guest, by what the guest is doing: from the end of its time to the trap in JavaScript's hands, and then the
 * store answers another call.
 *
 * usage: deno task bench:latency [--samples 1000] [--json]
 *
 * Runs itself in a process whose standard input is a pipe that stays silent. Prints p50, p99 and the worst in milliseconds.
 */

import { parseArgs } from "node:util";
import { Engine, Func, Instance, Linker, Memory, Module, SharedMemory, Store, Trap } from "../mod.ts";
import { WasiPreview1 } from "../lib/wasi/mod.ts";

const FILL_BYTES = 2 ** 30;

const GUEST = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "host" "nothing" (func $nothing))
  (import "host" "shared" (memory $shared 1 1 shared))
  (memory $memory (export "memory") 16384)
  (table $t 5000000 funcref)
  (func (export "tight loop") (loop (br 0)))
  (func $callee (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "calls") (local i32) (loop (local.set 0 (call $callee (local.get 0))) (br 0)))
  (func $down (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (call $down (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 1))))
  (func (export "recursion") (drop (call $down (i32.const 60))))
  (func (export "memory.fill of 1 GiB") (param $start i32)
    (loop (memory.fill $memory (local.get $start) (i32.const 7) (i32.sub (i32.const ${FILL_BYTES}) (local.get $start))) (br 0)))
  (func (export "table.fill of 5,000,000")
    (loop (table.fill $t (i32.const 0) (ref.null func) (i32.const 5000000)) (br 0)))
  (func (export "memory.atomic.wait")
    (drop (memory.atomic.wait32 $shared (i32.const 0) (i32.const 0) (i64.const -1))))
  (func (export "host calls") (loop (call $nothing) (br 0)))
  (func (export "read of a silent pipe")
    (i32.store $memory (i32.const 0) (i32.const 64)) (i32.store $memory (i32.const 4) (i32.const 64))
    (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)) (then (unreachable))))
  (func (export "sleep")
    (memory.fill $memory (i32.const 0) (i32.const 0) (i32.const 64))
    (i32.store $memory (i32.const 16) (i32.const 1)) (i64.store $memory (i32.const 24) (i64.const 60000000000))
    (if (call $poll (i32.const 0) (i32.const 128) (i32.const 1) (i32.const 200)) (then (unreachable))))
  (func (export "answer") (result i32) (i32.const 42)))`;

/** What a guest does until its time is over. */
export const LATENCY_CASES = [
  "tight loop",
  "calls",
  "recursion",
  "memory.fill of 1 GiB",
  "table.fill of 5,000,000",
  "memory.atomic.wait",
  "host calls",
  "read of a silent pipe",
  "sleep",
] as const;

/** Milliseconds from the end of the guest's time to the trap, of all samples. */
export interface Latency {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];
}

function measure(samples: number): Latency[] {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  using wasi = new WasiPreview1({ stdin: "inherit" });
  const linker = new Linker(engine);
  wasi.addToLinker(linker);
  // The deadline is one of guest time: a loop of host calls is charged for the guest's part of it only.
  linker.defineFunc("host", "nothing", { parameters: [], results: [] }, () => {});
  linker.define("host", "shared", Memory.fromShared(store, new SharedMemory({ minimum: 1, maximum: 1 })));
  const instance: Instance = linker.instantiate(store, Module.fromText(engine, GUEST));
  wasi.bindMemory(instance.exports.memory as Memory);
  const { answer } = instance.exports;
  let seed = 1;
  return LATENCY_CASES.map((name) => {
    const func: Func = instance.func(name)!;
    const late: number[] = [];
    for (let i = 0; i < samples; i++) {
      seed = Math.imul(seed, 0x915f77f5) + 1 | 0;
      const timeout = 2 + (seed >>> 30);
      const args = name === "memory.fill of 1 GiB" ? [(seed >>> 2) & -4096] : [];
      const countHostTime = name === "host calls";
      const start = performance.now();
      try {
        func.call(args as never, { timeout, countHostTime });
        throw new Error(`${name} has returned`);
      } catch (error) {
        if (!(error instanceof Trap && error.code === "interrupted")) throw error;
      }
      late.push(performance.now() - start - timeout);
      if (answer() !== 42) throw new Error(`the store does not answer after ${name}`);
    }
    late.sort((a, b) => a - b);
    return { name, p50: percentile(late, 0.5), p99: percentile(late, 0.99), max: late.at(-1)! };
  });
}

/** Measures in a process of its own. */
export async function measureLatencies(samples: number): Promise<Latency[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", import.meta.filename!, "--inside", "--samples", String(samples)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const { code, stdout } = await child.output();
  await child.stdin.close().catch(() => {});
  if (code !== 0) throw new Error(`the process that measures ended with ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      samples: { type: "string", default: "1000" },
      json: { type: "boolean", default: false },
      inside: { type: "boolean", default: false },
    },
  });
  const samples = Number(values.samples);
  if (values.inside) console.log(JSON.stringify(measure(samples)));
  else {
    const latencies = await measureLatencies(samples);
    if (values.json) console.log(JSON.stringify(latencies));
    else {
      console.log(
        `${samples} samples each, ms late`.padEnd(30) + "p50".padStart(9) + "p99".padStart(9) + "max".padStart(9),
      );
      for (const { name, p50, p99, max } of latencies) {
        console.log(name.padEnd(30) + [p50, p99, max].map((ms) => ms.toFixed(2).padStart(9)).join(""));
      }
    }
  }
}
