/** Artifacts made wrong on purpose, with a digest that is right: what only somebody who means harm, or a fuzzer, makes. */

import { ARTIFACT_SECTIONS, digestInput } from "../lib/abi/mod.ts";
import { sha256 } from "../lib/base/mod.ts";
import { ElfReader } from "../lib/elf/mod.ts";

/** Writes the digest of what the file now holds into it. @throws {ElfError} if there is no place for it. */
export function redigest(bytes: Uint8Array<ArrayBuffer>): void {
  const digest = new ElfReader(bytes).requireSection(ARTIFACT_SECTIONS.digest);
  bytes.set(sha256(digestInput(bytes, digest.byteOffset - bytes.byteOffset)), digest.byteOffset - bytes.byteOffset);
}

/** A copy of an artifact whose sections `change` overwrites in place, with a digest that is right again. */
export function forge(
  artifact: Uint8Array<ArrayBuffer>,
  change: (section: (name: string) => Uint8Array) => void,
): Uint8Array<ArrayBuffer> {
  const bytes = artifact.slice();
  const elf = new ElfReader(bytes);
  change((name) => {
    const found = elf.requireSection(name);
    return new Uint8Array(found.buffer, found.byteOffset, found.byteLength);
  });
  redigest(bytes);
  return bytes;
}
