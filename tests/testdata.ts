/**
 * Where the shared test data lives: the specification's test suite, real programs, WASI conformance programs.
 *
 * The data is not part of this repository. It is looked for beside the repository, then where the environment variable
 * THEROPOD_TESTDATA says. A test that finds none registers itself as ignored, so it is reported as skipped by name.
 */

/** A file that only the shared test data has at this place. */
const LANDMARK = "spec/binary/commands.json";

/** The folder that holds `spec/`, `programs/` and `wasi/`, without a slash at its end; undefined when there is none. */
export function sharedRoot(): string | undefined {
  const beside = new URL("../../shared", import.meta.url).pathname;
  const named = Deno.env.get("THEROPOD_TESTDATA")?.replace(/\/+$/, "");
  return [beside, named].find((root) => root !== undefined && exists(`${root}/${LANDMARK}`));
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** All files below a folder of the shared data whose name ends with `suffix`, sorted. */
export function filesBelow(folder: string, suffix: string): string[] {
  const found: string[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...filesBelow(path, suffix));
    else if (path.endsWith(suffix)) found.push(path);
  }
  return found.sort();
}
