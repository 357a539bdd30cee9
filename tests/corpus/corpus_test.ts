/** The committed corpus on our engine, in every configuration, and the corpus itself against its generator. */

import { assertEquals } from "@std/assert";
import { ScriptRunner } from "../../lib/cli/wast_script.ts";
import { Engine } from "../../mod.ts";
import { CONFIGURATIONS } from "../configurations.ts";
import { reportTally } from "../tally.ts";
import { allScripts, SCRIPTS_FOLDER } from "./generate.ts";

/** Fewer cases than this mean that the corpus was not found or not read. */
const FEWEST_CASES = 2_000;

function scriptNames(): string[] {
  return [...Deno.readDirSync(SCRIPTS_FOLDER)].map(({ name }) => name).sort();
}

for (const [name, config] of Object.entries(CONFIGURATIONS)) {
  Deno.test(`every corpus case passes: ${name}`, () => {
    using engine = new Engine({ ...config, checks: "on" });
    const runner = new ScriptRunner(engine);
    const total = { passed: 0, failed: 0, skipped: 0 };
    const failures: string[] = [];
    for (const name of scriptNames()) {
      const result = runner.run(`${SCRIPTS_FOLDER}${name}/commands.json`);
      total.passed += result.passed;
      total.failed += result.failed;
      total.skipped += result.skipped;
      for (const { line, command, message } of result.failures) failures.push(`${name}:${line} ${command}: ${message}`);
    }
    reportTally({ suite: "corpus cases", ...total });
    assertEquals(failures.slice(0, 20), [], `${total.failed} of ${total.passed + total.failed} failed`);
    assertEquals(total.skipped, 0, "the corpus needs nothing that is not compiled");
    assertEquals(total.passed >= FEWEST_CASES, true, `only ${total.passed} cases ran`);
  });
}

// Every expectation is computed anew by V8 here, so this also holds the corpus against a second engine.
Deno.test("the committed corpus is what its generator writes", () => {
  const scripts = allScripts();
  assertEquals(scripts.map(({ name }) => name).sort(), scriptNames());
  for (const script of scripts) {
    const folder = `${SCRIPTS_FOLDER}${script.name}/`;
    const files = script.files();
    assertEquals(files.map(({ name }) => name).sort(), [...Deno.readDirSync(folder)].map(({ name }) => name).sort());
    for (const { name, bytes } of files) {
      const committed = Deno.readFileSync(folder + name);
      const same = committed.length === bytes.length && committed.every((byte, index) => byte === bytes[index]);
      assertEquals(same, true, `${script.name}/${name} differs: run deno run -A tests/corpus/generate.ts`);
    }
  }
});
