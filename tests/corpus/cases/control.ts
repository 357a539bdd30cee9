/** Control flow: branches of every kind with values, deep nesting, loops that rotate their variables. */

import { Random } from "../../fuzz/generators/random.ts";
import {
  block,
  br,
  brIf,
  brTable,
  type Bytes,
  constant,
  get,
  i32,
  i64,
  ifElse,
  instr,
  ModuleBuilder,
  type NumberType,
  refNull,
  selectTyped,
  set,
  tee,
  type TypeName,
} from "../module_builder.ts";
import { argExtern, argI32, argI64, Script, type ScriptValue, value } from "../script.ts";
import { f32Bits, f64Bits } from "../values.ts";

const NUMBERS: readonly NumberType[] = ["i32", "i64", "f32", "f64"];

/** A small number as a constant of any type. */
export function small(type: NumberType, number: number): Bytes {
  if (type === "f32") return constant(type, f32Bits(number));
  return type === "f64" ? constant(type, f64Bits(number)) : constant(type, BigInt(number));
}

/** A small number as an argument of any type. */
export function smallArg(type: NumberType, number: number): ScriptValue {
  if (type === "f32") return value(type, f32Bits(number));
  return type === "f64" ? value(type, f64Bits(number)) : value(type, BigInt(number));
}

function branches(): Script {
  const script = new Script("branches");
  const builder = new ModuleBuilder();
  const nested = (count: number, inner: Bytes, after: (depth: number) => Bytes): Bytes => {
    let body = inner;
    for (let depth = 0; depth < count; depth++) body = [block("block", "", body), after(depth)];
    return body;
  };
  for (const count of [0, 1, 2, 5, 40, 300]) {
    const targets = Array.from({ length: count }, (_, index) => count - 1 - index);
    builder.func(
      `table ${count}`,
      "i32 -> i32",
      [],
      nested(count + 1, [get(0), brTable(targets, count)], (depth) => [i32(1000 + depth), instr("return")]),
      instr("unreachable"),
    );
  }
  for (const type of NUMBERS) {
    builder.func(
      `table with ${type}`,
      { params: ["i32"], results: [type] },
      [],
      block("block", type, [
        block("block", type, [
          block("block", type, [small(type, 10), get(0), brTable([0, 1, 2, 0], 1)]),
          small(type, 3),
          instr(`${type}.mul`),
        ]),
        small(type, 2),
        instr(`${type}.add`),
      ]),
    );
    builder.func(
      `if ${type}`,
      { params: ["i32"], results: [type] },
      [],
      [get(0), ifElse(type, small(type, 1), small(type, 2))],
    );
    builder.func(
      `br_if ${type}`,
      { params: ["i32", type], results: [type] },
      [],
      block("block", type, [get(1), get(0), brIf(0), instr("drop"), small(type, 7)]),
    );
    builder.func(
      `select ${type}`,
      { params: [type, type, "i32"], results: [type] },
      [],
      get(0),
      get(1),
      get(2),
      instr("select"),
    );
    builder.func(
      `early return ${type}`,
      { params: ["i32"], results: [type] },
      [],
      [get(0), ifElse("", [small(type, 5), instr("return")])],
      small(type, 6),
    );
  }
  builder.func(
    "select extern",
    "externref externref i32 -> externref",
    [],
    get(0),
    get(1),
    get(2),
    selectTyped("externref"),
  );
  // The same table target many times, with a loop as target.
  builder.func(
    "state machine",
    "i32 -> i32",
    ["i32", "i32"],
    block("block", "", [
      block("loop", "", [
        nested(4, [get(1), brTable([0, 1, 2], 3)], (state) => [
          [get(2), i32(10), instr("i32.mul"), i32(state + 1), instr("i32.add"), set(2)],
          [get(0), i32(1), instr("i32.sub"), tee(0), instr("i32.eqz"), brIf(3 - state + 1)],
          [i32((state + 2) % 4), set(1), br(3 - state)],
        ]),
      ]),
    ]),
    get(2),
  );
  builder.func(
    "deep",
    "i32 -> i32",
    ["i32"],
    nested(100, [get(0), brTable(Array.from({ length: 100 }, (_, index) => index), 99)], (depth) => [
      get(1),
      i32(depth),
      instr("i32.add"),
      set(1),
    ]),
    get(1),
  );
  builder.func(
    "nested ifs",
    "i32 -> i32",
    ["i32"],
    Array.from({ length: 12 }, (_, bit) => [
      [get(0), i32(1 << bit), instr("i32.and")],
      ifElse("", [get(1), i32(bit * 7 + 1), instr("i32.xor"), set(1)], [
        get(1),
        i32(bit + 3),
        instr("i32.add"),
        set(1),
      ]),
    ]),
    get(1),
  );
  builder.func("unreachable", "", [], instr("unreachable"));
  builder.func("trap in a branch", "i32 -> i32", [], get(0), ifElse("i32", i32(3), instr("unreachable")));
  builder.func(
    "dead code",
    "i32 -> i32",
    [],
    block("block", "i32", [
      get(0),
      br(0),
      [instr("i32.add"), instr("i64.extend_i32_u"), instr("i32.wrap_i64"), instr("select")],
      [block("loop", "", br(0)), instr("unreachable"), instr("f64.sqrt"), instr("drop")],
    ]),
  );
  builder.func("return drops", "i32 -> i32", [], i64(3), i32(4), get(0), instr("return"), i64(9), instr("drop"));
  builder.func(
    "branch drops",
    "i32 -> i32",
    [],
    block("block", "i32", [
      i64(1),
      i64(2),
      get(0),
      get(0),
      brIf(0),
      instr("drop"),
      instr("drop"),
      instr("drop"),
      i32(8),
    ]),
  );
  builder.func(
    "compare and branch twice",
    "i32 i32 -> i32",
    ["i32"],
    [get(0), get(1), instr("i32.lt_s"), tee(2), ifElse("", [get(0), set(1)])],
    [get(2), ifElse("i32", get(1), [get(2), i32(5), instr("i32.add")])],
  );
  script.module(builder);
  for (const count of [0, 1, 2, 5, 40, 300]) {
    for (const index of [0, 1, count - 1, count, count + 1, -1, 0x80000000]) {
      script.returns(`table ${count}`, argI32(index));
    }
  }
  for (const type of NUMBERS) {
    for (const index of [0, 1, 2, 3, 4, -1]) script.returns(`table with ${type}`, argI32(index));
    for (const bit of [0, 1, -1, 0x80000000]) {
      script.returns(`if ${type}`, argI32(bit));
      script.returns(`br_if ${type}`, argI32(bit), smallArg(type, 3));
      script.returns(`select ${type}`, smallArg(type, 1), smallArg(type, -2), argI32(bit));
    }
    script.returns(`early return ${type}`, argI32(0));
    script.returns(`early return ${type}`, argI32(2));
  }
  script.returns("select f32", value("f32", 0x7fa00001n), value("f32", 0x7fc00000n), argI32(1));
  script.returns("select f64", value("f64", 0x7ff4000000000001n), value("f64", 0xfff8000000000001n), argI32(0));
  script.returns("select extern", argExtern(1), argExtern(2), argI32(1));
  script.returns("select extern", argExtern(1), argExtern(null), argI32(0));
  for (const count of [1, 2, 3, 4, 5, 9]) script.returns("state machine", argI32(count));
  for (const depth of [0, 1, 50, 98, 99, 100, -1]) script.returns("deep", argI32(depth));
  for (const bits of [0, 1, 0xfff, 0xaaa, 0x555, 0x801]) script.returns("nested ifs", argI32(bits));
  script.traps("unreachable", "unreachable");
  script.returns("trap in a branch", argI32(1));
  script.traps("unreachable", "trap in a branch", argI32(0));
  for (const number of [0, 1, -5]) {
    script.returns("dead code", argI32(number));
    script.returns("return drops", argI32(number));
    script.returns("branch drops", argI32(number));
    for (const other of [0, 7, -9]) script.returns("compare and branch twice", argI32(number), argI32(other));
  }
  return script;
}

/** Blocks and loops with parameters and several results. */
function multiValue(): Script {
  const script = new Script("multi_value");
  const builder = new ModuleBuilder();
  const pair = builder.type("i32 i64 -> i64 i32");
  const three = builder.type("-> i32 f64 i64");
  const carry = builder.type("i64 i64 -> i64 i64");
  builder.func("swap", "i32 i64 -> i64 i32", [], get(1), get(0));
  builder.func(
    "block params",
    "i32 i64 -> i64 i32",
    ["i32"],
    get(0),
    get(1),
    block("block", pair, [
      instr("i32.wrap_i64"),
      set(2),
      instr("i64.extend_i32_s"),
      get(2),
    ]),
  );
  builder.func(
    "if params",
    "i32 i64 i32 -> i64 i32",
    ["i64", "i32"],
    [get(0), get(1), get(2)],
    ifElse(pair, [set(3), set(4), get(3), get(4)], [set(3), i32(1), instr("i32.add"), set(4), i64(9), get(4)]),
  );
  builder.func(
    "three ways",
    "i32 -> i32 f64 i64",
    [],
    block("block", three, [
      block("block", three, [i32(1), small("f64", 2), i64(3), get(0), brTable([0, 1], 0)]),
      [instr("drop"), instr("drop"), instr("drop"), i32(4), small("f64", 5), i64(6)],
    ]),
  );
  builder.func(
    "fibonacci",
    "i32 -> i64 i64",
    [],
    [i64(0), i64(1)],
    block("loop", carry, [
      instr("call", builder.declare("i64 i64 -> i64 i64")),
      get(0),
      i32(1),
      instr("i32.sub"),
      tee(0),
      brIf(0),
    ]),
  );
  builder.define(4, [], get(1), get(0), get(1), instr("i64.add"));
  // A loop whose parameters are rotated: every type, from two to many at once.
  for (const count of [2, 3, 5, 9, 17, 24]) {
    for (const types of [["i32"], ["f64"], ["i32", "f32", "i64", "f64"]] as NumberType[][]) {
      const kinds = Array.from({ length: count }, (_, index) => types[index % types.length]);
      // Rotation by the cycle length of the types, so that each variable keeps its type.
      const by = types.length;
      if (count <= by) continue;
      const rotated = kinds.map((_, index) => (index + by) % (count - count % by || count)).map((from, index) =>
        kinds[from] === kinds[index] ? from : index
      );
      builder.func(
        `rotate ${count} ${types.length === 1 ? types[0] : "mixed"}`,
        { params: ["i32"], results: kinds },
        kinds,
        kinds.map((type, index) => [small(type, index + 1), set(index + 1)]),
        block("loop", "", [
          rotated.map((from) => get(from + 1)),
          kinds.map((_, index) => set(count - index)),
          [get(0), i32(1), instr("i32.sub"), tee(0), brIf(0)],
        ]),
        kinds.map((_, index) => get(index + 1)),
      );
    }
  }
  // Swaps along a conditional path, so that both edges move values.
  builder.func(
    "gcd",
    "i64 i64 -> i64",
    [],
    block(
      "block",
      "",
      block("loop", "", [
        [get(1), instr("i64.eqz"), brIf(1)],
        [get(1), get(0), get(1), instr("i64.rem_u"), set(1), set(0), br(0)],
      ]),
    ),
    get(0),
  );
  builder.func(
    "collatz",
    "i64 -> i32",
    ["i32"],
    block(
      "block",
      "",
      block("loop", "", [
        [get(0), i64(1), instr("i64.le_u"), brIf(1)],
        [get(1), i32(1), instr("i32.add"), set(1)],
        [get(0), i64(1), instr("i64.and"), instr("i64.eqz")],
        ifElse("i64", [get(0), i64(1), instr("i64.shr_u")], [
          get(0),
          i64(3),
          instr("i64.mul"),
          i64(1),
          instr("i64.add"),
        ]),
        [set(0), br(0)],
      ]),
    ),
    get(1),
  );
  builder.func(
    "nested loops",
    "i32 i32 -> i32",
    ["i32", "i32", "i32"],
    block("loop", "", [
      [i32(0), set(3)],
      block("loop", "", [
        [get(4), get(2), get(3), instr("i32.mul"), instr("i32.add"), set(4)],
        [get(3), i32(1), instr("i32.add"), tee(3), get(1), instr("i32.lt_s"), brIf(0)],
      ]),
      [get(2), i32(1), instr("i32.add"), tee(2), get(0), instr("i32.lt_s"), brIf(0)],
    ]),
    get(4),
  );
  script.module(builder);
  script.returns("swap", argI32(-1), argI64(-2));
  script.returns("block params", argI32(-3), argI64(0x1_0000_0005n));
  for (const bit of [0, 1]) script.returns("if params", argI32(5), argI64(6), argI32(bit));
  for (const way of [0, 1, 2]) script.returns("three ways", argI32(way));
  for (const count of [1, 2, 10, 93]) script.returns("fibonacci", argI32(count));
  for (const count of [2, 3, 5, 9, 17, 24]) {
    for (const label of ["i32", "f64", "mixed"]) {
      if (label === "mixed" && count <= 4) continue;
      for (const turns of [1, 2, 3, 7]) script.returns(`rotate ${count} ${label}`, argI32(turns));
    }
  }
  for (const [a, b] of [[12n, 18n], [0n, 5n], [1n << 63n, 1n << 20n], [-1n, 3n]]) {
    script.returns("gcd", argI64(a), argI64(b));
  }
  for (const start of [1n, 7n, 27n, 6171n]) script.returns("collatz", argI64(start));
  for (const [a, b] of [[1, 1], [7, 9], [20, 3]]) script.returns("nested loops", argI32(a), argI32(b));
  return script;
}

/** Locals: zero at entry, many of them, tee and set in odd places. */
function locals(): Script {
  const script = new Script("locals");
  const builder = new ModuleBuilder();
  for (const type of NUMBERS) {
    for (const count of [1, 30, 200]) {
      const sum = Array.from({ length: count }, (_, index) => [get(index + 1), instr(`${type}.add`)]);
      builder.func(
        `zero ${type} ${count}`,
        { params: [type], results: [type] },
        new Array(count).fill(type),
        get(0),
        sum,
      );
    }
  }
  builder.func("null extern", "-> externref", ["externref"], get(0));
  builder.func("null func", "-> i32", ["funcref"], get(0), instr("ref.is_null"));
  builder.func(
    "set null",
    "externref -> i32",
    [],
    get(0),
    instr("ref.is_null"),
    [refNull("externref"), set(0)],
    get(0),
    [
      instr("ref.is_null"),
      i32(1),
      instr("i32.shl"),
      instr("i32.or"),
    ],
  );
  builder.func("tee order", "i32 -> i32", ["i32"], [get(0), tee(1), get(1), i32(3), instr("i32.mul"), tee(0)], [
    instr("i32.sub"),
    get(0),
    get(1),
    instr("i32.xor"),
    instr("i32.add"),
  ]);
  // A value read before its local is overwritten must stay the old one.
  builder.func("read before write", "i32 i32 -> i32", [], get(0), [get(1), set(0)], get(0), instr("i32.sub"));
  builder.func(
    "read before loop",
    "i32 -> i32",
    ["i32"],
    get(0),
    block("loop", "", [get(1), get(0), instr("i32.add"), set(1), get(0), i32(1), instr("i32.sub"), tee(0), brIf(0)]),
    get(1),
    instr("i32.mul"),
  );
  script.module(builder);
  for (const type of NUMBERS) {
    for (const count of [1, 30, 200]) script.returns(`zero ${type} ${count}`, smallArg(type, 5));
  }
  script.returns("null extern");
  script.returns("null func");
  script.returns("set null", argExtern(4));
  script.returns("set null", argExtern(null));
  for (const number of [0, 1, 9, -4]) script.returns("tee order", argI32(number));
  script.returns("read before write", argI32(10), argI32(4));
  script.returns("read before loop", argI32(6));
  return script;
}

/** Straight-line and structured programs made at random, over eight variables of each type. */
function randomPrograms(): Script {
  const script = new Script("random_programs");
  const builder = new ModuleBuilder();
  const random = new Random(20);
  const COUNT = 30;
  const params: NumberType[] = ["i32", "i32", "i64", "i64", "f32", "f64"];
  const locals: TypeName[] = ["i32", "i32", "i32", "i64", "i64", "f32", "f32", "f64", "f64", "i32"];
  const all = [...params, ...locals] as NumberType[];
  const FUEL = all.length - 1;
  const of = (type: NumberType) => all.flatMap((kind, index) => kind === type && index !== FUEL ? [index] : []);
  const BINARY = {
    i32: ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"],
    i64: ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"],
    f32: ["add", "sub", "mul", "div", "min", "max"],
    f64: ["add", "sub", "mul", "div", "min", "max"],
  } as const;
  const expression = (type: NumberType, depth: number): Bytes => {
    if (depth === 0 || random.oneIn(5)) {
      if (!random.oneIn(4)) return get(random.pick(of(type)));
      return small(type, random.pick([0, 1, -1, 2, 7, 31, 100, -128, 4096, 65535]));
    }
    const other = random.pick(NUMBERS);
    switch (random.below(type === "i32" ? 6 : 5)) {
      case 0:
        return [
          expression(type, depth - 1),
          expression(type, depth - 1),
          expression("i32", depth - 1),
          instr("select"),
        ];
      case 1: {
        if (type === "i32" && other === "i64") return [expression("i64", depth - 1), instr("i32.wrap_i64")];
        if (type === "i64" && other === "i32") return [expression("i32", depth - 1), instr("i64.extend_i32_s")];
        if (type === "i64" && other === "f64") return [expression("f64", depth - 1), instr("i64.trunc_sat_f64_s")];
        if (type === "i32" && other === "f32") return [expression("f32", depth - 1), instr("i32.trunc_sat_f32_u")];
        if (type === "f64" && other === "i64") return [expression("i64", depth - 1), instr("f64.convert_i64_s")];
        if (type === "f64" && other === "f32") return [expression("f32", depth - 1), instr("f64.promote_f32")];
        if (type === "f32" && other === "i32") return [expression("i32", depth - 1), instr("f32.convert_i32_u")];
        if (type === "f32" && other === "f64") return [expression("f64", depth - 1), instr("f32.demote_f64")];
        return expression(type, depth - 1);
      }
      case 2: {
        if (type === "f32" || type === "f64") {
          return [
            expression(type, depth - 1),
            instr(`${type}.${random.pick(["abs", "neg", "sqrt", "floor", "nearest"] as const)}`),
          ];
        }
        return [
          expression(type, depth - 1),
          instr(`${type}.${random.pick(["clz", "ctz", "popcnt", "extend8_s"] as const)}`),
        ];
      }
      case 5:
        return [
          expression(other, depth - 1),
          expression(other, depth - 1),
          instr(
            `${other}.${random.pick(other[0] === "f" ? ["lt", "ge", "eq"] : ["lt_s", "lt_u", "ne"])}` as "i32.lt_s",
          ),
        ];
      default: {
        const op = random.pick<string>(BINARY[type]);
        return [expression(type, depth - 1), expression(type, depth - 1), instr(`${type}.${op}` as "i32.add")];
      }
    }
  };
  const statement = (depth: number): Bytes => {
    const target = random.pick([6, 7, 8, 9, 10, 11, 12, 13, 14, 0, 2]);
    switch (depth === 0 ? 0 : random.below(5)) {
      case 1:
        return [
          expression("i32", 2),
          ifElse("", statements(depth - 1), random.oneIn(2) ? statements(depth - 1) : undefined),
        ];
      case 2:
        // A loop that the fuel counter ends.
        return block("loop", "", [
          statements(depth - 1),
          [get(FUEL), i32(1), instr("i32.sub"), tee(FUEL), i32(0), instr("i32.gt_s"), brIf(0)],
        ]);
      case 3:
        return block("block", "", [statements(depth - 1), expression("i32", 2), brIf(0), statements(depth - 1)]);
      default:
        return [expression(all[target], 3), set(target)];
    }
  };
  const statements = (depth: number): Bytes => Array.from({ length: 1 + random.below(4) }, () => statement(depth));
  for (let index = 0; index < COUNT; index++) {
    const hash = all.map((type, local) => {
      if (local === FUEL) return [];
      const bits: Record<NumberType, Bytes> = {
        i32: [get(local), instr("i64.extend_i32_u")],
        i64: get(local),
        // NaNs have open bits, so they count as one value.
        f32: [i64(1), get(local), instr("i32.reinterpret_f32"), instr("i64.extend_i32_s"), get(local), get(local)]
          .concat([
            instr("f32.ne"),
            instr("select"),
          ]),
        f64: [
          i64(2),
          get(local),
          instr("i64.reinterpret_f64"),
          get(local),
          get(local),
          instr("f64.ne"),
          instr("select"),
        ],
      };
      return [i64(5), instr("i64.rotl"), bits[type], instr("i64.xor"), i64(0x9e3779b97f4a7c15n), instr("i64.mul")];
    });
    builder.func(
      `program ${index}`,
      { params, results: ["i64"] },
      locals,
      [i32(40), set(FUEL)],
      statements(3),
      statements(3),
      i64(0),
      hash,
    );
  }
  script.module(builder);
  const tuples = [
    [0, 0, 0, 0, 0, 0],
    [1, -1, 2, -3, 1.5, -2.5],
    [0x7fffffff, 0x80000000, 0x123456789, -0x80000000, 1e10, -1e-5],
  ];
  for (let index = 0; index < COUNT; index++) {
    for (const tuple of tuples) {
      script.returns(`program ${index}`, ...params.map((type, at) => smallArg(type, tuple[at])));
    }
  }
  return script;
}

/** The scripts of this family. */
export function controlScripts(): Script[] {
  return [branches(), multiValue(), locals(), randomPrograms()];
}
