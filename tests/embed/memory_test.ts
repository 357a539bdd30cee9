import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Instance, Memory, Trap } from "../../mod.ts";
import { Sandbox } from "./sandbox.ts";

for (const bounds of ["guard", "explicit"] as const) {
  Deno.test(`accesses reach the last byte and no further, whatever the offset (${bounds} bounds)`, () => {
    using sandbox = new Sandbox({ bounds });
    const { load, far, store, memory } = sandbox.instance(`(module (memory (export "memory") 1 2)
      (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
      (func (export "far") (param i32) (result i64) (i64.load offset=0xfffffff8 (local.get 0)))
      (func (export "store") (param i32 i64) (i64.store offset=8 (local.get 0) (local.get 1))))`).exports;
    assertEquals(load(65535), 0);
    for (const index of [65536, 65537, 0x7fffffff, -1, -65536]) assertThrows(() => load(index), Trap);
    for (const index of [0, 7, 8, -1, 0x7fffffff]) assertThrows(() => far(index), Trap);
    store(65520, -1n);
    assertEquals(memory.view[65535], 255);
    for (const index of [65521, -8, -16, -1]) assertThrows(() => store(index, 1n), Trap);
    assertEquals(memory.grow(1), 1);
    assertEquals(load(65536), 0);
    assertThrows(() => load(131072), Trap);
  });
}

Deno.test("a memory grows in place for guest and JavaScript, within its limits", () => {
  using sandbox = new Sandbox();
  const { grow, size, memory } = sandbox.instance(`(module (memory (export "memory") 1 4)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "size") (result i32) memory.size))`).exports;
  const { buffer } = memory;
  assertStrictEquals(memory.buffer, buffer);
  memory.view[5] = 55;
  assertEquals(grow(1), 1);
  assert(buffer.detached);
  assertEquals([memory.view[5], memory.byteLength, size()], [55, 131072, 2]);
  assertEquals(memory.grow(1), 2);
  assertEquals(size(), 3);
  assertEquals([grow(2), grow(-1), grow(0), grow(1), grow(1)], [-1, -1, 3, 3, -1]);
  assertThrows(() => memory.grow(1), RangeError);
  assertEquals(memory.type, { minimum: 4, maximum: 4 });
});

Deno.test("Memory.read() and write() copy, and check their bounds", () => {
  using sandbox = new Sandbox();
  const memory = new Memory(sandbox.store, { minimum: 1 });
  const source = Uint8Array.of(104, 105);
  memory.write(65534, source);
  source[0] = 0;
  assertEquals(memory.readString(65534, 2), "hi");
  const copy = memory.read(65534, 2);
  memory.view[65534] = 0;
  assertEquals(copy[0], 104);
  assertEquals(memory.read(65536, 0).length, 0);
  for (const wrong of [() => memory.read(65535, 2), () => memory.write(65536, source), () => memory.read(65537, 0)]) {
    assertThrows(wrong, RangeError);
  }
  for (const wrong of [-1, 1.5, NaN, "x", 2 ** 32, {}]) assertThrows(() => memory.read(wrong as number, 1), TypeError);
});

Deno.test("new Memory() checks its limits", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  assertEquals(new Memory(store, { minimum: 0 }).type, { minimum: 0 });
  assertEquals(new Memory(store, { minimum: 65536 }).sizePages, 65536);
  for (const [minimum, maximum] of [[2, 1], [65537, undefined], [0, 65537]]) {
    assertThrows(() => new Memory(store, { minimum: minimum!, maximum }), RangeError);
  }
  for (
    const type of [
      {},
      { minimum: -1 },
      { minimum: 1.5 },
      { minimum: "x" },
      { minimum: 1, maximum: NaN },
      undefined,
      null,
    ]
  ) {
    assertThrows(() => new Memory(store, type as never), TypeError);
  }
  for (const wrong of [undefined, null, {}, 1, sandbox.engine]) {
    assertThrows(() => new Memory(wrong as never, { minimum: 1 }), TypeError, "Store");
  }
});

Deno.test("instances share an imported memory, and all see it grow", () => {
  using sandbox = new Sandbox();
  const memory = new Memory(sandbox.store, { minimum: 1, maximum: 10 });
  const text = `(module (import "m" "memory" (memory 1))
    (func (export "grow") (result i32) (memory.grow (i32.const 1)))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (export "memory" (memory 0)))`;
  const [a, b] = [1, 2].map(() => sandbox.instance(text, { m: { memory } }).exports);
  assertStrictEquals(a.memory, memory);
  a.store(9, 200);
  assertEquals([b.load(9), memory.view[9]], [200, 200]);
  assertThrows(() => b.load(65536), Trap);
  assertEquals(a.grow(), 1);
  assertEquals(b.load(65536), 0);
  b.store(131071, 1);
  assertEquals(memory.view[131071], 1);
});

Deno.test("bulk operations check the whole range first, and copy overlapping ranges right", () => {
  using sandbox = new Sandbox();
  const { copy, fill, init, drop, memory } = sandbox.instance(`(module (memory (export "memory") 1)
    (data $d "hello")
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
    (func (export "drop") (data.drop $d)))`).exports;
  init(0, 0, 5);
  copy(2, 0, 5);
  assertEquals(memory.readString(0, 7), "hehello");
  copy(0, 2, 5);
  assertEquals(memory.readString(0, 7), "hellolo");
  fill(1, 0x141, 2);
  assertEquals(memory.readString(0, 7), "hAAlolo");
  fill(65536, 1, 0);
  assertThrows(() => fill(65530, 1, 7), Trap);
  assertThrows(() => copy(65530, 0, 7), Trap);
  assertThrows(() => copy(0, -1, 2), Trap);
  assertEquals(memory.view.subarray(65530).every((byte: number) => byte === 0), true);
  drop();
  init(0, 0, 0);
  assertThrows(() => init(0, 0, 1), Trap);
});

Deno.test("hundreds of memories live at once", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(`(module (memory (export "memory") 1)
    (func (export "set") (param i32) (i32.store (i32.const 0) (local.get 0)))
    (func (export "get") (result i32) (i32.load (i32.const 0))))`);
  const instances = Array.from({ length: 300 }, () => new Instance(sandbox.store, module));
  instances.forEach(({ exports }, i) => exports.set(i));
  instances.forEach(({ exports }, i) => assertEquals(exports.get(), i));
});
