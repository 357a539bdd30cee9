/**
 * Runtime calls about garbage-collected objects: allocation beyond what machine code does itself, and operations on whole ranges of arrays.
 *
 * GCCALL-1  What may collect does so first, before it looks at any reference (COLLECT-1); calls that get references never collect, but at the
 *           polls of long ones, where `byChunks` lets the collector see them.
 * GCCALL-2  Bounds of a whole operation are checked before anything is allocated or moved (BULK-1).
 */

import { GC_TYPE_ID_MASK, type LibcallName } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import type { GcHeap } from "./gc/heap.ts";
import { CHUNK_ELEMENTS, inChunks, takeRangeFuel } from "./bulk.ts";
import type { InstanceState, SegmentElements } from "./instance.ts";
import { type LibcallFrame, returnTo } from "./libcall_frame.ts";

/** Those of the table in `lib/abi/libcalls.ts` that this file serves. */
export type GcLibcallName = Extract<
  LibcallName,
  `struct_${string}` | `array_${string}` | "gc_log_full" | "func_intern" | "type_is_subtype"
>;

type Handler = (call: LibcallFrame, instance: InstanceState) => void;

/** A value as four words, for the heap's writers. */
const words = new Int32Array(4);

function putWords(call: LibcallFrame, argument: number, highArgument?: number): Int32Array {
  call.pair(argument, words, 0);
  if (highArgument === undefined) words[2] = words[3] = 0;
  else call.pair(highArgument, words, 2);
  return words;
}

/** The array that an argument refers to. */
function arrayAt(call: LibcallFrame, argument: number): number {
  const reference = call.u32(argument);
  if (reference === 0) throw call.trap("null_array_reference");
  return reference;
}

function checkRange(call: LibcallFrame, gc: GcHeap, array: number, start: number, length: number): void {
  if (start + length > gc.arrayLength(array)) throw call.trap("array_out_of_bounds");
}

/** A new array; may collect. */
function newArray(call: LibcallFrame, { gc, state }: InstanceState, typeIndex: number, length: number): number {
  const typeId = state.typeIds[typeIndex];
  gc.prepare(gc.arrayBytes(typeId, length));
  return gc.newArray(typeId, length) || full(call);
}

function full(call: LibcallFrame): never {
  throw call.trap("gc_heap_exhausted");
}

/**
 * Works on [0, length) of an array by chunks, between which objects move (BULK-1): the array, another reference of the operation and the
 * references of a segment are read anew in each.
 */
function byChunks(
  call: LibcallFrame,
  length: number,
  references: readonly number[],
  roots: readonly Int32Array[],
  move: (at: number, size: number, references: Int32Array) => void,
): Int32Array {
  const cells = Int32Array.from(references);
  inChunks(call.activation, length, CHUNK_ELEMENTS, [cells, ...roots], (at, size) => move(at, size, cells));
  return cells;
}

/** Writes elements of a segment into an array from `start` on, and returns where the array is then. */
function writeSegment(
  call: LibcallFrame,
  { gc }: InstanceState,
  { read, roots }: SegmentElements,
  array: number,
  start: number,
  length: number,
): number {
  const [moved] = byChunks(call, length, [array], roots, (first, size, cells) => {
    for (let i = first; i < first + size; i++) {
      const bits = read(i);
      words[0] = bits;
      words[1] = Math.floor(bits / 0x1_0000_0000);
      gc.writeElement(cells[0] >>> 0, start + i, words);
    }
  });
  return moved >>> 0;
}

/** Writes bytes into an array from `start` on, and returns where the array is then. */
function writeBytes(
  call: LibcallFrame,
  { gc }: InstanceState,
  bytes: Uint8Array,
  array: number,
  start: number,
  length: number,
): number {
  const elementBytes = bytes.length / length || 0;
  const [moved] = byChunks(call, length, [array], [], (at, size, cells) => {
    gc.writeElementBytes(cells[0] >>> 0, start + at, bytes.subarray(at * elementBytes, (at + size) * elementBytes));
  });
  return moved >>> 0;
}

/** Handlers by name. */
export const GC_HANDLERS: Record<GcLibcallName, Handler> = {
  struct_new: (call, { gc, state }) => {
    const typeId = state.typeIds[call.u32(0)];
    gc.prepare(gc.types.layouts.struct(typeId).sizeBytes);
    call.return(gc.newStruct(typeId) || full(call));
  },

  array_new: (call, instance) => call.return(newArray(call, instance, call.u32(0), call.u32(1))),

  array_new_data: (call, instance) => {
    const { gc, state } = instance;
    const length = call.u32(3);
    const { elementBytes } = gc.types.layouts.array(state.typeIds[call.u32(0)]);
    const bytes = instance.dataBytes(call.u32(1), call.u32(2), length * elementBytes);
    if (bytes === undefined) throw call.trap("memory_out_of_bounds");
    const { activation } = call;
    takeRangeFuel(activation, length, "elements");
    const array = newArray(call, instance, call.u32(0), length);
    returnTo(activation.words, writeBytes(call, instance, bytes, array, 0, length));
  },

  array_new_elem: (call, instance) => {
    const segment = call.u32(1);
    const source = call.u32(2);
    const length = call.u32(3);
    if (source + length > instance.elementCount(segment)) throw call.trap("table_out_of_bounds");
    const { activation } = call;
    takeRangeFuel(activation, length, "elements");
    const array = newArray(call, instance, call.u32(0), length);
    const elements = instance.elementsAt(segment, source, length);
    returnTo(activation.words, writeSegment(call, instance, elements, array, 0, length));
  },

  array_fill: (call, { gc }) => {
    const array = arrayAt(call, 0);
    const start = call.u32(1);
    const length = call.u32(3);
    checkRange(call, gc, array, start, length);
    const value = putWords(call, 2, 4).slice();
    byChunks(call, length, [array], [], (at, size, cells) => gc.fillElements(cells[0] >>> 0, start + at, size, value));
  },

  array_fill_ref: (call, { gc }) => {
    const array = arrayAt(call, 0);
    const start = call.u32(1);
    const length = call.u32(3);
    checkRange(call, gc, array, start, length);
    const value = call.u32(2);
    byChunks(call, length, [array, value], [], (at, size, cells) => {
      words[0] = cells[1];
      words[1] = words[2] = words[3] = 0;
      gc.fillElements(cells[0] >>> 0, start + at, size, words);
    });
  },

  array_copy: (call, { gc }) => {
    const target = arrayAt(call, 0);
    const source = arrayAt(call, 2);
    const targetStart = call.u32(1);
    const sourceStart = call.u32(3);
    const length = call.u32(4);
    checkRange(call, gc, target, targetStart, length);
    checkRange(call, gc, source, sourceStart, length);
    const isBackward = targetStart > sourceStart;
    byChunks(call, length, [target, source], [], (first, size, [to, from]) => {
      const at = isBackward ? length - first - size : first;
      gc.copyElements(to >>> 0, targetStart + at, from >>> 0, sourceStart + at, size);
    });
  },

  array_init_data: (call, instance) => {
    const { gc } = instance;
    const array = arrayAt(call, 1);
    const start = call.u32(2);
    const length = call.u32(4);
    checkRange(call, gc, array, start, length);
    const bytes = instance.dataBytes(call.u32(0), call.u32(3), length * gc.arrayLayout(array).elementBytes);
    if (bytes === undefined) throw call.trap("memory_out_of_bounds");
    takeRangeFuel(call.activation, length, "elements");
    writeBytes(call, instance, bytes, array, start, length);
  },

  array_init_elem: (call, instance) => {
    const { gc } = instance;
    const segment = call.u32(0);
    const array = arrayAt(call, 1);
    const start = call.u32(2);
    const source = call.u32(3);
    const length = call.u32(4);
    checkRange(call, gc, array, start, length);
    if (source + length > instance.elementCount(segment)) throw call.trap("table_out_of_bounds");
    takeRangeFuel(call.activation, length, "elements");
    writeSegment(call, instance, instance.elementsAt(segment, source, length), array, start, length);
  },

  gc_log_full: (_call, { gc }) => gc.logFull(),

  func_intern: (call, { gc }) => call.return(gc.internFunc(call.u64(0))),

  type_is_subtype: (call, { store, state }) => {
    const actual = call.u32(0) & GC_TYPE_ID_MASK;
    const { registry } = store.engine;
    // Only a corrupt header names a type that does not exist.
    if (actual >= registry.count) bug(`no type has id ${actual}`);
    call.return(registry.isSubtype(actual, state.typeIds[call.u32(1)]) ? 1 : 0);
  },
};
