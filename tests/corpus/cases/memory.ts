/** Loads and stores at the edges of memory, in every way an address can be written; growing; bulk operations. */

import { OPCODES, type OpName } from "../../../lib/wasm/mod.ts";
import {
  access,
  block,
  brIf,
  type Bytes,
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
  u32,
} from "../module_builder.ts";
import { argI32, Script, value } from "../script.ts";

const PAGE = 65536;
const LETTERS: Readonly<Record<string, NumberType>> = { i: "i32", l: "i64", f: "f32", d: "f64" };

interface AccessOp {
  readonly name: OpName;
  readonly kind: "load" | "store";
  readonly type: NumberType;
  readonly width: number;
}

/** Every load and store of a number. */
const ACCESSES: readonly AccessOp[] = OPCODES.flatMap(([name, , immediates, types, feature]) => {
  const memarg = immediates.match(/^memarg (\d)$/);
  const match = types.match(/^p([ilfd])?:([ilfd])?$/);
  if (!memarg || !match || feature !== "mvp") return [];
  const kind = match[1] === undefined ? "load" as const : "store" as const;
  return [{ name, kind, type: LETTERS[match[1] ?? match[2]], width: Number(memarg[1]) }];
});

/** Bytes that look different from every side. */
function pattern(length: number): number[] {
  return Array.from({ length }, (_, index) => (index * 37 + 0x81) & 0xff);
}

const STORED: Readonly<Record<NumberType, bigint>> = {
  i32: 0xf1e2d3c4n,
  i64: 0xf1e2d3c4b5a69788n,
  f32: 0x7fa12345n,
  f64: 0x7ff4000000abcdefn,
};

const OFFSETS = [0, 1000, PAGE - 8, PAGE - 1, 0x7fffffff, 0x80000000, 0xffffffff];

/** Each access at the last bytes in bounds and the first out of bounds, by address and by offset. */
function edges(): Script {
  const script = new Script("memory_edges");
  const builder = new ModuleBuilder();
  builder.memory(1, 1);
  builder.data(pattern(64), i32(0));
  builder.data(pattern(64), i32(PAGE - 64));
  builder.func("peek", "i32 -> i64", [], get(0), access("i64.load"));
  const checks: (() => void)[] = [];
  for (const { name, kind, type, width } of ACCESSES) {
    for (const offset of OFFSETS) {
      const field = `${name}+${offset}`;
      const last = PAGE - width - offset;
      const addresses = [0, last, last + 1, -1, 0x7fffffff].filter((at) => at >= -1);
      // A load or store in bounds, then one byte further; a huge address always traps, since sums have 33 bits.
      const chosen = offset === 0 || offset === PAGE - 8 ? addresses : addresses.slice(0, offset < PAGE ? 3 : 2);
      if (kind === "load") builder.func(field, { params: ["i32"], results: [type] }, [], get(0), access(name, offset));
      else builder.func(field, { params: ["i32", type], results: [] }, [], get(0), get(1), access(name, offset));
      for (const at of chosen) {
        checks.push(() => {
          script.check(field, kind === "load" ? [argI32(at)] : [argI32(at), value(type, STORED[type])]);
          if (kind === "store" && at === last) script.returns("peek", argI32(PAGE - 8));
        });
      }
    }
    // The address as a constant, in bounds and out.
    for (const at of [8, PAGE - width, PAGE - width + 1, 0x80000000, -width]) {
      const field = `${name}@${at}`;
      if (kind === "load") builder.func(field, { params: [], results: [type] }, [], i32(at), access(name));
      else builder.func(field, { params: [type], results: [] }, [], i32(at), get(0), access(name));
      checks.push(() => script.check(field, kind === "load" ? [] : [value(type, STORED[type])]));
    }
  }
  script.module(builder);
  for (const check of checks) check();
  return script;
}

/** Ways to compute an address: sums wrap at 32 bits, the static offset does not; the upper half of a register must not count. */
function addresses(): Script {
  const script = new Script("addresses");
  const builder = new ModuleBuilder();
  builder.memory(1, 1);
  builder.data(pattern(256), i32(0));
  builder.data(pattern(256), i32(PAGE - 256));
  const load = (offset = 0) => access("i32.load8_u", offset);
  const cases: [field: string, type: string, body: Bytes, args: (number | bigint)[][]][] = [];
  const add = (field: string, type: string, body: Bytes, ...args: (number | bigint)[][]) =>
    cases.push([field, type, body, args]);

  for (const addend of [1, 127, 128, 65535, 0x7fffffff, -1, -128, -65536, 0x80000000]) {
    for (const offset of [0, 5, 0xffffffff]) {
      add(`add ${addend} +${offset}`, "i32 -> i32", [get(0), i32(addend), instr("i32.add"), load(offset)], [0], [
        -addend,
      ], [
        100 - addend,
      ], [PAGE - addend]);
    }
  }
  for (const addend of [1, 128, -3, 0x80000000]) {
    add(`sub ${addend}`, "i32 -> i32", [get(0), i32(addend), instr("i32.sub"), load(2)], [0], [addend], [
      addend + PAGE - 3,
    ], [
      addend + PAGE - 2,
    ]);
  }
  for (let shift = 0; shift < 32; shift += shift < 5 ? 1 : 9) {
    for (const offset of [0, 3]) {
      add(
        `base + (index << ${shift}) +${offset}`,
        "i32 i32 -> i32",
        [get(0), get(1), i32(shift), instr("i32.shl"), instr("i32.add"), load(offset)],
        [0, 1],
        [5, 7],
        [-1, 1],
        [PAGE, (-PAGE >> shift) | 0],
        [PAGE - 4, 0],
        [0, 0x20000000],
      );
    }
  }
  for (const scale of [2, 3, 4, 5, 8, 9, 12, 16]) {
    add(`index * ${scale}`, "i32 -> i32", [get(0), i32(scale), instr("i32.mul"), load(1)], [1], [20], [0x80000000], [
      Math.floor((PAGE - 1) / scale),
    ], [Math.ceil(PAGE / scale)]);
  }
  for (const width of [1, 2, 4, 8]) {
    const op =
      ({ 1: "i64.load8_u", 2: "i64.load16_u", 4: "i64.load32_u", 8: "i64.load" } as const)[width as 1 | 2 | 4 | 8];
    for (const shift of [1, 2, 3]) {
      add(
        `${op} base + (index << ${shift})`,
        "i32 i32 -> i64",
        [get(0), get(1), i32(shift), instr("i32.shl"), instr("i32.add"), access(op, 1)],
        [0, 3],
        [PAGE - 1 - width, 0],
        [PAGE - width, 0],
        [-16, 2],
        [-16, 8],
      );
    }
  }
  // Dirty upper halves: a wrapped i64, a product, a shift, an extended byte, a value that was spilled or loaded.
  add("wrap", "i64 -> i32", [get(0), instr("i32.wrap_i64"), load(4)], [0n], [1n << 32n], [-1n], [0xffffffff00000010n], [
    0x100000000n + 65535n - 4n,
  ], [0x10000fffcn]);
  add(
    "wrap of sum",
    "i64 i64 -> i32",
    [get(0), get(1), instr("i64.add"), instr("i32.wrap_i64"), load()],
    [
      0xffffffffn,
      1n,
    ],
    [0xfffffffffffffff0n, 0x20n],
    [1n << 63n, 9n],
  );
  add("wrap of product", "i64 i64 -> i32", [get(0), get(1), instr("i64.mul"), instr("i32.wrap_i64"), load()], [
    0x100000001n,
    7n,
  ], [0x1000000000n, 5n]);
  add("wrap of shift", "i64 i64 -> i32", [get(0), get(1), instr("i64.shl"), instr("i32.wrap_i64"), load()], [
    3n,
    33n,
  ], [0x1000000000000001n, 4n]);
  add("i32 product", "i32 i32 -> i32", [get(0), get(1), instr("i32.mul"), load()], [0x10001, 0x10000], [0x10001, 3], [
    -1,
    -9,
  ]);
  add("sign-extended byte", "i32 -> i32", [get(0), instr("i32.extend8_s"), load(200)], [0x80], [0x7f], [-1]);
  add("xor", "i32 -> i32", [get(0), i32(-1), instr("i32.xor"), load()], [-1], [-9], [0]);
  add("negated", "i32 -> i32", [i32(0), get(0), instr("i32.sub"), load()], [0], [-7], [1]);
  add("rotated", "i32 i32 -> i32", [get(0), get(1), instr("i32.rotl"), load()], [0x80000000, 1], [0x03000000, 8], [
    1,
    31,
  ]);
  add("selected", "i32 i32 -> i32", [get(0), get(1), get(0), get(1), instr("i32.lt_u"), instr("select"), load()], [
    4,
    9,
  ], [-1, 8]);
  add("float", "f64 -> i32", [get(0), instr("i32.trunc_sat_f64_u"), load()], [0], [1e10], [12]);
  add("loaded address", "i32 -> i32", [get(0), access("i32.load8_u"), load(1)], [0], [8], [255]);
  add(
    "stored and loaded address",
    "i32 -> i32",
    [
      i32(300),
      get(0),
      access("i32.store"),
      i32(300),
      access("i32.load"),
      load(),
    ],
    [-1],
    [65535],
    [17],
  );
  add(
    "two offsets",
    "i32 -> i64",
    [[get(0), access("i64.load", 8)], [get(0), access("i64.load", 16)], instr("i64.xor")],
    [0],
    [PAGE - 24],
    [PAGE - 23],
    [PAGE - 16],
  );
  // An access that traps must have done nothing else, and a checked address does not excuse a bigger offset.
  add(
    "store then trap",
    "i32 -> i32",
    [[i32(40), i32(0x5a), access("i32.store8")], [get(0), load()]],
    [0],
    [PAGE],
    [1],
  );
  add(
    "small then large offset",
    "i32 -> i32",
    [[get(0), load(1)], [get(0), load(4096)], instr("i32.add")],
    [0],
    [PAGE - 4097],
    [PAGE - 4096],
    [PAGE - 2],
  );
  // Loads fused into what uses them, at the last byte of memory: a wider read would cross the edge.
  for (
    const [op, type, width] of [
      ["f32.add", "f32", 4],
      ["f64.add", "f64", 8],
      ["f64.copysign", "f64", 8],
      [
        "f64.sqrt",
        "f64",
        8,
      ],
      ["f32.neg", "f32", 4],
      ["f64.abs", "f64", 8],
      ["f64.promote_f32", "f32", 4],
      ["f32.demote_f64", "f64", 8],
    ] as const
  ) {
    const binary = /add|copysign/.test(op);
    const result = op.slice(0, 3);
    add(
      `${op} of a load`,
      `i32 -> ${result}`,
      [
        binary ? constant(type, type === "f32" ? 0x3f800000n : 0x3ff0000000000000n) : [],
        get(0),
        access(`${type}.load`),
        instr(op),
      ],
      [PAGE - width],
      [PAGE - width + 1],
    );
  }
  for (const op of ["i32.add", "i32.and", "i32.sub", "i32.mul", "i32.lt_s"] as const) {
    add(`${op} of a load`, "i32 i32 -> i32", [get(1), get(0), access("i32.load"), instr(op)], [PAGE - 4, 3], [
      PAGE - 3,
      3,
    ]);
    add(`${op} of a byte`, "i32 i32 -> i32", [get(1), get(0), access("i32.load8_s"), instr(op)], [PAGE - 1, 3], [
      PAGE,
      3,
    ]);
  }
  for (const [field, type, body] of cases) builder.func(field, type, [], body);
  script.module(builder);
  for (const [field, type, , tuples] of cases) {
    const params = type.split("->")[0].trim().split(/\s+/) as NumberType[];
    for (const tuple of tuples) {
      script.check(
        field,
        tuple.map((item, index) => {
          if (params[index] !== "f64") return value(params[index], BigInt(item));
          const view = new DataView(new ArrayBuffer(8));
          view.setFloat64(0, Number(item));
          return value("f64", view.getBigUint64(0));
        }),
        field.startsWith("f64.sqrt") ? "arithmetic" : "bits",
      );
    }
  }
  return script;
}

/** Growing: sizes, refusals, what is there after, and accesses in a loop that grows. */
function growing(): Script {
  const script = new Script("memory_grow");
  const builder = new ModuleBuilder();
  builder.memory(0, 8);
  builder.func("size", "-> i32", [], instr("memory.size", 0));
  builder.func("grow", "i32 -> i32", [], get(0), instr("memory.grow", 0));
  builder.func("load", "i32 -> i32", [], get(0), access("i32.load"));
  builder.func("store", "i32 i32", [], get(0), get(1), access("i32.store"));
  builder.func(
    "grow and fill",
    "i32 -> i32",
    ["i32", "i32"],
    block(
      "loop",
      "",
      [i32(1), instr("memory.grow", 0), i32(16), instr("i32.shl"), tee(1), get(0), access("i32.store", PAGE - 4)],
      [get(1), access("i32.load", PAGE - 4), get(2), instr("i32.add"), set(2)],
      [get(0), i32(1), instr("i32.sub"), tee(0), brIf(0)],
    ),
    get(2),
  );
  builder.func(
    "size across",
    "i32 -> i32",
    [],
    instr("memory.size", 0),
    [get(0), instr("memory.grow", 0)],
    instr("memory.size", 0),
    [i32(100), instr("i32.mul"), instr("i32.add"), i32(10), instr("i32.mul"), instr("i32.add")],
  );
  script.module(builder);
  script.returns("size");
  script.check("load", [argI32(0)]);
  script.returns("grow", argI32(0));
  script.returns("grow", argI32(1));
  script.returns("load", argI32(PAGE - 4));
  script.check("load", [argI32(PAGE - 3)]);
  script.returns("store", argI32(PAGE - 4), argI32(-559038737));
  script.returns("grow", argI32(9));
  script.returns("grow", argI32(-1));
  script.returns("grow", argI32(65536));
  script.returns("size");
  script.returns("size across", argI32(1));
  script.returns("load", argI32(PAGE - 4));
  script.returns("load", argI32(PAGE));
  script.check("grow and fill", [argI32(3)]);
  script.returns("size");
  script.returns("load", argI32(5 * PAGE - 4));
  script.check("load", [argI32(5 * PAGE)]);
  script.returns("grow", argI32(3));
  script.returns("grow", argI32(1));
  script.returns("size");
  script.check("grow and fill", [argI32(1)]);
  return script;
}

/** `memory.fill`, `copy`, `init` and `data.drop`: overlaps, edges, empty ranges, and no partial work before a trap. */
function bulk(): Script {
  const script = new Script("memory_bulk");
  const builder = new ModuleBuilder();
  builder.memory(1, 1);
  builder.data(pattern(64), i32(0));
  const passive = builder.data(pattern(16).map((byte) => byte ^ 0xff));
  const empty = builder.data([]);
  builder.func("fill", "i32 i32 i32", [], get(0), get(1), get(2), instr("memory.fill", 0));
  builder.func("copy", "i32 i32 i32", [], get(0), get(1), get(2), instr("memory.copy", 0, 0));
  builder.func("init", "i32 i32 i32", [], get(0), get(1), get(2), instr("memory.init", u32(passive), 0));
  builder.func("init empty", "i32 i32 i32", [], get(0), get(1), get(2), instr("memory.init", u32(empty), 0));
  builder.func("drop", "", [], instr("data.drop", u32(passive)));
  for (const length of [0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 100]) {
    builder.func(`fill ${length}`, "i32 i32", [], get(0), get(1), i32(length), instr("memory.fill", 0));
    builder.func(`copy ${length}`, "i32 i32", [], get(0), get(1), i32(length), instr("memory.copy", 0, 0));
  }
  // Everything in one number: a hash over a range.
  builder.func(
    "hash",
    "i32 i32 -> i64",
    ["i64"],
    block("loop", "", [
      [get(2), i64(31), instr("i64.mul"), get(0), access("i64.load8_u"), instr("i64.add"), set(2)],
      [get(0), i32(1), instr("i32.add"), tee(0), get(1), instr("i32.lt_u"), brIf(0)],
    ]),
    get(2),
  );
  script.module(builder);
  const hash = () => {
    script.returns("hash", argI32(0), argI32(512));
    script.returns("hash", argI32(PAGE - 256), argI32(PAGE));
  };
  const run = (field: string, ...args: number[]) => {
    script.check(field, args.map(argI32));
    hash();
  };
  hash();
  run("fill", 100, 0x1ab, 20);
  run("fill", PAGE - 5, 7, 5);
  run("fill", PAGE - 5, 9, 6);
  run("fill", PAGE, 1, 0);
  run("fill", PAGE + 1, 1, 0);
  run("fill", 0, 1, -1);
  run("fill", -1, 1, 1);
  run("fill", 1, 5, 0x80000000);
  run("copy", 200, 0, 64);
  run("copy", 8, 0, 40);
  run("copy", 0, 3, 40);
  run("copy", 17, 17, 9);
  run("copy", PAGE - 64, 0, 64);
  run("copy", PAGE - 63, 0, 64);
  run("copy", 0, PAGE - 63, 64);
  run("copy", PAGE - 40, PAGE - 60, 40);
  run("copy", PAGE, 0, 0);
  run("copy", 0, PAGE, 0);
  run("copy", PAGE + 1, 0, 0);
  run("copy", 0, PAGE + 1, 0);
  run("copy", 10, 20, -1);
  run("init", 300, 0, 16);
  run("init", 310, 5, 3);
  run("init", 320, 16, 0);
  run("init", 320, 17, 0);
  run("init", 320, 0, 17);
  run("init", PAGE - 8, 0, 8);
  run("init", PAGE - 7, 0, 8);
  run("init", PAGE, 0, 0);
  run("init", 330, 8, -8);
  run("init empty", 340, 0, 0);
  run("init empty", 340, 0, 1);
  run("drop");
  run("drop");
  run("init", 350, 0, 0);
  run("init", 350, 0, 1);
  run("init", 350, 1, 0);
  for (const length of [0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 100]) {
    script.check(`fill ${length}`, [argI32(400), argI32(length + 1)]);
    script.check(`copy ${length}`, [argI32(403), argI32(400 - length)]);
    script.returns("hash", argI32(0), argI32(600));
    script.check(`fill ${length}`, [argI32(PAGE - length + 1), argI32(3)]);
    script.check(`copy ${length}`, [argI32(PAGE - length), argI32(1)]);
    script.check(`copy ${length}`, [argI32(0), argI32(PAGE - length + 1)]);
  }
  hash();
  return script;
}

/** Memories that cross instances, active segments that do not fit, a memory of no pages. */
function shared(): Script {
  const script = new Script("memory_links");
  const owner = new ModuleBuilder();
  owner.export("memory", "memory", owner.memory(1, 4));
  owner.func("load", "i32 -> i32", [], get(0), access("i32.load"));
  owner.func("size", "-> i32", [], instr("memory.size", 0));
  owner.func("grow", "i32 -> i32", [], get(0), instr("memory.grow", 0));
  script.module(owner, "owner");
  script.register("owner");

  const user = new ModuleBuilder();
  user.importMemory("owner", "memory", { min: 1, max: 5 });
  const grow = user.importFunc("owner", "grow", "i32 -> i32");
  user.data([1, 2, 3, 4], i32(16));
  user.func("load", "i32 -> i32", [], get(0), access("i32.load"));
  user.func("store", "i32 i32", [], get(0), get(1), access("i32.store"));
  user.func("size", "-> i32", [], instr("memory.size", 0));
  // The memory grows in a call between two accesses: what was read before must not be kept.
  user.func(
    "grow elsewhere",
    "i32 -> i32",
    ["i32"],
    [i32(0), i32(77), access("i32.store"), instr("memory.size", 0), set(1)],
    [get(0), instr("call", u32(grow)), instr("drop")],
    [
      instr("memory.size", 0),
      i32(1),
      instr("i32.sub"),
      i32(16),
      instr("i32.shl"),
      i32(1234),
      access("i32.store", PAGE - 4),
    ],
    [i32(0), access("i32.load"), get(1), instr("i32.add"), instr("memory.size", 0), instr("i32.add")],
  );
  script.module(user);
  script.returns("load", argI32(16));
  script.returns("size");
  script.returns("grow elsewhere", argI32(1));
  script.returns("grow elsewhere", argI32(0));
  script.returns("load", argI32(2 * PAGE - 4));
  script.check("load", [argI32(2 * PAGE)]);
  script.returns("store", argI32(2 * PAGE - 4), argI32(-2));
  script.returns("load", argI32(2 * PAGE - 4));

  const outside = new ModuleBuilder();
  outside.importMemory("owner", "memory", { min: 1 });
  outside.data([9, 9], i32(100));
  outside.data([1, 2, 3], i32(2 * PAGE - 2));
  script.uninstantiable(outside, "out of bounds memory access");
  // The segment before the one that failed has been written.
  script.module(user);
  script.returns("load", argI32(100));
  script.returns("load", argI32(16));

  const small = new ModuleBuilder();
  small.importMemory("owner", "memory", { min: 3 });
  script.unlinkable(small, "incompatible import type");
  const bounded = new ModuleBuilder();
  bounded.importMemory("owner", "memory", { min: 1, max: 3 });
  script.unlinkable(bounded, "incompatible import type");

  const none = new ModuleBuilder();
  none.memory(0, 0);
  none.data([], i32(0));
  none.func("load", "i32 -> i32", [], get(0), access("i32.load8_u"));
  none.func("fill", "i32", [], i32(0), i32(0), get(0), instr("memory.fill", 0));
  none.func("grow", "i32 -> i32", [], get(0), instr("memory.grow", 0));
  script.module(none);
  script.check("load", [argI32(0)]);
  script.check("load", [argI32(-1)]);
  script.check("fill", [argI32(0)]);
  script.check("fill", [argI32(1)]);
  script.returns("grow", argI32(0));
  script.returns("grow", argI32(1));
  const misfit = new ModuleBuilder();
  misfit.memory(0, 0);
  misfit.data([], i32(1));
  script.uninstantiable(misfit, "out of bounds memory access");
  return script;
}

/** Loops over memory: what bounds checks and addresses hoisted out of a loop have to keep. */
function loops(): Script {
  const script = new Script("memory_loops");
  const builder = new ModuleBuilder();
  builder.memory(2, 2);
  builder.data(pattern(128), i32(0));
  const counted = (body: Bytes, step = 1): Bytes =>
    block("loop", "", body, [get(0), i32(step), instr("i32.add"), tee(0), get(1), instr("i32.lt_u"), brIf(0)]);
  builder.func(
    "sum bytes",
    "i32 i32 -> i32",
    ["i32"],
    counted([get(2), get(0), access("i32.load8_u"), instr("i32.add"), set(2)]),
    get(2),
  );
  builder.func(
    "sum words",
    "i32 i32 -> i64",
    ["i64"],
    counted([get(2), get(0), access("i64.load", 24), instr("i64.add"), set(2)], 8),
    get(2),
  );
  builder.func(
    "fill and sum",
    "i32 i32 -> i32",
    ["i32"],
    counted([
      [get(0), get(0), access("i32.store", 256)],
      [get(2), get(0), access("i32.load", 256), instr("i32.add"), set(2)],
    ], 4),
    get(2),
  );
  builder.func(
    "prefix sum",
    "i32 i32 -> i32",
    [],
    counted([
      get(0),
      get(0),
      access("i32.load", 1024),
      get(0),
      access("i32.load", 1020),
      instr("i32.add"),
      access("i32.store", 1024),
    ], 4),
    get(0),
    access("i32.load", 1020),
  );
  builder.func(
    "conditional",
    "i32 i32 -> i32",
    ["i32"],
    counted([
      get(0),
      i32(3),
      instr("i32.and"),
      ifElse("", [get(2), get(0), access("i32.load16_s", 2), instr("i32.add"), set(2)], [
        get(2),
        get(0),
        access("i32.load8_s", 1),
        instr("i32.xor"),
        set(2),
      ]),
    ]),
    get(2),
  );
  script.module(builder);
  const last = 2 * PAGE;
  for (
    const [from, to] of [[0, 128], [0, 1], [5, 5], [last - 64, last], [last - 64, last + 1], [last - 300, last - 260]]
  ) {
    for (const field of ["sum bytes", "sum words", "fill and sum", "conditional", "prefix sum"]) {
      script.check(field, [argI32(from), argI32(to)]);
    }
  }
  script.returns("sum bytes", argI32(last - 64), argI32(last));
  return script;
}

/** The scripts of this family. */
export function memoryScripts(): Script[] {
  return [edges(), addresses(), growing(), bulk(), shared(), loops()];
}
