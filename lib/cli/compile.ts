/** `compile`: WebAssembly in, an ELF file out. */

import { Module } from "../engine/mod.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import { boundsOption, loadModule, makeEngine } from "./load.ts";
import type { ParsedCommand } from "./options.ts";

/** Runs the command; returns the exit code. */
export async function compile({ options, operands }: ParsedCommand): Promise<number> {
  const [path, ...rest] = operands;
  if (path === undefined) throw new UsageError("no file to compile", "compile");
  if (rest.length > 0) throw new UsageError(`unexpected ${rest[0]}: options stand before the file`, "compile");
  using engine = makeEngine(boundsOption(options));
  const module: Module = await loadModule(engine, path);
  const output = options.output as string | undefined ?? `${path.replace(/\.(wasm|wat)$/, "")}.elf`;
  const bytes = module.serialize();
  try {
    await Deno.writeFile(output, bytes);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotCapable
      ? "writing it needs the permission --allow-write"
      : error instanceof Error
      ? error.message.split("\n")[0]
      : String(error);
    throw new CliError(`cannot write ${output}: ${reason}`);
  }
  return EXIT.ok;
}
