/** An engine and a store for a test, and V8's instance of the same module as an oracle. */

import { Engine, type EngineConfig, type Imports, Instance, Module, Store, type StoreOptions } from "../../mod.ts";
import { wat } from "../wat.ts";

/** An engine with a store; disposes both. */
export class Sandbox implements Disposable {
  readonly engine: Engine;
  readonly store: Store;

  constructor(config: EngineConfig = {}, options: StoreOptions = {}) {
    this.engine = new Engine(config);
    this.store = new Store(this.engine, options);
  }

  /** Compiles text. */
  module(text: string): Module {
    return new Module(this.engine, wat(text));
  }

  /** Compiles and instantiates text. */
  instance(text: string, imports: Imports = {}): Instance {
    return new Instance(this.store, this.module(text), imports);
  }

  [Symbol.dispose](): void {
    this.store.close();
    this.engine[Symbol.dispose]();
  }
}

/** The exports of V8's instance of the same text. */
// deno-lint-ignore no-explicit-any -- as WebAssembly.Instance's own
export function v8Exports(text: string, imports: WebAssembly.Imports = {}): Record<string, any> {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports).exports;
}

/** What a call came to: its value, or the class and, for errors of JavaScript's own, nothing more. */
export function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return `throws ${(error as Error).constructor.name}`;
  }
}
