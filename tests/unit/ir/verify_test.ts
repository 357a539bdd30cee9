/** The verifier: each defect it names is found, and only in functions that have it. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { InternalError } from "../../../lib/base/mod.ts";
import { checkFunc, Func, Ir, parseFunc, verifyFunc } from "../../../lib/ir/mod.ts";

const GOOD = `
sig0 (i32, i64) -> (i32)
sig1 (i32) -> (i32, i64)
func 0 sig0 {
b0:
  v0:i32 = param 0
  v1:i64 = param 1
  v2:addr = vmctx_addr 64, _
  v3:addr = addr_add v2, v1
  v4:i32 = load v3, _, +0, memory!2
  br_if v4, b1, b2
b1:
  v5:i32 = call 3(v0), sig1
  v6:i64 = proj v5, 1
  store v2, v1, v6, +8, memory!2
  jump b3(v5)
b2:
  jump b3(v4)
b3(v7:i32):
  return (v7)
}`;

Deno.test("checkFunc() accepts a well-formed function", () => {
  assertEquals(checkFunc(parseFunc(GOOD)), []);
});

/** Replaces one line's text; the result must be malformed, for a reason that names `reason`. */
const DEFECTS: readonly [what: string, from: string, to: string, reason: string][] = [
  ["an operand of another type", "v3:addr = addr_add v2, v1", "v3:addr = addr_add v2, v0", "wrong types"],
  ["a result of another type", "v4:i32 = load", "v4:f64 = load", "wrong types"],
  ["a param of another type than the signature", "v0:i32 = param 0", "v0:i32 = param 1", "wrong types"],
  ["an address of an integer", "load v3, _,", "load v1, _,", "wrong types"],
  ["an index of 32 bits", "store v2, v1, v6", "store v2, v0, v6", "wrong types"],
  ["arguments that do not fit the signature", "call 3(v0)", "call 3(v1)", "wrong types"],
  ["too few arguments of a call", "call 3(v0)", "call 3()", "wrong types"],
  ["a projection of another result", "proj v5, 1", "proj v5, 0", "wrong types"],
  ["a projection away from its call", "v6:i64 = proj", "v8:i32 = iadd v0, v0\n  v6:i64 = proj", "wrong types"],
  ["a returned value of another type", "return (v7)", "return (v1)", "wrong types"],
  ["a jump with too few arguments", "jump b3(v4)", "jump b3()", "arguments do not fit"],
  ["a jump with an argument of another type", "jump b3(v4)", "jump b3(v1)", "arguments do not fit"],
  ["a branch on 64 bits", "br_if v4", "br_if v1", "wrong types"],
  ["a branch to a block with parameters", "br_if v4, b1, b2", "br_if v4, b1, b3", "has parameters"],
  ["a use that the definition does not dominate", "return (v7)", "return (v5)", "does not dominate"],
  ["a use before the definition", "v4:i32 = load v3", "v9:i32 = iadd v4, v4\n  v4:i32 = load v3", "does not dominate"],
  ["an address across a call", "store v2, v1, v6", "store v3, v1, v6", "across a call"],
  ["a block without an end", "  jump b3(v4)\n", "  v9:i32 = iadd v0, v0\n", "terminates"],
  ["an end in the middle", "v4:i32 = load v3", "trap trap=1\n  v4:i32 = load v3", "terminates"],
  ["a jump to the entry", "jump b3(v5)", "jump b0(v5)", "entry"],
];

for (const [what, from, to, reason] of DEFECTS) {
  Deno.test(`checkFunc() finds ${what}`, () => {
    assert(GOOD.includes(from));
    const errors = checkFunc(parseFunc(GOOD.replace(from, to)));
    assert(errors.some((error) => error.includes(reason)), `${errors}`);
  });
}

Deno.test("checkFunc() finds what text cannot say", () => {
  const broken = (change: (func: Func) => void): string => {
    const func = parseFunc(GOOD);
    change(func);
    return checkFunc(func).join("\n");
  };
  const find = (func: Func, op: number) => func.op.indexOf(op);
  assert(broken((func) => func.order[3] = func.order[2]).includes("stands twice"));
  assert(broken((func) => func.replaceWith(3 as never, 2 as never)).includes("copy"));
  assert(broken((func) => func.a[find(func, Ir.load)] = 9999).includes("does not exist"));
  assert(broken((func) => func.imm[find(func, Ir.block_param)] = 1).includes("no parameter of block"));
  assert(broken((func) => func.imm[find(func, Ir.br_if)] = 77).includes("does not exist"));
  assert(broken((func) => func.blockEnd[1] = 10_000).includes("range"));
});

Deno.test("checkFunc() finds a loop that is entered in the middle", () => {
  const errors = checkFunc(parseFunc(`
sig0 (i32) -> ()
func 0 sig0 {
b0:
  v0:i32 = param 0
  br_if v0, b1, b2
b1:
  jump b3()
b2:
  jump b4()
b3:
  jump b4()
b4:
  jump b3()
}`));
  assert(errors.some((error) => error.includes("entered in the middle")), `${errors}`);
});

for (const [what, call] of [["call", "call 3(), sig1"], ["poll", "poll"]]) {
  Deno.test(`checkFunc() finds an address that is live around a loop with a ${what}`, () => {
    const text = (base: string) => `
sig0 (i64, i32) -> ()
sig1 () -> ()
func 0 sig0 {
b0:
  v0:i64 = param 0
  v1:i32 = param 1
  v2:addr = vmctx_addr 64, _
  v3:addr = addr_add v2, v0
  jump b1()
b1:
  store ${base}, _, v1, +0, memory!2
  br_if v1, b2, b3
b2:
  ${call}
  jump b1()
b3:
  return ()
}`;
    assertEquals(checkFunc(parseFunc(text("v2"))), []);
    assert(checkFunc(parseFunc(text("v3"))).some((error) => error.includes("across a call")));
  });
}

Deno.test("verifyFunc() throws an internal error that names the pass", () => {
  assertThrows(
    () => verifyFunc(parseFunc(GOOD.replace("br_if v4", "br_if v1")), "motion"),
    InternalError,
    "after motion",
  );
  verifyFunc(parseFunc(GOOD));
});

const UNWINDING = `
sig0 (i32, i64) -> (i32)
sig1 (i32) -> (i32, i64)
func 0 sig0 {
b0:
  v0:i32 = param 0
  v1:i64 = param 1
  v5:i32 = call 3(v0), sig1
  v6:i64 = proj v5, 1
  unwind_edge [8, 0], b1, b2
b1:
  v7:i32 = wrap v6
  jump b3(v7)
b2 cold:
  v8:addr = record
  v9:i32 = load v8, _, +8, vm
  jump b3(v9)
b3(v10:i32):
  return (v10)
}`;

Deno.test("checkFunc() accepts a call with a pad, and finds what unwinding breaks (IR-9)", () => {
  assertEquals(checkFunc(parseFunc(UNWINDING)), []);
  const defects: [from: string, to: string, reason: string][] = [
    ["jump b3(v9)", "jump b3(v5)", "may have unwound"],
    ["return (v10)", "return (v5)", "may have unwound"],
    ["v6:i64 = proj v5, 1", "v6:i64 = iadd v1, v1", "wrong types"],
    ["[8, 0], b1, b2", "[8, 0], b1, b3", "has parameters"],
    ["jump b3(v9)", "jump b1()", "several predecessors"],
  ];
  for (const [from, to, reason] of defects) {
    const errors = checkFunc(parseFunc(UNWINDING.replace(from, to)));
    assert(errors.some((error) => error.includes(reason)), `${to}: ${errors}`);
  }
});
