/**
 * What the register allocator is given and what it gives back. It knows neither wasm nor x64: registers are numbers in two classes.
 *
 * Input: a program in SSA form over virtual registers. Each instruction has operands (uses and defs with constraints) and a mask of
 * registers it destroys. Block parameters are assigned "at once" on each edge from the arguments at the end of the predecessor.
 *
 * RA-IN-1  Every vreg has exactly one def (an instruction operand or a block parameter) that dominates its uses.
 * RA-IN-2  Critical edges are split: a block with several successors passes no arguments, and each of its successors has one predecessor.
 * RA-IN-3  Blocks are numbered in the order of emission; that order is a reverse postorder in which each loop's blocks are contiguous.
 *          Cold blocks are no exception: out-of-line placement is the emitter's business.
 * RA-IN-4  A use at a fixed register, a clobber and a def at a fixed register of one instruction do not contradict one another.
 *          The same vreg may occur as several uses of one instruction, with different fixed registers too.
 * RA-IN-5  The operands of an instruction fit into the registers at its early and at its late point. An `any` use of a rematerialisable
 *          vreg counts as one in a register: such a vreg has no slot.
 * RA-IN-6  A *pad* is a block where control comes from the middle of its only predecessor, a block with several successors: from between the
 *          early and the late point of an instruction there that clobbers every register (`padCall`). What that instruction defines, and
 *          what stands behind it in its block, has not happened; behind it no value is used that the pad does not define itself.
 *
 * Output: a location per operand and a list of edits (moves between instructions). The input is read-only from then on.
 *
 * RA-OUT-1 At an instruction whose clobber mask holds all allocatable registers, every value live across it is in a stack slot
 *          (or is rematerialised after it).
 * RA-OUT-2 Edits come sorted by (instruction, before < after) and are sequential: each is one machine move; no edit moves slot to slot
 *          (the producer's scratch register, RegisterFile.scratchFloat, carries such a value and breaks cycles of floats; cycles of
 *          integers go through the same scratch).
 * RA-OUT-3 A pad begins with nothing in registers: RA-OUT-1 says where all that is live into it is.
 */

import { type Id, IntList, NONE } from "../base/mod.ts";
import { growInt32, growUint8 } from "../base/mod.ts";

/** A virtual register. */
export type VReg = Id<"vreg">;

/** A location: 0..15 integer registers, 16..31 float registers, negative a stack slot. */
export type Location = number;

/** The location of stack slot `index` (8-byte units from the frame's spill area start; a 16-byte value takes an even index and the next). */
export function slotLocation(index: number): Location {
  return -1 - index;
}
/** Whether a location is a stack slot. */
export function isSlot(location: Location): boolean {
  return location < 0;
}
/** The slot index of a location for which {@linkcode isSlot} holds. */
export function slotIndex(location: Location): number {
  return -1 - location;
}

/** Where an operand may live. */
export const Constraint = {
  /** A register or a stack slot (the instruction has a memory form for it). */
  any: 0,
  /** Some register of its class. */
  reg: 1,
  /** The register given in the operand's `detail`. */
  fixed: 2,
  /** A def in the same register as the use operand whose index within the instruction is `detail`. */
  reuse: 3,
} as const;

/** Operand info bits: constraint in 0..2, {@linkcode DEF}, {@linkcode LATE}, detail from bit 8. */
export const DEF = 8;
/**
 * Early operands are read or written before, late ones after the instruction's effect. Uses are early (a late use also keeps its register
 * from late defs); defs are late (an early def, a temporary, also conflicts with the uses).
 */
export const LATE = 16;

/** Packs an operand's info word. `detail`: the fixed register (0..31) or the reused operand's index. */
export function operandInfo(constraint: number, flags: number, detail = 0): number {
  return constraint | flags | detail << 8;
}

/** Kinds of safepoints. */
export const Safepoint = {
  /** The collector does not run. */
  none: 0,
  /** It may, and updates slots: roots survive in slots only. */
  slots: 1,
  /** It may, and updates saved registers too: roots survive where they are. For instructions without operands and clobbers. */
  registers: 2,
} as const;

/** The registers the allocator may use. */
export interface RegisterFile {
  /** Integer registers (0..15) in order of preference. */
  readonly intOrder: Uint8Array;
  /** Float registers (16..31) in order of preference. */
  readonly floatOrder: Uint8Array;
  /** Registers that values come to only by operands at a fixed register, of either class; none if absent. */
  readonly fixedOnly?: Uint8Array;
  /** A float register outside `floatOrder`, for moves from slot to slot and cycles. */
  readonly scratchFloat: number;
}

/** The program to allocate. Reusable: `reset` keeps the storage. */
export class AllocationInput {
  vregCount = 0;
  /** 0 integer, 1 float. */
  vregClass: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** Slot size in bytes: 8 or 16. */
  vregSlotBytes: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** NONE, or a token (>= 0) by which the producer can compute the value anywhere from nothing: never spilled, recomputed instead. */
  vregRemat: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** 1: the value is a collector root; its slots are reported at safepoints. */
  vregIsRoot: Uint8Array<ArrayBuffer> = new Uint8Array(1024);

  instCount = 0;
  /** Operands of instruction i: `operandStart[i] .. operandStart[i + 1]`. */
  operandStart: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Registers destroyed between the early and the late point of each instruction: bit n is location n. */
  clobbers: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Whether the collector may run during each instruction: one of {@linkcode Safepoint}. */
  safepoint: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  operandCount = 0;
  operandVreg: Int32Array<ArrayBuffer> = new Int32Array(2048);
  operandInfo: Int32Array<ArrayBuffer> = new Int32Array(2048);

  blockCount = 0;
  /** Instructions of block k: `blockFirst[k] .. blockFirst[k + 1]`; the last one is the terminator. */
  blockFirst: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Successors, predecessors, parameters (vregs), arguments to the only successor (vregs): ranges in `lists`, `xStart[k] .. xStart[k + 1]`. */
  readonly succs: IntList = new IntList(256);
  succStart: Int32Array<ArrayBuffer> = new Int32Array(256);
  readonly preds: IntList = new IntList(256);
  predStart: Int32Array<ArrayBuffer> = new Int32Array(256);
  readonly params: IntList = new IntList(256);
  paramStart: Int32Array<ArrayBuffer> = new Int32Array(256);
  readonly args: IntList = new IntList(256);
  argStart: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Loop nesting depth, by block. */
  loopDepth: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  /** For a loop header the last block (in numbering) of its loop, else NONE. */
  loopEnd: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** The instruction in the middle of which control may come to the block (RA-IN-6), NONE for blocks that are no pads. */
  padCall: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** 1: unlikely to run; spills and reloads are cheap there. */
  cold: Uint8Array<ArrayBuffer> = new Uint8Array(256);

  /** Empties the program for reuse. */
  reset(): void {
    this.vregCount = 0;
    this.instCount = 0;
    this.operandCount = 0;
    this.blockCount = 0;
    this.succs.reset();
    this.preds.reset();
    this.params.reset();
    this.args.reset();
  }

  /** Adds a virtual register. */
  addVreg(registerClass: number, slotBytes: number, remat: number, isRoot: number): VReg {
    const id = this.vregCount++;
    if (id >= this.vregClass.length) {
      this.vregClass = growUint8(this.vregClass, id + 1);
      this.vregSlotBytes = growUint8(this.vregSlotBytes, id + 1);
      this.vregRemat = growInt32(this.vregRemat, id + 1);
      this.vregIsRoot = growUint8(this.vregIsRoot, id + 1);
    }
    this.vregClass[id] = registerClass;
    this.vregSlotBytes[id] = slotBytes;
    this.vregRemat[id] = remat;
    this.vregIsRoot[id] = isRoot;
    return id as VReg;
  }

  /** Begins an instruction; its operands follow by {@linkcode addOperand}. */
  addInst(clobbers: number): number {
    const id = this.instCount++;
    if (id + 1 >= this.operandStart.length) {
      this.operandStart = growInt32(this.operandStart, id + 2);
      this.clobbers = growInt32(this.clobbers, id + 2);
      this.safepoint = growUint8(this.safepoint, id + 2);
    }
    this.operandStart[id] = this.operandCount;
    this.operandStart[id + 1] = this.operandCount;
    this.clobbers[id] = clobbers;
    this.safepoint[id] = 0;
    return id;
  }

  /** Makes room for instructions and operands that the producer writes into the columns itself, counts and closing elements included. */
  reserveInstructions(instructions: number, operands: number): void {
    this.operandStart = growInt32(this.operandStart, instructions + 1);
    this.clobbers = growInt32(this.clobbers, instructions);
    this.safepoint = growUint8(this.safepoint, instructions);
    this.operandVreg = growInt32(this.operandVreg, operands);
    this.operandInfo = growInt32(this.operandInfo, operands);
  }

  /** Adds an operand to the instruction begun last. */
  addOperand(vreg: VReg, info: number): void {
    const id = this.operandCount++;
    if (id >= this.operandVreg.length) {
      this.operandVreg = growInt32(this.operandVreg, id + 1);
      this.operandInfo = growInt32(this.operandInfo, id + 1);
    }
    this.operandVreg[id] = vreg;
    this.operandInfo[id] = info;
    this.operandStart[this.instCount] = this.operandCount;
  }

  /** Makes room for `count` blocks (and the closing element of each range column). */
  reserveBlocks(count: number): void {
    this.blockFirst = growInt32(this.blockFirst, count + 1);
    this.succStart = growInt32(this.succStart, count + 1);
    this.predStart = growInt32(this.predStart, count + 1);
    this.paramStart = growInt32(this.paramStart, count + 1);
    this.argStart = growInt32(this.argStart, count + 1);
    this.loopDepth = growUint8(this.loopDepth, count + 1);
    this.loopEnd = growInt32(this.loopEnd, count + 1);
    this.cold = growUint8(this.cold, count + 1);
    this.padCall = growInt32(this.padCall, count + 1);
    this.padCall.fill(NONE, 0, count);
  }
}

/** Marks an edit whose source is nothing: the producer recomputes the vreg from its remat token into `to`. */
export const REMATERIALISE = 64;

/** The result. Reusable: `reset` keeps the storage. */
export class Allocation {
  /** Location of each operand, indexed as `AllocationInput.operandVreg`. */
  operandLocation: Int32Array<ArrayBuffer> = new Int32Array(2048);
  /** Number of 8-byte stack slots used. */
  slotCount = 0;
  editCount = 0;
  /** Edits in order. An edit stands before (0) or after (1) an instruction. */
  editInst: Int32Array<ArrayBuffer> = new Int32Array(512);
  editAfter: Uint8Array<ArrayBuffer> = new Uint8Array(512);
  editVreg: Int32Array<ArrayBuffer> = new Int32Array(512);
  editFrom: Int32Array<ArrayBuffer> = new Int32Array(512);
  editTo: Int32Array<ArrayBuffer> = new Int32Array(512);
  /** Root slots by safepoint: pairs (instruction, slot index), sorted by instruction. */
  readonly rootSlots: IntList = new IntList(64);
  /** Registers that hold roots during a safepoint that saves registers: pairs (instruction, register), sorted by instruction. */
  readonly rootRegisters: IntList = new IntList(16);
}
