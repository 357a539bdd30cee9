import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Func } from "../../mod.ts";
import { outcome, Sandbox, v8Exports } from "./sandbox.ts";

const IDENTITIES = `(module
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "externref") (param externref) (result externref) (local.get 0))
  (func (export "funcref") (param funcref) (result funcref) (local.get 0))
  (func (export "mixed") (param i32 f64 i64 f32) (result f64)
    (f64.add (f64.convert_i32_s (local.get 0)) (f64.add (local.get 1)
      (f64.add (f64.convert_i64_s (local.get 2)) (f64.promote_f32 (local.get 3)))))))`;

/** Values that coercion treats differently. */
const VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -0,
  1,
  -1,
  2 ** 31,
  2 ** 32 + 5,
  -(2 ** 31) - 1,
  1.9,
  -1.9,
  1e300,
  NaN,
  Infinity,
  -Infinity,
  "12",
  "0x10",
  "text",
  "",
  0n,
  1n,
  -1n,
  2n ** 63n,
  2n ** 64n + 3n,
  Symbol.iterator,
  {},
  [],
  [7],
  { valueOf: () => 42 },
  { valueOf: () => 42n },
  {
    valueOf: () => {
      throw new SyntaxError("mine");
    },
  },
  () => 1,
];

Deno.test("exported functions coerce arguments as V8's do", () => {
  using sandbox = new Sandbox();
  const ours = sandbox.instance(IDENTITIES).exports;
  const theirs = v8Exports(IDENTITIES);
  for (const name of ["i32", "i64", "f32", "f64", "externref", "funcref"]) {
    for (const value of VALUES) {
      const expected = outcome(() => theirs[name](value));
      const actual = outcome(() => ours[name](value));
      assert(Object.is(actual, expected), `${name}(${String(value)}): ${String(actual)}, V8: ${String(expected)}`);
    }
    assertEquals(outcome(() => ours[name]()), outcome(() => theirs[name]()));
  }
});

Deno.test("exported functions run valueOf in order, and nothing is called when one throws", () => {
  using sandbox = new Sandbox();
  const calls: string[] = [];
  const instance = sandbox.instance(
    `(module (import "m" "f" (func $f)) (func (export "g") (param i32 f64 i32) (call $f)))`,
    { m: { f: () => void calls.push("guest") } },
  );
  const arg = (name: string) => ({ valueOf: () => (calls.push(name), 1) });
  instance.exports.g(arg("a"), arg("b"), arg("c"), arg("ignored"));
  assertEquals(calls, ["a", "b", "c", "guest"]);
  calls.length = 0;
  assertThrows(() => instance.exports.g(arg("a"), 1n, arg("c")), TypeError);
  assertEquals(calls, ["a"]);
});

Deno.test("arguments that call back into the guest while they are coerced do not disturb each other", () => {
  using sandbox = new Sandbox();
  for (const type of ["i32", "f64"]) {
    const { sub } = sandbox.instance(
      `(module (func (export "sub") (param ${type} ${type}) (result ${type}) (${type}.sub (local.get 0) (local.get 1))))`,
    ).exports;
    assertEquals(sub(100, { valueOf: () => sub(7, 5) }), 98);
    assertEquals(sub({ valueOf: () => sub(7, 5) }, 1), 1);
  }
});

Deno.test("exported functions return nothing, a value, or an array", () => {
  using sandbox = new Sandbox();
  const { none, one, three } = sandbox.instance(`(module
    (func (export "none"))
    (func (export "one") (result i64) i64.const -1)
    (func (export "three") (param f32) (result i32 f32 i64) i32.const 1 local.get 0 i64.const 3))`).exports;
  assertEquals([none(), one(), three(0.5)], [undefined, -1n, [1, 0.5, 3n]]);
});

Deno.test("functions of every arity get their arguments in order", () => {
  using sandbox = new Sandbox();
  for (const type of ["i32", "i64", "f32", "f64"]) {
    for (const count of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17]) {
      // 1 * a + 2 * b + 3 * c ...
      const terms = Array.from(
        { length: count },
        (_, i) => `(${type}.mul (${type}.const ${i + 1}) (local.get ${i})) ${type}.add`,
      ).join(" ");
      const { f } = sandbox.instance(
        `(module (func (export "f") (param ${`${type} `.repeat(count)}) (result ${type}) (${type}.const 0) ${terms}))`,
      ).exports;
      const args = Array.from({ length: count }, (_, i) => 10 + i);
      const expected = args.reduce((sum, arg, i) => sum + arg * (i + 1), 0);
      assertEquals(f.length, count);
      if (type === "i64") assertEquals(f(...args.map(BigInt)), BigInt(expected));
      else assertEquals(f(...args), expected);
    }
  }
});

Deno.test("mixed signatures, many results", () => {
  using sandbox = new Sandbox();
  const { swap, mixed } = sandbox.instance(`(module
    (func (export "swap") (param i32 i64 f32 f64 externref) (result externref f64 f32 i64 i32)
      local.get 4 local.get 3 local.get 2 local.get 1 local.get 0)
    (func (export "mixed") (param i32 f64 i64 f32) (result f64)
      (f64.add (f64.convert_i32_s (local.get 0)) (f64.add (local.get 1)
        (f64.add (f64.convert_i64_s (local.get 2)) (f64.promote_f32 (local.get 3)))))))`).exports;
  const object = { a: 1 };
  assertEquals(swap(1, 2n, 3.5, 4.25, object), [object, 4.25, 3.5, 2n, 1]);
  assertEquals(mixed(1, 0.5, 10n, 0.25), 11.75);
});

Deno.test("an exported function is the same JavaScript function wherever it is met", () => {
  using sandbox = new Sandbox();
  const instance = sandbox.instance(`(module
    (table (export "table") 2 funcref) (elem (i32.const 1) $f)
    (func $f (export "f") (export "again") (result i32) i32.const 7)
    (func (export "ref") (result funcref) (ref.func $f))
    (global (export "global") funcref (ref.func $f)))`);
  const { f, again, ref, table, global } = instance.exports;
  for (const same of [again, ref(), table.get(1), global.value]) assertStrictEquals(same, f);
  assertStrictEquals(Func.of(f), instance.func("f"));
  assertStrictEquals(instance.func("f")!.callable, f);
  assertEquals(instance.func("f")!.call(), 7);
  assertEquals(f.name, "0");
  assertEquals(Func.of(() => {}), undefined);
});

Deno.test("exported functions are no constructors, and hide their source", () => {
  using sandbox = new Sandbox();
  const { f } = sandbox.instance(`(module (func (export "f")))`).exports;
  assertThrows(() => new f(), TypeError);
});

Deno.test("a function refuses references of the wrong kind or of another store", () => {
  using sandbox = new Sandbox();
  using other = new Sandbox();
  const { funcref } = sandbox.instance(IDENTITIES).exports;
  const foreign = other.instance(IDENTITIES).exports.i32;
  assertThrows(() => funcref(foreign), TypeError, "another store");
  assertThrows(() => funcref(() => 1), TypeError);
  assertThrows(() => funcref({}), TypeError);
  assertThrows(() => funcref(undefined), TypeError);
  const func = new Func(sandbox.store, { parameters: ["i32"], results: [] }, () => {});
  assertStrictEquals(funcref(func), func.callable);
  assertEquals(funcref(null), null);
});

Deno.test("instance.exports is frozen, without prototype, in order", () => {
  using sandbox = new Sandbox();
  const { exports } = sandbox.instance(
    `(module (memory (export "z") 1) (func (export "a")) (func (export "toString")) (func (export "")))`,
  );
  assertEquals(Object.keys(exports), ["z", "a", "toString", ""]);
  assertEquals(Object.getPrototypeOf(exports), null);
  assert(Object.isFrozen(exports));
});
