/**
 * Memories of every kind against V8: one or several, 32- and 64-bit addresses, shared or not, growing in between; every atomic operation on
 * edge values and at the edges of memory, aligned and not. Pages of 1 byte, which V8 does not have, against a model.
 */

import { assert, assertEquals } from "@std/assert";
import { OPCODES } from "../../lib/wasm/mod.ts";
import { Engine, Instance, Memory, Module, Store, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";
import { Random } from "./generators/random.ts";
import {
  type Configuration,
  configurationName,
  CONFIGURATIONS,
  type Guest,
  TheropodSession,
  V8Session,
} from "./oracles/engines.ts";

Error.stackTraceLimit = 4;

const SIZE = 2 * 65536;

interface Kind {
  readonly name: string;
  /** Index of the memory accessed; the others are of the other address type. */
  readonly index: number;
  readonly address: "i32" | "i64";
  readonly shared: "" | "shared";
}

const KINDS: readonly Kind[] = [
  { name: "plain", index: 0, address: "i32", shared: "" },
  { name: "shared", index: 0, address: "i32", shared: "shared" },
  { name: "64-bit", index: 0, address: "i64", shared: "" },
  { name: "64-bit shared, second of two", index: 1, address: "i64", shared: "shared" },
  { name: "second of two", index: 1, address: "i32", shared: "" },
];

/** A memory instruction: its operands after the address, and its result. */
interface Access {
  readonly name: string;
  readonly operands: readonly ("i32" | "i64" | "f32" | "f64")[];
  readonly result: string;
  readonly isAtomic: boolean;
}

const TYPES: Record<string, "i32" | "i64" | "f32" | "f64"> = { i: "i32", l: "i64", f: "f32", d: "f64" };

const ACCESSES: readonly Access[] = OPCODES.flatMap(([name, , , signature, feature]): Access[] => {
  if (!/\.(load|store|rmw)/.test(name) || !/^[il]|^f/.test(name) || !(feature === "mvp" || feature === "threads")) {
    return [];
  }
  const [operands, results] = signature.split(":");
  return [{
    name,
    operands: [...operands].slice(1).map((letter) => TYPES[letter]),
    result: results === "" ? "" : TYPES[results],
    isAtomic: feature === "threads",
  }];
});

const bitsType = (type: string) => type === "f32" ? "i32" : type === "f64" ? "i64" : type;
const toBits = (type: string, value: string) =>
  type === "f32" ? `(i32.reinterpret_f32 ${value})` : type === "f64" ? `(i64.reinterpret_f64 ${value})` : value;
const fromBits = (type: string, value: string) =>
  type === "f32" ? `(f32.reinterpret_i32 ${value})` : type === "f64" ? `(f64.reinterpret_i64 ${value})` : value;

/** A function per access and offset; "used" leaves the result, "unused" drops it. */
function moduleText(kind: Kind, offsets: readonly (number | bigint)[]): string {
  const { address, index, shared } = kind;
  const memory = (type: string, share: string, name: string) => `(memory ${name} ${type} 2 4 ${share})`;
  const other = address === "i32" ? "i64" : "i32";
  const memories = index === 0
    ? memory(address, shared, `(export "m")`)
    : `${memory(other, "", `(export "other")`)} ${memory(address, shared, `(export "m")`)}`;
  const at = index === 0 ? "" : `${index} `;
  const funcs = ACCESSES.flatMap(({ name, operands, result }, k) =>
    offsets.flatMap((offset, o) => {
      const params = operands.map((type) => bitsType(type));
      const args = operands.map((type, i) => fromBits(type, `(local.get ${i + 1})`));
      const access = `(${name} ${at}offset=${offset} (local.get 0) ${args.join(" ")})`;
      const head = (use: string) => `(func (export "${use}${k}_${o}") (param ${address} ${params.join(" ")})`;
      if (result === "") return [`${head("used")} ${access})`];
      return [
        `${head("used")} (result ${bitsType(result)}) ${toBits(result, access)})`,
        `${head("unused")} (drop ${access}))`,
      ];
    })
  );
  return `(module ${memories}
    (func (export "grow") (param ${address}) (result ${address}) (memory.grow ${at}(local.get 0)))
    (func (export "size") (result ${address}) (memory.size ${at}))
    ${funcs.join("\n")})`;
}

/** The kind of a trap: whatever engine it is from. */
function attempt(run: () => unknown): string {
  try {
    return String(run());
  } catch (error) {
    const message = error instanceof Trap ? error.code : (error as Error).message;
    if (/unaligned/.test(message)) return "unaligned";
    if (/memory/.test(message)) return "out of bounds";
    throw error;
  }
}

const VALUES: Record<"i32" | "i64", readonly (number | bigint)[]> = {
  i32: [0, 1, -1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, -0x80000000, 0x12345678],
  i64: [
    0n,
    1n,
    -1n,
    0xffn,
    0x100n,
    0xffffn,
    0x10000n,
    0xffffffffn,
    0x100000000n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    0x0123456789abcdefn,
  ],
};

function compareKind(kind: Kind, configuration: Configuration, random: Random): number {
  const offsets32 = [0, 3, 8, SIZE - 8, SIZE - 4, 0x7ffffff8, 0xfffffff8, 0xffffffff];
  const offsets = kind.address === "i32"
    ? offsets32
    : [0, 3, 8, SIZE - 8, 0xfffffff8n, 0x100000000n, 0x7ffffffffffffff8n, 0xfffffffffffffff8n];
  const bytes = wat(moduleText(kind, offsets));
  using v8 = new V8Session(), ours = new TheropodSession(configuration);
  const guests: Guest[] = [v8.instantiate(bytes, {}), ours.instantiate(bytes, {})];
  const cast = (value: number | bigint) =>
    kind.address === "i32" ? Number(BigInt.asIntN(32, BigInt(value))) : BigInt(value);
  const fill = () => {
    for (const guest of guests) {
      const words = new Int32Array(guest.memory("m").buffer);
      for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 0x9e3779b1);
    }
  };
  const same = (where: string) => {
    const [theirs, our] = guests.map((guest) => new Int32Array(guest.memory("m").buffer));
    assertEquals(our.length, theirs.length, where);
    const at = theirs.findIndex((word, i) => word !== our[i]);
    assert(at < 0, `${kind.name}, ${configurationName(configuration)}: memory differs at ${4 * at}, ${where}`);
  };
  let calls = 0;
  fill();
  let size = SIZE;
  for (let growth = 0; growth < 3; growth++) {
    ACCESSES.forEach(({ name, operands, isAtomic }, k) => {
      offsets.forEach((offset, o) => {
        const edges = [0, 8, 64, 1, size - 8, size - 4, size - 2, size - 1, size, size + 8];
        const targets = [
          ...edges.map((edge) => BigInt(edge) - BigInt(offset)),
          ...(kind.address === "i32" ? [-1n, -8n, 0x80000000n] : [-1n, -8n, 2n ** 63n, 2n ** 32n, 2n ** 32n + 8n]),
        ];
        for (const target of targets) {
          if (growth > 0 && !random.oneIn(4)) continue;
          const args = [
            cast(BigInt.asIntN(64, target)),
            ...operands.map((type) => random.pick(VALUES[bitsType(type) as "i32"])),
          ];
          // What is compared with is the contents half of the time.
          if (name.includes("cmpxchg") && random.oneIn(2)) {
            const loaded = attempt(() =>
              guests[0].func(
                `used${ACCESSES.findIndex((other) => other.name === name.replace(/rmw(\d*)\.cmpxchg/, "load$1"))}_${o}`,
              )(args[0])
            );
            if (/^-?\d+$/.test(loaded)) args[1] = operands[0] === "i64" ? BigInt(loaded) : Number(loaded);
          }
          const use = isAtomic && random.oneIn(3) && !name.includes("store") ? "unused" : "used";
          const [expected, actual] = guests.map((guest) => attempt(() => guest.func(`${use}${k}_${o}`)(...args)));
          calls++;
          // A place that is neither aligned nor inside: which trap it is, is not said.
          if (
            expected === actual || expected !== "undefined" && !/\d/.test(expected + actual) && actual !== "undefined"
          ) continue;
          assertEquals(
            actual,
            expected,
            `${name} offset=${offset} (${args}), ${kind.name}, ${configurationName(configuration)}`,
          );
        }
      });
    });
    same(`after accesses, growth ${growth}`);
    const grown = guests.map((guest) =>
      [guest.func("grow")(cast(1)), guest.func("size")(), guest.func("grow")(cast(9))].join()
    );
    assertEquals(grown[1], grown[0]);
    size += 65536;
  }
  return calls;
}

for (const configuration of CONFIGURATIONS) {
  Deno.test(`memories of all kinds do what V8's do, ${configurationName(configuration)}`, () => {
    const random = new Random(17);
    let calls = 0;
    for (const kind of KINDS) calls += compareKind(kind, configuration, random);
    assert(calls > 40_000, `only ${calls} calls`);
  });
}

/** Operands of bulk operations at the edges, widths of both memories. */
function compareBulk(configuration: Configuration): void {
  const bytes = wat(`(module (memory $a (export "m") 1 3) (memory $b (export "n") i64 1 3)
    (func (export "ab") (param i32 i64 i32) (memory.copy $a $b (local.get 0) (local.get 1) (local.get 2)))
    (func (export "ba") (param i64 i32 i32) (memory.copy $b $a (local.get 0) (local.get 1) (local.get 2)))
    (func (export "bb") (param i64 i64 i64) (memory.copy $b $b (local.get 0) (local.get 1) (local.get 2)))
    (func (export "fill") (param i64 i32 i64) (memory.fill $b (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i64 i32 i32) (memory.init $b $d (local.get 0) (local.get 1) (local.get 2)))
    (func (export "ab20") (param i32 i64) (memory.copy $a $b (local.get 0) (local.get 1) (i32.const 20)))
    (func (export "bb40") (param i64 i64) (memory.copy $b $b (local.get 0) (local.get 1) (i64.const 40)))
    (func (export "fill33") (param i64 i32) (memory.fill $b (local.get 0) (local.get 1) (i64.const 33)))
    (func (export "fill0") (param i64) (memory.fill $b (local.get 0) (i32.const 1) (i64.const 0)))
    (data $d "0123456789"))`);
  using v8 = new V8Session(), ours = new TheropodSession(configuration);
  const guests = [v8.instantiate(bytes, {}), ours.instantiate(bytes, {})];
  for (const guest of guests) {
    for (const name of ["m", "n"]) {
      new Uint8Array(guest.memory(name).buffer).forEach((_, i, all) => all[i] = i * 7 + i / 256);
    }
  }
  const S = 65536;
  const narrow = [0, 1, 9, 10, 100, S - 100, S - 20, S - 19, S - 1, S, S + 1, 0x80000000, 0xffffffff].map((n) => n | 0);
  const wide = [0, 1, 9, 10, S - 40, S - 39, S - 33, S - 1, S, S + 1, 2n ** 32n, 2n ** 63n, -1n, -8n, -40n].map(BigInt);
  const PARAMS: Record<string, readonly string[]> = {
    ab: ["i32", "i64", "i32"],
    ba: ["i64", "i32", "i32"],
    bb: ["i64", "i64", "i64"],
    fill: ["i64", "i32", "i64"],
    init: ["i64", "i32", "i32"],
    ab20: ["i32", "i64"],
    bb40: ["i64", "i64"],
    fill33: ["i64", "i32"],
    fill0: ["i64"],
  };
  for (const [name, params] of Object.entries(PARAMS)) {
    const walk = (args: unknown[]): void => {
      if (args.length < params.length) {
        for (const value of params[args.length] === "i32" ? narrow : wide) walk([...args, value]);
        return;
      }
      const [expected, actual] = guests.map((guest) => attempt(() => guest.func(name)(...args)));
      assertEquals(actual, expected, `${name}(${args}), ${configurationName(configuration)}`);
    };
    walk([]);
    for (const memory of ["m", "n"]) {
      const [theirs, our] = guests.map((guest) => new Uint8Array(guest.memory(memory).buffer));
      assert(theirs.every((byte, i) => byte === our[i]), `memory ${memory} differs after ${name}`);
    }
  }
}

Deno.test("bulk operations between memories of both widths check the whole range first", () => {
  for (const configuration of CONFIGURATIONS) compareBulk(configuration);
});

Deno.test("a memory with pages of 1 byte ends at its last byte, grown or not", () => {
  for (const bounds of ["guard", "explicit"] as const) {
    using engine = new Engine({ bounds, features: ["custom-page-sizes", "memory64", "bulk-memory", "multi-memory"] });
    for (const address of ["i32", "i64"] as const) {
      using store = new Store(engine);
      const text = `(module (memory (export "m") ${address} 13 100000 (pagesize 1))
        (func (export "load8") (param ${address}) (result i32) (i32.load8_u (local.get 0)))
        (func (export "load") (param ${address}) (result i64) (i64.load offset=3 (local.get 0)))
        (func (export "store16") (param ${address} i32) (i32.store16 offset=1 (local.get 0) (local.get 1)))
        (func (export "copy") (param ${address} ${address} ${address})
          (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func (export "fill5") (param ${address} i32) (memory.fill (local.get 0) (local.get 1) (${address}.const 5)))
        (func (export "grow") (param ${address}) (result ${address}) (memory.grow (local.get 0)))
        (func (export "size") (result ${address}) (memory.size)))`;
      const { m, load8, load, store16, copy, fill5, grow, size } =
        new Instance(store, new Module(engine, wat(text))).exports;
      const n = (value: number) => address === "i64" ? BigInt(value) : value;
      const random = new Random(5);
      let model = new Uint8Array(13);
      for (let step = 0; step < 3000; step++) {
        const at = random.oneIn(2) ? random.below(model.length + 4) : Math.max(0, model.length - random.below(20));
        const value = random.below(65536);
        const inside = (start: number, length: number) => start + length <= model.length;
        switch (random.below(6)) {
          case 0:
            assertEquals(attempt(() => load8(n(at))), inside(at, 1) ? String(model[at]) : "out of bounds");
            break;
          case 1:
            assertEquals(
              attempt(() => load(n(at))),
              inside(at + 3, 8) ? String(new DataView(model.buffer).getBigInt64(at + 3, true)) : "out of bounds",
            );
            break;
          case 2:
            assertEquals(attempt(() => store16(n(at), value)), inside(at + 1, 2) ? "undefined" : "out of bounds");
            if (inside(at + 1, 2)) new DataView(model.buffer).setUint16(at + 1, value, true);
            break;
          case 3: {
            const from = random.below(model.length + 2), length = random.below(12);
            const isInside = inside(at, length) && inside(from, length);
            assertEquals(attempt(() => copy(n(at), n(from), n(length))), isInside ? "undefined" : "out of bounds");
            if (isInside) model.copyWithin(at, from, from + length);
            break;
          }
          case 4:
            assertEquals(attempt(() => fill5(n(at), value)), inside(at, 5) ? "undefined" : "out of bounds");
            if (inside(at, 5)) model.fill(value, at, at + 5);
            break;
          default: {
            if (!random.oneIn(20)) break;
            const delta = random.oneIn(10) ? 100001 : random.below(3000);
            const fits = model.length + delta <= 100000;
            assertEquals(grow(n(delta)), fits ? n(model.length) : n(-1));
            if (!fits) break;
            const larger = new Uint8Array(model.length + delta);
            larger.set(model);
            model = larger;
          }
        }
        assertEquals(size(), n(model.length));
      }
      assertEquals(m.byteLength, model.length);
      assertEquals(m.view, model);
      assertEquals(m.type.pageSize, 1);
      assert(m instanceof Memory);
    }
  }
});
