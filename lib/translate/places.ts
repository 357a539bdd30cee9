/**
 * Addresses of fields of definition records, for records in the VMContext and behind pointers alike (`Places`).
 *
 * A field that changes is loaded each time from `fieldBase + fieldDisp`; a field that is constant for the instance's life is a
 * `vmctx_addr`, which later stages rematerialise instead of keeping it across calls (ADDR-1).
 *
 * May import: base, wasm, abi, ir. @module
 */

import { NONE } from "../base/mod.ts";
import { I32, I64, Ir, type Value } from "../ir/mod.ts";
import type { Places } from "./environment.ts";
import type { Translator } from "./translator.ts";

/** The address that {@linkcode fieldDisp} counts from. */
export function fieldBase(t: Translator, places: Places, index: number): Value {
  return places.isIndirect[index] === 1 ? t.builder.vmctxAddr(places.offset[index], NONE) : t.builder.vmctx();
}

/** The displacement of the field at `fieldOffset` of the record. */
export function fieldDisp(places: Places, index: number, fieldOffset: number): number {
  return places.isIndirect[index] === 1 ? fieldOffset : places.offset[index] + fieldOffset;
}

/** The value of an address field that does not change while the instance lives. */
export function constantField(t: Translator, places: Places, index: number, fieldOffset: number): Value {
  const offset = places.offset[index];
  return places.isIndirect[index] === 1
    ? t.builder.vmctxAddr(offset, fieldOffset)
    : t.builder.vmctxAddr(offset + fieldOffset, NONE);
}

/** An index or length as an i64: 32-bit ones are unsigned (ZX-1). */
export function wide(t: Translator, value: Value): Value {
  return t.func.type[value] === I32 ? t.builder.unary(Ir.uextend, value, I64) : value;
}

/** An i64 result narrowed to the width of the index space it counts in. */
export function narrow(t: Translator, value: Value, is64: number): Value {
  return is64 === 1 ? value : t.builder.unary(Ir.wrap, value, I32);
}
