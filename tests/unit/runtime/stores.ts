/** A store without modules, for tests of single objects. */

import type { CompiledModule } from "../../../lib/abi/mod.ts";
import { compileModule } from "../../../lib/compile/mod.ts";
import { EngineState, loadCode, ModuleState, StoreState } from "../../../lib/runtime/mod.ts";
import { ALL_FEATURES, decodeModule, type Module, validateModule } from "../../../lib/wasm/mod.ts";

const OPTIONS = { bounds: "guard", cpuFeatures: 0, effort: "speed" } as const;

/** Compiles bytes without an engine. */
export function compile(bytes: Uint8Array): { module: Module; compiled: CompiledModule } {
  const module = decodeModule(bytes, ALL_FEATURES);
  validateModule(module);
  return { module, compiled: compileModule(module, OPTIONS) };
}

/** An engine that compiles thunks for functions without parameters and results, whatever type they are asked for. */
export function makeEngine(): EngineState {
  const thunks = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0);
  return new EngineState({ bounds: "guard" }, () => compile(thunks).compiled);
}

/** A new store in a new engine, closed with the test. */
export function makeStore(): StoreState & Disposable {
  const store = new StoreState(makeEngine());
  return Object.assign(store, { [Symbol.dispose]: () => store.close() });
}

/** A module in a store's engine. */
export function makeModule(store: StoreState, bytes: Uint8Array): ModuleState {
  const { module, compiled } = compile(bytes);
  return new ModuleState(store.engine, module, compiled);
}

export { loadCode };
