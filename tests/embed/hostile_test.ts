/**
 * The promise of the API: whatever is passed in whatever order, the answer is a value or an error, and the process lives.
 *
 * Random calls with random arguments, seeded, on a growing set of objects, some of them disposed on the way. Results are not judged, only that
 * everything thrown is an error of a kind that the API documents, and that a guest still computes afterwards.
 */

import { assert, assertEquals } from "@std/assert";
import {
  Engine,
  Func,
  Global,
  HostError,
  Instance,
  Linker,
  Memory,
  Module,
  Store,
  Table,
  Tag,
  WasmError,
} from "../../mod.ts";
import { wat } from "../wat.ts";

const BYTES = wat(`(module (import "m" "f" (func $f (param i32 i64 externref) (result f64)))
  (import "m" "g" (global $g i32))
  (memory (export "memory") 1 4) (table (export "table") 3 20 funcref) (elem (i32.const 1) $h) (elem $p funcref (ref.func $h))
  (table (export "refs") 2 externref) (global (export "global") (mut f32) (f32.const 1))
  (func $h (export "h") (param i32) (result i32) (i32.div_s (i32.const 100) (local.get 0)))
  (func (export "f") (param i32 i64 externref) (result f64) (call $f (local.get 0) (local.get 1) (local.get 2)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "tgrow") (param funcref i32) (result i32) (table.grow 0 (local.get 0) (local.get 1)))
  (func (export "tget") (param i32) (result funcref) (table.get 0 (local.get 0)))
  (func (export "call") (param i32 i32) (result i32) (call_indirect (param i32) (result i32) (local.get 1) (local.get 0)))
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32) (table.init $p (local.get 0) (local.get 1) (local.get 2)))
  (func (export "load") (param i32) (result i64) (i64.load (local.get 0))))`);

/** xorshift32: the run is the same every time. */
function random(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

/** Errors that a call may end with; `Hostile` is what hostile arguments throw themselves. */
class Hostile extends Error {}
const ALLOWED = [TypeError, RangeError, SyntaxError, WasmError, HostError, Hostile];

for (const seed of [1, 20, 777]) {
  Deno.test(`any call with any arguments gives a value or an error (seed ${seed})`, async () => {
    const next = random(seed);
    const pick = <T>(list: readonly T[]): T => list[next(list.length)];
    const pool: unknown[] = [];
    let depth = 0;

    const constants: unknown[] = [
      undefined,
      null,
      true,
      0,
      -0,
      1,
      2,
      3,
      -1,
      0.5,
      NaN,
      Infinity,
      65536,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 53,
      0n,
      -1n,
      2n ** 64n,
      "",
      "funcref",
      "i32",
      "m",
      "memory",
      Symbol("s"),
      [],
      {},
      new Uint8Array(4),
      new ArrayBuffer(8),
      BYTES,
      { minimum: 1 },
      { minimum: 2, maximum: 3 },
      { element: "funcref", minimum: 1 },
      { element: "externref", minimum: 1, maximum: 5 },
      { valueType: "i32", mutability: "var" },
      { valueType: "externref" },
      { parameters: ["i32", "f64"], results: ["i64"] },
      { parameters: [], results: ["i32", "i32"] },
      { parameters: "x", results: 5 },
      { m: { f: () => 1, g: 5 } },
      { m: { f: () => anything(), g: 1 } },
      () => 1,
      () => {
        throw new Hostile("function");
      },
      {
        valueOf: () => {
          step();
          return 1;
        },
      },
      {
        valueOf: () => {
          throw new Hostile("valueOf");
        },
      },
      new Proxy({}, {
        get: (_, name) => {
          if (typeof name === "symbol") return undefined;
          step();
          return () => 1;
        },
      }),
    ];
    const anything = (): unknown => next(3) === 0 ? pick(constants) : pool.length > 0 ? pick(pool) : pick(constants);
    const classes = [Engine, Store, Module, Instance, Linker, Memory, Table, Global, Tag, Func];
    const make: (() => unknown)[] = [
      () => new Engine(pick([{}, { bounds: "explicit" }, { effort: "none" }, anything() as object])),
      () => new Store(pick(pool.filter((value) => value instanceof Engine)) as Engine),
      () => new Module(pick(pool.filter((value) => value instanceof Engine)) as Engine, BYTES),
      () => {
        const store = pick(pool.filter((value) => value instanceof Store)) as Store;
        const module = pick(pool.filter((value) => value instanceof Module)) as Module;
        return new Instance(store, module, { m: { f: () => anything() as never, g: 7 } });
      },
      () => {
        const { exports } = pick(pool.filter((value) => value instanceof Instance)) as Instance;
        return exports[pick(Object.keys(exports))];
      },
      () => new (pick(classes) as new (...args: unknown[]) => unknown)(anything(), anything(), anything()),
      () =>
        new Func(
          pick(pool.filter((value) => value instanceof Store)) as Store,
          pick(constants) as never,
          pick(constants) as never,
        ),
    ];

    function useMember(): unknown {
      const object = anything();
      if (typeof object === "function") return object(anything(), anything(), anything());
      if (typeof object !== "object" || object === null) return undefined;
      const prototype = Object.getPrototypeOf(object) as object;
      if (!classes.some((one) => prototype === one.prototype)) return undefined;
      const name = pick(Reflect.ownKeys(prototype));
      // Disposal is rare, or nothing else would be left.
      if ((name === Symbol.dispose || name === "close") && next(40) !== 0) return undefined;
      const { get, set, value } = Object.getOwnPropertyDescriptor(prototype, name)!;
      // One blocks for as long as its argument says, which may be for ever.
      if (name === "constructor" || name === "blockInSlices") return undefined;
      if (value !== undefined) return value.call(object, anything(), anything(), anything(), anything());
      if (set !== undefined && next(2) === 0) return set.call(object, anything());
      return get?.call(object);
    }

    const rejections: unknown[] = [];

    function step(): void {
      if (depth > 3) return;
      depth++;
      try {
        const value = next(4) === 0 ? pick(make)() : useMember();
        if (value instanceof Promise) void value.catch((error) => rejections.push(error));
        if (typeof value === "object" && value !== null || typeof value === "function") {
          if (pool.length < 200) pool.push(value);
          else pool[next(pool.length)] = value;
        }
      } catch (error) {
        if (!ALLOWED.some((kind) => error instanceof kind)) throw error;
      } finally {
        depth--;
      }
    }

    pool.push(new Engine());
    pool.push(new Store(pool[0] as Engine), new Module(pool[0] as Engine, BYTES));
    for (let i = 0; i < 3000; i++) step();

    using engine = new Engine();
    using store = new Store(engine);
    const { h } = new Instance(store, new Module(engine, BYTES), { m: { f: () => 1, g: 1 } }).exports;
    assertEquals(h(4), 25);
    assert(pool.length > 50);
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const error of rejections) if (!ALLOWED.some((kind) => error instanceof kind)) throw error;
    for (const value of pool) {
      if (value instanceof Store && depth === 0) value.close();
    }
  });
}
