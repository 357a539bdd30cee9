/** The generational collector: old objects that refer to young ones, marked cards, what it does when everything lives on; against a model. */

import { assert, assertEquals } from "@std/assert";
import { type ArrayRef, type EngineConfig, RootScope, type StoreLimits, type StructRef } from "../../../mod.ts";
import { GenerationalCollector } from "../../../lib/runtime/mod.ts";
import { Random } from "../../fuzz/generators/random.ts";
import { HeapSandbox } from "./gc_store.ts";

const SOURCE = `(module
  (type $node (struct (field $id i32) (field $left (mut (ref null $node))) (field $right (mut (ref null $node)))))
  (type $list (array (mut (ref null $node))))
  (global $list (mut (ref null $list)) (ref.null $list))
  (func (export "make") (param i32) (global.set $list (array.new_default $list (local.get 0))))
  (func $node (export "node") (param i32) (result (ref $node))
    (struct.new $node (local.get 0) (ref.null $node) (ref.null $node)))
  (func (export "litter") (param i32)
    (loop $next
      (drop (call $node (i32.const -1)))
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "list") (result (ref null $list)) (global.get $list))
  (func (export "put") (param i32 i32)
    (array.set $list (global.get $list) (local.get 0) (call $node (local.get 1))))
  (func (export "link") (param i32 i32 i32)
    (if (local.get 2)
      (then (struct.set $node $left (array.get $list (global.get $list) (local.get 0)) (array.get $list (global.get $list) (local.get 1))))
      (else (struct.set $node $right (array.get $list (global.get $list) (local.get 0)) (array.get $list (global.get $list) (local.get 1))))))
  (func (export "grow") (param i32 i32)
    (struct.set $node $left (array.get $list (global.get $list) (local.get 0)) (call $node (local.get 1))))
  (func (export "clear") (param i32) (array.set $list (global.get $list) (local.get 0) (ref.null $node)))
  (func (export "fill") (param i32 i32 i32)
    (array.fill $list (global.get $list) (local.get 0) (call $node (local.get 2)) (local.get 1)))
  (func (export "copy") (param i32 i32 i32)
    (array.copy $list $list (global.get $list) (local.get 0) (global.get $list) (local.get 1) (local.get 2)))
  (func (export "id") (param i32) (result i32)
    (local $n (ref null $node))
    (if (result i32) (ref.is_null (local.tee $n (array.get $list (global.get $list) (local.get 0))))
      (then (i32.const -1)) (else (struct.get $node $id (local.get $n)))))
  (func (export "left") (param i32) (result i32)
    (local $n (ref null $node))
    (if (result i32) (ref.is_null (local.tee $n (array.get $list (global.get $list) (local.get 0))))
      (then (i32.const -1))
      (else (if (result i32) (ref.is_null (local.tee $n (struct.get $node $left (local.get $n))))
        (then (i32.const -1)) (else (struct.get $node $id (local.get $n))))))))`;

/** What the guest's list should be. */
interface Node {
  readonly id: number;
  left: Node | null;
  right: Node | null;
}

const CONFIGURATIONS: [string, EngineConfig, StoreLimits][] = [
  ["generational, a small nursery", {}, { gcHeapBytes: 512 * 1024 }],
  ["generational", {}, {}],
  ["generational, collecting always", { stress: { gc: true } }, {}],
  ["copying", { collector: "copying" }, { gcHeapBytes: 512 * 1024 }],
  ["refcounting, little memory", { collector: "refcounting" }, { gcHeapBytes: 512 * 1024 }],
  ["refcounting", { collector: "refcounting" }, {}],
  ["refcounting, collecting always", { collector: "refcounting", stress: { gc: true } }, {}],
];

for (const [name, config, limits] of CONFIGURATIONS) {
  Deno.test(`random programs find what they stored: ${name}`, () => {
    const isStress = config.stress !== undefined;
    using sandbox = new HeapSandbox({ checks: "on", ...config }, limits);
    const { exports } = sandbox.instance(SOURCE);
    const random = new Random(name.length);
    const length = isStress ? 100 : 4000;
    exports.make(length);
    const model: (Node | null)[] = new Array(length).fill(null);
    const list = exports.list() as ArrayRef;
    const steps = isStress ? 1500 : 12_000;
    for (let id = 0; id < steps; id++) {
      const i = random.below(length), j = random.below(length);
      switch (random.below(9)) {
        case 0:
        case 1:
          exports.put(i, id);
          model[i] = { id, left: null, right: null };
          break;
        case 2: {
          const side = random.below(2);
          if (model[i] === null) break;
          exports.link(i, j, side);
          model[i]![side ? "left" : "right"] = model[j];
          break;
        }
        case 3:
          if (model[i] === null) break;
          exports.grow(i, id);
          model[i]!.left = { id, left: null, right: null };
          break;
        case 4:
          exports.clear(i);
          model[i] = null;
          break;
        case 5: {
          const count = Math.min(random.below(20), length - i);
          exports.fill(i, count, id);
          model.fill({ id, left: null, right: null }, i, i + count);
          break;
        }
        case 6: {
          const count = Math.min(random.below(300), length - Math.max(i, j));
          exports.copy(i, j, count);
          model.splice(i, count, ...model.slice(j, j + count));
          break;
        }
        case 7: {
          // From JavaScript: both the object and what refers to it.
          using scope = new RootScope(sandbox.store);
          const node = exports.node(id) as StructRef;
          list.set(i, node);
          const made: Node = { id, left: null, right: null };
          model[i] = made;
          if (model[j] !== null) {
            (list.get(j) as StructRef).set("right", node);
            model[j]!.right = made;
          }
          assert(scope.size > 0);
          break;
        }
        default:
          exports.litter(isStress ? 3 : 1 + random.below(3000));
      }
      const k = random.below(length);
      assertEquals([exports.id(k), exports.left(k)], [model[k]?.id ?? -1, model[k]?.left?.id ?? -1], `step ${id}`);
    }
    for (let k = 0; k < length; k++) assertEquals(exports.id(k), model[k]?.id ?? -1);
    sandbox.gc.collect();
    // Everything at once, each object once: the plain form must be the model's, also in what is shared.
    const ids = new Map<unknown, Node>();
    const compare = (plain: unknown, node: Node | null): void => {
      const pending: [unknown, Node | null][] = [[plain, node]];
      for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
        const [found, expected] = pair as [Record<string, unknown> | null, Node | null];
        if (found === null || expected === null) {
          assertEquals(found, expected);
          continue;
        }
        const known = ids.get(found);
        if (known !== undefined) {
          assert(known === expected);
          continue;
        }
        ids.set(found, expected);
        assertEquals(found.id, expected.id);
        pending.push([found.left, expected.left], [found.right, expected.right]);
      }
    };
    list.toObject().forEach((plain, k) => compare(plain, model[k]));
    assertEquals(sandbox.findings, []);
    assert(sandbox.collections > (isStress ? 1000 : 3), `${sandbox.collections} collections`);
    const { collector } = sandbox.gc;
    if (collector instanceof GenerationalCollector) assert(collector.majorCollections < collector.collections);
  });
}

Deno.test("001/1.17 an old object that is made to refer to a young one keeps it alive, whoever writes", () => {
  using sandbox = new HeapSandbox({}, { gcHeapBytes: 8 << 20 });
  const { exports } = sandbox.instance(SOURCE);
  const collector = sandbox.gc.collector as GenerationalCollector;
  exports.make(1000);
  const list = exports.list() as ArrayRef;
  for (let i = 0; i < 10; i++) exports.put(i, i);
  const minor = () => {
    const { collections, majorCollections } = collector;
    while (collector.collections === collections) exports.litter(1000);
    assertEquals(collector.majorCollections, majorCollections);
  };
  minor();
  minor();
  exports.grow(3, 333); // struct.set
  exports.put(999, 444); // array.set
  exports.fill(500, 3, 555); // array.fill
  {
    using young = exports.node(666) as StructRef;
    (list.get(4) as StructRef).set("left", young);
    list.set(700, young);
  }
  exports.copy(800, 998, 2); // array.copy
  minor();
  assertEquals([exports.left(3), exports.id(999), exports.id(502), exports.left(4), exports.id(700), exports.id(801)], [
    333,
    444,
    555,
    666,
    666,
    444,
  ]);
  // Writing null over it lets it go: nothing of it is left after a major collection.
  const before = collector.usedBytes;
  (list.get(4) as StructRef).set("left", null);
  exports.clear(700);
  sandbox.gc.collect();
  assert(collector.usedBytes < before);
  assertEquals(exports.left(4), -1);
  assertEquals(sandbox.findings, []);
});

Deno.test("what lives on is not copied again and again: allocation becomes direct, until little lives on", () => {
  using sandbox = new HeapSandbox();
  const { exports } = sandbox.instance(SOURCE);
  const collector = sandbox.gc.collector as GenerationalCollector;
  const count = 1_000_000;
  sandbox.gc.onCollected = undefined; // a million objects take long to verify
  exports.make(count);
  for (let i = 0; i < count; i++) exports.put(i, i);
  // 24 MB of nodes that all live: nurseries of 4 MiB alone would be collected six times.
  assert(collector.collections - collector.majorCollections < 4, `${collector.collections} collections`);
  for (let i = 0; i < count; i += 997) assertEquals(exports.id(i), i);
  exports.make(1);
  sandbox.gc.collect();
  assert(collector.usedBytes < 1000);
  // A second major collection that finds little alive makes objects young again: 72 MB of litter are 32 MiB up to it, then nurseries.
  const { collections, majorCollections } = collector;
  exports.litter(3_000_000);
  const majors = collector.majorCollections - majorCollections;
  assert(majors === 1, `${majors} major collections`);
  const minors = collector.collections - collections - majors;
  assert(minors >= 5, `${minors} minor collections`);
  sandbox.verify();
  assertEquals(sandbox.findings, []);
});
