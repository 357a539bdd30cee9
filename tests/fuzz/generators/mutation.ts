/**
 * Mutations of module binaries: blind ones, of any byte, and ones that know where instructions are, which leave most modules valid and so
 * reach what the validator does after its first checks.
 */

import {
  BodyReader,
  decodeModule,
  type FeatureSet,
  type Op,
  OP_PREFIX,
  OP_SUBCODE,
  OPCODES,
  readOp,
  readValType,
  skipImmediates,
} from "../../../lib/wasm/mod.ts";
import type { Random } from "./random.ts";

/** The size of the module header, which is left alone: a change there only says that it is not a module. */
export const HEADER_BYTES = 8;

/** A copy of a module with one to eight changed bytes, or cut short. */
export function mutate(base: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  if (random.oneIn(32)) return base.slice(0, random.below(base.length));
  const bytes = base.slice();
  for (let changes = random.oneIn(4) ? 1 + random.below(8) : 1; changes > 0; changes--) {
    const at = HEADER_BYTES + random.below(bytes.length - HEADER_BYTES);
    switch (random.below(4)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] ^= 1 << random.below(8);
        break;
      case 2:
        bytes[at]++;
        break;
      case 3:
        bytes[at]--;
        break;
    }
  }
  return bytes;
}

/** An instruction in a binary. */
interface Place {
  readonly op: Op;
  readonly start: number;
  /** Where its immediates begin. */
  readonly immediates: number;
  readonly end: number;
}

function codeBytes(op: Op): readonly number[] {
  const prefix = OP_PREFIX[op], subcode = OP_SUBCODE[op];
  if (prefix === 0) return [subcode];
  return subcode < 0x80 ? [prefix, subcode] : [prefix, subcode & 0x7f | 0x80, subcode >> 7];
}

/** The operations that take and give the same, with immediates of the same kinds, in as many bytes: by any of them. */
const ALIKE: ReadonlyMap<Op, readonly Op[]> = (() => {
  const groups = new Map<string, Op[]>();
  OPCODES.forEach(([, , immediates, signature], op) => {
    if (signature === "*") return;
    // Accesses of other widths take the same operands.
    const key = `${signature} ${immediates.replace(/\d+/g, "")} ${codeBytes(op).length}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key)!.push(op);
  });
  const alike = new Map<Op, readonly Op[]>();
  for (const ops of groups.values()) if (ops.length > 1) { for (const op of ops) alike.set(op, ops); }
  return alike;
})();

/** A valid module whose instructions can be changed, each into one of the same length. */
export class InstructionMutator {
  readonly #base: Uint8Array<ArrayBuffer>;
  readonly #places: Place[] = [];

  constructor(base: Uint8Array<ArrayBuffer>, features: FeatureSet) {
    this.#base = base;
    const module = decodeModule(base, features);
    for (const { start, end } of module.bodies) {
      const reader = new BodyReader(base, start, end);
      reader.features = features;
      skipLocals(reader);
      while (!reader.atEnd) {
        const at = reader.pos;
        const op = readOp(reader);
        const immediates = reader.pos;
        skipImmediates(op, reader);
        this.#places.push({ op, start: at, immediates, end: reader.pos });
      }
    }
  }

  /** A copy with one or a few instructions changed; undefined for a module without code. */
  mutate(random: Random): Uint8Array<ArrayBuffer> | undefined {
    if (this.#places.length === 0) return undefined;
    const bytes = this.#base.slice();
    for (let changes = random.oneIn(4) ? 1 + random.below(4) : 1; changes > 0; changes--) {
      const place = random.pick(this.#places);
      const alike = ALIKE.get(place.op);
      if (alike !== undefined && random.below(3) > 0) bytes.set(codeBytes(random.pick(alike)), place.start);
      else if (place.end > place.immediates) this.#changeImmediate(bytes, place, random);
      else bytes[place.start] = this.#base[random.pick(this.#places).start];
    }
    return bytes;
  }

  // An index, label, offset or constant: some bits of one byte, so that numbers keep their length.
  #changeImmediate(bytes: Uint8Array<ArrayBuffer>, { immediates, end }: Place, random: Random): void {
    const at = immediates + random.below(end - immediates);
    const old = bytes[at];
    const value = random.pick([old + 1, old - 1, random.below(4), random.below(128)]);
    bytes[at] = old & 0x80 | value & 0x7f;
  }
}

function skipLocals(reader: BodyReader): void {
  for (let runs = reader.readU32Leb(); runs > 0; runs--) {
    reader.readU32Leb();
    readValType(reader);
  }
}
