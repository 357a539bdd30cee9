/**
 * Symbols: from an offset in a module to names, files and lines that people know. Names of functions are demangled (Rust's two schemes and
 * the Itanium ABI's for C++), places come from DWARF sections or from a source map.
 *
 * All of it reads what a compiler left for debuggers, which is a courtesy and may be wrong or damaged.
 *
 * May import: base.
 *
 * SYM-1  Nothing here throws on what it reads: what is malformed gives no answer, or the answer up to the fault.
 * SYM-2  Work is bounded by the bytes that are read: every loop consumes input, every chain of references has a limit.
 *
 * @module
 */
export { demangle } from "./demangle.ts";
export { Dwarf, type DwarfSections, type SourceFrame } from "./dwarf.ts";
export { SourceMap, type SourcePosition } from "./source_map.ts";
