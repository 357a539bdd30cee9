/** Threads of this process, as the kernel numbers them. */

import { SYS, sys } from "./sys.ts";

const NO_SUCH_THREAD = -3;

let own = 0;

/** The kernel's id of this thread; constant for the isolate, above 0. */
export function threadId(): number {
  return own ||= sys(SYS.gettid);
}

/** Whether the process has such a thread: perhaps another one than the id was of first, since ids are used again. */
export function isThreadAlive(id: number): boolean {
  // Signal 0 is never delivered, it only asks.
  return sys(SYS.tgkill, Deno.pid, id, 0) !== NO_SUCH_THREAD;
}
