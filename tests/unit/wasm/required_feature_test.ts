/** Which feature stands between a valid module and the compiler. */

import { assertEquals } from "@std/assert";
import {
  ALL_FEATURES,
  decodeModule,
  requiredFeature,
  validateModule,
  WASM2_FEATURES,
  withFeatures,
  withoutFeatures,
} from "../../../lib/wasm/mod.ts";
import { type Bytes, code, instr, moduleBytes, name, vector } from "../../fuzz/generators/binary.ts";

// Whatever the compiler compiles by now.
const SUPPORTED = withFeatures(withoutFeatures(WASM2_FEATURES, "simd"), "extended-const");

function required(bytes: Uint8Array): string | undefined {
  const module = decodeModule(bytes, ALL_FEATURES);
  validateModule(module);
  return requiredFeature(module, SUPPORTED);
}

const end = instr("end");
const drop = instr("drop");
const i32 = (value: number) => instr("i32.const", value);
const FUNC_NOTHING = [0x60, 0, 0];

const body = (...instructions: Bytes[]) =>
  moduleBytes(
    [1, vector(FUNC_NOTHING, [0x60, 1, 0x7f, 2, 0x7f, 0x7f])],
    [3, vector([0])],
    [4, vector([0x70, 0, 1], [0x6f, 0, 1])],
    [5, vector([0, 1])],
    [7, vector([name("f"), 0, 0])],
    [10, vector(code([], ...instructions))],
  );

Deno.test("requiredFeature() is undefined for WebAssembly 2.0 without SIMD, and extended constants", () => {
  const modules = [
    body(i32(1), instr("i32.extend8_s"), drop, instr("f32.const", 0, 0, 0, 0), instr("i64.trunc_sat_f32_u"), drop),
    body(i32(1), instr("block", 1), i32(2), end, drop, drop),
    body(instr("ref.null", 0x6f), instr("ref.null", 0x6f), i32(0), instr("select t", 1, 0x6f), drop),
    body(instr("ref.func", 0), instr("ref.is_null"), drop, i32(0), instr("table.get", 1), drop),
    body(i32(0), i32(0), i32(0), instr("memory.copy", 0, 0), i32(0), i32(0), i32(0), instr("table.copy", 0, 0)),
    moduleBytes([6, vector([0x7f, 0, i32(1), i32(1), instr("i32.add"), end])]),
    moduleBytes([2, vector([name(""), name(""), 3, 0x7f, 1])]),
  ];
  for (const bytes of modules) assertEquals(required(bytes), undefined);
});

Deno.test("requiredFeature() names the first feature beyond", () => {
  const cases: [string, Uint8Array][] = [
    ["simd", body(i32(0), instr("v128.load", 0, 0), drop)],
    ["simd", moduleBytes([1, vector([0x60, 1, 0x7b, 0])])],
    ["multi-memory", moduleBytes([5, vector([0, 1], [0, 1])])],
    ["memory64", moduleBytes([5, vector([4, 1])])],
    ["memory64", moduleBytes([4, vector([0x70, 4, 1])])],
    ["threads", moduleBytes([5, vector([3, 1, 1])])],
    ["threads", body(i32(0), instr("i32.atomic.load", 2, 0), drop)],
    ["exceptions", moduleBytes([1, vector(FUNC_NOTHING)], [13, vector([0, 0])])],
    ["exceptions", body(instr("ref.null", 0x69), drop)],
    ["legacy-exceptions", body(instr("try", 0x40), end)],
    ["function-references", body(instr("ref.null", 0), drop)],
    ["function-references", body(instr("block", 0x64, 0x70), instr("ref.func", 0), end, drop)],
    ["gc", body(instr("ref.null", 0x6e), drop)],
    ["gc", moduleBytes([1, vector([0x5f, 0])])],
    ["gc", moduleBytes([6, vector([0x7f, 0, i32(1), end], [0x7f, 0, instr("global.get", 0), end])])],
  ];
  for (const [feature, bytes] of cases) assertEquals(required(bytes), feature);
});

Deno.test("requiredFeature() takes what is supported from its caller", () => {
  const module = decodeModule(body(instr("unreachable"), instr("f32x4.relaxed_min"), drop));
  assertEquals(requiredFeature(module, SUPPORTED), "relaxed-simd");
  assertEquals(requiredFeature(module, ALL_FEATURES), undefined);
  const tailCall = decodeModule(body(instr("return_call", 0)));
  assertEquals(requiredFeature(tailCall, withoutFeatures(ALL_FEATURES, "tail-call")), "tail-call");
  assertEquals(requiredFeature(module, withoutFeatures(ALL_FEATURES, "reference-types")), "reference-types");
});
