/**
 * Random graphs of calls, tail calls and exceptions against V8: results, what is thrown with everything it carries, the checksum of all that
 * happened on the way. FUZZ_COUNT sets how many modules, FUZZ_SEED the first seed.
 */

import { assert, assertEquals } from "@std/assert";
import { Engine, Exception, Func, type FuncSignature, Instance, Module, Store, Tag } from "../../mod.ts";
import { STRESS } from "../configurations.ts";
import { wat } from "../wat.ts";
import { CallGraph, type HandlerFlavour } from "./generators/call_graph.ts";
import { Random } from "./generators/random.ts";

const MODULES = Number(Deno.env.get("FUZZ_COUNT") ?? 25);
const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const FUEL = [5, 60, 400];

// deno-lint-ignore no-explicit-any -- TypeScript's library does not know them
const V8 = WebAssembly as any;
type Exports = Record<string, unknown>;
type Throw = (tag: unknown, values: unknown[]) => never;

/** What is thrown, as text that both engines agree on. */
function describe(error: unknown, exports: Exports): string {
  for (let t = 0; t < 4; t++) {
    const tag = exports[`t${t}`];
    const isMine = error instanceof Exception
      ? error.is(tag as Tag)
      : error instanceof V8.Exception && (error as { is(tag: unknown): boolean }).is(tag);
    if (!isMine) continue;
    const values: unknown[] = [];
    for (let i = 0; i < [1, 2, 0, 2][t]; i++) {
      const value = error instanceof Exception
        ? error.getArg(i)
        : (error as { getArg(tag: unknown, i: number): unknown }).getArg(tag, i);
      values.push(typeof value === "function" ? `function ${value.name}` : String(value));
    }
    return `tag ${t} with ${values}`;
  }
  return `${error}`;
}

/** The host function: returns, calls back, throws, or catches what the guest throws. */
function host(exports: () => Exports, raise: Throw): (n: number) => number {
  return (n) => {
    const run = () => (exports()[`f${n & 1}`] as (n: number) => number)(n >> 2);
    switch (n & 7) {
      case 0:
      case 1:
        return n * 3 | 0;
      case 2:
      case 3:
        return run();
      case 4:
        return raise(exports().t0, [n]);
      case 5:
        return raise(exports().t1, [BigInt(n), n / 2]);
      default:
        try {
          return run() + 1 | 0;
        } catch (error) {
          if (n & 8) throw error;
          return describe(error, exports()).length;
        }
    }
  };
}

function outcome(exports: Exports, graph: CallGraph, index: number, fuel: number): string {
  const { params } = graph.functions[index];
  const args = params.map((type, i) => type === "i64" ? BigInt(i * 7 + fuel) : type === "f64" ? i + 0.5 : fuel + index);
  (exports.fuel as { value: number }).value = fuel;
  let result: string;
  try {
    result = String((exports[`f${index}`] as (...args: unknown[]) => unknown)(...args));
  } catch (error) {
    result = describe(error, exports);
  }
  return `${result}; sum ${(exports.sum as { value: bigint }).value}; fuel ${
    (exports.fuel as { value: number }).value
  }`;
}

for (const flavour of ["try_table", "legacy"] as const satisfies readonly HandlerFlavour[]) {
  Deno.test(`random graphs of calls do what they do in V8 (${flavour})`, () => {
    using guard = new Engine({ bounds: "guard", checks: "on" });
    using plain = new Engine({ bounds: "explicit", effort: "none", checks: "on" });
    using stressed = new Engine({ ...STRESS, checks: "on" });
    let thrown = 0, runs = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + MODULES; seed++) {
      const graph = new CallGraph(new Random(seed), flavour);
      const text = graph.make();
      const bytes = wat(text);
      let theirs: Exports = {};
      const raiseTheirs: Throw = (tag, values) => {
        throw new V8.Exception(tag, values);
      };
      theirs = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
        host: { call: host(() => theirs, raiseTheirs) },
      }).exports;
      const sides = [guard, plain, stressed].map((engine) => {
        const store = new Store(engine);
        const side: { store: Store; exports: Exports } = { store, exports: {} };
        const raise: Throw = (tag, values) => {
          throw new Exception(tag as Tag, values);
        };
        const call = host(() => side.exports, raise);
        const signature: FuncSignature = { parameters: ["i32"], results: ["i32"] };
        const imported = new Func(store, signature, (n) => call(n as number));
        side.exports = new Instance(store, new Module(engine, bytes), { host: { call: imported } }).exports as Exports;
        return side;
      });
      for (const fuel of FUEL) {
        for (let index = 0; index < graph.functions.length; index++) {
          const expected = outcome(theirs, graph, index, fuel);
          runs++;
          if (expected.startsWith("tag")) thrown++;
          for (const { exports } of sides) {
            assertEquals(outcome(exports, graph, index, fuel), expected, `seed ${seed}, f${index}, fuel ${fuel}`);
          }
        }
      }
      for (const { store } of sides) store.close();
    }
    assert(thrown > runs / 20 && thrown < runs * 0.9, `${thrown} of ${runs} threw`);
  });
}
