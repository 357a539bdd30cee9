/**
 * Register allocation over SSA: virtual registers to machine registers and stack slots, and an independent checker.
 *
 * May import: base. Knows neither wasm nor x64.
 *
 * The contract is api.ts (RA-IN-*, RA-OUT-*); the algorithm and a map of the files are in allocate.ts; the checker (checker.ts) shares
 * no code with it. Invariants of the parts: LIVE-*, REGION-*, LOOP-*, FIX-*, REG-STATE-*, SCAN-*, ENTRY-*, EDGE-*, SLOT-*, MOVE-*, EDIT-*, CHECK-*.
 *
 * @module
 */
export * from "./api.ts";
export { Allocator } from "./allocate.ts";
export { checkAllocation } from "./checker.ts";
export { printAllocation, printLocation } from "./print.ts";
