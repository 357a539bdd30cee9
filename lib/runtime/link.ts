/**
 * Import matching (spec: "External Subtyping"): whether what is given fits what a module imports.
 */

import { bug } from "../base/mod.ts";
import {
  type Import,
  isRef,
  type TypeRegistry,
  type ValType,
  valTypesToString,
  valTypeToString,
  WasmError,
} from "../wasm/mod.ts";
import { FuncState } from "./func_ref.ts";
import { GlobalState } from "./global.ts";
import { MemoryState } from "./memory.ts";
import { type MemoryLimits, STANDARD_PAGE_LOG2 } from "./memory_type.ts";
import type { ModuleState } from "./module_state.ts";
import type { StoreState } from "./store_state.ts";
import { TableState } from "./table.ts";
import { TagState } from "./tag.ts";

/** Something that an instance imports or exports. */
export type ExternState = FuncState | TableState | MemoryState | GlobalState | TagState;

/** What is wrong with an import. */
export interface LinkErrorPlace {
  /** The module name that the import gives. */
  readonly module: string;
  /** The name that the import gives. */
  readonly name: string;
}

/** An import is missing or does not fit. */
export class LinkError extends WasmError {
  /** `"LinkError"`. */
  override readonly name: string = "LinkError";
  /** The import at fault, if it is one. */
  readonly import: LinkErrorPlace | undefined;

  /** Makes the error for an import, or for no one in particular. */
  constructor(reason: string, place?: LinkErrorPlace) {
    super(
      place === undefined ? reason : `import ${JSON.stringify(place.module)} ${JSON.stringify(place.name)}: ${reason}`,
    );
    this.import = place;
  }
}

/** Throws unless `given` may be import `index` of the module. @throws {LinkError} */
export function checkImport(store: StoreState, state: ModuleState, index: number, given: ExternState): void {
  const wanted = state.module.imports[index];
  if (given.store !== store) throw new LinkError(`the ${kindName(given)} belongs to another store`, wanted);
  const problem = mismatch(state, wanted, given);
  if (problem !== undefined) throw new LinkError(problem, wanted);
}

/** The text form of what an import asks for: `func [i32] -> []`. */
export function importTypeToString(state: ModuleState, { kind, index }: Import): string {
  const { module, engine: { registry } } = state;
  switch (kind) {
    case "func":
    case "tag": {
      const typeIndex = kind === "func" ? module.funcs[index] : module.tags[index].typeIndex;
      return `${kind} ${signatureToString(registry, state.typeIds[typeIndex])}`;
    }
    case "table": {
      const { element, minimum, maximum, addressType } = module.tables[index];
      return `table ${addressType === "i64" ? "i64 " : ""}${limitsToString(minimum, maximum)} ${
        valTypeToString(element)
      }`;
    }
    case "memory": {
      const { minimumPages, maximumPages, isShared, addressType } = module.memories[index];
      const address = addressType === "i64" ? "i64 " : "";
      return `${isShared ? "shared " : ""}memory ${address}${limitsToString(minimumPages, maximumPages)}`;
    }
    case "global":
      return `global ${globalToString(module.globals[index])}`;
  }
}

function mismatch(state: ModuleState, { kind, index }: Import, given: ExternState): string | undefined {
  const { module, engine: { registry } } = state;
  const wrongKind = () => `expected a ${kind}, got a ${kindName(given)}`;
  switch (kind) {
    case "func": {
      if (!(given instanceof FuncState)) return wrongKind();
      const wanted = state.typeIds[module.funcs[index]];
      const { typeId } = given.signature;
      if (module.exactFuncImports.has(index) ? typeId === wanted : registry.isSubtype(typeId, wanted)) return undefined;
      return `expected a function ${signatureToString(registry, wanted)}, got ${signatureToString(registry, typeId)}`;
    }
    case "table": {
      if (!(given instanceof TableState)) return wrongKind();
      const { element, minimum, maximum, addressType } = state.tableType(index);
      if (addressType !== given.type.addressType) {
        return `expected a table with ${addressType} indices, got one with ${given.type.addressType} indices`;
      }
      if (!isSameType(registry, given.type.element, element)) {
        return `expected a table of ${valTypeToString(element)}, got one of ${valTypeToString(given.type.element)}`;
      }
      return limitsMismatch("table", given.size, given.type.maximum, minimum, maximum);
    }
    case "memory": {
      if (!(given instanceof MemoryState)) return wrongKind();
      const wanted = module.memories[index];
      const { minimumPages, maximumPages, isShared, addressType, pageSizeLog2 } = wanted;
      const { type } = given;
      if (isShared !== type.isShared || addressType !== type.addressType || pageSizeLog2 !== type.pageSizeLog2) {
        return `expected a ${memoryKind(wanted)}, got a ${memoryKind(type)}`;
      }
      return limitsMismatch("memory", given.pages, given.maximumPages, minimumPages, maximumPages);
    }
    case "global": {
      if (!(given instanceof GlobalState)) return wrongKind();
      const wanted = state.globalType(index);
      const fits = wanted.isMutable === given.type.isMutable &&
        (wanted.isMutable
          ? isSameType(registry, given.type.type, wanted.type)
          : registry.isValSubtype(given.type.type, wanted.type));
      return fits ? undefined : `expected a global ${globalToString(wanted)}, got ${globalToString(given.type)}`;
    }
    case "tag": {
      if (!(given instanceof TagState)) return wrongKind();
      const wanted = state.typeIds[module.tags[index].typeIndex];
      return given.typeId === wanted ? undefined : `expected a tag ${signatureToString(registry, wanted)}`;
    }
  }
}

/** Type equality is subtyping both ways; canonical ids make it an integer comparison but for equivalent abstract types. */
function isSameType(registry: TypeRegistry, a: ValType, b: ValType): boolean {
  return a === b || (isRef(a) && registry.isValSubtype(a, b) && registry.isValSubtype(b, a));
}

function limitsMismatch(
  what: string,
  size: number,
  givenMaximum: number | undefined,
  minimum: number,
  maximum: number | undefined,
): string | undefined {
  if (size < minimum) return `expected a ${what} of at least ${minimum}, got one of ${size}`;
  if (maximum === undefined) return undefined;
  if (givenMaximum === undefined) return `expected a ${what} with a maximum of at most ${maximum}, got one without`;
  return givenMaximum <= maximum
    ? undefined
    : `expected a ${what} with a maximum of at most ${maximum}, got one of ${givenMaximum}`;
}

/** `shared i64 memory with pages of 1 byte` ... for messages: what is not the usual. */
function memoryKind({ isShared, addressType, pageSizeLog2 }: MemoryLimits): string {
  const kind = `${isShared ? "shared" : "unshared"} ${addressType} memory`;
  return pageSizeLog2 === STANDARD_PAGE_LOG2 ? kind : `${kind} with pages of ${2 ** pageSizeLog2} bytes`;
}

/** `func`, `table` ... for messages. */
function kindName(given: ExternState): string {
  if (given instanceof FuncState) return "func";
  if (given instanceof TableState) return "table";
  if (given instanceof MemoryState) return "memory";
  if (given instanceof GlobalState) return "global";
  if (given instanceof TagState) return "tag";
  return bug("an extern of no kind");
}

function signatureToString(registry: TypeRegistry, typeId: number): string {
  const { params, results } = registry.funcType(typeId);
  return `${valTypesToString(params)} -> ${valTypesToString(results)}`;
}

function limitsToString(minimum: number, maximum: number | undefined): string {
  return maximum === undefined ? String(minimum) : `${minimum} ${maximum}`;
}

function globalToString({ type, isMutable }: { type: ValType; isMutable: boolean }): string {
  return isMutable ? `(mut ${valTypeToString(type)})` : valTypeToString(type);
}
