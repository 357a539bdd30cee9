/**
 * One small valid module per opcode: the instruction with fitting operands, in a module that has one of everything.
 *
 * Rows of the opcode table with a signature get their operands from it; the others are written out in a `Record`, so a row
 * without an example does not compile. Used as expectations of the validator and as material for mutation.
 */
import {
  type FeatureName,
  IMMEDIATE_KINDS,
  IMMEDIATE_PROGRAM,
  type ImmediateKind,
  type IrregularOpName,
  type Op,
  OP_COUNT,
  OP_IMMEDIATES,
  OP_IRREGULAR,
  OPCODES,
  opName,
} from "../../../lib/wasm/mod.ts";
import { type Bytes, code, instr, moduleBytes, name, u32, vector } from "./binary.ts";

const I32 = 0x7f;
const I64 = 0x7e;
const F32 = 0x7d;
const F64 = 0x7c;
const FUNCREF = 0x70;
const EXTERNREF = 0x6f;
const EXNREF = 0x69;
const MUTABLE = 1;
const IMMUTABLE = 0;

/** Type indices of the environment. */
const TYPE = { nothing: 0, i32ToI32: 1, pair: 2, takesI32: 3, struct: 4, substruct: 5, ints: 6, bytes: 7, funcs: 8 };

const TYPES: readonly Bytes[] = [
  [0x60, vector(), vector()],
  [0x60, vector([I32]), vector([I32])],
  [0x60, vector([I32], [I64]), vector([I32], [I64])],
  [0x60, vector([I32]), vector()],
  [0x50, vector(), 0x5f, vector([I32, MUTABLE], [0x78, MUTABLE], [I64, IMMUTABLE], [FUNCREF, MUTABLE])],
  [
    0x50,
    vector([TYPE.struct]),
    0x5f,
    vector([I32, MUTABLE], [0x78, MUTABLE], [I64, IMMUTABLE], [FUNCREF, MUTABLE], [F32, IMMUTABLE]),
  ],
  [0x5e, I32, MUTABLE],
  [0x5e, 0x78, MUTABLE],
  [0x5e, FUNCREF, MUTABLE],
];

/** Types of the proposals, after those of the environment, in modules that need them. */
const DESC = { described: 9, descriptor: 10 };
const CONT = { cont: 9, contI32ToI32: 10, switched: 11, contSwitched: 12, toI32: 13, contToI32: 14, suspended: 15 };

/** Examples of features that few engines have: more types, and V8's flag without which they are refused. */
const PROPOSALS: Readonly<Partial<Record<FeatureName, { readonly types: readonly Bytes[]; readonly v8Flag: string }>>> =
  {
    "wide-arithmetic": { types: [], v8Flag: "--experimental-wasm-wide-arithmetic" },
    "custom-descriptors": {
      types: [[
        0x4e,
        vector(
          [0x50, vector(), 0x4d, DESC.descriptor, 0x5f, vector([I32, MUTABLE])],
          [0x50, vector(), 0x4c, DESC.described, 0x5f, vector([I64, MUTABLE])],
        ),
      ]],
      v8Flag: "--experimental-wasm-custom-descriptors",
    },
    "stack-switching": {
      types: [
        [0x5d, TYPE.nothing],
        [0x5d, TYPE.i32ToI32],
        [0x60, vector([I32], [0x63, CONT.cont]), vector()],
        [0x5d, CONT.switched],
        [0x60, vector(), vector([I32])],
        [0x5d, CONT.toI32],
        [0x60, vector(), vector([I32], [0x63, CONT.cont])],
      ],
      v8Flag: "--experimental-wasm-wasmfx",
    },
  };

/** The V8 flag that an operation's examples need, if they need one. */
export function v8FlagOf(op: Op): string | undefined {
  return PROPOSALS[OPCODES[op][4]]?.v8Flag;
}

const i32 = (value: number) => instr("i32.const", value);
const i64 = (value: number) => instr("i64.const", value);
const V128_CONST = instr("v128.const", ...new Array(16).fill(1));
const drop = instr("drop");
const structDefault = instr("struct.new_default", TYPE.struct);
const intsDefault = [i32(3), instr("array.new_default", TYPE.ints)];
const bytesDefault = [i32(3), instr("array.new_default", TYPE.bytes)];
const funcsDefault = [i32(3), instr("array.new_default", TYPE.funcs)];
const nullFunc = instr("ref.null", FUNCREF);
const nullAny = instr("ref.null", 0x6e);
const nullExtern = instr("ref.null", EXTERNREF);
const nullStruct = instr("ref.null", TYPE.struct);
const end = instr("end");
const empty = 0x40;
const EXACT = 0x62;
const newDescriptor = instr("struct.new_default", DESC.descriptor);
const newDescribed = [newDescriptor, instr("struct.new_default_desc", DESC.described)];
const nullDescribed = instr("ref.null", DESC.described);
const newCont = [instr("ref.func", 0), instr("cont.new", CONT.cont)];
const newContI32ToI32 = [instr("ref.func", 1), instr("cont.new", CONT.contI32ToI32)];
/** An `on` clause of the tag that takes an i32. */
const onTag = (label: number) => [0, 0, label];
/** A block that a suspension with that tag may go to, around a resumption of a continuation without results. */
const handled = (resumption: Bytes) => [
  instr("block", CONT.suspended),
  resumption,
  instr("return"),
  end,
  drop,
  drop,
];

const REGULAR_OPERANDS: Readonly<Record<string, Bytes>> = {
  i: i32(2),
  l: i64(2),
  f: instr("f32.const", 0, 0, 0x80, 0x3f),
  d: instr("f64.const", 0, 0, 0, 0, 0, 0, 0xf0, 0x3f),
  v: V128_CONST,
};

/** Example immediates of rows with a signature, from the kind and its parameter. */
const REGULAR_IMMEDIATES: Readonly<Partial<Record<ImmediateKind, (parameter: number, memory: number) => Bytes>>> = {
  memarg: (width, memory) => memory === 0 ? [Math.log2(width), 3] : [Math.log2(width) | 0x40, memory, 3],
  atomic: (width, memory) => memory === 0 ? [Math.log2(width), 3] : [Math.log2(width) | 0x40, memory, 3],
  memory: (_, memory) => [memory],
  data: () => [0],
  elem: () => [0],
  i32: () => [0x7f],
  i64: () => [0x80, 0x7f],
  f32: () => [1, 2, 3, 4],
  f64: () => [1, 2, 3, 4, 5, 6, 7, 8],
  v128: () => new Array(16).fill(7),
  lanes: () => Array.from({ length: 16 }, (_, i) => 2 * i),
  lane: (count) => [count - 1],
  zero: () => [0],
};

function regularBody(op: Op, memory: number): Bytes {
  const address = memory === 1 ? i64(1) : i32(1);
  const [operands, results] = OPCODES[op][3].split(":");
  const immediates: Bytes[] = [];
  for (let i = OP_IMMEDIATES[op]; i < OP_IMMEDIATES[op + 1]; i += 2) {
    const kind = IMMEDIATE_KINDS[IMMEDIATE_PROGRAM[i]];
    immediates.push(REGULAR_IMMEDIATES[kind]!(IMMEDIATE_PROGRAM[i + 1], memory));
  }
  return [
    [...operands].map((letter) => letter === "p" ? address : REGULAR_OPERANDS[letter]),
    instr(opName(op), ...immediates),
    [...results].map(() => drop),
  ];
}

const block = (op: "block" | "loop" | "try", type: Bytes, ...body: Bytes[]) => [instr(op, ...type), body, end];

/** Bodies of the rows without a signature. */
const IRREGULAR_BODIES: Readonly<Record<IrregularOpName, Bytes>> = {
  unreachable: [instr("unreachable"), instr("i32.add"), drop],
  block: [i32(1), i64(2), block("block", [TYPE.pair]), drop, drop],
  loop: [i32(1), block("loop", [TYPE.i32ToI32], instr("br_if", 1), i32(3)), drop],
  if: [i32(1), instr("if", empty), instr("nop"), end],
  else: [i32(1), instr("if", I32), i32(1), instr("else"), i32(2), end, drop],
  end: [block("block", [F64], instr("f64.const", ...new Array(8).fill(0))), drop],
  br: [block("block", [I32], i32(1), instr("br", 0)), drop],
  br_if: [block("block", [I32], i32(1), i32(0), instr("br_if", 0)), drop],
  br_table: block("block", [empty], block("loop", [empty], i32(1), instr("br_table", 2, 0, 1, 0))),
  return: [i32(7), instr("return"), instr("i64.eqz"), drop],
  call: [i32(1), instr("call", 1), drop],
  call_indirect: [i32(1), i32(0), instr("call_indirect", TYPE.i32ToI32, 0), drop],
  call_ref: [i32(1), instr("ref.func", 1), instr("call_ref", TYPE.i32ToI32), drop],
  return_call: instr("return_call", 0),
  return_call_indirect: [i32(0), instr("return_call_indirect", TYPE.nothing, 0)],
  return_call_ref: [instr("ref.func", 0), instr("return_call_ref", TYPE.nothing)],
  throw: [i32(1), instr("throw", 0)],
  throw_ref: [instr("ref.null", EXNREF), instr("throw_ref")],
  try_table: block("block", [empty], [
    block("block", [EXNREF], [
      block("block", [I32], [
        instr("try_table", empty, vector([0, 0, 0], [2, 2], [3, 1])),
        end,
        instr("br", 2),
      ]),
      drop,
      instr("br", 1),
    ]),
    drop,
  ]),
  try: [instr("try", empty), instr("nop"), end],
  catch: [instr("try", empty), instr("catch", 0), drop, end],
  catch_all: [instr("try", empty), instr("catch", 0), drop, instr("catch_all"), end],
  delegate: block("try", [empty], instr("try", empty), instr("delegate", 0), instr("catch_all")),
  rethrow: [instr("try", empty), instr("catch_all"), instr("rethrow", 0), end],
  drop: [i32(1), drop],
  select: [i32(1), i32(2), i32(0), instr("select"), drop],
  "select t": [nullExtern, nullExtern, i32(0), instr("select t", vector([EXTERNREF])), drop],
  "local.get": [instr("local.get", 0), drop],
  "local.set": [nullFunc, instr("ref.as_non_null"), instr("local.set", 1), instr("local.get", 1), drop],
  "local.tee": [i32(1), instr("local.tee", 0), drop],
  "global.get": [instr("global.get", 0), drop],
  "global.set": [i32(1), instr("global.set", 0)],
  "table.get": [i32(0), instr("table.get", 0), drop],
  "table.set": [i64(0), nullFunc, instr("table.set", 2)],
  "table.size": [instr("table.size", 1), drop],
  "table.grow": [nullFunc, i64(1), instr("table.grow", 2), instr("i64.eqz"), drop],
  "table.fill": [i32(0), nullExtern, i32(1), instr("table.fill", 1)],
  "table.copy": [i64(0), i32(0), i32(0), instr("table.copy", 2, 0)],
  "table.init": [i64(0), i32(0), i32(0), instr("table.init", 0, 2)],
  "memory.copy": [i64(0), i32(0), i32(0), instr("memory.copy", 1, 0)],
  "ref.null": [instr("ref.null", 0x71), drop],
  "ref.is_null": [nullExtern, instr("ref.is_null"), drop],
  "ref.func": [instr("ref.func", 0), drop],
  "ref.eq": [instr("ref.null", 0x6d), structDefault, instr("ref.eq"), drop],
  "ref.as_non_null": [nullExtern, instr("ref.as_non_null"), drop],
  br_on_null: block("block", [empty], nullAny, instr("br_on_null", 0), drop),
  br_on_non_null: [block("block", [0x64, 0x6e], nullAny, instr("br_on_non_null", 0), instr("unreachable")), drop],
  "struct.new": [i32(1), i32(2), i64(3), nullFunc, instr("struct.new", TYPE.struct), drop],
  "struct.new_default": [structDefault, drop],
  "struct.get": [structDefault, instr("struct.get", TYPE.struct, 2), instr("i64.eqz"), drop],
  "struct.get_s": [structDefault, instr("struct.get_s", TYPE.struct, 1), drop],
  "struct.get_u": [structDefault, instr("struct.get_u", TYPE.struct, 1), drop],
  "struct.set": [instr("struct.new_default", TYPE.substruct), nullFunc, instr("struct.set", TYPE.struct, 3)],
  "array.new": [i32(1), i32(2), instr("array.new", TYPE.bytes), drop],
  "array.new_default": [intsDefault, drop],
  "array.new_fixed": [i32(1), i32(2), instr("array.new_fixed", TYPE.ints, 2), drop],
  "array.new_data": [i32(0), i32(1), instr("array.new_data", TYPE.bytes, 0), drop],
  "array.new_elem": [i32(0), i32(1), instr("array.new_elem", TYPE.funcs, 0), drop],
  "array.get": [intsDefault, i32(0), instr("array.get", TYPE.ints), drop],
  "array.get_s": [bytesDefault, i32(0), instr("array.get_s", TYPE.bytes), drop],
  "array.get_u": [bytesDefault, i32(0), instr("array.get_u", TYPE.bytes), drop],
  "array.set": [intsDefault, i32(0), i32(9), instr("array.set", TYPE.ints)],
  "array.len": [funcsDefault, instr("array.len"), drop],
  "array.fill": [funcsDefault, i32(0), nullFunc, i32(1), instr("array.fill", TYPE.funcs)],
  "array.copy": [
    intsDefault,
    i32(0),
    intsDefault,
    i32(1),
    i32(1),
    instr("array.copy", TYPE.ints, TYPE.ints),
  ],
  "array.init_data": [bytesDefault, i32(0), i32(0), i32(1), instr("array.init_data", TYPE.bytes, 0)],
  "array.init_elem": [funcsDefault, i32(0), i32(0), i32(1), instr("array.init_elem", TYPE.funcs, 0)],
  "ref.test": [nullAny, instr("ref.test", TYPE.struct), drop],
  "ref.test null": [nullAny, instr("ref.test null", 0x6c), drop],
  "ref.cast": [nullAny, instr("ref.cast", TYPE.substruct), instr("struct.get", TYPE.struct, 0), drop],
  "ref.cast null": [nullFunc, instr("ref.cast null", TYPE.nothing), drop],
  br_on_cast: [
    block("block", [0x64, TYPE.substruct], nullStruct, instr("br_on_cast", 1, 0, TYPE.struct, TYPE.substruct), [
      drop,
      instr("unreachable"),
    ]),
    drop,
  ],
  br_on_cast_fail: [
    block("block", [0x63, TYPE.struct], nullStruct, instr("br_on_cast_fail", 1, 0, TYPE.struct, TYPE.substruct)),
    drop,
  ],
  "any.convert_extern": [nullExtern, instr("any.convert_extern"), drop],
  "extern.convert_any": [nullAny, instr("extern.convert_any"), drop],
  "ref.i31": [i32(5), instr("ref.i31"), drop],
  "i31.get_s": [i32(5), instr("ref.i31"), instr("i31.get_s"), drop],
  "i31.get_u": [instr("ref.null", 0x6c), instr("i31.get_u"), drop],
  "struct.new_desc": [i32(1), newDescriptor, instr("struct.new_desc", DESC.described), drop],
  "struct.new_default_desc": [newDescribed, drop],
  "ref.get_desc": [
    newDescribed,
    instr("ref.get_desc", DESC.described),
    instr("ref.cast", EXACT, DESC.descriptor),
    drop,
  ],
  "ref.cast_desc_eq": [newDescribed, newDescriptor, instr("ref.cast_desc_eq", EXACT, DESC.described), drop],
  "ref.cast_desc_eq null": [nullAny, newDescriptor, instr("ref.cast_desc_eq null", DESC.described), drop],
  br_on_cast_desc_eq: [
    block("block", [0x64, EXACT, DESC.described], nullAny, newDescriptor, [
      instr("br_on_cast_desc_eq", 1, 0, 0x6e, EXACT, DESC.described),
      drop,
      instr("unreachable"),
    ]),
    drop,
  ],
  br_on_cast_desc_eq_fail: [
    block("block", [0x64, 0x6e], nullDescribed, newDescriptor, [
      instr("br_on_cast_desc_eq_fail", 3, 0, 0x6e, DESC.described),
      drop,
      instr("unreachable"),
    ]),
    drop,
  ],
  "cont.new": [newCont, drop],
  "cont.bind": [i32(1), newContI32ToI32, instr("cont.bind", CONT.contI32ToI32, CONT.contToI32), drop],
  suspend: [i32(1), instr("suspend", 0)],
  resume: handled([newCont, instr("resume", CONT.cont, vector(onTag(0), [1, 1]))]),
  resume_throw: handled([i32(1), newCont, instr("resume_throw", CONT.cont, 0, vector(onTag(0)))]),
  resume_throw_ref: handled([
    instr("ref.null", EXNREF),
    newCont,
    instr("resume_throw_ref", CONT.cont, vector(onTag(0))),
  ]),
  switch: [
    i32(1),
    instr("ref.null", CONT.contSwitched),
    instr("switch", CONT.contSwitched, 1),
  ],
};

/** The environment around one body: one of each type, two memories, three tables, globals, two tags, segments. */
export function moduleAround(body: Bytes, extraTypes: readonly Bytes[] = []): Uint8Array<ArrayBuffer> {
  const locals = [[1, [I32]], [1, [0x64, FUNCREF]]] as const;
  return moduleBytes(
    [1, vector(...TYPES, ...extraTypes)],
    [3, vector([TYPE.nothing], [TYPE.i32ToI32])],
    [4, vector([FUNCREF, 0x00, 10], [EXTERNREF, 0x01, 1, 20], [FUNCREF, 0x05, 1, 20])],
    [5, vector([0x03, 1, 2], [0x05, 1, 2])],
    [13, vector([0, TYPE.takesI32], [0, TYPE.nothing])],
    [
      6,
      vector([I32, MUTABLE, i32(1), end], [FUNCREF, IMMUTABLE, instr("ref.func", 0), end], [
        0x64,
        TYPE.ints,
        IMMUTABLE,
        i32(1),
        i32(2),
        instr("i32.add"),
        instr("array.new_default", TYPE.ints),
        end,
      ]),
    ],
    [7, vector([name("run"), 0, 0], [name("memory"), 2, 0], [name("id"), 0, 1], [name("g"), 3, 1])],
    [8, [0]],
    [9, vector([5, FUNCREF, vector([instr("ref.func", 0), end], [nullFunc, end])], [0, i32(0), end, vector([1])])],
    [12, u32(2)],
    [10, vector(code(locals, body), code([], instr("local.get", 0)))],
    [11, vector([1, vector([1], [2], [3])], [0, i32(0), end, vector([9])])],
  );
}

/** The example modules of an operation: one, or one per memory when it accesses one. */
export function exampleModules(op: Op): Uint8Array<ArrayBuffer>[] {
  const types = PROPOSALS[OPCODES[op][4]]?.types;
  if (OP_IRREGULAR[op] !== 0) return [moduleAround(IRREGULAR_BODIES[opName(op) as IrregularOpName], types)];
  return [moduleAround(regularBody(op, 0), types), moduleAround(regularBody(op, 1), types)];
}

/** The example modules of the operations that V8 has with the flags it starts with, in table order. */
export function allExampleModules(): Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: OP_COUNT }, (_, op) => v8FlagOf(op) === undefined ? exampleModules(op) : []).flat();
}
