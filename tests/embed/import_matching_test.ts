/** Every kind of thing against every kind of import, with V8 as the judge. */

import { assertEquals } from "@std/assert";
import { Instance, LinkError } from "../../mod.ts";
import { Sandbox, v8Exports } from "./sandbox.ts";

const LIMITS = ["0", "1", "1 1", "1 2", "0 0", "3 10"];
const CONSTANTS: Record<string, string> = {
  i32: "i32.const 0",
  i64: "i64.const 0",
  f32: "f32.const 0",
  funcref: "ref.null func",
  externref: "ref.null extern",
};
const TYPES = Object.keys(CONSTANTS);
const FUNCTIONS = ["", "(param i32)", "(param i32) (result i64)"];

/** Definitions that export `x`. */
const PROVIDERS = [
  ...LIMITS.flatMap((l) => [`(memory (export "x") ${l})`, `(table (export "x") ${l} funcref)`]),
  `(table (export "x") 1 externref)`,
  ...TYPES.flatMap((t) => [
    `(global (export "x") ${t} (${CONSTANTS[t]}))`,
    `(global (export "x") (mut ${t}) (${CONSTANTS[t]}))`,
  ]),
  ...FUNCTIONS.map((f) => `(func (export "x") ${f} unreachable)`),
];

/** What an import asks for. */
const WANTED = [
  ...LIMITS.flatMap((l) => [`(memory ${l})`, `(table ${l} funcref)`]),
  "(table 1 externref)",
  ...TYPES.flatMap((t) => [`(global ${t})`, `(global (mut ${t}))`]),
  ...FUNCTIONS.map((f) => `(func ${f})`),
];

/** Values that are nothing of a store. */
const VALUES: unknown[] = [0, 1.5, NaN, 5n, "text", true, null, Symbol("s"), {}, [], () => 1];

/** Whether linking goes well, or the class of what it throws. */
function outcome(link: () => unknown): string {
  try {
    link();
    return "links";
  } catch (error) {
    return error instanceof LinkError || error instanceof WebAssembly.LinkError ? "LinkError" : String(error);
  }
}

Deno.test("imports match what they match in V8", () => {
  using sandbox = new Sandbox();
  const ours = PROVIDERS.map((text) => sandbox.instance(`(module ${text})`).exports.x);
  const theirs = PROVIDERS.map((text) => v8Exports(`(module ${text})`).x);
  let links = 0;
  for (const wanted of WANTED) {
    const text = `(module (import "m" "x" ${wanted}))`;
    const module = sandbox.module(text);
    const check = (what: string, x: unknown, v8: unknown) => {
      const actual = outcome(() => new Instance(sandbox.store, module, { m: { x } } as never));
      assertEquals(actual, outcome(() => v8Exports(text, { m: { x: v8 } } as never)), `${what} for ${wanted}`);
      if (actual === "links") links++;
    };
    PROVIDERS.forEach((what, i) => check(what, ours[i], theirs[i]));
    for (const value of VALUES) check(String(value), value, value);
  }
  assertEquals(links > 60, true, `${links} pairs link`);
});

Deno.test("values given for constant globals are what the guest reads", () => {
  using sandbox = new Sandbox();
  const types = ["i32", "i64", "f32", "f64", "externref", "externref", "funcref"];
  const text = `(module ${types.map((t, i) => `(import "m" "${i}" (global $g${i} ${t}))`).join(" ")}
    ${types.map((t, i) => `(func (export "${i}") (result ${t}) global.get $g${i})`).join(" ")})`;
  const values = [-1, -(2n ** 63n), 0.5, Math.PI, sandbox, null, null];
  const { exports } = sandbox.instance(text, { m: { ...values } } as never);
  values.forEach((value, i) => assertEquals(exports[i]() === value, true, types[i]));
});
