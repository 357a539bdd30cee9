/** The calls of a store that let the event loop turn (async_call.ts): what they have, and what they wait for. */

import type { Activation } from "./activation.ts";
import type { Deadline } from "./meter.ts";
import type { WaitCharge } from "./parking.ts";
import type { StoreState } from "./store_state.ts";
import { Resource } from "./usage.ts";

/** How a call is limited. */
export interface AsyncCallOptions {
  readonly deadline: Deadline | undefined;
  readonly signal: AbortSignal | undefined;
  /** Units of fuel after which the event loop turns (METER-4). */
  readonly fuelYieldInterval: number | undefined;
}

/** One such call, from its begin to its end. */
export class AsyncCall {
  readonly store: StoreState;
  readonly signal: AbortSignal | undefined;
  readonly deadline: Deadline | undefined;
  readonly fuelYieldInterval: number | undefined;
  /** The call whose guest called the host function that made this one, before that function returned; not once this one has ended. */
  parent: AsyncCall | undefined;
  /** Keys of instances (exclusion.ts) that nobody else may enter. */
  readonly keys: Set<number> = new Set();
  /** What it runs on, once it has begun. */
  activation: Activation | undefined = undefined;
  /** As whose time it counts that it waits. */
  waitsAs: WaitCharge = "host time";
  /** Ends what it waits for. */
  wake: () => void = () => {};

  constructor(store: StoreState, { signal, deadline, fuelYieldInterval }: AsyncCallOptions) {
    this.store = store;
    this.signal = signal;
    this.deadline = deadline;
    this.fuelYieldInterval = fuelYieldInterval;
    this.parent = store.parkedCalls.running;
  }
}

/** What a store knows of these calls. */
export class ParkedCalls {
  /** All of them. */
  readonly calls: Set<AsyncCall> = new Set();
  /** The one whose turn it is. */
  running: AsyncCall | undefined = undefined;
  /** Activations that are parked, not resumed yet. */
  readonly parked: Set<Activation> = new Set();
  /** Activations that are free. */
  readonly free: Activation[] = [];
  /** Keys of instances that a parked call is in (PARK-3). */
  readonly busy: Set<number> = new Set();
  readonly #holders = new Map<number, AsyncCall>();
  /** By key: who waits for it, in the order of their coming. */
  readonly #queues = new Map<number, AsyncCall[]>();

  /** A call begins. @throws {LimitError} when the store has as many as it may. */
  begin(call: AsyncCall): void {
    call.store.usage.require(Resource.parkedCalls, 1);
    this.calls.add(call);
  }

  /** A call has ended. */
  end(call: AsyncCall): void {
    call.parent = undefined;
    if (this.calls.delete(call)) call.store.usage.give(Resource.parkedCalls, 1);
  }

  /** Takes a key, or enters its queue: returns whether the call has it. Who waits is woken when it does. */
  take(call: AsyncCall, key: number): boolean {
    const holder = this.#holders.get(key);
    if (holder === undefined) {
      this.#give(call, key);
      return true;
    }
    const queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, [call]);
    else queue.push(call);
    return false;
  }

  /** Takes keys that nobody else has, all or none: returns whether it has them now. */
  takeAll(call: AsyncCall, keys: ReadonlySet<number>): boolean {
    for (const key of keys) if ((this.#holders.get(key) ?? call) !== call) return false;
    for (const key of keys) this.#give(call, key);
    return true;
  }

  #give(call: AsyncCall, key: number): void {
    this.#holders.set(key, call);
    call.keys.add(key);
  }

  /** Who has a key. */
  holderOf(key: number): AsyncCall | undefined {
    return this.#holders.get(key);
  }

  /** Gives a key to whoever waits for it. */
  release(call: AsyncCall, key: number): void {
    call.keys.delete(key);
    const queue = this.#queues.get(key);
    const next = queue?.shift();
    if (queue?.length === 0) this.#queues.delete(key);
    if (next === undefined) this.#holders.delete(key);
    else {
      this.#give(next, key);
      next.wake();
    }
  }

  /** Takes a call out of the queue for a key. */
  leaveQueue(call: AsyncCall, key: number): void {
    const queue = this.#queues.get(key);
    const at = queue?.indexOf(call) ?? -1;
    if (at < 0) return;
    queue!.splice(at, 1);
    if (queue!.length === 0) this.#queues.delete(key);
  }
}

/** A call into an instance that has a parked call, and whose code does not allow for two at a time. */
export class BusyError extends Error {
  /** `"BusyError"`. */
  override readonly name: string = "BusyError";

  /** Made by the runtime. */
  constructor(
    message: string =
      'A call into the instance is parked, and another would use the same stack in its memory: await the call, use callAsync, or instantiate with reentry "concurrent"',
  ) {
    super(message);
  }
}
