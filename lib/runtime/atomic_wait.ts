/**
 * `memory.atomic.wait` and `notify`, by JavaScript's own `Atomics` on the memory's buffer: guests and JavaScript wake each other.
 *
 * A wait first looks at the value for some microseconds: a partner that runs on another processor has often changed it by then, and going to
 * sleep and being woken costs tens of microseconds. To look later than one could is no more than to run later.
 *
 * Nothing of JavaScript runs in a thread that waits, so a wait that may be interrupted (the store has given out an interruption handle, or
 * has a deadline) is cut into slices with a poll between them. A notification that falls between two slices finds nobody waiting.
 * Guests count theirs beforehand, so the waiter sees that there was one; one by JavaScript is seen by the value it changed.
 *
 * A guest that `callAsync` called is parked instead (parked_wait.ts).
 *
 * WAIT-1  Without either a wait is a single `Atomics.wait`: woken, not equal and timed out are exact.
 * WAIT-2  With one of them, a wait may in the case above answer "woken" for a notification of another address, as any futex may.
 */

import type { Activation } from "./activation.ts";
import { pollInCall } from "./interrupt.ts";
import type { MemoryState } from "./memory.ts";
import { parkWait, WaitResult } from "./parked_wait.ts";
import { canPark } from "./parking.ts";
import { Trap } from "./traps.ts";

/** How long a thread sleeps before it looks for a request to interrupt it. */
const SLICE_MS = 4;
/** Looks at the value before a thread sleeps: about ten microseconds. */
const SPINS = 400;

const RESULTS: Readonly<Record<"ok" | "not-equal" | "timed-out", number>> = {
  "ok": WaitResult.woken,
  "not-equal": WaitResult.notEqual,
  "timed-out": WaitResult.timedOut,
};

/** Whether an access of a memory is refused: as a trap, before anything is read. */
function refuseAtomic(memory: MemoryState, address: number, bytes: number): void {
  if (!memory.contains(address, bytes)) throw new Trap("memory_out_of_bounds");
  if (address % bytes !== 0) throw new Trap("unaligned_atomic");
}

/** Compares 32 bits of a memory with what is expected (SEEDS 2.11): loads atomically, once all of it is known to be there. @throws {Trap} */
export function atomicCheck32(memory: MemoryState, address: number, expected: number): 0 | 1 {
  refuseAtomic(memory, address, 4);
  return Atomics.load(new Int32Array(memory.buffer, address, 1), 0) === expected ? 0 : WaitResult.notEqual;
}

/** As {@linkcode atomicCheck32}, for 64 bits (SEEDS 2.12). @throws {Trap} */
export function atomicCheck64(memory: MemoryState, address: number, expected: bigint): 0 | 1 {
  refuseAtomic(memory, address, 8);
  return Atomics.load(new BigInt64Array(memory.buffer, address, 1), 0) === expected ? 0 : WaitResult.notEqual;
}

/**
 * Waits at `address`, which is aligned and in bounds, of a shared memory for at most `timeoutMs` (Infinity: for ever).
 *
 * @returns A {@linkcode WaitResult}; undefined when the guest is parked until it is known.
 * @throws {Trap} when the wait is interrupted.
 */
export function wait32(
  activation: Activation,
  memory: MemoryState,
  address: number,
  expected: number,
  timeoutMs: number,
): number | undefined {
  if (atomicCheck32(memory, address, expected) !== 0) return WaitResult.notEqual;
  const words = new Int32Array(memory.buffer, address, 1) as unknown as Int32Array<SharedArrayBuffer>;
  if (canPark(activation)) {
    const start = () => Atomics.waitAsync(words, 0, expected, timeoutMs);
    return parkWait(activation, start, () => Atomics.notify(words, 0, 1));
  }
  for (let i = 0; i < SPINS; i++) if (Atomics.load(words, 0) !== expected) return WaitResult.notEqual;
  return wait(activation, memory, timeoutMs, (ms) => Atomics.wait(words, 0, expected, ms));
}

/** As {@linkcode wait32}, for 64-bit values. */
export function wait64(
  activation: Activation,
  memory: MemoryState,
  address: number,
  expected: bigint,
  timeoutMs: number,
): number | undefined {
  if (atomicCheck64(memory, address, expected) !== 0) return WaitResult.notEqual;
  const longs = new BigInt64Array(memory.buffer, address, 1) as unknown as BigInt64Array<SharedArrayBuffer>;
  if (canPark(activation)) {
    const start = () => Atomics.waitAsync(longs, 0, expected, timeoutMs);
    return parkWait(activation, start, () => Atomics.notify(longs, 0, 1));
  }
  return wait(activation, memory, timeoutMs, (ms) => Atomics.wait(longs, 0, expected, ms));
}

function wait(
  activation: Activation,
  { store, shared }: MemoryState,
  timeoutMs: number,
  sleep: (ms: number) => "ok" | "not-equal" | "timed-out",
): number {
  if (store.interrupt === undefined && store.meter === undefined) return RESULTS[sleep(timeoutMs)]; // WAIT-1
  const notifications = shared!.notifications;
  const end = performance.now() + timeoutMs;
  for (let first = true;; first = false) {
    pollInCall(activation);
    const left = Math.max(0, end - performance.now());
    const result = sleep(Math.min(left, SLICE_MS));
    if (result === "ok") return WaitResult.woken;
    // The value changed between two slices: somebody is about to notify, or has.
    if (result === "not-equal") return first ? WaitResult.notEqual : WaitResult.woken;
    if (left <= SLICE_MS) return WaitResult.timedOut;
    if (shared!.notifications !== notifications) return WaitResult.woken; // WAIT-2
  }
}

/** Wakes at most `count` threads that wait at `address` of a shared memory; returns how many. */
export function notify(memory: MemoryState, address: number, count: number): number {
  memory.shared!.countNotification();
  const words = new Int32Array(memory.buffer, address, 1);
  return Atomics.notify(words, 0, count);
}
