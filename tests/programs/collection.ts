/** The collection of real programs in the shared test data: where they are, and which wait for later features. */

/** What a program waits for, by its path below `programs`. */
const NOT_YET: Record<string, string> = {
  "kotlin-richards/kotlin-richards.wasm": "component-model",
  "cm-online-stats/cm-online-stats.wasm": "component-model",
};

/** A program: `programs/folder/file` below the test data. */
export interface Program {
  readonly folder: string;
  readonly file: string;
  /** Its full path. */
  readonly path: string;
  /** The feature it waits for; undefined when it runs. */
  readonly waitsFor: string | undefined;
}

/** All programs below `root`, sorted. */
export function programs(root: string): Program[] {
  const found: Program[] = [];
  for (const { name: folder } of Deno.readDirSync(`${root}/programs`)) {
    for (const { name: file } of Deno.readDirSync(`${root}/programs/${folder}`)) {
      if (!file.endsWith(".wasm")) continue;
      found.push({ folder, file, path: `${root}/programs/${folder}/${file}`, waitsFor: NOT_YET[`${folder}/${file}`] });
    }
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}
