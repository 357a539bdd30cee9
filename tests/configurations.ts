/** The configurations that scripts run in: the specification's and the corpus. */

import type { EngineConfig } from "../lib/engine/mod.ts";

/** Upper halves are poisoned; every third poll leaves the guest; five registers a class; each allocation collects. */
export const STRESS = {
  interruption: true,
  stress: { poison: true, poll: 3, registers: 5, gc: true },
} as const satisfies EngineConfig;

/** Each configuration by name. */
export const CONFIGURATIONS = {
  guard: { bounds: "guard" },
  explicit: { bounds: "explicit" },
  "guard stress": { bounds: "guard", ...STRESS },
  "explicit stress": { bounds: "explicit", ...STRESS },
} as const satisfies Record<string, EngineConfig>;

/** The name of a configuration. */
export type ConfigurationName = keyof typeof CONFIGURATIONS;
