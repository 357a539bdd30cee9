import { assertEquals, assertThrows } from "@std/assert";
import { SourceMap } from "../../../lib/symbols/mod.ts";

Deno.test("find() gives the place of the last segment that is not after the offset", () => {
  const map = new SourceMap(JSON.stringify({
    version: 3,
    sourceRoot: "src",
    sources: ["a.ts", "/b.ts", null],
    names: ["f"],
    // 8: a.ts 1:1; 12: /b.ts 3:5 as f; 20: nothing; 24: the source without a name
    mappings: "QAAA,ICEIA,Q,ICAA",
  }));
  assertEquals(map.find(7), undefined);
  assertEquals(map.find(8), { name: undefined, file: "src/a.ts", line: 1, column: 1 });
  assertEquals(map.find(11)?.file, "src/a.ts");
  assertEquals(map.find(12), { name: "f", file: "/b.ts", line: 3, column: 5 });
  assertEquals(map.find(20), undefined);
  assertEquals(map.find(1000), undefined);
});

Deno.test("SourceMap refuses what is no source map, with a SyntaxError", () => {
  const texts = ["", "1", "null", "{}", `{"version":3}`, `{"version":2,"sources":[],"mappings":""}`];
  for (
    const text of [
      ...texts,
      `{"version":3,"sources":[],"mappings":"?"}`,
      `{"version":3,"sources":[],"mappings":"gggggggggg"}`,
    ]
  ) {
    assertThrows(() => new SourceMap(text), SyntaxError);
  }
  const guarded = new SourceMap(`)]}'\n{"version":3,"sources":["x"],"mappings":"AAAA"}`);
  assertEquals(guarded.find(0)?.file, "x");
});
