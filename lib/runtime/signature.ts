/**
 * Function signatures as calls need them: the kind of each value, which says how it is stored in a slot and what JavaScript makes of it.
 */

import { bug } from "../base/mod.ts";
import {
  F32,
  F64,
  type FuncType,
  HEAP_ANY,
  HEAP_CONT,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  heapType,
  I32,
  I64,
  isRef,
  type TypeRegistry,
  V128,
  type ValType,
} from "../wasm/mod.ts";

/** How a value travels: the row decides its slot format and its JavaScript form. */
export const VALUE_KINDS = ["i32", "i64", "f32", "f64", "v128", "func", "extern", "any", "exn", "cont"] as const;

/** The name of a value kind. */
export type ValueKindName = typeof VALUE_KINDS[number];

/** Value kinds by name: row numbers of {@linkcode VALUE_KINDS}. */
export const ValueKind = {
  i32: 0,
  i64: 1,
  f32: 2,
  f64: 3,
  v128: 4,
  func: 5,
  extern: 6,
  any: 7,
  exn: 8,
  cont: 9,
} as const satisfies Record<ValueKindName, number>;

const KIND_OF_NUMBER: Record<number, number> = {
  [I32]: ValueKind.i32,
  [I64]: ValueKind.i64,
  [F32]: ValueKind.f32,
  [F64]: ValueKind.f64,
  [V128]: ValueKind.v128,
};

/** The kind of a type whose concrete heap types are canonical ids of `registry`. */
export function valueKindOf(registry: TypeRegistry, type: ValType): number {
  if (!isRef(type)) return KIND_OF_NUMBER[type] ?? bug(`no value has type ${type}`);
  const top = registry.topOf(heapType(type));
  return KIND_OF_TOP[top] ?? bug(`no references have the top type ${top}`);
}

const KIND_OF_TOP: Record<number, number> = {
  [HEAP_FUNC]: ValueKind.func,
  [HEAP_EXTERN]: ValueKind.extern,
  [HEAP_ANY]: ValueKind.any,
  [HEAP_EXN]: ValueKind.exn,
  [HEAP_CONT]: ValueKind.cont,
};

const KIND_NAMES: Record<ValueKindName, string> = {
  i32: "i32",
  i64: "i64",
  f32: "f32",
  f64: "f64",
  v128: "v128",
  func: "funcref",
  extern: "externref",
  any: "anyref",
  exn: "exnref",
  cont: "contref",
};

/** A function type with canonical ids, and what calls derive from it. */
export class Signature {
  /** Canonical type id. */
  readonly typeId: number;
  /** Types; concrete heap types are canonical ids. */
  readonly paramTypes: Int32Array;
  readonly resultTypes: Int32Array;
  /** Kinds, one for each type. */
  readonly params: Uint8Array;
  readonly results: Uint8Array;

  /** Names of the result types by kind, as the JS API spells them. */
  get resultNames(): string[] {
    return Array.from(this.results, (kind) => KIND_NAMES[VALUE_KINDS[kind]]);
  }

  constructor(registry: TypeRegistry, typeId: number, type: FuncType) {
    this.typeId = typeId;
    this.paramTypes = type.params;
    this.resultTypes = type.results;
    this.params = Uint8Array.from(type.params, (t) => valueKindOf(registry, t));
    this.results = Uint8Array.from(type.results, (t) => valueKindOf(registry, t));
  }
}
