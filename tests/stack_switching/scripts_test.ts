/**
 * Stack switching by scripts of our own, after the text of the proposal: each instruction and each trap, with exceptions, collections, host
 * calls and other instances in between. The specification's suite has none. Every script runs in every configuration.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { SCRIPT_FEATURES } from "../../lib/cli/script_groups.ts";
import { ScriptRunner } from "../../lib/cli/wast_script.ts";
import { Engine } from "../../mod.ts";
import { CONFIGURATIONS } from "../configurations.ts";
import { reportTally } from "../tally.ts";
import { filesBelow } from "../testdata.ts";

const FOLDER = new URL(".", import.meta.url).pathname;

const runners = Object.entries(CONFIGURATIONS).map(([name, config]) => ({
  name,
  runner: new ScriptRunner(new Engine({ ...config, checks: "on", features: SCRIPT_FEATURES })),
}));

let passed = 0;
let failed = 0;

const paths = filesBelow(FOLDER, ".wast");

for (const path of paths) {
  Deno.test(`stack switching: ${path.slice(FOLDER.length, -".wast".length)}`, () => {
    const failures: string[] = [];
    for (const { name, runner } of runners) {
      const result = runner.run(path);
      passed += result.passed;
      failed += result.failed + result.skipped;
      for (const { line, command, message } of result.failures) {
        failures.push(`${name}: ${line} ${command}: ${message}`);
      }
      for (const [reason, count] of result.waitingFor) failures.push(`${name}: ${count} commands wait for ${reason}`);
    }
    assertEquals(failures, []);
  });
}

Deno.test("stack switching: all scripts, in all configurations", () => {
  reportTally({ suite: "stack switching commands", passed, failed, skipped: 0 });
  assertEquals(failed, 0);
  // Under a filter only some ran.
  const commands = passed / runners.length;
  if (commands < 2 * paths.length) return;
  const figure = `${paths.length} scripts of our own, ${commands} commands`;
  const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url)).replaceAll(/\s+/g, " ");
  assertStringIncludes(readme, figure);
});
