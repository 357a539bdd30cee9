import { assertEquals } from "@std/assert";
import { NONE } from "../../../lib/base/mod.ts";
import { wat } from "../../wat.ts";
import { makeModule, makeStore } from "./stores.ts";

function images(text: string): [images: (number[] | undefined)[], count: number] {
  using store = makeStore();
  const { tableImages, imagedSegments } = makeModule(store, wat(text));
  return [Array.from(tableImages, (image) => image && [...image]), imagedSegments];
}

Deno.test("ModuleState.tableImages overlays constant segments in order", () => {
  const text = `(module (table 6 funcref) (func $a) (func $b)
    (elem (i32.const 1) $a $a $a) (elem (i32.const 2) $b) (elem (i32.const 5) func))`;
  assertEquals(images(text), [[[NONE, 0, 1, 0, NONE]], 3]);
});

Deno.test("ModuleState.tableImages ends at the first segment that may trap or is not constant", () => {
  const segments = (second: string) =>
    `(module (import "m" "g" (global i32)) (table 3 funcref) (func $a)
    (elem (i32.const 0) $a) ${second} (elem (i32.const 1) $a))`;
  assertEquals(images(segments("(elem (i32.const 3) $a)")), [[[0]], 1]);
  assertEquals(images(segments("(elem (global.get 0) $a)")), [[[0]], 1]);
  assertEquals(images(segments("(elem func $a)")), [[[0, 0]], 3]);
  assertEquals(images(segments("(elem (i32.const 2) funcref (ref.null func))")), [[[0, 0, NONE]], 3]);
});

Deno.test("ModuleState.tableImages leaves imported tables alone", () => {
  assertEquals(images(`(module (import "m" "t" (table 3 funcref)) (func $a) (elem (i32.const 0) $a))`), [[], 0]);
});
