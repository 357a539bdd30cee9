/** User code at every place where the API lets it in: it disposes, grows, instantiates, throws; the answer is a result or an error. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Engine,
  Func,
  Global,
  Instance,
  Linker,
  LinkError,
  Memory,
  Module,
  Store,
  Table,
  Tag,
  Trap,
  type ValueType,
} from "../../mod.ts";
import { codeArena } from "../../lib/host/mod.ts";
import { wat } from "../wat.ts";
import { Sandbox } from "./sandbox.ts";

const IMPORTS_F = `(module (import "m" "f" (func $f (param i32) (result i32)))
  (func (export "g") (param i32) (result i32) local.get 0 call $f))`;

Deno.test("a getter that disposes the store while something is made for it ends in a TypeError", () => {
  using engine = new Engine();
  const makers: ((store: Store) => unknown)[] = [
    (store) => new Memory(store, { minimum: closing(store, 1) }),
    (store) => new Table(store, { element: "funcref", minimum: closing(store, 1) }),
    (store) => new Global(store, { valueType: "i32" }, closing(store, 1)),
    (store) => new Func(store, closingSignature(store), () => {}),
    (store) => new Tag(store, closingSignature(store)),
    (store) => new Global(store, { valueType: "i32", mutability: "var" }).value = closing(store, 1),
    (store) => new Table(store, { element: "externref", minimum: 1 }).set(closing(store, 0), 1),
    (store) => new Table(store, { element: "externref", minimum: 1 }).grow(closing(store, 1), 1),
    (store) => new Memory(store, { minimum: 1 }).grow(closing(store, 1)),
    (store) => new Memory(store, { minimum: 1 }).read(closing(store, 1), 1),
    (store) =>
      new Instance(store, new Module(engine, wat(IMPORTS_F)), {
        m: {
          get f() {
            store.close();
            return (a: number) => a;
          },
        },
      }),
    (store) => new Func(store, { parameters: ["i32"], results: [] }, () => {}).call([closing(store, 1)] as never),
    (store) => new Func(store, { parameters: [], results: ["i32"] }, () => closing(store, 1)).call(),
    (store) => {
      const type = { parameters: [], results: ["funcref"] } as const;
      const func: Func<typeof type> = new Func(store, type, () => {
        store.close();
        return func.callable;
      });
      return func.call();
    },
  ];
  for (const make of makers) {
    using store = new Store(engine);
    assertThrows(() => make(store), TypeError, "disposed", String(make));
    assert(store.isDisposed, String(make));
  }
});

/** A number that disposes the store when it is looked at. */
function closing(store: Store, value: number): number {
  const object = {
    valueOf() {
      store.close();
      return value;
    },
  };
  return object as unknown as number;
}

function closingSignature(store: Store): { parameters: ValueType[]; results: [] } {
  return {
    get parameters(): ValueType[] {
      store.close();
      return [];
    },
    results: [],
  };
}

Deno.test("a getter that disposes the module while it is linked leaves no code behind", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(IMPORTS_F);
  const before = codeArena().usedBytes;
  assertThrows(
    () =>
      new Instance(sandbox.store, module, {
        m: {
          get f() {
            module[Symbol.dispose]();
            return (a: number) => a;
          },
        },
      }),
    TypeError,
    "disposed",
  );
  assertEquals(codeArena().usedBytes, before);
});

Deno.test("values that change between two looks are looked at once", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  let looks = 0;
  const type = {
    get element(): ValueType {
      return looks++ === 0 ? "i32" : "funcref";
    },
    minimum: 1,
  };
  assertThrows(() => new Table(store, type), TypeError, "references");
  assertEquals(looks, 1);

  const table = new Table(store, { element: "externref", minimum: 20 });
  table.fill("x", 1, "2" as never);
  assertEquals(table.get(2), "x");
  assertEquals(table.get(3), null);
  let length = 1;
  table.fill("y", 4, { valueOf: () => length++ } as never);
  assertEquals([table.get(4), table.get(5), length], ["y", null, 2]);
  assertThrows(() => table.fill("z", 21), RangeError);
  assertEquals(table.get(19), null);
});

Deno.test("a host function grows, instantiates and defines while its caller waits, at every level", () => {
  for (const bounds of ["guard", "explicit"] as const) {
    using sandbox = new Sandbox({ bounds });
    const { store } = sandbox;
    const module = sandbox.module(`(module
      (import "m" "f" (func $f (param i32) (result i32)))
      (memory (export "memory") 1 100) (table (export "table") 1 100 funcref)
      (func (export "down") (param i32) (result i32)
        (i32.store (i32.const 65532) (local.get 0))
        (drop (call $f (local.get 0)))
        (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (local.get 0))
        (i32.add (i32.load (i32.const 65532)) (table.size))))`);
    const instances: Instance[] = [];
    const f = (n: number): number => {
      const inner = instances[n % instances.length].exports;
      inner.memory.grow(1);
      inner.table.grow(1, inner.down);
      if (n === 0) return 0;
      instances.push(new Instance(store, module, { m: { f } }));
      return inner.down(n - 1);
    };
    instances.push(new Instance(store, module, { m: { f } }));
    const { down, memory, table } = instances[0].exports;
    assertEquals(down(40), memory.view[65532] + table.size);
    assertEquals(table.get(table.size - 1), table.size > 1 ? down : null);
    assertEquals(instances.length, 41);
  }
});

Deno.test("traps and exceptions alternate through nested guests and leave every level usable", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(`(module (import "m" "f" (func $f (param i32) (result i32)))
    (func (export "down") (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then unreachable))
      (i32.add (i32.const 1) (call $f (local.get 0)))))`);
  const error = new Error("mine");
  const seen: unknown[] = [];
  const f = (n: number): number => {
    try {
      return down(n - 1);
    } catch (thrown) {
      seen.push(thrown);
      if (n % 2 === 0) throw error;
      return down(0);
    }
  };
  const { down } = new Instance(sandbox.store, module, { m: { f } }).exports;
  assertThrows(() => down(6));
  assert(seen.length >= 6);
  assert(seen.some((thrown) => thrown === error) && seen.some((thrown) => thrown instanceof Trap));
  for (const thrown of seen) assert(thrown === error || thrown instanceof Trap);
});

Deno.test("a thousand parameters and results pass in both directions, and more are refused", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const count = 1000;
  const types: [ValueType, (i: number) => unknown][] = [
    ["i32", (i) => i],
    ["i64", (i) => BigInt(i)],
    ["f32", (i) => i + 0.5],
    ["f64", (i) => i / 3],
    ["externref", (i) => (i === 0 ? null : { i })],
  ];
  for (const [type, make] of types) {
    const list = `${type} `.repeat(count);
    const gets = Array.from({ length: count }, (_, i) => `local.get ${i}`).join(" ");
    const { g } = sandbox.instance(
      `(module (type $t (func (param ${list}) (result ${list}))) (import "m" "f" (func $f (type $t)))
        (func (export "g") (type $t) ${gets} call $f))`,
      { m: { f: (...args: unknown[]) => args.reverse() } as never },
    ).exports;
    const args = Array.from({ length: count }, (_, i) => make(i));
    assertEquals(g(...args), args.toReversed());
  }
  const many = Array<ValueType>(count + 1).fill("i32");
  assertThrows(
    () => new Func(store, { parameters: many, results: [] }, () => {}),
    RangeError,
    "at most 1000 parameters",
  );
  assertThrows(() => new Tag(store, { parameters: many }), RangeError, "at most 1000 parameters");
  const linker = new Linker(sandbox.engine);
  assertThrows(
    () => linker.defineFunc("m", "f", { parameters: [], results: many }, () => []),
    RangeError,
    "at most 1000 results",
  );
  assertThrows(
    () => new Func(store, { parameters: "i32" as never, results: [] }, () => {}),
    TypeError,
    "an array of value types",
  );
});

Deno.test("a linker does not mix engines", () => {
  using engine = new Engine();
  using other = new Engine();
  using store = new Store(other);
  const linker = new Linker(engine);
  linker.defineFunc("m", "f", { parameters: ["i32", "f64", "i64"], results: [] }, () => {});
  assertThrows(() => linker.get(store, "m", "f"), TypeError, "different engines");
  assertThrows(() => linker.instantiate(store, new Module(other, wat(IMPORTS_F))), TypeError, "different engines");
  assertThrows(() => linker.define("m", "g", undefined as never), TypeError, `"m" "g"`);
});

Deno.test("a disposed engine's stores make everything, and leave no code behind", () => {
  const engine = new Engine();
  using store = new Store(engine);
  const before = codeArena().usedBytes;
  engine[Symbol.dispose]();
  assertEquals(new Tag(store, { parameters: ["i32"] }).type, { parameters: ["i32"] });
  const table = new Table(store, { element: "funcref", minimum: 1 });
  const func = new Func(store, { parameters: ["i64"], results: ["f32"] }, () => 1);
  table.set(0, func.callable as never);
  assert(codeArena().usedBytes > before);
  store.close();
  assertEquals(codeArena().usedBytes, before);
});

Deno.test("errors of imports say what was given, whatever it is", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(IMPORTS_F);
  const given: [unknown, string][] = [
    [new WebAssembly.Memory({ initial: 1 }), "an object of class Memory"],
    [{ constructor: { name: Symbol() } }, "an object"],
    [Object.create(null), "an object"],
    [Symbol(), "a symbol"],
    [null, "null"],
  ];
  for (const [f, words] of given) {
    const error = assertThrows(() => new Instance(sandbox.store, module, { m: { f } } as never), LinkError);
    assertEquals(error.message, `import "m" "f": expected a func [i32] -> [i32], got ${words}`);
  }
  assertThrows(() => new Trap("no such trap" as never), TypeError, "not a trap");
});
