/** `wast`: specification scripts from the command line. */

import { Engine } from "../engine/mod.ts";
import { loadCompiler } from "./compiler.ts";
import { CliError, EXIT, fileFailure, textFailure, UsageError } from "./errors.ts";
import { boundsOption } from "./load.ts";
import type { ParsedCommand } from "./options.ts";
import { SCRIPT_FEATURES } from "./script_groups.ts";
import { TextError } from "../text/mod.ts";
import { type ScriptResult, ScriptRunner } from "./wast_script.ts";

/** Failures printed of one script. */
const MOST_FAILURES = 10;

/** Runs the command; returns the exit code. */
export async function wast({ options, operands }: ParsedCommand): Promise<number> {
  if (operands.length === 0) throw new UsageError("no script to run", "wast");
  await loadCompiler();
  using engine = new Engine({ bounds: boundsOption(options), features: SCRIPT_FEATURES });
  const runner = new ScriptRunner(engine);
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const path of operands) {
    const result = runScript(runner, path);
    passed += result.passed;
    failed += result.failed;
    skipped += result.skipped;
    if (options.verbose) {
      console.log(`${path}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`);
    }
    for (const { line, command, message } of result.failures.slice(0, MOST_FAILURES)) {
      console.log(`${path}:${line}: ${command}: ${message}`);
    }
    if (result.failures.length > MOST_FAILURES) {
      console.log(`${path}: ${result.failures.length - MOST_FAILURES} more failures`);
    }
    if (options.verbose) {
      for (const [feature, count] of result.waitingFor) console.log(`  ${count} wait for ${feature}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 ? EXIT.ok : EXIT.error;
}

function runScript(runner: ScriptRunner, path: string): ScriptResult {
  try {
    return runner.run(path);
  } catch (error) {
    // What goes wrong in a command is counted by the runner; here it is the script itself that cannot be read.
    if (error instanceof TextError) throw textFailure(path, error);
    if (error instanceof SyntaxError) {
      throw new CliError(`${path} is no script as wast2json writes it`);
    }
    throw new CliError(`cannot read ${path}: ${fileFailure(error, "read")}`);
  }
}
