/**
 * The VMContext shape of a module: the one derivation of `ShapeCounts` that compiler and runtime share.
 *
 * A defined function's VMFuncRef lives in its instance's VMContext when somebody can take a reference to it: when it is exported, stands in
 * an element segment, or is named by `ref.func`. Validation lets `ref.func` in a body name only functions that occur outside bodies (spec:
 * C.refs), so `Module.declaredFuncs` is exactly that set and no body is read here.
 *
 * May import: base, wasm. @module
 */

import { NONE } from "../base/mod.ts";
import { F64, I64, isRef, type Module, V128, type ValType } from "../wasm/mod.ts";
import { tableElementTypeOf } from "./table_layout.ts";
import { VMShape } from "./vm_shape.ts";

/** Where everything of a module's instances lies. */
export interface ModuleShape {
  /** Offsets inside the VMContext. */
  readonly shape: VMShape;
  /**
   * Number of the function's VMFuncRef among the escaped ones (`shape.funcRef`), by function index. NONE: no reference is ever taken, or
   * the function is imported: its reference is the exporter's VMFuncRef (`VMFunctionImport.handle`), so that each function has one.
   */
  readonly escaped: Int32Array;
}

/** Computes the shape of a module's VMContexts. */
export function shapeOf(module: Module): ModuleShape {
  const escaped = new Int32Array(module.funcs.length).fill(NONE);
  let escapedFunctions = 0;
  for (let index = module.importedFuncCount; index < escaped.length; index++) {
    if (module.declaredFuncs.has(index)) escaped[index] = escapedFunctions++;
  }
  const { memories, importedMemoryCount } = module;
  let ownedMemories = 0;
  for (let index = importedMemoryCount; index < memories.length; index++) {
    if (!memories[index].isShared) ownedMemories++;
  }
  const shape = new VMShape({
    importedMemories: importedMemoryCount,
    importedFunctions: module.importedFuncCount,
    importedTables: module.importedTableCount,
    importedGlobals: module.importedGlobalCount,
    importedTags: module.importedTagCount,
    definedMemories: memories.length - importedMemoryCount,
    ownedMemories,
    definedTables: module.tables.length - module.importedTableCount,
    definedGlobals: module.globals.length - module.importedGlobalCount,
    definedTags: module.tags.length - module.importedTagCount,
    escapedFunctions,
  }, globalSizes(module));
  return { shape, escaped };
}

/** Bytes of each defined global's value. */
function globalSizes({ globals, importedGlobalCount, types }: Module): Uint8Array {
  const sizes = new Uint8Array(globals.length - importedGlobalCount);
  for (let i = 0; i < sizes.length; i++) sizes[i] = globalBytesOf(globals[importedGlobalCount + i].type, types);
  return sizes;
}

/** Bytes that a global of this type takes: 4, 8 or 16. `types` are what its heap types index. */
export function globalBytesOf(type: ValType, types: readonly { readonly kind: string }[]): number {
  if (isRef(type)) return tableElementTypeOf(type, types) === "func" ? 8 : 4;
  if (type === V128) return 16;
  return type === I64 || type === F64 ? 8 : 4;
}

/** Number of a defined memory among the owned (not shared) ones, or NONE; `memoryIndex` is in the module's index space. */
export function ownedMemoryOf(module: Module, memoryIndex: number): number {
  const { memories, importedMemoryCount } = module;
  if (memoryIndex < importedMemoryCount || memories[memoryIndex].isShared) return NONE;
  let owned = 0;
  for (let index = importedMemoryCount; index < memoryIndex; index++) {
    if (!memories[index].isShared) owned++;
  }
  return owned;
}
