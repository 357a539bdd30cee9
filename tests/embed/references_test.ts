/** References in the API: typed host functions, globals and tables of every reference type; identity across all of them. */

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  AnyRef,
  ArrayRef,
  Engine,
  Func,
  Global,
  I31Ref,
  Instance,
  Module,
  Store,
  StructRef,
  Table,
} from "../../mod.ts";
import { wat } from "../wat.ts";

const SOURCE = `(module
  (type $point (struct (field i32)))
  (type $bytes (array i8))
  (import "host" "keep" (func $keep (param structref anyref eqref) (result arrayref)))
  (import "host" "kept" (global $kept (mut anyref)))
  (import "host" "list" (table $list 4 eqref))
  (func (export "go") (result i32) (local $p (ref $point)) (local $a arrayref)
    (local.set $p (struct.new $point (i32.const 5)))
    (local.set $a (call $keep (local.get $p) (ref.i31 (i32.const -3)) (array.new_default $bytes (i32.const 3))))
    (global.set $kept (local.get $p))
    (table.set $list (i32.const 2) (local.get $p))
    (array.len (local.get $a)))
  (func (export "read") (param structref) (result i32) (struct.get $point 0 (ref.cast (ref $point) (local.get 0)))))`;

Deno.test("host functions, globals and tables take and give references", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const seen: unknown[] = [];
  const keep = new Func(
    store,
    { parameters: ["structref", "anyref", "eqref"], results: ["arrayref"] } as const,
    (point, any, eq) => {
      seen.push(point, any, eq);
      return eq as ArrayRef;
    },
  );
  const kept = new Global(store, { valueType: "anyref", mutability: "var" });
  const list = new Table(store, { element: "eqref", minimum: 4 });
  assertEquals(kept.value, null);
  const { exports } = new Instance(store, new Module(engine, wat(SOURCE)), { host: { keep, kept, list } as never });
  assertEquals(exports.go(), 3);
  const [point, scalar, bytes] = seen;
  assert(point instanceof StructRef && point instanceof AnyRef);
  assert(bytes instanceof ArrayRef);
  assert(scalar instanceof I31Ref);
  assertEquals((scalar as I31Ref).value, -3);
  assertStrictEquals(kept.value, point);
  assertStrictEquals(list.get(2), point);
  assertEquals(exports.read(point), 5);
  list.set(0, point);
  list.fill(new I31Ref(1), 1, 1);
  assertStrictEquals(list.get(0), point);
  assertEquals(list.get(1), new I31Ref(1));
  kept.value = "anything";
  assertEquals(kept.value, "anything");
  assertThrows(() => list.set(0, "anything"), TypeError);
  assertThrows(() => exports.read(bytes), TypeError);
  assertEquals(list.grow(2, point), 4);
  assertStrictEquals(list.get(5), point);
});

Deno.test("a host function that returns another type of reference is told so, and the guest ends", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const wrong = {
    host: { keep: (point: unknown) => point, kept: new Global(store, { valueType: "anyref", mutability: "var" }) },
  };
  const list = new Table(store, { element: "eqref", minimum: 4 });
  const { exports } = new Instance(store, new Module(engine, wat(SOURCE)), { host: { ...wrong.host, list } as never });
  assertThrows(() => exports.go(), TypeError, "another type");
});

Deno.test("types of references are matched when modules are linked", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const module = new Module(engine, wat(`(module (import "m" "g" (global eqref)) (import "m" "t" (table 1 eqref)))`));
  const table = new Table(store, { element: "eqref", minimum: 1 });
  const link = (valueType: "anyref" | "eqref" | "structref", element: Table = table) =>
    new Instance(store, module, { m: { g: new Global(store, { valueType }), t: element } as never });
  link("eqref");
  link("structref");
  assertThrows(() => link("anyref"), Error, "expected a global");
  assertThrows(() => link("eqref", new Table(store, { element: "structref", minimum: 1 })), Error, "expected a table");
});
