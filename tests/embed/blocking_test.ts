/** Host functions that block in place of the guest (BLOCK-1), deadlines that yield, and calls that yield by fuel. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Engine, Func, Instance, Linker, Module, Store, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";

const word = new Int32Array(new SharedArrayBuffer(4));

/** Blocks for at most so many milliseconds. */
function block(ms: number): void {
  Atomics.wait(word, 0, 0, ms);
}

/** A store whose guest calls a host function that blocks for a number of milliseconds. */
function blocking(store: Store): { readonly run: Func; readonly slices: number[]; readonly answer: () => number } {
  const slices: number[] = [];
  const sleep = new Func(store, { parameters: ["i32"], results: ["i32"] }, (ms) => {
    const end = performance.now() + ms;
    return store.blockInSlices((atMostMs) => {
      slices.push(atMostMs);
      block(Math.min(atMostMs, end - performance.now()));
      return performance.now() < end ? undefined : ms;
    });
  });
  const module = new Module(
    store.engine,
    wat(`(module (import "m" "sleep" (func $sleep (param i32) (result i32)))
      (func (export "run") (param i32) (result i32) (call $sleep (local.get 0)))
      (func (export "answer") (result i32) (i32.const 42)))`),
  );
  const instance = new Instance(store, module, { m: { sleep } });
  return { run: instance.func("run")!, slices, answer: instance.exports.answer };
}

Deno.test("a host function that blocks is one slice where nothing limits it", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const { run, slices } = blocking(store);
  assertEquals([store.remainingMs, store.mayInterrupt], [Infinity, false]);
  assertEquals(run.call([20]), 20 as never);
  assert(slices.length <= 2 && slices.every((ms) => ms === Infinity), `${slices}`);
});

Deno.test("a host function that blocks is ended by a call's and by a store's deadline, and charged", () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const { run, answer } = blocking(store);
  for (const timeout of [0, 1, 10]) {
    const start = performance.now();
    const trap: Trap = assertThrows(() => run.call([60_000], { timeout }), Trap, `deadline of ${timeout} ms`);
    assertEquals(trap.code, "interrupted");
    assertEquals(trap.frames.length, 1);
    const late = performance.now() - start - timeout;
    assert(late > -0.5 && late < 500, `${late} ms late`);
    assertEquals(answer(), 42);
  }
  store.setDeadline(40);
  assertEquals(run.call([10]), 10 as never);
  assert(store.remainingMs < 33, `${store.remainingMs} ms remain`);
  assertThrows(() => run.call([60_000]), Trap, "deadline of 40 ms");
  assertThrows(() => run.call([0]), Trap, "deadline of 40 ms");
  store.setDeadline(undefined);
  assertEquals(run.call([1]), 1 as never);
});

Deno.test("onDeadline is asked while a host function blocks, and may give more time or throw", () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const { run, answer } = blocking(store);
  let asked = 0;
  assertEquals(
    run.call([30], {
      timeout: 3,
      onDeadline: () => {
        asked++;
        assertEquals(answer(), 42);
        return 3;
      },
    }),
    30 as never,
  );
  assert(asked > 1);
  const error = new Error("mine");
  const thrown = assertThrows(() =>
    run.call([60_000], {
      timeout: 3,
      onDeadline: () => {
        throw error;
      },
    })
  );
  assertEquals(thrown, error);
});

Deno.test("another Worker's handle ends a host function that blocks", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const { run, answer, slices } = blocking(store);
  const handle = store.interruptHandle();
  assertEquals(store.mayInterrupt, true);
  const worker = new Worker(new URL("./interrupt_worker.ts", import.meta.url).href, { type: "module" });
  try {
    const ready = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage(handle);
    await ready;
    for (let i = 0; i < 3; i++) {
      assertThrows(() => run.call([60_000]), Trap, "interrupted");
      assertEquals(answer(), 42);
    }
    assert(slices.every((ms) => ms <= 4), `${slices}`);
  } finally {
    worker.terminate();
  }
  // A request from before is found before anything blocks, without a guest as well.
  handle.interrupt();
  assertThrows(() => store.blockInSlices(() => 1), Trap, "interrupted");
  assertEquals(store.blockInSlices(() => 1), 1);
});

Deno.test("a Caller blocks, and takes fuel", () => {
  using engine = new Engine({ interruption: true, fuel: true });
  using store = new Store(engine);
  const linker = new Linker(engine);
  const seen: unknown[] = [];
  linker.defineFunc("m", "f", { parameters: [], results: [] }, (caller) => {
    seen.push(caller.remainingMs > 0 && caller.remainingMs < 1010, caller.fuel);
    caller.consumeFuel(7);
    seen.push(caller.fuel, caller.blockInSlices((ms) => ms > 0 && ms < 1010));
    caller.consumeFuel(100);
  }, { passCaller: true });
  const module = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f)) (func (export "run") (call $f)))`),
  );
  const run = linker.instantiate(store, module).func("run")!;
  store.fuel = 50;
  assertEquals(assertThrows(() => run.call([], { timeout: 1000 }), Trap).code, "out_of_fuel");
  assertEquals(seen, [true, 49, 42, true]);
  assertEquals([store.fuel, store.fuelConsumed], [0, 50]);
});

const SPIN = wat(`(module (import "m" "host" (func $host))
  (func (export "count") (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if 0 (i32.ne (local.get 1) (local.get 0)))) (local.get 1))
  (func (export "calls host") (param i32) (result i32)
    (loop (call $host) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 3))
  (func (export "spin") (loop (br 0))))`);

Deno.test("a deadline that yields lets the event loop turn, and the call goes on to its end", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const { func } = {
    func: (name: string) => new Instance(store, new Module(engine, SPIN), { m: { host: () => {} } }).func(name)!,
  };
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const count = func("count");
  assertEquals(await count.callAsync([60_000_000], { timeout: 1, onDeadline: "yield" }), 60_000_000 as never);
  assert(turns > 0);
  clearInterval(timer);
  // Aborted between two turns.
  await assertRejects(
    () => func("spin").callAsync([], { timeout: 2, onDeadline: "yield", signal: AbortSignal.timeout(30) }),
    DOMException,
  );
  assertThrows(() => count.call([1], { timeout: 1, onDeadline: "yield" }), TypeError, "callAsync");
  assertThrows(() => count.call([1], { timeout: 1, onDeadline: "stop" as never }), TypeError, "onDeadline");
  // A store's deadline may yield in one call and must not in another.
  store.setDeadline(1, { onDeadline: "yield" });
  assertEquals(await count.callAsync([10_000_000]), 10_000_000 as never);
  assertThrows(() => func("spin").call(), TypeError, "synchronous");
  store.setDeadline(undefined);
});

/** The fuel that is left at each turn of the event loop while a call runs. */
async function turnsOf(store: Store, call: Promise<unknown>): Promise<number[]> {
  const seen: number[] = [];
  let isDone = false;
  const done = call.finally(() => isDone = true);
  while (!isDone) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (!isDone && seen.at(-1) !== store.fuel) seen.push(store.fuel);
  }
  await done;
  return seen;
}

Deno.test("a call that yields by fuel turns at the same places in every run and at every effort", async () => {
  const runs: unknown[] = [];
  for (const effort of ["speed", "none", "speed"] as const) {
    // Without interruption: only fuel makes it yield.
    using engine = new Engine({ fuel: true, effort });
    using store = new Store(engine);
    let inner = 0;
    const instance: Instance = new Instance(store, new Module(engine, SPIN), {
      m: {
        host: () => {
          store.consumeFuel(10);
          if (inner++ % 100 === 0) instance.exports.count(100);
        },
      },
    });
    store.fuel = 1_000_000;
    const counted = await turnsOf(store, instance.func("count")!.callAsync([20_000], { fuelYieldInterval: 10_000 }));
    const hosted = await turnsOf(store, instance.func("calls host")!.callAsync([5_000], { fuelYieldInterval: 5_000 }));
    assert(counted.length >= 15 && hosted.length >= 15, `${counted.length} and ${hosted.length} turns`);
    runs.push([counted, hosted, store.fuel, store.fuelConsumed]);
    assertEquals(store.fuel + store.fuelConsumed, 1_000_000);
    // Used up in the middle: the trap comes as it would without turns.
    store.fuel = 25_000;
    await assertRejects(() => instance.func("count")!.callAsync([1e9], { fuelYieldInterval: 10_000 }), Trap, "fuel");
    assertEquals(store.fuel, 0);
    store.fuel = 1000;
    assertEquals(instance.exports.count(10), 10);
  }
  assertEquals(runs[1], runs[0]);
  assertEquals(runs[2], runs[0]);
});

Deno.test("an interval of fuel that is none is refused", async () => {
  using engine = new Engine({ fuel: true });
  using plainEngine = new Engine({ interruption: true });
  using store = new Store(engine);
  using plain = new Store(plainEngine);
  const imports = { m: { host: () => {} } };
  const spin = new Instance(store, new Module(engine, SPIN), imports).func("spin")!;
  for (const wrong of [0, -1, 0.5, NaN]) {
    await assertRejects(() => spin.callAsync([], { fuelYieldInterval: wrong }), RangeError);
  }
  await assertRejects(() => spin.callAsync([], { fuelYieldInterval: "1" as never }), TypeError);
  assertThrows(() => spin.call([], { fuelYieldInterval: 1 } as never), TypeError, "callAsync");
  const other = new Instance(plain, new Module(plainEngine, SPIN), imports).func("spin")!;
  await assertRejects(() => other.callAsync([], { fuelYieldInterval: 1 }), TypeError, "fuel: true");
});
