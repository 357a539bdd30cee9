/** JavaScript values in the guest's hands: alive while the guest has them, garbage for V8 once it has dropped them. */

import { assertEquals } from "@std/assert";

const PROGRAM = `
import { Engine, Instance, Module, RootScope, Store, StructRef } from ${
  JSON.stringify(import.meta.resolve("../../mod.ts"))
};

const engine = new Engine();
const store = new Store(engine);
const module = Module.fromText(engine, \`(module
  (type $box (struct (field $value (mut externref))))
  (global $held (mut externref) (ref.null extern))
  (table $table 4 externref)
  (func (export "hold") (param externref) (global.set $held (local.get 0)))
  (func (export "put") (param i32 externref) (table.set $table (local.get 0) (local.get 1)))
  (func (export "held") (result externref) (global.get $held)))\`);
const { exports } = new Instance(store, module);
const box = StructRef.create(store, module.structType("box"));

const dead = new Set();
const registry = new FinalizationRegistry((name) => dead.add(name));
const make = (name) => {
  const value = { name };
  registry.register(value, name);
  return value;
};
async function settle() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
const state = () => [...dead].sort().join(" ");

(() => {
  exports.hold(make("global"));
  exports.put(2, make("table"));
  box.set("value", make("field"));
  const scope = new RootScope(store);
  StructRef.create(store, module.structType("box"), { value: make("dropped") });
  scope[Symbol.dispose]();
})();
store.gc();
await settle();
console.log("held:", state());
if (exports.held().name !== "global" || box.get("value").name !== "field") throw new Error("values were lost");

exports.hold(null);
exports.put(2, null);
await settle();
console.log("not yet collected:", state());
store.gc();
await settle();
console.log("dropped:", state());

box.set("value", null);
store.gc();
await settle();
console.log("cleared:", state());

// What the guest still holds goes with its store.
(() => exports.hold(make("store")))();
store.close();
await settle();
console.log("closed:", state());
`;

Deno.test("a JavaScript value is collected once the guest has dropped it", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(PROGRAM));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(code, 0);
  assertEquals(new TextDecoder().decode(stdout).split("\n"), [
    "held: dropped",
    "not yet collected: dropped",
    "dropped: dropped global table",
    "cleared: dropped field global table",
    "closed: dropped field global store table",
    "",
  ]);
});
