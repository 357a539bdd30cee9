/**
 * What a store takes of everything that can run out, and how much of it it may: one account a store.
 *
 * Whoever takes something asks here first, with plain numbers, where things grow or are made and nowhere else; what a guest does in between
 * costs nothing. Two answers are kept apart: the store's own limits, and those of a budget that it may share with others (budget.ts).
 *
 * Objects of the heap are the exception: machine code makes them, so the collector knows how many bytes they have and keeps to the limit itself;
 * it says here how far it has gone (`noteHeap`), and asks a budget for the pieces that it hands to machine code (`chargeHeap`).
 *
 * USAGE-1  Taking is all or nothing, and comes before anything is allocated; what then fails is taken back (`cancel`), as if never asked for.
 * USAGE-2  A peak is what was in use at a time: it is looked at when something is given back and when somebody asks, so what was cancelled
 *          in between does not count.
 * USAGE-3  Nothing is given to a budget twice: an account that is closed has given everything, and takes no part any more.
 * USAGE-4  An account knows nothing of its store, so it can be closed after that was garbage.
 */

import { bug } from "../base/mod.ts";
import type { BudgetState } from "./budget.ts";
import type { HeapAccount } from "./gc/collector_options.ts";
import type { StoreLimits } from "./limits.ts";

/** What is limited, by name: what a store's limits name, but for those that are about one thing. */
export type ResourceName = Exclude<keyof StoreLimits, "stackBytes" | "trapOnGrowFailure">;

const DEFAULTS = {
  memoryBytes: 4 * 2 ** 30,
  tableElements: 10_000_000,
  instances: 10_000,
  gcHeapBytes: 2 ** 30,
  totalStackBytes: 2 ** 30,
  parkedCalls: 10_000,
  handles: 1_000_000,
  codeBytes: 512 * 2 ** 20,
} as const satisfies Record<ResourceName, number>;

/** THE table of what is limited: name, limit unless another is given. */
export const RESOURCES: readonly (readonly [name: ResourceName, limit: number])[] = Object.entries(DEFAULTS) as [
  ResourceName,
  number,
][];

/** Rows of {@linkcode RESOURCES} by name. */
export const Resource = Object.fromEntries(RESOURCES.map(([name], row) => [name, row])) as {
  readonly [N in ResourceName]: number;
};

/** What is used of one thing. */
export interface ResourceUsage {
  /** In use now. */
  readonly current: number;
  /** The most that was in use at a time. */
  readonly peak: number;
  /** What may be in use; `Infinity` for no limit. */
  readonly limit: number;
}

/** Whose limit it is. */
export type LimitOwner = "store" | "budget";

const HOW_TO_RAISE: Readonly<Record<LimitOwner, (name: string) => string>> = {
  store: (name) => `new Store(engine, { limits: { ${name}: ... } }) raises the limit`,
  budget: (name) => `new Budget({ ${name}: ... }) raises the limit`,
};

/** More was asked for than a store's limits, or the budget that it shares, allow. Nothing was taken. */
export class LimitError extends RangeError {
  /** `"LimitError"`. */
  override readonly name: string = "LimitError";
  /** Which limit. */
  readonly limit: ResourceName;
  /** Whether it is the store's own or its budget's. */
  readonly owner: LimitOwner;
  /** What was in use. */
  readonly current: number;
  /** How much more was asked for. */
  readonly asked: number;
  /** What may be in use. */
  readonly allowed: number;

  /** Made by the runtime. */
  constructor(limit: ResourceName, owner: LimitOwner, current: number, asked: number, allowed: number) {
    super(
      `${limit}: ${asked} more are asked for, with ${current} in use of the ${allowed} that the ${owner} may have; ` +
        HOW_TO_RAISE[owner](limit),
    );
    this.limit = limit;
    this.owner = owner;
    this.current = current;
    this.asked = asked;
    this.allowed = allowed;
  }
}

/** A store's account. */
export class StoreUsage implements HeapAccount {
  /** The budget that the store shares. */
  readonly budget: BudgetState | undefined;
  readonly #limits: Float64Array;
  readonly #current = new Float64Array(RESOURCES.length);
  readonly #peaks = new Float64Array(RESOURCES.length);
  #isClosed = false;

  constructor(limits: Readonly<Record<ResourceName, number>>, budget?: BudgetState) {
    this.#limits = Float64Array.from(RESOURCES, ([name]) => limits[name]);
    this.budget = budget;
  }

  /** Whether `amount` more may be taken. */
  allows(resource: number, amount: number): boolean {
    return this.#current[resource] + amount <= this.#limits[resource] &&
      (this.budget === undefined || this.budget.allows(resource, amount));
  }

  /** Why `amount` more cannot be taken; undefined if it can. */
  refusal(resource: number, amount: number): LimitError | undefined {
    if (!(this.#current[resource] + amount <= this.#limits[resource])) return this.#exceeded(resource, amount);
    const { budget } = this;
    return budget === undefined || budget.allows(resource, amount) ? undefined : budget.exceeded(resource, amount);
  }

  /** Takes `amount` if it can be taken (USAGE-1); {@linkcode StoreUsage.errorOf} says why not. */
  take(resource: number, amount: number): boolean {
    const total = this.#current[resource] + amount;
    if (!(total <= this.#limits[resource])) return false;
    const { budget } = this;
    if (budget !== undefined && !this.#isClosed && !budget.take(resource, amount)) return false;
    this.#current[resource] = total;
    return true;
  }

  /** The error for an amount that was refused. */
  errorOf(resource: number, amount: number): LimitError {
    // Others may have given back to the budget meanwhile.
    return this.refusal(resource, amount) ?? this.budget?.exceeded(resource, amount) ??
      this.#exceeded(resource, amount);
  }

  /** As {@linkcode StoreUsage.take}, for who cannot go on without. @throws {LimitError} */
  require(resource: number, amount: number): void {
    if (!this.take(resource, amount)) throw this.errorOf(resource, amount);
  }

  /** Gives `amount` back that was taken for something that could not be made after all. */
  cancel(resource: number, amount: number): void {
    if (this.#isClosed) return;
    if (!(this.#current[resource] >= amount)) bug(`more ${RESOURCES[resource][0]} are given back than were taken`);
    this.#current[resource] -= amount;
    this.budget?.give(resource, amount);
  }

  /** Gives `amount` back. */
  give(resource: number, amount: number): void {
    this.#notePeak(resource);
    this.cancel(resource, amount);
  }

  /** Says what the heap's objects have, when that is about to become less. */
  noteHeap(usedBytes: number): void {
    if (usedBytes > this.#peaks[Resource.gcHeapBytes]) this.#peaks[Resource.gcHeapBytes] = usedBytes;
  }

  /** Charges the budget for what objects may fill before anybody is asked again: `bytes` in all; false when it has not as much. */
  chargeHeap(bytes: number): boolean {
    const { budget } = this;
    if (budget === undefined || this.#isClosed) return true;
    const more = bytes - this.#current[Resource.gcHeapBytes];
    if (more > 0 && !budget.take(Resource.gcHeapBytes, more)) return false;
    if (more < 0) budget.give(Resource.gcHeapBytes, -more);
    this.#current[Resource.gcHeapBytes] = bytes;
    return true;
  }

  /** Whether the budget has that much for objects. */
  allowsHeap(bytes: number): boolean {
    const more = bytes - this.#current[Resource.gcHeapBytes];
    return this.budget === undefined || more <= 0 || this.budget.allows(Resource.gcHeapBytes, more);
  }

  /** Bytes of objects that the budget would still give. */
  get heapBytesLeft(): number {
    return this.budget === undefined ? Infinity : this.budget.left(Resource.gcHeapBytes);
  }

  /** What is used of one thing; `current` of what the account does not count itself. */
  of(resource: number, current: number = this.#current[resource]): ResourceUsage {
    const peak = Math.max(this.#peaks[resource], current);
    this.#peaks[resource] = peak;
    return { current, peak, limit: this.#limits[resource] };
  }

  /** Gives everything back to the budget (USAGE-3). */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { budget } = this;
    for (let resource = 0; resource < RESOURCES.length; resource++) {
      const current = this.#current[resource];
      if (current !== 0) budget?.give(resource, current);
      this.#current[resource] = 0;
    }
  }

  #notePeak(resource: number): void {
    const current = this.#current[resource];
    if (current > this.#peaks[resource]) this.#peaks[resource] = current;
  }

  #exceeded(resource: number, amount: number): LimitError {
    return new LimitError(
      RESOURCES[resource][0],
      "store",
      this.#current[resource],
      amount,
      this.#limits[resource],
    );
  }
}
