/**
 * A compiler that has compiled much else gives the same bytes as one that has compiled nothing: no phase remembers a function before.
 * `FUZZ_SEED` and `FUZZ_COUNT` choose other programs.
 */

import { assertEquals } from "@std/assert";
import { Compiler, encodeArtifact } from "../../lib/compile/mod.ts";
import { machineCpuFeatures } from "../../lib/runtime/mod.ts";
import { COMPILED_FEATURES, decodeModule, validateModule } from "../../lib/wasm/mod.ts";
import { generateProgram } from "./generators/module_generator.ts";
import { Random } from "./generators/random.ts";
import { encodeProgram } from "./oracles/differential.ts";
import { configurationName, CONFIGURATIONS } from "./oracles/engines.ts";

const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const COUNT = Number(Deno.env.get("FUZZ_COUNT") ?? 100);

Deno.test("a compiler's past does not show in its code", () => {
  const used = new Compiler();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT; seed++) {
    const { bounds, effort } = CONFIGURATIONS[seed % 4];
    for (const bytes of encodeProgram(generateProgram(new Random(seed)))) {
      const module = decodeModule(bytes, COMPILED_FEATURES);
      validateModule(module);
      const options = { bounds, effort, cpuFeatures: machineCpuFeatures() };
      const [expected, actual] = [new Compiler(), used].map((compiler) =>
        encodeArtifact(module, compiler.compile(module, options))
      );
      const differs = expected.findIndex((byte, i) => byte !== actual[i]);
      assertEquals(
        [actual.length, differs],
        [expected.length, -1],
        `seed ${seed}, ${configurationName(CONFIGURATIONS[seed % 4])}: the artifacts differ at this byte`,
      );
    }
  }
});
