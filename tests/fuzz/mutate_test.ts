/**
 * Mutated modules: decoder and validator must say the same as `WebAssembly.validate`.
 *
 * Bases are the example modules of every opcode and, when there, the specification's test suite. A mutation changes one to
 * eight bytes or cuts the module short. THEROPOD_FUZZ_CASES sets the number of cases, THEROPOD_FUZZ_SEED another start.
 */

import { assert, assertEquals } from "@std/assert";
import {
  ALL_FEATURES,
  CompileError,
  decodeModule,
  validateModule,
  ValidationScratch,
  withoutFeatures,
} from "../../lib/wasm/mod.ts";
import { reportTally } from "../tally.ts";
import { filesBelow, sharedRoot } from "../testdata.ts";
import { allExampleModules } from "./generators/op_examples.ts";
import { Random } from "./generators/random.ts";

/**
 * Where V8 departs from the specification, or sets a limit that the specification's own tests exceed. Each entry names the
 * disagreement as narrowly as the two messages allow; undefined stands for "accepts".
 */
const KNOWN_DIFFERENCES: readonly { readonly ours: RegExp | undefined; readonly v8: RegExp | undefined }[] = [
  // WebAssembly/spec#2235: V8 has no bottom reference, an instruction that makes one from an unreachable stack gives bottom.
  { ours: /found \(ref bottom\)/, v8: undefined },
  // In unreachable code V8 takes any operand for ref.eq.
  { ours: /expected \(ref null eq\), found/, v8: undefined },
  // V8 takes element segments of a number type, as long as they have no elements.
  { ours: /malformed reference type 0x7[b-f]/, v8: undefined },
  // V8 lets br_on_non_null branch to a label without operands; the specification wants a reference there.
  { ours: /the label of br_on_non_null takes no reference/, v8: undefined },
  // The specification's tests declare larger tables and 64-bit memories than V8 could make.
  { ours: undefined, v8: /(initial|maximum) (memory|table) size .* is larger than implementation limit/ },
  // V8 refuses modules that use both generations of exceptions.
  { ours: undefined, v8: /mix of legacy and new exception handling/ },
];

/** What V8 has without flags. */
const V8_FEATURES = withoutFeatures(
  ALL_FEATURES,
  "wide-arithmetic",
  "custom-page-sizes",
  "custom-descriptors",
  "stack-switching",
);

function ourRefusal(bytes: Uint8Array, scratch: ValidationScratch): string | undefined {
  try {
    validateModule(decodeModule(bytes, V8_FEATURES), scratch);
    return undefined;
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return error.message;
  }
}

function v8Refusal(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    new WebAssembly.Module(bytes);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function isKnown(ours: string | undefined, v8: string | undefined): boolean {
  const fits = (pattern: RegExp | undefined, message: string | undefined) =>
    pattern === undefined ? message === undefined : message !== undefined && pattern.test(message);
  return KNOWN_DIFFERENCES.some((difference) => fits(difference.ours, ours) && fits(difference.v8, v8));
}

/** The size of the module header, which is left alone: a change there only says that it is not a module. */
const HEADER_BYTES = 8;

function mutate(base: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  if (random.oneIn(32)) return base.slice(0, random.below(base.length));
  const bytes = base.slice();
  for (let changes = random.oneIn(4) ? 1 + random.below(8) : 1; changes > 0; changes--) {
    const at = HEADER_BYTES + random.below(bytes.length - HEADER_BYTES);
    switch (random.below(4)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] ^= 1 << random.below(8);
        break;
      case 2:
        bytes[at]++;
        break;
      case 3:
        bytes[at]--;
        break;
    }
  }
  return bytes;
}

function baseModules(): Uint8Array<ArrayBuffer>[] {
  const bases = allExampleModules();
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
  const cases = Number(Deno.env.get("THEROPOD_FUZZ_CASES") ?? 20_000);
  const seed = Number(Deno.env.get("THEROPOD_FUZZ_SEED") ?? 1);
  const random = new Random(seed);
  const bases = baseModules();
  const scratch = new ValidationScratch();
  const wrong: string[] = [];
  let validCount = 0;
  for (let i = 0; i < cases; i++) {
    const bytes = mutate(bases[random.below(bases.length)], random);
    const isValid = WebAssembly.validate(bytes);
    if (isValid) validCount++;
    const ours = ourRefusal(bytes, scratch);
    if ((ours === undefined) === isValid) continue;
    const v8 = isValid ? undefined : v8Refusal(bytes);
    if (isKnown(ours, v8)) continue;
    wrong.push(`case ${i}: ours: ${ours ?? "accepts"}; V8: ${v8 ?? "accepts"}; ${bytes.toHex()}`);
    if (wrong.length === 20) break;
  }
  reportTally({ suite: "mutated modules", passed: cases - wrong.length, failed: wrong.length, skipped: 0 });
  assertEquals(wrong, []);
  // Mutations that break nearly everything would test the decoder's first checks only.
  assert(validCount >= cases / 5, `only ${validCount} of ${cases} mutated modules were valid`);
});

Deno.test("validateModule() agrees with WebAssembly.validate on every prefix of a module", () => {
  const scratch = new ValidationScratch();
  for (const base of allExampleModules().filter((_, i) => i % 40 === 0)) {
    for (let length = 0; length < base.length; length++) {
      const bytes = base.slice(0, length);
      assertEquals(ourRefusal(bytes, scratch) === undefined, WebAssembly.validate(bytes), bytes.toHex());
    }
  }
});
