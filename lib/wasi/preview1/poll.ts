/** `poll_oneoff`: waiting for clocks and descriptors. */

import { Errno, FileType, rights, type WasiImplementation } from "./abi.ts";
import { ErrnoError } from "./guest_memory.ts";
import { clockValue, POLL, pollDescriptors, type PollRequest, readableBytes } from "./linux.ts";
import type { WasiState } from "./state.ts";

const EVENT_BYTES = 32;
const EventType = { clock: 0, read: 1, write: 2 } as const;
const ABSOLUTE_TIME = 1;
const HANGUP = 1;
/** Most subscriptions of one call: a bound on what a guest makes the host allocate. */
const MOST_SUBSCRIPTIONS = 4096;

interface Event {
  readonly userData: bigint;
  readonly error: number;
  readonly type: number;
  readonly bytes: bigint;
  readonly flags: number;
}

/** The polling function. */
export function pollFunctions(
  { memory, descriptors, layout: { subscription } }: WasiState,
): WasiImplementation<"poll_oneoff"> {
  return {
    poll_oneoff(subscriptions, events, count, result) {
      const total = count >>> 0;
      if (total === 0) return Errno.inval;
      if (total > MOST_SUBSCRIPTIONS) return Errno.inval;
      memory.requireRange(subscriptions, total * subscription.bytes);
      memory.requireRange(events, total * EVENT_BYTES);
      memory.requireRange(result, 4);

      const ready: Event[] = [];
      const requests: (PollRequest & { userData: bigint; type: number })[] = [];
      const timers: { userData: bigint; remainingNs: bigint }[] = [];
      for (let i = 0; i < total; i++) {
        const at = (subscriptions >>> 0) + i * subscription.bytes;
        const userData = memory.getU64(at);
        const type = memory.getU8(at + 8);
        if (type === EventType.clock) {
          const clock = memory.getU32(at + subscription.clock);
          const timeout = memory.getU64(at + subscription.timeout);
          const flags = memory.getU16(at + subscription.flags);
          if (clock > 3) {
            ready.push({ userData, error: Errno.inval, type, bytes: 0n, flags: 0 });
            continue;
          }
          const remaining = flags & ABSOLUTE_TIME ? timeout - clockValue("time", clock) : timeout;
          timers.push({ userData, remainingNs: remaining < 0n ? 0n : remaining });
        } else if (type === EventType.read || type === EventType.write) {
          try {
            const descriptor = descriptors.get(
              memory.getU32(at + 16),
              rights("poll_fd_readwrite", type === EventType.read ? "fd_read" : "fd_write"),
            );
            // Files are always ready, as poll(2) has it; virtual streams are too.
            if (descriptor.fd < 0 || descriptor.fileType === FileType.regularFile) {
              const input = descriptor.input;
              const bytes = type === EventType.read && input ? BigInt(input.bytes.length - input.position) : 0n;
              ready.push({ userData, error: Errno.success, type, bytes, flags: 0 });
            } else {
              requests.push({
                fd: descriptor.fd,
                events: type === EventType.read ? POLL.in : POLL.out,
                userData,
                type,
              });
            }
          } catch (error) {
            if (!(error instanceof ErrnoError)) throw error;
            ready.push({ userData, error: error.errno, type, bytes: 0n, flags: 0 });
          }
        } else return Errno.inval;
      }

      const soonest = timers.reduce<bigint | undefined>(
        (least, { remainingNs }) => least === undefined || remainingNs < least ? remainingNs : least,
        undefined,
      );
      const timeoutNs = ready.length > 0 ? 0n : soonest;
      const start = clockValue("time", 1);
      if (requests.length > 0 || timeoutNs !== 0n) {
        const seen = pollDescriptors(requests, timeoutNs);
        requests.forEach(({ fd, userData, type }, index) => {
          if (seen[index] === 0) return;
          const bytes = type === EventType.read ? BigInt(readableBytes(fd)) : 0n;
          const error = seen[index] & POLL.nval ? Errno.badf : seen[index] & POLL.err ? Errno.io : Errno.success;
          ready.push({ userData, error, type, bytes, flags: seen[index] & POLL.hup ? HANGUP : 0 });
        });
      }
      const elapsed = clockValue("time", 1) - start;
      const someFd = ready.length > 0;
      for (const { userData, remainingNs } of timers) {
        if (remainingNs <= elapsed || (!someFd && remainingNs === soonest)) {
          ready.push({ userData, error: Errno.success, type: EventType.clock, bytes: 0n, flags: 0 });
        }
      }

      ready.forEach(({ userData, error, type, bytes, flags }, index) => {
        const at = (events >>> 0) + index * EVENT_BYTES;
        memory.range(at, EVENT_BYTES).fill(0);
        memory.setU64(at, userData);
        memory.setU16(at + 8, error);
        memory.setU8(at + 10, type);
        memory.setU64(at + 16, bytes);
        memory.setU16(at + 24, flags);
      });
      memory.setU32(result, ready.length);
      return Errno.success;
    },
  };
}
