/**
 * The artifact: the sections of the ELF file that holds a compiled module, one row each.
 *
 * The compiler writes it, the runtime reads it; `.text` and `.symtab` are for everybody (`objdump -d`, `nm`), the rest is ours. Every
 * column of {@linkcode CompiledModule} has a section, so a column without one does not compile. Integers are little endian.
 */

import { SHA256_BYTES, VERSION } from "../base/mod.ts";
import { FEATURES } from "../wasm/mod.ts";
import { CPU_FEATURES } from "./code_options.ts";
import type { CompiledModule } from "./compiled_module.ts";
import { printLayout } from "./layout.ts";
import { GC_CONTRACT } from "./gc_layout.ts";
import { LIBCALLS } from "./libcalls.ts";
import { TRAPS } from "./traps.ts";
import { VM_STRUCTS } from "./vm_structs.ts";

/** Raised whenever the meaning of a section changes. */
export const ARTIFACT_VERSION = 8;

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
  builtinStubs: [".theropod.builtin_stubs", 4],
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

/** Section names beside the columns. */
export const ARTIFACT_SECTIONS = {
  /** u32: version, contract hash, then the options that the code depends on ({@linkcode CODE_OPTIONS}). */
  header: ".theropod.header",
  /** The program that wrote it and its version, as text: `readelf -p .comment`. */
  producer: ".comment",
  /** The WebAssembly module itself: types, imports, exports, data. */
  module: ".theropod.module",
  /** SHA-256 over the whole file, in which the digest itself counts as zeros ({@linkcode digestInput}). */
  digest: ".theropod.digest",
} as const;

/** What the producer section says. */
export const ARTIFACT_PRODUCER = `Theropod ${VERSION}`;

let contract: number | undefined;

/** A hash of everything compiled code knows of the runtime: code made against another contract is refused. */
export function contractHash(): number {
  return contract ??= hashContract();
}

function hashContract(): number {
  let hash = 0x811c9dc5;
  const text = VM_STRUCTS.map(printLayout).join("\n") + JSON.stringify(LIBCALLS) + JSON.stringify(TRAPS) +
    JSON.stringify(GC_CONTRACT) + JSON.stringify(FEATURES) + JSON.stringify(CPU_FEATURES);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The byte strings whose SHA-256, one after the other, is the digest of a file that keeps it at `digestOffsetBytes`. */
export function digestInput(file: Uint8Array, digestOffsetBytes: number): Uint8Array[] {
  const end = digestOffsetBytes + SHA256_BYTES;
  return [file.subarray(0, digestOffsetBytes), new Uint8Array(SHA256_BYTES), file.subarray(end)];
}
