/**
 * VMShape: where everything of an instance lies in its VMContext (SEEDS 004), computed once per module.
 *
 * Order of the arrays: imported memories, memory pointers, owned memories, imported functions, tables, globals, tags; tables, then
 * 16-byte aligned globals, tags, func_refs. Memories come first: the hottest data gets 8-bit displacements.
 *
 * Globals are packed by size, vectors first, then 8-byte values, then 4-byte ones, so that each is aligned and none is padded.
 */

import { bug } from "../base/mod.ts";
import { alignUp } from "./layout.ts";
import {
  VMContextHead,
  VMFuncRef,
  VMFunctionImport,
  VMGlobalDefinition,
  VMGlobalImport,
  VMMemoryDefinition,
  VMMemoryImport,
  VMTableDefinition,
  VMTableImport,
  VMTagDefinition,
  VMTagImport,
} from "./vm_structs.ts";

/** The counts a shape derives from. */
export interface ShapeCounts {
  readonly importedMemories: number;
  readonly importedFunctions: number;
  readonly importedTables: number;
  readonly importedGlobals: number;
  readonly importedTags: number;
  readonly definedMemories: number;
  /** Defined memories that are not shared. */
  readonly ownedMemories: number;
  readonly definedTables: number;
  readonly definedGlobals: number;
  readonly definedTags: number;
  /** Functions whose reference can be taken: exported, in element segments, or named by ref.func. */
  readonly escapedFunctions: number;
}

const ARRAYS = [
  ["importedMemories", "importedMemories", VMMemoryImport.sizeBytes, 8],
  ["memoryPointers", "definedMemories", 8, 8],
  ["ownedMemories", "ownedMemories", VMMemoryDefinition.sizeBytes, 8],
  ["importedFunctions", "importedFunctions", VMFunctionImport.sizeBytes, 8],
  ["importedTables", "importedTables", VMTableImport.sizeBytes, 8],
  ["importedGlobals", "importedGlobals", VMGlobalImport.sizeBytes, 8],
  ["importedTags", "importedTags", VMTagImport.sizeBytes, 8],
  ["tables", "definedTables", VMTableDefinition.sizeBytes, 8],
  ["globals", "definedGlobals", VMGlobalDefinition.sizeBytes, 16],
  ["tags", "definedTags", VMTagDefinition.sizeBytes, 8],
  ["funcRefs", "escapedFunctions", VMFuncRef.sizeBytes, 8],
] as const satisfies readonly (readonly [string, keyof ShapeCounts, number, number])[];

/** The name of an array inside a VMContext. */
export type ShapeArray = typeof ARRAYS[number][0];

/** Offsets of every array and element of a module's VMContexts. */
export class VMShape {
  readonly counts: ShapeCounts;
  /** Size of the whole VMContext in bytes. */
  readonly sizeBytes: number;
  readonly #begin: Record<ShapeArray, number>;
  /** Offset of each defined global from the first. */
  readonly #globals: Int32Array;

  /** `globalSizes`: bytes of each defined global, 4, 8 or 16; all 16 when left out. */
  constructor(counts: ShapeCounts, globalSizes: Uint8Array = new Uint8Array(counts.definedGlobals).fill(16)) {
    checkCounts(counts);
    if (globalSizes.length !== counts.definedGlobals) bug("VMShape: not one size for each global");
    this.counts = counts;
    this.#globals = new Int32Array(counts.definedGlobals);
    const globalsBytes = packGlobals(globalSizes, this.#globals);
    const begin: Partial<Record<ShapeArray, number>> = {};
    let offset = VMContextHead.sizeBytes;
    for (const [array, count, sizeBytes, alignBytes] of ARRAYS) {
      offset = alignUp(offset, alignBytes);
      begin[array] = offset;
      offset += array === "globals" ? globalsBytes : counts[count] * sizeBytes;
      if (!(offset < 2 ** 31)) bug(`VMContext too large at ${array}`);
    }
    this.#begin = begin as Record<ShapeArray, number>;
    this.sizeBytes = alignUp(offset, 16);
  }

  /** Offset of the first element of `array`. */
  begin(array: ShapeArray): number {
    return this.#begin[array];
  }

  /** VMMemoryImport of imported memory `index`. */
  memoryImport(index: number): number {
    return this.#element(0, index);
  }
  /** Pointer to the VMMemoryDefinition of defined memory `index`. */
  memoryPointer(index: number): number {
    return this.#element(1, index);
  }
  /** VMMemoryDefinition of owned memory `index`. */
  ownedMemory(index: number): number {
    return this.#element(2, index);
  }
  /** VMFunctionImport of imported function `index`. */
  functionImport(index: number): number {
    return this.#element(3, index);
  }
  /** VMTableImport of imported table `index`. */
  tableImport(index: number): number {
    return this.#element(4, index);
  }
  /** VMGlobalImport of imported global `index`. */
  globalImport(index: number): number {
    return this.#element(5, index);
  }
  /** VMTagImport of imported tag `index`. */
  tagImport(index: number): number {
    return this.#element(6, index);
  }
  /** VMTableDefinition of defined table `index`. */
  table(index: number): number {
    return this.#element(7, index);
  }
  /** Value of defined global `index`. */
  global(index: number): number {
    this.#check(8, index);
    return this.#begin.globals + this.#globals[index];
  }
  /** VMTagDefinition of defined tag `index`. */
  tag(index: number): number {
    return this.#element(9, index);
  }
  /** VMFuncRef number `index` of the escaped functions. */
  funcRef(index: number): number {
    return this.#element(10, index);
  }

  #element(array: number, index: number): number {
    this.#check(array, index);
    const row = ARRAYS[array];
    return this.#begin[row[0]] + index * row[2];
  }

  #check(array: number, index: number): void {
    const [name, count] = ARRAYS[array];
    if (!(Number.isInteger(index) && index >= 0 && index < this.counts[count])) {
      bug(`VMShape: no element ${index} in ${name}`);
    }
  }
}

function checkCounts(counts: ShapeCounts): void {
  for (const [name, count] of Object.entries(counts)) {
    if (!(Number.isInteger(count) && count >= 0 && count < 2 ** 31)) bug(`VMShape: ${count} ${name}`);
  }
  if (counts.ownedMemories > counts.definedMemories) bug("VMShape: more owned memories than defined ones");
}

/** Places globals by size, the largest first; returns the bytes of all. */
function packGlobals(sizes: Uint8Array, offsets: Int32Array): number {
  let offset = 0;
  for (const bytes of [16, 8, 4]) {
    for (let i = 0; i < sizes.length; i++) {
      if (sizes[i] !== bytes) continue;
      offsets[i] = offset;
      offset += bytes;
    }
  }
  return offset;
}
