/** What good allocations look like: no edits in loops that do not need them. */

import { assert, assertEquals } from "@std/assert";
import {
  Allocation,
  AllocationInput,
  Allocator,
  checkAllocation,
  isSlot,
  printAllocation,
  REMATERIALISE,
  type VReg,
} from "../../../lib/regalloc/mod.ts";
import {
  allOf,
  DEF_REG,
  defFixed,
  defReuse,
  ProgramBuilder,
  registerFile,
  USE,
  USE_ANY,
  useFixed,
} from "./random_program.ts";

const FILE = registerFile(12, 15);
const CALL = allOf(FILE);

function allocate(b: ProgramBuilder, file = FILE): { input: AllocationInput; output: Allocation; dump: string } {
  const input = b.finish(), output = new Allocation();
  new Allocator(file).allocate(input, output);
  checkAllocation(input, output, file);
  return { input, output, dump: printAllocation(input, output) };
}

/** Number of edits in a block. */
function editsIn(input: AllocationInput, output: Allocation, block: number): number {
  let count = 0;
  for (let e = 0; e < output.editCount; e++) {
    const inst = output.editInst[e];
    if (inst >= input.blockFirst[block] && inst < input.blockFirst[block + 1]) count++;
  }
  return count;
}

/** How many edits store, load or rematerialise `v`. */
function countEdits(output: Allocation, v: VReg, kind: "store" | "load" | "remat"): number {
  let count = 0;
  for (let e = 0; e < output.editCount; e++) {
    if (output.editVreg[e] !== v) continue;
    const from = output.editFrom[e], to = output.editTo[e];
    if (kind === "remat" ? from === REMATERIALISE : kind === "store" ? isSlot(to) : isSlot(from)) count++;
  }
  return count;
}

function define(b: ProgramBuilder, count: number): VReg[] {
  return Array.from({ length: count }, () => {
    const v = b.vreg();
    b.inst([[v, DEF_REG]]);
    return v;
  });
}

/**
 * entry: values and a counter; header(i, sum): uses every value; latch: i + 1; exit. With `coldCall` the body branches to a cold block
 * that makes a call; with `hotCall` to a block that does and is not cold.
 */
function loop(values: number, callBlock: "none" | "cold" | "straight" = "none") {
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  const outside = define(b, values);
  const [i0, sum0] = define(b, 2);
  const entry = b.jump();
  b.depth = 1;
  const i = b.vreg(), sum = b.vreg();
  const header = b.block(i, sum);
  b.edge(entry, header, [i0, sum0]);
  let total: VReg = sum;
  for (const v of outside) {
    const next = b.vreg();
    b.inst([[total, USE], [v, USE_ANY], [next, defReuse(0)]]);
    total = next;
  }
  if (callBlock === "straight") b.inst([], CALL);
  let body = header;
  if (callBlock === "cold") {
    b.inst([[total, USE]]);
    b.cold = 1;
    const cold = b.block();
    b.inst([[total, useFixed(0)]], CALL);
    b.jump();
    b.cold = 0;
    const other = b.block();
    b.jump();
    body = b.block();
    b.edge(header, cold);
    b.edge(header, other);
    b.edge(cold, body);
    b.edge(other, body);
  }
  const next = b.vreg();
  b.inst([[i, USE], [next, defReuse(0)]]);
  b.inst([[next, USE]]);
  const latch = b.block();
  b.jump();
  b.edge(body, latch);
  b.edge(latch, header, [next, total]);
  b.blocks[header].loopEnd = latch;
  b.depth = 0;
  const exit = b.block();
  b.inst([[total, useFixed(0)]]);
  b.edge(body, exit);
  return { b, header, latch, body, outside, total, next };
}

Deno.test("Allocator leaves a loop with 8 live values and no calls without edits", () => {
  const { b, header, latch } = loop(8);
  const { input, output, dump } = allocate(b);
  for (let k = header; k <= latch; k++) assertEquals(editsIn(input, output, k), 0, dump);
  assertEquals(output.slotCount, 0);
});

Deno.test("Allocator leaves the hot path of a loop alone when a cold block makes a call", () => {
  const { b, header, latch } = loop(7, "cold");
  const { input, output, dump } = allocate(b);
  for (let k = header; k <= latch; k++) {
    if (input.cold[k] === 0) assertEquals(editsIn(input, output, k), 0, dump);
  }
});

Deno.test("Allocator reloads before a loop, not in it, what a call before it pushed out", () => {
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  const values = define(b, 5);
  b.inst([], CALL);
  const [i0] = define(b, 1);
  const entry = b.jump();
  b.depth = 1;
  const i = b.vreg();
  const header = b.block(i);
  b.edge(entry, header, [i0]);
  for (const v of values) b.inst([[i, USE], [v, USE]]);
  const next = b.vreg();
  b.inst([[i, USE], [next, defReuse(0)]]);
  b.inst([[next, USE]]);
  const latch = b.block();
  b.jump();
  b.edge(header, latch);
  b.edge(latch, header, [next]);
  b.blocks[header].loopEnd = latch;
  b.depth = 0;
  const exit = b.block();
  b.inst([]);
  b.edge(header, exit);
  const { input, output, dump } = allocate(b);
  assertEquals(editsIn(input, output, header), 0, dump);
  assertEquals(editsIn(input, output, latch), 0, dump);
  for (const v of values) assertEquals([countEdits(output, v, "store"), countEdits(output, v, "load")], [1, 1], dump);
});

Deno.test("Allocator stores a value that lives across calls once, at its def", () => {
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  const [v] = define(b, 1);
  for (let k = 0; k < 4; k++) {
    b.inst([], CALL);
    b.inst([[v, USE]]);
  }
  const { output, dump } = allocate(b);
  assertEquals(countEdits(output, v, "store"), 1, dump);
  assertEquals(output.editInst[0], 0, dump);
  assertEquals(countEdits(output, v, "load"), 4, dump);
});

Deno.test("Allocator stores after the loop what is born in a loop and pushed out after it", () => {
  const { b, header, latch, total } = loop(4);
  // The last instruction is the exit's use: put a call and another use behind it.
  b.inst([], CALL);
  b.inst([[total, USE]]);
  const { input, output, dump } = allocate(b);
  for (let k = header; k <= latch; k++) assertEquals(editsIn(input, output, k), 0, dump);
  assertEquals(countEdits(output, total, "store"), 1, dump);
});

Deno.test("Allocator does not load values for the next turn of a loop that calls in every turn", () => {
  const { b, latch, outside } = loop(4, "straight");
  const { input, output, dump } = allocate(b);
  let loads = 0;
  for (const v of outside) loads += countEdits(output, v, "load");
  assert(loads <= outside.length, dump);
  for (const v of outside) {
    for (let e = 0; e < output.editCount; e++) {
      assert(output.editVreg[e] !== v || output.editInst[e] < input.blockFirst[latch], dump);
    }
  }
});

Deno.test("Allocator rematerialises instead of storing", () => {
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  const v = b.vreg(0, { remat: 7 });
  b.inst([[v, DEF_REG]]);
  b.inst([[v, USE]], CALL);
  b.inst([[v, USE]]);
  const { output, dump } = allocate(b);
  assertEquals([countEdits(output, v, "store"), countEdits(output, v, "load"), countEdits(output, v, "remat")], [
    0,
    0,
    1,
  ], dump);
});

Deno.test("Allocator computes arguments in the registers in which they are passed", () => {
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  const x = b.vreg();
  b.inst([[x, defFixed(7)]]);
  const args = [6, 2, 1].map((r) => {
    const v = b.vreg(), w = b.vreg();
    b.inst([[x, USE], [v, DEF_REG]]);
    b.inst([[v, USE], [w, defReuse(0)]]);
    return { w, r };
  });
  b.inst(args.map(({ w, r }) => [w, useFixed(r)]), CALL);
  const { output, dump } = allocate(b);
  assertEquals(output.editCount, 0, dump);
});

Deno.test("Allocator keeps values out of a register that a division in between destroys", () => {
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  const values = define(b, 6);
  const [x, y] = define(b, 2);
  const q = b.vreg();
  b.inst([[x, useFixed(0)], [y, USE], [q, defFixed(0)]], 1 << 2);
  for (const v of values) b.inst([[v, USE], [q, USE]]);
  const { output, dump } = allocate(b);
  assertEquals(output.editCount, 0, dump);
});

Deno.test("Allocator passes a spilled parameter on in its slot", () => {
  // Two parameters live across a call in every turn and unchanged by it: nothing but the call's own loads.
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  const [p0] = define(b, 1);
  const entry = b.jump();
  b.depth = 1;
  const p = b.vreg();
  const header = b.block(p);
  b.edge(entry, header, [p0]);
  b.inst([], CALL);
  const q = b.vreg(), t = b.vreg();
  b.inst([[p, USE], [q, DEF_REG]]);
  b.inst([], CALL);
  b.inst([[t, DEF_REG]]);
  b.inst([[t, USE]]);
  const latch = b.block();
  b.jump();
  b.edge(header, latch);
  b.edge(latch, header, [q]);
  b.blocks[header].loopEnd = latch;
  b.depth = 0;
  const exit = b.block();
  b.inst([]);
  b.edge(header, exit);
  const { input, output, dump } = allocate(b);
  assertEquals(editsIn(input, output, latch), 0, dump);
  assertEquals(output.slotCount, 1, dump);
});

Deno.test("Allocator reuses slots of values that have died", () => {
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  for (let k = 0; k < 10; k++) {
    const [v] = define(b, 1);
    b.inst([], CALL);
    b.inst([[v, USE]]);
  }
  const { output, dump } = allocate(b);
  assertEquals(output.slotCount, 1, dump);
});
