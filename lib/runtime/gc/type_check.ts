/**
 * Whether the bits of a reference may stand where a type is asked for: the check that a debug build makes at every store (SEEDS 1.25), and the
 * heap verifier of every reference that it finds.
 */

import { GcKind } from "../../abi/mod.ts";
import {
  HEAP_ANY,
  HEAP_CONT,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_I31,
  type HeapType,
  heapType,
  isNullable,
  type TypeRegistry,
  type ValType,
} from "../../wasm/mod.ts";

/** What is asked of a heap: the headers of its objects. */
export interface ObjectHeaders {
  readonly types: { readonly registry: TypeRegistry };
  kindOf(reference: number): number;
  typeIdOf(reference: number): number;
}

/** Whether the bits, null or of an object that exists, are of a reference type with canonical ids. */
export function referenceMatches(gc: ObjectHeaders, bits: number, type: ValType): boolean {
  if (bits === 0) return isNullable(type);
  const wanted = heapType(type);
  const actual = bits & 1 ? HEAP_I31 : headerType(gc, bits >>> 0);
  // External references are those of the any hierarchy, and the other way round (GC-2).
  if (wanted === HEAP_EXTERN || wanted === HEAP_ANY) return actual !== HEAP_EXN && actual !== HEAP_CONT;
  // What a suspended continuation may be resumed with is not in its header (CONT-D).
  if (actual === HEAP_CONT) return gc.types.registry.topOf(wanted) === HEAP_CONT;
  return gc.types.registry.isHeapSubtype(actual, wanted);
}

/** The heap type that an object's header tells. */
function headerType(gc: ObjectHeaders, reference: number): HeapType {
  switch (gc.kindOf(reference)) {
    case GcKind.extern:
      return HEAP_EXTERN;
    case GcKind.exn:
      return HEAP_EXN;
    case GcKind.cont:
      return HEAP_CONT;
    default:
      return gc.typeIdOf(reference);
  }
}
