/**
 * Runtime calls about garbage-collected objects: allocation beyond what machine code does itself, and operations on whole ranges of arrays.
 *
 * GCCALL-1  What may collect does so first, before it looks at any reference (COLLECT-1); calls that get references never collect.
 * GCCALL-2  Bounds of a whole operation are checked before anything is allocated or moved (BULK-1).
 */

import { GC_TYPE_ID_MASK, type LibcallName } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import type { GcHeap } from "./gc/heap.ts";
import type { InstanceState } from "./instance.ts";
import type { LibcallFrame } from "./libcalls.ts";

/** Those of the table in `lib/abi/libcalls.ts` that this file serves. */
export type GcLibcallName = Extract<
  LibcallName,
  `struct_${string}` | `array_${string}` | "func_intern" | "type_is_subtype"
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

/** Writes elements of an element segment into an array. */
function writeSegment(
  instance: InstanceState,
  segment: number,
  array: number,
  start: number,
  source: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) {
    const bits = instance.element(segment, source + i);
    words[0] = bits;
    words[1] = Math.floor(bits / 0x1_0000_0000);
    instance.gc.writeElement(array, start + i, words);
  }
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
    const array = newArray(call, instance, call.u32(0), length);
    gc.writeElementBytes(array, 0, bytes);
    call.return(array);
  },

  array_new_elem: (call, instance) => {
    const segment = call.u32(1);
    const source = call.u32(2);
    const length = call.u32(3);
    if (source + length > instance.elementCount(segment)) throw call.trap("table_out_of_bounds");
    const array = newArray(call, instance, call.u32(0), length);
    writeSegment(instance, segment, array, 0, source, length);
    call.return(array);
  },

  array_fill: (call, { gc }) => {
    const array = arrayAt(call, 0);
    const start = call.u32(1);
    const length = call.u32(3);
    checkRange(call, gc, array, start, length);
    gc.fillElements(array, start, length, putWords(call, 2, 4));
  },

  array_fill_ref: (call, { gc }) => {
    const array = arrayAt(call, 0);
    const start = call.u32(1);
    const length = call.u32(3);
    checkRange(call, gc, array, start, length);
    gc.fillElements(array, start, length, putWords(call, 2));
  },

  array_copy: (call, { gc }) => {
    const target = arrayAt(call, 0);
    const source = arrayAt(call, 2);
    const targetStart = call.u32(1);
    const sourceStart = call.u32(3);
    const length = call.u32(4);
    checkRange(call, gc, target, targetStart, length);
    checkRange(call, gc, source, sourceStart, length);
    gc.copyElements(target, targetStart, source, sourceStart, length);
  },

  array_init_data: (call, instance) => {
    const { gc } = instance;
    const array = arrayAt(call, 1);
    const start = call.u32(2);
    const length = call.u32(4);
    checkRange(call, gc, array, start, length);
    const bytes = instance.dataBytes(call.u32(0), call.u32(3), length * gc.arrayLayout(array).elementBytes);
    if (bytes === undefined) throw call.trap("memory_out_of_bounds");
    gc.writeElementBytes(array, start, bytes);
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
    writeSegment(instance, segment, array, start, source, length);
  },

  func_intern: (call, { gc }) => call.return(gc.internFunc(call.u64(0))),

  type_is_subtype: (call, { store, state }) => {
    const actual = call.u32(0) & GC_TYPE_ID_MASK;
    const { registry } = store.engine;
    // Only a corrupt header names a type that does not exist.
    if (actual >= registry.count) bug(`no type has id ${actual}`);
    call.return(registry.isSubtype(actual, state.typeIds[call.u32(1)]) ? 1 : 0);
  },
};
