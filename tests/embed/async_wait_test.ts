/** `memory.atomic.wait` of guests that `callAsync` calls: they are parked, and woken by guests and JavaScript of any thread. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type CallOptions, Engine, Instance, Module, SharedMemory, Store, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const GUEST = wat(`(module (import "m" "memory" (memory 1 4 shared))
  (func (export "wait32") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "wait64") (param i32 i64 i64) (result i32)
    (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "notify") (param i32 i32) (result i32) (memory.atomic.notify (local.get 0) (local.get 1)))
  (func (export "lock") (param $at i32) (param $rounds i32) (local $k i32)
    (loop $round
      (block $locked
        (loop $again
          (br_if $locked (i32.eqz (i32.atomic.rmw.cmpxchg (local.get $at) (i32.const 0) (i32.const 1))))
          (drop (memory.atomic.wait32 (local.get $at) (i32.const 1) (i64.const -1)))
          (br $again)))
      ;; Two words that are equal outside of the lock, and waits between the writes.
      (i32.store offset=64 (local.get $at) (i32.add (i32.load offset=64 (local.get $at)) (i32.const 1)))
      (drop (memory.atomic.wait32 offset=128 (local.get $at) (i32.const 0) (i64.const 100000)))
      (i32.store offset=68 (local.get $at) (i32.add (i32.load offset=68 (local.get $at)) (i32.const 1)))
      (if (i32.ne (i32.load offset=64 (local.get $at)) (i32.load offset=68 (local.get $at))) (then unreachable))
      (i32.atomic.store (local.get $at) (i32.const 0))
      (drop (memory.atomic.notify (local.get $at) (i32.const 1)))
      (br_if $round (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (local.get $rounds))))))`);

for (const config of [{}, { interruption: true }]) {
  Deno.test(`guests of one thread wait and wake each other, ${JSON.stringify(config)}`, async () => {
    using engine = new Engine(config);
    using store = new Store(engine);
    const shared = new SharedMemory({ minimum: 1, maximum: 4 });
    const instances = [1, 2].map(() => new Instance(store, new Module(engine, GUEST), { m: { memory: shared } }));
    const [a, b] = instances;
    const wait = (instance: Instance, name: string, ...args: unknown[]) =>
      instance.func(name)!.callAsync(args as never) as unknown as Promise<number>;
    const first = wait(a, "wait32", 8, 0, -1n);
    const second = wait(b, "wait32", 8, 0, -1n);
    const long = wait(b, "wait64", 16, 0n, -1n);
    await sleep(2);
    assertEquals(a.exports.notify(8, 1), 1);
    assertEquals(await first, 0);
    assertEquals(b.exports.notify(8, 5), 1);
    assertEquals(await second, 0);
    assertEquals(a.exports.notify(16, 5), 1);
    assertEquals(await long, 0);
    assertEquals(await wait(a, "wait32", 8, 1, -1n), 1);
    assertEquals(await wait(a, "wait64", 16, 1n, -1n), 1);
    const started = performance.now();
    const timed = Array.from({ length: 20 }, () => wait(a, "wait32", 8, 0, 30_000_000n));
    assertEquals(await Promise.all(timed), Array(20).fill(2));
    const took = performance.now() - started;
    assert(took >= 29 && took < 500, `${took} ms`);
    assertEquals(await wait(a, "wait32", 8, 0, 0n), 2);
    // By JavaScript.
    const words = new Int32Array(shared.buffer as unknown as ArrayBuffer);
    const third = wait(a, "wait32", 8, 0, -1n);
    await sleep(1);
    assertEquals(Atomics.notify(words, 2), 1);
    assertEquals(await third, 0);
  });

  Deno.test(`guests of one thread take turns with a lock, ${JSON.stringify(config)}`, async () => {
    using engine = new Engine(config);
    using store = new Store(engine);
    const shared = new SharedMemory({ minimum: 1, maximum: 4 });
    const module = new Module(engine, GUEST);
    const calls = Array.from(
      { length: 8 },
      () => new Instance(store, module, { m: { memory: shared } }).func("lock")!.callAsync([256, 20] as never),
    );
    await Promise.all(calls);
    const words = new Int32Array(shared.buffer as unknown as ArrayBuffer);
    assertEquals([words[64], words[64 + 16], words[64 + 17]], [0, 160, 160]);
  });
}

Deno.test("a notification that reaches a wait that was given up is passed on", async () => {
  using engine = new Engine();
  using store = new Store(engine);
  const shared = new SharedMemory({ minimum: 1, maximum: 4 });
  const { func, exports } = (() => {
    const instance = new Instance(store, new Module(engine, GUEST), { m: { memory: shared } });
    return { func: instance.func("wait32")!, exports: instance.exports };
  })();
  const controller = new AbortController();
  const given = [1, 2, 3].map(() => func.callAsync([8, 0, -1n] as never, { signal: controller.signal }));
  const rejected = given.map((call) => assertRejects(() => call, Error, "enough"));
  await sleep(1);
  const waits = func.callAsync([8, 0, -1n] as never);
  await sleep(1);
  controller.abort(new Error("enough"));
  await Promise.all(rejected);
  exports.notify(8, 1);
  assertEquals(await waits, 0 as never);
  // A store that is closed gives its waits up.
  const other = new Store(engine);
  const closing = new Instance(other, new Module(engine, GUEST), { m: { memory: shared } }).func("wait32")!;
  const call = assertRejects(() => closing.callAsync([8, 0, -1n] as never), TypeError, "disposed");
  await sleep(1);
  other.close();
  await call;
  const last = func.callAsync([8, 0, -1n] as never);
  await sleep(1);
  exports.notify(8, 1);
  assertEquals(await last, 0 as never);
});

Deno.test("a wait is the guest's own time: its deadline ends it", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const shared = new SharedMemory({ minimum: 1, maximum: 4 });
  const instance = new Instance(store, new Module(engine, GUEST), { m: { memory: shared } });
  const wait = (options: CallOptions) => instance.func("wait32")!.callAsync([8, 0, -1n] as never, options);
  const started = performance.now();
  const trap: Trap = await assertRejects(() => wait({ timeout: 20 }), Trap, "deadline of 20 ms");
  const took = performance.now() - started;
  assert(took >= 20 && took < 500, `${took} ms`);
  assertEquals(trap.frames.length, 1);
  let asked = 0;
  await assertRejects(() => wait({ timeout: 5, onDeadline: () => ++asked < 4 ? 3 : undefined }), Trap, "deadline");
  assertEquals(asked, 4);
  store.setDeadline(15);
  await assertRejects(() => wait({}), Trap, "deadline of 15 ms");
  store.setDeadline(undefined);
  const last = wait({ timeout: 1000 });
  await sleep(1);
  instance.exports.notify(8, 10);
  assertEquals(await last, 0 as never);
});

Deno.test("guests that wait at the same time are charged to their store's deadline once", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = new Module(engine, GUEST);
  const shared = new SharedMemory({ minimum: 1, maximum: 4 });
  const waits = [60, 10, 30, 60, 20, 60].map((ms) => {
    const wait = new Instance(store, module, { m: { memory: shared } }).func("wait32")!;
    return () => wait.callAsync([8, 0, BigInt(ms) * 1_000_000n] as never) as unknown as Promise<number>;
  });
  const deadlineMs = 5000;
  store.setDeadline(deadlineMs);
  const started = performance.now();
  const first = waits[0]();
  await sleep(20); // one begins and ends while another waits
  assertEquals(await waits[1](), 2);
  assertEquals(await Promise.all(waits.slice(2).map((wait) => wait())), [2, 2, 2, 2]);
  assertEquals(await first, 2);
  const took = performance.now() - started;
  const charged = deadlineMs - store.remainingMs;
  // A deadline has up to two ticks more than it says.
  assert(charged > 70 && charged <= took, `${charged} ms of ${took}`);
});
