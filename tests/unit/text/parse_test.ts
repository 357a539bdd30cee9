/** The parser: each abbreviation means what it stands for, names go where they belong, errors say where. */

import { assertEquals, assertThrows } from "@std/assert";
import { parseModule, TextError } from "../../../lib/text/mod.ts";
import {
  ALL_FEATURES,
  decodeModule,
  type Module,
  OP,
  OPCODES,
  readBranchHints,
  validateModule,
} from "../../../lib/wasm/mod.ts";

function hex(text: string): string {
  return parseModule(text, { names: "drop" }).toHex();
}

function decode(text: string): Module {
  return decodeModule(parseModule(text), ALL_FEATURES);
}

/** The abbreviations of the text format, each with what it stands for (spec: text-module, text-instr). */
const ABBREVIATIONS: readonly [what: string, short: string, long: string][] = [
  ["a module without its parentheses", "(func) (memory 1)", "(module (func) (memory 1))"],
  [
    "several parameters in one form",
    "(func (param i32 i64) (param f32))",
    "(func (param i32) (param i64) (param f32))",
  ],
  ["several locals in one form", "(func (local i32 i64))", "(func (local i32) (local i64))"],
  [
    "an implicit type",
    "(func (param i32) (result i64) unreachable)",
    "(type (func (param i32) (result i64))) (func (type 0) unreachable)",
  ],
  [
    "an implicit type that exists",
    "(type (func (param i32))) (func (param i32))",
    "(type (func (param i32))) (func (type 0))",
  ],
  [
    "a type with its signature repeated",
    "(type $t (func (param i32))) (func (type $t) (param $x i32))",
    "(type $t (func (param i32))) (func (type $t))",
  ],
  [
    "implicit types in order of appearance",
    "(func (result i64) (block (param f32) (drop)) unreachable) (func (param i64)) (type (func))",
    "(type (func)) (type (func (result i64))) (type (func (param f32))) (type (func (param i64))) (func (type 1) (block (type 2) (drop)) unreachable) (func (type 3))",
  ],
  ["an inline export", '(func (export "a") (export "b"))', '(func) (export "a" (func 0)) (export "b" (func 0))'],
  ["an inline import", '(func $f (import "m" "n") (param i32))', '(import "m" "n" (func $f (param i32)))'],
  [
    "an exported import",
    '(memory (export "x") (import "m" "n") 1 2)',
    '(import "m" "n" (memory 1 2)) (export "x" (memory 0))',
  ],
  ["an imported table", '(table (import "m" "n") i64 1 funcref)', '(import "m" "n" (table i64 1 funcref))'],
  ["an imported global", '(global (import "m" "n") (mut i32))', '(import "m" "n" (global (mut i32)))'],
  ["an imported tag", '(tag (import "m" "n") (param i32))', '(import "m" "n" (tag (param i32)))'],
  ["the content of a memory", '(memory (data "abc" "def"))', '(memory 1 1) (data (i32.const 0) "abcdef")'],
  ["the content of a 64-bit memory", '(memory i64 (data "abc"))', '(memory i64 1 1) (data (i64.const 0) "abc")'],
  [
    "the content of a memory of bytes",
    '(memory (pagesize 1) (data "abc"))',
    '(memory 3 3 (pagesize 1)) (data (i32.const 0) "abc")',
  ],
  [
    "the content of a table",
    "(func $f) (table funcref (elem $f $f))",
    "(func $f) (table 2 2 funcref) (elem (i32.const 0) $f $f)",
  ],
  [
    "the content of a table as expressions",
    "(table funcref (elem (ref.null func)))",
    "(table 1 1 funcref) (elem (i32.const 0) funcref (item ref.null func))",
  ],
  [
    "functions in a table of another type",
    "(type $t (func)) (func $f (type $t)) (table (ref null $t) (elem $f))",
    "(type $t (func)) (func $f (type $t)) (table 1 1 (ref null $t)) (elem (table 0) (i32.const 0) (ref null $t) (ref.func $f))",
  ],
  [
    "an offset that is one instruction",
    '(memory 1) (data (i32.const 4) "a")',
    '(memory 1) (data (offset i32.const 4) "a")',
  ],
  ["memory 0", '(memory 1) (data (i32.const 4) "a")', '(memory 1) (data (memory 0) (offset i32.const 4) "a")'],
  [
    "table 0 and functions",
    "(table 1 funcref) (func) (elem (i32.const 0) 0)",
    "(table 1 funcref) (func) (elem (table 0) (offset i32.const 0) func 0)",
  ],
  ["an element that is one instruction", "(elem funcref (ref.null func))", "(elem funcref (item ref.null func))"],
  [
    "a segment as WebAssembly 1.0 wrote it",
    '(memory 1) (data 0 (i32.const 0) "a")',
    '(memory 1) (data (i32.const 0) "a")',
  ],
  [
    "short references",
    "(func (param anyref eqref i31ref structref arrayref nullref))",
    "(func (param (ref null any) (ref null eq) (ref null i31) (ref null struct) (ref null array) (ref null none)))",
  ],
  [
    "short references to functions",
    "(func (param funcref externref nullfuncref nullexternref exnref nullexnref contref nullcontref))",
    "(func (param (ref null func) (ref null extern) (ref null nofunc) (ref null noextern) (ref null exn) (ref null noexn) (ref null cont) (ref null nocont)))",
  ],
  [
    "several fields in one form",
    "(type (struct (field i8 (mut i16)) (field f64)))",
    "(type (struct (field i8) (field (mut i16)) (field f64)))",
  ],
  ["a final type without supertypes", "(type (sub final (func)))", "(type (func))"],
  [
    "an operand folded in",
    "(func (result i32) (i32.add (i32.const 1) (i32.const 2)))",
    "(func (result i32) i32.const 1 i32.const 2 i32.add)",
  ],
  [
    "a folded block",
    "(func (block $l (result i32) (i32.const 1) br $l) drop)",
    "(func block (result i32) i32.const 1 br 0 end drop)",
  ],
  [
    "a folded if",
    "(func (if (result i32) (i32.const 0) (then i32.const 1) (else i32.const 2)) drop)",
    "(func i32.const 0 if (result i32) i32.const 1 else i32.const 2 end drop)",
  ],
  ["an if without else", "(func (if (i32.const 0) (then)))", "(func i32.const 0 if end)"],
  [
    "conditions outside the label",
    "(func (block $l (if $l (br_if $l (i32.const 1)) (i32.const 2) (then (br $l)))))",
    "(func block i32.const 1 br_if 0 i32.const 2 if br 0 end end)",
  ],
  [
    "a folded try_table",
    "(tag $e) (func (block $h (try_table (catch $e $h) (catch_all $h) (throw $e))))",
    "(tag) (func block try_table (catch 0 0) (catch_all 0) throw 0 end end)",
  ],
  [
    "a folded try",
    "(tag $e) (func (try $t (do (throw $e)) (catch $e (rethrow $t)) (catch_all)))",
    "(tag) (func try throw 0 catch 0 rethrow 0 catch_all end)",
  ],
  ["a folded delegate", "(func (block $b (try (do nop) (delegate $b))))", "(func block try nop delegate 0 end)"],
  [
    "a memory that is not named",
    "(memory 1) (func (drop (i32.load offset=4 (memory.size))))",
    "(memory 1) (func memory.size 0 i32.load 0 offset=4 align=4 drop)",
  ],
  [
    "tables that are not named",
    "(table 1 funcref) (elem func) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 0)) (table.init 0 (i32.const 0) (i32.const 0) (i32.const 0)))",
    "(table 1 funcref) (elem func) (func i32.const 0 i32.const 0 i32.const 0 table.copy 0 0 i32.const 0 i32.const 0 i32.const 0 table.init 0 0)",
  ],
  [
    "a segment before its memory in the binary",
    '(memory 1) (memory $m 1) (data $d "") (func (memory.init $m $d (i32.const 0) (i32.const 0) (i32.const 0)))',
    '(memory 1) (memory 1) (data "") (func i32.const 0 i32.const 0 i32.const 0 memory.init 1 0)',
  ],
  [
    "a call through table 0",
    "(table 1 funcref) (func (call_indirect (param i32) (i32.const 0) (i32.const 0)))",
    "(type (func)) (type (func (param i32))) (table 1 funcref) (func i32.const 0 i32.const 0 call_indirect 0 (type 1))",
  ],
  [
    "a lane of memory 0",
    "(memory 1) (func (param v128) (v128.store8_lane 3 (i32.const 0) (local.get 0)))",
    "(memory 1) (func (param v128) i32.const 0 local.get 0 v128.store8_lane 0 offset=0 align=1 3)",
  ],
  [
    "names of fields",
    "(type $s (struct (field $a i32) (field i64) (field $b f32))) (func (param (ref $s)) (drop (struct.get $s $b (local.get 0))))",
    "(type (struct (field i32 i64 f32))) (func (param (ref 0)) local.get 0 struct.get 0 2 drop)",
  ],
  [
    "a handler that switches",
    "(type $f (func)) (type $c (cont $f)) (tag $t) (func (param (ref $c)) (block $l (result (ref $c)) (resume $c (on $t $l) (on $t switch) (local.get 0)) unreachable) drop)",
    "(type (func)) (type (cont 0)) (tag (type 0)) (func (param (ref 1)) block (result (ref 1)) local.get 0 resume 1 (on 0 0) (on 0 switch) unreachable end drop)",
  ],
  ["identifiers with quotes", '(func $"a b" (call $"a\\20b")) (func $c (call $"c"))', "(func call 0) (func call 1)"],
  ["line breaks and comments anywhere", "(module;;\n(func(;x;)nop)(;;))", "(module (func nop))"],
];

for (const [what, short, long] of ABBREVIATIONS) {
  Deno.test(`parseModule() reads ${what}`, () => {
    assertEquals(hex(short), hex(long));
    // What is compared is not the same nonsense twice.
    decode(long);
  });
}

/** An operation's immediates in the text format, in a module that has everything they name. */
const IMMEDIATE_TEXT: Readonly<Record<string, string>> = {
  "": "",
  block: "",
  "block catches": "(catch $g $l)",
  label: "$l",
  labels: "$l 0 1",
  "label heap heap": "",
  "castflags label heap heap": "$l anyref (ref i31)",
  func: "$f",
  "type table": "$t (type $ft)",
  type: "$ft",
  table: "$t",
  "table table": "$t 0",
  "elem table": "$t $e",
  elem: "$e",
  memory: "$m",
  "memory memory": "$m 0",
  "data memory": "$m $d",
  data: "$d",
  "type data": "$ft $d",
  "type elem": "$ft $e",
  "type field": "$s $x",
  "type count": "$ft 3",
  "type type": "$ft 0",
  "type tag": "$ft $g",
  "type handlers": "$ft (on $g $l)",
  "type tag handlers": "$ft $g (on $g switch)",
  global: "$v",
  local: "$p",
  tag: "$g",
  heap: "any",
  types: "(result i32)",
  memarg: "$m offset=8 align=1",
  atomic: "$m offset=8",
  "memarg lane": "$m offset=8 align=1 0",
  lane: "1",
  lanes: "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31",
  i32: "-1",
  i64: "0x8000_0000_0000_0000",
  f32: "nan:0x1",
  f64: "-0x1.8p-3",
  v128: "i32x4 1 2 3 4",
  zero: "",
};

Deno.test("parseModule() reads every operation of the opcode table", () => {
  const structural = ["end", "else", "catch", "catch_all", "delegate", "block", "loop", "if", "try", "try_table"];
  const plain = hex(everything(""));
  for (const [name, code, kinds] of OPCODES) {
    if (structural.includes(name)) continue;
    const takesRefType = `${name} null` in OP || name.endsWith(" null");
    const list = kinds.replace(/ \d+/g, "");
    const immediates = takesRefType ? (name.endsWith(" null") ? "anyref" : "(ref any)") : IMMEDIATE_TEXT[list];
    assertEquals(typeof immediates, "string", `no example for ${name} with ${list}`);
    const bytes = parseModule(everything(`${name.replace(/ (null|t)$/, "")} ${immediates}`), { names: "drop" });
    assertEquals(bytes.toHex() === plain, false, name);
    const { bodies } = decodeModule(bytes, ALL_FEATURES);
    const body = bytes.subarray(bodies[0].start, bodies[0].end);
    // No locals, a block without a type, the instruction, two ends.
    const prefix = code < 0x100 ? [code] : code < 0x10000 ? [code >> 8] : [code >> 12];
    assertEquals(Array.from(body.subarray(0, 4)), [0, 0x02, 0x40, ...prefix], name);
    assertEquals(Array.from(body.subarray(-2)), [0x0b, 0x0b], name);
  }
});

function everything(instruction: string): string {
  return `
    (type $ft (func)) (type $s (struct (field i32) (field $x i64)))
    (table 1 funcref) (table $t 1 funcref) (memory 1) (memory $m 1) (global $v i32 i32.const 0) (tag $g)
    (elem $e func) (data $d "")
    (func $f (param $p i32) (block $l ${instruction}))`;
}

Deno.test("parseModule() puts identifiers and @name annotations into the name section", () => {
  const { names } = decode(`(module $m
    (func $f (param $a i32) (local i64) (local $b i64))
    (func (@name "second function") (param i32) (local (@name "third") i32)))`);
  assertEquals(names.moduleName, "m");
  assertEquals([names.func(0), names.func(1)], ["f", "second function"]);
  assertEquals([0, 1, 2].map((local) => names.local(0, local)), ["a", undefined, "b"]);
  assertEquals(names.local(1, 1), "third");
  assertEquals(decode('(module $m (@name "M"))').names.moduleName, "M");
  assertEquals(parseModule("(module $m (func $f))", { names: "drop" }), parseModule("(module (func))"));
});

Deno.test("parseModule() places custom sections where their annotations say", () => {
  const { customSections, bytes } = decode(`
    (@custom "last" "1") (func) (@custom "before code" (before code) "2" "3") (@custom "first" (before first)) (memory 1)`);
  const found = customSections.map(({ name, start, end }) => [name, new TextDecoder().decode(bytes.slice(start, end))]);
  assertEquals(found, [["first", ""], ["before code", "23"], ["last", "1"]]);
});

Deno.test("parseModule() translates branch hints, also of folded instructions", () => {
  const text = `(func (param i32)
    (@metadata.code.branch_hint "\\01") (if (local.get 0) (then (block
      (@metadata.code.branch_hint "\\00") (br_if 0 (local.get 0)))))
    local.get 0
    (@metadata.code.branch_hint "\\00") if end)`;
  const module = decode(text);
  validateModule(module);
  const hints = readBranchHints(module);
  const likely = hints.map(({ offsetBytes, isLikely }) => [module.bytes[offsetBytes], isLikely]);
  assertEquals(likely, [[0x04, true], [0x0d, false], [0x04, false]]);
});

Deno.test("parseModule() asks for the number of data segments where instructions name them", () => {
  assertEquals(decode('(memory 1) (data "a") (func (data.drop 0))').dataCount, 1);
  assertEquals(decode('(memory 1) (data "a")').dataCount, -1);
});

/** Texts that are wrong, where, and why. */
const WRONG: readonly [text: string, message: string][] = [
  ["(module\n  (func i32.foo))", "2:9: unknown operator i32.foo"],
  ["(func\n\t(i32.cnst 0))", "2:3: unknown operator i32.cnst"],
  ["(func (local.get $x))", "1:18: unknown local $x"],
  ["(func call $f)", "1:12: unknown function $f"],
  ["(func br $l)", "1:10: unknown label $l"],
  ["(func block $a end br $a)", "1:23: unknown label $a"],
  ["(func block $a end $b)", "1:20: mismatching label $b"],
  ["(func (param $x i32) (local $x i32))", "1:29: duplicate local $x"],
  ["(func $f) (func $f)", "1:17: duplicate function $f"],
  ['(func) (import "a" "b" (func))', "1:8: import after func definition"],
  ["(start 0) (start 0) (func)", "1:11: multiple start sections"],
  ["(func i32.const 4294967296)", "1:17: constant out of range: 4294967296 does not fit i32"],
  ["(func f32.const 1e39)", "1:17: constant out of range: 1e39 does not fit f32"],
  ["(memory 1) (func (drop (i32.load align=3 (i32.const 0))))", "1:34: alignment must be a power of two"],
  ["(func block)", "1:12: unexpected token ), expected the end of the block in line 1"],
  ["(func end)", "1:7: unexpected token end"],
  ["(func (else))", "1:8: unexpected token else"],
  ["(func (i32.eqz i32.const 0))", "1:16: unexpected token i32.const, expected a folded instruction or )"],
  ["(func (if (i32.const 0)))", "1:24: unexpected token ), expected (then"],
  ["(type $t (func)) (func (type $t) (param i32))", "1:34: inline function type does not match the explicit type"],
  ["(func (result i32) (param i32))", "1:20: unexpected token (param, expected no parameters after results"],
  ["(type $s (struct (field $a i32))) (func (struct.get $s $b))", "1:56: unknown field $b"],
  ["(table 1 shared funcref)", "1:10: unexpected token shared, expected a reference type"],
  ["(module) (module)", "1:10: unexpected token (, expected the end of the text"],
  ["(modul)", "1:2: unknown operator modul"],
  ["(func", "1:1: unclosed ("],
  ["(func (v128.const i32x4 1 2 3))", "1:30: wrong number of lane literals"],
  ["(func (i8x16.extract_lane_s 256))", "1:29: constant out of range: a lane index is larger than 255"],
  ['(func (@name "a" b))', "1:18: @name annotation: unexpected token"],
  ['(func nop (@name "a"))', "1:11: misplaced @name annotation"],
];

Deno.test("parseModule() says where a text is wrong, and why", () => {
  for (const [text, message] of WRONG) {
    assertEquals(assertThrows(() => parseModule(text), TextError).message, message, text);
  }
});

Deno.test("parseModule() takes strings and bytes, shared ones too, and nothing else", () => {
  const bytes = new TextEncoder().encode('(func (export "\u{e9}"))');
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  assertEquals(parseModule(bytes), parseModule('(func (export "\u{e9}"))'));
  assertEquals(parseModule(shared), parseModule(bytes));
  for (const wrong of [undefined, 5, {}, [40, 41], bytes.buffer]) {
    assertThrows(() => parseModule(wrong as never), TypeError, "A text is a string or a Uint8Array");
  }
});

Deno.test("TextError.excerpt() shows the line with a caret below the fault", () => {
  const error = assertThrows(
    () => parseModule("(module\n\t(func $\u{fc} nop))".replace("$\u{fc}", '$"\u{fc}" nope')),
    TextError,
  );
  assertEquals(error.excerpt("x.wat"), 'x.wat:2:13: unknown operator nope\n (func $"\u{fc}" nope nop))\n            ^');
  assertEquals([error.line, error.column, error.reason], [2, 13, "unknown operator nope"]);
  const long = assertThrows(() => parseModule(`(func ${"nop ".repeat(1000)} nope ${"nop ".repeat(1000)})`), TextError);
  const [, line, caret] = long.excerpt().split("\n");
  assertEquals(line.slice(caret.length - 1).startsWith("nope"), true, line);
  assertEquals(line.length <= 120, true);
});
