/**
 * The verifier: everything that must hold of a function between passes, checked independently of who built it.
 *
 * It relies on the operation table and on `ControlFlow`, and on nothing else of this folder. It checks
 * - blocks: ranges lie in `order`, no instruction stands twice, the last instruction of a reachable block, and only that, terminates (IR-3);
 * - the entry block has no predecessors and no parameters; `param` stands there only and agrees with the signature;
 * - operands: they exist, have a result, are no `copy`, and their definition dominates the use (IR-2);
 * - types of operands and results, conditions, regions, signatures of calls, projections right behind their call;
 * - edges: jump arguments fit the target's parameters, `br_if` and `br_table` lead to blocks without parameters and with one predecessor
 *   (IR-3, IR-8), and the graph is reducible (CFG-3);
 * - unwinding: an `unwind_edge` stands right behind a call and its projections, which are used only where it returned (IR-9);
 * - addresses: none is live across a call but `vmctx`, `record` and `vmctx_addr` (IR-5, ADDR-1).
 * Not checked: that trap codes and libcall numbers exist (the IR does not know them), unreachable blocks (IR-4).
 *
 * Cost: linear, but for addresses, where it is blocks per live address.
 */

import { bug, NONE } from "../base/mod.ts";
import { ControlFlow } from "./cfg.ts";
import { isCall, isTerminator } from "./effects.ts";
import { Func } from "./func.ts";
import { LANE_BYTES, LANE_TYPE, Lanes } from "./lanes.ts";
import {
  atomicWidthLog2,
  FLOAT_COND_NAMES,
  hasValueList,
  INT_COND_NAMES,
  Ir,
  IR_OPS,
  memRegion,
  perIrOp,
  REGION_NAMES,
  valueColumns,
} from "./ops.ts";
import { ADDR, F32, F64, I32, I64, REF, type Type, TYPE_NAMES, V128, VOID } from "./types.ts";

/** Reports a broken invariant of `func` as an internal failure; `when` names the pass that ran last. */
export function verifyFunc(func: Func, when = "verification"): void {
  const errors = checkFunc(func);
  if (errors.length !== 0) bug(`function ${func.index} is malformed after ${when}: ${errors.slice(0, 5).join("; ")}`);
}

/** All broken invariants of `func`, in words; empty when it is well-formed. */
export function checkFunc(func: Func): string[] {
  const verifier = new Verifier(func);
  verifier.run();
  return verifier.errors;
}

type TypeRule = (v: Verifier, value: number) => boolean;

const isInt = (type: Type) => type === I32 || type === I64;
const isFloat = (type: Type) => type === F32 || type === F64;

const constant = (allowed: (type: Type) => boolean): TypeRule => (v, i) => allowed(v.func.type[i]);
const intBinary: TypeRule = (v, i) =>
  isInt(v.func.type[i]) && v.typeA(i) === v.func.type[i] && v.typeB(i) === v.func.type[i];
const intUnary: TypeRule = (v, i) => isInt(v.func.type[i]) && v.typeA(i) === v.func.type[i];
const floatBinary: TypeRule = (v, i) =>
  isFloat(v.func.type[i]) && v.typeA(i) === v.func.type[i] && v.typeB(i) === v.func.type[i];
const floatUnary: TypeRule = (v, i) => isFloat(v.func.type[i]) && v.typeA(i) === v.func.type[i];
const convert = (from: (type: Type) => boolean, to: (type: Type) => boolean): TypeRule => (v, i) =>
  from(v.typeA(i)) && to(v.func.type[i]);
const is = (...types: Type[]) => (type: Type) => types.includes(type);
const address = (v: Verifier, i: number) =>
  v.typeA(i) === ADDR && (v.func.b[i] === NONE || is(I64, REF, ADDR)(v.typeB(i))) &&
  memRegion(v.func.aux[i]) < REGION_NAMES.length;
const load = (result: (type: Type) => boolean): TypeRule => (v, i) => address(v, i) && result(v.func.type[i]);
const store = (stored: (type: Type) => boolean): TypeRule => (v, i) => address(v, i) && stored(v.typeC(i));
const multiplyHigh: TypeRule = (v, i) => v.func.type[i] === I64 && v.typeA(i) === I64 && v.typeB(i) === I64;
const isAtomicWidth = (v: Verifier, i: number) => {
  const log2 = atomicWidthLog2(v.func.aux[i]);
  const type = v.func.op[i] === Ir.atomic_store ? v.typeC(i) : v.func.type[i];
  return isInt(type) && log2 >= 0 && log2 <= (type === I64 ? 3 : 2);
};
const atomic: TypeRule = (v, i) => address(v, i) && isAtomicWidth(v, i) && v.typeC(i) === v.func.type[i];
const always: TypeRule = () => true;

// Vectors: the shapes that an operation has, and what its operands are ("v" vectors, "s" a scalar of the lane's type, "i" an i32).
const INTEGERS = [Lanes.i8x16, Lanes.i16x8, Lanes.i32x4, Lanes.i64x2], FLOATS = [Lanes.f32x4, Lanes.f64x2];
const NARROW = [Lanes.i8x16, Lanes.i16x8], WIDENED = [Lanes.i16x8, Lanes.i32x4, Lanes.i64x2];
const vector = (shapes: readonly number[] | undefined, operands: string): TypeRule => (v, i) => {
  const shape = v.func.imm[i];
  const expected = (letter: string) => letter === "v" ? V128 : letter === "i" ? I32 : LANE_TYPE[shape];
  return (shapes === undefined || shapes.includes(shape)) && v.typeA(i) === expected(operands[0]) &&
    (operands[1] === undefined || v.typeB(i) === expected(operands[1])) &&
    (operands[2] === undefined || v.typeC(i) === expected(operands[2]));
};
const isLane = (v: Verifier, i: number) => v.func.aux[i] >>> 0 < 16 / LANE_BYTES[v.func.imm[i]];
const compared = (shapes: readonly number[], conditions: number): TypeRule => {
  const operands = vector(shapes, "vv");
  return (v, i) => operands(v, i) && v.func.aux[i] >>> 0 < conditions;
};
const integers = vector(INTEGERS, "vv"), integer = vector(INTEGERS, "v"), shifted = vector(INTEGERS, "vi");
const upTo32 = vector([Lanes.i8x16, Lanes.i16x8, Lanes.i32x4], "vv"), upTo16 = vector(NARROW, "vv");
const widened = vector(WIDENED, "v"), widenedPair = vector(WIDENED, "vv");
const floats = vector(FLOATS, "vv"), float = vector(FLOATS, "v"), bits = vector(undefined, "vv");
const conditionFirst: TypeRule = (v, i) => v.typeA(i) === I32;
const call: TypeRule = (v, i) => v.checkCall(i);
const tailCall: TypeRule = (v, i) => v.checkTailCall(i);

// deno-fmt-ignore
const TYPE_RULES = perIrOp<TypeRule>({
  param: (v, i) => v.checkParam(i),
  block_param: () => false, // stands in no range
  proj: (v, i) => v.checkProjection(i),
  iconst: constant(is(I32, I64, REF, ADDR)), fconst: constant(isFloat),
  copy: () => false,
  iadd: intBinary, isub: intBinary, imul: intBinary, sdiv: intBinary, udiv: intBinary, srem: intBinary, urem: intBinary,
  band: intBinary, bor: intBinary, bxor: intBinary, ishl: intBinary, ushr: intBinary, sshr: intBinary, rotl: intBinary, rotr: intBinary,
  clz: intUnary, ctz: intUnary, popcnt: intUnary, sext8: intUnary, sext16: intUnary,
  umulh: multiplyHigh, smulh: multiplyHigh,
  sext32: (v, i) => v.func.type[i] === I64 && v.typeA(i) === I64,
  uextend: convert(is(I32), is(I64)), sextend: convert(is(I32), is(I64)), wrap: convert(is(I64), is(I32)),
  icmp: (v, i) => is(I32, I64, REF, ADDR)(v.typeA(i)) && v.typeA(i) === v.typeB(i) && v.func.imm[i] >>> 0 < INT_COND_NAMES.length,
  fadd: floatBinary, fsub: floatBinary, fmul: floatBinary, fdiv: floatBinary, fmin: floatBinary, fmax: floatBinary, fcopysign: floatBinary,
  fneg: floatUnary, fabs: floatUnary, fsqrt: floatUnary, fceil: floatUnary, ffloor: floatUnary, ftrunc: floatUnary, fnearest: floatUnary,
  fcmp: (v, i) => isFloat(v.typeA(i)) && v.typeA(i) === v.typeB(i) && v.func.imm[i] >>> 0 < FLOAT_COND_NAMES.length,
  fpromote: convert(is(F32), is(F64)), fdemote: convert(is(F64), is(F32)),
  fcvt_from_sint: convert(isInt, isFloat), fcvt_from_uint: convert(isInt, isFloat),
  fcvt_to_sint: convert(isFloat, isInt), fcvt_to_uint: convert(isFloat, isInt),
  fcvt_to_sint_sat: convert(isFloat, isInt), fcvt_to_uint_sat: convert(isFloat, isInt),
  bitcast: (v, i) => {
    const from = v.typeA(i), to = v.func.type[i];
    return from === I32 && (to === F32 || to === REF) || (from === F32 || from === REF) && to === I32 || from === I64 && (to === F64 || to === ADDR) ||
      (from === F64 || from === ADDR) && to === I64;
  },
  select: (v, i) => v.typeA(i) === I32 && v.typeB(i) === v.func.type[i] && v.typeC(i) === v.func.type[i],
  vconst: always,
  vsplat: vector([...INTEGERS, ...FLOATS], "s"), vzext: vector([Lanes.i32x4, Lanes.i64x2, ...FLOATS], "s"),
  vextract: (v, i) => vector([...INTEGERS, ...FLOATS], "v")(v, i) && v.func.type[i] === LANE_TYPE[v.func.imm[i]] && isLane(v, i),
  vinsert: (v, i) => vector([...INTEGERS, ...FLOATS], "vs")(v, i) && isLane(v, i),
  vshuffle: bits, vswizzle: bits, vand: bits, vandn: bits, vor: bits, vxor: bits, vbitselect: vector(undefined, "vvv"),
  vany_true: vector(undefined, "v"), vall_true: integer, vbitmask: integer,
  viadd: integers, visub: integers, vimul: vector(WIDENED, "vv"), vineg: integer, viabs: integer, vpopcnt: vector([Lanes.i8x16], "v"),
  vadd_sat_s: upTo16, vadd_sat_u: upTo16, vsub_sat_s: upTo16, vsub_sat_u: upTo16,
  vmin_s: upTo32, vmin_u: upTo32, vmax_s: upTo32, vmax_u: upTo32, vavgr_u: upTo16,
  vq15mulr: vector([Lanes.i16x8], "vv"), vdot: vector([Lanes.i32x4], "vv"), vishl: shifted, vushr: shifted, vsshr: shifted,
  vicmp: compared(INTEGERS, INT_COND_NAMES.length), vnarrow_s: upTo16, vnarrow_u: upTo16,
  vextend_low_s: widened, vextend_low_u: widened, vextend_high_s: widened, vextend_high_u: widened,
  vextadd_s: vector([Lanes.i16x8, Lanes.i32x4], "v"), vextadd_u: vector([Lanes.i16x8, Lanes.i32x4], "v"),
  vextmul_low_s: widenedPair, vextmul_low_u: widenedPair, vextmul_high_s: widenedPair, vextmul_high_u: widenedPair,
  vfadd: floats, vfsub: floats, vfmul: floats, vfdiv: floats, vfmin: floats, vfmax: floats, vfpmin: floats, vfpmax: floats,
  vfneg: float, vfabs: float, vfsqrt: float, vfceil: float, vffloor: float, vftrunc: float, vfnearest: float,
  vfcmp: compared(FLOATS, FLOAT_COND_NAMES.length),
  vtrunc_sat_s: float, vtrunc_sat_u: float, vcvt_from_sint: float, vcvt_from_uint: float,
  vdemote: vector(undefined, "v"), vpromote: vector(undefined, "v"),
  load: load((type) => type !== VOID),
  load8_u: load(isInt), load8_s: load(isInt), load16_u: load(isInt), load16_s: load(isInt), load32_u: load(is(I64)), load32_s: load(is(I64)),
  store: store((type) => type !== VOID), store8: store(isInt), store16: store(isInt), store32: store(is(I64)),
  atomic_load: (v, i) => address(v, i) && isAtomicWidth(v, i),
  atomic_store: (v, i) => address(v, i) && isAtomicWidth(v, i),
  atomic_add: atomic, atomic_sub: atomic, atomic_and: atomic, atomic_or: atomic, atomic_xor: atomic, atomic_xchg: atomic,
  atomic_cmpxchg: (v, i) => v.typeA(i) === ADDR && isAtomicWidth(v, i) && v.typeB(i) === v.func.type[i] && v.typeC(i) === v.func.type[i],
  fence: always,
  vmctx: always, record: always, vmctx_addr: always, addr_add: (v, i) => v.typeA(i) === ADDR && v.typeB(i) === I64,
  call, call_import: call, call_indirect: (v, i) => v.typeA(i) === I64 && v.checkCall(i), libcall: call, poll: always,
  fuel_poll: always, fuel: (v, i) => v.func.a[i] === NONE || v.typeA(i) === I64,
  ref_add: (v, i) => v.typeA(i) === REF && v.typeB(i) === I32,
  trap_if: conditionFirst, trap_unless: conditionFirst,
  unwind_edge: (v, i) => v.checkUnwind(i),
  jump: always, br_if: conditionFirst, br_table: (v, i) => v.typeA(i) === I32 && v.func.c[i] > 0,
  return: (v, i) => v.checkTypes(i, v.func.signatures.results[v.func.signature]),
  return_call: tailCall, return_call_import: tailCall, return_call_indirect: (v, i) => v.typeA(i) === I64 && v.checkTailCall(i),
  trap: always,
});

class Verifier {
  readonly errors: string[] = [];
  readonly #cfg = new ControlFlow();
  // Block and place in it of each value that stands somewhere; parameters have place -1.
  readonly #block: Int32Array;
  readonly #place: Int32Array;

  constructor(readonly func: Func) {
    this.#block = new Int32Array(func.count).fill(NONE);
    this.#place = new Int32Array(func.count).fill(NONE);
  }

  run(): void {
    if (!this.#checkShape()) return; // the rest assumes edges
    this.#cfg.compute(this.func);
    const cfg = this.#cfg;
    for (let i = 0; i < cfg.rpoCount; i++) this.#placeBlock(cfg.rpo[i]);
    for (let i = 0; i < cfg.rpoCount; i++) this.#checkBlock(cfg.rpo[i]);
    if (this.errors.length === 0) this.#checkAddresses();
  }

  typeA(value: number): Type {
    return this.func.type[this.func.a[value]];
  }

  typeB(value: number): Type {
    return this.func.type[this.func.b[value]];
  }

  typeC(value: number): Type {
    return this.func.type[this.func.c[value]];
  }

  // Compares the list operand's types.
  checkTypes(value: number, types: Uint8Array): boolean {
    const { func } = this;
    if (func.c[value] !== types.length) return false;
    for (let i = 0; i < types.length; i++) {
      if (func.type[func.pool.at(func.b[value] + i)] !== types[i]) return false;
    }
    return true;
  }

  checkCall(value: number): boolean {
    const { func } = this;
    const signature = func.aux[value];
    const results = func.signatures.results[signature];
    if (results === undefined || func.type[value] !== (results.length === 0 ? VOID : results[0])) return false;
    return this.checkTypes(value, func.signatures.params[signature]);
  }

  // The callee's results are this function's.
  checkTailCall(value: number): boolean {
    const { func } = this;
    const { params, results } = func.signatures;
    const mine = results[func.signature], theirs = results[func.aux[value]];
    return theirs !== undefined && theirs.length === mine.length && theirs.every((type, i) => type === mine[i]) &&
      this.checkTypes(value, params[func.aux[value]]);
  }

  checkProjection(value: number): boolean {
    const { func } = this;
    const call = func.a[value];
    if (!isCall(func.op[call]) || this.#block[call] !== this.#block[value]) return false;
    for (let place = this.#place[call] + 1; place < this.#place[value]; place++) {
      const between = func.order[place];
      if (func.op[between] !== Ir.proj || func.a[between] !== call) return false;
    }
    const index = func.imm[value];
    return index >= 1 && func.signatures.results[func.aux[call]][index] === func.type[value];
  }

  checkParam(value: number): boolean {
    const { func } = this;
    return this.#block[value] === Func.ENTRY &&
      func.signatures.params[func.signature][func.imm[value]] === func.type[value];
  }

  #error(value: number, message: string): void {
    const { func } = this;
    this.errors.push(
      `v${value} (${IR_OPS[func.op[value]]?.[0]}:${TYPE_NAMES[func.type[value]]}) in block ${
        this.#block[value]
      }: ${message}`,
    );
  }

  // Ranges and terminators: what must hold before edges can be followed.
  #checkShape(): boolean {
    const { func, errors } = this;
    if (func.blockCount === 0) errors.push("no entry block");
    for (let block = 0; block < func.blockCount; block++) {
      const start = func.blockStart[block];
      const end = func.blockEnd[block];
      if (start < 0 || end < start || end > func.orderLength) {
        errors.push(`block ${block} has the range ${start}..${end}`);
      } else if (start !== end) this.#checkTargets(block);
    }
    return errors.length === 0;
  }

  #checkTargets(block: number): void {
    const { func } = this;
    const terminator = func.terminator(block);
    const operands = IR_OPS[func.op[terminator]][1];
    const check = (target: number) => {
      if (target < 0 || target >= func.blockCount) {
        this.errors.push(`block ${block} leads to block ${target}, which does not exist`);
      } else if (func.blockStart[target] === func.blockEnd[target]) {
        this.errors.push(`block ${block} leads to block ${target}, which is empty`);
      } else if (target === Func.ENTRY) this.errors.push(`block ${block} leads to the entry`);
    };
    if (operands[3] === "B") check(func.imm[terminator]);
    if (operands[4] === "B") check(func.aux[terminator]);
    if (operands[1] === "T") {
      for (let i = 0; i < func.c[terminator]; i++) check(func.pool.at(func.b[terminator] + i));
    }
  }

  #placeBlock(block: number): void {
    const { func } = this;
    for (let i = 0; i < func.paramCount[block]; i++) {
      const param = func.pool.at(func.paramStart[block] + i);
      if (this.#block[param] !== NONE) this.#error(param, "stands twice");
      this.#block[param] = block;
      if (func.op[param] !== Ir.block_param || func.imm[param] !== block || func.type[param] === VOID) {
        this.#error(param, `is no parameter of block ${block}`);
      }
      if (block === Func.ENTRY) this.#error(param, "the entry block has a parameter");
    }
    for (let place = func.blockStart[block]; place < func.blockEnd[block]; place++) {
      const value = func.order[place];
      if (this.#block[value] !== NONE) this.#error(value, "stands twice");
      this.#block[value] = block;
      this.#place[value] = place;
    }
  }

  #checkBlock(block: number): void {
    const { func } = this;
    const last = func.blockEnd[block] - 1;
    for (let place = func.blockStart[block]; place <= last; place++) {
      const value = func.order[place];
      if (isTerminator(func.op[value]) !== (place === last)) {
        this.#error(value, "terminates in the middle, or does not at the end");
      }
      if (this.#checkOperands(value)) {
        if (!this.#checkResult(value) || !TYPE_RULES[func.op[value]](this, value)) {
          this.#error(value, "has wrong types or operands");
        }
      }
    }
    this.#checkEdges(block);
  }

  #checkResult(value: number): boolean {
    const { func } = this;
    switch (IR_OPS[func.op[value]][2]) {
      case "-":
        return func.type[value] === VOID;
      case "i":
        return func.type[value] === I32;
      case "l":
        return func.type[value] === I64;
      case "A":
        return func.type[value] === ADDR;
      case "V":
        return func.type[value] === V128;
      case "a":
        return func.type[value] === this.typeA(value);
      default:
        return func.type[value] !== VOID || isCall(func.op[value]);
    }
  }

  #checkOperands(value: number): boolean {
    const { func } = this;
    const before = this.errors.length;
    const operands = IR_OPS[func.op[value]][1];
    const columns = valueColumns(func.op[value]);
    if ((columns & 1) !== 0) this.#checkUse(func.a[value], value, operands[0] === "?");
    if ((columns & 2) !== 0) this.#checkUse(func.b[value], value, operands[1] === "?");
    if ((columns & 4) !== 0) this.#checkUse(func.c[value], value, operands[2] === "?");
    if (hasValueList(func.op[value])) {
      for (let i = 0; i < func.c[value]; i++) this.#checkUse(func.pool.at(func.b[value] + i), value, false);
    }
    return this.errors.length === before;
  }

  #checkUse(operand: number, user: number, mayBeNone: boolean): void {
    const { func } = this;
    if (operand === NONE && mayBeNone) return;
    if (operand < 0 || operand >= func.count) return this.#error(user, `uses v${operand}, which does not exist`);
    if (func.op[operand] === Ir.copy) return this.#error(user, `uses the copy v${operand}`);
    const block = this.#block[operand];
    if (block === NONE) return this.#error(user, `uses v${operand}, which stands nowhere reachable`);
    // proj makes a call without result a legal operand
    if (func.type[operand] === VOID) return this.#error(user, `uses v${operand}, which has no result`);
    const isBefore = block === this.#block[user]
      ? this.#place[operand] < this.#place[user]
      : this.#cfg.dominates(block, this.#block[user]);
    if (!isBefore) this.#error(user, `uses v${operand}, whose definition does not dominate it`);
    else if (block !== this.#block[user]) this.#checkReturned(operand, user);
  }

  // IR-9: a result of a call that may unwind.
  #checkReturned(operand: number, user: number): void {
    const { func } = this;
    const block = this.#block[operand];
    const edge = func.terminator(block);
    const isResult = func.op[operand] === Ir.proj || isCall(func.op[operand]);
    if (
      func.op[edge] !== Ir.unwind_edge || !isResult || this.#place[operand] < this.#place[this.#unwindingCall(edge)]
    ) {
      return;
    }
    if (!this.#cfg.dominates(func.imm[edge], this.#block[user])) {
      this.#error(user, `uses v${operand} where the call may have unwound`);
    }
  }

  // The instruction in front of an `unwind_edge`, projections left out.
  #unwindingCall(edge: number): number {
    const { func } = this;
    let place = this.#place[edge] - 1;
    const start = func.blockStart[this.#block[edge]];
    while (place > start && func.op[func.order[place]] === Ir.proj) place--;
    return func.order[Math.max(place, start)];
  }

  checkUnwind(edge: number): boolean {
    const { func } = this;
    return func.imm[edge] !== func.aux[edge] && isCall(func.op[this.#unwindingCall(edge)]);
  }

  #checkEdges(block: number): void {
    const { func } = this;
    const cfg = this.#cfg;
    const terminator = func.terminator(block);
    const isJump = func.op[terminator] === Ir.jump;
    for (let s = cfg.succStart[block]; s < cfg.succStart[block + 1]; s++) {
      const target = cfg.succs.data[s];
      if (cfg.position[target] <= cfg.position[block] && !cfg.dominates(target, block)) {
        this.#error(terminator, `block ${target} is a loop entered in the middle`);
      }
      if (isJump) {
        if (!this.#checkArguments(terminator, target)) this.#error(terminator, `arguments do not fit block ${target}`);
      } else if (func.paramCount[target] !== 0 || cfg.predCount(target) !== 1) {
        this.#error(terminator, `block ${target} has parameters or several predecessors`); // IR-3, IR-8
      }
    }
  }

  #checkArguments(jump: number, target: number): boolean {
    const { func } = this;
    if (func.c[jump] !== func.paramCount[target]) return false;
    for (let i = 0; i < func.c[jump]; i++) {
      const param = func.pool.at(func.paramStart[target] + i);
      if (func.type[func.pool.at(func.b[jump] + i)] !== func.type[param]) return false;
    }
    return true;
  }

  // IR-5. From each use of an address backwards to its definition; a call on the way is an error.
  #checkAddresses(): void {
    const { func } = this;
    const cfg = this.#cfg;
    const firstCall = new Int32Array(func.blockCount).fill(NONE);
    const lastCall = new Int32Array(func.blockCount).fill(NONE);
    let calls = 0;
    for (let i = 0; i < cfg.rpoCount; i++) {
      const block = cfg.rpo[i];
      for (let place = func.blockStart[block]; place < func.blockEnd[block]; place++) {
        if (!isCall(func.op[func.order[place]])) continue;
        if (firstCall[block] === NONE) firstCall[block] = place;
        lastCall[block] = place;
        calls++;
      }
    }
    if (calls === 0) return;
    const visited = new Map<number, Set<number>>(); // address -> blocks at whose end it is known to be live
    const isCallBetween = (block: number, from: number, to: number) => {
      if (firstCall[block] === NONE || lastCall[block] < from || firstCall[block] >= to) return false;
      for (let place = Math.max(from, firstCall[block]); place < to; place++) {
        if (isCall(func.op[func.order[place]])) return true;
      }
      return false;
    };
    const walk = (address: number, startBlock: number, startPlace: number): boolean => {
      let seen = visited.get(address);
      if (seen === undefined) visited.set(address, seen = new Set());
      const stack = [startBlock];
      const home = this.#block[address];
      for (let place = startPlace; stack.length !== 0;) {
        const block = stack.pop()!;
        if (place === NONE) place = func.blockEnd[block];
        if (block === home && this.#place[address] < place) {
          if (isCallBetween(block, this.#place[address] + 1, place)) return false;
        } else {
          if (isCallBetween(block, func.blockStart[block], place)) return false;
          for (let p = cfg.predStart[block]; p < cfg.predStart[block + 1]; p++) {
            if (seen.has(cfg.preds[p])) continue;
            seen.add(cfg.preds[p]);
            stack.push(cfg.preds[p]);
          }
        }
        place = NONE;
      }
      return true;
    };
    const check = (address: number, user: number) => {
      if (address === NONE || func.type[address] !== ADDR) return;
      if (func.op[address] === Ir.vmctx || func.op[address] === Ir.record || func.op[address] === Ir.vmctx_addr) return;
      if (!walk(address, this.#block[user], this.#place[user])) {
        this.#error(user, `uses address v${address} across a call`);
      }
    };
    for (let i = 0; i < cfg.rpoCount; i++) {
      const block = cfg.rpo[i];
      for (let place = func.blockStart[block]; place < func.blockEnd[block]; place++) {
        const user = func.order[place];
        const columns = valueColumns(func.op[user]);
        if ((columns & 1) !== 0) check(func.a[user], user);
        if ((columns & 2) !== 0) check(func.b[user], user);
        if ((columns & 4) !== 0) check(func.c[user], user);
        if (hasValueList(func.op[user])) {
          for (let k = 0; k < func.c[user]; k++) check(func.pool.at(func.b[user] + k), user);
        }
      }
    }
  }
}
