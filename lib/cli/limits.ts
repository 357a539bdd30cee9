/** What a guest of the command line may use: memory, tables, instances, objects, stack, fuel, time. */

import type { LimitError, ResourceName, Store, StoreLimits } from "../engine/mod.ts";
import { resolveLimits } from "../runtime/mod.ts";
import { UsageError } from "./errors.ts";
import type { ParsedCommand } from "./options.ts";

type Options = ParsedCommand["options"];

/** Options that are a store's limits, each with the limit that it sets and how it is read. */
const LIMIT_OPTIONS = [
  ["max-memory", "memoryBytes", sizeOption],
  ["max-table-elements", "tableElements", countOption],
  ["max-instances", "instances", countOption],
  ["max-gc-heap", "gcHeapBytes", sizeOption],
  ["max-stack", "stackBytes", sizeOption],
] as const satisfies readonly (readonly [string, keyof StoreLimits, (name: string, text: string) => number])[];

/** The limits that the options set. @throws {UsageError} */
export function limitOptions(options: Options): StoreLimits {
  const limits: Record<string, number> = {};
  for (const [name, limit, read] of LIMIT_OPTIONS) {
    const text = options[name];
    if (typeof text !== "string") continue;
    limits[limit] = read(name, text);
    try {
      resolveLimits({ [limit]: limits[limit] });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(`--${name} ${text}: ${error.message.replace("limits.", "")}`, "run");
    }
  }
  return limits;
}

/** What the engine must compile for the options. */
export function limitingCode(options: Options): { readonly fuel?: true; readonly interruption?: true } {
  return {
    ...(options.fuel === undefined ? {} : { fuel: true }),
    ...(options.timeout === undefined ? {} : { interruption: true }),
  };
}

/** Gives the store its fuel and its deadline, which counts from now. @throws {UsageError} */
export function startMetering(store: Store, options: Options): void {
  const { fuel, timeout } = options;
  if (typeof fuel === "string") store.fuel = countOption("fuel", fuel);
  if (typeof timeout === "string") store.setDeadline(timeOption(timeout), { countHostTime: true });
}

/** A limit that was reached before the guest ran, in one line. */
export function describeLimit({ limit, current, asked, allowed }: LimitError): string {
  const option = optionOf(limit);
  const hint = option === undefined ? "" : `; --${option} raises it`;
  return `the module needs ${asked} more ${limit}, with ${current} in use of ${allowed}${hint}`;
}

function optionOf(limit: ResourceName): string | undefined {
  return LIMIT_OPTIONS.find((row) => row[1] === limit)?.[0];
}

function countOption(name: string, text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new UsageError(`--${name} ${text}: expected an integer`, "run");
}

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

function sizeOption(name: string, text: string): number {
  const match = text.match(/^(\d+)([KMG]?)$/i);
  const bytes = match === null ? NaN : Number(match[1]) * UNITS[match[2].toUpperCase()];
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new UsageError(`--${name} ${text}: expected bytes, or a number followed by K, M or G`, "run");
}

const TIMES_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function timeOption(text: string): number {
  const match = text.match(/^(\d+(?:\.\d+)?)(ms|s|m|h)$/);
  const ms = match === null ? NaN : Number(match[1]) * TIMES_MS[match[2]];
  if (ms <= 2 ** 30) return ms;
  throw new UsageError(`--timeout ${text}: expected a number followed by ms, s, m or h, up to 12 days`, "run");
}
