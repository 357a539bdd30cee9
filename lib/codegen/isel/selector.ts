/**
 * The context of instruction selection: what rules ask and what they append with.
 *
 * Selection walks blocks from last to first and each block backwards, so all uses of a value have been seen when its definition is
 * reached: a definition that every user folded away is never lowered. A value is *demanded* when somebody asked for its register.
 *
 * SEL-1  An effect (store, call, trap other than a load's) moves `color` on; a load may be folded into a later instruction of the same
 *        color only: nothing that could change what it reads or trap before it stands between.
 * SEL-2  A load is folded into its only use, and then marked `sunk` so that it is not lowered at its own place.
 * SEL-3  Integer constants are materialised at each use: one cheap move, no live range. They are rematerialisable all the same.
 * SEL-4  ZX-1: `uextend` is elided only over an operation in `ZEROES_UPPER`, whose rules all define through forms that are marked as
 *        zeroing bits 32 to 63; moves, spills and reloads of such a value keep them zero (frame.ts, emit.ts).
 * SEL-5  A register or slot that holds a REF has a zero upper half, always: every rule that defines one, parameters and results of calls
 *        included, zero-extends, and what JavaScript passes in 64 bits has a zero upper half. So a reference is an index of an address as it
 *        is.
 */

import { bug, NONE } from "../../base/mod.ts";
import { growInt32, growUint8, IntList } from "../../base/mod.ts";
import {
  CALLS,
  canEliminate,
  EFFECTS,
  type Func,
  hasValueList,
  I32,
  I64,
  Ir,
  type IrOpName,
  isLoad,
  memRegion,
  memTrap,
  REF,
  Region,
  TERMINATES,
  TRAPS,
  type Type,
  V128,
  valueColumns,
  WRITES,
} from "../../ir/mod.ts";
import { type SignatureLayout, Stress } from "../../abi/mod.ts";
import type { DirectCalls } from "../options.ts";
import type { FormId } from "../../x64/mod.ts";
import { BlockOrder } from "../block_order.ts";
import { ConstantPool } from "../constant_pool.ts";
import { type Inst, MemBase, Shape, VCode } from "../vcode.ts";
import { LEA_64, MOV_R32 } from "./forms.ts";
import { RULE_HITS, type RuleList, RULES } from "./rules.ts";

/** What selection needs to know of the module and the processor. */
export interface SelectionTarget {
  /** x64 feature bits that generated code may use. */
  readonly features: number;
  /** Whether a call of a function of the module comes back with r14 as it was. */
  readonly directCalls: DirectCalls;
  /** What to make harder (`Stress` of lib/abi). */
  readonly stress: number;
  /** Byte offset of VMFunctionImport `index` from vmctx. */
  functionImportOffset(index: number): number;
  /** Offset of a memory's definition from vmctx, `-1 - offset` of the pointer to it, or undefined if that is not told. */
  memoryDefinition(index: number): number | undefined;
  /** The calling convention's layout of a signature. */
  layout(signature: number): SignatureLayout;
}

/** Operations whose every rule defines an i32 through a form that zeroes the upper half (SEL-4): 1. */
export const ZEROES_UPPER: Uint8Array<ArrayBuffer> = new Uint8Array(Object.keys(Ir).length);
for (
  const name of [
    "iadd",
    "isub",
    "imul",
    "sdiv",
    "udiv",
    "srem",
    "urem",
    "band",
    "bor",
    "bxor",
    "ishl",
    "ushr",
    "sshr",
    "rotl",
    "rotr",
    "clz",
    "ctz",
    "popcnt",
    "sext8",
    "sext16",
    "icmp",
    "fcmp",
    "fcvt_to_sint",
    "fcvt_to_uint",
    "fcvt_to_sint_sat",
    "fcvt_to_uint_sat",
    "bitcast",
    "select",
    "load",
    "load8_u",
    "load8_s",
    "load16_u",
    "load16_s",
    "iconst",
    "vextract",
    "vany_true",
    "vall_true",
    "vbitmask",
  ] as const satisfies readonly IrOpName[] // deno-fmt-ignore
) ZEROES_UPPER[Ir[name]] = 1;

// How a value's register is found: 0 its own, made at each use, that of operand a, that of operand a under a condition.
const AT_USE = 1, ALIAS = 2, UEXTEND = 3, BITCAST = 4;
const KIND = new Uint8Array(Object.keys(Ir).length);
KIND[Ir.iconst] = AT_USE;
KIND[Ir.fconst] = AT_USE;
KIND[Ir.vconst] = AT_USE;
KIND[Ir.vmctx] = AT_USE;
KIND[Ir.record] = AT_USE;
KIND[Ir.wrap] = ALIAS;
KIND[Ir.copy] = ALIAS;
KIND[Ir.uextend] = UEXTEND;
KIND[Ir.bitcast] = BITCAST;

// What makes a value at its use.
const AT_USE_SHAPE = new Uint8Array(Object.keys(Ir).length);
AT_USE_SHAPE[Ir.iconst] = Shape.iconst;
AT_USE_SHAPE[Ir.fconst] = Shape.fconst;
AT_USE_SHAPE[Ir.vmctx] = Shape.vmctx;
AT_USE_SHAPE[Ir.record] = Shape.record;

// Facts for the scan, by operation: value columns in bits 0 to 2, and these.
const SCAN_LIST = 8, SCAN_EFFECT = 16, SCAN_KEEP = 32;
const SCAN = Uint8Array.from(EFFECTS, (effects, op) => {
  const isEffect = (effects & (WRITES | CALLS | TRAPS)) !== 0 && !isLoad(op);
  return valueColumns(op) | (hasValueList(op) ? SCAN_LIST : 0) | (isEffect ? SCAN_EFFECT : 0) |
    ((effects & (WRITES | CALLS | TERMINATES)) !== 0 ? SCAN_KEEP : 0);
});

/** Selection state for one function at a time; reusable. */
export class Selector {
  func!: Func;
  target!: SelectionTarget;
  readonly code: VCode = new VCode();
  readonly blocks: BlockOrder = new BlockOrder();
  readonly constants: ConstantPool = new ConstantPool();

  // The function's columns, hoisted: the IR is read-only from here on.
  op!: Uint16Array;
  type!: Uint8Array;
  a!: Int32Array;
  b!: Int32Array;
  c!: Int32Array;
  imm!: Int32Array;
  aux!: Int32Array;
  pool!: Int32Array;

  /** Vreg by IR value, NONE until demanded. */
  vregOf: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Number of operand positions that name the value. */
  useCount: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** 1: folded into its use. */
  sunk: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** Effects before the instruction, counted over the function; equal only within a block (SEL-1). */
  color: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Machine block of the instruction. */
  blockOf: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** First `proj` of a call, and the next of the same call. */
  firstProj: Int32Array<ArrayBuffer> = new Int32Array(1024);
  nextProj: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Vregs passed by each machine block's jump: `jumpArgs[jumpArgStart[k] ..]`, `jumpArgCount[k]` of them. */
  readonly jumpArgs: IntList = new IntList(256);
  jumpArgStart: Int32Array<ArrayBuffer> = new Int32Array(256);
  jumpArgCount: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Scratch for rules that gather registers of a list. */
  readonly list: IntList = new IntList(64);

  /** Color and machine block of the IR instruction being lowered. */
  currentColor = 0;
  /** Its place in the function's order. */
  currentPosition = 0;
  currentBlock = 0;

  // Results of matchers.
  /** The condition left by the last comparison begun. */
  cond = 0;
  /** The immediate found by {@linkcode isImm32}. */
  immediate = 0;
  amBaseKind = MemBase.absent as number;
  amBase = NONE;
  amIndex = NONE;
  amScale = 0;
  amDisp = 0;
  amTrap = 0;
  amSite = 0;

  /** Prepares for `func`: machine blocks, use counts, colors. */
  start(func: Func, target: SelectionTarget): void {
    this.func = func;
    this.target = target;
    this.code.reset();
    this.constants.reset();
    this.op = func.op;
    this.type = func.type;
    this.a = func.a;
    this.b = func.b;
    this.c = func.c;
    this.imm = func.imm;
    this.aux = func.aux;
    this.pool = func.pool.data;
    const { count } = func;
    if (count > this.vregOf.length) {
      this.vregOf = growInt32(this.vregOf, count);
      this.useCount = growInt32(this.useCount, count);
      this.sunk = growUint8(this.sunk, count);
      this.color = growInt32(this.color, count);
      this.blockOf = growInt32(this.blockOf, count);
      this.firstProj = growInt32(this.firstProj, count);
      this.nextProj = growInt32(this.nextProj, count);
    }
    this.vregOf.fill(NONE, 0, count);
    this.useCount.fill(0, 0, count);
    this.sunk.fill(0, 0, count);
    this.firstProj.fill(NONE, 0, count);
    this.blocks.compute(func);
    this.jumpArgs.reset();
    this.jumpArgStart = growInt32(this.jumpArgStart, this.blocks.count);
    this.jumpArgCount = growInt32(this.jumpArgCount, this.blocks.count);
    this.jumpArgCount.fill(0, 0, this.blocks.count);
    this.#scan();
  }

  // Backwards over all reachable blocks: use counts (uses by what is itself unused do not count), colors, blocks, projections.
  #scan(): void {
    const { func, op, a, b, c, pool, useCount, color, blocks, blockOf, aux } = this;
    const scan = SCAN;
    const { order } = func;
    let now = 0;
    for (let k = blocks.count - 1; k >= 0; k--) {
      const block = blocks.irBlock[k];
      now++;
      const start = func.blockStart[block];
      for (let position = func.blockEnd[block] - 1; position >= start; position--) {
        const v = order[position];
        const o = op[v];
        const facts = scan[o];
        if ((facts & SCAN_EFFECT) !== 0) now++;
        color[v] = now;
        blockOf[v] = k;
        if (useCount[v] === 0 && (facts & SCAN_KEEP) === 0 && canEliminate(o, aux[v])) continue;
        if ((facts & SCAN_LIST) !== 0) {
          if ((facts & 1) !== 0) useCount[a[v]]++;
          const end = b[v] + c[v];
          for (let i = b[v]; i < end; i++) useCount[pool[i]]++;
        } else if (o === Ir.proj) {
          this.nextProj[v] = this.firstProj[a[v]];
          this.firstProj[a[v]] = v;
        } else {
          if ((facts & 1) !== 0 && a[v] !== NONE) useCount[a[v]]++;
          if ((facts & 2) !== 0 && b[v] !== NONE) useCount[b[v]]++;
          if ((facts & 4) !== 0 && c[v] !== NONE) useCount[c[v]]++;
        }
      }
    }
  }

  /** Applies the first rule of the list that matches. */
  apply(list: RuleList, v: number): void {
    for (let r = list.first; r < list.end; r++) {
      if (RULES[r](this, v)) {
        RULE_HITS[r]++;
        return;
      }
    }
    bug(`no selection rule for value ${v}`);
  }

  // Registers.

  /** The vreg that holds value `v` at a use; demands its definition, or makes a constant here. */
  reg(v: number): number {
    for (;;) {
      switch (KIND[this.op[v]]) {
        case AT_USE:
          return this.#atUse(v);
        case ALIAS:
          v = this.a[v];
          continue;
        case UEXTEND:
          if (this.zeroesUpper(this.a[v])) return this.zeroed(this.a[v]);
          break;
        case BITCAST:
          // A reference made of an integer is a root and zero-extended, so it takes a register of its own (SEL-5).
          if (this.isIntClass(this.type[v]) && this.isIntClass(this.type[this.a[v]]) && this.type[v] !== REF) {
            v = this.a[v];
            continue;
          }
          break;
      }
      return this.own(v);
    }
  }

  /** The vreg of i32 value `v`, for who relies on its upper half being zero (`zeroesUpper`). Under stress that is checked (ZX-2). */
  zeroed(v: number): number {
    const vreg = this.reg(v);
    if ((this.target.stress & Stress.poison) === 0) return vreg;
    const { code } = this;
    const i = code.begin(Shape.checkZero, 0);
    code.regOp[i] = code.use(vreg);
    code.needsFrame = 1;
    return vreg;
  }

  /** The vreg of `v` itself, for its definition. */
  own(v: number): number {
    const vreg = this.vregOf[v];
    return vreg !== NONE
      ? vreg
      : this.vregOf[v] = this.code.addVreg(this.type[v], this.op[v] === Ir.vmctx_addr ? v : NONE);
  }

  /** A fresh vreg of an IR type. */
  temp(type: Type): number {
    return this.code.addVreg(type, NONE);
  }

  #atUse(v: number): number {
    const { code } = this;
    const vreg = code.addVreg(this.type[v], v);
    const o = this.op[v];
    if (o === Ir.vconst) {
      this.#vectorConstant(vreg, this.b[v], this.c[v], this.imm[v], this.aux[v]);
      return vreg;
    }
    const i = code.begin(AT_USE_SHAPE[o], 0);
    code.regOp[i] = code.def(vreg);
    code.imm[i] = this.imm[v];
    code.imm2[i] = this.aux[v];
    if (o === Ir.fconst) code.disp[i] = this.type[v];
    return vreg;
  }

  /** A fresh vreg holding the integer constant lo, hi. */
  constant(type: Type, lo: number, hi: number): number {
    const { code } = this;
    const vreg = code.addVreg(type, NONE);
    const i = code.begin(Shape.iconst, 0);
    code.regOp[i] = code.def(vreg);
    code.imm[i] = lo;
    code.imm2[i] = hi;
    return vreg;
  }

  /** A fresh vreg holding the v128 constant of four words, the lowest first. */
  vectorConstant(w0: number, w1: number, w2: number, w3: number): number {
    const vreg = this.code.addVreg(V128, NONE);
    this.#vectorConstant(vreg, w0, w1, w2, w3);
    return vreg;
  }

  #vectorConstant(vreg: number, w0: number, w1: number, w2: number, w3: number): void {
    const { code } = this;
    const i = code.begin(Shape.vconst, 0);
    code.regOp[i] = code.def(vreg);
    code.imm[i] = w0;
    code.imm2[i] = w1;
    code.disp[i] = w2;
    code.tailUse[i] = w3;
  }

  // Questions.

  /** 0 for i32 and ref, 1 for i64 and addr: the index into pairs of forms; for floats 0 f32, 1 f64. */
  wide(v: number): number {
    const type = this.type[v];
    return type === I32 || type === REF ? 0 : type === 3 ? 0 : 1;
  }

  isIntClass(type: Type): boolean {
    return type === I32 || type === I64 || type === REF || type === 7;
  }

  /** Whether the register of i32 value `v` surely has a zero upper half. */
  zeroesUpper(v: number): boolean {
    const o = this.op[v];
    if (o === Ir.bitcast) return !this.isIntClass(this.type[this.a[v]]) || this.type[this.a[v]] === REF;
    return ZEROES_UPPER[o] === 1;
  }

  isConst(v: number): boolean {
    return this.op[v] === Ir.iconst;
  }

  /** Whether `v` is an integer constant that fits a sign-extended 32-bit immediate; leaves it in `immediate`. */
  isImm32(v: number): boolean {
    if (this.op[v] !== Ir.iconst) return false;
    const lo = this.imm[v];
    if (this.type[v] !== I32 && this.type[v] !== REF && this.aux[v] !== lo >> 31) return false;
    this.immediate = lo;
    return true;
  }

  /** Whether `v` is the integer constant `lo`, sign-extended. */
  isConstValue(v: number, lo: number): boolean {
    return this.isImm32(v) && this.immediate === lo;
  }

  /** Whether `v` has exactly one use. */
  single(v: number): boolean {
    return this.useCount[v] === 1;
  }

  /** Whether `v` is a full-width load that may be folded into the instruction being lowered (SEL-1, SEL-2). */
  sinkable(v: number): boolean {
    return this.op[v] === Ir.load && this.canSink(v);
  }

  /** As {@linkcode sinkable}, for any kind of load. */
  canSink(v: number): boolean {
    return this.useCount[v] === 1 && this.vregOf[v] === NONE && this.#mayMoveHere(v);
  }

  #mayMoveHere(v: number): boolean {
    if (this.color[v] === this.currentColor) return true;
    const flags = this.aux[v];
    return memRegion(flags) === Region.readonly && memTrap(flags) === 0 && this.blockOf[v] === this.currentBlock &&
      !this.#crossesCall(v);
  }

  // An address computed for the load must not live across a call (ADDR-1); colors do not tell calls from stores, so be careful.
  #crossesCall(v: number): boolean {
    return this.op[this.a[v]] !== Ir.vmctx;
  }

  /** Whether pure value `v`, used by the instruction being lowered, is in the same block. */
  near(v: number): boolean {
    return this.blockOf[v] === this.currentBlock;
  }

  /** The instruction `steps` before the one being lowered, in its block and without constants; NONE: there is none. */
  before(steps: number): number {
    const { order, blockStart } = this.func;
    const start = blockStart[this.blocks.irBlock[this.currentBlock]];
    for (let position = this.currentPosition - 1; position >= start; position--) {
      if (KIND[this.op[order[position]]] !== AT_USE && --steps === 0) return order[position];
    }
    return NONE;
  }

  // Memory operands.

  /** Marks load `v` as folded and matches its address. */
  sink(v: number): void {
    this.sunk[v] = 1;
    this.address(v);
  }

  /** Matches the address of memory access `v` into the `am` fields. */
  address(v: number): void {
    this.amTrap = memTrap(this.aux[v]);
    this.amSite = this.func.site[v];
    this.#matchAddress(this.a[v], this.b[v], this.imm[v]);
  }

  /** As {@linkcode address}, for an access whose row has no index. */
  addressWithoutIndex(v: number): void {
    this.amTrap = memTrap(this.aux[v]);
    this.amSite = this.func.site[v];
    this.#matchAddress(this.a[v], NONE, this.imm[v]);
  }

  #matchAddress(base: number, index: number, disp: number): void {
    const { op, a, b } = this;
    this.amBaseKind = MemBase.absent;
    this.amBase = NONE;
    this.amIndex = NONE;
    this.amScale = 0;
    // ZX-3: a displacement of 2^31 and more (negative as int32) takes a register.
    let far = NONE;
    if (disp < 0) {
      far = this.constant(I64, disp, 0);
      disp = 0;
    }
    // addr_add folds into a free index place.
    while (op[base] === Ir.addr_add) {
      if (this.isImm32(b[base]) && fitsSum(disp, this.immediate)) disp += this.immediate;
      else if (index === NONE) index = b[base];
      else break;
      base = a[base];
    }
    if (index !== NONE) {
      for (;;) {
        if (op[index] === Ir.iadd && this.isImm32(b[index]) && fitsSum(disp, this.immediate)) {
          disp += this.immediate;
          index = a[index];
        } else if (op[index] === Ir.isub && this.isImm32(b[index]) && fitsSum(disp, -this.immediate)) {
          disp -= this.immediate;
          index = a[index];
        } else break;
      }
      if (op[index] === Ir.iconst && this.isImm32(index) && fitsSum(disp, this.immediate)) {
        disp += this.immediate;
        index = NONE;
      } else if (
        op[index] === Ir.uextend && op[a[index]] === Ir.iconst && this.imm[a[index]] >= 0 &&
        fitsSum(disp, this.imm[a[index]])
      ) {
        disp += this.imm[a[index]];
        index = NONE;
      } else if (
        op[index] === Ir.ishl && this.isConst(b[index]) && this.imm[b[index]] >= 1 && this.imm[b[index]] <= 3
      ) {
        this.amScale = this.imm[b[index]];
        index = a[index];
      }
    }
    if (op[base] === Ir.vmctx) this.amBaseKind = MemBase.vmctx;
    else if (op[base] === Ir.record) this.amBaseKind = MemBase.record;
    else this.amBase = this.reg(base);
    if (index !== NONE) this.amIndex = this.reg(index);
    if (far !== NONE) {
      if (this.amIndex === NONE) this.amIndex = far;
      else this.amIndex = this.addRegisters(this.amIndex, far, this.amScale), this.amScale = 0;
    }
    this.amDisp = disp;
  }

  /** far + (index << scale), by lea. */
  addRegisters(index: number, base: number, scale: number): number {
    const { code } = this;
    const sum = this.temp(I64);
    const i = code.begin(Shape.rm, LEA_64);
    code.memBase[i] = code.use(base);
    code.memIndex[i] = code.use(index);
    code.memScale[i] = scale;
    code.disp[i] = 0;
    code.regOp[i] = code.def(sum);
    return sum;
  }

  /** Adds the matched address to the instruction begun last. */
  attachAddress(i: Inst): void {
    const { code } = this;
    code.memBase[i] = this.amBase !== NONE ? code.use(this.amBase) : this.amBaseKind;
    if (this.amIndex !== NONE) {
      code.memIndex[i] = code.use(this.amIndex);
      code.memScale[i] = this.amScale;
    }
    code.disp[i] = this.amDisp;
    code.trap[i] = this.amTrap;
    code.accessSite[i] = this.amSite;
    if (this.amTrap !== 0) code.needsFrame = 1;
  }

  // Instructions by shape.

  /** dst = form(dst = lhs, rhs): two-address arithmetic, the right side in a register or slot. */
  twoAddress(form: FormId, dst: number, lhs: number, rhs: number): void {
    const { code } = this;
    const i = code.begin(Shape.rm, form);
    const tied = code.use(lhs);
    code.rmOp[i] = code.useAny(rhs);
    code.regOp[i] = code.defReuse(dst, tied);
  }

  /** As {@linkcode twoAddress}, the right side being a 16-byte or register-only operand. */
  twoAddressRegister(form: FormId, dst: number, lhs: number, rhs: number): void {
    const { code } = this;
    const i = code.begin(Shape.rm, form);
    const tied = code.use(lhs);
    code.rmOp[i] = code.use(rhs);
    code.regOp[i] = code.defReuse(dst, tied);
  }

  /** dst = form(dst = lhs, matched address). */
  twoAddressMemory(form: FormId, dst: number, lhs: number): void {
    const { code } = this;
    const i = code.begin(Shape.rm, form);
    const tied = code.use(lhs);
    this.attachAddress(i);
    code.regOp[i] = code.defReuse(dst, tied);
  }

  /** dst = form(dst = lhs, imm). */
  twoAddressImmediate(form: FormId, dst: number, lhs: number, imm: number): void {
    const { code } = this;
    const i = code.begin(Shape.mi, form);
    const tied = code.use(lhs);
    code.rmOp[i] = code.defReuse(dst, tied);
    code.imm[i] = imm;
  }

  /** dst = form(dst = lhs): neg, not, shift by cl. */
  oneAddress(form: FormId, dst: number, lhs: number): Inst {
    const { code } = this;
    const i = code.begin(Shape.m, form);
    const tied = code.use(lhs);
    code.rmOp[i] = code.defReuse(dst, tied);
    return i;
  }

  /** dst = form(src), src in a register or slot. */
  unary(form: FormId, dst: number, src: number): Inst {
    const { code } = this;
    const i = code.begin(Shape.rm, form);
    code.rmOp[i] = code.useAny(src);
    code.regOp[i] = code.def(dst);
    return i;
  }

  /** dst = form(matched address): loads, lea. */
  fromMemory(form: FormId, dst: number): Inst {
    const { code } = this;
    const i = code.begin(Shape.rm, form);
    this.attachAddress(i);
    code.regOp[i] = code.def(dst);
    return i;
  }

  /** form(matched address) = src. */
  toMemory(form: FormId, src: number): Inst {
    const { code } = this;
    const i = code.begin(Shape.rm, form);
    code.regOp[i] = code.use(src);
    this.attachAddress(i);
    return i;
  }

  /** dst = src (32 bits, upper half zeroed). */
  moveZeroExtended(dst: number, src: number): void {
    this.unary(MOV_R32, dst, src);
  }

  /** lea dst, [base + index << scale + disp]; base or index may be NONE. */
  lea(form: FormId, dst: number, base: number, index: number, scale: number, disp: number): void {
    const { code } = this;
    const i = code.begin(Shape.rm, form);
    code.memBase[i] = base !== NONE ? code.use(base) : MemBase.absent;
    if (index !== NONE) {
      code.memIndex[i] = code.use(index);
      code.memScale[i] = scale;
    }
    code.disp[i] = disp;
    code.regOp[i] = code.def(dst);
  }
}

function fitsSum(x: number, y: number): boolean {
  const sum = x + y;
  return (sum | 0) === sum;
}
