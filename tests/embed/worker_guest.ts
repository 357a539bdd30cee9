/** Guests for worker_test.ts, run in any thread. */

import { Engine, Instance, Module, Store, Trap } from "../../mod.ts";

/** The module that {@linkcode runGuests} takes. */
export const GUEST_SOURCE = `(module (import "m" "twice" (func $twice (param i32) (result i32))) (memory 1)
  (func (export "f") (param i32) (result i32) (i32.add (call $twice (local.get 0)) (i32.const 1)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func $down (export "down") (call $down)))`;

/** Runs `rounds` of calls, host calls and traps; returns the number of wrong results. */
export function runGuests(bytes: Uint8Array, rounds: number): number {
  using engine = new Engine();
  using store = new Store(engine);
  const imports = { m: { twice: (n: number) => 2 * n } };
  const { f, load, down } = new Instance(store, new Module(engine, bytes), imports).exports;
  let wrong = 0;
  const traps = (call: () => unknown, code: string) => {
    try {
      call();
      wrong++;
    } catch (error) {
      if (!(error instanceof Trap && error.code === code)) wrong++;
    }
  };
  for (let i = 0; i < rounds; i++) {
    if (f(i) !== 2 * i + 1) wrong++;
    traps(() => load(-1), "memory_out_of_bounds");
    if (i % 16 === 0) traps(() => down(), "stack_overflow");
  }
  return wrong;
}
