/**
 * A decoded module: plain data, written by the decoder only.
 *
 * Index spaces start with the imports, as in the specification: `funcs[i]`, `tables[i]`, `memories[i]`, `globals[i]` and
 * `tags[i]` cover imported and defined entities alike, `importedXCount` says where the defined ones start. Function bodies
 * and data stay in `bytes`; bodies are validated and compiled straight from there.
 *
 * MODULE-1  `bytes` is not changed while the module lives.
 *
 * May import: base. @module
 */
import { type BitSet, bug } from "../base/mod.ts";
import type { ConstExpr } from "./const_expr.ts";
import type { FeatureSet } from "./features.ts";
import type { NameSection } from "./names.ts";
import type { TypeRegistry } from "./type_registry.ts";
import type { ContType, DefinedType, FuncType, ValType } from "./types.ts";

/** What can be imported and exported. */
export type ExternKind = "func" | "table" | "memory" | "global" | "tag";

/** The kinds in the order of their binary codes. */
export const EXTERN_KINDS: readonly ExternKind[] = ["func", "table", "memory", "global", "tag"];

/** An import; its type is at `index` of its kind's index space. */
export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  /** The index of the imported entity in its kind's index space. */
  readonly index: number;
}

/** An export. */
export interface Export {
  readonly name: string;
  readonly kind: ExternKind;
  readonly index: number;
}

/** A table: its type, and the initial value of its elements when it has one. */
export interface Table {
  readonly element: ValType;
  readonly minimum: number;
  /** Undefined: no declared maximum. 64-bit limits above 2^53 are rounded: no table gets near. */
  readonly maximum: number | undefined;
  readonly addressType: "i32" | "i64";
  /** Undefined: null. */
  readonly init: ConstExpr | undefined;
}

/** A memory's type. */
export interface Memory {
  readonly minimumPages: number;
  readonly maximumPages: number | undefined;
  readonly addressType: "i32" | "i64";
  readonly isShared: boolean;
  /** The size of a page, as a power of two: 16, or 0 (spec: custom page sizes). */
  readonly pageSizeLog2: number;
}

/** A global: its type and, when it is not imported, its initial value. */
export interface Global {
  readonly type: ValType;
  readonly isMutable: boolean;
  readonly init: ConstExpr | undefined;
}

/** A tag: the index of its function type. */
export interface Tag {
  readonly typeIndex: number;
}

/** An element segment. */
export interface ElementSegment {
  readonly mode: "active" | "passive" | "declared";
  /** The table of an active segment, else 0. */
  readonly tableIndex: number;
  /** Where an active segment goes. */
  readonly offset: ConstExpr | undefined;
  readonly type: ValType;
  /** The number of elements. */
  readonly length: number;
  /** The elements as function indices, NONE for null; undefined when some need evaluation. */
  readonly funcs: Int32Array | undefined;
  /** The elements as expressions; undefined exactly when `funcs` is not. */
  readonly exprs: readonly ConstExpr[] | undefined;
  readonly offsetBytes: number;
}

/** A data segment; its bytes are `module.bytes` from `start` to `end`. */
export interface DataSegment {
  readonly mode: "active" | "passive";
  /** The memory of an active segment, else 0. */
  readonly memoryIndex: number;
  /** Where an active segment goes. */
  readonly offset: ConstExpr | undefined;
  readonly start: number;
  readonly end: number;
  readonly offsetBytes: number;
}

/** A function body: `module.bytes` from `start` (its local declarations) to `end`. */
export interface Body {
  readonly start: number;
  readonly end: number;
}

/** A custom section; its content is `module.bytes` from `start` to `end`. */
export interface CustomSection {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Where definitions that are not kept with their place start in the module's bytes, for error messages. */
export interface DefinitionOffsets {
  readonly types: Int32Array;
  readonly tables: Int32Array;
  readonly memories: Int32Array;
  readonly tags: Int32Array;
  readonly exports: Int32Array;
  readonly start: number;
}

/** A decoded module. */
export interface Module {
  /** The module's bytes (MODULE-1). */
  readonly bytes: Uint8Array;
  /** What the module was allowed to use. */
  readonly features: FeatureSet;
  /** What its sections use; bodies are not included (see required_feature.ts). */
  readonly usedFeatures: FeatureSet;
  readonly types: readonly DefinedType[];
  /** Canonical ids of the types in `registry`, the module's own. */
  readonly typeIds: Int32Array;
  readonly registry: TypeRegistry;
  readonly imports: readonly Import[];
  /** The type index of each function. */
  readonly funcs: Int32Array;
  readonly importedFuncCount: number;
  /** The imported functions whose type must be the given one exactly, not one below it. */
  readonly exactFuncImports: BitSet;
  readonly tables: readonly Table[];
  readonly importedTableCount: number;
  readonly memories: readonly Memory[];
  readonly importedMemoryCount: number;
  readonly globals: readonly Global[];
  readonly importedGlobalCount: number;
  readonly tags: readonly Tag[];
  readonly importedTagCount: number;
  readonly exports: readonly Export[];
  /** The function to call at instantiation, or NONE. */
  readonly start: number;
  readonly elements: readonly ElementSegment[];
  readonly datas: readonly DataSegment[];
  /** The number in the data count section, or NONE. */
  readonly dataCount: number;
  /** The bodies of the functions that are not imported. */
  readonly bodies: readonly Body[];
  /** The functions that occur outside bodies: those that `ref.func` in a body may name (spec: C.refs). */
  readonly declaredFuncs: BitSet;
  readonly customSections: readonly CustomSection[];
  readonly offsets: DefinitionOffsets;
  /** Names of the name section, decoded when asked for. */
  readonly names: NameSection;
}

/** The type of a function. */
export function funcTypeOf(module: Module, funcIndex: number): FuncType {
  return funcTypeAt(module, module.funcs[funcIndex]);
}

/** The function type at a type index. */
export function funcTypeAt(module: Module, typeIndex: number): FuncType {
  const type = module.types[typeIndex];
  return type?.kind === "func" ? type : bug(`type ${typeIndex} is not a function type`);
}

/** Whether a function is known to be of its type exactly: all but those that an import may supply with a subtype. */
export function isExactFunc(module: Module, funcIndex: number): boolean {
  const { importedFuncCount, exactFuncImports } = module;
  if (funcIndex >= importedFuncCount) return true;
  return exactFuncImports.has(funcIndex);
}

/** The continuation type at a type index. */
export function contTypeAt(module: Module, typeIndex: number): ContType {
  const type = module.types[typeIndex];
  return type?.kind === "cont" ? type : bug(`type ${typeIndex} is not a continuation type`);
}

/** The function index of a defined function. */
export function funcIndexOf(module: Module, definedFuncIndex: number): number {
  return module.importedFuncCount + definedFuncIndex;
}
