/** Deadlines, interruption handles and what they end: the process stays alive and the store answers the next call. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Engine, FEATURES, Func, Instance, Memory, Module, SharedMemory, Store, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";

const GUEST = wat(`(module
  (import "m" "host" (func $host))
  (import "m" "shared" (memory $shared 1 1 shared))
  (memory $big (export "memory") 0)
  (table $t 200000 funcref)
  (func (export "loop") (loop (br 0)))
  (func $callee (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "calls") (local i32) (loop (local.set 0 (call $callee (local.get 0))) (br 0)))
  (func $down (param i32) (result i32) (if (result i32) (local.get 0)
    (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (call $down (i32.sub (local.get 0) (i32.const 1)))))
    (else (i32.const 1))))
  (func (export "recursion") (drop (call $down (i32.const 60))))
  ;; Polls in its loop only.
  (func $twice (param i32) (local i32) (if (local.get 0) (then (loop
    (call $twice (i32.sub (local.get 0) (i32.const 1)))
    (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 2)))))))
  (func (export "recursion in loops") (call $twice (i32.const 60)))
  (func $tail (return_call $tail))
  (func (export "tail calls") (call $tail))
  (func (export "fills") (loop (memory.fill $big (i32.const 0) (i32.const 7) (i32.mul (memory.size $big) (i32.const 65536))) (br 0)))
  (func (export "copies")
    (loop (memory.copy $big $big (i32.const 1) (i32.const 0) (i32.sub (i32.mul (memory.size $big) (i32.const 65536)) (i32.const 1))) (br 0)))
  (func (export "table fills") (loop (table.fill $t (i32.const 0) (ref.null func) (i32.const 200000)) (br 0)))
  (func (export "waits") (drop (memory.atomic.wait32 $shared (i32.const 0) (i32.const 0) (i64.const -1))))
  (func (export "host calls") (loop (call $host) (br 0)))
  (func (export "fill") (param i32 i32) (memory.fill $big (i32.const 0) (local.get 1) (local.get 0)))
  (func (export "copy") (param i32 i32 i32) (memory.copy $big $big (local.get 0) (local.get 1) (local.get 2)))
  (func (export "answer") (result i32) (i32.const 42)))`);

const ENDLESS = [
  "loop",
  "calls",
  "recursion",
  "recursion in loops",
  "tail calls",
  "fills",
  "copies",
  "table fills",
  "waits",
  "host calls",
] as const;

interface Guest extends Disposable {
  readonly engine: Engine;
  readonly store: Store;
  readonly instance: Instance;
  readonly func: (name: string) => Func;
  answers(): void;
}

function makeGuest({ host = () => {}, pages = 64, bounds = "guard" as "guard" | "explicit" } = {}): Guest {
  const engine = new Engine({ interruption: true, bounds });
  const store = new Store(engine);
  const shared = Memory.fromShared(store, new SharedMemory({ minimum: 1, maximum: 1 }));
  const instance = new Instance(store, new Module(engine, GUEST), { m: { host, shared } });
  instance.exports.memory.grow(pages);
  return {
    engine,
    store,
    instance,
    func: (name) => instance.func(name)!,
    answers: () => assertEquals(instance.exports.answer(), 42),
    [Symbol.dispose]() {
      store.close();
      engine[Symbol.dispose]();
    },
  };
}

/** Milliseconds that a call takes beyond its time, when a deadline ends it. */
function lateness(func: Func, timeout: number): number {
  const start = performance.now();
  const trap: Trap = assertThrows(() => func.call([], { timeout }), Trap, `deadline of ${timeout} ms`);
  assertEquals(trap.code, "interrupted");
  return performance.now() - start - timeout;
}

for (const bounds of ["guard", "explicit"] as const) {
  for (const name of ENDLESS) {
    Deno.test(`a timeout ends ${name} in time, ${bounds}`, () => {
      using guest = makeGuest({ bounds });
      const func = guest.func(name);
      for (const timeout of [0, 1, 5, 20, 3]) {
        const late = lateness(func, timeout);
        // Host functions are not charged; the machine may be busy with other tests.
        assert(late >= 0 && late < 250, `${late} ms late`);
        guest.answers();
      }
    });
  }
}

Deno.test("a fill of 1 GiB ends in the middle, and what was filled stays", () => {
  using guest = makeGuest({ pages: 16384 });
  const fill = guest.func("fill");
  assertThrows(() => fill.call([2 ** 30, 9], { timeout: 3 }), Trap, "interrupted");
  const bytes = new Uint8Array(guest.instance.exports.memory.buffer);
  assertEquals([bytes[0], bytes[2 ** 30 - 1]], [9, 0]);
  guest.answers();
});

Deno.test("bulk operations in chunks do what they would do at once", () => {
  using guest = makeGuest({ pages: 80 });
  const { fill, copy, memory } = guest.instance.exports;
  const size = 80 * 65536;
  const expected = new Uint8Array(size);
  const bytes = () => new Uint8Array(memory.buffer);
  for (let i = 0; i < size; i++) expected[i] = i * 31 >> 3;
  const million = 1 << 20;
  const compare = (what: string) => {
    const actual = bytes();
    for (let i = 0; i < size; i++) if (actual[i] !== expected[i]) throw new Error(`${what}: ${i}`);
  };
  for (
    const [to, from, length] of [
      [0, 5, size - 5],
      [5, 0, size - 5],
      [million, 0, 3 * million + 17],
      [0, million, 3 * million + 17],
      [3, 1, 2 * million],
      [1, 3, 2 * million + 1],
      [7, 7, 4 * million],
      [million - 1, 0, million],
    ]
  ) {
    bytes().set(expected);
    copy(to, from, length);
    expected.copyWithin(to, from, from + length);
    compare(`copy ${to} ${from} ${length}`);
  }
  fill(3 * million + 1, 77);
  expected.fill(77, 0, 3 * million + 1);
  compare("fill");
});

Deno.test("a start function has the time of its store", () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = new Module(engine, wat(`(module (func $f (loop (br 0))) (start $f))`));
  store.setDeadline(5);
  const trap: Trap = assertThrows(() => new Instance(store, module), Trap, "deadline of 5 ms");
  assertEquals(trap.frames.map(({ functionIndex }) => functionIndex), [0]);
  // It has passed, and stays so until it is taken back.
  assertThrows(() => new Instance(store, module), Trap, "deadline of 5 ms");
  store.setDeadline(undefined);
  const answer = new Instance(
    store,
    new Module(engine, wat(`(module (func (export "f") (result i32) (i32.const 1)))`)),
  );
  assertEquals(answer.exports.f(), 1);
});

Deno.test("a store's deadline is for all calls together", () => {
  using guest = makeGuest();
  guest.store.setDeadline(60);
  const start = performance.now();
  assertThrows(() => guest.func("loop").call([], { timeout: 20 }), Trap, "deadline of 20 ms");
  assertThrows(() => guest.instance.exports.loop(), Trap, "deadline of 60 ms");
  assert(performance.now() - start < 500);
  guest.answers(); // no poll
  assertThrows(() => guest.func("calls").call([], { timeout: 1000 }), Trap, "deadline of 60 ms");
  guest.store.setDeadline(1000);
  assertThrows(() => guest.func("calls").call([], { timeout: 10 }), Trap, "deadline of 10 ms");
});

Deno.test("time in host functions counts when asked for, and only then", () => {
  const pause = () => {
    const end = performance.now() + 8;
    while (performance.now() < end);
  };
  let calls = 0;
  using guest = makeGuest({
    host: () => {
      pause();
      if (++calls === 10) throw new RangeError("enough");
    },
  });
  const func = guest.func("host calls");
  assertThrows(() => func.call([], { timeout: 30 }), RangeError, "enough");
  calls = 0;
  const start = performance.now();
  assertThrows(() => func.call([], { timeout: 30, countHostTime: true }), Trap, "deadline");
  assert(performance.now() - start >= 30);
  assert(calls < 10, `${calls} calls`);
  guest.answers();
});

Deno.test("no deadline passes early when host time counts", () => {
  using guest = makeGuest();
  const func = guest.func("host calls");
  for (let i = 0; i < 30; i++) {
    const timeout = 1 + i % 3, start = performance.now();
    assertThrows(() => func.call([], { timeout, countHostTime: true }), Trap, "deadline");
    const late = performance.now() - start - timeout;
    assert(late >= 0, `${late} ms late`);
  }
});

Deno.test("nested calls are charged to the calls around them, and catching their trap gives no more time", () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (import "m" "again" (func $again))
      (func (export "outer") (call $again) (loop (br 0)))
      (func (export "inner") (loop (br 0))))`),
  );
  let caught = 0;
  const instance: Instance = new Instance(store, module, {
    m: {
      again: () => {
        try {
          instance.exports.inner();
        } catch (error) {
          assert(error instanceof Trap);
          caught++;
        }
        assertThrows(() => instance.func("inner")!.call([], { timeout: 1000 }), Trap, "deadline of 10 ms");
      },
    },
  });
  assertThrows(() => instance.func("outer")!.call([], { timeout: 10 }), Trap, "deadline of 10 ms");
  assertEquals(caught, 1);
  assertThrows(() => instance.func("inner")!.call([], { timeout: 2 }), Trap, "deadline of 2 ms");
});

Deno.test("onDeadline gives more time, calls into the store, and ends the call with what it throws", () => {
  using guest = makeGuest();
  let asked = 0;
  const trap = assertThrows(
    () =>
      guest.func("loop").call([], {
        timeout: 2,
        onDeadline: () => {
          guest.answers();
          return ++asked < 5 ? 2 : undefined;
        },
      }),
    Trap,
  );
  assertEquals([asked, trap.code], [5, "interrupted"]);
  const error = new Error("mine");
  for (const name of ENDLESS) {
    assertEquals(
      assertThrows(() =>
        guest.func(name).call([], {
          timeout: 1,
          onDeadline: () => {
            throw error;
          },
        })
      ),
      error,
    );
  }
  // A wait and a fill go on where they were.
  let extended = 0;
  const onDeadline = () => ++extended % 4 === 0 ? undefined : 3;
  for (const name of ["waits", "fills", "table fills"]) {
    assertThrows(() => guest.func(name).call([], { timeout: 3, onDeadline }), Trap);
  }
  assertEquals(extended, 12);
});

Deno.test("a deadline is no exception that a guest can catch", () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (func $spin (loop (br 0)))
      (func (export "f") (block (try_table (catch_all 0) (call $spin)) (unreachable))))`),
  );
  const trap: Trap = assertThrows(() => new Instance(store, module).func("f")!.call([], { timeout: 2 }), Trap);
  assertEquals(trap.code, "interrupted");
});

Deno.test("what a deadline cannot be is refused", () => {
  using guest = makeGuest();
  using plainEngine = new Engine();
  using plain = new Store(plainEngine);
  const answer = guest.func("answer");
  assertThrows(() => answer.call([], { timeout: "1" as never }), TypeError, "timeout");
  assertThrows(() => answer.call([], { timeout: -1 }), RangeError, "timeout");
  assertThrows(() => answer.call([], { timeout: NaN }), RangeError, "timeout");
  assertThrows(() => answer.call([], { timeout: 1, onDeadline: "stop" as never }), TypeError, "onDeadline");
  assertThrows(() => answer.call([], { timeout: 1, countHostTime: 1 as never }), TypeError, "countHostTime");
  assertThrows(() => answer.call([], { signal: AbortSignal.timeout(1) } as never), TypeError, "no signal");
  assertThrows(() => answer.call(5 as never), TypeError, "array");
  assertThrows(() => guest.store.setDeadline("1" as never), TypeError, "ms");
  assertThrows(() => plain.setDeadline(1), TypeError, "interruption: true");
  const f = new Func(plain, { parameters: [], results: [] }, () => {});
  assertThrows(() => f.call([], { timeout: 1 }), TypeError, "interruption: true");
  assertEquals(answer.call([], { timeout: 1000 }), 42 as never);
  f.call();
});

Deno.test("another Worker's handle ends every kind of call", async () => {
  const worker = new Worker(new URL("./interrupt_worker.ts", import.meta.url).href, { type: "module" });
  try {
    const guest = makeGuest();
    const ready = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage(guest.store.interruptHandle());
    await ready;
    for (const name of ENDLESS) {
      const trap: Trap = assertThrows(() => guest.instance.exports[name](), Trap, "interrupted");
      assertEquals(trap.code, "interrupted");
      guest.answers();
    }
    guest[Symbol.dispose]();
    // The handle goes on: it does nothing to the stores that have the records now.
    using other = makeGuest();
    for (let i = 0; i < 5; i++) {
      assert(lateness(other.func("loop"), 30) < 250);
      other.answers();
    }
  } finally {
    worker.terminate();
  }
});

Deno.test("a handle reaches the innermost of calls that nest", async () => {
  const worker = new Worker(new URL("./interrupt_worker.ts", import.meta.url).href, { type: "module" });
  try {
    using engine = new Engine({ interruption: true });
    using store = new Store(engine);
    const module = new Module(
      engine,
      wat(`(module (import "m" "again" (func $again (param i32)))
        (func (export "f") (param i32) (if (local.get 0) (then (call $again (i32.sub (local.get 0) (i32.const 1))))
          (else (loop (br 0))))))`),
    );
    let caught = 0;
    const instance: Instance = new Instance(store, module, {
      m: {
        again: (depth: number) => {
          assertThrows(() => instance.exports.f(depth), Trap, "interrupted");
          caught++;
        },
      },
    });
    const ready = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage(store.interruptHandle());
    await ready;
    // Every call around an interrupted one goes on: the request was for one call.
    instance.exports.f(1);
    assertEquals(caught, 1);
  } finally {
    worker.terminate();
  }
});

Deno.test("a terminated Worker leaves its slot of the ticker behind for others", async () => {
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(new URL("./interruption_worker.ts", import.meta.url).href, { type: "module" });
    const ready = new Promise((resolve) => worker.onmessage = resolve);
    await ready;
    worker.terminate();
  }
  using guest = makeGuest();
  assert(lateness(guest.func("loop"), 5) < 250);
  guest.answers();
});

Deno.test("continuations have the time of their call", () => {
  using engine = new Engine({ interruption: true, features: FEATURES.map(([name]) => name) });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (type $f (func)) (type $c (cont $f)) (tag $t)
      (elem declare func $spin)
      (func $spin (suspend $t) (loop (br 0)))
      (func (export "f") (local $k (ref null $c))
        (local.set $k (cont.new $c (ref.func $spin)))
        (block $on (result (ref $c)) (resume $c (on $t $on) (local.get $k)) (return))
        (local.set $k)
        (resume $c (local.get $k))))`),
  );
  const func = new Instance(store, module).func("f")!;
  for (let i = 0; i < 3; i++) {
    const trap: Trap = assertThrows(() => func.call([], { timeout: 3 }), Trap, "interrupted");
    assertEquals(trap.frames.map(({ functionIndex }) => functionIndex), [0, 1]);
  }
});
