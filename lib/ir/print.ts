/**
 * The text form of IR functions: what dumps show, what filetests pin, what `parse.ts` reads back.
 *
 * ```
 * sig0 (i32, i64) -> (i32)
 * func 7 sig0 {
 * b0:
 *   v0:i32 = param 0
 *   v1:i32 = icmp.ult v0, v0
 *   v2:addr = vmctx_addr 96, _
 *   v3:i32 = load v2, _, +16, memory!2
 *   br_if v1, b1, b2
 * b1 cold:
 *   trap trap=7
 * b2:
 *   jump b3(v3)
 * b3(v4:i32):
 *   return (v4)
 * }
 * ```
 * Operands appear in column order as the operation table has them; a list comes after `imm` (`call 3(v0, v1), sig0`). `_` is NONE. A memory
 * access ends in its region, and `!` with the trap code if it may fault. Blocks are listed in reverse postorder, and blocks, values and
 * signatures are renumbered as they appear, so an unrelated change of ids leaves the text as it is.
 */

import { NONE } from "../base/mod.ts";
import { ControlFlow } from "./cfg.ts";
import type { Func, Signatures } from "./func.ts";
import { LANES_NAMES, unpackShuffle } from "./lanes.ts";
import {
  atomicWidthLog2,
  FLOAT_COND_NAMES,
  INT_COND_NAMES,
  Ir,
  IR_OPS,
  memRegion,
  memTrap,
  REGION_NAMES,
} from "./ops.ts";
import { TYPE_NAMES } from "./types.ts";

/** What to print besides the instructions. */
export interface PrintOptions {
  /** Shows the wasm offset of each instruction as `@n`. */
  readonly sites?: "show" | "hide";
}

/** The text of a function, with the signatures it mentions in front. */
export function printFunc(func: Func, options: PrintOptions = {}): string {
  return new Printer(func, options).print();
}

class Printer {
  #func: Func;
  #options: PrintOptions;
  #cfg = new ControlFlow();
  #values: Int32Array;
  #valueCount = 0;
  #signatures = new Map<number, number>();
  #lines: string[] = [];

  constructor(func: Func, options: PrintOptions) {
    this.#func = func;
    this.#options = options;
    this.#values = new Int32Array(func.count).fill(NONE);
  }

  print(): string {
    const func = this.#func;
    const cfg = this.#cfg;
    cfg.compute(func);
    for (let i = 0; i < cfg.rpoCount; i++) this.#numberBlock(cfg.rpo[i]);
    const own = this.#signature(func.signature);
    for (let i = 0; i < cfg.rpoCount; i++) this.#printBlock(cfg.rpo[i]);
    const signatures = [...this.#signatures].map(([id, number]) =>
      `sig${number} ${printSignature(func.signatures, id)}\n`
    );
    return `${signatures.join("")}func ${func.index} ${own} {\n${this.#lines.join("\n")}\n}\n`;
  }

  #numberBlock(block: number): void {
    const func = this.#func;
    for (let i = 0; i < func.paramCount[block]; i++) {
      this.#values[func.pool.at(func.paramStart[block] + i)] = this.#valueCount++;
    }
    for (let i = func.blockStart[block]; i < func.blockEnd[block]; i++) {
      if (func.hasResult(func.order[i])) this.#values[func.order[i]] = this.#valueCount++;
    }
  }

  #printBlock(block: number): void {
    const func = this.#func;
    const params: string[] = [];
    for (let i = 0; i < func.paramCount[block]; i++) {
      params.push(this.#definition(func.pool.at(func.paramStart[block] + i)));
    }
    const list = params.length === 0 ? "" : `(${params.join(", ")})`;
    this.#lines.push(`${this.#block(block)}${list}${func.cold[block] === 1 ? " cold" : ""}:`);
    for (let i = func.blockStart[block]; i < func.blockEnd[block]; i++) this.#printInstruction(func.order[i]);
  }

  #printInstruction(value: number): void {
    const func = this.#func;
    const [name, operands] = IR_OPS[func.op[value]];
    const suffix = (operands[3] === "h" ? `.${LANES_NAMES[func.imm[value]]}` : "") +
      (operands[3] === "c" ? `.${conditionName(func.op[value], func.imm[value])}` : "") +
      (operands[4] === "c" ? `.${conditionName(func.op[value], func.aux[value])}` : "");
    const parts: string[] = [];
    let list = "";
    const columns = [func.a, func.b, func.c, func.imm, func.aux];
    for (let column = 0; column < 5; column++) {
      const content = columns[column][value];
      switch (operands[column]) {
        case "v":
          parts.push(this.#value(content));
          break;
        case "?":
          parts.push(content === NONE ? "_" : this.#value(content));
          break;
        case "L":
          list = `(${this.#list(content, func.c[value], (v) => this.#value(v))})`;
          break;
        case "T":
          parts.push(`[${this.#list(content, func.c[value], (b) => this.#block(b))}]`);
          break;
        case "H":
          parts.push(`[${this.#list(content, func.c[value], String)}]`);
          break;
        case "k":
          if (column === 3) parts.push(this.#constant(value));
          break;
        case "x":
          if (column === 2) parts.push(this.#shuffle(value));
          break;
        case "i":
          parts.push(content === NONE ? "_" : `${content}`);
          break;
        case "s":
          parts.push(this.#signature(content));
          break;
        case "d":
          parts.push(`+${content >>> 0}`);
          break;
        case "m":
          parts.push(this.#access(content));
          break;
        case "B":
          parts.push(this.#block(content));
          break;
        case "t":
          parts.push(`trap=${content}`);
          break;
      }
      if (column === 3 && list !== "") {
        if (parts.length === 0) parts.push(list);
        else parts[parts.length - 1] += list;
      }
    }
    const result = func.hasResult(value) ? `${this.#definition(value)} = ` : "";
    const site = this.#options.sites === "show" ? ` @${func.site[value]}` : "";
    const text = parts.length === 0 ? "" : ` ${parts.join(", ")}`;
    this.#lines.push(`  ${result}${name}${suffix}${text}${site}`);
  }

  #access(flags: number): string {
    const trap = memTrap(flags) === 0 ? "" : `!${memTrap(flags)}`;
    const widthLog2 = atomicWidthLog2(flags);
    return `${REGION_NAMES[memRegion(flags)]}${trap}${widthLog2 < 0 ? "" : `:${1 << widthLog2}`}`;
  }

  #definition(value: number): string {
    return `${this.#value(value)}:${TYPE_NAMES[this.#func.type[value]]}`;
  }

  // Values that stand nowhere are a defect; the text shows them by id.
  #value(value: number): string {
    const number = this.#values[this.#func.resolve(value)];
    return number === NONE ? `v?${value}` : `v${number}`;
  }

  #block(block: number): string {
    const position = this.#cfg.position[block];
    return position === NONE ? `b?${block}` : `b${position}`;
  }

  #list(start: number, length: number, print: (id: number) => string): string {
    const parts: string[] = [];
    for (let i = start; i < start + length; i++) parts.push(print(this.#func.pool.at(i)));
    return parts.join(", ");
  }

  #signature(id: number): string {
    let number = this.#signatures.get(id);
    if (number === undefined) this.#signatures.set(id, number = this.#signatures.size);
    return `sig${number}`;
  }

  #shuffle(value: number): string {
    const func = this.#func;
    const lanes = new Uint8Array(16);
    unpackShuffle(func.c[value], func.imm[value], func.aux[value], lanes);
    return `[${lanes.join(", ")}]`;
  }

  #constant(value: number): string {
    const func = this.#func;
    if (func.op[value] === Ir.vconst) {
      return `0x${
        [func.aux, func.imm, func.c, func.b].map((column) => (column[value] >>> 0).toString(16).padStart(8, "0")).join(
          "",
        )
      }`;
    }
    const lo = func.imm[value];
    const hi = func.aux[value];
    const bytes = TYPE_NAMES[func.type[value]];
    if (func.op[value] === Ir.iconst) {
      return bytes === "i64" || bytes === "addr" ? `${BigInt(hi) << 32n | BigInt(lo >>> 0)}` : `${lo}`;
    }
    const low = (lo >>> 0).toString(16).padStart(8, "0");
    return bytes === "f64" ? `0x${(hi >>> 0).toString(16).padStart(8, "0")}${low}` : `0x${low}`;
  }
}

function conditionName(op: number, condition: number): string {
  return (op === Ir.icmp || op === Ir.vicmp ? INT_COND_NAMES : FLOAT_COND_NAMES)[condition];
}

function printSignature(signatures: Signatures, id: number): string {
  const names = (types: Uint8Array) => `(${Array.from(types, (type) => TYPE_NAMES[type]).join(", ")})`;
  return `${names(signatures.params[id])} -> ${names(signatures.results[id])}`;
}
