/** Document 003: tables, row by row. */

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FEATURES, Instance, Table, Trap } from "../../mod.ts";
import {
  FUNC_ELEMENT_TAG,
  funcElement,
  funcOfElement,
  NOMINAL_TABLE_ELEMENT_BYTES,
  TABLE_ELEMENT_BYTES,
  tableElementTypeOf,
  type TableMode,
} from "../../lib/abi/mod.ts";
import { NONE } from "../../lib/base/mod.ts";
import { tableOf } from "../../lib/engine/table.ts";
import {
  answerNow,
  askAboutTable,
  createTable,
  emptyTable,
  type EngineOptions,
  EngineState,
  MAXIMUM_TABLE_ELEMENTS,
  refusedTable,
  type ResourceLimiter,
  StoreState,
  TableState,
  type TableType,
} from "../../lib/runtime/mod.ts";
import {
  EXNREF,
  EXTERNREF,
  FUNCREF,
  HEAP_ANY,
  HEAP_CONT,
  HEAP_NOCONT,
  HEAP_NOEXN,
  HEAP_NOFUNC,
  HEAP_STRUCT,
  refType,
  type ValType,
} from "../../lib/wasm/mod.ts";
import { Sandbox } from "../embed/sandbox.ts";
import { compile } from "../unit/runtime/stores.ts";

const CONTREF = refType(HEAP_CONT);
const THUNKS = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0);
const POOL = { tables: 4, elements: 16 };

/** A store in an engine with options, closed with the test. */
function makeStore(options: Partial<EngineOptions> = {}, limiter?: ResourceLimiter): StoreState & Disposable {
  const engine = new EngineState({ bounds: "guard", ...options }, () => compile(THUNKS).compiled);
  const store = new StoreState(engine);
  store.limiter = limiter;
  return Object.assign(store, {
    [Symbol.dispose]: () => {
      store.close();
      engine.close();
    },
  });
}

function typeOf(element: ValType, minimum: number, maximum?: number, addressType: "i32" | "i64" = "i32"): TableType {
  return { element, minimum, maximum, addressType };
}

/** A table whose definition record the test can read: base at 0, size at 8. */
function visibleTable(store: StoreState, type: TableType, image?: readonly number[]) {
  const block = store.blocks.allocate(16);
  const funcs = image && Int32Array.from(image);
  const asked: number[] = [];
  const functionAddress = (index: number) => (asked.push(index), 0x1000 + 16 * index);
  if (!answerNow(askAboutTable(store, type))) throw refusedTable(type);
  const table = new TableState(store, type, block, 0, funcs && { funcs, instance: { functionAddress } });
  return { table, block, asked };
}

/** What growing gives a guest: the size before, or -1. */
function grown(table: TableState, delta: number, init: number): number {
  const before = table.grow(delta, init);
  return typeof before === "number" ? before : -1;
}

/** Words of the table's memory, as compiled code sees them. */
function wordsOf(table: TableState): Int32Array {
  let words: Int32Array | undefined;
  if (table.elementType === "gcref") table.visitRoots({ visit: () => {}, visitRange: (all) => words = all });
  else table.visitRoots({ visit: (all) => words = all, visitRange: (all) => words = all });
  return words!;
}

/** The elements as bits. */
function elements(table: TableState): number[] {
  return Array.from({ length: table.size }, (_, i) => table.get(i));
}

/** Gives the store's collector a write barrier that records. */
function recordBarriers(store: StoreState): [number, number][] {
  const barriers: [number, number][] = [];
  Object.defineProperty(store.gc.collector, "hasRootBarriers", { value: true });
  Object.defineProperty(store.gc.collector, "rootBarrier", {
    value: (old: number, value: number) => barriers.push([old, value]),
  });
  return barriers;
}

const CONTS = `(module
  (type $f (func)) (type $c (cont $f))
  (table $t (export "t") 4 8 (ref null $c))
  (func $g) (elem declare func $g)
  (func (export "put") (param i32) (table.set $t (local.get 0) (cont.new $c (ref.func $g))))
  (func (export "isNull") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
  (func (export "run") (param i32) (resume $c (table.get $t (local.get 0))))
  (func (export "fill") (param i32 i32) (table.fill $t (local.get 0) (cont.new $c (ref.func $g)) (local.get 1)))
  (func (export "copy") (param i32 i32 i32) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "grow") (param i32) (result i32) (table.grow $t (cont.new $c (ref.func $g)) (local.get 0))))`;
const WITH_CONTS = { features: FEATURES.map(([name]) => name) };

Deno.test("003/3.1 elements are functions, references or continuations", () => {
  using store = makeStore();
  const kinds = [FUNCREF, EXTERNREF, CONTREF].map((element) => createTable(store, typeOf(element, 1)).elementType);
  assertEquals(kinds, ["func", "gcref", "cont"]);
});

Deno.test("003/3.2 elements take 8, 4 and 16 bytes", () => {
  assertEquals(TABLE_ELEMENT_BYTES, { func: 8, gcref: 4, cont: 16 });
  using store = makeStore();
  const table = createTable(store, typeOf(CONTREF, 3));
  table.setCont(2, 24);
  assertEquals(wordsOf(table)[8], 24);
});

Deno.test("003/3.3 a tagged element is 0 uninitialised, 1 null, address + 1; an untagged one 0 null, or the address", () => {
  for (const [tables, expected] of [["lazy", [0, 1, 0x1031]], ["eager", [0, 0, 0x1030]]] as const) {
    using store = makeStore({ tables });
    const { table, block } = visibleTable(store, typeOf(FUNCREF, 3));
    table.setFunc(1, 0);
    table.setFunc(2, 0x1030);
    const at = block.getAddress(0) - block.address;
    assertEquals([0, 8, 16].map((offset) => block.getAddress(at + offset)), [...expected]);
  }
});

Deno.test("003/3.4 encoding and decoding are inverse in both modes of an engine", () => {
  for (const mode of ["lazy", "eager"] as const satisfies TableMode[]) {
    for (const address of [0, 16, 0x7fff_ffff_fff0]) {
      assertEquals(funcOfElement(funcElement(address, mode), mode), address);
    }
  }
  assertEquals([funcOfElement(0, "lazy"), funcOfElement(0, "eager")], [undefined, 0]);
  assertEquals(FUNC_ELEMENT_TAG, { lazy: 1, eager: 0 });
});

Deno.test("003/3.5 what lies in a table is a tagged address, or a continuation's reference and zeroes", () => {
  using store = makeStore();
  const table = createTable(store, typeOf(CONTREF, 2));
  table.setCont(0, -8);
  table.setCont(1, 40);
  assertEquals([...wordsOf(table)], [-8, 0, 0, 0, 40, 0, 0, 0]);
});

Deno.test("003/3.6 a pool's slot has room for its elements of functions and references, and half of continuations", () => {
  assertEquals(NOMINAL_TABLE_ELEMENT_BYTES, Math.max(TABLE_ELEMENT_BYTES.func, TABLE_ELEMENT_BYTES.gcref));
  using store = makeStore({ tablePool: POOL });
  const maxima = [FUNCREF, EXTERNREF, CONTREF].map((element) => createTable(store, typeOf(element, 0)).maximum);
  assertEquals(maxima, [16, 32, 8]);
});

Deno.test("003/3.7 a static table keeps its storage while it grows, and gives it back zeroed", () => {
  const engine = new EngineState({ bounds: "guard", tablePool: POOL }, () => compile(THUNKS).compiled);
  const seen: number[] = [];
  for (let round = 0; round < 3; round++) {
    const store = new StoreState(engine);
    for (const element of [FUNCREF, EXTERNREF, CONTREF]) {
      const { table, block } = visibleTable(store, typeOf(element, 2));
      const base = block.getAddress(0);
      if (element === FUNCREF) assertEquals(table.getFuncMaybeInit(1), "uninitialized");
      assertEquals(elements(table), [0, 0]);
      assertEquals([grown(table, 6, 0x1230), block.getAddress(0), table.get(7)], [2, base, 0x1230]);
      seen.push(base);
    }
    store.close();
  }
  assertEquals(new Set(seen).size, 3);
  assertEquals(engine.tablePool!.used, 0);
  engine.close();
});

Deno.test("003/3.8 a dynamic table moves and keeps its elements", () => {
  using store = makeStore();
  for (const element of [FUNCREF, EXTERNREF, CONTREF]) {
    const { table, block } = visibleTable(store, typeOf(element, 2, 50_000));
    table.set(1, 0x100);
    const base = block.getAddress(0);
    assertEquals(grown(table, 40_000, 0), 2);
    assert(block.getAddress(0) !== base);
    assertEquals([table.get(1), table.get(40_001), table.isStatic], [0x100, 0, false]);
  }
});

Deno.test("003/3.9 one handle serves static and dynamic tables of each kind of element", () => {
  for (const options of [{}, { tablePool: POOL }]) {
    using store = makeStore(options);
    for (const element of [FUNCREF, EXTERNREF, CONTREF]) {
      const table = createTable(store, typeOf(element, 4));
      table.set(0, 32);
      table.fill(1, 48, 2);
      assertEquals(elements(table), [32, 48, 48, 0]);
      assertEquals(table.isStatic, "tablePool" in options);
    }
  }
});

Deno.test("003/3.10 the top of an element's type says how it is stored", () => {
  const types = [{ kind: "func" }, { kind: "struct" }, { kind: "cont" }];
  const stored = (type: ValType) => tableElementTypeOf(type, types);
  assertEquals([FUNCREF, EXTERNREF, EXNREF, CONTREF].map(stored), ["func", "gcref", "gcref", "cont"]);
  const heaps = [HEAP_NOFUNC, HEAP_ANY, HEAP_STRUCT, HEAP_NOEXN, HEAP_NOCONT, 0, 1, 2];
  assertEquals(
    heaps.map((heap) => stored(refType(heap as never))),
    ["func", "gcref", "gcref", "gcref", "cont", "func", "gcref", "cont"],
  );
});

Deno.test("003/3.11 a new table is all null, and memory that the system refuses is an error", () => {
  using store = makeStore();
  for (const element of [FUNCREF, EXTERNREF, CONTREF]) {
    const table = createTable(store, typeOf(element, 20_000));
    assertEquals(new Set(elements(table)), new Set([0]));
  }
  const { blocks } = store;
  Object.defineProperty(blocks, "allocate", {
    value: () => {
      throw new RangeError("no memory");
    },
  });
  assertThrows(() => new TableState(store, typeOf(FUNCREF, 5), {} as never, 0), RangeError, "no memory");
});

Deno.test("003/3.12 a new dynamic table asks the limiter first, and is lazy as its engine says", () => {
  const asked: number[][] = [];
  using store = makeStore({ tables: "eager" }, {
    tableGrowing: (...sizes) => (asked.push(sizes), sizes[1] < 10),
  });
  const { table, asked: functions } = visibleTable(store, typeOf(FUNCREF, 3, 7), [2, NONE]);
  assertEquals([asked, functions, elements(table)], [[[0, 3, 7]], [2], [0x1020, 0, 0]]);
  const { table: lazy, asked: later } = (() => {
    using other = makeStore();
    return visibleTable(other, typeOf(FUNCREF, 3, 7), [2, NONE]);
  })();
  assertEquals([later, lazy.size], [[], 3]);
  assertThrows(() => createTable(store, typeOf(FUNCREF, 10)), RangeError, "limiter");
});

Deno.test("003/3.13 a static table starts at a page, has a slot's capacity at most, and too large a minimum is an error", () => {
  using store = makeStore({ tablePool: POOL });
  const { table, block } = visibleTable(store, typeOf(FUNCREF, 16));
  assertEquals([block.getAddress(0) % 4096, table.maximum], [0, 16]);
  assertEquals(createTable(store, typeOf(FUNCREF, 1, 3)).maximum, 3);
  assertThrows(() => createTable(store, typeOf(FUNCREF, 17)), RangeError, "at most 16");
  createTable(store, typeOf(FUNCREF, 1));
  createTable(store, typeOf(FUNCREF, 1));
  assertThrows(() => createTable(store, typeOf(FUNCREF, 1)), RangeError, "in use");
});

Deno.test("003/3.14 the limiter sees a minimum that nothing could have, and the index type's maximum", () => {
  const asked: number[][] = [];
  using store = makeStore({}, { tableGrowing: (...sizes) => (asked.push(sizes), true) });
  assertThrows(() => createTable(store, typeOf(FUNCREF, 2 ** 60, undefined, "i64")), RangeError);
  createTable(store, typeOf(FUNCREF, 1));
  assertEquals(asked, [[0, 2 ** 60, 2 ** 64], [0, 1, 2 ** 32 - 1]]);
});

Deno.test("003/3.15a a table says what its elements are stored as", () => {
  using sandbox = new Sandbox({ ...WITH_CONTS });
  const { t } = sandbox.instance(CONTS).exports;
  assertEquals(tableOf(t)!.elementType, "cont");
});

Deno.test("003/3.15b a table says whether it is a pool's", () => {
  for (const config of [{}, { tablePool: POOL }]) {
    using sandbox = new Sandbox(config);
    assertEquals(new Table(sandbox.store, { element: "funcref", minimum: 1 }).isStatic, "tablePool" in config);
  }
});

Deno.test("003/3.15c a table's size is its current one", () => {
  using store = makeStore();
  const table = createTable(store, typeOf(EXTERNREF, 3));
  assertEquals([table.size, grown(table, 4, 0), table.size], [3, 3, 7]);
});

Deno.test("003/3.16 a maximum may be tighter than the type's", () => {
  using store = makeStore({ tablePool: POOL });
  assertEquals([undefined, 5, 100].map((maximum) => createTable(store, typeOf(FUNCREF, 0, maximum)).maximum), [
    16,
    5,
    16,
  ]);
  using dynamic = makeStore();
  assertEquals(createTable(dynamic, typeOf(FUNCREF, 0, 2 ** 32 - 1)).maximum, MAXIMUM_TABLE_ELEMENTS);
});

Deno.test("003/3.17 filling with functions traps outside of the table, and stores the tagged form", () => {
  using sandbox = new Sandbox();
  const { fill, t, f } = sandbox.instance(`(module (table $t (export "t") 4 funcref)
    (func $f (export "f")) (elem declare func $f)
    (func (export "fill") (param i32 i32) (table.fill $t (local.get 0) (ref.func $f) (local.get 1))))`).exports;
  assertThrows(() => fill(2, 3), Trap, "out of bounds");
  assertEquals(t.get(2), null);
  fill(2, 2);
  assertStrictEquals(t.get(3), f);
  assertEquals(t.get(1), null);
});

Deno.test("003/3.18 filling with references runs the write barrier for each element", () => {
  using store = makeStore();
  const table = createTable(store, typeOf(EXTERNREF, 4));
  table.fill(0, 7, 2); // i31: no heap is needed
  const barriers = recordBarriers(store);
  table.fill(1, 9, 2);
  assertEquals([barriers, elements(table)], [[[7, 9], [0, 9]], [7, 9, 9, 0]]);
});

Deno.test("003/3.19 filling with a continuation copies it to each element", () => {
  using sandbox = new Sandbox({ ...WITH_CONTS });
  const { fill, isNull, run } = sandbox.instance(CONTS).exports;
  fill(1, 2);
  assertEquals([0, 1, 2, 3].map((i) => isNull(i)), [1, 0, 0, 1]);
  run(1);
  assertThrows(() => run(2), Trap); // the same one, consumed
});

Deno.test("003/3.20 the range of a fill is checked without overflow", () => {
  using sandbox = new Sandbox();
  const { fill } = sandbox.instance(`(module (table $t i64 4 funcref)
    (func (export "fill") (param i64 i64) (table.fill $t (local.get 0) (ref.null func) (local.get 1))))`).exports;
  fill(4n, 0n);
  fill(0n, 4n);
  for (const [start, length] of [[-1n, 1n], [1n, -1n], [-1n, 2n], [5n, 0n], [2n ** 63n, 2n ** 63n]]) {
    assertThrows(() => fill(start, length), Trap, "out of bounds");
  }
});

Deno.test("003/3.21 growing a function table gives the old size, and the guest sees the new one at once", () => {
  for (const tables of ["lazy", "eager"] as const) {
    using sandbox = new Sandbox({ tables });
    const { grow } = sandbox.instance(`(module (table $t 1 9000 funcref) (type $v (func (result i32)))
      (func $f (type $v) (i32.const 7)) (elem declare func $f)
      (func (export "grow") (param i32) (result i32 i32 i32)
        (table.grow $t (ref.func $f) (local.get 0)) (table.size $t)
        (call_indirect $t (type $v) (local.get 0))))`).exports;
    assertEquals(grow(8500), [1, 8501, 7]);
    assertEquals(
      sandbox.instance(`(module (table $t 1 2 funcref) (func (export "grow") (result i32)
      (table.grow $t (ref.null func) (i32.const 2))))`).exports.grow(),
      -1,
    );
  }
});

Deno.test("003/3.22 growing a table of references fills with barriers", () => {
  using store = makeStore();
  const table = createTable(store, typeOf(EXTERNREF, 1, 5));
  const barriers = recordBarriers(store);
  assertEquals([grown(table, 2, 9), barriers, elements(table)], [1, [[0, 9], [0, 9]], [0, 9, 9]]);
  assertEquals(grown(table, 3, 9), -1);
});

Deno.test("003/3.23 a table of continuations grows", () => {
  using sandbox = new Sandbox({ ...WITH_CONTS });
  const { grow, put, run, isNull, t } = sandbox.instance(CONTS).exports;
  put(1);
  assertEquals([grow(2), t.size, isNull(5), isNull(0), grow(3)], [4, 6, 0, 1, -1]);
  run(1);
  run(4);
});

Deno.test("003/3.24 growing asks the limiter, then looks at the maximum, and tells of failure", () => {
  const log: string[] = [];
  let answer: "yes" | "no" | "throw" = "yes";
  using store = makeStore({}, {
    tableGrowing: (current, desired, maximum) => {
      log.push(`${current} ${desired} ${maximum}`);
      if (answer === "throw") throw new Error("limit");
      return answer === "yes";
    },
    tableGrowFailed: (reason) => log.push(reason.message),
  });
  const table = createTable(store, typeOf(EXTERNREF, 1, 4));
  log.length = 0;
  assertEquals([grown(table, 0, 0), log], [1, []]);
  assertEquals([grown(table, 2, 5), log.splice(0)], [1, ["1 3 4"]]);
  answer = "no";
  assertEquals([grown(table, 1, 5), log.splice(0)], [-1, ["3 4 4"]]);
  answer = "throw";
  assertThrows(() => grown(table, 1, 5), Error, "limit");
  log.length = 0;
  answer = "yes";
  assertEquals(grown(table, 2, 5), -1);
  assertEquals(log.splice(0), ["3 5 4", "A table of at most 4 elements cannot have 5"]);
  assertEquals([grown(table, 2 ** 64, 5), log.length, table.size], [-1, 1, 3]);
});

Deno.test("003/3.25 slots beyond a static table's size are null when it grows", () => {
  using store = makeStore({ tablePool: POOL });
  const table = createTable(store, typeOf(EXTERNREF, 2));
  assertEquals([grown(table, 5, 0), elements(table)], [2, [0, 0, 0, 0, 0, 0, 0]]);
  assert(wordsOf(table).subarray(table.size).every((word) => word === 0));
});

Deno.test("003/3.26 a table whose limits are equal never moves", () => {
  using store = makeStore();
  const { table, block } = visibleTable(store, typeOf(FUNCREF, 4, 4));
  const base = block.getAddress(0);
  assertEquals([grown(table, 0, 0), grown(table, 1, 0), block.getAddress(0)], [4, -1, base]);
});

Deno.test("003/3.27 reading a function initialises it", () => {
  using store = makeStore();
  const { table, asked } = visibleTable(store, typeOf(FUNCREF, 3), [NONE, 5]);
  assertEquals([table.getFunc(1), table.getFuncMaybeInit(1), table.getFunc(1), asked], [0x1050, 0x1050, 0x1050, [5]]);
  assertEquals([table.getFunc(0), table.getFuncMaybeInit(0)], [0, 0]);
});

Deno.test("003/3.28 an element that is not initialised shows as that", () => {
  using store = makeStore();
  const { table, asked } = visibleTable(store, typeOf(FUNCREF, 2), [5]);
  assertEquals([table.getFuncMaybeInit(0), asked], ["uninitialized", []]);
  using eager = makeStore({ tables: "eager" });
  assertEquals(visibleTable(eager, typeOf(FUNCREF, 2), [5]).table.getFuncMaybeInit(0), 0x1050);
});

Deno.test("003/3.29 reading a reference outside of the table traps, and null is null", () => {
  using sandbox = new Sandbox();
  const { get, t } = sandbox.instance(`(module (table $t (export "t") 2 externref)
    (func (export "get") (param i32) (result externref) (table.get $t (local.get 0))))`).exports;
  t.set(1, "x");
  assertEquals([get(0), get(1)], [null, "x"]);
  for (const index of [2, -1]) assertThrows(() => get(index), Trap, "out of bounds");
  assertThrows(() => t.get(2), RangeError);
});

Deno.test("003/3.30 reading a continuation copies it", () => {
  using sandbox = new Sandbox({ ...WITH_CONTS });
  const { put, isNull, run, copy } = sandbox.instance(CONTS).exports;
  put(3);
  copy(0, 3, 1);
  assertEquals([isNull(0), isNull(2), isNull(3)], [0, 1, 0]);
  run(0);
  assertThrows(() => isNull(4), Trap, "out of bounds");
});

Deno.test("003/3.31 a function is stored with its engine's tag, whoever stores it", () => {
  for (const tables of ["lazy", "eager"] as const) {
    using sandbox = new Sandbox({ tables });
    const { t, set, call, f } =
      sandbox.instance(`(module (type $v (func (result i32))) (table $t (export "t") 3 funcref)
      (func $f (export "f") (type $v) (i32.const 9))
      (func (export "set") (param i32 funcref) (table.set $t (local.get 0) (local.get 1)))
      (func (export "call") (param i32) (result i32) (call_indirect $t (type $v) (local.get 0))))`).exports;
    t.set(0, f);
    set(1, f);
    assertEquals([call(0), call(1), t.get(1) === f], [9, 9, true]);
    set(0, null);
    assertThrows(() => call(0), Trap);
    assertThrows(() => call(2), Trap);
    assertEquals(t.get(2), null);
  }
});

Deno.test("003/3.32 storing a reference runs the write barrier, and needs no heap without one; continuations are stored too", () => {
  using store = makeStore();
  const table = createTable(store, typeOf(EXTERNREF, 2));
  table.setGcRef(0, 3);
  assertEquals([table.getGcRef(0), store.gc.isReserved], [3, false]);
  const conts = createTable(store, typeOf(CONTREF, 2));
  conts.setCont(1, 16);
  const barriers = recordBarriers(store);
  table.setGcRef(0, 0);
  conts.setCont(1, 8);
  assertEquals([barriers, conts.getCont(1)], [[[3, 0], [16, 8]], 8]);
  // From JavaScript, by the table's own object.
  using sandbox = new Sandbox({ ...WITH_CONTS });
  const { t, put, run, isNull } = sandbox.instance(CONTS).exports;
  put(0);
  const continuation = t.get(0);
  t.set(3, continuation);
  t.set(0, null);
  sandbox.store.gc();
  assertEquals([isNull(0), isNull(3), t.get(3) === continuation], [1, 0, true]);
  run(3);
  assertEquals(continuation.isConsumed, true);
  assertThrows(() => t.set(3, 5), TypeError);
});

Deno.test("003/3.33 elements are copied between tables of one kind", () => {
  using store = makeStore();
  for (const element of [FUNCREF, EXTERNREF, CONTREF]) {
    const [to, from] = [createTable(store, typeOf(element, 4)), createTable(store, typeOf(element, 3))];
    [16, 32, 48].forEach((bits, i) => from.set(i, bits));
    to.copyFrom(from, 1, 0, 3);
    assertEquals(elements(to), [0, 16, 32, 48]);
  }
  const funcs = createTable(store, typeOf(FUNCREF, 1));
  assertThrows(() => funcs.copyFrom(createTable(store, typeOf(EXTERNREF, 1)), 0, 0, 1), Error, "different kinds");
});

Deno.test("003/3.34 copying within a table is safe for overlap in both directions, and does nothing in place", () => {
  using store = makeStore();
  for (const element of [FUNCREF, EXTERNREF, CONTREF]) {
    for (
      const [to, from, expected] of [[1, 0, [16, 16, 32, 48]], [0, 1, [32, 48, 64, 64]], [1, 1, [
        16,
        32,
        48,
        64,
      ]]] as const
    ) {
      const table = createTable(store, typeOf(element, 4));
      [16, 32, 48, 64].forEach((bits, i) => table.set(i, bits));
      table.copyFrom(table, to, from, 3);
      assertEquals(elements(table), [...expected]);
    }
  }
});

Deno.test("003/3.35 both ranges of a copy are checked before an element moves", () => {
  using sandbox = new Sandbox();
  const { t, copy } = sandbox.instance(`(module (table $t (export "t") i64 4 externref)
    (func (export "copy") (param i64 i64 i64) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2))))`).exports;
  t.set(0n, "a");
  for (const [to, from, length] of [[3n, 0n, 2n], [0n, 3n, 2n], [-1n, 0n, 2n], [0n, 1n, -1n], [5n, 0n, 0n]]) {
    assertThrows(() => copy(to, from, length), Trap, "out of bounds");
  }
  assertEquals(t.get(3n), null);
  copy(3n, 0n, 1n);
  assertEquals(t.get(3n), "a");
});

Deno.test("003/3.36 compiled code's view is base and number of elements, also after growing", () => {
  using store = makeStore();
  const { table, block } = visibleTable(store, typeOf(EXTERNREF, 3));
  assertEquals([table.definitionAddress, block.getAddress(8)], [block.address, 3]);
  table.set(2, 5);
  assertEquals(block.getI32(block.getAddress(0) - block.address + 8), 5);
  const before = block.getAddress(0);
  grown(table, 30_000, 0);
  assertEquals([block.getAddress(8), block.getAddress(0) !== before], [30_003, true]);
});

Deno.test("003/3.37a elements of a function table are 8 bytes that no collector sees", () => {
  using store = makeStore();
  const table = createTable(store, typeOf(FUNCREF, 2));
  table.setFunc(1, 0x7ff0_1234_5670);
  assertEquals([table.getFunc(1), table.getFunc(0), store.rootSources.has(table)], [0x7ff0_1234_5670, 0, false]);
});

Deno.test("003/3.37b a table of references shows its elements to the collector, who may move them", () => {
  using store = makeStore();
  const table = createTable(store, typeOf(EXTERNREF, 2));
  table.setGcRef(1, 8);
  assert(store.rootSources.has(table));
  table.visitRoots({
    visit: () => {},
    visitRange: (words, start, end) => assertEquals([words[end - 1] = 16, start, end], [16, 0, 2]),
  });
  assertEquals(table.getGcRef(1), 16);
});

Deno.test("003/3.37c a table of continuations shows one reference an element to the collector", () => {
  using store = makeStore();
  const table = createTable(store, typeOf(CONTREF, 3));
  const seen: number[] = [];
  table.visitRoots({
    visit: (words, index) => (seen.push(index), words[index] = 8 * index),
    visitRange: () => assert(false),
  });
  assertEquals([seen, elements(table), store.rootSources.has(table)], [[0, 4, 8], [0, 32, 64], true]);
});

Deno.test("003/3.38a distinct tables are copied with barriers one by one, functions with their tags", () => {
  using store = makeStore();
  const [to, from] = [createTable(store, typeOf(EXTERNREF, 2)), createTable(store, typeOf(EXTERNREF, 2))];
  [3, 5].forEach((bits, i) => from.set(i, bits));
  const barriers = recordBarriers(store);
  to.copyFrom(from, 0, 0, 2);
  assertEquals([barriers.toSorted(), elements(to)], [[[0, 3], [0, 5]], [3, 5]]);
  const { table: lazy } = visibleTable(store, typeOf(FUNCREF, 2), [6, NONE]);
  const { table: other } = visibleTable(store, typeOf(FUNCREF, 2), [1, 1]);
  other.copyFrom(lazy, 0, 0, 2);
  assertEquals(elements(other), [0x1060, 0]);
});

Deno.test("003/3.38b copying within a table runs barriers in the direction that loses nothing", () => {
  for (
    const [to, from, barriers, expected] of [
      [1, 0, [[5, 3], [3, 1]], [1, 1, 3]],
      [0, 1, [[1, 3], [3, 5]], [3, 5, 5]],
    ] as const
  ) {
    using store = makeStore();
    const table = createTable(store, typeOf(EXTERNREF, 3));
    [1, 3, 5].forEach((bits, i) => table.set(i, bits));
    const recorded = recordBarriers(store);
    table.copyFrom(table, to, from, 2);
    assertEquals([recorded, elements(table)], [barriers.map((pair) => [...pair]), [...expected]] as never);
  }
});

Deno.test("003/3.39 the empty table has functions, no elements, and does not grow", () => {
  using store = makeStore();
  const table = emptyTable(store);
  assertEquals([table.elementType, table.size, grown(table, 1, 0), grown(table, 0, 0)], ["func", 0, -1, 0]);
});

Deno.test("a limiter that runs the guest and collects does not lose what a guest's table.grow stores", () => {
  let nested = () => {};
  using sandbox = new Sandbox({ stress: { gc: true } });
  const table = `(module (table $t (export "t") 1 100 externref) (table $u 1 100 externref)
    (func (export "grow") (param externref) (result i32) (table.grow $t (local.get 0) (i32.const 2)))
    (func (export "other") (param externref) (drop (table.grow $u (local.get 0) (i32.const 3)))))`;
  const instance = new Instance(sandbox.store, sandbox.module(table));
  const { grow, other, t } = instance.exports;
  tableOf(t)!.store.limiter = { tableGrowing: () => (nested(), true) };
  nested = () => {
    nested = () => {};
    other({ some: "other" });
    other("value");
  };
  const value = { kept: true };
  assertEquals([grow(value), t.size], [1, 3]);
  assertStrictEquals(t.get(2), value);
});
