/** The text form: everything printed parses back to the same, whatever the names and ids were; errors name the line. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  FLOAT_COND_NAMES,
  INT_COND_NAMES,
  INT_COND_SWAPPED,
  IR_OPS,
  IrSyntaxError,
  parseFunc,
  parseFuncs,
  printFunc,
  REGION_NAMES,
  verifyFunc,
} from "../../../lib/ir/mod.ts";

const EVERYTHING = `
sig0 (i32, i64, f32, f64) -> (i32)
sig1 (i32) -> (i64, f32)
func 7 sig0 {
b0:
  v0:i32 = param 0
  v1:i64 = param 1
  v2:f32 = param 2
  v3:f64 = param 3
  v4:i32 = iconst -5
  v5:i64 = iconst -9223372036854775808
  v6:ref = iconst 0
  v7:f32 = fconst 0x7fa00000
  v8:f64 = fconst 0x8000000000000000
  v9:i32 = sdiv v0, v4, trap=8
  v10:i32 = icmp.uge v0, v9
  v11:i32 = fcmp.le v2, v7
  v12:f64 = fadd v3, v8
  v13:i32 = fcvt_to_sint v12
  v14:i32 = select v10, v11, v13
  v15:addr = vmctx
  v16:addr = vmctx_addr 96, 8
  v17:addr = vmctx_addr 64, _
  v18:addr = addr_add v17, v1
  v19:i32 = load8_s v18, v5, +4294967295, memory!2
  store16 v16, _, v19, +12, heap
  trap_unless v14, trap=7
  v20:i64 = call_indirect v1, 1(v0), sig1
  v21:f32 = proj v20, 1
  v22:i64 = load v15, _, +8, readonly
  br_table v0, [b1, b2, b1]
b1 cold:
  trap trap=1
b2:
  jump b3(v0, v20, v6)
b3(v23:i32, v24:i64, v25:ref):
  br_if v23, b4, b5
b4:
  jump b3(v4, v5, v25)
b5:
  return (v23)
}
`;

Deno.test("printFunc() of parseFunc() gives the text back", () => {
  const func = parseFunc(EVERYTHING);
  verifyFunc(func);
  assertEquals(printFunc(func), EVERYTHING.trimStart());
  assertEquals(func.index, 7);
});

Deno.test("printFunc() shows sites on demand, and parseFunc() reads them", () => {
  const text = "sig0 () -> ()\nfunc 0 sig0 {\nb0:\n  v0:i32 = iconst 1 @17\n  return () @20\n}\n";
  assertEquals(printFunc(parseFunc(text), { sites: "show" }), text);
  assert(!printFunc(parseFunc(text)).includes("@"));
});

Deno.test("printFunc() renumbers by appearance, so names and order of definition do not show", () => {
  const renamed = EVERYTHING.replaceAll(/\bv(\d+)/g, "value_$1").replaceAll(/\bb(\d)\b/g, "block$1");
  assertEquals(printFunc(parseFunc(renamed)), EVERYTHING.trimStart());
});

Deno.test("parseFuncs() reads several functions and comments", () => {
  const text =
    "; two\nsig0 () -> () ; none\nfunc 1 sig0 {\nb0:\n return () ; done\n}\nfunc 2 sig0 {\nb0:\n trap trap=3\n}\n";
  assertEquals(parseFuncs(text).map((func) => func.index), [1, 2]);
});

Deno.test("parseFunc() names the line of an error", () => {
  const broken = (from: string, to: string, message: string) => {
    assert(EVERYTHING.includes(from));
    assertThrows(() => parseFunc(EVERYTHING.replace(from, to)), IrSyntaxError, message);
  };
  broken("v9:i32 = sdiv", "v9:i32 = divide", "line 15: unknown operation divide");
  broken("v0, v4, trap=8", "v0, v99, trap=8", "unknown value v99");
  broken("icmp.uge", "icmp.foo", "needs a condition");
  broken("b2:", "b1:", "defined twice");
  broken("v1:i64 = param 1", "v1:i65 = param 1", "unknown type");
  broken("memory!2", "memoir!2", "unknown region");
  broken("trap trap=1", "trap trap=1 more", "unexpected text");
  broken("\n}\n", "\n", "missing }");
  broken("[b1, b2, b1]", "[b1, b9, b1]", "unknown block");
});

Deno.test("the operation table keeps its order-dependent promises", () => {
  assertEquals(new Set(IR_OPS.map(([name]) => name)).size, IR_OPS.length);
  const negations = { eq: "ne", slt: "sge", sgt: "sle", ult: "uge", ugt: "ule" };
  for (const [name, negation] of Object.entries(negations)) {
    assertEquals(INT_COND_NAMES.indexOf(name as "eq") ^ 1, INT_COND_NAMES.indexOf(negation as "eq"));
  }
  const swaps = { slt: "sgt", sle: "sge", ult: "ugt", ule: "uge", eq: "eq", ne: "ne" };
  for (const [name, swapped] of Object.entries(swaps)) {
    assertEquals(INT_COND_NAMES[INT_COND_SWAPPED[INT_COND_NAMES.indexOf(name as "eq")]], swapped);
    assertEquals(INT_COND_NAMES[INT_COND_SWAPPED[INT_COND_NAMES.indexOf(swapped as "eq")]], name);
  }
  assertEquals(FLOAT_COND_NAMES.indexOf("eq") ^ 1, FLOAT_COND_NAMES.indexOf("ne"));
  assertEquals(REGION_NAMES.length, new Set(REGION_NAMES).size);
  for (const [name, operands] of IR_OPS) {
    assert(/^[v?.][v?LTH.k][vn.kx][.idktcBhx][.kmsiBcx]$/.test(operands), `${name} ${operands}`);
  }
});
