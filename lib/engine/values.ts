/**
 * Value types by name, and what JavaScript makes of each.
 *
 * The tables here give both directions: names to the front end's packed types, and value types to TypeScript types, so that a host function
 * declared with `{ parameters: ["i32", "i64"], results: ["f64"] }` is checked as `(a: number, b: bigint) => number`.
 */

import type { I31Ref } from "../runtime/mod.ts";
import {
  ANYREF,
  EQREF,
  EXNREF,
  EXTERNREF,
  F32,
  F64,
  FUNCREF,
  type FuncType,
  HEAP_ARRAY,
  HEAP_I31,
  HEAP_STRUCT,
  I32,
  I64,
  limits,
  refNullType,
  type TypeRegistry,
  V128,
  type ValType,
  valTypeToString,
} from "../wasm/mod.ts";
import type { ArrayRef, ExnRef, StructRef } from "./heap_refs.ts";

/** A function that machine code runs, as JavaScript calls it. Exported functions and function references are such. */
// deno-lint-ignore no-explicit-any -- types of a module that is loaded at run time are not known to TypeScript
export type ExportedFunction = (...args: any[]) => any;

/** The TypeScript type of the values of each value type. */
export interface ValueTypes {
  /** Coerced by `ToInt32`. */
  i32: number;
  /** Coerced by `ToBigInt64`: numbers are refused. */
  i64: bigint;
  /** Rounded to single precision. */
  f32: number;
  /** Double precision. */
  f64: number;
  /** Sixteen bytes. */
  v128: Uint8Array;
  /** A function of the same store, or null. */
  funcref: ExportedFunction | null;
  /** Any value; null is the null reference. */
  externref: unknown;
  /** An object of the store, an unboxed scalar, or null; any other value is a host value in the guest's hands. */
  anyref: unknown;
  /** An object of the store or an unboxed scalar, or null; a small integer is given as an `I31Ref` or as a number. */
  eqref: StructRef | ArrayRef | I31Ref | null;
  /** An unboxed scalar or null. */
  i31ref: I31Ref | null;
  /** A struct of the store or null. */
  structref: StructRef | null;
  /** An array of the store or null. */
  arrayref: ArrayRef | null;
  /** A reference to an exception of the store, or null. */
  exnref: ExnRef | null;
}

/** The name of a value type. */
export type ValueType = keyof ValueTypes;

/** The types of a function's parameters and results. */
export interface FuncSignature {
  /** Types of the parameters, in order. */
  readonly parameters: readonly ValueType[];
  /** Types of the results, in order. */
  readonly results: readonly ValueType[];
}

/** The TypeScript types of values of these value types. */
export type ValuesOf<Types extends readonly ValueType[]> = {
  -readonly [K in keyof Types]: ValueTypes[Types[K]];
};

/** A function's arguments: of unknown types when the signature is only known at run time, so that every `Func` is a `Func`. */
export type ArgumentsOf<Types extends readonly ValueType[]> = number extends Types["length"]
  // deno-lint-ignore no-explicit-any -- types of a module that is loaded at run time are not known to TypeScript
  ? any[]
  : ValuesOf<Types>;

/** What a function with these result types returns: nothing, one value, or an array of exactly that many. */
export type ResultOf<Types extends readonly ValueType[]> = Types extends readonly [] ? void
  : Types extends readonly [infer Type extends ValueType] ? ValueTypes[Type]
  : number extends Types["length"] ? ValueTypes[Types[number]] | readonly ValueTypes[Types[number]][] | void
  : Readonly<ValuesOf<Types>>;

/**
 * What a host function with these result types may return. Several results are any array of their types: TypeScript does not take `[1, 2]` for
 * a pair before it knows the signature; that the number is right is checked by each call.
 */
export type HostResultOf<Types extends readonly ValueType[]> = Types extends
  readonly [ValueType, ValueType, ...ValueType[]] ? readonly ValueTypes[Types[number]][]
  : ResultOf<Types>;

const TYPES: Record<ValueType, ValType> = {
  i32: I32,
  i64: I64,
  f32: F32,
  f64: F64,
  v128: V128,
  funcref: FUNCREF,
  externref: EXTERNREF,
  anyref: ANYREF,
  eqref: EQREF,
  i31ref: refNullType(HEAP_I31),
  structref: refNullType(HEAP_STRUCT),
  arrayref: refNullType(HEAP_ARRAY),
  exnref: EXNREF,
};

const NAMES = new Map(Object.entries(TYPES).map(([name, type]) => [type, name as ValueType]));

/** The packed type of a name. @throws {TypeError} for a name that is none. */
export function parseValueType(name: ValueType): ValType {
  if (typeof name !== "string" || !Object.hasOwn(TYPES, name)) {
    throw new TypeError(`${typeof name === "string" ? JSON.stringify(name) : String(name)} is not a value type`);
  }
  return TYPES[name];
}

/** The name of a type; typed references, which have none of their own here, as in the text format. */
export function valueTypeName(type: ValType): ValueType {
  return NAMES.get(type) ?? valTypeToString(type) as ValueType;
}

/**
 * The canonical id of the function type with these parameters and results.
 *
 * @throws {TypeError} for types that are none.
 * @throws {RangeError} for more of them than any module's function has (AREA-3).
 */
export function internSignature(registry: TypeRegistry, signature: FuncSignature): number {
  const { parameters, results } = signature;
  return registry.internFuncType(
    parseTypes(parameters, "parameters", limits.MAX_PARAMS),
    parseTypes(results, "results", limits.MAX_RESULTS),
  );
}

function parseTypes(names: readonly ValueType[], what: string, most: number): ValType[] {
  if (!Array.isArray(names)) throw new TypeError(`The ${what} of a function are given as an array of value types`);
  // The length is read once, so an array that lies about it is none the wiser.
  const { length } = names;
  if (length > most) throw new RangeError(`A function has at most ${most} ${what}, not ${length}`);
  return Array.from({ length }, (_, i) => parseValueType(names[i]));
}

/** A function type by names. */
export function signatureNames({ params, results }: Pick<FuncType, "params" | "results">): FuncSignature {
  return { parameters: Array.from(params, valueTypeName), results: Array.from(results, valueTypeName) };
}

/** A size or index given by a user. @throws {TypeError} unless it is an integer from 0 to 2^32 - 1. */
export function toU32(value: unknown, what: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff) {
    throw new TypeError(`${what} must be an integer from 0 to 4294967295, not ${String(value)}`);
  }
  return number;
}

/** How wide the addresses of a memory or the indices of a table are. */
export type AddressType = "i32" | "i64";

/** How sizes and indices in an address type are given back: as in WebAssembly's JavaScript interface, bigints for 64 bits. */
export type AddressValue<Address extends AddressType> = Address extends "i64" ? bigint : number;

/** The largest 64-bit size or index. */
const MAX_U64 = 2n ** 64n - 1n;

/**
 * A size or index given by a user for an address type: for 64 bits a bigint or an integral number. Above 2^53 the result is inexact, but
 * beyond everything that exists.
 *
 * @throws {TypeError} unless it is an integer in range.
 */
export function toAddress(value: unknown, address: AddressType, what: string): number {
  if (address === "i32") return toU32(value, what);
  if (
    typeof value === "bigint" ? value >= 0n && value <= MAX_U64 : Number.isSafeInteger(value) && value as number >= 0
  ) {
    return Number(value);
  }
  throw new TypeError(`${what} must be a bigint or an integer from 0 to 18446744073709551615, not ${String(value)}`);
}

/** A size or index as its address type gives it back. */
export function fromAddress<Address extends AddressType>(value: number, address: Address): AddressValue<Address> {
  return (address === "i64" ? BigInt(value) : value) as AddressValue<Address>;
}

/** Checks the name of an address type; `"i32"` when none is given. @throws {TypeError} */
export function toAddressType(value: unknown): AddressType {
  if (value === undefined || value === "i32" || value === "i64") return value ?? "i32";
  throw new TypeError(`An address type is "i32" or "i64", not ${String(value)}`);
}
