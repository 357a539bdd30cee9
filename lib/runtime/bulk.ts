/**
 * Bulk operations of machine code that are long enough to be interrupted: chunk by chunk, with a poll between two.
 *
 * BULK-1  The caller has checked the bounds of the whole operation. At a trap between two chunks a part of it is done, the one that was to be
 *         done first. A poll may run user code, in which memories grow: views are asked for again at every chunk.
 */

import type { Activation } from "./activation.ts";
import { pollInCall } from "./interrupt.ts";
import type { MemoryState } from "./memory.ts";
import type { TableState } from "./table.ts";

/** Bytes of a chunk: fresh pages take some 2 ms. */
const CHUNK_BYTES = 1 << 20;
const CHUNK_ELEMENTS = 1 << 16;

/** Fills [start, start + length) with a byte. */
export function fillMemory(
  activation: Activation,
  to: MemoryState,
  start: number,
  value: number,
  length: number,
): void {
  const end = start + length;
  for (let at = start; at < end; at += CHUNK_BYTES) {
    if (at !== start) pollInCall(activation);
    to.bytes.fill(value, at, Math.min(end, at + CHUNK_BYTES));
  }
}

/** Copies `length` bytes, overlap-safe. */
export function copyMemory(
  activation: Activation,
  to: MemoryState,
  destination: number,
  from: MemoryState,
  source: number,
  length: number,
): void {
  // What is overwritten was copied before: from the end, if the destination is further up.
  const isBackward = destination > source;
  for (let done = 0; done < length; done += CHUNK_BYTES) {
    if (done !== 0) pollInCall(activation);
    const size = Math.min(CHUNK_BYTES, length - done);
    const at = isBackward ? length - done - size : done;
    const { bytes } = to;
    if (to === from) bytes.copyWithin(destination + at, source + at, source + at + size);
    else bytes.set(from.bytes.subarray(source + at, source + at + size), destination + at);
  }
}

/** Fills [start, start + length) of a table of functions, whose references no collection moves. */
export function fillFuncTable(
  activation: Activation,
  table: TableState,
  start: number,
  bits: number,
  length: number,
): void {
  const end = start + length;
  for (let at = start; at < end; at += CHUNK_ELEMENTS) {
    if (at !== start) pollInCall(activation);
    table.fill(at, bits, Math.min(CHUNK_ELEMENTS, end - at));
  }
}
