/**
 * A thousand guests that wait for one timer each: they finish together, each with its own result, and leave nothing behind. Once in one instance
 * that allows for it, once in a thousand instances of a C program.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { BusyError, Engine, Instance, Linker, Module, Store } from "../../mod.ts";
import { recordPool, stackPool } from "../../lib/host/mod.ts";
import { wat } from "../wat.ts";

const CALLS = 1000;
const WAIT_MS = 50;
/** Twenty timers one after the other: a thousand would be fifty seconds. */
const TOGETHER_MS = 1000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const mappings = () => Deno.readTextFileSync("/proc/self/maps").split("\n").length;
const program = Deno.readFileSync(new URL("awaiting/awaiting.wasm", import.meta.url));

/** A guest whose frames hold numbers of every kind while it waits. */
const CONCURRENT = wat(`(module (import "host" "wait" (func $wait (param i32) (result i32)))
  (memory 1) (global $calls (export "calls") (mut i32) (i32.const 0))
  (func $descend (param $job i32) (param $depth i32) (param $a i64) (param $b f64) (result i64)
    (local $below i64)
    (local.set $below
      (if (result i64) (local.get $depth)
        (then (call $descend (local.get $job) (i32.sub (local.get $depth) (i32.const 1))
          (i64.add (local.get $a) (i64.const 3)) (f64.add (local.get $b) (f64.const 0.5))))
        (else (i64.extend_i32_s (call $wait (local.get $job))))))
    (i64.add (local.get $below) (i64.add (local.get $a) (i64.trunc_f64_s (local.get $b)))))
  (func (export "work") (param $job i32) (result i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (call $descend (local.get $job) (i32.rem_u (local.get $job) (i32.const 50))
      (i64.extend_i32_s (local.get $job)) (f64.convert_i32_s (local.get $job)))))`);

function concurrentResult(job: number): bigint {
  let sum = job * 2;
  for (let depth = 0; depth <= job % 50; depth++) sum += job + 3 * depth + Math.trunc(job + 0.5 * depth);
  return BigInt(sum);
}

const programResult = (job: number) => BigInt((job * 2 + job % 50 + 1) * 100_000 + job);

for (const [name, config] of Object.entries({ plain: {}, interruption: { interruption: true } })) {
  Deno.test(`a thousand calls of one concurrent instance wait together, ${name}`, async () => {
    using engine = new Engine(config);
    const stacksBefore = stackPool().inUse;
    const recordsBefore = recordPool().inUse;
    const counts: number[] = [];
    let made = 0;
    {
      using store = new Store(engine);
      let waiting = 0, most = 0;
      const wait = async (job: number) => {
        most = Math.max(most, ++waiting);
        await sleep(WAIT_MS);
        waiting--;
        return job * 2;
      };
      const instance = new Instance(store, new Module(engine, CONCURRENT), { host: { wait } }, {
        reentry: "concurrent",
      });
      const work = instance.func("work")!;
      for (let round = 1; round <= 5; round++) {
        const started = performance.now();
        const results = await Promise.all(Array.from({ length: CALLS }, (_, job) => work.callAsync([job])));
        const took = performance.now() - started;
        assert(took >= WAIT_MS - 1 && took < TOGETHER_MS, `${took} ms`);
        assertEquals(results as unknown[], Array.from({ length: CALLS }, (_, job) => concurrentResult(job)));
        assertEquals(most, CALLS);
        assertEquals(instance.exports.calls.value, CALLS * round);
        counts.push(mappings());
        // What is kept for the next calls is bounded.
        assert(stackPool().inUse - stacksBefore <= 257, `${stackPool().inUse - stacksBefore} stacks`);
        if (round === 1) made = stackPool().total;
      }
    }
    // V8's heap has some more or less; a mapping for each call would be thousands.
    assert(counts[4] < counts[1] + CALLS / 4, `mappings ${counts}`);
    assertEquals(stackPool().total, made);
    assertEquals(stackPool().inUse, stacksBefore);
    assertEquals(recordPool().inUse, recordsBefore);
  });
}

Deno.test("a thousand instances of a C program wait together, with their stacks in memory", async () => {
  using engine = new Engine();
  const module = new Module(engine, program);
  const linker = new Linker(engine);
  let waiting = 0, most = 0;
  linker.defineFunc("host", "wait", { parameters: ["i32"], results: ["i32"] }, async (job) => {
    most = Math.max(most, ++waiting);
    await sleep(WAIT_MS);
    waiting--;
    return job * 2;
  });
  linker.defineUnknownImportsAsTraps(module);
  const prepared = linker.instantiatePre(module);
  const stacksBefore = stackPool().inUse;
  const residents: number[] = [];
  for (let round = 0; round < 2; round++) {
    using store = new Store(engine);
    const instances = Array.from({ length: CALLS }, () => {
      const instance = prepared.instantiate(store);
      instance.func("_initialize")?.call();
      return instance;
    });
    most = 0;
    const started = performance.now();
    const calls = instances.map((instance, job) => instance.func("work")!.callAsync([job]));
    await sleep(WAIT_MS / 2);
    assertEquals(waiting, CALLS);
    for (const instance of instances.slice(0, 10)) assertThrows(() => instance.exports.quick(1), BusyError);
    const results = await Promise.all(calls);
    const took = performance.now() - started;
    assert(took >= WAIT_MS - 1 && took < TOGETHER_MS, `${took} ms`);
    assertEquals(most, CALLS);
    assertEquals(results as unknown[], Array.from({ length: CALLS }, (_, job) => programResult(job)));
    assertEquals(instances.map((instance) => instance.exports.quick(1)), Array(CALLS).fill(2));
    residents.push(Deno.memoryUsage().rss);
  }
  assertEquals(stackPool().inUse, stacksBefore);
  assert(residents[1] < residents[0] + (128 << 20), `resident bytes ${residents}`);
});

Deno.test("calls of one instance of a C program wait one after the other, and its stack holds", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = new Module(engine, program);
  const linker = new Linker(engine);
  let waiting = 0;
  linker.defineFunc("host", "wait", { parameters: ["i32"], results: ["i32"] }, async (job) => {
    assertEquals(++waiting, 1);
    await sleep(1);
    waiting--;
    return job * 2;
  });
  linker.defineUnknownImportsAsTraps(module);
  const instance = linker.instantiate(store, module);
  const results = await Promise.all(
    Array.from({ length: 60 }, (_, job) => instance.func("work")!.callAsync([job])),
  );
  assertEquals(results as unknown[], Array.from({ length: 60 }, (_, job) => programResult(job)));
});

Deno.test("a stack that another store gets is zero (STACK-3)", async () => {
  using engine = new Engine();
  const module = new Module(engine, CONCURRENT);
  const used = new Set<number>();
  const acquired = () => {
    // The pool hands out last in, first out: what the store gave back is found by taking as many again.
    const stacks = Array.from({ length: 70 }, () => stackPool().acquire());
    for (const stack of stacks) stackPool().release(stack);
    return stacks;
  };
  {
    using store = new Store(engine);
    const wait = () => sleep(5).then(() => 0x55aa55aa);
    const instance = new Instance(store, module, { host: { wait } }, { reentry: "concurrent" });
    const calls = Array.from({ length: 70 }, () => instance.func("work")!.callAsync([49]));
    await sleep(2);
    for (const { low } of acquired()) used.add(low);
    await Promise.all(calls);
  }
  let dirty = 0, seen = 0;
  for (const { low, top, slab } of acquired()) {
    if (!used.has(low)) seen++;
    const from = (top - 8192 - slab.addressNumber) >> 2;
    const to = (top - slab.addressNumber) >> 2;
    if (slab.words.subarray(from, to).some((word) => word !== 0)) dirty++;
  }
  assert(seen > 0, "no stack of the store was looked at");
  assertEquals(dirty, 0);
});

Deno.test("tens of thousands of waits leave the process as it was", async () => {
  const waits = Number(Deno.env.get("ASYNC_SOAK_WAITS") ?? 20_000);
  const IN_FLIGHT = 400;
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (import "host" "wait" (func $wait (param i32) (result i32)))
      (func (export "run") (param $n i32) (result i32) (local $s i32)
        (loop (local.set $s (i32.add (local.get $s) (call $wait (local.get $n))))
          (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $s)))`),
  );
  let waited = 0;
  const wait = (n: number) => {
    waited++;
    if (n % 100 === 0) return new Promise((resolve) => setImmediate(() => resolve(1)));
    return n % 10 === 0 ? { then: (resolve: (value: number) => void) => resolve(1) } : Promise.resolve(1);
  };
  const run = new Instance(store, module, { host: { wait } }).func("run")!;
  const each = 10;
  const rounds = Math.ceil(waits / (each * IN_FLIGHT));
  let warmMappings = 0, warmStacks = 0, warmResident = 0;
  for (let round = 0; round < rounds; round++) {
    const calls = Array.from({ length: IN_FLIGHT }, () => run.callAsync([each]));
    assertEquals(await Promise.all(calls) as unknown[], Array(IN_FLIGHT).fill(each));
    if (round === 0) {
      [warmMappings, warmStacks, warmResident] = [mappings(), stackPool().total, Deno.memoryUsage().rss];
    }
  }
  assertEquals(waited, rounds * each * IN_FLIGHT);
  assertEquals(stackPool().total, warmStacks);
  // V8's heap comes and goes in mappings of its own.
  assert(mappings() <= warmMappings + 1000, `${warmMappings} mappings became ${mappings()}`);
  const resident = Deno.memoryUsage().rss;
  assert(resident < warmResident + (256 << 20), `${warmResident} resident bytes became ${resident}`);
});
