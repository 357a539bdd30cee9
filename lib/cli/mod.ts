/**
 * The command line program: `run`, `compile`, `objdump`, `cache`, `print`, `parse`, `wast`.
 *
 * May import: any layer below.
 *
 * CLI-1  Options, help and parsing derive from one table (options.ts).
 * CLI-2  Whatever a user can get wrong is one clear line on standard error and exit code 1 or 2; a trap is 134; a guest's own code passes.
 *
 * @module
 */
export { main } from "./main.ts";
