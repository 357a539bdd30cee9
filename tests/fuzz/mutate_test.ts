/**
 * Mutated modules: decoder and validator must say the same as `WebAssembly.validate`.
 *
 * Bases are the example modules of every opcode, random programs and, when there, the specification's test suite. A mutation changes one to
 * eight bytes, cuts the module short, or changes instructions where they are. FUZZ_COUNT sets the number of cases, FUZZ_SEED another start.
 */

import { assert, assertEquals } from "@std/assert";
import { ALL_FEATURES, ValidationScratch, withoutFeatures } from "../../lib/wasm/mod.ts";
import { reportTally } from "../tally.ts";
import { filesBelow, sharedRoot } from "../testdata.ts";
import { allExampleModules } from "./generators/op_examples.ts";
import { HEADER_BYTES, InstructionMutator, mutate } from "./generators/mutation.ts";
import { generateProgram } from "./generators/module_generator.ts";
import { Random } from "./generators/random.ts";
import { encodeProgram } from "./oracles/differential.ts";
import { compileChecked, type Configuration, configurationName, CONFIGURATIONS } from "./oracles/engines.ts";
import { isKnown, ourRefusal } from "./oracles/refusals.ts";

/** One in how many modules that are valid is compiled, too: code that no generator would write. */
const COMPILED_EACH = 40;

/** What V8 has without flags. */
const V8_FEATURES = withoutFeatures(
  ALL_FEATURES,
  "wide-arithmetic",
  "custom-page-sizes",
  "custom-descriptors",
  "stack-switching",
);

function v8Refusal(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    new WebAssembly.Module(bytes);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why a valid module cannot be compiled with all checks on. */
function compileFailure(bytes: Uint8Array<ArrayBuffer>, configuration: Configuration): string | undefined {
  try {
    compileChecked(bytes, configuration)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `${configurationName(configuration)}: ${(error as Error).stack}`;
  }
}

function baseModules(): Uint8Array<ArrayBuffer>[] {
  const bases = allExampleModules();
  for (let seed = 1; seed <= 40; seed++) {
    bases.push(...encodeProgram(generateProgram(new Random(seed))).filter(({ length }) => length < 20_000));
  }
  const root = sharedRoot();
  if (root !== undefined) {
    for (const path of filesBelow(`${root}/spec`, ".wasm")) {
      const bytes = Deno.readFileSync(path);
      if (bytes.length > HEADER_BYTES && bytes.length < 20_000 && WebAssembly.validate(bytes)) bases.push(bytes);
    }
  }
  return bases;
}

Deno.test("validateModule() agrees with WebAssembly.validate on mutated modules", () => {
  const cases = Number(Deno.env.get("FUZZ_COUNT") ?? 20_000);
  const seed = Number(Deno.env.get("FUZZ_SEED") ?? 1);
  const random = new Random(seed);
  const bases = baseModules();
  const mutators: InstructionMutator[] = [];
  const scratch = new ValidationScratch();
  const wrong: string[] = [];
  let validCount = 0;
  for (let i = 0; i < cases; i++) {
    const index = random.below(bases.length);
    const base = bases[index];
    const bytes = random.oneIn(2)
      ? mutate(base, random)
      : (mutators[index] ??= new InstructionMutator(base, V8_FEATURES)).mutate(random) ?? mutate(base, random);
    const isValid = WebAssembly.validate(bytes);
    if (isValid) validCount++;
    const ours = ourRefusal(bytes, V8_FEATURES, scratch);
    if (isValid && ours === undefined && validCount % COMPILED_EACH === 0) {
      const failure = compileFailure(bytes, CONFIGURATIONS[random.below(CONFIGURATIONS.length)]);
      if (failure !== undefined) wrong.push(`case ${i} of seed ${seed}: ${failure}; ${bytes.toHex()}`);
    }
    if ((ours === undefined) === isValid) continue;
    const v8 = isValid ? undefined : v8Refusal(bytes);
    if (isKnown(ours, v8)) continue;
    wrong.push(`case ${i} of seed ${seed}: ours: ${ours ?? "accepts"}; V8: ${v8 ?? "accepts"}; ${bytes.toHex()}`);
    if (wrong.length === 20) break;
  }
  reportTally({ suite: "mutated modules", passed: cases - wrong.length, failed: wrong.length, skipped: 0 });
  assertEquals(wrong, []);
  // Mutations that break nearly everything would test the decoder's first checks only.
  console.log(`${validCount} of ${cases} mutated modules are valid`);
  assert(validCount >= cases / 4, `only ${validCount} of ${cases} mutated modules were valid`);
});

Deno.test("validateModule() agrees with WebAssembly.validate on every prefix of a module", () => {
  const scratch = new ValidationScratch();
  for (const base of allExampleModules().filter((_, i) => i % 40 === 0)) {
    for (let length = 0; length < base.length; length++) {
      const bytes = base.slice(0, length);
      assertEquals(ourRefusal(bytes, V8_FEATURES, scratch) === undefined, WebAssembly.validate(bytes), bytes.toHex());
    }
  }
});
