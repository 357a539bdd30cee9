/**
 * Counts that do not fit into an object's header, by the object's place: few objects are referred to often.
 *
 * Open addressing with linear probing; a removed entry is filled by moving those behind it forward (D. Knuth, TAOCP 6.4, algorithm R), so there
 * are no tombstones, and a table that empties is as fast as a new one.
 */

const EMPTY = -1;
const FIRST_SLOTS = 64;

/** Large counts by number of an object. */
export class CountTable {
  #keys = new Int32Array(FIRST_SLOTS).fill(EMPTY);
  #counts = new Int32Array(FIRST_SLOTS);
  #size = 0;

  /** Entries. */
  get size(): number {
    return this.#size;
  }

  /** The count of `key`, 0 if it has none. */
  get(key: number): number {
    return this.#counts[this.#find(key)];
  }

  /** Adds to a count; returns what it is then. */
  add(key: number, delta: number): number {
    const slot = this.#find(key);
    if (this.#keys[slot] === EMPTY) {
      this.#keys[slot] = key;
      if (++this.#size * 2 > this.#keys.length) {
        this.#grow();
        return this.#counts[this.#find(key)] = delta;
      }
    }
    return this.#counts[slot] += delta;
  }

  /** Forgets an entry. */
  delete(key: number): void {
    const keys = this.#keys, counts = this.#counts;
    const mask = keys.length - 1;
    let hole = this.#find(key);
    if (keys[hole] === EMPTY) return;
    for (let slot = hole + 1 & mask; keys[slot] !== EMPTY; slot = slot + 1 & mask) {
      // An entry may move to the hole if the place where its search starts is not between the two.
      if ((slot - home(keys[slot], mask) & mask) >= (slot - hole & mask)) {
        keys[hole] = keys[slot];
        counts[hole] = counts[slot];
        hole = slot;
      }
    }
    keys[hole] = EMPTY;
    counts[hole] = 0;
    this.#size--;
  }

  /** Where the entry of `key` is, or would be. */
  #find(key: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let slot = home(key, mask);
    while (keys[slot] !== EMPTY && keys[slot] !== key) slot = slot + 1 & mask;
    return slot;
  }

  #grow(): void {
    const keys = this.#keys, counts = this.#counts;
    this.#keys = new Int32Array(keys.length * 2).fill(EMPTY);
    this.#counts = new Int32Array(keys.length * 2);
    keys.forEach((key, slot) => {
      if (key === EMPTY) return;
      const place = this.#find(key);
      this.#keys[place] = key;
      this.#counts[place] = counts[slot];
    });
  }
}

/** Where the search for a key starts. */
function home(key: number, mask: number): number {
  return Math.imul(key, 0x9e3779b1) >>> 15 & mask;
}
