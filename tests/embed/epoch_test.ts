/** Epochs: guests that are stopped by a clock of the embedder's own. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Engine, Epoch, Func, Trap } from "../../mod.ts";
import { VMStoreContext } from "../../lib/abi/mod.ts";
import { storeOf } from "../../lib/engine/store.ts";
import { Sandbox } from "./sandbox.ts";

const SPIN = `(module (func (export "spin") (loop (br 0))) (func (export "add") (param i32) (result i32)
  (local $i i32) (loop $next (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (local.get 0)))) (local.get $i)))`;

Deno.test("a guest runs while the epoch has not reached its deadline, and no longer", () => {
  using sandbox = new Sandbox({ interruption: true });
  const { engine, store } = sandbox;
  const { spin, add } = sandbox.instance(SPIN).exports;
  store.setEpochDeadline(2);
  engine.epoch.increment();
  assertEquals(add(50_000_000), 50_000_000); // many looks, no reason
  engine.epoch.increment();
  const trap = assertThrows(() => spin(), Trap, "the epoch has reached 2");
  assertEquals([trap.code, trap.frames.length], ["interrupted", 1]);
  assertThrows(() => spin(), Trap); // it stays so
  store.setEpochDeadline(undefined);
  assertEquals(add(1000), 1000);
});

Deno.test("a Worker's ticks stop a guest that computes on this thread", async () => {
  using sandbox = new Sandbox({ interruption: true });
  const { engine, store } = sandbox;
  const { spin } = sandbox.instance(SPIN).exports;
  const source = `self.onmessage = ({ data }) => {
    const count = new BigUint64Array(data.buffer);
    const tick = () => { Atomics.add(count, 0, 1n); setTimeout(tick, 2); };
    tick();
    self.postMessage("ticking");
  };`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
  await new Promise((resolve) => {
    worker.onmessage = resolve;
    worker.postMessage(engine.epoch);
  });
  try {
    store.setEpochDeadline(5);
    assertThrows(() => spin(), Trap, "the epoch has reached");
    assert(engine.epoch.value >= 5n);
  } finally {
    worker.terminate();
  }
});

Deno.test("who is asked at the deadline may allow more ticks, or throw", () => {
  using sandbox = new Sandbox({ interruption: true });
  const { engine, store } = sandbox;
  const { epochDeadline } = VMStoreContext.offsets;
  const end = () => storeOf(store).storeContext.getAddress(epochDeadline);
  const { run } = sandbox.instance(
    `(module (import "m" "tick" (func $tick)) (func (export "run") (loop (call $tick) (br 0))))`,
    { m: { tick: () => void engine.epoch.increment() } },
  ).exports;
  const asked: number[] = [];
  store.setEpochDeadline(1000, () => {
    assert(Number(engine.epoch.value) >= end());
    asked.push(Number(engine.epoch.value));
    return asked.length < 3 ? 500 : undefined;
  });
  assertEquals(end(), 1000);
  assertThrows(() => run(), Trap, "the epoch has reached");
  assertEquals(asked.length, 3);
  assert(asked[0] >= 1000 && asked[1] >= asked[0] + 500 && asked[2] >= asked[1] + 500);
  store.setEpochDeadline(0, () => {
    throw new RangeError("enough");
  });
  assertThrows(() => run(), RangeError, "enough");
});

Deno.test("timers tick while a call lets the event loop turn", async () => {
  using sandbox = new Sandbox({ interruption: true });
  const { engine, store } = sandbox;
  const spin = Func.of(sandbox.instance(SPIN).exports.spin)!;
  store.setEpochDeadline(3);
  const timer = setInterval(() => engine.epoch.increment(), 5);
  try {
    await assertRejects(() => spin.callAsync([]), Trap, "the epoch has reached 3");
  } finally {
    clearInterval(timer);
  }
});

Deno.test("an epoch is an engine's, and deadlines need code that can be interrupted", () => {
  using engine = new Engine();
  using sandbox = new Sandbox();
  assertEquals(engine.epoch === engine.epoch, true);
  assertThrows(() => sandbox.store.setEpochDeadline(1), TypeError, "interruption");
  sandbox.store.setEpochDeadline(undefined);
  for (const wrong of [-1, 0.5, NaN, "1", 2 ** 60]) {
    assertThrows(() => sandbox.store.setEpochDeadline(wrong as number), RangeError);
  }
  for (const wrong of [0, -1, 1.5, NaN]) assertThrows(() => engine.epoch.increment(wrong), RangeError);
  for (const wrong of [{}, null, 5, { buffer: new SharedArrayBuffer(4) }]) {
    assertThrows(() => Epoch.from(wrong), TypeError);
  }
  assertThrows(() => new Epoch({} as never), TypeError, "Engine.epoch");
  assertEquals([engine.epoch.value, Epoch.from(engine.epoch) === engine.epoch], [0n, true]);
});
