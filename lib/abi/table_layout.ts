/**
 * How elements of tables are stored, once for compiled code, runtime and embedder (SEEDS 003).
 *
 * | element | bytes | null | what else                                                             |
 * | ------- | ----- | ---- | --------------------------------------------------------------------- |
 * | func    | 8     | 1    | lazy tables: 0 not initialised yet, address of the VMFuncRef + 1      |
 * |         |       | 0    | eager tables: the address                                             |
 * | gcref   | 4     | 0    | a reference                                                           |
 * | cont    | 16    | 0    | the continuation's reference; the other 12 bytes stay zero            |
 *
 * Whether function tables are lazy is one choice for an engine, recorded in its artifacts. In either way zeroed memory is a table of nulls,
 * or for a lazy table one that is not initialised, so a table of any size is ready at once.
 *
 * May import: base, wasm.
 */

import { HEAP_CONT, HEAP_FUNC, HEAP_NOCONT, HEAP_NOFUNC, type HeapType, heapType, type ValType } from "../wasm/mod.ts";
import { FUNCREF_INIT_BIT } from "./vm_structs.ts";

/** What elements are stored as (SEEDS 3.1). */
export type TableElementType = "func" | "gcref" | "cont";

/** Whether function tables are initialised element by element when first read, or as a whole at instantiation. */
export type TableMode = "lazy" | "eager";

/** Bytes of an element (SEEDS 3.2); all are powers of two. */
export const TABLE_ELEMENT_BYTES: Readonly<Record<TableElementType, number>> = { func: 8, gcref: 4, cont: 16 };

/** What a pool reserves for each element; a table of continuations gets fewer of them out of the same slot (SEEDS 3.6). */
export const NOMINAL_TABLE_ELEMENT_BYTES = 8;

/** Size of the tag by table mode: what is added to a VMFuncRef's address, or to 0 for null, in an element. */
export const FUNC_ELEMENT_TAG: Readonly<Record<TableMode, number>> = { lazy: FUNCREF_INIT_BIT, eager: 0 };

const OF_HEAP: ReadonlyMap<HeapType, TableElementType> = new Map([
  [HEAP_FUNC, "func"],
  [HEAP_NOFUNC, "func"],
  [HEAP_CONT, "cont"],
  [HEAP_NOCONT, "cont"],
]);

/** How a table of this element type stores its elements: by the top of the type (SEEDS 3.10). `types` are what its heap types index. */
export function tableElementTypeOf(element: ValType, types: readonly { readonly kind: string }[]): TableElementType {
  const heap = heapType(element);
  if (heap < 0) return OF_HEAP.get(heap) ?? "gcref";
  const { kind } = types[heap];
  return kind === "func" || kind === "cont" ? kind : "gcref";
}

/** A funcref, 0 for null, as an element (SEEDS 3.4). */
export function funcElement(address: number, mode: TableMode): number {
  return address + FUNC_ELEMENT_TAG[mode];
}

/** The funcref that an element holds; undefined for one that is not initialised. */
export function funcOfElement(element: number, mode: TableMode): number | undefined {
  return mode === "lazy" && element === 0 ? undefined : element - FUNC_ELEMENT_TAG[mode];
}
