/** WebAssembly text to bytes, with a name section. */

export { parseModule as wat } from "../lib/text/mod.ts";
