import { assert, assertEquals, assertThrows } from "@std/assert";
import type { CompiledModule } from "../../../lib/abi/mod.ts";
import { InternalError } from "../../../lib/base/mod.ts";
import { recordPool } from "../../../lib/host/mod.ts";
import {
  callBits,
  createHostFunc,
  FuncState,
  type InstanceState,
  instantiate,
  ModuleState,
  toReference,
  Trap,
} from "../../../lib/runtime/mod.ts";
import { wat } from "../../wat.ts";
import { compile, makeStore } from "./stores.ts";

const SOURCE = `(module (memory 1)
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 7) (local.get 0)))
  (func (export "fine") (result i32) i32.const 5))`;

/** Calls an exported function with one i32. */
function call(funcs: FuncState, argument: number): number {
  return callBits(funcs, Int32Array.of(argument, 0, 0, 0))[0];
}

function exported(
  store: ReturnType<typeof makeStore>,
  change: (compiled: CompiledModule) => CompiledModule,
): FuncState[] {
  const { module, compiled } = compile(wat(SOURCE));
  const instance = instantiate(store, new ModuleState(store.engine, module, change(compiled)), []);
  return module.exports.map(({ index }) => instance.func(index));
}

Deno.test("a fault with a row in the trap table is a Trap", () => {
  using store = makeStore();
  const [load, divide, fine] = exported(store, (compiled) => compiled);
  assertEquals(call(divide, 2), 3);
  assertEquals((assertThrows(() => call(load, -1), Trap) as Trap).code, "memory_out_of_bounds");
  assertEquals((assertThrows(() => call(divide, 0), Trap) as Trap).code, "integer_divide_by_zero");
  assertEquals(callBits(fine, new Int32Array(0))[0], 5);
});

Deno.test("a fault that nothing explains is no trap, and the store refuses further calls", () => {
  const empty = { trapPcs: new Int32Array(0), trapCodes: new Uint8Array(0), trapSites: new Int32Array(0) };
  for (const which of [0, 1]) {
    using store = makeStore();
    const funcs = exported(store, (compiled) => ({ ...compiled, ...empty }));
    const error: InternalError = assertThrows(
      () => call(funcs[which], which === 0 ? -1 : 0),
      InternalError,
      "failed at",
    );
    assertEquals(error.message.includes(`in function ${which}`), true);
    assertThrows(() => callBits(funcs[2], new Int32Array(0)), TypeError, "internal failure");
    assertThrows(() => funcs[2].callable(), TypeError, "internal failure");
    assertEquals(store.depth, 0);
  }
});

Deno.test("after a fault that nothing explains no parked guest goes on, although a host function caught the error", () => {
  using store = makeStore();
  const { module, compiled } = compile(wat(`(module (import "m" "host" (func $host)) (memory 1)
    (global $after (export "after") (mut i32) (i32.const 0))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "outer") (param i32) (result i32) call $host (global.set $after (i32.const 1)) i32.const 1))`));
  const empty = { trapPcs: new Int32Array(0), trapCodes: new Uint8Array(0), trapSites: new Int32Array(0) };
  const state = new ModuleState(store.engine, module, { ...compiled, ...empty });
  let caught: unknown;
  const fn = () => {
    try {
      call(instance.func(1), -1);
    } catch (error) {
      caught = error;
    }
  };
  const host = createHostFunc(store, state.typeIds[module.funcs[0]], { fn, makeCaller: undefined });
  const instance: InstanceState = instantiate(store, state, [host]);
  const { inUse } = recordPool();
  assertThrows(() => call(instance.func(2), 0), TypeError, "internal failure");
  assert(caught instanceof InternalError);
  assertEquals(instance.globals[0].get(), 0);
  assertEquals(store.depth, 0);
  store.close();
  assertEquals(recordPool().inUse, inUse + 2, "records that may be damaged are not used again");
});

Deno.test("a memory fault outside every memory of the store is not believed", () => {
  using store = makeStore();
  const [load] = exported(store, (compiled) => compiled);
  store.memories.length = 0;
  assertThrows(() => call(load, -1), InternalError, "failed at");
});

Deno.test("callBits() moves every bit, and asks for the right number of words", () => {
  using store = makeStore();
  const { module, compiled } = compile(wat(`(module
    (func (export "id") (param f32 f64 i64 externref) (result externref i64 f64 f32)
      local.get 3 local.get 2 local.get 1 local.get 0))`));
  const instance = instantiate(store, new ModuleState(store.engine, module, compiled), []);
  const handle = toReference(store, "x")!;
  const words = Int32Array.of(0x7f800001, 9, 9, 9, 1, 0x7ff00000, 9, 9, -1, -2, 9, 9, handle, 9, 9, 9);
  assertEquals(
    [...callBits(instance.func(0), words)],
    [handle, 0, 0, 0, -1, -2, 0, 0, 1, 0x7ff00000, 0, 0, 0x7f800001, 0, 0, 0],
  );
  assertThrows(() => callBits(instance.func(0), new Int32Array(4)), RangeError);
});
