/**
 * The specification's test suite: every script in every configuration. Nothing fails, nothing is skipped.
 *
 * One test a script, named after it, so that `--filter br_table` runs one. The last test adds up, and holds the README's table to what ran
 * (`THEROPOD_BLESS=1` writes the table instead).
 */

import { assertEquals } from "@std/assert";
import { SCRIPT_FEATURES, SCRIPT_GROUPS, scriptFacts } from "../../lib/cli/script_groups.ts";
import { ScriptRunner } from "../../lib/cli/wast_script.ts";
import { Engine } from "../../mod.ts";
import { reportTally } from "../tally.ts";
import { filesBelow, sharedRoot } from "../testdata.ts";
import { type ConfigurationName, CONFIGURATIONS } from "../configurations.ts";
import { checkSummary, Summary } from "./summary.ts";

/** Commands in the suite. */
const COMMANDS = 67_119;
/** Failures shown of one script in one configuration. */
const MOST_FAILURES = 5;

const SHARED = sharedRoot();

/** Runners stay for the whole file: an engine's types and code arena are made once. */
const runners = Object.entries(CONFIGURATIONS).map(([name, config]) => ({
  name: name as ConfigurationName,
  runner: new ScriptRunner(new Engine({ ...config, checks: "on", features: SCRIPT_FEATURES })),
  summary: new Summary(),
}));

const paths = SHARED === undefined ? [] : filesBelow(`${SHARED}/spec`, "/commands.json");

for (const path of paths) {
  const script = path.slice(`${SHARED}/spec/`.length, -"/commands.json".length);
  Deno.test(`specification: ${script}`, () => {
    const { group } = scriptFacts(script);
    const failures: string[] = [];
    for (const { name, runner, summary } of runners) {
      const result = runner.run(path);
      summary.add(group, result);
      for (const { line, command, message } of result.failures.slice(0, MOST_FAILURES)) {
        failures.push(`${name}: ${script}:${line} ${command}: ${message}`);
      }
      if (result.failed > MOST_FAILURES) failures.push(`${name}: ${result.failed - MOST_FAILURES} more`);
      for (const [reason, commands] of result.waitingFor) failures.push(`${name}: ${commands} wait for ${reason}`);
    }
    assertEquals(failures, []);
  });
}

Deno.test({
  name: "specification: all scripts, in all configurations",
  ignore: SHARED === undefined,
  fn() {
    for (const { name, summary } of runners) {
      const { total } = summary;
      // Under a filter only some scripts ran.
      if (total.scripts < paths.length) return;
      console.log(`${name}: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
      reportTally({
        suite: "specification commands",
        passed: total.passed,
        failed: total.failed,
        skipped: total.skipped,
      });
      assertEquals(total, { scripts: paths.length, passed: COMMANDS, failed: 0, skipped: 0 }, name);
    }
    // Scripts of our own have groups too.
    checkSummary(SCRIPT_GROUPS.filter((group) => runners[0].summary.groups.has(group)), runners);
  },
});
