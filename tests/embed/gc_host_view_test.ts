/** The embedder's view of objects: made, read, written, cast and given up from JavaScript; rows of SEEDS section 001. */

import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  AnyRef,
  ArrayRef,
  ArrayType,
  Engine,
  type EngineConfig,
  ExnRef,
  I31Ref,
  Instance,
  Module,
  RefError,
  RootScope,
  Store,
  StructRef,
  StructType,
  Tag,
  Trap,
} from "../../mod.ts";
import { storeOf } from "../../lib/engine/store.ts";
import { verifyHeap } from "../../lib/runtime/mod.ts";
import { wat } from "../wat.ts";

const SOURCE = `(module
  (rec (type $node (sub (struct (field $value (mut i32)) (field $next (mut (ref null $node))))))
       (type $leaf (sub final $node (struct (field $value (mut i32)) (field $next (mut (ref null $node))) (field $name (mut externref))))))
  (type $all (struct
    (field $i8 (mut i8)) (field $i16 (mut i16)) (field $i32 (mut i32)) (field $i64 (mut i64)) (field $f32 (mut f32))
    (field $f64 (mut f64)) (field $v128 (mut v128)) (field $any (mut anyref)) (field $extern (mut externref))
    (field $func (mut funcref)) (field $fixed i32) (field $exn (mut exnref))))
  (type $bytes (array (mut i8)))
  (type $longs (array (mut i64)))
  (type $fixed (array i16))
  (type $list (array (mut (ref null $node))))
  (type $strict (array (mut (ref $node))))
  (type $described (struct (field (ref $node))))
  (tag $failed (export "failed") (param i32 (ref null $node)))
  (func $seven (export "seven") (result i32) (i32.const 7))
  (func (export "node") (param i32) (result (ref $node)) (struct.new $node (local.get 0) (ref.null $node)))
  (func (export "leaf") (param i32 externref) (result (ref $node)) (struct.new $leaf (local.get 0) (ref.null $node) (local.get 1)))
  (func (export "value") (param (ref $node)) (result i32) (struct.get $node $value (local.get 0)))
  (func (export "next") (param (ref $node)) (result (ref null $node)) (struct.get $node $next (local.get 0)))
  (func (export "same") (param eqref eqref) (result i32) (ref.eq (local.get 0) (local.get 1)))
  (func (export "isLeaf") (param anyref) (result i32) (ref.test (ref $leaf) (local.get 0)))
  (func (export "i8s") (param (ref $all)) (result i32) (struct.get_s $all $i8 (local.get 0)))
  (func (export "i16s") (param (ref $all)) (result i32) (struct.get_s $all $i16 (local.get 0)))
  (func (export "callFunc") (param (ref $all)) (result i32)
    (call_ref $seven_type (ref.cast (ref $seven_type) (struct.get $all $func (local.get 0)))))
  (type $seven_type (func (result i32)))
  (func (export "sum") (param (ref $bytes)) (result i32) (local $i i32) (local $sum i32)
    (loop $next
      (if (i32.lt_u (local.get $i) (array.len (local.get 0)))
        (then
          (local.set $sum (i32.add (local.get $sum) (array.get_u $bytes (local.get 0) (local.get $i))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next))))
    (local.get $sum))
  (func (export "thrown") (param i32) (result exnref)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (throw $failed (local.get 0) (ref.null $node)))
      unreachable)))`;

const BYTES = wat(SOURCE);
const CONFIGURATIONS: EngineConfig[] = [{}, { stress: { gc: true } }];

interface World extends Disposable {
  readonly engine: Engine;
  readonly store: Store;
  readonly module: Module;
  // deno-lint-ignore no-explicit-any -- exports of a test module
  readonly exports: any;
}

function open(config: EngineConfig): World {
  const engine = new Engine({ checks: "on", ...config });
  const store = new Store(engine);
  const module = new Module(engine, BYTES);
  const { exports } = new Instance(store, module);
  const findings: string[] = [];
  const state = storeOf(store);
  state.gc.onCollected = () => findings.push(...verifyHeap(state.gc, state));
  return {
    engine,
    store,
    module,
    exports,
    [Symbol.dispose]() {
      store.gc();
      assertEquals(findings, []);
      store.close();
      engine[Symbol.dispose]();
    },
  };
}

function inEach(name: string, test: (world: World) => void): void {
  Deno.test(name, () => {
    for (const config of CONFIGURATIONS) {
      using world = open(config);
      test(world);
    }
  });
}

inEach("StructRef.create() makes what the guest reads, by name and in order", ({ store, module, exports }) => {
  const node = module.structType("node");
  using first = StructRef.create(store, node, { value: 5 });
  using second = StructRef.create(store, node, [6, first]);
  assertEquals(exports.value(second), 6);
  assertStrictEquals(exports.next(second), first);
  assertStrictEquals(second.get("next"), first);
  assertEquals(first.get("next"), null);
  second.set("value", -1);
  assertEquals(exports.value(second), -1);
  assertEquals(second.values(), [-1, first]);
  assertEquals(second.length, 2);
});

inEach("001/1.12 packed fields are zero-extended when JavaScript reads them", ({ store, module, exports }) => {
  using all = StructRef.create(store, module.structType("all"), { i8: -1, i16: -2 });
  assertEquals([all.get("i8"), all.get("i16")], [255, 65534]);
  assertEquals([exports.i8s(all), exports.i16s(all)], [-1, -2]);
});

inEach("001/1.15 packed fields are cut off when JavaScript writes them", ({ store, module }) => {
  using all = StructRef.create(store, module.structType("all"));
  all.set("i8", 0x1ff);
  all.set("i16", 0x1_8001);
  assertEquals(all.values().slice(0, 3), [0xff, 0x8001, 0]);
});

inEach("001/1.13 001/1.16 scalars and vectors come back as they were written", ({ store, module }) => {
  using all = StructRef.create(store, module.structType("all"));
  const vector = Uint8Array.from({ length: 16 }, (_, i) => 16 * i + 1);
  const values: Record<string, unknown> = {
    i32: -(2 ** 31),
    i64: -(2n ** 63n),
    f32: Math.fround(0.1),
    f64: -0,
    v128: vector,
  };
  for (const [name, value] of Object.entries(values)) all.set(name, value);
  for (const [name, value] of Object.entries(values)) assertEquals(all.get(name), value, name);
  assert(Object.is(all.get("f64"), -0));
  all.set("f64", NaN);
  assert(Number.isNaN(all.get("f64")));
});

inEach("001/1.14 references are read as the one object that stands for them", ({ store, module }) => {
  const key = {};
  using node = StructRef.create(store, module.structType("node"));
  using all = StructRef.create(store, module.structType("all"), { any: node, extern: key });
  store.gc();
  assertStrictEquals(all.get("any"), node);
  assertStrictEquals(all.get("extern"), key);
  all.set("any", new I31Ref(-7));
  assertEquals(all.get("any"), new I31Ref(-7));
  all.set("extern", node);
  assertStrictEquals(all.get("extern"), node);
});

inEach("001/1.17 writing null clears a field", ({ store, module, exports }) => {
  using node = StructRef.create(store, module.structType("node"));
  using all = StructRef.create(store, module.structType("all"), { any: node, extern: 1, func: exports.seven });
  for (const name of ["any", "extern", "func", "exn"]) all.set(name, null);
  store.gc();
  assertEquals(["any", "extern", "func", "exn"].map((name) => all.get(name)), [null, null, null, null]);
});

inEach("001/1.T1 001/1.T2 001/1.T3 function fields hold functions", ({ store, module, exports }) => {
  using all = StructRef.create(store, module.structType("all"), { func: exports.seven });
  store.gc();
  assertStrictEquals(all.get("func"), exports.seven);
  assertEquals(exports.callFunc(all), 7);
  all.set("func", exports.value);
  assertStrictEquals(all.get("func"), exports.value);
  assertThrows(() => exports.callFunc(all), Trap);
});

inEach("001/1.18 a released reference is an error wherever it is used", ({ store, module, exports }) => {
  const type = module.structType("node");
  const node = StructRef.create(store, type);
  using other = StructRef.create(store, type);
  node.dispose();
  node.dispose();
  assert(node.isDisposed);
  const uses = [
    () => node.get(0),
    () => node.set(0, 1),
    () => node.type,
    () => node.matches("any"),
    () => node.toObject(),
    () => node.values(),
    () => other.set("next", node),
    () => StructRef.create(store, type, { next: node }),
    () => exports.value(node),
  ];
  for (const use of uses) assertEquals(assertThrows(use, RefError).code, "released");
});

inEach("references of another store are refused", ({ engine, store, module, exports }) => {
  const type = module.structType("node");
  using elsewhere = new Store(engine);
  const foreign = StructRef.create(elsewhere, type);
  using here = StructRef.create(store, type);
  for (const use of [() => here.set("next", foreign), () => exports.value(foreign)]) {
    assertEquals(assertThrows(use, RefError).code, "foreign");
  }
  using another = new Engine();
  const alien = new StructType(another, []);
  assertThrows(() => StructRef.create(store, alien), TypeError, "another engine");
  assertThrows(() => here.matches(alien), TypeError, "another engine");
});

inEach("001/1.25 values of other types are refused, and change nothing", ({ store, module }) => {
  using all = StructRef.create(store, module.structType("all"));
  using node = StructRef.create(store, module.structType("node"));
  using bytes = ArrayRef.filled(store, module.arrayType("bytes"), 3);
  assertEquals(assertThrows(() => node.set("next", all), RefError).code, "wrong_type");
  assertEquals(assertThrows(() => node.set("next", bytes), RefError).code, "wrong_type");
  assertThrows(() => node.set("next", {}), TypeError);
  assertThrows(() => node.set("next", 5), TypeError);
  assertThrows(() => all.set("i64", 1), TypeError);
  assertThrows(() => all.set("v128", [1]), TypeError);
  assertThrows(() => all.set("func", () => 1), TypeError);
  assertThrows(() => all.set("fixed", 1), TypeError, "immutable");
  assertThrows(() => StructRef.create(store, module.structType("described")), TypeError);
  assertThrows(() => ArrayRef.filled(store, module.arrayType("strict"), 1), TypeError);
  assertEquals(node.get("next"), null);
  assertEquals(all.get("i64"), 0n);
});

inEach("001/1.23 nothing beyond an object can be reached", ({ store, module }) => {
  using node = StructRef.create(store, module.structType("node"));
  using bytes = ArrayRef.filled(store, module.arrayType("bytes"), 3);
  for (const field of [-1, 2, 1.5, NaN, 2 ** 32]) {
    assertThrows(() => node.get(field), RangeError);
    assertThrows(() => node.set(field, 1), RangeError);
  }
  for (const index of [-1, 3, 0.5, NaN, 2 ** 32]) {
    assertThrows(() => bytes.get(index), RangeError);
    assertThrows(() => bytes.set(index, 1), RangeError);
    assertThrows(() => bytes.copyTo(new Uint8Array(1), index), RangeError);
    assertThrows(() => bytes.copyFrom(new Uint8Array(1), index), RangeError);
  }
  assertThrows(() => bytes.copyTo(new Uint8Array(4)), RangeError);
  assertThrows(() => bytes.copyFrom(new Uint8Array(2), 2), RangeError);
  assertThrows(() => bytes.fill(1, 2, 1), RangeError);
  assertThrows(() => bytes.fill(1, 0, 4), RangeError);
  assertThrows(() => node.get("nothing"), RefError, "nothing");
});

inEach("001/1.3 001/1.4 001/1.6 casts follow the types of the guest", ({ store, module, exports }) => {
  const [node, leaf] = [module.structType("node"), module.structType("leaf")];
  using plain = StructRef.create(store, node);
  using exact = StructRef.create(store, leaf, { name: "x" });
  using bytes = ArrayRef.filled(store, module.arrayType("bytes"), 1);
  assertEquals([plain.matches(node), plain.matches(leaf), exact.matches(node), exact.matches(leaf)], [
    true,
    false,
    true,
    true,
  ]);
  assertEquals([exports.isLeaf(plain), exports.isLeaf(exact)], [0, 1]);
  for (const name of ["any", "eq", "struct"] as const) assert(exact.matches(name), name);
  for (const name of ["i31", "array", "func", "extern", "exn", "none"] as const) assert(!exact.matches(name), name);
  assertEquals([bytes.matches("array"), bytes.matches("struct"), bytes.matches(node)], [true, false, false]);
  assertStrictEquals(exact.cast(node), exact);
  assertEquals(assertThrows(() => plain.cast(leaf), RefError).code, "wrong_type");
  assertEquals([AnyRef.matches(new I31Ref(1), "eq"), AnyRef.matches(null, "any"), AnyRef.matches(plain, leaf)], [
    true,
    false,
    false,
  ]);
  assert(exact.type.equals(leaf) && !exact.type.equals(node) && exact.type.matches(node));
  assert(leaf.supertype!.equals(node) && leaf.final && !node.final);
  assertEquals(exact.type.fieldIndex("name"), 2);
});

inEach("001/1.1 one object is one reference, whoever made it", ({ store, module, exports }) => {
  using node = StructRef.create(store, module.structType("node"), { value: 1 });
  using twin = StructRef.create(store, module.structType("node"), { value: 1 });
  store.gc();
  assertNotStrictEquals(node, twin);
  assertEquals([exports.same(node, node), exports.same(node, twin)], [1, 0]);
  using made = exports.node(3);
  using outer = StructRef.create(store, module.structType("node"), { next: made });
  store.gc();
  assertStrictEquals(exports.next(outer), made);
});

inEach("arrays are read, written, iterated, and copied in bulk", ({ store, module, exports }) => {
  const type = module.arrayType("bytes");
  using bytes = ArrayRef.create(store, type, [1, 2, 300, -1]);
  assertEquals([...bytes], [1, 2, 44, 255]);
  assertEquals(exports.sum(bytes), 302);
  bytes.copyFrom(Uint8Array.of(9, 8), 1);
  const out = new Uint8Array(3);
  bytes.copyTo(out, 1);
  assertEquals([...out], [9, 8, 255]);
  bytes.fill(7, 2);
  assertEquals(bytes.toObject(), [1, 9, 7, 7]);
  const large = Uint8Array.from({ length: 3_000_001 }, (_, i) => i * 31);
  using copy = ArrayRef.create(store, type, large);
  const back = new Uint8Array(large.length);
  copy.copyTo(back);
  assert(back.every((byte, i) => byte === large[i]));

  using longs = ArrayRef.create(store, module.arrayType("longs"), BigInt64Array.of(5n, -6n));
  assertEquals([...longs], [5n, -6n]);
  assertThrows(() => longs.copyTo(new Uint8Array(12)), RangeError, "whole number");
  using fixed = ArrayRef.filled(store, module.arrayType("fixed"), 2, 70000);
  assertEquals([...fixed], [4464, 4464]);
  for (const write of [() => fixed.set(0, 1), () => fixed.fill(1), () => fixed.copyFrom(new Uint8Array(2))]) {
    assertThrows(write, TypeError, "immutable");
  }
  using list = ArrayRef.filled(store, module.arrayType("list"), 3);
  assertThrows(() => list.copyTo(new Uint8Array(4)), TypeError);
  assertThrows(() => list.copyFrom(new Uint8Array(4)), TypeError);
  using node = StructRef.create(store, module.structType("node"));
  list.fill(node, 1);
  assertEquals([...list], [null, node, node]);
});

inEach(
  "toObject() keeps cycles and what is shared, and reads names from the name section",
  ({ store, module, exports }) => {
    const node = module.structType("node");
    using first = StructRef.create(store, node, { value: 1 });
    using second = exports.leaf(2, "two") as StructRef;
    first.set("next", second);
    second.set("next", first);
    using list = ArrayRef.create(store, module.arrayType("list"), [first, second, first, null]);
    const [a, b, c, d] = list.toObject() as Record<string, unknown>[];
    assertEquals([a.value, b.value, b.name, d], [1, 2, "two", null]);
    assertStrictEquals(a, c);
    assertStrictEquals(a.next, b);
    assertStrictEquals(b.next, a);
    // A long list is no recursion.
    using scope = new RootScope(store);
    let head = StructRef.create(store, node);
    const length = storeOf(store).heapOptions.collectAlways ? 100 : 20_000;
    for (let i = 0; i < length; i++) head = StructRef.create(store, node, { value: i, next: head });
    let plain: Record<string, unknown> | null = head.toObject();
    let count = 0;
    for (; plain !== null; plain = plain.next as Record<string, unknown> | null) count++;
    assertEquals(count, length + 1);
    assertEquals(scope.size, length + 1);
  },
);

inEach("types made by the embedder are those of modules", ({ engine, store, module }) => {
  const bytes = new ArrayType(engine, { type: "i8", mutable: true });
  assert(bytes.equals(module.arrayType("bytes")));
  const node = module.structType("node");
  const leaf = module.structType("leaf");
  assertEquals(leaf.fields.map(({ name }) => name), ["value", "next", "name"]);
  assert((leaf.fields[1].type as { ref: StructType }).ref.equals(node));
  const pair = new StructType(engine, [{ name: "a", type: { ref: node } }, {
    type: { ref: "eq", nullable: false },
    mutable: true,
  }]);
  using first = StructRef.create(store, node);
  using made = StructRef.create(store, pair, [first, new I31Ref(3)]);
  assertStrictEquals(made.get("a"), first);
  assertThrows(() => made.set(1, null), TypeError);
  assertEquals(made.toObject(), { a: { value: 0, next: null }, 1: 3 });
  const sub = new StructType(engine, [
    { type: { ref: leaf } },
    { type: { ref: "eq", nullable: false }, mutable: true },
    {
      type: "i64",
    },
  ], { supertype: new StructType(engine, pair.fields, { final: false }) });
  assert(sub.matches(sub.supertype!) && !sub.matches(pair) && sub.matches("struct"));
  assertThrows(() => new StructType(engine, [], { supertype: pair }), TypeError, "final");
  assertThrows(() => new StructType(engine, [], { supertype: sub.supertype! }), TypeError, "do not start");
  assertThrows(() => new StructType(engine, [{ type: "i9" as "i8" }]), TypeError);
  assertThrows(() => module.structType("bytes"), TypeError);
  assertThrows(() => module.arrayType(99), TypeError);
});

inEach("exceptions are made and read", ({ store, module, exports }) => {
  const { failed } = exports as { failed: Tag };
  using node = StructRef.create(store, module.structType("node"));
  using made = ExnRef.create(failed, [4, node]);
  store.gc();
  assertStrictEquals(made.tag, failed);
  assertEquals(made.values(), [4, node]);
  using thrown = exports.thrown(9) as ExnRef;
  assert(thrown instanceof ExnRef);
  assertStrictEquals(thrown.tag, failed);
  assertEquals(thrown.values(), [9, null]);
  assertThrows(() => ExnRef.create(failed, [1]), TypeError, "carry 2 values");
  assertEquals([made.matches("exn"), made.matches("any")], [true, false]);
});

inEach("a scope gives up what came in it, but for what is kept", ({ store, module, exports }) => {
  const node = module.structType("node");
  using before = StructRef.create(store, node);
  let kept: StructRef, lost: StructRef, inner: StructRef;
  {
    using scope = new RootScope(store);
    lost = exports.node(1);
    kept = scope.keep(exports.node(2));
    {
      using nested = new RootScope(store);
      inner = nested.keep(StructRef.create(store, node, { next: before }));
      assertEquals([scope.size, nested.size], [1 + 1, 0]);
    }
    assertEquals(inner.get("next"), before);
  }
  assertEquals([before, kept, lost, inner].map((ref) => ref.isDisposed), [false, false, true, true]);
  kept.dispose();
});

inEach("what user code does while values are coerced is seen", ({ store, module }) => {
  const all = module.structType("all");
  using node = StructRef.create(store, module.structType("node"));
  const target = StructRef.create(store, all);
  // The reference is given up by the conversion of the value that is being written to it.
  assertThrows(() => target.set("i32", { valueOf: () => (target.dispose(), 1) }), RefError, "disposed");
  const evil = { valueOf: () => (store.gc(), node.dispose(), 1) };
  assertEquals(assertThrows(() => StructRef.create(store, all, { any: node, fixed: evil }), RefError).code, "released");
  using survivor = StructRef.create(store, all, { i32: { valueOf: () => (store.gc(), 5) }, f64: 1 });
  assertEquals([survivor.get("i32"), survivor.get("f64")], [5, 1]);
});

Deno.test("a heap that is full is a trap, and the store goes on", () => {
  using engine = new Engine();
  using store = new Store(engine, { limits: { gcHeapBytes: 1 << 20 } });
  const bytes = new ArrayType(engine, { type: "i8", mutable: true });
  for (const length of [2 << 20, 0xffff_ffff]) {
    assertEquals(assertThrows(() => ArrayRef.filled(store, bytes, length), Trap).code, "gc_heap_exhausted");
  }
  const node = new StructType(engine, [{ name: "next", type: "anyref" }]);
  using scope = new RootScope(store);
  const fill = () => {
    for (;;) StructRef.create(store, node);
  };
  assertEquals(assertThrows(fill, Trap).code, "gc_heap_exhausted");
  const { current, peak, limit } = store.usage().gcHeapBytes;
  assert(current <= limit && peak === current && limit === 1 << 20);
  assert(scope.size > 1000);
  scope[Symbol.dispose]();
  store.gc();
  assertEquals(store.usage().gcHeapBytes.current, 0);
  using after = ArrayRef.filled(store, bytes, 500_000);
  assertEquals(after.length, 500_000);
  store.gc();
  assert(store.usage().gcHeapBytes.current >= 500_000);
});

Deno.test("a disposed store refuses its references", () => {
  using engine = new Engine();
  const store = new Store(engine);
  const type = new StructType(engine, [{ type: "i32" }]);
  const ref = StructRef.create(store, type);
  store.close();
  assert(ref.isDisposed);
  assertThrows(() => ref.get(0), TypeError, "disposed");
  assertThrows(() => StructRef.create(store, type), TypeError, "disposed");
  assertThrows(() => store.gc(), TypeError, "disposed");
});
