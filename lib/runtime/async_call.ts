/**
 * Calls that let the event loop turn: a guest is parked when it has run for some milliseconds, at a poll, or when it called a host function
 * that returned a promise, and goes on when the event loop has turned, or the promise has settled.
 *
 * Calls of a store nest, so its activations are an array by depth (ACT-A). A parked call is at no depth: it has an activation of its own, which
 * takes the place of the outermost one for the length of a turn. A turn begins only from the event loop, that is when nothing is on any stack.
 * Between turns a call is its record, its stacks, and the promise that waits here: any number of them may be in flight.
 *
 * PARK-1  (parking.ts) A turn ends at a poll or a call of the call's own activation: there are no JavaScript frames between it and the driver,
 *         and no value is in the value area. Calls that nest in it are never parked; when time is up in one of them, the turn ends after it.
 * PARK-2  Parked activations are roots, and belong to their store: once it is closed they are not resumed, and who waits for them is told.
 * PARK-3  (exclusion.ts) While a call into an instance with a stack of its own (C, Rust) is parked, no other call may enter it (INST-1).
 * PARK-6  A call that waits is ended by its signal at once, and by a deadline that counts host time; what it waited for is dropped. Deadlines
 *         of guest time stand still, unless the guest itself asked to wait (`memory.atomic.wait`).
 * PARK-7  A call that would have to wait for itself is refused: made by a host function that the holder of its instance waits for. Whoever calls
 *         later, behind an `await` of the host function, cannot be told from others, and waits.
 * PARK-8  From the end of one turn to the begin of the next an activation is a root, and its store is not idle, also if it may not be parked and
 *         goes on at once: an `await` lies between, in which others run.
 */

import { bug } from "../base/mod.ts";
import type { Activation, CallTarget } from "./activation.ts";
import { exclusionKey, keysOnStacks, NO_KEY } from "./exclusion.ts";
import { runTurn, type TurnStart } from "./export_call.ts";
import { FuncState } from "./func_ref.ts";
import { awaitedOf, finishHostCall, startHostCall } from "./host_call.ts";
import type { InstanceState } from "./instance.ts";
import { Deadline, FuelInterval } from "./meter.ts";
import { AsyncCall, type AsyncCallOptions, BusyError } from "./parked_calls.ts";
import { giveUp, type Outcome, settle } from "./parking.ts";
import { type Signature, ValueKind } from "./signature.ts";
import type { StoreState } from "./store_state.ts";
import { type BitValue, coerceValue, loadResults, storeSlot } from "./values.ts";

/** How long a turn lasts: with the ticker's coarseness, less than ten milliseconds. */
const TURN_MS = 7;

/** Calls a function, letting the event loop turn. */
export async function callAsync(
  func: FuncState,
  args: readonly unknown[],
  options: AsyncCallOptions,
): Promise<unknown> {
  const { store, signature, instance } = func;
  requireCallable(store, options);
  if (func.host !== undefined) return await callHostAsync(func, args, options);
  const { params, paramTypes } = signature;
  const bits: BitValue[] = Array.from(params, (kind, i) => {
    const value = coerceValue(store, kind, paramTypes[i], args[i]);
    return kind === ValueKind.v128 ? (value as Uint8Array).slice() : value;
  });
  return await run(new AsyncCall(store, options), func, instance, signature, bits);
}

/** Runs the start function of an instance that was made without (`instantiate`), letting the event loop turn. */
export async function startAsync(instance: InstanceState, options: AsyncCallOptions): Promise<void> {
  const { store } = instance;
  requireCallable(store, options);
  const start = instance.startFunction();
  if (start === undefined) return;
  if (!(start instanceof FuncState)) await run(new AsyncCall(store, options), start, instance, undefined, []);
  else if (start.host !== undefined) await callHostAsync(start, [], options);
  else await run(new AsyncCall(store, options), start, start.instance, undefined, []);
}

function requireCallable(store: StoreState, { deadline, signal, fuelYieldInterval }: AsyncCallOptions): void {
  store.requireOpen();
  signal?.throwIfAborted();
  if (fuelYieldInterval !== undefined) store.fuelMeter();
  if (deadline !== undefined) store.requireInterruption();
}

/** Calls a host function, and waits for what it returns. */
async function callHostAsync(func: FuncState, args: readonly unknown[], options: AsyncCallOptions): Promise<unknown> {
  const { store, signature } = func;
  let result = startHostCall(store, signature, func.host!, args);
  const thenable = awaitedOf(signature, result);
  if (thenable !== undefined) {
    const call = new AsyncCall(store, options);
    let outcome: Outcome | undefined;
    void settle(thenable).then((settled) => {
      outcome = settled;
      call.wake();
    });
    try {
      store.parkedCalls.begin(call);
      while (outcome === undefined) {
        await pause(call, () => {});
        requireGoing(call);
      }
      if ("reason" in outcome) throw outcome.reason;
      result = outcome.value;
    } finally {
      store.parkedCalls.end(call);
      giveUp(thenable);
    }
  }
  return finishHostCall(store, signature, result);
}

/** Runs a call of a guest to its end. */
async function run(
  call: AsyncCall,
  target: CallTarget,
  instance: InstanceState | undefined,
  signature: Signature | undefined,
  bits: readonly BitValue[],
): Promise<unknown> {
  const { store } = call;
  const { parkedCalls } = store;
  const key = instance === undefined ? NO_KEY : exclusionKey(instance);
  parkedCalls.begin(call);
  try {
    if (key !== NO_KEY) await enterInstance(call, key);
    // A call never begins before callAsync has returned.
    else await undefined;
    store.requireOpen();
    call.signal?.throwIfAborted();
    return await drive(call, target, key, signature, bits);
  } finally {
    parkedCalls.end(call);
    for (const held of [...call.keys]) parkedCalls.release(call, held);
  }
}

/** Waits until no other call of this kind is in the instance. @throws {BusyError} when that would be for ever (PARK-7). */
async function enterInstance(call: AsyncCall, key: number): Promise<void> {
  const { parkedCalls } = call.store;
  const holder = parkedCalls.holderOf(key);
  for (let around = call.parent; around !== undefined; around = around.parent) {
    if (around === holder) {
      throw new BusyError(
        'callAsync was called by a host function that a call of the same instance waits for, and would wait for that call: call the function synchronously, or later, as by setTimeout, or instantiate with reentry "concurrent"',
      );
    }
  }
  if (parkedCalls.take(call, key)) return await undefined;
  try {
    while (!call.keys.has(key)) {
      await pause(call, () => {});
      requireGoing(call);
    }
  } finally {
    parkedCalls.leaveQueue(call, key);
  }
}

async function drive(
  call: AsyncCall,
  target: CallTarget,
  key: number,
  signature: Signature | undefined,
  bits: readonly BitValue[],
): Promise<unknown> {
  const { store, fuelYieldInterval } = call;
  const activation = call.activation = store.takeDetached();
  const interval = fuelYieldInterval === undefined ? undefined : new FuelInterval(activation, fuelYieldInterval);
  const slice = store.engine.interruption ? new Deadline(TURN_MS, { park: activation }, "guest time") : undefined;
  try {
    for (let start: TurnStart = "enter";;) {
      const prepare = start === "enter" ? () => storeArguments(activation, target, signature, bits) : undefined;
      if (turn(call, activation, { slice, interval }, start, prepare)) {
        return signature === undefined ? undefined : loadResults(store, signature.results);
      }
      start = await wait(call, activation, key);
    }
  } finally {
    unpark(call, activation);
    const { pending } = activation;
    activation.pending = undefined;
    store.giveDetached(activation);
    // Code of the user's, so last.
    pending?.release?.();
  }
}

/** What is of the heap gets its room now; then everything is stored. */
function storeArguments(
  activation: Activation,
  target: CallTarget,
  signature: Signature | undefined,
  bits: readonly BitValue[],
): void {
  const { store } = activation;
  if (signature === undefined) return activation.aim(target);
  const { params, paramTypes } = signature;
  const ready = bits.map((value, i) =>
    params[i] > ValueKind.v128 && params[i] !== ValueKind.func
      ? coerceValue(store, params[i], paramTypes[i], value)
      : value
  );
  activation.aim(target);
  ready.forEach((value, i) => storeSlot(store, params[i], i, value));
}

/** What ends a turn, beside promises. */
interface TurnLimits {
  readonly slice: Deadline | undefined;
  readonly interval: FuelInterval | undefined;
}

/** One turn; returns whether the call is done: its results are in the value area then. */
function turn(
  call: AsyncCall,
  activation: Activation,
  { slice, interval }: TurnLimits,
  start: TurnStart,
  prepare: (() => void) | undefined,
): boolean {
  const { store, deadline } = call;
  const { parkedCalls } = store;
  store.requireOpen(); // PARK-2
  if (deadline !== undefined) store.addDeadline(deadline);
  if (slice !== undefined) {
    slice.extend(TURN_MS);
    store.addDeadline(slice);
  }
  if (interval !== undefined) store.meter!.interval = interval;
  const leaveStore = occupy(store, activation);
  unpark(call, activation);
  parkedCalls.running = call;
  try {
    prepare?.();
    return runTurn(activation, start);
  } finally {
    parkedCalls.running = undefined;
    leaveStore();
    if (interval !== undefined) store.meter!.interval = undefined;
    if (slice !== undefined) store.removeDeadline(slice);
    if (deadline !== undefined) store.removeDeadline(deadline);
  }
}

/** Lets the event loop turn, or waits for what the guest waits for; returns how the next turn begins. */
async function wait(call: AsyncCall, activation: Activation, ownKey: number): Promise<TurnStart> {
  const { store, keys } = call;
  const { parkedCalls } = store;
  const { pending } = activation;
  // PARK-5: the keys of what it is parked in.
  const needed = keysOnStacks(activation);
  if (ownKey !== NO_KEY) needed.add(ownKey);
  for (const key of [...keys]) if (!needed.has(key)) parkedCalls.release(call, key);
  const hasAll = parkedCalls.takeAll(call, needed);
  // PARK-8: also without them.
  parkedCalls.parked.add(activation);
  for (const key of keys) parkedCalls.busy.add(key);
  if (needed.size !== 0) store.forgetTargets(); // PARK-3
  if (!hasAll) {
    if (pending === undefined) return "resume";
    void settle(pending.thenable);
    pending.outcome = {
      reason: new BusyError(
        "A call is to be parked in an instance that another call is parked in, and would use the same stack in its memory",
      ),
    };
    return "settle";
  }
  if (pending === undefined) {
    await pause(call, (done) => void setImmediate(done));
    requireGoing(call);
    return "resume";
  }
  void settle(pending.thenable).then((outcome) => {
    pending.outcome = outcome;
    call.wake();
  });
  call.waitsAs = pending.charges;
  while (pending.outcome === undefined) {
    await pause(call, () => {});
    requireGoing(call);
  }
  call.waitsAs = "host time";
  return "settle";
}

/**
 * The call is in the store, or over. Only then is it not parked any more: between the end of an `await` and what comes after it others run, and
 * collect.
 */
function unpark({ store: { parkedCalls }, keys }: AsyncCall, activation: Activation): void {
  if (!parkedCalls.parked.delete(activation)) return;
  for (const key of keys) parkedCalls.busy.delete(key);
}

/** Waits until `event` has called back, or something else may have ended the call, which {@linkcode requireGoing} finds out. */
async function pause(call: AsyncCall, event: (done: () => void) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { signal } = call;
  const wake = () => resolve();
  call.wake = wake;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const startMs = performance.now();
  const running = runningDeadlines(call);
  for (const deadline of running) deadline.beginWait(startMs);
  const leftMs = running.reduce((least, deadline) => Math.min(least, deadline.leftMs(startMs)), Infinity);
  if (leftMs !== Infinity) timer = setTimeout(wake, Math.max(0, leftMs));
  signal?.addEventListener("abort", wake);
  try {
    event(wake);
    if (signal?.aborted !== true) await promise;
  } finally {
    signal?.removeEventListener("abort", wake);
    clearTimeout(timer);
    const endMs = performance.now();
    for (const deadline of running) deadline.endWait(endMs);
  }
}

/** The deadlines that pass while the call waits: its own and its store's, if host time counts, or the guest's own time passes. */
function runningDeadlines({ store, deadline, waitsAs }: AsyncCall): Deadline[] {
  const deadlines = [...store.meter?.deadlines ?? []];
  if (deadline !== undefined) deadlines.push(deadline);
  return deadlines.filter(({ endMs }) => endMs !== undefined || waitsAs === "guest time");
}

/** Throws what has ended a call that waited (PARK-2, PARK-6). */
function requireGoing(call: AsyncCall): void {
  const { store, signal, activation } = call;
  store.requireOpen();
  signal?.throwIfAborted();
  for (const deadline of runningDeadlines(call)) {
    deadline.refresh();
    if (deadline.remaining <= 0) deadline.act(activation);
    store.requireOpen();
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
