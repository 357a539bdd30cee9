/** Validation of stack switching: continuation types, their instructions, handler clauses. V8's verdicts are in mutate_proposals_test.ts. */

import { assert, assertEquals } from "@std/assert";
import { parseModule } from "../../../lib/text/mod.ts";
import {
  type ContType,
  decodeModule,
  DEFAULT_FEATURES,
  requiredFeature,
  usedFeatures,
  ValidationScratch,
  WASM3_FEATURES,
  withFeatures,
} from "../../../lib/wasm/mod.ts";
import { ourRefusal } from "../../fuzz/oracles/refusals.ts";

const FEATURES = withFeatures(WASM3_FEATURES, "stack-switching");
const scratch = new ValidationScratch();

const TYPES = `
  (type $f (func (param i32) (result i64)))
  (type $c (cont $f))
  (type $f0 (func (result i64)))
  (type $c0 (cont $f0))
  (type $k (func (param f32) (result i64)))
  (type $ck (cont $k))
  (tag $t (param i32) (result f32))
  (tag $plain)
  (tag $x (param i32))
  (tag $swap (result i64))
  (rec (type $fs (func (param i32 (ref null $cs)) (result i64))) (type $cs (cont $fs)))
  (type $fx (func (param i64 (ref null $ck)) (result i64)))
  (type $cx (cont $fx))
`;

/** Why the module with this function is refused, without the place; undefined when it is valid. */
function refusal(func: string): string | undefined {
  return ourRefusal(parseModule(`(module ${TYPES} ${func})`), FEATURES, scratch)?.replace(/^at offset .*?: /, "");
}

Deno.test("validateModule() accepts each instruction of stack switching in its place", () => {
  const valid = [
    "(func (param (ref null $f)) (result (ref $c)) (cont.new $c (local.get 0)))",
    "(func (param (ref $c)) (result (ref $c0)) (cont.bind $c $c0 (i32.const 1) (local.get 0)))",
    "(func (param (ref $c)) (result (ref $c)) (cont.bind $c $c (local.get 0)))",
    "(func (result f32) (suspend $t (i32.const 1)))",
    "(func (param (ref null $c)) (result i64) (resume $c (i32.const 1) (local.get 0)))",
    `(func (param (ref $c)) (result i64)
      (block $on (result i32 (ref null $ck))
        (return (resume $c (on $t $on) (on $swap switch) (i32.const 1) (local.get 0))))
      (unreachable))`,
    "(func (param (ref $c)) (result i64) (resume_throw $c $x (i32.const 7) (local.get 0)))",
    "(func (param (ref $c) exnref) (result i64) (resume_throw_ref $c (local.get 1) (local.get 0)))",
    "(func (param (ref $cs)) (result i32 (ref null $cs)) (switch $cs $swap (i32.const 1) (local.get 0)))",
    "(func (param (ref $cx)) (result f32) (switch $cx $swap (i64.const 1) (local.get 0)))",
    "(func (param (ref nocont)) (result (ref cont)) (local.get 0))",
    "(func (param (ref $c)) (result (ref null cont)) (local.get 0))",
    "(func (result i64) unreachable resume $c (on $swap switch))",
  ];
  for (const func of valid) assertEquals(refusal(func), undefined, func);
});

Deno.test("validateModule() refuses what does not fit the continuation's type", () => {
  const cases: [string, string][] = [
    ["(func (param (ref null $f0)) (drop (cont.new $c (local.get 0))))", "expected (ref null 0), found (ref null 2)"],
    ["(func (param (ref null $f)) (drop (cont.new $f (local.get 0))))", "type 0 is not a continuation type"],
    [
      "(func (param (ref $c0)) (drop (cont.bind $c0 $c (local.get 0))))",
      "continuation type 1 takes more operands than 3",
    ],
    [
      "(func (param (ref $c)) (drop (cont.bind $c $ck (local.get 0))))",
      "continuation type 5 does not match what remains of 1",
    ],
    ["(func (result f32) (suspend $t))", "expected i32, found an empty stack"],
    ["(func (param (ref $c)) (result i64) (resume $c (local.get 0)))", "expected i32, found an empty stack"],
    [
      `(func (param (ref $c)) (result i64)
        (block $on (result i32 (ref null $c)) (return (resume $c (on $t $on) (i32.const 1) (local.get 0))))
        (unreachable))`,
      "continuation type 1 of a handler clause does not match its tag and the resumed continuation",
    ],
    [
      `(func (param (ref $c)) (result i64)
        (block $on (result (ref null $ck)) (return (resume $c (on $t $on) (i32.const 1) (local.get 0))))
        (unreachable))`,
      "a handler clause sends [i32] and a continuation to [(ref null 5)]",
    ],
    [
      `(func (param (ref $c)) (result i64)
        (block $on (result i32) (return (resume $c (on $t $on) (i32.const 1) (local.get 0))))
        (unreachable))`,
      "the label of a handler clause must take a concrete continuation reference last, it takes [i32]",
    ],
    [
      "(func (param (ref $c)) (result i64) (resume $c (on $t switch) (i32.const 1) (local.get 0)))",
      "the tag of a switch clause takes [i32]",
    ],
    [
      "(func (param (ref $c)) (result i64) (resume_throw $c $x (local.get 0)))",
      "expected i32, found an empty stack",
    ],
    [
      "(func (param (ref $c)) (drop (switch $c $swap (local.get 0))))",
      "continuation type 1 must take a concrete continuation reference last, it takes [i32]",
    ],
    [
      "(func (param (ref $cs)) (switch $cs $plain (i32.const 1) (local.get 0)))",
      "the continuation types of a switch do not match the tag's results []",
    ],
    ["(func (param (ref cont)) (result (ref any)) (local.get 0))", "expected (ref any), found (ref cont)"],
    [
      "(func (param (ref cont)) (result i32) (ref.test (ref $c) (local.get 0)))",
      "invalid cast to the continuation type 1",
    ],
    [
      "(func (param (ref cont)) (drop (ref.cast nullcontref (local.get 0))))",
      "invalid cast to the continuation type nocont",
    ],
  ];
  for (const [func, reason] of cases) assertEquals(refusal(func), reason, func);
});

Deno.test("validateModule() holds continuation types to function types and to declared subtyping", () => {
  const types = (text: string) =>
    ourRefusal(parseModule(`(module ${text})`), FEATURES, scratch)?.replace(/^at offset .*?: /, "");
  assertEquals(
    types("(type (struct)) (type (cont 0))"),
    "type 1: continuation of type 0, which is not a function type",
  );
  assertEquals(types("(rec (type (cont 1)) (type (func (param (ref 0)))))"), undefined);
  const base = "(type $f (sub (func))) (type $g (sub $f (func))) (type $h (func)) (type $c (sub (cont $f)))";
  assertEquals(types(`${base} (type (sub $c (cont $g)))`), undefined);
  assertEquals(types(`${base} (type (sub $c (cont $h)))`), "type 4: it does not match its supertype 3");
});

Deno.test("decodeModule() gives continuation types their function types, and equal ones one canonical id", () => {
  const module = decodeModule(
    parseModule("(module (type (func)) (type (cont 0)) (type (func)) (type (cont 2)))"),
    FEATURES,
  );
  assertEquals((module.types[1] as ContType).func, 0);
  assertEquals(module.typeIds[1], module.typeIds[3]);
  assert(module.typeIds[0] !== module.typeIds[1]);
});

Deno.test("a module that switches stacks is refused by default, and says which feature it needs", () => {
  const bytes = parseModule(`(module ${TYPES} (func (result f32) (suspend $t (i32.const 1))))`);
  assert(ourRefusal(bytes, DEFAULT_FEATURES, scratch)?.endsWith("the feature stack-switching is not enabled"));
  const module = decodeModule(bytes, FEATURES);
  assertEquals(requiredFeature(module, WASM3_FEATURES), "stack-switching");
  // A tag with results is enough.
  const tag = decodeModule(parseModule("(module (tag (result i32)))"), FEATURES);
  assertEquals(
    usedFeatures(tag) & withFeatures(0 as typeof FEATURES, "stack-switching"),
    withFeatures(0 as typeof FEATURES, "stack-switching"),
  );
});
