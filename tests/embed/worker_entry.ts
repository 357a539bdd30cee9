/** A Worker of worker_test.ts: runs as many rounds as it is told and answers how many results were wrong. */

import { runGuests } from "./worker_guest.ts";

// deno-lint-ignore no-explicit-any -- the type of a Worker's global is not in this library
const scope = globalThis as any;
scope.onmessage = ({ data }: MessageEvent<{ bytes: Uint8Array; rounds: number }>) =>
  scope.postMessage(runGuests(data.bytes, data.rounds));
