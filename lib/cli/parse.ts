/** `parse`: the text format in, a WebAssembly binary out, valid or refused. */

import { ALL_FEATURES, decodeModule, validateModule } from "../wasm/mod.ts";
import { EXIT, UsageError } from "./errors.ts";
import { readText } from "./input.ts";
import type { ParsedCommand } from "./options.ts";
import { writeOutput } from "./output.ts";

/** Runs the command; returns the exit code. */
export async function parse({ options, operands }: ParsedCommand): Promise<number> {
  const [path, ...rest] = operands;
  if (path === undefined) throw new UsageError("no file to parse", "parse");
  if (rest.length > 0) throw new UsageError(`unexpected ${rest[0]}: one file at a time`, "parse");
  const bytes = await readText(path);
  validateModule(decodeModule(bytes, ALL_FEATURES));
  await writeOutput(options.output as string | undefined ?? `${path.replace(/\.wat$/, "")}.wasm`, bytes);
  return EXIT.ok;
}
