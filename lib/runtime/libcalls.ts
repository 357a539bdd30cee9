/**
 * Runtime calls: the slow paths of machine code, done here.
 *
 * A guest leaves with the call's number and its arguments as 64-bit words in the record; the result goes back through the record. Each handler
 * validates, allocates, commits (HOST-S): a RangeError of V8's on the way to the commit ends the call and changes nothing.
 *
 * LIBCALL-1  i64 arguments are counts and indices, read as unsigned numbers; above 2^53 they are inexact but still out of every bounds.
 * LIBCALL-2  Bounds of a whole operation are checked before its first byte or element moves (BULK-1).
 */

import { funcElement, type LibcallName, LIBCALLS } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import { RECORD } from "../host/mod.ts";
import type { Activation } from "./activation.ts";
import { notify, wait32, wait64 } from "./atomic_wait.ts";
import { parkedVmctx } from "./backtrace.ts";
import {
  CHUNK_ELEMENTS,
  copyMemory,
  copyTable,
  fillMemory,
  fillTable as fillTableRange,
  inChunks,
  takeRangeFuel,
  writeMemory,
} from "./bulk.ts";
import { pollInCall } from "./interrupt.ts";
import { LibcallFrame, returnTo } from "./libcall_frame.ts";
import { GC_HANDLERS } from "./gc_libcalls.ts";
import type { RootVisitor } from "./gc/collector.ts";
import { giveGrowth, growInCall } from "./growth.ts";
import type { InstanceState } from "./instance.ts";
import { throwFromArea, throwReference } from "./unwind.ts";

const ARGS = RECORD.libArgs >> 2;

/** Milliseconds for a timeout in nanoseconds, an i64: negative is none. */
function timeoutMs(call: LibcallFrame, argument: number): number {
  const nanoseconds = call.u64(argument);
  return nanoseconds >= 2 ** 63 ? Infinity : nanoseconds / 1e6;
}

type Handler = (call: LibcallFrame, instance: InstanceState) => void;

const HANDLERS: Record<LibcallName, Handler> = {
  memory_atomic_wait32: (call, { memories }) => {
    const memory = memories[call.u32(0)];
    if (memory.shared === undefined) throw call.trap("expected_shared_memory");
    const result = wait32(call.activation, memory, call.u64(1), call.u32(2) | 0, timeoutMs(call, 3));
    if (result !== undefined) returnTo(call.words, result);
  },

  memory_atomic_wait64: (call, { memories }) => {
    const memory = memories[call.u32(0)];
    if (memory.shared === undefined) throw call.trap("expected_shared_memory");
    const result = wait64(call.activation, memory, call.u64(1), call.i64(2), timeoutMs(call, 3));
    if (result !== undefined) returnTo(call.words, result);
  },

  memory_atomic_notify: (call, { memories }) => {
    const memory = memories[call.u32(0)];
    call.return(memory.shared === undefined ? 0 : notify(memory, call.u64(1), call.u32(2)));
  },

  memory_grow: (call, { memories, store }) => {
    const memory = memories[call.u32(0)];
    const delta = call.u64(1);
    if (store.limiter === undefined) giveGrowth(call.activation, memory.growAllowed(delta));
    else growInCall(call.activation, memory, delta, () => memory.growAllowed(delta));
  },

  memory_copy: (call, { memories }) => {
    const to = memories[call.u32(0)];
    const from = memories[call.u32(1)];
    const destination = call.u64(2);
    const source = call.u64(3);
    const length = call.u64(4);
    if (!to.contains(destination, length) || !from.contains(source, length)) throw call.trap("memory_out_of_bounds");
    copyMemory(call.activation, to, destination, from, source, length);
  },

  memory_fill: (call, { memories }) => {
    const memory = memories[call.u32(0)];
    const destination = call.u64(1);
    const length = call.u64(3);
    if (!memory.contains(destination, length)) throw call.trap("memory_out_of_bounds");
    fillMemory(call.activation, memory, destination, call.u32(2), length);
  },

  memory_init: (call, instance) => {
    const memory = instance.memories[call.u32(0)];
    const destination = call.u64(2);
    const length = call.u32(4);
    const bytes = instance.dataBytes(call.u32(1), call.u32(3), length);
    if (bytes === undefined || !memory.contains(destination, length)) throw call.trap("memory_out_of_bounds");
    takeRangeFuel(call.activation, length, "bytes");
    writeMemory(call.activation, memory, destination, bytes);
  },

  data_drop: (call, instance) => instance.dropData(call.u32(0)),

  table_grow_func: growTable,
  table_grow_ref: growTable,
  table_fill_func: fillTable,
  table_fill_ref: fillTable,

  table_copy: (call, { tables }) => {
    const to = tables[call.u32(0)];
    const from = tables[call.u32(1)];
    const destination = call.u64(2);
    const source = call.u64(3);
    const length = call.u64(4);
    if (!to.contains(destination, length) || !from.contains(source, length)) throw call.trap("table_out_of_bounds");
    takeRangeFuel(call.activation, length, "elements");
    copyTable(call.activation, to, destination, from, source, length);
  },

  table_init: (call, instance) => {
    const table = instance.tables[call.u32(0)];
    const segment = call.u32(1);
    const destination = call.u64(2);
    const source = call.u32(3);
    const length = call.u32(4);
    if (source + length > instance.elementCount(segment) || !table.contains(destination, length)) {
      throw call.trap("table_out_of_bounds");
    }
    takeRangeFuel(call.activation, length, "elements");
    const { read, roots } = instance.elementsAt(segment, source, length);
    inChunks(call.activation, length, CHUNK_ELEMENTS, roots, (at, size) => {
      for (let i = at; i < at + size; i++) table.set(destination + i, read(i));
    });
  },

  elem_drop: (call, instance) => instance.dropElements(call.u32(0)),

  table_get_lazy: (call, instance) => {
    const table = instance.tables[call.u32(0)];
    const index = call.u64(1);
    // Redundant: the code that calls this has compared the index with the size.
    if (!table.contains(index, 1)) throw call.trap("table_out_of_bounds");
    call.return(funcElement(table.getFunc(index), instance.store.engine.tableMode));
  },

  ref_func: (call, instance) => call.return(instance.functionAddress(call.u32(0))),

  throw: ({ activation, words }, { tags }) => throwFromArea(activation, tags[words[ARGS]]),
  throw_ref: ({ activation, words }) => throwReference(activation, words[ARGS] >>> 0),

  cont_new: (call, instance) =>
    call.return(instance.store.continuations.create(call.activation, instance, call.u32(0), call.u64(1))),
  cont_bind: (call, instance) =>
    call.return(instance.store.continuations.bind(call.activation, instance, call.u32(0), call.u32(1), call.u32(2))),
  cont_resume: (call, instance) =>
    instance.store.continuations.resume(call.activation, instance, call.u32(0), call.u32(1)),
  cont_resume_throw: (call, { store, tags }) =>
    store.continuations.resumeThrow(call.activation, tags[call.u32(0)], call.u32(1)),
  cont_resume_throw_ref: (call, { store }) =>
    store.continuations.resumeThrowRef(call.activation, call.u32(0), call.u32(1)),
  cont_suspend: (call, { store, tags }) => store.continuations.suspend(call.activation, tags[call.u32(0)]),
  cont_switch: (call, instance) =>
    instance.store.continuations.switch(
      call.activation,
      instance,
      call.u32(0),
      instance.tags[call.u32(1)],
      call.u32(2),
    ),

  ...GC_HANDLERS,
};

function growTable(call: LibcallFrame, { tables, store }: InstanceState): void {
  const { activation } = call;
  const table = tables[call.u32(0)];
  const delta = call.u64(2);
  const address = call.u64(1);
  const bits = call.u32(1);
  if (table.size + delta <= table.maximum) takeRangeFuel(activation, delta, "elements");
  if (store.limiter === undefined && delta <= CHUNK_ELEMENTS) {
    // Nobody is asked, and there is one chunk: nothing of the user's runs.
    return giveGrowth(activation, table.growAllowed(delta, table.elementType === "func" ? address : bits));
  }
  const poll = () => pollInCall(activation);
  if (table.elementType === "func") {
    growInCall(activation, table, delta, () => table.growAllowed(delta, address, poll));
    return;
  }
  // Limiter and polls may call guests (LIMIT-2), and the former may take its time, while collections move what is to be stored.
  const root = Int32Array.of(bits);
  const source = { visitRoots: (visitor: RootVisitor) => visitor.visitRange(root, 0, 1) };
  let holds = 0;
  const hold = () => void (holds++ === 0 && store.rootSources.add(source));
  const release = () => void (--holds === 0 && store.rootSources.delete(source));
  const grow = () => {
    hold();
    try {
      return table.growAllowed(delta, () => root[0], poll);
    } finally {
      release();
    }
  };
  growInCall(activation, table, delta, grow, { hold, release });
}

function fillTable(call: LibcallFrame, { tables }: InstanceState): void {
  const table = tables[call.u32(0)];
  const start = call.u64(1);
  const bits = table.elementType === "func" ? call.u64(2) : call.u32(2);
  const length = call.u64(3);
  if (!table.contains(start, length)) throw call.trap("table_out_of_bounds");
  takeRangeFuel(call.activation, length, "elements");
  fillTableRange(call.activation, table, start, bits, length);
}

/** Handlers by number: what has none is a bug, and not found out when machine code calls it (SEEDS 2.17). */
export function handlersByNumber<H>(names: readonly string[], handlers: Readonly<Record<string, H>>): readonly H[] {
  return names.map((name) => handlers[name] ?? bug(`runtime call ${name} has no handler`));
}

const BY_NUMBER = handlersByNumber(LIBCALLS.map(([name]) => name), HANDLERS);

// Handlers run nothing of the user's but in polls, behind which they do not look at the frame: so one serves all calls, nested ones included.
const frame = new LibcallFrame();

function serve(activation: Activation): void {
  frame.activation = activation;
  frame.words = activation.words;
}

/** Serves runtime call `number` of an activation that left for it. */
export function runLibcall(activation: Activation, number: number): void {
  serve(activation);
  BY_NUMBER[number](frame, activation.store.instanceAt(parkedVmctx(activation)));
}
