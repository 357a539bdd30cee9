/**
 * Calls that let the event loop turn: a guest runs for some milliseconds, is parked at a poll, and goes on when timers, signals and others
 * have had their turn.
 *
 * Calls of a store nest, so its activations are an array by depth (ACT-A). A parked call is at no depth: it has an activation of its own, which
 * takes the place of the outermost one for the length of a turn. A turn begins only from the event loop, that is when nothing is on any stack.
 *
 * PARK-1  A turn ends at a poll of the call's own activation: there are no JavaScript frames between it and the driver, and no value is in the
 *         value area. Calls that nest in it are never parked; when time is up in one of them, the turn ends after it.
 * PARK-2  Parked activations are roots, and belong to their store: once it is closed they are not resumed.
 * PARK-3  While a call into an instance with a stack of its own (C, Rust) is parked, no other call may enter it (INST-1): calls that are made
 *         wait or are refused. The check is made where an activation is aimed, so parking forgets all targets (ACT-C).
 */

import { bug } from "../base/mod.ts";
import { isRef } from "../wasm/mod.ts";
import type { Activation } from "./activation.ts";
import { runTurn } from "./export_call.ts";
import type { FuncState } from "./func_ref.ts";
import type { InstanceState } from "./instance.ts";
import { Deadline } from "./meter.ts";
import { ValueKind } from "./signature.ts";
import type { StoreState } from "./store_state.ts";
import { type BitValue, coerceValue, loadResults, storeSlot } from "./values.ts";

/** How long a turn lasts: with the ticker's coarseness, less than ten milliseconds. */
const TURN_MS = 7;

/** How a call is limited. */
export interface AsyncCallOptions {
  readonly deadline: Deadline | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Calls a function, letting the event loop turn every few milliseconds. */
export async function callAsync(
  func: FuncState,
  args: readonly unknown[],
  options: AsyncCallOptions,
): Promise<unknown> {
  const { store, signature } = func;
  const { deadline, signal } = options;
  store.requireOpen();
  signal?.throwIfAborted();
  const { params, paramTypes } = signature;
  const bits: BitValue[] = Array.from(params, (kind, i) => {
    const value = coerceValue(store, kind, paramTypes[i], args[i]);
    return kind === ValueKind.v128 ? (value as Uint8Array).slice() : value;
  });
  if (func.host !== undefined) func.referenceAddress();
  const leave = await enterInstance(func);
  try {
    signal?.throwIfAborted();
    store.requireOpen();
    return await drive(func, bits, deadline, signal);
  } finally {
    leave();
  }
}

/** Waits until no other call of this kind is in the function's instance, if it is exclusive. */
async function enterInstance({ store, instance }: FuncState): Promise<() => void> {
  if (instance === undefined || !isExclusive(instance)) {
    await undefined;
    return () => {};
  }
  const { queues } = store.parkedCalls;
  const { address } = instance;
  const before = queues.get(address);
  const { promise, resolve } = Promise.withResolvers<void>();
  queues.set(address, promise);
  await before;
  return () => {
    if (queues.get(address) === promise) queues.delete(address);
    resolve();
  };
}

/** INST-1: whether calls of an instance must not interleave. */
export function isExclusive(instance: InstanceState): boolean {
  return instance.reentry === "exclusive" ||
    instance.reentry === undefined && instance.memories.length > 0 && hasStackPointer(instance);
}

const STACK_POINTER = "__stack_pointer";

/** Whether a module looks like one whose code keeps a stack in its memory. */
function hasStackPointer({ state: { module } }: InstanceState): boolean {
  const { imports, exports, globals } = module;
  if (imports.some(({ kind, name }) => kind === "global" && name === STACK_POINTER)) return true;
  if (exports.some(({ kind, name }) => kind === "global" && name === STACK_POINTER)) return true;
  // What LLVM's linker puts first: a mutable integer.
  const first = globals[imports.filter(({ kind }) => kind === "global").length];
  return first !== undefined && first.isMutable && !isRef(first.type);
}

async function drive(
  func: FuncState,
  bits: BitValue[],
  deadline: Deadline | undefined,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { store, signature, instance } = func;
  const { parkedCalls } = store;
  const { params, paramTypes, results } = signature;
  const activation = parkedCalls.free.pop() ?? store.makeDetachedActivation();
  const exclusive = instance !== undefined && isExclusive(instance) ? instance.address : 0;
  try {
    for (let turn = 0;; turn++) {
      const slice = new Deadline(TURN_MS, { park: activation }, "guest time");
      if (deadline !== undefined) store.addDeadline(deadline);
      store.addDeadline(slice);
      const leaveStore = occupy(store, activation);
      try {
        if (turn === 0) {
          // What is of the heap gets its room now.
          const ready = bits.map((value, i) =>
            params[i] > ValueKind.v128 && params[i] !== ValueKind.func
              ? coerceValue(store, params[i], paramTypes[i], value)
              : value
          );
          activation.aim(func);
          ready.forEach((value, i) => storeSlot(store, params[i], i, value));
        }
        if (runTurn(activation, turn === 0 ? "enter" : "resume")) return loadResults(store, results);
      } finally {
        leaveStore();
        store.removeDeadline(slice);
        if (deadline !== undefined) store.removeDeadline(deadline);
      }
      parkedCalls.parked.add(activation);
      if (exclusive !== 0) {
        parkedCalls.busy.add(exclusive);
        store.forgetTargets(); // PARK-3
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
      parkedCalls.parked.delete(activation);
      if (exclusive !== 0) parkedCalls.busy.delete(exclusive);
      store.requireOpen(); // PARK-2
      signal?.throwIfAborted();
    }
  } finally {
    if (!store.isClosed) {
      store.dropDetached(activation);
      parkedCalls.free.push(activation);
    }
  }
}

/** Puts the activation in the place of the outermost one; returns what undoes it. */
function occupy(store: StoreState, activation: Activation): () => void {
  if (store.depth !== 0) bug("a parked call is resumed inside of another");
  const { activations, interrupt } = store;
  if (activations.length === 0) store.addActivation();
  const resident = activations[0];
  activations[0] = activation;
  interrupt?.list(0, activation.index);
  return () => {
    // A store that was poisoned has none.
    if (activations[0] !== activation) return;
    activations[0] = resident;
    store.interrupt?.list(0, resident.index);
  };
}
