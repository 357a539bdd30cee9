/**
 * Upper bounds of code sizes, so that forward branches can be two bytes long without relaxation.
 *
 * The assembler never moves code: a forward branch is as long as it is emitted. So before emission every block gets an upper bound of its
 * bytes, from the form's encoding, the operands' locations and the number of edits; a forward branch whose target begins at most 127
 * bytes away by these bounds is emitted short. Bounds that are too low fail loudly (BUF-3 of the assembler's labels). One pass over the
 * instructions.
 */

import { NONE } from "../base/mod.ts";
import { growInt32 } from "../base/mod.ts";
import { type Allocation, isSlot, REMATERIALISE } from "../regalloc/mod.ts";
import { ENC_LOCK, ENC_MAP_SHIFT, ENC_PP_SHIFT, ENC_VEX, FORM_ENCODING, FORM_IMMEDIATE_BYTES } from "../x64/mod.ts";
import { tailCallBytes } from "./emit_call.ts";
import { blockAlignmentBytes } from "./alignment.ts";
import type { Frame } from "./frame.ts";
import * as F from "./isel/forms.ts";
import type { Selector } from "./isel/selector.ts";
import { MemBase, Shape, Tail } from "./vcode.ts";

/** Bound of a shape with a fixed sequence; 0: computed from the form. */
const SHAPE_BYTES: Uint8Array = new Uint8Array(64);
SHAPE_BYTES[Shape.iconst] = 10;
SHAPE_BYTES[Shape.fconst] = 9;
SHAPE_BYTES[Shape.jump] = 5;
SHAPE_BYTES[Shape.brTable] = 40;
SHAPE_BYTES[Shape.ret] = 4;
SHAPE_BYTES[Shape.trap] = 6;
SHAPE_BYTES[Shape.call] = 12;
SHAPE_BYTES[Shape.callImport] = 56;
SHAPE_BYTES[Shape.callIndirect] = 28;
SHAPE_BYTES[Shape.libcall] = 28;
SHAPE_BYTES[Shape.poll] = 14;
SHAPE_BYTES[Shape.fuelPoll] = 13;
SHAPE_BYTES[Shape.fuelTake] = 7;
SHAPE_BYTES[Shape.fuelAmount] = 3;
SHAPE_BYTES[Shape.poison] = 10;
SHAPE_BYTES[Shape.checkZero] = 17;
SHAPE_BYTES[Shape.div] = 12;
SHAPE_BYTES[Shape.srem] = 28;
SHAPE_BYTES[Shape.clzScan] = 18;
SHAPE_BYTES[Shape.ctzScan] = 16;
SHAPE_BYTES[Shape.fmin] = 28;
SHAPE_BYTES[Shape.fmax] = 28;
SHAPE_BYTES[Shape.cvtFromU64] = 20;
SHAPE_BYTES[Shape.truncSigned] = 18;
SHAPE_BYTES[Shape.truncSatSigned] = 18;
SHAPE_BYTES[Shape.truncUnsigned32] = 20;
SHAPE_BYTES[Shape.truncSatUnsigned32] = 20;
SHAPE_BYTES[Shape.truncUnsigned64] = 64;
SHAPE_BYTES[Shape.truncSatUnsigned64] = 64;
SHAPE_BYTES[Shape.vmctx] = 3;
SHAPE_BYTES[Shape.addPair] = 21;
SHAPE_BYTES[Shape.addCarry] = 16;
SHAPE_BYTES[Shape.atomicLoop] = 36;
SHAPE_BYTES[Shape.vconst] = 9;
SHAPE_BYTES[Shape.record] = 3;
SHAPE_BYTES[Shape.unwindEdge] = 5;

const TAIL_BYTES: Uint8Array = new Uint8Array(8);
TAIL_BYTES[Tail.jcc] = 18;
TAIL_BYTES[Tail.setcc] = 18;
TAIL_BYTES[Tail.cmov] = 16;
TAIL_BYTES[Tail.fselect] = 12;
TAIL_BYTES[Tail.trap] = 14;

/** Jumps that may stand between a branch and the end of its block. */
const TERMINATOR_BYTES = 17;

/** What a pad begins with. */
const PAD_BYTES = 16;

const MOVE_BYTES = 9, REMATERIALISE_BYTES = 40;

/** Prefixes, REX or VEX, escapes, opcode, ModRM. */
function baseBytes(form: number): number {
  const encoding = FORM_ENCODING[form];
  if ((encoding & ENC_VEX) !== 0) return 5;
  const map = encoding >> ENC_MAP_SHIFT & 3;
  return ((encoding & ENC_LOCK) === 0 ? 0 : 1) + ((encoding >> ENC_PP_SHIFT & 3) === 0 ? 3 : 4) +
    (map === 0 ? 0 : map === 1 ? 1 : 2);
}

/** Bounds for the blocks of one function; reusable. */
export class SizeBounds {
  /** Upper bound of the offset at which the block in each position of the line begins. */
  begin: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Upper bound of the offset at which it ends. */
  end: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Position in the line by block. */
  position: Int32Array<ArrayBuffer> = new Int32Array(256);

  /** Computes bounds for blocks `line[0 .. length)`, in order of emission. */
  compute(
    selector: Selector,
    allocation: Allocation,
    frame: Frame,
    line: Int32Array,
    length: number,
    blockEdit: Int32Array,
  ): void {
    const { code, blocks } = selector;
    const { blockFirst } = code.input;
    this.begin = growInt32(this.begin, length);
    this.end = growInt32(this.end, length);
    this.position = growInt32(this.position, blocks.count);
    this.position.fill(NONE, 0, blocks.count);
    let offset = 0;
    for (let p = 0; p < length; p++) {
      const k = line[p];
      this.position[k] = p;
      offset += blockAlignmentBytes(blocks, k) - 1;
      this.begin[p] = offset;
      if (code.input.padCall[k] !== NONE) offset += PAD_BYTES;
      for (let e = blockEdit[k]; e < blockEdit[k + 1]; e++) {
        offset += allocation.editFrom[e] === REMATERIALISE ? REMATERIALISE_BYTES : MOVE_BYTES;
      }
      for (let n = blockFirst[k]; n < blockFirst[k + 1]; n++) {
        offset += this.#inst(selector, allocation.operandLocation, frame, n, code.instAt[n]);
      }
      this.end[p] = offset;
    }
  }

  /** Whether a branch at the end of the block in position `from` surely reaches the later block `to` with one byte. */
  isNear(from: number, to: number): boolean {
    const target = this.position[to];
    return target > from && this.begin[target] - this.end[from] <= 127 - TERMINATOR_BYTES;
  }

  #inst(selector: Selector, locations: Int32Array, frame: Frame, n: number, i: number): number {
    const { code } = selector;
    const tail = TAIL_BYTES[code.tail[i]];
    const shape = code.shape[i];
    if (shape === Shape.entry) return 0;
    if (shape >= Shape.tailCall && shape <= Shape.tailCallIndirect) return tailCallBytes(code.imm2[i]);
    if (SHAPE_BYTES[shape] !== 0) return SHAPE_BYTES[shape] + tail;
    let bytes = baseBytes(code.form[i]) + FORM_IMMEDIATE_BYTES[code.form[i]] + tail;
    const base = code.memBase[i];
    if (base === MemBase.pool || base === MemBase.absent) bytes += 5;
    else if (base !== MemBase.none) bytes += F.fitsI8(code.disp[i]) ? 2 : 5;
    else if (code.rmOp[i] !== NONE) {
      const location = locations[code.input.operandStart[n] + code.rmOp[i]];
      if (isSlot(location)) bytes += F.fitsI8(frame.slotOffset(-1 - location)) ? 1 : 4;
    }
    if (shape === Shape.rmBreak || shape === Shape.rmiBreak) bytes += 4;
    return bytes;
  }
}
