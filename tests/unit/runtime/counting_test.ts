/** The counting collector: counts exactly, whoever writes; cycles; the log; what is used again. Every collection is verified, counts included. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type ArrayRef, type StructRef, Trap } from "../../../lib/engine/mod.ts";
import { GC_LOG_START, VMStoreContext } from "../../../lib/abi/mod.ts";
import { CountingCollector, CountTable } from "../../../lib/runtime/mod.ts";
import { ALL_FEATURES, featureNames } from "../../../lib/wasm/mod.ts";
import { Random } from "../../fuzz/generators/random.ts";
import { HeapSandbox } from "./gc_store.ts";

const SOURCE = `(module
  (rec (type $node (struct (field $id (mut i32)) (field $any (mut anyref)) (field $next (mut (ref null $node)))))
    (type $list (array (mut anyref))))
  (global $kept (mut (ref null $list)) (ref.null $list))
  (func (export "make") (param i32) (result (ref $list))
    (global.set $kept (array.new_default $list (local.get 0))) (ref.as_non_null (global.get $kept)))
  (func $node (export "node") (param i32) (result (ref $node))
    (struct.new $node (local.get 0) (ref.null any) (ref.null $node)))
  (func (export "put") (param i32) (param anyref) (array.set $list (global.get $kept) (local.get 0) (local.get 1)))
  (func (export "fill") (param i32 i32) (param anyref)
    (array.fill $list (global.get $kept) (local.get 0) (local.get 2) (local.get 1)))
  (func (export "copy") (param i32 i32 i32)
    (array.copy $list $list (global.get $kept) (local.get 0) (global.get $kept) (local.get 1) (local.get 2)))
  (func (export "link") (param (ref $node)) (param anyref) (struct.set $node $any (local.get 0) (local.get 1)))
  (func (export "unlink") (param (ref $node)) (struct.set $node $any (local.get 0) (ref.null any)))
  (func (export "clear") (param i32) (array.set $list (global.get $kept) (local.get 0) (ref.null any)))
  (func (export "number") (param (ref $node)) (struct.set $node $any (local.get 0) (ref.i31 (i32.const 5))))
  (func (export "litter") (param i32)
    (loop $next
      (drop (call $node (i32.const -1)))
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "turn") (param $times i32) (param $a anyref) (param $b anyref)
    (loop $next
      (array.set $list (global.get $kept) (i32.const 0) (local.get $a))
      (array.set $list (global.get $kept) (i32.const 0) (local.get $b))
      (br_if $next (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
  (func (export "chain") (param $length i32) (local $n (ref null $node))
    (loop $next
      (local.set $n (struct.new $node (local.get $length) (ref.null any) (local.get $n)))
      (br_if $next (local.tee $length (i32.sub (local.get $length) (i32.const 1)))))
    (array.set $list (global.get $kept) (i32.const 0) (local.get $n)))
  (func (export "rings") (param $count i32) (local $a (ref null $node)) (local $b (ref null $node))
    (loop $again
      (local.set $a (call $node (local.get $count)))
      (local.set $b (call $node (local.get $count)))
      (struct.set $node $next (local.get $a) (local.get $b))
      (struct.set $node $next (local.get $b) (local.get $a))
      ;; Known to an old object for a time: promoted.
      (array.set $list (global.get $kept) (i32.and (local.get $count) (i32.const 255)) (local.get $a))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
  (func (export "youngRings") (param $count i32) (local $a (ref null $node)) (local $b (ref null $node))
    (loop $again
      (local.set $a (call $node (local.get $count)))
      (local.set $b (call $node (local.get $count)))
      (struct.set $node $next (local.get $a) (local.get $b))
      (struct.set $node $next (local.get $b) (local.get $a))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))))`;

class Counting implements Disposable {
  readonly sandbox: HeapSandbox;
  readonly exports: Record<string, (...args: unknown[]) => unknown>;
  readonly collector: CountingCollector;

  constructor(gcHeapBytes = 1 << 20) {
    this.sandbox = new HeapSandbox({ collector: "refcounting", checks: "on" }, { gcHeapBytes });
    this.exports = this.sandbox.instance(SOURCE).exports as never;
    this.collector = this.sandbox.gc.collector as CountingCollector;
  }

  /** A collection that only counts. */
  count(): void {
    const { collections, tracingCollections } = this.collector;
    while (this.collector.collections === collections) this.exports.litter(500);
    assertEquals(this.collector.tracingCollections, tracingCollections);
  }

  /** What the collector has counted; the reference's own handle is 1 of it. */
  of(reference: StructRef): number | undefined {
    const { handles } = this.sandbox.gc;
    let found: number | undefined;
    handles.forEach((handle, place) => {
      if (handles.wrapperOf(handle) === reference) found = this.collector.audit.countOf!(place);
    });
    return found;
  }

  [Symbol.dispose](): void {
    assertEquals(this.sandbox.findings, []);
    this.sandbox[Symbol.dispose]();
  }
}

Deno.test("counts follow what code, the runtime and JavaScript store: fields, elements, ranges, nulls, scalars", () => {
  using heap = new Counting();
  const { exports } = heap;
  const list = exports.make(600) as ArrayRef;
  const node = exports.node(1) as StructRef;
  const other = exports.node(2) as StructRef;
  const elements: boolean[] = new Array(600).fill(false);
  let fields = 0;
  const check = (what: string) => {
    heap.count();
    assertEquals(heap.of(node), 1 + fields + elements.filter((isNode) => isNode).length, what);
  };
  check("the handle alone");
  exports.put(0, node);
  elements[0] = true;
  check("array.set");
  exports.put(0, node);
  check("array.set of what is there");
  exports.link(other, node);
  fields = 1;
  check("struct.set");
  exports.number(other);
  fields = 0;
  check("struct.set of a scalar");
  exports.link(other, node);
  exports.link(other, null);
  check("struct.set of null");
  exports.link(other, node);
  exports.unlink(other);
  check("struct.set of a constant null");
  exports.clear(0);
  elements[0] = false;
  check("array.set of a constant null");
  exports.fill(10, 300, node);
  elements.fill(true, 10, 310);
  check("array.fill: beyond what a header holds");
  exports.copy(100, 5, 300);
  elements.splice(100, 300, ...elements.slice(5, 305));
  check("array.copy onto itself, forward");
  exports.copy(0, 50, 100);
  elements.splice(0, 100, ...elements.slice(50, 150));
  check("array.copy onto itself, backward");
  exports.fill(0, 600, null);
  elements.fill(false);
  check("array.fill of null");
  list.set(7, node);
  list.fill(node, 20, 30);
  elements.fill(true, 20, 30)[7] = true;
  check("from JavaScript");
  list.set(7, null);
  list.fill(5, 20, 30);
  elements.fill(false);
  check("null and scalars from JavaScript");
  other.set("any", node);
  fields = 1;
  check("StructRef.set");
  other.set("any", null);
  fields = 0;
  check("StructRef.set of null");
});

Deno.test("what nobody refers to any more is freed by counting alone, and what it referred to", () => {
  using heap = new Counting();
  const { exports, collector } = heap;
  exports.make(300);
  heap.count();
  exports.chain(20_000);
  heap.count();
  heap.count();
  assert(collector.usedBytes >= 20_000 * 24, "the chain is alive");
  exports.put(0, null);
  heap.count();
  assert(collector.usedBytes < 10_000 * 24, "the chain is freed at once, whatever its length");
  assertEquals(collector.tracingCollections, 0);
});

Deno.test("a handle is counted until it is given up", () => {
  using heap = new Counting();
  const { exports, collector, sandbox } = heap;
  exports.make(10);
  const node = exports.node(77) as StructRef;
  heap.count();
  const holder = exports.node(1) as StructRef;
  exports.link(holder, node);
  heap.count();
  node.dispose();
  assertEquals((holder.get("any") as StructRef).get("id"), 77); // another handle, given up at once by nobody
  exports.link(holder, null);
  heap.count();
  const handles = sandbox.gc.handles.count;
  holder.dispose();
  assertEquals(sandbox.gc.handles.count, handles - 1);
  heap.count();
  sandbox.verify();
  assertEquals(collector.tracingCollections, 0);
});

Deno.test("the log of stores is emptied when it is full, without a collection, and nothing is lost", () => {
  using heap = new Counting(64 << 20);
  const { exports, collector } = heap;
  exports.make(10);
  const a = exports.node(1) as StructRef;
  const b = exports.node(2) as StructRef;
  heap.sandbox.gc.collect();
  const { collections } = collector;
  exports.turn(200_000, a, b);
  assertEquals(collector.collections, collections);
  assert(collector.logsFilled >= 10, `${collector.logsFilled}`);
  heap.count();
  assertEquals([heap.of(a), heap.of(b)], [1, 2]);
});

Deno.test("cycles that died young cost nothing; those that were counted are found by tracing, so no program runs out of memory by them", () => {
  using heap = new Counting(1 << 20);
  heap.sandbox.gc.onCollecting = heap.sandbox.gc.onCollected = undefined;
  const { exports, collector } = heap;
  exports.make(256);
  exports.youngRings(200_000);
  assertEquals(collector.tracingCollections, 0);
  exports.rings(200_000); // 9.6 MB of rings in a heap of 1 MiB
  assert(collector.tracingCollections > 0);
  exports.fill(0, 256, null);
  heap.sandbox.gc.collect();
  assert(collector.usedBytes < 4096, `${collector.usedBytes} bytes are left`);
  heap.sandbox.verify();
});

Deno.test("gaps between objects that live on are used again, and what is alive beyond the limit traps", () => {
  using heap = new Counting(1 << 20);
  heap.sandbox.gc.onCollecting = heap.sandbox.gc.onCollected = undefined;
  const { exports, collector } = heap;
  const length = 20_000; // with the list of them, half of the heap
  const list = exports.make(length) as ArrayRef;
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < length; i++) if (i % 8 !== round % 8) list.set(i, null);
    using node = exports.node(round) as StructRef;
    exports.put(round, node);
    exports.litter(30_000);
    heap.sandbox.verify();
    for (let i = 0; i < length; i += 3) {
      using made = exports.node(i) as StructRef;
      exports.put(i, made);
    }
  }
  for (let i = 0; i < length; i += 3) {
    using found = list.get(i) as StructRef;
    assertEquals(found.get("id"), i);
  }
  assert(collector.memory.spaces[0].committedBytes <= 2 << 20);
  assertThrows(() => exports.chain(100_000), Trap, "heap exhausted");
  exports.fill(0, length, null);
  exports.chain(10_000);
  heap.sandbox.gc.collect();
});

Deno.test("CountTable counts as a Map does", () => {
  const table = new CountTable();
  const model = new Map<number, number>();
  const random = new Random(5);
  for (let step = 0; step < 100_000; step++) {
    const key = random.below(step % 20_000 < 10_000 ? 3000 : 100) * 6;
    if (random.oneIn(3)) {
      table.delete(key);
      model.delete(key);
    } else {
      const delta = 1 + random.below(9);
      model.set(key, (model.get(key) ?? 0) + delta);
      assertEquals(table.add(key, delta), model.get(key));
    }
    assertEquals(table.size, model.size);
  }
  for (let key = 0; key < 20_000; key++) assertEquals(table.get(key), model.get(key) ?? 0);
});

Deno.test("what full logs promote is used once", () => {
  using heap = new Counting(16 << 20);
  const { exports, collector, sandbox } = heap;
  using _ = exports.make(2000) as ArrayRef;
  sandbox.store.gc();
  const used = () => sandbox.store.usage().gcHeapBytes.current;
  const before = used();
  const { collections } = collector;
  // Each node is stored into the old list; then the log is filled with nothing new.
  exports.chain(50_000);
  exports.turn(40_000, null, null);
  const nodeBytes = 24;
  assert(collector.logsFilled > 0);
  assertEquals([collector.collections, used() - before], [collections, 50_000 * nodeBytes]);
  sandbox.store.gc();
  assertEquals(used(), before);
});

Deno.test("a continuation that a full log has promoted is asked for its roots by the collection that follows, bound to more values or not", () => {
  using heap = new HeapSandbox({ collector: "refcounting", checks: "on", features: featureNames(ALL_FEATURES) });
  const instance = heap.instance(`(module
    (type $box (struct (field $value i32)))
    (type $f2 (func (param (ref $box) (ref $box)) (result i32))) (type $k2 (cont $f2))
    (type $f1 (func (param (ref $box)) (result i32))) (type $k1 (cont $f1))
    (type $f0 (func (result i32))) (type $k0 (cont $f0))
    (type $holder (struct (field $k (mut (ref null $k1))) (field $any (mut anyref))))
    (global $old (ref $holder) (struct.new_default $holder))
    (global $bound (mut (ref null $k0)) (ref.null $k0))
    (func $body (type $f2)
      (i32.add (struct.get $box $value (local.get 0)) (struct.get $box $value (local.get 1))))
    (elem declare func $body)
    (func (export "store") (struct.set $holder $k (global.get $old)
      (cont.bind $k2 $k1 (struct.new $box (i32.const 30)) (cont.new $k2 (ref.func $body)))))
    (func (export "fillLog") (param $stores i32)
      (loop $again
        (struct.set $holder $any (global.get $old) (ref.i31 (local.get $stores)))
        (br_if $again (local.tee $stores (i32.sub (local.get $stores) (i32.const 1))))))
    (func (export "bind") (global.set $bound
      (cont.bind $k1 $k0 (struct.new $box (i32.const 12)) (struct.get $holder $k (global.get $old)))))
    (func (export "litter") (param $objects i32)
      (loop $again
        (drop (struct.new $box (i32.const 777)))
        (br_if $again (local.tee $objects (i32.sub (local.get $objects) (i32.const 1))))))
    (func (export "run") (result i32) (resume $k0 (global.get $bound))))`);
  const { store, fillLog, bind, litter, run } = instance.exports as unknown as Record<string, (x?: number) => number>;
  const collector = heap.gc.collector as CountingCollector;
  heap.store.gc();
  store();
  const { collections } = collector;
  fillLog(40_000);
  assertEquals([collector.logsFilled > 0, collector.collections], [true, collections]);
  bind();
  while (collector.collections < collections + 3) litter(100_000);
  assertEquals([run(), heap.findings], [42, []]);
});

Deno.test("a reference in the log that is none ends the store, before another entry has no room", () => {
  using sandbox = new HeapSandbox({ collector: "refcounting" });
  const { exports } = sandbox.instance(SOURCE);
  const { make, turn, node } = exports as unknown as Record<string, (...args: unknown[]) => unknown>;
  using _ = make(10) as ArrayRef;
  const victim = node(1) as StructRef;
  sandbox.store.gc();
  const { gc } = sandbox;
  let place = 0;
  gc.handles.forEach((handle, reference) => {
    if (gc.handles.wrapperOf(handle) === victim) place = reference;
  });
  const { collector } = gc;
  collector.writeBarrier(place, place, 0, 0x7fff_fff8);
  const error = assertThrows(() => turn(40_000, null, null), Error, "not one of an object");
  assert(!(error instanceof Trap));
  assertThrows(() => turn(1, null, null), Error, "a collection failed");
  const { gcLogNext } = VMStoreContext.offsets;
  assertEquals(sandbox.state.storeContext.getI32(gcLogNext), GC_LOG_START);
});
