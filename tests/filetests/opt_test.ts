/**
 * Filetests of the passes: `opt/*.ir` holds a function in text form, the passes to run, and the function after them.
 *
 *     ;;! passes = "numbering, dead code"
 *     sig0 (i32) -> (i32)
 *     func 0 sig0 {
 *     ...
 *     }
 *
 *     ;; expected text
 *
 * The function is verified before and after each pass. A file that says `unchanged = "yes"` pins that the passes leave it alone, besides
 * its text. THEROPOD_BLESS=1 rewrites expectations.
 */

import { assertEquals } from "@std/assert";
import { type Func, optimize, OptimizeScratch, parseFunc, printFunc, verifyFunc } from "../../lib/ir/mod.ts";

const BLESS = Deno.env.get("THEROPOD_BLESS") === "1";
const scratch = new OptimizeScratch();

const PASSES: Record<string, (func: Func) => void> = {
  numbering: (func) => scratch.numbering.run(func, scratch.cfg),
  checks: (func) => scratch.checks.run(func, scratch.cfg),
  simplify: (func) => scratch.simplify.run(func, scratch.cfg),
  motion: (func) => scratch.invariants.run(func, scratch.cfg),
  "null checks": (func) => scratch.nullChecks.run(func, scratch.cfg),
  "dead code": (func) => scratch.deadCode.run(func, scratch.cfg),
  all: (func) => optimize(func, scratch, "speed"),
};

const root = new URL("./opt/", import.meta.url);
for (const name of Array.from(Deno.readDirSync(root), (entry) => entry.name).sort()) {
  Deno.test(`filetest opt/${name}`, () => {
    const path = new URL(name, root);
    const lines = Deno.readTextFileSync(path).trimEnd().split("\n");
    let start = lines.length;
    while (start > 0 && lines[start - 1].startsWith(";;") && !lines[start - 1].startsWith(";;!")) start--;
    const input = lines.slice(0, start).join("\n").trimEnd();
    const expected = lines.slice(start).map((line) => line.slice(3)).join("\n");
    const options = readOptions(lines);

    const func = parseFunc(input);
    verifyFunc(func, "parsing");
    const before = printFunc(func);
    for (const pass of options.get("passes")!.split(",").map((word) => word.trim())) {
      if (!(pass in PASSES)) throw new Error(`unknown pass ${pass}`);
      scratch.cfg.compute(func);
      PASSES[pass](func);
      verifyFunc(func, pass);
    }
    const after = printFunc(func);
    if (options.get("unchanged") === "yes") assertEquals(after, before, "the passes leave it alone");
    if (BLESS) {
      const output = after.trimEnd().split("\n").map((line) => `;; ${line}`).join("\n");
      Deno.writeTextFileSync(path, `${input}\n\n${output}\n`);
    } else assertEquals(after.trimEnd(), expected, "set THEROPOD_BLESS=1 to accept the output");
  });
}

function readOptions(lines: readonly string[]): Map<string, string> {
  const options = new Map<string, string>();
  for (const line of lines) {
    if (!line.startsWith(";;!")) continue;
    const match = line.match(/^;;! (passes|unchanged) = "(.*)"$/);
    if (match === null) throw new Error(`not a filetest option: ${line}`);
    options.set(match[1], match[2]);
  }
  return options;
}
