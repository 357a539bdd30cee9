/** The project's own parser against wabt's on every text of the tests that wabt knows: the same sections, names aside. */

import { assertEquals } from "@std/assert";
import initWabt from "npm:wabt@1.0.39";
import { parseModule } from "../../../lib/text/mod.ts";
import { filesBelow } from "../../testdata.ts";

const FEATURES = {
  multi_value: true,
  mutable_globals: true,
  bulk_memory: true,
  reference_types: true,
  extended_const: true,
  simd: true,
  tail_call: true,
  sat_float_to_int: true,
  sign_extension: true,
  threads: true,
  multi_memory: true,
  memory64: true,
};

// deno-lint-ignore no-explicit-any -- the package brings no types
const wabt = await (initWabt as any)();

/** The binary by wabt; undefined: it uses what wabt does not know. */
function byWabt(text: string): Uint8Array | undefined {
  let module;
  try {
    module = wabt.parseWat("test.wat", text, FEATURES);
  } catch {
    return undefined;
  }
  try {
    module.resolveNames();
    return new Uint8Array(module.toBinary({ write_debug_names: false }).buffer);
  } finally {
    module.destroy();
  }
}

Deno.test("parseModule() gives the same bytes as wabt", () => {
  let compared = 0;
  for (const path of filesBelow(new URL("../../", import.meta.url).pathname.replace(/\/$/, ""), ".wat")) {
    const text = Deno.readTextFileSync(path);
    const theirs = byWabt(text);
    if (theirs === undefined) continue;
    assertEquals(parseModule(text, { names: "drop" }).toHex(), theirs.toHex(), path);
    compared++;
  }
  assertEquals(compared >= 15, true, `${compared} texts compared`);
});
