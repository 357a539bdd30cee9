/** Exceptions: through frames, instances, host functions and nested calls; what they carry; what is none; the `Exception` class. */

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Exception, Func, type FuncSignature, Instance, Module, Store, Tag, Trap, WasmError } from "../../mod.ts";
import { STRESS } from "../configurations.ts";
import { Sandbox, v8Exports } from "./sandbox.ts";

type Call = (...args: never[]) => unknown;
type Calls = Record<string, Call>;

const I32_TO_I32: FuncSignature = { parameters: ["i32"], results: ["i32"] };

const call = (f: unknown, ...args: unknown[]): unknown => (f as (...args: unknown[]) => unknown)(...args);

// deno-lint-ignore no-explicit-any -- TypeScript's library does not know it
const V8_EXCEPTION = (WebAssembly as any).Exception;

function thrownBy(run: () => unknown): Exception {
  return assertThrows(run, Exception);
}

/** What both modules begin with. */
const THROWING = `
        (tag $a (param i32)) (tag $b (param i64 f64)) (tag $c)
        (global $trace (mut i64) (i64.const 0))
        (func $mark (param i64) (global.set $trace (i64.add (i64.mul (global.get $trace) (i64.const 7)) (local.get 0))))
        (func (export "trace") (result i64) (global.get $trace))
        (func $throw (param i32)
          (block (block (block (block (br_table 0 1 2 3 (local.get 0)))
            (throw $a (i32.mul (local.get 0) (i32.const 100))))
            (throw $b (i64.const -5) (f64.const 2.5)))
            (throw $c))
          (call $mark (i64.const 1)))
        (func $deep (param $n i32) (param $what i32)
          (if (i32.eqz (local.get $n)) (then (call $throw (local.get $what)))
            (else (call $deep (i32.sub (local.get $n) (i32.const 1)) (local.get $what)))))`;

/** V8 wants one kind of handlers in a module. */
const HANDLERS = {
  table: `(module ${THROWING}
        (func (export "table") (param $n i32) (param $what i32) (result i32)
          (local $kept i32)
          (local.set $kept (i32.add (local.get $n) (i32.const 1000)))
          (block $all (block $hb (result i64 f64) (block $ha (result i32)
            (try_table (result i32) (catch $a $ha) (catch $b $hb) (catch_all $all)
              (call $deep (local.get $n) (local.get $what))
              (local.set $kept (i32.const 3))
              (call $deep (i32.const 0) (i32.const 3))
              (i32.const 77)))
            (return (i32.add (local.get $kept))))
            (drop) (return (i32.add (i32.wrap_i64) (local.get $kept))))
          (i32.add (local.get $kept) (i32.const 5)))
        (func (export "loop") (param $n i32) (result i64)
          (local $sum i64) (local $x f64)
          (loop $again
            (block $ha (result i32)
              (try_table (catch $a $ha)
                (local.set $x (f64.add (local.get $x) (f64.const 0.5)))
                (call $deep (i32.rem_u (local.get $n) (i32.const 5)) (i32.and (local.get $n) (i32.const 3))))
              (local.get $n))
            (i64.extend_i32_s) (local.get $sum) (i64.add) (local.set $sum)
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 3)))))
          (i64.add (local.get $sum) (i64.trunc_f64_s (local.get $x))))
        (func (export "rest") (param i32) (result i32)
          (block $h (result i32) (try_table (catch $a $h) (call $deep (i32.const 2) (local.get 0))) (i32.const -1))))`,
  legacy: `(module ${THROWING}
        (func (export "legacy") (param $n i32) (param $what i32) (result i32)
          (local $kept i32)
          (local.set $kept (i32.const 10))
          (try (result i32)
            (do
              (try (result i32)
                (do (call $deep (local.get $n) (local.get $what)) (local.set $kept (i32.const 20)) (i32.const 1))
                (catch $a (local.set $kept (i32.add (local.get $kept))) (rethrow 0))
                (catch $b (drop) (drop) (i32.const 2))))
            (catch $a (i32.add (local.get $kept)))
            (catch_all (i32.const 3))))
        (func (export "delegate") (param $n i32) (param $what i32) (result i32)
          (try (result i32)
            (do
              (try (result i32)
                (do (try (result i32) (do (call $deep (local.get $n) (local.get $what)) (i32.const 4)) (delegate 1)))
                (catch_all (i32.const 5))))
            (catch_all (i32.const 6)))))`,
};

for (const bounds of ["guard", "explicit"] as const) {
  for (const [name, config] of [["plain", {}], ["effort none", { effort: "none" }], ["stress", STRESS]] as const) {
    Deno.test(`exceptions go where V8's go, both kinds of handlers (${bounds} bounds, ${name})`, () => {
      using sandbox = new Sandbox({ bounds, ...config, checks: "on" });
      const outcome = (exports: Calls, name: string, ...args: unknown[]) => {
        try {
          return [call(exports[name], ...args), call(exports.trace)];
        } catch (error) {
          return [error instanceof Exception || error instanceof V8_EXCEPTION ? "exception" : error];
        }
      };
      for (const [names, text] of [[["table"], HANDLERS.table], [["legacy", "delegate"], HANDLERS.legacy]] as const) {
        const ours = sandbox.instance(text).exports as unknown as Calls;
        const theirs = v8Exports(text) as unknown as Calls;
        for (let round = 0; round < 3; round++) {
          for (const name of names) {
            for (let what = 0; what < 4; what++) {
              for (const n of [0, 1, 7, 300]) {
                assertEquals(outcome(ours, name, n, what), outcome(theirs, name, n, what), `${name} ${n} ${what}`);
              }
            }
          }
          if (ours.loop === undefined) continue;
          assertEquals(outcome(ours, "loop", 3999), outcome(theirs, "loop", 3999));
          for (let what = 0; what < 4; what++) assertEquals(outcome(ours, "rest", what), outcome(theirs, "rest", what));
        }
      }
    });
  }
}

const CARRIER = `(module
  (import "host" "pass" (func $pass (param i32)))
  (tag $t (export "tag") (param i32 i64 f32 f64 externref funcref))
  (func $f (export "f"))
  (elem declare func $f)
  (func $throw (param externref)
    (throw $t (i32.const -7) (i64.const 0x123456789abcdef) (f32.reinterpret_i32 (i32.const 0x7fa00001))
      (f64.reinterpret_i64 (i64.const 0x7ff4000000000001)) (local.get 0) (ref.func $f)))
  (func (export "throw") (param externref) (call $throw (local.get 0)))
  (func (export "direct") (param externref) (result i32 i64 i32 i64 externref funcref)
    (call $bits (local.get 0) (i32.const 0)))
  (func (export "through") (param externref) (result i32 i64 i32 i64 externref funcref)
    (call $bits (local.get 0) (i32.const 1)))
  (global $kept (mut externref) (ref.null extern))
  (func (export "inner") (call $throw (global.get $kept)))
  (func $bits (param externref i32) (result i32 i64 i32 i64 externref funcref)
    (local $a i32) (local $b i64) (local $c f32) (local $d f64) (local $e externref) (local $g funcref)
    (global.set $kept (local.get 0))
    (block $h (result i32 i64 f32 f64 externref funcref)
      (try_table (catch $t $h)
        (if (local.get 1) (then (call $pass (i32.const 1))) (else (call $throw (local.get 0)))))
      (unreachable))
    (local.set $g) (local.set $e) (local.set $d) (local.set $c) (local.set $b) (local.set $a)
    (local.get $a) (local.get $b) (i32.reinterpret_f32 (local.get $c)) (i64.reinterpret_f64 (local.get $d))
    (local.get $e) (local.get $g)))`;

Deno.test("an exception keeps every bit it carries, and references, in guests and through JavaScript", () => {
  using sandbox = new Sandbox();
  let exports: Calls = {};
  let caught: unknown;
  const pass = new Func(sandbox.store, { parameters: ["i32"], results: [] } as FuncSignature, () => {
    try {
      call(exports.inner);
    } catch (error) {
      caught = error;
      throw error;
    }
  });
  const instance = sandbox.instance(CARRIER, { host: { pass } });
  exports = instance.exports as unknown as Calls;
  const object = { name: "mine" };
  const expected = [-7, 0x123456789abcdefn, 0x7fa00001, 0x7ff4000000000001n, object, instance.exports.f];
  assertEquals(call(exports.direct, object), expected);
  assertEquals(call(exports.through, object), expected);
  assert(caught instanceof Exception);
  const exception = thrownBy(() => call(exports.throw, object));
  assertEquals(exception.values.length, 6);
  assertEquals(exception.values.slice(0, 2), [-7, 0x123456789abcdefn]);
  assertEquals([exception.getArg(2), exception.getArg(3)], [NaN, NaN]);
  assertStrictEquals(exception.getArg(4), object);
  assertStrictEquals(exception.getArg(5), instance.exports.f);
  assertStrictEquals(exception.tag, instance.exports.tag);
});

Deno.test("an uncaught exception leaves the call as an Exception with its frames", () => {
  using sandbox = new Sandbox();
  const { exports } = sandbox.instance(`(module
    (tag $t (export "tag") (param i32)) (tag $other (export "other") (param i32))
    (func $inner (throw $t (i32.const 42)))
    (func $middle (block $h (result i32) (try_table (catch $other $h) (call $inner)) (i32.const 0)) (drop))
    (func $outer (export "run") (call $middle)))`);
  const exception = thrownBy(() => call(exports.run));
  assert(exception instanceof WasmError && exception instanceof Error);
  assertEquals(exception.name, "Exception");
  assertEquals(exception.values, [42]);
  assert(exception.is(exports.tag as Tag));
  assert(!exception.is(exports.other as Tag));
  assertEquals(exception.frames.map(({ functionName }) => functionName), ["inner", "middle", "outer"]);
  assertThrows(() => exception.getArg(1), RangeError);
  assertThrows(() => exception.is({} as Tag), TypeError);
  // The activation is as good as new.
  assertEquals(thrownBy(() => call(exports.run)).values, [42]);
});

const HOSTED = `(module
  (import "host" "tag" (tag $t (param i32)))
  (import "host" "call" (func $call (param i32) (result i32)))
  (func (export "run") (param i32) (result i32)
    (block $all (block $h (result i32)
      (try_table (result i32) (catch $t $h) (catch_all $all) (call $call (local.get 0)))
      (return))
      (return (i32.add (i32.const 1000))))
    (i32.const -1))
  (func (export "legacy") (param i32) (result i32)
    (try (result i32) (do (call $call (local.get 0))) (catch $t (i32.add (i32.const 1000))) (catch_all (i32.const -1))))
  (func (export "cleanup") (param i32) (result i32)
    (try (result i32) (do (call $call (local.get 0))) (catch_all (global.set $cleaned (i32.add (global.get $cleaned) (i32.const 1))) (rethrow 0))))
  (global $cleaned (export "cleaned") (mut i32) (i32.const 0))
  (func (export "trap") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func $overflow (export "overflow") (param i32) (result i32) (i32.add (call $overflow (local.get 0)) (i32.const 1))))`;

Deno.test("a host function's Exception is the guest's to catch; other errors, traps and overflows are not", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const tag = new Tag(store, { parameters: ["i32"] });
  const same = new Tag(store, { parameters: ["i32"] });
  let act: (n: number) => number = () => 0;
  const hosted = new Func(store, I32_TO_I32, (n) => act(n as number));
  const { exports } = sandbox.instance(HOSTED, { host: { tag, call: hosted } });
  act = (n) => {
    throw new Exception(tag, [n + 0.9]);
  };
  assertEquals(call(exports.run, 5), 1005);
  assertEquals(call(exports.legacy, 6), 1006);
  act = (n) => {
    throw new Exception(same, [n]);
  };
  assertEquals(call(exports.run, 5), -1, "another tag of the same type");
  assertEquals(call(exports.legacy, 5), -1);
  const error = new RangeError("mine");
  act = () => {
    throw error;
  };
  for (const name of ["run", "legacy", "cleanup"]) {
    assertStrictEquals(assertThrows(() => call(exports[name], 1)), error);
  }
  act = (n) => call(exports.trap, n) as number;
  for (const name of ["run", "legacy", "cleanup"]) {
    assertEquals(assertThrows(() => call(exports[name], 0), Trap).code, "integer_divide_by_zero");
  }
  act = (n) => call(exports.overflow, n) as number;
  assertEquals(assertThrows(() => call(exports.run, 0), Trap).code, "stack_overflow");
  assertEquals((exports.cleaned as unknown as { value: number }).value, 0);
  // An exception of another store is a stranger, so an ordinary error.
  using foreign = new Store(sandbox.engine);
  const stranger = new Exception(new Tag(foreign, { parameters: ["i32"] }), [1]);
  act = () => {
    throw stranger;
  };
  assertStrictEquals(assertThrows(() => call(exports.run, 1)), stranger);
});

Deno.test("exceptions pass nested calls: each level may clean up, catch, or let pass; JavaScript in between may too", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const tag = new Tag(store, { parameters: ["i32"] });
  const log: string[] = [];
  let exports: Calls = {};
  const hosted = new Func(store, I32_TO_I32, (given) => {
    const n = given as number;
    if (n === 0) throw new Exception(tag, [77]);
    try {
      return call(exports.cleanup, n - 1) as number;
    } catch (error) {
      log.push(`caught ${n}`);
      if (!(error instanceof Exception)) throw new Error("no exception");
      if (n === 3) throw new Exception(tag, [(error.getArg(0) as number) + 1]);
      throw error;
    } finally {
      log.push(`left ${n}`);
    }
  });
  const instance = sandbox.instance(HOSTED, { host: { tag, call: hosted } });
  exports = instance.exports as unknown as Calls;
  for (let round = 1; round <= 3; round++) {
    log.length = 0;
    assertEquals(call(exports.run, 4), 1078);
    assertEquals(log, [1, 2, 3, 4].flatMap((n) => [`caught ${n}`, `left ${n}`]));
    assertEquals((instance.exports.cleaned as unknown as { value: number }).value, 4 * round);
    assertEquals(thrownBy(() => call(exports.cleanup, 2)).values, [77]);
    (instance.exports.cleaned as unknown as { value: number }).value = 4 * round;
  }
});

Deno.test("tags are told apart by identity, across instances, imports and exports", () => {
  using sandbox = new Sandbox();
  const a = sandbox.instance(`(module (tag (export "t") (param i32)) (tag (export "u") (param i32)))`).exports;
  const thrower = sandbox.instance(
    `(module (import "a" "t" (tag $t (param i32))) (func (export "throw") (param i32) (throw $t (local.get 0))))`,
    { a },
  ).exports;
  const catcher = (name: string) =>
    sandbox.instance(
      `(module (import "a" "${name}" (tag $t (param i32)))
        (import "b" "throw" (func $throw (param i32)))
        (tag $own (param i32))
        (global $g (mut i32) (i32.const 500))
        (func (export "run") (param i32) (result i32)
          (block $own (result i32) (block $h (result i32)
            (try_table (catch $own $own) (catch $t $h) (call $throw (local.get 0))) (unreachable))
            (return (i32.add (global.get $g))))))`,
      { a, b: thrower },
    ).exports;
  assertEquals(call(catcher("t").run, 3), 503);
  const passed = thrownBy(() => call(catcher("u").run, 3));
  assertStrictEquals(passed.tag, a.t);
  assert(passed.is(a.t as Tag) && !passed.is(a.u as Tag));
});

for (
  const [name, config, limits, count] of [
    ["plain", {}, {}, 200_000],
    ["a small heap", {}, { gcHeapBytes: 1 << 20 }, 200_000],
    ["stress", STRESS, {}, 2000],
  ] as const
) {
  Deno.test(`exception references are kept, thrown again, and collected when nobody keeps them (${name})`, () => {
    using sandbox = new Sandbox(config, { limits });
    const { exports } = sandbox.instance(`(module
    (tag $t (param i32 externref)) (tag $none)
    (table $kept 4 exnref)
    (func $catch (param i32 externref) (result exnref)
      (block $h (result exnref)
        (try_table (catch_all_ref $h) (throw $t (local.get 0) (local.get 1)))
        (unreachable)))
    (func (export "keep") (param i32 externref) (table.set $kept (i32.and (local.get 0) (i32.const 3)) (call $catch (local.get 0) (local.get 1))))
    (func (export "again") (param i32) (result i32 externref)
      (block $h (result i32 externref)
        (try_table (catch $t $h) (throw_ref (table.get $kept (local.get 0))))
        (unreachable)))
    (func (export "uncaught") (param i32) (throw_ref (table.get $kept (local.get 0))))
    (func (export "churn") (param $n i32) (result i32)
      (local $sum i32)
      (loop $l
        (block $h (result i32 externref exnref)
          (try_table (catch_ref $t $h) (throw $t (local.get $n) (ref.null extern)))
          (unreachable))
        (drop) (drop)
        (local.set $sum (i32.add (local.get $sum)))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $sum)))`);
    const objects = [0, 1, 2].map((n) => ({ n }));
    objects.forEach((object, n) => call(exports.keep, n, object));
    assertEquals(call(exports.churn, count), count * (count + 1) / 2 | 0);
    objects.forEach((object, n) => {
      for (let round = 0; round < 2; round++) assertEquals(call(exports.again, n), [n, object]);
      assertStrictEquals((call(exports.again, n) as unknown[])[1], object);
      assertEquals(thrownBy(() => call(exports.uncaught, n)).values, [n, object]);
    });
    assertEquals(assertThrows(() => call(exports.again, 3), Trap).code, "null_exception_reference");
  });
}

Deno.test("throwing goes through as many frames as the stack has room for", () => {
  using sandbox = new Sandbox();
  const { exports } = sandbox.instance(`(module (tag $t (param i32))
    (func $down (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (throw $t (i32.const 9))))
      (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
    (func (export "run") (param i32) (result i32)
      (block $h (result i32) (try_table (result i32) (catch $t $h) (call $down (local.get 0))))))`);
  let depth = 1000;
  // As deep as the stack is, whatever that is.
  for (;; depth *= 2) {
    try {
      assertEquals(call(exports.run, depth), 9);
    } catch (error) {
      assert(error instanceof Trap && error.code === "stack_overflow");
      break;
    }
  }
  assert(depth > 10_000, `${depth}`);
  assertEquals(call(exports.run, depth / 4), 9);
});

Deno.test("a start function that throws ends instantiation; a host function that throws in one may be caught there", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const tag = new Tag(store, { parameters: [] });
  const hosted = new Func(store, { parameters: [], results: [] }, () => {
    throw new Exception(tag);
  });
  const module = sandbox.module(
    `(module (import "host" "tag" (tag $t)) (func $start (throw $t)) (start $start))`,
  );
  assert(thrownBy(() => new Instance(store, module, { host: { tag } })).is(tag));
  const { exports } = sandbox.instance(
    `(module (import "host" "tag" (tag $t)) (import "host" "call" (func $call)) (global $g (export "g") (mut i32) (i32.const 0))
      (func $start (block $h (try_table (catch $t $h) (call $call)) (return)) (global.set $g (i32.const 1))) (start $start))`,
    { host: { tag, call: hosted } },
  );
  assertEquals((exports.g as unknown as { value: number }).value, 1);
  const direct = sandbox.module(`(module (import "host" "call" (func $call)) (start $call))`);
  assert(thrownBy(() => new Instance(store, direct, { host: { call: hosted } })).is(tag));
});

Deno.test("a tail call inside a handler's body leaves it; calls of references and tables land as well", () => {
  using sandbox = new Sandbox();
  const text = `(module (tag $t (param i32)) (type $f (func (param i32) (result i32)))
    (table funcref (elem $throw)) 
    (func $throw (type $f) (throw $t (local.get 0)))
    (func $tail (type $f)
      (block $h (result i32) (try_table (result i32) (catch $t $h) (return_call $throw (local.get 0)))))
    (func (export "tail") (type $f)
      (block $h (result i32) (try_table (result i32) (catch $t $h) (call $tail (local.get 0)))) (i32.add (i32.const 1)))
    (func (export "indirect") (type $f)
      (block $h (result i32) (try_table (result i32) (catch $t $h)
        (call_indirect (type $f) (local.get 0) (i32.const 0)))) (i32.add (i32.const 2)))
    (func (export "table") (type $f)
      (block $h (result i32) (try_table (result i32) (catch $t $h)
        (return_call_indirect (type $f) (local.get 0) (i32.const 0))))))`;
  const ours = sandbox.instance(text).exports as unknown as Calls;
  assertEquals(call(ours.tail, 5), 6);
  assertEquals(call(ours.indirect, 5), 7);
  assertEquals(thrownBy(() => call(ours.table, 5)).values, [5]);
});

Deno.test("tags and exceptions refuse what they cannot be made of", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const tag = new Tag(store, { parameters: ["i32", "externref"] });
  assertEquals(tag.type, { parameters: ["i32", "externref"] });
  assertThrows(() => new Tag(store, { parameters: ["i33" as never] }), TypeError);
  assertThrows(() => new Exception({} as Tag, []), TypeError);
  assertThrows(() => new Exception(tag, [1]), TypeError);
  assertThrows(() => new Exception(tag, [1, 2, 3]), TypeError);
  assertThrows(() => new Exception(tag, [Symbol(), 2]), TypeError);
  const other = new Tag(store, { parameters: ["i64"] });
  assertThrows(() => new Exception(other, [1]), TypeError, "BigInt");
  assertThrows(() => sandbox.instance(`(module (import "m" "t" (tag (param i32))))`, { m: { t: other } }), WasmError);
});

Deno.test("vectors are carried bit by bit, and handlers come out of a compiled file as they went in", () => {
  using sandbox = new Sandbox();
  const { store, engine } = sandbox;
  const tag = new Tag(store, { parameters: ["v128", "i32"] });
  const again = new Func(store, { parameters: ["i32"], results: [] } as FuncSignature, (n) => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i * 16 + (n as number));
    throw new Exception(tag, [bytes, n]);
  });
  const text = `(module
    (import "host" "tag" (tag $t (param v128 i32))) (import "host" "again" (func $again (param i32)))
    (func $tail (param i32) (return_call $again (local.get 0)))
    (func (export "throw") (throw $t (v128.const i64x2 0x0123456789abcdef 0x7ff4000000000001) (i32.const 5)))
    (func (export "run") (param i32) (result i64 i64 i32)
      (local $v v128) (local $n i32)
      (block $h (result v128 i32) (try_table (catch $t $h) (call $tail (local.get 0))) (unreachable))
      (local.set $n) (local.set $v)
      (i64x2.extract_lane 0 (local.get $v)) (i64x2.extract_lane 1 (local.get $v)) (local.get $n)))`;
  const module = sandbox.module(text);
  for (const loaded of [module, Module.deserialize(engine, module.serialize(), { trusted: true })]) {
    const { exports } = new Instance(store, loaded, { host: { tag, again } });
    assertEquals(call(exports.run, 3), [0x7363534333231303n, -0x0c1c2c3c4c5c6c7dn, 3]);
    const [vector, number] = thrownBy(() => call(exports.throw)).values as [Uint8Array, number];
    const words = new DataView(vector.buffer, vector.byteOffset);
    assertEquals([words.getBigUint64(0, true), words.getBigUint64(8, true)], [
      0x0123456789abcdefn,
      0x7ff4000000000001n,
    ]);
    assertEquals(number, 5);
  }
});
