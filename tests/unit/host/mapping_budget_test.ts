/** MAPS-1: a process with many heaps gets an error before the kernel refuses V8 a mapping. In a process of its own, which would die. */

import { assert, assertEquals } from "@std/assert";
import { countMappings } from "../../../lib/host/mod.ts";

Deno.test("countMappings() counts the lines of the kernel's list", () => {
  const lines = Deno.readTextFileSync("/proc/self/maps").split("\n").length - 1;
  assert(Math.abs(countMappings() - lines) < 20);
});

/**
 * Uses up most mappings, as seven thousand heaps would, by protecting every other page of a region; then makes stores with heaps until one is
 * refused, works on, and makes others in place of those that are closed.
 */
const CHILD = `
  import { Engine, Instance, Module, Store, HostError } from "${new URL("../../../mod.ts", import.meta.url)}";
  import { countMappings, mapRegion, PAGE_BYTES, PROTECTION, protectMemory } from "${new URL(
  "../../../lib/host/mod.ts",
  import.meta.url,
)}";
  const engine = new Engine(JSON.parse(Deno.args[0]));
  const module = Module.fromText(engine, \`(module
    (type $n (struct (field i64)))
    (global $g (mut (ref null $n)) (ref.null $n))
    (func (export "f") (result i64) (global.set $g (struct.new $n (i64.const 7))) (struct.get $n 0 (global.get $g))))\`);
  const stores = [];
  const make = () => {
    const store = new Store(engine);
    stores.push(store);
    return new Instance(store, module).exports.f();
  };
  const SPLITS = 28_000;
  const { addressNumber } = mapRegion(2 * SPLITS * PAGE_BYTES);
  for (let i = 0; i < SPLITS; i++) protectMemory(addressNumber + 2 * i * PAGE_BYTES, PAGE_BYTES, PROTECTION.none);
  const before = countMappings();
  let error;
  try { for (;;) make(); } catch (caught) { error = caught; }
  const made = stores.length - 1;
  const most = countMappings();
  // Nothing is broken, and there is room for V8.
  const buffers = Array.from({ length: 200 }, () => new WebAssembly.Memory({ initial: 1 }));
  for (const store of stores.splice(0, stores.length / 2)) store.close();
  let again = 0;
  while (again < 5 && make() === 7n) again++;
  console.log(JSON.stringify({
    made, again, most, perHeap: (most - before) / made, buffers: buffers.length,
    isHostError: error instanceof HostError, code: error.code, message: error.message,
  }));
`;

for (const config of [{}, { collector: "refcounting" }]) {
  Deno.test(`heaps are refused before the process has no mappings left: ${JSON.stringify(config)}`, async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", "--ext=ts", CHILD, JSON.stringify(config)],
      stderr: "piped",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const result = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals([result.isHostError, result.code, result.again, result.buffers], [true, "limit", 5, 200]);
    assert(result.message.includes("mappings"), result.message);
    assert(result.most < 65_530 && result.made > 100, JSON.stringify(result));
    assert(result.perHeap <= 12, JSON.stringify(result));
  });
}
