/** Tables of handles, and the builtins that work on them (SEEDS 0.29 to 0.35, 0.T1 to 0.T3). */

import { assertEquals, assertThrows } from "@std/assert";
import type { TrapName } from "../../../lib/abi/mod.ts";
import { type ComponentBuiltinName } from "../../../lib/abi/mod.ts";
import {
  ComponentContext,
  CopyEnd,
  createIntrinsics,
  ErrorContext,
  HandleTable,
  type IntrinsicName,
  type ResourceType,
} from "../../../lib/component/mod.ts";
import { Engine, Store, Trap } from "../../../mod.ts";

/** Two instances, a resource that the second defines, and calls of intrinsics through their functions. */
function setUp(test: (world: ReturnType<typeof makeWorld>) => void): void {
  using engine = new Engine();
  using store = new Store(engine);
  test(makeWorld(store));
}

function makeWorld(store: Store) {
  const context = new ComponentContext();
  const intrinsics = createIntrinsics(store, context);
  const user = new HandleTable(), definer = new HandleTable(), other = new HandleTable();
  const destroyed: number[] = [];
  const type: ResourceType = { name: "file", definedBy: definer, destructor: (rep) => void destroyed.push(rep) };
  const socket: ResourceType = { name: "socket", definedBy: definer };
  return {
    context,
    handles: { user, definer, other },
    type,
    destroyed,
    files: {
      user: context.defineResources(user, type),
      definer: context.defineResources(definer, type),
      other: context.defineResources(other, type),
    },
    sockets: context.defineResources(user, socket),
    call: (name: IntrinsicName, ...args: number[]) =>
      (intrinsics[name].callable as (...args: number[]) => number | bigint)(...args),
  };
}

function assertTrap(code: TrapName, run: () => unknown): void {
  assertEquals(assertThrows(run, Trap).code, code);
}

Deno.test("000/0.29 resource_new32 gives an index in its type's table", () => {
  setUp(({ call, files, sockets, handles }) => {
    assertEquals(call("resource_new32", files.user, 100), 1);
    assertEquals(call("resource_new32", sockets, 200), 2);
    assertEquals(call("resource_new32", files.other, 300), 1);
    assertEquals(handles.user.size, 2);
    assertTrap("wrong_handle_type", () => call("resource_rep32", files.user, 2));
    // A freed index is given out next; index 0 never is.
    call("resource_drop", files.user, 1);
    assertEquals(call("resource_new32", files.user, 400), 1);
    assertTrap("unknown_handle", () => call("resource_rep32", files.user, 0));
  });
  const context = new ComponentContext(), full = new HandleTable(2);
  const table = context.defineResources(full, { name: "file", definedBy: undefined });
  context.resourceNew(table, 1);
  context.resourceNew(table, 2);
  assertTrap("handle_table_full", () => context.resourceNew(table, 3));
});

Deno.test("000/0.30 resource_rep32 gives the representation back, all 32 bits of it", () => {
  setUp(({ call, files }) => {
    for (const rep of [0, 1, 0x7fff_ffff, 0xffff_ffff]) {
      const index = call("resource_new32", files.user, rep) as number;
      assertEquals(call("resource_rep32", files.user, index) as number >>> 0, rep);
    }
    assertTrap("unknown_handle", () => call("resource_rep32", files.user, 99));
    assertTrap("unknown_handle", () => call("resource_rep32", files.user, 0xffff_ffff));
  });
});

Deno.test("000/0.31 resource_drop removes the handle: an owning one is to be destroyed, a borrowed one not", () => {
  setUp(({ call, files, context, destroyed, handles }) => {
    const own = call("resource_new32", files.user, 7) as number;
    assertEquals(call("resource_drop", files.user, own), 15n);
    assertTrap("unknown_handle", () => call("resource_drop", files.user, own));
    const lent = call("resource_new32", files.user, 8) as number;
    call("resource_enter_call");
    const borrowed = call("resource_transfer_borrow", lent, files.user, files.other) as number;
    assertTrap("resource_lent", () => call("resource_drop", files.user, lent));
    assertEquals(call("resource_drop", files.other, borrowed), 0n);
    assertEquals(handles.other.size, 0);
    call("resource_exit_call");
    assertEquals(destroyed, []);
    context.resourceDropAndDestroy(files.user, lent);
    assertEquals(destroyed, [8]);
  });
});

Deno.test("000/0.32 resource_transfer_own moves a handle to another table", () => {
  setUp(({ call, files, sockets, handles }) => {
    const index = call("resource_new32", files.user, 70) as number;
    assertTrap("wrong_handle_type", () => call("resource_transfer_own", index, sockets, files.other));
    const moved = call("resource_transfer_own", index, files.user, files.other) as number;
    assertTrap("unknown_handle", () => call("resource_rep32", files.user, index));
    assertEquals(call("resource_rep32", files.other, moved), 70);
    assertEquals([handles.user.size, handles.other.size], [0, 1]);
    // Neither what is lent nor what is borrowed can be given away, and both stay.
    call("resource_enter_call");
    const borrowed = call("resource_transfer_borrow", moved, files.other, files.user) as number;
    assertTrap("resource_lent", () => call("resource_transfer_own", moved, files.other, files.user));
    assertTrap("resource_not_owned", () => call("resource_transfer_own", borrowed, files.user, files.other));
    assertEquals([handles.user.size, handles.other.size], [1, 1]);
  });
});

Deno.test("000/0.33 resource_transfer_borrow lends a handle; whoever defines the resource gets its representation", () => {
  setUp(({ call, files, handles }) => {
    const index = call("resource_new32", files.user, 55) as number;
    call("resource_enter_call");
    assertEquals(call("resource_transfer_borrow", index, files.user, files.definer), 55);
    assertEquals(handles.definer.size, 0);
    const borrowed = call("resource_transfer_borrow", index, files.user, files.other) as number;
    assertEquals(call("resource_rep32", files.other, borrowed), 55);
    assertEquals(call("resource_rep32", files.user, index), 55);
    // What is borrowed can be lent on, by a call inside.
    call("resource_enter_call");
    assertEquals(call("resource_transfer_borrow", borrowed, files.other, files.definer), 55);
    assertTrap("resource_lent", () => call("resource_drop", files.other, borrowed));
    call("resource_exit_call");
    call("resource_drop", files.other, borrowed);
    call("resource_exit_call");
    assertEquals(call("resource_drop", files.user, index), 111n);
  });
});

Deno.test("000/0.34 resource_enter_call begins a scope, in which lends and borrows are counted", () => {
  setUp(({ call, files, context }) => {
    const index = call("resource_new32", files.user, 1) as number;
    assertThrows(() => call("resource_transfer_borrow", index, files.user, files.other), Error, "lent to a call");
    call("resource_enter_call");
    call("resource_enter_call");
    assertEquals(context.depth, 2);
    call("resource_transfer_borrow", index, files.user, files.definer);
    assertTrap("resource_lent", () => call("resource_drop", files.user, index));
    // The inner call was lent it, and gives it back; the outer knows nothing of it.
    call("resource_exit_call");
    assertEquals(context.depth, 1);
    assertEquals(call("resource_drop", files.user, index), 3n);
    call("resource_exit_call");
  });
});

Deno.test("000/0.35 resource_exit_call is an error while borrowed handles remain", () => {
  setUp(({ call, files }) => {
    const index = call("resource_new32", files.user, 1) as number;
    call("resource_enter_call");
    const one = call("resource_transfer_borrow", index, files.user, files.other) as number;
    const two = call("resource_transfer_borrow", index, files.user, files.other) as number;
    call("resource_drop", files.other, one);
    assertTrap("borrows_remain", () => call("resource_exit_call"));
    call("resource_drop", files.other, two);
    assertEquals(call("resource_exit_call"), 1);
    assertThrows(() => call("resource_exit_call"), Error, "has begun");
    assertEquals(call("resource_drop", files.user, index), 3n);
  });
});

/** Tables of a kind of channel in two instances, and a readable end in the first. */
function channels(kind: "future" | "stream", world: ReturnType<typeof makeWorld>) {
  const { context, handles } = world;
  const payload = { name: "u8" };
  const define = (table: HandleTable, type: object) =>
    kind === "future" ? context.defineFutures(table, type) : context.defineStreams(table, type);
  const end = new CopyEnd({ kind, payload }, "readable");
  return {
    end,
    index: handles.user.add(end),
    user: define(handles.user, payload),
    other: define(handles.other, payload),
    unlike: define(handles.user, { name: "string" }),
    transfer: `${kind}_transfer` as IntrinsicName & ComponentBuiltinName,
  };
}

for (const [row, kind] of [["0.T1", "future"], ["0.T2", "stream"]] as const) {
  const name =
    `000/${row} ${kind}_transfer moves the readable end, which only an idle one outside of waitable sets lets happen`;
  Deno.test(name, () => {
    setUp((world) => {
      const { end, index, user, other, unlike, transfer } = channels(kind, world);
      const { call, handles, files } = world;
      for (const state of ["copying", "cancelling", "done"] as const) {
        end.state = state;
        assertTrap("end_not_idle", () => call(transfer, index, user, other));
      }
      end.state = "idle";
      end.waitableSet = {};
      assertTrap("end_in_waitable_set", () => call(transfer, index, user, other));
      end.waitableSet = undefined;
      assertTrap("wrong_handle_type", () => call(transfer, index, unlike, other));
      assertTrap("unknown_handle", () => call(transfer, 5, user, other));
      const writable = handles.user.add(new CopyEnd(end.channel, "writable"));
      assertTrap("wrong_handle_type", () => call(transfer, writable, user, other));
      const file = call("resource_new32", files.user, 1) as number;
      assertTrap("wrong_handle_type", () => call(transfer, file, user, other));

      const moved = call(transfer, index, user, other) as number;
      assertTrap("unknown_handle", () => call(transfer, index, user, other));
      const arrived = handles.other.get(moved) as CopyEnd;
      assertEquals([arrived.channel === end.channel, arrived.side, arrived.state], [true, "readable", "idle"]);
    });
  });
}

Deno.test("000/0.T1 future_transfer refuses a stream", () => {
  setUp((world) => {
    const { index } = channels("stream", world);
    const { user, other } = channels("future", world);
    assertTrap("wrong_handle_type", () => world.call("future_transfer", index, user, other));
  });
});

Deno.test("000/0.T2 stream_transfer refuses a future", () => {
  setUp((world) => {
    const { index } = channels("future", world);
    const { user, other } = channels("stream", world);
    assertTrap("wrong_handle_type", () => world.call("stream_transfer", index, user, other));
  });
});

Deno.test("000/0.T3 error_context_transfer copies a handle that counts", () => {
  setUp(({ call, context, handles, files }) => {
    const user = context.defineErrorContexts(handles.user), other = context.defineErrorContexts(handles.other);
    const error = new ErrorContext("no such file");
    const index = context.errorContextNew(user, error);
    const copy = call("error_context_transfer", index, user, other) as number;
    assertEquals([error.references, handles.user.size, handles.other.size], [2, 1, 1]);
    const again = call("error_context_transfer", index, user, other) as number;
    assertEquals([copy, again, error.references], [1, 2, 3]);
    context.errorContextDrop(user, index);
    assertTrap("unknown_handle", () => call("error_context_transfer", index, user, other));
    context.errorContextDrop(other, copy);
    assertEquals([error.message, error.references], ["no such file", 1]);
    context.errorContextDrop(other, again);
    assertEquals([error.message, error.references], [undefined, 0]);
    const file = call("resource_new32", files.user, 1) as number;
    assertTrap("wrong_handle_type", () => call("error_context_transfer", file, user, other));
  });
});
