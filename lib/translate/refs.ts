/**
 * Lowering of reference instructions. Null is 0 in every representation: a funcref is the address of its VMFuncRef (i64), any other
 * reference a 32-bit handle or heap index (ref).
 *
 * May import: base, wasm, abi, ir. @module
 */

import { Libcall } from "../abi/mod.ts";
import { IntCond } from "../ir/mod.ts";
import { readHeapType, refNullType } from "../wasm/mod.ts";
import { libcall } from "./libcalls.ts";
import type { Translator } from "./translator.ts";

/** `ref.null`. */
export function refNull(t: Translator): void {
  t.push(t.builder.zero(t.environment.irType(refNullType(readHeapType(t.reader)))));
}

/** `ref.is_null`. */
export function refIsNull(t: Translator): void {
  const value = t.pop();
  t.push(t.builder.icmp(IntCond.eq, value, t.builder.zero(t.func.type[value])));
}

/** `ref.func`. */
export function refFunc(t: Translator): void {
  t.args.reset();
  t.args.push(t.builder.iconst32(t.reader.readU32Leb()));
  t.push(libcall(t, Libcall.ref_func));
}
