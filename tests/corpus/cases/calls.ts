/** Calls: arguments and results of every class in any number, recursion, indirect calls and their traps, calls across instances. */

import {
  access,
  block,
  brIf,
  type Bytes,
  call,
  get,
  i32,
  i64,
  ifElse,
  instr,
  ModuleBuilder,
  type NumberType,
  set,
  u32,
} from "../module_builder.ts";
import { argExtern, argI32, argI64, Script, value } from "../script.ts";
import { f64Bits } from "../values.ts";
import { small, smallArg } from "./control.ts";

const MIXES: Readonly<Record<string, readonly NumberType[]>> = {
  i32: ["i32"],
  i64: ["i64"],
  f32: ["f32"],
  f64: ["f64"],
  mixed: ["i32", "f64", "i64", "f32", "f32"],
};
const COUNTS = [0, 1, 6, 7, 8, 9, 17];

function kinds(mix: string, count: number): NumberType[] {
  return Array.from({ length: count }, (_, index) => MIXES[mix][index % MIXES[mix].length]);
}

/** A value on the stack as f64, weighted, so that an exchange of two shows. */
function weighted(type: NumberType, weight: number): Bytes {
  const widen: Record<NumberType, Bytes> = {
    i32: instr("f64.convert_i32_s"),
    i64: instr("f64.convert_i64_s"),
    f32: instr("f64.promote_f32"),
    f64: [],
  };
  return [widen[type], small("f64", weight), instr("f64.mul"), instr("f64.add")];
}

/** Many parameters and results, directly, through a table, and from and to JavaScript. */
function shapes(): Script {
  const script = new Script("call_shapes");
  const builder = new ModuleBuilder();
  const table = builder.table("funcref", 400);
  const targets: number[] = [];
  const checks: (() => void)[] = [];
  for (const mix of Object.keys(MIXES)) {
    for (const count of mix === "mixed" ? [...COUNTS, 25, 40] : COUNTS) {
      const params = kinds(mix, count);
      const label = `${mix} x ${count}`;
      const sum = builder.func(
        `take ${label}`,
        { params, results: ["f64"] },
        [],
        small("f64", 0),
        params.map((type, index) => [get(index), weighted(type, index + 1)]),
      );
      const args = params.map((type, index) => smallArg(type, index * 3 + 1));
      checks.push(() => script.returns(`take ${label}`, ...args));
      const give = builder.func(
        `give ${label}`,
        { params: ["i32"], results: params },
        [],
        params.map((type, index) => [
          small(type, index + 2),
          get(0),
          {
            i32: [],
            i64: instr("i64.extend_i32_s"),
            f32: instr("f32.convert_i32_s"),
            f64: instr("f64.convert_i32_s"),
          }[type],
          instr(`${type}.add`),
        ]),
      );
      checks.push(() => script.returns(`give ${label}`, argI32(100)));
      // The arguments backwards, which is a permutation of registers and stack slots; then the results of one call into another.
      const slot = targets.length;
      targets.push(sum);
      const backwards = params.map((type, index) => params[count - 1 - index] === type ? count - 1 - index : index);
      builder.func(
        `indirect ${label}`,
        { params, results: ["f64"] },
        [],
        backwards.map(get),
        i32(slot),
        instr("call_indirect", u32(builder.type({ params, results: ["f64"] })), u32(table)),
      );
      checks.push(() => script.returns(`indirect ${label}`, ...args));
      builder.func(
        `compose ${label}`,
        "i32 -> f64",
        [],
        get(0),
        call(give),
        call(sum),
        get(0),
        instr("f64.convert_i32_s"),
        instr("f64.add"),
      );
      checks.push(() => script.returns(`compose ${label}`, argI32(-7)));
    }
  }
  builder.elements({ mode: "active", table, functions: targets });
  script.module(builder);
  for (const check of checks) check();
  return script;
}

/** Recursion, shallow and without end. */
function recursion(): Script {
  const script = new Script("recursion");
  const builder = new ModuleBuilder();
  builder.table("funcref", 2);
  const define = (field: string, type: string, locals: NumberType[], body: (self: number) => Bytes) => {
    const self = builder.declare(type);
    builder.export(field, "func", self);
    builder.define(self, locals, body(self));
    return self;
  };
  define("factorial", "i64 -> i64", [], (self) => [
    get(0),
    instr("i64.eqz"),
    ifElse("i64", i64(1), [get(0), get(0), i64(1), instr("i64.sub"), call(self), instr("i64.mul")]),
  ]);
  define("fibonacci", "i32 -> i32", [], (self) => [
    [get(0), i32(2), instr("i32.lt_s")],
    ifElse("i32", get(0), [
      [get(0), i32(1), instr("i32.sub"), call(self)],
      [get(0), i32(2), instr("i32.sub"), call(self), instr("i32.add")],
    ]),
  ]);
  define("ackermann", "i32 i32 -> i32", [], (self) => [
    [get(0), instr("i32.eqz")],
    ifElse("i32", [get(1), i32(1), instr("i32.add")], [
      [get(0), i32(1), instr("i32.sub"), get(1), instr("i32.eqz")],
      ifElse("i32", i32(1), [get(0), get(1), i32(1), instr("i32.sub"), call(self)]),
      call(self),
    ]),
  ]);
  const odd = builder.declare("i32 -> i32");
  const even = builder.declare("i32 -> i32");
  builder.define(odd, [], get(0), ifElse("i32", [get(0), i32(1), instr("i32.sub"), call(even)], i32(0)));
  builder.define(even, [], get(0), ifElse("i32", [get(0), i32(1), instr("i32.sub"), call(odd)], i32(1)));
  builder.export("even", "func", even);
  define("depth", "i32 -> i32", [], (self) => [
    get(0),
    ifElse("i32", [get(0), i32(1), instr("i32.sub"), call(self), i32(1), instr("i32.add")], i32(0)),
  ]);
  define("forever", "", [], (self) => call(self));
  define("forever with values", "i32 i64 f64 -> f64", ["f64", "i64"], (self) => [
    [
      get(0),
      i32(1),
      instr("i32.add"),
      get(1),
      i64(3),
      instr("i64.mul"),
      get(2),
      small("f64", 2),
      instr("f64.add"),
      call(self),
    ],
    get(2),
    instr("f64.add"),
  ]);
  // A frame of many live values in each call.
  define("forever with a big frame", "i64 -> i64", new Array(60).fill("i64"), (self) => [
    Array.from({ length: 60 }, (_, index) => [get(0), i64(index), instr("i64.mul"), set(index + 1)]),
    [get(0), i64(1), instr("i64.add"), call(self)],
    Array.from({ length: 60 }, (_, index) => [get(index + 1), instr("i64.xor")]),
  ]);
  const ping = builder.declare("");
  const pong = builder.declare("");
  builder.define(ping, [], call(pong));
  builder.define(pong, [], call(ping), instr("nop"));
  builder.export("forever in turns", "func", ping);
  const indirect = define("forever through a table", "", [], () => [
    i32(0),
    instr("call_indirect", u32(builder.type("")), u32(0)),
  ]);
  builder.elements({ mode: "active", functions: [indirect] });
  script.module(builder);
  for (const number of [0, 1, 10, 20, 25]) script.returns("factorial", argI64(number));
  for (const number of [0, 1, 2, 15]) script.returns("fibonacci", argI32(number));
  for (const [a, b] of [[0, 3], [1, 2], [2, 3], [3, 3]]) script.returns("ackermann", argI32(a), argI32(b));
  for (const number of [0, 1, 100, 2001]) script.returns("even", argI32(number));
  for (const depth of [0, 1, 1000]) script.returns("depth", argI32(depth));
  for (let round = 0; round < 2; round++) {
    script.traps("call stack exhausted", "forever");
    script.returns("depth", argI32(500));
    script.traps("call stack exhausted", "forever with values", argI32(1), argI64(2), value("f64", f64Bits(3)));
    script.traps("call stack exhausted", "forever with a big frame", argI64(1));
    script.traps("call stack exhausted", "forever in turns");
    script.traps("call stack exhausted", "forever through a table");
    script.traps("call stack exhausted", "depth", argI32(-1));
    script.returns("fibonacci", argI32(12));
  }
  return script;
}

/** `call_indirect`: each way to fail, and functions of other instances in the table. */
function indirect(): Script {
  const script = new Script("call_indirect");
  const owner = new ModuleBuilder();
  owner.export("table", "table", owner.table("funcref", 12, 20));
  const counter = owner.global("i32", "var", i32(100));
  const functions = [
    owner.func(undefined, "-> i32", [], i32(11)),
    owner.func(undefined, "i32 -> i32", [], get(0), i32(1), instr("i32.add")),
    owner.func(undefined, "i64 -> i64", [], get(0), i64(2), instr("i64.mul")),
    owner.func(undefined, "", [], instr("unreachable")),
    owner.func(undefined, "-> i32", [], [
      instr("global.get", counter),
      i32(1),
      instr("i32.add"),
      instr("global.set", counter),
    ], [
      instr("global.get", counter),
    ]),
  ];
  owner.elements({ mode: "active", offset: i32(1), functions: [...functions, undefined] });
  const define = (builder: ModuleBuilder) => {
    for (
      const [field, type] of [["none", "-> i32"], ["one", "i32 -> i32"], ["wide", "i64 -> i64"], ["void", ""], [
        "float",
        "f32 -> i32",
      ]]
    ) {
      const params = type.split("->")[0].trim();
      builder.func(
        field,
        `i32 ${type.startsWith("->") || type === "" ? type : ` ${type}`}`.replace(/\s+/g, " "),
        [],
        params === "" ? [] : get(1),
        get(0),
        instr("call_indirect", u32(builder.type(type)), u32(0)),
      );
    }
  };
  define(owner);
  const checks = () => {
    script.returns("none", argI32(1));
    script.returns("one", argI32(2), argI32(41));
    script.returns("wide", argI32(3), argI64(-4));
    script.traps("unreachable", "void", argI32(4));
    script.returns("none", argI32(5));
    script.returns("none", argI32(5));
    for (const index of [1, 3, 4]) script.traps("indirect call type mismatch", "one", argI32(index), argI32(1));
    for (const index of [2, 3]) script.traps("indirect call type mismatch", "none", argI32(index));
    script.traps("indirect call type mismatch", "wide", argI32(1), argI64(1));
    script.traps("indirect call type mismatch", "void", argI32(1));
    script.traps("indirect call type mismatch", "float", argI32(2), value("f32", 0n));
    for (const index of [0, 6, 7, 11]) script.traps("uninitialized element", "none", argI32(index));
    for (const index of [12, 13, 19, 20, 21, -1, 0x80000000, 0x7fffffff, 0x40000000]) {
      script.traps("undefined element", "none", argI32(index));
      script.traps("undefined element", "wide", argI32(index), argI64(1));
    }
  };
  script.module(owner);
  checks();
  script.register("owner");
  const user = new ModuleBuilder();
  user.importTable("owner", "table", "funcref", { min: 1 });
  const secret = user.global("i32", "const", i32(-5));
  const mine = user.func(undefined, "i32 -> i32", [], get(0), instr("global.get", secret), instr("i32.mul"));
  user.elements({ mode: "active", offset: i32(10), functions: [mine] });
  define(user);
  script.module(user);
  checks10(script);
  // A second instance puts a function with globals of its own into the same table.
  const second = new ModuleBuilder();
  second.importTable("owner", "table", "funcref", { min: 1 });
  second.global("i32", "const", i32(9));
  const other = second.func(undefined, "i32 -> i32", [], get(0), instr("global.get", 0), instr("i32.mul"));
  second.elements({ mode: "active", offset: i32(11), functions: [other] });
  define(second);
  script.module(second);
  script.returns("one", argI32(10), argI32(3));
  script.returns("one", argI32(11), argI32(3));
  script.returns("none", argI32(5));
  script.traps("undefined element", "one", argI32(12), argI32(3));

  // Constant indices, an index from memory, a table of one entry.
  const constant = new ModuleBuilder();
  constant.table("funcref", 1, 1);
  constant.memory(1, 1);
  const only = constant.func(undefined, "-> i32", [], i32(77));
  constant.elements({ mode: "active", functions: [only] });
  const target = instr("call_indirect", u32(constant.type("-> i32")), u32(0));
  constant.func("at 0", "-> i32", [], i32(0), target);
  constant.func("at 1", "-> i32", [], i32(1), target);
  constant.func("at -1", "-> i32", [], i32(-1), target);
  constant.func(
    "from memory",
    "i32 i32 -> i32",
    [],
    [get(0), get(1), access("i32.store")],
    get(0),
    access("i32.load"),
    target,
  );
  constant.func("twice", "i32 -> i32", [], get(0), target, get(0), target, instr("i32.add"));
  constant.func("wrapped", "i64 -> i32", [], get(0), instr("i32.wrap_i64"), target);
  script.module(constant);
  script.returns("at 0");
  script.traps("undefined element", "at 1");
  script.traps("undefined element", "at -1");
  script.returns("from memory", argI32(8), argI32(0));
  script.traps("undefined element", "from memory", argI32(8), argI32(1));
  script.returns("twice", argI32(0));
  script.returns("wrapped", argI64(0xffffffff00000000n));
  script.traps("undefined element", "wrapped", argI64(0xffffffff00000001n));
  return script;
}

function checks10(script: Script): void {
  script.returns("one", argI32(10), argI32(7));
  script.returns("one", argI32(2), argI32(41));
  script.returns("none", argI32(5));
  script.traps("indirect call type mismatch", "none", argI32(10));
  script.traps("uninitialized element", "none", argI32(11));
}

/** Imported functions: of instances and of the host; references through calls. */
function imports(): Script {
  const script = new Script("imports");
  const first = new ModuleBuilder();
  first.memory(1, 1);
  const state = first.global("i64", "var", i64(1));
  first.func("add", "i64 -> i64", [], [
    instr("global.get", state),
    get(0),
    instr("i64.add"),
    instr("global.set", state),
  ], [
    instr("global.get", state),
  ]);
  first.func("peek", "i32 -> i32", [], get(0), access("i32.load"));
  first.func("poke", "i32 i32", [], get(0), get(1), access("i32.store"));
  const many = kinds("mixed", 20);
  first.func(
    "many",
    { params: many, results: many },
    [],
    many.map((_, index) => get(index)),
  );
  first.func("trap", "", [], instr("unreachable"));
  first.func("identity", "externref -> externref", [], get(0));
  script.module(first);
  script.register("first");

  const second = new ModuleBuilder();
  const add = second.importFunc("first", "add", "i64 -> i64");
  const peek = second.importFunc("first", "peek", "i32 -> i32");
  const poke = second.importFunc("first", "poke", "i32 i32");
  const manyImported = second.importFunc("first", "many", { params: many, results: many });
  const trap = second.importFunc("first", "trap", "");
  const identity = second.importFunc("first", "identity", "externref -> externref");
  const print = second.importFunc("spectest", "print", "");
  const printI32 = second.importFunc("spectest", "print_i32", "i32");
  const printI64 = second.importFunc("spectest", "print_i64", "i64");
  const printF32 = second.importFunc("spectest", "print_f32", "f32");
  const printF64s = second.importFunc("spectest", "print_f64_f64", "f64 f64");
  second.memory(1, 1);
  second.export("again", "func", add);
  second.func("both memories", "i32 -> i32", [], [i32(0), get(0), call(poke)], [i32(0), i32(5), access("i32.store")], [
    i32(0),
    call(peek),
    i32(0),
    access("i32.load"),
    instr("i32.sub"),
  ]);
  second.func("twice", "i64 -> i64", [], get(0), call(add), call(add));
  second.func(
    "many across",
    { params: many, results: many },
    [],
    many.map((_, index) => get(index)),
    call(manyImported),
    call(manyImported),
  );
  second.func("trap across", "i32 -> i32", [], get(0), ifElse("", call(trap)), i32(3));
  second.func("reference across", "externref -> externref", [], get(0), call(identity), call(identity));
  // Values live across calls of the host, in every class.
  second.func(
    "print all",
    "i32 i64 f32 f64 -> f64",
    [],
    call(print),
    [get(0), call(printI32), get(1), call(printI64), get(2), call(printF32), get(3), get(3), call(printF64s)],
    [get(0), instr("f64.convert_i32_s"), get(1), instr("f64.convert_i64_s"), instr("f64.add")],
    [get(2), instr("f64.promote_f32"), instr("f64.add"), get(3), instr("f64.add")],
  );
  second.func(
    "print in a loop",
    "i32 -> i32",
    ["i32"],
    block("loop", "", [
      [get(0), call(printI32), get(1), get(0), instr("i32.add"), set(1)],
      [get(0), i32(1), instr("i32.sub"), instr("local.tee", 0), brIf(0)],
    ]),
    get(1),
  );
  script.module(second);
  script.returns("both memories", argI32(1005));
  script.returns("twice", argI64(10));
  script.returns("again", argI64(-1));
  script.returns("many across", ...many.map((type, index) => smallArg(type, index - 5)));
  script.returns("trap across", argI32(0));
  script.traps("unreachable", "trap across", argI32(1));
  script.returns("reference across", argExtern(3));
  script.returns("reference across", argExtern(null));
  script.returns("print all", argI32(1), argI64(2), smallArg("f32", 3), smallArg("f64", 4));
  script.returns("print in a loop", argI32(10));

  const wrong = new ModuleBuilder();
  wrong.importFunc("first", "add", "i32 -> i64");
  script.unlinkable(wrong, "incompatible import type");
  const missing = new ModuleBuilder();
  missing.importFunc("first", "nothing", "");
  script.unlinkable(missing, "unknown import");
  const kind = new ModuleBuilder();
  kind.importGlobal("first", "add", "i32", "const");
  script.unlinkable(kind, "incompatible import type");
  return script;
}

/** Start functions: they run once, after the segments, and a trap in them fails the instantiation. */
function start(): Script {
  const script = new Script("start");
  const counted = new ModuleBuilder();
  counted.memory(1, 1);
  counted.data([5], i32(0));
  const state = counted.global("i32", "var", i32(0));
  const begin = counted.func(
    undefined,
    "",
    [],
    instr("global.get", state),
    i32(0),
    access("i32.load8_u"),
    instr("i32.add"),
    instr("global.set", state),
  );
  counted.func("state", "-> i32", [], instr("global.get", state));
  counted.func("again", "-> i32", [], call(begin), instr("global.get", state));
  counted.start(begin);
  script.module(counted);
  script.returns("state");
  script.returns("again");
  script.module(counted);
  script.returns("state");

  const traps: [Bytes, string][] = [
    [instr("unreachable"), "unreachable"],
    [[i32(1), i32(0), instr("i32.div_s"), instr("drop")], "integer divide by zero"],
    [[i32(65536), access("i32.load8_u"), instr("drop")], "out of bounds memory access"],
  ];
  for (const [body, text] of traps) {
    const builder = new ModuleBuilder();
    builder.memory(1, 1);
    builder.start(builder.func(undefined, "", [], body));
    script.uninstantiable(builder, text);
  }
  const forever = new ModuleBuilder();
  const self = forever.declare("");
  forever.define(self, [], call(self));
  forever.func("fine", "-> i32", [], i32(1));
  script.module(forever);
  script.returns("fine");

  const imported = new ModuleBuilder();
  const print = imported.importFunc("spectest", "print", "");
  imported.func("fine", "-> i32", [], i32(2));
  imported.start(print);
  script.module(imported);
  script.returns("fine");
  const typed = new ModuleBuilder();
  typed.start(typed.func(undefined, "-> i32", [], i32(1)));
  script.invalid(typed, "start function");
  return script;
}

/** The scripts of this family. */
export function callScripts(): Script[] {
  return [shapes(), recursion(), indirect(), imports(), start()];
}
