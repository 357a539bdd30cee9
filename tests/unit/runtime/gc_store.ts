/** Stores with types and guests for tests of the heap: engine, store, and the store's state. */

import { Engine, type EngineConfig, Instance, Module, Store, type StoreLimits } from "../../../mod.ts";
import { storeOf } from "../../../lib/engine/store.ts";
import { type GcHeap, type StoreState, verifyHeap } from "../../../lib/runtime/mod.ts";
import { decodeModule, WASM3_FEATURES } from "../../../lib/wasm/mod.ts";
import { wat } from "../../wat.ts";

/** An engine with one store, disposed together; every collection is followed by a verification. */
export class HeapSandbox implements Disposable {
  readonly engine: Engine;
  readonly store: Store;
  readonly state: StoreState;
  readonly gc: GcHeap;
  /** What the verifier found. */
  readonly findings: string[] = [];
  collections = 0;

  constructor(config: EngineConfig = {}, limits: StoreLimits = {}) {
    this.engine = new Engine(config);
    this.store = new Store(this.engine, { limits });
    this.state = storeOf(this.store);
    this.gc = this.state.gc;
    // Before a collection too: there the cards and the log of stores have not been emptied.
    this.gc.onCollecting = () => this.verify();
    this.gc.onCollected = () => {
      this.collections++;
      this.verify();
    };
  }

  /** Canonical ids of the types of a module's text. */
  types(text: string): Int32Array {
    const ids = this.state.engine.registry.canonicalize(decodeModule(wat(`(module ${text})`), WASM3_FEATURES));
    this.gc.types.sync();
    return ids;
  }

  /** Runs the verifier. */
  verify(): void {
    this.findings.push(...verifyHeap(this.gc, this.state));
  }

  /** An instance of a module given as text. */
  instance(text: string, imports: Record<string, Record<string, unknown>> = {}): Instance {
    return new Instance(
      this.store,
      new Module(this.engine, wat(text)),
      imports as ConstructorParameters<typeof Instance>[2],
    );
  }

  [Symbol.dispose](): void {
    this.store.close();
    this.engine[Symbol.dispose]();
  }
}
