/**
 * Layouts of signatures, kept across modules: most modules use the same few dozen shapes of parameters and results.
 *
 * Signatures are found by content, in a hash table with chains; when it holds `CAPACITY` of them it starts afresh, so that a process that
 * compiles many odd modules does not keep them all.
 */

import { layoutSignature, type SignatureLayout } from "../abi/mod.ts";
import { IS_FLOAT_CLASS, TYPE_BYTES } from "../ir/mod.ts";

const BUCKETS = 256;
const CAPACITY = 1024;

interface Entry {
  readonly params: Uint8Array;
  readonly results: Uint8Array;
  readonly layout: SignatureLayout;
  readonly next: Entry | undefined;
}

/** Finds and computes layouts. */
export class LayoutCache {
  readonly #buckets: (Entry | undefined)[] = new Array(BUCKETS).fill(undefined);
  #count = 0;

  /** The layout of a signature of the given IR types; the arrays are kept. */
  layoutOf(params: Uint8Array, results: Uint8Array): SignatureLayout {
    const bucket = hash(hash(params.length, params), results) & (BUCKETS - 1);
    for (let entry = this.#buckets[bucket]; entry !== undefined; entry = entry.next) {
      if (areEqual(entry.params, params) && areEqual(entry.results, results)) return entry.layout;
    }
    if (this.#count === CAPACITY) {
      this.#buckets.fill(undefined);
      this.#count = 0;
    }
    const layout = layoutSignature(params, results, IS_FLOAT_CLASS, TYPE_BYTES);
    this.#buckets[bucket] = { params, results, layout, next: this.#buckets[bucket] };
    this.#count++;
    return layout;
  }
}

function hash(seed: number, types: Uint8Array): number {
  for (let k = 0; k < types.length; k++) seed = Math.imul(seed, 31) + types[k];
  return seed ^ seed >>> 8;
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
}
