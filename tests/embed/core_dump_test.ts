import { assert, assertEquals, assertThrows } from "@std/assert";
import { Engine, Instance, Linker, Memory, Module, Store } from "../../mod.ts";
import { decodeModule, Reader, V128 } from "../../lib/wasm/mod.ts";
import { runCli, text } from "../cli_process.ts";

interface FrameEntry {
  readonly instance: number;
  readonly func: number;
  readonly offset: number;
  readonly locals: number[];
}

interface InstanceEntry {
  readonly module: number;
  readonly memories: number[];
  readonly globals: number[];
}

interface Dump {
  readonly program: string;
  readonly modules: string[];
  readonly instances: InstanceEntry[];
  readonly thread: string;
  readonly frames: FrameEntry[];
}

/** Reads the custom sections as tool-conventions has them. */
function readDump(bytes: Uint8Array<ArrayBuffer>): Dump {
  assert(WebAssembly.validate(bytes), "V8 takes it for a module");
  const { customSections } = decodeModule(bytes);
  const section = <T>(name: string, read: (reader: Reader) => T): T => {
    const found = customSections.filter((custom) => custom.name === name);
    assertEquals(found.length, 1, name);
    const reader = new Reader(bytes, found[0].start, found[0].end);
    const value = read(reader);
    assert(reader.atEnd, `${name} is longer than its entries`);
    return value;
  };
  const entry = (reader: Reader) => assertEquals(reader.readU8(), 0);
  const vector = <T>(reader: Reader, read: () => T): T[] => Array.from({ length: reader.readU32Leb() }, read);
  const index = (reader: Reader) => () => reader.readU32Leb();
  const name = (reader: Reader): string => {
    const length = reader.readU32Leb();
    reader.pos += length;
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(reader.pos - length, reader.pos));
  };
  const [thread, frames] = section("corestack", (reader): [string, FrameEntry[]] => {
    entry(reader);
    return [
      name(reader),
      vector(reader, () => {
        entry(reader);
        const [instance, func, offset] = [reader.readU32Leb(), reader.readU32Leb(), reader.readU32Leb()];
        const locals = vector(reader, () => reader.readU8());
        assertEquals(reader.readU32Leb(), 0, "no operands are known");
        return { instance, func, offset, locals };
      }),
    ];
  });
  return {
    program: section("core", (reader) => {
      entry(reader);
      return name(reader);
    }),
    modules: section("coremodules", (reader) =>
      vector(reader, () => {
        entry(reader);
        return name(reader);
      })),
    instances: section("coreinstances", (reader) =>
      vector(reader, () => {
        entry(reader);
        return {
          module: reader.readU32Leb(),
          memories: vector(reader, index(reader)),
          globals: vector(reader, index(reader)),
        };
      })),
    thread,
    frames,
  };
}

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

const APP = `(module $app
  (import "env" "deep" (func $deep (param i32)))
  (import "env" "memory" (memory 1 3))
  (global $count (export "count") (mut i64) (i64.const -5))
  (global $ratio f32 (f32.const -0x1.8p3))
  (global $name (mut externref) (ref.null extern))
  (func $middle (param i32) (local f64 f64) (call $deep (local.get 0)) (nop))
  (func (export "run") (param i32) (i64.store (i32.const 16) (i64.const 0x1122334455667788)) (call $middle (local.get 0))))`;

const LIBRARY = `(module $library
  (memory i64 1)
  (global v128 (v128.const i32x4 1 2 3 4))
  (data (i64.const 65535) "z")
  (func (export "deep") (param i32) (drop (i32.div_u (i32.const 1) (local.get 0)))))`;

Deno.test("coreDump() has the stack, the instances, and what memories and globals held", () => {
  for (const bounds of ["guard", "explicit"] as const) {
    using engine = new Engine({ bounds });
    using store = new Store(engine);
    const linker = new Linker(engine);
    const library = new Instance(store, Module.fromText(engine, LIBRARY));
    const memory = new Memory(store, { minimum: 1, maximum: 3 });
    linker.define("env", "deep", library.exports.deep).define("env", "memory", memory);
    const app = linker.instantiate(store, Module.fromText(engine, APP));
    memory.grow(1);
    memory.write(131070, Uint8Array.of(7, 9));
    const error = caught(() => app.exports.run(0));
    const bytes = store.coreDump(error, { name: "app.wasm" });
    const dump = readDump(bytes);
    assertEquals([dump.program, dump.thread], ["app.wasm", "main"]);
    assertEquals(dump.modules, ["library", "app"]);
    assertEquals(dump.instances, [
      { module: 0, memories: [0], globals: [0] },
      { module: 1, memories: [1], globals: [1, 2, 3] },
    ]);
    assertEquals(dump.frames.map(({ instance, func }) => [instance, func]), [[0, 0], [1, 1], [1, 2]]);
    assertEquals(dump.frames.map(({ locals }) => locals), [[1], [1, 1, 1], [1]]);
    const frames = (error as { frames: { functionOffset: number }[] }).frames;
    assertEquals(dump.frames.map(({ offset }) => offset), frames.map(({ functionOffset }) => functionOffset));

    const { memories, globals, datas } = decodeModule(bytes);
    assertEquals(
      memories.map(({ minimumPages, maximumPages, addressType }) => [minimumPages, maximumPages, addressType]),
      [
        [1, undefined, "i64"],
        [2, 3, "i32"],
      ],
    );
    assertEquals(globals.map(({ isMutable }) => isMutable), [false, false, false, false]);
    // Pages of zeros are left out.
    assertEquals(datas.map(({ memoryIndex, start, end }) => [memoryIndex, end - start]), [[0, 4096], [1, 4096], [
      1,
      4096,
    ]]);
    // Instantiated all the same, it has what the store had.
    const revived = revive(bytes);
    assertEquals(revived.memory(0, 65535, 1), [0x7a]);
    assertEquals(revived.memory(1, 16, 8), [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
    assertEquals(revived.memory(1, 131070, 2), [7, 9]);
    assertEquals(revived.global(1), -5n);
    assertEquals(revived.global(2), -12);
    assertEquals(revived.global(3), null);
  }
});

/** Instantiates a dump in V8, with exports for everything. */
function revive(bytes: Uint8Array<ArrayBuffer>) {
  const { memories, globals } = decodeModule(bytes);
  const entries: number[][] = [];
  const add = (name: string, kind: number, index: number) =>
    entries.push([name.length, ...new TextEncoder().encode(name), kind, index]);
  memories.forEach((_, index) => add(`m${index}`, 2, index));
  // JavaScript sees no vector.
  globals.forEach(({ type }, index) => type === V128 || add(`g${index}`, 3, index));
  const content = [entries.length, ...entries.flat()];
  const at = sectionEnd(bytes, 6);
  const whole = Uint8Array.from([...bytes.subarray(0, at), 7, content.length, ...content, ...bytes.subarray(at)]);
  // deno-lint-ignore no-explicit-any -- exports of any kind
  const exports = new WebAssembly.Instance(new WebAssembly.Module(whole)).exports as Record<string, any>;
  return {
    memory: (index: number, start: number, length: number) => [
      ...new Uint8Array(exports[`m${index}`].buffer, start, length),
    ],
    global: (index: number) => exports[`g${index}`].value,
  };
}

function sectionEnd(bytes: Uint8Array, id: number): number {
  const reader = new Reader(bytes, 8);
  for (;;) {
    const found = reader.readU8();
    const length = reader.readU32Leb();
    reader.pos += length;
    if (found === id) return reader.pos;
  }
}

Deno.test("coreDump() of an error that no guest saw has no frames, and another store's error is refused", () => {
  using engine = new Engine();
  using store = new Store(engine);
  using other = new Store(engine);
  const module = Module.fromText(engine, `(module (func (export "run") (unreachable)))`);
  const error = caught(() => new Instance(store, module).exports.run());
  assertEquals(readDump(store.coreDump(error)).frames.length, 1);
  for (const stranger of [undefined, 5, new Error("no"), {}]) {
    assertEquals(readDump(store.coreDump(stranger)).frames, []);
  }
  assertThrows(() => other.coreDump(error), TypeError, "not one of this store's");
});

Deno.test("coreDump() of an error that went through guests and hosts has the frames of both guests", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const linker = new Linker(engine);
  const inner = new Instance(
    store,
    Module.fromText(engine, `(module (tag (param i32)) (func (export "run") (throw 0 (i32.const 1))))`),
  );
  linker.defineFunc("env", "host", { parameters: [], results: [] }, () => {
    inner.exports.run();
  });
  const outer = linker.instantiate(
    store,
    Module.fromText(engine, `(module (import "env" "host" (func $host)) (func (export "run") (call $host)))`),
  );
  const dump = readDump(store.coreDump(caught(() => outer.exports.run())));
  assertEquals(dump.frames.map(({ instance, func }) => [instance, func]), [[0, 0], [1, 1]]);
});

Deno.test("the command line writes a core dump of a guest that trapped, and none of one that did not", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/bad.wat`,
      `(module $bad (memory 1) (data (i32.const 3) "kept")
      (func $fail (param i32) (drop (i32.div_u (i32.const 1) (local.get 0))))
      (func (export "run") (param i32) (call $fail (local.get 0))))`,
    );
    const dumpPath = `${folder}/core`;
    const run = (argument: string) =>
      runCli(["--core-dump", dumpPath, "--invoke", "run", `${folder}/bad.wat`, argument]);
    const fine = await run("1");
    assertEquals([fine.code, text(fine.stderr)], [0, ""]);
    await Deno.stat(dumpPath).then(() => assert(false, "a dump of nothing"), () => {});
    const trapped = await run("0");
    assertEquals(trapped.code, 134);
    const dump = readDump(await Deno.readFile(dumpPath));
    assertEquals([dump.program, ...dump.modules], [`${folder}/bad.wat`, "bad"]);
    assertEquals(dump.frames.map(({ func }) => func), [0, 1]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
