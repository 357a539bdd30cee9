/** Limits that several stores share. */

import {
  BudgetState,
  type BudgetToken,
  requireAmount,
  type ResourceName,
  RESOURCES,
  type ResourceUsage,
} from "../runtime/mod.ts";

/**
 * What all stores on a budget may have together, by the names of a store's own limits, and the fuel that they run on. Each is an integer, or
 * `Infinity` for no limit; so is what is left out.
 */
export type BudgetLimits = Partial<Readonly<Record<ResourceName | "fuel", number>>>;

/** What all stores on a budget use; of `fuel`, what was used so far and what there was. */
export type BudgetUsage = Readonly<Record<ResourceName | "fuel", ResourceUsage>>;

/** The state of a budget. @throws {TypeError} for anything else. */
export let budgetOf: (budget: Budget) => BudgetState;

/** What a budget is made of when it comes from another Worker: nobody outside this file has it. */
const ADOPT = Symbol("adopt");

const NAMES: readonly (ResourceName | "fuel")[] = [...RESOURCES.map(([name]) => name), "fuel"];

/**
 * One account for several stores, in this Worker or in many: what they have together stays below its limits.
 *
 * What a store cannot have because of its budget ends as if its own limit were reached; error messages say which it was. A store that is
 * disposed of gives back everything, and one that nobody disposed of does once it was collected. What the stores of a Worker had that was
 * terminated is taken back when its thread has ended: at the next `usage()`, or when somebody else needs it.
 *
 * With `fuel`, all stores on the budget run on that instead of a fuel of their own: a guest traps with `out_of_fuel` when the budget has none
 * left. A running guest has some in hand, at most a 16th of what is left or 1,000, whichever is more, and gives the rest back when it leaves.
 * So as long as one guest runs at a time it stops where it would with a fuel of its own, to the unit; of several at the same time one may stop
 * while others have that little left.
 *
 * Made for `postMessage`: post what {@linkcode Budget.share} gives, and let the Worker call {@linkcode Budget.from} on what arrives.
 *
 * @example Two stores, one budget
 * ```ts
 * import { Budget, Engine, LimitError, Memory, Store } from "@theropod/theropod";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using engine = new Engine();
 * const budget = new Budget({ memoryBytes: 4 * 65536 });
 * using store = new Store(engine, { budget });
 * const other = new Store(engine, { budget: Budget.from(structuredClone(budget.share())) }); // as a rule in a Worker
 * new Memory(other, { minimum: 3 });
 * assertThrows(() => new Memory(store, { minimum: 2 }), LimitError, "budget");
 * other.close();
 * new Memory(store, { minimum: 2 });
 * assertEquals(budget.usage().memoryBytes, { current: 2 * 65536, peak: 3 * 65536, limit: 4 * 65536 });
 * ```
 */
export class Budget {
  readonly #state: BudgetState;

  static {
    budgetOf = (budget) => {
      if (!(typeof budget === "object" && budget !== null && #state in budget)) {
        throw new TypeError("Expected a Budget");
      }
      return budget.#state;
    };
  }

  /**
   * Makes a budget of which nothing is used.
   *
   * @param limits What its stores may have together.
   * @throws {TypeError} for what is no limit.
   * @throws {RangeError} for a limit that cannot be.
   */
  constructor(limits: BudgetLimits) {
    if (typeof limits !== "object" || limits === null) throw new TypeError("Limits are given as an object");
    if (ADOPT in limits) {
      this.#state = limits[ADOPT] as BudgetState;
      return;
    }
    for (const name of Object.keys(limits)) {
      if (!(NAMES as readonly string[]).includes(name)) {
        throw new TypeError(`A budget has no ${name}; it has ${NAMES.join(", ")}`);
      }
    }
    const rows = NAMES.map((name) => limits[name] ?? Infinity);
    rows.forEach((value, row) => requireAmount(`${NAMES[row]} of a budget`, value));
    this.#state = BudgetState.create(rows);
  }

  /**
   * The budget that another Worker shares.
   *
   * @param token What {@linkcode Budget.share} gave there.
   * @returns The same budget.
   * @throws {TypeError} if it is something else.
   */
  static from(token: BudgetToken): Budget {
    const state = typeof token === "object" && token !== null ? BudgetState.adopt(token.counters) : undefined;
    if (state === undefined) throw new TypeError("Expected what Budget.share() gave, as another Worker posted it");
    return new Budget({ [ADOPT]: state } as BudgetLimits);
  }

  /**
   * What stands for the budget in other Workers: to be posted.
   *
   * @returns A value that can be cloned; who has it has the budget.
   */
  share(): BudgetToken {
    return { counters: this.#state.counters };
  }

  /**
   * What all stores on the budget use together, now and at most so far.
   *
   * @returns By name: `current`, `peak` and `limit`.
   */
  usage(): BudgetUsage {
    return this.#state.report();
  }

  /**
   * Adds to the fuel of the budget.
   *
   * @param amount How much.
   * @throws {TypeError} if the budget has no `fuel`, or it is no number.
   * @throws {RangeError} for what is no integer from 0 to 2^53 - 1.
   */
  addFuel(amount: number): void {
    requireAmount("Fuel", amount);
    if (!Number.isSafeInteger(amount)) throw new RangeError("Fuel that is added is an integer from 0 on");
    if (!this.#state.hasFuel) throw new TypeError("The budget has no fuel: use new Budget({ fuel })");
    this.#state.addFuel(amount);
  }
}
