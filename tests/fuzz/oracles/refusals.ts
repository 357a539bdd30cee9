/** What decoder and validator refuse, and where V8 is known to judge otherwise. */

import {
  CompileError,
  decodeModule,
  type FeatureSet,
  validateModule,
  type ValidationScratch,
} from "../../../lib/wasm/mod.ts";

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

/** Why a module with these features is refused; undefined when it is accepted. */
export function ourRefusal(bytes: Uint8Array, features: FeatureSet, scratch: ValidationScratch): string | undefined {
  try {
    validateModule(decodeModule(bytes, features), scratch);
    return undefined;
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return error.message;
  }
}

/** Whether a disagreement is a known one. */
export function isKnown(
  ours: string | undefined,
  v8: string | undefined,
  differences: typeof KNOWN_DIFFERENCES = KNOWN_DIFFERENCES,
): boolean {
  const fits = (pattern: RegExp | undefined, message: string | undefined) =>
    pattern === undefined ? message === undefined : message !== undefined && pattern.test(message);
  return differences.some((difference) => fits(difference.ours, ours) && fits(difference.v8, v8));
}
