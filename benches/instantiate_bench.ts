/**
 * How long instantiating, pooling and resetting take by the size of a table, of data, and by the number of functions: they are to cost the same
 * at any size.
 *
 * usage: deno task bench:instantiate
 */

import { Engine, Instance, InstancePool, Module, Store } from "../mod.ts";
import { parseModule } from "../lib/text/mod.ts";

const ROUNDS = 400;
const WARM_UP = 100;

/** The median time in microseconds of something that is done often. */
function time(run: () => void): number {
  const samples: number[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const started = performance.now();
    run();
    if (round >= WARM_UP) samples.push((performance.now() - started) * 1000);
  }
  return samples.toSorted((a, b) => a - b)[ROUNDS >> 1];
}

/** To make a store with an instance, and to drop it. */
function measure(engine: Engine, bytes: Uint8Array): number {
  using module = new Module(engine, bytes);
  return time(() => {
    using store = new Store(engine);
    new Instance(store, module);
  });
}

/** To have a tenant who writes to some pages, and to let him go. */
function measurePool(engine: Engine, bytes: Uint8Array): number {
  using module = new Module(engine, bytes);
  using pool = new InstancePool(module, {}, { size: 1 });
  return time(() => {
    using tenant = pool.acquire();
    spoil(tenant.instance);
  });
}

/** To reset an instance that wrote to some pages. */
function measureReset(engine: Engine, bytes: Uint8Array): number {
  using module = new Module(engine, bytes);
  using store = new Store(engine);
  const instance = new Instance(store, module);
  return time(() => {
    spoil(instance);
    instance.reset();
  });
}

function spoil({ exports: { m } }: Instance): void {
  for (let page = 0; page < 10; page++) m.view[page * 4096] = page;
}

/** Measures each size of something, then says how far the times lie apart. */
function compare(
  what: string,
  sizes: readonly number[],
  make: (size: number) => Uint8Array,
  measured = measure,
): void {
  const times = sizes.map((size) => {
    const time = measured(engine, make(size));
    console.log(`${what.replace("#", size.toLocaleString("en"))}: ${time.toFixed(1)} us`);
    return time;
  });
  console.log(`  largest time over smallest: ${(Math.max(...times) / Math.min(...times)).toFixed(2)}\n`);
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push(value & 0x7f | 0x80);
  return [...bytes, value];
}

/** A module of one memory and one data segment that fills it: as a text it would be four times as large. */
function moduleOfData(kibibytes: number): Uint8Array {
  const length = kibibytes * 1024;
  const memory = [0, ...leb(length / 65536)];
  const name = [1, 0x6d, 2, 0];
  const segment = [1, 0, 0x41, 0, 0x0b, ...leb(length)];
  const head = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[5, ...leb(1 + memory.length), 1, ...memory],
    ...[7, 1 + name.length, 1, ...name],
    ...[11, ...leb(segment.length + length), ...segment],
  ];
  const bytes = new Uint8Array(head.length + length).fill(0x61);
  bytes.set(head);
  return bytes;
}

using engine = new Engine();
measure(engine, parseModule("(module (memory 1) (table 10 funcref))")); // until V8 has optimised what is measured
compare(
  "table of # elements",
  [1, 100, 10_000, 100_000, 1_000_000, 10_000_000],
  (size) => parseModule(`(module (table ${size} funcref) (elem (i32.const 0) $f) (func $f))`),
);
compare("# functions in a table", [1, 1000, 100_000], (size) => {
  const names = Array.from({ length: size }, (_, i) => `$f${i}`);
  const functions = names.map((name) => `(func ${name})`).join("");
  return parseModule(`(module (table ${size} funcref) (elem (i32.const 0) func ${names.join(" ")}) ${functions})`);
});
const KIBIBYTES = [64, 1024, 16 * 1024, 64 * 1024, 256 * 1024];
compare("data of # KiB", KIBIBYTES, moduleOfData);
compare("data of # KiB, out of a pool, ten pages written", KIBIBYTES, moduleOfData, measurePool);
compare("data of # KiB, ten pages written, reset", KIBIBYTES, moduleOfData, measureReset);
