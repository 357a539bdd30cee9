/** The front end against the specification's test suite: what is valid is accepted, what is not is refused; text by way of the parser. */

import { assert, assertEquals } from "@std/assert";
import { scriptFacts } from "../../../lib/cli/script_groups.ts";
import { parseModule, TextError } from "../../../lib/text/mod.ts";
import {
  CompileError,
  decodeModule,
  type FeatureSet,
  validateModule,
  ValidationScratch,
} from "../../../lib/wasm/mod.ts";
import { filesBelow, sharedRoot } from "../../testdata.ts";

interface Command {
  readonly type: string;
  readonly line: number;
  readonly filename?: string;
  readonly text?: string;
}

const root = sharedRoot();
const SCRIPT = "/commands.json";

/** Commands whose module is refused; all others with a module want it accepted. */
const REFUSED = ["assert_invalid", "assert_malformed", "assert_malformed_custom"];

/** Reads and validates a module; the error's message when it is refused. */
function refusal(path: string, features: FeatureSet, scratch: ValidationScratch): string | undefined {
  const bytes = Deno.readFileSync(path);
  try {
    validateModule(decodeModule(path.endsWith(".wat") ? parseModule(bytes) : bytes, features), scratch);
    return undefined;
  } catch (error) {
    if (!(error instanceof CompileError || error instanceof TextError)) throw error;
    return error.message;
  }
}

Deno.test({
  name: "validateModule() agrees with every module of the specification's tests",
  ignore: root === undefined,
  fn() {
    const folder = `${root}/spec`;
    const scratch = new ValidationScratch();
    const counts: Record<string, number> = {};
    const wrong: string[] = [];
    for (const path of filesBelow(folder, SCRIPT)) {
      const script = path.slice(folder.length + 1, -SCRIPT.length);
      const { features } = scriptFacts(script);
      const commands: Command[] = JSON.parse(Deno.readTextFileSync(path)).commands;
      for (const { type, line, filename, text } of commands) {
        if (filename === undefined) continue;
        const found = refusal(path.replace(SCRIPT, `/${filename}`), features, scratch);
        if ((found !== undefined) !== REFUSED.includes(type)) {
          wrong.push(`${script}:${line}: ${type} ${text ?? ""}: ${found ?? "accepted"}`);
        }
        counts[type] = (counts[type] ?? 0) + 1;
      }
    }
    assertEquals(wrong, []);
    // A suite that ran next to nothing is no evidence.
    assert(
      counts.module > 2400 && counts.assert_invalid > 3000 && counts.assert_malformed > 2200,
      JSON.stringify(counts),
    );
  },
});
