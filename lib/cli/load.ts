/** From a path to a module: WebAssembly is compiled, with progress on a terminal; a compiled file is loaded. */

import { Engine, isArtifact, Module } from "../engine/mod.ts";
import { UsageError } from "./errors.ts";
import { readInput } from "./input.ts";
import type { ParsedCommand } from "./options.ts";
import { Progress } from "./progress.ts";

/** The `--bounds` option. @throws {UsageError} for anything but guard and explicit. */
export function boundsOption(options: ParsedCommand["options"]): "guard" | "explicit" {
  const { bounds = "guard" } = options;
  if (bounds !== "guard" && bounds !== "explicit") {
    throw new UsageError(`--bounds ${bounds}: expected guard or explicit`);
  }
  return bounds;
}

/** An engine for one run of the command line. */
export function makeEngine(bounds: "guard" | "explicit"): Engine {
  return new Engine({ bounds });
}

/** Reads and compiles, or loads, the module at `path`. */
export async function loadModule(engine: Engine, path: string): Promise<Module> {
  const bytes = await readInput(path);
  if (isArtifact(bytes)) return Module.deserialize(engine, bytes);
  const progress = new Progress("compiling");
  try {
    return new Module(engine, bytes, { onProgress: (done, total) => progress.update(done, total) });
  } finally {
    progress.finish();
  }
}
