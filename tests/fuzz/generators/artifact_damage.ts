/**
 * Damage to files that hold machine code, numbered: each way of cutting a file off, each bit of its headers, then as much damage anywhere as one
 * likes. The number says all, so any part of them can be run alone.
 */

import { ElfReader } from "../../../lib/elf/mod.ts";
import { redigest } from "../../artifacts.ts";
import { Random } from "./random.ts";

/** A file with all places worth damaging one by one. */
export interface Victim {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Half-open ranges of what is a header: there every bit is flipped. */
  readonly headers: readonly (readonly [start: number, end: number])[];
}

/** The headers of an artifact: of the file, of each section, and the sections that say what it is. */
export function artifactHeaders(bytes: Uint8Array): Victim["headers"] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tableAt = view.getUint32(40, true), entryBytes = view.getUint16(58, true), count = view.getUint16(60, true);
  const elf = new ElfReader(bytes);
  const named = [".theropod.header", ".theropod.digest", ".comment"].map((name) => {
    const { offsetBytes, bytes: { length } } = elf.section(name)!;
    return [offsetBytes, offsetBytes + length] as const;
  });
  return [[0, 64], [tableAt, tableAt + entryBytes * count], ...named];
}

/** How many numbers {@linkcode systematicDamage} knows. */
export function systematicCount({ bytes, headers }: Victim): number {
  return bytes.length + headers.reduce((sum, [start, end]) => sum + 8 * (end - start), 0);
}

/** Damage number `index`: the file cut off at each length, then one bit of its headers flipped. */
export function systematicDamage({ bytes, headers }: Victim, index: number): Uint8Array<ArrayBuffer> {
  if (index < bytes.length) return bytes.slice(0, index);
  let left = index - bytes.length;
  for (const [start, end] of headers) {
    const bits = 8 * (end - start);
    if (left < bits) {
      const changed = bytes.slice();
      changed[start + (left >> 3)] ^= 1 << (left & 7);
      return changed;
    }
    left -= bits;
  }
  throw new RangeError(`there is no damage ${index}`);
}

/** Random damage: bits, runs of one byte, pieces of the file at other places, bytes too many. The result differs from the file. */
export function randomDamage({ bytes }: Victim, random: Random): Uint8Array<ArrayBuffer> {
  const changed = bytes.slice();
  switch (random.below(5)) {
    case 0:
      return Uint8Array.from([...changed, ...Array.from({ length: 1 + random.below(64) }, () => random.below(256))]);
    case 1: {
      const start = random.below(bytes.length);
      changed.fill(random.pick([0, 0xff, random.below(256)]), start, start + 1 + random.below(4096));
      break;
    }
    case 2: {
      const from = random.below(bytes.length);
      changed.copyWithin(random.below(bytes.length), from, from + 1 + random.below(512));
      break;
    }
    default:
      for (let flips = random.pick([1, 1, 1, 2, 9]); flips > 0; flips--) {
        changed[random.below(bytes.length)] ^= 1 << random.below(8);
      }
  }
  if (changed.every((byte, i) => byte === bytes[i])) changed[random.below(bytes.length)] ^= 1;
  return changed;
}

/** Values at which checks of tables go wrong. */
const EDGES = [0, 1, -1, 7, 8, -8, -16, 0x7fff_ffff, -0x8000_0000, 0x1000_0000, 0xffff];

/**
 * An artifact whose digest is right and whose sections, but for the machine code, are not; undefined if what came out has no place for a digest.
 */
export function forgedDamage(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> | undefined {
  const changed = bytes.slice();
  const elf = new ElfReader(bytes);
  const view = new DataView(changed.buffer);
  const sections = elf.sections.filter(({ name, bytes }) => bytes.length > 0 && name !== ".text");
  for (let rounds = random.pick([1, 1, 2, 5]); rounds > 0; rounds--) {
    const { offsetBytes, bytes: { length }, name } = random.pick(sections);
    const at = offsetBytes + random.below(length);
    switch (random.below(name === ".theropod.module" ? 2 : 6)) {
      case 0:
        changed[at] ^= 1 << random.below(8);
        break;
      case 1:
        changed[at] = random.pick([0, 1, 0x40, 0x60, 0x7f, 0x80, 0xff, random.below(256)]);
        break;
      case 2:
        // The section's header: another length or place.
        view.setUint32(
          sectionHeaderAt(bytes, elf.sections.findIndex((row) => row.name === name)) + 24 + 8 * random.below(2),
          random.pick([0, 4, 8, length - 4, length + 4, random.below(bytes.length)]) >>> 0,
          true,
        );
        break;
      default:
        if (length >= 4) {
          const word = offsetBytes + 4 * random.below(length >> 2);
          const before = view.getInt32(word, true);
          view.setInt32(word, random.oneIn(2) ? random.pick(EDGES) : before + random.pick([-1, 1, -8, 8]), true);
        }
    }
  }
  try {
    redigest(changed);
    return changed;
  } catch {
    return undefined;
  }
}

function sectionHeaderAt(bytes: Uint8Array, index: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(40, true) + view.getUint16(58, true) * index;
}
