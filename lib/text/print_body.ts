/**
 * Function bodies and constant expressions as text: one instruction a line, indented by blocks.
 *
 * What an instruction looks like follows from the opcode table: its name, then its immediates, each printed by its kind. A
 * forgotten kind does not compile. Three facts are the text's own: pairs of indices whose order it turns around, indices that
 * are left out when they are 0, and instructions that open or close a block.
 *
 * May import: wasm. @module
 */
import {
  BOTTOM,
  type CatchImmediate,
  type HandlerImmediate,
  type HeapType,
  IMMEDIATE_KINDS,
  IMMEDIATE_PROGRAM,
  type ImmediateKind,
  type ImmediateValues,
  type MemargImmediate,
  type Module,
  type NameMaps,
  OP,
  type Op,
  OP_COUNT,
  OP_FLAG,
  OP_FLAGS,
  OP_IMMEDIATES,
  type OpName,
  opName,
  Reader,
  readImmediate,
  readOp,
} from "../wasm/mod.ts";
import { Identifiers } from "./identifiers.ts";
import type { ModuleIdentifiers } from "./module_identifiers.ts";
import { formatF32, formatF64 } from "./numbers.ts";
import { quoteBytes } from "./strings.ts";

type Printer<K extends ImmediateKind> = (body: BodyPrinter, value: ImmediateValues[K], parameter: number) => string;

const PRINTERS: { readonly [K in ImmediateKind]: Printer<K> } = {
  block: (body, value) => body.openBlock(value),
  label: (body, depth) => ` ${body.label(depth)}`,
  labels: (body, depths) => depths.map((depth) => ` ${body.label(depth)}`).join(""),
  catches: (body, clauses) => clauses.map((clause) => body.catchClause(clause)).join(""),
  handlers: (body, clauses) => clauses.map((clause) => body.handlerClause(clause)).join(""),
  func: ({ ids }, index) => ` ${ids.func.ref(index)}`,
  type: (body, index) => body.type(index),
  table: ({ ids }, index) => ` ${ids.table.ref(index)}`,
  memory: ({ ids }, index) => ` ${ids.memory.ref(index)}`,
  global: ({ ids }, index) => ` ${ids.global.ref(index)}`,
  local: ({ locals }, index) => ` ${locals.ref(index)}`,
  tag: ({ ids }, index) => ` ${ids.tag.ref(index)}`,
  data: ({ ids }, index) => ` ${ids.data.ref(index)}`,
  elem: ({ ids }, index) => ` ${ids.elem.ref(index)}`,
  field: (body, index) => ` ${body.field(index)}`,
  count: (_, count) => ` ${count}`,
  heap: (body, heap) => ` ${body.heapOperand(heap)}`,
  types: ({ ids }, types) => ` (result${types.map((type) => ` ${ids.types.value(type)}`).join("")})`,
  castflags: (body, flags) => body.startCast(flags),
  memarg: (body, value, bytes) => body.memarg(value, bytes),
  atomic: (body, value, bytes) => body.memarg(value, bytes),
  i32: (_, value) => ` ${value}`,
  i64: (_, { lo, hi }) => ` ${BigInt(hi) << 32n | BigInt(lo >>> 0)}`,
  f32: (_, bits) => ` ${formatF32(bits)}`,
  f64: (_, { lo, hi }) => ` ${formatF64(lo, hi)}`,
  v128: (_, words) => ` i32x4${words.map((word) => ` 0x${(word >>> 0).toString(16).padStart(8, "0")}`).join("")}`,
  lanes: (_, lanes) => ` ${lanes.join(" ")}`,
  lane: (_, lane) => ` ${lane}`,
  zero: () => "",
};

const PRINT_BY_KIND = IMMEDIATE_KINDS.map((kind) => PRINTERS[kind] as Printer<ImmediateKind>);

/** Whose two immediates the text has in the other order than the binary format: `table.init $table $elem`. */
const TURNED = new Set<string>(
  ["table.init", "memory.init", "call_indirect", "return_call_indirect"] satisfies OpName[],
);
/** The kinds of immediates that are left out when all of that kind in the instruction are 0. */
const OMITTED_WHEN_ZERO = new Set<ImmediateKind>(["table", "memory"]);

/** How an operation prints: 1 when its immediates turn around. */
const IS_TURNED = new Uint8Array(OP_COUNT);
/** The keyword of each operation: its name up to the space that marks a second encoding. */
const KEYWORDS: string[] = [];
for (let op = 0; op < OP_COUNT; op++) {
  const name = opName(op);
  KEYWORDS.push(name.split(" ")[0]);
  if (TURNED.has(name)) IS_TURNED[op] = 1;
}

/** Hints that stand before instructions, by offset: see {@linkcode BodyPrinter.printBody}. */
export type Hints = ReadonlyMap<number, number>;

/** Prints the instructions of one module. */
export class BodyPrinter {
  readonly ids: ModuleIdentifiers;
  /** The names of the current function's parameters and locals. */
  locals: Identifiers = new Identifiers(new Map());
  readonly #module: Module;
  readonly #names: NameMaps;
  readonly #reader: Reader;
  /** Identifiers of the open blocks, the innermost last; the first is the function's own, which has none. */
  readonly #open: (string | undefined)[] = [];
  #labels = new Identifiers(new Map());
  #nextLabel = 0;
  #op: Op = 0;
  /** The type that the instruction named last: fields are its. */
  #type = 0;
  /** Nullability of the types that a branch on cast names next, one bit each. */
  #castFlags = 0;

  constructor(module: Module, names: NameMaps, ids: ModuleIdentifiers) {
    this.#module = module;
    this.#names = names;
    this.ids = ids;
    this.#reader = new Reader(module.bytes);
    this.#reader.features = module.features;
  }

  /**
   * Appends the instructions of a function body, which starts at `start` behind the local declarations and ends with the
   * function's `end`. `hints` are branch hints by the instruction's offset.
   */
  printBody(out: string[], funcIndex: number, start: number, end: number, hints: Hints): void {
    const reader = this.#reader;
    reader.reset(this.#module.bytes, start, end);
    this.#labels = new Identifiers(this.#names.within("label", funcIndex));
    this.#nextLabel = 0;
    this.#open.length = 0;
    this.#open.push(undefined);
    while (reader.pos < end) {
      const hint = hints.get(reader.pos);
      if (hint !== undefined) {
        out.push(`${this.#indent(0)}(@metadata.code.branch_hint ${quoteBytes(Uint8Array.of(hint))})\n`);
      }
      const op = readOp(reader);
      const flags = OP_FLAGS[op];
      const closes = (flags & OP_FLAG.closes) !== 0;
      if (closes && op === OP.end && this.#open.length === 1) {
        if (reader.pos !== end) reader.fail("operators remaining after the end of the function");
        return;
      }
      const indent = this.#indent(closes ? -1 : 0);
      // `else` and `catch` close and open again under the same label; `end` and `delegate` close for good.
      if (closes && (flags & OP_FLAG.opens) === 0) {
        if (op === OP.delegate) this.#open.length--;
        out.push(indent, this.#instruction(op), "\n");
        if (op === OP.end) this.#open.length--;
      } else out.push(indent, this.#instruction(op), "\n");
    }
    reader.fail("function body must end with end opcode", end);
  }

  /** A constant expression that starts at `start`, as instructions with spaces between them, each in parentheses. */
  constExpr(start: number): string {
    const reader = this.#reader;
    reader.reset(this.#module.bytes, start, this.#module.bytes.length);
    this.#open.length = 0;
    const parts: string[] = [];
    for (let op = readOp(reader); op !== OP.end; op = readOp(reader)) parts.push(this.#instruction(op));
    // Flat instructions: a folded one would need to know how many operands it takes.
    return parts.length === 1 ? `(${parts[0]})` : parts.join(" ");
  }

  /** Where the constant expression that was printed last ends. */
  get constExprEnd(): number {
    return this.#reader.pos;
  }

  #indent(extra: number): string {
    return "  ".repeat(this.#open.length + 1 + extra);
  }

  #instruction(op: Op): string {
    const reader = this.#reader;
    this.#op = op;
    this.#castFlags = 0;
    let text = "";
    let turned = "";
    const parts: string[] = [];
    const kinds: ImmediateKind[] = [];
    let allZero = true;
    for (let i = OP_IMMEDIATES[op], end = OP_IMMEDIATES[op + 1]; i < end; i += 2) {
      const code = IMMEDIATE_PROGRAM[i];
      const kind = IMMEDIATE_KINDS[code];
      const value = readImmediate(kind, reader);
      if (OMITTED_WHEN_ZERO.has(kind) && value !== 0) allZero = false;
      kinds.push(kind);
      parts.push(PRINT_BY_KIND[code](this, value, IMMEDIATE_PROGRAM[i + 1]));
    }
    for (let i = 0; i < parts.length; i++) {
      if (allZero && OMITTED_WHEN_ZERO.has(kinds[i])) continue;
      if (IS_TURNED[op] === 1 && i === 0) turned = parts[i];
      else text += parts[i];
    }
    return KEYWORDS[op] + text + turned;
  }

  /** Opens a block; what follows its keyword: identifier and type. */
  openBlock(value: ImmediateValues["block"]): string {
    const label = this.#nextLabel++;
    this.#open.push(this.#labels.id(label));
    const { types } = this.ids;
    const type = "typeIndex" in value
      ? types.use(value.typeIndex)
      : value.result === BOTTOM
      ? ""
      : ` (result ${types.value(value.result)})`;
    return this.#labels.declaration(label) + type;
  }

  /** How a branch names its target: by the block's identifier, or by depth. No two labels of a function have the same. */
  label(depth: number): string {
    const open = this.#open;
    return open[open.length - 1 - depth] ?? String(depth);
  }

  /** A clause of `try_table`; its labels are those outside the block. */
  catchClause({ kind, tag, label }: CatchImmediate): string {
    const inner = this.#open.pop();
    const target = this.label(label);
    this.#open.push(inner);
    return ` (${kind}${tag === undefined ? "" : ` ${this.ids.tag.ref(tag)}`} ${target})`;
  }

  /** A clause of `resume`. */
  handlerClause({ tag, label }: HandlerImmediate): string {
    return ` (on ${this.ids.tag.ref(tag)} ${label === undefined ? "switch" : this.label(label)})`;
  }

  /** A type index: a type use for indirect calls, the bare index elsewhere. */
  type(typeIndex: number): string {
    this.#type = typeIndex;
    if (IS_TURNED[this.#op] === 1) return this.ids.types.use(typeIndex);
    return ` ${this.ids.types.ref(typeIndex)}`;
  }

  /** A field of the type that the instruction named. */
  field(index: number): string {
    return this.ids.fields(this.#type).ref(index);
  }

  /** Starts the operands of a branch on cast. */
  startCast(flags: number): string {
    this.#castFlags = flags | 4;
    return "";
  }

  /** A heap type operand: bare for `ref.null`, as a reference type for tests and casts. */
  heapOperand(heap: HeapType): string {
    const { types } = this.ids;
    if (this.#castFlags !== 0) {
      const nullable = (this.#castFlags & 1) !== 0 ? "null" : "non-null";
      this.#castFlags = this.#castFlags >> 1 | 4;
      return types.reference(heap, nullable);
    }
    if (this.#op === OP["ref.null"]) return types.heap(heap);
    return types.reference(heap, opName(this.#op).endsWith(" null") ? "null" : "non-null");
  }

  /** A memarg; an alignment that is the width of the access is left out. */
  memarg({ alignLog2, memoryIndex, offsetLo, offsetHi }: MemargImmediate, accessBytes: number): string {
    let text = memoryIndex === 0 ? "" : ` ${this.ids.memory.ref(memoryIndex)}`;
    if ((offsetLo | offsetHi) !== 0) text += ` offset=${BigInt(offsetHi >>> 0) << 32n | BigInt(offsetLo >>> 0)}`;
    return 2 ** alignLog2 === accessBytes ? text : `${text} align=${1n << BigInt(alignLog2)}`;
  }
}
