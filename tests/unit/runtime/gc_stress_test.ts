/** The heap under stress: collections at every allocation, everything verified after each; a random mutator against a model; the limit. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Trap } from "../../../mod.ts";
import { Random } from "../../fuzz/generators/random.ts";
import { HeapSandbox } from "./gc_store.ts";

// A table of nodes; each node has a number, two neighbours, a string of bytes and a list of nodes.
const MUTATOR = `(module
  (rec
    (type $node (sub (struct (field (mut i32)) (field (mut (ref null $node))) (field (mut (ref null $node)))
      (field (mut (ref null $bytes))) (field (mut (ref null $nodes))) (field (mut externref)))))
    (type $nodes (array (mut (ref null $node))))
    (type $bytes (array (mut i8))))
  (type $big (sub $node (struct (field (mut i32)) (field (mut (ref null $node))) (field (mut (ref null $node)))
    (field (mut (ref null $bytes))) (field (mut (ref null $nodes))) (field (mut externref)) (field i64) (field v128))))
  (table $t (export "t") 16 (ref null $node))
  (func $at (param i32) (result (ref $node)) (ref.as_non_null (table.get $t (local.get 0))))
  (func (export "make") (param $slot i32) (param $n i32) (param $length i32) (param $e externref)
    (table.set $t (local.get $slot)
      (struct.new $node (local.get $n) (ref.null $node) (ref.null $node)
        (array.new $bytes (local.get $n) (local.get $length))
        (array.new_default $nodes (local.get $length)) (local.get $e))))
  (func (export "makeBig") (param $slot i32) (param $n i32) (param $length i32) (param $e externref)
    (table.set $t (local.get $slot)
      (struct.new $big (local.get $n) (ref.null $node) (ref.null $node)
        (array.new $bytes (local.get $n) (local.get $length))
        (array.new $nodes (struct.new_default $node) (local.get $length)) (local.get $e)
        (i64.const -1) (v128.const i32x4 1 2 3 4))))
  (func (export "link") (param $from i32) (param $to i32)
    (struct.set $node 2 (call $at (local.get $from)) (struct.get $node 1 (call $at (local.get $from))))
    (struct.set $node 1 (call $at (local.get $from)) (table.get $t (local.get $to))))
  (func (export "put") (param $from i32) (param $index i32) (param $to i32)
    (array.set $nodes (ref.as_non_null (struct.get $node 4 (call $at (local.get $from)))) (local.get $index)
      (table.get $t (local.get $to))))
  (func (export "clear") (param i32) (table.set $t (local.get 0) (ref.null $node)))
  (func $sum (param $n (ref null $node)) (param $depth i32) (result i32) (local $s i32) (local $i i32)
    (if (i32.or (ref.is_null (local.get $n)) (i32.eqz (local.get $depth))) (then (return (i32.const 1))))
    (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
    (local.set $s (struct.get $node 0 (local.get $n)))
    (if (ref.is_null (struct.get $node 3 (local.get $n))) (then (return (i32.const 7))))
    ;; An allocation in the middle: everything moves under the walk.
    (drop (struct.new_default $node))
    (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 31)) (call $sum (struct.get $node 1 (local.get $n)) (local.get $depth))))
    (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 31)) (call $sum (struct.get $node 2 (local.get $n)) (local.get $depth))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (array.len (struct.get $node 4 (local.get $n)))))
      (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 31))
        (i32.add (array.get_u $bytes (struct.get $node 3 (local.get $n)) (local.get $i))
          (call $sum (array.get $nodes (struct.get $node 4 (local.get $n)) (local.get $i)) (local.get $depth)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (local.get $s))
  (func (export "sum") (param i32) (result i32) (call $sum (table.get $t (local.get 0)) (i32.const 4)))
  (func (export "value") (param i32) (result externref) (struct.get $node 5 (call $at (local.get 0)))))`;

interface Node {
  readonly n: number;
  left: Node | undefined;
  right: Node | undefined;
  readonly bytes: number | undefined;
  readonly nodes: (Node | undefined)[];
  readonly value: unknown;
}

const DEFAULT_NODE: Node = { n: 0, left: undefined, right: undefined, bytes: undefined, nodes: [], value: null };

function sum(node: Node | undefined, depth: number): number {
  if (node === undefined || depth === 0) return 1;
  if (node.bytes === undefined) return 7;
  let s = node.n;
  s = Math.imul(s, 31) + sum(node.left, depth - 1) | 0;
  s = Math.imul(s, 31) + sum(node.right, depth - 1) | 0;
  for (const other of node.nodes) s = Math.imul(s, 31) + ((node.bytes & 255) + sum(other, depth - 1)) | 0;
  return s;
}

function mutate(sandbox: HeapSandbox, steps: number, seed: number): void {
  const { exports } = sandbox.instance(MUTATOR);
  const model: (Node | undefined)[] = new Array(16).fill(undefined);
  const random = new Random(seed);
  for (let step = 0; step < steps; step++) {
    const slot = random.below(16), other = random.below(16);
    const node = model[slot];
    const choice = random.below(8);
    if (node === undefined || choice === 0) {
      const n = random.below(1000), length = random.below(5);
      const value = random.pick([null, step, { step }, "text", -0]);
      const isBig = random.oneIn(2);
      exports[isBig ? "makeBig" : "make"](slot, n, length, value);
      const nodes = new Array<Node | undefined>(length).fill(isBig ? DEFAULT_NODE : undefined);
      model[slot] = { n, left: undefined, right: undefined, bytes: n, nodes, value };
    } else if (choice === 1) {
      exports.clear(slot);
      model[slot] = undefined;
    } else if (choice < 4) {
      exports.link(slot, other);
      node.right = node.left;
      node.left = model[other];
    } else if (choice < 6 && node.nodes.length > 0) {
      const index = random.below(node.nodes.length);
      exports.put(slot, index, other);
      node.nodes[index] = model[other];
    } else if (choice === 6) assert(Object.is(exports.value(slot), node.value));
    else assertEquals(exports.sum(slot), sum(node, 4), `step ${step}`);
  }
  assertEquals(sandbox.findings, []);
}

for (const seed of [1, 2, 3]) {
  Deno.test(`a random mutator agrees with its model while everything moves at every allocation (seed ${seed})`, () => {
    using sandbox = new HeapSandbox({ stress: { gc: true }, checks: "on" });
    mutate(sandbox, 400, seed);
    assert(sandbox.collections > 400);
  });
}

Deno.test("a random mutator agrees with its model while what it lets go of is poisoned at every allocation", () => {
  using sandbox = new HeapSandbox({ collector: "refcounting", stress: { gc: true }, checks: "on" });
  mutate(sandbox, 400, 4);
  assert(sandbox.collections > 400);
});

Deno.test("a random mutator agrees with its model when collections come by themselves, in little memory", () => {
  using sandbox = new HeapSandbox({}, { gcHeapBytes: 1 << 16 });
  mutate(sandbox, 20_000, 4);
  assert(sandbox.collections > 10);
});

Deno.test("garbage never ends a guest, what is alive beyond the limit traps, and the store goes on", () => {
  using sandbox = new HeapSandbox({}, { gcHeapBytes: 1 << 20 });
  sandbox.gc.onCollected = undefined;
  const { exports } = sandbox.instance(`(module
    (type $list (struct (field (ref null 0)) (field i64)))
    (type $bytes (array i8))
    (global $keep (mut (ref null $list)) (ref.null $list))
    (func (export "garbage") (param i32)
      (loop $next (drop (struct.new $list (ref.null $list) (i64.const 1)))
        (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "keep") (param i32)
      (loop $next (global.set $keep (struct.new $list (global.get $keep) (i64.const 1)))
        (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "drop") (global.set $keep (ref.null $list)))
    (func (export "bytes") (param i32) (result i32) (array.len (array.new_default $bytes (local.get 0)))))`);
  exports.garbage(300_000);
  const before = sandbox.gc.collector.collections;
  for (let round = 0; round < 3; round++) {
    exports.keep(10_000);
    assertThrows(() => exports.keep(100_000), Trap, "heap exhausted");
    exports.drop();
    exports.garbage(10_000);
    assertThrows(() => exports.bytes(-1), Trap, "heap exhausted");
    assertThrows(() => exports.bytes(1 << 20), Trap, "heap exhausted");
    assertEquals(exports.bytes(900_000), 900_000);
  }
  // Filling a heap takes few collections: the last ones would free next to nothing.
  assert(sandbox.gc.collector.collections - before < 200);
});
