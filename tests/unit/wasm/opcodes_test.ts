/** The opcode table: unique codes, consistent columns, and one example per row that decodes, re-encodes and validates. */

import { assert, assertEquals } from "@std/assert";
import { CodeBuffer } from "../../../lib/base/mod.ts";
import {
  ALL_FEATURES,
  BodyReader,
  decodeModule,
  EXACT_HEAP,
  featureBit,
  FEATURES,
  type Immediate,
  IMMEDIATE_KINDS,
  immediateKinds,
  type ImmediateValues,
  OP,
  OP_BY_CODE,
  OP_COUNT,
  OP_FEATURE,
  OP_FLAG,
  OP_FLAGS,
  OP_IMMEDIATES,
  OP_IRREGULAR,
  OPCODES,
  opName,
  perOp,
  readImmediates,
  readOp,
  refNullType,
  skipImmediates,
  usedFeatures,
  V128,
  validateModule,
  writeInstruction,
} from "../../../lib/wasm/mod.ts";
import { exampleModules, v8FlagOf } from "../../fuzz/generators/op_examples.ts";

/** A value of each kind of immediate, chosen to need more than one byte where that is possible. */
const SAMPLES: ImmediateValues = {
  block: { typeIndex: 300 },
  label: 200,
  labels: [1, 300, 2, 0],
  catches: [{ kind: "catch_ref", tag: 130, label: 1 }, { kind: "catch_all", tag: undefined, label: 300 }],
  func: 70000,
  type: 128,
  table: 129,
  memory: 130,
  global: 131,
  local: 132,
  tag: 133,
  data: 134,
  elem: 135,
  field: 136,
  count: 137,
  heap: EXACT_HEAP + 64,
  types: [V128, refNullType(-16), refNullType(700)],
  handlers: [{ tag: 130, label: 300 }, { tag: 7, label: undefined }],
  castflags: 3,
  memarg: { alignLog2: 2, memoryIndex: 200, offsetLo: -1, offsetHi: 7 },
  atomic: { alignLog2: 3, memoryIndex: 0, offsetLo: 0x7fffffff, offsetHi: 0 },
  i32: -0x80000000,
  i64: { lo: 0, hi: -0x80000000 },
  f32: 0x7fa00000,
  f64: { lo: 1, hi: 0x7ff40000 },
  v128: [1, -2, 3, -4],
  lanes: Array.from({ length: 16 }, (_, i) => 31 - i),
  lane: 15,
  zero: 0,
};

Deno.test("OPCODES has no two rows with the same name or code", () => {
  assertEquals(new Set(OPCODES.map(([name]) => name)).size, OP_COUNT);
  assertEquals(new Set(OPCODES.map(([, code]) => code)).size, OP_COUNT);
  assertEquals(OP_BY_CODE.filter((op) => op >= 0).length, OP_COUNT);
});

Deno.test("readOp(), readImmediates() and skipImmediates() invert writeInstruction() on every row", () => {
  for (let op = 0; op < OP_COUNT; op++) {
    const immediates = immediateKinds(op).map((kind) => ({ kind, value: SAMPLES[kind] }) as Immediate);
    const out = new CodeBuffer();
    writeInstruction(out, op, immediates);
    const bytes = out.toBytes();
    const reader = new BodyReader(bytes);
    reader.features = ALL_FEATURES;
    assertEquals(opName(readOp(reader)), opName(op));
    const start = reader.pos;
    assertEquals(readImmediates(op, reader), immediates, opName(op));
    assert(reader.atEnd, opName(op));
    reader.pos = start;
    skipImmediates(op, reader);
    assert(reader.atEnd, opName(op));
  }
});

Deno.test("every immediate kind is used by some row", () => {
  const used = new Set(OPCODES.flatMap((_, op) => immediateKinds(op)));
  assertEquals(IMMEDIATE_KINDS.filter((kind) => !used.has(kind)), []);
});

Deno.test("readOp() refuses every code that no row has", () => {
  const isKnown = (prefix: number, subcode: number) =>
    OPCODES.some(([, code]) => code === (subcode < 0x100 ? prefix * 0x100 : prefix * 0x1000) + subcode);
  for (const prefix of [0xfb, 0xfc, 0xfd, 0xfe, 0xff]) {
    for (let subcode = 0; subcode < 0x400; subcode++) {
      const reader = new BodyReader(Uint8Array.of(prefix, subcode & 0x7f | 0x80, subcode >> 7));
      let found = true;
      try {
        readOp(reader);
      } catch {
        found = false;
      }
      assertEquals(found, isKnown(prefix, subcode), `${prefix.toString(16)} ${subcode.toString(16)}`);
    }
  }
});

Deno.test("perOp() indexes entries by operation", () => {
  const names = perOp(Object.fromEntries(OPCODES.map(([name]) => [name, name])) as typeof OP_NAMES);
  assertEquals(names[OP["i64.atomic.rmw32.cmpxchg_u"]], "i64.atomic.rmw32.cmpxchg_u");
  assertEquals(names.length, OP_COUNT);
});

const OP_NAMES = OP as unknown as Record<keyof typeof OP, string>;

Deno.test("OP_FLAGS marks memory accesses, and each of them may trap or is a size query", () => {
  const exceptions = ["memory.size", "memory.grow"];
  for (let op = 0; op < OP_COUNT; op++) {
    if ((OP_FLAGS[op] & OP_FLAG.memory) === 0 || exceptions.includes(opName(op))) continue;
    assert((OP_FLAGS[op] & OP_FLAG.traps) !== 0, opName(op));
  }
});

Deno.test("rows with a signature have immediates that say nothing about types", () => {
  for (let op = 0; op < OP_COUNT; op++) {
    if (OP_IRREGULAR[op] === 0) assertEquals(OP_FLAGS[op] & OP_FLAG.types, 0, opName(op));
    assert(OP_IMMEDIATES[op] <= OP_IMMEDIATES[op + 1]);
  }
});

Deno.test("every row's example is valid for validateModule() and for WebAssembly.validate, and uses the row's feature", () => {
  let modules = 0;
  for (let op = 0; op < OP_COUNT; op++) {
    for (const bytes of exampleModules(op)) {
      const module = decodeModule(bytes, ALL_FEATURES);
      validateModule(module);
      if (v8FlagOf(op) === undefined) assert(WebAssembly.validate(bytes), opName(op));
      const feature = FEATURES[OP_FEATURE[op]][0];
      assert((usedFeatures(module) & featureBit(feature)) !== 0, `${opName(op)} uses ${feature}`);
      modules++;
    }
  }
  assert(modules > OP_COUNT);
});
