/** Packed SSE forms: rows of the form table. */
import type { Row } from "./row.ts";

/** Packed SSE forms. */
export const SSE_SIMD = [] as const satisfies readonly Row[];
