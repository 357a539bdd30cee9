/** Host functions that return promises: the guest is parked on them, whatever it was doing, and goes on with what becomes of them. */

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  BusyError,
  Engine,
  Exception,
  FEATURES,
  Func,
  type FuncSignature,
  Instance,
  Linker,
  Module,
  Store,
  StructRef,
  Tag,
  Trap,
} from "../../mod.ts";
import { wat } from "../wat.ts";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A promise that the test settles. */
function gate<T>(): { promise: Promise<T>; open: (value: T) => void; fail: (reason: unknown) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  return { promise, open: resolve, fail: reject };
}

/** Anything with a method `then`. */
const thenable = <T>(value: T) => ({ then: (resolve: (value: T) => void) => void setTimeout(() => resolve(value), 1) });

/** Engines of which callAsync must do the same. */
const CONFIGURATIONS = {
  plain: {},
  interruption: { interruption: true },
  fuel: { interruption: true, fuel: true },
  stress: { interruption: true, checks: "on", stress: { gc: true, poll: 7, registers: 5 } },
} as const;

for (const [name, config] of Object.entries(CONFIGURATIONS)) {
  Deno.test(`a guest waits for promises of every type and number of results, ${name}`, async () => {
    using engine = new Engine(config as never);
    using store = new Store(engine);
    if ("fuel" in config) store.fuel = 2 ** 40;
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i);
    const cases: [type: string, value: unknown][] = [
      ["i32", -7],
      ["i64", -(2n ** 63n)],
      ["f32", 1.5],
      ["f64", Math.PI],
      ["v128", bytes],
      ["externref", { any: "thing" }],
      ["i32 i64 f64", [1, 2n, 3.5]],
      ["i32 externref f32 i64 i32 f64", [1, "two", 3, 4n, 5, 6]],
      ["", undefined],
    ];
    for (const [types, value] of cases) {
      const results = types === "" ? "" : `(result ${types})`;
      const module = new Module(
        engine,
        wat(`(module (import "m" "f" (func $f (param i32) ${results}))
          (func (export "run") (param i32) ${results} (call $f (local.get 0))))`),
      );
      const wrapped = types === "externref" ? [Promise.resolve(value)] : [Promise.resolve(value), thenable(value)];
      for (const promise of wrapped) {
        const seen: unknown[] = [];
        const f = (a: number) => (seen.push(a), promise);
        const run = new Instance(store, module, { m: { f } }).func("run")!;
        assertEquals(await run.callAsync([41]), value as never);
        assertEquals(seen, [41]);
        assertThrows(() => run.call([1]), TypeError, "callAsync");
      }
    }
  });

  Deno.test(`many calls wait at once and each goes on with its own, ${name}`, async () => {
    using engine = new Engine(config as never);
    using store = new Store(engine);
    if ("fuel" in config) store.fuel = 2 ** 40;
    const gates = Array.from({ length: 200 }, () => gate<number>());
    const f = (i: number) => gates[i].promise;
    const module = new Module(
      engine,
      wat(`(module (import "m" "f" (func $f (param i32) (result i32)))
        (func $deep (param $n i32) (param $i i32) (result i32)
          (if (result i32) (local.get $n)
            (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)) (local.get $i))))
            (else (call $f (local.get $i)))))
        (func (export "run") (param i32 i32) (result i32) (call $deep (local.get 0) (local.get 1)))
        (func (export "plain") (result i32) (i32.const 5)))`),
    );
    const instance = new Instance(store, module, { m: { f } });
    const run = instance.func("run")!;
    const calls = gates.map((_, i) => run.callAsync([i, i]));
    await sleep(1);
    assertEquals(instance.exports.plain(), 5);
    const order = gates.map((_, i) => i).sort((a, b) => (a * 7919) % 211 - (b * 7919) % 211);
    for (const i of order) gates[i].open(1000 * i);
    assertEquals(await Promise.all(calls) as unknown[], gates.map((_, i) => 1001 * i));
    assertEquals(instance.exports.plain(), 5);
  });
}

Deno.test("a rejection is what the host function would have thrown", async () => {
  using engine = new Engine();
  using store = new Store(engine);
  const tag = new Tag(store, { parameters: ["i32"] });
  let result: () => unknown = () => 0;
  const module = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (result i32))) (import "m" "tag" (tag $t (param i32)))
      (func (export "run") (result i32) (call $f))
      (func (export "caught") (result i32)
        (block $h (result i32) (return (i32.add (i32.const 1) (try_table (result i32) (catch $t $h) (call $f)))))
        (i32.add (i32.const 1000)))
      (func (export "twice") (result i32)
        (block $h (result i32) (try_table (result i32) (catch $t $h) (call $f)) (drop) (i32.const 1))
        (i32.add (call $f)))
      (func (export "all") (result i32)
        (block $h (try_table (catch_all $h) (drop (call $f))) (return (i32.const 0)))
        (i32.const 1)))`),
  );
  const instance = new Instance(store, module, { m: { f: () => result(), tag } });
  const call = (name: string) => instance.func(name)!.callAsync() as Promise<unknown>;
  const cause = new Error("deep");
  const error = new Error("mine", { cause });
  result = () => Promise.reject(error);
  const rejected = await assertRejects(() => call("run"));
  assertStrictEquals(rejected, error);
  assertStrictEquals((rejected as Error).cause, cause);
  assertEquals(Trap.framesOf(error).map(({ functionIndex }) => functionIndex), [1]);
  // EXN-2: no guest catches what is no exception of its own.
  assertStrictEquals(await assertRejects(() => call("caught")), error);
  assertStrictEquals(await assertRejects(() => call("all")), error);
  result = () => ({
    then: () => {
      throw error;
    },
  });
  assertStrictEquals(await assertRejects(() => call("run")), error);
  for (const reason of [undefined, null, 7, "text"]) {
    result = () => Promise.reject(reason);
    assertStrictEquals(await call("run").then(() => "fulfilled", (thrown) => thrown), reason);
  }
  // EXN-1: an exception is the guest's.
  result = () => Promise.reject(new Exception(tag, [5]));
  assertEquals(await call("caught"), 1005);
  assertEquals(await call("all"), 1);
  const passed = await assertRejects(() => call("run"), Exception);
  assertEquals((passed as unknown as Exception).getArg(0), 5);
  let count = 0;
  result = async () => {
    await sleep(1);
    if (++count === 1) throw new Exception(tag, [30]);
    return 12;
  };
  assertEquals(await call("twice"), 42);
  // A trap is none, whoever throws it (EXN-3).
  result = () => Promise.reject(new Trap("unreachable"));
  assertEquals((await assertRejects(() => call("all"), Trap) as Trap).code, "unreachable");
  result = () => Promise.resolve(3);
  assertEquals(await call("caught"), 4);
});

Deno.test("what a promise is fulfilled with is coerced when it is there, and what that throws is the host function's", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (result i32 i64)))
      (func (export "run") (result i64) (local i64) (call $f) (local.set 0) (i64.extend_i32_s) (i64.add (local.get 0)))
      (func (export "twice") (param i32) (result i32) (i32.mul (i32.const 2) (local.get 0))))`),
  );
  let given: unknown;
  const instance: Instance = new Instance(store, module, { m: { f: () => Promise.resolve(given) } });
  const run = () => instance.func("run")!.callAsync() as Promise<unknown>;
  // What is asked for a value may call the guest: there is nothing between it and the parked call.
  given = [{ valueOf: () => instance.exports.twice(21) }, 100n];
  assertEquals(await run(), 142n);
  given = new Set([1, 2n]);
  assertEquals(await run(), 3n);
  for (const wrong of [1, [1], [1, 2], [1, 2n, 3], null, [1n, 1n]]) {
    given = wrong;
    await assertRejects(run, TypeError);
  }
  const error = new Error("valueOf");
  given = [{
    valueOf() {
      throw error;
    },
  }, 1n];
  assertStrictEquals(await assertRejects(run), error);
  given = [1, 1n];
  assertEquals(await run(), 2n);
});

Deno.test("a Promise is a TypeError where a guest cannot wait, and does no harm later", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (result i32))) (import "m" "g" (func $g (result i32)))
      (func (export "f") (result i32) (call $f)) (func (export "g") (result i32) (call $g)))`),
  );
  const rejections: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    rejections.push(event.reason);
  };
  addEventListener("unhandledrejection", note);
  const f = () => Promise.reject(new Error("never seen"));
  const g: () => unknown = () => instance.exports.f();
  const instance: Instance = new Instance(store, module, { m: { f, g } });
  assertThrows(() => instance.exports.f(), TypeError, "Func.callAsync");
  assertThrows(() => instance.exports.g(), TypeError, "Func.callAsync");
  await assertRejects(() => instance.func("g")!.callAsync(), TypeError, "with no JavaScript in between");
  const direct = new Func(store, { parameters: [], results: ["i32"] }, () => Promise.resolve(3));
  assertThrows(() => direct.call(), TypeError, "callAsync");
  assertEquals(await direct.callAsync(), 3);
  // Called directly by a host function, it is not the guest that calls.
  const second = new Instance(store, module, { m: { f: () => direct.callable(), g } });
  await assertRejects(() => second.func("f")!.callAsync(), TypeError, "synchronously");
  // Through JavaScript that awaits, it is.
  const third = new Instance(store, module, { m: { f: () => direct.callAsync(), g } });
  assertEquals(await third.func("f")!.callAsync(), 3 as never);
  await sleep(2);
  removeEventListener("unhandledrejection", note);
  assertEquals(rejections, []);
});

Deno.test("an object with then is an external reference like any other, a Promise is awaited", async () => {
  using engine = new Engine();
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (result externref))) (func (export "f") (result externref) (call $f)))`),
  );
  const query = { then: () => {} };
  let result: unknown = query;
  const instance = new Instance(store, module, { m: { f: () => result } });
  assertStrictEquals(instance.exports.f(), query);
  result = Promise.resolve("settled");
  assertEquals(await instance.func("f")!.callAsync(), "settled" as never);
  assertThrows(() => instance.exports.f(), TypeError, "callAsync");
});

Deno.test("a signal ends a call that waits at once, and what it waited for is dropped", async () => {
  for (const config of [{}, { interruption: true }]) {
    using engine = new Engine(config);
    using store = new Store(engine);
    const gates = [gate<number>(), gate<number>(), gate<number>()];
    let asked = 0;
    const module = new Module(
      engine,
      wat(`(module (import "m" "f" (func $f (result i32))) (memory 1) (global $sp (mut i32) (i32.const 65536))
        (func (export "run") (result i32) (call $f)) (func (export "one") (result i32) (i32.const 1)))`),
    );
    const instance = new Instance(store, module, { m: { f: () => gates[asked++].promise } });
    const run = instance.func("run")!;
    const controller = new AbortController();
    const first = run.callAsync([], { signal: controller.signal });
    const second = run.callAsync();
    const third = run.callAsync([], { signal: controller.signal });
    await sleep(1);
    assertThrows(() => instance.exports.one(), BusyError);
    const reason = new Error("enough");
    const started = performance.now();
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => first), reason);
    assertStrictEquals(await assertRejects(() => third), reason);
    assert(performance.now() - started < 100);
    // The one that waited for its turn has it.
    await sleep(1);
    assertEquals(asked, 2);
    gates[0].open(100);
    gates[1].open(7);
    assertEquals(await second, 7 as never);
    assertEquals(instance.exports.one(), 1);
    assertStrictEquals(await assertRejects(() => run.callAsync([], { signal: controller.signal })), reason);
    assertEquals(asked, 2);
    // Aborted by the host function that the guest calls.
    const own = new AbortController();
    const aborting = new Instance(store, module, {
      m: {
        f: () => {
          own.abort(reason);
          return gate<number>().promise;
        },
      },
    });
    assertStrictEquals(await assertRejects(() => aborting.func("run")!.callAsync([], { signal: own.signal })), reason);
    // A rejection that comes later is nobody's.
    const late = new AbortController();
    asked = 2;
    const fourth = run.callAsync([], { signal: late.signal });
    await sleep(1);
    late.abort(reason);
    await assertRejects(() => fourth);
    gates[2].fail(new Error("unseen"));
    await sleep(1);
    assertEquals(instance.exports.one(), 1);
  }
});

Deno.test("a timeout counts the guest's time; host time when it is asked for, also while the guest waits", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (param i32) (result i32))) (memory 1) (global $sp (mut i32) (i32.const 65536))
      (func (export "run") (param i32) (result i32) (call $f (local.get 0)))
      (func (export "spin") (param i32) (result i32) (drop (call $f (local.get 0))) (loop (br 0)) (i32.const 0)))`),
  );
  const instance = new Instance(store, module, { m: { f: (ms: number) => sleep(ms).then(() => ms) } });
  const run = instance.func("run")!;
  assertEquals(await run.callAsync([60], { timeout: 20 }), 60 as never);
  const started = performance.now();
  const trap: Trap = await assertRejects(
    () => run.callAsync([5000], { timeout: 20, countHostTime: true }),
    Trap,
    "deadline of 20 ms",
  );
  const took = performance.now() - started;
  assert(took >= 19.9 && took < 500, `${took} ms`);
  assertEquals(trap.code, "interrupted");
  assertEquals(trap.frames.map(({ functionIndex }) => functionIndex), [1]);
  await assertRejects(() => instance.func("spin")!.callAsync([10], { timeout: 20 }), Trap, "deadline of 20 ms");
  // The function that is asked gives more.
  let asked = 0;
  const more = () => ++asked < 3 ? 15 : undefined;
  await assertRejects(() => run.callAsync([5000], { timeout: 5, countHostTime: true, onDeadline: more }), Trap);
  assertEquals(asked, 3);
  assertEquals(await run.callAsync([30], { timeout: 5, countHostTime: true, onDeadline: () => 1000 }), 30 as never);
  // To wait for the instance is to wait.
  const slow = run.callAsync([60]);
  await assertRejects(() => run.callAsync([0], { timeout: 15, countHostTime: true }), Trap, "deadline of 15 ms");
  assertEquals(await slow, 60 as never);
  store.setDeadline(30, { countHostTime: true });
  await assertRejects(() => run.callAsync([5000]), Trap, "deadline of 30 ms");
  store.setDeadline(undefined);
  assertEquals(await run.callAsync([1]), 1 as never);
});

Deno.test("a store that is disposed tells the calls that wait", async () => {
  for (const config of [{}, { interruption: true }]) {
    using engine = new Engine(config);
    const store = new Store(engine);
    const never = new Promise<never>(() => {});
    const module = new Module(
      engine,
      wat(`(module (import "m" "f" (func $f (result i32))) (memory 1) (global $sp (mut i32) (i32.const 65536))
        (func (export "run") (result i32) (call $f)))`),
    );
    const instances = [1, 2, 3].map(() => new Instance(store, module, { m: { f: () => never } }));
    const direct = new Func(store, { parameters: [], results: [] }, () => never);
    // Two of each: one waits for the promise, one for the other.
    const calls = [...instances, ...instances].map((instance) => instance.func("run")!.callAsync());
    const all = [...calls, direct.callAsync()].map((call) => assertRejects(() => call, TypeError, "disposed"));
    await sleep(2);
    store.close();
    await Promise.all(all);
    // Before they begin, too.
    const other = new Store(engine);
    const early = new Instance(other, module, { m: { f: () => never } }).func("run")!.callAsync();
    other.close();
    await assertRejects(() => early, TypeError, "disposed");
    using third = new Store(engine);
    const fine = new Instance(third, module, { m: { f: () => Promise.resolve(4) } });
    assertEquals(await fine.func("run")!.callAsync(), 4 as never);
  }
});

const EXCLUSIVE = `(module (import "m" "f" (func $f (param i32) (result i32)))
  (memory 1) (global $sp (mut i32) (i32.const 65536))
  (func (export "run") (param i32) (result i32)
    (local $old i32)
    (global.set $sp (i32.sub (local.tee $old (global.get $sp)) (i32.const 16)))
    (i32.store (global.get $sp) (local.get 0))
    (local.set 0 (call $f (local.get 0)))
    (local.set 0 (i32.add (local.get 0) (i32.load (global.get $sp))))
    (global.set $sp (local.get $old))
    (local.get 0))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))`;

Deno.test("an exclusive instance has one waiting call, a concurrent one any number; nested calls are no others", async () => {
  using engine = new Engine();
  using store = new Store(engine);
  const module = new Module(engine, wat(EXCLUSIVE));
  const order: string[] = [];
  const f = async (n: number) => {
    order.push(`begin ${n}`);
    // Not parked yet: this call nests.
    assertEquals(instance.exports.add(n, 1), n + 1);
    await sleep(5 - n);
    order.push(`end ${n}`);
    return 10 * n;
  };
  const instance: Instance = new Instance(store, module, { m: { f } });
  const run = instance.func("run")!;
  assertEquals(await Promise.all([1, 2, 3].map((n) => run.callAsync([n]))) as unknown[], [11, 22, 33]);
  assertEquals(order, ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
  const busy = run.callAsync([1]);
  await sleep(1);
  assertThrows(() => instance.exports.add(1, 2), BusyError, "parked");
  assertThrows(() => instance.func("add")!.call([1, 2]), BusyError, "parked");
  assertEquals(await instance.func("add")!.callAsync([1, 2]), 3 as never);
  assertEquals(await busy, 11 as never);
  // On the embedder's word: the global is no stack pointer.
  order.length = 0;
  const counting = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (param i32) (result i32)))
      (memory 1) (global $count (mut i32) (i32.const 0))
      (func (export "run") (param i32) (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.mul (call $f (local.get 0)) (global.get $count))))`),
  );
  const concurrent = new Instance(store, counting, {
    m: { f: async (n: number) => (order.push(`begin ${n}`), await sleep(9 * n), order.push(`end ${n}`), n) },
  }, { reentry: "concurrent" });
  const together = [1, 2, 3].map((n) => concurrent.func("run")!.callAsync([n]));
  assertEquals(await Promise.all(together) as unknown[], [3, 6, 9]);
  assertEquals(order, ["begin 1", "begin 2", "begin 3", "end 1", "end 2", "end 3"]);
});

Deno.test("a call that would wait for itself is refused; one that comes later waits", async () => {
  using engine = new Engine();
  using store = new Store(engine);
  const module = new Module(engine, wat(EXCLUSIVE));
  const seen: unknown[] = [];
  let next: (n: number) => unknown = () => 0;
  const instance: Instance = new Instance(store, module, { m: { f: (n: number) => next(n) } });
  const other: Instance = new Instance(store, module, { m: { f: () => instance.func("add")!.callAsync([1, 2]) } });
  const run = instance.func("run")!;
  next = () => run.callAsync([2]);
  await assertRejects(() => run.callAsync([1]), BusyError, "wait for that call");
  next = async () => (await instance.func("add")!.callAsync([20, 20])) as unknown as number;
  await assertRejects(() => run.callAsync([1]), BusyError, "wait for that call");
  // Through another instance as well.
  next = () => other.func("run")!.callAsync([2]);
  await assertRejects(() => run.callAsync([1]), BusyError, "wait for that call");
  // Into another instance is fine.
  next = () => other.func("add")!.callAsync([2, 3]);
  assertEquals(await run.callAsync([1]), 6 as never);
  // What the event loop does later is no part of the call, and has its turn after it.
  next = async () => {
    setTimeout(() => void instance.func("add")!.callAsync([1, 1]).then((sum) => seen.push(sum)), 1);
    await sleep(10);
    seen.push("resumed");
    return 4;
  };
  assertEquals(await run.callAsync([1]), 5 as never);
  await sleep(5);
  assertEquals(seen, ["resumed", 2]);
  // Who waits for itself all the same can be stopped.
  next = async () => {
    await sleep(1);
    return await (run.callAsync([1], { signal: AbortSignal.timeout(10) }) as Promise<unknown>);
  };
  await assertRejects(() => run.callAsync([1]), DOMException);
  next = () => 1;
  assertEquals(await run.callAsync([1]), 2 as never);
});

Deno.test("instances that share a stack pointer, or call each other, are kept out while a call is parked in them", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const main = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (param i32) (result i32)))
      (memory (export "memory") 1) (global $sp (export "__stack_pointer") (mut i32) (i32.const 65536))
      (func (export "wait") (param i32) (result i32) (call $f (local.get 0)))
      (func (export "id") (param i32) (result i32) (local.get 0)))`),
  );
  const side = new Module(
    engine,
    wat(`(module (import "env" "memory" (memory 1)) (import "env" "__stack_pointer" (global (mut i32)))
      (func (export "id") (param i32) (result i32) (local.get 0)))`),
  );
  const outer = new Module(
    engine,
    wat(`(module (import "env" "wait" (func $wait (param i32) (result i32)))
      (func (export "run") (param i32) (result i32) (i32.add (i32.const 1) (call $wait (local.get 0)))))`),
  );
  const gates: Record<number, ReturnType<typeof gate<number>>> = {};
  const f = (n: number) => (gates[n] = gate<number>()).promise;
  const a: Instance = new Instance(store, main, { m: { f } });
  const b: Instance = new Instance(store, side, { env: a.exports as never });
  const c: Instance = new Instance(store, outer, { env: a.exports as never });
  // b's code uses a's stack.
  const first = a.func("wait")!.callAsync([1]);
  await sleep(1);
  assertThrows(() => b.exports.id(1), BusyError);
  const queued = b.func("id")!.callAsync([6]);
  gates[1].open(1);
  assertEquals(await Promise.all([first, queued]) as unknown[], [1, 6]);
  // c is no such instance, but its call is parked in a.
  const second = c.func("run")!.callAsync([2]);
  await sleep(1);
  assertThrows(() => a.exports.id(1), BusyError);
  assertThrows(() => b.exports.id(1), BusyError);
  const later = a.func("id")!.callAsync([7]);
  // Another call through c finds itself where it must not wait.
  await assertRejects(() => c.func("run")!.callAsync([3]), BusyError, "is to be parked");
  gates[2].open(40);
  assertEquals(await Promise.all([second, later]) as unknown[], [41, 7]);
  assertEquals(a.exports.id(1), 1);
});

Deno.test("start functions wait in createAsync(), Linker.instantiateAsync() and InstancePre.instantiateAsync()", async () => {
  using engine = new Engine();
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (result i32))) (global $g (export "g") (mut i32) (i32.const 0))
      (memory (export "memory") 1) (data (i32.const 0) "ready")
      (func $start (global.set $g (i32.add (call $f) (call $f)))) (start $start))`),
  );
  let f: () => unknown = () => sleep(1).then(() => 21);
  const imports = { m: { f: () => f() } };
  const instance = await Instance.createAsync(store, module, imports);
  assertEquals(instance.exports.g.value, 42);
  assertThrows(() => new Instance(store, module, imports), TypeError, "Instance.createAsync");
  const linker = new Linker(engine);
  linker.defineFunc("m", "f", { parameters: [], results: ["i32"] }, () => sleep(1).then(() => 4));
  assertEquals((await linker.instantiateAsync(store, module)).exports.g.value, 8);
  assertEquals((await linker.instantiatePre(module).instantiateAsync(store)).exports.g.value, 8);
  const error = new Error("no");
  f = () => Promise.reject(error);
  assertStrictEquals(await assertRejects(() => Instance.createAsync(store, module, imports)), error);
  f = () => new Promise(() => {});
  const signal = AbortSignal.timeout(5);
  await assertRejects(() => Instance.createAsync(store, module, imports, { signal }), DOMException);
  await assertRejects(() => Instance.createAsync(store, module, imports, { timeout: 5 }), TypeError, "interruption");
  await assertRejects(() => Instance.createAsync(store, module, {}), Error, "not given");
  await assertRejects(() => Instance.createAsync(store, module, imports, { reentry: "often" as never }), TypeError);
  f = () => 3;
  assertEquals(new Instance(store, module, imports).exports.g.value, 6);
  // An imported start function, of the host and of another instance.
  const imported = new Module(engine, wat(`(module (import "m" "s" (func $s)) (start $s))`));
  let ran = 0;
  await Instance.createAsync(store, imported, { m: { s: () => sleep(1).then(() => ++ran) } });
  assertEquals(ran, 1);
  const library = new Instance(
    store,
    new Module(engine, wat(`(module (import "m" "f" (func $f)) (func (export "s") (call $f)))`)),
    { m: { f: () => sleep(1).then(() => ++ran) } },
  );
  await Instance.createAsync(store, imported, { m: { s: library.exports.s } });
  assertEquals(ran, 2);
  await Instance.createAsync(store, new Module(engine, wat(`(module)`)));
  using other = new Engine({ interruption: true });
  using timed = new Store(other);
  const spinning = new Module(other, wat(`(module (func $s (loop (br 0))) (start $s))`));
  await assertRejects(() => Instance.createAsync(timed, spinning, {}, { timeout: 10 }), Trap, "deadline");
});

Deno.test("references in a parked guest are roots, and those that it waits for are made when they are there", async () => {
  using engine = new Engine({ checks: "on", stress: { gc: true, poll: 50 }, interruption: true });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (type $box (struct (field (mut i32)) (field (ref null $box))))
      (import "m" "f" (func $f (param i32) (result (ref null $box))))
      (import "m" "e" (func $e (result externref)))
      (func (export "make") (param i32) (result (ref null $box)) (struct.new $box (local.get 0) (ref.null $box)))
      (func (export "run") (param i32) (result i32) (local $a (ref null $box)) (local $b (ref null $box))
        (local.set $a (struct.new $box (local.get 0) (struct.new $box (i32.const 1000) (ref.null $box))))
        (local.set $b (call $f (local.get 0)))
        (i32.add (i32.add (struct.get $box 0 (local.get $a)) (struct.get $box 0 (struct.get $box 1 (local.get $a))))
          (struct.get $box 0 (local.get $b))))
      (func (export "pass") (result externref) (local externref) (local.set 0 (call $e)) (drop (call $e)) (local.get 0)))`),
  );
  const f = async (n: number) => {
    const made = instance.exports.make(n * 2) as StructRef;
    await sleep(n % 5);
    return made;
  };
  let count = 0;
  const e = () => {
    const mine = { number: count++ };
    return sleep(1).then(() => mine);
  };
  const instance: Instance = new Instance(store, module, { m: { f, e } });
  const calls = Array.from({ length: 40 }, (_, i) => instance.func("run")!.callAsync([i]));
  const passes = Array.from({ length: 10 }, () => instance.func("pass")!.callAsync() as Promise<unknown>);
  const timer = setInterval(() => store.gc(), 1);
  assertEquals(await Promise.all(calls) as unknown[], calls.map((_, i) => 3 * i + 1000));
  assertEquals(await Promise.all(passes), passes.map((_, number) => ({ number })));
  clearInterval(timer);
  // A reference of the wrong type is refused when it arrives.
  const wrong = new Instance(store, module, { m: { f: () => Promise.resolve({}), e } });
  await assertRejects(() => wrong.func("run")!.callAsync([1]), TypeError);
});

Deno.test("a host call on a continuation parks the whole chain (CONT-2)", async () => {
  using engine = new Engine({
    features: FEATURES.map(([feature]) => feature).filter((feature) => feature !== "custom-descriptors"),
    interruption: true,
  });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (type $f (func)) (type $c (cont $f))
      (import "m" "wait" (func $wait (param i32) (result i32)))
      (tag $yield (param i32))
      (global $sum (mut i32) (i32.const 0))
      (func $inner (suspend $yield (call $wait (i32.const 1))) (suspend $yield (call $wait (i32.const 2))))
      (elem declare func $inner $outer)
      (func $outer (call $pump (cont.new $c (ref.func $inner))))
      (func $pump (param $k (ref null $c))
        (loop $again
          (block $on (result i32 (ref $c))
            (resume $c (on $yield $on) (local.get $k))
            (return))
          (local.set $k)
          (global.set $sum (i32.add (global.get $sum)))
          (drop (call $wait (i32.const 0)))
          (br $again)))
      (func (export "run") (param i32) (result i32)
        (global.set $sum (local.get 0))
        (resume $c (cont.new $c (ref.func $outer)))
        (global.get $sum)))`),
  );
  const wait = (n: number) => sleep(1).then(() => 10 ** n);
  const instance = new Instance(store, module, { m: { wait } });
  assertEquals(await instance.func("run")!.callAsync([5]), 115 as never);
  // Given up in the middle of a chain, the store goes on.
  for (let i = 0; i < 50; i++) {
    const stuck = new Instance(store, module, { m: { wait: () => new Promise(() => {}) } });
    const controller = new AbortController();
    const call = stuck.func("run")!.callAsync([1], { signal: controller.signal });
    await sleep(0);
    controller.abort(new Error("stop"));
    await assertRejects(() => call, Error, "stop");
  }
  assertEquals(await instance.func("run")!.callAsync([7]), 117 as never);
  // An exception that arrives later finds its handler on a stack that waits, and ends the continuations above it (EXN-1).
  const thrower = new Module(
    engine,
    wat(`(module (type $f (func)) (type $c (cont $f))
      (import "m" "wait" (func $wait (param i32) (result i32))) (import "m" "tag" (tag $t (param i32)))
      (elem declare func $inner $middle)
      (func $inner (drop (call $wait (i32.const 1))))
      (func $middle (resume $c (cont.new $c (ref.func $inner))))
      (func (export "run") (result i32)
        (block $h (result i32)
          (try_table (catch $t $h) (resume $c (cont.new $c (ref.func $middle))))
          (i32.const -1))))`),
  );
  const tag = new Tag(store, { parameters: ["i32"] });
  const late = () => sleep(1).then(() => Promise.reject(new Exception(tag, [99])));
  const catching = new Instance(store, thrower, { m: { wait: late, tag } });
  const runs = Array.from({ length: 20 }, () => catching.func("run")!.callAsync());
  assertEquals(await Promise.all(runs) as unknown[], Array(20).fill(99));
});

Deno.test("a caller says whether its host function may return a promise", async () => {
  using engine = new Engine();
  using store = new Store(engine);
  const linker = new Linker(engine);
  const answers: boolean[] = [];
  const type = { parameters: [], results: ["i32"] } as const satisfies FuncSignature;
  linker.defineFunc("m", "f", type, (caller) => {
    answers.push(caller.canWait);
    return caller.canWait ? sleep(1).then(() => 1) : 2;
  }, { passCaller: true });
  linker.defineFunc("m", "nest", type, (caller) => caller.instance!.exports.run(), { passCaller: true });
  const module = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (result i32))) (import "m" "nest" (func $n (result i32)))
      (func (export "run") (result i32) (call $f)) (func (export "nested") (result i32) (call $n)))`),
  );
  const instance = linker.instantiate(store, module);
  assertEquals(instance.exports.run(), 2);
  assertEquals(await instance.func("run")!.callAsync(), 1 as never);
  assertEquals(await instance.func("nested")!.callAsync(), 2 as never);
  assertEquals(answers, [false, true, false]);
});

Deno.test("a promise that can be disposed of is, when nobody waits for it any more", async () => {
  using engine = new Engine();
  const module = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f)))`),
  );
  let disposed = 0;
  const make = (promise: Promise<number>) => Object.assign(promise, { [Symbol.dispose]: () => void disposed++ });
  let result: () => unknown = () => make(new Promise(() => {}));
  const store = new Store(engine);
  const host = new Func(store, { parameters: [], results: ["i32"] }, () => result() as number);
  const run = new Instance(store, module, { m: { f: () => result() } }).func("run")!;
  let expected = 0;
  for (const func of [run, host]) {
    await assertRejects(() => func.callAsync([], { signal: AbortSignal.timeout(1) }), DOMException);
    assertEquals(disposed, ++expected);
    assertThrows(() => func.call(), TypeError);
    assertEquals(disposed, ++expected);
    result = () => make(Promise.resolve(4));
    assertEquals(await func.callAsync(), 4 as never);
    assertEquals(disposed, ++expected);
    result = () => make(Promise.reject(new Error("no")));
    await assertRejects(() => func.callAsync(), Error, "no");
    assertEquals(disposed, ++expected);
    result = () => make(new Promise(() => {}));
  }
  const calls = [run.callAsync(), run.callAsync(), host.callAsync()].map((call) =>
    assertRejects(() => call, TypeError)
  );
  await sleep(1);
  store.close();
  await Promise.all(calls);
  assertEquals(disposed, expected + 3);
});

Deno.test("what a promise's disposal calls does not change what the guest gets", async () => {
  using engine = new Engine();
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (import "m" "f" (func $f (result i32 i64 externref)))
      (func (export "run") (result i32 i64 externref) (call $f))
      (func (export "other") (param i64 i64 i64) (result i64) (local.get 0)))`),
  );
  const given = {};
  let disposed = 0;
  const f = () =>
    Object.assign(Promise.resolve([1, 2n, given]), {
      [Symbol.dispose]: () => {
        disposed++;
        instance.exports.other(-1n, -1n, 0x7777_7777_7777_7771n);
      },
    });
  const instance: Instance = new Instance(store, module, { m: { f } });
  assertEquals(await instance.func("run")!.callAsync() as unknown, [1, 2n, given]);
  assertEquals(disposed, 1);
});

Deno.test("a call that may not be parked is one that collections and resets see, until its next turn", async () => {
  using engine = new Engine({ interruption: true, fuel: true, collector: "copying" });
  using store = new Store(engine);
  store.fuel = 2 ** 40;
  const inner = new Module(
    engine,
    wat(`(module
      (type $box (struct (field i32)))
      (import "m" "wait" (func $wait (result i32)))
      (import "m" "later" (func $later))
      (memory (export "memory") 1) (global $sp (export "__stack_pointer") (mut i32) (i32.const 65536))
      (func (export "wait") (result i32) (call $wait))
      (func (export "work") (result i32) (local $box (ref $box)) (local $n i32)
        (local.set $box (struct.new $box (i32.const 4711)))
        (loop $again
          (drop (struct.new $box (i32.const 1)))
          (call $later)
          (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 200))))
        (struct.get $box 0 (local.get $box)))
      (func (export "churn") (local $n i32)
        (loop $again
          (drop (struct.new $box (i32.const 13)))
          (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50))))))`),
  );
  const outer = new Module(
    engine,
    wat(`(module (import "env" "work" (func $work (result i32)))
      (func (export "run") (result i32) (call $work)))`),
  );
  const holder = gate<number>();
  let collected = 0, refused = 0;
  const later = () =>
    queueMicrotask(() => {
      store.gc();
      collected++;
      try {
        a.reset();
      } catch (error) {
        if (error instanceof TypeError) refused++;
      }
    });
  const a: Instance = new Instance(store, inner, { m: { wait: () => holder.promise, later } });
  const b: Instance = new Instance(store, outer, { env: a.exports as never });
  const waiting = a.func("wait")!.callAsync();
  await sleep(1);
  // It finds itself in an instance that another call is parked in, and goes on.
  assertEquals(await b.func("run")!.callAsync([], { fuelYieldInterval: 50 }) as unknown, 4711);
  assertEquals([collected, refused], [200, 200]);
  holder.open(5);
  assertEquals(await waiting as unknown, 5);
});

Deno.test("a command that a linker instantiates for each call waits if its caller can", async () => {
  using engine = new Engine();
  using store = new Store(engine);
  const linker = new Linker(engine);
  let made = 0;
  linker.defineFunc(
    "m",
    "wait",
    { parameters: ["i32"], results: ["i32"] },
    (n) => (made++, sleep(5).then(() => n * 2)),
  );
  const command = new Module(
    engine,
    wat(`(module (import "m" "wait" (func $wait (param i32) (result i32))) (global $n (mut i32) (i32.const 0))
      (func $start (global.set $n (call $wait (i32.const 10)))) (start $start)
      (func (export "_start"))
      (func (export "add") (param i32) (result i32) (i32.add (global.get $n) (call $wait (local.get 0)))))`),
  );
  linker.module(store, "command", command);
  const module = new Module(
    engine,
    wat(`(module (import "command" "add" (func $add (param i32) (result i32)))
      (func (export "run") (param i32) (result i32) (call $add (call $add (local.get 0)))))`),
  );
  const instance = linker.instantiate(store, module);
  const run = instance.func("run")!;
  assertEquals(await Promise.all([run.callAsync([1]), run.callAsync([2])]) as unknown[], [64, 68]);
  assertEquals(made, 8);
  assertThrows(() => instance.exports.run(1), TypeError, "callAsync");
});

Deno.test("guests that compute and wait by turns are parked for both, and timers fire meanwhile", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = (hasStack: boolean) =>
    new Module(
      engine,
      wat(`(module (import "m" "f" (func $f (param i64) (result i64)))
        ${hasStack ? "(memory 1) (global $sp (mut i32) (i32.const 65536))" : ""}
        (func (export "run") (param $rounds i32) (param $n i32) (result i64) (local $s i64) (local $k i32)
          (loop $round
            (local.set $k (local.get $n))
            (loop $sum
              (local.set $s (i64.add (local.get $s) (i64.extend_i32_u (local.get $k))))
              (br_if $sum (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
            (local.set $s (call $f (local.get $s)))
            (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
          (local.get $s)))`),
    );
  const f = (s: bigint) => sleep(1).then(() => s + 1n);
  const n = 20_000_000, rounds = 3;
  const expected = BigInt(rounds) * (BigInt(n) * BigInt(n + 1) / 2n + 1n);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  for (const hasStack of [false, true]) {
    const run = new Instance(store, module(hasStack), { m: { f } }).func("run")!;
    const calls = Array.from({ length: 5 }, () => run.callAsync([rounds, n]));
    assertEquals(await Promise.all(calls) as unknown[], Array(5).fill(expected));
    // Time in the guest is charged, time that it waits is not.
    await assertRejects(() => run.callAsync([1000, n], { timeout: 30 }), Trap, "deadline of 30 ms");
  }
  clearInterval(timer);
  assert(ticks > 20, `${ticks} ticks`);
});
