/** The native table of types: rows, displays, growth; deep hierarchies that displays do not reach. */

import { assertEquals } from "@std/assert";
import { GC_DISPLAY_LENGTH, GC_NO_TYPE, GC_TYPE_ROW_BYTES, GcTypeRow } from "../../../lib/abi/mod.ts";
import { aliasMemory } from "../../../lib/host/mod.ts";
import { TypeTable } from "../../../lib/runtime/mod.ts";
import { decodeModule, TypeRegistry, WASM3_FEATURES } from "../../../lib/wasm/mod.ts";
import { wat } from "../../wat.ts";
import { HeapSandbox } from "./gc_store.ts";

function enter(registry: TypeRegistry, text: string): Int32Array {
  return registry.canonicalize(decodeModule(wat(`(module ${text})`), WASM3_FEATURES));
}

function row(table: TypeTable, id: number): { depth: number; kind: number; display: number[] } {
  const words = new Uint32Array(aliasMemory(table.address + id * GC_TYPE_ROW_BYTES, GC_TYPE_ROW_BYTES).slice(0));
  const start = GcTypeRow.display >> 2;
  const display = [...words.subarray(start, start + GC_DISPLAY_LENGTH)];
  return { depth: words[0], kind: words[1], display };
}

Deno.test("TypeTable rows have the type words of all ancestors by depth, and none beyond", () => {
  const registry = new TypeRegistry();
  const ids = enter(
    registry,
    `(type $a (sub (struct))) (type $b (sub $a (struct (field i32)))) (type $c (sub $b (struct (field i32) (field i64))))
     (type $f (sub (func))) (type $g (sub $f (func))) (type $array (array i8))`,
  );
  const table = new TypeTable(registry);
  table.sync();
  const [a, b, c, f, g, array] = ids;
  const struct = (id: number) => 1 << 24 | id;
  const rest = (count: number) => new Array(GC_DISPLAY_LENGTH - count).fill(GC_NO_TYPE);
  assertEquals(row(table, a), { depth: 0, kind: 1, display: [struct(a), ...rest(1)] });
  assertEquals(row(table, c), { depth: 2, kind: 1, display: [struct(a), struct(b), struct(c), ...rest(3)] });
  assertEquals(row(table, g), { depth: 1, kind: 0, display: [f, g, ...rest(2)] });
  assertEquals(row(table, array), { depth: 0, kind: 2, display: [2 << 24 | array, ...rest(1)] });
  table.release();
});

Deno.test("TypeTable.sync() adds rows at the same address, over many pages", () => {
  const registry = new TypeRegistry();
  enter(registry, "(type (struct))");
  const table = new TypeTable(registry);
  table.sync();
  const { address } = table;
  for (let round = 0; round < 30; round++) {
    // Types of different shapes, so that each is new.
    const fields = (n: number) => Array.from({ length: 12 }, (_, bit) => n >> bit & 1 ? "i32" : "i64").join(" ");
    const types = Array.from({ length: 100 }, (_, i) => `(type (struct (field ${fields(round * 100 + i)})))`);
    const ids = enter(registry, types.join(" "));
    table.sync();
    assertEquals(row(table, ids[99]).display[0], 1 << 24 | ids[99]);
  }
  assertEquals(table.address, address);
  assertEquals(row(table, 0).depth, 0);
  assertEquals(registry.count, 3001);
  table.release();
});

Deno.test("types deeper than displays are tested by the runtime", () => {
  using sandbox = new HeapSandbox();
  const depth = 20;
  const types = Array.from(
    { length: depth },
    (_, i) => `(type $t${i} (sub ${i === 0 ? "" : `$t${i - 1}`} (struct ${"(field i32)".repeat(i)})))`,
  );
  const makes = Array.from(
    { length: depth },
    (_, i) =>
      `(func (export "make${i}") (result anyref) (struct.new_default $t${i}))
     (func (export "test${i}") (param anyref) (result i32) (ref.test (ref $t${i}) (local.get 0)))`,
  );
  const { exports } = sandbox.instance(`(module ${types.join(" ")} (type $other (struct (field i64))) ${makes.join(" ")}
    (func (export "other") (result anyref) (struct.new_default $other)))`);
  for (let made = 0; made < depth; made++) {
    const object = exports[`make${made}`]();
    for (let tested = 0; tested < depth; tested++) {
      assertEquals(exports[`test${tested}`](object), made >= tested ? 1 : 0, `${made} is a ${tested}`);
    }
  }
  for (let tested = 0; tested < depth; tested++) {
    assertEquals(exports[`test${tested}`](exports.other()), 0);
    assertEquals(exports[`test${tested}`](null), 0);
    assertEquals(exports[`test${tested}`](5), 0);
  }
});
