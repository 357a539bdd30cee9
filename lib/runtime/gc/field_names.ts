/**
 * What the fields of struct types are called in a store.
 *
 * Types are canonical and have no names; modules have, in their name sections. The first module of a store that names the fields of a type
 * decides for the store. Nothing is decoded before somebody asks.
 */

import { type NameMap, NO_NAMES } from "../../wasm/mod.ts";
import type { ModuleState } from "../module_state.ts";

/** The field names of one type. */
export interface FieldNameTable {
  readonly byIndex: NameMap;
  /** Of two fields with one name, the first has it. */
  readonly byName: ReadonlyMap<string, number>;
}

const NONE_NAMED: FieldNameTable = { byIndex: NO_NAMES, byName: new Map() };

/** Makes a table of names by field. */
export function fieldNameTable(byIndex: NameMap): FieldNameTable {
  if (byIndex.size === 0) return NONE_NAMED;
  const byName = new Map<string, number>();
  for (const [index, name] of byIndex) if (!byName.has(name)) byName.set(name, index);
  return { byIndex, byName };
}

/** Field names by canonical type id. */
export class FieldNames {
  readonly #tables = new Map<number, FieldNameTable>();
  /** Modules whose names nobody has asked for yet. */
  readonly #modules: ModuleState[] = [];

  /** Tells that the store has an instance of a module. */
  addModule(module: ModuleState): void {
    this.#modules.push(module);
  }

  /** Names the fields of a type, unless it has names. */
  add(typeId: number, names: FieldNameTable): void {
    if (names.byIndex.size !== 0 && this.of(typeId) === NONE_NAMED) this.#tables.set(typeId, names);
  }

  /** The names of a struct type's fields. */
  of(typeId: number): FieldNameTable {
    for (const { module, typeIds } of this.#modules.splice(0)) {
      module.types.forEach(({ kind }, index) => {
        if (kind !== "struct" || this.#tables.has(typeIds[index])) return;
        const names = module.names.fields(index);
        if (names.size !== 0) this.#tables.set(typeIds[index], fieldNameTable(names));
      });
    }
    return this.#tables.get(typeId) ?? NONE_NAMED;
  }

  /** Forgets everything. */
  clear(): void {
    this.#tables.clear();
    this.#modules.length = 0;
  }
}
