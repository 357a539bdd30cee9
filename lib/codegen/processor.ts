/** From the contract's processor features to those of the form table. */

import { cpuFeatureNames } from "../abi/mod.ts";
import { featureBit } from "../x64/mod.ts";

/** The form table's feature bits for a mask of `CPU_FEATURES` (lib/abi). */
export function formFeatures(cpuFeatures: number): number {
  let bits = 0;
  for (const name of cpuFeatureNames(cpuFeatures)) bits |= featureBit(name as Parameters<typeof featureBit>[0]);
  return bits;
}
