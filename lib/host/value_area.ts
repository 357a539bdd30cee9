/**
 * The value area: where arguments and results cross between JavaScript and machine code, as bits.
 *
 * One area per isolate, 16-byte slots, so that a v128 fits any slot and signalling NaNs survive. Its views never change, which
 * lets V8 treat them as constants: a store of an argument is one machine instruction.
 *
 * AREA-1  Nothing in it survives a line of code that is not ours: coerce all arguments first, then store all, then enter.
 * AREA-2  No reference is in it while anything can allocate.
 * AREA-3  1,024 slots, which bounds the parameters and results of a signature the runtime links.
 */

import { mapRegion } from "./memory.ts";

/** Slots in the area. */
export const AREA_SLOTS = 1024;
/** Bytes of a slot: one v128. */
export const AREA_SLOT_BYTES = 16;

/** The isolate's value area; slot `i` starts at `i * 4` in `i32`, `i * 2` in `f64`. */
export interface ValueArea {
  /** Address of slot 0, what records carry in `area`. */
  readonly addressNumber: number;
  /** Bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Int32 words, four a slot. */
  readonly i32: Int32Array<ArrayBuffer>;
  /** Uint32 words, four a slot. */
  readonly u32: Uint32Array<ArrayBuffer>;
  /** 64-bit integers, two a slot. */
  readonly i64: BigInt64Array<ArrayBuffer>;
  /** f32, four a slot; storing quiets signalling NaNs. */
  readonly f32: Float32Array<ArrayBuffer>;
  /** f64, two a slot. */
  readonly f64: Float64Array<ArrayBuffer>;
}

let area: ValueArea | undefined;

/** The isolate's value area, mapped on first use and for the isolate's life. */
export function valueArea(): ValueArea {
  if (area !== undefined) return area;
  const region = mapRegion(AREA_SLOTS * AREA_SLOT_BYTES);
  const { addressNumber, bytes, i32, u32, i64, f32, f64 } = region;
  return area = { addressNumber, bytes, i32, u32, i64, f32, f64 };
}
