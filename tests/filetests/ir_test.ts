/** Filetests of translation: the IR of every function of a module, verified, parsed back, printed. */

import { assertEquals } from "@std/assert";
import { shapeOf } from "../../lib/abi/mod.ts";
import { FuncBuilder, parseFunc, printFunc, verifyFunc } from "../../lib/ir/mod.ts";
import { TranslateEnvironment, translateFunction, Translator } from "../../lib/translate/mod.ts";
import { COMPILED_FEATURES, decodeModule, validateModule } from "../../lib/wasm/mod.ts";
import { registerFileTests } from "./filetest.ts";

registerFileTests("ir", ["bounds", "sites"], ({ name, options, bytes }) => {
  const module = decodeModule(bytes, COMPILED_FEATURES);
  validateModule(module);
  const bounds = options.get("bounds") === "explicit" ? "explicit" : "guard";
  const environment = new TranslateEnvironment(module, shapeOf(module).shape, { bounds });
  const builder = new FuncBuilder();
  const scratch = new Translator();
  const sites = options.get("sites") === "show" ? "show" : "hide";
  return module.bodies.map((_, index) => {
    const func = translateFunction(environment, index, builder, scratch);
    verifyFunc(func, name);
    // Where branches leave the order of blocks open, the search follows the order they stand in, which printing renews: the text of what
    // was parsed is the one that must come back.
    const printed = printFunc(parseFunc(printFunc(func)));
    assertEquals(printFunc(parseFunc(printed)), printed, "the text parses back to itself");
    return printFunc(func, { sites });
  }).join("\n");
});
