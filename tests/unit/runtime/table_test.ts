/** The contracts of SEEDS 003 that tables without collectors and continuations have. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { NONE } from "../../../lib/base/mod.ts";
import {
  createHostFunc,
  createTable,
  MAXIMUM_TABLE_ELEMENTS,
  type StoreState,
  type TableImage,
  TableState,
} from "../../../lib/runtime/mod.ts";
import { EXTERNREF, FUNCREF } from "../../../lib/wasm/mod.ts";
import { makeStore } from "./stores.ts";

function funcs(store: StoreState, count: number): number[] {
  const type = store.engine.registry.internFuncType([], []);
  const host = { fn: () => {}, makeCaller: undefined };
  return Array.from({ length: count }, () => createHostFunc(store, type, host).referenceAddress());
}

function imagedTable(store: StoreState, image: readonly number[], minimum: number): [TableState, number[], number[]] {
  const addresses = funcs(store, 8);
  const asked: number[] = [];
  const tableImage: TableImage = {
    funcs: Int32Array.from(image),
    instance: {
      functionAddress: (index) => {
        asked.push(index);
        return addresses[index];
      },
    },
  };
  const type = { element: FUNCREF, minimum, maximum: undefined, addressType: "i32" as const };
  return [new TableState(store, type, store.blocks.allocate(16), 0, tableImage), addresses, asked];
}

/** What growing gives a guest: the size before, or -1. */
function grown(table: TableState, delta: number, init: number): number {
  const before = table.grow(delta, init);
  return typeof before === "number" ? before : -1;
}

Deno.test("TableState is all null when it is new (3.11)", () => {
  using store = makeStore();
  const func = createTable(store, { element: FUNCREF, minimum: 3, maximum: undefined, addressType: "i32" });
  const extern = createTable(store, { element: EXTERNREF, minimum: 3, maximum: undefined, addressType: "i32" });
  assertEquals([func.elementType, extern.elementType], ["func", "gcref"]);
  assertEquals([func.size, func.get(0), extern.get(2)], [3, 0, 0]);
});

Deno.test("TableState.setFunc() stores the tagged form, and machine code's view is {base, size} (3.3, 3.36)", () => {
  using store = makeStore();
  const [address] = funcs(store, 1);
  const block = store.blocks.allocate(16);
  const table = new TableState(
    store,
    { element: FUNCREF, minimum: 5, maximum: undefined, addressType: "i32" },
    block,
    0,
  );
  assertEquals(block.getAddress(8), 5);
  table.setFunc(2, address);
  table.setFunc(3, 0);
  // The table is small, so it lies in the store's first slab, as the definition does.
  const at = block.getAddress(0) - block.address;
  assertEquals(block.getAddress(at + 16), address + 1);
  assertEquals(block.getAddress(at + 24), 1);
  assertEquals(block.getAddress(at), 0);
  assertEquals([table.getFunc(2), table.getFunc(3)], [address, 0]);
});

Deno.test("TableState.getFunc() initialises an element from the image when it is first read (3.27, 3.28)", () => {
  using store = makeStore();
  const [table, addresses, asked] = imagedTable(store, [NONE, 4, 2], 5);
  assertEquals(table.getFuncMaybeInit(1), "uninitialized");
  assertEquals(asked, []);
  assertEquals(table.getFunc(1), addresses[4]);
  assertEquals(table.getFuncMaybeInit(1), addresses[4]);
  assertEquals([table.getFunc(0), table.getFunc(3)], [0, 0]);
  assertEquals(table.getFunc(1), addresses[4]);
  assertEquals(asked, [4]);
});

Deno.test("TableState.setFunc() of null stays null over an image", () => {
  using store = makeStore();
  const [table, , asked] = imagedTable(store, [1, 2], 2);
  table.setFunc(0, 0);
  assertEquals(table.getFunc(0), 0);
  assertEquals(asked, []);
});

Deno.test("TableState.grow() keeps elements, fills the rest, and refuses beyond the maximum (3.24)", () => {
  using store = makeStore();
  const [table, addresses] = imagedTable(store, [3, 1], 2);
  assertEquals(grown(table, 0, addresses[0]), 2);
  assertEquals(grown(table, 100, addresses[0]), 2);
  assertEquals(table.size, 102);
  assertEquals([table.getFunc(0), table.getFunc(1)], [addresses[3], addresses[1]]);
  assertEquals([table.getFunc(2), table.getFunc(101)], [addresses[0], addresses[0]]);
  assertEquals(grown(table, 3, 0), 102);
  assertEquals(table.getFunc(104), 0);

  const bounded = createTable(store, { element: EXTERNREF, minimum: 1, maximum: 3, addressType: "i32" });
  assertEquals(grown(bounded, 2, 7), 1);
  assertEquals(grown(bounded, 1, 7), -1);
  assertEquals(grown(bounded, 2 ** 32, 7), -1);
  assertEquals(bounded.size, 3);
  assertEquals([bounded.get(0), bounded.get(2)], [0, 7]);
});

Deno.test("TableState.grow() by 0 moves nothing (TABLE-C, 3.26)", () => {
  using store = makeStore();
  const block = store.blocks.allocate(16);
  const table = new TableState(store, { element: FUNCREF, minimum: 4, maximum: 4, addressType: "i32" }, block, 0);
  const base = block.getAddress(0);
  assertEquals(grown(table, 0, 0), 4);
  assertEquals(grown(table, 1, 0), -1);
  assertEquals(block.getAddress(0), base);
});

Deno.test("TableState refuses sizes that no engine has (3.13, 3.14)", () => {
  using store = makeStore();
  const type = {
    element: FUNCREF,
    minimum: MAXIMUM_TABLE_ELEMENTS + 1,
    maximum: undefined,
    addressType: "i32" as const,
  };
  assertThrows(() => createTable(store, type), RangeError);
  const table = createTable(store, { element: FUNCREF, minimum: 0, maximum: 0xffff_ffff, addressType: "i32" });
  assertEquals(grown(table, MAXIMUM_TABLE_ELEMENTS + 1, 0), -1);
});

Deno.test("TableState.fill() writes exactly the range (3.17, 3.18)", () => {
  using store = makeStore();
  const [address] = funcs(store, 1);
  const func = createTable(store, { element: FUNCREF, minimum: 5, maximum: undefined, addressType: "i32" });
  func.fill(1, address, 3);
  assertEquals([0, 1, 2, 3, 4].map((i) => func.getFunc(i)), [0, address, address, address, 0]);
  const extern = createTable(store, { element: EXTERNREF, minimum: 4, maximum: undefined, addressType: "i32" });
  extern.fill(2, 9, 2);
  assertEquals([0, 1, 2, 3].map((i) => extern.getGcRef(i)), [0, 0, 9, 9]);
});

Deno.test("TableState.contains() checks whole ranges, also absurd ones (3.20, 3.35)", () => {
  using store = makeStore();
  const table = createTable(store, { element: EXTERNREF, minimum: 4, maximum: undefined, addressType: "i32" });
  assert(table.contains(4, 0));
  assert(table.contains(0, 4));
  assert(!table.contains(5, 0));
  assert(!table.contains(1, 4));
  assert(!table.contains(2 ** 63, 2 ** 63));
  assert(!table.contains(0, 2 ** 64));
});

Deno.test("TableState.copyFrom() is safe for overlap in both directions (3.34, 3.38)", () => {
  using store = makeStore();
  for (
    const [to, from, expected] of [[1, 0, [1, 1, 2, 3, 5]], [0, 1, [2, 3, 4, 4, 5]], [2, 2, [1, 2, 3, 4, 5]]] as const
  ) {
    const table = createTable(store, { element: EXTERNREF, minimum: 5, maximum: undefined, addressType: "i32" });
    [1, 2, 3, 4, 5].forEach((value, i) => table.set(i, value));
    table.copyFrom(table, to, from, 3);
    assertEquals([0, 1, 2, 3, 4].map((i) => table.get(i)), [...expected]);
  }
});

Deno.test("TableState.copyFrom() resolves elements of the source's image first (TABLE-A)", () => {
  using store = makeStore();
  const [source, addresses] = imagedTable(store, [5, NONE, 6], 4);
  const [target] = imagedTable(store, [1, 1, 1, 1], 4);
  target.copyFrom(source, 0, 0, 4);
  assertEquals([0, 1, 2, 3].map((i) => target.getFunc(i)), [addresses[5], 0, addresses[6], 0]);
  source.copyFrom(source, 1, 0, 3);
  assertEquals([0, 1, 2, 3].map((i) => source.getFunc(i)), [addresses[5], addresses[5], 0, addresses[6]]);
  const plain = createTable(store, { element: FUNCREF, minimum: 2, maximum: undefined, addressType: "i32" });
  target.copyFrom(plain, 0, 0, 2);
  assertEquals(target.getFunc(0), 0);
});
