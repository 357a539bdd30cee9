/** From what instances import and export to the objects of the API, and back. */

import { bug } from "../base/mod.ts";
import {
  type ExternState,
  FuncState,
  funcStateOf,
  GlobalState,
  MemoryState,
  TableState,
  TagState,
} from "../runtime/mod.ts";
import { type Global, globalOf, wrapGlobal } from "./global.ts";
import { type Memory, memoryOf, wrapMemory } from "./memory.ts";
import { type Table, tableOf, wrapTable } from "./table.ts";
import { type Tag, tagOf, wrapTag } from "./tag.ts";
import type { AddressType, ExportedFunction } from "./values.ts";

/** What an instance exports. */
export type ExportValue = ExportedFunction | Memory<AddressType> | Table<AddressType> | Global | Tag;

/** The API's object for something of a store. */
export function wrapExtern(state: ExternState): ExportValue {
  if (state instanceof FuncState) return state.callable;
  if (state instanceof MemoryState) return wrapMemory(state);
  if (state instanceof TableState) return wrapTable(state);
  if (state instanceof GlobalState) return wrapGlobal(state);
  if (state instanceof TagState) return wrapTag(state);
  return bug("an extern of no kind");
}

/** What an object of the API stands for, undefined for anything else. */
export function unwrapExtern(value: unknown): ExternState | undefined {
  return funcStateOf(value) ?? memoryOf(value) ?? tableOf(value) ?? globalOf(value) ?? tagOf(value);
}
