/** Types that JavaScript makes: recursive ones, with supertypes, of functions; each the same type as an equal one of a module. */

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  ArrayRef,
  ArrayType,
  Engine,
  Func,
  FuncRef,
  FuncType,
  type GroupMember,
  Linker,
  recGroup,
  StructRef,
  StructType,
  Trap,
} from "../../mod.ts";
import { engineOf } from "../../lib/engine/engine.ts";
import { Sandbox } from "./sandbox.ts";

const TYPES = `
  (rec
    (type $tree (sub (struct (field $children (mut (ref null $list))) (field $visit (mut (ref null $visitor))))))
    (type $list (array (mut (ref null $tree))))
    (type $visitor (func (param (ref $tree) i32) (result i32)))
    (type $named (sub final $tree (struct (field $children (mut (ref null $list))) (field $visit (mut (ref null $visitor)))
      (field $name externref)))))`;

function makeTypes(engine: Engine) {
  return recGroup(engine, ({ tree, list, visitor }) => ({
    tree: {
      struct: [
        { name: "children", type: { ref: list }, mutable: true },
        { name: "visit", type: { ref: visitor }, mutable: true },
      ],
      final: false,
    },
    list: { array: { type: { ref: tree }, mutable: true } },
    visitor: { func: { parameters: [{ ref: tree, nullable: false }, "i32"], results: ["i32"] } },
    named: {
      struct: [
        { name: "children", type: { ref: list }, mutable: true },
        { name: "visit", type: { ref: visitor }, mutable: true },
        { name: "name", type: "externref" },
      ],
      supertype: tree,
    },
  }));
}

const GUEST = `(module ${TYPES}
  (func (export "child") (param anyref i32) (result (ref null $tree))
    (array.get $list (struct.get $tree $children (ref.cast (ref $tree) (local.get 0))) (local.get 1)))
  (func (export "name") (param anyref) (result externref) (struct.get $named $name (ref.cast (ref $named) (local.get 0))))
  (func (export "isNamed") (param anyref) (result i32) (ref.test (ref $named) (local.get 0)))
  (func (export "visit") (param (ref $tree) i32) (result i32)
    (call_ref $visitor (local.get 0) (local.get 1) (struct.get $tree $visit (local.get 0))))
  (func (export "make") (result (ref $named))
    (struct.new $named (array.new_default $list (i32.const 2)) (ref.null $visitor) (ref.null extern))))`;

Deno.test("a group made by JavaScript is a module's, whoever comes first", () => {
  for (const first of ["module", "javascript"]) {
    using sandbox = new Sandbox({ stress: { gc: true }, checks: "on" });
    const { engine, store } = sandbox;
    let types = first === "javascript" ? makeTypes(engine) : undefined;
    const { module, exports } = sandbox.instance(GUEST);
    const count = engineOf(engine).state.registry.count;
    types ??= makeTypes(engine);
    assertEquals(engineOf(engine).state.registry.count, count);
    const { tree, list, visitor, named } = types;
    assert(tree.equals(module.structType("tree")) && named.equals(module.structType("named")));
    assert(list.equals(module.arrayType("list")) && visitor.equals(module.funcType("visitor")));
    assert(named.matches(tree) && !tree.matches(named) && named.supertype!.equals(tree));

    using leaf = StructRef.create(store, named, { name: "leaf" });
    using children = ArrayRef.create(store, list, [null, leaf]);
    using root = StructRef.create(store, tree, { children });
    leaf.set("children", ArrayRef.create(store, list, [root]));
    assertStrictEquals(exports.child(root, 1), leaf);
    assertStrictEquals(exports.child(leaf, 0), root);
    assertEquals([exports.name(leaf), exports.isNamed(leaf), exports.isNamed(root)], ["leaf", 1, 0]);
    assertThrows(() => exports.name(root), Trap);
    using made = exports.make();
    assert(made.type.equals(named) && made.matches(tree));
    assertEquals([made.get("children").length, made.get("name")], [2, null]);

    const visit = new Func(store, visitor, (node: StructRef, depth: number) => node === root ? depth + 1 : -1);
    root.set("visit", visit);
    assertEquals([exports.visit(root, 6), FuncRef.of(visit).type.equals(visitor)], [7, true]);
    assertThrows(() => exports.visit(leaf, 1), Trap);
    assertThrows(() => root.set("visit", new Func(store, { parameters: [], results: [] }, () => {})), TypeError);
  }
});

Deno.test("what a group's types are made of can be asked", () => {
  using sandbox = new Sandbox();
  const { tree, list, visitor, named } = makeTypes(sandbox.engine);
  assertEquals([tree.final, list.final, named.final], [false, true, true]);
  assertEquals(named.fields.map(({ name, mutable }) => [name, mutable]), [["children", true], ["visit", true], [
    "name",
    false,
  ]]);
  assertEquals([named.fieldIndex("name"), named.fields[2].type], [2, "externref"]);
  const [children] = tree.fields;
  assert(typeof children.type === "object" && list.equals(children.type.ref as ArrayType));
  assert(typeof list.element.type === "object" && tree.equals(list.element.type.ref as StructType));
  const [parameter, number] = visitor.parameters;
  assert(typeof parameter === "object" && tree.equals(parameter.ref as StructType) && parameter.nullable === false);
  assertEquals([number, visitor.results], ["i32", ["i32"]]);
});

Deno.test("equal groups are one, and groups of another order or shape are not", () => {
  using sandbox = new Sandbox();
  const { engine } = sandbox;
  const node = (final: boolean) =>
    recGroup(engine, ({ node }) => ({ node: { struct: [{ type: { ref: node }, mutable: true }], final } })).node;
  assert(node(true).equals(node(true)) && !node(true).equals(node(false)));
  const pair = (...names: string[]) =>
    recGroup(engine, (types) =>
      Object.fromEntries(names.map((name, i) => [name, {
        struct: [{ type: i === 0 ? "i32" as const : "i64" as const }, { type: { ref: types[names[1 - i]] } }],
      }])));
  const [ab, cd] = [pair("a", "b"), pair("c", "d")];
  assert(ab.a.equals(cd.c) && ab.b.equals(cd.d) && !ab.a.equals(ab.b));
  // One type twice in a group is two types; a group of one that names nothing of itself is the plain type.
  const twice = recGroup(engine, () => ({ a: { struct: [] }, b: { struct: [] } }));
  assert(!twice.a.equals(twice.b));
  const alone = recGroup(engine, () => ({ a: { array: { type: "i8" } } }));
  assert(alone.a.equals(new ArrayType(engine, { type: "i8" })));
});

Deno.test("a group's types refer to types that are there already, and later ones to them", () => {
  using sandbox = new Sandbox();
  const { engine, store } = sandbox;
  const point = new StructType(engine, [{ name: "x", type: "i32" }], { final: false });
  let escaped: GroupMember | undefined;
  const { line } = recGroup(engine, ({ line }) => {
    escaped = line;
    return { line: { struct: [{ type: { ref: point } }, { type: { ref: line } }], supertype: undefined } };
  });
  const lines = new ArrayType(engine, { type: { ref: escaped! }, mutable: true });
  using list = ArrayRef.filled(store, lines, 1, StructRef.create(store, line, [StructRef.create(store, point, [3])]));
  assertEquals(list.toObject(), [{ 0: { x: 3 }, 1: null }]);
  const { below } = recGroup(engine, () => ({ below: { struct: [{ type: "i32" }], supertype: point } }));
  assert(below.matches(point) && below.matches("struct") && !below.matches("array"));
  const linker = new Linker(engine);
  const type = new FuncType(engine, { parameters: [{ ref: line }], results: ["i32"] });
  linker.defineFunc("m", "f", type, (line: StructRef | null) => line === null ? 0 : line.get(0).get("x"));
  const { run } = linker.instantiate(
    store,
    sandbox.module(`(module
    (type $point (sub (struct (field i32)))) (type $line (struct (field (ref null $point)) (field (ref null $line))))
    (import "m" "f" (func $f (param (ref null $line)) (result i32)))
    (func (export "run") (result i32) (call $f (struct.new $line (struct.new $point (i32.const 9)) (ref.null $line)))))`),
  )
    .exports;
  assertEquals(run(), 9);
});

Deno.test("function types have supertypes as in a module", () => {
  using sandbox = new Sandbox();
  const { engine, store } = sandbox;
  const base = new FuncType(engine, { parameters: [{ ref: "i31" }], results: ["anyref"] }, { final: false });
  const below = new FuncType(engine, { parameters: ["eqref"], results: [{ ref: "i31" }] }, { supertype: base });
  assert(below.matches(base) && below.supertype!.equals(base));
  const func = new Func(store, below, (value: unknown) => value);
  const { call } = sandbox.instance(`(module (type $base (sub (func (param i31ref) (result anyref))))
    (func (export "call") (param (ref $base)) (result i32)
      (i31.get_s (ref.cast (ref i31) (call_ref $base (ref.i31 (i32.const 5)) (local.get 0))))))`).exports;
  assertEquals(call(func), 5);
  for (
    const wrong of [
      { parameters: [{ ref: "i31", nullable: false }], results: ["anyref"] },
      { parameters: [{ ref: "i31" }], results: ["externref"] },
      { parameters: [], results: ["anyref"] },
    ] as const
  ) assertThrows(() => new FuncType(engine, wrong, { supertype: base }), TypeError, "supertype");
});

Deno.test("a group that cannot be is an error, and enters nothing that anybody could get", () => {
  using sandbox = new Sandbox();
  const { engine } = sandbox;
  const final = new StructType(engine, []);
  const array = new ArrayType(engine, { type: "i32" }, { final: false });
  using another = new Engine();
  const alien = new StructType(another, []);
  // deno-lint-ignore no-explicit-any -- what no TypeScript would let pass
  const cases: [(types: any) => any, string][] = [
    [() => ({}), "at least one"],
    [() => null, "as an object"],
    [() => ({ a: 5 }), "is a struct, an array or a func"],
    [() => ({ a: {} }), "is a struct, an array or a func"],
    [() => ({ a: { struct: 5 } }), "as an array"],
    [() => ({ a: { struct: [{ type: "i9" }] } }), "not a value type"],
    [({ b }) => ({ a: { struct: [{ type: { ref: b } }] } }), 'no type that is called "b"'],
    [() => ({ a: { struct: [{ type: { ref: "nothing" } }] } }), "not a heap type"],
    [() => ({ a: { struct: [{ type: { ref: alien } }] } }), "another engine"],
    [() => ({ a: { struct: [], supertype: final } }), "final"],
    [() => ({ a: { struct: [], supertype: array } }), "The supertype of a struct type is one"],
    [({ a }) => ({ a: { struct: [], final: false, supertype: a } }), "comes before"],
    [({ b }) => ({ a: { struct: [], supertype: b }, b: { struct: [], final: false } }), "comes before"],
    [({ a }) => ({ a: { struct: [] }, b: { struct: [], supertype: a } }), "final"],
    [({ a }) => ({ a: { array: { type: "i8" }, final: false }, b: { struct: [], supertype: a } }), "is one"],
    [
      ({ a }) => ({ a: { struct: [{ type: "i8" }], final: false }, b: { struct: [], supertype: a } }),
      "do not start with",
    ],
    [
      ({ a }) => ({
        a: { struct: [{ type: { ref: a }, mutable: true }], final: false },
        b: { struct: [{ type: { ref: a }, mutable: false }], supertype: a },
      }),
      "do not start with",
    ],
    [
      ({ a, b }) => ({
        a: { struct: [{ type: { ref: a }, mutable: true }], final: false },
        b: { struct: [{ type: { ref: b }, mutable: true }], supertype: a },
      }),
      "do not start with",
    ],
  ];
  for (const [define, message] of cases) assertThrows(() => recGroup(engine, define), TypeError, message);
  assertThrows(() => recGroup(engine, 5 as never), TypeError, "by a function");
  let member: GroupMember | undefined;
  assertThrows(
    () => recGroup(engine, ({ a }) => (member = a, { a: { struct: [{ type: { ref: "nothing" as "any" } }] } })),
    TypeError,
  );
  assertThrows(() => new ArrayType(engine, { type: { ref: member! } }), TypeError, "not made yet");
  const deep = (length: number) =>
    recGroup(engine, (types) =>
      Object.fromEntries(Array.from({ length }, (_, i) => [`t${i}`, {
        struct: [],
        final: false,
        ...i === 0 ? {} : { supertype: types[`t${i - 1}`] },
      }])));
  assertEquals(Object.keys(deep(64)).length, 64);
  assertThrows(() => deep(65), RangeError, "too many supertypes");
  // An immutable field may be narrowed.
  const { b } = recGroup(engine, ({ a, b }) => ({
    a: { struct: [{ type: { ref: a } }], final: false },
    b: { struct: [{ type: { ref: b, nullable: false } }], supertype: a },
  }));
  assert(b.supertype !== undefined);
});

Deno.test("user code that runs while a group is described finds the engine as it was", () => {
  const engine = new Engine();
  const closing = {
    get struct() {
      engine[Symbol.dispose]();
      return [];
    },
  };
  assertThrows(() => recGroup(engine, () => ({ a: closing })), TypeError, "disposed");
});
