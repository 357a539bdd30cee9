/** `compile`: WebAssembly in, an ELF file out. */

import type { Module } from "../engine/mod.ts";
import { CliError, EXIT, fileFailure, UsageError } from "./errors.ts";
import { loadModule, makeEngine } from "./load.ts";
import type { ParsedCommand } from "./options.ts";

/** Runs the command; returns the exit code. */
export async function compile({ options, operands }: ParsedCommand): Promise<number> {
  const [path, ...rest] = operands;
  if (path === undefined) throw new UsageError("no file to compile", "compile");
  if (rest.length > 0) throw new UsageError(`unexpected ${rest[0]}: one file at a time`, "compile");
  using engine = await makeEngine(options);
  const module: Module = await loadModule(engine, path);
  const output = options.output as string | undefined ?? `${path.replace(/\.(wasm|wat)$/, "")}.elf`;
  const bytes = module.serialize();
  try {
    await Deno.writeFile(output, bytes);
  } catch (error) {
    throw new CliError(`cannot write ${output}: ${fileFailure(error, "write")}`);
  }
  return EXIT.ok;
}
