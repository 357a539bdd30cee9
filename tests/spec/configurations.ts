/** The configurations that the specification's scripts run in. */

import type { EngineConfig } from "../../lib/engine/mod.ts";

/** Every third poll leaves the guest. */
const STRESS = { interruption: true, stress: { poll: 3 } } as const satisfies EngineConfig;

/** Each configuration by name. */
export const CONFIGURATIONS = {
  guard: { bounds: "guard" },
  explicit: { bounds: "explicit" },
  "guard stress": { bounds: "guard", ...STRESS },
  "explicit stress": { bounds: "explicit", ...STRESS },
} as const satisfies Record<string, EngineConfig>;

/** The name of a configuration. */
export type ConfigurationName = keyof typeof CONFIGURATIONS;
