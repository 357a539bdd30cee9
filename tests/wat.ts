/** WebAssembly text to bytes, for tests only: the project's own text format comes later, so wabt serves. */

import initWabt from "npm:wabt@1.0.39";

const FEATURES = {
  multi_value: true,
  mutable_globals: true,
  bulk_memory: true,
  reference_types: true,
  extended_const: true,
  tail_call: true,
  exceptions: true,
  simd: true,
};

// deno-lint-ignore no-explicit-any -- the package brings no types
const wabt = await (initWabt as any)();

/** The binary form of a module in text form, with a name section. */
export function wat(text: string): Uint8Array<ArrayBuffer> {
  const module = wabt.parseWat("test.wat", text, FEATURES);
  try {
    module.resolveNames();
    return new Uint8Array(module.toBinary({ write_debug_names: true }).buffer);
  } finally {
    module.destroy();
  }
}
