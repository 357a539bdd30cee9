/**
 * Runtime calls about garbage-collected objects.
 */

import type { LibcallName } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";

/** Those of the table in `lib/abi/libcalls.ts` that this file serves. */
export type GcLibcallName = Extract<
  LibcallName,
  `struct_${string}` | `array_${string}` | "func_intern" | "type_is_subtype"
>;

const notYet = () => bug("the store has no heap");

/** Handlers by name. */
export const GC_HANDLERS: Record<GcLibcallName, () => void> = {
  struct_new: notYet,
  array_new: notYet,
  array_new_data: notYet,
  array_new_elem: notYet,
  array_fill: notYet,
  array_fill_ref: notYet,
  array_copy: notYet,
  array_init_data: notYet,
  array_init_elem: notYet,
  func_intern: notYet,
  type_is_subtype: notYet,
};
