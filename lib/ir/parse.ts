/**
 * Reads the text form of IR functions (see `print.ts`): one instruction a line, comments from `;` to the end of the line.
 *
 * Names of values and blocks are free within a function; values may be used before the line that defines them. Operands are read by the
 * letters of the operation's row, in the order in which the printer writes them. For tests and tools: clarity before speed.
 */

import { NONE } from "../base/mod.ts";
import { type Block, Func, type SigId, Signatures } from "./func.ts";
import { LANES_NAMES, packShuffle } from "./lanes.ts";
import {
  atomicFlags,
  FLOAT_COND_NAMES,
  INT_COND_NAMES,
  Ir,
  IR_OPS,
  type IrOpName,
  memFlags,
  REGION_NAMES,
} from "./ops.ts";
import { I32, type Type, TYPE_NAMES, VOID } from "./types.ts";

/** Text that is not an IR function. */
export class IrSyntaxError extends Error {
  override name = "IrSyntaxError";
}

const TOKEN = /\s*(->|0x[0-9a-fA-F]+|-?\d+|[A-Za-z_][\w.?]*|[(){}\[\]:,=+!@])/y;

/** Reads one function. */
export function parseFunc(text: string): Func {
  const functions = parseFuncs(text);
  if (functions.length !== 1) throw new IrSyntaxError(`expected one function, found ${functions.length}`);
  return functions[0];
}

/** Reads all functions of a text; they share one table of signatures. */
export function parseFuncs(text: string): Func[] {
  const lines = text.split("\n").map((line) => line.replace(/;.*/, ""));
  const signatures = new Signatures();
  const functions: Func[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (line.trim() === "") continue;
    const cursor = new Cursor(line, i + 1);
    const word = cursor.next();
    if (word.startsWith("sig")) {
      const params = cursor.types();
      cursor.expect("->");
      if (signatures.add(params, cursor.types()) !== Number(word.slice(3))) {
        cursor.fail("signatures are numbered from 0 in order");
      }
    } else if (word === "func") {
      const index = cursor.number();
      const signature = cursor.prefixed("sig") as SigId;
      cursor.expect("{");
      let end = i + 1;
      while (end < lines.length && lines[end].trim() !== "}") end++;
      if (end === lines.length) cursor.fail("missing }");
      const func = new Func();
      func.reset(signatures, signature, index);
      new FunctionParser(func, lines, i + 1, end).parse();
      functions.push(func);
      i = end;
    } else cursor.fail(`expected sig or func, found ${word}`);
  }
  return functions;
}

class FunctionParser {
  #values = new Map<string, number>();
  #blocks = new Map<string, Block>();

  constructor(readonly func: Func, readonly lines: string[], readonly start: number, readonly end: number) {}

  parse(): void {
    this.#declare();
    let block: number = NONE;
    this.#eachLine((cursor, isHeader) => {
      if (isHeader) block = this.#header(cursor);
      else {
        if (block === NONE) cursor.fail("instruction before the first block");
        this.#instruction(cursor);
        this.func.blockEnd[block] = this.func.orderLength;
      }
    });
  }

  #eachLine(visit: (cursor: Cursor, isHeader: boolean) => void): void {
    for (let i = this.start; i < this.end; i++) {
      const line = this.lines[i].trimEnd();
      if (line.trim() !== "") visit(new Cursor(line, i + 1), line.endsWith(":"));
    }
  }

  // Numbers values and blocks before anything refers to them: ids are given in the order of the lines.
  #declare(): void {
    let count = 0;
    const define = (cursor: Cursor, name: string, id: number) => {
      if (this.#values.has(name)) cursor.fail(`${name} is defined twice`);
      this.#values.set(name, id);
    };
    this.#eachLine((cursor, isHeader) => {
      const first = cursor.next();
      if (isHeader) {
        if (this.#blocks.has(first)) cursor.fail(`${first} is defined twice`);
        this.#blocks.set(first, this.func.addBlock());
        if (cursor.accept("(")) {
          do {
            define(cursor, cursor.next(), count++);
            cursor.expect(":");
            cursor.type();
          } while (cursor.accept(","));
        }
      } else {
        if (cursor.accept(":")) define(cursor, first, count);
        count++;
      }
    });
  }

  #header(cursor: Cursor): Block {
    const { func } = this;
    const block = this.#blocks.get(cursor.next())!;
    func.blockStart[block] = func.orderLength;
    func.blockEnd[block] = func.orderLength;
    func.paramStart[block] = func.pool.length;
    if (cursor.accept("(")) {
      do {
        cursor.next();
        cursor.expect(":");
        func.pool.push(func.add(Ir.block_param, cursor.type(), NONE, NONE, NONE, block, 0, 0));
      } while (cursor.accept(","));
      cursor.expect(")");
    }
    func.paramCount[block] = func.pool.length - func.paramStart[block];
    if (cursor.accept("cold")) func.cold[block] = 1;
    cursor.expect(":");
    return block;
  }

  #instruction(cursor: Cursor): void {
    const { func } = this;
    let word = cursor.next();
    let type: Type = VOID;
    if (cursor.accept(":")) {
      type = cursor.type();
      cursor.expect("=");
      word = cursor.next();
    }
    // The operation, its lane shape, its condition.
    const [name, ...suffixes] = word.split(".");
    const op = Ir[name as IrOpName];
    if (op === undefined) cursor.fail(`unknown operation ${name}`);
    const operands = IR_OPS[op][1];
    const content = [NONE, NONE, NONE, 0, 0];
    // Terminators without a list in the table keep NONE columns; `list` is read after imm.
    let first = true;
    const comma = () => {
      if (!first) cursor.expect(",");
      first = false;
    };
    for (let column = 0; column < 5; column++) {
      switch (operands[column]) {
        case "v":
          comma();
          content[column] = this.#value(cursor);
          break;
        case "?":
          comma();
          content[column] = cursor.accept("_") ? NONE : this.#value(cursor);
          break;
        case "T":
          comma();
          cursor.expect("[");
          content[1] = func.pool.length;
          do func.pool.push(this.#block(cursor)); while (cursor.accept(","));
          cursor.expect("]");
          content[2] = func.pool.length - content[1];
          break;
        case "H":
          comma();
          cursor.expect("[");
          content[1] = func.pool.length;
          if (!cursor.accept("]")) {
            do func.pool.push(cursor.number()); while (cursor.accept(","));
            cursor.expect("]");
          }
          content[2] = func.pool.length - content[1];
          break;
        case "k":
          if (column === 3) {
            comma();
            const bits = BigInt(cursor.next());
            if (op === Ir.vconst) {
              for (let k = 0; k < 4; k++) content[1 + k] = Number(BigInt.asIntN(32, bits >> BigInt(32 * k)));
              break;
            }
            content[3] = Number(BigInt.asIntN(32, bits));
            content[4] = type === I32 || TYPE_NAMES[type] === "f32" ? 0 : Number(BigInt.asIntN(32, bits >> 32n));
          }
          break;
        case "i":
          comma();
          content[column] = cursor.accept("_") ? NONE : cursor.number();
          break;
        case "s":
          comma();
          content[column] = cursor.prefixed("sig");
          break;
        case "d":
          comma();
          cursor.expect("+");
          content[column] = cursor.number() | 0;
          break;
        case "m":
          comma();
          content[column] = this.#memory(cursor);
          break;
        case "B":
          comma();
          content[column] = this.#block(cursor);
          break;
        case "c": {
          const names: readonly string[] = op === Ir.icmp || op === Ir.vicmp ? INT_COND_NAMES : FLOAT_COND_NAMES;
          content[column] = names.indexOf(suffixes.shift() ?? "");
          if (content[column] < 0) cursor.fail(`${name} needs a condition`);
          break;
        }
        case "h":
          content[column] = (LANES_NAMES as readonly string[]).indexOf(suffixes.shift() ?? "");
          if (content[column] < 0) cursor.fail(`${name} needs a lane shape`);
          break;
        case "x":
          if (column === 2) {
            comma();
            [content[2], content[3], content[4]] = packShuffle(this.#lanes(cursor));
          }
          break;
        case "t":
          comma();
          cursor.expect("trap");
          cursor.expect("=");
          content[column] = cursor.number();
          break;
      }
      if (column === 3 && operands[1] === "L") {
        const start = func.pool.length;
        if (cursor.accept("(") && !cursor.accept(")")) {
          do func.pool.push(this.#value(cursor)); while (cursor.accept(","));
          cursor.expect(")");
        }
        first = false;
        content[1] = start;
        content[2] = func.pool.length - start;
      }
    }
    const site = cursor.accept("@") ? cursor.number() : 0;
    cursor.end();
    func.appendOrder(func.add(op, type, content[0], content[1], content[2], content[3], content[4], site));
  }

  #lanes(cursor: Cursor): number[] {
    const lanes: number[] = [];
    cursor.expect("[");
    do lanes.push(cursor.number()); while (cursor.accept(","));
    cursor.expect("]");
    return lanes.length === 16 && lanes.every((lane) => lane >= 0 && lane < 32)
      ? lanes
      : cursor.fail("expected 16 lanes");
  }

  #memory(cursor: Cursor): number {
    const word = cursor.next();
    const region = (REGION_NAMES as readonly string[]).indexOf(word);
    if (region < 0) cursor.fail(`unknown region ${word}`);
    const trap = cursor.accept("!") ? cursor.number() : 0;
    return cursor.accept(":") ? atomicFlags(trap, region, Math.log2(cursor.number())) : memFlags(trap, region);
  }

  #value(cursor: Cursor): number {
    const name = cursor.next();
    return this.#values.get(name) ?? cursor.fail(`unknown value ${name}`);
  }

  #block(cursor: Cursor): number {
    const name = cursor.next();
    return this.#blocks.get(name) ?? cursor.fail(`unknown block ${name}`);
  }
}

class Cursor {
  #position = 0;

  constructor(readonly line: string, readonly lineNumber: number) {}

  fail(message: string): never {
    throw new IrSyntaxError(`line ${this.lineNumber}: ${message}: ${this.line.trim()}`);
  }

  next(): string {
    TOKEN.lastIndex = this.#position;
    const match = TOKEN.exec(this.line);
    if (match === null) return this.fail("unexpected end or character");
    this.#position = TOKEN.lastIndex;
    return match[1];
  }

  accept(token: string): boolean {
    TOKEN.lastIndex = this.#position;
    const match = TOKEN.exec(this.line);
    if (match === null || match[1] !== token) return false;
    this.#position = TOKEN.lastIndex;
    return true;
  }

  expect(token: string): void {
    if (!this.accept(token)) this.fail(`expected ${token}`);
  }

  number(): number {
    const word = this.next();
    const value = Number(word);
    return Number.isInteger(value) ? value : this.fail(`expected a number, found ${word}`);
  }

  prefixed(prefix: string): number {
    const word = this.next();
    return word.startsWith(prefix) ? Number(word.slice(prefix.length)) : this.fail(`expected ${prefix}`);
  }

  type(): Type {
    const word = this.next();
    const type = (TYPE_NAMES as readonly string[]).indexOf(word);
    return type > 0 ? type : this.fail(`unknown type ${word}`);
  }

  types(): Type[] {
    const types: Type[] = [];
    this.expect("(");
    if (this.accept(")")) return types;
    do types.push(this.type()); while (this.accept(","));
    this.expect(")");
    return types;
  }

  end(): void {
    if (this.line.slice(this.#position).trim() !== "") this.fail("unexpected text after the instruction");
  }
}
