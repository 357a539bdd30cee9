/** Long operations on ranges: interrupted between chunks, with collections, growth and dropped segments there, they do what they do at once. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { storeOf } from "../../lib/engine/store.ts";
import { requestInterrupt } from "../../lib/runtime/interrupt.ts";
import { Engine, FEATURES, Instance, Module, Store, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";

/** More than a chunk of elements, and more than two of bytes. */
const ELEMENTS = 70_000, BYTES = 2_200_000;

/** Operations by name: the instructions, and the type of the array that they give, if any. */
const OPERATIONS: Readonly<Record<string, readonly [body: string, array?: "ints" | "refs" | "vectors" | "funcs"]>> = {
  "memory.fill": [`(memory.fill $m (i32.const 5) (i32.const 77) (i32.const ${BYTES}))`],
  "memory.copy up": [`(memory.copy $m $m (i32.const 1000) (i32.const 3) (i32.const ${BYTES}))`],
  "memory.copy down": [`(memory.copy $m $m (i32.const 3) (i32.const 1000) (i32.const ${BYTES}))`],
  "memory.copy to another": [`(memory.copy $m2 $m (i32.const 7) (i32.const 9) (i32.const ${BYTES}))`],
  "memory.init": [`(memory.init $m $bytes (i32.const 11) (i32.const 1) (i32.const ${BYTES}))`],
  "table.fill of functions": [`(table.fill $f (i32.const 3) (ref.func $g) (i32.const ${ELEMENTS}))`],
  "table.fill of references": [`(table.fill $r (i32.const 3) (struct.new $box (i32.const 5)) (i32.const ${ELEMENTS}))`],
  "table.copy of functions up": [`(table.copy $f $f (i32.const 9) (i32.const 1) (i32.const ${ELEMENTS}))`],
  "table.copy of functions down": [`(table.copy $f $f (i32.const 1) (i32.const 9) (i32.const ${ELEMENTS}))`],
  "table.copy of references up": [`(table.copy $r $r (i32.const 9) (i32.const 1) (i32.const ${ELEMENTS}))`],
  "table.copy of references down": [`(table.copy $r $r (i32.const 1) (i32.const 9) (i32.const ${ELEMENTS}))`],
  "table.init of functions": [`(table.init $f $funcs (i32.const 3) (i32.const 1) (i32.const ${ELEMENTS}))`],
  "table.init of references": [`(table.init $r $boxes (i32.const 3) (i32.const 1) (i32.const ${ELEMENTS}))`],
  "table.grow by functions": [`(drop (table.grow $gf (ref.func $g) (i32.const ${ELEMENTS})))`],
  "table.grow by references": [`(drop (table.grow $gr (struct.new $box (i32.const 6)) (i32.const ${ELEMENTS})))`],
  "array.new": [`(array.new $ints (i32.const 7) (i32.const ${ELEMENTS}))`, "ints"],
  "array.new of references": [`(array.new $refs (struct.new $box (i32.const 8)) (i32.const ${ELEMENTS}))`, "refs"],
  "array.new of vectors": [`(array.new $vectors (v128.const i32x4 1 2 3 4) (i32.const ${ELEMENTS}))`, "vectors"],
  "array.new of functions": [`(array.new $funcs (ref.func $g) (i32.const ${ELEMENTS}))`, "funcs"],
  "array.new_data": [`(array.new_data $ints $bytes (i32.const 2) (i32.const ${ELEMENTS}))`, "ints"],
  "array.new_elem": [`(array.new_elem $refs $boxes (i32.const 2) (i32.const ${ELEMENTS}))`, "refs"],
  "array.fill": [
    `(local.set $ints (array.new_default $ints (i32.const ${ELEMENTS + 9})))
     (array.fill $ints (local.get $ints) (i32.const 4) (i32.const 9) (i32.const ${ELEMENTS})) (local.get $ints)`,
    "ints",
  ],
  "array.fill of references": [
    `(local.set $refs (array.new_default $refs (i32.const ${ELEMENTS + 9})))
     (array.fill $refs (local.get $refs) (i32.const 4) (struct.new $box (i32.const 9)) (i32.const ${ELEMENTS})) (local.get $refs)`,
    "refs",
  ],
  "array.copy up": [
    `(local.set $refs (array.new_elem $refs $boxes (i32.const 0) (i32.const ${ELEMENTS + 9})))
     (call $raise)
     (array.copy $refs $refs (local.get $refs) (i32.const 9) (local.get $refs) (i32.const 2) (i32.const ${ELEMENTS}))
     (local.get $refs)`,
    "refs",
  ],
  "array.copy down": [
    `(local.set $refs (array.new_elem $refs $boxes (i32.const 0) (i32.const ${ELEMENTS + 9})))
     (call $raise)
     (array.copy $refs $refs (local.get $refs) (i32.const 2) (local.get $refs) (i32.const 9) (i32.const ${ELEMENTS}))
     (local.get $refs)`,
    "refs",
  ],
  "array.init_data": [
    `(local.set $ints (array.new_default $ints (i32.const ${ELEMENTS + 9})))
     (array.init_data $ints $bytes (local.get $ints) (i32.const 4) (i32.const 3) (i32.const ${ELEMENTS})) (local.get $ints)`,
    "ints",
  ],
  "array.init_elem": [
    `(local.set $refs (array.new_default $refs (i32.const ${ELEMENTS + 9})))
     (array.init_elem $refs $boxes (local.get $refs) (i32.const 4) (i32.const 3) (i32.const ${ELEMENTS})) (local.get $refs)`,
    "refs",
  ],
};
const NAMES = Object.keys(OPERATIONS);

const kinds = ["ints", "refs", "vectors", "funcs"] as const;

const TEXT = `(module
  (type $box (struct (field i32)))
  (type $ints (array (mut i32))) (type $refs (array (mut (ref null $box)))) (type $vectors (array (mut v128)))
  (type $funcs (array (mut funcref)))
  (import "m" "raise" (func $raise))
  (memory $m (export "memory") 50) (memory $m2 50)
  (table $f 75000 funcref) (table $r 75000 (ref null $box)) (table $gf 3 funcref) (table $gr 3 (ref null $box))
  (data $bytes "${"0123456789abcdefghijk".repeat(Math.ceil((BYTES + 10) / 21))}")
  (elem $funcs func ${"$h $g $h $h ".repeat(Math.ceil((ELEMENTS + 10) / 4))})
  (elem $boxes (ref null $box) ${
  "(item (ref.null $box)) (item (struct.new $box (i32.const 3))) ".repeat(ELEMENTS / 2 + 10)
})
  (global $hash (mut i32) (i32.const 0)) (global $isDone (export "isDone") (mut i32) (i32.const 0))
  (func $g (result i32) (i32.const 11)) (func $h (result i32) (i32.const 12))
  (func $mix (param i32)
    (global.set $hash (i32.add (i32.mul (global.get $hash) (i32.const 31)) (local.get 0))))
  (func $value (param (ref null $box)) (result i32)
    (if (result i32) (ref.is_null (local.get 0)) (then (i32.const -1)) (else (struct.get $box 0 (local.get 0)))))
  (func (export "prepare") (local $i i32)
    (loop $l (i32.store $m (local.get $i) (i32.mul (local.get $i) (i32.const 0x9e3779b1)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 2300000))))
    (local.set $i (i32.const 0))
    (loop $l
      (table.set $f (local.get $i) (if (result funcref) (i32.rem_u (local.get $i) (i32.const 3)) (then (ref.func $g)) (else (ref.func $h))))
      (table.set $r (local.get $i) (struct.new $box (local.get $i)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 75000)))))
  (func (export "hash tables") (result i32) (local $i i32)
    (global.set $hash (i32.const 1))
    (loop $l
      (call $mix (if (result i32) (ref.is_null (table.get $f (local.get $i))) (then (i32.const 0)) (else (call_indirect $f (result i32) (local.get $i)))))
      (call $mix (call $value (table.get $r (local.get $i))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 75000))))
    (local.set $i (i32.const 0))
    (call $mix (table.size $gf)) (call $mix (table.size $gr))
    (loop $l
      (if (i32.lt_u (local.get $i) (table.size $gf)) (then
        (call $mix (ref.is_null (table.get $gf (local.get $i))))))
      (if (i32.lt_u (local.get $i) (table.size $gr)) (then
        (call $mix (call $value (table.get $gr (local.get $i))))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 150000))))
    (global.get $hash))
  (func (export "hash memories") (result i32) (local $i i32)
    (global.set $hash (i32.const 1))
    (loop $l (call $mix (i32.load $m (local.get $i))) (call $mix (i32.load $m2 (local.get $i)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 2300000))))
    (global.get $hash))
  (func (export "disturb")
    (drop (memory.grow $m (i32.const 1))) (drop (memory.grow $m2 (i32.const 1)))
    (drop (table.grow $f (ref.func $h) (i32.const 3))) (drop (table.grow $r (ref.null $box) (i32.const 3)))
    (data.drop $bytes) (elem.drop $funcs) (elem.drop $boxes)
    (drop (array.new $refs (struct.new $box (i32.const 1)) (i32.const 1000)))
    (memory.fill $m2 (i32.const 3000000) (i32.const 1) (i32.const 100000)))
  (func (export "grow both") (param i32)
    (drop (table.grow $gf (ref.func $h) (local.get 0))) (drop (table.grow $gr (ref.null $box) (local.get 0))))
  (func (export "sizes") (result i32 i32) (table.size $gf) (table.size $gr))
  (func (export "tail") (result i32)
    (i32.add (call_indirect $gf (result i32) (i32.sub (table.size $gf) (i32.const 1)))
      (call $value (table.get $gr (i32.sub (table.size $gr) (i32.const 1))))))
  ${
  kinds.map((kind) => {
    const element = {
      ints: `(array.get $ints (local.get 0) (local.get 1))`,
      refs: `(call $value (array.get $refs (local.get 0) (local.get 1)))`,
      vectors: `(i32x4.extract_lane 2 (array.get $vectors (local.get 0) (local.get 1)))`,
      funcs: `(ref.is_null (array.get $funcs (local.get 0) (local.get 1)))`,
    }[kind];
    return `(func $hash_${kind} (param (ref null $${kind})) (result i32) (local i32)
      (global.set $hash (i32.const 1)) (global.set $isDone (i32.const 1))
      (loop $l (call $mix ${element})
        (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (array.len (local.get 0)))))
      (global.get $hash))`;
  }).join("\n")
}
  ${
  NAMES.map((name) => {
    const [body, array] = OPERATIONS[name];
    return `(func (export "${name}") (result i32) (local $ints (ref null $ints)) (local $refs (ref null $refs))
      (call $raise)
      ${
      array === undefined
        ? `${body} (i32.const 0)`
        : `(call $hash_${array} ${
          body.trim().startsWith("(local.set") ? `(block (result (ref null $${array})) ${body})` : body
        })`
    })`;
  }).join("\n")
})`;

const BYTECODE = wat(TEXT);
const features = FEATURES.map(([name]) => name);

interface Run {
  /** What the operation gives, and hashes of tables and memories behind it. */
  readonly outcome: unknown[];
  readonly polls: number;
  readonly fuel: number;
}

/** Runs an operation on a fresh instance; `atPoll` is called at each poll between two chunks. */
function run(
  engine: Engine,
  module: Module,
  name: string,
  atPoll?: (instance: Instance, store: Store, poll: number) => void,
): Run {
  using store = new Store(engine);
  store.fuel = 1e12;
  const state = storeOf(store);
  let polls = 0, isRaising = false;
  const raise = () => {
    if (isRaising) requestInterrupt(state.innermost!);
  };
  const instance = new Instance(store, module, { m: { raise } });
  instance.exports.prepare();
  if (atPoll !== undefined) {
    isRaising = true;
    state.onInterrupt = (activation) => {
      polls++;
      if (polls === 1) assertEquals(instance.exports.isDone.value, 0, `${name} has no poll`);
      isRaising = false;
      atPoll(instance, store, polls);
      isRaising = polls < 8;
      if (isRaising) requestInterrupt(activation);
    };
  }
  const outcome: unknown[] = [];
  const before = store.fuelConsumed;
  try {
    outcome.push(instance.exports[name]());
  } catch (error) {
    outcome.push((error as Error).message);
  }
  const fuel = store.fuelConsumed - before;
  isRaising = false;
  state.onInterrupt = () => {};
  outcome.push(instance.exports["hash tables"](), instance.exports["hash memories"]());
  return { outcome, polls, fuel };
}

for (const collector of ["generational", "copying"] as const) {
  Deno.test(`operations on ranges survive what happens between their chunks (${collector})`, () => {
    using engine = new Engine({ interruption: true, fuel: true, features, collector, checks: "on" });
    const module = new Module(engine, BYTECODE);
    for (const name of NAMES) {
      const plain = run(engine, module, name);
      let nested = 0;
      const disturbed = run(engine, module, name, (instance, store, poll) => {
        const before = store.fuelConsumed;
        if (poll === 1) instance.exports.disturb();
        nested += store.fuelConsumed - before;
        store.gc();
      });
      assertEquals(disturbed.outcome, plain.outcome, name);
      assert(disturbed.polls >= 1, `${name}: ${disturbed.polls} polls`);
      assertEquals(disturbed.fuel - nested, plain.fuel, `fuel of ${name}`);
    }
  });
}

Deno.test("an operation that is ended between two chunks has done a part, and a table has not grown", () => {
  using engine = new Engine({ interruption: true, fuel: true, features });
  const module = new Module(engine, BYTECODE);
  const stop = () => {
    throw new Error("enough");
  };
  for (const name of NAMES) {
    const { outcome } = run(engine, module, name, stop);
    assertEquals(outcome[0], "enough", name);
    const untouched = run(engine, module, "array.new_data");
    const isLocal = OPERATIONS[name][1] !== undefined || name.startsWith("table.grow");
    assertEquals(outcome[1] === untouched.outcome[1] && outcome[2] === untouched.outcome[2], isLocal, name);
  }
});

Deno.test("tables that are grown while they grow have all elements of both", () => {
  using engine = new Engine({ interruption: true, fuel: true, features });
  const module = new Module(engine, BYTECODE);
  for (const amount of [5, 80_000]) {
    using store = new Store(engine);
    store.fuel = 1e12;
    const state = storeOf(store);
    let isRaising = true, polls = 0;
    const raise = () => {
      if (isRaising) requestInterrupt(state.innermost!);
    };
    const instance = new Instance(store, module, { m: { raise } });
    const { exports } = instance;
    state.onInterrupt = (activation) => {
      if (++polls === 1) exports["grow both"](amount);
      else if (polls === 2) requestInterrupt(activation);
    };
    exports["table.grow by functions"]();
    polls = 0;
    exports["table.grow by references"]();
    isRaising = false;
    assertEquals(exports.sizes(), [3 + 2 * amount + ELEMENTS, 3 + 2 * amount + ELEMENTS]);
    store.gc();
    // The growth that was interrupted comes behind the one in it; the function is that of the second pair.
    assertEquals(exports.tail(), 12 + 6);
  }
});

Deno.test("bounds come before fuel, and fuel before work", () => {
  using engine = new Engine({ fuel: true, features });
  using store = new Store(engine);
  const module = new Module(
    engine,
    wat(`(module (type $a (array (mut i32)))
      (memory $m 1) (memory $l i64 1) (table $t 10 100 funcref) (table $r 10 100 externref) (table $tl i64 10 100 funcref)
      (data $d "0123456789") (elem $e func $f $f) (func $f)
      (global $array (ref $a) (array.new $a (i32.const 1) (i32.const 1000)))
      ${
      [
        ["memory.fill", "(memory.fill $m (i32.const 1) (i32.const 0) (local.get 0))"],
        ["memory.fill 64", "(memory.fill $l (i64.const 1) (i32.const 0) (i64.extend_i32_s (local.get 0)))"],
        ["memory.copy", "(memory.copy $m $m (i32.const 1) (i32.const 0) (local.get 0))"],
        ["memory.copy from", "(memory.copy $m $m (i32.const 0) (i32.const 1) (local.get 0))"],
        ["memory.copy 64", "(memory.copy $l $l (i64.const 1) (i64.const 0) (i64.extend_i32_s (local.get 0)))"],
        ["memory.init", "(memory.init $m $d (i32.const 1) (i32.const 0) (local.get 0))"],
        ["table.fill", "(table.fill $t (i32.const 1) (ref.func $f) (local.get 0))"],
        ["table.fill 64", "(table.fill $tl (i64.const 1) (ref.func $f) (i64.extend_i32_s (local.get 0)))"],
        ["table.copy", "(table.copy $t $t (i32.const 1) (i32.const 0) (local.get 0))"],
        ["table.init", "(table.init $t $e (i32.const 1) (i32.const 0) (local.get 0))"],
        ["array.fill", "(array.fill $a (global.get $array) (i32.const 1) (i32.const 5) (local.get 0))"],
        [
          "array.copy",
          "(array.copy $a $a (global.get $array) (i32.const 1) (global.get $array) (i32.const 0) (local.get 0))",
        ],
        ["array.init_data", "(array.init_data $a $d (global.get $array) (i32.const 1) (i32.const 0) (local.get 0))"],
        ["array.new_data", "(drop (array.new_data $a $d (i32.const 1) (local.get 0)))"],
      ].map(([name, body]) => `(func (export "${name}") (param i32) ${body})`).join("\n")
    }
      (func (export "grow") (param i32) (result i32) (table.grow $t (ref.func $f) (local.get 0)))
      (func (export "length") (result i32) (table.size $t))
      (func (export "byte") (param i32) (result i32) (i32.load8_u $m (local.get 0))))`),
  );
  store.fuel = 1e6;
  const { exports } = new Instance(store, module);
  for (const [name, func] of Object.entries(exports)) {
    if (["grow", "length", "byte"].includes(name)) continue;
    for (const length of [-1, 0x7fffffff]) {
      store.fuel = 1000;
      const trap: Trap = assertThrows(() => func(length), Trap);
      assert(trap.code.endsWith("out_of_bounds"), `${name}: ${trap.code}`);
      assert(store.fuel > 990, `${name} took ${1000 - store.fuel}`);
    }
  }
  // In bounds without fuel: nothing is written.
  store.fuel = 100;
  assertEquals(assertThrows(() => exports["memory.copy"](60000), Trap).code, "out_of_fuel");
  store.fuel = 4;
  assertEquals(assertThrows(() => exports["array.fill"](999), Trap).code, "out_of_fuel");
  // A table that cannot grow so far costs nothing; one that can costs by size, and does not grow without fuel.
  store.fuel = 1000;
  assertEquals(exports.grow(-1), -1);
  assertEquals(exports.grow(91), -1);
  assertEquals(store.fuel, 1000 - 2 * 3);
  store.fuel = 5;
  assertEquals(assertThrows(() => exports.grow(80), Trap).code, "out_of_fuel");
  store.fuel = 100;
  assertEquals(exports.length(), 10);
  assertEquals(exports.grow(80), 10);
  assertEquals(store.fuel, 100 - 1 - 3 - 10);
});
