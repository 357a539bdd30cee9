import { assert, assertEquals, assertThrows } from "@std/assert";
import { ArtifactError, CompileError, Engine, Instance, isArtifact, Module, Store } from "../../mod.ts";
import { wat } from "../wat.ts";
import { Sandbox } from "./sandbox.ts";

const SOURCE = `(module $named
  (import "a" "f" (func (param i32 externref) (result f64))) (import "a" "m" (memory 1 3))
  (import "a" "t" (table 2 funcref)) (import "a" "g" (global (mut i64)))
  (func (export "x") (param i64)) (export "y" (memory 0)) (export "z" (table 0)) (export "w" (global 0)))`;

Deno.test("Module lists imports and exports with their types", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(SOURCE);
  assertEquals(module.name, "named");
  assertEquals(module.imports, [
    { module: "a", name: "f", kind: "func", type: { parameters: ["i32", "externref"], results: ["f64"] } },
    { module: "a", name: "m", kind: "memory", type: { minimum: 1, maximum: 3 } },
    { module: "a", name: "t", kind: "table", type: { element: "funcref", minimum: 2 } },
    { module: "a", name: "g", kind: "global", type: { valueType: "i64", mutability: "var" } },
  ]);
  assertEquals(module.exports.map(({ name, kind }) => [name, kind]), [["x", "func"], ["y", "memory"], ["z", "table"], [
    "w",
    "global",
  ]]);
  assertEquals(module.customSections("name").length, 1);
  assertEquals(module.customSections("none"), []);
});

Deno.test("Module refuses malformed, invalid and unsupported modules with a CompileError", () => {
  using sandbox = new Sandbox();
  const { engine } = sandbox;
  const cont = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 2, 0x60, 0, 0, 0x5d, 0); // a continuation type
  const cases: [bytes: Uint8Array, message: string][] = [
    [new Uint8Array(0), ""],
    [Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0), ""],
    [wat(SOURCE).slice(0, -5), ""],
    [cont, "stack-switching"],
  ];
  for (const [bytes, message] of cases) {
    assertThrows(() => new Module(engine, bytes), CompileError, message);
    assertEquals(Module.validate(engine, bytes), false);
  }
  assertEquals(Module.validate(engine, wat(SOURCE)), true);
  for (const wrong of [undefined, null, 1, "x", [], {}]) {
    assertThrows(() => new Module(engine, wrong as never), TypeError);
    assertThrows(() => Module.validate(engine, wrong as never), TypeError);
  }
});

Deno.test("an engine without a feature refuses modules that use it", () => {
  using engine = new Engine({ features: ["bulk-memory"] });
  assertThrows(
    () => new Module(engine, wat(`(module (func (result i32 i32) unreachable))`)),
    CompileError,
    "multi-value",
  );
  assert(
    Module.validate(engine, wat(`(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))`)),
  );
});

Deno.test("an engine refuses a feature that its configuration does not name", () => {
  using engine = new Engine({ features: ["simd", "multi-memory"] });
  const emptyStruct = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 3, 1, 0x5f, 0);
  assertThrows(() => new Module(engine, emptyStruct), CompileError, "gc");
});

Deno.test("Module copies its bytes, and takes any buffer or view", () => {
  using sandbox = new Sandbox();
  const bytes = wat(`(module (memory (export "m") 1) (data (i32.const 0) "abc"))`);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  const padded = new Uint8Array(bytes.length + 6);
  padded.set(bytes, 3);
  const sources = [bytes, bytes.buffer.slice(0), shared, shared.buffer, new DataView(padded.buffer, 3, bytes.length)];
  const modules = sources.map((source) => new Module(sandbox.engine, source));
  for (const source of [bytes, shared, padded]) source.fill(0);
  for (const module of modules) assertEquals(new Instance(sandbox.store, module).exports.m.readString(0, 3), "abc");
});

Deno.test("onProgress counts functions", () => {
  using engine = new Engine();
  const seen: [number, number][] = [];
  new Module(engine, wat(`(module (func) (func) (func))`), {
    onProgress: (done, total) => void seen.push([done, total]),
  });
  assertEquals(seen.at(-1), [3, 3]);
});

Deno.test("Module.deserialize() gives a module that runs the same", () => {
  using sandbox = new Sandbox();
  const text =
    `(module $m (import "m" "f" (func $f (param i32) (result i32))) (memory (export "memory") 1) (data (i32.const 1) "q")
    (table 1 funcref) (elem (i32.const 0) $g) (type $t (func (param i32) (result i32)))
    (func $g (param i32) (result i32) (i32.div_s (call $f (i32.const 90)) (local.get 0)))
    (func (export "run") (param i32) (result i32) (call_indirect (type $t) (local.get 0) (i32.const 0))))`;
  const artifact = sandbox.module(text).serialize();
  assert(isArtifact(artifact) && !isArtifact(wat(text)));
  using engine = new Engine();
  using store = new Store(engine);
  const module = Module.deserialize(engine, artifact, { trusted: true });
  const { run, memory } = new Instance(store, module, { m: { f: (n: number) => n + 2 } }).exports;
  assertEquals([run(4), memory.view[1], module.name], [23, 113, "m"]);
  const error = assertThrows(() => run(0)) as { frames: { functionName: string }[] };
  assertEquals(error.frames.map(({ functionName }) => functionName), ["g", "run"]);
});

Deno.test("Module.deserialize() refuses damage and other configurations", () => {
  using sandbox = new Sandbox();
  const artifact = sandbox.module(`(module (func (export "f") (result i32) i32.const 1))`).serialize();
  using explicit = new Engine({ bounds: "explicit" });
  assertThrows(() => Module.deserialize(explicit, artifact, { trusted: true }), ArtifactError, "bounds");
  for (let at = 0; at < artifact.length; at += 97) {
    const damaged = artifact.slice();
    damaged[at] ^= 0x10;
    try {
      const { f } = new Instance(sandbox.store, Module.deserialize(sandbox.engine, damaged, { trusted: true })).exports;
      assertEquals(f(), 1);
    } catch (error) {
      assert(error instanceof ArtifactError, String(error));
    }
  }
  for (const length of [0, 3, 64, 500, artifact.length - 1]) {
    assertThrows(() => Module.deserialize(sandbox.engine, artifact.slice(0, length), { trusted: true }), ArtifactError);
  }
  for (const wrong of [undefined, null, 1, "x", {}]) {
    assertThrows(() => Module.deserialize(sandbox.engine, wrong as never, { trusted: true }), TypeError);
  }
});
