/**
 * Addresses: every load and store through address arithmetic of many shapes, at the last byte that memory has and the first it has not.
 *
 * A function computes a chain of operations on two parameters, adds a third and accesses memory there, with an offset. The test asks V8 for
 * the chain's value, so it can choose the third parameter to hit a target exactly. Whether an access is in bounds is computed apart
 * from both engines; results, traps and memory are compared between them.
 */

import { assert, assertEquals } from "@std/assert";
import { ACCESS_ROWS, type NumericRow, PURE_ROWS } from "./generators/numeric_rows.ts";
import { Random } from "./generators/random.ts";
import { isNan } from "./generators/values.ts";
import {
  constant,
  encodeModule,
  type FuncTree,
  memarg,
  type ModuleTree,
  type Node,
  node,
  type NumberType,
  type TypeName,
  unsigned,
} from "./generators/wasm_tree.ts";
import {
  type Configuration,
  configurationName,
  CONFIGURATIONS,
  isSameTrap,
  TheropodSession,
  trapKind,
  V8Session,
} from "./oracles/engines.ts";

Error.stackTraceLimit = 4;

const PAGES = 2;
const SIZE = PAGES * 65536;
const OFFSETS = [
  0,
  1,
  7,
  8,
  60,
  0xffff,
  0x10000,
  SIZE - 1,
  SIZE,
  0x7ffffff8,
  0x7fffffff,
  0x80000000,
  0xfffffff8,
  0xffffffff,
];
const X = [0, 1, 3, 255, 65535, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x12345678];
const FUNCTIONS_PER_MODULE = 40;

const i32 = (value: number): Node => constant("i32", BigInt(value));
const local = (index: number, type: NumberType = "i32"): Node => node("local.get", [type], [], unsigned(index));

/** An i32 computed from parameters 0 and 1: shifts, sums, extensions and what else address arithmetic is made of. */
function chain(random: Random, depth: number): Node {
  if (depth === 0) return local(random.below(2));
  const inner = () => chain(random, depth - 1);
  const wide = () => node(random.pick(["i64.extend_i32_u", "i64.extend_i32_s"]), ["i64"], [inner()]);
  const wrap = (value: Node) => node("i32.wrap_i64", ["i32"], [value]);
  const small = () => random.below(random.oneIn(3) ? 40 : 4);
  switch (random.below(11)) {
    case 0:
    case 1:
      return node("i32.shl", ["i32"], [inner(), i32(small())]);
    case 2:
      return node("i32.add", ["i32"], [inner(), i32(random.pick([1, 8, -1, -16, 0x7fffffff, 0x10000]))]);
    case 3:
      return node("i32.add", ["i32"], [inner(), chain(random, random.below(depth))]);
    case 4:
      return node("i32.sub", ["i32"], [inner(), i32(random.pick([1, 8, -4, 0x1000]))]);
    case 5:
      return wrap(node("i64.shl", ["i64"], [wide(), constant("i64", BigInt(small()))]));
    case 6:
      return wrap(node("i64.add", ["i64"], [wide(), wide()]));
    case 7:
      return node("i32.and", ["i32"], [inner(), i32(random.pick([0xff, 0xfff8, 0x7fffffff, -8]))]);
    case 8:
      return node("i32.mul", ["i32"], [inner(), i32(random.pick([2, 3, 5, 9, 12]))]);
    case 9:
      return node(random.pick(["i32.shr_u", "i32.shr_s"]), ["i32"], [inner(), i32(small())]);
    default:
      return random.oneIn(2)
        ? node(random.pick(["i32.extend8_s", "i32.extend16_s"]), ["i32"], [inner()])
        : wrap(node("i64.shr_u", ["i64"], [wide(), constant("i64", BigInt(random.below(40)))]));
  }
}

/** A number's bits as i64. */
function asBits(value: Node, type: NumberType): Node {
  switch (type) {
    case "i32":
      return node("i64.extend_i32_u", ["i64"], [value]);
    case "i64":
      return value;
    case "f32":
      return node("i64.extend_i32_u", ["i64"], [node("i32.reinterpret_f32", ["i32"], [value])]);
    case "f64":
      return node("i64.reinterpret_f64", ["i64"], [value]);
  }
}

const STORED: Record<NumberType, bigint> = {
  i32: 0xa1b2c3d4n,
  i64: 0x1122334455667788n,
  f32: 0x7fa00001n,
  f64: 0x7ff0000000abcdefn,
};

const PARAMS: readonly TypeName[] = ["i32", "i32", "i32"];
const RESULTS: readonly TypeName[] = ["i64"];

function func(locals: TypeName[], ...body: Node[]): FuncTree {
  return { signature: { params: PARAMS, results: RESULTS }, locals, label: { types: RESULTS }, body };
}

/** An access at chain + parameter 2 + offset; among a crowd of live values, if asked for. */
function accessFunction(row: NumericRow, offset: number, address: Node, crowd: number): FuncTree {
  const at = node("i32.add", ["i32"], [address, local(2)]);
  const locals: TypeName[] = Array(crowd).fill("i32");
  const fill = locals.map((_, i) =>
    node("local.set", [], [node("i32.mul", ["i32"], [local(i % 3), i32(2 * i + 3)])], unsigned(3 + i))
  );
  const sum = locals.reduce<Node>(
    (total, _, i) => node("i64.add", ["i64"], [total, node("i64.extend_i32_u", ["i64"], [local(3 + i)])]),
    constant("i64", 0n),
  );
  if (row.result === undefined) {
    const type = row.operands[1];
    const store = node(row.name, [], [at, constant(type, STORED[type])], memarg(offset));
    return func(locals, ...fill, store, sum);
  }
  const value = asBits(node(row.name, [row.result], [at], memarg(offset)), row.result);
  return func(locals, ...fill, crowd === 0 ? value : node("i64.xor", ["i64"], [value, sum]));
}

function moduleOf(funcs: FuncTree[]): ModuleTree {
  return {
    funcImports: [],
    memories: [{ min: PAGES, max: PAGES }],
    tables: [],
    globals: [],
    funcs,
    data: [{ bytes: [1, 2, 3, 4, 5, 6, 7, 8] }],
    elements: [],
    tags: [],
  };
}

function attempt(run: () => unknown): string {
  try {
    return String(run());
  } catch (error) {
    return trapKind(error);
  }
}

function fillMemory(buffer: ArrayBufferLike): void {
  const words = new Int32Array(buffer);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 0x9e3779b1);
}

interface AccessCase {
  readonly row: NumericRow;
  readonly offset: number;
  readonly depth: number;
  readonly access: FuncTree;
  readonly chain: FuncTree;
}

function accessCases(random: Random): AccessCase[] {
  return ACCESS_ROWS.flatMap((row) =>
    Array.from({ length: 16 }, (_, k) => {
      const offset = k < OFFSETS.length ? OFFSETS[k] : random.below(SIZE);
      const depth = 1 + random.below(6);
      const address = chain(random, depth);
      return {
        row,
        offset,
        depth,
        access: accessFunction(row, offset, address, k % 4 === 3 ? 18 : 0),
        chain: func([], node("i64.extend_i32_u", ["i64"], [address])),
      };
    })
  );
}

function compareAccesses(configuration: Configuration): number {
  const random = new Random(4);
  const cases = accessCases(random);
  let calls = 0, inBounds = 0;
  const failures: string[] = [];
  for (let first = 0; first < cases.length; first += FUNCTIONS_PER_MODULE) {
    const batch = cases.slice(first, first + FUNCTIONS_PER_MODULE);
    const bytes = encodeModule(moduleOf(batch.flatMap(({ access, chain }) => [access, chain])), "no wrappers");
    using v8 = new V8Session(), ours = new TheropodSession(configuration);
    const theirGuest = v8.instantiate(bytes, {}), ourGuest = ours.instantiate(bytes, {});
    const theirMemory = theirGuest.memory("m").buffer, ourMemory = ourGuest.memory("m").buffer;
    fillMemory(theirMemory);
    fillMemory(ourMemory);
    batch.forEach(({ row, offset }, index) => {
      const access = `f${2 * index}`, chainName = `f${2 * index + 1}`;
      const { accessBytes } = row;
      const edges = [SIZE - accessBytes, SIZE - accessBytes + 1, SIZE - 1, SIZE, 0, 4096];
      for (let pair = 0; pair < 6; pair++) {
        const x = random.pick(X), y = random.pick(X);
        const start = Number(theirGuest.func(chainName)(x, y, 0));
        const targets = [...edges.map((edge) => edge - offset), 0, 0xffffffff, 0x7fffffff, 0x80000000];
        for (const target of targets) {
          const z = target - start | 0;
          const index = start + z >>> 0;
          const isInside = index + offset + accessBytes <= SIZE;
          const expected = attempt(() => theirGuest.func(access)(x, y, z));
          const actual = attempt(() => ourGuest.func(access)(x, y, z));
          calls++;
          if (isInside) inBounds++;
          assertEquals(expected !== "memory", isInside, "the model agrees with V8");
          if (expected === actual) continue;
          const where = `${row.name} offset 0x${offset.toString(16)} index 0x${index.toString(16)}`;
          failures.push(`${where}, ${configurationName(configuration)}: V8 ${expected}, ours ${actual}`);
        }
      }
    });
    const theirs = new Int32Array(theirMemory), our = new Int32Array(ourMemory);
    for (let i = 0; i < theirs.length; i++) {
      if (theirs[i] !== our[i]) {
        failures.push(`memory differs at ${4 * i} after functions ${first} to ${first + batch.length}`);
        break;
      }
    }
  }
  assert(failures.length === 0, `${failures.length} failures:\n${failures.slice(0, 20).join("\n")}`);
  // Both kinds must be many: otherwise the targets miss.
  assert(inBounds > calls / 8 && inBounds < calls * 7 / 8, `${inBounds} of ${calls} accesses in bounds`);
  return calls;
}

for (const configuration of CONFIGURATIONS) {
  Deno.test(`accesses through address arithmetic do what V8 does, ${configurationName(configuration)}`, () => {
    assert(compareAccesses(configuration) > 20_000);
  });
}

const LOADS: Record<NumberType, string> = { i32: "i32.load", i64: "i64.load", f32: "f32.load", f64: "f64.load" };

/** Each operation on a loaded operand: the load may become part of the instruction, and must trap all the same. */
function compareConsumers(configuration: Configuration): void {
  const cases = PURE_ROWS.flatMap((row) => row.operands.map((type, position) => ({ row, type, position })));
  const funcs = cases.map(({ row, type, position }) => {
    const args = row.operands.map((other, i) =>
      i === position
        ? node(LOADS[type] as "i32.load", [type], [local(0)], memarg(4))
        : node(`${other}.load`, [other], [local(1)], memarg(0))
    );
    return func([], asBits(node(row.name, [row.result!], args), row.result!));
  });
  const failures: string[] = [];
  const bytes = encodeModule(moduleOf(funcs), "no wrappers");
  using v8 = new V8Session(), ours = new TheropodSession(configuration);
  const theirGuest = v8.instantiate(bytes, {}), ourGuest = ours.instantiate(bytes, {});
  fillMemory(theirGuest.memory("m").buffer);
  fillMemory(ourGuest.memory("m").buffer);
  cases.forEach(({ row, type, position }, index) => {
    const width = type === "i32" || type === "f32" ? 4 : 8;
    const last = SIZE - width - 4;
    for (
      const address of [
        0,
        1000,
        last - 1,
        last,
        last + 1,
        last + width,
        SIZE,
        0x7fffffff,
        0x80000000,
        0xfffffffb,
        0xffffffff,
      ]
    ) {
      for (const other of [16, SIZE - 8, SIZE - 3]) {
        const [expected, actual] = [theirGuest, ourGuest].map((guest) =>
          attempt(() => guest.func(`f${index}`)(address, other, 0))
        );
        if (expected === actual || isSameTrap(expected, actual)) continue;
        const { result } = row;
        if ((result === "f32" || result === "f64") && /^-?\d+$/.test(expected) && /^-?\d+$/.test(actual)) {
          const bits = [expected, actual].map((text) => BigInt.asUintN(result === "f32" ? 32 : 64, BigInt(text)));
          if (bits.every((value) => isNan(result, value))) continue;
        }
        // Which of two traps comes first is the order of the operands; a conversion or division comes last.
        failures.push(
          `${row.name} operand ${position} at ${address}, other at ${other}: V8 ${expected}, ours ${actual}`,
        );
      }
    }
  });
  assert(
    failures.length === 0,
    `${configurationName(configuration)}: ${failures.length} failures:\n${failures.slice(0, 20).join("\n")}`,
  );
}

/** Bulk operations on every combination of edges. */
function compareBulk(configuration: Configuration): void {
  const zero = constant("i64", 0n);
  const args = () => [local(0), local(1), local(2)];
  const funcs = [
    func([], node("memory.fill", [], args(), unsigned(0)), zero),
    func([], node("memory.copy", [], args(), unsigned(0), unsigned(0)), zero),
    func([], node("memory.init", [], args(), unsigned(0), unsigned(0)), zero),
  ];
  const bytes = encodeModule(moduleOf(funcs), "no wrappers");
  using v8 = new V8Session(), ours = new TheropodSession(configuration);
  const theirGuest = v8.instantiate(bytes, {}), ourGuest = ours.instantiate(bytes, {});
  fillMemory(theirGuest.memory("m").buffer);
  fillMemory(ourGuest.memory("m").buffer);
  const edges = [0, 1, 7, 8, 9, 100, SIZE - 100, SIZE - 1, SIZE, SIZE + 1, 0x7fffffff, 0x80000000, 0xffffffff];
  for (let index = 0; index < funcs.length; index++) {
    for (const x of edges) {
      for (const y of edges) {
        for (const z of edges) {
          const [expected, actual] = [theirGuest, ourGuest].map((guest) =>
            attempt(() => guest.func(`f${index}`)(x, y, z))
          );
          assertEquals(actual, expected, `function ${index} (${x}, ${y}, ${z}), ${configurationName(configuration)}`);
        }
      }
    }
    const theirs = new Int32Array(theirGuest.memory("m").buffer), our = new Int32Array(ourGuest.memory("m").buffer);
    assert(theirs.every((word, i) => word === our[i]), `memory differs after function ${index}`);
  }
}

const LENGTHS = [
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  12,
  15,
  16,
  17,
  24,
  31,
  32,
  33,
  40,
  47,
  48,
  63,
  64,
  65,
  96,
  127,
  128,
  129,
  255,
  256,
  257,
];

/** Bulk operations of constant lengths, which may be done in place: at all small distances, and at the end of memory. */
function compareConstantLengths(configuration: Configuration): void {
  const zero = constant("i64", 0n);
  const funcs = LENGTHS.flatMap((length) => [
    func([], node("memory.copy", [], [local(0), local(1), i32(length)], unsigned(0), unsigned(0)), zero),
    func([], node("memory.fill", [], [local(0), local(1), i32(length)], unsigned(0)), zero),
    func([], node("memory.fill", [], [local(0), i32(-1 - length), i32(length)], unsigned(0)), zero),
  ]);
  const bytes = encodeModule(moduleOf(funcs), "no wrappers");
  using v8 = new V8Session(), ours = new TheropodSession(configuration);
  const guests = [v8.instantiate(bytes, {}), ours.instantiate(bytes, {})];
  const [theirs, our] = guests.map((guest) => new Int32Array(guest.memory("m").buffer));
  LENGTHS.forEach((length, k) => {
    fillMemory(theirs.buffer);
    fillMemory(our.buffer);
    const last = SIZE - length;
    const places = [0, last - 1, last, last + 1, SIZE, 0x7fffffff, 0xffffffff];
    const pairs = [
      ...places.flatMap((x) => places.map((y) => [x, y])),
      ...Array.from({ length: 81 }, (_, distance) => [2000 + 3 * distance, 1960 + 4 * distance]),
    ];
    for (const [x, y] of pairs) {
      for (let index = 3 * k; index < 3 * k + 3; index++) {
        const [expected, actual] = guests.map((guest) => attempt(() => guest.func(`f${index}`)(x, y, 0)));
        assertEquals(actual, expected, `function ${index}, length ${length} (${x}, ${y})`);
      }
    }
    assert(theirs.every((word, i) => word === our[i]), `memory differs after length ${length}`);
  });
}

Deno.test("bulk memory operations of constant lengths do what V8 does", () =>
  CONFIGURATIONS.forEach(compareConstantLengths));
Deno.test("operations on loaded operands trap where the load does", () => CONFIGURATIONS.forEach(compareConsumers));
Deno.test("bulk memory operations check the whole range first", () => CONFIGURATIONS.forEach(compareBulk));
