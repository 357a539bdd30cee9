/** The calls of a store that are parked between turns of the event loop (async_call.ts). */

import type { Activation } from "./activation.ts";

/** What a store knows of its parked calls. */
export class ParkedCalls {
  /** Parked, not resumed yet. */
  readonly parked: Set<Activation> = new Set();
  /** VMContext addresses of instances that nobody may enter (PARK-3). */
  readonly busy: Set<number> = new Set();
  /** Activations that are free. */
  readonly free: Activation[] = [];
  /** By VMContext address: the last of those who wait for the instance. */
  readonly queues: Map<number, Promise<void>> = new Map();
}

/** A call into an instance that has a parked call, and whose code does not allow for two at a time. */
export class BusyError extends Error {
  /** `"BusyError"`. */
  override readonly name: string = "BusyError";

  /** Made by the runtime. */
  constructor() {
    super(
      'A call into the instance is parked, and another would use the same stack in its memory: await the call, use callAsync, or instantiate with reentry "concurrent"',
    );
  }
}
