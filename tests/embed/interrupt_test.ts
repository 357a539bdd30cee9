/** Interruption: guests leave at polls, their registers survive, and what the store decides happens. */

import { assertEquals, assertThrows } from "@std/assert";
import { requestInterrupt } from "../../lib/runtime/interrupt.ts";
import type { StoreState } from "../../lib/runtime/mod.ts";
import { storeOf } from "../../lib/engine/store.ts";
import { Engine, Func, Instance, Module, Store, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";

/** Asks the guest that is calling a host function to leave at its next poll. */
function interruptCaller(state: StoreState): void {
  requestInterrupt(state.innermost!);
}

Deno.test("a loop whose interrupt nobody handles traps, with frames, and the store stays usable", () => {
  using engine = new Engine({ interruption: true, checks: "on" });
  using store = new Store(engine);
  const raise = new Func(store, { parameters: [], results: [] }, () => interruptCaller(storeOf(store)));
  const module = new Module(
    engine,
    wat(`(module (import "m" "raise" (func $raise))
      (func (export "spin") (result i32) (call $raise) (call $forever) (i32.const 1))
      (func $forever (loop (br 0)))
      (func (export "answer") (result i32) (i32.const 42)))`),
  );
  const { spin, answer } = new Instance(store, module, { m: { raise } }).exports;
  const trap: Trap = assertThrows(() => spin(), Trap, "interrupted");
  assertEquals(trap.code, "interrupted");
  assertEquals(trap.frames.map(({ functionIndex }) => functionIndex), [2, 1]);
  assertEquals(answer(), 42);
  assertThrows(() => spin(), Trap, "interrupted");
});

Deno.test("onInterrupt() resumes the guest where it was, every register as it was", () => {
  using engine = new Engine({ interruption: true, checks: "on" });
  using store = new Store(engine);
  const state = storeOf(store);
  const raise = new Func(store, { parameters: [], results: [] }, () => interruptCaller(state));
  // More values than there are registers of each class live through the loop, changing at each turn.
  const ints = Array.from({ length: 14 }, (_, k) => k), floats = Array.from({ length: 18 }, (_, k) => k);
  const module = new Module(
    engine,
    wat(`(module (import "m" "raise" (func $raise))
      (func (export "run") (param $n i32) (result f64)
        ${ints.map((k) => `(local $i${k} i64)`).join("")} ${floats.map((k) => `(local $f${k} f64)`).join("")}
        ${ints.map((k) => `(local.set $i${k} (i64.const ${k + 1}))`).join("")}
        ${floats.map((k) => `(local.set $f${k} (f64.const ${k + 0.5}))`).join("")}
        (call $raise)
        (loop
          ${ints.map((k) => `(local.set $i${k} (i64.add (local.get $i${k}) (i64.const ${k * 3 + 1})))`).join("")}
          ${floats.map((k) => `(local.set $f${k} (f64.add (local.get $f${k}) (f64.const ${k * 5 + 1})))`).join("")}
          (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (f64.add
          (f64.convert_i64_s ${
      ints.slice(1).reduce((sum, k) => `(i64.add ${sum} (local.get $i${k}))`, "(local.get $i0)")
    })
          ${floats.slice(1).reduce((sum, k) => `(f64.add ${sum} (local.get $f${k}))`, "(local.get $f0)")})))`),
  );
  const { run } = new Instance(store, module, { m: { raise } }).exports;
  const turns = 20;
  let expected = 0;
  for (const k of ints) expected += k + 1 + turns * (k * 3 + 1);
  for (const k of floats) expected += k + 0.5 + turns * (k * 5 + 1);
  let calls = 0;
  state.onInterrupt = (activation) => {
    calls++;
    // The handler asks again: the next poll leaves as well.
    if (calls % turns !== 0) requestInterrupt(activation);
    // What the handler leaves in registers must not matter.
    Array.from({ length: 50 }, (_, k) => Math.sqrt(k + calls)).sort();
  };
  assertEquals(run(turns), expected);
  assertEquals(calls, turns);
});

Deno.test("a poll keeps both halves of every vector register", () => {
  using engine = new Engine({ interruption: true, checks: "on" });
  using store = new Store(engine);
  const state = storeOf(store);
  const raise = new Func(store, { parameters: [], results: [] }, () => interruptCaller(state));
  const vectors = Array.from({ length: 15 }, (_, k) => k);
  // Each vector is rotated by a lane and added to at each turn; the loop holds nothing else but its count.
  const module = new Module(
    engine,
    wat(`(module (import "m" "raise" (func $raise)) (memory (export "memory") 1)
      (func (export "run") (param $n i32) ${vectors.map((k) => `(local $v${k} v128)`).join("")}
        ${
      vectors.map((k) => `(local.set $v${k} (v128.const i32x4 ${[1, 2, 3, 4].map((n) => 1000 * n + k).join(" ")}))`)
        .join("")
    }
        (call $raise)
        (loop
          ${
      vectors.map((k) => `(local.set $v${k} (i32x4.add (local.get $v${k}) (local.get $v${(k + 1) % 15})))`).join("")
    }
          (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        ${vectors.map((k) => `(v128.store (i32.const ${16 * k}) (local.get $v${k}))`).join("")}))`),
  );
  const instance = new Instance(store, module, { m: { raise } });
  const turns = 9;
  const lanes = vectors.map((k) => [1, 2, 3, 4].map((n) => 1000 * n + k));
  for (let turn = 0; turn < turns; turn++) {
    for (const k of vectors) lanes[k] = lanes[k].map((lane, n) => lane + lanes[(k + 1) % 15][n] | 0);
  }
  let calls = 0;
  state.onInterrupt = (activation) => {
    if (++calls < turns) requestInterrupt(activation);
  };
  instance.exports.run(turns);
  assertEquals(calls, turns);
  assertEquals([...new Int32Array(instance.exports.memory.buffer, 0, 60)], lanes.flat());
});

Deno.test("a store's handler may call into the store and throw what it likes", () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const state = storeOf(store);
  const raise = new Func(store, { parameters: [], results: [] }, () => interruptCaller(state));
  const module = new Module(
    engine,
    wat(`(module (import "m" "raise" (func $raise))
      (func (export "spin") (call $raise) (loop (br 0)))
      (func (export "square") (param i32) (result i32) (i32.mul (local.get 0) (local.get 0))))`),
  );
  const { spin, square } = new Instance(store, module, { m: { raise } }).exports;
  const error = new Error("deadline");
  state.onInterrupt = (activation) => {
    if (square(7) !== 49) throw new Error("wrong");
    state.onInterrupt = () => {
      throw error;
    };
    requestInterrupt(activation);
  };
  assertEquals(assertThrows(() => spin()), error);
  assertEquals(square(9), 81);
});

Deno.test("a Worker interrupts a loop of this thread", async () => {
  using engine = new Engine({ interruption: true });
  using store = new Store(engine);
  const { spin } =
    new Instance(store, new Module(engine, wat(`(module (func (export "spin") (loop (br 0))))`))).exports;
  const worker = new Worker(new URL("./interrupt_worker.ts", import.meta.url).href, { type: "module" });
  try {
    const ready = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage(store.interruptHandle());
    await ready;
    assertThrows(() => spin(), Trap, "interrupted");
  } finally {
    worker.terminate();
  }
});

Deno.test("engines with and without interruption refuse each other's compiled modules", () => {
  using plain = new Engine(), polling = new Engine({ interruption: true });
  const bytes = wat(`(module (func (export "f") (loop)))`);
  const artifact = new Module(plain, bytes).serialize(), polled = new Module(polling, bytes).serialize();
  assertThrows(() => Module.deserialize(polling, artifact, { trusted: true }), Error, "without interruption");
  assertThrows(() => Module.deserialize(plain, polled, { trusted: true }), Error, "with interruption");
  Module.deserialize(polling, polled, { trusted: true });
  using stressed = new Engine({ interruption: true, stress: { poll: 3 } });
  assertThrows(() => Module.deserialize(stressed, polled, { trusted: true }), Error, "stress");
});

Deno.test("under stress every n-th poll leaves and nothing changes", () => {
  using engine = new Engine({ interruption: true, checks: "on", stress: { poll: 3 } });
  using store = new Store(engine);
  let polls = 0;
  storeOf(store).onStressPoll = () => void polls++;
  const module = new Module(
    engine,
    wat(`(module (func (export "sum") (param $n i32) (result i32) (local $s i32)
      (loop (local.set $s (i32.add (local.get $s) (local.get $n)))
        (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $s)))`),
  );
  const { sum } = new Instance(store, module).exports;
  assertEquals(sum(300), 300 * 301 / 2);
  // One a turn; a leaf has none at its entry.
  assertEquals(polls, 100);
});

Deno.test("recursion is interrupted, by calls and by tail calls", () => {
  using engine = new Engine({ interruption: true, checks: "on" });
  using store = new Store(engine);
  const state = storeOf(store);
  const raise = new Func(store, { parameters: [], results: [] }, () => interruptCaller(state));
  const module = new Module(
    engine,
    wat(`(module (import "m" "raise" (func $raise)) (type $t (func)) (table 1 funcref) (elem (i32.const 0) $indirect)
      (func $tail (return_call $tail))
      (func $indirect (return_call_indirect (type $t) (i32.const 0)))
      (func $down (param i32) (result i32) (if (result i32) (local.get 0)
        (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (call $down (i32.sub (local.get 0) (i32.const 1)))))
        (else (i32.const 1))))
      (func (export "tail") (call $raise) (return_call $tail))
      (func (export "indirect") (call $raise) (return_call $indirect))
      (func (export "down") (param i32) (result i32) (call $raise) (return_call $down (local.get 0))))`),
  );
  const { tail, indirect, down } = new Instance(store, module, { m: { raise } }).exports;
  assertThrows(() => tail(), Trap, "interrupted");
  assertThrows(() => indirect(), Trap, "interrupted");
  assertThrows(() => down(60), Trap, "interrupted");
});

Deno.test("references in registers are updated by a collection at a poll", () => {
  using engine = new Engine({ interruption: true, checks: "on", stress: { poll: 1, gc: true } });
  using store = new Store(engine);
  // The lists are followed through references that live in registers, in a loop that allocates nothing.
  const module = new Module(
    engine,
    wat(`(module (type $list (struct (field i32) (field (mut (ref null $list)))))
      (func $make (param $n i32) (param $step i32) (result (ref null $list)) (local $l (ref null $list))
        (loop (local.set $l (struct.new $list (i32.mul (local.get $n) (local.get $step)) (local.get $l)))
          (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $l))
      (func (export "sum") (param $n i32) (result i32)
        (local $a (ref null $list)) (local $b (ref null $list)) (local $first (ref null $list)) (local $s i32)
        (local.set $a (call $make (local.get $n) (i32.const 1)))
        (local.set $b (call $make (local.get $n) (i32.const 100)))
        (local.set $first (local.get $a))
        (loop
          (local.set $s (i32.add (local.get $s)
            (i32.add (struct.get $list 0 (local.get $a)) (struct.get $list 0 (local.get $b)))))
          (local.set $a (struct.get $list 1 (local.get $a)))
          (local.set $b (struct.get $list 1 (local.get $b)))
          (br_if 0 (i32.eqz (ref.is_null (local.get $a)))))
        (i32.add (local.get $s) (struct.get $list 0 (local.get $first)))))`),
  );
  assertEquals(
    module.compiled.rootOffsets.some((offset) => offset >= 0),
    true,
    "no register holds a reference at a poll",
  );
  let polls = 0;
  storeOf(store).onStressPoll = () => void polls++;
  const { sum } = new Instance(store, module).exports;
  assertEquals(sum(50), 101 * 50 * 51 / 2 + 1);
  assertEquals(polls >= 150, true);
});
