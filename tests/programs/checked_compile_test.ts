/** Every function of every real program compiles with the IR verifier and the allocation checker on. */

import { assertEquals } from "@std/assert";
import { Engine, Module } from "../../mod.ts";
import { STRESS } from "../configurations.ts";
import { sharedRoot } from "../testdata.ts";
import { programs } from "./collection.ts";

const SHARED = sharedRoot();

/** Modules large and varied enough to compile in the other modes as well. */
const ALL_MODES = ["bz2/benchmark.wasm", "shootout/shootout-switch.wasm", "pulldown-cmark/benchmark.wasm"];

Deno.test({
  name: "every function of every real program passes the checkers",
  ignore: SHARED === undefined,
  fn() {
    const modules = programs(SHARED!).filter(({ waitsFor }) => waitsFor === undefined);
    assertEquals(modules.length, 24);
    for (const bounds of ["guard", "explicit"] as const) {
      for (const effort of ["speed", "none"] as const) {
        using engine = new Engine({ bounds, effort, checks: "on" });
        const isMain = bounds === "guard" && effort === "speed";
        for (const { folder, file, path } of modules) {
          if (!isMain && !ALL_MODES.includes(`${folder}/${file}`)) continue;
          // A finding of a checker is an exception here.
          new Module(engine, Deno.readFileSync(path))[Symbol.dispose]();
        }
      }
    }
    using stressed = new Engine({ ...STRESS, checks: "on" });
    for (const { path } of modules) new Module(stressed, Deno.readFileSync(path))[Symbol.dispose]();
  },
});
