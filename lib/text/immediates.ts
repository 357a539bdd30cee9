/**
 * Immediates in the text format: how each kind of the opcode table is written, read into its binary form.
 *
 * Most instructions list their immediates in binary order; the few that do not are told apart by the list itself.
 *
 * May import: base, wasm. @module
 */
import { bug, CodeBuffer, NONE } from "../base/mod.ts";
import {
  catchesTag,
  fullHeapType,
  IMMEDIATE_KINDS,
  IMMEDIATE_PROGRAM,
  type ImmediateKind,
  immediateKinds,
  isNullable,
  OP,
  type Op,
  OP_COUNT,
  OP_IMMEDIATES,
  OP_PREFIX,
  OP_SUBCODE,
  opName,
  writeHeapType,
  writeS32Leb,
  writeS64Leb,
  writeU32Leb,
  writeU64Leb,
  writeValType,
} from "../wasm/mod.ts";
import type { ModuleContext } from "./context.ts";
import type { Cursor } from "./cursor.ts";
import { KEYWORD_OP, WORD, type Word } from "./keywords.ts";
import { TOKEN } from "./lexer.ts";

/** Takes an immediate and appends its binary form; `parameter` is the number after the kind in the opcode table. */
type ReadImmediate = (context: ModuleContext, out: CodeBuffer, parameter: number) => void;

/** The shapes of vectors: lanes and what is in one. */
const SHAPES = [
  ["i8x16", 16, "i8"],
  ["i16x8", 8, "i16"],
  ["i32x4", 4, "i32"],
  ["i64x2", 2, "i64"],
  ["f32x4", 4, "f32"],
  ["f64x2", 2, "f64"],
] as const satisfies readonly (readonly [Word, number, string])[];

/** The type of a lane. */
export type LaneType = typeof SHAPES[number][2];

/** Takes a shape: the number of lanes and their type. */
export function takeShape(cursor: Cursor): { readonly lanes: number; readonly type: LaneType } {
  for (const [word, lanes, type] of SHAPES) if (cursor.take(word)) return { lanes, type };
  return cursor.unexpected("a vector shape");
}

/** Takes one lane and appends its bytes. */
export function takeLane(cursor: Cursor, type: LaneType, out: CodeBuffer): void {
  const { number } = cursor;
  switch (type) {
    case "i8":
      cursor.integer(8);
      return out.u8(number.lo);
    case "i16":
      cursor.integer(16);
      return out.u16(number.lo);
    case "i32":
      cursor.integer(32);
      return out.u32(number.lo);
    case "i64":
      cursor.integer(64);
      return out.u64(number.lo, number.hi);
    case "f32":
      cursor.float("f32");
      return out.u32(number.lo);
    case "f64":
      cursor.float("f64");
      return out.u64(number.lo, number.hi);
  }
}

/** The log2 of a power of two of 64 bits; NONE for what is none. */
function log2Of(lo: number, hi: number): number {
  const isPower = hi === 0 ? (lo & lo - 1) === 0 && lo !== 0 : lo === 0 && (hi & hi - 1) === 0;
  if (!isPower) return NONE;
  return hi === 0 ? 31 - Math.clz32(lo) : 63 - Math.clz32(hi);
}

/** Takes `offset=` and `align=` and appends a memarg for that memory. */
function memarg({ cursor }: ModuleContext, out: CodeBuffer, widthBytes: number, memoryIndex: number): void {
  let offsetLo = 0;
  let offsetHi = 0;
  if (cursor.is("offset=")) {
    cursor.assigned64(7, "the offset");
    offsetLo = cursor.number.lo;
    offsetHi = cursor.number.hi;
  }
  let alignLog2 = 31 - Math.clz32(widthBytes);
  if (cursor.is("align=")) {
    cursor.assigned64(6, "the alignment");
    alignLog2 = log2Of(cursor.number.lo, cursor.number.hi);
    if (alignLog2 === NONE) cursor.fail("alignment must be a power of two", cursor.at - 1);
  }
  // The codec's rule: bit 6 of the alignment says that a memory index follows.
  if (memoryIndex === 0) out.u8(alignLog2);
  else {
    out.u8(alignLog2 | 0x40);
    writeU32Leb(out, memoryIndex);
  }
  writeU64Leb(out, offsetLo, offsetHi);
}

const takeMemarg: ReadImmediate = (context, out, widthBytes) =>
  memarg(context, out, widthBytes, context.memories.optionalIndex(context.cursor));

/** The clauses of `try_table` by their code (spec: binary-catch). */
const CATCH_WORDS = [OP.catch, WORD["catch_ref"], OP["catch_all"], WORD["catch_all_ref"]];

function takeCatches({ cursor, tags, labels }: ModuleContext, out: CodeBuffer): void {
  const clauses = new CodeBuffer(16);
  let count = 0;
  for (; cursor.formKeyword >= 0; count++) {
    const code = CATCH_WORDS.indexOf(cursor.formKeyword);
    if (code < 0) break;
    cursor.at += 2;
    clauses.u8(code);
    if (catchesTag(code)) writeU32Leb(clauses, tags.index(cursor));
    writeU32Leb(clauses, labels.index(cursor));
    cursor.close();
  }
  writeU32Leb(out, count);
  out.append(clauses.bytes.subarray(0, clauses.length));
}

function takeHandlers({ cursor, tags, labels }: ModuleContext, out: CodeBuffer): void {
  const clauses = new CodeBuffer(16);
  let count = 0;
  for (; cursor.takeForm("on"); count++) {
    const kind = clauses.length;
    clauses.u8(0);
    writeU32Leb(clauses, tags.index(cursor));
    if (KEYWORD_OP[Math.max(cursor.keyword, 0)] === OP.switch && cursor.keyword >= 0) {
      clauses.bytes[kind] = 1;
      cursor.at++;
    } else writeU32Leb(clauses, labels.index(cursor));
    cursor.close();
  }
  writeU32Leb(out, count);
  out.append(clauses.bytes.subarray(0, clauses.length));
}

/** Every kind of immediate; a forgotten one does not compile. */
const READ: Readonly<Record<ImmediateKind, ReadImmediate>> = {
  block: ({ cursor, types }, out) => types.blockType(cursor, out),
  label: ({ cursor, labels }, out) => writeU32Leb(out, labels.index(cursor)),
  labels: ({ cursor, labels }, out) => {
    const depths = [labels.index(cursor)];
    while (cursor.isIndex) depths.push(labels.index(cursor));
    writeU32Leb(out, depths.length - 1);
    for (const depth of depths) writeU32Leb(out, depth);
  },
  catches: takeCatches,
  handlers: takeHandlers,
  func: ({ cursor, funcs }, out) => writeU32Leb(out, funcs.index(cursor)),
  type: ({ cursor, types }, out) => writeU32Leb(out, types.space.index(cursor)),
  table: ({ cursor, tables }, out) => writeU32Leb(out, tables.optionalIndex(cursor)),
  memory: ({ cursor, memories }, out) => writeU32Leb(out, memories.optionalIndex(cursor)),
  global: ({ cursor, globals }, out) => writeU32Leb(out, globals.index(cursor)),
  local: ({ cursor, locals }, out) => writeU32Leb(out, locals.index(cursor)),
  tag: ({ cursor, tags }, out) => writeU32Leb(out, tags.index(cursor)),
  data: (context, out) => {
    context.namesData = true;
    writeU32Leb(out, context.datas.index(context.cursor));
  },
  elem: ({ cursor, elems }, out) => writeU32Leb(out, elems.index(cursor)),
  field: () => bug("a field is read after its type"),
  count: ({ cursor }, out) => writeU32Leb(out, cursor.natural("a count")),
  heap: ({ cursor, types }, out) => writeHeapType(out, types.heapType(cursor)),
  types: () => bug("the types of a select choose its encoding"),
  castflags: () => bug("cast flags are made of the two types after them"),
  memarg: takeMemarg,
  atomic: takeMemarg,
  i32: ({ cursor }, out) => {
    cursor.integer(32);
    writeS32Leb(out, cursor.number.lo);
  },
  i64: ({ cursor }, out) => {
    cursor.integer(64);
    writeS64Leb(out, cursor.number.lo, cursor.number.hi);
  },
  f32: ({ cursor }, out) => {
    cursor.float("f32");
    out.u32(cursor.number.lo);
  },
  f64: ({ cursor }, out) => {
    cursor.float("f64");
    out.u64(cursor.number.lo, cursor.number.hi);
  },
  v128: ({ cursor }, out) => {
    const { lanes, type } = takeShape(cursor);
    for (let lane = 0; lane < lanes; lane++) {
      if (!cursor.isNumber) cursor.fail("wrong number of lane literals");
      takeLane(cursor, type, out);
    }
    if (cursor.isNumber) cursor.fail("wrong number of lane literals");
  },
  lanes: ({ cursor }, out) => {
    for (let lane = 0; lane < 16; lane++) {
      if (!cursor.isNumber) cursor.fail("invalid lane length: 16 lane indices are expected");
      out.u8(takeLaneIndex(cursor));
    }
    if (cursor.isNumber) cursor.fail("invalid lane length: 16 lane indices are expected");
  },
  lane: ({ cursor }, out) => out.u8(takeLaneIndex(cursor)),
  zero: (_context, out) => out.u8(0),
};

function takeLaneIndex(cursor: Cursor): number {
  if (cursor.kind !== TOKEN.natural) cursor.fail("malformed lane index");
  return cursor.natural("a lane index", 255);
}

/** Takes the immediates of an operation and appends the whole instruction. */
type ReadInstruction = (context: ModuleContext, op: Op, out: CodeBuffer) => void;

/** Appends an opcode. */
export function writeOp(out: CodeBuffer, op: Op): void {
  const prefix = OP_PREFIX[op];
  if (prefix === 0) out.u8(OP_SUBCODE[op]);
  else {
    out.u8(prefix);
    writeU32Leb(out, OP_SUBCODE[op]);
  }
}

/** An optional index, then another that must be there: the index of the first is 0 without it. */
function segmentAndSpace(segments: "elems" | "datas", spaces: "tables" | "memories"): ReadInstruction {
  return (context, op, out) => {
    const { cursor } = context;
    const hasBoth = cursor.isIndex && isIndexToken(cursor.tokens.kind[cursor.at + 1]);
    const spaceIndex = hasBoth ? context[spaces].index(cursor) : 0;
    writeOp(out, op);
    writeU32Leb(out, context[segments].index(cursor));
    writeU32Leb(out, spaceIndex);
    if (segments === "datas") context.namesData = true;
  };
}

function isIndexToken(kind: number): boolean {
  return kind === TOKEN.natural || kind === TOKEN.id;
}

/** Two indices or none. */
function twoOrNone(space: "tables" | "memories"): ReadInstruction {
  return (context, op, out) => {
    writeOp(out, op);
    const areGiven = context.cursor.isIndex;
    for (let i = 0; i < 2; i++) writeU32Leb(out, areGiven ? context[space].index(context.cursor) : 0);
  };
}

/** Instructions whose text lists the immediates in another order or form, by the list of their kinds. */
const REORDERED: Readonly<Record<string, ReadInstruction>> = {
  "type table": (context, op, out) => {
    const { cursor, tables, types } = context;
    const tableIndex = tables.optionalIndex(cursor);
    const typeIndex = types.typeUse(cursor);
    writeOp(out, op);
    writeU32Leb(out, typeIndex);
    writeU32Leb(out, tableIndex);
  },
  "elem table": segmentAndSpace("elems", "tables"),
  "data memory": segmentAndSpace("datas", "memories"),
  "table table": twoOrNone("tables"),
  "memory memory": twoOrNone("memories"),
  "type field": (context, op, out) => {
    const { cursor, types } = context;
    writeOp(out, op);
    const typeIndex = types.space.index(cursor);
    writeU32Leb(out, typeIndex);
    const fields = types.fields.get(typeIndex);
    if (fields !== undefined) writeU32Leb(out, fields.index(cursor));
    else if (cursor.kind === TOKEN.id) cursor.fail(`unknown field ${cursor.quote(cursor.at)}`);
    else writeU32Leb(out, cursor.natural("a field index"));
  },
  "castflags label heap heap": ({ cursor, labels, types }, op, out) => {
    writeOp(out, op);
    const label = labels.index(cursor);
    const from = types.refType(cursor);
    const to = types.refType(cursor);
    out.u8((isNullable(from) ? 1 : 0) | (isNullable(to) ? 2 : 0));
    writeU32Leb(out, label);
    writeHeapType(out, fullHeapType(from));
    writeHeapType(out, fullHeapType(to));
  },
  // The index of the memory and that of the lane are told apart by what follows.
  "memarg lane": (context, op, out) => {
    const { cursor, memories } = context;
    const next = cursor.tokens.kind[cursor.at + 1];
    const namesMemory = cursor.kind === TOKEN.id ||
      cursor.kind === TOKEN.natural && (next === TOKEN.natural || isAssignment(cursor, cursor.at + 1));
    writeOp(out, op);
    memarg(context, out, IMMEDIATE_PROGRAM[OP_IMMEDIATES[op] + 1], namesMemory ? memories.index(cursor) : 0);
    out.u8(takeLaneIndex(cursor));
  },
};

function isAssignment({ tokens }: Cursor, token: number): boolean {
  const value = tokens.value[token];
  return tokens.kind[token] === TOKEN.keyword && (value === WORD["offset="] || value === WORD["align="]);
}

/** The nullable variant of an operation on a heap type, whose text is a reference type; NONE for all others. */
const NULLABLE_VARIANT: Int16Array = Int16Array.from(
  { length: OP_COUNT },
  (_, op) => (OP as Readonly<Record<string, Op>>)[`${opName(op)} null`] ?? NONE,
);

const takeHeapVariant: ReadInstruction = ({ cursor, types }, op, out) => {
  const type = types.refType(cursor);
  writeOp(out, isNullable(type) ? NULLABLE_VARIANT[op] : op);
  writeHeapType(out, fullHeapType(type));
};

const takeSelect: ReadInstruction = ({ cursor, types }, op, out) => {
  if (!cursor.isForm("result")) {
    writeOp(out, op);
    return;
  }
  writeOp(out, OP["select t"]);
  const results = new CodeBuffer(16);
  let count = 0;
  while (cursor.takeForm("result")) {
    for (; cursor.kind !== TOKEN.close; count++) writeValType(results, types.valType(cursor));
    cursor.close();
  }
  writeU32Leb(out, count);
  out.append(results.bytes.subarray(0, results.length));
};

const inBinaryOrder: ReadInstruction = (context, op, out) => {
  writeOp(out, op);
  for (let i = OP_IMMEDIATES[op], end = OP_IMMEDIATES[op + 1]; i < end; i += 2) {
    READ_BY_CODE[IMMEDIATE_PROGRAM[i]](context, out, IMMEDIATE_PROGRAM[i + 1]);
  }
};

const READ_BY_CODE: readonly ReadImmediate[] = IMMEDIATE_KINDS.map((kind) => READ[kind]);

/** How each operation is read, by operation. */
const READ_INSTRUCTION: readonly ReadInstruction[] = Array.from({ length: OP_COUNT }, (_, op) => {
  if (op === OP.select) return takeSelect;
  if (NULLABLE_VARIANT[op] !== NONE) return takeHeapVariant;
  return REORDERED[immediateKinds(op).join(" ")] ?? inBinaryOrder;
});

/** Takes the immediates of an operation whose keyword was taken, and appends the instruction. */
export function readInstruction(context: ModuleContext, op: Op, out: CodeBuffer): void {
  READ_INSTRUCTION[op](context, op, out);
}
