/** Engines with an optimiser: any function over bytes, and binaryen where it can be loaded. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CompileError, Engine, Instance, loadOptimizer, Module, OptimizerError, Store } from "../../mod.ts";
import { loadBinaryen } from "../../lib/engine/optimizer.ts";
import { wat } from "../wat.ts";

const TEXT = `(module
  (func $square (param i64) (result i64) (i64.mul (local.get 0) (local.get 0)))
  (func (export "f") (param i64) (result i64) (i64.add (call $square (local.get 0)) (call $square (i64.const 3)))))`;

Deno.test("Engine({ optimizer }) compiles what the optimizer makes of a module", () => {
  const seen: [Uint8Array, readonly string[]][] = [];
  using engine = new Engine({
    features: ["multi-value"],
    optimizer: (bytes, features) => {
      seen.push([bytes, features]);
      return wat(`(func (export "f") (result i32) (i32.const 7))`);
    },
  });
  const module = Module.fromText(engine, TEXT);
  assertEquals(seen, [[wat(TEXT), ["mvp", "multi-value"]]]);
  using store = new Store(engine);
  assertEquals(new Instance(store, module).exports.f(), 7);
});

Deno.test("Engine({ optimizer }) checks a module before and after the optimizer", () => {
  using engine = new Engine({ optimizer: () => wat("(func (result i32))") });
  assertThrows(() => Module.fromText(engine, "(func (result i32))"), CompileError);
  assertThrows(() => Module.fromText(engine, TEXT), OptimizerError, "made a bad module");
  assertEquals(Module.validate(engine, wat(TEXT)), true);
  assertThrows(() => new Engine({ optimizer: "binaryen" as never }), TypeError, "optimizer is a function");
  using none = new Engine({ optimizer: (() => undefined) as never });
  assertThrows(() => Module.fromText(none, TEXT), TypeError, "An optimizer gives a Uint8Array");
});

Deno.test("loadOptimizer() refuses levels that are none", async () => {
  await assertRejects(() => loadOptimizer({ level: 5 }), RangeError, "level is 0 to 4, not 5");
  await assertRejects(() => loadOptimizer({ shrink: -1 }), RangeError, "shrink is 0 to 2, not -1");
});

Deno.test("an optimiser that cannot be loaded is an OptimizerError that names it", async () => {
  const error = await assertRejects(() => loadBinaryen("npm:binaryen@0.0.0-absent"), OptimizerError);
  assertEquals(
    error.message.startsWith("the optimiser npm:binaryen@0.0.0-absent cannot be loaded: "),
    true,
    error.message,
  );
});

/** Whether binaryen can be loaded: it comes from the package registry, once. */
async function hasBinaryen(): Promise<boolean> {
  try {
    await loadOptimizer();
    return true;
  } catch (error) {
    if (error instanceof OptimizerError) return false;
    throw error;
  }
}

Deno.test({
  name: "loadOptimizer() makes an optimizer of binaryen, which keeps what a module does",
  ignore: !await hasBinaryen(),
  async fn() {
    using plain = new Engine();
    using engine = new Engine({ optimizer: await loadOptimizer() });
    const optimized = Module.fromText(engine, TEXT);
    assertEquals(
      optimized.wasm.bodies.length < Module.fromText(plain, TEXT).wasm.bodies.length,
      true,
      "nothing is inlined",
    );
    using store = new Store(engine);
    assertEquals(new Instance(store, optimized).exports.f(5n), 34n);
    const descriptors = wat("(rec (type (descriptor 1) (struct)) (type (describes 0) (struct)))");
    const optimizer = await loadOptimizer();
    assertThrows(() => optimizer(descriptors, ["gc", "custom-descriptors"]), OptimizerError, "does not know");
  },
});
