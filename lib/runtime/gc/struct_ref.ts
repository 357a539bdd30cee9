/**
 * References that are known to be to structs: the step from any reference's bits to those of a struct, checked and unchecked, and back
 * (SEEDS 1.1 to 1.8).
 *
 * Only TypeScript knows the difference: the bits are the same, so the way up is free, and the way down looks at the object's header. An unchecked
 * step that is wrong makes nonsense of the object's fields and leaves nothing else harmed: objects are read through bounds (DATA-1).
 */

import { GcKind } from "../../abi/mod.ts";
import { bug, type Id } from "../../base/mod.ts";
import type { GcHeap } from "./heap.ts";

/** The bits of a reference to a struct; usable wherever bits of any reference are. */
export type VMStructRef = Id<"structref">;

/** Whether bits refer to a struct: not null, no unboxed scalar, and an object of that kind. */
export function isStructRef(gc: GcHeap, bits: number): bits is VMStructRef {
  return bits !== 0 && (bits & 1) === 0 && gc.kindOf(bits >>> 0) === GcKind.struct;
}

/** The bits as those of a struct, undefined if they are of something else. */
export function asStructRef(gc: GcHeap, bits: number): VMStructRef | undefined {
  return isStructRef(gc, bits) ? bits : undefined;
}

/** As {@linkcode asStructRef}, but gives what was no struct back. */
export function intoStructRef(
  gc: GcHeap,
  bits: number,
): { readonly struct: VMStructRef } | { readonly other: number } {
  return isStructRef(gc, bits) ? { struct: bits } : { other: bits };
}

/** The bits as those of a struct, on the caller's word. */
export function asStructRefUnchecked(bits: number): VMStructRef {
  if (bits & 1) bug("an unboxed scalar is taken for a struct");
  return bits as VMStructRef;
}
