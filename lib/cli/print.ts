/** `print`: WebAssembly in, its text format out. */

import { printModule } from "../text/mod.ts";
import { EXIT, UsageError } from "./errors.ts";
import { readInput } from "./input.ts";
import type { ParsedCommand } from "./options.ts";
import { writeOutput, writeText } from "./output.ts";

/** Runs the command; returns the exit code. */
export async function print({ options, operands }: ParsedCommand): Promise<number> {
  const [path, ...rest] = operands;
  if (path === undefined) throw new UsageError("no file to print", "print");
  if (rest.length > 0) throw new UsageError(`unexpected ${rest[0]}: one file at a time`, "print");
  const text = printModule(await readInput(path));
  const output = options.output as string | undefined;
  if (output === undefined) writeText(text);
  else await writeOutput(output, new TextEncoder().encode(text));
  return EXIT.ok;
}
