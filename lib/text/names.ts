/**
 * The name section (spec: binary-namesec): the identifiers of a text, so that traps, backtraces and dumps can show them.
 *
 * May import: base, wasm. @module
 */
import { CodeBuffer } from "../base/mod.ts";
import { writeByteVector, writeU32Leb } from "../wasm/mod.ts";
import type { NamedIndex } from "./index_space.ts";
import type { SymbolTable } from "./symbols.ts";

/** The subsections in the order of the section; the row's number is not the id. */
const SUBSECTIONS = [
  ["module", 0],
  ["funcs", 1],
  ["locals", 2],
  ["labels", 3],
  ["types", 4],
  ["tables", 5],
  ["memories", 6],
  ["globals", 7],
  ["elems", 8],
  ["datas", 9],
  ["fields", 10],
  ["tags", 11],
] as const;

/** Names of things inside a thing: the locals of a function. */
export interface NestedNames {
  readonly index: number;
  readonly names: readonly NamedIndex[];
}

/** All the names of a module. */
export interface ModuleNames {
  readonly module: Uint8Array | undefined;
  readonly funcs: readonly NamedIndex[];
  readonly locals: readonly NestedNames[];
  readonly labels: readonly NestedNames[];
  readonly types: readonly NamedIndex[];
  readonly tables: readonly NamedIndex[];
  readonly memories: readonly NamedIndex[];
  readonly globals: readonly NamedIndex[];
  readonly elems: readonly NamedIndex[];
  readonly datas: readonly NamedIndex[];
  readonly fields: readonly NestedNames[];
  readonly tags: readonly NamedIndex[];
}

/** Appends the content of the name section; nothing when there are no names. */
export function writeNames(out: CodeBuffer, names: ModuleNames, symbols: SymbolTable): void {
  const body = new CodeBuffer(256);
  const writeMap = (map: readonly NamedIndex[]) => {
    writeU32Leb(body, map.length);
    for (const { index, symbol } of map) {
      writeU32Leb(body, index);
      writeByteVector(body, symbols.bytesOf(symbol));
    }
  };
  for (const [key, id] of SUBSECTIONS) {
    body.reset();
    const content = names[key];
    if (content === undefined || (key !== "module" && content.length === 0)) continue;
    if (key === "module") writeByteVector(body, content as Uint8Array);
    else if (key === "locals" || key === "labels" || key === "fields") {
      writeU32Leb(body, content.length);
      for (const { index, names: nested } of content as readonly NestedNames[]) {
        writeU32Leb(body, index);
        writeMap(nested);
      }
    } else writeMap(content as readonly NamedIndex[]);
    out.u8(id);
    writeByteVector(out, body.bytes.subarray(0, body.length));
  }
}
