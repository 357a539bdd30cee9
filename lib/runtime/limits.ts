/** The limits of a store, as its embedder gives them. */

import { DEFAULT_STACK_BYTES, MAXIMUM_STACK_BYTES, MINIMUM_STACK_BYTES } from "../host/mod.ts";
import { type ResourceName, RESOURCES } from "./usage.ts";

/** What a store may have at a time. Each limit is an integer, or `Infinity` for none; those left out have their defaults. */
export interface StoreLimits {
  /** Bytes of all memories together: 4 GiB. Shared memories count where the store's guests make or grow them. */
  readonly memoryBytes?: number;
  /** Elements of all tables together: 10,000,000, which is also the most that a single table has, whatever the limit. */
  readonly tableElements?: number;
  /** Instances: 10,000. */
  readonly instances?: number;
  /** Bytes of garbage-collected objects: 1 GiB; at most 2 GiB less 8 MiB can be had. A guest that needs more traps with `gc_heap_exhausted`. */
  readonly gcHeapBytes?: number;
  /** Bytes of the stack of a call or a continuation: 1 MiB; from 64 KiB to 512 MiB. A guest that needs more traps with `stack_overflow`. */
  readonly stackBytes?: number;
  /** Bytes of all stacks together, of calls that nest or are parked and of continuations: 1 GiB. */
  readonly totalStackBytes?: number;
  /**
   * Calls that are under way by `callAsync`: 10,000. Each has a stack of `stackBytes`, so by default `totalStackBytes` ends at a tenth of that
   * already; stacks of 64 KiB are enough for 10,000.
   */
  readonly parkedCalls?: number;
  /** Host values that guests hold and references to objects that JavaScript holds: 1,000,000. */
  readonly handles?: number;
  /** Bytes of machine code, of each module that was instantiated once: 512 MiB. */
  readonly codeBytes?: number;
  /** Whether a guest whose memory or table does not grow traps with `growth_failed`, instead of getting -1. */
  readonly trapOnGrowFailure?: boolean;
}

/** Limits with every choice made. */
export type ResolvedLimits = Required<StoreLimits>;

/** The limits of a store that was given none. */
export const DEFAULT_LIMITS: ResolvedLimits = {
  ...Object.fromEntries(RESOURCES) as Record<ResourceName, number>,
  stackBytes: DEFAULT_STACK_BYTES,
  trapOnGrowFailure: false,
};

/** Fills in what was left out. @throws {TypeError} for what is no limit. @throws {RangeError} for one that cannot be. */
export function resolveLimits(given: StoreLimits | undefined): ResolvedLimits {
  if (given === undefined) return DEFAULT_LIMITS;
  if (typeof given !== "object" || given === null) throw new TypeError("Limits are given as an object");
  const limits: Record<string, number | boolean> = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new TypeError(`There is no limit ${name}; there are ${Object.keys(DEFAULT_LIMITS).join(", ")}`);
    }
    if (value !== undefined) limits[name] = value;
  }
  const { trapOnGrowFailure } = limits;
  if (typeof trapOnGrowFailure !== "boolean") {
    throw new TypeError(`limits.trapOnGrowFailure is true or false, not ${trapOnGrowFailure}`);
  }
  for (const [name] of RESOURCES) requireAmount(`limits.${name}`, limits[name]);
  const { stackBytes } = limits;
  if (typeof stackBytes !== "number") throw new TypeError(`limits.stackBytes is a number, not ${typeof stackBytes}`);
  if (!(Number.isInteger(stackBytes) && stackBytes >= MINIMUM_STACK_BYTES && stackBytes <= MAXIMUM_STACK_BYTES)) {
    throw new RangeError(
      `limits.stackBytes is an integer from ${MINIMUM_STACK_BYTES} to ${MAXIMUM_STACK_BYTES}, not ${stackBytes}`,
    );
  }
  return limits as unknown as ResolvedLimits;
}

/** Checks an amount: an integer from 0 on, or Infinity. @throws {TypeError} @throws {RangeError} */
export function requireAmount(what: string, value: unknown): asserts value is number {
  if (typeof value !== "number") throw new TypeError(`${what} is a number, not ${describe(value)}`);
  if (value === Infinity || Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`${what} is an integer from 0 on or Infinity, not ${value}`);
}

function describe(value: unknown): string {
  return value === null ? "null" : typeof value;
}
