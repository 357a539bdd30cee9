/** The decoder: what a module's data looks like, what malformed bytes are told, names, features. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { NONE } from "../../../lib/base/mod.ts";
import {
  CompileError,
  decodeModule,
  EXTERNREF,
  featureNames,
  featureSet,
  FUNCREF,
  funcTypeOf,
  HEAP_FUNC,
  I32,
  I64,
  type Module,
  refType,
  usedFeatures,
  validateModule,
  WASM2_FEATURES,
} from "../../../lib/wasm/mod.ts";
import { type Bytes, code, instr, moduleBytes, name, u32, vector } from "../../fuzz/generators/binary.ts";

const end = instr("end");
const i32 = (value: number) => instr("i32.const", value);
const FUNC_NOTHING = [0x60, 0, 0];

const refusal = (bytes: Uint8Array) => assertThrows(() => validateModule(decodeModule(bytes)), CompileError);

Deno.test("decodeModule() fills index spaces with imports first", () => {
  const module = decodeModule(moduleBytes(
    [1, vector(FUNC_NOTHING, [0x60, 1, 0x7f, 1, 0x7e])],
    [
      2,
      vector(
        [name("env"), name("f"), 0, 1],
        [name("env"), name("t"), 1, 0x6f, 0, 3],
        [name("env"), name("g"), 3, 0x7e, 1],
        [name("env"), name("e"), 4, 0, 0],
      ),
    ],
    [3, vector([0])],
    [4, vector([0x70, 1, 1, u32(1000)])],
    [5, vector([0, 1])],
    [6, vector([0x7f, 0, i32(42), end])],
    [7, vector([name("run"), 0, 1], [name("mem"), 2, 0])],
    [8, [1]],
    [10, vector(code([[3, [0x7f]]], instr("nop")))],
  ));
  validateModule(module);
  assertEquals([...module.funcs], [1, 0]);
  assertEquals(module.importedFuncCount, 1);
  assertEquals([...funcTypeOf(module, 0).params, ...funcTypeOf(module, 0).results], [I32, I64]);
  assertEquals(module.imports.map(({ kind, name, index }) => `${kind} ${name} ${index}`), [
    "func f 0",
    "table t 0",
    "global g 0",
    "tag e 0",
  ]);
  const [imported, defined] = module.tables;
  assertEquals([imported.element, imported.minimum, imported.maximum], [EXTERNREF, 3, undefined]);
  assertEquals([defined.element, defined.minimum, defined.maximum], [FUNCREF, 1, 1000]);
  assertEquals(module.globals.map(({ type, isMutable }) => [type, isMutable]), [[I64, true], [I32, false]]);
  assertEquals(module.globals[1].init?.instrs, [{ name: "i32.const", value: 42 }]);
  assertEquals([module.start, module.dataCount], [1, NONE]);
  assertEquals(module.exports, [{ name: "run", kind: "func", index: 1 }, { name: "mem", kind: "memory", index: 0 }]);
  const [body] = module.bodies;
  assertEquals([...module.bytes.subarray(body.start, body.end)], [1, 3, 0x7f, 0x01, 0x0b]);
});

Deno.test("decodeModule() keeps element segments as function indices where it can", () => {
  const refFunc = (index: number) => [instr("ref.func", index), end];
  const refNull = [instr("ref.null", 0x70), end];
  const module = decodeModule(moduleBytes(
    [1, vector(FUNC_NOTHING)],
    [3, vector([0], [0])],
    [4, vector([0x70, 0, 10])],
    [6, vector([0x70, 0, refFunc(0)])],
    [
      9,
      vector(
        [0, i32(1), end, vector([1], [0])],
        [5, 0x70, vector(refFunc(1), refNull)],
        [7, 0x70, vector(refFunc(1), [instr("global.get", 0), end])],
      ),
    ],
    [10, vector(code([]), code([]))],
  ));
  validateModule(module);
  const [active, passive, declared] = module.elements;
  assertEquals([active.mode, active.type, [...active.funcs!]], ["active", refType(HEAP_FUNC), [1, 0]]);
  assertEquals([passive.mode, passive.type, [...passive.funcs!]], ["passive", FUNCREF, [1, NONE]]);
  assertEquals([declared.mode, declared.funcs, declared.length], ["declared", undefined, 2]);
  assertEquals(declared.exprs!.map(({ instrs }) => instrs), [
    [{ name: "ref.func", funcIndex: 1 }],
    [{ name: "global.get", globalIndex: 0 }],
  ]);
  assert(module.declaredFuncs.has(0) && module.declaredFuncs.has(1));
});

Deno.test("decodeModule() decodes every instruction of constant expressions", () => {
  const bytes = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
  const module = decodeModule(moduleBytes(
    [1, vector([0x5f, 1, 0x7f, 0], [0x5e, 0x78, 1])],
    [
      6,
      vector(
        [0x7e, 0, instr("i64.const", 0x7f), end],
        [0x7d, 0, instr("f32.const", ...bytes(4)), end],
        [0x7c, 0, instr("f64.const", ...bytes(8)), end],
        [0x7b, 0, instr("v128.const", ...bytes(16)), end],
        [0x7f, 0, i32(2), i32(3), instr("i32.mul"), i32(1), instr("i32.sub"), end],
        [0x63, 0, 0, instr("global.get", 4), instr("struct.new", 0), end],
        [0x63, 1, 0, i32(1), i32(2), instr("array.new_fixed", 1, 2), end],
        [0x6e, 0, i32(7), instr("ref.i31"), end],
        [0x6f, 0, instr("ref.null", 0x6e), instr("extern.convert_any"), end],
      ),
    ],
  ));
  validateModule(module);
  assertEquals(module.globals.map(({ init }) => init!.instrs), [
    [{ name: "i64.const", lo: -1, hi: -1 }],
    [{ name: "f32.const", bits: 0x04030201 }],
    [{ name: "f64.const", lo: 0x04030201, hi: 0x08070605 }],
    [{ name: "v128.const", words: Int32Array.of(0x04030201, 0x08070605, 0x0c0b0a09, 0x100f0e0d) }],
    [
      { name: "i32.const", value: 2 },
      { name: "i32.const", value: 3 },
      { name: "i32.mul" },
      { name: "i32.const", value: 1 },
      { name: "i32.sub" },
    ],
    [{ name: "global.get", globalIndex: 4 }, { name: "struct.new", typeIndex: 0 }],
    [
      { name: "i32.const", value: 1 },
      { name: "i32.const", value: 2 },
      { name: "array.new_fixed", typeIndex: 1, count: 2 },
    ],
    [{ name: "i32.const", value: 7 }, { name: "ref.i31" }],
    [{ name: "ref.null", heapType: -0x12 }, { name: "extern.convert_any" }],
  ]);
});

Deno.test("decodeModule() says what is malformed, and where", () => {
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const cases: [Bytes, string][] = [
    [[], "at offset 0x0: magic header not detected: expected bytes 00 61 73 6d"],
    [[0x00, 0x61, 0x73, 0x6d, 0x02, 0, 0, 0], "at offset 0x4: unknown binary version 0x2, expected 1"],
    [[0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], "at offset 0x4: this is a component, not a module"],
    [[...header, 14, 0], "at offset 0x8: malformed section id 14"],
    [[...header, 1, 5, 0], "at offset 0x8: section of 5 bytes extends beyond the module"],
    [[...header, 1, 2, 0, 0], "at offset 0xb: section size mismatch: type section has 1 more bytes"],
    [[...header, 3, 1, 0, 1, 1, 0], "at offset 0xb: unexpected type section: out of order or repeated"],
    [[...header, 1, 2, 1, 0x61], "at offset 0xb: malformed type form 0x61"],
    [
      [...header, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
      "at offset 0x12: function and code section have inconsistent lengths 1 and 0",
    ],
    [[...header, 3, 2, 1, 0], "at offset 0xb: unknown type 0"],
    [[...header, 0, 1, 5], "at offset 0xb: unexpected end"],
  ];
  for (const [bytes, message] of cases) {
    const error = refusal(Uint8Array.from((bytes as number[]).flat()));
    assertEquals(error.message, message);
    assertEquals(error.functionIndex, undefined);
  }
});

Deno.test("decodeModule() refuses what needs a feature that is not enabled", () => {
  const mvp = featureSet("mvp");
  const cases: [Uint8Array, string][] = [
    [moduleBytes([5, vector([4, 1])]), "at offset 0xb: the feature memory64 is not enabled"],
    [moduleBytes([5, vector([3, 1, 1])]), "the feature threads is not enabled"],
    [moduleBytes([5, vector([0, 1], [0, 1])]), "the feature multi-memory is not enabled"],
    [moduleBytes([1, vector([0x5f, 0])]), "the feature gc is not enabled"],
    [moduleBytes([1, vector([0x60, 1, 0x7b, 0])]), "the feature simd is not enabled"],
    [moduleBytes([12, [0]]), "the feature bulk-memory is not enabled"],
    [moduleBytes([1, vector(FUNC_NOTHING)], [13, vector([0, 0])]), "the feature exceptions is not enabled"],
    [
      moduleBytes([6, vector([0x7f, 0, i32(1), i32(1), instr("i32.add"), end])]),
      "the feature extended-const is not enabled",
    ],
    [
      moduleBytes([1, vector(FUNC_NOTHING)], [3, vector([0])], [10, vector(code([], i32(1), instr("i32.extend8_s")))]),
      "in function 0: the feature sign-extension is not enabled",
    ],
  ];
  for (const [bytes, message] of cases) {
    assertThrows(() => validateModule(decodeModule(bytes, mvp)), CompileError, message);
    validateOrInvalid(bytes);
  }
});

/** With all features the modules above may still be invalid for other reasons, but need no feature. */
function validateOrInvalid(bytes: Uint8Array): void {
  try {
    validateModule(decodeModule(bytes));
  } catch (error) {
    assert(!(error as Error).message.includes("feature"), String(error));
  }
}

Deno.test("CompileError names function index and name", () => {
  const bytes = moduleBytes(
    [1, vector([0x60, 0, 1, 0x7f])],
    [2, vector([name("m"), name("f"), 0, 0])],
    [3, vector([0])],
    [10, vector(code([], instr("i64.const", 1)))],
    [0, [name("name"), 1, u32(11), vector([0, name("imp")], [1, name("foo")])]],
  );
  const error = refusal(bytes);
  assertEquals(error.message, 'at offset 0x23 in function 1 "foo": expected i32, found i64');
  assertEquals([error.name, error.functionIndex, error.offsetBytes], ["CompileError", 1, 0x23]);
  assertEquals(error.reason, "expected i32, found i64");
});

Deno.test("module.names gives names, and nothing from malformed sections", () => {
  const withNames = (...content: Bytes[]) =>
    decodeModule(moduleBytes(
      [1, vector(FUNC_NOTHING)],
      [3, vector([0])],
      [10, vector(code([[2, [0x7f]]]))],
      [0, [name("name"), ...content]],
    ));
  const { names } = withNames(
    [0, 4, name("mod")],
    [1, 4, vector([0, name("f")])],
    [2, 8, vector([0, vector([0, name("x")], [1, name("")])])],
  );
  assertEquals([names.moduleName, names.func(0), names.func(1)], ["mod", "f", undefined]);
  assertEquals([names.local(0, 0), names.local(0, 1), names.local(0, 2), names.local(7, 0)], [
    "x",
    "",
    undefined,
    undefined,
  ]);
  const broken = withNames([0, 4, name("mod")], [1, 200, 5]).names;
  assertEquals([broken.moduleName, broken.func(0)], ["mod", undefined]);
});

Deno.test("customSections lists every custom section", () => {
  const module = decodeModule(moduleBytes([0, [name("a"), 1, 2, 3]], [1, vector()], [0, [name("b")]]));
  assertEquals(module.customSections.map(({ name, start, end }) => [name, ...module.bytes.subarray(start, end)]), [
    ["a", 1, 2, 3],
    ["b"],
  ]);
});

Deno.test("usedFeatures() counts what a module uses, not what is enabled", () => {
  const used = (module: Module) => featureNames(usedFeatures(module));
  const bare = moduleBytes([1, vector(FUNC_NOTHING)], [3, vector([0])], [10, vector(code([]))]);
  assertEquals(used(decodeModule(bare)), ["mvp"]);
  const tables = moduleBytes([4, vector([0x70, 0, 1], [0x6f, 0, 1])]);
  assertEquals(used(decodeModule(tables)), ["reference-types"]);
  assertEquals(used(decodeModule(tables, WASM2_FEATURES)), ["reference-types"]);
});
