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
  const lines: string[] = [];
  try {
    for (const layer of layers) addFolder(decodeURIComponent(LIB.pathname) + layer, lines);
  } catch {
    return undefined;
  }
  return lines.sort().join("\n");
}

function addFolder(path: string, lines: string[]): void {
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") throw new Error("no permission");
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    const entry = `${path}/${name}`;
    if (isDirectory) addFolder(entry, lines);
    else {
      const { size, mtime } = Deno.statSync(entry);
      if (mtime !== null && mtime.getTime() > performance.timeOrigin) throw new Error("changed meanwhile");
      lines.push(`${entry} ${size} ${mtime?.getTime()}`);
    }
  }
}
