/**
 * The one file that reaches the compiler: `mod.ts` of the project loads it. The command line does without, and loads the compiler when the
 * cache has not the module, since every source file makes the start longer.
 */

import { compileModule, encodeArtifact } from "../compile/mod.ts";
import { useCompiler } from "../runtime/mod.ts";

useCompiler({ compileModule, encodeArtifact });
