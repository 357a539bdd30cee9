/** The types of IR values, and what machine class each lives in. */

/** A value type of the IR: one of the constants below. */
export type Type = number;

/** No value. */
export const VOID = 0;
/** 32-bit integer; the upper half of its register is undefined (ZX-1). */
export const I32 = 1;
/** 64-bit integer; also a function reference (the address of its VMFuncRef, stable for the store's life). */
export const I64 = 2;
/** IEEE 754 single. */
export const F32 = 3;
/** IEEE 754 double. */
export const F64 = 4;
/** 128-bit vector. */
export const V128 = 5;
/** 32-bit reference into the collected heap or the handle table; a root at safepoints. */
export const REF = 6;
/** 64-bit native address that may move or be freed while the guest is away: never live across a call (ADDR-1). */
export const ADDR = 7;

/** Printed names, by type. */
export const TYPE_NAMES = ["void", "i32", "i64", "f32", "f64", "v128", "ref", "addr"] as const;

/** Size of a value in memory in bytes, by type. */
export const TYPE_BYTES: Uint8Array = new Uint8Array([0, 4, 8, 4, 8, 16, 4, 8]);

/** Whether the type lives in float and vector registers (1) or integer registers (0). */
export const IS_FLOAT_CLASS: Uint8Array = new Uint8Array([0, 0, 0, 1, 1, 1, 0, 0]);
