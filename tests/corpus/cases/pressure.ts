/**
 * More live values than registers: across calls, across loops, around fixed registers (division, shifts), with constants and loads mixed in;
 * and the traps of arithmetic with every form of operand.
 */

import { Random } from "../../fuzz/generators/random.ts";
import type { OpName } from "../../../lib/wasm/mod.ts";
import {
  access,
  block,
  brIf,
  type Bytes,
  call,
  constant,
  get,
  i32,
  i64,
  ifElse,
  instr,
  ModuleBuilder,
  type NumberType,
  set,
  tee,
} from "../module_builder.ts";
import { argI32, Script, value } from "../script.ts";
import { f32Bits, f64Bits } from "../values.ts";
import { small, smallArg } from "./control.ts";

const NUMBERS: readonly NumberType[] = ["i32", "i64", "f32", "f64"];
const LIVE = 40;

/** Combines the values of locals into one, in an order that shows an exchange. */
function combine(types: readonly NumberType[], first: number): Bytes {
  const widen: Record<NumberType, Bytes> = {
    i32: instr("i64.extend_i32_s"),
    i64: [],
    f32: instr("i64.trunc_sat_f32_s"),
    f64: instr("i64.trunc_sat_f64_s"),
  };
  return [
    i64(17),
    types.map((type, index) => [i64(31), instr("i64.mul"), get(first + index), widen[type], instr("i64.xor")]),
  ];
}

function pressure(): Script {
  const script = new Script("register_pressure");
  const builder = new ModuleBuilder();
  builder.memory(1, 1);
  const clobber = builder.func(
    undefined,
    "i64 f64 -> i64",
    [],
    get(0),
    i64(3),
    instr("i64.mul"),
    get(1),
    instr("i64.trunc_sat_f64_s"),
    instr("i64.add"),
  );
  const mixes: [string, readonly NumberType[]][] = [
    ...NUMBERS.map((type) => [type, [type]] as [string, NumberType[]]),
    [
      "mixed",
      NUMBERS,
    ],
  ];
  for (const [label, cycle] of mixes) {
    const types = Array.from({ length: LIVE }, (_, index) => cycle[index % cycle.length]);
    const fill = types.map((type, index) => [
      get(0),
      {
        i32: [],
        i64: instr("i64.extend_i32_s"),
        f32: instr("f32.convert_i32_s"),
        f64: instr("f64.convert_i32_s"),
      }[type],
      small(type, index * 11 + 1),
      instr(`${type}.add`),
      set(index + 2),
    ]);
    const locals: NumberType[] = ["i64", ...types];
    builder.func(`plain ${label}`, "i32 -> i64", locals, fill, combine(types, 2));
    builder.func(
      `across a call ${label}`,
      "i32 -> i64",
      locals,
      fill,
      [i64(5), small("f64", 2), call(clobber), set(1)],
      combine(types, 2),
      get(1),
      instr("i64.add"),
    );
    builder.func(
      `across a loop ${label}`,
      "i32 -> i64",
      locals,
      fill,
      block("loop", "", [
        types.map((type, index) =>
          index % 3 === 0 ? [get(index + 2), small(type, 1), instr(`${type}.add`), set(index + 2)] : []
        ),
        [get(1), i64(1), instr("i64.add"), tee(1), i64(10), instr("i64.lt_u"), brIf(0)],
      ]),
      combine(types, 2),
    );
    builder.func(
      `calls in a loop ${label}`,
      "i32 -> i64",
      locals,
      fill,
      block("loop", "", [
        [get(1), small("f64", 1), call(clobber), set(1)],
        types.map((type, index) =>
          index % 5 === 2
            ? [get(index + 2), get(2 + (index + cycle.length) % LIVE), instr(`${type}.sub`), set(index + 2)]
            : []
        ),
        [get(1), i64(1000), instr("i64.lt_u"), brIf(0)],
      ]),
      combine(types, 2),
      get(1),
      instr("i64.xor"),
    );
    builder.func(
      `branches ${label}`,
      "i32 -> i64",
      locals,
      fill,
      types.map((type, index) =>
        index % 4 === 1
          ? [
            [get(0), i32(index), instr("i32.gt_s")],
            ifElse("", [
              get(index + 2),
              get(2 + (index + 2 * cycle.length) % LIVE),
              instr(`${type}.add`),
              set(index + 2),
            ]),
          ]
          : []
      ),
      combine(types, 2),
    );
    // The values on the operand stack, not in locals.
    builder.func(
      `stack ${label}`,
      "i32 -> i64",
      ["i64"],
      types.map((type, index) => [
        get(0),
        i32(index),
        instr("i32.mul"),
        {
          i32: [],
          i64: instr("i64.extend_i32_s"),
          f32: instr("f32.convert_i32_s"),
          f64: instr("f64.convert_i32_s"),
        }[type],
      ]),
      types.map((_, index) => types[LIVE - 1 - index]).map((type) => [
        {
          i32: instr("i64.extend_i32_s"),
          i64: [],
          f32: instr("i64.trunc_sat_f32_s"),
          f64: instr("i64.trunc_sat_f64_s"),
        }[
          type
        ] as Bytes,
        [get(1), i64(31), instr("i64.mul"), instr("i64.add"), set(1)],
      ]),
      get(1),
    );
  }
  // Fixed registers under pressure: division and shifts by variables amid live values.
  for (const type of ["i32", "i64"] as const) {
    const types: NumberType[] = new Array(24).fill(type);
    builder.func(
      `division ${type}`,
      { params: [type, type], results: ["i64"] },
      types,
      types.map((_, index) => [get(0), constant(type, BigInt(index * 977 + 3)), instr(`${type}.mul`), set(index + 2)]),
      types.map((_, index) => {
        const op = ["div_s", "div_u", "rem_s", "rem_u", "shl", "shr_s", "shr_u", "rotl", "rotr"][index % 9];
        return [
          get(index + 2),
          get(2 + (index * 7 + 5) % 24),
          constant(type, 1n),
          instr(`${type}.or`),
          instr(`${type}.${op}` as OpName),
          get(1),
          instr(`${type}.add`),
          set(index + 2),
        ];
      }),
      combine(types, 2),
    );
  }
  script.module(builder);
  for (const [label] of mixes) {
    for (const number of [0, 1, -3, 1000]) {
      for (const form of ["plain", "across a call", "across a loop", "calls in a loop", "branches", "stack"]) {
        script.returns(`${form} ${label}`, argI32(number));
      }
    }
  }
  for (const type of ["i32", "i64"] as const) {
    for (const [a, b] of [[1, 2], [-7, 3], [123456789, -1]]) {
      script.returns(`division ${type}`, smallArg(type, a), smallArg(type, b));
    }
  }
  return script;
}

/** Random acyclic expressions whose nodes are used many times: values stay live, constants and loads come and go. */
function sharedNodes(): Script {
  const script = new Script("shared_nodes");
  const builder = new ModuleBuilder();
  builder.memory(1, 1);
  builder.data(Array.from({ length: 256 }, (_, index) => (index * 91 + 7) & 255), i32(0));
  const random = new Random(77);
  const COUNT = 24;
  const NODES = 60;
  const OPS: Readonly<Record<NumberType, readonly string[]>> = {
    i32: ["add", "sub", "mul", "xor", "and", "or", "rotl", "shr_u"],
    i64: ["add", "sub", "mul", "xor", "and", "or", "rotr", "shl"],
    f32: ["add", "sub", "mul", "min"],
    f64: ["add", "sub", "mul", "max"],
  };
  for (let index = 0; index < COUNT; index++) {
    const types: NumberType[] = ["i32", "i64", "f32", "f64"];
    const body: Bytes[] = [];
    for (let node = types.length; node < NODES; node++) {
      const type = random.pick(NUMBERS);
      const operand = (): Bytes => {
        if (random.oneIn(6)) return small(type, random.below(200) - 100);
        if (random.oneIn(6)) {
          const narrow = type === "i32" || type === "i64" ? "load16_s" : "load";
          // Floats from memory may be NaNs, whose bits are open after arithmetic: they are read as integers.
          return type === "f32"
            ? [i32(random.below(200)), access("i32.load"), instr("f32.convert_i32_s")]
            : type === "f64"
            ? [i32(random.below(200)), access("i64.load"), instr("f64.convert_i64_s")]
            : [i32(random.below(200)), access(`${type}.${narrow}` as OpName)];
        }
        const choices = types.flatMap((kind, at) => kind === type ? [at] : []);
        return get(random.pick(choices));
      };
      body.push([operand(), operand(), instr(`${type}.${random.pick(OPS[type])}` as OpName), set(node)]);
      types.push(type);
    }
    builder.func(
      `nodes ${index}`,
      { params: types.slice(0, 4), results: ["i64"] },
      types.slice(4),
      body,
      combine(types, 0),
    );
  }
  script.module(builder);
  for (let index = 0; index < COUNT; index++) {
    for (const [a, b] of [[0, 0], [1, -1], [12345, 678]]) {
      script.returns(
        `nodes ${index}`,
        argI32(a),
        value("i64", BigInt(b) << 33n),
        smallArg("f32", b),
        smallArg("f64", a),
      );
    }
  }
  return script;
}

/** Division and conversion traps, with each operand a parameter or a constant, and the result used or dropped. */
function arithmeticTraps(): Script {
  const script = new Script("arithmetic_traps");
  const builder = new ModuleBuilder();
  const checks: (() => void)[] = [];
  for (const type of ["i32", "i64"] as const) {
    const smallest = type === "i32" ? 0x80000000n : 1n << 63n;
    for (const op of ["div_s", "div_u", "rem_s", "rem_u"]) {
      const name = `${type}.${op}` as OpName;
      const both = { params: [type, type], results: [type] } as const;
      const one = { params: [type], results: [type] } as const;
      builder.func(`${name} vv`, both, [], get(0), get(1), instr(name));
      builder.func(
        `${name} dropped`,
        { params: [type, type], results: [] },
        [],
        get(0),
        get(1),
        instr(name),
        instr("drop"),
      );
      for (const bits of [0n, 1n, -1n, 3n, 8n, -8n, 1000n, smallest]) {
        builder.func(`${name} by ${bits}`, one, [], get(0), constant(type, bits), instr(name));
        builder.func(`${name} of ${bits}`, one, [], constant(type, bits), get(0), instr(name));
        for (const operand of [0n, 7n, -7n, smallest]) {
          checks.push(() => script.check(`${name} by ${bits}`, [value(type, operand)]));
        }
        for (const operand of [0n, -1n, 3n]) {
          checks.push(() => script.check(`${name} of ${bits}`, [value(type, operand)]));
        }
      }
      for (const [left, right] of [[1n, 0n], [0n, 0n], [smallest, -1n], [smallest, 1n], [-1n, smallest]]) {
        checks.push(() => script.check(`${name} vv`, [value(type, left), value(type, right)]));
        checks.push(() => script.check(`${name} dropped`, [value(type, left), value(type, right)]));
      }
    }
    for (const source of ["f32", "f64"] as const) {
      for (const sign of ["s", "u"]) {
        const name = `${type}.trunc_${source}_${sign}` as OpName;
        builder.func(`${name} dropped`, { params: [source], results: [] }, [], get(0), instr(name), instr("drop"));
        const bits = source === "f32" ? f32Bits : f64Bits;
        for (
          const number of [
            0,
            -0.99,
            -1,
            2147483648,
            4294967296,
            -2147483649,
            9223372036854775808,
            1.9e19,
            Infinity,
            NaN,
          ]
        ) {
          const text = Number.isNaN(number) ? "invalid conversion to integer" : "integer overflow";
          checks.push(() => script.check(`${name} dropped`, [value(source, bits(number))], "bits", text));
        }
      }
    }
  }
  script.module(builder);
  for (const check of checks) check();
  return script;
}

/** The scripts of this family. */
export function pressureScripts(): Script[] {
  return [pressure(), sharedNodes(), arithmeticTraps()];
}
