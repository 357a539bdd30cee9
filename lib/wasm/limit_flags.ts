/** Bits of the byte in front of the limits of a memory or table (spec: binary-limits). May import: nothing. @module */

/** What follows, and how wide it is: a maximum, an address type of 64 bits, a page size; a shared memory. */
export const LIMITS = { maximum: 1, shared: 2, address64: 4, pageSize: 8 } as const;
