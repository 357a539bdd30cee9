/** Endless recursion with frames of every size and every kind of call: always a trap, and the engine goes on. */

import { assert, assertEquals } from "@std/assert";
import {
  constant,
  encodeModule,
  type FuncImport,
  type FuncTree,
  type ModuleTree,
  type Node,
  node,
  type NumberType,
  type TypeName,
  unsigned,
} from "./generators/wasm_tree.ts";
import { configurationName, CONFIGURATIONS, HostAbort, TheropodSession, trapKind } from "./oracles/engines.ts";

/** Around the number of registers, and around a frame of 4 KiB, where the stack check changes. */
const LOCAL_COUNTS = [0, 13, 100, 509, 510, 511, 512, 2000];
const get = (type: TypeName, index: number): Node => node("local.get", [type], [], unsigned(index));

/** f(n, stop): counts calls down to `stop`, with `count` locals that live across the call. */
function recursive(count: number, kind: "call" | "call_indirect", type: NumberType): FuncTree {
  const self: FuncTree = {
    signature: { params: ["i32"], results: ["i64"] },
    locals: Array(count).fill(type),
    label: { types: ["i64"] },
    body: [],
  };
  const next = node("i32.sub", ["i32"], [get("i32", 0), constant("i32", 1n)]);
  const wide = type === "i64" ? "i64.extend_i32_s" as const : "f64.convert_i32_s" as const;
  const fill = self.locals.map((_, i) =>
    node("local.set", [], [
      node(wide, [type], [node("i32.add", ["i32"], [get("i32", 0), constant("i32", BigInt(i))])]),
    ], unsigned(1 + i))
  );
  const call = kind === "call"
    ? node("call", ["i64"], [next], { func: self })
    : node("call_indirect", ["i64"], [next, constant("i32", 0n)], { signature: self.signature }, unsigned(0));
  // Left to right: a tree of sums would be as deep as there are locals.
  const sum: Node[] = [call];
  self.locals.forEach((_, i) => {
    const bits = type === "i64" ? get(type, 1 + i) : node("i64.reinterpret_f64", ["i64"], [get(type, 1 + i)]);
    sum.push(bits, node("i64.xor", ["i64"], [node("popped", ["i64"]), node("popped", ["i64"])]));
  });
  self.body.push(
    {
      ...node("if", [], [node("i32.eqz", ["i32"], [get("i32", 0)])]),
      block: {
        label: { types: [] },
        params: [],
        body: [node("return", [], [constant("i64", 42n)])],
      },
    },
    ...fill,
    ...sum,
  );
  return self;
}

function moduleOf(funcs: FuncTree[], funcImports: FuncImport[] = []): ModuleTree {
  return {
    funcImports,
    memories: [],
    tables: [{ type: "funcref", min: 1, max: 1 }],
    globals: [],
    funcs,
    data: [],
    tags: [],
    elements: [{ mode: "active", table: 0, offset: constant("i32", 0n), funcs: [funcs[0]] }],
  };
}

for (const kind of ["call", "call_indirect"] as const) {
  for (const type of kind === "call" ? ["i64", "f64"] as const : ["i64"] as const) {
    Deno.test(`endless recursion by ${kind} with ${type} locals is a trap`, () => {
      for (const configuration of CONFIGURATIONS.filter(({ bounds }) => bounds === "guard")) {
        for (const count of LOCAL_COUNTS) {
          using session = new TheropodSession(configuration);
          const bytes = encodeModule(moduleOf([recursive(count, kind, type)]), "no wrappers");
          const run = session.instantiate(bytes, {}).func("f0");
          const expected = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f0 as (n: number) => bigint;
          for (let round = 0; round < 3; round++) {
            let kind = "returned";
            try {
              run(-1);
            } catch (error) {
              kind = trapKind(error);
            }
            assertEquals(kind, "stack", `${count} locals, ${configurationName(configuration)}`);
            assertEquals(run(5), expected(5));
          }
        }
      }
    });
  }
}

Deno.test("endless recursion through a host function ends in an error, and the engine goes on", () => {
  for (const configuration of CONFIGURATIONS) {
    using session = new TheropodSession(configuration);
    const host: FuncImport = { module: "host", name: "again", signature: { params: ["i32"], results: ["i32"] } };
    const func: FuncTree = {
      signature: { params: ["i32"], results: ["i32"] },
      locals: [],
      label: { types: ["i32"] },
      body: [node("i32.add", ["i32"], [node("call", ["i32"], [get("i32", 0)], { func: host }), constant("i32", 1n)])],
    };
    let depth = 0;
    const again = (n: number): unknown => {
      depth++;
      if (n === 1) return 7;
      if (n === 2) throw new HostAbort("far down");
      return run(n > 2 ? n - 1 : n);
    };
    const run = session.instantiate(encodeModule(moduleOf([func], [host]), "no wrappers"), { host: { again } }).func(
      "f0",
    );
    assertEquals(run(1), 8);
    for (let round = 0; round < 3; round++) {
      depth = 0;
      let caught: unknown;
      try {
        run(-1);
      } catch (error) {
        caught = error;
      }
      assert(caught instanceof Error, "recursion ends in an error");
      assert(depth > 20, `${depth} levels`);
      assertEquals(run(1), 8);
    }
  }
});
