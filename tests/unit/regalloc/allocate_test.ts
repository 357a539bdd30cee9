import { assert, assertEquals, assertThrows } from "@std/assert";
import { InternalError } from "../../../lib/base/mod.ts";
import {
  Allocation,
  AllocationInput,
  Allocator,
  checkAllocation,
  isSlot,
  printAllocation,
  REMATERIALISE,
} from "../../../lib/regalloc/mod.ts";
import {
  allOf,
  DEF_REG,
  ProgramBuilder,
  randomProgram,
  registerFile,
  USE,
  USE_ANY,
  useFixed,
} from "./random_program.ts";

const FILE = registerFile(12, 15);

Deno.test("Allocator gives the same result when it is used again", () => {
  const file = registerFile(6, 4);
  const reused = new Allocator(file);
  const input = new AllocationInput();
  for (let seed = 0; seed < 30; seed++) {
    randomProgram(input, seed, { size: 20 + 30 * (seed % 7), file, calls: 10, exitsInside: seed % 2 === 0 });
    const first = new Allocation(), second = new Allocation();
    reused.allocate(input, first);
    new Allocator(file).allocate(input, second);
    assertEquals(printAllocation(input, first), printAllocation(input, second), `seed ${seed}`);
    assertEquals([...first.rootSlots.data.slice(0, first.rootSlots.length)], [
      ...second.rootSlots.data.slice(0, second.rootSlots.length),
    ]);
  }
});

Deno.test("Allocator lists each root that lives across a safepoint, and nothing else", () => {
  const b = new ProgramBuilder(new AllocationInput());
  const [across, before, plain] = [b.vreg(0, { root: true }), b.vreg(0, { root: true }), b.vreg(0)];
  b.block();
  for (const v of [across, before, plain]) b.inst([[v, DEF_REG]]);
  b.inst([[before, USE_ANY]], allOf(FILE), 1);
  b.inst([], 0, 1);
  b.inst([[across, USE], [plain, USE]]);
  const input = b.finish(), output = new Allocation();
  new Allocator(FILE).allocate(input, output);
  checkAllocation(input, output, FILE);
  const slots = [...output.rootSlots.data.slice(0, output.rootSlots.length)];
  assertEquals([slots[0], slots[2], slots.length], [3, 4, 4]);
  assertEquals(slots[1], slots[3]);
});

Deno.test("Allocator takes a root out of its register at a safepoint that destroys none", () => {
  // A moving collector updates the slot; the register would go stale.
  const b = new ProgramBuilder(new AllocationInput());
  const root = b.vreg(0, { root: true });
  b.block();
  b.inst([[root, DEF_REG]]);
  b.inst([[root, USE]], 0, 1);
  b.inst([[root, USE]]);
  const input = b.finish(), output = new Allocation();
  new Allocator(FILE).allocate(input, output);
  checkAllocation(input, output, FILE);
  assert(output.editFrom.slice(0, output.editCount).some(isSlot), printAllocation(input, output));
});

/** A loop whose every turn calls, with two parameters that change places. */
function swappingLoop(remat: boolean): AllocationInput {
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  const x0 = b.vreg(0, remat ? { remat: 3 } : {}), y0 = b.vreg();
  b.inst([[x0, DEF_REG]]);
  b.inst([[y0, DEF_REG]]);
  b.inst([], allOf(FILE));
  const entry = b.jump();
  b.depth = 1;
  const x = b.vreg(), y = b.vreg(), c = b.vreg();
  const header = b.block(x, y);
  b.edge(entry, header, [x0, y0]);
  b.inst([], allOf(FILE));
  b.inst([[x, USE], [y, USE], [c, DEF_REG]]);
  b.inst([], allOf(FILE));
  b.inst([[c, USE]]);
  const latch = b.block();
  b.jump();
  b.edge(header, latch);
  b.edge(latch, header, remat ? [x0, x] : [y, x]);
  b.blocks[header].loopEnd = latch;
  b.depth = 0;
  const exit = b.block();
  b.inst([[x, useFixed(0)]]);
  b.edge(header, exit);
  return b.finish();
}

Deno.test("Allocator swaps two spilled parameters", () => {
  const input = swappingLoop(false), output = new Allocation();
  new Allocator(FILE).allocate(input, output);
  checkAllocation(input, output, FILE);
});

Deno.test("Allocator rematerialises an argument for a spilled parameter", () => {
  const input = swappingLoop(true), output = new Allocation();
  new Allocator(FILE).allocate(input, output);
  checkAllocation(input, output, FILE);
  assert(output.editFrom.slice(0, output.editCount).includes(REMATERIALISE), printAllocation(input, output));
});

Deno.test("Allocator refuses a use without a def", () => {
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  b.inst([[b.vreg(), USE]]);
  assertThrows(() => new Allocator(FILE).allocate(b.finish(), new Allocation()), InternalError, "never defined");
});

Deno.test("Allocator is near linear in a function of 20,000 blocks and 1,000 values used far apart", () => {
  const b = new ProgramBuilder(new AllocationInput());
  b.block();
  const values = Array.from({ length: 1000 }, () => {
    const v = b.vreg();
    b.inst([[v, DEF_REG]]);
    return v;
  });
  let from = b.current;
  b.inst([[values[0], USE]]);
  for (let k = 0; k < 6667; k++) {
    // An if without else: then, (split) else, merge.
    const then = b.block();
    b.inst([[values[k % 1000], USE]]);
    b.jump();
    const otherwise = b.block();
    b.jump();
    const merge = b.block();
    b.inst([[values[(7 * k) % 1000], USE_ANY]]);
    b.edge(from, then);
    b.edge(from, otherwise);
    b.edge(then, merge);
    b.edge(otherwise, merge);
    from = merge;
  }
  b.inst([]);
  const input = b.finish(), output = new Allocation();
  const start = performance.now();
  new Allocator(FILE).allocate(input, output);
  // A quadratic step (blocks times values or blocks times blocks) would take minutes; this is a second on a slow machine.
  assert(performance.now() - start < 20_000);
});
