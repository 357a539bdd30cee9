/**
 * Emission: allocated machine code to bytes.
 *
 * Blocks go out in their order, cold ones behind all others; then the out-of-line pieces (trap calls, host-import calls, slow paths of
 * conversions), jump tables and constants. Between instructions stand the allocator's edits. A block of nothing but a jump is threaded:
 * branches to it go where it leads.
 *
 * MAP-1   A call's stack map lists frame slots, and at a poll saved registers, only. No argument area is ever in one: the caller stores stack arguments right before the call,
 *         with no safepoint in between, and the callee has loaded those that it reads before its own first safepoint (parameters are
 *         lowered where they stand, at the start of the entry block); return slots are stored right before `ret` and loaded right behind the
 *         call; what a thunk or stub moves to the value area or the record is read, and rooted, by the runtime before it may collect. A tail
 *         call rebuilds the area right before it jumps. So in an argument area may lie what is stale, and nobody looks.
 * MAP-2   A reference is 4 bytes; the collector writes the low half of its 8-byte slot and leaves the upper half as it is (zero, SEL-5).
 * EMIT-1  Trap and call entries are appended by rising pc: code is only appended, and out-of-line pieces record theirs when they go out.
 *         No two trap entries have one pc: the return address of a trap call may be where the next instruction begins, so one that may
 *         fault is moved on by a byte there.
 * EMIT-2  Nothing between the start of a main form and the end of its tail writes a register that its operands are in, other than the
 *         tail's or sequence's own results.
 */

import { TrapCode, VMCTX_SLOT_FROM_RBP, VMRecord } from "../abi/mod.ts";
import { growInt32, IntList, NONE } from "../base/mod.ts";
import { I32, REF } from "../ir/mod.ts";
import { type Allocation, isSlot, type Location, REMATERIALISE, slotIndex } from "../regalloc/mod.ts";
import { Assembler, COND, type Cond, type FormId, type Label, MEM_LABEL, NO_REG, packMem } from "../x64/mod.ts";
import { blockAlignmentBytes, CODE_ALIGNMENT_BYTES } from "./alignment.ts";
import { CHECK_AFTER_BYTES, Frame, UNCHECKED_LEAF_BYTES } from "./frame.ts";
import { FunctionCode, RelocationTarget } from "./function_code.ts";
import * as F from "./isel/forms.ts";
import type { Selector } from "./isel/selector.ts";
import { NEVER_RETURNS, SEQUENCES, SLOW_PATH } from "./emit_sequence.ts";
import { move, moveConstant, moveFloatConstant, moveVectorConstant, rematerialise } from "./emit_moves.ts";
import "./emit_call.ts";
import "./emit_poll.ts";
import "./emit_stress.ts";
import { SizeBounds } from "./size_bounds.ts";
import { subjectPlace } from "./trap_subject.ts";
import { COND_FEQ, COND_FNE, MemBase, Shape, Tail } from "./vcode.ts";

const RAX = 0, RSP = 4, RBP = 5, R10 = 10, R11 = 11, R14 = 14, R15 = 15;
const AT_RBP = packMem(RBP, NO_REG, 0);
const AT_RSP = packMem(RSP, NO_REG, 0);
const AT_R15 = packMem(R15, NO_REG, 0);

/** Kinds of out-of-line pieces. */
const Piece = { trap: 0, hostImport: 1, sequence: 2, table: 3 } as const;
/** Words of a piece: kind, instruction or trap code, label to bind, label to come back to or site, and two that the kind explains. */
const PIECE_WORDS = 6;

/** Emits one function at a time; reusable. */
export class Emitter {
  readonly out: FunctionCode = new FunctionCode();
  readonly asm: Assembler = new Assembler(this.out.buffer);
  readonly frame: Frame = new Frame();
  selector!: Selector;
  allocation!: Allocation;
  locations!: Int32Array;

  /** {@linkcode PIECE_WORDS} each. */
  readonly #pieces: IntList = new IntList(256);
  #blockLabel: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** First edit of each block. */
  #blockEdit: Int32Array<ArrayBuffer> = new Int32Array(257);
  /** Block that a branch to each block really goes to. */
  #threaded: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Blocks in order of emission. */
  readonly #line: IntList = new IntList(256);
  readonly #constantLabels: IntList = new IntList(64);
  /** The allocator's number of the current instruction; its operands begin at `#operands` in the allocator's columns. */
  #instruction = 0;
  #operands = 0;
  /** Position in the line of the block being emitted, and the block behind it. */
  #position = 0;
  #next: number = NONE;
  readonly #bounds: SizeBounds = new SizeBounds();
  #lastTrapLabel: number = NONE;
  #lastTrapCode = 0;
  #lastTrapSite = 0;
  #lastTrapPlace = 0;
  /** The last list of clauses: where it is in the pool, and in `out.clauses`. */
  #listInPool: number = NONE;
  #list = 0;

  /** Encodes the selected and allocated function into `out`. */
  emit(selector: Selector, allocation: Allocation): void {
    this.selector = selector;
    this.allocation = allocation;
    this.locations = allocation.operandLocation;
    const { code, blocks } = selector;
    const { input } = code;
    this.out.reset();
    this.asm.reset();
    this.#pieces.reset();
    this.#constantLabels.reset();
    this.#listInPool = NONE;
    this.#lastTrapLabel = NONE;
    this.frame.layOut(code.needsFrame, allocation.slotCount, code.outgoingBytes);
    this.#findEdits();
    this.#thread();
    this.#lineUp();
    for (let k = 0; k < blocks.count; k++) this.#blockLabel[k] = this.asm.newLabel();
    this.#prologue();
    const line = this.#line;
    this.#bounds.compute(selector, allocation, this.frame, line.data, line.length, this.#blockEdit);
    for (let position = 0; position < line.length; position++) {
      const k = line.data[position];
      this.#position = position;
      this.#next = position + 1 < line.length ? line.data[position + 1] : NONE;
      const alignmentBytes = blockAlignmentBytes(blocks, k);
      this.asm.alignCode(alignmentBytes);
      if (this.out.alignmentBytes < alignmentBytes) this.out.alignmentBytes = alignmentBytes;
      this.asm.bind(this.#blockLabel[k] as Label);
      if (input.padCall[k] !== NONE) this.#landHere();
      this.#emitBlock(k, input.blockFirst[k], input.blockFirst[k + 1]);
    }
    this.#emitPieces();
    // The next function may begin right here.
    if (this.#isTrapKey() && this.asm.offset % CODE_ALIGNMENT_BYTES === 0) this.asm.nop(1);
    this.out.instructionBytes = this.asm.offset;
    this.#emitTables();
    this.#emitConstants();
    this.#placePads();
    this.asm.finish();
  }

  // Preparation.

  #findEdits(): void {
    const { blocks, code } = this.selector;
    const { editCount, editInst } = this.allocation;
    this.#blockEdit = growInt32(this.#blockEdit, blocks.count + 1);
    let edit = 0;
    for (let k = 0; k < blocks.count; k++) {
      this.#blockEdit[k] = edit;
      const end = code.input.blockFirst[k + 1];
      while (edit < editCount && editInst[edit] < end) edit++;
    }
    this.#blockEdit[blocks.count] = edit;
  }

  #thread(): void {
    const { blocks, code } = this.selector;
    const { blockFirst } = code.input;
    this.#threaded = growInt32(this.#threaded, blocks.count);
    // Backwards, so that forward chains collapse; a loop of empty blocks stops at its header.
    for (let k = blocks.count - 1; k >= 0; k--) {
      this.#threaded[k] = k;
      if (k === 0 || blockFirst[k + 1] - blockFirst[k] !== 1 || this.#blockEdit[k + 1] !== this.#blockEdit[k]) continue;
      if (code.shape[code.instAt[blockFirst[k]]] !== Shape.jump || code.input.padCall[k] !== NONE) continue;
      const to = blocks.succs.data[blocks.succStart[k]];
      if (to > k) this.#threaded[k] = this.#threaded[to];
      else if (to < k) this.#threaded[k] = to;
    }
  }

  #lineUp(): void {
    const { blocks } = this.selector;
    const line = this.#line;
    line.reset();
    this.#blockLabel = growInt32(this.#blockLabel, blocks.count);
    for (let k = 0; k < blocks.count; k++) if (blocks.cold[k] === 0 && this.#isEmitted(k)) line.push(k);
    for (let k = 0; k < blocks.count; k++) if (blocks.cold[k] === 1 && this.#isEmitted(k)) line.push(k);
  }

  // A threaded block is reached by nobody: every branch, and every fallthrough, goes where it leads.
  #isEmitted(k: number): boolean {
    return this.#threaded[k] === k;
  }

  /** The label of machine block `k`, or of the one that it leads to. */
  blockTarget(k: number): number {
    // More than one step only where an empty back edge's block leads to an empty header.
    let target = k;
    while (this.#threaded[target] !== target) target = this.#threaded[target];
    return target;
  }

  /** The label to jump to for IR-level edges out of the current block. */
  labelOf(k: number): Label {
    return this.#blockLabel[this.blockTarget(k)] as Label;
  }

  // Prologue and epilogue.

  #prologue(): void {
    const { asm, frame, selector } = this;
    if (frame.exists === 0) return;
    asm.r(F.PUSH, RBP);
    asm.rr(F.MOV_STORE[1], RSP, RBP);
    asm.r(F.PUSH, R14);
    const size = frame.sizeBytes - 8;
    if (selector.code.hasCalls === 1 || frame.sizeBytes > UNCHECKED_LEAF_BYTES) {
      if (size > CHECK_AFTER_BYTES) {
        asm.rm(F.LEA_64, RAX_FREE, AT_RSP, -size);
        asm.rm(F.CMP.rm[1], RAX_FREE, AT_R15, VMRecord.offsets.stackLimit);
      } else asm.rm(F.CMP.rm[1], RSP, AT_R15, VMRecord.offsets.stackLimit);
      const site = selector.func.site[selector.func.order[selector.func.blockStart[0]]];
      asm.jcc(COND.B, this.trapLabel(TrapCode.stack_overflow, site));
    }
    if (size > 0) asm.ri(F.fitsI8(size) ? F.SUB.imm8[1] : F.SUB.imm32[1], RSP, size);
  }

  #return(stackArgBytes: number): void {
    const { asm } = this;
    if (this.frame.exists === 1) asm.op(F.LEAVE);
    if (stackArgBytes === 0) asm.op(F.RET);
    else asm.i(F.RET_POP, stackArgBytes);
  }

  // Blocks.

  #emitBlock(k: number, first: number, end: number): void {
    const { editInst, editAfter } = this.allocation;
    let edit = this.#blockEdit[k];
    const editEnd = this.#blockEdit[k + 1];
    const { instAt } = this.selector.code;
    const { operandStart } = this.selector.code.input;
    for (let n = first; n < end; n++) {
      while (edit < editEnd && editInst[edit] === n && editAfter[edit] === 0) this.#edit(edit++);
      this.#instruction = n;
      this.#operands = operandStart[n];
      this.#emitInst(instAt[n], k);
      while (edit < editEnd && editInst[edit] === n) this.#edit(edit++);
    }
  }

  /** Location of operand `o` of the current instruction. */
  loc(o: number): Location {
    return this.locations[this.#operands + o];
  }
  /** Register number (0 to 15) of operand `o`, of either class. */
  reg(o: number): number {
    return this.locations[this.#operands + o] & 15;
  }

  #emitInst(i: number, block: number): void {
    const { code } = this.selector;
    const shape = code.shape[i];
    const tail = code.tail[i];
    // A zero for setcc is made before the flags are, if the result's register is free until then.
    let zeroed = false;
    if (tail === Tail.setcc) {
      zeroed = this.#isFree(i, this.loc(code.tailDef[i]));
      if (zeroed) this.asm.rr(F.XOR.rm[0], this.reg(code.tailDef[i]), this.reg(code.tailDef[i]));
    }
    // The instruction that may fault is the one behind the zeroing.
    if (shape === Shape.rmBreak || shape === Shape.rmiBreak) this.#break(i);
    if (code.trap[i] !== 0 && shape !== Shape.div && shape !== Shape.srem) {
      this.trapHere(code.trap[i], code.accessSite[i]);
    }
    switch (shape) {
      case Shape.rm:
      case Shape.rmBreak:
        this.formRm(code.form[i] as FormId, i);
        break;
      case Shape.mi:
        this.#formMi(i);
        break;
      case Shape.iconst:
        moveConstant(this, this.reg(code.regOp[i]), code.imm[i], code.imm2[i], this.#isWideDef(i));
        return;
      case Shape.jump:
        this.#jump(block);
        return;
      case Shape.m:
        this.#formM(i);
        break;
      case Shape.rmi:
      case Shape.rmiBreak:
        this.#formRmi(i);
        break;
      case Shape.vrm:
        this.#formVrm(i);
        break;
      case Shape.vrmi:
        this.#formVrmi(i);
        break;
      case Shape.vconst:
        moveVectorConstant(this, this.reg(code.regOp[i]), code.imm[i], code.imm2[i], code.disp[i], code.tailUse[i]);
        return;
      case Shape.fconst:
        moveFloatConstant(this, this.reg(code.regOp[i]), code.imm[i], code.imm2[i], code.disp[i]);
        return;
      case Shape.vmctx:
        this.asm.rr(F.MOV_STORE[1], R14, this.reg(code.regOp[i]));
        return;
      case Shape.record:
        this.asm.rr(F.MOV_STORE[1], R15, this.reg(code.regOp[i]));
        return;
      case Shape.unwindEdge:
        this.#unwindEdge(i, block);
        return;
      case Shape.entry:
        return;
      case Shape.ret:
        this.#return(code.imm[i]);
        return;
      case Shape.trap:
        this.#trapCall(code.imm2[i], code.site[i]);
        return;
      case Shape.brTable:
        this.#brTable(i);
        return;
      default:
        SEQUENCES[shape](this, i);
        return;
    }
    if (tail !== Tail.none) this.#emitTail(i, tail, block, zeroed);
  }

  // Main forms.

  #memOf(i: number): number {
    const { code } = this.selector;
    const base = code.memBase[i];
    if (base === MemBase.pool) return MEM_LABEL;
    const index = code.memIndex[i];
    const baseReg = base >= 0
      ? this.reg(base)
      : base === MemBase.vmctx
      ? R14
      : base === MemBase.record
      ? R15
      : base === MemBase.rsp
      ? RSP
      : base === MemBase.rbp
      ? RBP
      : NO_REG;
    return baseReg | (index === NONE ? NO_REG << 8 : this.reg(index) << 8 | code.memScale[i] << 16);
  }

  #dispOf(i: number): number {
    const { code } = this.selector;
    return code.memBase[i] === MemBase.pool ? this.constantLabel(code.disp[i]) : code.disp[i];
  }

  /** form(reg, rm or memory) of instruction `i`. */
  formRm(form: FormId, i: number): void {
    const { code } = this.selector;
    const reg = this.reg(code.regOp[i]);
    if (code.memBase[i] !== MemBase.none) {
      this.asm.rm(form, reg, this.#memOf(i), this.#dispOf(i));
      return;
    }
    const rm = this.loc(code.rmOp[i]);
    if (isSlot(rm)) this.asm.rm(form, reg, AT_RBP, this.slotDisp(rm));
    else this.asm.rr(form, reg, rm & 15);
  }

  /** form(register, memory operand of instruction `i`). */
  formMemory(form: FormId, reg: number, i: number): void {
    this.asm.rm(form, reg, this.#memOf(i), this.#dispOf(i));
  }

  #formRmi(i: number): void {
    const { code } = this.selector;
    const form = code.form[i] as FormId;
    const reg = this.reg(code.regOp[i]);
    if (code.memBase[i] !== MemBase.none) {
      this.asm.rmi(form, reg, this.#memOf(i), this.#dispOf(i), code.imm[i]);
      return;
    }
    const rm = this.loc(code.rmOp[i]);
    if (isSlot(rm)) this.asm.rmi(form, reg, AT_RBP, this.slotDisp(rm), code.imm[i]);
    else this.asm.rri(form, reg, rm & 15, code.imm[i]);
  }

  #formM(i: number): void {
    const { code } = this.selector;
    const form = code.form[i] as FormId;
    if (code.memBase[i] !== MemBase.none) this.asm.m(form, this.#memOf(i), this.#dispOf(i));
    else this.formAt(form, this.loc(code.rmOp[i]));
  }

  /** form(location). */
  formAt(form: FormId, location: Location): void {
    if (isSlot(location)) this.asm.m(form, AT_RBP, this.slotDisp(location));
    else this.asm.r(form, location & 15);
  }

  #formMi(i: number): void {
    const { code } = this.selector;
    const form = code.form[i] as FormId;
    if (code.memBase[i] !== MemBase.none) this.asm.mi(form, this.#memOf(i), this.#dispOf(i), code.imm[i]);
    else this.formImmediateAt(form, this.loc(code.rmOp[i]), code.imm[i]);
  }

  /** form(reg, register or slot). */
  formRegisterAt(form: FormId, reg: number, location: Location): void {
    if (isSlot(location)) this.asm.rm(form, reg, AT_RBP, this.slotDisp(location));
    else this.asm.rr(form, reg, location & 15);
  }

  /** form(location, imm). */
  formImmediateAt(form: FormId, location: Location, imm: number): void {
    if (isSlot(location)) this.asm.mi(form, AT_RBP, this.slotDisp(location), imm);
    else this.asm.ri(form, location & 15, imm);
  }

  #formVrm(i: number): void {
    const { code } = this.selector;
    const form = code.form[i] as FormId;
    const reg = this.reg(code.regOp[i]), second = this.reg(code.auxOp[i]);
    if (code.memBase[i] !== MemBase.none) {
      this.asm.vrm(form, reg, second, this.#memOf(i), this.#dispOf(i));
      return;
    }
    const rm = this.loc(code.rmOp[i]);
    if (isSlot(rm)) this.asm.vrm(form, reg, second, AT_RBP, this.slotDisp(rm));
    else this.asm.vrr(form, reg, second, rm & 15);
  }

  #formVrmi(i: number): void {
    const { code } = this.selector;
    const form = code.form[i] as FormId;
    const reg = this.reg(code.regOp[i]), second = this.reg(code.auxOp[i]);
    if (code.memBase[i] !== MemBase.none) {
      this.asm.vrmi(form, reg, second, this.#memOf(i), this.#dispOf(i), code.imm[i]);
      return;
    }
    const rm = this.loc(code.rmOp[i]);
    if (isSlot(rm)) this.asm.vrmi(form, reg, second, AT_RBP, this.slotDisp(rm), code.imm[i]);
    else this.asm.vrri(form, reg, second, rm & 15, code.imm[i]);
  }

  // A form that writes only part of its float destination would wait for whoever wrote it last.
  #break(i: number): void {
    const { code } = this.selector;
    const dst = this.loc(code.regOp[i]);
    if (code.memBase[i] === MemBase.none && this.loc(code.rmOp[i]) === dst) return;
    this.asm.rr(F.XORPS, dst & 15, dst & 15);
  }

  /** Offset from rbp of a slot location. */
  slotDisp(location: Location): number {
    return this.frame.slotOffset(slotIndex(location));
  }

  // Tails.

  #isFree(i: number, location: Location): boolean {
    const { code } = this.selector;
    const count = code.opEnd[i] - code.opStart[i];
    for (let o = 0; o < count; o++) if (o !== code.tailDef[i] && this.loc(o) === location) return false;
    return true;
  }

  #emitTail(i: number, tail: number, block: number, zeroed: boolean): void {
    const { code } = this.selector;
    const cond = code.cond[i];
    switch (tail) {
      case Tail.jcc:
        this.#branch(cond, block);
        return;
      case Tail.setcc:
        this.#setcc(cond, this.reg(code.tailDef[i]), zeroed);
        return;
      case Tail.cmov:
        this.#cmov(cond, this.reg(code.tailDef[i]), this.loc(code.tailUse[i]), code.imm2[i]);
        return;
      case Tail.fselect:
        this.#floatSelect(cond, this.reg(code.tailDef[i]), this.reg(code.tailUse[i]));
        return;
      case Tail.trap:
        this.#trapWhen(cond, this.trapLabel(code.imm2[i], code.site[i], subjectPlace(this, i, cond)));
        return;
    }
  }

  #branch(cond: number, block: number): void {
    const { blocks } = this.selector;
    const first = blocks.succStart[block];
    const yes = this.blockTarget(blocks.succs.data[first]);
    const no = this.blockTarget(blocks.succs.data[first + 1]);
    if (yes === no) {
      if (yes !== this.#next) this.jumpToBlock(yes);
    } else if (yes === this.#next) this.#jumpWhen(cond ^ 1, no, yes);
    else {
      this.#jumpWhen(cond, yes, no);
      if (no !== this.#next) this.jumpToBlock(no);
    }
  }

  // Jumps to block `to` on a condition; falls through (towards `otherwise`) if it does not hold.
  #jumpWhen(cond: number, to: number, otherwise: number): void {
    if (cond < COND_FEQ) this.jccToBlock(cond, to);
    else if (cond === COND_FNE) {
      this.jccToBlock(COND.NE, to);
      this.jccToBlock(COND.P, to);
    } else {
      const { asm } = this;
      if (otherwise === this.#next) {
        this.jccToBlock(COND.NE, otherwise);
        this.jccToBlock(COND.NP, to);
        return;
      }
      const skip = asm.newLabel();
      asm.jccShort(COND.NE, skip);
      this.jccToBlock(COND.NP, to);
      asm.bind(skip);
    }
  }

  /** Conditional jump to a machine block. */
  jccToBlock(cond: number, block: number): void {
    const label = this.#blockLabel[block] as Label;
    if (this.#bounds.isNear(this.#position, block)) this.asm.jccShort(cond as Cond, label);
    else this.asm.jcc(cond as Cond, label);
  }

  /** Jump to a machine block. */
  jumpToBlock(block: number): void {
    const label = this.#blockLabel[block] as Label;
    if (this.#bounds.isNear(this.#position, block)) this.asm.jmpShort(label);
    else this.asm.jmp(label);
  }

  #jump(block: number): void {
    const { blocks } = this.selector;
    const to = this.blockTarget(blocks.succs.data[blocks.succStart[block]]);
    if (to !== this.#next) this.jumpToBlock(to);
  }

  // Unwinding (C-4). A pad is resumed like anything that left: `resume` pops its address, and the frame's rbp is on top of the stack. The rest
  // follows from rbp; nothing else is in a register (RA-OUT-3).
  #landHere(): void {
    const { asm } = this;
    asm.r(F.POP, RBP);
    asm.rm(F.LEA_64, RSP, AT_RBP, -this.frame.sizeBytes);
    asm.rm(F.MOV_R64, R14, AT_RBP, VMCTX_SLOT_FROM_RBP);
  }

  // The call just emitted has a row in the handler table; its pad's offset is known when all blocks are out.
  #unwindEdge(i: number, block: number): void {
    const { selector, out } = this;
    const { code, blocks, pool } = selector;
    const { calls, handlers, clauses } = out;
    handlers.push(calls.data[calls.length - 2]);
    handlers.push(blocks.succs.data[blocks.succStart[block] + 1]);
    const start = code.imm[i], count = code.imm2[i];
    // Calls of one body share their list in the pool; an empty one begins where the next one does.
    if (start !== this.#listInPool || count !== clauses.data[this.#list]) {
      this.#listInPool = start;
      this.#list = clauses.length;
      clauses.push(count);
      for (let k = 0; k < count; k++) clauses.push(pool[start + k]);
    }
    handlers.push(this.#list);
    this.#jump(block);
  }

  #placePads(): void {
    const { handlers } = this.out;
    for (let h = 0; h < handlers.length; h += 3) {
      handlers.data[h + 1] = this.asm.labelOffset(this.#blockLabel[handlers.data[h + 1]] as Label);
    }
  }

  #setcc(cond: number, dst: number, zeroed: boolean): void {
    const { asm } = this;
    if (cond < COND_FEQ) {
      asm.r(F.SETCC + cond as FormId, dst);
      if (!zeroed) asm.rr(F.MOVZX_8, dst, dst);
      return;
    }
    // Equal and ordered, or unequal or unordered: the second flag corrects the first by a jump over a move.
    const done = asm.newLabel();
    asm.ri(F.MOV_R32_IMM32, dst, cond === COND_FEQ ? 0 : 1);
    asm.jccShort(COND.P, done);
    asm.r(F.SETCC + (cond === COND_FEQ ? COND.E : COND.NE) as FormId, dst);
    asm.bind(done);
  }

  #cmov(cond: number, dst: number, from: Location, wide: number): void {
    if (cond < COND_FEQ) this.#cmovOne(cond, dst, from, wide);
    else {
      // Selection asks for "not equal" only.
      this.#cmovOne(COND.NE, dst, from, wide);
      this.#cmovOne(COND.P, dst, from, wide);
    }
  }

  #cmovOne(cond: number, dst: number, from: Location, wide: number): void {
    const form = F.CMOV[wide] + cond as FormId;
    if (isSlot(from)) this.asm.rm(form, dst, AT_RBP, this.slotDisp(from));
    else this.asm.rr(form, dst, from & 15);
  }

  #floatSelect(cond: number, dst: number, from: number): void {
    const { asm } = this;
    const keep = asm.newLabel();
    if (cond < COND_FEQ) asm.jccShort((cond ^ 1) as Cond, keep);
    else if (cond === COND_FEQ) {
      asm.jccShort(COND.NE, keep);
      asm.jccShort(COND.P, keep);
    } else {
      const take = asm.newLabel();
      asm.jccShort(COND.P, take);
      asm.jccShort(COND.E, keep);
      asm.bind(take);
    }
    asm.rr(F.MOVAPS, dst, from);
    asm.bind(keep);
  }

  // Traps.

  /** Records that the machine instruction that begins here may fault with a trap code. */
  trapHere(code: number, site: number): void {
    const { traps } = this.out;
    if (this.#isTrapKey()) this.asm.nop(1);
    traps.push(this.asm.offset);
    traps.push(code);
    traps.push(site);
  }

  /** Whether a trap call returns to here (EMIT-1). */
  #isTrapKey(): boolean {
    const { traps } = this.out;
    return traps.length > 0 && traps.data[traps.length - 3] === this.asm.offset;
  }

  /** Label of an out-of-line call of the trap stub; `place` is that of the trap's subject, or NONE. */
  trapLabel(code: number, site: number, place: number = NONE): Label {
    if (
      this.#lastTrapLabel !== NONE && this.#lastTrapCode === code && this.#lastTrapSite === site &&
      this.#lastTrapPlace === place
    ) {
      return this.#lastTrapLabel as Label;
    }
    const label = this.asm.newLabel();
    this.#addPiece(Piece.trap, code, label, site, place, NONE);
    this.#lastTrapLabel = label;
    this.#lastTrapCode = code;
    this.#lastTrapSite = site;
    this.#lastTrapPlace = place;
    return label;
  }

  #trapWhen(cond: number, label: Label): void {
    const { asm } = this;
    if (cond < COND_FEQ) asm.jcc(cond as Cond, label);
    else if (cond === COND_FNE) {
      asm.jcc(COND.NE, label);
      asm.jcc(COND.P, label);
    } else {
      const skip = asm.newLabel();
      asm.jccShort(COND.NE, skip);
      asm.jcc(COND.NP, label);
      asm.bind(skip);
    }
  }

  // The return address of the call keys the trap table.
  #trapCall(code: number, site: number): void {
    this.asm.rel(F.CALL_REL, 0);
    this.relocate(RelocationTarget.trapStub);
    this.trapHere(code, site);
  }

  // What calls need (emit_call.ts).

  /** Asks for the distance to `target` in the four bytes just emitted. */
  relocate(target: number): void {
    this.out.relocations.push(this.asm.offset - 4);
    this.out.relocations.push(target);
  }

  /** Records that a call of the current instruction returns to here, and which slots hold references meanwhile (MAP-1). */
  callHere(site: number): void {
    const { calls, rootStarts, roots } = this.out;
    calls.push(this.asm.offset);
    calls.push(site);
    rootStarts.push(roots.length);
    const { rootSlots, rootRegisters } = this.allocation;
    for (let r = firstPair(rootSlots, this.#instruction); isOf(rootSlots, r, this.#instruction); r += 2) {
      roots.push(this.frame.slotOffset(rootSlots.data[r + 1]));
    }
    for (let r = firstPair(rootRegisters, this.#instruction); isOf(rootRegisters, r, this.#instruction); r += 2) {
      roots.push(rootRegisters.data[r + 1]);
    }
  }

  /** Appends, out of line, the call of a host import whose thunk is in r11: it comes back to `back`. */
  addHostImport(label: Label, back: Label): void {
    this.#addPiece(Piece.hostImport, 0, label, back, NONE, NONE);
  }

  // Jump tables: offsets of the targets from the table's own start.
  #brTable(i: number): void {
    const { asm, selector } = this;
    const { code } = selector;
    const index = this.reg(code.regOp[i]), table = this.reg(code.auxOp[i]), target = this.reg(code.rmOp[i]);
    const count = code.imm2[i];
    const label = asm.newLabel();
    const bound = count - 1;
    asm.ri(F.fitsI8(bound) ? F.CMP.imm8[0] : F.CMP.imm32[0], index, bound);
    const otherwise = selector.blocks.blockOf[selector.pool[code.imm[i] + bound]];
    asm.jcc(COND.AE, this.labelOf(otherwise));
    asm.rr(F.MOV_R32, target, index);
    asm.leaLabel(table, label);
    asm.rm(F.MOVSXD, target, packMem(table, target, 2), 0);
    asm.rr(F.ADD.rm[1], target, table);
    asm.r(F.JMP_RM, target);
    this.#addPiece(Piece.table, i, label, NONE, NONE, NONE);
  }

  // Out-of-line pieces.

  #addPiece(kind: number, inst: number, label: number, other: number, first: number, second: number): void {
    const pieces = this.#pieces;
    pieces.push(kind);
    pieces.push(inst);
    pieces.push(label);
    pieces.push(other);
    pieces.push(first);
    pieces.push(second);
  }

  /** Appends a slow path behind the function: `SLOW_PATHS[shape]` emits it; `label` leads there, `back` back. */
  addSlowPath(inst: number, label: Label, back: Label): void {
    // The operands' place is what the slow path needs of the instruction: it reads locations through it.
    this.#addPiece(Piece.sequence, this.#operands, label, back, inst, this.#instruction);
  }

  #emitPieces(): void {
    const { asm } = this;
    const { code } = this.selector;
    const pieces = this.#pieces;
    // Slow paths may add trap pieces behind themselves; tables are data and go out last.
    for (let p = 0; p < pieces.length; p += PIECE_WORDS) {
      const kind = pieces.data[p],
        inst = pieces.data[p + 1],
        label = pieces.data[p + 2] as Label,
        other = pieces.data[p + 3],
        first = pieces.data[p + 4],
        second = pieces.data[p + 5];
      if (kind === Piece.table) continue;
      asm.bind(label);
      if (kind === Piece.trap) {
        this.#trapCall(inst, other);
        if (first !== NONE) {
          this.out.subjects.push(asm.offset);
          this.out.subjects.push(first);
        }
      } else if (kind === Piece.hostImport) {
        asm.leaLabel(R10, other as Label);
        asm.r(F.PUSH, R10);
        asm.r(F.JMP_RM, R11);
      } else {
        this.#operands = inst;
        this.#instruction = second;
        SEQUENCES[code.shape[first] + SLOW_PATH](this, first);
        if (NEVER_RETURNS[code.shape[first]] === 0) asm.jmp(other as Label);
      }
    }
  }

  #emitTables(): void {
    const { asm } = this;
    const { code, pool, blocks } = this.selector;
    const pieces = this.#pieces;
    for (let p = 0; p < pieces.length; p += PIECE_WORDS) {
      if (pieces.data[p] === Piece.table) {
        const i = pieces.data[p + 1], label = pieces.data[p + 2] as Label;
        this.out.buffer.align(4, INT3);
        asm.bind(label);
        const start = code.imm[i], count = code.imm2[i] - 1;
        for (let k = 0; k < count; k++) asm.labelDelta32(this.labelOf(blocks.blockOf[pool[start + k]]), label);
      }
    }
  }

  /** Label of pool constant `index`. */
  constantLabel(index: number): Label {
    const labels = this.#constantLabels;
    while (labels.length <= index) labels.push(this.asm.newLabel());
    return labels.data[index] as Label;
  }

  #emitConstants(): void {
    const { entries } = this.selector.constants;
    const { buffer } = this.out;
    for (const size of CONSTANT_SIZES) {
      for (let at = 0; at < entries.length; at += 5) {
        const index = at / 5;
        if (entries.data[at] !== size || index >= this.#constantLabels.length) continue;
        buffer.align(size, INT3);
        this.asm.bind(this.#constantLabels.data[index] as Label);
        for (let w = 0; w < size / 4; w++) buffer.u32(entries.data[at + 1 + w]);
      }
    }
  }

  // Edits.

  #isWideDef(i: number): number {
    const { code } = this.selector;
    const type = code.vregType[code.opVreg[code.opStart[i] + code.regOp[i]]];
    return type === I32 || type === REF ? 0 : 1;
  }

  #edit(e: number): void {
    const { editFrom, editTo, editVreg } = this.allocation;
    const from = editFrom[e], to = editTo[e], vreg = editVreg[e];
    if (from === REMATERIALISE) rematerialise(this, vreg, to);
    else move(this, from, to, this.selector.code.vregType[vreg]);
  }
}

const CONSTANT_SIZES = [16, 8] as const;
const INT3 = 0xcc;
// A register that carries no argument and is free in a prologue.
const RAX_FREE = RAX;

/** The first of the pairs (instruction, place), which ascend by instruction, that is not before `instruction`. */
function firstPair({ data, length }: IntList, instruction: number): number {
  let low = 0, high = length >> 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (data[2 * middle] < instruction) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}

/** Whether there is a pair at `at`, of the instruction. */
function isOf({ data, length }: IntList, at: number, instruction: number): boolean {
  return at < length && data[at] === instruction;
}
