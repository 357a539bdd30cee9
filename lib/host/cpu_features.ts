/** What the processor can do, read once by the boot image with CPUID (reading /proc/cpuinfo would need a permission). */

import { boot } from "./boot.ts";
import { BOOT_DATA } from "./boot_data.ts";

/** Where each feature is: field of the boot data, bit, and whether the system must save AVX state for it (SDM 2A CPUID). */
const FEATURES = {
  "sse4.1": [BOOT_DATA.cpu1Ecx, 19, "any"],
  "sse4.2": [BOOT_DATA.cpu1Ecx, 20, "any"],
  "popcnt": [BOOT_DATA.cpu1Ecx, 23, "any"],
  "lzcnt": [BOOT_DATA.cpuExtEcx, 5, "any"],
  "bmi1": [BOOT_DATA.cpu7Ebx, 3, "any"],
  "bmi2": [BOOT_DATA.cpu7Ebx, 8, "any"],
  "avx": [BOOT_DATA.cpu1Ecx, 28, "avx"],
  "avx2": [BOOT_DATA.cpu7Ebx, 5, "avx"],
  "fma": [BOOT_DATA.cpu1Ecx, 12, "avx"],
} as const satisfies Record<string, readonly [number, number, "any" | "avx"]>;

/** A processor feature that code generation may depend on. */
export type CpuFeature = keyof typeof FEATURES;

/** XCR0 bits 1 and 2: the system saves xmm and ymm. */
const XCR0_AVX = 6;

let features: ReadonlySet<CpuFeature> | undefined;

/** The features of this machine. */
export function cpuFeatures(): ReadonlySet<CpuFeature> {
  if (features !== undefined) return features;
  const { data } = boot();
  const found = new Set<CpuFeature>();
  for (const [name, [field, bit, state]] of Object.entries(FEATURES)) {
    if (((data[field >> 2] >>> bit) & 1) === 0) continue;
    if (state === "avx" && (data[BOOT_DATA.xcr0 >> 2] & XCR0_AVX) !== XCR0_AVX) continue;
    found.add(name as CpuFeature);
  }
  return features = found;
}
