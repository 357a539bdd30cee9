/**
 * Time and fuel: the deadlines of a store and what is charged to them, and what is left of its fuel.
 *
 * A deadline is a number of ticks that are left. While a guest runs the ticker is armed with the least of them; when the guest leaves, what
 * passed is subtracted from all. So time in host functions is not charged unless a deadline says so, and calls that nest are charged to the
 * deadlines of all calls around them. Runtime calls (a long fill, a wait) are the guest's own time and are not interrupted by this; nor are
 * host functions, but one that blocks says so and is charged (blocking.ts).
 *
 * Fuel is counted down by the code itself, in a register that the record has while JavaScript runs (FUELREG-1); what is left is known here
 * from then on.
 *
 * A store without a meter pays one comparison a call for it.
 *
 * Fuel of a budget is drawn in pieces when the guest goes on, and what is left of a piece is returned when it has left (BUDGET-4). A guest whose
 * piece is used up leaves as if it had no more, and goes on with the next: it traps where all of the budget's fuel in one piece would end.
 *
 * METER-4  A call that lets the event loop turn every so many units of fuel is given no more than those: its own code leaves when they are
 *          used up, at the same place in every run. Runtime calls and calls that nest go on to their end.
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

/** What happens when a deadline has passed: a trap, or what a function says; or the call lets the event loop turn and gets the time anew. */
export type DeadlineAction = "trap" | "yield" | (() => number | undefined | void) | ParkAction;

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
  /** Guests that wait now. */
  #waiters = 0;
  /** By `performance.now()`: their time is charged up to here. */
  #waitedUntilMs = 0;

  constructor(ms: number, action: DeadlineAction, charges: "guest time" | "all time") {
    this.ms = ms;
    this.action = action;
    this.#endMs = charges === "all time" ? performance.now() + ms : undefined;
    this.remaining = ticksOf(ms);
  }

  /** Allows `ms` milliseconds from now on. */
  extend(ms: number): void {
    if (this.#waiters > 0) this.#waitedUntilMs = performance.now();
    this.remaining = ticksOf(ms);
    if (this.#endMs !== undefined) this.#endMs = performance.now() + ms;
  }

  /** Milliseconds left at a time by `performance.now()`, if time passes that is charged. */
  leftMs(nowMs: number): number {
    return this.#endMs === undefined ? this.remaining * TICK_MS : this.#endMs - nowMs;
  }

  /** A guest begins to wait, which is charged as if it ran; once where several wait at the same time (METER-3). */
  beginWait(nowMs: number): void {
    this.#chargeWaits(nowMs);
    this.#waiters++;
  }

  /** It waits no more. */
  endWait(nowMs: number): void {
    this.#chargeWaits(nowMs);
    this.#waiters--;
  }

  /** What counts host time is up to date anyway. */
  #chargeWaits(nowMs: number): void {
    if (this.#waiters > 0 && this.#endMs === undefined) this.remaining -= (nowMs - this.#waitedUntilMs) / TICK_MS;
    this.#waitedUntilMs = nowMs;
  }

  /** When it passes whatever happens, by `performance.now()`; undefined when host time is not charged. */
  get endMs(): number | undefined {
    return this.#endMs;
  }

  /** It has passed: asks whether the guest may go on. @throws {Trap} or what the action throws. */
  act(activation: Activation | undefined): void {
    const { action } = this;
    if (action === "yield") return this.extend(this.ms);
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

/** Lets the event loop turn whenever an activation, which can be parked, has used up some fuel. */
export class FuelInterval {
  readonly activation: Activation;
  /** Units from one turn to the next. */
  readonly every: number;
  /** Units left until the next. */
  left: number;

  constructor(activation: Activation, every: number) {
    this.activation = activation;
    this.every = this.left = every;
  }
}

/** The deadlines of a store. */
export class Meter {
  /** The store's own first, then those of calls, the innermost last. */
  readonly deadlines: Deadline[] = [];
  /** That of the call whose turn it is, if it has one (METER-4). */
  interval: FuelInterval | undefined = undefined;
  #ticker: Ticker | undefined;
  /** The ticker's count when the guest went on. */
  #startedAt = 0;
  /** By `performance.now()`, when the end is near; else NaN. */
  #startedMs = NaN;
  #isTiming = false;
  /** The activation whose guest runs. */
  #running: Activation | undefined;
  /** What is left, or was when the guest went on; below 0 when more was asked for than there was. Always 0 where code counts none. */
  #fuel = 0;
  /** How much of it the running guest was given. */
  #given = 0;
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
    return Math.max(0, this.#fuel - this.#used());
  }

  /** What the running guest has used of what it was given. */
  #used(): number {
    const running = this.#running;
    return running === undefined || !this.#countsFuel ? 0 : this.#given - loadAddress(running.words, FUEL);
  }

  /** Takes fuel for something that the host does; returns whether there was as much. */
  consume(amount: number): boolean {
    this.stop();
    this.#fuel = Math.max(this.#fuel, 0);
    this.#take(amount);
    if (this.#fuel >= 0) return true;
    this.#exhaust();
    return false;
  }

  /**
   * Takes fuel for a runtime call of the activation, between the check of its bounds and its work (BULK-1).
   *
   * @throws {Trap} `out_of_fuel` if less is left.
   */
  takeInCall(activation: Activation, amount: number): void {
    if (!this.#countsFuel || amount === 0) return;
    this.stop();
    this.#take(amount);
    this.#requireFuel(activation);
    this.start(activation);
  }

  #take(amount: number): void {
    this.#fuel -= amount;
    if (this.interval !== undefined) this.interval.left -= amount;
    this.#settle();
  }

  #requireFuel(activation: Activation): void {
    if (this.#fuel >= 0) return;
    this.#exhaust();
    throw trapInCall(activation, "out_of_fuel");
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
      const { interval } = this;
      this.#given = interval?.activation === activation ? Math.min(this.#fuel, interval.left) : this.#fuel; // METER-4
      storeAddress(activation.words, FUEL, this.#given);
    }
    if (this.deadlines.length !== 0) this.#startTime(activation);
  }

  #startTime(activation: Activation): void {
    const { deadlines } = this;
    const clock = this.#ticker ??= ticker();
    let least = MAXIMUM_TICKS;
    for (const deadline of deadlines) {
      deadline.refresh();
      if (deadline.remaining < least && this.#concerns(deadline, activation)) least = deadline.remaining;
    }
    if (least <= 0) Atomics.store(activation.words, FLAG, RAISED);
    const epoch = clock.epoch;
    clock.arm(activation.index, epoch + least | 0);
    this.#startedAt = epoch;
    this.#startedMs = least <= PRECISE_TICKS ? performance.now() : NaN;
    this.#isTiming = true;
  }

  /** Whether the activation is to leave when the deadline passes: not for the sake of one that parks another activation. */
  #concerns({ action }: Deadline, activation: Activation): boolean {
    if (typeof action === "object") return action.park === activation;
    return action !== "yield" || this.#isParkable(activation) || !this.#isInTurn();
  }

  /** Whether a turn of a call that can be parked is under way. */
  #isInTurn(): boolean {
    return this.interval !== undefined || this.deadlines.some(({ action }) => typeof action === "object");
  }

  /** Whether it is the activation of that turn. */
  #isParkable(activation: Activation): boolean {
    return this.interval?.activation === activation ||
      this.deadlines.some(({ action }) => typeof action === "object" && action.park === activation);
  }

  /** It has left. */
  stop(): void {
    if (this.#running === undefined) return;
    const used = this.#used();
    this.#running = undefined;
    if (this.#countsFuel) this.#take(used);
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

  /** Milliseconds until the first deadline passes, not below 0; Infinity without one. */
  get remainingMs(): number {
    let least = Infinity;
    for (const deadline of this.deadlines) {
      deadline.refresh();
      // One that parks is nothing to whoever blocks the thread.
      if (typeof deadline.action !== "object") least = Math.min(least, deadline.remaining);
    }
    return Math.max(0, least * TICK_MS);
  }

  /** Charges time that passed while the host blocked in place of the guest (BLOCK-1). */
  chargeHost(ms: number): void {
    for (const deadline of this.deadlines) deadline.remaining -= ms / TICK_MS;
  }

  /**
   * Acts on fuel that is used up and deadlines that have passed; the guest is parked. Returns whether it is to stay so.
   *
   * @throws {Trap} or what an action throws.
   * @throws {TypeError} for a deadline that is to let the event loop turn, when it cannot.
   */
  serve(activation: Activation): boolean {
    this.#requireFuel(activation);
    const { interval } = this;
    let isParked = false;
    if (interval?.activation === activation && interval.left < 0) { // METER-4
      interval.left = interval.every;
      isParked = true;
    }
    return this.serveDeadlines(activation) || isParked;
  }

  /** The part of {@linkcode serve} that is about time; without an activation, for a host function that no guest called. */
  serveDeadlines(activation: Activation | undefined): boolean {
    let isParked = false;
    for (const deadline of [...this.deadlines]) {
      const { action } = deadline;
      deadline.refresh();
      if (deadline.remaining > 0) continue;
      if (typeof action === "object") {
        isParked ||= action.park === activation;
        continue;
      }
      if (action !== "yield") deadline.act(activation);
      else if (activation !== undefined && this.#isParkable(activation)) {
        deadline.extend(deadline.ms);
        isParked = true;
      } else if (!this.#isInTurn()) {
        throw new TypeError(
          'A deadline that yields has passed in a synchronous call: onDeadline "yield" needs callAsync',
        );
      }
    }
    return isParked;
  }

  /** Takes a deadline out. */
  remove(deadline: Deadline): void {
    const at = this.deadlines.lastIndexOf(deadline);
    if (at >= 0) this.deadlines.splice(at, 1);
  }
}
