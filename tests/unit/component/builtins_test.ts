/** The table of component builtins: signatures, the functions, sentinels, and what becomes of a failure (SEEDS 0.1 to 0.11, 0.36, 0.37). */

import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  COMPONENT_BUILTIN_LIST,
  COMPONENT_BUILTINS,
  type ComponentBuiltinName,
  SENTINELS,
  TrapCode,
  UTF16_TAG,
} from "../../../lib/abi/mod.ts";
import {
  componentBuiltins,
  ComponentContext,
  createIntrinsics,
  createTranscoders,
  dropResult,
  HandleTable,
  REFERENCE_TRANSCODERS,
  signatureOf,
} from "../../../lib/component/mod.ts";
import { Engine, type Func, Instance, Memory, Module, Store, Trap } from "../../../mod.ts";
import { bothWays, latin1, utf16, utf8 } from "./both_ways.ts";

const builtin = (name: ComponentBuiltinName) => COMPONENT_BUILTIN_LIST.find((row) => row.name === name)!;

const call = ({ callable }: Func, ...args: number[]) => (callable as (...args: number[]) => number | bigint)(...args);

function setUp(store: Store) {
  const memory = new Memory(store, { minimum: 1 });
  const context = new ComponentContext();
  const builtins = componentBuiltins(createTranscoders(store, memory, memory), createIntrinsics(store, context));
  return { memory, context, builtins };
}

Deno.test("000/0.1 UTF16_TAG is bit 31 of a length, set when the result is UTF-16", () => {
  assertEquals(UTF16_TAG, 2 ** 31);
  bothWays(({ from, call }) => {
    from.set(utf16("aя"));
    assertEquals(call("utf16_to_compact_probably_utf16", 0, 2, 0), [2 ** 31 + 2]);
    from.set(utf16("aÿ"));
    assertEquals(call("utf16_to_compact_probably_utf16", 0, 2, 0), [2]);
  });
});

Deno.test("000/0.2 signature: each kind of parameter is a core type", () => {
  assertEquals(signatureOf(builtin("utf8_to_utf16")), { parameters: ["i32", "i32", "i32"], results: ["i32"] });
  assertEquals(signatureOf(builtin("utf16_to_utf8"), "i64", "i32"), {
    parameters: ["i64", "i32", "i32", "i32"],
    results: ["i32", "i32"],
  });
  assertEquals(signatureOf(builtin("utf8_to_compact_utf16"), "i32", "i64").parameters, [
    "i32",
    "i32",
    "i64",
    "i32",
    "i32",
  ]);
  assertEquals(signatureOf(builtin("resource_drop")), { parameters: ["i32", "i32"], results: ["i64"] });
  assertEquals(signatureOf(builtin("resource_enter_call")), { parameters: [], results: [] });
  assertEquals(signatureOf(builtin("trap")), { parameters: ["i32"], results: [] });
  const kinds = new Set(COMPONENT_BUILTIN_LIST.flatMap(({ params }) => params.map(({ kind }) => kind)));
  assertEquals([...kinds].sort(), ["ptr_size", "ptr_u16", "ptr_u8", "size", "u32", "u8", "vmctx"]);
});

Deno.test("000/0.3 VMComponentBuiltins: one list makes the table, which has no hole, and code calls through it", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const { builtins, memory } = setUp(store);
  assertEquals(Object.keys(builtins), COMPONENT_BUILTINS.map(([name]) => name));
  const imports = COMPONENT_BUILTIN_LIST.map((row) => {
    const { parameters, results } = signatureOf(row);
    const types = `(param ${parameters.join(" ")}) (result ${results.join(" ")})`;
    return `(import "builtins" "${row.name}" (func $${row.name} ${types}))`;
  });
  const instance = new Instance(
    store,
    Module.fromText(
      engine,
      `(module ${imports.join("\n")}
        (func (export "run") (result i32) (call $utf8_to_utf16 (i32.const 0) (i32.const 6) (i32.const 16))))`,
    ),
    { builtins },
  );
  memory.view.set(utf8("h😀!"));
  assertEquals(instance.exports.run(), 4);
  assertEquals(memory.view.slice(16, 24), utf16("h😀!"));
  const { stream_transfer: _, ...rest } = builtins;
  assertThrows(() => componentBuiltins(rest as never, {} as never), TypeError, "stream_transfer");
});

Deno.test("000/0.4 shims: what fails in a builtin ends the guest's call at its entry, as itself", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const { builtins, memory, context } = setUp(store);
  const table = context.defineResources(new HandleTable(), { name: "file", definedBy: undefined });
  const instance = new Instance(
    store,
    Module.fromText(
      engine,
      `(module
        (import "builtins" "resource_rep32" (func $rep (param i32 i32) (result i32)))
        (import "builtins" "utf8_to_utf8" (func $copy (param i32 i32 i32) (result i32)))
        (global $passed (export "passed") (mut i32) (i32.const 0))
        (func (export "rep") (param i32) (result i32)
          (call $rep (i32.const ${table}) (local.get 0)) (global.set $passed (i32.const 1)))
        (func (export "copy") (drop (call $copy (i32.const 0) (i32.const 1) (i32.const 8))) (global.set $passed (i32.const 1))))`,
    ),
    { builtins },
  );
  const { rep, copy, passed } = instance.exports;
  assertEquals(assertThrows(() => rep(7), Trap).code, "unknown_handle");
  memory.view[0] = 0xff;
  const trap = assertThrows(() => copy(), Trap, "invalid utf8 encoding");
  assertEquals(trap.code, "invalid_utf8");
  assertEquals(passed.value, 0);
  assertEquals(rep(context.resourceNew(table, 5)), 5);
  assertEquals(passed.value, 1);

  const own = new Error("from the embedder");
  const transcoders = createTranscoders(store, memory, memory, {
    onTrace: () => {
      throw own;
    },
  });
  assertStrictEquals(assertThrows(() => call(transcoders.latin1_to_latin1, 0, 1, 8)), own);
});

Deno.test("000/0.5 ptr_size: the second of a pair of results comes back beside the first", () => {
  bothWays(({ from, call }) => {
    from.set(utf16("€uro"));
    assertEquals(call("utf16_to_utf8", 0, 4, 0, 5), [3, 5]);
  });
  for (const { name, params, isPair } of COMPONENT_BUILTIN_LIST) {
    assertEquals(isPair, params[params.length - 1].kind === "ptr_size", name);
    assertEquals(signatureOf(builtin(name)).results.length === 2, isPair, name);
  }
});

Deno.test("000/0.6 ptr_u16: an address that is odd is a trap, in either memory", () => {
  bothWays(({ call }) => {
    assertEquals(call("utf16_to_utf16", 1, 1, 0), "unaligned_string");
    assertEquals(call("utf16_to_utf16", 0, 1, 65533), "unaligned_string");
    assertEquals(call("utf16_to_utf16", 65533, 0, 0), "unaligned_string");
    assertEquals(call("latin1_to_utf16", 3, 1, 1), "unaligned_string");
    assertEquals(call("latin1_to_utf16", 3, 1, 2), [1]);
    assertEquals(call("utf16_to_latin1", 2, 1, 1), [1, 1]);
  });
});

const SPOILT = {
  utf8_to_utf8: [0x80],
  utf16_to_utf16: [0, 0xdc],
  utf8_to_utf16: [0xc3],
  utf16_to_utf8: [0, 0xd8],
} as const;
const empty = new Uint8Array(16);

Deno.test("000/0.7 each kind of result has a value that says a trap is pending", () => {
  assertEquals(SENTINELS.bool, 0);
  assertEquals(REFERENCE_TRANSCODERS.utf8_to_utf8(Uint8Array.from(SPOILT.utf8_to_utf8), empty, 0), SENTINELS.bool);
  assertEquals(REFERENCE_TRANSCODERS.utf16_to_utf16(Uint8Array.from(SPOILT.utf16_to_utf16), empty, 0), SENTINELS.bool);
  assertEquals(REFERENCE_TRANSCODERS.latin1_to_latin1(empty, empty, 0), 1);
  bothWays(({ from, call }) => {
    for (const [name, bytes] of Object.entries(SPOILT)) {
      from.set(bytes);
      const invalid = name.startsWith("utf8") ? "invalid_utf8" : "invalid_utf16";
      const room = name === "utf16_to_utf8" ? [9] : [];
      assertEquals(
        call(name as keyof typeof SPOILT, 0, name.startsWith("utf8") ? bytes.length : 1, 0, ...room),
        invalid,
      );
    }
  });
});

Deno.test("000/0.8 CopySizeReturn: a length, or all ones", () => {
  assertEquals(SENTINELS.size, 2 ** 32 - 1);
  assertEquals(REFERENCE_TRANSCODERS.utf8_to_utf16(Uint8Array.from(SPOILT.utf8_to_utf16), empty, 0), 2 ** 32 - 1);
  assertEquals(REFERENCE_TRANSCODERS.utf8_to_utf16(utf8("ab"), empty, 0), 2);
  // No length comes near: one with the tag bit is refused.
  bothWays(({ call }) => {
    assertEquals(call("latin1_to_latin1", 0, 2 ** 31, 0), "string_out_of_bounds");
    assertEquals(call("utf16_to_compact_probably_utf16", 0, 2 ** 32 - 1, 0), "string_out_of_bounds");
  });
});

Deno.test("000/0.9 SizePair: what was read and written, or all ones and zero", () => {
  assertEquals(REFERENCE_TRANSCODERS.utf16_to_utf8(Uint8Array.from(SPOILT.utf16_to_utf8), empty, 0), {
    read: 2 ** 32 - 1,
    written: 0,
  });
  bothWays(({ from, call }) => {
    from.set(utf16("aé"));
    assertEquals(call("utf16_to_utf8", 0, 2, 0, 3), [2, 3]);
    assertEquals(call("utf16_to_utf8", 0, 0, 0, 3), [0, 0]);
  });
});

Deno.test("000/0.10 ResourceDropRet: rep << 1 | 1 to destroy, 0 for nothing, all ones is neither", () => {
  assertEquals(dropResult(undefined), 0n);
  assertEquals(dropResult(0), 1n);
  assertEquals(dropResult(0xffff_ffff), 0x1_ffff_ffffn);
  assertEquals(SENTINELS.drop, 2n ** 64n - 1n);
  using engine = new Engine();
  using store = new Store(engine);
  const { builtins, context } = setUp(store);
  const table = context.defineResources(new HandleTable(), { name: "file", definedBy: undefined });
  assertEquals(call(builtins.resource_drop, table, context.resourceNew(table, 0x8000_0000)), 0x1_0000_0001n);
});

Deno.test("000/0.11 buffers that overlap are refused, buffers that touch are not", () => {
  bothWays(({ from, call }) => {
    from.set(latin1("0123456789"));
    assertEquals(call("latin1_to_latin1", 0, 4, 4), [1]);
    assertEquals(from.slice(4, 8), latin1("0123"));
    assertEquals(call("latin1_to_latin1", 4, 4, 0), [1]);
    assertEquals(call("latin1_to_latin1", 0, 4, 3), "overlapping_strings");
    assertEquals(call("latin1_to_latin1", 3, 4, 0), "overlapping_strings");
    assertEquals(call("latin1_to_latin1", 5, 4, 5), "overlapping_strings");
    assertEquals(call("latin1_to_utf16", 9, 5, 0), "overlapping_strings");
    assertEquals(call("latin1_to_utf16", 10, 5, 0), [1]);
    assertEquals(call("latin1_to_utf8", 2, 0, 0, 9), [0, 0]);
  }, "one");
  // Equal addresses in two memories are apart.
  bothWays(({ call }) => assertEquals(call("latin1_to_latin1", 0, 4, 3), [1]));
});

Deno.test("000/0.36 trap raises the trap of its code and does not return", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const { builtins } = setUp(store);
  const instance = new Instance(
    store,
    Module.fromText(
      engine,
      `(module (import "builtins" "trap" (func $trap (param i32)))
        (func (export "raise") (param i32) (result i32) (call $trap (local.get 0)) (i32.const 1)))`,
    ),
    { builtins },
  );
  for (const name of ["unreachable", "borrows_remain", "invalid_utf16", "table_out_of_bounds"] as const) {
    assertEquals(assertThrows(() => instance.exports.raise(TrapCode[name]), Trap).code, name);
  }
  assertThrows(() => instance.exports.raise(0), Error, "not the code of a trap");
});

Deno.test("000/0.37 intrinsics are bound to their component instance and take typed table numbers", () => {
  using engine = new Engine();
  using store = new Store(engine);
  const [one, other] = [setUp(store), setUp(store)];
  const type = { name: "file", definedBy: undefined }, handles = new HandleTable();
  const [first, second] = [one, other].map(({ context }) => context.defineResources(handles, type));
  assertEquals([first, second], [0, 0]);
  const unrelated = one.context.defineResources(handles, { name: "socket", definedBy: undefined });
  const index = call(one.builtins.resource_new32, first, 31) as number;
  assertEquals(call(one.builtins.resource_rep32, first, index), 31);
  assertEquals(call(other.builtins.resource_rep32, second, index), 31);
  assertEquals(assertThrows(() => call(one.builtins.resource_rep32, unrelated, index), Trap).code, "wrong_handle_type");
  assertThrows(() => call(other.builtins.resource_rep32, unrelated, index), Error, "no table 1");
});
