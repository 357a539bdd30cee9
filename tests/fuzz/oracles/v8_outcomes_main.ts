/** The child of {@linkcode outcomesOfV8}: what `run` of each module came to for each argument of a list. */

import { answerEach } from "./v8_child.ts";
import { outcomeOf } from "./v8_outcomes.ts";

const args = Deno.args[0].split(",").map(Number);
// Deno's types do not know it.
const { Exception } = WebAssembly as unknown as { Exception: new () => object };
const isException = (error: unknown) => error instanceof Exception;

await answerEach((bytes) => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  return args.map((arg) => outcomeOf(() => (exports.run as (x: number) => number)(arg), isException));
});
