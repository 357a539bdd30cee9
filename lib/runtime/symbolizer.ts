/**
 * From an offset in a module's bytes to the functions and places in its sources: by a source map, if the embedder attached one, else by the DWARF
 * sections that the module carries. Both are read when the first frame of the module is asked for them, and kept as long as the module.
 *
 * Only types of `lib/symbols` are named here: its files would make every start longer, and a program that ends well needs none of them. Who
 * wants places gives the readers ({@linkcode useSymbolReaders}); without them frames have the names and offsets of the module.
 */

import { bug } from "../base/mod.ts";
import type { demangle, Dwarf, DwarfSections, SourceMap } from "../symbols/mod.ts";
import { type Module, Reader } from "../wasm/mod.ts";

/** A function in the sources that a frame is in: the one that has the code is last, before it those inlined into it. */
export interface FrameSymbol {
  /** The function's name, demangled. */
  readonly name: string | undefined;
  /** The source file, as the compiler named it. */
  readonly file: string | undefined;
  /** Counted from 1; undefined if unknown. */
  readonly line: number | undefined;
  /** Counted from 1; undefined if unknown. */
  readonly column: number | undefined;
}

const CODE_SECTION = 10;
/** Bytes before the first section: magic number and version. */
const PREAMBLE_BYTES = 8;

const SECTION_NAMES = [
  "debug_info",
  "debug_abbrev",
  "debug_line",
  "debug_str",
  "debug_line_str",
  "debug_str_offsets",
  "debug_addr",
  "debug_ranges",
  "debug_rnglists",
] as const satisfies readonly (keyof DwarfSections)[];

/** What reads the files of debuggers: exports of `lib/symbols`. */
export interface SymbolReaders {
  readonly demangle: typeof demangle;
  readonly Dwarf: typeof Dwarf;
  readonly SourceMap: typeof SourceMap;
}

let readers: SymbolReaders | undefined;

/** Gives frames their places and demangled names from now on. */
export function useSymbolReaders(given: SymbolReaders): void {
  readers = given;
}

/** A function's name for people, as far as it can be told. */
export function demangledName(name: string): string {
  return readers === undefined ? name : readers.demangle(name);
}

/** What is known of a module's sources. */
class Symbolizer {
  readonly #codeStart: number;
  readonly #dwarf: Dwarf | undefined;
  sourceMap: SourceMap | undefined;

  constructor({ bytes, customSections }: Module, { Dwarf }: SymbolReaders) {
    this.#codeStart = codeStartOf(bytes);
    const section = (wanted: string) => {
      const found = customSections.find(({ name }) => name === wanted);
      return found === undefined ? EMPTY : bytes.subarray(found.start, found.end);
    };
    const sections = Object.fromEntries(
      SECTION_NAMES.map((name) => [name, section(`.${name}`)]),
    ) as unknown as DwarfSections;
    if (sections.debug_info.length > 0) this.#dwarf = new Dwarf(sections);
  }

  symbols(wasmOffset: number, functionName: string | undefined): FrameSymbol[] {
    const mapped = this.sourceMap?.find(wasmOffset);
    if (mapped !== undefined) {
      const { name, file, line, column } = mapped;
      return [{ name: functionName ?? name, file, line, column }];
    }
    const found = this.#dwarf?.locate(wasmOffset - this.#codeStart) ?? [];
    return found.map(({ name, file, line, column }) => ({
      name: name === undefined ? undefined : demangledName(name),
      file,
      line: line > 0 ? line : undefined,
      column: column > 0 ? column : undefined,
    }));
  }
}

const EMPTY = new Uint8Array(0);

/** DWARF's addresses count from the contents of the code section. */
function codeStartOf(bytes: Uint8Array): number {
  const reader = new Reader(bytes, PREAMBLE_BYTES, bytes.length);
  while (reader.pos < bytes.length) {
    const id = reader.readU8();
    const length = reader.readU32Leb();
    if (id === CODE_SECTION) return reader.pos;
    reader.pos += length;
  }
  return 0;
}

const symbolizers = new WeakMap<Module, Symbolizer>();

function symbolizerOf(module: Module, readers: SymbolReaders): Symbolizer {
  let found = symbolizers.get(module);
  if (found === undefined) symbolizers.set(module, found = new Symbolizer(module, readers));
  return found;
}

/** The functions in the sources that an instruction is in, innermost first; empty when nothing is known. */
export function symbolsAt(module: Module, wasmOffset: number, functionName: string | undefined): FrameSymbol[] {
  return readers === undefined ? [] : symbolizerOf(module, readers).symbols(wasmOffset, functionName);
}

/** Makes frames of a module speak of the places that a source map gives. @throws {SyntaxError} for what is no source map. */
export function attachSourceMap(module: Module, text: string): void {
  if (readers === undefined) bug("nobody reads source maps");
  symbolizerOf(module, readers).sourceMap = new readers.SourceMap(text);
}
