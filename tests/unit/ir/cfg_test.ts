/** Control-flow facts against their definitions, on random reducible graphs and on small ones. */

import { assert, assertEquals } from "@std/assert";
import { NONE } from "../../../lib/base/mod.ts";
import { ControlFlow, Func, I32, Ir, parseFunc, Signatures, VOID } from "../../../lib/ir/mod.ts";
import { Random } from "../../fuzz/generators/random.ts";

const cfg = new ControlFlow();

/** A function that only branches; `successors[k]`: one or two targets, or none (return). Unsplit edges are no matter here. */
function graph(successors: readonly (readonly number[])[]): Func {
  const func = new Func();
  const signatures = new Signatures();
  func.reset(signatures, signatures.add([], []), 0);
  const condition = func.add(Ir.iconst, I32, NONE, NONE, NONE, 1, 0, 0);
  for (const targets of successors) {
    const block = func.addBlock();
    func.blockStart[block] = func.orderLength;
    if (block === 0) func.appendOrder(condition);
    if (targets.length === 0) func.appendOrder(func.add(Ir.return, VOID, NONE, 0, 0, 0, 0, 0));
    else if (targets.length === 1) func.appendOrder(func.add(Ir.jump, VOID, NONE, 0, 0, targets[0], 0, 0));
    else func.appendOrder(func.add(Ir.br_if, VOID, condition, NONE, NONE, targets[0], targets[1], 0));
    func.blockEnd[block] = func.orderLength;
  }
  return func;
}

/** A random structured graph: sequences, diamonds, loops with breaks and continues, nested `deepest` times. */
function structured(random: Random, deepest = 4): number[][] {
  const successors: number[][] = [[]];
  const add = () => successors.push([]) - 1;
  const region = (entry: number, depth: number, loops: readonly { header: number; exit: number }[]): number => {
    let current = entry;
    for (let n = random.below(4); n >= 0; n--) {
      const kind = depth === 0 ? 0 : random.below(4);
      if (kind === 1) {
        const [then, otherwise, join] = [add(), add(), add()];
        successors[current] = [then, otherwise];
        successors[region(then, depth - 1, loops)] = [join];
        successors[region(otherwise, depth - 1, loops)] = [join];
        current = join;
      } else if (kind === 2) {
        const [header, exit] = [add(), add()];
        successors[current] = [header];
        const end = region(header, depth - 1, [...loops, { header, exit }]);
        successors[end] = random.oneIn(2) ? [header, exit] : [exit, header];
        current = exit;
      } else if (kind === 3 && loops.length > 0) {
        const { header, exit } = random.pick(loops);
        const next = add();
        successors[current] = [random.oneIn(2) ? header : exit, next];
        current = next;
      } else {
        const next = add();
        successors[current] = [next];
        current = next;
      }
    }
    return current;
  };
  region(0, deepest, []);
  return successors;
}

/** Blocks reachable from the entry without passing `without`. */
function reachable(successors: readonly (readonly number[])[], without: number): Set<number> {
  const seen = new Set<number>();
  const stack = without === 0 ? [] : [0];
  while (stack.length > 0) {
    const block = stack.pop()!;
    if (seen.has(block) || block === without) continue;
    seen.add(block);
    stack.push(...successors[block]);
  }
  return seen;
}

Deno.test("ControlFlow.compute() agrees with the definitions on random structured graphs", () => {
  let loops = 0;
  for (let seed = 0; seed < 300; seed++) {
    const successors = structured(new Random(seed));
    const func = graph(successors);
    cfg.compute(func);
    const all = reachable(successors, NONE);
    assertEquals(cfg.rpoCount, all.size);
    assertEquals(new Set(cfg.rpo.slice(0, cfg.rpoCount)), all);
    for (let block = 0; block < successors.length; block++) {
      assertEquals(cfg.isReachable(block), all.has(block));
      if (!all.has(block)) continue;
      assertEquals(cfg.rpo[cfg.position[block]], block);
      const without = reachable(successors, block);
      for (const other of all) {
        assertEquals(cfg.dominates(block, other), !without.has(other), `seed ${seed}: ${block} dom ${other}`);
      }
      for (const target of successors[block]) {
        const isForward = cfg.position[target] > cfg.position[block];
        assert(isForward || cfg.dominates(target, block), "CFG-3");
      }
      const preds = [...all].filter((p) => successors[p].includes(block)).sort((a, b) => a - b);
      assertEquals(
        Array.from(cfg.preds.slice(cfg.predStart[block], cfg.predStart[block + 1])).sort((a, b) => a - b),
        preds,
      );
    }
    for (let i = 0; i < cfg.rpoCount; i++) {
      const block = cfg.domOrder[i];
      if (i > 0) assert(cfg.domDepth[block] === cfg.domDepth[cfg.idom[block]] + 1);
    }
    checkLoops(successors, all);
    loops += cfg.loopCount;
  }
  assert(loops > 300, `${loops} loops seen`);
});

/** Whether each block dominates each: the greatest solution of the equations, by iteration over bit sets. */
function dominatorSets(successors: readonly (readonly number[])[]): (block: number, other: number) => boolean {
  const count = successors.length, words = Math.ceil(count / 32);
  const sets = new Int32Array(count * words).fill(-1);
  const predecessors: number[][] = successors.map(() => []);
  successors.forEach((targets, block) => targets.forEach((target) => predecessors[target].push(block)));
  const all = reachable(successors, NONE);
  sets.fill(0, 0, words);
  sets[0] = 1;
  for (let hasChanged = true; hasChanged;) {
    hasChanged = false;
    for (const block of all) {
      if (block === 0) continue;
      for (let word = 0; word < words; word++) {
        let common = -1;
        for (const pred of predecessors[block]) if (all.has(pred)) common &= sets[pred * words + word];
        if (block >> 5 === word) common |= 1 << (block & 31);
        if (sets[block * words + word] === common) continue;
        sets[block * words + word] = common;
        hasChanged = true;
      }
    }
  }
  return (block, other) => (sets[other * words + (block >> 5)] >> (block & 31) & 1) === 1;
}

Deno.test("ControlFlow.compute() agrees with the equations on graphs of up to 4,096 blocks", () => {
  let largest = 0;
  for (let seed = 0; largest < 4096 || seed < 30; seed++) {
    const successors = structured(new Random(1000 + seed), 4 + seed % 4);
    if (successors.length > 4096 + 1024 || successors.length < 200) continue;
    largest = Math.max(largest, successors.length);
    cfg.compute(graph(successors));
    const dominates = dominatorSets(successors);
    const all = [...reachable(successors, NONE)];
    let wrong = 0;
    for (const block of all) {
      for (const other of all) if (cfg.dominates(block, other) !== dominates(block, other)) wrong++;
    }
    assertEquals(wrong, 0, `seed ${seed}`);
  }
});

/** Loops by definition: a header and what reaches one of its back edges without passing it. */
function checkLoops(successors: readonly (readonly number[])[], all: ReadonlySet<number>): void {
  for (let loop = 0; loop < cfg.loopCount; loop++) {
    const header = cfg.loopHeader[loop];
    const body = new Set([header]);
    const stack = [...all].filter((block) => successors[block].includes(header) && cfg.dominates(header, block));
    assert(stack.length > 0);
    while (stack.length > 0) {
      const block = stack.pop()!;
      if (body.has(block)) continue;
      body.add(block);
      for (const pred of all) if (successors[pred].includes(block)) stack.push(pred);
    }
    const listed = cfg.rpo.slice(cfg.loopFirst[loop], cfg.loopEnd[loop]);
    assertEquals(listed[0], header);
    assertEquals(new Set(listed), body, "CFG-2");
    const parent = cfg.loopParent[loop];
    assertEquals(cfg.loopDepth[loop], parent === NONE ? 1 : cfg.loopDepth[parent] + 1);
    if (parent !== NONE) {
      assert(cfg.loopFirst[parent] < cfg.loopFirst[loop] && cfg.loopEnd[loop] <= cfg.loopEnd[parent]);
    }
  }
  for (const block of all) {
    let depth = 0;
    for (let loop = 0; loop < cfg.loopCount; loop++) {
      if (cfg.position[block] >= cfg.loopFirst[loop] && cfg.position[block] < cfg.loopEnd[loop]) depth++;
    }
    assertEquals(cfg.depthOf(block), depth);
  }
}

Deno.test("ControlFlow.compute() keeps program order where control flow leaves a choice", () => {
  // b1 is the code behind the branch, b2 the target further down, as `br_if` leaves them.
  cfg.compute(graph([[2, 1], [], []]));
  assertEquals(Array.from(cfg.rpo.slice(0, 3)), [0, 1, 2]);
  cfg.compute(graph([[1, 2], [], []]));
  assertEquals(Array.from(cfg.rpo.slice(0, 3)), [0, 1, 2]);
});

Deno.test("ControlFlow.compute() lists a target that a table names twice once", () => {
  const func = parseFunc(`
sig0 (i32) -> ()
func 0 sig0 {
b0:
  v0:i32 = param 0
  br_table v0, [b1, b2, b1, b1]
b1:
  return ()
b2:
  return ()
}`);
  cfg.compute(func);
  assertEquals(cfg.succStart[1] - cfg.succStart[0], 2);
  assertEquals(cfg.predCount(1), 1);
});

Deno.test("ControlFlow.compute() handles a chain and a nest of 20,000 blocks", () => {
  const began = performance.now();
  const count = 20_000;
  cfg.compute(graph(Array.from({ length: count }, (_, k) => k + 1 < count ? [k + 1] : [])));
  assertEquals(cfg.domDepth[count - 1], count - 1);
  // Loops within loops: block k is a header for k < count / 2, and the latches follow, inner ones first.
  const half = count / 2;
  cfg.compute(graph(Array.from({ length: count + 1 }, (_, k) => {
    if (k === 0) return [1];
    if (k <= half) return [k + 1];
    return k < count ? [k + 1, count - k] : [];
  })));
  assertEquals(cfg.loopCount, half - 1);
  assert(performance.now() - began < 5000);
});
