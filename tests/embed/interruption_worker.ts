/** Runs a guest with a deadline for ever, that is until it is terminated. */

import { Engine, Instance, Module, Store } from "../../mod.ts";
import { wat } from "../wat.ts";

const engine = new Engine({ interruption: true });
const store = new Store(engine);
const module = new Module(engine, wat(`(module (func (export "spin") (loop (br 0))))`));
const spin = new Instance(store, module).func("spin")!;
const scope = self as unknown as { postMessage(message: string): void };
setTimeout(() => {
  scope.postMessage("ready");
  spin.call([], { timeout: 300, onDeadline: () => undefined });
}, 0);
