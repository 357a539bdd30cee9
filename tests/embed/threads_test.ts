/** Shared memories between Workers: exact additions and growth under contention, waiting and waking, interruption. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Engine, Instance, InterruptHandle, Memory, Module, SharedMemory, Store, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";
import { Sandbox } from "./sandbox.ts";
import type { Answer, Task } from "./threads_worker.ts";

const BOUNDS = ["guard", "explicit"] as const;

/** A Worker at work. */
class Guest implements Disposable {
  /** There when the calls are about to begin; the handle only if asked for. */
  readonly handle: Promise<InterruptHandle | undefined>;
  readonly outcomes: Promise<readonly unknown[]>;
  readonly #worker = new Worker(new URL("threads_worker.ts", import.meta.url), { type: "module" });

  constructor(task: Omit<Task, "form"> & { readonly form?: Task["form"] }) {
    const handle = Promise.withResolvers<InterruptHandle | undefined>();
    const outcomes = Promise.withResolvers<readonly unknown[]>();
    this.handle = handle.promise;
    this.outcomes = outcomes.promise;
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if ("handle" in data) handle.resolve(data.handle === undefined ? undefined : InterruptHandle.from(data.handle));
      else outcomes.resolve(data.outcomes);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      outcomes.reject(new Error(event.message));
    };
    this.#worker.postMessage({ form: "module", ...task });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

const ADD = wat(`(module (import "m" "memory" (memory 1 20000 shared))
  (func (export "add") (param $count i32)
    (loop $again
      (drop (i32.atomic.rmw.add (i32.const 64) (i32.const 1)))
      (i64.store (i32.const 8) (i64.atomic.rmw.sub (i32.const 128) (i64.const 3)))
      (drop (i32.atomic.rmw8.xor_u (i32.const 200) (i32.const 1)))
      (i32.store (i32.const 16) (i32.atomic.rmw16.add_u (i32.const 202) (i32.const 1)))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
  (func (export "increment") (param $count i32)
    (loop $again
      (drop (i32.atomic.rmw.add (i32.const 256) (i32.const 1)))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
  (func (export "exchange") (param $count i32) (local $old i32)
    (loop $again
      (local.set $old (i32.atomic.load (i32.const 320)))
      (br_if $again (i32.ne (local.get $old)
        (i32.atomic.rmw.cmpxchg (i32.const 320) (local.get $old) (i32.add (local.get $old) (i32.const 1)))))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
  (func (export "bit") (param $mask i32) (param $count i32)
    (loop $again
      (i32.store (i32.const 24) (i32.atomic.rmw.or (i32.const 384) (local.get $mask)))
      (i32.store (i32.const 24) (i32.atomic.rmw.xor (i32.const 388) (local.get $mask)))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))))`);

for (const bounds of BOUNDS) {
  Deno.test(`two Workers' contended atomic operations are exact, ${bounds} bounds`, async () => {
    const shared = new SharedMemory({ minimum: 1, maximum: 20000 });
    const EACH = 5_000_000, LESS = 200_001;
    const guests = [1, 2].map((mask) =>
      new Guest({
        bytes: ADD,
        shared,
        bounds,
        calls: [["increment", EACH], ["add", LESS], ["exchange", LESS], ["bit", mask, LESS]],
      })
    );
    try {
      for (const { outcomes } of guests) assertEquals(await outcomes, [undefined, undefined, undefined, undefined]);
      const words = new Int32Array(shared.buffer);
      assertEquals(words[256 / 4], 2 * EACH);
      assertEquals(words[64 / 4], 2 * LESS);
      assertEquals(new BigInt64Array(shared.buffer)[128 / 8], -3n * 2n * BigInt(LESS));
      assertEquals(words[200 / 4], (2 * LESS & 0xffff) << 16);
      assertEquals(words[320 / 4], 2 * LESS);
      assertEquals([words[384 / 4], words[388 / 4]], [3, 3]);
    } finally {
      for (const guest of guests) guest[Symbol.dispose]();
    }
  });

  Deno.test(`two Workers' contended growth accounts for every page, ${bounds} bounds`, async () => {
    const EACH = 5000;
    const shared = new SharedMemory({ minimum: 1, maximum: 20000 });
    const bytes = wat(`(module (import "m" "memory" (memory 1 20000 shared))
      (func (export "grow") (param $count i32) (result i32) (local $page i32) (local $failures i32)
        (loop $again
          (local.set $page (memory.grow (i32.const 1)))
          (if (i32.eq (local.get $page) (i32.const -1))
            (then (local.set $failures (i32.add (local.get $failures) (i32.const 1))))
            (else (drop (i32.atomic.rmw.add (i32.shl (local.get $page) (i32.const 16)) (i32.const 1)))))
          (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
        (i32.add (local.get $failures) (i32.mul (i32.const 0) (memory.size)))))`);
    const guests = [1, 2].map(() => new Guest({ bytes, shared, bounds, calls: [["grow", EACH]] }));
    try {
      for (const { outcomes } of guests) assertEquals(await outcomes, [0]);
      assertEquals(shared.type.minimum, 1 + 2 * EACH);
      const words = new Int32Array(shared.buffer);
      assertEquals(words.length, (1 + 2 * EACH) * 16384);
      let wrong = 0;
      for (let page = 1; page <= 2 * EACH; page++) if (words[page * 16384] !== 1) wrong++;
      assertEquals(wrong, 0);
    } finally {
      for (const guest of guests) guest[Symbol.dispose]();
    }
  });
}

/** Waits for the turn `mine`, then hands it to `other`, as often as told; answers how often a wait timed out. */
const PING_PONG = wat(`(module (import "m" "memory" (memory 1 20000 shared))
  (func (export "play") (param $mine i32) (param $other i32) (param $rounds i32) (result i32) (local $late i32)
    (loop $again
      (if (i32.ne (i32.atomic.load (i32.const 0)) (local.get $mine))
        (then
          (local.set $late (i32.add (local.get $late)
            (i32.eq (i32.const 2)
              (memory.atomic.wait32 (i32.const 0) (local.get $other) (i64.const 20_000_000_000)))))
          (br $again)))
      (i32.atomic.store (i32.const 0) (local.get $other))
      (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $late))
  (func (export "wait64") (param $timeout i64) (result i32)
    (memory.atomic.wait64 (i32.const 64) (i64.const 0) (local.get $timeout)))
  (func (export "answer") (result i32) (i32.const 42)))`);

for (const waits of [undefined, "interruptible"] as const) {
  Deno.test(`guests of two Workers wait for and wake each other, ${waits ?? "not interruptible"}`, async () => {
    const ROUNDS = 2000;
    const shared = new SharedMemory({ minimum: 1, maximum: 20000 });
    const guests = [[0, 1], [1, 0]].map(([mine, other]) =>
      new Guest({
        bytes: PING_PONG,
        shared,
        bounds: "guard",
        calls: [["play", mine, other, ROUNDS]],
        ...(waits === undefined ? {} : { waits }),
      })
    );
    try {
      for (const { outcomes } of guests) assertEquals(await outcomes, [0]);
      assertEquals(new Int32Array(shared.buffer)[0], 0);
    } finally {
      for (const guest of guests) guest[Symbol.dispose]();
    }
  });

  Deno.test(`a guest and JavaScript wait for and wake each other, ${waits ?? "not interruptible"}`, async () => {
    const ROUNDS = 2000;
    const shared = new SharedMemory({ minimum: 1, maximum: 20000 });
    using guest = new Guest({
      bytes: PING_PONG,
      shared,
      bounds: "guard",
      calls: [["play", 0, 1, ROUNDS]],
      ...(waits === undefined ? {} : { waits }),
    });
    await guest.handle; // the guest is about to start
    const words = new Int32Array(shared.buffer);
    for (let round = 0; round < ROUNDS; round++) {
      while (Atomics.load(words, 0) !== 1) {
        assert(Atomics.wait(words, 0, 0, 20_000) !== "timed-out", `round ${round}`);
      }
      Atomics.store(words, 0, 0);
      Atomics.notify(words, 0, 1);
    }
    assertEquals(await guest.outcomes, [0]);
  });
}

Deno.test("a waiting guest is ended from outside, and its store goes on", async () => {
  const shared = new SharedMemory({ minimum: 1, maximum: 20000 });
  using guest = new Guest({
    bytes: PING_PONG,
    shared,
    bounds: "guard",
    waits: "interruptible",
    calls: [["wait64", -1n], ["answer"], ["play", 5, 0, 1], ["wait64", 3_000_000n]],
  });
  const handle = await guest.handle;
  await new Promise((resolve) => setTimeout(resolve, 50));
  handle!.interrupt();
  await new Promise((resolve) => setTimeout(resolve, 50));
  handle!.interrupt();
  assertEquals(await guest.outcomes, ["trap interrupted", 42, "trap interrupted", 2]);
});

Deno.test("an artifact made here runs in a Worker on the same memory", async () => {
  const shared = new SharedMemory({ minimum: 1, maximum: 20000 });
  using engine = new Engine();
  const bytes = new Module(engine, ADD).serialize();
  using guest = new Guest({ bytes, form: "artifact", shared, bounds: "guard", calls: [["increment", 1000]] });
  assertEquals(await guest.outcomes, [undefined]);
  assertEquals(new Int32Array(shared.buffer)[64], 1000);
});

Deno.test("a Worker keeps a shared memory that its maker has dropped", async () => {
  let guest: Guest;
  {
    using sandbox = new Sandbox();
    const memory = new Memory(sandbox.store, { minimum: 1, maximum: 20000, shared: true });
    memory.write(256, Uint8Array.of(7));
    guest = new Guest({
      bytes: ADD,
      shared: memory.shared!,
      bounds: "guard",
      calls: [["increment", 100_000], ["increment", 1]],
    });
  }
  using _ = guest;
  // Collections in between must not take the reservation.
  for (let i = 0; i < 4; i++) {
    try {
      new ArrayBuffer(0, { maxByteLength: 2 ** 47 });
    } catch { /* it collects before it gives up */ }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertEquals(await guest.outcomes, [undefined, undefined]);
});

Deno.test("wait and notify answer as the specification says", () => {
  for (const bounds of BOUNDS) {
    using sandbox = new Sandbox({ bounds });
    const text = (shared: string) =>
      `(module (memory (export "memory") 1 1 ${shared})
        (func (export "wait32") (param i32 i32 i64) (result i32)
          (memory.atomic.wait32 offset=4 (local.get 0) (local.get 1) (local.get 2)))
        (func (export "wait64") (param i32 i64 i64) (result i32)
          (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
        (func (export "notify") (param i32 i32) (result i32)
          (memory.atomic.notify offset=4 (local.get 0) (local.get 1))))`;
    const { wait32, wait64, notify, memory } = sandbox.instance(text("shared")).exports;
    assert(memory.buffer instanceof SharedArrayBuffer);
    new Int32Array(memory.buffer)[3] = -7;
    new BigInt64Array(memory.buffer)[4] = -8n;
    const code = (call: () => unknown) => assertThrows(call, Trap).code;
    assertEquals(wait32(8, 7, -1n), 1);
    assertEquals(wait32(8, -7, 0n), 2);
    assertEquals(wait32(8, -7, 2_000_000n), 2);
    assertEquals(wait64(32, 8n, -1n), 1);
    assertEquals(wait64(32, -8n, 1n), 2);
    assertEquals(wait64(32, 0xfffffff8n, 0n), 1);
    assertEquals(notify(8, -1), 0);
    assertEquals(code(() => wait32(2, 0, 0n)), "unaligned_atomic");
    assertEquals(code(() => wait64(4, 0n, 0n)), "unaligned_atomic");
    assertEquals(code(() => notify(1, 0)), "unaligned_atomic");
    assertEquals(code(() => wait32(65532, 0, 0n)), "memory_out_of_bounds");
    assertEquals(code(() => wait32(-4, 0, 0n)), "memory_out_of_bounds");
    assertEquals(code(() => notify(65532, 0)), "memory_out_of_bounds");
    assertEquals(notify(65528, 0), 0);

    const unshared = sandbox.instance(text("")).exports;
    assertEquals(unshared.notify(0, 1), 0);
    assertEquals(code(() => unshared.wait32(0, 0, 0n)), "expected_shared_memory");
    assertEquals(code(() => unshared.wait64(0, 0n, 0n)), "expected_shared_memory");
    assertEquals(code(() => unshared.wait64(65536, 0n, 0n)), "memory_out_of_bounds");
  }
});

Deno.test("SharedMemory and InterruptHandle take what was posted, and nothing else", () => {
  const shared = new SharedMemory({ minimum: 1, maximum: 2 });
  const posted = structuredClone(shared);
  assertEquals(SharedMemory.from(shared), shared);
  const same = SharedMemory.from(posted);
  assertEquals(same.type, { minimum: 1, maximum: 2, shared: true });
  new Uint8Array(same.buffer)[5] = 9;
  assertEquals(new Uint8Array(shared.buffer)[5], 9);
  assertEquals(same.grow(1), 1);
  assertEquals([shared.byteLength, shared.buffer.byteLength], [131072, 131072]);
  assertThrows(() => shared.grow(1), RangeError);

  for (
    const wrong of [
      undefined,
      null,
      {},
      42,
      { bytes: {} },
      { bytes: new WebAssembly.Memory({ initial: 1 }) },
      { bytes: new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }) },
      { bytes: new SharedArrayBuffer(65536) },
      { bytes: new SharedArrayBuffer(65536, { maxByteLength: 131072 }) },
    ]
  ) assertThrows(() => SharedMemory.from(wrong), TypeError);
  assertThrows(() => new SharedMemory({ minimum: 1 }), TypeError, "maximum");

  using sandbox = new Sandbox();
  assertThrows(() => Memory.fromShared(sandbox.store, posted as never), TypeError);
  const handle = sandbox.store.interruptHandle();
  assertEquals(InterruptHandle.from(structuredClone(handle)).request, handle.request);
  for (const wrong of [undefined, {}, { request: new ArrayBuffer(4) }, { request: new SharedArrayBuffer(8) }]) {
    assertThrows(() => InterruptHandle.from(wrong), TypeError);
  }
});

Deno.test("a shared memory grows under its guests' eyes, in stores of one isolate", () => {
  for (const bounds of BOUNDS) {
    using engine = new Engine({ bounds });
    using one = new Store(engine);
    using two = new Store(engine);
    const shared = new SharedMemory({ minimum: 1, maximum: 4 });
    const module = new Module(
      engine,
      wat(`(module (import "m" "memory" (memory 1 20000 shared))
        (func (export "grow") (result i32) (memory.grow (i32.const 1)))
        (func (export "size") (result i32) (memory.size))
        (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
        (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "init") (param i32) (memory.init $d (local.get 0) (i32.const 1) (i32.const 2)) (data.drop $d))
        (data $d "abcd"))`),
    );
    const a = new Instance(one, module, { m: { memory: Memory.fromShared(one, shared) } }).exports;
    const b = new Instance(two, module, { m: { memory: shared } }).exports;
    const code = (call: () => unknown) => assertThrows(call, Trap).code;
    assertEquals(code(() => b.load(65536)), "memory_out_of_bounds");
    assertEquals(a.grow(), 1);
    assertEquals([a.size(), b.size()], [2, 2]);
    b.fill(65536, 65536);
    assertEquals([a.load(131071), b.load(65536), a.load(65535)], [7, 7, 0]);
    assertEquals(code(() => b.fill(65537, 65536)), "memory_out_of_bounds");
    a.copy(100, 65530, 12);
    assertEquals([b.load(105), b.load(106)], [0, 7]);
    b.init(0);
    assertEquals([a.load(0), a.load(1)], [98, 99]);
    assertEquals(code(() => b.init(0)), "memory_out_of_bounds");
    assertEquals([b.grow(), a.grow(), b.grow(), a.size()], [2, 3, -1, 4]);
    assertEquals(a.load(4 * 65536 - 1), 0);
    assertEquals(code(() => a.load(4 * 65536)), "memory_out_of_bounds");
  }
});

/** Overwrites every buffer that can be reached from a shared memory and what is posted of it, then uses it; says "survived" at the end. */
const GARBLE = `
import { Engine, Instance, Memory, Module, SharedMemory, Store } from "${
  new URL("../../mod.ts", import.meta.url).href
}";
const bounds = Deno.args[0];
const modules = JSON.parse(Deno.args[1]).map((bytes) => Uint8Array.from(bytes));
function garble(value, seen = new Set()) {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  if (value instanceof SharedArrayBuffer || value instanceof ArrayBuffer) {
    new Uint8Array(value).fill(0x41);
    for (const key of ["grow", "resize"]) Reflect.defineProperty(value, key, { value: () => {} });
    for (const key of ["byteLength", "maxByteLength"]) Reflect.defineProperty(value, key, { value: 2 ** 40 });
    return;
  }
  for (const name of Reflect.ownKeys(value)) garble(value[name], seen);
  if (value instanceof WebAssembly.Memory || value instanceof SharedMemory || value instanceof Memory) {
    garble(value.buffer, seen);
  }
}
for (const type of [{ minimum: 1, maximum: 4 }, { minimum: 1, maximum: 4, pageSize: 1 }]) {
  const engine = new Engine({ bounds, features: ["threads", "custom-page-sizes"] });
  const shared = new SharedMemory(type);
  const posted = structuredClone(shared);
  const same = SharedMemory.from(posted);
  const stores = [shared, same].map((one) => {
    const store = new Store(engine);
    return [store, Memory.fromShared(store, one)];
  });
  const use = () => {
    for (const [store, memory] of stores) {
      try {
        const module = new Module(engine, modules[type.pageSize === 1 ? 1 : 0]);
        const { exports } = new Instance(store, module, { m: { memory } });
        for (const address of [0, 65535, 65536, 131072, 262143, 0x41414141, -1]) {
          for (const call of [() => exports.load(address), () => exports.store(address), () => exports.grow()]) {
            try { call(); } catch { /* a typed error is fine */ }
          }
        }
      } catch (error) { if (!(error instanceof RangeError)) throw error; }
      try { memory.grow(1); } catch { /* fine */ }
      try { memory.read(0, memory.byteLength); } catch { /* fine */ }
    }
  };
  use();
  garble(shared);
  garble(posted);
  garble(same);
  for (const [, memory] of stores) garble(memory);
  use();
  try { SharedMemory.from(posted); } catch { /* fine */ }
  try { shared.grow(1); } catch { /* fine */ }
  use();
}
console.log("survived");`;

for (const bounds of BOUNDS) {
  Deno.test(`whatever is written to what a shared memory's holder can reach, the process lives, ${bounds} bounds`, async () => {
    const body = `(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
      (func (export "store") (param i32) (i32.store8 (local.get 0) (i32.const 1)))
      (func (export "grow") (result i32) (memory.grow (i32.const 1)))`;
    const modules = ["", "(pagesize 1)"].map((page) => [
      ...wat(`(module (import "m" "memory" (memory 0 20000 shared ${page})) ${body})`),
    ]);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "-", bounds, JSON.stringify(modules)],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const input = child.stdin.getWriter();
    await input.write(new TextEncoder().encode(GARBLE));
    await input.close();
    const { code, stdout, stderr } = await child.output();
    assertEquals([code, new TextDecoder().decode(stdout).trim()], [0, "survived"], new TextDecoder().decode(stderr));
  });
}
