/**
 * The one file that reaches the readers of debugging information: `mod.ts` of the project loads it. The command line does without, and
 * loads the readers when a guest has ended badly, since every source file makes the start longer.
 */

import { useSymbolReaders } from "../runtime/mod.ts";
import { demangle, Dwarf, SourceMap } from "../symbols/mod.ts";

useSymbolReaders({ demangle, Dwarf, SourceMap });
