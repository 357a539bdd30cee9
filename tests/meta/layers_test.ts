/** The layer rule of ARCHITECTURE.md, held: who may import whom, and which globals may be named where. */

import { assertEquals } from "@std/assert";
import { COMPILER_LAYERS } from "../../lib/engine/cache.ts";

/** Each layer and the layers it may import; order is bottom up, so nothing can point sideways or up. */
const LAYERS: Record<string, readonly string[]> = {
  base: [],
  host: ["base"],
  wasm: ["base"],
  x64: ["base"],
  elf: ["base"],
  symbols: ["base"],
  bootimage: ["base", "host", "x64", "elf"],
  ir: ["base"],
  regalloc: ["base"],
  abi: ["base", "wasm"],
  text: ["base", "wasm"],
  translate: ["base", "wasm", "abi", "ir"],
  codegen: ["base", "abi", "ir", "regalloc", "x64"],
  compile: ["base", "wasm", "abi", "elf", "ir", "translate", "codegen"],
  runtime: ["base", "host", "wasm", "abi", "elf", "symbols"],
  engine: ["base", "wasm", "abi", "symbols", "text", "compile", "runtime"],
  component: ["base", "abi", "text", "engine"],
  wasi: ["base", "host", "engine"],
  cli: [
    "base",
    "host",
    "wasm",
    "x64",
    "elf",
    "symbols",
    "ir",
    "abi",
    "text",
    "translate",
    "codegen",
    "compile",
    "runtime",
    "engine",
    "component",
    "wasi",
  ],
};

const ROOT = new URL("../../lib/", import.meta.url);

interface SourceFile {
  layer: string;
  path: string;
  text: string;
}

function* sources(folder: URL, layer: string): Generator<SourceFile> {
  for (const entry of Deno.readDirSync(folder)) {
    const url = new URL(entry.name + (entry.isDirectory ? "/" : ""), folder);
    if (entry.isDirectory) yield* sources(url, layer || entry.name);
    else if (entry.name.endsWith(".ts")) yield { layer, path: url.pathname, text: Deno.readTextFileSync(url) };
  }
}

/** Code with comments and string contents blanked, so that prose does not count as use. */
function codeOnly(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, "")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replace(/`(?:[^`\\]|\\.)*`/g, "``");
}

const files = [...sources(ROOT, "")];

Deno.test("layers: a folder imports only lower folders it names, through their mod.ts", () => {
  const violations: string[] = [];
  for (const { layer, path, text } of files) {
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
      if (specifier.startsWith("npm:") || specifier.startsWith("node:")) continue;
      const target = new URL(specifier, "file://" + path).pathname;
      if (!target.startsWith(ROOT.pathname)) {
        violations.push(`${path}: ${specifier} leaves lib/`);
        continue;
      }
      const [targetLayer, ...rest] = target.slice(ROOT.pathname.length).split("/");
      if (targetLayer === layer) continue;
      if (!LAYERS[layer]?.includes(targetLayer)) violations.push(`${path}: ${layer} must not import ${targetLayer}`);
      else if (rest.join("/") !== "mod.ts") violations.push(`${path}: ${specifier} is not a mod.ts`);
    }
  }
  assertEquals(violations, []);
  assertEquals(files.length > 60, true, `only ${files.length} files scanned`);
});

Deno.test("layers: the key of a cached module names all layers that code depends on", () => {
  const seen = new Set<string>();
  const visit = (layer: string): void => {
    if (seen.has(layer)) return;
    seen.add(layer);
    LAYERS[layer].forEach(visit);
  };
  visit("compile");
  assertEquals([...COMPILER_LAYERS].sort(), [...seen].sort());
});

Deno.test("layers: every folder of lib is in the table and has a header in mod.ts", () => {
  const folders = [...Deno.readDirSync(ROOT)].filter((entry) => entry.isDirectory).map((entry) => entry.name).sort();
  assertEquals(folders, Object.keys(LAYERS).sort());
  for (const folder of folders) {
    const header = Deno.readTextFileSync(new URL(`${folder}/mod.ts`, ROOT));
    assertEquals(/^\/\*\*[\s\S]*?May import/.test(header), true, `${folder}/mod.ts does not say what it may import`);
  }
});

Deno.test("layers: Deno is named only in host, wasi and cli; WebAssembly only by the memory allocator", () => {
  const violations: string[] = [];
  for (const { layer, path, text } of files) {
    const code = codeOnly(text);
    if (!["host", "wasi", "cli"].includes(layer) && /\bDeno\./.test(code)) violations.push(`${path}: Deno`);
    if (/\bWebAssembly\./.test(code) && !path.endsWith("/lib/host/linear_memory.ts")) {
      violations.push(`${path}: WebAssembly`);
    }
  }
  assertEquals(violations, []);
});
