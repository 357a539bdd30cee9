/**
 * The value area, through which a guest and the runtime pass values that a runtime call has no registers for: payloads of exceptions, what
 * travels with a switch of stacks. Value k is in slot k.
 *
 * AREA-T1  It is written last before the call, and read first thing behind it or at a landing pad: nothing in it survives code of others (AREA-1).
 *
 * May import: base, wasm, abi, ir. @module
 */

import { AREA_SLOT_BYTES, VMRecord } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { ADDR, Ir, type Value } from "../ir/mod.ts";
import { loadRecord, RECORD_FIELD } from "./handlers.ts";
import type { Translator } from "./translator.ts";

function area(t: Translator): Value {
  return loadRecord(t, VMRecord.offsets.area, ADDR);
}

/** Pops `count` values and stores them to the area. */
export function popToArea(t: Translator, count: number): void {
  const { builder, stack } = t;
  const first = stack.length - count;
  if (count > 0) {
    const slots = area(t);
    for (let k = 0; k < count; k++) {
      builder.store(Ir.store, slots, NONE, stack.at(first + k) as Value, k * AREA_SLOT_BYTES, RECORD_FIELD);
    }
  }
  stack.length = first;
}

/** Pushes values of the types out of the area. */
export function pushFromArea(t: Translator, types: Uint8Array): void {
  if (types.length === 0) return;
  const slots = area(t);
  for (let k = 0; k < types.length; k++) {
    t.push(t.builder.load(Ir.load, types[k], slots, NONE, k * AREA_SLOT_BYTES, RECORD_FIELD));
  }
}
