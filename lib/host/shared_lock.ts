/**
 * Locks in memory that isolates share, for what takes microseconds.
 *
 * A thread that dies while it holds a lock (a Worker that is terminated) never gives it back, so the lock word holds the owner's kernel
 * thread id and a waiter that finds no such thread takes the lock over (LIFE-2). The owner therefore changes what the lock protects in an
 * order that leaves it usable at each step.
 *
 * LOCK-1  The word is 0 when free, else the id of the thread that holds it.
 */

import { SYS, sys } from "./sys.ts";

/** How long a waiter sleeps before it looks whether the owner is alive. */
const WAIT_MS = 20;
const NO_SUCH_THREAD = -3;

let threadId = 0;

/** Runs `work` while holding the lock in `words[index]`, waiting for it as long as it takes. */
export function withLock<T>(words: Int32Array, index: number, work: () => T): T {
  threadId ||= sys(SYS.gettid);
  for (;;) {
    const owner = Atomics.compareExchange(words, index, 0, threadId);
    if (owner === 0) break;
    if (Atomics.wait(words, index, owner, WAIT_MS) !== "timed-out") continue;
    // LIFE-2: signal 0 is never delivered, it only asks.
    if (sys(SYS.tgkill, Deno.pid, owner, 0) !== NO_SUCH_THREAD) continue;
    if (Atomics.compareExchange(words, index, owner, threadId) === owner) break;
  }
  try {
    return work();
  } finally {
    Atomics.store(words, index, 0);
    Atomics.notify(words, index, 1);
  }
}
