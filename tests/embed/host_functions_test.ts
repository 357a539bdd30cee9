import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type Caller, Func, Instance, Linker, Memory, Trap } from "../../mod.ts";
import { Sandbox } from "./sandbox.ts";

Deno.test("host functions of every arity and kind get their arguments in order", () => {
  using sandbox = new Sandbox();
  const values: Record<string, [literal: string, value: unknown][]> = {
    i32: [["-1", -1], ["7", 7], ["0x7fffffff", 0x7fffffff]],
    i64: [["-1", -1n], ["0x7fffffffffffffff", 2n ** 63n - 1n]],
    f32: [["0.5", 0.5], ["-inf", -Infinity], ["-0", -0]],
    f64: [["0.1", 0.1], ["nan", NaN], ["1e300", 1e300]],
  };
  const kinds = Object.keys(values);
  for (let count = 0; count <= 12; count++) {
    for (const uniform of [...kinds, "mixed"]) {
      const params = Array.from({ length: count }, (_, i) => uniform === "mixed" ? kinds[i % 4] : uniform);
      const chosen = params.map((kind, i) => values[kind][i % values[kind].length]);
      let got: unknown[] = [];
      const { f } = sandbox.instance(
        `(module (import "m" "f" (func (param ${params.join(" ")})))
          (func (export "f") ${chosen.map(([literal], i) => `(${params[i]}.const ${literal})`).join(" ")} call 0))`,
        { m: { f: (...args: never[]) => void (got = args) } },
      ).exports;
      f();
      assertEquals(got, chosen.map(([, value]) => value));
    }
  }
});

Deno.test("host results are coerced to the import's type", () => {
  using sandbox = new Sandbox();
  let result: unknown;
  const imports = {
    m: { i32: () => result, i64: () => result, f32: () => result, f64: () => result, none: () => result },
  };
  const instance = sandbox.instance(
    `(module
      (import "m" "i32" (func (result i32))) (import "m" "i64" (func (result i64)))
      (import "m" "f32" (func (result f32))) (import "m" "f64" (func (result f64))) (import "m" "none" (func))
      (func (export "i32") (result i32) call 0) (func (export "i64") (result i64) call 1)
      (func (export "f32") (result f32) call 2) (func (export "f64") (result f64) call 3) (func (export "none") call 4))`,
    imports as never,
  ).exports;
  const returns = (value: unknown, name: string) => {
    result = value;
    return instance[name]();
  };
  assertEquals(returns(2 ** 32 + 3, "i32"), 3);
  assertEquals(returns(undefined, "i32"), 0);
  assertEquals(returns({ valueOf: () => 5 }, "i32"), 5);
  assertEquals(returns(2n ** 64n - 1n, "i64"), -1n);
  assertThrows(() => returns(1, "i64"), TypeError);
  assertThrows(() => returns(1n, "i32"), TypeError);
  assertEquals(returns(0.1, "f32"), Math.fround(0.1));
  assertEquals(returns("2.5", "f64"), 2.5);
  assertEquals(returns("ignored", "none"), undefined);
  for (const name of ["i32", "i64", "f32", "f64", "none"]) {
    assertThrows(() => returns(Promise.resolve(1), name), TypeError, "Promise");
  }
});

Deno.test("several host results are an array, or any iterable, of exactly their number", () => {
  using sandbox = new Sandbox();
  let result: unknown;
  const { f } = sandbox.instance(
    `(module (import "m" "f" (func (result i32 f64))) (func (export "f") (result i32 f64) call 0))`,
    { m: { f: () => result } } as never,
  ).exports;
  for (const good of [[1, 2.5], new Set([1, 2.5]), ["1", { valueOf: () => 2.5 }]]) {
    result = good;
    assertEquals(f(), [1, 2.5]);
  }
  for (const bad of [undefined, 1, null, [], [1], [1, 2, 3], {}, "1"]) {
    result = bad;
    assertThrows(() => f(), TypeError);
  }
});

Deno.test("what a host function throws arrives as it is, through any number of guests, and the store goes on", () => {
  using sandbox = new Sandbox();
  let thrown: unknown;
  const depth = (instance: Instance, n: number): unknown => instance.exports.again(n);
  const instance: Instance = sandbox.instance(
    `(module (import "m" "f" (func $f (param i32) (result i32)))
      (func (export "again") (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0)))))`,
    {
      m: {
        f: (n: number) => {
          if (n === 0) throw thrown;
          return depth(instance, n - 1) as number;
        },
      },
    },
  );
  for (thrown of [new Error("mine"), undefined, "text", 5n, Object.freeze({})]) {
    for (const n of [0, 1, 10]) {
      try {
        instance.exports.again(n);
        assert(false);
      } catch (error) {
        assertStrictEquals(error, thrown);
      }
    }
  }
});

Deno.test("host and guest nest thousands of levels deep and end with an error that can be caught", () => {
  // Each level has a stack of its own.
  using sandbox = new Sandbox({}, { limits: { totalStackBytes: Infinity } });
  let levels = 0;
  let limit = Infinity;
  const instance: Instance = sandbox.instance(
    `(module (import "m" "f" (func $f (param i32) (result i32)))
      (func (export "again") (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0)))))`,
    {
      m: {
        f: (n: number) => {
          levels = Math.max(levels, n);
          return n >= limit ? 0 : instance.exports.again(n + 1);
        },
      },
    },
  );
  const error = assertThrows(() => instance.exports.again(0), RangeError);
  assert(!(error instanceof Trap));
  assert(levels > 1000, `${levels} levels`);
  for (let round = 0; round < 3; round++) {
    limit = 500;
    assertEquals(instance.exports.again(0), 501);
    limit = Infinity;
    assertThrows(() => instance.exports.again(0), RangeError);
  }
});

Deno.test("a trap inside a nested call can be caught by the host function in between", () => {
  using sandbox = new Sandbox();
  const instance: Instance = sandbox.instance(
    `(module (import "m" "f" (func $f (result i32)))
      (func (export "outer") (result i32) (i32.add (i32.const 100) (call $f)))
      (func (export "trap") unreachable))`,
    {
      m: {
        f: () => {
          const trap: Trap = assertThrows(() => instance.exports.trap(), Trap);
          assertEquals(trap.frames.map(({ functionName }) => functionName), ["trap", "outer"]);
          return 5;
        },
      },
    },
  );
  assertEquals(instance.exports.outer(), 105);
});

Deno.test("a host function with passCaller sees the exports of the instance that called it", () => {
  using sandbox = new Sandbox();
  const { store, engine } = sandbox;
  const callers: Caller[] = [];
  const linker = new Linker(engine).defineFunc(
    "m",
    "first",
    { parameters: ["i32"], results: ["i32"] },
    (caller, offset) => {
      callers.push(caller);
      return caller.memory!.view[offset];
    },
    { passCaller: true },
  );
  const text = (byte: string) =>
    `(module (import "m" "first" (func $f (param i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 9) "${byte}")
      (func (export "run") (result i32) (call $f (i32.const 9)))
      (table (export "t") 1 funcref) (elem (i32.const 0) $f))`;
  const [a, b] = ["a", "b"].map((byte) => linker.instantiate(store, sandbox.module(text(byte))));
  assertEquals([a.exports.run(), b.exports.run(), a.exports.run()], [97, 98, 97]);
  assertStrictEquals(callers[0].instance, a);
  assertStrictEquals(callers[1].instance, b);
  assertStrictEquals(callers[0].store, store);
  assertStrictEquals(callers[0].getExport("run"), a.exports.run);
  assertEquals(callers[0].getExport("nothing"), undefined);
  // Called from JavaScript there is no calling instance.
  assertThrows(() => a.exports.t.get(0)(9), TypeError);
  assertEquals(callers.at(-1)!.instance, undefined);
});

Deno.test("a caller is known while the start function runs", () => {
  using sandbox = new Sandbox();
  const linker = new Linker(sandbox.engine);
  let seen: unknown;
  linker.defineFunc("m", "f", { parameters: [], results: [] }, (caller) => {
    seen = [caller.instance instanceof Instance, caller.memory instanceof Memory, caller.memory?.view[0]];
  }, { passCaller: true });
  linker.instantiate(
    sandbox.store,
    sandbox.module(
      `(module (import "m" "f" (func $f)) (memory (export "memory") 1) (data (i32.const 0) "\\05")
        (func $s (call $f)) (start $s))`,
    ),
  );
  assertEquals(seen, [true, true, 5]);
});

Deno.test("a host function in a table is called by guests, also of a type that no module has", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const { table, call } = sandbox.instance(
    `(module (table (export "table") 4 funcref) (type $t (func (param i32 f64) (result f64)))
      (func (export "call") (param i32) (result f64) (call_indirect (type $t) (i32.const 3) (f64.const 0.5) (local.get 0))))`,
  ).exports;
  table.set(0, new Func(store, { parameters: ["i32", "f64"], results: ["f64"] }, (a, b) => a * b));
  table.set(1, new Func(store, { parameters: ["f32", "externref", "i64"], results: ["i32", "i32"] }, () => [1, 2]));
  assertEquals(call(0), 1.5);
  const trap = assertThrows(() => call(1), Trap);
  assertEquals(trap.code, "indirect_call_type_mismatch");
  assertEquals(table.get(1)(1, "x", 2n), [1, 2]);
});

Deno.test("a host function called from JavaScript coerces in both directions", () => {
  using sandbox = new Sandbox();
  let got: unknown[] = [];
  const func = new Func(sandbox.store, { parameters: ["i32", "f32", "externref"], results: ["i32"] }, (...args) => {
    got = args;
    return 2 ** 32 + 7;
  });
  assertEquals(func.call(["3" as never, 0.1, null]), 7);
  assertEquals(got, [3, Math.fround(0.1), null]);
  assertThrows(() => func.call([1n as never, 0, 0]), TypeError);
  assertEquals(func.callable.length, 3);
});

Deno.test("NaN payloads of f64 survive host functions, signalling ones too", () => {
  using sandbox = new Sandbox();
  const { f } = sandbox.instance(
    `(module (import "m" "f" (func $f (param f64) (result f64)))
      (func (export "f") (param i64) (result i64) (i64.reinterpret_f64 (call $f (f64.reinterpret_i64 (local.get 0))))))`,
    { m: { f: (x: number) => x } },
  ).exports;
  for (const bits of [0x7ff8000000000000n, 0x7ff8000000000123n, 0x7ff4000000000001n]) {
    const result = BigInt.asUintN(64, f(bits));
    assertEquals(result & 0x7ff0000000000000n, 0x7ff0000000000000n);
    assert((result & 0xfffffffffffffn) !== 0n);
  }
});

Deno.test("host functions hold for millions of calls with garbage in between", () => {
  using sandbox = new Sandbox();
  let total = 0;
  const { run } = sandbox.instance(
    `(module (import "m" "f" (func $f (param i32 externref) (result i32)))
      (func (export "run") (param i32 externref) (result i32) (local i32)
        (loop (local.set 2 (i32.add (local.get 2) (call $f (local.get 0) (local.get 1))))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 2)))`,
    {
      m: {
        f: (n: number, object: { step: number }) => {
          total += [n].length;
          return object.step;
        },
      },
    },
  ).exports;
  assertEquals(run(300_000, { step: 2 }), 600_000);
  assertEquals(total, 300_000);
});
