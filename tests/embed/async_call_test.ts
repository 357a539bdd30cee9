/** Calls that let the event loop turn: timers fire, signals end them, others run in between, and each computes what it would alone. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BusyError, Engine, Func, Instance, Module, Store, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";

const SUM = `(func (export "sum") (param $n i32) (result i64) (local $s i64)
  (loop (local.set $s (i64.add (local.get $s) (i64.extend_i32_u (local.get $n))))
    (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (local.get $s))
  (func (export "spin") (loop (br 0)))
  (func (export "answer") (result i32) (i32.const 42))`;

const sumOf = (n: number) => BigInt(n) * BigInt(n + 1) / 2n;
/** Some tens of milliseconds. */
const LONG = 100_000_000;

Deno.test("callAsync() computes what call() does, and timers fire meanwhile", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const instance = new Instance(store, new Module(engine, wat(`(module ${SUM})`)));
  let ticks = 0, last = performance.now(), longest = 0;
  const timer = setInterval(() => {
    ticks++;
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const sum = instance.func("sum")!;
  assertEquals(await sum.callAsync([LONG]), sumOf(LONG) as never);
  clearInterval(timer);
  assert(ticks >= 3, `${ticks} ticks`);
  assert(longest < 250, `${longest} ms without a turn`);
  assertEquals(await sum.callAsync([3]), 6n as never);
});

Deno.test("calls that are parked run in turns, with other calls in between", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const instance = new Instance(store, new Module(engine, wat(`(module ${SUM})`)));
  const sum = instance.func("sum")!;
  const counts = [LONG, LONG / 2, LONG / 4, 7, 8];
  const order: number[] = [];
  let between = 0;
  const timer = setInterval(() => {
    assertEquals(instance.exports.sum(1000), sumOf(1000));
    assertEquals(instance.exports.answer(), 42);
    between++;
  }, 1);
  const results = await Promise.all(counts.map(async (count, i) => {
    const result = await sum.callAsync([count]);
    order.push(i);
    return result as unknown as bigint;
  }));
  clearInterval(timer);
  assertEquals(results, counts.map(sumOf));
  assert(order.indexOf(0) > order.indexOf(3), String(order));
  assert(between > 0);
});

Deno.test("a signal ends a parked call with its reason, a timeout with a trap, and the store goes on", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const instance = new Instance(store, new Module(engine, wat(`(module ${SUM})`)));
  const spin = instance.func("spin")!;
  const reason = new Error("enough");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 20);
  assertEquals(await assertRejects(() => spin.callAsync([], { signal: controller.signal })), reason);
  assertEquals(await assertRejects(() => spin.callAsync([], { signal: controller.signal })), reason);
  const trap: Trap = await assertRejects(() => spin.callAsync([], { timeout: 30 }), Trap, "deadline of 30 ms");
  assertEquals(trap.frames.map(({ functionIndex }) => functionIndex), [1]);
  let asked = 0;
  await assertRejects(
    () => spin.callAsync([], { timeout: 5, onDeadline: () => ++asked < 3 ? 12 : undefined }),
    Trap,
    "deadline",
  );
  assertEquals(asked, 3);
  await assertRejects(() => spin.callAsync([], { signal: AbortSignal.timeout(10) }), DOMException);
  store.setDeadline(20);
  await assertRejects(() => spin.callAsync(), Trap, "deadline of 20 ms");
  store.setDeadline(undefined);
  assertEquals(await instance.func("answer")!.callAsync(), 42 as never);
  assertEquals(instance.exports.answer(), 42);
});

Deno.test("an interruption handle ends a parked call", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const instance = new Instance(store, new Module(engine, wat(`(module ${SUM})`)));
  const handle = store.interruptHandle();
  setTimeout(() => handle.interrupt(), 15);
  await assertRejects(() => instance.func("spin")!.callAsync(), Trap, "interrupted");
  assertEquals(instance.exports.answer(), 42);
});

Deno.test("host functions and the calls they make are not parked; the turn ends behind them", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  let depth = 0, turns = 0;
  const host = new Func(store, { parameters: [], results: [] }, () => {
    depth++;
    assertEquals(instance.exports.sum(LONG / 4), sumOf(LONG / 4));
    assertEquals(--depth, 0);
  });
  const module = new Module(
    engine,
    wat(`(module (import "m" "host" (func $host)) ${SUM}
      (func (export "run") (param i32) (loop (call $host) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`),
  );
  const instance: Instance = new Instance(store, module, { m: { host } });
  const timer = setInterval(() => {
    assertEquals(depth, 0);
    turns++;
  }, 1);
  await instance.func("run")!.callAsync([4]);
  clearInterval(timer);
  assert(turns > 0);
  const error = new Error("mine");
  const throws = new Func(store, { parameters: [], results: [] }, () => {
    throw error;
  });
  const second = new Instance(store, module, { m: { host: throws } });
  assertEquals(await assertRejects(() => second.func("run")!.callAsync([4])), error);
});

Deno.test("instances with a stack in memory have one call at a time, unless they are said to be concurrent", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (memory 1) (global $sp (mut i32) (i32.const 65536)) ${SUM})`),
  );
  const exclusive = new Instance(store, module);
  const concurrent = new Instance(store, module, {}, { reentry: "concurrent" });
  exclusive.exports.answer();
  const order: string[] = [];
  const first = exclusive.func("sum")!.callAsync([LONG]).then((sum) => {
    order.push("first");
    return sum;
  });
  const second = exclusive.func("answer")!.callAsync().then((answer) => {
    order.push("second");
    return answer;
  });
  const third = concurrent.func("answer")!.callAsync().then((answer) => {
    order.push("third");
    return answer;
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertThrows(() => exclusive.exports.answer(), BusyError, "parked");
  assertThrows(() => exclusive.exports.sum(5), BusyError, "parked");
  assertEquals(concurrent.exports.answer(), 42);
  assertEquals(await Promise.all([first, second, third]) as unknown[], [sumOf(LONG), 42, 42]);
  assertEquals(order, ["third", "first", "second"]);
  assertEquals(exclusive.exports.answer(), 42);
  // A call that is given up frees the instance.
  await assertRejects(() => exclusive.func("spin")!.callAsync([], { signal: AbortSignal.timeout(15) }), DOMException);
  assertEquals(exclusive.exports.answer(), 42);
  assertThrows(() => new Instance(store, module, {}, { reentry: "often" as never }), TypeError, "reentry");
});

Deno.test("a store that is disposed while a call is parked ends it", async () => {
  using engine = new Engine({ interruption: true });
  const store = new Store(engine);
  const instance = new Instance(store, new Module(engine, wat(`(module ${SUM})`)));
  const call = assertRejects(() => instance.func("spin")!.callAsync(), TypeError, "disposed");
  await new Promise((resolve) => setTimeout(resolve, 15));
  store.close();
  await call;
  using other = new Store(engine);
  const next = new Instance(other, new Module(engine, wat(`(module ${SUM})`)));
  assertEquals(await next.func("sum")!.callAsync([LONG / 4]), sumOf(LONG / 4) as never);
});

Deno.test("what a parked call refers to is kept and moved by collections", async () => {
  using engine = new Engine({ interruption: true, checks: "on", stress: { gc: true, poll: 50 } });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (type $list (struct (field i32) (field (ref null $list))))
      (func (export "run") (param $n i32) (result i32) (local $l (ref null $list)) (local $k i32) (local $s i32)
        (loop (local.set $l (struct.new $list (local.get $k) (local.get $l)))
          (br_if 0 (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 100))))
        (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (loop (local.set $s (i32.add (local.get $s) (struct.get $list 0 (local.get $l))))
          (br_if 0 (i32.eqz (ref.is_null (local.tee $l (struct.get $list 1 (local.get $l)))))))
        (local.get $s))
      (func (export "garbage") (local i32)
        (loop (drop (struct.new $list (i32.const 1) (ref.null $list)))
          (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 50))))))`),
  );
  const instance = new Instance(store, module);
  let collected = 0;
  const timer = setInterval(() => {
    instance.exports.garbage();
    collected++;
  }, 1);
  const run = instance.func("run")!;
  assertEquals(await Promise.all([run.callAsync([40000]), run.callAsync([30000])]) as unknown[], [4950, 4950]);
  clearInterval(timer);
  assert(collected > 0);
});

Deno.test("callAsync() refuses what it cannot do", async () => {
  using engine = new Engine({ interruption: true });
  using plainEngine = new Engine();
  using store = new Store(engine);
  using plain = new Store(plainEngine);
  const f = new Func(store, { parameters: ["i32"], results: ["i32"] }, (a) => a + 1);
  assertEquals(await f.callAsync([1]), 2);
  await assertRejects(() => f.callAsync([1n as never]), TypeError);
  await assertRejects(() => f.callAsync(1 as never), TypeError, "array");
  await assertRejects(() => f.callAsync([1], { signal: {} as never }), TypeError, "AbortSignal");
  await assertRejects(() => f.callAsync([1], { timeout: -1 }), RangeError, "timeout");
  const g = new Func(plain, { parameters: [], results: [] }, () => {});
  assertEquals(await g.callAsync(), undefined);
  await assertRejects(() => g.callAsync([], { timeout: 5 }), TypeError, "interruption: true");
});

Deno.test("fuel is counted across turns", async () => {
  using engine = new Engine({ interruption: true, fuel: true });
  using store = new Store(engine);
  const instance = new Instance(store, new Module(engine, wat(`(module ${SUM})`)));
  store.fuel = 2 ** 40;
  assertEquals(instance.exports.sum(LONG), sumOf(LONG));
  const used = 2 ** 40 - store.fuel;
  store.fuel = 2 ** 40;
  assertEquals(await instance.func("sum")!.callAsync([LONG]), sumOf(LONG) as never);
  assertEquals(2 ** 40 - store.fuel, used);
});
