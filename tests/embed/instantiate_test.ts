/** Instantiating touches neither the elements of tables nor functions one by one (SEEDS 002, 003). */

import { assert, assertEquals } from "@std/assert";
import { Instance, type Module, Store } from "../../mod.ts";
import { Sandbox } from "./sandbox.ts";

const INSTANCES = 20;

/** What one instance adds to the process's resident memory: the least of some tries, since others of the process grow as well. */
function residentBytes(sandbox: Sandbox, module: Module, use: (exports: Instance["exports"]) => void): number {
  return Math.min(...Array.from({ length: 5 }, () => residentBytesOnce(sandbox, module, use)));
}

/** The same, measured over several instances that live at once. */
function residentBytesOnce(sandbox: Sandbox, module: Module, use: (exports: Instance["exports"]) => void): number {
  using store = new Store(sandbox.engine, { limits: { tableElements: Infinity } });
  const resident = () => Number(Deno.readTextFileSync("/proc/self/statm").split(" ")[1]) * 4096;
  use(new Instance(store, module).exports);
  const before = resident();
  const instances = Array.from({ length: INSTANCES }, () => new Instance(store, module));
  const after = resident();
  for (const { exports } of instances) use(exports);
  return (after - before) / INSTANCES;
}

Deno.test("a table of 10,000,000 elements is not touched by instantiating", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(`(module (table (export "t") 10000000 funcref) (elem (i32.const 5) func $f)
    (elem (i32.const 9999999) func $f) (type $f (func (result i32))) (func $f (type $f) (i32.const 6))
    (func (export "run") (param i32) (result i32) (call_indirect (type $f) (local.get 0))))`);
  const bytes = residentBytes(sandbox, module, ({ t, run }) => {
    assertEquals([run(5), run(9_999_999), t.size, t.get(4)], [6, 6, 10_000_000, null]);
  });
  assert(bytes < 256 * 1024, `${bytes} bytes were touched for a table of 80,000,000`);
});

Deno.test("100,000 functions are not touched by instantiating", () => {
  using sandbox = new Sandbox();
  const count = 100_000;
  const names = Array.from({ length: count }, (_, i) => `$f${i}`);
  const module = sandbox.module(`(module (type $t (func (result i32))) (table (export "t") ${count} funcref)
    (elem (i32.const 0) func ${names.join(" ")})
    ${names.map((name, i) => `(func ${name} (type $t) (i32.const ${i}))`).join("")}
    (func (export "run") (param i32) (result i32) (call_indirect (type $t) (local.get 0))))`);
  const bytes = residentBytes(sandbox, module, ({ run }) => {
    assertEquals([run(0), run(77_777), run(count - 1)], [0, 77_777, count - 1]);
  });
  assert(bytes < 256 * 1024, `${bytes} bytes were touched for ${count} functions`);
});
