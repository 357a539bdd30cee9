import type { ShapeCounts } from "../../../lib/abi/mod.ts";

/** What a module has that has nothing. */
export const NO_COUNTS: ShapeCounts = {
  importedMemories: 0,
  importedFunctions: 0,
  importedTables: 0,
  importedGlobals: 0,
  importedTags: 0,
  definedMemories: 0,
  ownedMemories: 0,
  definedTables: 0,
  definedGlobals: 0,
  definedTags: 0,
  escapedFunctions: 0,
};
