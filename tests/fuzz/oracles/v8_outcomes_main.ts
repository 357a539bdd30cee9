/** The child of {@linkcode outcomesOfV8}: modules as lines of hex on stdin, arguments as a list; outcomes as JSON on stdout. */

import { outcomeOf } from "./v8_outcomes.ts";

const args = Deno.args[0].split(",").map(Number);
const text = await new Response(Deno.stdin.readable).text();
// Deno's types do not know it.
const { Exception } = WebAssembly as unknown as { Exception: new () => object };
const isException = (error: unknown) => error instanceof Exception;

const outcomes = text.split("\n").map((line) => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.fromHex(line)));
  return args.map((arg) => outcomeOf(() => (exports.run as (x: number) => number)(arg), isException));
});
console.log(JSON.stringify(outcomes));
