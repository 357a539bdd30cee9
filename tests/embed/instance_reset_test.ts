/** `Instance.reset()`: everything that an instance defines is as it was, whatever the guest and JavaScript did to it; and who is refused. */

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Engine, Func, Instance, Memory, Module, Store, type StructRef, Table, Trap } from "../../mod.ts";
import { DEFAULT_FEATURES, featureNames } from "../../lib/wasm/mod.ts";
import { COLLECTORS } from "../../lib/runtime/mod.ts";
import { Sandbox } from "./sandbox.ts";

const DATA = "d".repeat(70_000);
/** Something of everything, and functions that spoil it. */
const SOURCE = `(module
  (import "env" "started" (func $started (param i32)))
  (type $box (struct (field $v (mut i32))))
  (type $get (func (result i32)))
  (memory $m (export "m") 2) (memory $small (export "small") 1)
  (data (memory $m) (i32.const 100) "${DATA}") (data (memory $small) (i32.const 9) "few") (data $p "passive")
  (global $i (export "i") (mut i32) (i32.const 5))
  (global $l (export "l") (mut i64) (i64.const -1))
  (global $v (mut v128) (v128.const i64x2 1 2))
  (global $b (export "b") (mut (ref null $box)) (struct.new $box (i32.const 7)))
  (table $f (export "f") 20000 funcref) (elem (table $f) (i32.const 3) func $one $two)
  (table $o (export "o") 4 (ref null $box) (struct.new $box (i32.const 8)))
  (table $x (export "x") 2 20 externref)
  (elem $q func $two)
  (func $one (export "one") (type $get) (i32.const 1)) (func $two (type $get) (i32.const 2))
  (func $start (call $started (i32.load8_u (i32.const 100))) (i32.store8 (i32.const 0) (i32.const 115)))
  (start $start)
  (func (export "spoil") (param externref)
    (memory.fill $m (i32.const 0) (i32.const 1) (i32.const 131072))
    (memory.fill $small (i32.const 0) (i32.const 2) (i32.const 65536))
    (memory.init $m $p (i32.const 5) (i32.const 0) (i32.const 7)) (data.drop $p)
    (global.set $i (i32.const 50)) (global.set $l (i64.const 6)) (global.set $v (v128.const i64x2 3 4))
    (global.set $b (struct.new $box (i32.const 70)))
    (table.init $f $q (i32.const 19999) (i32.const 0) (i32.const 1)) (elem.drop $q)
    (table.fill $f (i32.const 0) (ref.func $two) (i32.const 10))
    (table.fill $o (i32.const 0) (global.get $b) (i32.const 4))
    (table.fill $x (i32.const 0) (local.get 0) (i32.const 2)))
  (func (export "grow") (param externref) (result i32)
    (i32.add (memory.grow $m (i32.const 3))
      (i32.add (table.grow $f (ref.func $two) (i32.const 1000)) (table.grow $x (local.get 0) (i32.const 5)))))
  (func (export "sizes") (result i32 i32 i32 i32 i32)
    (memory.size $m) (memory.size $small) (table.size $f) (table.size $o) (table.size $x))
  (func (export "load") (param i32) (result i32) (i32.load8_u $m (local.get 0)))
  (func (export "init") (memory.init $m $p (i32.const 5) (i32.const 0) (i32.const 7)))
  (func (export "elem") (table.init $f $q (i32.const 0) (i32.const 0) (i32.const 1)))
  (func (export "call") (param i32) (result i32) (call_indirect $f (type $get) (local.get 0)))
  (func (export "vector") (result i64) (i64x2.extract_lane 1 (global.get $v))))`;

/** A checksum of bytes. */
function sum(bytes: Uint8Array): number {
  let result = 0;
  for (let i = 0; i < bytes.length; i++) result = Math.imul(result, 31) + bytes[i] | 0;
  return result;
}

/** What can be seen of an instance of {@linkcode SOURCE} without changing it. */
function look({ exports }: Instance): unknown[] {
  const { m, small, i, l, b, f, o, x, sizes, vector, call } = exports;
  const value = (box: StructRef | null) => box?.get("v");
  const called = (index: number) => {
    try {
      return call(index);
    } catch (error) {
      return (error as Trap).code;
    }
  };
  return [
    sizes(),
    [m.byteLength, m.buffer.byteLength, small.byteLength, f.size, o.size, x.size],
    [sum(m.view), sum(small.view)],
    [i.value, l.value, vector(), value(b.value)],
    [0, 2, 3, 4, 5, 19_999, 20_000].map(called),
    [0, 1, 2, 3].map((at) => value(o.get(at))),
    [x.get(0), x.get(1)],
  ];
}

const CONFIGS = [
  { bounds: "guard" },
  { bounds: "explicit", tables: "eager" },
  { tablePool: { tables: 8, elements: 30_000 } },
  { stress: { gc: true } },
  ...COLLECTORS.map((collector) => ({ collector })),
] as const;

for (const config of CONFIGS) {
  Deno.test(`reset() restores memories, tables, globals and segments, with ${JSON.stringify(config)}`, () => {
    using sandbox = new Sandbox(config);
    const started: number[] = [];
    const module = sandbox.module(SOURCE);
    const instance = new Instance(sandbox.store, module, { env: { started: (n: number) => void started.push(n) } });
    const { m, small, one, spoil, grow, init, elem, f } = instance.exports;
    const fresh = look(instance);
    const used = () => [sandbox.store.usage().memoryBytes.current, sandbox.store.usage().tableElements.current];
    assertEquals(used(), [3 * 65536, 20_006]);
    for (let round = 0; round < 4; round++) {
      const secret = { round };
      spoil(secret);
      if (round % 2 === 1) assertEquals(grow(secret), 2 + 20_000 + 2);
      const views = [m.view, small.view, m.buffer];
      assertEquals(views[0][5], "p".charCodeAt(0));
      assertThrows(() => init(), Trap);
      assertThrows(() => elem(), Trap);
      assert(JSON.stringify(look(instance), bigints) !== JSON.stringify(fresh, bigints));
      instance.reset();
      assertEquals(views.map((view) => view.byteLength), [0, 0, 0]);
      assertEquals(look(instance), fresh);
      assertEquals(used(), [3 * 65536, 20_006]);
      init();
      elem();
      assertEquals(m.readString(5, 7), "passive");
      assertStrictEquals(instance.exports.m, m);
      assertStrictEquals(f.get(3), one, "functions keep their identity");
    }
    assertEquals(started, [100, 100, 100, 100, 100]);
  });
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

Deno.test("beyond the size that is left after reset() accesses trap, and growing gives zeroes", () => {
  for (const bounds of ["guard", "explicit"] as const) {
    using sandbox = new Sandbox({ bounds });
    const instance = new Instance(sandbox.store, sandbox.module(SOURCE), { env: { started: () => {} } });
    const { m, grow, load } = instance.exports;
    grow(null);
    m.view.fill(9);
    assertEquals(load(5 * 65536 - 1), 9);
    instance.reset();
    assertThrows(() => load(2 * 65536), Trap, "memory");
    assertThrows(() => load(5 * 65536 - 1), Trap, "memory");
    grow(null);
    assertEquals([load(2 * 65536), load(5 * 65536 - 1), sum(m.view.subarray(2 * 65536))], [0, 0, 0]);
  }
});

Deno.test("reset() after the module was disposed of", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(SOURCE);
  const instance = new Instance(sandbox.store, module, { env: { started: () => {} } });
  const fresh = look(instance);
  module[Symbol.dispose]();
  for (const isGrown of [false, true]) {
    instance.exports.spoil(1);
    if (isGrown) instance.exports.grow(null);
    instance.reset();
    assertEquals(look(instance), fresh);
  }
});

Deno.test("a memory of small pages and one of 64-bit addresses are reset", () => {
  using bytes = new Sandbox({ features: ["custom-page-sizes"] });
  using wide = new Sandbox();
  for (const [sandbox, type] of [[bytes, "10 (pagesize 1)"], [wide, "i64 1 300000"]] as const) {
    const zero = type.includes("i64") ? "(i64.const 2)" : "(i32.const 2)";
    const instance = sandbox.instance(`(module (memory (export "m") ${type}) (data ${zero} "abc"))`);
    const { m } = instance.exports;
    const { byteLength } = m;
    for (const delta of [0, 3]) {
      m.grow(delta);
      m.view.fill(7);
      instance.reset();
      assertEquals(m.byteLength, byteLength);
      assertEquals(m.read(0, 10), Uint8Array.of(0, 0, 97, 98, 99, 0, 0, 0, 0, 0));
    }
  }
});

Deno.test("what is imported stays, but for active segments", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const memory = new Memory(store, { minimum: 1 });
  const table = new Table(store, { element: "funcref", minimum: 4 });
  const instance = new Instance(
    store,
    sandbox.module(`(module (import "e" "m" (memory 1)) (import "e" "t" (table 4 funcref))
    (data (i32.const 1) "xy") (elem (i32.const 2) $f) (func $f))`),
    { e: { m: memory, t: table } },
  );
  memory.write(0, Uint8Array.of(9, 9, 9, 9));
  const other = new Func(store, { parameters: [], results: [] }, () => {}).callable;
  table.set(0, other);
  table.set(2, null);
  instance.reset();
  assertEquals(memory.read(0, 4), Uint8Array.of(9, 120, 121, 9));
  assertStrictEquals(table.get(0), other);
  assertEquals(typeof table.get(2), "function");
});

Deno.test("other instances see a reset memory where it is now", () => {
  using sandbox = new Sandbox();
  const owner = sandbox.instance(`(module (memory (export "m") 1 9) (data (i32.const 0) "a"))`);
  const user = new Instance(
    sandbox.store,
    sandbox.module(`(module (import "e" "m" (memory 1))
    (func (export "swap") (param i32) (result i32) (i32.load8_u (i32.const 0)) (i32.store8 (i32.const 0) (local.get 0))))`),
    {
      e: { m: owner.exports.m },
    },
  );
  assertEquals(user.exports.swap(1), 97);
  owner.reset();
  assertEquals(user.exports.swap(2), 97);
  owner.exports.m.grow(1);
  assertThrows(() => owner.reset(), TypeError, "imported by another");
  assertEquals([owner.exports.m.sizePages, user.exports.swap(3)], [2, 2]);
});

Deno.test("reset() is refused while calls are active or parked, for shared memories and closed stores, and changes nothing then", async () => {
  using engine = new Engine({ interruption: true });
  const store = new Store(engine);
  const module = Module.fromText(
    engine,
    `(module (import "e" "f" (func $f)) (memory (export "m") 1)
    (func (export "call") (i32.store8 (i32.const 0) (i32.const 1)) (call $f)))`,
  );
  let inside = (): unknown => instance.reset();
  const instance: Instance = new Instance(store, module, { e: { f: () => inside() } });
  assertThrows(() => instance.exports.call(), TypeError, "active");
  assertEquals(instance.exports.m.view[0], 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  inside = () => promise;
  const parked = instance.func("call")!.callAsync();
  await new Promise((done) => setTimeout(done, 20));
  assertThrows(() => instance.reset(), TypeError, "parked");
  resolve();
  await parked;
  instance.reset();
  assertEquals(instance.exports.m.view[0], 0);
  const shared = new Instance(store, Module.fromText(engine, `(module (memory 1 2 shared))`));
  assertThrows(() => shared.reset(), TypeError, "shared");
  store.close();
  assertThrows(() => instance.reset(), TypeError, "disposed");
});

Deno.test("reset() is refused while a continuation is suspended", () => {
  using sandbox = new Sandbox({ features: [...featureNames(DEFAULT_FEATURES), "stack-switching"] });
  const instance = sandbox.instance(`(module (type $f (func)) (type $c (cont $f)) (tag $t)
    (global $g (mut (ref null $c)) (ref.null $c))
    (func $run (suspend $t)) (elem declare func $run)
    (func (export "park") (block $h (result (ref $c)) (resume $c (on $t $h) (cont.new $c (ref.func $run))) (return)) (global.set $g))
    (func (export "end") (resume $c (global.get $g))))`);
  instance.exports.park();
  assertThrows(() => instance.reset(), TypeError, "continuations");
  instance.exports.end();
  instance.reset();
  instance.exports.park();
});

Deno.test("a start function that traps traps again, and the instance can be reset once more", () => {
  using sandbox = new Sandbox();
  let isBad = false;
  const instance = sandbox.instance(
    `(module (import "e" "f" (func $f (result i32))) (global (export "g") (mut i32) (i32.const 1))
      (func $s (if (call $f) (then unreachable))) (start $s))`,
    { e: { f: () => Number(isBad) } },
  );
  isBad = true;
  assertThrows(() => instance.reset(), Trap, "unreachable");
  isBad = false;
  instance.exports.g.value = 5;
  instance.reset();
  assertEquals(instance.exports.g.value, 1);
});
