/** The smallest modules for each defect that random programs have found, run in every configuration against V8. */

import { assertEquals } from "@std/assert";
import { wat } from "../wat.ts";
import {
  encodeModule,
  memarg,
  type ModuleTree,
  type Node,
  node,
  type Signature,
  type TypeName,
  unsigned,
} from "../fuzz/generators/wasm_tree.ts";
import {
  type Callable,
  configurationName,
  CONFIGURATIONS,
  TheropodSession,
  trapKind,
  trapPlaces,
  V8Session,
} from "../fuzz/oracles/engines.ts";

const get = (type: TypeName, index: number): Node => node("local.get", [type], [], unsigned(index));

/** A module with one page of memory and one function. */
function moduleWith(signature: Signature, locals: TypeName[], ...body: Node[]): ModuleTree {
  return {
    funcImports: [],
    memories: [{ min: 1, max: 1 }],
    tables: [],
    globals: [],
    funcs: [{ signature, locals, label: { types: signature.results }, body }],
    data: [],
    elements: [],
    tags: [],
  };
}

/** Calls the first function, "f0", with each list of arguments, in both engines. */
function compare(name: string, module: ModuleTree | string, ...calls: (readonly (number | bigint)[])[]): void {
  Deno.test(name, () => {
    const bytes = typeof module === "string" ? wat(module) : encodeModule(module, "no wrappers");
    const outcomes = (func: Callable) =>
      calls.map((args) => {
        try {
          return func(...args);
        } catch (error) {
          return `${trapKind(error)} at ${trapPlaces(error)}`;
        }
      });
    using v8 = new V8Session();
    const expected = outcomes(v8.instantiate(bytes, {}).func("f0"));
    for (const configuration of CONFIGURATIONS) {
      using ours = new TheropodSession(configuration);
      assertEquals(outcomes(ours.instantiate(bytes, {}).func("f0")), expected, configurationName(configuration));
    }
  });
}

// The conversion's destination is zeroed first; the trap table named the zeroing instead of the load.
compare(
  "a conversion of a loaded operand traps like the load",
  moduleWith(
    { params: ["i32"], results: ["f32"] },
    [],
    node("f32.convert_i64_s", ["f32"], [node("i64.load", ["i64"], [get("i32", 0)], memarg(0))]),
  ),
  [0],
  [65536],
  [-1],
);

// A load that is part of its consumer's instruction was reported at the consumer, one that is part of a store at the store.
const load = (type: "i32" | "i64") => node(`${type}.load`, [type], [get("i32", 0)], memarg(4));
compare(
  "a load that traps inside another operation is reported at the load",
  moduleWith({ params: ["i32", "i32"], results: ["i32"] }, [], node("i32.add", ["i32"], [get("i32", 1), load("i32")])),
  [0, 1],
  [65536, 1],
  [-1, 1],
);
compare(
  "a load that traps in an update of memory is reported at the load",
  moduleWith(
    { params: ["i32", "i64"], results: [] },
    [],
    node("i64.store", [], [get("i32", 0), node("i64.add", ["i64"], [load("i64"), get("i64", 1)])], memarg(4)),
  ),
  [0, 1n],
  [65536, 1n],
  [-1, 1n],
);

// A trap that always happens returned to the very byte at which a load began that may fault: the load's entry of the trap table was found.
compare(
  "a trap in front of a load is not taken for the load's",
  `(module
    (memory 2)
    (global $g (mut i32) (i32.const 1))
    (type $f (func))
    (func (export "f0")
      (drop (f64.load offset=8 (i32.const 0)))
      (block
        (if (global.get $g) (then (drop (ref.as_non_null (ref.null $f)))))
        (drop (i32.load offset=5 (i32.const 0)))
        (br 0))))`,
  [],
);
