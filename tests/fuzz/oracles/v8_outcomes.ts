/** What programs come to in V8 started with flags, in a child process: the results of `run` for several arguments. */

import { askV8 } from "./v8_child.ts";

/** What `run` came to: a number, or how it ended. */
export type Outcome = number | "exception" | "trap" | "exhausted";

/** The outcome of a call, told by a classification of what it throws. */
export function outcomeOf(call: () => unknown, isException: (error: unknown) => boolean): Outcome {
  try {
    return call() as number;
  } catch (error) {
    if (isException(error)) return "exception";
    return error instanceof RangeError || /call stack/i.test(String(error)) ? "exhausted" : "trap";
  }
}

/** The outcomes of each module's `run` for each argument. */
export async function outcomesOfV8(
  flags: readonly string[],
  modules: readonly Uint8Array[],
  args: readonly number[],
): Promise<Outcome[][]> {
  return await askV8("./v8_outcomes_main.ts", flags, modules, args.join(",")) as Outcome[][];
}
