/**
 * The ticker from JavaScript's side: arming and disarming this isolate's deadline.
 *
 * `lib/bootimage/ticker.ts` has the thread. Time is counted in ticks that pass while it runs: to read it is to read a word, and to arm is to
 * write two. A deadline is armed while a guest runs and taken back when it leaves, so that what is charged is the number of ticks in
 * between: a guest that leaves every 100 ns is charged for those ticks that find it running, on average its share.
 *
 * TICK-5  One slot an isolate, claimed when it first arms and kept; its exit gives it back (LIFE-1).
 */

import { boot } from "./boot.ts";
import {
  BOOT_DATA,
  TICK_NS_LOG2,
  TICKER_SLOT,
  TICKER_SLOT_BYTES,
  TICKER_SLOT_COUNT,
  TICKER_STATE,
} from "./boot_data.ts";
import { HostError } from "./errors.ts";
import { startThread } from "./ffi.ts";
import { noteTickerSlot } from "./ledger.ts";
import { loadAddress } from "./memory.ts";
import { SYS } from "./sys.ts";

/** Milliseconds of a tick. */
export const TICK_MS = 2 ** TICK_NS_LOG2 / 1e6;
/** The most ticks that can be armed: ticks are compared modulo 2^32. */
export const MAXIMUM_TICKS = 2 ** 30;

const FUTEX_WAKE_PRIVATE = 129;
const EPOCH = BOOT_DATA.tickerEpoch >> 2;
const STATE = BOOT_DATA.tickerState >> 2;

/** This isolate's view of the ticker. */
export class Ticker {
  readonly #data: Int32Array<ArrayBuffer>;
  /** Word indices in the boot data. */
  readonly #record: number;
  readonly #deadline: number;

  /** @throws {HostError} code "limit" when 512 isolates have a slot. */
  constructor() {
    const { data } = boot();
    this.#data = data;
    const slot = claimSlot(data);
    noteTickerSlot(slot);
    const at = BOOT_DATA.tickerSlots + slot * TICKER_SLOT_BYTES;
    this.#record = at + TICKER_SLOT.record >> 2;
    this.#deadline = at + TICKER_SLOT.deadline >> 2;
  }

  /** Ticks so far, modulo 2^32, as an int32; stands still while nobody has armed anything for a while. */
  get epoch(): number {
    return Atomics.load(this.#data, EPOCH);
  }

  /** Has the record's interrupt flag raised when `epoch` is at least `tick`. @throws {HostError} when no thread can be made. */
  arm(recordIndex: number, tick: number): void {
    const data = this.#data;
    data[this.#deadline] = tick;
    Atomics.store(data, this.#record, recordIndex + 1);
    if (Atomics.load(data, STATE) !== TICKER_STATE.running) this.#wake(); // TICK-2
  }

  /** Takes the deadline back; the flag may still be raised by the look at the slot that is under way (TICK-3). */
  disarm(): void {
    Atomics.store(this.#data, this.#record, 0);
  }

  #wake(): void {
    const data = this.#data;
    const { dataAddress, systemCall } = boot();
    if (Atomics.compareExchange(data, STATE, TICKER_STATE.parked, TICKER_STATE.running) === TICKER_STATE.parked) {
      systemCall(SYS.futex, dataAddress + BOOT_DATA.tickerState, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    } else if (Atomics.load(data, STATE) === TICKER_STATE.none) {
      startThread(loadAddress(data, BOOT_DATA.tickerStub >> 2)); // TICK-1
    }
  }
}

function claimSlot(data: Int32Array<ArrayBuffer>): number {
  for (let slot = 0; slot < TICKER_SLOT_COUNT; slot++) {
    const owner = BOOT_DATA.tickerSlots + slot * TICKER_SLOT_BYTES + TICKER_SLOT.owner >> 2;
    if (Atomics.compareExchange(data, owner, 0, 1) === 0) return slot;
  }
  throw new HostError("limit", `more than ${TICKER_SLOT_COUNT} isolates have deadlines`);
}

let opened: Ticker | undefined;

/** The isolate's ticker. @throws {HostError} */
export function ticker(): Ticker {
  return opened ??= new Ticker();
}
