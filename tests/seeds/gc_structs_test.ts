/** Document 001: typed views of structs in a heap that nobody trusts, row by row. */

import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { AnyRef, ArrayRef, I31Ref, RefError, StructRef, Trap } from "../../mod.ts";
import { GcKind, GcLayouts } from "../../lib/abi/mod.ts";
import {
  asStructRef,
  asStructRefUnchecked,
  funcStateOf,
  type GcHeap,
  intoStructRef,
  isStructRef,
  ObjectData,
  POD_TYPES,
  type PodName,
  usedReference,
  type VMStructRef,
} from "../../lib/runtime/mod.ts";
import { decodeModule, WASM3_FEATURES } from "../../lib/wasm/mod.ts";
import { HeapSandbox } from "../unit/runtime/gc_store.ts";
import { wat } from "../wat.ts";

const TYPES = `
  (type $node (sub (struct (field $next (mut (ref null $node))))))
  (type $leaf (sub $node (struct (field $next (mut (ref null $node))) (field $value (mut i32)))))
  (type $all (struct (field $i8 (mut i8)) (field $i16 (mut i16)) (field $i32 (mut i32)) (field $i64 (mut i64))
    (field $f32 (mut f32)) (field $f64 (mut f64)) (field $v128 (mut v128)) (field $any (mut anyref))
    (field $extern (mut externref)) (field $func (mut funcref)) (field $node (mut (ref null $node)))))
  (type $list (array (mut anyref)))
  (type $bytes (array (mut i8)))`;
const [NODE, LEAF, ALL, LIST, BYTES] = [0, 1, 2, 3, 4];
const FIELDS = ["i8", "i16", "i32", "i64", "f32", "f64", "v128", "any", "extern", "func", "node"];
const field = (name: string) => FIELDS.indexOf(name);

/** A heap with the types, and one struct of each. */
function open(config: ConstructorParameters<typeof HeapSandbox>[0] = {}) {
  const sandbox = new HeapSandbox(config);
  const module = sandbox.instance(`(module ${TYPES}
    (func $seven (export "seven") (result i32) (i32.const 7))
    (func $eight (export "eight") (result i32) (i32.const 8))
    (func (export "call") (param (ref $all)) (result i32)
      (call_ref $int (ref.cast (ref $int) (struct.get $all $func (local.get 0)))))
    (func (export "i8") (param (ref $all)) (result i32) (struct.get_u $all $i8 (local.get 0)))
    (func (export "next") (param (ref $node)) (result (ref null $node)) (struct.get $node $next (local.get 0)))
    (func (export "nextOfNext") (param (ref $node)) (result (ref null $node))
      (struct.get $node $next (struct.get $node $next (local.get 0))))
    (func (export "same") (param eqref eqref) (result i32) (ref.eq (local.get 0) (local.get 1)))
    (func (export "isNode") (param anyref) (result i32) (ref.test (ref $node) (local.get 0)))
    (func (export "isLeaf") (param anyref) (result i32) (ref.test (ref $leaf) (local.get 0)))
    (type $int (func (result i32))))`);
  const { gc, store } = sandbox;
  const type = (name: string) => module.module.structType(name);
  return Object.assign(sandbox, {
    exports: module.exports,
    all: StructRef.create(store, type("all")),
    node: StructRef.create(store, type("node")),
    leaf: StructRef.create(store, type("leaf")),
    bytes: ArrayRef.filled(store, module.module.arrayType("bytes"), 5),
    type,
    read: (reference: number, index: number) => {
      const words = new Int32Array(4);
      gc.readField(reference, index, words);
      return words;
    },
    write: (reference: number, index: number, ...words: number[]) =>
      gc.writeField(reference, index, Int32Array.from([...words, 0, 0, 0, 0].slice(0, 4))),
  });
}

/** Records the barriers that a heap's collector is told of, instead of running them. */
function recordBarriers(gc: GcHeap) {
  const log: string[] = [];
  const record = (name: string) => (...args: number[]) => void log.push(`${name} ${args.join(" ")}`);
  for (const name of ["writeBarrier", "cloneBarrier", "dropBarrier", "rootBarrier"]) {
    Object.defineProperty(gc.collector, name, { value: record(name), configurable: true });
  }
  return log;
}

/** Makes the collector's barriers its own again. */
function restoreBarriers(gc: GcHeap): void {
  for (const name of ["writeBarrier", "cloneBarrier", "dropBarrier", "rootBarrier"] as const) {
    delete (gc.collector as Partial<typeof gc.collector>)[name];
  }
}

Deno.test("001/1.1 a reference to a struct is one object, equal to itself, a key of maps, and shows what it is of", () => {
  using world = open();
  const { node, leaf, exports, store } = world;
  leaf.set("next", node);
  store.gc();
  assertStrictEquals(exports.next(leaf), node);
  assertNotStrictEquals(exports.next(leaf), leaf as unknown);
  assertEquals([exports.same(node, node), exports.same(node, leaf)], [1, 0]);
  assertEquals(new Set([node, leaf, exports.next(leaf)]).size, 2);
  assertEquals(new Map([[node, "node"]]).get(leaf.get("next")), "node");
  assertEquals(Deno.inspect(leaf), "StructRef { next: { next: null }, value: 0 }");
  node.dispose();
  assertEquals(Deno.inspect(node), "StructRef (released)");
});

Deno.test("001/1.2 a struct is any reference, at no cost", () => {
  using world = open();
  const { node, leaf, gc, exports } = world;
  const log = recordBarriers(gc);
  const handles = gc.handles.count;
  assert(node instanceof AnyRef);
  for (const type of ["any", "eq", "struct"] as const) assertStrictEquals(leaf.cast(type), leaf as unknown);
  assertStrictEquals(leaf.cast(world.type("node")), leaf);
  assertEquals([exports.isNode(leaf), exports.isLeaf(node)], [1, 0]);
  const bits: number = asStructRefUnchecked(usedReference(leaf));
  assertEquals([bits, log, gc.handles.count], [usedReference(leaf), [], handles]);
  restoreBarriers(gc);
});

Deno.test("001/1.3 unboxed scalars and null are no structs, nor is an object of another kind, and subtypes are", () => {
  using world = open();
  const { gc, all, leaf, bytes } = world;
  const extern = gc.externOf("a host value");
  const bits = [all, leaf, bytes].map(usedReference);
  assertEquals([...bits, extern, 0, 1, 7, -1].map((reference) => isStructRef(gc, reference)), [
    true,
    true,
    false,
    false,
    false,
    false,
    false,
    false,
  ]);
  assertEquals([leaf.matches("struct"), bytes.matches("struct"), AnyRef.matches(new I31Ref(4), "struct")], [
    true,
    false,
    false,
  ]);
});

Deno.test("001/1.4 a reference becomes a struct's, or is given back", () => {
  using world = open();
  const { gc, leaf, bytes, node } = world;
  const [struct, array] = [leaf, bytes].map(usedReference);
  assertEquals(intoStructRef(gc, struct), { struct: struct as VMStructRef });
  for (const other of [array, 0, 9]) assertEquals(intoStructRef(gc, other), { other });
  assertStrictEquals(leaf.cast(world.type("leaf")), leaf);
  assertEquals(assertThrows(() => node.cast(world.type("leaf")), RefError).code, "wrong_type");
  assertEquals(assertThrows(() => bytes.cast("struct"), RefError).code, "wrong_type");
  assertEquals([node.isDisposed, bytes.length], [false, 5]);
});

Deno.test("001/1.5 on the caller's word anything but a scalar is a struct's reference, and being wrong harms nothing else", () => {
  using world = open();
  const { gc, bytes, node } = world;
  assertThrows(() => asStructRefUnchecked(3), Error, "scalar");
  const wrong = asStructRefUnchecked(usedReference(bytes));
  assertThrows(() => gc.readField(wrong, 0, new Int32Array(4)), Error, "not a struct");
  assertThrows(() => gc.writeField(wrong, 0, new Int32Array(4)), Error, "not a struct");
  assertEquals([[...bytes], node.get("next")], [[0, 0, 0, 0, 0], null]);
});

Deno.test("001/1.6 a checked view of a struct, or nothing", () => {
  using world = open();
  const { gc, all, bytes } = world;
  const [struct, array] = [all, bytes].map(usedReference);
  assertEquals([struct, array, 0, 5].map((bits) => asStructRef(gc, bits)), [
    struct as VMStructRef,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("001/1.7 an unchecked view is the same bits", () => {
  using world = open();
  const { all, write, read } = world;
  const struct = asStructRefUnchecked(usedReference(all));
  write(struct, field("i32"), 77);
  assertEquals([struct as number, read(struct, field("i32"))[0], all.get("i32")], [usedReference(all), 77, 77]);
});

Deno.test("001/1.8 the bits behind a reference are those of now: a collection moves them, and nothing keeps them", () => {
  using world = open({ collector: "copying" });
  const { gc, store, node, leaf } = world;
  leaf.set("value", 41);
  const before = usedReference(leaf);
  store.gc();
  const after = usedReference(leaf);
  assertNotStrictEquals(before, after);
  assertEquals([leaf.get("value"), leaf.get("next"), isStructRef(gc, after)], [41, null, true]);
  assertEquals(gc.handles.referenceOf(gc.handleOf(after)), after);
  assertEquals(world.read(after, 1)[0], 41);
  assert(usedReference(node) !== after);
});

Deno.test("001/1.9 a reference that JavaScript gets runs the clone barrier, once for each object", () => {
  using world = open();
  const { gc, node, leaf, store, exports } = world;
  leaf.set("next", StructRef.create(store, world.type("node")));
  leaf.get("next").dispose();
  const log = recordBarriers(gc);
  const next = exports.next(leaf);
  assertEquals(log, [`cloneBarrier ${usedReference(next)}`]);
  assertStrictEquals(leaf.get("next"), next);
  assertEquals([log.length, exports.next(node)], [1, null]);
  restoreBarriers(gc);
});

Deno.test("001/1.10 a reference that is given up runs the drop barrier, once", () => {
  using world = open();
  const { gc, node } = world;
  const log = recordBarriers(gc);
  const bits = usedReference(node);
  node.dispose();
  node.dispose();
  assertEquals(log, [`dropBarrier ${bits}`]);
  restoreBarriers(gc);
});

Deno.test("001/1.11 asking where an object is, and a collection that moves it, run no barrier", () => {
  using world = open({ collector: "copying" });
  const { gc, store, node, leaf } = world;
  leaf.set("next", node);
  const log = recordBarriers(gc);
  const before = usedReference(leaf);
  store.gc();
  assertEquals([usedReference(leaf) !== before, log], [true, []]);
  restoreBarriers(gc);
  assertStrictEquals(leaf.get("next"), node);
});

Deno.test("001/1.12 packed fields are read zero-extended", () => {
  using world = open();
  const { all, read, write, exports } = world;
  const struct = usedReference(all);
  write(struct, field("i8"), -1);
  write(struct, field("i16"), -2);
  const words = Int32Array.of(9, 9, 9, 9);
  world.gc.readField(struct, field("i8"), words);
  assertEquals([...words, read(struct, field("i16"))[0]], [255, 0, 0, 0, 65534]);
  assertEquals([all.get("i8"), all.get("i16"), exports.i8(all)], [255, 65534, 255]);
});

Deno.test("001/1.13 scalars and vectors are read as they lie, floats as their bits", () => {
  using world = open();
  const { all, read, write } = world;
  const struct = usedReference(all);
  // Signalling NaNs: any conversion would quiet them.
  write(struct, field("f32"), 0x7f80_0001);
  write(struct, field("f64"), 5, 0x7ff0_0000);
  write(struct, field("i32"), -3);
  write(struct, field("i64"), -1, 7);
  write(struct, field("v128"), 1, 2, 3, 0x7f80_0001);
  assertEquals(["f32", "f64", "i32", "i64", "v128"].map((name) => [...read(struct, field(name))]), [
    [0x7f80_0001, 0, 0, 0],
    [5, 0x7ff0_0000, 0, 0],
    [-3, 0, 0, 0],
    [-1, 7, 0, 0],
    [1, 2, 3, 0x7f80_0001],
  ]);
  assertEquals([all.get("i32"), all.get("i64"), Number.isNaN(all.get("f32"))], [-3, 0x7_ffff_ffffn, true]);
});

Deno.test("001/1.14 references are read as rooted references or host values", () => {
  using world = open({ stress: { gc: true } });
  const { all, leaf, store } = world;
  const value = { host: true };
  all.set("any", leaf);
  all.set("extern", value);
  store.gc();
  assertStrictEquals(all.get("any"), leaf);
  assertStrictEquals(all.get("extern"), value);
  leaf.dispose();
  const again = all.get("any");
  all.set("any", null);
  store.gc();
  assertEquals([again.get("value"), all.get("any"), again instanceof StructRef], [0, null, true]);
  assertEquals(world.findings, []);
});

Deno.test("001/1.15 packed fields are cut off when they are written", () => {
  using world = open();
  const { all, read, write } = world;
  const struct = usedReference(all);
  all.set("i32", 0x0505_0505);
  write(struct, field("i8"), 0x1ff);
  write(struct, field("i16"), 0x1_8001);
  assertEquals([read(struct, field("i8"))[0], read(struct, field("i16"))[0], all.get("i32")], [
    0xff,
    0x8001,
    0x0505_0505,
  ]);
});

Deno.test("001/1.16 scalars and vectors are written as little-endian bytes", () => {
  using world = open();
  const { gc, all } = world;
  all.set("i32", 0x0403_0201);
  all.set("i64", 0x0807_0605_0403_0201n);
  all.set("v128", Uint8Array.from({ length: 16 }, (_, i) => i));
  all.set("f32", 1);
  const struct = usedReference(all);
  const { offsets } = gc.structLayout(struct);
  const data = gc.structData(struct);
  const bytes = (name: string, length: number) =>
    Array.from({ length }, (_, i) => data.readU8(offsets[field(name)] + i));
  assertEquals([bytes("i32", 4), bytes("i64", 8), bytes("f32", 4)], [
    [1, 2, 3, 4],
    [1, 2, 3, 4, 5, 6, 7, 8],
    [0, 0, 0x80, 0x3f],
  ]);
  assertEquals(bytes("v128", 16), Array.from({ length: 16 }, (_, i) => i));
});

Deno.test("001/1.17 writing null runs the write barrier", () => {
  using world = open();
  const { gc, all, node, write, read } = world;
  const [struct, target] = [all, node].map(usedReference);
  const log = recordBarriers(gc);
  write(struct, field("any"), target);
  write(struct, field("any"), 0);
  write(struct, field("extern"), 9);
  write(struct, field("extern"), 0);
  assertEquals(log, [
    `writeBarrier ${struct} ${struct} 0 ${target}`,
    `writeBarrier ${struct} ${struct} ${target} 0`,
    `writeBarrier ${struct} ${struct} 0 9`,
    `writeBarrier ${struct} ${struct} 9 0`,
  ]);
  assertEquals([read(struct, field("any"))[0], read(struct, field("extern"))[0]], [0, 0]);
  restoreBarriers(gc);
});

Deno.test("001/1.18 a reference that was given up is an error, and nothing is written or made", () => {
  using world = open();
  const { all, node, store, gc } = world;
  const type = world.type("all");
  node.dispose();
  const used = gc.collector.usedBytes;
  for (
    const use of [
      () => all.set("any", node),
      () => all.set("extern", node),
      () => StructRef.create(store, type, { any: node }),
      () => node.set("next", null),
    ]
  ) assertEquals(assertThrows(use, RefError).code, "released");
  assertEquals([all.get("any"), all.get("extern"), gc.collector.usedBytes], [null, null, used]);
});

Deno.test("001/1.19 a field's first write clones the new reference and drops nothing, whatever lay there", () => {
  using world = open();
  const { gc, all, node, read, write } = world;
  const [struct, target] = [all, node].map(usedReference);
  write(struct, field("any"), 13); // what is no reference to be dropped
  const log = recordBarriers(gc);
  gc.initializeField(struct, field("any"), Int32Array.of(target, 0, 0, 0));
  gc.initializeField(struct, field("i8"), Int32Array.of(0x1fe, 0, 0, 0));
  assertEquals(log, [`writeBarrier ${struct} ${struct} 0 ${target}`]);
  assertEquals([read(struct, field("any"))[0], read(struct, field("i8"))[0]], [target, 0xfe]);
  restoreBarriers(gc);
});

Deno.test("001/1.20 a layout is a size and an offset for each field, a subtype's as its supertype's", () => {
  const { types } = decodeModule(wat(`(module ${TYPES})`), WASM3_FEATURES);
  const layouts = new GcLayouts(types);
  const { sizeBytes, offsets } = layouts.struct(ALL);
  const sizes = [1, 2, 4, 8, 4, 8, 16, 4, 4, 4, 4];
  const order = [...offsets];
  assertEquals(order, order.toSorted((a, b) => a - b));
  sizes.forEach((size, i) => {
    assertEquals(offsets[i] % Math.min(8, size), 0);
    assert(offsets[i] + size <= (offsets[i + 1] ?? sizeBytes), `field ${i}`);
  });
  assertEquals([offsets[0], sizeBytes % 8], [8, 0]);
  assertEquals(layouts.struct(LEAF).offsets[0], layouts.struct(NODE).offsets[0]);
  assertEquals([layouts.array(LIST).elementBytes, layouts.array(BYTES).elementBytes], [4, 1]);
});

Deno.test("001/1.21 while references are held as numbers nothing collects", () => {
  using world = open();
  const { gc, store } = world;
  const { collections } = gc.collector;
  {
    using _outer = gc.holdReferences();
    {
      using _inner = gc.holdReferences();
      assertThrows(() => gc.prepare(16), Error, "references are held");
    }
    assertThrows(() => store.gc(), Error, "references are held");
    assertThrows(() => gc.collect(), Error, "references are held");
  }
  assertEquals(gc.collector.collections, collections);
  store.gc();
  assertEquals(gc.collector.collections, collections + 1);
});

Deno.test("001/1.22 plain data of every size is read and written little-endian", () => {
  const bytes = new Uint8Array(40).fill(0xee);
  const view = new DataView(bytes.buffer, 8);
  const vector = Uint8Array.from({ length: 16 }, (_, i) => 200 + i);
  const cases: Record<PodName, readonly [value: unknown, bytes: readonly number[]]> = {
    u8: [0xfe, [0xfe]],
    i8: [-2, [0xfe]],
    u16: [0xfedc, [0xdc, 0xfe]],
    i16: [-0x124, [0xdc, 0xfe]],
    u32: [0xfedc_ba98, [0x98, 0xba, 0xdc, 0xfe]],
    i32: [-0x123_4568, [0x98, 0xba, 0xdc, 0xfe]],
    u64: [0xfedc_ba98_7654_3210n, [0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe]],
    i64: [-0x123_4567_89ab_cdf0n, [0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe]],
    v128: [vector, [...vector]],
  };
  for (const [name, [value, expected]] of Object.entries(cases)) {
    const { sizeBytes, readLe, writeLe } = POD_TYPES[name as PodName];
    bytes.fill(0xee);
    (writeLe as (view: DataView, at: number, value: unknown) => void)(view, 3, value);
    assertEquals([...bytes.subarray(11, 11 + sizeBytes)], expected, name);
    assertEquals([bytes[10], bytes[11 + sizeBytes], sizeBytes], [0xee, 0xee, expected.length], name);
    assertEquals(readLe(view, 3) as unknown, value, name);
  }
});

Deno.test("001/1.23 an object's data has nine readers and writers, none of which leaves it", () => {
  const bytes = new Uint8Array(64).fill(0x11);
  const data = new ObjectData().aim({ bytes, start: 65536 }, 65536 + 16, 24);
  const accessors = {
    U8: [1, 5],
    U16: [2, 6],
    U32: [4, 7],
    U64: [8, 8n],
    I8: [1, -5],
    I16: [2, -6],
    I32: [4, -7],
    I64: [8, -8n],
    V128: [16, Uint8Array.from({ length: 16 }, (_, i) => i)],
  } as const;
  // deno-lint-ignore no-explicit-any -- by name
  const by = data as any;
  for (const [name, [size, value]] of Object.entries(accessors)) {
    for (const offset of [0, 24 - size]) {
      by[`write${name}`](offset, value);
      assertEquals(by[`read${name}`](offset), value, name);
    }
    for (const offset of [-1, 25 - size, 24, 2 ** 32, NaN]) {
      assertThrows(() => by[`read${name}`](offset), Error, "beyond its object");
      assertThrows(() => by[`write${name}`](offset, value), Error, "beyond its object");
    }
  }
  assert([...bytes.subarray(0, 16), ...bytes.subarray(40)].every((byte) => byte === 0x11));
  const heap = { bytes, start: 65536 };
  for (const [reference, size] of [[65528, 16], [65536 + 56, 16], [2 ** 32 - 8, 8], [0, 8]]) {
    assertThrows(() => new ObjectData().aim(heap, reference, size), Error, "outside of the heap");
  }
});

Deno.test("001/1.24 a corrupt reference or header reaches nothing outside of the heap", () => {
  using world = open();
  const { gc, all, leaf, exports, bytes } = world;
  const collector = gc.collector;
  const struct = usedReference(leaf);
  for (const bits of [0xffff_fff8, 0x8000_0000, collector.start - 8]) {
    assertThrows(() => gc.kindOf(bits), Error, "outside of the heap");
    assertThrows(() => gc.readField(bits, 0, new Int32Array(4)), Error, "outside of the heap");
  }
  // A header that says another type: fields of that type are read, of this heap.
  const word = (struct - collector.start) >>> 2;
  const header = collector.words[word];
  collector.words[word] = GcKind.struct << 24 | gc.typeIdOf(usedReference(all));
  assertEquals(typeof leaf.get(0), "number");
  collector.words[word] = header;
  // An array that says it has two thousand million elements.
  const array = usedReference(bytes);
  const length = (array - collector.start >>> 2) + 2;
  collector.words[length] = 0x7fff_ffff;
  assertThrows(() => bytes.get(0x7fff_fff0), Error, "outside of the heap");
  collector.words[length] = 5;
  // Machine code follows a reference to nowhere: a fault inside of the reservation, and nobody uses the store any more.
  const place = (struct + gc.structLayout(struct).offsets[0] - collector.start) >>> 2;
  collector.words[place] = 0x7fff_fff8;
  assertThrows(() => exports.nextOfNext(leaf), Error, "machine code failed");
  assertThrows(() => leaf.get("next"), TypeError, "internal failure");
});

Deno.test("001/1.25 where everything is checked, a value of another type than its field's is a defect, found before it is stored", () => {
  using world = open({ stress: { gc: true } });
  const { gc, all, leaf, bytes, write } = world;
  const [struct, leafBits, array] = [all, leaf, bytes].map(usedReference);
  write(struct, field("node"), leafBits);
  for (const wrong of [array, struct, 9]) {
    assertThrows(() => write(struct, field("node"), wrong), Error, "another type");
    assertThrows(() => gc.initializeField(struct, field("node"), Int32Array.of(wrong, 0, 0, 0)), Error, "another type");
  }
  assertStrictEquals(all.get("node"), leaf);
  write(struct, field("any"), array);
  write(struct, field("any"), 9);
  assertEquals(all.get("any"), new I31Ref(4));
});

Deno.test("001/1.T1 a function in an object is read through the table of ids", () => {
  using world = open({ stress: { gc: true } });
  const { gc, all, exports, store } = world;
  all.set("func", exports.seven);
  store.gc();
  assertStrictEquals(all.get("func"), exports.seven);
  const struct = usedReference(all);
  const id = gc.structData(struct).readU32(gc.structLayout(struct).offsets[field("func")]);
  assertEquals([gc.funcAddress(id), gc.funcAddress(0)], [funcStateOf(exports.seven)!.address, 0]);
  assertThrows(() => gc.funcAddress(id + 1000), Error, "no function");
});

Deno.test("001/1.T2 a function is written to an object as its id, the same each time, and machine code calls it", () => {
  using world = open();
  const { gc, all, exports } = world;
  const struct = usedReference(all);
  const ids = [exports.seven, exports.eight, exports.seven, null].map((func) => {
    all.set("func", func);
    return gc.structData(struct).readU32(gc.structLayout(struct).offsets[field("func")]);
  });
  assertEquals([ids[0] > 0, ids[0] === ids[2], ids[0] === ids[1], ids[3]], [true, true, false, 0]);
  all.set("func", exports.eight);
  assertEquals(exports.call(all), 8);
  all.set("func", null);
  assertThrows(() => exports.call(all), Trap);
});

Deno.test("001/1.T3 a new object's function field is initialised with the function's id", () => {
  using world = open();
  const { store, exports } = world;
  using made = StructRef.create(store, world.type("all"), { func: exports.eight });
  assertEquals([exports.call(made), made.get("func") === exports.eight], [8, true]);
  assertThrows(() => StructRef.create(store, world.type("all"), { func: () => 1 }), TypeError);
});
