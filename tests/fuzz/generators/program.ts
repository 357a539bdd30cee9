/** What random programs have in common: their environment on the host's side, their fuel, their sizes, their styles. */

import type { ModuleTree, NumberType } from "./wasm_tree.ts";

/** Fuel of one call from outside: set by the caller before each. */
export const FUEL_PER_CALL = 600;
/** The global that holds it. */
export const FUEL_GLOBAL = 0;
/** Fuel of entering a function. */
export const CALL_COST = 20;
/** Fuel of starting a round of a loop. */
export const ROUND_COST = 1;

/** The types of numbers. */
export const NUMBERS: readonly NumberType[] = ["i32", "i64", "f32", "f64"];
/** As often as programs have them. */
export const WEIGHTED_NUMBERS: readonly NumberType[] = ["i32", "i32", "i32", "i64", "i64", "f32", "f64", "f64"];
/** Bytes of a page. */
export const PAGE_BYTES = 65536;
/** Pages that memories may grow to. */
export const MAX_PAGES = 3;
/** Elements that tables may grow to. */
export const MAX_ELEMENTS = 24;

/** Modules, each of which may import from those before it. */
export interface Program {
  readonly modules: readonly ModuleTree[];
}

/** Where a program's modules find what they import from the one of this index. */
export function moduleName(index: number): string {
  return `m${index}`;
}
/** Where host functions, globals, memories and tables are. */
export const HOST_MODULE = "host";

/** What the host offers under these names of {@linkcode HOST_MODULE}, besides the functions and the fuel. */
export const HOST_MEMORY = { name: "memory", min: 2, max: MAX_PAGES } as const;
/** As {@linkcode HOST_MEMORY}. */
export const HOST_TABLE = { name: "table", type: "funcref", min: 8, max: MAX_ELEMENTS } as const;
/** As {@linkcode HOST_MEMORY}: one constant and one variable of each type. */
export const HOST_GLOBALS: readonly { name: string; type: NumberType; isMutable: boolean }[] = NUMBERS.flatMap((type) =>
  [true, false].map((isMutable) => ({ name: `${isMutable ? "var" : "const"} ${type}`, type, isMutable }))
);

/** As {@linkcode HOST_MEMORY}. */
export const HOST_TAG = { name: "tag", params: ["i32", "f64"] } as const;

/** How much of what a module has: drawn once a module, so that modules differ in kind. */
export interface Style {
  readonly bodyBudget: number;
  readonly maxDepth: number;
  readonly crowd: number;
  readonly hasRefs: boolean;
  readonly hasVectors: boolean;
  readonly hasRelaxed: boolean;
  readonly hasObjects: boolean;
  readonly hasFunctionReferences: boolean;
  readonly hasTailCalls: boolean;
  readonly hasAtomics: boolean;
  readonly hasExtendedConst: boolean;
  /** One generation of exceptions at most: engines refuse modules with both. */
  readonly exceptions: "none" | "new" | "legacy";
  readonly prefersMemory: boolean;
  readonly types: readonly NumberType[];
}
