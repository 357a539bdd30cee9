/**
 * Writes the artifact of a compiled module: the ELF file that `compile` produces, a cache keeps and `objdump -d` reads.
 *
 * Equal input gives equal bytes (ELFW-1): no time, no path, no address, nothing of the process that wrote it. The runtime reads it back (`lib/runtime`), after checking the digest.
 */

import {
  ARTIFACT_COLUMNS,
  ARTIFACT_PRODUCER,
  ARTIFACT_SECTIONS,
  ARTIFACT_VERSION,
  type ArtifactColumn,
  type CompiledModule,
  contractHash,
  digestInput,
  encodeCodeOptions,
} from "../abi/mod.ts";
import { bug, CodeBuffer, sha256, SHA256_BYTES } from "../base/mod.ts";
import { ElfReader, ElfWriter } from "../elf/mod.ts";
import { funcIndexOf, funcTypeAt, type Module } from "../wasm/mod.ts";

const CODE_ALIGNMENT_BYTES = 64;

/** The ELF file of a compiled module. */
export function encodeArtifact(module: Module, compiled: CompiledModule): Uint8Array<ArrayBuffer> {
  const sections = new Map<string, Uint8Array>();
  for (const [column, [section]] of Object.entries(ARTIFACT_COLUMNS)) {
    const data = compiled[column as ArtifactColumn];
    sections.set(section, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  sections.set(ARTIFACT_SECTIONS.header, header(compiled));
  sections.set(ARTIFACT_SECTIONS.producer, new TextEncoder().encode(`${ARTIFACT_PRODUCER}\0`));
  sections.set(ARTIFACT_SECTIONS.module, module.bytes);

  const writer = new ElfWriter();
  let textIndex = 0;
  for (const [name, bytes] of sections) {
    if (name === ".text") textIndex = writer.addSection(name, "code", bytes, CODE_ALIGNMENT_BYTES);
    else writer.addSection(name, "metadata", bytes, 8);
  }
  writer.addSection(ARTIFACT_SECTIONS.digest, "metadata", new Uint8Array(SHA256_BYTES), 8);
  addSymbols(writer, textIndex, module, compiled);
  const file = writer.toBytes();
  const { offsetBytes } = new ElfReader(file).section(ARTIFACT_SECTIONS.digest) ??
    bug("the digest's section is missing");
  file.set(sha256(digestInput(file, offsetBytes)), offsetBytes);
  return file;
}

function header({ options }: CompiledModule): Uint8Array {
  const buffer = new CodeBuffer(64);
  for (const word of [ARTIFACT_VERSION, contractHash(), ...encodeCodeOptions(options)]) buffer.u32(word);
  return buffer.toBytes();
}

/** A symbol for each function and thunk, named for people: unique, as the reader demands. */
function addSymbols(writer: ElfWriter, section: number, module: Module, compiled: CompiledModule): void {
  const taken = new Set<string>();
  const add = (name: string, start: number, end: number) => {
    let unique = name;
    for (let n = 2; taken.has(unique); n++) unique = `${name}#${n}`;
    taken.add(unique);
    writer.addSymbol(unique, section, start, end - start);
  };
  const { functionOffsets } = compiled;
  for (let defined = 0; defined + 1 < functionOffsets.length; defined++) {
    const index = funcIndexOf(module, defined);
    add(functionSymbol(module, index), functionOffsets[defined], functionOffsets[defined + 1]);
  }
  for (const [kind, offsets] of [["entry", compiled.entryThunks], ["host", compiled.hostThunks]] as const) {
    const seen = new Set<number>();
    offsets.forEach((offset, type) => {
      if (offset < 0 || seen.has(offset)) return;
      seen.add(offset);
      const { params, results } = funcTypeAt(module, type);
      add(`${kind}_thunk.type${type}.${params.length}_${results.length}`, offset, offset);
    });
  }
}

/** The name of a function for symbol tables and listings: its own, its export's, or its index. */
export function functionSymbol(module: Module, funcIndex: number): string {
  const name = module.names.func(funcIndex) ??
    module.exports.find(({ kind, index }) => kind === "func" && index === funcIndex)?.name;
  return name === undefined || name === "" ? `func${funcIndex}` : name.replaceAll("\0", "?");
}
