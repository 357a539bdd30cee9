import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { HandleTable } from "../../../lib/runtime/mod.ts";

Deno.test("HandleTable.handleOf() gives one handle for each value, 0 for null", () => {
  const handles = new HandleTable();
  const object = {};
  const values = [undefined, 0, -0, NaN, "", "a", 1n, Symbol.iterator, object, () => {}, true];
  assertEquals(handles.handleOf(null), 0);
  const first = values.map((value) => handles.handleOf(value));
  assertEquals(new Set(first).size, values.length);
  assertEquals(values.map((value) => handles.handleOf(value)), first);
  assertEquals(handles.count, values.length);
  assertNotEquals(handles.handleOf({}), handles.handleOf(object));
});

Deno.test("HandleTable.valueOf() gives the value back, -0 and NaN included", () => {
  const handles = new HandleTable();
  for (const value of [null, 0, -0, NaN, undefined, "text", [1]]) {
    assert(Object.is(handles.valueOf(handles.handleOf(value)), value));
  }
});

Deno.test("HandleTable.valueOf() reports handles that nobody made", () => {
  const handles = new HandleTable();
  assertThrows(() => handles.valueOf(1), Error, "BUG");
  assertThrows(() => handles.valueOf(-1), Error, "BUG");
});
