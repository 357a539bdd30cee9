/** Random programs through the register allocator, judged by the checker and by running them. `FUZZ_SEED` and `FUZZ_COUNT` choose others. */

import { Allocation, AllocationInput, Allocator, checkAllocation, printAllocation } from "../../lib/regalloc/mod.ts";
import { randomProgram, registerFile } from "../unit/regalloc/random_program.ts";
import { traceAllocated, traceProgram } from "../unit/regalloc/interpreter.ts";
import { assertEquals } from "@std/assert";

const FILES = [
  { name: "3 + 2 registers", file: registerFile(3, 2) },
  { name: "3 + 2 registers and 4 for fixed operands", file: registerFile(3, 2, 4) },
  { name: "5 + 3 registers", file: registerFile(5, 3) },
  { name: "12 + 15 registers", file: registerFile(12, 15) },
];

/** Safepoints that keep registers, in no program, few, with few roots and many. */
const POLLS = [{}, { polls: 5 }, { polls: 20, roots: 100 }, { polls: 10, roots: 50 }];

function seedBase(): number {
  const text = Deno.env.get("FUZZ_SEED");
  return text === undefined ? 1 : Number(text);
}
const count = Number(Deno.env.get("FUZZ_COUNT") ?? 80);

for (const { name, file } of FILES) {
  Deno.test(`Allocator with ${name} is right for random programs`, () => {
    const input = new AllocationInput(), output = new Allocation();
    const allocator = new Allocator(file);
    for (let k = 0; k < count; k++) {
      const seed = seedBase() + k;
      const size = k % 10 === 9 ? 1500 : 10 + (k % 7) * 40;
      const options = { size, file, calls: (k % 3) * 8, unwinding: (k % 5) * 25, exitsInside: k % 2 === 0 };
      randomProgram(input, seed, { ...options, ...POLLS[k % 4] });
      try {
        allocator.allocate(input, output);
        checkAllocation(input, output, file);
        for (let run = 0; run < 3; run++) {
          assertEquals(traceAllocated(input, output, run), traceProgram(input, run));
        }
      } catch (error) {
        const dump = input.instCount < 400 ? printAllocation(input, output) : "";
        throw new Error(`seed ${seed} (program ${k}, size ${size}): ${(error as Error).message}\n${dump}`, {
          cause: error,
        });
      }
    }
  });
}

Deno.test("Allocator is right for programs of four thousand blocks", () => {
  const input = new AllocationInput(), output = new Allocation();
  // Few registers: the most spills and moves.
  FILES.slice(0, 2).forEach(({ file }, k) => {
    const options = {
      size: 6200,
      file,
      calls: 8,
      unwinding: 25 + 50 * k,
      exitsInside: k % 2 === 0,
      polls: 10,
      roots: 50,
    };
    for (let seed = seedBase() + k;; seed += FILES.length) {
      randomProgram(input, seed, options);
      if (input.blockCount >= 4000) break;
    }
    new Allocator(file).allocate(input, output);
    checkAllocation(input, output, file);
    assertEquals(traceAllocated(input, output, 1), traceProgram(input, 1));
  });
});
