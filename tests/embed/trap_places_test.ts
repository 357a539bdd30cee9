import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type EngineConfig, FEATURES, Instance, Linker, Module, Trap } from "../../mod.ts";
import { Sandbox } from "./sandbox.ts";
import { wat } from "../wat.ts";

const PROGRAM = new URL("../programs/inlined/inlined.wasm", import.meta.url);

/** A module with a section that says where its source map is. */
function withSourceMapUrl(bytes: Uint8Array, address: string): Uint8Array {
  const url = new TextEncoder().encode(address);
  const name = new TextEncoder().encode("sourceMappingURL");
  const section = [name.length, ...name, url.length, ...url];
  return Uint8Array.from([...bytes, 0, section.length, ...section]);
}

/** Frames as the command line prints them. */
function places(trap: Trap): string[] {
  return trap.frames.flatMap(({ symbols }) =>
    symbols.map(({ name, file, line, column }) => `${name} ${file}:${line}:${column}`)
  );
}

Deno.test("frames give inlined functions and places from DWARF, names demangled", () => {
  for (const bounds of ["guard", "explicit"] as const) {
    using sandbox = new Sandbox({ bounds });
    const module = new Module(sandbox.engine, Deno.readFileSync(PROGRAM));
    const { draw } = new Instance(sandbox.store, module).exports;
    const trap: Trap = assertThrows(() => draw(3, 0), Trap);
    const [inner, outer] = trap.frames;
    assertEquals(inner.functionName, "shapes::Painter::paint(shapes::Box<int> const&, int) const");
    assertEquals([outer.functionName, outer.rawFunctionName], ["draw", "draw"]);
    assertEquals(inner.functionOffset, inner.wasmOffset - module.wasm.bodies[inner.functionIndex].start);
    assertEquals(places(trap), [
      "shapes::Box<int>::ratio() const /sources/inlined.cc:10:25",
      "shapes::Painter::paint(shapes::Box<int> const&, int) const /sources/inlined.cc:18:48",
      "draw /sources/inlined.cc:26:41",
    ]);
    assertStrictEquals(inner.symbols, inner.symbols);
    const again = Module.deserialize(sandbox.engine, module.serialize(), { trusted: true });
    const loaded: Trap = assertThrows(() => new Instance(sandbox.store, again).exports.draw(3, 0), Trap);
    assertEquals(places(loaded), places(trap));
  }
});

Deno.test("names of functions are demangled, and there as they are in the module, too", () => {
  using sandbox = new Sandbox();
  const { run } = sandbox.instance(`(module (func $_ZN4core9panicking5panic17h0123456789abcdefE unreachable)
    (func $_RNvNtC1a1b1c (call 0)) (func $_ZN1A1BC2EiPKc (call 1)) (func $plain (export "run") (call 2)))`).exports;
  const trap: Trap = assertThrows(() => run(), Trap);
  assertEquals(trap.frames.map(({ functionName, rawFunctionName }) => [functionName, rawFunctionName]), [
    ["core::panicking::panic", "_ZN4core9panicking5panic17h0123456789abcdefE"],
    ["a::b::c", "_RNvNtC1a1b1c"],
    ["A::B::B(int, char const*)", "_ZN1A1BC2EiPKc"],
    ["plain", "plain"],
  ]);
});

Deno.test("a source map that the embedder attaches gives the places; its address is in the module", () => {
  using sandbox = new Sandbox();
  const plain = wat(`(module (func (export "run") unreachable))`);
  const module = new Module(sandbox.engine, withSourceMapUrl(plain, "run.wasm.map"));
  assertEquals(module.sourceMapUrl, "run.wasm.map");
  const run = () => assertThrows(() => new Instance(sandbox.store, module).exports.run(), Trap) as Trap;
  assertEquals(places(run()), []);
  module.attachSourceMap(JSON.stringify({ version: 3, sources: ["run.ts"], names: [], mappings: "AAIE" }));
  assertEquals(places(run()), ["run run.ts:5:3"]);
  assertThrows(() => module.attachSourceMap("{}"), SyntaxError);
  assertEquals(new Module(sandbox.engine, plain).sourceMapUrl, undefined);
});

const OPERANDS = `(module (memory 1) (memory $b 2) (table 3 funcref) (type $t (func (param i32) (result i64)))
  (func (export "load") (param i32) (result i64) (i64.load16_u $b offset=8 (local.get 0)))
  (func (export "store") (param i32) (v128.store (local.get 0) (v128.const i32x4 0 0 0 0)))
  (type $numbers (array (mut i32))) (table $wide i64 4 externref) (elem (i32.const 2) func $other)
  (func $other (param f32 f32))
  (func (export "get") (param i32) (drop (table.get 0 (local.get 0))))
  (func (export "get64") (param i64) (table.set $wide (local.get 0) (ref.null extern)))
  (func (export "element") (param i32) (drop (array.get $numbers (array.new $numbers (i32.const 5) (i32.const 6)) (local.get 0))))
  (func (export "indirect") (param i32) (result i64) (call_indirect (type $t) (i32.const 1) (local.get 0)))
  (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0))))`;

Deno.test("the command line reads a source map beside the module, and nothing outside its folder", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const map = JSON.stringify({ version: 3, sources: ["run.ts"], names: [], mappings: "AAIE" });
    Deno.mkdirSync(`${folder}/in`);
    Deno.writeTextFileSync(`${folder}/in/m.map`, map);
    Deno.writeTextFileSync(`${folder}/out.map`, map);
    for (const [url, isRead] of [["m.map", true], ["../out.map", false], [`${folder}/out.map`, false]] as const) {
      Deno.writeFileSync(
        `${folder}/in/m.wasm`,
        withSourceMapUrl(wat(`(module (func (export "run") unreachable))`), url),
      );
      const { stderr, code } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "cli.ts", "--no-cache", "--invoke", "run", `${folder}/in/m.wasm`],
        cwd: new URL("../../", import.meta.url),
        stderr: "piped",
      }).output();
      assertEquals(code, 134);
      assertEquals(new TextDecoder().decode(stderr).includes("at run.ts:5:3"), isRead, url);
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("frames go through continuations, host functions and nested calls", () => {
  using sandbox = new Sandbox({ features: [...FEATURES.map(([name]) => name)] });
  const other = sandbox.instance(`(module $other (func $bad (export "bad") unreachable))`).exports;
  const { run } = sandbox.instance(
    `(module $m
      (import "m" "host" (func $host))
      (type $f (func)) (type $k (cont $f))
      (func $body (call $host))
      (elem declare func $body)
      (func $resumer (resume $k (cont.new $k (ref.func $body))))
      (func $run (export "run") (call $resumer)))`,
    { m: { host: () => other.bad() } },
  ).exports;
  const trap: Trap = assertThrows(() => run(), Trap);
  assertEquals(trap.frames.map(({ moduleName, functionName }) => `${moduleName}.${functionName}`), [
    "other.bad",
    "m.body",
    "m.resumer",
    "m.run",
  ]);
});

Deno.test("operands say what the instruction that trapped was about", () => {
  const configurations: readonly EngineConfig[] = (["guard", "explicit"] as const).flatMap((bounds) => [
    { bounds },
    { bounds, effort: "none" },
    { bounds, stress: { registers: 5, gc: true } },
  ]);
  for (const configuration of configurations) {
    using sandbox = new Sandbox(configuration);
    const { exports } = sandbox.instance(OPERANDS);
    const operandsOf = (call: () => unknown) => {
      const { operands } = assertThrows(call, Trap) as Trap;
      return Object.fromEntries(Object.entries(operands!).filter(([, value]) => value !== undefined));
    };
    assertEquals(operandsOf(() => exports.load(0x20000)), {
      instruction: "i64.load16_u",
      memoryIndex: 1,
      accessBytes: 2,
      offset: 8,
      address: 0x20008,
      memoryBytes: 0x20000,
    });
    assertEquals(operandsOf(() => exports.store(-16)), {
      instruction: "v128.store",
      memoryIndex: 0,
      accessBytes: 16,
      offset: 0,
      address: 2 ** 32 - 16,
      memoryBytes: 0x10000,
    });
    // The first byte that is not there, of an access that begins inside.
    assertEquals(operandsOf(() => exports.load(0x1fff7)).address, 0x20000);
    const outside = { tableIndex: 0, index: 2 ** 32 - 1, tableElements: 3 };
    assertEquals(operandsOf(() => exports.get(-1)), { instruction: "table.get", ...outside });
    assertEquals(operandsOf(() => exports.get64(1n << 40n)), {
      instruction: "table.set",
      tableIndex: 1,
      index: 2 ** 40,
      tableElements: 4,
    });
    assertEquals(operandsOf(() => exports.element(6)), { instruction: "array.get", index: 6 });
    const indirect = { instruction: "call_indirect", tableIndex: 0, expectedType: "[i32] -> [i64]" };
    assertEquals(operandsOf(() => exports.indirect(-1)), { ...indirect, ...outside });
    assertEquals(operandsOf(() => exports.indirect(0)), indirect);
    assertEquals(operandsOf(() => exports.indirect(2)), { ...indirect, foundType: "[f32 f32] -> []" });
    assertEquals(operandsOf(() => exports.divide(0)), { instruction: "i32.div_s" });
  }
});

Deno.test("an error of a host function arrives unchanged, and the frames it passed through are known", () => {
  using sandbox = new Sandbox();
  const linker = new Linker(sandbox.engine);
  const thrown = new RangeError("no");
  const levels: unknown[] = [];
  linker.defineFunc("env", "fail", { parameters: [], results: [] }, () => {
    throw thrown;
  });
  linker.defineFunc("env", "again", { parameters: [], results: [] }, () => inner.exports.run());
  const inner = linker.instantiate(
    sandbox.store,
    sandbox.module(`(module $inner (import "env" "fail" (func $fail))
    (func $deep (call $fail)) (func $run (export "run") (call $deep)))`),
  );
  const outer = linker.instantiate(
    sandbox.store,
    sandbox.module(`(module $outer (import "env" "again" (func $again)) (func $top (export "top") (call $again)))`),
  );
  try {
    outer.exports.top();
  } catch (error) {
    levels.push(error);
  }
  assertStrictEquals(levels[0], thrown);
  assertEquals(Trap.framesOf(thrown).map(({ moduleName, functionName }) => `${moduleName}.${functionName}`), [
    "inner.deep",
    "inner.run",
    "outer.top",
  ]);
  assertStrictEquals(Trap.framesOf(thrown), Trap.framesOf(thrown));
  assertEquals(Trap.framesOf(new Error("other")), []);
  assertEquals(Trap.framesOf(undefined), []);
});

Deno.test("a trap of a host function's own keeps its cause", () => {
  using sandbox = new Sandbox();
  const cause = new Error("the disk is full");
  const { run } = sandbox.instance(`(module (import "m" "f" (func $f)) (func (export "run") (call $f)))`, {
    m: {
      f: () => {
        throw new Trap("unreachable", { detail: "no room", cause });
      },
    },
  }).exports;
  const trap: Trap = assertThrows(() => run(), Trap, "no room");
  assertStrictEquals(trap.cause, cause);
  assert(!("cause" in new Trap("unreachable")));
});

Deno.test("the command line prints file, line and column below a frame", async () => {
  const { stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "cli.ts", "--no-cache", "--invoke", "draw", PROGRAM.pathname, "3", "0"],
    cwd: new URL("../../", import.meta.url),
    stderr: "piped",
  }).output();
  assertEquals(code, 134);
  const lines = new TextDecoder().decode(stderr).trim().split("\n").map((line) => line.trim());
  assertEquals(lines, [
    "error: trap: unreachable instruction executed",
    "0: 0xb8 - shapes::Painter::paint(shapes::Box<int> const&, int) const",
    "at /sources/inlined.cc:10:25 in shapes::Box<int>::ratio() const",
    "at /sources/inlined.cc:18:48",
    "1: 0x70 - draw",
    "at /sources/inlined.cc:26:41",
  ]);
});
