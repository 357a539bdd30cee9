/** Type tests, casts and branches on them: every type against every object, as V8 does it. */

import { assertEquals } from "@std/assert";
import { Engine, Instance, Module, Store } from "../../mod.ts";
import { wat } from "../wat.ts";

/** Subtypes in a row, deeper than displays reach, and a branch off it. */
const DEPTH = 18;
const chain = Array.from({ length: DEPTH }, (_, k) => `(type $t${k} (sub ${k > 0 ? `$t${k - 1}` : ""} (struct)))`);
const functions = Array.from({ length: DEPTH }, (_, k) => `(type $f${k} (sub ${k > 0 ? `$f${k - 1}` : ""} (func)))`);
const TYPES = [
  ...Array.from({ length: DEPTH }, (_, k) => `$t${k}`),
  "$side",
  "$leaf",
  "$bytes",
  "any",
  "eq",
  "i31",
  "struct",
  "array",
  "none",
];
const OBJECTS = [
  ...Array.from({ length: DEPTH }, (_, k) => `(struct.new $t${k})`),
  "(struct.new $side)",
  "(struct.new $leaf (i32.const 1))",
  "(array.new_default $bytes (i32.const 2))",
  "(ref.i31 (i32.const 0))",
  "(ref.i31 (i32.const -1))",
  "(ref.null any)",
  "(any.convert_extern (local.get 1))",
];
const SOURCE = `(module (rec ${
  chain.join(" ")
}) (type $side (sub $t3 (struct))) (type $leaf (sub final $t2 (struct (field i32))))
  (type $bytes (array i8)) ${functions.join("\n")}
  ${
  TYPES.map((heap, n) => `
  (func (export "test ${n}") (param anyref) (result i32) (ref.test (ref ${heap}) (local.get 0)))
  (func (export "test null ${n}") (param anyref) (result i32) (ref.test (ref null ${heap}) (local.get 0)))
  (func (export "cast ${n}") (param anyref) (result i32) (ref.is_null (ref.cast (ref ${heap}) (local.get 0))))
  (func (export "cast null ${n}") (param anyref) (result i32) (ref.is_null (ref.cast (ref null ${heap}) (local.get 0))))
  (func (export "branch ${n}") (param anyref) (result i32)
    (block $yes (result (ref ${heap})) (drop (br_on_cast $yes anyref (ref ${heap}) (local.get 0))) (return (i32.const 0)))
    (drop) (i32.const 1))
  (func (export "branch fail ${n}") (param anyref) (result i32)
    (block $no (result anyref) (drop (br_on_cast_fail $no anyref (ref null ${heap}) (local.get 0))) (return (i32.const 1)))
    (drop) (i32.const 0))`).join("\n")
}
  (func (export "make") (param i32 externref) (result anyref)
    ${OBJECTS.map((object, n) => `(if (i32.eq (local.get 0) (i32.const ${n})) (then (return ${object})))`).join("\n")}
    (unreachable))
  ${functions.map((_, k) => `(func $called${k} (type $f${k}) (global.set $last (i32.const ${k})))`).join("\n")}
  (global $last (export "last") (mut i32) (i32.const -1))
  (table $functions ${DEPTH} funcref) (elem (table $functions) (i32.const 0) func ${
  functions.map((_, k) => `$called${k}`).join(" ")
})
  ${
  functions.map((_, k) => `
  (func (export "call ${k}") (param i32) (call_indirect $functions (type $f${k}) (local.get 0)))
  (func (export "function ${k}") (param i32) (result i32) (ref.test (ref $f${k}) (table.get $functions (local.get 0))))`)
    .join("\n")
})`;

type Exports = Record<string, (...args: unknown[]) => unknown>;

function observe(exports: Exports): string[] {
  const lines: string[] = [];
  const attempt = (name: string, ...args: unknown[]) => {
    try {
      return String(exports[name](...args));
    } catch {
      return "trap";
    }
  };
  for (let object = 0; object < OBJECTS.length; object++) {
    const made = exports.make(object, "a host value");
    for (let n = 0; n < TYPES.length; n++) {
      const results = ["test", "test null", "cast", "cast null", "branch", "branch fail"].map((what) =>
        attempt(`${what} ${n}`, made)
      );
      lines.push(`${OBJECTS[object]} as ${TYPES[n]}: ${results}`);
    }
  }
  for (let element = 0; element < DEPTH; element++) {
    for (let k = 0; k < DEPTH; k++) {
      lines.push(`function ${element} as ${k}: ${attempt(`call ${k}`, element)} ${attempt(`function ${k}`, element)}`);
    }
  }
  return lines;
}

Deno.test("every type test and cast does what V8 does, deep chains of types and functions included", () => {
  const bytes = wat(SOURCE);
  const expected = observe(new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports);
  for (const config of [{}, { effort: "none" }, { stress: { gc: true, registers: 5 } }] as const) {
    using engine = new Engine({ checks: "on", ...config });
    using module = new Module(engine, bytes);
    using store = new Store(engine);
    assertEquals(observe(new Instance(store, module).exports as unknown as Exports), expected);
  }
});
