/** No file needs, while it is loaded or runs, a file that needs it: imports of values form no cycle. Imports of types may. */

import { assertEquals } from "@std/assert";

const ROOT = new URL("../../lib/", import.meta.url);

function* sources(folder: URL): Generator<URL> {
  for (const entry of Deno.readDirSync(folder)) {
    const url = new URL(entry.name + (entry.isDirectory ? "/" : ""), folder);
    if (entry.isDirectory) yield* sources(url);
    else if (entry.name.endsWith(".ts")) yield url;
  }
}

/** Whether an import clause names types only. */
function isOfTypes(clause: string): boolean {
  if (clause.startsWith("type ")) return true;
  const names = /^\{([\s\S]*)\}\s*$/.exec(clause)?.[1].split(",").map((name) => name.trim()).filter(Boolean);
  return names !== undefined && names.every((name) => name.startsWith("type "));
}

/** The files that a file imports values of. */
function valueImports(file: URL): string[] {
  const imports: string[] = [];
  const text = Deno.readTextFileSync(file).replace(/\/\*[\s\S]*?\*\//g, "");
  for (const [, clause, specifier] of text.matchAll(/^(?:import|export)\s+([^;"]*?)\s*from\s+"(\.[^"]+)"/gm)) {
    if (!isOfTypes(clause)) imports.push(new URL(specifier, file).pathname);
  }
  return imports;
}

Deno.test("no imports of values form a cycle", () => {
  const graph = new Map([...sources(ROOT)].map((file) => [file.pathname, valueImports(file)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      cycles.push([...path.slice(start), file].map((name) => name.slice(ROOT.pathname.length)).join(" -> "));
      return;
    }
    if (done.has(file)) return;
    for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  assertEquals(cycles, []);
  assertEquals(graph.size > 200, true, "the graph has the whole of lib/");
});
