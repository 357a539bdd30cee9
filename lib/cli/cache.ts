/** `cache`: where compiled modules are kept, how much they take, and away with them. And the options by which commands use it. */

import { DiskCache } from "../engine/mod.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import type { ParsedCommand } from "./options.ts";
import { writeText } from "./output.ts";

const ACTIONS: Record<string, (cache: DiskCache) => void> = {
  path: ({ directory }) => writeText(`${directory}\n`),
  size: (cache) => {
    const { entries, bytes } = cache.usage();
    writeText(`${entries} ${entries === 1 ? "module" : "modules"}, ${bytes} bytes\n`);
  },
  clear: (cache) => cache.clear(),
};

/** Runs the command; returns the exit code. */
export function cache({ options, operands }: ParsedCommand): Promise<number> {
  const [action = "path", ...rest] = operands;
  if (!Object.hasOwn(ACTIONS, action)) {
    throw new UsageError(`cache ${action}: expected ${Object.keys(ACTIONS).join(", ")}`, "cache");
  }
  if (rest.length > 0) throw new UsageError(`unexpected ${rest[0]}`, "cache");
  const found = openCache(options, (problem) => {
    throw new CliError(problem);
  });
  if (found !== undefined) ACTIONS[action](found);
  return Promise.resolve(EXIT.ok);
}

/** The cache that the options ask for; `onProblem` is called when there is none although they do not forbid it. */
export function openCache(
  options: ParsedCommand["options"],
  onProblem: (problem: string) => void,
): DiskCache | undefined {
  if (options["no-cache"]) return undefined;
  const directory = options["cache-dir"] as string | undefined ?? DiskCache.defaultDirectory();
  if (directory === "") throw new UsageError("--cache-dir: expected a folder");
  if (directory === undefined) {
    onProblem("there is no cache: neither XDG_CACHE_HOME nor HOME is set, or --allow-env does not cover them");
    return undefined;
  }
  return new DiskCache({ directory, onProblem });
}
