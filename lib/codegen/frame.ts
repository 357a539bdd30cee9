/**
 * The stack frame of a function (CALL-2, CALL-3).
 *
 * ```
 *   rbp + 16 + stackArgBytes ..   return slots          made by the caller, stay
 *   rbp + 16 ..                   stack arguments       made by the caller, popped here (ret n)
 *   rbp + 8                       return address
 *   rbp                           saved rbp
 *   rbp - 8                       vmctx
 *   rbp - slotBase ..             spill slots, upwards: slot k at rbp - slotBase + 8 k
 *   rsp = rbp - sizeBytes ..      outgoing area: arguments and return slots of calls
 * ```
 * FRAME-1  rbp, slotBase and sizeBytes are multiples of 16, so even slots hold 16-byte values aligned and rsp is aligned at calls.
 * FRAME-2  A function without calls, trap sites, stack parameters and spills has no frame: nothing can look at its stack.
 * FRAME-3  Integer slots are written with all 64 bits, so what a register's upper half held (zeros, SEL-4) comes back with it.
 */

/** A function's frame; reusable. */
export class Frame {
  /** 1: the function has a frame. */
  exists = 0;
  slotBase = 0;
  sizeBytes = 0;

  /** Lays out a frame with `slotCount` 8-byte spill slots and an outgoing area of `outgoingBytes` (a multiple of 16). */
  layOut(needsFrame: number, slotCount: number, outgoingBytes: number): void {
    this.exists = needsFrame !== 0 || slotCount > 0 ? 1 : 0;
    this.slotBase = 8 + slotCount * 8 + 15 & -16;
    this.sizeBytes = this.slotBase + outgoingBytes;
  }

  /** Offset of a spill slot from rbp. */
  slotOffset(slot: number): number {
    return slot * 8 - this.slotBase;
  }
}

/** Frames up to this size are compared with the limit after the fact: the limit leaves more room than that. */
export const CHECK_AFTER_BYTES = 4096;
/** A function without calls and with a frame up to this size runs unchecked in the room that the limit leaves. */
export const UNCHECKED_LEAF_BYTES = 1024;
