/** From a path to a module: WebAssembly is compiled, with progress on a terminal, unless the cache has it; a compiled file is loaded. */

import { type DiskCache, Engine, isArtifact, loadOptimizer, Module } from "../engine/mod.ts";
import { loadCompiler } from "./compiler.ts";
import { CliError, UsageError } from "./errors.ts";
import { readInput } from "./input.ts";
import { limitingCode } from "./limits.ts";
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
export async function makeEngine(options: ParsedCommand["options"], cache?: DiskCache): Promise<Engine> {
  const config = {
    bounds: boundsOption(options),
    features: featuresOption(options),
    ...limitingCode(options),
    ...(cache && { cache }),
  };
  return new Engine(options.optimize ? { ...config, optimizer: await loadOptimizer() } : config);
}

/** Whether a file that is machine code already may be loaded. */
export type Precompiled = "allowed" | "refused";

/**
 * Reads and compiles, or loads, the module at `path`.
 *
 * @throws {CliError} for a compiled file where it is refused: what was asked for is to run WebAssembly, which cannot leave its sandbox.
 */
export async function loadModule(engine: Engine, path: string, precompiled: Precompiled): Promise<Module> {
  const bytes = await readInput(path);
  if (isArtifact(bytes)) {
    if (precompiled === "refused") {
      throw new CliError(
        `${path} is compiled already, and no sandbox holds it: --allow-precompiled runs it if it is yours`,
      );
    }
    return Module.deserialize(engine, bytes, { trusted: true });
  }
  const found = Module.fromCache(engine, bytes);
  if (found !== undefined) return found;
  await loadCompiler();
  const progress = new Progress("compiling");
  try {
    return new Module(engine, bytes, { onProgress: (done, total) => progress.update(done, total) });
  } finally {
    progress.finish();
  }
}
