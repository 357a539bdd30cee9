/**
 * Locks in native memory that isolates share, for what takes microseconds.
 *
 * A thread that dies while it holds a lock (a Worker that is terminated) never gives it back, so the lock word holds the owner's kernel
 * thread id and a waiter that finds no such thread takes the lock over (LIFE-2). The owner therefore changes what the lock protects in an
 * order that leaves it usable at each step.
 *
 * LOCK-1  The word is 0 when free, else the id of the thread that holds it.
 * LOCK-2  Waiters sleep in the kernel (futex): `Atomics.wait` takes no native memory, and locks lie in no other.
 */

import { mapRegion, type NativeRegion } from "./memory.ts";
import { SYS, sys } from "./sys.ts";
import { isThreadAlive, threadId } from "./threads.ts";

/** How long a waiter sleeps before it looks whether the owner is alive. */
const WAIT_NS = 20_000_000;
const TIMED_OUT = -110;
const FUTEX_WAIT_PRIVATE = 128;
const FUTEX_WAKE_PRIVATE = 129;

/** A timespec of {@linkcode WAIT_NS}; not in the scratch space, which the caller may be using. */
let timeout: NativeRegion | undefined;

function waitTimeout(): number {
  if (timeout === undefined) {
    timeout = mapRegion(16);
    timeout.i32[2] = WAIT_NS;
  }
  return timeout.addressNumber;
}

/** Runs `work` while holding the lock at `offsetBytes` of `region`, waiting for it as long as it takes. */
export function withLock<T>(region: NativeRegion, offsetBytes: number, work: () => T): T {
  const self = threadId();
  const words = region.i32;
  const index = offsetBytes >> 2;
  const address = region.addressNumber + offsetBytes;
  for (;;) {
    const owner = Atomics.compareExchange(words, index, 0, self);
    if (owner === 0) break;
    if (sys(SYS.futex, address, FUTEX_WAIT_PRIVATE, owner, waitTimeout()) !== TIMED_OUT) continue;
    if (isThreadAlive(owner)) continue; // LIFE-2
    if (Atomics.compareExchange(words, index, owner, self) === owner) break;
  }
  try {
    return work();
  } finally {
    Atomics.store(words, index, 0);
    sys(SYS.futex, address, FUTEX_WAKE_PRIVATE, 1);
  }
}
