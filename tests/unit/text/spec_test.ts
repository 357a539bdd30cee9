/** Every text module of the specification test suite: malformed ones are refused, all others become the bytes that the suite has. */

import { assertEquals } from "@std/assert";
import { parseModule, TextError } from "../../../lib/text/mod.ts";
import { CompileError, decodeModule, validateModule, WASM3_FEATURES } from "../../../lib/wasm/mod.ts";
import { filesBelow, sharedRoot } from "../../testdata.ts";

interface Command {
  readonly type: string;
  readonly line: number;
  readonly filename?: string;
  readonly binary_filename?: string;
  readonly text?: string;
}

const SHARED = sharedRoot();

/** Text modules that must be refused, and those that are not malformed. */
const MALFORMED = 1_297;
const WELL_FORMED = 15;

Deno.test({
  name: "parseModule() refuses every malformed text of the specification test suite and translates all others",
  ignore: SHARED === undefined,
  fn() {
    let refused = 0;
    let translated = 0;
    const wrong: string[] = [];
    for (const path of filesBelow(`${SHARED}/spec`, "commands.json")) {
      const folder = path.slice(0, -"commands.json".length);
      const { commands } = JSON.parse(Deno.readTextFileSync(path)) as { commands: Command[] };
      for (const { type, line, filename, binary_filename, text } of commands) {
        if (filename === undefined || !filename.endsWith(".wat")) continue;
        const source = Deno.readFileSync(folder + filename);
        try {
          const bytes = parseModule(source);
          if (type.startsWith("assert_malformed")) {
            // Scripts of older editions call malformed what is invalid by now.
            validateModule(decodeModule(bytes, WASM3_FEATURES));
            wrong.push(`${folder}:${line}: accepted, expected: ${text}`);
          } else if (binary_filename !== undefined) {
            assertEquals(bytes.toHex(), Deno.readFileSync(folder + binary_filename).toHex(), `${folder}:${line}`);
            translated++;
          }
        } catch (error) {
          const isRefusal = error instanceof TextError || error instanceof CompileError;
          if (isRefusal && type.startsWith("assert_malformed")) refused++;
          else wrong.push(`${folder}:${line}: ${type}: ${error}`);
        }
      }
    }
    assertEquals(wrong, []);
    assertEquals({ refused, translated }, { refused: MALFORMED, translated: WELL_FORMED });
  },
});
