/** References, continuations and heaps in the hands of callers who mean no good: the answer is a value or a typed error, and nothing is kept. */

import { assertEquals, assertThrows } from "@std/assert";
import {
  Engine,
  Exception,
  FEATURES,
  Func,
  Global,
  I31Ref,
  Instance,
  Linker,
  Module,
  SharedMemory,
  Store,
  Table,
  Tag,
  Trap,
} from "../../mod.ts";
import { Sandbox } from "./sandbox.ts";

const STACK_SWITCHING = { features: FEATURES.map(([name]) => name) };

const TAKES_ANYREF = `(module (type $s (struct (field i32)))
  (func (export "make") (result (ref $s)) (struct.new $s (i32.const 5)))
  (func (export "take") (param i32 anyref anyref) (result i32) (ref.is_null (local.get 1))))`;

Deno.test("an unboxed scalar runs nothing of the user's when it is stored", () => {
  using sandbox = new Sandbox();
  const { take } = sandbox.instance(TAKES_ANYREF).exports;
  let looks = 0;
  const hostile = { get: () => (looks++, sandbox.store.close(), 7) };
  const scalar = new I31Ref(5);
  Object.defineProperty(scalar, "value", hostile);
  assertEquals(take(0, scalar, null), 0);
  assertEquals(take(0, Object.create(I31Ref.prototype, { value: hostile }), null), 0);
  assertEquals([looks, sandbox.store.isDisposed], [0, false]);
});

Deno.test("a store that is disposed while arguments are coerced gets no heap, and references to it no answer but a TypeError", () => {
  using engine = new Engine();
  const module = Module.fromText(engine, TAKES_ANYREF);
  const isReserved: boolean[] = [];
  for (const isMade of [true, false]) {
    const store = new Store(engine);
    const { make, take } = new Instance(store, module).exports;
    const closing = { valueOf: () => (store.close(), 1) };
    const reference = isMade ? make() : {};
    assertThrows(() => take(closing, reference, {}), TypeError, "disposed");
    assertThrows(() => take(0, reference, {}), TypeError, "disposed");
    isReserved.push(store.isDisposed);
  }
  assertEquals(isReserved, [true, true]);

  const store = new Store(engine);
  const tag = new Tag(store, { parameters: ["i32", "externref"] });
  const closing = { valueOf: () => (store.close(), 1) };
  assertThrows(() => new Exception(tag, [closing, {}]), TypeError, "disposed");
});

Deno.test("the null continuation crosses as null, and nothing else does", () => {
  using sandbox = new Sandbox(STACK_SWITCHING);
  const text = `(module (type $f (func)) (type $c (cont $f))
    (import "m" "same" (func $same (param (ref null $c)) (result (ref null $c))))
    (func $body) (elem declare func $body)
    (func (export "isNull") (param (ref null $c)) (result i32) (ref.is_null (local.get 0)))
    (func (export "resume") (param (ref null $c)) (resume $c (local.get 0)))
    (func (export "null") (result (ref null $c)) (call $same (ref.null $c)))
    (func (export "leak") (result (ref null $c)) (cont.new $c (ref.func $body)))
    (func (export "leakToHost") (drop (call $same (cont.new $c (ref.func $body))))))`;
  const exports = sandbox.instance(text, { m: { same: (value: unknown) => value as null } }).exports;
  assertEquals(exports.isNull(null), 1);
  assertEquals(exports.null(), null);
  assertThrows(() => exports.resume(null), Trap, "null continuation");
  for (const wrong of [undefined, 0, 5, {}, new I31Ref(0)]) assertThrows(() => exports.isNull(wrong), TypeError);
  assertThrows(() => exports.leak(), TypeError, "does not leave");
  assertThrows(() => exports.leakToHost(), TypeError, "does not leave");
  assertEquals(exports.isNull(null), 1);
});

Deno.test("stacks run out by a trap, soon, and those that nobody can resume come back", () => {
  using sandbox = new Sandbox(STACK_SWITCHING);
  const { run, nest, deep } = sandbox.instance(`(module (type $f (func)) (type $c (cont $f)) (tag $t)
    (type $array (array (mut (ref null $c))))
    (global $all (mut (ref null $array)) (ref.null $array))
    (func $body (suspend $t)) (elem declare func $body $nest $recurse)
    (func (export "run") (param i32) (local $i i32) (local $k (ref null $c))
      (global.set $all (array.new_default $array (local.get 0)))
      (loop $next
        (block $h (result (ref $c)) (resume $c (on $t $h) (cont.new $c (ref.func $body))) (unreachable))
        (local.set $k)
        (array.set $array (global.get $all) (local.get $i) (local.get $k))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0)))))
    (func $nest (export "nest") (resume $c (cont.new $c (ref.func $nest))))
    (func $recurse (call $recurse))
    (func (export "deep") (resume $c (cont.new $c (ref.func $recurse)))))`).exports;
  run(1000);
  assertThrows(nest, Trap, "stack exhausted");
  assertThrows(deep, Trap, "stack exhausted");
  assertThrows(() => run(100_000), Trap, "stack exhausted");
  run(1000); // `$all` holds the others no more
  run(10);
});

Deno.test("a heap that was found full is used again when the guest has let go of what filled it", () => {
  using sandbox = new Sandbox({}, { limits: { gcHeapBytes: 16 << 20 } });
  const { big, fill, drop, small } = sandbox.instance(`(module (type $b (array (mut i8)))
    (type $s (struct (field (ref null $s)) (field i64)))
    (global $g (mut (ref null $b)) (ref.null $b)) (global $list (mut (ref null $s)) (ref.null $s))
    (func (export "big") (param i32) (global.set $g (array.new_default $b (local.get 0))))
    (func (export "fill") (loop $l (global.set $list (struct.new $s (global.get $list) (i64.const 1))) (br $l)))
    (func (export "drop") (global.set $g (ref.null $b)) (global.set $list (ref.null $s)))
    (func (export "small") (param i32)
      (loop $l (drop (struct.new $s (ref.null $s) (i64.const 1)))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`).exports;
  for (let i = 0; i < 3; i++) {
    big(4 << 20);
    assertThrows(fill, Trap, "heap exhausted");
    assertThrows(fill, Trap, "heap exhausted");
    drop();
    small(100_000);
  }
  for (const length of [-1, 2 ** 31, 2 ** 31 - 1, 2 ** 30]) assertThrows(() => big(length), Trap, "heap exhausted");
  small(1);
});

Deno.test("a host function called from a continuation calls back, throws, collects and disposes", () => {
  using sandbox = new Sandbox(STACK_SWITCHING);
  const { store } = sandbox;
  const actions: ((value: unknown) => unknown)[] = [
    (value) => value,
    (value) => (run(0, value), value),
    () => {
      throw new RangeError("from the host");
    },
    (value) => (store.close(), value),
    (value) => {
      for (let i = 0; i < 100; i++) run(0, { i });
      return value;
    },
    () => Promise.resolve(1),
    () => {
      throw new Exception(tag, [5, { carried: true }]);
    },
  ];
  const tag = new Tag(store, { parameters: ["i32", "externref"] });
  const { run, trap } = sandbox.instance(
    `(module (type $f (func (param i32 externref) (result externref))) (type $c (cont $f))
    (import "m" "host" (func $host (type $f))) (import "m" "tag" (tag $tag (param i32 externref)))
    (elem declare func $body $host $trap)
    (func $body (type $f) (call $host (local.get 0) (local.get 1)))
    (func $trap (type $f) (unreachable))
    (func (export "run") (type $f)
      (block $caught (result i32 externref)
        (try_table (result externref) (catch $tag $caught) (resume $c (local.get 0) (local.get 1) (cont.new $c (ref.func $body))))
        (return))
      (return))
    (func (export "trap") (result externref) (resume $c (i32.const 0) (ref.null extern) (cont.new $c (ref.func $trap)))))`,
    { m: { tag, host: (which: number, value: unknown) => actions[which](value) } },
  ).exports;
  const value = { some: "value" };
  for (let i = 0; i < 3; i++) {
    assertEquals(run(0, value), value);
    assertEquals(run(1, value), value);
    assertThrows(() => run(2, value), RangeError, "from the host");
    assertThrows(() => run(3, value), TypeError, "while a call into it is active");
    assertEquals(run(4, value), value);
    assertThrows(() => run(5, value), TypeError, "Promise");
    assertEquals(run(6, value), { carried: true });
    assertThrows(trap, Trap, "unreachable");
  }
});

Deno.test("every function type refuses values of every other reference type", () => {
  using sandbox = new Sandbox({ features: FEATURES.map(([name]) => name) });
  const types = ["funcref", "externref", "anyref", "eqref", "i31ref", "structref", "arrayref", "exnref", "nullref"];
  const concrete = ["(ref $s)", "(ref null $a)", "(ref $f)", "(ref i31)", "(ref null $c)", "nullexnref", "nullfuncref"];
  const all = [...types, ...concrete];
  const exports = sandbox.instance(`(module (type $s (struct (field i32))) (type $a (array i8)) (type $f (func))
    (type $c (cont $f)) (tag $e)
    (func $f (export "func")) (func (export "struct") (result (ref $s)) (struct.new_default $s))
    (func (export "array") (result (ref $a)) (array.new_default $a (i32.const 3)))
    (func (export "exn") (result exnref) (block $h (result exnref) (try_table (catch_all_ref $h) (throw $e)) (unreachable)))
    ${all.map((type, i) => `(func (export "same${i}") (param ${type}) (result ${type}) (local.get 0))`).join("\n")})`)
    .exports;
  using other = new Sandbox();
  const foreign = other.instance(TAKES_ANYREF).exports;
  const disposed = exports.struct();
  disposed.dispose();
  const values: unknown[] = [
    ...[null, undefined, 0, -0, 1.5, 2 ** 30, "text", 5n, Symbol("s"), true, {}, [], () => 1, new Uint8Array(16)],
    ...[exports.func, exports.struct(), exports.array(), exports.exn(), new I31Ref(3), disposed, foreign.make()],
    ...[foreign.make, sandbox.store, new Tag(sandbox.store, { parameters: [] }), new Proxy({}, {})],
    new Proxy(exports.struct(), {}),
  ];
  let accepted = 0;
  for (let i = 0; i < all.length; i++) {
    for (const value of values) {
      let result: unknown;
      try {
        result = exports[`same${i}`](value);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        continue;
      }
      accepted++;
      // What is let in comes out as it was; small numbers are unboxed scalars inside the guest, and numbers again as externref.
      const isScalar = typeof value === "number" || value instanceof I31Ref;
      assertEquals(
        result === value || isScalar && (typeof result === "number" || result instanceof I31Ref),
        true,
        all[i],
      );
    }
  }
  assertEquals(accepted > all.length, true);
});

Deno.test("functions, linkers and exports of known types are used without casts", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const scale = new Func(store, { parameters: ["i32", "i64"], results: ["f64"] }, (a, b) => a * Number(b));
  const nothing = new Func(store, { parameters: [], results: [] }, () => {});
  const functions: Func[] = [scale, nothing];
  const module = Module.fromText(
    engine,
    `(module (import "m" "scale" (func $f (param i32 i64) (result f64)))
    (func (export "twice") (param i32) (result f64) (call $f (local.get 0) (i64.const 2))))`,
  );
  const linker = new Linker(engine).define("m", "scale", scale);
  const { exports } = linker.instantiate<{ twice(value: number): number }>(store, module);
  const viaObject = new Instance<{ twice(value: number): number }>(store, module, { m: { scale } }).exports;
  const result: number = exports.twice(21) + viaObject.twice(21);
  assertEquals([result, functions.length], [84, 2]);
  new Table(store, { element: "funcref", minimum: 1 }, scale.callable);
  assertEquals(new Global(store, { valueType: "funcref" }, scale.callable).value, scale.callable);
});

Deno.test("what only looks like a shared memory is refused, and what is one is used as V8 made it", () => {
  const good = new SharedMemory({ minimum: 1, maximum: 4 });
  const other = new SharedArrayBuffer(4 * 65536);
  class Disguised extends WebAssembly.Memory {
    override readonly buffer = other as unknown as ArrayBuffer;
  }
  const forged: unknown[] = [
    new Disguised({ initial: 1, maximum: 4, shared: true }),
    new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true }),
    new WebAssembly.Memory({ initial: 1, maximum: 4 }),
    Object.create(WebAssembly.Memory.prototype),
    new Proxy(good.bytes as object, {}),
    other,
    new SharedArrayBuffer(8, { maxByteLength: 65536 }),
    null,
    5,
  ];
  for (const bytes of forged) assertThrows(() => SharedMemory.from({ bytes }), TypeError, "Expected");
  // What machine code believes is not posted: only bytes can be reached, and nothing else that is posted counts.
  assertEquals(Object.keys(structuredClone(good)), ["bytes"]);
  Object.defineProperty(good.bytes, "buffer", { value: other });
  Object.defineProperty(good.bytes, "grow", { value: () => 0n });
  const same = SharedMemory.from({ bytes: good.bytes, record: new SharedArrayBuffer(48) });
  assertEquals(same.grow(1), 1);
  assertEquals([same.byteLength, same.buffer.byteLength, same.buffer === other], [131072, 131072, false]);
});
