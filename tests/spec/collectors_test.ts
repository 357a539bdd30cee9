/**
 * The specification's scripts about references, objects and exceptions with the collector whose code has a barrier of its own: plain, and
 * collecting at every allocation. (`spec_test.ts` runs everything with the default collector.)
 */

import { assert, assertEquals } from "@std/assert";
import { SCRIPT_FEATURES } from "../../lib/cli/script_groups.ts";
import { ScriptRunner } from "../../lib/cli/wast_script.ts";
import { Engine } from "../../mod.ts";
import { STRESS } from "../configurations.ts";
import { filesBelow, sharedRoot } from "../testdata.ts";

const SUBJECTS =
  /(^|\/)(array|struct|i31|ref_|br_on|extern|type|elem|global|table_|table\/|try_table|throw|tag|instance|linking\/|gc|cont|custom-desc|exact|return_call_ref|call_ref|select|local_init|unreached)/;
const SHARED = sharedRoot();

Deno.test({
  name: "specification: scripts about references, counting collector",
  ignore: SHARED === undefined,
  fn() {
    const failures: string[] = [];
    let passed = 0;
    for (const config of [{}, STRESS]) {
      const runner = new ScriptRunner(
        new Engine({ ...config, collector: "refcounting", checks: "on", features: SCRIPT_FEATURES }),
      );
      for (const path of filesBelow(`${SHARED}/spec`, "/commands.json")) {
        const script = path.slice(`${SHARED}/spec/`.length, -"/commands.json".length);
        if (!SUBJECTS.test(`${script}/`)) continue;
        const result = runner.run(path);
        passed += result.passed;
        for (const { line, command, message } of result.failures) {
          failures.push(`${script}:${line} ${command}: ${message}`);
        }
      }
    }
    assertEquals(failures, []);
    assert(passed > 5000, `${passed} commands passed`);
  },
});
