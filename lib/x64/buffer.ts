/**
 * Labels and fixups: places in the code that are named before they are known.
 *
 * A branch to a label that is bound already is complete when it is emitted. Every other use appends a fixup, four numbers
 * in one list; `resolve` patches them all, once, in emission order. There is no branch relaxation: a forward branch is
 * as long as the caller said, so offsets never move. Linear in labels and fixups.
 *
 * BUF-1  A label is bound at most once.
 * BUF-2  An offset handed out never changes: code is only appended, and patching replaces bytes in place.
 * BUF-3  `resolve` leaves no fixup behind, and fails on one whose label is unbound or whose displacement does not fit.
 *
 * @module
 */
import { bug, type CodeBuffer, growInt32, type Id, IntList } from "../base/mod.ts";

/** A place in the code. */
export type Label = Id<"label">;

/** Kinds of fixup: displacement from `end` in one or four bytes, or the difference of two labels in four. */
const REL8 = 0, REL32 = 1, DELTA32 = 2;

const UNBOUND = -1;

/** The labels and pending fixups of one {@linkcode CodeBuffer}. */
export class Labels {
  #offsets: Int32Array<ArrayBuffer> = new Int32Array(256);
  #count = 0;
  /** Four entries each: kind, offset of the field, label, and end of the instruction or (for a delta) base label. */
  #fixups: IntList = new IntList(1024);

  /** Makes an unbound label. */
  create(): Label {
    if (this.#count === this.#offsets.length) this.#offsets = growInt32(this.#offsets, this.#count + 1);
    this.#offsets[this.#count] = UNBOUND;
    return this.#count++ as Label;
  }

  /** Binds `label` to `offsetBytes`. */
  bind(label: Label, offsetBytes: number): void {
    if (this.#offsets[label] !== UNBOUND) bug(`label ${label} is bound twice`); // BUF-1
    this.#offsets[label] = offsetBytes;
  }

  /** Offset of a bound label, -1 for an unbound one. */
  offsetOf(label: Label): number {
    return this.#offsets[label];
  }

  /** Asks for the displacement from `endBytes` to `label` in the byte at `atBytes`. */
  addRel8(atBytes: number, label: Label, endBytes: number): void {
    this.#add(REL8, atBytes, label, endBytes);
  }

  /** Asks for the displacement from `endBytes` to `label` in the four bytes at `atBytes`. */
  addRel32(atBytes: number, label: Label, endBytes: number): void {
    this.#add(REL32, atBytes, label, endBytes);
  }

  /** Asks for the distance from `base` to `label` in the four bytes at `atBytes`. */
  addDelta32(atBytes: number, label: Label, base: Label): void {
    this.#add(DELTA32, atBytes, label, base);
  }

  #add(kind: number, atBytes: number, label: Label, endOrBase: number): void {
    const fixups = this.#fixups;
    fixups.push(kind);
    fixups.push(atBytes);
    fixups.push(label);
    fixups.push(endOrBase);
  }

  /** Patches every pending fixup into `buffer` and forgets them; labels stay. */
  resolve(buffer: CodeBuffer): void {
    const { data, length } = this.#fixups;
    for (let i = 0; i < length; i += 4) {
      const kind = data[i], at = data[i + 1];
      const target = this.#bound(data[i + 2]);
      const from = kind === DELTA32 ? this.#bound(data[i + 3]) : data[i + 3];
      const delta = target - from;
      if (kind !== REL8) buffer.patchU32(at, delta);
      else if (delta << 24 >> 24 === delta) buffer.bytes[at] = delta;
      else bug(`short branch at ${at} does not reach label ${data[i + 2]} (${delta} bytes)`); // BUF-3
    }
    this.#fixups.reset();
  }

  #bound(label: number): number {
    const offset = this.#offsets[label];
    return offset !== UNBOUND ? offset : bug(`label ${label} is used and never bound`); // BUF-3
  }

  /** Forgets all labels and fixups and keeps the storage. */
  reset(): void {
    this.#count = 0;
    this.#fixups.reset();
  }
}
