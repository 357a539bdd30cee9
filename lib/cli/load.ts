/** From a path to a module: WebAssembly is compiled, with progress on a terminal; a compiled file is loaded. */

import { Engine, isArtifact, loadOptimizer, Module } from "../engine/mod.ts";
import { UsageError } from "./errors.ts";
import { readInput } from "./input.ts";
import type { ParsedCommand } from "./options.ts";
import { DEFAULT_FEATURES, type FeatureName, featureNames, FEATURES } from "../wasm/mod.ts";
import { Progress } from "./progress.ts";

/** The `--bounds` option. @throws {UsageError} for anything but guard and explicit. */
export function boundsOption(options: ParsedCommand["options"]): "guard" | "explicit" {
  const { bounds = "guard" } = options;
  if (bounds !== "guard" && bounds !== "explicit") {
    throw new UsageError(`--bounds ${bounds}: expected guard or explicit`);
  }
  return bounds;
}

/** The `--features` option: the default features and those it names. @throws {UsageError} for a name that is none. */
function featuresOption(options: ParsedCommand["options"]): FeatureName[] {
  const names: FeatureName[] = featureNames(DEFAULT_FEATURES);
  const given = options.features as string | undefined;
  for (const name of given === undefined ? [] : given.split(",")) {
    const known = FEATURES.find((row) => row[0] === name);
    if (known === undefined) throw new UsageError(`--features ${name}: there is no such feature`);
    names.push(known[0]);
  }
  return names;
}

/** An engine for one run of the command line, as its options say. */
export async function makeEngine(options: ParsedCommand["options"]): Promise<Engine> {
  const config = { bounds: boundsOption(options), features: featuresOption(options) };
  return new Engine(options.optimize ? { ...config, optimizer: await loadOptimizer() } : config);
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
