/** `compile`: WebAssembly in, an ELF file out. */

import type { Module } from "../engine/mod.ts";
import { loadCompiler } from "./compiler.ts";
import { EXIT, UsageError } from "./errors.ts";
import { loadModule, makeEngine } from "./load.ts";
import type { ParsedCommand } from "./options.ts";
import { writeOutput } from "./output.ts";

/** Runs the command; returns the exit code. */
export async function compile({ options, operands }: ParsedCommand): Promise<number> {
  const [path, ...rest] = operands;
  if (path === undefined) throw new UsageError("no file to compile", "compile");
  if (rest.length > 0) throw new UsageError(`unexpected ${rest[0]}: one file at a time`, "compile");
  using engine = await makeEngine(options);
  const module: Module = await loadModule(engine, path, "allowed");
  await loadCompiler(); // Which also writes what was compiled before.
  const output = options.output as string | undefined ?? `${path.replace(/\.(wasm|wat)$/, "")}.elf`;
  await writeOutput(output, module.serialize());
  return EXIT.ok;
}
