/** References that JavaScript holds to host values, functions and continuations: identity, conversion, casts, release, and what refuses them. */

import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  AnyRef,
  ArrayRef,
  ContRef,
  Engine,
  type EngineConfig,
  ExnRef,
  ExternRef,
  FEATURES,
  Func,
  FuncRef,
  FuncType,
  I31Ref,
  RefError,
  RootScope,
  Store,
  StructRef,
  StructType,
  Table,
  Tag,
  Trap,
} from "../../mod.ts";
import { storeOf } from "../../lib/engine/store.ts";
import { verifyHeap } from "../../lib/runtime/mod.ts";
import { Sandbox } from "./sandbox.ts";

const CONFIGURATIONS: EngineConfig[] = [
  {},
  { stress: { gc: true } },
  { collector: "copying" },
  { collector: "refcounting" },
  { collector: "refcounting", stress: { gc: true } },
];
const ALL = FEATURES.map(([name]) => name);

/** Runs a test in each configuration, the heap verified after each collection. */
function inEach(name: string, test: (sandbox: Sandbox) => void): void {
  Deno.test(name, () => {
    for (const config of CONFIGURATIONS) {
      using sandbox = new Sandbox({ features: ALL, ...config });
      const state = storeOf(sandbox.store);
      const findings: string[] = [];
      state.gc.onCollected = () => findings.push(...verifyHeap(state.gc, state));
      test(sandbox);
      sandbox.store.gc();
      assertEquals(findings, []);
    }
  });
}

function codeOf(use: () => unknown): string {
  return assertThrows(use, RefError).code;
}

const EXTERNS = `(module
  (type $box (struct (field $value (mut externref))))
  (global $held (mut externref) (ref.null extern))
  (func (export "same") (param externref) (result externref) (local.get 0))
  (func (export "hold") (param externref) (global.set $held (local.get 0)))
  (func (export "internal") (param externref) (result anyref) (any.convert_extern (local.get 0)))
  (func (export "external") (param anyref) (result externref) (extern.convert_any (local.get 0)))
  (func (export "isHeld") (param externref) (result i32)
    (ref.eq (ref.cast eqref (any.convert_extern (global.get $held))) (ref.cast eqref (any.convert_extern (local.get 0)))))
  (func (export "isNull") (param externref) (result i32) (ref.is_null (local.get 0))))`;

inEach("ExternRef.of() gives one reference for a value, and the value crosses", (sandbox) => {
  const { store } = sandbox;
  const { same, internal, isNull } = sandbox.instance(EXTERNS).exports;
  const values = [{ a: 1 }, "text", 1.5, -0, 2 ** 31, undefined, Symbol("s"), () => 1, 12n, true, NaN];
  for (const value of values) {
    const held = ExternRef.of(store, value);
    assertStrictEquals(ExternRef.of(store, value), held);
    assertStrictEquals(ExternRef.of(store, held), held);
    store.gc();
    assert(Object.is(held.value, value));
    assert(Object.is(held.toAny(), value));
    assert(Object.is(same(held), value));
    assert(Object.is(internal(held), value));
    assertEquals([isNull(held), held.matches("extern"), held.matches("any"), held.isDisposed], [0, true, false, false]);
    assertStrictEquals(held.cast("extern"), held);
    assertEquals(codeOf(() => held.cast("any")), "wrong_type");
    held.dispose();
  }
  assertEquals(ExternRef.of(store, null), null);
  assertEquals(storeOf(store).gc.handles.count <= values.length, true);
});

inEach(
  "ExternRef is the same object of the heap while it is held, and lets its value go when it is given up",
  (sandbox) => {
    const { store } = sandbox;
    const { handles } = storeOf(store).gc;
    const value = { name: "held" };
    {
      using held = ExternRef.of(store, value);
      store.gc();
      store.gc();
      assertEquals(handles.count, 1);
      assertStrictEquals(held.value, value);
    }
    store.gc();
    assertEquals(handles.count, 0);
    const again = ExternRef.of(store, value);
    const { hold } = sandbox.instance(EXTERNS).exports;
    hold(again);
    again.dispose();
    store.gc();
    assertEquals(handles.count, 1); // the guest has it
    hold(null);
    store.gc();
    assertEquals(handles.count, 0);
  },
);

inEach("an object and a scalar are their own external references", (sandbox) => {
  const { store } = sandbox;
  const instance = sandbox.instance(EXTERNS);
  const { same, internal, external } = instance.exports;
  using box = StructRef.create(store, instance.module.structType("box"), { value: "x" });
  const held = ExternRef.of(store, box);
  store.gc();
  assertStrictEquals(held.value, box);
  assertStrictEquals(held.toAny(), box);
  assertStrictEquals(ExternRef.of(store, box), held);
  for (const pass of [same, internal, external]) assertStrictEquals(pass(held), box);
  held.dispose();
  assertEquals([box.isDisposed, box.get("value"), codeOf(() => held.value)], [false, "x", "released"]);
  const second = ExternRef.of(store, box);
  assertNotStrictEquals(second, held);
  box.dispose();
  assertEquals([second.isDisposed, codeOf(() => same(second))], [true, "released"]);

  const scalar = ExternRef.of(store, new I31Ref(-5));
  assertEquals([scalar.value, scalar.toAny(), same(scalar)], [-5, new I31Ref(-5), -5]);
  assertEquals(ExternRef.of(store, 7).toAny(), new I31Ref(7));
});

inEach("external references are refused where they cannot be used", (sandbox) => {
  const { store, engine } = sandbox;
  const instance = sandbox.instance(EXTERNS);
  const { same, external } = instance.exports;
  const box = instance.module.structType("box");
  const released = ExternRef.of(store, {});
  released.dispose();
  released.dispose();
  using elsewhere = new Store(engine);
  const foreign = ExternRef.of(elsewhere, {});
  const table = new Table(store, { element: "externref", minimum: 1 });
  using struct = StructRef.create(store, box);
  for (const [reference, code] of [[released, "released"], [foreign, "foreign"]] as const) {
    const uses = [
      () => same(reference),
      () => external(reference),
      () => table.set(0, reference),
      () => struct.set("value", reference),
      () => StructRef.create(store, box, { value: reference }),
      () => ExternRef.of(store, reference),
    ];
    for (const use of uses) assertEquals(codeOf(use), code);
  }
  for (const use of [() => released.value, () => released.toAny(), () => released.matches("extern")]) {
    assertEquals(codeOf(use), "released");
  }
  assertThrows(() => new (ExternRef as never as new () => unknown)(), TypeError, "ExternRef.of");
  assertEquals([Deno.inspect(released), Deno.inspect(foreign)], ["ExternRef (released)", "ExternRef { {} }"]);
  assertEquals(AnyRef.matches(foreign, "extern"), true);
  elsewhere.close();
  assertEquals(foreign.isDisposed, true);
  assertThrows(() => foreign.value, TypeError, "disposed");
  assertEquals(struct.get("value"), null);
});

inEach("a scope gives external references up", (sandbox) => {
  const { store } = sandbox;
  const { handles } = storeOf(store).gc;
  let held: ExternRef;
  {
    using _ = new RootScope(store);
    held = ExternRef.of(store, { in: "scope" });
    assertEquals(held.isDisposed, false);
  }
  assertEquals(held.isDisposed, true);
  store.gc();
  assertEquals(handles.count, 0);
});

const FUNCTIONS = `(module
  (type $base (sub (func (result i32))))
  (type $derived (sub $base (func (result i32))))
  (type $other (func (param i64) (result i64)))
  (table $t (export "t") 2 funcref)
  (func $one (export "one") (type $base) (i32.const 1))
  (func $two (export "two") (type $derived) (i32.const 2))
  (func $three (export "three") (type $other) (local.get 0))
  (func (export "call") (param (ref $base)) (result i32) (call_ref $base (local.get 0)))
  (func (export "isDerived") (param funcref) (result i32) (ref.test (ref $derived) (local.get 0)))
  (func (export "isNull") (param funcref) (result i32) (ref.is_null (local.get 0))))`;

inEach("FuncRef.of() gives one reference for a function, with its exact type", (sandbox) => {
  const instance = sandbox.instance(FUNCTIONS);
  const { one, two, three, t, call, isDerived, isNull } = instance.exports;
  const [base, derived, other] = ["base", "derived", "other"].map((name) => instance.module.funcType(name));
  using first = FuncRef.of(one);
  using second = FuncRef.of(two);
  assertStrictEquals(FuncRef.of(one), first);
  assertStrictEquals(FuncRef.of(Func.of(one)!), first);
  assertStrictEquals(FuncRef.of(first), first);
  assertStrictEquals(first.func, Func.of(one));
  assertStrictEquals(first.callable, one);
  assertEquals([FuncRef.of(null), first.call(), second.call(), FuncRef.of(three).call([5n])], [null, 1, 2, 5n]);
  assert(second.type.equals(derived) && !second.type.equals(base) && second.type.supertype!.equals(base));
  assertEquals([base, derived, other].map((type) => [first.matches(type), second.matches(type)]), [
    [true, true],
    [false, true],
    [false, false],
  ]);
  assertEquals([first.matches("func"), first.matches("any"), first.matches("nofunc")], [true, false, false]);
  assertStrictEquals(second.cast(base), second);
  assertEquals(codeOf(() => first.cast(derived)), "wrong_type");
  // It passes wherever a function does.
  assertEquals([call(second), isDerived(first), isDerived(second), isNull(null)], [2, 0, 1, 1]);
  assertThrows(() => call(FuncRef.of(three)), TypeError, "another type");
  t.set(0, second);
  assertStrictEquals(t.get(0), two);
  assertStrictEquals(FuncRef.of(t.get(0)), second);
  assertEquals(Deno.inspect(first).startsWith("FuncRef ["), true);
});

inEach("a reference to a function that was given up is an error wherever it is used", (sandbox) => {
  const instance = sandbox.instance(FUNCTIONS);
  const { one, t, call, isNull } = instance.exports;
  const reference = FuncRef.of(one);
  reference.dispose();
  reference.dispose();
  const uses = [
    () => reference.type,
    () => reference.func,
    () => reference.callable,
    () => reference.call(),
    () => reference.matches("func"),
    () => reference.cast("func"),
    () => call(reference),
    () => isNull(reference),
    () => t.set(0, reference),
    () => FuncRef.of(reference),
  ];
  for (const use of uses) assertEquals(codeOf(use), "released");
  assertEquals([reference.isDisposed, Deno.inspect(reference), one(), t.get(0)], [true, "FuncRef (released)", 1, null]);
  const again = FuncRef.of(one);
  assertNotStrictEquals(again, reference);
  assertEquals(again.call(), 1);
  for (const wrong of [() => 1, {}, undefined, "f"]) assertThrows(() => FuncRef.of(wrong as never), TypeError);
  assertThrows(() => new (FuncRef as never as new () => unknown)(), TypeError, "FuncRef.of");
  using elsewhere = new Store(sandbox.engine);
  const foreign = FuncRef.of(new Func(elsewhere, { parameters: [], results: ["i32"] }, () => 3));
  assertThrows(() => call(foreign), TypeError, "another store");
  elsewhere.close();
  assertEquals(foreign.isDisposed, true);
  assertThrows(() => foreign.call(), TypeError, "disposed");
});

inEach("toObject() follows cycles through structs and arrays, and out of exceptions", (sandbox) => {
  const { store } = sandbox;
  const { module } = sandbox.instance(`(module (rec
    (type $node (struct (field $name externref) (field $children (mut (ref null $list)))))
    (type $list (array (mut (ref null $node))))))`);
  const [node, list] = [module.structType("node"), module.arrayType("list")];
  using root = StructRef.create(store, node, { name: "root" });
  using leaf = StructRef.create(store, node, { name: "leaf" });
  using children = ArrayRef.create(store, list, [leaf, root, null, leaf]);
  root.set("children", children);
  const plain = root.toObject() as { name: string; children: unknown[] };
  assertEquals([plain.name, plain.children.length, plain.children[2]], ["root", 4, null]);
  assertStrictEquals(plain.children[1], plain);
  assertStrictEquals(plain.children[0], plain.children[3]);
  const handles = storeOf(store).gc.handles.count;
  const tag = new Tag(store, { parameters: ["anyref", "i64", "externref"] });
  using exception = ExnRef.create(tag, [children, 5n, "why"]);
  const payload = exception.toObject() as [unknown[], bigint, string];
  assertEquals([payload.length, payload[1], payload[2], payload[0].length], [3, 5n, "why", 4]);
  assertStrictEquals((payload[0][1] as typeof plain).children, payload[0]);
  assertEquals(storeOf(store).gc.handles.count, handles + 2); // the exception's, and that of "why"
  assertEquals(Deno.inspect(exception).startsWith("ExnRef ["), true);
});

inEach("ArrayRef.toBytes() copies a range of elements of any width", (sandbox) => {
  const { store } = sandbox;
  const { module } = sandbox.instance(
    "(module (type $b (array (mut i8))) (type $w (array i16)) (type $r (array anyref)))",
  );
  using bytes = ArrayRef.create(store, module.arrayType("b"), Uint8Array.from({ length: 100_000 }, (_, i) => i * 7));
  assertEquals([...bytes.toBytes(99_997)], [99_997, 99_998, 99_999].map((i) => i * 7 & 255));
  assertEquals([bytes.toBytes().length, bytes.toBytes(5, 5).length], [100_000, 0]);
  using wide = ArrayRef.create(store, module.arrayType("w"), [0x0102, 0x0304, 0x0506]);
  assertEquals([...wide.toBytes(1, 3)], [4, 3, 6, 5]);
  for (const [start, end] of [[0, 4], [-1, 1], [2, 1], [0.5, 1], [4, 4], [0, 2 ** 40]]) {
    assertThrows(() => wide.toBytes(start, end), RangeError);
  }
  using references = ArrayRef.filled(store, module.arrayType("r"), 2);
  assertThrows(() => references.toBytes(), TypeError, "not copied as bytes");
});

const CONTS = `(module
  (type $f (func (result i32))) (type $c (cont $f))
  (type $g (func (param i32) (result i32))) (type $d (cont $g))
  (tag $pause (result i32))
  (table $t (export "t") 2 10 (ref null $c))
  (table $any (export "any") 3 contref)
  (table $other (export "other") 2 (ref null $d))
  (func $body (type $f) (i32.const 41))
  (func $pauses (type $f) (i32.add (suspend $pause) (i32.const 1)))
  (elem declare func $body $pauses)
  (func (export "put") (param i32) (table.set $t (local.get 0) (cont.new $c (ref.func $body))))
  (func (export "spread") (param i32) (table.set $any (local.get 0) (table.get $t (local.get 0))))
  (func (export "run") (param i32) (result i32) (resume $c (table.get $t (local.get 0))))
  (func (export "suspend")
    (table.set $other (i32.const 0) (block $handler (result (ref $d))
      (resume $c (on $pause $handler) (cont.new $c (ref.func $pauses)))
      (drop) (return))))
  (func (export "go") (param i32) (result i32) (resume $d (local.get 0) (table.get $other (i32.const 1)))))`;

inEach("JavaScript moves continuations between tables, and keeps them alive", (sandbox) => {
  const { store } = sandbox;
  const { t, any, put, run, spread } = sandbox.instance(CONTS).exports;
  put(0);
  using first: ContRef = t.get(0);
  assert(first instanceof ContRef);
  assertStrictEquals(t.get(0), first);
  assertEquals([first.isConsumed, first.matches("cont"), t.get(1)], [false, true, null]);
  t.set(1, first);
  t.set(0, null);
  store.gc();
  assertEquals([t.get(0), run(1), first.isConsumed], [null, 41, true]);
  assertThrows(() => run(1), Trap);

  put(0);
  using second: ContRef = t.get(0);
  assertEquals(t.grow(3, second), 2);
  t.fill(second, 0, 2);
  any.copyFrom(0, t, 2, 3);
  t.copyWithin(0, 3, 2);
  assertEquals([t.size, ...[0, 1, 2, 3, 4].map((i) => t.get(i) === second)], [5, true, true, true, true, true]);
  assertEquals([0, 1, 2].map((i) => any.get(i) === second), [true, true, true]);
  t.fill(null);
  any.fill(null);
  store.gc();
  t.set(4, second); // only JavaScript had it
  spread(0);
  assertEquals([run(4), any.get(0)], [41, null]);
  assertThrows(() => t.grow(6, null), RangeError);
});

inEach("tables of continuations take nothing but continuations of their type", (sandbox) => {
  const { store } = sandbox;
  const { t, any, other, put, suspend, go } = sandbox.instance(CONTS).exports;
  put(0);
  using cont: ContRef = t.get(0);
  assertEquals(codeOf(() => other.set(0, cont)), "wrong_type");
  for (const wrong of [5, {}, new I31Ref(1), StructRef.create(store, new StructType(sandbox.engine, []))]) {
    assertEquals(codeOf(() => t.set(0, wrong)), "wrong_type");
    assertEquals(codeOf(() => t.grow(1, wrong)), "wrong_type");
    assertEquals(codeOf(() => any.fill(wrong)), "wrong_type");
  }
  assertThrows(() => t.copyFrom(0, other, 0, 1), TypeError, "element types");
  // What a suspension made is known by the type of the element where it was seen.
  suspend();
  any.copyFrom(0, other, 0, 1);
  using unknown: ContRef = any.get(0);
  assertEquals(codeOf(() => other.set(1, unknown)), "wrong_type");
  assertStrictEquals(other.get(0), unknown);
  assertEquals(codeOf(() => t.set(0, unknown)), "wrong_type");
  other.set(1, unknown);
  other.set(0, null);
  store.gc();
  assertEquals([go(6), unknown.isConsumed], [7, true]);
  cont.dispose();
  assertEquals(codeOf(() => t.set(0, cont)), "released");
  assertEquals(codeOf(() => cont.isConsumed), "released");
  using elsewhere = new Sandbox({ features: ALL });
  const there = elsewhere.instance(CONTS).exports;
  there.put(0);
  assertEquals(codeOf(() => t.set(0, there.t.get(0))), "foreign");
});

inEach("tables of references to something in particular are made by JavaScript", (sandbox) => {
  const { engine, store } = sandbox;
  const node = new StructType(engine, [{ type: "i32" }], { final: false });
  const leaf = new StructType(engine, [{ type: "i32" }, { type: "i64" }], { supertype: node });
  const table = new Table(store, { element: { ref: node }, minimum: 2 });
  using one = StructRef.create(store, node, [1]);
  using two = StructRef.create(store, leaf, [2, 3n]);
  table.set(0, one);
  table.set(1, two);
  store.gc();
  assertStrictEquals(table.get(0), one);
  assertStrictEquals(table.get(1), two);
  assertEquals(
    codeOf(() => table.set(0, ArrayRef.filled(store, sandbox.module("(module (type (array i8)))").arrayType(0), 1))),
    "wrong_type",
  );
  assertThrows(
    () => new Table(store, { element: { ref: node, nullable: false }, minimum: 1 }),
    TypeError,
    "exclude null",
  );
  const strict = new Table(store, { element: { ref: node, nullable: false }, minimum: 2 }, two);
  assertStrictEquals(strict.get(1), two);
  assertThrows(() => strict.set(0, null), TypeError, "does not include null");
  const { value } = sandbox.instance(
    `(module (type $node (sub (struct (field i32)))) (import "m" "t" (table 2 (ref $node)))
      (func (export "value") (param i32) (result i32) (struct.get $node 0 (table.get (local.get 0)))))`,
    { m: { t: strict } },
  ).exports;
  assertEquals(value(0), 2);
  const type = new FuncType(engine, { parameters: [{ ref: node }], results: ["i32"] });
  const functions = new Table(store, { element: { ref: type }, minimum: 1 });
  const read = new Func(store, type, (struct: StructRef) => struct.get(0));
  functions.set(0, read);
  assertEquals(FuncRef.of(functions.get(0)!).call([two]), 2);
  assertThrows(() => functions.set(0, new Func(store, { parameters: [], results: [] }, () => {})), TypeError);
  using another = new Engine();
  assertThrows(
    () => new Table(store, { element: { ref: new StructType(another, []) }, minimum: 0 }),
    TypeError,
    "engine",
  );
});
