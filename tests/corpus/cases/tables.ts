/** Tables and globals: reading, writing, growing, bulk operations, sharing between instances. */

import { type Bytes, constant, get, i32, i64, instr, ModuleBuilder, refNull, u32 } from "../module_builder.ts";
import { argExtern, argI32, argI64, Script, value } from "../script.ts";
import { f32Bits, f64Bits } from "../values.ts";

function externTables(): Script {
  const script = new Script("tables");
  const builder = new ModuleBuilder();
  const first = builder.table("externref", 4, 10);
  const second = builder.table("externref", 6);
  for (const [name, table] of [["a", first], ["b", second]] as const) {
    builder.func(`get ${name}`, "i32 -> externref", [], get(0), instr("table.get", table));
    builder.func(`set ${name}`, "i32 externref", [], get(0), get(1), instr("table.set", table));
    builder.func(`size ${name}`, "-> i32", [], instr("table.size", table));
    builder.func(`grow ${name}`, "externref i32 -> i32", [], get(0), get(1), instr("table.grow", table));
    builder.func(`fill ${name}`, "i32 externref i32", [], get(0), get(1), get(2), instr("table.fill", table));
    builder.func(`copy ${name}`, "i32 i32 i32", [], get(0), get(1), get(2), instr("table.copy", table, table));
    builder.func(`at 3 of ${name}`, "-> externref", [], i32(3), instr("table.get", table));
    builder.func(`null at 2 of ${name}`, "", [], i32(2), refNull("externref"), instr("table.set", table));
  }
  builder.func("copy a to b", "i32 i32 i32", [], get(0), get(1), get(2), instr("table.copy", second, first));
  script.module(builder);
  const entries = (name: string, count: number) => {
    for (let index = 0; index < count; index++) script.returns(`get ${name}`, argI32(index));
  };
  entries("a", 4);
  for (const index of [4, 10, -1, 0x80000000]) {
    script.traps("out of bounds table access", "get a", argI32(index));
    script.traps("out of bounds table access", "set a", argI32(index), argExtern(1));
  }
  for (let index = 0; index < 4; index++) script.returns("set a", argI32(index), argExtern(index + 1));
  entries("a", 4);
  script.returns("at 3 of a");
  script.returns("null at 2 of a");
  entries("a", 4);
  script.returns("grow a", argExtern(9), argI32(0));
  script.returns("grow a", argExtern(9), argI32(3));
  script.returns("size a");
  entries("a", 7);
  script.returns("grow a", argExtern(9), argI32(4));
  script.returns("grow a", argExtern(9), argI32(-1));
  script.returns("grow a", argExtern(null), argI32(3));
  script.returns("size a");
  script.traps("out of bounds table access", "get a", argI32(10));
  for (const [at, count] of [[1, 3], [0, 0], [10, 0], [8, 2], [9, 2], [11, 0], [0, 11], [0, -1], [-1, 1]]) {
    script.check("fill a", [argI32(at), argExtern(20 + count), argI32(count)], "bits", "out of bounds table access");
  }
  entries("a", 10);
  for (let index = 0; index < 6; index++) script.returns("set b", argI32(index), argExtern(100 + index));
  for (
    const [to, from, count] of [
      [0, 1, 3],
      [2, 0, 4],
      [1, 1, 2],
      [6, 0, 0],
      [0, 6, 0],
      [7, 0, 0],
      [0, 7, 0],
      [4, 0, 3],
      [0, 4, 3],
      [
        0,
        0,
        -1,
      ],
    ]
  ) {
    script.check("copy b", [argI32(to), argI32(from), argI32(count)], "bits", "out of bounds table access");
    entries("b", 6);
  }
  for (const [to, from, count] of [[0, 0, 6], [5, 9, 1], [5, 9, 2], [6, 10, 0], [3, 8, 3]]) {
    script.check("copy a to b", [argI32(to), argI32(from), argI32(count)], "bits", "out of bounds table access");
  }
  entries("b", 6);
  return script;
}

function functionTables(): Script {
  const script = new Script("table_init");
  const builder = new ModuleBuilder();
  builder.export("table", "table", builder.table("funcref", 8));
  const functions = Array.from({ length: 6 }, (_, index) => builder.func(undefined, "-> i32", [], i32(index + 1)));
  const passive = builder.elements({ mode: "passive", functions: [...functions, undefined] });
  const active = builder.elements({ mode: "active", offset: i32(2), functions: functions.slice(0, 2) });
  builder.elements({ mode: "declarative", functions: [functions[5]] });
  builder.func("call", "i32 -> i32", [], get(0), instr("call_indirect", u32(builder.type("-> i32")), 0));
  builder.func("init", "i32 i32 i32", [], get(0), get(1), get(2), instr("table.init", u32(passive), 0));
  builder.func("init active", "i32 i32 i32", [], get(0), get(1), get(2), instr("table.init", u32(active), 0));
  builder.func("drop", "", [], instr("elem.drop", u32(passive)));
  builder.func("copy", "i32 i32 i32", [], get(0), get(1), get(2), instr("table.copy", 0, 0));
  builder.func("is null", "i32 -> i32", [], get(0), instr("table.get", 0), instr("ref.is_null"));
  builder.func("put", "i32", [], get(0), instr("ref.func", functions[5]), instr("table.set", 0));
  builder.func("put null", "i32", [], get(0), refNull("funcref"), instr("table.set", 0));
  builder.func("grow", "i32 -> i32", [], instr("ref.func", functions[4]), get(0), instr("table.grow", 0));
  builder.func("fill", "i32 i32", [], get(0), instr("ref.func", functions[3]), get(1), instr("table.fill", 0));
  script.module(builder);
  const calls = (count: number) => {
    for (let index = 0; index < count; index++) script.check("call", [argI32(index)], "bits", "uninitialized element");
  };
  const run = (field: string, ...args: number[]) => {
    script.check(field, args.map(argI32), "bits", "out of bounds table access");
    calls(8);
  };
  calls(8);
  run("init", 0, 0, 3);
  run("init", 4, 5, 2);
  run("init", 0, 7, 0);
  run("init", 8, 0, 0);
  run("init", 9, 0, 0);
  run("init", 0, 8, 0);
  run("init", 6, 0, 3);
  run("init", 0, 5, 3);
  run("init active", 0, 0, 0);
  run("init active", 0, 0, 1);
  run("copy", 1, 0, 6);
  run("copy", 0, 2, 6);
  run("copy", 5, 4, 4);
  script.returns("put", argI32(7));
  script.returns("put null", argI32(0));
  script.traps("out of bounds table access", "put", argI32(8));
  calls(8);
  script.returns("drop");
  script.returns("drop");
  run("init", 0, 0, 0);
  run("init", 0, 0, 1);
  script.returns("grow", argI32(3));
  calls(11);
  script.traps("undefined element", "call", argI32(11));
  script.returns("fill", argI32(9), argI32(2));
  script.check("fill", [argI32(9), argI32(3)], "bits", "out of bounds table access");
  calls(11);
  for (const index of [0, 7, 10]) script.returns("is null", argI32(index));
  script.register("owner");
  const outside = new ModuleBuilder();
  outside.importTable("owner", "table", "funcref", { min: 8 });
  const one = outside.func(undefined, "-> i32", [], i32(55));
  outside.elements({ mode: "active", offset: i32(0), functions: [one] });
  outside.elements({ mode: "active", offset: i32(10), functions: [one, one] });
  script.uninstantiable(outside, "out of bounds table access");
  // What the failed instance wrote first stays, and its function lives on in the table.
  const user = new ModuleBuilder();
  user.importTable("owner", "table", "funcref", { min: 8 });
  user.func("call", "i32 -> i32", [], get(0), instr("call_indirect", u32(user.type("-> i32")), 0));
  script.module(user);
  script.returns("call", argI32(0));
  script.check("call", [argI32(10)], "bits", "uninitialized element");
  return script;
}

function globals(): Script {
  const script = new Script("globals");
  const owner = new ModuleBuilder();
  const initial: Readonly<Record<"i32" | "i64" | "f32" | "f64", Bytes>> = {
    i32: i32(-5),
    i64: i64(1n << 40n),
    f32: constant("f32", f32Bits(1.5)),
    f64: constant("f64", f64Bits(-2.25)),
  };
  const samples = {
    i32: [0n, 0xffffffffn],
    i64: [7n, 1n << 63n],
    f32: [f32Bits(3.5), 0x7fa00001n],
    f64: [f64Bits(0.1), 0x7ff4000000000001n],
  };
  for (const type of ["i32", "i64", "f32", "f64"] as const) {
    owner.export(`const ${type}`, "global", owner.global(type, "const", initial[type]));
    const index = owner.global(type, "var", initial[type]);
    owner.export(`var ${type}`, "global", index);
    owner.func(`get ${type}`, { params: [], results: [type] }, [], instr("global.get", u32(index)));
    owner.func(`set ${type}`, { params: [type], results: [] }, [], get(0), instr("global.set", u32(index)));
    owner.func(
      `swap ${type}`,
      { params: [type], results: [type] },
      [],
      instr("global.get", u32(index)),
      get(0),
      instr("global.set", u32(index)),
    );
  }
  const extern = owner.global("externref", "var", refNull("externref"));
  owner.func("get extern", "-> externref", [], instr("global.get", u32(extern)));
  owner.func("set extern", "externref", [], get(0), instr("global.set", u32(extern)));
  const target = owner.func("target", "-> i32", [], i32(31));
  const reference = owner.global("funcref", "const", instr("ref.func", u32(target)));
  owner.table("funcref", 1);
  owner.func(
    "call reference",
    "-> i32",
    [],
    [i32(0), instr("global.get", u32(reference)), instr("table.set", 0)],
    i32(0),
    instr("call_indirect", u32(owner.type("-> i32")), 0),
  );
  script.module(owner);
  for (const type of ["i32", "i64", "f32", "f64"] as const) {
    script.global(`const ${type}`, type);
    script.global(`var ${type}`, type);
    script.returns(`get ${type}`);
    for (const bits of samples[type]) {
      script.returns(`set ${type}`, value(type, bits));
      script.returns(`get ${type}`);
      script.returns(`swap ${type}`, value(type, samples[type][0]));
    }
    script.global(`var ${type}`, type);
  }
  script.returns("get extern");
  script.returns("set extern", argExtern(8));
  script.returns("get extern");
  script.returns("call reference");
  script.register("owner");

  const user = new ModuleBuilder();
  const constI32 = user.importGlobal("owner", "const i32", "i32", "const");
  const constI64 = user.importGlobal("owner", "const i64", "i64", "const");
  const varI64 = user.importGlobal("owner", "var i64", "i64", "var");
  const varF64 = user.importGlobal("owner", "var f64", "f64", "var");
  const copied = user.global("i32", "const", instr("global.get", u32(constI32)));
  const extended = user.global("i64", "const", [
    instr("global.get", u32(constI64)),
    i64(3),
    instr("i64.mul"),
    i64(-1),
    instr("i64.sub"),
    i64(5),
    instr("i64.add"),
  ]);
  user.memory(1, 1);
  user.data([1, 2, 3], [instr("global.get", u32(constI32)), i32(15), instr("i32.add")]);
  user.func("copied", "-> i32", [], instr("global.get", u32(copied)));
  user.func("extended", "-> i64", [], instr("global.get", u32(extended)));
  user.func("read", "i32 -> i32", [], get(0), instr("i32.load8_u", 0, 0));
  user.func("add", "i64 -> i64", [], [
    instr("global.get", u32(varI64)),
    get(0),
    instr("i64.add"),
    instr("global.set", u32(varI64)),
  ], instr("global.get", u32(varI64)));
  user.func("double", "-> f64", [], [
    instr("global.get", u32(varF64)),
    instr("global.get", u32(varF64)),
    instr("f64.add"),
    instr("global.set", u32(varF64)),
  ], instr("global.get", u32(varF64)));
  script.module(user);
  script.returns("copied");
  script.returns("extended");
  for (const at of [9, 10, 11, 12, 13]) script.returns("read", argI32(at));
  script.returns("add", argI64(100));
  script.returns("add", argI64(-1));
  script.returns("double");
  script.returns("double");
  const immutable = new ModuleBuilder();
  immutable.importGlobal("owner", "var i32", "i32", "const");
  script.unlinkable(immutable, "incompatible import type");
  const mistyped = new ModuleBuilder();
  mistyped.importGlobal("owner", "const i32", "i64", "const");
  script.unlinkable(mistyped, "incompatible import type");
  const written = new ModuleBuilder();
  written.global("i32", "const", i32(0));
  written.func("f", "", [], i32(1), instr("global.set", 0));
  script.invalid(written, "immutable global");
  return script;
}

/** The scripts of this family. */
export function tableScripts(): Script[] {
  return [externTables(), functionTables(), globals()];
}
