/**
 * Limits: each of them reached by guests and by JavaScript, at the boundary and beyond, with usage and peaks to the unit; limiters that refuse, throw,
 * and answer later; memories and tables that grow at random beside a model.
 */

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  Engine,
  Instance,
  LimitError,
  Linker,
  LinkError,
  Memory,
  Module,
  type ResourceLimiter,
  type ResourceName,
  SharedMemory,
  Store,
  type StoreLimits,
  Table,
  Trap,
} from "../../mod.ts";
import { COLLECTORS } from "../../lib/runtime/mod.ts";
import { DEFAULT_FEATURES, featureNames } from "../../lib/wasm/mod.ts";
import { Random } from "../fuzz/generators/random.ts";
import { Sandbox } from "./sandbox.ts";

const PAGE = 65536;

const GROWING = `(module
  (memory $m (export "memory") 1) (table $t (export "table") 2 externref)
  (func (export "growMemory") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "growTable") (param externref i32) (result i32) (table.grow $t (local.get 0) (local.get 1)))
  (func (export "memorySize") (result i32) (memory.size))
  (func (export "tableSize") (result i32) (table.size $t))
  (func (export "put") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "get") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "element") (param i32) (result externref) (table.get $t (local.get 0))))`;

/** What is in use of everything that a test is about, and was at most. */
function inUse(store: Store, ...names: ResourceName[]): [current: number, peak: number][] {
  const usage = store.usage();
  return names.map((name) => [usage[name].current, usage[name].peak]);
}

function limitOf(call: () => unknown): unknown[] {
  const { limit, owner, current, asked, allowed } = assertThrows(call, LimitError);
  return [limit, owner, current, asked, allowed];
}

/** The detail behind a trap's own message. */
function trapOf(call: () => unknown): string {
  const { code, message } = assertThrows(call, Trap);
  return `${code}: ${message.slice(message.indexOf(": ") + 2)}`;
}

Deno.test("limits are on by default, and say what they are", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const limits = Object.entries(store.usage()).flatMap(([name, value]) =>
    typeof value === "object" ? [[name, value.limit]] : []
  );
  assertEquals(Object.fromEntries(limits), {
    memoryBytes: 2 ** 32,
    tableElements: 10_000_000,
    instances: 10_000,
    gcHeapBytes: 2 ** 30,
    totalStackBytes: 2 ** 30,
    parkedCalls: 10_000,
    handles: 1_000_000,
    codeBytes: 2 ** 29,
  });
  assertEquals(store.usage().fuelConsumed, undefined);
  assertEquals(inUse(store, "memoryBytes", "totalStackBytes", "handles", "codeBytes"), Array(4).fill([0, 0]));
});

Deno.test("a limit that is none is refused", () => {
  using engine = new Engine();
  const make = (limits: unknown) => new Store(engine, { limits: limits as StoreLimits }).close();
  for (const name of ["memoryBytes", "tableElements", "instances", "gcHeapBytes", "totalStackBytes", "handles"]) {
    for (const wrong of [-1, 1.5, NaN, -Infinity, 2 ** 53]) {
      assertThrows(() => make({ [name]: wrong }), RangeError, `limits.${name}`);
    }
    for (const wrong of ["1", null, {}, true, 1n]) {
      assertThrows(() => make({ [name]: wrong }), TypeError, `limits.${name}`);
    }
    make({ [name]: 0 });
    make({ [name]: Infinity });
    make({ [name]: undefined });
  }
  for (const wrong of [0, 65535, 2 ** 29 + 1, Infinity, NaN, 100_000.5]) {
    assertThrows(() => make({ stackBytes: wrong }), RangeError, "stackBytes");
  }
  assertThrows(() => make({ stackBytes: "1" }), TypeError, "stackBytes");
  assertThrows(() => make({ trapOnGrowFailure: 1 }), TypeError, "trapOnGrowFailure");
  assertThrows(() => make({ memory: 1 }), TypeError, "There is no limit memory");
  assertThrows(() => make(7), TypeError, "object");
  assertThrows(() => new Store(engine, { limiter: 7 as never }), TypeError, "limiter");
  assertThrows(() => new Store(engine, { budget: {} as never }), TypeError, "Budget");
});

Deno.test("bytes of memories: of guests and of JavaScript, all together, to the byte", () => {
  using sandbox = new Sandbox({}, { limits: { memoryBytes: 8 * PAGE } });
  const { store } = sandbox;
  const { growMemory, memorySize, put, get, memory } = sandbox.instance(GROWING).exports;
  put(0, 42);
  const other = new Memory(store, { minimum: 3 });
  assertEquals([growMemory(2), memory.grow(1), other.grow(1)], [1, 3, 3]);
  assertEquals(inUse(store, "memoryBytes"), [[8 * PAGE, 8 * PAGE]]);
  // One more, by everybody.
  assertEquals([growMemory(1), growMemory(0), memorySize()], [-1, 4, 4]);
  for (const wanted of [1, 65532]) {
    assertEquals(limitOf(() => memory.grow(wanted)), ["memoryBytes", "store", 8 * PAGE, wanted * PAGE, 8 * PAGE]);
  }
  assertEquals(limitOf(() => new Memory(store, { minimum: 1 })), ["memoryBytes", "store", 8 * PAGE, PAGE, 8 * PAGE]);
  assertThrows(() => memory.grow(1), LimitError, "new Store(engine, { limits: { memoryBytes: ... } })");
  assertEquals([get(0), memory.sizePages, other.sizePages], [42, 4, 4]);
  assertEquals(inUse(store, "memoryBytes"), [[8 * PAGE, 8 * PAGE]]);
  // Nothing of a module that does not fit is made.
  const before = store.usage();
  const two = sandbox.module(`(module (memory 0) (memory 1) (table 5 funcref))`);
  assertEquals(limitOf(() => new Instance(store, two))[0], "memoryBytes");
  assertEquals(store.usage(), before);
  new Memory(store, { minimum: 0 });
});

Deno.test("a memory of small pages counts bytes, and one that cannot be had counts nothing", () => {
  using sandbox = new Sandbox({ features: ["custom-page-sizes", "memory64"] }, { limits: { memoryBytes: 100 } });
  const { store } = sandbox;
  const { grow, m } = sandbox.instance(`(module (memory (export "m") 10 1000 (pagesize 1))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`).exports;
  assertEquals([grow(91), grow(90), grow(1), m.byteLength], [-1, 10, -1, 100]);
  using large = new Store(sandbox.engine, { limits: { memoryBytes: Infinity } });
  assertThrows(() => new Memory(large, { minimum: 2n ** 48n, address: "i64" }), Error, "supported");
  assertEquals(inUse(large, "memoryBytes"), [[0, 0]]);
  assertEquals(inUse(store, "memoryBytes"), [[100, 100]]);
});

Deno.test("shared memories count where a store's guests make or grow them, and no limiter is asked", () => {
  const asked: string[] = [];
  const limiter: ResourceLimiter = { memoryGrowing: () => (asked.push("growing"), false) };
  using sandbox = new Sandbox({}, { limits: { memoryBytes: 4 * PAGE }, limiter });
  const { store } = sandbox;
  const shared = new SharedMemory({ minimum: 2, maximum: 100 });
  shared.grow(1);
  const { grow, own } = sandbox.instance(
    `(module (memory $i (import "a" "b") 1 100 shared) (memory $o (export "own") 1 9 shared)
      (func (export "grow") (param i32) (result i32) (memory.grow $i (local.get 0))))`,
    { a: { b: shared } },
  ).exports;
  assertEquals([grow(2), own.grow(1), grow(1), shared.byteLength], [3, 1, -1, 5 * PAGE]);
  assertThrows(() => own.grow(1), LimitError);
  assertEquals([inUse(store, "memoryBytes"), asked], [[[4 * PAGE, 4 * PAGE]], []]);
});

Deno.test("elements of tables: of guests and of JavaScript, all together, to the element", () => {
  using sandbox = new Sandbox({}, { limits: { tableElements: 10 } });
  const { store } = sandbox;
  const { growTable, tableSize, element, table } = sandbox.instance(GROWING).exports;
  const other = new Table(store, { element: "funcref", minimum: 3 });
  assertEquals([growTable("a", 3), table.grow(1, "b"), other.grow(1), growTable("c", 1)], [2, 5, 3, -1]);
  assertEquals(limitOf(() => table.grow(1)), ["tableElements", "store", 10, 1, 10]);
  assertEquals(limitOf(() => new Table(store, { element: "externref", minimum: 2 }))[0], "tableElements");
  assertEquals(
    limitOf(() => sandbox.instance("(module (table 0 funcref) (table 1 funcref))")),
    ["tableElements", "store", 10, 1, 10],
  );
  assertEquals([0, 1, 2, 3, 4, 5].map((i) => element(i)), [null, null, "a", "a", "a", "b"]);
  assertEquals([tableSize(), other.size], [6, 4]);
  assertEquals(inUse(store, "tableElements", "instances"), [[10, 10], [1, 1]]);
});

Deno.test("elements whose value cannot be made are not counted", () => {
  using sandbox = new Sandbox({}, { limits: { handles: 1 } });
  const { store } = sandbox;
  const table = new Table(store, { element: "externref", minimum: 0 });
  assertEquals(table.grow(1, { first: true }), 0);
  for (let i = 0; i < 3; i++) assertEquals(limitOf(() => table.grow(5, { second: true }))[0], "handles");
  assertEquals([table.size, ...inUse(store, "tableElements")], [1, [1, 1]]);
  assertEquals(table.grow(2), 1);
  assertEquals(inUse(store, "tableElements"), [[3, 3]]);
});

Deno.test("instances", () => {
  using sandbox = new Sandbox({}, { limits: { instances: 2 } });
  const module = sandbox.module("(module (memory 1))");
  new Instance(sandbox.store, module);
  new Instance(sandbox.store, module);
  assertEquals(limitOf(() => new Instance(sandbox.store, module)), ["instances", "store", 2, 1, 2]);
  assertEquals(inUse(sandbox.store, "instances", "memoryBytes"), [[2, 2], [2 * PAGE, 2 * PAGE]]);
});

Deno.test("an import that does not fit counts no instance", () => {
  using sandbox = new Sandbox({}, { limits: { instances: 1 } });
  const module = sandbox.module(`(module (import "a" "b" (func)))`);
  for (let i = 0; i < 3; i++) assertThrows(() => new Instance(sandbox.store, module), Error, "not given");
  new Instance(sandbox.store, module, { a: { b: () => {} } });
});

Deno.test("bytes of code, of each module once", () => {
  using engine = new Engine();
  const module = Module.fromText(engine, `(module (func (export "f") (result i32) (i32.const 1)))`);
  const other = Module.fromText(engine, `(module (func (export "f") (result i32) (i32.const 2)))`);
  using measure = new Store(engine);
  new Instance(measure, module);
  new Instance(measure, module);
  const [[bytes, peak]] = inUse(measure, "codeBytes");
  assert(bytes > 0 && peak === bytes);
  using store = new Store(engine, { limits: { codeBytes: bytes } });
  assertEquals(new Instance(store, module).exports.f(), 1);
  new Instance(store, module);
  const [limit, , current, asked] = limitOf(() => new Instance(store, other));
  assertEquals([limit, current, inUse(store, "instances")], ["codeBytes", bytes, [[2, 2]]]);
  using tight = new Store(engine, { limits: { codeBytes: asked as number - 1 } });
  assertThrows(() => new Instance(tight, other), LimitError);
  assertEquals(inUse(tight, "codeBytes", "instances"), [[0, 0], [0, 0]]);
});

Deno.test("bytes of objects, and what they were at most", () => {
  for (const collector of COLLECTORS) {
    using sandbox = new Sandbox({ collector }, { limits: { gcHeapBytes: 1 << 20 } });
    const { make } = sandbox.instance(`(module (type $a (array (mut i8)))
      (func (export "make") (param i32) (drop (array.new_default $a (local.get 0)))))`).exports;
    assertThrows(() => make(1 << 20), Trap, "heap exhausted");
    make(500_000);
    const [[current, peak]] = inUse(sandbox.store, "gcHeapBytes");
    assert(current >= 500_000 && current < 500_100 && peak === current, `${current} ${peak}`);
    if (collector === "null") continue;
    for (let i = 0; i < 10; i++) make(500_000);
    sandbox.store.gc();
    const [[after, most]] = inUse(sandbox.store, "gcHeapBytes");
    assert(after === 0 && most > 500_000 && most <= 1 << 20, `${after} ${most}`);
  }
});

const DEEP = `(module
  (func $down (export "down") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
      (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))))))`;

/** The deepest recursion that does not trap. */
function depthOf(stackBytes: number): number {
  using sandbox = new Sandbox({}, { limits: { stackBytes } });
  const { down } = sandbox.instance(DEEP).exports;
  let low = 1, high = stackBytes / 8;
  assertThrows(() => down(high), Trap, "stack");
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    try {
      assertEquals(down(middle), middle);
      low = middle;
    } catch (error) {
      assert(error instanceof Trap && error.code === "stack_overflow");
      high = middle;
    }
  }
  assertEquals(inUse(sandbox.store, "totalStackBytes"), [[stackBytes, stackBytes]]);
  return low;
}

Deno.test("stacks have exactly the bytes that they are to have", () => {
  const depths = [64 << 10, 1 << 20, 8 << 20, 64 << 20].map(depthOf);
  const frame = (1 << 20) / depths[1];
  assert(frame >= 16 && frame < 100, `${frame}`);
  assertEquals(
    depths.map((depth, i) => Math.abs(depth * frame / [1 << 16, 1 << 20, 8 << 20, 64 << 20][i] - 1) < 0.02),
    [
      true,
      true,
      true,
      true,
    ],
  );
  const odd = depthOf(100_001);
  assert(Math.abs(odd * frame / 100_001 - 1) < 0.02, `${odd}`);
});

Deno.test("bytes of all stacks: calls that nest trap, and the store goes on", () => {
  using sandbox = new Sandbox({}, { limits: { stackBytes: 1 << 17, totalStackBytes: 3 * (1 << 17) } });
  let depth = 0;
  const { run } = sandbox.instance(
    `(module (import "host" "again" (func $again (param i32))) (func (export "run") (param i32) (call $again (local.get 0))))`,
    {
      host: {
        again: (n: number) => {
          depth = Math.max(depth, n);
          if (n < 10) run(n + 1);
        },
      },
    },
  ).exports;
  assertEquals(trapOf(() => run(1)).slice(0, 48), "stack_overflow: totalStackBytes: 131072 more are");
  assertEquals([depth, inUse(sandbox.store, "totalStackBytes")], [3, [[3 << 17, 3 << 17]]]);
  run(8);
  using none = new Sandbox({}, { limits: { totalStackBytes: 0 } });
  assertEquals(trapOf(() => none.instance(DEEP).exports.down(1)).split(":")[0], "stack_overflow");
});

Deno.test("continuations: their stacks count, and those that nobody can resume come back", () => {
  using sandbox = new Sandbox({ features: [...featureNames(DEFAULT_FEATURES), "stack-switching"] }, {
    limits: { stackBytes: 1 << 16, totalStackBytes: 11 * (1 << 16) },
  });
  const { keep, drop } = sandbox.instance(`(module (type $ft (func)) (type $ct (cont $ft)) (tag $e)
    (table $t 100 (ref null $ct))
    (func $f (suspend $e)) (elem declare func $f)
    (func $start (result (ref $ct))
      (block $h (result (ref $ct)) (resume $ct (on $e $h) (cont.new $ct (ref.func $f))) (unreachable)))
    (func (export "keep") (param i32) (table.set $t (local.get 0) (call $start)))
    (func (export "drop") (param i32) (table.set $t (local.get 0) (ref.null $ct))))`).exports;
  for (let i = 0; i < 10; i++) keep(i);
  assertEquals(inUse(sandbox.store, "totalStackBytes"), [[11 << 16, 11 << 16]]);
  assertThrows(() => keep(10), Trap, "totalStackBytes");
  for (let i = 0; i < 5; i++) drop(i);
  for (let i = 0; i < 5; i++) keep(i + 20);
  assertThrows(() => keep(10), Trap, "totalStackBytes");
});

Deno.test("calls by callAsync: as many as there may be, and stacks for them", async () => {
  for (
    const [limits, limit] of [
      [{ parkedCalls: 2 }, "parkedCalls"],
      // One stack is there for synchronous calls.
      [{ stackBytes: 1 << 16, totalStackBytes: 3 << 16 }, "totalStackBytes"],
    ] as const
  ) {
    using engine = new Engine();
    using store = new Store(engine, { limits });
    const releases: (() => void)[] = [];
    const linker = new Linker(engine);
    linker.defineFunc(
      "env",
      "wait",
      { parameters: [], results: [] },
      (() => new Promise<void>((resolve) => releases.push(resolve))) as never,
    );
    const module = Module.fromText(engine, `(module (import "env" "wait" (func $w)) (func (export "run") (call $w)))`);
    const run = linker.instantiate(store, module).func("run")!;
    const calls = [run.callAsync([]), run.callAsync([])];
    while (releases.length < 2) await new Promise((resolve) => setTimeout(resolve));
    const error = await assertRejects(() => run.callAsync([]), LimitError);
    assertEquals(error.limit, limit);
    assertEquals(inUse(store, "parkedCalls"), [[2, limit === "parkedCalls" ? 2 : 3]]);
    releases.forEach((release) => release());
    await Promise.all(calls);
    assertEquals(store.usage().parkedCalls.current, 0);
    const again = run.callAsync([]);
    while (releases.length < 3) await new Promise((resolve) => setTimeout(resolve));
    releases[2]();
    await again;
  }
});

Deno.test("10,000 calls wait at a time on small stacks, and one more is refused", async () => {
  using engine = new Engine();
  using store = new Store(engine, { limits: { stackBytes: 1 << 16 } });
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  const wait = () => {
    waiting++;
    return gate.promise;
  };
  const linker = new Linker(engine);
  linker.defineFunc("env", "wait", { parameters: [], results: [] }, wait as never);
  const module = Module.fromText(engine, `(module (import "env" "wait" (func $w)) (func (export "run") (call $w)))`);
  const run = linker.instantiate(store, module).func("run")!;
  const calls = Array.from({ length: 10_000 }, () => run.callAsync([]));
  while (waiting < 10_000) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals((await assertRejects(() => run.callAsync([]), LimitError)).limit, "parkedCalls");
  const [[calling], [, stackPeak]] = inUse(store, "parkedCalls", "totalStackBytes");
  assert(calling === 10_000 && stackPeak >= 10_000 << 16 && stackPeak <= 10_001 << 16, `${stackPeak}`);
  gate.resolve();
  await Promise.all(calls);
  const [[after], [stacksAfter]] = inUse(store, "parkedCalls", "totalStackBytes");
  assert(after === 0 && stacksAfter < 1000 << 16, `${stacksAfter}`);
});

Deno.test("handles: host values that guests hold, and references that JavaScript holds", () => {
  using sandbox = new Sandbox({}, { limits: { handles: 10 } });
  const { store } = sandbox;
  const { put, t, box, kept } = sandbox.instance(`(module (type $box (struct (field i32)))
    (table $t (export "t") 100 externref) (table $kept (export "kept") 20 anyref)
    (func (export "put") (param i32 externref) (table.set $t (local.get 0) (local.get 1)))
    (func (export "box") (param i32) (result (ref $box)) (struct.new $box (local.get 0))))`).exports;
  for (let i = 0; i < 8; i++) put(i, { i });
  const first = box(1), second = box(2);
  assertEquals(inUse(store, "handles"), [[10, 10]]);
  assertEquals(limitOf(() => put(50, { tooMany: true })), ["handles", "store", 10, 1, 10]);
  assertEquals(limitOf(() => box(3))[0], "handles");
  assertEquals(limitOf(() => t.set(50, "too many"))[0], "handles");
  // Known values, small integers and null need none.
  put(51, t.get(0));
  put(52, 7);
  put(53, null);
  kept.set(0, first);
  assertEquals([t.get(51) === t.get(0), t.get(52), t.get(50)], [true, 7, null]);
  first.dispose();
  second.dispose();
  const third = box(3), fourth = box(4);
  assertThrows(() => box(5), LimitError);
  third.dispose();
  // A guest that lets go of values has room for others, without anybody asking for a collection.
  for (let round = 0; round < 5; round++) for (let i = 1; i < 8; i++) put(i, { round, i });
  assertEquals(t.get(3), { round: 4, i: 3 });
  assertEquals([store.usage().handles.peak, fourth.get(0)], [10, 4]);
});

Deno.test("a store that wants it ends guests whose growth fails", () => {
  using sandbox = new Sandbox({}, { limits: { memoryBytes: 3 * PAGE, tableElements: 4, trapOnGrowFailure: true } });
  const { growMemory, growTable, memory, memorySize } = sandbox.instance(GROWING).exports;
  assertEquals([growMemory(1), growTable(null, 1)], [1, 2]);
  assertEquals(trapOf(() => growMemory(2)).slice(0, 53), "growth_failed: memoryBytes: 131072 more are asked for");
  assertEquals(trapOf(() => growTable(null, 2)).slice(0, 50), "growth_failed: tableElements: 2 more are asked for");
  assertEquals(trapOf(() => growMemory(65535)), "growth_failed: A memory of at most 65536 pages cannot have 65537");
  assertThrows(() => memory.grow(2), LimitError);
  assertEquals([growMemory(1), memorySize()], [2, 3]);
});

Deno.test("fuel that was used", () => {
  using engine = new Engine({ fuel: true });
  using store = new Store(engine);
  const { run } = new Instance(
    store,
    Module.fromText(
      engine,
      `(module (func (export "run") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))`,
    ),
  ).exports;
  const consumed = () => store.usage().fuelConsumed;
  assertEquals(consumed(), 0);
  store.fuel = 100;
  run(1);
  const one = 100 - store.fuel;
  assertEquals([consumed(), one], [one, 3]);
  store.consumeFuel(10);
  store.fuel = 1000;
  run(1);
  assertEquals(consumed(), 2 * one + 10);
  store.fuel = 2;
  assertThrows(() => run(1), Trap, "fuel");
  assertEquals([consumed(), store.fuel], [2 * one + 12, 0]);
  store.fuel = 50;
  assertThrows(() => store.consumeFuel(51), Trap);
  assertEquals(consumed(), 2 * one + 62);
});

// ---- Limiters. ----

Deno.test("a limiter decides about memories: asked with bytes, told of what fails for other reasons", () => {
  const log: string[] = [];
  let answer: "yes" | "no" | "throw" | "nothing" = "yes";
  const limiter: ResourceLimiter = {
    memoryGrowing: (current, desired, maximum) => {
      log.push(`${current / PAGE} ${desired / PAGE} ${maximum / PAGE}`);
      if (answer === "throw") throw new Error("no more");
      return (answer === "nothing" ? undefined : answer === "yes") as boolean;
    },
    memoryGrowFailed: ({ message }) => log.push(message),
    instanceCreating: (current, desired) => (log.push(`instances ${current} ${desired}`), answer === "yes"),
  };
  using sandbox = new Sandbox({}, { limits: { memoryBytes: 20 * PAGE }, limiter });
  const { store } = sandbox;
  const text =
    `(module (memory (export "m") 1 9) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`;
  const { grow, m } = sandbox.instance(text).exports;
  assertEquals(log.splice(0), ["instances 0 1", "0 1 9"]);
  const other = new Memory(store, { minimum: 2 });
  assertEquals(log.splice(0), ["0 2 65536"]);
  assertEquals([grow(2), m.grow(1), grow(0), m.grow(0), log.splice(0)], [1, 3, 4, 4, ["1 3 9", "3 4 9"]]);
  assertEquals([grow(6), log.splice(0)], [-1, ["4 10 9", "A memory of at most 9 pages cannot have 10"]]);
  assertThrows(() => other.grow(15), LimitError);
  assertEquals([log.length, log.splice(0)[1].slice(0, 11)], [2, "memoryBytes"]);
  answer = "no";
  assertEquals([grow(1), log.splice(0)], [-1, ["4 5 9"]]);
  assertThrows(() => m.grow(1), RangeError, "limiter refuses");
  assertThrows(() => new Memory(store, { minimum: 1 }), RangeError, "limiter refuses a memory of 65536 bytes");
  assertThrows(() => sandbox.instance(text), RangeError, "limiter refuses one more instance");
  answer = "throw";
  assertThrows(() => grow(1), Error, "no more");
  assertThrows(() => m.grow(1), Error, "no more");
  answer = "nothing";
  assertThrows(() => grow(1), TypeError, "true or false");
  assertEquals([m.sizePages, other.sizePages], [4, 2]);
  assertEquals(inUse(store, "memoryBytes", "instances"), [[6 * PAGE, 6 * PAGE], [1, 1]]);
});

Deno.test("an answer counts for the size that the limiter was asked about", () => {
  let again = () => {};
  const asked: number[] = [];
  using sandbox = new Sandbox({}, {
    limiter: {
      memoryGrowing: (_, desired) => (asked.push(desired / PAGE), again(), desired <= 5 * PAGE),
      tableGrowing: (_, desired) => (asked.push(desired), again(), desired <= 5),
    },
  });
  const { growMemory, growTable, memory, table } = sandbox.instance(GROWING).exports;
  asked.length = 0;
  again = () => {
    again = () => {};
    assertEquals(memory.grow(2), 1);
  };
  assertEquals([growMemory(3), memory.sizePages, asked.splice(0)], [-1, 3, [4, 3, 6]]);
  again = () => {
    again = () => {};
    assertEquals(growTable("inner", 2), 2);
  };
  assertEquals([table.grow(1, "outer"), asked.splice(0)], [4, [3, 4, 5]]);
  assertEquals([2, 3, 4].map((i) => table.get(i)), ["inner", "inner", "outer"]);
});

Deno.test("a limiter may reset the instance whose memory is about to be imported, which then does not fit", () => {
  const reset = () => exporter?.reset();
  using sandbox = new Sandbox({}, { limiter: { instanceCreating: () => (reset(), true) } });
  let exporter: Instance | undefined;
  const importing = `(module (import "e" "memory" (memory 3)) (import "e" "table" (table 3 externref)))`;
  const made = sandbox.instance(GROWING);
  const imports = { e: made.exports };
  made.exports.growMemory(2);
  made.exports.growTable(null, 1);
  exporter = made;
  assertThrows(() => sandbox.instance(importing, imports as never), LinkError, "memory");
  assertEquals([made.exports.memorySize(), ...inUse(sandbox.store, "instances")], [1, [1, 1]]);
  exporter = undefined;
  made.exports.growMemory(2);
  made.exports.growTable(null, 1);
  sandbox.instance(importing, imports as never);
});

Deno.test("a limiter that is told of a failure is told what the caller is", () => {
  const told: Error[] = [];
  const limiter = {
    memoryGrowFailed: (reason: Error) => void (told.push(reason), other.reset()),
    tableGrowFailed: (reason: Error) => void (told.push(reason), other.reset()),
  };
  using sandbox = new Sandbox({}, { limits: { memoryBytes: 4 * PAGE, tableElements: 10 }, limiter });
  const other = sandbox.instance(GROWING);
  const { memory, table } = sandbox.instance(GROWING).exports;
  other.exports.growMemory(2);
  const memoryError = assertThrows(() => memory.grow(1), LimitError);
  assertEquals([memoryError.current, told[0]], [4 * PAGE, memoryError]);
  other.exports.growTable(null, 6);
  const tableError = assertThrows(() => table.grow(1), LimitError);
  assertEquals([tableError.current, told[1]], [10, tableError]);
});

Deno.test("a limiter may close the store, which ends what wanted to grow", () => {
  for (const grow of ["growMemory", "growTable", "host"] as const) {
    using engine = new Engine();
    let close = () => {};
    const limiter = { memoryGrowing: () => (close(), true), tableGrowing: () => (close(), true) };
    const store = new Store(engine, { limiter });
    const { exports } = new Instance(store, Module.fromText(engine, GROWING));
    close = () => store.close();
    if (grow === "host") assertThrows(() => exports.memory.grow(1), TypeError, "disposed");
    else if (grow === "growMemory") assertThrows(() => exports.growMemory(1), TypeError, "active");
    else assertThrows(() => exports.growTable(null, 1), TypeError, "active");
    close = () => {};
    store.close();
  }
});

Deno.test("a limiter may answer later to guests that callAsync calls, and to nobody else", async () => {
  let answers: (boolean | Error)[] = [];
  const later = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const answer = answers.shift()!;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const limiter: ResourceLimiter = { memoryGrowing: later, tableGrowing: later, instanceCreating: later };
  using sandbox = new Sandbox({ stress: { gc: true } }, { limiter });
  const { store } = sandbox;
  const module = sandbox.module(GROWING);
  const settled = () => new Promise((resolve) => setTimeout(resolve, 10));
  assertThrows(() => new Instance(store, module), TypeError, "callAsync");
  await settled();
  answers = [true, true, false];
  await assertRejects(() => Instance.createAsync(store, module), RangeError, "a table of 2 elements");
  answers = [false];
  await assertRejects(() => Instance.createAsync(store, module), RangeError, "one more instance");
  assertEquals(inUse(store, "instances", "memoryBytes"), [[0, 0], [0, 0]]);
  answers = [true, true, true];
  const instance = await Instance.createAsync(store, module);
  const { memory, table, growMemory, growTable } = instance.exports;
  for (const call of [() => growMemory(1), () => growTable(null, 1), () => memory.grow(1), () => table.grow(1)]) {
    answers = [true];
    assertThrows(call, TypeError, "callAsync");
    await settled();
  }
  const grow = instance.func("growMemory")!, growRef = instance.func("growTable")!;
  answers = [true, false, new Error("asked too often")];
  assertEquals(await grow.callAsync([2]), 1);
  assertEquals(await grow.callAsync([2]), -1);
  await assertRejects(() => grow.callAsync([2]), Error, "asked too often");
  // What is to be stored lives and moves meanwhile.
  const value = { stored: true };
  answers = [true];
  const growing = growRef.callAsync([value, 3]);
  store.gc();
  await new Promise((resolve) => setTimeout(resolve));
  store.gc();
  assertEquals(await growing, 2);
  for (const i of [2, 3, 4]) assertStrictEquals(table.get(i), value);
  // Two at once: the second is asked again about the size that the first has left.
  answers = [true, true, true];
  assertEquals((await Promise.all([growRef.callAsync(["x", 1]), growRef.callAsync(["y", 1])])).sort(), [5, 6]);
  assertEquals(table.size, 7);
  assertEquals(memory.sizePages, 3);
});

Deno.test("a call that waits for a limiter is ended by its signal", async () => {
  let pending = 0;
  const limiter: ResourceLimiter = {
    tableGrowing: (current) => current === 0 ? true : (pending++, new Promise<boolean>(() => {})),
    instanceCreating: () => pending === 0 ? true : new Promise<boolean>(() => {}),
  };
  using sandbox = new Sandbox({}, { limiter });
  const instance = sandbox.instance(GROWING);
  const signal = AbortSignal.timeout(20);
  await assertRejects(() => instance.func("growTable")!.callAsync(["x", 1], { signal }), DOMException, "timeout");
  assertEquals([pending, instance.exports.table.size], [1, 2]);
  const other = AbortSignal.timeout(20);
  await assertRejects(() => Instance.createAsync(sandbox.store, instance.module, {}, { signal: other }), DOMException);
  assertEquals(sandbox.store.usage().instances.current, 1);
});

// ---- Beside a model. ----

const STORES = 200, STEPS = 500;

Deno.test(`I3: ${STORES * STEPS} random growths beside a model, with a limiter that refuses at random`, () => {
  using engine = new Engine();
  const module = Module.fromText(engine, GROWING);
  const random = new Random(20);
  let refusals = 0, limits = 0, growths = 0;
  for (let run = 0; run < STORES; run++) {
    let answer: "yes" | "no" | "throw" = "yes";
    const decide = () => {
      if (answer === "throw") throw new Error("thrown");
      return answer === "yes";
    };
    const limit = { memoryBytes: (1 + random.below(60)) * PAGE, tableElements: 2 + random.below(200) };
    using store = new Store(engine, { limits: limit, limiter: { memoryGrowing: decide, tableGrowing: decide } });
    const { exports } = new Instance(store, module);
    const extra = random.oneIn(2) ? new Memory(store, { minimum: 0, maximum: 20 }) : undefined;
    const marks = [random.next() | 0];
    exports.put(0, marks[0]);
    const elements: unknown[] = [null, null];
    let extraPages = 0;
    for (let step = 0; step < STEPS; step++) {
      answer = random.oneIn(4) ? "no" : random.oneIn(8) ? "throw" : "yes";
      const kind = random.below(5);
      if (kind === 2 || kind === 3) {
        const delta = random.below(random.oneIn(10) ? 300 : 6);
        const value = random.oneIn(3) ? null : `${step}`;
        const fits = elements.length + delta <= limit.tableElements;
        const grows = delta === 0 || answer === "yes" && fits;
        const outcome = attempt(() => kind === 2 ? exports.growTable(value, delta) : exports.table.grow(delta, value));
        assertEquals(outcome, expected(kind === 2, elements.length, grows, delta !== 0 && answer === "throw"));
        if (grows) { for (let i = 0; i < delta; i++) elements.push(value); }
        count(grows, fits);
      } else {
        const target = kind === 4 ? extra : undefined;
        const pages = target === undefined ? marks.length : extraPages;
        const delta = random.below(random.oneIn(10) ? 100 : 4);
        const fits = (marks.length + extraPages + delta) * PAGE <= limit.memoryBytes &&
          (target === undefined || pages + delta <= 20);
        const grows = delta === 0 || answer === "yes" && fits;
        const isGuest = target === undefined && kind !== 1;
        const outcome = attempt(() => isGuest ? exports.growMemory(delta) : (target ?? exports.memory).grow(delta));
        assertEquals(outcome, expected(isGuest, pages, grows, delta !== 0 && answer === "throw"));
        if (grows && target !== undefined) extraPages += delta;
        else if (grows) {
          for (let i = 0; i < delta; i++) {
            assertEquals(exports.get(marks.length * PAGE), 0);
            marks.push(random.next() | 0);
            exports.put((marks.length - 1) * PAGE, marks.at(-1));
          }
        }
        count(grows, fits);
      }
      // What there was before is there still.
      const page = random.below(marks.length), index = random.below(elements.length);
      if (exports.get(page * PAGE) !== marks[page]) throw new Error(`page ${page} has changed`);
      if (exports.element(index) !== elements[index]) throw new Error(`element ${index} has changed`);
      if (exports.memorySize() !== marks.length || exports.tableSize() !== elements.length) throw new Error("a size");
    }
    const usage = store.usage();
    assertEquals(
      [usage.memoryBytes, usage.tableElements].map(({ current, peak }) => [current, peak]),
      [Array(2).fill((marks.length + extraPages) * PAGE), Array(2).fill(elements.length)],
    );
  }
  assert(refusals > 1000 && limits > 1000 && growths > 1000, `${refusals} ${limits} ${growths}`);

  function count(grows: boolean, fits: boolean): void {
    if (grows) growths++;
    else if (fits) refusals++;
    else limits++;
  }
});

function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error instanceof RangeError ? "range" : (error as Error).message;
  }
}

function expected(isGuest: boolean, before: number, grows: boolean, isThrown: boolean): unknown {
  if (isThrown) return "thrown";
  return grows ? before : isGuest ? -1 : "range";
}
