/**
 * Filetests of generated code: functions as IR text, and what they become, in one file.
 *
 *     ;! features = "baseline"
 *     sig0 (i32) -> (i32)
 *     func 0 sig0 { ... }
 *
 *     ;; func 0
 *     ;;    0: mov eax, edi
 *
 * `features`: "baseline", "bmi" (LZCNT, BMI1 and BMI2 on top), or "avx2" (SSE4.2, AVX and AVX2 on top). THEROPOD_BLESS=1 rewrites the expectations. The last test holds that the
 * files together reach every selection rule.
 */

import { assert, assertEquals } from "@std/assert";
import { RULE_HITS, RULE_NAMES } from "../../lib/codegen/mod.ts";
import { featureBit } from "../../lib/x64/mod.ts";
import { BASELINE, compileText, listing } from "../unit/codegen/machine.ts";

const BLESS = Deno.env.get("THEROPOD_BLESS") === "1";
const ROOT = new URL("./asm/", import.meta.url);
const FEATURES: Record<string, number> = {
  baseline: BASELINE,
  bmi: BASELINE | featureBit("lzcnt") | featureBit("bmi1") | featureBit("bmi2"),
  avx2: BASELINE | featureBit("sse4.2") | featureBit("avx") | featureBit("avx2"),
};
/** Never lowered at their place, or the answer to a broken invariant. */
const UNREACHABLE_RULES = ["elsewhere"];

const names = Array.from(Deno.readDirSync(ROOT), ({ name }) => name).filter((name) => name.endsWith(".ir")).sort();
for (const name of names) {
  Deno.test(`filetest asm/${name}`, () => {
    const path = new URL(name, ROOT);
    const lines = Deno.readTextFileSync(path).trimEnd().split("\n");
    const option = lines[0].match(/^;! features = "(\w+)"$/);
    const features = FEATURES[option?.[1] ?? ""];
    assert(features !== undefined, `${name} begins with its features`);
    const first = lines.findIndex((line) => line.startsWith(";; "));
    const input = (first < 0 ? lines : lines.slice(0, first)).join("\n").trimEnd();
    const expected = first < 0 ? "" : lines.slice(first).join("\n");
    const compiled = compileText(input, features);
    const actual = compiled.funcs
      .flatMap((_, index) => [`func ${index}`, ...listing(compiled, index).split("\n"), ""])
      .map((line) => `;; ${line}`.trimEnd())
      .join("\n")
      .replace(/\n;;$/, "");
    if (BLESS) Deno.writeTextFileSync(path, `${input}\n\n${actual}\n`);
    else assertEquals(expected, actual, "set THEROPOD_BLESS=1 to accept the output");
  });
}

Deno.test("the asm filetests reach every selection rule", () => {
  const missed = RULE_NAMES.filter((name, rule) => RULE_HITS[rule] === 0 && !UNREACHABLE_RULES.includes(name));
  assertEquals(missed, []);
});
