/** The front end against the specification's test suite: what is valid is accepted, what is not is refused. */

import { assert, assertEquals } from "@std/assert";
import {
  CompileError,
  decodeModule,
  type FeatureName,
  type FeatureSet,
  validateModule,
  ValidationScratch,
  WASM3_FEATURES,
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

/** The features that a folder's scripts are written for. */
function featuresOf(script: string): FeatureSet {
  const [folder, proposal] = script.split("/");
  if (folder === "legacy") return withFeatures(WASM3_FEATURES, "legacy-exceptions");
  if (folder !== "proposals") return WASM3_FEATURES;
  // These scripts are older than multiple tables and memories, and say so.
  if (proposal === "threads") {
    return withoutFeatures(withFeatures(WASM3_FEATURES, "threads"), "reference-types", "multi-memory");
  }
  return withFeatures(WASM3_FEATURES, proposal as FeatureName);
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
