/** A Worker of threads_test.ts: instantiates a module over a shared memory and makes the calls it is told to. */

import { Engine, Instance, Memory, Module, SharedMemory, Store, Trap } from "../../mod.ts";

/** What the Worker is to do. */
export interface Task {
  /** A module, or its artifact. */
  readonly bytes: Uint8Array;
  readonly form: "module" | "artifact";
  /** A posted SharedMemory: what the module imports as "m" "memory". */
  readonly shared: unknown;
  readonly bounds: "guard" | "explicit";
  /** Whether the store gives out an interruption handle, which makes waits come in slices. */
  readonly waits?: "interruptible";
  /** Exports to call one after the other, with their arguments. */
  readonly calls: readonly (readonly [name: string, ...args: unknown[]])[];
}

/** What the Worker posts: first an interruption handle if it gives one out, then the outcomes. */
export type Answer = { readonly handle: unknown } | { readonly outcomes: readonly unknown[] };

// deno-lint-ignore no-explicit-any -- the type of a Worker's global is not in this library
const scope = globalThis as any;
scope.onmessage = ({ data }: MessageEvent<Task>) => {
  using engine = new Engine({ bounds: data.bounds });
  using store = new Store(engine);
  const module = data.form === "artifact"
    ? Module.deserialize(engine, data.bytes, { trusted: true })
    : new Module(engine, data.bytes);
  const memory = Memory.fromShared(store, SharedMemory.from(data.shared));
  const { exports } = new Instance(store, module, { m: { memory } });
  scope.postMessage({ handle: data.waits === "interruptible" ? store.interruptHandle() : undefined });
  const outcomes = data.calls.map(([name, ...args]) => {
    try {
      return exports[name](...args);
    } catch (error) {
      return error instanceof Trap ? `trap ${error.code}` : String(error);
    }
  });
  scope.postMessage({ outcomes });
};
