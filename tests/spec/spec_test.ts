/** The specification test suite, in both bounds modes: nothing may fail, and what is skipped is named with what it waits for. */

import { assertEquals } from "@std/assert";
import { type ScriptResult, ScriptRunner } from "../../lib/cli/wast_script.ts";
import { Engine } from "../../mod.ts";
import { reportTally } from "../tally.ts";
import { sharedRoot } from "../testdata.ts";

const SHARED = sharedRoot();

/** Core scripts that pass whole, and the commands in them: neither may fall. */
const SCRIPTS_WHOLE = 79;
const COMMANDS = 25_813;

function scripts(folder: string): string[] {
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory && name !== "proposals") found.push(...scripts(`${folder}/${name}`));
    else if (name === "commands.json") found.push(`${folder}/${name}`);
  }
  return found.sort();
}

function scriptName(path: string): string {
  return path.slice(`${SHARED}/spec/`.length, -"/commands.json".length);
}

/** Whether every command passed, but for text, which has no parser here yet. */
function isWhole({ failed, waitingFor }: ScriptResult): boolean {
  return failed === 0 && [...waitingFor.keys()].every((feature) => feature === "text format");
}

for (const bounds of ["guard", "explicit"] as const) {
  Deno.test({
    name: `specification scripts pass with ${bounds} bounds`,
    ignore: SHARED === undefined,
    fn() {
      using engine = new Engine({ bounds, checks: "on" });
      const runner = new ScriptRunner(engine);
      const total = { passed: 0, failed: 0, skipped: 0 };
      let whole = 0;
      let commandsOfWhole = 0;
      const failures: string[] = [];
      const paths = [...scripts(`${SHARED}/spec`), ...scripts(`${SHARED}/spec/proposals/threads`)];
      for (const path of paths) {
        const result = runner.run(path);
        total.passed += result.passed;
        total.failed += result.failed;
        total.skipped += result.skipped;
        if (isWhole(result) && result.passed > 0 && !path.includes("/proposals/")) {
          whole++;
          commandsOfWhole += result.passed;
        }
        for (const { line, command, message } of result.failures) {
          failures.push(`${scriptName(path)}:${line} ${command}: ${message}`);
        }
        if (result.skipped > 0 && bounds === "guard") {
          const reasons = [...result.waitingFor].map(([feature, count]) => `${count} ${feature}`).join(", ");
          console.log(`skipped: ${scriptName(path)}: ${reasons}`);
        }
      }
      console.log(
        `${bounds}: ${paths.length} scripts, ${whole} core scripts whole with ${commandsOfWhole} commands; all commands: ${
          JSON.stringify(total)
        }`,
      );
      reportTally({ suite: "specification commands", ...total });
      assertEquals(failures.slice(0, 20), []);
      assertEquals(whole >= SCRIPTS_WHOLE, true, `only ${whole} scripts pass whole`);
      assertEquals(commandsOfWhole >= COMMANDS, true, `only ${commandsOfWhole} commands in scripts that pass whole`);
    },
  });
}
