/**
 * Fuel: what each operation costs, and where it is taken.
 *
 * The code of a function is cut into regions that are run through from the start: they begin at the function's entry, at loop heads, behind
 * branches and at labels. What a region costs is taken once, at its start, by an operation that is made there and told the sum when the
 * region ends. All this happens before any pass, and the operations stay where they are, so the count is the same however much the
 * optimiser does. Entries and loop heads, of which every endless run meets infinitely many, look whether there is fuel left.
 *
 * Operations on ranges cost by size and look before they start, but for copies and fills of a short constant length: those cost like any
 * other operation, in their region.
 *
 * FUEL-1  Where a region begins depends on the module's bytes alone.
 * FUEL-2  A region whose end is not reached (a trap, an exception, an interruption in the middle) has been paid for as a whole.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { FUEL_BYTES_LOG2, FUEL_ELEMENTS_LOG2 } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { I32, I64, Ir, type Value } from "../ir/mod.ts";
import { OP_FLAG, OP_FLAGS, OPCODES, type OpName } from "../wasm/mod.ts";
import type { Translator } from "./translator.ts";

/** Operations that do nothing at run time. */
const FREE: ReadonlySet<string> = new Set<OpName>([
  "nop",
  "drop",
  "block",
  "loop",
  "else",
  "end",
  "unreachable",
  "return",
  "try",
  "try_table",
  "catch",
  "catch_all",
  "delegate",
]);

/** What an operation costs, by its number. */
export const FUEL_COST: Uint8Array = Uint8Array.from(OPCODES, ([name]) => FREE.has(name) ? 0 : 1);

const LOG2 = { bytes: FUEL_BYTES_LOG2, elements: FUEL_ELEMENTS_LOG2 } as const;

const CONTROL = OP_FLAG.opens | OP_FLAG.closes | OP_FLAG.branches | OP_FLAG.jumps;

/** By operation: 1 if a region may end behind it; a loop begins its own ({@linkcode beginPolledRegion}). */
export const ENDS_REGION: Uint8Array = Uint8Array.from(
  OPCODES,
  ([name], op) => (OP_FLAGS[op] & CONTROL) !== 0 && name !== "block" && name !== "loop" ? 1 : 0,
);

/** The first region of a function, or of a loop; looks whether there is fuel. */
export function beginPolledRegion(t: Translator): void {
  endRegion(t);
  t.fuelTaker = t.builder.fuelPoll();
}

/** Behind an operation that may end a region: begins another one, if this code can be reached. */
export function turnRegion(t: Translator): void {
  endRegion(t);
  if (t.reachable && t.depth > 0) t.fuelTaker = t.builder.fuel(NONE);
}

function endRegion(t: Translator): void {
  if (t.fuelTaker !== NONE && t.fuelCost !== 0) t.builder.charge(t.fuelTaker as Value, t.fuelCost);
  t.fuelTaker = NONE;
  t.fuelCost = 0;
}

/** Adds to what the current region costs. */
export function chargeConstant(t: Translator, length: number, unit: "bytes" | "elements"): void {
  t.fuelCost += length >>> LOG2[unit];
}

/**
 * Takes what a range of `length` (i32 or i64) bytes or elements costs, once its bounds have been checked and before it is worked on
 * (BULK-1). Most operations on ranges are runtime calls, which take it themselves; this is for those that code does.
 */
export function chargeRange(t: Translator, length: Value, unit: "bytes" | "elements"): void {
  if (t.environment.options.fuel !== true) return;
  const { builder, func } = t;
  const wide = func.type[length] === I32 ? builder.unary(Ir.uextend, length, I64) : length;
  builder.fuel(builder.binary(Ir.ushr, wide, builder.iconst64(LOG2[unit], 0)));
  builder.fuelPoll();
}
