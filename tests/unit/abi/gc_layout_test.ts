/** Layouts of garbage-collected objects: offsets, trace maps, subtypes, limits. */

import { assertEquals } from "@std/assert";
import {
  arrayBytes,
  GC_DISPLAY_LENGTH,
  GC_MAX_OFFSET_BYTES,
  GC_TYPE_ROW_BYTES,
  GcArrayHead,
  GcKind,
  GcLayouts,
  GcTypeRow,
  STORAGE,
  STORAGE_BYTES,
  structTooLarge,
  typeDepth,
  typeWord,
} from "../../../lib/abi/mod.ts";
import {
  ANYREF,
  type ArrayType,
  type DefinedType,
  F64,
  FUNCREF,
  type FuncType,
  I16,
  I32,
  I64,
  I8,
  refNullType,
  refType,
  type StructType,
  V128,
  type ValType,
} from "../../../lib/wasm/mod.ts";

const NONE = -1;

function structType(fields: ValType[], supertype = NONE, descriptor = NONE): StructType {
  return {
    kind: "struct",
    isFinal: false,
    supertype,
    groupStart: 0,
    groupSize: 1,
    fields: Int32Array.from(fields),
    fieldMutable: new Uint8Array(fields.length),
    descriptor,
  } as StructType;
}

function arrayType(element: ValType): ArrayType {
  return { kind: "array", isFinal: true, supertype: NONE, groupStart: 0, groupSize: 1, element, isMutable: true };
}

function funcType(params: ValType[]): FuncType {
  return {
    kind: "func",
    isFinal: true,
    supertype: NONE,
    groupStart: 0,
    groupSize: 1,
    params: Int32Array.from(params),
    results: new Int32Array(0),
  };
}

Deno.test("GcLayouts.struct() aligns fields by size, v128 to 8, and traces REFs only", () => {
  const types: DefinedType[] = [
    structType([I8, I16, I8, I64, ANYREF, FUNCREF, V128, I32, refType(1), refNullType(2)]),
    structType([]),
    funcType([]),
  ];
  const layout = new GcLayouts(types).struct(0);
  assertEquals([...layout.offsets], [8, 10, 12, 16, 24, 28, 32, 48, 52, 56]);
  assertEquals([...layout.refOffsets], [24, 52]);
  assertEquals(layout.sizeBytes, 64);
  assertEquals(Array.from(layout.storage, (kind) => STORAGE[kind]), [
    "i8",
    "i16",
    "i8",
    "i64",
    "ref",
    "func",
    "v128",
    "i32",
    "ref",
    "func",
  ]);
  assertEquals(new GcLayouts(types).struct(1).sizeBytes, 8);
});

Deno.test("GcLayouts.struct() places what a subtype inherits as in its supertype, descriptors included", () => {
  const types = [
    structType([I32]),
    structType([I32, I64, ANYREF], 0),
    structType([I32, I64, ANYREF, I8], 1, 5),
    structType([I32, I64, ANYREF, I8, ANYREF], 2, 6),
    structType([F64], NONE, 5),
    structType([]),
    structType([]),
  ];
  const layouts = new GcLayouts(types);
  assertEquals([...layouts.struct(1).offsets], [8, 16, 24]);
  assertEquals([...layouts.struct(2).offsets], [8, 16, 24, 32]);
  assertEquals(layouts.struct(2).descriptorOffset, 28);
  assertEquals([...layouts.struct(3).offsets], [8, 16, 24, 32, 36]);
  assertEquals(layouts.struct(3).descriptorOffset, 28);
  assertEquals([...layouts.struct(3).refOffsets], [24, 28, 36]);
  assertEquals(layouts.struct(4).descriptorOffset, 8);
  assertEquals([...layouts.struct(4).offsets], [16]);
  assertEquals(layouts.struct(0).descriptorOffset, NONE);
  assertEquals([typeDepth(types, 0), typeDepth(types, 3)], [0, 3]);
});

Deno.test("GcLayouts.array() and exn() lay elements and payloads out from 16", () => {
  const types = [arrayType(I8), arrayType(V128), arrayType(ANYREF), funcType([I32, ANYREF, I64]), arrayType(FUNCREF)];
  const layouts = new GcLayouts(types);
  assertEquals(arrayBytes(layouts.array(0), 9), 32);
  assertEquals(arrayBytes(layouts.array(1), 2 ** 32 - 1), 16 + 16 * (2 ** 32 - 1));
  assertEquals([layouts.array(2).elementLog2, layouts.array(4).elementLog2, layouts.array(1).elementLog2], [2, 2, 4]);
  assertEquals([...layouts.exn(3).offsets], [16, 20, 24]);
  assertEquals([...layouts.exn(3).refOffsets], [20]);
  assertEquals(layouts.exn(3).sizeBytes, 32);
});

Deno.test("structTooLarge() finds a struct beyond 64 KiB", () => {
  const fit = structType(new Array((GC_MAX_OFFSET_BYTES - 8) / 8).fill(I64));
  const over = structType(new Array((GC_MAX_OFFSET_BYTES - 8) / 8 + 1).fill(I64));
  assertEquals(structTooLarge([fit, arrayType(I8)]), NONE);
  assertEquals(structTooLarge([fit, over]), 1);
});

Deno.test("type words and type table rows have room for what they say", () => {
  assertEquals(typeWord(structType([]), 7), GcKind.struct << 24 | 7);
  assertEquals(typeWord(funcType([]), 7), 7);
  assertEquals(GcTypeRow.display + 4 * GC_DISPLAY_LENGTH, GC_TYPE_ROW_BYTES);
  assertEquals(GcArrayHead.offsets.length, 8);
  assertEquals(STORAGE_BYTES.length, STORAGE.length);
});
