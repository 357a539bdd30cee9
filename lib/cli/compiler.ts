/** The compiler, loaded by what compiles: a run whose module the cache has does without its hundred and fifty files. */

import { useCompiler } from "../runtime/mod.ts";

/** Makes sure that modules can be compiled. */
export async function loadCompiler(): Promise<void> {
  useCompiler(await import("../compile/mod.ts"));
}
