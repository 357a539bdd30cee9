/** The processor that code is loaded for. */

import { cpuFeatureMask } from "../abi/mod.ts";
import { cpuFeatures } from "../host/mod.ts";

/** The features of this machine that code may use: bits of `CPU_FEATURES`. */
export function machineCpuFeatures(): number {
  return cpuFeatureMask(cpuFeatures());
}
