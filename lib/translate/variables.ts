/**
 * Lowering of locals and globals.
 *
 * Locals are variables of the SSA builder. Globals live in their definition record; immutable ones whose initial value is a constant are
 * that constant.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { VMGlobalDefinition } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { F32, F64, Ir, REF, type Type, type Value } from "../ir/mod.ts";
import { storeRef } from "./gc_heap.ts";
import { fieldBase, fieldDisp } from "./places.ts";
import type { Translator } from "./translator.ts";

/** `local.get`. */
export function localGet(t: Translator): void {
  t.push(t.builder.use(t.reader.readU32Leb()));
}

/** `local.set`. */
export function localSet(t: Translator): void {
  t.builder.def(t.reader.readU32Leb(), t.pop());
}

/** `local.tee`. */
export function localTee(t: Translator): void {
  t.builder.def(t.reader.readU32Leb(), t.stack.at(t.stack.length - 1) as Value);
}

/** `global.get`. */
export function globalGet(t: Translator): void {
  const { builder, environment } = t;
  const index = t.reader.readU32Leb();
  const type = environment.globalType[index];
  if (environment.globalIsConstant[index] === 1) {
    t.push(constant(t, type, environment.globalLo[index], environment.globalHi[index]));
    return;
  }
  const base = fieldBase(t, environment.globals, index);
  const disp = fieldDisp(environment.globals, index, VMGlobalDefinition.offsets.value);
  t.push(builder.load(Ir.load, type, base, NONE, disp, environment.globalFlags[index]));
}

/** `global.set`. */
export function globalSet(t: Translator): void {
  const { builder, environment } = t;
  const index = t.reader.readU32Leb();
  const value = t.pop();
  const base = fieldBase(t, environment.globals, index);
  const disp = fieldDisp(environment.globals, index, VMGlobalDefinition.offsets.value);
  const flags = environment.globalFlags[index];
  if (environment.globalType[index] === REF) storeRef(t, base, NONE, value, disp, flags);
  else builder.store(Ir.store, base, NONE, value, disp, flags);
}

/** A constant of the given type by its bits. */
function constant(t: Translator, type: Type, lo: number, hi: number): Value {
  switch (type) {
    case F32:
      return t.builder.fconst32(lo);
    case F64:
      return t.builder.fconst64(lo, hi);
    default:
      return t.builder.iconst(type, lo, hi);
  }
}
