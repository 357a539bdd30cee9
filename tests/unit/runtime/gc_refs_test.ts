/** References as JavaScript objects: identity, stores, types, disposal. */

import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ArrayRef, I31Ref, StructRef } from "../../../mod.ts";
import { HeapSandbox } from "./gc_store.ts";

const SOURCE = `(module
  (type $point (sub (struct (field i32) (field i32))))
  (type $point3 (sub $point (struct (field i32) (field i32) (field i32))))
  (type $bytes (array i8))
  (global $last (export "last") (mut anyref) (ref.null any))
  (func (export "point") (result (ref $point)) (global.set $last (struct.new $point (i32.const 1) (i32.const 2)))
    (ref.cast (ref $point) (global.get $last)))
  (func (export "point3") (result (ref $point)) (struct.new $point3 (i32.const 1) (i32.const 2) (i32.const 3)))
  (func (export "bytes") (result anyref) (array.new_default $bytes (i32.const 5)))
  (func (export "i31") (param i32) (result anyref) (ref.i31 (local.get 0)))
  (func (export "any") (param anyref) (result anyref) (local.get 0))
  (func (export "eq") (param eqref) (result eqref) (local.get 0))
  (func (export "takePoint") (param (ref $point)) (result i32) (struct.get $point 1 (local.get 0)))
  (func (export "takePoint3") (param (ref null $point3)) (result i32) (ref.is_null (local.get 0)))
  (func (export "extern") (param externref) (result externref) (local.get 0))
  (func (export "toExtern") (param anyref) (result externref) (extern.convert_any (local.get 0)))
  (func (export "toAny") (param externref) (result anyref) (any.convert_extern (local.get 0)))
  (func (export "isI31") (param anyref) (result i32) (ref.test (ref i31) (local.get 0)))
  (func (export "same") (param eqref eqref) (result i32) (ref.eq (local.get 0) (local.get 1))))`;

Deno.test("one object is one reference in JavaScript, before and after it has moved", () => {
  using sandbox = new HeapSandbox();
  const { exports } = sandbox.instance(SOURCE);
  const point = exports.point();
  assert(point instanceof StructRef);
  assertStrictEquals(exports.last.value, point);
  sandbox.gc.collect();
  assertStrictEquals(exports.last.value, point);
  assertStrictEquals(exports.any(point), point);
  assertStrictEquals(exports.toExtern(point), point);
  assertNotStrictEquals(exports.point(), point);
  assert(exports.bytes() instanceof ArrayRef);
  assertEquals(exports.same(point, exports.any(point)), 1);
  assertEquals(exports.same(point, exports.point()), 0);
  assertEquals(sandbox.findings, []);
});

Deno.test("unboxed scalars cross as I31Ref, and as numbers where anything may stand", () => {
  using sandbox = new HeapSandbox();
  const { exports } = sandbox.instance(SOURCE);
  assertEquals(exports.i31(-5), new I31Ref(-5));
  assertEquals(exports.i31(0x7fff_ffff).value, -1);
  assertEquals(exports.any(new I31Ref(9)).value, 9);
  assertEquals(exports.any(9).value, 9);
  assertEquals(exports.extern(9), 9);
  assertEquals(exports.toExtern(new I31Ref(9)), 9);
  assertEquals([exports.isI31(9), exports.isI31(2 ** 30), exports.isI31(-0), exports.isI31(0.5)], [1, 0, 0, 0]);
  for (const value of [0.5, -0, 2 ** 30, "9", undefined]) {
    assert(Object.is(exports.extern(value), value));
    assert(Object.is(exports.any(value), value));
  }
  assertEquals(new I31Ref(2 ** 30).value, -(2 ** 30));
});

Deno.test("a reference must be of the type that is asked for", () => {
  using sandbox = new HeapSandbox();
  const { exports } = sandbox.instance(SOURCE);
  assertEquals(exports.takePoint(exports.point()), 2);
  assertEquals(exports.takePoint(exports.point3()), 2);
  assertEquals(exports.takePoint3(exports.point3()), 0);
  assertEquals(exports.takePoint3(null), 1);
  for (const wrong of [exports.point(), exports.bytes(), 1, {}, undefined, "x", new I31Ref(1)]) {
    assertThrows(() => exports.takePoint3(wrong), TypeError);
  }
  assertThrows(() => exports.takePoint(null), TypeError, "null");
  assertThrows(() => exports.eq({}), TypeError);
  assertThrows(() => exports.eq("x"), TypeError);
  assertEquals(exports.eq(null), null);
});

Deno.test("a reference is of one store, and ends with it or when it is disposed of", () => {
  const sandbox = new HeapSandbox();
  using other = new HeapSandbox();
  const { exports } = sandbox.instance(SOURCE);
  const { exports: foreign } = other.instance(SOURCE);
  const point = exports.point();
  for (const name of ["any", "eq", "extern", "takePoint"]) {
    assertThrows(() => foreign[name](point), TypeError, "another store");
  }
  assertEquals(point.isDisposed, false);
  {
    using scoped = exports.bytes();
    assertEquals(scoped.isDisposed, false);
  }
  const gone = exports.point();
  gone.dispose();
  gone.dispose();
  assertEquals(gone.isDisposed, true);
  assertThrows(() => exports.any(gone), TypeError, "disposed");
  // The object is still there, for others.
  assert(exports.last.value instanceof StructRef);
  const { handles } = sandbox.gc;
  const before = handles.count;
  exports.last.value.dispose();
  assertEquals(handles.count, before - 1);
  sandbox[Symbol.dispose]();
  assertEquals(point.isDisposed, true);
  point.dispose();
});

Deno.test("nobody constructs references", () => {
  assertThrows(() => Reflect.construct(StructRef, []), TypeError, "cannot be constructed");
  assertThrows(() => Reflect.construct(ArrayRef, [Symbol("make"), {}, 8]), TypeError, "cannot be constructed");
  using sandbox = new HeapSandbox();
  const { exports } = sandbox.instance(SOURCE);
  assertThrows(() => exports.takePoint(Object.create(StructRef.prototype)), TypeError);
});
