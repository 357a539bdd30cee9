/** VEX-encoded vector forms: rows of the form table. */
import type { Row } from "./row.ts";

/** VEX-encoded vector forms. */
export const AVX = [] as const satisfies readonly Row[];
