import { assert, assertEquals } from "@std/assert";
import { AllocationInput } from "../../../lib/regalloc/mod.ts";
import { LiveRanges } from "../../../lib/regalloc/live_ranges.ts";
import { naiveLiveIn } from "./naive_liveness.ts";
import { DEF_REG, ProgramBuilder, randomProgram, registerFile, USE, USE_LATE } from "./random_program.ts";

function rangesOf(live: LiveRanges, v: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (let k = live.rangeStart[v]; k < live.rangeStart[v + 1]; k++) ranges.push([live.rangeFrom[k], live.rangeTo[k]]);
  return ranges;
}

Deno.test("LiveRanges agrees with dataflow on random programs", () => {
  const input = new AllocationInput(), live = new LiveRanges();
  for (let seed = 0; seed < 60; seed++) {
    randomProgram(input, seed, { size: 200, file: registerFile(12, 15) });
    live.build(input);
    const liveIn = naiveLiveIn(input);
    for (let b = 0; b < input.blockCount; b++) {
      for (let v = 0; v < input.vregCount; v++) {
        const isParam = live.defBlock[v] === b;
        if (isParam) continue;
        assertEquals(live.covers(v, 2 * input.blockFirst[b]), liveIn[b].has(v), `seed ${seed}, block ${b}, vreg ${v}`);
      }
    }
  }
});

Deno.test("LiveRanges covers at least what dataflow finds when exits are numbered inside loops", () => {
  const input = new AllocationInput(), live = new LiveRanges();
  for (let seed = 0; seed < 60; seed++) {
    randomProgram(input, seed, { size: 200, file: registerFile(12, 15), exitsInside: true });
    live.build(input);
    const liveIn = naiveLiveIn(input);
    for (let b = 0; b < input.blockCount; b++) {
      for (const v of liveIn[b]) assert(live.covers(v, 2 * input.blockFirst[b]), `seed ${seed}, block ${b}, vreg ${v}`);
    }
  }
});

Deno.test("LiveRanges of random programs are ascending and apart", () => {
  const input = new AllocationInput(), live = new LiveRanges();
  for (let seed = 0; seed < 40; seed++) {
    randomProgram(input, seed, { size: 300, file: registerFile(5, 3), exitsInside: true });
    live.build(input);
    for (let v = 0; v < input.vregCount; v++) {
      let end = -1;
      for (const [from, to] of rangesOf(live, v)) {
        assert(from > end && to > from, `seed ${seed}, vreg ${v}: ${rangesOf(live, v)}`);
        end = to;
      }
    }
  }
});

Deno.test("LiveRanges leaves a hole where a value is not live", () => {
  const b = new ProgramBuilder(new AllocationInput());
  const x = b.vreg(), y = b.vreg();
  b.block();
  b.inst([[x, DEF_REG]]);
  b.inst([[x, USE]]); // branch to block 1 (x is dead) or block 2 (x is used)
  b.block();
  b.inst([[y, DEF_REG]]);
  b.inst([[y, USE_LATE]]);
  b.block();
  b.inst([[x, USE]]);
  b.edge(0, 1);
  b.edge(0, 2);
  const live = new LiveRanges();
  live.build(b.finish());
  assertEquals(rangesOf(live, x), [[1, 4], [8, 9]]);
  assertEquals(rangesOf(live, y), [[5, 8]]);
});

Deno.test("LiveRanges keeps a value live through the whole loop that uses it from outside", () => {
  const b = new ProgramBuilder(new AllocationInput());
  const x = b.vreg(), p = b.vreg(), q = b.vreg();
  b.block();
  b.inst([[x, DEF_REG]]);
  b.jump();
  b.block(p);
  b.inst([[x, USE], [q, DEF_REG]]);
  b.inst([[q, USE]]);
  b.block();
  b.jump();
  b.block();
  b.inst([]);
  b.edge(0, 1, [x]);
  b.edge(1, 2);
  b.edge(1, 3);
  b.edge(2, 1, [q]);
  b.blocks[1].loopEnd = 2;
  const live = new LiveRanges();
  live.build(b.finish());
  assertEquals(rangesOf(live, x), [[1, 10]]);
  assertEquals(rangesOf(live, q), [[5, 10]]);
  // A parameter nobody uses takes no room.
  assertEquals(rangesOf(live, p), [[4, 5]]);
});
