/** Roots (GC-3): whatever keeps an object is found by collections, and followed; and nothing else keeps one. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Trap } from "../../../mod.ts";
import { HeapSandbox } from "./gc_store.ts";

// Each way to keep a struct with a number, and to read the number back.
const KEEPERS = `(module
  (rec (type $box (struct (field (mut i32)) (field (ref null $list))))
    (type $list (struct (field (mut (ref null $box))))))
  (type $boxes (array (mut (ref null $box))))
  (import "host" "collect" (func $collect))
  (tag $tag (param (ref null $box)))
  (global $global (mut (ref null $box)) (ref.null $box))
  (global $constant (export "constant") (ref $box) (struct.new $box (i32.const 77) (ref.null $list)))
  (table $table 10 (ref null $box))
  (table $filled 4 (ref $box) (struct.new $box (i32.const 88) (ref.null $list)))
  (elem $segment (ref $box) (item (struct.new $box (i32.const 1) (ref.null $list)))
    (item (global.get $constant)) (item (struct.new $box (i32.const 3) (ref.null $list))))
  (func $make (param i32) (result (ref $box)) (struct.new $box (local.get 0) (struct.new $list (ref.null $box))))
  (func $read (param (ref null $box)) (result i32) (struct.get $box 0 (local.get 0)))

  (func (export "local") (param i32) (result i32) (local $b (ref null $box))
    (local.set $b (call $make (local.get 0))) (call $collect) (call $read (local.get $b)))
  (func (export "setGlobal") (param i32) (global.set $global (call $make (local.get 0))))
  (func (export "global") (result i32) (call $read (global.get $global)))
  (func (export "setTable") (param i32 i32) (table.set $table (local.get 0) (call $make (local.get 1))))
  (func (export "table") (param i32) (result i32) (call $read (table.get $table (local.get 0))))
  (func (export "growTable") (param i32) (drop (table.grow $table (call $make (local.get 0)) (i32.const 100))))
  (func (export "filled") (param i32) (result i32) (call $read (table.get $filled (local.get 0))))
  (func (export "segment") (param i32) (result i32)
    (call $read (array.get $boxes (array.new_elem $boxes $segment (i32.const 0) (i32.const 3)) (local.get 0))))
  (func (export "array") (param i32) (result i32) (local $a (ref null $boxes)) (local $i i32)
    (local.set $a (array.new_default $boxes (i32.const 50)))
    (loop $next
      (array.set $boxes (local.get $a) (local.get $i) (call $make (i32.add (local.get $i) (local.get 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 50))))
    (call $collect)
    (call $read (array.get $boxes (local.get $a) (i32.const 49))))
  (func $down (export "down") (param $n i32) (result i32) (local $b (ref null $box)) (local $below i32)
    (if (i32.eqz (local.get $n)) (then (call $collect) (return (i32.const 0))))
    (local.set $b (call $make (local.get $n)))
    (local.set $below (call $down (i32.sub (local.get $n) (i32.const 1))))
    (i32.add (local.get $below) (call $read (local.get $b))))
  (func $throw (param i32) (throw $tag (call $make (local.get 0))))
  (func (export "caught") (param i32) (result i32) (local $e exnref)
    (block $out (result (ref null $box) exnref)
      (try_table (catch_ref $tag $out) (call $throw (local.get 0)) unreachable)
      unreachable)
    (local.set $e) drop
    (call $collect)
    (block $again (result (ref null $box))
      (try_table (catch $tag $again) (throw_ref (local.get $e)))
      unreachable)
    (call $collect)
    (call $read))
  (func (export "give") (param i32) (result (ref null $box)) (call $make (local.get 0)))
  (func (export "take") (param (ref null $box)) (result i32) (call $read (local.get 0))))`;

function keepers(): { sandbox: HeapSandbox; exports: Record<string, (...args: unknown[]) => number> } {
  const sandbox = new HeapSandbox();
  const { exports } = sandbox.instance(KEEPERS, { host: { collect: () => sandbox.gc.collect() } });
  return { sandbox, exports: exports as never };
}

Deno.test("locals of parked frames, deep stacks and objects in objects are roots", () => {
  const { sandbox, exports } = keepers();
  using _ = sandbox;
  assertEquals(exports.local(5), 5);
  assertEquals(exports.array(100), 149);
  assertEquals(exports.down(1000), 1000 * 1001 / 2);
  assert(sandbox.collections >= 3);
  assertEquals(sandbox.findings, []);
});

Deno.test("globals, tables, their initial elements and evaluated segments are roots", () => {
  const { sandbox, exports } = keepers();
  using _ = sandbox;
  exports.setGlobal(11);
  exports.setTable(3, 12);
  exports.growTable(13);
  for (let round = 0; round < 3; round++) {
    sandbox.gc.collect();
    assertEquals([exports.global(), exports.table(3), exports.table(10), exports.table(109)], [11, 12, 13, 13]);
    assertEquals([exports.filled(0), exports.filled(3)], [88, 88]);
    assertEquals([exports.segment(0), exports.segment(1), exports.segment(2)], [1, 77, 3]);
  }
  assertThrows(() => exports.table(4), Trap, "null");
  assertEquals(sandbox.findings, []);
});

Deno.test("exceptions keep what they carry, and are kept by references to them", () => {
  const { sandbox, exports } = keepers();
  using _ = sandbox;
  assertEquals(exports.caught(21), 21);
  assertEquals(sandbox.findings, []);
});

Deno.test("what JavaScript holds is a root until it is disposed of", () => {
  const { sandbox, exports } = keepers();
  using _ = sandbox;
  sandbox.gc.collect();
  const before = sandbox.gc.collector.usedBytes;
  const box = exports.give(31) as unknown as Disposable;
  sandbox.gc.collect();
  assert(sandbox.gc.collector.usedBytes > before);
  assertEquals(exports.take(box), 31);
  box[Symbol.dispose]();
  sandbox.gc.collect();
  assertEquals(sandbox.gc.collector.usedBytes, before);
  assertThrows(() => exports.take(box), TypeError, "disposed");
  assertEquals(sandbox.findings, []);
});

Deno.test("globals and tables that JavaScript makes hold host values", () => {
  using sandbox = new HeapSandbox();
  const { gc } = sandbox;
  const { exports } = sandbox.instance(`(module
    (global (export "g") (mut externref) (ref.null extern)) (table (export "t") 3 externref)
    (func (export "same") (result externref) (table.get 0 (i32.const 1))))`);
  const value = { some: "value" };
  exports.g.value = value;
  exports.t.set(1, value);
  exports.t.grow(2, "grown");
  gc.collect();
  assertEquals(gc.handles.count, 2);
  assertEquals([exports.g.value, exports.t.get(1), exports.same(), exports.t.get(4)], [value, value, value, "grown"]);
  exports.g.value = null;
  exports.t.fill(7);
  gc.collect();
  assertEquals(gc.handles.count, 0);
  assertEquals(exports.t.get(3), 7);
  assertEquals(sandbox.findings, []);
});

Deno.test("guests of several activations are frozen, and all their references followed", () => {
  using sandbox = new HeapSandbox();
  let depth = 0;
  const { exports } = sandbox.instance(
    `(module
      (type $box (struct (field i32)))
      (import "host" "nest" (func $nest (param externref) (result i32)))
      (func (export "run") (param i32) (param externref) (result i32) (local $b (ref $box))
        (local.set $b (struct.new $box (local.get 0)))
        (i32.add (call $nest (local.get 1)) (struct.get $box 0 (local.get $b)))))`,
    {
      host: {
        nest: (token: unknown) => {
          assertEquals(token, tokens[depth]);
          sandbox.gc.collect();
          if (++depth === 5) return 0;
          const sum = exports.run(depth, tokens[depth]);
          sandbox.gc.collect();
          return sum;
        },
      },
    },
  );
  const tokens = Array.from({ length: 5 }, (_, i) => ({ i }));
  assertEquals(exports.run(0, tokens[0]), 1 + 2 + 3 + 4);
  sandbox.gc.collect();
  assertEquals(sandbox.gc.handles.count, 0);
  assertEquals(sandbox.findings, []);
});

Deno.test("an instance that failed in the middle keeps what it shares, and nothing is lost or stale", () => {
  using sandbox = new HeapSandbox();
  const { exports: shared } = sandbox.instance(`(module (type $box (struct (field i32)))
    (table (export "t") 4 (ref null $box))
    (func (export "read") (param i32) (result i32) (struct.get $box 0 (table.get 0 (local.get 0)))))`);
  const failing = (last: string) =>
    `(module (type $box (struct (field i32)))
    (import "shared" "t" (table 4 (ref null $box)))
    (memory 1)
    (global (ref $box) (struct.new $box (i32.const 5)))
    (table 3 (ref $box) (struct.new $box (i32.const 6)))
    (elem (table 0) (i32.const 1) (ref $box) (item (struct.new $box (i32.const 7))) (item (global.get 0)))
    (elem (ref $box) (item (struct.new $box (i32.const 8))))
    ${last})`;
  for (
    const last of [
      `(elem (table 0) (i32.const 4) (ref null $box) (item (ref.null $box)))`,
      `(data (i32.const 65536) "x")`,
      `(func $start unreachable) (start $start)`,
    ]
  ) {
    assertThrows(() => sandbox.instance(failing(last), { shared: { t: shared.t } }), Trap);
    sandbox.gc.collect();
    assertEquals([shared.read(1), shared.read(2)], [7, 5]);
  }
  assertEquals(sandbox.findings, []);
});

Deno.test("heaps of closed stores are used again: mappings do not grow", () => {
  const mappings = () => Deno.readTextFileSync("/proc/self/maps").split("\n").length;
  const use = () => {
    using sandbox = new HeapSandbox();
    const { exports } = sandbox.instance(`(module (type $bytes (array (mut i8)))
      (func (export "fill") (result i32) (local $a (ref null $bytes))
        (local.set $a (array.new_default $bytes (i32.const 100000)))
        (if (array.get_u $bytes (local.get $a) (i32.const 99999)) (then unreachable))
        (array.fill $bytes (local.get $a) (i32.const 0) (i32.const 1) (i32.const 100000))
        (array.get_u $bytes (local.get $a) (i32.const 99999))))`);
    assertEquals(exports.fill(), 1);
  };
  for (let i = 0; i < 20; i++) use();
  const before = mappings();
  for (let i = 0; i < 100; i++) use();
  // V8's own come and go; a heap that is not used again would be one more each time.
  assert(mappings() < before + 80, `${before} mappings became ${mappings()}`);
});
