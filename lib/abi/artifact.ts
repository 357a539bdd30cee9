/**
 * The artifact: the sections of the ELF file that holds a compiled module, one row each.
 *
 * The compiler writes it, the runtime reads it; `.text` and `.symtab` are for everybody (`objdump -d`, `nm`), the rest is ours. Every
 * column of {@linkcode CompiledModule} has a section, so a column without one does not compile. Integers are little endian.
 */

import type { CompiledModule } from "./compiled_module.ts";
import { printLayout } from "./layout.ts";
import { GC_CONTRACT } from "./gc_layout.ts";
import { LIBCALLS } from "./libcalls.ts";
import { TRAPS } from "./traps.ts";
import { VM_STRUCTS } from "./vm_structs.ts";

/** Raised whenever the meaning of a section changes. */
export const ARTIFACT_VERSION = 6;

/** The columns of a compiled module that are stored as they are. */
export type ArtifactColumn = {
  [K in keyof CompiledModule]: CompiledModule[K] extends Int32Array | Uint8Array ? K : never;
}[keyof CompiledModule];

/** Section and element width by column. */
export const ARTIFACT_COLUMNS = {
  code: [".text", 1],
  functionOffsets: [".theropod.functions", 4],
  entryThunks: [".theropod.entry_thunks", 4],
  hostThunks: [".theropod.host_thunks", 4],
  trapPcs: [".theropod.trap_pcs", 4],
  trapCodes: [".theropod.trap_codes", 1],
  trapSites: [".theropod.trap_sites", 4],
  subjectPcs: [".theropod.subject_pcs", 4],
  subjectPlaces: [".theropod.subjects", 4],
  callPcs: [".theropod.call_pcs", 4],
  callSites: [".theropod.call_sites", 4],
  callRootStarts: [".theropod.call_roots", 4],
  rootOffsets: [".theropod.roots", 4],
  handlerPcs: [".theropod.handler_pcs", 4],
  handlerPads: [".theropod.handler_pads", 4],
  handlerLists: [".theropod.handler_lists", 4],
  handlerClauses: [".theropod.handler_clauses", 4],
} as const satisfies Record<ArtifactColumn, readonly [section: string, elementBytes: 1 | 4]>;

/** Bits of the header's flags. */
export const ArtifactFlag = { interruption: 1, eagerTables: 2, fuel: 4 } as const;

/** Section names beside the columns. */
export const ARTIFACT_SECTIONS = {
  /**
   * Six u32: version, contract hash, bounds mode (0 guard, 1 explicit), processor features (bits of {@linkcode CPU_FEATURES}), flags
   * ({@linkcode ArtifactFlag}), stress word.
   */
  header: ".theropod.header",
  /** The WebAssembly module itself: types, imports, exports, data. */
  module: ".theropod.module",
  /** SHA-256 over everything else (see {@linkcode digestInput}). */
  digest: ".theropod.digest",
} as const;

/** Processor features that code may depend on beyond the baseline (SSE4.1 and popcnt), by bit. */
export const CPU_FEATURES = ["lzcnt", "bmi1", "bmi2", "avx", "avx2", "fma"] as const;

/** The mask of the named processor features; names that code generation does not know are left out. */
export function cpuFeatureMask(names: Iterable<string>): number {
  let mask = 0;
  for (const name of names) {
    const bit = CPU_FEATURES.indexOf(name as typeof CPU_FEATURES[number]);
    if (bit >= 0) mask |= 1 << bit;
  }
  return mask;
}

/** The names of a mask's features. */
export function cpuFeatureNames(mask: number): string[] {
  return CPU_FEATURES.filter((_, bit) => mask & 1 << bit);
}

/** A hash of everything compiled code knows of the runtime: code made against another contract is refused. */
export function contractHash(): number {
  let hash = 0x811c9dc5;
  const text = VM_STRUCTS.map(printLayout).join("\n") + JSON.stringify(LIBCALLS) + JSON.stringify(TRAPS) +
    JSON.stringify(GC_CONTRACT);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The byte strings whose SHA-256, one after the other, is the digest: each section's name, length and contents. */
export function* digestInput(sections: Iterable<readonly [name: string, bytes: Uint8Array]>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const [name, bytes] of sections) {
    yield encoder.encode(`${name}\0${bytes.length}\0`);
    yield bytes;
  }
}
