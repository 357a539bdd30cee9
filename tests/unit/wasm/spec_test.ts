/** The front end against the specification's test suite: what is valid is accepted, what is not is refused. */

import { assert, assertEquals } from "@std/assert";
import {
  CompileError,
  decodeModule,
  DEFAULT_FEATURES,
  type FeatureSet,
  validateModule,
  ValidationScratch,
  withFeatures,
  withoutFeatures,
} from "../../../lib/wasm/mod.ts";
import { filesBelow, sharedRoot } from "../../testdata.ts";

interface Command {
  readonly type: string;
  readonly line: number;
  readonly filename?: string;
  readonly text?: string;
  readonly module_type?: string;
}

const root = sharedRoot();
const SCRIPT = "/commands.json";

/** Commands whose module is refused; all others with a binary module want it accepted. */
const REFUSED = ["assert_invalid", "assert_malformed"];

/** Folders of features that the front end does not know. */
const FUTURE = /^proposals\/(custom-descriptors|custom-page-sizes|wide-arithmetic)\//;

/** The features that a folder's scripts are written for. */
function featuresOf(script: string): FeatureSet {
  if (script.startsWith("legacy/")) return withFeatures(DEFAULT_FEATURES, "legacy-exceptions");
  // These scripts are older than multiple tables and memories, and say so.
  if (script.startsWith("proposals/threads/")) {
    return withoutFeatures(DEFAULT_FEATURES, "reference-types", "multi-memory");
  }
  return DEFAULT_FEATURES;
}

/** Reads and validates a module; the error's message when it is refused. */
function refusal(bytes: Uint8Array, features: FeatureSet, scratch: ValidationScratch): string | undefined {
  try {
    validateModule(decodeModule(bytes, features), scratch);
    return undefined;
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return error.message;
  }
}

Deno.test({
  name: "validateModule() agrees with every binary module of the specification's tests",
  ignore: root === undefined,
  fn() {
    const folder = `${root}/spec`;
    const scratch = new ValidationScratch();
    const counts: Record<string, number> = {};
    const wrong: string[] = [];
    for (const path of filesBelow(folder, SCRIPT)) {
      const script = path.slice(folder.length + 1);
      if (FUTURE.test(script)) continue;
      const commands: Command[] = JSON.parse(Deno.readTextFileSync(path)).commands;
      for (const { type, line, filename, text, module_type } of commands) {
        if (filename === undefined || module_type !== "binary" || type === "assert_invalid_custom") continue;
        const bytes = Deno.readFileSync(path.replace(SCRIPT, `/${filename}`));
        const found = refusal(bytes, featuresOf(script), scratch);
        if ((found !== undefined) !== REFUSED.includes(type)) {
          wrong.push(`${script}:${line}: ${type} ${text ?? ""}: ${found ?? "accepted"}`);
        }
        counts[type] = (counts[type] ?? 0) + 1;
      }
    }
    assertEquals(wrong, []);
    // A suite that ran next to nothing is no evidence.
    assert(
      counts.module > 2000 && counts.assert_invalid > 2500 && counts.assert_malformed > 600,
      JSON.stringify(counts),
    );
  },
});
