/** The configurations that the specification's scripts run in. */

import type { EngineConfig } from "../../lib/engine/mod.ts";

/** Each configuration by name. */
export const CONFIGURATIONS = {
  guard: { bounds: "guard" },
  explicit: { bounds: "explicit" },
} as const satisfies Record<string, EngineConfig>;

/** The name of a configuration. */
export type ConfigurationName = keyof typeof CONFIGURATIONS;
