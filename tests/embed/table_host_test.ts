/** What JavaScript does with tables, memories and typed globals where the store's limiter, its heap or its accounts say no. */

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  ArrayRef,
  ArrayType,
  Engine,
  Global,
  Instance,
  Memory,
  Module,
  RefError,
  Store,
  StructRef,
  StructType,
  Table,
  Trap,
} from "../../mod.ts";
import { COLLECTORS } from "../../lib/runtime/mod.ts";

type Answer = boolean | Promise<boolean>;

Deno.test("003/3.24 growAsync waits for the limiter, and grows as it says", async () => {
  using engine = new Engine();
  const asked: unknown[] = [];
  const failed: string[] = [];
  let answer: () => Answer = () => true;
  using store = new Store(engine, {
    limiter: {
      tableGrowing: (current, desired) => (asked.push(["table", current, desired]), answer()),
      memoryGrowing: (current, desired) => (asked.push(["memory", current, desired]), answer()),
      tableGrowFailed: ({ message }) => failed.push(message),
    },
  });
  const table = new Table(store, { element: "externref", minimum: 1, maximum: 9 });
  const memory = new Memory(store, { minimum: 1, maximum: 3 });
  asked.length = 0;

  answer = () => Promise.resolve(true);
  const value = { some: "value" };
  const growing = [table.growAsync(2, value), memory.growAsync(1)];
  assertEquals([table.size, memory.sizePages], [1, 1]);
  assertEquals(await Promise.all(growing), [1, 1]);
  assertEquals(asked, [["table", 1, 3], ["memory", 65536, 131072]]);
  assertEquals([table.get(0), memory.sizePages], [null, 2]);
  assertStrictEquals(table.get(2), value);

  answer = () => Promise.resolve(false);
  await assertRejects(() => table.growAsync(1), RangeError, "limiter refuses");
  await assertRejects(() => memory.growAsync(1), RangeError, "limiter refuses");
  assertEquals(failed, []);
  answer = () => Promise.resolve(true);
  await assertRejects(() => table.growAsync(7), RangeError, "at most 9");
  assertEquals(failed, ["A table of at most 9 elements cannot have 10"]);
  answer = () => Promise.reject(new Error("no answer"));
  await assertRejects(() => table.growAsync(1), Error, "no answer");
  assertThrows(() => table.grow(1), TypeError, "Promise");
  assertEquals([table.size, memory.sizePages], [3, 2]);

  // GROW-1: of two that wait, the second is asked about again, since the size is another one.
  asked.length = 0;
  answer = () => Promise.resolve(true);
  assertEquals(await Promise.all([table.growAsync(1), table.growAsync(1)]), [3, 4]);
  assertEquals(asked, [["table", 3, 4], ["table", 3, 4], ["table", 4, 5]]);
});

Deno.test("003/3.12 createAsync waits for the limiter, and makes what it allows", async () => {
  using engine = new Engine();
  let answer = (): Answer => Promise.resolve(true);
  const asked: unknown[] = [];
  const store = new Store(engine, {
    limits: { tableElements: 100 },
    limiter: {
      tableGrowing: (...sizes) => (asked.push(["table", ...sizes]), answer()),
      memoryGrowing: (...sizes) => (asked.push(["memory", ...sizes]), answer()),
    },
  });
  const value = { some: "value" };
  const table = await Table.createAsync(store, { element: "externref", minimum: 3, maximum: 5 }, value);
  const memory = await Memory.createAsync(store, { minimum: 1, maximum: 2 });
  assertEquals(asked, [["table", 0, 3, 5], ["memory", 0, 65536, 131072]]);
  assertEquals([table.size, memory.sizePages], [3, 1]);
  assertStrictEquals(table.get(2), value);
  assert(table instanceof Table && memory instanceof Memory);

  assertThrows(() => new Table(store, { element: "externref", minimum: 3 }), TypeError, "Promise");
  assertThrows(() => new Memory(store, { minimum: 1 }), TypeError, "Promise");
  await assertRejects(
    () => Table.createAsync(store, { element: "externref", minimum: 98 }),
    RangeError,
    "tableElements",
  );
  answer = () => Promise.resolve(false);
  await assertRejects(
    () => Table.createAsync(store, { element: "externref", minimum: 1 }),
    RangeError,
    "limiter refuses",
  );
  await assertRejects(() => Memory.createAsync(store, { minimum: 1 }), RangeError, "limiter refuses");
  assertEquals([store.usage().tableElements.current, store.usage().memoryBytes.current], [3, 65536]);

  // What the elements are to be is looked at again, before there is a table.
  answer = () => Promise.resolve(true);
  const type = new StructType(engine, [{ type: "i32" }]);
  const ref = StructRef.create(store, type, [7]);
  const late = Table.createAsync(store, { element: "anyref", minimum: 4 }, ref as never);
  ref.dispose();
  assertEquals((await assertRejects(() => late, RefError)).code, "released");
  assertEquals(store.usage().tableElements.current, 3);
  const closing = [
    Table.createAsync(store, { element: "externref", minimum: 1 }),
    Memory.createAsync(store, { minimum: 1 }),
  ];
  store.close();
  for (const promise of closing) await assertRejects(() => promise, TypeError, "disposed");
});

Deno.test("growAsync looks at its store and its value again behind the wait", async () => {
  using engine = new Engine({ stress: { gc: true } });
  const store = new Store(engine, {
    limiter: { tableGrowing: (current) => current === 0 || Promise.resolve(true) },
  });
  const type = new StructType(engine, [{ type: "i32" }]);
  const table = new Table(store, { element: { ref: type }, minimum: 1 });
  const ref = StructRef.create(store, type, [7]);
  const growing = table.growAsync(1, ref);
  store.gc();
  assertEquals(await growing, 1);
  assertStrictEquals(table.get(1), ref);
  await assertRejects(() => table.growAsync(1, {}), RefError);

  const released = table.growAsync(1, ref);
  ref.dispose();
  assertEquals((await assertRejects(() => released, RefError)).code, "released");
  assertEquals([table.size, store.usage().tableElements.current], [2, 2]);
  const late = table.growAsync(1);
  store[Symbol.dispose]();
  await assertRejects(() => late, TypeError, "disposed");
});

for (const collector of COLLECTORS) {
  Deno.test(`a table that finds the heap full takes nothing from the account, ${collector}`, () => {
    using engine = new Engine({ collector });
    using store = new Store(engine, { limits: { gcHeapBytes: 1 << 20 } });
    const bytes = new ArrayType(engine, { type: "i8", mutable: true });
    const table = new Table(store, { element: "externref", minimum: 1 });
    const held: ArrayRef[] = [];
    const fill = (length: number) => {
      for (;;) held.push(ArrayRef.filled(store, bytes, length));
    };
    for (const length of [16_000, 0]) assertThrows(() => fill(length), Trap, "exhausted");
    // A collector may keep some bytes that only objects as small as these fit in.
    const exhaust = () => {
      for (let i = 0;; i++) table.set(0, { i });
    };
    if (collector === "null") assertThrows(exhaust, Trap, "exhausted");
    assertThrows(() => table.grow(10, {}), Trap, "exhausted");
    assertThrows(() => new Table(store, { element: "externref", minimum: 3 }, {}), Trap, "exhausted");
    assertEquals([table.size, store.usage().tableElements.current], [1, 1]);
    assertEquals([table.grow(10), store.usage().tableElements.current], [1, 11]);
  });
}

Deno.test("a table whose first value is refused is not made", () => {
  using engine = new Engine();
  using store = new Store(engine);
  assertThrows(() => new Table(store, { element: "funcref", minimum: 3 }, 1 as never), TypeError);
  assertEquals(store.usage().tableElements.current, 0);
  const table = new Table(store, { element: "funcref", minimum: 3 });
  assertThrows(() => table.copyFrom(0, {} as never, 0, 1), TypeError, "is a Table");
});

Deno.test("003/3.28 Table.getMaybeInit() shows what nobody has read", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const module = Module.fromText(
    engine,
    `(module (table (export "f") 3 funcref) (table (export "e") 1 externref) (elem (i32.const 1) $a $b)
       (func $a (export "a")) (func $b)
       (func (export "call") (param i32) (call_indirect (param) (local.get 0))))`,
  );
  const { f, e, a, call } = new Instance(store, module).exports;
  assertEquals([0, 1, 2].map((i) => f.getMaybeInit(i)), [undefined, undefined, undefined]);
  assertEquals(f.get(0), null);
  assertStrictEquals(f.get(1), a);
  call(2);
  assertEquals([f.getMaybeInit(0), typeof f.getMaybeInit(2)], [null, "function"]);
  assertStrictEquals(f.getMaybeInit(1), a);
  assertEquals(e.getMaybeInit(0), null);
  assertThrows(() => f.getMaybeInit(3), RangeError);

  using eager = new Engine({ tables: "eager" });
  using other = new Store(eager);
  const again = Module.fromText(eager, `(module (table (export "f") 2 funcref) (elem (i32.const 1) $a) (func $a))`);
  const table = new Instance(other, again).exports.f;
  assertEquals([table.getMaybeInit(0), typeof table.getMaybeInit(1)], [null, "function"]);
});

Deno.test("a global of a reference to something in particular is made, linked and collected like any", () => {
  using engine = new Engine({ stress: { gc: true } });
  using store = new Store(engine);
  const module = Module.fromText(
    engine,
    `(module (type $n (struct (field $v i32))) (import "" "g" (global $g (mut (ref null $n))))
       (func (export "v") (result i32) (struct.get $n $v (global.get $g)))
       (func (export "same") (param (ref $n)) (result i32) (ref.eq (local.get 0) (global.get $g))))`,
  );
  const type = module.structType("n");
  const global = new Global(store, { valueType: { ref: type }, mutability: "var" });
  assertEquals(global.value, null);
  const { v, same } = new Instance(store, module, { "": { g: global } }).exports;
  {
    using first = StructRef.create(store, type, [5]);
    global.value = first;
  }
  store.gc();
  assertEquals(v(), 5);
  using second = global.value as StructRef;
  store.gc();
  assertStrictEquals(global.value, second);
  assertEquals(same(second), 1);
  assertThrows(() => (global.value = {}), RefError);
  const never = () => new Global(store, { valueType: { ref: type, nullable: false } });
  assertThrows(never, TypeError, "does not include null");
});
