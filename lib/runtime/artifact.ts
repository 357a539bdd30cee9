/**
 * Reads an artifact back: the ELF file of a compiled module.
 *
 * A file from a disk is parsed as untrusted bytes (ELFR-1), and nothing in it is used before the digest over all of it was recomputed. The
 * digest finds damage, not malice: machine code from somebody else runs with this process's rights, so the caller must trust where it came
 * from. What is not code is checked all the same, so bytes with a right digest and wrong tables are refused and never end the process.
 *
 * ARTIFACT-1  Code is refused unless its version, contract, options and shape fit: never interpreted, never mapped.
 * ARTIFACT-2  Any byte sequence gives a module or an {@linkcode ArtifactError}, never another exception, in time linear in its length.
 */

import {
  ARTIFACT_COLUMNS,
  ARTIFACT_PRODUCER,
  ARTIFACT_SECTIONS,
  ARTIFACT_VERSION,
  clauseHasTag,
  clauseKind,
  clauseTag,
  type CompiledModule,
  contractHash,
  decodeCodeOptions,
  digestInput,
  HANDLER_KINDS,
  LIBCALLS,
  SAVED_ROOT_REGISTERS,
  TrapCode,
  TRAPS,
} from "../abi/mod.ts";
import { NONE, sha256 } from "../base/mod.ts";
import { ElfError, ElfReader } from "../elf/mod.ts";
import type { Module } from "../wasm/mod.ts";

/** An artifact cannot be used: damaged, or made for another version or machine. */
export class ArtifactError extends Error {
  /** `"ArtifactError"`. */
  override name = "ArtifactError";
}

/** Whether the digest has to be recomputed, or whoever read the bytes has checked one of its own over all of them. */
export type ArtifactIntegrity = "unknown" | "checked";

/** A compiled module and the WebAssembly module that it was compiled from. */
export interface DecodedArtifact {
  readonly compiled: CompiledModule;
  readonly moduleBytes: Uint8Array<ArrayBuffer>;
}

/** Whether bytes are meant as an artifact rather than as a WebAssembly module: they start as an ELF file. */
export function isArtifact(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/**
 * Decodes an artifact.
 *
 * @throws {ArtifactError} if it is damaged or does not fit this version or machine.
 */
export function decodeArtifact(bytes: Uint8Array, integrity: ArtifactIntegrity = "unknown"): DecodedArtifact {
  try {
    return decode(new ElfReader(bytes), bytes, integrity);
  } catch (error) {
    if (error instanceof ElfError) throw new ArtifactError(`not a compiled module: ${error.message}`);
    throw error;
  }
}

/**
 * Checks that compiled tables fit the module they are about and the code they point into (ARTIFACT-1): what relies on them afterwards
 * checks nothing any more.
 *
 * @throws {ArtifactError}
 */
export function requireFit(module: Module, compiled: CompiledModule): void {
  const {
    code: { length },
    functionOffsets,
    entryThunks,
    hostThunks,
    builtinStubs,
    trapPcs,
    trapCodes,
    subjectPcs,
    subjectPlaces,
    trapSites,
    callPcs,
    callSites,
    callRootStarts,
    rootOffsets,
  } = compiled;
  const thunksFit = (thunks: Int32Array) =>
    thunks.length === module.types.length &&
    thunks.every((offset, i) => module.types[i].kind === "func" ? offset >= 0 && offset < length : offset === NONE);
  const fits = functionOffsets.length === module.bodies.length + 1 && isAscending(functionOffsets, length) &&
    thunksFit(entryThunks) && thunksFit(hostThunks) && builtinsFit(builtinStubs, length) &&
    isAscending(trapPcs, length) && isAscending(callPcs, length) &&
    trapCodes.every((code) => code !== TrapCode.none && code < TRAPS.length) && areSites(trapSites, module) &&
    areSites(callSites, module) &&
    callRootStarts.length === callPcs.length + 1 && isAscending(callRootStarts, rootOffsets.length) &&
    callRootStarts[0] === 0 && callRootStarts[callPcs.length] === rootOffsets.length &&
    rootOffsets.every(isPlace) &&
    isAscending(subjectPcs, length) && subjectPlaces.every(isPlace) &&
    handlersFit(module, compiled);
  if (!fits) throw new ArtifactError("the tables of the compiled module do not fit its code; compile it again");
}

/** Whether every runtime call has a stub in the code: there is no hole (SEEDS 2.17). */
function builtinsFit(stubs: Int32Array, length: number): boolean {
  return stubs.length === LIBCALLS.length && stubs.every((offset) => offset >= 0 && offset < length);
}

/** Whether it is a place of a value: spill slots lie below the frame pointer and the saved vmctx; the rest are registers that code allocates. */
function isPlace(place: number): boolean {
  return place <= -16 ? place % 8 === 0 : SAVED_ROOT_REGISTERS.includes(place);
}

/** Whether every call with handlers has a pad in the code and a list of clauses that name tags of the module. */
function handlersFit({ tags }: Module, compiled: CompiledModule): boolean {
  const { code, handlerPcs, handlerPads, handlerLists, handlerClauses } = compiled;
  if (!isAscending(handlerPcs, code.length)) return false;
  if (handlerPads.length !== handlerPcs.length || handlerLists.length !== handlerPcs.length) return false;
  return handlerPads.every((offset) => offset >= 0 && offset < code.length) &&
    handlerLists.every((start) => {
      const end = start + 1 + handlerClauses[start];
      if (!(start >= 0 && end > start && end <= handlerClauses.length)) return false; // also when `start` is beyond the end
      return (end - start) % 2 === 1 && handlerClauses.subarray(start + 1, end).every((clause, i) => {
        const kind = clauseKind(clause);
        return i % 2 === 1 || kind < HANDLER_KINDS.length && (!clauseHasTag(kind) || clauseTag(clause) < tags.length);
      });
    });
}

/** Whether all are offsets in the module's bytes, or NONE. A loop, as below: tables are long, and this code runs once. */
function areSites(sites: Int32Array, { bytes: { length } }: Module): boolean {
  for (const site of sites) if (site < NONE || site >= length) return false;
  return true;
}

/** Whether offsets ascend from 0 or more to at most `end`. */
function isAscending(offsets: Int32Array, end: number): boolean {
  let last = 0;
  for (const offset of offsets) {
    if (offset < last) return false;
    last = offset;
  }
  return last <= end;
}

function decode(elf: ElfReader, bytes: Uint8Array, integrity: ArtifactIntegrity): DecodedArtifact {
  const contents = elf.requireSection(ARTIFACT_SECTIONS.header);
  // Of another version nothing is understood, not even where its digest is.
  if (contents.length < 4 || words(contents.subarray(0, 4))[0] !== ARTIFACT_VERSION) throw anotherVersion();
  if (integrity === "unknown") requireDigest(elf, bytes);
  const header = words(contents);
  const producer = new TextDecoder().decode(elf.requireSection(ARTIFACT_SECTIONS.producer));
  if (header[1] >>> 0 !== contractHash() || producer !== `${ARTIFACT_PRODUCER}\0`) throw anotherVersion();
  const options = decodeCodeOptions(header.subarray(2));
  if (options === undefined) {
    throw new ArtifactError("the compiled module does not say how it was compiled; compile it again");
  }
  const column = (name: keyof typeof ARTIFACT_COLUMNS) => elf.requireSection(ARTIFACT_COLUMNS[name][0]);
  const compiled: CompiledModule = {
    options,
    code: column("code"),
    functionOffsets: words(column("functionOffsets")),
    entryThunks: words(column("entryThunks")),
    hostThunks: words(column("hostThunks")),
    builtinStubs: words(column("builtinStubs")),
    trapPcs: words(column("trapPcs")),
    trapCodes: column("trapCodes"),
    trapSites: words(column("trapSites")),
    subjectPcs: words(column("subjectPcs")),
    subjectPlaces: words(column("subjectPlaces")),
    callPcs: words(column("callPcs")),
    callSites: words(column("callSites")),
    callRootStarts: words(column("callRootStarts")),
    rootOffsets: words(column("rootOffsets")),
    handlerPcs: words(column("handlerPcs")),
    handlerPads: words(column("handlerPads")),
    handlerLists: words(column("handlerLists")),
    handlerClauses: words(column("handlerClauses")),
  };
  if (
    compiled.trapPcs.length !== compiled.trapCodes.length || compiled.trapPcs.length !== compiled.trapSites.length ||
    compiled.subjectPcs.length !== compiled.subjectPlaces.length ||
    compiled.callPcs.length !== compiled.callSites.length ||
    compiled.callRootStarts.length !== compiled.callPcs.length + 1 ||
    compiled.entryThunks.length !== compiled.hostThunks.length
  ) throw new ArtifactError("the tables of the compiled module contradict one another; compile it again");
  return { compiled, moduleBytes: new Uint8Array(elf.requireSection(ARTIFACT_SECTIONS.module)) };
}

/** Recomputes the digest over the whole file. @throws {ArtifactError} */
function requireDigest(elf: ElfReader, bytes: Uint8Array): void {
  const digest = elf.requireSection(ARTIFACT_SECTIONS.digest);
  const expected = sha256(digestInput(bytes, digest.byteOffset - bytes.byteOffset));
  if (digest.length !== expected.length || expected.some((byte, i) => byte !== digest[i])) {
    throw new ArtifactError("the compiled module is damaged: its digest does not match; compile it again");
  }
}

function anotherVersion(): ArtifactError {
  return new ArtifactError("the module was compiled by another version; compile it again");
}

/** A copy of the bytes as 32-bit integers: sections need not be aligned in the file. */
function words(bytes: Uint8Array): Int32Array {
  if (bytes.length % 4 !== 0) throw new ArtifactError("a table of the compiled module is cut off; compile it again");
  return new Int32Array(bytes.slice().buffer);
}
