/**
 * Facts about values that hold in a part of the dominator tree: what conditions, once tested, say.
 *
 * Four kinds, each keyed by one or two values:
 * - relation (x, y): which of the five ways two integers can compare are left. Signed and unsigned order together distinguish: equal,
 *   less in both, signed less but unsigned greater, the reverse, greater in both. A condition is a subset of the five, so what is known is
 *   an intersection, and a condition is decided when the intersection lies within its subset or outside of it.
 * - range x (i32, or a ref, of which only "null" and "not null" are asked: that survives a collection): inclusive bounds in unsigned and in signed interpretation.
 * - bound (x, length) (i64): the largest c for which x + c <= length is known, unsigned and without wrapping.
 * - carry x (i64): the largest c for which x + c is known not to wrap.
 * The last two are what explicit bounds checks establish (`end = index + size; trap if end > length`), and what makes a check for a
 * smaller offset redundant.
 *
 * FACT-1  `learn` is called with what holds from here on in the subtree; `leave` forgets what was learnt since `enter`.
 * FACT-2  A newer entry of the same key includes what the older one says, so a look-up stops at the first.
 */

import { growInt32, IntList, NONE } from "../../base/mod.ts";
import type { Func } from "../func.ts";
import { INT_COND_SWAPPED, IntCond, Ir } from "../ops.ts";
import { I32, I64, REF } from "../types.ts";

const RELATION = 0;
const RANGE = 1;
const BOUND = 2;
const CARRY = 3;

// Bits: equal; signed and unsigned less; signed less, unsigned greater; signed greater, unsigned less; both greater.
const ALL = 31;
const RELATION_MASK = new Uint8Array(10);
RELATION_MASK[IntCond.eq] = 0b00001;
RELATION_MASK[IntCond.slt] = 0b00110;
RELATION_MASK[IntCond.sgt] = 0b11000;
RELATION_MASK[IntCond.ult] = 0b01010;
RELATION_MASK[IntCond.ugt] = 0b10100;
for (let cond = 0; cond < 10; cond++) {
  if (RELATION_MASK[cond] === 0) RELATION_MASK[cond] = ALL ^ RELATION_MASK[cond ^ 1];
}

const MAX_U32 = 0xffffffff;
const MIN_S32 = -0x80000000;
const MAX_S32 = 0x7fffffff;
const HEADS = 1024;
// Conjunctions are followed this deep.
const MAX_DEPTH = 4;

/** What a condition is known to be. */
export type Decision = "zero" | "nonzero" | "unknown";

/** Scoped facts; reusable by `start`. */
export class Facts {
  #func!: Func;
  readonly #heads = new Int32Array(HEADS);
  #count = 0;
  #kind = new Int32Array(256);
  #x = new Int32Array(256);
  #y = new Int32Array(256);
  #next = new Int32Array(256);
  // relation: mask. bound, carry: c. range: unsigned low, high, signed low, high.
  #number = new Float64Array(4 * 256);
  readonly #marks = new IntList(64);
  // The range found last.
  readonly #range = new Float64Array(4);
  readonly #other = new Float64Array(4);

  /** Forgets everything and takes up a function. */
  start(func: Func): void {
    this.#func = func;
    this.#heads.fill(NONE);
    this.#count = 0;
    this.#marks.reset();
  }

  /** Opens a scope. */
  enter(): void {
    this.#marks.push(this.#count);
  }

  /** Closes a scope. */
  leave(): void {
    const mark = this.#marks.pop();
    while (this.#count > mark) {
      const entry = --this.#count;
      this.#heads[slot(this.#kind[entry], this.#x[entry], this.#y[entry])] = this.#next[entry];
    }
  }

  /** Takes in that the i32 `condition` is zero or not. */
  learn(condition: number, value: "zero" | "nonzero", depth = 0): void {
    const func = this.#func;
    const op = func.op[condition];
    if (op === Ir.iconst) return;
    if (depth < MAX_DEPTH && (op === Ir.band && value === "nonzero" || op === Ir.bor && value === "zero")) {
      this.learn(func.a[condition], value, depth + 1);
      this.learn(func.b[condition], value, depth + 1);
    }
    if (op === Ir.icmp) {
      this.#learnComparison(
        value === "zero" ? func.imm[condition] ^ 1 : func.imm[condition],
        func.a[condition],
        func.b[condition],
      );
    }
    if (value === "zero") this.#narrow(condition, IntCond.eq, 0);
    else this.#narrow(condition, IntCond.ne, 0);
  }

  /** What is known of an i32 condition. */
  decide(condition: number, depth = 0): Decision {
    const func = this.#func;
    const op = func.op[condition];
    if (op === Ir.iconst) return func.imm[condition] === 0 ? "zero" : "nonzero";
    if (op === Ir.icmp) {
      const decision = this.#decideComparison(func.imm[condition], func.a[condition], func.b[condition]);
      if (decision !== "unknown") return decision;
    }
    if (op === Ir.band && depth < MAX_DEPTH) {
      if (
        this.decide(func.a[condition], depth + 1) === "zero" || this.decide(func.b[condition], depth + 1) === "zero"
      ) return "zero";
    }
    this.#rangeOf(condition, this.#range);
    const range = this.#range;
    if (range[0] > 0 || range[2] > 0 || range[3] < 0) return "nonzero";
    return range[1] === 0 ? "zero" : "unknown";
  }

  // ------------------------------------------------------------------------------------------------------------------ learning

  #learnComparison(cond: number, a: number, b: number): void {
    const func = this.#func;
    if (func.op[b] === Ir.iconst) {
      if (func.type[b] === I32 || func.type[b] === REF) this.#narrow(a, cond, func.imm[b]);
    } else {
      const x = Math.min(a, b);
      const y = Math.max(a, b);
      const mask = RELATION_MASK[x === a ? cond : INT_COND_SWAPPED[cond]];
      const entry = this.#find(RELATION, x, y);
      const known = entry === NONE ? ALL : this.#number[4 * entry];
      if ((known & mask) !== known) {
        // Adding may move the column: no index expression may do it.
        const fact = this.#add(RELATION, x, y);
        this.#number[4 * fact] = known & mask;
      }
    }
    if (func.type[a] !== I64) return;
    if (cond === IntCond.ule || cond === IntCond.ult) this.#learnBound(a, b, cond === IntCond.ult ? 1 : 0);
    else if (cond === IntCond.uge || cond === IntCond.ugt) this.#learnBound(b, a, cond === IntCond.ugt ? 1 : 0);
    // x + c >= x: no carry.
    if (cond === IntCond.uge && this.#addendOf(a) !== 0 && func.a[a] === b) {
      this.#raise(CARRY, b, NONE, this.#addendOf(a));
    }
  }

  // value + slack <= length
  #learnBound(value: number, length: number, slack: number): void {
    const c = this.#addendOf(value);
    const x = c === 0 ? value : this.#func.a[value];
    if (c === 0 || this.#cannotWrap(x, c)) this.#raise(BOUND, x, length, c + slack);
  }

  #raise(kind: number, x: number, y: number, c: number): void {
    const entry = this.#find(kind, x, y);
    if (entry === NONE || this.#number[4 * entry] < c) {
      const fact = this.#add(kind, x, y);
      this.#number[4 * fact] = c;
    }
  }

  // Narrows the range of an i32 by a comparison with a constant.
  #narrow(x: number, cond: number, constant: number): void {
    const range = this.#range;
    this.#rangeOf(x, range);
    const unsignedLow = range[0], unsignedHigh = range[1], signedLow = range[2], signedHigh = range[3];
    const u = constant >>> 0;
    switch (cond) {
      case IntCond.eq:
        range[0] = range[1] = u;
        range[2] = range[3] = constant;
        break;
      case IntCond.ne:
        if (range[0] === u) range[0]++;
        if (range[1] === u) range[1]--;
        if (range[2] === constant) range[2]++;
        if (range[3] === constant) range[3]--;
        break;
      case IntCond.slt:
        range[3] = Math.min(range[3], constant - 1);
        break;
      case IntCond.sle:
        range[3] = Math.min(range[3], constant);
        break;
      case IntCond.sgt:
        range[2] = Math.max(range[2], constant + 1);
        break;
      case IntCond.sge:
        range[2] = Math.max(range[2], constant);
        break;
      case IntCond.ult:
        range[1] = Math.min(range[1], u - 1);
        break;
      case IntCond.ule:
        range[1] = Math.min(range[1], u);
        break;
      case IntCond.ugt:
        range[0] = Math.max(range[0], u + 1);
        break;
      case IntCond.uge:
        range[0] = Math.max(range[0], u);
        break;
    }
    relate(range);
    // An empty range says that this point is never reached: nothing to gain.
    if (range[0] > range[1] || range[2] > range[3]) return;
    if (
      range[0] === unsignedLow && range[1] === unsignedHigh && range[2] === signedLow && range[3] === signedHigh
    ) return;
    // Adding may move the column.
    const fact = this.#add(RANGE, x, NONE);
    this.#number.set(range, 4 * fact);
  }

  // ------------------------------------------------------------------------------------------------------------------ deciding

  #decideComparison(cond: number, a: number, b: number): Decision {
    const func = this.#func;
    if (func.op[b] !== Ir.iconst) {
      const x = Math.min(a, b);
      const entry = this.#find(RELATION, x, Math.max(a, b));
      if (entry !== NONE) {
        const known = this.#number[4 * entry];
        const mask = RELATION_MASK[x === a ? cond : INT_COND_SWAPPED[cond]];
        if ((known & mask) === known) return "nonzero";
        if ((known & mask) === 0) return "zero";
      }
    }
    if (func.type[a] === I32 || func.type[a] === REF) return this.#decideByRange(cond, a, b);
    return func.type[a] === I64 ? this.#decideByBound(cond, a, b) : "unknown";
  }

  #decideByRange(cond: number, a: number, b: number): Decision {
    const x = this.#range;
    const y = this.#other;
    this.#rangeOf(a, x);
    this.#rangeOf(b, y);
    switch (cond & ~1) {
      case IntCond.eq: {
        if (x[0] > y[1] || y[0] > x[1] || x[2] > y[3] || y[2] > x[3]) return cond === IntCond.eq ? "zero" : "nonzero";
        if (x[0] === x[1] && y[0] === y[1] && x[0] === y[0]) return cond === IntCond.eq ? "nonzero" : "zero";
        return "unknown";
      }
      case IntCond.slt:
        return decideLess(cond, IntCond.slt, x[2], x[3], y[2], y[3]);
      case IntCond.sgt:
        return decideLess(cond, IntCond.sgt, y[2], y[3], x[2], x[3]);
      case IntCond.ult:
        return decideLess(cond, IntCond.ult, x[0], x[1], y[0], y[1]);
      default:
        return decideLess(cond, IntCond.ugt, y[0], y[1], x[0], x[1]);
    }
  }

  #decideByBound(cond: number, a: number, b: number): Decision {
    const func = this.#func;
    switch (cond) {
      case IntCond.ule:
        return this.#isBounded(a, b, 0) ? "nonzero" : this.#isBounded(b, a, 1) ? "zero" : "unknown";
      case IntCond.ugt:
        return this.#isBounded(a, b, 0) ? "zero" : this.#isBounded(b, a, 1) ? "nonzero" : "unknown";
      case IntCond.ult: {
        const c = this.#addendOf(a);
        if (c !== 0 && func.a[a] === b && this.#cannotWrap(b, c)) return "zero"; // x + c < x
        return this.#isBounded(a, b, 1) ? "nonzero" : this.#isBounded(b, a, 0) ? "zero" : "unknown";
      }
      case IntCond.uge: {
        const c = this.#addendOf(a);
        if (c !== 0 && func.a[a] === b && this.#cannotWrap(b, c)) return "nonzero";
        return this.#isBounded(a, b, 1) ? "zero" : this.#isBounded(b, a, 0) ? "nonzero" : "unknown";
      }
      default:
        return "unknown";
    }
  }

  // Whether value + slack <= length is known.
  #isBounded(value: number, length: number, slack: number): boolean {
    const c = this.#addendOf(value);
    const x = c === 0 ? value : this.#func.a[value];
    const entry = this.#find(BOUND, x, length);
    // The bound found says that x + its c does not wrap, so neither does the smaller sum.
    return entry !== NONE && this.#number[4 * entry] >= c + slack;
  }

  // -------------------------------------------------------------------------------------------------------------------- parts

  // c of an i64 `x + c` with 0 <= c < 2^52; 0 for anything else.
  #addendOf(value: number): number {
    const func = this.#func;
    if (func.op[value] !== Ir.iadd || func.type[value] !== I64) return 0;
    const addend = func.b[value];
    if (func.op[addend] !== Ir.iconst || func.aux[addend] >>> 20 !== 0) return 0;
    return func.aux[addend] * 0x100000000 + (func.imm[addend] >>> 0);
  }

  // Whether x + c, c below 2^52, stays below 2^64.
  #cannotWrap(x: number, c: number): boolean {
    const op = this.#func.op[x];
    if (op === Ir.uextend || op === Ir.load8_u || op === Ir.load16_u || op === Ir.load32_u) return true;
    const entry = this.#find(CARRY, x, NONE);
    return entry !== NONE && this.#number[4 * entry] >= c;
  }

  // The range of an i32: the fact in scope, or what the operation gives.
  #rangeOf(x: number, range: Float64Array): void {
    const entry = this.#find(RANGE, x, NONE);
    if (entry !== NONE) {
      for (let i = 0; i < 4; i++) range[i] = this.#number[4 * entry + i];
      return;
    }
    const func = this.#func;
    const op = func.op[x];
    range[0] = 0;
    range[1] = MAX_U32;
    range[2] = MIN_S32;
    range[3] = MAX_S32;
    if (op === Ir.iconst) {
      range[0] = range[1] = func.imm[x] >>> 0;
      range[2] = range[3] = func.imm[x];
    } else if (op === Ir.icmp || op === Ir.fcmp) range[1] = 1;
    else if (op === Ir.load8_u) range[1] = 0xff;
    else if (op === Ir.load16_u) range[1] = 0xffff;
    else if (op === Ir.clz || op === Ir.ctz || op === Ir.popcnt) range[1] = 64;
    else if (op === Ir.band || op === Ir.ushr || op === Ir.urem) {
      const right = func.b[x];
      if (func.op[right] === Ir.iconst) {
        const constant = func.imm[right];
        if (op === Ir.band) range[1] = constant >>> 0;
        else if (op === Ir.ushr) range[1] = MAX_U32 >>> constant;
        else if (constant !== 0) range[1] = (constant >>> 0) - 1;
      }
    }
    relate(range);
  }

  #find(kind: number, x: number, y: number): number {
    let entry = this.#heads[slot(kind, x, y)];
    while (entry !== NONE && (this.#x[entry] !== x || this.#y[entry] !== y || this.#kind[entry] !== kind)) {
      entry = this.#next[entry];
    }
    return entry;
  }

  #add(kind: number, x: number, y: number): number {
    const entry = this.#count++;
    if (entry === this.#kind.length) {
      this.#kind = growInt32(this.#kind, entry + 1);
      this.#x = growInt32(this.#x, entry + 1);
      this.#y = growInt32(this.#y, entry + 1);
      this.#next = growInt32(this.#next, entry + 1);
      const grown = new Float64Array(4 * this.#kind.length);
      grown.set(this.#number);
      this.#number = grown;
    }
    const at = slot(kind, x, y);
    this.#kind[entry] = kind;
    this.#x[entry] = x;
    this.#y[entry] = y;
    this.#next[entry] = this.#heads[at];
    this.#heads[at] = entry;
    return entry;
  }
}

function slot(kind: number, x: number, y: number): number {
  const hash = Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b) ^ kind;
  return (hash ^ hash >>> 15) & (HEADS - 1);
}

// `cond` is `less` or its negation; less: is x below y?
function decideLess(cond: number, less: number, xLow: number, xHigh: number, yLow: number, yHigh: number): Decision {
  if (xHigh < yLow) return cond === less ? "nonzero" : "zero";
  if (xLow >= yHigh) return cond === less ? "zero" : "nonzero";
  return "unknown";
}

// Carries what the unsigned bounds say over to the signed ones, and back.
function relate(range: Float64Array): void {
  if (range[1] <= MAX_S32) {
    range[2] = Math.max(range[2], range[0]);
    range[3] = Math.min(range[3], range[1]);
  } else if (range[0] > MAX_S32) {
    range[2] = Math.max(range[2], range[0] - 2 ** 32);
    range[3] = Math.min(range[3], range[1] - 2 ** 32);
  }
  if (range[2] >= 0) {
    range[0] = Math.max(range[0], range[2]);
    range[1] = Math.min(range[1], range[3]);
  } else if (range[3] < 0) {
    range[0] = Math.max(range[0], range[2] + 2 ** 32);
    range[1] = Math.min(range[1], range[3] + 2 ** 32);
  }
}
