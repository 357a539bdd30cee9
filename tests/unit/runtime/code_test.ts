import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { NONE } from "../../../lib/base/mod.ts";
import { codeArena } from "../../../lib/host/mod.ts";
import { findCode } from "../../../lib/runtime/mod.ts";
import { wat } from "../../wat.ts";
import { compile, loadCode } from "./stores.ts";

const SOURCE = `(module
  (func (export "a") (result i32) i32.const 1)
  (func (export "b") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "c") (result i32) (call 1 (i32.const 4) (i32.const 2))))`;

Deno.test("findCode() finds the code of an address, and nothing after it was released", () => {
  const { module, compiled } = compile(wat(SOURCE));
  const codes = Array.from({ length: 5 }, () => loadCode(compiled, module));
  for (const code of codes) {
    assertStrictEquals(findCode(code.address), code);
    assertStrictEquals(findCode(code.address + code.byteLength - 1), code);
  }
  codes[2].release();
  assertEquals(findCode(codes[2].address), undefined);
  assertStrictEquals(findCode(codes[3].address), codes[3]);
  for (const code of codes) if (code !== codes[2]) code.release();
  assertEquals(findCode(1), undefined);
});

Deno.test("LoadedCode.release() frees the range with the last hold", () => {
  const { module, compiled } = compile(wat(SOURCE));
  const before = codeArena().usedBytes;
  const code = loadCode(compiled, module);
  assert(codeArena().usedBytes > before);
  code.hold();
  code.release();
  assertStrictEquals(findCode(code.address), code);
  code.release();
  assertEquals(codeArena().usedBytes, before);
  assertThrows(() => code.release(), Error, "BUG");
});

Deno.test("LoadedCode finds functions, traps and calls by offset", () => {
  const { module, compiled } = compile(wat(SOURCE));
  const code = loadCode(compiled, module);
  const { functionOffsets, trapPcs, callPcs, callSites } = compiled;
  for (let i = 0; i < 3; i++) {
    assertEquals(code.functionAt(functionOffsets[i]), i);
    assertEquals(code.functionAt(functionOffsets[i + 1] - 1), i);
  }
  assertEquals(code.functionAt(functionOffsets[3]), NONE);
  assertEquals(code.functionAt(-1), NONE);
  assert(trapPcs.length > 0);
  trapPcs.forEach((pc, row) => assertEquals(code.trapAt(pc), row));
  assertEquals(code.trapAt(trapPcs[0] - 1), NONE);
  assertEquals(code.callSiteAt(callPcs[0]), callSites[0]);
  assertEquals(code.callSiteAt(callPcs[0] + 1), NONE);
  assertThrows(() => code.entryThunk(99), Error, "BUG");
  code.release();
});
