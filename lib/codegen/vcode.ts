/**
 * Virtual-register machine code: what selection produces, register allocation reads and emission encodes.
 *
 * An instruction is a *shape* (how its bytes come about), for table-driven shapes a *form* of the x64 table, operands over virtual
 * registers, perhaps a memory operand and an immediate, and a *tail*: what consumes the flags it leaves. A comparison and its jump,
 * setcc, cmov or trap are one instruction, so flags never live from one instruction to another and a move or rematerialisation that the
 * allocator puts between two instructions may clobber them.
 *
 * ```
 *   cmp  r1, [r2 + r3*4 + 16]   jb -> block 3        shape rm, form "cmp r64, rm64", tail jcc, cond b
 *   uses r1 (reg), r2 (base), r3 (index)             operands 0, 1, 2; regOp = 0, memBase = 1, memIndex = 2
 * ```
 * Selection walks each block backwards and appends *groups*: the instructions for one IR instruction, in forward order. `finish` walks
 * the groups back to front and fills the allocator's input, so instruction numbers of allocator and emitter count forward; `instAt`
 * leads from such a number to the columns here.
 *
 * VC-1  Columns of an instruction are complete before the next one begins: operands of the last instruction only are added.
 * VC-2  No flags live between instructions; a pseudo shape may clobber them freely.
 * VC-3  `memBase` is an operand number, or one of the special bases; `rmOp` is used only when `memBase` is `MemBase.none`.
 * VC-4  Of the columns, `begin` sets those that say what the others mean: the rest hold garbage unless shape, `memBase` or tail reads them.
 */

import { type Id, IntList, NONE } from "../base/mod.ts";
import { growInt32, growUint16, growUint8 } from "../base/mod.ts";
import { IS_FLOAT_CLASS, REF, type Type, V128 } from "../ir/mod.ts";
import { AllocationInput, Constraint, DEF, LATE, operandInfo, Safepoint, type VReg } from "../regalloc/mod.ts";

/** An instruction in the columns of {@linkcode VCode}. */
export type Inst = Id<"inst">;

/** How an instruction's bytes come about. The first group encodes `form` with operands; the rest are sequences of their own. */
export const Shape = {
  /** form(reg, rm or memory) */
  rm: 0,
  /** form(reg, rm or memory, imm) */
  rmi: 1,
  /** form(rm or memory) */
  m: 2,
  /** form(rm or memory, imm) */
  mi: 3,
  /** VEX: form(reg, vvvv = operand auxOp, rm or memory) */
  vrm: 4,
  /** As rm, with a float destination that the form writes in part: the dependency on what it held is broken first. */
  rmBreak: 5,
  /** As rmi, likewise. */
  rmiBreak: 6,
  /** Integer constant imm (low), imm2 (high) into operand regOp. */
  iconst: 7,
  /** Float constant, likewise. */
  fconst: 8,
  /** Defines register parameters; no bytes. */
  entry: 9,
  jump: 10,
  brTable: 11,
  ret: 12,
  /** Unconditional trap. */
  trap: 13,
  call: 14,
  callImport: 15,
  callIndirect: 16,
  libcall: 17,
  /** Signed or unsigned division and remainder; form is the div. */
  div: 18,
  /** Signed remainder by a divisor that may be -1. */
  srem: 19,
  /** Leading, trailing zeros by bit scan. */
  clzScan: 20,
  ctzScan: 21,
  fmin: 22,
  fmax: 23,
  /** Unsigned 64-bit integer to float. */
  cvtFromU64: 24,
  /** Truncations of floats to integers: trapping, saturating. */
  truncSigned: 25,
  truncUnsigned32: 26,
  truncUnsigned64: 27,
  truncSatSigned: 28,
  truncSatUnsigned32: 29,
  truncSatUnsigned64: 30,
  /** Moves r14 into operand regOp. */
  vmctx: 31,
  /** Tail calls: the frame is given up, the callee jumped to. */
  tailCall: 32,
  tailCallImport: 33,
  tailCallIndirect: 34,
  /** Leaves if an interrupt was asked for; every register survives. */
  poll: 35,
  /** imm 0: regOp = auxOp + rmOp, tailDef += tailUse + carry; imm 1: differences with borrow. Without tailUse the immediate in disp. */
  addPair: 36,
  /** imm 0: regOp += rmOp + (auxOp < tailUse), imm 1: regOp -= likewise; the comparison unsigned. Without rmOp the immediate in disp. */
  addCarry: 37,
  /** Stress: fills the upper half of operand regOp with what must not matter. */
  poison: 38,
  /** Stress: traps unless the upper half of operand regOp is zero. */
  checkZero: 39,
  /** Atomic read-modify-write by compare and exchange, repeated until nobody came in between; form is the operation. */
  atomicLoop: 40,
  /** 128-bit constant: words imm, imm2, disp, tailUse into operand regOp. */
  vconst: 41,
  /** VEX: form(reg, vvvv = operand auxOp, rm or memory, imm) */
  vrmi: 42,
  /** Behind a call that may unwind: successor 0 when it returned; successor 1 is the call's pad. */
  unwindEdge: 43,
  /** Moves r15 into operand regOp. */
  record: 44,
  /** Takes imm from the fuel, and leaves as a poll does if less than nothing is left. */
  fuelPoll: 45,
  /** Takes imm from the fuel. */
  fuelTake: 46,
  /** Takes operand regOp from the fuel. */
  fuelAmount: 47,
} as const;

/** What consumes the flags that the main form leaves. */
export const Tail = {
  none: 0,
  /** Jump to successor 0 if cond, else to successor 1. */
  jcc: 1,
  /** operand tailDef = cond as 0 or 1 */
  setcc: 2,
  /** operand tailDef (which holds the other value) = operand tailUse if cond */
  cmov: 3,
  /** As cmov for floats, by a branch. */
  fselect: 4,
  /** Trap with code imm2 if cond. */
  trap: 5,
} as const;

/** x64 condition codes 0 to 15, and the two float conditions that take two flags. ORDER: `cond ^ 1` negates. */
export const COND_FEQ = 16;
/** Float "not equal or unordered". */
export const COND_FNE = 17;

/** Special values of `memBase`. */
export const MemBase = {
  none: -1,
  vmctx: -2,
  record: -7,
  rsp: -3,
  rbp: -4,
  /** rip-relative constant of the function's pool; the displacement is its number. */
  pool: -5,
  /** No base: index and displacement only. */
  absent: -6,
} as const;

const REG_USE = operandInfo(Constraint.reg, 0);
const ANY_USE = operandInfo(Constraint.any, 0);
const REG_DEF = operandInfo(Constraint.reg, DEF | LATE);
const EARLY_DEF = operandInfo(Constraint.reg, DEF);

/** One function's machine code before allocation. Reusable: `reset` keeps the storage. */
export class VCode {
  /** What register allocation reads; filled by {@linkcode finish}. */
  readonly input: AllocationInput = new AllocationInput();
  /** IR type by vreg: the width of its moves. */
  vregType: Uint8Array<ArrayBuffer> = new Uint8Array(1024);

  count = 0;
  shape: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  tail: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  cond: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** Trap code when the main form's own machine instruction may fault; 0: it cannot. */
  trap: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  form: Uint16Array<ArrayBuffer> = new Uint16Array(1024);
  // Operand numbers, stored as int8 in a byte each: regOp | rmOp << 8 | auxOp << 16 would cost shifts; columns are plain.
  regOp: Int32Array<ArrayBuffer> = new Int32Array(1024);
  rmOp: Int32Array<ArrayBuffer> = new Int32Array(1024);
  auxOp: Int32Array<ArrayBuffer> = new Int32Array(1024);
  memBase: Int32Array<ArrayBuffer> = new Int32Array(1024);
  memIndex: Int32Array<ArrayBuffer> = new Int32Array(1024);
  memScale: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  disp: Int32Array<ArrayBuffer> = new Int32Array(1024);
  imm: Int32Array<ArrayBuffer> = new Int32Array(1024);
  imm2: Int32Array<ArrayBuffer> = new Int32Array(1024);
  tailDef: Int32Array<ArrayBuffer> = new Int32Array(1024);
  tailUse: Int32Array<ArrayBuffer> = new Int32Array(1024);
  clobbers: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Byte offset of the wasm instruction. */
  site: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** The same of the memory access within the instruction, where `trap` says that it may fault: a folded load keeps its own place. */
  accessSite: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Operands of instruction i: `opStart[i] .. opEnd[i]`. */
  opStart: Int32Array<ArrayBuffer> = new Int32Array(1024);
  opEnd: Int32Array<ArrayBuffer> = new Int32Array(1024);
  opCount = 0;
  opVreg: Int32Array<ArrayBuffer> = new Int32Array(4096);
  opInfo: Int32Array<ArrayBuffer> = new Int32Array(4096);

  /** First instructions of groups, in the (backward) order of selection. */
  readonly groups: IntList = new IntList(1024);
  /** First group of each block, by block; blocks are selected from the last to the first. */
  blockGroup: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Instruction by its forward number, after {@linkcode finish}. */
  instAt: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Stamped on instructions as they begin. */
  currentSite = 0;
  /** Bytes of the outgoing area: the largest of all calls. */
  outgoingBytes = 0;
  /** 1: something needs the frame: a call, a trap site, a stack parameter. */
  needsFrame = 0;
  /** 1: the function calls. */
  hasCalls = 0;
  /** 1: the function calls, or ends in a tail call: only then can it be part of a recursion. */
  leadsOn = 0;

  /** Empties the code for reuse. */
  reset(): void {
    this.input.reset();
    this.count = 0;
    this.opCount = 0;
    this.groups.reset();
    this.outgoingBytes = 0;
    this.needsFrame = 0;
    this.hasCalls = 0;
    this.leadsOn = 0;
  }

  /** Adds a virtual register for a value of an IR type. `remat`: the IR value it can be recomputed from, or NONE. */
  addVreg(type: Type, remat: number): VReg {
    const vreg = this.input.addVreg(IS_FLOAT_CLASS[type], type === V128 ? 16 : 8, remat, type === REF ? 1 : 0);
    if (vreg >= this.vregType.length) this.vregType = growUint8(this.vregType, vreg + 1);
    this.vregType[vreg] = type;
    return vreg;
  }

  /** Begins a group: the instructions for one IR instruction. */
  beginGroup(): void {
    this.groups.push(this.count);
  }

  /** Begins an instruction. Columns that its shape, memory operand or tail calls for are the caller's to set (VC-4). */
  begin(shape: number, form: number): Inst {
    const i = this.count;
    if (i === this.shape.length) this.#grow(i + 1);
    this.count = i + 1;
    this.shape[i] = shape;
    this.form[i] = form;
    this.tail[i] = Tail.none;
    this.trap[i] = 0;
    this.rmOp[i] = NONE;
    this.memBase[i] = MemBase.none;
    this.memIndex[i] = NONE;
    this.clobbers[i] = 0;
    this.site[i] = this.currentSite;
    this.opStart[i] = this.opCount;
    this.opEnd[i] = this.opCount;
    return i as Inst;
  }

  /** Adds an operand to the last instruction; returns its number within it. */
  operand(vreg: number, info: number): number {
    const id = this.opCount++;
    if (id === this.opVreg.length) {
      this.opVreg = growInt32(this.opVreg, id + 1);
      this.opInfo = growInt32(this.opInfo, id + 1);
    }
    this.opVreg[id] = vreg;
    this.opInfo[id] = info;
    const i = this.count - 1;
    this.opEnd[i] = id + 1;
    return id - this.opStart[i];
  }

  /** A use in some register. */
  use(vreg: number): number {
    return this.operand(vreg, REG_USE);
  }
  /** A use in a register or a stack slot. */
  useAny(vreg: number): number {
    return this.operand(vreg, ANY_USE);
  }
  /** A use in the given location. */
  useFixed(vreg: number, location: number): number {
    return this.operand(vreg, operandInfo(Constraint.fixed, 0, location));
  }
  /** A result in some register, which may be one of the operands'. */
  def(vreg: number): number {
    return this.operand(vreg, REG_DEF);
  }
  /** A result or temporary in a register that is none of the operands'. */
  defEarly(vreg: number): number {
    return this.operand(vreg, EARLY_DEF);
  }
  /** A result in the given location. */
  defFixed(vreg: number, location: number): number {
    return this.operand(vreg, operandInfo(Constraint.fixed, DEF | LATE, location));
  }
  /** A result or temporary in the given location, which no operand shares. */
  defFixedEarly(vreg: number, location: number): number {
    return this.operand(vreg, operandInfo(Constraint.fixed, DEF, location));
  }
  /** A result in the register of use operand `operand`. */
  defReuse(vreg: number, operand: number): number {
    return this.operand(vreg, operandInfo(Constraint.reuse, DEF | LATE, operand));
  }

  /** Notes the first group of block `block`, whose groups follow. */
  beginBlock(block: number): void {
    if (block >= this.blockGroup.length) this.blockGroup = growInt32(this.blockGroup, block + 1);
    this.blockGroup[block] = this.groups.length;
  }

  /** Fills the instruction part of the allocator's input, in forward order. Blocks were selected from `blockCount - 1` down to 0. */
  finish(blockCount: number): void {
    const { input, groups, opStart, opEnd, opVreg, opInfo, clobbers, shape } = this;
    this.instAt = growInt32(this.instAt, this.count + 1);
    input.reserveInstructions(this.count, this.opCount);
    const instAt = this.instAt;
    const starts = groups.data;
    const { operandStart, operandVreg, operandInfo, safepoint, blockFirst } = input;
    const inputClobbers = input.clobbers;
    let n = 0, operand = 0;
    for (let block = 0; block < blockCount; block++) {
      blockFirst[block] = n;
      const firstGroup = this.blockGroup[block];
      const endGroup = block === 0 ? groups.length : this.blockGroup[block - 1];
      for (let group = endGroup - 1; group >= firstGroup; group--) {
        const end = group + 1 < groups.length ? starts[group + 1] : this.count;
        for (let i = starts[group]; i < end; i++) {
          instAt[n] = i;
          inputClobbers[n] = clobbers[i];
          safepoint[n] = shape[i] === Shape.poll || shape[i] === Shape.fuelPoll
            ? Safepoint.registers
            : shape[i] >= Shape.call && shape[i] <= Shape.libcall
            ? Safepoint.slots
            : Safepoint.none;
          operandStart[n++] = operand;
          for (let o = opStart[i], last = opEnd[i]; o < last; o++) {
            operandVreg[operand] = opVreg[o];
            operandInfo[operand++] = opInfo[o];
          }
        }
      }
    }
    operandStart[n] = operand;
    input.instCount = n;
    input.operandCount = operand;
    input.blockFirst[blockCount] = input.instCount;
  }

  #grow(needed: number): void {
    this.shape = growUint8(this.shape, needed);
    this.tail = growUint8(this.tail, needed);
    this.cond = growUint8(this.cond, needed);
    this.trap = growUint8(this.trap, needed);
    this.form = growUint16(this.form, needed);
    this.regOp = growInt32(this.regOp, needed);
    this.rmOp = growInt32(this.rmOp, needed);
    this.auxOp = growInt32(this.auxOp, needed);
    this.memBase = growInt32(this.memBase, needed);
    this.memIndex = growInt32(this.memIndex, needed);
    this.memScale = growUint8(this.memScale, needed);
    this.disp = growInt32(this.disp, needed);
    this.imm = growInt32(this.imm, needed);
    this.imm2 = growInt32(this.imm2, needed);
    this.tailDef = growInt32(this.tailDef, needed);
    this.tailUse = growInt32(this.tailUse, needed);
    this.clobbers = growInt32(this.clobbers, needed);
    this.site = growInt32(this.site, needed);
    this.accessSite = growInt32(this.accessSite, needed);
    this.opStart = growInt32(this.opStart, needed);
    this.opEnd = growInt32(this.opEnd, needed);
  }
}
