/**
 * The price of the boundary: calls into a guest, and host calls from it, from the outermost frame and four frames down. V8's own WebAssembly
 * is the baseline.
 *
 * Run: `deno run --allow-ffi benches/call_bench.ts [rounds]`. Prints nanoseconds per call: the least of all rounds, and the median.
 */

import { Engine, Instance, Module, Store } from "../mod.ts";

/**
 * (module
 *   (import "env" "host" (func $host (param i32) (result i32)))
 *   (import "env" "f64" (func $f64 (param f64) (result f64)))
 *   (func (export "nop"))
 *   (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
 *   (func (export "add64") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
 *   (func (export "addf") (param f64 f64) (result f64) (f64.add (local.get 0) (local.get 1)))
 *   (func $loop (export "loop") (param i32) (result i32) (local i32)
 *     (loop (local.set 1 (call $host (local.get 1))) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1))
 *   (func $a (param i32) (result i32) (i32.add (i32.const 1) (call $loop (local.get 0))))
 *   (func $b (param i32) (result i32) (i32.add (i32.const 1) (call $a (local.get 0))))
 *   (func $c (param i32) (result i32) (i32.add (i32.const 1) (call $b (local.get 0))))
 *   (func (export "deep_loop") (param i32) (result i32) (i32.add (i32.const 1) (call $c (local.get 0))))
 *   (func (export "loop_f64") (param i32) (result f64) (local f64)
 *     (loop (local.set 1 (call $f64 (local.get 1))) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1))
 *   (func (export "one") (param i32) (result i32) (call $host (local.get 0)))
 * )
 */
const MODULE = Uint8Array.fromBase64(
  "AGFzbQEAAAABJQdgAX8Bf2ABfAF8YAAAYAJ/fwF/YAJ+fgF+YAJ8fAF8YAF/AXwCFgIDZW52BGhvc3QAAANlbnYDZjY0AAEDDAsCAwQFAAAAAAAGAAdACANub3AAAgNhZGQAAwVhZGQ2NAAEBGFkZGYABQRsb29wAAYJZGVlcF9sb29wAAoIbG9vcF9mNjQACwNvbmUADAp9CwIACwcAIAAgAWoLBwAgACABfAsHACAAIAGgCxgBAX8DQCABEAAhASAAQQFrIgANAAsgAQsJAEEBIAAQBmoLCQBBASAAEAdqCwkAQQEgABAIagsJAEEBIAAQCWoLGAEBfANAIAEQASEBIABBAWsiAA0ACyABCwYAIAAQAAsAPwRuYW1lARsGAARob3N0AQNmNjQGBGxvb3AHAWEIAWIJAWMCGw0AAAEAAgADAAQABQAGAAcACAAJAAoACwAMAA==",
);

type Exports = Record<string, (...args: never[]) => unknown>;

const CALLS = 1_000_000;

/** What is measured: runs about `CALLS` of the operation. */
const OPERATIONS: Record<string, (exports: Exports) => void> = {
  "call nop()": ({ nop }) => {
    const call = nop as () => void;
    for (let i = 0; i < CALLS; i++) call();
  },
  "call add(i32, i32)": ({ add }) => {
    const call = add as unknown as (a: number, b: number) => number;
    let sum = 0;
    for (let i = 0; i < CALLS; i++) sum = call(sum, i);
    if (sum === 1) throw new Error("wrong sum");
  },
  "call add64(i64, i64)": ({ add64 }) => {
    const call = add64 as unknown as (a: bigint, b: bigint) => bigint;
    let sum = 0n;
    for (let i = 0; i < CALLS; i++) sum = call(sum, 1n);
    if (sum !== BigInt(CALLS)) throw new Error("wrong sum");
  },
  "call addf(f64, f64)": ({ addf }) => {
    const call = addf as unknown as (a: number, b: number) => number;
    let sum = 0;
    for (let i = 0; i < CALLS; i++) sum = call(sum, 0.5);
    if (sum !== CALLS / 2) throw new Error("wrong sum");
  },
  "host call in a loop": ({ loop }) => {
    if ((loop as unknown as (n: number) => number)(CALLS) !== CALLS) throw new Error("wrong count");
  },
  "host call in a loop, 4 frames down": ({ deep_loop }) => {
    if ((deep_loop as unknown as (n: number) => number)(CALLS) !== CALLS + 4) throw new Error("wrong count");
  },
  "host call f64 -> f64 in a loop": ({ loop_f64 }) => {
    if ((loop_f64 as unknown as (n: number) => number)(CALLS) !== CALLS) throw new Error("wrong count");
  },
  "call that makes one host call": ({ one }) => {
    const call = one as unknown as (a: number) => number;
    let sum = 0;
    for (let i = 0; i < CALLS; i++) sum = call(sum);
    if (sum !== CALLS) throw new Error("wrong count");
  },
};

const imports = { env: { host: (a: number) => a + 1, f64: (a: number) => a + 1 } };
using engine = new Engine();
using store = new Store(engine);
const subjects: Record<string, Exports> = {
  theropod: new Instance(store, new Module(engine, MODULE), imports).exports,
  v8: new WebAssembly.Instance(new WebAssembly.Module(MODULE), imports).exports as Exports,
};

const rounds = Number(Deno.args[0] ?? 7);
for (const [name, run] of Object.entries(OPERATIONS)) {
  const times: Record<string, number[]> = { theropod: [], v8: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [subject, exports] of Object.entries(subjects)) {
      const start = performance.now();
      run(exports);
      times[subject].push((performance.now() - start) * 1e6 / CALLS);
    }
  }
  const column = (subject: string) => {
    const sorted = times[subject].sort((a, b) => a - b);
    return `${subject} ${sorted[0].toFixed(1)} / ${sorted[sorted.length >> 1].toFixed(1)}`;
  };
  console.log(`${name.padEnd(36)} ${column("theropod").padEnd(24)} ${column("v8")}`);
}
