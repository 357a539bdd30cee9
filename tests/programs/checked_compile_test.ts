/** Every function of every real program compiles with the IR verifier and the allocation checker on. */

import { assertEquals } from "@std/assert";
import { Engine, Module } from "../../mod.ts";
import { sharedRoot } from "../testdata.ts";

const SHARED = sharedRoot();

/** Modules that need what is not compiled. */
const NOT_YET = ["blake3-simd", "splay", "kotlin-richards", "cm-online-stats"];
/** Modules large and varied enough to compile in the other modes as well. */
const ALL_MODES = ["bz2/benchmark.wasm", "shootout/shootout-switch.wasm", "pulldown-cmark/benchmark.wasm"];

function modules(root: string): string[] {
  return [...Deno.readDirSync(`${root}/programs`)].filter(({ name }) => !NOT_YET.includes(name)).flatMap(({ name }) =>
    [...Deno.readDirSync(`${root}/programs/${name}`)].filter((entry) => entry.name.endsWith(".wasm")).map((entry) =>
      `${name}/${entry.name}`
    )
  ).sort();
}

Deno.test({
  name: "every function of every real program passes the checkers",
  ignore: SHARED === undefined,
  fn() {
    const paths = modules(SHARED!);
    assertEquals(paths.length, 22);
    for (const bounds of ["guard", "explicit"] as const) {
      for (const effort of ["speed", "none"] as const) {
        using engine = new Engine({ bounds, effort, checks: "on" });
        const isMain = bounds === "guard" && effort === "speed";
        for (const path of isMain ? paths : ALL_MODES) {
          // A finding of a checker is an exception here.
          new Module(engine, Deno.readFileSync(`${SHARED}/programs/${path}`))[Symbol.dispose]();
        }
      }
    }
  },
});
