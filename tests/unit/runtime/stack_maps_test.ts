import { assertEquals } from "@std/assert";
import { IntList } from "../../../lib/base/mod.ts";
import {
  callBits,
  collectRootSlots,
  createHostFunc,
  fromReference,
  type InstanceState,
  instantiate,
  ModuleState,
  parkedFrame,
  toReference,
} from "../../../lib/runtime/mod.ts";
import { CallRows } from "../../../lib/runtime/call_rows.ts";
import { wat } from "../../wat.ts";
import { compile, makeStore } from "./stores.ts";

// Each level keeps one reference of its own, its parameter, and eight more that travel in stack arguments; odd levels keep a null as well.
const SOURCE = `(module
  (import "m" "make" (func $make (param i32) (result externref)))
  (import "m" "look" (func $look))
  (func $down (export "down") (param $n i32)
    (param externref externref externref externref externref externref externref externref) (result i32)
    (local $mine externref)
    (if (i32.eqz (local.get $n)) (then (call $look) (return (i32.const 0))))
    (local.set $mine (call $make (local.get $n)))
    (call $down (i32.sub (local.get $n) (i32.const 1))
      (local.get $mine) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7))
    ;; What is still wanted here was live across the call: $mine and the two outermost parameters.
    (i32.add (i32.add (ref.is_null (local.get $mine)) (ref.is_null (local.get 7)) ) (ref.is_null (local.get 8)))
    (i32.add)))`;

Deno.test("collectRootSlots() finds exactly the references that live across the calls of every frame", () => {
  using store = makeStore();
  const { module, compiled } = compile(wat(SOURCE));
  const state = new ModuleState(store.engine, module, compiled);
  const found: string[] = [];
  const typeOf = (index: number) => state.typeIds[module.funcs[index]];
  const make = createHostFunc(store, typeOf(0), { fn: (n: number) => `level ${n}`, makeCaller: undefined });
  const look = createHostFunc(store, typeOf(1), {
    fn: () => {
      const activation = store.activations[store.depth - 1];
      const view = activation.current.view(activation.sp), slots = new IntList();
      collectRootSlots(view, parkedFrame(activation), slots);
      for (let k = 0; k < slots.length; k++) found.push(String(fromReference(store, view.words[slots.at(k)])));
    },
    makeCaller: undefined,
  });
  const instance: InstanceState = instantiate(store, state, [make, look]);
  const handles = Array.from({ length: 8 }, (_, k) => toReference(store, `argument ${k}`)!);
  const depth = 100;
  const words = new Int32Array(9 * 4);
  words[0] = depth;
  handles.forEach((handle, k) => words[4 * (k + 1)] = handle);
  assertEquals(callBits(instance.func(2), words)[0], 0);
  // Level n was given those above it, nearest first, then the arguments: it keeps its own, the seventh and the eighth of what it was given.
  const expected: string[] = [];
  for (let n = 1; n <= depth; n++) {
    const given = [];
    for (let above = n + 1; above <= depth && given.length < 8; above++) given.push(`level ${above}`);
    for (let k = 0; given.length < 8; k++) given.push(`argument ${k}`);
    expected.push(...[`level ${n}`, given[6], given[7]].sort());
  }
  const groups: string[] = [];
  for (let k = 0; k < found.length; k += 3) groups.push(...found.slice(k, k + 3).sort());
  assertEquals(groups, expected);
});

Deno.test("CallRows finds every return address and nothing else", () => {
  for (const count of [0, 1, 8, 9, 5000]) {
    const pcs = Int32Array.from({ length: count }, (_, k) => 7 + 13 * k + k % 5);
    const rows = new CallRows(pcs);
    const known = new Map([...pcs].map((pc, row) => [pc, row]));
    for (let pc = 0; pc < 13 * count + 40; pc++) assertEquals(rows.find(pc), known.get(pc) ?? -1);
  }
});
