import { assertEquals } from "@std/assert";
import { evaluateConst } from "../../../lib/runtime/mod.ts";
import type { ConstInstr } from "../../../lib/wasm/mod.ts";

const context = {
  get gc(): never {
    throw new Error("no object is made");
  },
  typeId: (index: number) => index,
  readGlobal: (index: number, words: Int32Array) => words.set([index, -1, 0, 0]),
  functionAddress: (index: number) => 0x7fff_0000_0000 + index,
};

function evaluate(...instrs: ConstInstr[]): number[] {
  const words = Int32Array.of(9, 9, 9, 9);
  evaluateConst({ instrs, offsetBytes: 0 }, context, words);
  return [...words];
}

Deno.test("evaluateConst() keeps every bit of constants", () => {
  assertEquals(evaluate({ name: "i32.const", value: -5 }), [-5, 0, 0, 0]);
  assertEquals(evaluate({ name: "i64.const", lo: 1, hi: -2 }), [1, -2, 0, 0]);
  assertEquals(evaluate({ name: "f32.const", bits: 0x7f800001 }), [0x7f800001, 0, 0, 0]);
  assertEquals(evaluate({ name: "f64.const", lo: 1, hi: 0x7ff00000 }), [1, 0x7ff00000, 0, 0]);
  assertEquals(evaluate({ name: "v128.const", words: Int32Array.of(1, 2, 3, 4) }), [1, 2, 3, 4]);
});

Deno.test("evaluateConst() reads globals, functions and null", () => {
  assertEquals(evaluate({ name: "global.get", globalIndex: 3 }), [3, -1, 0, 0]);
  assertEquals(evaluate({ name: "ref.func", funcIndex: 5 }), [5, 0x7fff, 0, 0]);
  assertEquals(evaluate({ name: "ref.null", heapType: -16 }), [0, 0, 0, 0]);
});

Deno.test("evaluateConst() wraps extended arithmetic at its width", () => {
  const i32 = (value: number): ConstInstr => ({ name: "i32.const", value });
  const i64 = (lo: number, hi: number): ConstInstr => ({ name: "i64.const", lo, hi });
  assertEquals(evaluate(i32(0x7fffffff), i32(1), { name: "i32.add" })[0], -0x80000000);
  assertEquals(evaluate(i32(3), i32(5), { name: "i32.sub" })[0], -2);
  assertEquals(evaluate(i32(0x10001), i32(0x10001), { name: "i32.mul" })[0], 0x20001);
  assertEquals(evaluate(i64(-1, 0), i64(1, 0), { name: "i64.add" }), [0, 1, 0, 0]);
  assertEquals(evaluate(i64(0, 0), i64(1, 0), { name: "i64.sub" }), [-1, -1, 0, 0]);
  assertEquals(evaluate(i64(0, 1), i64(3, 0), { name: "i64.mul" }), [0, 3, 0, 0]);
  assertEquals(evaluate(i32(2), i32(3), { name: "i32.mul" }, i32(4), { name: "i32.add" })[0], 10);
});
