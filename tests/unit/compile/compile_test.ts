/** The isolate's compiler: it survives what interrupts it, and costs of extreme functions stay linear. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { compileModule, type CompileOptions } from "../../../lib/compile/mod.ts";
import { ALL_FEATURES, decodeModule, type Module, validateModule } from "../../../lib/wasm/mod.ts";
import { wat } from "../../wat.ts";

const OPTIONS: CompileOptions = { bounds: "guard", cpuFeatures: 0, effort: "speed", checks: "on" };

function decode(text: string): Module {
  const module = decodeModule(wat(text), ALL_FEATURES);
  validateModule(module);
  return module;
}

const TABLES = decode(`(module (func (param i32) (result i32)
  (block (result i32) (block (result i32) (br_table 0 1 0 1 0 1 (i32.const 1) (local.get 0))))))`);
const SUMS = decode(`(module (memory 1)
  (func (param i32) (result i32) (loop (br_if 0 (local.tee 0 (i32.load (local.get 0))))) (local.get 0))
  (func (param i32) (result i32) (call 0 (i32.div_s (local.get 0) (i32.const 7)))))`);

Deno.test("compileModule() gives the same bytes after a compilation that a listener ended", () => {
  const expected = compileModule(TABLES, OPTIONS).code;
  for (let last = 1; last <= 2; last++) {
    const onProgress = (done: number) => {
      if (done === last) throw new RangeError("enough");
    };
    assertThrows(() => compileModule(SUMS, { ...OPTIONS, onProgress }), RangeError, "enough");
    assertEquals(compileModule(TABLES, OPTIONS).code, expected);
  }
});

Deno.test("compileModule() compiles another module while a listener of the first one runs", () => {
  const expected = compileModule(SUMS, OPTIONS), inner = compileModule(TABLES, OPTIONS);
  const compiled = compileModule(SUMS, {
    ...OPTIONS,
    onProgress: () => assertEquals(compileModule(TABLES, OPTIONS), inner),
  });
  assertEquals(compiled, expected);
});

Deno.test("compileModule() compiles a module without functions", () => {
  const { functionOffsets, callPcs } = compileModule(decode("(module)"), OPTIONS);
  assertEquals([functionOffsets.length, callPcs.length], [1, 0]);
});

// Anything quadratic takes minutes here.
const MANY = 50_000;
const GET = [0x20, 0], BR_IF = [0x0d, 0], END = 0x0b, VOID = 0x40;
const COUNT_DOWN = [...GET, 0x41, 1, 0x6b, 0x22, 0]; // local.tee 0 (i32.sub (local.get 0) (i32.const 1))
const times = (code: number[]) => Array.from({ length: MANY }, () => code).flat();
const EXTREMES = {
  "branches to one label": [0x02, VOID, ...times([...GET, ...BR_IF]), END],
  "loops in each other": [...times([0x03, VOID]), ...times([...COUNT_DOWN, ...BR_IF, END])],
  "ifs in each other": [...times([...GET, 0x04, VOID]), ...COUNT_DOWN, 0x1a, ...times([END])],
};

/** A module of one function (i32) -> (i32) with the given code before its result. */
function moduleOf(code: number[]): Uint8Array<ArrayBuffer> {
  const size = (n: number) => [n & 127 | 128, n >> 7 & 127 | 128, n >> 14 & 127 | 128, n >> 21];
  const body = [0, ...code, ...GET, END];
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 10];
  return Uint8Array.from([...head, ...size(body.length + 5), 1, ...size(body.length), ...body]);
}

for (const [name, code] of Object.entries(EXTREMES)) {
  Deno.test(`compileModule() is not quadratic in ${name}`, () => {
    const module = decodeModule(moduleOf(code), ALL_FEATURES);
    validateModule(module);
    const start = performance.now();
    compileModule(module, { ...OPTIONS, checks: "off" });
    assert(performance.now() - start < 20_000);
  });
}
