/** v128 between JavaScript and guests: sixteen bytes in a Uint8Array, copied both ways. */

import { assert, assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { type Engine, type EngineConfig, Func, Global } from "../../mod.ts";
import { STRESS } from "../configurations.ts";
import { Sandbox } from "./sandbox.ts";

/** Sixteen bytes that tell which vector and which byte they are. */
const bytes = (seed: number) => Uint8Array.from({ length: 16 }, (_, i) => seed * 16 + i & 0xff);

Deno.test("vectors are sixteen bytes, copied both ways", () => {
  using sandbox = new Sandbox();
  const { f } = sandbox.instance(`(module (func (export "f") (param v128) (result v128) (local.get 0)))`).exports;
  const given = bytes(3);
  const got = f(given);
  assertEquals(got, given);
  assertNotStrictEquals(got, given);
  assertEquals(got.buffer.byteLength, 16);
  const second = f(bytes(4));
  assertEquals(got, bytes(3), "a result stays what it was");
  assertEquals(second, bytes(4));
  assertEquals(f(new Uint8Array(new SharedArrayBuffer(40), 8, 16).fill(7)), new Uint8Array(16).fill(7));
});

Deno.test("anything but a Uint8Array of sixteen bytes is a TypeError", () => {
  using sandbox = new Sandbox();
  const { f } = sandbox.instance(`(module (func (export "f") (param v128) (result v128) (local.get 0)))`).exports;
  const liar = new Uint8Array(4);
  Object.defineProperty(liar, "length", { value: 16 });
  const wrong: unknown[] = [
    undefined,
    null,
    0,
    1n,
    "0123456789abcdef",
    new Uint8Array(15),
    new Uint8Array(17),
    new Uint8ClampedArray(16),
    new Int8Array(16),
    new ArrayBuffer(16),
    Array(16).fill(0),
    Object.create(Uint8Array.prototype),
    liar,
  ];
  for (const value of wrong) assertThrows(() => f(value), TypeError);
  // A subclass is not asked how it wants to be copied.
  class Odd extends Uint8Array<ArrayBuffer> {
    static get [Symbol.species](): Uint8ArrayConstructor {
      throw new Error("asked");
    }
  }
  assertEquals(f(new Odd(bytes(9).buffer)), bytes(9));
});

const CONFIGURATIONS: readonly EngineConfig[] = [
  { checks: "on" },
  { checks: "on", bounds: "explicit" },
  { checks: "on", effort: "none" },
  { checks: "on", ...STRESS },
];

Deno.test("vectors, floats and integers travel together, in registers and on the stack", () => {
  for (const config of CONFIGURATIONS) {
    using sandbox = new Sandbox(config);
    for (let count = 1; count <= 14; count++) {
      for (const pattern of [["v128"], ["v128", "i32"], ["f32", "v128", "i64"], ["i32", "v128", "v128", "f64"]]) {
        const types = Array.from({ length: count }, (_, i) => pattern[i % pattern.length]);
        const values = types.map((type, i) =>
          type === "v128" ? bytes(i) : type === "i64" ? BigInt(i) - 3n : type === "i32" ? i - 5 : i + 0.5
        );
        const list = types.join(" ");
        const gets = (order: number[]) => order.map((i) => `(local.get ${i})`).join(" ");
        const order = types.map((_, i) => i);
        // Through a host function, another function, a table, and blocks with parameters, in the opposite order and back.
        const backwards = [...order].reverse();
        const reversed = [...types].reverse().join(" ");
        let seen: unknown[] = [];
        const { f, indirect } = sandbox.instance(
          `(module
            (type $there (func (param ${list}) (result ${reversed})))
            (type $back (func (param ${reversed}) (result ${list})))
            (import "m" "host" (func $host (type $there)))
            (table funcref (elem $back))
            (func $back (type $back) ${gets(backwards)})
            (func (export "f") (param ${list}) (result ${list})
              (call $back (call $host ${gets(order)})))
            (func (export "indirect") (param ${list}) (result ${list})
              ${gets(backwards)} (block (type $back) (call_indirect (type $back) (i32.const 0)))))`,
          {
            m: {
              host: (...args: unknown[]) => {
                seen = args;
                const results = [...args].reverse();
                return results.length === 1 ? results[0] : results;
              },
            } as never,
          },
        ).exports;
        const wanted = count === 1 ? values[0] : values;
        assertEquals(f(...values), wanted, list);
        assertEquals(seen, values, list);
        assertEquals(indirect(...values), wanted, list);
      }
    }
  }
});

Deno.test("vectors live across calls, host calls and loops", () => {
  for (const config of CONFIGURATIONS) {
    using sandbox = new Sandbox(config);
    const locals = Array.from({ length: 24 }, (_, i) => i);
    const { f } = sandbox.instance(
      `(module
        (import "m" "host" (func $host (param i32) (result i32)))
        (func (export "f") (param i32) (result v128) ${locals.map(() => "(local v128)").join(" ")}
          ${locals.map((i) => `(local.set ${i + 1} (i32x4.splat (i32.const ${i + 1})))`).join("\n")}
          (loop $again
            (drop (call $host (local.get 0)))
            ${
        locals.map((i) => `(local.set ${i + 1} (i32x4.add (local.get ${i + 1}) (local.get ${(i + 1) % 24 + 1})))`)
          .join("\n")
      }
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (br_if $again (local.get 0)))
          ${locals.map((i) => `(local.get ${i + 1})`).join(" ")}
          ${locals.slice(1).map(() => "i32x4.add").join(" ")}))`,
      { m: { host: (x: number) => x } },
    ).exports;
    const words = locals.map((i) => i + 1);
    for (let round = 0; round < 5; round++) for (const i of locals) words[i] = words[i] + words[(i + 1) % 24] | 0;
    const sum = words.reduce((x, y) => x + y | 0);
    assertEquals(new Int32Array(f(5).buffer), Int32Array.of(sum, sum, sum, sum));
  }
});

Deno.test("vectors travel through tail calls of other argument lists", () => {
  for (const config of CONFIGURATIONS) {
    using sandbox = new Sandbox(config);
    const many = Array.from({ length: 11 }, (_, i) => i);
    const list = many.map((i) => i % 3 === 1 ? "i32" : "v128").join(" ");
    const { f } = sandbox.instance(
      `(module
        (type $many (func (param ${list}) (result v128 i32 v128)))
        (table funcref (elem $many))
        (func $few (param v128 i32) (result v128 i32 v128)
          (return_call_indirect (type $many) ${
        many.map((i) =>
          i % 3 === 1
            ? `(i32.add (local.get 1) (i32.const ${i}))`
            : `(i32x4.add (local.get 0) (i32x4.splat (i32.const ${i})))`
        ).join(" ")
      } (i32.const 0)))
        (func $many (type $many)
          (if (i32.lt_s (local.get 1) (i32.const 40))
            (then (return_call $few (i32x4.add (local.get 9) (local.get 8)) (local.get 10))))
          (local.get 8) (local.get 10) (local.get 9))
        (func (export "f") (param v128 i32) (result v128 i32 v128)
          (return_call $few (local.get 0) (local.get 1))))`,
    ).exports;
    const splat = (word: number) => new Uint8Array(Int32Array.of(word, word, word, word).buffer);
    // Each round: x becomes (x + 9) + (x + 8), n becomes n + 10.
    let x = 3, n = -5;
    while (n + 1 < 40) [x, n] = [2 * x + 17, n + 10];
    assertEquals(f(splat(3), -5), [splat(x + 8), n + 10, splat(x + 9)]);
  }
});

Deno.test("objects and exceptions carry vectors", () => {
  for (const config of CONFIGURATIONS) {
    using sandbox = new Sandbox(config);
    const { field, initial, element, thrown } = sandbox.instance(
      `(module
        (type $s (struct (field i8) (field (mut v128)) (field i64)))
        (type $a (array (mut v128)))
        (tag $t (param i32 v128 f32))
        (func (export "field") (param v128) (result v128) (local (ref null $s))
          (local.set 1 (struct.new $s (i32.const 1) (local.get 0) (i64.const 5)))
          (struct.set $s 1 (local.get 1) (i32x4.add (struct.get $s 1 (local.get 1)) (i32x4.splat (i32.const 1))))
          (struct.get $s 1 (local.get 1)))
        (func (export "initial") (result v128) (struct.get $s 1 (struct.new_default $s)))
        (func (export "element") (param v128 i32) (result v128) (local (ref null $a))
          (local.set 2 (array.new $a (local.get 0) (i32.const 7)))
          (array.set $a (local.get 2) (i32.const 3) (i32x4.splat (i32.const 9)))
          (i32x4.add (array.get $a (local.get 2) (local.get 1)) (array.get $a (local.get 2) (i32.const 0))))
        (func $throw (param v128) (throw $t (i32.const 4) (local.get 0) (f32.const 2)))
        (func (export "thrown") (param v128) (result v128) (local v128)
          (local.set 1 (i32x4.splat (i32.const 100)))
          (block $caught (result i32 v128 f32)
            (try_table (catch $t $caught) (call $throw (local.get 0)))
            unreachable)
          drop
          (local.set 0)
          drop
          (i32x4.add (local.get 0) (local.get 1))))`,
    ).exports;
    const vector = (...words: number[]) => new Uint8Array(Int32Array.from(words).buffer);
    const given = vector(1, 2, 3, 4);
    assertEquals(field(given), vector(2, 3, 4, 5));
    assertEquals(initial(), new Uint8Array(16));
    assertEquals(element(given, 3), vector(10, 11, 12, 13));
    assertEquals(element(given, 6), vector(2, 4, 6, 8));
    assertEquals(thrown(given), vector(101, 102, 103, 104));
  }
});

Deno.test("globals hold vectors, for guest and JavaScript", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const shared = new Global(store, { valueType: "v128", mutability: "var" });
  assertEquals(shared.value, new Uint8Array(16));
  shared.value = bytes(1);
  const { own, get, set, constant } = sandbox.instance(
    `(module
      (import "m" "shared" (global $shared (mut v128)))
      (global (export "own") v128 (v128.const i64x2 1 2))
      (global $copy v128 (v128.const f32x4 1 -0 inf nan))
      (func (export "get") (result v128) (global.get $shared))
      (func (export "constant") (result v128) (global.get $copy))
      (func (export "set") (param v128) (global.set $shared (local.get 0))))`,
    { m: { shared } },
  ).exports;
  assertEquals(get(), bytes(1));
  set(bytes(2));
  assertEquals(shared.value, bytes(2));
  assertEquals(new BigInt64Array(own.value.buffer), BigInt64Array.of(1n, 2n));
  assertEquals([...new Uint32Array(constant().buffer)], [0x3f800000, 0x80000000, 0x7f800000, 0x7fc00000]);
  assertThrows(() => shared.value = new Uint8Array(3), TypeError);
  assertEquals(shared.type, { valueType: "v128", mutability: "var" });
});

Deno.test("a Func with vectors is called by guests and by JavaScript", () => {
  using sandbox = new Sandbox();
  const sum = new Func(
    sandbox.store,
    { parameters: ["v128", "v128"], results: ["v128"] } as const,
    (a, b) => a.map((byte, i) => byte + b[i]),
  );
  const { f } = sandbox.instance(
    `(module (import "m" "sum" (func (param v128 v128) (result v128)))
      (func (export "f") (param v128 v128) (result v128) (call 0 (local.get 1) (local.get 0))))`,
    { m: { sum: sum as unknown as Func } },
  ).exports;
  const wanted = bytes(1).map((byte, i) => byte + bytes(5)[i]);
  assertEquals(f(bytes(1), bytes(5)), wanted);
  const bad = new Func(sandbox.store, { parameters: [], results: ["v128"] } as const, () => new Uint8Array(8));
  const { g } = sandbox.instance(
    `(module (import "m" "bad" (func (result v128))) (func (export "g") (result v128) (call 0)))`,
    { m: { bad: bad as unknown as Func } },
  ).exports;
  assertThrows(() => g(), TypeError, "16 bytes");
});

Deno.test("an engine without vectors refuses them", () => {
  using sandbox = new Sandbox({ features: ["bulk-memory"] });
  const engine: Engine = sandbox.engine;
  assert(engine !== undefined);
  assertThrows(() => sandbox.module(`(module (func (param v128)))`), Error, "simd");
});
