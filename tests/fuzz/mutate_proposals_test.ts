/**
 * Mutated modules of the proposals that V8 has behind a flag: decoder and validator must say the same as V8 started with that flag.
 *
 * One child process a proposal judges all its modules at once. FUZZ_COUNT and FUZZ_SEED as in mutate_test.ts.
 */

import { assert, assertEquals } from "@std/assert";
import {
  ALL_FEATURES,
  type FeatureName,
  OP_COUNT,
  OPCODES,
  ValidationScratch,
  withFeatures,
  withoutFeatures,
} from "../../lib/wasm/mod.ts";
import { reportTally } from "../tally.ts";
import { filesBelow, sharedRoot } from "../testdata.ts";
import { HEADER_BYTES, mutate } from "./generators/mutation.ts";
import { exampleModules, v8FlagOf } from "./generators/op_examples.ts";
import { Random } from "./generators/random.ts";
import { isKnown, ourRefusal } from "./oracles/refusals.ts";
import { refusalsOfV8 } from "./oracles/v8_process.ts";

/** Where V8 departs from a proposal, as in {@linkcode isKnown}. */
const KNOWN: readonly { readonly ours: RegExp | undefined; readonly v8: RegExp | undefined }[] = [];

const PROPOSALS: readonly FeatureName[] = ["wide-arithmetic", "custom-descriptors", "stack-switching"];
const EVERYDAY = withoutFeatures(ALL_FEATURES, ...PROPOSALS, "custom-page-sizes");

/** The examples of the proposal's operations. */
function examples(proposal: FeatureName): { bytes: Uint8Array<ArrayBuffer>[]; flag: string } {
  const ops = Array.from({ length: OP_COUNT }, (_, op) => op).filter((op) => OPCODES[op][4] === proposal);
  return { bytes: ops.map((op) => exampleModules(op)[0]), flag: v8FlagOf(ops[0])! };
}

/** Modules of the proposal's specification tests that are valid. */
function suiteModules(proposal: FeatureName, scratch: ValidationScratch): Uint8Array<ArrayBuffer>[] {
  const root = sharedRoot();
  const features = withFeatures(EVERYDAY, proposal);
  if (root === undefined || proposal === "stack-switching") return [];
  return filesBelow(`${root}/spec/proposals/${proposal}`, ".wasm").map((path) => Deno.readFileSync(path)).filter((
    bytes,
  ) => bytes.length > HEADER_BYTES && bytes.length < 20_000 && ourRefusal(bytes, features, scratch) === undefined);
}

for (const proposal of PROPOSALS) {
  Deno.test(`validateModule() agrees with V8 on examples and mutated modules of ${proposal}`, async () => {
    const cases = Number(Deno.env.get("FUZZ_COUNT") ?? 4_000);
    const random = new Random(Number(Deno.env.get("FUZZ_SEED") ?? 1));
    const scratch = new ValidationScratch();
    const features = withFeatures(EVERYDAY, proposal);
    const { bytes: bases, flag } = examples(proposal);
    const modules = [...bases, ...suiteModules(proposal, scratch)];
    const exampleCount = modules.length;
    for (let i = 0; i < cases; i++) modules.push(mutate(modules[random.below(exampleCount)], random));
    const refusals = await refusalsOfV8([flag], modules);
    const wrong: string[] = [];
    let validCount = 0;
    modules.forEach((bytes, i) => {
      const v8 = refusals[i];
      if (v8 === undefined) validCount++;
      const ours = ourRefusal(bytes, features, scratch);
      if ((ours === undefined) === (v8 === undefined) || isKnown(ours, v8) || isKnown(ours, v8, KNOWN)) return;
      wrong.push(`case ${i}: ours: ${ours ?? "accepts"}; V8: ${v8 ?? "accepts"}; ${bytes.toHex()}`);
    });
    reportTally({ suite: "mutated modules", passed: modules.length - wrong.length, failed: wrong.length, skipped: 0 });
    assertEquals(wrong.slice(0, 20), []);
    assert(validCount >= cases / 10, `only ${validCount} of ${cases} mutated modules were valid`);
  });
}
