/** The vector operations that random programs use: all but the relaxed ones, whose results are the engine's choice. */

import { OPCODES, type OpName } from "../../../lib/wasm/mod.ts";
import type { Random } from "./random.ts";
import type { Immediate, NumberType } from "./wasm_tree.ts";

/** The type of an operand or result. */
export type VectorType = NumberType | "v128";

/** A vector operation, load or store. */
export interface VectorRow {
  readonly name: OpName;
  readonly operands: readonly VectorType[];
  /** Undefined for stores. */
  readonly result: VectorType | undefined;
  /** Bytes accessed, 0 for operations without memory. */
  readonly accessBytes: number;
  /** Number of lanes that an immediate chooses from; 32: sixteen of them, of a shuffle. */
  readonly laneChoices: number;
  /** The lanes whose NaNs have open bits in the result. */
  readonly openNans: "f32x4" | "f64x2" | undefined;
}

const LETTERS: Readonly<Record<string, VectorType>> = {
  i: "i32",
  l: "i64",
  f: "f32",
  d: "f64",
  v: "v128",
  p: "i32",
};

const ARITHMETIC = /^(f32x4|f64x2)\.(add|sub|mul|div|sqrt|min|max|ceil|floor|trunc|nearest|demote|promote)/;

/** All rows, in table order. */
export const VECTOR_ROWS: readonly VectorRow[] = OPCODES.flatMap(([name, , immediates, signature, feature]) => {
  if (feature !== "simd" || immediates === "v128") return [];
  const [operands, result] = signature.split(":");
  const words = immediates.split(" ");
  return [{
    name,
    operands: Array.from(operands, (letter) => LETTERS[letter]),
    result: result === "" ? undefined : LETTERS[result],
    accessBytes: words[0] === "memarg" ? Number(words[1]) : 0,
    laneChoices: immediates === "lanes" ? 32 : words.includes("lane") ? Number(words[words.indexOf("lane") + 1]) : 0,
    openNans: ARITHMETIC.exec(name)?.[1] as VectorRow["openNans"],
  }];
});

/** Rows with a result, by its type. */
export const VECTOR_ROWS_BY_RESULT: Readonly<Record<VectorType, readonly VectorRow[]>> = {
  i32: VECTOR_ROWS.filter(({ result }) => result === "i32"),
  i64: VECTOR_ROWS.filter(({ result }) => result === "i64"),
  f32: VECTOR_ROWS.filter(({ result }) => result === "f32"),
  f64: VECTOR_ROWS.filter(({ result }) => result === "f64"),
  v128: VECTOR_ROWS.filter(({ result }) => result === "v128"),
};
/** Stores. */
export const VECTOR_STORES: readonly VectorRow[] = VECTOR_ROWS.filter(({ result }) => result === undefined);

/** The immediates of lanes. */
export function laneImmediates({ laneChoices }: VectorRow, random: Random): Immediate[] {
  if (laneChoices === 0) return [];
  if (laneChoices < 32) return [{ bytes: [random.below(laneChoices)] }];
  const base = random.below(32), step = random.pick([1, 2, 4]);
  const isRegular = random.oneIn(2);
  const lane = (i: number) => isRegular ? base + Math.floor(i / step) * step * 3 + i % step : random.below(32);
  return [{ bytes: Array.from({ length: 16 }, (_, i) => lane(i) & 31) }];
}
