/** Lane shapes of 128-bit vectors, and how a shuffle's lane numbers lie in three columns. */

import { F32, F64, I32, I64, type Type } from "./types.ts";

/** Shapes by name: what the letter `h` of the operation table names. ORDER: an integer shape + 1 has lanes of twice the width. */
export const Lanes = { i8x16: 0, i16x8: 1, i32x4: 2, i64x2: 3, f32x4: 4, f64x2: 5 } as const;
/** Printed names, by shape. */
export const LANES_NAMES = ["i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2"] as const;
/** Bytes of a lane, by shape. */
export const LANE_BYTES: Uint8Array = new Uint8Array([1, 2, 4, 8, 4, 8]);
/** The type of a lane as a scalar, by shape. */
export const LANE_TYPE: readonly Type[] = [I32, I32, I32, I64, F32, F64];

const LANE_BITS = 5, LANES_PER_COLUMN = 6;

/** Lane numbers 0 to 31 in the columns c, imm, aux: five bits each, six to a column. */
export function packShuffle(lanes: ArrayLike<number>): [c: number, imm: number, aux: number] {
  const columns: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < 16; i++) {
    columns[i / LANES_PER_COLUMN | 0] |= lanes[i] << i % LANES_PER_COLUMN * LANE_BITS;
  }
  return columns;
}

/** Writes the sixteen lane numbers of a shuffle's columns to `lanes`. */
export function unpackShuffle(c: number, imm: number, aux: number, lanes: Uint8Array): void {
  for (let i = 0; i < 16; i++) {
    const column = i < LANES_PER_COLUMN ? c : i < 2 * LANES_PER_COLUMN ? imm : aux;
    lanes[i] = column >>> i % LANES_PER_COLUMN * LANE_BITS & 31;
  }
}
