/**
 * Time and fuel: the deadlines of a store and what is charged to them, and what is left of its fuel.
 *
 * A deadline is a number of ticks that are left. While a guest runs the ticker is armed with the least of them; when the guest leaves, what
 * passed is subtracted from all. So time in host functions is not charged unless a deadline says so, and calls that nest are charged to the
 * deadlines of all calls around them. Runtime calls (a long fill, a wait) are the guest's own time and are not interrupted by this.
 *
 * Fuel is counted down by the code itself, in the record that runs; while JavaScript runs it is here.
 *
 * A store without a meter pays one comparison a call for it.
 *
 * Fuel of a budget is drawn in pieces when the guest goes on, and what is left of a piece is returned when it has left (BUDGET-4). A guest whose
 * piece is used up leaves as if it had no more, and goes on with the next: it traps where all of the budget's fuel in one piece would end.
 *
 * METER-1  `start` before the guest is entered or resumed, `stop` when it has left for anything but a runtime call, and before user code runs.
 * METER-2  A deadline that has passed stays so: the calls around an interrupted one end as well at their next poll, whoever catches the error.
 * METER-3  No deadline passes early: the ticker's count may be behind by the time that its thread has waited for a processor, which the next
 *          guest would be charged for. Where that matters, in the last ticks, the clock is asked.
 */

import { loadAddress, MAXIMUM_TICKS, RAISED, RECORD, storeAddress, TICK_MS, type Ticker, ticker } from "../host/mod.ts";
import type { Activation } from "./activation.ts";
import { type BudgetState, FUEL_ROW } from "./budget.ts";
import { Trap, trapInCall } from "./traps.ts";

/** Ticks left below which the clock is asked. */
const PRECISE_TICKS = 64;

/** The least and the most of a budget's fuel that a guest has in hand, and the part of what is left in between. */
const LEAST_PIECE = 1000, MOST_PIECE = 1_000_000, PART = 16;

const FUEL = RECORD.fuel >> 2;
const FLAG = RECORD.interruptFlag >> 2;

/** What happens when a deadline has passed: a trap, or what a function says. */
export type DeadlineAction = "trap" | (() => number | undefined | void) | ParkAction;

/** Parks an activation: a deadline of no other (PARK-1 of async_call.ts). */
export interface ParkAction {
  readonly park: Activation;
}

/** Time that guests may use. */
export class Deadline {
  /** Ticks left; not above 0 when it has passed. */
  remaining: number;
  /** What it was set to. */
  readonly ms: number;
  readonly action: DeadlineAction;
  /** By `performance.now()`, when host time is charged as well. */
  #endMs: number | undefined;

  constructor(ms: number, action: DeadlineAction, charges: "guest time" | "all time") {
    this.ms = ms;
    this.action = action;
    this.#endMs = charges === "all time" ? performance.now() + ms : undefined;
    this.remaining = ticksOf(ms);
  }

  /** Allows `ms` milliseconds from now on. */
  extend(ms: number): void {
    this.remaining = ticksOf(ms);
    if (this.#endMs !== undefined) this.#endMs = performance.now() + ms;
  }

  /** When it passes whatever happens, by `performance.now()`; undefined when host time is not charged. */
  get endMs(): number | undefined {
    return this.#endMs;
  }

  /** It has passed: asks whether the guest may go on. @throws {Trap} or what the action throws. */
  act(activation: Activation | undefined): void {
    const { action } = this;
    const more = typeof action === "function" ? action() : undefined;
    activation?.store.requireOpen();
    if (typeof more === "number" && more > 0) return this.extend(more);
    const detail = `the deadline of ${this.ms} ms has passed`;
    throw activation === undefined
      ? new Trap("interrupted", { detail })
      : trapInCall(activation, "interrupted", detail);
  }

  /** Brings `remaining` up to date with the clock, if host time counts. */
  refresh(): void {
    if (this.#endMs !== undefined) this.remaining = Math.ceil((this.#endMs - performance.now()) / TICK_MS);
  }
}

/** One more than the time takes, since the first tick has begun already: no deadline passes early. */
function ticksOf(ms: number): number {
  return Math.min(MAXIMUM_TICKS, Math.ceil(ms / TICK_MS) + 1);
}

/** The deadlines of a store. */
export class Meter {
  /** The store's own first, then those of calls, the innermost last. */
  readonly deadlines: Deadline[] = [];
  #ticker: Ticker | undefined;
  /** The ticker's count when the guest went on. */
  #startedAt = 0;
  /** By `performance.now()`, when the end is near; else NaN. */
  #startedMs = NaN;
  #isTiming = false;
  /** The activation whose guest runs. */
  #running: Activation | undefined;
  /** What is left while no guest runs; below 0 when more was asked for than there was. Always 0 where code counts none. */
  #fuel = 0;
  /** Whether the records' fuel means something (FUELREG-1). */
  readonly #countsFuel: boolean;
  /** Whose fuel it is; undefined: the store's own. */
  readonly #budget: BudgetState | undefined;
  /** What was put in the store's hands, less what it returned or lost otherwise. */
  #granted = 0;

  constructor({ fuel }: { readonly fuel: boolean }, budget?: BudgetState) {
    this.#countsFuel = fuel;
    this.#budget = fuel && budget?.hasFuel === true ? budget : undefined;
  }

  /** Whether the fuel is that of a budget. */
  get isShared(): boolean {
    return this.#budget !== undefined;
  }

  /** What is left; not below 0. */
  get fuel(): number {
    return this.#inHand + (this.#budget?.left(FUEL_ROW) ?? 0);
  }

  /** Sets the store's own fuel. */
  set fuel(value: number) {
    this.stop();
    this.#granted += value - this.#inHand;
    this.#fuel = value;
  }

  /** What was used so far. */
  get consumed(): number {
    return this.#granted - this.#inHand;
  }

  get #inHand(): number {
    return Math.max(0, this.#running === undefined ? this.#fuel : loadAddress(this.#running.words, FUEL));
  }

  /** Takes fuel for something that the host does; returns whether there was as much. */
  consume(amount: number): boolean {
    this.stop();
    const fuel = Math.max(this.#fuel, 0);
    this.#fuel = fuel - amount;
    this.#settle();
    if (this.#fuel >= 0) return true;
    this.#exhaust();
    return false;
  }

  /** Draws a piece of the budget's fuel. */
  #draw(budget: BudgetState): void {
    const piece = Math.min(MOST_PIECE, Math.max(LEAST_PIECE, Math.floor(budget.left(FUEL_ROW) / PART)));
    const drawn = budget.drawFuel(1, piece);
    this.#granted += drawn;
    this.#fuel += drawn;
  }

  /** Gives back what is left of a piece, or draws what was used beyond it, if there is as much. */
  #settle(): void {
    const budget = this.#budget;
    if (budget === undefined || this.#fuel === 0) return;
    const debt = -this.#fuel;
    if (debt < 0) budget.returnFuel(-debt);
    else if (budget.drawFuel(debt, debt) === 0) return;
    this.#granted += debt;
    this.#fuel = 0;
  }

  /** More was asked for than there is: nothing is left of the budget's fuel either. */
  #exhaust(): void {
    const budget = this.#budget;
    if (budget === undefined) return;
    this.#granted += budget.drainFuel();
    this.#fuel = 0;
  }

  /** The guest of the activation goes on now. */
  start(activation: Activation): void {
    if (this.#running === activation) return;
    this.stop(); // a call that nests in a runtime call of another
    this.#running = activation;
    if (this.#countsFuel) {
      if (this.#budget !== undefined) this.#draw(this.#budget);
      storeAddress(activation.words, FUEL, this.#fuel);
    }
    if (this.deadlines.length !== 0) this.#startTime(activation);
  }

  #startTime(activation: Activation): void {
    const { deadlines } = this;
    const clock = this.#ticker ??= ticker();
    let least = MAXIMUM_TICKS;
    for (const deadline of deadlines) {
      deadline.refresh();
      const { action } = deadline;
      if (typeof action === "object" && action.park !== activation) continue;
      if (deadline.remaining < least) least = deadline.remaining;
    }
    if (least <= 0) Atomics.store(activation.words, FLAG, RAISED);
    const epoch = clock.epoch;
    clock.arm(activation.index, epoch + least | 0);
    this.#startedAt = epoch;
    this.#startedMs = least <= PRECISE_TICKS ? performance.now() : NaN;
    this.#isTiming = true;
  }

  /** It has left. */
  stop(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    if (this.#countsFuel) {
      this.#fuel = loadAddress(running.words, FUEL);
      this.#settle();
    }
    if (!this.#isTiming) return;
    this.#isTiming = false;
    const clock = this.#ticker!;
    clock.disarm();
    let passed = clock.epoch - this.#startedAt | 0;
    if (passed !== 0) {
      const ms = performance.now() - this.#startedMs;
      if (ms < passed * TICK_MS) passed = Math.ceil(ms / TICK_MS); // METER-3
      for (const deadline of this.deadlines) deadline.remaining -= passed;
    }
  }

  /**
   * Acts on fuel that is used up and deadlines that have passed; the guest is parked. Returns whether it is to stay so.
   *
   * @throws {Trap} or what an action throws.
   */
  serve(activation: Activation): boolean {
    if (this.#fuel < 0) {
      this.#exhaust();
      throw trapInCall(activation, "out_of_fuel");
    }
    let isParked = false;
    for (const deadline of [...this.deadlines]) {
      const { action } = deadline;
      deadline.refresh();
      if (deadline.remaining > 0) continue;
      if (typeof action === "object") {
        isParked ||= action.park === activation;
        continue;
      }
      deadline.act(activation);
    }
    return isParked;
  }

  /** Takes a deadline out. */
  remove(deadline: Deadline): void {
    const at = this.deadlines.lastIndexOf(deadline);
    if (at >= 0) this.deadlines.splice(at, 1);
  }
}
