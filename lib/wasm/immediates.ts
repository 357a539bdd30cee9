/**
 * Immediates: how each kind is skipped, read into plain values, and written.
 *
 * The opcode table names kinds; this file is the only place that knows their bytes. Hot readers (validator, translator)
 * read what they need through the reader's own methods; `skip` is for scans, `read` and `write` for printers, assemblers
 * and tests, which may allocate.
 *
 * May import: base. @module
 */
import type { CodeBuffer } from "../base/mod.ts";
import { IMMEDIATE_KINDS, type ImmediateKind } from "./immediate_kinds.ts";
import { IMMEDIATE_PROGRAM, type Op, OP_IMMEDIATES } from "./opcodes.ts";
import type { Reader } from "./reader.ts";
import { EXACT_CODE, readHeapType, readValType, skipBlockType } from "./type_reader.ts";
import {
  BOTTOM,
  F32,
  F64,
  fullHeapType,
  type HeapType,
  I32,
  I64,
  inexactHeap,
  isExactHeap,
  isNullable,
  isRef,
  V128,
  type ValType,
} from "./types.ts";

/** A memarg: alignment as a power of two, memory, and the two halves of the offset. */
export interface MemargImmediate {
  readonly alignLog2: number;
  readonly memoryIndex: number;
  readonly offsetLo: number;
  readonly offsetHi: number;
}

/** A block type: a type index, or a value type, BOTTOM for none. */
export type BlockTypeImmediate = { readonly typeIndex: number } | { readonly result: ValType };

/** A catch clause of `try_table`; `tag` is undefined for the forms that catch all. */
export interface CatchImmediate {
  readonly kind: "catch" | "catch_ref" | "catch_all" | "catch_all_ref";
  readonly tag: number | undefined;
  readonly label: number;
}

/** A handler clause of a resumption: a suspension with `tag` goes to `label`, or, without a label, a switch with it is served. */
export interface HandlerImmediate {
  readonly tag: number;
  readonly label: number | undefined;
}

/** The value that `read` gives for each kind. */
export interface ImmediateValues {
  block: BlockTypeImmediate;
  /** The labels in order, the default last. */
  labels: readonly number[];
  catches: readonly CatchImmediate[];
  heap: HeapType;
  types: readonly ValType[];
  memarg: MemargImmediate;
  atomic: MemargImmediate;
  i32: number;
  i64: { readonly lo: number; readonly hi: number };
  /** The bits, as an int32. */
  f32: number;
  f64: { readonly lo: number; readonly hi: number };
  /** Four int32 words, the lowest first. */
  v128: readonly number[];
  lanes: readonly number[];
  label: number;
  func: number;
  type: number;
  table: number;
  memory: number;
  global: number;
  local: number;
  tag: number;
  data: number;
  elem: number;
  field: number;
  count: number;
  handlers: readonly HandlerImmediate[];
  castflags: number;
  lane: number;
  zero: number;
}

interface ImmediateCodec<T> {
  readonly skip: (reader: Reader) => void;
  readonly read: (reader: Reader) => T;
  readonly write: (out: CodeBuffer, value: T) => void;
}

/** The names of the catch clauses by their code (spec: binary-catch). */
export const CATCH_KINDS = ["catch", "catch_ref", "catch_all", "catch_all_ref"] as const;

/** Appends an unsigned LEB128 integer below 2^32. */
export function writeU32Leb(out: CodeBuffer, value: number): void {
  let rest = value >>> 0;
  while (rest >= 0x80) {
    out.u8(rest & 0x7f | 0x80);
    rest >>>= 7;
  }
  out.u8(rest);
}

/** Appends a signed LEB128 integer that fits int32. */
export function writeS32Leb(out: CodeBuffer, value: number): void {
  writeS64Leb(out, value, value >> 31);
}

/** Appends a signed LEB128 integer given as its two halves. */
export function writeS64Leb(out: CodeBuffer, lo: number, hi: number): void {
  for (;;) {
    const group = lo & 0x7f;
    lo = lo >>> 7 | hi << 25;
    hi >>= 7;
    const sign = group << 25 >> 31;
    if ((lo | 0) === sign && hi === sign) {
      out.u8(group);
      return;
    }
    out.u8(group | 0x80);
  }
}

/** Appends an unsigned LEB128 integer given as its two halves. */
export function writeU64Leb(out: CodeBuffer, lo: number, hi: number): void {
  for (;;) {
    const group = lo & 0x7f;
    lo = lo >>> 7 | hi << 25;
    hi >>>= 7;
    if (lo === 0 && hi === 0) {
      out.u8(group);
      return;
    }
    out.u8(group | 0x80);
  }
}

/** Appends a vector of bytes: a name, or the content of a section. */
export function writeByteVector(out: CodeBuffer, bytes: Uint8Array): void {
  writeU32Leb(out, bytes.length);
  out.append(bytes);
}

/** Appends a heap type. */
export function writeHeapType(out: CodeBuffer, heap: HeapType): void {
  if (isExactHeap(heap)) {
    out.u8(EXACT_CODE);
    writeU32Leb(out, inexactHeap(heap));
  } else writeS32Leb(out, heap);
}

const NUMERIC_CODES = new Map<ValType, number>([[I32, 0x7f], [I64, 0x7e], [F32, 0x7d], [F64, 0x7c], [V128, 0x7b], [
  6,
  0x78,
], [
  7,
  0x77,
]]);

/** Appends a value or storage type, in the short form where there is one. */
export function writeValType(out: CodeBuffer, type: ValType): void {
  if (!isRef(type)) {
    out.u8(NUMERIC_CODES.get(type)!);
    return;
  }
  const heap = fullHeapType(type);
  if (!isNullable(type)) out.u8(0x64);
  else if (heap >= 0) out.u8(0x63);
  writeHeapType(out, heap);
}

const INDEX: ImmediateCodec<number> = {
  skip: (reader) => void reader.readU32Leb(),
  read: (reader) => reader.readU32Leb(),
  write: writeU32Leb,
};

const BYTE: ImmediateCodec<number> = {
  skip: (reader) => reader.skipBytes(1),
  read: (reader) => reader.readU8(),
  write: (out, value) => out.u8(value),
};

const MEMARG: ImmediateCodec<MemargImmediate> = {
  skip: (reader) => reader.readMemarg(),
  read: (reader) => {
    reader.readMemarg();
    const { alignLog2, memoryIndex, lo, hi } = reader;
    return { alignLog2, memoryIndex, offsetLo: lo, offsetHi: hi };
  },
  write: (out, { alignLog2, memoryIndex, offsetLo, offsetHi }) => {
    if (memoryIndex === 0) out.u8(alignLog2);
    else {
      out.u8(alignLog2 | 0x40);
      writeU32Leb(out, memoryIndex);
    }
    writeU64Leb(out, offsetLo, offsetHi);
  },
};

function readVector<T>(reader: Reader, read: (reader: Reader) => T): T[] {
  const items: T[] = [];
  for (let count = reader.readU32Leb(); count > 0; count--) items.push(read(reader));
  return items;
}

/** Reads a catch clause's kind as the row of CATCH_KINDS. */
export function readCatchKind(reader: Reader): number {
  const kind = reader.readU8();
  if (kind >= CATCH_KINDS.length) reader.fail(`malformed catch clause 0x${kind.toString(16)}`, reader.pos - 1);
  return kind;
}

/** The codes of the handler clauses of a resumption. */
export const HANDLER_KINDS = ["on", "on switch"] as const;

/** Reads a handler clause's kind; whether the clause names a label. */
export function readHandlerHasLabel(reader: Reader): boolean {
  const kind = reader.readU8();
  if (kind >= HANDLER_KINDS.length) reader.fail(`malformed handler clause 0x${kind.toString(16)}`, reader.pos - 1);
  return kind === 0;
}

/** Whether the catch clause kind names a tag. */
export function catchesTag(kind: number): boolean {
  return kind < 2;
}

const CODECS: { readonly [K in ImmediateKind]: ImmediateCodec<ImmediateValues[K]> } = {
  label: INDEX,
  func: INDEX,
  type: INDEX,
  table: INDEX,
  memory: INDEX,
  global: INDEX,
  local: INDEX,
  tag: INDEX,
  data: INDEX,
  elem: INDEX,
  field: INDEX,
  count: INDEX,
  castflags: BYTE,
  lane: BYTE,
  zero: BYTE,
  memarg: MEMARG,
  atomic: MEMARG,
  block: {
    skip: skipBlockType,
    read: (reader) => {
      const start = reader.pos;
      const code = reader.readS33Leb();
      if (code >= 0) return { typeIndex: code };
      if (code === -0x40) return { result: BOTTOM };
      reader.pos = start;
      return { result: readValType(reader) };
    },
    write: (out, value) => {
      if ("typeIndex" in value) writeS64Leb(out, value.typeIndex, 0);
      else if (value.result === BOTTOM) out.u8(0x40);
      else writeValType(out, value.result);
    },
  },
  labels: {
    skip: (reader) => {
      for (let count = reader.readU32Leb(); count >= 0; count--) reader.readU32Leb();
    },
    read: (reader) => [...readVector(reader, INDEX.read), reader.readU32Leb()],
    write: (out, labels) => {
      writeU32Leb(out, labels.length - 1);
      for (const label of labels) writeU32Leb(out, label);
    },
  },
  catches: {
    skip: (reader) => {
      for (let count = reader.readU32Leb(); count > 0; count--) {
        if (catchesTag(readCatchKind(reader))) reader.readU32Leb();
        reader.readU32Leb();
      }
    },
    read: (reader) =>
      readVector(reader, () => {
        const kind = readCatchKind(reader);
        const tag = catchesTag(kind) ? reader.readU32Leb() : undefined;
        return { kind: CATCH_KINDS[kind], tag, label: reader.readU32Leb() };
      }),
    write: (out, clauses) => {
      writeU32Leb(out, clauses.length);
      for (const { kind, tag, label } of clauses) {
        out.u8(CATCH_KINDS.indexOf(kind));
        if (tag !== undefined) writeU32Leb(out, tag);
        writeU32Leb(out, label);
      }
    },
  },
  handlers: {
    skip: (reader) => {
      for (let count = reader.readU32Leb(); count > 0; count--) {
        const hasLabel = readHandlerHasLabel(reader);
        reader.readU32Leb();
        if (hasLabel) reader.readU32Leb();
      }
    },
    read: (reader) =>
      readVector(reader, () => {
        const hasLabel = readHandlerHasLabel(reader);
        const tag = reader.readU32Leb();
        return { tag, label: hasLabel ? reader.readU32Leb() : undefined };
      }),
    write: (out, clauses) => {
      writeU32Leb(out, clauses.length);
      for (const { tag, label } of clauses) {
        out.u8(label === undefined ? 1 : 0);
        writeU32Leb(out, tag);
        if (label !== undefined) writeU32Leb(out, label);
      }
    },
  },
  heap: { skip: (reader) => void readHeapType(reader), read: readHeapType, write: writeHeapType },
  types: {
    skip: (reader) => {
      for (let count = reader.readU32Leb(); count > 0; count--) readValType(reader);
    },
    read: (reader) => readVector(reader, readValType),
    write: (out, types) => {
      writeU32Leb(out, types.length);
      for (const type of types) writeValType(out, type);
    },
  },
  i32: { skip: (reader) => void reader.readS32Leb(), read: (reader) => reader.readS32Leb(), write: writeS32Leb },
  i64: {
    skip: (reader) => reader.readS64Leb(),
    read: (reader) => {
      reader.readS64Leb();
      return { lo: reader.lo, hi: reader.hi };
    },
    write: (out, { lo, hi }) => writeS64Leb(out, lo, hi),
  },
  f32: {
    skip: (reader) => reader.skipBytes(4),
    read: (reader) => reader.readFixed32(),
    write: (out, bits) => out.u32(bits),
  },
  f64: {
    skip: (reader) => reader.skipBytes(8),
    read: (reader) => {
      reader.readFixed64();
      return { lo: reader.lo, hi: reader.hi };
    },
    write: (out, { lo, hi }) => out.u64(lo, hi),
  },
  v128: {
    skip: (reader) => reader.skipBytes(16),
    read: (reader) => [reader.readFixed32(), reader.readFixed32(), reader.readFixed32(), reader.readFixed32()],
    write: (out, words) => words.forEach((word) => out.u32(word)),
  },
  lanes: {
    skip: (reader) => reader.skipBytes(16),
    read: (reader) => Array.from(reader.readBytes(16)),
    write: (out, lanes) => lanes.forEach((lane) => out.u8(lane)),
  },
};

const SKIP: readonly ((reader: Reader) => void)[] = IMMEDIATE_KINDS.map((kind) => CODECS[kind].skip);

/** Moves over the immediates of `op`. */
export function skipImmediates(op: Op, reader: Reader): void {
  for (let i = OP_IMMEDIATES[op], end = OP_IMMEDIATES[op + 1]; i < end; i += 2) SKIP[IMMEDIATE_PROGRAM[i]](reader);
}

/** An immediate with its kind. */
export type Immediate = {
  readonly [K in ImmediateKind]: { readonly kind: K; readonly value: ImmediateValues[K] };
}[ImmediateKind];

/** Reads the immediates of `op` as values, in binary order. */
export function readImmediates(op: Op, reader: Reader): Immediate[] {
  return immediateKinds(op).map((kind) => ({ kind, value: CODECS[kind].read(reader) }) as Immediate);
}

/** Reads one immediate of a kind. */
export function readImmediate<K extends ImmediateKind>(kind: K, reader: Reader): ImmediateValues[K] {
  return CODECS[kind].read(reader);
}

/** Appends one immediate. */
export function writeImmediate(out: CodeBuffer, { kind, value }: Immediate): void {
  (CODECS[kind] as ImmediateCodec<typeof value>).write(out, value);
}

/** The kinds of the immediates of `op`, in binary order. */
export function immediateKinds(op: Op): ImmediateKind[] {
  const kinds: ImmediateKind[] = [];
  for (let i = OP_IMMEDIATES[op]; i < OP_IMMEDIATES[op + 1]; i += 2) kinds.push(IMMEDIATE_KINDS[IMMEDIATE_PROGRAM[i]]);
  return kinds;
}
