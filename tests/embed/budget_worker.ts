/** A Worker with stores on a budget: takes, gives back and reports, as it is told. */

import {
  Budget,
  type BudgetToken,
  Engine,
  Instance,
  LimitError,
  Memory,
  Module,
  Store,
  Table,
  Trap,
} from "../../mod.ts";
import { budgetOf } from "../../lib/engine/budget.ts";
import { Random } from "../fuzz/generators/random.ts";

/** What a Worker is told to do. */
export interface BudgetTask {
  readonly token: BudgetToken;
  readonly task: "hammer counters" | "hammer stores" | "hold" | "burn fuel";
  readonly seed: number;
  readonly rounds: number;
}

/** What it reports: how often it got something, and how often not; fuel that its guests used. */
export interface BudgetReport {
  readonly taken: number;
  readonly refused: number;
  readonly fuelConsumed: number;
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<BudgetTask>) => void;
  postMessage(report: BudgetReport): void;
};

scope.onmessage = ({ data }) => {
  const budget = Budget.from(data.token);
  scope.postMessage(TASKS[data.task](budget, new Random(data.seed), data.rounds));
};

const TASKS: Record<BudgetTask["task"], (budget: Budget, random: Random, rounds: number) => BudgetReport> = {
  /** Takes and gives amounts of two rows, and gives back what it has left. */
  "hammer counters": (budget, random, rounds) => {
    const state = budgetOf(budget);
    const held = [0, 0];
    let taken = 0, refused = 0;
    for (let round = 0; round < rounds; round++) {
      const row = random.below(2);
      const amount = 1 + random.below(1000) * (row === 0 ? 2 ** 30 : 1);
      if (random.oneIn(2)) {
        if (state.take(row, amount)) {
          held[row] += amount;
          taken++;
        } else refused++;
      } else {
        const given = Math.min(held[row], amount);
        state.give(row, given);
        held[row] -= given;
      }
    }
    held.forEach((amount, row) => state.give(row, amount));
    return { taken, refused, fuelConsumed: 0 };
  },

  /** Makes stores that take what they get, and closes them. */
  "hammer stores": (budget, random, rounds) => {
    using engine = new Engine();
    let taken = 0, refused = 0;
    const attempt = (work: () => void) => {
      try {
        work();
        taken++;
      } catch (error) {
        if (!(error instanceof LimitError && error.owner === "budget")) throw error;
        refused++;
      }
    };
    for (let round = 0; round < rounds; round++) {
      using store = new Store(engine, { budget });
      for (let i = 0; i < 5; i++) {
        attempt(() => new Memory(store, { minimum: random.below(4) }).grow(random.below(4)));
        attempt(() => new Table(store, { element: "externref", minimum: random.below(50) }).grow(random.below(50)));
      }
    }
    return { taken, refused, fuelConsumed: 0 };
  },

  /** Keeps what it has taken until it is terminated. */
  hold: (budget) => {
    const store = new Store(new Engine(), { budget });
    kept.push(new Memory(store, { minimum: 3 }), new Table(store, { element: "externref", minimum: 7 }));
    return { taken: 2, refused: 0, fuelConsumed: 0 };
  },

  /** Runs guests until the budget is empty. */
  "burn fuel": (budget) => {
    using engine = new Engine({ fuel: true });
    using store = new Store(engine, { budget });
    const module = Module.fromText(engine, `(module (func (export "spin") (loop (br 0))))`);
    try {
      new Instance(store, module).exports.spin();
    } catch (error) {
      if (!(error instanceof Trap && error.code === "out_of_fuel")) throw error;
    }
    return { taken: 0, refused: 1, fuelConsumed: store.usage().fuelConsumed! };
  },
};

const kept: unknown[] = [];
