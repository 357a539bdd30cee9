/** Scripts: the commands that wast2json would write. */

import { assertEquals, assertThrows } from "@std/assert";
import { parseModule, parseScript, type ScriptCommand, TextError } from "../../../lib/text/mod.ts";

/** Commands without their modules' bytes. */
function commandsOf(text: string): Omit<ScriptCommand, "binary" | "source">[] {
  return parseScript(text).map(({ binary: _binary, source: _source, ...command }) => command);
}

Deno.test("parseScript() gives the commands of wast2json", () => {
  const commands = commandsOf(`
    (module $m (func (export "f")))
    (register "lib" $m)
    (register "last")
    (invoke $m "f")
    (assert_return (get "g") (i64.const -1))
    (assert_trap
      (invoke "f" (i32.const 0xffffffff)) "integer divide by zero")
    (assert_trap (module (func $s unreachable) (start $s)) "unreachable")
    (assert_exhaustion (invoke "f") "call stack exhausted")
    (assert_exception (invoke "f"))
    (assert_suspension (invoke "f") "unhandled")
    (module definition $d)
    (module instance $i $d)
    (module instance)`);
  assertEquals(commands, [
    { type: "module", line: 2, name: "m", module_type: "binary" },
    { type: "register", line: 3, as: "lib", name: "m" },
    { type: "register", line: 4, as: "last" },
    { type: "action", line: 5, action: { type: "invoke", module: "m", field: "f", args: [] } },
    { type: "assert_return", line: 6, action: { type: "get", field: "g" }, expected: [{ type: "i64", value: "-1" }] },
    {
      type: "assert_trap",
      line: 8,
      action: { type: "invoke", field: "f", args: [{ type: "i32", value: "-1" }] },
      text: "integer divide by zero",
    },
    { type: "assert_uninstantiable", line: 9, module_type: "binary", text: "unreachable" },
    {
      type: "assert_exhaustion",
      line: 10,
      action: { type: "invoke", field: "f", args: [] },
      text: "call stack exhausted",
    },
    { type: "assert_exception", line: 11, action: { type: "invoke", field: "f", args: [] } },
    { type: "assert_suspension", line: 12, action: { type: "invoke", field: "f", args: [] }, text: "unhandled" },
    { type: "module_definition", line: 13, name: "d", module_type: "binary" },
    { type: "module_instance", line: 14, instance: "i", module: "d" },
    { type: "module_instance", line: 15 },
  ]);
});

Deno.test("parseScript() translates modules, decodes binary ones and keeps quoted ones as text", () => {
  const [text, binary, quote, malformed] = parseScript(`
    (module (memory 1))
    (module binary "\\00asm" "\\01\\00\\00\\00")
    (module quote "(memory" "1)")
    (assert_malformed (module quote "(memry 1)") "unknown operator")`);
  assertEquals(text.binary, parseModule("(memory 1)"));
  assertEquals(binary.binary, Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  assertEquals(parseModule(quote.source!), parseModule("(memory 1)"));
  assertEquals(malformed.module_type, "text");
  assertThrows(() => parseModule(malformed.source!), TextError, "unknown operator memry");
});

Deno.test("parseScript() takes the fields of one module for a script", () => {
  assertEquals(parseScript("(func) (memory 1) (func)").map(({ binary }) => binary), [
    parseModule("(func) (memory 1) (func)"),
  ]);
});

Deno.test("parseScript() reads values and patterns", () => {
  const [{ expected }] = commandsOf(`(assert_return (invoke "f")
    (f32.const 1.5) (f64.const -nan:0x1) (f32.const nan:canonical) (f64.const nan:arithmetic)
    (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 255) (v128.const f32x4 1 nan:canonical -0 nan:arithmetic)
    (ref.null) (ref.null func) (ref.null none) (ref.extern 3) (ref.extern) (ref.host 4) (ref.func) (ref.i31) (ref.eq)
    (ref.struct) (ref.array) (ref.exn) (ref) (either (i32.const 1) (i32.const -2)))`);
  assertEquals(expected, [
    { type: "f32", value: "1069547520" },
    { type: "f64", value: "18442240474082181121" },
    { type: "f32", value: "nan:canonical" },
    { type: "f64", value: "nan:arithmetic" },
    { type: "v128", lane_type: "i8", value: "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 -1".split(" ") },
    { type: "v128", lane_type: "f32", value: ["1065353216", "nan:canonical", "2147483648", "nan:arithmetic"] },
    { type: "refnull" },
    { type: "funcref", value: "null" },
    { type: "nullref" },
    { type: "externref", value: "3" },
    { type: "externref" },
    { type: "anyref", value: "4" },
    { type: "funcref" },
    { type: "i31ref" },
    { type: "eqref" },
    { type: "structref" },
    { type: "arrayref" },
    { type: "exnref" },
    { type: "anyref" },
    { type: "either", values: [{ type: "i32", value: "1" }, { type: "i32", value: "-2" }] },
  ]);
});

Deno.test("parseScript() says where a script is wrong", () => {
  for (
    const [text, message] of [
      ["(module)\n(assert_nothing)", "2:2: unknown operator assert_nothing"],
      ['(assert_return (invoke "f") (i32.add))', "1:30: unexpected token i32.add, expected a value"],
      ["(module (func nope))", "1:15: unknown operator nope"],
      ['(assert_trap (invoke "f"))', "1:26: unexpected token ), expected a string"],
      ["(register $a)", "1:11: unexpected token $a, expected a string"],
      ["module", "1:1: unexpected token module, expected ("],
    ]
  ) assertEquals(assertThrows(() => parseScript(text), TextError).message, message, text);
});
