/** The heap and its copying collector: allocation, fields, copying, roots that tests hold, limits, handles. */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { GcKind } from "../../../lib/abi/mod.ts";
import { fromReference, funcStateOf, type RootVisitor, toReference } from "../../../lib/runtime/mod.ts";
import { HeapSandbox } from "./gc_store.ts";

/** Roots that a test holds. */
class TestRoots {
  readonly words: Int32Array;

  constructor(...references: number[]) {
    this.words = Int32Array.from(references);
  }

  visitRoots(visitor: RootVisitor): void {
    visitor.visitRange(this.words, 0, this.words.length);
  }
}

const TYPES = `
  (type $pair (struct (field (mut i8)) (field (mut i16)) (field (mut i64)) (field (mut v128)) (field (mut anyref))
    (field (mut funcref)) (field (mut i32))))
  (type $list (struct (field (mut (ref null 1))) (field (mut i32))))
  (type $refs (array (mut anyref)))
  (type $bytes (array (mut i8)))
  (type $vectors (array (mut v128)))
  (type $empty (struct))`;
const [PAIR, LIST, REFS, BYTES, VECTORS, EMPTY] = [0, 1, 2, 3, 4, 5];

Deno.test("GcHeap allocates zeroed objects end to end, with headers", () => {
  using sandbox = new HeapSandbox();
  const { gc } = sandbox;
  const ids = sandbox.types(TYPES);
  const pair = gc.newStruct(ids[PAIR]);
  const bytes = gc.newArray(ids[BYTES], 13);
  const empty = gc.newStruct(ids[EMPTY]);
  assertEquals(pair, gc.collector.start);
  assert(pair >= 65536 && pair % 8 === 0);
  assertEquals(bytes, pair + gc.types.layouts.struct(ids[PAIR]).sizeBytes);
  assertEquals(empty, bytes + 32);
  assertEquals([gc.kindOf(pair), gc.typeIdOf(pair)], [GcKind.struct, ids[PAIR]]);
  assertEquals([gc.kindOf(bytes), gc.typeIdOf(bytes), gc.arrayLength(bytes)], [GcKind.array, ids[BYTES], 13]);
  const words = new Int32Array(4);
  for (let field = 0; field < 7; field++) {
    gc.readField(pair, field, words);
    assertEquals([...words], [0, 0, 0, 0]);
  }
  assertEquals(gc.collector.usedBytes, empty + 8 - pair);
});

Deno.test("GcHeap reads and writes every storage kind: packed ones truncate and zero-extend (SEEDS 1.12 to 1.17)", () => {
  using sandbox = new HeapSandbox();
  const { gc } = sandbox;
  const ids = sandbox.types(TYPES);
  const pair = gc.newStruct(ids[PAIR]);
  const other = gc.newStruct(ids[EMPTY]);
  const put = (field: number, ...value: number[]) =>
    gc.writeField(pair, field, Int32Array.from([...value, 0, 0, 0, 0].slice(0, 4)));
  const get = (field: number) => {
    const words = Int32Array.of(9, 9, 9, 9);
    gc.readField(pair, field, words);
    return [...words];
  };
  put(0, 0x1ff);
  put(1, 0x1_8001);
  put(2, -1, 7);
  put(3, 1, 2, 3, 0x7f800001);
  put(4, other);
  put(6, -5);
  assertEquals([get(0), get(1), get(2)], [[0xff, 0, 0, 0], [0x8001, 0, 0, 0], [-1, 7, 0, 0]]);
  assertEquals([get(3), get(4), get(6)], [[1, 2, 3, 0x7f800001], [other, 0, 0, 0], [-5, 0, 0, 0]]);
  put(4, 0);
  assertEquals(get(4), [0, 0, 0, 0]);
  assertEquals(get(6), [-5, 0, 0, 0]);
  assertThrows(() => gc.readField(pair, 7, new Int32Array(4)), Error, "BUG");
  assertThrows(() => gc.arrayLength(pair), Error, "BUG");
});

Deno.test("GcHeap.internFunc() gives each function one id for the life of its store", () => {
  using sandbox = new HeapSandbox();
  const { gc } = sandbox;
  const ids = sandbox.types(TYPES);
  const { exports } = sandbox.instance(`(module (func (export "a")) (func (export "b"))
)`);
  const [first, second] = [exports.a, exports.b].map((func) => funcStateOf(func)!.referenceAddress());
  assertEquals(gc.internFunc(0), 0);
  const id = gc.internFunc(first);
  assert(id > 0);
  assertEquals(gc.internFunc(first), id);
  assertNotEquals(gc.internFunc(second), id);
  assertEquals(gc.funcAddress(id), first);
  assertEquals(gc.funcAddress(0), 0);
  const pair = gc.newStruct(ids[PAIR]);
  const words = Int32Array.of(first, Math.floor(first / 2 ** 32), 0, 0);
  gc.writeField(pair, 5, words);
  words.fill(0);
  gc.readField(pair, 5, words);
  assertEquals((words[0] >>> 0) + words[1] * 2 ** 32, first);
  // The table grows past its first size.
  const more = sandbox.instance(
    `(module ${Array.from({ length: 300 }, (_, i) => `(func (export "f${i}"))`).join("")})`,
  );
  const seen = new Set<number>();
  for (const func of Object.values(more.exports)) seen.add(gc.internFunc(funcStateOf(func)!.referenceAddress()));
  assertEquals(seen.size, 300);
  assertEquals(gc.funcAddress(id), first);
});

Deno.test("a collection moves what roots reach, and nothing else survives", () => {
  using sandbox = new HeapSandbox();
  const { gc, state } = sandbox;
  const ids = sandbox.types(TYPES);
  const words = new Int32Array(4);
  let list = 0;
  for (let i = 0; i < 1000; i++) {
    gc.newStruct(ids[PAIR]); // garbage
    const cell = gc.newStruct(ids[LIST]);
    gc.writeField(cell, 0, Int32Array.of(list, 0, 0, 0));
    gc.writeField(cell, 1, Int32Array.of(i, 0, 0, 0));
    list = cell;
  }
  const shared = gc.newArray(ids[REFS], 3);
  gc.writeElement(shared, 0, Int32Array.of(list, 0, 0, 0));
  gc.writeElement(shared, 1, Int32Array.of(shared, 0, 0, 0)); // a cycle
  gc.writeElement(shared, 2, Int32Array.of(7 << 1 | 1, 0, 0, 0));
  const roots = new TestRoots(shared, 0, 5 << 1 | 1, list, shared);
  state.rootSources.add(roots);
  const before = gc.collector.usedBytes;
  for (let round = 1; round <= 4; round++) {
    gc.collect();
    assertEquals(gc.collector.collections, round);
    const [array, none, small, head, again] = roots.words;
    assertEquals([none, small, again], [0, 5 << 1 | 1, array]);
    assertNotEquals(array, round % 2 === 1 ? shared : 0);
    gc.readElement(array, 0, words);
    assertEquals(words[0], head);
    gc.readElement(array, 1, words);
    assertEquals(words[0], array);
    gc.readElement(array, 2, words);
    assertEquals(words[0], 7 << 1 | 1);
    let length = 0;
    for (let cell = head; cell !== 0; length++) {
      gc.readField(cell, 1, words);
      assertEquals(words[0], 999 - length);
      gc.readField(cell, 0, words);
      cell = words[0];
    }
    assertEquals(length, 1000);
    const listBytes = gc.types.layouts.struct(ids[LIST]).sizeBytes;
    assertEquals(gc.collector.usedBytes, 1000 * listBytes + 32);
    assert(gc.collector.usedBytes < before);
  }
  roots.words.fill(0);
  gc.collect();
  assertEquals(gc.collector.usedBytes, 0);
  assertEquals(sandbox.findings, []);
});

Deno.test("memory that is used again is zero", () => {
  using sandbox = new HeapSandbox();
  const { gc } = sandbox;
  const ids = sandbox.types(TYPES);
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 40; i++) {
      const bytes = gc.newArray(ids[BYTES], 100_000);
      const { collector } = gc;
      const at = bytes + 16 - collector.start;
      assertEquals(collector.bytes.subarray(at, at + 100_000).every((byte) => byte === 0), true);
      gc.fillElements(bytes, 0, 100_000, Int32Array.of(0xa5, 0, 0, 0));
      assertEquals(gc.collector.bytes[at + 99_999], 0xa5);
    }
    gc.collect();
  }
  assertEquals(sandbox.findings, []);
});

Deno.test("GcHeap.fillElements() and copyElements() write exactly the range, overlapping or not", () => {
  using sandbox = new HeapSandbox();
  const { gc } = sandbox;
  const ids = sandbox.types(TYPES);
  const vectors = gc.newArray(ids[VECTORS], 11);
  gc.fillElements(vectors, 2, 7, Int32Array.of(1, 2, 3, 4));
  const read = (array: number, index: number) => {
    const words = new Int32Array(4);
    gc.readElement(array, index, words);
    return [...words];
  };
  for (let i = 0; i < 11; i++) assertEquals(read(vectors, i), i >= 2 && i < 9 ? [1, 2, 3, 4] : [0, 0, 0, 0]);
  const bytes = gc.newArray(ids[BYTES], 10);
  gc.writeElementBytes(bytes, 0, Uint8Array.from({ length: 10 }, (_, i) => i));
  gc.copyElements(bytes, 1, bytes, 0, 5);
  const all = () => Array.from({ length: 10 }, (_, i) => read(bytes, i)[0]);
  assertEquals(all(), [0, 0, 1, 2, 3, 4, 6, 7, 8, 9]);
  gc.copyElements(bytes, 0, bytes, 1, 9);
  assertEquals(all(), [0, 1, 2, 3, 4, 6, 7, 8, 9, 9]);
  gc.copyElements(bytes, 10, bytes, 0, 0);
  assertEquals(all(), [0, 1, 2, 3, 4, 6, 7, 8, 9, 9]);
});

Deno.test("a full heap answers 0, and has room again after a collection", () => {
  using sandbox = new HeapSandbox({}, { gcHeapBytes: 1 << 20 });
  const { gc } = sandbox;
  const ids = sandbox.types(TYPES);
  const bytes = gc.newArray(ids[BYTES], 900_000);
  assert(bytes !== 0);
  assertEquals(gc.newArray(ids[BYTES], 900_000), 0);
  assert(gc.newArray(ids[BYTES], 1000) !== 0);
  gc.prepare(900_016);
  assertEquals(gc.collector.collections, 1);
  assert(gc.newArray(ids[BYTES], 900_000) !== 0);
  assertEquals(gc.newArray(ids[BYTES], 2 ** 32 - 1), 0);
  assertEquals(gc.newArray(ids[VECTORS], 2 ** 32 - 1), 0);
});

Deno.test("host values have one object each while the guest holds it, and are let go afterwards", () => {
  using sandbox = new HeapSandbox();
  const { gc, state } = sandbox;
  const key = {};
  const values = [key, "text", undefined, NaN, -0, 1.5, 2 ** 31, Symbol.iterator, 10n, true];
  const references = values.map((value) => toReference(state, value)!);
  assertEquals(new Set(references).size, values.length);
  assertEquals(values.map((value) => toReference(state, value)), references);
  references.forEach((reference, i) => assert(Object.is(fromReference(state, reference), values[i])));
  assertEquals(gc.handles.count, values.length);
  const roots = new TestRoots(references[0], references[4]);
  state.rootSources.add(roots);
  gc.collect();
  assertEquals(gc.handles.count, 2);
  assertEquals(fromReference(state, roots.words[0]), key);
  assert(Object.is(fromReference(state, roots.words[1]), -0));
  assertEquals(toReference(state, key), roots.words[0] >>> 0);
  // Freed handles are used again.
  const again = toReference(state, "text")!;
  assertEquals(fromReference(state, again), "text");
  assertEquals(gc.handles.count, 3);
  roots.words.fill(0);
  gc.collect();
  assertEquals(gc.handles.count, 0);
  assertEquals(sandbox.findings, []);
});

Deno.test("small integers are unboxed scalars, not objects", () => {
  using sandbox = new HeapSandbox();
  const { gc, state } = sandbox;
  for (const value of [0, 1, -1, 2 ** 30 - 1, -(2 ** 30)]) assertEquals(toReference(state, value), value << 1 | 1);
  assertEquals(gc.isReserved, false);
  assert((toReference(state, 2 ** 30)! & 1) === 0);
  assertEquals(fromReference(state, toReference(state, 2 ** 30)!), 2 ** 30);
});

Deno.test("a reference that is none ends the collection and the store", () => {
  using sandbox = new HeapSandbox();
  const { gc, state } = sandbox;
  const ids = sandbox.types(TYPES);
  const pair = gc.newStruct(ids[PAIR]);
  state.rootSources.add(new TestRoots(pair + 2 ** 20));
  assertThrows(() => gc.collect(), Error, "is not one of an object");
  assertThrows(() => state.requireOpen(), TypeError, "a collection failed");
});

Deno.test("verifyHeap() finds references to nothing, of the wrong type, and lost handles", () => {
  using sandbox = new HeapSandbox();
  const { gc, state } = sandbox;
  const ids = sandbox.types(TYPES);
  const cell = gc.newStruct(ids[LIST]);
  const wrong = gc.newStruct(ids[EMPTY]);
  sandbox.verify();
  assertEquals(sandbox.findings, []);
  gc.writeField(cell, 0, Int32Array.of(wrong, 0, 0, 0));
  sandbox.verify();
  assertEquals(sandbox.findings.length, 1);
  gc.writeField(cell, 0, Int32Array.of(cell + 8, 0, 0, 0));
  sandbox.verify();
  assertEquals(sandbox.findings.length, 2);
  gc.writeField(cell, 0, new Int32Array(4));
  gc.setHandle(toReference(state, "x")!, 0);
  sandbox.verify();
  assertEquals(sandbox.findings.length, 3);
});
