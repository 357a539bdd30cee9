/**
 * Tables of vector operands in memory, functions that loop over them, and the comparison of results: what cases.ts does for numbers, with
 * slots of sixteen bytes.
 */

import type { OpName } from "../../../lib/wasm/mod.ts";
import { EDGES, isNan } from "../generators/values.ts";
import {
  constant,
  encodeModule,
  type FuncTree,
  memarg,
  type Node,
  node,
  type NumberType,
  unsigned,
} from "../generators/wasm_tree.ts";
import type { Callable, TheropodSession, V8Session } from "./engines.ts";

/** The type of a lane. */
export type LaneType = "i8" | "i16" | "i32" | "i64" | "f32" | "f64";
/** The type of an operand or result. */
export type OperandType = NumberType | "v128";

/** Width of a lane. */
export const LANE_BITS: Record<LaneType, number> = { i8: 8, i16: 16, i32: 32, i64: 64, f32: 32, f64: 64 };
/** Bytes of an operand or result, and of a page. */
export const SLOT = 16, PAGE = 0x10000;
/** Operands of a case. */
export const OPERANDS = 4;
/** Bytes of a case. */
export const CASE: number = SLOT * OPERANDS;
/** Operands from page 0 on, results from here. */
export const RESULTS_AT = 2 * PAGE;
const MEMORY_PAGES = 5;
/** As many cases as there is room for. */
export const MOST_CASES = 1200;

/** The edge values of a lane. */
export function edgesOf(lane: LaneType): readonly bigint[] {
  return lane === "i8" || lane === "i16"
    ? [...new Set(EDGES.i32.map((bits) => BigInt.asUintN(LANE_BITS[lane], bits)))]
    : EDGES[lane];
}

/** Vectors that run through `values`, from the one at `from` on. */
export function vectors(values: readonly bigint[], bits: number, from: number): bigint[] {
  const lanes = 128 / bits;
  return Array.from({ length: Math.ceil(values.length / lanes) }, (_, k) => {
    let vector = 0n;
    for (let i = 0; i < lanes; i++) vector |= values[(from + k * lanes + i) % values.length] << BigInt(i * bits);
    return vector;
  });
}

/** The global `index`: 0 is the number of the case, 1 that of the last one and one. */
export const global = (index: number): Node => node("global.get", ["i32"], [], unsigned(index));
/** An i32 constant. */
export const i32 = (value: number): Node => constant("i32", BigInt(value));
/** `local.get`. */
export const get = (type: OperandType, index: number): Node => node("local.get", [type], [], unsigned(index));
const LOAD: Record<OperandType, OpName> = {
  i32: "i32.load",
  i64: "i64.load",
  f32: "f32.load",
  f64: "f64.load",
  v128: "v128.load",
};
/** Stores by type. */
export const STORE: Record<OperandType, OpName> = {
  i32: "i32.store",
  i64: "i64.store",
  f32: "f32.store",
  f64: "f64.store",
  v128: "v128.store",
};
/** The case's place in a table of so many bytes a case. */
export const address = (bytes: number): Node => node("i32.mul", ["i32"], [global(0), i32(bytes)]);
/** An operand of the case, loaded. */
export const operand = (type: OperandType, index: number): Node =>
  node(LOAD[type], [type], [address(CASE)], memarg(index * SLOT));

/** What a function does with the operands of one case. */
export interface Form {
  readonly name: string;
  readonly resultType: OperandType;
  readonly locals: readonly OperandType[];
  readonly before: readonly Node[];
  readonly value: Node;
  readonly after?: readonly Node[];
}

/** A function that does nothing. */
const NOTHING: FuncTree = { signature: { params: [], results: [] }, locals: [], label: { types: [] }, body: [] };
/** A call, across which every value lies in a stack slot. */
export const CALL: Node = node("call", [], [], { func: NOTHING });

/** The loop over the cases, from global 0 to global 1. */
function loopOver(form: Form): FuncTree {
  const label = { types: [] }, exit = { types: [] };
  const body: Node[] = [
    node("br_if", [], [node("i32.ge_u", ["i32"], [global(0), global(1)])], { label: exit }),
    ...form.before,
    node(STORE[form.resultType], [], [address(SLOT), form.value], memarg(RESULTS_AT)),
    ...form.after ?? [],
    node("global.set", [], [node("i32.add", ["i32"], [global(0), i32(1)])], unsigned(0)),
    node("br", [], [], { label }),
  ];
  const loop: Node = { ...node("loop", []), block: { label, params: [], body } };
  return {
    signature: { params: [], results: [] },
    locals: [...form.locals],
    label: { types: [] },
    body: [{ ...node("block", []), block: { label: exit, params: [], body: [loop] } }],
  };
}

/** The module of the forms' functions. */
export function encode(all: readonly Form[]): Uint8Array<ArrayBuffer> {
  return encodeModule({
    funcImports: [],
    memories: [{ min: MEMORY_PAGES, max: MEMORY_PAGES }],
    tables: [],
    globals: [{ type: "i32", isMutable: true, init: i32(0) }, { type: "i32", isMutable: true, init: i32(0) }],
    funcs: [...all.map(loopOver), NOTHING],
    data: [],
    elements: [],
    tags: [],
  }, "no wrappers");
}

/** Runs function by function; yields the memory after each. */
export function* outcomes(
  session: V8Session | TheropodSession,
  bytes: Uint8Array<ArrayBuffer>,
  count: number,
  cases: bigint[][],
) {
  const guest = session.instantiate(bytes, {});
  const memory = guest.memory("m").buffer;
  const words = new BigUint64Array(memory);
  cases.forEach((operands, at) =>
    operands.forEach((bits, i) => {
      const slot = (at * CASE + i * SLOT) / 8;
      words[slot] = BigInt.asUintN(64, bits);
      words[slot + 1] = bits >> 64n;
    })
  );
  const position = guest.global("g0"), limit = guest.global("g1");
  for (let k = 0; k < count; k++) {
    new Uint8Array(memory).fill(0xcd, RESULTS_AT);
    position.value = 0;
    limit.value = cases.length;
    (guest.func(`f${k}`) as Callable)();
    yield words;
  }
}

/** Whether two halves of a vector agree; `width`: that of float lanes whose NaNs have open bits, or 0. */
export function isSame(wanted: bigint, got: bigint, width: 0 | 32 | 64): boolean {
  if (wanted === got || width === 0) return wanted === got;
  const bits = BigInt(width), mask = (1n << bits) - 1n;
  const type = width === 32 ? "f32" : "f64", quiet = 1n << (width === 32 ? 22n : 51n);
  for (let at = 0n; at < 64n; at += bits) {
    const x = wanted >> at & mask, y = got >> at & mask;
    if (x !== y && !(isNan(type, x) && isNan(type, y) && (y & quiet) !== 0n)) return false;
  }
  return true;
}
