/**
 * Waiting: without blocking the thread for guests that `callAsync` calls, which can be parked on a promise; in slices for those whose time is
 * limited.
 *
 * A function that would block looks first whether what it wants is there. If not, and if its guest can wait, it throws {@linkcode WouldBlock},
 * before it has done anything; the wrapper around all functions (wasi.ts) returns a promise, and calls it again, or what it says is to be
 * called, when the time has come. A guest that cannot wait blocks the thread: in one system call if nothing limits it, else in ppoll(2), by
 * slices between which deadlines and interruptions are looked at (BLOCK-1 of lib/runtime/blocking.ts).
 *
 * Deno has no way to be told when a descriptor is ready, so one timer looks at all that are waited for at once, the more seldom the longer
 * nothing has happened.
 *
 * WAIT-A  Reading what is ready does not block; writing blocks unless it is no more than fits: at most {@linkcode PIPE_BUF} bytes at a time.
 * WAIT-B  Who is told that a descriptor is ready may find it is not any more, since somebody else read: it waits again.
 * WAIT-C  A wait that was given up looks at nothing and keeps no process from exiting.
 */

import type { Caller } from "../../engine/mod.ts";
import type { Descriptor } from "./descriptors.ts";
import { FileType } from "./abi.ts";
import { clockValue, getStatusFlags, O, POLL, pollDescriptors, type PollRequest } from "./linux.ts";

/** What a pipe takes without blocking once it is ready (pipe(7)). */
export const PIPE_BUF = 4096;
const MONOTONIC = 1;
const SHORTEST_MS = 1;
const LONGEST_MS = 8;
/** The longest that a timer of JavaScript can wait, about. */
const LONGEST_TIMER_MS = 2 ** 30;
/** Descriptors of one look. */
const MOST_AT_ONCE = 1024;

/** Who called the function that runs. */
export class CallContext {
  caller: Caller | undefined = undefined;
  /** Whether it is called again after a wait. */
  isRetry = false;

  /** Whether the guest can wait for a promise. */
  get canWait(): boolean {
    return this.isRetry || this.caller?.canWait === true;
  }

  /** What ends the waits of a guest that cannot; undefined if nothing does. */
  get waitLimits(): Caller["store"] | undefined {
    const store = this.caller?.store;
    return store?.mayInterrupt === true ? store : undefined;
  }
}

/** Thrown by a function that would block, for a guest that can wait. */
export class WouldBlock {
  readonly requests: readonly PollRequest[];
  /** When to go on in any case, by the monotonic clock in nanoseconds. */
  readonly untilNs: bigint | undefined;
  /** What to do then; undefined for the function again. */
  readonly finish: (() => number) | undefined;

  constructor(requests: readonly PollRequest[], untilNs?: bigint, finish?: () => number) {
    this.requests = requests;
    this.untilNs = untilNs;
    this.finish = finish;
  }
}

/**
 * Waits until a descriptor is ready for what is done next, if the guest can be parked or its time is limited.
 *
 * @throws {WouldBlock} for a guest that can.
 * @throws {Trap} when the guest's time is over.
 */
export function waitUntilReady(context: CallContext, descriptor: Descriptor, what: "read" | "write"): void {
  const { fd, fileType } = descriptor;
  if (fd < 0 || fileType === FileType.regularFile || fileType === FileType.directory || !isCareful(context)) return;
  if ((getStatusFlags(fd) & O.nonblock) !== 0) return;
  const request = { fd, events: what === "read" ? POLL.in : POLL.out };
  if (pollDescriptors([request], 0n)[0] !== 0) return;
  if (context.canWait) throw new WouldBlock([request]);
  blockOn(context, [request], undefined);
}

/** Whether a system call of the guest must not block. */
function isCareful(context: CallContext): boolean {
  return context.canWait || context.waitLimits !== undefined;
}

/**
 * As {@linkcode pollDescriptors}: blocks the thread until something happens or the time has come.
 *
 * @throws {Trap} when the guest's time is over before.
 */
export function blockOn(
  { waitLimits }: CallContext,
  requests: readonly PollRequest[],
  timeoutNs: bigint | undefined,
): number[] {
  if (waitLimits === undefined || timeoutNs === 0n) return pollDescriptors(requests, timeoutNs);
  const endMs = timeoutNs === undefined ? Infinity : performance.now() + Number(timeoutNs) / 1e6;
  return waitLimits.blockInSlices((atMostMs) => {
    const leftMs = Math.max(0, endMs - performance.now());
    const sliceMs = Math.min(leftMs, atMostMs);
    const seen = pollDescriptors(requests, sliceMs === Infinity ? undefined : BigInt(Math.ceil(sliceMs * 1e6)));
    return leftMs <= atMostMs || seen.some((events) => events !== 0) ? seen : undefined;
  });
}

/** Waits until a descriptor is ready; gives `write` for buffers of which it takes no more, all together, than may be written then (WAIT-A). */
export function writerWhenReady(
  context: CallContext,
  descriptor: Descriptor,
  write: (bytes: Uint8Array) => number,
): (bytes: Uint8Array) => number {
  waitUntilReady(context, descriptor, "write");
  const { fd, fileType } = descriptor;
  let most = fd < 0 || fileType === FileType.regularFile || !isCareful(context) ? Infinity : PIPE_BUF;
  return (bytes) => {
    const written = most === 0 ? 0 : write(bytes.length > most ? bytes.subarray(0, most) : bytes);
    most -= written;
    return written;
  };
}

/** A wait that can be given up. */
export interface Wait {
  readonly promise: Promise<void>;
  cancel(): void;
}

/** Waits until a descriptor is ready or the time has come. */
export function startWait({ requests, untilNs }: WouldBlock): Wait {
  const { promise, resolve } = Promise.withResolvers<void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stopWatching = requests.length === 0 ? () => {} : watch(requests, end);
  const cancel = () => {
    stopWatching();
    clearTimeout(timer);
  };
  function end(): void {
    cancel();
    resolve();
  }
  const sleep = () => {
    const left = untilNs! - clockValue("time", MONOTONIC);
    if (left <= 0n) end();
    // A timer may come a little early, and not as late as a guest may ask for.
    else timer = setTimeout(sleep, Math.min(LONGEST_TIMER_MS, Math.ceil(Number(left) / 1e6)));
  };
  if (untilNs !== undefined) timer = setTimeout(sleep, 0);
  return { promise, cancel };
}

interface Watched {
  readonly requests: readonly PollRequest[];
  readonly ready: () => void;
}

const watched = new Set<Watched>();
let timer: ReturnType<typeof setTimeout> | undefined;
let delayMs = SHORTEST_MS;

/** Calls `ready` once, when one of the descriptors is; returns what ends the watch. */
function watch(requests: readonly PollRequest[], ready: () => void): () => void {
  const entry: Watched = { requests, ready };
  watched.add(entry);
  delayMs = SHORTEST_MS;
  clearTimeout(timer);
  timer = setTimeout(look, delayMs);
  return () => {
    watched.delete(entry);
    if (watched.size === 0) clearTimeout(timer);
  };
}

function look(): void {
  const entries = [...watched];
  const requests = entries.flatMap((entry) => entry.requests);
  const seen: number[] = [];
  for (let at = 0; at < requests.length; at += MOST_AT_ONCE) {
    seen.push(...pollDescriptors(requests.slice(at, at + MOST_AT_ONCE), 0n));
  }
  const isQuiet = seen.every((events) => events === 0);
  delayMs = isQuiet ? Math.min(LONGEST_MS, 2 * delayMs) : SHORTEST_MS;
  let at = 0;
  for (const { requests, ready } of entries) {
    const count = requests.length;
    if (seen.slice(at, at + count).some((events) => events !== 0)) ready();
    at += count;
  }
  clearTimeout(timer);
  if (watched.size > 0) timer = setTimeout(look, delayMs);
}
