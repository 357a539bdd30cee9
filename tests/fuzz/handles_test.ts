/**
 * Random calls of the handle builtins against a model of the Canonical ABI: what each returns or which trap it is, and how many handles there are
 * afterwards. FUZZ_COUNT sequences (default 300) from FUZZ_SEED (default 1) on.
 */

import { assertEquals } from "@std/assert";
import type { TrapName } from "../../lib/abi/mod.ts";
import { ComponentContext, createIntrinsics, HandleTable, type IntrinsicName } from "../../lib/component/mod.ts";
import { Engine, Store, Trap } from "../../mod.ts";
import { reportTally } from "../tally.ts";
import { Random } from "./generators/random.ts";

const SEQUENCES = Number(Deno.env.get("FUZZ_COUNT") ?? 300);
const FIRST = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const STEPS = 60;

/** A handle, as the model knows it: of which type, for what, and which calls it hangs on. */
interface ModelHandle {
  readonly type: number;
  readonly rep: number;
  /** The depth of the call that borrowed it; 0 if it owns. */
  readonly borrowedBy: number;
}

/** Instances are 0, 1, 2; type t is defined by instance t; table 3 * t + i is instance i's of type t. */
class Model {
  readonly handles = [new Map<number, ModelHandle>(), new Map<number, ModelHandle>(), new Map<number, ModelHandle>()];
  /** For each call under way, the handles that it was lent. */
  readonly lent: ModelHandle[][] = [];

  find(table: number, index: number): ModelHandle | TrapName {
    const handle = this.handles[table % 3].get(index);
    if (handle === undefined) return "unknown_handle";
    return handle.type === Math.floor(table / 3) ? handle : "wrong_handle_type";
  }

  isLent(handle: ModelHandle): boolean {
    return this.lent.some((handles) => handles.includes(handle));
  }

  hasBorrows(depth: number): boolean {
    return this.handles.some((handles) => [...handles.values()].some(({ borrowedBy }) => borrowedBy === depth));
  }
}

type Outcome = number | bigint | TrapName | { readonly enter: ModelHandle; readonly instance: number };

/** What a call does to the model; a handle to enter under the index that comes back, a value, or a trap. */
const EXPECT: Record<string, (model: Model, a: number, b: number, c: number) => Outcome> = {
  resource_new32: (_, table, rep) => ({
    enter: { type: Math.floor(table / 3), rep, borrowedBy: 0 },
    instance: table % 3,
  }),
  resource_rep32: (model, table, index) => {
    const handle = model.find(table, index);
    return typeof handle === "string" ? handle : handle.rep;
  },
  resource_drop: (model, table, index) => {
    const handle = model.find(table, index);
    if (typeof handle === "string") return handle;
    if (model.isLent(handle)) return "resource_lent";
    model.handles[table % 3].delete(index);
    return handle.borrowedBy === 0 ? BigInt(handle.rep) * 2n + 1n : 0n;
  },
  resource_transfer_own: (model, index, from, to) => {
    const handle = model.find(from, index);
    if (typeof handle === "string") return handle;
    if (model.isLent(handle)) return "resource_lent";
    if (handle.borrowedBy !== 0) return "resource_not_owned";
    model.handles[from % 3].delete(index);
    return { enter: { ...handle }, instance: to % 3 };
  },
  resource_transfer_borrow: (model, index, from, to) => {
    const handle = model.find(from, index);
    if (typeof handle === "string") return handle;
    model.lent.at(-1)!.push(handle);
    if (to % 3 === handle.type) return handle.rep;
    return { enter: { ...handle, borrowedBy: model.lent.length }, instance: to % 3 };
  },
  resource_enter_call: (model) => {
    model.lent.push([]);
    return 0;
  },
  resource_exit_call: (model) => {
    if (model.hasBorrows(model.lent.length)) return "borrows_remain";
    model.lent.pop();
    return 1;
  },
};

function runSequence(seed: number, store: Store): void {
  const random = new Random(seed);
  const context = new ComponentContext(), model = new Model();
  const tables = [new HandleTable(), new HandleTable(), new HandleTable()];
  for (let type = 0; type < 3; type++) {
    const definition = { name: `type ${type}`, definedBy: tables[type] };
    for (const handles of tables) context.defineResources(handles, definition);
  }
  const intrinsics = createIntrinsics(store, context);
  for (let step = 0; step < STEPS; step++) {
    const name = random.pick(Object.keys(EXPECT)) as IntrinsicName;
    if (model.lent.length === 0 && (name === "resource_transfer_borrow" || name === "resource_exit_call")) continue;
    const table = random.below(9), to = table - table % 3 + random.below(3);
    const known = [...model.handles[table % 3].keys()];
    const index = known.length > 0 && !random.oneIn(6) ? random.pick(known) : random.below(6);
    const args = name === "resource_new32"
      ? [table, random.next()]
      : name.startsWith("resource_transfer")
      ? [index, table, to]
      : name.endsWith("call")
      ? []
      : [table, index];
    const expected = EXPECT[name](model, args[0], args[1], args[2]);
    const place = `seed ${seed} step ${step}: ${name}(${args})`;
    let actual: unknown;
    try {
      actual = (intrinsics[name].callable as (...args: number[]) => unknown)(...args);
    } catch (error) {
      if (!(error instanceof Trap)) throw error;
      actual = error.code;
    }
    if (typeof actual === "number") actual = actual >>> 0;
    if (typeof expected === "object") {
      const handles = model.handles[expected.instance];
      assertEquals(typeof actual === "number" && actual > 0 && !handles.has(actual), true, `${place} is ${actual}`);
      handles.set(actual as number, expected.enter);
    } else assertEquals(actual ?? 0, expected, place);
    assertEquals(tables.map(({ size }) => size), model.handles.map(({ size }) => size), place);
  }
}

Deno.test("handle builtins do what a model of the Canonical ABI does", () => {
  using engine = new Engine();
  using store = new Store(engine);
  for (let seed = FIRST; seed < FIRST + SEQUENCES; seed++) runSequence(seed, store);
  reportTally({ suite: "handle sequences", passed: SEQUENCES, failed: 0, skipped: 0 });
});
