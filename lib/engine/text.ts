/**
 * The one file that reaches the text format: `mod.ts` of the project loads it; an entry that takes binary modules only, as the command
 * line does until it meets a text, leaves it out, since every source file makes the start longer.
 */

import { parseModule } from "../text/mod.ts";
import { useTextParser } from "./module.ts";

useTextParser(parseModule);

export { TextError } from "../text/mod.ts";
