/** Custom descriptors: what is said of types and of exactness, beside the specification's own tests. */

import { assert, assertEquals } from "@std/assert";
import { parseModule } from "../../../lib/text/mod.ts";
import {
  decodeModule,
  EXACT_HEAP,
  exactRefType,
  fullHeapType,
  heapType,
  heapTypeToString,
  inexactHeap,
  isExact,
  isExactFunc,
  isExactHeap,
  isNullable,
  refNullType,
  refType,
  type StructType,
  TypeRegistry,
  ValidationScratch,
  valTypeToString,
  WASM3_FEATURES,
  withFeatures,
} from "../../../lib/wasm/mod.ts";
import { ourRefusal } from "../../fuzz/oracles/refusals.ts";

const FEATURES = withFeatures(WASM3_FEATURES, "custom-descriptors");
const scratch = new ValidationScratch();

const PAIR = "(rec (type (sub (descriptor 1) (struct))) (type (sub (describes 0) (struct))))";

Deno.test("exact types keep index, nullability and text form", () => {
  const exact = refNullType(EXACT_HEAP + 7);
  assertEquals([heapType(exact), isExact(exact), isNullable(exact)], [7, true, true]);
  assertEquals(refType(EXACT_HEAP + 7), exactRefType(7));
  assertEquals(fullHeapType(exact), EXACT_HEAP + 7);
  assertEquals([isExactHeap(EXACT_HEAP), isExactHeap(7), inexactHeap(EXACT_HEAP + 7), inexactHeap(-16)], [
    true,
    false,
    7,
    -16,
  ]);
  assertEquals(valTypeToString(exact), "(ref null (exact 7))");
  assertEquals(heapTypeToString(EXACT_HEAP + 7), "(exact 7)");
  assertEquals(isExact(refType(7)), false);
});

Deno.test("TypeRegistry puts exact types below their own type only", () => {
  const registry = new TypeRegistry();
  const module = decodeModule(parseModule("(module (type (sub (struct))) (type (sub 0 (struct))))"), FEATURES);
  const [top, below] = registry.canonicalize(module);
  const matches = (a: number, b: number) => registry.isValSubtype(a, b);
  assert(matches(exactRefType(below), refType(below)));
  assert(matches(exactRefType(below), refType(top)));
  assert(!matches(exactRefType(below), exactRefType(top)));
  assert(!matches(refType(top), exactRefType(top)));
  assert(matches(refType(-0x0f), exactRefType(top)), "none is below exact structs");
  assert(!matches(refType(-0x0d), exactRefType(top)), "nofunc is not");
  assertEquals(registry.topOf(EXACT_HEAP + top), -0x12);
});

Deno.test("decodeModule() tells descriptors apart by type equality", () => {
  const text = `${PAIR} ${
    PAIR.replace("1", "3").replace("describes 0", "describes 2")
  } (rec (type (sub (struct))) (type (sub (struct))))`;
  const { types, typeIds } = decodeModule(parseModule(`(module ${text})`), FEATURES);
  assertEquals([(types[0] as StructType).descriptor, (types[1] as StructType).describes], [1, 0]);
  assertEquals([typeIds[0], typeIds[1]], [typeIds[2], typeIds[3]]);
  assert(typeIds[0] !== typeIds[4]);
});

Deno.test("isExactFunc() holds for defined functions and exact imports", () => {
  const module = decodeModule(
    parseModule('(module (type (func)) (import "" "" (func (type 0))) (import "" "" (func (exact (type 0)))) (func))'),
    FEATURES,
  );
  assertEquals([0, 1, 2].map((index) => isExactFunc(module, index)), [false, true, true]);
});

Deno.test("allocations and references to functions are exact in bodies and constant expressions", () => {
  const text = `(module ${PAIR} (type $a (array i8)) (type $f (func))
    (import "" "" (func $imported (type $f)))
    (func $own (type $f))
    (global (ref (exact 1)) (struct.new 1))
    (global (ref (exact 0)) (struct.new_default_desc 0 (global.get 0)))
    (global (ref (exact $a)) (array.new_fixed $a 0))
    (global (ref (exact $f)) (ref.func $own))
    (func (result (ref (exact 0)) (ref (exact $a)) (ref (exact $f)) (ref (exact 1)))
      (struct.new_desc 0 (global.get 0))
      (array.new_default $a (i32.const 1))
      (ref.func $own)
      (ref.get_desc 0 (global.get 1))))`;
  assertEquals(ourRefusal(parseModule(text), FEATURES, scratch), undefined);
  const inexact = text.replace(
    "(global (ref (exact $f)) (ref.func $own))",
    "(global (ref (exact $f)) (ref.func $imported))",
  );
  assert(ourRefusal(parseModule(inexact), FEATURES, scratch)?.includes("expected (ref (exact 3)), found (ref 3)"));
});

Deno.test("branches on cast between types of one hierarchy are valid with the feature only", () => {
  const bytes = parseModule(`(module (type $s (struct)) (type $a (array i8))
    (func (param (ref $s)) (block (result (ref $a)) (drop (br_on_cast 0 (ref $s) (ref $a) (local.get 0))) (unreachable)) (drop)))`);
  assertEquals(ourRefusal(bytes, FEATURES, scratch), undefined);
  assert(ourRefusal(bytes, WASM3_FEATURES, scratch)?.includes("cast from (ref 0) to the unrelated (ref 1)"));
});
