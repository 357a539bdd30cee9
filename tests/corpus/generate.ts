/**
 * Writes the committed corpus: `deno run -A tests/corpus/generate.ts` rewrites every folder below tests/corpus/scripts/.
 *
 * Expectations are V8's, so the corpus stands alone: no specification test suite, no second engine, no text format.
 */

import { callScripts } from "./cases/calls.ts";
import { controlScripts } from "./cases/control.ts";
import { memoryScripts } from "./cases/memory.ts";
import { numericScripts } from "./cases/numeric.ts";
import { pressureScripts } from "./cases/pressure.ts";
import { tableScripts } from "./cases/tables.ts";
import type { Script } from "./script.ts";

/** Where the corpus lives, with a slash at its end. */
export const SCRIPTS_FOLDER: string = new URL("./scripts/", import.meta.url).pathname;

/** Every script of the corpus, made anew. */
export function allScripts(): Script[] {
  return [
    ...numericScripts(),
    ...memoryScripts(),
    ...controlScripts(),
    ...callScripts(),
    ...tableScripts(),
    ...pressureScripts(),
  ];
}

function write(script: Script): number {
  const folder = `${SCRIPTS_FOLDER}${script.name}/`;
  Deno.mkdirSync(folder, { recursive: true });
  let size = 0;
  for (const { name, bytes } of script.files()) {
    Deno.writeFileSync(folder + name, bytes);
    size += bytes.length;
  }
  return size;
}

if (import.meta.main) {
  try {
    Deno.removeSync(SCRIPTS_FOLDER, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  let cases = 0;
  let size = 0;
  for (const script of allScripts()) {
    const bytes = write(script);
    console.log(`${script.name}: ${script.caseCount} cases, ${bytes} bytes`);
    cases += script.caseCount;
    size += bytes;
  }
  console.log(`${cases} cases, ${size} bytes`);
}
