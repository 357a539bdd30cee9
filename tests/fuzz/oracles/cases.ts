/**
 * Tables of operands in memory, functions that loop over them, and the comparison of what two engines make of them.
 *
 * A function takes the cases from a global position to a global limit, writes a result for each and moves the position on; after a trap the
 * caller moves it past the case and calls again. So a module call evaluates hundreds of cases. NaNs that arithmetic made are compared as
 * "some NaN, quiet".
 */

import { isNan } from "../generators/values.ts";
import {
  constant,
  encodeModule,
  type FuncTree,
  memarg,
  type ModuleTree,
  type Node,
  node,
  type NumberType,
  unsigned,
} from "../generators/wasm_tree.ts";
import { type Configuration, configurationName, isSameTrap, TheropodSession, trapKind, V8Session } from "./engines.ts";

/** Operands start here, results a page later. */
export const RESULTS_AT = 0x10000;
/** Bytes of an operand or result. */
export const SLOT_BYTES = 8;
/** Area 0 has the operands, 1 the results, 2 and 3 what must survive the operation. */
const AREAS = 4;
/** Operands of a case. */
const SLOTS = 4;
const CASE_BYTES = SLOTS * SLOT_BYTES;

const POSITION = unsigned(0);
const LOAD = { i32: "i32.load", i64: "i64.load", f32: "f32.load", f64: "f64.load" } as const;
/** Stores by type. */
export const STORE = { i32: "i32.store", i64: "i64.store", f32: "f32.store", f64: "f64.store" } as const;

/** An i32 constant. */
export const i32 = (value: number): Node => constant("i32", BigInt(value));
/** `local.get`. */
export const get = (type: NumberType, index: number): Node => node("local.get", [type], [], unsigned(index));
/** The number of the case. */
export const position = (): Node => node("global.get", ["i32"], [], POSITION);

/** The address of the case. */
export const caseAddress = (): Node => node("i32.mul", ["i32"], [position(), i32(CASE_BYTES)]);
/** What to add to the start of an area for the case's place in it. */
export const resultAddress = (): Node => node("i32.mul", ["i32"], [position(), i32(SLOT_BYTES)]);
/** An operand of the case, loaded. */
export const operand = (type: NumberType, index: number): Node =>
  node(LOAD[type], [type], [caseAddress()], memarg(index * SLOT_BYTES));

/** What a form does with the operands of one case. */
export interface Form {
  readonly name: string;
  readonly resultType: NumberType;
  readonly locals: readonly NumberType[];
  /** Statements before, in each round. */
  readonly before: readonly Node[];
  readonly value: Node;
  readonly after?: readonly Node[];
}

/** The loop over cases from the position to the limit, both globals: writes each result and advances. */
export function loopOver(form: Form): FuncTree {
  const label = { types: [] }, exit = { types: [] };
  const body: Node[] = [
    node("br_if", [], [node("i32.ge_u", ["i32"], [position(), node("global.get", ["i32"], [], unsigned(1))])], {
      label: exit,
    }),
    ...form.before,
    node(STORE[form.resultType], [], [resultAddress(), form.value], memarg(RESULTS_AT)),
    ...form.after ?? [],
    node("global.set", [], [node("i32.add", ["i32"], [position(), i32(1)])], POSITION),
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

function moduleOf(funcs: FuncTree[]): ModuleTree {
  return {
    funcImports: [],
    memories: [{ min: 5, max: 5 }],
    tables: [],
    globals: [
      { type: "i32", isMutable: true, init: i32(0) },
      { type: "i32", isMutable: true, init: i32(0) },
    ],
    funcs,
    data: [],
    elements: [],
    tags: [],
  };
}

/** What one form did: traps by case, and the results in memory. */
interface Outcome {
  readonly traps: readonly (string | undefined)[];
  readonly memory: ArrayBufferLike;
}

/** How a module's functions cover the cases: each loops over all of them, or each is one of them. */
export type Coverage = "loops" | "one each";

/** Runs a module's functions on the cases; yields after each form, with memory as it left it. */
function* outcomes(
  session: V8Session | TheropodSession,
  bytes: Uint8Array<ArrayBuffer>,
  count: number,
  cases: readonly bigint[][],
  coverage: Coverage,
): Generator<Outcome> {
  const guest = session.instantiate(bytes, {});
  const memory = guest.memory("m").buffer;
  const here = guest.global("g0"), limit = guest.global("g1");
  const view = new DataView(memory), all = new Uint8Array(memory);
  cases.forEach((operands, index) =>
    operands.forEach((bits, i) => view.setBigUint64(index * CASE_BYTES + i * SLOT_BYTES, bits, true))
  );
  const clear = () => {
    for (let area = 1; area < AREAS; area++) {
      const start = area * RESULTS_AT;
      all.fill(0xcd, start, start + cases.length * SLOT_BYTES);
    }
  };
  clear();
  if (coverage === "one each") {
    yield { traps: cases.map((_, index) => attempt(guest.func(`f${index}`))), memory };
    return;
  }
  for (let index = 0; index < count; index++) {
    clear();
    const traps: (string | undefined)[] = [];
    const run = guest.func(`f${index}`);
    here.value = 0;
    limit.value = cases.length;
    while ((here.value as number) < cases.length) {
      const kind = attempt(run);
      if (kind === undefined) break;
      const at = here.value as number;
      traps[at] = kind;
      here.value = at + 1;
    }
    yield { traps, memory };
  }
}

function attempt(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return trapKind(error);
  }
}

/** What is compared. */
export interface Comparison {
  readonly name: string;
  readonly funcs: FuncTree[];
  readonly forms: readonly { readonly name: string; readonly resultType: NumberType }[];
  /** Whether NaNs must have the same bits. */
  readonly nans: "exact" | "some";
  readonly cases: readonly bigint[][];
  readonly coverage: Coverage;
  readonly configuration: Configuration;
}

/** Compares all forms of one module; returns what differs. */
export function compareCases({ name: what, funcs, forms, cases, coverage, configuration, nans }: Comparison): string[] {
  if (cases.length * CASE_BYTES > RESULTS_AT) throw new RangeError(`${cases.length} cases do not fit`);
  const bytes = encodeModule(moduleOf(funcs), "no wrappers");
  using theirs = new V8Session(), ours = new TheropodSession(configuration);
  const their = outcomes(theirs, bytes, funcs.length, cases, coverage);
  const our = outcomes(ours, bytes, funcs.length, cases, coverage);
  const failures: string[] = [];
  for (const { name, resultType } of forms) {
    const expected = their.next().value as Outcome, actual = our.next().value as Outcome;
    const where = (at: number) =>
      `${what} [${name}] (${cases[at].map((bits) => `0x${bits.toString(16)}`)}), ${configurationName(configuration)}`;
    cases.forEach((_, at) => {
      const wanted = expected.traps[at], got = actual.traps[at];
      if (wanted === got || wanted !== undefined && got !== undefined && isSameTrap(wanted, got)) return;
      failures.push(`${where(at)}: V8 ${wanted ?? "returns"}, ours ${got ?? "returns"}`);
    });
    for (let area = 1; area < AREAS; area++) {
      const wanted = new BigUint64Array(expected.memory as ArrayBuffer, area * RESULTS_AT, cases.length);
      const got = new BigUint64Array(actual.memory as ArrayBuffer, area * RESULTS_AT, cases.length);
      const wantedWords = new Int32Array(expected.memory, area * RESULTS_AT, 2 * cases.length);
      const gotWords = new Int32Array(actual.memory, area * RESULTS_AT, 2 * cases.length);
      for (let word = 0; word < 2 * cases.length; word++) {
        if (wantedWords[word] === gotWords[word]) continue;
        const at = word >> 1;
        if (area === 1 && nans === "some" && isSomeNan(resultType, wanted[at], got[at])) continue;
        const place = area > 1 ? ` in area ${area}` : "";
        failures.push(`${where(at)}: V8 0x${wanted[at].toString(16)}, ours 0x${got[at].toString(16)}${place}`);
      }
    }
  }
  return failures;
}

/** Whether a float operation may give `got` where another engine gave `wanted`: any quiet NaN for any NaN. */
function isSomeNan(type: NumberType, wanted: bigint, got: bigint): boolean {
  if (type !== "f32" && type !== "f64") return false;
  const mask = type === "f32" ? 0xffffffffn : 0xffffffffffffffffn;
  const quiet = type === "f32" ? 1n << 22n : 1n << 51n;
  return isNan(type, wanted & mask) && isNan(type, got & mask) && (got & quiet) !== 0n;
}
