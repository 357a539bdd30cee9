/**
 * The epoch of an engine: a count of ticks that the embedder adds, for those who measure guests by a clock of their own.
 *
 * The count is 64 bits of a buffer that every isolate may have, and may add to; every VMContext has its address (SEEDS 4.1e). A store says at
 * which count its guests are to stop. Nothing raises a flag when somebody ticks, so the store's guests look every millisecond of their own time:
 * a deadline that is always near, and moves on until the count is reached.
 */

import { VMStoreContext } from "../abi/mod.ts";
import { sharedAddressOf } from "../host/mod.ts";
import type { Activation } from "./activation.ts";
import { Deadline, type DeadlineAction } from "./meter.ts";
import type { StoreState } from "./store_state.ts";
import { Trap, trapInCall } from "./traps.ts";

/** Bytes of an epoch. */
export const EPOCH_BYTES = 8;
/** How often a guest looks. */
const LOOK_MS = 1;

/** A count of ticks. */
export class EpochState {
  readonly buffer: SharedArrayBuffer;
  readonly #count: BigUint64Array<SharedArrayBuffer>;
  #address = 0;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(EPOCH_BYTES)) {
    this.buffer = buffer;
    this.#count = new BigUint64Array(buffer);
  }

  /** Address of the count; the buffer stays where it is, and lives as long as this. */
  get address(): number {
    return this.#address ||= sharedAddressOf(this.buffer);
  }

  /** Ticks so far. */
  get count(): bigint {
    return Atomics.load(this.#count, 0);
  }

  /** Adds ticks; returns the count afterwards. */
  add(ticks: bigint): bigint {
    return BigInt.asUintN(64, Atomics.add(this.#count, 0, ticks) + ticks);
  }
}

/** Stops a store's guests when the engine's epoch reaches a count. */
export class EpochDeadline extends Deadline {
  readonly #store: StoreState;
  /** The count, as the store's context has it. */
  #end = 0n;

  constructor(store: StoreState, ticks: bigint, action: DeadlineAction) {
    super(LOOK_MS, action, "guest time");
    this.#store = store;
    this.allow(ticks);
  }

  /** Allows so many ticks from now on. */
  allow(ticks: bigint): void {
    const end = BigInt.asUintN(64, this.#store.engine.epoch.count + ticks);
    this.#end = end;
    const { storeContext } = this.#store;
    storeContext.setI32(VMStoreContext.offsets.epochDeadline, Number(BigInt.asIntN(32, end)));
    storeContext.setI32(VMStoreContext.offsets.epochDeadline + 4, Number(BigInt.asIntN(32, end >> 32n)));
    this.extend(LOOK_MS);
  }

  override act(activation: Activation | undefined): void {
    const { count } = this.#store.engine.epoch;
    if (count < this.#end) return this.extend(LOOK_MS);
    const { action } = this;
    const more = typeof action === "function" ? action() : undefined;
    activation?.store.requireOpen();
    if (typeof more === "number" && Number.isSafeInteger(more) && more > 0) return this.allow(BigInt(more));
    const detail = `the epoch has reached ${this.#end}`;
    throw activation === undefined
      ? new Trap("interrupted", { detail })
      : trapInCall(activation, "interrupted", detail);
  }
}
