/**
 * Instructions, flat and folded, to the bytes of a body (spec: text-instr, text-foldedinstr).
 *
 * What is open around the cursor is a stack in columns, so that nesting is bounded by memory and not by the host's stack.
 * A folded instruction is encoded when its opening is read, into bytes that wait until its operands have been appended:
 * labels and names mean the same before and after operands. The waiting bytes are a stack too, since forms nest.
 *
 * INSTR-1  No function here calls itself: the depth of the text is never the depth of the host's stack.
 * INSTR-2  `end` of a body or an expression is appended by the caller; blocks inside are closed when this returns.
 *
 * May import: base, wasm. @module
 */
import { CodeBuffer, IntList, NONE } from "../base/mod.ts";
import { OP, type Op } from "../wasm/mod.ts";
import type { ModuleContext } from "./context.ts";
import { placeAt } from "./errors.ts";
import { readInstruction, writeOp } from "./immediates.ts";
import { KEYWORD_OP } from "./keywords.ts";
import { TOKEN } from "./lexer.ts";

/** What is open: a flat block, or a form. */
const FRAME = {
  /** `block ... end`, `loop ... end`, `try_table ... end`, or the rest of an `if` after `else`. */
  flatBlock: 0,
  /** `if ... else ... end` before its `else`. */
  flatIf: 1,
  /** `try ... catch ... end` or `try ... delegate`, before any clause; the next ones after one. */
  flatTry: 2,
  flatCatch: 3,
  flatCatchAll: 4,
  /** `(block ...)`, and a branch of an `if` or a clause of a `try`: instructions, then `)`. */
  sequence: 5,
  /** `(i32.add ...)`: operands, then `)`; the instruction waits. */
  operands: 6,
  /** `(if ...)` before `(then`: conditions; the instruction waits. */
  conditions: 7,
  /** `(if ... (then ...)` after its first branch. */
  afterThen: 8,
  /** `(if ... (then ...) (else ...)`: only `)` may follow. */
  afterElse: 9,
  /** `(try ...` before `(do`, after it, after a `catch`, after `catch_all`, and after `delegate`. */
  beforeDo: 10,
  afterDo: 11,
  afterCatch: 12,
  afterCatchAll: 13,
  afterDelegate: 14,
} as const;

type Frame = typeof FRAME[keyof typeof FRAME];

/** A branch hint: where the instruction is, from the start of the output, and what is likely. */
export interface BranchHint {
  readonly offset: number;
  readonly value: number;
}

/** Reads instructions. One instance serves all bodies of a module. */
export class InstructionParser {
  readonly #context: ModuleContext;
  /** Hints in the output since {@linkcode resetHints}, in order. */
  readonly hints: BranchHint[] = [];
  // Open frames.
  readonly #kinds = new IntList();
  /** The symbol of the frame's label, NONE when it has no name. */
  readonly #symbols = new IntList();
  /** The token that opened it. */
  readonly #openers = new IntList();
  /** Where its waiting bytes start. */
  readonly #waitingStarts = new IntList();
  /** Its branch hint, NONE without one. */
  readonly #hints = new IntList();
  /** Encoded instructions whose operands are being read. */
  readonly #waiting = new CodeBuffer(256);
  /** What the name section calls the label of each frame. */
  readonly #labelNames = new IntList();
  /** The name of the label whose block was read last. */
  #labelName = NONE;
  /** The hint in front of the instruction being read. */
  #hint = NONE;
  /** The token at which that instruction starts. */
  #start = 0;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  /** Reads instructions up to the `)` that closes the form around them, which is not taken. */
  readSequence(out: CodeBuffer): void {
    const { cursor } = this.#context;
    const base = this.#kinds.length;
    for (;;) {
      const { kind } = cursor;
      if (kind === TOKEN.open) this.#open(out);
      else if (kind === TOKEN.keyword) this.#flat(out);
      else if (kind === TOKEN.close) {
        if (this.#kinds.length === base) return;
        this.#close(out);
      } else if (kind === TOKEN.end && this.#kinds.length === base) return;
      else cursor.unexpected("an instruction");
    }
  }

  /** Reads one folded instruction. */
  readFolded(out: CodeBuffer): void {
    const { cursor } = this.#context;
    const base = this.#kinds.length;
    if (cursor.kind !== TOKEN.open) cursor.unexpected("(");
    do {
      const { kind } = cursor;
      if (kind === TOKEN.open) this.#open(out);
      else if (kind === TOKEN.keyword) this.#flat(out);
      else if (kind === TOKEN.close) this.#close(out);
      else cursor.unexpected("an instruction");
    } while (this.#kinds.length > base);
  }

  // ---- frames ----

  get #top(): Frame | -1 {
    return this.#kinds.length === 0 ? -1 : this.#kinds.data[this.#kinds.length - 1] as Frame;
  }

  set #top(kind: Frame) {
    this.#kinds.data[this.#kinds.length - 1] = kind;
  }

  #push(kind: Frame, symbol: number, waitingStart: number): void {
    this.#kinds.push(kind);
    this.#symbols.push(symbol);
    this.#labelNames.push(this.#labelName);
    this.#openers.push(this.#start);
    this.#waitingStarts.push(waitingStart);
    this.#hints.push(this.#hint);
    this.#hint = NONE;
  }

  #pop(): void {
    this.#kinds.length--;
    this.#symbols.length--;
    this.#labelNames.length--;
    this.#openers.length--;
    this.#waitingStarts.length--;
    this.#hints.length--;
  }

  /** Notes the token that starts an instruction, and its branch hint. */
  #begin(): void {
    const { annotations, cursor } = this.#context;
    this.#start = cursor.at;
    this.#hint = annotations.isEmpty ? NONE : annotations.takeBranchHint(cursor.at);
  }

  #recordHint(out: CodeBuffer, value: number): void {
    if (value !== NONE) this.hints.push({ offset: out.length, value });
  }

  /** Appends the innermost frame's waiting bytes. */
  #release(out: CodeBuffer): void {
    const top = this.#kinds.length - 1;
    const start = this.#waitingStarts.at(top);
    this.#recordHint(out, this.#hints.at(top));
    this.#hints.data[top] = NONE;
    out.append(this.#waiting.bytes.subarray(start, this.#waiting.length));
    this.#waiting.length = start;
  }

  // ---- flat instructions ----

  /** Reads a keyword and what belongs to it. */
  #flat(out: CodeBuffer): void {
    const { cursor, labels } = this.#context;
    const top = this.#top;
    if (top > FRAME.sequence) cursor.unexpected("a folded instruction or )");
    this.#begin();
    const op = this.#takeOp();
    switch (op) {
      case OP.block:
      case OP.loop:
      case OP["try_table"]:
      case OP.if:
      case OP.try: {
        this.#recordHint(out, this.#hint);
        const symbol = this.#blockHead(op, out);
        labels.push(symbol, this.#labelName);
        this.#push(op === OP.if ? FRAME.flatIf : op === OP.try ? FRAME.flatTry : FRAME.flatBlock, symbol, NONE);
        return;
      }
      case OP.else:
        if (top !== FRAME.flatIf) cursor.fail("unexpected token else, expected it in an if", this.#start);
        this.#matchLabel();
        writeOp(out, op);
        this.#top = FRAME.flatBlock;
        return;
      case OP.end:
        if (top === -1 || top > FRAME.flatCatchAll) cursor.fail("unexpected token end", this.#start);
        this.#matchLabel();
        writeOp(out, op);
        labels.pop();
        this.#pop();
        return;
      case OP.catch:
      case OP["catch_all"]:
        if (top !== FRAME.flatTry && top !== FRAME.flatCatch) {
          cursor.fail("unexpected token: a catch belongs to a try", this.#start);
        }
        readInstruction(this.#context, op, out);
        this.#top = op === OP.catch ? FRAME.flatCatch : FRAME.flatCatchAll;
        return;
      case OP.delegate:
        if (top !== FRAME.flatTry) cursor.fail("unexpected token: a delegate belongs to a try", this.#start);
        labels.pop(); // The label that it names stands outside the try.
        this.#pop();
        readInstruction(this.#context, op, out);
        return;
      default:
        this.#recordHint(out, this.#hint);
        readInstruction(this.#context, op, out);
    }
  }

  /** Takes the keyword of an operation. */
  #takeOp(): Op {
    const { cursor } = this.#context;
    const { keyword } = cursor;
    const op = keyword >= 0 ? KEYWORD_OP[keyword] : NONE;
    if (op < 0) {
      cursor.fail(
        keyword >= 0 ? `unexpected token ${cursor.quote(cursor.at)}` : `unknown operator ${cursor.quote(cursor.at)}`,
      );
    }
    cursor.at++;
    return op;
  }

  /** Reads what stands after a block's keyword and appends the instruction; the symbol of its label. */
  #blockHead(op: Op, out: CodeBuffer): number {
    const { annotations, cursor } = this.#context;
    const symbol = cursor.takeId() ?? NONE;
    const name = annotations.isEmpty ? undefined : annotations.takeName(cursor.at, "label");
    this.#labelName = name === undefined ? symbol : cursor.text.symbols.intern(name, 0, name.length);
    readInstruction(this.#context, op, out);
    return symbol;
  }

  /** Takes an identifier after `else` or `end`, which must be that of the block. */
  #matchLabel(): void {
    const { cursor } = this.#context;
    const symbol = cursor.takeId();
    if (symbol !== undefined && symbol !== this.#symbols.at(this.#symbols.length - 1)) {
      cursor.fail(`mismatching label ${cursor.quote(cursor.at - 1)}`, cursor.at - 1);
    }
  }

  // ---- folded instructions ----

  /** Reads a `(` and the head of the form it opens. */
  #open(out: CodeBuffer): void {
    const { cursor } = this.#context;
    switch (this.#top) {
      case FRAME.conditions:
        if (cursor.takeForm("then")) return this.#openThen(out);
        break;
      case FRAME.afterThen:
        if (cursor.formKeyword === OP.else) {
          cursor.at += 2;
          writeOp(out, OP.else);
          this.#top = FRAME.afterElse;
          return this.#push(FRAME.sequence, NONE, NONE);
        }
        return cursor.unexpected("(else or )");
      case FRAME.afterElse:
      case FRAME.afterDelegate:
      case FRAME.afterCatchAll:
        return cursor.unexpected(")");
      case FRAME.beforeDo:
        if (!cursor.takeForm("do")) cursor.unexpected("(do");
        this.#top = FRAME.afterDo;
        return this.#push(FRAME.sequence, NONE, NONE);
      case FRAME.afterDo:
      case FRAME.afterCatch:
        return this.#openClause(out);
    }
    this.#begin();
    cursor.at++;
    if (cursor.kind !== TOKEN.keyword) cursor.unexpected("an instruction");
    const op = this.#takeOp();
    switch (op) {
      case OP.block:
      case OP.loop:
      case OP["try_table"]: {
        this.#recordHint(out, this.#hint);
        const symbol = this.#blockHead(op, out);
        this.#context.labels.push(symbol, this.#labelName);
        this.#hint = NONE;
        this.#push(FRAME.sequence, symbol, NONE);
        this.#waitingStarts.data[this.#waitingStarts.length - 1] = ENDS_BLOCK;
        return;
      }
      case OP.if: {
        const start = this.#waiting.length;
        const symbol = this.#blockHead(op, this.#waiting);
        return this.#push(FRAME.conditions, symbol, start);
      }
      case OP.try: {
        const symbol = this.#blockHead(op, out);
        this.#context.labels.push(symbol, this.#labelName);
        return this.#push(FRAME.beforeDo, symbol, NONE);
      }
      case OP.else:
      case OP.end:
      case OP.catch:
      case OP["catch_all"]:
      case OP.delegate:
        return cursor.fail(`unexpected token ${cursor.quote(cursor.at - 1)}`, cursor.at - 1);
      default: {
        const start = this.#waiting.length;
        readInstruction(this.#context, op, this.#waiting);
        this.#push(FRAME.operands, NONE, start);
      }
    }
  }

  #openThen(out: CodeBuffer): void {
    this.#release(out);
    const top = this.#kinds.length - 1;
    this.#context.labels.push(this.#symbols.at(top), this.#labelNames.at(top));
    this.#top = FRAME.afterThen;
    this.#push(FRAME.sequence, NONE, NONE);
  }

  /** Opens `(catch $tag`, `(catch_all` or `(delegate $label` of a folded try. */
  #openClause(out: CodeBuffer): void {
    const { cursor, labels } = this.#context;
    const op = cursor.formKeyword;
    if (op === OP.delegate && this.#top === FRAME.afterDo) {
      cursor.at += 2;
      labels.pop(); // The label that it names stands outside the try.
      readInstruction(this.#context, op, out);
      cursor.close();
      this.#top = FRAME.afterDelegate;
      return;
    }
    if (op !== OP.catch && op !== OP["catch_all"]) cursor.unexpected("(catch or )");
    cursor.at += 2;
    readInstruction(this.#context, op, out);
    this.#top = op === OP.catch ? FRAME.afterCatch : FRAME.afterCatchAll;
    this.#push(FRAME.sequence, NONE, NONE);
  }

  /** Reads the `)` that closes the innermost frame. */
  #close(out: CodeBuffer): void {
    const { cursor } = this.#context;
    switch (this.#top) {
      case FRAME.operands:
        this.#release(out);
        break;
      case FRAME.sequence:
        if (this.#waitingStarts.at(this.#waitingStarts.length - 1) === ENDS_BLOCK) this.#endBlock(out);
        break;
      case FRAME.afterThen:
      case FRAME.afterElse:
      case FRAME.afterDo:
      case FRAME.afterCatch:
      case FRAME.afterCatchAll:
        this.#endBlock(out);
        break;
      case FRAME.afterDelegate:
        break;
      case FRAME.conditions:
        return cursor.unexpected("(then");
      case FRAME.beforeDo:
        return cursor.unexpected("(do");
      default:
        return cursor.fail(`unexpected token ), expected the end of the block in line ${this.#lineOfTop()}`);
    }
    this.#pop();
    cursor.at++;
  }

  #endBlock(out: CodeBuffer): void {
    writeOp(out, OP.end);
    this.#context.labels.pop();
  }

  #lineOfTop(): number {
    const { source, tokens } = this.#context.cursor;
    return placeAt(source, tokens.start[this.#openers.at(this.#openers.length - 1)]).line;
  }
}

/** In place of waiting bytes: the frame is a block of its own, whose `)` is its `end`. */
const ENDS_BLOCK = -2;
