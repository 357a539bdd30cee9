/** Real programs: every function that the compiler is to take is translated and verified, in both bounds modes. */

import { assert, assertEquals } from "@std/assert";
import { shapeOf } from "../../../lib/abi/mod.ts";
import { checkFunc, FuncBuilder } from "../../../lib/ir/mod.ts";
import { TranslateEnvironment, translateFunction, Translator } from "../../../lib/translate/mod.ts";
import { COMPILED_FEATURES, CompileError, decodeModule, type Module, validateModule } from "../../../lib/wasm/mod.ts";
import { filesBelow, sharedRoot } from "../../testdata.ts";

const root = sharedRoot();

/** The module, or undefined when it is a component or needs more than what is compiled. */
function decodeCompilable(path: string): Module | undefined {
  try {
    const module = decodeModule(Deno.readFileSync(path), COMPILED_FEATURES);
    validateModule(module);
    return module;
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}

for (const bounds of ["guard", "explicit"] as const) {
  Deno.test({
    name: `translateFunction() gives valid IR for every function of the real programs, bounds ${bounds}`,
    ignore: root === undefined,
    fn() {
      const builder = new FuncBuilder();
      const scratch = new Translator();
      const problems: string[] = [];
      let functions = 0;
      for (const path of filesBelow(`${root}/programs`, ".wasm")) {
        const module = decodeCompilable(path);
        if (module === undefined) continue;
        const environment = new TranslateEnvironment(module, shapeOf(module).shape, { bounds });
        for (let index = 0; index < module.bodies.length; index++) {
          const found = checkFunc(translateFunction(environment, index, builder, scratch));
          problems.push(...found.map((problem) => `${path} function ${index}: ${problem}`));
          functions++;
        }
      }
      assertEquals(problems, []);
      assert(functions > 5000, `${functions} functions`);
    },
  });
}
