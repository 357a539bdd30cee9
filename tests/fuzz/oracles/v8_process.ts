/** What V8 started with flags, in a child process, refuses. */

import { askV8 } from "./v8_child.ts";

/** What V8, started with `flags`, says to each module: why it refuses it, undefined where it accepts. */
export async function refusalsOfV8(
  flags: readonly string[],
  modules: readonly Uint8Array[],
): Promise<(string | undefined)[]> {
  const refusals = await askV8("./v8_process_main.ts", flags, modules) as (string | null)[];
  return refusals.map((refusal) => refusal ?? undefined);
}
