/**
 * Operations on ranges that are long enough to be interrupted: chunk by chunk, with a poll between two.
 *
 * A poll may run user code: an action on a deadline, in which memories and tables grow, segments are dropped and objects move. So nothing
 * that a chunk works with is carried over to the next: views are asked for again, references are read from where the collector updates
 * them. Sizes only grow, so bounds that held hold on.
 *
 * BULK-1  The caller has checked the bounds of the whole operation, then its fuel is taken, then it runs. At a trap between two chunks a
 *         part of it is done, the one that was to be done first.
 */

import { FUEL_BYTES_LOG2, FUEL_ELEMENTS_LOG2 } from "../abi/mod.ts";
import type { Activation } from "./activation.ts";
import type { RootVisitor } from "./gc/collector.ts";
import { pollInCall } from "./interrupt.ts";
import type { MemoryState } from "./memory.ts";
import type { TableState } from "./table.ts";

/** Bytes of a chunk: fresh pages take some 2 ms. */
export const CHUNK_BYTES: number = 1 << 20;
/** Elements of a chunk, of tables and arrays. */
export const CHUNK_ELEMENTS: number = 1 << 16;

/** Takes the fuel for a range whose bounds hold: in runtime calls that code does not charge for itself. @throws {Trap} `out_of_fuel` */
export function takeRangeFuel(activation: Activation, length: number, unit: "bytes" | "elements"): void {
  const unitLog2 = unit === "bytes" ? FUEL_BYTES_LOG2 : FUEL_ELEMENTS_LOG2;
  activation.store.meter?.takeInCall(activation, Math.floor(length / 2 ** unitLog2));
}

/**
 * Moves [0, length) by pieces of at most `chunk`, from its start to its end, with polls between them. What `roots` hold are references,
 * which `move` reads from there: they are roots as long as something may collect.
 *
 * @throws {Trap} when it is interrupted; whatever an action on a deadline throws.
 */
export function inChunks(
  activation: Activation,
  length: number,
  chunk: number,
  roots: readonly Int32Array[],
  move: (start: number, length: number) => void,
): void {
  if (length <= chunk) return move(0, length);
  const { rootSources } = activation.store;
  const source = {
    visitRoots(visitor: RootVisitor) {
      for (const words of roots) visitor.visitRange(words, 0, words.length);
    },
  };
  rootSources.add(source);
  try {
    for (let start = 0; start < length; start += chunk) {
      if (start !== 0) pollInCall(activation);
      move(start, Math.min(chunk, length - start));
    }
  } finally {
    rootSources.delete(source);
  }
}

/** Where the piece that is moved as the first of a copy lies in it: what is overwritten is copied before, from the end if need be. */
function placeOf(start: number, size: number, length: number, isBackward: boolean): number {
  return isBackward ? length - start - size : start;
}

/** Fills [start, start + length) with a byte. */
export function fillMemory(
  activation: Activation,
  to: MemoryState,
  start: number,
  value: number,
  length: number,
): void {
  inChunks(activation, length, CHUNK_BYTES, [], (at, size) => void to.bytes.fill(value, start + at, start + at + size));
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
  const isBackward = destination > source;
  inChunks(activation, length, CHUNK_BYTES, [], (start, size) => {
    const at = placeOf(start, size, length, isBackward);
    const { bytes } = to;
    if (to === from) bytes.copyWithin(destination + at, source + at, source + at + size);
    else bytes.set(from.bytes.subarray(source + at, source + at + size), destination + at);
  });
}

/** Writes bytes that nobody changes. */
export function writeMemory(activation: Activation, to: MemoryState, destination: number, from: Uint8Array): void {
  inChunks(activation, from.length, CHUNK_BYTES, [], (at, size) => {
    to.bytes.set(from.subarray(at, at + size), destination + at);
  });
}

/** Fills [start, start + length) of a table with a reference as it is stored in roots, or with the address of a function. */
export function fillTable(
  activation: Activation,
  table: TableState,
  start: number,
  bits: number,
  length: number,
): void {
  if (table.elementType === "func") { // no collection moves those
    inChunks(activation, length, CHUNK_ELEMENTS, [], (at, size) => table.fill(start + at, bits, size));
    return;
  }
  const root = Int32Array.of(bits);
  inChunks(activation, length, CHUNK_ELEMENTS, [root], (at, size) => table.fill(start + at, root[0], size));
}

/** Copies elements between tables or within one, overlap-safe. */
export function copyTable(
  activation: Activation,
  to: TableState,
  destination: number,
  from: TableState,
  source: number,
  length: number,
): void {
  const isBackward = destination > source;
  inChunks(activation, length, CHUNK_ELEMENTS, [], (start, size) => {
    const at = placeOf(start, size, length, isBackward);
    to.copyFrom(from, destination + at, source + at, size);
  });
}
