/** Budgets: shared by stores and by Workers, to the unit whoever takes at the same time, and given back whatever becomes of who has taken. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Budget,
  type BudgetLimits,
  type BudgetUsage,
  Engine,
  Instance,
  LimitError,
  Memory,
  Module,
  Store,
  Trap,
} from "../../mod.ts";
import { runWithGc } from "../gc_process.ts";
import { COLLECTORS } from "../../lib/runtime/mod.ts";
import type { BudgetReport, BudgetTask } from "./budget_worker.ts";

const PAGE = 65536;
const MEMORY = `(module (memory (export "m") 1) (table (export "t") 4 externref) (type $a (array (mut i8)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "growTable") (param i32) (result i32) (table.grow (ref.null extern) (local.get 0)))
  (func (export "put") (param i32 externref) (table.set (local.get 0) (local.get 1)))
  (func (export "bytes") (param i32) (drop (array.new_default $a (local.get 0))))
  (func (export "down") (param i32) (if (local.get 0) (then (call 4 (i32.sub (local.get 0) (i32.const 1)))))))`;

/** What is in use of everything that anything is in use of. */
function inUse(budget: Budget): Record<string, number> {
  return Object.fromEntries(
    Object.entries(budget.usage()).flatMap(([name, { current }]) => current === 0 ? [] : [[name, current]]),
  );
}

Deno.test("a budget limits its stores together, and gets everything back", () => {
  using engine = new Engine();
  const budget = new Budget({
    memoryBytes: 5 * PAGE,
    tableElements: 10,
    instances: 2,
    handles: 3,
    totalStackBytes: 2 << 20,
    gcHeapBytes: 1 << 20,
  });
  const module = Module.fromText(engine, MEMORY);
  const stores = [new Store(engine, { budget }), new Store(engine, { budget })];
  const [a, b] = stores.map((store) => new Instance(store, module).exports);
  assertEquals(limitOf(() => new Instance(stores[0], module)), ["instances", "budget", 2, 1, 2]);
  assertEquals([a.grow(2), b.grow(2), b.grow(1), a.grow(1)], [1, -1, 1, -1]);
  assertEquals(limitOf(() => new Memory(stores[0], { minimum: 2 })), [
    "memoryBytes",
    "budget",
    5 * PAGE,
    2 * PAGE,
    5 * PAGE,
  ]);
  assertThrows(() => a.m.grow(1), LimitError, "new Budget({ memoryBytes: ... })");
  assertEquals([a.growTable(1), b.growTable(2), b.growTable(1)], [4, -1, 4]);
  a.put(0, {});
  b.put(0, "x");
  b.put(1, "y");
  assertEquals(limitOf(() => a.put(1, "x"))[0], "handles");
  a.bytes(500_000);
  assertThrows(() => b.bytes(600_000), Trap, "heap exhausted");
  stores[0].gc();
  b.bytes(600_000);
  const { current, peak, limit } = budget.usage().gcHeapBytes;
  assert(current >= 600_000 && peak <= limit && limit === 1 << 20, `${current} ${peak}`);
  assertEquals(budget.usage().totalStackBytes, { current: 2 << 20, peak: 2 << 20, limit: 2 << 20 });
  using third = new Store(engine, { budget });
  assertThrows(() => new Instance(third, Module.fromText(engine, `(module (func $f) (start $f))`)), LimitError);
  stores[0].close();
  const { start } = new Instance(third, Module.fromText(engine, `(module (func (export "start")))`)).exports;
  start();
  stores[1].close();
  third.close();
  assertEquals(inUse(budget), {});
  assertEquals(budget.usage().memoryBytes, { current: 0, peak: 5 * PAGE, limit: 5 * PAGE });
});

function limitOf(call: () => unknown): unknown[] {
  const { limit, owner, current, asked, allowed } = assertThrows(call, LimitError);
  return [limit, owner, current, asked, allowed];
}

Deno.test("a store's own limits hold beside the budget's, and what fails takes nothing of either", () => {
  using engine = new Engine();
  const budget = new Budget({ memoryBytes: 10 * PAGE });
  using store = new Store(engine, { budget, limits: { memoryBytes: 4 * PAGE } });
  const memory = new Memory(store, { minimum: 1, maximum: 3 });
  assertThrows(() => memory.grow(4), RangeError, "at most 3 pages");
  assertEquals(limitOf(() => new Memory(store, { minimum: 4 }))[1], "store");
  assertEquals([inUse(budget), store.usage().memoryBytes.current], [{ memoryBytes: PAGE }, PAGE]);
  memory.grow(2);
  assertThrows(() => memory.grow(1), RangeError, "at most 3 pages");
  assertEquals(inUse(budget), { memoryBytes: 3 * PAGE });
});

Deno.test("objects of all collectors are charged to the budget, and garbage is collected before it is too much", () => {
  for (const collector of COLLECTORS) {
    using engine = new Engine({ collector });
    const budget = new Budget({ gcHeapBytes: 3 << 20 });
    const module = Module.fromText(engine, MEMORY);
    const stores = [new Store(engine, { budget }), new Store(engine, { budget })];
    const [a, b] = stores.map((store) => new Instance(store, module).exports);
    const work = () => {
      for (let i = 0; i < 40; i++) {
        a.bytes(400_000);
        b.bytes(100_000 + i);
      }
    };
    if (collector === "null") assertThrows(work, Trap, "heap exhausted");
    else work();
    const { current, peak } = budget.usage().gcHeapBytes;
    assert(peak <= 3 << 20 && current > 0, `${collector}: ${current} ${peak}`);
    for (const store of stores) store.close();
    assertEquals(inUse(budget), {});
  }
});

Deno.test("a budget and its token are what they seem", () => {
  using engine = new Engine();
  const budget = new Budget({ instances: 1 });
  const token = budget.share();
  using store = new Store(engine, { budget: Budget.from(structuredClone(token)) });
  const module = Module.fromText(engine, "(module)");
  new Instance(store, module);
  assertEquals([inUse(budget).instances, inUse(Budget.from(token)).instances], [1, 1]);
  for (const wrong of [undefined, null, {}, { counters: 1 }, { counters: new SharedArrayBuffer(8) }, budget]) {
    assertThrows(() => Budget.from(wrong as never), TypeError, "Budget.share");
  }
  const { counters } = token;
  assertThrows(() => Budget.from({ counters: new SharedArrayBuffer(counters.byteLength) }), TypeError);
  for (const wrong of [{ fuel: -1 }, { instances: 0.5 }, { memoryBytes: NaN }]) {
    assertThrows(() => new Budget(wrong), RangeError);
  }
  for (const wrong of [{ memory: 1 }, { stackBytes: 1 }, { fuel: "1" }, null, 3]) {
    assertThrows(() => new Budget(wrong as BudgetLimits), TypeError);
  }
  assertThrows(() => budget.addFuel(1), TypeError, "no fuel");
});

// ---- Fuel. ----

const FUEL_GUEST = `(module (import "h" "call" (func $call)) (global $n (export "n") (mut i32) (i32.const 0))
  (func (export "run") (loop
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (if (i32.eqz (i32.rem_u (global.get $n) (i32.const 7))) (then (call $call)))
    (br 0))))`;

/** How far a guest gets, and what was left and used, with fuel of its own or of a budget. */
function runOn(engine: Engine, module: Module, fuel: number, source: "own" | "budget"): number[] {
  const budget = source === "budget" ? new Budget({ fuel }) : undefined;
  using store = new Store(engine, budget === undefined ? {} : { budget });
  if (budget === undefined) store.fuel = fuel;
  const seen: number[] = [];
  const { run, n } = new Instance(store, module, { h: { call: () => void seen.push(store.fuel) } }).exports;
  assertEquals(assertThrows(run, Trap).code, "out_of_fuel");
  if (budget !== undefined) assertEquals(budget.usage().fuel, { current: fuel, peak: fuel, limit: fuel });
  return [n.value, store.fuel, store.usage().fuelConsumed!, ...seen];
}

Deno.test("fuel of a budget ends a guest where fuel of its own would, to the unit", () => {
  using engine = new Engine({ fuel: true });
  const module = Module.fromText(engine, FUEL_GUEST);
  for (
    const fuel of [
      0,
      1,
      5,
      17,
      ...Array.from({ length: 60 }, (_, i) => 990 + i),
      5000,
      16_001,
      100_003,
      3_000_000,
    ]
  ) {
    assertEquals(runOn(engine, module, fuel, "budget"), runOn(engine, module, fuel, "own"), `${fuel}`);
  }
});

Deno.test("stores share a budget's fuel, and hosts charge it", () => {
  using engine = new Engine({ fuel: true });
  const budget = new Budget({ fuel: 100 });
  using a = new Store(engine, { budget });
  using b = new Store(engine, { budget });
  assertThrows(() => (a.fuel = 5), TypeError, "addFuel");
  a.consumeFuel(30);
  b.consumeFuel(50);
  assertEquals([a.fuel, b.fuel, a.usage().fuelConsumed, b.usage().fuelConsumed], [20, 20, 30, 50]);
  assertThrows(() => b.consumeFuel(21), Trap, "fuel");
  assertEquals([a.fuel, budget.usage().fuel.current], [0, 100]);
  budget.addFuel(10);
  a.consumeFuel(10);
  assertEquals(budget.usage().fuel, { current: 110, peak: 110, limit: 110 });
  // Without fuel in the budget a store has its own.
  using c = new Store(engine, { budget: new Budget({ instances: 5 }) });
  c.fuel = 7;
  assertEquals(c.fuel, 7);
});

// ---- Workers. ----

class TestWorker implements Disposable {
  readonly #worker = new Worker(new URL("./budget_worker.ts", import.meta.url).href, { type: "module" });

  run(task: BudgetTask): Promise<BudgetReport> {
    const { promise, resolve, reject } = Promise.withResolvers<BudgetReport>();
    this.#worker.onmessage = ({ data }) => resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    this.#worker.postMessage(task);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

async function hammer(budget: Budget, task: BudgetTask["task"], rounds: number): Promise<BudgetReport[]> {
  using stack = new DisposableStack();
  const workers = [1, 2, 3].map((seed) => ({ seed, worker: stack.use(new TestWorker()) }));
  const token = budget.share();
  return await Promise.all(workers.map(({ seed, worker }) => worker.run({ token, task, seed, rounds })));
}

Deno.test("three Workers take and give at the same time, and nothing is lost", async () => {
  const budget = new Budget({ memoryBytes: 2 ** 48, tableElements: 20_000 });
  const reports = await hammer(budget, "hammer counters", 200_000);
  assertEquals(inUse(budget), {});
  const { memoryBytes, tableElements } = budget.usage();
  assert(memoryBytes.peak <= 2 ** 48 && memoryBytes.peak > 2 ** 32, `${memoryBytes.peak}`);
  assert(tableElements.peak <= 20_000 && tableElements.peak > 10_000, `${tableElements.peak}`);
  for (const { taken, refused } of reports) assert(taken > 1000 && refused > 100, `${taken} ${refused}`);
});

Deno.test("stores of three Workers share memories and tables", async () => {
  const budget = new Budget({ memoryBytes: 40 * PAGE, tableElements: 500 });
  const reports = await hammer(budget, "hammer stores", 150);
  assertEquals(inUse(budget), {});
  const { memoryBytes, tableElements } = budget.usage();
  assert(memoryBytes.peak <= 40 * PAGE && tableElements.peak <= 500, `${memoryBytes.peak} ${tableElements.peak}`);
  assertEquals(reports.map(({ taken }) => taken > 100), [true, true, true]);
});

Deno.test("three Workers burn a budget's fuel: all of it, and no more", async () => {
  const fuel = 50_000_000;
  const budget = new Budget({ fuel });
  const reports = await hammer(budget, "burn fuel", 1);
  const used = reports.reduce((sum, { fuelConsumed }) => sum + fuelConsumed, 0);
  assertEquals([used, budget.usage().fuel.current], [fuel, fuel]);
});

/** Waits for a budget to come to a state. */
async function until(budget: Budget, isThere: (usage: BudgetUsage) => boolean): Promise<boolean> {
  for (let i = 0; i < 500 && !isThere(budget.usage()); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  return isThere(budget.usage());
}

Deno.test("what a terminated Worker had is taken back", async () => {
  const budget = new Budget({ memoryBytes: 4 * PAGE });
  const token = budget.share();
  using engine = new Engine();
  using store = new Store(engine, { budget });
  for (let round = 0; round < 3; round++) {
    const worker = new TestWorker();
    await worker.run({ token, task: "hold", seed: 0, rounds: 0 });
    assertEquals(inUse(budget), { memoryBytes: 3 * PAGE, tableElements: 7 });
    assertThrows(() => new Memory(store, { minimum: 2 }), LimitError);
    worker[Symbol.dispose]();
    assert(await until(budget, ({ memoryBytes, tableElements }) => memoryBytes.current + tableElements.current === 0));
  }
  // Who needs it finds it too, without anybody asking for the usage.
  const worker = new TestWorker();
  await worker.run({ token, task: "hold", seed: 0, rounds: 0 });
  worker[Symbol.dispose]();
  let memory: Memory | undefined;
  for (let i = 0; i < 500 && memory === undefined; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    try {
      memory = new Memory(store, { minimum: 4 });
    } catch (error) {
      assert(error instanceof LimitError);
    }
  }
  assertEquals([memory?.byteLength, inUse(budget)], [4 * PAGE, { memoryBytes: 4 * PAGE }]);
});

// ---- Leaks. ----

Deno.test("stores that nobody closed give back to their budget when they are garbage", async () => {
  const script = `
    import { Budget, Engine, Instance, Module, Store, Table } from ${
    JSON.stringify(import.meta.resolve("../../mod.ts"))
  };
    const engine = new Engine();
    const budget = new Budget({});
    const module = Module.fromText(engine, \`(module (memory 1) (func (export "f")))\`);
    function drop() {
      for (let i = 0; i < 50; i++) {
        const store = new Store(engine, { budget });
        new Instance(store, module).exports.f();
        new Table(store, { element: "externref", minimum: 1 }, { some: "value" });
      }
    }
    drop();
    const { memoryBytes, instances, handles, totalStackBytes } = budget.usage();
    const all = () => Object.values(budget.usage()).reduce((sum, { current }) => sum + current, 0);
    for (let i = 0; i < 300 && all() !== 0; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    console.log(JSON.stringify([memoryBytes.peak / 65536, instances.peak, handles.peak, totalStackBytes.peak / 2 ** 20, all()]));
  `;
  assertEquals(await runWithGc(script), [50, 50, 50, 50, 0]);
});
