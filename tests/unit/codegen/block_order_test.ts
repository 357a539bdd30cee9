/** The order of machine blocks on the control flow of random modules and of hand-written shapes. */

import { assert, assertEquals } from "@std/assert";
import { shapeOf } from "../../../lib/abi/mod.ts";
import { NONE } from "../../../lib/base/mod.ts";
import { BlockOrder } from "../../../lib/codegen/block_order.ts";
import { FuncBuilder, parseFunc } from "../../../lib/ir/mod.ts";
import { TranslateEnvironment, translateFunction, Translator } from "../../../lib/translate/mod.ts";
import { COMPILED_FEATURES, decodeModule } from "../../../lib/wasm/mod.ts";
import { RandomModule } from "../translate/random_module.ts";
import { machine } from "./machine.ts";

/** Holds what the allocator relies on (RA-IN-2, RA-IN-3). */
function check(order: BlockOrder): void {
  const { count, succs, succStart, preds, predStart, irBlock, loopEnd, loopDepth } = order;
  const seen = new Set<number>();
  for (let k = 0; k < count; k++) {
    assert(!seen.has(irBlock[k]), "a block occurs once");
    seen.add(irBlock[k]);
    assertEquals(order.blockOf[irBlock[k]], k);
  }
  assertEquals(irBlock[0], 0, "the entry is first");
  for (let k = 0; k < count; k++) {
    const out = succs.data.slice(succStart[k], succStart[k + 1]);
    assertEquals(new Set(out).size, out.length, "successors are distinct");
    for (const succ of out) {
      assert([...preds.data.slice(predStart[succ], predStart[succ + 1])].includes(k), "predecessors mirror successors");
      if (out.length > 1) assertEquals(predStart[succ + 1] - predStart[succ], 1, "no critical edges");
      if (succ <= k) assert(loopEnd[succ] >= k, `the back edge from ${k} to ${succ} stays in its loop`);
    }
    if (loopEnd[k] === NONE) continue;
    for (let inner = k; inner <= loopEnd[k]; inner++) {
      assert(loopDepth[inner] >= loopDepth[k], "a loop's blocks are neighbours");
      if (loopEnd[inner] !== NONE) assert(loopEnd[inner] <= loopEnd[k], "loops nest");
      if (inner === k) continue;
      for (const pred of preds.data.slice(predStart[inner], predStart[inner + 1])) {
        assert(pred >= k && pred <= loopEnd[k], "a loop is entered at its header");
      }
    }
  }
}

Deno.test("BlockOrder orders the blocks of random modules as the allocator wants them", () => {
  const order = new BlockOrder();
  let loops = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const module = decodeModule(new RandomModule(seed).bytes, COMPILED_FEATURES);
    const environment = new TranslateEnvironment(module, shapeOf(module).shape, { bounds: "guard" });
    const builder = new FuncBuilder(), scratch = new Translator();
    for (let i = 0; i < module.bodies.length; i++) {
      const func = translateFunction(environment, i, builder, scratch);
      order.compute(func);
      check(order);
      for (let k = 0; k < order.count; k++) {
        if (order.loopEnd[k] !== NONE) loops++;
      }
    }
  }
  assert(loops > 100, `${loops} loops`);
});

Deno.test("BlockOrder puts what follows a loop behind all of it", () => {
  const func = parseFunc(`
sig0 (i32) -> (i32)
func 0 sig0 {
b0:
  p:i32 = param 0
  jump b1(p)
b1(i:i32):
  br_if i, b3, b2
b2:
  return (p)
b3:
  one:i32 = iconst 1
  j:i32 = isub i, one
  jump b4()
b4:
  jump b1(j)
}`);
  const order = new BlockOrder();
  order.compute(func);
  check(order);
  // b2, which leaves, stands before the loop's body in the function.
  assertEquals(Array.from(order.irBlock.slice(0, order.count)), [0, 1, 3, 4, 2]);
  assertEquals(order.loopEnd[1], 3);
});

Deno.test("a table of 20,000 targets compiles and jumps", () => {
  const blocks = 2000, entries = 20000;
  const targets = Array.from({ length: entries + 1 }, (_, i) => `t${i % blocks}`);
  const bodies = Array.from({ length: blocks }, (_, i) => `t${i}:\n  c${i}:i32 = iconst ${i}\n  jump end(c${i})`);
  const m = machine(`
sig0 (i32) -> (i32)
func 0 sig0 {
b0:
  q:i32 = param 0
  br_table q, [${targets.join(", ")}]
${bodies.join("\n")}
end(r:i32):
  return (r)
}`);
  assertEquals(m.call(0, 4321), [321]);
  assertEquals(m.call(0, -1), [entries % blocks]);
});

Deno.test("BlockOrder calls cold what only cold blocks lead to, loops included", () => {
  const func = parseFunc(`
sig0 (i32) -> (i32)
func 0 sig0 {
b0:
  p:i32 = param 0
  br_if p, b1, b5
b1 cold:
  jump b2(p)
b2(i:i32):
  br_if i, b3, b4
b3:
  one:i32 = iconst 1
  j:i32 = isub i, one
  jump b2(j)
b4:
  jump b6()
b5:
  jump b6()
b6:
  return (p)
}`);
  const order = new BlockOrder();
  order.compute(func);
  check(order);
  const cold = Array.from({ length: func.blockCount }, (_, block) => order.cold[order.blockOf[block]]);
  assertEquals(cold, [0, 1, 1, 1, 1, 0, 0]);
});
