/**
 * The passes against plain evaluation: random functions are interpreted as built, after each pass alone, and after the whole pipeline.
 * Result or trap code, the memory's contents, the globals and the calls made must agree. FUZZ_COUNT sets how many.
 */

import { assert, assertEquals } from "@std/assert";
import { type Func, optimize, OptimizeScratch, parseFunc, printFunc, verifyFunc } from "../../lib/ir/mod.ts";
import { AddressSpace, type Environment, IrTrap, IrUnwind, runFunc, type Val } from "../unit/translate/ir_machine.ts";
import { IrProgram, VmContext } from "./generators/ir_program.ts";
import { Random } from "./generators/random.ts";

const FUNCTIONS = Number(Deno.env.get("FUZZ_COUNT") ?? 400);
const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const MEMORY_BYTES = 64;
const INPUTS = [[0, 0, 0, 0, 0], [1, 2, 3, 4, 5], [8, 20, -1, 3, 0], [44, 40, 2, 1, -1], [-8, 0, 7, 19, 21], [
  36,
  44,
  20,
  8,
  8,
]];

const scratch = new OptimizeScratch();
const { cfg } = scratch;
const PASSES: Record<string, (func: Func) => void> = {
  numbering: (func) => scratch.numbering.run(func, cfg),
  checks: (func) => scratch.checks.run(func, cfg),
  simplify: (func) => scratch.simplify.run(func, cfg),
  motion: (func) => scratch.invariants.run(func, cfg),
  "dead code": (func) => scratch.deadCode.run(func, cfg),
  all: (func) => optimize(func, scratch, "speed"),
};

/** Everything that can be seen of one call. */
function observe(func: Func, args: Val[]): string {
  const space = new AddressSpace();
  const vmctx = space.map(VmContext.sizeBytes);
  const memory = space.map(MEMORY_BYTES);
  const record = space.map(64);
  space.setU64(vmctx + VmContext.base, memory);
  space.setU64(vmctx + VmContext.length, MEMORY_BYTES - 16);
  const contents = space.bytes(memory);
  contents.forEach((_, i) => contents[i] = i * 37);
  const calls: Val[] = [];
  const environment: Environment = {
    space,
    vmctx,
    record,
    call(_, [argument]) {
      calls.push(argument);
      const number = argument as number;
      contents[number & 31]++;
      space.bytes(vmctx)[VmContext.globals + (number & 7)]++;
      if ((number & 3) === 3) {
        space.setU32(record + VmContext.cause, number * 5 >>> 0);
        throw new IrUnwind();
      }
      if (number === 8) space.setU64(vmctx + VmContext.length, MEMORY_BYTES); // the memory grows
      return [number + calls.length | 0];
    },
    callImport: () => [],
    callIndirect: () => [],
    libcall: () => [],
  };
  let outcome: string;
  try {
    outcome = `${runFunc(func, args, environment)}`;
  } catch (error) {
    if (error instanceof IrTrap) outcome = `trap ${error.code}`;
    else if (error instanceof IrUnwind) outcome = "unwound";
    else throw error;
  }
  return `${outcome}; calls ${calls}; memory ${contents}; context ${space.bytes(vmctx).slice(VmContext.globals)}`;
}

Deno.test("each pass, and all of them, preserve what random functions do", () => {
  const program = new IrProgram();
  let trapping = 0;
  let removed = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + FUNCTIONS; seed++) {
    program.make(new Random(seed));
    const { func } = program.builder;
    verifyFunc(func, `construction, seed ${seed}`);
    const text = printFunc(func);
    const expected = INPUTS.map((args) => observe(func, args));
    trapping += expected.filter((outcome) => outcome.startsWith("trap")).length;
    for (const [name, run] of Object.entries(PASSES)) {
      const copy = parseFunc(text);
      const length = copy.orderLength;
      cfg.compute(copy);
      run(copy);
      verifyFunc(copy, `${name}, seed ${seed}`);
      if (name === "all") removed += length - copy.orderLength;
      INPUTS.forEach((args, i) =>
        assertEquals(observe(copy, args), expected[i], `${name}, seed ${seed}, input ${args}`)
      );
    }
  }
  assert(trapping > FUNCTIONS && trapping < FUNCTIONS * INPUTS.length * 0.9, `${trapping} traps`);
  assert(removed > FUNCTIONS * 5, `${removed} instructions removed`);
});
