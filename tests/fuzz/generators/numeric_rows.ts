/** The regular rows of the opcode table that are WebAssembly 2.0 without vectors: what numeric generators pick from. */

import { OPCODES, type OpName } from "../../../lib/wasm/mod.ts";
import type { NumberType } from "./wasm_tree.ts";

/** A numeric operation, load or store. */
export interface NumericRow {
  readonly name: OpName;
  readonly operands: readonly NumberType[];
  /** Undefined for stores. */
  readonly result: NumberType | undefined;
  /** Bytes accessed, 0 for operations without memory. */
  readonly accessBytes: number;
  readonly canTrap: boolean;
}

const LETTERS: Readonly<Record<string, NumberType>> = { i: "i32", l: "i64", f: "f32", d: "f64", p: "i32" };
const FEATURES = ["mvp", "sign-extension", "saturating-conversions"];

/** All rows, in table order. */
export const NUMERIC_ROWS: readonly NumericRow[] = OPCODES.flatMap(
  ([name, , immediates, signature, feature, flags]) => {
    const isAccess = immediates.startsWith("memarg");
    if (!FEATURES.includes(feature) || !/^[ilfdp]+:[ilfd]?$/.test(signature) || immediates !== "" && !isAccess) {
      return [];
    }
    const [operands, result] = signature.split(":");
    return [{
      name,
      operands: Array.from(operands, (letter) => LETTERS[letter]),
      result: result === "" ? undefined : LETTERS[result],
      accessBytes: isAccess ? Number(immediates.split(" ")[1]) : 0,
      canTrap: flags.includes("traps"),
    }];
  },
);

/** Operations on values alone. */
export const PURE_ROWS: readonly NumericRow[] = NUMERIC_ROWS.filter(({ accessBytes }) => accessBytes === 0);
/** Loads and stores. */
export const ACCESS_ROWS: readonly NumericRow[] = NUMERIC_ROWS.filter(({ accessBytes }) => accessBytes > 0);

/** Rows with a result, by its type. */
export const ROWS_BY_RESULT: Readonly<Record<NumberType, readonly NumericRow[]>> = {
  i32: NUMERIC_ROWS.filter(({ result }) => result === "i32"),
  i64: NUMERIC_ROWS.filter(({ result }) => result === "i64"),
  f32: NUMERIC_ROWS.filter(({ result }) => result === "f32"),
  f64: NUMERIC_ROWS.filter(({ result }) => result === "f64"),
};
/** Stores. */
export const STORE_ROWS: readonly NumericRow[] = NUMERIC_ROWS.filter(({ result }) => result === undefined);
