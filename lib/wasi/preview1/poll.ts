/**
 * `poll_oneoff`: waiting for clocks and descriptors.
 *
 * One call sorts the subscriptions into events that are ready as they are (files, virtual streams, mistakes), descriptors for ppoll(2), and
 * timers; waits once, no longer than the first timer and not at all if something is ready; and writes the events of all that happened.
 *
 * POLL-1  A mistake in one subscription is an event with an error, not an error of the call: the others are still waited for.
 * POLL-2  A call returns at least one event, or it does not return.
 */

import { Errno, FileType, Right, type WasiImplementation } from "./abi.ts";
import { ErrnoError, type GuestMemory } from "./guest_memory.ts";
import { clockValue, POLL, type PollRequest, readableBytes } from "./linux.ts";
import type { WasiState } from "./state.ts";
import { blockOn, type CallContext, WouldBlock } from "./waiting.ts";

const EVENT_BYTES = 32;
const EventType = { clock: 0, read: 1, write: 2 } as const;
const ABSOLUTE_TIME = 1;
const HANGUP = 1;
const MONOTONIC = 1;
const LAST_CLOCK = 3;
/** Most subscriptions of one call: a bound on what a guest makes the host allocate. */
const MOST_SUBSCRIPTIONS = 4096;

interface Event {
  readonly userData: bigint;
  readonly error: number;
  readonly type: number;
  readonly bytes: bigint;
  readonly flags: number;
}

interface Waiting extends PollRequest {
  readonly userData: bigint;
  readonly type: number;
}

interface Timer {
  readonly userData: bigint;
  readonly remainingNs: bigint;
}

/** The subscriptions of one call, sorted. */
interface Subscriptions {
  readonly ready: Event[];
  readonly waiting: Waiting[];
  readonly timers: Timer[];
}

/** The polling function. */
export function pollFunctions(state: WasiState): WasiImplementation<"poll_oneoff"> {
  const { memory, context, layout: { subscription } } = state;
  return {
    poll_oneoff(pointer, events, count, result) {
      const total = count >>> 0;
      if (total === 0 || total > MOST_SUBSCRIPTIONS) return Errno.inval;
      memory.requireRange(pointer, total * subscription.bytes);
      memory.requireRange(events, total * EVENT_BYTES);
      memory.requireRange(result, 4);
      const sorted: Subscriptions = { ready: [], waiting: [], timers: [] };
      for (let i = 0; i < total; i++) {
        if (!sortSubscription(state, (pointer >>> 0) + i * subscription.bytes, sorted)) return Errno.inval;
      }
      const start = clockValue("time", MONOTONIC);
      const finish = (): number => {
        waitFor(sorted, context, start, finish);
        sorted.ready.forEach((event, index) => writeEvent(memory, (events >>> 0) + index * EVENT_BYTES, event));
        memory.setU32(result, sorted.ready.length);
        return Errno.success;
      };
      return finish();
    },
  };
}

/** Reads the subscription at `at` and sorts it; false if it is of no known kind. */
function sortSubscription(
  { memory, descriptors, layout: { subscription } }: WasiState,
  at: number,
  { ready, waiting, timers }: Subscriptions,
): boolean {
  const userData = memory.getU64(at);
  const type = memory.getU8(at + 8);
  const event = (error: number, bytes = 0n) => ready.push({ userData, error, type, bytes, flags: 0 });
  if (type === EventType.clock) {
    const clock = memory.getU32(at + subscription.clock);
    const timeout = memory.getU64(at + subscription.timeout);
    if (clock > LAST_CLOCK) event(Errno.inval);
    else {
      const absolute = (memory.getU16(at + subscription.flags) & ABSOLUTE_TIME) !== 0;
      const remaining = absolute ? timeout - clockValue("time", clock) : timeout;
      timers.push({ userData, remainingNs: remaining < 0n ? 0n : remaining });
    }
    return true;
  }
  if (type !== EventType.read && type !== EventType.write) return false;
  const reading = type === EventType.read;
  try {
    const { fd, fileType, input } = descriptors.get(
      memory.getU32(at + 16),
      Right.poll_fd_readwrite | (reading ? Right.fd_read : Right.fd_write),
    );
    // Files are always ready, as poll(2) has it; virtual streams are too.
    if (fd < 0 || fileType === FileType.regularFile) {
      event(Errno.success, reading && input ? BigInt(input.bytes.length - input.position) : 0n);
    } else waiting.push({ fd, events: reading ? POLL.in : POLL.out, userData, type });
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    event(error.errno);
  }
  return true;
}

/**
 * Waits, and adds the events of what happened to `ready`. For a guest that can wait by itself, only what has happened already is waited for.
 *
 * @throws {WouldBlock} if nothing has; `again` is to be called when something may.
 */
function waitFor(
  { ready, waiting, timers }: Subscriptions,
  context: CallContext,
  start: bigint,
  again: () => number,
): void {
  let soonest: bigint | undefined;
  for (const { remainingNs } of timers) if (soonest === undefined || remainingNs < soonest) soonest = remainingNs;
  const timeoutNs = ready.length > 0 || context.canWait ? 0n : soonest;
  if (waiting.length > 0 || timeoutNs !== 0n) {
    const seen = blockOn(context, waiting, timeoutNs);
    waiting.forEach(({ fd, userData, type }, index) => {
      const happened = seen[index];
      if (happened === 0) return;
      const error = happened & POLL.nval ? Errno.badf : happened & POLL.err ? Errno.io : Errno.success;
      const bytes = type === EventType.read ? BigInt(readableBytes(fd)) : 0n;
      ready.push({ userData, error, type, bytes, flags: happened & POLL.hup ? HANGUP : 0 });
    });
  }
  const elapsed = clockValue("time", MONOTONIC) - start;
  if (context.canWait && ready.length === 0 && (soonest === undefined || elapsed < soonest)) {
    throw new WouldBlock(waiting, soonest === undefined ? undefined : start + soonest, again);
  }
  // POLL-2: with nothing else to report, the wait ended with the first timer, whatever the clocks' resolutions say.
  const timedOut = ready.length === 0;
  for (const { userData, remainingNs } of timers) {
    if (remainingNs <= elapsed || (timedOut && remainingNs === soonest)) {
      ready.push({ userData, error: Errno.success, type: EventType.clock, bytes: 0n, flags: 0 });
    }
  }
}

function writeEvent(memory: GuestMemory, at: number, { userData, error, type, bytes, flags }: Event): void {
  memory.range(at, EVENT_BYTES).fill(0);
  memory.setU64(at, userData);
  memory.setU16(at + 8, error);
  memory.setU8(at + 10, type);
  memory.setU64(at + 16, bytes);
  memory.setU16(at + 24, flags);
}
