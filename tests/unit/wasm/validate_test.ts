/** Validation: messages, unreachable code, locals without defaults, reuse of the scratch, and agreement with V8. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ALL_FEATURES,
  CompileError,
  decodeModule,
  validateBody,
  validateDefinitions,
  validateModule,
  ValidationScratch,
  WASM3_FEATURES,
} from "../../../lib/wasm/mod.ts";
import { allExampleModules, moduleAround } from "../../fuzz/generators/op_examples.ts";
import { type Bytes, code, instr, moduleBytes, name, vector } from "../../fuzz/generators/binary.ts";

const end = instr("end");
const drop = instr("drop");
const i32 = (value: number) => instr("i32.const", value);
const i64 = (value: number) => instr("i64.const", value);
const unreachable = instr("unreachable");
const FUNC_NOTHING = [0x60, 0, 0];

/** The reason why a module is refused, undefined when it is valid; V8 must agree. */
function reason(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  let found: string | undefined;
  try {
    validateModule(decodeModule(bytes, ALL_FEATURES));
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    found = error.reason;
  }
  assertEquals(found === undefined, WebAssembly.validate(bytes), found ?? "accepted");
  return found;
}

Deno.test("validateBody() says what it expected and what it found", () => {
  const cases: [Bytes, string][] = [
    [[instr("i32.add"), drop], "expected i32, found an empty stack"],
    [[i32(1), i64(1), instr("i32.add"), drop], "expected i32, found i64"],
    [[drop], "expected an operand, found an empty stack"],
    [[i32(1)], "operands [i32] remain on the stack at the end of the block"],
    [[instr("br", 1)], "unknown label 1"],
    [[instr("local.get", 2), drop], "unknown local 2"],
    [[instr("local.get", 1), drop], "uninitialized local 1"],
    [[instr("global.get", 3), drop], "unknown global 3"],
    [[i32(1), instr("global.set", 2)], "global is immutable"],
    [[instr("call", 2)], "unknown function 2"],
    [[i32(0), instr("i32.load", 3, 0), drop], "alignment 2**3 must not be larger than natural, 4"],
    [[i32(0), instr("i32.atomic.load", 1, 0), drop], "alignment 2**1 of an atomic access must be natural, 4"],
    [[i32(0), instr("i32.load", 0x42, 2, 0), drop], "unknown memory 2"],
    [[i32(0), instr("i32.load", 0x42, 1, 0), drop], "expected i64, found i32"],
    [[i32(0), instr("i32.load", 2, 0x80, 0x80, 0x80, 0x80, 0x10), drop], "offset out of range: more than 32 bits"],
    [[instr("else"), end], "else without if"],
    [[i32(1), instr("if", 0x7f), i32(1), end, drop], "if without else must leave [i32], it is given []"],
    [
      [instr("block", 0x7f), i32(1), i32(0), instr("br_table", 1, 0, 1), end, drop],
      "labels of br_table take 1 and 0 operands",
    ],
    [
      [instr("ref.null", 0x6f), instr("ref.null", 0x6f), i32(1), instr("select"), drop],
      "select of [(ref null extern) (ref null extern)] needs a type",
    ],
    [[i32(0), i64(0), i32(1), instr("select"), drop], "select of different types [i32 i64]"],
    [[i32(0), i32(0), i32(1), instr("select t", 2, 0x7f, 0x7f), drop], "invalid result arity of select: 2"],
    [[i32(0), instr("call_indirect", 0, 1)], "indirect call through a table of (ref null extern)"],
    [[instr("ref.func", 9), drop], "unknown function 9"],
    [[instr("struct.new_default", 6), drop], "type 6 is not a struct type"],
    [[instr("struct.new_default", 4), instr("struct.get", 4, 1), drop], "reading i8 needs _s or _u"],
    [[instr("struct.new_default", 4), instr("struct.get_s", 4, 0), drop], "reading i32 must not have _s or _u"],
    [[instr("struct.new_default", 4), i64(1), instr("struct.set", 4, 2)], "immutable field 2 of type 4"],
    [[instr("struct.new_default", 4), instr("struct.get", 4, 9), drop], "unknown field 9 of type 4"],
    [[instr("return_call", 1)], "the callee returns [i32], the function []"],
    [
      [instr("v128.const", ...new Array(16).fill(0)), instr("i32x4.extract_lane", 4), drop],
      "invalid lane index 4, there are 4 lanes",
    ],
    [[instr("try", 0x40), instr("rethrow", 0), end], "rethrow to a label that is not of a catch"],
    [[[0x16]], "illegal opcode 0x16"],
    [[[0xfc, 0x7f]], "illegal opcode 0xfc 0x7f"],
  ];
  for (const [body, message] of cases) assertEquals(reason(moduleAround(body)), message);
});

Deno.test("validateBody() types unreachable code as precisely as the specification", () => {
  const valid: Bytes[] = [
    [unreachable, instr("i32.add"), drop],
    [unreachable, instr("select"), drop],
    [unreachable, i32(1), instr("select"), instr("i64.eqz"), drop],
    [unreachable, instr("br_table", 0, 0)],
    [instr("block", 0x7f), unreachable, i32(0), instr("br_table", 1, 0, 0), end, drop],
    [instr("block", 0x7f), instr("block", 0x7e), unreachable, instr("br_table", 1, 0, 1), end, drop, i32(1), end, drop],
    [unreachable, instr("ref.as_non_null"), drop],
    [unreachable, instr("ref.is_null"), drop],
    [unreachable, instr("call_ref", 1), drop],
    [unreachable, instr("br_on_null", 0), drop],
    [instr("loop", 0x40), instr("br", 0), end, unreachable, instr("local.get", 0), drop],
  ];
  for (const body of valid) assertEquals(reason(moduleAround(body)), undefined);
  const invalid: [Bytes, string][] = [
    [[unreachable, i64(1), instr("i32.add"), drop], "expected i32, found i64"],
    [[unreachable, i32(1)], "operands [i32] remain on the stack at the end of the block"],
    [[instr("block", 0x7f), unreachable, i64(1), end, drop], "expected i32, found i64"],
    [[instr("block", 0x7f), i32(1), instr("br", 0), instr("br_if", 0), i64(1), end, drop], "expected i32, found i64"],
    [[unreachable, instr("local.get", 1), drop], "uninitialized local 1"],
    [[instr("block", 0x40), unreachable, end, drop], "expected an operand, found an empty stack"],
  ];
  for (const [body, message] of invalid) assertEquals(reason(moduleAround(body)), message);
});

Deno.test("validateBody() lets a set local be read to the end of the block that set it", () => {
  const set = [instr("ref.func", 0), instr("local.set", 1)];
  const get = [instr("local.get", 1), drop];
  const block = (...body: Bytes[]) => [instr("block", 0x40), body, end];
  assertEquals(reason(moduleAround([set, block(get), get])), undefined);
  assertEquals(reason(moduleAround([block(set, get), set, get])), undefined);
  assertEquals(reason(moduleAround([block(set), get])), "uninitialized local 1");
  assertEquals(
    reason(moduleAround([i32(0), instr("if", 0x40), set, instr("else"), get, end])),
    "uninitialized local 1",
  );
  assertEquals(reason(moduleAround([instr("ref.func", 0), instr("local.tee", 1), drop, get])), undefined);
});

Deno.test("validateDefinitions() refuses what is wrong outside bodies", () => {
  const wide = [0xff, 0xff, 0x03];
  const cases: [Uint8Array<ArrayBuffer>, string][] = [
    [moduleBytes([5, vector([1, 2, 1])]), "memory 0: size minimum 2 must not be greater than maximum 1"],
    [moduleBytes([5, vector([0, 0x81, 0x80, 4])]), "memory 0: memory size must be at most 65536 pages"],
    [moduleBytes([5, vector([2, 1])]), "memory 0: shared memory must have maximum"],
    [moduleBytes([4, vector([0x70, 1, ...wide, 1])]), "table 0: size minimum 65535 must not be greater than maximum 1"],
    [moduleBytes([4, vector([0x64, 0x70, 0, 1])]), "table 0: elements (ref func) need an initial value"],
    [moduleBytes([6, vector([0x7f, 0, i64(1), end])]), "expected i32, found i64"],
    [moduleBytes([6, vector([0x7f, 0, end])]), "constant expression leaves 0 values instead of 1"],
    [moduleBytes([6, vector([0x7f, 0, instr("global.get", 0), end])]), "unknown global 0"],
    [moduleBytes([6, vector([0x7f, 0, instr("nop"), end])]), "constant expression required, found nop"],
    [
      moduleBytes([6, vector([0x7f, 1, i32(1), end], [0x7f, 0, instr("global.get", 0), end])]),
      "constant expression required, global 0 is mutable",
    ],
    [moduleBytes([7, vector([name("x"), 2, 0])]), 'export "x": unknown memory 0'],
    [moduleBytes([5, vector([0, 1])], [7, vector([name("x"), 2, 0], [name("x"), 2, 0])]), 'duplicate export name "x"'],
    [moduleBytes([8, [3]]), "start: unknown function 3"],
    [
      moduleBytes([1, vector([0x60, 1, 0x7f, 0])], [2, vector([0, 0, 0, 0])], [8, [0]]),
      "start function 0 must have type [] -> [], has [i32] -> []",
    ],
    [moduleBytes([9, vector([0, i32(0), end, vector()])]), "unknown table 0"],
    [
      moduleBytes([4, vector([0x6f, 0, 1])], [9, vector([0, i32(0), end, vector()])]),
      "elements (ref func) do not match table elements (ref null extern)",
    ],
    [
      moduleBytes([4, vector([0x70, 0, 1])], [9, vector([0, i32(0), end, vector([7])])]),
      "element 0: unknown function 7",
    ],
    [moduleBytes([11, vector([0, i32(0), end, vector()])]), "unknown memory 0"],
    [moduleBytes([1, vector([0x5f, 0], [0x50, 1, 0, 0x5f, 0])]), "type 1: its supertype 0 is final"],
    [
      moduleBytes([1, vector([0x50, 0, 0x5f, 0], [0x50, 1, 0, 0x5e, 0x7f, 0])]),
      "type 1: it does not match its supertype 0",
    ],
  ];
  for (const [bytes, message] of cases) assertEquals(reason(bytes), message);
});

Deno.test("validateDefinitions() refuses a tag with results unless stacks can be switched", () => {
  const bytes = moduleBytes([1, vector([0x60, 0, 1, 0x7f])], [13, vector([0, 0])]);
  validateModule(decodeModule(bytes, ALL_FEATURES));
  const error = assertThrows(() => validateModule(decodeModule(bytes, WASM3_FEATURES)), CompileError);
  assertEquals(error.reason, "tag 0: non-empty tag result type");
});

Deno.test("one scratch validates any number of modules, after failures too", () => {
  const scratch = new ValidationScratch();
  const good = moduleAround([i32(1), drop]);
  const bad = moduleAround([unreachable, instr("block", 0x40), instr("block", 0x40), i32(1)]);
  for (let i = 0; i < 3; i++) {
    validateModule(decodeModule(good, ALL_FEATURES), scratch);
    assertThrows(() => validateModule(decodeModule(bad, ALL_FEATURES), scratch), CompileError);
  }
  for (const bytes of allExampleModules()) validateModule(decodeModule(bytes, ALL_FEATURES), scratch);
});

Deno.test("validateBody() validates one body at a time", () => {
  const module = decodeModule(moduleBytes(
    [1, vector(FUNC_NOTHING)],
    [3, vector([0], [0])],
    [10, vector(code([], instr("nop")), code([], drop))],
  ));
  validateDefinitions(module);
  const scratch = new ValidationScratch();
  validateBody(module, 0, scratch);
  const error = assertThrows(() => validateBody(module, 1, scratch), CompileError);
  assertEquals(error.functionIndex, 1);
});

Deno.test("validateModule() stays linear on deep nesting, wide br_tables and long supertype chains", () => {
  const depth = 100_000;
  const start = performance.now();
  const nested = [
    new Array(depth).fill(instr("block", 0x40)),
    i32(0),
    instr("br_table", ...[0xf0, 0xff, 0x03], ...Array.from({ length: 65_521 }, (_, i) => [i & 0x7f])),
    new Array(depth).fill(end),
  ];
  assertEquals(reason(moduleAround(nested)), undefined);
  const chain = Array.from(
    { length: 5000 },
    (_, i) => i === 0 ? [0x50, 0, 0x5f, 0] : [0x50, 1, ...leb(i - 1), 0x5f, 0],
  );
  assertEquals(
    reason(moduleBytes([1, vector([0x4e, vector(...chain)])])),
    "type 64 has more than 63 supertypes above it",
  );
  assert(performance.now() - start < 5000);
});

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, value >> 7];
}
