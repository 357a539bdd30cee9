/**
 * Budgets: one account for several stores, on any threads of the process.
 *
 * The counters are 64-bit integers in a SharedArrayBuffer that isolates post to each other. Each isolate notes beside them how much its own
 * stores have taken; a Worker that is terminated gives nothing back, since none of its code runs any more, but its notes are found by whoever
 * finds the budget used up or asks how it stands, and taken back for it once the kernel knows the thread no longer.
 *
 * ```
 * magic | for each row: limit (-1: none), in use, peak | for each isolate: thread id, for each row: taken by its stores
 * ```
 *
 * BUDGET-1  Counters change by one atomic operation each: nothing is lost, whoever takes at the same time. What is in use is never above the limit.
 * BUDGET-2  As LIFE-1: what is taken is noted afterwards, what is given back is struck out before. A thread that ends in between leaves
 *           something taken for ever, and nothing is ever given back that somebody has.
 * BUDGET-3  A slot of notes is written by the thread whose id it has, and by who takes it from a dead one. An id that the kernel gives to a
 *           new thread keeps the notes of the dead one until that thread ends too.
 * BUDGET-4  Fuel is drawn, not lent: what a running guest has in hand counts as used, and comes back when the guest leaves. That of a thread
 *           that was terminated is used up.
 */

import { HostError, isThreadAlive, threadId } from "../host/mod.ts";
import { LimitError, type ResourceName, RESOURCES } from "./usage.ts";

/** What a budget has beside what stores take: the row behind those of {@linkcode RESOURCES}. */
export const FUEL_ROW: number = RESOURCES.length;
const ROWS = RESOURCES.length + 1;

/** "thrpdbgt", and the version of the layout. */
const MAGIC = 0x7468_7270_6462_6701n;
const NO_LIMIT = -1n;
const LIMITS = 1, USED = LIMITS + ROWS, PEAKS = USED + ROWS, SLOTS = PEAKS + ROWS;
const SLOT_WORDS = 1 + ROWS;
/** Isolates that have stores on the budget; those beyond are not noted, so what they have when they are terminated stays taken. */
const SLOT_COUNT = 64;
const BUDGET_BYTES = 8 * (SLOTS + SLOT_COUNT * SLOT_WORDS);
/** The thread id of a slot that is being cleared. */
const CLEARING = -1n;

/** What isolates post to each other. */
export interface BudgetToken {
  /** The counters; not for use. */
  readonly counters: SharedArrayBuffer;
}

/** A budget as one isolate sees it. */
export class BudgetState {
  readonly counters: SharedArrayBuffer;
  readonly #words: BigInt64Array<SharedArrayBuffer>;
  /** Where this isolate's notes are; 0 when all slots are taken; undefined until something was taken. */
  #slot: number | undefined;

  private constructor(counters: SharedArrayBuffer) {
    this.counters = counters;
    this.#words = new BigInt64Array(counters);
  }

  /** A new budget; `limits` by row, Infinity for none. */
  static create(limits: ArrayLike<number>): BudgetState {
    const state = new BudgetState(new SharedArrayBuffer(BUDGET_BYTES));
    const words = state.#words;
    for (let row = 0; row < ROWS; row++) {
      words[LIMITS + row] = limits[row] === Infinity ? NO_LIMIT : BigInt(limits[row]);
    }
    Atomics.store(words, 0, MAGIC);
    return state;
  }

  /** The budget that another isolate posted; undefined for anything else. */
  static adopt(counters: unknown): BudgetState | undefined {
    if (!(counters instanceof SharedArrayBuffer) || counters.byteLength !== BUDGET_BYTES) return undefined;
    const state = new BudgetState(counters);
    return Atomics.load(state.#words, 0) === MAGIC ? state : undefined;
  }

  /** Whether `amount` could be taken now. */
  allows(row: number, amount: number): boolean {
    return amount <= this.left(row) || this.#reclaim() && amount <= this.left(row);
  }

  /** What could be taken now; Infinity without a limit. */
  left(row: number): number {
    const limit = Atomics.load(this.#words, LIMITS + row);
    return limit === NO_LIMIT ? Infinity : Math.max(0, Number(limit - Atomics.load(this.#words, USED + row)));
  }

  /** Takes `amount` if there is as much. */
  take(row: number, amount: number): boolean {
    const wanted = BigInt(amount);
    if (!this.#add(row, wanted) && !(this.#reclaim() && this.#add(row, wanted))) return false;
    const slot = this.#slotOfThread();
    if (slot !== 0) Atomics.add(this.#words, slot + 1 + row, wanted); // BUDGET-2
    return true;
  }

  /** Gives back what was taken here. */
  give(row: number, amount: number): void {
    const given = BigInt(amount);
    const slot = this.#slotOfThread();
    if (slot !== 0) Atomics.sub(this.#words, slot + 1 + row, given); // BUDGET-2
    Atomics.sub(this.#words, USED + row, given);
  }

  /** The error for an amount that was refused. */
  exceeded(row: number, amount: number): LimitError {
    const { current, limit } = this.usage(row);
    return new LimitError(RESOURCES[row][0], "budget", current, amount, limit);
  }

  /** How one row stands. */
  usage(row: number): { readonly current: number; readonly peak: number; readonly limit: number } {
    const words = this.#words;
    const limit = Atomics.load(words, LIMITS + row);
    const current = Number(Atomics.load(words, USED + row));
    return {
      current,
      // Fuel that was used is used.
      peak: row === FUEL_ROW ? current : Number(Atomics.load(words, PEAKS + row)),
      limit: limit === NO_LIMIT ? Infinity : Number(limit),
    };
  }

  /** How all rows stand, after what terminated Workers had was taken back. */
  report(): Record<ResourceName | "fuel", { readonly current: number; readonly peak: number; readonly limit: number }> {
    this.#reclaim();
    const rows = [...RESOURCES.map(([name]) => name), "fuel"].map((name, row) => [name, this.usage(row)]);
    return Object.fromEntries(rows);
  }

  /** Whether fuel has a limit: stores draw from it then. */
  get hasFuel(): boolean {
    return Atomics.load(this.#words, LIMITS + FUEL_ROW) !== NO_LIMIT;
  }

  /** Takes up to `most` of the fuel that is left, at least `least`; returns how much, 0 when there is not as much as `least`. */
  drawFuel(least: number, most: number): number {
    const words = this.#words;
    for (;;) {
      const used = Atomics.load(words, USED + FUEL_ROW);
      const left = Number(Atomics.load(words, LIMITS + FUEL_ROW) - used);
      if (left < least) return 0;
      const drawn = Math.max(least, Math.min(left, most));
      if (drawn === 0) return 0;
      const total = used + BigInt(drawn);
      if (Atomics.compareExchange(words, USED + FUEL_ROW, used, total) === used) return drawn;
    }
  }

  /** Takes all the fuel that is left; returns how much. */
  drainFuel(): number {
    let drained = 0;
    for (let drawn: number; (drawn = this.drawFuel(1, Infinity)) !== 0;) drained += drawn;
    return drained;
  }

  /** Gives back fuel that was drawn and not used. */
  returnFuel(amount: number): void {
    if (amount > 0) Atomics.sub(this.#words, USED + FUEL_ROW, BigInt(amount));
  }

  /** Adds fuel. */
  addFuel(amount: number): void {
    Atomics.add(this.#words, LIMITS + FUEL_ROW, BigInt(amount));
  }

  /** BUDGET-1: adds to what is in use, unless that goes beyond the limit. */
  #add(row: number, amount: bigint): boolean {
    const words = this.#words;
    const limit = Atomics.load(words, LIMITS + row);
    for (let used = Atomics.load(words, USED + row);;) {
      const total = used + amount;
      if (limit !== NO_LIMIT && total > limit) return false;
      const found = Atomics.compareExchange(words, USED + row, used, total);
      if (found === used) {
        this.#notePeak(row, total);
        return true;
      }
      used = found;
    }
  }

  #notePeak(row: number, total: bigint): void {
    const words = this.#words;
    for (let peak = Atomics.load(words, PEAKS + row); total > peak;) {
      const found = Atomics.compareExchange(words, PEAKS + row, peak, total);
      if (found === peak) return;
      peak = found;
    }
  }

  /** This thread's slot: the one that it has, or a free one. */
  #slotOfThread(): number {
    return this.#slot ??= this.#claimSlot();
  }

  #claimSlot(): number {
    const words = this.#words;
    const self = BigInt(threadId());
    for (let slot = SLOTS; slot < words.length; slot += SLOT_WORDS) {
      if (Atomics.load(words, slot) === self) return slot;
    }
    for (let attempt = 0; attempt < 2; attempt++) {
      for (let slot = SLOTS; slot < words.length; slot += SLOT_WORDS) {
        if (Atomics.compareExchange(words, slot, 0n, self) === 0n) return slot;
      }
      if (!this.#reclaim()) break;
    }
    return 0;
  }

  /** Takes back what the stores of dead threads had; whether there was one (BUDGET-3). */
  #reclaim(): boolean {
    const words = this.#words;
    let hasFound = false;
    for (let slot = SLOTS; slot < words.length; slot += SLOT_WORDS) {
      const owner = Atomics.load(words, slot);
      if (owner <= 0n || slot === this.#slot || !isDead(Number(owner))) continue;
      if (Atomics.compareExchange(words, slot, owner, CLEARING) !== owner) continue;
      hasFound = true;
      for (let row = 0; row < ROWS; row++) {
        Atomics.sub(words, USED + row, Atomics.exchange(words, slot + 1 + row, 0n));
      }
      Atomics.store(words, slot, 0n);
    }
    return hasFound;
  }
}

/** Whether a thread has ended; an isolate that may not ask the kernel does not know. */
function isDead(threadId: number): boolean {
  try {
    return !isThreadAlive(threadId);
  } catch (error) {
    if (error instanceof HostError) return false;
    throw error;
  }
}
