/** References on guest stacks while objects move: every allocation collects. */

import { assertEquals } from "@std/assert";
import { Engine, Instance, Module, Store } from "../../mod.ts";
import { wat } from "../wat.ts";

const PARAMETERS = 12;
const DEPTH = 60;

/**
 * Each level makes as many objects as fit no register file, passes most of them on, by registers and by the stack, and reads them all again
 * when the levels below have come back: numbers that say whose they are.
 */
const params = Array.from({ length: PARAMETERS }, (_, k) => `(param $p${k} (ref null $node))`).join(" ");
const made = Array.from(
  { length: PARAMETERS },
  (_, k) =>
    `(local.set $o${k} (struct.new $node (i32.add (i32.mul (local.get $n) (i32.const 100)) (i32.const ${k})) (local.get $p${k})))`,
);
const sum = Array.from(
  { length: PARAMETERS },
  (_, k) =>
    `(local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.extend_i32_s (call $chain (local.get $o${k})))))`,
);
const SOURCE = `(module
  (type $node (struct (field i32) (field (ref null $node))))
  (import "host" "visit" (func $visit (param (ref null $node) i32)))
  (func $chain (param $node (ref null $node)) (result i32) (local $sum i32)
    (loop $next
      (if (i32.eqz (ref.is_null (local.get $node))) (then
        (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 7)) (struct.get $node 0 (local.get $node))))
        (local.set $node (struct.get $node 1 (local.get $node)))
        (br $next))))
    (local.get $sum))
  (func $down (param $n i32) ${params} (result i64)
    ${Array.from({ length: PARAMETERS }, (_, k) => `(local $o${k} (ref null $node))`).join(" ")} (local $sum i64)
    ${made.join("\n")}
    (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 7))) (then (call $visit (local.get $o3) (local.get $n))))
    (if (local.get $n) (then
      (local.set $sum (call $down (i32.sub (local.get $n) (i32.const 1))
        ${Array.from({ length: PARAMETERS }, (_, k) => `(local.get $o${(k * 5 + 1) % PARAMETERS})`).join(" ")}))))
    ${sum.join("\n")}
    (local.get $sum))
  (func (export "run") (param i32) (result i64)
    (call $down (local.get 0) ${"(ref.null $node) ".repeat(PARAMETERS)}))
  (func (export "make") (param i32) (result (ref $node)) (struct.new $node (local.get 0) (ref.null $node))))`;

/** What the program computes, without it. */
function expected(depth: number): bigint {
  interface Item {
    readonly number: number;
    readonly next: Item | undefined;
  }
  const chain = (item: Item | undefined) => {
    let total = 0;
    for (; item !== undefined; item = item.next) total = (Math.imul(total, 7) + item.number) | 0;
    return total;
  };
  const down = (n: number, given: readonly (Item | undefined)[]): bigint => {
    const own = given.map((next, k) => ({ number: (n * 100 + k) | 0, next }));
    let total = n === 0 ? 0n : down(n - 1, own.map((_, k) => own[(k * 5 + 1) % PARAMETERS]));
    for (const item of own) total = BigInt.asIntN(64, total * 31n + BigInt(chain(item)));
    return total;
  };
  return down(depth, new Array(PARAMETERS).fill(undefined));
}

for (
  const [name, config] of Object.entries(
    {
      "all registers": { stress: { gc: true } },
      "few registers": { stress: { gc: true, registers: 5, poison: true } },
      "polls that collect": { interruption: true, stress: { gc: true, poll: 3 } },
      "no effort": { effort: "none", stress: { gc: true } },
    } as const,
  )
) {
  Deno.test(`references live on every stack through collections at every allocation: ${name}`, () => {
    using engine = new Engine({ checks: "on", ...config });
    using module = new Module(engine, wat(SOURCE));
    using store = new Store(engine);
    const visited: number[] = [];
    const kept: unknown[] = [];
    const instance: Instance = new Instance(store, module, {
      host: {
        visit: (node: unknown, n: number) => {
          visited.push(n);
          kept.push(node);
          // A call of the guest from here: the outer stack stays parked while this one allocates.
          (instance.exports.make as (n: number) => unknown)(n);
        },
      },
    });
    const run = instance.exports.run as (depth: number) => bigint;
    assertEquals(run(DEPTH), expected(DEPTH));
    assertEquals(visited, Array.from({ length: DEPTH + 1 }, (_, k) => DEPTH - k).filter((n) => n % 7 === 0));
    assertEquals(run(3), expected(3));
  });
}

const THROWING = `(module
  (type $node (struct (field (mut i32)) (field (ref null $node))))
  (tag $tag (param (ref null $node) i32))
  (func $new (param i32 (ref null $node)) (result (ref $node)) (struct.new $node (local.get 0) (local.get 1)))
  (func $throws (param $n i32) (param $keep (ref null $node)) (result (ref null $node)) (local $own (ref null $node))
    (local.set $own (call $new (local.get $n) (local.get $keep)))
    (if (i32.eqz (local.get $n)) (then (throw $tag (local.get $own) (i32.const 1000))))
    (drop (call $throws (i32.sub (local.get $n) (i32.const 1)) (call $new (i32.const -1) (local.get $own))))
    (local.get $own))
  (func (export "caught") (param $n i32) (result i32)
    (local $a (ref null $node)) (local $b (ref null $node)) (local $c (ref null $node)) (local $d (ref null $node)) (local $sum i32) (local $round i32)
    (local.set $a (call $new (i32.const 1) (ref.null $node)))
    (local.set $b (call $new (i32.const 20) (local.get $a)))
    (loop $again
      (local.set $c (call $new (i32.const 300) (local.get $b)))
      (block $handler (result (ref null $node) i32)
        (try_table (catch $tag $handler)
          (local.set $a (call $new (i32.const 1) (local.get $c)))
          (drop (call $throws (local.get $n) (local.get $b))))
        (unreachable))
      (local.set $sum (i32.add (local.get $sum)))
      (local.set $d)
      (drop (call $new (i32.const 5) (ref.null $node)))
      (local.set $sum (i32.add (local.get $sum) (struct.get $node 0 (local.get $d))))
      (local.set $sum (i32.add (local.get $sum) (i32.add (struct.get $node 0 (local.get $a))
        (i32.add (struct.get $node 0 (local.get $b)) (struct.get $node 0 (local.get $c))))))
      (br_if $again (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 3))))
    (local.get $sum)))`;

Deno.test("what a landing pad needs was updated in its slots, and so was the payload", () => {
  for (const stress of [{ gc: true }, { gc: true, registers: 5, poison: true }]) {
    using engine = new Engine({ checks: "on", stress });
    using module = new Module(engine, wat(THROWING));
    using store = new Store(engine);
    const { caught } = new Instance(store, module).exports;
    // Each round: 1000 from the tag, 0 from the innermost object, and 1 + 20 + 300.
    for (const depth of [0, 1, 40]) assertEquals((caught as (n: number) => number)(depth), 3 * 1321);
  }
});
