import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type Caller, Engine, Global, Instance, Linker, LinkError, Memory, Store, Table, Trap } from "../../mod.ts";
import { Sandbox } from "./sandbox.ts";

const USER = `(module (import "lib" "f" (func (result i32))) (export "f" (func 0)))`;
const NUMBER = { parameters: [], results: ["i32"] } as const;

Deno.test("define() refuses a second definition of a name unless shadowing is allowed", () => {
  using sandbox = new Sandbox();
  const linker = new Linker(sandbox.engine).defineFunc("lib", "f", NUMBER, () => 1);
  const error = assertThrows(() => linker.defineFunc("lib", "f", NUMBER, () => 2), LinkError, "defined already");
  assertEquals(error.import, { module: "lib", name: "f" });
  assertEquals(linker.instantiate(sandbox.store, sandbox.module(USER)).exports.f(), 1);
  linker.allowShadowing = true;
  linker.defineFunc("lib", "f", NUMBER, () => 2);
  assertEquals(linker.instantiate(sandbox.store, sandbox.module(USER)).exports.f(), 2);
  const open = new Linker(sandbox.engine, { allowShadowing: true });
  open.define("lib", "f", () => 3).define("lib", "f", () => 4);
  assertEquals(open.instantiate(sandbox.store, sandbox.module(USER)).exports.f(), 4);
});

Deno.test("instance(), alias() and aliasModule() define names for what is there", () => {
  using sandbox = new Sandbox();
  const library = sandbox.instance(`(module (func (export "f") (result i32) i32.const 7) (memory (export "m") 1))`);
  const linker = new Linker(sandbox.engine).instance("base", library);
  linker.alias("base", "f", "lib", "f");
  assertEquals(linker.instantiate(sandbox.store, sandbox.module(USER)).exports.f, library.exports.f);
  linker.aliasModule("base", "other");
  assertStrictEquals(linker.get(sandbox.store, "other", "m"), library.exports.m);
  assertEquals([...linker].map(({ module, name }) => `${module}.${name}`).sort(), [
    "base.f",
    "base.m",
    "lib.f",
    "other.f",
    "other.m",
  ]);
  assertThrows(() => linker.alias("base", "nothing", "x", "y"), LinkError, `"base" "nothing": not defined`);
  assertThrows(() => linker.aliasModule("nothing", "x"), LinkError, "nothing is defined");
  assertThrows(() => linker.alias("base", "f", "lib", "f"), LinkError, "defined already");
  assertThrows(() => linker.aliasModule("base", "base"), LinkError, "defined already");
});

Deno.test("module() instantiates a reactor once and initialises it, and a command for every call", () => {
  using sandbox = new Sandbox();
  const counter = (start: string) =>
    `(module (global $n (mut i32) (i32.const 0)) (memory (export "memory") 1)
    (func (export "${start}") (global.set $n (i32.const 10)))
    (func (export "f") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))`;
  const user = sandbox.module(USER);
  const reactor = new Linker(sandbox.engine).module(sandbox.store, "lib", sandbox.module(counter("_initialize")));
  const first = reactor.instantiate(sandbox.store, user).exports;
  assertEquals([first.f(), first.f()], [11, 12]);
  assert(reactor.get(sandbox.store, "lib", "memory") instanceof Memory);
  const command = new Linker(sandbox.engine).module(sandbox.store, "lib", sandbox.module(counter("_start")));
  const second = command.instantiate(sandbox.store, user).exports;
  assertEquals([second.f(), second.f()], [1, 1]);
  assertEquals(command.get(sandbox.store, "lib", "memory"), undefined);
  assertEquals(command.getDefault(sandbox.store, "lib").call(), undefined);
  assertEquals(command.getDefault(sandbox.store, "nothing").call(), undefined);
  assertThrows(
    () =>
      new Linker(sandbox.engine).module(
        sandbox.store,
        "lib",
        sandbox.module(`(module (func (export "_start")) (func (export "_initialize")))`),
      ),
    LinkError,
    "neither",
  );
  assertThrows(() => new Linker(sandbox.engine).module(sandbox.store, "x", user), LinkError, `"lib" "f"`);
});

const UNKNOWN = `(module
  (import "a" "f" (func $f (param i32) (result i32 i64 f32 f64 v128 externref funcref)))
  (import "a" "g" (func $g (result i32)))
  (import "a" "g" (func $again (result i32)))
  (import "b" "m" (memory 2 3)) (import "b" "t" (table 4 funcref)) (import "b" "e" (tag (param i32)))
  (import "c" "v" (global $v (mut i64))) (import "c" "w" (global externref))
  (export "f" (func $f)) (export "m" (memory 0)) (export "t" (table 0)) (export "v" (global 0))
  (func (export "g") (result i32) (call $g)))`;

Deno.test("defineUnknownImportsAsTraps() defines functions that throw, and only what nobody defined", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(UNKNOWN);
  const linker = new Linker(sandbox.engine).defineFunc("a", "g", NUMBER, () => 5).defineUnknownImportsAsTraps(module);
  assertThrows(() => linker.instantiate(sandbox.store, module), LinkError, `"b" "m"`);
  linker.defineUnknownImportsAsDefaultValues(module);
  const { exports } = linker.instantiate(sandbox.store, module);
  assertEquals(exports.g(), 5);
  assertThrows(() => exports.f(1), LinkError, `import "a" "f": called, but never defined`);
});

Deno.test("defineUnknownImportsAsDefaultValues() gives zeros, nulls and new objects to each store", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(UNKNOWN);
  const linker = new Linker(sandbox.engine).defineUnknownImportsAsDefaultValues(module);
  const { exports } = linker.instantiate(sandbox.store, module);
  assertEquals(exports.f(1), [0, 0n, 0, 0, new Uint8Array(16), null, null]);
  assertEquals(exports.g(), 0);
  assertEquals([exports.m.byteLength, exports.t.size, exports.v.value], [2 * 65536, 4, 0n]);
  using other = new Store(sandbox.engine);
  const elsewhere = linker.instantiate(other, module).exports;
  assertNotStrictEquals(elsewhere.m, exports.m);
  assertStrictEquals(linker.instantiate(other, module).exports.m, elsewhere.m);
  const strict = sandbox.module(`(module (import "a" "r" (global (ref func))))`);
  assertThrows(() => linker.defineUnknownImportsAsDefaultValues(strict), LinkError, "never null");
});

Deno.test("instantiatePre() looks imports up once and serves every store of the engine", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(USER);
  const linker = new Linker(sandbox.engine);
  assertThrows(() => linker.instantiatePre(module), LinkError, `"lib" "f": not defined`);
  linker.defineFunc("lib", "f", NUMBER, () => 1);
  const prepared = linker.instantiatePre(module);
  linker.allowShadowing = true;
  linker.defineFunc("lib", "f", NUMBER, () => 2);
  assertEquals(prepared.instantiate(sandbox.store).exports.f(), 1);
  using other = new Store(sandbox.engine);
  assertEquals(prepared.instantiate(other).exports.f(), 1);
  linker.defineFunc("lib", "f", { parameters: ["i32"], results: ["i32"] }, (n) => n);
  assertThrows(() => linker.instantiatePre(module), LinkError, "expected a func");
  const bound = new Linker(sandbox.engine).define(
    "lib",
    "f",
    sandbox.instance(
      `(module (func (export "f") (result i32) i32.const 9))`,
    ).exports.f,
  );
  assertEquals(bound.instantiatePre(module).instantiate(sandbox.store).exports.f(), 9);
  assertThrows(() => bound.instantiatePre(module).instantiate(other), LinkError, "another store");
  using engine = new Engine();
  assertThrows(() => new Linker(engine).instantiatePre(module), TypeError, "different engines");
  using foreign = new Store(engine);
  assertThrows(() => prepared.instantiate(foreign), TypeError, "different engines");
});

Deno.test("clone() has the definitions and goes its own way", () => {
  using sandbox = new Sandbox();
  const linker = new Linker(sandbox.engine).defineFunc("lib", "f", NUMBER, () => 1);
  const copy = linker.clone().define("x", "y", 1);
  assertEquals([[...linker].length, [...copy].length], [1, 2]);
  assertEquals(copy.instantiate(sandbox.store, sandbox.module(USER)).exports.f(), 1);
});

Deno.test("a host function finds its store's data, its caller's exports and memory", () => {
  const seen: unknown[] = [];
  using sandbox = new Sandbox();
  const module = sandbox.module(`(module (import "env" "look" (func $look)) (memory (export "memory") 1)
    (global (export "g") i32 (i32.const 1)) (func (export "run") (call $look)))`);
  for (let i = 0; i < 2; i++) {
    using store = new Store(sandbox.engine, { data: [] as string[] });
    const own = new Linker(sandbox.engine);
    own.defineFunc("env", "look", { parameters: [], results: [] }, (caller) => {
      (caller.data as string[]).push("called");
      seen.push(
        caller.data === caller.store.data,
        caller.memory?.byteLength,
        caller.getExport("g") instanceof Global,
        caller.getExport("none"),
      );
    }, { passCaller: true });
    own.instantiate(store, module).exports.run();
    assertEquals(store.data, ["called"]);
  }
  assertEquals(seen, [true, 65536, true, undefined, true, 65536, true, undefined]);
  using store = new Store(sandbox.engine);
  assertEquals(store.data, undefined);
});

Deno.test("a caller that is kept gives nothing of a store that is disposed", () => {
  using sandbox = new Sandbox();
  const linker = new Linker(sandbox.engine);
  const callers: Caller[] = [];
  linker.defineFunc("env", "look", { parameters: [], results: [] }, (caller) => void callers.push(caller), {
    passCaller: true,
  });
  const store = new Store(sandbox.engine);
  const module = sandbox.module(`(module (import "env" "look" (func $look)) (memory (export "memory") 1)
    (func (export "run") (call $look)))`);
  linker.instantiate(store, module).exports.run();
  const [caller] = callers;
  assertEquals(typeof caller.getExport("run"), "function");
  store.close();
  assertThrows(() => caller.getExport("run"), TypeError, "disposed");
  assertThrows(() => caller.memory, TypeError, "disposed");
  assertEquals(caller.canWait, false);
});

Deno.test("getTypedFunc() checks the type once", () => {
  using sandbox = new Sandbox();
  const instance: Instance = sandbox.instance(`(module (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))) (memory (export "m") 1)
    (func (export "bad") (result i32) unreachable))`);
  const add = instance.getTypedFunc("add", { parameters: ["i32", "i32"], results: ["i32"] });
  const sum: number = add.call([1, 2]);
  assertEquals(sum, 3);
  const wrong = () => instance.getTypedFunc("add", { parameters: ["i64"], results: [] });
  assertThrows(wrong, LinkError, "[i32 i32] -> [i32], not [i64] -> []");
  assertThrows(() => instance.getTypedFunc("m", { parameters: [], results: [] }), LinkError, "no function");
  assertThrows(() => instance.getTypedFunc("bad", NUMBER).call(), Trap);
});

Deno.test("host functions take and give vectors and references of every kind", () => {
  using sandbox = new Sandbox();
  const linker = new Linker(sandbox.engine);
  const types = ["v128", "funcref", "externref", "anyref", "eqref", "i31ref", "structref", "arrayref"] as const;
  const seen: unknown[] = [];
  linker.defineFunc("env", "swap", { parameters: types, results: types }, (...args) => {
    seen.push(...args);
    return args;
  });
  const list = types.join(" ");
  const { exports } = linker.instantiate(
    sandbox.store,
    sandbox.module(`(module
    (type $s (struct (field i32))) (type $a (array i8))
    (import "env" "swap" (func $swap (param ${list}) (result ${list})))
    (func $self (export "run") (param externref) (result ${list})
      (call $swap (v128.const i32x4 1 2 3 4) (ref.func $self) (local.get 0) (ref.i31 (i32.const 5))
        (struct.new $s (i32.const 6)) (ref.i31 (i32.const 7)) (struct.new $s (i32.const 8))
        (array.new_fixed $a 1 (i32.const 9)))))`),
  );
  const value = { any: "thing" };
  const results = exports.run(value);
  assertEquals(results[0], new Uint8Array([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0]));
  assertStrictEquals(results[1], exports.run);
  assertStrictEquals(results[2], value);
  assertEquals(results.length, types.length);
  assertEquals(seen.length, types.length);
  assert(!(seen[6] instanceof Table));
});
