/**
 * The command line: `deno run -A cli.ts module.wasm`.
 *
 * @module
 */
import { main } from "./lib/cli/mod.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
