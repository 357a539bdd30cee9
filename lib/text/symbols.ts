/**
 * Symbols: identifiers as dense numbers, so that scopes are columns and no name becomes a JavaScript string.
 *
 * A hash table with open addressing over the bytes of the names. `$a` and `$"a"` are the same symbol.
 *
 * SYM-1  Symbols are numbered from 0 in order of first use; a symbol's bytes do not change.
 *
 * May import: base. @module
 */
import { CodeBuffer, IntList } from "../base/mod.ts";

/** The number of an identifier. */
export type Symbol = number;

/** FNV's start value. */
const FNV_BASIS = 0x811c9dc5;

/** FNV-1a over a range of bytes, from a start value on. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number = FNV_BASIS): number {
  let hash = seed;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  return hash ^ hash >>> 15;
}

/** The identifiers of one text. */
export class SymbolTable {
  readonly #names = new CodeBuffer(1024);
  readonly #starts = new IntList();
  /** Symbol + 1 by hash, 0 where free; a power of two of slots, at most half of them used. */
  #slots = new Int32Array(256);
  /** Differs from run to run, so that no text can be made whose names all fall into one slot. */
  readonly #seed = Math.random() * 2 ** 32 | 0;

  constructor() {
    this.#starts.push(0);
  }

  /** The number of symbols. */
  get count(): number {
    return this.#starts.length - 1;
  }

  /** The symbol of the name that stands in `bytes`. */
  intern(bytes: Uint8Array, start: number, end: number): Symbol {
    let slot = hashBytes(bytes, start, end, this.#seed) & this.#slots.length - 1;
    for (let found = this.#slots[slot]; found !== 0; found = this.#slots[slot]) {
      if (this.#isNamed(found - 1, bytes, start, end)) return found - 1;
      slot = slot + 1 & this.#slots.length - 1;
    }
    const symbol = this.count;
    this.#slots[slot] = symbol + 1;
    this.#names.append(bytes.subarray(start, end));
    this.#starts.push(this.#names.length);
    if (2 * this.count > this.#slots.length) this.#grow();
    return symbol;
  }

  /** The name's bytes: a view that the next `intern` may outdate. */
  bytesOf(symbol: Symbol): Uint8Array {
    return this.#names.bytes.subarray(this.#starts.at(symbol), this.#starts.at(symbol + 1));
  }

  /** The name, for messages. */
  nameOf(symbol: Symbol): string {
    return new TextDecoder().decode(this.bytesOf(symbol));
  }

  #isNamed(symbol: Symbol, bytes: Uint8Array, start: number, end: number): boolean {
    const first = this.#starts.at(symbol);
    if (this.#starts.at(symbol + 1) - first !== end - start) return false;
    const names = this.#names.bytes;
    for (let i = 0; i < end - start; i++) if (names[first + i] !== bytes[start + i]) return false;
    return true;
  }

  #grow(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    for (let symbol = 0; symbol < this.count; symbol++) {
      const hash = hashBytes(this.#names.bytes, this.#starts.at(symbol), this.#starts.at(symbol + 1), this.#seed);
      let slot = hash & slots.length - 1;
      while (slots[slot] !== 0) slot = slot + 1 & slots.length - 1;
      slots[slot] = symbol + 1;
    }
    this.#slots = slots;
  }
}
