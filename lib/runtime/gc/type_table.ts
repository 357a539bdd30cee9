/**
 * The table of types that compiled code tests against: a row with the display of supertypes by canonical id (GC-T of lib/abi/gc_layout.ts; the
 * display is N. H. Cohen, "Type-extension type tests can be performed in constant time", 1991).
 *
 * One table an engine. Its address never changes, since stores' contexts hold it: address space for every id there can be is reserved, and
 * committed as types come. It exists only for engines that need it: modules whose types are all final functions never test.
 *
 * TYPETAB-1  A row is complete before any object or function of its type exists.
 */

import {
  GC_DISPLAY_LENGTH,
  GC_NO_TYPE,
  GC_TYPE_ID_MASK,
  GC_TYPE_ROW_BYTES,
  GcTypeRow,
  typeDepth,
  typeWord,
} from "../../abi/mod.ts";
import { bug, NONE } from "../../base/mod.ts";
import { HeapReservation } from "../../host/mod.ts";
import type { TypeRegistry } from "../../wasm/mod.ts";

/** Committed at once. */
const STEP_BYTES = 64 * 1024;
const RESERVED_BYTES = (GC_TYPE_ID_MASK + 1) * GC_TYPE_ROW_BYTES;

/** An engine's native table of types. */
export class TypeTable {
  readonly #registry: TypeRegistry;
  readonly #reservation = new HeapReservation(RESERVED_BYTES, 0);
  #committedBytes = 0;
  #count = 0;

  constructor(registry: TypeRegistry) {
    this.#registry = registry;
  }

  /** Address of row 0. */
  get address(): number {
    return this.#reservation.address;
  }

  /** Writes the rows of all types that were entered since. @throws {HostError} */
  sync(): void {
    const { types, count } = this.#registry;
    const first = this.#count;
    if (first === count) return;
    if (count > GC_TYPE_ID_MASK) bug("an engine has more types than type words can name");
    const endBytes = count * GC_TYPE_ROW_BYTES;
    if (endBytes > this.#committedBytes) {
      const target = Math.min(RESERVED_BYTES, Math.ceil(endBytes * 1.5 / STEP_BYTES) * STEP_BYTES);
      this.#reservation.commit(this.#committedBytes, target - this.#committedBytes);
      this.#committedBytes = target;
    }
    const pageStart = Math.floor(first * GC_TYPE_ROW_BYTES / STEP_BYTES) * STEP_BYTES;
    const buffer = this.#reservation.view(pageStart, this.#committedBytes - pageStart);
    const words = new Int32Array(buffer);
    for (let id = first; id < count; id++) {
      const row = (id * GC_TYPE_ROW_BYTES - pageStart) >> 2;
      const depth = typeDepth(types, id);
      words[row + (GcTypeRow.depth >> 2)] = depth;
      words[row + (GcTypeRow.kind >> 2)] = typeWord(types[id], 0) >>> 24;
      const display = row + (GcTypeRow.display >> 2);
      words.fill(GC_NO_TYPE, display, display + GC_DISPLAY_LENGTH);
      for (let at = id, d = depth; at !== NONE; at = types[at].supertype, d--) {
        if (d < GC_DISPLAY_LENGTH) words[display + d] = typeWord(types[at], at);
      }
    }
    buffer.transfer(0);
    this.#count = count;
  }

  /** Gives the address space back; no code tests types any more. */
  release(): void {
    this.#reservation.release();
  }
}
