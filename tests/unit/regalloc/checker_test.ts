import { assert, assertEquals, assertThrows } from "@std/assert";
import { InternalError, NONE } from "../../../lib/base/mod.ts";
import {
  Allocation,
  AllocationInput,
  Allocator,
  checkAllocation,
  DEF,
  Safepoint,
  slotLocation,
} from "../../../lib/regalloc/mod.ts";
import {
  allOf,
  DEF_REG,
  defFixed,
  ProgramBuilder,
  Random,
  randomProgram,
  registerFile,
  TEMPORARY,
  USE,
  USE_LATE,
} from "./random_program.ts";

const FILE = registerFile(6, 4);

function isRejected(input: AllocationInput, output: Allocation): boolean {
  try {
    checkAllocation(input, output, FILE);
    return false;
  } catch (error) {
    if (error instanceof InternalError) return true;
    throw error;
  }
}

/** Runs `corrupt` (which undoes itself by the function it returns) on many allocations; returns the share of rejections in percent. */
function rejections(
  corrupt: (input: AllocationInput, output: Allocation, random: Random) => (() => void) | null,
): number {
  const input = new AllocationInput(), output = new Allocation();
  const allocator = new Allocator(FILE);
  let rejected = 0, tried = 0;
  for (let seed = 0; seed < 30; seed++) {
    randomProgram(input, seed, { size: 60, file: FILE, calls: 12 });
    allocator.allocate(input, output);
    checkAllocation(input, output, FILE);
    const random = new Random(seed);
    for (let k = 0; k < 20; k++) {
      const undo = corrupt(input, output, random);
      if (undo === null) continue;
      tried++;
      if (isRejected(input, output)) rejected++;
      undo();
    }
    checkAllocation(input, output, FILE);
  }
  assert(tried > 200);
  return 100 * rejected / tried;
}

Deno.test("checkAllocation() rejects an operand moved to another register", () => {
  const percent = rejections((input, output, random) => {
    const o = random.below(input.operandCount);
    const location = output.operandLocation[o];
    const order = input.vregClass[input.operandVreg[o]] === 0 ? FILE.intOrder : FILE.floatOrder;
    const other = order[random.below(order.length)];
    if (other === location) return null;
    output.operandLocation[o] = other;
    return () => output.operandLocation[o] = location;
  });
  // What remains is defs without uses and registers that hold the same value.
  assert(percent > 85, `${percent} %`);
});

Deno.test("checkAllocation() rejects an edit that reads or writes elsewhere", () => {
  const percent = rejections((_input, output, random) => {
    if (output.editCount === 0) return null;
    const e = random.below(output.editCount);
    const column = random.chance(50) ? output.editFrom : output.editTo;
    const location = column[e];
    column[e] = location < 0 ? slotLocation(output.slotCount - 1 - random.below(output.slotCount)) : location ^ 1;
    if (column[e] === location) {
      return null;
    }
    return () => column[e] = location;
  });
  assert(percent > 80, `${percent} %`);
});

Deno.test("checkAllocation() rejects a missing edit", () => {
  const percent = rejections((_input, output, random) => {
    if (output.editCount === 0) return null;
    const e = random.below(output.editCount), last = output.editCount - 1;
    const columns = [output.editInst, output.editAfter, output.editVreg, output.editFrom, output.editTo];
    const saved = columns.map((c) => c.slice(0, last + 1));
    for (const c of columns) c.copyWithin(e, e + 1, last + 1);
    output.editCount = last;
    return () => {
      columns.forEach((c, k) => c.set(saved[k]));
      output.editCount = last + 1;
    };
  });
  assert(percent > 80, `${percent} %`);
});

Deno.test("checkAllocation() rejects a root that is not reported", () => {
  const input = new AllocationInput(), output = new Allocation();
  const b = new ProgramBuilder(input);
  const root = b.vreg(0, { root: true });
  b.block();
  b.inst([[root, DEF_REG]]);
  b.inst([], allOf(FILE), 1);
  b.inst([[root, USE]]);
  b.finish();
  new Allocator(FILE).allocate(input, output);
  checkAllocation(input, output, FILE);
  assert(output.rootSlots.length === 2 && output.rootSlots.at(0) === 1);
  output.rootSlots.reset();
  assertThrows(() => checkAllocation(input, output, FILE), InternalError, "reads vreg 0");
});

Deno.test("checkAllocation() rejects a saved register that is not reported, reported twice, or holds no root", () => {
  const input = new AllocationInput(), output = new Allocation();
  const b = new ProgramBuilder(input);
  const root = b.vreg(0, { root: true }), plain = b.vreg();
  b.block();
  b.inst([[root, defFixed(1)], [plain, defFixed(2)]]);
  b.inst([], 0, Safepoint.registers);
  b.inst([[root, USE], [plain, USE]]);
  b.finish();
  new Allocator(FILE).allocate(input, output);
  checkAllocation(input, output, FILE);
  const { rootRegisters } = output;
  assertEquals([...rootRegisters.data.slice(0, rootRegisters.length)], [1, 1]);
  rootRegisters.reset();
  assertThrows(() => checkAllocation(input, output, FILE), InternalError, "reads vreg 0");
  for (const word of [1, 1, 1, 1]) rootRegisters.push(word);
  assertThrows(() => checkAllocation(input, output, FILE), InternalError, "reported twice");
  rootRegisters.data[3] = 2;
  assertThrows(() => checkAllocation(input, output, FILE), InternalError, "holds no root");
  rootRegisters.length = 2;
  input.safepoint[1] = Safepoint.slots;
  assertThrows(() => checkAllocation(input, output, FILE), InternalError, "nothing is saved");
});

Deno.test("checkAllocation() rejects a temporary in a use's register and a def in a late use's", () => {
  for (const flags of [[USE, TEMPORARY], [USE_LATE, DEF_REG]]) {
    const input = new AllocationInput(), output = new Allocation();
    const b = new ProgramBuilder(input);
    const x = b.vreg(), t = b.vreg();
    b.block();
    b.inst([[x, defFixed(0)]]);
    b.inst([[x, flags[0]], [t, flags[1]]]);
    b.inst([]);
    b.finish();
    new Allocator(FILE).allocate(input, output);
    checkAllocation(input, output, FILE);
    for (let o = 0; o < input.operandCount; o++) if ((input.operandInfo[o] & DEF) !== 0) output.operandLocation[o] = 0;
    assertThrows(() => checkAllocation(input, output, FILE), InternalError, "shares a register");
  }
});

Deno.test("checkAllocation() rejects a slot that is reported twice, and one whose root an earlier safepoint did not report", () => {
  const input = new AllocationInput(), output = new Allocation();
  const b = new ProgramBuilder(input);
  const root = b.vreg(0, { root: true });
  b.block();
  b.inst([[root, DEF_REG]]);
  b.inst([], allOf(FILE), 1);
  b.inst([], allOf(FILE), 1);
  b.inst([[root, USE]]);
  b.finish();
  new Allocator(FILE).allocate(input, output);
  checkAllocation(input, output, FILE);
  const [first, slot, second] = output.rootSlots.data;
  assertEquals([first, second, output.rootSlots.length], [1, 2, 4]);
  const report = (...pairs: number[]) => {
    output.rootSlots.reset();
    for (const word of pairs) output.rootSlots.push(word);
  };
  report(1, slot, 1, slot, 2, slot);
  assertThrows(() => checkAllocation(input, output, FILE), InternalError, "reported twice");
  report(2, slot);
  assertThrows(() => checkAllocation(input, output, FILE), InternalError, "holds no root");
});

Deno.test("checkAllocation() knows that a pad begins in the middle of its call, with nothing in registers", () => {
  const build = (input: AllocationInput, used: "argument" | "result") => {
    const b = new ProgramBuilder(input);
    const x = b.vreg(), r = b.vreg();
    b.block();
    b.inst([[x, DEF_REG]]);
    const call = b.inst([[x, USE], [r, defFixed(0)]], allOf(FILE), 1);
    const from = b.jump();
    const returned = b.block();
    b.inst([[r, USE]]);
    const pad = b.block();
    b.inst([[used === "argument" ? x : r, USE]]);
    b.edge(from, returned);
    b.edge(from, pad);
    b.pads.push([pad, call]);
    return b.finish();
  };
  const input = new AllocationInput(), output = new Allocation();
  const allocator = new Allocator(FILE);
  build(input, "argument");
  allocator.allocate(input, output);
  checkAllocation(input, output, FILE);
  // Right for an ordinary second successor only.
  build(input, "result");
  input.padCall[2] = NONE;
  allocator.allocate(input, output);
  checkAllocation(input, output, FILE);
  input.padCall[2] = 1;
  assert(isRejected(input, output));
});
