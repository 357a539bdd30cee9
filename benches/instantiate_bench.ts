/**
 * How long instantiating takes by the size of a table and of data: tables are to cost the same at any size.
 *
 * usage: deno task bench:instantiate
 */

import { Engine, Instance, Module, Store } from "../mod.ts";
import { parseModule } from "../lib/text/mod.ts";

const ROUNDS = 200;

/** The median time in microseconds to make a store with an instance, and to drop it. */
function measure(engine: Engine, text: string, rounds: number): number {
  using module = new Module(engine, parseModule(text));
  const samples: number[] = [];
  for (let round = 0; round < rounds + 5; round++) {
    const started = performance.now();
    const store = new Store(engine);
    new Instance(store, module);
    store.close();
    if (round >= 5) samples.push((performance.now() - started) * 1000);
  }
  return samples.toSorted((a, b) => a - b)[rounds >> 1];
}

using engine = new Engine();
for (const elements of [1, 100, 10_000, 100_000, 1_000_000, 10_000_000]) {
  const time = measure(engine, `(module (table ${elements} funcref) (elem (i32.const 0) $f) (func $f))`, ROUNDS);
  console.log(`table of ${elements} elements: ${time.toFixed(0)} us`);
}
for (const functions of [1, 1000, 100_000]) {
  const body = Array.from({ length: functions }, (_, i) => `(func $f${i})`).join("");
  const names = Array.from({ length: functions }, (_, i) => `$f${i}`).join(" ");
  const text = `(module (table ${functions} funcref) (elem (i32.const 0) func ${names}) ${body})`;
  console.log(`${functions} functions in a table: ${measure(engine, text, ROUNDS).toFixed(0)} us`);
}
for (const kibibytes of [64, 1024, 16 * 1024]) {
  const data = "a".repeat(kibibytes * 1024);
  const time = measure(engine, `(module (memory ${kibibytes / 64}) (data (i32.const 0) "${data}"))`, 20);
  console.log(`data of ${kibibytes} KiB: ${time.toFixed(0)} us`);
}
