/**
 * Which value a variable has at the end of a block: the definitions that SSA construction remembers.
 *
 * A matrix of variables by blocks is out of the question (5,000 locals times 20,000 blocks), so entries are chained in a hash table keyed by
 * the pair. Entries are dense columns and only the heads are cleared by `reset`, as many as the last use grew to: a small function after a
 * huge one pays for its own size only.
 */

import { growInt32, NONE } from "../base/mod.ts";

const FIRST_HEADS = 256;

/** A map from (block, variable) to a value. */
export class VariableMap {
  #heads = new Int32Array(FIRST_HEADS);
  #mask = FIRST_HEADS - 1;
  #count = 0;
  #block = new Int32Array(512);
  #variable = new Int32Array(512);
  #value = new Int32Array(512);
  #next = new Int32Array(512);

  constructor() {
    this.reset();
  }

  /** Forgets all entries and keeps the storage. */
  reset(): void {
    this.#count = 0;
    this.#mask = FIRST_HEADS - 1;
    this.#heads.fill(NONE, 0, FIRST_HEADS);
  }

  /** The value, or `NONE`. */
  get(block: number, variable: number): number {
    for (let entry = this.#heads[this.#slot(block, variable)]; entry !== NONE; entry = this.#next[entry]) {
      if (this.#block[entry] === block && this.#variable[entry] === variable) return this.#value[entry];
    }
    return NONE;
  }

  /** Sets or replaces the value. */
  set(block: number, variable: number, value: number): void {
    const slot = this.#slot(block, variable);
    for (let entry = this.#heads[slot]; entry !== NONE; entry = this.#next[entry]) {
      if (this.#block[entry] === block && this.#variable[entry] === variable) {
        this.#value[entry] = value;
        return;
      }
    }
    const entry = this.#count++;
    if (entry === this.#block.length) this.#grow(entry + 1);
    this.#block[entry] = block;
    this.#variable[entry] = variable;
    this.#value[entry] = value;
    this.#next[entry] = this.#heads[slot];
    this.#heads[slot] = entry;
    if (this.#count > this.#mask) this.#rehash();
  }

  #slot(block: number, variable: number): number {
    const hash = Math.imul(block, 0x9e3779b1) ^ Math.imul(variable, 0x85ebca6b);
    return (hash ^ hash >>> 15) & this.#mask;
  }

  #grow(needed: number): void {
    this.#block = growInt32(this.#block, needed);
    this.#variable = growInt32(this.#variable, needed);
    this.#value = growInt32(this.#value, needed);
    this.#next = growInt32(this.#next, needed);
  }

  #rehash(): void {
    const size = (this.#mask + 1) * 4;
    if (size > this.#heads.length) this.#heads = new Int32Array(size);
    this.#mask = size - 1;
    this.#heads.fill(NONE, 0, size);
    for (let entry = 0; entry < this.#count; entry++) {
      const slot = this.#slot(this.#block[entry], this.#variable[entry]);
      this.#next[entry] = this.#heads[slot];
      this.#heads[slot] = entry;
    }
  }
}
