/** The choice of a collector: the same guest with each, and modules that are taken from one engine to another. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ArtifactError, Engine, Instance, Module, Store } from "../../mod.ts";

const COLLECTORS = ["generational", "copying", "refcounting", "null"] as const;

/** A queue of numbers, as a list that is cut in front and grows behind: everything dies, in the order in which it was made. */
const QUEUE = `(module
  (type $cell (struct (field i32) (field $next (mut (ref null $cell)))))
  (global $first (mut (ref null $cell)) (ref.null $cell))
  (global $last (mut (ref null $cell)) (ref.null $cell))
  (func $push (export "push") (param i32) (local $new (ref $cell))
    (local.set $new (struct.new $cell (local.get 0) (ref.null $cell)))
    (if (ref.is_null (global.get $last))
      (then (global.set $first (local.get $new)))
      (else (struct.set $cell $next (global.get $last) (local.get $new))))
    (global.set $last (local.get $new)))
  (func $pop (export "pop") (result i32) (local $cell (ref null $cell))
    (local.set $cell (global.get $first))
    (global.set $first (struct.get $cell $next (local.get $cell)))
    (if (ref.is_null (global.get $first)) (then (global.set $last (ref.null $cell))))
    (struct.get $cell 0 (local.get $cell)))
  (func (export "run") (param $n i32) (result i32) (local $sum i32)
    (loop $more
      (call $push (local.get $n))
      (call $push (i32.mul (local.get $n) (i32.const 3)))
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (call $pop)))
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (call $pop)))
      (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))`;

Deno.test("each collector runs the same guest, and all that collect do it in little memory", () => {
  const sums = new Set<unknown>();
  for (const collector of COLLECTORS) {
    using engine = new Engine({ collector });
    using store = new Store(engine, { limits: { gcHeapBytes: collector === "null" ? 64 << 20 : 1 << 20 } });
    const { exports } = new Instance(store, Module.fromText(engine, QUEUE));
    for (let i = 0; i < 100; i++) (exports.push as (n: number) => void)(i);
    sums.add((exports.run as (n: number) => number)(300_000)); // 14 MB of cells
    assert(store.usage().gcHeapBytes.peak <= (collector === "null" ? 64 << 20 : 1 << 20));
    assert(collector === "null" || store.usage().collections > 5, collector);
  }
  assertEquals(sums.size, 1);
});

Deno.test("a compiled module says whether its collector counts or traces, and is refused where the other is", () => {
  using tracing = new Engine();
  using counting = new Engine({ collector: "refcounting" });
  using copying = new Engine({ collector: "copying" });
  const traced = Module.fromText(tracing, QUEUE).serialize();
  const counted = Module.fromText(counting, QUEUE).serialize();
  assertThrows(() => Module.deserialize(counting, traced, { trusted: true }), ArtifactError, "collectors that trace");
  assertThrows(
    () => Module.deserialize(tracing, counted, { trusted: true }),
    ArtifactError,
    "a collector that counts references",
  );
  for (const [engine, bytes] of [[copying, traced], [counting, counted]] as const) {
    using store = new Store(engine);
    const { exports } = new Instance(store, Module.deserialize(engine, bytes, { trusted: true }));
    (exports.push as (n: number) => void)(5);
    assertEquals((exports.pop as () => number)(), 5);
  }
});

Deno.test("a collector that there is not is a TypeError", () => {
  assertThrows(() => new Engine({ collector: "best" as never }), TypeError, "collector is one of");
});
