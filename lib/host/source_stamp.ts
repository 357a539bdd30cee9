/**
 * Tells one state of this program's own sources from another: what they made is kept longer than they stay as they are.
 *
 * A published version never changes, so an address that names the version is enough. Files on a disk may have been edited or updated since; looking at the size and
 * time of two hundred of them takes two milliseconds. What was changed after the process has started may or may not be what it loaded: then
 * nothing can be said.
 */

import { VERSION } from "../base/mod.ts";

/** The folder that holds all layers. */
const LIB = new URL("../", import.meta.url);

/** A text that differs whenever a source file of the named layers does; undefined if that cannot be told. */
export function sourceStamp(layers: readonly string[]): string | undefined {
  if (LIB.protocol !== "file:") return LIB.pathname.includes(VERSION) ? LIB.href : undefined;
  const path = decodeURIComponent(LIB.pathname);
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return undefined;
  const files: [path: string, facts: string][] = [];
  try {
    for (const layer of layers) addFolder(path + layer, files);
  } catch {
    return undefined;
  }
  // The text is hashed with every module, so it is short: the order tells the files.
  files.sort(([a], [b]) => a < b ? -1 : 1);
  return `${path} ${files.map(([, facts]) => facts).join(" ")}`;
}

function addFolder(path: string, files: [path: string, facts: string][]): void {
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    const entry = `${path}/${name}`;
    if (isDirectory) addFolder(entry, files);
    else {
      const { size, mtime } = Deno.statSync(entry);
      const timeMs = mtime?.getTime() ?? 0;
      if (timeMs > performance.timeOrigin) throw new Error("changed meanwhile");
      files.push([entry, `${size.toString(36)}.${timeMs.toString(36)}`]);
    }
  }
}
