import { assert, assertEquals, assertThrows } from "@std/assert";
import { Caller, Engine, Func, Global, Instance, Linker, Memory, Module, Store, Table, Tag } from "../../mod.ts";
import { codeArena, recordPool, stackPool } from "../../lib/host/mod.ts";
import { wat } from "../wat.ts";
import { Sandbox } from "./sandbox.ts";

const EVERYTHING = `(module (memory (export "memory") 1) (table (export "table") 1 funcref)
  (global (export "global") (mut i32) (i32.const 0)) (func (export "func") (result i32) i32.const 1))`;

Deno.test("everything of a disposed store throws a TypeError that says so", () => {
  const sandbox = new Sandbox();
  const { store, engine } = sandbox;
  const module = sandbox.module(EVERYTHING);
  const instance = new Instance(store, module);
  const { memory, table, global, func } = instance.exports;
  const fresh = new Instance(store, module);
  const linker = new Linker(engine);
  const host = new Func(store, { parameters: [], results: [] }, () => {});
  assertEquals(func(), 1);
  store.close();
  store.close();
  assert(store.isDisposed);
  const uses: (() => unknown)[] = [
    () => func(),
    () => host.call(),
    () => memory.view,
    () => memory.buffer,
    () => memory.grow(1),
    () => memory.read(0, 1),
    () => table.get(0),
    () => table.size,
    () => table.grow(1),
    () => global.value,
    () => global.value = 1,
    () => fresh.exports,
    // Also when they were looked at before.
    () => instance.exports,
    () => fresh.func("func"),
    () => new Instance(store, module),
    () => linker.instantiate(store, module),
    () => new Memory(store, { minimum: 1 }),
    () => new Table(store, { element: "funcref", minimum: 1 }),
    () => new Global(store, { valueType: "i32" }),
    () => new Tag(store, { parameters: [] }),
    () => new Func(store, { parameters: [], results: [] }, () => {}),
  ];
  for (const use of uses) assertThrows(use, TypeError, "disposed", String(use));
  engine[Symbol.dispose]();
  engine[Symbol.dispose]();
  assertThrows(() => new Store(engine), TypeError, "disposed");
  assertThrows(() => new Module(engine, wat(EVERYTHING)), TypeError, "disposed");
  assertThrows(() => new Linker(engine), TypeError, "disposed");
});

Deno.test("a store cannot be disposed while a call is active, and goes on", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  let tries = 0;
  const { f } =
    sandbox.instance(`(module (import "m" "f" (func $f)) (func (export "f") (result i32) call $f i32.const 4))`, {
      m: {
        f: () => {
          tries++;
          assertThrows(() => store.close(), TypeError, "active");
        },
      },
    }).exports;
  assertEquals([f(), tries], [4, 1]);
});

Deno.test("a disposed module cannot be instantiated, its instances go on", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(EVERYTHING);
  const { func } = new Instance(sandbox.store, module).exports;
  module[Symbol.dispose]();
  module[Symbol.dispose]();
  assertEquals(func(), 1);
  assertThrows(() => new Instance(sandbox.store, module), TypeError, "disposed");
  assertThrows(() => module.exports, TypeError, "disposed");
});

Deno.test("a disposed engine's stores go on", () => {
  const engine = new Engine();
  using store = new Store(engine);
  const { func } = new Instance(store, new Module(engine, wat(EVERYTHING))).exports;
  engine[Symbol.dispose]();
  assertEquals(func(), 1);
});

Deno.test("code, records and stacks go back when store and module are disposed", () => {
  using engine = new Engine();
  const usedCode = codeArena().usedBytes;
  for (let round = 0; round < 50; round++) {
    const records = recordPool().inUse;
    const stacks = stackPool().inUse;
    using module = new Module(engine, wat(EVERYTHING));
    {
      using store = new Store(engine);
      const { func, table } = new Instance(store, module).exports;
      table.set(0, new Func(store, { parameters: [], results: ["i64"] }, () => 1n));
      assertEquals(func(), 1);
      assert(recordPool().inUse > records);
    }
    assertEquals([recordPool().inUse, stackPool().inUse], [records, stacks]);
  }
  engine[Symbol.dispose]();
  assertEquals(codeArena().usedBytes, usedCode);
});

Deno.test("constructors and functions refuse things of the wrong class, also ones that look right", () => {
  using sandbox = new Sandbox();
  const { store, engine } = sandbox;
  const module = sandbox.module(EVERYTHING);
  const wrongs: unknown[] = [
    undefined,
    null,
    0,
    "x",
    {},
    [],
    () => {},
    Object.create(Engine.prototype),
    new Proxy(store, {}),
  ];
  for (const wrong of wrongs) {
    const uses: (() => unknown)[] = [
      () => new Store(wrong as never),
      () => new Module(wrong as never, wat(EVERYTHING)),
      () => Module.validate(wrong as never, new Uint8Array()),
      () => new Linker(wrong as never),
      () => new Instance(wrong as never, module),
      () => new Instance(store, wrong as never),
      () => new Memory(wrong as never, { minimum: 1 }),
      () => new Global(wrong as never, { valueType: "i32" }),
      () => new Func(wrong as never, { parameters: [], results: [] }, () => {}),
      () => new Linker(engine).instantiate(wrong as never, module),
      () => new Linker(engine).instantiate(store, wrong as never),
      () => new Linker(engine).defineInstance("m", wrong as never),
    ];
    for (const use of uses) assertThrows(use, TypeError, undefined, `${String(use)} ${typeof wrong}`);
    if (typeof wrong !== "function") {
      assertThrows(() => new Func(store, { parameters: [], results: [] }, wrong as never), TypeError);
    }
  }
  for (const use of [() => Memory.prototype.grow.call({} as never, 1), () => Store.prototype.close.call({} as never)]) {
    assertThrows(use, TypeError);
  }
  assertThrows(() => new Func(store, {} as never, (() => {}) as never), TypeError);
  assertThrows(() => new Func(store, undefined as never, (() => {}) as never), TypeError);
  assertThrows(() => new Engine({ bounds: "none" as never }), TypeError);
  assertThrows(() => new Engine({ features: ["nothing" as never] }), TypeError);
  assertEquals(typeof Caller, "function");
});

Deno.test("stores that nobody disposes of are cleaned up once they are garbage", async () => {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return;
  using engine = new Engine();
  const records = recordPool().inUse;
  (() => {
    for (let i = 0; i < 20; i++) {
      const store = new Store(engine);
      new Instance(store, new Module(engine, wat(EVERYTHING))).exports.func();
    }
  })();
  for (let i = 0; i < 20 && recordPool().inUse > records; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(recordPool().inUse, records);
});
