/** Initial contents of memories: images mapped for instances show what the specification writes, share pages, and go with their owners. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Engine, Instance, Memory, Module, Store, Table, Trap } from "../../mod.ts";
import { collectGarbage } from "../../lib/host/mod.ts";
import { wat } from "../wat.ts";
import { Sandbox } from "./sandbox.ts";

/** A segment for texts: `length` bytes of a value, or the bytes themselves. */
function data(offset: number, bytes: Uint8Array | [value: number, length: number], memory = ""): string {
  const all = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes[1]).fill(bytes[0]);
  return `(data ${memory} (i32.const ${offset}) "${
    Array.from(all, (b) => `\\${b.toString(16).padStart(2, "0")}`).join("")
  }")`;
}

/** The bytes of the memory "m" in V8's instance. */
function v8Bytes(text: string, imports: WebAssembly.Imports = {}): Uint8Array {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports);
  return new Uint8Array((instance.exports.m as WebAssembly.Memory).buffer);
}

/** Whether two arrays have the same bytes: `assertEquals` takes seconds for megabytes. */
function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assertEquals(actual.length, expected.length);
  const words = (bytes: Uint8Array) => new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
  const [a, b] = [words(actual), words(expected)];
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) assertEquals([i * 8, a[i]], [i * 8, b[i]]);
}

/** Mappings of images in this process, and open files of them. */
function imageMappings(): string[] {
  return Deno.readTextFileSync("/proc/self/maps").split("\n").filter((line) => line.includes("theropod-image"));
}

function imageFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`).includes("theropod-image");
    } catch {
      return false; // what the listing itself used
    }
  }).length;
}

const CASES: Record<string, string> = {
  "a few bytes": `(memory (export "m") 1) ${data(65533, Uint8Array.of(1, 2, 3))}`,
  "exactly what is copied": `(memory (export "m") 1) ${data(4096, [1, 4 * 4096])}`,
  "a page more than that": `(memory (export "m") 1) ${data(4096, [1, 4 * 4096 + 1])}`,
  "the whole memory": `(memory (export "m") 3) ${data(0, [7, 3 * 65536])}`,
  "segments in one page": `(memory (export "m") 2) ${data(70_000, [1, 40_000])} ${data(110_000, [2, 3])} ${
    data(69_998, [3, 2])
  }`,
  "segments that overlap, zeroes on top": `(memory (export "m") 4) ${data(10_000, [1, 90_000])} ${
    data(20_000, [0, 50_000])
  } ${data(69_000, [2, 10_000])} ${data(0, [0, 10_500])}`,
  "long runs of zeroes": `(memory (export "m") 8) ${
    data(5, Uint8Array.from({ length: 400_000 }, (_, i) => i % 130_000 < 20_000 ? i : 0))
  }`,
  "zeroes alone": `(memory (export "m") 2) ${data(0, [0, 100_000])}`,
  "lonely bytes around an image": `(memory (export "m") 40) ${data(1_000_000, [9, 100_000])} ${
    [0, 300_000, 2_000_000, 2_621_439].map((at) => data(at, [at & 0x7f | 1, 1])).join("")
  }`,
  "many lonely bytes": `(memory (export "m") 40) ${
    Array.from({ length: 30 }, (_, i) => data(i * 80_000 + i, [i + 1, 1])).join("")
  }`,
  "two memories": `(memory 2) (memory (export "m") 2) ${data(0, [5, 66_000])} ${data(100, [6, 66_000], "(memory 1)")}`,
};

for (const bounds of ["guard", "explicit"] as const) {
  for (const [name, text] of Object.entries(CASES)) {
    Deno.test(`instances start with their data, and each has its own: ${name} (${bounds} bounds)`, () => {
      using sandbox = new Sandbox({ bounds });
      const module = sandbox.module(`(module ${text})`);
      const expected = v8Bytes(`(module ${text})`);
      const memories = [1, 2, 3].map(() => new Instance(sandbox.store, module).exports.m as Memory);
      for (const memory of memories) {
        assertSameBytes(memory.view, expected);
        memory.view.fill(0xee);
      }
      const { m } = new Instance(sandbox.store, module).exports;
      assertSameBytes(m.view, expected);
      m.grow(2);
      assertSameBytes(m.view.subarray(0, expected.length), expected);
      assertSameBytes(m.view.subarray(expected.length), new Uint8Array(2 * 65536));
    });
  }
}

Deno.test("random segments write what they write in V8", () => {
  using sandbox = new Sandbox();
  let seed = 12345;
  const random = (below: number) => (seed = Math.imul(seed, 1103515245) + 12345 >>> 0) % 65521 * 65521 % below;
  for (let round = 0; round < 40; round++) {
    const segments = Array.from({ length: 1 + random(12) }, () => {
      const length = [1 + random(9), random(5000), random(60_000)][random(3)];
      return data(random(20 * 65536 - length), [random(3), length]);
    });
    const text = `(module (memory (export "m") 20) ${segments.join(" ")})`;
    assertSameBytes(new Instance(sandbox.store, sandbox.module(text)).exports.m.view, v8Bytes(text));
  }
});

Deno.test("a segment that does not fit traps with those before it written, and none after it", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  for (const last of ["(i32.const 131072)", "(global.get $far)"]) {
    const table = new Table(store, { element: "funcref", minimum: 1 });
    const module = sandbox.module(
      `(module (import "e" "t" (table 1 funcref)) (global $far i32 (i32.const 131072)) (memory 2)
      (elem (i32.const 0) $load) (func $load (param i32) (result i32) (i32.load8_u (local.get 0)))
      ${data(0, [1, 50_000])} (data (offset ${last}) "x") ${data(60_000, [2, 50_000])})`,
    );
    assertThrows(() => new Instance(store, module, { e: { t: table } }), Trap, "memory");
    const load = table.get(0) as (at: number) => number;
    assertEquals([load(0), load(49_999), load(50_000), load(60_000), load(109_999)], [1, 1, 0, 0, 0]);
  }
});

Deno.test("an element segment that does not fit leaves memories without data", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const table = new Table(store, { element: "funcref", minimum: 1 });
  const module = sandbox.module(`(module (import "e" "t" (table 1 funcref)) (memory 2)
    (elem (i32.const 0) $load) (elem (i32.const 1) $load)
    (func $load (param i32) (result i32) (i32.load8_u (local.get 0))) ${data(0, [1, 50_000])})`);
  assertThrows(() => new Instance(store, module, { e: { t: table } }), Trap, "table");
  assertEquals((table.get(0) as (at: number) => number)(0), 0);
});

Deno.test("active segments are dropped, passive ones wait, and imported memories are written in place", () => {
  using sandbox = new Sandbox();
  const memory = new Memory(sandbox.store, { minimum: 2 });
  memory.view.fill(3);
  const text = `(module (import "e" "m" (memory $i 2)) (memory $own (export "m") 2)
    ${data(16, [1, 80_000], "(memory $own)")} ${data(1, [2, 70_000], "(memory $i)")} (data $p "passive")
    ${data(90_000, [4, 20_000], "(memory $own)")}
    (func (export "again") (memory.init $own 0 (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "init") (memory.init $own $p (i32.const 2) (i32.const 0) (i32.const 7)))
    (func (export "drop") (data.drop $p)))`;
  const instance = new Instance(sandbox.store, sandbox.module(text), { e: { m: memory } });
  const v8Memory = new WebAssembly.Memory({ initial: 2 });
  new Uint8Array(v8Memory.buffer).fill(3);
  assertSameBytes(instance.exports.m.view, v8Bytes(text, { e: { m: v8Memory } }));
  assertSameBytes(memory.view, new Uint8Array(v8Memory.buffer));
  assertThrows(() => instance.exports.again(), Trap, "memory");
  instance.exports.init();
  assertEquals(instance.exports.m.readString(0, 9), "\0\0passive");
  instance.exports.drop();
  assertThrows(() => instance.exports.init(), Trap, "memory");
});

Deno.test("a shared memory and one of small pages get their data", () => {
  using threads = new Sandbox();
  using bytes = new Sandbox({ features: ["custom-page-sizes"] });
  for (const [sandbox, type] of [[threads, "1 2 shared"], [bytes, "65537 (pagesize 1)"]] as const) {
    const { m } = sandbox.instance(`(module (memory (export "m") ${type}) ${data(1, [8, 60_000])})`).exports;
    assertEquals([m.view[0], m.view[1], m.view[60_000], m.view[60_001]], [0, 8, 8, 0]);
  }
});

Deno.test("a byte far away costs neither memory nor time", () => {
  using sandbox = new Sandbox();
  const far = 3 * 2 ** 30 + 5;
  const module = sandbox.module(`(module (memory (export "m") 49153) ${data(0, [1, 65536])}
    ${Array.from({ length: 9 }, (_, i) => data(far - i * 2 ** 28, [2, 1])).join("")})`);
  const before = Deno.memoryUsage().rss;
  using store = new Store(sandbox.engine, { limits: { memoryBytes: Infinity } });
  const instances = Array.from({ length: 20 }, () => new Instance(store, module));
  for (const { exports: { m } } of instances) assertEquals([m.view[65535], m.view[65536], m.view[far]], [1, 0, 2]);
  assert(Deno.memoryUsage().rss - before < 64 << 20, "no page between them was touched");
});

Deno.test("data beyond 4 GiB of a memory of 64-bit addresses", () => {
  using sandbox = new Sandbox();
  using store = new Store(sandbox.engine, { limits: { memoryBytes: Infinity } });
  const place = 5 * 2 ** 30 + 4000;
  const text = data(0, [3, 70_000]).replace("(i32.const 0)", `(i64.const ${place})`);
  const module = sandbox.module(`(module (memory (export "m") i64 90000) ${text} (data (i64.const 8) "low"))`);
  for (let i = 0; i < 2; i++) {
    const { m } = new Instance(store, module).exports;
    assertEquals([place - 1, place, place + 69_999, place + 70_000].map((at) => m.view[at]), [0, 3, 3, 0]);
    assertEquals(m.readString(7, 5), "\0low\0");
    m.view.fill(1, place, place + 100_000);
  }
});

Deno.test("images leave most of the process's files to others (IMAGE-4)", async () => {
  const script = `
    import { Engine, Instance, Module, Store } from ${JSON.stringify(import.meta.resolve("../../mod.ts"))};
    using engine = new Engine();
    using store = new Store(engine);
    const text = '(module (memory (export "m") 1) (data (i32.const 0) "' + "k".repeat(65536) + '"))';
    const modules = Array.from({ length: 40 }, () => Module.fromText(engine, text));
    const images = () => Deno.readTextFileSync("/proc/self/maps").split("theropod-image").length - 1;
    const bytes = modules.map((module) => new Instance(store, module).exports.m.view[65535]);
    const before = images();
    modules[0][Symbol.dispose]();
    const last = Module.fromText(engine, text);
    bytes.push(new Instance(store, last).exports.m.view[0]);
    console.log(before, images(), new Set(bytes).size, bytes[0]);`;
  const child = new Deno.Command("sh", {
    args: ["-c", `ulimit -n 100 && exec ${Deno.execPath()} run -A --no-check -`],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  assertEquals(new TextDecoder().decode((await child.output()).stdout), "25 26 1 107\n");
});

Deno.test("instances share the pages of an image until they write", () => {
  using sandbox = new Sandbox();
  const bytes = 8 << 20;
  const module = sandbox.module(`(module (memory (export "m") 128) ${data(0, [5, bytes])})`);
  const instances = Array.from({ length: 16 }, () => new Instance(sandbox.store, module));
  let sum = 0;
  for (const { exports: { m } } of instances) for (let at = 0; at < bytes; at += 4096) sum += m.view[at];
  assertEquals(sum, 5 * 16 * (bytes >> 12));
  instances[3].exports.m.view.fill(6, 0, 3 * 4096);
  let privateKib = 0;
  let isImage = false;
  for (const line of Deno.readTextFileSync("/proc/self/smaps").split("\n")) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) isImage = line.includes("theropod-image");
    else if (isImage && line.startsWith("Private_Dirty:")) privateKib += Number(line.match(/\d+/)![0]);
  }
  assertEquals(privateKib, 12);
});

/** Makes instances that nobody refers to afterwards. */
function churn(engine: Engine, module: Module, count: number): void {
  for (let i = 0; i < count; i++) {
    using store = new Store(engine);
    const { m } = new Instance(store, module).exports;
    assertEquals(m.view[i * 16 % 65536], 1);
  }
}

/** Collects until a condition holds. */
async function eventually(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 50; i++) {
    if (condition()) return true;
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return condition();
}

Deno.test("the file of an image is its module's, and mappings go with the memories", async () => {
  using engine = new Engine();
  assert(await eventually(() => imageMappings().length === 0), "other tests' memories are gone");
  const files = imageFiles();
  const module = Module.fromText(engine, `(module (memory (export "m") 2) ${data(0, [1, 65536])})`);
  assertEquals(imageFiles(), files, "nothing is laid out before it is needed");
  churn(engine, module, 500);
  assertEquals(imageFiles(), files + 1);
  assert(await eventually(() => imageMappings().length === 0), "V8 unmaps images with their reservations");
  using store = new Store(engine);
  const { m } = new Instance(store, module).exports;
  module[Symbol.dispose]();
  assertEquals(imageFiles(), files);
  assertEquals([m.view[65535], m.view[65536]], [1, 0]);
});

/** Instantiates a module that nobody refers to afterwards. */
function leak(): void {
  using sandbox = new Sandbox();
  sandbox.instance(`(module (memory 2) ${data(0, [1, 65536])})`);
}

Deno.test("the file of a module that nobody disposed of is closed by finalisation", async () => {
  const files = imageFiles();
  leak();
  assertEquals(imageFiles(), files + 1);
  assert(await eventually(() => imageFiles() <= files));
});
