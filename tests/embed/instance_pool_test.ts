/** `InstancePool`: each tenant finds a fresh instance, and nothing of the one before, who has nothing left (Z1). */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Engine,
  Func,
  Global,
  Instance,
  InstancePool,
  Linker,
  LinkError,
  Memory,
  Module,
  PooledInstance,
  Store,
  Trap,
} from "../../mod.ts";
import { COLLECTORS } from "../../lib/runtime/mod.ts";
import { collectGarbage } from "../../lib/host/mod.ts";

const PAGES = 3;
const SECRET = 0x5ec4e7;

/** Everything that may hold something, and ways to read and write it. */
const SOURCE = `(module
  (type $list (struct (field (mut i32)) (field (ref null $list))))
  (type $bytes (array (mut i32)))
  (memory (export "m") ${PAGES} 20) (data (i32.const 64) "${"x".repeat(30_000)}") (data $p "passive")
  (global $g (mut i64) (i64.const 3)) (global $r (mut (ref null $list)) (ref.null $list))
  (global $x (mut externref) (ref.null extern))
  (table $f (export "f") 50000 60000 funcref) (table $o 100 (ref null any)) (table $e 10 externref)
  (elem (table $f) (i32.const 0) func $one) (func $one (export "one") (result i32) (i32.const 1)) (func $two)
  (elem declare func $two)
  (func (export "spoil") (param $secret i32) (param externref)
    (local $i i32)
    (drop (memory.grow (i32.const 2)))
    (loop $l
      (i32.store (local.get $i) (local.get $secret))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.mul (memory.size) (i32.const 65536)))))
    (global.set $g (i64.extend_i32_u (local.get $secret)))
    (global.set $x (local.get 1))
    (table.fill $e (i32.const 0) (local.get 1) (i32.const 10))
    (table.fill $f (i32.const 0) (ref.func $two) (i32.const 50000))
    (local.set $i (i32.const 0))
    (loop $l
      (global.set $r (struct.new $list (local.get $secret) (global.get $r)))
      (table.set $o (i32.rem_u (local.get $i) (i32.const 100)) (array.new $bytes (local.get $secret) (i32.const 50)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
    (data.drop $p))
  (func (export "clean") (result i32)
    (i32.and (i64.eq (global.get $g) (i64.const 3)) (i32.and (ref.is_null (global.get $r)) (i32.and
      (ref.is_null (global.get $x)) (i32.and (ref.is_null (table.get $e (i32.const 5)))
        (i32.and (ref.is_null (table.get $o (i32.const 7))) (i32.eq (memory.size) (i32.const ${PAGES}))))))))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "fresh") (result i32) (array.get $bytes (array.new_default $bytes (i32.const 10)) (i32.const 9)))
  (func (export "passive") (memory.init $p (i32.const 0) (i32.const 0) (i32.const 7))))`;

/** Spoils everything that a tenant can, and gives back what he kept of it. */
function spoil(tenant: PooledInstance, secret: number): Record<string, unknown> {
  const { m, f, spoil, one, load, passive } = tenant.exports;
  const before = m.view;
  assertEquals(before.length, PAGES * 65536);
  spoil(secret, { secret });
  assertEquals(before.length, 0, "growing detached it");
  m.view.fill(secret & 0xff, 0, 1000);
  return { instance: tenant.instance, store: tenant.store, m, f, one, load, passive, view: m.view, buffer: m.buffer };
}

const CONFIGS = [
  { bounds: "explicit" },
  { tablePool: { tables: 6, elements: 60_000 } },
  ...COLLECTORS.map((collector) => ({ collector })),
] as const;

for (const config of CONFIGS) {
  Deno.test(`Z1 a tenant reads nothing of the one before, who can do nothing any more: ${JSON.stringify(config)}`, () => {
    using engine = new Engine(config);
    using module = Module.fromText(engine, SOURCE);
    using pool = new InstancePool(module, {}, { size: 2 });
    const initial = (() => {
      using store = new Store(engine);
      return new Instance(store, module).exports.m.view.slice();
    })();
    for (let round = 0; round < 12; round++) {
      const isKept = round % 3 === 2;
      const tenant = pool.acquire();
      const { m, f, one, load, clean, fresh, passive } = tenant.exports;
      const { view } = m;
      assertEquals(view.length, initial.length);
      assert(view.every((byte: number, at: number) => byte === initial[at]), "memory as JavaScript sees it");
      for (let at = 0; at < view.length; at += 4) assert(load(at) !== SECRET);
      assertThrows(() => load(PAGES * 65536), Trap, "memory");
      assertEquals([clean(), fresh(), f.size, f.get(0) === one, f.get(1), f.get(49_999)], [
        1,
        0,
        50_000,
        true,
        null,
        null,
      ]);
      passive();
      assertEquals(m.readString(0, 7), "passive");
      // Every third tenant leaves its memory at its size: that one is used again.
      if (isKept) {
        view.fill(SECRET & 0xff);
        tenant.release();
        assertEquals(view.length, 0);
        continue;
      }
      const kept = spoil(tenant, SECRET);
      tenant.release();
      tenant.release();
      assertEquals((kept.view as Uint8Array).length, 0);
      assertEquals((kept.buffer as ArrayBuffer).byteLength, 0);
      const next = pool.acquire();
      const attempts: (() => unknown)[] = [
        () => (kept.one as () => void)(),
        () => (kept.load as (at: number) => number)(0),
        () => (kept.passive as () => void)(),
        () => (kept.m as Memory).view,
        () => (kept.m as Memory).write(0, Uint8Array.of(1)),
        () => (kept.m as Memory).grow(1),
        () => (kept.f as { get(index: number): unknown }).get(0),
        () => (kept.f as { set(index: number, value: null): unknown }).set(0, null),
        () => (kept.instance as Instance).reset(),
        () => (kept.instance as Instance).func("one"),
        () => new Instance(kept.store as Store, module),
        () => Func.of(kept.one as () => void)!.call(),
      ];
      for (const attempt of attempts) assertThrows(attempt, TypeError, "disposed");
      assertEquals([next.exports.clean(), next.exports.one()], [1, 1]);
      next.release();
      assertEquals(pool.inUse, 0);
    }
  });
}

Deno.test("memories are used again, with the image that lies under them", () => {
  using engine = new Engine();
  using module = Module.fromText(
    engine,
    `(module (memory (export "m") 2) (memory 1) (data (i32.const 0) "${"y".repeat(65536)}"))`,
  );
  using pool = new InstancePool(module, {}, { size: 3 });
  const reservations = () =>
    Deno.readTextFileSync("/proc/self/maps").split("\n").filter((line) => line.includes("theropod-image")).length;
  for (const tenant of [1, 2, 3].map(() => pool.acquire())) tenant.release();
  collectGarbage();
  const before = reservations();
  assert(before >= 3);
  for (let i = 0; i < 3000; i++) {
    using tenant = pool.acquire();
    const { view } = tenant.exports.m;
    assertEquals([view[i], view[i + 65536]], [121, 0]);
    view[i] = view[i + 65536] = 1;
  }
  assertEquals(reservations(), before);
});

Deno.test("a pool has as many places as it says, and one of a failed instance is free again", () => {
  using engine = new Engine();
  using module = Module.fromText(
    engine,
    `(module (import "e" "f" (func $f)) (func (export "run") (call $f)) (start $f))`,
  );
  let onCall = () => {};
  const pool = new InstancePool(module, { e: { f: () => onCall() } }, { size: 2 });
  const first = pool.acquire({ data: "mine" });
  assertEquals([first.store.data, pool.inUse, pool.size], ["mine", 1, 2]);
  onCall = () => {
    throw new EvalError("no");
  };
  for (let i = 0; i < 5; i++) assertThrows(() => pool.acquire(), EvalError);
  onCall = () => {};
  const second = pool.acquire();
  assertThrows(() => pool.acquire(), RangeError, "in use");
  // Not from inside.
  onCall = () => second.release();
  assertThrows(() => second.exports.run(), TypeError, "active");
  assertEquals(pool.inUse, 2);
  second.release();
  onCall = () => {};
  pool[Symbol.dispose]();
  assertThrows(() => pool.acquire(), TypeError, "disposed");
  first.exports.run();
  first.release();
  assertEquals(pool.inUse, 0);
});

Deno.test("misuse of pools is an error that says so", () => {
  using engine = new Engine();
  const module = Module.fromText(engine, `(module (import "e" "g" (global i32)) (export "g" (global 0)))`);
  for (const size of [0, -1, 1.5, NaN, Infinity, "2" as never]) {
    assertThrows(() => new InstancePool(module, {}, { size }), RangeError, "size");
  }
  assertThrows(() => new InstancePool({} as Module, {}, { size: 1 }), TypeError, "Module");
  assertThrows(() => new InstancePool(module, {}, { size: 1 }).acquire(), LinkError);
  using store = new Store(engine);
  const global = new Global(store, { valueType: "i32" }, 1);
  assertThrows(() => new InstancePool(module, { e: { g: global } }, { size: 1 }).acquire(), LinkError);
  using pool = new InstancePool(module, { e: { g: 17 } }, { size: 1 });
  assertEquals(pool.acquire().exports.g.value, 17);
  module[Symbol.dispose]();
  assertThrows(() => new InstancePool(module, {}, { size: 1 }), TypeError, "disposed");
});

Deno.test("options that ask for an instance themselves do not get more than there are", () => {
  using engine = new Engine();
  using pool = new InstancePool(Module.fromText(engine, "(module)"), {}, { size: 1 });
  const refusals: unknown[] = [];
  const options = {
    get limits() {
      refusals.push(assertThrows(() => pool.acquire(), RangeError).message);
      return undefined;
    },
  };
  pool.acquire(options as never).release();
  assertEquals([pool.inUse, refusals.length], [0, 1]);
  assertThrows(() => pool.acquire({ limits: { instances: -1 } }), RangeError, "instances");
  assertEquals(pool.inUse, 0);
});

Deno.test("a pool of what a linker prepared", () => {
  using engine = new Engine();
  const linker = new Linker(engine);
  linker.defineFunc("env", "one", { parameters: [], results: ["i32"] }, () => 1);
  const module = Module.fromText(
    engine,
    `(module (import "env" "one" (func $one (result i32)))
    (global $n (mut i32) (i32.const 0)) (func (export "count") (result i32)
      (global.set $n (i32.add (global.get $n) (call $one))) (global.get $n)))`,
  );
  using pool = new InstancePool(linker.instantiatePre(module), {}, { size: 1 });
  for (let i = 0; i < 3; i++) {
    using tenant = pool.acquire();
    assertEquals([tenant.exports.count(), tenant.exports.count()], [1, 2]);
  }
});

Deno.test("instances whose start functions wait, in a pool and when they are reset", async () => {
  using engine = new Engine();
  const module = Module.fromText(
    engine,
    `(module (import "e" "seed" (func $seed (result i32))) (memory (export "m") 1)
    (func $s (i32.store8 (i32.const 0) (call $seed))) (start $s))`,
  );
  let seed = 0;
  using pool = new InstancePool(module, { e: { seed: () => Promise.resolve(++seed) } }, { size: 2 });
  const [a, b] = await Promise.all([pool.acquireAsync(), pool.acquireAsync()]);
  await assertRejects(() => pool.acquireAsync(), RangeError, "in use");
  assertEquals([a.exports.m.view[0], b.exports.m.view[0], pool.inUse].toSorted(), [1, 2, 2]);
  a.exports.m.view.fill(9);
  await a.instance.resetAsync();
  assertEquals([...a.exports.m.view.subarray(0, 3)], [3, 0, 0]);
  b.release();
  const late = pool.acquireAsync({ signal: AbortSignal.abort() });
  await assertRejects(() => late, DOMException);
  assertEquals(pool.inUse, 1);
  a.release();
  assertThrows(() => pool.acquire(), TypeError, "Promise");
  assertEquals(pool.inUse, 0);
});

Deno.test("element segments that may trap keep memories from being used again: data come after them", () => {
  using engine = new Engine();
  let offset = 0;
  const module = Module.fromText(
    engine,
    `(module (import "e" "o" (global $o i32)) (table 4 funcref) (memory (export "m") 2)
    (elem (global.get $o) $f) (func $f) (data (i32.const 0) "${"z".repeat(65536)}"))`,
  );
  const imports = {
    e: {
      get o() {
        return offset;
      },
    },
  };
  using pool = new InstancePool(module, imports, { size: 1 });
  for (offset = 0; offset < 4; offset++) {
    using tenant = pool.acquire();
    assertEquals(tenant.exports.m.view[65535], 122);
    tenant.exports.m.view.fill(1);
  }
  assertThrows(() => pool.acquire(), Trap, "table");
});
