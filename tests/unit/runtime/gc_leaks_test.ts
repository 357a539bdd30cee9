/** The nets for leaks: references that nobody disposed of, and stores that nobody closed. */

import { assertEquals } from "@std/assert";
import { runWithGc } from "../../gc_process.ts";

const SCRIPT = `
  import { HeapSandbox } from ${JSON.stringify(import.meta.resolve("./gc_store.ts"))};
  const SOURCE = \`(module (type $box (struct (field i32)))
    (func (export "make") (result (ref $box)) (struct.new $box (i32.const 1))))\`;
  const sandbox = new HeapSandbox();
  const { exports } = sandbox.instance(SOURCE);
  const kept = exports.make();
  function makeMany() {
    for (let i = 0; i < 1000; i++) exports.make();
  }
  makeMany();
  async function settle(isDone) {
    for (let i = 0; i < 200 && !isDone(); i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return isDone();
  }
  const reports = [];
  reports.push(await settle(() => sandbox.gc.handles.count === 1));
  sandbox.gc.collect();
  reports.push(sandbox.gc.collector.usedBytes === 16, !kept.isDisposed);
  // Heaps of 4 GiB + 64 KiB are easily told apart from everything else that is mapped.
  const heaps = () => Deno.readTextFileSync("/proc/self/maps").split("\\n").filter((line) => {
    const [from, to] = line.split(" ")[0].split("-").map((hex) => parseInt(hex, 16));
    return to - from > 1.9 * 2 ** 30 && to - from < 4.2 * 2 ** 30;
  }).length;
  const before = heaps();
  function dropStores() {
    for (let i = 0; i < 20; i++) new HeapSandbox().instance(SOURCE).exports.make();
  }
  dropStores();
  const most = heaps();
  // Up to eight reservations are kept for the next stores, and the last store that was in a runtime call is remembered.
  reports.push(most > before + 15, await settle(() => heaps() <= before + 9));
  console.log(JSON.stringify(reports));
`;

Deno.test("references and stores that are garbage for V8 are given back", async () => {
  assertEquals(await runWithGc(SCRIPT), [true, true, true, true, true]);
});
