/** Value types and canonical type ids: packing, text, equality across modules, subtyping. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  BOTTOM,
  decodeModule,
  EXTERNREF,
  F64,
  FUNCREF,
  HEAP_ANY,
  HEAP_ARRAY,
  HEAP_EQ,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  HEAP_I31,
  HEAP_NOEXN,
  HEAP_NOEXTERN,
  HEAP_NOFUNC,
  HEAP_NONE,
  HEAP_STRUCT,
  heapType,
  I32,
  I64,
  I8,
  isDefaultable,
  isNullable,
  isRef,
  refNullType,
  refType,
  TypeRegistry,
  V128,
  valTypeToString,
} from "../../../lib/wasm/mod.ts";
import { type Bytes, moduleBytes, vector } from "../../fuzz/generators/binary.ts";

const idsIn = (
  registry: TypeRegistry,
  ...types: Bytes[]
) => [...registry.canonicalize(decodeModule(moduleBytes([1, vector(...types)])))];

const FUNC_NOTHING = [0x60, 0, 0];
const FUNC_I32 = [0x60, 1, 0x7f, 0];

Deno.test("valTypeToString() gives the text form of packed types", () => {
  const forms: [number, string][] = [
    [I32, "i32"],
    [V128, "v128"],
    [I8, "i8"],
    [FUNCREF, "(ref null func)"],
    [EXTERNREF, "(ref null extern)"],
    [refType(7), "(ref 7)"],
    [refNullType(999_999), "(ref null 999999)"],
    [refType(HEAP_NOEXN), "(ref noexn)"],
  ];
  for (const [type, text] of forms) assertEquals(valTypeToString(type), text);
});

Deno.test("refType() and refNullType() keep heap type and nullability, negative codes included", () => {
  for (const heap of [0, 1, 8_388_607, HEAP_FUNC, HEAP_EXN, HEAP_NONE]) {
    assertEquals([heapType(refType(heap)), isNullable(refType(heap)), isRef(refType(heap))], [heap, false, true]);
    assertEquals([heapType(refNullType(heap)), isNullable(refNullType(heap))], [heap, true]);
    assertEquals([isDefaultable(refType(heap)), isDefaultable(refNullType(heap))], [false, true]);
  }
  assert(isDefaultable(F64) && !isRef(I64));
});

Deno.test("canonicalize() gives equal types of different modules one id", () => {
  const registry = new TypeRegistry();
  const [a, b] = idsIn(registry, FUNC_NOTHING, FUNC_I32);
  assertEquals(idsIn(registry, FUNC_I32, FUNC_NOTHING, FUNC_I32), [b, a, b]);
  assertEquals([...registry.funcType(b).params], [I32]);
});

Deno.test("canonicalize() compares recursion groups as wholes", () => {
  const registry = new TypeRegistry();
  // A list: (rec (type $list (struct (field (ref null $list))))), spelled with different indices.
  const list = (index: number) => [0x4e, 1, 0x5f, 1, 0x63, index, 0];
  const [first] = idsIn(registry, list(0));
  const [, second] = idsIn(registry, FUNC_NOTHING, list(1));
  assertEquals(first, second);
  // The same struct beside another type is another type.
  const [third] = idsIn(registry, [0x4e, 2, 0x5f, 1, 0x63, 0, 0, FUNC_NOTHING]);
  assertNotEquals(first, third);
  // Two equal types in one group are two types.
  const pair = idsIn(registry, [0x4e, 2, FUNC_NOTHING, FUNC_NOTHING]);
  assertEquals(pair[1], pair[0] + 1);
  // A group of one is the type itself.
  assertEquals(idsIn(registry, [0x4e, 1, FUNC_NOTHING]), idsIn(registry, FUNC_NOTHING));
});

Deno.test("canonicalize() tells finality, supertypes, mutability and field types apart", () => {
  const registry = new TypeRegistry();
  const variants: Bytes[] = [
    [0x5f, 0],
    [0x50, 0, 0x5f, 0],
    [0x5f, 1, 0x7f, 0],
    [0x5f, 1, 0x7f, 1],
    [0x5f, 1, 0x78, 1],
    [0x5e, 0x7f, 0],
    [0x5e, 0x7f, 1],
    [0x60, 1, 0x7f, 0],
    [0x60, 0, 1, 0x7f],
    [0x50, 1, 1, 0x5f, 0],
    [0x4f, 1, 1, 0x5f, 0],
    [0x60, 1, 0x64, 0, 0],
    [0x60, 1, 0x63, 0, 0],
    [0x60, 1, 0x70, 0],
  ];
  const ids = idsIn(registry, ...variants);
  assertEquals(new Set(ids).size, variants.length);
});

Deno.test("isSubtype() follows declared supertypes across modules", () => {
  const registry = new TypeRegistry();
  const [top, middle, bottom] = idsIn(
    registry,
    [0x50, 0, 0x5f, 0],
    [0x50, 1, 0, 0x5f, 1, 0x7f, 0],
    [0x50, 1, 1, 0x5f, 2, 0x7f, 0, 0x7e, 0],
  );
  assert(registry.isSubtype(bottom, top) && registry.isSubtype(middle, top) && registry.isSubtype(top, top));
  assert(!registry.isSubtype(top, bottom) && !registry.isSubtype(middle, bottom));
  assertEquals([registry.depth(top), registry.depth(bottom)], [0, 2]);
  assertEquals(registry.supertype(bottom), middle);
});

Deno.test("isHeapSubtype() is the specification's lattice", () => {
  const registry = new TypeRegistry();
  const [func, struct, array] = idsIn(registry, FUNC_NOTHING, [0x5f, 0], [0x5e, 0x7f, 0]);
  const above: Record<number, number[]> = {
    [HEAP_FUNC]: [],
    [HEAP_EXTERN]: [],
    [HEAP_EXN]: [],
    [HEAP_ANY]: [],
    [HEAP_EQ]: [HEAP_ANY],
    [HEAP_I31]: [HEAP_EQ, HEAP_ANY],
    [HEAP_STRUCT]: [HEAP_EQ, HEAP_ANY],
    [HEAP_ARRAY]: [HEAP_EQ, HEAP_ANY],
    [HEAP_NONE]: [HEAP_ANY, HEAP_EQ, HEAP_I31, HEAP_STRUCT, HEAP_ARRAY, struct, array],
    [HEAP_NOFUNC]: [HEAP_FUNC, func],
    [HEAP_NOEXTERN]: [HEAP_EXTERN],
    [HEAP_NOEXN]: [HEAP_EXN],
    [func]: [HEAP_FUNC],
    [struct]: [HEAP_STRUCT, HEAP_EQ, HEAP_ANY],
    [array]: [HEAP_ARRAY, HEAP_EQ, HEAP_ANY],
  };
  const all = Object.keys(above).map(Number);
  for (const a of all) {
    for (const b of all) {
      assertEquals(registry.isHeapSubtype(a, b), a === b || above[a].includes(b), `${a} below ${b}`);
    }
  }
});

Deno.test("isValSubtype() never drops null, and takes BOTTOM for everything", () => {
  const registry = new TypeRegistry();
  assert(registry.isValSubtype(refType(HEAP_FUNC), FUNCREF));
  assert(!registry.isValSubtype(FUNCREF, refType(HEAP_FUNC)));
  assert(!registry.isValSubtype(I32, I64));
  for (const type of [I32, V128, FUNCREF, refType(HEAP_ANY)]) assert(registry.isValSubtype(BOTTOM, type));
});

Deno.test("internFuncType() finds the type that a module defines", () => {
  const registry = new TypeRegistry();
  const [id] = idsIn(registry, [0x60, 2, 0x7f, 0x70, 1, 0x7e]);
  assertEquals(registry.internFuncType([I32, FUNCREF], [I64]), id);
  const fresh = registry.internFuncType([V128], []);
  assertEquals(registry.internFuncType([V128], []), fresh);
  assertEquals(idsIn(registry, [0x60, 1, 0x7b, 0]), [fresh]);
  assertNotEquals(fresh, id);
});
