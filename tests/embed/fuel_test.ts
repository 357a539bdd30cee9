/** Fuel: counted to the unit, the same at every effort, by size for ranges; the store goes on when it is used up. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Engine, type EngineConfig, Func, Instance, Module, Store, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";

const EFFORTS: readonly EngineConfig[] = [
  { effort: "speed" },
  { effort: "none" },
  { effort: "speed", bounds: "explicit" },
  { effort: "speed", interruption: true },
];

/** What calls take, in engines of every kind, and their results; all must agree. */
function used(text: string, calls: readonly (readonly [name: string, ...args: unknown[]])[]): number[] {
  const all = EFFORTS.map((config) => {
    using engine = new Engine({ ...config, fuel: true, checks: "on" });
    using store = new Store(engine);
    const { exports } = new Instance(store, new Module(engine, wat(text)), { m: { host: () => {} } });
    const results: unknown[] = [];
    const fuel = calls.map(([name, ...args]) => {
      store.fuel = 1_000_000;
      try {
        results.push(exports[name](...args));
      } catch (error) {
        if (!(error instanceof Trap)) throw error;
        results.push(error.code);
      }
      return 1_000_000 - store.fuel;
    });
    return { fuel, results };
  });
  for (const one of all) assertEquals(one, all[0]);
  return all[0].fuel;
}

Deno.test("straight code takes one for each operation that does something", () => {
  assertEquals(
    used(
      `(module
        (func (export "nothing"))
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "unused") (param i32) (drop (i32.add (local.get 0) (i32.const 1))) (nop) (block))
        (func (export "constant") (result i32) (i32.mul (i32.const 6) (i32.const 7)))
        (func $one (result i32) (i32.const 1))
        (func (export "calls") (result i32) (i32.add (call $one) (call $one))))`,
      [["nothing"], ["add", 1, 2], ["unused", 1], ["constant"], ["calls"]],
    ),
    [0, 3, 3, 3, 5],
  );
});

Deno.test("arms, loops and branches take what is run through", () => {
  assertEquals(
    used(
      `(module
        (func (export "if") (param i32) (result i32)
          (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.add (i32.const 1) (i32.const 2)))))
        (func (export "loop") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "early") (param i32) (block (br_if 0 (local.get 0)) (drop (i32.const 1)) (drop (i32.const 2))) (drop (i32.const 3)))
        (func (export "table") (param i32) (result i32)
          (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10))) (return (i32.add (i32.const 1) (i32.const 1))))
          (i32.const 5)))`,
      [["if", 1], ["if", 0], ["loop", 1], ["loop", 100], ["early", 1], ["early", 0], ["table", 0], ["table", 1], [
        "table",
        2,
      ]],
    ),
    [3, 5, 5, 500, 3, 5, 3, 5, 3],
  );
});

Deno.test("ranges take by size, whether or not their length is known", () => {
  assertEquals(
    used(
      `(module (memory 20) (table $t 1000 funcref) (type $a (array (mut i32)))
        (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
        (func (export "fill 128") (memory.fill (i32.const 0) (i32.const 1) (i32.const 128)))
        (func (export "copy") (param i32) (memory.copy (i32.const 8) (i32.const 0) (local.get 0)))
        (func (export "table") (param i32) (table.fill $t (i32.const 0) (ref.null func) (local.get 0)))
        (func (export "array") (param i32) (result i32) (array.len (array.new_default $a (local.get 0)))))`,
      [["fill", 0], ["fill", 6400], ["fill", 1 << 20], ["fill 128"], ["copy", 640], ["table", 800], ["array", 80]],
    ),
    [4, 104, 4 + (1 << 14), 6, 14, 104, 13],
  );
});

Deno.test("references live through what ranges take", () => {
  assertEquals(
    used(
      `(module (type $a (array (mut i32)))
        (func (export "copy") (param i32) (result i32) (local $to (ref null $a)) (local $from (ref null $a))
          (local.set $to (array.new_default $a (local.get 0)))
          (local.set $from (array.new $a (i32.const 5) (local.get 0)))
          (array.copy $a $a (local.get $to) (i32.const 0) (local.get $from) (i32.const 0) (local.get 0))
          (array.fill $a (local.get $from) (i32.const 0) (i32.const 3) (local.get 0))
          (i32.add (array.get $a (local.get $to) (i32.const 0)) (array.get $a (local.get $from) (i32.const 0)))))`,
      [["copy", 1], ["copy", 800]],
    ),
    [25, 425],
  );
});

Deno.test("traps, exceptions and dead code are counted alike at every effort", () => {
  used(
    `(module (import "m" "host" (func $host)) (memory 1) (tag $e (param i32))
      (func (export "trap") (param i32) (result i32)
        (i32.add (i32.load (local.get 0)) (i32.div_u (i32.const 1) (local.get 0))))
      (func $throws (param i32) (if (local.get 0) (then (throw $e (local.get 0)))))
      (func (export "catch") (param i32) (result i32)
        (block $h (result i32) (try_table (catch $e $h) (call $throws (local.get 0)) (call $host)) (i32.const 7)))
      (func (export "legacy") (param i32) (result i32)
        (try (result i32) (do (call $throws (local.get 0)) (i32.const 1)) (catch $e (i32.add (i32.const 1)))))
      (func (export "dead") (param i32) (result i32)
        (if (i32.const 0) (then (local.set 0 (i32.const 5)) (call $host)))
        (if (i32.eqz (i32.const 0)) (then (return (local.get 0))))
        (unreachable))
      (func (export "invariant") (param i32 i32) (result i32) (local i32)
        (loop (local.set 2 (i32.add (local.get 2) (i32.div_u (i32.const 1000) (local.get 1))))
          (drop (i32.load (i32.const 8))) (drop (i32.const 1))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 2)))`,
    [
      ["trap", 0],
      ["trap", 1],
      ["trap", -1],
      ["catch", 0],
      ["catch", 3],
      ["legacy", 0],
      ["legacy", 3],
      ["dead", 1],
      ["invariant", 10, 3],
      ["invariant", 10, 0],
    ],
  );
});

Deno.test("a guest without fuel traps at the same place at every effort, and goes on with more", () => {
  const outcomes = EFFORTS.map((config) => {
    using engine = new Engine({ ...config, fuel: true });
    using store = new Store(engine);
    const module = new Module(
      engine,
      wat(`(module (global $n (export "n") (mut i32) (i32.const 0)) (memory 1)
        (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "count") (loop (global.set $n (call $leaf (global.get $n))) (br 0)))
        (func (export "down") (param i32) (global.set $n (local.get 0)) (call 2 (i32.add (local.get 0) (i32.const 1))))
        (func (export "fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))))`),
    );
    const { count, down, fill, n } = new Instance(store, module).exports;
    const seen: unknown[] = [];
    for (const fuel of [0, 1, 10, 999, 12345]) {
      for (const run of [() => count(), () => down(0), () => fill()]) {
        n.value = 0;
        store.fuel = fuel;
        try {
          run();
          seen.push("done");
        } catch (error) {
          if (!(error instanceof Trap)) throw error;
          seen.push(error.code, error.frames.length > 0);
          assertEquals(store.fuel, 0);
        }
        seen.push(n.value, store.fuel);
      }
    }
    return seen;
  });
  for (const outcome of outcomes) assertEquals(outcome, outcomes[0]);
  assert(outcomes[0].includes("out_of_fuel") && outcomes[0].includes("done"));
});

Deno.test("nested calls and host functions take from the same fuel", () => {
  using engine = new Engine({ fuel: true });
  using store = new Store(engine);
  const seen: number[] = [];
  const host = new Func(store, { parameters: [], results: [] }, () => {
    seen.push(store.fuel);
    instance.exports.work();
    seen.push(store.fuel);
    store.consumeFuel(100);
    seen.push(store.fuel);
  });
  const module = new Module(
    engine,
    wat(`(module (import "m" "host" (func $host))
      (func (export "work") (drop (i32.const 1)) (drop (i32.const 2)))
      (func (export "run") (call $host) (drop (i32.const 1)) (call $host)))`),
  );
  const instance: Instance = new Instance(store, module, { m: { host } });
  store.fuel = 1000;
  instance.exports.run();
  assertEquals(seen, [997, 995, 895, 895, 893, 793]);
  assertEquals(store.fuel, 793);
  store.fuel = 103;
  assertThrows(() => instance.exports.run(), Trap, "fuel");
  assertEquals(store.fuel, 0);
  // A host function may refuel.
  let calls = 0;
  const refuel = new Func(store, { parameters: [], results: [] }, () => {
    if (++calls < 50) store.fuel = 10;
  });
  const spin = new Instance(
    store,
    new Module(engine, wat(`(module (import "m" "f" (func $f)) (func (export "f") (loop (call $f) (br 0))))`)),
    {
      m: { f: refuel },
    },
  ).exports.f;
  store.fuel = 10;
  assertThrows(() => spin(), Trap, "fuel");
  assertEquals(calls, 54);
});

Deno.test("large amounts are exact", () => {
  using engine = new Engine({ fuel: true });
  using store = new Store(engine);
  const { f } =
    new Instance(store, new Module(engine, wat(`(module (func (export "f") (drop (i32.const 1))))`))).exports;
  for (const fuel of [Number.MAX_SAFE_INTEGER, 2 ** 32, 2 ** 31, 2 ** 32 + 1, 1]) {
    store.fuel = fuel;
    f();
    assertEquals(store.fuel, fuel - 1);
  }
});

Deno.test("fuel that is none is refused, and so are modules compiled otherwise", () => {
  using engine = new Engine({ fuel: true });
  using plainEngine = new Engine();
  using store = new Store(engine);
  using plain = new Store(plainEngine);
  assertEquals(store.fuel, 0);
  assertThrows(() => store.fuel = "1" as never, TypeError);
  for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => store.fuel = wrong, RangeError);
    assertThrows(() => store.consumeFuel(wrong), RangeError);
  }
  assertThrows(() => plain.fuel, TypeError, "fuel: true");
  assertThrows(() => plain.fuel = 1, TypeError, "fuel: true");
  assertThrows(() => plain.consumeFuel(1), TypeError, "fuel: true");
  assertThrows(() => new Engine({ fuel: 1 as never }), TypeError, "fuel");
  const bytes = wat(`(module (func (export "f") (loop)))`);
  assertThrows(
    () => Module.deserialize(plainEngine, new Module(engine, bytes).serialize(), { trusted: true }),
    Error,
    "with fuel",
  );
  assertThrows(
    () => Module.deserialize(engine, new Module(plainEngine, bytes).serialize(), { trusted: true }),
    Error,
    "without fuel",
  );
  Module.deserialize(engine, new Module(engine, bytes).serialize(), { trusted: true });
  store.fuel = 5;
  store.consumeFuel(5);
  assertEquals(store.fuel, 0);
  assertThrows(() => store.consumeFuel(1), Trap, "fuel");
});
